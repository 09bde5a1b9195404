"""Gradients that are written out on arrays stay so under compile: no operation is run again by its steps for them."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wengert as torch
import wengert.nn.functional as F
from wengert.ops import fused, recurrent

pytest.importorskip("jax")


def gradients(fn: Callable[..., Any], xs: list[Any]) -> list[Any]:
    leaves = [x.clone().requires_grad_() for x in xs]

    def step(*leaves: Any) -> Any:
        return torch.autograd.grad(fn(*leaves).pow(2).sum(), leaves)

    return [step(*leaves), torch.compile(step, fullgraph=True)(*leaves)]


def agree(fn: Callable[..., Any], *xs: Any) -> None:
    for a, b in zip(*gradients(fn, list(xs)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net: Any = getattr(torch.nn, kind)(3, 4)
    monkeypatch.setattr(recurrent, "by_steps", None)
    agree(lambda x: net(x)[0], torch.randn(6, 2, 3))


LABELS = torch.tensor([[1, 2], [3, 1]])
FUSED: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "cdist": (lambda x, y: torch.cdist(x, y, p=3.0), ((4, 3), (5, 3))),
    "pdist": (lambda x: F.pdist(x), ((4, 3),)),
    "ctc_loss": (lambda x: F.ctc_loss(x.log_softmax(2), LABELS, (6, 5), (2, 1)), ((6, 2, 4),)),
    "grid_sample": (lambda x, g: F.grid_sample(x, g.tanh(), align_corners=False), ((2, 3, 5, 4), (2, 3, 3, 2))),
    "affine_grid": (lambda t: F.affine_grid(t, (2, 3, 4, 5), align_corners=True), ((2, 2, 3),)),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x, torch.tensor([0, 2, 1])), ((3, 4),)),
    "multilabel_margin_loss": (lambda x: F.multilabel_margin_loss(x, torch.tensor([[0, 2, -1], [1, -1, 0]])), ((2, 3),)),
}


@pytest.mark.parametrize("name", FUSED)
def test_fused_operations(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fn, shapes = FUSED[name]
    torch.manual_seed(0)
    xs = [torch.randn(shape) for shape in shapes]
    written: list[bool] = []
    asked = fused.writes_out

    def writes_out(values: Any) -> Any:
        written.append(asked(values) is not None)
        return asked(values)

    monkeypatch.setattr(fused, "writes_out", writes_out)
    agree(fn, *xs)
    assert written and all(written)


def test_normalization() -> None:
    torch.manual_seed(0)
    x, w, b = torch.randn(4, 3, 5), torch.randn(3), torch.randn(3)
    agree(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), x, w, b)
    agree(lambda x, w, b: F.layer_norm(x, (5,), w, b), torch.randn(4, 3, 5), torch.randn(5), torch.randn(5))
    agree(lambda x, w: F.group_norm(x, 2, w), torch.randn(2, 4, 5), torch.randn(4))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignored", [-100, 0, 2])
@pytest.mark.parametrize("twice", [False, True])
def test_cross_entropy_of_scores(reduction: str, ignored: int, twice: bool) -> None:
    def f(x: Any, y: Any) -> Any:
        x = x.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x, y, reduction=reduction, ignore_index=ignored)
        (g,) = torch.autograd.grad((loss * loss).sum(), x, create_graph=twice)
        if not twice:
            return loss.detach(), g
        return loss.detach(), g.detach(), torch.autograd.grad((g**2).sum() + loss.sum(), x)[0]

    x, y = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, ignored, 2])
    for got, wanted in zip(torch.compile(f, fullgraph=True)(x, y), f(x, y)):
        torch.testing.assert_close(got, wanted)
