import torch

x = torch.tensor([1.0, -1.0], requires_grad=True)
with torch.autograd.set_detect_anomaly(True):
    y = x.sqrt()
with torch.autograd.set_detect_anomaly(True, check_nan=False):
    (x.abs().sqrt() * 1).sum().backward()
print(torch.is_anomaly_enabled())

# complex: the gradient is the conjugate Wirtinger derivative
z = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
(z.abs() ** 2).sum().backward()
print(z.grad)
z.grad = None
(z * z).real.sum().backward()
print(z.grad)
z.grad = None
(z * z).imag.sum().backward()
print(z.grad)
z.grad = None
(z.conj() * z).real.sum().backward()
print(z.grad)
z.grad = None
(z * torch.tensor([2.0, 4.0])).abs().square().sum().backward()
print(z.grad)
z.grad = None
torch.view_as_real(z).sum().backward()
print(z.grad)
x = torch.tensor([1.0, 2.0], requires_grad=True)
(x * (1 + 1j)).abs().sum().backward()
print(x.grad)
x.grad = None
(x + 2j).prod().real.backward()
print(x.grad)
x.grad = None
torch.complex(x, x * 2).angle().sum().backward()
print(x.grad)
attempt(lambda: (z * z).sum().backward())
(z * z).sum().backward(torch.tensor(1.0 + 0j))
print(z.grad)
z = torch.tensor(2.0 + 1j, requires_grad=True)
for f in (
    torch.exp,
    torch.log,
    torch.sin,
    torch.cos,
    torch.tanh,
    torch.sqrt,
    torch.reciprocal,
    lambda t: t**2,
    lambda t: t**0.5,
):
    (g,) = torch.autograd.grad(f(z), z, torch.tensor(1.0 + 0j))
    print(g)
