"""Searching and counting: unique, searchsorted, bucketize, bincount, isin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import promotion
from ..core.batching import each_slot, front, size_of_batch, stretched
from ..core.dispatch import dispatch, scalar_array
from ..core.dtypes import dtype
from ..core.inplace import write_out
from ..core.primitive import general, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor, wrap
from .compare import tensor_operand
from .install import public
from .lines import promotable, refuse, supported
from .reduce import cast_input, wrap_dim
from .whole import whole

# ---------------------------------------------------------------- unique


def _refuse_gradient(name: str) -> Any:
    def rule(xp: Any, gs: Any, needs: Any) -> Any:
        raise RuntimeError(f"the derivative for '{name}' is not implemented.")

    return rule


def _rows(x: Any, dim: int) -> tuple[Any, Any]:
    """`x` with `dim` first, and as a matrix."""
    moved = np.moveaxis(x, dim, 0)
    return moved, np.ascontiguousarray(moved).reshape(moved.shape[0], math.prod(moved.shape[1:]))


def _groups(new: Any) -> tuple[Any, Any, Any]:
    """From where a run begins: its starts, the run of each element, the lengths."""
    starts = np.flatnonzero(new)
    runs = np.cumsum(new) - 1
    return starts, runs, np.diff(np.append(starts, new.size))


def _begins(rows: Any) -> Any:
    """Where a row differs from the one before."""
    new = np.ones(rows.shape[0], np.bool_)
    new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return new


def _unique_kernel(x: Any, *, dim: int | None) -> tuple[Any, Any, Any]:
    if dim is None:
        flat = x.reshape(-1)
        order = np.argsort(flat, kind="stable")
        starts, runs, counts = _groups(_begins(flat[order][:, None]))
        inverse = np.empty(flat.size, np.int64)
        inverse[order] = runs
        return flat[order][starts], inverse.reshape(x.shape), counts.astype(np.int64)
    moved, rows = _rows(x, dim)
    order = np.lexsort(rows.T[::-1]) if rows.shape[1] else np.arange(rows.shape[0])
    starts, runs, counts = _groups(_begins(rows[order]))
    inverse = np.empty(rows.shape[0], np.int64)
    inverse[order] = runs
    return np.moveaxis(moved[order][starts], 0, dim), inverse, counts.astype(np.int64)


def _consecutive_kernel(x: Any, *, dim: int | None) -> tuple[Any, Any, Any]:
    if dim is None:
        flat = x.reshape(-1)
        starts, runs, counts = _groups(_begins(flat[:, None]))
        return flat[starts], runs.reshape(x.shape).astype(np.int64), counts.astype(np.int64)
    moved, rows = _rows(x, dim)
    starts, runs, counts = _groups(_begins(rows))
    return np.moveaxis(moved[starts], 0, dim), runs.astype(np.int64), counts.astype(np.int64)


def _shape_depends(name: str) -> Any:
    def rule(prim: Any, vals: Any, dims: Any, params: Any) -> Any:
        raise RuntimeError(
            f"vmap: It looks like you're calling {name}: the shape of its result depends on the values, which vmap "
            "cannot batch."
        )

    return rule


_unique = general(
    "unique2", params=("dim",), kernel=_unique_kernel, n_outputs=3, nondifferentiable_outputs=(1, 2),
    vjp=_refuse_gradient("_unique2"), node="Unique2Backward0", batch=_shape_depends("unique"), half="native",
)  # fmt: skip
_unique_dim = _unique.renamed("UniqueDimBackward0")
_unique_consecutive = general(
    "unique_consecutive", params=("dim",), kernel=_consecutive_kernel, n_outputs=3, nondifferentiable_outputs=(1, 2),
    vjp=_refuse_gradient("unique_consecutive"), batch=_shape_depends("unique_consecutive"), half="native",
)  # fmt: skip


def _chosen(found: Any, return_inverse: bool, return_counts: bool) -> Any:
    values, inverse, counts = found
    parts = [values] + [inverse] * bool(return_inverse) + [counts] * bool(return_counts)
    return tuple(parts) if len(parts) > 1 else values


def _unique_takes(x: Tensor, by_slices: bool) -> None:
    name = "unique_dim" if by_slices else "unique"
    refuse(x, "c", f"\"{name}\" not implemented for '{x.dtype.scalar_name}'", NotImplementedError)


def _unique_along(x: Tensor, dim: int | None) -> int | None:
    """The dimension whose slices are compared, after PyTorch's checks."""
    if dim is None:
        return None
    if not x.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    d = wrap_dim(dim, x.ndim)
    if 0 in x.shape and x.shape[d]:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    return d


@public
def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The distinct elements in order (or slices along `dim`), and on request where each went and how many there are."""
    input = cast_input(input, None, "unique")
    _unique_takes(input, dim is not None)
    d = _unique_along(input, dim)
    node = None if d is None else _unique_dim
    return _chosen(dispatch(_unique, (input,), {"dim": d}, node), return_inverse, return_counts)


@public
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along `dim`) without repetitions of the one before."""
    input = cast_input(input, None, "unique_consecutive")
    _unique_takes(input, dim is not None and input.ndim > 1)
    d = _unique_along(input, dim)
    return _chosen(_unique_consecutive(input, dim=d), return_inverse, return_counts)


_INTS = T(6, dtype="int64", low=0, high=3)
_GRID = T(4, 2, dtype="int64", low=0, high=2)
samples("unique", Case(_INTS), Case(_INTS, True, True, True), Case(_GRID, dim=0, return_counts=True),
        Case(T(3, 4, dtype="bool")), differentiable=False, forward=False)  # fmt: skip
samples("unique_consecutive", Case(_INTS), Case(_INTS, True, True), Case(_GRID, dim=1), differentiable=False)

# ---------------------------------------------------------------- places in a sorted sequence


def _searchsorted_kernel(sequence: Any, values: Any, *, right: bool) -> Any:
    side = "right" if right else "left"
    if sequence.ndim == 1:
        return np.asarray(np.searchsorted(sequence, values, side=side))
    n = sequence.shape[-1]
    flat = np.ascontiguousarray(sequence).reshape(math.prod(sequence.shape[:-1]), n)
    rows = np.ascontiguousarray(values).reshape(flat.shape[0], values.shape[-1])
    found = np.empty(rows.shape, np.int64)
    for i in range(flat.shape[0]):
        found[i] = np.searchsorted(flat[i], rows[i], side=side)
    return found.reshape(values.shape)


def _searchsorted_batch(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    sequence, values = vals
    if dims[0] is None and sequence.ndim == 1:
        return prim(sequence, front(values, dims[1]), **params), 0
    n = size_of_batch(vals, dims)
    sequence, values = stretched(sequence, dims[0], n), stretched(values, dims[1], n)
    lead = tuple(sequence.shape)[:-1]
    inner = tuple(values.shape)[1:]
    if sequence.ndim == 2:  # one sequence a slot: its values as one row
        out = prim(sequence, ops.reshape(values, (n, math.prod(inner))), **params)
        return ops.reshape(out, (n, *inner)), 0
    return prim(sequence, ops.reshape(values, (*lead, values.shape[-1])), **params), 0


_searchsorted = general(
    "searchsorted", inputs=("x", "y"), params=("right",),
    kernel=supported(_searchsorted_kernel, "searchsorted_out_cpu", "bc"), batch=_searchsorted_batch,
    promote="keep",
)  # fmt: skip


def _narrow(y: Tensor, out_int32: bool) -> Tensor:
    from ..core.dtypes import int32

    return ops.to_dtype(y, int32) if out_int32 else y  # type: ignore[no-any-return]


@public(method=False)
def searchsorted(
    sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Tensor | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """For each value, the index in the innermost dimension of `sorted_sequence` where it would keep the order."""
    tensor_operand(sorted_sequence, "searchsorted", 1, "sorted_sequence")
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    boundaries, values = tuple(sorted_sequence.shape), input if isinstance(input, Tensor) else None
    if values is None:
        values = wrap(np.array(input, sorted_sequence.dtype.np))
    shape = tuple(values.shape)
    if not boundaries:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if not shape and len(boundaries) != 1:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got "
            f"boundaries tensor dim({len(boundaries)}) and input value's dim({len(shape)}) numel({values.numel()})"  # type: ignore[attr-defined]
        )
    if len(boundaries) != 1 and (len(boundaries) != len(shape) or boundaries[:-1] != shape[:-1]):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(boundaries)} and input "
            f"value tensor {list(shape)}"
        )
    if sorter is not None:
        if tuple(sorter.shape) != boundaries:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
                f"{list(boundaries)}and got sorter tensor {list(sorter.shape)}"
            )
        if sorter.dtype.name != "int64":
            raise RuntimeError(
                f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {sorter.dtype.scalar_name}"
            )
        sorted_sequence = ops.take_along(sorted_sequence, sorter, dim=sorted_sequence.ndim - 1)
    y = _narrow(_searchsorted(sorted_sequence, values, right=bool(right or side == "right")), out_int32)
    return y if out is None else write_out(out, y, "searchsorted")


@public(method=False)
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """For each value, the index of its bucket between the 1-d sorted `boundaries`."""
    tensor_operand(boundaries, "bucketize", 2, "boundaries")
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)  # type: ignore[no-any-return]


samples("searchsorted", Case(T(3, dtype="int64", low=1, high=2), T(2, 3)), Case(T(0), T(2)), differentiable=False,
        complex=False)  # fmt: skip
samples("bucketize", Case(T(2, 3), T(1)), Case(T(3), T(1), right=True, out_int32=True), differentiable=False,
        complex=False)  # fmt: skip

# ---------------------------------------------------------------- counts


def _bincount_kernel(x: Any, weights: Any, *, minlength: int) -> Any:
    if x.ndim != 1 or (x.size and x.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return np.bincount(x, minlength=minlength).astype(np.int64)
    kind = np.float32 if weights.dtype == np.float32 else np.float64
    return np.bincount(x, weights.astype(np.float64), minlength).astype(kind)


_bincount = general(
    "bincount", inputs=("x", "weights"), params=("minlength",), kernel=_bincount_kernel, half="native",
    batch=each_slot,
)  # fmt: skip


@public
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often (or with what weight) each number from 0 on occurs in a 1-d tensor of integers."""
    input = cast_input(input, None, "bincount")
    if input.dtype.category != 1:
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{input.dtype.scalar_name}'")
    minlength = whole(minlength, "bincount", arg="minlength")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is not None and (weights.ndim != 1 or tuple(weights.shape) != tuple(input.shape)):
        raise RuntimeError("weights should be 1-d and have the same length as input")
    return _bincount(input, weights, minlength=minlength)  # type: ignore[no-any-return]


samples("bincount", Case(_INTS), Case(_INTS, minlength=7), Case(_INTS, T(6, grad=False)), differentiable=False,
        complex=False)  # fmt: skip

# ---------------------------------------------------------------- membership


@public(method=False)
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: Tensor | None = None
) -> Tensor:
    """Whether each element is among `test_elements`."""
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError(
            "isin() received an invalid combination of arguments - got "
            f"({type(elements).__name__}, {type(test_elements).__name__}), but expected one of:\n"
            " * (Tensor elements, Tensor test_elements, *, bool assume_unique = False, bool invert = False, Tensor out "
            "= None)\n * (Number element, Tensor test_elements, *, bool assume_unique = False, bool invert = False, "
            "Tensor out = None)\n * (Tensor elements, Number test_element, *, bool assume_unique = False, bool invert "
            "= False, Tensor out = None)\n"
        )
    common = promotion.result_dtype([promotable(v) for v in (elements, test_elements)])
    for given in (elements, test_elements, common):
        found = given.dtype if isinstance(given, Tensor) else given
        if isinstance(found, dtype) and (found.is_complex or found.category == 0):
            raise RuntimeError(f"Unsupported input type encountered for isin(): {found.scalar_name}")
    kind = common.np
    pair = [v if isinstance(v, Tensor) else wrap(scalar_array(v, kind)) for v in (elements, test_elements)]
    y = _isin(*pair, invert=bool(invert))
    return y if out is None else write_out(out, y, "isin")  # type: ignore[no-any-return]


def _isin_batch(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    if dims[1] is None:
        return prim(*vals, **params), dims[0]
    n = size_of_batch(vals, dims)
    x, among = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    return ops.stack([prim(x[i], among[i], **params) for i in np.arange(n)], dim=0), 0


_isin = general(
    "isin", inputs=("x", "y"), params=("invert",), batch=_isin_batch, half="native",
    kernel=lambda x, y, invert: np.isin(x, y, invert=invert),
)  # fmt: skip
ops.isin = isin
samples("isin", Case(_INTS, T(2, dtype="int64", low=0, high=3)), Case(_INTS, 2, invert=True), differentiable=False)
