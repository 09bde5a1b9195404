"""`nn.utils`: clipping, parameter vectors, packed sequences, parametrizations, pruning, functional_call."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import numpy as np
import pytest

import wengert
from nn_compare import same
from wengert import nn


def tried(fn: Any) -> Any:
    try:
        return fn()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def module(t: Any, name: str) -> Any:
    return importlib.import_module(f"{t.__name__}.nn.utils.{name}")


def with_grads(t: Any) -> Any:
    layer = t.nn.Linear(2, 3)
    layer.weight.grad = t.arange(6.0).view(3, 2)
    layer.bias.grad = t.ones(3) * -2
    return layer


# ----------------------------------------------------------------------------------------------------- clipping


@pytest.mark.parametrize("order", [2, 1, 3, 0.5, 0, float("inf"), "inf", -float("inf")])
@pytest.mark.parametrize("max_norm", [1.0, 100.0])
def test_clip_grad_norm(order: Any, max_norm: float) -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        layer = with_grads(t)
        total = t.nn.utils.clip_grad_norm_(layer.parameters(), max_norm, order)
        return [total, layer.weight.grad, layer.bias.grad]

    same(use)


@pytest.mark.parametrize(
    "use",
    [
        lambda t: t.nn.utils.clip_grad_norm_(with_grads(t).weight, 1.0),
        lambda t: t.nn.utils.clip_grad_norm_([], 1.0),
        lambda t: t.nn.utils.clip_grad_norm_((p for p in ()), 1.0),
        lambda t: t.nn.utils.clip_grad_norm_(t.nn.Linear(1, 1).parameters(), 1.0),
        lambda t: t.nn.utils.clip_grad_norm(with_grads(t).parameters(), 1.0),
        lambda t: t.nn.utils.clip_grad_value_(with_grads(t).parameters(), 1.0),
        lambda t: t.nn.utils.get_total_norm([t.ones(3), t.ones(2, 2)]),
        lambda t: t.nn.utils.get_total_norm(t.ones(2)),
    ],
)
def test_clipping_of(use: Any) -> None:
    pytest.importorskip("torch")
    same(use)


def test_clip_value_and_with_norm() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        a, b = with_grads(t), with_grads(t)
        t.nn.utils.clip_grad_value_(a.parameters(), 1.5)
        t.nn.utils.clip_grads_with_norm_(b.parameters(), 1.0, t.tensor(4.0))
        return [a.weight.grad, a.bias.grad, b.weight.grad, b.bias.grad]

    same(use)


def test_nonfinite_norm() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        layer = with_grads(t)
        layer.weight.grad.fill_(float("nan"))
        refused = tried(lambda: t.nn.utils.clip_grad_norm_(layer.parameters(), 1.0, error_if_nonfinite=True))
        t.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        return [refused, layer.bias.grad]

    same(use)


def test_recorded_clip() -> None:
    layer = with_grads(wengert)
    assert abs(nn.utils.clip_grad_norm_(layer.parameters(), 1.0).item() - 8.18535) < 1e-4
    np.testing.assert_allclose(layer.bias.grad.tolist(), [-0.24433890] * 3, rtol=1e-5)


def test_parameter_vectors() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        layer = t.nn.Linear(2, 3)
        vector = t.nn.utils.parameters_to_vector(layer.parameters())
        kind = type(vector.grad_fn).__name__
        t.nn.utils.vector_to_parameters(t.arange(9.0), layer.parameters())
        return [
            vector.detach(), kind, layer.weight, layer.bias,
            tried(lambda: t.nn.utils.vector_to_parameters(3, layer.parameters())),
            tried(lambda: t.nn.utils.vector_to_parameters(t.ones(3), layer.parameters())),
        ]  # fmt: skip

    same(use)


# --------------------------------------------------------------------------------------------- packed sequences


def steps(t: Any) -> Any:
    return t.arange(12.0).view(3, 2, 2)


PACKING = {
    "sorted": lambda t, r: list(r.pack_padded_sequence(steps(t), [3, 2])),
    "unsorted": lambda t, r: list(r.pack_padded_sequence(steps(t), [2, 3], enforce_sorted=False)),
    "batch first": lambda t, r: list(r.pack_padded_sequence(steps(t), [2, 2, 1], batch_first=True)),
    "not sorted": lambda t, r: r.pack_padded_sequence(steps(t), [2, 3]),
    "length 0": lambda t, r: r.pack_padded_sequence(steps(t), [3, 0]),
    "too few lengths": lambda t, r: r.pack_padded_sequence(steps(t), [3]),
    "printed": lambda t, r: repr(r.pack_padded_sequence(steps(t), [3, 2])),
    "there and back": lambda t, r: r.pad_packed_sequence(
        r.pack_padded_sequence(steps(t), [2, 3], enforce_sorted=False)
    ),
    "longer": lambda t, r: r.pad_packed_sequence(r.pack_padded_sequence(steps(t), [3, 2]), True, 7.0, 5),
    "too short": lambda t, r: r.pad_packed_sequence(r.pack_padded_sequence(steps(t), [3, 2]), total_length=2),
    "unpack": lambda t, r: r.unpack_sequence(r.pack_sequence([t.ones(2), t.ones(3) * 2], False)),
    "pack_sequence unsorted": lambda t, r: r.pack_sequence([t.ones(2), t.ones(3)]),
    "pad_sequence": lambda t, r: r.pad_sequence([t.ones(2), t.ones(3)]),
    "pad_sequence left": lambda t, r: r.pad_sequence([t.ones(2, 2), t.ones(3, 2)], True, 9.0, "left"),
    "pad_sequence side": lambda t, r: r.pad_sequence([t.ones(2)], padding_side="x"),
    "pad_sequence empty": lambda t, r: r.pad_sequence([]),
    "pad_sequence of a number": lambda t, r: r.pad_sequence(3),
    "unpad": lambda t, r: r.unpad_sequence(t.ones(3, 2), t.tensor([1, 3])),
    "invert": lambda t, r: r.invert_permutation(t.tensor([2, 0, 1])),
    "casts": lambda t, r: [str(r.pack_sequence([t.ones(2)]).double().data.dtype), r.pack_sequence([t.ones(1)]).is_cuda],
}


@pytest.mark.parametrize("name", PACKING)
def test_packing(name: str) -> None:
    pytest.importorskip("torch")
    same(lambda t: PACKING[name](t, t.nn.utils.rnn), first_line=True)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_recurrent_layers_on_packed_batches(kind: str, enforce_sorted: bool) -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        layer = getattr(t.nn, kind)(2, 3, 2, bidirectional=True)
        lengths = [3, 2, 1] if enforce_sorted else [1, 3, 2]
        x = t.arange(18.0).view(3, 3, 2) / 10
        x.requires_grad_()
        packed = t.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=enforce_sorted)
        out, state = layer(packed)
        padded, _ = t.nn.utils.rnn.pad_packed_sequence(out)
        states = state if isinstance(state, tuple) else (state,)
        (padded.sum() + sum((s * s).sum() for s in states)).backward()
        return [padded.detach(), [s.detach() for s in states], x.grad, [p.grad for p in layer.parameters()]]

    same(use, rtol=5e-5, atol=5e-6)


# ---------------------------------------------------------------------------------------------- parametrizations


def parametrization(t: Any, forward: Any, right_inverse: Any = None) -> Any:
    members: dict[str, Any] = {"forward": lambda self, *x: forward(*x)}
    if right_inverse is not None:
        members["right_inverse"] = lambda self, x: right_inverse(x)
    return type("P", (t.nn.Module,), members)()


def double(t: Any) -> Any:
    return parametrization(t, lambda x: x * 2)


def halves(t: Any) -> Any:
    return parametrization(t, lambda a, b: a + b, lambda x: (x / 2, x / 2))


def register(t: Any, p: Any, **kwargs: Any) -> Any:
    layer = t.nn.Linear(2, 2)
    module(t, "parametrize").register_parametrization(layer, "weight", p, **kwargs)
    return layer


PARAMETRIZE = {
    "printed": lambda t: register(t, double(t)),
    "names": lambda t: [list(register(t, double(t)).state_dict()), list(register(t, halves(t)).state_dict())],
    "value": lambda t: register(t, double(t)).weight.detach(),
    "several tensors": lambda t: register(t, halves(t)).weight.detach(),
    "class": lambda t: [c.__name__ for c in type(register(t, double(t))).__mro__],
    "no such tensor": lambda t: module(t, "parametrize").register_parametrization(t.nn.Linear(1, 1), "foo", double(t)),
    "shape": lambda t: register(t, parametrization(t, lambda x: x[0])),
    "dtype": lambda t: register(t, parametrization(t, lambda x: x.double())),
    "no tensor": lambda t: register(t, parametrization(t, lambda x: 3)),
    "unsafe": lambda t: register(t, parametrization(t, lambda x: x[0]), unsafe=True).weight.detach(),
    "bad inverse": lambda t: register(t, parametrization(t, lambda x: x, lambda x: 3)),
    "bad inverse dtype": lambda t: register(t, parametrization(t, lambda x: x, lambda x: x.double())),
    "no inverse": lambda t: setattr(register(t, double(t)), "weight", t.ones(2, 2)),
    "not there": lambda t: module(t, "parametrize").remove_parametrizations(t.nn.Linear(1, 1), "weight"),
    "left as it is": lambda t: module(t, "parametrize").remove_parametrizations(
        register(t, halves(t)), "weight", leave_parametrized=False
    ),
    "no pickle": lambda t: register(t, double(t)).__reduce_ex__(2),
}


@pytest.mark.parametrize("name", PARAMETRIZE)
def test_parametrize(name: str) -> None:
    pytest.importorskip("torch")
    same(PARAMETRIZE[name], first_line=True)


def test_parametrize_life() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        P = module(t, "parametrize")
        log = []
        layer = t.nn.Linear(2, 2)
        p = layer.weight
        symmetric = parametrization(t, lambda x: x.triu() + x.triu(1).mT, lambda x: x.triu())
        P.register_parametrization(layer, "weight", symmetric)
        log.append([layer.weight.detach(), P.is_parametrized(layer), P.is_parametrized(layer, "bias")])
        layer.weight = t.ones(2, 2)
        log.append([layer.parametrizations.weight.original, layer.parametrizations.weight.original is p])
        P.register_parametrization(layer, "weight", double(t))
        log.append(layer.weight.detach())
        layer(t.ones(1, 2)).sum().backward()
        log.append(layer.parametrizations.weight.original.grad)
        with P.cached():
            log.append(layer.weight is layer.weight)
        log.append(layer.weight is layer.weight)
        twin = copy.deepcopy(layer)
        log.append([twin.weight.detach(), P.is_parametrized(twin)])
        P.remove_parametrizations(layer, "weight")
        log.append([layer, layer.weight, layer.weight is p])
        return log

    same(use)


def test_copy_of_a_parametrized_module_is_independent() -> None:
    layer = register(wengert, double(wengert))
    twin = copy.deepcopy(layer)
    nn.utils.parametrize.remove_parametrizations(layer, "weight")
    assert twin.weight.equal(layer.weight) and nn.utils.parametrize.is_parametrized(twin)


def test_parametrized_buffer() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        P = module(t, "parametrize")
        m = t.nn.Module()
        m.register_buffer("b", t.ones(2))
        P.register_parametrization(m, "b", double(t))
        before = [m.b, list(m.state_dict())]
        P.remove_parametrizations(m, "b")
        return [before, list(m._buffers), m.b, P.type_before_parametrizations(m).__name__]

    same(use)


NORMS = {
    "weight_norm": lambda t, z: z.weight_norm(t.nn.Linear(2, 3)),
    "weight_norm all": lambda t, z: z.weight_norm(t.nn.Linear(2, 3), dim=None),
    "spectral_norm": lambda t, z: z.spectral_norm(t.nn.Linear(2, 3)),
    "spectral_norm name": lambda t, z: z.spectral_norm(t.nn.Linear(2, 3), "foo"),
    "spectral_norm n": lambda t, z: z.spectral_norm(t.nn.Linear(2, 3), n_power_iterations=0),
    "orthogonal": lambda t, z: z.orthogonal(t.nn.Linear(3, 3)),
    "orthogonal cayley": lambda t, z: z.orthogonal(t.nn.Linear(2, 3), orthogonal_map="cayley"),
    "orthogonal householder": lambda t, z: z.orthogonal(t.nn.Linear(3, 2)),
    "orthogonal map": lambda t, z: z.orthogonal(t.nn.Linear(2, 3), orthogonal_map="x"),
    "orthogonal vector": lambda t, z: z.orthogonal(t.nn.Linear(2, 3), "bias"),
    "old weight_norm": lambda t, z: t.nn.utils.weight_norm(t.nn.Linear(2, 3)),
    "old spectral_norm": lambda t, z: t.nn.utils.spectral_norm(t.nn.Linear(2, 3)),
    "old weight_norm twice": lambda t, z: t.nn.utils.weight_norm(t.nn.utils.weight_norm(t.nn.Linear(2, 3))),
    "old spectral_norm twice": lambda t, z: t.nn.utils.spectral_norm(t.nn.utils.spectral_norm(t.nn.Linear(2, 3))),
    "remove weight_norm": lambda t, z: list(
        t.nn.utils.remove_weight_norm(t.nn.utils.weight_norm(t.nn.Linear(2, 3))).state_dict()
    ),
    "remove spectral_norm": lambda t, z: list(
        t.nn.utils.remove_spectral_norm(t.nn.utils.spectral_norm(t.nn.Linear(2, 3))).state_dict()
    ),
    "remove none": lambda t, z: t.nn.utils.remove_weight_norm(t.nn.Linear(2, 3)),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms_of_weights(name: str) -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        layer = NORMS[name](t, module(t, "parametrizations"))
        if isinstance(layer, list):
            return layer
        out = layer(t.tensor([[1.0, -2.0, 0.5][: layer.in_features]]))
        out.sum().backward()
        state = {k: v for k, v in layer.state_dict().items() if not name.startswith("orthogonal")}
        grads = {} if name.startswith("orthogonal h") else {n: p.grad for n, p in layer.named_parameters()}
        return [layer, layer.weight.detach(), out.detach(), state, grads]

    from nn_compare import outcome

    if outcome(use, wengert).get("error", ("",))[0] == "NotImplementedError":
        pytest.skip(outcome(use, wengert)["error"][1])
    same(use, first_line=True, rtol=2e-4, atol=2e-5)


# ------------------------------------------------------------------------------------------------------ pruning

PRUNE = {
    "l1": lambda t, p, l: p.l1_unstructured(l, "weight", 2),
    "l1 fraction": lambda t, p, l: p.l1_unstructured(l, "weight", 0.5),
    "random": lambda t, p, l: p.random_unstructured(l, "weight", 3),
    "ln": lambda t, p, l: p.ln_structured(l, "weight", 1, 2, 0),
    "ln inf": lambda t, p, l: p.ln_structured(l, "weight", 0.5, float("inf"), 1),
    "random structured": lambda t, p, l: p.random_structured(l, "weight", 1, 1),
    "identity": lambda t, p, l: p.identity(l, "weight"),
    "custom": lambda t, p, l: p.custom_from_mask(l, "weight", t.eye(2, 3)),
    "importance": lambda t, p, l: p.l1_unstructured(l, "weight", 2, importance_scores=t.arange(6.0).view(2, 3)),
    "twice": lambda t, p, l: p.ln_structured(p.l1_unstructured(l, "weight", 2), "weight", 1, 2, 0),
    "three times": lambda t, p, l: p.l1_unstructured(
        p.ln_structured(p.l1_unstructured(l, "weight", 2), "weight", 1, 2, 0), "weight", 1
    ),
    "too many": lambda t, p, l: p.l1_unstructured(l, "weight", 7),
    "negative": lambda t, p, l: p.l1_unstructured(l, "weight", -1),
    "fraction": lambda t, p, l: p.l1_unstructured(l, "weight", 1.5),
    "type": lambda t, p, l: p.l1_unstructured(l, "weight", "a"),
    "no such": lambda t, p, l: p.l1_unstructured(l, "foo", 1),
    "vector": lambda t, p, l: p.ln_structured(l, "bias", 1, 2, 0),
    "dim": lambda t, p, l: p.ln_structured(l, "weight", 1, 2, 5),
    "not pruned": lambda t, p, l: p.remove(l, "weight"),
}


@pytest.mark.parametrize("name", PRUNE)
def test_pruning(name: str) -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        P = module(t, "prune")
        layer = PRUNE[name](t, P, t.nn.Linear(3, 2))
        state = {k: v.clone() for k, v in layer.state_dict().items()}
        layer(t.ones(1, 3)).sum().backward()
        grads = {n: p.grad for n, p in layer.named_parameters()}
        pruned = P.is_pruned(layer)
        P.remove(layer, "weight")
        return [state, grads, pruned, list(layer.state_dict()), layer.weight, P.is_pruned(layer)]

    same(use, first_line=True)


def test_global_pruning() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        P = module(t, "prune")
        a, b = t.nn.Linear(3, 2), t.nn.Linear(2, 2)
        P.global_unstructured([(a, "weight"), (b, "weight")], P.L1Unstructured, amount=0.5)
        return [a.weight_mask, b.weight_mask, tried(lambda: P.global_unstructured(3, P.L1Unstructured, amount=1))]

    same(use)


# --------------------------------------------------------------------------------------------- functional_call


def test_functional_call() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        call = module(t, "stateless").functional_call
        m = t.nn.Sequential(t.nn.Linear(1, 1), t.nn.BatchNorm1d(1))
        other = {"0.weight": t.ones(1, 1, requires_grad=True)}
        layer, x = m[0], t.ones(2, 1)

        class Counter(t.nn.Module):
            def forward(self, x: Any) -> Any:
                self.c = self.c + 1
                return x

        counter, given = Counter(), {"c": t.ones(1)}
        counter.register_buffer("c", t.zeros(1))
        call(counter, given, 1)
        out = call(layer, {"weight": other["0.weight"]}, (x,))
        out.sum().backward()
        tied = t.nn.Linear(2, 2)
        tied.again = tied.weight
        return [
            other["0.weight"].grad,
            layer.weight.grad is None,
            [given, counter.c],
            call(layer, {"foo": x}, (x,)).detach(),
            hasattr(layer, "foo"),
            tried(lambda: call(layer, {"in_features": x}, (x,))),
            tried(lambda: call(layer, {"weight": 3}, (x,))),
            tried(lambda: call(layer, {"zz.weight": x}, (x,))),
            tried(lambda: call(layer, {"weight": x}, (t.ones(1, 1),), strict=True)),
            call(tied, {"weight": t.zeros(2, 2)}, t.ones(1, 2)).detach(),
            tried(lambda: call(tied, {"weight": t.zeros(2, 2), "again": t.ones(2, 2)}, t.ones(1, 2))),
        ]

    same(use)


def test_fusion_of_linear_and_batch_norm() -> None:
    linear, bn = nn.Linear(3, 2).eval(), nn.BatchNorm1d(2).eval()
    bn.running_mean.copy_(wengert.tensor([0.5, -1.0]))
    bn.running_var.copy_(wengert.tensor([2.0, 0.3]))
    x = wengert.tensor([[1.0, 2.0, -1.0]])
    fused = nn.utils.fuse_linear_bn_eval(linear, bn)
    scale = bn.weight / (bn.running_var + bn.eps).sqrt()
    expected = (linear(x) - bn.running_mean) * scale + bn.bias
    np.testing.assert_allclose(fused(x).tolist(), expected.tolist(), rtol=1e-5)
    with pytest.raises(AssertionError, match="Fusion only for eval!"):
        nn.utils.fuse_linear_bn_eval(linear.train(), bn)


def test_skip_init_leaves_the_generator_alone() -> None:
    wengert.manual_seed(4)
    expected = wengert.rand(3)
    wengert.manual_seed(4)
    try:
        layer = nn.utils.skip_init(nn.Linear, 2, 3)
    except NotImplementedError as error:
        pytest.skip(str(error))
    assert layer.weight.shape == (3, 2) and wengert.rand(3).equal(expected)
    with pytest.raises(RuntimeError, match="Expected a Module"):
        nn.utils.skip_init(int)


# --------------------------------------------------------------------------------- the smaller corners of torch.nn


@pytest.mark.parametrize("n", [1, 2, 3])
def test_convolution_gradients(n: int) -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        grad = importlib.import_module(f"{t.__name__}.nn.grad")
        x, w = t.randn((2, 4) + (6,) * n), t.randn((4, 2) + (3,) * n)
        g = t.randn((2, 4) + (3,) * n)
        return [
            getattr(grad, f"conv{n}d_input")(x.shape, w, g, stride=2, padding=1, groups=2),
            getattr(grad, f"conv{n}d_weight")(x, w.shape, g, stride=2, padding=1, groups=2),
        ]

    same(use, rtol=1e-4, atol=1e-5)


def test_attention_backends() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        attention = importlib.import_module(f"{t.__name__}.nn.attention")
        q = t.ones(1, 1, 2, 2)
        with attention.sdpa_kernel(attention.SDPBackend.MATH):
            out = t.nn.functional.scaled_dot_product_attention(q, q, q)
        return [
            out,
            repr(attention.SDPBackend.MATH),
            [b.value for b in (attention.SDPBackend.FLASH_ATTENTION, attention.SDPBackend.ERROR)],
            tried(lambda: attention.sdpa_kernel(3).__enter__()),
        ]

    same(use)


def test_longer_names() -> None:
    modules = importlib.import_module("wengert.nn.modules")
    assert modules.Linear is nn.Linear and modules.linear.Linear is nn.Linear
    assert importlib.import_module("wengert.nn.modules.activation").MultiheadAttention is nn.MultiheadAttention
    assert importlib.import_module("wengert.nn.modules.utils")._pair(3) == (3, 3)
    with pytest.raises(AttributeError):
        nn.NoSuchLayer  # noqa: B018
