"""Small tensors, where Python overhead is everything: `python benchmarks/small.py [NAME ...]`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from timing import Workload, compare, header


def recorded_mul(shape: tuple[int, ...]) -> Workload:
    def make(torch: ModuleType) -> Any:
        x = torch.ones(shape, requires_grad=True)
        y = torch.ones(shape, requires_grad=True)
        return lambda: x * y

    return make


def polynomial(torch: ModuleType) -> Any:
    x = torch.tensor(2.0, requires_grad=True)

    def step() -> None:
        x.grad = None
        y = x**2 + 3 * x + 1
        y.backward()

    return step


def linear_regression(torch: ModuleType) -> Any:
    torch.manual_seed(42)
    x = torch.linspace(0, 1, 100)
    y = 2 * x + 1 + 0.1 * torch.randn(100)
    w = torch.tensor(0.0, requires_grad=True)
    b = torch.tensor(0.0, requires_grad=True)
    lr = 0.1

    def step() -> None:
        loss = ((w * x + b - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w.sub_(lr * w.grad)
            b.sub_(lr * b.grad)
        w.grad.zero_()
        b.grad.zero_()

    return step


def mlp_adam(torch: ModuleType) -> Any:
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, y = torch.randn(32, 2), torch.randn(32, 1)
    loss_fn = nn.MSELoss()

    def step() -> None:
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.step()

    return step


def views(torch: ModuleType) -> Any:
    x = torch.ones(4, 5, requires_grad=True)
    return lambda: x.t().reshape(2, 10)[0]


WORKLOADS: dict[str, tuple[Workload, float | None]] = {
    "recorded x*y, 0-d": (recorded_mul(()), 0.65),
    "recorded x*y, 100 elements": (recorded_mul((100,)), 0.65),
    "polynomial, forward and backward": (polynomial, 0.5),
    "linear regression step": (linear_regression, 0.5),
    "MLP 2-16-16-1 step with Adam": (mlp_adam, 0.5),
    "recorded views": (views, None),
}

if __name__ == "__main__":
    header()
    for name, (workload, target) in WORKLOADS.items():
        if not sys.argv[1:] or any(text in name for text in sys.argv[1:]):
            compare(name, workload, target)
