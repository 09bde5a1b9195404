"""Recurrent layers as one node each: PyTorch's numbers, gradients of any order, transforms, packed batches."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as W
from wengert.autograd import gradcheck, gradgradcheck
from wengert.nn.utils.rnn import pack_padded_sequence

LAYERS = ("LSTM", "GRU", "RNN")
SHAPES = [
    {}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True}, {"bias": False}, {"batch_first": True},
    {"proj_size": 2},
]  # fmt: skip


def options(name: str, given: dict[str, Any]) -> dict[str, Any]:
    if "proj_size" in given and name != "LSTM":
        pytest.skip("only LSTM projects")
    return given


def made(t: Any, name: str, given: dict[str, Any], sizes: tuple[int, int] = (3, 4), **more: Any) -> Any:
    layer = getattr(t.nn, name)(*sizes, dtype=t.float64, **given, **more)
    numbers = np.random.default_rng(1)
    with t.no_grad():
        for p in layer.parameters():
            p.copy_(t.from_numpy(numbers.uniform(-0.6, 0.6, tuple(p.shape))))
    return layer


def states(h: Any) -> tuple[Any, ...]:
    return h if isinstance(h, tuple) else (h,)


def outcome(t: Any, name: str, given: dict[str, Any], packed: bool, **more: Any) -> list[Any]:
    layer = made(t, name, given, **more)
    numbers = np.random.default_rng(2)
    x = t.from_numpy(numbers.standard_normal((3, 5, 3) if given.get("batch_first") else (5, 3, 3))).requires_grad_()
    taken: Any = x
    if packed:
        pack = t.nn.utils.rnn.pack_padded_sequence
        taken = pack(x, [5, 3, 2], batch_first=given.get("batch_first", False))
    y, h = layer(taken)
    data = y.data if packed else y
    total = (data * data).sum() + sum((s * (i + 2)).sin().sum() for i, s in enumerate(states(h)))
    names = [data.grad_fn.name(), *[s.grad_fn.name() for s in states(h)]]
    inputs = [x, *layer.parameters()]
    first = t.autograd.grad(total, inputs, create_graph=True)
    second = t.autograd.grad(sum((g * g).sum() for g in first), inputs)
    strides = [tuple(v.stride()) for v in (data, *states(h))]
    return [[v.detach().numpy() for v in (data, *states(h), *first, *second)], names, strides]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("given", SHAPES, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_as_pytorch(name: str, given: dict[str, Any], packed: bool) -> None:
    """Values, gradients, gradients of gradients, names of nodes, strides."""
    torch = pytest.importorskip("torch")
    given = options(name, given)
    ours, theirs = outcome(W, name, given, packed), outcome(torch, name, given, packed)
    for a, b in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert ours[1:] == theirs[1:]


@pytest.mark.parametrize("name", LAYERS)
def test_float32_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    found = []
    for t in (W, torch):
        layer = made(t, name, {"bidirectional": True}).float()
        y, h = layer(t.from_numpy(np.linspace(-1, 1, 45, dtype=np.float32).reshape(5, 3, 3)))
        t.autograd.backward([y.pow(2).sum(), *[s.sum() for s in states(h)]])
        inner = y.grad_fn.next_functions[0][0].name()
        found.append([inner, *[v.detach().numpy() for v in (y, *states(h), *[p.grad for p in layer.parameters()])]])
    assert found[0][0] == found[1][0]
    for a, b in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_relu_as_pytorch() -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (outcome(t, "RNN", {}, False, nonlinearity="relu") for t in (W, torch))
    for a, b in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_gradcheck(name: str, packed: bool) -> None:
    layer = made(W, name, {"bidirectional": True}, (2, 2))
    x = W.randn(3, 2, 2, dtype=W.float64, requires_grad=True)
    weights = dict(layer.named_parameters())

    def run(x: Any, *values: Any) -> Any:
        taken = pack_padded_sequence(x, [3, 2]) if packed else x
        y, h = W.func.functional_call(layer, dict(zip(weights, values, strict=True)), (taken,))
        return (y.data if packed else y, *states(h))

    inputs = (x, *[p.detach().requires_grad_() for p in weights.values()])
    assert gradcheck(run, inputs, check_forward_ad=True)
    assert gradgradcheck(run, inputs)


@pytest.mark.parametrize("name", LAYERS)
def test_transforms(name: str) -> None:
    """vmap, grad, jvp and mapped gradients agree with plain loops."""
    layer = made(W, name, {})
    xs = W.randn(3, 5, 2, 3, dtype=W.float64)
    together = W.func.vmap(lambda x: layer(x)[0])(xs)
    assert W.allclose(together, W.stack([layer(x)[0] for x in xs]))

    def loss(x: Any) -> Any:
        return layer(x)[0].pow(2).sum()

    x = xs[0].clone().requires_grad_()
    (plain,) = W.autograd.grad(loss(x), x)
    assert W.allclose(W.func.grad(loss)(xs[0]), plain)
    assert W.allclose(W.func.vmap(W.func.grad(loss))(xs)[0], plain)
    _, tangent = W.func.jvp(loss, (xs[0],), (xs[1],))
    assert W.allclose(tangent, (plain * xs[1]).sum())
    y = layer(x)[0]
    vs = W.randn(2, *y.shape, dtype=W.float64)
    (batch,) = W.autograd.grad(y, x, vs, is_grads_batched=True, retain_graph=True)
    for v, got in zip(vs, batch, strict=True):
        assert W.allclose(got, W.autograd.grad(y, x, v, retain_graph=True)[0])


@pytest.mark.parametrize("name", LAYERS)
def test_one_node(name: str) -> None:
    """The output of a layer is one step away from its inputs, and a frozen weight gets no gradient."""
    layer = made(W, name, {})
    layer.weight_hh_l0.requires_grad_(False)
    y, _ = layer(W.randn(5, 2, 3, dtype=W.float64, requires_grad=True))
    kinds = [f[0].name() for f in y.grad_fn.next_functions if f[0] is not None]
    assert kinds and all(k.endswith("AccumulateGrad") or k.startswith("Select") for k in kinds), kinds
    y.sum().backward()
    assert layer.weight_hh_l0.grad is None and layer.weight_ih_l0.grad is not None
