"""The nodes of `linear`: one for what PyTorch records as a transpose, a product and perhaps two views.

`next_functions` shows those. When a hook is registered on one of them, the node is taken apart into the chain that is
shown: that costs nothing as long as nobody does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.fast import F32, F64, UnaryNode, check_version
from ..core.graph import BACKWARD_TWICE, FREED, Edge, Node, NodeMeta, endpoint
from ..core.primitive import ops
from ..core.saved import with_edge
from ..core.tensor import new
from .addmm import _addmm
from .matmul import owned, shown

product = np.dot
add = np.add

#: vectors of ones: their product with a matrix sums its rows, faster than `add.reduce` for the small ones
_ones: dict[Any, dict[int, Any]] = {F32: {}, F64: {}}
_ONES_UP_TO = 4096


def column_sums(g: Any) -> Any:
    """The sum over the rows of a 2-d array."""
    n = g.shape[0]
    try:
        return product(_ones[g.dtype][n], g)
    except KeyError:
        pass
    known = _ones.get(g.dtype)
    if known is None or n > _ONES_UP_TO or len(known) > 64:
        return add.reduce(g, axis=0)
    known[n] = np.ones(n, g.dtype)
    return product(known[n], g)


class LinearNode(Node):
    """y = x @ weight.T + bias for x of any rank: edges of the bias, x and the weight; `s0` is x, `s1` the weight."""

    __slots__ = ("e0", "e1", "e2", "n0", "n1", "s0", "s1")

    prim = _addmm

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0, self.e1, self.e2)

    @property
    def edge_of_input(self) -> Edge:
        """The history of x."""
        return self.e1

    @property
    def edge_of_weight(self) -> Edge:
        """The history of the weight."""
        return self.e2

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        x, w = self.s0, self.s1
        if x is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if raw:
            g = gs if gs.ndim == 2 else gs.reshape(-1, gs.shape[-1])
            gx = gw = None
            if w is not None:
                if w._ver != self.n1:
                    check_version(w, self.n1, self.edge_of_weight)
                gx = product(g, w._data)
                if g is not gs:
                    gx = gx.reshape(*gs.shape[:-1], gx.shape[1])
            if x is not None:
                if x._ver != self.n0:
                    check_version(x, self.n0, self.edge_of_input)
                a = x._data
                gw = product(g.T, a if a.ndim == 2 else a.reshape(-1, a.shape[-1]))
            return (None if self.e0 is None else column_sums(g)), gx, gw
        shape = tuple(gs.shape)
        g = gs if len(shape) == 2 else xp.reshape(gs, (math.prod(shape[:-1]), shape[-1]))
        gx = gw = None
        if w is not None:
            if w._ver != self.n1:
                check_version(w, self.n1, self.edge_of_weight)
            gx = xp.mm(g, with_edge(w, self.edge_of_weight))
            if len(shape) != 2:
                gx = xp.reshape(gx, (*shape[:-1], gx.shape[1]))
        if x is not None:
            if x._ver != self.n0:
                check_version(x, self.n0, self.edge_of_input)
            a = with_edge(x, self.edge_of_input)
            gw = xp.mm(xp.t(g), a if a.ndim == 2 else xp.reshape(a, (-1, a.shape[-1])))
        return (None if self.e0 is None else xp.sum(g, dim=(0,), keepdim=False)), gx, gw

    def __call__(self, *grads: Any) -> Any:
        self.take_apart()  # what is called is the node that PyTorch records
        return Node.__call__(self, *grads)

    def release(self) -> None:
        self.s0 = FREED

    def saved_values(self) -> Any:
        if self.s0 is FREED:
            yield "mat1", FREED
            yield "mat2", FREED
            return
        yield "mat1", None if self.s0 is None else with_edge(self.s0, self.edge_of_input)
        yield "mat2", None if self.s1 is None else ops.t(with_edge(self.s1, self.edge_of_weight))

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        w = None if self.e2 is None else shown("TBackward0", self.e2)
        return owned(self, tuple([endpoint(e) for e in self.shown_chain(w)]))

    def shown_chain(self, w: Edge) -> tuple[Edge, ...]:
        return self.e0, self.e1, w

    def take_apart(self) -> None:
        """Become the chain of nodes that PyTorch records: someone wants to hook one of them."""
        apart(self, _AddmmApart)


class LinearViewNode(LinearNode):
    """For x that is no matrix: PyTorch shows views around the product of matrices."""

    __slots__ = ()

    def shown_chain(self, w: Edge) -> tuple[Edge, ...]:
        x = None if self.e1 is None else shown("ViewBackward0", self.e1)
        return (shown("AddmmBackward0", self.e0, x, w),)

    def take_apart(self) -> None:
        apart_below_a_view(self, _AddmmApart, _ViewApart)

    def own_hooks(self) -> Any:
        self.take_apart()  # hooks of this node see what PyTorch's does, a view
        return self.own_hooks()  # as the class that it is now


class ProductNode(LinearNode):
    """Without bias."""

    __slots__ = ()

    def shown_chain(self, w: Edge) -> tuple[Edge, ...]:
        return self.e1, w

    def take_apart(self) -> None:
        apart(self, _MmApart)

    def own_hooks(self) -> Any:
        self.take_apart()  # hooks of this node see what PyTorch's does, no bias
        return self.own_hooks()  # as the class that it is now


class ProductViewNode(LinearNode):
    """Without bias, for x that is no matrix."""

    __slots__ = ()

    def shown_chain(self, w: Edge) -> tuple[Edge, ...]:
        x = None if self.e1 is None else shown("ViewBackward0", self.e1)
        return (shown("MmBackward0", x, w),)

    def take_apart(self) -> None:
        apart_below_a_view(self, _MmApart, _UnsafeViewApart)

    def own_hooks(self) -> Any:
        self.take_apart()
        return self.own_hooks()  # as the class that it is now


# ---------------------------------------------------------------- taken apart, for hooks on what is only shown


class ApartNode(LinearNode):
    """The product of a linear whose transpose (and view of x) are nodes of their own."""

    __slots__ = ()

    @property
    def edge_of_input(self) -> Edge:
        return self.e1.e0 if self.e1.__class__ is _ViewOfInput else self.e1

    @property
    def edge_of_weight(self) -> Edge:
        return None if self.e2 is None else self.e2.e0

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        gb, gx, gw = super().propagate(gs, raw, xp)
        return gb, gx, None if gw is None else xp.transpose(gw, dim0=0, dim1=1)

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        return tuple([endpoint(e) for e in self.edges])

    def take_apart(self) -> None:
        pass


class ApartProductNode(ApartNode):
    """Without bias."""

    __slots__ = ()

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e1, self.e2)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        return super().propagate(gs, raw, xp)[1:]


class ApartViewNode(LinearNode):
    """The view around the product."""

    __slots__ = ()

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0,)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        shape = tuple(gs.shape)
        x = self.e0.e1
        if x is not None:
            x.lead = shape[:-1]
        return (xp.reshape(gs, (math.prod(shape[:-1]), shape[-1])),)

    def release(self) -> None:
        pass

    def saved_values(self) -> Any:
        return iter(())

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        return (endpoint(self.e0),)

    def take_apart(self) -> None:
        pass


class TurnedNode(UnaryNode):
    """The transpose of the weight."""

    __slots__ = ()

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        return (xp.transpose(gs, dim0=0, dim1=1),)


class ViewOfInputNode(UnaryNode):
    """The view of x as a matrix; `lead`: the dimensions of x but the last, which backward learns from its gradient."""

    __slots__ = ("lead",)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        return (xp.reshape(gs, (*self.lead, gs.shape[-1])),)


def between(made: Any, edge: Edge, seq: float) -> Any:
    """A node over `edge`; None stays None."""
    if edge is None:
        return None
    node = new(made)
    node.e0 = edge
    node.hooks = None
    node.seq = seq  # below its consumer, above all that was there before
    return node


def apart(node: Any, made: Any) -> None:
    node.e2 = between(_Turned, node.e2, node.seq - 0.5)
    node.__class__ = made


def apart_below_a_view(node: Any, made: Any, view: Any) -> None:
    inner = new(made)
    for slot in ("e0", "n0", "n1", "s0", "s1"):
        if hasattr(node, slot):
            setattr(inner, slot, getattr(node, slot))
    inner.e1 = between(_ViewOfInput, node.e1, node.seq - 0.5)
    inner.e2 = between(_Turned, node.e2, node.seq - 0.75)
    inner.hooks = None
    inner.seq = node.seq - 0.25
    node.e0, node.e1, node.e2, node.s0, node.s1 = inner, None, None, None, None
    node.__class__ = view


def _named(name: str, base: type[LinearNode]) -> Any:
    return NodeMeta(name, (base,), {"__slots__": (), "__module__": "torch.autograd"})


AddmmNode, MmNode = _named("AddmmBackward0", LinearNode), _named("MmBackward0", ProductNode)
AddmmViewNode, MmViewNode = _named("ViewBackward0", LinearViewNode), _named("UnsafeViewBackward0", ProductViewNode)


_AddmmApart, _MmApart = _named("AddmmBackward0", ApartNode), _named("MmBackward0", ApartProductNode)
_ViewApart, _UnsafeViewApart = _named("ViewBackward0", ApartViewNode), _named("UnsafeViewBackward0", ApartViewNode)
_Turned: Any = NodeMeta("TBackward0", (TurnedNode,), {"__slots__": (), "__module__": "torch.autograd"})
_ViewOfInput: Any = NodeMeta("ViewBackward0", (ViewOfInputNode,), {"__slots__": (), "__module__": "torch.autograd"})
