"""Activation functions."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

Array = Any

SQRT_HALF = math.sqrt(0.5)
ROOT_2_OVER_PI = math.sqrt(2 / math.pi)


def log_sigmoid(x: Array) -> Array:
    return jnp.minimum(x, 0) - jnp.log1p(jnp.exp(-jnp.abs(x)))


def silu(x: Array) -> Array:
    return x / (1 + jnp.exp(-x))


def mish(x: Array) -> Array:
    return x * jnp.tanh(jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x))))


def hardsigmoid(x: Array) -> Array:
    return jnp.clip(x + 3, 0, 6) / 6


def hardswish(x: Array) -> Array:
    return x * (jnp.clip(x + 3, 0, 6) / 6)


def normal_cdf(x: Array) -> Array:
    """The normal distribution function."""
    return 0.5 * (1 + lax.erf(x * SQRT_HALF))


def gelu(x: Array, *, approximate: str) -> Array:
    if approximate == "tanh":
        inner = ROOT_2_OVER_PI * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + jnp.tanh(inner))
    return x * normal_cdf(x)


def gelu_slope(x: Array) -> Array:
    """The derivative of gelu."""
    return normal_cdf(x) + x * (jnp.exp(-0.5 * (x * x)) * (0.5 * ROOT_2_OVER_PI))


def hardtanh(x: Array, *, min_val: Any, max_val: Any) -> Array:
    low, high = (jnp.asarray(v).astype(x.dtype) for v in (min_val, max_val))  # integers stay integers
    return jnp.minimum(jnp.maximum(x, low), high)


def elu(x: Array, *, alpha: float, scale: float, input_scale: float) -> Array:
    return jnp.where(x > 0, x * scale, jnp.expm1(jnp.minimum(x, 0) * input_scale) * (alpha * scale))


def celu(x: Array, *, alpha: float) -> Array:
    return elu(x, alpha=alpha, scale=1.0, input_scale=1.0 / alpha)


def leaky_relu(x: Array, *, negative_slope: float) -> Array:
    return jnp.where(x > 0, x, x * negative_slope)


def hardshrink(x: Array, *, lambd: float) -> Array:
    return jnp.where((x >= -lambd) & (x <= lambd), 0, x)


def softshrink(x: Array, *, lambd: float) -> Array:
    return jnp.where(x > lambd, x - lambd, jnp.where(x < -lambd, x + lambd, x * 0))


def softplus(x: Array, *, beta: float, threshold: float) -> Array:
    scaled = x * beta
    return jnp.where(scaled > threshold, x, jnp.log1p(jnp.exp(jnp.minimum(scaled, threshold))) / beta)


def threshold(x: Array, *, threshold: float, value: float) -> Array:
    return jnp.where(x <= threshold, jnp.asarray(value).astype(x.dtype), x)


def prelu_kernel(x: Array, weight: Array) -> Array:
    return jnp.where(x > 0, x, weight * x)


def rrelu_with_noise(x: Array, noise: Array, *, lower: float, upper: float, training: bool) -> Array:
    return x * noise


def glu(x: Array, *, dim: int) -> Array:
    a, b = jnp.split(x, 2, dim)
    return a / (1 + jnp.exp(-b))


def swap_halves(x: Array, *, dim: int) -> Array:
    return jnp.roll(x, x.shape[dim] // 2, dim)


def first_half(x: Array, *, dim: int) -> Array:
    return lax.slice_in_dim(x, 0, x.shape[dim] // 2, axis=dim)


def second_half(x: Array, *, dim: int) -> Array:
    return lax.slice_in_dim(x, x.shape[dim] // 2, None, axis=dim)


def zeros_before(x: Array, *, dim: int) -> Array:
    return jnp.concatenate([jnp.zeros_like(x), x], dim)


def zeros_after(x: Array, *, dim: int) -> Array:
    return jnp.concatenate([x, jnp.zeros_like(x)], dim)
