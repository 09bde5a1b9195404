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

from .depthwise import depthwise, depthwise_input_back, depthwise_weight_back
from .room import room_for
from .windows import crop, finite, out_size, padded, tap_slice, taps, windows

Array = Any

#: the copied windows of a chunk of samples take at most this many bytes, if one sample's do
_CHUNK = 1 << 20


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
    if groups > 1 and c == groups:
        return depthwise(x, w, out, stride, padding, dilation)
    x = padded(x, padding)
    y = np.empty((n, groups, o // groups, math.prod(out)), np.result_type(x, w))
    step = _samples_at_once(c, kernel, out, x.itemsize, n)
    for i in range(0, n, step):
        np.matmul(matrices, _columns(x[i : i + step], groups, kernel, out, stride, dilation), out=y[i : i + step])
    return y.reshape(n, o, *out)


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
    if groups > 1 and c == groups:
        return depthwise_input_back(g, w, size, stride, padding, dilation, c)
    shape, kind = (n, c, *(m + 2 * p for m, p in zip(size, padding, strict=True))), np.result_type(g, w)
    full = room_for(shape, kind, "full") if any(padding) else np.empty(shape, kind)  # else it is the result
    full[...] = 0
    step = _samples_at_once(c, kernel, out, g.itemsize, n)
    for i in range(0, n, step):
        cols = np.matmul(matrices, rows[i : i + step]).reshape(-1, c, *kernel, *out)
        _add_columns(full[i : i + step], cols, kernel, out, stride, dilation)
    return crop(full, size, padding)


def _add_columns(full: Array, cols: Array, kernel: Any, out: Any, stride: Any, dilation: Any) -> None:
    """Add windows (n, C, *kernel, *out) back into the padded array that they come from."""
    for tap in taps(kernel):
        full[(slice(None), slice(None), *tap_slice(tap, out, stride, dilation))] += cols[
            (slice(None), slice(None), *tap)
        ]


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
    elif groups > 1 and c == groups:
        return depthwise_weight_back(x, g, kernel, stride, padding, dilation)
    else:
        x = padded(x, padding)
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
