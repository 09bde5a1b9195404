"""Compiled training steps beside PyTorch's eager ones and the same steps written by hand in JAX.

    python benchmarks/compile.py [NAME ...] [--threads N] [--torch-compile]

One thread each unless `--threads 0` leaves the default. Prints microseconds (the best of several rounds, all in one
process, in turns) and ratios; the first call's time is what compiling costs.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from math import exp, log
from types import ModuleType
from typing import Any

ROUNDS, SECONDS = 5, 0.15


def names_to_arrays(model: Any) -> dict[str, Any]:
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def training(torch: ModuleType, model: Any, optimizer: Any, loss: Callable[..., Any], *batch: Any) -> Any:
    """(the step, its arguments, the parameters, the batch)"""
    arrays = names_to_arrays(model)

    def step(*batch: Any) -> Any:
        optimizer.zero_grad()
        value = loss(model, *batch)
        value.backward()
        optimizer.step()
        return value.detach()

    return step, batch, arrays, [b.numpy().copy() for b in batch]


def tanh_mlp(torch: ModuleType, *sizes: int) -> Any:
    layers: list[Any] = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def mse(model: Any, x: Any, y: Any) -> Any:
    return ((model(x) - y) ** 2).mean()


# ---------------------------------------------------------------- small


def linear_regression(torch: ModuleType) -> Any:
    model = torch.nn.Linear(3, 1)
    x, y = torch.randn(32, 3), torch.randn(32, 1)
    return training(torch, model, torch.optim.SGD(model.parameters(), lr=0.01), mse, x, y)


def small_mlp(torch: ModuleType) -> Any:
    model = tanh_mlp(torch, 2, 16, 16, 1)
    x, y = torch.randn(64, 2), torch.randn(64, 1)
    return training(torch, model, torch.optim.Adam(model.parameters()), mse, x, y)


def pinn(torch: ModuleType) -> Any:
    model = tanh_mlp(torch, 1, 16, 16, 1)

    def loss(model: Any, x: Any) -> Any:
        x = x.detach().requires_grad_()
        u = model(x)
        (du,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        (ddu,) = torch.autograd.grad(du.sum(), x, create_graph=True)
        return ((ddu + torch.sin(x)) ** 2).mean()

    return training(torch, model, torch.optim.Adam(model.parameters()), loss, torch.linspace(0, 3, 32).reshape(-1, 1))


def maml(torch: ModuleType) -> Any:
    model = tanh_mlp(torch, 1, 20, 1)

    def forward(p: Any, x: Any) -> Any:
        return torch.nn.functional.linear(torch.tanh(torch.nn.functional.linear(x, p[0], p[1])), p[2], p[3])

    def loss(model: Any, x: Any, y: Any) -> Any:
        p = list(model.parameters())
        for _ in range(3):
            inner = ((forward(p, x[:10]) - y[:10]) ** 2).mean()
            p = [q - 0.1 * g for q, g in zip(p, torch.autograd.grad(inner, p, create_graph=True))]
        return ((forward(p, x[10:]) - y[10:]) ** 2).mean()

    x = torch.randn(20, 1)
    return training(torch, model, torch.optim.SGD(model.parameters(), lr=0.01), loss, x, torch.sin(x))


def lstm(torch: ModuleType) -> Any:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.head = torch.nn.LSTMCell(2, 16), torch.nn.Linear(16, 1)

        def forward(self, x: Any) -> Any:
            h = c = torch.zeros(x.shape[1], 16)
            for t in range(x.shape[0]):
                h, c = self.cell(x[t], (h, c))
            return self.head(h)

    model = Net()
    x, y = torch.randn(50, 8, 2), torch.randn(8, 1)
    return training(torch, model, torch.optim.Adam(model.parameters()), mse, x, y)


def second_derivative(torch: ModuleType) -> Any:
    def step(x: Any) -> Any:
        x = x.detach().requires_grad_()
        (g,) = torch.autograd.grad((torch.sin(x) * x**3).sum(), x, create_graph=True)
        return torch.autograd.grad(g.sum(), x)[0]

    x = torch.linspace(-2, 2, 100)
    return step, (x,), {}, [x.numpy().copy()]


# ---------------------------------------------------------------- large


def classify(torch: ModuleType) -> Any:
    return lambda model, x, y: torch.nn.functional.cross_entropy(model(x), y)


def large_mlp(torch: ModuleType) -> Any:
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    x, y = torch.randn(128, 784), torch.randint(0, 10, (128,))
    return training(torch, model, torch.optim.Adam(model.parameters()), classify(torch), x, y)


def cross_entropy(torch: ModuleType) -> Any:
    def step(x: Any, y: Any) -> Any:
        x = x.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x, y)
        return loss.detach(), torch.autograd.grad(loss, x)[0]

    x, y = torch.randn(4096, 1000), torch.randint(0, 1000, (4096,))
    return step, (x, y), {}, [x.numpy().copy(), y.numpy().copy()]


def norm_linear(torch: ModuleType) -> Any:
    model = torch.nn.Sequential(torch.nn.LayerNorm(512), torch.nn.Linear(512, 512))
    arrays = names_to_arrays(model)

    def step(x: Any) -> Any:
        model.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        return loss.detach()

    x = torch.randn(512, 512)
    return step, (x,), arrays, [x.numpy().copy()]


def lenet(torch: ModuleType) -> Any:
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10),
    )  # fmt: skip
    x, y = torch.randn(32, 1, 28, 28), torch.randint(0, 10, (32,))
    return training(torch, model, torch.optim.SGD(model.parameters(), lr=0.01), classify(torch), x, y)


def residual_block(torch: ModuleType) -> Any:
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.c1, self.n1 = nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)
            self.c2, self.n2 = nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)

        def forward(self, x: Any) -> Any:
            y = self.n2(self.c2(torch.relu(self.n1(self.c1(x)))))
            return torch.relu(x + y)

    model = Block()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return training(torch, model, optimizer, lambda m, x: (m(x) ** 2).mean(), torch.randn(16, 32, 28, 28))


def gpt(torch: ModuleType) -> Any:
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, d: int) -> None:
            super().__init__()
            self.ln1, self.qkv, self.out = nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
            self.ln2, self.up, self.down = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

        def forward(self, x: Any) -> Any:
            b, n, d = x.shape
            q, k, v = (t.reshape(b, n, 4, -1).transpose(1, 2) for t in self.qkv(self.ln1(x)).chunk(3, -1))
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(mixed.transpose(1, 2).reshape(b, n, d))
            return x + self.down(F.gelu(self.up(self.ln2(x))))

    class Gpt(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.token, self.position = nn.Embedding(65, 128), nn.Embedding(64, 128)
            self.blocks = nn.ModuleList([Block(128), Block(128)])
            self.ln, self.head = nn.LayerNorm(128), nn.Linear(128, 65, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.ln(x))

    model = Gpt()
    tokens, targets = torch.randint(0, 65, (8, 64)), torch.randint(0, 65, (8, 64))

    def loss(model: Any, tokens: Any, targets: Any) -> Any:
        return F.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())

    return training(torch, model, torch.optim.AdamW(model.parameters(), lr=1e-3), loss, tokens, targets)


def conv1d(torch: ModuleType) -> Any:
    model = torch.nn.Sequential(torch.nn.Conv1d(16, 32, 5, padding=2), torch.nn.ReLU())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return training(torch, model, optimizer, lambda m, x: (m(x) ** 2).mean(), torch.randn(16, 16, 512))


SMALL = [linear_regression, small_mlp, pinn, maml, lstm, second_derivative]
LARGE = [large_mlp, cross_entropy, norm_linear, lenet, residual_block, gpt, conv1d]


def best(runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds for one run of each, in turns."""
    found = dict.fromkeys(runs, float("inf"))
    counts = {}
    for name, run in runs.items():
        run()
        began = time.perf_counter()
        run()
        counts[name] = max(1, int(SECONDS / max(time.perf_counter() - began, 1e-6)))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            n = counts[name]
            began = time.perf_counter()
            for _ in range(n):
                run()
            found[name] = min(found[name], (time.perf_counter() - began) / n)
    return found


def measure(workload: Any, with_torch_compile: bool) -> dict[str, float]:
    import by_hand
    import torch

    import wengert

    wengert.manual_seed(0)
    torch.manual_seed(0)
    step, batch, arrays, inputs = workload(wengert)
    compiled = wengert.compile(step, fullgraph=True)
    compiled(*batch)
    began = time.perf_counter()
    compiled(*batch)  # an optimizer makes its state in the first call, which is eager
    first = time.perf_counter() - began
    peer, peer_batch, *_ = workload(torch)
    runs: dict[str, Callable[[], Any]] = {
        "wengert": lambda: compiled(*batch),
        "torch": lambda: peer(*peer_batch),
        "jax": getattr(by_hand, workload.__name__)(arrays, *inputs),
    }
    if with_torch_compile:
        try:
            other, other_batch, *_ = workload(torch)
            quick = torch.compile(other)
            quick(*other_batch)
            runs["torch.compile"] = lambda: quick(*other_batch)
        except Exception as error:
            print(f"  torch.compile: {type(error).__name__}", file=sys.stderr)
    found = best(runs)
    found["first call"] = max(first, compiled._compiled.entries[0].seconds)
    return found


def main() -> None:
    args = sys.argv[1:]
    threads = 1
    if "--threads" in args:
        at = args.index("--threads")
        threads = int(args[at + 1])
        del args[at : at + 2]
    with_torch_compile = "--torch-compile" in args
    names = [a for a in args if not a.startswith("--")]
    if threads == 1:
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[variable] = "1"
        import torch

        torch.set_num_threads(1)
    print(f"threads: {threads or 'default'}; microseconds for one step; ratios of wengert's time to the other's")
    print(f"{'':20}{'wengert':>10}{'torch':>10}{'ratio':>7}{'jax':>10}{'ratio':>7}{'first call':>12}")
    for title, group in (("small", SMALL), ("large", LARGE)):
        to_torch, to_jax = [], []
        for workload in group:
            if names and workload.__name__ not in names:
                continue
            t = measure(workload, with_torch_compile)
            to_torch.append(t["wengert"] / t["torch"])
            to_jax.append(t["wengert"] / t["jax"])
            more = f"   torch.compile {t['torch.compile'] * 1e6:.1f}" if "torch.compile" in t else ""
            print(f"{workload.__name__:20}{t['wengert'] * 1e6:10.1f}{t['torch'] * 1e6:10.1f}{to_torch[-1]:7.2f}"
                  f"{t['jax'] * 1e6:10.1f}{to_jax[-1]:7.2f}{t['first call']:10.2f} s{more}", flush=True)  # fmt: skip
        if to_torch:
            mean = [exp(sum(map(log, r)) / len(r)) for r in (to_torch, to_jax)]
            print(f"{title + ', geometric mean':40}{mean[0]:7.3f}{'':10}{mean[1]:7.2f}")


if __name__ == "__main__":
    main()
