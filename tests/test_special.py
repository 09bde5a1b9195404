"""torch.special and the special functions of torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import wengert
from sample_checks import against_torch, batched, derivatives
from wengert import func, special
from wengert.core.samples import SAMPLES

NAMES = [n for n in SAMPLES if n.startswith("special.")]
NAMES += "erf erfc erfinv lgamma digamma polygamma mvlgamma igamma igammac i0 sinc logit".split()


def kinds(name: str) -> tuple[bool, ...]:
    return (False, True) if SAMPLES[name].flags.get("complex", True) else (False,)


@pytest.mark.parametrize("name", NAMES)
def test_against_torch(name: str) -> None:
    pytest.importorskip("torch")
    for is_complex in kinds(name):
        against_torch(name, is_complex, tol=1e-7, gradients=SAMPLES[name].flags.get("torch_gradient", True))
        against_torch(name, is_complex, dtype="float32", tol=1e-3, gradients=False)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name: str) -> None:
    for is_complex in kinds(name):
        derivatives(name, is_complex)


@pytest.mark.parametrize("name", NAMES)
def test_vmap_is_a_loop(name: str) -> None:
    batched(name)


POINTS = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 1e-9, 1e-3, 30.0, -30.0, 100.0, math.inf, -math.inf, math.nan, 7.7]
ONE = (
    "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 digamma entr erf erfc erfcx erfinv exp2 expit expm1 gammaln i0 "
    "i0e "
    "i1 i1e log1p log_ndtr logit modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 ndtr "
    "ndtri "
    "psi "
    "scaled_modified_bessel_k0 scaled_modified_bessel_k1 sinc spherical_bessel_j0"
).split()


@pytest.mark.parametrize("name", ONE)
def test_values_at_the_edges_and_node_names(name: str) -> None:
    torch = pytest.importorskip("torch")
    for dtype, tol in (("float64", 1e-6), ("float32", 1e-4)):
        x = np.array(POINTS, dtype)
        ours = getattr(special, name)(wengert.tensor(x, requires_grad=True))
        theirs = getattr(torch.special, name)(torch.tensor(x, requires_grad=True))
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), tol, 1e-6 * tol + 1e-12 + tol * 1e-2)
        if theirs.grad_fn is not None:
            assert ours.grad_fn.name() == theirs.grad_fn.name()
    assert getattr(special, name)(wengert.tensor([1, 2])).dtype is wengert.float32


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: special.erf(0.3), TypeError, "special_erf(): argument 'input' (position 1) must be Tensor, not float"),
        (lambda: special.airy_ai(wengert.ones(1) * 1j), NotImplementedError,
         "\"airy_ai_cpu\" not implemented for 'ComplexFloat'"),
        (lambda: wengert.polygamma(-1, wengert.ones(1)), RuntimeError, "polygamma(n, x) does not support negative n."),
        (lambda: wengert.mvlgamma(wengert.ones(1), 0), RuntimeError, "p has to be greater than or equal to 1"),
        (lambda: wengert.igamma(wengert.ones(1).long(), wengert.ones(1).long()), NotImplementedError,
         "\"igamma_cpu\" not implemented for 'Long'"),
    ],
)  # fmt: skip
def test_errors(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).split("\n")[0] == message


def test_in_place_forms() -> None:
    for name in ("erf_", "erfc_", "erfinv_", "lgamma_", "digamma_", "i0_", "sinc_", "logit_"):
        x = wengert.tensor([0.3, 0.6], dtype=wengert.float64)
        y = getattr(wengert, name[:-1])(x)
        assert getattr(x, name)() is x
        assert x.tolist() == y.tolist()
    x = wengert.tensor([2.5], dtype=wengert.float64)
    assert x.clone().polygamma_(1).tolist() == wengert.polygamma(1, x).tolist()
    assert x.clone().mvlgamma_(2).tolist() == wengert.mvlgamma(x, 2).tolist()
    assert x.clone().igamma_(x).tolist() == wengert.igamma(x, x).tolist()


def test_derivatives_at_zero_have_no_holes() -> None:
    """Families of whole orders: all derivatives of even and odd functions at 0 are right."""
    zero = wengert.tensor(0.0, dtype=wengert.float64)

    def nth(f: Any, n: int) -> float:
        for _ in range(n):
            f = func.grad(f)
        return float(f(zero))

    assert [nth(special.bessel_j0, n) for n in range(5)] == [1, 0, -0.5, 0, 0.375]
    assert [nth(special.i1, n) for n in range(1, 4)] == [0.5, 0, 0.375]
    np.testing.assert_allclose([nth(wengert.sinc, n) for n in range(1, 5)], [0, -(math.pi**2) / 3, 0, math.pi**4 / 5])
    np.testing.assert_allclose(nth(special.spherical_bessel_j0, 2), -1 / 3)


def test_incomplete_gamma_by_its_first_argument() -> None:
    """Against finite differences far and near; for large arguments too."""
    a = wengert.tensor([0.5, 2.0, 30.0, 400.0], dtype=wengert.float64, requires_grad=True)
    x = wengert.tensor([1e-3, 3.0, 25.0, 420.0], dtype=wengert.float64)
    (g,) = wengert.autograd.grad(special.gammainc(a, x).sum(), a)
    h = 1e-5 * a.detach()
    numeric = (special.gammainc(a.detach() + h, x) - special.gammainc(a.detach() - h, x)) / (2 * h)
    np.testing.assert_allclose(g.numpy(), numeric.numpy(), 1e-6)


def test_zeta_by_its_first_argument() -> None:
    """zeta'(2) = -0.9375482543158437538..."""
    x = wengert.tensor(2.0, dtype=wengert.float64, requires_grad=True)
    (g,) = wengert.autograd.grad(special.zeta(x, wengert.tensor(1.0, dtype=wengert.float64)), x)
    assert abs(float(g) + 0.93754825431584375) < 1e-13


def test_polynomials_of_any_degree() -> None:
    x = wengert.tensor([-1.0, -0.3, 0.0, 1.0], dtype=wengert.float64, requires_grad=True)
    y = special.chebyshev_polynomial_t(x, 5)
    (g,) = wengert.autograd.grad(y.sum(), x)
    np.testing.assert_allclose(g.numpy(), 5 * np.array([5, 16 * 0.3**4 - 12 * 0.3**2 + 1, 1, 5]), 1e-12)
    assert special.legendre_polynomial_p(x, -1).tolist() == [0, 0, 0, 0]
    assert special.hermite_polynomial_h(0.5, wengert.tensor([0, 1, 2])).tolist() == [1, 1, -1]
