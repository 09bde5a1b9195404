"""torch.func: a gradient for every sample at once, and Jacobians in both directions."""
import torch
from torch.func import functional_call, grad, jacfwd, jacrev, jvp, vmap

torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
parameters = {name: value.detach() for name, value in model.named_parameters()}
inputs, targets = torch.randn(5, 3), torch.randn(5)


def loss(parameters, x, y):
    prediction = functional_call(model, parameters, (x,))
    return (prediction.squeeze() - y) ** 2


# one gradient a sample, without a loop
each = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, inputs, targets)
print("per-sample gradients", {name: tuple(value.shape) for name, value in each.items()})
loop = torch.stack([grad(loss)(parameters, x, y)["weight"] for x, y in zip(inputs, targets)])
print("as the loop gives them", torch.allclose(each["weight"], loop, atol=1e-6))
print("norms", [round(norm, 4) for norm in each["weight"].flatten(1).norm(dim=1).tolist()])


def rounded(tensor):
    return [[round(entry, 6) for entry in row] for row in tensor.tolist()]


def polar(p):
    return torch.stack([p[0] * torch.cos(p[1]), p[0] * torch.sin(p[1])])


p = torch.tensor([2.0, 0.5], dtype=torch.float64)
print("forward mode", rounded(jacfwd(polar)(p)))
print("reverse mode", rounded(jacrev(polar)(p)))
value, change = jvp(polar, (p,), (torch.tensor([1.0, 0.0], dtype=torch.float64),))
print("along the radius", rounded(change.unsqueeze(0)))
