"""What an argument must look like for a program to take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.graph import LEAF
from ..core.tensor import PLAIN, Tensor
from .guards import same
from .state import DATA, TWINS, Part

#: stands for any float
FLOAT: Any = type("AnyFloat", (), {"__repr__": lambda self: "a float"})()


def fits(leaf: Any, wanted: Any) -> bool:
    """Whether an argument is as it was: a tensor of the same class, dtype, shape and kind of history, or the same value."""
    if wanted.__class__ is Signature:
        if leaf.__class__ not in PLAIN and leaf.__class__.__base__ not in TWINS:
            return False
        data = DATA.__get__(leaf)
        return (
            data.shape == wanted.shape
            and data.dtype == wanted.dtype
            and (wanted.contiguous if data.__class__ is Part or wanted.strides is None else data.strides == wanted.strides)
            and (data.__class__ is Part or wanted.strides is not None or data.flags.c_contiguous)
            and (leaf._fn is wanted.fn or history(leaf) == wanted.history)
            and (wanted.identity is None or leaf is wanted.identity)
        )
    return leaf.__class__ is float if wanted is FLOAT else same(leaf, wanted)


def history(t: Tensor) -> int:
    """0: needs no gradient, 1: a leaf that does, 2: carries a graph."""
    fn = t._fn
    if fn is None or not t.requires_grad:
        return 0
    return 1 if t.is_leaf else 2


class Signature:
    """What an argument tensor must look like. `identity`: it must be this very tensor."""

    __slots__ = ("contiguous", "dtype", "fn", "history", "identity", "shape", "strides")

    def __init__(self, t: Tensor, identity: Tensor | None = None) -> None:
        data = DATA.__get__(t)
        self.shape, self.dtype = data.shape, data.dtype
        #: the layout decides what is a view, and what `is_contiguous` says
        self.strides = None if data.__class__ is Part else data.strides
        self.contiguous = data.__class__ is Part or data.flags.c_contiguous
        self.history = history(t)
        #: what `_fn` is where that tells the history
        self.fn = t._fn if t._fn is None or t._fn is LEAF else self
        self.identity = identity


def signature_of(leaves: Sequence[Any], held: set[int]) -> list[Any]:
    """What later arguments are compared with. `held`: tensors that the function also finds elsewhere."""
    twice = [id(x) for x in leaves if isinstance(x, Tensor)]
    return [
        Signature(x, x if id(x) in held or twice.count(id(x)) > 1 else None) if isinstance(x, Tensor) else x
        for x in leaves
    ]


def described(leaf: Any) -> str:
    if isinstance(leaf, Tensor):
        return f"{leaf.dtype}{list(leaf.shape)}"
    return repr(leaf)


def wanted_text(wanted: Any) -> str:
    if wanted.__class__ is Signature:
        return f"{wanted.dtype}{list(wanted.shape)}"
    return repr(wanted)


__all__ = ["FLOAT", "Signature", "described", "fits", "history", "signature_of", "wanted_text"]
