"""Recurrent layers over all time steps: one `lax.scan` forwards, one backwards.

States stand as columns, (features, batch), and the arrays of the steps in the order in which time is gone through, as
the NumPy kernels keep them. A packed batch has `sizes`: at time t only the first sizes[t] columns move on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

Array = Any

__all__ = ["elman_layer", "elman_layer_back", "gru_layer", "gru_layer_back", "lstm_layer", "lstm_layer_back"]


def moving(sizes: Any, batch: int, reverse: bool) -> Any:
    """Which columns move at each step, (steps, 1, batch), known when the program is compiled; None: all."""
    if sizes is None:
        return None
    mask = np.arange(batch) < np.asarray(sizes)[:, None]
    return (mask[::-1] if reverse else mask)[:, None]


def by_step(rows: Array, batch: int, reverse: bool, sizes: Any) -> Array:
    """What belongs to each time, (time, batch, features) or packed, as (steps, features, batch); 0 where nothing moves."""
    if sizes is not None:
        mask = np.arange(batch) < np.asarray(sizes)[:, None]
        start = np.cumsum((0, *sizes[:-1]))
        places = np.where(mask, start[:, None] + np.arange(batch), 0)
        rows = jnp.where(mask[..., None], jnp.asarray(rows)[places], 0)
    y = jnp.swapaxes(rows, 1, 2)
    return y[::-1] if reverse else y


def by_time(y: Array, reverse: bool, sizes: Any) -> Array:
    """(steps, features, batch) as rows (time * batch, features), of a packed batch those that moved."""
    rows = jnp.swapaxes(y[::-1] if reverse else y, 1, 2).reshape(-1, y.shape[1])
    if sizes is None:
        return rows
    return rows[np.flatnonzero(np.arange(y.shape[2]) < np.asarray(sizes)[:, None])]


def inputs_by_step(x: Array, w: Array, bias: Any, batch: int, reverse: bool, sizes: Any) -> Array:
    """w x + bias for each step: (steps, features, batch)."""
    y = by_step(jnp.matmul(x, w.T), batch, reverse, sizes)
    return y if bias is None else y + bias[:, None]


def with_first(first: Array, rest: Array) -> Array:
    """The states before and after each step."""
    return jnp.concatenate([first[None], rest])


def outputs(s: Array, reverse: bool, sizes: Any) -> tuple[Array, Array]:
    """(what the layer puts out at each time, its last state) from the states (steps + 1, features, batch)."""
    rows = by_time(s[1:], reverse, sizes)
    return (rows if sizes is not None else rows.reshape(s.shape[0] - 1, s.shape[2], s.shape[1])), s[-1].T


def chosen(mask: Any, new: Array, old: Any) -> Array:
    return new if mask is None else jnp.where(mask, new, old)


def gradient_by_step(g: Any, s: Array, reverse: bool, sizes: Any) -> Array:
    """The gradient of the output as (steps, features, batch), in the order of the steps."""
    return jnp.zeros_like(s[1:]) if g is None else by_step(g, s.shape[2], reverse, sizes)


def columns(g: Any, like: Array) -> Array:
    return jnp.zeros_like(like) if g is None else g.T


def of_weights(
    needs: Any, x: Array, w_ih: Array, b_ih: Any, b_hh: Any, rows: Array, rows_h: Array, before: Array
) -> tuple[Any, ...]:
    """The gradients of x, w_ih, w_hh, b_ih, b_hh from those of the gates; `before`: the states that went into them."""
    gx = jnp.matmul(rows, w_ih).reshape(x.shape) if needs[0] else None
    gw = jnp.matmul(rows.T, x.reshape(-1, x.shape[-1])) if needs[1] else None
    gu = jnp.matmul(rows_h.T, before) if needs[2] else None
    gb = jnp.sum(rows, axis=0) if needs[3] and b_ih is not None else None
    gc = jnp.sum(rows_h, axis=0) if needs[4] and b_hh is not None else None
    return gx, gw, gu, gb, gc


def both(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def walk(step: Callable[..., Any], state: Any, parts: tuple[Any, ...], mask: Any, back: bool = False) -> Any:
    """(the last state, what each step gives) of `step(state, mask, *parts)`, from the last step if `back`."""
    if mask is None:
        return lax.scan(lambda s, p: step(s, None, *p), state, parts, reverse=back)
    return lax.scan(lambda s, p: step(s, *p), state, (mask, *parts), reverse=back)


# ---------------------------------------------------------------- long short-term memory


def lstm_layer(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any, *, reverse: bool, sizes: Any
) -> tuple[Array, ...]:
    """(outputs, last h, last c, all h, all c, all gates)."""
    batch, n_h = h.shape
    scale = np.full((4 * n_h, 1), 0.5, x.dtype)  # the logistic function is (1 + tanh(x / 2)) / 2
    scale[2 * n_h : 3 * n_h] = 1
    bias = both(b_ih, b_hh)
    xs = inputs_by_step(x, w_ih * scale, None if bias is None else bias * scale[:, 0], batch, reverse, sizes)
    u = w_hh * scale

    def step(state: Any, mask: Any, y: Array) -> Any:
        before, old = state
        a = jnp.tanh(jnp.matmul(u, before) + y) * scale + (1 - scale)
        i, f, g, o = jnp.split(a, 4)
        cell = f * old + i * g
        new = chosen(mask, o * jnp.tanh(cell), before)
        cell = chosen(mask, cell, old)
        return (new, cell), (new, cell, chosen(mask, a, 0))

    _, (s, cells, gates) = walk(step, (h.T, c.T), (xs,), moving(sizes, batch, reverse))
    s, cells = with_first(h.T, s), with_first(c.T, cells)
    return *outputs(s, reverse, sizes), cells[-1].T, s, cells, gates


def lstm_layer_back(gs: Any, needs: Any, given: Any, kept: Any, *, reverse: bool, sizes: Any) -> tuple[Any, ...]:
    """The gradients of the inputs of `lstm_layer`."""
    x, h, _, w_ih, w_hh, b_ih, b_hh = given
    s, cells, gates = kept
    i, f, g, o = jnp.split(gates, 4, axis=1)
    squashed = jnp.tanh(cells[1:])
    slopes = jnp.stack([i * (1 - i) * g, f * (1 - f) * cells[:-1], (1 - g * g) * i, o * (1 - o) * squashed], 1)
    through = (1 - squashed * squashed) * o

    def step(state: Any, mask: Any, grad: Array, slope: Array, t: Array, forget: Array) -> Any:
        dh, dc = state
        dh = dh + grad
        moved = dc + dh * t
        d = chosen(mask, jnp.concatenate([slope[:3] * moved, slope[3:] * dh]).reshape(gates.shape[1:]), 0)
        return (chosen(mask, jnp.matmul(w_hh.T, d), dh), chosen(mask, moved * forget, dc)), d

    state = columns(gs[1], s[0]), columns(gs[2], s[0])
    parts = gradient_by_step(gs[0], s, reverse, sizes), slopes, through, f
    (dh, dc), d = walk(step, state, parts, moving(sizes, h.shape[0], reverse), True)
    rows = by_time(d, reverse, sizes)
    which = (needs[0], needs[3], needs[4], needs[5], needs[6])
    gx, gw, gu, gb, gc = of_weights(which, x, w_ih, b_ih, b_hh, rows, rows, by_time(s[:-1], reverse, sizes))
    return gx, dh.T if needs[1] else None, dc.T if needs[2] else None, gw, gu, gb, gc


# ---------------------------------------------------------------- gated recurrent units


def gru_layer(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any, *, reverse: bool, sizes: Any
) -> tuple[Array, ...]:
    """(outputs, last h, all h, all of reset, update, new and what reset multiplies)."""
    batch, n_h = h.shape
    scale = np.full((3 * n_h, 1), 0.5, x.dtype)
    scale[2 * n_h :] = 1
    xs = inputs_by_step(x, w_ih * scale, None if b_ih is None else b_ih * scale[:, 0], batch, reverse, sizes)
    u = w_hh * scale
    own = 0 if b_hh is None else (b_hh * scale[:, 0])[:, None]
    two = 2 * n_h

    def step(before: Array, mask: Any, y: Array) -> Any:
        product = jnp.matmul(u, before) + own
        gates = jnp.tanh(product[:two] + y[:two]) * 0.5 + 0.5
        fresh = jnp.tanh(gates[:n_h] * product[two:] + y[two:])
        new = chosen(mask, (before - fresh) * gates[n_h:] + fresh, before)
        return new, (new, chosen(mask, jnp.concatenate([gates, fresh, product[two:]]), 0))

    _, (s, kept) = walk(step, h.T, (xs,), moving(sizes, batch, reverse))
    s = with_first(h.T, s)
    return *outputs(s, reverse, sizes), s, kept


def gru_layer_back(gs: Any, needs: Any, given: Any, kept: Any, *, reverse: bool, sizes: Any) -> tuple[Any, ...]:
    """The gradients of the inputs of `gru_layer`."""
    x, h, w_ih, w_hh, b_ih, b_hh = given
    s, a = kept
    n_h = h.shape[1]
    r, z, new, product = jnp.split(a, 4, axis=1)
    slopes = jnp.stack([product * r * (1 - r), (s[:-1] - new) * z * (1 - z), (1 - z) * (1 - new * new)], 1)

    def step(dh: Array, mask: Any, grad: Array, slope: Array, reset: Array, update: Array) -> Any:
        dh = dh + grad
        f = chosen(mask, slope[2] * dh, 0)
        d = jnp.concatenate([slope[0] * f, chosen(mask, slope[1] * dh, 0), f * reset])
        return chosen(mask, dh * update + jnp.matmul(w_hh.T, d), dh), (d, f)

    parts = gradient_by_step(gs[0], s, reverse, sizes), slopes, r, z
    dh, (d, fresh) = walk(step, columns(gs[1], s[0]), parts, moving(sizes, h.shape[0], reverse), True)
    rows_h = by_time(d, reverse, sizes)
    rows = jnp.concatenate([rows_h[:, : 2 * n_h], by_time(fresh, reverse, sizes)], 1)  # of w_ih x + b_ih
    which = (needs[0], needs[2], needs[3], needs[4], needs[5])
    gx, gw, gu, gb, gc = of_weights(which, x, w_ih, b_ih, b_hh, rows, rows_h, by_time(s[:-1], reverse, sizes))
    return gx, dh.T if needs[1] else None, gw, gu, gb, gc


# ---------------------------------------------------------------- Elman's network


def elman_layer(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any, *, reverse: bool, sizes: Any, relu: bool
) -> tuple[Array, ...]:
    """(outputs, last h, all h)."""
    xs = inputs_by_step(x, w_ih, both(b_ih, b_hh), h.shape[0], reverse, sizes)

    def step(before: Array, mask: Any, y: Array) -> Any:
        total = jnp.matmul(w_hh, before) + y
        new = chosen(mask, jnp.maximum(total, 0) if relu else jnp.tanh(total), before)
        return new, new

    s = with_first(h.T, walk(step, h.T, (xs,), moving(sizes, h.shape[0], reverse))[1])
    return *outputs(s, reverse, sizes), s


def elman_layer_back(
    gs: Any, needs: Any, given: Any, kept: Any, *, reverse: bool, sizes: Any, relu: bool
) -> tuple[Any, ...]:
    """The gradients of the inputs of `elman_layer`."""
    x, h, w_ih, w_hh, b_ih, b_hh = given
    (s,) = kept
    slopes = (s[1:] > 0).astype(x.dtype) if relu else 1 - s[1:] * s[1:]

    def step(dh: Array, mask: Any, grad: Array, slope: Array) -> Any:
        dh = dh + grad
        d = chosen(mask, slope * dh, 0)
        return chosen(mask, jnp.matmul(w_hh.T, d), dh), d

    parts = gradient_by_step(gs[0], s, reverse, sizes), slopes
    dh, d = walk(step, columns(gs[1], s[0]), parts, moving(sizes, h.shape[0], reverse), True)
    rows = by_time(d, reverse, sizes)
    which = (needs[0], needs[2], needs[3], needs[4], needs[5])
    gx, gw, gu, gb, gc = of_weights(which, x, w_ih, b_ih, b_hh, rows, rows, by_time(s[:-1], reverse, sizes))
    return gx, dh.T if needs[1] else None, gw, gu, gb, gc
