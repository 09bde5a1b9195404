"""A compiled function under autograd: its forward and its backward are two programs, joined by one node of the tape.

Both come from one trace. What the backward program needs of the forward one are the residuals; everything else of the
joint program belongs to one side only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from weakref import ref

import jax
import jax.extend.core as extend
import numpy as np

from ..core import engine
from ..core.dispatch import edge_of
from ..core.graph import BACKWARD_TWICE, FREED, Edge, Node, Port, next_seq
from ..core.modes import enable_grad
from ..core.saved import SavedInput, raise_modified_input
from ..core.tensor import Tensor, version_of, wrap
from ..func.pytree import tree_flatten, tree_unflatten
from .program import as_function, by_xla, needed
from .state import SMALL


class Split:
    """The backward program: from the residuals and the cotangents to the gradients."""

    def __init__(self, fn: Any, jaxpr: Any, gradients: Sequence[Any]) -> None:
        """`fn(*residuals, *cotangents)`, a part of `jaxpr`, gives the gradients, of these shapes and dtypes."""
        self.fn, self.jaxpr = fn, jaxpr
        #: the gradients that leave together, of one dtype: crossing from XLA costs by the array
        groups: dict[Any, list[int]] = {}
        for k, aval in enumerate(gradients):
            groups.setdefault(aval.dtype if aval.size <= SMALL else k, []).append(k)
        self.groups = list(groups.values())
        self.gradients = gradients
        self.executable: Any = None
        #: whether 64-bit arrays of the host are handed in
        self.wide = False
        #: the inputs and the outputs that the backward reads again: they must not change in between
        self.kept_inputs: set[int] = set()
        self.kept_outputs: set[int] = set()

    def run(self, saved: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        """The gradients as arrays that their receivers may write."""
        if self.executable is None:
            self.compile(saved, cts)
        found: list[Any] = [None] * len(self.gradients)
        if self.wide:
            with jax.enable_x64(True):
                outs = self.executable(*saved, *cts)
        else:
            outs = self.executable(*saved, *cts)
        for members, out in zip(self.groups, outs):
            whole = np.array(out)
            if len(members) == 1:
                found[members[0]] = whole
                continue
            at = 0
            for k in members:
                aval = self.gradients[k]
                found[k] = whole[at : at + aval.size].reshape(aval.shape).copy()
                at += aval.size
        return found

    def compile(self, saved: Sequence[Any], cts: Sequence[Any]) -> None:
        def program(*given: Any) -> list[Any]:
            gs = self.fn(*given)
            return [
                gs[m[0]] if len(m) == 1 else jax.numpy.concatenate([gs[k].reshape(-1) for k in m]) for m in self.groups
            ]

        self.wide = any(c.itemsize >= 8 for c in cts)
        structs = [jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=a.sharding) for a in saved]
        structs += [jax.ShapeDtypeStruct(c.shape, c.dtype) for c in cts]
        with jax.enable_x64(True):
            self.executable = by_xla(jax.jit(program).lower(*structs), self.jaxpr)


#: operations that show the same values in another layout
LAYOUT = ("transpose", "reshape", "squeeze", "broadcast_in_dim", "slice", "expand_dims", "copy")


def partition(closed: Any, order: list[Any], n_forward: int, cotangents: list[int]) -> tuple[Any, list[Any], Split]:
    """The forward jaxpr (its outputs, then the residuals), the order of its inputs, and the backward."""
    jaxpr = closed.jaxpr
    outs, grads = list(jaxpr.outvars[:n_forward]), list(jaxpr.outvars[n_forward:])
    forward = needed(jaxpr.eqns, outs)
    backward = [e for e in needed(jaxpr.eqns, grads) if id(e) not in {id(f) for f in forward}]
    made_there = {id(v) for e in backward for v in e.outvars}
    ct_vars = {id(v): n for v, n in zip(jaxpr.constvars, order) if n in cotangents}
    residuals: dict[int, Any] = {}
    for v in (*(v for e in backward for v in e.invars), *grads):
        if not isinstance(v, extend.Literal) and id(v) not in made_there and id(v) not in ct_vars:
            residuals[id(v)] = v
    kept = list(residuals.values())
    keep = [k for k, v in enumerate(jaxpr.constvars) if id(v) not in ct_vars]
    front = extend.Jaxpr(
        constvars=[jaxpr.constvars[k] for k in keep], invars=[], outvars=outs + kept, eqns=forward,
        effects=jaxpr.effects, debug_info=jaxpr.debug_info,
    )
    first = extend.ClosedJaxpr(front, [closed.consts[k] for k in keep])
    by_input = {n: v for v, n in zip(jaxpr.constvars, order) if n in cotangents}
    used = [n for n in cotangents if n in by_input]
    second = as_function(jaxpr, [*kept, *(by_input[n] for n in used)], grads, backward)

    def run(*given: Any) -> Any:
        saved, cts = given[: len(kept)], given[len(kept) :]
        return second(*saved, *(c if c.ndim else c.reshape(1) for k, c in enumerate(cts) if cotangents[k] in by_input))

    split = Split(run, jaxpr, [v.aval for v in grads])
    shown = {id(v): n for v, n in zip(jaxpr.constvars, order)}
    for e in forward:
        if e.primitive.name in LAYOUT and id(e.invars[0]) in shown:
            shown[id(e.outvars[0])] = shown[id(e.invars[0])]
    split.kept_inputs = {shown[v] for v in residuals if shown.get(v) is not None}
    split.kept_outputs = {k for k, v in enumerate(outs) if id(v) in residuals}
    return first, [order[k] for k in keep], split


class Differentiable:
    """How the results of a program join the tape."""

    def __init__(
        self, fn: Any, split: Split, residuals: list[int], roots: list[int], unseen: dict[int, int],
        wanted: list[Any], reached: list[set[int]], generators: Sequence[Any], pure: bool, read_again: list[Any],
        results: list[int],
    ) -> None:  # fmt: skip
        self.fn = fn
        self.split = split
        self.residuals = residuals
        self.roots = roots
        #: of roots that are no results themselves: the result that is a view of it
        self.unseen = unseen
        #: for each gradient: which results it comes from
        self.reached = reached
        #: what draws in the function, the default generator first; empty if nothing does
        self.generators = generators
        #: whether the function changes nothing from outside, so that it may run again
        self.pure = pure
        #: argument number or tensor: what the backward reads again; and the results that it does
        self.read_again = read_again
        self.kept_results = results
        #: argument number or tensor, for each gradient
        self.inputs = wanted

    def attach(self, entry: Any, leaves: Sequence[Any], outs: list[Any], plain: list[Any], states: Any) -> None:
        node = object.__new__(CompiledFunctionBackward)
        sources = [leaves[w] if w.__class__ is int else w for w in self.inputs]
        node.edge_tuple = tuple(edge_of(t) for t in sources)
        node.saved = [plain[k] for k in self.residuals]
        node.rule = self
        node.hooks = None
        node.count = len(self.roots)
        node.sources = [SavedInput(t, e) for t, e in zip(sources, node.edge_tuple)]
        node.arguments = (entry.spec, [SavedInput(x, edge_of(x)) if isinstance(x, Tensor) else x for x in leaves])
        node.shapes = [shape_of(outs[i]) for i in self.roots]
        node.entry, node.states = entry, states
        again = [leaves[w] if w.__class__ is int else w for w in self.read_again]
        node.checked = [(t, version_of(t)) for t in again]
        node.results = [(ref(outs[i]), version_of(outs[i])) for i in self.kept_results]
        node.seq = next_seq()
        for nr, i in enumerate(self.roots):
            outs[i]._fn = Port(node, nr)


def reached_by(root: Tensor) -> set[int]:
    """Identities of the leaves that the graph of `root` leads to."""
    found: set[int] = set()
    seen: set[int] = set()
    todo = [edge_of(root)]
    while todo:
        edge = todo.pop()
        if isinstance(edge, Tensor):
            found.add(id(edge))
        elif edge is not None:
            node = edge.node if edge.__class__ is Port else edge
            if id(node) not in seen:
                seen.add(id(node))
                todo.extend(node.edges)
    return found


def shape_of(t: Tensor) -> Any:
    from .state import DATA

    data = DATA.__get__(t)
    return tuple(data.shape), data.dtype


class CompiledFunctionBackward(Node):
    """The node of a compiled function: its backward is the second program."""

    __slots__ = (
        "arguments", "checked", "count", "edge_tuple", "entry", "results", "rule", "saved", "shapes", "sources", "states",
    )  # fmt: skip
    arguments: Any
    count: int
    edge_tuple: tuple[Edge, ...]
    rule: Differentiable
    saved: Any
    shapes: list[Any]
    sources: Any
    checked: Any
    entry: Any
    results: Any
    states: Any
    n_outputs = 2  # 'several': `count` says how many
    __module__ = "torch.autograd.function"

    @property
    def edges(self) -> tuple[Edge, ...]:
        return self.edge_tuple

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        if self.saved is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if not raw:
            return self.again(gs)
        given = {k for k, g in enumerate(gs) if g is not None}
        cts = [np.zeros(*shape) if g is None else np.asarray(g) for g, shape in zip(gs, self.shapes)]
        for t, n in self.checked:
            if version_of(t) != n:
                raise_modified_input(t, n)
        for known, n in self.results:
            out = known()
            if out is not None and version_of(out) != n:
                raise_modified_input(out, n)
        for kept in self.sources:
            kept.tensor._data  # noqa: B018  a resident leaf becomes an ordinary one, as the engine knows it
        grads = self.rule.split.run(self.saved, cts)
        return tuple([None if given.isdisjoint(of) else g for g, of in zip(grads, self.rule.reached)])

    def again(self, gs: Any) -> tuple[Any, ...]:
        """The gradients as tensors with a history (double backward): the function runs once more, eagerly."""
        rule = self.rule
        if not rule.pure:
            raise NotImplementedError(
                "torch.compile: double backward through a function that changes tensors from outside (as batch norm does "
                "with its statistics). Take the first gradient inside the compiled function, or run it eagerly"
            )
        if not self.entry.check():
            raise RuntimeError(
                "torch.compile: double backward runs the function again, and the Python state that it reads has changed since"
            )
        now = [(g, g.get_state()) for g in rule.generators]
        for g, state in self.states:
            g.set_state(state)
        try:
            return self.rerun(gs)
        finally:
            for g, state in now:
                g.set_state(state)

    def rerun(self, gs: Any) -> tuple[Any, ...]:
        spec, kept = self.arguments
        leaves = [x.unpack(self) if x.__class__ is SavedInput else x for x in kept]
        sources = [s.unpack(self) for s in self.sources]
        with enable_grad():
            if spec is None:
                result = self.rule.fn(*leaves)
            else:
                args, kwargs = tree_unflatten(leaves, spec)
                result = self.rule.fn(*args, **kwargs)
            outs, _ = tree_flatten(result)
            unseen = self.rule.unseen
            roots = [outs[unseen[i]]._view.base if i in unseen else outs[i] for i in self.rule.roots]
            pairs = [(edge_of(x), g) for x, g in zip(roots, gs) if g is not None]
            found = engine.run(
                [e for e, _ in pairs], [g if isinstance(g, Tensor) else wrap(g) for _, g in pairs],
                create=True, keep=True, inputs=[edge_of(s) for s in sources], accumulate=False,
            )  # fmt: skip
        return tuple(found)

    def release(self) -> None:
        self.saved = FREED
        self.sources = self.arguments = self.states = self.checked = self.results = ()

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        return iter(())


class FreedBackward(CompiledFunctionBackward):
    """The backward already ran inside the compiled function."""

    __slots__ = ()


def freed_node() -> Any:
    node = object.__new__(FreedBackward)
    node.edge_tuple = ()
    node.saved = FREED
    node.hooks = None
    node.count = 1
    node.seq = next_seq()
    return Port(node, 0)


FreedBackward.__name__ = "CompiledFunctionBackward"


__all__ = ["CompiledFunctionBackward", "Differentiable", "Split", "freed_node", "partition"]
