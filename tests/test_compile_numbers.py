"""Learning rates, schedulers, counters and flags that a compiled function changes are what they are eagerly."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import wengert as torch
from compile_compare import agrees
from wengert import nn
from wengert.optim import lr_scheduler as lrs
from wengert.optim.swa_utils import SWALR

pytest.importorskip("jax")


class Trainer:
    def __init__(self) -> None:
        self.model = nn.Linear(2, 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.25, momentum=0.5)
        self.steps = 0
        self.first = True
        self.average = 0.0
        self.kind = "a"
        self.last: Any = None

    def train(self, x: Any) -> Any:
        self.optimizer.zero_grad()
        loss = (self.model(x) - 1).square().mean()
        loss.backward()
        self.optimizer.step()
        return loss

    @property
    def rate(self) -> Any:
        return self.optimizer.param_groups[0]["lr"]


def compiled_once(program: Callable[[Any], Any], programs: int = 1) -> None:
    """It agrees, without a warning, and no more programs are made than that."""
    made: list[Any] = []

    def noted(C: Any) -> Any:
        def note(fn: Any) -> Any:
            made.append(C(fn))
            return made[-1]

        return program(note)

    agrees(noted, whole=True)
    assert len(made[-1]._compiled.entries) <= programs


# ---------------------------------------------------------------- schedulers

SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: lrs.StepLR(o, 2, 0.5),
    "ExponentialLR": lambda o: lrs.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: lrs.CosineAnnealingLR(o, 5),
    "LambdaLR": lambda o: lrs.LambdaLR(o, lambda epoch: 0.9**epoch),
    "CosineAnnealingWarmRestarts": lambda o: lrs.CosineAnnealingWarmRestarts(o, 3),
    "OneCycleLR": lambda o: lrs.OneCycleLR(o, 1.0, total_steps=20, cycle_momentum=False),
    "SequentialLR": lambda o: lrs.SequentialLR(o, [lrs.ConstantLR(o, 0.1, 3), lrs.ExponentialLR(o, 0.9)], [3]),
    "ChainedScheduler": lambda o: lrs.ChainedScheduler([lrs.ConstantLR(o, 0.1, 3), lrs.ExponentialLR(o, 0.9)]),
    "SWALR": lambda o: SWALR(o, 0.05),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_step_inside(name: str) -> None:
    def program(C: Any) -> Any:
        t = Trainer()
        scheduler = SCHEDULERS[name](t.optimizer)

        def step(x: Any) -> Any:
            before = t.rate, scheduler.get_last_lr()
            loss = t.train(x)
            scheduler.step()
            return loss, before, scheduler.get_last_lr(), t.rate

        step = C(step)
        return [step(torch.randn(4, 2)) for _ in range(8)], t.rate, scheduler.state_dict()["_last_lr"], t.model.weight

    compiled_once(program)


def test_a_scheduler_that_watches_the_loss() -> None:
    def program(C: Any) -> Any:
        t = Trainer()
        scheduler = lrs.ReduceLROnPlateau(t.optimizer, patience=1, threshold=0.5)

        def step(x: Any) -> Any:
            loss = t.train(x)
            scheduler.step(loss.detach())
            return loss

        step = C(step)
        return [step(torch.ones(4, 2)) for _ in range(9)], t.rate, scheduler.num_bad_epochs

    compiled_once(program)


def test_what_a_scheduler_changes_is_not_looked_at_after_its_step() -> None:
    for look in (lambda t, s: t.rate * 2, lambda t, s: s.last_epoch):

        def program(C: Any, look: Any = look) -> Any:
            t = Trainer()
            scheduler = lrs.StepLR(t.optimizer, 2, 0.5)

            def step(x: Any) -> Any:
                t.train(x)
                scheduler.step()
                return look(t, scheduler)

            step = C(step)
            return [step(torch.ones(4, 2)) for _ in range(4)]

        agrees(program)
        with pytest.raises(RuntimeError, match="scheduler"):
            agrees(program, whole=True)


# ---------------------------------------------------------------- numbers


def rate_times(t: Trainer, x: Any) -> Any:
    old = t.rate
    loss = t.train(x)
    t.optimizer.param_groups[0]["lr"] *= 0.9
    return loss, old, t.rate


def rate_set(t: Trainer, x: Any) -> Any:
    t.optimizer.param_groups[0]["lr"] = 0.01
    return t.train(x)


def warmed_up(t: Trainer, x: Any) -> Any:
    t.steps += 1
    for group in t.optimizer.param_groups:
        group["lr"] = 0.25 * min(1, t.steps / 4)
    return t.train(x)


def counted(t: Trainer, x: Any) -> Any:
    t.steps += 1
    return t.train(x), t.steps, -t.steps // 2


def accumulated(t: Trainer, x: Any) -> Any:
    loss = (t.model(x) - 1).square().mean()
    (loss / 4).backward()
    t.steps += 1
    if t.steps % 4 == 0:
        t.optimizer.step()
        t.optimizer.zero_grad()
    return loss


def in_tensors(t: Trainer, x: Any) -> Any:
    t.steps += 1
    return x * t.steps, x.long() * t.steps, x**t.steps, t.steps * 0.5 - x, x[0, 0] / t.steps, x / (1 - 0.9**t.steps)


def decayed(t: Trainer, x: Any) -> Any:
    t.steps += 1
    decay = min(0.9, 1 - 1 / (t.steps + 1))
    t.model.weight.data.mul_(decay).add_(x[:1], alpha=1 - decay)
    return torch.mul(x, decay), x.sub(t.steps), torch.add(x, x, alpha=decay)


def averaged(t: Trainer, x: Any) -> Any:
    t.average = 0.9 * t.average + 0.1
    return x * t.average, x.sum() * t.average


def set_again(t: Trainer, x: Any) -> Any:
    t.average += 1.5
    y = x * t.average
    t.average = 0.25
    t.steps = 7
    return y


def only_once(t: Trainer, x: Any) -> Any:
    if t.first:
        t.first = False
        return x * 2
    return x * 3


def by_name(t: Trainer, x: Any) -> Any:
    t.kind = "b" if t.kind == "a" else "a"
    return x * (2 if t.kind == "a" else 3)


def in_a_ring(t: Trainer, x: Any) -> Any:
    t.steps = (t.steps + 1) % 3
    return x * [1.0, 2.0, 3.0][t.steps]


def forgotten(t: Trainer, x: Any) -> Any:
    h = x if t.last is None else t.last * 0.5 + x
    t.steps += 1
    t.last = None if t.steps % 3 == 0 else h
    return h


@pytest.mark.parametrize("step, programs", [
    (rate_times, 1), (rate_set, 1), (warmed_up, 2), (counted, 1), (accumulated, 4), (in_tensors, 1), (averaged, 1),
    (decayed, 2), (set_again, 1), (only_once, 2), (by_name, 2), (in_a_ring, 3), (forgotten, 4),
], ids=lambda p: getattr(p, "__name__", ""))  # fmt: skip
def test_numbers_that_the_function_changes(step: Any, programs: int) -> None:
    def program(C: Any) -> Any:
        t = Trainer()
        f = C(lambda x: step(t, x))
        found = []
        for _ in range(12):
            found += [f(torch.randn(4, 2)), t.rate, t.steps, t.first, t.average, t.kind, t.last]
        return found, t.model.weight

    compiled_once(program, programs)


def test_numbers_that_others_change_have_no_say_about_the_dtype() -> None:
    def program(C: Any) -> Any:
        t = Trainer()

        def fn(x: Any) -> Any:
            loss = x.sum() + t.average * x.mean()
            slope = nn.functional.leaky_relu(x - 2, t.average)
            return loss, x.long().sum() * t.average, (t.average * 2 + 1) * loss, slope, torch.add(x, x, alpha=t.average)

        f, found = C(fn), []
        for k in range(4):
            t.average = k / 4
            found += f(torch.ones(3))
        return found

    compiled_once(program, 2)


def test_arguments_that_are_other_floats_at_each_call() -> None:
    def program(C: Any) -> Any:
        t = Trainer()

        def step(x: Any, y: Any, share: float, *, scale: float = 1.0) -> Any:
            t.optimizer.zero_grad()
            z = t.model(share * x + (1 - share) * x.flip(0))
            loss = share * (z - y).square().mean() * scale + (1 - share) * z.mean()
            loss.backward()
            t.optimizer.step()
            return loss, share, x.sum() * share

        step, found = C(step), []
        for k in range(10):
            found += step(torch.randn(4, 2), torch.randn(4, 1), 1 / (k + 2), scale=1 + k / 8)
        f = C(lambda x, s: (x * s).exp())
        for k in range(4):
            x = torch.ones(2, requires_grad=True)
            f(x, k / 2).sum().backward()
            found.append(x.grad)
        return found, t.model.weight

    compiled_once(program, 2)


def test_arguments_that_decide_something_are_known() -> None:
    def program(C: Any) -> Any:
        f = C(lambda x, s: x * s if s > 0.5 else x - s)
        return [f(torch.ones(2), k / 8) for k in range(6)]

    agrees(program, whole=True)


GLOBAL = 0


def test_a_counter_beside_an_attribute_that_the_function_makes() -> None:
    def program(C: Any) -> Any:
        class State:
            count = 0

        s = State()
        s.count = 0

        def f(x: Any) -> Any:
            s.count += 1
            s.last = x * 2  # type: ignore[attr-defined]
            return x + 1

        f = C(f)
        return [(f(torch.ones(2)), s.count, s.last) for _ in range(4)]  # type: ignore[attr-defined]

    agrees(program)


def test_counters_that_are_variables() -> None:
    def program(C: Any) -> Any:
        global GLOBAL
        GLOBAL, n = 0, 0

        def step(x: Any) -> Any:
            global GLOBAL
            nonlocal n
            GLOBAL += 1
            n += GLOBAL
            return x + n

        step = C(step)
        return [step(torch.ones(2)) for _ in range(10)], GLOBAL, n

    compiled_once(program)


def test_numbers_whose_text_is_asked_for_run_eagerly_in_the_end() -> None:
    def program(C: Any) -> Any:
        t = Trainer()

        def step(x: Any) -> Any:
            t.steps += 1
            return x * 2, f"step {t.steps}"

        step = C(step)
        return [step(torch.ones(2)) for _ in range(12)], t.steps

    agrees(program)


def test_numbers_of_a_step_that_is_refused_are_changed_once() -> None:
    t = Trainer()

    def step(x: Any) -> Any:
        t.steps += 1
        t.average += 0.5
        return x * float(x.sum())

    f = torch.compile(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            f(torch.ones(2))
    assert (t.steps, t.average) == (3, 1.5)


def test_gradients_that_are_written_and_then_dropped() -> None:
    def program(C: Any) -> Any:
        w = torch.ones(2, requires_grad=True)

        def step(x: Any) -> Any:
            (x * w).sum().backward()
            with torch.no_grad():
                w.sub_(w.grad * 0.1)
            w.grad = None

        step, found = C(step), []
        for k in range(3):
            w.grad = g = torch.ones(2) * k
            step(torch.ones(2))
            found += [w.detach().clone(), g, w.grad]
        return found

    agrees(program, whole=True)
