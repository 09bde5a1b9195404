"""Convolution on NumPy arrays, any number of spatial dimensions: windows are copied side by side, then one product of
matrices does the work for each sample and group.

Layouts: input (N, C, *S), weight (O, C / groups, *K), output (N, O, *P). The three functions are each other's
transposes: `conv_forward` is linear in x and in w; `conv_input_back` is its transpose in x, `conv_weight_back` in w.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import wraps
from typing import Any

import numpy as np

from .room import room_for

Array = Any

#: the copied windows of a chunk of samples take at most this many bytes, if one sample's do
_CHUNK = 1 << 20
#: elements that fit into the processor's cache together with as many others
_IN_CACHE = 1 << 16


def out_size(size: Sequence[int], kernel: Sequence[int], stride: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
    """How many windows fit along each dimension."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def padded(x: Array, padding: Sequence[int]) -> Array:
    """`x` with zeros around its spatial dimensions, for the kernel that asks (see `room_for`)."""
    if not any(padding):
        return x
    lead = x.ndim - len(padding)
    shape = x.shape[:lead] + tuple(n + 2 * p for n, p in zip(x.shape[lead:], padding, strict=True))
    out = room_for(shape, x.dtype, "padded")
    out[...] = 0
    out[(..., *(slice(p, p + n) for n, p in zip(x.shape[lead:], padding, strict=True)))] = x
    return out


def windows(
    x: Array, kernel: Sequence[int], out: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Array:
    """A view (*lead, *kernel, *out) of the windows of the padded `x`."""
    lead = x.ndim - len(kernel)
    steps = x.strides[lead:]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:lead], *kernel, *out),
        (
            *x.strides[:lead],
            *(s * d for s, d in zip(steps, dilation, strict=True)),
            *(s * t for s, t in zip(steps, stride, strict=True)),
        ),
        writeable=False,
    )


def finite(x: Array) -> bool:
    """No nan and no infinity in `x`: then its products with the zeros of a border are zeros."""
    return bool(np.isfinite(np.add.reduce(x, None)))


def _plain(kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> bool:
    """A kernel of ones: the windows are the input itself."""
    return all(k == 1 for k in kernel) and all(s == 1 for s in stride) and not any(padding)


def _columns(x: Array, groups: int, kernel: Any, out: Any, stride: Any, dilation: Any, shared: bool = True) -> Array:
    """Windows of the padded x (n, C, *S), copied: (n, groups, C / groups * kernel size, number of windows)."""
    n, c = x.shape[:2]
    cols = room_for((n, c, *kernel, *out), x.dtype) if shared else np.empty((n, c, *kernel, *out), x.dtype)
    np.copyto(cols, windows(x, kernel, out, stride, dilation))
    return cols.reshape(n, groups, c // groups * math.prod(kernel), math.prod(out))


def _samples_at_once(c: int, kernel: Any, out: Any, itemsize: int, n: int) -> int:
    size = c * math.prod(kernel) * math.prod(out) * itemsize
    return max(1, min(n, _CHUNK // max(size, 1)))


def in_float32(kernel: Any) -> Any:
    """The kernel, with half precision numbers brought to float32 and back: sums of many terms need the room."""

    @wraps(kernel)
    def wider(x: Array, y: Array, **params: Any) -> Array:
        if x.dtype.itemsize < 4:
            return kernel(x.astype(np.float32), y.astype(np.float32), **params).astype(x.dtype)
        return kernel(x, y, **params)

    return wider


@in_float32
def conv_forward(x: Array, w: Array, *, stride: Any, padding: Any, dilation: Any, groups: int) -> Array:
    """Cross-correlation of x with w."""
    n, c = x.shape[:2]
    o, kernel = w.shape[0], w.shape[2:]
    out = out_size(x.shape[2:], kernel, stride, padding, dilation)
    matrices = w.reshape(groups, o // groups, -1)
    if _plain(kernel, stride, padding):
        y = np.matmul(matrices, x.reshape(n, groups, c // groups, math.prod(out)))
        return y.reshape(n, o, *out)
    x = padded(x, padding)
    if groups > 1 and c == groups:
        return _depthwise(x, w, out, stride, dilation)
    y = np.empty((n, groups, o // groups, math.prod(out)), np.result_type(x, w))
    step = _samples_at_once(c, kernel, out, x.itemsize, n)
    for i in range(0, n, step):
        np.matmul(matrices, _columns(x[i : i + step], groups, kernel, out, stride, dilation), out=y[i : i + step])
    return y.reshape(n, o, *out)


def _taps(kernel: Sequence[int]) -> Any:
    return np.ndindex(*kernel)


def _tap_slice(
    tap: Sequence[int], out: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[slice, ...]:
    """The elements of the padded input that meet kernel element `tap`, one for each window."""
    return tuple(
        slice(i * d, i * d + (m - 1) * s + 1, s) for i, m, s, d in zip(tap, out, stride, dilation, strict=True)
    )


# ---------------------------------------------------------------- depthwise: one input channel for each group


class Planes:
    """The padded input of a depthwise convolution as flat planes, one for each phase of the stride.

    In a flat plane the elements that a tap meets are one run, shifted by the tap's offset: so a tap is one multiply-add
    over long rows. The run of a window's row goes on through the gap to the next row; what is computed in the gaps is
    thrown away (or, in a gradient, zero).
    """

    __slots__ = ("length", "out", "shape", "steps", "stride", "taps")

    def __init__(self, size: Any, kernel: Any, out: Any, stride: Any, dilation: Any) -> None:
        self.stride, self.out = tuple(stride), tuple(out)
        self.shape = tuple(-(-n // s) for n, s in zip(size, stride, strict=True))
        self.steps = tuple(math.prod(self.shape[i + 1 :]) for i in range(len(self.shape)))
        self.length = sum((m - 1) * step for m, step in zip(out, self.steps, strict=True)) + 1
        #: (tap, phase, offset in its plane)
        self.taps = []
        for tap in _taps(kernel):
            at = [i * d for i, d in zip(tap, dilation, strict=True)]
            phase = tuple(i % s for i, s in zip(at, stride, strict=True))
            offset = sum(i // s * step for i, s, step in zip(at, stride, self.steps, strict=True))
            self.taps.append((tap, phase, offset))

    def _of(self, phase: Any) -> Any:
        return (Ellipsis, *(slice(a, None, s) for a, s in zip(phase, self.stride, strict=True)))

    def _all(self) -> int:
        return math.prod(self.shape)

    def split(self, x: Array) -> dict[Any, Array]:
        """phase -> its plane (n, c, elements)."""
        if all(s == 1 for s in self.stride):
            return {(0,) * len(self.stride): x.reshape(*x.shape[:2], -1)}
        planes = {}
        for _, phase, _ in self.taps:
            if phase not in planes:
                part = x[self._of(phase)]
                plane = np.zeros((*x.shape[:2], *self.shape), x.dtype)
                plane[(Ellipsis, *(slice(n) for n in part.shape[2:]))] = part
                planes[phase] = plane.reshape(*x.shape[:2], -1)
        return planes

    def join(self, planes: dict[Any, Array], full: Array) -> None:
        """The transpose of `split`, added into `full` (whose plane may be `full` itself)."""
        if all(s == 1 for s in self.stride):
            return
        for phase, plane in planes.items():
            part = full[self._of(phase)]
            part += plane.reshape(*full.shape[:2], *self.shape)[(Ellipsis, *(slice(n) for n in part.shape[2:]))]

    def windows(self, flat: Array) -> Array:
        """The view (*lead, *out) of (*lead, length)."""
        size = flat.itemsize
        return np.lib.stride_tricks.as_strided(
            flat, (*flat.shape[:-1], *self.out), (*flat.strides[:-1], *(step * size for step in self.steps))
        )


def _depthwise(x: Array, w: Array, out: Any, stride: Any, dilation: Any) -> Array:
    """A multiply-add for each kernel element."""
    n, c = x.shape[:2]
    o, kernel = w.shape[0], w.shape[2:]
    many = o // c
    how = Planes(x.shape[2:], kernel, out, stride, dilation)
    planes = how.split(x)
    y = np.empty((n, c, many, *out), np.result_type(x, w))
    w = w.reshape(c, many, *kernel)
    step = max(1, _IN_CACHE // max(how.length, 1))
    total, term = np.empty((2, min(step, c), how.length), y.dtype)
    for i in range(n):
        for j in range(0, c, step):
            count = min(step, c - j)
            sums, t = total[:count], term[:count]
            for m in range(many):
                for k, (tap, phase, offset) in enumerate(how.taps):
                    run = planes[phase][i, j : j + count, offset : offset + how.length]
                    factor = w[(slice(j, j + count), m, *tap)][:, None]
                    np.multiply(run, factor, out=t if k else sums)
                    if k:
                        sums += t
                y[i, j : j + count, m] = how.windows(sums)
    return y.reshape(n, o, *out)


def _spread(how: Planes, g: Array) -> Array:
    """The gradient (*, *out) as runs (*, length), zero in the gaps."""
    flat = np.zeros((*g.shape[: g.ndim - len(how.out)], how.length), g.dtype)
    how.windows(flat)[...] = g
    return flat


def _depthwise_input_back(full: Array, g: Array, w: Array, out: Any, stride: Any, dilation: Any) -> None:
    """The transpose of `_depthwise` in x, added into the padded array `full` of zeros."""
    n, c = full.shape[:2]
    kernel = w.shape[2:]
    many = w.shape[0] // c
    g = g.reshape(n, c, many, *out)
    if not finite(w):
        _input_back_by_slices(full, g, w.reshape(c, many, *kernel), out, stride, dilation)
        return
    w = w.reshape(c, many, *kernel)
    how = Planes(full.shape[2:], kernel, out, stride, dilation)
    planes = how.split(full)
    step = max(1, _IN_CACHE // max(how.length, 1))
    term = np.empty((min(step, c), how.length), full.dtype)
    for i in range(n):
        for j in range(0, c, step):
            t = term[: min(step, c - j)]
            for m in range(many):
                runs = _spread(how, g[i, j : j + step, m])
                for tap, phase, offset in how.taps:
                    np.multiply(runs, w[(slice(j, j + step), m, *tap)][:, None], out=t)
                    target = planes[phase][i, j : j + step, offset : offset + how.length]
                    target += t
    how.join(planes, full)


def _input_back_by_slices(full: Array, g: Array, w: Array, out: Any, stride: Any, dilation: Any) -> None:
    """The same, touching nothing but what a window covers: infinite weights make no nan beside it."""
    ones = (1,) * len(out)
    for tap in _taps(w.shape[2:]):
        term = g * w[(slice(None), slice(None), *tap)].reshape(1, *w.shape[:2], *ones)
        full[(slice(None), slice(None), *_tap_slice(tap, out, stride, dilation))] += term.sum(2)


def _depthwise_weight_back(x: Array, g: Array, kernel: Any, out: Any, stride: Any, dilation: Any) -> Array:
    """The transpose of `_depthwise` in w, for the padded x."""
    n, c = x.shape[:2]
    o = g.shape[1]
    many = o // c
    g = g.reshape(n, c, many, *out)
    total = np.zeros((c, many, *kernel), np.result_type(x, g))
    if total.dtype.kind == "c" or not finite(x):  # nothing may be read but what a window covers
        spatial = "xyz"[: len(kernel)]
        for tap in _taps(kernel):
            piece = x[(slice(None), slice(None), *_tap_slice(tap, out, stride, dilation))]
            total[(slice(None), slice(None), *tap)] = np.einsum(f"nc{spatial},ncm{spatial}->cm", piece, g)
        return total.reshape(o, 1, *kernel)
    how = Planes(x.shape[2:], kernel, out, stride, dilation)
    planes = how.split(x)
    step = max(1, _IN_CACHE // max(c * how.length, 1))
    for i in range(0, n, step):
        for m in range(many):
            runs = _spread(how, g[i : i + step, :, m])
            for tap, phase, offset in how.taps:
                run = planes[phase][i : i + step, :, offset : offset + how.length]
                total[(slice(None), m, *tap)] += np.vecdot(run, runs).sum(0)
    return total.reshape(o, 1, *kernel)


# ---------------------------------------------------------------- the transposes


@in_float32
def conv_input_back(
    g: Array, w: Array, *, size: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:
    """The transpose of `conv_forward` in x: g (N, O, *P) -> (N, C, *size). Also what a transposed convolution is."""
    n, o = g.shape[:2]
    c, kernel, out = w.shape[1] * groups, w.shape[2:], g.shape[2:]
    matrices = w.reshape(groups, o // groups, -1).transpose(0, 2, 1)
    rows = g.reshape(n, groups, o // groups, math.prod(out))
    if _plain(kernel, stride, padding) and tuple(size) == tuple(out):
        return np.matmul(matrices, rows).reshape(n, c, *size)
    if not (groups > 1 and c == groups) and o <= 4 * c and all(s == 1 for s in stride) and finite(w):
        border = tuple(d * (k - 1) - p for k, p, d in zip(kernel, padding, dilation, strict=True))
        if min(border) >= 0 and out_size(out, kernel, stride, border, dilation) == tuple(size):
            # copying windows is cheaper than adding them up: convolve with the flipped kernels
            flip = (Ellipsis, *(slice(None, None, -1),) * len(kernel))
            turned = w.reshape(groups, o // groups, c // groups, *kernel).swapaxes(1, 2)[flip]
            turned = np.ascontiguousarray(turned).reshape(c, o // groups, *kernel)
            return conv_forward(g, turned, stride=stride, padding=border, dilation=dilation, groups=groups)
    shape, kind = (n, c, *(m + 2 * p for m, p in zip(size, padding, strict=True))), np.result_type(g, w)
    full = room_for(shape, kind, "full") if any(padding) else np.empty(shape, kind)  # else it is the result
    full[...] = 0
    if groups > 1 and c == groups:
        _depthwise_input_back(full, g, w, out, stride, dilation)
        return crop(full, size, padding)
    step = _samples_at_once(c, kernel, out, g.itemsize, n)
    for i in range(0, n, step):
        cols = np.matmul(matrices, rows[i : i + step]).reshape(-1, c, *kernel, *out)
        _add_columns(full[i : i + step], cols, kernel, out, stride, dilation)
    return crop(full, size, padding)


def _add_columns(full: Array, cols: Array, kernel: Any, out: Any, stride: Any, dilation: Any) -> None:
    """Add windows (n, C, *kernel, *out) back into the padded array that they come from."""
    for tap in _taps(kernel):
        full[(slice(None), slice(None), *_tap_slice(tap, out, stride, dilation))] += cols[
            (slice(None), slice(None), *tap)
        ]


def crop(full: Array, size: Sequence[int], padding: Sequence[int]) -> Array:
    """Without the padding."""
    if not any(padding):
        return full
    return full[(slice(None), slice(None), *(slice(p, p + m) for m, p in zip(size, padding, strict=True)))].copy()


@in_float32
def conv_weight_back(
    x: Array, g: Array, *, kernel: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:
    """The transpose of `conv_forward` in w: x (N, C, *S), g (N, O, *P) -> (O, C / groups, *kernel)."""
    n, c = x.shape[:2]
    o, out = g.shape[1], g.shape[2:]
    rows = g.reshape(n, groups, o // groups, math.prod(out))
    # turned over: the long side in front is what BLAS does fastest
    total = np.zeros((groups, c // groups * math.prod(kernel), o // groups), np.result_type(x, g))
    plain = _plain(kernel, stride, padding)
    if plain:
        flat = x.reshape(n, groups, c // groups, -1)
    else:
        x = padded(x, padding)
        if groups > 1 and c == groups:
            return _depthwise_weight_back(x, g, kernel, out, stride, dilation)
    step = 1 if plain else _samples_at_once(c, kernel, out, x.itemsize, n)
    for i in range(0, n, step):
        cols = flat[i : i + step] if plain else _columns(x[i : i + step], groups, kernel, out, stride, dilation)
        for r, k in zip(rows[i : i + step], cols, strict=True):
            total += np.matmul(k, r.swapaxes(-1, -2))
    return np.ascontiguousarray(total.swapaxes(-1, -2)).reshape(o, c // groups, *kernel)


def im2col(x: Array, *, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Array:
    """Windows of (N, C, H, W) as columns: (N, C * kernel size, number of windows); without N too."""
    if x.ndim == 3:
        return im2col(x[None], kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)[0]
    n, c = x.shape[:2]
    out = out_size(x.shape[2:], kernel_size, stride, padding, dilation)
    return _columns(padded(x, padding), 1, kernel_size, out, stride, dilation, shared=False).reshape(
        n, c * math.prod(kernel_size), math.prod(out)
    )


def col2im(x: Array, *, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Array:
    """The transpose of `im2col`: overlapping windows add up."""
    if x.ndim == 2:
        x, given = x[None], dict(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
        return col2im(x, output_size=output_size, **given)[0]
    n = x.shape[0]
    c = x.shape[1] // math.prod(kernel_size)
    out = out_size(output_size, kernel_size, stride, padding, dilation)
    full = np.zeros((n, c, *(m + 2 * p for m, p in zip(output_size, padding, strict=True))), x.dtype)
    _add_columns(full, x.reshape(n, c, *kernel_size, *out), kernel_size, out, stride, dilation)
    return crop(full, output_size, padding)
