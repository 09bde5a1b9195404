"""The steps of `compile.py` as one writes them in JAX: a pure function of a tree of parameters, jitted, state donated.

Each function takes the initial parameters (NumPy arrays by name) and the batch, and gives a callable that runs one step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Step = Callable[[], Any]


def stepping(step: Any, state: Any, *batch: Any) -> Step:
    """Run `state, loss = step(state, *batch)` again and again."""
    jitted = jax.jit(step, donate_argnums=0)
    held = [jax.tree.map(jnp.array, state)]
    batch = tuple(jnp.asarray(b) for b in batch)

    def run() -> Any:
        held[0], loss = jitted(held[0], *batch)
        return loss.block_until_ready()

    return run


def sgd(loss: Any, rate: float = 0.01) -> Any:
    def step(p: Any, *batch: Any) -> Any:
        value, g = jax.value_and_grad(loss)(p, *batch)
        return jax.tree.map(lambda p, g: p - rate * g, p, g), value

    return step


def adam(loss: Any, rate: float = 1e-3, decay: float = 0.0) -> Any:
    def step(state: Any, *batch: Any) -> Any:
        p, m, v, t = state
        value, g = jax.value_and_grad(loss)(p, *batch)
        t = t + 1
        p = jax.tree.map(lambda p: p * (1 - rate * decay), p) if decay else p
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        size, correction = rate / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        p = jax.tree.map(lambda p, m, v: p - size * m / (jnp.sqrt(v) / correction + 1e-8), p, m, v)
        return (p, m, v, t), value

    return step


def with_moments(p: Any) -> Any:
    zeros = {k: jnp.zeros_like(x) for k, x in p.items()}
    return p, zeros, {k: jnp.zeros_like(x) for k, x in p.items()}, jnp.zeros((), jnp.float32)


def linear(p: Any, name: str, x: Any) -> Any:
    y = x @ p[name + ".weight"].T
    return y + p[name + ".bias"] if name + ".bias" in p else y


def mlp(p: Any, x: Any, names: list[str], act: Any) -> Any:
    for name in names[:-1]:
        x = act(linear(p, name, x))
    return linear(p, names[-1], x)


def cross(logits: Any, y: Any) -> Any:
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


def layer_norm(p: Any, name: str, x: Any) -> Any:
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + 1e-5) * p[name + ".weight"] + p[name + ".bias"]


def conv(p: Any, name: str, x: Any, pad: int, dims: int = 2) -> Any:
    y = lax.conv_general_dilated(x, p[name + ".weight"], (1,) * dims, [(pad, pad)] * dims)
    return y + p[name + ".bias"].reshape(1, -1, *(1,) * dims) if name + ".bias" in p else y


def max_pool(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


# ---------------------------------------------------------------- small


def linear_regression(p: Any, x: Any, y: Any) -> Step:
    return stepping(sgd(lambda p, x, y: ((linear(p, "", x) - y) ** 2).mean()), {"." + k: v for k, v in p.items()}, x, y)


def small_mlp(p: Any, x: Any, y: Any) -> Step:
    return stepping(adam(lambda p, x, y: ((mlp(p, x, ["0", "2", "4"], jnp.tanh) - y) ** 2).mean()), with_moments(p), x, y)


def pinn(p: Any, x: Any) -> Step:
    def loss(p: Any, x: Any) -> Any:
        u = lambda t: mlp(p, t[None], ["0", "2", "4"], jnp.tanh)[0]
        residual = jax.vmap(jax.grad(jax.grad(lambda t: u(t[None])[0])))(x[:, 0]) + jnp.sin(x[:, 0])
        return (residual**2).mean()

    return stepping(adam(loss), with_moments(p), x)


def maml(p: Any, x: Any, y: Any) -> Step:
    def task(p: Any, x: Any, y: Any) -> Any:
        return ((mlp(p, x, ["0", "2"], jnp.tanh) - y) ** 2).mean()

    def loss(p: Any, x: Any, y: Any) -> Any:
        q = p
        for _ in range(3):
            g = jax.grad(task)(q, x[:10], y[:10])
            q = jax.tree.map(lambda q, g: q - 0.1 * g, q, g)
        return task(q, x[10:], y[10:])

    return stepping(sgd(loss), p, x, y)


def lstm(p: Any, x: Any, y: Any) -> Step:
    def loss(p: Any, x: Any, y: Any) -> Any:
        n = p["cell.weight_hh"].shape[1]

        def cell(state: Any, x: Any) -> Any:
            h, c = state
            gates = x @ p["cell.weight_ih"].T + p["cell.bias_ih"] + h @ p["cell.weight_hh"].T + p["cell.bias_hh"]
            i, f, g, o = jnp.split(gates, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), None

        zero = jnp.zeros((x.shape[1], n), x.dtype)
        (h, _), _ = lax.scan(cell, (zero, zero), x)
        return ((linear(p, "head", h) - y) ** 2).mean()

    return stepping(adam(loss), with_moments(p), x, y)


def second_derivative(p: Any, x: Any) -> Step:
    f = lambda v: jnp.sin(v) * v**3
    jitted = jax.jit(lambda x: jax.grad(lambda x: jax.grad(lambda x: f(x).sum())(x).sum())(x))
    x = jnp.asarray(x)
    return lambda: jitted(x).block_until_ready()


# ---------------------------------------------------------------- large


def large_mlp(p: Any, x: Any, y: Any) -> Step:
    return stepping(adam(lambda p, x, y: cross(mlp(p, x, ["0", "2", "4"], jax.nn.relu), y)), with_moments(p), x, y)


def cross_entropy(p: Any, x: Any, y: Any) -> Step:
    jitted = jax.jit(jax.value_and_grad(cross))
    x, y = jnp.asarray(x), jnp.asarray(y)
    return lambda: jax.block_until_ready(jitted(x, y))


def norm_linear(p: Any, x: Any) -> Step:
    jitted = jax.jit(jax.value_and_grad(lambda p, x: (linear(p, "1", layer_norm(p, "0", x)) ** 2).mean()))
    p, x = jax.tree.map(jnp.array, p), jnp.asarray(x)
    return lambda: jax.block_until_ready(jitted(p, x))


def lenet(p: Any, x: Any, y: Any) -> Step:
    def loss(p: Any, x: Any, y: Any) -> Any:
        x = max_pool(jax.nn.relu(conv(p, "0", x, 2)))
        x = max_pool(jax.nn.relu(conv(p, "3", x, 0)))
        x = jax.nn.relu(linear(p, "7", x.reshape(x.shape[0], -1)))
        return cross(linear(p, "9", x), y)

    return stepping(sgd(loss), p, x, y)


def residual_block(p: Any, x: Any) -> Step:
    def norm(p: Any, name: str, x: Any) -> Any:
        mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
        shape = (1, -1, 1, 1)
        return (x - mean) * lax.rsqrt(var + 1e-5) * p[name + ".weight"].reshape(shape) + p[name + ".bias"].reshape(shape)

    def loss(p: Any, x: Any) -> Any:
        y = jax.nn.relu(norm(p, "n1", conv(p, "c1", x, 1)))
        y = norm(p, "n2", conv(p, "c2", y, 1))
        return (jax.nn.relu(x + y) ** 2).mean()

    return stepping(sgd(loss), p, x)


def gpt(p: Any, tokens: Any, targets: Any) -> Step:
    heads, layers = 4, 2

    def loss(p: Any, tokens: Any, targets: Any) -> Any:
        b, n = tokens.shape
        x = p["token.weight"][tokens] + p["position.weight"][jnp.arange(n)]
        mask = jnp.tril(jnp.ones((n, n), bool))
        for k in range(layers):
            name = f"blocks.{k}."
            h = layer_norm(p, name + "ln1", x)
            q, key, v = jnp.split(linear(p, name + "qkv", h), 3, -1)
            q, key, v = (t.reshape(b, n, heads, -1).transpose(0, 2, 1, 3) for t in (q, key, v))
            scores = q @ key.swapaxes(-1, -2) / jnp.sqrt(q.shape[-1]).astype(q.dtype)
            mixed = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf)) @ v
            x = x + linear(p, name + "out", mixed.transpose(0, 2, 1, 3).reshape(b, n, -1))
            h = layer_norm(p, name + "ln2", x)
            x = x + linear(p, name + "down", jax.nn.gelu(linear(p, name + "up", h), approximate=False))
        logits = linear(p, "head", layer_norm(p, "ln", x))
        return cross(logits.reshape(b * n, -1), targets.reshape(-1))

    return stepping(adam(loss, decay=0.01), with_moments(p), tokens, targets)


def conv1d(p: Any, x: Any) -> Step:
    return stepping(sgd(lambda p, x: (jax.nn.relu(conv(p, "0", x, 2, 1)) ** 2).mean()), p, x)
