"""Products of matrices: values, all derivatives, batching, the graph and the errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
from sample_checks import against_torch, batched, derivatives
from side_by_side import lines_of, shown
from wengert.core.samples import SAMPLES
from wengert.nn import functional as F

NAMES = """matmul mm bmm mv dot vdot outer inner addmm addmv baddbmm addbmm addr tensordot kron chain_matmul trace cross
linalg.cross einsum nn.functional.linear nn.functional.bilinear""".split()


def accepts(name: str) -> list[bool]:
    return [False, True] if SAMPLES[name].flags.get("complex", True) else [False]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_like_pytorch(name: str) -> None:
    pytest.importorskip("torch")
    for is_complex in accepts(name):
        against_torch(name, is_complex)
    against_torch(name, False, "float32", 1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name: str) -> None:
    for is_complex in accepts(name):
        derivatives(name, is_complex)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_batched(name: str) -> None:
    batched(name)


def graph(fn: Any) -> str:
    """The graph as text, down to the leaves."""
    if fn is None:
        return "-"
    name = type(fn).__name__
    return "A" if name == "AccumulateGrad" else f"{name}({', '.join(graph(f) for f, _ in fn.next_functions)})"


SHAPES = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)), ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (5, 3, 4)), ((6, 5, 2, 3), (3, 4)), ((7, 6, 2, 3), (7, 6, 3, 4)), ((0, 3), (3, 4)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES)
def test_the_graph_is_pytorchs(shapes: Any) -> None:
    torch = pytest.importorskip("torch")

    def made(L: Any) -> str:
        x, y = (L.ones(s, requires_grad=True) for s in shapes)
        return graph((x @ y).grad_fn)

    assert made(wengert) == made(torch)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (5, 2, 3)])
def test_the_graph_of_linear_is_pytorchs(shape: Any, bias: bool) -> None:
    torch = pytest.importorskip("torch")

    def made(L: Any) -> str:
        x, w, b = L.ones(shape, requires_grad=True), L.ones(4, 3, requires_grad=True), L.ones(4, requires_grad=True)
        return graph(L.nn.functional.linear(x, w, b if bias else None).grad_fn)

    assert made(wengert) == made(torch)


def test_linear_notices_what_was_changed_in_place() -> None:
    x, w = wengert.ones(2, 3), wengert.ones(4, 3, requires_grad=True)
    y = F.linear(x, w, wengert.ones(4))
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_linear_runs_once() -> None:
    x, w = wengert.ones(2, 3), wengert.ones(4, 3, requires_grad=True)
    y = F.linear(x, w).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


def test_a_frozen_weight_keeps_no_input() -> None:
    x, w = wengert.ones(2, 3, requires_grad=True), wengert.ones(4, 3)
    node = F.linear(x, w).grad_fn
    assert node._saved_mat1 is None
    np.testing.assert_array_equal(node._saved_mat2.numpy(), w.t().numpy())


ERRORS = """
torch.ones(2, 3) @ torch.ones(2, 3)
torch.ones(3) @ torch.ones(2)
torch.ones(2, 3) @ torch.ones(2)
torch.ones(2) @ torch.ones(3, 4)
torch.ones(2, 2, 3) @ torch.ones(2, 2, 3)
torch.ones(2, 2, 3) @ torch.ones(3, 3, 4)
torch.ones(2, 5, 2, 3) @ torch.ones(3, 3, 4)
torch.ones(2, 2, 3) @ torch.ones(2)
torch.ones(2) @ torch.ones(2, 3, 4)
torch.ones(2, 2, 3) @ torch.ones(2, 4)
torch.ones(()) @ torch.ones(2)
torch.ones(2, 3) @ torch.ones(3, 4, dtype=torch.int64)
torch.ones(3) @ torch.ones(3, dtype=torch.int64)
torch.ones(2, 3) @ torch.ones(3, dtype=torch.int64)
torch.ones(2, 2, 3) @ torch.ones(2, 3, 4, dtype=torch.int64)
torch.ones(2, 3, dtype=torch.int64) @ torch.ones(3, 2, dtype=torch.int64)
torch.ones(2, 3, dtype=torch.bool) @ torch.ones(3, 2, dtype=torch.bool)
torch.ones(2, 3) @ 3
torch.matmul(torch.ones(2, 3), 3)
torch.mm(torch.ones(2), torch.ones(2, 3))
torch.mm(torch.ones(2, 3), torch.ones(2))
torch.bmm(torch.ones(2, 3), torch.ones(2, 3, 4))
torch.bmm(torch.ones(2, 3, 4), torch.ones(3, 4, 3))
torch.mv(torch.ones(2, 3), torch.ones(2))
torch.dot(torch.ones(2), torch.ones(3))
torch.dot(torch.ones(2, 2), torch.ones(2))
torch.outer(torch.ones(2, 2), torch.ones(3))
torch.outer(torch.ones(2), torch.ones(3).double())
torch.inner(torch.ones(2, 3), torch.ones(2))
torch.inner(torch.ones(3), torch.ones(3).double())
torch.addmm(torch.ones(3), torch.ones(2, 3), torch.ones(3, 4))
torch.addmm(torch.ones(4), torch.ones(2, 3), torch.ones(2, 4))
torch.addmm(torch.ones(4), torch.ones(2), torch.ones(2, 4))
torch.addmm(torch.ones(4).double(), torch.ones(2, 3), torch.ones(3, 4))
torch.addmv(torch.ones(3), torch.ones(2, 3), torch.ones(3))
torch.addmv(torch.ones(2, 2), torch.ones(2, 3), torch.ones(3))
torch.addbmm(torch.ones(3, 5), torch.ones(2, 3, 4), torch.ones(3, 4, 5))
torch.baddbmm(torch.ones(3, 6), torch.ones(2, 3, 4), torch.ones(2, 4, 5))
torch.addr(torch.ones(2, 3), torch.ones(2), torch.ones(4))
torch.addr(torch.ones(2, 3), torch.ones(2, 1), torch.ones(3))
torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 2))
torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3), torch.ones(3))
torch.nn.functional.linear(torch.ones(5, 2, 3), torch.ones(4, 2), torch.ones(4))
torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3), torch.ones(4).double())
torch.nn.functional.linear(torch.ones(2, 3), torch.ones(1, 4, 3))
torch.nn.functional.linear(torch.ones(()), torch.ones(4, 3))
torch.trace(torch.ones(2))
torch.linalg.cross(torch.ones(2, 3), torch.ones(3))
torch.linalg.cross(torch.ones(2, 4), torch.ones(2, 4), dim=1)
torch.tensordot(torch.ones(2, 3), torch.ones(4, 5), 1)
torch.tensordot(torch.ones(2, 3), torch.ones(3, 5), ([1], [0, 1]))
torch.einsum('ij,jk', torch.ones(2, 3), torch.ones(2, 3))
torch.einsum('ij', torch.ones(2, 3, 4))
torch.einsum('ij->k', torch.ones(2, 3))
torch.einsum('i1', torch.ones(2, 3))
torch.einsum('ij->ii', torch.ones(2, 3))
torch.einsum('ij,jk', torch.ones(2, 3))
torch.einsum('ij', torch.ones(2, 3), torch.ones(2, 3))
torch.einsum('i..', torch.ones(2))
torch.einsum('ii', torch.ones(2, 3))
torch.einsum(torch.ones(2, 3), [0, 1], torch.ones(3, 2), [1, 2], [0, 2])
torch.einsum(torch.ones(2, 3), [1, 0])
torch.ones(2, 4).addmm_(torch.ones(2, 3), torch.ones(3, 4), beta=2, alpha=3)
torch.ones(2).addmv_(torch.ones(2, 3), torch.ones(3))
torch.matmul(torch.ones(2, 3), torch.ones(3, 2), out=torch.empty(0))
"""


@pytest.mark.parametrize("expression", lines_of(ERRORS))
def test_results_and_errors(expression: str) -> None:
    pytest.importorskip("torch")
    assert shown("wengert", "import wengert.nn", expression) == shown("torch", "", expression)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision(kind: str) -> None:
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(0).normal(size=(2, 4, 3))

    def run(L: Any) -> Any:
        x, w = L.tensor(data.tolist(), dtype=getattr(L, kind)), L.tensor(data[0].tolist(), dtype=getattr(L, kind))
        return L.nn.functional.linear(x, w), x @ w.t(), x[0] @ w[0]

    for y, z in zip(run(wengert), run(torch), strict=True):
        assert str(y.dtype) == str(z.dtype)
        np.testing.assert_allclose(y.float().numpy(), z.float().numpy(), rtol=0.02, atol=0.02)
