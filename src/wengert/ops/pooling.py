"""Pooling by averages: of windows, of regions that cover the input, of powers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.inplace import write_out
from ..core.primitive import ops
from ..core.samples import Case, T, samples
from ..core.takes import FLOATS, LONG, REAL, Takes
from ..core.tensor import Tensor, wrap
from ..kernels import resample as kernel
from ..kernels.pooling import pool_size
from .install import FUNCTIONS, public
from .resample import resampled
from .shape import squeeze

# ---------------------------------------------------------------- arguments


def _tuple(value: Any, dims: int, name: str, what: str) -> tuple[int, ...]:
    if isinstance(value, (tuple, list)):
        values = tuple(int(v) for v in value)
        if len(values) == 1:
            return values * dims
        if len(values) != dims:
            either, omitted = "either " * (what != "avg_pool3d"), "omitted, " * (name == "stride")
            raise RuntimeError(f"{what}: {name} must {either}be {omitted}a single int, or a tuple of {_COUNT[dims]} ints")
        return values
    return (int(value),) * dims


_COUNT = {1: "one", 2: "two", 3: "three"}


def _check_pool(x: Tensor, dims: int, k: Any, s: Any, p: Any, d: Any, ceil_mode: bool, what: str) -> tuple[int, ...]:
    """The spatial size of the result, after PyTorch's checks."""
    if any(v == 0 for v in s):
        raise RuntimeError("stride should not be zero")
    for pad, size, gap in zip(p, k, d, strict=True):
        if pad < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {pad}")
        if pad > int(((size - 1) * gap + 1) / 2):
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={size} and "
                f"dilation={gap}"
            )
    if any(v <= 0 for v in k):
        names = ("T", "H", "W")[3 - dims :]
        raise RuntimeError(
            "kernel size should be greater than zero, but got "
            + " ".join(f"k{n}: {v}" for n, v in zip(names, k, strict=True))
        )
    if any(v < 0 for v in s):
        names = ("T", "H", "W")[3 - dims :]
        raise RuntimeError(
            "stride should be greater than zero, but got " + " ".join(f"d{n}: {v}" for n, v in zip(names, s, strict=True))
        )
    if any(v <= 0 for v in d):
        names = ("T", "H", "W")[3 - dims :]
        raise RuntimeError(
            "dilation should be greater than zero, but got "
            + " ".join(f"dilation{n}: {v}" for n, v in zip(names, d, strict=True))
        )
    _check_shape(x, dims, what)
    size = tuple(x.shape[-dims:])
    if what == "avg_pool3d" and any(n < a for n, a in zip(size, k, strict=True)):
        (t, h, w), (kt, kh, kw) = size, k
        raise RuntimeError(f"input image (T: {t} H: {h} W: {w}) smaller than kernel size (kT: {kt} kH: {kh} kW: {kw})")
    out = tuple(pool_size(n, a, b, c, e, ceil_mode) for n, a, b, c, e in zip(size, k, s, p, d, strict=True))
    if any(m < 1 for m in out):
        c = x.shape[-dims - 1]
        raise RuntimeError(
            f"Given input size: ({'x'.join(map(str, (c, *size)))}). Calculated output size: "
            f"({'x'.join(map(str, (c, *out)))}). Output size is too small"
        )
    return out


def _check_shape(x: Tensor, dims: int, what: str) -> None:
    """(N, C, *) or (C, *), where only N may be 0."""
    shape = list(x.shape)
    kind = f"{dims + 1}D or {dims + 2}D (batch mode) tensor"
    right = len(shape) in (dims + 1, dims + 2)
    if not right and (what != "avg_pool2d" or len(shape) < 3):
        raise RuntimeError(f"non-empty {kind} expected for input")
    if dims == 2 and not right or 0 in shape[-dims - 1 :]:
        if dims == 2:
            raise RuntimeError(f"Expected {kind} with optional 0 dim batch size for input, but got:{shape}")
        raise RuntimeError(
            f"{what}(): Expected input's non-batch dimensions to have positive length, but input has a shape of {shape} "
            "and non-batch dimension 0 has length zero!"
        )


# ---------------------------------------------------------------- averages

_takes = {2: Takes("avg_pool2d", REAL | LONG), 3: Takes("avg_pool3d_out_frame", FLOATS | LONG)}


def _average(
    x: Tensor,
    dims: int,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    include: bool,
    divisor: Any,
    what: str,
) -> Tensor:
    k = _tuple(kernel_size, dims, "kernel_size", what)
    s = k if stride is None or stride == () or stride == [] else _tuple(stride, dims, "stride", what)
    p = _tuple(padding, dims, "padding", what)
    if dims == 2 and x.ndim < 3:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-x.ndim}, {x.ndim - 1}], but got {-dims - 1})"
        )
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    out = _check_pool(x, dims, k, s, p, (1,) * dims, ceil_mode, what)
    _takes[dims](x)
    if x.dtype.category < 2:
        return _whole_average(x, out, k, s, p, include, divisor)
    tables = tuple(
        kernel.window_mean(n, m, a, b, c, include, (divisor if i == 0 else 1) if divisor is not None else None)
        for i, (n, m, a, b, c) in enumerate(zip(x.shape[-dims:], out, k, s, p, strict=True))
    )
    return resampled(x, tables, f"AvgPool{dims}DBackward0")


def _whole_average(x: Tensor, out: Any, k: Any, s: Any, p: Any, include: bool, divisor: Any) -> Tensor:
    """Of integers: the sum of each window, divided by the number of its elements without a fraction."""
    if x.dtype.name != "int64":
        title = "avg_pool2d" if len(k) == 2 else "avg_pool3d_out_frame"
        raise NotImplementedError(f"\"{title}\" not implemented for '{x.dtype.scalar_name}'")
    sums, counts = [], np.ones((1,) * len(k), np.int64)
    for i, (n, m, a, b, c) in enumerate(zip(x.shape[-len(k) :], out, k, s, p, strict=True)):
        sums.append(kernel.window_mean(n, m, a, b, c, include, 1))
        start, stop = kernel.window_bounds(n, m, a, b, c, include)
        shape = [1] * len(k)
        shape[i] = m
        counts = counts * (stop - start).reshape(shape)
    total = resampled(x, tuple(sums), "")
    by = wrap(counts.astype(x.dtype.np)) if divisor is None else int(divisor)
    return FUNCTIONS["div"](total, by, rounding_mode="trunc")  # type: ignore[no-any-return]


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Means of windows of (N, C, H, W) or (C, H, W)."""
    y = _average(
        input, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, "avg_pool2d"
    )
    return y if out is None else write_out(out, y, "avg_pool2d")


def avg_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Means of windows of (N, C, D, H, W) or (C, D, H, W)."""
    y = _average(
        input, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, "avg_pool3d"
    )
    return y if out is None else write_out(out, y, "avg_pool3d")


def avg_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """Means of windows of (N, C, L) or (C, L)."""
    _check_dims(input, "avg_pool1d")
    k = _tuple(kernel_size, 1, "kernel_size", "avg_pool1d")
    s = k if stride is None or stride == () else _tuple(stride, 1, "stride", "avg_pool1d")
    p = _tuple(padding, 1, "padding", "avg_pool1d")
    lifted = ops.unsqueeze(input, dim=input.ndim - 1)
    y = avg_pool2d(lifted, (1, *k), (1, *s), (0, *p), ceil_mode, count_include_pad)
    return squeeze(y, -2)


def _check_dims(x: Tensor, name: str) -> None:
    if x.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {x.ndim}-dimensional tensor for argument #1 'self' (while checking "
            f"arguments for {name})"
        )


def _adaptive_size(x: Tensor, output_size: Any, dims: int) -> tuple[int, ...]:
    if not isinstance(output_size, (tuple, list)):
        return (int(output_size),) * dims
    given = tuple(output_size)
    if x.ndim <= len(given):
        raise ValueError(f"Input dimension should be at least {len(given) + 1}")
    return tuple(x.shape[i - len(given)] if n is None else int(n) for i, n in enumerate(given))


_adaptive_takes = {2: Takes("adaptive_avg_pool2d", REAL), 3: Takes("adaptive_avg_pool3d_cpu", REAL)}


def _adaptive_average(x: Tensor, output_size: Any, dims: int) -> Tensor:
    name = f"adaptive_avg_pool{dims}d"
    out = _adaptive_size(x, output_size, dims)
    if len(out) != dims:
        raise RuntimeError(f"{name}: output_size must be {dims}")
    if any(n < 0 for n in out):
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{', '.join(map(str, out))}}}"
        )
    if all(n == 1 for n in out) and dims > 1:
        return FUNCTIONS["mean"](x, tuple(range(-1, -dims - 1, -1)), keepdim=True)  # type: ignore[no-any-return]
    if x.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got {list(x.shape)}")
    for i, n in enumerate(x.shape[1:], 1):
        if n == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(x.shape)} with dimension {i} being empty"
            )
    tables = tuple(kernel.adaptive_mean(n, m) for n, m in zip(x.shape[-dims:], out, strict=True))
    return resampled(x, tables, f"AdaptiveAvgPool{dims}DBackward0", _adaptive_takes[dims])


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Means of `output_size` regions that cover the last dimension."""
    _check_dims(input, "adaptive_avg_pool1d")
    size = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
    lifted = ops.unsqueeze(input, dim=input.ndim - 1)
    return squeeze(_adaptive_average(lifted, (1, *size), 2), -2)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means of regions that cover the last two dimensions; None in `output_size` keeps a dimension."""
    return _adaptive_average(input, output_size, 2)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means of regions that cover the last three dimensions; None in `output_size` keeps a dimension."""
    return _adaptive_average(input, output_size, 3)


# ---------------------------------------------------------------- power averages


def _lp(x: Tensor, norm_type: float, dims: int, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    k = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * dims
    count = math.prod(k)
    if math.isinf(norm_type):
        largest = FUNCTIONS[f"nn.functional.max_pool{dims}d"]
        size = abs(x)  # type: ignore[arg-type]
        if norm_type > 0:
            return largest(size, kernel_size, stride, 0, 1, ceil_mode)  # type: ignore[no-any-return]
        return -largest(-size, kernel_size, stride, 0, 1, ceil_mode)  # type: ignore[no-any-return]
    means = (avg_pool1d, avg_pool2d, avg_pool3d)[dims - 1](x**norm_type, kernel_size, stride, 0, ceil_mode)  # type: ignore[operator]
    signed = FUNCTIONS["sign"](means) * FUNCTIONS["relu"](abs(means))  # type: ignore[arg-type]
    return (signed * count) ** (1.0 / norm_type)  # type: ignore[no-any-return]


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: int, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norms of windows of the last dimension."""
    return _lp(input, norm_type, 1, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norms of windows of the last two dimensions."""
    return _lp(input, norm_type, 2, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norms of windows of the last three dimensions."""
    return _lp(input, norm_type, 3, kernel_size, stride, ceil_mode)


for _fn in (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
):
    public(_fn, name=f"nn.functional.{_fn.__name__}", method=False)
for _fn in (avg_pool1d, adaptive_avg_pool1d):
    public(_fn, name=_fn.__name__, method=False)

# ---------------------------------------------------------------- samples

samples(
    "nn.functional.avg_pool1d",
    Case(T(2, 3, 7), 2),
    Case(T(3, 7), 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    complex=False,
)
samples(
    "nn.functional.avg_pool2d",
    Case(T(2, 3, 6, 5), 2),
    Case(T(1, 2, 6, 7), (3, 2), stride=(2, 3), padding=1, ceil_mode=True),
    Case(T(2, 5, 5), 2, count_include_pad=False, padding=1),
    Case(T(1, 2, 5, 5), 3, divisor_override=2, stride=1),
    complex=False,
)
samples(
    "nn.functional.avg_pool3d",
    Case(T(1, 2, 4, 4, 3), 2),
    Case(T(1, 2, 4, 5, 3), (2, 3, 2), stride=1, padding=1, divisor_override=3),
    complex=False,
)
samples("nn.functional.adaptive_avg_pool1d", Case(T(2, 3, 7), 3), Case(T(3, 5), 7), complex=False)
samples(
    "nn.functional.adaptive_avg_pool2d",
    Case(T(2, 3, 5, 7), (2, 3)),
    Case(T(2, 5, 4), (None, 6)),
    Case(T(1, 2, 4, 4), 1),
    complex=False,
)
samples("nn.functional.adaptive_avg_pool3d", Case(T(1, 2, 4, 5, 3), (2, 3, 2)), complex=False)
samples("nn.functional.lp_pool1d", Case(T(2, 3, 7, low=0.2, high=2.0), 2.0, 3), complex=False)
samples(
    "nn.functional.lp_pool2d",
    Case(T(2, 3, 6, 5, low=0.2, high=2.0), 3.0, 2, stride=1),
    Case(T(2, 3, 6, 5), math.inf, 2),
    Case(T(2, 3, 6, 5), -math.inf, 2, stride=1),
    complex=False,
)
samples("nn.functional.lp_pool3d", Case(T(1, 2, 4, 4, 4, low=0.2, high=2.0), 2.0, 2), complex=False)
