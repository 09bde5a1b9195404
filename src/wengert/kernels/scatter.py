"""The indexed operations along one dimension: gather, scatter and its reductions, index_select, index_add, ...

Index values count from the front only (but for `index_fill_`); repeated ones are allowed everywhere. Functions whose
names end in `_` write into `x` and return it; they check everything first. A 0-d array counts as one of one element.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .advanced import add_at, flat_view, reduce_at
from .indexing import scalar_name, warn, wrap_dim
from .masks import broadcast_shapes
from .scalars import convert_scalar

__all__ = [
    "gather",
    "index_add_",
    "index_copy_",
    "index_fill_",
    "index_reduce_",
    "index_select",
    "scatter_",
    "scatter_add_",
    "scatter_reduce_",
    "take_along_dim",
]

Array = Any  # numpy.ndarray of any dtype


# ---------------------------------------------------------------- gather


def _at_least_1d(x: Array) -> Array:
    return x if x.ndim else x.reshape(1)


def _beyond(index: Array, size: int) -> bool:
    """Whether a value is negative, or `size` or more."""
    if index.dtype == np.int64:
        return bool(index.view(np.uint64).max() >= size)  # as unsigned numbers, the negative ones are the largest
    return bool(index.min() < 0 or index.max() >= size)


def _check_bounds(index: Array, dim: int, size: int) -> None:
    if index.size and _beyond(index, size):
        bad = index.reshape(-1)[np.argmax(((index < 0) | (index >= size)).reshape(-1))]
        raise RuntimeError(f"index {int(bad)} is out of bounds for dimension {dim} with size {size}")


def _positions(index: Array, dim: int, strides: tuple[int, ...]) -> Array:
    """Where in memory `x[.., index, ..]` lies: `index` along `dim`, its own position along the others."""
    where = index.astype(np.int64, copy=False)
    if strides[dim] != 1:
        where = where * strides[dim]
    for d, n in enumerate(index.shape):
        if d != dim and n > 1:
            where = where + (np.arange(n) * strides[d]).reshape((-1,) + (1,) * (index.ndim - d - 1))
    return where


def gather(x: Array, dim: int, index: Array) -> Array:
    """`out[i, j] = x[index[i, j], j]` for dim 0: the result has the shape of `index` (int64 or int32).

    `index` may be smaller than x in the other dimensions. Raises RuntimeError, IndexError.
    """
    dim = wrap_dim(dim, x.ndim)
    if not index.size:
        return np.empty(index.shape, x.dtype)
    if index.dtype.char not in "lqi":
        raise RuntimeError("gather(): Expected dtype int32/int64 for index")
    if max(x.ndim, 1) != max(index.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    ids, source = _at_least_1d(index), _at_least_1d(x)
    for d, n in enumerate(ids.shape):
        if d != dim and n > source.shape[d]:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(x.shape)} apart from dimension {dim}"
            )
    _check_bounds(ids, dim, source.shape[dim])
    flat, strides = flat_view(source)
    return flat.take(_positions(ids, dim, strides)).reshape(index.shape)


def take_along_dim(x: Array, index: Array, dim: int | None = None) -> Array:
    """`gather` with broadcasting, where `index` (int64) may count from the end; over all of x for dim None."""
    if dim is None:
        return gather(x.reshape(-1), 0, index.reshape(-1))
    if x.ndim == 0 and index.ndim == 0 and wrap_dim(dim, 0) == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    if x.ndim != index.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{x.ndim} dimensions for input, and {index.ndim} dimensions for indices"
        )
    if index.dtype != np.int64:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {scalar_name(index)}")
    dim = wrap_dim(dim, x.ndim)
    shape = list(index.shape)
    shape[dim] = x.shape[dim]
    common = broadcast_shapes(x.shape, tuple(shape))
    full = (*common[:dim], index.shape[dim], *common[dim + 1 :])
    source = np.broadcast_to(x, (*common[:dim], x.shape[dim], *common[dim + 1 :]))
    return gather(source, dim, np.remainder(np.broadcast_to(index, full), max(x.shape[dim], 1)))


# ---------------------------------------------------------------- scatter


def _check_scatter(x: Array, dim: int, index: Array, src: Array | None) -> int:
    """The checks that all scatters share; gives `dim` counted from the front."""
    dim = wrap_dim(dim, x.ndim)
    if index.size and index.dtype.char not in "lqi":
        raise RuntimeError("scatter(): Expected dtype int32/int64 for index")
    if src is not None and src.dtype != x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not index.size:
        return dim
    if max(x.ndim, 1) != max(index.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    ids, to = index.shape or (1,), x.shape or (1,)
    wrong = any(n > to[d] for d, n in enumerate(ids) if d != dim)
    if src is None:
        if wrong:
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(x.shape)} apart from dimension "
                f"{dim}"
            )
        return dim
    if not wrong:
        for d, n in enumerate(ids):
            if src.ndim and d >= src.ndim:
                wrap_dim(d, src.ndim)
            if n > (src.shape[d] if src.ndim else 1):
                wrong = True
                break
    if max(src.ndim, 1) != len(ids):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if wrong:
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(x.shape)} apart from dimension "
            f"{dim} and to be no larger size than src {list(src.shape)}"
        )
    return dim


def _targets(x: Array, dim: int, index: Array) -> tuple[Array, Array]:
    """The memory of `x` as one array, and the positions in it that `index` means. Raises RuntimeError."""
    to, ids = _at_least_1d(x), _at_least_1d(index)
    _check_bounds(ids, dim, to.shape[dim])
    flat, strides = flat_view(to)
    return flat, _positions(ids, dim, strides)


def _cut(src: Array, shape: tuple[int, ...]) -> Array:
    """The corner of `src` that has `shape`."""
    if not src.ndim:
        return src.reshape(shape)
    return src[tuple(slice(n) for n in shape or (1,))].reshape(shape or (1,))


_warned: set[str] = set()


def warn_once(message: str) -> None:
    """Warn the first time only."""
    if message not in _warned:
        _warned.add(message)
        warn(message)


_SCATTER_REDUCTIONS = {"add": np.add, "multiply": np.multiply}


def scatter_(x: Array, dim: int, index: Array, src: Any, reduce: str | None = None) -> Array:
    """`x[index[i, j], j] = src[i, j]` for dim 0 (or `+=`, `*=` for reduce "add", "multiply"). Returns x.

    `src`: an array of x's dtype that is at least as large as `index`, or a number. Raises RuntimeError, IndexError.
    """
    is_array = isinstance(src, np.ndarray)
    if reduce is not None and is_array:
        warn_once(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a future "
            "PyTorch release. Use torch.scatter_reduce instead for more reduction options."
        )
    dim = _check_scatter(x, dim, index, src if is_array else None)
    if reduce is not None and reduce not in _SCATTER_REDUCTIONS:
        raise RuntimeError("reduce argument must be either add or multiply.")
    if not index.size:
        return x
    value = _cut(src, index.shape) if is_array else convert_scalar(src, x.dtype)
    flat, where = _targets(x, dim, index)
    if reduce is None:
        flat[where.reshape(-1)] = value.reshape(-1)
    else:
        reduce_at(_SCATTER_REDUCTIONS[reduce], flat, where, np.broadcast_to(value, where.shape))
    return x


def scatter_add_(x: Array, dim: int, index: Array, src: Array) -> Array:
    """`x[index[i, j], j] += src[i, j]` for dim 0. Returns x. Raises RuntimeError, IndexError."""
    dim = _check_scatter(x, dim, index, src)
    if index.size:
        flat, where = _targets(x, dim, index)
        reduce_at(np.add, flat, where, _cut(src, index.shape))
    return x


_REDUCTIONS = {"sum": np.add, "prod": np.multiply, "mean": np.add, "amax": np.maximum, "amin": np.minimum}


def identity_of(reduce: str, dtype: np.dtype[Any]) -> Any:
    """What a reduction starts from when `x` itself is not included."""
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


def _not_for(kernel: str, x: Array) -> NotImplementedError:
    return NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_name(x)}'")


def divide_by_count(total: Array, count: Array) -> Array:
    """The mean: integers are rounded down."""
    if total.dtype.kind in "iu":
        return np.floor_divide(total, count.astype(total.dtype))
    return np.true_divide(total, count.astype(total.dtype)).astype(total.dtype, copy=False)


def scatter_reduce_(
    x: Array, dim: int, index: Array, src: Array, reduce: str, include_self: bool = True
) -> Array:
    """Reduce the elements of `src` that go to one place ("sum", "prod", "mean", "amax", "amin"). Returns x.

    With `include_self` the old element takes part. Raises RuntimeError, IndexError, NotImplementedError.
    """
    dim = _check_scatter(x, dim, index, src)
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    kind = x.dtype.kind
    if not index.size:
        if kind == "b" and reduce == "mean":
            raise _not_for("div_floor_cpu", x)
        return x
    if not include_self:
        _targets(x, dim, index)  # checks the bounds before the dtype
    if (kind == "b" and reduce == "mean") or (kind == "c" and reduce in ("amax", "amin")):
        raise _not_for(f"scatter_gather_tensor_cpu_reduce_{reduce}", x)
    flat, where = _targets(x, dim, index)
    where = where.reshape(-1)
    if not include_self:
        flat[where] = identity_of(reduce, x.dtype)
    reduce_at(_REDUCTIONS[reduce], flat, where, _cut(src, index.shape))
    if reduce == "mean":
        if flat.size < 4 * where.size:
            count = np.bincount(where)
            places = np.flatnonzero(count)
            count = count[places]
        else:
            places, count = np.unique(where, return_counts=True)
        flat[places] = divide_by_count(flat[places], count + include_self)
    return x


# ---------------------------------------------------------------- index_select and its counterparts


def index_select(x: Array, dim: int, index: Array) -> Array:
    """The slices of `x` along `dim` that `index` (int64 or int32, one dimension) names. A 0-d array gives a 0-d result.

    Raises RuntimeError, IndexError.
    """
    dim = wrap_dim(dim, x.ndim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if x.ndim == 0 and index.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)")
    if index.dtype.char not in "lqi":
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    source = _at_least_1d(x)
    size = source.shape[dim]
    ids = index.reshape(-1)
    if ids.size and _beyond(ids, size):
        if x.ndim > 1 and x.size == 0 and size == 0:
            raise RuntimeError("index_select(): self indexing axis dim should be positive")
        if x.ndim > 1 and (dim == 1 or x.size == 0):
            bad = ids[np.argmax((ids < 0) | (ids >= size))]
            raise RuntimeError(f"INDICES element is out of DATA bounds, id={int(bad)} axis_dim={size}")
        raise IndexError("index out of range in self")
    if x.ndim == 0:
        return x.copy()
    if x.flags.c_contiguous:
        return x.take(ids, dim)
    return np.ascontiguousarray(x[(*(slice(None),) * dim, ids)])


def _check_along(name: str, x: Array, dim: int, index: Array, source: Array) -> int:
    """The checks of index_add and index_reduce."""
    dim = wrap_dim(dim, x.ndim)
    kind = scalar_name(index)
    if index.ndim > 1:
        raise IndexError(
            f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {kind} and size: "
            f"{list(index.shape)}"
        )
    if index.dtype.char not in "lqi":
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index but got: {kind}")
    if source.dtype != x.dtype:
        raise RuntimeError(
            f"{name}(): self ({scalar_name(x)}) and source ({scalar_name(source)}) must have the same scalar type"
        )
    if source.ndim == 0 and x.ndim == 0:
        if index.size != 1:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        return dim
    if source.ndim and dim < source.ndim and index.size != source.shape[dim]:
        raise RuntimeError(
            f"{name}(): Number of indices ({index.size}) should be equal to source.size(dim): ({source.shape[dim]}), "
            f"for dim: {dim}"
        )
    if x.ndim != source.ndim or any(n != m for d, (n, m) in enumerate(zip(x.shape, source.shape)) if d != dim):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(x.shape)} source.shape = {list(source.shape)}"
        )
    return dim


def index_add_(x: Array, dim: int, index: Array, source: Array, alpha: Any = 1) -> Array:
    """`x[index[i], ...] += alpha * source[i, ...]` for dim 0. Returns x. Raises RuntimeError, IndexError."""
    dim = _check_along("index_add_", x, dim, index, source)
    factor = convert_scalar(alpha, x.dtype)
    to, ids = _at_least_1d(x), index.reshape(-1)
    if x.ndim > 1 and x.size == 0 or not ids.size:
        return x
    size = to.shape[dim]
    if ids.min() < 0 or ids.max() >= size:
        if x.ndim > 1 and dim in (0, x.ndim - 1) and alpha == 1 and index.dtype == np.int64:
            _check_bounds(ids, dim, size)
        raise IndexError("index out of range in self")
    values = _at_least_1d(source)
    if alpha != 1:
        values = values * factor if x.dtype.kind != "b" else values & factor
    add_at(to, [*[None] * dim, ids], values, values.shape)
    return x


def index_copy_(x: Array, dim: int, index: Array, source: Array) -> Array:
    """`x[index[i], ...] = source[i, ...]` for dim 0. Returns x. Raises RuntimeError, IndexError."""
    dim = wrap_dim(dim, x.ndim)
    if index.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    if source.ndim == 0 and index.size != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {index.size})")
    if source.ndim != x.ndim and source.ndim and x.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({source.ndim}), destination dimensionality ({x.ndim})"
        )
    if index.dtype != np.int64:
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {scalar_name(index)}")
    if source.dtype != x.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{scalar_name(x)} and (source) {scalar_name(source)}"
        )
    slice_to = x.shape[:dim] + x.shape[dim + 1 :]
    slice_from = source.shape[:dim] + source.shape[dim + 1 :]
    if slice_to != slice_from:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(map(str, slice_to))} at dimension {dim} and source slice shape: "
            f"{' '.join(map(str, slice_from))} at dimension 0."
        )
    if source.ndim and index.size != source.shape[dim]:
        raise IndexError(
            f"index_copy_(): Number of indices ({index.size}) should be equal to source.size(dim) "
            f"({source.shape[dim]})"
        )
    ids, to = index.reshape(-1), _at_least_1d(x)
    size = to.shape[dim]
    if not ids.size or 0 in to.shape[:dim] + to.shape[dim + 1 :]:
        return x
    if ids.min() < 0 or ids.max() >= size:
        bad = ids[np.argmax((ids < 0) | (ids >= size))]
        raise IndexError(f"index_copy_(): index {int(bad)} is out of bounds for dimension {dim} with size {size}")
    to[(*(slice(None),) * dim, ids)] = source
    return x


def index_fill_(x: Array, dim: int, index: Array, value: Any) -> Array:
    """Write the number `value` to the slices that `index` (int64, may count from the end) names. Returns x."""
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.ndim} dimension(s)."
            )
        value = value.item()
    if index.dtype != np.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if isinstance(value, complex) and x.dtype.kind != "c":
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    dim = wrap_dim(dim, x.ndim)
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    fill = convert_scalar(value, x.dtype)
    ids, to = index.reshape(-1), _at_least_1d(x)
    size = to.shape[dim]
    if not ids.size or 0 in to.shape[:dim] + to.shape[dim + 1 :]:
        return x
    if ids.min() < -size or ids.max() >= size:
        bad = ids[np.argmax((ids < -size) | (ids >= size))]
        raise IndexError(f"index {int(bad)} is out of bounds for dimension {dim} with size {size}")
    to[(*(slice(None),) * dim, ids)] = fill
    return x


_INDEX_REDUCTIONS = ("prod", "mean", "amax", "amin")
_KERNEL_NAMES = {"amax": "maximum_cpu", "amin": "minimum_cpu"}


def index_reduce_(
    x: Array, dim: int, index: Array, source: Array, reduce: str, include_self: bool = True
) -> Array:
    """Reduce the slices of `source` that go to one slice of `x` ("prod", "mean", "amax", "amin"). Returns x.

    Raises RuntimeError, IndexError, NotImplementedError.
    """
    if reduce not in _INDEX_REDUCTIONS:
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    warn_once("index_reduce() is in beta and the API may change at any time.")
    dim = _check_along("index_reduce_", x, dim, index, source)
    if not include_self and x.dtype.kind in "bc":
        raise _not_for("index_reduce_func_exclude_input_init", x)
    if x.ndim < 2 and x.dtype.kind in "bc":
        raise _not_for("index_func_", x)
    to, ids, values = _at_least_1d(x), index.reshape(-1), _at_least_1d(source)
    if not ids.size:
        return x
    if x.ndim > 1 and not to.shape[dim]:
        raise IndexError(f"select(): index 0 out of range for tensor of size {list(x.shape)} at dimension {dim}")
    size = to.shape[dim]
    if ids.min() < 0 or ids.max() >= size:
        beyond = (ids < -size) | (ids >= size)
        if not include_self and x.size and beyond.any():
            bad = ids[np.argmax(beyond)]
            raise IndexError(f"index {int(bad)} is out of bounds for dimension {dim} with size {size}")
        raise IndexError("index out of range in self")
    if x.dtype.kind == "c" and reduce in _KERNEL_NAMES:
        raise _not_for(_KERNEL_NAMES[reduce], x)
    if x.dtype.kind == "b" and reduce == "mean":
        raise _not_for("div_floor_cpu", x)
    spread = np.broadcast_to(ids.reshape((-1,) + (1,) * (to.ndim - dim - 1)), values.shape)
    flat, strides = flat_view(to)
    where = _positions(spread, dim, strides)
    if not include_self:
        flat[where.reshape(-1)] = identity_of(reduce, x.dtype)
    reduce_at(_REDUCTIONS[reduce], flat, where, values)
    if reduce == "mean":
        places, count = np.unique(ids, return_counts=True)
        key = (*(slice(None),) * dim, places)
        to[key] = divide_by_count(to[key], (count + include_self).reshape((-1,) + (1,) * (to.ndim - dim - 1)))
    return x
