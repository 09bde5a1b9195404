"""Recurrent computations: one step of each cell, a layer over time, and stacks of layers in both directions.

A sequence is a list of steps, each (batch, features). In a padded batch all steps are equally long; in a packed one
they get shorter, because the batch is sorted by length. A state is a tuple of tensors (batch, hidden).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .base import T

State = tuple[Any, ...]
Step = Callable[[Any, State], State]


def rnn_step(nonlinearity: str) -> Callable[[Any, State, Any, Any, Any], State]:
    """`h' = f(gates + W h + b)`."""
    f = "tanh" if nonlinearity == "tanh" else "relu"

    def step(gates: Any, state: State, w_hh: Any, b_hh: Any, w_hr: Any) -> State:
        total = gates + T.linear(state[0], w_hh, b_hh)
        return (total.tanh() if f == "tanh" else total.relu(),)

    return step


def lstm_step(gates: Any, state: State, w_hh: Any, b_hh: Any, w_hr: Any) -> State:
    """The gates stand in the order input, forget, cell, output; `w_hr` projects the hidden state, if given."""
    h, c = state
    i, f, g, o = (gates + T.linear(h, w_hh, b_hh)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else T.linear(h, w_hr)), c


def gru_step(gates: Any, state: State, w_hh: Any, b_hh: Any, w_hr: Any) -> State:
    """The gates stand in the order reset, update, new."""
    (h,) = state
    x_r, x_z, x_n = gates.chunk(3, 1)
    h_r, h_z, h_n = T.linear(h, w_hh, b_hh).chunk(3, 1)
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


def scan(step: Step, steps: list[Any], state: State, reverse: bool) -> tuple[list[Any], State]:
    """Run `step` over the steps; (the hidden state after each, the last state of every example)."""
    outs: list[Any] = []
    if reverse:
        start, size = state, steps[-1].shape[0]
        if size < state[0].shape[0]:
            state = tuple(s[:size] for s in state)
        for gates in reversed(steps):
            grown = gates.shape[0]
            if grown > size:  # longer steps: the examples that begin here
                state = tuple(T.cat([s, first[size:grown]], 0) for s, first in zip(state, start))
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
        state = tuple(T.cat(list(parts), 0) for parts in zip(*ended))
    return outs, state


def run(
    mode: str,
    data: Any,
    batch_sizes: list[int] | None,
    hidden: State,
    weights: list[list[Any]],
    num_layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
) -> tuple[Any, State]:
    """A stack of recurrent layers.

    `data`: (time, batch, features), or (all steps, features) with `batch_sizes`; `hidden`: each
    (layers * directions, batch, hidden); `weights`: for each layer and direction w_ih, w_hh, b_ih, b_hh, w_hr (None
    where absent). Returns the outputs, like `data`, and the last state, like `hidden`.
    """
    one_step = STEPS[mode]
    directions = 2 if bidirectional else 1
    finals: list[State] = []
    for layer in range(num_layers):
        sides: list[Any] = []
        for direction in range(directions):
            place = layer * directions + direction
            w_ih, w_hh, b_ih, b_hh, w_hr = weights[place]
            gates = T.linear(data, w_ih, b_ih)
            steps = list(gates.unbind(0) if batch_sizes is None else gates.split(batch_sizes, 0))

            def step(x: Any, state: State, w_hh: Any = w_hh, b_hh: Any = b_hh, w_hr: Any = w_hr) -> State:
                return one_step(x, state, w_hh, b_hh, w_hr)

            outs, final = scan(step, steps, tuple(h[place] for h in hidden), direction == 1)
            sides.append(T.stack(outs, 0) if batch_sizes is None else T.cat(outs, 0))
            finals.append(final)
        data = sides[0] if directions == 1 else T.cat(sides, -1)
        if dropout and training and layer < num_layers - 1:
            data = T.dropout(data, dropout, True)
    return data, tuple(T.stack(list(parts), 0) for parts in zip(*finals))
