"""An operation with a derivative of one's own: a step that learns through a straight-through gradient."""
import torch
from torch.autograd import Function, gradcheck


class Cube(Function):
    """x ** 3; the rule is written in operations that are differentiable themselves, so it can be differentiated on."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x * x


class Quantize(Function):
    """Rounds to steps of 1/levels; passes the gradient straight through (the true one is zero almost everywhere)."""

    @staticmethod
    def forward(ctx, x, levels):
        return (x * levels).round() / levels

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output, None


x = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
y = Cube.apply(x)
print(y)
(first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
print("first derivative ", first.tolist())
(second,) = torch.autograd.grad(first.sum(), x)
print("second derivative", second.tolist())
print("gradcheck", gradcheck(Cube.apply, (x,)))

# Learn weights that are good after rounding.
torch.manual_seed(0)
inputs = torch.randn(64, 4)
target = inputs @ torch.tensor([0.5, -0.25, 1.0, 0.0])
weight = torch.zeros(4, requires_grad=True)
for _ in range(100):
    loss = ((inputs @ Quantize.apply(weight, 4) - target) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        weight -= 0.05 * weight.grad
        weight.grad.zero_()
print("rounded weights", Quantize.apply(weight, 4).tolist(), f"loss {loss.item():.4f}")
