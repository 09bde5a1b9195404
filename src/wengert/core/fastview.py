"""The straight line of views and copies: what `dispatch` does for a plain tensor in a plain mode, without asking.

The functions of `ops` that use it check `x.__class__ in PLAIN` and `plain(x)`, compute the array and hand it over
with the view operation (for replays), the node class and the one value that its rule needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .fast import FlatNode
from .graph import LEAF, VIEW, Edge, InferenceVersion, NodeMeta, Port, Version, next_seq
from .modes import GRAD, NO_GRAD, mode
from .primitive import Primitive
from .tensor import Tensor
from .views import MULTI_VIEW, NO_GRAD_VIEW, ViewInfo, inherited

new = object.__new__


class ArgNode(FlatNode):
    """y = f(x), keeping one plain value (a shape, a dimension, ...), which its rule `r0(xp, g, arg)` takes."""

    __slots__ = ("arg", "e0")
    #: the names under which PyTorch shows what is kept
    shown: Any = None

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0,)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        return (self.r0(xp, gs, self.arg),)

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        if self.shown is not None:
            yield from self.shown(self.arg)


class PartsNode(ArgNode):
    """Several outputs of one input: `r0` gets a tuple of gradients, None where none arrived."""

    __slots__ = ("count",)
    n_outputs = 2  # 'several': `count` says how many


class JoinNode(FlatNode):
    """One output of any number of inputs: `r0(xp, g, needs, arg)` gives a gradient for each."""

    __slots__ = ("arg", "edge_tuple")
    shown: Any = None

    @property
    def edges(self) -> tuple[Edge, ...]:
        return self.edge_tuple

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        return self.r0(xp, gs, [e is not None for e in self.edge_tuple], self.arg)  # type: ignore[no-any-return]

    saved_values = ArgNode.saved_values


def arg_node(
    prim: Primitive, rule: Callable[..., Any], shown: Callable[[Any], Any] | None = None, name: str | None = None,
    base: Any = ArgNode,
) -> Any:
    """The flat node class of `prim`, under the name of its general one."""
    body = {
        "__slots__": (), "prim": prim, "__module__": "torch.autograd", "r0": staticmethod(rule),
        "shown": None if shown is None else staticmethod(shown),
    }  # fmt: skip
    return NodeMeta(name or prim.Node.__name__, (base,), body)


def viewed(x: Tensor, data: Any, step: tuple[Any, Any], made: Any, arg: Any) -> Any:
    """The view of `x` over `data`; None if the mode or the tensor is unusual (then `dispatch` must do it)."""
    m = mode()
    version = x._ver
    if version.__class__ is int:
        n = version
        version = x._ver = new(Version)
        version.n = n
    elif version.__class__ is InferenceVersion:
        return None
    if m is not GRAD and m is not NO_GRAD:
        return None
    t = new(Tensor)
    t._data = data
    t._ver = version
    t._fn = VIEW
    info = t._view = new(ViewInfo)
    info.seen = version.n
    parent = x._view
    if parent is None:
        info.base = x
        info.chain = (step,)
        info.creation = 0 if m is GRAD else 1
        fn = x._fn
        if fn is LEAF:
            fn = x
    else:
        info.base = parent.base
        info.chain = (*parent.chain, step)
        info.creation = inherited(0, parent.creation) if m is GRAD else 1
        fn = x._fn
        if fn is VIEW:
            fn = parent.fn if parent.seen == version.n else parent.edge(x)
        elif fn is LEAF:
            fn = x
    if fn is None or m is NO_GRAD:
        info.fn = None
        return t
    node = info.fn = new(made)
    node.e0 = fn
    node.arg = arg
    node.hooks = None
    node.seq = next_seq()
    return t


def viewed_parts(x: Tensor, arrays: Sequence[Any], prim: Primitive, params: Any, made: Any, arg: Any) -> Any:
    """The views of `x` over `arrays`, the outputs of one operation; None as in `viewed`."""
    m = mode()
    version = x._ver
    if version.__class__ is int:
        n = version
        version = x._ver = new(Version)
        version.n = n
    elif version.__class__ is InferenceVersion:
        return None
    n = version.n
    parent = x._view
    fn = x._fn
    if m is GRAD:
        creation = MULTI_VIEW
        if fn is VIEW:
            fn = parent.fn if parent.seen == n else parent.edge(x)
        elif fn is LEAF:
            fn = x
    elif m is NO_GRAD:
        creation = NO_GRAD_VIEW
        fn = None
    else:
        return None
    base, chain = (x, ()) if parent is None else (parent.base, parent.chain)
    if fn is not None:
        node = new(made)
        node.e0 = fn
        node.arg = arg
        node.count = len(arrays)
        node.hooks = None
        node.seq = next_seq()
    outs = []
    nr = 0
    for data in arrays:
        t = new(Tensor)
        t._data = data
        t._ver = version
        t._fn = VIEW
        info = t._view = new(ViewInfo)
        info.seen = n
        info.base = base
        info.chain = (*chain, (prim, params, nr))
        info.creation = creation
        if fn is None:
            info.fn = None
        else:
            port = info.fn = new(Port)
            port.node = node
            port.nr = nr
        outs.append(t)
        nr += 1
    return tuple(outs)


def joined(tensors: Sequence[Tensor], data: Any, made: Any, arg: Any) -> Any:
    """A tensor of its own over `data`, made of all `tensors` by a linear operation; None if the mode is unusual."""
    m = mode()
    t = new(Tensor)
    t._data = data
    t._ver = 0
    t._view = None
    t._fn = None
    if m is NO_GRAD:
        return t
    if m is not GRAD:
        return None
    edges = []
    wanted = False
    for x in tensors:
        fn = x._fn
        if fn is not None:
            if fn is LEAF:
                fn = x
            elif fn is VIEW:
                fn = x._view.edge(x)
            if fn is not None:
                wanted = True
        edges.append(fn)
    if not wanted or data.dtype.kind not in "fcV":
        return t
    node = t._fn = new(made)
    node.edge_tuple = tuple(edges)
    node.arg = arg
    node.hooks = None
    node.seq = next_seq()
    return t


def produced(x: Tensor, data: Any, made: Any, arg: Any) -> Any:
    """A tensor of its own over `data`, made of `x` by a linear operation; None if the mode is unusual."""
    m = mode()
    t = new(Tensor)
    t._data = data
    t._ver = 0
    t._view = None
    fn = x._fn
    if m is GRAD:
        if fn is LEAF:
            fn = x
        elif fn is VIEW:
            fn = x._view.edge(x)
    elif m is NO_GRAD:
        fn = None
    else:
        return None
    if fn is None or data.dtype.kind not in "fcV":
        t._fn = None
        return t
    node = t._fn = new(made)
    node.e0 = fn
    node.arg = arg
    node.hooks = None
    node.seq = next_seq()
    return t


__all__ = ["ArgNode", "JoinNode", "PartsNode", "arg_node", "joined", "produced", "viewed", "viewed_parts"]
