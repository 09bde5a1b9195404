"""The losses that are one node: pointwise ones with their reduction, likelihoods of classes, margins."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from .scatter import gather, pick_last, put_last

Array = Any
NONE, MEAN, SUM = 0, 1, 2

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "huber_loss", "mse_loss", "multi_margin_loss",
    "multilabel_margin_loss", "nll_loss", "nll_loss_back", "smooth_l1_loss", "soft_margin_loss",
]  # fmt: skip


def reduced(y: Array, reduction: int) -> Array:
    """`y` itself, its mean (nan of nothing) or its sum."""
    if reduction == MEAN:
        return jnp.sum(y) / (y.size or float("nan"))
    return jnp.sum(y) if reduction == SUM else y


def spread(g: Array, y: Array, reduction: int) -> Array:
    """The gradient of `y` for the gradient of `reduced(y)`."""
    return g / (y.size or float("nan")) if reduction == MEAN else g


# ---------------------------------------------------------------- pointwise


def mse_loss(x: Array, y: Array, *, reduction: int) -> Array:
    d = x - y
    return reduced(d * d, reduction)


def smooth_l1_loss(x: Array, y: Array, *, beta: float, reduction: int) -> Array:
    d = jnp.abs(x - y)
    return reduced(jnp.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta), reduction)


def huber_loss(x: Array, y: Array, *, delta: float, reduction: int) -> Array:
    d = jnp.abs(x - y)
    return reduced(jnp.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


def log_sigmoid(x: Array) -> Array:
    return jnp.minimum(x, 0) - jnp.log1p(jnp.exp(-jnp.abs(x)))


def soft_margin_loss(x: Array, y: Array, *, reduction: int) -> Array:
    return reduced(-log_sigmoid(x * y), reduction)


def binary_cross_entropy(x: Array, y: Array, weight: Array | None, *, reduction: int) -> Array:
    loss = (y - 1) * jnp.maximum(jnp.log1p(-x), -100) - y * jnp.maximum(jnp.log(x), -100)
    return reduced(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    x: Array, y: Array, weight: Array | None, pos_weight: Array | None, *, reduction: int
) -> Array:
    minus = log_sigmoid(x)
    loss = (1 - y) * x - (minus if pos_weight is None else ((pos_weight - 1) * y + 1) * minus)
    return reduced(loss if weight is None else loss * weight, reduction)


# ---------------------------------------------------------------- likelihoods of classes


def chosen(target: Array, ignore_index: int) -> tuple[Array, Array]:
    """Where `target` counts, and the class numbers with 0 where it does not."""
    valid = target != ignore_index
    return valid, jnp.where(valid, target, 0)


def term_weights(valid: Array, classes: Array, weight: Array | None, dtype: Any) -> Array:
    if weight is None:
        return valid.astype(dtype)
    return weight.at[classes].get(mode="promise_in_bounds", wrap_negative_indices=False) * valid


def nll_loss(x: Array, target: Array, weight: Array | None, *, reduction: int, ignore_index: int) -> Array:
    """Minus x at the target's class, weighted; the class dimension is 1 (0 for one sample)."""
    valid, classes = chosen(target, ignore_index)
    w = term_weights(valid, classes, weight, x.dtype)
    axis = 1 if x.ndim > 1 else 0
    picked = jnp.squeeze(gather(x, jnp.expand_dims(classes, axis), dim=axis), axis)
    terms = jnp.where(valid, -picked * w, jnp.zeros((), x.dtype))
    if reduction == NONE:
        return terms
    total = jnp.sum(terms)
    return total if reduction == SUM else total / jnp.sum(w).astype(x.dtype)


def nll_loss_back(
    g: Array, target: Array, weight: Array | None, *, shape: Any, reduction: int, ignore_index: int
) -> Array:
    """The transpose of `nll_loss` in x: g spread over zeros of `shape`."""
    axis = 1 if len(shape) > 1 else 0
    g = jnp.asarray(g)
    valid, classes = chosen(target, ignore_index)
    w = term_weights(valid, classes, weight, g.dtype)
    terms = -(w * g if reduction != MEAN else w * (g / jnp.sum(w)))
    terms = jnp.where(valid, terms, 0).astype(g.dtype)
    number = jnp.arange(shape[axis]).reshape([-1 if d == axis else 1 for d in range(len(shape))])
    hit = jnp.expand_dims(classes, axis) == number  # XLA fuses this with what follows; a scatter it does not
    return jnp.where(hit, jnp.expand_dims(terms, axis), jnp.zeros((), g.dtype))


# ---------------------------------------------------------------- margins


def margins(x: Array, target: Array, margin: float) -> tuple[Array, Array]:
    """(how far each class comes within the margin of the target's, which of them count) for rows of x."""
    z = margin - pick_last(x, target[:, None]) + x
    own = target[:, None] == jnp.arange(x.shape[1])
    return z, ~own & (z > 0)


def rows(x: Array, target: Array, labels: bool) -> tuple[Array, Array]:
    return (x, target) if x.ndim == 2 else (x.reshape(1, -1), target.reshape((1, -1) if labels else (1,)))


def multi_margin_loss(
    x: Array, target: Array, weight: Array | None, *, p: int, margin: float, reduction: int
) -> Array:
    """The sum over the other classes of max(0, margin - x[y] + x[i])**p, divided by the number of classes."""
    x2, t = rows(x, target, False)
    z, counts = margins(x2, t, margin)
    terms = jnp.where(counts, z if p == 1 else z * z, jnp.zeros((), x.dtype))
    if weight is not None:
        terms = terms * weight[t][:, None]
    y = jnp.sum(terms, 1) / x2.shape[1]
    return reduced(y if x.ndim == 2 else y.reshape(()), reduction)


def multi_margin_gradients(
    g: Array, needs: Any, x: Array, target: Array, weight: Array | None, *, p: int, margin: float, reduction: int
) -> tuple[Any, None, Any]:
    x2, t = rows(x, target, False)
    z, counts = margins(x2, t, margin)
    n, classes = x2.shape
    each = jnp.broadcast_to(spread(g, jnp.zeros(n if x.ndim == 2 else ()), reduction), (n,))[:, None] / classes
    zero = jnp.zeros((), x.dtype)
    gx = gw = None
    if needs[0]:
        slope = each * jnp.where(counts, jnp.ones((), x.dtype) if p == 1 else 2 * z, zero)
        if weight is not None:
            slope = slope * weight[t][:, None]
        own = t[:, None] == jnp.arange(classes)
        gx = jnp.where(own, -jnp.sum(slope, 1, keepdims=True), slope).reshape(x.shape)
    if needs[2] and weight is not None:
        terms = jnp.sum(jnp.where(counts, z if p == 1 else z * z, zero) * each, 1)
        gw = jnp.zeros_like(weight).at[t].add(terms.astype(weight.dtype))
    return gx, None, gw


def label_margins(x: Array, target: Array) -> tuple[Array, Array, Array]:
    """(1 - x[label] + x[class] for all labels and classes of a row, which count, the labels with -1 for none)."""
    listed = jnp.cumsum(target < 0, 1) == 0  # the labels of a row end at the first -1
    index = jnp.where(listed, target, -1)
    is_label = put_last(listed.astype(x.dtype), index, size=x.shape[1]) > 0
    z = 1 - pick_last(x, index)[:, :, None] + x[:, None, :]
    return z, listed[:, :, None] & ~is_label[:, None, :] & (z > 0), index


def multilabel_margin_loss(x: Array, target: Array, *, reduction: int) -> Array:
    """The sum over labels j and other classes i of max(0, 1 - (x[j] - x[i])), divided by the number of classes."""
    x2, t = rows(x, target, True)
    z, counts, _ = label_margins(x2, t)
    y = jnp.sum(jnp.where(counts, z, jnp.zeros((), x.dtype)), (1, 2)) / x2.shape[1]
    return reduced(y if x.ndim == 2 else y.reshape(()), reduction)


def multilabel_margin_gradients(
    g: Array, needs: Any, x: Array, target: Array, *, reduction: int
) -> tuple[Array, None]:
    x2, t = rows(x, target, True)
    _, counts, index = label_margins(x2, t)
    n, classes = x2.shape
    each = jnp.broadcast_to(spread(g, jnp.zeros(n if x.ndim == 2 else ()), reduction), (n,)) / classes
    slope = counts * each[:, None, None]
    gx = jnp.sum(slope, 1) - put_last(jnp.sum(slope, 2), index, size=classes)
    return gx.reshape(x.shape).astype(x.dtype), None
