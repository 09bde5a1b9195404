"""Tracing: the user's function runs once, on tensors whose data are JAX tracers.

Grad mode's `Mode.tracer` sends every operation to `Tracer.process`, which runs the kernel of `kernels.jax`; the tape,
the engine and the rules are the ordinary ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from ..core import modes
from ..core.dispatch import record
from ..core.generator import Generator
from ..core.modes import Mode
from ..core.primitive import Primitive
from ..core.tensor import Tensor, wrap
from ..core.views import wrap_view
from ..kernels import jax as kernels
from ..kernels.jax.fused import GRADIENTS
from ..optim.optimizer import Optimizer
from .arrays import TracedArray
from .counts import Condition, Count, Later
from .draws import Draws
from .indices import check_indices
from .operands import computed, folded, inexact_dtype, is_known, resolved, traced_in, value_of, values_of
from .random import drawn_for, traced_draw
from .untraceable import Untraceable
from .users import is_users


class Tracer(Draws):
    """One trace: its operations, what it takes for granted, and what is done when the program has run."""

    def __init__(self, generators: Sequence[Generator] = ()) -> None:
        super().__init__(generators)
        #: how many operations it has, and which
        self.operations = 0
        self.names: set[str] = set()
        #: what could not be traced, also if the function went on
        self.refusals: list[Untraceable] = []
        #: what the program takes for granted of Python's numbers
        self.conditions: list[Condition] = []
        #: lists of 0-d tensors from outside that are equal whenever the program starts
        self.tied: list[list[Tensor]] = []
        #: whether an optimizer would make the state of a parameter
        self.cold = False
        #: what is to be looked at after each run: (whether it failed, the value, the check that raises)
        self.checks: list[tuple[Any, Any, Callable[[Tensor], None]]] = []
        #: what is done when the program has run: (function, arguments)
        self.after: list[tuple[partial[Any], tuple[Any, ...]]] = []
        #: learning rates that are to be set then: (group, what stood there)
        self.awaited: list[tuple[dict[str, Any], Any]] = []

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
            # stand-ins of Python numbers promote as these do, and what is computed from nothing else is one, too
            numbers = [d.buffer.number if d.__class__ is TracedArray else None for d in datas]
            alone = all(d.__class__ is not TracedArray or n is not None for d, n in zip(datas, numbers))
            kinds = metas if alone else [x if number is None else number for number, x in zip(numbers, metas)]
            y = computed(prim, kernel, values, kinds, plain)
        except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
            raise Untraceable(f"{prim.name} looks at values: {str(error).splitlines()[0]}") from error
        except (kernels.DataDependent, NotImplementedError) as error:
            raise Untraceable(str(error)) from error
        out = self.results(prim, y, args, datas, params, m, node_class)
        if alone and prim.n_outputs == 1 and any(n is not None for n in numbers):
            out._data.buffer.number = 0.0
        return out

    def process_view(self, prim: Any, args: Any, datas: Any, params: Any, m: Mode, node_class: Any) -> Any:
        """A view: of the same buffer, by one more step."""
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
        return self.recorded(prim, outs, args, datas, params, m, node_class)

    def process_random(self, prim: Any, args: Any, datas: Any, metas: Any, params: Any, m: Mode, node_class: Any) -> Any:
        """An operation that draws: what depends on values of the program is made there, all else on the host."""
        if all(d.__class__ is not TracedArray or d.buffer.constant is not None for d in datas):
            y = drawn_for(self, prim, metas, params)
        else:
            y = traced_draw(self, prim, [value_of(d) for d in datas], metas, params)
        return self.results(prim, y, args, datas, params, m, node_class)

    def results(self, prim: Primitive, y: Any, args: Any, datas: Any, params: Any, m: Mode, node_class: Any) -> Any:
        """`y`, what the kernel gave, as tensors on the tape."""
        outs = tuple([self.tensor(p) for p in (y if prim.n_outputs != 1 else (y,))])
        if m.inference:
            for o in outs:
                o._inference = True
        return self.recorded(prim, outs, args, datas, params, m, node_class)

    def recorded(self, prim: Any, outs: Any, args: Any, datas: Any, params: Any, m: Mode, node_class: Any) -> Any:
        if m.grad and prim.takes_gradient:
            record(prim, outs, args, datas, params, m, node_class)
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

    # ---- checks and refusals

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

    # ---- optimizers and schedulers

    def as_tensors(self, group: dict[str, Any]) -> dict[str, Any]:
        """The options of an optimizer, with tensors in place of numbers that the function computes from counters."""
        found = {key: self.number(value) for key, value in group.items() if value.__class__ is Count}
        return {**group, **found} if found else group

    def tie(self, columns: list[list[Tensor]]) -> None:
        """The program relies on the tensors of each column being equal when it starts."""
        self.tied += [column for column in columns if len(column) > 1]

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


def _last_rate(scheduler: Any, k: int) -> Any:
    return scheduler._last_lr[k]


__all__ = ["Tracer"]
