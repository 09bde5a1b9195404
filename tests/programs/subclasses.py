"""Subclasses of Parameter, `_make_subclass`, operators on what only claims to be like a tensor."""

import torch
from torch import nn
from torch.overrides import is_tensor_like


class Tagged(nn.Parameter):
    def __new__(cls, data, tag=None):
        t = super().__new__(cls, data)
        t.tag = tag
        return t


class Own(torch.Tensor):
    pass


class Claims:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return "mean" if func is torch.mean else NotImplemented


p = Tagged(torch.ones(2), "x")
print(p, type(p), isinstance(p, nn.Parameter), p.tag, p.is_leaf)
for y in (p * 2, p.detach(), p.data, p.clone(), p[0], torch.cat([p, p]), -p, p.sum(), p.double(), p.view(2)):
    print(type(y).__name__, y)
layer = nn.Linear(1, 1)
layer.weight = Tagged(torch.ones(1, 1))
print([type(q).__name__ for q in layer.parameters()], type(layer(torch.ones(1, 1))))
with torch.no_grad():
    print(type(p.add_(1)), type(p.mul(2)))
(p * 2).sum().backward()
torch.optim.SGD([p], 0.1).step()
print(type(p.grad), p)
print(torch.Tensor._make_subclass(Tagged, torch.ones(2), True))

s = torch.Tensor._make_subclass(Own, torch.ones(2))
print(s, type(s + 1), s.requires_grad)
x = torch.ones(2, requires_grad=True) * 2
print(torch.Tensor._make_subclass(Own, x).requires_grad, torch.Tensor._make_subclass(Own, x, True).is_leaf)
attempt(torch.Tensor._make_subclass, int, torch.ones(2))
attempt(torch.Tensor._make_subclass, Own, 5)
attempt(torch.Tensor._make_subclass, Own, torch.ones(2, dtype=torch.int), True)
attempt(torch.ones(2).as_subclass, int)
y = torch.ones(2)
s = torch.Tensor._make_subclass(Own, y)
s[0] = 5
print(y, y._version, s._version, s._is_view())

c = Claims()
print(torch.mean(c), is_tensor_like(c))
for f in (
    lambda: x + c, lambda: c + x, lambda: x * c, lambda: c - x, lambda: x / c, lambda: x @ c, lambda: x < c, lambda: x == c,
    lambda: torch.add(x, c), lambda: x.add(c),
):  # fmt: skip
    attempt(f)
