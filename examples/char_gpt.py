"""A small GPT that learns a short story letter by letter, and then tells it: attention, AdamW, a cosine rate, clipping."""
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

STEPS, BATCH, CONTEXT, WIDTH, HEADS, LAYERS = 400, 16, 48, 64, 4, 2
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["char_gpt"]  # what PyTorch 2.13 printed

try:
    from tqdm import tqdm
except ImportError:
    steps, say = range(STEPS + 1), print
else:
    steps, say = tqdm(range(STEPS + 1), disable=None), tqdm.write  # None: a bar on terminals only

story = " ".join(Path(__file__).with_name("data").joinpath("harbour.txt").read_text("utf-8").split())
letters = sorted(set(story))
number = {letter: n for n, letter in enumerate(letters)}
text = torch.tensor([number[letter] for letter in story])


class Attention(nn.Module):
    """Every letter looks at the letters before it."""

    def __init__(self):
        super().__init__()
        self.inward = nn.Linear(WIDTH, 3 * WIDTH)
        self.outward = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = self.inward(x).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.outward(seen.transpose(1, 2).reshape(batch, length, WIDTH))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.letter = nn.Embedding(len(letters), WIDTH)
        self.place = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, len(letters), bias=False)
        for embedding in (self.letter, self.place):
            nn.init.normal_(embedding.weight, std=0.1)

    def forward(self, x):
        x = self.letter(x) + self.place(torch.arange(x.shape[1]))
        return self.head(self.norm(self.blocks(x)))


torch.manual_seed(0)
model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS, eta_min=2e-4)
print(f"{len(story)} letters, {len(letters)} different; {sum(p.numel() for p in model.parameters())} parameters")

for step in steps:
    starts = torch.randint(len(text) - CONTEXT, (BATCH, 1))
    window = text[starts + torch.arange(CONTEXT + 1)]
    scores = model(window[:, :-1])
    loss = F.cross_entropy(scores.flatten(0, 1), window[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 80 == 0:
        say(f"step {step:3d}  loss {loss.item():.4f}  PyTorch's {RECORDED.get(str(step))}")


@torch.no_grad()
def tell(beginning, count):
    """The likeliest next letter, again and again."""
    model.eval()
    told = torch.tensor([[number[letter] for letter in beginning]])
    for _ in range(count):
        following = model(told[:, -CONTEXT:])[:, -1].argmax(dim=-1, keepdim=True)
        told = torch.cat([told, following], dim=1)
    return "".join(letters[n] for n in told[0].tolist())


print(tell("The keeper of the harbour", 120))
print(f"goal (a loss below 1, where guessing gives {math.log(len(letters)):.2f}) reached:", loss.item() < 1)
