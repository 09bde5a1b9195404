"""A variational autoencoder that finds out by itself what a family of pictures has in common: where a spot lies."""
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

STEPS, SIDE, LATENT = 800, 10, 2
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["vae"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    steps, say = range(STEPS + 1), print
else:
    steps, say = tqdm(range(STEPS + 1), disable=None), tqdm.write  # None: a bar on terminals only

axis = torch.linspace(-1, 1, SIDE)


def pictures(count):
    """Round spots at random places: `count` pictures of SIDE x SIDE numbers in 0..1, and the places."""
    place = torch.rand(count, 2) * 1.4 - 0.7
    across = torch.exp(-((axis - place[:, :1]) ** 2) / 0.08)
    down = torch.exp(-((axis - place[:, 1:]) ** 2) / 0.08)
    return (down.unsqueeze(2) * across.unsqueeze(1)).flatten(1), place


class VAE(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(SIDE * SIDE, hidden), nn.SiLU(), nn.Linear(hidden, 2 * LATENT))
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, SIDE * SIDE)
        )

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(code), mean, log_variance


torch.manual_seed(0)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for step in steps:
    x, _ = pictures(64)
    scores, mean, log_variance = model(x)
    # the negative evidence lower bound: how badly x is told, and what the code costs
    told = F.binary_cross_entropy_with_logits(scores, x, reduction="sum") / len(x)
    cost = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1).mean()
    loss = told + cost
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 160 == 0:
        say(f"step {step:3d}  loss {loss.item():.3f}  PyTorch's {RECORDED.get(str(step))}  (code {cost.item():.5f})")

with torch.no_grad():
    x, place = pictures(500)
    _, mean, _ = model(x)
    told = torch.sigmoid(model.decoder(mean))
    error = (told - x).pow(2).mean().sqrt().item()
    blank = x.std(dim=0).pow(2).mean().sqrt().item()
    print(f"error of the pictures told from {LATENT} numbers {error:.5f}, of the mean picture {blank:.5f}")
    for row in torch.sigmoid(model.decoder(torch.zeros(1, LATENT))).view(SIDE, SIDE):  # the spot in the middle
        print("".join(".:+*#"[min(int(value * 5), 4)] for value in row.tolist()))
print("goal (a third of that error) reached:", error < blank / 3)
