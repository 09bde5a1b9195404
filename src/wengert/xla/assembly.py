"""From a trace that succeeded to its entry: the program, where its inputs live, what its outputs are, the guards."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ..core.tensor import Tensor
from .aliases import Alias, Had, root
from .backward import Differentiable, Split, partition
from .devices import placement
from .entry import Entry
from .feeds import Argument, Finder, GradientOf, Outside, Standing
from .hooks import hook_keys
from .inputs import UNTOUCHED
from .loops import rolled
from .places import MISSING, Place, tensor_places
from .program import Program, homes_for
from .signature import FLOAT, Signature, signature_of
from .state import SMALL, LazyGradient, Part

if TYPE_CHECKING:
    from .collected import Collected
    from .derivative import Derivative
    from .trace import Attempt


class Assembly:
    """The program of one trace, and its entry."""

    def __init__(self, attempt: Attempt, made: Collected, derivative: Derivative) -> None:
        self.attempt, self.made, self.derivative = attempt, made, derivative
        self.tracer, self.entry, self.leaves = attempt.tracer, made.entry, attempt.leaves
        externals = self.tracer.externals.values()
        self.inputs = self.tracer.inputs
        #: an input -> its number
        self.index = {id(i): n for n, i in enumerate(self.inputs)}
        #: tensors in whose place others may be at the next call: the arguments, gradients of others, what is replaced
        self.arguments = {id(x): k for k, x in reversed([*enumerate(self.leaves)]) if isinstance(x, Tensor)}
        self.gradients = {id(k.tensor): k.leaf_of for k in externals if k.leaf_of is not None}
        self.places: dict[int, Place] = {}
        for place in self.made.rebound.values():
            self.places.update((id(t), where) for where, t in tensor_places(place))
        #: an output of the program -> its number among those that leave as arrays of their own
        self.plain_of: dict[int, int] = {}
        #: a tensor of the trace -> how it is made of another one
        self.aliases: dict[int, Alias] = {}

    def assemble(self, closed: Any) -> Entry:
        """The entry of the traced program `closed`."""
        attempt, entry, tracer = self.attempt, self.entry, self.tracer
        n_forward = len(closed.jaxpr.outvars) - len(self.derivative.wanted)
        number = {id(i.placeholder): n for n, i in enumerate(self.inputs)}
        cotangents = self.derivative.cotangents
        with jax.enable_x64(True):
            closed = rolled(closed, number, n_forward, {id(c.placeholder) for c in cotangents})
        order = [number.get(id(c)) for c in closed.consts]
        writes, state, homes = self.memory({n for n in order if n is not None})
        split = None
        if self.derivative.roots:
            closed, order, split = partition(closed, order, n_forward, [self.index[id(c)] for c in cotangents])
        outs = closed.jaxpr.outvars
        bad = n_forward - 1 if tracer.checks else None
        options = placement(attempt.owner.options, self.inputs, self.leaves)
        program = Program(closed, order, self.inputs, state, homes, self.made.small, bad, options)
        with jax.enable_x64(True):
            program.compile()
        entry.program = program
        fed = {n: t for n in program.feeds if isinstance(t := self.inputs[n].source, Tensor)}
        find = {n: self.finder(t) for n, t in fed.items()}
        entry.sources = [find[n] for n, t in fed.items() if id(t) not in self.arguments]
        overwritten = {n for n, _, _ in writes}
        program.handed.bind(find, overwritten, program.options.get("place"), program.options.get("batch") or {})

        self.plain_of = plain_of = {o: k for k, o in enumerate(program.plain)}
        entry.avals = [described(outs[o].aval) for o in program.plain]
        entry.writes = [(target, plain_of[o]) for _, target, o in writes]
        if bad is not None:
            first = n_forward - 1 - len(tracer.checks)
            entry.checks = [(check, plain_of[first + k]) for k, (_, _, check) in enumerate(tracer.checks)]
            entry.bad = plain_of[bad]
        for t, o in self.made.gradient_outputs:
            where = (*program.part_of(o), *described(outs[o].aval))
            entry.new_grads[id(t)] = t, LazyGradient(entry.latest, where, entry.taken)
        entry.taken += [t for t, _ in entry.new_grads.values()]
        if split is not None:
            residuals = [plain_of[o] for o in range(n_forward, len(outs))]
            entry.differentiable = self.differentiable(split, residuals)
        self.settle()
        gives = [entry.returns[i] for i, _ in self.derivative.roots]
        entry.ordinary = {x for kind, x in gives if kind == "out" and entry.avals[x][2] <= SMALL}
        self.guard()
        entry.tied = tracer.tied
        entry.operations, entry.names = tracer.operations, tracer.names
        return entry

    # ---- where tensors are

    def may_change(self, t: Tensor) -> bool:
        """Whether another tensor may be in its place at the next call."""
        return id(t) in self.arguments or id(t) in self.places or id(t) in self.gradients

    def finder(self, t: Tensor) -> Finder:
        """Where a tensor is found at each call."""
        if id(t) in self.arguments:
            return Argument(self.arguments[id(t)])
        if id(t) in self.places:
            return Standing(self.places[id(t)])
        if id(t) in self.gradients:
            return GradientOf(self.gradients[id(t)])
        return Outside(t)

    def memory(self, used: set[int]) -> tuple[list[tuple[int, Finder, int]], list[tuple[int, int]], dict[int, Part]]:
        """(input, target, output) of memory that is written where it is found, (input, output) of memory that lives in
        XLA's buffers, and input -> its part of these."""
        writes: list[tuple[int, Finder, int]] = []
        state: list[tuple[int, int]] = []
        lodgers: list[tuple[int, Tensor, Any]] = []
        # an attempt before this one may have taken them out of where they live
        lived = {id(t): p for e in self.attempt.owner.entries if e.program is not None for r in e.program.residents
                 for k, p in r.members if (t := k()) is not None}  # fmt: skip
        for known, o in self.made.written:
            t = known.tensor
            n = self.index[id(known.input)]
            if self.may_change(t):
                writes.append((n, self.finder(t), o))
            else:
                state.append((n, o))
                part = known.part or lived.get(id(t))
                # a result of an earlier call lives in an output of its own: it gets a resident
                stays = part is not None and part.shape == self.inputs[n].aval[0] and part.resident.members
                lodgers.append((n, t, part if stays else None))
        rank = self.order_of_state()
        lodgers.sort(key=lambda row: rank.get(id(row[1]), len(rank)))
        homes = homes_for(lodgers, self.inputs, self.attempt.owner.options.get("place"))
        for known in self.tracer.externals.values():  # what lives in XLA already is read there
            n = self.index.get(id(known.input), -1)
            lives = known.part is not None and known.part.resident.members
            if lives and n in used and n not in homes and not self.may_change(known.tensor):
                homes[n] = known.part
        return writes, state, homes

    def order_of_state(self) -> dict[int, int]:
        """Parameters first, then each kind of state: what an optimizer updates together lies together."""
        found: list[Any] = []
        for o in self.attempt.reach.optimizers:
            params = [p for g in o.param_groups for p in g["params"]]
            found += params
            for key in dict.fromkeys(k for p in params for k in o.state.get(p, ())):
                found += [o.state[p].get(key) for p in params if p in o.state]
        return {id(t): i for i, t in enumerate(found)}

    # ---- what is done after a call

    def settle(self) -> None:
        """Outputs of the program take the place of the tensors of the trace in the entry."""
        entry, home = self.entry, self.home
        self.aliases = {k: Alias(home(*a.base), a.steps) for k, a in enumerate(self.made.homes) if a.__class__ is Alias}
        entry.returns = [home(kind, x) for kind, x in entry.returns]
        entry.stores = [(place, *home(kind, x)) for place, kind, x in entry.stores]
        entry.after = [(action, [home(kind, x) for kind, x in given]) for action, given in entry.after]
        entry.own_grads = [(home(*x), home(*g)) for x, g in entry.own_grads]
        entry.shared = entry.shared or bool(entry.found)

    def home(self, kind: str, x: Any) -> Had:
        """How something is had of the outputs."""
        if kind == "value" and (id(x) in self.places or id(x) in self.gradients):
            self.entry.found.append(self.finder(x))
            return "found", len(self.entry.found) - 1
        if kind == "tuple":
            return kind, [self.home(*had) for had in x]
        if kind != "out":
            return kind, x
        at = self.made.homes[x]
        return ("alias", self.aliases[x]) if at.__class__ is Alias else ("out", self.plain_of[at])

    def differentiable(self, split: Split, residuals: list[int]) -> Differentiable:
        """How the results join the tape. Before they are settled."""
        entry, made, tracer = self.entry, self.made, self.tracer
        out = [(i, k) for i, (kind, k) in enumerate(entry.returns) if kind == "out"]
        # of roots that are no results themselves: a result of which each is the base
        unseen = {
            i: j for i, x in self.derivative.roots if i >= entry.count
            for j, k in out if j < entry.count and root(made.leaving[k]) is x
        }  # fmt: skip
        sources = [self.inputs[n].source for n in sorted(split.kept_inputs)]
        return Differentiable(
            self.attempt.owner.fn, split, residuals, [i for i, _ in self.derivative.roots], unseen, self.derivative.wanted,
            self.derivative.reached,
            generators=[g for g, _ in tracer.generators] if tracer.draws else [],
            pure=not made.written and not entry.stores and not entry.own_grads,
            read_again=[self.arguments.get(id(t), t) for t in sources if isinstance(t, Tensor) and id(t) not in self.places],
            results=[i for i, k in out if made.homes[k] in split.kept_outputs],
        )

    # ---- guards

    def guard(self) -> None:
        """What must be so at a call for the program to be the right one."""
        attempt, entry, reach = self.attempt, self.entry, self.attempt.reach
        rebound = self.made.rebound.values()
        free = [*attempt.numbers, *attempt.counted, *(p for p in rebound if tensor_places(p))]
        skip = {(id(p.container), p.key) for p in free}
        entry.numbers = attempt.numbers
        entry.guards = [(p, v) for p, v in reach.guards if (id(p.container), p.key) not in skip]
        entry.lengths = reach.lengths + [(p.container, len(p.container)) for p in rebound if p.look() is MISSING]
        entry.grad, entry.spec = attempt.grad, attempt.spec
        externals = self.tracer.externals.values()
        own = {id(k.tensor) for k in externals if k.grad is not UNTOUCHED}  # its `.grad` is that of this one
        entry.signature = signature_of(self.leaves, set(reach.tensors) | own)
        for i in attempt.number_arguments:
            entry.signature[i] = FLOAT
        entry.distinct = len(self.arguments)
        entry.leaves = [(k.tensor, k.fn) for k in externals if not self.may_change(k.tensor)]
        entry.opaque = [*reach.opaque, *self.tracer.conditions]
        entry.rebound = [(where, Signature(t)) for p in rebound for where, t in tensor_places(p)]
        entry.hooks = [hook_keys(t) for t, _ in entry.leaves]
        entry.outside = {id(t) for t, _ in entry.leaves}
        entry.seal()


def described(aval: Any) -> tuple[tuple[int, ...], Any, int]:
    """(shape, dtype, size) of an output."""
    shape = tuple(aval.shape)
    return shape, np.dtype(aval.dtype), prod(shape)


__all__ = ["Assembly"]
