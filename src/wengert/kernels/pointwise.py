"""Pointwise kernels for large arrays, where NumPy's own branch on every element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .scalars import convert_scalar

try:  # the ufunc behind np.clip: one pass, and no checks in Python
    from numpy._core.umath import clip
except ImportError:
    clip = np.clip

Array = Any
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
I32, I64 = np.dtype(np.int32), np.dtype(np.int64)

def row_major(y: Any) -> Any:
    """A result in row-major order, as PyTorch's reductions and scans lay theirs out whatever the input's order."""
    return y if y.ndim < 2 or y.flags.c_contiguous else np.ascontiguousarray(y)


#: below this many elements np.where costs less than four passes
LARGE = 4096


def bits_where(condition: Array, x: Array, y: Any, inverted: bool = False) -> Array | None:
    """`np.where` on the bits: no branch, so a random mask costs no more than a constant one. `y` is an array or 0.

    `inverted`: x where the condition does not hold. None where it does not apply (other dtypes, broadcasting, strides).
    """
    kind = x.dtype
    if kind is not F32 and kind is not F64:
        return None
    if condition.dtype.kind != "b" or condition.shape != x.shape:
        return None
    if 0 in x.strides:  # the gradient of a sum
        x = np.ascontiguousarray(x)
    if not (condition.flags.c_contiguous and x.flags.c_contiguous):
        return None
    whole = I32 if kind is F32 else I64
    mask = condition.view(np.int8).astype(whole)
    if inverted:
        np.subtract(mask, 1, mask)
    else:
        np.negative(mask, mask)  # all ones where the condition holds
    if y.__class__ is not np.ndarray:
        return np.bitwise_and(mask, x.view(whole), out=mask).view(kind)
    if y.dtype is not kind or y.shape != x.shape or not y.flags.c_contiguous:
        return None
    other = y.view(whole)
    np.bitwise_and(mask, np.bitwise_xor(x.view(whole), other), out=mask)
    return np.bitwise_xor(mask, other, out=mask).view(kind)


def spread(x: Any, other: Any) -> Any:
    """A 0-d operand beside a large one: 0 (not -0.0) as a number, any other value repeated."""
    arrays = x.__class__ is np.ndarray and other.__class__ is np.ndarray
    if arrays and x.ndim == 0 and other.ndim and x.dtype == other.dtype:
        if x == 0 and not np.signbit(x.real):
            return 0
        return np.full(other.shape, x)
    return x


def where(condition: Any, x: Any, y: Any) -> Array:
    """x where the condition holds, else y; numbers take the dtype of the arrays."""
    if condition.__class__ is np.ndarray and condition.size >= LARGE:
        found = None
        x, y = spread(x, y), spread(y, x)
        if x.__class__ is np.ndarray:
            if y.__class__ is np.ndarray or (y.__class__ is int and y == 0):
                found = bits_where(condition, x, y)
        elif x.__class__ is int and x == 0 and y.__class__ is np.ndarray:
            found = bits_where(condition, y, 0, True)
        if found is not None:
            return found
    return np.where(condition, x, y)


_ZERO = {F32: np.zeros((), F32), F64: np.zeros((), F64)}
_INFINITY = {F32: np.array(np.inf, F32), F64: np.array(np.inf, F64)}


def relu(x: Array, out: Any = None) -> Array:
    """max(x, 0); nan stays."""
    kind = x.dtype
    if kind is F32 or kind is F64:
        return clip(x, _ZERO[kind], _INFINITY[kind], out=out)
    return np.maximum(x, 0, out=out)


def clamp(x: Array, *, min: Any, max: Any, out: Any = None) -> Array:
    """min(max(x, min), max) for numbers (None: no bound); nan stays."""
    kind = x.dtype
    if kind is F32 or kind is F64:
        low = kind.type(-np.inf if min is None else min)
        high = kind.type(np.inf if max is None else max)
        if low <= high:
            return clip(x, low, high, out=out)
        if low > high:
            return np.full_like(x, high) if not np.isnan(x).any() else np.where(np.isnan(x), x, high)
    if min is not None:
        x = np.maximum(x, convert_scalar(min, kind), out=out)
    if max is not None:
        x = np.minimum(x, convert_scalar(max, kind), out=out)
    return x
