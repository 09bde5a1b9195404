"""Results of compiled functions share memory and graph with arguments, with tensors from outside and with each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wengert as torch
from compile_compare import agrees
from wengert import nn

pytest.importorskip("jax")

Program = Callable[[Any], Any]


def views_of_arguments(C: Any) -> Any:
    f = C(lambda x: (x.view(-1), x * 2, x.t()[0], x.unbind()[1]))
    found = []
    for k in range(2):
        x = torch.full((2, 2), float(k + 1))
        flat, y, row, last = f(x)
        flat[1] = 7
        found += [flat, y, row, last, x, flat._base is x, row._base is x, x._version]
        x.add_(1)
        found += [flat, row, last]
    return found


def gradients_through_views_of_arguments(C: Any) -> Any:
    f, found = C(lambda x: (x.view(-1), x.exp(), x[0])), []
    for _ in range(2):
        x = torch.randn(2, 2, requires_grad=True)
        for z in (x, x * 2):  # a leaf, and what carries a graph
            flat, y, row = f(z)
            x.grad = None
            (flat.square().sum() + y.sum() * 2 + row.sum()).backward()
            found += [flat, y, row, x.grad, row.grad_fn is not None]
    return found


def a_view_of_a_parameter_that_trains(C: Any) -> Any:
    m, p = nn.Linear(2, 3), torch.zeros(4)
    o = torch.optim.SGD(m.parameters(), 0.125, momentum=0.5)

    def step(x: Any) -> Any:
        o.zero_grad()
        m(x).square().sum().backward()
        o.step()
        p.add_(1)
        return m.weight.T, m.bias.detach(), p[:2], m.weight.data[0], m.weight.grad.view(-1), m.weight.grad

    step, found = C(step), []
    for _ in range(4):
        w, b, head, row, flat, g = step(torch.ones(1, 2))
        head.add_(1)
        b.add_(2)
        flat.add_(1)
        found += [w.clone(), b.clone(), head.clone(), row.clone(), g.clone(), m.weight.grad is g, p.clone()]
    (w * 3).sum().backward()
    return found, m.weight, m.bias, m.weight.grad


def views_of_what_is_written(C: Any) -> Any:
    def fn(x: Any) -> Any:
        v = x.view(-1)
        x.mul_(2)
        v[0] = 5
        return v, x[1], v.add_(1)

    f, found = C(fn), []
    for _ in range(2):
        x = torch.ones(2, 2)
        v, row, again = f(x)
        v.add_(1)
        found += [v, row, again, x, again is v]
    return found


def views_of_each_other(C: Any) -> Any:
    w = torch.ones(4, requires_grad=True)

    def fn(x: Any) -> Any:
        y = x * w
        return y, y.view(2, 2), y.detach(), y[1:]

    f, found = C(fn), []
    for _ in range(2):
        w.grad = None
        y, v, d, tail = f(torch.arange(4.0))
        y.mul_(3)  # in the graph: the views follow
        v.sum().backward()
        d.add_(1)
        found += [y, v, d, tail, w.grad, v._base is y, tail._base is y, y._version]
    return found


def parts_of_what_nobody_sees(C: Any) -> Any:
    w = torch.ones(4, requires_grad=True)
    f, g, found = C(lambda x: (x * w).view(2, 2).unbind()), C(lambda x: (x * 2).split(2)), []
    for _ in range(2):
        w.grad = None
        a, b = f(torch.arange(4.0))
        (a * b).sum().backward()
        c, d = g(torch.arange(4.0))
        c.add_(1)
        found += [a, b, w.grad, c, d, a._base is b._base]
    return found


def double_backward_through_unseen_bases(C: Any) -> Any:
    w = torch.ones(4, requires_grad=True)
    f = C(lambda x: (x * w).pow(3).view(2, 2).unbind())
    a, b = f(torch.arange(4.0))
    (g,) = torch.autograd.grad((a * b).sum(), w, create_graph=True)
    g.sum().backward()
    return g, w.grad


def views_without_grad(C: Any) -> Any:
    w = torch.ones(2, 2, requires_grad=True)

    def fn() -> Any:
        with torch.no_grad():
            v = w.view(-1)
        return v, v[1:], w[0]

    f = C(fn)
    f()
    v, tail, row = f()
    with torch.no_grad():
        v.add_(1)
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        v.mul_(2)
    with pytest.raises(RuntimeError, match="view of a view which was created in no_grad mode"):
        tail.mul_(2)
    (row * 2).sum().backward()
    return v.detach(), tail.detach(), row, w, w.grad


def leaves_made_inside(C: Any) -> Any:
    def fn(x: Any) -> Any:
        x = x.detach().requires_grad_()
        y = (x * 1).requires_grad_()
        (x * x).sum().backward()
        return x, torch.zeros(2, requires_grad=True), y.detach().view(2, 1).requires_grad_()

    f, found = C(fn), []
    for _ in range(2):
        a = torch.ones(2)
        x, z, y = f(a)
        (x * z).sum().backward()
        found += [x, z, y, x.grad, z.grad, x.is_leaf, z.is_leaf, y.is_leaf]
        with torch.no_grad():
            x.add_(1)
        found.append(a)
    return found


def what_the_function_replaces(C: Any) -> Any:
    class Box:
        a: Any
        b: Any

    s, w = Box(), torch.ones(2, requires_grad=True)
    s.a, s.b = torch.zeros(2), torch.zeros(2)

    def fn(x: Any) -> Any:
        old, before = s.a, w.grad
        s.a, s.b = s.b, x * 2
        (x * w).sum().backward()
        return old, s.a[:1], before

    f, found = C(fn), []
    for k in range(4):
        w.grad = torch.ones(2) * k
        found += [*f(torch.ones(2) * k), s.a, s.b, w.grad]
    return found


def graphs_made_where_the_caller_makes_none(C: Any) -> Any:
    w = torch.ones(2, requires_grad=True)

    def fn(x: Any) -> Any:
        with torch.enable_grad():
            return x * w

    with torch.no_grad():
        y = C(fn)(torch.ones(2))
    y.sum().backward()
    return y, w.grad


PROGRAMS: list[Program] = [
    views_of_arguments, gradients_through_views_of_arguments, a_view_of_a_parameter_that_trains, views_of_what_is_written,
    views_of_each_other, parts_of_what_nobody_sees, double_backward_through_unseen_bases, views_without_grad,
    leaves_made_inside, what_the_function_replaces, graphs_made_where_the_caller_makes_none,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_aliases(program: Program) -> None:
    agrees(program, whole=True)


def test_a_leaf_with_results_made_of_it_runs_eagerly() -> None:
    def program(C: Any) -> Any:
        w = torch.ones(2, requires_grad=True)

        def fn(x: Any) -> Any:
            x = x.detach().requires_grad_()
            return (x * w).sum(), x

        y, x = C(fn)(torch.ones(2))
        y.backward()
        return x, x.grad, w.grad

    agrees(program)
    with pytest.raises(RuntimeError, match="a leaf that it made"):
        agrees(program, whole=True)
