"""The slots that stand in for those of `Tensor` while traces run: a trace sees its own values, other threads the real ones.

So whatever code touches a tensor that existed before the trace, that tensor is found and becomes an input, and nothing
that the trace does reaches the real tensors until it has succeeded.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import modes
from ..core.modes import mode
from ..core.tensor import Tensor
from .arrays import TracedArray

if TYPE_CHECKING:
    from .tracer import Tracer

#: the real slots
DATA, GRAD, VERSION = Tensor.__dict__["_data"], Tensor.__dict__["_grad"], Tensor.__dict__["_ver"]


def grad_of(t: Tensor) -> Any:
    """What the `_grad` slot of a tensor holds; None if it was never set."""
    try:
        return GRAD.__get__(t)
    except AttributeError:
        return None


def in_trace(t: Tensor) -> bool:
    """Whether the trace itself made this tensor."""
    try:
        data = DATA.__get__(t)
    except AttributeError:
        return True
    return data.__class__ is TracedArray or isinstance(data, Tensor)


class TracingSlot:
    """Stands for a slot of `Tensor`."""

    def __init__(self, slot: Any) -> None:
        self.slot = slot


class DataSlot(TracingSlot):
    """`_data`: the traced array of a tensor that the trace has met."""

    def __get__(self, t: Any, owner: Any = None) -> Any:
        if t is None:
            return self
        data = self.slot.__get__(t)
        if data.__class__ is not np.ndarray:
            return data
        tracer = mode().tracer
        return data if tracer is None else tracer.read(t, data)

    def __set__(self, t: Any, value: Any) -> None:
        tracer = mode().tracer
        if tracer is None or isinstance(value, Tensor):
            self.slot.__set__(t, value)
        else:
            tracer.set_data(t, value)


class GradSlot(TracingSlot):
    """`_grad`: what the trace set, in its note of the tensor."""

    def __get__(self, t: Any, owner: Any = None) -> Any:
        if t is None:
            return self
        tracer = mode().tracer
        if tracer is None or in_trace(t):
            return self.slot.__get__(t)
        return tracer.read_grad(t)

    def __set__(self, t: Any, value: Any) -> None:
        tracer = mode().tracer
        if tracer is None or in_trace(t):
            self.slot.__set__(t, value)
        else:
            tracer.external(t).grad = value

    def __delete__(self, t: Any) -> None:
        self.__set__(t, None)


#: how many traces there are, in all threads
_running = 0
_lock = threading.Lock()


@contextmanager
def tracing(tracer: Tracer) -> Iterator[None]:
    """Operations of this thread belong to `tracer`."""
    global _running
    with _lock:
        _running += 1
        if _running == 1:
            Tensor._data = DataSlot(DATA)  # type: ignore[assignment]
            Tensor._grad = GradSlot(GRAD)  # type: ignore[assignment]
    try:
        with modes.changed_mode(tracer=tracer):
            yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                Tensor._data, Tensor._grad = DATA, GRAD


__all__ = ["DATA", "GRAD", "VERSION", "grad_of", "tracing"]
