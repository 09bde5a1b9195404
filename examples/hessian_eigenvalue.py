"""The largest eigenvalue of a loss's Hessian by power iteration: Hessian-vector products, never the matrix itself."""

import torch
from torch.autograd.functional import hessian, hvp

torch.manual_seed(0)
features, target = torch.randn(50, 12, dtype=torch.float64), torch.randn(50, dtype=torch.float64)


def loss(w):
    return (torch.tanh(features @ w) - target).pow(2).mean()


w = torch.randn(12, dtype=torch.float64)
v = torch.randn(12, dtype=torch.float64)
for iteration in range(200):
    _, product = hvp(loss, w, v / v.norm())
    v = product
    if iteration % 40 == 0:
        print(f"iteration {iteration:3d}  estimate {product.norm().item():.8f}")

estimate = torch.dot(v / v.norm(), hvp(loss, w, v / v.norm())[1]).item()
values = torch.linalg.eigvalsh(hessian(loss, w))
exact = values[values.abs().argmax()].item()
print(f"power iteration {estimate:.8f}, eigenvalues of the whole Hessian {exact:.8f}")
print("agree:", abs(estimate - exact) < 1e-6)
