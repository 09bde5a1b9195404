"""Indices out of range: XLA clamps them in silence, so the program checks them, and the call raises the eager error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core.primitive import Primitive
from ..core.tensor import Tensor

#: (index, lowest, one more than the highest) for each index of a call
Bounds = list[tuple[Any, int, int]]


def along(values: Sequence[Any], params: dict[str, Any]) -> Bounds:
    """Operations along `dim`."""
    x, index = values[0], values[1]
    n = x.shape[params["dim"]] if x.ndim else 1
    return [(index, 0, n)]


def flat(values: Sequence[Any], params: dict[str, Any]) -> Bounds:
    """Positions in the flattened tensor, from either end."""
    n = values[0].size
    return [(values[1], -n, n)]


def rows(values: Sequence[Any], params: dict[str, Any]) -> Bounds:
    return [(values[1], 0, values[0].shape[0])]


def classes(values: Sequence[Any], params: dict[str, Any]) -> Bounds:
    x, target = values[0], values[1]
    n = x.shape[1 if x.ndim > 1 else 0]
    return [(jnp.where(target == params["ignore_index"], 0, target), 0, n)]


def advanced(values: Sequence[Any], params: dict[str, Any], first: int) -> Bounds:
    """Index tensors in the dimensions where `at` holds."""
    shape = values[0].shape
    dims = [d for d, here in enumerate(params["at"]) if here]
    ids = values[first:]
    if any(i.dtype == bool for i in ids):
        return []  # masks: their shapes were compared
    return [(i, -shape[d], shape[d]) for d, i in zip(dims, ids)]


BOUNDS: dict[str, Callable[[Sequence[Any], dict[str, Any]], Bounds]] = {
    **dict.fromkeys(
        ("gather", "index_select", "index_add", "index_copy", "index_fill", "index_fill_tensor", "index_reduce", "scatter",
         "scatter_add", "scatter_reduce", "scatter_reduced", "scatter_value", "scatter_value_reduced"), along),
    "take": flat, "put": flat, "embedding": rows, "nll_loss": classes,
}  # fmt: skip


def bounds_of(prim: Primitive, values: Sequence[Any], params: dict[str, Any]) -> Bounds:
    """The indices of a call and where they may lie."""
    rule = BOUNDS.get(prim.name)
    if rule is not None:
        return rule(values, params)
    if prim.name.startswith("index_put") and "at" in params:
        return advanced(values, params, 2)
    if prim.name.startswith("index") and prim.name[5:].isdigit():
        return advanced(values, params, 1)
    return []


def check_indices(tracer: Any, prim: Primitive, values: Sequence[Any], metas: Sequence[Any], params: dict[str, Any]) -> None:
    """Have the program check the indices of this call; its eager kernel tells what is wrong with them."""
    for index, low, high in bounds_of(prim, values, params):
        if not index.size:
            continue
        position = next((k for k, v in enumerate(values) if v is index), 1)

        def check(found: Tensor, position: int = position) -> None:
            given = [
                found._data if k == position else np.zeros(m.shape, m.dtype) if hasattr(m, "shape") else m
                for k, m in enumerate(metas)
            ]
            prim.kernel(*given, **params)

        original = values[position]
        tracer.checks.append((jnp.any((index < low) | (index >= high)), original, check))


__all__ = ["bounds_of", "check_indices"]
