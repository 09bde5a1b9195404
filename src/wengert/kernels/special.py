"""Special functions on arrays: SciPy's, in the precision of their arguments, and the few that it lacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any


def given(y: Array, out: Any, kind: Any) -> Array:
    """`y` in the dtype `kind`; in the array `out`, if that is one."""
    if out.__class__ is np.ndarray:
        np.copyto(out, y, "same_kind")
        return out
    return y if y.dtype == kind else y.astype(kind)


def scipy_kernel(name: str) -> Callable[..., Any]:
    """scipy.special.<name> as a kernel; SciPy is imported at the first call."""
    found: list[Any] = []

    def kernel(*arrays: Array, out: Any = None) -> Array:
        if not found:
            import scipy.special

            found.append(getattr(scipy.special, name))
        return given(found[0](*arrays), out, arrays[-1].dtype)

    kernel.__name__ = name
    return kernel


def of_order(name: str) -> Callable[..., Any]:
    """scipy.special.<name>(order, x) as a kernel with a parameter `order`."""

    def kernel(x: Array, *, order: int, out: Any = None) -> Array:
        import scipy.special

        # SciPy before 1.15 gives nan below 0; there j_n(-x) = (-1)^n j_n(x)
        odd_below = name == "spherical_jn" and x.dtype.kind == "f"
        y = np.asarray(getattr(scipy.special, name)(order, np.abs(x) if odd_below else x))
        if odd_below and order % 2:
            y = np.where(x < 0, -y, y)
        if name == "ive":  # SciPy gives nan at infinity
            y = np.where(np.isinf(x), 0, y)
        return given(y, out, x.dtype)

    kernel.__name__ = name
    return kernel


def airy_ai(x: Array, out: Any = None) -> Array:
    from scipy.special import airy

    return given(airy(x)[0], out, x.dtype)


def airy_ai_prime(x: Array) -> Array:
    from scipy.special import airy

    return airy(x)[1].astype(x.dtype)


def sinc(x: Array, out: Any = None) -> Array:
    """sin(pi x) / (pi x)"""
    zero = x == 0
    y = np.where(zero, 1, x) * x.dtype.type(math.pi)
    return given(np.where(zero, x.dtype.type(1), np.sin(y) / y), out, x.dtype)


def entr(x: Array, out: Any = None) -> Array:
    """-x log x; 0 at 0, -inf below."""
    y = np.where(x > 0, -x * np.log(np.where(x > 0, x, 1)), np.where(x == 0, 0, -np.inf))
    return given(np.where(np.isnan(x), x, y), out, x.dtype)


def lgamma(x: Array, out: Any = None) -> Array:
    """log |gamma(x)|"""
    from scipy.special import gammaln

    y = gammaln(x)
    return given(np.where(x == -np.inf, np.inf, y), out, x.dtype)  # SciPy gives -inf there


def logit(x: Array, *, eps: float | None) -> Array:
    """log(x / (1 - x)), x first brought into [eps, 1 - eps]."""
    if eps is not None:
        x = np.minimum(np.maximum(x, x.dtype.type(eps)), x.dtype.type(1 - eps))
    return np.log(x / (1 - x))


def gammainc(x: Array, y: Array) -> Array:
    """The regularized lower incomplete gamma function P(x, y)."""
    from scipy.special import gammainc

    return _with_edges(given(gammainc(x, y), None, y.dtype), x, y, 1, 0)


def gammaincc(x: Array, y: Array) -> Array:
    """The regularized upper incomplete gamma function Q(x, y)."""
    from scipy.special import gammaincc

    return _with_edges(given(gammaincc(x, y), None, y.dtype), x, y, 0, 1)


def _with_edges(p: Array, x: Array, y: Array, at_inf: int, at_zero: int) -> Array:
    """At the ends of its range the result is known, whatever the other argument: PyTorch looks at these first."""
    if not np.isnan(p).any():
        return p
    p = np.where(np.isnan(x) & (y == np.inf), p.dtype.type(at_inf), p)
    return np.where((np.isnan(x) & (y == 0)) | ((x == np.inf) & np.isnan(y)), p.dtype.type(at_zero), p)


def polygamma(x: Array, *, n: int) -> Array:
    """The n-th derivative of digamma."""
    from scipy.special import gamma, psi, zeta

    if n == 0:
        return psi(x)
    if n == 1:
        return trigamma(x)
    sign = 1 if n % 2 else -1
    y = zeta(x.dtype.type(n + 1), x) * x.dtype.type(sign * gamma(n + 1.0))
    if np.isinf(x).any():  # as PyTorch: no limit, but what its series gives
        y = np.where(x == np.inf, np.nan, np.where(x == -np.inf, sign * np.inf, y))
    return np.asarray(y).astype(x.dtype, copy=False)


def trigamma(x: Array) -> Array:
    """The derivative of digamma: reflected to x >= 1/2, carried to x >= 10, then its asymptotic series."""
    left = x < 0.5
    z = np.where(left, 1 - x, x).astype(np.float64)
    total = np.zeros(z.shape)
    for _ in range(10):
        total += 1 / (z * z)
        z += 1
    w = 1 / (z * z)
    series = np.zeros(z.shape)
    for b in reversed(_BERNOULLI[:8]):
        series = (series + b) * w
    total += (1 + 0.5 / z + series) / z
    sine = np.sin(math.pi * np.where(left, x, 0.5))
    return np.where(left, (math.pi / sine) ** 2 - total, total).astype(x.dtype)


def mvlgamma(x: Array, *, p: int) -> Array:
    """log of the multivariate gamma function of dimension p."""
    y: Any = x.dtype.type(p * (p - 1) / 4 * math.log(math.pi))
    for j in range(p):
        y = y + lgamma(x - x.dtype.type(j / 2))
    return y


# ---------------------------------------------------------------- derivatives that SciPy lacks


def bell(c: list[Any]) -> Any:
    """(d/da)^m of exp(f) over exp(f), from the derivatives c = [f', f'', ...] of f; 1 for an empty list."""
    values: list[Any] = [1]
    for m in range(len(c)):
        total: Any = 0
        for i in range(m + 1):
            total = total + math.comb(m, i) * values[m - i] * c[i]
        values.append(total)
    return values[-1]


def igamma_da(a: Array, x: Array, *, order: int) -> Array:
    """(d/da)^order of the regularized lower incomplete gamma function P(a, x), order >= 1.

    P is the sum of w_k = x^(a+k) e^-x / Gamma(a+k+1) over k = 0, 1, ...: each term and its derivatives are small, and
    all that count lie within a few square roots of x.
    """
    from scipy.special import gammaln, polygamma, psi

    kind = np.result_type(a, x)
    a, x = np.broadcast_arrays(a.astype(np.float64), x.astype(np.float64))
    good = (a > 0) & (x > 0) & np.isfinite(x) & np.isfinite(a)
    sa, sx = np.where(good, a, 1.0), np.where(good, x, 1.0)
    log_x = np.log(sx)
    reach = 40 * np.sqrt(sx) + 60
    first = np.floor(np.maximum(0, sx - sa - reach))
    last = np.maximum(0, sx - sa) + reach
    total = np.zeros(sa.shape)
    for j in range(int(np.max(last - first, initial=0)) + 1):
        b = sa + first + j + 1
        w = np.exp((b - 1) * log_x - sx - gammaln(b))
        slopes = [log_x - psi(b)] + [-polygamma(m, b) for m in range(1, order)]
        total = total + w * bell(slopes)
    edge = np.where((a > 0) & ((x == 0) | (x == np.inf)), 0.0, np.nan)
    return np.where(good, total, edge).astype(kind)


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)


def zeta_dx(x: Array, q: Array, *, order: int) -> Array:
    """(d/dx)^order of the Hurwitz zeta function sum (q + k)^-x, x > 1, q > 0, by Euler and Maclaurin."""
    kind = np.result_type(x, q)
    x, q = np.broadcast_arrays(x.astype(np.float64), q.astype(np.float64))
    good = (x > 1) & (q > 0) & np.isfinite(x) & np.isfinite(q)
    s, a = np.where(good, x, 2.0), np.where(good, q, 1.0)
    n = 12 + 2 * order
    total = np.zeros(s.shape)
    for _ in range(n):
        total = total + (-np.log(a)) ** order * a**-s
        a = a + 1
    log_a = -np.log(a)
    power = a**-s

    def product(parts: list[Any]) -> Any:
        """The derivative of a^-s times a function of s with these derivatives."""
        return sum(math.comb(order, j) * log_a ** (order - j) * parts[j] for j in range(order + 1)) * power

    poles = [(-1) ** j * math.factorial(j) * (s - 1) ** (-j - 1) for j in range(order + 1)]
    total = total + a * product(poles) + 0.5 * product([1] + [0] * order)
    for m, b in enumerate(_BERNOULLI, 1):
        rising = np.poly1d(np.poly(-np.arange(2 * m - 1)))  # s (s + 1) ... (s + 2m - 2)
        parts = [np.polyval(rising.deriv(j) if j else rising, s) for j in range(order + 1)]
        total = total + product(parts) * a ** (1 - 2 * m) * (b / math.factorial(2 * m))
    return np.where(good, total, np.where(x == 1, (-1.0) ** order * np.inf, np.nan)).astype(kind)


# ---------------------------------------------------------------- orthogonal polynomials

#: name -> (p_1 as (slope, constant), step: k -> (a, b, c) of p_k+1 = (a x + b) p_k - c p_k-1), on x or on 2x - 1
POLYNOMIALS: dict[str, tuple[tuple[float, float], Callable[[int], tuple[float, float, float]]]] = {
    "chebyshev_polynomial_t": ((1, 0), lambda k: (2, 0, 1)),
    "chebyshev_polynomial_u": ((2, 0), lambda k: (2, 0, 1)),
    "chebyshev_polynomial_v": ((2, -1), lambda k: (2, 0, 1)),
    "chebyshev_polynomial_w": ((2, 1), lambda k: (2, 0, 1)),
    "shifted_chebyshev_polynomial_t": ((2, -1), lambda k: (4, -2, 1)),
    "shifted_chebyshev_polynomial_u": ((4, -2), lambda k: (4, -2, 1)),
    "shifted_chebyshev_polynomial_v": ((4, -3), lambda k: (4, -2, 1)),
    "shifted_chebyshev_polynomial_w": ((4, -1), lambda k: (4, -2, 1)),
    "hermite_polynomial_h": ((2, 0), lambda k: (2, 0, 2 * k)),
    "hermite_polynomial_he": ((1, 0), lambda k: (1, 0, k)),
    "laguerre_polynomial_l": ((-1, 1), lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1))),
    "legendre_polynomial_p": ((1, 0), lambda k: ((2 * k + 1) / (k + 1), 0, k / (k + 1))),
}


def polynomial(name: str) -> Callable[..., Any]:
    """The kernel (x, n; order): the order-th derivative at x, of degree n (cut to an integer; 0 below 0)."""
    (slope, constant), step = POLYNOMIALS[name]

    def kernel(x: Array, n: Array, *, order: int) -> Array:
        x, n = np.broadcast_arrays(x, n)
        kind = x.dtype.type
        degree = np.trunc(n)
        out = np.zeros(x.shape, x.dtype)
        if not x.size:
            return out
        # rows: the polynomial, its first derivative, ... up to `order`
        before = [np.ones_like(x)] + [np.zeros_like(x)] * order
        now = [kind(slope) * x + kind(constant)] + [np.full_like(x, slope)] * (order > 0)
        now += [np.zeros_like(x)] * (order + 1 - len(now))
        out = np.where(degree == 0, before[order], out)
        out = np.where(degree == 1, now[order], out)
        finite = degree[np.isfinite(degree)]
        for k in range(1, int(finite.max(initial=0))):
            a, b, c = map(kind, step(k))
            after = [(a * x + b) * now[0] - c * before[0]]
            for m in range(1, order + 1):
                after.append((a * x + b) * now[m] + kind(m) * a * now[m - 1] - c * before[m])
            before, now = now, after
            out = np.where(degree == k + 1, now[order], out)
        return np.where(np.isnan(n), n, out).astype(x.dtype, copy=False)

    kernel.__name__ = name
    return kernel
