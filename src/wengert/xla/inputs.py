"""What a trace reads from outside: tensors that existed before it, numbers, arrays that the host makes at each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.tensor import Tensor, wrap
from .arrays import Buffer, TracedArray
from .slots import DATA, VERSION, grad_of
from .untraceable import Untraceable

#: stands for the gradient of a tensor that the trace neither read nor set
UNTOUCHED: Any = object()


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


class Inputs:
    """The inputs of one trace, in the order in which they were met, and every tensor from outside."""

    def __init__(self) -> None:
        self.externals: dict[int, External] = {}
        self.inputs: list[Input] = []
        #: (first address, last address, buffer) of the memory of each tensor from outside
        self.memory: list[tuple[int, int, Buffer]] = []
        #: identities of arguments that stand for whatever is given at a call
        self.arguments: set[int] = set()

    def add_input(self, source: Any, shape: tuple[int, ...], dtype: Any) -> Input:
        """`source`: a tensor, a `Draw`, a `Number`, or None for the cotangent of a result."""
        made = Input(source, tuple(shape), dtype)
        self.inputs.append(made)
        return made

    def number(self, place: Any, kind: Any = 0.0) -> Tensor:
        """A 0-d tensor in place of a Python number, of the kind of 0 or 0.0, that may change between calls."""
        made = self.add_input(Number(place), (), np.float64)
        t = self.tensor(made.traced_value())
        t._data.buffer.number = kind
        return t

    def tensor(self, value: Any) -> Tensor:
        """A new tensor of the trace."""
        return wrap(self.array(value))

    def array(self, value: Any) -> TracedArray:
        """A JAX value or an array of the host as the data of a tensor."""
        if value.__class__ is np.ndarray:
            return TracedArray(Buffer(None, value), value)
        return TracedArray(Buffer(value), np.empty(value.shape, value.dtype))

    # ---- tensors that existed before the trace

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
        """Its data become an input, or what a view sees of that of its base. `data`: what its slot holds."""
        t = known.tensor
        if t._fn is not None and not t.is_leaf:
            raise Untraceable(
                "a tensor from outside the compiled function carries a graph of its own: the backward would leave the "
                "function", "Pass it as an argument, or detach() it.",
            )  # fmt: skip
        view = t._view
        if view is not None and id(t) in self.arguments:  # the next call gives another piece of memory
            self.external(view.base)
        elif view is not None:
            below = self.read(view.base, DATA.__get__(view.base))
            return TracedArray(below.buffer, data, (*below.chain, *view.chain))
        known.input = self.add_input(t, data.shape, data.dtype)
        known.input.buffer = Buffer(known.input.traced_value())
        self.memory.append((*np.lib.array_utils.byte_bounds(data), known.input.buffer))
        return TracedArray(known.input.buffer, data)

    def set_data(self, t: Tensor, value: Any) -> None:
        """Give a tensor other data, in the trace."""
        traced = self.array(value) if value.__class__ is np.ndarray else value
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

    def read_grad(self, t: Tensor) -> Any:
        """The gradient of a tensor from outside, in the trace."""
        known = self.external(t)
        if known.grad is UNTOUCHED:
            found = grad_of(t)
            known.grad_asked = True
            known.grad = found
            if found is not None:
                self.external(found).leaf_of = t
        return known.grad

    def host_number(self, t: Tensor) -> float | None:
        """The number that a 0-d tensor from outside holds as the trace begins; None for one that was made in it."""
        if t._data.__class__ is not TracedArray:
            return None
        known = self.externals.get(id(t))
        if known is None or known.first is None or known.traced is not known.first or known.first.buffer.version:
            return None
        return float(known.first.meta)

    def refuse_shared_writes(self) -> None:
        """Memory that two tensors share without being views of each other must not be written."""
        self.memory.sort(key=lambda row: row[0])
        for (_, end, a), (start, stop, b) in zip(self.memory, self.memory[1:]):
            if start < end and stop > start and (a.version or b.version):
                raise Untraceable(
                    "two tensors from outside share memory, and the function changes one of them in place",
                    "Pass one of them as a clone().",
                )

    def new_history(self) -> External | None:
        """A tensor from outside that got (or lost) a graph in the trace."""
        return next((k for k in self.externals.values() if k.tensor._fn is not k.fn), None)

    def undo(self) -> None:
        """Leave every tensor as the trace found it; only what the trace noted remains."""
        for known in self.externals.values():
            VERSION.__set__(known.tensor, known.version)
            if known.version.__class__ is not int:
                known.version.n = known.count
            known.tensor._fn = known.fn


__all__ = ["UNTOUCHED", "Draw", "External", "Input", "Inputs", "Number"]
