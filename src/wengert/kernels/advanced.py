"""Indexing with arrays: gathering (`index`), writing and adding (`index_put_`), and what these are made of.

Functions whose names end in `_` write into their first argument and return it; they check everything first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .indexing import scalar_name, warn, wrap_dim
from .scalars import convert_scalar

__all__ = [
    "add_at",
    "broadcasts",
    "expand_masks",
    "flat_view",
    "index",
    "index_put_",
    "index_shape",
    "iteration_order",
    "reduce_at",
]

Array = Any  # numpy.ndarray of any dtype
#: None or an array of int64, int32, bool or uint8 for each dimension; a mask stands for all of its own
Indices = Sequence[Any]

_INT64 = np.dtype(np.int64)
_ROW, _LONG_ROW = 8, 64  # slices this long are added as such where no index occurs twice; where some do


# ---------------------------------------------------------------- reading the indices


def expand_masks(shape: tuple[int, ...], indices: Indices) -> list[Any]:
    """Masks as the positions of their nonzero elements: None or an integer array for each dimension of `shape`.

    Raises IndexError for other dtypes, too many indices, or a mask of another shape.
    """
    ndim = len(shape)
    if len(indices) > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim} (got {len(indices)})")
    for i in indices:
        if i is not None and i.dtype.char not in "lqi?B":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    out: list[Any] = []
    for i in indices:
        if i is None or i.dtype.char not in "?B":
            out.append(i)
            continue
        if i.dtype.char == "B":
            warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
        for dim, size in enumerate(i.shape):
            at = len(out) + dim
            wrap_dim(at, ndim)
            if size != shape[at]:
                raise IndexError(
                    f"The shape of the mask {list(i.shape)} at index {dim} does not match the shape of the indexed "
                    f"tensor {list(shape)} at index {at}"
                )
        if i.ndim:
            out += np.nonzero(i)
    if len(out) > ndim:
        _common_shape([i for i in out if i is not None])
        wrap_dim(ndim, ndim)
    if all(i is None for i in out):
        raise RuntimeError("indexing needs an index other than None and masks without dimensions")
    return out


def _common_shape(arrays: list[Any]) -> tuple[int, ...]:
    if len(arrays) == 1:
        return arrays[0].shape  # type: ignore[no-any-return]
    try:
        return np.broadcast_shapes(*[a.shape for a in arrays])
    except ValueError:
        shapes = ", ".join(str(list(a.shape)) for a in arrays)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None


def _place(indices: list[Any]) -> tuple[int, list[int]]:
    """Where the indexed dimensions go in the result, and which dimensions of the input remain.

    Neighbours stay where they are, indices that are apart go to the front.
    """
    at = [dim for dim, i in enumerate(indices) if i is not None]
    first = at[0] if at[-1] - at[0] == len(at) - 1 else 0
    return first, at


def index_shape(shape: tuple[int, ...], indices: list[Any]) -> tuple[int, ...]:
    """The shape of `x[indices]` for expanded indices. Raises IndexError where they do not broadcast."""
    common = _common_shape([i for i in indices if i is not None])
    first, at = _place(indices)
    if 0 not in common and any(shape[dim] == 0 for dim in at):
        raise IndexError("index is out of bounds for dimension with size 0")
    rest = [n for dim, n in enumerate(shape) if dim not in at]
    return (*rest[:first], *common, *rest[first:])


def _out_of_bounds(shape: tuple[int, ...], indices: list[Any]) -> IndexError | None:
    """The error for the first element that is out of bounds, as a reader going through them in order meets it."""
    pairs = [(i, shape[dim]) for dim, i in enumerate(indices) if i is not None]
    if not any(i.size and (i.min() < -n or i.max() >= n) for i, n in pairs):
        return None
    bad = [(i < -n) | (i >= n) for i, n in pairs]
    spread = np.broadcast_arrays(*bad)
    place = int(np.argmax(np.logical_or.reduce(spread)))
    order = next(k for k, b in enumerate(spread) if b.flat[place])
    value = np.broadcast_to(pairs[order][0], spread[0].shape).flat[place]
    return IndexError(f"index {int(value)} is out of bounds for dimension {order} with size {pairs[order][1]}")


# ---------------------------------------------------------------- gathering


def _flat(x: Array) -> bool:
    return x.flags.c_contiguous  # type: ignore[no-any-return]


def index(x: Array, indices: Indices) -> Array:
    """`x[indices]`: a copy, the indexed dimensions replaced by the common shape of the indices.

    Indices that are apart (`x[i, :, j]`) put their shape in front. Negative values count from the end.
    Raises IndexError.
    """
    if len(indices) == 1:
        only = indices[0]
        if only.dtype is _INT64 and x.size and only.ndim and x.ndim and _flat(x) and _flat(only):
            try:
                return x.take(only, 0)
            except IndexError:
                pass
        elif only.dtype.char == "?" and only.ndim and only.shape == x.shape[: only.ndim] and _flat(x):
            return x[only]
    if not indices:
        raise IndexError("at least one index must be provided")
    ids = expand_masks(x.shape, indices)
    shape = index_shape(x.shape, ids)
    if 0 in shape:
        return np.empty(shape, x.dtype)
    try:
        y = _gather(x, ids)
    except IndexError:
        raise _out_of_bounds(x.shape, ids) or AssertionError("an index failed that is in bounds") from None
    order = _result_order(x, ids, shape)
    if order is None:
        return y if y.flags.c_contiguous else np.ascontiguousarray(y)
    out = _empty(shape, order, y.dtype)
    out[...] = y
    return out


def _gather(x: Array, ids: list[Any]) -> Array:
    at = [dim for dim, i in enumerate(ids) if i is not None]
    if len(at) == 1 and x.flags.c_contiguous:
        return x.take(ids[at[0]], at[0])
    if all(ids[dim].ndim == 0 for dim in at):  # NumPy takes these for integers and would give a view
        return x[_numpy_index(ids)].copy()
    return x[_numpy_index(ids)]


def _numpy_index(ids: list[Any]) -> tuple[Any, ...]:
    return tuple(slice(None) if i is None else i for i in ids)


def _empty(shape: tuple[int, ...], order: tuple[int, ...], dtype: Any) -> Array:
    """An array whose dimensions lie in memory in `order`, the fastest first."""
    out = np.empty([shape[dim] for dim in reversed(order)], dtype)
    return out.transpose(np.argsort(order[::-1]))


def _result_order(x: Array, ids: list[Any], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The memory order of the result's dimensions, or None for C order: it follows that of the operands."""
    arrays = [i for i in ids if i is not None]
    if x.flags.c_contiguous and all(i.flags.c_contiguous for i in arrays):
        return None
    first, at = _place(ids)
    common = _common_shape(arrays)
    rest = [dim for dim in range(x.ndim) if dim not in at]
    zeros = (0,) * len(common)
    operands = [(*[x.strides[d] for d in rest[:first]], *zeros, *[x.strides[d] for d in rest[first:]])]
    for a in arrays:
        spread = np.broadcast_to(a, common).strides
        operands.append((*(0,) * first, *spread, *(0,) * (len(rest) - first)))
    order = iteration_order(shape, operands)
    return None if order == tuple(range(len(shape) - 1, -1, -1)) else order


def iteration_order(shape: tuple[int, ...], operands: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The dimensions of an elementwise loop, the fastest first: sorted by the strides of the operands.

    The first operand decides; one that is broadcast along a dimension (stride 0) leaves the decision to the next.
    """
    order = list(range(len(shape) - 1, -1, -1))

    def compare(a: int, b: int) -> int:
        for strides in operands:
            if strides[a] == 0 or strides[b] == 0:
                continue
            if strides[a] != strides[b]:
                return -1 if strides[a] < strides[b] else 1
            if shape[a] > shape[b]:
                return 1
        return 0

    for i in range(1, len(order)):
        at = i
        for j in range(i - 1, -1, -1):
            side = compare(order[j], order[at])
            if side > 0:
                order[j], order[at] = order[at], order[j]
                at = j
            elif side < 0:
                break
    return tuple(order)


# ---------------------------------------------------------------- writing


def index_put_(x: Array, indices: Indices, values: Array, accumulate: bool = False) -> Array:
    """`x[indices] = values`, or `+=` counting repeated indices, in place; `values` broadcasts. Returns x.

    Raises IndexError as `index` does, RuntimeError if `values` has another dtype or does not broadcast.
    """
    if not indices:
        raise IndexError("at least one index must be provided")
    if len(indices) == 1 and not accumulate and values.dtype is x.dtype and x.size and 0 not in x.strides:
        only = indices[0]
        if only.dtype is _INT64 and x.ndim and _fits(values.shape, only.shape + x.shape[1:]):
            try:
                x[only] = values
                return x
            except IndexError:
                pass
        elif only.dtype.char == "?" and only.ndim and only.shape == x.shape[: only.ndim] and not values.ndim:
            x[only] = values
            return x
    if not accumulate and values.size == 1:
        masks = [i for i in indices if i is not None]
        if len(masks) == 1 and masks[0].dtype.char in "?B":
            return _fill_by_mask(x, indices, masks[0], values)
    ids = expand_masks(x.shape, indices)
    shape = index_shape(x.shape, ids)
    if values.shape != shape:
        if not broadcasts(values.shape, shape):
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result "
                f"of shape {list(shape)}"
            )
    if values.dtype != x.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{scalar_name(x)} for the destination and {scalar_name(values)} for the source."
        )
    if 0 in shape:
        return x
    error = _out_of_bounds(x.shape, ids)
    if error is not None:
        raise error
    if accumulate:
        add_at(x, ids, values, shape)
    else:
        x[_numpy_index(ids)] = values
    return x


def _fits(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether `shape` is what `to` ends in."""
    return len(shape) <= len(to) and shape == to[len(to) - len(shape) :]


def _fill_by_mask(x: Array, indices: Indices, mask: Array, value: Array) -> Array:
    if len(indices) > x.ndim:
        raise IndexError(f"too many indices for tensor of dimension {x.ndim} (got {len(indices)})")
    before = next(k for k, i in enumerate(indices) if i is not None)
    expand_shape = x.shape[before : before + mask.ndim]
    if mask.shape != expand_shape:
        expand_masks(x.shape, indices)  # raises the error
    if mask.dtype.char == "B":
        raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")
    x[(*(slice(None),) * before, mask)] = convert_scalar(value.item(), x.dtype)
    return x


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of `shape` can be broadcast to the shape `to`."""
    if len(shape) > len(to):
        return False
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(to), strict=False))


def flat_view(x: Array) -> tuple[Array, tuple[int, ...]]:
    """The memory of `x` as one contiguous array, and the strides of `x` in its elements.

    It reaches from the first to the last element of `x`, over what may lie between.
    """
    itemsize = x.itemsize
    strides = tuple(s // itemsize for s in x.strides)
    if x.flags.c_contiguous:
        return x.reshape(-1), strides
    if any(s % itemsize or s < 0 for s in x.strides):
        raise NotImplementedError("indexing of an array whose strides are no multiples of its element size")
    extent = 1 + sum((n - 1) * s for n, s in zip(x.shape, strides, strict=True)) if x.size else 0
    return np.lib.stride_tricks.as_strided(x, (extent,), (itemsize,)), strides


def add_at(x: Array, ids: list[Any], values: Array, shape: tuple[int, ...]) -> None:
    """`x[ids] += values` where an index that is repeated adds every time. Everything is in bounds."""
    first, at = _place(ids)
    if len(at) == 1 and ids[first].ndim == 1 and x.ndim > 1 and _add_rows(x, ids[first], first, values):
        return
    flat, strides = flat_view(x)
    where: Any = 0
    for dim in at:
        i, n = ids[dim], x.shape[dim]
        if i.min() < 0:
            i = np.where(i < 0, i + n, i)
        where = where + i.astype(_INT64, copy=False) * strides[dim]
    common = where.ndim
    rest = [dim for dim in range(x.ndim) if dim not in at]
    after = len(rest) - first
    where = where.reshape(where.shape + (1,) * after)
    for k, dim in enumerate(rest):
        tail = len(rest) - k - 1 + (common if k < first else 0)
        where = where + (np.arange(x.shape[dim]) * strides[dim]).reshape((-1,) + (1,) * tail)
    reduce_at(np.add, flat, where, np.broadcast_to(values, shape))


def _add_rows(x: Array, ids: Array, dim: int, values: Array) -> bool:
    """`add_at` for one index vector and slices that are long enough; False, with nothing done, where that is slower.

    First all first occurrences of an index are added, then all second ones, and so on: none of these repeats an index.
    """
    count = ids.size
    length = x.size // x.shape[dim]
    if length < _ROW or count == 0:
        return False
    if ids.min() < 0:
        ids = np.where(ids < 0, ids + x.shape[dim], ids)
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    fresh = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    values = np.moveaxis(np.broadcast_to(values, (*x.shape[:dim], count, *x.shape[dim + 1 :])), dim, 0)
    x = np.moveaxis(x, dim, 0)
    if fresh.size == count - 1:
        x[ids] += values
        return True
    starts = np.concatenate(([0], fresh))
    runs = np.diff(starts, append=count)
    rounds = int(runs.max())
    if length < _LONG_ROW or rounds * 8 > count:
        return False
    turn = np.arange(count) - np.repeat(starts, runs)
    order = order[np.argsort(turn, kind="stable")]
    end = 0
    for size in np.bincount(turn).tolist():
        pick = order[end : end + size]
        x[ids[pick]] += values[pick]
        end += size
    return True


def reduce_at(ufunc: np.ufunc, flat: Array, where: Array, values: Array) -> None:
    """`flat[where] = ufunc(flat[where], values)` for each element in turn; `where` are valid positions."""
    ufunc.at(flat, where.reshape(-1), values.reshape(-1))
