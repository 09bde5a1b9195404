"""Depthwise convolution on NumPy arrays, one input channel for each group: a multiply-add for each kernel element.

Short samples are taken one by one, with all their channels; of long ones (or many) each channel by itself, by BLAS.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from .windows import crop, finite, padded, tap_slice, taps

Array = Any

#: elements that fit into the processor's cache together with as many others
_IN_CACHE = 1 << 16
#: from so many elements in a channel on, BLAS is worth its calls
_LONG = 1 << 12


class Planes:
    """The padded input of a depthwise convolution as flat planes, one for each phase of the stride.

    In a flat plane the elements that a tap meets are one run, shifted by the tap's offset: so a tap is one multiply-add
    over long rows. The run of a window's row goes on through the gap to the next row; what is computed in the gaps is
    thrown away (or, in a gradient, zero).
    """

    __slots__ = ("elements", "length", "out", "shape", "steps", "stride", "taps")

    def __init__(self, size: Any, kernel: Any, out: Any, stride: Any, dilation: Any) -> None:
        self.stride, self.out = tuple(stride), tuple(out)
        self.shape = tuple(-(-n // s) for n, s in zip(size, stride, strict=True))
        self.steps = tuple(math.prod(self.shape[i + 1 :]) for i in range(len(self.shape)))
        self.length = sum((m - 1) * step for m, step in zip(out, self.steps, strict=True)) + 1
        self.elements = math.prod(self.shape)
        #: (tap, phase, offset in its plane)
        self.taps = []
        for tap in taps(kernel):
            at = [i * d for i, d in zip(tap, dilation, strict=True)]
            phase = tuple(i % s for i, s in zip(at, stride, strict=True))
            offset = sum(i // s * step for i, s, step in zip(at, stride, self.steps, strict=True))
            self.taps.append((tap, phase, offset))

    def _of(self, phase: Any) -> Any:
        return (Ellipsis, *(slice(a, None, s) for a, s in zip(phase, self.stride, strict=True)))

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


def depthwise(x: Array, w: Array, out: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """A multiply-add for each kernel element."""
    n, c = x.shape[:2]
    o, kernel = w.shape[0], w.shape[2:]
    many = o // c
    if is_long(x):
        return long_runs(x, w, out, stride, padding, dilation)
    x = padded(x, padding)
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


def _spread(how: Planes, g: Array) -> Array:
    """The gradient (*, *out) as runs (*, length), zero in the gaps."""
    flat = np.zeros((*g.shape[: g.ndim - len(how.out)], how.length), g.dtype)
    how.windows(flat)[...] = g
    return flat


def depthwise_input_back(g: Array, w: Array, size: Any, stride: Any, padding: Any, dilation: Any, channels: int) -> Array:
    """The transpose of `depthwise` in x: g (N, O, *P) -> (N, C, *size)."""
    n, o, *out = g.shape
    c, many, kernel = channels, o // channels, w.shape[2:]
    fine = finite(w)
    if fine and is_long(g):
        return long_runs_input_back(g, w, c, size, stride, padding, dilation)
    g, w = g.reshape(n, c, many, *out), w.reshape(c, many, *kernel)
    full = np.zeros((n, c, *(m + 2 * p for m, p in zip(size, padding, strict=True))), np.result_type(g, w))
    if not fine:
        _input_back_by_slices(full, g, w, out, stride, dilation)
        return crop(full, size, padding)
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
    return crop(full, size, padding)


def _input_back_by_slices(full: Array, g: Array, w: Array, out: Any, stride: Any, dilation: Any) -> None:
    """The same, touching nothing but what a window covers: infinite weights make no nan beside it."""
    ones = (1,) * len(out)
    for tap in taps(w.shape[2:]):
        term = g * w[(slice(None), slice(None), *tap)].reshape(1, *w.shape[:2], *ones)
        full[(slice(None), slice(None), *tap_slice(tap, out, stride, dilation))] += term.sum(2)


def depthwise_weight_back(x: Array, g: Array, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """The transpose of `depthwise` in w: x (N, C, *S), g (N, O, *P) -> (O, 1, *kernel)."""
    n, c = x.shape[:2]
    o, out = g.shape[1], g.shape[2:]
    many = o // c
    x = padded(x, padding)
    g = g.reshape(n, c, many, *out)
    total = np.zeros((c, many, *kernel), np.result_type(x, g))
    if total.dtype.kind == "c" or not finite(x):  # nothing may be read but what a window covers
        spatial = "xyz"[: len(kernel)]
        for tap in taps(kernel):
            piece = x[(slice(None), slice(None), *tap_slice(tap, out, stride, dilation))]
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


# ---------------------------------------------------------------- long runs: BLAS, channel by channel


def is_long(x: Array) -> bool:
    """Whether a channel of x (N, C, *S) has many elements, of a dtype that BLAS knows."""
    return x.size >= _LONG * x.shape[1] and x.dtype.char in "fdFD"


@cache
def _axpy(dtype: Any) -> Any:
    """`axpy(x, y, n, a, x's offset, 1, y's offset)` adds a * x to y, n elements of contiguous vectors."""
    from scipy.linalg import get_blas_funcs

    return get_blas_funcs("axpy", dtype=dtype)


class Channel(Planes):
    """The same planes for some samples of one channel: their runs are one, which goes on from sample to sample."""

    __slots__ = ("full", "inner", "samples")

    def __init__(self, n: int, size: Any, kernel: Any, out: Any, stride: Any, padding: Any, dilation: Any, dtype: Any) -> None:
        whole = tuple(m + 2 * p for m, p in zip(size, padding, strict=True))
        super().__init__(whole, kernel, out, stride, dilation)
        self.samples = max(1, min(n, _IN_CACHE // max(self.elements, 1)))
        self.full = np.zeros((1, self.samples, *whole), dtype)
        self.inner = (0, slice(None), *(slice(p, p + m) for m, p in zip(size, padding, strict=True)))

    def pieces(self, n: int, channels: int) -> Iterator[tuple[tuple[slice, int], Array, int]]:
        """(some samples and a channel, room for them padded, the length of their run), until all had their turn."""
        for i in range(0, n, self.samples):
            count = min(self.samples, n - i)
            for j in range(channels):
                yield (slice(i, i + count), j), self.full[:, :count], (count - 1) * self.elements + self.length

    def spread(self, g: Array) -> Array:
        """The gradient (n, *out) as one run, zero in the gaps."""
        flat = np.zeros((len(g), self.elements), g.dtype)
        self.windows(flat)[...] = g
        return flat.reshape(-1)


def long_runs(x: Array, w: Array, out: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """`depthwise`."""
    n, c = x.shape[:2]
    o, kernel = w.shape[0], w.shape[2:]
    y = np.empty((n, c, o // c, *out), x.dtype)
    how = Channel(n, x.shape[2:], kernel, out, stride, padding, dilation, x.dtype)
    axpy, factors = _axpy(x.dtype), w.reshape(c, o // c, -1).tolist()
    for (part, j), full, length in how.pieces(n, c):
        full[how.inner] = x[part, j]
        planes = {phase: plane.reshape(-1) for phase, plane in how.split(full).items()}
        for m, of_taps in enumerate(factors[j]):
            total = np.zeros((full.shape[1], how.elements), x.dtype)
            run = total.reshape(-1)
            for (_, phase, offset), factor in zip(how.taps, of_taps, strict=True):
                axpy(planes[phase], run, length, factor, offset)
            y[part, j, m] = how.windows(total)
    return y.reshape(n, o, *out)


def long_runs_input_back(g: Array, w: Array, c: int, size: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """`depthwise_input_back`."""
    n, o, *out = g.shape
    how = Channel(n, size, w.shape[2:], out, stride, padding, dilation, g.dtype)
    g = g.reshape(n, c, o // c, *out)
    gx = np.empty((n, c, *size), g.dtype)
    axpy, factors = _axpy(g.dtype), w.reshape(c, o // c, -1).tolist()
    for (part, j), full, length in how.pieces(n, c):
        full[...] = 0
        planes = how.split(full)
        flat = {phase: plane.reshape(-1) for phase, plane in planes.items()}
        for m, of_taps in enumerate(factors[j]):
            run = how.spread(g[part, j, m])
            for (_, phase, offset), factor in zip(how.taps, of_taps, strict=True):
                axpy(run, flat[phase], length, factor, 0, 1, offset)
        how.join(planes, full)
        gx[part, j] = full[how.inner]
    return gx
