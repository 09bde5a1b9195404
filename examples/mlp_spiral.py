"""Classifies three arms of a spiral with a small network and Adam."""
import math

import torch
import torch.nn.functional as F
from torch import nn

try:
    from tqdm import trange
except ImportError:
    trange = range

ARMS, EACH = 3, 100

torch.manual_seed(0)
radius = torch.linspace(0.05, 1, EACH).repeat(ARMS)
label = torch.arange(ARMS).repeat_interleave(EACH)
angle = 4 * radius + label * (2 * math.pi / ARMS) + 0.2 * torch.randn(ARMS * EACH)
points = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)


class Classifier(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, ARMS),
        )

    def forward(self, x):
        return self.layers(x)


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
print(f"{sum(p.numel() for p in model.parameters())} parameters")

for step in trange(201):
    optimizer.zero_grad()
    scores = model(points)
    loss = F.cross_entropy(scores, label)
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        accuracy = (scores.argmax(dim=1) == label).float().mean()
        print(f"step {step:3d}  loss {loss.item():.2f}  accuracy {accuracy.item():.2f}")
