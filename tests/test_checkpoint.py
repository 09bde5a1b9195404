"""Checkpointing: gradients, what is kept and for how long, random numbers, mismatches, nesting."""

from __future__ import annotations

import gc
import warnings
from contextlib import contextmanager
from typing import Any

import pytest

import wengert
from wengert import nn
from wengert.utils import checkpoint as module
from wengert.utils.checkpoint import (
    CheckpointError,
    GraphExecGroup,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)

both = pytest.mark.parametrize("use_reentrant", [False, True])


def leaf() -> Any:
    return wengert.tensor([0.5, 1.0, 1.5], requires_grad=True)


def f(x: Any) -> Any:
    return (x.sin() * x).exp().cos()


@both
def test_gradient(use_reentrant: bool) -> None:
    x, y = leaf(), leaf()
    out = checkpoint(f, x, use_reentrant=use_reentrant)
    assert out.tolist() == f(y).tolist()
    out.sum().backward()
    f(y).sum().backward()
    assert x.grad.tolist() == y.grad.tolist()


@both
def test_arguments_of_all_kinds(use_reentrant: bool) -> None:
    x, w = leaf(), leaf()
    out = checkpoint(lambda x, n, some: (x * n + some["w"] * w, n), x, 3, {"w": wengert.ones(3)}, use_reentrant=use_reentrant)
    assert out[1] == 3
    out[0].sum().backward()
    assert x.grad.tolist() == [3.0] * 3 and w.grad.tolist() == [1.0] * 3


def test_keywords_only_without_reentering() -> None:
    x = leaf()
    checkpoint(lambda x, *, k: x * k, x, use_reentrant=False, k=x).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="Unexpected keyword arguments: k"):
        checkpoint(lambda x, k: x, x, use_reentrant=True, k=1)
    with pytest.raises(ValueError, match=r"Passing `context_fn` or `debug` is only supported when use_reentrant=False\."):
        checkpoint(f, x, use_reentrant=True, debug=True)
    with pytest.raises(ValueError, match=r"determinism_check should be one of \['default', 'none'\], but got x"):
        checkpoint(f, x, use_reentrant=False, determinism_check="x")


def test_second_order_and_grad() -> None:
    x = leaf()
    (g,) = wengert.autograd.grad(checkpoint(f, x, use_reentrant=False).sum(), x, create_graph=True)
    (gg,) = wengert.autograd.grad(g.sum(), x)
    (h,) = wengert.autograd.grad(f(x).sum(), x, create_graph=True)
    (hh,) = wengert.autograd.grad(h.sum(), x)
    assert g.tolist() == h.tolist()
    assert gg.tolist() == pytest.approx(hh.tolist(), rel=1e-5)


def test_reentrant_refuses_inputs() -> None:
    x = leaf()
    for call in (lambda y: wengert.autograd.grad(y, x), lambda y: y.backward(inputs=[x])):
        with pytest.raises(RuntimeError, match="When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad"):
            call(checkpoint(f, x, use_reentrant=True).sum())
    with pytest.raises(RuntimeError, match="none of output has requires_grad=True, this checkpoint"):
        checkpoint(lambda x: (x.detach(), x.detach().sin()), x, use_reentrant=True)[1].sum().backward()


def test_warnings() -> None:
    x = leaf()
    with pytest.warns(UserWarning, match="torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly"):
        checkpoint(f, x)
    with pytest.warns(UserWarning, match="torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter"):
        checkpoint_sequential([f, f], 2, x)
    with pytest.warns(UserWarning, match=r"None of the inputs have requires_grad=True\. Gradients will be None"):
        checkpoint(f, x.detach(), use_reentrant=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checkpoint(f, x.detach(), use_reentrant=False)


def test_without_grad_nothing_is_kept() -> None:
    with wengert.no_grad():
        y = checkpoint(f, leaf(), use_reentrant=False)
    assert not y.requires_grad


# ---------------------------------------------------------------- when it runs


def counted() -> tuple[list[str], Any]:
    calls: list[str] = []

    def function(x: Any) -> Any:
        calls.append("a")
        y = x.sin()
        calls.append("b")
        z = y.exp()
        calls.append("c")
        return z + 1

    return calls, function


def test_early_stop() -> None:
    for options, expected in (({}, "abcab"), ({"early_stop": False}, "abcabc")):
        calls, function = counted()
        checkpoint(function, leaf(), use_reentrant=False, **options).sum().backward()
        assert "".join(calls) == expected
    with set_checkpoint_early_stop(False):
        calls, function = counted()
        y = checkpoint(function, leaf(), use_reentrant=False, early_stop=True)
    y.sum().backward()
    assert "".join(calls) == "abcabc"


def test_once_for_each_backward() -> None:
    calls, function = counted()
    y = checkpoint(function, leaf(), use_reentrant=False).sum()
    y.backward(retain_graph=True)
    assert calls.count("a") == 2
    y.backward(retain_graph=True)
    assert calls.count("a") == 3
    y.grad_fn.next_functions[0][0].next_functions[0][0]._saved_result  # noqa: B018
    assert calls.count("a") == 4
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_group_runs_once() -> None:
    calls, function = counted()
    y = checkpoint(function, leaf(), use_reentrant=False).sum()
    with GraphExecGroup():
        y.backward(retain_graph=True)
        y.backward()
    assert calls.count("a") == 2


@both
def test_nested(use_reentrant: bool) -> None:
    calls: list[str] = []

    def inner(x: Any) -> Any:
        calls.append("i")
        return x.sin().exp()

    def outer(x: Any) -> Any:
        calls.append("o")
        return checkpoint(inner, x, use_reentrant=False).cos()

    x, y = leaf(), leaf()
    checkpoint(outer, x, use_reentrant=use_reentrant).sum().backward()
    y.sin().exp().cos().sum().backward()
    assert "".join(calls) == "oioii"
    assert x.grad.tolist() == y.grad.tolist()


def test_deeply_nested() -> None:
    def level(n: int, x: Any) -> Any:
        return x.sin() if n == 0 else checkpoint(level, n - 1, x.cos(), use_reentrant=False).sin()

    def plain(n: int, x: Any) -> Any:
        return x.sin() if n == 0 else plain(n - 1, x.cos()).sin()

    x, y = leaf(), leaf()
    level(4, x).sum().backward()
    plain(4, y).sum().backward()
    assert x.grad.tolist() == y.grad.tolist()


@both
@pytest.mark.parametrize("preserve", [True, False])
def test_random_numbers(use_reentrant: bool, preserve: bool) -> None:
    wengert.manual_seed(1)
    x = wengert.ones(200, requires_grad=True)
    y = checkpoint(lambda x: nn.functional.dropout(x) * x, x, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    after = wengert.get_rng_state()
    y.sum().backward()
    assert wengert.equal(x.grad, 2 * y.detach()) is preserve
    assert wengert.equal(wengert.get_rng_state(), after) is preserve


def test_contexts() -> None:
    entered: list[str] = []

    @contextmanager
    def note(name: str) -> Any:
        entered.append(name)
        yield

    x = leaf()
    checkpoint(f, x, use_reentrant=False, context_fn=lambda: (note("first"), note("second"))).sum().backward()
    assert entered == ["first", "second"]


@both
def test_changed_input(use_reentrant: bool) -> None:
    a = leaf()
    b = a * 1
    y = checkpoint(lambda b: b.sin() * b, b, use_reentrant=use_reentrant)
    b.mul_(2)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.sum().backward()


def test_hooks_off() -> None:
    with wengert.autograd.graph.disable_saved_tensors_hooks("no hooks"), pytest.raises(RuntimeError, match="no hooks"):
        checkpoint(f, leaf(), use_reentrant=False)


# ---------------------------------------------------------------- another second run


def changing(first: Any, later: Any) -> Any:
    calls: list[int] = []

    def function(x: Any) -> Any:
        calls.append(1)
        return (first if len(calls) == 1 else later)(x)

    return function


def test_mismatches() -> None:
    fewer = changing(lambda x: (x.sin().cos() * x).exp(), lambda x: x.sin().exp())
    with pytest.raises(CheckpointError) as caught:
        checkpoint(fewer, leaf(), use_reentrant=False).sum().backward()
    assert str(caught.value).startswith(
        "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
        "Number of tensors saved during forward: 5\nNumber of tensors saved during recomputation: 2.\n\nTip: "
    )
    more = changing(lambda x: x.sin().exp(), lambda x: (x.sin().cos() * x).exp())
    with pytest.raises(CheckpointError, match="trying to save more tensors during recomputation than during the original"):
        checkpoint(more, leaf(), use_reentrant=False, early_stop=False).sum().backward()
    other = changing(lambda x: x.sin().exp(), lambda x: x.double().sin().exp())
    with pytest.raises(CheckpointError) as caught:
        checkpoint(other, leaf(), use_reentrant=False).sum().backward()
    assert "different metadata than during the forward pass.\ntensor at position 0:\nsaved metadata: {'shape': torch.Size(" \
        "[3]), 'dtype': torch.float32, 'device': device(type='cpu')}\nrecomputed metadata: {'shape'" in str(caught.value)
    other = changing(lambda x: x.sin().exp(), lambda x: x.double().sin().exp())
    checkpoint(other, leaf(), use_reentrant=False, determinism_check="none").sum().backward()


@pytest.mark.parametrize("by_context", [False, True])
def test_debug(by_context: bool) -> None:
    fewer = changing(lambda x: (x.sin().cos() * x).exp(), lambda x: x.sin().exp())
    with set_checkpoint_debug_enabled(True if by_context else None):
        y = checkpoint(fewer, leaf(), use_reentrant=False, debug=not by_context)
    with pytest.raises(CheckpointError, match="An error happened while unpacking tensors; dumping logs") as caught:
        y.sum().backward()
    assert "test_checkpoint.py" in str(caught.value) and "A different number of tensors" in str(caught.value)


# ---------------------------------------------------------------- memory


def test_what_is_kept() -> None:
    alive: list[int] = []

    class Noted(wengert.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            alive.append(sum(type(o) is wengert.Tensor and o.shape == (7, 11) for o in gc.get_objects()))
            return g * 2

    def chain(x: Any) -> Any:
        for _ in range(20):
            x = Noted.apply(x)
        return x

    def tensors() -> int:
        return sum(type(o) is wengert.Tensor and o.shape == (7, 11) for o in gc.get_objects())

    before = tensors()
    y = checkpoint(chain, wengert.ones(7, 11, requires_grad=True), use_reentrant=False)
    assert tensors() - before <= 3
    y.sum().backward()
    assert alive[0] > alive[-1]
    del y
    assert tensors() == before


def test_no_cycles() -> None:
    gc.collect()
    gc.disable()
    try:
        before = sum(type(o).__name__ in ("_Frame", "_Holder", "_Run") for o in gc.get_objects())
        for use_reentrant in (False, True):
            y = checkpoint(f, leaf(), use_reentrant=use_reentrant)
            y.sum().backward()
            y = checkpoint(f, leaf(), use_reentrant=use_reentrant)
        del y
        assert sum(type(o).__name__ in ("_Frame", "_Holder", "_Run") for o in gc.get_objects()) == before
    finally:
        gc.enable()


# ---------------------------------------------------------------- sequential


@both
@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequential(use_reentrant: bool, segments: int) -> None:
    wengert.manual_seed(0)
    layers = nn.Sequential(*[nn.Linear(3, 3) for _ in range(5)])
    x, y = leaf(), leaf()
    checkpoint_sequential(layers, segments, x, use_reentrant=use_reentrant).sum().backward()
    grads = [p.grad.tolist() for p in layers.parameters()]
    layers.zero_grad()
    layers(y).sum().backward()
    assert x.grad.tolist() == y.grad.tolist()
    assert grads == [p.grad.tolist() for p in layers.parameters()]
    with pytest.raises(ValueError, match="Unexpected keyword arguments: foo"):
        checkpoint_sequential(layers, 2, x, use_reentrant=False, foo=1)


def test_module_in_training(torch: Any = None) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.checkpoint import checkpoint as theirs

    w = [[0.1 * (i + j) for i in range(3)] for j in range(3)]
    results = []
    for package, function in ((wengert, checkpoint), (torch, theirs)):
        weight = package.tensor(w, requires_grad=True)
        x = package.tensor([[1.0, 2.0, 3.0]])
        y = function(lambda x, weight=weight: (x @ weight).tanh(), x, use_reentrant=False)
        (y * y).sum().backward()
        results.append(weight.grad.tolist())
    assert results[0] == [pytest.approx(row, rel=1e-5) for row in results[1]]


def test_helpers() -> None:
    x = leaf()
    detached, other = module.detach_variable((x, 2))
    assert detached.is_leaf and detached.requires_grad and detached.data_ptr() == x.data_ptr() and other == 2
    with pytest.raises(RuntimeError, match=r"Only tuple of tensors is supported\. Got Unsupported input type: list"):
        module.detach_variable([x])
    assert module.get_device_states(x) == ([], [])
