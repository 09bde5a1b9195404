"""A compiled function: its programs, and which of them a call runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from ..core.errors import warn
from ..core.modes import GRAD as GRAD_MODE
from ..core.modes import NO_GRAD, mode
from ..core.tensor import PLAIN, Tensor
from ..func.pytree import tree_flatten
from .devices import prepare
from .entry import Entry
from .places import Place, among
from .signature import signature_of
from .state import Stale
from .straight import MISS, straight
from .trace import trace
from .untraceable import Untraceable

#: programs give their buffers away: one thread at a time
running = threading.RLock()


class Compiled:
    """What `compile(fn)` gives: call it like `fn`."""

    def __init__(
        self, fn: Any, *, fullgraph: bool = False, options: dict[str, Any] | None = None,
        device: Any = None, limit: int | None = None, stance: ContextVar[str] | None = None,
    ) -> None:  # fmt: skip
        self.fn = fn
        self.fullgraph = fullgraph
        self.options = {**(options or {}), **prepare(options or {}, device)}
        self.own_limit = limit
        self.stance = stance if stance is not None else ContextVar("stance", default="default")
        self.entries: list[Entry] = []
        self.varying: list[Place] = []
        self.fixed: list[Place] = []
        #: numbers that the function changes
        self.counted: list[Place] = []
        #: the arguments, by number, that are floats and change from call to call; those that a program must know
        self.varying_arguments: set[int] = set()
        self.fixed_arguments: set[int] = set()
        #: references to (optimizer, parameter) whose state an eager call was to make
        self.warm: set[tuple[Any, Any]] = set()
        self.misses: list[str] = []
        self.full = False
        #: the calls of programs in a straight line, None where a program does not allow it; and that of the one that ran last
        self.lines: dict[Entry, Callable[[Any], Any] | None] = {}
        self.straight: Callable[[Any], Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = self.straight
        if call is not None and not kwargs:
            try:
                result = call(args)
            except Stale:
                for entry in [e for e, known in list(self.lines.items()) if known is call]:
                    self.forget(entry)
            else:
                if result is not MISS:
                    return result
        m = mode()
        if m is not GRAD_MODE and m is not NO_GRAD:
            return self.fn(*args, **kwargs)
        if kwargs:
            leaves, spec = tree_flatten((args, kwargs))
        else:
            leaves, spec = list(args), None
            for a in args:
                if not isinstance(a, Tensor) and isinstance(a, (tuple, list, dict)):
                    leaves, spec = tree_flatten((args, kwargs))
                    break
        if self.stance.get() == "force_eager":
            return self.fn(*args, **kwargs)
        grad = m is GRAD_MODE
        for entry in self.entries[:]:
            if entry.matches(leaves, spec, grad):
                if entry is not self.entries[0]:
                    self.entries.remove(entry)
                    self.entries.insert(0, entry)
                if entry.program is None:
                    return self.fn(*args, **kwargs)
                try:
                    with running:
                        result = entry.run(leaves)
                        self.straight = self.in_a_straight_line(entry)
                        return result
                except Stale:
                    self.forget(entry)
                    break
        with running:
            return self.miss(args, kwargs, leaves, spec, grad)

    def miss(self, args: Any, kwargs: Any, leaves: Sequence[Any], spec: Any, grad: bool) -> Any:
        """No program fits: make one, unless there are too many."""
        if any(isinstance(x, Tensor) and (x._level or not (x.__class__ in PLAIN or hasattr(x, "_resident"))) for x in leaves):
            return self.fn(*args, **kwargs)  # a value of a transform: it traces through
        stance = self.stance.get()
        if self.full or stance == "force_eager" or (stance == "eager_on_recompile" and self.entries):
            return self.fn(*args, **kwargs)
        if self.entries:
            # the program that was nearest: for these arguments, if there is one
            near = [e for e in self.entries if e.takes(leaves, spec, grad)] or self.entries
            reasons = near[0].why_not(leaves, spec, grad)
            if stance == "fail_on_recompile":
                raise RuntimeError(f"Detected recompile when torch.compile stance is 'fail_on_recompile': {reasons[0][1]}")
            if near[0].spec == spec and len(near[0].signature) == len(leaves):
                self.varying_arguments |= {
                    i for i, (x, before) in enumerate(zip(leaves, near[0].signature))
                    if x.__class__ is float and before.__class__ is float and x != before
                } - self.fixed_arguments  # fmt: skip
            for place, text in reasons:
                self.misses.append(text)
                if place is not None and place.look().__class__ is float and not among(place, self.fixed):
                    if not among(place, self.varying):
                        self.varying.append(place)
        if len(self.entries) >= self.limit:
            self.full = True
            last = self.misses[-1] if self.misses else ""
            self.complain(
                f"compiled {len(self.entries)} programs for {self.name}, and none fits: {last}. It runs eagerly from now on. "
                "Keep what changes out of the function's Python state, or raise torch.compiler.recompile_limit"
            )
            return self.fn(*args, **kwargs)
        try:
            entry = trace(self, leaves, spec, grad)
        except Untraceable as refusal:
            if self.fullgraph:
                raise
            entry = self.refused(refusal, leaves, spec, grad)
            self.complain(f"{self.name} runs eagerly: {refusal}")
        if entry is None:  # the first call makes what the optimizers keep
            return self.fn(*args, **kwargs)
        self.entries.insert(0, entry)
        self.straight = None
        if entry.program is None:
            return self.fn(*args, **kwargs)
        try:
            return entry.run(leaves)
        except Stale:
            self.forget(entry)
            return self.fn(*args, **kwargs)

    def refused(self, refusal: Untraceable, leaves: Sequence[Any], spec: Any, grad: bool) -> Entry:
        entry = Entry()
        entry.reason = str(refusal)
        entry.grad = grad
        entry.spec = spec
        entry.signature = signature_of(leaves, set())
        return entry

    def in_a_straight_line(self, entry: Entry) -> Callable[[Any], Any] | None:
        """The call of this program as one generated function, if it allows that."""
        if entry not in self.lines:
            self.lines[entry] = straight(entry, self.stance, running)
        return self.lines[entry]

    def forget(self, entry: Entry) -> None:
        self.straight = None
        self.lines.pop(entry, None)
        if entry in self.entries:
            self.entries.remove(entry)

    @property
    def limit(self) -> int:
        from .. import compiler

        return self.own_limit if self.own_limit is not None else compiler.recompile_limit

    @property
    def name(self) -> str:
        return getattr(self.fn, "__qualname__", type(self.fn).__name__)

    def complain(self, text: str) -> None:
        warn(f"torch.compile: {text}", UserWarning)

    def reset(self) -> None:
        """Forget all programs."""
        self.entries.clear()
        self.lines.clear()
        self.straight = None
        self.misses.clear()
        self.full = False


__all__ = ["Compiled"]
