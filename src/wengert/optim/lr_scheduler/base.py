"""`LRScheduler`: what every schedule shares - the count of epochs, the order of the calls, the state dict."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...core.errors import warn
from ...core.modes import mode
from ...core.named import PublicNamed, object_repr
from ...core.tensor import Tensor
from ..optimizer import Optimizer

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed "
    "form is used instead of the new chainable form, where available. Please open an issue if you are unable to "
    "replicate your use case: https://github.com/pytorch/pytorch/issues/new/choose."
)

_DOCS = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


def check_optimizer(optimizer: Any) -> None:
    """Raises TypeError for anything that is not an Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def copied(value: Any) -> Any:
    """A value of a group, detached from it: tensors are cloned."""
    return value.clone() if isinstance(value, Tensor) else value


def values_of(optimizer: Optimizer, key: str) -> list[Any]:
    """The values of ``key`` in all groups."""
    return [copied(group[key]) for group in optimizer.param_groups]


def set_value(group: dict[str, Any], key: str, value: Any) -> None:
    """``group[key] = value``; a tensor in its place is filled, so that whoever holds it sees the change."""
    held = group.get(key)
    if isinstance(held, Tensor):
        held.fill_(value.item() if isinstance(value, Tensor) else value)
    else:
        group[key] = value


def per_group(name: str, optimizer: Optimizer, param: Any) -> list[Any]:
    """``param`` as a list with one value for each group. Raises ValueError for a list of another length."""
    if isinstance(param, (list, tuple)):
        if len(param) != len(optimizer.param_groups):
            raise ValueError(
                f"{name} must have the same length as optimizer.param_groups. "
                f"{name} has {len(param)} values, param_groups has {len(optimizer.param_groups)}."
            )
        return list(param)
    return [param] * len(optimizer.param_groups)


def after_a_program(step: Callable[..., None]) -> Callable[..., None]:
    """`step` of a scheduler; inside a compiled function it is done when the program has run."""

    @functools.wraps(step)
    def stepped(self: Any, *args: Any, **kwargs: Any) -> None:
        tracer = mode().tracer
        if tracer is None:
            step(self, *args, **kwargs)
        else:
            tracer.step_later(step, self, *args, **kwargs)

    return stepped


class LRScheduler(metaclass=PublicNamed):
    """Base class. Subclasses define ``get_lr() -> list``; where the value does not depend on the last one, also
    ``_get_closed_form_lr``, which ``step(epoch)`` uses.

    ``last_epoch=-1`` starts a schedule and records ``initial_lr`` in each group; any other value resumes one, and
    raises KeyError for groups without ``initial_lr``.
    """

    _get_lr_called_within_step: bool = False
    _is_initial: bool = False

    __repr__ = object_repr

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if last_epoch == -1:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", copied(group["lr"]))
        else:
            for i, group in enumerate(optimizer.param_groups):
                if "initial_lr" not in group:
                    raise KeyError(
                        f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                        "last_epoch >= 0.\nThis typically happens when:\n1. You're trying to resume training from a "
                        "checkpoint but haven't properly loaded the optimizer state\n2. You're using last_epoch >= 0 "
                        "for a fresh training run (not recommended)"
                    )
        self.base_lrs: list[Any] = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        # What `step` compares with: an optimizer whose `step` was replaced since cannot tell that it ran.
        self._seen_step = optimizer.__dict__.get("step")
        self._initial_step()

    def _initial_step(self) -> None:
        """Take step 0, which no optimizer step precedes."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    _private: Sequence[str] = ("optimizer", "_seen_step")

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key not in self._private}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue where ``state_dict`` was taken."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rates that the last step set, one for each group."""
        tracer = mode().tracer
        return self._last_lr if tracer is None else tracer.last_rates(self)  # type: ignore[no-any-return]

    def get_lr(self) -> list[Any]:
        """The rates for ``last_epoch``, from those of the groups now; called by ``step``."""
        raise NotImplementedError

    @after_a_program
    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch. ``epoch`` (deprecated) jumps there."""
        if self._step_count == 1:
            if self.optimizer.__dict__.get("step") is not getattr(self, "_seen_step", None):
                warn(
                    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                    f"Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. {_DOCS}"
                )
            elif not self.optimizer._opt_called:
                warn(
                    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you "
                    "should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure "
                    f"to do this will result in PyTorch skipping the first value of the learning rate schedule. {_DOCS}"
                )
        self._step_count += 1
        if epoch is not None:
            warn(EPOCH_DEPRECATION_WARNING)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        with self._within_step():
            if epoch is None:
                self.last_epoch += 1
                values = self.get_lr()
            else:
                self.last_epoch = epoch
                closed = getattr(self, "_get_closed_form_lr", None)
                values = closed() if closed is not None else self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, values, strict=True):
            set_value(group, "lr", lr)
        self._last_lr: list[Any] = values_of(self.optimizer, "lr")

    @contextmanager
    def _within_step(self) -> Iterator[None]:
        """`get_lr` is called by `step`, and need not warn."""
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _warn_get_lr_called_within_step(self) -> None:
        if not self._get_lr_called_within_step:
            warn("To get the last learning rate computed by the scheduler, please use `get_last_lr()`.")

    def _now(self) -> list[Any]:
        """The rates of the groups as they are."""
        return values_of(self.optimizer, "lr")
