"""Views on arrays: windows onto the same memory, never scalars, writable as their base, with PyTorch's strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .memory import address, element_strides, root, strided

ndarray = np.ndarray
Array = Any

CANNOT_VIEW = (
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
    "contiguous subspaces). Use .reshape(...) instead."
)


def is_view_of(y: Array, x: Array) -> bool:
    """Whether `y`, made by `x.reshape`, still is the memory of `x`: NumPy notes the owner of the memory as base."""
    base = y.base
    return base is not None and (base is x or base is x.base)


def view(x: Array, *, size: Sequence[int]) -> Array:
    """The same elements under another shape. Raises RuntimeError if that needs a copy."""
    y = x.reshape(size)
    if not is_view_of(y, x) and x.size:
        raise RuntimeError(CANNOT_VIEW)
    return y


def reshape(x: Array, shape: Sequence[int]) -> Array:
    return x.reshape(shape)


def expand(x: Array, *, size: Sequence[int]) -> Array:
    """A view with stride 0 along the stretched dimensions."""
    y = expanded(x, size)
    if y is None:
        raise RuntimeError(f"cannot expand {x.shape} to {tuple(size)}")
    return y


def expanded(x: Array, size: Sequence[int]) -> Array | None:
    """`expand`, where -1 keeps a size; None if `x` does not stretch to `size`."""
    key = x.shape, x.strides, x.itemsize, size
    try:
        plan = _plans[key]  # type: ignore[index]
    except (KeyError, TypeError):
        plan = stretch(x, size)
        if plan is None:
            return None
        if len(_plans) < 1024 and size.__class__ is tuple:
            _plans[key] = plan  # type: ignore[index]
    shape, strides, dense = plan
    if dense and x.dtype.kind != "V":
        return ndarray(shape, x.dtype, x, 0, strides)  # an order faster than broadcast_to
    if 0 in shape:
        return np.lib.stride_tricks.as_strided(x, shape, (0,) * len(shape))
    return strided(x, shape, strides, 0)


#: what `stretch` found out: the same few shapes come again and again
_plans: dict[tuple[Any, ...], tuple[tuple[int, ...], tuple[int, ...], bool]] = {}


def stretch(x: Array, size: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...], bool] | None:
    """Shape and strides of `x` stretched to `size`, and whether `x` is dense; None if it does not stretch so."""
    have, step = x.shape, x.strides
    i = len(have)
    at = len(size)
    if at < i:
        return None
    shape: list[int] = []
    strides: list[int] = []
    while at:
        at -= 1
        n = size[at]
        if i:
            i -= 1
            old, s = have[i], step[i]
            if n != old:
                if n == -1:
                    n = old
                elif old == 1 and n >= 0:
                    s = 0
                else:
                    return None
        elif n < 0:
            return None
        else:  # a new dimension: PyTorch gives it a real stride if it has size 1
            s = 0 if n != 1 else shape[-1] * strides[-1] if shape else x.itemsize
        shape.append(n)
        strides.append(s)
    return tuple(reversed(shape)), tuple(reversed(strides)), bool(x.flags.c_contiguous and x.size)


def permute(x: Array, *, dims: Sequence[int]) -> Array:
    return x.transpose(dims)


def transpose(x: Array, *, dim0: int, dim1: int) -> Array:
    return x.swapaxes(dim0, dim1) if x.ndim else x.view()


def t(x: Array) -> Array:
    return x.T


def unsqueeze(x: Array, *, dim: int) -> Array:
    """A dimension of size 1; its stride is that of the whole dimension behind it (1 at the end)."""
    if dim == 0:
        if x.flags.c_contiguous:
            return x.reshape(1, *x.shape)
    elif dim == x.ndim and not x.flags.c_contiguous and x.size:
        return strided(x, (*x.shape, 1), (*x.strides, x.itemsize), 0)
    shape = x.shape
    if x.size == 0:
        return x[(slice(None),) * dim + (None,)]
    return x.reshape((*shape[:dim], 1, *shape[dim:]))


def squeeze(x: Array, *, dim: Any) -> Array:
    return x.squeeze(dim)


def alias(x: Array) -> Array:
    return x.view()


def diagonal(x: Array, *, offset: int, dim1: int, dim2: int) -> Array:
    """The diagonal as the last dimension, writable."""
    y = np.diagonal(x, offset, dim1, dim2)
    if not y.flags.writeable and x.flags.writeable:
        try:
            y.flags.writeable = True  # NumPy marks it read-only out of caution
        except ValueError:
            y = strided(x, y.shape, y.strides, address(y) - address(x))
    return y


def unfold(x: Array, *, dim: int, size: int, step: int) -> Array:
    """Windows of `size` every `step` along `dim`; the window is a new last dimension."""
    if x.ndim == 0:
        return x.reshape(1)[:size]
    n = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], n, *x.shape[dim + 1 :], size)
    s = x.strides
    if 0 in shape or x.size == 0:
        return np.lib.stride_tricks.as_strided(x, shape, (0,) * len(shape))
    return strided(x, shape, (*s[:dim], s[dim] * step, *s[dim + 1 :], s[dim]), 0)


def as_strided(
    x: Array, *, size: Sequence[int], stride: Sequence[int], storage_offset: int, source: Any = None
) -> Array:
    """Any window onto the storage under `x` (not onto `x`): offset and strides count elements.

    `source` is the geometry that the tensor had when the view was made. An array that lies otherwise (a gradient, a
    copy) is first laid out as it did; the window is then onto that copy.
    """
    if 0 in size:
        return np.empty(tuple(size), x.dtype)
    k = x.itemsize
    steps = [s * k for s in stride]
    owner = root(x)
    inside = address(x) - address(owner) if owner is not x else 0
    shift = storage_offset * k - inside if source is None else (storage_offset - source[2]) * k
    if source is not None:
        end = inside + shift + (reach(size, stride, 0)) * k
        if not same_layout(x, source) or inside + shift < 0 or (end > owner.nbytes and owner.flags.forc):
            x = laid_out(x, size, stride, storage_offset, source)
    return strided(x, size, steps, shift)


def reach(size: Sequence[int], stride: Sequence[int], offset: int) -> int:
    """How many elements the buffer under the window (size, stride, offset) must have."""
    if 0 in size:
        return 0
    return offset + 1 + sum([(n - 1) * s for n, s in zip(size, stride, strict=True)])


def same_layout(x: Array, source: Any) -> bool:
    """Whether `x` has the strides of `source` where they matter."""
    k = x.itemsize
    return all(n <= 1 or have == want * k for n, have, want in zip(x.shape, x.strides, source[1], strict=True))


def laid_out(x: Array, size: Sequence[int], stride: Sequence[int], storage_offset: int, source: Any) -> Array:
    """A copy of `x` with the strides of `source`, in a buffer that also holds the window (size, stride, offset)."""
    shape, strides, offset = source
    low = min(offset, storage_offset)
    length = max(reach(shape, strides, offset), reach(size, stride, storage_offset)) - low
    k = x.itemsize
    out = strided(np.zeros(max(length, 1), x.dtype), shape, [s * k for s in strides], (offset - low) * k)
    out[...] = x
    return out


def view_dtype(x: Array, *, dtype: Any) -> Array:
    """The same bytes as another type; the last dimension grows or shrinks with the element size."""
    return x.view(dtype)


def view_as_real(x: Array) -> Array:
    """Complex elements as pairs of reals in a new last dimension."""
    kind = x.real.dtype
    if x.flags.c_contiguous and x.size:
        return x.reshape(*x.shape, 1).view(kind) if x.ndim else x.reshape(1).view(kind)
    return strided(x.real, (*x.shape, 2), (*x.strides, kind.itemsize), 0) if x.size else np.empty((*x.shape, 2), kind)


def view_as_complex(x: Array) -> Array:
    """The inverse of `view_as_real`."""
    kind = np.dtype(np.complex128 if x.itemsize == 8 else np.complex64)
    return x.view(kind)[..., 0]


# ---------------------------------------------------------------- flat windows: as_strided between 1-d buffers


def strided_gather(x: Array, *, size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """A copy of the window (size, stride, offset) onto the 1-d buffer `x`."""
    if 0 in size:
        return np.empty(tuple(size), x.dtype)
    x = np.ascontiguousarray(x)
    k = x.itemsize
    return strided(x, size, [s * k for s in stride], offset * k).copy()


def strided_scatter(x: Array, *, length: int, size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """A 1-d buffer of `length` zeros into which the elements of `x` are added at the window (size, stride, offset)."""
    out = np.zeros(length, x.dtype)
    if x.size:
        index = flat_index(size, stride, offset)
        if overlaps(size, stride):
            np.add.at(out, index, x.reshape(-1))
        else:
            out[index] = x.reshape(-1)
    return out


def flat_index(size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """Where in the buffer the elements of the window lie."""
    index = np.full((1,) * len(size), offset, np.int64)
    for d, (n, s) in enumerate(zip(size, stride, strict=True)):
        index = index + (np.arange(n) * s).reshape([-1 if i == d else 1 for i in range(len(size))])
    return np.broadcast_to(index, tuple(size)).reshape(-1)


def overlaps(size: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether two elements of the window may lie at one place."""
    reach = 0
    for n, s in sorted(((n, s) for n, s in zip(size, stride, strict=True) if n > 1), key=lambda p: p[1]):
        if s <= reach:
            return True
        reach += (n - 1) * s
    return False


def geometry(x: Array) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """(shape, strides, storage offset) in elements."""
    owner = root(x)
    offset = 0 if owner is x else (address(x) - address(owner)) // x.itemsize
    return x.shape, element_strides(x), offset
