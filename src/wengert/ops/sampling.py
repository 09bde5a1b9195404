"""Sampling images at given points: grid_sample, affine_grid; pixels and channels rearranged."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ..core.batching import front
from ..core.dispatch import dispatch
from ..core.errors import warn
from ..core.primitive import Primitive, linear, ops
from ..core.samples import Case, T, samples
from ..core.takes import REAL, Takes
from ..core.tensor import Tensor, wrap
from ..kernels import sampling as kernel
from ..kernels.resample import cubic_weights
from .fused import fused
from .install import FUNCTIONS, public

# ---------------------------------------------------------------- grid_sample


def _pixel(c: Any, size: int, align_corners: bool) -> Any:
    """A coordinate in [-1, 1] in units of pixels."""
    if align_corners:
        return (c + 1) * ((size - 1) / 2)
    return ((c + 1) * size - 1) / 2


def _clipped(c: Any, size: int) -> Any:
    """Moved into the image; without a gradient where it was moved (or on the border)."""
    c = ops.where(c > 0, c, ops.zeros_like(c))
    return ops.where(c < size - 1, c, ops.zeros_like(c) + (size - 1))


def _reflected(c: Any, size: int, align_corners: bool) -> Any:
    """Folded back at the borders."""
    low, high = (0, 2 * (size - 1)) if align_corners else (-1, 2 * size - 1)
    if low == high:
        return ops.zeros_like(c)
    least, span = low / 2, (high - low) / 2
    away = abs(c - least)
    flips = ops.floor(away.detach() / span)
    extra = away - flips * span
    odd = FUNCTIONS["remainder"](flips, 2) == 1
    return ops.where(odd, span - extra + least, extra + least)


def _placed(c: Any, size: int, padding_mode: int, align_corners: bool) -> Any:
    """A pixel coordinate after padding: 0 zeros (unchanged), 1 border, 2 reflection."""
    if padding_mode == 1:
        return _clipped(c, size)
    if padding_mode == 2:
        return _clipped(_reflected(c, size, align_corners), size)
    return c


def _values(x: Any, places: list[Any], sizes: tuple[int, ...]) -> Any:
    """x (N, C, points of the image) at integer places (N, P); 0 outside."""
    number: Any = 0
    inside: Any = None
    for place, size in zip(places, sizes, strict=True):
        valid = (place >= 0) & (place <= size - 1)
        inside = valid if inside is None else inside & valid
        number = number * size + place
    number = FUNCTIONS["where"](inside, number, ops.zeros_like(number) - 1)
    n, c, _ = x.shape
    index = ops.expand(ops.unsqueeze(number, dim=1), size=(n, c, number.shape[1]))
    return ops.pick_last(x, index, unique=False)


def _grid_body(x: Any, grid: Any, *, mode: int, padding_mode: int, align_corners: bool) -> Any:
    """mode: 0 linear, 1 nearest, 2 cubic."""
    dims = grid.shape[-1]
    sizes = tuple(x.shape[2:])
    n, c = x.shape[:2]
    out = tuple(grid.shape[1:-1])
    points = ops.reshape(grid, (n, math.prod(out), dims))
    image = ops.reshape(x, (n, c, math.prod(sizes)))
    raw = [_pixel(points[:, :, dims - 1 - i], size, align_corners) for i, size in enumerate(sizes)]
    if mode == 2:
        y = _cubic(image, raw, sizes, padding_mode, align_corners)
    else:
        at = [_placed(r, size, padding_mode, align_corners) for r, size in zip(raw, sizes, strict=True)]
        if mode == 1:
            y = _values(image, [FUNCTIONS["round"](a.detach()).long() for a in at], sizes)
        else:
            y = _linear(image, at, sizes)
    return ops.reshape(y, (n, c, *out))


def _linear(image: Any, at: list[Any], sizes: tuple[int, ...]) -> Any:
    lows = [ops.floor(a.detach()) for a in at]
    far = [a - low for a, low in zip(at, lows, strict=True)]
    starts = [low.long() for low in lows]
    total = None
    for corner in itertools.product((0, 1), repeat=len(at)):
        weight = None
        for side, t in zip(corner, far, strict=True):
            w = t if side else 1 - t
            weight = w if weight is None else weight * w
        values = _values(image, [s + side for s, side in zip(starts, corner, strict=True)], sizes)
        piece = values * ops.unsqueeze(weight, dim=1)
        total = piece if total is None else total + piece
    return total


def _cubic(image: Any, at: list[Any], sizes: tuple[int, ...], padding_mode: int, align_corners: bool) -> Any:
    lows = [ops.floor(a.detach()) for a in at]
    weights = [_keys(a - low) for a, low in zip(at, lows, strict=True)]
    total = None
    for i, j in itertools.product(range(4), repeat=2):
        places = []
        for low, offset, size in zip(lows, (i, j), sizes, strict=True):
            places.append(_placed(low + (offset - 1), size, padding_mode, align_corners).long())
        piece = _values(image, places, sizes) * ops.unsqueeze(weights[0][i] * weights[1][j], dim=1)
        total = piece if total is None else total + piece
    return total


def _keys(t: Any) -> list[Any]:
    return cubic_weights(t)


_sampler = fused(
    "grid_sampler",
    _grid_body,
    inputs=("x", "grid"),
    params=("mode", "padding_mode", "align_corners"),
    kernel=kernel.grid_sampler,
    back=kernel.grid_sampler_back,
    node="GridSampler2DBackward0",
    saved_names=dict(x="input"),
)
_sampler_3d = _sampler.renamed("GridSampler3DBackward0")
_sampler_takes = {4: Takes("grid_sampler_2d_cpu_kernel_impl", REAL), 5: Takes("grid_sampler3d_cpu", REAL)}
_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
_PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


def _corner_default(align_corners: bool | None) -> bool:
    if align_corners is None:
        warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
            "1.3.0. Please specify "
            "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
        )
        return False
    return align_corners


@public(method=False)
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`nn.functional.grid_sample` with its modes as numbers."""
    n = input.ndim
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != n - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {n - 2} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    for i, size in enumerate(input.shape[2:], 2):
        if size <= 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {i} being empty"
            )
    if n not in (4, 5) or grid.ndim != n:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if n == 5 and interpolation_mode == 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    _sampler_takes[n](input)
    if input.dtype is not grid.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.scalar_name} but found {grid.dtype.scalar_name}")
    params = {"mode": interpolation_mode, "padding_mode": padding_mode, "align_corners": align_corners}
    return dispatch(_sampler, (input, grid), params, _sampler_3d if n == 5 else None)  # type: ignore[no-any-return]


ops.grid_sampler = _sampler


@public(name="nn.functional.grid_sample", method=False)
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """input (N, C, *) at the points of grid (N, *, dims): coordinates from -1 to 1, the last dimension first."""
    if mode not in _MODES:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in _PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    return grid_sampler(input, grid, _MODES[mode], _PADDINGS[padding_mode], _corner_default(align_corners))


# ---------------------------------------------------------------- affine_grid


def _points(sizes: tuple[int, ...], align_corners: bool, kind: Any) -> Any:
    """The homogeneous coordinates (points, dims + 1) of a regular grid."""
    axes = []
    for n in sizes:
        axis = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        axes.append((axis if align_corners or n <= 1 else axis * ((n - 1) / n)).astype(kind))
    mesh = np.meshgrid(*axes, indexing="ij")
    return np.stack([*(m.reshape(-1) for m in reversed(mesh)), np.ones(math.prod(sizes), kind)], 1)


def _affine_body(theta: Any, *, size: tuple[int, ...], align_corners: bool) -> Any:
    spatial = size[2:]
    base = wrap(_points(spatial, align_corners, theta.dtype.np))
    grid = ops.matmul(base, ops.transpose(theta, dim0=1, dim1=2))
    return ops.reshape(grid, (size[0], *spatial, len(spatial)))


_affine = fused(
    "affine_grid_generator", _affine_body, inputs=("theta",), params=("size", "align_corners"),
)  # fmt: skip


@public(method=False)
def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """`nn.functional.affine_grid` without its checks."""
    return _affine(theta, size=tuple(size), align_corners=align_corners)  # type: ignore[no-any-return]


ops.affine_grid_generator = _affine


@public(name="nn.functional.affine_grid", method=False)
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The sampling grid (N, *, dims) of the affine maps theta (N, dims, dims + 1) for images of `size` (N, C, *)."""
    align = _corner_default(align_corners)
    shape = tuple(int(n) for n in size)
    if not theta.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    shown = size if isinstance(size, tuple) and type(size) is not tuple else shape
    for rank, dims in ((4, 2), (5, 3)):
        if len(shape) == rank:
            if theta.ndim != 3 or tuple(theta.shape[-2:]) != (dims, dims + 1):
                raise ValueError(
                    f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {shown}. Got "
                    f"{theta.shape}."
                )
            spatial = shape[-dims:]
            break
    else:
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{shown}."
        )
    if align and min(spatial) == 1:
        warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
            "align_corners=True. This is not "
            "an intended use case of affine_grid. See the documentation of affine_grid for details."
        )
    elif min(shape) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {shown}")
    return _affine(theta, size=shape, align_corners=align)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- pixels and channels rearranged


def _shuffle_kernel(x: Any, *, upscale_factor: int) -> Any:
    *lead, c, h, w = x.shape
    r = upscale_factor
    y = x.reshape(*lead, c // (r * r), r, r, h, w)
    n = len(lead)
    y = y.transpose(*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return np.ascontiguousarray(y).reshape(*lead, c // (r * r), h * r, w * r)


def _unshuffle_kernel(x: Any, *, downscale_factor: int) -> Any:
    *lead, c, h, w = x.shape
    r = downscale_factor
    y = x.reshape(*lead, c, h // r, r, w // r, r)
    n = len(lead)
    y = y.transpose(*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return np.ascontiguousarray(y).reshape(*lead, c * r * r, h // r, w // r)


def _batch_front(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    return prim(front(vals[0], dims[0]), **params), 0


_pixel_shuffle = linear(
    "pixel_shuffle", params=("upscale_factor",), kernel=_shuffle_kernel, batch=_batch_front, half="native",
    vjp=dict(x=lambda xp, g, upscale_factor: xp.pixel_unshuffle(g, downscale_factor=upscale_factor)),
)  # fmt: skip
_pixel_unshuffle = linear(
    "pixel_unshuffle", params=("downscale_factor",), kernel=_unshuffle_kernel, batch=_batch_front, half="native",
    vjp=dict(x=lambda xp, g, downscale_factor: xp.pixel_shuffle(g, upscale_factor=downscale_factor)),
)  # fmt: skip


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r^2, H, W) -> (*, C, H r, W r)."""
    r = upscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    if input.shape[-3] % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            "upscale_factor, but "
            f"input.size(-3)={input.shape[-3]} is not divisible by {r * r}"
        )
    return _pixel_shuffle(input, upscale_factor=r)  # type: ignore[no-any-return]


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) -> (*, C r^2, H, W)."""
    r = downscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    for name, d in (("height", -2), ("width", -1)):
        if input.shape[d] % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({d})="
                f"{input.shape[d]} is not divisible by {r}"
            )
    return _pixel_unshuffle(input, downscale_factor=r)  # type: ignore[no-any-return]


def _channel_kernel(x: Any, *, groups: int) -> Any:
    n, c = x.shape[:2]
    return np.ascontiguousarray(x.reshape(n, groups, c // groups, -1).swapaxes(1, 2)).reshape(x.shape)


def _batch_channels(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    x = front(vals[0], dims[0])
    shape = tuple(x.shape)
    return ops.reshape(prim(ops.reshape(x, (shape[0] * shape[1], *shape[2:])), **params), shape), 0


_channel_shuffle = linear(
    "channel_shuffle", params=("groups",), kernel=_channel_kernel, batch=_batch_channels, half="native",
    vjp=dict(x=lambda xp, g, x_shape, groups: xp.channel_shuffle(g, groups=x_shape[1] // groups if x_shape[1] else 1)),
)  # fmt: skip


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels (dim 1) of `groups` groups dealt out in turn."""
    if input.ndim <= 2:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if input.shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {input.shape[1]} channels and {groups} groups."
        )
    return _channel_shuffle(input, groups=groups)  # type: ignore[no-any-return]


for _fn in (pixel_shuffle, pixel_unshuffle, channel_shuffle):
    public(_fn, name=_fn.__name__, method=False)
    public(_fn, name=f"nn.functional.{_fn.__name__}", method=False)
ops.pixel_shuffle, ops.pixel_unshuffle, ops.channel_shuffle = _pixel_shuffle, _pixel_unshuffle, _channel_shuffle
public(channel_shuffle, name="native_channel_shuffle", method=False)
public(channel_shuffle, name="nn.functional.native_channel_shuffle", method=False)

# ---------------------------------------------------------------- samples

_GRID = T(2, 3, 2, 2, low=-1.3, high=1.3)
samples(
    "nn.functional.grid_sample",
    Case(T(2, 3, 4, 5), _GRID, align_corners=False),
    Case(T(2, 3, 4, 5), _GRID, padding_mode="border", align_corners=True),
    Case(T(2, 3, 4, 5), _GRID, padding_mode="reflection", align_corners=False),
    Case(T(2, 3, 4, 5), _GRID, mode="nearest", align_corners=False),
    Case(T(2, 3, 4, 5), _GRID, mode="bicubic", align_corners=False),
    Case(T(2, 2, 3, 4, 3), T(2, 2, 1, 2, 3, low=-1.2, high=1.2), align_corners=True),
    Case(T(2, 3, 4, 5), _GRID, mode="bicubic", padding_mode="reflection", align_corners=True),
    complex=False,
)
samples(
    "nn.functional.affine_grid",
    Case(T(2, 2, 3), (2, 1, 3, 4), align_corners=False),
    Case(T(1, 3, 4), (1, 2, 2, 3, 2), align_corners=True),
    complex=False,
)
samples("nn.functional.pixel_shuffle", Case(T(2, 8, 2, 3), 2), Case(T(9, 2, 2), 3))
samples("nn.functional.pixel_unshuffle", Case(T(2, 2, 4, 6), 2), Case(T(1, 3, 3), 3))
samples("nn.functional.channel_shuffle", Case(T(2, 6, 2, 2), 3), Case(T(1, 4, 3), 2))
