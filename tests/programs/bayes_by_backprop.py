"""Bayesian regression: weights with a posterior, the reparametrisation trick, KL in closed form, ELBO, HMC-free check."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import (
    Bernoulli, Beta, Categorical, Dirichlet, Gamma, HalfCauchy, Independent, LogNormal, Normal, StudentT, kl_divergence,
)


class BayesLinear(nn.Module):
    def __init__(self, n_in, n_out, prior_scale=1.0):
        super().__init__()
        self.mu = nn.Parameter(torch.empty(n_out, n_in + 1))
        self.rho = nn.Parameter(torch.full((n_out, n_in + 1), -3.0))
        nn.init.kaiming_normal_(self.mu, nonlinearity="linear")
        self.prior_scale = prior_scale
        self.kl = 0

    @property
    def posterior(self):
        return Independent(Normal(self.mu, F.softplus(self.rho)), 2)

    def forward(self, x):
        q = self.posterior
        p = Independent(Normal(torch.zeros_like(self.mu), self.prior_scale), 2)
        self.kl = kl_divergence(q, p)
        w = q.rsample() if self.training else q.mean
        return F.linear(x, w[:, :-1], w[:, -1])


torch.manual_seed(1)
x = torch.linspace(-1, 1, 40).unsqueeze(1)
y = x.pow(3) + 0.1 * torch.randn_like(x)
net = nn.Sequential(BayesLinear(1, 12), nn.Tanh(), BayesLinear(12, 1))
log_noise = nn.Parameter(torch.tensor(-1.0))
optimizer = torch.optim.Adam([{"params": net.parameters()}, {"params": [log_noise], "lr": 0.005}], lr=0.02)
for step in range(60):
    optimizer.zero_grad()
    losses = []
    for _ in range(2):
        likelihood = Normal(net(x), log_noise.exp()).log_prob(y).sum()
        losses.append(sum(m.kl for m in net if isinstance(m, BayesLinear)) - likelihood)
    loss = torch.stack(losses).mean()
    loss.backward()
    optimizer.step()
    if step % 15 == 0:
        print(step, f"elbo {-loss.item():.3f}", f"noise {log_noise.exp().item():.4f}")
net.eval()
print(f"{F.mse_loss(net(x), y).item():.4f}", torch.nn.utils.parameters_to_vector(net.parameters()).shape)
print(net)
print(repr(net[0].posterior.base_dist), net[0].posterior.event_shape, net[0].posterior.has_rsample)

# a conjugate check by importance sampling, and score function against pathwise gradients
torch.manual_seed(2)
prior = Beta(2.0, 3.0)
flips = torch.tensor([1.0, 1.0, 0.0, 1.0])
theta = prior.sample((4000,))
logw = Bernoulli(probs=theta.unsqueeze(-1)).log_prob(flips).sum(-1)
w = torch.softmax(logw, 0)
print(f"{(w * theta).sum().item():.3f}", f"{Beta(5.0, 4.0).mean.item():.3f}", f"{torch.logsumexp(logw, 0).item():.3f}")

for make in (
    lambda p: Gamma(p, 1.0), lambda p: Beta(p, 2.0), lambda p: LogNormal(p, 0.5), lambda p: StudentT(p), lambda p: HalfCauchy(p),
):
    torch.manual_seed(4)
    p = torch.tensor(1.5, requires_grad=True)
    d = make(p)
    s = d.rsample((200,))
    (path,) = torch.autograd.grad(s.clamp(max=10).mean(), p)
    print(type(d).__name__, f"{s.mean().item():.3f}", f"{path.item():.3f}", d.support)
logits = torch.zeros(3, requires_grad=True)
torch.manual_seed(6)
c = Categorical(logits=logits)
a = c.sample((50,))
reward = (a == 2).float()
(-(c.log_prob(a) * (reward - reward.mean())).mean()).backward()
print(a.bincount(minlength=3), logits.grad.mul(1e4).round().div(1e4), c.entropy().item().__round__(4))
torch.manual_seed(8)
alpha = torch.tensor([0.5, 1.0, 2.0], requires_grad=True)
s = Dirichlet(alpha).rsample()
s[0].backward()
print(s.detach().mul(1e4).round().div(1e4), alpha.grad.isfinite().all(), kl_divergence(Dirichlet(alpha), Dirichlet(torch.ones(3))).item().__round__(4))
attempt(Categorical, probs=torch.tensor([-0.1, 1.1]))
attempt(Normal(0.0, 1.0).log_prob, torch.tensor(float("nan")))
attempt(Bernoulli(0.5).log_prob, torch.tensor(2.0))
attempt(Beta, 1.0, "a")
attempt(Bernoulli, 0.5, 0.5)
