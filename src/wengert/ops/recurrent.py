"""Recurrent layers: one step of each cell in terms of other operations, and whole layers as one node each.

A sequence is a list of steps, each (batch, features). In a padded batch all steps are equally long; in a packed one
they get shorter, because the batch is sorted by length. A state is a tuple of tensors (batch, hidden).

A layer is one primitive on plain tensors. Its gradients on arrays are written out; gradients of gradients, tangents and
mapped weights come from the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.batching import front
from ..core.dispatch import dispatch
from ..core.fallback import loop
from ..core.fast import F32, F64
from ..core.primitive import Primitive, composite, general, kernel_helper, ops
from ..core.tensor import PLAIN, Tensor
from ..kernels import recurrent as kernels
from .fused import _along, writes_out
from .install import FUNCTIONS

State = tuple[Any, ...]
Step = Callable[[Any, State], State]

# ---------------------------------------------------------------- one step


def _linear(x: Any, w: Any, b: Any = None) -> Any:
    return FUNCTIONS["nn.functional.linear"](x, w, b)


def rnn_step(nonlinearity: str) -> Callable[[Any, State, Any, Any, Any], State]:
    """`h' = f(gates + W h + b)`."""
    f = "tanh" if nonlinearity == "tanh" else "relu"

    def step(gates: Any, state: State, w_hh: Any, b_hh: Any, w_hr: Any) -> State:
        total = gates + _linear(state[0], w_hh, b_hh)
        return (total.tanh() if f == "tanh" else total.relu(),)

    return step


def lstm_step(gates: Any, state: State, w_hh: Any, b_hh: Any, w_hr: Any) -> State:
    """The gates stand in the order input, forget, cell, output; `w_hr` projects the hidden state, if given."""
    h, c = state
    i, f, g, o = (gates + _linear(h, w_hh, b_hh)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else _linear(h, w_hr)), c


def gru_step(gates: Any, state: State, w_hh: Any, b_hh: Any, w_hr: Any) -> State:
    """The gates stand in the order reset, update, new."""
    (h,) = state
    x_r, x_z, x_n = gates.chunk(3, 1)
    h_r, h_z, h_n = _linear(h, w_hh, b_hh).chunk(3, 1)
    r = (x_r + h_r).sigmoid()
    z = (x_z + h_z).sigmoid()
    n = (x_n + r * h_n).tanh()
    return ((h - n) * z + n,)


STEPS: dict[str, Callable[..., State]] = {
    "RNN_TANH": rnn_step("tanh"),
    "RNN_RELU": rnn_step("relu"),
    "LSTM": lstm_step,
    "GRU": gru_step,
}

# ---------------------------------------------------------------- a layer, step by step


def scan(step: Step, steps: list[Any], state: State, reverse: bool) -> tuple[list[Any], State]:
    """Run `step` over the steps; (the hidden state after each, the last state of every example)."""
    cat = FUNCTIONS["cat"]
    outs: list[Any] = []
    if reverse:
        start, size = state, steps[-1].shape[0]
        if size < state[0].shape[0]:
            state = tuple(s[:size] for s in state)
        for gates in reversed(steps):
            grown = gates.shape[0]
            if grown > size:  # longer steps: the examples that begin here
                state = tuple(cat([s, first[size:grown]], 0) for s, first in zip(state, start, strict=True))
                size = grown
            state = step(gates, state)
            outs.append(state[0])
        outs.reverse()
        return outs, state
    size = state[0].shape[0]
    ended: list[State] = []
    for gates in steps:
        left = gates.shape[0]
        if left < size:  # the examples that have ended keep their state
            ended.append(tuple(s[left:size] for s in state))
            state = tuple(s[:left] for s in state)
            size = left
        state = step(gates, state)
        outs.append(state[0])
    if ended:
        ended.append(state)
        ended.reverse()
        state = tuple(cat(list(parts), 0) for parts in zip(*ended, strict=True))
    return outs, state


def by_steps(
    mode: str, x: Any, state: State, weights: Any, sizes: Any, reverse: bool
) -> tuple[Any, State]:
    """(outputs, last state) of a layer, each step recorded by itself."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    one_step = STEPS[mode]
    gates = _linear(x, w_ih, b_ih)
    steps = list(gates.unbind(0) if sizes is None else gates.split(list(sizes), 0))
    outs, final = scan(lambda g, s: one_step(g, s, w_hh, b_hh, w_hr), steps, state, reverse)
    return FUNCTIONS["stack" if sizes is None else "cat"](outs, 0), final


# ---------------------------------------------------------------- a layer as one node


def _pieces(flat: Any, shapes: Any) -> list[Any]:
    """A vector cut up into tensors of these shapes."""
    found, start = [], 0
    for shape in shapes:
        n = 1
        for m in shape:
            n *= m
        found.append(flat[start : start + n].reshape(shape))
        start += n
    return found


def _layer(name: str, mode: Any, states: int, kept: int, params: tuple[str, ...], node: str) -> Primitive:
    """The primitive of a kind of layer: outputs, last states, and `kept` arrays that the gradients need."""
    forward, backward = getattr(kernels, name), getattr(kernels, name + "_back")
    state_names = ("h", "c")[:states]
    inputs = ("x", *state_names, "w_ih", "w_hh", "b_ih", "b_hh")
    shown = 1 + states
    saved = tuple(f"out{shown + i}" for i in range(kept))

    def body(*xs: Any, **given: Any) -> Any:
        """Outputs and last states, joined to one vector."""
        weights = (*xs[1 + states :], None)
        out, final = by_steps(mode(given), xs[0], xs[1 : 1 + states], weights, given["sizes"], given["reverse"])
        return FUNCTIONS["cat"]([v.reshape(-1) for v in (out, *final)], 0)

    def back_on_arrays(gs: Any, needs: Any, xs: Any, arrays: Any, **given: Any) -> Any:
        return backward(gs, needs, xs, arrays, **given)

    def back_on_tensors(gs: Any, needs: Any, xs: Any, arrays: Any, **given: Any) -> Any:
        tracer = writes_out((*gs, *xs, *arrays))
        if tracer is not None:
            return tracer.gradients(name + "_back", tuple(gs), tuple(needs), tuple(xs), tuple(arrays), **given)
        x, h, w_hh = xs[0], xs[1], xs[2 + states]
        shapes = [(*tuple(x.shape)[:-1], w_hh.shape[1])] + [tuple(h.shape)] * states
        parts = []
        for g, shape in zip(gs, shapes, strict=True):
            parts.append(x.new_zeros(shape).reshape(-1) if g is None else g.reshape(-1))
        return ops.pulled_back(name, body, FUNCTIONS["cat"](parts, 0), needs, xs, given)

    back_on_arrays.__name__ = back_on_tensors.__name__ = name + "_back"
    kernel_helper(back_on_arrays)
    composite(back_on_tensors)
    given = "dict(" + ", ".join(f"{p}={p}" for p in params) + ")"
    names, arrays = ", ".join(inputs), ", ".join(saved)
    scope: dict[str, Any] = {"along": _along, "body": body, "pieces": _pieces}
    # one line of source each, so that the rules have the parameter names that are their save lists
    exec(
        f"def vjp(xp, gs, needs, {names}, {arrays}, {', '.join(params)}):\n"
        f"    return xp.{name}_back(gs[:{shown}], needs, ({names}), ({arrays},), **{given})\n"
        f"def jvp(xp, ts, {names}, out0, out1, {', '.join(params)}):\n"
        f"    flat = along(body, ts, ({names}), {given})\n"
        f"    shapes = [tuple(out0.shape)] + [tuple(out1.shape)] * {states}\n"
        f"    return (*pieces(flat, shapes), *[None] * {kept})",
        scope,
    )

    def batch(prim: Primitive, vals: Any, dims: Any, given: Any) -> Any:
        """Mapped inputs and states are more examples; mapped weights, and packed batches, go one by one."""
        if given["sizes"] is not None or any(d is not None for d in dims[shown:]):
            return loop(prim, vals, dims, given)
        n = next(v.shape[d] for v, d in zip(vals, dims, strict=True) if d is not None)
        first = []
        for place, (v, d) in enumerate(zip(vals[:shown], dims, strict=False)):
            v = ops.unsqueeze(v, dim=0).expand(n, *v.shape) if d is None else front(v, d)  # type: ignore[attr-defined]
            axis = 1 if place == 0 else 0  # the one of the examples
            v = v.movedim(0, axis)
            shape = tuple(v.shape)
            first.append(ops.reshape(v, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :])))
        outs = prim(*first, *vals[shown:], **given)

        def apart(y: Any, axis: int) -> Any:
            shape = tuple(y.shape)
            return ops.reshape(y, (*shape[:axis], n, shape[axis] // n, *shape[axis + 1 :])).movedim(axis, 0)  # type: ignore[attr-defined]

        axes = [1, *[0] * states, *[2] * kept]
        return tuple(apart(y, axis) for y, axis in zip(outs, axes, strict=True)), (0,) * len(outs)

    return general(
        name, inputs=inputs, params=params, kernel=forward, n_outputs=shown + kept, vjp=scope["vjp"], jvp=scope["jvp"],
        nondifferentiable_outputs=range(shown, shown + kept), batch=batch, node=node,
    )  # fmt: skip


_lstm = _layer("lstm_layer", lambda given: "LSTM", 2, 3, ("reverse", "sizes"), "MkldnnRnnLayerBackward0")
_gru = _layer("gru_layer", lambda given: "GRU", 1, 2, ("reverse", "sizes"), "StackBackward0")
_elman = _layer(
    "elman_layer", lambda given: "RNN_RELU" if given["relu"] else "RNN_TANH", 1, 1, ("reverse", "sizes", "relu"),
    "StackBackward0",
)  # fmt: skip
#: mode -> the primitive, its parameters, and its nodes in float64 and over a packed batch (where PyTorch goes by steps)
_LAYERS = {
    mode: (prim, given, prim.renamed("StackBackward0"), prim.renamed("CatBackward0"))
    for mode, prim, given in (
        ("LSTM", _lstm, {}), ("GRU", _gru, {}), ("RNN_TANH", _elman, {"relu": False}), ("RNN_RELU", _elman, {"relu": True})
    )
}  # fmt: skip


def _direct(v: Any, kind: Any) -> bool:
    return v is None or (not v._level and isinstance(v, Tensor) and v._data.dtype is kind)


def layer(mode: str, x: Tensor, state: State, weights: Any, sizes: Any, reverse: bool) -> tuple[Any, State]:
    """(outputs, last state) of a layer. `weights`: w_ih, w_hh, b_ih, b_hh, w_hr; None where absent.

    x: (time, batch, features), or (all steps, features) with the batch sizes of the steps.
    """
    kind = x._data.dtype if x.__class__ in PLAIN else None
    if (
        (kind is F32 or kind is F64)
        and weights[4] is None
        and x._data.size
        and all(_direct(v, kind) for v in (*state, *weights))
        and len(state) == (2 if mode == "LSTM" else 1)
    ):
        prim, params, wide, packed = _LAYERS[mode]
        given = {"reverse": reverse, "sizes": None if sizes is None else tuple(sizes), **params}
        found = dispatch(prim, (x, *state, *weights[:4]), given, packed if sizes is not None else wide if kind is F64 else None)
        return found[0], tuple(found[1 : 1 + len(state)])
    return by_steps(mode, x, state, weights, sizes, reverse)


__all__ = ["STEPS", "State", "gru_step", "layer", "lstm_step", "rnn_step", "scan"]
