"""Discrete Fourier transforms on arrays, by NumPy (pocketfft), in the precision of their input."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
NONE, BY_ROOT, BY_N = 0, 1, 2  # how a transform is scaled, whichever its direction
_FORWARD = {NONE: "backward", BY_ROOT: "ortho", BY_N: "forward"}
_INVERSE = {NONE: "forward", BY_ROOT: "ortho", BY_N: "backward"}


def laid_out(y: Array, x: Array, dim: tuple[int, ...], last: bool) -> Array:
    """`y` in the layout of PyTorch's plans: dimensions that are not transformed outermost, each group in the order of the
    strides of `x`; `last`: the last of `dim` innermost."""
    size = lambda d: -abs(x.strides[d])
    inner = sorted([d for d in dim if not (last and d == dim[-1])], key=size) + ([dim[-1]] if last else [])
    order = sorted([d for d in range(x.ndim) if d not in dim], key=size) + inner
    if order == list(range(x.ndim)):
        return np.ascontiguousarray(y)
    return np.ascontiguousarray(y.transpose(order)).transpose(np.argsort(order))


def c2c(x: Array, *, dim: tuple[int, ...], scale: int, forward: bool) -> Array:
    """Complex to complex over `dim`."""
    if not dim:
        return x.copy()
    if x.size == 0:
        return np.empty(x.shape, x.dtype)
    if forward:
        y = np.fft.fftn(x, axes=dim, norm=_FORWARD[scale])
    else:
        y = np.fft.ifftn(x, axes=dim, norm=_INVERSE[scale])
    return laid_out(y.astype(x.dtype, copy=False), x, dim, False)


def r2c(x: Array, *, dim: tuple[int, ...], scale: int, onesided: bool) -> Array:
    """Real to complex; `onesided`: the last of `dim` keeps n // 2 + 1 frequencies."""
    kind = np.result_type(x.dtype, np.complex64)
    if x.size == 0:
        shape = list(x.shape)
        shape[dim[-1]] = shape[dim[-1]] // 2 + 1 if onesided else shape[dim[-1]]
        return np.zeros(shape, kind)
    transform = np.fft.rfftn if onesided else np.fft.fftn
    y = transform(x, axes=dim, norm=_FORWARD[scale]).astype(kind, copy=False)
    return laid_out(y, x, dim, True)


def c2r(x: Array, *, dim: tuple[int, ...], scale: int, size: int) -> Array:
    """The inverse of a onesided r2c: the last of `dim` becomes `size` real numbers."""
    kind = x.real.dtype
    sizes = [x.shape[d] for d in dim[:-1]] + [size]
    if x.size == 0:
        shape = list(x.shape)
        shape[dim[-1]] = size
        return np.zeros(shape, kind)
    return laid_out(np.fft.irfftn(x, sizes, dim, norm=_INVERSE[scale]).astype(kind, copy=False), x, dim, True)


def pad_end(x: Array, *, dim: int, size: int) -> Array:
    """Zeros behind, up to `size`."""
    out = np.zeros((*x.shape[:dim], size, *x.shape[dim + 1 :]), x.dtype)
    out[(slice(None),) * dim + (slice(x.shape[dim]),)] = x
    return out


def interior_weights(n: int, factor: float, kind: Any) -> Array:
    """For the n // 2 + 1 frequencies of a real signal: 1 for those that stand alone, `factor` for those in pairs."""
    weights = np.full(n // 2 + 1, factor, kind)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    return weights
