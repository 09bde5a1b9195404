import torch

# order of hooks, replacing gradients, handles
x = torch.ones(2, requires_grad=True)
y = x * 2
h1 = y.register_hook(lambda g: print("first", g))
h2 = y.register_hook(lambda g: g * 10)
h3 = y.register_hook(lambda g: print("third", g))
y.grad_fn.register_prehook(lambda gs: print("prehook", gs))
y.grad_fn.register_hook(lambda gi, go: print("posthook", gi, go))
x.register_hook(lambda g: print("leaf hook", g))
x.register_post_accumulate_grad_hook(lambda p: print("post accumulate", p.grad))
z = y.sum()
z.backward(retain_graph=True)
h2.remove()
h2.remove()
z.backward()
print(x.grad)

# hooks run in which order between nodes and leaves
a = torch.ones(1, requires_grad=True)
b = torch.ones(1, requires_grad=True)
for name, t in (("a", a), ("b", b)):
    t.register_post_accumulate_grad_hook(lambda p, name=name: print("done", name))
c = a * b
d = c * a
for name, t in (("c", c), ("d", d)):
    t.register_hook(lambda g, name=name: print("at", name))
(d + b).sum().backward()

# retain_grad
x = torch.ones(2, requires_grad=True)
y = x * 3
y.retain_grad()
y.register_hook(lambda g: g * 2)
(y * y).sum().backward()
print(y.grad, y.retains_grad, x.grad)

# a hook registered before an in-place change belongs to the old value
x = torch.ones(2, requires_grad=True)
y = x * 2
y.register_hook(lambda g: print("before", g))
y.mul_(3)
y.register_hook(lambda g: print("after", g))
y.sum().backward()

# multi-grad hooks
x = torch.ones(2, requires_grad=True)
y = torch.ones(2, requires_grad=True)
w = torch.ones(2, requires_grad=True)
handle = torch.autograd.graph.register_multi_grad_hook((x, y, w), lambda gs: print("all", gs))
(x * y).sum().backward()
(x * y + w).sum().backward()
handle.remove()
(x * y).sum().backward()
torch.autograd.graph.register_multi_grad_hook((x, y), lambda g: print("any", g), mode="any")
(x * y).sum().backward()
attempt(lambda: torch.autograd.graph.register_multi_grad_hook((x,), print, mode="some"))

# grad modes
x = torch.ones(2, requires_grad=True)


@torch.no_grad()
def f(t):
    return t * 2


@torch.no_grad
def g(t):
    return t * 2


@torch.no_grad()
def generator(t):
    while True:
        t = t * 2
        print("inside", torch.is_grad_enabled())
        sent = yield t
        print("sent", sent)


print(f(x).requires_grad, g(x).requires_grad)
gen = generator(x)
print(next(gen).requires_grad, torch.is_grad_enabled())
print(gen.send("hello").requires_grad)
gen.close()
with torch.no_grad():
    print(torch.is_grad_enabled())
    with torch.enable_grad():
        print(torch.is_grad_enabled(), (x * 2).requires_grad)
    with torch.set_grad_enabled(True):
        print((x * 2).requires_grad)
    print((x * 2).requires_grad)
torch.set_grad_enabled(False)
print((x * 2).requires_grad)
torch.set_grad_enabled(True)
print(torch.set_grad_enabled(True), torch.no_grad().__class__.__name__)
with torch.inference_mode():
    i = x * 2
    print(i.is_inference(), i.requires_grad, torch.is_inference_mode_enabled())
print((i + 1).is_inference())
attempt(lambda: i.add_(1))
attempt(lambda: i * x)
attempt(lambda: i.requires_grad_())
print((i.clone() * x).requires_grad)


@torch.inference_mode()
def h(t):
    return t * 2


print(h(x).is_inference())


# saved tensors hooks
def pack(t):
    print("pack", t.shape)
    return t.clone()


def unpack(t):
    print("unpack", t.shape)
    return t


with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
    y = x * x.exp()
y.sum().backward()
with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
    attempt(lambda: torch.autograd.graph.saved_tensors_hooks(pack, unpack).__enter__())
with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
    y = x * x
attempt(lambda: y.sum().backward())
with torch.autograd.graph.save_on_cpu():
    y = x * x.sin()
x.grad = None
y.sum().backward()
print(x.grad)
with torch.autograd.graph.allow_mutation_on_saved_tensors():
    v = x.clone()
    y = v * v
    v.zero_()
    x.grad = None
    y.sum().backward()
    print(x.grad)
t = torch.ones(2)
torch.autograd.graph.increment_version(t)
print(t._version)

# engine callbacks
from torch.autograd import Variable

attempt(lambda: Variable._execution_engine.queue_callback(lambda: print("never")))
x.register_hook(lambda g: Variable._execution_engine.queue_callback(lambda: print("callback")))
(x * 2).sum().backward()

# accumulation
x = torch.ones(2, requires_grad=True)
(x * 2).sum().backward()
first = x.grad
(x * 2).sum().backward()
print(first is x.grad, first, first._version)
(x * x).sum().backward(create_graph=True)
print(first is x.grad, x.grad, first)
x = torch.ones(2, 3).t().requires_grad_()
(x * torch.arange(6.0).view(3, 2)).sum().backward()
print(x.grad.stride(), x.grad)
x = torch.ones(3, requires_grad=True)
x.sum().backward()
print(x.grad.stride())
