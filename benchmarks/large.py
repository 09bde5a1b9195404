"""Larger tensors, where the kernels decide: `python benchmarks/large.py [NAME ...]`. One thread each."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from timing import Workload, compare, header


def training_step(torch: ModuleType, model: Any, x: Any, y: Any, optimizer: Any = None) -> Any:
    loss_fn = torch.nn.functional.cross_entropy
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.step()

    return step


def mlp(torch: ModuleType) -> Any:
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    x, y = torch.randn(128, 784), torch.randint(0, 10, (128,))
    return training_step(torch, model, x, y, torch.optim.Adam(model.parameters()))


def lenet(torch: ModuleType) -> Any:
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10),
    )  # fmt: skip
    return training_step(torch, model, torch.randn(32, 1, 28, 28), torch.randint(0, 10, (32,)))


def cross_entropy(torch: ModuleType) -> Any:
    torch.manual_seed(0)
    x = torch.randn(4096, 1000, requires_grad=True)
    y = torch.randint(0, 1000, (4096,))

    def step() -> None:
        x.grad = None
        torch.nn.functional.cross_entropy(x, y).backward()

    return step


def layer_norm_and_linear(torch: ModuleType) -> Any:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.LayerNorm(512), torch.nn.Linear(512, 512), torch.nn.GELU())
    x = torch.randn(512, 512)

    def step() -> None:
        model.zero_grad()
        model(x).sum().backward()

    return step


def transformer(torch: ModuleType) -> Any:
    torch.manual_seed(0)
    model = torch.nn.TransformerEncoderLayer(64, 4, 256, batch_first=True, dropout=0.0)
    x = torch.randn(8, 64, 64)

    def step() -> None:
        model.zero_grad()
        model(x).pow(2).mean().backward()

    return step


def lstm(torch: ModuleType) -> Any:
    torch.manual_seed(0)
    model = torch.nn.LSTM(16, 64)
    x = torch.randn(50, 16, 16)

    def step() -> None:
        model.zero_grad()
        model(x)[0].pow(2).mean().backward()

    return step


def residual_block(torch: ModuleType) -> Any:
    torch.manual_seed(0)
    nn = torch.nn
    conv1, bn1 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
    conv2, bn2 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
    x = torch.randn(16, 16, 28, 28, requires_grad=True)
    params = [p for m in (conv1, bn1, conv2, bn2) for p in m.parameters()]

    def step() -> None:
        for p in (*params, x):
            p.grad = None
        y = torch.relu(bn2(conv2(torch.relu(bn1(conv1(x))))) + x)
        y.mean().backward()

    return step


def one_op(make: Any, *shape: int) -> Any:
    """Forward and backward of one operation: `make(torch)` gives it, perhaps with parameters of its own."""

    def workload(torch: ModuleType) -> Any:
        torch.manual_seed(0)
        x, op = torch.randn(*shape, requires_grad=True), make(torch)
        g = torch.randn(*op(x).shape)

        def step() -> None:
            x.grad = None
            op(x).backward(g)

        return step

    return workload


WORKLOADS: dict[str, tuple[Workload, float | None]] = {
    "MLP 784-512-512-10 with Adam": (mlp, None),
    "LeNet-like CNN": (lenet, None),
    "cross entropy 4096x1000": (cross_entropy, None),
    "layer norm + linear + GELU": (layer_norm_and_linear, None),
    "transformer layer": (transformer, None),
    "LSTM, 50 steps": (lstm, None),
    "residual block": (residual_block, None),
    "gelu 512x2048": (one_op(lambda torch: torch.nn.functional.gelu, 512, 2048), None),
    "softmax 4096x1000": (one_op(lambda torch: torch.nn.Softmax(-1), 4096, 1000), None),
    "log softmax 4096x1000": (one_op(lambda torch: torch.nn.LogSoftmax(-1), 4096, 1000), None),
    "layer norm 4096x1024": (one_op(lambda torch: torch.nn.LayerNorm(1024), 4096, 1024), None),
    "batch norm 32x64x28x28": (one_op(lambda torch: torch.nn.BatchNorm2d(64), 32, 64, 28, 28), None),
    "group norm 32x64x28x28": (one_op(lambda torch: torch.nn.GroupNorm(8, 64), 32, 64, 28, 28), None),
    "depthwise 3x3, 32x64x28x28": (
        one_op(lambda torch: torch.nn.Conv2d(64, 64, 3, padding=1, groups=64), 32, 64, 28, 28), None,
    ),
    "max pool 3x3 by 2, 16x64x56x56": (one_op(lambda torch: torch.nn.MaxPool2d(3, 2, 1), 16, 64, 56, 56), None),
}

if __name__ == "__main__":
    header()
    for name, (workload, target) in WORKLOADS.items():
        if not sys.argv[1:] or any(text in name for text in sys.argv[1:]):
            compare(name, workload, target, rounds=5)
