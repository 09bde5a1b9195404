"""What forward mode, the functional interface and the engine's entrances refuse."""

import copy

import torch
import torch.autograd.forward_ad as fwAD
from torch.autograd import functional

x, t = torch.ones(2), torch.full((2,), 3.0)
with fwAD.dual_level():
    d = fwAD.make_dual(x, t)
    attempt(fwAD.make_dual, d, t)
    attempt(fwAD.make_dual, x, d)
    attempt(fwAD.make_dual, x, t, level=1)
    print(fwAD.unpack_dual(fwAD.make_dual(x, t, level=0)))
    print(copy.deepcopy(d), copy.deepcopy({"a": d})["a"])
    y = torch.ones(2)
    y.add_(d)
    print(fwAD.unpack_dual(y))

for name in ("jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"):
    f = getattr(functional, name)
    attempt(f, lambda x: (x, 5), x, *([x] if name in ("jvp", "hvp", "vhp") else []))
attempt(torch.autograd.grad, "a", x)
attempt(torch.autograd.backward, "a")
attempt(torch.autograd.backward, [x.requires_grad_(), "a"])
