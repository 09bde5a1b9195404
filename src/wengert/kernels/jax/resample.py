"""Linear maps along single dimensions, given as tables: interpolation, average pooling, padding by copies."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

Array = Any

__all__ = ["resample", "resample_bytes"]

#: so many elements of the input are added up one after the other; more by a product with a matrix
FEW = 8


def resample(x: Array, *, dims: tuple[int, ...], tables: tuple[Any, ...]) -> Array:
    """Apply each table (`kernels.resample.Table`) along its dimension (counted from the end)."""
    order = sorted(zip(dims, tables, strict=True), key=lambda item: item[1].out / max(item[1].size, 1))
    for dim, table in order:  # the shrinking ones first
        x = along(x, x.ndim + dim, table)
    return x


def picked(x: Array, axis: int, piece: slice | None, index: Any) -> Array:
    """x at the places `index` of `axis`, which `piece` is where they are evenly spaced."""
    if piece is not None:
        return lax.slice_in_dim(x, piece.start, piece.stop, piece.step or 1, axis)
    return jnp.take(x, index, axis, mode="clip")


def along(x: Array, axis: int, table: Any) -> Array:
    pieces = table.slices()
    if not x.size:
        return jnp.zeros((*x.shape[:axis], table.out, *x.shape[axis + 1 :]), x.dtype)
    if table.weight is None:
        return picked(x, axis, pieces[0], table.index[:, 0])
    taps = table.index.shape[1]
    inexact = x.dtype.kind not in "biu"
    strided = all(p is not None for p in pieces) and taps <= FEW
    if inexact and not strided and table.size <= 16 * taps and table.out * table.size <= 1 << 20:
        matrix = jnp.asarray(table.matrix(np.dtype(np.float64))).astype(x.dtype)
        y = jnp.moveaxis(lax.dot_general(x, matrix, (((axis,), (1,)), ((), ()))), -1, axis)
        # in a dense matrix 0 * inf is nan where there should be nothing
        return lax.cond(jnp.isfinite(jnp.sum(y)), lambda x: y, lambda x: by_taps(x, axis, table), x)
    return by_taps(x, axis, table)


def by_taps(x: Array, axis: int, table: Any) -> Array:
    pieces = table.slices()
    kind = x.dtype if x.dtype.kind not in "biu" else jnp.float64
    shape = [1] * x.ndim
    shape[axis] = table.out
    total = None
    for k, piece in enumerate(pieces):
        column = table.weight[:, k]
        same = column.size and (column == column[0]).all()
        factor = jnp.asarray(column[0] if same else column.reshape(shape)).astype(kind)
        part = picked(x, axis, piece, table.index[:, k]).astype(kind) * factor
        if table.inside is not None:
            part = jnp.where(table.inside[:, k].reshape(shape), part, jnp.zeros((), kind))
        total = part if total is None else total + part
    assert total is not None
    return total.astype(x.dtype)


def resample_bytes(x: Array, *, tables: tuple[Any, ...]) -> Array:
    """The tables along the last dimensions of bytes: the last dimension first, with weights of 16 bits, and rounded to
    bytes after each dimension."""
    for dim, table in zip(range(-1, -len(tables) - 1, -1), reversed(tables), strict=True):
        weights = table.matrix(np.dtype(np.float64))
        digits = 0
        while digits < 22 and int(0.5 + weights.max() * (1 << (digits + 1))) < 1 << 15:
            digits += 1
        whole = np.trunc(weights * (1 << digits) + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
        total = jnp.matmul(jnp.moveaxis(x, dim, -1).astype(jnp.int64), whole.T)
        x = jnp.moveaxis(jnp.clip((total + (1 << digits >> 1)) >> digits, 0, 255).astype(jnp.uint8), -1, dim)
    return x
