"""Loops that a compiled function writes out are rolled up again, and give what eager ones give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as torch
from wengert import nn

pytest.importorskip("jax")

F = nn.functional


@pytest.fixture(autouse=True)
def short_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops that are better written out are rolled up too."""
    from wengert.xla import loops

    monkeypatch.setattr(loops, "SAVED", 0)


def program_of(compiled: Any) -> Any:
    """The jaxpr of the program that ran last."""
    return compiled._compiled.entries[0].program.jaxpr


def loops_in(jaxpr: Any) -> int:
    """The `while` loops, those in loops included."""
    n = 0
    for e in jaxpr.eqns:
        if e.primitive.name == "while":
            n += 1 + loops_in(e.params["body_jaxpr"].jaxpr)
    return n


def operations(jaxpr: Any) -> int:
    n = len(jaxpr.eqns)
    for e in jaxpr.eqns:
        if e.primitive.name == "while":
            n += operations(e.params["body_jaxpr"].jaxpr)
    return n


def arrays(x: Any) -> list[Any]:
    if isinstance(x, torch.Tensor):
        return [x.detach().numpy()]
    if isinstance(x, dict):
        x = list(x.values())
    return [a for part in x for a in arrays(part)] if isinstance(x, (list, tuple)) else [np.asarray(x)]


def agrees(make: Callable[[], Any], loops: int | None, calls: int = 2, tolerance: float = 2e-5) -> Any:
    """`make()` gives (function, arguments): compiled, it does the same as eagerly, in this many loops."""
    found = []
    for compile in (lambda f: f, lambda f: torch.compile(f, fullgraph=True)):
        torch.manual_seed(0)
        fn, *args = make()
        fn = compile(fn)
        found.append([arrays(fn(*args)) for _ in range(calls)])
    assert loops is None or loops_in(program_of(fn)) == loops
    for before, after in zip(*found, strict=True):
        for a, b in zip(before, after, strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)
    return fn


def trained(model: Any, run: Callable[..., Any], *batch: Any, optimizer: Any = None) -> Any:
    """A training step; gives the loss and the parameters."""
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=0.01)

    def step(*batch: Any) -> Any:
        optimizer.zero_grad()
        loss = run(*batch)
        loss.backward()
        optimizer.step()
        return loss.detach(), [p.detach().clone() for p in model.parameters()]

    return step, *batch


# ---------------------------------------------------------------- recurrent cells


def cell_loop(cell: Any, x: Any, along: int = 0, reverse: bool = False) -> Any:
    n = x.shape[along]
    size = cell.hidden_size
    h: Any = torch.zeros(x.shape[1 - along], size)
    state = (h, h) if isinstance(cell, nn.LSTMCell) else h
    hs = []
    for t in range(n):
        k = n - 1 - t if reverse else t
        state = cell(x[k] if along == 0 else x[:, k], state)
        hs.append(state[0] if isinstance(state, tuple) else state)
    return hs


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
@pytest.mark.parametrize("along", [0, 1])
@pytest.mark.parametrize("reverse", [False, True])
def test_cells(kind: Any, along: int, reverse: bool) -> None:
    def make() -> Any:
        cell, x = kind(3, 5), torch.randn(*((24, 4, 3) if along == 0 else (4, 24, 3)))
        return trained(cell, lambda x: cell_loop(cell, x, along, reverse)[-1].square().mean(), x)

    agrees(make, 2, calls=3)


@pytest.mark.parametrize("join", [torch.stack, torch.cat])
@pytest.mark.parametrize("dim", [0, 1])
def test_all_outputs_joined(join: Any, dim: int) -> None:
    def make() -> Any:
        cell, x = nn.GRUCell(3, 5), torch.randn(20, 4, 3)
        return trained(cell, lambda x: join(cell_loop(cell, x), dim).square().mean(), x)

    agrees(make, 2)


def test_gradient_of_the_sequence() -> None:
    def make() -> Any:
        cell = nn.RNNCell(3, 5)

        def f(x: Any) -> Any:
            x = x.detach().requires_grad_()
            return torch.autograd.grad(cell_loop(cell, x)[-1].square().sum(), x)

        return f, torch.randn(20, 4, 3)

    agrees(make, 2)


def test_masked_steps() -> None:
    def make() -> Any:
        cell, x = nn.GRUCell(3, 5), torch.randn(12, 4, 3)
        lengths = torch.tensor([12, 3, 7, 1])

        def run(x: Any) -> Any:
            h = torch.zeros(4, 5)
            for t in range(12):
                h = torch.where((lengths > t)[:, None], cell(x[t], h), h)
            return h.square().mean()

        return trained(cell, run, x)

    agrees(make, 2)


def test_teacher_forcing_and_a_loss_at_each_step() -> None:
    def make() -> Any:
        cell, head, table = nn.LSTMCell(4, 8), nn.Linear(8, 6), nn.Embedding(6, 4)
        model = nn.ModuleList([cell, head, table])
        tokens = torch.randint(0, 6, (3, 17))

        def run(tokens: Any) -> Any:
            h = c = torch.zeros(3, 8)
            loss = 0.0
            for t in range(16):
                h, c = cell(table(tokens[:, t]), (h, c))
                loss = loss + F.cross_entropy(head(h), tokens[:, t + 1])
            return loss / 16

        return trained(model, run, tokens)

    agrees(make, 2)


def test_two_layers_in_one_loop() -> None:
    def make() -> Any:
        a, b = nn.LSTMCell(3, 5), nn.LSTMCell(5, 4)

        def run(x: Any) -> Any:
            h = c = torch.zeros(2, 5)
            k = d = torch.zeros(2, 4)
            for t in range(12):
                h, c = a(x[t], (h, c))
                k, d = b(h, (k, d))
            return k.square().mean()

        return trained(nn.ModuleList([a, b]), run, torch.randn(12, 2, 3))

    agrees(make, 2)


def test_both_directions() -> None:
    def make() -> Any:
        a, b = nn.GRUCell(3, 5), nn.GRUCell(3, 5)

        def run(x: Any) -> Any:
            there, back = cell_loop(a, x), cell_loop(b, x, reverse=True)[::-1]
            return torch.stack([torch.cat(pair, -1) for pair in zip(there, back)]).square().mean()

        return trained(nn.ModuleList([a, b]), run, torch.randn(12, 2, 3))

    agrees(make, 4)


def test_dropout_in_each_step() -> None:
    def make() -> Any:
        cell = nn.RNNCell(3, 16)

        def run(x: Any) -> Any:
            h = torch.zeros(2, 16)
            for t in range(24):
                h = F.dropout(cell(x[t], h), 0.3)
            return h.square().mean()

        return trained(cell, run, torch.randn(24, 2, 3))

    agrees(make, 2, calls=3)


def test_sequence_unbound_before_the_loop() -> None:
    def make() -> Any:
        cell = nn.RNNCell(3, 5)

        def run(x: Any) -> Any:
            h = torch.zeros(2, 5)
            for part in x.unbind(1):
                h = cell(part, h)
            return h.square().mean()

        return trained(cell, run, torch.randn(2, 24, 3))

    agrees(make, 2)


def test_rows_written_in_place() -> None:
    def make() -> Any:
        cell = nn.GRUCell(3, 5)

        def run(x: Any) -> Any:
            h = torch.zeros(2, 5)
            out = torch.zeros(16, 2, 5)
            for t in range(16):
                h = cell(x[t], h)
                out[t] = h
            return out.square().mean()

        return trained(cell, run, torch.randn(16, 2, 3))

    agrees(make, 2)


def test_the_last_step_differs() -> None:
    def make() -> Any:
        cell = nn.GRUCell(3, 5)

        def run(x: Any) -> Any:
            h = torch.zeros(2, 5)
            for t in range(16):
                h = cell(x[t], h)
                if t < 15:
                    h = torch.tanh(h) * 0.5
            return h.square().mean()

        return trained(cell, run, torch.randn(16, 2, 3))

    agrees(make, 2)


def test_a_value_from_two_steps_before() -> None:
    def make() -> Any:
        w = torch.randn(4, 4) * 0.3

        def f(x: Any) -> Any:
            x = x.detach().requires_grad_()
            a, b = x, x * 2
            for _ in range(30):
                a, b = b, torch.tanh(b @ w - a * 0.5) + torch.sin(a)
            return b, torch.autograd.grad(b.sum(), x)

        return f, torch.randn(3, 4)

    agrees(make, 2)


def test_twenty_training_steps() -> None:
    def make() -> Any:
        cell, head = nn.LSTMCell(2, 8), nn.Linear(8, 1)
        model = nn.ModuleList([cell, head])
        x, y = torch.randn(20, 4, 2), torch.randn(4, 1)
        return trained(model, lambda x, y: (head(cell_loop(cell, x)[-1]) - y).square().mean(), x, y)

    agrees(make, 2, calls=20, tolerance=1e-4)


# ---------------------------------------------------------------- solvers and inner optimisation


def euler(f: Any, y: Any, n: int, dt: float) -> Any:
    for k in range(n):
        y = y + dt * f(k * dt, y)
    return y


def runge_kutta(f: Any, y: Any, n: int, dt: float) -> Any:
    for k in range(n):
        t = k * dt
        a = f(t, y)
        b = f(t + dt / 2, y + dt / 2 * a)
        c = f(t + dt / 2, y + dt / 2 * b)
        y = y + dt / 6 * (a + 2 * b + 2 * c + f(t + dt, y + dt * c))
    return y


@pytest.mark.parametrize("solver", [euler, runge_kutta])
def test_double_backward_through_a_solver(solver: Any) -> None:
    def make() -> Any:
        net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))

        def f(y: Any) -> Any:
            y = y.detach().requires_grad_()
            end = solver(lambda t, y: net(y) * (1 + t), y, 24, 0.05)
            (g,) = torch.autograd.grad(end.square().sum(), y, create_graph=True)
            return end, g, *torch.autograd.grad(g.square().sum(), [y, *net.parameters()])

        return f, torch.randn(3, 2)

    agrees(make, None, tolerance=1e-4)


def test_maml_with_many_inner_steps() -> None:
    def make() -> Any:
        net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))

        def forward(p: Any, x: Any) -> Any:
            return F.linear(torch.tanh(F.linear(x, p[0], p[1])), p[2], p[3])

        def run(x: Any, y: Any) -> Any:
            p = list(net.parameters())
            for _ in range(20):
                inner = (forward(p, x[:10]) - y[:10]).square().mean()
                p = [q - 0.1 * g for q, g in zip(p, torch.autograd.grad(inner, p, create_graph=True))]
            return (forward(p, x[10:]) - y[10:]).square().mean()

        x = torch.randn(20, 1)
        return trained(net, run, x, x.sin())

    agrees(make, 2, tolerance=1e-4)


def test_power_iteration() -> None:
    def make() -> Any:
        def f(a: Any, v: Any) -> Any:
            for _ in range(50):
                v = a @ v
                v = v / v.norm()
            return v, v @ a @ v

        return f, torch.randn(6, 6), torch.randn(6)

    agrees(make, 1)


def test_counters() -> None:
    def make() -> Any:
        def f(x: Any) -> Any:
            n = torch.zeros((), dtype=torch.int64)
            total = torch.zeros(3)
            for k in range(40):
                n = n + (x.sum() > k)
                total = torch.where(n % 2 == 0, total + x * k, total - x)
            return n, total

        return f, torch.rand(3) * 20

    agrees(make, 1)


def test_nested_loops() -> None:
    def make() -> Any:
        w = torch.randn(4, 4) * 0.5

        def f(x: Any) -> Any:
            x = x.detach().requires_grad_()
            h = torch.zeros(4)
            for i in range(10):
                v = torch.relu(h)
                for j in range(16):
                    v = torch.tanh(v @ w + x[i, j]) * 0.9 + torch.sin(v) * 0.1
                h = h.cos() + v
            return h, torch.autograd.grad(h.sum(), x)

        return f, torch.randn(10, 16, 4)

    compiled = agrees(make, None)
    assert operations(program_of(compiled)) < 900  # 4400 as traced


# ---------------------------------------------------------------- what stays as it is


def test_few_repetitions_stay() -> None:
    def make() -> Any:
        cell, x = nn.LSTMCell(3, 5), torch.randn(4, 2, 3)
        return trained(cell, lambda x: cell_loop(cell, x)[-1].square().mean(), x)

    agrees(make, 0)


@pytest.mark.parametrize("width", [4, 32])
def test_equal_layers_with_weights_of_their_own_stay(width: int) -> None:
    def make() -> Any:
        net = nn.Sequential(*[nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.GELU()) for _ in range(12)])
        return trained(net, lambda x: net(x).square().mean(), torch.randn(64, width))

    agrees(make, 0, tolerance=1e-4)


@pytest.mark.parametrize("foreach", [False, True])
def test_updates_of_many_parameters_stay(foreach: bool) -> None:
    def make() -> Any:
        model = nn.ParameterList([nn.Parameter(torch.randn(5)) for _ in range(30)])
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01, foreach=foreach)
        return trained(model, lambda x: sum((p * x).sin().sum() for p in model), torch.randn(5), optimizer=optimizer)

    agrees(make, 0)


# ---------------------------------------------------------------- backward outside


def test_backward_outside_of_the_function() -> None:
    found = []
    for compile in (lambda f: f, lambda f: torch.compile(f, fullgraph=True)):
        torch.manual_seed(0)
        cell, x = nn.LSTMCell(3, 5), torch.randn(20, 4, 3, requires_grad=True)

        def run(x: Any, cell: Any = cell) -> Any:
            return torch.stack(cell_loop(cell, x))

        fn = compile(run)
        for _ in range(2):
            y = fn(x)
            y.square().mean().backward()
        found.append([y.detach().numpy(), x.grad.numpy(), *[p.grad.numpy() for p in cell.parameters()]])
    assert loops_in(program_of(fn)) == 1
    assert len(program_of(fn).outvars) < 20  # residuals of all steps together
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-5, atol=2e-5)


def test_forward_and_backward_that_look_alike() -> None:
    def run(compile: Any) -> Any:
        x = torch.ones(3, requires_grad=True)

        def f(x: Any) -> Any:
            for _ in range(80):
                x = x * 1.01
            return x

        y = compile(f)(x)
        return y, torch.autograd.grad(y.sum(), x)

    for a, b in zip(arrays(run(lambda f: f)), arrays(run(torch.compile))):
        np.testing.assert_allclose(b, a, rtol=1e-5)


# ---------------------------------------------------------------- the transformation itself


def transformed(f: Callable[..., Any], *args: Any) -> tuple[Any, Any]:
    """The jaxpr of `f`, and the same rolled up."""
    import jax

    from wengert.xla.loops import rolled

    closed = jax.make_jaxpr(f)(*args)
    return closed, rolled(closed, ())


def same(closed: Any, loops: Any, *args: Any) -> None:
    import jax.extend.core as extend

    for a, b in zip(extend.jaxpr_as_fun(closed)(*args), extend.jaxpr_as_fun(loops)(*args), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(np.asarray(b), np.asarray(a), rtol=1e-5, atol=1e-5)


def recurrence(n: int) -> Callable[[Any, Any], Any]:
    import jax.numpy as jnp

    def f(x: Any, w: Any) -> Any:
        h = jnp.zeros(3)
        for k in range(n):
            h = jnp.tanh(h @ w + x[k]) * jnp.cos(h) + jnp.sin(h * 0.5 + k)
        return h

    return f


def test_as_many_equations_for_any_number_of_steps() -> None:
    found = []
    for n in (40, 80, 160, 320):
        x, w = np.ones((n, 3), np.float32), np.eye(3, dtype=np.float32)
        closed, loops = transformed(recurrence(n), x, w)
        assert len(closed.eqns) > 8 * n
        assert loops_in(loops.jaxpr) == 1
        same(closed, loops, x, w)
        found.append(operations(loops.jaxpr))
    assert max(found) < 1.3 * min(found)


def test_short_programs_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    x, w = np.ones((400, 3), np.float32), np.eye(3, dtype=np.float32)
    short, rolled = transformed(recurrence(40), x, w)
    assert rolled is short
    assert loops_in(transformed(recurrence(400), x, w)[1].jaxpr) == 1


def test_an_invariant_of_a_repeated_one() -> None:
    import jax.numpy as jnp

    def f(x: Any, w: Any) -> Any:
        x = x * jnp.cos(w)
        other = jnp.cos(w)  # made twice, which is not often, and needed by what is
        for k in range(30):
            x = jnp.tanh(x * jnp.sin(other)) + k
        return x

    x, w = np.ones(3, np.float32), np.arange(3, dtype=np.float32)
    closed, loops = transformed(f, x, w)
    assert loops_in(loops.jaxpr) == 1
    same(closed, loops, x, w)


def test_nothing_repeats() -> None:
    import jax.numpy as jnp

    functions = [jnp.sin, jnp.cos, jnp.tanh, jnp.exp, jnp.negative, jnp.square, jnp.abs, jnp.sqrt]
    order = np.random.default_rng(0).integers(0, len(functions), 400)

    def f(x: Any) -> Any:
        for k in order:
            x = functions[k](x)
        return x

    closed, loops = transformed(f, np.ones(3, np.float32))
    assert loops is closed


def test_steps_that_read_distant_ones() -> None:
    """Twenty steps read those of the twenty before: loops one after the other."""
    import jax.numpy as jnp

    def f(x: Any) -> Any:
        made = [x * k for k in range(20)]
        for _ in range(60):
            made.append(jnp.sin(made[-1]) + jnp.cos(made[-20]) * 2 - jnp.exp(-made[-1]))
        return made[-1]

    x = np.ones(3, np.float32)
    closed, loops = transformed(f, x)
    assert loops_in(loops.jaxpr) == 3
    same(closed, loops, x)


def test_steps_of_other_kinds_between() -> None:
    import jax.numpy as jnp

    def f(x: Any) -> Any:
        for k in range(90):
            x = jnp.sin(x) * jnp.cos(x) + k
            if k == 45:
                x = x[::-1] + 1
            if k % 3 == 0:
                x = x / 2
        return x

    x = np.ones(3, np.float32)
    closed, loops = transformed(f, x)
    assert loops_in(loops.jaxpr) == 2
    same(closed, loops, x)


def test_steps_read_from_each_end() -> None:
    import jax.numpy as jnp

    def f(x: Any) -> Any:
        h = jnp.zeros(4)
        seen = []
        for k in range(30):
            h = jnp.sin(h + x[:, k] * x[:, 29 - k]) + jnp.cos(h) * x[:, 3]
            seen.append(h)
        g = h
        for k in range(30):
            g = jnp.tanh(g * seen[29 - k]) - jnp.sin(seen[29 - k]) + jnp.cos(g)
        return g, jnp.stack(seen, 1), seen[7]

    x = np.random.default_rng(0).normal(size=(4, 30)).astype(np.float32)
    closed, loops = transformed(f, x)
    assert loops_in(loops.jaxpr) == 2
    assert operations(loops.jaxpr) < 300
    same(closed, loops, x)


def test_periodic_runs() -> None:
    from wengert.xla.repeats import periodic_runs

    a, b = [1, 2, 1, 3, 2], [4, 5, 5]
    ids = [9, 8, *a * 7, 1, 7, *b * 10, *a * 3]
    runs = list(periodic_runs(np.array(ids), 5))
    assert (5, 2, 36) in runs  # with the 1 that follows
    assert any(period == 3 and start <= 39 and start + length >= 39 + 30 for period, start, length in runs)
    for period, start, length in runs:
        part = ids[start : start + length]
        assert part[period:] == part[:-period]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.data())
def test_programs_made_at_random(data: Any) -> None:
    """A loop of random operations, which leaves values of its steps, and one that reads them, forwards or backwards."""
    import jax.numpy as jnp

    n = data.draw(st.integers(10, 16), "steps")
    n_state = data.draw(st.integers(1, 3), "state")
    operations = [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - jnp.sin(b), lambda a, b: jnp.tanh(a + b),
                  lambda a, b: jnp.cos(a), lambda a, b: jnp.where(a > b, a, b), lambda a, b: jnp.tanh(a @ jnp.outer(b, b)),
                  lambda a, b: a[::-1]]  # fmt: skip
    kinds = ["state", "local", "row", "column", "weight", "number", "old", "saved"]
    operand = st.tuples(st.sampled_from(kinds), st.integers(0, 7), st.sampled_from([1, -1, 0]))
    bodies = [
        data.draw(st.lists(st.tuples(st.integers(0, len(operations) - 1), operand, operand), min_size=12, max_size=18))
        for _ in range(2)
    ]
    updates = [data.draw(st.lists(st.integers(0, 11), min_size=n_state, max_size=n_state)) for _ in range(2)]
    kept = data.draw(st.lists(st.integers(0, 11), min_size=1, max_size=3, unique=True), "kept")
    odd = data.draw(st.none() | st.integers(0, n - 1), "odd")
    joined = data.draw(st.booleans(), "joined")

    def steps(x: Any, z: Any, w: Any, body: Any, update: Any, states: Any, past: Any) -> Any:
        history, olds = [], [states] * 3
        for k in range(n):
            local = [states[0]]

            def get(which: Any, k: int = k, local: Any = local, states: Any = states) -> Any:
                kind, i, step = which
                at = k if step > 0 else n - 1 - k if step < 0 else i % n
                if kind == "saved" and past:
                    return past[at][i % len(kept)]
                return {
                    "state": states[i % n_state], "row": x[at], "column": z[:, at], "weight": w[i % 3],
                    "number": jnp.float32(0.1 * at), "old": olds[-1 - i % 3][i % n_state],
                }.get(kind, local[-1 - i % len(local)])  # fmt: skip

            for which, a, b in body:
                local.append(jnp.broadcast_to(operations[which](get(a) + jnp.zeros(3), get(b) + jnp.zeros(3)), 3))
            if k == odd:
                local[-1] = local[-1] * 0.5
            states = [jnp.sin(local[1 + u]) for u in update]
            olds.append(states)
            history.append([local[1 + i] for i in kept])
        return states, history

    def f(x: Any, z: Any, w: Any) -> Any:
        states = [w[0] * (i + 1) for i in range(n_state)]
        history: list[Any] = []
        for body, update in zip(bodies, updates):
            states, history = steps(x, z, w, body, update, states, history)
        last = [jnp.stack([row[0] for row in history]), jnp.concatenate([row[-1] for row in history])] if joined else []
        return states, last, history[n // 2]

    draw = np.random.default_rng(0)
    x, z, w = (draw.normal(size=size).astype(np.float32) for size in ((n, 3), (3, n), (3, 3)))
    closed, loops = transformed(f, x, z, w)
    same(closed, loops, x, z, w)
