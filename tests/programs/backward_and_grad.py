import torch

x = torch.ones(3, requires_grad=True)
y = x * 2
s = y.sum()
c = torch.ones((), dtype=torch.complex64, requires_grad=True) * 2
attempt(lambda: y.backward())
attempt(lambda: torch.ones(3).backward())
attempt(lambda: torch.ones(()).backward())
attempt(lambda: c.backward())
attempt(lambda: y.backward(torch.ones(2)))
attempt(lambda: y.backward(3))
attempt(lambda: y.backward(torch.ones(3, dtype=torch.float64), retain_graph=True))
print(x.grad)
attempt(lambda: torch.autograd.backward([y, s], [torch.ones(3)]))
attempt(lambda: s.backward(inputs=[]))
attempt(lambda: s.backward(inputs=[torch.ones(2)]))
attempt(lambda: s.backward(inputs=x, retain_graph=True))
attempt(lambda: s.backward(inputs=[y], retain_graph=True))
print(y.grad)
attempt(lambda: torch.autograd.grad(s, []))
attempt(lambda: torch.autograd.grad(s, [torch.ones(2)]))
attempt(lambda: torch.autograd.grad(s, [torch.ones(2, requires_grad=True)], retain_graph=True))
attempt(lambda: torch.autograd.grad(s, [torch.ones(2, requires_grad=True)], retain_graph=True, allow_unused=True))
attempt(lambda: torch.autograd.grad(s, [torch.ones(2, requires_grad=True)], retain_graph=True, materialize_grads=True))
attempt(lambda: torch.autograd.grad(s, [torch.ones(2, requires_grad=True)], allow_unused=False, materialize_grads=True))
attempt(lambda: torch.autograd.grad(s, x, only_inputs=False, retain_graph=True))
attempt(lambda: torch.autograd.grad([], x))
attempt(lambda: torch.autograd.grad(s, (x, y), retain_graph=True))
attempt(lambda: torch.autograd.grad(y, x, retain_graph=True))
attempt(lambda: torch.autograd.grad(y, x, grad_outputs=torch.ones(3, dtype=torch.complex64), retain_graph=True))
attempt(lambda: torch.autograd.grad(c, x, grad_outputs=torch.ones(()), retain_graph=True))
attempt(lambda: torch.autograd.backward(y, torch.ones(3, requires_grad=True), retain_graph=True))
s.backward(create_graph=True)
attempt(lambda: torch.ones(2).register_hook(lambda g: g))

attempt(lambda: y.register_post_accumulate_grad_hook(lambda p: None))
attempt(lambda: torch.ones(2).retain_grad())
attempt(lambda: x.retain_grad())
print(x.retains_grad)
y = x * 2
y.register_hook(lambda g: g.double())
attempt(lambda: y.sum().backward())
y = x * 2
y.register_hook(lambda g: torch.ones(5))
attempt(lambda: y.sum().backward())
y = x * 2
y.register_hook(lambda g: 3)
attempt(lambda: y.sum().backward())
y = x * 2
print(y.grad_fn.name(), type(y.grad_fn))
print(y.grad_fn._raw_saved_other)
print(
    type(y.grad_fn.next_functions[0][0]),
    y.grad_fn.next_functions[0][0],
    y.grad_fn.next_functions[0][0]._sequence_nr(),
    y.grad_fn.metadata,
)
z = x * y
z2 = z.sum()
z2.backward()
attempt(lambda: z.grad_fn._saved_self)
attempt(lambda: z.grad_fn._raw_saved_self)
z = x * 3
z.sum().backward()
attempt(lambda: z.sum().backward())
z = x + 3
z.sum().backward()
attempt(lambda: z.sum().backward())
z = (x * 3).sum()
z.backward()
attempt(lambda: z.backward())
print(torch.autograd.graph.get_gradient_edge(x), isinstance(z.grad_fn, torch.autograd.graph.Node))
attempt(lambda: torch.autograd.graph.get_gradient_edge(torch.ones(2)))
print(
    z.grad_fn._saved_self_sym_sizes
    if hasattr(z.grad_fn, "_saved_self_sym_sizes")
    else [a for a in dir(z.grad_fn) if "saved" in a]
)
