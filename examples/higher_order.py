"""Derivatives of derivatives: towers of grad, a Hessian, Newton's method, and a penalty on the gradient."""
import torch
from torch.autograd.functional import hessian, hvp

# d^n sin / dx^n by differentiating the gradient again and again
x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
y = torch.sin(x)
for order in range(5):
    print(f"derivative {order} of sin at 0.5: {y.item():+.6f}")
    (y,) = torch.autograd.grad(y, x, create_graph=True)


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


point = torch.tensor([-1.2, 1.0], dtype=torch.float64)
print("Hessian", hessian(rosenbrock, point).tolist())
print("Hessian times (1, 1)", hvp(rosenbrock, point, torch.ones(2, dtype=torch.float64))[1].tolist())

# Newton's method: the gradient and the Hessian come from the same two lines of code
for step in range(7):
    p = point.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(rosenbrock(p), p)
    print(f"step {step}: f = {rosenbrock(point).item():.6f} at ({point[0].item():.4f}, {point[1].item():.4f})")
    point = point - torch.linalg.solve(hessian(rosenbrock, point), gradient)

# A loss that contains a gradient: keep the slope of a small model near 1
w = torch.tensor([0.3, -0.2, 0.8], dtype=torch.float64, requires_grad=True)
inputs = torch.linspace(-1, 1, 7, dtype=torch.float64).requires_grad_(True)
for step in range(101):
    outputs = w[0] * torch.tanh(w[1] * inputs) + w[2] * inputs
    (slope,) = torch.autograd.grad(outputs.sum(), inputs, create_graph=True)
    penalty = ((slope - 1) ** 2).mean()
    (change,) = torch.autograd.grad(penalty, w)
    with torch.no_grad():
        w -= 0.1 * change
    if step % 50 == 0:
        print(f"step {step:3d}: gradient penalty {penalty.item():.6f}")
