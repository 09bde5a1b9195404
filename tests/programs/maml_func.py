"""MAML and friends with torch.func: functional_call, grad inside vmap, ensembles by stack_module_state, per-sample norms."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap


class Sine(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 1))

    def forward(self, x):
        return self.net(x)


torch.manual_seed(0)
model = Sine()
params = {k: v.detach().clone().requires_grad_() for k, v in model.named_parameters()}
opt = torch.optim.Adam(params.values(), lr=1e-2)
tasks, shots = 6, 8


def draw():
    amp = torch.rand(tasks, 1, 1) * 4.9 + 0.1
    phase = torch.rand(tasks, 1, 1) * torch.pi
    x = torch.rand(2, tasks, shots, 1) * 10 - 5
    y = amp * torch.sin(x + phase)
    return x[0], y[0], x[1], y[1]


def loss_of(params, x, y):
    return F.mse_loss(functional_call(model, params, (x,)), y)


def inner(params, x, y, xq, yq):
    for _ in range(2):
        g = grad(loss_of)(params, x, y)
        params = {k: p - 0.05 * g[k] for k, p in params.items()}
    return loss_of(params, xq, yq)


for step in range(12):
    batch = draw()
    loss = vmap(inner, in_dims=(None, 0, 0, 0, 0))(params, *batch).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 3 == 0:
        print(step, f"{loss.item():.4f}", f"{torch.stack([p.grad.norm() for p in params.values()]).norm().item():.3f}")

# first order, with create_graph=False in the loop, against the whole thing
x, y, xq, yq = draw()
fast = dict(params)
value = loss_of(fast, x[0], y[0])
gs = torch.autograd.grad(value, tuple(fast.values()), create_graph=True)
fast = {k: p - 0.05 * g for (k, p), g in zip(fast.items(), gs)}
full = torch.autograd.grad(loss_of(fast, xq[0], yq[0]), params["net.0.weight"], retain_graph=True)[0]
fo = torch.autograd.grad(loss_of({k: v.detach().requires_grad_() if k != "net.0.weight" else v for k, v in fast.items()}, xq[0], yq[0]), params["net.0.weight"])[0]
print(f"{full.norm().item():.4f}", f"{fo.norm().item():.4f}")

per, losses = vmap(grad_and_value(lambda p, a, b: loss_of(p, a, b)), in_dims=(None, 0, 0))({k: v.detach() for k, v in params.items()}, x, y)
print({k: tuple(v.shape) for k, v in per.items()}, losses.shape)
norms = torch.stack([v.flatten(1).norm(dim=1) for v in per.values()]).norm(dim=0)
print(norms.mul(100).round().div(100).tolist())

torch.manual_seed(1)
models = [Sine() for _ in range(3)]
p, b = stack_module_state(models)
import copy

base = copy.deepcopy(models[0]).to("meta")
out = vmap(lambda p, b, x: functional_call(base, (p, b), (x,)), in_dims=(0, 0, None))(p, b, x[0])
print(out.shape, torch.allclose(out[1], models[1](x[0]), atol=1e-6), type(p["net.0.weight"]).__name__, p["net.0.weight"].is_leaf)


def f(v):
    return torch.stack([v.prod(), (v**2).sum(), v[0].sin() * v[1].cos()])


v = torch.tensor([0.5, -1.0, 2.0])
print(jacrev(f)(v).allclose(jacfwd(f)(v)), jacrev(f)(v))
print(hessian(lambda v: f(v).sum())(v))
out, pull = vjp(f, v)
print(pull(torch.ones(3))[0], jvp(f, (v,), (torch.ones(3),)))
attempt(grad(f), v)
attempt(vmap(lambda a, b: a + b), torch.ones(2), torch.ones(3))
attempt(vmap(lambda a: a.item()), torch.ones(2))
attempt(functional_call, model, {"nope": torch.ones(1)}, (x[0],))
attempt(vmap(lambda a: torch.randn(2) + a), torch.ones(2))
