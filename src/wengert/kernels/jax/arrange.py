"""Rearranging elements: flip, roll, repeat, triangles, diagonals, blocks, shuffles; the copies that views have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from . import shapes

Array = Any


def flip(x: Array, *, dims: Any) -> Array:
    return jnp.flip(x, dims) if dims else x


def roll(x: Array, *, shifts: Any, dims: Any) -> Array:
    return jnp.roll(x, shifts, dims) if dims else jnp.roll(x.reshape(-1), shifts[0]).reshape(x.shape)


def rot90(x: Array, *, k: int, dims: Any) -> Array:
    return jnp.rot90(x, k, dims)


def repeat(x: Array, *, repeats: Any) -> Array:
    return jnp.tile(x, repeats)


def tril(x: Array, *, diagonal: int) -> Array:
    return jnp.tril(x, diagonal)


def triu(x: Array, *, diagonal: int) -> Array:
    return jnp.triu(x, diagonal)


# ---------------------------------------------------------------- diagonals


def put_diagonal(out: Array, y: Array, offset: int, dim1: int, dim2: int) -> Array:
    """`out` with y on a diagonal."""
    square = jnp.moveaxis(out, (dim1, dim2), (-2, -1))
    places = np.arange(y.shape[-1])
    rows, columns = places + max(-offset, 0), places + max(offset, 0)
    square = square.at[..., rows, columns].set(y, mode="promise_in_bounds", unique_indices=True)
    return jnp.moveaxis(square, (-2, -1), (dim1, dim2))


def diag_embed(x: Array, *, offset: int, dim1: int, dim2: int) -> Array:
    """The last dimension on the diagonal of a zero matrix of `dim1` and `dim2`."""
    n = x.shape[-1] + abs(offset)
    rest = iter(x.shape[:-1])
    out = jnp.zeros([n if d in (dim1, dim2) else next(rest) for d in range(x.ndim + 1)], x.dtype)
    return put_diagonal(out, x, offset, dim1, dim2)


def diagonal_backward(x: Array, *, shape: Any, offset: int, dim1: int, dim2: int) -> Array:
    return put_diagonal(jnp.zeros(tuple(shape), x.dtype), x, offset, dim1, dim2)


def diagonal_scatter(x: Array, y: Array, *, offset: int, dim1: int, dim2: int) -> Array:
    return put_diagonal(x, y.astype(x.dtype), offset, dim1, dim2)


def diagonal_matrix(g: Array, *, shape: tuple[int, ...]) -> Array:
    """`g` (0-d) on the diagonal of a zero matrix."""
    g = jnp.asarray(g)
    return jnp.where(np.eye(*shape, dtype=np.bool_), g, jnp.zeros((), g.dtype))


def trace(x: Array) -> Array:
    return jnp.trace(x, dtype=jnp.int64 if x.dtype.kind in "biu" else None)


def block_diag(*arrays: Array) -> Array:
    """Blocks on a diagonal; vectors count as rows, numbers as 1 x 1."""
    blocks = [a.reshape(1, -1) if a.ndim < 2 else a for a in arrays]
    width = sum([b.shape[1] for b in blocks])
    rows, at = [], 0
    for b in blocks:
        rows.append(jnp.pad(b, ((0, 0), (at, width - at - b.shape[1]))))
        at += b.shape[1]
    return jnp.concatenate(rows, 0)


# ---------------------------------------------------------------- shuffles of images


def pixel_shuffle(x: Array, *, upscale_factor: int) -> Array:
    *lead, c, h, w = x.shape
    r, n = upscale_factor, len(lead)
    y = x.reshape(*lead, c // (r * r), r, r, h, w)
    return y.transpose(*range(n + 1), n + 3, n + 1, n + 4, n + 2).reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(x: Array, *, downscale_factor: int) -> Array:
    *lead, c, h, w = x.shape
    r, n = downscale_factor, len(lead)
    y = x.reshape(*lead, c, h // r, r, w // r, r)
    return y.transpose(*range(n + 1), n + 2, n + 4, n + 1, n + 3).reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(x: Array, *, groups: int) -> Array:
    n, c = x.shape[:2]
    return x.reshape(n, groups, c // groups, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape)


# ---------------------------------------------------------------- copies


def copying(view: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel of `<view>_copy`: without memory to share, the view itself."""

    def kernel(x: Array, **params: Any) -> Any:
        return view(x, **params)

    kernel.__name__ = view.__name__ + "_copy"
    return kernel


view_copy = copying(shapes.view)
unsafe_view = copying(shapes.view)
expand_copy = copying(shapes.expand)
transpose_copy = copying(shapes.transpose)
t_copy = copying(shapes.t)
permute_copy = copying(shapes.permute)
unsqueeze_copy = copying(shapes.unsqueeze)
squeeze_copy = copying(shapes.squeeze)
alias_copy = copying(shapes.alias)
diagonal_copy = copying(shapes.diagonal)
as_strided_copy = copying(shapes.as_strided)
unfold_copy = copying(shapes.unfold)
view_as_real_copy = copying(shapes.view_as_real)
view_as_complex_copy = copying(shapes.view_as_complex)


def split_copy(x: Array, *, sizes: Sequence[int], dim: int) -> list[Array]:
    return jnp.split(x, np.cumsum(sizes)[:-1].tolist(), dim)


unsafe_split = unsafe_split_with_sizes = split_copy


def unbind_copy(x: Array, *, dim: int) -> list[Array]:
    return [jnp.squeeze(p, dim) for p in jnp.split(x, x.shape[dim], dim)] if x.shape[dim] else []
