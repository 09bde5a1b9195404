"""Gathering and scattering along one dimension, and the reductions of what meets at one place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .indexing import INSIDE

Array = Any

__all__ = [
    "drop_dim", "gather", "gather_backward", "index_add", "index_copy", "index_fill", "index_fill_tensor",
    "index_reduce", "index_select", "index_select_backward", "keep_dim", "pick_last", "put_along", "put_last", "scatter",
    "scatter_add", "scatter_reduce", "scatter_reduced", "scatter_value", "scatter_value_reduced", "take_along",
]  # fmt: skip


# ---------------------------------------------------------------- gather and scatter


def positions(index: Array, dim: int, shape: Sequence[int]) -> Array:
    """Where x[.., index, ..] of an x of `shape` lies in row-major order: `index` along `dim`, its own place elsewhere."""
    step = 1
    where = None
    for d in range(len(shape) - 1, -1, -1):
        at = index if d == dim else lax.broadcasted_iota(index.dtype, index.shape, d)
        where = at * step if where is None else where + at * step
        step *= shape[d]
    assert where is not None
    return where


def at_least_1d(x: Array) -> Array:
    return x if x.ndim else x.reshape(1)


def targets(x: Array, dim: int, index: Array) -> tuple[Any, Array]:
    """The flattened x, ready for an update, at the flat positions that `index` means; and these."""
    ids, to = at_least_1d(index), at_least_1d(x)
    where = positions(ids, dim % to.ndim, to.shape).reshape(-1)
    return to.reshape(-1).at[where], where


def cut(src: Array, shape: Sequence[int]) -> Array:
    """The corner of `src` that has `shape`, flattened."""
    if not src.ndim:
        return src.reshape(-1)
    return src[tuple(slice(n) for n in shape or (1,))].reshape(-1)


PLAIN: Any = {"mode": INSIDE, "wrap_negative_indices": False}


def add(target: Any, values: Array, kind: Any) -> Array:
    """Sums; of bools, whether one is true."""
    return target.max(values, **PLAIN) if kind == "b" else target.add(values, **PLAIN)


def multiply(target: Any, values: Array, kind: Any) -> Array:
    return target.min(values, **PLAIN) if kind == "b" else target.multiply(values, **PLAIN)


def gather(x: Array, index: Array, *, dim: int) -> Array:
    """`out[i, j] = x[index[i, j], j]` for dim 0."""
    if not index.size:
        return jnp.zeros(index.shape, x.dtype)
    target, where = targets(x, dim, index)
    return target.get(**PLAIN).reshape(index.shape)


def gather_backward(g: Array, index: Array, *, shape: tuple[int, ...], dim: int) -> Array:
    """The transpose of gather."""
    g = jnp.asarray(g)
    return scatter_add(jnp.zeros(shape, g.dtype), index, g, dim=dim)


def scatter(x: Array, index: Array, src: Array, *, dim: int) -> Array:
    """A copy of x with `copy[index[i, j], j] = src[i, j]` for dim 0."""
    if not index.size:
        return x
    return targets(x, dim, index)[0].set(cut(jnp.asarray(src), index.shape), **PLAIN).reshape(x.shape)


def scatter_value(x: Array, index: Array, *, dim: int, value: Any) -> Array:
    """The same with a number."""
    if not index.size:
        return x
    return targets(x, dim, index)[0].set(jnp.asarray(value).astype(x.dtype), **PLAIN).reshape(x.shape)


def scatter_add(x: Array, index: Array, src: Array, *, dim: int) -> Array:
    """A copy of x with `copy[index[i, j], j] += src[i, j]` for dim 0."""
    if not index.size:
        return x
    target, _ = targets(x, dim, index)
    return add(target, cut(jnp.asarray(src), index.shape), x.dtype.kind).reshape(x.shape)


def scatter_reduced(x: Array, index: Array, src: Array, *, dim: int, reduce: str, name: str) -> Array:
    """As `scatter`, but `+=` or `*=` for reduce "add" or "multiply"."""
    if not index.size:
        return x
    target, _ = targets(x, dim, index)
    how = add if reduce == "add" else multiply
    return how(target, cut(src, index.shape), x.dtype.kind).reshape(x.shape)


def scatter_value_reduced(x: Array, index: Array, *, dim: int, value: Any, reduce: str, name: str) -> Array:
    """The same with a number."""
    if not index.size:
        return x
    target, where = targets(x, dim, index)
    how = add if reduce == "add" else multiply
    return how(target, jnp.full(where.shape, value).astype(x.dtype), x.dtype.kind).reshape(x.shape)


def identity_of(reduce: str, dtype: Any) -> Any:
    """What a reduction starts from when x itself is not included."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype.kind == "b":
        return reduce == "amin"
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return info.min if reduce == "amax" else info.max
    return -np.inf if reduce == "amax" else np.inf


def reduce_at(flat: Array, where: Array, values: Array, reduce: str, include_self: bool) -> Array:
    """`flat` with `values` reduced into the positions `where`."""
    kind = flat.dtype.kind
    old = flat
    if not include_self:
        old = flat.at[where].set(jnp.asarray(identity_of(reduce, flat.dtype)).astype(flat.dtype), **PLAIN)
    target = old.at[where]
    if reduce == "prod":
        return multiply(target, values, kind)
    if reduce == "amax":
        return target.max(values, **PLAIN)
    if reduce == "amin":
        return target.min(values, **PLAIN)
    total = add(target, values, kind)
    if reduce == "sum":
        return total
    count = jnp.zeros(flat.shape, jnp.int64).at[where].add(1, **PLAIN)
    divisor = jnp.where(count > 0, count + include_self, 1).astype(flat.dtype)
    return total // divisor if kind in "iu" else total / divisor


def scatter_reduce(x: Array, index: Array, src: Array, *, dim: int, reduce: str, include_self: bool) -> Array:
    """Reduce the elements of `src` that go to one place: "sum", "prod", "mean", "amax", "amin"."""
    if not index.size:
        return x
    _, where = targets(x, dim, index)
    return reduce_at(x.reshape(-1), where, cut(src, index.shape), reduce, include_self).reshape(x.shape)


# ---------------------------------------------------------------- whole slices


def slices(x: Array, dim: int, index: Array) -> Any:
    """x at the slices that `index` names along `dim`."""
    to = at_least_1d(x)
    return to.at[(*(slice(None),) * (dim % to.ndim), index.reshape(-1))]


def index_select(x: Array, index: Array, *, dim: int) -> Array:
    """The slices of x along `dim` that `index` names."""
    if x.ndim == 0:
        return x
    return slices(x, dim, index).get(**PLAIN)


def index_select_backward(g: Array, index: Array, *, shape: tuple[int, ...], dim: int) -> Array:
    """The transpose of index_select."""
    g = jnp.asarray(g)
    return index_add(jnp.zeros(shape, g.dtype), index, g, dim=dim, alpha=1)


def index_add(x: Array, index: Array, source: Array, *, dim: int, alpha: Any) -> Array:
    """A copy of x with `copy[index[i], ...] += alpha * source[i, ...]` for dim 0."""
    values = at_least_1d(source)
    if alpha != 1:
        factor = jnp.asarray(alpha).astype(x.dtype)
        values = values & factor if x.dtype.kind == "b" else values * factor
    if not index.size or not x.size:
        return x
    return add(slices(x, dim, index), values, x.dtype.kind).reshape(x.shape)


def index_copy(x: Array, index: Array, source: Array, *, dim: int) -> Array:
    """A copy of x with `copy[index[i], ...] = source[i, ...]` for dim 0."""
    if not index.size or not x.size:
        return x
    return slices(x, dim, index).set(at_least_1d(source), **PLAIN).reshape(x.shape)


def index_fill(x: Array, index: Array, *, dim: int, value: Any) -> Array:
    """A copy of x with `value` in the slices that `index` names, which may count from the end."""
    if not index.size or not x.size:
        return x
    return slices(x, dim, index).set(jnp.asarray(value).astype(x.dtype), mode=INSIDE).reshape(x.shape)


def index_fill_tensor(x: Array, index: Array, value: Array, *, dim: int) -> Array:
    """The same with a 0-d array."""
    return index_fill(x, index, dim=dim, value=value)


def index_reduce(x: Array, index: Array, source: Array, *, dim: int, reduce: str, include_self: bool) -> Array:
    """Reduce the slices of `source` that go to one slice of x: "prod", "mean", "amax", "amin"."""
    if not index.size or not x.size:
        return x
    to, values = at_least_1d(x), at_least_1d(source)
    dim %= to.ndim
    ids = index.reshape(-1, *(1,) * (to.ndim - dim - 1))
    where = positions(jnp.broadcast_to(ids, values.shape), dim, to.shape).reshape(-1)
    return reduce_at(x.reshape(-1), where, values.reshape(-1), reduce, include_self).reshape(x.shape)


# ---------------------------------------------------------------- what the rules take and put


def take_along(x: Array, index: Array, *, dim: int) -> Array:
    """x[..., index, ...] along `dim`; a 0-d array has one element to take."""
    index = jnp.asarray(index)
    if x.ndim == 0:
        return jnp.broadcast_to(x, index.shape)
    dim %= x.ndim
    shape = [n if d == dim else m for d, (n, m) in enumerate(zip(index.shape, x.shape, strict=True))]
    full = [x.shape[dim] if d == dim else n for d, n in enumerate(shape)]
    return gather(jnp.broadcast_to(x, full), jnp.broadcast_to(index, shape), dim=dim)


def put_along(x: Array, index: Array, *, dim: int, size: int, unique: bool) -> Array:
    """The transpose of taking: zeros of extent `size` along `dim`, with x added at `index`."""
    x = jnp.asarray(x)
    if x.ndim == 0:
        return x
    dim %= x.ndim
    shape = [size if d == dim else n for d, n in enumerate(x.shape)]
    out = jnp.zeros(shape, x.dtype)
    index = jnp.broadcast_to(jnp.asarray(index), x.shape)
    if not index.size:
        return out
    target, _ = targets(out, dim, index)
    return target.add(x.reshape(-1), **PLAIN, unique_indices=bool(unique)).reshape(shape)


def pick_last(x: Array, index: Array, *, unique: bool = False) -> Array:
    """x[..., index]; 0 where the index is -1."""
    if not index.size or not x.shape[-1]:
        return jnp.zeros(index.shape, x.dtype)
    y = gather(x, jnp.maximum(index, 0), dim=x.ndim - 1)
    return jnp.where(index < 0, jnp.zeros((), x.dtype), y)


def put_last(g: Array, index: Array, *, size: int, unique: bool = False) -> Array:
    """The transpose: zeros with g added at the index; -1 goes nowhere. `unique`: no number occurs twice in a row."""
    shape = (*g.shape[:-1], size)
    total = math.prod(shape)
    if not g.size or not total:
        return jnp.zeros(shape, g.dtype)
    where = jnp.where(index < 0, total, positions(index, index.ndim - 1, shape)).reshape(-1)
    target = jnp.zeros(total, g.dtype).at[where]
    how = target.max if g.dtype.kind == "b" else target.add
    return how(g.reshape(-1), mode="drop", wrap_negative_indices=False).reshape(shape)


def keep_dim(x: Array, *, dim: int, keepdim: bool, ndim: int) -> Array:
    """A result of a reduction over `dim` with that dimension as size 1."""
    return x if keepdim or ndim == 0 else jnp.expand_dims(x, dim)


def drop_dim(x: Array, *, dim: int, keepdim: bool, ndim: int) -> Array:
    """The inverse of `keep_dim`."""
    return x if keepdim or ndim == 0 else jnp.squeeze(x, dim)
