"""Mixed precision on the CPU: which operations autocast lowers, the dtypes that come out, the graph, training with it."""

import threading

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint


def chain(t, n=6):
    names, f = [], t.grad_fn
    while f is not None and n:
        names.append(type(f).__name__)
        n -= 1
        f = next((g for g, _ in f.next_functions if g is not None), None)
    return names


torch.manual_seed(0)
lin, x = nn.Linear(3, 2), torch.randn(4, 3)
with torch.autocast("cpu"):
    y = lin(x)
    print(y.dtype, chain(y), y.grad_fn.next_functions[0][0] is lin(x).grad_fn.next_functions[0][0])
    print(torch.is_autocast_enabled(), torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"), torch.is_autocast_cache_enabled())
    with torch.autocast("cpu", enabled=False):
        print(torch.is_autocast_enabled("cpu"), lin(x).dtype)
        attempt(lin, x.bfloat16())
    with torch.autocast("cpu", dtype=torch.float16, cache_enabled=False):
        print(torch.get_autocast_dtype("cpu"), lin(x).dtype, torch.is_autocast_cache_enabled())
        with torch.autocast("cpu"):
            print(lin(x).dtype)
    loss = F.cross_entropy(y, torch.tensor([0, 1, 0, 1]))
    print(loss.dtype, chain(loss))
    print((y + x[:, :2]).dtype, torch.cat([y, x], 1).dtype, torch.stack([y, x[:, :2]]).dtype, y.softmax(-1).dtype, y.sum().dtype)
    print(torch.mm(x.double(), torch.ones(3, 2, dtype=torch.double)).dtype, torch.mm(x, torch.ones(3, 2), out=torch.empty(4, 2)).dtype)
    print((x @ torch.ones(3, 2)).dtype, torch.einsum("ij,kj->ik", x, x).dtype, torch.einsum("ij->ji", x).dtype, x.matmul(x[0]).dtype, torch.mv(x, x[0]).dtype)
    print(F.mse_loss(y, y).dtype, y.prod().dtype, torch.linalg.inv(torch.eye(2, dtype=torch.bfloat16)).dtype, torch.fft.rfft(y[:, 0]).dtype)
    print(F.pad(y, (1, 1), mode="replicate").dtype, F.pad(y, (1, 1)).dtype)
loss.backward()
print(lin.weight.grad.dtype, lin.weight.grad.abs().sum().item() > 0, torch.is_autocast_enabled("cpu"))

layers = {
    "conv": (nn.Conv2d(1, 2, 3), torch.randn(1, 1, 5, 5)),
    "transposed": (nn.ConvTranspose1d(2, 2, 3), torch.randn(1, 2, 5)),
    "lstm": (nn.LSTM(3, 4), torch.randn(2, 1, 3)),
    "gru": (nn.GRU(3, 4), torch.randn(2, 1, 3)),
    "cell": (nn.GRUCell(3, 4), torch.randn(2, 3)),
    "encoder": (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), torch.randn(2, 3, 4)),
    "norm": (nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Dropout(0.0)), torch.randn(2, 3)),
    "bn": (nn.Sequential(nn.Conv1d(2, 2, 1), nn.BatchNorm1d(2), nn.ReLU(), nn.AvgPool1d(2)), torch.randn(2, 2, 4)),
    "bilinear": (nn.Bilinear(3, 3, 2), None),
    "prelu": (nn.PReLU(), torch.randn(2, 3)),
}
for name, (layer, input) in layers.items():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(torch.randn(2, 3), torch.randn(2, 3)) if input is None else layer(input)
    first = out[0] if isinstance(out, tuple) else out
    first.float().sum().backward()
    print(name, first.dtype, {p.grad.dtype for p in layer.parameters() if p.grad is not None})


class MM(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu")
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        print("forward", torch.is_autocast_enabled("cpu"), a.dtype)
        return a.mm(b)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        print("backward", torch.is_autocast_enabled("cpu"), g.dtype)
        return g.mm(b.t()), a.t().mm(g)


class MM32(MM):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx, a, b):
        return MM.forward.__wrapped__(ctx, a, b)


a, b = torch.randn(2, 2, requires_grad=True), torch.randn(2, 2, requires_grad=True)
for fn in (MM, MM32):
    with torch.autocast("cpu"):
        out = fn.apply(a.bfloat16() if fn is MM32 else a, b)
    out.sum().backward()
    print(out.dtype, a.grad.dtype, fn.apply(a, b).dtype)
with torch.autocast("cpu"):
    out = checkpoint(lin, x.clone().requires_grad_(), use_reentrant=False)
    again = checkpoint(lin, x.clone().requires_grad_(), use_reentrant=True)
    thread = threading.Thread(target=lambda: print("in a thread:", torch.is_autocast_enabled("cpu")))
    thread.start()
    thread.join()
(out.float().sum() + again.float().sum()).backward()
print(out.dtype, again.dtype)


@torch.autocast("cpu")
def decorated():
    return lin(x).dtype


print(decorated(), torch.is_autocast_enabled("cpu"))
torch.set_autocast_enabled("cpu", True)
torch.set_autocast_dtype("cpu", torch.float16)
print(lin(x).dtype)
torch.set_autocast_dtype("cpu", torch.bfloat16)
torch.set_autocast_enabled("cpu", False)
attempt(lambda: torch.autocast("cpu", dtype=torch.float32)._enabled)
attempt(torch.autocast, "foo")
attempt(torch.autocast, 3)

torch.manual_seed(3)
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 16), nn.ReLU(), nn.Linear(16, 3))
opt = torch.optim.AdamW(net.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
data, labels = torch.randn(24, 1, 8, 8), torch.arange(24) % 3
losses = []
for step in range(12):
    opt.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = F.cross_entropy(net(data), labels)
    scaler.scale(loss).backward()
    scaler.unscale_(opt)
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    scaler.step(opt)
    scaler.update()
    losses.append(loss.item())
print([f"{v:.1f}" for v in losses[::3]], scaler.get_scale(), norm.dtype)
