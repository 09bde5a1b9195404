"""arange, linspace and logspace as PyTorch's CPU kernels compute them: to the last bit.

Their sums are fused (one rounding for a*b + c), and `arange` works in vectors of 32 bytes: the first element of each
is rounded to the dtype, the others are counted from it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
SPLITTER = 134217729.0  # 2**27 + 1: cuts a double into halves whose products are exact


def fused(a: Any, b: Array, c: Any, kind: Any) -> Array:
    """a * b + c with one rounding, in float32 or float64."""
    if kind == F32:
        return (np.float64(a) * b.astype(F64) + np.asarray(c, F64)).astype(F32)
    a, c = np.float64(a), np.asarray(c, F64)
    p = a * b
    a_high = a * SPLITTER - (a * SPLITTER - a)
    b_high = b * SPLITTER - (b * SPLITTER - b)
    a_low, b_low = a - a_high, b - b_high
    p_error = ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low
    s = p + c
    t = s - p
    s_error = (p - (s - t)) + (c - t)
    return s + (s_error + p_error)


def arange(start: float, step: float, n: int, kind: Any) -> Array:
    """start + i * step for i < n, in a floating dtype."""
    double = kind in (F32, F64)
    acc = F64 if double else F32  # the 16-bit formats count in float32
    i = np.arange(n)
    first, by = acc.type(start), acc.type(step)
    exact = fused(by, i.astype(acc), first, acc)
    out = exact.astype(kind)
    lanes = 32 // kind.itemsize
    whole = n // (2 * lanes) * (2 * lanes)
    if whole:
        k = i[:whole] % lanes
        base = out[:whole][i[:whole] - k].astype(acc)
        more = k.astype(acc)
        out[:whole] = (fused(by, more, base, acc) if kind != F32 else base + more * by).astype(kind)
    return out


def both_ends(start: Any, end: Any, step: Any, n: int, fma: bool, kind: Any) -> Array:
    """start + i * step in the first half, end - (n - 1 - i) * step in the second."""
    i = np.arange(n)
    up, down = i[: n // 2].astype(kind), (n - 1 - i[n // 2 :]).astype(kind)
    if fma:
        return np.concatenate([fused(step, up, start, kind), fused(-step, down, end, kind)])
    return np.concatenate([start + (step * up).astype(kind), end - (step * down).astype(kind)]).astype(kind)


def linspace(start: Any, end: Any, n: int, kind: Any) -> Array:
    """n numbers from start to end in any dtype."""
    if n == 1 or not n:
        return np.full(n, start).astype(kind)
    if kind.kind == "c":
        part = F32 if kind.itemsize == 8 else F64
        start, end = complex(start), complex(end)
        out = np.empty(n, kind)
        out.real = linspace(start.real, end.real, n, part)
        out.imag = linspace(start.imag, end.imag, n, part)
        return out
    if kind.kind in "iub":
        a, b = float(int(start)), float(int(end))
        return both_ends(a, b, (b - a) / (n - 1), n, True, F64).astype(np.int64).astype(kind)
    a, b = kind.type(start), kind.type(end)
    step = kind.type(kind.type(b - a) / kind.type(n - 1))
    return both_ends(a, b, step, n, kind in (F32, F64), kind)


def logspace(start: Any, end: Any, n: int, base: float, kind: Any) -> Array:
    """base to the power of n exponents from start to end."""
    if kind.kind == "c":
        return np.power(kind.type(base), linspace(start, end, n, kind))
    if n == 1:
        exponents = np.array([float(start)])
    elif kind.kind in "iub":
        a, b = float(int(start)), float(int(end))
        exponents = both_ends(a, b, (b - a) / max(n - 1, 1), n, False, F64)
    else:
        a, b = kind.type(start), kind.type(end)
        step = float(kind.type(b - a)) / max(n - 1, 1)
        exponents = both_ends(float(a), float(b), step, n, False, F64)
    try:
        values = np.array([math.pow(base, e) for e in exponents.tolist()])
    except (OverflowError, ValueError):
        values = np.power(float(base), exponents)
    if kind.kind in "iub":
        return values.astype(np.int64).astype(kind)
    return values.astype(F32).astype(kind) if kind.itemsize == 2 else values.astype(kind)
