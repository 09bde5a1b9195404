"""Two convolutional networks play: one paints handwritten digits (8 x 8), the other tells them from scikit-learn's."""
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

try:
    from sklearn.datasets import load_digits
except ImportError:
    print("This example needs scikit-learn: pip install scikit-learn")
    raise SystemExit(0) from None

EPOCHS, NOISE = 8, 16
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["dcgan_digits"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    epochs, say = range(1, EPOCHS + 1), print
else:
    epochs, say = tqdm(range(1, EPOCHS + 1), disable=None), tqdm.write  # None: a bar on terminals only

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)  # the game magnifies rounding: in float32 no two machines play alike
images = torch.tensor(load_digits().images).unsqueeze(1) / 8 - 1  # -1..1

painter = nn.Sequential(
    nn.ConvTranspose2d(NOISE, 32, 4, bias=False), nn.BatchNorm2d(32), nn.ReLU(),  # 4 x 4
    nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),  # 8 x 8
    nn.Conv2d(16, 1, 3, padding=1), nn.Tanh(),
)
judge = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.LeakyReLU(0.2),
    nn.Conv2d(16, 32, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.2),  # 4 x 4
    nn.Conv2d(32, 1, 4), nn.Flatten(0),
)
painter_steps = torch.optim.Adam(painter.parameters(), lr=2e-3, betas=(0.5, 0.999))
judge_steps = torch.optim.Adam(judge.parameters(), lr=1e-3, betas=(0.5, 0.999))
batches = DataLoader(images, batch_size=64, shuffle=True, drop_last=True)


def root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.mT


@torch.no_grad()
def distance():
    """Frechet's, between the pixels painted and the pixels given, as normal distributions."""
    painted, given = painter(torch.randn(1000, NOISE, 1, 1)).flatten(1), images.flatten(1)
    covariance, other = painted.T.cov(), given.T.cov()
    half = root(covariance)
    overlap = root(half @ other @ half).trace()
    away = (painted.mean(0) - given.mean(0)).pow(2).sum()
    return (away + covariance.trace() + other.trace() - 2 * overlap).item()


first = distance()
print(f"distance at first {first:.3f}")
for epoch in epochs:
    total = 0.0
    for real in batches:
        fake = painter(torch.randn(len(real), NOISE, 1, 1))
        right = F.softplus(-judge(real)).mean() + F.softplus(judge(fake.detach())).mean()
        judge_steps.zero_grad()
        right.backward()
        judge_steps.step()

        loss = F.softplus(-judge(fake)).mean()  # the painter wants to be taken for real
        painter_steps.zero_grad()
        loss.backward()
        painter_steps.step()
        total += loss.item()
    if epoch % 2 == 0:
        say(f"epoch {epoch}  loss {total / len(batches):.4f}  PyTorch's {RECORDED.get(str(epoch))}"
            f"  distance {distance():.3f}")

last = distance()
painter.eval()
with torch.no_grad():
    painted = painter(torch.randn(6, NOISE, 1, 1)).squeeze(1)
for row in painted.transpose(0, 1):  # six digits side by side
    print("  ".join("".join(" .:+#"[int((value + 1) * 2.49)] for value in digit) for digit in row.tolist()))
print("goal (a quarter of the first distance) reached:", last < first / 4)
