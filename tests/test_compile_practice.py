"""What training programs do around a compiled step, and in it: hooks, averages, scalers, changes between calls."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import wengert as torch
from compile_compare import agrees
from wengert import nn
from wengert.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

pytest.importorskip("jax")

Program = Callable[[Any], Any]


class Training:
    """A model, its optimizer, and a compiled step."""

    def __init__(self, C: Any, after: Callable[[Training], Any] = lambda t: None, optimizer: Any = None) -> None:
        self.model = m = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        self.optimizer = o = torch.optim.Adam(m.parameters(), 0.05) if optimizer is None else optimizer(m)

        def step(x: Any) -> Any:
            o.zero_grad()
            loss = self.loss(x)
            loss.backward()
            extra = after(self)
            o.step()
            return loss if extra is None else (loss, extra)

        self.step = C(step)

    def loss(self, x: Any) -> Any:
        return (self.model(x) - x[:, :1]).square().mean()

    def steps(self, n: int) -> list[Any]:
        return [self.step(batch()) for _ in range(n)]

    @property
    def weights(self) -> list[Any]:
        return [p.detach().clone() for p in self.model.parameters()]


def batch() -> Any:
    return torch.randn(5, 3)


# ---------------------------------------------------------------- hooks


def full_backward_hooks(C: Any) -> Any:
    t = Training(C)
    t.model[0].register_full_backward_hook(lambda module, gi, go: (gi[0],))
    t.model[2].register_full_backward_hook(lambda module, gi, go: (gi[0] * 0.5,))
    t.model[2].register_full_backward_pre_hook(lambda module, go: (go[0] * 3,))
    return t.steps(4), t.weights


def full_backward_hooks_of_a_compiled_model(C: Any) -> Any:
    m = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    m[2].register_full_backward_hook(lambda module, gi, go: (gi[0] * 0.5,))
    f, found = C(m), []
    for _ in range(2):
        m.zero_grad()
        x = batch().requires_grad_()
        f(x).square().sum().backward()
        found += [x.grad, *(p.grad for p in m.parameters())]
    return found


def tensor_hooks(C: Any) -> Any:
    t = Training(C)
    t.model[0].weight.register_hook(lambda g: g.clamp(-0.01, 0.01))
    t.model[0].register_forward_hook(lambda module, x, y: y.register_hook(lambda g: g * 2) and None)
    return t.steps(4), t.weights


def optimizers_in_hooks(C: Any) -> Any:
    m = nn.Linear(3, 1)
    optimizers = {p: torch.optim.SGD([p], 0.1) for p in m.parameters()}

    def update(p: Any) -> None:
        optimizers[p].step()
        optimizers[p].zero_grad()

    for p in m.parameters():
        p.register_post_accumulate_grad_hook(update)

    def step(x: Any) -> Any:
        loss = m(x).square().mean()
        loss.backward()
        return loss

    step = C(step)
    return [step(batch()) for _ in range(4)], m.weight, m.weight.grad


def retained_gradients(C: Any) -> Any:
    w = torch.ones(3, requires_grad=True)

    def step(x: Any) -> Any:
        h = x * w
        h.retain_grad()
        h.square().sum().backward()
        return h.grad, h

    step, found = C(step), []
    for _ in range(2):
        g, h = step(batch())
        found += [g, h, h.grad is g]
    return found


# ---------------------------------------------------------------- averages, clipping, scaling


def averaged(C: Any) -> Any:
    average: Any = None

    def update(t: Training) -> None:
        average.update_parameters(t.model)

    t = Training(C, update)
    average = AveragedModel(t.model)
    return t.steps(5), list(average.parameters()), average.n_averaged


def averaged_exponentially(C: Any) -> Any:
    average: Any = None

    def update(t: Training) -> None:
        average.update_parameters(t.model)

    t = Training(C, update)
    average = AveragedModel(t.model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    return t.steps(5), list(average.parameters()), average.n_averaged


def teacher(C: Any) -> Any:
    slow: Any = None

    def follow(t: Training) -> None:
        with torch.no_grad():
            for p, q in zip(t.model.parameters(), slow.parameters()):
                q.mul_(0.9).add_(p, alpha=0.1)
        for p, q in zip(t.model.parameters(), slow.parameters()):
            q.data = q.data * 0.5 + p.data * 0.5

    t = Training(C, follow)
    slow = copy.deepcopy(t.model)
    return t.steps(5), list(slow.parameters())


def clipped(C: Any) -> Any:
    def clip(t: Training) -> Any:
        nn.utils.clip_grad_value_(t.model.parameters(), 0.05)
        return nn.utils.clip_grad_norm_(t.model.parameters(), 0.02)

    t = Training(C, clip)
    return t.steps(4), t.weights


def clipped_or_refused(C: Any) -> Any:
    t = Training(C, lambda t: nn.utils.clip_grad_norm_(t.model.parameters(), 0.02, error_if_nonfinite=True))
    found = t.steps(3)
    with pytest.raises(RuntimeError, match="The total norm of order 2.0 for gradients from `parameters` is non-finite"):
        t.step(batch() * float("nan"))
    return found, t.weights


def scaled(C: Any) -> Any:
    m = nn.Linear(3, 1)
    o = torch.optim.Adam(m.parameters(), 0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**120, growth_interval=2)

    def step(x: Any) -> Any:
        o.zero_grad()
        loss = (m(x) - 1).square().mean()
        scaler.scale(loss).backward()
        scaler.unscale_(o)
        norm = nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        scaler.step(o)
        scaler.update()
        return loss, norm

    step, found = C(step), []
    for k in range(8):
        found += [*step(batch() * (1e18 if k in (1, 5) else 1)), m.weight.detach().clone(), scaler.get_scale()]
    return found, scaler.state_dict()


def scaled_over_two_functions(C: Any) -> Any:
    m = nn.Linear(3, 1)
    o = torch.optim.AdamW(m.parameters(), 0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)

    def micro(x: Any) -> Any:
        loss = m(x).square().mean() / 2
        scaler.scale(loss).backward()
        return loss

    def apply() -> None:
        scaler.step(o)
        scaler.update()
        o.zero_grad()

    micro, apply, found = C(micro), C(apply), []
    for k in range(12):
        found.append(micro(batch() * (1e25 if k == 5 else 1)))
        if k % 2:
            apply()
            found += [scaler.get_scale(), scaler._get_growth_tracker()]
    return found, m.weight


# ---------------------------------------------------------------- what happens between calls


def accumulated(C: Any) -> Any:
    t = Training(C)
    o, found = t.optimizer, []

    def micro(x: Any, last: bool) -> Any:
        loss = t.loss(x) / 4
        loss.backward()
        if last:
            o.step()
            o.zero_grad(set_to_none=False)
        return loss

    micro = C(micro)
    for k in range(12):
        found.append(micro(batch(), k % 4 == 3))
    return found, t.weights, t.model[0].weight.grad


def zeroed_gradients(C: Any) -> Any:
    t = Training(C)

    def step(x: Any) -> Any:
        t.optimizer.zero_grad(set_to_none=False)
        t.loss(x).backward()
        t.optimizer.step()

    step, found = C(step), []
    for _ in range(4):
        step(batch())
        found += [t.model[0].weight.grad.clone()]
    return found, t.weights


def frozen(C: Any) -> Any:
    t = Training(C)
    found = t.steps(3)
    for p in t.model[0].parameters():
        p.requires_grad_(False)
    found += t.steps(3)
    for p in t.model[0].parameters():
        p.requires_grad_(True)
    return found + t.steps(3), t.weights


def replaced_data(C: Any) -> Any:
    t = Training(C)
    m, found = t.model, t.steps(3)
    m[0].weight.data = torch.ones(4, 3)
    found += t.steps(2)
    m[2].weight.data.zero_()
    found += t.steps(2)
    with torch.no_grad():
        m[0].bias.copy_(torch.ones(4))
    found += t.steps(2)
    m[0].weight.data = w = torch.zeros(4, 3)
    return found + t.steps(2), w, t.weights


def saved_and_loaded(C: Any) -> Any:
    t = Training(C)
    m, o, found = t.model, t.optimizer, t.steps(3)
    weights, state = copy.deepcopy(m.state_dict()), copy.deepcopy(o.state_dict())
    found += t.steps(3)
    m.load_state_dict(weights)
    o.load_state_dict(state)
    found += t.steps(3)
    file = io.BytesIO()
    torch.save({"model": m.state_dict(), "optimizer": o.state_dict()}, file)
    found += t.steps(2)
    file.seek(0)
    saved = torch.load(file)
    m.load_state_dict(saved["model"])
    o.load_state_dict(saved["optimizer"])
    found += t.steps(2)
    m.load_state_dict(weights, assign=True)
    return found + t.steps(2), t.weights


def trained_and_evaluated(C: Any) -> Any:
    m = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    o = torch.optim.SGD(m.parameters(), 0.1)

    def step(x: Any) -> Any:
        o.zero_grad()
        loss = m(x).square().mean()
        loss.backward()
        o.step()
        return loss

    step, f, found = C(step), C(lambda x: m(x)), []
    for _ in range(3):
        m.train()
        found.append(step(batch()))
        m.eval()
        with torch.no_grad():
            found.append(f(batch()))
        found.append(f(batch()))
    return found, m[1].running_mean, m[1].num_batches_tracked


def copied(C: Any) -> Any:
    t = Training(C)
    found = t.steps(3)
    twin, pickled = copy.deepcopy(t.model), pickle.loads(pickle.dumps(t.model))
    state = copy.deepcopy(t.optimizer).state_dict()["state"][0]["exp_avg"]
    found += t.steps(2)
    x = batch()
    return found, twin(x), pickled(x), t.model(x), state, twin[0].weight.grad


def another_group(C: Any) -> Any:
    t = Training(C, optimizer=lambda m: torch.optim.Adam(m[0].parameters(), 0.1))
    found = t.steps(3)
    t.optimizer.add_param_group({"params": t.model[2].parameters(), "lr": 0.01})
    return found + t.steps(4), t.weights


def looked_at(C: Any) -> Any:
    t, found = Training(C), []
    for _ in range(3):
        loss = t.step(batch())
        found += [loss.item(), float(loss), repr(loss.detach())[:7], t.model[0].weight.grad.norm()]
        with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
            loss.backward()
    return found


def two_functions_over_one_model(C: Any) -> Any:
    """Weights that eager code looked at are taken in again, by the function that uses them next."""
    m = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    def update(rate: float) -> Any:
        def step(x: Any) -> Any:
            m.zero_grad()
            loss = m(x).square().mean()
            loss.backward()
            with torch.no_grad():
                for p in m.parameters():
                    p -= rate * p.grad
            return loss

        return C(step)

    f, g, found = update(0.1), update(0.2), []
    for k in range(4):
        found += [f(batch()), m[0].weight.sum(), g(batch()), m[2].weight.sum(), m[0].bias.sum(), f(batch()), g(batch())]
        if k % 2:
            found += [f(batch()), f(batch()), [p.sum() for p in m.parameters()]]
    return found


def changing_rates_of_dropout(C: Any) -> Any:
    found = []
    for _ in range(3):
        m = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.1), nn.Linear(6, 1))
        o = torch.optim.SGD(m.parameters(), 0.1)

        def step(x: Any, m: Any = m, o: Any = o) -> Any:
            loss = m(x).square().mean()
            o.zero_grad()
            loss.backward()
            o.step()
            return loss

        step = C(step)
        for k in range(6):
            m[1].p = 0.1 * k
            found.append(step(torch.randn(5, 4)))
    return found


# ---------------------------------------------------------------- weights made of others


def weights_of_hooks(C: Any) -> Any:
    found = []
    for wrapped in (
        lambda m: nn.utils.spectral_norm(m), lambda m: nn.utils.weight_norm(m),
        lambda m: nn.utils.prune.l1_unstructured(m, "weight", 0.5), lambda m: nn.utils.parametrizations.weight_norm(m),
        lambda m: nn.utils.parametrizations.spectral_norm(m), lambda m: nn.utils.parametrizations.orthogonal(m),
    ):  # fmt: skip
        m = nn.Sequential(wrapped(nn.Linear(4, 4)), nn.ReLU(), nn.Linear(4, 1))
        o = torch.optim.SGD(m.parameters(), 0.05)

        def step(x: Any, m: Any = m, o: Any = o) -> Any:
            loss = m(x).square().mean()
            o.zero_grad()
            loss.backward()
            o.step()
            return loss

        step = C(step)
        found += [step(torch.randn(5, 4)) for _ in range(3)] + [m[0].weight]
    return found


def a_kept_graph_is_used_later(C: Any) -> Any:
    w = torch.ones(3, requires_grad=True)
    m = nn.Module()
    m.last = None

    def fn(x: Any) -> Any:
        m.last = x * w
        return m.last.sum()

    f, found = C(fn), []
    for _ in range(3):
        w.grad = None
        y = f(batch())
        (y + m.last.square().sum()).backward()
        found += [y, m.last, w.grad]
    return found


class Recurrent(nn.Module):
    """Goes on where the last batch ended."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.cells = getattr(nn, kind)(3, 4, batch_first=True)
        self.state: Any = None

    def forward(self, x: Any) -> Any:
        y, state = self.cells(x, self.state)
        self.state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        return y


def states_that_are_kept(C: Any) -> Any:
    found = []
    for kind in ("LSTM", "GRU"):
        m = Recurrent(kind)
        o = torch.optim.SGD(m.parameters(), 0.1)

        def step(x: Any, m: Any = m, o: Any = o) -> Any:
            o.zero_grad()
            loss = m(x).square().mean()
            loss.backward()
            o.step()
            return loss

        step = C(step)
        for k in range(6):
            if k == 3:
                m.state = None
            found += [step(torch.randn(2, 5, 3)), m.state]
        m.state = tuple(s * 2 for s in m.state) if kind == "LSTM" else m.state * 2
        found += [step(torch.randn(2, 5, 3)), step(torch.randn(2, 5, 3)), m.state]
    return found


class Sharpness(torch.optim.Optimizer):
    """Two steps: up to where the loss is worst nearby, and from there down."""

    def __init__(self, params: Any, base: Any) -> None:
        super().__init__(params, {"rho": 0.05})
        self.base = base(self.param_groups)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def up(self) -> None:
        params = [p for g in self.param_groups for p in g["params"]]
        norm = torch.stack([p.grad.norm() for p in params]).norm()
        for p in params:
            self.state[p]["before"] = p.data.clone()
            p.add_(p.grad * (0.05 / (norm + 1e-12)))
        self.zero_grad()

    @torch.no_grad()
    def down(self) -> None:
        for g in self.param_groups:
            for p in g["params"]:
                p.data = self.state[p]["before"]
        self.base.step()
        self.zero_grad()


def two_step_optimizers(C: Any) -> Any:
    m = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    o = Sharpness(m.parameters(), lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9))

    def step(x: Any) -> Any:
        loss = m(x).square().mean()
        loss.backward()
        o.up()
        m(x).square().mean().backward()
        o.down()
        return loss

    step = C(step)
    return [step(batch()) for _ in range(6)], list(m.parameters()), o.state[m[0].weight]["before"]


def closures_of_lbfgs(C: Any) -> Any:
    m, x = nn.Linear(3, 1), batch()
    o = torch.optim.LBFGS(m.parameters(), lr=0.5, max_iter=4)

    def closure() -> Any:
        o.zero_grad()
        loss = (m(x) - 1).square().mean()
        loss.backward()
        return loss

    closure = C(closure)
    return [o.step(closure) for _ in range(5)], m.weight


# ---------------------------------------------------------------- tables


def rows_of_bounded_norm(C: Any) -> Any:
    table, last = nn.Embedding(6, 3, max_norm=0.5), nn.Linear(3, 1)
    o = torch.optim.SGD([*table.parameters(), *last.parameters()], 0.1)

    def step(i: Any) -> Any:
        o.zero_grad()
        loss = last(table(i)).square().mean()
        loss.backward()
        o.step()
        return loss

    step = C(step)
    return [step(torch.randint(0, 6, (4,))) for _ in range(4)], table.weight


def bags(C: Any) -> Any:
    found = []
    for mode in ("mean", "sum", "max"):
        table = nn.EmbeddingBag(6, 3, mode=mode)

        def fn(i: Any, starts: Any, table: Any = table) -> Any:
            table.zero_grad()
            y = table(i, starts)
            y.square().sum().backward()
            return y

        f = C(fn)
        for k in range(3):
            found += [f(torch.randint(0, 6, (7,)), torch.tensor([0, 2, 2 + k, 7])), table.weight.grad]
        with pytest.raises(RuntimeError, match="offsets.0. has to be 0"):
            f(torch.randint(0, 6, (7,)), torch.tensor([1, 2, 2, 3]))
        with pytest.raises(RuntimeError, match=r"offsets\[-1\] can not be greater than input's length 7"):
            f(torch.randint(0, 6, (7,)), torch.tensor([0, 2, 2, 8]))
    return found


PROGRAMS: list[Program] = [
    full_backward_hooks, full_backward_hooks_of_a_compiled_model, tensor_hooks, optimizers_in_hooks, retained_gradients,
    averaged, averaged_exponentially, teacher, clipped, clipped_or_refused, scaled, accumulated, zeroed_gradients, frozen,
    replaced_data, saved_and_loaded, trained_and_evaluated, copied, another_group, looked_at, rows_of_bounded_norm, bags,
    scaled_over_two_functions, two_functions_over_one_model, changing_rates_of_dropout, weights_of_hooks,
    a_kept_graph_is_used_later, states_that_are_kept, two_step_optimizers, closures_of_lbfgs,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_practice(program: Program) -> None:
    agrees(program, whole=True)


def test_hooks_with_side_effects_run_eagerly() -> None:
    def program(C: Any) -> Any:
        t, log = Training(C), []
        t.model[2].register_full_backward_hook(lambda module, gi, go: log.append(1))
        return t.steps(3), len(log)

    agrees(program)
