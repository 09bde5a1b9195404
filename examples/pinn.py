"""A physics-informed network: solve u'' = -pi^2 sin(pi x), u(0) = u(1) = 0, from the equation alone."""

import math

import torch

torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Linear(1, 20), torch.nn.Tanh(), torch.nn.Linear(20, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1)
)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=500, gamma=0.5)
x = torch.linspace(0, 1, 40).unsqueeze(1).requires_grad_()
source = -(math.pi**2) * torch.sin(math.pi * x.detach())

for step in range(1500):
    u = net(x)
    (du,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    (d2u,) = torch.autograd.grad(du.sum(), x, create_graph=True)
    residual = ((d2u - source) ** 2).mean()
    boundary = u[0] ** 2 + u[-1] ** 2
    loss = residual + 100 * boundary.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 300 == 0 or step == 1499:
        error = (u.detach() - torch.sin(math.pi * x.detach())).abs().max().item()
        print(f"step {step:4d}  residual {residual.item():5.1f}  error against sin(pi x) {error:5.1f}")

print("solved:", error < 0.01)
