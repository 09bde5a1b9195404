"""What nodes saved and the hooks on it, what hooks may return, which attributes may be set and to what."""

import torch

# saved tensors and hooks on them

a = torch.ones(2, requires_grad=True)
b = torch.tensor([2.0, 3.0], requires_grad=True)
y = (a * 2) * b
saved = y.grad_fn._raw_saved_self
print(isinstance(saved, torch._C._autograd.SavedTensor), torch.autograd.SavedTensor, saved.unpack())
attempt(torch.autograd.SavedTensor)
saved.register_hooks(lambda x: (x, "packed"), lambda packed: packed[0] * 10)
attempt(saved.register_hooks, lambda x: x, lambda x: x)
print(y.grad_fn._saved_self, y.grad_fn._saved_other)
print(torch.autograd.grad(y.sum(), [a, b], retain_graph=True))
y.sum().backward()
attempt(lambda: y.grad_fn._saved_self)
attempt(lambda: isinstance(y.grad_fn._raw_saved_self, torch.autograd.SavedTensor))
attempt(saved.register_hooks, lambda x: x, lambda x: x)
attempt(saved.unpack)
attempt(lambda: (a * b).grad_fn._raw_saved_self.register_hooks(lambda x: x, 3))

y = a * 3.0
print(y.grad_fn._saved_self, isinstance(y.grad_fn._raw_saved_self, torch.autograd.SavedTensor))
attempt(y.grad_fn._raw_saved_self.register_hooks, lambda x: x, lambda x: x)

for f in (torch.exp, torch.sin, lambda x: x**3, lambda x: x.double().sigmoid()):
    y = f(a)
    name = next(n for n in dir(y.grad_fn) if n.startswith("_raw_saved"))
    getattr(y.grad_fn, name).register_hooks(lambda x: 5 * x.detach(), lambda x: x / 5)
    g = torch.randn(2, generator=torch.Generator().manual_seed(1)).to(y.dtype)
    print(name, torch.autograd.grad(y, a, g, create_graph=name != "_raw_saved_exponent"))

m = torch.arange(4.0).reshape(2, 2).requires_grad_()
y = m[:, torch.tensor([0, 1])]
print(y.grad_fn._saved_indices, y.grad_fn._saved_self_sym_sizes)
raw = y.grad_fn._raw_saved_indices
print([type(r) for r in raw])
attempt(raw[0].register_hooks, lambda x: x, lambda x: x)
raw[1].register_hooks(lambda x: x.tolist(), lambda x: torch.tensor(x[::-1]))
print(torch.autograd.grad(y, m, torch.tensor([[1.0, 2.0], [3.0, 4.0]])))
print(torch.autograd.grad(m[torch.tensor([True, False])].sum(), m))


class Times(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x, None)
        return x * k

    @staticmethod
    def backward(ctx, g):
        print("saved", ctx.saved_tensors)
        return g, None


y = Times.apply(a, 2)
first, second = y.grad_fn._raw_saved_tensors
first.register_hooks(lambda x: x * 3, lambda x: x)
attempt(second.register_hooks, lambda x: x, lambda x: x)
y.sum().backward()
attempt(lambda: y.grad_fn._raw_saved_tensors)

for y in (a.sum(), a.softmax(0), a**2, m.transpose(0, 1), m.view(4), a.clamp(0, 1), torch.stack([a, a]), m.permute(1, 0)):
    print(y.grad_fn.name(), [n for n in dir(y.grad_fn) if "_saved_" in n])

# what hooks of nodes may return

for bad in (
    lambda gi, go: gi[0], lambda gi, go: 3, lambda gi, go: (3,), lambda gi, go: (None,), lambda gi, go: (gi[0].double(),),
    lambda gi, go: (torch.ones(3),), lambda gi, go: (gi[0], gi[0]), lambda gi, go: [gi[0]], lambda gi, go: (),
    lambda gi, go: (gi[0] * 2,),
):  # fmt: skip
    y = a.exp()
    y.grad_fn.register_hook(bad)
    attempt(torch.autograd.grad, y.sum(), a, allow_unused=True)
for bad in (
    lambda go: go[0], lambda go: 3, lambda go: (3,), lambda go: (None,), lambda go: (go[0].double(),),
    lambda go: (torch.ones(3),), lambda go: (go[0], go[0]), lambda go: [go[0]], lambda go: (), lambda go: (go[0] * 2,),
):  # fmt: skip
    y = a.exp()
    y.grad_fn.register_prehook(bad)
    attempt(torch.autograd.grad, y.sum(), a, allow_unused=True)
a.grad = None
accumulate = torch.autograd.graph.get_gradient_edge(a).node
for bad in (lambda gi, go: gi, lambda gi, go: 3, lambda gi, go: go):
    with accumulate.register_hook(bad):
        attempt(lambda: a.exp().sum().backward())
for bad in (lambda go: go[0], lambda go: 3, lambda go: (3,), lambda go: (None,)):
    with accumulate.register_prehook(bad):
        attempt(lambda: a.exp().sum().backward())
for bad in (lambda p: 3, lambda p: p, lambda p: p * 2):
    with a.register_post_accumulate_grad_hook(bad):
        attempt(lambda: a.exp().sum().backward())
print(a.grad)
attempt(torch.autograd.graph.register_multi_grad_hook, (a, torch.ones(2)), lambda g: 1)

# gradients to start from

edge = torch.autograd.graph.get_gradient_edge
attempt(torch.autograd.grad, edge((a * b).sum()), a)
attempt(torch.autograd.grad, edge(a * b), a)
attempt(torch.autograd.grad, edge(a * b), a, torch.ones(3))
attempt(torch.func.grad(lambda x: x.sum() * 1j), torch.ones(2))

# attributes that are not for the user to set

x = torch.ones(2, requires_grad=True)
y = x * 2
for value in (5, None, "a", torch.tensor(True)):
    attempt(setattr, x, "requires_grad", value)
    attempt(x.requires_grad_, value)
    attempt(torch.zeros, 2, requires_grad=value) if value is not None else None
attempt(setattr, y, "requires_grad", True)
attempt(setattr, y, "requires_grad", False)
attempt(y.requires_grad_)
for name in ("grad_fn", "_version", "shape", "is_leaf", "_base", "dtype", "device", "layout", "output_nr", "retains_grad"):
    attempt(setattr, x, name, None)
attempt(delattr, x, "requires_grad")
attempt(delattr, x, "data")
print(x.requires_grad, x.shape)

# the dtype of a result, and what does not fit in place

for pair in (
    (torch.tensor([1]), 1.5), (1, 2), (torch.ones(2), torch.ones(1, dtype=torch.int)), (True, 2.0),
    (1, torch.ones(2, dtype=torch.half)), (torch.ones(1, dtype=torch.uint8), 3j), (torch.tensor(1.0), torch.tensor([1])),
):  # fmt: skip
    print(torch.result_type(*pair))
print(torch.result_type(tensor=torch.ones(1), other=2))
attempt(torch.result_type, "a", 1)
print(torch.vmap(lambda r: r.to(torch.result_type(r, torch.tensor(2, dtype=torch.int8))))(torch.ones(2, dtype=torch.uint8)))
n = torch.tensor([7, -7, 3])
for name in ("floor_divide_", "remainder_", "fmod_", "bitwise_and_", "gcd_", "copysign_", "xlogy_", "hypot_"):
    for other in (torch.tensor([1j, 1, 0]), torch.tensor([0.5, 0, 2]), 0.0, torch.ones(2, 3)):
        attempt(getattr(n.clone(), name), other)
attempt(torch.tensor([True]).remainder_, 0)
attempt(lambda: ~torch.tensor([1.5]))
print(torch.tensor([-4.0, -2.5, 0.0, 5.0]) % 2.5, torch.tensor([-4.0, 0.0, 4.0]).remainder(-2), 5.5 % torch.tensor([2, -2]))

# arguments that do not go together

q = torch.ones(1, 3, 4)
attempt(torch.nn.functional.scaled_dot_product_attention, q, q, q, attn_mask=torch.ones(3, 3), is_causal=True)
attempt(torch.nn.functional.cosine_similarity, torch.ones(2), torch.ones(3))
print((a + b).grad_fn._saved_alpha, (a - 1).grad_fn._saved_alpha, m.mean().grad_fn._saved_self_sym_numel)
print(m.sum(0).grad_fn._saved_self_sym_sizes, m.mean(0).grad_fn._saved_self_sym_numel)
