"""One trace of a function: run it on tracers, see what it read and wrote, and build the program."""

from __future__ import annotations

import enum
import time
from collections.abc import Sequence
from math import prod
from typing import Any

import jax
import numpy as np

from ..core import engine
from ..core.devices import device, layout, memory_format
from ..core.dispatch import edge_of
from ..core.dtypes import dtype, get_default_dtype, set_default_dtype
from ..core.graph import BACKWARD_TWICE, LEAF
from ..core.modes import mode
from ..core.tensor import Tensor, new, wrap
from ..func.pytree import tree_flatten, tree_unflatten
from ..optim.update import RuleOptimizer
from .aliases import Alias, alias, fits_plain_memory, refusal, root
from .arrays import TracedArray
from .compiled import Compiled
from .counts import Condition, Count, Later
from .entry import Entry, finder
from .feeds import Argument
from .hooks import hook_keys
from .inputs import UNTOUCHED, External, Number
from .loops import rolled
from .places import MISSING, SCALARS, Place, among, tensor_places
from .program import Program, homes_for, pruned
from .reach import STEPPED, Reach
from .signature import FLOAT, Signature, history
from .slots import grad_of, tracing
from .state import DATA, SMALL, LazyGradient
from .tracer import Tracer
from .untraceable import Untraceable


def trace(owner: Compiled, args: Any, kwargs: Any, leaves: Sequence[Any], spec: Any, grad: bool) -> Entry | None:
    """A program for this call; None if the call must run eagerly first. Raises Untraceable, with nothing changed."""
    while True:
        reach = Reach(owner.fn, leaves)
        if must_warm_up(owner, reach):
            return None
        for optimizer in reach.optimizers:
            if isinstance(optimizer, RuleOptimizer):
                optimizer.release_packs()
        numbers = varying_numbers(owner, reach)
        attempt = Attempt(owner, reach, args, kwargs, leaves, spec, grad, numbers)
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
            if not (numbers or attempt.counted) or attempt.only_learning_rates:
                raise
            found = [*numbers, *attempt.counted]  # perhaps one of them decided something
            owner.fixed.extend(p for p in found if not among(p, owner.fixed))
            owner.varying.clear()
            owner.counted.clear()
        except Changing as change:
            owner.counted.append(change.place)


class Cold(Exception):
    """An optimizer makes the state of a parameter in this call."""


class Changing(Exception):
    """The function changes the Python number at a place: it has to be traced as a `Count`."""

    def __init__(self, place: Place) -> None:
        self.place = place


def must_warm_up(owner: Compiled, reach: Reach) -> bool:
    """Whether an optimizer has parameters that it keeps nothing of yet: one eager call makes their state. What got no
    state by it (a parameter without a gradient) is not waited for again."""
    cold = {
        (id(o), id(p)) for o in reach.optimizers for g in o.param_groups if o.keeps_state(g)
        for p in g["params"] if p.requires_grad and p not in o.state
    }  # fmt: skip
    new = cold - owner.warm
    owner.warm |= new
    return bool(new)


def varying_numbers(owner: Compiled, reach: Reach) -> list[Place]:
    """The Python numbers that become inputs: learning rates, and floats that were seen to change."""
    groups = [g for o in reach.optimizers for g in o.param_groups]
    found = []
    for place in reach.numbers:
        if among(place, owner.fixed) or among(place, owner.counted):
            continue
        rate = place.key == "lr" and any(place.container is g for g in groups)
        if rate or among(place, owner.varying):
            found.append(place)
    return found


def signature_of(leaves: Sequence[Any], held: set[int]) -> list[Any]:
    """What later arguments are compared with. `held`: tensors that the function also finds elsewhere."""
    twice = [id(x) for x in leaves if isinstance(x, Tensor)]
    return [
        Signature(x, x if id(x) in held or twice.count(id(x)) > 1 else None) if isinstance(x, Tensor) else x
        for x in leaves
    ]


#: results of these classes are the same at each call
CONSTANT = (*SCALARS, np.generic, range, slice, type, dtype, device, layout, memory_format, enum.Enum)


class Attempt:
    """The state of one trace."""

    def __init__(
        self, owner: Compiled, reach: Reach, args: Any, kwargs: Any, leaves: Sequence[Any], spec: Any, grad: bool,
        numbers: list[Place],
    ) -> None:  # fmt: skip
        self.owner, self.reach, self.leaves, self.spec, self.grad = owner, reach, leaves, spec, grad
        self.args, self.kwargs = args, kwargs
        self.numbers = numbers
        self.counted = [p for p in (*reach.integers, *reach.numbers) if among(p, owner.counted) and not among(p, owner.fixed)]
        self.number_arguments = {i for i in owner.varying_arguments if i < len(leaves) and leaves[i].__class__ is float}
        #: Python numbers that are other ones after the call, and what they are in the trace
        self.renumbered: list[tuple[Place, Any]] = []
        groups = [g for o in reach.optimizers for g in o.param_groups]
        self.only_learning_rates = not self.counted and all(
            p.key == "lr" and any(p.container is g for g in groups) for p in numbers
        )
        self.tracer = Tracer(reach.generators)
        self.given: list[Any] = list(leaves)
        #: arguments that the function finds nowhere else: another tensor may stand in their place at the next call
        self.tracer.arguments = {id(x) for x in leaves if isinstance(x, Tensor) and id(x) not in reach.tensors}
        #: the tensors that stand for Python numbers, and where these stand
        self.number_tensors: dict[int, Place] = {}
        self.kept: list[Tensor] = []
        self.arguments_data: dict[int, Any] = {}
        self.cotangents: list[Any] = []
        self.entry = Entry()
        self.outputs: list[Any] = []
        self.checks: list[tuple[Any, int]] = []
        self.wanted: list[tuple[Any, int]] = []
        self.reached: list[set[int]] = []

    def run(self) -> Entry:
        began = time.perf_counter()
        tracer, reach = self.tracer, self.reach
        try:
            with jax.enable_x64(True):
                closed = jax.make_jaxpr(self.body)()
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
            reach.restore()
        closed = pruned(closed)
        self.refuse_numbers(closed)
        return self.assemble(closed, began)

    def refuse_numbers(self, closed: Any) -> None:
        """A Python number computed from numbers that may change would come back as a tensor."""
        numbers = {id(i.placeholder) for i in self.tracer.inputs if i.source.__class__ is Number}
        if not numbers:
            return
        jaxpr = closed.jaxpr
        of = {id(v): {id(c)} for v, c in zip(jaxpr.constvars, closed.consts)}
        for e in jaxpr.eqns:
            found = set().union(*(of.get(id(v), set()) for v in e.invars))
            of.update((id(v), found) for v in e.outvars)
        for at in self.homes:
            if at.__class__ is Alias:
                continue
            v = jaxpr.outvars[at]
            sources = of.get(id(v), set())
            if sources and sources <= numbers and not v.aval.shape and v.aval.dtype == np.float64:
                raise Untraceable("the function returns a Python number that may change, or one computed from it",
                                  "Read it outside the compiled function.")  # fmt: skip

    # ---- inside the trace

    def body(self) -> list[Any]:
        with tracing(self.tracer):
            held = [(p, p.get()) for p in (*self.numbers, *self.counted)]
            stand_ins: list[Any] = [self.tracer.number(place) for place in self.numbers]
            self.number_tensors = {id(number): place for number, place in zip(stand_ins, self.numbers)}
            stand_ins += [Count(place.get, place.get(), self.tracer) for place in self.counted]
            self.kept += stand_ins
            self.tracer.conditions += [Condition(lambda p=p: p.look().__class__, p.get().__class__) for p in self.counted]  # type: ignore[misc]
            try:
                for (place, _), stand_in in zip(held, stand_ins):
                    place.set(stand_in)
                self.prepare_arguments()
                result = self.call()
            finally:
                for group, value in self.tracer.awaited:
                    group["lr"] = value
                changed = [(place, place.get(), stand_in) for (place, _), stand_in in zip(held, stand_ins)]
                for place, value in held:
                    place.set(value)
            self.renumbered = [(place, now) for place, now, stand_in in changed if now is not stand_in or written(now)]
            self.tracer.refuse_hidden_draws()
            if self.tracer.refusals:
                raise self.tracer.refusals[0]
            self.collect(result)
            self.forward_outputs = len(self.outputs)
            forward = self.tracer.expected
            self.differentiate()
            self.tracer.finish_draws()
            if self.tracer.expected != forward:
                raise Untraceable("random numbers are drawn by the backward of a result",
                                  "Call backward() inside the compiled function.")  # fmt: skip
            values = [x.value for x in self.outputs]
            checks = self.tracer.checks
            if checks:  # among the outputs of the forward program: the values, then whether any of them is bad
                bad = checks[0][0]
                for also, _, _ in checks[1:]:
                    bad = bad | also
                at = self.forward_outputs
                values[at:at] = [*(value for _, value, _ in checks), bad]
                self.wanted = [(t, o + len(checks) + 1) for t, o in self.wanted]
                self.checks = [(check, at + k) for k, (_, _, check) in enumerate(checks)]
                self.forward_outputs = at + len(checks) + 1
            return values

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
        from .effects import watched

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

    def output(self, x: Any) -> int:
        """`x`, a tensor or traced array, leaves the program."""
        self.outputs.append(x._data if isinstance(x, Tensor) else x)
        return len(self.outputs) - 1

    def collect(self, result: Any) -> None:
        """Find all that the function made: results, gradients, changed memory, attributes."""
        entry, tracer = self.entry, self.tracer
        self.small: list[int] = []
        odd = tracer.new_history()
        if odd is not None:
            raise Untraceable(
                f"a tensor of shape {tuple(odd.tensor.shape)} from outside becomes part of a graph (or leaves one) inside "
                "the function", "Make a new tensor instead of changing that one in place.",
            )  # fmt: skip
        for given, x in zip(self.given, self.leaves):
            if given is not x and given._data is not self.arguments_data[id(given)] or (
                given is not x and given._data.buffer.version
            ):
                raise Untraceable("an argument that carries a graph is changed in place", "Make a new tensor instead.")
        leaves, entry.out_spec = tree_flatten(result)
        if len(leaves) == 1 and leaves[0] is result:
            entry.out_spec = None
        entry.count = len(leaves)
        # gradients
        self.gradient_outputs: list[tuple[Tensor, int]] = []
        self.grads: list[tuple[External, Any]] = []
        for known in list(tracer.externals.values()):
            if known.grad is UNTOUCHED:
                continue
            first = grad_of(known.tensor)
            if known.grad_asked:
                entry.grads.append((known.tensor, first is None))
            if known.grad is not first or known.grad is None:
                self.grads.append((known, known.grad))
        for known, g in self.grads:
            if g is None or id(g) in tracer.externals:
                entry.new_grads[id(known.tensor)] = known.tensor, g
            else:
                o = self.output(g)
                if g._data.size <= SMALL:
                    self.small.append(o)
                self.gradient_outputs.append((known.tensor, o))
        self.returned = {id(g): known.tensor for known, g in self.grads if g is not None and g._fn is None}
        self.leaving: list[Tensor] = []
        for x in leaves:
            if isinstance(x, Tensor):
                entry.returns.append(self.leave(x))
            elif x.__class__ is Count:
                entry.returns.append(self.computed(x))
            elif x.__class__ is Later:
                entry.returns.append(("later" if x.after else "value of", x))
            elif self.known_outside(x):
                entry.returns.append(("value", x))
            else:
                raise Untraceable(
                    f"the function returns an object of class {type(x).__name__} that it made",
                    "Return tensors in tuples, lists and dicts, and make the object outside.",
                )
        # attributes and other places
        rebound = {}
        states = {id(o.state): o for o in self.reach.optimizers}
        for place, before, value, name in self.reach.changes():
            if place is not None and before is MISSING and id(place.container) in states:
                raise Cold
            if place is not None and isinstance(value, (*SCALARS, Count)):
                self.store_number(place, before, value)
                rebound[id(place.container), place.key] = place
                continue
            several = value.__class__ is tuple and value and all(isinstance(x, Tensor) for x in value)
            if place is None or not (isinstance(value, Tensor) or several):
                raise Untraceable(
                    f"the function changes Python state: {name}. Calls of the compiled program would not",
                    "Keep counters, lists and logs outside the compiled function.",
                )
            had = [self.keep(x) for x in (value if several else (value,))]
            entry.stores.append((place, "tuple", had) if several else (place, *had[0]))
            rebound[id(place.container), place.key] = place
        for place, value in self.renumbered:
            self.store_number(place, None, value)
        self.rebound = rebound
        for action, given in tracer.after:
            self.refuse_named_state(action.args[0])
            entry.after.append((action, [self.leave(x) if isinstance(x, Tensor) else ("value", x) for x in given]))
        entry.counts = bool(tracer.conditions or entry.found)
        self.keep_gradients()
        self.join_memory()
        tracer.refuse_shared_writes()
        self.written: list[tuple[External, int]] = []
        seen: set[int] = set()
        for known in list(tracer.externals.values()):
            now = known.traced
            if now is None or known.first is None:
                continue
            if now.buffer is known.first.buffer:
                if now.buffer.version == 0 or id(now.buffer) in seen:
                    continue
                if known.input is None:
                    continue  # a view: its base is written
                seen.add(id(now.buffer))
            elif known.input is None:
                raise Untraceable("the data of a view from outside are replaced")
            self.written.append((known, self.output(now)))

    def store_number(self, place: Place, before: Any, value: Any) -> None:
        """A Python number, flag or string is another one after each call. The program is for calls that find it as it
        was, unless it changes so often that it is traced as a `Count` or as a tensor."""
        if value.__class__ is Count:
            self.entry.stores.append((place, *self.computed(value)))
        elif isinstance(value, Tensor) or (
            before.__class__ is value.__class__ and value.__class__ in (int, float) and not among(place, self.numbers)
        ):
            if among(place, self.owner.fixed) or among(place, self.owner.counted):
                raise Untraceable(
                    f"the function changes Python state: {place.name}. Calls of the compiled program would not",
                    "Keep counters, lists and logs outside the compiled function.",
                )
            raise Changing(place)
        else:
            self.entry.stores.append((place, "value", value))

    def computed(self, count: Count) -> tuple[str, Any]:
        """A number that each call computes when it begins."""
        self.entry.found.append(count)
        return "found", len(self.entry.found) - 1

    def refuse_named_state(self, scheduler: Any) -> None:
        """A scheduler steps when the program has run: the function must not look at what that changes."""
        named = self.reach.names & STEPPED & vars(scheduler).keys()
        if named:
            raise Untraceable(f"the function steps a scheduler and looks at its {min(named)}", "Look at it outside.")

    def keep(self, x: Tensor) -> tuple[str, Any]:
        """As `leave`, for a tensor that the function puts somewhere: with a graph it joins the tape as results do."""
        kind, found = self.leave(x)
        if kind == "out" and x._fn is not None:
            self.entry.returns.append((kind, found))
        return kind, found

    def leave(self, x: Tensor) -> tuple[str, Any]:
        """How a tensor that the function gives is had after a call: (kind, what)."""
        tracer = self.tracer
        at = next((k for k, given in enumerate(self.given) if given is x), None)
        if at is not None:
            return "argument", at
        if id(x) in self.number_tensors:
            return "value of", self.number_tensors[id(x)]
        if id(x) in self.returned:
            return "gradient", self.returned[id(x)]
        if id(x) in tracer.externals or DATA.__get__(x).__class__ is not TracedArray:
            return "value", x
        if x._level:
            raise Untraceable("a value of a transform leaves the compiled function")
        known = next((k for k, other in enumerate(self.leaving) if other is x), None)
        if known is None:
            known = len(self.leaving)
            self.leaving.append(x)
        return "out", known

    def known_outside(self, x: Any) -> bool:
        """Whether a result that is no tensor is a constant, or something that was there before."""
        return isinstance(x, CONSTANT) or id(x) in self.reach.seen or any(x is given for given in self.given)

    def keep_gradients(self) -> None:
        """Tensors that the function made and gives, with gradients that it gave them."""
        for k, x in enumerate(self.leaving):  # grows: a gradient leaves too
            g = grad_of(x)
            if g is not None:
                self.entry.own_grads.append((("out", k), self.leave(g)))

    def join_memory(self) -> None:
        """Results that share memory, with each other or with what was there before, do so after each call too."""
        tracer, entry = self.tracer, self.entry
        owners: list[tuple[Tensor, Any]] = [
            (k.tensor, self.leave(k.tensor)) for k in tracer.externals.values()
            if k.traced is not None and k.first is not None
        ]  # fmt: skip
        owners += [(x, ("argument", k)) for k, (x, y) in enumerate(zip(self.given, self.leaves)) if x is not y]
        owners += [(g, ("gradient", k.tensor)) for k, g in self.grads if g is not None and id(g) in self.returned]
        outside = {id(t.buffer) for k in tracer.externals.values() for t in (k.traced, k.first) if t is not None}
        outside |= {id(x._data.buffer) for x, _ in owners}
        outside |= {id(g._data.buffer) for _, g in self.grads if g is not None and g._data.__class__ is TracedArray}
        #: for each result: the output it is, or the `Alias`
        self.homes: list[Any] = [None] * len(self.leaving)
        groups: dict[int, list[int]] = {}
        for k, x in enumerate(self.leaving):
            if id(x._data.buffer) in outside:
                self.homes[k] = alias(x, owners)
            else:
                groups.setdefault(id(x._data.buffer), []).append(k)
        for members in groups.values():
            self.join(members)
        #: those that may carry a graph
        self.results = [(i, self.leaving[k]) for i, (kind, k) in enumerate(entry.returns) if kind == "out"]
        self.results = [(i, x) for i, x in self.results if self.homes[entry.returns[i][1]].__class__ is int]
        gives = [found for kind, found in entry.returns if kind == "out"]
        stored = [had for _, kind, x in entry.stores for had in (x if kind == "tuple" else [(kind, x)])]
        gives += [found for kind, found in stored if kind == "out"]
        aliased = any(home.__class__ is Alias for home in self.homes)
        hidden = len(entry.returns) > entry.count
        entry.shared = len(set(gives)) < len(gives) or aliased or hidden or bool(entry.found or entry.own_grads)

    def join(self, members: list[int]) -> None:
        """Homes for results over one piece of memory that the function made."""
        xs = [self.leaving[k] for k in members]
        if len(xs) == 1 and xs[0]._fn is not LEAF:
            self.homes[members[0]] = self.output(xs[0])
            return
        graphs = {id(r): r for r in map(root, xs) if r.requires_grad and r._fn is not LEAF}
        if len(graphs) > 1:
            raise refusal()
        buffer = xs[0]._data.buffer
        if graphs:
            (owner,) = graphs.values()
        else:
            owner = wrap(TracedArray(buffer, np.empty(buffer.read().shape, buffer.read().dtype)))
            owner._ver = xs[0]._ver
        k = next((k for k, x in zip(members, xs) if x is owner), len(self.leaving))
        if k == len(self.leaving):
            self.leaving.append(owner)
            self.homes.append(None)
            if graphs:  # it joins the tape, and nobody sees it
                self.entry.returns.append(("out", k))
        self.homes[k] = self.output(owner)
        for m, x in zip(members, xs):
            if m != k:
                self.homes[m] = alias(x, [(owner, ("out", k))])
                if not fits_plain_memory(x, owner):
                    raise refusal()

    def differentiate(self) -> None:
        """If results carry a graph, its backward becomes a second program."""
        roots = [(i, x) for i, x in self.results if x.requires_grad]
        made = {id(x) for x in self.leaving if x._fn is LEAF}
        self.roots: list[tuple[int, Tensor]] = []
        self.wanted = []
        if not roots:
            return
        leaves = [k.tensor for k in self.tracer.externals.values() if k.tensor._fn is LEAF and k.traced is not None]
        inner = {id(g): k for k, g in enumerate(self.given) if isinstance(g, Tensor)}
        leaves += [g for k, g in enumerate(self.given) if isinstance(g, Tensor) and g is not self.leaves[k] and g._fn is LEAF]
        from .backward import reached_by

        sets = [reached_by(x) for _, x in roots]
        if any(not made.isdisjoint(found) for found in sets):
            raise Untraceable("the function gives a leaf that it made together with a result computed from it",
                              "Make the leaf outside and pass it as an argument.")  # fmt: skip
        cts = []
        for _, x in roots:
            known = self.tracer.add_input(None, x._data.shape, x._data.dtype)
            cts.append(known)
        try:
            gs = engine.run(
                [edge_of(x) for _, x in roots], [self.tracer.tensor(c.traced_value()) for c in cts],
                inputs=leaves, accumulate=False,
            )  # fmt: skip
        except RuntimeError as error:
            if str(error) != BACKWARD_TWICE:
                raise
            self.entry.freed = {i for i, _ in roots}
            return
        self.roots = roots
        self.cotangents = cts
        for leaf, g in zip(leaves, gs):
            if g is not None:
                self.wanted.append((inner.get(id(leaf), leaf), self.output(g)))
                self.reached.append({k for k, found in enumerate(sets) if id(leaf) in found})

    # ---- after the trace

    def assemble(self, closed: Any, began: float) -> Entry:
        tracer, entry, reach = self.tracer, self.entry, self.reach
        inputs = tracer.inputs
        number = {id(i.placeholder): n for n, i in enumerate(inputs)}
        cotangents = {id(c.placeholder) for c in self.cotangents}
        with jax.enable_x64(True):
            closed = rolled(closed, number, self.forward_outputs, cotangents)
        order = [number.get(id(c)) for c in closed.consts]
        index = {id(i): n for n, i in enumerate(inputs)}
        places = self.rebound_places()
        gradients = {id(k.tensor): k.leaf_of for k in tracer.externals.values() if k.leaf_of is not None}
        arguments = {id(x) for x in self.leaves if isinstance(x, Tensor)}
        state: list[tuple[int, int]] = []
        lodgers: list[tuple[int, Tensor, Any]] = []
        overwritten: set[int] = set()
        # an attempt before this one may have taken them out of where they live
        lived = {id(t): p for e in self.owner.entries if e.program is not None for r in e.program.residents
                 for k, p in r.members if (t := k()) is not None}  # fmt: skip
        for known, o in self.written:
            t = known.tensor
            n = index[id(known.input)]
            if id(t) in arguments or id(t) in gradients or id(t) in places:
                entry.writes.append((finder(t, self.leaves, places, gradients), o))
                overwritten.add(n)
            else:
                state.append((n, o))
                part = known.part or lived.get(id(t))
                if part is not None and part.shape != inputs[n].aval[0]:
                    part = None
                # a result of an earlier call lives in an output of its own: it gets a resident
                lodgers.append((n, t, part if part is not None and part.resident.members else None))
        used = {n for n in order if n is not None}
        rank = self.order_of_state()
        lodgers.sort(key=lambda row: rank.get(id(row[1]), len(rank)))
        homes = homes_for(lodgers, inputs, self.owner.options.get("place"))
        for known in tracer.externals.values():  # what lives in XLA already is read there
            t = known.tensor
            n = index.get(id(known.input), -1)
            if n in used and n not in homes and known.part is not None and known.part.resident.members and not (
                id(t) in arguments or id(t) in places or id(t) in gradients
            ):
                homes[n] = known.part
        split = None
        if self.roots:
            from .backward import partition

            cts = [index[id(c)] for c in self.cotangents]
            closed, order, split = partition(closed, order, self.forward_outputs, cts)
        kept = list(range(len(closed.jaxpr.outvars)))
        bad = self.checks[-1][1] + 1 if self.checks else None
        program = Program(closed, order, inputs, state, homes, self.small, bad, self.program_options(inputs))
        with jax.enable_x64(True):
            program.compile()
        entry.program = program
        fed = {n: t for n in program.feeds if isinstance(t := inputs[n].source, Tensor)}
        find = {n: finder(t, self.leaves, places, gradients) for n, t in fed.items()}
        entry.sources = [find[n] for n, t in fed.items() if id(t) not in arguments]
        program.handed.bind(find, overwritten, program.options.get("place"), program.options.get("batch") or {})
        plain_of = {o: k for k, o in enumerate(program.plain)}

        def home(kind: str, x: Any) -> tuple[str, Any]:
            if kind == "value" and (id(x) in places or id(x) in gradients):
                entry.found.append(finder(x, self.leaves, places, gradients))
                return "found", len(entry.found) - 1
            if kind == "tuple":
                return kind, [home(*had) for had in x]
            if kind != "out":
                return kind, x
            at = self.homes[x]
            if at.__class__ is Alias:
                return "alias", aliases[x]
            return "out", plain_of[at]

        aliases = {k: Alias(home(*a.base), a.steps) for k, a in enumerate(self.homes) if a.__class__ is Alias}
        self.handed_back = entry.returns
        entry.returns = [home(kind, x) for kind, x in entry.returns]
        entry.stores = [(place, *home(kind, x)) for place, kind, x in entry.stores]
        entry.after = [(action, [home(kind, x) for kind, x in given]) for action, given in entry.after]
        entry.own_grads = [(home(*x), home(*g)) for x, g in entry.own_grads]
        entry.shared = entry.shared or bool(entry.found)
        entry.writes = [(target, plain_of[o]) for target, o in entry.writes]
        entry.tied = tracer.tied
        entry.checks = [(check, plain_of[o]) for check, o in self.checks]
        entry.bad = None if bad is None else plain_of[bad]
        outs = closed.jaxpr.outvars
        entry.avals = [described(outs[o].aval) for o in program.plain]
        for t, o in self.gradient_outputs:
            where = (*program.part_of(o), *described(outs[o].aval))
            made = LazyGradient(entry.latest, where, entry.taken)
            entry.new_grads[id(t)] = t, made
        entry.taken += [t for t, _ in entry.new_grads.values()]
        if split is not None:
            from .backward import Differentiable

            roots = [x for i, _ in self.roots for kind, x in (entry.returns[i],) if kind == "out"]
            entry.ordinary = {x for x in roots if entry.avals[x][2] <= SMALL}
            entry.differentiable = Differentiable(self.owner, split, [plain_of[o] for o in kept[self.forward_outputs:]],
                                                  [i for i, _ in self.roots], self.unseen(), self.wanted, self.reached,
                                                  [g for g, _ in tracer.generators] if tracer.draws else [],
                                                  not self.written and not entry.stores and not entry.own_grads,
                                                  self.read_again(split, inputs, places),
                                                  self.results_kept(split))  # fmt: skip
        # guards
        skip = {(id(p.container), p.key) for p in (*self.numbers, *self.counted)} | {
            (id(p.container), p.key) for p in self.rebound.values() if tensor_places(p)
        }
        entry.numbers = list(self.numbers)
        entry.guards = [(p, v) for p, v in reach.guards if (id(p.container), p.key) not in skip]
        absent = [p.container for p in self.rebound.values() if p.look() is MISSING]
        entry.lengths = reach.lengths + [(c, len(c)) for c in absent]
        entry.grad, entry.spec = self.grad, self.spec
        own = {id(k.tensor) for k in tracer.externals.values() if k.grad is not UNTOUCHED}  # its `.grad` is that of this one
        entry.signature = signature_of(self.leaves, set(reach.tensors) | own)
        for i in self.number_arguments:
            entry.signature[i] = FLOAT
        entry.distinct = len(arguments)
        entry.leaves = [
            (k.tensor, k.fn) for k in tracer.externals.values()
            if id(k.tensor) not in arguments and id(k.tensor) not in gradients and id(k.tensor) not in places
        ]  # fmt: skip
        entry.opaque = [*reach.opaque, *tracer.conditions]
        entry.rebound = [(where, Signature(t)) for p in self.rebound.values() for where, t in tensor_places(p)]
        entry.hooks = [hook_keys(t) for t, _ in entry.leaves]
        entry.outside = {id(t) for t, _ in entry.leaves} - arguments
        entry.seal()
        entry.operations, entry.names = tracer.operations, tracer.names
        entry.seconds = time.perf_counter() - began
        return entry

    def read_again(self, split: Any, inputs: Any, places: dict[int, Place]) -> list[Any]:
        """What the backward program reads of the arguments (their numbers) and of the tensors from outside."""
        number = {id(x): k for k, x in enumerate(self.leaves)}
        sources = [inputs[n].source for n in sorted(split.kept_inputs)]
        return [number.get(id(t), t) for t in sources if isinstance(t, Tensor) and id(t) not in places]

    def unseen(self) -> dict[int, int]:
        """The roots that are no results themselves, and a result of which each is the base."""
        given = [(j, self.leaving[k]) for j, (kind, k) in enumerate(self.handed_back[: self.entry.count]) if kind == "out"]
        return {i: j for i, x in self.roots if i >= self.entry.count for j, y in given if root(y) is x}

    def results_kept(self, split: Any) -> list[int]:
        """Which of the results the backward program reads."""
        found = []
        for i, (kind, k) in enumerate(self.handed_back):
            if kind == "out" and self.homes[k] in split.kept_outputs:
                found.append(i)
        return found

    def order_of_state(self) -> dict[int, int]:
        """Parameters first, then each kind of state: what an optimizer updates together lies together."""
        found: list[Any] = []
        for o in self.reach.optimizers:
            params = [p for g in o.param_groups for p in g["params"]]
            found += params
            for key in dict.fromkeys(k for p in params for k in o.state.get(p, ())):
                found += [o.state[p].get(key) for p in params if p in o.state]
        return {id(t): i for i, t in enumerate(found)}

    def rebound_places(self) -> dict[int, Place]:
        """Tensors from outside that were found where the function puts another one."""
        found: dict[int, Place] = {}
        for place in self.rebound.values():
            found.update((id(t), where) for where, t in tensor_places(place))
        return found

    def program_options(self, inputs: Any) -> dict[str, Any]:
        from .devices import placement

        return placement(self.owner.options, inputs, self.leaves)


def written(x: Any) -> bool:
    """Whether `x` is a tensor that was changed in place: `number *= 0.9` of one that stands for a Python number."""
    return isinstance(x, Tensor) and bool(x._data.buffer.version)


def described(aval: Any) -> tuple[tuple[int, ...], Any, int]:
    """(shape, dtype, size) of an output."""
    shape = tuple(aval.shape)
    return shape, np.dtype(aval.dtype), prod(shape)


__all__ = ["Attempt", "signature_of", "trace"]
