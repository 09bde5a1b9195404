"""Masks (masked_fill, masked_select, masked_scatter, nonzero) and positions in C order (take, put).

Functions whose names end in `_` write into their first argument and return it; they check everything first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .advanced import broadcasts, flat_view, reduce_at
from .indexing import scalar_name, type_name, warn
from .scalars import convert_scalar

__all__ = [
    "argwhere",
    "broadcast_shapes",
    "masked_fill",
    "masked_fill_",
    "masked_scatter_",
    "masked_select",
    "nonzero",
    "nonzero_static",
    "put_",
    "take",
]

Array = Any  # numpy.ndarray of any dtype

_INT64 = np.dtype(np.int64)


# ---------------------------------------------------------------- masks


def broadcast_shapes(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape. Raises RuntimeError with PyTorch's words."""
    if a == b:
        return a
    ndim = max(len(a), len(b))
    left, right = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b
    for dim in range(ndim - 1, -1, -1):
        if left[dim] != right[dim] and left[dim] != 1 and right[dim] != 1:
            raise RuntimeError(
                f"The size of tensor a ({left[dim]}) must match the size of tensor b ({right[dim]}) at non-singleton "
                f"dimension {dim}"
            )
    return tuple(m if n == 1 else n for n, m in zip(left, right, strict=True))


_C_TYPES = {
    "uint8": "unsigned char", "int8": "signed char", "int16": "short", "int32": "int", "int64": "long int",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def masked_fill_(x: Array, mask: Array, value: Any) -> Array:
    """Write the number `value` where `mask` (bool, broadcasts to x) is true. Returns x. Raises RuntimeError."""
    if isinstance(value, np.ndarray) and value.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    if mask.dtype.char != "?":
        raise RuntimeError(
            "masked_fill_ only supports boolean masks, but got mask with dtype "
            f"{_C_TYPES.get(mask.dtype.name, mask.dtype.name)}"
        )
    if mask.shape != x.shape:
        shape = broadcast_shapes(x.shape, mask.shape)
        if shape != x.shape:
            raise RuntimeError(
                f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(shape)}"
            )
    number = value.item() if isinstance(value, np.ndarray) else value
    np.copyto(x, convert_scalar(number, x.dtype), where=mask)
    return x


def masked_fill(x: Array, mask: Array, value: Any) -> Array:
    """A copy of `x`, broadcast with `mask`, with the number `value` where `mask` is true. Raises RuntimeError."""
    shape = broadcast_shapes(mask.shape, x.shape)
    return masked_fill_(x.copy() if x.shape == shape else np.broadcast_to(x, shape).copy(), mask, value)


def masked_select(x: Array, mask: Array) -> Array:
    """The elements of `x` where `mask` (bool) is true, in one dimension; both broadcast. Raises RuntimeError."""
    if mask.dtype.char != "?":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    if mask.shape != x.shape:
        shape = broadcast_shapes(mask.shape, x.shape)
        x, mask = np.broadcast_to(x, shape), np.broadcast_to(mask, shape)
    return x[mask].reshape(-1)


def masked_scatter_(x: Array, mask: Array, source: Array) -> Array:
    """Write the elements of `source`, one after the other, where `mask` is true. Returns x. Raises RuntimeError."""
    if source.dtype != x.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{scalar_name(x)} and {scalar_name(source)}"
        )
    if mask.shape != x.shape:
        if mask.ndim > x.ndim:
            raise RuntimeError(
                f"expand({type_name(mask)}{{{list(mask.shape)}}}, size={list(x.shape)}): the number of sizes "
                f"provided ({x.ndim}) must be greater or equal to the number of dimensions in the tensor "
                f"({mask.ndim})"
            )
        if not broadcasts(mask.shape, x.shape):
            raise _not_expandable(mask.shape, x.shape)
        mask = np.broadcast_to(mask, x.shape)
    if mask.dtype.char == "B":
        warn(
            "masked_scatter_ received a mask with dtype torch.uint8, this behavior is now deprecated,"
            "please use a mask with dtype torch.bool instead."
        )
    if mask.dtype.char != "?":
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {scalar_name(mask)}")
    count = int(np.count_nonzero(mask))
    if source.size < count:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    if x.ndim == 0:
        if count:
            x[...] = source.reshape(-1)[0]
    else:
        x[mask] = source.reshape(-1)[:count]
    return x


def _not_expandable(shape: tuple[int, ...], to: tuple[int, ...]) -> RuntimeError:
    offset = len(to) - len(shape)
    dim = next(d for d in range(len(to) - 1, offset - 1, -1) if shape[d - offset] not in (1, to[d]))
    return RuntimeError(
        f"The expanded size of the tensor ({to[dim]}) must match the existing size ({shape[dim - offset]}) at "
        f"non-singleton dimension {dim}.  Target sizes: {list(to)}.  Tensor sizes: {list(shape)}"
    )


def nonzero(x: Array) -> Array:
    """The positions of the nonzero elements as rows, int64 (n, x.ndim); the columns are contiguous."""
    if x.ndim == 0:
        return np.empty((int(x != 0), 0), np.int64)
    found = np.nonzero(x)
    out = np.empty((x.ndim, found[0].size), np.int64)
    for row, column in zip(out, found, strict=True):
        row[:] = column
    return out.T


argwhere = nonzero


def nonzero_static(x: Array, size: int, fill_value: int = -1) -> Array:
    """The first `size` rows of `nonzero`, filled up with `fill_value`. Raises RuntimeError."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    out = np.full((size, x.ndim), fill_value, np.int64)
    found = nonzero(x)[:size]
    out[: len(found)] = found
    return out


# ---------------------------------------------------------------- flat positions


def _flat_index(name: str, position: Array, size: int) -> Array:
    """`position` counted from the front. Raises RuntimeError or IndexError."""
    if not position.size:
        return position
    low, high = position.min(), position.max()
    if low < -size or high >= size:
        bad = position.reshape(-1)[np.argmax(((position < -size) | (position >= size)).reshape(-1))]
        raise IndexError(f"out of range: tried to access index {int(bad)} on a tensor of {size} elements.")
    return np.where(position < 0, position + size, position) if low < 0 else position


def _check_long(name: str, position: Array) -> None:
    if position.dtype != _INT64:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {scalar_name(position)}")


def take(x: Array, position: Array) -> Array:
    """The elements of `x` at the (int64) positions in C order, in their shape. Raises RuntimeError, IndexError."""
    _check_long("take", position)
    if x.size == 0 and position.size:
        raise IndexError("take(): tried to take from an empty tensor")
    if not position.size:
        return np.empty(position.shape, x.dtype)
    at = _flat_index("take", position, x.size)
    if x.flags.c_contiguous:
        return np.asarray(x.reshape(-1).take(at))
    flat, strides = flat_view(x)
    return np.asarray(flat.take(_memory_positions(at, x.shape, strides)))


def put_(x: Array, position: Array, source: Array, accumulate: bool = False) -> Array:
    """Write (or add) the elements of `source` at the positions in C order. Returns x. Raises as `take` does."""
    _check_long("put_", position)
    if source.dtype != x.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{scalar_name(x)} and source.dtype = {scalar_name(source)}"
        )
    if source.size != position.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.size}, index.numel() = {position.size}"
        )
    if x.size == 0 and position.size:
        raise IndexError("put_(): Tried to put elements into an empty tensor")
    if not position.size:
        return x
    at = _flat_index("put_", position, x.size)
    flat, strides = flat_view(x)
    if not x.flags.c_contiguous:
        at = _memory_positions(at, x.shape, strides)
    if accumulate:
        reduce_at(np.add, flat, at, source)
    else:
        flat[at.reshape(-1)] = source.reshape(-1)
    return x


def _memory_positions(at: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """From positions in C order to those in the memory that `flat_view` gives."""
    where = np.zeros(at.shape, np.int64)
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        at, remainder = np.divmod(at, size)
        where += remainder * stride
    return where
