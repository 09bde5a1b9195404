"""The engine: walks the tape backwards.

A node's number is larger than those of its producers, so the unprocessed node with the largest number has received
everything that it will receive. That is the whole scheduling: a heap of numbers, no dependency counts, no recursion.
Gradients are arrays, or Tensors where the backward is itself recorded (`create_graph`) or transformed.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any

import numpy as np

from ..kernels import numpy as kernels
from . import hooks as hooks_module
from .errors import line_of, noted
from .graph import Edge, Node, Port
from .hooks import LeafHooks, call_gradient_hooks, check_is_tensor, replaced
from .modes import GRAD, NO_GRAD, Mode, mode, set_mode
from .primitive import TABLE, ops
from .tensor import PLAIN, Tensor, bump, wrap

ndarray = np.ndarray

#: A nested backward this deep goes on in a thread of its own, which has a fresh stack.
MAX_DEPTH = 30


class _State(threading.local):
    depth = 0
    callbacks: list[Callable[[], None]] | None = None
    task: Backward | None = None


state = _State()
next_task = itertools.count().__next__
accumulation_lock = threading.RLock()


def run(
    roots: Sequence[Edge],
    grads: Sequence[Any],
    *,
    keep: bool = False,
    create: bool = False,
    inputs: Sequence[Edge] | None = None,
    accumulate: bool = True,
    down: bool = False,
) -> list[Any]:
    """Send `grads` (Tensors) backwards from `roots`.

    Without `inputs` every leaf accumulates. With `inputs`, only the paths to them run; with `accumulate` leaves among
    them accumulate, otherwise the gradients (Tensors or None) are returned in their order. `down`: the tape is that of
    a `grad` level, gradients live one level below it and the grad mode is left as it is.
    """
    local = state
    depth = local.depth
    if depth and depth % MAX_DEPTH == 0:
        return _in_new_thread(roots, grads, keep, create, inputs, accumulate, down)
    before = inside = mode()
    if before.grad is not create and not down:
        inside = NO_GRAD if before is GRAD else GRAD if before is NO_GRAD else before.replace(grad=create)
        set_mode(inside)
    outer_task = local.task
    local.depth = depth + 1
    try:
        task = local.task = Backward(roots, grads, keep, create, inputs, accumulate, down, inside)
        result = task.run()
        if depth == 0 and local.callbacks:
            callbacks = local.callbacks
            while callbacks:
                callbacks.pop(0)()
        return result
    finally:
        local.depth = depth
        local.task = outer_task
        if depth == 0 and local.callbacks is not None:
            local.callbacks = None
        if inside is not before:
            set_mode(before)


def current_task() -> Backward | None:
    """The backward that runs in this thread."""
    return state.task


def queue_callback(fn: Callable[[], None]) -> None:
    """Call `fn` when the running backward is done."""
    if not state.depth:
        raise RuntimeError("Final callbacks can only be installed during backward pass.")
    if state.callbacks is None:
        state.callbacks = []
    state.callbacks.append(fn)


def _in_new_thread(roots: Any, grads: Any, keep: Any, create: Any, inputs: Any, accumulate: Any, down: Any) -> list[Any]:
    import contextvars

    context = contextvars.copy_context()
    outcome: list[Any] = []
    depth = state.depth
    if state.callbacks is None:
        state.callbacks = []
    callbacks = state.callbacks

    def work() -> None:
        state.depth, state.callbacks = depth + 1, callbacks
        try:
            value = context.run(
                run, roots, grads, keep=keep, create=create, inputs=inputs, accumulate=accumulate, down=down
            )
            outcome.append((value, None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=work, name=f"wengert-backward-{depth}", daemon=True)
    thread.start()
    thread.join()
    value, error = outcome[0]
    if error is not None:
        raise error
    return value  # type: ignore[no-any-return]


class Backward:
    """One backward pass: the heap, the gradients on their way, and what is to be captured."""

    def __init__(
        self,
        roots: Sequence[Edge],
        grads: Sequence[Any],
        keep: bool,
        create: bool,
        inputs: Sequence[Edge] | None,
        accumulate: bool,
        down: bool,
        m: Mode,
    ) -> None:
        self.keep, self.create, self.accumulate, self.m = keep, create, accumulate, m
        self.raw = raw = not create and not down
        if raw:
            for g in grads:
                if g.__class__ not in PLAIN or g._data.__class__ is not ndarray:
                    self.raw = False
        self.xp = kernels if self.raw else ops
        self.down = self.raw or down
        self.id = next_task()
        self.roots = roots
        self.expected = 0  # for multi-gradient hooks: how many of their tensors this backward will reach
        self.heap: list[tuple[int, Node]] = []
        self.buffers: dict[Any, Any] = {}
        self.owned: set[Any] = set()
        self.leaves: dict[Tensor, Any] = {}
        self.inputs = inputs
        self.captured: dict[Any, Any] = {}
        self.needed: set[Node] | None = None
        self.pending: dict[Tensor, int] | None = None
        if inputs is not None:
            if not down:  # on the tape of a transform every path leads to its inputs
                self.needed = _leading_to(roots, inputs)
            for e in inputs:
                if isinstance(e, Node):
                    self.captured[e, 0] = None
                elif e.__class__ is Port:
                    self.captured[e.node, e.nr] = None
        if hooks_module.leaf_hooks_exist:
            self.pending = _count_leaf_edges(roots, self.needed)
        for e, g in zip(roots, grads, strict=True):
            self.deliver(e, g._data if self.raw else g, False)

    def will_reach(self, e: Edge) -> bool:
        """Whether a gradient arrives at `e` in this backward."""
        below = e.node if e.__class__ is Port else e
        if below is None:
            return False
        known = getattr(self, "reached", None)
        if known is None:
            known = self.reached = {x.node if x.__class__ is Port else x for x in self.roots}
            for node in reachable(self.roots):
                if self.needed is None or node in self.needed:
                    known.add(node)
                    known.update(x.node if x.__class__ is Port else x for x in node.edges)
        return below in known

    def deliver(self, e: Edge, g: Any, fresh: bool) -> None:
        """Add `g` to what is on its way to `e`; `fresh`: nobody else holds the array."""
        if e.__class__ is Port:
            self.deliver_to_port(e, g, fresh)
            return
        if isinstance(e, Node):
            buffers: dict[Any, Any] = self.buffers
            known = buffers.get(e)
            if known is None:
                heappush(self.heap, (-e.seq, e))
        else:
            buffers = self.leaves
            known = buffers.get(e)
        if g.__class__ is not ndarray and self.raw:
            if isinstance(g, kernels.Scattered):
                if known is None or e not in self.owned:
                    base = g.zeros() if known is None else kernels.owned_copy(known, g)
                    self.owned.add(e)
                    buffers[e] = g.add_to(base)
                else:
                    buffers[e] = g.add_to(known)
                return
            fresh = False
        if known is None:
            buffers[e] = g
            if fresh:
                self.owned.add(e)
        elif e in self.owned and known.__class__ is ndarray:
            if known.dtype == g.dtype and known.shape == g.shape:
                np.add(known, g, out=known)
            else:
                buffers[e] = known + g
        else:
            total = known + g
            buffers[e] = total
            if self.raw and total.__class__ is ndarray:
                self.owned.add(e)

    def deliver_to_port(self, e: Port, g: Any, fresh: bool) -> None:
        node, nr = e.node, e.nr
        parts = self.buffers.get(node)
        if parts is None:
            heappush(self.heap, (-node.seq, node))
            parts = self.buffers[node] = [None] * node.count  # type: ignore[attr-defined]
        if self.raw and isinstance(g, kernels.Scattered):
            g = g.add_to(g.zeros())
        known = parts[nr]
        parts[nr] = g if known is None else known + g

    def run(self) -> list[Any]:
        """The whole pass. If it fails, the leaves that had their whole gradient by then have received it."""
        heap, buffers, raw, xp, keep, down = self.heap, self.buffers, self.raw, self.xp, self.keep, self.down
        leaves, owned, plain, scattered = self.leaves, self.owned, PLAIN, kernels.Scattered
        needed, pending, captured = self.needed, self.pending, self.captured
        deliver = self.deliver
        anomaly = self.m.anomaly
        if pending is not None:
            self.settle(())
        node = None
        try:
            while heap:
                node = heappop(heap)[1]
                g = buffers.pop(node)
                hooks = node.hooks
                if hooks is not None:
                    if pending is None and (hooks.tensor or hooks.pre or hooks.post):
                        pending = self.count_rest(node)  # from here on someone may look at the leaves
                    g = self.run_pre_hooks(node, hooks, g)
                    if g is None:  # a hook took the gradient away
                        if not keep:
                            node.release()
                        if pending is not None:
                            self.settle(node.edges)
                        continue
                if captured:
                    self.capture(node, g)
                if needed is not None and node not in needed:
                    continue
                if anomaly:
                    from .anomaly import checked_propagate

                    gs = checked_propagate(node, g, down, xp, self.m.check_nan)
                else:
                    gs = node.propagate(g, down, xp)
                edges = node.edges
                if hooks is not None and hooks.post:
                    gs = self.run_post_hooks(hooks, gs, g, node)
                if not keep:
                    node.release()
                for e, gi in zip(edges, gs):
                    if e is None or gi is None:
                        continue
                    if raw and gi.__class__ is not scattered:
                        fresh = gi is not g and gi.base is None
                        if e.__class__ in plain:
                            if e not in leaves:
                                leaves[e] = gi
                                if fresh:
                                    owned.add(e)
                                continue
                        elif e not in buffers and e.__class__ is not Port and not isinstance(e, Tensor):
                            buffers[e] = gi
                            heappush(heap, (-e.seq, e))
                            if fresh:
                                owned.add(e)
                            continue
                        deliver(e, gi, fresh)
                    else:
                        deliver(e, gi, False)
                if pending is not None:
                    self.settle(edges)
        except Exception as error:
            explain(error, node)
            if self.leaves and pending is None:
                self.count_rest(node)
            raise
        for leaf in list(self.leaves):
            self.finish(leaf)
        if self.inputs is None or self.accumulate:
            return []
        return [self.result(e) for e in self.inputs]

    # ---- captures and leaves

    def as_tensor(self, g: Any) -> Tensor:
        """A gradient on its way as a Tensor of its own."""
        if not self.raw:
            return g  # type: ignore[no-any-return]
        if g.__class__ is not ndarray:
            return wrap(np.asarray(g))
        return wrap(g if g.flags.writeable else writeable(g))

    def capture(self, node: Node, g: Any) -> None:
        captured = self.captured
        if node.n_outputs == 1:
            if (node, 0) in captured:
                captured[node, 0] = g
        else:
            for nr, part in enumerate(g):
                if (node, nr) in captured:
                    captured[node, nr] = part

    def result(self, e: Edge) -> Tensor | None:
        if e is None:
            return None
        key = (e, 0) if isinstance(e, Node) else (e.node, e.nr) if e.__class__ is Port else e
        g = self.captured.get(key)
        if g is None or not self.raw:
            return g  # type: ignore[no-any-return]
        return g if isinstance(g, Tensor) else wrap(private(g, key in self.owned))

    def count_rest(self, node: Node | None) -> dict[Tensor, int]:
        """Count the edges to leaves that are still to come from `node` and all that waits; finish the other leaves."""
        rest = [waiting for _, waiting in self.heap]
        self.pending = _count_leaf_edges(rest if node is None else [node, *rest], self.needed)
        self.settle(())
        return self.pending

    def settle(self, edges: Sequence[Edge]) -> None:
        """Finish the leaves that will receive no more."""
        pending = self.pending
        assert pending is not None
        done = []
        for e in edges:
            if isinstance(e, Tensor):
                pending[e] -= 1
                if not pending[e]:
                    done.append(e)
        if not edges:
            done = [leaf for leaf in self.leaves if not pending.get(leaf)]
        for leaf in done:
            if leaf in self.leaves:
                self.finish(leaf)

    def finish(self, leaf: Tensor) -> None:
        """A leaf has its whole gradient: hooks, then accumulate or capture."""
        g = self.leaves.pop(leaf)
        owned = leaf in self.owned
        hooks: LeafHooks | None = getattr(leaf, "_hooks", None)
        if self.inputs is not None and not any(leaf is e for e in self.inputs):
            return
        if hooks is None:
            if self.inputs is None or self.accumulate:
                if self.raw:
                    accumulate_array(leaf, g, owned)
                else:
                    accumulate_tensor(leaf, g, self.create)
            else:
                self.captured[leaf] = wrap(private(g, owned)) if self.raw else g
            return
        grad = wrap(private(g, owned)) if self.raw else g
        if hooks.tensor:
            grad = call_gradient_hooks(hooks.tensor, grad)
        if self.inputs is not None and not self.accumulate:
            self.captured[leaf] = grad
            return
        for pre in list(hooks.node.pre.values()):
            (grad,) = replaced((grad,), pre((grad,)), pre)
            if grad is None:
                return
        if self.raw and grad.__class__ in PLAIN:
            accumulate_array(leaf, grad._data, True)
        else:
            accumulate_tensor(leaf, grad, self.create)
        for after in list(hooks.post.values()):
            result = after(leaf)
            if result is not None and result is not leaf:
                check_is_tensor(result)
                raise RuntimeError("Tensor post accumulate grad hooks should return None.")
        for post in list(hooks.node.post.values()):
            replaced((), post((), (grad,)), post)

    # ---- hooks

    def run_pre_hooks(self, node: Node, hooks: Any, g: Any) -> Any:
        many = node.n_outputs != 1
        parts = list(g) if many else [g]
        tensors: Any = [None if p is None else self.as_tensor(p) for p in parts]
        for nr, table in hooks.tensor.items():
            if tensors[nr] is not None:
                tensors[nr] = call_gradient_hooks(table, tensors[nr])
        for pre in list(hooks.pre.values()):
            tensors = replaced(tuple(tensors), pre(tuple(tensors)), pre)
        for nr, known in hooks.retain.items():
            t = known()
            if t is not None and tensors[nr] is not None:
                with_grad = tensors[nr]
                t._grad = with_grad if getattr(t, "_grad", None) is None else with_grad + t._grad
                if self.raw and t._grad._data is with_grad._data:
                    t._grad = wrap(with_grad._data.copy())
        parts = [None if t is None else t._data if self.raw else t for t in tensors]
        return parts if many else parts[0]

    def run_post_hooks(self, hooks: Any, gs: Any, g: Any, node: Node) -> tuple[Any, ...]:
        to_tensor = self.as_tensor
        ins = tuple(None if x is None else to_tensor(_dense(x)) for x in gs)
        outs = tuple(None if x is None else to_tensor(x) for x in (g if node.n_outputs != 1 else (g,)))
        for post in list(hooks.post.values()):
            ins = replaced(ins, post(ins, outs), post)
        # views: a hook may have kept the tensors, so their arrays are not the engine's to add into
        return tuple(None if t is None else t._data.view() if self.raw else t for t in ins)


def check_scalar(numel: int, kind: Any) -> None:
    """Only a real scalar has a gradient to start from that goes without saying."""
    if numel != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if kind.is_complex:
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {kind}")


def _dense(g: Any) -> Any:
    return g.add_to(g.zeros()) if isinstance(g, kernels.Scattered) else g


HAPPENED = "It happened in the backward"


def explain(error: Exception, node: Node | None) -> None:
    """Note on `error` which node failed, and under anomaly detection the line that recorded it."""
    if node is None or any(n.startswith(HAPPENED) for n in getattr(error, "__notes__", ())):
        return  # the innermost of nested backwards has said it
    noted(error, f"{HAPPENED} of {node.name()}.")
    line = getattr(node, "_line", None)
    if line is not None:
        noted(error, f"That was recorded at {line_of(*line)}")


def writeable(g: Any) -> Any:
    """The constant that a backward starts from, or its expansion, in memory that a hook may change."""
    if any(g.strides) or not g.size:
        return g.copy()
    return ndarray(g.shape, g.dtype, np.array(g.reshape(-1)[0]), 0, g.strides)


def private(g: Any, owned: bool) -> Any:
    """An array that only the receiver will hold."""
    if g.__class__ is not ndarray:
        return np.asarray(g)
    return g if owned else g.copy()


def accumulate_array(leaf: Tensor, g: Any, owned: bool) -> None:
    """`leaf.grad += g`, in place, on arrays."""
    with accumulation_lock:
        try:
            grad = leaf._grad
        except AttributeError:
            grad = None
        if grad is None:
            g = private(g, owned)
            x = leaf._data
            if g.strides != x.strides and g.ndim > 1:
                g = kernels.like_layout(g, x)
            leaf._grad = wrap(g)
        elif grad.__class__ in PLAIN and grad._data.__class__ is ndarray:
            data = grad._data
            if g.__class__ is ndarray and g.dtype != data.dtype:
                g = kernels.to_dtype(g, data.dtype)
            np.add(data, g, out=data)
            bump(grad)
        else:
            leaf._grad = grad + wrap(np.asarray(g))  # type: ignore[operator]


def accumulate_tensor(leaf: Tensor, g: Tensor, create: bool) -> None:
    """`leaf.grad = leaf.grad + g`, recorded if the backward is."""
    grad = getattr(leaf, "_grad", None)
    if grad is None:
        if create and g.__class__ in PLAIN and g._data.__class__ is ndarray:  # its own memory: it may be changed in place
            leaf._grad = TABLE["copy"](wrap(np.empty_like(leaf._data)), g)
        else:
            leaf._grad = g if create else TABLE["clone"](g.detach(), memory_format=None)  # type: ignore[attr-defined]
    elif create or g._level or grad._level:
        leaf._grad = grad + g
    else:
        grad += g
        leaf._grad = grad


# ---------------------------------------------------------------- discovery (only where something asks for it)


def reachable(roots: Sequence[Edge]) -> list[Node]:
    """All nodes below `roots`, latest first."""
    seen: set[Node] = set()
    todo = [e.node if e.__class__ is Port else e for e in roots if e is not None and not isinstance(e, Tensor)]
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        for e in node.edges:
            if e is None or isinstance(e, Tensor):
                continue
            below = e.node if e.__class__ is Port else e
            if below not in seen:
                todo.append(below)
    return sorted(seen, key=_seq, reverse=True)


def _seq(node: Node) -> int:
    return node.seq


_first = itemgetter(0)


def _leading_to(roots: Sequence[Edge], inputs: Sequence[Edge]) -> set[Node]:
    """The nodes that must run so that gradients arrive at `inputs`."""
    goals = {e.node if e.__class__ is Port else e for e in inputs if e is not None}
    todo = [e.node if e.__class__ is Port else e for e in roots if e is not None and not isinstance(e, Tensor)]
    seen = set(todo)
    found = []
    plain = PLAIN
    while todo:
        node = todo.pop()
        edges = node.edges
        found.append((node.seq, node, edges))
        for e in edges:
            if e is None or e.__class__ in plain:
                continue
            below = e.node if e.__class__ is Port else e
            if below not in seen:
                seen.add(below)
                if not isinstance(below, Tensor):
                    todo.append(below)
    found.sort(key=_first)
    needed: set[Node] = set()
    for _, node, edges in found:
        for e in edges:
            if e is None:
                continue
            below = e.node if e.__class__ is Port else e
            if below in goals or below in needed:
                needed.add(node)
                break
    return needed


def _count_leaf_edges(roots: Sequence[Edge], needed: set[Node] | None) -> dict[Tensor, int]:
    """How many nodes' edges lead to each leaf: at zero its gradient is whole."""
    counts: dict[Tensor, int] = {}
    for node in reachable(roots):
        if needed is not None and node not in needed:
            continue
        for e in node.edges:
            if isinstance(e, Tensor):
                counts[e] = counts.get(e, 0) + 1
    return counts
