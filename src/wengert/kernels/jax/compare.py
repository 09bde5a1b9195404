"""Comparisons, predicates, bounds: kernels that mostly give bools, and those that pick one of two values."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

Array = Any

eq = jnp.equal
ne = jnp.not_equal
lt = jnp.less
le = jnp.less_equal
gt = jnp.greater
ge = jnp.greater_equal
logical_not = jnp.logical_not
logical_and = jnp.logical_and
logical_or = jnp.logical_or
logical_xor = jnp.logical_xor


def eq_inplace(x: Array, y: Array, *, dtype: Any) -> Array:
    return jnp.equal(x, y).astype(dtype.np)


def ne_inplace(x: Array, y: Array, *, dtype: Any) -> Array:
    return jnp.not_equal(x, y).astype(dtype.np)


def lt_inplace(x: Array, y: Array, *, dtype: Any) -> Array:
    return jnp.less(x, y).astype(dtype.np)


def le_inplace(x: Array, y: Array, *, dtype: Any) -> Array:
    return jnp.less_equal(x, y).astype(dtype.np)


def gt_inplace(x: Array, y: Array, *, dtype: Any) -> Array:
    return jnp.greater(x, y).astype(dtype.np)


def ge_inplace(x: Array, y: Array, *, dtype: Any) -> Array:
    return jnp.greater_equal(x, y).astype(dtype.np)


# ---------------------------------------------------------------- predicates


def isnan(x: Array) -> Array:
    return x != x


def isinf(x: Array) -> Array:
    return jnp.isinf(x) if x.dtype.kind in "fcV" else jnp.zeros(x.shape, bool)


def isfinite(x: Array) -> Array:
    return jnp.isfinite(x) if x.dtype.kind in "fcV" else jnp.ones(x.shape, bool)


def isreal(x: Array) -> Array:
    return x.imag == 0 if x.dtype.kind == "c" else jnp.ones(x.shape, bool)


def isposinf(x: Array) -> Array:
    return x == float("inf") if x.dtype.kind in "fV" else jnp.zeros(x.shape, bool)


def isneginf(x: Array) -> Array:
    return x == -float("inf") if x.dtype.kind in "fV" else jnp.zeros(x.shape, bool)


def signbit(x: Array) -> Array:
    if x.dtype.kind == "b":
        return jnp.zeros(x.shape, bool)
    return jnp.signbit(x) if x.dtype.kind in "fV" else x < 0


def isclose(x: Array, y: Array, *, rtol: float, atol: float, equal_nan: bool) -> Array:
    near = x == y
    if equal_nan and x.dtype.kind in "fcV":
        near = near | ((x != x) & (y != y))
    if rtol == 0 and atol == 0:
        return near
    if x.dtype.kind in "biu":
        kind = jnp.float64 if x.dtype.itemsize > 4 else jnp.float32
        x, y = x.astype(kind), y.astype(kind)
    distance = jnp.abs(x - y)
    return near | (jnp.isfinite(distance) & (distance <= atol + jnp.abs(rtol * y)))


def isin(x: Array, y: Array, *, invert: bool) -> Array:
    return jnp.isin(x, y, invert=invert)


# ---------------------------------------------------------------- one of two

maximum = jnp.maximum
minimum = jnp.minimum
clamp_above = jnp.maximum
clamp_below = jnp.minimum


def fmax(x: Array, y: Array) -> Array:
    """The larger; nan only where both are."""
    return jnp.where((x >= y) | (y != y), x, y)


def fmin(x: Array, y: Array) -> Array:
    """The smaller; nan only where both are."""
    return jnp.where((x <= y) | (y != y), x, y)


def clamp(x: Array, *, min: Any, max: Any) -> Array:
    """min(max(x, min), max) for numbers (None: no bound); nan stays."""
    if min is not None:
        x = jnp.maximum(x, jnp.asarray(min).astype(x.dtype))
    if max is not None:
        x = jnp.minimum(x, jnp.asarray(max).astype(x.dtype))
    return x


clamp_min = clamp_max = clamp


def clamp_between(x: Array, min: Array, max: Array) -> Array:
    return jnp.minimum(jnp.maximum(x, min), max)


def relu(x: Array) -> Array:
    """max(x, 0); nan stays."""
    return jnp.maximum(x, 0)


def threshold_backward(x: Array, y: Array) -> Array:
    """x where y is above 0."""
    return jnp.where(y <= 0, 0, x)


def heaviside(x: Array, y: Array) -> Array:
    """0 below zero, 1 above, y at zero; nan counts as below."""
    return jnp.where(x == 0, y, (x > 0).astype(x.dtype))


def nan_to_num(x: Array, *, nan: Any, posinf: Any, neginf: Any) -> Array:
    if x.dtype.kind in "biu":
        return x
    return jnp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
