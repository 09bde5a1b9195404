"""Taking and putting elements along one dimension: what the derivatives of max, sort, cummax, ... are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import size_of_batch, stretched
from ..core.primitive import composite, general, kernel_helper, ops


def _take_kernel(x: Any, index: Any, *, dim: int) -> Any:
    """x[..., index, ...] along `dim`; a 0-d tensor has one element to take."""
    if x.ndim == 0:
        return np.broadcast_to(x, np.shape(index)).copy()
    return np.take_along_axis(np.asarray(x), np.asarray(index), dim)


def _put_kernel(x: Any, index: Any, *, dim: int, size: int, unique: bool) -> Any:
    """The transpose of taking: zeros of extent `size` along `dim`, with x added at `index`."""
    x, index = np.asarray(x), np.asarray(index)
    if x.ndim == 0:
        return x.copy()
    shape = list(x.shape)
    shape[dim] = size
    out = np.zeros(shape, x.dtype)
    if unique:
        np.put_along_axis(out, index, x, dim)
        return out
    places = list(np.ix_(*[np.arange(n) for n in x.shape]))
    places[dim] = index
    np.add.at(out, tuple(places), x)
    return out


def _batch(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """Both operands get the mapped dimension; `dim` moves past it."""
    n = size_of_batch(vals, dims)
    x, index = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    scalar = x.ndim == 1
    if scalar:
        x, index = ops.unsqueeze(x, dim=1), ops.unsqueeze(index, dim=1)
    out = prim(x, index, **{**params, "dim": params["dim"] % (x.ndim - 1) + 1})
    return (ops.reshape(out, (n,)) if scalar else out), 0


take_along = general(
    "take_along",
    inputs=("x", "index"),
    params=("dim",),
    kernel=_take_kernel,
    half="native",
    batch=_batch,
    vjp=dict(x=lambda xp, g, x_shape, index, dim: xp.put_along(
        g, index, dim=dim, size=x_shape[dim] if x_shape else 1, unique=False)),
    jvp=dict(x=lambda xp, t, index, dim: xp.take_along(t, index, dim=dim)),
)  # fmt: skip
put_along = general(
    "put_along",
    inputs=("x", "index"),
    params=("dim", "size", "unique"),
    kernel=_put_kernel,
    half="native",
    batch=_batch,
    vjp=dict(x=lambda xp, g, index, dim: xp.take_along(g, index, dim=dim)),
    jvp=dict(x=lambda xp, t, index, dim, size, unique: xp.put_along(t, index, dim=dim, size=size, unique=unique)),
)


@composite
def keep_dim(x: Any, *, dim: int, keepdim: bool, ndim: int) -> Any:
    """A result of a reduction over `dim` with that dimension as size 1."""
    return x if keepdim or ndim == 0 else ops.unsqueeze(x, dim=dim)


def _keep_dim_arrays(x: Any, *, dim: int, keepdim: bool, ndim: int) -> Any:
    return x if keepdim or ndim == 0 else np.expand_dims(x, dim)


_keep_dim_arrays.__name__ = "keep_dim"
kernel_helper(_keep_dim_arrays)


@composite
def drop_dim(x: Any, *, dim: int, keepdim: bool, ndim: int) -> Any:
    """The inverse of `keep_dim`."""
    if keepdim or ndim == 0:
        return x
    shape = list(x.shape)
    del shape[dim]
    return ops.reshape(x, shape)


def _drop_dim_arrays(x: Any, *, dim: int, keepdim: bool, ndim: int) -> Any:
    return x if keepdim or ndim == 0 else np.squeeze(x, dim)


_drop_dim_arrays.__name__ = "drop_dim"
kernel_helper(_drop_dim_arrays)

__all__ = ["put_along", "take_along"]
