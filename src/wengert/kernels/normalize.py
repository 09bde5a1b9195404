"""Rows of a matrix to mean 0 and variance 1, forwards and backwards, by pieces that stay in the cache.

Sums of rows are products with a vector of ones: BLAS does them much faster than `add.reduce` does short rows. Whatever
a piece needs is written into room that is made once: fresh memory for each costs more than the arithmetic.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Array = Any

#: elements of a piece
_PIECE = 32768
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
    step = _rows_at_once(n)
    total = np.ones(min(step, rows), v.dtype)
    first, second = np.empty((2, min(step, rows), n), v.dtype)
    for i in range(0, rows, step):
        part = g[i : i + step]
        count = part.shape[0]
        ones = total[:count]
        if gb is not None:
            gb += np.dot(ones, part)
        if gv is None and gw is None:
            continue
        r = rstd[i : i + step]
        normal, room = first[:count], second[:count]
        np.subtract(v[i : i + step], mean[i : i + step], out=normal)
        normal *= r
        if gw is not None:
            gw += np.dot(ones, np.multiply(part, normal, out=room))
        if gv is None:
            continue
        out = gv[i : i + step]
        h = part if w is None else np.multiply(part, w, out=out)
        normal *= _mean_products(h, normal, room, average)
        normal += np.dot(h, average)[:, None]
        np.subtract(h, normal, out=out)
        out *= r
    return gv, gw, gb
