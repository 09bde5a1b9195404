"""The geometric distribution."""

from __future__ import annotations

# mypy: disable-error-code="attr-defined, no-any-return"
from typing import Any

from .. import Size, finfo, no_grad, zeros_like
from ..core.deferred import refuse_value, values_known
from ..core.tensor import Tensor
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from .distribution import Distribution
from .odds import require_one
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits

__all__ = ["Geometric"]


class Geometric(Distribution):
    """The number of failures before the first success, of probability `probs` (or of log-odds `logits`)."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        require_one(probs, logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
            shape = self.probs.size()
        else:
            (self.logits,) = broadcast_all(logits)
            shape = self.logits.size()
        super().__init__(shape, validate_args=validate_args)
        if self._validate_args and probs is not None:
            kind, shape = type(self.probs).__name__, tuple(self.probs.shape)
            about = f"Expected parameter probs ({kind} of shape {shape}) of distribution "
            shown = None if values_known() else repr(self)

            def error(value: Tensor) -> ValueError:
                found = value.data[~(value > 0)]
                return ValueError(f"{about}{shown or repr(self)} to be positive but found invalid values:\n{found}")

            refuse_value(~(self.probs > 0), self.probs, error)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return self._expand_parameters(Geometric, batch_shape, _instance, probs=0, logits=0)

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability."""
        return logits_to_probs(self.logits, is_binary=True)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        probs, shape = self.probs, self._extended_shape(sample_shape)
        with no_grad():
            u = probs.new(shape).uniform_(finfo(probs.dtype).tiny, 1)
            return (u.log() / (-probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        failure = probs.clone()
        failure[(failure == 1) & (value == 0)] = 0  # 0 * log(0) is 0 here
        return value * (-failure).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
