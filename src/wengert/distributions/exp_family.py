"""`ExponentialFamily`: densities exp(<t(x), theta> - F(theta) + k(x)), known by natural parameters and normaliser."""

from __future__ import annotations

# mypy: disable-error-code="attr-defined, no-any-return"
from typing import Any

from ..autograd import grad
from ..core.tensor import Tensor
from .distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Base of the families that give `_natural_params`, `_log_normalizer` and `_mean_carrier_measure`."""

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """The natural parameters theta."""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        """The log-normaliser F(theta)."""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> float:
        """The mean of the carrier measure k(x)."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """F(theta) - <theta, F'(theta)> - E[k(x)], the derivative taken by autograd."""
        result: Any = -self._mean_carrier_measure
        thetas = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*thetas)
        gradients = grad(normalizer.sum(), thetas, create_graph=True)
        result += normalizer
        for theta, g in zip(thetas, gradients, strict=True):
            result -= (theta * g).reshape(self._batch_shape + (-1,)).sum(-1)
        return result
