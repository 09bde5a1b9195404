"""A physics-informed network for Burgers' equation u_t + u u_x = nu u_xx: a wave that steepens, from its law alone.

The net stands inside an ansatz that has the initial and the boundary values built in; Adam and then L-BFGS make the
equation's residual small. The exact solution (Cole and Hopf) only judges the result.
"""
import json
import math
from pathlib import Path

import torch
from torch import nn

ADAM, LBFGS, NU = 500, 12, 0.05
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["burgers_pinn"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    steps, say = range(ADAM + LBFGS + 1), print
else:
    steps, say = tqdm(range(ADAM + LBFGS + 1), disable=None), tqdm.write  # None: a bar on terminals only

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
net = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))


def solution(t, x):
    """u = -sin(pi x) at t = 0, and 0 at x = -1 and x = 1, whatever the net says."""
    return -torch.sin(math.pi * x) + t * (1 - x**2) * net(torch.cat([t, x], dim=1))


def exact(t, x, nodes=60):
    """Cole and Hopf's integral by Gauss-Hermite quadrature (t > 0)."""
    off = torch.arange(1.0, nodes).div(2).sqrt().diag(1)  # Golub and Welsch: the nodes are eigenvalues
    z, vectors = torch.linalg.eigh(off + off.T)
    y = x - 2 * (NU * t).sqrt() * z
    weight = vectors[0] ** 2 * torch.exp(-torch.cos(math.pi * y) / (2 * math.pi * NU))
    return -(weight * torch.sin(math.pi * y)).sum(1, keepdim=True) / weight.sum(1, keepdim=True)


t = torch.rand(400, 1).requires_grad_()
x = (2 * torch.rand(400, 1) - 1).requires_grad_()


def residual():
    """The mean square of what the equation leaves over."""
    u = solution(t, x)
    u_t, u_x = torch.autograd.grad(u.sum(), (t, x), create_graph=True)
    (u_xx,) = torch.autograd.grad(u_x.sum(), x, create_graph=True)
    return (u_t + u * u_x - NU * u_xx).pow(2).mean()


def closure():
    optimizer.zero_grad()
    loss = residual()
    loss.backward()
    return loss


optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in steps:
    if step == ADAM:
        optimizer = torch.optim.LBFGS(net.parameters(), max_iter=20, line_search_fn="strong_wolfe")
    loss = optimizer.step(closure)
    if step % 100 == 0 or step == ADAM + LBFGS:
        say(f"step {step:3d}  loss {loss.item():.5f}  PyTorch's {RECORDED.get(str(step))}")

with torch.no_grad():
    grid_t, grid_x = torch.meshgrid(torch.linspace(0.1, 1, 10), torch.linspace(-1, 1, 81), indexing="ij")
    grid_t, grid_x = grid_t.reshape(-1, 1), grid_x.reshape(-1, 1)
    truth = exact(grid_t, grid_x)
    error = ((solution(grid_t, grid_x) - truth).norm() / truth.norm()).item()
print(f"error against the exact solution: about {error:.0%}")
print("goal (2 %) reached:", error < 0.02)
