"""Fits a line to noisy points: nothing but tensors, backward() and a step against the gradient."""
import torch

torch.manual_seed(0)
x = torch.linspace(-1, 1, 100).unsqueeze(1)
y = 3.0 * x - 0.5 + 0.1 * torch.randn(100, 1)

weight = torch.zeros(1, 1, requires_grad=True)
bias = torch.zeros(1, requires_grad=True)

for step in range(61):
    loss = ((x @ weight + bias - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for parameter in (weight, bias):
            parameter -= 0.15 * parameter.grad
            parameter.grad = None
    if step % 15 == 0:
        print(f"step {step:2d}  loss {loss.item():.4f}")

print(f"the line: y = {weight.item():.2f} x + {bias.item():.2f}  (drawn from y = 3.00 x + -0.50)")
