"""Mixtures of components of one family."""

from __future__ import annotations

# mypy: disable-error-code="attr-defined, no-any-return"
from typing import Any

from .. import Size, log_softmax, logsumexp, no_grad
from .. import sum as sum_
from ..core.tensor import Tensor
from . import constraints
from .categorical import Categorical
from .constraints import Constraint, MixtureSameFamilyConstraint
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A mixture of the last batch dimension of `component_distribution`, chosen by `mixture_distribution`.

    Errors: ValueError for a mixture that is no Categorical, or whose shape does not fit.
    """

    arg_constraints: dict[str, Constraint] = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        if not isinstance(self._mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of torch.distributions.Categorical"
            )
        if not isinstance(self._component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of torch.distributions.Distribution"
            )
        chosen = self._mixture_distribution.batch_shape
        batch_shape = self._component_distribution.batch_shape[:-1]
        for size1, size2 in zip(reversed(chosen), reversed(batch_shape), strict=False):
            if size1 != 1 and size2 != 1 and size1 != size2:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({chosen}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch_shape})"
                )
        choices = self._mixture_distribution.logits.shape[-1]
        components = self._component_distribution.batch_shape[-1]
        if choices != components:
            raise ValueError(
                f"`mixture_distribution component` ({choices}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({components})"
            )
        self._num_component = choices
        event_shape = self._component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(batch_shape=batch_shape, event_shape=event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        batch_shape = Size(batch_shape)
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        new._component_distribution = self._component_distribution.expand(
            batch_shape + (self._num_component,)
        )
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component = self._num_component
        new._event_ndims = self._event_ndims
        return self._finish_expand(MixtureSameFamily, new, batch_shape)

    @constraints.dependent_property
    def support(self) -> Constraint:  # type: ignore[override]
        return MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution of the choice of a component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components, along the last batch dimension."""
        return self._component_distribution

    def _average(self, values: Tensor) -> Tensor:
        """The mean over the components, weighted by their probabilities."""
        weights = self._pad_mixture_dimensions(self.mixture_distribution.probs)
        return sum_(weights * values, dim=-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._average(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        within = self._average(self.component_distribution.variance)
        return within + self._average((self.component_distribution.mean - self._pad(self.mean)).pow(2.0))

    def cdf(self, x: Tensor) -> Tensor:  # type: ignore[override]
        below = self.component_distribution.cdf(self._pad(x))
        return sum_(below * self.mixture_distribution.probs, dim=-1)

    def log_prob(self, x: Tensor) -> Tensor:  # type: ignore[override]
        if self._validate_args:
            self._validate_sample(x)
        each = self.component_distribution.log_prob(self._pad(x))
        return logsumexp(each + log_softmax(self.mixture_distribution.logits, dim=-1), dim=-1)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        with no_grad():
            place = len(sample_shape) + len(self.batch_shape)  # the dimension of the components
            chosen = self.mixture_distribution.sample(sample_shape)
            samples = self.component_distribution.sample(sample_shape)
            ones = Size([1] * (len(self.event_shape) + 1))
            index = chosen.reshape(chosen.shape + ones)
            index = index.repeat(Size([1] * len(chosen.shape)) + Size([1]) + self.event_shape)
            return samples.gather(place, index).squeeze(place)

    def _pad(self, x: Tensor) -> Tensor:
        """With a dimension for the components in front of the event."""
        return x.unsqueeze(-1 - self._event_ndims)

    def _pad_mixture_dimensions(self, x: Tensor) -> Tensor:
        """Weights of the shape of the mixture, ready to be multiplied with values of the components."""
        chosen = len(self.mixture_distribution.batch_shape)
        missing = 0 if chosen == 1 else len(self.batch_shape) - chosen
        return x.reshape(x.shape[:-1] + Size([1] * missing) + x.shape[-1:] + Size([1] * self._event_ndims))

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
