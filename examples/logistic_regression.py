"""Separates two clouds of points with a linear layer, mini-batches and SGD with momentum."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
points = torch.cat([torch.randn(200, 2) + 1.5, torch.randn(200, 2) - 1.5])
labels = torch.cat([torch.ones(200), torch.zeros(200)])

model = nn.Linear(2, 1)
loss_function = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
batches = DataLoader(TensorDataset(points, labels), batch_size=50, shuffle=True)

for epoch in range(5):
    total = 0.0
    for batch, target in batches:
        optimizer.zero_grad()
        loss = loss_function(model(batch).squeeze(1), target)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    with torch.no_grad():
        right = ((model(points).squeeze(1) > 0) == (labels > 0.5)).sum().item()
    print(f"epoch {epoch}  loss {total / len(points):.4f}  right {right} of {len(points)}")

with torch.no_grad():
    a, b = model.weight[0].tolist()
    print(f"the boundary: {a:.2f} x + {b:.2f} y + {model.bias.item():.2f} = 0")
