"""Bessel functions and Airy's.

The families of whole orders close under differentiation: no division by x where x may be 0, and all derivatives exist.
"""

from __future__ import annotations

from typing import Any

from ..core.primitive import elementwise
from ..core.samples import Case, T, pointwise, samples
from ..kernels import special as kernels
from ..kernels.special import of_order, scipy_kernel
from .special import special, under_torch


def _family(name: str, routine: str, d: Any) -> None:
    """A family of whole orders, a primitive with the parameter `order`."""
    elementwise(name, params=("order",), kernel=of_order(routine), d=dict(x=d))


# J_n' = (J_n-1 - J_n+1) / 2
_family("bessel_jn", "jv", lambda xp, x, order: 0.5 * (xp.bessel_jn(x, order=order - 1) - xp.bessel_jn(x, order=order + 1)))
special("bessel_j0", scipy_kernel("j0"), lambda xp, x: -xp.special_bessel_j1(x))
special("bessel_j1", scipy_kernel("j1"), lambda xp, x: 0.5 * (xp.special_bessel_j0(x) - xp.bessel_jn(x, order=2)))

# Y, defined for x > 0
special("bessel_y0", scipy_kernel("y0"), lambda xp, x: -xp.special_bessel_y1(x))
special("bessel_y1", scipy_kernel("y1"), lambda xp, x, out: xp.special_bessel_y0(x) - out / x)

# I_n' = (I_n-1 + I_n+1) / 2
_family("bessel_in", "iv", lambda xp, x, order: 0.5 * (xp.bessel_in(x, order=order - 1) + xp.bessel_in(x, order=order + 1)))
under_torch("i0", scipy_kernel("i0"), lambda xp, x: xp.special_i1(x))
special(
    "i1", scipy_kernel("i1"),
    lambda xp, x: xp.where(  # 0.5 at nan too
        xp.not_half(x, "i1_backward") == x, 0.5 * (xp.i0(x) + xp.bessel_in(x, order=2)), 0.5
    ),
    half=True,
)  # fmt: skip
special("modified_bessel_i0", scipy_kernel("i0"), lambda xp, x: xp.special_i1(x))
special("modified_bessel_i1", scipy_kernel("i1"), lambda xp, x: 0.5 * (xp.i0(x) + xp.bessel_in(x, order=2)))

# e^-|x| I_n
_family(
    "bessel_ine", "ive",
    lambda xp, x, out, order: 0.5 * (xp.bessel_ine(x, order=order - 1) + xp.bessel_ine(x, order=order + 1))
    - xp.sgn(x) * out,
)  # fmt: skip
special(
    "i0e", scipy_kernel("i0e"), lambda xp, x, out: xp.special_i1e(x) - xp.sgn(x) * out, node="SpecialI0EBackward0", half=True
)
special(
    "i1e", scipy_kernel("i1e"),
    lambda xp, x, out: xp.where(
        xp.not_half(x, "i1e_backward") == x,
        0.5 * (xp.special_i0e(x) + xp.bessel_ine(x, order=2)) - xp.sgn(x) * out, 0.5,
    ),
    node="SpecialI1EBackward0", half=True,
)  # fmt: skip

# K, defined for x > 0, and e^x K
special("modified_bessel_k0", scipy_kernel("k0"), lambda xp, x: -xp.special_modified_bessel_k1(x))
special("modified_bessel_k1", scipy_kernel("k1"), lambda xp, x, out: -xp.special_modified_bessel_k0(x) - out / x)
special(
    "scaled_modified_bessel_k0", scipy_kernel("k0e"),
    lambda xp, x, out: out - xp.special_scaled_modified_bessel_k1(x), argument="x",
)  # fmt: skip
special(
    "scaled_modified_bessel_k1", scipy_kernel("k1e"),
    lambda xp, x, out: out - xp.special_scaled_modified_bessel_k0(x) - out / x, argument="x",
)  # fmt: skip

# spherical j_n' = (n j_n-1 - (n + 1) j_n+1) / (2n + 1)
_family(
    "spherical_jn", "spherical_jn",
    lambda xp, x, order: -xp.spherical_jn(x, order=1) if order == 0 else (
        order * xp.spherical_jn(x, order=order - 1) - (order + 1) * xp.spherical_jn(x, order=order + 1)
    ) / (2 * order + 1),
)  # fmt: skip
special(
    "spherical_bessel_j0", lambda x, out=None: kernels.of_order("spherical_jn")(x, order=0, out=out),
    lambda xp, x: -xp.spherical_jn(x, order=1), argument="x",
)  # fmt: skip

# Ai'' = x Ai
elementwise("airy_ai_prime", kernel=kernels.airy_ai_prime, d=dict(x=lambda xp, x: x * xp.special_airy_ai(x)))
special("airy_ai", kernels.airy_ai, lambda xp, x: xp.airy_ai_prime(x), argument="x")

_WHY = "PyTorch has no derivative here"
for _name in ("i0", "special.i0", "special.i1"):
    samples(_name, *pointwise(-2.0, 2.0), complex=False)
for _name in ("special.i0e", "special.i1e"):
    samples(_name, *pointwise(0.2, 3.0), complex=False)
for _name in ("bessel_j0", "bessel_j1", "modified_bessel_i0", "modified_bessel_i1", "spherical_bessel_j0", "airy_ai"):
    samples("special." + _name, *pointwise(-2.0, 2.0), Case(T(3, low=4.0, high=9.0)), complex=False,
            torch_gradient=False, why_not=_WHY)  # fmt: skip
for _name in ("bessel_y0", "bessel_y1", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0",
              "scaled_modified_bessel_k1"):  # fmt: skip
    samples("special." + _name, *pointwise(0.3, 4.0), complex=False, torch_gradient=False, why_not=_WHY)
