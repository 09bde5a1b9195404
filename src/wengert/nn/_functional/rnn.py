"""Stacks of recurrent layers in both directions. The steps and the layers themselves are operations."""

from __future__ import annotations

from typing import Any

from ...core.intercept import announce
from ...ops.recurrent import STEPS, State, gru_step, layer, lstm_step, rnn_step, scan
from .base import T


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
    directions = 2 if bidirectional else 1
    finals: list[State] = []
    for number in range(num_layers):
        sides: list[Any] = []
        for direction in range(directions):
            place = number * directions + direction
            state = tuple(h[place] for h in hidden)
            out, final = layer(mode, data, state, weights[place], batch_sizes, direction == 1)
            sides.append(out)
            finals.append(final)
        data = sides[0] if directions == 1 else T.cat(sides, -1)
        if dropout and training and number < num_layers - 1:
            data = T.dropout(data, dropout, True)
    return data, tuple(T.stack(list(parts), 0) for parts in zip(*finals))


announce(lambda: [("torch._VF.rnn", run)])

__all__ = ["STEPS", "gru_step", "lstm_step", "rnn_step", "run", "scan"]
