"""Nodes of the graph can be called: a backward pass by hand."""

import torch
from torch import nn

x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor([3.0, 4.0], requires_grad=True)
for y in (
    x * w, x * 3, x.exp(), x.sum(), x.mean(), x @ w, x.max(0)[0], x[0], x[[0, 1]], x.view(2, 1), torch.cat([x, w]), x + w,
    torch.stack([x, w]), x - 1, x / w, x**2, x.clone(), torch.where(x > 1, x, w), x.sort()[0], x.norm(), x.relu(), x.var(),
    x.expand(3, 2), x.unsqueeze(0), x.cumsum(0), x.double(),
):  # fmt: skip
    print(y.grad_fn.name(), y.grad_fn(torch.ones_like(y)))
y = x * w
print(y.grad_fn(torch.ones(2))[0].grad_fn.name())
with torch.no_grad():
    print(y.grad_fn(torch.ones(2))[0].requires_grad)
first = x.unbind()[0]
attempt(first.grad_fn, torch.tensor(1.0), None)
attempt(first.grad_fn, torch.tensor(1.0))
attempt(y.grad_fn)
attempt(y.grad_fn, 3)
attempt(y.grad_fn, None)
y.sum().backward()
attempt(y.grad_fn, torch.ones(2))
x.grad = w.grad = None
accumulate = torch.autograd.graph.get_gradient_edge(x).node
attempt(accumulate, torch.ones(2))
attempt(accumulate, torch.ones(2))
attempt(accumulate)
print(x.grad)
x.grad = None


def backward_by_hand(z):
    todo = [(z.grad_fn, torch.ones_like(z))]
    while todo:
        node, g = todo.pop()
        grads = node(g)
        for (below, _), g in zip(node.next_functions, grads if isinstance(grads, tuple) else (grads,)):
            if below is not None and g is not None:
                todo.append((below, g.detach()))


backward_by_hand((x * w).sin().sum())
print(x.grad, w.grad)
torch.manual_seed(0)
layers = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Tanh(), nn.Linear(3, 3, bias=False))
batch, labels = torch.randn(4, 2), torch.tensor([0, 1, 2, 1])
loss = nn.functional.cross_entropy(layers(batch), labels)
theirs = torch.autograd.grad(loss, list(layers.parameters()), retain_graph=True)
print(loss.grad_fn(torch.tensor(1.0)).detach())
backward_by_hand(loss)
print([torch.allclose(p.grad, g) for p, g in zip(layers.parameters(), theirs)])
out = layers[0](batch)
print([None if g is None else tuple(g.shape) for g in out.grad_fn(torch.ones(4, 3))])

# batch norm under vmap: per-sample gradients of a model that kept running statistics

model = torch.func.replace_all_batch_norm_modules_(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU())))
print(model, list(model.state_dict()))
print(model[1][0].running_mean, model[1][0].num_batches_tracked, model.eval()(batch).shape)
