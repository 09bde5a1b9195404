"""Saved values: what a node keeps for its backward, guarded by version counters and `saved_tensors_hooks`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import graph
from .dtypes import FROM_NUMPY
from .graph import BACKWARD_TWICE, FREED, Node, Port, Version
from .tensor import Tensor, new, share_version, version_of, wrap

if TYPE_CHECKING:
    from .graph import Edge


class SavedInput:
    """An input as it was when the node was made: the tensor, its version and its edge then."""

    __slots__ = ("edge", "tensor", "version")

    def __init__(self, tensor: Tensor, edge: Edge) -> None:
        version = tensor._ver
        self.tensor = tensor
        self.version = version if version.__class__ is int else version.n
        self.edge = edge

    def array(self, node: Node | None = None) -> Any:
        """The data one level down, after the version check."""
        tensor = self.tensor
        if version_of(tensor) != self.version:
            raise_modified_input(tensor, self.version)
        return tensor._data

    def unpack(self, node: Node) -> Tensor:
        """The tensor with the history that it had then."""
        tensor = self.tensor
        if version_of(tensor) != self.version:
            raise_modified_input(tensor, self.version)
        return with_edge(tensor, self.edge)


class SavedOutput:
    """An output of the node itself: its data and counter, wrapped again when unpacked (a Tensor would be a cycle)."""

    __slots__ = ("data", "level", "n", "nr", "version")

    def __init__(self, out: Tensor, nr: int) -> None:
        self.data = out._data
        self.level = out._level
        self.version: Version = share_version(out)
        self.n = self.version.n
        self.nr = nr

    def array(self, node: Node | None = None) -> Any:
        if self.version.n != self.n:
            raise_modified(self.data, None if node is None else Port(node, self.nr), self.version.n, self.n, self.version)
        return self.data

    def unpack(self, node: Node) -> Tensor:
        if self.version.n != self.n:
            raise_modified(self.data, Port(node, self.nr), self.version.n, self.n, self.version)
        return output_of(node, self.nr, self.data, self.version, self.level)


class SavedPacked:
    """A saved tensor under `saved_tensors_hooks`: what `pack` returned, and how to get the tensor back."""

    __slots__ = ("edge", "nr", "packed", "unpack_hook")

    def __init__(self, tensor: Tensor, edge: Edge, nr: int, hooks: tuple[Any, Any], node: Node | None) -> None:
        """`nr`: which output of `node` the tensor is; -1: an input, which `pack` gets as it is."""
        from .modes import changed_mode

        pack, self.unpack_hook = hooks
        shown = tensor
        if nr >= 0 and tensor.dtype.category < 2:
            shown = alias(tensor, None)
        elif nr >= 0:  # another Tensor: the node must not hold its own output if `pack` hands it back
            shown = alias(tensor, node if node is None or node.n_outputs == 1 else Port(node, nr))
        before = version_of(shown)
        with changed_mode(saved_hooks=(), grad=False):
            self.packed = pack(shown)
        if nr >= 0:
            shown._fn = None
        if version_of(shown) != before:
            raise RuntimeError("A saved tensor pack hook is modifying its input in place. Tensors provided as input to "
                               "pack hook cannot be modified by in-place operations as this can lead to unexpected "
                               "side-effects. Please open an issue if you need to perform in-place operations on the "
                               "input to a pack hook.")  # fmt: skip
        self.edge, self.nr = edge, nr

    def tensor(self) -> Tensor:
        from .modes import changed_mode

        with changed_mode(saved_hooks=(), grad=False):
            out = self.unpack_hook(self.packed)
        if not isinstance(out, Tensor):
            raise TypeError("Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                            f"{type(out).__name__}")  # fmt: skip
        return out

    def array(self, node: Node | None = None) -> Any:
        return self.tensor()._data

    def unpack(self, node: Node) -> Tensor:
        out = self.tensor()
        if self.nr >= 0:
            return output_of(node, self.nr, out._data, None)
        known = alias(out, self.edge)
        if isinstance(self.edge, Tensor):
            known._fn = self.edge  # not a leaf of its own: what reaches it belongs to the leaf that was saved
        return known


def alias(t: Tensor, edge: Edge, data: Any = None) -> Tensor:
    """A tensor over the same memory and counter (or over `data`) whose history is `edge`."""
    out: Tensor = new(Tensor if t.__class__ in graph_free else t.__class__)
    out._data = t._data if data is None else data
    out._ver = 0 if data is not None else share_version(t)
    out._view = None
    out._fn = edge if edge is None or isinstance(edge, Node) or edge.__class__ is Port else graph.LEAF
    return out


#: classes whose aliases are plain Tensors; the values of transforms keep their class (see `levels`)
graph_free: set[type] = {Tensor}


def with_edge(t: Tensor, edge: Edge) -> Tensor:
    """`t` itself if its history is still `edge`, else an alias with that history."""
    if edge is None:
        return t if not t.requires_grad else t.detach()  # type: ignore[attr-defined, no-any-return]
    if edge is t or t._fn is edge:
        return t
    if isinstance(edge, Tensor):
        return edge
    fn = t._fn
    if fn is graph.VIEW and t._view.edge(t) is edge:
        return t
    return t.rebuilt(edge) if t._level else alias(t, edge)  # type: ignore[attr-defined, no-any-return]


def output_of(node: Node, nr: int, data: Any, version: Version | None, level: int = 0) -> Tensor:
    """Output `nr` of `node`, over `data` (at `level`, a tensor one level down)."""
    if level:
        from .levels import lift

        out: Tensor = lift(data, level)
    else:
        out = wrap(data)
    if version is not None:
        out._ver = version
    out._fn = node if node.n_outputs == 1 else Port(node, nr)
    return out


def raise_modified(data: Any, edge: Edge, now: int, then: int, version: Any = None) -> None:
    """PyTorch's sentence for a saved tensor that was changed in place; notes say by which lines (where that was noted),
    and what to do."""
    from .anomaly import changes_since
    from .errors import noted

    node, nr = graph.endpoint(edge) if not isinstance(edge, Tensor) else (None, 0)
    made = "" if node is None else f", which is output {nr} of {short_name(node)},"
    if isinstance(data, Tensor):
        kind, shape = data.dtype, tuple(data.shape)
    else:
        kind, shape = FROM_NUMPY[data.dtype], data.shape
    type_name = "CPUBoolType" if kind.name == "bool" else f"torch.{kind.scalar_name}Tensor"
    error = RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{type_name} {list(shape)}]{made} is at version {now}; expected version {then} instead. "
        "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
    for line in changes_since(version, then):
        noted(error, f"It was changed in place at {line}")
    raise noted(error, "Write the change as an operation that is not in place, or change a clone() of the tensor.")


def short_name(node: Node) -> str:
    """MulBackward0 -> Mul, as PyTorch's messages call it."""
    name = re.sub(r"Backward\d*$", "", node.name())
    return name


def raise_modified_input(tensor: Tensor, then: int) -> None:
    """A saved input was changed: the message names who made it, as it is now."""
    fn = tensor._fn
    if fn is graph.LEAF:
        fn = None
    elif fn is graph.VIEW:
        fn = tensor._view.edge(tensor)
    raise_modified(tensor._data, fn, version_of(tensor), then, tensor._ver)


class SavedTensor:
    """What `_raw_saved_*` shows of a saved value: a handle on it, which may be given hooks of its own."""

    __slots__ = ("key", "node")
    __module__ = "torch._C._autograd"
    node: Node
    key: Any

    def __init__(self) -> None:
        raise RuntimeError("Trying to create a SavedTensor object from Python is forbidden.")

    @classmethod
    def of(cls, node: Node, key: Any) -> SavedTensor:
        """The handle on what `node` keeps under `key`: a name, (name, position), or None where nothing is kept."""
        self: SavedTensor = object.__new__(cls)
        self.node, self.key = node, key
        return self

    def register_hooks(self, pack_hook: Any, unpack_hook: Any) -> None:
        """Keep `pack_hook(tensor)` instead of the tensor; `unpack_hook` makes a tensor of that again."""
        if not (callable(pack_hook) and callable(unpack_hook)):
            raise TypeError("register_hooks(): incompatible function arguments. The following argument types are "
                            "supported:\n    1. (self: torch._C._autograd.SavedTensor, arg0: collections.abc.Callable, "
                            "arg1: collections.abc.Callable) -> None")  # fmt: skip
        value = self._value()
        if value is FREED:
            raise RuntimeError("Calling register_hooks on a saved tensor after it has been freed. " + BACKWARD_TWICE[
                BACKWARD_TWICE.index("Saved intermediate") :].replace("saved tensors after", "saved variables after"))
        if value is None:
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
        if value.__class__ is SavedPacked:
            raise RuntimeError("Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only "
                               "one pair of hooks is allowed at a time.")  # fmt: skip
        tensor = value.tensor if value.__class__ is SavedInput else self.unpack()
        edge, nr = (value.edge, -1) if value.__class__ is SavedInput else edge_in(tensor, self.node)
        packed = SavedPacked(tensor, edge, nr, (pack_hook, unpack_hook), self.node)
        self.node.keep_packed(self.key, packed)

    def unpack(self) -> Any:
        """The tensor."""
        value = self._value()
        if value is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        return value.unpack(self.node) if hasattr(value, "unpack") else value

    def _value(self) -> Any:
        return None if self.key is None else self.node.kept_value(self.key)


def edge_in(tensor: Tensor, node: Node) -> tuple[Edge, int]:
    """The history of a saved tensor, and which output of `node` it is (-1: an input)."""
    fn = tensor._fn
    if fn is graph.LEAF:
        return tensor, -1
    if fn is graph.VIEW:
        fn = tensor._view.edge(tensor)
    found, nr = (fn.node, fn.nr) if fn.__class__ is Port else (fn, 0)
    return (fn, nr) if found is node else (fn, -1)


def shown_values(node: Node) -> Iterator[tuple[str, Any]]:
    """What `node` keeps, and what PyTorch's node of that name shows besides."""
    values = dict(node.saved_values())
    name = type(node).__name__
    if name in ("AddBackward0", "SubBackward0"):
        values.setdefault("alpha", 1)
    elif name in ("MeanBackward0", "MeanBackward1") and "self_sym_sizes" in values:
        values["self_sym_numel"] = math.prod(values["self_sym_sizes"])
    return iter(values.items())


def saved_attribute(node: Node, attribute: str) -> Any:
    """`node._saved_self` and its like."""
    raw = attribute.startswith("_raw_saved_")
    wanted = attribute.removeprefix("_raw").removeprefix("_saved_")
    for name, value in shown_values(node):
        if name == wanted and not (raw and is_plain(name, value)):
            if raw:
                return value.handles(node) if hasattr(value, "handles") else SavedTensor.of(node, name)
            if value is FREED:
                raise RuntimeError(BACKWARD_TWICE)
            return value.unpack(node) if hasattr(value, "unpack") else value
    raise AttributeError(f"'{type(node).__name__}' object has no attribute '{attribute}'")


def saved_attributes(node: Node) -> list[str]:
    """The names of all these attributes."""
    names = []
    for name, value in shown_values(node):
        names.append("_saved_" + name)
        if not is_plain(name, value):
            names.append("_raw_saved_" + name)
    return names


def is_plain(name: str, value: Any) -> bool:
    """Whether a saved value is no tensor: a number, a shape, a name; of None, the name tells."""
    if value is None:
        return name not in TENSORS
    return value is not FREED and not hasattr(value, "unpack") and not isinstance(value, Tensor)


#: names of saved tensors that may be None
TENSORS = frozenset("self other result weight input target mat1 mat2 mat tensor1 tensor2 vec vec1 vec2 batch1 batch2".split())
