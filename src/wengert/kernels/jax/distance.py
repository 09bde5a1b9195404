"""Distances between all pairs of vectors."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from .gradients import sum_to

Array = Any

__all__ = ["cdist", "pdist"]


def norms(d: Array, p: float, nan_wins: bool = False) -> Array:
    """The p-norms of the last dimension. nan may be the largest, or none."""
    if p == 2:
        return jnp.sqrt(jnp.sum(d * d, -1))
    if p == 0:
        return jnp.sum(d != 0, -1).astype(d.dtype)
    size = jnp.abs(d)
    if p == 1:
        return jnp.sum(size, -1)
    if p == math.inf:
        return jnp.max(size if nan_wins else jnp.where(jnp.isnan(size), 0, size), -1, initial=0)
    return jnp.sum(size**p, -1) ** (1 / p)


def slopes(d: Array, p: float, nan_wins: bool = False) -> Array:
    """The derivatives of `norms` in d; 0 where a difference, or the norm, is."""
    zero = jnp.zeros((), d.dtype)
    if p == 0:
        return jnp.zeros_like(d)
    size = jnp.abs(d)
    if p == 1:
        return jnp.sign(d)
    norm = norms(d, p, nan_wins)[..., None]
    if p == math.inf:
        top = (size == norm).astype(d.dtype)
        if nan_wins:  # those that are largest share
            return jnp.sign(d) * top / jnp.sum(top, -1, keepdims=True)
        top = jnp.where(jnp.isnan(d), d, jnp.where(jnp.isinf(d), jnp.nan, top))
        return jnp.sign(d) * top  # each of the largest counts in full
    safe = jnp.where(norm == 0, jnp.ones((), d.dtype), norm)
    if p == 2:
        return jnp.where(norm == 0, zero, d / safe)
    ratio = jnp.where(size == 0, jnp.ones((), d.dtype), size / safe)
    return jnp.where((size == 0) | (norm == 0), zero, jnp.sign(d) * ratio ** (p - 1))


def cdist(x1: Array, x2: Array, *, p: float) -> Array:
    """The distances of all rows of x1 (*, n, d) and x2 (*, m, d): (*, n, m)."""
    return norms(x1[..., :, None, :] - x2[..., None, :, :], p)


def cdist_gradients(g: Array, needs: Any, x1: Array, x2: Array, *, p: float) -> tuple[Any, Any]:
    each = g[..., None] * slopes(x1[..., :, None, :] - x2[..., None, :, :], p)
    return (
        sum_to(jnp.sum(each, -2), x1.shape) if needs[0] else None,
        sum_to(-jnp.sum(each, -3), x2.shape) if needs[1] else None,
    )


def pdist(x: Array, *, p: float) -> Array:
    """The distances of all pairs of rows."""
    i, j = np.triu_indices(x.shape[0], 1)
    return norms(x[i] - x[j], p, True)


def pdist_gradients(g: Array, needs: Any, x: Array, *, p: float) -> tuple[Array]:
    i, j = np.triu_indices(x.shape[0], 1)
    each = g[:, None] * slopes(x[i] - x[j], p, True)
    return (jnp.zeros_like(x).at[i].add(each).at[j].add(-each),)
