"""The largest, the smallest, and elements by rank: max, min, median, mode, kthvalue. nan is the largest."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .ordering import first_of, sorting_places

Array = Any


def amax(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    return jnp.max(x, axis=dim, keepdims=keepdim)


def amin(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    return jnp.min(x, axis=dim, keepdims=keepdim)


def aminmax(x: Array, *, dim: Any, keepdim: bool) -> tuple[Array, Array]:
    return amin(x, dim=dim, keepdim=keepdim), amax(x, dim=dim, keepdim=keepdim)


def max_all(x: Array) -> Array:
    return jnp.max(x)


def min_all(x: Array) -> Array:
    return jnp.min(x)


def place(x: Array, best: Any, dim: Any, keepdim: bool) -> Array:
    """Where `best` (jnp.max or jnp.min) of x along `dim` (None: of all) is first."""
    if x.ndim == 0:
        return jnp.zeros((), np.int64)
    if dim is None:
        index = first_of(x.reshape(-1), best(x), 0)
        return index.reshape((1,) * x.ndim if keepdim else ())
    index = first_of(x, best(x, axis=dim, keepdims=True), dim)
    return index if keepdim else jnp.squeeze(index, dim)


def argmax(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    return place(x, jnp.max, dim, keepdim)


def argmin(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    return place(x, jnp.min, dim, keepdim)


def at_index(x: Array, index: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """The values at `index` (which has `dim` as size 1), and the index, without that dimension unless keepdim."""
    values = jnp.take_along_axis(x, index, dim, mode="promise_in_bounds")
    return (values, index) if keepdim else (jnp.squeeze(values, dim), jnp.squeeze(index, dim))


def max_along(x: Array, *, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """(values, where they are): of equals the first, and the first nan if there is one."""
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    return at_index(x, place(x, jnp.max, dim, True), dim, keepdim)


def min_along(x: Array, *, dim: int, keepdim: bool) -> tuple[Array, Array]:
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    return at_index(x, place(x, jnp.min, dim, True), dim, keepdim)


# ---------------------------------------------------------------- by rank


def of_rank(x: Array, k: Any, dim: int) -> Array:
    """The index of the element of rank `k` along `dim`, which keeps size 1; of equals, in their order."""
    order = sorting_places(x, dim)
    if isinstance(k, int):
        return lax.slice_in_dim(order, k, k + 1, axis=dim)
    return jnp.take_along_axis(order, k, dim, mode="promise_in_bounds")


def median_index(x: Array, dim: int, nan_wins: bool) -> Array:
    """The index of the median: the lower of two; nan if there is one, or among those that are not nan."""
    n = x.shape[dim]
    if x.dtype.kind != "f":
        return of_rank(x, (n - 1) // 2, dim)
    bad = jnp.isnan(x)
    if nan_wins:
        first = jnp.argmax(bad, axis=dim, keepdims=True)
        return jnp.where(jnp.any(bad, axis=dim, keepdims=True), first, of_rank(x, (n - 1) // 2, dim))
    good = n - jnp.sum(bad, axis=dim, keepdims=True)
    return of_rank(x, jnp.maximum(good - 1, 0) // 2, dim)


def median_of_all(x: Array, nan_wins: bool) -> Array:
    flat = jnp.asarray(x).reshape(-1)
    if not flat.size:
        return jnp.full((), np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
    return flat[median_index(flat, 0, nan_wins)[0]]


def median_all(x: Array) -> Array:
    return median_of_all(x, True)


def nanmedian_all(x: Array) -> Array:
    return median_of_all(x, False)


def median(x: Array, *, dim: int, keepdim: bool) -> tuple[Array, Array]:
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    return at_index(x, median_index(x, dim, True), dim, keepdim)


def nanmedian(x: Array, *, dim: int, keepdim: bool) -> tuple[Array, Array]:
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    return at_index(x, median_index(x, dim, False), dim, keepdim)


def kthvalue(x: Array, *, k: int, dim: int, keepdim: bool) -> tuple[Array, Array]:
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    return at_index(x, of_rank(x, k - 1, dim), dim, keepdim)


def mode(x: Array, *, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """The most frequent value: of several the smallest, and of its places the last."""
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    rows = jnp.moveaxis(x, dim, -1)
    order = sorting_places(rows, rows.ndim - 1)
    values = jnp.take_along_axis(rows, order, -1, mode="promise_in_bounds")
    new = jnp.concatenate([jnp.ones((*rows.shape[:-1], 1), bool), values[..., 1:] != values[..., :-1]], -1)
    places = jnp.arange(rows.shape[-1])
    run = places - lax.cummax(jnp.where(new, places, 0), axis=rows.ndim - 1)  # how many alike came before
    best = jnp.argmax(run, axis=-1, keepdims=True)
    index = jnp.moveaxis(jnp.take_along_axis(order, best, -1, mode="promise_in_bounds"), -1, dim)
    return at_index(x, index, dim, keepdim)
