"""Pooling by maxima: of windows, of regions that cover the input; unpooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.deferred import refuse_where, values_known
from ..core.dispatch import dispatch
from ..core.primitive import Primitive, general, ops
from ..core.samples import Case, T, samples
from ..core.takes import INTEGERS, REAL, Takes
from ..core.tensor import PLAIN, Tensor
from ..kernels import pooling as windows
from ..kernels import resample as kernel
from .install import public
from .pooling import _adaptive_size, _check_dims, _check_pool, _tuple
from .shape import squeeze

# ---------------------------------------------------------------- maxima


def flat_put(xp: Any, g: Any, index: Any, shape: Any, dims: int) -> Any:
    """g added at `index` to zeros of `shape`, over the last `dims` dimensions."""
    lead = tuple(shape[: len(shape) - dims])
    flat = xp.put_last(
        xp.reshape(g, (*lead, -1)),
        xp.reshape(index, (*lead, -1)),
        size=math.prod(shape[len(shape) - dims :]),
        unique=False,
    )
    return xp.reshape(flat, tuple(shape))


def flat_pick(xp: Any, x: Any, index: Any, dims: int, unique: bool) -> Any:
    """x at `index`, over the last `dims` dimensions."""
    lead = tuple(x.shape[: x.ndim - dims])
    flat = xp.pick_last(xp.reshape(x, (*lead, -1)), xp.reshape(index, (*lead, -1)), unique=unique)
    return xp.reshape(flat, tuple(index.shape))


def _batch_pool(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, Any]:
    out = prim(front(vals[0], dims[0]), **params)
    return (out, (0, 0)) if isinstance(out, tuple) else (out, 0)


_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


_WINDOWS = ("kernel_size", "stride", "padding", "dilation")


def _batch_put(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = size_of_batch(vals, dims)
    shape = (n, *params["shape"])
    return prim(*[stretched(v, d, n) for v, d in zip(vals, dims, strict=True)], **{**params, "shape": shape}), 0


_put = general(
    "max_pool_put",
    inputs=("g", "index"),
    params=("shape", *_WINDOWS),
    kernel=windows.max_pool_put,
    vjp=dict(
        g=lambda xp, g, index, kernel_size, stride, dilation: flat_pick(
            xp, g, index, len(kernel_size), windows.apart(kernel_size, stride, dilation)
        )
    ),
    jvp=dict(
        g=lambda xp, t, index, shape, kernel_size, stride, padding, dilation: xp.max_pool_put(
            t, index, shape=shape, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation
        )
    ),
    batch=_batch_put,
)
_max_pool = general(
    "max_pool_with_indices",
    params=_POOL,
    kernel=windows.max_pool,
    n_outputs=2,
    nondifferentiable_outputs=(1,),
    vjp=dict(
        x=lambda xp, gs, x_shape, out1, kernel_size, stride, padding, dilation: xp.max_pool_put(
            gs[0], out1, shape=x_shape, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation
        )
    ),
    jvp=dict(
        x=lambda xp, t, out1, kernel_size, stride, dilation: (
            flat_pick(xp, t, out1, len(kernel_size), windows.apart(kernel_size, stride, dilation)),
            None,
        )
    ),
    batch=_batch_pool,
    node="MaxPool2DWithIndicesBackward0",
    half="native",
)
_max_3d = _max_pool.renamed("MaxPool3DWithIndicesBackward0")
_max_only = general("max_pool_values", params=_POOL, kernel=windows.max_values, batch=_batch_pool, half="native")


_takes = {2: Takes("max_pool2d", REAL | INTEGERS), 3: Takes("max_pool3d", REAL | INTEGERS)}
_names = {2: "max_pool2d", 3: "max_pool3d_with_indices_out_cpu_template"}  # as errors call them
_takes_1d = Takes("max_pool1d_impl", REAL)


def _maximum(
    x: Tensor, dims: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, indices: bool
) -> Any:
    what = f"max_pool{dims}d"
    k = _tuple(kernel_size, dims, "kernel_size", what)
    s = k if stride is None or stride == () or stride == [] else _tuple(stride, dims, "stride", what)
    p = _tuple(padding, dims, "padding", what)
    d = _tuple(dilation, dims, "dilation", what)
    _check_pool(x, dims, k, s, p, d, ceil_mode, _names[dims])
    _takes[dims](x)
    params = dict(kernel_size=k, stride=s, padding=p, dilation=d, ceil_mode=ceil_mode)
    if not indices and x.__class__ in PLAIN and x._fn is None:
        return _max_only(x, **params)
    y = dispatch(_max_pool, (x,), params, _max_3d if dims == 3 else None)
    return y if indices else y[0]


def _max_pair(dims: int) -> tuple[Any, Any]:
    """max_pool<dims>d and max_pool<dims>d_with_indices."""

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = True,
    ) -> Any:
        return _maximum(input, dims, kernel_size, stride, padding, dilation, ceil_mode, True)

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        return _maximum(input, dims, kernel_size, stride, padding, dilation, ceil_mode, return_indices)

    with_indices.__name__, pool.__name__ = f"max_pool{dims}d_with_indices", f"max_pool{dims}d"
    pool.__doc__ = f"Maxima of windows over {dims} dimensions; `return_indices`: (maxima, their flat numbers)."
    with_indices.__doc__ = f"(max_pool{dims}d, the flat numbers of the maxima)."
    return pool, with_indices


max_pool2d, max_pool2d_with_indices = _max_pair(2)
max_pool3d, max_pool3d_with_indices = _max_pair(3)


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maxima of windows of (N, C, L) or (C, L); `return_indices`: (maxima, their places)."""
    what = "max_pool1d"
    if input.ndim not in (2, 3):
        raise RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input.shape)}"
        )
    k = _tuple(kernel_size, 1, "kernel_size", what)
    s = k if stride is None or stride == () else _tuple(stride, 1, "stride", what)
    p, d = _tuple(padding, 1, "padding", what), _tuple(dilation, 1, "dilation", what)
    if k[0] <= 0:
        raise RuntimeError(f"max_pool1d() kernel_size must be greater than zero, but got {k[0]}")
    if s[0] <= 0:
        raise RuntimeError(f"max_pool1d() stride must be greater than zero, but got {s[0]}")
    if p[0] < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {p[0]}")
    if p[0] > ((k[0] - 1) * d[0] + 1) // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of effective kernel size, but got padding={p[0]}, "
            f"kernel_size={k[0]} and dilation={d[0]}"
        )
    if d[0] <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {d[0]}")
    out = windows.pool_size(input.shape[-1], k[0], s[0], p[0], d[0], ceil_mode)
    if out <= 0:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {out}")
    if not return_indices and not input.requires_grad:
        _takes_1d(input)  # PyTorch has a kernel of its own where nothing needs the indices
    lifted = ops.unsqueeze(input, dim=input.ndim - 1)
    y = _maximum(lifted, 2, (1, *k), (1, *s), (0, *p), (1, *d), ceil_mode, return_indices)
    return (squeeze(y[0], -2), squeeze(y[1], -2)) if return_indices else squeeze(y, -2)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = True,
) -> Any:  # fmt: skip
    """(max_pool1d, the places of the maxima)."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


# ---------------------------------------------------------------- maxima of adaptive regions


def _region_maxima(x: Any, bounds: Any) -> Any:
    """(maxima, flat numbers) of the regions that `bounds` (one (start, stop) pair of vectors a dimension) span."""
    dims = len(bounds)
    size = x.shape[-dims:]
    lead = x.shape[: x.ndim - dims]
    out = tuple(len(b[0]) for b in bounds)
    best, index = np.empty((*lead, *out), x.dtype), np.empty((*lead, *out), np.int64)
    for place in np.ndindex(*out):
        low = [int(b[0][i]) for b, i in zip(bounds, place, strict=True)]
        high = [int(b[1][i]) for b, i in zip(bounds, place, strict=True)]
        region = x[(..., *(slice(a, b) for a, b in zip(low, high, strict=True)))]
        shape = region.shape[len(lead) :]
        flat = region.reshape(*lead, -1)
        at = flat.argmax(-1)
        if x.dtype.kind == "f":
            bad = np.isnan(flat)
            if bad.any():  # of several nan, the last
                at = np.where(bad.any(-1), flat.shape[-1] - 1 - bad[..., ::-1].argmax(-1), at)
        best[(..., *place)] = np.take_along_axis(flat, at[..., None], -1)[..., 0]
        number: Any = 0
        for n, a, coordinate in zip(size, low, np.unravel_index(at, shape), strict=True):
            number = number * n + coordinate + a
        index[(..., *place)] = number
    return best, index


def _adaptive_max_kernel(x: Any, *, output_size: Any) -> Any:
    dims = len(output_size)
    return _region_maxima(x, [kernel.adaptive_bounds(n, m) for n, m in zip(x.shape[-dims:], output_size, strict=True)])


def _regional(name: str, function: Any, params: tuple[str, ...], dims_of: str) -> Primitive:
    scope = {"flat_put": flat_put, "flat_pick": flat_pick}
    vjp = eval(
        f"lambda xp, gs, x_shape, out1, {dims_of}: flat_put(xp, gs[0], out1, x_shape, len({dims_of}))", scope
    )
    jvp = eval(f"lambda xp, t, out1, {dims_of}: (flat_pick(xp, t, out1, len({dims_of}), False), None)", scope)
    return general(
        name,
        params=params,
        kernel=function,
        n_outputs=2,
        nondifferentiable_outputs=(1,),
        vjp=dict(x=vjp),
        jvp=dict(x=jvp),
        batch=_batch_pool,
        half="native",
    )


_adaptive_max = _regional("adaptive_max_pool", _adaptive_max_kernel, ("output_size",), "output_size")
_adaptive_nodes = {d: _adaptive_max.renamed(f"AdaptiveMaxPool{d}DBackward0") for d in (2, 3)}


_adaptive_takes = {2: Takes("adaptive_max_pool2d", REAL), 3: Takes("adaptive_max_pool3d_cpu", REAL)}


def _adaptive_maximum(x: Tensor, output_size: Any, dims: int) -> Any:
    name = f"adaptive_max_pool{dims}d"
    out = _adaptive_size(x, output_size, dims)
    if x.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {list(x.shape)}")
    if len(out) != dims:
        raise RuntimeError(f"{name}(): internal error: output_size.size() must be {dims}")
    for i, n in enumerate(x.shape[-dims - 1 :], x.ndim - dims - 1):
        if n == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(x.shape)} with dimension {i} being empty"
            )
    if any(m < 0 for m in out):
        shape = [*x.shape[:-dims], *out]
        raise RuntimeError(f"Trying to create tensor with negative dimension {next(n for n in shape if n < 0)}: {shape}")
    _adaptive_takes[dims](x)
    return dispatch(_adaptive_max, (x,), {"output_size": out}, _adaptive_nodes[dims])


def _adaptive_pair(dims: int) -> tuple[Any, Any]:
    def with_indices(input: Tensor, output_size: Any, return_indices: bool = True) -> Any:
        if dims == 1:
            _check_dims(input, "adaptive_max_pool1d")
            size = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
            y = _adaptive_maximum(ops.unsqueeze(input, dim=input.ndim - 1), (1, *size), 2)
            return squeeze(y[0], -2), squeeze(y[1], -2)
        return _adaptive_maximum(input, output_size, dims)

    def pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        y = with_indices(input, output_size)
        return y if return_indices else y[0]

    with_indices.__name__, pool.__name__ = f"adaptive_max_pool{dims}d_with_indices", f"adaptive_max_pool{dims}d"
    pool.__doc__ = f"Maxima of regions that cover the last {dims} dimensions."
    with_indices.__doc__ = f"(adaptive_max_pool{dims}d, the flat numbers of the maxima)."
    return pool, with_indices


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_pair(1)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_pair(2)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_pair(3)


# ---------------------------------------------------------------- unpooling


def _unpool_kernel(x: Any, index: Any, *, output_size: Any) -> Any:
    dims = len(output_size)
    lead = x.shape[: x.ndim - dims]
    size = math.prod(output_size)
    flat = np.zeros((*lead, size), x.dtype)
    np.put_along_axis(flat, index.reshape(*lead, -1), x.reshape(*lead, -1), -1)
    return flat.reshape(*lead, *output_size)


def _batch_unpool(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = next(v.shape[d] for v, d in zip(vals, dims, strict=True) if d is not None)
    return prim(*[stretched(v, d, n) for v, d in zip(vals, dims, strict=True)], **params), 0


_unpool = general(
    "max_unpool",
    inputs=("x", "index"),
    params=("output_size",),
    kernel=_unpool_kernel,
    vjp=dict(x=lambda xp, g, index, output_size: flat_pick(xp, g, index, len(output_size), False)),
    jvp=dict(x=lambda xp, t, index, output_size: xp.max_unpool(t, index, output_size=output_size)),
    batch=_batch_unpool,
    half="native",
    saved_names=dict(index="indices"),
)
_unpool_nodes = {d: _unpool.renamed(f"MaxUnpool{d}DBackward0") for d in (2, 3)}


def _unpool_size(
    x: Tensor, k: tuple[int, ...], s: tuple[int, ...], p: tuple[int, ...], output_size: Any
) -> tuple[int, ...]:
    dims = len(k)
    default = tuple((n - 1) * b + a - 2 * c for n, a, b, c in zip(x.shape[-dims:], k, s, p, strict=True))
    if output_size is None:
        return default
    given = tuple(output_size)
    if len(given) == dims + 2:
        given = given[2:]
    if len(given) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a "
            f"length of '{len(given)}'"
        )
    for i in range(dims):
        low, high = default[i] - s[i], default[i] + s[i]
        if not low < given[i] < high:
            raise ValueError(f'invalid output_size "{given}" (dim {i} must be between {low} and {high})')
    return given


def _unpooled(x: Tensor, indices: Tensor, dims: int, k: Any, s: Any, p: Any, output_size: Any) -> Tensor:
    out = _unpool_size(x, k, s, p, output_size)
    if dims == 1:
        y = _unpool_checked(ops.unsqueeze(x, dim=x.ndim - 1), ops.unsqueeze(indices, dim=indices.ndim - 1), (1, *out))
        return squeeze(y, -2)
    return _unpool_checked(x, indices, out)


_unpool_takes = {d: Takes(f"max_unpool{d}d", REAL) for d in (2, 3)}


def _unpool_checked(x: Tensor, indices: Tensor, out: tuple[int, ...]) -> Tensor:
    dims = len(out)
    if indices.dtype.name != "int64":
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype.scalar_name}")
    if tuple(x.shape) != tuple(indices.shape):
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(x.shape)}) but "
            f"got indices tensor "
            f"with shape: {list(indices.shape)}"
        )
    if indices.__class__ in PLAIN and not values_known():
        lost = (indices < 0) | (indices >= math.prod(out))  # type: ignore[operator]
        refuse_where(lost, lambda: RuntimeError("Found an invalid max index"))
    elif indices.__class__ in PLAIN:
        numbers = indices._data
        bad = (numbers < 0) | (numbers >= math.prod(out))
        if bad.any():
            raise RuntimeError(
                f"Found an invalid max index: {numbers[bad][0]} (output volumes are of size {'x'.join(map(str, out))})"
            )
    _unpool_takes[dims](x)
    return dispatch(_unpool, (x, indices), {"output_size": out}, _unpool_nodes[dims])  # type: ignore[no-any-return]


def _unpool_function(dims: int) -> Any:
    def fn(
        input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Tensor:
        name = f"max_unpool{dims}d"
        k = _tuple(kernel_size, dims, "kernel_size", name)
        s = k if stride is None else _tuple(stride, dims, "stride", name)
        return _unpooled(input, indices, dims, k, s, _tuple(padding, dims, "padding", name), output_size)

    fn.__name__ = fn.__qualname__ = f"max_unpool{dims}d"
    fn.__doc__ = f"The partial inverse of max_pool{dims}d: values at `indices`, zeros elsewhere."
    return fn


max_unpool1d, max_unpool2d, max_unpool3d = (_unpool_function(d) for d in (1, 2, 3))

for _fn in (
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_pool1d_with_indices,
    max_pool2d_with_indices,
    max_pool3d_with_indices,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d_with_indices,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
):
    public(_fn, name=f"nn.functional.{_fn.__name__}", method=False)
for _fn in (max_pool1d, max_pool1d_with_indices, max_pool2d, max_pool3d):
    public(_fn, name=_fn.__name__, method=False)
public(adaptive_max_pool1d_with_indices, name="adaptive_max_pool1d", method=False)

# ---------------------------------------------------------------- samples

samples(
    "nn.functional.max_pool1d",
    Case(T(2, 3, 7), 2),
    Case(T(3, 8), 3, stride=2, padding=1, dilation=2, ceil_mode=True),
    complex=False,
)
samples(
    "nn.functional.max_pool2d",
    Case(T(2, 3, 6, 5), 2),
    Case(T(1, 2, 6, 7), (3, 2), stride=(2, 3), padding=1, ceil_mode=True),
    Case(T(2, 6, 6), 3, stride=1, padding=1),
    Case(T(1, 2, 7, 7), 2, dilation=2),
    complex=False,
)
samples(
    "nn.functional.max_pool3d",
    Case(T(1, 2, 4, 4, 4), 2),
    Case(T(2, 4, 5, 3), (2, 3, 2), stride=1, padding=1),
    complex=False,
)
samples("nn.functional.adaptive_max_pool1d", Case(T(2, 3, 7), 3), complex=False)
samples("nn.functional.adaptive_max_pool2d", Case(T(2, 3, 5, 7), (2, 3)), Case(T(2, 5, 4), (None, 3)), complex=False)
samples("nn.functional.adaptive_max_pool3d", Case(T(1, 2, 4, 5, 3), (2, 3, 2)), complex=False)

__all__ = ["flat_pick", "flat_put"]
