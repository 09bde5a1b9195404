"""Tracing: the user's function runs once, on tensors whose data are JAX tracers.

Grad mode's `Mode.tracer` sends every operation to `Tracer.process`, which runs the kernel of `kernels.jax`; the tape,
the engine and the rules are the ordinary ones. While a trace runs, reading or setting `_data` and `_grad` goes through
a `TracingSlot`: so whatever code touches a tensor that existed before, that tensor is found and becomes an input, and
nothing that the trace does reaches the real tensors until it has succeeded.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import modes, promotion
from ..core.dispatch import record, run_kernel, run_promoted, run_upcast
from ..core.generator import Generator, default_generator
from ..core.modes import Mode, mode
from ..core.primitive import Primitive
from ..core.tensor import Tensor, as_array, wrap
from ..core.views import wrap_view
from ..kernels import jax as kernels
from ..kernels.jax.fused import GRADIENTS
from ..optim.optimizer import Optimizer
from .arrays import Buffer, TracedArray, constant
from .counts import Condition, Count, Later
from .indices import check_indices
from .untraceable import Untraceable
from .users import is_users

ndarray = np.ndarray
DATA, GRAD, VERSION = Tensor.__dict__["_data"], Tensor.__dict__["_grad"], Tensor.__dict__["_ver"]


def grad_of(t: Tensor) -> Any:
    """What the `_grad` slot of a tensor holds; None if it was never set."""
    try:
        return GRAD.__get__(t)
    except AttributeError:
        return None


HALF = (np.dtype(np.float16), jnp.bfloat16.dtype)
UNTOUCHED: Any = object()
#: arrays of at most this many elements that the function makes itself are computed with while it is traced
KNOWN = 4096


class External:
    """A tensor that existed before the trace, and what the trace made of it."""

    __slots__ = ("count", "fn", "first", "grad", "grad_asked", "input", "leaf_of", "part", "tensor", "traced", "version")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.fn = tensor._fn
        self.version = VERSION.__get__(tensor)
        self.count = getattr(self.version, "n", 0)
        #: its data in the trace; None until it is read
        self.traced: TracedArray | None = None
        #: its data as the trace found them
        self.first: TracedArray | None = None
        #: the `Input` it is, None for a view (its base is the input)
        self.input: Input | None = None
        #: `_grad` in the trace: UNTOUCHED, None or a tensor
        self.grad: Any = UNTOUCHED
        #: whether the `_grad` that it came with was looked at
        self.grad_asked = False
        #: where it lived in XLA's buffers when the trace met it
        self.part: Any = None
        #: the tensor whose `.grad` it was when the trace began
        self.leaf_of: Tensor | None = None


class Input:
    """Something that the program reads from outside: a placeholder in the trace, a buffer if it is memory."""

    __slots__ = ("aval", "buffer", "placeholder", "source")

    def __init__(self, source: Any, shape: tuple[int, ...], dtype: Any) -> None:
        self.source = source
        # at least one dimension: XLA's tracer takes 0-d arrays for constants
        with jax.ensure_compile_time_eval():
            self.placeholder = jax.device_put(np.zeros(shape or (1,), dtype))
        self.aval = (shape, np.dtype(dtype))
        self.buffer: Buffer | None = None

    def traced_value(self) -> Any:
        return self.placeholder if self.aval[0] else jnp.reshape(self.placeholder, ())


class Draw:
    """Random numbers that the host makes before each call: `make()` gives the array."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class Number:
    """A Python number that may change from call to call, and where it stands (a `Place`)."""

    __slots__ = ("place",)

    def __init__(self, place: Any) -> None:
        self.place = place


class Tracer:
    """One trace: its inputs in the order in which they were met, and every tensor from outside."""

    def __init__(self, generators: Sequence[Generator] = ()) -> None:
        self.externals: dict[int, External] = {}
        self.inputs: list[Input] = []
        self.draws: list[Input] = []
        self.memory: list[tuple[int, int, Buffer]] = []
        # numbers drawn to learn their shapes are not used up
        self.generators = [(g, g.get_state()) for g in (default_generator, *generators)]
        #: generators that the function makes
        self.own_generators: list[Generator] = []
        #: what is done to generators before the next draw
        self.pending: list[Callable[[], None]] = []
        #: memory of a generator's state, read in the trace: the memory, and where each call keeps the state
        self.states: dict[int, tuple[Buffer, list[Any]]] = {}
        self.expected = self.streams()
        self.operations = 0
        #: lists of 0-d tensors from outside that are equal whenever the program starts
        self.tied: list[list[Tensor]] = []
        #: what is to be looked at after each run: (whether it failed, the value, the check that raises)
        self.checks: list[tuple[Any, Any, Callable[[Tensor], None]]] = []
        self.names: set[str] = set()
        #: what could not be traced, also if the function went on
        self.refusals: list[Untraceable] = []
        #: what the program takes for granted of Python's numbers
        self.conditions: list[Condition] = []
        #: what is done when the program has run: (function, arguments)
        self.after: list[tuple[partial[Any], tuple[Any, ...]]] = []
        #: whether an optimizer would make the state of a parameter
        self.cold = False
        #: learning rates that are to be set then: (group, what stood there)
        self.awaited: list[tuple[dict[str, Any], Any]] = []
        #: identities of arguments that stand for whatever is given at a call
        self.arguments: set[int] = set()

    # ---- operations

    def process(
        self, prim: Primitive, args: Sequence[Any], datas: Sequence[Any], params: dict[str, Any], m: Mode, node_class: Any
    ) -> Any:
        """What `dispatch` does below all levels, on traced arrays."""
        self.operations += 1
        self.names.add(prim.name)
        metas = [d.meta if d.__class__ is TracedArray else d for d in datas]
        if prim.is_view:
            return self.process_view(prim, args, datas, params, m, node_class)
        if "generator" in params:
            return self.process_random(prim, args, datas, metas, params, m, node_class)
        if all(is_known(d) for d in datas) and any(d.__class__ is TracedArray for d in datas) and not traced_in(params):
            return self.results(prim, folded(prim, datas, params), args, datas, params, m, node_class)
        values = [value_of(d) for d in datas]
        plain = resolved(params, inexact_dtype(datas))
        try:
            kernel = getattr(kernels, prim.name)
            check_indices(self, prim, values, metas, plain)
            numbers = [d.buffer.number if d.__class__ is TracedArray else None for d in datas]
            alone = all(d.__class__ is not TracedArray or n is not None for d, n in zip(datas, numbers))
            kinds = metas if alone else [x if number is None else number for number, x in zip(numbers, metas)]
            y = self.run(prim, kernel, values, kinds, plain)
        except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
            raise Untraceable(f"{prim.name} looks at values: {str(error).splitlines()[0]}") from error
        except (kernels.DataDependent, NotImplementedError) as error:
            raise Untraceable(str(error)) from error
        out = self.results(prim, y, args, datas, params, m, node_class)
        if alone and prim.n_outputs == 1 and any(n is not None for n in numbers):
            out._data.buffer.number = 0.0
        return out

    def results(self, prim: Primitive, y: Any, args: Any, datas: Any, params: Any, m: Mode, node_class: Any) -> Any:
        outs = tuple([self.tensor(p) for p in (y if prim.n_outputs != 1 else (y,))])
        if m.grad and prim.takes_gradient:
            record(prim, outs, args, datas, params, m, node_class)
        if m.inference:
            for o in outs:
                o._inference = True
        return outs[0] if prim.n_outputs == 1 else outs

    def knows_gradients(self, name: str) -> bool:
        """Whether the gradients of this fused operation are written out."""
        return name in GRADIENTS

    def gradients(self, name: str, *args: Any, **given: Any) -> tuple[Any, ...]:
        """Gradients that are written out on arrays, by the kernel `name`: None where none is wanted."""
        self.operations += 1
        self.names.add(name)
        dtype = inexact_dtype([a._data for a in args if isinstance(a, Tensor)])
        y = getattr(kernels, name)(*[values_of(a) for a in args], **resolved(given, dtype))
        return tuple([None if p is None else self.tensor(p) for p in y])

    def run(self, prim: Primitive, kernel: Any, values: list[Any], metas: list[Any], params: dict[str, Any]) -> Any:
        if prim.promote is not None:
            numeric = [x for x in metas if x is not None]
            common = promotion.result_dtype(numeric, prim.promote == "float").np
            values = [None if v is None else cast(v, common) for v in values]
            if common in HALF and prim.half == "upcast":
                return rounded(kernel(*[upcast(v) for v in values], **params), common)
        elif prim.half == "upcast" and any(getattr(x, "dtype", None) in HALF for x in metas):
            common = next(x.dtype for x in metas if getattr(x, "dtype", None) in HALF)
            return rounded(kernel(*[upcast(v) for v in values], **params), common)
        return kernel(*values, **params)

    def process_view(self, prim: Any, args: Any, datas: Any, params: Any, m: Mode, node_class: Any) -> Any:
        x = datas[0]
        meta = prim.kernel(x.meta, **params)
        value = getattr(kernels, prim.name)(x.value, **params)
        if prim.n_outputs == 1:
            out: Any = wrap_view(args[0], x.seen_through((prim, params), meta, value), prim, params, m)
            outs: tuple[Tensor, ...] = (out,)
        else:
            outs = tuple(
                wrap_view(args[0], x.seen_through((prim, params, i), part, value[i]), prim, params, m, i, len(meta))
                for i, part in enumerate(meta)
            )
        if m.grad and prim.takes_gradient:
            record(prim, outs, args, datas, params, m, node_class)
        return outs[0] if prim.n_outputs == 1 else outs

    def process_random(self, prim: Any, args: Any, datas: Any, metas: Any, params: Any, m: Mode, node_class: Any) -> Any:
        """An operation that draws: what depends on values of the program is made there, all else on the host."""
        from .random import drawn_for, traced_draw

        if all(d.__class__ is not TracedArray or d.buffer.constant is not None for d in datas):
            y = drawn_for(self, prim, metas, params)
        else:
            y = traced_draw(self, prim, [value_of(d) for d in datas], metas, params)
        return self.results(prim, y, args, datas, params, m, node_class)

    def tensor(self, value: Any) -> Tensor:
        """A new tensor of the trace."""
        return wrap(self.array(value))

    def array(self, value: Any) -> TracedArray:
        if value.__class__ is ndarray:
            return TracedArray(Buffer(None, value), value)
        return TracedArray(Buffer(value), np.empty(value.shape, value.dtype))

    # ---- inputs

    def external(self, t: Tensor) -> External:
        """What is known of a tensor that existed before the trace."""
        known = self.externals.get(id(t))
        if known is None:
            known = self.externals[id(t)] = External(t)
        return known

    def read(self, t: Tensor, data: Any) -> TracedArray:
        """The data of a tensor from outside, in the trace. `data`: what its slot holds."""
        known = self.external(t)
        if known.traced is None:
            known.traced = known.first = self.capture(known, data)
        return known.traced

    def capture(self, known: External, data: Any) -> TracedArray:
        t = known.tensor
        fn = t._fn
        if fn is not None and not t.is_leaf:
            raise Untraceable(
                "a tensor from outside the compiled function carries a graph of its own: the backward would leave the "
                "function", "Pass it as an argument, or detach() it.",
            )  # fmt: skip
        view = t._view
        array = data
        if view is not None and id(t) in self.arguments:  # the next call gives another piece of memory
            self.external(view.base)
        elif view is not None:
            base = view.base
            below = self.read(base, DATA.__get__(base))
            return TracedArray(below.buffer, array, (*below.chain, *view.chain))
        known.input = self.add_input(t, array.shape, array.dtype)
        known.input.buffer = Buffer(known.input.traced_value())
        self.memory.append((*np.lib.array_utils.byte_bounds(array), known.input.buffer))
        return TracedArray(known.input.buffer, array)

    def refuse_shared_writes(self) -> None:
        """Memory that two tensors share without being views of each other must not be written."""
        self.memory.sort(key=lambda row: row[0])
        for (_, end, a), (start, stop, b) in zip(self.memory, self.memory[1:]):
            if start < end and stop > start and (a.version or b.version):
                raise Untraceable(
                    "two tensors from outside share memory, and the function changes one of them in place",
                    "Pass one of them as a clone().",
                )

    def add_input(self, source: Any, shape: tuple[int, ...], dtype: Any) -> Input:
        made = Input(source, tuple(shape), dtype)
        self.inputs.append(made)
        return made

    def host_number(self, t: Tensor) -> float | None:
        """The number that a 0-d tensor from outside holds as the trace begins; None for one that was made in it."""
        if t._data.__class__ is not TracedArray:
            return None
        known = self.externals.get(id(t))
        if known is None or known.first is None or known.traced is not known.first or known.first.buffer.version:
            return None
        return float(known.first.meta)

    def tie(self, columns: list[list[Tensor]]) -> None:
        """The program relies on the tensors of each column being equal when it starts."""
        self.tied += [column for column in columns if len(column) > 1]

    def check_later(self, bad: Tensor, value: Tensor, check: Callable[[Tensor], None]) -> None:
        """After each run `check` looks at `value`, and raises if any of `bad` is true."""
        while bad._level:
            bad = bad._data
        while value._level:
            value = value._data
        if bad._data.buffer.constant is not None:  # known already
            if bool(bad._data.known().any()):
                with modes.changed_mode(tracer=None):
                    check(wrap(value._data.known()))
            return
        self.checks.append((jnp.any(bad._data.value), value._data.value, check))

    def refuse_host_array(self) -> None:
        """A NumPy array that becomes a tensor would be a constant of the program, whatever it holds later."""
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.endswith(("ops/data.py", "ops\\data.py")):
            frame = frame.f_back
        if frame is not None and not is_users(frame.f_code.co_filename):
            return  # a table of our own
        raise Untraceable("a NumPy array becomes a tensor inside the compiled function",
                          "Make the tensor outside and pass it as an argument.")  # fmt: skip

    def number(self, place: Any, kind: Any = 0.0) -> Tensor:
        """A 0-d tensor in place of a Python number, of the kind of 0 or 0.0, that may change between calls."""
        made = self.add_input(Number(place), (), np.float64)
        t = self.tensor(made.traced_value())
        t._data.buffer.number = kind
        return t

    def as_tensors(self, group: dict[str, Any]) -> dict[str, Any]:
        """The options of an optimizer, with tensors in place of numbers that the function computes from counters."""
        found = {key: self.number(value) for key, value in group.items() if value.__class__ is Count}
        return {**group, **found} if found else group

    def refuse_new_state(self) -> None:
        """An optimizer meets a parameter that it keeps nothing of: an eager call has to come first."""
        self.cold = True
        raise Untraceable("an optimizer makes the state of a parameter")

    def step_later(self, step: Callable[..., Any], scheduler: Any, *args: Any, **kwargs: Any) -> None:
        """A scheduler's step is Python's business: done when the program has run, with the learning rates awaited."""
        self.after.append((partial(step, scheduler, **kwargs), args))
        optimizer: Optimizer = scheduler.optimizer
        for group in optimizer.param_groups:
            if group["lr"].__class__ is not Later:
                self.awaited.append((group, group["lr"]))
                group["lr"] = Later(partial(group.__getitem__, "lr"))

    def last_rates(self, scheduler: Any) -> list[Any]:
        """What a scheduler says that it set last."""
        stepped = any(action.args[0] is scheduler for action, _ in self.after)
        return [Later(partial(_last_rate, scheduler, k), stepped) for k in range(len(scheduler._last_lr))]

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

    def streams(self) -> list[bytes]:
        """Where the generators stand."""
        with modes.changed_mode(tracer=None):
            every = [g for g, _ in self.generators] + self.own_generators
            return [g.get_state().numpy().tobytes() for g in every]  # type: ignore[attr-defined]

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

    def finish_draws(self) -> None:
        """What is done to generators after the last draw becomes a draw of nothing."""
        if self.pending:
            self.draw(lambda: np.empty(0, np.uint8))

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

    def drawn(self, make: Callable[[], Any]) -> TracedArray:
        """As `draw`, as the data of a tensor."""
        return self.array(self.draw(make))

    def undo(self) -> None:
        """Leave every tensor and generator as the trace found it; only what the trace noted remains."""
        for generator, state in self.generators:
            generator.set_state(state)
        for known in self.externals.values():
            VERSION.__set__(known.tensor, known.version)
            if known.version.__class__ is not int:
                known.version.n = known.count
            known.tensor._fn = known.fn

    def new_history(self) -> External | None:
        """A tensor from outside that got (or lost) a graph in the trace."""
        return next((k for k in self.externals.values() if k.tensor._fn is not k.fn), None)

    # ---- slots

    def set_data(self, t: Tensor, value: Any) -> None:
        traced = self.as_traced(value)
        try:
            now = DATA.__get__(t)
        except AttributeError:
            now = None
        if now is None or now.__class__ is TracedArray:
            DATA.__set__(t, traced)
        else:
            known = self.external(t)
            if known.traced is None:
                known.first = self.capture(known, now)
            known.traced = traced

    def as_traced(self, value: Any) -> Any:
        if value.__class__ is ndarray:
            return TracedArray(Buffer(None, value), value)
        return value


def _last_rate(scheduler: Any, k: int) -> Any:
    return scheduler._last_lr[k]


def values_of(x: Any) -> Any:
    """The values of tensors, also of those in tuples; anything else as it is."""
    if isinstance(x, Tensor):
        return value_of(x._data)
    return tuple([values_of(p) for p in x]) if x.__class__ in (tuple, list) else x


def is_known(d: Any) -> bool:
    """Whether an operand is a number or a small array that the function itself made."""
    return d.__class__ is not TracedArray or (d.buffer.constant is not None and d.size <= KNOWN)


def traced_in(params: Any) -> bool:
    """Whether traced arrays stand among parameters."""
    if params.__class__ is dict:
        return any(traced_in(v) for v in params.values())
    if params.__class__ is tuple or params.__class__ is list:
        return any(traced_in(v) for v in params)
    return params.__class__ is TracedArray or isinstance(params, Tensor)


def folded(prim: Primitive, datas: Sequence[Any], params: dict[str, Any]) -> Any:
    """The result of an operation on what is known: computed now, by NumPy."""
    arrays = [d.meta if d.__class__ is TracedArray else d for d in datas]
    if prim.promote is not None:
        y = run_promoted(prim, arrays, params)
    elif prim.half == "upcast" and any(d.__class__ is ndarray and d.dtype in HALF for d in arrays):
        y = run_upcast(prim, arrays, params, None)
    else:
        y = run_kernel(prim, arrays, params)
    return as_array(y) if prim.n_outputs == 1 else tuple(as_array(p) for p in y)


def value_of(d: Any) -> Any:
    if d.__class__ is TracedArray:
        return d.value
    return constant(d) if d.__class__ is ndarray else d


def resolved(params: Any, dtype: Any = None) -> Any:
    """Parameters with the values of traced arrays (indices, masks) in their place; those of Python numbers in `dtype`."""
    kind = params.__class__
    if kind is TracedArray:
        return params.value.astype(dtype) if dtype is not None and params.buffer.number is not None else params.value
    if kind is dict:
        return {k: resolved(v, dtype) for k, v in params.items()}
    if kind is tuple or kind is list:
        return kind([resolved(v, dtype) for v in params])
    traced = isinstance(params, Tensor) and params._data.__class__ is TracedArray
    return resolved(params._data, dtype) if traced else params


def inexact_dtype(datas: Sequence[Any]) -> Any:
    """What an operation on these computes in: a number among its parameters takes that dtype."""
    for d in datas:
        if d.__class__ is TracedArray and d.buffer.number is None and d.dtype.kind in "fcV":
            return np.dtype(np.float32) if d.dtype in HALF else d.dtype
    return None


def cast(value: Any, dtype: Any) -> Any:
    """An operand brought to the common dtype."""
    if not hasattr(value, "dtype"):
        from ..core.dispatch import scalar_array

        return jnp.asarray(scalar_array(value, dtype))
    return value if value.dtype == dtype else kernels.to_dtype(value, dtype)


def upcast(value: Any) -> Any:
    return value.astype(np.float32) if getattr(value, "dtype", None) in HALF else value


def rounded(y: Any, dtype: Any) -> Any:
    if y.__class__ is tuple or y.__class__ is list:
        return tuple(rounded(p, dtype) for p in y)
    return y.astype(dtype) if y.dtype == np.float32 else y


# ---------------------------------------------------------------- the slots while a trace runs


class TracingSlot:
    """Stands for a slot of `Tensor` while traces run: other threads pass through, a trace sees its own values."""

    def __init__(self, slot: Any) -> None:
        self.slot = slot


class DataSlot(TracingSlot):
    def __get__(self, t: Any, owner: Any = None) -> Any:
        if t is None:
            return self
        data = self.slot.__get__(t)
        if data.__class__ is not ndarray:
            return data
        tracer = mode().tracer
        return data if tracer is None else tracer.read(t, data)

    def __set__(self, t: Any, value: Any) -> None:
        tracer = mode().tracer
        if tracer is None or isinstance(value, Tensor):
            self.slot.__set__(t, value)
        else:
            tracer.set_data(t, value)


class GradSlot(TracingSlot):
    def __get__(self, t: Any, owner: Any = None) -> Any:
        if t is None:
            return self
        tracer = mode().tracer
        if tracer is None or in_trace(t):
            return self.slot.__get__(t)
        return read_grad(tracer, t)

    def __set__(self, t: Any, value: Any) -> None:
        tracer = mode().tracer
        if tracer is None or in_trace(t):
            self.slot.__set__(t, value)
        else:
            tracer.external(t).grad = value

    def __delete__(self, t: Any) -> None:
        self.__set__(t, None)


def read_grad(tracer: Tracer, t: Tensor) -> Any:
    known = tracer.external(t)
    if known.grad is UNTOUCHED:
        found = grad_of(t)
        known.grad_asked = True
        known.grad = found
        if found is not None:
            tracer.external(found).leaf_of = t
    return known.grad


def in_trace(t: Tensor) -> bool:
    """Whether the trace itself made this tensor."""
    try:
        data = DATA.__get__(t)
    except AttributeError:
        return True
    return data.__class__ is TracedArray or isinstance(data, Tensor)


_running = 0
_lock = threading.Lock()


@contextmanager
def tracing(tracer: Tracer) -> Iterator[None]:
    """Operations of this thread belong to `tracer`."""
    global _running
    with _lock:
        _running += 1
        if _running == 1:
            Tensor._data = DataSlot(DATA)  # type: ignore[assignment]
            Tensor._grad = GradSlot(GRAD)  # type: ignore[assignment]
    try:
        with modes.changed_mode(tracer=tracer):
            yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                Tensor._data, Tensor._grad = DATA, GRAD


__all__ = ["DATA", "GRAD", "VERSION", "Draw", "External", "Input", "Number", "Tracer", "UNTOUCHED", "grad_of", "tracing"]
