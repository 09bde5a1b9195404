"""Rows of a matrix to mean 0 and variance 1, forwards and backwards, by pieces that stay in the cache.

Sums of rows are products with a vector of ones: BLAS does them much faster than `add.reduce` does short rows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Array = Any

_PIECE = 131072


@lru_cache(maxsize=32)
def averaging(n: int, dtype: Any) -> Array:
    """A vector of 1 / n: its product with a row is the row's mean."""
    return np.full(n, 1 / max(n, 1), dtype)


def _rows_at_once(n: int) -> int:
    return max(1, _PIECE // max(n, 1))


def forward(v: Array, w: Array | None, b: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """(result, means, 1 / standard deviations) of the rows of v (r, n); w and b of (n,) or None. One float dtype."""
    rows, n = v.shape
    kind = v.dtype.type
    ones = averaging(n, v.dtype)
    step = _rows_at_once(n)
    if rows <= step:
        m = np.dot(v, ones)[:, None]
        y = v - m
        r = np.dot(y * y, ones)[:, None]
        r += kind(eps)
        np.sqrt(r, out=r)
        np.divide(kind(1), r, out=r)
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
        r = np.dot(out * out, ones)[:, None]
        r += kind(eps)
        np.sqrt(r, out=r)
        np.divide(kind(1), r, out=r)
        out *= r
        if w is not None:
            out *= w
        if b is not None:
            out += b
        mean[i : i + step], rstd[i : i + step] = m, r
    return y, mean, rstd


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
    for i in range(0, rows, step):
        part = g[i : i + step]
        ones = total[: part.shape[0]]
        if gb is not None:
            gb += np.dot(ones, part)
        if gv is None and gw is None:
            continue
        r = rstd[i : i + step]
        normal = v[i : i + step] - mean[i : i + step]
        normal *= r
        product = part * normal
        if gw is not None:
            gw += np.dot(ones, product)
        if gv is not None:
            out = gv[i : i + step]
            if w is not None:
                np.multiply(part, w, out=out)
                product *= w
            else:
                out[...] = part
            m2 = np.dot(product, average)[:, None]
            normal *= m2
            normal += np.dot(out, average)[:, None]
            out -= normal
            out *= r
    return gv, gw, gb
