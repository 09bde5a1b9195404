"""Shapes and views. There is no memory to share: a view is a value of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

Array = Any


def alias(x: Array) -> Array:
    return x


def laid_out(x: Array, *args: Any, **params: Any) -> Array:
    """There is no memory layout."""
    return x


def view(x: Array, *, size: Sequence[int]) -> Array:
    """The same elements under another shape."""
    return x.reshape(size)


def reshape(x: Array, shape: Sequence[int]) -> Array:
    return x.reshape(shape)


def expand(x: Array, *, size: Sequence[int]) -> Array:
    """Stretched dimensions; -1 keeps a size."""
    lead = len(size) - x.ndim
    return jnp.broadcast_to(x, [x.shape[i - lead] if n == -1 else n for i, n in enumerate(size)])


def permute(x: Array, *, dims: Sequence[int]) -> Array:
    return jnp.transpose(x, dims)


def transpose(x: Array, *, dim0: int, dim1: int) -> Array:
    return jnp.swapaxes(x, dim0, dim1) if x.ndim else x


def t(x: Array) -> Array:
    return x.T


def unsqueeze(x: Array, *, dim: int) -> Array:
    return jnp.expand_dims(x, dim)


def squeeze(x: Array, *, dim: Any) -> Array:
    return jnp.squeeze(x, dim)


def diagonal(x: Array, *, offset: int, dim1: int, dim2: int) -> Array:
    """The diagonal as the last dimension."""
    return jnp.diagonal(x, offset, dim1, dim2)


def unfold(x: Array, *, dim: int, size: int, step: int) -> Array:
    """Windows of `size` every `step` along `dim`; the window is a new last dimension."""
    if x.ndim == 0:
        return x.reshape(1)[:size]
    dim %= x.ndim
    n = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], n, size, *x.shape[dim + 1 :])
    if size == step:
        y = lax.slice_in_dim(x, 0, n * size, axis=dim)
    elif 0 in shape:
        y = jnp.zeros(shape, x.dtype)
    else:
        y = jnp.take(x, (np.arange(n)[:, None] * step + np.arange(size)).reshape(-1), axis=dim, mode="clip")
    return jnp.moveaxis(y.reshape(shape), dim + 1, -1)


def unfold_backward(x: Array, *, shape: Any, dim: int, size: int, step: int) -> Array:
    """Add the windows back to where they were cut from."""
    if not shape:
        return x[0] if size else jnp.zeros((), x.dtype)
    n = (shape[dim] - size) // step + 1
    index = np.arange(n)[:, None] * step + np.arange(size)
    out = jnp.zeros(tuple(shape), x.dtype).at[(slice(None),) * dim + (index,)]
    return out.add(jnp.moveaxis(x, -1, dim + 1), mode="promise_in_bounds", unique_indices=step >= size)


def flat_index(size: Sequence[int], stride: Sequence[int], offset: int) -> Any:
    """Where in the buffer the elements of the window lie, known when the program is compiled."""
    index = np.full((1,) * len(size), offset, np.int64)
    for d, (n, s) in enumerate(zip(size, stride, strict=True)):
        index = index + (np.arange(n) * s).reshape([-1 if i == d else 1 for i in range(len(size))])
    return np.broadcast_to(index, tuple(size))


def reach(size: Sequence[int], stride: Sequence[int], offset: int) -> int:
    """How many elements the buffer under the window (size, stride, offset) must have."""
    if 0 in size:
        return 0
    return offset + 1 + sum([(n - 1) * s for n, s in zip(size, stride, strict=True)])


def as_strided(
    x: Array, *, size: Sequence[int], stride: Sequence[int], storage_offset: int, source: Any = None
) -> Array:
    """The window onto the storage that held `x` as `source` (shape, strides, offset) says; elements of the storage that
    are not in `x` are zero. Without `source`, `x` is its own row-major storage."""
    if 0 in size:
        return jnp.zeros(tuple(size), x.dtype)
    buffer, low = storage(x, size, stride, storage_offset, source)
    return strided_gather(buffer, size=size, stride=stride, offset=storage_offset - low)


def storage(x: Array, size: Sequence[int], stride: Sequence[int], offset: int, source: Any) -> tuple[Array, int]:
    """The 1-d storage under `x`, long enough for the window, and the number of its first element."""
    if source is None:
        buffer, low, length = x.reshape(-1), 0, reach(size, stride, offset)
    else:
        shape, strides, begin = source
        low = min(begin, offset)
        length = max(reach(shape, strides, begin), reach(size, stride, offset)) - low
        index = flat_index(shape, strides, begin - low).reshape(-1)
        buffer = x.reshape(-1)
        if not (index.size == length and np.array_equal(index, np.arange(length))):
            buffer = jnp.zeros(length, x.dtype).at[index].set(buffer, mode="promise_in_bounds")
    if buffer.size < length:
        buffer = jnp.pad(buffer, (0, length - buffer.size))
    return buffer, low


def view_dtype(x: Array, *, dtype: Any) -> Array:
    """The same bytes as another type; the last dimension grows or shrinks with the element size."""
    kind = np.dtype(getattr(dtype, "np", dtype))
    old = x.dtype
    if kind == old:
        return x
    if "c" in (kind.kind, old.kind):  # XLA's bit casts know no complex numbers
        return complex_bits(x, kind)
    if kind.kind == "b":
        return x.view(jnp.int8).astype(jnp.bool_) if old.itemsize > 1 else x != 0
    if old.kind == "b":
        x = x.astype(jnp.int8)
    have, want = x.dtype.itemsize, kind.itemsize
    if want > have:
        return lax.bitcast_convert_type(x.reshape((*x.shape[:-1], -1, want // have)), kind)
    y = lax.bitcast_convert_type(x, kind)
    return y if want == have else y.reshape((*x.shape[:-1], -1))


def complex_bits(x: Array, kind: Any) -> Array:
    """`view_dtype` from or to complex numbers, by way of pairs of reals."""
    if x.dtype.kind == "c":
        pairs = view_as_real(x)
        x = pairs.reshape((*x.shape[:-1], -1)) if x.ndim and kind.itemsize != x.dtype.itemsize else pairs
        if kind.kind != "c" and kind.itemsize == pairs.dtype.itemsize * 2:
            return lax.bitcast_convert_type(x, kind) if x is pairs else view_dtype(x, dtype=kind)
    if kind.kind != "c":
        return view_dtype(x, dtype=kind)
    part = np.dtype(np.float32 if kind.itemsize == 8 else np.float64)
    if x.dtype.itemsize == kind.itemsize:
        return view_as_complex(lax.bitcast_convert_type(x, part))
    x = view_dtype(x, dtype=part)
    return view_as_complex(x.reshape((*x.shape[:-1], -1, 2)))


def view_as_real(x: Array) -> Array:
    """Complex elements as pairs of reals in a new last dimension."""
    return jnp.stack([x.real, x.imag], -1)


def view_as_complex(x: Array) -> Array:
    """The inverse of `view_as_real`."""
    return lax.complex(x[..., 0], x[..., 1])


pairs_to_complex = view_as_complex


# ---------------------------------------------------------------- windows onto 1-d buffers


def row_major_strides(size: Sequence[int]) -> list[int]:
    """The strides of a contiguous array; 0 where a dimension has one element, as they do not matter there."""
    strides, step = [], 1
    for n in reversed(size):
        strides.append(step if n > 1 else 0)
        step *= n
    return strides[::-1]


def strided_gather(x: Array, *, size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """The window (size, stride, offset) onto the 1-d buffer `x`."""
    if 0 in size:
        return jnp.zeros(tuple(size), x.dtype)
    if [s if n > 1 else 0 for s, n in zip(stride, size, strict=True)] == row_major_strides(size):
        return lax.slice_in_dim(x, offset, offset + math.prod(size)).reshape(size)
    return jnp.asarray(x).at[flat_index(size, stride, offset)].get(mode="promise_in_bounds")


def strided_scatter(x: Array, *, length: int, size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """A 1-d buffer of `length` zeros into which the elements of `x` are added at the window (size, stride, offset)."""
    if not x.size:
        return jnp.zeros(length, x.dtype)
    if [s if n > 1 else 0 for s, n in zip(stride, size, strict=True)] == row_major_strides(size):
        return jnp.pad(x.reshape(-1), (offset, length - offset - x.size))
    index = flat_index(size, stride, offset).reshape(-1)
    return jnp.zeros(length, x.dtype).at[index].add(x.reshape(-1), mode="promise_in_bounds")


def shared_places(buffer: Array, size: Any, stride: Any, offset: int) -> Array:
    """How many elements of the window lie at each place of the buffer (at least 1)."""
    found = np.bincount(flat_index(size, stride, offset).reshape(-1), minlength=buffer.shape[0])
    return jnp.asarray(np.maximum(found, 1).astype(buffer.dtype))


def window_of_values(x: Array, size: Any, stride: Any, storage_offset: int, source: Any) -> Array:
    """What `as_strided` shows, where elements of `x` that share a place count with their mean."""
    shape, strides, offset = source
    base = min(offset, storage_offset)
    length = max(reach(size, stride, storage_offset), reach(shape, strides, offset)) - base
    buffer = strided_scatter(x, length=length, size=tuple(shape), stride=tuple(strides), offset=offset - base)
    if length > 0:
        buffer = buffer / shared_places(buffer, tuple(shape), tuple(strides), offset - base)
    return strided_gather(buffer, size=tuple(size), stride=tuple(stride), offset=storage_offset - base)


def winners(size: Any, stride: Any, offset: int, n: int) -> tuple[Any, Any]:
    """(which places of the n are not written, which elements of the window stay): later ones overwrite earlier ones."""
    index = flat_index(size, stride, offset).reshape(-1)
    last = np.full(n, -1)
    last[index] = np.arange(index.size)
    return last < 0, (last[index] == np.arange(index.size)).reshape(tuple(size))


def written_mask(g: Array, size: Any, stride: Any, offset: int) -> Array:
    """Where the window does not write."""
    return jnp.asarray(winners(size, stride, offset, g.size)[0].reshape(g.shape))


def winning_mask(g: Array, size: Any, stride: Any, offset: int) -> Array:
    """Which elements of the window are not overwritten by later ones."""
    return jnp.asarray(winners(size, stride, offset, g.size)[1])


def as_strided_scatter(x: Array, y: Array, *, size: Any, stride: Any, offset: int) -> Array:
    """`x` with `y` written into the window; the last of several elements at one place stays."""
    if not y.size:
        return x
    stay = winners(size, stride, offset, x.size)[1].reshape(-1)
    index = flat_index(size, stride, offset).reshape(-1)[stay]
    values = y.reshape(-1)[np.flatnonzero(stay)].astype(x.dtype)
    flat = jnp.asarray(x).reshape(-1)
    return flat.at[index].set(values, mode="promise_in_bounds", unique_indices=True).reshape(x.shape)
