"""The gradient of each example of a batch by itself: vmap of grad. (Needed for differential privacy, or to see outliers.)"""

import torch
from torch.func import functional_call, grad, vmap

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
x, y = torch.randn(64, 4), torch.randn(64, 1)
params = {name: p.detach() for name, p in model.named_parameters()}


def loss_of_one(params, x, y):
    prediction = functional_call(model, params, (x.unsqueeze(0),))
    return ((prediction - y) ** 2).mean()


per_sample = vmap(grad(loss_of_one), in_dims=(None, 0, 0))(params, x, y)
for name, g in per_sample.items():
    print(f"{name:10s} one gradient {tuple(params[name].shape)}, all {tuple(g.shape)}")

# check: their mean is the gradient of the mean loss
loss = ((model(x) - y) ** 2).mean()
loss.backward()
for name, p in model.named_parameters():
    error = (per_sample[name].mean(0) - p.grad).abs().max().item()
    print(f"{name:10s} mean of the per-sample gradients = gradient of the mean: {error < 1e-6}")

norms = torch.stack([g.flatten(1).norm(dim=1) for g in per_sample.values()]).norm(dim=0)
print(f"largest gradient norm {norms.max().item():.3f} at sample {norms.argmax().item()}, median {norms.median().item():.3f}")
