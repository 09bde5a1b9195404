"""Picking elements of the last dimension by number, and its transpose: what pooling and grid_sample are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import size_of_batch, stretched
from ..core.primitive import Primitive, general, ops


def _flat_index(index: Any, size: int) -> Any:
    """Index into the flattened array, for an index into its last dimension."""
    lead = index.shape[:-1]
    rows = math.prod(lead)
    if rows <= 1:
        return index
    return index + (np.arange(rows, dtype=np.int64) * size).reshape(*lead, 1)


def _pick_kernel(x: Any, index: Any, *, unique: bool = False) -> Any:
    """x[..., index]; 0 where the index is -1."""
    size = x.shape[-1]
    if not index.size or not size:
        return np.zeros(index.shape, x.dtype)
    y = np.take(
        x.reshape(-1) if x.flags.c_contiguous else np.ascontiguousarray(x).reshape(-1), _flat_index(index, size)
    )
    missing = index < 0
    if missing.any():
        y[missing] = 0
    return y


def add_by_number(numbers: Any, values: Any, size: int) -> Any:
    """A vector of `size` with `values` added up at `numbers`."""
    if values.dtype.kind == "c":
        real = np.bincount(numbers, values.real, size)
        return (real + 1j * np.bincount(numbers, values.imag, size)).astype(values.dtype)
    return np.bincount(numbers, values, size).astype(values.dtype, copy=False)


def _put_kernel(g: Any, index: Any, *, size: int, unique: bool = False) -> Any:
    """The transpose: zeros with g added at the index. `unique`: no number occurs twice in a row."""
    lead = g.shape[:-1]
    shape = (*lead, size)
    total = math.prod(shape)
    if not g.size or not total:
        return np.zeros(shape, g.dtype)
    numbers = _flat_index(index, size)
    missing = index < 0
    if missing.any():
        keep = ~missing
        numbers, g = numbers[keep], g[keep]
    if unique:
        out = np.zeros(total, g.dtype)
        out[numbers.reshape(-1)] = g.reshape(-1)
    else:
        out = add_by_number(numbers.reshape(-1), g.reshape(-1), total)
    return out.reshape(shape)


def _batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """More leading dimensions are no other case."""
    n = size_of_batch(vals, dims)
    return prim(*[stretched(v, d, n) for v, d in zip(vals, dims, strict=True)], **params), 0


pick_last = general(
    "pick_last",
    inputs=("x", "index"),
    params=("unique",),
    kernel=_pick_kernel,
    vjp=dict(x=lambda xp, g, x_shape, index, unique: xp.put_last(g, index, size=x_shape[-1], unique=unique)),
    jvp=dict(x=lambda xp, t, index, unique: xp.pick_last(t, index, unique=unique)),
    batch=_batch,
    half="native",
)
put_last = general(
    "put_last",
    inputs=("g", "index"),
    params=("size", "unique"),
    kernel=_put_kernel,
    vjp=dict(g=lambda xp, g, index, unique: xp.pick_last(g, index, unique=unique)),
    jvp=dict(g=lambda xp, t, index, size, unique: xp.put_last(t, index, size=size, unique=unique)),
    batch=_batch,
)

__all__ = ["add_by_number", "ops", "pick_last", "put_last"]
