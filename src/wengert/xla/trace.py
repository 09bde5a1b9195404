"""One trace of a function: run it on tracers, see what it read and wrote, and build the program."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any
from weakref import ref

import jax
import numpy as np

from ..core.dtypes import get_default_dtype, set_default_dtype
from ..core.graph import LEAF
from ..core.modes import mode
from ..core.tensor import Tensor, new
from ..func.pytree import tree_unflatten
from ..optim.update import RuleOptimizer
from .aliases import Alias
from .assembly import Assembly
from .collected import Changing, Cold, Collected, written
from .counts import Condition, Count
from .derivative import Derivative
from .effects import watched
from .entry import Entry
from .feeds import Argument
from .inputs import Number
from .places import Place, among
from .program import pruned
from .reach import Reach
from .signature import history
from .slots import DATA, tracing
from .tracer import Tracer
from .untraceable import Untraceable

if TYPE_CHECKING:
    from .compiled import Compiled


def trace(owner: Compiled, leaves: Sequence[Any], spec: Any, grad: bool) -> Entry | None:
    """A program for this call; None if the call must run eagerly first. Raises Untraceable, with nothing changed."""
    while True:
        reach = Reach(owner.fn, leaves)
        if must_warm_up(owner, reach):
            return None
        for optimizer in reach.optimizers:
            if isinstance(optimizer, RuleOptimizer):
                optimizer.release_packs()
        attempt = Attempt(owner, reach, leaves, spec, grad)
        try:
            return attempt.run()
        except Cold:
            return None
        except Untraceable:
            if attempt.tracer.cold:
                return None
            if attempt.number_arguments:
                owner.fixed_arguments |= attempt.number_arguments
                owner.varying_arguments -= attempt.number_arguments
                continue
            if all(is_rate(p, reach) for p in attempt.numbers) and not attempt.counted:
                raise
            # perhaps one of the numbers decided something
            owner.fixed.extend(p for p in (*attempt.numbers, *attempt.counted) if not among(p, owner.fixed))
            owner.varying.clear()
            owner.counted.clear()
        except Changing as change:
            owner.counted.append(change.place)


def must_warm_up(owner: Compiled, reach: Reach) -> bool:
    """Whether an optimizer has parameters that it keeps nothing of yet: one eager call makes their state. What got no
    state by it (a parameter without a gradient) is not waited for again."""
    cold = {
        (ref(o), ref(p)) for o in reach.optimizers for g in o.param_groups if o.keeps_state(g)
        for p in g["params"] if p.requires_grad and p not in o.state
    }  # fmt: skip
    fresh = cold - owner.warm
    owner.warm |= fresh
    return bool(fresh)


def is_rate(place: Place, reach: Reach) -> bool:
    """Whether a learning rate stands there."""
    return place.key == "lr" and any(place.container is g for o in reach.optimizers for g in o.param_groups)


class Attempt:
    """One run of the function on tracers, and what stands in for its arguments and for Python's numbers."""

    def __init__(self, owner: Compiled, reach: Reach, leaves: Sequence[Any], spec: Any, grad: bool) -> None:
        self.owner, self.reach, self.leaves, self.spec, self.grad = owner, reach, leaves, spec, grad
        free = [p for p in reach.numbers if not among(p, owner.fixed) and not among(p, owner.counted)]
        #: the Python numbers that become inputs: learning rates, and floats that were seen to change
        self.numbers = [p for p in free if is_rate(p, reach) or among(p, owner.varying)]
        #: those that the function changes
        self.counted = [p for p in (*reach.integers, *reach.numbers) if among(p, owner.counted) and not among(p, owner.fixed)]
        #: the arguments, by number, that are floats and become inputs
        self.number_arguments = {i for i in owner.varying_arguments if i < len(leaves) and leaves[i].__class__ is float}
        #: Python numbers that are other ones after the call, and what they are in the trace
        self.renumbered: list[tuple[Place, Any]] = []
        self.tracer = Tracer(reach.generators)
        #: arguments that the function finds nowhere else: another tensor may stand in their place at the next call
        self.tracer.arguments = {id(x) for x in leaves if isinstance(x, Tensor) and id(x) not in reach.tensors}
        #: what the function gets, and the data of those that stand for the real arguments
        self.given: list[Any] = list(leaves)
        self.arguments_data: dict[int, Any] = {}
        #: what stands for Python numbers; of the tensors among them, where these stand
        self.stand_ins: list[Any] = []
        self.number_tensors: dict[int, Place] = {}

    def run(self) -> Entry:
        """The program and its guards. Leaves the Python state and the tensors as they were, also if it raises."""
        began = time.perf_counter()
        tracer, made, derivative = self.tracer, Collected(self), Derivative()
        try:
            with jax.enable_x64(True):
                closed = jax.make_jaxpr(lambda: self.body(made, derivative))()
        except Untraceable:
            raise
        except (Changing, Cold):
            if tracer.refusals:
                raise tracer.refusals[0] from None
            raise
        except Exception as error:
            if tracer.refusals:
                raise tracer.refusals[0] from error
            # perhaps the function itself is at fault: then the eager run says so, in PyTorch's words
            raise Untraceable(f"tracing ended with {type(error).__name__}: {error}") from error
        finally:
            tracer.undo()
            self.reach.restore()
        closed = pruned(closed)
        self.refuse_numbers(closed, made)
        entry = Assembly(self, made, derivative).assemble(closed)
        entry.seconds = time.perf_counter() - began
        return entry

    def refuse_numbers(self, closed: Any, made: Collected) -> None:
        """A Python number computed from numbers that may change would come back as a tensor."""
        numbers = {id(i.placeholder) for i in self.tracer.inputs if i.source.__class__ is Number}
        if not numbers:
            return
        jaxpr = closed.jaxpr
        of = {id(v): {id(c)} for v, c in zip(jaxpr.constvars, closed.consts)}
        for e in jaxpr.eqns:
            found = set().union(*(of.get(id(v), set()) for v in e.invars))
            of.update((id(v), found) for v in e.outvars)
        for at in made.homes:
            if at.__class__ is Alias:
                continue
            v = jaxpr.outvars[at]
            sources = of.get(id(v), set())
            if sources and sources <= numbers and not v.aval.shape and v.aval.dtype == np.float64:
                raise Untraceable("the function returns a Python number that may change, or one computed from it",
                                  "Read it outside the compiled function.")  # fmt: skip

    # ---- inside the trace

    def body(self, made: Collected, derivative: Derivative) -> list[Any]:
        """The function and the backward of its results, on tracers. Gives the outputs of the joint program: what the
        function made, the values that are checked, whether any of them is bad, gradients."""
        tracer = self.tracer
        with tracing(tracer):
            made.collect(self.on_stand_ins())
            forward, expected = len(made.outputs), tracer.expected
            derivative.trace(made)
            tracer.finish_draws()
            if tracer.expected != expected:
                raise Untraceable("random numbers are drawn by the backward of a result",
                                  "Call backward() inside the compiled function.")  # fmt: skip
            values = [x.value for x in made.outputs]
            checked = [value for _, value, _ in tracer.checks]
            if checked:
                checked.append(reduce(or_, [bad for bad, _, _ in tracer.checks]))
            return [*values[:forward], *checked, *values[forward:]]

    def on_stand_ins(self) -> Any:
        """The function's result, with stand-ins in the places of Python numbers while it runs."""
        tracer = self.tracer
        places = [*self.numbers, *self.counted]
        held = [place.get() for place in places]
        tensors = [tracer.number(place) for place in self.numbers]
        self.number_tensors = {id(number): place for number, place in zip(tensors, self.numbers)}
        self.stand_ins = [*tensors, *(Count(place.get, place.get(), tracer) for place in self.counted)]
        tracer.conditions += [Condition(lambda p=p: p.look().__class__, p.get().__class__) for p in self.counted]  # type: ignore[misc]
        try:
            for place, stand_in in zip(places, self.stand_ins):
                place.set(stand_in)
            self.prepare_arguments()
            result = self.call()
        finally:
            for group, value in tracer.awaited:
                group["lr"] = value
            after = [place.get() for place in places]
            for place, value in zip(places, held):
                place.set(value)
        now = zip(places, after, self.stand_ins)
        self.renumbered = [(place, x) for place, x, stand_in in now if x is not stand_in or written(x)]
        tracer.refuse_hidden_draws()
        if tracer.refusals:
            raise tracer.refusals[0]
        return result

    def prepare_arguments(self) -> None:
        """Arguments that carry a graph enter as leaves: their gradients leave through the compiled node. Numbers that
        change from call to call enter as tensors."""
        for i, x in enumerate(self.leaves):
            if i in self.number_arguments:
                self.given[i] = number = self.tracer.number(Argument(i))
                self.arguments_data[id(number)] = number._data
            if isinstance(x, Tensor) and history(x) == 2:
                inner: Tensor = new(Tensor)
                data = DATA.__get__(x)
                known = self.tracer.add_input(x, data.shape, data.dtype)
                DATA.__set__(inner, self.tracer.array(known.traced_value()))
                inner._fn = LEAF
                inner._ver = 0
                inner._view = None
                inner._grad = None
                self.given[i] = inner
                self.arguments_data[id(inner)] = DATA.__get__(inner)

    def call(self) -> Any:
        """The function's result. Raises Untraceable for side effects."""
        args, kwargs = (self.given, {}) if self.spec is None else tree_unflatten(self.given, self.spec)
        before = mode().grad, get_default_dtype()
        try:
            with watched():
                return self.owner.fn(*args, **kwargs)
        finally:
            after = mode().grad, get_default_dtype()
            if after != before:
                set_default_dtype(before[1])
                raise Untraceable("the function changes the grad mode or the default dtype for what follows it",
                                  "Change it outside.")  # fmt: skip


__all__ = ["Attempt", "trace"]
