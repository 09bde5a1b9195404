"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

Array = Any


def matmul(x: Array, y: Array) -> Array:
    return jnp.matmul(x, y)


bmm = mm = mv = matmul


def linear_map(x: Array, w: Array) -> Array:
    """x @ w.T over the last dimension of `x`."""
    return jnp.matmul(x, w.T)


def dot(x: Array, y: Array) -> Array:
    return jnp.dot(x, y)


def vdot(x: Array, y: Array) -> Array:
    """Of vectors, the first conjugated."""
    return jnp.vdot(x, y)


def outer(x: Array, y: Array) -> Array:
    return x[:, None] * y


def linalg_cross(x: Array, y: Array, *, dim: int) -> Array:
    x, y = jnp.moveaxis(x, dim, 0), jnp.moveaxis(y, dim, 0)
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return jnp.stack(parts, axis=dim)


# ---------------------------------------------------------------- beta * x + alpha * product


def scaled(product: Array, alpha: Any) -> Array:
    return product if alpha == 1 else product * jnp.asarray(alpha).astype(product.dtype)


def combined(x: Array, product: Array, beta: Any, alpha: Any) -> Array:
    """beta * x + alpha * product; with beta 0 even nan and inf of x do not count."""
    y = scaled(product, alpha)
    return y if beta == 0 else y + scaled(x, beta)


def addmm(x: Array, mat1: Array, mat2: Array, *, beta: Any, alpha: Any) -> Array:
    return combined(x, jnp.matmul(mat1, mat2), beta, alpha)


addmv = baddbmm = addmm


def addr(x: Array, vec1: Array, vec2: Array, *, beta: Any, alpha: Any) -> Array:
    return combined(x, outer(vec1, vec2), beta, alpha)


def linear_back(x: Array, w: Array) -> Array:
    """x @ w over the last dimension of `x`: what `linear_map` does to gradients."""
    return jnp.matmul(x, w)


def affine_map(x: Array, w: Array, b: Array) -> Array:
    """x @ w.T + b"""
    return jnp.matmul(x, w.T) + b
