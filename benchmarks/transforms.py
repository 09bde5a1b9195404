"""Transforms beside PyTorch's: `python benchmarks/transforms.py [NAME ...]`."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from timing import Workload, compare, header


def functions(torch: ModuleType) -> Any:
    return importlib.import_module(f"{torch.__name__}.func")


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def hessian_of_rosenbrock(torch: ModuleType) -> Any:
    x = torch.linspace(-1, 1, 20)
    hessian = functions(torch).hessian(rosenbrock)
    return lambda: hessian(x)


def hessian_by_functional(torch: ModuleType) -> Any:
    functional = importlib.import_module(f"{torch.__name__}.autograd.functional")
    x = torch.linspace(-1, 1, 20)
    return lambda: functional.hessian(rosenbrock, x)


def mlp(torch: ModuleType, *sizes: int) -> Any:
    torch.manual_seed(0)
    layers: list[Any] = []
    for n, m in zip(sizes, sizes[1:], strict=False):
        layers += [torch.nn.Linear(n, m), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def jacobian_of_mlp(torch: ModuleType) -> Any:
    model = mlp(torch, 50, 50, 50)
    x = torch.linspace(-1, 1, 50)
    jacobian = functions(torch).jacrev(model)
    return lambda: jacobian(x)


def per_sample_gradients(torch: ModuleType) -> Any:
    func = functions(torch)
    model = mlp(torch, 20, 64, 64, 1)
    params = {name: p.detach() for name, p in model.named_parameters()}
    x, y = torch.randn(256, 20), torch.randn(256, 1)

    def loss(params: Any, x: Any, y: Any) -> Any:
        return ((func.functional_call(model, params, (x.unsqueeze(0),)) - y) ** 2).mean()

    gradients = func.vmap(func.grad(loss), in_dims=(None, 0, 0))
    return lambda: gradients(params, x, y)


WORKLOADS: dict[str, tuple[Workload, float | None]] = {
    "Hessian of Rosenbrock, 20 dimensions": (hessian_of_rosenbrock, 0.5),
    "the same by autograd.functional": (hessian_by_functional, 0.5),
    "Jacobian of an MLP 50-50-50": (jacobian_of_mlp, 0.5),
    "per-sample gradients, 256 samples": (per_sample_gradients, 1.0),
}

if __name__ == "__main__":
    header()
    for name, (workload, target) in WORKLOADS.items():
        if not sys.argv[1:] or any(text in name for text in sys.argv[1:]):
            compare(name, workload, target)
