"""Rounding, integer division and remainders, bits."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

Array = Any


def floor(x: Array) -> Array:
    return x if x.dtype.kind in "biu" else jnp.floor(x)


def ceil(x: Array) -> Array:
    return x if x.dtype.kind in "biu" else jnp.ceil(x)


def trunc(x: Array) -> Array:
    return x if x.dtype.kind in "biu" else jnp.trunc(x)


def round(x: Array) -> Array:
    """To the nearest whole number, half to even."""
    return x if x.dtype.kind in "iu" else jnp.rint(x)


def round_decimals(x: Array, *, decimals: int) -> Array:
    if decimals == 0:
        return jnp.rint(x)
    scale = np.asarray(10 ** (decimals if decimals > 0 else -decimals), x.dtype)
    return jnp.rint(x * scale) / scale if decimals > 0 else jnp.rint(x / scale) * scale


def frac(x: Array) -> Array:
    return x - jnp.trunc(x)


# ---------------------------------------------------------------- division


def div_trunc(x: Array, y: Array) -> Array:
    """x / y cut towards zero. What an integer divided by 0 gives is not defined: nobody looks at the values here."""
    if x.dtype.kind in "iu":
        return lax.div(*jnp.broadcast_arrays(x, y))
    return jnp.trunc(x / y)


def div_floor(x: Array, y: Array) -> Array:
    """x / y rounded down, from the exact remainder, as Python and PyTorch do it."""
    if x.dtype.kind in "iu":
        return jnp.floor_divide(x, y)
    rest = lax.rem(*jnp.broadcast_arrays(x, y))
    quotient = (x - rest) / y
    quotient = jnp.where((rest != 0) & ((y < 0) != (rest < 0)), quotient - 1, quotient)
    down = jnp.floor(quotient)
    down = jnp.where(quotient - down > 0.5, down + 1, down)
    down = jnp.where(quotient == 0, jnp.copysign(jnp.zeros_like(down), x / y), down)
    return jnp.where(y == 0, x / y, down)


floor_divide = div_floor


def remainder(x: Array, y: Array) -> Array:
    """What `div_floor` leaves: it has the sign of y."""
    if x.dtype.kind in "iu":
        return jnp.remainder(x, y)
    rest = lax.rem(*jnp.broadcast_arrays(x, y))
    return jnp.where(rest == 0, jnp.copysign(rest, y), jnp.where((y < 0) != (rest < 0), rest + y, rest))


def fmod(x: Array, y: Array) -> Array:
    """What `div_trunc` leaves: it has the sign of x."""
    return lax.rem(*jnp.broadcast_arrays(x, y))


def gcd(x: Array, y: Array) -> Array:
    return jnp.gcd(x, y)


def lcm(x: Array, y: Array) -> Array:
    return jnp.lcm(x, y)


# ---------------------------------------------------------------- bits


def bitwise_left_shift(x: Array, y: Array) -> Array:
    """x << y; 0 where y is out of range."""
    odd = (y < 0) | (y >= x.dtype.itemsize * 8)
    return jnp.where(odd, 0, jnp.left_shift(x, jnp.where(odd, 0, y)))


def bitwise_right_shift(x: Array, y: Array) -> Array:
    """x >> y, with the sign where y is out of range."""
    bits = x.dtype.itemsize * 8
    odd = (y < 0) | (y >= bits)
    shifted = jnp.right_shift(x, jnp.where(odd, bits - 1, y))
    return shifted if x.dtype.kind == "i" else jnp.where(odd, 0, shifted)
