"""One parameter in two forms: `probs` or `logits`, the other one computed when it is asked for."""

from __future__ import annotations

# mypy: disable-error-code="attr-defined, no-any-return"
from typing import Any

from .. import Size
from ..core.tensor import Tensor
from .distribution import Distribution
from .utils import lazy_property, logits_to_probs, probs_to_logits


def require_one(probs: Any, logits: Any) -> None:
    """Errors: ValueError unless exactly one of the two is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class Odds(Distribution):
    """A distribution with a probability (or its log-odds) as `_param`."""

    _param: Tensor

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._param.new(*args, **kwargs)

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.size()

    def _expand_odds(self, cls: type, batch_shape: Any, _instance: Any = None, **others: int) -> Any:
        """`expand` of the probability, the log-odds and `others`."""
        new = self._expand_parameters(cls, batch_shape, _instance, **others, probs=0, logits=0)
        self._choose_param(new)
        return new

    @staticmethod
    def _choose_param(new: Any) -> None:
        new._param = new.__dict__["logits" if "logits" in new.__dict__ else "probs"]
