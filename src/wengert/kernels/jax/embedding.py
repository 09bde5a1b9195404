"""Rows of tables by number, bags of them, and their gradients."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from .pooling import lowest
from .scatter import PLAIN, add

Array = Any

__all__ = [
    "bag_factors", "embedding", "embedding_back", "embedding_bag_rows", "embedding_dense_backward", "one_hot",
    "row_factors",
]  # fmt: skip


def embedding(weight: Array, indices: Array, *, padding_idx: int, scale_grad_by_freq: bool, sparse: bool) -> Array:
    """Rows of `weight` by number."""
    return weight.at[indices].get(**PLAIN)


def embedding_dense_backward(
    g: Array, indices: Array, *, count: int, padding_idx: int, scale_grad_by_freq: bool
) -> Array:
    """The gradient of the table."""
    g = jnp.asarray(g)
    flat = indices.reshape(-1)
    rows = g.reshape(flat.size, g.shape[-1])
    if scale_grad_by_freq:
        rows = rows / counted(flat, count)[flat][:, None].astype(rows.dtype)
    if padding_idx >= 0:
        flat = jnp.where(flat == padding_idx, count, flat)  # nowhere
    out = jnp.zeros((count, g.shape[-1]), g.dtype)
    return out.at[flat].add(rows, mode="drop", wrap_negative_indices=False)


embedding_back = embedding_dense_backward


def counted(numbers: Array, size: int) -> Array:
    """How often each number occurs."""
    return jnp.zeros(size, jnp.int64).at[numbers].add(1, mode="drop", wrap_negative_indices=False)


def row_factors(indices: Array, *, count: int, padding_idx: int, scale: bool, dtype: Any) -> Array:
    """What each row of the gradient is multiplied with: 0 for padding, one over the frequency if asked."""
    kind = getattr(dtype, "np", dtype)
    factor = jnp.ones(indices.shape, kind)
    if scale:
        factor = (1 / counted(indices.reshape(-1), count)[indices]).astype(kind)
    return jnp.where(indices == padding_idx, jnp.zeros((), kind), factor)[..., None]


def one_hot(x: Array, *, count: int) -> Array:
    return (x[..., None] == jnp.arange(count)).astype(jnp.int64)


# ---------------------------------------------------------------- bags


def bag_sizes(indices: Array, bags: Array, n_bags: int, padding_idx: int) -> Array:
    """How many indices of each bag count."""
    return counted(bags if padding_idx < 0 else jnp.where(indices == padding_idx, n_bags, bags), n_bags)


def embedding_bag_rows(
    weight: Array, psw: Array | None, indices: Array, bags: Array, *, n_bags: int, mode: int, padding_idx: int,
    scale_grad_by_freq: bool,
) -> tuple[Array, Array]:  # fmt: skip
    """(bags, the rows that won for `max`). mode: 0 sum, 1 mean, 2 max."""
    rows = weight.at[indices].get(**PLAIN)
    out = jnp.zeros((n_bags, weight.shape[1]), weight.dtype)
    keep = (indices != padding_idx)[:, None]
    if mode == 2:
        return bag_maxima(rows, keep, indices, bags, out)
    if psw is not None:
        rows = rows * psw[:, None]
    if padding_idx >= 0:
        rows = jnp.where(keep, rows, jnp.zeros((), rows.dtype))
    out = add(out.at[bags], rows, out.dtype.kind)
    if mode == 1:
        out = out / jnp.maximum(bag_sizes(indices, bags, n_bags, padding_idx), 1)[:, None].astype(out.dtype)
    return out, jnp.zeros(0, jnp.int64)


def bag_maxima(rows: Array, keep: Array, indices: Array, bags: Array, out: Array) -> tuple[Array, Array]:
    """The largest elements of each bag, and the rows they come from; of equal ones the first counts."""
    n = len(indices)
    low = lowest(rows.dtype)
    top = jnp.full_like(out, low).at[bags].max(jnp.where(keep, rows, low), **PLAIN)
    hit = keep & (rows == top[bags])
    order = jnp.where(hit, jnp.arange(n)[:, None], n)
    first = jnp.full(out.shape, n, order.dtype).at[bags].min(order, **PLAIN)
    none = first == n
    winners = indices[jnp.minimum(first, max(n - 1, 0))] if n else jnp.zeros(out.shape, jnp.int64)
    return jnp.where(none, out, top), jnp.where(none, -1, winners).astype(jnp.int64)


def bag_factors(indices: Array, bags: Array, *, n_bags: int, mode: int, padding_idx: int, dtype: Any) -> Array:
    """What the gradient of a bag is multiplied with for each of its rows."""
    kind = getattr(dtype, "np", dtype)
    factor = jnp.ones(indices.shape, kind)
    if mode == 1:
        factor = (1 / jnp.maximum(bag_sizes(indices, bags, n_bags, padding_idx), 1)[bags]).astype(kind)
    return jnp.where(indices == padding_idx, jnp.zeros((), kind), factor)[:, None]
