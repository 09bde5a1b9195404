"""Reads handwritten digits (scikit-learn's 8 x 8 images) with convolutions, batch normalization and a one-cycle rate."""
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

EPOCHS = 12
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["digits_cnn"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    epochs, say = range(1, EPOCHS + 1), print
else:
    epochs, say = tqdm(range(1, EPOCHS + 1), disable=None), tqdm.write  # None: a bar on terminals only


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(32)
        self.head = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)  # 8 x 8 to 4 x 4
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)  # 4 x 4 to 2 x 2
        return self.head(x.flatten(1))


torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)
order = torch.randperm(len(labels))
train, test = order[:1437], order[1437:]  # four fifths, one fifth

model = Reader()
batches = DataLoader(TensorDataset(images[train], labels[train]), batch_size=64, shuffle=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=EPOCHS * len(batches))

for epoch in epochs:
    model.train()
    total = 0.0
    for batch, target in batches:
        loss = F.cross_entropy(model(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(batch)
    if epoch % 2 == 0:
        say(f"epoch {epoch:2d}  loss {total / len(train):.5f}  PyTorch's {RECORDED.get(str(epoch))}")

model.eval()
with torch.no_grad():
    right = (model(images[test]).argmax(dim=1) == labels[test]).float().mean().item()
print(f"right on {len(test)} images never seen: {100 * right:.1f} %")
print("goal (97 %) reached:", right >= 0.97)
