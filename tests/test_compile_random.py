"""Random numbers in compiled functions are those of the eager run, one by one, and leave the generators where it does."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as torch
from compile_compare import agrees
from wengert import nn
from wengert.utils.checkpoint import checkpoint, checkpoint_sequential

pytest.importorskip("jax")


def blocks() -> nn.ModuleList:
    return nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Dropout(0.5)) for _ in range(3)])


# ---------------------------------------------------------------- generators


def test_seeding_inside() -> None:
    def program(C: Any) -> Any:
        other = torch.Generator()

        def fn(x: Any) -> Any:
            before = torch.rand(2)
            with torch.random.fork_rng():
                torch.manual_seed(5)
                noise = torch.randn(2)
            own = torch.Generator().manual_seed(3)
            state = other.get_state()
            twice = torch.rand(2, generator=other)
            other.set_state(state)
            return x + noise, before, torch.rand(2), torch.rand(2, generator=own), twice, torch.rand(2, generator=other)

        f, found = C(fn), []
        for _ in range(3):
            found += f(torch.ones(2))
        return found, torch.rand(1), torch.rand(1, generator=other)

    agrees(program, whole=True)


def test_states_are_had_and_seeds_last() -> None:
    def program(C: Any) -> Any:
        def fn() -> Any:
            first = torch.rand(2)
            state = torch.get_rng_state()
            torch.manual_seed(1)
            return first, state

        f, found = C(fn), []
        for k in range(3):
            found += [*f(), torch.rand(1)]
            torch.manual_seed(k)
        return found

    agrees(program, whole=True)


def test_states_from_outside_run_eagerly() -> None:
    def program(C: Any) -> Any:
        state = torch.get_rng_state()

        def fn() -> Any:
            torch.set_rng_state(state)
            return torch.rand(2)

        f = C(fn)
        return f(), f()

    agrees(program)
    with pytest.raises(RuntimeError, match="a state that is not known"):
        agrees(program, whole=True)


# ---------------------------------------------------------------- checkpoints


@pytest.mark.parametrize("preserve", [True, False])
@pytest.mark.parametrize("reentrant", [True, False])
def test_a_step_with_checkpoints(reentrant: bool, preserve: bool) -> None:
    def program(C: Any) -> Any:
        m = blocks()
        o = torch.optim.SGD(m.parameters(), 0.1)

        def step(x: Any) -> Any:
            o.zero_grad()
            h = x
            for block in m:
                h = checkpoint(block, h, use_reentrant=reentrant, preserve_rng_state=preserve)
            loss = h.square().mean()
            loss.backward()
            o.step()
            return loss

        step = C(step)
        return [step(torch.randn(5, 4, requires_grad=True)) for _ in range(3)], torch.rand(1), m[0][0].weight

    agrees(program, whole=True)


@pytest.mark.parametrize("preserve", [True, False])
def test_a_model_with_checkpoints(preserve: bool) -> None:
    def program(C: Any) -> Any:
        m, found = blocks(), []
        f = C(lambda x: checkpoint_sequential(m, 2, x, use_reentrant=False, preserve_rng_state=preserve))
        for _ in range(2):
            m.zero_grad()
            f(torch.randn(5, 4)).square().sum().backward()
            found += [m[0][0].weight.grad, torch.rand(1)]
        return found

    agrees(program, whole=preserve)
    if not preserve:
        with pytest.raises(RuntimeError, match="drawn by the backward"):
            agrees(program, whole=True)


