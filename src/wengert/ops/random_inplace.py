"""Filling tensors with random numbers: uniform_, normal_, random_, bernoulli_, exponential_, geometric_, ...

A tensor that is recorded is given a zero gradient for what it held before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import devices
from ..core.generator import Generator, stream_of
from ..core.inplace import inplace_with
from ..core.levels import stack
from ..core.meta import MetaTensor
from ..core.modes import mode
from ..core.primitive import Primitive, elementwise
from ..core.tensor import PLAIN, Tensor, bump
from ..core.views import check_inplace
from ..kernels import random as samplers
from . import random_arguments as arguments
from .create import finish
from .install import method
from .random_bounds import (
    DISCRETE,
    FLOATS,
    c_name,
    check_continuous,
    check_std,
    not_implemented,
    random_between,
    scalar_name,
    uniform_bounds,
)
from .random_draws import check_coin, check_p, check_probabilities, draw_bernoulli
from .random_levels import check_writable, hide, running, spread

Array = Any
Fill = Callable[[Array], None]


def overwrite(name: str, node: str, inputs: tuple[str, ...] = ("x", "values")) -> Primitive:
    """A primitive that puts the drawn `values` in place of x: the gradient of x (and of parameters) is zero."""
    rules = {x: lambda xp, g: xp.zeros_like(g) for x in inputs[:-1]}
    return elementwise(name, kernel=_last, inputs=inputs, vjp=rules, node=node, promote=None, half="native")


def _last(x: Array, *others: Array) -> Array:
    values = others[-1]
    return values if values.shape == x.shape else np.broadcast_to(values, x.shape)


def scratch_like(x: Array) -> Array:
    """An uninitialised array with the strides of `x`, which decide the order of the numbers."""
    if x.flags.c_contiguous:
        return np.empty(x.shape, x.dtype)
    if not x.size:
        return np.empty(x.shape, x.dtype)
    extent = 1 + sum((n - 1) * s // x.itemsize for n, s in zip(x.shape, x.strides, strict=True))
    return np.lib.stride_tricks.as_strided(np.empty(extent, x.dtype), x.shape, x.strides)


def fill_in_place(t: Tensor, prim: Primitive, fill: Fill) -> Tensor:
    """`t.op_(...)` where `fill` draws the new values."""
    m = mode()
    if t.__class__ in PLAIN and not stack.get():
        check_inplace(t, m)
        if m.tracer is None and (t._fn is None or not m.grad or not t.requires_grad):
            fill(t._data)
            bump(t)
            return t
        x = t._data if m.tracer is None else t._data.meta

        def drawn() -> Array:
            values = scratch_like(x)
            fill(values)
            return values

        values = drawn() if m.tracer is None else m.tracer.drawn(drawn)
        return inplace_with(lambda old: prim(old, finish(values, "", devices.CPU, False)), t)
    if t.__class__ is MetaTensor:
        return inplace_with(lambda old: old, t)  # nothing is drawn
    levels = running()
    check_writable(t, levels)
    values = np.empty((*spread(levels), *t.shape), t.dtype.np)
    fill(values)
    drawn = hide(finish(values, "", devices.CPU, False), levels)
    return inplace_with(lambda old: prim(old, drawn), t, (drawn,))


def numbers(
    name: str, names: tuple[str, ...], defaults: tuple[Any, ...], args: tuple[Any, ...], named: dict[str, Any]
) -> tuple[list[float], Generator | None]:
    """The arguments of a method that takes real numbers and a generator."""
    if not args and not named and defaults[0] is not ...:
        return defaults, None  # type: ignore[return-value]
    generator = arguments.the_generator(name, named.pop("generator", None)) if "generator" in named else None
    values = arguments.take(name, names, defaults, args, named)
    return [
        arguments.number(name, arg, at + 1, value, named)
        for at, (arg, value) in enumerate(zip(names, values, strict=True))
    ], generator


# ---------------------------------------------------------------- continuous

_uniform = overwrite("uniform_values", "UniformBackward0")
_normal = overwrite("normal_values", "NormalBackward0")
_log_normal = overwrite("log_normal_values", "LogNormalBackward0")
_cauchy = overwrite("cauchy_values", "CauchyBackward0")
_exponential = overwrite("exponential_values", "ExponentialBackward0")
_geometric = overwrite("geometric_values", "GeometricBackward0")


@method
def uniform_(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Fill with uniform numbers from [from, to): uniform_(from=0, to=1, *, generator=None). Floating and complex."""
    (low, high), generator = numbers("uniform_", ("from", "to"), (0.0, 1.0), args, named)

    def fill(data: Array) -> None:
        uniform_bounds(data, low, high)
        if data.size:
            samplers.uniform(data, low, high, stream_of(generator))

    return fill_in_place(self, _uniform, fill)


@method
def normal_(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Fill with normal numbers: normal_(mean=0, std=1, *, generator=None). Floating and complex dtypes."""
    (mean, std), generator = numbers("normal_", ("mean", "std"), (0.0, 1.0), args, named)

    def fill(data: Array) -> None:
        check_std(std)
        if data.size:
            check_continuous("normal_kernel_cpu", data)
            samplers.normal(data, mean, std, stream_of(generator))

    return fill_in_place(self, _normal, fill)


@method
def log_normal_(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Fill with exponentials of normal numbers: log_normal_(mean=1, std=2, *, generator=None). Floating dtypes."""
    (mean, std), generator = numbers("log_normal_", ("mean", "std"), (1.0, 2.0), args, named)

    def fill(data: Array) -> None:
        if not std > 0.0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
        if data.size:
            if data.dtype not in FLOATS:
                raise not_implemented("log_normal_cpu", data)
            samplers.log_normal(data, mean, std, stream_of(generator))

    return fill_in_place(self, _log_normal, fill)


@method
def cauchy_(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Fill with Cauchy numbers: cauchy_(median=0, sigma=1, *, generator=None). Floating dtypes."""
    (median, sigma), generator = numbers("cauchy_", ("median", "sigma"), (0.0, 1.0), args, named)

    def fill(data: Array) -> None:
        if not sigma > 0.0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
        if data.dtype not in FLOATS:
            raise RuntimeError(
                "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you "
                f"specified {c_name(data)}"
            )
        if data.size:
            samplers.cauchy(data, median, sigma, stream_of(generator))

    return fill_in_place(self, _cauchy, fill)


@method
def exponential_(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Fill with exponential numbers: exponential_(lambd=1, *, generator=None). Floating dtypes."""
    (rate,), generator = numbers("exponential_", ("lambd",), (1.0,), args, named)

    def fill(data: Array) -> None:
        if not rate > 0.0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
        if data.size:
            if data.dtype not in FLOATS:
                raise RuntimeError(
                    "Exponential distribution is a continuous probability distribution. dtype must be a floating point "
                    f"but you specified {scalar_name(data)}"
                )
            samplers.exponential(data, rate, stream_of(generator))

    return fill_in_place(self, _exponential, fill)


@method
def geometric_(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Fill with the number of trials up to the first success of probability p: geometric_(p, *, generator=None)."""
    (p,), generator = numbers("geometric_", ("p",), (...,), args, named)

    def fill(data: Array) -> None:
        if not 0.0 < p < 1.0:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
        if data.size:
            if data.dtype not in DISCRETE:
                raise not_implemented("geometric_cpu", data)
            samplers.geometric(data, p, stream_of(generator))

    return fill_in_place(self, _geometric, fill)


# ---------------------------------------------------------------- discrete

_random_from = overwrite("random_from_values", "RandomBackward0")
_random_to = overwrite("random_to_values", "RandomBackward1")
_random = overwrite("random_values", "RandomBackward2")
_RANDOM = (
    f"*, {arguments.GENERATOR}",
    f"int from, int to, *, {arguments.GENERATOR}",
    f"int to, *, {arguments.GENERATOR}",
)


@method
def random_(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Fill with uniform integers: random_(*, generator=None) over the whole range of the dtype (floating ones: up to
    2**digits), random_(to, ...) from [0, to), random_(from, to, ...) from [from, to). Any real dtype or bool."""
    given = dict(named)
    generator = given.pop("generator", None)
    if len(args) > 2:
        raise TypeError(f"random_() takes 2 positional arguments but {len(args)} were given")
    names = ("from", "to") if len(args) + len(given) == 2 else ("to",)
    bound = {**dict(zip(names, args, strict=False)), **given}
    ok = len(args) + len(given) == len(bound) and (not bound or bound.keys() == set(names))
    ok = ok and (generator is None or isinstance(generator, Generator))
    for key, value in bound.items():
        ok = ok and (arguments.is_integer(value) or (value is None and key == "to" and len(bound) == 2))
    if not ok:
        arguments.refuse("random_", args, named, _RANDOM)
    if not bound:
        return fill_in_place(self, _random, lambda data: _fill_default(data, generator))
    low = arguments.integer(bound.get("from", 0))
    high = None if bound["to"] is None else arguments.integer(bound["to"])
    prim = _random_from if "from" in bound else _random_to
    return fill_in_place(self, prim, random_between(low, high, generator))


def _fill_default(data: Array, generator: Generator | None) -> None:
    if data.size:
        if data.dtype not in DISCRETE and data.dtype.kind != "b":
            raise not_implemented("random_kernel_cpu", data)
        samplers.integers_default(data, stream_of(generator))


_bernoulli = overwrite("bernoulli_values", "BernoulliBackward2")
_bernoulli_tensor = overwrite("bernoulli_tensor_values", "BernoulliBackward1", ("x", "p", "values"))
_BERNOULLI = (f"Tensor p, *, {arguments.GENERATOR}", f"float p = 0.5, *, {arguments.GENERATOR}")


@method
def bernoulli_(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Fill with 1 (probability p) and 0: bernoulli_(p=0.5, *, generator=None), `p` a number or a tensor that can be
    expanded to the shape of `self`. Any real dtype or bool."""
    given = dict(named)
    generator = given.pop("generator", None)
    if len(args) > 1 or given.keys() - {"p"} or (args and given):
        arguments.refuse("bernoulli_", args, named, _BERNOULLI)
    p = args[0] if args else given.get("p", 0.5)
    ok = isinstance(p, Tensor) or arguments.is_number(p)
    if not ok or not (generator is None or isinstance(generator, Generator)):
        arguments.refuse("bernoulli_", args, named, _BERNOULLI)
    if isinstance(p, Tensor):
        return _bernoulli_by(self, p, generator)
    chance = float(p)

    def fill(data: Array) -> None:
        check_p(chance)
        if data.size:
            check_coin(data, "bernoulli_scalar_cpu_")
            samplers.bernoulli(data, chance, stream_of(generator))

    return fill_in_place(self, _bernoulli, fill)


def _bernoulli_by(t: Tensor, p: Tensor, generator: Generator | None) -> Tensor:
    """bernoulli_ with a tensor of probabilities."""
    m = mode()
    plain = t.__class__ in PLAIN and p.__class__ in PLAIN and not stack.get()
    if m.tracer is not None and not t._data.flags.c_contiguous:
        m.tracer.refuse_order()
    if not plain or m.tracer is not None:
        check_writable(t, running())
        drawn = draw_bernoulli(p.expand(t.shape), t.dtype, generator)  # type: ignore[attr-defined]
        return inplace_with(lambda old: _bernoulli_tensor(old, p, drawn), t, (p, drawn))
    check_inplace(t, m)
    tracked = m.grad and (t.requires_grad or p.requires_grad)
    data = scratch_like(t._data) if tracked else t._data
    if data.size:
        check_coin(data, "bernoulli_tensor_cpu_self_")
        chances = _expanded(p, data.shape)
        check_probabilities(chances)
        samplers.bernoulli(data, chances, stream_of(generator))
    if data is t._data:
        bump(t)
        return t
    values = finish(data, "", devices.CPU, False)
    return inplace_with(lambda old: _bernoulli_tensor(old, p, values), t, (p,))


def _expanded(p: Tensor, shape: tuple[int, ...]) -> Array:
    try:
        return np.broadcast_to(p._data, shape)
    except ValueError:
        p.expand(shape)  # type: ignore[attr-defined]  # PyTorch's error
        raise
