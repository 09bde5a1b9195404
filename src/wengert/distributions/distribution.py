"""`Distribution`: what all probability distributions share."""

from __future__ import annotations

# mypy: disable-error-code="attr-defined, no-any-return"
import warnings
from typing import Any, Self

from .. import Size, no_grad
from ..core.deferred import refuse_value, values_known
from ..core.named import PublicNamed
from ..core.tensor import Tensor
from . import constraints
from .constraints import Constraint
from .utils import class_name, lazy_property

__all__ = ["Distribution"]


class Distribution(metaclass=PublicNamed):
    """Base of the distributions. A sample has the shape `sample_shape + batch_shape + event_shape`.

    `validate_args`: whether parameters and the values given to `log_prob` are checked; None takes the default.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args: bool = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions made from now on check their arguments. Errors: ValueError for no truth value."""
        if value not in [True, False]:
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Any = Size(),  # noqa: B008
        event_shape: Any = Size(),  # noqa: B008
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = batch_shape
        self._event_shape = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()
        super().__init__()

    def _validate_parameters(self) -> None:
        try:
            required = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{class_name(self.__class__)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` "
                "or initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        for name, constraint in required.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue  # derived from a parameter that is checked itself
            value = getattr(self, name)
            sentence = (
                f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                "{} to satisfy the constraint {}, but found invalid values:\n"
            )
            self._refuse_invalid(value, constraint, sentence)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its parameters expanded to `batch_shape` (no memory is copied)."""
        raise NotImplementedError

    @property
    def batch_shape(self) -> Size:
        """The shape over which parameters are batched."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample, without batches."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """What each parameter has to satisfy, by name."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The constraint that samples satisfy."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The value of the highest density."""
        raise NotImplementedError(f"{class_name(self.__class__)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        """Samples of shape `sample_shape + batch_shape + event_shape`, without gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        """Samples that are a differentiable function of the parameters."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`; deprecated."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2
        )
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at `value`."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of at most `value`."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of `cdf`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution along the first dimension; expanded to `batch_shape` if asked."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy, of shape `batch_shape`."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = Size()) -> Size:  # noqa: B008
        """The shape of samples."""
        if not isinstance(sample_shape, Size):
            sample_shape = Size(sample_shape)
        return Size(sample_shape + self._batch_shape + self._event_shape)

    def _validate_sample(self, value: Tensor) -> None:
        """Check shape and support of an argument of `log_prob`, `cdf`. Errors: ValueError."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, event = value.shape, self._event_shape
        if shape[len(shape) - len(event):] != event:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {event}.")
        expected = self._batch_shape + event
        for have, want in zip(reversed(shape), reversed(expected), strict=False):
            if have != 1 and want != 1 and have != want:
                raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{class_name(self.__class__)} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        sentence = (
            f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the support "
            "({1}) of the distribution {0}, but found invalid values:\n"
        )
        self._refuse_invalid(value, support, sentence)

    def _refuse_invalid(self, value: Tensor, constraint: Constraint, sentence: str) -> None:
        """Raise ValueError unless `value` satisfies `constraint`. `sentence` has places for the distribution and for it."""
        shown = None if values_known() else (repr(self), constraint.__class__.__name__[1:] + "()")

        def error(found: Tensor) -> ValueError:
            return ValueError(sentence.format(*(shown or (repr(self), repr(constraint)))) + f"{found}")

        refuse_value(~constraint.check(value), value, error)

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """An empty instance for `expand`. Errors: NotImplementedError where a subclass has an `__init__` of its own,
        so that its attributes are unknown here."""
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method must also "
                "define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    def _expand_parameters(self, cls: type, batch_shape: Any, _instance: Any = None, **event_dims: int) -> Self:
        """`expand` of the class `cls`, whose parameters are tensors: each keeps its last `event_dims[name]` sizes.

        Of parameters that come in two forms, only those that are there are expanded.
        """
        new = self._get_checked_instance(cls, _instance)
        batch_shape = Size(batch_shape)
        for name, dims in event_dims.items():
            if name in self.__dict__:
                value = self.__dict__[name]
                setattr(new, name, value.expand(batch_shape + value.shape[len(value.shape) - dims:]))
        return self._finish_expand(cls, new, batch_shape)

    def _finish_expand(self, cls: Any, new: Any, batch_shape: Any) -> Any:
        """The end of every `expand`: shapes as `__init__` sets them, the same choice about checks."""
        super(cls, new).__init__(batch_shape, self._event_shape, validate_args=False)  # type: ignore[call-arg]
        new._validate_args = self._validate_args
        return new

    def __repr__(self) -> str:
        shown = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        text = ", ".join(f"{name}: {x if x.numel() == 1 and values_known() else x.size()}" for name, x in shown.items())
        return f"{self.__class__.__name__}({text})"
