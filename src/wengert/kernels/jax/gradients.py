"""What the engine and the rules do to gradients: casts, un-broadcasting, spreading, zeros."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

Array = Any


def to_dtype(x: Array, dtype: Any) -> Array:
    """Cast as PyTorch does: complex to real drops the imaginary part without a word, what no integer can hold wraps."""
    kind = jnp.dtype(getattr(dtype, "np", dtype))
    x = jnp.asarray(x)
    if x.dtype.kind == "c" and kind.kind != "c":
        if kind.kind == "b":
            return x != 0
        x = x.real
    if kind.kind in "iu" and x.dtype.kind in "fV":
        return wrapped(x).astype(kind) if kind != jnp.uint64 else wrapped_unsigned(x.astype(jnp.float64))
    return x.astype(kind)


def wrapped(x: Array) -> Array:
    """Floats as int64; nan and what is out of range as the smallest number, as processors have it."""
    return jnp.where(jnp.abs(x) < 2.0**63, x.astype(jnp.int64), jnp.iinfo(jnp.int64).min)


def wrapped_unsigned(x: Array) -> Array:
    """Doubles as uint64, whose upper half is converted apart."""
    upper = x >= 2.0**63
    low = wrapped(jnp.where(upper, x - 2.0**63, x)).astype(jnp.uint64)
    return low + jnp.where(upper, jnp.uint64(2**63), jnp.uint64(0))


def fit(g: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Bring a gradient to the shape (summing what was broadcast) and dtype of its input."""
    g = jnp.asarray(g)
    if g.shape != shape:
        g = sum_to(g, shape)
    return g if g.dtype == dtype and not getattr(g, "weak_type", False) else to_dtype(g, dtype)


def sum_to(g: Any, shape: tuple[int, ...]) -> Array:
    """Sum the dimensions that broadcasting added or stretched; broadcast where a rule left dimensions out."""
    have = g.shape
    if have == shape:
        return g
    lead = len(have) - len(shape)
    if lead >= 0:
        dims = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 and have[i + lead] != 1)
        if dims:
            g = jnp.sum(g, axis=dims, keepdims=True, dtype=g.dtype)
        if lead:
            g = g.reshape(g.shape[lead:])
        if g.shape == tuple(shape):
            return g
    return jnp.broadcast_to(g, shape)


def like_layout(g: Array, x: Array) -> Array:
    """There is no memory layout."""
    return g


def row_major(y: Array) -> Array:
    """There is no memory layout."""
    return y


def scatter_index(g: Array, *, shape: tuple[int, ...], index: Any, unique: bool) -> Array:
    """The transpose of basic or advanced NumPy indexing."""
    g = jnp.asarray(g)
    return jnp.zeros(tuple(shape), g.dtype).at[index].add(g, mode="promise_in_bounds", unique_indices=bool(unique))


def ones_like(x: Array) -> Array:
    return jnp.ones_like(x)


def zeros_like(x: Array) -> Array:
    return jnp.zeros_like(x)


def new_zeros(like: Array, shape: tuple[int, ...]) -> Array:
    return jnp.zeros(tuple(shape), like.dtype)


def restore_dims(g: Any, *, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Array:
    """A result of a reduction over `dim` of something of `shape`, with the reduced dimensions as size 1."""
    g = jnp.asarray(g)
    if not keepdim and dim is not None and g.ndim != len(shape):
        n = len(shape)
        dims = {d % n for d in (dim if isinstance(dim, tuple) else (dim,))}
        g = g.reshape([1 if i in dims else m for i, m in enumerate(shape)])
    return g


restore_dims_arrays = restore_dims


def restore(g: Any, *, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Array:
    """Spread the gradient of a reduction over `dim` back over `shape`."""
    return jnp.broadcast_to(restore_dims(g, shape=shape, dim=dim, keepdim=keepdim), shape)
