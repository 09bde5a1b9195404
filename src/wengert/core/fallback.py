"""Batching without a rule: the primitive runs once for each element of the batch. A debt, and warned about as such."""

from __future__ import annotations

from typing import Any

from .batching import size_of_batch
from .errors import warn
from .primitive import Primitive, ops
from .tensor import Tensor

_warned: set[str] = set()


def loop(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, Any]:
    """Run `prim` slice by slice and stack the results."""
    if prim.name not in _warned:
        _warned.add(prim.name)
        warn(
            f"There is a performance drop because we have not yet implemented the batching rule for {prim.name}. You are "
            "using the fallback, which runs it once for each element of the batch."
        )
    n = size_of_batch(vals, dims)
    results = []
    for i in range(n):
        args = [
            v if d is None or not isinstance(v, Tensor) else v.select(d, i)  # type: ignore[attr-defined]
            for v, d in zip(vals, dims, strict=True)
        ]
        results.append(prim(*args, **params))
    if isinstance(results[0], tuple):
        parts = tuple(ops.stack([r[k] for r in results], 0) for k in range(len(results[0])))
        return parts, (0,) * len(parts)
    return ops.stack(results, 0), 0
