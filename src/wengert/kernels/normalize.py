"""Rows of a matrix to mean 0 and variance 1, forwards and backwards, by pieces that stay in the cache.

Sums of rows are products with a vector of ones: BLAS does them much faster than `add.reduce` does short rows. Whatever
a piece needs is written into room that is made once: fresh memory for each costs more than the arithmetic.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from .room import room_for

Array = Any

#: elements of a piece
_PIECE = 1 << 17
#: from so many elements on, pieces with an affine map of channels are worth their calls
LARGE = 1 << 15
#: rows from this length on are multiplied one by one: BLAS's dot needs no array of products
_LONG = 128


@lru_cache(maxsize=32)
def averaging(n: int, dtype: Any) -> Array:
    """A vector of 1 / n: its product with a row is the row's mean."""
    return np.full(n, 1 / max(n, 1), dtype)


def _rows_at_once(n: int) -> int:
    return max(1, _PIECE // max(n, 1))


def _mean_products(a: Array, b: Array, room: Array, ones: Array) -> Array:
    """The mean of a * b for each row, as a column."""
    n = a.shape[1]
    if n >= _LONG:
        m = np.vecdot(a, b)
        m *= a.dtype.type(1 / n)
    else:
        m = np.dot(np.multiply(a, b, out=room[: a.shape[0]]), ones)
    return m[:, None]


def forward(v: Array, w: Array | None, b: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """(result, means, 1 / standard deviations) of the rows of v (r, n); w and b of (n,) or None. One float dtype."""
    rows, n = v.shape
    kind = v.dtype.type
    ones = averaging(n, v.dtype)
    step = _rows_at_once(n)
    room = np.empty((min(step, rows), n) if n < _LONG else (0, n), v.dtype)
    if rows <= step:
        m = np.dot(v, ones)[:, None]
        y = v - m
        r = _scale(y, room, ones, kind(eps))
        y *= r
        if w is not None:
            y *= w
        if b is not None:
            y += b
        return y, m, r
    y = np.empty((rows, n), v.dtype)
    mean, rstd = np.empty((rows, 1), v.dtype), np.empty((rows, 1), v.dtype)
    for i in range(0, rows, step):
        part, out = v[i : i + step], y[i : i + step]
        m = np.dot(part, ones)[:, None]
        np.subtract(part, m, out=out)
        r = _scale(out, room, ones, kind(eps))
        out *= r
        if w is not None:
            out *= w
        if b is not None:
            out += b
        mean[i : i + step], rstd[i : i + step] = m, r
    return y, mean, rstd


def _scale(centered: Array, room: Array, ones: Array, eps: Any) -> Array:
    """1 / standard deviations of rows of mean 0, as a column."""
    r = _mean_products(centered, centered, room, ones)
    r += eps
    np.sqrt(r, out=r)
    return np.divide(eps.dtype.type(1), r, out=r)


def backward(
    g: Array, v: Array, w: Array | None, mean: Array, rstd: Array, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `forward` in v, w and b for g (r, n)."""
    rows, n = v.shape
    gv = np.empty((rows, n), v.dtype) if needs[0] else None
    gw = np.zeros(n, v.dtype) if needs[1] else None
    gb = np.zeros(n, v.dtype) if needs[2] else None
    average = averaging(n, v.dtype)
    weights = average if w is None else average * w
    step = _rows_at_once(n)
    total = np.ones(min(step, rows), v.dtype)
    first, second = room_for((2, min(step, rows), n), v.dtype, "normalize")
    for i in range(0, rows, step):
        part = g[i : i + step]
        count = part.shape[0]
        if gb is not None:
            gb += np.dot(total[:count], part)
        if gv is None and gw is None:
            continue
        r = rstd[i : i + step]
        centered, products = first[:count], second[:count]
        np.subtract(v[i : i + step], mean[i : i + step], out=centered)
        np.multiply(part, centered, out=products)
        if gw is not None:
            gw += np.dot(r[:, 0], products)
        if gv is None:
            continue
        out = gv[i : i + step]
        slope = np.dot(products, weights)
        slope *= r[:, 0]
        slope *= r[:, 0]
        centered *= slope[:, None]
        centered += np.dot(part, weights)[:, None]
        np.subtract(part if w is None else np.multiply(part, w, out=out), centered, out=out)
        out *= r
    return gv, gw, gb


# ---------------------------------------------------------------- an affine map with a number for each channel


def forward_groups(v: Array, w: Array | None, b: Array | None, channels: int, eps: float) -> tuple[Array, Array, Array]:
    """`forward` for the groups v (samples, groups, n) of so many channels in all; w and b of (channels,) or None."""
    samples, groups, n = v.shape
    rows, many = v.reshape(-1, n), channels // groups
    kind = v.dtype.type
    ones = averaging(n, v.dtype)
    y = np.empty(rows.shape, v.dtype)
    mean, rstd = np.empty((2, len(rows), 1), v.dtype)
    step = _rows_at_once(n)
    room = np.empty((min(step, len(rows)), n) if n < _LONG else (0, n), v.dtype)
    w, b = (None if a is None else a.reshape(groups, many) for a in (w, b))
    for i in range(0, len(rows), step):
        part, out = rows[i : i + step], y[i : i + step]
        m = np.dot(part, ones)[:, None]
        np.subtract(part, m, out=out)
        r = _scale(out, room, ones, kind(eps))
        mean[i : i + step], rstd[i : i + step] = m, r
        each = out.reshape(len(out), many, -1)
        which = np.arange(i, i + len(out)) % groups
        each *= (r if w is None else r * w[which])[:, :, None]
        if b is not None:
            each += b[which][:, :, None]
    shape = (samples, groups, 1)
    return y.reshape(v.shape), mean.reshape(shape), rstd.reshape(shape)


def backward_groups(
    g: Array, v: Array, w: Array | None, mean: Array, rstd: Array, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `forward_groups` for g and v (samples, groups, channels of a group, n)."""
    samples, groups, many, n = v.shape
    kind, ones = v.dtype.type, np.ones(n, v.dtype)
    mean, rstd = mean.reshape(samples, groups, 1), rstd.reshape(samples, groups, 1)
    w = None if w is None else w.reshape(groups, many)
    gx = np.empty(v.shape, v.dtype) if needs[0] else None
    gw, gb = np.zeros((2, groups, many), v.dtype)
    step = max(1, _PIECE // max(groups * many * n, 1))
    room = room_for((min(step, samples), *v.shape[1:]), v.dtype, "normalize")
    for i in range(0, samples, step):
        piece = slice(i, i + step)
        part, r = g[piece], rstd[piece]
        centered = np.subtract(v[piece], mean[piece, :, :, None], out=room[: len(part)])
        of_w, of_b = np.vecdot(part, centered), np.dot(part, ones)
        gw += (of_w * r).sum(0)
        gb += of_b.sum(0)
        if gx is not None:
            scale = r
            if w is not None:
                of_w, of_b, scale = of_w * w, of_b * w, r * w
            share = r / kind(many * n)
            out = np.multiply(part, scale[..., None], out=gx[piece])
            centered *= (of_w.sum(2, keepdims=True) * (r * r * share))[..., None]
            centered += (of_b.sum(2, keepdims=True) * share)[..., None]
            out -= centered
    return gx, gw.reshape(-1) if needs[1] else None, gb.reshape(-1) if needs[2] else None


def backward_channels(
    g: Array, v: Array, w: Array | None, mean: Array, rstd: Array, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients where each channel of v (samples, channels, n) is normalized over the samples too."""
    samples, channels, n = v.shape
    step = max(1, _PIECE // max(channels * n, 1))
    pieces = [slice(i, i + step) for i in range(0, samples, step)]
    room = room_for((min(step, samples), channels, n), v.dtype, "normalize")
    of_w, of_b = np.zeros((2, 1, channels, 1), v.dtype)
    for piece in pieces:
        part = g[piece]
        centered = np.subtract(v[piece], mean, out=room[: len(part)])
        of_w += np.vecdot(part, centered).sum(0)[:, None]
        of_b += part.sum((0, 2))[:, None]
    gx = None
    if needs[0]:
        gx = np.empty(v.shape, v.dtype)
        count = v.dtype.type(samples * n)
        scale = rstd if w is None else rstd * w.reshape(rstd.shape)
        slope, shift = of_w * (rstd * rstd / count) * scale, of_b / count * scale
        for piece in pieces:
            out = np.multiply(g[piece], scale, out=gx[piece])
            centered = np.subtract(v[piece], mean, out=room[: len(out)])
            centered *= slope
            centered += shift
            out -= centered
    return gx, (of_w * rstd).reshape(-1) if needs[1] else None, of_b.reshape(-1) if needs[2] else None
