"""Compiled functions give what eager ones give at the edges: arguments that alias, state that changes, odd results."""

from __future__ import annotations

import gc
import itertools
import logging
import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from wengert.nn.modules.module import register_module_forward_hook

import wengert as torch
from compile_compare import agrees
from wengert import nn

pytest.importorskip("jax")


# ---------------------------------------------------------------- arguments


def test_arguments_that_are_views_of_a_data_set() -> None:
    def program(C: Any) -> Any:
        d, m = torch.randn(4, 8, 3), nn.Linear(3, 1)
        o = torch.optim.SGD(m.parameters(), 0.1)

        def step(x: Any) -> Any:
            o.zero_grad()
            loss = m(x).square().mean()
            loss.backward()
            o.step()
            return loss

        step = C(step)
        add, z = C(lambda x: x.add_(1)), torch.zeros(4, 3)
        return [step(d[i]) for i in range(4)], m.weight, [add(z[i]).sum() for i in range(3)], z, z._version

    agrees(program)


def test_gradients_go_to_the_arguments_of_this_call() -> None:
    def program(C: Any) -> Any:
        w = torch.randn(2)
        f = C(lambda x: (x**2).sum())

        @C
        def signs(x: Any) -> Any:
            (x * w).exp().sum().backward()
            return x.grad.sign()

        xs = [torch.full((2,), float(i), requires_grad=True) for i in range(3)]
        for x in xs:
            f(x).backward()
        ys = [torch.randn(2, requires_grad=True) for _ in range(3)]
        return [x.grad for x in xs], [signs(y) for y in ys], [y.grad for y in ys]

    agrees(program)


def test_layouts_of_arguments() -> None:
    def program(C: Any) -> Any:
        f, x = C(lambda x: (x.is_contiguous(), list(x.stride()), x.flatten(), x.sum(0))), torch.randn(3, 3)
        flat, errors = C(lambda x: x.view(-1) * 1), []
        flat(x)
        with pytest.raises(RuntimeError, match="view size is not compatible"):
            flat(x.t())
        return [f(x), f(x.t()), f(x)], errors

    agrees(program)


def test_arguments_that_are_the_same_or_overlap() -> None:
    def program(C: Any) -> Any:
        def g(a: Any, b: Any) -> Any:
            a.add_(1)
            return b * 2

        f, a, b, z, w = C(g), torch.randn(3), torch.randn(3), torch.zeros(4), torch.ones(3)
        first = [f(a, b), f(a, a), f(a, b), f(a, a.detach()), f(z[1:], z[:3]), f(z[:3], z[1:]), a, z]

        def h(a: Any) -> Any:
            w.add_(1)
            return a * 2

        h = C(h)
        return first, [h(torch.ones(3)), h(w), h(w), h(torch.ones(3)), h(w[:]), h(w.detach()), w]

    agrees(program)


def test_an_argument_with_a_graph_changed_in_place() -> None:
    def program(C: Any) -> Any:
        w = torch.ones(2, requires_grad=True)
        x = w * 3
        f = C(lambda x: x.mul_(x.detach() + 1).sum())
        f(x).backward()
        return x, w.grad

    agrees(program)


# ---------------------------------------------------------------- Python state


class Scale:
    k: Any = 2
    log: list[int] = []

    def __init__(self) -> None:
        self.inner: Any = None

    def value(self) -> Any:
        return self.k


class Slots:
    __slots__ = ("k",)

    def __init__(self) -> None:
        self.k = 2


def holder(name: str) -> tuple[Callable[[Any], Any], Callable[[], None]]:
    """A function that reads state, and what changes the state."""
    s, slots, cell, array, items = Scale(), Slots(), 2, np.full(3, 2.0), deque([2])
    module = nn.Linear(1, 1)

    def change() -> None:
        nonlocal cell
        s.k = slots.k = cell = 3
        array[0] = 3
        items[0] = 3

    def on_class() -> None:
        Scale.k = 3

    @torch.no_grad()
    def decorated(x: Any) -> Any:
        return x * cell

    deep = Scale()
    deep.inner = s
    ops = {"a": lambda x: x * s.k}
    inner, gradient = torch.compile(lambda x: x * cell), torch.func.grad(lambda x: (x * cell).sum())

    def defaults(x: Any, k: int = 2) -> Any:
        return x * k

    cases: dict[str, tuple[Callable[[Any], Any], Callable[[], None]]] = {
        "class": (lambda x: x * Scale.k, on_class),
        "class through an instance": (lambda x: x * s.value(), on_class),
        "an instance hides its class": (lambda x: x * s.k, change),
        "nested method": (lambda x: x * deep.inner.value(), change),
        "slots": (lambda x: x * slots.k, change),
        "in a dict": (lambda x: ops["a"](x), change),
        "decorated": (lambda x: decorated(x), change),
        "compiled inside": (lambda x: inner(x), change),
        "gradient of a closure": (lambda x: gradient(x), change),
        "array": (lambda x: x * float(array[0]), change),
        "deque": (lambda x: x * items[0], change),
        "getattr": (lambda x: x * getattr(s, "missing", 2), lambda: setattr(s, "missing", 3)),
        "computed name": (lambda x: x * getattr(slots, "K".lower()), change),
        "defaults": (defaults, lambda: setattr(defaults, "__defaults__", (3,))),
        "default dtype": (lambda x: torch.ones(2), lambda: torch.set_default_dtype(torch.float64)),
        "hook": (module, lambda: module.register_forward_hook(lambda m, i, o: o * 2) and None),
        "hook of all": (lambda x: module(x), lambda: HANDLES.append(register_module_forward_hook(lambda m, i, o: o * 2))),
        "hook of a leaf": (leaf_gradient(module), lambda: module.weight.register_hook(lambda g: g * 2) and None),
    }
    return cases[name]


HANDLES: list[Any] = []


def leaf_gradient(m: Any) -> Callable[[Any], Any]:
    def fn(x: Any) -> Any:
        m.zero_grad()
        m(x).sum().backward()
        return m.weight.grad * 1

    return fn


@pytest.mark.parametrize("name", [
    "class", "class through an instance", "an instance hides its class", "nested method", "slots", "in a dict", "decorated",
    "compiled inside", "gradient of a closure", "array", "deque", "getattr", "computed name", "defaults", "default dtype",
    "hook", "hook of all", "hook of a leaf",
])  # fmt: skip
def test_state_that_changes(name: str) -> None:
    def program(C: Any) -> Any:
        fn, change = holder(name)
        f, x = C(fn), torch.ones(1)
        try:
            first = [f(x), f(x)]
            change()
            return first, f(x), f(x)
        finally:
            Scale.k = 2
            torch.set_default_dtype(torch.float32)
            while HANDLES:
                HANDLES.pop().remove()

    agrees(program)


def effects(name: str) -> tuple[Callable[[Any], Any], Callable[[], Any]]:
    """A function with a side effect, and what shows it."""
    seen: set[int] = set()
    items: deque[int] = deque()
    array, rng, stream, count = np.zeros(2), np.random.default_rng(0), random.Random(0), itertools.count()
    told: list[int] = []
    Scale.log = []
    optimizer = torch.optim.SGD([p := torch.ones(1, requires_grad=True)], 0.1)
    logger = logging.Logger("edges")
    handler = logging.Handler()
    handler.emit = lambda record: told.append(1)  # type: ignore[method-assign, assignment]
    logger.addHandler(handler)

    def stepping(x: Any) -> Any:
        p.grad = x * 1
        optimizer.step()
        return x * 2

    if name == "step hook":
        optimizer.register_step_post_hook(lambda *a: told.append(1))

    def fill(x: Any) -> Any:
        array[0] += 1
        return x * 2

    cases: dict[str, tuple[Callable[[Any], Any], Callable[[], Any]]] = {
        "set": (lambda x: seen.add(len(seen)) or x * 2, lambda: len(seen)),
        "deque": (lambda x: items.append(1) or x * 2, lambda: len(items)),
        "array": (fill, array.tolist),
        "list of a class": (lambda x: Scale.log.append(1) or x * 2, lambda: len(Scale.log)),
        "numpy generator": (lambda x: x * float(rng.normal()), lambda: None),
        "random.Random": (lambda x: x * stream.random(), lambda: None),
        "iterator": (lambda x: x * next(count), lambda: None),
        "logging": (lambda x: logger.warning("x") or x * 2, lambda: len(told)),
        "step hook": (stepping, lambda: len(told)),
    }
    return cases[name]


@pytest.mark.parametrize("name", [
    "set", "deque", "array", "list of a class", "numpy generator", "random.Random", "iterator", "logging", "step hook",
])  # fmt: skip
def test_side_effects_happen_at_each_call(name: str) -> None:
    def program(C: Any) -> Any:
        fn, shown = effects(name)
        f = C(fn)
        return [f(torch.ones(1)) for _ in range(3)], shown()

    agrees(program)


def test_a_refusal_that_the_function_catches() -> None:
    def program(C: Any) -> Any:
        def fn(x: Any) -> Any:
            try:
                return x + x.sum().item()
            except RuntimeError:
                return x - 100

        return C(fn)(torch.ones(1))

    agrees(program)


def test_stored_tensors_that_others_replace() -> None:
    def program(C: Any) -> Any:
        s = Scale()
        s.inner = torch.zeros(2)

        def fn(x: Any) -> Any:
            s.inner = x if s.inner is None else s.inner * 0.5 + x
            return s.inner.sum()

        f, found = C(fn), []
        for new in (torch.ones(2), torch.zeros(3, 1), torch.zeros(2, dtype=torch.float64), None, 1.0):
            s.inner = new
            found += [f(torch.ones(2)), f(torch.ones(2))]
        return found, s.inner

    agrees(program)


# ---------------------------------------------------------------- random numbers, gradients, threads


def test_seeding_and_unused_numbers() -> None:
    def program(C: Any) -> Any:
        def unused() -> Any:
            torch.rand(3)
            return torch.rand(3)

        def seeded() -> Any:
            torch.manual_seed(7)
            return torch.rand(3)

        f, g = C(unused), C(seeded)
        return f(), f(), torch.rand(1), g(), torch.rand(1), g()

    agrees(program)


def test_numbers_of_every_kind_are_drawn_at_each_call() -> None:
    def program(C: Any) -> Any:
        def fn(x: Any) -> Any:
            inside = torch.rand(2, generator=torch.Generator()) if x.ndim == 2 else None
            return (
                torch.randn_like(x), torch.rand_like(x), torch.randint_like(x, 9), torch.randn(2), torch.randint(0, 5, (3,)),
                torch.randperm(5), nn.functional.dropout(x), torch.empty(3).uniform_(), torch.empty(2).normal_(1, 2),
                torch.empty(2).exponential_(), torch.empty(2).bernoulli_(0.5), inside,
            )  # fmt: skip

        f = C(fn)
        return f(torch.ones(4)), f(torch.ones(4)), f(torch.ones(1, 2)), f(torch.ones(1, 2)), torch.rand(1)

    agrees(program)


def test_graphs_from_before_reach_parameters_that_a_program_keeps() -> None:
    def program(C: Any) -> Any:
        w = torch.ones(3, requires_grad=True)
        loss = (w * 2).sum()

        def fn() -> None:
            with torch.no_grad():
                w.add_(1)

        f = C(fn)
        f()
        f()
        loss.backward()
        return w.grad, w

    agrees(program)


def test_what_is_changed_between_forward_and_backward() -> None:
    x, w = torch.ones(3), torch.ones(3, requires_grad=True)
    for change in (lambda y: x.add_(1), lambda y: y.detach().mul_(1)):
        f = torch.compile(lambda x: (x * w).exp(), fullgraph=True)
        y = f(x)
        change(y)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
    y = torch.compile(lambda x: (x + w).sum(), fullgraph=True)(x)
    x.add_(1)
    with torch.no_grad():
        w.add_(1)
    y.backward()  # needs neither
    assert w.grad is not None and w.grad.tolist() == [1, 1, 1]


def test_double_backward_with_dropout() -> None:
    def program(C: Any) -> Any:
        m = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Dropout(0.5), nn.Linear(16, 1))
        f, found = C(m), []
        for _ in range(2):
            x = torch.randn(4, 3, requires_grad=True)
            (g,) = torch.autograd.grad(f(x).sum(), x, create_graph=True)
            m.zero_grad()
            g.square().sum().backward()
            found += [g, m[0].weight.grad]
        return found, torch.rand(1)

    agrees(program)


def test_double_backward_that_would_run_another_function_is_refused() -> None:
    k = 2
    f = torch.compile(lambda x: (x**3 * k).sum(), fullgraph=True)
    x = torch.ones(2, requires_grad=True)
    y, k = f(x), 5
    with pytest.raises(RuntimeError, match="the Python state that it reads has changed"):
        torch.autograd.grad(y, x, create_graph=True)
    norm = nn.BatchNorm1d(3)
    y = torch.compile(norm, fullgraph=True)(z := torch.randn(4, 3, requires_grad=True)).square().sum()
    with pytest.raises(NotImplementedError, match="double backward"):
        torch.autograd.grad(y, z, create_graph=True)


def test_results_that_nobody_uses_give_no_gradients() -> None:
    def program(C: Any) -> Any:
        m = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
        o = torch.optim.AdamW(m.parameters(), 0.1)
        f = C(lambda x: (m[0](x).sum(), m[1](x).sum()))
        for _ in range(2):
            o.zero_grad()
            f(torch.ones(1, 2))[0].backward()
            o.step()
        return list(m.parameters()), m[1].weight.grad

    agrees(program)


def test_threads_step_together() -> None:
    c, d = torch.zeros(3), torch.zeros(30000)

    def fn(x: Any) -> Any:
        c.add_(x)
        d.add_(1)
        return x.sum()

    f = torch.compile(fn, fullgraph=True)
    threads = [threading.Thread(target=lambda: [f(torch.ones(3)) for _ in range(10)]) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert c.tolist() == [40, 40, 40] and d[0] == 40


def test_a_stored_result_is_changed_in_place() -> None:
    def program(C: Any) -> Any:
        s = Scale()

        def fn(x: Any) -> Any:
            if s.inner is None:
                s.inner = x * 0
            s.inner += x
            return s.inner.sum()

        f = C(fn)
        return [f(torch.ones(2)) for _ in range(4)], s.inner

    agrees(program)


def test_modes_that_the_function_leaves_changed() -> None:
    def program(C: Any) -> Any:
        def fn(x: Any) -> Any:
            torch.set_grad_enabled(False)
            torch.set_default_dtype(torch.float64)
            return x * 2

        try:
            f = C(fn)
            f(torch.ones(1))
            return torch.is_grad_enabled(), torch.ones(1)
        finally:
            torch.set_grad_enabled(True)
            torch.set_default_dtype(torch.float32)

    agrees(program)


def test_modules_that_are_taken_apart() -> None:
    def program(C: Any) -> Any:
        m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        f, x = C(m), torch.ones(1, 2)
        found = [f(x)]
        m[1] = nn.Linear(2, 3)
        found.append(f(x))
        m[0].weight = nn.Parameter(torch.zeros(2, 2))
        found.append(f(x))
        del m[1]
        found.append(f(x))
        m[0].register_parameter("bias", None)
        return found, f(x)

    agrees(program)


# ---------------------------------------------------------------- results


@dataclass
class Out:
    loss: Any
    n: int


@pytest.mark.parametrize("name", [
    "view of a parameter", "view of an argument", "detached argument", "twice", "loss and detached", "chunks", "gradient",
    "dataclass", "set", "stored and returned", "rate", "computed rate", "constants",
])  # fmt: skip
def test_results(name: str) -> None:
    def program(C: Any) -> Any:
        w, s = torch.ones(4, requires_grad=True), Scale()
        p = torch.zeros(4)
        o = torch.optim.SGD([w], 0.1)

        def twice(x: Any) -> Any:
            y = x * 2
            return y, y, y.view(2, 2).t()

        def loss(x: Any) -> Any:
            y = (x * w).sum()
            return y, y.detach()

        def gradient(x: Any) -> Any:
            w.grad = None
            (x * w * w).sum().backward()
            return w.grad

        def keep(x: Any) -> Any:
            s.inner = x * 3
            return s.inner, s.inner[1:]

        def rate(x: Any) -> Any:
            w.grad = x * 1
            o.step()
            return x * 2, o.param_groups[0]["lr"], "s", None, 3

        def rates(x: Any) -> Any:
            w.grad = x * 1
            o.step()
            return x * 2, o.param_groups[0]["lr"] * 2

        x = torch.ones(4)
        if name == "loss and detached":
            f = C(loss)
            a, b = f(x)
            a.backward()
            b.add_(1)
            return a, b, w.grad, a._version
        if name == "chunks":
            f = C(lambda x: (x * w).chunk(2))
            a, b = f(x)
            (a.sum() + 2 * b.sum()).backward()
            return a, b, w.grad
        if name in ("rate", "computed rate"):
            f, found = C(rate if name == "rate" else rates), []
            for lr in (0.1, 0.5, 0.25):
                o.param_groups[0]["lr"] = lr
                found.append(f(x))
            return found, w
        if name == "dataclass":
            g = C(lambda x: Out(x.sum(), 3))
            return [g(x).loss, g(x * 2).loss]
        if name == "set":
            g = C(lambda x: {x.sum()})
            return [list(g(x)), list(g(x * 2))]
        if name == "constants":
            return C(lambda x: (None, 3, "s", list(x.shape), {"y": x + 1}, x.dtype, x.device))(x)
        functions: dict[str, Any] = {
            "view of a parameter": lambda x: p[:2], "view of an argument": lambda x: x.view(2, 2),
            "detached argument": lambda x: x.detach(), "twice": twice, "gradient": gradient, "stored and returned": keep,
        }  # fmt: skip
        f = C(functions[name])
        f(x)
        found = f(x)
        with torch.no_grad():
            (found[0] if isinstance(found, tuple) else found).add_(1)
        return found, p, x, w.grad, s.inner, isinstance(found, tuple) and found[0] is found[1]

    agrees(program)


def test_a_collector_that_is_timed() -> None:
    """What hooks into the garbage collector may read the clock at any time."""
    times = []

    def timed(phase: str, info: Any) -> None:
        times.append(time.perf_counter())

    @torch.compile(fullgraph=True)
    def f(x: Any) -> Any:
        gc.collect()
        return x + 1

    gc.callbacks.append(timed)
    try:
        assert f(torch.ones(2)).tolist() == [2, 2]
    finally:
        gc.callbacks.remove(timed)
    assert times


# ---------------------------------------------------------------- memory


@pytest.mark.parametrize("kind", ["step", "model"])
def test_what_is_dropped_is_freed_at_once(kind: str) -> None:
    def made() -> list[Any]:
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        optimizer = torch.optim.Adam(model.parameters())
        x, y = torch.randn(5, 3), torch.randn(5, 1)
        called = torch.compile(model)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = (((called if kind == "model" else model)(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss.detach()

        compiled = torch.compile(step)
        for _ in range(5):
            (compiled if kind == "step" else step)(x, y)
        assert model[0].weight.grad is not None
        (compiled if kind == "step" else step)(x, y)
        program = (compiled if kind == "step" else called._compiled_forward)._compiled
        entry = program.entries[0]
        assert entry.program is not None and bool(entry.program.residents) == (kind == "step")
        return [weakref.ref(o) for o in (model, model[0].weight, program, entry, entry.program)]

    made()
    gc.collect()
    gc.disable()
    try:
        assert [r() for r in made()] == [None] * 5
    finally:
        gc.enable()


def test_state_moves_into_xlas_memory_at_the_first_call() -> None:
    """Nothing that the trace leaves behind holds the parameters' memory."""
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())

    @torch.compile(fullgraph=True)
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    gc.disable()
    try:
        for _ in range(3):
            step(torch.ones(4, 3))
    finally:
        gc.enable()
    assert all(r.clean and not r.mirrored for r in step._compiled.entries[0].program.residents)
