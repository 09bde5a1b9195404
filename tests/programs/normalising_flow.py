"""RealNVP and a spline-free affine autoregressive flow on two moons made by hand, with torch.distributions."""

import math

import torch
import torch.distributions as D
import torch.nn as nn
from torch.distributions import constraints


def moons(n, generator):
    t = torch.rand(n, generator=generator) * math.pi
    side = torch.randint(0, 2, (n,), generator=generator).float()
    x = torch.stack([torch.cos(t) * (1 - 2 * side) + side, torch.sin(t) * (1 - 2 * side) + 0.5 * side], dim=1)
    return x + 0.05 * torch.randn(n, 2, generator=generator)


class Coupling(nn.Module):
    def __init__(self, dim, hidden, mask):
        super().__init__()
        self.register_buffer("mask", mask)
        self.s = nn.Sequential(nn.Linear(dim, hidden), nn.LeakyReLU(), nn.Linear(hidden, dim), nn.Tanh())
        self.t = nn.Sequential(nn.Linear(dim, hidden), nn.LeakyReLU(), nn.Linear(hidden, dim))

    def forward(self, z):
        kept = z * self.mask
        s, t = self.s(kept) * (1 - self.mask), self.t(kept) * (1 - self.mask)
        return kept + (1 - self.mask) * (z * s.exp() + t), s.sum(-1)

    def inverse(self, x):
        kept = x * self.mask
        s, t = self.s(kept) * (1 - self.mask), self.t(kept) * (1 - self.mask)
        return kept + (1 - self.mask) * (x - t) * torch.exp(-s), -s.sum(-1)


class RealNVP(nn.Module):
    def __init__(self, layers=4, hidden=16):
        super().__init__()
        masks = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(layers // 2, 1)
        self.layers = nn.ModuleList(Coupling(2, hidden, m) for m in masks)
        self.register_buffer("loc", torch.zeros(2))
        self.register_buffer("cov", torch.eye(2))

    @property
    def prior(self):
        return D.MultivariateNormal(self.loc, self.cov)

    def log_prob(self, x):
        total = x.new_zeros(x.shape[0])
        for layer in reversed(self.layers):
            x, ld = layer.inverse(x)
            total += ld
        return self.prior.log_prob(x) + total

    def sample(self, n):
        z = self.prior.sample((n,))
        for layer in self.layers:
            z, _ = layer(z)
        return z


class PlanarLike(D.Transform):
    domain = constraints.real
    codomain = constraints.real
    bijective = True
    sign = +1

    def __init__(self, a, cache_size=1):
        super().__init__(cache_size=cache_size)
        self.a = a

    def _call(self, x):
        return torch.sinh(self.a * torch.asinh(x))

    def _inverse(self, y):
        return torch.sinh(torch.asinh(y) / self.a)

    def log_abs_det_jacobian(self, x, y):
        return torch.log(self.a) + torch.log(torch.cosh(self.a * torch.asinh(x))) - 0.5 * torch.log1p(x * x)


g = torch.Generator().manual_seed(7)
torch.manual_seed(0)
flow = RealNVP()
print(flow.layers[0])
optimizer = torch.optim.Adam(flow.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
for step in range(20):
    optimizer.zero_grad()
    loss = -flow.log_prob(moons(64, g)).mean()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 5 == 0:
        print(step, f"{loss.item():.4f}", f"{scheduler.get_last_lr()[0]:.6f}")
with torch.no_grad():
    s = flow.sample(5)
    print(s.shape, (s * 100).round() / 100)
    x = moons(8, g)
    z = x
    for layer in reversed(flow.layers):
        z, _ = layer.inverse(z)
    for layer in flow.layers:
        z, _ = layer(z)
    print(torch.allclose(z, x, atol=1e-5))

a = torch.tensor(0.7, requires_grad=True)
loc = nn.Parameter(torch.tensor([0.5, -0.5]))
base = D.Independent(D.Normal(loc, torch.ones(2)), 1)
dist = D.TransformedDistribution(D.Normal(loc, torch.ones(2)), [PlanarLike(a), D.AffineTransform(0.1, 2.0)])
y = dist.rsample((3,))
lp = dist.log_prob(y)
lp.sum().backward()
print(lp.detach().mul(1e4).round().div(1e4).tolist())
print(f"{a.grad:.4f}", loc.grad.mul(1e3).round().div(1e3).tolist())
print(dist, base, base.entropy().item().__round__(4))
sigmoid = D.SigmoidTransform()
logistic = D.TransformedDistribution(D.Uniform(0.0, 1.0), [sigmoid.inv, D.AffineTransform(1.0, 2.0)])
print(f"{logistic.log_prob(torch.tensor(0.3)):.5f}", f"{logistic.cdf(torch.tensor(0.3)):.5f}", logistic.support)
tril = D.transform_to(constraints.lower_cholesky)(torch.arange(4.0).view(2, 2) / 4)
print(tril, D.biject_to(constraints.simplex)(torch.tensor([0.1, 0.2])))
attempt(D.Normal, torch.tensor([0.0]), torch.tensor([-1.0]))
attempt(D.MultivariateNormal, torch.zeros(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]]))
attempt(D.kl_divergence, dist, base)
mix = D.MixtureSameFamily(D.Categorical(torch.ones(3)), D.Independent(D.Normal(torch.arange(6.0).view(3, 2), 1.0), 1))
print(f"{mix.log_prob(torch.tensor([1.0, 2.0])):.4f}", mix.mean, mix)
