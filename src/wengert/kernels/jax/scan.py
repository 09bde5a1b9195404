"""Scans along one dimension."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .pointwise import logaddexp

Array = Any


def shift(x: Array, *, dim: int, by: int, fill: Any) -> Array:
    """x moved by `by` places along `dim`; what comes in is `fill`."""
    if x.ndim == 0:
        return jnp.full_like(x, fill)
    n = x.shape[dim]
    k = min(abs(by), n)
    new = jnp.full((*x.shape[:dim], k, *x.shape[dim:][1:]), fill, x.dtype)
    if by > 0:
        return jnp.concatenate([new, lax.slice_in_dim(x, 0, n - k, axis=dim)], dim)
    return jnp.concatenate([lax.slice_in_dim(x, k, n, axis=dim), new], dim)


def ahead(before: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
    """One step of `recur`."""
    a, b = step
    now = b + a * before
    return now, now


def recur(a: Array, b: Array, *, dim: int, reverse: bool) -> Array:
    """s[i] = b[i] + a[i] * s[i-1] along `dim` (s[i+1] if reverse). a at the start is not used."""
    a, b = jnp.asarray(a), jnp.asarray(b)
    if b.ndim == 0:
        return b
    kind = jnp.result_type(a, b)
    m = jnp.moveaxis(jnp.broadcast_to(a, b.shape).astype(kind), dim, 0)
    s = jnp.moveaxis(b.astype(kind), dim, 0)
    if reverse:
        m, s = m[::-1], s[::-1]
    n = s.shape[0]
    if n <= 64 or s.size > 64 * n:
        if n > 1:
            _, rest = lax.scan(ahead, s[0], (m[1:], s[1:]))
            s = jnp.concatenate([s[:1], rest])
    else:  # few long rows: doubling, log2(n) passes
        k = 1
        while k < n:
            s = jnp.concatenate([s[:k], s[k:] + m[k:] * s[:-k]])
            if 2 * k < n:  # the first 2k rows are final: what multiplies them no longer matters
                m = jnp.concatenate([m[: 2 * k], m[2 * k :] * m[k:-k]])
            k *= 2
    return jnp.moveaxis(s[::-1] if reverse else s, 0, dim)


def accumulated(scan: Any, x: Array, dim: int, reverse: bool) -> Array:
    """A scan by XLA; integers in int64."""
    kind = jnp.int64 if x.dtype.kind in "biu" else x.dtype
    x = x.astype(kind)
    return x if x.ndim == 0 else scan(x, axis=dim % x.ndim, reverse=reverse)


def cumsum(x: Array, *, dim: int, reverse: bool = False) -> Array:
    return accumulated(lax.cumsum, x, dim, reverse)


def all_finite(x: Array) -> bool:
    """Not known of tracers: taken for granted, so the gradient of cumprod in rows with nan is its own."""
    return True


def cumprod(x: Array, *, dim: int, reverse: bool = False) -> Array:
    return accumulated(lax.cumprod, x, dim, reverse)


def with_places(x: Array, values: Array, record: Array, dim: int) -> tuple[Array, Array]:
    """The running values, and where the last record stands."""
    if x.dtype.kind == "f":
        record = record | jnp.isnan(x)
    places = lax.broadcasted_iota(np.int64, x.shape, dim)
    return values, lax.cummax(jnp.where(record, places, 0), axis=dim)


def cummax(x: Array, *, dim: int) -> tuple[Array, Array]:
    """(the largest so far, where it is): of equals the last; nan stays."""
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    values = running(jnp.maximum, x, dim)
    return with_places(x, values, x >= values, dim)


def cummin(x: Array, *, dim: int) -> tuple[Array, Array]:
    """(the smallest so far, where it is): of equals the last; nan stays."""
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    values = running(jnp.minimum, x, dim)
    return with_places(x, values, x <= values, dim)


def running(pick: Any, x: Array, dim: int) -> Array:
    return x if x.shape[dim] == 0 else lax.associative_scan(pick, x, axis=dim)


def logcumsumexp(x: Array, *, dim: int) -> Array:
    return x if x.ndim == 0 else running(logaddexp, x, dim)
