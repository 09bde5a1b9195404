"""Gamma and Dirichlet samples, and how they move with their parameters. For `distributions`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.generator import Generator, stream_of
from ..core.primitive import elementwise
from ..core.tensor import Tensor
from ..kernels import gamma, rejection
from . import random_arguments as arguments
from .install import public
from .random_bounds import not_implemented
from .random_draws import without_derivative
from .random_levels import draw

Array = Any


def _gamma_kernel(x: Array, *, generator: Any) -> Array:
    if x.dtype not in (np.float32, np.float64):
        raise not_implemented("gamma_cpu", x)
    y = np.zeros(x.shape, x.dtype)
    rejection.standard_gamma(y, x, stream_of(generator))
    return y


def _dirichlet_kernel(x: Array, *, generator: Any) -> Array:
    if x.dtype not in (np.float32, np.float64):
        raise not_implemented("dirichlet", x)
    y = np.zeros(x.shape, x.dtype)
    rejection.dirichlet(y, x, stream_of(generator))
    return y


def _refuse(name: str) -> Any:
    def refuse(xp: Any, g: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return refuse


_gamma_grad = elementwise(
    "standard_gamma_grad",
    kernel=gamma.standard_gamma_grad,
    inputs=("x", "y"),
    vjp=dict.fromkeys(("x", "y"), _refuse("_standard_gamma_grad")),
    promote=None,
    half="native",
    node="NotImplemented",
)
_gamma = elementwise(
    "standard_gamma",
    kernel=_gamma_kernel,
    vjp={"x": lambda xp, g, x, out: g * xp.standard_gamma_grad(x, out)},
    params=("generator",),
    promote=None,
    half="native",
)
_dirichlet = without_derivative("_sample_dirichlet", _dirichlet_kernel, ("x",), params=("generator",))


@public(name="_standard_gamma")
def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma of the shapes in `input` and scale 1, differentiable in the shapes; float32 and float64."""
    arguments.the_tensor("_standard_gamma", input)
    return draw(_gamma, (input,), {"generator": generator})  # type: ignore[no-any-return]


@public(name="_standard_gamma_grad", method=False)
def _standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    """The derivative of samples `output` of `_standard_gamma` by its argument."""
    return _gamma_grad(input, output)  # type: ignore[no-any-return]


@public(name="_sample_dirichlet", method=False)
def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Dirichlet over the last dimension with the concentrations in `input`; float32 and float64."""
    arguments.the_tensor("_sample_dirichlet", input)
    return draw(_dirichlet, (input,), {"generator": generator})  # type: ignore[no-any-return]


_dirichlet_grad_prim = elementwise(
    "_dirichlet_grad",
    kernel=gamma.dirichlet_grad,
    inputs=("x", "alpha", "total"),
    vjp=dict.fromkeys(("x", "alpha", "total"), _refuse("_dirichlet_grad")),
    promote=None,
    half="native",
    node="NotImplemented",
)


@public(name="_dirichlet_grad", method=False)
def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """How components `x` of Dirichlet samples move with their concentrations `alpha`; `total` is their sum."""
    return _dirichlet_grad_prim(x, alpha, total)  # type: ignore[no-any-return]
