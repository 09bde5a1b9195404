"""Every schedule against PyTorch, epoch by epoch: rates, momenta, states, warnings and errors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import wengert
import wengert.optim
from wengert.optim import lr_scheduler as ours_scheduler

torch = pytest.importorskip("torch")

EPOCHS = 14


def optimizer(lib: Any, groups: int = 2, name: str = "SGD", **options: Any) -> Any:
    if name == "SGD":
        options.setdefault("momentum", 0.9)
    params = [
        {"params": [lib.tensor([1.0], requires_grad=True)], "lr": 0.1 * (i + 1)} for i in range(groups)
    ]
    return getattr(lib.optim, name)(params, **options)


def half(epoch: int) -> float:
    return 0.5**epoch


def sawtooth(x: float) -> float:
    return 1 / (1 + x)


SCHEDULES: dict[str, Callable[[Any, Any], Any]] = {
    "lambda": lambda s, o: s.LambdaLR(o, half),
    "lambdas": lambda s, o: s.LambdaLR(o, [half, lambda e: 1 / (e + 1)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9),
    "step": lambda s, o: s.StepLR(o, 3, gamma=0.5),
    "multistep": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9], gamma=0.3),
    "constant": lambda s, o: s.ConstantLR(o, factor=0.25, total_iters=4),
    "linear": lambda s, o: s.LinearLR(o, start_factor=0.3, end_factor=0.8, total_iters=6),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.9),
    "polynomial": lambda s, o: s.PolynomialLR(o, total_iters=6, power=1.7),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, T_max=4, eta_min=0.01),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=3, eta_min=0.01),
    "longer restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=2, T_mult=2),
    "triangular": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=3, step_size_down=2),
    "triangular2": lambda s, o: s.CyclicLR(o, [0.01, 0.02], 0.1, step_size_up=2, mode="triangular2"),
    "exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 3, mode="exp_range", gamma=0.9, cycle_momentum=False),
    "scale_fn": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 3, scale_fn=sawtooth, scale_mode="iterations"),
    "one cycle": lambda s, o: s.OneCycleLR(o, [0.5, 0.7], total_steps=20),
    "one cycle, linear, three phases": lambda s, o: s.OneCycleLR(
        o, 0.5, epochs=4, steps_per_epoch=5, anneal_strategy="linear", three_phase=True, pct_start=0.4
    ),
    "sequential": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.5, 3), s.ExponentialLR(o, 0.9), s.StepLR(o, 2)], milestones=[3, 7]
    ),
    "sequential, multiplicative": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o), s.MultiplicativeLR(o, lambda e: 0.8)], milestones=[5]
    ),
    "sequential, cosine": lambda s, o: s.SequentialLR(o, [s.LinearLR(o), s.CosineAnnealingLR(o, 6)], milestones=[4]),
    "sequential of sequential": lambda s, o: s.SequentialLR(
        o, [s.SequentialLR(o, [s.ConstantLR(o), s.LinearLR(o)], [2]), s.ExponentialLR(o, 0.5)], milestones=[6]
    ),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9)]),
}


def view(scheduler: Any) -> Any:
    def simple(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: simple(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [simple(v) for v in value]
        return float(value) if isinstance(value, float) or hasattr(value, "item") else value

    keep = ("lr", "initial_lr", "momentum", "betas", "max_lr", "min_lr", "max_momentum", "base_momentum")
    groups = [{k: g[k] for k in keep if k in g} for g in scheduler.optimizer.param_groups]
    return simple(groups), simple(scheduler.get_last_lr()), simple(scheduler.state_dict())


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15) if isinstance(a, float) else bool(a == b)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_schedule(name: str, kind: str) -> None:
    make = SCHEDULES[name]
    oa, ob = optimizer(wengert, name=kind), optimizer(torch, name=kind)
    a, b = make(ours_scheduler, oa), make(torch.optim.lr_scheduler, ob)
    for _ in range(EPOCHS):
        assert same(list(view(a)), list(view(b))), (view(a), view(b))
        oa.step()
        ob.step()
        a.step()
        b.step()


@pytest.mark.parametrize("name", SCHEDULES)
def test_state_dict_resumes(name: str) -> None:
    make = SCHEDULES[name]
    o = optimizer(wengert)
    a = make(ours_scheduler, o)
    for _ in range(5):
        o.step()
        a.step()
    other = optimizer(wengert)
    b = make(ours_scheduler, other)
    b.load_state_dict(a.state_dict())
    other.load_state_dict(o.state_dict())
    for _ in range(6):
        o.step()
        other.step()
        a.step()
        b.step()
        assert same(list(view(a)), list(view(b)))


@pytest.mark.parametrize(
    "name", ["step", "multistep", "constant", "linear", "exponential", "polynomial", "cosine", "lambda", "restarts"]
)
def test_jumping_to_an_epoch(name: str) -> None:
    make = SCHEDULES[name]
    oa, ob = optimizer(wengert), optimizer(torch)
    a, b = make(ours_scheduler, oa), make(torch.optim.lr_scheduler, ob)
    for o in (oa, ob):
        o.step()
    for epoch in (1, 7, 3, 0, 12):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            a.step(epoch)
            b.step(epoch)
        assert same(list(view(a)), list(view(b)))
        assert len({str(w.message) for w in caught}) <= 1


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 0, "cooldown": 2, "min_lr": 0.02},
        {"mode": "max", "patience": 1, "threshold": 0.1, "threshold_mode": "abs"},
        {"mode": "max", "patience": 0, "threshold": 0.5, "min_lr": [0.001, 0.05]},
        {"threshold_mode": "abs", "patience": 0, "factor": 0.5, "eps": 0.03},
    ],
)
def test_plateau(options: dict[str, Any]) -> None:
    a = ours_scheduler.ReduceLROnPlateau(optimizer(wengert), **options)
    b = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer(torch), **options)
    for metric in [1.0, 0.9, 0.95, 0.91, 0.91, 0.2, 0.3, 0.3, 0.3, 0.1, math.nan, 0.5]:
        a.step(metric)
        b.step(metric)
        assert same(list(view(a)), list(view(b)))
        assert a.in_cooldown == b.in_cooldown


def outcome(f: Callable[[Any, Any], Any], lib: Any) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            f(lib, lib.optim.lr_scheduler)
            result: Any = None
        except Exception as error:
            result = (type(error).__name__, str(error))
    return result, [(w.category.__name__, str(w.message), w.filename) for w in caught if w.category is UserWarning]


def stepped(scheduler: Any, times: int = 1) -> Any:
    for _ in range(times):
        scheduler.step()
    return scheduler


def override(lib: Any, s: Any) -> None:
    o = optimizer(lib)
    scheduler = s.StepLR(o, 1)
    o.step = lambda: None
    scheduler.step()


ERRORS: dict[str, Callable[[Any, Any], Any]] = {
    "not an optimizer": lambda t, s: s.StepLR(3, 1),
    "not an optimizer, plateau": lambda t, s: s.ReduceLROnPlateau(3),
    "not an optimizer, cyclic": lambda t, s: s.CyclicLR(3, 1, 2),
    "not an optimizer, one cycle": lambda t, s: s.OneCycleLR(3, 1, 2),
    "resume without initial_lr": lambda t, s: s.StepLR(optimizer(t), 1, last_epoch=2),
    "too few lambdas": lambda t, s: s.LambdaLR(optimizer(t), [half]),
    "too few factors": lambda t, s: s.MultiplicativeLR(optimizer(t), [half]),
    "not a function": lambda t, s: s.MultiplicativeLR(optimizer(t), 2),
    "constant factor": lambda t, s: s.ConstantLR(optimizer(t), 2),
    "start factor": lambda t, s: s.LinearLR(optimizer(t), 0),
    "end factor": lambda t, s: s.LinearLR(optimizer(t), 1, 2),
    "no schedules": lambda t, s: s.SequentialLR(optimizer(t), [], []),
    "no milestones": lambda t, s: (lambda o: s.SequentialLR(o, [s.ConstantLR(o)], [1]))(optimizer(t)),
    "another optimizer": lambda t, s: (lambda o: s.SequentialLR(o, [s.ConstantLR(o), s.ConstantLR(optimizer(t))], [1]))(
        optimizer(t)
    ),
    "not a schedule": lambda t, s: (lambda o: s.SequentialLR(o, [s.ConstantLR(o), 3], [1]))(optimizer(t)),
    "plateau in sequence": lambda t, s: (
        lambda o: s.SequentialLR(o, [s.ConstantLR(o), s.ReduceLROnPlateau(o)], [1])
    )(optimizer(t)),
    "no chain": lambda t, s: s.ChainedScheduler([]),
    "chain of two optimizers": lambda t, s: s.ChainedScheduler(
        [s.ConstantLR(optimizer(t)), s.ConstantLR(optimizer(t))]
    ),
    "plateau in chain": lambda t, s: (lambda o: s.ChainedScheduler([s.ConstantLR(o), s.ReduceLROnPlateau(o)]))(
        optimizer(t)
    ),
    "factor": lambda t, s: s.ReduceLROnPlateau(optimizer(t), factor=1.0),
    "min_lrs": lambda t, s: s.ReduceLROnPlateau(optimizer(t), min_lr=[1]),
    "mode": lambda t, s: s.ReduceLROnPlateau(optimizer(t), mode="x"),
    "threshold mode": lambda t, s: s.ReduceLROnPlateau(optimizer(t), threshold_mode="x"),
    "cyclic mode": lambda t, s: s.CyclicLR(optimizer(t), 0.1, 0.2, mode="x"),
    "cyclic lengths": lambda t, s: s.CyclicLR(optimizer(t), [0.1], 0.2),
    "no momentum": lambda t, s: s.CyclicLR(optimizer(t, name="Adagrad"), 0.1, 0.2),
    "T_0": lambda t, s: s.CosineAnnealingWarmRestarts(optimizer(t), 0),
    "T_mult": lambda t, s: s.CosineAnnealingWarmRestarts(optimizer(t), 1, 0),
    "eta_min": lambda t, s: s.CosineAnnealingWarmRestarts(optimizer(t), 1, 1, "a"),
    "negative epoch": lambda t, s: s.CosineAnnealingWarmRestarts(optimizer(t), 1).step(-1),
    "no total": lambda t, s: s.OneCycleLR(optimizer(t), 0.1),
    "total": lambda t, s: s.OneCycleLR(optimizer(t), 0.1, -1),
    "epochs": lambda t, s: s.OneCycleLR(optimizer(t), 0.1, epochs=0, steps_per_epoch=1),
    "steps per epoch": lambda t, s: s.OneCycleLR(optimizer(t), 0.1, epochs=2, steps_per_epoch=0),
    "pct_start": lambda t, s: s.OneCycleLR(optimizer(t), 0.1, 10, pct_start=2),
    "anneal": lambda t, s: s.OneCycleLR(optimizer(t), 0.1, 10, anneal_strategy="x"),
    "max_lr": lambda t, s: s.OneCycleLR(optimizer(t), [0.1], 10),
    "too many steps": lambda t, s: stepped(s.OneCycleLR(optimizer(t), 0.1, 2), 3),
    "too early": lambda t, s: stepped(s.StepLR(optimizer(t), 1)),
    "overridden": override,
    "get_lr": lambda t, s: s.StepLR(optimizer(t), 1).get_lr(),
    "abstract": lambda t, s: s.LRScheduler(optimizer(t)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_and_warnings(name: str) -> None:
    ours, theirs = outcome(ERRORS[name], wengert), outcome(ERRORS[name], torch)
    if name == "get_lr":  # PyTorch blames a file of its own
        ours, theirs = [(r, [w[:2] for w in ws]) for r, ws in (ours, theirs)]
    assert ours == theirs


def test_a_plateau_notices_new_groups() -> None:
    o = optimizer(wengert, groups=1)
    free = ours_scheduler.ReduceLROnPlateau(o, patience=0)
    fixed = ours_scheduler.ReduceLROnPlateau(o, patience=0, min_lr=[0.0])
    o.add_param_group({"params": [wengert.tensor([1.0], requires_grad=True)], "lr": 1.0})
    for scheduler in (free, fixed):
        scheduler.step(1.0)
    free.step(2.0)
    assert free.get_last_lr() == [0.010000000000000002, 0.1]
    with pytest.raises(RuntimeError, match="differs from when `ReduceLROnPlateau` was initialized"):
        fixed.step(2.0)


def test_a_tensor_rate_is_filled_in_place() -> None:
    lr = wengert.tensor(0.5)
    o = wengert.optim.SGD([wengert.tensor([1.0], requires_grad=True)], lr=lr)
    scheduler = ours_scheduler.ExponentialLR(o, 0.5)
    o.step()
    scheduler.step()
    assert o.param_groups[0]["lr"] is lr
    assert lr.item() == 0.25
    assert scheduler.base_lrs[0].item() == 0.5
    assert scheduler.get_last_lr()[0] is not lr


def test_callable_objects_are_saved() -> None:
    class Rate:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __call__(self, epoch: int) -> float:
            return self.factor**epoch

    a = ours_scheduler.LambdaLR(optimizer(wengert, groups=1), Rate(0.5))
    b = ours_scheduler.LambdaLR(optimizer(wengert, groups=1), Rate(0.9))
    b.load_state_dict(a.state_dict())
    assert b.lr_lambdas[0].factor == 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 4])
def test_swalr(strategy: Any, epochs: int) -> None:
    from torch.optim.swa_utils import SWALR as theirs

    from wengert.optim.swa_utils import SWALR as ours

    oa, ob = optimizer(wengert), optimizer(torch)
    a = ours(oa, [0.01, 0.5], anneal_epochs=epochs, anneal_strategy=strategy)
    b = theirs(ob, [0.01, 0.5], anneal_epochs=epochs, anneal_strategy=strategy)  # type: ignore[arg-type]
    for _ in range(8):
        oa.step()
        ob.step()
        a.step()
        b.step()
        assert same(list(view(a)), list(view(b)))
