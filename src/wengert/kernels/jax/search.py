"""Sorting, searching and counting."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import numpy as on_numpy
from .host import DataDependent, on_host
from .ordering import in_order

Array = Any


def sort(x: Array, *, dim: int, descending: bool, stable: bool) -> tuple[Array, Array]:
    """(values, indices), equals in their order."""
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    return in_order(x, dim, descending)


def topk(x: Array, *, k: int, dim: int, largest: bool, sorted: bool) -> tuple[Array, Array]:
    """The first k of those in order."""
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    if largest and x.dtype == np.float32 and k and x.size:  # for this dtype alone XLA does better than to sort
        key = jnp.where(x != x, jnp.asarray(np.nan, x.dtype), jnp.where(x == 0, jnp.asarray(0, x.dtype), x))
        index = jnp.moveaxis(lax.top_k(jnp.moveaxis(key, dim, -1), k)[1], -1, dim).astype(np.int64)
        return jnp.take_along_axis(x, index, dim, mode="promise_in_bounds"), index
    values, index = in_order(x, dim, largest)
    return lax.slice_in_dim(values, 0, k, axis=dim), lax.slice_in_dim(index, 0, k, axis=dim)


def searchsorted(x: Array, y: Array, *, right: bool) -> Array:
    """For each value of y, its place in the last dimension of the sorted x."""
    side = "right" if right else "left"
    if x.ndim == 1:
        return jnp.searchsorted(x, y, side=side).astype(np.int64)
    n = math.prod(x.shape[:-1])
    rows = jax.vmap(lambda a, v: jnp.searchsorted(a, v, side=side))(
        x.reshape(n, x.shape[-1]), y.reshape(n, y.shape[-1])
    )
    return rows.reshape(y.shape).astype(np.int64)


# ---------------------------------------------------------------- counting

FIXED = "Count into a fixed number of places instead, for example with torch.zeros(n).scatter_add_(0, index, ones)."


def bincount(x: Array, weights: Any, *, minlength: int) -> Array:
    raise DataDependent("bincount", FIXED)


def unique2(x: Array, *, dim: int | None) -> Any:
    raise DataDependent("unique2", "Sort instead (torch.sort), and compare neighbours.")


def unique_consecutive(x: Array, *, dim: int | None) -> Any:
    raise DataDependent("unique_consecutive", "Compare neighbours instead (x[1:] != x[:-1]).")


def value_range(data: Array, low: Any, high: Any, margin: float) -> tuple[Any, Any]:
    """The bounds of a histogram: those given, or the smallest and largest; never equal."""
    if low == high:
        if data.size:
            low, high = jnp.min(data), jnp.max(data)
            same = low == high
            return jnp.where(same, low - margin, low), jnp.where(same, high + margin, high)
        return low - margin, high + margin
    return low, high


def counted(place: Array, weights: Any, n: int, dtype: Any) -> Array:
    """How many (or what weight) fall to each of n places; those at place n are outside."""
    return jnp.zeros(n + 1, dtype).at[place].add(1 if weights is None else weights, mode="promise_in_bounds")[:n]


def histc(x: Array, *, bins: int, low: float, high: float) -> Array:
    low, high = value_range(x, low, high, 1)
    inside = (x >= low) & (x <= high)
    place = (jnp.where(inside, (x - low) / (high - low), 0) * bins).astype(np.int64)
    return counted(jnp.where(inside, jnp.minimum(place, bins - 1), bins), None, bins, x.dtype)


def even_edges(low: Any, high: Any, n: int, dtype: Any) -> Array:
    """n + 1 numbers from low to high, as NumPy's linspace rounds them."""
    y = jnp.arange(n + 1) * ((high - low) / n) + low
    return y.at[n].set(high).astype(dtype)


def histogram(x: Array, bins: Any, weight: Any, *, count: Any, range: Any, density: bool) -> tuple[Array, Array]:
    """(counts or weights a bin, edges); a bin holds its left end, the last both."""
    data = x.reshape(-1)
    edges = bins
    if edges is None:
        low, high = value_range(data, *(range or (0, 0)), 0.5) if data.size or range else (0.0, 1.0)
        edges = even_edges(low, high, count, data.dtype)
    n = edges.size - 1
    inside = (data >= edges[0]) & (data <= edges[-1])
    place = jnp.minimum(jnp.searchsorted(edges, data, side="right") - 1, n - 1)
    weights = None if weight is None else jnp.where(inside, weight.reshape(-1), 0)
    hist = counted(jnp.where(inside, place, n), weights, n, data.dtype)
    if density:
        hist = (hist / jnp.sum(hist) / jnp.diff(edges)).astype(data.dtype)
    return hist, jnp.asarray(edges)


def histogramdd(x: Array, weight: Any, **params: Any) -> tuple[Array, ...]:
    kernel: Any = on_numpy.histogramdd  # type: ignore[attr-defined]
    return on_host("histogramdd", kernel, x, weight, **params)  # type: ignore[no-any-return]
