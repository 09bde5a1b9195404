"""Optimisers, schedulers, functions and datasets that a user writes; resuming from a checkpoint; adversarial inputs; CTC."""

import io
import itertools
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Function
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ChainedScheduler, ConstantLR, CyclicLR, MultiStepLR, PolynomialLR
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


class Lion(Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        if not 0.0 <= lr:
            raise ValueError("Invalid learning rate: {}".format(lr))
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                p.data.mul_(1 - group["lr"] * group["weight_decay"])
                state = self.state[p]
                if len(state) == 0:
                    state["exp_avg"] = torch.zeros_like(p)
                exp_avg, (beta1, beta2) = state["exp_avg"], group["betas"]
                update = exp_avg * beta1 + p.grad * (1 - beta1)
                p.add_(update.sign_(), alpha=-group["lr"])
                exp_avg.mul_(beta2).add_(p.grad, alpha=1 - beta2)
        return loss


class SAM(Optimizer):
    def __init__(self, params, base, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base_optimizer = base(self.param_groups, **kwargs)
        self.param_groups = self.base_optimizer.param_groups
        self.defaults.update(self.base_optimizer.defaults)

    @torch.no_grad()
    def first_step(self):
        norm = torch.norm(torch.stack([p.grad.norm(p=2) for g in self.param_groups for p in g["params"] if p.grad is not None]), p=2)
        for group in self.param_groups:
            scale = group["rho"] / (norm + 1e-12)
            for p in group["params"]:
                self.state[p]["old_p"] = p.data.clone()
                p.add_(p.grad * scale.to(p))
        self.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.data = self.state[p]["old_p"]
        self.base_optimizer.step()
        self.zero_grad()

    def step(self, closure=None):
        closure = torch.enable_grad()(closure)
        self.first_step()
        closure()
        self.second_step()


class Noam(LRScheduler):
    def __init__(self, optimizer, dim, warmup, last_epoch=-1):
        self.dim, self.warmup = dim, warmup
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        step = max(1, self._step_count)
        scale = self.dim**-0.5 * min(step**-0.5, step * self.warmup**-1.5)
        return [base * scale for base in self.base_lrs]


class STE(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sign(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (x.abs() <= 1).to(g.dtype)


class GradientReversal(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return g.neg() * ctx.alpha, None


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        first, stride = (0, 1) if info is None else (info.id, info.num_workers)
        g = torch.Generator().manual_seed(7)
        rows = torch.randn(self.n, 5, generator=g)
        for i in range(first, self.n, stride):
            yield rows[i], (rows[i, :2].sum() > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2, self.domain = nn.Linear(5, 12), nn.Linear(12, 2), nn.Linear(12, 2)

    def forward(self, x, alpha=0.3):
        h = F.gelu(self.l1(x)) + 0.1 * STE.apply(self.l1(x))
        return self.l2(h), self.domain(GradientReversal.apply(h, alpha))


def train(make, steps=6):
    torch.manual_seed(3)
    net = Net()
    opt = make(net.parameters())
    losses = []
    for x, y in itertools.islice(itertools.cycle(DataLoader(Stream(24), batch_size=8)), steps):
        def closure():
            out, dom = net(x)
            loss = F.cross_entropy(out, y) + 0.1 * F.cross_entropy(dom, (x[:, 4] > 0).long())
            loss.backward()
            return loss

        opt.zero_grad()
        losses.append(closure().item())
        opt.step(closure) if isinstance(opt, SAM) else opt.step()
    return net, opt, losses


for make in (lambda p: Lion(p, lr=1e-2, weight_decay=0.1), lambda p: SAM(p, torch.optim.SGD, lr=0.1, momentum=0.9),
             lambda p: torch.optim.Adafactor(p, lr=1e-2), lambda p: torch.optim.Rprop(p, lr=1e-2), lambda p: torch.optim.ASGD(p, lr=1e-2)):
    net, opt, losses = train(make)
    print(type(opt).__name__, [f"{v:.4f}" for v in losses])
print(Lion(net.parameters(), lr=0.1))
attempt(Lion, net.parameters(), lr=-1.0)
attempt(Lion, [])
attempt(Lion, [torch.ones(1).mul(torch.ones(1, requires_grad=True))])
attempt(Lion, torch.ones(1))
attempt(Lion, [{"params": [net.l1.weight]}, {"params": [net.l1.weight]}])

opt = torch.optim.SGD(net.parameters(), lr=1.0)
for make in (lambda: Noam(opt, 16, 4), lambda: PolynomialLR(opt, 5, 2.0), lambda: MultiStepLR(opt, [2, 4]),
             lambda: CyclicLR(opt, 0.1, 1.0, 2, mode="exp_range", gamma=0.9, cycle_momentum=False),
             lambda: ChainedScheduler([ConstantLR(opt, 0.5, 2), PolynomialLR(opt, 6)])):
    for g in opt.param_groups:
        g["lr"] = 1.0
        g.pop("initial_lr", None)
    s, lrs = make(), []
    for _ in range(6):
        opt.step()
        lrs.append(f"{opt.param_groups[0]['lr']:.4f}")
        s.step()
    print(type(s).__name__, lrs)

# resume
net, opt, _ = train(lambda p: torch.optim.Adam(p, lr=1e-2, amsgrad=True))
sched = torch.optim.lr_scheduler.StepLR(opt, 2)
buffer = io.BytesIO()
torch.save({"epoch": 3, "model": net.state_dict(), "opt": opt.state_dict(), "sched": sched.state_dict(), "rng": torch.get_rng_state()}, buffer)
draw = torch.randn(2)
buffer.seek(0)
ck = torch.load(buffer, weights_only=True)
again = Net()
opt2 = torch.optim.Adam(again.parameters(), lr=5.0, amsgrad=True)
again.load_state_dict(ck["model"])
opt2.load_state_dict(ck["opt"])
torch.set_rng_state(ck["rng"])
print(torch.equal(draw, torch.randn(2)), opt2.param_groups[0]["lr"], sorted(opt2.state_dict()["state"][0]), ck["sched"]["step_size"])
for n, o in ((net, opt), (again, opt2)):
    o.zero_grad()
    n(torch.ones(2, 5))[0].logsumexp(1).sum().backward()
    o.step()
print(all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters())))
attempt(opt2.load_state_dict, {"state": {}, "param_groups": []})
attempt(again.load_state_dict, {**ck["model"], "l1.weight": torch.ones(3, 3), "extra": torch.ones(1)})

# adversarial examples and saliency
x = torch.linspace(-1, 1, 10).view(2, 5).requires_grad_()
y = torch.tensor([0, 1])
loss = F.cross_entropy(net(x)[0], y)
(g,) = torch.autograd.grad(loss, x)
fgsm = (x + 0.1 * g.sign()).clamp(-1, 1).detach()
delta = torch.zeros_like(x).uniform_(-0.1, 0.1).requires_grad_()
for _ in range(3):
    F.cross_entropy(net(x.detach() + delta)[0], y).backward()
    with torch.no_grad():
        delta += 0.02 * delta.grad.sign()
        delta.clamp_(-0.1, 0.1)
    delta.grad.zero_()
print(F.cross_entropy(net(fgsm)[0], y) > loss, F.cross_entropy(net(x + delta)[0], y) > loss, delta.abs().max() <= 0.1)

# CTC and gradient penalty
torch.manual_seed(4)
log_probs = torch.randn(6, 2, 4).log_softmax(2).detach().requires_grad_()
targets = torch.tensor([[1, 2], [3, 0]])
ctc = nn.CTCLoss(zero_infinity=True)(log_probs, targets, torch.tensor([6, 5]), torch.tensor([2, 1]))
ctc.backward()
print(f"{ctc.item():.4f} {log_probs.grad.norm().item():.4f}")
critic = nn.Sequential(nn.Linear(2, 8), nn.Softplus(), nn.Linear(8, 1))
real, fake = torch.randn(6, 2), torch.randn(6, 2) + 2
eps = torch.rand(6, 1)
inter = torch.lerp(fake, real, eps).requires_grad_()
gp = (torch.autograd.grad(critic(inter).sum(), inter, create_graph=True)[0].norm(2, dim=1) - 1).square().mean()
(critic(fake).mean() - critic(real).mean() + 10 * gp).backward()
print(f"{gp.item():.4f} {critic[0].weight.grad.norm().item():.4f}")
