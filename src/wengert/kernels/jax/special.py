"""Special functions: XLA's where it has them, a short formula where one is exact enough, else SciPy's on the host."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy import special as xla

from .. import numpy as on_numpy
from ..special import _BERNOULLI
from .host import on_host_pointwise

Array = Any

# ---------------------------------------------------------------- error functions

erf = lax.erf
erfc = lax.erfc
erfinv = lax.erf_inv
special_ndtr = xla.ndtr
special_ndtri = xla.ndtri
special_log_ndtr = xla.log_ndtr


def special_erfcx(x: Array) -> Array:
    """exp(x^2) erfc(x): by its definition, and for large x by its asymptotic series."""
    far = 10.0 if x.dtype == np.float64 else 5.0
    near = jnp.minimum(x, far)
    big = jnp.maximum(x, far)
    w = 0.5 / (big * big)
    series = jnp.ones_like(x)
    for k in range(12, 0, -1):
        series = 1 - (2 * k - 1) * w * series
    return jnp.where(x > far, series / (big * math.sqrt(math.pi)), jnp.exp(near * near) * lax.erfc(near))


# ---------------------------------------------------------------- gamma functions


def lgamma(x: Array) -> Array:
    return lax.lgamma(x)


def digamma(x: Array) -> Array:
    """The derivative of lgamma; at 0 the limit from its side."""
    return jnp.where(x == 0, jnp.copysign(jnp.asarray(math.inf, x.dtype), -x), lax.digamma(x))


def polygamma(x: Array, *, n: int) -> Array:
    """The n-th derivative of digamma."""
    if n == 0:
        return digamma(x)
    if n == 1:
        return trigamma(x)
    sign = 1 if n % 2 else -1
    y = special_zeta(jnp.asarray(n + 1, x.dtype), x) * (sign * math.gamma(n + 1.0))
    # as PyTorch: no limit at infinity, but what its series gives
    return jnp.where(x == math.inf, math.nan, jnp.where(x == -math.inf, sign * math.inf, y))


def trigamma(x: Array) -> Array:
    """The derivative of digamma: reflected to x >= 1/2, carried to x >= 10, then its asymptotic series."""
    left = x < 0.5
    z = jnp.where(left, 1 - x, x)
    total = jnp.zeros_like(z)
    for _ in range(10):
        total += 1 / (z * z)
        z += 1
    w = 1 / (z * z)
    series = jnp.zeros_like(z)
    for b in reversed(_BERNOULLI[:8]):
        series = (series + b) * w
    total += (1 + 0.5 / z + series) / z
    sine = jnp.sin(math.pi * jnp.where(left, x, 0.5))
    return jnp.where(left, (math.pi / sine) ** 2 - total, total)


def mvlgamma(x: Array, *, p: int) -> Array:
    """log of the multivariate gamma function of dimension p."""
    y = lax.lgamma(x) + p * (p - 1) / 4 * math.log(math.pi)
    for j in range(1, p):
        y = y + lax.lgamma(x - j / 2)
    return y


def igamma(x: Array, y: Array) -> Array:
    """The regularized lower incomplete gamma function P(x, y)."""
    return with_edges(xla.gammainc(x, y), x, y, 1, 0)


def igammac(x: Array, y: Array) -> Array:
    """The regularized upper incomplete gamma function Q(x, y)."""
    return with_edges(xla.gammaincc(x, y), x, y, 0, 1)


def with_edges(p: Array, x: Array, y: Array, at_inf: int, at_zero: int) -> Array:
    """At the ends of its range the result is known, whatever the other argument: PyTorch looks at these first."""
    p = jnp.where(jnp.isnan(x) & (y == math.inf), at_inf, p)
    return jnp.where((jnp.isnan(x) & (y == 0)) | ((x == math.inf) & jnp.isnan(y)), at_zero, p)


def not_half(x: Array, title: str) -> Array:
    """`x`, refused in half precision: the derivative is not there in it."""
    return on_numpy.not_half(x, title)  # type: ignore[attr-defined, no-any-return]


def special_zeta(x: Array, y: Array) -> Array:
    """The Hurwitz zeta function, with SciPy's values at its poles and ends."""
    z = xla.zeta(x, y)
    z = jnp.where((x == math.inf) & (y <= 1), jnp.where(y == 1, 1, math.inf), z)
    z = jnp.where((x > 1) & (y == math.inf), 0, z)
    z = jnp.where((y <= 0) & (y == jnp.floor(y)), math.inf, z)
    return jnp.where(x < 1, math.nan, jnp.where(x == 1, math.inf, z))


def horner(coefficients: list[float], x: Array) -> Array:
    """The polynomial with these coefficients, that of the highest power first."""
    y = jnp.zeros_like(x)
    for c in coefficients:
        y = y * x + c
    return y


def zeta_dx(x: Array, y: Array, *, order: int) -> Array:
    """(d/dx)^order of the Hurwitz zeta function sum (y + k)^-x, x > 1, y > 0, by Euler and Maclaurin."""
    x, y = jnp.broadcast_arrays(x, y)
    good = (x > 1) & (y > 0) & jnp.isfinite(x) & jnp.isfinite(y)
    s, a = jnp.where(good, x, 2.0), jnp.where(good, y, 1.0)
    total = jnp.zeros_like(s)
    for _ in range(12 + 2 * order):
        total = total + (-jnp.log(a)) ** order * a**-s
        a = a + 1
    log_a, power = -jnp.log(a), a**-s

    def product(parts: list[Any]) -> Any:
        """The derivative of a^-s times a function of s with these derivatives."""
        pieces = [math.comb(order, j) * log_a ** (order - j) * parts[j] for j in range(order + 1)]
        return sum(pieces[1:], pieces[0]) * power

    poles = [(-1) ** j * math.factorial(j) * (s - 1) ** (-j - 1) for j in range(order + 1)]
    total = total + a * product(poles) + 0.5 * product([1] + [0] * order)
    for m, b in enumerate(_BERNOULLI, 1):
        rising = np.poly1d(np.poly(-np.arange(2 * m - 1)))  # s (s + 1) ... (s + 2m - 2)
        parts = [horner((rising.deriv(j) if j else rising).coeffs.tolist(), s) for j in range(order + 1)]
        total = total + product(parts) * a ** (1 - 2 * m) * (b / math.factorial(2 * m))
    return jnp.where(good, total, jnp.where(x == 1, (-1.0) ** order * math.inf, math.nan))


# ---------------------------------------------------------------- entropy, logit, sinc


def special_xlog1py(x: Array, y: Array) -> Array:
    return jnp.where(y != y, y, jnp.where(x == 0, 0, x * jnp.log1p(y)))


def special_entr(x: Array) -> Array:
    """-x log x; 0 at 0, -inf below."""
    y = jnp.where(x > 0, -x * jnp.log(jnp.where(x > 0, x, 1)), jnp.where(x == 0, 0, -math.inf))
    return jnp.where(x != x, x, y)


def logit(x: Array, *, eps: float | None) -> Array:
    """log(x / (1 - x)), x first brought into [eps, 1 - eps]."""
    if eps is not None:
        x = jnp.minimum(jnp.maximum(x, jnp.asarray(eps, x.dtype)), jnp.asarray(1 - eps, x.dtype))
    return jnp.log(x / (1 - x))


def sinc(x: Array) -> Array:
    """sin(pi x) / (pi x)"""
    zero = x == 0
    y = jnp.where(zero, 1, x) * math.pi
    return jnp.where(zero, 1, jnp.sin(y) / y)


# ---------------------------------------------------------------- Bessel functions


def i0(x: Array) -> Array:
    return jnp.exp(jnp.abs(x)) * lax.bessel_i0e(x)


def special_i1(x: Array) -> Array:
    return jnp.exp(jnp.abs(x)) * lax.bessel_i1e(x)


special_modified_bessel_i0, special_modified_bessel_i1 = i0, special_i1
special_i0e = lax.bessel_i0e
special_i1e = lax.bessel_i1e


def spherical_jn(x: Array, *, order: int) -> Array:
    """The spherical Bessel function: of orders 0 and 1 by sines, with the power series near 0."""
    if order > 1:
        return on_host_pointwise("spherical_jn", on_numpy.spherical_jn, x, order=order)  # type: ignore[attr-defined]
    near = jnp.abs(x) < 0.5
    z = jnp.where(near, 1, x)
    w = x * x
    series = jnp.ones_like(x)
    for k in range(7, 0, -1):
        series = 1 - w / (2 * k * (2 * k + 1 + 2 * order)) * series
    if order == 0:
        far = jnp.sin(z) / z
    else:
        far, series = (jnp.sin(z) / z - jnp.cos(z)) / z, x / 3 * series
    y = jnp.where(near, series, far)
    return y if x.dtype.kind == "c" else jnp.where(jnp.isinf(x), 0, y)


def special_spherical_bessel_j0(x: Array) -> Array:
    return spherical_jn(x, order=0)


def hosted(name: str) -> Callable[..., Any]:
    """A function that XLA has not: NumPy's kernel of that name, called back."""

    def kernel(*arrays: Array, **params: Any) -> Array:
        return on_host_pointwise(name, getattr(on_numpy, name), *arrays, **params)

    kernel.__name__ = name
    return kernel


special_bessel_j0, special_bessel_j1 = hosted("special_bessel_j0"), hosted("special_bessel_j1")
special_bessel_y0, special_bessel_y1 = hosted("special_bessel_y0"), hosted("special_bessel_y1")
special_modified_bessel_k0 = hosted("special_modified_bessel_k0")
special_modified_bessel_k1 = hosted("special_modified_bessel_k1")
special_scaled_modified_bessel_k0 = hosted("special_scaled_modified_bessel_k0")
special_scaled_modified_bessel_k1 = hosted("special_scaled_modified_bessel_k1")
special_airy_ai, airy_ai_prime = hosted("special_airy_ai"), hosted("airy_ai_prime")
bessel_jn, bessel_in, bessel_ine = hosted("bessel_jn"), hosted("bessel_in"), hosted("bessel_ine")
igamma_da = hosted("igamma_da")
standard_gamma_grad, dirichlet_grad = hosted("standard_gamma_grad"), hosted("_dirichlet_grad")
