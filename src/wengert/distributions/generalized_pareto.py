"""The generalised Pareto distribution."""

from __future__ import annotations

# mypy: disable-error-code="attr-defined, no-any-return"
from typing import Any

from .. import Size, broadcast_to, exp, expm1, inf, isclose, log, log1p, nan, ones_like, rand, where, zeros_like
from ..core.tensor import Tensor
from . import constraints
from .constraints import Constraint
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Exceedances above `loc`, of `scale` and of the shape `concentration`; 0 is the exponential distribution."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return self._expand_parameters(
            GeneralizedPareto, batch_shape, _instance, loc=0, scale=0, concentration=0
        )

    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and the concentration with 1 in those places, so that it can be divided by."""
        is_zero = isclose(self.concentration, zeros_like(self.concentration))
        return is_zero, where(is_zero, ones_like(self.concentration), self.concentration)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        u = rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.icdf(u)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        is_zero, shape = self._shape()
        power = 1 / shape + ones_like(z)
        exponent = where(power == 0, power, power * log1p(shape * z))
        return -log(self.scale) - where(is_zero, z, exponent)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of more than `value`."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        is_zero, shape = self._shape()
        return where(is_zero, -z, -log1p(shape * z) / shape)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of at most `value`."""
        if self._validate_args:
            self._validate_sample(value)
        return log1p(-exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        is_zero, shape = self._shape()
        log_u = log1p(-value)
        curved = self.loc + self.scale / shape * expm1(-shape * log_u)
        return where(is_zero, self.loc - self.scale * log_u, curved)

    def _z(self, x: Tensor) -> Tensor:
        return (x - self.loc) / self.scale

    @property
    def mean(self) -> Tensor:
        exists = self.concentration < 1
        shape = where(exists, self.concentration, 0.5)
        return where(exists, self.loc + self.scale / (1 - shape), nan)

    @property
    def variance(self) -> Tensor:
        exists = self.concentration < 0.5
        shape = where(exists, self.concentration, 0.25)
        return where(exists, self.scale**2 / ((1 - shape) ** 2 * (1 - 2 * shape)), nan)

    def entropy(self) -> Tensor:
        return broadcast_to(log(self.scale) + self.concentration + 1, self._batch_shape)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Constraint:  # type: ignore[override]
        end = where(self.concentration < 0, self.loc - self.scale / self.concentration, inf)
        return constraints.interval(self.loc, end)
