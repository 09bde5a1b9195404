"""Random numbers in a compiled function are the eager ones: the host draws them before each call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from .untraceable import Untraceable


def traced_draw(tracer: Any, prim: Primitive, values: Sequence[Any], metas: Sequence[Any], params: dict[str, Any]) -> Any:
    """What a drawing primitive gives: host numbers if its inputs matter only by shape, else refused."""
    name = prim.name
    if name == "normal_mean":
        return values[0] + draw_like(tracer, prim, metas[0], np.zeros, params)
    if name == "normal_std":
        zero = {**params, "mean": 0.0}
        noise = draw_like(tracer, prim, metas[0], np.ones, zero)
        return noise * values[0] + params["mean"]
    if name == "normal_both":
        mean, std = metas
        shape = np.broadcast_shapes(mean.shape, std.shape)

        def make() -> Any:
            return prim.kernel(np.zeros(shape, mean.dtype), np.ones(shape, std.dtype), **params)

        return tracer.draw(make) * values[1] + values[0]
    if name == "bernoulli_p":
        return draw_like(tracer, prim, metas[0], np.zeros, params)
    raise Untraceable(f"{name} draws numbers whose distribution depends on values of the program",
                      "Draw them outside the compiled function and pass them in.")  # fmt: skip


def draw_like(tracer: Any, prim: Primitive, meta: Any, fill: Any, params: dict[str, Any]) -> Any:
    shape, dtype = meta.shape, meta.dtype
    return tracer.draw(lambda: prim.kernel(fill(shape, dtype), **params))


__all__ = ["traced_draw"]
