"""Select, slice, split, join: parts of arrays along a dimension, and arrays put together from parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

Array = Any

__all__ = [
    "cat", "constant_pad_nd", "narrow_copy", "pad_end", "put_slice", "select", "select_backward", "select_copy",
    "select_scatter", "slice", "slice_backward", "slice_copy", "slice_scatter", "split", "stack", "unbind", "window",
    "zeros_of",
]  # fmt: skip

builtin_slice = slice


# ---------------------------------------------------------------- parts


def select(x: Array, *, dim: int, index: int) -> Array:
    """The elements at `index` of `dim`, which disappears."""
    return lax.index_in_dim(x, index, dim, keepdims=False)


def bounds(n: int, start: Any, end: Any, step: int) -> tuple[int, int]:
    """(start, number of elements) of a slice of a dimension of size n."""
    numbers = range(*builtin_slice(start, end, step).indices(n))
    return numbers.start, len(numbers)


def slice(x: Array, *, dim: int, start: Any, end: Any, step: int) -> Array:
    """Every `step`-th of start..end along `dim`; bounds beyond the array are cut."""
    first, count = bounds(x.shape[dim], start, end, step)
    return lax.slice_in_dim(x, first, first + (count - 1) * step + 1 if count else first, step, dim)


def select_copy(x: Array, *, dim: int, index: int) -> Array:
    return select(x, dim=dim, index=index)


def slice_copy(x: Array, *, dim: int, start: Any, end: Any, step: int) -> Array:
    return slice(x, dim=dim, start=start, end=end, step=step)


def narrow_copy(x: Array, *, dim: int, start: int, length: int) -> Array:
    return slice(x, dim=dim, start=start, end=start + length, step=1)


def window(g: Array, dim: int, start: int, stop: int) -> Array:
    """g[start:stop] along `dim`."""
    return slice(g, dim=dim, start=start, end=stop, step=1)


def split(x: Array, *, sizes: Sequence[int], dim: int) -> list[Array]:
    out = []
    at = 0
    for n in sizes:
        out.append(lax.slice_in_dim(x, at, at + n, axis=dim))
        at += n
    return out


def unbind(x: Array, *, dim: int) -> list[Array]:
    return [lax.index_in_dim(x, i, dim, keepdims=False) for i in range(x.shape[dim])]


# ---------------------------------------------------------------- their transposes


def spread(g: Array, n: int, dim: int, first: int, step: int) -> Array:
    """`g` at first, first + step, ... of a dimension of size n, zeros elsewhere."""
    config = [(0, 0, 0)] * g.ndim
    count = g.shape[dim]
    if not count:
        return jnp.zeros((*g.shape[:dim], n, *g.shape[dim % g.ndim + 1 :]), g.dtype)
    config[dim] = (first, n - first - (count - 1) * step - 1, step - 1)
    return lax.pad(g, jnp.zeros((), g.dtype), config)


def select_backward(x: Array, *, shape: Sequence[int], dim: int, index: int) -> Array:
    """Zeros of `shape` with x at `index` of `dim`."""
    dim %= len(shape)
    return spread(jnp.expand_dims(jnp.asarray(x), dim), shape[dim], dim, index % shape[dim], 1)


def slice_backward(x: Array, *, shape: Sequence[int], dim: int, start: Any, end: Any, step: int) -> Array:
    """Zeros of `shape` with x at the slice."""
    dim %= len(shape)
    first, _ = bounds(shape[dim], start, end, step)
    return spread(jnp.asarray(x), shape[dim], dim, first, step)


# ---------------------------------------------------------------- writing into a copy


def put_slice(x: Array, y: Array, dim: int, first: int, step: int) -> Array:
    """x with y at first, first + step, ... of `dim`."""
    y = y.astype(x.dtype)
    if not y.size:
        return x
    if step == 1:
        return lax.dynamic_update_slice_in_dim(x, y, first, dim)
    n, count = x.shape[dim], y.shape[dim]
    number = lax.broadcasted_iota(jnp.int32, x.shape, dim) - first
    inside = (number >= 0) & (number < count * step) & (number % step == 0)
    return jnp.where(inside, spread(y, n, dim, first, step), x)


def select_scatter(x: Array, src: Array, *, dim: int, index: int) -> Array:
    """x with `src` at `index` of `dim`."""
    dim %= x.ndim
    return put_slice(x, jnp.expand_dims(src, dim), dim, index % x.shape[dim], 1)


def slice_scatter(x: Array, src: Array, *, dim: int, start: Any, end: Any, step: int) -> Array:
    """x with `src` at the slice."""
    dim %= x.ndim
    first, _ = bounds(x.shape[dim], start, end, step)
    return put_slice(x, src, dim, first, step)


# ---------------------------------------------------------------- joins


def cat(*tensors: Any, dim: int = 0) -> Array:
    """Arrays joined along `dim`; also of one list, and `dim` behind it, as rules have them."""
    parts, dim = listed(tensors, dim)
    return jnp.concatenate(parts, dim)


def stack(*tensors: Any, dim: int = 0) -> Array:
    """Arrays joined along a new dimension; also of one list, and `dim` behind it."""
    parts, dim = listed(tensors, dim)
    return jnp.stack(parts, dim)


def listed(tensors: tuple[Any, ...], dim: int) -> tuple[list[Array], int]:
    if isinstance(tensors[0], (list, tuple)):
        return [jnp.asarray(t) for t in tensors[0]], tensors[1] if len(tensors) > 1 else dim
    return [jnp.asarray(t) for t in tensors], dim


def zeros_of(g: Array, shape: Sequence[int]) -> Array:
    """Zeros of `shape` and the dtype of `g`."""
    return jnp.zeros(tuple(shape), g.dtype)


def constant_pad_nd(x: Array, *, pad: Sequence[int], value: Any) -> Array:
    """(before, after) pairs, that of the last dimension first; negative ones crop."""
    config = [(0, 0, 0)] * x.ndim
    for i in range(len(pad) // 2):
        config[x.ndim - 1 - i] = (int(pad[2 * i]), int(pad[2 * i + 1]), 0)
    return lax.pad(x, jnp.asarray(value or 0).astype(x.dtype), config)


def pad_end(x: Array, *, dim: int, size: int) -> Array:
    """Zeros behind, up to `size`."""
    return spread(x, size, dim, 0, 1)
