"""Maxima of windows and of regions, with their places; unpooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from ..pooling import apart, pool_size
from ..resample import adaptive_bounds
from .convolution import computed_once, tap_slice, taps
from .scatter import put_last, take_along

Array = Any

__all__ = ["adaptive_max_pool", "fractional_max_pool", "max_pool_put", "max_pool_values", "max_pool_with_indices", "max_unpool"]


def lowest(dtype: Any) -> Any:
    if dtype.kind == "b":
        return jnp.asarray(False)
    return jnp.asarray(jnp.iinfo(dtype).min if dtype.kind in "iu" else -np.inf, dtype)


def surroundings(
    x: Array, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """(how many windows, what to add before and after) for each of the last dimensions."""
    out, pads = [], []
    size = x.shape[x.ndim - len(kernel_size) :]
    for n, k, s, p, d in zip(size, kernel_size, stride, padding, dilation, strict=True):
        m = pool_size(n, k, s, p, d, ceil_mode)
        out.append(m)
        pads.append((p, max(p, (m - 1) * s + (k - 1) * d + 1 - n - p)))
    return tuple(out), pads


def max_pool_values(x: Array, *, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Array:
    """The maxima of windows of the last dimensions."""
    lead = x.ndim - len(kernel_size)
    out, pads = surroundings(x, kernel_size, stride, padding, dilation, ceil_mode)
    ones = (1,) * lead
    y = lax.reduce_window(
        x, lowest(x.dtype), lax.max, (*ones, *kernel_size), (*ones, *stride), ((0, 0),) * lead + tuple(pads), None,
        (*ones, *dilation),
    )  # fmt: skip
    return y[(..., *(slice(m) for m in out))]


def max_pool_with_indices(
    x: Array, *, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Array, Array]:
    """(maxima, the numbers of their elements in the flattened spatial dimensions).

    Of equal elements the first counts; a nan wins, and of several the last.
    """
    given: Any = dict(kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    best, index = computed_once(lambda x: maxima(x, **given), x)
    return best, index.astype(jnp.int64)


def maxima(
    x: Array, *, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Array, Array]:
    """`max_pool_with_indices`, the numbers as int32 where these reach."""
    dims = len(kernel_size)
    lead = x.ndim - dims
    size = x.shape[lead:]
    out, pads = surroundings(x, kernel_size, stride, padding, dilation, ceil_mode)
    whole = x
    if any(a or b for a, b in pads):
        whole = lax.pad(x, lowest(x.dtype), [(0, 0, 0)] * lead + [(a, b, 0) for a, b in pads])
    best = index = None
    for tap in taps(kernel_size):
        value = tap_slice(whole, tap, out, stride, dilation)
        number, inside = numbers(tap, out, size, stride, padding, dilation)
        if best is None:
            best, first_outside = value, inside is not None
            index = jnp.broadcast_to(jnp.asarray(number if inside is None else np.where(inside, number, -1)), value.shape)
            continue
        better = value > best
        if value.dtype.kind not in "biu":
            better |= value != value
        if first_outside:
            better |= index < 0  # minus infinity counts as soon as it is inside
        if inside is not None:
            better &= inside
        best, index = jnp.where(better, value, best), jnp.where(better, number, index)
    assert best is not None
    return best, index


def numbering(size: Sequence[int]) -> Any:
    """The smaller the numbers, the more fit into one instruction."""
    return np.int32 if math.prod(size) < 2**31 else np.int64


def numbers(tap: Any, out: Any, size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Any, Any]:
    """(the flat numbers of the inputs that meet a kernel element, which of them are inside; None: all)."""
    number: Any = 0
    inside: Any = None
    for i, n in enumerate(size):
        at = np.arange(out[i]) * stride[i] - padding[i] + tap[i] * dilation[i]
        at = at.reshape(-1, *(1,) * (len(size) - 1 - i))
        if at.size and (at.min() < 0 or at.max() >= n):
            valid = (at >= 0) & (at < n)
            inside = valid if inside is None else inside & valid
        number = number * n + at
    return np.broadcast_to(number, out).astype(numbering(size)), inside


def max_pool_put(
    g: Array, index: Array, *, shape: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> Array:
    """Zeros of `shape` with each element of g added where the maximum of its window was; -1 is nowhere."""
    lead = g.ndim - len(kernel_size)
    size = shape[lead:]
    if not g.size or not math.prod(shape):
        return jnp.zeros(shape, g.dtype)
    if not apart(kernel_size, stride, dilation):
        rows = (*g.shape[:lead], -1)
        return put_last(g.reshape(rows), index.reshape(rows), size=math.prod(size)).reshape(shape)
    # no element is in two windows: each asks its own whether it is the maximum there. XLA fuses that with what comes
    # before and after, as it does not a scatter
    window = index.astype(numbering(size))
    for dim, (n, s, p) in enumerate(zip(size, stride, padding, strict=True), lead):
        window, g = repeated(window, dim, s, p, n, -1), repeated(g, dim, s, p, n, 0)
    number = jnp.arange(math.prod(size), dtype=window.dtype).reshape(size)
    return jnp.where(window == number, g, jnp.zeros((), g.dtype))


def repeated(x: Array, dim: int, times: int, skip: int, size: int, fill: int) -> Array:
    """Each element so many times along `dim`, but for the first `skip`; cut or filled up to `size`."""
    y = lax.slice_in_dim(jnp.repeat(x, times, dim), skip, None, axis=dim)
    config = [(0, size - y.shape[dim] if d == dim else 0, 0) for d in range(y.ndim)]
    return lax.pad(y, jnp.asarray(fill, y.dtype), config)


# ---------------------------------------------------------------- regions


def largest(
    x: Array, number: Array, inside: Any, out: Sequence[int], last_nan: bool = False
) -> tuple[Array, Array]:
    """(maxima, flat numbers) of regions: `number` (..., regions, places) are the flat numbers of their elements.

    `last_nan`: of several nan the last one wins, else the first."""
    dims = len(out)
    lead = x.shape[: x.ndim - dims]
    flat = x.reshape(*lead, 1, math.prod(x.shape[x.ndim - dims :]))
    number = jnp.broadcast_to(number, (*lead, *number.shape[-2:]))
    values = take_along(jnp.broadcast_to(flat, (*lead, number.shape[-2], flat.shape[-1])), number, dim=-1)
    if inside is not None:
        values = jnp.where(inside, values, lowest(x.dtype))
    at = jnp.argmax(values, -1, keepdims=True)
    if last_nan and x.dtype.kind not in "biu":
        bad = jnp.isnan(values)
        last = values.shape[-1] - 1 - jnp.argmax(bad[..., ::-1], -1, keepdims=True)
        at = jnp.where(bad.any(-1, keepdims=True), last, at)
    best = take_along(values, at, dim=-1).reshape(*lead, *out)
    return best, take_along(number, at, dim=-1).reshape(*lead, *out)


def adaptive_max_pool(x: Array, *, output_size: Any) -> tuple[Array, Array]:
    """Maxima of regions that cover the input."""
    dims = len(output_size)
    number: Any = np.zeros((1,) * (2 * dims), np.int64)
    inside: Any = np.ones((1,) * (2 * dims), bool)
    for i, (n, m) in enumerate(zip(x.shape[x.ndim - dims :], output_size, strict=True)):
        start, stop = adaptive_bounds(n, m)
        offset = np.arange(int((stop - start).max(initial=1)))
        shape = [1] * (2 * dims)
        shape[i], shape[dims + i] = m, offset.size
        number = number * n + np.minimum(start[:, None] + offset, n - 1).reshape(shape)
        inside = inside & (offset < (stop - start)[:, None]).reshape(shape)
    whole = (math.prod(output_size), -1) if number.size else (math.prod(output_size), 1)
    number, inside = number.reshape(whole), np.broadcast_to(inside, number.shape).reshape(whole)
    return largest(x, jnp.asarray(number), None if inside.all() else inside, tuple(output_size), True)


def random_starts(sample: Array, size: int, out: int, pool: int) -> Array:
    """Where the regions of fractional pooling start: (*planes, out) for a number in [0, 1) each plane."""
    last = jnp.full((*sample.shape, 1), size - pool, jnp.int64)
    if out == 1:
        return last
    kind = sample.dtype.type
    alpha = kind(size - pool) / kind(out - 1)
    steps = jnp.arange(out - 1).astype(sample.dtype)
    starts = ((sample[..., None] + steps) * alpha).astype(jnp.int64) - (sample[..., None] * alpha).astype(jnp.int64)
    return jnp.concatenate([starts, last], -1)


def fractional_max_pool(x: Array, samples: Array, *, kernel_size: Any, output_size: Any) -> tuple[Array, Array]:
    """Maxima of regions at random."""
    dims = len(kernel_size)
    size = x.shape[-dims:]
    planes = x.shape[: x.ndim - dims]
    order = (1, 0) if dims == 2 else (0, 1, 2)  # in two dimensions the width takes the first number
    number: Any = jnp.zeros((), jnp.int64)
    for i in range(dims):
        drawn = samples[..., order[i]].reshape(planes)
        starts = random_starts(drawn, size[i], output_size[i], kernel_size[i])
        shape = [1] * (2 * dims)
        shape[i], shape[dims + i] = output_size[i], kernel_size[i]
        number = number * size[i] + (starts[..., None] + jnp.arange(kernel_size[i])).reshape(*planes, *shape)
    number = number.reshape(*planes, math.prod(output_size), math.prod(kernel_size))
    return largest(x, number, None, tuple(output_size))


def max_unpool(x: Array, index: Array, *, output_size: Any) -> Array:
    """Zeros with the elements of x at the flat numbers `index`."""
    dims = len(output_size)
    lead = x.shape[: x.ndim - dims]
    rows, size = math.prod(lead), math.prod(output_size)
    at = (index.reshape(rows, -1) + (jnp.arange(rows) * size)[:, None]).reshape(-1)
    out = jnp.zeros(rows * size, x.dtype).at[at].set(x.reshape(-1), mode="promise_in_bounds", wrap_negative_indices=False)
    return out.reshape(*lead, *output_size)
