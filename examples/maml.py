"""Model-agnostic meta-learning on sinusoids: gradients through gradients, vectorised over tasks with torch.func."""

import math

import torch
from torch.func import functional_call, grad, vmap

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Linear(1, 40), torch.nn.ReLU(), torch.nn.Linear(40, 40), torch.nn.ReLU(), torch.nn.Linear(40, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
TASKS, SHOTS, INNER_LR = 16, 10, 0.01


def sinusoids():
    """For each task: amplitude, phase, and 2 x SHOTS points of that sinusoid."""
    amplitude = torch.rand(TASKS, 1, 1) * 4.9 + 0.1
    phase = torch.rand(TASKS, 1, 1) * math.pi
    x = torch.rand(TASKS, 2 * SHOTS, 1) * 10 - 5
    return x, amplitude * torch.sin(x + phase)


def loss(params, x, y):
    return ((functional_call(model, params, (x,)) - y) ** 2).mean()


def adapted_loss(params, x, y):
    """The loss on new points after one step of gradient descent on the first SHOTS."""
    gradients = grad(loss)(params, x[:SHOTS], y[:SHOTS])
    adapted = {name: p - INNER_LR * gradients[name] for name, p in params.items()}
    return loss(adapted, x[SHOTS:], y[SHOTS:])


history = []
for iteration in range(400):
    params = dict(model.named_parameters())
    x, y = sinusoids()
    outer = vmap(adapted_loss, in_dims=(None, 0, 0))(params, x, y).mean()
    optimizer.zero_grad()
    outer.backward()
    optimizer.step()
    history.append(outer.item())
    if iteration % 100 == 0:
        print(f"iteration {iteration:3d}  loss after adapting {sum(history[-20:]) / len(history[-20:]):.3f}")

print(f"last 50: {sum(history[-50:]) / 50:.3f}, first 50: {sum(history[:50]) / 50:.3f}")

# check: the meta-gradient is the derivative of adapted_loss
x, y = sinusoids()
names = {name: p.detach().double() for name, p in model.named_parameters()}
model.double()
x0, y0 = x[0].double(), y[0].double()
direction = {name: torch.randn_like(p) for name, p in names.items()}
meta = grad(adapted_loss)(names, x0, y0)
along = sum((meta[n] * direction[n]).sum() for n in names).item()
eps = 1e-6
plus = adapted_loss({n: p + eps * direction[n] for n, p in names.items()}, x0, y0)
minus = adapted_loss({n: p - eps * direction[n] for n, p in names.items()}, x0, y0)
numerical = ((plus - minus) / (2 * eps)).item()
print("meta-gradient agrees with finite differences:", abs(along - numerical) < 1e-4 * max(1.0, abs(numerical)))
