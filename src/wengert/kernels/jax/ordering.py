"""Orders and places: sorting permutations, the first of the largest. nan counts as the largest, -0.0 equals 0.0.

XLA's sort of floats on CPUs compares by a rule for nan and zeros, ten times slower than integers: so numbers are sorted
by integers of the same order, and where both fit into 64 bits together with their places.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

Array = Any

__all__ = ["first_of", "in_order", "sorting_places"]


def ranked(x: Array) -> Array:
    """Signed integers in the order of x."""
    kind = np.dtype(x.dtype)
    if kind.kind == "b":
        return x.astype(jnp.int8)
    if kind.kind == "u":
        return x.astype(jnp.int64) if kind.itemsize < 8 else lax.bitcast_convert_type(x ^ jnp.uint64(1 << 63), jnp.int64)
    if kind.kind == "i":
        return x
    whole = np.dtype(f"int{8 * kind.itemsize}")
    plain = jnp.where(x != x, jnp.asarray(jnp.nan, kind), jnp.where(x == 0, jnp.asarray(0, kind), x))
    bits = lax.bitcast_convert_type(plain, whole)
    return bits ^ ((bits >> (8 * kind.itemsize - 1)) & np.iinfo(whole).max)


def sorting_places(x: Array, dim: int, descending: bool = False) -> Array:
    """The stable sorting permutation along `dim`."""
    key = ranked(jnp.asarray(x))
    if descending:
        key = ~key
    places = lax.broadcasted_iota(np.int64, key.shape, dim % key.ndim)
    if key.dtype.itemsize < 8 and key.shape[dim] < 1 << 31:
        both = lax.sort((key.astype(jnp.int64) << 32) | places, dimension=dim, is_stable=False)
        return both & 0xFFFFFFFF
    return lax.sort((key, places), dimension=dim, is_stable=True, num_keys=1)[1]  # type: ignore[no-any-return]


def in_order(x: Array, dim: int, descending: bool) -> tuple[Array, Array]:
    """(values, places) along `dim`, equals in their order."""
    index = sorting_places(x, dim, descending)
    return jnp.take_along_axis(x, index, dim, mode="promise_in_bounds"), index


def first_of(x: Array, best: Array, dim: int) -> Array:
    """The first place along `dim` that holds `best` (both with all dimensions) or nan, as int64.

    Two plain reductions: XLA's argmax carries pairs through one, which CPUs do not vectorise.
    """
    n = x.shape[dim]
    kind = np.int32 if n < 1 << 31 else np.int64
    places = lax.broadcasted_iota(kind, x.shape, dim % x.ndim)
    here = (x == best) | (x != x) if x.dtype.kind in "fV" else x == best
    return jnp.min(jnp.where(here, places, n), axis=dim, keepdims=True).astype(np.int64)
