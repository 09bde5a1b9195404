"""Recurrent layers over all time steps on NumPy arrays, forwards and backwards.

A layer's states stand as columns, (features, batch): so the gates of a step are blocks of rows, each contiguous, and a
step is one product of matrices and about ten passes over small arrays. `order` says in which order time is gone
through; arrays of the steps (S, C, A, D) are in that order. A packed batch has `sizes`: at time t only the first
sizes[t] columns move on, the others keep their state.

The logistic function is computed as (1 + tanh(x / 2)) / 2, so that one `tanh` serves all gates of a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .room import room_for

Array = Any
Order = list[tuple[int, int]]


def steps_in_order(x: Array, batch: int, reverse: bool, sizes: Any) -> Order:
    """(time, number of columns that move) for each step."""
    order = [(t, batch) for t in range(x.shape[0])] if sizes is None else list(enumerate(sizes))
    return order[::-1] if reverse else order


def inputs_by_step(x: Array, w: Array, bias: Array | None, batch: int, sizes: Any, kept: bool = False) -> Array:
    """w x + bias for each time: (time, features, batch); in room that is used again, unless it is `kept`."""
    if sizes is None:
        room = None if kept else room_for((x.shape[0], w.shape[0], batch), x.dtype, "inputs")
        y = np.matmul(w, x.transpose(0, 2, 1), out=room)
    else:
        y = np.zeros((len(sizes), w.shape[0], batch), x.dtype)
        flat, start = np.dot(x, w.T), 0
        for t, n in enumerate(sizes):
            y[t, :, :n] = flat[start : start + n].T
            start += n
    if bias is not None:
        y += bias[:, None]
    return y


def rows_by_time(y: Array, order: Order, reverse: bool, sizes: Any, name: str | None = None) -> Array:
    """(steps, features, batch) as rows (time * batch, features), of a packed batch those that moved. `name`: in room
    that is used again."""
    if reverse:
        y = y[::-1]
    if sizes is None:
        rows = np.empty((y.shape[0], y.shape[2], y.shape[1]), y.dtype) if name is None else room_for(
            (y.shape[0], y.shape[2], y.shape[1]), y.dtype, name
        )
        rows[...] = y.transpose(0, 2, 1)
        return rows.reshape(-1, y.shape[1])
    rows = np.empty((sum(sizes), y.shape[1]), y.dtype)
    np.concatenate([y[t, :, :n].T for t, n in enumerate(sizes)], out=rows)
    return rows


def outputs(s: Array, reverse: bool, sizes: Any, order: Order) -> tuple[Array, Array]:
    """(what the layer puts out at each time, its last state) from the states (steps + 1, features, batch)."""
    rows = rows_by_time(s[1:], order, reverse, sizes)
    out = rows if sizes is not None else np.ascontiguousarray(rows.reshape(s.shape[0] - 1, s.shape[2], s.shape[1]))
    return out, np.ascontiguousarray(s[-1].T)


def gradient_by_step(g: Array | None, order: Order, s: Array, sizes: Any) -> Array | None:
    """The gradient of the output as (steps, features, batch), in the order of the steps."""
    if g is None:
        return None
    steps, features, batch = s.shape[0] - 1, s.shape[1], s.shape[2]
    y = np.zeros((steps, features, batch), s.dtype)
    if sizes is None:
        y[...] = g.transpose(0, 2, 1)
    else:
        start = 0
        for t, n in enumerate(sizes):
            y[t, :, :n] = g[start : start + n].T
            start += n
    return y if order[0][0] == 0 else y[::-1]


def column_gradient(g: Array | None, like: Array) -> Array:
    """The gradient of a last state as columns, in memory of its own."""
    return np.zeros_like(like) if g is None else np.array(g.T, order="C")


def of_weights(
    needs: Any, x: Array, w_ih: Array, b_ih: Any, b_hh: Any, rows: Array, rows_h: Array, before: Array
) -> tuple[Array | None, ...]:
    """The gradients of x, w_ih, w_hh, b_ih, b_hh from those of the gates; `before`: the states that went into them."""
    gx = np.dot(rows, w_ih).reshape(x.shape) if needs[0] else None
    gw = np.dot(rows.T, x.reshape(-1, x.shape[-1])) if needs[1] else None
    gu = np.dot(rows_h.T, before) if needs[2] else None
    ones = np.ones(rows.shape[0], rows.dtype)
    gb = np.dot(ones, rows) if needs[3] and b_ih is not None else None
    gc = np.dot(ones, rows_h) if needs[4] and b_hh is not None else None
    return gx, gw, gu, gb, gc


def _both(a: Array | None, b: Array | None) -> Array | None:
    return b if a is None else a if b is None else a + b


# ---------------------------------------------------------------- long short-term memory


def _lstm_scales(hidden: int, dtype: Any) -> tuple[Array, Array]:
    """What the gates (input, forget, cell, output) are multiplied with before and after tanh, and what is added."""
    scale = np.full((4 * hidden, 1), 0.5, dtype)
    scale[2 * hidden : 3 * hidden] = 1
    return scale, 1 - scale


def lstm_layer(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any, *, reverse: bool, sizes: Any
) -> tuple[Array, ...]:
    """(outputs, last h, last c, all h, all c, all gates)."""
    batch, n_h = h.shape
    order = steps_in_order(x, batch, reverse, sizes)
    scale, offset = _lstm_scales(n_h, x.dtype)
    bias = _both(b_ih, b_hh)
    u = w_hh * scale
    # what comes from the inputs becomes the gates, in the order of time for now
    gates = inputs_by_step(x, w_ih * scale, None if bias is None else bias * scale[:, 0], batch, sizes, True)
    s = np.empty((len(order) + 1, n_h, batch), x.dtype)
    cells, product = np.empty_like(s), np.empty((4 * n_h, batch), x.dtype)
    s[0], cells[0] = h.T, c.T
    room, squashed = np.empty((n_h, batch), x.dtype), np.empty((n_h, batch), x.dtype)
    after, added = (np.repeat(v, batch, axis=1) for v in (scale, offset))  # broadcasting short rows is slow
    for k, (t, n) in enumerate(order):
        if n == batch:
            a, cell, new, old, p, q = gates[t], cells[k + 1], s[k + 1], cells[k], room, squashed
            a += np.dot(u, s[k], out=product)
        else:  # a packed batch: some columns stay
            cells[k + 1], s[k + 1] = cells[k], s[k]
            a, cell, new, old = gates[t, :, :n], cells[k + 1, :, :n], s[k + 1, :, :n], cells[k, :, :n]
            p, q = room[:, :n], squashed[:, :n]
            a += np.dot(u, s[k, :, :n])
        np.tanh(a, out=a)
        a *= after[:, :n]
        a += added[:, :n]
        np.multiply(a[n_h : 2 * n_h], old, out=cell)
        np.multiply(a[:n_h], a[2 * n_h : 3 * n_h], out=p)
        cell += p
        np.tanh(cell, out=q)
        np.multiply(a[3 * n_h :], q, out=new)
    out, last = outputs(s, reverse, sizes, order)
    return out, last, np.ascontiguousarray(cells[-1].T), s, cells, gates[::-1] if reverse else gates


def lstm_layer_back(gs: Any, needs: Any, given: Any, kept: Any, *, reverse: bool, sizes: Any) -> tuple[Array | None, ...]:
    """The gradients of the inputs of `lstm_layer`."""
    x, h, _, w_ih, w_hh, b_ih, b_hh = given
    s, cells, gates = kept
    batch, n_h = h.shape
    order = steps_in_order(x, batch, reverse, sizes)
    i, f, g, o = (gates[:, j * n_h : (j + 1) * n_h] for j in range(4))
    squashed = np.tanh(cells[1:])
    # the slopes of each gate, all steps at once: what the gradients of c and h are multiplied with
    slopes = room_for((len(order), 4, n_h, batch), x.dtype, "slopes")
    flat = slopes.reshape(gates.shape)
    np.multiply(gates, gates, out=flat)
    np.subtract(gates, flat, out=flat)
    slopes[:, 0] *= g
    slopes[:, 1] *= cells[:-1]
    slopes[:, 2] = (1 - g * g) * i
    slopes[:, 3] *= squashed
    squashed *= squashed
    through = (1 - squashed) * o
    grads = gradient_by_step(gs[0], order, s, sizes)
    dh, dc = column_gradient(gs[1], s[0]), column_gradient(gs[2], s[0])
    room = np.empty_like(dh)
    d = slopes  # overwritten step by step
    back = w_hh.T
    for k in range(len(order) - 1, -1, -1):
        n = order[k][1]
        if grads is not None:
            dh += grads[k]
        if n == batch:
            np.multiply(dh, through[k], out=room)
            dc += room
            d[k, :3] *= dc
            d[k, 3] *= dh
            dc *= f[k]
            np.dot(back, d[k].reshape(4 * n_h, batch), out=dh)
        else:
            d[k, :, :, n:] = 0
            dc[:, :n] += dh[:, :n] * through[k, :, :n]
            d[k, :3, :, :n] *= dc[:, :n]
            d[k, 3, :, :n] *= dh[:, :n]
            dc[:, :n] *= f[k, :, :n]
            dh[:, :n] = np.dot(back, d[k].reshape(4 * n_h, batch)[:, :n])
    rows = rows_by_time(d.reshape(len(order), 4 * n_h, batch), order, reverse, sizes, "rows")
    before = rows_by_time(s[:-1], order, reverse, sizes, "before") if needs[4] else None
    which = (needs[0], needs[3], needs[4], needs[5], needs[6])
    gx, gw, gu, gb, gc = of_weights(which, x, w_ih, b_ih, b_hh, rows, rows, before)
    return gx, dh.T.copy() if needs[1] else None, dc.T.copy() if needs[2] else None, gw, gu, gb, gc


# ---------------------------------------------------------------- gated recurrent units


def gru_layer(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any, *, reverse: bool, sizes: Any
) -> tuple[Array, ...]:
    """(outputs, last h, all h, all of reset, update, new and what reset multiplies)."""
    batch, n_h = h.shape
    order = steps_in_order(x, batch, reverse, sizes)
    scale = np.full((3 * n_h, 1), 0.5, x.dtype)
    scale[2 * n_h :] = 1
    u = w_hh * scale
    own = None if b_hh is None else (b_hh * scale[:, 0])[:, None]
    xs = inputs_by_step(x, w_ih * scale, None if b_ih is None else b_ih * scale[:, 0], batch, sizes)
    s = np.empty((len(order) + 1, n_h, batch), x.dtype)
    kept = np.empty((len(order), 4 * n_h, batch), x.dtype)
    s[0] = h.T
    two = 2 * n_h
    for k, (t, n) in enumerate(order):
        if n == batch:
            a, new, before, y = kept[k], s[k + 1], s[k], xs[t]
        else:
            kept[k], s[k + 1] = 0, s[k]
            a, new, before, y = kept[k, :, :n], s[k + 1, :, :n], s[k, :, :n], xs[t, :, :n]
        product = np.dot(u, before)
        if own is not None:
            product += own
        gates = a[:two]
        np.add(product[:two], y[:two], out=gates)
        np.tanh(gates, out=gates)
        gates *= 0.5
        gates += 0.5
        a[3 * n_h :] = product[two:]
        fresh = a[two : 3 * n_h]
        np.multiply(a[:n_h], product[two:], out=fresh)
        fresh += y[two:]
        np.tanh(fresh, out=fresh)
        np.subtract(before, fresh, out=new)
        new *= a[n_h:two]
        new += fresh
    return *outputs(s, reverse, sizes, order), s, kept


def gru_layer_back(gs: Any, needs: Any, given: Any, kept: Any, *, reverse: bool, sizes: Any) -> tuple[Array | None, ...]:
    """The gradients of the inputs of `gru_layer`."""
    x, h, w_ih, w_hh, b_ih, b_hh = given
    s, a = kept
    batch, n_h = h.shape
    order = steps_in_order(x, batch, reverse, sizes)
    r, z, new, product = (a[:, j * n_h : (j + 1) * n_h] for j in range(4))
    slopes = room_for((len(order), 3, n_h, batch), x.dtype, "slopes")
    slopes[:, 0] = product * r * (1 - r)
    slopes[:, 1] = (s[:-1] - new) * z * (1 - z)
    slopes[:, 2] = (1 - z) * (1 - new * new)
    grads = gradient_by_step(gs[0], order, s, sizes)
    dh = column_gradient(gs[1], s[0])
    fresh = np.zeros((len(order), n_h, batch), x.dtype)
    d = slopes  # becomes the gradient of w_hh h + b_hh; that of w_ih x + b_ih differs in the last third: `fresh`
    back = w_hh.T
    for k in range(len(order) - 1, -1, -1):
        n = order[k][1]
        if grads is not None:
            dh += grads[k]
        if n < batch:
            d[k, :, :, n:] = 0
        g, step, f, reset, kept_part = dh[:, :n], d[k, :, :, :n], fresh[k, :, :n], r[k, :, :n], z[k, :, :n]
        np.multiply(step[2], g, out=f)
        step[0] *= f
        step[1] *= g
        np.multiply(f, reset, out=step[2])
        g *= kept_part
        g += np.dot(back, d[k].reshape(3 * n_h, batch)[:, :n])
    steps = d.reshape(len(order), 3 * n_h, batch)
    rows_h = rows_by_time(steps, order, reverse, sizes, "rows")
    rows = rows_h.copy()
    rows[:, 2 * n_h :] = rows_by_time(fresh, order, reverse, sizes)
    before = rows_by_time(s[:-1], order, reverse, sizes, "before") if needs[3] else None
    which = (needs[0], needs[2], needs[3], needs[4], needs[5])
    gx, gw, gu, gb, gc = of_weights(which, x, w_ih, b_ih, b_hh, rows, rows_h, before)
    return gx, dh.T.copy() if needs[1] else None, gw, gu, gb, gc


# ---------------------------------------------------------------- Elman's network


def elman_layer(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any, *, reverse: bool, sizes: Any, relu: bool
) -> tuple[Array, ...]:
    """(outputs, last h, all h)."""
    batch, n_h = h.shape
    order = steps_in_order(x, batch, reverse, sizes)
    xs = inputs_by_step(x, w_ih, _both(b_ih, b_hh), batch, sizes)
    s = np.empty((len(order) + 1, n_h, batch), x.dtype)
    s[0] = h.T
    for k, (t, n) in enumerate(order):
        if n < batch:
            s[k + 1] = s[k]
        new = s[k + 1, :, :n]
        np.add(np.dot(w_hh, s[k, :, :n]), xs[t, :, :n], out=new)
        if relu:
            np.maximum(new, 0, out=new)
        else:
            np.tanh(new, out=new)
    return *outputs(s, reverse, sizes, order), s


def elman_layer_back(
    gs: Any, needs: Any, given: Any, kept: Any, *, reverse: bool, sizes: Any, relu: bool
) -> tuple[Array | None, ...]:
    """The gradients of the inputs of `elman_layer`."""
    x, h, w_ih, w_hh, b_ih, b_hh = given
    (s,) = kept
    batch, _ = h.shape
    order = steps_in_order(x, batch, reverse, sizes)
    d = (s[1:] > 0).astype(x.dtype) if relu else 1 - s[1:] * s[1:]
    grads = gradient_by_step(gs[0], order, s, sizes)
    dh = column_gradient(gs[1], s[0])
    back = w_hh.T
    for k in range(len(order) - 1, -1, -1):
        n = order[k][1]
        if grads is not None:
            dh += grads[k]
        if n < batch:
            d[k, :, n:] = 0
        step = d[k, :, :n]
        step *= dh[:, :n]
        dh[:, :n] = np.dot(back, step)
    rows = rows_by_time(d, order, reverse, sizes, "rows")
    before = rows_by_time(s[:-1], order, reverse, sizes, "before") if needs[3] else None
    which = (needs[0], needs[2], needs[3], needs[4], needs[5])
    gx, gw, gu, gb, gc = of_weights(which, x, w_ih, b_ih, b_hh, rows, rows, before)
    return gx, dh.T.copy() if needs[1] else None, gw, gu, gb, gc
