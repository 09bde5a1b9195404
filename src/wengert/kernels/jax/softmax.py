"""Softmax, its logarithm, the logarithm of sums of exponentials; attention."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

Array = Any

__all__ = [
    "attention_weights", "causal_mask", "keep_below", "log_softmax", "log_softmax_back", "logsumexp", "safe_softmax",
    "scaled_dot_product_attention", "softmax", "softmax_back",
]  # fmt: skip


def largest(x: Array, dim: Any) -> Array:
    return jnp.max(x, axis=dim, keepdims=True)


def softmax(x: Array, *, dim: int) -> Array:
    """exp(x) / the sum of these along `dim`."""
    if x.ndim == 0:
        return jnp.ones_like(x)
    if x.size == 0:
        return x
    e = jnp.exp(x - largest(x, dim))
    return e / jnp.sum(e, axis=dim, keepdims=True)


def log_softmax(x: Array, *, dim: int) -> Array:
    """The logarithm of `softmax`."""
    if x.ndim == 0:
        return jnp.zeros_like(x)
    if x.size == 0:
        return x
    e = x - largest(x, dim)
    return e - jnp.log(jnp.sum(jnp.exp(e), axis=dim, keepdims=True))


def softmax_back(g: Array, out: Array, *, dim: int) -> Array:
    """The gradient of x for that of softmax(x), which is `out`."""
    weighted = g * out
    return weighted - out * jnp.sum(weighted, axis=dim if out.ndim else None, keepdims=True)


def log_softmax_back(g: Array, out: Array, *, dim: int) -> Array:
    """The gradient of x for that of log_softmax(x), which is `out`."""
    return g - jnp.exp(out) * jnp.sum(g, axis=dim if out.ndim else None, keepdims=True)


def logsumexp(x: Array, *, dim: Any, keepdim: bool) -> Array:
    """The logarithm of the sum of exponentials."""
    if x.size == 0:
        return jnp.log(jnp.sum(jnp.exp(x), axis=dim, keepdims=keepdim))
    top = largest(x.real if x.dtype.kind == "c" else x, dim)
    top = jnp.where(jnp.isinf(top), jnp.zeros((), top.dtype), top)
    y = jnp.log(jnp.sum(jnp.exp(x - top), axis=dim, keepdims=keepdim))
    return y + top.reshape(y.shape)


def safe_softmax(x: Array, *, dim: int) -> Array:
    """`softmax`, but 0 where all elements are -inf."""
    if x.size == 0:
        return x
    top = largest(x, dim)
    e = jnp.exp(x - jnp.where(jnp.isneginf(top), jnp.zeros((), x.dtype), top))
    total = jnp.sum(e, axis=dim, keepdims=True)
    return e / jnp.where(total == 0, jnp.ones((), x.dtype), total)


# ---------------------------------------------------------------- attention


def causal_mask(x: Array) -> Array:
    """-inf above the diagonal that starts at the top left."""
    return jnp.where(jnp.tri(*x.shape[-2:], dtype=bool), x, jnp.asarray(-jnp.inf, x.dtype))


def keep_below(x: Array) -> Array:
    return jnp.tril(x)


def scaled_dot_product_attention(
    q: Array, k: Array, v: Array, mask: Array | None, *, scale: float, is_causal: bool
) -> tuple[Array, Array]:
    """(the weighted values, the weights)."""
    s = jnp.matmul(q * scale, jnp.swapaxes(k, -1, -2))
    if is_causal:
        s = causal_mask(s)
    weights = safe_softmax(s if mask is None else s + mask, dim=-1)
    return jnp.matmul(weights, v), weights


def attention_weights(q: Array, k: Array, mask: Any, weights: Array, *, scale: float, is_causal: bool) -> Array:
    """The weights that the forward pass saved."""
    return weights
