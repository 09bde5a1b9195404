"""Hooks on every node that the graph of a linear shows, against PyTorch: the node is one, until someone hooks a part."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import wengert


def names(node: Any, depth: int = 0) -> list[str]:
    """The graph as text."""
    if node is None:
        return ["  " * depth + "None"]
    below = [line for n, _ in node.next_functions for line in names(n, depth + 1)]
    return ["  " * depth + node.name(), *below]


def look(values: Any) -> list[Any]:
    return [None if g is None else (tuple(g.shape), round(g.sum().item(), 4)) for g in values]


def hooked(torch: ModuleType, shape: tuple[int, ...], bias: bool, constant: bool, create: bool) -> list[Any]:
    x = torch.linspace(-1, 2, 30).reshape(-1, 3)[: 2 if len(shape) == 2 else 10].reshape(shape).requires_grad_()
    w = torch.linspace(-2, 1, 12).reshape(4, 3).requires_grad_()
    b = torch.ones(4, requires_grad=True) if bias else None
    h = torch.nn.functional.linear(x.detach() if constant else x * 1, w, b)
    seen: list[Any] = []

    def visit(node: Any, path: tuple[int, ...]) -> None:
        if node is None or "Accumulate" in node.name():
            return
        node.register_hook(lambda gi, go: seen.append(("post", node.name(), path, look(gi), look(go))))
        node.register_prehook(lambda go: seen.append(("pre", node.name(), path, look(go))))
        for i, (below, _) in enumerate(node.next_functions):
            visit(below, (*path, i))

    before = names(h.grad_fn)
    visit(h.grad_fn, ())
    assert names(h.grad_fn) == before
    (h * h).sum().backward(create_graph=create)
    leaves = [t.grad if t is None or t.grad is None else look([t.grad]) for t in (x, w) if t is not None]
    return [before, sorted(seen, key=str), leaves, None if b is None else look([b.grad])]


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(2, 3), (2, 5, 3)])
def test_every_node_runs_its_hooks(shape: tuple[int, ...], bias: bool, constant: bool, create: bool) -> None:
    torch = pytest.importorskip("torch")
    assert hooked(wengert, shape, bias, constant, create) == hooked(torch, shape, bias, constant, create)


def replaced(torch: ModuleType) -> list[Any]:
    w, b = torch.ones(4, 3, requires_grad=True), torch.ones(4, requires_grad=True)
    x = torch.ones(2, 3, requires_grad=True)
    h = torch.nn.functional.linear(x, w, b)
    turned = h.grad_fn.next_functions[2][0]
    turned.register_prehook(lambda g: (g[0] * 10,))
    turned.register_hook(lambda gi, go: (gi[0] + 1,))
    h.sum().backward()
    seen = [w.grad.tolist(), x.grad.tolist(), b.grad.tolist()]
    w.grad = None
    x = torch.ones(2, 2, 3, requires_grad=True)
    h = torch.nn.functional.linear(x, w, b)
    product = h.grad_fn.next_functions[0][0]
    handle = product.register_prehook(lambda g: (g[0] * 10,))
    product.register_hook(lambda gi, go: (gi[0], gi[1] * 2, gi[2]))
    h.sum().backward(retain_graph=True)
    seen += [w.grad.tolist(), x.grad.tolist(), b.grad.tolist()]
    handle.remove()
    w.grad = None
    h.sum().backward()
    return [*seen, w.grad.tolist()]


def test_hooks_may_replace_gradients() -> None:
    torch = pytest.importorskip("torch")
    assert replaced(wengert) == replaced(torch)
