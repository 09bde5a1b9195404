"""Random numbers in a compiled function are the eager ones: the host draws them before each call.

The host draws what depends on no value (uniform, normal, exponential numbers), in the eager order and number; where a
distribution has parameters that the program computes, the program makes its samples of those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.generator import Generator, stream_of
from ..core.modes import changed_mode
from ..core.primitive import Primitive
from ..core.tensor import Tensor
from ..kernels import random as samplers
from .untraceable import Untraceable

Array = Any


def traced_draw(tracer: Any, prim: Primitive, values: Sequence[Any], metas: Sequence[Any], params: dict[str, Any]) -> Any:
    """What a drawing primitive gives for the traced arrays `values`, of the layouts `metas`."""
    rule = RULES.get(prim.name)
    if rule is None:
        raise Untraceable(f"{prim.name} draws as many numbers as values of the program ask for",
                          "Draw them outside the compiled function and pass them in.")  # fmt: skip
    return rule(tracer, prim, values, metas, params)


def drawn_for(tracer: Any, prim: Primitive, arrays: Sequence[Any], params: dict[str, Any]) -> Array:
    """What it gives for arrays that are the same at each call."""
    return tracer.draw(lambda: prim.kernel(*arrays, **params))


def check(tracer: Any, prim: Primitive, bad: Array, value: Array, at: int, metas: Sequence[Any], params: Any) -> None:
    """After each run where anything is `bad`, the eager kernel tells what is wrong with `value`, its input `at`."""

    def refuse(found: Tensor) -> None:
        given = [found._data if k == at else np.zeros(m.shape, m.dtype) for k, m in enumerate(metas)]
        prim.kernel(*given, **{**params, "generator": Generator()})

    tracer.checks.append((jnp.any(bad), value, refuse))


# ---------------------------------------------------------------- the rules


def normal_mean(tracer: Any, prim: Primitive, values: Any, metas: Any, params: Any) -> Array:
    (mean,) = metas
    return values[0] + tracer.draw(lambda: prim.kernel(np.zeros(mean.shape, mean.dtype), **params))


def normal_std(tracer: Any, prim: Primitive, values: Any, metas: Any, params: Any) -> Array:
    (std,) = metas
    check(tracer, prim, ~(values[0] >= 0), values[0], 0, metas, params)
    noise = tracer.draw(lambda: prim.kernel(np.ones(std.shape, std.dtype), **{**params, "mean": 0.0}))
    return noise * values[0] + params["mean"]


def normal_both(tracer: Any, prim: Primitive, values: Any, metas: Any, params: Any) -> Array:
    mean, std = metas
    shape = np.broadcast_shapes(mean.shape, std.shape)
    check(tracer, prim, ~(values[1] >= 0), values[1], 1, metas, params)

    def make() -> Array:
        return prim.kernel(np.zeros(shape, mean.dtype), np.ones(shape, std.dtype), **params)

    return tracer.draw(make) * values[1] + values[0]


def bernoulli_p(tracer: Any, prim: Primitive, values: Any, metas: Any, params: Any) -> Array:
    (x,) = metas
    return tracer.draw(lambda: prim.kernel(np.zeros(x.shape, x.dtype), **params))


def bernoulli(tracer: Any, prim: Primitive, values: Any, metas: Any, params: Any) -> Array:
    """`bernoulli` and `bernoulli_as`, whose samples have a dtype of their own."""
    (p,), (chance,) = metas, values
    check(tracer, prim, ~((chance >= 0) & (chance <= 1)), chance, 0, metas, params)
    dtype = params["dtype"].np if "dtype" in params else p.dtype
    numbers = uniforms(tracer, p.shape, p.dtype == np.float64, params["generator"])
    return jnp.less(numbers, chance.astype(numbers.dtype)).astype(dtype)


def uniforms(tracer: Any, shape: tuple[int, ...], double: bool, generator: Generator | None) -> Array:
    """Uniform numbers as the samplers that compare with a probability draw them."""
    n = int(np.prod(shape, dtype=np.int64))

    def make() -> Array:
        stream = stream_of(generator)
        with stream.lock:
            return (stream.doubles(n) if double else stream.floats(n)).reshape(shape)

    return tracer.draw(make)


def multinomial(tracer: Any, prim: Primitive, values: Any, metas: Any, params: Any) -> Array:
    (x,), (weights,) = metas, values
    count, generator = params["count"], params["generator"]
    with changed_mode(tracer=None):
        empty = prim.kernel(np.ones(x.shape, x.dtype), **{**params, "generator": Generator()})  # refuses the arguments
    if not empty.size:
        return jnp.asarray(empty)
    bad = ~((weights >= 0) & (weights < np.inf)).all() | ~(weights != 0).any(-1).all()
    check(tracer, prim, bad, weights, 0, metas, params)
    if not params["replacement"] or count == 1:

        def exponentials() -> Array:
            e = samplers.empty_like(x, x.dtype)
            samplers.exponential(e, 1.0, stream_of(generator))
            return e

        race = weights / tracer.draw(exponentials)
        if count == 1:
            return jnp.argmax(race, axis=-1, keepdims=True).astype(np.int64)
        return jnp.argsort(-race, axis=-1, stable=True)[..., :count].astype(np.int64)
    kind = np.float64 if x.dtype == np.float64 else np.float32
    rows = weights.reshape(-1, x.shape[-1]).astype(kind)
    sums = in_order(rows)
    sums = sums / sums[:, -1:]
    sums = sums.at[:, -1].set(1.0).astype(np.float64)
    numbers = uniforms(tracer, (rows.shape[0], count), True, generator)
    found = jax.vmap(lambda a, v: jnp.searchsorted(a, v, side="left"))(sums, numbers)
    return found.astype(np.int64).reshape(*x.shape[:-1], count)


def in_order(rows: Array) -> Array:
    """Running sums of rows, added from left to right as the eager sampler does: another order would round differently."""

    def add(total: Array, column: Array) -> tuple[Array, Array]:
        total = total + column
        return total, total

    _, sums = jax.lax.scan(add, jnp.zeros(rows.shape[0], rows.dtype), rows.T)
    return sums.T


RULES: dict[str, Callable[..., Array]] = {
    "normal_mean": normal_mean, "normal_std": normal_std, "normal_both": normal_both, "bernoulli_p": bernoulli_p,
    "bernoulli": bernoulli, "bernoulli_as": bernoulli, "multinomial": multinomial,
}  # fmt: skip

__all__ = ["drawn_for", "traced_draw"]
