"""Images sampled at points: each result is a weighted sum of a few pixels, so sampling is a sparse matrix.

Pixels stand as rows with their channels side by side, around them a border of zeros for what lies outside. The
transpose of the matrix takes gradients back to the image; those of the points need the pixels once more.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from .resample import cubic_weights

Array = Any
LINEAR, NEAREST, CUBIC = 0, 1, 2


def _reflected(c: Array, size: int, align_corners: bool) -> tuple[Array, Array]:
    """Folded back at the borders, and the sign of the slope."""
    low, high = (0, 2 * (size - 1)) if align_corners else (-1, 2 * size - 1)
    if low == high:
        return np.zeros_like(c), np.zeros_like(c)
    kind = c.dtype.type
    least, span = kind(low / 2), kind((high - low) / 2)
    away = np.abs(c - least)
    flips = np.floor(away / span)
    extra = away - flips * span
    odd = flips % 2 == 1
    sign = np.where(odd, kind(-1), kind(1)) * np.sign(c - least)
    return np.where(odd, span - extra + least, extra + least), sign


def placed(c: Array, size: int, padding_mode: int, align_corners: bool) -> tuple[Array, Array]:
    """A pixel coordinate after padding (0 zeros, 1 border, 2 reflection), and the slope."""
    sign: Array = c.dtype.type(1)
    if padding_mode == 2:
        c, sign = _reflected(c, size, align_corners)
    if padding_mode:
        sign = sign * ((c > 0) & (c < size - 1))
        c = np.minimum(np.maximum(c, 0), size - 1)
    return c, sign


def cubic_slopes(t: Array, a: float = -0.75) -> list[Array]:
    """The derivatives of `cubic_weights`."""

    def near(x: Array) -> Array:
        return (3 * (a + 2) * x - 2 * (a + 3)) * x

    def far(x: Array) -> Array:
        return (3 * a * x - 10 * a) * x + 8 * a

    return [far(t + 1), near(t), -near(1 - t), -far(2 - t)]


class Sampling:
    """Which pixels make each point, with which weights; and how the weights change with the coordinates.

    numbers: (points, taps), the row of each pixel of the image with a border of zeros, wide enough that the taps of a
    point outside lie in it; weights: the same shape. factors[i][k]: the weight of tap k along dimension i, slopes[i][k]
    its derivative.
    """

    __slots__ = ("border", "choices", "factors", "numbers", "scales", "shape", "slopes", "weights")

    def __init__(self, shape: tuple[int, ...], grid: Array, mode: int, padding_mode: int, align_corners: bool) -> None:
        n, sizes = shape[0], shape[2:]
        dims = len(sizes)
        taps, self.border = {NEAREST: (1, 1), LINEAR: (2, 2), CUBIC: (4, 4)}[mode]
        self.shape = tuple(size + 2 * self.border for size in sizes)
        points = np.ascontiguousarray(grid.reshape(-1, dims).T)
        kind = grid.dtype.type
        self.factors: list[list[Array]] = []
        self.slopes: list[list[Array]] = []
        self.scales: list[Array] = []
        pixels = math.prod(self.shape)
        index: Any = np.int32 if n * pixels < np.iinfo(np.int32).max else np.int64
        count = points.shape[1]
        # the first pixel of each point, or of each tap where the taps are not neighbours
        start = np.repeat(np.arange(n, dtype=index) * index(pixels), count // max(n, 1))
        apart: list[list[Array]] | None = [] if mode == CUBIC and padding_mode else None
        strides = [math.prod(self.shape[i + 1 :]) for i in range(dims)]
        for i, size in enumerate(sizes):
            c = points[dims - 1 - i]
            scale = (size - 1) / 2 if align_corners else size / 2
            c = (c + 1) * kind(scale) if align_corners else ((c + 1) * kind(size) - 1) / 2
            sign: Array = kind(1)
            if mode != CUBIC and padding_mode:
                c, sign = placed(c, size, padding_mode, align_corners)
            self.scales.append(sign * kind(scale))
            low = np.rint(c) if mode == NEAREST else np.floor(c)
            if mode != NEAREST:
                t = c - low
                self.factors.append(cubic_weights(t) if mode == CUBIC else [1 - t, t])
                self.slopes.append(cubic_slopes(t) if mode == CUBIC else [kind(-1), kind(1)])
            if apart is None:
                start += self._row(low - (mode == CUBIC), size, index) * index(strides[i])
            else:
                each = [placed(low + kind(j - 1), size, padding_mode, align_corners)[0] for j in range(4)]
                apart.append([self._row(place, size, index) * index(strides[i]) for place in each])
        self.choices = list(itertools.product(range(taps), repeat=dims))
        self.numbers = np.empty((count, len(self.choices)), index)
        self.weights = np.empty((count, len(self.choices)), grid.dtype)
        for k, choice in enumerate(self.choices):
            if apart is None:
                step = sum(j * stride for j, stride in zip(choice, strides, strict=True))
                np.add(start, index(step), out=self.numbers[:, k])
            else:
                self.numbers[:, k] = start + sum(apart[i][j] for i, j in enumerate(choice))
            if mode != NEAREST:
                weight = self.factors[0][choice[0]]
                for i in range(1, dims - 1):
                    weight = weight * self.factors[i][choice[i]]
                np.multiply(weight, self.factors[-1][choice[-1]], out=self.weights[:, k])

    def _row(self, low: Array, size: int, index: Any) -> Array:
        """The place in the image with its border; nan and what is far away come to lie in the border."""
        limit = self.border
        place = low.astype(index)  # nan, too, becomes some number
        np.maximum(place, index(-limit), out=place)
        np.minimum(place, index(size), out=place)
        place += index(limit)
        return place

    def matrix(self, n: int) -> Any:
        """The sparse matrix (points, pixels)."""
        from scipy.sparse import csr_array

        count, taps = self.numbers.shape
        ends = np.arange(0, count * taps + 1, taps, dtype=self.numbers.dtype)
        shape = (count, n * math.prod(self.shape))
        return csr_array((self.weights.reshape(-1), self.numbers.reshape(-1), ends), shape=shape)

    def rows(self, x: Array) -> Array:
        """(N, C, *) with the border as rows (N * places, C)."""
        n, c = x.shape[:2]
        y = np.zeros((n, *self.shape, c), x.dtype)
        y[self._inside()] = np.moveaxis(x, 1, -1)
        return y.reshape(n * math.prod(self.shape), c)

    def _inside(self) -> Any:
        return (slice(None), *(slice(self.border, size - self.border) for size in self.shape))

    def images(self, rows: Array, n: int) -> Array:
        """The inverse of `rows`, without the border."""
        y = rows.reshape(n, *self.shape, rows.shape[1])[self._inside()]
        return np.ascontiguousarray(np.moveaxis(y, -1, 1))


def grid_sampler(x: Array, grid: Array, *, mode: int, padding_mode: int, align_corners: bool) -> Array:
    """x (N, C, *) at the points of grid (N, *, dims)."""
    with np.errstate(invalid="ignore"):
        how = Sampling(x.shape, grid, mode, padding_mode, align_corners)
        pixels = how.rows(x)
        y = np.take(pixels, how.numbers[:, 0], axis=0) if mode == NEAREST else how.matrix(x.shape[0]) @ pixels
    y = y.reshape(*grid.shape[:-1], x.shape[1])
    return np.ascontiguousarray(np.moveaxis(y, -1, 1))


def grid_sampler_back(
    g: Array, needs: Any, x: Array, grid: Array, *, mode: int, padding_mode: int, align_corners: bool
) -> tuple[Array | None, Array | None]:
    """The gradients of the image and of the points."""
    if x.dtype.itemsize < 4:
        g, image, points = (a.astype(np.float32) for a in (g, x, grid))
        given = dict(mode=mode, padding_mode=padding_mode, align_corners=align_corners)
        a, b = grid_sampler_back(g, needs, image, points, **given)  # type: ignore[arg-type]
        return None if a is None else a.astype(x.dtype), None if b is None else b.astype(x.dtype)
    gx = gp = None
    n, c, dims = x.shape[0], x.shape[1], grid.shape[-1]
    with np.errstate(invalid="ignore"):
        how = Sampling(x.shape, grid, mode, padding_mode, align_corners)
        rows = np.ascontiguousarray(np.moveaxis(g, 1, -1)).reshape(math.prod(grid.shape[:-1]), c)
        if needs[0]:
            if mode == NEAREST:
                how.weights[...] = 1
            gx = how.images(how.matrix(n).T @ rows, n)
        if needs[1]:
            gp = np.zeros((dims, rows.shape[0]), grid.dtype)
            if mode != NEAREST:
                _of_points(gp, how, how.rows(x), rows)
            gp = np.ascontiguousarray(gp.T).reshape(grid.shape)
    return gx, gp


def _of_points(gp: Array, how: Sampling, pixels: Array, rows: Array) -> None:
    """Add up the gradient of each coordinate: what a tap gave, times the slope of its weight."""
    dims = gp.shape[0]
    for k, choice in enumerate(how.choices):
        share = np.vecdot(np.take(pixels, how.numbers[:, k], axis=0), rows)
        for i in range(dims):
            term = share * how.slopes[i][choice[i]]
            for j in range(dims):
                if j != i:
                    term *= how.factors[j][choice[j]]
            gp[dims - 1 - i] += term
    for i, scale in enumerate(how.scales):
        gp[dims - 1 - i] *= scale
