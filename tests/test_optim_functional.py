"""The optimisers as functions over lists take the same steps as PyTorch's."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

NAMES = "adadelta adagrad adam adamax adamw asgd nadam radam rmsprop rprop sgd".split()
OPTIONS = dict(
    lr=0.1, rho=0.9, eps=1e-6, weight_decay=0.01, maximize=True, lr_decay=0.1, amsgrad=True, beta1=0.9, beta2=0.99,
    lambd=1e-2, t0=1.0, alpha=0.75, momentum_decay=4e-3, momentum=0.5, centered=True, step_size_min=1e-6,
    step_size_max=50.0, etaminus=0.5, etaplus=1.2, dampening=0.1, nesterov=False,
)  # fmt: skip
PLAIN = {**OPTIONS, "weight_decay": 0.0, "maximize": False, "amsgrad": False, "momentum": 0.0, "centered": False}


def steps(package: Any, name: str, parameters: Any, options: dict[str, Any]) -> list[Any]:
    """The parameters and all states after three steps."""
    params = [package.tensor([1.0, -2.0, 3.0]), package.tensor([[0.5]])]
    lists: dict[str, list[Any]] = {}
    for key, parameter in parameters.items():
        if "list" not in str(parameter.annotation) or key in ("params", "grads", "d_p_list"):
            continue
        if key in ("mus", "mu_products", "state_steps", "etas"):
            lists[key] = [package.tensor({"state_steps": 0.0, "etas": 0.01}.get(key, 1.0)) for _ in params]
        elif key == "momentum_buffer_list" and name == "sgd":
            lists[key] = [None, None]
        else:
            lists[key] = [package.full_like(p, 0.01 if key == "step_sizes" else 0.0) for p in params]
    chosen = {k: options[k] for k, p in parameters.items() if p.default is inspect.Parameter.empty and k in options}
    function = getattr(importlib.import_module(f"{package.__name__}.optim.{name}"), name)
    for step in range(3):
        grads = [package.tensor([0.3, -0.2, 0.1]) * (step - 1.5), package.tensor([[1.0]])]
        with package.no_grad():
            function(params, grads, *lists.values(), **chosen)
    return [t.tolist() for t in params] + [-77.0 if t is None else t.tolist() for v in lists.values() for t in v]


def flat(value: Any) -> list[Any]:
    return [v for part in value for v in flat(part)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("options", [PLAIN, OPTIONS], ids=["plain", "all"])
@pytest.mark.parametrize("name", NAMES)
def test_steps_are_pytorchs(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    wengert = importlib.import_module("wengert")
    parameters = inspect.signature(getattr(importlib.import_module(f"torch.optim.{name}"), name)).parameters
    ours = inspect.signature(getattr(importlib.import_module(f"wengert.optim.{name}"), name)).parameters
    assert list(ours) == list(parameters)
    assert flat(steps(wengert, name, parameters, options)) == pytest.approx(
        flat(steps(torch, name, parameters, options)), rel=1e-5, abs=1e-8
    )
