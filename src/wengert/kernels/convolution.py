"""Convolution on NumPy arrays, any number of spatial dimensions: windows are copied side by side, then one product of
matrices does the work for each sample and group.

Layouts: input (N, C, *S), weight (O, C / groups, *K), output (N, O, *P). The three functions are each other's
transposes: `conv_forward` is linear in x and in w; `conv_input_back` is its transpose in x, `conv_weight_back` in w.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any

#: the copied windows of a chunk of samples take at most this many bytes
_CHUNK = 1 << 22
#: elements that fit into the processor's cache together with as many others
_IN_CACHE = 1 << 16


def out_size(size: Sequence[int], kernel: Sequence[int], stride: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
    """How many windows fit along each dimension."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def padded(x: Array, padding: Sequence[int]) -> Array:
    """`x` with zeros around its spatial dimensions."""
    if not any(padding):
        return x
    lead = x.ndim - len(padding)
    shape = x.shape[:lead] + tuple(n + 2 * p for n, p in zip(x.shape[lead:], padding, strict=True))
    out = np.zeros(shape, x.dtype)
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


def _plain(kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> bool:
    """A kernel of ones: the windows are the input itself."""
    return all(k == 1 for k in kernel) and all(s == 1 for s in stride) and not any(padding)


def _columns(x: Array, groups: int, kernel: Any, out: Any, stride: Any, dilation: Any) -> Array:
    """Windows of the padded x (n, C, *S), copied: (n, groups, C / groups * kernel size, number of windows)."""
    n, c = x.shape[:2]
    cols = np.empty((n, c, *kernel, *out), x.dtype)
    np.copyto(cols, windows(x, kernel, out, stride, dilation))
    return cols.reshape(n, groups, c // groups * math.prod(kernel), math.prod(out))


def _samples_at_once(c: int, kernel: Any, out: Any, itemsize: int, n: int) -> int:
    size = c * math.prod(kernel) * math.prod(out) * itemsize
    return max(1, min(n, _CHUNK // max(size, 1)))


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


def _depthwise(x: Array, w: Array, out: Any, stride: Any, dilation: Any) -> Array:
    """One input channel for each group: a multiply-add for each kernel element."""
    n, c = x.shape[:2]
    o, kernel = w.shape[0], w.shape[2:]
    many = o // c
    y = np.zeros((n, c, many, *out), np.result_type(x, w))
    w = w.reshape(c, many, *kernel)
    ones = (1,) * len(kernel)
    taps = [
        (_tap_slice(tap, out, stride, dilation), w[(slice(None), slice(None), *tap)].reshape(1, c, many, *ones))
        for tap in _taps(kernel)
    ]
    step = max(1, _IN_CACHE // max(o * math.prod(out), 1))
    term = np.empty_like(y[:step])
    for i in range(0, n, step):
        part, total = x[i : i + step], y[i : i + step]
        for where, factor in taps:
            t = np.multiply(part[(slice(None), slice(None), None, *where)], factor, out=term[: total.shape[0]])
            total += t
    return y.reshape(n, o, *out)


def _depthwise_input_back(full: Array, g: Array, w: Array, out: Any, stride: Any, dilation: Any) -> None:
    """The transpose of `_depthwise` in x, added into the padded array `full`."""
    n, c = full.shape[:2]
    kernel = w.shape[2:]
    many = w.shape[0] // c
    g = g.reshape(n, c, many, *out)
    w = w.reshape(c, many, *kernel)
    ones = (1,) * len(kernel)
    step = max(1, _IN_CACHE // max(w.shape[0] * math.prod(out), 1))
    for i in range(0, n, step):
        part, total = g[i : i + step], full[i : i + step]
        for tap in _taps(kernel):
            term = part * w[(slice(None), slice(None), *tap)].reshape(1, c, many, *ones)
            total[(slice(None), slice(None), *_tap_slice(tap, out, stride, dilation))] += (
                term[:, :, 0] if many == 1 else term.sum(2)
            )


def _depthwise_weight_back(x: Array, g: Array, kernel: Any, out: Any, stride: Any, dilation: Any) -> Array:
    """The transpose of `_depthwise` in w, for the padded x."""
    n, c = x.shape[:2]
    o = g.shape[1]
    g = g.reshape(n, c, o // c, *out)
    total = np.empty((c, o // c, *kernel), np.result_type(x, g))
    spatial = "xyz"[: len(kernel)]
    sums = f"nc{spatial},ncm{spatial}->cm"
    for tap in _taps(kernel):
        piece = x[(slice(None), slice(None), *_tap_slice(tap, out, stride, dilation))]
        total[(slice(None), slice(None), *tap)] = np.einsum(sums, piece, g)
    return total.reshape(o, 1, *kernel)


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
    if not (groups > 1 and c == groups) and o <= 4 * c and all(s == 1 for s in stride):
        border = tuple(d * (k - 1) - p for k, p, d in zip(kernel, padding, dilation, strict=True))
        if min(border) >= 0 and out_size(out, kernel, stride, border, dilation) == tuple(size):
            # copying windows is cheaper than adding them up: convolve with the flipped kernels
            flip = (Ellipsis, *(slice(None, None, -1),) * len(kernel))
            turned = w.reshape(groups, o // groups, c // groups, *kernel).swapaxes(1, 2)[flip]
            turned = np.ascontiguousarray(turned).reshape(c, o // groups, *kernel)
            return conv_forward(g, turned, stride=stride, padding=border, dilation=dilation, groups=groups)
    full = np.zeros((n, c, *(m + 2 * p for m, p in zip(size, padding, strict=True))), np.result_type(g, w))
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


def conv_weight_back(
    x: Array, g: Array, *, kernel: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:
    """The transpose of `conv_forward` in w: x (N, C, *S), g (N, O, *P) -> (O, C / groups, *kernel)."""
    n, c = x.shape[:2]
    o, out = g.shape[1], g.shape[2:]
    rows = g.reshape(n, groups, o // groups, math.prod(out))
    total = np.zeros((groups, o // groups, c // groups * math.prod(kernel)), np.result_type(x, g))
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
            total += np.matmul(r, k.swapaxes(-1, -2))
    return total.reshape(o, c // groups, *kernel)


def im2col(x: Array, *, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Array:
    """Windows of (N, C, H, W) as columns: (N, C * kernel size, number of windows)."""
    n, c = x.shape[:2]
    out = out_size(x.shape[2:], kernel_size, stride, padding, dilation)
    return _columns(padded(x, padding), 1, kernel_size, out, stride, dilation).reshape(
        n, c * math.prod(kernel_size), math.prod(out)
    )


def col2im(x: Array, *, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Array:
    """The transpose of `im2col`: overlapping windows add up."""
    n = x.shape[0]
    c = x.shape[1] // math.prod(kernel_size)
    out = out_size(output_size, kernel_size, stride, padding, dilation)
    full = np.zeros((n, c, *(m + 2 * p for m, p in zip(output_size, padding, strict=True))), x.dtype)
    _add_columns(full, x.reshape(n, c, *kernel_size, *out), kernel_size, out, stride, dilation)
    return crop(full, output_size, padding)
