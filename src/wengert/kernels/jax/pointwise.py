"""Elementwise kernels: XLA's own under PyTorch's names, with NumPy's dtypes and PyTorch's special values."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

Array = Any


def strong(x: Any) -> Array:
    """An array whose dtype takes part in promotion: JAX lets what came from Python numbers give way."""
    x = jnp.asarray(x)
    return lax.convert_element_type(x, x.dtype)


add = jnp.add
sub = jnp.subtract
mul = jnp.multiply
div = jnp.true_divide
neg = jnp.negative
exp = jnp.exp
exp2 = jnp.exp2
expm1 = jnp.expm1
log = jnp.log
log2 = jnp.log2
log10 = jnp.log10
log1p = jnp.log1p
sin = jnp.sin
cos = jnp.cos
tan = jnp.tan
asin = jnp.arcsin
acos = jnp.arccos
atan = jnp.arctan
sinh = jnp.sinh
cosh = jnp.cosh
tanh = jnp.tanh
asinh = jnp.arcsinh
acosh = jnp.arccosh
atanh = jnp.arctanh
sqrt = jnp.sqrt
square = jnp.square
reciprocal = jnp.reciprocal
atan2 = jnp.arctan2
bitwise_and = jnp.bitwise_and
bitwise_or = jnp.bitwise_or
bitwise_xor = jnp.bitwise_xor
bitwise_not = jnp.invert
nextafter = jnp.nextafter
copysign = jnp.copysign
logaddexp2 = jnp.logaddexp2


def where(condition: Any, x: Any, y: Any) -> Array:
    """x where the condition holds, else y; numbers take the dtype of the arrays."""
    return strong(jnp.where(condition, x, y))


def rsqrt(x: Array) -> Array:
    return 1 / jnp.sqrt(x)


def acosh_slope(x: Array) -> Array:
    """The derivative of acosh: for complex numbers the product of two roots, which has the right sign."""
    return rsqrt(x - 1) * rsqrt(x + 1) if x.dtype.kind == "c" else rsqrt(x * x - 1)


def sigmoid(x: Array) -> Array:
    return 1 / (jnp.exp(-x) + 1)


def sign(x: Array) -> Array:
    """-1, 0 or 1; nan gives 0, as in PyTorch."""
    if x.dtype.kind in "fV":
        return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)
    return x if x.dtype.kind == "b" else jnp.sign(x)


def sgn(x: Array) -> Array:
    """x / |x|, and 0 at 0."""
    if x.dtype.kind != "c":
        return sign(x)
    r = jnp.abs(x)
    return jnp.where(r == 0, 0, x / jnp.where(r == 0, 1, r)).astype(x.dtype)


def abs(x: Array) -> Array:
    return x if x.dtype.kind == "b" else jnp.abs(x)


def pow_scalar(x: Array, *, exponent: Any) -> Array:
    """x ** exponent for a Python number, by the operations that the NumPy kernel uses for the simple exponents."""
    if exponent == 2:
        return x * x
    if exponent == 3:
        return x * x * x
    if exponent == 1:
        return jnp.asarray(x)
    if exponent == 0:
        return jnp.ones_like(x)
    if x.dtype.kind in "fc":
        if exponent == 0.5:
            return jnp.sqrt(x)
        if exponent == -0.5:
            return 1 / jnp.sqrt(x)
        if exponent == -1:
            return 1 / x
        if exponent == -2:
            return 1 / (x * x)
    if x.dtype.kind == "f" and -9 < exponent < 9 and exponent == int(exponent):
        return lax.integer_pow(x, int(exponent))  # by products: ten times faster
    return jnp.power(x, jnp.asarray(exponent, x.dtype))


def pow(x: Array, y: Array) -> Array:
    """x ** y; integers to negative powers are what is left of 1/x: 1 and -1 stay, others are 0."""
    x = jnp.asarray(x)
    if x.dtype.kind == "i" and jnp.result_type(x, y).kind == "i":
        whole = jnp.where(jnp.abs(x) == 1, jnp.where(y % 2 == 0, 1, x), 0)
        return jnp.where(y < 0, whole, jnp.power(x, jnp.where(y < 0, 0, y))).astype(x.dtype)
    return jnp.power(x, y)


# ---------------------------------------------------------------- complex numbers


def conj(x: Any) -> Any:
    """The complex conjugate; real values pass."""
    kind = getattr(x, "dtype", None)
    if kind is None:
        return x.conjugate() if x.__class__ is complex else x
    return jnp.conjugate(x) if kind.kind == "c" else x


def conj_physical(x: Array) -> Array:
    return jnp.conjugate(x) if x.dtype.kind == "c" else x


def real(x: Array) -> Array:
    return x.real if x.dtype.kind == "c" else x


def imag(x: Array) -> Array:
    return jnp.imag(x)


def angle(x: Array) -> Array:
    """The argument: of real numbers 0 or pi, and nan of nan."""
    if x.dtype.kind == "c":
        return jnp.arctan2(x.imag, x.real)
    return jnp.where(x != x, x, jnp.where(x < 0, jnp.asarray(math.pi, x.dtype), 0))


def complex(x: Array, y: Array) -> Array:
    """x + iy"""
    return lax.complex(*jnp.broadcast_arrays(x, y))


def polar(x: Array, y: Array) -> Array:
    """The complex number of absolute value x and argument y."""
    return complex(x * jnp.cos(y), x * jnp.sin(y))


# ---------------------------------------------------------------- two inputs and more


def add_alpha(x: Array, y: Array, *, alpha: Any) -> Array:
    return x + jnp.asarray(alpha).astype(x.dtype) * y


def sub_alpha(x: Array, y: Array, *, alpha: Any) -> Array:
    return x - jnp.asarray(alpha).astype(x.dtype) * y


def lerp(x: Array, y: Array, weight: Array) -> Array:
    """x + weight * (y - x), from the nearer end: exact at both."""
    step = y - x
    return jnp.where(jnp.abs(weight) < 0.5, x + weight * step, y - step * (1 - weight))


def addcmul(x: Array, y: Array, z: Array, *, value: Any) -> Array:
    return x + (y * z if value == 1 else jnp.asarray(value).astype(x.dtype) * y * z)


def addcdiv(x: Array, y: Array, z: Array, *, value: Any) -> Array:
    return x + (y / z if value == 1 else jnp.asarray(value).astype(x.dtype) * y / z)


def deg2rad(x: Array) -> Array:
    return x * jnp.asarray(math.pi / 180.0, x.dtype)


def rad2deg(x: Array) -> Array:
    return x * jnp.asarray(180.0 / math.pi, x.dtype)


def hypot(x: Array, y: Array) -> Array:
    """sqrt(x*x + y*y) without overflow; an infinite side wins over nan."""
    x, y = jnp.abs(x), jnp.abs(y)
    high, low = jnp.maximum(x, y), jnp.minimum(x, y)
    ratio = low / jnp.where(high == 0, 1, high)
    length = high * jnp.sqrt(1 + ratio * ratio)
    return jnp.where(jnp.isinf(x) | jnp.isinf(y), float("inf"), length)


def logaddexp(x: Array, y: Array) -> Array:
    """log(exp(x) + exp(y)); of complex numbers about the one with the larger real part."""
    if x.dtype.kind != "c":
        return jnp.logaddexp(x, y)
    swap = x.real < y.real
    high, low = jnp.where(swap, y, x), jnp.where(swap, x, y)
    out = high + jnp.log1p(jnp.exp(low - high))
    return jnp.where(jnp.isneginf(low.real) | jnp.isposinf(high.real), high, out)


def xlogy(x: Array, y: Array) -> Array:
    return jnp.where(y != y, y, jnp.where(x == 0, 0, x * jnp.log(y)))


def ldexp(x: Array, y: Array) -> Array:
    """x * 2**y"""
    return x * jnp.exp2(y)


def frexp(x: Array) -> tuple[Array, Array]:
    """(mantissa, exponent) with x = mantissa * 2**exponent and 0.5 <= |mantissa| < 1."""
    mantissa, exponent = jnp.frexp(x)
    return mantissa, exponent.astype(jnp.int32)
