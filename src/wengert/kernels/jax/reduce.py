"""Sums, means, products, truth; variance, norms and softmax."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

Array = Any


def count(shape: Any, dim: Any) -> int:
    """How many elements each result of a reduction over `dim` is made of."""
    n = 1
    for d in range(len(shape)) if dim is None else dim if isinstance(dim, tuple) else (dim,):
        n *= shape[d]
    return n


def sum(x: Array, *, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Array:
    """Sum over `dim` (None: all). Bool and integers sum in int64."""
    x = jnp.asarray(x)
    if dtype is None:
        dtype = jnp.int64 if x.dtype.kind in "biu" else x.dtype
    return jnp.sum(x, axis=dim, keepdims=keepdim, dtype=getattr(dtype, "np", dtype))


def mean(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    """Mean over `dim` (None: all); nan for none."""
    return jnp.sum(x, axis=dim, keepdims=keepdim, dtype=x.dtype) / (count(x.shape, dim) or math.nan)


def nansum(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    if x.dtype.kind in "fc":
        x = jnp.where(jnp.isnan(x), 0, x)
    return sum(x, dim=dim, keepdim=keepdim)


def prod(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    return jnp.prod(x, axis=dim, keepdims=keepdim, dtype=jnp.int64 if x.dtype.kind in "biu" else x.dtype)


def product_of_others(x: Array, out: Array, dim: int, whole: bool = False) -> Array:
    """For each element, the product of the others along `dim`; right with zeros.

    `whole`: x is all there is: two zeros make all 0, be there a nan.
    """

    def one_by_one() -> Array:
        ones = jnp.ones_like(lax.slice_in_dim(x, 0, min(x.shape[dim], 1), axis=dim))
        before = jnp.cumprod(jnp.concatenate([ones, lax.slice_in_dim(x, 0, -1, axis=dim)], dim), axis=dim)
        after = jnp.flip(jnp.concatenate([lax.slice_in_dim(x, 1, None, axis=dim), ones], dim), dim)
        others = before * jnp.flip(jnp.cumprod(after, axis=dim), dim)
        return jnp.where(jnp.sum(x == 0) > 1, 0, others) if whole else others

    if not x.size:
        return jnp.zeros_like(x)
    return lax.cond(jnp.all(x != 0), lambda: jnp.broadcast_to(out / x, x.shape).astype(x.dtype), one_by_one)


def all(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    """Whether all are nonzero. uint8 gives uint8."""
    y = jnp.all(x != 0, axis=dim, keepdims=keepdim)
    return y.astype(jnp.uint8) if x.dtype == jnp.uint8 else y


def any(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    """Whether one is nonzero. uint8 gives uint8."""
    y = jnp.any(x != 0, axis=dim, keepdims=keepdim)
    return y.astype(jnp.uint8) if x.dtype == jnp.uint8 else y


def count_nonzero(x: Array, *, dim: Any = None) -> Array:
    return jnp.sum(x != 0, axis=dim, dtype=jnp.int64)


# ---------------------------------------------------------------- variance


def var(x: Array, *, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Array:
    """Real, always: the mean square of the distance from the mean, divided by n - correction."""
    n = count(x.shape, dim)
    free = max(n - correction, 0)
    centred = x - jnp.sum(x, axis=dim, keepdims=True, dtype=x.dtype) / (n or math.nan)
    squares = centred.real**2 + centred.imag**2 if x.dtype.kind == "c" else centred * centred
    return jnp.sum(squares, axis=dim, keepdims=keepdim) / jnp.asarray(free, squares.dtype)


def std(x: Array, *, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Array:
    return jnp.sqrt(var(x, dim=dim, correction=correction, keepdim=keepdim))


def var_mean(x: Array, *, dim: Any, correction: Any, keepdim: bool) -> tuple[Array, Array]:
    return var(x, dim=dim, correction=correction, keepdim=keepdim), mean(x, dim=dim, keepdim=keepdim)


def std_mean(x: Array, *, dim: Any, correction: Any, keepdim: bool) -> tuple[Array, Array]:
    return std(x, dim=dim, correction=correction, keepdim=keepdim), mean(x, dim=dim, keepdim=keepdim)


# ---------------------------------------------------------------- norms


def linalg_vector_norm(x: Array, *, ord: Any, dim: Any, keepdim: bool) -> Array:
    if ord == 2:
        squares = x.real * x.real + x.imag * x.imag if x.dtype.kind == "c" else x * x
        return jnp.sqrt(jnp.sum(squares, axis=dim, keepdims=keepdim))
    r = jnp.abs(x)
    if ord == math.inf:
        return jnp.max(r, axis=dim, keepdims=keepdim, initial=0)
    if ord == -math.inf:
        return jnp.min(r, axis=dim, keepdims=keepdim)
    if ord == 0:
        return jnp.sum((r != 0).astype(r.dtype), axis=dim, keepdims=keepdim)
    if ord == 1:
        return jnp.sum(r, axis=dim, keepdims=keepdim)
    p = jnp.asarray(ord, r.dtype)
    return jnp.power(jnp.sum(jnp.power(r, p), axis=dim, keepdims=keepdim), jnp.asarray(1 / ord, r.dtype))


def dist(x: Array, y: Array, *, p: float) -> Array:
    return linalg_vector_norm(x - y, ord=p, dim=None, keepdim=False)


def renorm(x: Array, *, p: float, dim: int, maxnorm: float) -> Array:
    """Slices along `dim` whose p-norm is above `maxnorm`, scaled down to it."""
    others = tuple(d for d in range(x.ndim) if d != dim)
    norm = linalg_vector_norm(x, ord=p, dim=others, keepdim=True)
    return x * jnp.where(norm > maxnorm, maxnorm / (norm + 1e-7), 1)
