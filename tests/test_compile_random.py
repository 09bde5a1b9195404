"""Random numbers in compiled functions are those of the eager run, one by one, and leave the generators where it does."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as torch
from compile_compare import agrees
from wengert import distributions as D
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




# ---------------------------------------------------------------- parameters that the program computes


def chances(w: Any) -> Any:
    return (w * 1.1).clamp(0, 1)


def chosen(w: Any) -> Any:
    policy = D.Categorical(logits=w * 3)
    action = policy.sample()
    return action, policy.log_prob(action), policy.entropy()


def flipped(w: Any) -> Any:
    coin = D.Bernoulli(probs=chances(w))
    return coin.log_prob(coin.sample())


#: name -> the function, of weights
DRAWS: dict[str, Any] = {
    "bernoulli": lambda w: torch.bernoulli(chances(w)),
    "bernoulli in float64": lambda w: torch.bernoulli(chances(w).double()),
    "bernoulli in place": lambda w: torch.empty(4, 5, dtype=torch.int64).bernoulli_(chances(w)),
    "one of many": lambda w: torch.multinomial(w * 2, 1),
    "some of many": lambda w: torch.multinomial(w * 2, 3),
    "of columns": lambda w: torch.multinomial((w * 2).t(), 2),
    "with replacement": lambda w: torch.multinomial(w * 2, 7, replacement=True),
    "of one row": lambda w: torch.multinomial(w[0] * 2, 7, replacement=True),
    "normal": lambda w: torch.normal(w * 2, w + 1),
    "normal of mean": lambda w: torch.normal(w * 2, 1.5),
    "normal of std": lambda w: torch.normal(1.5, w * 2),
    "Categorical": chosen,
    "Bernoulli": flipped,
    "Normal": lambda w: (D.Normal(w * 2, w).sample(), D.Normal(w * 2, w).rsample((3,))),
    "MultivariateNormal": lambda w: D.MultivariateNormal(w[0], w.t() @ w + torch.eye(5)).rsample(),
    "mixture": lambda w: D.MixtureSameFamily(D.Categorical(w), D.Normal(w, w)).sample(),
    "RelaxedBernoulli": lambda w: D.RelaxedBernoulli(torch.tensor(0.5), logits=w).rsample(),
    "OneHotCategoricalStraightThrough": lambda w: D.OneHotCategoricalStraightThrough(logits=w).rsample(),
    "Geometric": lambda w: D.Geometric(chances(w)).sample(),
    "Multinomial": lambda w: D.Multinomial(7, probs=w).sample(),
    "rejection with known parameters": lambda w: (D.Beta(0.4, 0.4).sample() * w, D.Poisson(4.0).sample((3,))),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws(name: str) -> None:
    def program(C: Any) -> Any:
        f = C(DRAWS[name])
        return [f(torch.rand(4, 5) + 0.1) for _ in range(3)], torch.rand(1)

    agrees(program, whole=True)


def test_rejection_with_parameters_of_the_program_runs_eagerly() -> None:
    def program(C: Any) -> Any:
        f = C(lambda w: (torch.poisson(w), D.Gamma(w, w).rsample()))
        return [f(torch.rand(3) + 0.5) for _ in range(3)], torch.rand(1)

    agrees(program)
    with pytest.raises(RuntimeError, match="as many numbers as values of the program ask for"):
        agrees(program, whole=True)


@pytest.mark.parametrize("draw, message", [
    (lambda w: torch.bernoulli(w), "Expected p_in >= 0 && p_in <= 1"),
    (lambda w: torch.normal(w, w), "normal expects all elements of std >= 0.0"),
    (lambda w: torch.multinomial(w, 1), "probability tensor contains either `inf`, `nan` or element < 0"),
    (lambda w: torch.multinomial(w, 2, True), "encountering probability entry < 0"),
    (lambda w: torch.multinomial(torch.relu(w), 1), "sum of probabilities <= 0"),
    (lambda w: D.Normal(w, w).rsample(), r"(?s)Expected parameter scale .*to satisfy the constraint .*-1\."),
    (lambda w: D.Bernoulli(w).sample(), "Expected parameter probs"),
    (lambda w: D.Uniform(0.0, 1.0).log_prob(w), "to be within the support"),
])  # fmt: skip
def test_invalid_parameters(draw: Any, message: str) -> None:
    total = torch.zeros(1)

    def fn(w: Any) -> Any:
        total.add_(1)
        return draw(w * 1)

    f = torch.compile(fn, fullgraph=True)
    f(torch.full((3,), 0.5))
    with pytest.raises((RuntimeError, ValueError), match=message):
        f(torch.full((3,), -1.0))
    assert total.item() == 1
