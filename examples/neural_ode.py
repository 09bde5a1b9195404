"""A neural ODE: learns the law of motion from a path, with the adjoint method as an autograd.Function of our own.

The solver's steps are not recorded. The backward pass solves a second equation backwards in time instead, for the state,
its adjoint (the gradient with respect to the state) and the gradient with respect to the weights: memory does not grow
with the number of steps.
"""
import json
from pathlib import Path

import torch
from torch import nn
from torch.autograd import Function

STEPS, POINTS, LENGTH = 600, 60, 6.0
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["neural_ode"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    steps, say = range(STEPS + 1), print
else:
    steps, say = tqdm(range(STEPS + 1), disable=None), tqdm.write  # None: a bar on terminals only


def rk4(f, state, dt):
    """One step of the classical Runge-Kutta method for a tuple of tensors; f gives the tuple of their slopes."""

    def moved(slopes, by):
        return tuple(s + by * k for s, k in zip(state, slopes))

    k1 = f(state)
    k2 = f(moved(k1, dt / 2))
    k3 = f(moved(k2, dt / 2))
    k4 = f(moved(k3, dt))
    return tuple(s + dt / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4))


def solve(law, start, dt, count):
    """The path from `start`: (count + 1, ...), each step on the tape."""
    path = [start]
    for _ in range(count):
        (state,) = rk4(lambda state: (law(state[0]),), (path[-1],), dt)
        path.append(state)
    return torch.stack(path)


class Adjoint(Function):
    """As `solve`, without a tape."""

    @staticmethod
    def forward(ctx, start, law, dt, count, *weights):
        path = solve(law, start, dt, count)
        ctx.save_for_backward(path, *weights)
        ctx.law, ctx.dt = law, dt
        return path

    @staticmethod
    def backward(ctx, grad_path):
        path, *weights = ctx.saved_tensors

        def slopes(state):
            """Of the adjoint and of the weights' gradients, at x: minus the adjoint times the law's Jacobians."""
            x, adjoint = state[:2]
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                y = ctx.law(x)
            gradients = torch.autograd.grad(y, (x, *weights), adjoint)
            return (y.detach(), *(-g for g in gradients))

        adjoint, sums = grad_path[-1], tuple(torch.zeros_like(w) for w in weights)
        for n in range(len(path) - 1, 0, -1):
            _, adjoint, *sums = rk4(slopes, (path[n], adjoint, *sums), -ctx.dt)
            adjoint = adjoint + grad_path[n - 1]
        return adjoint, None, None, None, *sums


class Law(nn.Module):
    """The slope at x; odd powers help, as they would in a law of mechanics."""

    def __init__(self, hidden=32):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))

    def forward(self, x):
        return self.layers(x**3)


torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
truth = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
dt = LENGTH / POINTS
with torch.no_grad():
    recorded = solve(lambda x: x**3 @ truth, torch.tensor([[2.0, 0.0]]), dt, POINTS)

law = Law()
weights = list(law.parameters())

# the adjoint's gradient is that of the tape, up to the solver's error
start = recorded[0].clone().requires_grad_()
taped = torch.autograd.grad(solve(law, start, dt / 10, 20).pow(2).sum(), (start, *weights))
adjoint = torch.autograd.grad(Adjoint.apply(start, law, dt / 10, 20, *weights).pow(2).sum(), (start, *weights))
same = all(torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(adjoint, taped))
print("the adjoint's gradient is that of the tape:", same)

optimizer = torch.optim.Adam(law.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.99)
BATCH, AHEAD = 50, 8
for step in steps:
    first = torch.randperm(POINTS + 1 - AHEAD)[:BATCH]
    pieces = recorded[first + torch.arange(AHEAD + 1).unsqueeze(1)].squeeze(2)  # (AHEAD + 1, BATCH, 2)
    path = Adjoint.apply(pieces[0], law, dt, AHEAD, *weights)
    loss = (path - pieces).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 100 == 0:
        say(f"step {step:3d}  loss {loss.item():.6f}  PyTorch's {RECORDED.get(str(step))}")

with torch.no_grad():
    error = (solve(law, recorded[0], dt, POINTS) - recorded).abs().mean().item()
print(f"mean error along the whole path: {error:.5f}")
print("goal (an error below 0.1) reached:", error < 0.1 and same)
