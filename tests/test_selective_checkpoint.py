"""Selective checkpointing against PyTorch: which operations a policy sees, what is kept, what is refused."""

from __future__ import annotations

import importlib
from functools import partial
from types import ModuleType
from typing import Any

import pytest

import wengert
from wengert.core.primitive import TABLE


def utils(torch: ModuleType) -> Any:
    return importlib.import_module(f"{torch.__name__}.utils.checkpoint")


def inputs(torch: ModuleType) -> tuple[Any, Any]:
    x = torch.linspace(-1, 1, 9).reshape(3, 3).requires_grad_()
    w = torch.linspace(-2, 1, 9).reshape(3, 3).requires_grad_()
    return x, w


def program(torch: ModuleType, x: Any, w: Any) -> Any:
    y = torch.sin(x @ w) * 2
    z = torch.nn.functional.linear(y, w, w[0])
    return z.relu().sum()


def run(torch: ModuleType, policy: Any, body: Any = program, backwards: int = 1, **more: Any) -> list[Any]:
    contexts = utils(torch).create_selective_checkpoint_contexts
    x, w = inputs(torch)
    out = utils(torch).checkpoint(
        lambda x, w: body(torch, x, w), x, w, use_reentrant=False, context_fn=partial(contexts, policy, **more)
    )
    for _ in range(backwards):
        out.backward(retain_graph=backwards > 1)
    return [x.grad.tolist(), w.grad.tolist()]


def policies(torch: ModuleType) -> dict[str, Any]:
    CheckpointPolicy = utils(torch).CheckpointPolicy
    mm = torch.ops.aten.mm.default
    return {
        "a list": [mm],
        "a policy": lambda ctx, op, *a, **k: CheckpointPolicy.MUST_SAVE if op == mm else CheckpointPolicy.PREFER_RECOMPUTE,
        "bool": lambda ctx, op, *a, **k: op in (mm, torch.ops.aten.addmm.default),
        "all": lambda ctx, op, *a, **k: CheckpointPolicy.MUST_SAVE,
        "none": lambda ctx, op, *a, **k: CheckpointPolicy.MUST_RECOMPUTE,
        "offload": lambda ctx, op, *a, **k: CheckpointPolicy.MUST_CPU_OFFLOAD,
    }


@pytest.mark.parametrize("name", ["a list", "a policy", "bool", "all", "none", "offload"])
def test_gradients(name: str) -> None:
    torch = pytest.importorskip("torch")
    x, w = inputs(wengert)
    program(wengert, x, w).backward()
    mine = run(wengert, policies(wengert)[name])
    assert mine == [x.grad.tolist(), w.grad.tolist()]
    for ours, theirs in zip(mine, run(torch, policies(torch)[name]), strict=True):
        for row, expected in zip(ours, theirs, strict=True):
            assert row == pytest.approx(expected, rel=1e-5)


def test_a_policy_sees_the_operations_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    seen: dict[str, list[Any]] = {}
    for module in (wengert, torch):
        ops: list[Any] = []

        def policy(ctx: Any, op: Any, *args: Any, ops: list[Any] = ops, **kwargs: Any) -> bool:
            ops.append((str(op), ctx.is_recompute, tuple(ctx.op_output.shape)))
            return False

        run(module, policy)
        seen[module.__name__] = ops
    assert seen["wengert"] == seen["torch"]


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    calls: list[int] = []
    kernel = TABLE[name].kernel

    def counting(*args: Any, **params: Any) -> Any:
        calls.append(1)
        return kernel(*args, **params)

    monkeypatch.setattr(TABLE[name], "kernel", counting)
    return calls


def test_what_is_kept_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sins = counted(monkeypatch, "sin")
    products = counted(monkeypatch, "mm")
    forward: list[int] = []

    def body(torch: ModuleType, x: Any, w: Any) -> Any:
        out = program(torch, x, w)
        forward[:] = [len(sins), len(products)]
        return out

    run(wengert, [wengert.ops.aten.sin.default], body)
    assert len(sins) == forward[0] == 1  # once, in the first run; backward needs the cosine
    run(wengert, [wengert.ops.aten.mm.default], body)
    assert len(sins) == 3


def outcome(torch: ModuleType, *args: Any, **kwargs: Any) -> tuple[str, str]:
    try:
        run(torch, *args, **kwargs)
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]
    return "no error", ""


def changed(torch: ModuleType, x: Any, w: Any) -> Any:
    y = x @ w
    y.add_(1)
    return torch.sin(y).sum()


def test_refusals() -> None:
    torch = pytest.importorskip("torch")
    for case in (
        lambda t: outcome(t, [t.ops.aten.mm.default], changed),
        lambda t: outcome(t, [t.ops.aten.mm.default], changed, allow_cache_entry_mutation=True),
        lambda t: outcome(t, [t.ops.aten.mm.default], backwards=2),
        lambda t: outcome(t, 3),
        lambda t: outcome(t, [t.ops.aten.mm]),
    ):
        assert case(wengert) == case(torch)
    with pytest.raises(AttributeError, match="has no overload name 'tensor'"):
        wengert.ops.aten.mm.tensor  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'nothing_like_this'"):
        wengert.ops.aten.nothing_like_this  # noqa: B018


def test_dropout_draws_the_same_numbers() -> None:
    def body(torch: ModuleType, x: Any, w: Any) -> Any:
        return torch.sin(torch.nn.functional.dropout(x @ w, 0.5)).sum()

    wengert.manual_seed(1)
    x, w = inputs(wengert)
    body(wengert, x, w).backward()
    wengert.manual_seed(1)
    assert run(wengert, [wengert.ops.aten.mm.default], body) == [x.grad.tolist(), w.grad.tolist()]
