"""Pooling by maxima of windows that lie at random (fractional pooling)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import stretched
from ..core.dispatch import dispatch
from ..core.primitive import Primitive, general, ops
from ..core.samples import Case, T, samples
from ..core.takes import REAL, Takes
from ..core.tensor import Tensor
from .install import FUNCTIONS, public
from .lines import without_gradient
from .max_pooling import flat_pick, flat_put


def _random_starts(sample: Any, size: int, out: int, pool: int) -> Any:
    """Where the regions of fractional pooling start: (*planes, out) for a number in [0, 1) each plane."""
    starts = np.empty((*sample.shape, out), np.int64)
    kind = sample.dtype.type
    if not out:
        return starts
    if out > 1:
        alpha = kind(size - pool) / kind(out - 1)
        first = (sample * alpha).astype(np.int64)
        for i in range(out - 1):
            starts[..., i] = ((sample + kind(i)) * alpha).astype(np.int64) - first
    starts[..., out - 1] = size - pool
    return starts


def _fractional_kernel(x: Any, samples: Any, *, kernel_size: Any, output_size: Any) -> Any:
    dims = len(kernel_size)
    size = x.shape[-dims:]
    planes = x.shape[: x.ndim - dims]
    order = (1, 0) if dims == 2 else (0, 1, 2)  # in two dimensions the width takes the first number
    number: Any = 0
    for i in range(dims):
        drawn = samples[..., order[i]].reshape(planes)
        starts = _random_starts(drawn, size[i], output_size[i], kernel_size[i])
        at = starts[..., None] + np.arange(kernel_size[i])  # (*planes, out_i, k_i)
        shape = [1] * (2 * dims)
        shape[i], shape[dims + i] = output_size[i], kernel_size[i]
        at = at.reshape(*planes, *shape)
        number = number * size[i] + at
    number = np.broadcast_to(number, (*planes, *output_size, *kernel_size)).reshape(
        *planes, math.prod(output_size), math.prod(kernel_size)
    )
    flat = x.reshape(*planes, 1, math.prod(size))
    values = np.take_along_axis(np.broadcast_to(flat, (*planes, number.shape[-2], flat.shape[-1])), number, -1)
    at = values.argmax(-1)[..., None]
    best = np.take_along_axis(values, at, -1)[..., 0].reshape(*planes, *output_size)
    return best, np.take_along_axis(number, at, -1)[..., 0].reshape(*planes, *output_size)


def _batch_fractional(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    n = next(v.shape[d] for v, d in zip(vals, dims, strict=True) if d is not None)
    return prim(*[stretched(v, d, n) for v, d in zip(vals, dims, strict=True)], **params), (0, 0)


_fractional = general(
    "fractional_max_pool",
    inputs=("x", "samples"),
    params=("kernel_size", "output_size"),
    kernel=_fractional_kernel,
    n_outputs=2,
    nondifferentiable_outputs=(1,),
    vjp=dict(x=lambda xp, gs, x_shape, out1, kernel_size: flat_put(xp, gs[0], out1, x_shape, len(kernel_size))),
    jvp=dict(x=lambda xp, t, out1, kernel_size: (flat_pick(xp, t, out1, len(kernel_size), False), None)),
    batch=_batch_fractional,
    half="native",
)
_fractional_nodes = {d: _fractional.renamed(f"FractionalMaxPool{d}DBackward0") for d in (2, 3)}


_takes = {d: Takes(f"fractional_max_pool{d}d_out_frame", REAL) for d in (2, 3)}


def _fractional_maximum(
    x: Tensor, dims: int, kernel_size: Any, output_size: Any, output_ratio: Any, random_samples: Any
) -> Any:
    name = f"fractional_max_pool{dims}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        if len(output_ratio) > dims:
            raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
        output_size = tuple(int(x.size(i - dims) * output_ratio[i]) for i in range(dims))  # type: ignore[attr-defined]
    if random_samples is None:
        random_samples = _drawn(x, dims)
    k = _whole(kernel_size, dims, "kernel_size", name)
    out = _whole(output_size, dims, "output_size", name)
    _check_input(x, dims, k, out)
    random_samples = _checked_samples(x, dims, random_samples)
    if any(m < 0 for m in out):
        shape = [*x.shape[:-dims], *out]
        raise RuntimeError(f"Trying to create tensor with negative dimension {next(m for m in out if m < 0)}: {shape}")
    _takes[dims](x)
    without_gradient(f"fractional_max_pool{dims}d", random_samples=random_samples)
    params = {"kernel_size": k, "output_size": out}
    return dispatch(_fractional, (x, random_samples), params, _fractional_nodes[dims])


def _drawn(x: Tensor, dims: int) -> Tensor:
    """Numbers in [0, 1): for each sample and channel one a dimension."""
    shape = (1 if x.ndim == dims + 1 else x.size(0), x.size(-dims - 1), dims)  # type: ignore[attr-defined]
    return FUNCTIONS["rand"](shape, dtype=x.dtype, device=x.device)  # type: ignore[no-any-return]


def _whole(value: Any, dims: int, name: str, what: str) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims
    if len(values) != dims:
        raise RuntimeError(f"{what}: {name} must either be a single Int or tuple of {'three ' * (dims == 3)}Ints")
    return values


def _check_input(x: Tensor, dims: int, k: tuple[int, ...], out: tuple[int, ...]) -> None:
    name = f"fractional_max_pool{dims}d{'_out' * (dims == 3)}"
    if x.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {list(x.shape)}")
    size = tuple(x.shape[-dims:])
    for i in range(x.ndim - dims - 1, x.ndim):
        if x.shape[i] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got{list(x.shape)} with "
                f"dimension {i} being empty."
            )
    names = ("time", "height", "width")[3 - dims :]
    for what, n, m, p in zip(names, size, out, k, strict=True):
        if m + p - 1 > n:
            raise RuntimeError(f"{name}(): pool {what} {p} too large relative to input {what} {n}")


def _checked_samples(x: Tensor, dims: int, given: Tensor) -> Tensor:
    """The random numbers, in the shape (*planes, dims)."""
    if given.dtype is not x.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if given.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {given.ndim}")
    planes = tuple(x.shape[:-dims])
    count = planes[0] if len(planes) == 2 else 1
    if given.shape[0] < count:
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    if given.shape[1] != planes[-1]:
        raise RuntimeError("Expect _random_samples.size(1) equals to input channel size.")
    if given.shape[2] != dims:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {dims}; got {given.shape[2]}.")
    if given.shape[0] != count:
        given = ops.narrow(given, 0, 0, count)
    return given


def _fractional_pair(dims: int) -> tuple[Any, Any]:
    def with_indices(
        input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = True,
        _random_samples: Tensor | None = None,
    ) -> Any:  # fmt: skip
        return _fractional_maximum(input, dims, kernel_size, output_size, output_ratio, _random_samples)

    def pool(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> Any:
        y = _fractional_maximum(input, dims, kernel_size, output_size, output_ratio, _random_samples)
        return y if return_indices else y[0]

    with_indices.__name__, pool.__name__ = f"fractional_max_pool{dims}d_with_indices", f"fractional_max_pool{dims}d"
    pool.__doc__ = f"Maxima of windows at random places over {dims} dimensions, `output_size` (or a ratio) of them."
    with_indices.__doc__ = f"(fractional_max_pool{dims}d, the flat numbers of the maxima)."
    return pool, with_indices


fractional_max_pool2d, fractional_max_pool2d_with_indices = _fractional_pair(2)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _fractional_pair(3)

for _fn in (
    fractional_max_pool2d,
    fractional_max_pool3d,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d_with_indices,
):
    public(_fn, name=f"nn.functional.{_fn.__name__}", method=False)

# ---------------------------------------------------------------- samples

samples(
    "nn.functional.fractional_max_pool2d",
    Case(T(2, 3, 7, 6), 2, output_size=3, _random_samples=T(2, 3, 2, low=0.1, high=0.9, grad=False)),
    complex=False,
)
samples(
    "nn.functional.fractional_max_pool3d",
    Case(T(1, 2, 5, 6, 5), 2, output_ratio=(0.6, 0.6, 0.7), _random_samples=T(1, 2, 3, low=0.1, high=0.9, grad=False)),
    complex=False,
)
