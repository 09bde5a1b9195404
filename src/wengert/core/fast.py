"""The straight line: recorded and unrecorded elementwise operations on plain float32 and float64 CPU tensors.

One closure per arity. Whatever is unusual (another dtype or class, a mode other than plain grad or no-grad, `out=`)
goes to the function `slow` that the closure was given. Nodes made here have flat slots: fewer objects for the garbage
collector to look at, and no dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .graph import BACKWARD_TWICE, FREED, LEAF, VIEW, Edge, Node, NodeMeta, Port, Version, next_seq
from .modes import GRAD, NO_GRAD, mode
from .primitive import PYTORCH_NAMES, Primitive, rule_names
from .saved import SavedPacked, output_of, raise_modified, raise_modified_input, with_edge
from .tensor import PLAIN, Tensor, version_of, wrap

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
new = object.__new__
ndarray = np.ndarray

# NumPy 2.3 gives 0-d arrays on `out=...`; before, scalars come back and must be wrapped.
try:
    OUT: Any = ... if np.negative(np.zeros(()), out=...).__class__ is ndarray else None
except TypeError:
    OUT = None


# ---------------------------------------------------------------- nodes with flat slots


class FlatNode(Node):
    """Shared by the flat nodes: the rules, as plain functions of fixed signature."""

    __slots__ = ()
    r0: Callable[..., Any]
    r1: Callable[..., Any]


class UnaryNode(FlatNode):
    """y = f(x), keeping nothing."""

    __slots__ = ("e0",)

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0,)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        return (self.r0(xp, gs),)


class UnaryInputNode(UnaryNode):
    """y = f(x), keeping x."""

    __slots__ = ("n0", "s0")

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        x = self.s0
        if x is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if x._ver != self.n0:
            check_version(x, self.n0, self.e0)
        return (self.r0(xp, gs, x._data if raw else with_edge(x, self.e0)),)

    def release(self) -> None:
        self.s0 = FREED

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        yield saved_name(self, 0), FlatInput.of(self.s0, self.n0, self.e0)

    def keep_packed(self, key: Any, packed: Any) -> None:
        keep_in_slot(self, "s0", packed)


class UnaryOutputNode(UnaryNode):
    """y = f(x), keeping y: its data and counter, for the tensor would close a cycle."""

    __slots__ = ("n0", "s0", "v0")

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        y = self.s0
        if y is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if self.v0.n != self.n0:
            raise_modified(y, self, self.v0.n, self.n0, self.v0)
        return (self.r0(xp, gs, y if raw else output_of(self, 0, y, self.v0)),)

    def release(self) -> None:
        self.s0 = FREED

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        yield "result", self.s0 if self.s0.__class__ is not ndarray else output_of(self, 0, self.s0, self.v0)

    def keep_packed(self, key: Any, packed: Any) -> None:
        keep_in_slot(self, "s0", packed)


class BinaryNode(FlatNode):
    """z = f(x, y), keeping nothing. `shapes` is None unless something was broadcast."""

    __slots__ = ("e0", "e1", "shapes")

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0, self.e1)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        g0 = None if self.e0 is None else self.r0(xp, gs)
        g1 = None if self.e1 is None else self.r1(xp, gs)
        if self.shapes is not None:
            return fitted(self.shapes, g0, g1, xp)
        return g0, g1


class BinaryInputNode(BinaryNode):
    """z = f(x, y), keeping those of x and y that its rules name (a number is kept as a 0-d array)."""

    __slots__ = ("n0", "n1", "s0", "s1")

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        x, y = self.s0, self.s1
        if x is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if x is not None:
            if x._ver != self.n0:
                check_version(x, self.n0, self.e0)
            x = x._data if raw else with_edge(x, self.e0)
        if y is not None:
            if y.__class__ is ndarray:
                if not raw:
                    y = wrap(y)
            else:
                if y._ver != self.n1:
                    check_version(y, self.n1, self.e1)
                y = y._data if raw else with_edge(y, self.e1)
        g0 = None if self.e0 is None else self.r0(xp, gs, x, y)
        g1 = None if self.e1 is None else self.r1(xp, gs, x, y)
        if self.shapes is not None:
            return fitted(self.shapes, g0, g1, xp)
        return g0, g1

    def release(self) -> None:
        self.s0 = self.s1 = FREED

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        yield saved_name(self, 0), None if self.s0 is None else FlatInput.of(self.s0, self.n0, self.e0)
        yield saved_name(self, 1), None if self.s1 is None else FlatInput.of(self.s1, self.n1, self.e1)

    def keep_packed(self, key: Any, packed: Any) -> None:
        first, _ = next(iter(self.saved_values()))
        keep_in_slot(self, "s0" if key == first else "s1", packed)


class FlatInput:
    """A saved input of a flat node."""

    __slots__ = ("edge", "n", "tensor")

    @classmethod
    def of(cls, tensor: Any, n: int, edge: Edge) -> Any:
        if tensor is FREED or tensor.__class__ is SavedPacked:
            return tensor
        self = cls()
        self.tensor, self.n, self.edge = tensor, n, edge
        return self

    def unpack(self, node: Node) -> Tensor:
        if self.tensor.__class__ is ndarray:
            return wrap(self.tensor)
        check_version(self.tensor, self.n, self.edge)
        return with_edge(self.tensor, self.edge)


class Unpacking:
    """What a flat node becomes when hooks are registered on what it saved: it unpacks, then does as before."""

    __slots__ = ()

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        kept = [(slot, value) for slot in ("s0", "s1") if (value := getattr(self, slot, None)).__class__ is SavedPacked]
        try:
            for slot, value in kept:
                tensor = value.tensor()
                if value.nr >= 0:
                    self.s0 = tensor._data
                else:
                    setattr(self, slot, tensor)
                    setattr(self, "n" + slot[1], version_of(tensor))
            return super().propagate(gs, raw, xp)  # type: ignore[misc, no-any-return]
        finally:
            for slot, value in kept:
                setattr(self, slot, value)


_unpacking: dict[type, Any] = {}


def keep_in_slot(node: Any, slot: str, packed: SavedPacked) -> None:
    """Put `packed` where a flat node kept a tensor."""
    setattr(node, slot, packed)
    cls = node.__class__
    if not issubclass(cls, Unpacking):
        if cls not in _unpacking:
            _unpacking[cls] = NodeMeta(cls.__name__, (Unpacking, cls), {"__slots__": (), "__module__": cls.__module__})
        node.__class__ = _unpacking[cls]


def saved_name(node: FlatNode, i: int) -> str:
    name = node.prim.inputs[i]
    return node.prim.saved_names.get(name, PYTORCH_NAMES.get(name, name))


def check_version(x: Tensor, n: int, edge: Edge) -> None:
    """The counter may have become an object since; the count decides."""
    now = version_of(x)
    if now != n:
        raise_modified_input(x, n)


def fitted(shapes: Any, g0: Any, g1: Any, xp: Any) -> tuple[Any, Any]:
    """Bring the gradients of a broadcast operation to the shapes of its inputs."""
    if g0 is not None:
        g0 = xp.sum_to(g0, shapes[0])
    if g1 is not None:
        g1 = xp.sum_to(g1, shapes[1])
    return g0, g1


# ---------------------------------------------------------------- rules with fixed signatures


def fixed(prim: Primitive, name: str, signature: tuple[str, ...]) -> Callable[..., Any]:
    """The real vjp for input `name` as a function (xp, g, *signature)."""
    partials = prim.partials  # type: ignore[attr-defined]
    if name in partials:
        d = partials[name]
        call = ", ".join(rule_names(d, 1))
        body = f"g * d(xp{', ' + call if call else ''})"
    else:
        d = prim.vjp[name]
        call = ", ".join(rule_names(d, 2))
        body = f"d(xp, g{', ' + call if call else ''})"
    scope = {"d": d, "__name__": __name__}  # NumPy's warnings are credited to a module
    made: Callable[..., Any] = eval(f"lambda xp, g{''.join(', ' + s for s in signature)}: {body}", scope)
    return made


def flat_node(prim: Primitive, base: type[FlatNode], signature: tuple[str, ...], name: str | None = None) -> Any:
    """The node class of `prim` with flat slots, under the same name as its general one."""
    body: dict[str, Any] = {"__slots__": (), "prim": prim, "__module__": "torch.autograd"}
    for i, x in enumerate(prim.inputs):
        body[f"r{i}"] = staticmethod(fixed(prim, x, signature))
    return NodeMeta(name or prim.Node.__name__, (base,), body)


# ---------------------------------------------------------------- the closures

_constants: dict[Any, dict[float, Any]] = {F32: {}, F64: {}}


def constant(value: float, kind: Any) -> Any:
    """A Python number as a 0-d array of dtype `kind`. Ufuncs take arrays twice as fast as Python numbers."""
    known = _constants[kind]
    try:
        return known[value]
    except KeyError:
        pass
    made = np.array(value if abs(value) < 2**53 else float(value), kind)
    if value and len(known) < 4096:  # 0.0 and -0.0 are equal keys
        made.flags.writeable = False
        known[value] = made
    return made


def unary(prim: Primitive, kernel: Callable[..., Any], slow: Callable[..., Any]) -> Callable[..., Any]:
    """The fast function of a one-input elementwise primitive; `slow(x)` does all else."""
    wants = prim.wants.get("x", ())
    if prim.kind == "elementwise" and "x" in prim.partials:  # type: ignore[attr-defined]
        wants = rule_names(prim.partials["x"], 1)  # type: ignore[attr-defined]
    if not set(wants) <= {"x"} and not set(wants) <= {"out"}:
        raise TypeError(f"{prim.name}: the fast path takes rules that name x or out, not {wants}")
    keeps_in, keeps_out = "x" in wants, "out" in wants
    base = UnaryInputNode if keeps_in else UnaryOutputNode if keeps_out else UnaryNode
    made = flat_node(prim, base, tuple(wants))

    def op(input: Any, *, out: Any = None) -> Any:
        if input.__class__ in PLAIN and out is None:
            a = input._data
            kind = a.dtype
            if kind is F32 or kind is F64:
                m = mode()
                fn = input._fn
                if m is GRAD:
                    if fn is LEAF:
                        fn = input
                    elif fn is VIEW:
                        fn = input._view.edge(input)
                elif m is NO_GRAD:
                    fn = None
                else:
                    return slow(input)
                y = kernel(a, out=OUT)
                if y.__class__ is not ndarray:
                    y = np.asarray(y)
                t = new(Tensor)
                t._data = y
                t._view = None
                if fn is None:
                    t._fn = None
                    t._ver = 0
                    return t
                node = new(made)
                node.e0 = fn
                if keeps_in:
                    node.s0 = input
                    n = input._ver
                    node.n0 = n if n.__class__ is int else n.n
                    t._ver = 0
                elif keeps_out:
                    node.s0 = y
                    node.v0 = t._ver = Version()
                    node.n0 = 0
                else:
                    t._ver = 0
                node.hooks = None
                node.seq = next_seq()
                t._fn = node
                return t
        return slow(input) if out is None else slow(input, out=out)

    if prim.line is None:
        prim.line = op
        prim.keeps = "x" if keeps_in else "out" if keeps_out else None
    return op


def binary(
    prim: Primitive, kernel: Callable[..., Any], slow: Callable[..., Any], made: Any = None
) -> Callable[..., Any]:
    """The fast function of a two-input elementwise primitive; `slow(x, y)` does all else. `made`: its node class."""
    partials = prim.partials  # type: ignore[attr-defined]
    names = {i: rule_names(partials[i], 1) if i in partials else rule_names(prim.vjp[i], 2) for i in prim.inputs}
    x, y = prim.inputs
    x_for_x, y_for_x = x in names[x], y in names[x]
    x_for_y, y_for_y = x in names[y], y in names[y]
    keeps = x_for_x or y_for_x or x_for_y or y_for_y
    made = made or flat_node(prim, BinaryInputNode if keeps else BinaryNode, (x, y) if keeps else ())

    def op(input: Any, other: Any) -> Any:
        if input.__class__ in PLAIN:
            a = input._data
            kind = a.dtype
            if kind is F32 or kind is F64:
                m = mode()
                f0 = input._fn
                if other.__class__ in PLAIN:
                    b = other._data
                    if b.dtype is not kind:
                        return slow(input, other)
                    f1 = other._fn
                elif other.__class__ is float or other.__class__ is int:
                    b = constant(other, kind)
                    f1 = None
                else:
                    return slow(input, other)
                if m is GRAD:
                    if f0 is LEAF:
                        f0 = input
                    elif f0 is VIEW:
                        f0 = input._view.edge(input)
                    if f1 is LEAF:
                        f1 = other
                    elif f1 is VIEW:
                        f1 = other._view.edge(other)
                elif m is NO_GRAD:
                    f0 = f1 = None
                else:
                    return slow(input, other)
                try:
                    z = kernel(a, b, out=OUT)
                except ValueError:
                    return slow(input, other)
                if z.__class__ is not ndarray:
                    z = np.asarray(z)
                t = new(Tensor)
                t._data = z
                t._ver = 0
                t._view = None
                if f0 is None and f1 is None:
                    t._fn = None
                    return t
                node = new(made)
                node.e0 = f0
                node.e1 = f1
                node.shapes = None
                if other.__class__ is not float and other.__class__ is not int:
                    sa, sb = a.shape, b.shape
                    if sa != sb:
                        node.shapes = sa, sb
                if keeps:
                    if (x_for_y and f1 is not None) or (x_for_x and f0 is not None):
                        node.s0 = input
                        n = input._ver
                        node.n0 = n if n.__class__ is int else n.n
                    else:
                        node.s0 = None
                    if (y_for_x and f0 is not None) or (y_for_y and f1 is not None):
                        if other.__class__ is float or other.__class__ is int:
                            node.s1 = b
                            node.n1 = 0
                        else:
                            node.s1 = other
                            n = other._ver
                            node.n1 = n if n.__class__ is int else n.n
                    else:
                        node.s1 = None
                node.hooks = None
                node.seq = next_seq()
                t._fn = node
                return t
        return slow(input, other)

    op.node, op.prim = made, prim  # type: ignore[attr-defined]
    if prim.line is None:
        prim.line = op
        prim.keeps = ((x_for_x, y_for_x), (x_for_y, y_for_y)) if keeps else None
    return op


__all__ = ["F32", "F64", "OUT", "FlatNode", "Port", "binary", "constant", "unary"]
