"""Fitting with LBFGS and second order: style transfer's closure, logistic regression, a Gaussian process, Newton, PINN."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.autograd import grad
from torch.autograd.functional import hessian, hvp, jacobian

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)

# time series: two LSTM cells under one closure
wave = torch.sin(torch.arange(40.0)[None] / 4 + torch.arange(3.0)[:, None])


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, 11)
        self.lstm2 = nn.LSTMCell(11, 11)
        self.linear = nn.Linear(11, 1)

    def forward(self, input, future=0):
        outputs = []
        h_t = torch.zeros(input.size(0), 11, dtype=torch.double)
        c_t = torch.zeros(input.size(0), 11, dtype=torch.double)
        h_t2, c_t2 = torch.zeros_like(h_t), torch.zeros_like(c_t)
        for input_t in input.split(1, dim=1):
            h_t, c_t = self.lstm1(input_t, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            output = self.linear(h_t2)
            outputs += [output]
        for _ in range(future):
            h_t, c_t = self.lstm1(output, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            output = self.linear(h_t2)
            outputs += [output]
        return torch.cat(outputs, dim=1)


seq = Sequence().double()
criterion = nn.MSELoss()
optimizer = optim.LBFGS(seq.parameters(), lr=0.8, max_iter=4)
for i in range(3):

    def closure():
        optimizer.zero_grad()
        loss = criterion(seq(wave[1:, :-1]), wave[1:, 1:])
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    with torch.no_grad():
        pred = seq(wave[:1, :-1], future=5)
    print(f"step {i} loss {loss.item():.6f} test {criterion(pred[:, :-5], wave[:1, 1:]).item():.5f} {pred.shape}")
print(optimizer.state_dict()["state"][0]["n_iter"], optimizer.state_dict()["param_groups"][0].keys())

# logistic regression to convergence, with strong Wolfe
x = torch.randn(60, 3)
truth = torch.tensor([1.5, -2.0, 0.5])
y = (torch.sigmoid(x @ truth) > torch.rand(60)).double()
w = torch.zeros(3, requires_grad=True)
calls = 0


def objective(w):
    return F.binary_cross_entropy_with_logits(x @ w, y) + 0.01 * w.square().sum()


opt = optim.LBFGS([w], max_iter=50, line_search_fn="strong_wolfe", tolerance_grad=1e-10, tolerance_change=1e-14)


def closure():
    global calls
    calls += 1
    opt.zero_grad()
    value = objective(w)
    value.backward()
    return value


opt.step(closure)
print(w.detach().mul(1e6).round().div(1e6).tolist(), calls, f"{grad(objective(w), w)[0].abs().max().item() < 1e-8}")
n = torch.zeros(3)
for _ in range(8):
    h = hessian(objective, n)
    g = jacobian(objective, n)
    n = n - torch.linalg.solve(h, g)
print(torch.allclose(n, w.detach(), atol=1e-6), torch.linalg.eigvalsh(h).mul(1e4).round().div(1e4).tolist())
print(torch.allclose(hvp(objective, n, torch.ones(3))[1], h @ torch.ones(3)))
cov = torch.cholesky_inverse(torch.linalg.cholesky(h * 60))
print(cov.diagonal().sqrt().mul(1e4).round().div(1e4))

# a Gaussian process by its marginal likelihood
xs = torch.linspace(0, 1, 15)
ys = torch.sin(6 * xs) + 0.1 * torch.randn(15)
log_params = torch.zeros(3, requires_grad=True)


def neg_log_marginal():
    scale, length, noise = log_params.exp()
    k = scale * torch.exp(-0.5 * (xs[:, None] - xs[None]).pow(2) / length.pow(2)) + noise * torch.eye(15)
    c = torch.linalg.cholesky(k)
    a = torch.cholesky_solve(ys[:, None], c).squeeze(-1)
    return 0.5 * ys @ a + c.diagonal().log().sum() + 7.5 * math.log(2 * math.pi)


gp = optim.LBFGS([log_params], lr=0.5, max_iter=15, history_size=5)


def gp_closure():
    gp.zero_grad()
    v = neg_log_marginal()
    v.backward()
    return v


for _ in range(3):
    print(f"gp {gp.step(gp_closure).item():.5f}")
print(log_params.detach().mul(1e3).round().div(1e3).tolist())

# a PINN for y'' = -y with LBFGS after Adam
torch.manual_seed(4)
net = nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 10), nn.Tanh(), nn.Linear(10, 1))
t = torch.linspace(0, 2, 20).reshape(-1, 1).requires_grad_()
zero = torch.zeros(1, 1, requires_grad=True)


def residual():
    u = net(t)
    du = grad(u, t, torch.ones_like(u), create_graph=True)[0]
    ddu = grad(du.sum(), t, create_graph=True)[0]
    u0 = net(zero)
    du0 = grad(u0, zero, create_graph=True)[0]
    return (ddu + u).square().mean() + (u0 - 0.0).square().mean() + (du0 - 1.0).square().mean()


adam = optim.Adam(net.parameters(), lr=0.01)
for k in range(10):
    adam.zero_grad()
    value = residual()
    value.backward()
    adam.step()
print(f"adam {value.item():.5f}")
lbfgs = optim.LBFGS(net.parameters(), max_iter=20, line_search_fn="strong_wolfe")


def pinn_closure():
    lbfgs.zero_grad()
    value = residual()
    value.backward()
    return value


print(f"lbfgs {lbfgs.step(pinn_closure).item():.5f} -> {residual().item():.4f}")

# curves: least squares, Gauss-Newton, polynomial by lstsq
A = torch.vander(xs, 4)
sol = torch.linalg.lstsq(A, ys[:, None]).solution
print(sol.flatten().mul(1e4).round().div(1e4).tolist())
theta = torch.tensor([1.0, 5.0])
for _ in range(6):
    r = lambda th: th[0] * torch.sin(th[1] * xs) - ys
    J = jacobian(r, theta)
    theta = theta - torch.linalg.lstsq(J, r(theta)[:, None]).solution.flatten()
print(theta.mul(1e5).round().div(1e5))
attempt(optim.LBFGS, [{"params": [w]}, {"params": [log_params]}])
attempt(optim.LBFGS([w], line_search_fn="armijo").step, closure)
attempt(optim.LBFGS, [])
attempt(optim.LBFGS([w]).step)
torch.set_default_dtype(torch.float32)
