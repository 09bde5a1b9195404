"""Reads handwritten digits (scikit-learn's 8 x 8 images) with a multilayer perceptron; 97 % of unseen ones are right."""
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

try:
    from sklearn.datasets import load_digits
except ImportError:
    print("This example needs scikit-learn: pip install scikit-learn")
    raise SystemExit(0) from None

EPOCHS = 30
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["digits_mlp"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    epochs, say = range(1, EPOCHS + 1), print
else:
    epochs, say = tqdm(range(1, EPOCHS + 1), disable=None), tqdm.write  # None: a bar on terminals only

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)
order = torch.randperm(len(labels))
train, test = order[:1437], order[1437:]  # four fifths, one fifth

model = nn.Sequential(
    nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2),
    nn.Linear(128, 64), nn.ReLU(),
    nn.Linear(64, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
batches = DataLoader(TensorDataset(images[train], labels[train]), batch_size=64, shuffle=True)

for epoch in epochs:
    model.train()
    total = 0.0
    for batch, target in batches:
        loss = F.cross_entropy(model(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    if epoch % 5 == 0:
        say(f"epoch {epoch:2d}  loss {total / len(train):.5f}  PyTorch's {RECORDED.get(str(epoch))}")

model.eval()
with torch.no_grad():
    right = (model(images[test]).argmax(dim=1) == labels[test]).float().mean().item()
print(f"right on {len(test)} images never seen: {100 * right:.1f} %")
print("goal (97 %) reached:", right >= 0.97)
