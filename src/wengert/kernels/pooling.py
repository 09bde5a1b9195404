"""The maxima of windows on NumPy arrays, and where they are: one pass over the output for each kernel element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .windows import tap_slice

Array = Any


def pool_size(size: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> int:
    """How many windows; with `ceil_mode` a last incomplete one counts, if it starts inside the input."""
    span = size + 2 * p - d * (k - 1) - 1
    out = (-(-span // s) if ceil_mode else span // s) + 1
    if ceil_mode and (out - 1) * s >= size + p:
        out -= 1
    return out


@lru_cache(maxsize=64)
def _plan(size: tuple[int, ...], k: Any, s: Any, p: Any, d: Any, ceil_mode: bool) -> tuple[Any, Any, Any]:
    """(padded size or None, where the input is in it, a (slices, numbers, inside) for each kernel element).

    The slices give the inputs that meet the kernel element, `numbers` their flat numbers in the input, `inside` tells
    which of them are inside it (None: all).
    """
    out = tuple(pool_size(*geometry, ceil_mode) for geometry in zip(size, k, s, p, d, strict=True))
    reach = tuple((m - 1) * b + (a - 1) * e + 1 for m, a, b, e in zip(out, k, s, d, strict=True))
    full, place = None, None
    if any(p) or any(r > n for r, n in zip(reach, size, strict=True)):
        full = tuple(max(n + 2 * c, r) for n, c, r in zip(size, p, reach, strict=True))
        place = (..., *(slice(c, c + n) for c, n in zip(p, size, strict=True)))
    taps = []
    for tap in np.ndindex(*k):
        numbers, inside = _numbers(tap, out, size, s, p, d)
        taps.append(((..., *tap_slice(tap, out, s, d)), numbers, inside))
    return full, place, tuple(taps)


def _numbers(tap: Any, out: Any, size: Any, s: Any, p: Any, d: Any) -> tuple[Array, Array | None]:
    number: Any = 0
    inside: Any = None
    dims = len(size)
    for i in range(dims):
        at = np.arange(out[i]) * s[i] - p[i] + tap[i] * d[i]
        at = at.reshape(-1, *(1,) * (dims - 1 - i))
        if at.min() < 0 or at.max() >= size[i]:
            valid = (at >= 0) & (at < size[i])
            inside = valid if inside is None else inside & valid
        number = number * size[i] + at
    return number, inside


def _lowest(dtype: Any) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _surrounded(x: Array, full: Any, place: Any) -> Array:
    if full is None:
        return x
    out = np.full((*x.shape[: x.ndim - len(full)], *full), _lowest(x.dtype), x.dtype)
    out[place] = x
    return out


def _largest(x: Array, taps: Sequence[Any]) -> Array:
    best = x[taps[0][0]].copy()
    for where, _, _ in taps[1:]:
        np.maximum(best, x[where], out=best)
    return best


def max_values(x: Array, *, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Array:
    """The maxima of windows of the last dimensions."""
    size = x.shape[x.ndim - len(kernel_size) :]
    full, place, taps = _plan(size, kernel_size, stride, padding, dilation, ceil_mode)
    return _largest(_surrounded(x, full, place), taps)


def max_pool(x: Array, *, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Any:
    """(maxima, the numbers of their elements in the flattened spatial dimensions).

    Of equal elements the first counts; a nan wins, and of several the last.
    """
    size = x.shape[x.ndim - len(kernel_size) :]
    full, place, taps = _plan(size, kernel_size, stride, padding, dilation, ceil_mode)
    x = _surrounded(x, full, place)
    best = _largest(x, taps)
    if x.dtype.kind == "f" and (best != best).any():
        return best, _index_with_nan(x, best, taps)
    index = np.empty(best.shape, np.int64)
    index[...] = taps[0][1]
    if taps[0][2] is not None:
        np.copyto(index, -1, where=~taps[0][2])
        np.copyto(index, -1, where=x[taps[0][0]] != best)
    for where, numbers, inside in reversed(taps):
        hit = x[where] == best
        if inside is not None:
            hit &= inside
        np.copyto(index, numbers, where=hit)
    return best, index


def _index_with_nan(x: Array, best: Array, taps: Sequence[Any]) -> Array:
    index = np.full(best.shape, -1, np.int64)
    for where, numbers, inside in taps:
        piece = x[where]
        hit = ((piece == best) & (index < 0)) | (piece != piece)
        if inside is not None:
            hit &= inside
        np.copyto(index, numbers, where=hit)
    return index


# ---------------------------------------------------------------- the transpose


def apart(kernel_size: Any, stride: Any, dilation: Any) -> bool:
    """Whether windows never share an element."""
    return all(b >= (a - 1) * e + 1 for a, b, e in zip(kernel_size, stride, dilation, strict=True))


def max_pool_put(
    g: Array, index: Array, *, shape: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> Array:
    """Zeros of `shape` with each element of g added where the maximum of its window was; -1 is nowhere."""
    lead = g.ndim - len(kernel_size)
    size = shape[lead:]
    rows, count = math.prod(shape[:lead]), math.prod(size)
    if not g.size or not rows * count:
        return np.zeros(shape, g.dtype)
    numbers = index.reshape(rows, -1) + (np.arange(rows) * count)[:, None]
    numbers, g = numbers.reshape(-1), g.reshape(-1)
    missing = index < 0
    if missing.any():
        keep = ~missing.reshape(-1)
        numbers, g = numbers[keep], g[keep]
    if not apart(kernel_size, stride, dilation):
        return np.bincount(numbers, g, rows * count).astype(g.dtype, copy=False).reshape(shape)
    out = np.zeros(rows * count, g.dtype)
    out[numbers] = g
    return out.reshape(shape)
