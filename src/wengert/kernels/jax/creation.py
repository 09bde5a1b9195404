"""Filling, copying, making like another; what was drawn, in place of what was there."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from .gradients import to_dtype

Array = Any


def fill(x: Array, *, value: Any) -> Array:
    return jnp.full_like(x, value)


def fill_tensor(x: Array, value: Array) -> Array:
    """`value` has one element, or one for each example of a batch: then it sets the shape too."""
    shape = x.shape if value.ndim == 0 else jnp.broadcast_shapes(x.shape, value.shape)
    return jnp.broadcast_to(value, shape).astype(x.dtype)


def copy(x: Array, y: Array) -> Array:
    """The elements of y, in the shape and dtype of x."""
    return jnp.broadcast_to(y if y.dtype == x.dtype else to_dtype(y, x.dtype), x.shape)


def clone(x: Array, *, memory_format: Any = None) -> Array:
    return x


def filled_like(x: Array, *, value: Any, kind: Any, memory_format: Any = None) -> Array:
    return filled_new(x, size=x.shape, value=value, kind=kind)


def filled_new(x: Array, *, size: Any, value: Any, kind: Any) -> Array:
    """`value` None: what was not initialised is zero here."""
    return jnp.full(tuple(size), 0 if value is None else jnp.asarray(value).astype(kind), kind)


def zero(x: Array) -> Array:
    return jnp.zeros_like(x)


def drawn(x: Array, *others: Array) -> Array:
    """The last of the arrays, which holds the random numbers, in the shape of x."""
    return jnp.broadcast_to(others[-1], x.shape)


uniform_values = normal_values = log_normal_values = cauchy_values = exponential_values = geometric_values = drawn
random_from_values = random_to_values = random_values = bernoulli_values = bernoulli_tensor_values = drawn
