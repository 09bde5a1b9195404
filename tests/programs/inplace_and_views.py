import torch

x = torch.ones(3, requires_grad=True)
y = x.sigmoid()
z = y * 1
y.add_(1)
attempt(lambda: z.sum().backward())
y = x.sigmoid()
z = y * y
y.add_(1)
attempt(lambda: z.sum().backward())
w = torch.ones(3)
z = x * w
w.add_(1)
attempt(lambda: z.sum().backward())
y = torch.nn.functional.log_softmax(x, 0)
y.add_(1)
attempt(lambda: y.sum().backward())
b = x * 1
b[0] = 2
z = b * b
b.add_(1)
attempt(lambda: z.sum().backward())
a, bb = (x * 1)[:2].unbind()
attempt(lambda: a.mul_(2))
a, bb = (x * 1)[:2].split(1)
attempt(lambda: a.mul_(2))
attempt(lambda: x[0].mul_(2))
attempt(lambda: x.mul_(2))
attempt(lambda: (x * 1).expand(2, 3).mul_(2))
e = x.exp()
z = e * 1
torch.set_printoptions(precision=4)
with torch.no_grad():
    v = (b := x * 1)[0]
attempt(lambda: v.mul_(2))
with torch.inference_mode():
    i = torch.ones(3)
attempt(lambda: i.mul_(2))
attempt(lambda: i * x)
attempt(lambda: i._version)
attempt(lambda: i.requires_grad_())
print(i.is_inference(), i[0].is_inference())
attempt(lambda: (torch.ones(2, 3) * 1).add_(torch.ones(4, 2, 3)))
attempt(lambda: torch.ones(2, dtype=torch.int64).add_(1.5))
attempt(lambda: torch.ones(2, dtype=torch.int64).div_(2))
attempt(lambda: torch.add(x, x, out=torch.empty(3)))
attempt(lambda: x.detach_())
v = (x * 1)[0:2]
attempt(lambda: v.detach_())
y = x * 2
v = y[0]
y.mul_(3)
print(v.grad_fn, v._version)
d = y.detach()
d.zero_()
print(y._version, v._version)
try:
    (y * y).requires_grad_(False)
except RuntimeError as e:
    print(e)
print(torch.ones(2, requires_grad=True).data.requires_grad)
