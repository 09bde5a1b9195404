"""What a trace collects from the function: its results, gradients, stores and the memory that it wrote."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.devices import device, layout, memory_format
from ..core.dtypes import dtype
from ..core.graph import LEAF
from ..core.tensor import Tensor, wrap
from ..func.pytree import tree_flatten
from .aliases import Alias, Had, alias, fits_plain_memory, refusal, root
from .arrays import TracedArray
from .counts import Count, Later
from .entry import Entry
from .inputs import UNTOUCHED, External
from .places import MISSING, SCALARS, Place, among
from .reach import STEPPED
from .slots import DATA, grad_of
from .state import SMALL
from .untraceable import Untraceable

if TYPE_CHECKING:
    from .trace import Attempt

#: results of these classes are the same at each call
CONSTANT = (*SCALARS, np.generic, range, slice, type, dtype, device, layout, memory_format, enum.Enum)


class Cold(Exception):
    """An optimizer makes the state of a parameter in this call."""


class Changing(Exception):
    """The function changes the Python number at a place: it has to be traced as a `Count`."""

    def __init__(self, place: Place) -> None:
        self.place = place


class Collected:
    """What the function made in one trace: the outputs of the program, and in `entry` what each call does with them.

    While the trace runs, ("out", k) in the entry is tensor number k of `leaving`; `assemble` puts outputs in its place.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.attempt, self.tracer, self.reach = attempt, attempt.tracer, attempt.reach
        self.given, self.leaves = attempt.given, attempt.leaves
        self.entry = Entry()
        #: the data that leave the program
        self.outputs: list[Any] = []
        #: tensors that the function made and gives; for each the output it is, or the `Alias`
        self.leaving: list[Tensor] = []
        self.homes: list[Any] = []
        #: results that may carry a graph, with their numbers in `entry.returns`
        self.results: list[tuple[int, Tensor]] = []
        #: the tensors whose gradients the function set, with these and with the outputs that they are
        self.grads: list[tuple[External, Any]] = []
        self.gradient_outputs: list[tuple[Tensor, int]] = []
        #: a gradient that has no history -> the tensor that it belongs to
        self.owner_of: dict[int, Tensor] = {}
        #: gradients of few elements, by output
        self.small: list[int] = []
        #: where the function put something else
        self.rebound: dict[tuple[int, Any], Place] = {}
        #: tensors from outside that were written, with the outputs that hold what they are then
        self.written: list[tuple[External, int]] = []

    def collect(self, result: Any) -> None:
        """Find all that the function made, when it has returned `result`."""
        self.refuse_histories()
        self.collect_gradients()
        self.collect_results(result)
        self.collect_stores()
        self.entry.counts = bool(self.tracer.conditions or self.entry.found)
        for k, x in enumerate(self.leaving):  # grows: a gradient leaves too
            g = grad_of(x)
            if g is not None:
                self.entry.own_grads.append((("out", k), self.leave(g)))
        self.join_memory()
        self.tracer.refuse_shared_writes()
        self.collect_writes()

    def output(self, x: Any) -> int:
        """`x`, a tensor or traced array, leaves the program."""
        self.outputs.append(x._data if isinstance(x, Tensor) else x)
        return len(self.outputs) - 1

    def refuse_histories(self) -> None:
        """What is done in place to tensors from outside must not change their graphs."""
        odd = self.tracer.new_history()
        if odd is not None:
            raise Untraceable(
                f"a tensor of shape {tuple(odd.tensor.shape)} from outside becomes part of a graph (or leaves one) inside "
                "the function", "Make a new tensor instead of changing that one in place.",
            )  # fmt: skip
        for given, x in zip(self.given, self.leaves):
            if given is not x and (given._data is not self.attempt.arguments_data[id(given)] or written(given)):
                raise Untraceable("an argument that carries a graph is changed in place", "Make a new tensor instead.")

    def collect_gradients(self) -> None:
        """The gradients of tensors from outside."""
        entry, externals = self.entry, self.tracer.externals
        for known in externals.values():
            if known.grad is UNTOUCHED:
                continue
            first = grad_of(known.tensor)
            if known.grad_asked:
                entry.grads.append((known.tensor, first is None))
            if known.grad is not first or known.grad is None:
                self.grads.append((known, known.grad))
        for known, g in self.grads:
            if g is not None and g._fn is None:
                self.owner_of[id(g)] = known.tensor
            if g is None or id(g) in externals:
                entry.new_grads[id(known.tensor)] = known.tensor, g
            else:
                o = self.output(g)
                if g._data.size <= SMALL:
                    self.small.append(o)
                self.gradient_outputs.append((known.tensor, o))

    def collect_results(self, result: Any) -> None:
        entry = self.entry
        leaves, spec = tree_flatten(result)
        entry.out_spec = None if len(leaves) == 1 and leaves[0] is result else spec
        entry.count = len(leaves)
        for x in leaves:
            if isinstance(x, Tensor):
                entry.returns.append(self.leave(x))
            elif x.__class__ is Count:
                entry.returns.append(self.computed(x))
            elif x.__class__ is Later:
                entry.returns.append(("later" if x.after else "value of", x))
            elif isinstance(x, CONSTANT) or id(x) in self.reach.seen or any(x is given for given in self.given):
                entry.returns.append(("value", x))
            else:
                raise Untraceable(
                    f"the function returns an object of class {type(x).__name__} that it made",
                    "Return tensors in tuples, lists and dicts, and make the object outside.",
                )

    # ---- how something is had after a call

    def leave(self, x: Tensor) -> Had:
        """A tensor that the function gives."""
        tracer = self.tracer
        at = next((k for k, given in enumerate(self.given) if given is x), None)
        if at is not None:
            return "argument", at
        if id(x) in self.attempt.number_tensors:
            return "value of", self.attempt.number_tensors[id(x)]
        if id(x) in self.owner_of:
            return "gradient", self.owner_of[id(x)]
        if id(x) in tracer.externals or DATA.__get__(x).__class__ is not TracedArray:
            return "value", x
        if x._level:
            raise Untraceable("a value of a transform leaves the compiled function")
        known = next((k for k, other in enumerate(self.leaving) if other is x), None)
        if known is None:
            known = len(self.leaving)
            self.leaving.append(x)
        return "out", known

    def keep(self, x: Tensor) -> Had:
        """As `leave`, for a tensor that the function puts somewhere: with a graph it joins the tape as results do."""
        kind, found = self.leave(x)
        if kind == "out" and x._fn is not None:
            self.entry.returns.append((kind, found))
        return kind, found

    def computed(self, count: Count) -> Had:
        """A number that each call computes when it begins."""
        self.entry.found.append(count)
        return "found", len(self.entry.found) - 1

    # ---- attributes and other places

    def collect_stores(self) -> None:
        """What the function put into Python's places, and what its schedulers are to do."""
        entry = self.entry
        states = {id(o.state) for o in self.reach.optimizers}
        for place, before, value, name in self.reach.changes():
            if place is None:
                raise unrepeatable(name)
            if before is MISSING and id(place.container) in states:
                raise Cold
            if isinstance(value, (*SCALARS, Count)):
                self.store_number(place, before, value)
            elif isinstance(value, Tensor):
                entry.stores.append((place, *self.keep(value)))
            elif value.__class__ is tuple and value and all(isinstance(x, Tensor) for x in value):
                entry.stores.append((place, "tuple", [self.keep(x) for x in value]))
            else:
                raise unrepeatable(name)
            self.rebound[id(place.container), place.key] = place
        for place, value in self.attempt.renumbered:
            self.store_number(place, None, value)
        for action, given in self.tracer.after:
            self.refuse_named_state(action.args[0])
            entry.after.append((action, [self.leave(x) if isinstance(x, Tensor) else ("value", x) for x in given]))

    def store_number(self, place: Place, before: Any, value: Any) -> None:
        """A Python number, flag or string is another one after each call. The program is for calls that find it as it
        was, unless it changes so often that it is traced as a `Count` or as a tensor."""
        owner = self.attempt.owner
        if value.__class__ is Count:
            self.entry.stores.append((place, *self.computed(value)))
        elif isinstance(value, Tensor) or (
            before.__class__ is value.__class__ and value.__class__ in (int, float) and not among(place, self.attempt.numbers)
        ):
            if among(place, owner.fixed) or among(place, owner.counted):
                raise unrepeatable(place.name)
            raise Changing(place)
        else:
            self.entry.stores.append((place, "value", value))

    def refuse_named_state(self, scheduler: Any) -> None:
        """A scheduler steps when the program has run: the function must not look at what that changes."""
        named = self.reach.names & STEPPED & vars(scheduler).keys()
        if named:
            raise Untraceable(f"the function steps a scheduler and looks at its {min(named)}", "Look at it outside.")

    # ---- memory

    def join_memory(self) -> None:
        """Results that share memory, with each other or with what was there before, do so after each call too."""
        entry, externals = self.entry, self.tracer.externals
        owners: list[tuple[Tensor, Had]] = [
            (k.tensor, self.leave(k.tensor)) for k in externals.values() if k.traced is not None and k.first is not None
        ]
        owners += [(x, ("argument", k)) for k, (x, y) in enumerate(zip(self.given, self.leaves)) if x is not y]
        owners += [(g, ("gradient", k.tensor)) for k, g in self.grads if id(g) in self.owner_of]
        outside = {id(t.buffer) for k in externals.values() for t in (k.traced, k.first) if t is not None}
        outside |= {id(x._data.buffer) for x, _ in owners}
        outside |= {id(g._data.buffer) for _, g in self.grads if g is not None and g._data.__class__ is TracedArray}
        self.homes = [None] * len(self.leaving)
        groups: dict[int, list[int]] = {}
        for k, x in enumerate(self.leaving):
            if id(x._data.buffer) in outside:
                self.homes[k] = alias(x, owners)
            else:
                groups.setdefault(id(x._data.buffer), []).append(k)
        for members in groups.values():
            self.join(members)
        gives = [(i, k) for i, (kind, k) in enumerate(entry.returns) if kind == "out"]
        self.results = [(i, self.leaving[k]) for i, k in gives if self.homes[k].__class__ is int]
        stored = [had for _, kind, x in entry.stores for had in (x if kind == "tuple" else [(kind, x)])]
        given = [k for _, k in gives] + [k for kind, k in stored if kind == "out"]
        aliased = any(home.__class__ is Alias for home in self.homes)
        hidden = len(entry.returns) > entry.count
        entry.shared = len(set(given)) < len(given) or aliased or hidden or bool(entry.found or entry.own_grads)

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

    def collect_writes(self) -> None:
        """Memory from outside that the function wrote, and tensors from outside that it gave other data."""
        seen: set[int] = set()
        for known in self.tracer.externals.values():
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


def written(x: Any) -> bool:
    """Whether `x` is a tensor of the trace that was changed in place."""
    return isinstance(x, Tensor) and bool(x._data.buffer.version)


def unrepeatable(name: str) -> Untraceable:
    return Untraceable(
        f"the function changes Python state: {name}. Calls of the compiled program would not",
        "Keep counters, lists and logs outside the compiled function.",
    )


__all__ = ["Changing", "Cold", "Collected", "written"]
