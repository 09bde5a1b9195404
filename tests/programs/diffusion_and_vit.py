"""A denoising diffusion model with EMA and sampling; a vision transformer with LoRA; distillation through hooks."""

import copy
import math
from collections import OrderedDict
from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parametrize


def cosine_betas(steps, s=0.008):
    t = torch.linspace(0, steps, steps + 1, dtype=torch.float64) / steps
    a = torch.cos((t + s) / (1 + s) * math.pi * 0.5) ** 2
    return torch.clip(1 - a[1:] / a[:-1], 0, 0.999).float()


def extract(a, t, shape):
    return a.gather(-1, t).reshape(t.shape[0], *((1,) * (len(shape) - 1)))


class SinusoidalPositionEmbeddings(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, time):
        half = self.dim // 2
        emb = torch.exp(torch.arange(half, device=time.device) * -(math.log(10000) / (half - 1)))
        emb = time[:, None] * emb[None, :]
        return torch.cat((emb.sin(), emb.cos()), dim=-1)


class Residual(nn.Module):
    def __init__(self, ch, temb):
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(temb, ch * 2))
        self.conv = nn.Conv2d(ch, ch, 3, padding=1)
        self.norm = nn.GroupNorm(2, ch)

    def forward(self, x, t):
        scale, shift = self.mlp(t)[..., None, None].chunk(2, dim=1)
        return x + F.silu(self.norm(self.conv(x)) * (scale + 1) + shift)


class Denoiser(nn.Module):
    def __init__(self, ch=8):
        super().__init__()
        self.time = nn.Sequential(SinusoidalPositionEmbeddings(8), nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 16))
        self.inp = nn.Conv2d(1, ch, 1)
        self.blocks = nn.ModuleList([Residual(ch, 16) for _ in range(2)])
        self.down, self.up = nn.AvgPool2d(2), nn.Upsample(scale_factor=2, mode="nearest")
        self.out = nn.Conv2d(ch, 1, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x, t):
        t = self.time(t)
        h = self.blocks[0](self.inp(x), t)
        return self.out(h + self.up(self.blocks[1](self.down(h), t)))


class EMA:
    def __init__(self, model, beta):
        self.model, self.beta = copy.deepcopy(model).eval().requires_grad_(False), beta

    @torch.no_grad()
    def update(self, model):
        for e, p in zip(self.model.parameters(), model.parameters()):
            e.lerp_(p, 1 - self.beta)
        for e, b in zip(self.model.buffers(), model.buffers()):
            e.copy_(b)


torch.manual_seed(0)
T = 20
betas = cosine_betas(T)
alphas = 1.0 - betas
cumprod = torch.cumprod(alphas, dim=0)
previous = F.pad(cumprod[:-1], (1, 0), value=1.0)
variance = betas * (1.0 - previous) / (1.0 - cumprod)
model = Denoiser()
ema = EMA(model, 0.9)
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
warm = torch.optim.lr_scheduler.SequentialLR(
    opt, [torch.optim.lr_scheduler.LinearLR(opt, 0.1, total_iters=4), torch.optim.lr_scheduler.ExponentialLR(opt, 0.9)], [4]
)
yy, xx = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
for step in range(12):
    c = torch.rand(6, 2, 1, 1) * 8
    images = ((yy - c[:, :1]) ** 2 + (xx - c[:, 1:]) ** 2).lt(6).float() * 2 - 1
    t = torch.randint(0, T, (6,)).long()
    noise = torch.randn_like(images)
    noisy = extract(cumprod.sqrt(), t, images.shape) * images + extract((1 - cumprod).sqrt(), t, images.shape) * noise
    loss = F.smooth_l1_loss(model(noisy, t), noise)
    opt.zero_grad()
    loss.backward()
    opt.step()
    warm.step()
    ema.update(model)
    if step % 3 == 0:
        print(f"diffusion {step} {loss.item():.4f} {warm.get_last_lr()[0]:.6f}")


@torch.no_grad()
def sample(net, n):
    x = torch.randn(n, 1, 8, 8)
    for i in reversed(range(T)):
        t = torch.full((n,), i, dtype=torch.long)
        mean = (x - extract(betas, t, x.shape) * net(x, t) / extract((1 - cumprod).sqrt(), t, x.shape)) / extract(alphas.sqrt(), t, x.shape)
        x = mean if i == 0 else mean + extract(variance, t, x.shape).sqrt() * torch.randn_like(x)
    return x


torch.manual_seed(5)
print(f"{sample(ema.model, 2).abs().mean().item():.3f}")


class PatchEmbed(nn.Module):
    def __init__(self, size=8, patch=4, dim=16):
        super().__init__()
        self.proj = nn.Conv2d(1, dim, patch, patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.empty(1, (size // patch) ** 2 + 1, dim).normal_(std=0.02))
        nn.init.trunc_normal_(self.cls, std=0.02)

    def forward(self, x):
        x = self.proj(x).flatten(2).transpose(1, 2)
        return torch.cat((self.cls.expand(x.shape[0], -1, -1), x), dim=1) + self.pos


class DropPath(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0.0:
            return x
        keep = 1 - self.p
        mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        return x * mask.div_(keep)


class Block(nn.Module):
    def __init__(self, dim, heads, drop_path, norm_layer=partial(nn.LayerNorm, eps=1e-6)):
        super().__init__()
        self.norm1, self.norm2 = norm_layer(dim), norm_layer(dim)
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.mlp = nn.Sequential(OrderedDict(fc1=nn.Linear(dim, dim * 2), act=nn.GELU(), fc2=nn.Linear(dim * 2, dim)))
        self.drop_path = DropPath(drop_path)
        self.ls = nn.Parameter(1e-1 * torch.ones(dim))

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.drop_path(self.ls * self.attn(y, y, y, need_weights=False)[0])
        return x + self.drop_path(self.mlp(self.norm2(x)))


torch.manual_seed(1)
vit = nn.Sequential(PatchEmbed(), *[Block(16, 4, d.item()) for d in torch.linspace(0, 0.2, 2)], nn.LayerNorm(16))
head = nn.Linear(16, 3)
print(sum(p.numel() for p in vit.parameters()), vit[1].mlp)
x, y = torch.randn(12, 1, 8, 8), torch.arange(12) % 3
opt = torch.optim.SGD([{"params": vit.parameters()}, {"params": head.parameters(), "lr": 0.2}], lr=0.05, momentum=0.9)
for step in range(6):
    with torch.no_grad():
        lam, perm = 0.7, torch.randperm(12)
        mixed = lam * x + (1 - lam) * x[perm]
    logits = head(vit(mixed)[:, 0])
    loss = lam * F.cross_entropy(logits, y, label_smoothing=0.1) + (1 - lam) * F.cross_entropy(logits, y[perm], label_smoothing=0.1)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"vit {loss.item():.4f}", [g["lr"] for g in opt.param_groups])


class LoRA(nn.Module):
    def __init__(self, fan_out, fan_in, rank=2, alpha=4):
        super().__init__()
        self.a = nn.Parameter(torch.empty(rank, fan_in))
        self.b = nn.Parameter(torch.zeros(fan_out, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))
        self.scale = alpha / rank

    def forward(self, w):
        return w + self.scale * self.b @ self.a


vit.requires_grad_(False)
for m in vit.modules():
    if isinstance(m, nn.Linear) and not isinstance(m, nn.modules.linear.NonDynamicallyQuantizableLinear):
        parametrize.register_parametrization(m, "weight", LoRA(*m.weight.shape))
trainable = [n for n, p in vit.named_parameters() if p.requires_grad]
print(len(trainable), trainable[:2])
before = head(vit.eval()(x)[:, 0]).detach()
opt = torch.optim.Adam([p for p in vit.parameters() if p.requires_grad], lr=1e-2)
teacher = {}
handle = vit[1].register_forward_hook(lambda m, i, o: teacher.__setitem__("feature", o))
for step in range(4):
    out = head(vit(x)[:, 0])
    kd = F.kl_div(F.log_softmax(out / 2, -1), F.log_softmax(before / 2, -1), reduction="batchmean", log_target=True) * 4
    loss = F.cross_entropy(out, y) + 0.5 * kd + 1e-3 * teacher["feature"].pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
handle.remove()
print(f"lora {loss.item():.4f} {kd.item():.5f}")
for m in vit.modules():
    if parametrize.is_parametrized(m):
        parametrize.remove_parametrizations(m, "weight", leave_parametrized=True)
print(f"{(head(vit(x)[:, 0]) - out).abs().max().item() < 0.5}", len(vit.state_dict()))
