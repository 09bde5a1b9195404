"""Connectionist temporal classification: the sums over alignments as loops of XLA, forwards and backwards in time."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .scatter import pick_last, put_last

Array = Any

__all__ = ["ctc_loss"]

#: stands for log 0: its arithmetic stays finite
NEVER = -1e30


def shifted(x: Array, by: int) -> Array:
    """x moved by so many places along the last dimension, NEVER behind it."""
    n = x.shape[-1]
    if abs(by) >= n:
        return jnp.full_like(x, NEVER)
    fill = jnp.full((*x.shape[:-1], abs(by)), NEVER, x.dtype)
    return jnp.concatenate([fill, x[..., :-by]] if by > 0 else [x[..., -by:], fill], -1)


def summed(*terms: Array) -> Array:
    """The logarithm of the sum of exponentials."""
    top = terms[0]
    for t in terms[1:]:
        top = jnp.maximum(top, t)
    total = jnp.exp(terms[0] - top)
    for t in terms[1:]:
        total = total + jnp.exp(t - top)
    return top + jnp.log(total)


def widened(labels: Array, a: Any) -> tuple[Array, Array]:
    """The class at each place (labels with blanks between), and whether the place before may be skipped."""
    n, longest = labels.shape
    wide = jnp.full((n, 2 * longest + 1), a.blank, jnp.int64).at[:, 1::2].set(labels)
    before = jnp.concatenate([jnp.full((n, 2), a.blank, jnp.int64), wide], 1)[:, : wide.shape[1]]
    return jnp.where(a.beyond, a.blank, wide), (wide != a.blank) & (wide != before) & ~a.beyond


def beginnings(log_probs: Array, labels: Array, a: Any) -> tuple[Array, Array, Array, Array, Array]:
    """(the class of each place, where places may be skipped, scores of the places at each time, log probabilities of
    all beginnings after each time, of the whole)."""
    frames, n = log_probs.shape[:2]
    kind = log_probs.dtype
    index, skip = widened(labels, a)
    index = jnp.broadcast_to(index, (frames, *index.shape))
    scores = pick_last(log_probs, index)
    first = jnp.asarray(a.start, kind)
    empty = ~a.active.any(0) if frames else np.ones(n, bool)
    if empty.any():  # no frame at all: only the empty sequence is possible
        rest = np.full(a.last.shape, NEVER)
        rest[:, 0] = 0
        first = jnp.where(empty[:, None], jnp.asarray(rest, kind), first)

    def step(alpha: Array, given: Any) -> tuple[Array, Array]:
        score, on, begins = given
        two = jnp.where(skip, shifted(alpha, 2), NEVER)
        new = jnp.where(begins, alpha, summed(alpha, shifted(alpha, 1), two)) + score
        new = jnp.where(on[:, None], new, alpha)
        return new, new

    if frames:
        last, alphas = lax.scan(step, first, (scores, jnp.asarray(a.active), jnp.arange(frames) == 0))
    else:
        last, alphas = first, jnp.zeros((0, *first.shape), kind)
    ends = jnp.where(a.last, last, NEVER)
    top = jnp.max(ends, 1)
    return index, skip, scores, alphas, top + jnp.log(jnp.sum(jnp.exp(ends - top[:, None]), 1))


def ctc_loss(log_probs: Array, targets: Array, *, alignment: Any, zero_infinity: bool) -> Array:
    """Minus the log probabilities of the label sequences; `alignment`, what the lengths say, is part of the program."""
    total = beginnings(log_probs, targets, alignment)[-1]
    return jnp.where(total < NEVER / 10, 0.0 if zero_infinity else jnp.inf, -total).astype(log_probs.dtype)


def ctc_gradients(
    g: Array, needs: Any, log_probs: Array, targets: Array, *, alignment: Any, zero_infinity: bool
) -> tuple[Array, None]:
    """PyTorch's: for scores whose log softmax was taken, which adds their probabilities."""
    a = alignment
    index, skip, scores, alphas, total = beginnings(log_probs, targets, a)
    if not log_probs.shape[0]:
        return jnp.zeros_like(log_probs), None
    active = jnp.asarray(a.active)
    end = jnp.where(a.last, jnp.zeros((), log_probs.dtype), NEVER)

    def step(beta: Array, given: Any) -> tuple[Array, Array]:
        score, on = given
        onward = beta + score
        two = shifted(jnp.where(skip, onward, NEVER), -2)
        before = jnp.where(on[:, None], summed(onward, shifted(onward, -1), two), beta)
        return before, beta

    betas = lax.scan(step, end, (scores, active), reverse=True)[1]
    impossible = total < NEVER / 10
    share = jnp.exp(alphas + betas - total[:, None])
    share = jnp.where(active[:, :, None] & ~impossible[:, None], share, 0).astype(log_probs.dtype)
    probs = jnp.exp(log_probs) * active[:, :, None]
    if zero_infinity:
        probs = jnp.where(impossible[:, None], 0, probs)
    slope = probs - put_last(share, index, size=log_probs.shape[2])
    return (slope * g[:, None]).astype(log_probs.dtype), None
