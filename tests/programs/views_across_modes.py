import torch

x = torch.ones(4, requires_grad=True)
b = x * 1
with torch.no_grad():
    v = b[0:3]
w = v[0:2]
print(v.requires_grad, v.grad_fn, w.requires_grad)
attempt(lambda: v.mul_(2))
attempt(lambda: w.mul_(2))
l = torch.ones(4, requires_grad=True)
with torch.no_grad():
    v = l[0:3]
    v.mul_(2)
    print(l)
attempt(lambda: v.mul_(2))
attempt(lambda: v[0:2])
b = torch.ones(3)
with torch.no_grad():
    v = b[0:2]
attempt(lambda: v.mul_(x[0:2]))
print(b.requires_grad)
b = x * 1
u = b.unbind()[0]
w = u.view(1)
attempt(lambda: w.mul_(2))
with torch.inference_mode():
    v = b[0:2]
attempt(lambda: v.mul_(2))
attempt(lambda: b.mul_(2))
attempt(lambda: v.requires_grad)
m = torch.ones(3, dtype=torch.bool)
y = torch.where(m, x[:3], 0.0)
m[0] = False
attempt(lambda: y.sum().backward())
b = x * 1
b[0] = 3.0
y = b * b
b[1] = 2
attempt(lambda: y.sum().backward())
b = x * 1
v = b[0:2]
v.mul_(x[2:4])
print(b.grad_fn.next_functions, v.grad_fn.next_functions)
b = x * 1
b[0:2] = x[2:4]
print(b.grad_fn.next_functions)
b = x * 1
b[0:2] += x[2:4]
print(b.grad_fn.next_functions)
b = x * 1
b[0:2].copy_(x[2:4])
print(b.grad_fn.next_functions)
b = x * 1
b[0:2].exp_()
print(b.grad_fn.next_functions, b.grad_fn.name())
x = torch.ones(4, requires_grad=True)
b = x * 1
a, c, *_ = b.unbind()
b.mul_(2)
attempt(lambda: a.grad_fn)
attempt(lambda: a * 2)
print(a.requires_grad)
try:
    print(a)
except Exception as e:
    print(e)


class F(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view(-1)

    @staticmethod
    def backward(ctx, g):
        return g


b = x * 1
y = F.apply(b)
b.mul_(2)
attempt(lambda: y.grad_fn)
b = x * 1
with torch.inference_mode():
    v = b[0:2]
b.mul_(2)
attempt(lambda: v.grad_fn)
attempt(lambda: v * x[:2])
