import torch
import torch.autograd.forward_ad as fwAD
import torch.autograd.functional as AF

x = torch.arange(3.0)
t = torch.ones(3)
attempt(lambda: fwAD.make_dual(x, t))
attempt(lambda: fwAD.unpack_dual(x))
with fwAD.dual_level() as lvl:
    print(lvl)
    d = fwAD.make_dual(x, t)
    print(d, type(d))
    y = d * d
    print(fwAD.unpack_dual(y))
    print(y)
    attempt(lambda: fwAD.make_dual(x, torch.ones(2)))
    attempt(lambda: fwAD.make_dual(torch.arange(3), t))
    attempt(lambda: fwAD.make_dual(3, t))
    attempt(lambda: fwAD.make_dual(x, torch.ones(3, dtype=torch.int64)))
    attempt(lambda: fwAD.make_dual(x, torch.ones(3, dtype=torch.float64)))
    v = d[1:]
    print(fwAD.unpack_dual(v).tangent)
    v.mul_(2)
    print(fwAD.unpack_dual(d).tangent, x)
    z = torch.zeros(3)
    z.copy_(d)
    print(fwAD.unpack_dual(z).tangent)
    z2 = torch.zeros(3)
    z2[0] = d[2]
    print(fwAD.unpack_dual(z2))
    with torch.no_grad():
        print(fwAD.unpack_dual(d * 2).tangent)
    with fwAD._set_fwd_grad_enabled(False):
        print(fwAD.unpack_dual(d * 2).tangent)
    attempt(lambda: fwAD.enter_dual_level())
    print(d.detach() is d, fwAD.unpack_dual(d.detach()).tangent, fwAD.unpack_dual(d.clone()).tangent)
    xr = torch.ones(3, requires_grad=True)
    dr = fwAD.make_dual(xr, t.clone().requires_grad_())
    o = (dr * dr).sum()
    print(o, fwAD.unpack_dual(o).tangent)
    fwAD.unpack_dual(o).tangent.backward()
    print(xr.grad)
    print(fwAD.unpack_dual(torch.ones(2)))
    attempt(lambda: fwAD.make_dual(d, t))
    print(torch.ones(3).add_(d), d.sum().item(), (d > 1), d.tolist())
print(y, d, y * 2)
attempt(lambda: fwAD.unpack_dual(y))
attempt(lambda: fwAD.exit_dual_level())


class F(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_forward(x)
        return x * x

    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return 2 * x * t


class G(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x


with fwAD.dual_level():
    print(fwAD.unpack_dual(F.apply(fwAD.make_dual(x, t))))
    attempt(lambda: G.apply(fwAD.make_dual(x, t)))
f = lambda x: x * x
s = lambda x: (x**3).sum()
attempt(lambda: AF.vjp(f, x))
attempt(lambda: AF.vjp(f, x, t))
attempt(lambda: AF.vjp(s, x))
attempt(lambda: AF.vjp(f, x, torch.ones(2)))
attempt(lambda: AF.vjp(lambda x: 3, x))
attempt(lambda: AF.vjp(f, 3))
attempt(lambda: AF.vjp(lambda x: torch.ones(()), x))
attempt(lambda: AF.vjp(lambda x: torch.ones(()), x, strict=True))
attempt(lambda: AF.vjp(f, x, t, create_graph=True))
attempt(lambda: AF.jvp(f, x, t))
attempt(lambda: AF.jvp(f, (x,), (t,)))
attempt(lambda: AF.jvp(f, x))
attempt(lambda: AF.jvp(s, x, t, create_graph=True))
attempt(lambda: AF.jvp(lambda x: x.detach(), x, t, strict=True))
attempt(lambda: AF.jvp(lambda x, y: x * 2, (x, x), (t, t), strict=True))
attempt(lambda: AF.jvp(f, (x, x), (t,)))
attempt(lambda: AF.jacobian(f, x))
attempt(lambda: AF.jacobian(lambda a, b: (a * b, a.sum()), (x, t)))
attempt(lambda: AF.jacobian(f, x, vectorize=True))
attempt(lambda: AF.jacobian(f, x, vectorize=True, strategy="forward-mode"))
attempt(lambda: AF.jacobian(f, x, strategy="forward-mode"))
attempt(lambda: AF.jacobian(f, x, strategy="foo"))
attempt(lambda: AF.jacobian(f, x, create_graph=True))
attempt(lambda: AF.jacobian(f, x, strict=True, vectorize=True))
attempt(lambda: AF.jacobian(lambda x: torch.ones(2), x, strict=True))
attempt(lambda: AF.jacobian(lambda x, y: x * 1.0, (x, t), strict=True))
attempt(lambda: AF.jacobian(lambda x: x * 2.0, x, strict=True, create_graph=True))
attempt(lambda: AF.jacobian(lambda a, b: (a * b, a.sum()), (x, t), vectorize=True))
attempt(lambda: AF.jacobian(lambda a, b: (a * b, a.sum()), (x, t), vectorize=True, strategy="forward-mode"))
attempt(lambda: AF.hessian(s, x))
attempt(lambda: AF.hessian(f, x))
attempt(lambda: AF.hessian(s, x, vectorize=True))
attempt(lambda: AF.hessian(s, x, vectorize=True, outer_jacobian_strategy="forward-mode").detach())
attempt(lambda: AF.hessian(lambda a, b: (a * b * b).sum(), (x, t)))
attempt(lambda: AF.hessian(lambda x: x.sum(), x, strict=True))
attempt(lambda: AF.hessian(s, x, outer_jacobian_strategy="foo"))
attempt(lambda: AF.hessian(lambda x: (x, x), x))
attempt(lambda: AF.hessian(s, x, create_graph=True))
attempt(lambda: AF.vhp(s, x, t))
attempt(lambda: AF.vhp(f, x, t))
attempt(lambda: AF.hvp(s, x, t))
attempt(lambda: AF.hvp(s, x))
attempt(lambda: AF.hvp(lambda x: x.sum(), x, t, strict=True))
attempt(lambda: AF.vhp(lambda x: x.sum(), x, t, strict=True))
attempt(lambda: AF.vhp(lambda x: x.sum(), x, t))
attempt(lambda: AF.hvp(lambda x: x.sum(), x, t))
attempt(lambda: AF.vhp(s, x, torch.ones(2)))
attempt(lambda: AF.hvp(lambda x: torch.ones(()), x, t, strict=True))
attempt(lambda: AF.vhp(s, torch.tensor(2.0)))
