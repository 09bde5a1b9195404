"""Compiled functions do what eager ones do: whole steps, functions under autograd, guards, refusals, where values live."""
from __future__ import annotations

import copy
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import wengert as torch
from wengert import nn
from wengert.nn import functional as F

pytest.importorskip("jax")


@pytest.fixture(autouse=True)
def no_fallback() -> Iterator[None]:
    """A function that quietly ran eagerly would prove nothing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="torch.compile")
        yield


def close(a: Any, b: Any, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=rtol, atol=atol)


def mlp(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


def data(n: int = 16) -> tuple[Any, Any]:
    g = torch.Generator().manual_seed(3)
    x = torch.randn(n, 3, generator=g)
    return x, (x[:, :1] * x[:, 1:2]).detach()


def stepper(model: nn.Module, optimizer: Any) -> Callable[..., Any]:
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


def compiled_of(fn: Any) -> Any:
    """The `Compiled` behind a compiled function."""
    return getattr(fn, "_compiled_forward", fn)._compiled


def programs(fn: Any) -> int:
    return len([e for e in compiled_of(fn).entries if e.program is not None])


# ---------------------------------------------------------------- whole steps

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "SGD momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "Adam amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.01),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01),
    "NAdam": lambda p: torch.optim.NAdam(p, lr=0.01),
    "RAdam": lambda p: torch.optim.RAdam(p, lr=0.01),
    "Adamax": lambda p: torch.optim.Adamax(p, lr=0.01),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.05, lr_decay=0.01),
    "Adadelta": lambda p: torch.optim.Adadelta(p, lr=1.0),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.002, centered=True, momentum=0.5),
    "Rprop": lambda p: torch.optim.Rprop(p, lr=0.01),
    "ASGD": lambda p: torch.optim.ASGD(p, lr=0.05, t0=5),
    "Adafactor": lambda p: torch.optim.Adafactor(p, lr=0.01),
    "Muon": lambda p: torch.optim.Muon([q for q in p if q.ndim == 2], lr=0.02),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains_as_eagerly(name: str, dtype: str) -> None:
    kind = getattr(torch, dtype)
    x, y = (t.to(kind) for t in data())
    a, b = mlp().to(kind), mlp().to(kind)
    rtol = 5e-2 if name == "Muon" else 1e-4 if dtype == "float32" else 1e-8  # Muon works in bfloat16
    oa, ob = OPTIMIZERS[name](list(a.parameters())), OPTIMIZERS[name](list(b.parameters()))
    eager, compiled = stepper(a, oa), torch.compile(stepper(b, ob), fullgraph=True)
    for _ in range(100):
        la, lb = eager(x, y), compiled(x, y)
        close(la, lb, rtol)
    assert programs(compiled) == 1
    for p, q in zip(a.parameters(), b.parameters()):
        close(p, q, 10 * rtol, 1e-5)
        close(p.grad, q.grad, 10 * rtol, 1e-5)
    sa, sb = oa.state_dict(), ob.state_dict()
    assert sa["param_groups"] == sb["param_groups"] and sa["state"].keys() == sb["state"].keys()
    for i, entry in sa["state"].items():
        for key, value in entry.items():
            close(torch.as_tensor(value), torch.as_tensor(sb["state"][i][key]), 10 * rtol, 1e-5)


def test_learning_rates_change_without_compiling_again() -> None:
    x, y = data()
    a, b = mlp(), mlp()
    oa, ob = (torch.optim.Adam(m.parameters(), lr=0.1) for m in (a, b))
    sa, sb = (torch.optim.lr_scheduler.ExponentialLR(o, 0.8) for o in (oa, ob))
    eager, compiled = stepper(a, oa), torch.compile(stepper(b, ob), fullgraph=True)
    for _ in range(12):
        close(eager(x, y), compiled(x, y))
        sa.step()
        sb.step()
    assert programs(compiled) == 1
    ob.param_groups[0]["betas"] = (0.5, 0.999)  # another hyper-parameter: a new program
    oa.param_groups[0]["betas"] = (0.5, 0.999)
    close(eager(x, y), compiled(x, y))
    assert programs(compiled) == 2


def test_eager_code_goes_on_with_what_a_step_left() -> None:
    x, y = data()
    a, b = mlp(), mlp()
    oa, ob = (torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9) for m in (a, b))
    eager, step = stepper(a, oa), stepper(b, ob)
    compiled = torch.compile(step, fullgraph=True)
    for turn in range(12):
        close(eager(x, y), compiled(x, y) if turn % 3 else step(x, y))
        if turn % 4 == 1:  # printing, reading and changing
            assert repr(a[0].weight) == repr(b[0].weight) or torch.allclose(a[0].weight, b[0].weight)
            assert type(b[0].weight).__name__ == "Parameter" and isinstance(b[0].weight, nn.Parameter)
            with torch.no_grad():
                for m in (a, b):
                    m[0].weight[0].mul_(0.5)
                    m[2].bias += 1
        if turn == 6:
            state = copy.deepcopy(b.state_dict())
            b.load_state_dict(state)
            for key, value in a.state_dict().items():
                close(value, state[key], atol=1e-5)
    assert programs(compiled) == 1


def test_batch_norm_statistics_and_dropout() -> None:
    def model() -> nn.Module:
        torch.manual_seed(4)
        return nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))

    x, y = data(32)
    a, b = model(), model()
    eager = stepper(a, torch.optim.SGD(a.parameters(), lr=0.1))
    compiled = torch.compile(stepper(b, torch.optim.SGD(b.parameters(), lr=0.1)), fullgraph=True)
    for turn in range(5):
        torch.manual_seed(turn)
        la = eager(x, y)
        after = torch.rand(1)
        torch.manual_seed(turn)
        close(la, compiled(x, y))
        assert torch.rand(1) == after  # the generator stands where it stands eagerly
    close(a[1].running_mean, b[1].running_mean)
    close(a[1].running_var, b[1].running_var)
    assert b[1].num_batches_tracked == 5
    b.eval()
    a.eval()
    close(a(x), torch.compile(b)(x))


def test_clipping_and_two_groups() -> None:
    x, y = data()

    def make(m: nn.Module) -> Callable[..., Any]:
        o = torch.optim.AdamW([{"params": m[0].parameters(), "lr": 0.01}, {"params": m[2].parameters()}], lr=0.1)

        def step(x: Any, y: Any) -> Any:
            loss = (m(x) - y).square().mean()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(m.parameters(), 0.1)
            o.step()
            o.zero_grad()
            return loss, norm

        return step

    a, b = mlp(), mlp()
    eager, compiled = make(a), torch.compile(make(b), fullgraph=True)
    for _ in range(10):
        for u, v in zip(eager(x, y), compiled(x, y)):
            close(u, v)
    assert all(p.grad is None for p in b.parameters())


def test_gradients_accumulate() -> None:
    x, y = data()
    a, b = mlp(), mlp()

    def make(m: nn.Module) -> Callable[..., None]:
        def backward(x: Any, y: Any) -> None:
            ((m(x) - y) ** 2).mean().backward()

        return backward

    eager, compiled = make(a), torch.compile(make(b), fullgraph=True)
    for turn in range(6):
        eager(x, y)
        compiled(x, y)
        for p, q in zip(a.parameters(), b.parameters()):
            close(p.grad, q.grad)
        if turn == 3:
            a.zero_grad()
            b.zero_grad()
    assert programs(compiled) == 2  # without and with gradients to add to


def test_two_steps_share_parameters() -> None:
    """As in a GAN: one step changes what the other reads."""

    def make(compile: bool) -> tuple[Any, Any, Any]:
        g, d = mlp(1), nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
        og, od = torch.optim.Adam(g.parameters(), lr=0.01), torch.optim.Adam(d.parameters(), lr=0.01)

        def dstep(x: Any, y: Any) -> Any:
            od.zero_grad()
            loss = F.softplus(d(g(x).detach())).mean() + F.softplus(-d(y)).mean()
            loss.backward()
            od.step()
            return loss

        def gstep(x: Any) -> Any:
            og.zero_grad()
            loss = F.softplus(-d(g(x))).mean()
            loss.backward()
            og.step()
            return loss

        return (torch.compile(dstep, fullgraph=True), torch.compile(gstep, fullgraph=True), g) if compile else (dstep, gstep, g)

    x, y = data()
    (d1, g1, a), (d2, g2, b) = make(False), make(True)
    for _ in range(8):
        close(d1(x, y), d2(x, y))
        close(g1(x), g2(x))
    for p, q in zip(a.parameters(), b.parameters()):
        close(p, q, atol=1e-5)


def test_views_and_aliases_of_parameters_follow() -> None:
    p = torch.zeros(4)
    view, alias, array = p[1:3], p.detach(), p.numpy()

    @torch.compile(fullgraph=True)
    def bump(by: Any) -> None:
        p.add_(by)
        p[0] = 7

    bump(torch.ones(4))
    bump(torch.ones(4))
    assert p.tolist() == alias.tolist() == array.tolist() == [7, 2, 2, 2] and view.tolist() == [2, 2]
    assert p._version == alias._version > 0


def test_in_place_on_views_inside() -> None:
    def fn(x: Any, w: Any) -> Any:
        y = x * 1
        a, b = y[0], y.t()
        a.mul_(w)
        b[1].add_(1)
        y[:, -1:] = w.sum()
        y.view(-1)[2::3] *= 2
        y.diagonal().zero_()
        return y.sum() + (a * b[0][: a.shape[0]]).sum(), y

    torch.manual_seed(0)
    x, w = torch.randn(3, 3, dtype=torch.float64, requires_grad=True), torch.randn(3, dtype=torch.float64, requires_grad=True)
    want, got = fn(x, w), torch.compile(fn, fullgraph=True)(x, w)
    for u, v in zip(want, got):
        close(u, v, 1e-12)
    for u, v in zip(torch.autograd.grad(want[0], (x, w)), torch.autograd.grad(got[0], (x, w))):
        close(u, v, 1e-12)


# ---------------------------------------------------------------- functions under autograd


def test_a_module_under_autograd() -> None:
    x, y = data()
    a, b = mlp(), mlp()
    compiled = torch.compile(b)
    oa, ob = torch.optim.Adam(a.parameters(), lr=0.01), torch.optim.Adam(compiled.parameters(), lr=0.01)
    for _ in range(10):
        for m, o in ((a, oa), (compiled, ob)):
            o.zero_grad()
            loss = ((m(x) - y) ** 2).mean()
            loss.backward()
            o.step()
    for p, q in zip(a.parameters(), b.parameters()):
        close(p, q, atol=1e-5)
    out = compiled(x)
    assert type(out.grad_fn).__name__ == "CompiledFunctionBackward" and programs(compiled) == 1
    assert list(compiled.state_dict()) == ["_orig_mod." + k for k in b.state_dict()]


def test_gradients_pass_through_to_what_made_the_arguments() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    f = torch.compile(lambda x, s: (x.sin() * s, x.sum()), fullgraph=True)
    x = w * 3
    y, total = f(x, 2.0)
    (y.sum() + total).backward()
    close(w.grad, 3 * (2 * torch.cos(3 * w.detach()) + 1))
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.sum().backward()


def test_double_backward_and_transforms() -> None:
    f = torch.compile(lambda x: (x**3).sum(), fullgraph=True)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (g,) = torch.autograd.grad(f(x), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert h.tolist() == [6.0, 12.0]
    assert torch.func.grad(f)(x.detach()).tolist() == [3.0, 12.0]
    assert torch.func.vmap(f)(torch.ones(2, 2)).tolist() == [2.0, 2.0]
    assert torch.func.jvp(f, (x.detach(),), (torch.ones(2),))[1].item() == 15.0


def test_transforms_inside() -> None:
    def fn(x: Any) -> Any:
        per_sample = torch.func.vmap(torch.func.grad(lambda v: (v**3).sum()))(x)
        hessian = torch.func.hessian(lambda v: (v**3).sum())(x[0])
        return per_sample, hessian, torch.func.jvp(torch.sin, (x,), (x,))[1]

    x = torch.randn(3, 2)
    for u, v in zip(fn(x), torch.compile(fn, fullgraph=True)(x)):
        close(u, v)


def test_saved_values_are_checked() -> None:
    p = torch.ones(2, requires_grad=True)

    @torch.compile(fullgraph=True)
    def change() -> None:
        with torch.no_grad():
            p.mul_(2)

    loss = (p * p).sum()
    change()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# ---------------------------------------------------------------- guards


def test_what_a_program_depends_on() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)
            self.power = 2
            self.note = 0

        def forward(self, x: Any, flag: bool = True) -> Any:
            y = self.linear(x) ** self.power
            return y if flag else -y

    net = Net()
    compiled = torch.compile(net, fullgraph=True)
    x = torch.randn(4, 3)

    def run(*args: Any) -> int:
        close(compiled(*args), net(*args))
        return programs(compiled)

    assert run(x) == 1 and run(torch.randn(4, 3)) == 1
    assert run(torch.randn(5, 3)) == 2
    net.power = 3
    assert run(x) == 3
    assert run(x, False) == 4
    with torch.no_grad():
        assert run(x) == 5
    net.eval()
    assert run(x) == 6
    net.linear.weight.requires_grad_(False)
    assert run(x) == 7
    assert any("power" in m for m in compiled_of(compiled).misses)
    torch.compiler.reset()
    assert run(x) == 1


def test_too_many_programs() -> None:
    f = torch.compile(lambda x: x * 2, recompile_limit=2)
    assert f(torch.ones(1)).shape == (1,) and f(torch.ones(2)).shape == (2,)
    with pytest.warns(UserWarning, match="compiled 2 programs"):
        f(torch.ones(3))
    assert f(torch.ones(4)).tolist() == [2.0] * 4


def test_numbers_that_change_become_inputs() -> None:
    scale = 1.0

    def fn(x: Any) -> Any:
        return x * scale

    compiled = torch.compile(fn, fullgraph=True)
    for scale in (1.0, 2.0, 3.0, 4.0):
        assert compiled(torch.ones(1)).item() == scale
    assert programs(compiled) == 2


# ---------------------------------------------------------------- what cannot be traced


@pytest.mark.parametrize("body, why", [
    (lambda x: x * x.sum().item(), "known only when the compiled program runs"),
    (lambda x: x if x.sum() > 0 else -x, "torch.where"),
    (lambda x: x[x > 0], "depends on values"),
    (lambda x: print(x) or x, "it prints"),
    (lambda x: x + torch.from_numpy(np.ones(2, np.float32)), "NumPy array becomes a tensor"),
    (lambda x: torch.tensor(x.numpy()), "known only when"),
    (lambda x: x * np.random.rand(), "numpy.random"),
], ids=["item", "bool", "mask", "print", "numpy", "to numpy", "numpy.random"])  # fmt: skip
def test_refusals(body: Any, why: str) -> None:
    x = torch.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match=why) as error:
        torch.compile(body, fullgraph=True)(x)
    assert "test_compile.py" in str(error.value)
    eager = torch.compile(body)
    with pytest.warns(UserWarning, match="runs eagerly") as said:
        first = eager(x)
    assert len(said) == 1
    second = eager(x)  # and says so only once
    assert first.shape == second.shape == body(x).shape


def test_side_effects_are_put_back_and_refused() -> None:
    log: list[int] = []
    count = 0

    @torch.compile
    def fn(x: Any) -> Any:
        nonlocal count
        count += 1
        log.append(count)
        return x + count

    with pytest.warns(UserWarning, match="changes Python state"):
        assert fn(torch.zeros(1)).item() == 1
    assert fn(torch.zeros(1)).item() == 2 and log == [1, 2]


def test_a_failing_function_changes_nothing_and_raises_its_own_error() -> None:
    p = torch.ones(2, requires_grad=True)
    q = torch.zeros(2)

    @torch.compile
    def fn(x: Any) -> Any:
        q.add_(1)
        (p * x).sum().backward()
        return x @ torch.ones(3, 3)

    with pytest.raises(RuntimeError, match="size mismatch|must match|cannot be multiplied|incompatible"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fn(torch.ones(2))
    assert q.tolist() == [1, 1] and p.grad.tolist() == [1, 1]  # once: by the eager run


def test_stored_tensors() -> None:
    class Memory:
        state: Any = None

    memory = Memory()

    def fn(x: Any) -> Any:
        memory.state = x if memory.state is None else 0.5 * memory.state + x
        return memory.state.sum()

    compiled = torch.compile(fn, fullgraph=True)
    got = [compiled(torch.ones(2)).item() for _ in range(4)]
    assert got == [2.0, 3.0, 3.5, 3.75] and memory.state.tolist() == [1.875, 1.875]
    assert programs(compiled) == 2


# ---------------------------------------------------------------- the rest of the interface


def test_explain() -> None:
    x, y = data()
    m = mlp()
    o = torch.optim.Adam(m.parameters(), lr=0.01)
    text = str(torch.compiler.explain(torch.compile(stepper(m, o)))(x, y))
    assert "operations in one program" in text and "lr" in text and "compiled in" in text
    with pytest.warns(UserWarning):
        assert "runs eagerly" in str(torch.compiler.explain(lambda x: x.item())(torch.ones(1)))


def test_disable_stances_and_backends() -> None:
    @torch.compiler.disable
    def outside(x: Any) -> Any:
        return x * 2

    assert outside(1) == 2
    with pytest.raises(RuntimeError, match="disable"):
        torch.compile(lambda x: outside(x), fullgraph=True)(torch.ones(1))
    f = torch.compile(lambda x: torch.tensor(1.0 if torch.compiler.is_compiling() else 0.0), fullgraph=True)
    assert f(torch.ones(1)).item() == 1 and not torch.compiler.is_compiling()
    with torch.compiler.set_stance("force_eager"):
        assert f(torch.ones(1)).item() == 0
    assert f(torch.ones(1)).item() == 1
    with torch.compiler.set_stance("fail_on_recompile"), pytest.raises(RuntimeError, match="fail_on_recompile"):
        f(torch.ones(2))
    g = lambda x: x
    assert torch.compile(g, backend="eager") is g and torch.compile(g, disable=True) is g
    torch.set_warn_always(True)
    try:
        with pytest.warns(UserWarning, match="programs of fixed shapes"):
            assert torch.compile(g, dynamic=True)(torch.ones(1)).item() == 1
    finally:
        torch.set_warn_always(False)
    with pytest.raises(RuntimeError, match="Invalid backend"):
        torch.compile(g, backend="nonsense")


def test_module_compile_and_decorated_methods() -> None:
    x, _ = data()
    m = mlp()
    want = m(x)
    m.compile(fullgraph=True)
    close(m(x), want)

    class Two:
        factor = 3.0

        @torch.compile(fullgraph=True)
        def scaled(self, x: Any) -> Any:
            return x * self.factor

    a, b = Two(), Two()
    b.factor = 5.0
    assert a.scaled(torch.ones(1)).item() == 3 and b.scaled(torch.ones(1)).item() == 5


def test_nothing_is_kept_alive() -> None:
    x, y = data()
    gc.collect()
    gc.disable()
    try:
        m = mlp()
        known = torch.nn.Module.__call__  # noqa: F841
        import weakref

        gone = weakref.ref(m[0].weight)
        step = torch.compile(stepper(m, torch.optim.SGD(m.parameters(), lr=0.1)), fullgraph=True)
        step(x, y)
        step(x, y)
        del step, m
    finally:
        gc.enable()
    gc.collect()
    assert gone() is None


I = torch.tensor


@pytest.mark.parametrize("body, index", [
    (lambda x, i: x.gather(1, i), I([[0, 3], [1, 0]])),
    (lambda x, i: x.gather(0, i), I([[0, -1]])),
    (lambda x, i: x.index_select(0, i), I([0, 2])),
    (lambda x, i: x.index_select(1, i), I([-1])),
    (lambda x, i: x[i], I([1, 2])),
    (lambda x, i: x[:, i], I([-4])),
    (lambda x, i: x.take(i), I([6])),
    (lambda x, i: x.scatter(1, i, 1.0), I([[3]])),
    (lambda x, i: x.index_add(0, i, x[:1]), I([2])),
    (lambda x, i: F.embedding(i, x), I([2])),
    (lambda x, i: F.cross_entropy(x, i), I([0, 3])),
    (lambda x, i: F.nll_loss(x, i), I([-5, 1])),
])  # fmt: skip
def test_indices_out_of_range(body: Any, index: Any) -> None:
    x = torch.zeros(2, 3, requires_grad=True)
    with pytest.raises((RuntimeError, IndexError)) as eager:
        body(x, index)
    compiled = torch.compile(body, fullgraph=True)
    with pytest.raises(type(eager.value)) as error:
        compiled(x, index)
    assert str(error.value).splitlines()[0] == str(eager.value).splitlines()[0]
    assert programs(compiled) == 1
    fine = torch.zeros_like(index)
    close(compiled(x, fine), body(x, fine))


def test_a_failed_check_leaves_the_state_as_it_was() -> None:
    p = torch.ones(2, 2, dtype=torch.float64)

    @torch.compile(fullgraph=True)
    def step(a: Any) -> Any:
        p.add_(1)
        return torch.linalg.cholesky(a)

    good = torch.eye(2, dtype=torch.float64)
    step(good)
    with pytest.raises(RuntimeError, match="not positive-definite"):
        step(-good)
    assert (p == 2).all()
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        torch.compile(F.binary_cross_entropy, fullgraph=True)(torch.full((2,), 1.5), torch.zeros(2))


def test_parameters_that_begin_to_train() -> None:
    x, y = data()

    def make(compile: bool) -> tuple[Any, Any, nn.Module]:
        m = mlp()
        m[0].requires_grad_(False)
        o = torch.optim.Adam(m[2].parameters(), lr=0.05)
        step = stepper(m, o)
        return (torch.compile(step, fullgraph=True) if compile else step), o, m

    (eager, oa, a), (compiled, ob, b) = make(False), make(True)
    for turn in range(8):
        if turn == 4:
            for o, m in ((oa, a), (ob, b)):
                m[0].requires_grad_(True)
                o.add_param_group({"params": m[0].parameters(), "lr": 0.01})
        close(eager(x, y), compiled(x, y))
    for p, q in zip(a.parameters(), b.parameters()):
        close(p, q, atol=1e-5)
    assert programs(compiled) >= 1


def test_copies_of_expanded_tensors() -> None:
    f = torch.compile(lambda x: (x.expand(3, 2).clone(), x.expand(3, 2).contiguous(memory_format=torch.contiguous_format) + 0),
                      fullgraph=True)  # fmt: skip
    for y in f(torch.tensor([1.0, 2.0])):
        assert y.tolist() == [[1.0, 2.0]] * 3
