"""Results that show the memory of an argument, of a tensor from outside or of another result.

A program gives values, not memory. So such a result is made after each call, on the actual tensor, by the operations
that led to it in the function: then it shares the memory, the version counter and the graph, as it does eagerly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from ..core.graph import LEAF
from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..core.views import FUNCTION_VIEW, INFERENCE_VIEW, NO_GRAD_VIEW, OF_NO_GRAD_VIEW
from .untraceable import Untraceable

#: (how a tensor is had after a call, what): see `Entry.result`
Had = tuple[str, Any]
Step = Callable[[Tensor], Tensor]


class Alias:
    """A result that is made of the tensor `base` by `steps`."""

    __slots__ = ("base", "steps")

    def __init__(self, base: Had, steps: tuple[Step, ...]) -> None:
        self.base, self.steps = base, steps

    def made(self, t: Tensor) -> Tensor:
        for step in self.steps:
            t = step(t)
        return t


def alias(x: Tensor, owners: Iterable[tuple[Tensor, Had]]) -> Alias:
    """How to make `x` of one of `owners`, tensors of the trace that stand for actual ones. Raises Untraceable."""
    best: tuple[Any, Alias] | None = None
    for owner, had in owners:
        if owner._data.buffer is not x._data.buffer:
            continue
        steps = steps_between(owner, x)
        if steps is not None:
            rank = root(x) is not root(owner), len(steps)
            if best is None or rank < best[0]:
                best = rank, Alias(had, steps)
    if best is None:
        raise refusal()
    return best[1]


def root(t: Tensor) -> Tensor:
    return t if t._view is None else t._view.base  # type: ignore[no-any-return]


def steps_between(owner: Tensor, x: Tensor) -> tuple[Step, ...] | None:
    """What leads from `owner` to `x` over the same memory; None if nothing does that can be done again."""
    before, chain = owner._data.chain, x._data.chain
    if chain[: len(before)] != before:
        return None
    own = chain[len(before) :]
    made = root(x)
    kind = None if x._view is None else x._view.creation
    if kind in (FUNCTION_VIEW, INFERENCE_VIEW):
        return None
    steps: list[Step] = []
    if made is not root(owner):  # out of the graph in between
        since = 0 if x._view is None else len(x._view.chain)
        if since > len(own) or not (made._fn is None or made._fn is LEAF):
            return None
        first, own = own[: len(own) - since], own[len(own) - since :]
        steps += [partial(seen_through, step) for step in first]
        steps.append(detached if made._ver is owner._ver and made._ver.__class__ is not int else data)
        if made._fn is LEAF:
            steps.append(Tensor.requires_grad_)
    for k, step in enumerate(own):
        outside = kind == NO_GRAD_VIEW or (kind == OF_NO_GRAD_VIEW and k == 0)
        steps.append(partial(without_grad if outside else seen_through, step))
    if x._view is not None and x._fn is LEAF:
        steps.append(Tensor.requires_grad_)
    return tuple(steps)


def seen_through(step: Any, t: Tensor) -> Tensor:
    """`t` through one view operation."""
    y: Any = step[0](t, **step[1])
    return y[step[2]] if len(step) == 3 else y  # type: ignore[no-any-return]


def without_grad(step: Any, t: Tensor) -> Tensor:
    with no_grad():
        return seen_through(step, t)


def detached(t: Tensor) -> Tensor:
    return t.detach()  # type: ignore[attr-defined, no-any-return]


def data(t: Tensor) -> Tensor:
    return t.data


def fits_plain_memory(x: Tensor, owner: Tensor) -> bool:
    """Whether the views from `owner` to `x` can be had of a contiguous array too, which is what a program gives."""
    array = np.empty(owner._data.shape, owner._data.dtype)
    try:
        for step in x._data.chain[len(owner._data.chain) :]:
            array = step[0].kernel(array, **step[1])
            if len(step) == 3:
                array = array[step[2]]
    except RuntimeError:
        return False
    return True


def refusal() -> Untraceable:
    return Untraceable("a result shares memory with another tensor in a way that cannot be made again",
                       "Return a clone() of it.")  # fmt: skip


__all__ = ["Alias", "Had", "alias", "fits_plain_memory", "refusal", "root"]
