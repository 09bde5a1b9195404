"""Linear maps along single dimensions, given as tables: which inputs, with which weights, make each output.

Interpolation, average pooling and padding by copies are all of this form, and so are their transposes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


class Table:
    """`out` outputs from `size` inputs: output i is the sum over k of weight[i, k] * input[index[i, k]].

    `index` is (out, k); `weight` likewise, or None where each output is one input (k = 1). `inside`: which places of
    the two mean something, where rows are filled up to one length (None: all).
    """

    __slots__ = ("_matrices", "_slices", "index", "inside", "out", "size", "weight")

    def __init__(self, size: int, index: Array, weight: Array | None, inside: Array | None = None) -> None:
        self.size = size
        self.index = index
        self.weight = weight
        self.inside = None if inside is None or inside.all() else inside
        self.out = index.shape[0]
        self._matrices: dict[Any, Array] = {}
        self._slices: list[slice | None] | None = None

    @property
    def T(self) -> Table:
        """The transposed map."""
        out, taps = self.index.shape
        targets = self.index.reshape(-1)
        weights = np.ones(targets.size) if self.weight is None else self.weight.reshape(-1)
        sources = np.repeat(np.arange(out), taps)
        keep = weights != 0
        targets, weights, sources = targets[keep], weights[keep], sources[keep]
        order = np.argsort(targets, kind="stable")
        targets, weights, sources = targets[order], weights[order], sources[order]
        counts = np.bincount(targets, minlength=self.size)
        width = max(int(counts.max(initial=0)), 1)
        place = np.arange(targets.size) - np.repeat(np.cumsum(counts) - counts, counts)
        index = np.zeros((self.size, width), np.int64)
        weight = np.zeros((self.size, width))
        inside = np.zeros((self.size, width), np.bool_)
        index[targets, place] = sources
        weight[targets, place] = weights
        inside[targets, place] = True
        return Table(out, index, weight, inside)

    def matrix(self, dtype: Any) -> Array:
        """The map as a dense matrix (out, size)."""
        known = self._matrices.get(dtype)
        if known is None:
            known = np.zeros((self.out, self.size), dtype)
            weights = np.ones(self.index.shape) if self.weight is None else self.weight
            np.add.at(known, (np.arange(self.out)[:, None], self.index), weights)
            self._matrices[dtype] = known
        return known

    def slices(self) -> list[slice | None]:
        """For each k the slice that index[:, k] is, where it is one."""
        if self._slices is None:
            self._slices = [as_slice(self.index[:, k]) for k in range(self.index.shape[1])]
        return self._slices


def as_slice(numbers: Array) -> slice | None:
    """The numbers as a slice, if they are evenly and positively spaced."""
    n = numbers.size
    if n == 0:
        return None
    if n == 1:
        return slice(int(numbers[0]), int(numbers[0]) + 1)
    step = int(numbers[1] - numbers[0])
    if step < 1 or (np.diff(numbers) != step).any():
        return None
    return slice(int(numbers[0]), int(numbers[-1]) + 1, step)


def resample(x: Array, *, dims: tuple[int, ...], tables: tuple[Table, ...]) -> Array:
    """Apply each table along its dimension (counted from the end)."""
    order = sorted(zip(dims, tables, strict=True), key=lambda item: item[1].out / max(item[1].size, 1))
    for dim, table in order:  # the shrinking ones first
        if not table.out:  # nothing is left
            size = {x.ndim + d: t.out for d, t in order}
            return np.zeros([size.get(i, n) for i, n in enumerate(x.shape)], x.dtype)
        x = _along(x, dim, table)
    return x


def resample_bytes(x: Array, *, tables: tuple[Table, ...]) -> Array:
    """The tables along the last dimensions of bytes, as PyTorch does it: the last dimension first, with weights of 16
    bits, and rounded to bytes after each dimension."""
    for dim, table in zip(range(-1, -len(tables) - 1, -1), reversed(tables), strict=True):
        weights = table.matrix(np.dtype(np.float64))
        digits = 0
        while digits < 22 and int(0.5 + weights.max() * (1 << (digits + 1))) < 1 << 15:
            digits += 1
        whole = np.trunc(weights * (1 << digits) + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
        total = np.moveaxis(x, dim, -1).astype(np.int64) @ whole.T
        x = np.moveaxis(np.clip((total + (1 << digits >> 1)) >> digits, 0, 255).astype(np.uint8), -1, dim)
    return np.ascontiguousarray(x)


def settled(y: Array) -> bool:
    """No nan and no infinity in `y` (nor in a sum of all of it): what zeros were multiplied with had no effect."""
    return bool(np.isfinite(np.add.reduce(y, None)))


def _along(x: Array, dim: int, table: Table) -> Array:
    if x.dtype.kind not in "fc":
        return _along_any(x, dim, table)
    with np.errstate(invalid="ignore", over="ignore"):
        y = _along_any(x, dim, table)
        # in a dense matrix, and in rows filled up, 0 * inf is nan where there should be nothing
        return y if table.weight is None or settled(y) else _by_taps(x, x.ndim + dim, table, careful=True)


def _along_any(x: Array, dim: int, table: Table) -> Array:
    axis = x.ndim + dim
    if table.weight is None:
        piece = table.slices()[0]
        if piece is not None:
            return x[(slice(None),) * axis + (piece,)].copy()
        return np.take(x, table.index[:, 0], axis)
    taps = table.index.shape[1]
    if x.dtype.kind in "fc" and table.size <= 16 * taps and table.out * table.size <= 1 << 20 and x.size:
        matrix = table.matrix(x.dtype)
        if dim == -1:
            return np.matmul(x, matrix.T)
        if dim == -2:
            return np.matmul(matrix, x)
        shape = (*x.shape[:axis], table.size, math.prod(x.shape[axis + 1 :]))
        return np.matmul(matrix, x.reshape(shape)).reshape(*x.shape[:axis], table.out, *x.shape[axis + 1 :])
    return _by_taps(x, axis, table)


def _by_taps(x: Array, axis: int, table: Table, careful: bool = False) -> Array:
    shape = [1] * x.ndim
    shape[axis] = table.out
    kind = x.dtype if x.dtype.kind in "fc" else np.dtype(np.float64)
    weight = table.weight
    assert weight is not None
    total = None
    for k, piece in enumerate(table.slices()):
        part = x[(slice(None),) * axis + (piece,)] if piece is not None else np.take(x, table.index[:, k], axis)
        column = weight[:, k]
        factor: Any = kind.type(column[0]) if (column == column[0]).all() else column.astype(kind).reshape(shape)
        term = part * factor
        if careful and table.inside is not None:
            term = np.where(table.inside[:, k].reshape(shape), term, kind.type(0))
        if total is None:
            total = term
        else:
            total += term
    assert total is not None
    return total if total.dtype == x.dtype else total.astype(x.dtype)


# ---------------------------------------------------------------- interpolation


def scale_of(size: int, out: int, align_corners: bool, factor: float | None) -> float:
    """The distance between the sources of neighbouring outputs."""
    if align_corners:
        return (size - 1) / (out - 1) if out > 1 else 0.0
    if factor is not None and factor > 0:
        return 1.0 / factor
    return size / out


def nearest(size: int, out: int, factor: float | None, exact: bool) -> Table:
    """Each output is one input. The arithmetic is float32, as in PyTorch, because rounding decides which one."""
    if factor is not None and factor > 0:
        scale = np.float32(1.0 / factor)
    else:
        scale = np.float32(size) / np.float32(out)
    at = np.arange(out, dtype=np.float32)
    if exact:
        index = np.floor((at + np.float32(0.5)) * scale)
    else:
        index = np.floor(at * scale)
    return Table(size, np.minimum(index.astype(np.int64), size - 1)[:, None], None)


def linear(size: int, out: int, align_corners: bool, factor: float | None) -> Table:
    """Two neighbours, weighted by distance."""
    scale = scale_of(size, out, align_corners, factor)
    at = np.arange(out, dtype=np.float64)
    source = at * scale if align_corners else np.maximum((at + 0.5) * scale - 0.5, 0)
    low = np.minimum(source.astype(np.int64), size - 1)
    high = low + (low < size - 1)
    t = np.clip(source - low, 0, 1)
    return Table(size, np.stack([low, high], 1), np.stack([1 - t, t], 1))


def cubic_weights(t: Array, a: float = -0.75) -> list[Array]:
    """Keys' cubic convolution: the weights of the four neighbours of a point at distance t from the second."""

    def near(x: Array) -> Array:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Array) -> Array:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def cubic(size: int, out: int, align_corners: bool, factor: float | None) -> Table:
    """Four neighbours, those beyond the border clamped to it."""
    scale = scale_of(size, out, align_corners, factor)
    at = np.arange(out, dtype=np.float64)
    source = at * scale if align_corners else (at + 0.5) * scale - 0.5
    low = np.floor(source).astype(np.int64)
    index = np.clip(low[:, None] + np.arange(-1, 3), 0, size - 1)
    return Table(size, index, np.stack(cubic_weights(source - low), 1))


def _triangle(x: Array) -> Array:
    return np.maximum(1 - np.abs(x), 0)


def _keys(x: Array) -> Array:
    a, x = -0.5, np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


FILTERS: dict[str, tuple[Any, int]] = {"linear": (_triangle, 2), "cubic": (_keys, 4), "lanczos": (_lanczos, 6)}


def antialiased(size: int, out: int, align_corners: bool, factor: float | None, kind: str) -> Table:
    """A filter as wide as the output's pixels: "linear", "cubic" or "lanczos"."""
    scale = scale_of(size, out, align_corners, factor)
    function, width = FILTERS[kind]
    support = width * 0.5 * scale if scale >= 1 else width * 0.5
    inverse = 1 / scale if scale >= 1 else 1.0
    center = scale * (np.arange(out) + 0.5)
    low = np.maximum((center - support + 0.5).astype(np.int64), 0)
    high = np.minimum((center + support + 0.5).astype(np.int64), size)
    taps = max(int((high - low).max(initial=1)), 1)
    offset = np.arange(taps)
    weight = function((offset + low[:, None] - center[:, None] + 0.5) * inverse)
    inside = offset < (high - low)[:, None]
    weight = np.where(inside, weight, 0)
    total = weight.sum(1, keepdims=True)
    weight = np.divide(weight, total, out=weight, where=total != 0)
    return Table(size, np.minimum(low[:, None] + offset, size - 1), weight, inside)


# ---------------------------------------------------------------- averages


def adaptive_bounds(size: int, out: int) -> tuple[Array, Array]:
    """Where the i-th of `out` regions that cover `size` starts and ends."""
    i = np.arange(out)
    return i * size // max(out, 1), -(-(i + 1) * size // max(out, 1))


def _ranges(size: int, start: Array, stop: Array, divisor: Array) -> Table:
    taps = max(int((stop - start).max(initial=1)), 1)
    offset = np.arange(taps)
    inside = offset < (stop - start)[:, None]
    index = np.clip(start[:, None] + offset, 0, max(size - 1, 0))
    weight = np.where(inside, 1.0 / np.maximum(divisor, 1)[:, None], 0.0)
    return Table(size, index, weight, inside)


def adaptive_mean(size: int, out: int) -> Table:
    """The means of regions that cover the input."""
    start, stop = adaptive_bounds(size, out)
    return _ranges(size, start, stop, stop - start)


def window_bounds(size: int, out: int, kernel: int, stride: int, padding: int, include_pad: bool) -> tuple[Array, Array]:
    """Where each window starts and ends: in the padded input (counted from the first element), or in the input alone."""
    start = np.arange(out) * stride - padding
    stop = np.minimum(start + kernel, size + padding)
    return (start, stop) if include_pad else (np.maximum(start, 0), np.minimum(stop, size))


def window_mean(
    size: int, out: int, kernel: int, stride: int, padding: int, include_pad: bool, divisor: float | None
) -> Table:
    """The means (or sums, divided by `divisor`) of windows; `include_pad`: padding counts as elements."""
    start, stop = window_bounds(size, out, kernel, stride, padding, True)
    whole = stop - start
    low, high = window_bounds(size, out, kernel, stride, padding, False)
    if divisor is not None:
        table = _ranges(size, low, high, np.ones(out))
        assert table.weight is not None
        table.weight /= divisor
        return table
    return _ranges(size, low, high, whole if include_pad else high - low)


# ---------------------------------------------------------------- padding by copies


def padding_copies(size: int, before: int, after: int, mode: str) -> Table:
    """ "reflect" (without the border), "replicate" or "circular"; negative paddings crop."""
    at = np.arange(-before, size + after)
    if mode == "replicate":
        index = np.clip(at, 0, size - 1)
    elif mode == "circular":
        index = at % size
    else:
        index = np.abs(at)
        index = np.where(index >= size, 2 * (size - 1) - index, index)
    return Table(size, index[:, None], None)
