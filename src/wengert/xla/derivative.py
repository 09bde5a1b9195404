"""The gradients of a function's results, traced with it: their backward becomes a second program (see `backward`)."""

from __future__ import annotations

from ..core import engine
from ..core.dispatch import edge_of
from ..core.graph import BACKWARD_TWICE, LEAF
from ..core.tensor import Tensor
from .backward import reached_by
from .collected import Collected
from .inputs import Input
from .untraceable import Untraceable


class Derivative:
    """From the cotangents of the results that carry a graph to the gradients of the leaves."""

    def __init__(self) -> None:
        #: those results, with their numbers in `Entry.returns`, and for each the input that its cotangent is
        self.roots: list[tuple[int, Tensor]] = []
        self.cotangents: list[Input] = []
        #: for each gradient: the argument's number or the tensor that gets it, and which of the roots it comes from
        self.wanted: list[int | Tensor] = []
        self.reached: list[set[int]] = []

    def trace(self, made: Collected) -> None:
        """Run the backward of what the function made. The gradients become the last outputs."""
        roots = [(i, x) for i, x in made.results if x.requires_grad]
        if not roots:
            return
        sets = [reached_by(x) for _, x in roots]
        own = {id(x) for x in made.leaving if x._fn is LEAF}
        if any(not own.isdisjoint(found) for found in sets):
            raise Untraceable("the function gives a leaf that it made together with a result computed from it",
                              "Make the leaf outside and pass it as an argument.")  # fmt: skip
        tracer = made.tracer
        arguments = {id(x): k for k, x in enumerate(made.given) if isinstance(x, Tensor)}
        leaves = [k.tensor for k in tracer.externals.values() if k.tensor._fn is LEAF and k.traced is not None]
        leaves += [x for k, x in enumerate(made.given) if id(x) in arguments and x is not made.leaves[k] and x._fn is LEAF]
        cotangents = [tracer.add_input(None, x._data.shape, x._data.dtype) for _, x in roots]
        try:
            gs = engine.run(
                [edge_of(x) for _, x in roots], [tracer.tensor(c.traced_value()) for c in cotangents],
                inputs=leaves, accumulate=False,
            )  # fmt: skip
        except RuntimeError as error:
            if str(error) != BACKWARD_TWICE:
                raise
            made.entry.freed = {i for i, _ in roots}
            return
        self.roots, self.cotangents = roots, cotangents
        for leaf, g in zip(leaves, gs):
            if g is not None:
                made.output(g)
                self.wanted.append(arguments.get(id(leaf), leaf))
                self.reached.append({k for k, found in enumerate(sets) if id(leaf) in found})


__all__ = ["Derivative"]
