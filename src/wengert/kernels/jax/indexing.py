"""Indexing with index tensors: `x[i, j]`, `x[i, j] = v`, masks, flat positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from .gradients import sum_to, to_dtype
from .host import DataDependent

Array = Any

INSIDE = "promise_in_bounds"  # XLA's own behaviour: it clamps where it reads and skips where it writes


# ---------------------------------------------------------------- x[i, j]


def is_mask(i: Array) -> bool:
    return i.dtype.kind == "b" or i.dtype == jnp.uint8


def places(at: Sequence[bool], ids: Sequence[Array]) -> tuple[Any, ...]:
    """The index for `.at[]`: the tensors in their places, whole dimensions elsewhere."""
    left = iter(ids)
    return tuple([next(left) if here else slice(None) for here in at])


def index(x: Array, *ids: Array, at: tuple[bool, ...]) -> Array:
    """x with the index tensors `ids` in the dimensions where `at` holds."""
    if any(is_mask(i) for i in ids):
        raise DataDependent("indexing with a mask", "Write torch.where(mask, x, other), or x.masked_fill(~mask, value).")
    return x.at[places(at, ids)].get(mode=INSIDE)


def index_put(x: Array, values: Array, *ids: Array, at: tuple[bool, ...], accumulate: bool) -> Array:
    """A copy of x with `values` written (or added) there. A mask must be the only index."""
    if any(is_mask(i) for i in ids):
        if len(ids) > 1:
            raise DataDependent(
                "writing at a mask beside other indices", "Write torch.where(mask, values, x) with a mask of x's shape."
            )
        return put_at_mask(x, values, ids[0].astype(jnp.bool_), at.index(True), accumulate)
    target = x.at[places(at, ids)]
    values = values.astype(x.dtype)
    if not accumulate:
        return target.set(values, mode=INSIDE)
    return target.max(values, mode=INSIDE) if x.dtype.kind == "b" else target.add(values, mode=INSIDE)


def put_at_mask(x: Array, values: Array, mask: Array, first: int, accumulate: bool) -> Array:
    """x with `values`, one for each true element of the mask over dimensions first, first + 1, ..., or one for all."""
    after = x.ndim - first - mask.ndim
    lead = x.shape[:first]
    tail = x.shape[x.ndim - after :]
    axis = values.ndim - after - 1
    whole = mask.reshape(*(1,) * first, *mask.shape, *(1,) * after)
    if axis >= 0 and values.shape[axis] != 1:  # the count of true elements: one slice of values for each
        number = jnp.cumsum(mask.reshape(-1)) - 1
        values = jnp.broadcast_to(values, (*lead, values.shape[axis], *tail))
        values = jnp.take(values, number, first, mode="clip").reshape(x.shape)
    elif axis >= 0:
        values = jnp.broadcast_to(values, (*lead, 1, *tail)).reshape(*lead, *(1,) * mask.ndim, *tail)
    values = values.astype(x.dtype)
    if accumulate:
        return x + jnp.where(whole, values, jnp.zeros((), x.dtype))
    return jnp.where(whole, values, x)


#: the primitives for so many index tensors
BY_COUNT = [f"{name}{count}" for name in ("index", "index_put") for count in range(1, 65)]
globals().update((name, index_put if "put" in name else index) for name in BY_COUNT)


def index_get(x: Array, ids: Sequence[Array], *, at: tuple[bool, ...]) -> Array:
    return index(x, *ids, at=at)


def index_set(x: Array, values: Array, ids: Sequence[Array], *, at: tuple[bool, ...], accumulate: bool) -> Array:
    return index_put(x, jnp.asarray(values), *ids, at=at, accumulate=accumulate)


def index_backward(g: Array, ids: Sequence[Array], *, shape: tuple[int, ...], at: tuple[bool, ...]) -> Array:
    """The transpose of `index_get`."""
    g = jnp.asarray(g)
    return index_put(jnp.zeros(shape, g.dtype), g, *ids, at=at, accumulate=True)


# ---------------------------------------------------------------- masks


def masked_fill(x: Array, mask: Array, *, value: Any) -> Array:
    """The number `value` where `mask` is true."""
    return jnp.where(mask, jnp.asarray(value).astype(x.dtype), x)


def masked_fill_tensor(x: Array, mask: Array, value: Array) -> Array:
    """The 0-d `value` where `mask` is true."""
    return jnp.where(mask, to_dtype(jnp.asarray(value), x.dtype), x)


def masked_scatter(x: Array, mask: Array, source: Array) -> Array:
    """The elements of `source`, one after the other, where `mask` is true."""
    shape = jnp.broadcast_shapes(x.shape, mask.shape)
    x, mask = jnp.broadcast_to(x, shape), jnp.broadcast_to(mask, shape)
    if not source.size:
        return x
    return jnp.where(mask, jnp.take(source.reshape(-1), turn(mask), mode="clip").reshape(shape), x)


def turn(mask: Array) -> Array:
    """For each element how many true ones there are before it (for true ones)."""
    return jnp.cumsum(mask.reshape(-1).astype(jnp.int64)) - 1


def masked_scatter_backward(g: Array, mask: Array, *, shape: tuple[int, ...]) -> Array:
    """The gradient of the source of masked_scatter: its elements that were used, zeros for the others."""
    common = jnp.broadcast_shapes(g.shape, mask.shape)
    g, mask = jnp.broadcast_to(g, common), jnp.broadcast_to(mask, common)
    n = math.prod(shape)
    to = jnp.where(mask.reshape(-1), turn(mask), n)
    return jnp.zeros(n, g.dtype).at[to].set(g.reshape(-1), mode="drop").reshape(shape)


def masked_select(x: Array, mask: Array) -> Array:
    raise DataDependent("masked_select", "Write torch.where(mask, x, 0) and reduce that, or multiply by the mask.")


def masked_select_backward(g: Array, mask: Array, *, shape: tuple[int, ...]) -> Array:
    """The transpose of masked_select."""
    g = jnp.asarray(g)
    common = jnp.broadcast_shapes(mask.shape, shape)
    mask = jnp.broadcast_to(mask, common)
    if not g.size:
        return jnp.zeros(shape, g.dtype)
    full = jnp.where(mask, jnp.take(g, turn(mask), mode="clip").reshape(common), jnp.zeros((), g.dtype))
    return sum_to(full, shape)


def nonzero(x: Array) -> Array:
    raise DataDependent("nonzero", "Write torch.nonzero_static(x, size=...), or torch.where with three arguments.")


def nonzero_static(x: Array, *, size: int, fill_value: int) -> Array:
    """The first `size` positions of nonzero elements as rows, filled up with `fill_value`."""
    if x.ndim == 0:
        return jnp.zeros((size, 0), jnp.int64)
    return jnp.stack(jnp.nonzero(x, size=size, fill_value=fill_value), -1).astype(jnp.int64)


# ---------------------------------------------------------------- positions in row-major order


def take(x: Array, index: Array) -> Array:
    """The elements at `index` of the flattened x; negative ones count from the end."""
    if not index.size:
        return jnp.zeros(index.shape, x.dtype)
    return x.reshape(-1).at[index].get(mode=INSIDE)


def take_backward(g: Array, index: Array, *, shape: tuple[int, ...]) -> Array:
    """The transpose of take."""
    g = jnp.asarray(g)
    if not index.size:
        return jnp.zeros(shape, g.dtype)
    return jnp.zeros(math.prod(shape), g.dtype).at[index].add(g, mode=INSIDE).reshape(shape)


def put(x: Array, index: Array, source: Array, *, accumulate: bool) -> Array:
    """A copy of x with the elements of `source` written (or added) at `index` of the flattened x."""
    if not index.size:
        return x
    target, values = x.reshape(-1).at[index.reshape(-1)], source.reshape(-1)
    if not accumulate:
        return target.set(values, mode=INSIDE).reshape(x.shape)
    y = target.max(values, mode=INSIDE) if x.dtype.kind == "b" else target.add(values, mode=INSIDE)
    return y.reshape(x.shape)


__all__ = [
    "index_backward", "index_get", "index_set", "masked_fill", "masked_fill_tensor", "masked_scatter",
    "masked_scatter_backward", "masked_select", "masked_select_backward", "nonzero", "nonzero_static", "put", "take",
    "take_backward",
]  # fmt: skip
__all__ += BY_COUNT  # noqa: PLE0605 (a list of names, made above)
