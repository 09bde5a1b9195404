"""The engine and the tape as such: no cycles, no recursion, threads, reentrancy, accumulation."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

import wengert as torch


@pytest.fixture
def no_gc():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_graph_that_is_dropped_is_freed_at_once(no_gc) -> None:
    x = torch.ones(3, requires_grad=True)
    y = (x * 2).exp().tanh().view(3, 1).sum()
    node = y.grad_fn.next_functions[0][0]
    seen = weakref.ref(node)
    del node, y
    assert seen() is None


def test_an_output_that_is_saved_is_no_cycle(no_gc) -> None:
    x = torch.ones(3, requires_grad=True)
    for f in (torch.exp, torch.sigmoid, torch.sqrt, lambda t: torch.softmax(t, 0), lambda t: t.prod()):
        y = f(x)
        seen = weakref.ref(y)
        del y
        assert seen() is None, f


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x * x
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return 2 * x * g


def training_step(w, b, x, y) -> None:
    hidden = torch.tanh(x @ w + b)
    view = hidden[:, :2]
    loss = ((_Square.apply(view) - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad = None
    b.grad = None


def test_a_thousand_training_steps_without_gc_leave_memory_flat(no_gc) -> None:
    torch.manual_seed(0)
    w, b = torch.randn(3, 4, requires_grad=True), torch.zeros(4, requires_grad=True)
    x, y = torch.randn(5, 3), torch.randn(5, 2)
    for _ in range(2500):  # until Python's free lists are full
        training_step(w, b, x, y)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(1000):
        training_step(w, b, x, y)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000, grown


def test_transforms_leave_no_cycles(no_gc) -> None:
    x = torch.ones(3)
    f = torch.func.hessian(lambda t: (t**3).sum())
    f(x)
    tracemalloc.start()
    for _ in range(200):  # the interpreter's free lists fill up
        f(x)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(50):
        f(x)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 30_000, grown


@pytest.mark.parametrize("n", [1000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_long_chains_run_and_are_freed_without_recursion(n: int) -> None:
    assert sys.getrecursionlimit() <= 10_000
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(n):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    z = x
    for _ in range(n):
        z = z * 1.0
    (g,) = torch.autograd.grad(z, x)
    assert g.item() == 1.0
    del y, z


def test_indexing_n_rows_costs_memory_of_one_gradient() -> None:
    n = 300
    x = torch.zeros(n, 200, requires_grad=True)
    loss = sum(x[i].sum() * i for i in range(n))
    tracemalloc.start()
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * n * 200 * 4, peak
    assert torch.equal(x.grad[:, 0], torch.arange(n, dtype=torch.float32))


class _Nested(torch.autograd.Function):
    """Runs a backward inside its backward, `depth` levels deep."""

    @staticmethod
    def forward(ctx, x, depth):
        ctx.depth = depth
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        if ctx.depth:
            with torch.enable_grad():
                inner = torch.ones(1, requires_grad=True)
                _Nested.apply(inner, ctx.depth - 1).sum().backward()
                g = g * inner.grad
        return g, None


@pytest.mark.parametrize("depth", [3, 400])
def test_reentrant_backward(depth: int) -> None:
    x = torch.ones(1, requires_grad=True)
    _Nested.apply(x, depth).sum().backward()
    assert x.grad.item() == 1.0


def test_an_error_deep_inside_a_reentrant_backward_comes_out() -> None:
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, depth):
            ctx.depth = depth
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            if not ctx.depth:
                raise ValueError("deep down")
            with torch.enable_grad():
                Fails.apply(torch.ones(1, requires_grad=True), ctx.depth - 1).sum().backward()
            return g, None

    with pytest.raises(ValueError, match="deep down"):
        Fails.apply(torch.ones(1, requires_grad=True), 100).sum().backward()
    x = torch.ones(1, requires_grad=True)
    (x * 2).backward()  # the engine is as before
    assert x.grad.item() == 2.0


def test_threads_share_leaves() -> None:
    x = torch.ones(50, requires_grad=True)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            assert torch.is_grad_enabled()
            for _ in range(100):
                ((x * 2).sum() + x.sum()).backward()
        except BaseException as error:
            errors.append(error)

    with torch.no_grad():  # grad mode belongs to this thread
        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not errors
    assert torch.equal(x.grad, torch.full((50,), 4 * 100 * 3.0))


def test_the_same_graph_from_several_threads() -> None:
    x = torch.ones(10, requires_grad=True)
    y = (x * x).sum()
    threads = [threading.Thread(target=lambda: y.backward(retain_graph=True)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert torch.equal(x.grad, torch.full((10,), 8.0))


def test_gradients_never_share_memory() -> None:
    a = torch.ones(3, requires_grad=True)
    b = torch.ones(3, requires_grad=True)
    seed = torch.ones(3)
    (a + b).backward(seed)
    a.grad.mul_(5)
    assert b.grad.tolist() == [1.0] * 3
    assert seed.tolist() == [1.0] * 3
    c = torch.ones(3, requires_grad=True)
    c.view(3).backward(seed)
    c.grad.zero_()
    assert seed.tolist() == [1.0] * 3


def test_what_a_node_hook_keeps_is_not_added_into() -> None:
    kept = []
    a = torch.ones(2, requires_grad=True)
    b, c = a * 2, a * 3
    b.grad_fn.register_hook(lambda grad_inputs, grad_outputs: kept.append(grad_inputs[0]))
    (c + b).sum().backward()
    (b2 := a * 2).grad_fn.register_hook(lambda grad_inputs, grad_outputs: kept.append(grad_inputs[0]))
    (a * 3 + b2).sum().backward()
    assert [k.tolist() for k in kept] == [[2.0, 2.0]] * 2


def test_a_failed_operation_leaves_everything_as_it_was() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    y = x * 2
    version, node = y._version, y.grad_fn
    for bad in (
        lambda: y.add_(torch.ones(4)),
        lambda: y.add_(torch.ones(2, 3, dtype=torch.complex64)),
        lambda: y.copy_(torch.ones(5)),
        lambda: y.view(7),
        lambda: x.mul_(2),
        lambda: y.__setitem__(5, 1.0),
        lambda: torch.add(y, y, out=torch.empty(2, 3, dtype=torch.int64)),
    ):
        with pytest.raises((RuntimeError, IndexError)):
            bad()
        assert y._version == version
        assert y.grad_fn is node
        assert y.tolist() == [[2.0] * 3] * 2
        assert x.tolist() == [[1.0] * 3] * 2


def test_numpy_settings_of_the_user_are_left_alone() -> None:
    before = np.geterr()
    torch.tensor([0.0]).log()
    (torch.tensor([1.0]) / 0).exp()
    assert np.geterr() == before


def test_hooks_and_errors_see_the_leaves_that_are_complete() -> None:
    """Compared with what PyTorch 2.13 does: a leaf has its gradient as soon as no more can come."""
    a, b, c = (torch.tensor(v, requires_grad=True) for v in (1.0, 2.0, 3.0))
    x = a * b
    y = x * c
    z = y * y
    seen: list[tuple[str, list[float | None]]] = []

    def look(name: str) -> None:
        seen.append((name, [None if t.grad is None else t.grad.item() for t in (a, b, c)]))

    y.grad_fn.register_hook(lambda *g: look("y"))
    x.grad_fn.register_prehook(lambda *g: look("x"))
    z.backward()
    assert seen == [("y", [None, None, None]), ("x", [None, None, 24.0])]

    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise ValueError("bad")

    a.grad = b.grad = c.grad = None
    y = Bad.apply(a * b) * c + b
    with pytest.raises(ValueError, match="bad"):
        y.backward()
    assert a.grad is None and b.grad is None and c.grad.item() == 2.0


def test_a_hook_may_change_the_first_gradient_in_place() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x.sum()
    y.register_hook(lambda g: g.mul_(2))
    y.backward()
    assert x.grad.tolist() == [2, 2, 2]
    again = torch.ones(3, requires_grad=True).sum()
    again.backward()  # the constant that backward starts from is still one
    (g,) = torch.autograd.grad((x * 1).sum() * 1, x)
    assert g.tolist() == [1, 1, 1]


def test_gradients_that_are_expanded_constants_may_be_filled() -> None:
    x = torch.ones(3, requires_grad=True)
    for change in (lambda g: g.zero_(), lambda g: g.fill_(5), lambda g: g.__setitem__(0, 2.0)):
        (g,) = torch.autograd.grad(x.sum(), x, create_graph=True)
        change(g)
        (g,) = torch.autograd.grad(x.sum(), x)
        assert g.tolist() == [1, 1, 1]


def test_one_value_for_an_expanded_tensor_of_the_graph() -> None:
    a = torch.ones(2, 1, requires_grad=True)
    for change in (lambda e: e.zero_(), lambda e: e.fill_(5.0)):
        base = a * 1
        expanded = base.expand(2, 3)
        change(expanded)
        assert expanded.requires_grad and expanded._version == 1 and base.tolist() == [[expanded[0, 0]], [expanded[0, 0]]]
    with pytest.raises(RuntimeError, match="refers to a single memory location"):
        (a * 1).expand(2, 3).add_(1)


def test_a_loss_and_its_gradient_in_one_graph() -> None:
    """Cross entropy keeps one node for two of PyTorch's: the second appears where a gradient is differentiated."""
    x = torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.25, -0.5]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([2, 0])

    def both(x: Any) -> Any:
        loss = torch.nn.functional.cross_entropy(x, y)
        (g,) = torch.autograd.grad(loss**2, x, create_graph=True)
        return (g**2).sum() + loss.exp()

    (got,) = torch.autograd.grad(both(x), x)
    for i in range(2):
        for j in range(3):
            step = torch.zeros(2, 3, dtype=torch.float64)
            step[i, j] = 1e-6
            slope = (both(x + step) - both(x - step)).item() / 2e-6
            assert abs(slope - got[i, j].item()) < 1e-7


def test_a_loss_differentiated_twice_in_one_graph() -> None:
    x = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(x, torch.tensor([1]))
    one, two = (torch.autograd.grad(f, x, create_graph=True)[0] for f in (loss, loss * 3))
    (got,) = torch.autograd.grad((one * two).sum(), x)
    p = torch.softmax(x.detach(), 1)[0]
    g = p - torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    assert torch.allclose(got[0], 6 * (torch.diag(p) - torch.outer(p, p)) @ g)
