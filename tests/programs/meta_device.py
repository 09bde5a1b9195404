"""Models without memory: the meta device in factories, layers, contexts, state dicts and files; `to_empty`, `assign`."""

import copy
import io

import torch
import torch.nn as nn
import torch.nn.functional as F

a = torch.empty(2, 3, device="meta")
print(a, a.device, a.is_meta, a.shape, a.stride(), a.numel(), torch.ones(1).is_meta)
for t in (
    torch.zeros(2, dtype=torch.float64, device="meta"), torch.ones(2, device=torch.device("meta"), requires_grad=True),
    torch.randn(2, device="meta"), torch.arange(3, device="meta"), torch.full((2,), 1.0, device="meta"), torch.rand(2, device="meta"),
    torch.tensor([1.0], device="meta"), torch.zeros_like(a), torch.empty_like(torch.ones(2), device="meta"), a.new_zeros(2),
    torch.randint(3, (2,), device="meta"), torch.randn_like(a), torch.linspace(0, 1, 3, device="meta"), torch.eye(2, device="meta"),
    torch.ones(2).to("meta"), a.double(), a.view(-1), a.T[0], a.clone(), copy.deepcopy(a), torch.zeros_like(a, device="cpu"),
):
    print(t)
print(a + 1, a @ a.T, a.sum(), F.relu(a), torch.cat([a, a]), a > 0, a.softmax(-1), a + torch.tensor(1.0), sep="\n")
print(a.split(1), a.max(0), F.embedding(torch.zeros(2, dtype=torch.long, device="meta"), a), a.to("meta") is a)
print(a.add_(1), a.normal_(), a.fill_(2), a.zero_(), a.copy_(torch.ones(2, 3)), a.uniform_(-1, 1), a._version > 0)
a[0] = 1.0
attempt(lambda: a + torch.ones(2, 3))
attempt(a.sum().item)
attempt(lambda: bool(a.sum()))
attempt(a.numpy)
attempt(a.tolist)
attempt(a.cpu)
attempt(a.to, "cpu")
attempt(torch.ones(2, 3).copy_, a)

torch.manual_seed(0)
layer = nn.Linear(3, 2, device="meta")
first = torch.rand(1)
torch.manual_seed(0)
print(torch.equal(first, torch.rand(1)), layer, layer.weight, isinstance(layer.weight, nn.Parameter), layer(a))
attempt(copy.deepcopy(layer).to, "cpu")
filled = copy.deepcopy(layer).to_empty(device="cpu")
print(filled.weight.shape, filled.weight.device, isinstance(filled.weight, nn.Parameter), [n for n, _ in filled.named_parameters()])
with torch.device("meta"):
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 4), nn.LayerNorm(4)
    )
    others = nn.ModuleList([nn.Embedding(3, 2), nn.LSTM(2, 3), nn.MultiheadAttention(4, 2)])
print({str(t.device) for t in (*model.parameters(), *model.buffers(), *others.parameters())})
print(model(torch.empty(5, 3, 8, 8, device="meta")), sum(p.numel() for p in model.parameters()))
print(torch.ones(1).device, nn.Linear(1, 1).weight.device)

torch.manual_seed(1)
real = nn.Linear(3, 2)
print(copy.deepcopy(layer).load_state_dict(real.state_dict()))
taken = copy.deepcopy(layer)
print(taken.load_state_dict(real.state_dict(), assign=True), taken.weight.device, torch.equal(taken.weight, real.weight))
moved = copy.deepcopy(real).to("meta")
print(moved.weight, moved.state_dict()["bias"])
buffer = io.BytesIO()
torch.save(real.state_dict(), buffer)
buffer.seek(0)
print(torch.load(buffer, map_location="meta"))
buffer = io.BytesIO()
torch.save({"tensor": a, "parameter": layer.weight, "state": layer.state_dict()}, buffer)
buffer.seek(0)
print(torch.load(buffer))
