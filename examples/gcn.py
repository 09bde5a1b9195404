"""A graph convolutional network that names every member of three circles of friends, told the names of four in each."""
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

STEPS, CIRCLES, EACH, KNOWN = 100, 3, 60, 4
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["gcn"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    steps, say = range(STEPS + 1), print
else:
    steps, say = tqdm(range(STEPS + 1), disable=None), tqdm.write  # None: a bar on terminals only

torch.manual_seed(0)
members = CIRCLES * EACH
circle = torch.arange(CIRCLES).repeat_interleave(EACH)

# who knows whom: likely within a circle, unlikely across
chance = torch.where(circle.unsqueeze(0) == circle.unsqueeze(1), 0.12, 0.01)
friends = torch.triu(torch.rand(members, members) < chance, diagonal=1)
source, target = (friends | friends.T | torch.eye(members, dtype=torch.bool)).nonzero(as_tuple=True)
degree = torch.bincount(target).float()
strength = (degree[source] * degree[target]).rsqrt().unsqueeze(1)

features = torch.randn(members, 16) + F.one_hot(circle, 16)  # says a little about the circle, not much
known = torch.cat([torch.randperm(EACH)[:KNOWN] + EACH * n for n in range(CIRCLES)])
unknown = torch.ones(members, dtype=torch.bool).index_fill_(0, known, False)


class GraphConv(nn.Module):
    """Every member becomes the weighted sum of what its friends send it."""

    def __init__(self, inward, outward):
        super().__init__()
        self.linear = nn.Linear(inward, outward, bias=False)
        self.bias = nn.Parameter(torch.zeros(outward))

    def forward(self, x):
        x = self.linear(x)
        received = torch.zeros_like(x).index_add(0, target, strength * x[source])
        return received + self.bias


class GCN(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.first, self.second = GraphConv(features.shape[1], hidden), GraphConv(hidden, CIRCLES)

    def forward(self, x):
        x = F.relu(self.first(F.dropout(x, 0.5, self.training)))
        return self.second(F.dropout(x, 0.5, self.training))


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-3)
print(f"{members} members, {int(friends.sum())} friendships, {len(known)} names known")

for step in steps:
    model.train()
    loss = F.cross_entropy(model(features)[known], circle[known])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        say(f"step {step:3d}  loss {loss.item():.5f}  PyTorch's {RECORDED.get(str(step))}")

model.eval()
with torch.no_grad():
    right = (model(features).argmax(dim=1) == circle)[unknown].float().mean().item()
print(f"right on the {int(unknown.sum())} others: {100 * right:.1f} %")
print("goal (90 %) reached:", right >= 0.9)
