"""Dimensions and counts: what stands for an integer, and what is refused."""

import numpy as np
import torch
import torch.nn.functional as F
import torch.utils._pytree as pytree
from collections import OrderedDict, defaultdict, deque, namedtuple

x = torch.arange(6.0).reshape(2, 3) + 0.5
functions = {
    "sum": x.sum, "mean": x.mean, "amax": x.amax, "argmax": x.argmax, "all": x.all, "softmax": x.softmax, "cumsum": x.cumsum,
    "logsumexp": x.logsumexp, "unsqueeze": x.unsqueeze, "squeeze": x.squeeze, "unbind": x.unbind, "topk": x.topk,
    "size": x.size, "flatten": lambda d: x.flatten(0, d), "gather": lambda d: x.gather(d, torch.tensor([[0]])),
    "index_select": lambda d: x.index_select(d, torch.tensor([0])), "stack": lambda d: torch.stack([x, x], d).shape,
    "movedim": lambda d: x.movedim(0, d).shape, "norm": lambda d: torch.linalg.norm(x, dim=d), "rot90": x.rot90,
    "roll": lambda d: x.roll(1, d), "log_softmax": lambda d: F.log_softmax(x, d), "std": x.std, "prod": x.prod,
    "one_hot": lambda d: F.one_hot(torch.tensor([0]), d), "nansum": x.nansum, "logcumsumexp": x.logcumsumexp,
}  # fmt: skip
for name, f in functions.items():
    print(name)
    for d in (np.int64(1), torch.tensor(1)):
        attempt(f, d)
for name in ("sum", "mean", "amax", "argmax", "all", "softmax", "cumsum", "logsumexp", "unsqueeze", "topk", "rot90", "nansum"):
    for d in (1.0, True, "a", torch.tensor(1.0), np.float32(1)):
        attempt(functions[name], d)
attempt(x.sort, True)
attempt(x.sort, descending="a")
attempt(x.flip)
attempt(x.round, decimals=1.5)
attempt(x.add, 1, alpha="a")
attempt(torch.sub, x, x, alpha=[1])
attempt(x.to, dtype="a")
attempt(x.__delitem__, 0)
attempt(torch.set_grad_enabled, "a")
print(torch.bincount(torch.tensor([1]), minlength=np.int64(3)), x.roll(1, None), x.clone().copy_(5))

# NumPy's numbers as bounds and values

print(x.clamp(np.float32(1), np.int64(4)), x.masked_fill(x > 2, np.float32(-1)), x.clone().masked_fill_(x > 2, np.int64(7)))

# positions in an array laid flat

print(torch.unravel_index(torch.tensor([3, 5, 7]), (2, 2, 2)), torch.unravel_index(torch.tensor(5), (2, 3)))
print(torch.unravel_index(torch.tensor([[1], [2]]), 6), torch.unravel_index(torch.tensor([7, -1]), torch.Size([2, 3])))
attempt(torch.unravel_index, torch.tensor([1.0]), (2, 3))
attempt(torch.unravel_index, torch.tensor([1]), (2, -3))
attempt(torch.unravel_index, torch.tensor([1]), (2.0, 3))

# nodes of activations in place bear another number

for f in (F.elu, F.leaky_relu, F.celu, F.selu, F.relu, F.silu, F.hardtanh):
    y = f(x.clone().requires_grad_() * 1, inplace=True)
    print(type(y.grad_fn).__name__, torch.autograd.grad(y.sum(), y)[0].shape)
print(type((x.clone().requires_grad_() / 9).atanh_().grad_fn).__name__)

# trees with paths

P = namedtuple("P", "x y")
tree = {"a": [1, (2, 3)], "b": None, "c": P(4, OrderedDict(z=5)), "d": deque([6]), "e": defaultdict(list, {"q": 7})}
leaves, spec = pytree.tree_flatten_with_path(tree)
print(spec)
for path, leaf in leaves:
    print(pytree.keystr(path), path, leaf, pytree.key_get(tree, path))
print(pytree.tree_map_with_path(lambda k, v, w: (pytree.keystr(k), v + w), {"a": [1, 2]}, {"a": [3, 4]}))
print(list(pytree.tree_iter(tree)), pytree.tree_is_leaf(1), pytree.tree_is_leaf([1]), pytree.tree_unflatten(range(8), spec))
print(pytree.tree_all_only(int, lambda v: v > 0, tree), pytree.tree_any_only(int, lambda v: v > 7, tree))
print(pytree.is_namedtuple(P(1, 2)), pytree.is_structseq(x.max(0)), pytree.tree_flatten(x.max(0))[1])
attempt(pytree.tree_unflatten, [1], pytree.tree_structure([1, 2]))
