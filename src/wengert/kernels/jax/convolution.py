"""Convolution, any number of spatial dimensions: XLA's own, in PyTorch's layouts. Its transposes are convolutions too.
Where few channels meet, products of matrices or a multiply-add for each element of the kernel serve better on a CPU.

Layouts: input (N, C, *S), weight (O, C / groups, *K), output (N, O, *P).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata

from ..pooling import apart

Array = Any

__all__ = ["col2im", "conv_forward", "conv_input_back", "conv_weight_back", "convolution", "im2col"]


def out_size(size: Sequence[int], kernel: Sequence[int], stride: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
    """How many windows fit along each dimension."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def one_dtype(x: Array, y: Array) -> tuple[Array, Array]:
    kind = jnp.result_type(x, y)
    return x.astype(kind), y.astype(kind)


def in_float32(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """The kernel, with half precision numbers brought to float32 and back: sums of many terms need the room."""

    @wraps(kernel)
    def wider(x: Array, y: Array, **params: Any) -> Array:
        if x.dtype.itemsize < 4 and x.dtype.kind not in "biu":
            return kernel(x.astype(jnp.float32), y.astype(jnp.float32), **params).astype(x.dtype)
        return kernel(x, y, **params)

    return wider


# ---------------------------------------------------------------- which way: XLA's own is slow on a CPU at few channels

#: up to so many elements a kernel is unrolled
UNROLLED = 32
#: with at most so many channels in a group, columns and products of matrices are faster than XLA's convolution: in two
#: and three dimensions; in one, and for the gradient of the input
FEW, FEW_MORE = 4, 8
#: elements of columns that are laid out at once, and up to which the gradient of the weight is a product with them
AT_ONCE, AT_ONCE_WEIGHT = 1 << 20, 1 << 18


def on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def is_depthwise(channels: int, groups: int, kernel: Sequence[int]) -> bool:
    """One input channel for each of several groups, a kernel small enough to be unrolled, and a CPU."""
    return groups > 1 and groups == channels and math.prod(kernel) <= UNROLLED and on_cpu()


def is_few(channels: int, kernel: Sequence[int], few: int) -> bool:
    """Few channels, a kernel small enough to be unrolled, and a CPU."""
    return channels <= few and math.prod(kernel) <= UNROLLED and on_cpu()


def is_product(kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> bool:
    """A kernel of one element: the windows are the input itself; and a CPU."""
    return math.prod(kernel) == 1 and all(s == 1 for s in stride) and not any(padding) and on_cpu()


def for_each(w: Array, x: Array) -> Array:
    """The matrices w (*groups, *, *) times those of x (n, *groups, *, *): cheaper than one product and its transposition."""
    return jnp.matmul(jnp.broadcast_to(w, (x.shape[0], *w.shape)), x)


def in_chunks(fn: Callable[[Array], Array], x: Array, each: int) -> Array:
    """fn(x), by chunks of samples that make at most `AT_ONCE` elements of columns, `each` for a sample."""
    n = x.shape[0]
    if n * each <= AT_ONCE:
        return fn(x)
    step = next(m for m in range(max(1, min(n, AT_ONCE // each)), 0, -1) if n % m == 0)
    y = lax.map(fn, x.reshape(n // step, step, *x.shape[1:]))
    return y.reshape(n, *y.shape[2:])


def by_groups(fn: Callable[..., Array], groups: int, x: Array, y: Array, dims: tuple[int, int], out: int) -> Array:
    """fn of each group's part of x and y along `dims`, joined along `out`: XLA's grouped convolutions are slow on a CPU."""
    parts = zip(jnp.split(x, groups, dims[0]), jnp.split(y, groups, dims[1]), strict=True)
    return jnp.concatenate([fn(a, b) for a, b in parts], out)


def computed_once(fn: Callable[..., Any], *xs: Array) -> Any:
    """fn(*xs), a computation of its own: XLA fuses sums of many terms into everything that uses them, and computes them
    as often; an optimization_barrier it drops before that, on a CPU."""
    return set_xla_metadata(jax.jit(fn)(*xs), inlineable="false") if on_cpu() else fn(*xs)


# ---------------------------------------------------------------- the three maps


@in_float32
def conv_forward(x: Array, w: Array, *, stride: Any, padding: Any, dilation: Any, groups: int) -> Array:
    """Cross-correlation of x with w."""
    x, w = one_dtype(x, w)
    n, c = x.shape[:2]
    o, _, *kernel = w.shape
    out = out_size(x.shape[2:], kernel, stride, padding, dilation)
    if not x.size or not w.size or 0 in out:
        return jnp.zeros((n, o, *out), x.dtype)
    if is_depthwise(c, groups, kernel):
        return depthwise(x, w, out, stride, padding, dilation)
    matrices = w.reshape(groups, o // groups, -1)
    if is_product(kernel, stride, padding):
        return for_each(matrices, x.reshape(n, groups, c // groups, -1)).reshape(n, o, *out)
    if is_few(c // groups, kernel, FEW if len(kernel) > 1 else FEW_MORE):

        def products(x: Array) -> Array:
            columns = columns_of(x, kernel, out, stride, padding, dilation)
            return for_each(matrices, columns.reshape(x.shape[0], groups, -1, math.prod(out)))

        return in_chunks(products, x, c * math.prod(kernel) * math.prod(out)).reshape(n, o, *out)
    if groups > 1 and on_cpu():
        given: Any = dict(stride=stride, padding=padding, dilation=dilation, groups=1)
        return by_groups(lambda x, w: conv_forward(x, w, **given), groups, x, w, (1, 0), 1)
    return lax.conv_general_dilated(
        x, w, tuple(stride), [(p, p) for p in padding], rhs_dilation=tuple(dilation), feature_group_count=groups
    )


@in_float32
def conv_input_back(
    g: Array, w: Array, *, size: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:
    """The transpose of `conv_forward` in x: g (N, O, *P) -> (N, C, *size). Also what a transposed convolution is."""
    g, w = one_dtype(g, w)
    n, out = g.shape[0], g.shape[2:]
    o, c, *kernel = w.shape
    if not g.size or not w.size or 0 in size:
        return jnp.zeros((n, c * groups, *size), g.dtype)
    if is_depthwise(c * groups, groups, kernel):
        return depthwise_input_back(g, w, c * groups, size, stride, padding, dilation)
    matrices = w.reshape(groups, o // groups, -1).swapaxes(1, 2)
    if is_product(kernel, stride, padding) and tuple(size) == out:
        return for_each(matrices, g.reshape(n, groups, o // groups, -1)).reshape(n, c * groups, *size)
    if is_few(c, kernel, c if apart(kernel, stride, dilation) else FEW_MORE):

        def spread(g: Array) -> Array:
            columns = for_each(matrices, g.reshape(g.shape[0], groups, o // groups, -1))
            columns = columns.reshape(g.shape[0], c * groups, math.prod(kernel), *out)
            return computed_once(lambda x: added_up(x, size, kernel, stride, padding, dilation), columns)

        return in_chunks(spread, g, c * groups * math.prod(kernel) * math.prod(out))
    if groups > 1 and on_cpu():
        given: Any = dict(size=size, stride=stride, padding=padding, dilation=dilation, groups=1)
        return by_groups(lambda g, w: conv_input_back(g, w, **given), groups, g, w, (1, 0), 1)
    flipped = jnp.flip(w, range(2, w.ndim)).reshape(groups, o // groups, c, *kernel)
    flipped = flipped.swapaxes(1, 2).reshape(groups * c, o // groups, *kernel)
    pads = []
    for m, count, k, s, p, d in zip(size, out, kernel, stride, padding, dilation, strict=True):
        pads.append((d * (k - 1) - p, m - (count - 1) * s - 1 + p))
    return lax.conv_general_dilated(
        g, flipped, (1,) * len(kernel), pads, lhs_dilation=tuple(stride), rhs_dilation=tuple(dilation),
        feature_group_count=groups,
    )  # fmt: skip


@in_float32
def conv_weight_back(
    x: Array, g: Array, *, kernel: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:
    """The transpose of `conv_forward` in w: x (N, C, *S), g (N, O, *P) -> (O, C / groups, *kernel)."""
    x, g = one_dtype(x, g)
    n, c = x.shape[:2]
    o, out = g.shape[1], g.shape[2:]
    if not x.size or not g.size or 0 in kernel:
        return jnp.zeros((o, c // groups, *kernel), x.dtype)
    if is_depthwise(c, groups, kernel):
        return depthwise_weight_back(x, g, kernel, stride, padding, dilation)
    plain = is_product(kernel, stride, padding)
    if plain or on_cpu() and math.prod(kernel) <= UNROLLED and n * c * math.prod(kernel) * math.prod(out) <= AT_ONCE_WEIGHT:
        columns = x if plain else columns_of(x, kernel, out, stride, padding, dilation)
        columns = columns.reshape(n, groups, -1, math.prod(out))
        rows = g.reshape(n, groups, o // groups, -1).swapaxes(2, 3)
        return jnp.sum(jnp.matmul(columns, rows), 0).swapaxes(1, 2).reshape(o, c // groups, *kernel)
    if groups > 1 and on_cpu():
        given: Any = dict(kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=1)
        return by_groups(lambda x, g: conv_weight_back(x, g, **given), groups, x, g, (1, 1), 0)
    pads = []
    for m, count, k, s, p, d in zip(x.shape[2:], out, kernel, stride, padding, dilation, strict=True):
        pads.append((p, (k - 1) * d + (count - 1) * s + 1 - m - p))
    spatial = "0123456789"[: len(kernel)]
    return lax.conv_general_dilated(
        x, g, tuple(dilation), pads, rhs_dilation=tuple(stride), batch_group_count=groups,
        dimension_numbers=("CN" + spatial, "IO" + spatial, "CN" + spatial),
    )  # fmt: skip


def convolution(
    x: Array, w: Array, b: Array | None, *, stride: Any, padding: Any, dilation: Any, transposed: bool,
    output_padding: Any, groups: int,
) -> Array:  # fmt: skip
    """The convolution, or transposed convolution, of x with w, and a bias for each channel."""
    given: Any = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    if transposed:
        size = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
            for n, k, s, p, d, extra in zip(x.shape[2:], w.shape[2:], stride, padding, dilation, output_padding, strict=True)
        )
        y = conv_input_back(x, w, size=size, **given)
    else:
        y = conv_forward(x, w, **given)
    return y if b is None else y + b.reshape(-1, *(1,) * (x.ndim - 2)).astype(y.dtype)


# ---------------------------------------------------------------- one channel for each group: a multiply-add for each tap


def padded(x: Array, padding: Sequence[int]) -> Array:
    """`x` with zeros around its spatial dimensions."""
    lead = x.ndim - len(padding)
    return jnp.pad(x, ((0, 0),) * lead + tuple((p, p) for p in padding)) if any(padding) else x


def factors(w: Array, channels: int) -> Array:
    """The weight as (C, many, *K, 1, ...): one factor for each channel and tap."""
    return w.reshape(channels, w.shape[0] // channels, *w.shape[2:], *(1,) * (w.ndim - 2))


def depthwise(x: Array, w: Array, out: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    n, c = x.shape[:2]
    x, w = padded(x, padding)[:, :, None], factors(w, c)
    total: Any = 0
    for tap in taps(w.shape[2 : 2 + len(out)]):
        total = total + tap_slice(x, tap, out, stride, dilation) * w[(slice(None), slice(None), *tap)]
    return total.reshape(n, total.shape[1] * total.shape[2], *out)


def depthwise_input_back(
    g: Array, w: Array, channels: int, size: Any, stride: Any, padding: Any, dilation: Any
) -> Array:
    """The transpose of `depthwise` in x."""
    n, o, *out = g.shape
    kernel = w.shape[2:]
    border = [d * (k - 1) - p for k, p, d in zip(kernel, padding, dilation, strict=True)]
    if o == channels and all(s == 1 for s in stride) and min(border) >= 0:
        if out_size(out, kernel, stride, border, dilation) == tuple(size):
            return depthwise(g, jnp.flip(w, range(2, w.ndim)), size, stride, border, dilation)
    g, w = g.reshape(n, channels, o // channels, *out), factors(w, channels)
    terms = [jnp.sum(g * w[(slice(None), slice(None), *tap)], 2) for tap in taps(kernel)]
    return added_up(jnp.stack(terms, 2), size, kernel, stride, padding, dilation)


def depthwise_weight_back(x: Array, g: Array, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """The transpose of `depthwise` in w: sample by sample, whose few numbers then stay in the cache for all taps."""
    n, c = x.shape[:2]
    o, out = g.shape[1], g.shape[2:]
    over = tuple(range(2, 2 + len(out)))

    def add(total: Array, sample: Any) -> tuple[Array, None]:
        a, b = sample
        a = padded(a, padding)[:, None]
        sums = [jnp.sum(tap_slice(a, tap, out, stride, dilation) * b, over) for tap in taps(kernel)]
        return total + jnp.stack(sums, -1), None

    start = jnp.zeros((c, o // c, math.prod(kernel)), x.dtype)
    total, _ = lax.scan(add, start, (x, g.reshape(n, c, o // c, *out)))
    return total.reshape(o, 1, *kernel)


# ---------------------------------------------------------------- windows as columns


def taps(kernel: Sequence[int]) -> Any:
    """The elements of a kernel, the last dimension fastest."""
    return itertools.product(*(range(k) for k in kernel))


def tap_slice(x: Array, tap: Sequence[int], out: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Array:
    """The elements of the padded x that meet kernel element `tap`, one for each window."""
    lead = x.ndim - len(out)
    start = [i * d for i, d in zip(tap, dilation, strict=True)]
    stop = [a + (m - 1) * s + 1 for a, m, s in zip(start, out, stride, strict=True)]
    return lax.slice(x, (*(0,) * lead, *start), (*x.shape[:lead], *stop), (*(1,) * lead, *stride))


def columns_of(x: Array, kernel: Any, out: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """Windows of (N, C, *S) as columns: (N, C * kernel size, number of windows)."""
    n, c = x.shape[:2]
    x = padded(x, padding)
    columns = [tap_slice(x, tap, out, stride, dilation) for tap in taps(kernel)]
    return jnp.stack(columns, 2).reshape(n, c * len(columns), math.prod(out))


def added_up(columns: Array, size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """The transpose, from (N, C, kernel size, *out) to (N, C, *size): overlapping windows add up."""
    n, c, _, *out = columns.shape
    total = jnp.zeros((n, c, *size), columns.dtype)
    for i, tap in enumerate(taps(kernel)):
        config = [(0, 0, 0), (0, 0, 0)]
        for at, m, count, s, p, d in zip(tap, size, out, stride, padding, dilation, strict=True):
            config.append((at * d - p, m + p - at * d - (count - 1) * s - 1, s - 1))
        total = total + lax.pad(columns[:, :, i], jnp.zeros((), columns.dtype), config)
    return total


def im2col(x: Array, *, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Array:
    """Windows of (N, C, H, W) as columns: (N, C * kernel size, number of windows); without N too."""
    out = out_size(x.shape[-2:], kernel_size, stride, padding, dilation)
    y = columns_of(x if x.ndim == 4 else x[None], kernel_size, out, stride, padding, dilation)
    return y if x.ndim == 4 else y[0]


def col2im(x: Array, *, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Array:
    """The transpose of `im2col`."""
    many = math.prod(kernel_size)
    out = out_size(output_size, kernel_size, stride, padding, dilation)
    columns = x.reshape(-1, x.shape[-2] // many, many, *out)
    y = added_up(columns, output_size, kernel_size, stride, padding, dilation)
    return y if x.ndim == 3 else y[0]
