"""The straight line of operations that take elements: their rules need the index tensors (or masks) and shapes only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..core.fast import FlatNode, check_version
from ..core.graph import BACKWARD_TWICE, FREED, LEAF, VIEW, InferenceVersion, NodeMeta, next_seq
from ..core.modes import GRAD, NO_GRAD, Mode, mode
from ..core.primitive import Primitive
from ..core.saved import SavedPacked, SavedTensor
from ..core.tensor import PLAIN, Tensor, new, version_of


class TakingNode(FlatNode):
    """y = f(x), keeping index tensors with their versions, and one plain value: `r0(xp, g, kept, arg)` is its rule."""

    __slots__ = ("arg", "e0", "kept", "versions")
    e0: Any
    arg: Any
    kept: Any
    versions: tuple[int, ...]
    #: (kept, arg) -> the names and values that PyTorch shows
    shown: Callable[[Any, Any], Any]

    @property
    def edges(self) -> tuple[Any, ...]:
        return (self.e0,)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        kept = self.kept
        if kept is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        for t, n in zip(kept, self.versions, strict=True):
            if t._ver != n:
                check_version(t, n, None)
        if raw:
            kept = tuple([t._data for t in kept])
        return (self.r0(xp, gs, kept, self.arg),)

    def release(self) -> None:
        self.kept = FREED

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        kept = self.kept
        for name, value in self.shown(() if kept is FREED else kept, self.arg):
            yield name, FREED if kept is FREED and value is None else Several(value) if has_tensors(value) else value

    def kept_value(self, key: Any) -> Any:
        """`key`: a position among the index tensors; a name where there is one."""
        return FREED if self.kept is FREED else self.kept[key if key.__class__ is int else 0]

    def keep_packed(self, key: Any, packed: Any) -> None:
        key = key if key.__class__ is int else 0
        self.kept = (*self.kept[:key], packed, *self.kept[key + 1 :])
        if not isinstance(self, UnpackingTaken):
            self.__class__ = NodeMeta(
                type(self).__name__, (UnpackingTaken, type(self)), {"__slots__": (), "__module__": self.__module__}
            )


class UnpackingTaken:
    """What such a node becomes when hooks are registered on its index tensors."""

    __slots__ = ()

    def propagate(self: Any, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        kept, versions = self.kept, self.versions
        if kept is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        try:
            self.kept = tuple([t.tensor() if t.__class__ is SavedPacked else t for t in kept])
            self.versions = tuple(
                [version_of(u) if u is not t else n for u, t, n in zip(self.kept, kept, versions, strict=True)]
            )
            return super().propagate(gs, raw, xp)  # type: ignore[misc, no-any-return]
        finally:
            self.kept, self.versions = kept, versions


class Several:
    """Index tensors as PyTorch shows them: a tuple, with None where there is no index."""

    def __init__(self, tensors: tuple[Any, ...]) -> None:
        self.tensors = tensors

    def unpack(self, node: Any) -> tuple[Any, ...]:
        """The tensors."""
        return tuple([t.unpack(node) if t.__class__ is SavedPacked else t for t in self.tensors])

    def handles(self, node: Any) -> tuple[SavedTensor, ...]:
        """A handle on each."""
        place = iter(range(len(self.tensors)))
        return tuple([SavedTensor.of(node, None if t is None else next(place)) for t in self.tensors])


def has_tensors(value: Any) -> bool:
    return value.__class__ is tuple and any(isinstance(t, (Tensor, SavedPacked)) for t in value)


def taking_node(prim: Primitive, rule: Callable[..., Any], shown: Callable[[Any, Any], Any]) -> Any:
    """The flat node class of `prim`, under the name of its general one."""
    body = {
        "__slots__": (), "prim": prim, "__module__": "torch.autograd", "r0": staticmethod(rule),
        "shown": staticmethod(shown),
    }  # fmt: skip
    return NodeMeta(prim.Node.__name__, (TakingNode,), body)


def plain_mode(x: Any, kept: tuple[Any, ...]) -> Mode | None:
    """The mode, if it and the tensors are such that the straight line holds."""
    m = mode()
    if x.__class__ not in PLAIN or (m is not GRAD and m is not NO_GRAD):
        return None
    for t in kept:
        if t.__class__ not in PLAIN or t._ver.__class__ is InferenceVersion:  # type: ignore[attr-defined]
            return None
    return m


def taken(x: Tensor, kept: tuple[Any, ...], data: Any, m: Mode, made: Any, arg: Any) -> Any:
    """A tensor over `data`, taken out of `x` with the index tensors `kept`; `m` is what `plain_mode` gave."""
    t = new(Tensor)
    t._data = data
    t._ver = 0
    t._view = None
    fn = x._fn
    if m is NO_GRAD:
        fn = None
    elif fn is LEAF:
        fn = x
    elif fn is VIEW:
        fn = x._view.edge(x)
    if fn is None:
        t._fn = None
        return t
    node = t._fn = new(made)
    node.e0 = fn
    node.arg = arg
    node.kept = kept
    node.versions = tuple([v if (v := i._ver).__class__ is int else v.n for i in kept])
    node.hooks = None
    node.seq = next_seq()
    return t


__all__ = ["TakingNode", "plain_mode", "taken", "taking_node"]
