"""The tape: nodes, the edges between them, and what a node keeps for its backward.

An *edge* of a node is one of: None (no gradient wanted), a `Node` (its only output), a `Port` (one output of a node
with several), or a leaf `Tensor` (the gradient is accumulated there). Nodes thus hold leaves, leaves hold nothing,
and a graph that is dropped is freed at once by reference counting.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from weakref import ref

from .devices import CPU
from .dtypes import FROM_NUMPY
from .size import size_of

if TYPE_CHECKING:
    from .primitive import Primitive
    from .tensor import Tensor

#: Creation order is topological order: a node takes its number after its edges exist.
next_seq: Callable[[], int] = itertools.count().__next__

LEAF_SEQ = 2**64 - 1  # what PyTorch reports for AccumulateGrad


class Sentinel:
    """A unique marker with a readable repr."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


#: `Tensor._fn` of a leaf that requires grad; of a view (its edge is looked up, the base may have moved on).
LEAF: Any = Sentinel("LEAF")
VIEW: Any = Sentinel("VIEW")
#: nodes that PyTorch did not generate: their `name()` bears a namespace, their class does not
CPP_NAMED = frozenset(("CopyBackwards", "NotImplemented"))
#: What stands in a node's saved slot once the saved value was freed.
FREED: Any = Sentinel("FREED")

Edge = Any  # None | Node | Port | Tensor

BACKWARD_TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)


class Version:
    """The version counter that all aliases of one memory share. `Tensor._ver` is a plain int until there is an alias."""

    __slots__ = ("n",)

    def __init__(self, n: int = 0) -> None:
        self.n = n


INFERENCE_SAVED = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation "
    "tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or "
    "use `torch.no_grad()` instead of `torch.inference_mode()`."
)


class InferenceVersion(Version):
    """The counter of a tensor made in inference mode, and of its views: its class is what tells them.

    It does not count. Who asks for the count is about to save the tensor, which is refused."""

    __slots__ = ()

    @property
    def n(self) -> int:  # type: ignore[override]
        raise RuntimeError(INFERENCE_SAVED)

    @n.setter
    def n(self, value: int) -> None:
        pass


class RestridedVersion(Version):
    """The counter of a memory whose base was itself turned into another window (`t_`, `squeeze_`, ...).

    The view chains of its aliases start from what the base was before, so they are replaced by strides.
    """

    __slots__ = ()


class Port:
    """Output number `nr` of a node that has several."""

    __slots__ = ("node", "nr")

    def __init__(self, node: Node, nr: int) -> None:
        self.node = node
        self.nr = nr


class NodeHooks:
    """The hooks of one node: `tensor` (by output number), `retain` (likewise), `pre` and `post`."""

    __slots__ = ("post", "pre", "retain", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, OrderedDict[int, Callable[..., Any]]] = {}
        self.retain: dict[int, Any] = {}
        self.pre: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.post: OrderedDict[int, Callable[..., Any]] = OrderedDict()


class NodeMeta(type):
    """`isinstance(n, Node)` holds for the wrappers of leaves too; the repr is PyTorch's."""

    def __repr__(cls) -> str:
        return f"<class '{cls.__name__}'>"


class InputMetadata:
    """Shape, dtype and device of a gradient that a node receives."""

    __slots__ = ("dtype", "shape")
    is_nested_tensor = False
    is_tensor_subclass = False
    is_cpp_nested_tensor = False

    def __init__(self, shape: Any, dtype: Any) -> None:
        self.shape = size_of(tuple(shape))
        self.dtype = FROM_NUMPY.get(dtype, dtype)

    @property
    def device(self) -> Any:
        return CPU

    def __repr__(self) -> str:
        return f"InputMetadata(shape={self.shape}, dtype={self.dtype})"


class Node(metaclass=NodeMeta):
    """One recorded operation: `seq` orders it, `hooks` is None or `NodeHooks`, subclasses hold edges and saved values.

    `propagate(gs, raw, xp)` gives the gradients for `edges` from those of the outputs; `raw` says whether saved
    values are wanted as arrays (one level down) or as Tensors with their history.
    """

    __slots__ = ("__weakref__", "_consumer", "_described", "_line", "_metadata", "_trace", "hooks", "seq")

    prim: Primitive
    seq: int
    hooks: NodeHooks | None
    n_outputs = 1

    @property
    def edges(self) -> tuple[Edge, ...]:
        raise NotImplementedError

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        raise NotImplementedError

    def release(self) -> None:
        """Free the saved values: this node cannot run again, unless it saved nothing."""

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        """(name, `Saved` or plain value) of what is kept, under PyTorch's names."""
        return iter(())

    def kept_value(self, key: Any) -> Any:
        """What is kept under one of these names."""
        return dict(self.saved_values())[key]

    def keep_packed(self, key: Any, packed: Any) -> None:
        """From now on, keep `packed` in its place."""
        raise NotImplementedError(f"register_hooks() on the {key!r} that {self.name()} saved")

    # ---- what a reader of the graph sees

    def name(self) -> str:
        """The node's name, as PyTorch prints it."""
        name = type(self).__name__
        return name if name not in CPP_NAMED else "torch::autograd::" + name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """((node, output number), ...) of the producers of this node's inputs."""
        me = ref(self)
        below = []
        for i, e in self.shown_edges():
            node, nr = endpoint(e)
            if node is not None and node.__class__ is not AccumulateGrad:
                node._consumer = me, i, nr
            below.append((node, nr))
        return tuple(below)

    def shown_edges(self) -> Iterable[tuple[int, Edge]]:
        """(position among `edges`, edge) of the inputs that users see."""
        return enumerate(self.edges)

    def __call__(self, *grads: Any) -> Any:
        """The gradients of this node's inputs from those of its outputs: one, or a tuple. Hooks do not run, what is saved
        stays."""
        from .primitive import ops
        from .tensor import Tensor

        count = 1 if self.n_outputs == 1 else self.count  # type: ignore[attr-defined]
        ignored = getattr(getattr(self, "prim", None), "nondifferentiable_outputs", ())
        wanted = [i for i in range(count) if i not in ignored]
        if len(grads) != len(wanted):
            raise TypeError(f"expected {len(wanted)} arguments, got {len(grads)} instead")
        for i, g in enumerate(grads):
            if g is not None and not isinstance(g, Tensor):
                raise TypeError(f"argument {i} is not a Variable")
        if all(g is None for g in grads):
            return (None,) * len(shown) if len(shown := list(self.shown_edges())) != 1 else None
        given = dict(zip(wanted, grads, strict=True))
        found = self.propagate(grads[0] if self.n_outputs == 1 else tuple(given.get(i) for i in range(count)), False, ops)
        shown = [None if e is None else found[i] for i, e in self.shown_edges()]
        return shown[0] if len(shown) == 1 else tuple(shown)

    def __lt__(self, other: Node) -> bool:
        """The engine's heap holds (order, node). Of nodes that stand for one, made anew at each look, either may come first."""
        return False

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for the user's notes."""
        try:
            return self._metadata  # type: ignore[no-any-return, has-type]
        except AttributeError:
            self._metadata: dict[Any, Any] = {}
            return self._metadata

    @property
    def requires_grad(self) -> bool:
        return True

    def _sequence_nr(self) -> int:
        return self.seq

    def _set_sequence_nr(self, nr: int) -> None:
        self.seq = nr

    @property
    def _input_metadata(self) -> tuple[InputMetadata, ...]:
        """What the gradients that arrive here look like: shape, dtype and device of this node's outputs.

        Nodes keep no shapes. They are learned from the tensor whose `grad_fn` this is, or, for a node reached through
        `next_functions`, from what its consumer would send here."""
        node, path = self, []
        while not hasattr(node, "_described"):
            consumer, i, nr = getattr(node, "_consumer", (lambda: None, 0, 0))
            above = consumer()
            if above is None:
                raise NotImplementedError(
                    f"_input_metadata of this {self.name()}: hold the nodes through which you reached it"
                )
            path.append((above, i, node, nr))
            node = above
        for above, i, node, nr in reversed(path):
            seen = above.sent()[i]
            if seen is None:
                raise NotImplementedError(f"_input_metadata of this {node.name()}: {above.name()} sends it no gradient")
            node.describe_output(nr, seen.shape, seen.dtype)
        known = self._described  # type: ignore[has-type]
        return tuple(known[nr] for nr in sorted(known))

    def sent(self) -> tuple[Any, ...]:
        """The gradients that this node sends for zeros: their shapes and dtypes are those of its inputs."""
        import numpy as np

        from ..kernels import numpy as kernels

        known = self._described  # type: ignore[has-type]
        many = self.n_outputs != 1
        gs = {nr: np.zeros(d.shape, d.dtype.np) for nr, d in known.items()}
        return self.propagate(tuple(gs.get(i) for i in range(self.count)) if many else gs[0], True, kernels)  # type: ignore[attr-defined]

    def describe_output(self, nr: int, shape: Any, dtype: Any) -> None:
        """Note what output `nr` looks like."""
        try:
            self._described[nr] = InputMetadata(shape, dtype)  # type: ignore[has-type]
        except AttributeError:
            self._described: dict[int, InputMetadata] = {nr: InputMetadata(shape, dtype)}

    def register_hook(self, fn: Callable[..., Any]) -> Any:
        """Call `fn(grad_inputs, grad_outputs)` after this node; it may return other grad_inputs. -> removal handle"""
        from .hooks import RemovableHandle

        return RemovableHandle.add(self.own_hooks().post, fn)

    def register_prehook(self, fn: Callable[..., Any]) -> Any:
        """Call `fn(grad_outputs)` before this node; it may return other grad_outputs. -> removal handle"""
        from .hooks import RemovableHandle

        return RemovableHandle.add(self.own_hooks().pre, fn)

    def own_hooks(self) -> NodeHooks:
        """This node's hooks, made on first use."""
        if self.hooks is None:
            self.hooks = NodeHooks()
        return self.hooks

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith(("_saved_", "_raw_saved_")):
            from .saved import saved_attribute

            return saved_attribute(self, attribute)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{attribute}'")

    def __dir__(self) -> list[str]:
        names = [n for n in object.__dir__(self) if not n.startswith("_") and n not in _INTERNAL]
        from .saved import saved_attributes

        return names + saved_attributes(self)


_INTERNAL = frozenset(
    "count describe_output edge_tuple edges hooks keep_packed kept_value n_outputs own_hooks own_name plan_inputs prim "
    "propagate release saved_values sent seq shown_edges tensors_kept".split()
)


class AccumulateGrad(Node):
    """The end of a path: adds what arrives to `variable.grad`. Made when asked for; the leaf points back weakly."""

    __slots__ = ("variable",)

    def __init__(self, leaf: Tensor) -> None:
        self.variable = leaf
        self.hooks = None
        self.seq = LEAF_SEQ

    @property
    def edges(self) -> tuple[Edge, ...]:
        return ()

    @property
    def _input_metadata(self) -> tuple[InputMetadata, ...]:
        return (InputMetadata(self.variable.shape, self.variable.dtype),)

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def __call__(self, *grads: Any) -> tuple[()]:
        """Add the gradient to that of the leaf."""
        from .engine import accumulate_tensor
        from .modes import mode

        if len(grads) != 1:
            raise TypeError(f"expected 1 arguments, got {len(grads)} instead")
        if grads[0] is not None:
            accumulate_tensor(self.variable, grads[0], mode().grad and grads[0].requires_grad)
        return ()

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {hex(id(self))}>"

    def own_hooks(self) -> NodeHooks:
        """The hooks live with the leaf, so that they outlast this wrapper."""
        from .hooks import leaf_hooks

        self.hooks = leaf_hooks(self.variable).node
        return self.hooks


def accumulator(leaf: Tensor) -> AccumulateGrad:
    """The AccumulateGrad of a leaf: the same object as long as someone holds it."""
    known: Callable[[], AccumulateGrad | None] | None = getattr(leaf, "_accumulator", None)
    node = known() if known is not None else None
    if node is None:
        node = AccumulateGrad(leaf)
        leaf._accumulator = ref(node)
    return node


def endpoint(edge: Edge) -> tuple[Node | None, int]:
    """An edge as (node, output number), the form in which users see it."""
    if edge is None:
        return None, 0
    if isinstance(edge, Node):
        return edge, 0
    if edge.__class__ is Port:
        return edge.node, edge.nr
    return accumulator(edge), 0


def to_edge(node: Node | None, nr: int) -> Edge:
    """The inverse of `endpoint`."""
    if node is None:
        return None
    if node.__class__ is AccumulateGrad:
        return node.variable  # type: ignore[attr-defined]
    return Port(node, nr) if node.n_outputs != 1 else node
