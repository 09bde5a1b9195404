import torch
from torch.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap

x = torch.arange(3.0)
attempt(lambda: grad(lambda x: x * 2)(x))
attempt(lambda: grad(lambda x: 3)(x))
attempt(lambda: grad(lambda x: (x.sum(), 1, 2))(x))
attempt(lambda: grad(lambda x: x.sum(), has_aux=True)(x))
attempt(lambda: grad(lambda x: (x.sum(), x), has_aux=True)(x))
attempt(lambda: grad(lambda x: x.sum(), argnums=3)(x))
attempt(lambda: grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(x, x))
attempt(lambda: grad(lambda x: x.sum())(torch.arange(3)))
attempt(lambda: grad(lambda x: x.sum())(3.0))
attempt(lambda: grad(lambda d: (d["a"] * d["b"]).sum())({"a": x, "b": x}))
attempt(lambda: grad(lambda x: torch.zeros(()))(x))
attempt(lambda: grad_and_value(lambda x: (x * x).sum())(x))
attempt(lambda: vjp(lambda x: (x * x, x.sum()), x)[0])
o, f = vjp(lambda x: x * x, x)
attempt(lambda: f(torch.ones(3)))
attempt(lambda: f(torch.ones(2)))
attempt(lambda: f(torch.ones(3), 1))
attempt(lambda: f((torch.ones(3),)))
attempt(lambda: jvp(lambda x: x * x, (x,), (torch.ones(3),)))
attempt(lambda: jvp(lambda x: x * x, x, torch.ones(3)))
attempt(lambda: jvp(lambda x: x * x, (x,), (torch.ones(2),)))
attempt(lambda: jvp(lambda x: x * x, (x,), (torch.ones(3), torch.ones(3))))
attempt(lambda: jvp(lambda x: torch.ones(2), (x,), (torch.ones(3),)))
attempt(lambda: jvp(lambda x: 3, (x,), (torch.ones(3),)))
attempt(lambda: vmap(lambda x: x * 2)(torch.tensor(1.0)))
attempt(lambda: vmap(lambda x: x * 2, in_dims=1)(x))
attempt(lambda: vmap(lambda x, y: x * y)(x, torch.ones(4)))
attempt(lambda: vmap(lambda x, y: x * y, in_dims=(0,))(x, x))
attempt(lambda: vmap(lambda x, y: x * y, in_dims=(None, None))(x, x))
attempt(lambda: vmap(lambda x: 3)(x))
attempt(lambda: vmap(lambda x: x, out_dims=3)(x))
attempt(lambda: vmap(lambda x: (x, x), out_dims=(0,))(x))
attempt(lambda: vmap(lambda x: x.item())(x))
attempt(lambda: vmap(lambda x: x if x > 0 else -x)(x))
attempt(lambda: vmap(lambda x: torch.rand(2))(x))
attempt(lambda: vmap(lambda x: x, in_dims="a")(x))
attempt(lambda: vmap(lambda x: x, in_dims={"a": 0})(x))
attempt(lambda: vmap(lambda x: x)(3))
attempt(lambda: vmap(lambda x: x, chunk_size=2)(x))
attempt(lambda: vmap(lambda x: x, chunk_size=0)(x))
attempt(lambda: vmap(lambda x: x, randomness="foo")(x))
attempt(lambda: vmap(lambda x: None)(x))
attempt(lambda: vmap(lambda: 3)())
attempt(lambda: vmap(lambda x: {"a": x, "b": (x,)})(x))
attempt(lambda: vmap(lambda x: torch.ones(2))(x))
attempt(lambda: vmap(lambda x: x, out_dims=None)(x))
attempt(lambda: jacrev(lambda x: x * x)(x))
attempt(lambda: jacrev(lambda x: (x * x, x.sum()))(x))
attempt(lambda: jacfwd(lambda x: x * x)(x))
attempt(lambda: hessian(lambda x: (x**3).sum())(x))
attempt(lambda: jacrev(lambda x: 3)(x))
attempt(lambda: jacrev(lambda x: x, argnums=2)(x))
attempt(lambda: jacfwd(lambda x: x * x, has_aux=True)(x))
attempt(lambda: jacrev(lambda x, y: x * y, argnums=(0, 1))(x, x))
attempt(lambda: jacrev(lambda x: x, chunk_size=-1)(x))
import warnings

warnings.simplefilter("ignore")
o, jf = linearize(lambda x: x.sin(), x)
print(o, jf(torch.ones(3)))
attempt(lambda: jf(torch.ones(2)))


def show(x):
    print(x)
    return x.sum()


grad(show)(x)
vmap(show)(torch.ones(2, 3))
jvp(show, (x,), (x,))
grad(lambda x: vmap(show)(x).sum())(torch.ones(2, 2))
vmap(grad(show))(torch.ones(2, 2))


def inp(x):
    x.add_(1)
    return x.sum()


attempt(lambda: grad(inp)(x))
print(x)


def inp(x):
    y = torch.zeros(3)
    y[0] = x[0]
    return y.sum()


attempt(lambda: grad(inp)(x))
attempt(lambda: jvp(inp, (x,), (x,)))
