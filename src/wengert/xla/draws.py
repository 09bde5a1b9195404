"""The random numbers of a trace: the host draws them before each call, in the eager order.

While a function is traced the generators stand still, but for what `draw` and `on_host` do; whoever else moves one is
found by comparing their states, and refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import modes
from ..core.generator import Generator, default_generator
from ..core.tensor import Tensor, wrap
from .arrays import Buffer, TracedArray
from .inputs import Draw, Input, Inputs
from .untraceable import Untraceable


class Draws(Inputs):
    """The draws of one trace, and what it does to generators."""

    def __init__(self, generators: Sequence[Generator] = ()) -> None:
        super().__init__()
        #: what the host draws at each call
        self.draws: list[Input] = []
        # numbers drawn to learn their shapes are not used up
        self.generators = [(g, g.get_state()) for g in (default_generator, *generators)]
        #: generators that the function makes
        self.own_generators: list[Generator] = []
        #: what is done to generators before the next draw
        self.pending: list[Callable[[], None]] = []
        #: memory of a generator's state, read in the trace: the memory, and where each call keeps the state
        self.states: dict[int, tuple[Buffer, list[Any]]] = {}
        #: where the generators stand if nobody drew in another way
        self.expected = self.streams()

    def draw(self, make: Callable[[], Any]) -> Any:
        """A JAX value for the array that `make()` draws on the host, before each call, in this order."""
        self.refuse_hidden_draws()
        with modes.changed_mode(tracer=None):
            sample = make()
        self.expected = self.streams()
        before, self.pending = self.pending, []

        def draw() -> Any:
            for action in before:
                action()
            return make()

        made = self.add_input(Draw(draw if before else make), sample.shape, sample.dtype)
        self.draws.append(made)
        return made.traced_value()

    def drawn(self, make: Callable[[], Any]) -> TracedArray:
        """As `draw`, as the data of a tensor."""
        return self.array(self.draw(make))

    def streams(self) -> list[bytes]:
        """Where the generators stand."""
        with modes.changed_mode(tracer=None):
            every = [g for g, _ in self.generators] + self.own_generators
            return [g.get_state().numpy().tobytes() for g in every]  # type: ignore[attr-defined]

    def finish_draws(self) -> None:
        """What is done to generators after the last draw becomes a draw of nothing."""
        if self.pending:
            self.draw(lambda: np.empty(0, np.uint8))

    # ---- generators

    def on_host(self, generator: Generator, action: Callable[[], None]) -> None:
        """Do something to a generator: now, and at this place among the draws of each call."""
        self.refuse_hidden_draws()
        with modes.changed_mode(tracer=None):
            action()
        self.expected = self.streams()
        self.pending.append(action)

    def made_generator(self, generator: Generator) -> None:
        """The function makes a generator: each call begins with a new one."""
        first = generator._stream

        def renew() -> None:
            generator._stream = first

        self.own_generators.append(generator)
        self.expected = self.streams()
        self.pending.append(renew)

    def state_of(self, generator: Generator) -> Tensor:
        """The state of a generator, as a draw."""
        kept: list[Any] = []

        def read() -> Any:
            kept[:] = [generator.get_state()]
            return kept[0]._data

        data = self.drawn(read)
        self.states[id(data.buffer)] = data.buffer, kept
        return wrap(data)

    def restore(self, generator: Generator, state: Tensor) -> None:
        """Put a generator into a state that the function itself read."""
        data = state._data
        found = self.states.get(id(data.buffer)) if data.__class__ is TracedArray else None
        if found is None or found[0].version or data.chain:
            self.refuse_seeding()
            return
        kept = found[1]
        self.on_host(generator, lambda: generator.set_state(kept[0]))

    def undo(self) -> None:
        """Leave every generator, too, as the trace found it."""
        for generator, state in self.generators:
            generator.set_state(state)
        super().undo()

    # ---- refusals

    def refuse_order(self) -> None:
        """Numbers are drawn in the order of the memory that they fill."""
        raise Untraceable("random numbers with given probabilities are written into memory that is not contiguous")

    def refuse_hidden_draws(self) -> None:
        """Numbers that were drawn in another way than by `draw` would be constants of the program."""
        if self.streams() != self.expected:
            raise Untraceable("random numbers are drawn in a way that cannot be traced",
                              "Draw them outside the compiled function and pass them in.")  # fmt: skip

    def refuse_seeding(self) -> None:
        """A generator is seeded at random, or with a state from outside."""
        raise Untraceable("a random number generator is put into a state that is not known beforehand",
                          "Seed generators outside.")  # fmt: skip


__all__ = ["Draws"]
