"""Checks of values. Eagerly they look at once; while `compile` traces there is nothing to look at yet: the program
finds out, and the call raises after it ran (with everything that the program would have changed left as it was)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .modes import mode
from .tensor import Tensor


def refuse_where(bad: Tensor, error: Callable[[], Exception]) -> None:
    """Raise `error()` if any element of the bool tensor `bad` is true."""
    tracer = mode().tracer
    if tracer is None:
        if bool(bad.any()):  # type: ignore[attr-defined]
            raise error()
        return

    def check(value: Tensor) -> None:
        if bool(value.any()):  # type: ignore[attr-defined]
            raise error()

    tracer.check_later(bad, bad, check)


def refuse_value(bad: Tensor, value: Tensor, error: Callable[[Tensor], Exception]) -> None:
    """Raise `error(value)` if any element of the bool tensor `bad` is true, in any slot of a transform."""
    tracer = mode().tracer
    if tracer is None:
        data: Any = bad
        while isinstance(data, Tensor):
            data = data._data
        if bool(data.any()):
            raise error(value)
        return
    found: list[bool] = []
    tracer.check_later(bad, bad, lambda b: found.append(bool(b.any())))  # type: ignore[attr-defined]

    def check(value: Tensor) -> None:
        if found.pop():
            raise error(value)

    tracer.check_later(bad, value, check)


def deferred(check: Callable[..., None], info: Tensor, *rest: Any) -> bool:
    """Whether `check(info, *rest)`, which raises where `info` is not 0, is put off until the program ran."""
    tracer = mode().tracer
    if tracer is None:
        return False
    tracer.check_later(info != 0, info, lambda value: check(value, *rest))
    return True


def values_known() -> bool:
    """Whether the elements of tensors can be looked at: not while `compile` traces."""
    return mode().tracer is None


__all__ = ["deferred", "refuse_value", "refuse_where", "values_known"]
