"""The straight line on the tapes of transforms: flat nodes of elementwise operations, whose "arrays" are the tensors one
level down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .fast import F32, F64, FlatInput, FlatNode, UnaryInputNode, UnaryNode, check_version, fitted, flat_node, saved_name
from .graph import BACKWARD_TWICE, FREED, Edge
from .primitive import Primitive
from .saved import output_of, raise_modified, with_edge
from .tensor import Tensor

ndarray = np.ndarray


class LevelOutputNode(UnaryNode):
    """y = f(x) at a level, keeping the tensor below y and its counter."""

    __slots__ = ("level", "n0", "s0", "v0")

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        y = self.s0
        if y is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if self.v0.n != self.n0:
            raise_modified(y, self, self.v0.n, self.n0, self.v0)
        return (self.r0(xp, gs, y if raw else output_of(self, 0, y, self.v0, self.level)),)

    def release(self) -> None:
        self.s0 = FREED

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        yield "result", FREED if self.s0 is FREED else output_of(self, 0, self.s0, self.v0, self.level)


class LevelPairNode(FlatNode):
    """z = f(x, y) at a level, keeping what its rules name: values of the level, numbers, or None."""

    __slots__ = ("e0", "e1", "n0", "n1", "s0", "s1", "shapes")

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0, self.e1)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        x, y = self.s0, self.s1
        if x is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if isinstance(x, Tensor):
            if x._ver != self.n0:
                check_version(x, self.n0, self.e0)
            x = x._data if raw else with_edge(x, self.e0)
        if isinstance(y, Tensor):
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
        for i, (s, n, e) in enumerate(((self.s0, self.n0, self.e0), (self.s1, self.n1, self.e1))):
            if s is not None:
                yield saved_name(self, i), FlatInput.of(s, n, e) if isinstance(s, Tensor) else s


def node_class_of(prim: Primitive) -> Any:
    """The node class of an elementwise primitive that has a straight line, for the tapes of transforms."""
    made = prim.on_level
    if made is None:
        keeps = prim.keeps
        if len(prim.inputs) == 2:
            made = flat_node(prim, LevelPairNode, prim.inputs)
        elif keeps == "out":
            made = flat_node(prim, LevelOutputNode, ("out",))
        else:
            made = flat_node(prim, UnaryNode if keeps is None else UnaryInputNode, () if keeps is None else ("x",))
        prim.on_level = made
    return made


def kind_of(t: Any) -> Any:
    """The NumPy dtype of the array below all levels; None if there is no array."""
    data = t._data
    while isinstance(data, Tensor):
        data = data._data
    return data.dtype if data.__class__ is ndarray else None


__all__ = ["F32", "F64", "LevelOutputNode", "LevelPairNode", "kind_of", "node_class_of"]
