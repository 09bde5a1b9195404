import torch
from torch.autograd import Function


def mk(fw, bw, **kw):
    d = dict(forward=staticmethod(fw), backward=staticmethod(bw))
    d.update(kw)
    return type("MyOp", (Function,), d)


x = torch.ones(3, requires_grad=True)
F = mk(lambda c, x: x * 2, lambda c, g: (g, g))
y = F.apply(x)
print(y, y.grad_fn, type(y.grad_fn), y.grad_fn.name(), y.grad_fn.next_functions)
attempt(lambda: y.sum().backward())
attempt(lambda: mk(lambda c, x: x * 2, lambda c, g: torch.ones(2)).apply(x).sum().backward())
attempt(lambda: mk(lambda c, x: x * 2, lambda c, g: torch.ones(2, 3)).apply(x).sum().backward())
print(x.grad)
attempt(lambda: mk(lambda c, x: x * 2, lambda c, g: 3).apply(x).sum().backward())
attempt(lambda: mk(lambda c, x, n: x * 2, lambda c, g: (g, 3)).apply(x, 3).sum().backward())
attempt(lambda: mk(lambda c, x, n: x * 2, lambda c, g: (g, g)).apply(x, 3).sum().backward())
attempt(lambda: mk(lambda c, x, n: x * 2, lambda c, g: (g, None, None)).apply(x, 3).sum().backward())
attempt(lambda: mk(lambda c, x: x * 2, lambda c, g: None).apply(x).sum().backward())
attempt(lambda: mk(lambda c, x, y: x * y, lambda c, g: g).apply(x, x).sum().backward())


def fw(c, x):
    c.save_for_backward(3)
    return x * 2


attempt(lambda: mk(fw, lambda c, g: g).apply(x))


def fw(c, x):
    c.mark_dirty(x)
    return x.mul_(2)


attempt(lambda: mk(fw, lambda c, g: g).apply(x))
z = x * 1
attempt(lambda: mk(fw, lambda c, g: g).apply(z))
print(z.grad_fn, z._version)


def fw(c, x):
    c.mark_dirty(x)
    x.mul_(2)
    return x * 1


z = x * 1
attempt(lambda: mk(fw, lambda c, g: g).apply(z))
y = mk(lambda c, x: x, lambda c, g: g).apply(z)
print(y, y is z, y._base is z, y._is_view())
attempt(lambda: y.mul_(2))
y = mk(lambda c, x: x.view(-1, 1), lambda c, g: g).apply(z)
print(y, y._base is z, y._is_view())
attempt(lambda: y.mul_(2))


def fw(c, x):
    o = x.long()
    c.mark_non_differentiable(o)
    return o, x * 2


print(mk(fw, lambda c, a, b: b).apply(x))
y = mk(lambda c, x: (x * 2, 3, None), lambda c, g, a, b: g).apply(x)
print(y)
attempt(lambda: mk(lambda c, x: (x * 2, 3), lambda c, g: g).apply(x)[0].sum().backward())
attempt(lambda: mk(lambda c, x: 3, lambda c, g: g).apply(x))
attempt(lambda: mk(lambda c, x: [x * 2], lambda c, g: g).apply(x))
attempt(lambda: mk(lambda c, x: "a", lambda c, g: g).apply(x))
attempt(lambda: Function())
attempt(lambda: Function.apply(x))
attempt(lambda: type("NoB", (Function,), dict(forward=staticmethod(lambda c, x: x * 2))).apply(x).sum().backward())


def fw(c, x):
    c.save_for_backward(x)
    return x * 2


def bw(c, g):
    print(c.needs_input_grad, c.saved_tensors)
    return g


y = mk(fw, bw).apply(x)
y.sum().backward()
attempt(lambda: y.grad_fn.saved_tensors)
attempt(lambda: y.sum().backward())
attempt(lambda: y.sum().backward())
from torch.autograd.function import once_differentiable

F = mk(fw, once_differentiable(lambda c, g: g * c.saved_tensors[0]))
y = F.apply(x)
(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
print(g)
attempt(lambda: torch.autograd.grad(g.sum(), x))


def bw(c, a, b):
    print(a, b)
    return a


F = mk(lambda c, x: (x * 2, x * 3), bw)
a, b = F.apply(x)
print(a.grad_fn is b.grad_fn, b.output_nr)
attempt(lambda: a.sum().backward())


def fw(c, x):
    c.set_materialize_grads(False)
    return x * 2, x * 3


F = mk(fw, bw)
a, b = F.apply(x)
attempt(lambda: a.sum().backward())


class S(Function):
    @staticmethod
    def forward(x, n):
        return x * n, x + n

    @staticmethod
    def setup_context(ctx, inputs, output):
        print(len(inputs), type(output))
        ctx.n = inputs[1]

    @staticmethod
    def backward(ctx, g, h):
        return g * ctx.n + h, None


a, b = S.apply(x, 4)
(a + b).sum().backward()
print(x.grad)
z = x * 2


def fw(c, x):
    c.save_for_backward(x)
    return x * 2


y = mk(fw, lambda c, g: g * c.saved_tensors[0]).apply(z)
z.mul_(2)
attempt(lambda: y.sum().backward())
attempt(lambda: S.apply(x))
