"""Normalization: to mean 0 and variance 1 over some dimensions, and an affine map."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from .gradients import sum_to

Array = Any

__all__ = ["known_statistics", "standardize", "standardize_by", "standardize_gradients"]


def average(x: Array, dims: Any) -> Array:
    """The mean over `dims`, which are kept; 0 of none."""
    count = math.prod(x.shape[d] for d in dims)
    return jnp.sum(x, axis=dims, keepdims=True) / jnp.asarray(max(count, 1)).astype(x.dtype)


def affine_map(y: Array, w: Array | None, b: Array | None, shape: Any) -> Array:
    """y * w + b."""
    if w is not None:
        y = y * w.reshape(shape)
    return y if b is None else y + b.reshape(shape)


def standardize(
    x: Array, w: Array | None, b: Array | None, *, shape: Any, dims: Any, affine: Any, eps: float
) -> tuple[Array, Array, Array]:
    """(result, mean, 1 / standard deviation): x, seen under `shape`, normalized over `dims`."""
    v = x.reshape(shape)
    mean = average(v, dims)
    centered = v - mean
    rstd = 1 / jnp.sqrt(average(centered * centered, dims) + jnp.asarray(eps).astype(x.dtype))
    return affine_map((centered * rstd).reshape(x.shape), w, b, affine), mean, rstd


def known_statistics(v: Array, mean: Array, rstd: Array, *, dims: Any, eps: float) -> tuple[Array, Array]:
    """The saved mean and 1 / standard deviation."""
    return mean, rstd


def standardize_gradients(
    g: Array, x: Array, w: Array | None, out1: Array, out2: Array, *, needs: Any, w_shape: Any, b_shape: Any, shape: Any,
    dims: Any, affine: Any, eps: float,
) -> tuple[Array | None, Array | None, Array | None]:  # fmt: skip
    """The gradients of x, w and b."""
    normal = (x.reshape(shape) - out1) * out2
    gx = gw = gb = None
    if dims == (0, 2) and len(affine) > 1 and math.prod(affine) == affine[1] == shape[1]:
        # batch norm: one factor for each channel, so the sums of w's and b's gradients are those that x's needs
        h = g.reshape(shape)
        of_w, of_b = jnp.sum(h * normal, axis=dims, keepdims=True), jnp.sum(h, axis=dims, keepdims=True)
        if needs[0]:
            count = max(shape[0] * shape[2], 1)
            scale = out2 if w is None else out2 * w.reshape(out2.shape)
            gx = ((h - of_b / count - normal * (of_w / count)) * scale).reshape(x.shape)
        return gx, of_w.reshape(w_shape) if needs[1] else None, of_b.reshape(b_shape) if needs[2] else None
    if needs[0]:
        h = (g if w is None else g * w.reshape(affine)).reshape(shape)
        gx = ((h - average(h, dims) - normal * average(h * normal, dims)) * out2).reshape(x.shape)
    if needs[1]:
        gw = sum_to(g * normal.reshape(x.shape), tuple(affine)).reshape(w_shape)
    if needs[2]:
        gb = sum_to(g, tuple(affine)).reshape(b_shape)
    return gx, gw, gb


def standardize_by(
    x: Array, w: Array | None, b: Array | None, mean: Array, var: Array, *, affine: Any, eps: float
) -> Array:
    """x normalized by given statistics."""
    rstd = 1 / jnp.sqrt(var + eps)
    y = (x - mean.reshape(affine)) * rstd.reshape(affine)
    return affine_map(y, w, b, affine).astype(x.dtype)
