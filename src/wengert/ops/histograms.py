"""Histograms: of equal parts of a range, between given edges, in several dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import each_slot
from ..core.inplace import write_out
from ..core.primitive import general
from ..core.return_types import TYPES
from ..core.samples import Case, T, samples
from ..core.takes import COMPLEX, FLOATS, INTEGERS, REAL, Takes
from ..core.tensor import Tensor
from .install import public
from .lines import c_name, refuse
from .reduce import cast_input


def _range(data: Any, low: float, high: float, name: str, margin: float = 1) -> tuple[float, float]:
    if low == high and data.size:
        low, high = data.min(), data.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError(f"{name}: max must be larger than min")
    if low == high:
        low, high = low - margin, high + margin
    return low, high


_range_takes = Takes("histogramdd", FLOATS)
_edges_take = Takes("linspace_cpu", REAL | INTEGERS | COMPLEX)
_count_takes = Takes("histogram_cpu", REAL)


def _check_dtype(x: Tensor, given: Any, edges: bool = False) -> None:
    """The dtypes of PyTorch's three steps: the range of the data (unless `given`), the edges (unless there), the count."""
    if not edges:
        if given is None:
            _range_takes(x)
        _edges_take(x)
        kind = x.dtype.np
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            if any(not limits.min <= v <= limits.max for v in given or ()):
                raise RuntimeError(f"value cannot be converted to type {x.dtype.name}_t without overflow")
    _count_takes(x)


def _check_bins(bins: int, dim: int = 0) -> None:
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {dim}")


def _check_limits(range: Any, dims: int) -> None:
    if range is None:
        return
    if len(range) != 2 * dims:
        raise RuntimeError(
            f"torch.histogramdd: for a {dims}-dimensional histogram range should have {2 * dims} elements, but got "
            f"{len(range)}"
        )
    for i, (low, high) in enumerate(zip(range[::2], range[1::2], strict=True)):
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {i}"
            )


def _check_weight(x: Tensor, shape: list[int], weight: Tensor | None, name: str) -> None:
    """`shape`: that of the points, coordinates last."""
    if weight is None:
        return
    if weight.dtype is not x.dtype:
        raise RuntimeError(
            f"{name}: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but got "
            f"input({c_name(x.dtype)}), and weight({c_name(weight.dtype)})"
        )
    if list(weight.shape) != shape[:-1]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding "
            f"its innermost dimension, but got input with shape {shape} and weight with shape {list(weight.shape)}"
        )


def _check_edges(x: Tensor, edges: Any) -> None:
    for i, given in enumerate(edges):
        if given.ndim != 1:
            raise RuntimeError(
                f"torch.histogramdd: bins tensor should have one dimension, but got {given.ndim} dimensions in the bins "
                f"tensor for dimension {i}"
            )
        if given.dtype is not x.dtype:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{c_name(x.dtype)} and bins for dimension {i} with dtype {c_name(given.dtype)}"
            )


def _counted(data: Any, edges: Any, weights: Any) -> Any:
    """How many (or what weight) lies in each bin; a bin holds its left end, the last both."""
    n = edges.size - 1
    inside = (data >= edges[0]) & (data <= edges[-1])
    place = np.minimum(np.searchsorted(edges, data[inside], side="right") - 1, n - 1)
    return np.bincount(place, None if weights is None else weights[inside], n).astype(data.dtype)


def _histc_kernel(x: Any, *, bins: int, low: float, high: float) -> Any:
    low, high = _range(x, low, high, "torch.histc")
    inside = (x >= low) & (x <= high)
    place = ((x[inside].astype(np.result_type(x, np.float32)) - low) / (high - low) * bins).astype(np.int64)
    return np.bincount(np.minimum(place, bins - 1), minlength=bins).astype(x.dtype)


def _histogram_kernel(x: Any, bins: Any, weight: Any, *, count: Any, range: Any, density: bool) -> tuple[Any, Any]:
    data = x.reshape(-1)
    edges = bins
    if edges is None:
        low, high = _range(data, *(range or (0, 0)), "torch.histogram", 0.5) if data.size or range else (0.0, 1.0)
        edges = np.linspace(low, high, count + 1, dtype=data.dtype)
    hist = _counted(data, edges, None if weight is None else weight.reshape(-1))
    return (hist / hist.sum() / np.diff(edges)).astype(data.dtype) if density else hist, edges.copy()


def _no_histogram_derivative(xp: Any, gs: Any, needs: Any) -> Any:
    raise RuntimeError("derivative for aten::histogram is not implemented")


_histc = general("histc", params=("bins", "low", "high"), kernel=_histc_kernel, half="native", batch=each_slot)
_histogram = general(
    "histogram", inputs=("x", "bins", "weight"), params=("count", "range", "density"), kernel=_histogram_kernel,
    n_outputs=2, vjp=_no_histogram_derivative, node="NotImplemented", half="native", batch=each_slot,
)  # fmt: skip


@public
def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many elements are in each of `bins` equal parts of [min, max] (of their own range, if both are equal)."""
    input = cast_input(input, None, "histc")
    _check_bins(bins)
    if min > max:
        raise RuntimeError("torch.histc: max must be larger than min")
    if min == max and math.prod(input.shape):
        refuse(input, "c", f"\"aminmax_cpu\" not implemented for '{input.dtype.scalar_name}'", NotImplementedError)
    _check_dtype(input, (min, max))
    y: Tensor = _histc(input, bins=bins, low=min, high=max)
    return y if out is None else write_out(out, y, "histc")


@public
def histogram(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None, density: bool = False,
    out: Any = None,
) -> Any:  # fmt: skip
    """(hist, bin_edges): counts or weights in `bins` equal parts of `range`, or between the edges in tensor `bins`."""
    input = cast_input(input, None, "histogram")
    edges = bins if isinstance(bins, Tensor) else None
    if edges is None:
        _check_bins(bins)
        _check_limits(range, 1)
    else:
        _check_edges(input, (edges,))
    _check_weight(input, [math.prod(input.shape), 1], None if weight is None else weight.reshape(-1), "torch.histogram")  # type: ignore[attr-defined]
    _check_dtype(input, range, edges is not None)
    pair = _histogram(input, edges, weight, count=bins if edges is None else 0, range=range, density=density)
    if out is not None:
        pair = tuple(write_out(o, y, "histogram") for o, y in zip(out, pair, strict=True))
    return TYPES["histogram"](pair)


def _histogramdd_kernel(x: Any, weight: Any, *, bins: Any, range: Any, density: bool) -> tuple[Any, ...]:
    points = x.reshape(-1, x.shape[-1])
    edges = []
    for i, size in enumerate(bins):
        if not isinstance(size, int):
            edges.append(np.asarray(size))
            continue
        given = (0, 0) if range is None else tuple(range[2 * i : 2 * i + 2])
        edges.append(np.linspace(*_range(points[:, i], *given, "torch.histogramdd", 0.5), size + 1, dtype=x.dtype))
    if x.dtype.itemsize < 4:
        points = points.astype(np.float32)
    ends = [e.astype(points.dtype) for e in edges]
    hist, _ = np.histogramdd(points, ends, weights=None if weight is None else weight.reshape(-1))
    if density:
        hist = hist / hist.sum()
        for i, e in enumerate(edges):
            hist = hist / np.diff(e).reshape([-1 if d == i else 1 for d in np.arange(len(edges))])
    return (hist.astype(x.dtype), *edges)


_histogramdd = general(
    "histogramdd", inputs=("x", "weight"), params=("bins", "range", "density"), kernel=_histogramdd_kernel,
    n_outputs=None, vjp=_no_histogram_derivative, node="NotImplemented", half="native", batch=each_slot,
)  # fmt: skip


@public(method=False)
def histogramdd(
    input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """(hist, bin_edges) of points: the last dimension of `input` holds coordinates."""
    input = cast_input(input, None, "histogramdd")
    if input.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    dims = input.shape[-1]
    sizes = [bins] * dims if isinstance(bins, int) else list(bins)
    edges_given = bool(sizes) and isinstance(sizes[0], Tensor)
    if edges_given:
        for i, s in enumerate(sizes):
            if not isinstance(s, Tensor):
                raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type(s).__name__}")
        if len(sizes) != dims:
            raise RuntimeError(
                f"torch.histogramdd: expected {dims} sequences of bin edges for a {dims}-dimensional histogram but got "
                f"{len(sizes)}"
            )
        _check_edges(input, sizes)
    else:
        if len(sizes) != dims:
            raise RuntimeError(
                "histogramdd: The size of bins must be equal to the innermost dimension of the input."
            )
        for i, s in enumerate(sizes):
            _check_bins(s, i)
        _check_limits(range, dims)
    _check_weight(input, list(input.shape), weight, "torch.histogramdd")
    _check_dtype(input, range, edges_given)
    given = tuple(s.detach()._data if isinstance(s, Tensor) else s for s in sizes)
    hist, *edges = _histogramdd(input, weight, bins=given, range=range, density=density)
    return TYPES["histogramdd"]((hist, tuple(edges)))


samples("histc", Case(T(3, 4), 4), Case(T(8), 3, -1, 1), differentiable=False, complex=False)
samples("histogram", Case(T(8), 4), Case(T(8), 3, range=(-1.0, 1.0), density=True), differentiable=False,
        complex=False)  # fmt: skip
samples("histogramdd", Case(T(6, 2), [2, 3]), differentiable=False, complex=False)
