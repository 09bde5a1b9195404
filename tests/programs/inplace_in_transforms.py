import torch
import torch.func as F

x = torch.arange(1.0, 4.0)


def a(x):
    y = torch.zeros(3)
    y[0] = x[0] * 2
    y[1:] = x[1:] * x[1:]
    return (y * x).sum()


def b(x):
    y = x.clone()
    v = y[1:]
    v.mul_(x[:2])
    y.add_(1)
    return (y * v.sum()).sum()


def c(x):
    y = x.clone()
    y[0] = 5.0
    y[y > 2.5] = 0.0
    return (y * y).sum()


def d(x):
    y = torch.zeros(2, 3)
    y.index_put_((torch.tensor([0, 1]),), x)
    y.t()[1] *= 2
    return y.pow(2).sum()


for f in (a, b, c, d):
    attempt(lambda: F.grad(f)(x))
    attempt(lambda: F.jvp(f, (x,), (x,)))
    attempt(lambda: F.hessian(f)(x))
    z = x.clone().requires_grad_()
    attempt(lambda: torch.autograd.grad(f(z), z))
attempt(lambda: F.vmap(F.grad(b))(torch.stack([x, x * 2])))
