"""An LSTM that hears the beginning of a wave of any loudness and phase, and sings on by itself."""
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

STEPS, HEARD, SUNG = 200, 60, 40
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["lstm_sine"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    steps, say = range(STEPS + 1), print
else:
    steps, say = tqdm(range(STEPS + 1), disable=None), tqdm.write  # None: a bar on terminals only


def waves(count):
    """(time, count, 1): sines of random loudness and phase."""
    loudness = torch.rand(count) * 0.7 + 0.3
    phase = torch.rand(count) * 2 * math.pi
    time = torch.arange(HEARD + SUNG).unsqueeze(1)
    return (loudness * torch.sin(2 * math.pi * time / 25 + phase)).unsqueeze(2)


class Singer(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x, state=None):
        """What follows each of x, and the state to go on from."""
        out, state = self.lstm(x, state)
        return x + self.head(out), state


torch.manual_seed(0)
model = Singer()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.98)
train = waves(32)

for step in steps:
    following, _ = model(train[:-1])
    loss = F.mse_loss(following[10:], train[11:])  # nobody could know the first notes
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 40 == 0:
        say(f"step {step:3d}  loss {loss.item():.7f}  PyTorch's {RECORDED.get(str(step))}")

with torch.no_grad():
    new = waves(32)
    following, state = model(new[:HEARD])
    note = following[-1:]
    song = [note]
    for _ in range(SUNG - 1):
        note, state = model(note, state)
        song.append(note)
    error = (torch.cat(song) - new[HEARD:]).pow(2).mean().sqrt().item()
print(f"error over {SUNG} notes sung after {HEARD} notes heard: {error:.4f} (silence: {new[HEARD:].std().item():.4f})")
print("goal (an error below 0.1) reached:", error < 0.1)
