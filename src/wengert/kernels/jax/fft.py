"""Discrete Fourier transforms, in the precision of their input."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

Array = Any

__all__ = ["fft_c2c", "fft_c2r", "fft_r2c", "weigh_pairs"]

NONE, BY_ROOT, BY_N = 0, 1, 2  # how a transform is scaled, whichever its direction


def scaled(y: Array, n: int, scale: int, inverse: bool = False) -> Array:
    """The factor that is due, on each part by itself: a nan in one of them is none in the other. XLA's inverse
    transforms have divided by n already."""
    factor = {NONE: 1.0, BY_ROOT: n**-0.5, BY_N: 1 / n}[scale] * (n if inverse else 1)
    if factor == 1:
        return y
    return y * factor if y.dtype.kind != "c" else lax.complex(y.real * factor, y.imag * factor)


def fft_c2c(x: Array, *, dim: tuple[int, ...], scale: int, forward: bool) -> Array:
    """Complex to complex over `dim`."""
    if not dim or x.size == 0:
        return x
    for d in dim:
        x = jnp.fft.fft(x, axis=d) if forward else jnp.fft.ifft(x, axis=d)
    return scaled(x, math.prod(x.shape[d] for d in dim), scale, not forward)


def fft_r2c(x: Array, *, dim: tuple[int, ...], scale: int, onesided: bool) -> Array:
    """Real to complex; `onesided`: the last of `dim` keeps n // 2 + 1 frequencies."""
    kind = jnp.result_type(x.dtype, jnp.complex64)
    if x.size == 0:
        shape = list(x.shape)
        shape[dim[-1]] = shape[dim[-1]] // 2 + 1 if onesided else shape[dim[-1]]
        return jnp.zeros(shape, kind)
    transform = jnp.fft.rfft if onesided else jnp.fft.fft
    y = scaled(transform(x, axis=dim[-1]).astype(kind), x.shape[dim[-1]], scale)
    return fft_c2c(y, dim=dim[:-1], scale=scale, forward=True)


def fft_c2r(x: Array, *, dim: tuple[int, ...], scale: int, size: int) -> Array:
    """The inverse of a onesided r2c: the last of `dim` becomes `size` real numbers."""
    kind = x.real.dtype
    if x.size == 0:
        shape = list(x.shape)
        shape[dim[-1]] = size
        return jnp.zeros(shape, kind)
    y = fft_c2c(x, dim=dim[:-1], scale=scale, forward=False)
    return scaled(jnp.fft.irfft(y, size, axis=dim[-1]).astype(kind), size, scale, True)


def weigh_pairs(x: Array, *, dim: int, n: int, factor: float) -> Array:
    """Frequencies that stand for two (k and n - k) times `factor`; 0 and, for even n, n / 2 stand alone."""
    alone = [0, n // 2] if n % 2 == 0 else [0]
    weights = jnp.full(n // 2 + 1, factor, x.real.dtype).at[jnp.asarray(alone)].set(1)
    return x * weights.reshape([-1 if d == dim else 1 for d in range(x.ndim)])
