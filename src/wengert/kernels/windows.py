"""Windows of arrays: where they lie, padding, what of the input meets each element of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .room import room_for

Array = Any


def out_size(size: Sequence[int], kernel: Sequence[int], stride: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
    """How many windows fit along each dimension."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def padded(x: Array, padding: Sequence[int]) -> Array:
    """`x` with zeros around its spatial dimensions, for the kernel that asks (see `room_for`)."""
    if not any(padding):
        return x
    lead = x.ndim - len(padding)
    shape = x.shape[:lead] + tuple(n + 2 * p for n, p in zip(x.shape[lead:], padding, strict=True))
    out = room_for(shape, x.dtype, "padded")
    out[...] = 0
    out[(..., *(slice(p, p + n) for n, p in zip(x.shape[lead:], padding, strict=True)))] = x
    return out


def crop(full: Array, size: Sequence[int], padding: Sequence[int]) -> Array:
    """Without the padding."""
    if not any(padding):
        return full
    return full[(slice(None), slice(None), *(slice(p, p + m) for m, p in zip(size, padding, strict=True)))].copy()


def windows(
    x: Array, kernel: Sequence[int], out: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Array:
    """A view (*lead, *kernel, *out) of the windows of the padded `x`."""
    lead = x.ndim - len(kernel)
    steps = x.strides[lead:]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:lead], *kernel, *out),
        (
            *x.strides[:lead],
            *(s * d for s, d in zip(steps, dilation, strict=True)),
            *(s * t for s, t in zip(steps, stride, strict=True)),
        ),
        writeable=False,
    )


def finite(x: Array) -> bool:
    """No nan and no infinity in `x`: then its products with the zeros of a border are zeros."""
    return bool(np.isfinite(np.add.reduce(x, None)))


def taps(kernel: Sequence[int]) -> Any:
    return np.ndindex(*kernel)


def tap_slice(
    tap: Sequence[int], out: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[slice, ...]:
    """The elements of the padded input that meet kernel element `tap`, one for each window."""
    return tuple(
        slice(i * d, i * d + (m - 1) * s + 1, s) for i, m, s, d in zip(tap, out, stride, dilation, strict=True)
    )
