"""Orthogonal polynomials of tensor degree, by their recurrences, and their derivatives by the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax

from ..special import POLYNOMIALS

Array = Any


def polynomial(name: str) -> Callable[..., Any]:
    """The kernel (x, n; order): the order-th derivative at x, of degree n (cut to an integer; 0 below 0)."""
    (slope, constant), step = POLYNOMIALS[name]

    def kernel(x: Array, n: Array, *, order: int) -> Array:
        x, n = jnp.broadcast_arrays(x, n)
        degree = jnp.trunc(n)
        if not x.size:
            return jnp.zeros_like(x)
        # rows: the polynomial, its first derivative, ... up to `order`
        before = [jnp.ones_like(x)] + [jnp.zeros_like(x)] * order
        now = [slope * x + constant, jnp.full_like(x, slope), *[jnp.zeros_like(x)] * order][: order + 1]
        out = jnp.where(degree == 0, before[order], jnp.where(degree == 1, now[order], 0))
        top = jnp.max(jnp.where(jnp.isfinite(degree), degree, 0)).astype(jnp.int64)

        def ahead(k: Any, state: Any) -> Any:
            before, now, out = state
            a, b, c = (jnp.asarray(v).astype(x.dtype) for v in step(k.astype(x.dtype)))
            after = [(a * x + b) * now[0] - c * before[0]]
            for m in range(1, order + 1):
                after.append((a * x + b) * now[m] + m * a * now[m - 1] - c * before[m])
            return now, after, jnp.where(degree == k + 1, after[order], out)

        out = lax.fori_loop(1, jnp.maximum(top, 1), ahead, (before, now, out))[2]
        return jnp.where(n != n, n, out)

    kernel.__name__ = "special_" + name
    return kernel


special_chebyshev_polynomial_t = polynomial("chebyshev_polynomial_t")
special_chebyshev_polynomial_u = polynomial("chebyshev_polynomial_u")
special_chebyshev_polynomial_v = polynomial("chebyshev_polynomial_v")
special_chebyshev_polynomial_w = polynomial("chebyshev_polynomial_w")
special_shifted_chebyshev_polynomial_t = polynomial("shifted_chebyshev_polynomial_t")
special_shifted_chebyshev_polynomial_u = polynomial("shifted_chebyshev_polynomial_u")
special_shifted_chebyshev_polynomial_v = polynomial("shifted_chebyshev_polynomial_v")
special_shifted_chebyshev_polynomial_w = polynomial("shifted_chebyshev_polynomial_w")
special_hermite_polynomial_h = polynomial("hermite_polynomial_h")
special_hermite_polynomial_he = polynomial("hermite_polynomial_he")
special_laguerre_polynomial_l = polynomial("laguerre_polynomial_l")
special_legendre_polynomial_p = polynomial("legendre_polynomial_p")
