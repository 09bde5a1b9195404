"""Softmax and its logarithm on NumPy arrays, forwards and backwards: large ones by pieces that stay in the cache.

What a piece needs beside its result is written into room that is made once: fresh memory for each costs more than the
arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .pointwise import row_major
from .room import room_for

Array = Any

#: elements of a piece
_PIECE = 1 << 16
#: rows up to this length are summed by BLAS, which is quicker than `add.reduce`, if less exact for long ones
_SHORT = 1 << 14

maximum, add = np.maximum.reduce, np.add.reduce


def _rows(dim: int, x: Array, *others: Array) -> bool:
    """Whether `dim` is the last of arrays that lie row by row, of one float dtype, and there is more than one piece."""
    return (
        x.size > _PIECE
        and dim % x.ndim == x.ndim - 1
        and x.dtype.char in "fd"
        and all(y.dtype == x.dtype and y.flags.c_contiguous for y in (x, *others))
    )


def _by_pieces(fn: Callable[..., Any], *arrays: Array) -> Array:
    """`fn(where the result goes, room, a vector of ones, pieces of the arrays)` for pieces of some rows each."""
    x = arrays[0]
    n = x.shape[-1]
    out = np.empty(x.shape, x.dtype)
    rows = [a.reshape(-1, n) for a in (out, *arrays)]
    step = max(1, _PIECE // n)
    room = room_for((min(step, len(rows[0])), n), x.dtype, "softmax")
    ones = np.ones(n, x.dtype)
    for i in range(0, len(rows[0]), step):
        to, *parts = (a[i : i + step] for a in rows)
        fn(to, room[: len(to)], ones, *parts)
    return out


def _sums(x: Array, ones: Array) -> Array:
    """The sum of each row, as a column."""
    return np.dot(x, ones)[:, None] if len(ones) <= _SHORT else add(x, 1, None, None, True)


def softmax(x: Array, *, dim: int) -> Array:
    """exp(x) / the sum of these along `dim`."""
    if x.ndim == 0:
        return np.ones_like(x)
    if x.size == 0:
        return x.copy()
    if _rows(dim, x):
        return _by_pieces(_softmax_piece, x)
    e = row_major(x - maximum(x, dim, None, None, True))
    np.exp(e, e)
    e /= add(e, dim, None, None, True)
    return e


def _softmax_piece(to: Array, room: Array, ones: Array, x: Array) -> None:
    np.subtract(x, maximum(x, 1, None, None, True), out=to)
    np.exp(to, out=to)
    to /= _sums(to, ones)


def log_softmax(x: Array, *, dim: int) -> Array:
    """The logarithm of `softmax`."""
    if x.ndim == 0:
        return np.zeros_like(x)
    if x.size == 0:
        return x.copy()
    if _rows(dim, x):
        return _by_pieces(_log_softmax_piece, x)
    e = row_major(x - maximum(x, dim, None, None, True))
    e -= np.log(add(np.exp(e), dim, None, None, True))
    return e


def _log_softmax_piece(to: Array, room: Array, ones: Array, x: Array) -> None:
    np.subtract(x, maximum(x, 1, None, None, True), out=to)
    to -= np.log(_sums(np.exp(to, out=room), ones))


def softmax_back(g: Array, out: Array, *, dim: int) -> Array:
    """The gradient of x for that of softmax(x), which is `out`."""
    if _rows(dim, out, g):
        return _by_pieces(_softmax_back_piece, g, out)
    weighted = g * out
    return weighted - out * add(weighted, dim if out.ndim else None, None, None, True)


def _softmax_back_piece(to: Array, room: Array, ones: Array, g: Array, out: Array) -> None:
    np.subtract(g, np.vecdot(g, out)[:, None], out=to)
    to *= out


def log_softmax_back(g: Array, out: Array, *, dim: int) -> Array:
    """The gradient of x for that of log_softmax(x), which is `out`."""
    if _rows(dim, out, g):
        return _by_pieces(_log_softmax_back_piece, g, out)
    return g - np.exp(out) * add(g, dim if out.ndim else None, None, None, True)


def _log_softmax_back_piece(to: Array, room: Array, ones: Array, g: Array, out: Array) -> None:
    np.exp(out, out=to)
    to *= _sums(g, ones)
    np.subtract(g, to, out=to)
