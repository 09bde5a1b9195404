"""Sampling images at given points, and the grids of points of affine maps.

Along each axis a point meets a few pixels; a tap is (their places, their weights, the slopes of the weights in the
point's coordinate), and the value at a point sums over one tap for each axis.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from .scatter import pick_last, put_last

Array = Any
LINEAR, NEAREST, CUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2

__all__ = ["affine_grid_generator", "grid_sampler"]


def clipped(c: Array, slope: Array, size: int) -> tuple[Array, Array]:
    """Moved into the image; without a slope where it was moved (or on the border)."""
    inside = (c > 0) & (c < size - 1)
    return jnp.where(c > 0, jnp.where(c < size - 1, c, size - 1), 0).astype(c.dtype), jnp.where(inside, slope, 0)


def reflected(c: Array, slope: Array, size: int, align_corners: bool) -> tuple[Array, Array]:
    """Folded back at the borders."""
    low, high = (0, 2 * (size - 1)) if align_corners else (-1, 2 * size - 1)
    if low == high:
        return jnp.zeros_like(c), jnp.zeros_like(c)
    least, span = low / 2, (high - low) / 2
    away = jnp.abs(c - least)
    flips = jnp.floor(away / span)
    extra = away - flips * span
    odd = jnp.remainder(flips, 2) == 1
    slope = slope * jnp.sign(c - least)
    return jnp.where(odd, span - extra + least, extra + least), jnp.where(odd, -slope, slope)


def placed(c: Array, slope: Array, size: int, padding_mode: int, align_corners: bool) -> tuple[Array, Array]:
    """A pixel coordinate after padding, and its slope."""
    if padding_mode == REFLECTION:
        c, slope = reflected(c, slope, size, align_corners)
    return (c, slope) if padding_mode == ZEROS else clipped(c, slope, size)


def keys(t: Array, a: float = -0.75) -> list[tuple[Array, Array]]:
    """Keys' cubic convolution: (weight, slope) of the four neighbours of a point at distance t from the second."""

    def near(x: Array) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1, (3 * (a + 2) * x - 2 * (a + 3)) * x

    def far(x: Array) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a, (3 * a * x - 10 * a) * x + 8 * a

    turned = [near(1 - t), far(2 - t)]
    return [far(t + 1), near(t), *((w, -s) for w, s in turned)]


def taps(c: Array, size: int, mode: int, padding_mode: int, align_corners: bool) -> list[tuple[Array, Array, Array]]:
    """The taps of coordinates in [-1, 1] along an axis of `size` pixels."""
    pixel = jnp.full_like(c, (size - 1) / 2 if align_corners else size / 2)
    raw = (c + 1) * ((size - 1) / 2) if align_corners else ((c + 1) * size - 1) / 2
    if mode == CUBIC:
        low = jnp.floor(raw)
        found = []
        for k, (weight, slope) in enumerate(keys(raw - low)):
            place, _ = placed(low + (k - 1), pixel, size, padding_mode, align_corners)
            found.append((place.astype(jnp.int64), weight, slope * pixel))
        return found
    at, slope = placed(raw, pixel, size, padding_mode, align_corners)
    if mode == NEAREST:
        return [(jnp.round(at).astype(jnp.int64), jnp.ones_like(c), jnp.zeros_like(c))]
    low = jnp.floor(at)
    t, start = at - low, low.astype(jnp.int64)
    return [(start, 1 - t, -slope), (start + 1, t, slope)]


def prepared(x: Array, grid: Array, mode: int, padding_mode: int, align_corners: bool) -> tuple[Array, Any, Any]:
    """(the image with its pixels in one dimension, the sizes, the taps of each axis)."""
    sizes = x.shape[2:]
    dims = len(sizes)
    points = grid.reshape(grid.shape[0], -1, dims)
    axes = [
        taps(points[:, :, dims - 1 - i], size, mode, padding_mode, align_corners) for i, size in enumerate(sizes)
    ]
    return x.reshape(*x.shape[:2], math.prod(sizes)), sizes, axes


def numbered(chosen: Any, sizes: Any, channels: int) -> Array:
    """The flat numbers (N, C, P) of the pixels at one tap for each axis; -1 outside the image."""
    number: Any = 0
    inside: Any = None
    for (place, _, _), size in zip(chosen, sizes, strict=True):
        valid = (place >= 0) & (place <= size - 1)
        inside = valid if inside is None else inside & valid
        number = number * size + place
    number = jnp.where(inside, number, -1)
    return jnp.broadcast_to(number[:, None], (number.shape[0], channels, number.shape[1]))


def product(weights: Any) -> Array:
    return math.prod(weights[1:], start=weights[0])


def grid_sampler(x: Array, grid: Array, *, mode: int, padding_mode: int, align_corners: bool) -> Array:
    """x (N, C, *) at the points of `grid` (N, *, dims)."""
    image, sizes, axes = prepared(x, grid, mode, padding_mode, align_corners)
    total: Any = 0
    for chosen in itertools.product(*axes):
        values = pick_last(image, numbered(chosen, sizes, image.shape[1]))
        total = total + values * product([w for _, w, _ in chosen])[:, None]
    return total.reshape(*x.shape[:2], *grid.shape[1:-1])


def sampler_gradients(
    g: Array, needs: Any, x: Array, grid: Array, *, mode: int, padding_mode: int, align_corners: bool
) -> tuple[Any, Any]:
    image, sizes, axes = prepared(x, grid, mode, padding_mode, align_corners)
    g = g.reshape(*x.shape[:2], -1)
    gx: Any = None
    moves: list[Any] = [0] * len(sizes)
    for chosen in itertools.product(*axes):
        index = numbered(chosen, sizes, image.shape[1])
        weights = [w for _, w, _ in chosen]
        if needs[0]:
            piece = put_last(g * product(weights)[:, None], index, size=image.shape[2])
            gx = piece if gx is None else gx + piece
        if needs[1] and mode != NEAREST:
            pull = jnp.sum(g * pick_last(image, index), 1)
            for i, (_, _, slope) in enumerate(chosen):
                moves[i] = moves[i] + pull * product([*weights[:i], slope, *weights[i + 1 :]])
    ggrid: Any = None
    if needs[1]:
        whole = jnp.zeros_like(grid) if mode == NEAREST else jnp.stack(moves[::-1], -1).reshape(grid.shape)
        ggrid = whole.astype(grid.dtype)
    return (None if gx is None else gx.reshape(x.shape)), ggrid


# ---------------------------------------------------------------- affine maps


def points(sizes: tuple[int, ...], align_corners: bool, kind: Any) -> Any:
    """The homogeneous coordinates (points, dims + 1) of a regular grid."""
    axes = []
    for n in sizes:
        axis = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        axes.append((axis if align_corners or n <= 1 else axis * ((n - 1) / n)).astype(kind))
    mesh = np.meshgrid(*axes, indexing="ij")
    return np.stack([*(m.reshape(-1) for m in reversed(mesh)), np.ones(math.prod(sizes), kind)], 1)


def affine_grid_generator(theta: Array, *, size: tuple[int, ...], align_corners: bool) -> Array:
    """The sampling grid (N, *, dims) of the affine maps theta (N, dims, dims + 1)."""
    base = jnp.asarray(points(size[2:], align_corners, theta.dtype))
    return jnp.matmul(base, jnp.swapaxes(theta, 1, 2)).reshape(size[0], *size[2:], len(size) - 2)


def affine_gradients(g: Array, needs: Any, theta: Array, *, size: Any, align_corners: bool) -> tuple[Array]:
    base = jnp.asarray(points(tuple(size[2:]), align_corners, theta.dtype))
    return (jnp.matmul(jnp.swapaxes(g.reshape(size[0], -1, len(size) - 2), 1, 2), base),)
