"""Averaged models against PyTorch's, and the statistics of their batch norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert
import wengert.nn
import wengert.optim
from wengert.optim import swa_utils

torch = pytest.importorskip("torch")


def models(make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The same model in both libraries."""
    theirs = make(torch.nn)
    ours = make(wengert.nn)
    ours.load_state_dict({k: wengert.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return ours, theirs


def mlp(nn: Any) -> Any:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))


def same(a: Any, b: Any) -> None:
    sa, sb = a.state_dict(), b.state_dict()
    assert list(sa) == list(sb)
    for key in sa:
        np.testing.assert_allclose(sa[key].numpy(), sb[key].numpy(), rtol=2e-5, atol=1e-6, err_msg=key)


KINDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "mean": lambda s: {},
    "mean with buffers": lambda s: {"use_buffers": True},
    "ema": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(0.9)},
    "ema with buffers": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(0.9), "use_buffers": True},
    "ema, one by one": lambda s: {"avg_fn": s.get_ema_avg_fn(0.9)},
    "mean, one by one": lambda s: {"avg_fn": s.get_swa_avg_fn()},
    "mean of lists": lambda s: {"multi_avg_fn": s.get_swa_multi_avg_fn()},
    "own": lambda s: {"avg_fn": lambda mean, now, n: 0.5 * mean + 0.5 * now},
}


@pytest.mark.parametrize("kind", KINDS)
def test_averaged_model(kind: str) -> None:
    import torch.optim.swa_utils as theirs_utils

    a, b = models(mlp)
    mean_a = swa_utils.AveragedModel(a, **KINDS[kind](swa_utils))
    mean_b = theirs_utils.AveragedModel(b, **KINDS[kind](theirs_utils))
    oa, ob = wengert.optim.SGD(a.parameters(), lr=0.1), torch.optim.SGD(b.parameters(), lr=0.1)
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = rng.standard_normal((8, 3)).astype(np.float32)
        for t, model, optimizer, mean in ((wengert, a, oa, mean_a), (torch, b, ob, mean_b)):
            optimizer.zero_grad()
            model(t.tensor(x)).pow(2).sum().backward()
            optimizer.step()
            mean.update_parameters(model)
        same(mean_a, mean_b)
    assert str(mean_a) == str(mean_b)
    x = rng.standard_normal((8, 3)).astype(np.float32)
    data = [x, x * 2 + 1]
    swa_utils.update_bn([(wengert.tensor(d), 0) for d in data], mean_a)
    theirs_utils.update_bn([(torch.tensor(d), 0) for d in data], mean_b)
    same(mean_a, mean_b)
    mean_a.eval()
    mean_b.eval()
    np.testing.assert_allclose(
        mean_a(wengert.tensor(x)).detach().numpy(), mean_b(torch.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-5
    )


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"Invalid decay value 2 provided. Please provide a value in \[0,1\] range."):
        swa_utils.get_ema_avg_fn(2)
    with pytest.raises(ValueError, match="Invalid decay value -1 provided"):
        swa_utils.get_ema_multi_avg_fn(-1)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
        swa_utils.AveragedModel(wengert.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max)
    o = wengert.optim.SGD([wengert.tensor([1.0], requires_grad=True)])
    with pytest.raises(ValueError, match="anneal_strategy must be one of 'cos' or 'linear', instead got x"):
        swa_utils.SWALR(o, 0.1, anneal_strategy="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0, got -1"):
        swa_utils.SWALR(o, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr must have the same length as optimizer.param_groups"):
        swa_utils.SWALR(o, [0.1, 0.2])


def test_swapped_parameters_and_states() -> None:
    p = wengert.tensor([1.0, 2.0], requires_grad=True)
    q = wengert.tensor([3.0], requires_grad=True)
    o = wengert.optim.Adam([p, q], lr=0.1)

    def step(tensors: list[Any]) -> None:
        for t in tensors:
            t.grad = t.detach() * 0.5
        o.step()

    step([p, q])
    before = p.tolist()
    others = {name: wengert.tensor(t.tolist(), requires_grad=True) for name, t in (("p", p), ("q", q))}
    state = o.state_dict()
    state = {
        "state": {k: {n: t.clone() for n, t in v.items()} for k, v in state["state"].items()},
        "param_groups": state["param_groups"],
    }
    with wengert.optim.swap_in_optimizer_params_and_state(o, others, state):
        step(list(others.values()))
    assert p.tolist() == before
    assert o.param_groups[0]["params"][0] is p
    assert o.state[p]["step"].item() == 1
    assert state["state"][0]["step"].item() == 2
    step([p, q])
    np.testing.assert_array_equal(p.detach().numpy(), others["p"].detach().numpy())
    np.testing.assert_array_equal(o.state[q]["exp_avg"].numpy(), state["state"][1]["exp_avg"].numpy())
    with pytest.raises(ValueError, match="holds 2 parameters, but got 1"):
        with wengert.optim.swap_in_optimizer_params_and_state(o, {"p": p}, state):
            pass
