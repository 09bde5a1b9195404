"""Convolutional autoencoders: pixel shuffle, skip connections, weight norm, spectral norm, hooks, checkpoint to bytes."""

import copy
import io

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init
from torch.nn.utils import parametrizations
from torch.utils.data import DataLoader, TensorDataset, random_split


class ESPCN(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 8, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(8, 8, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(8, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.pixel_shuffle(self.conv3(x))

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight)


class DoubleConv(nn.Sequential):
    def __init__(self, i, o):
        super().__init__(
            nn.Conv2d(i, o, 3, padding="same", bias=False, padding_mode="reflect"),
            nn.BatchNorm2d(o),
            nn.SiLU(inplace=True),
            parametrizations.weight_norm(nn.Conv2d(o, o, 3, padding=1, groups=2)),
            nn.GroupNorm(2, o),
            nn.Mish(),
        )


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = DoubleConv(1, 4), DoubleConv(4, 8)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.up1 = DoubleConv(8, 4)
        self.head = parametrizations.spectral_norm(nn.Conv2d(4, 1, 1))
        self.drop = nn.Dropout2d(0.1)

    def forward(self, x):
        a = self.down1(x)
        p, where = self.pool(a)
        b = self.drop(self.down2(p))
        up = self.up(b)
        un = self.unpool(p, where, output_size=a.shape[-2:])
        return torch.sigmoid(self.head(self.up1(torch.cat([up, a + un], 1))))


torch.manual_seed(123)
ramp = torch.linspace(0, 1, 12)
base = torch.stack([torch.outer((ramp * k).sin(), (ramp * (k + 1)).cos()) for k in range(1, 21)])[:, None]
images = (base - base.amin((1, 2, 3), keepdim=True)) / (base.amax((1, 2, 3), keepdim=True) - base.amin((1, 2, 3), keepdim=True))
small = F.interpolate(images, scale_factor=1 / 3, mode="bicubic", align_corners=False)
train, valid = random_split(TensorDataset(small, images), [16, 4], generator=torch.Generator().manual_seed(1))
loader = DataLoader(train, batch_size=4, shuffle=True)

model = ESPCN(3)
print(model)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(4):
    total = 0
    for batch in loader:
        optimizer.zero_grad()
        loss = criterion(model(batch[0]), batch[1])
        total += loss.item()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        psnr = sum(10 * torch.log10(1 / criterion(model(a[None]), b[None])) for a, b in valid) / len(valid)
    print(f"epoch {epoch}: {total / len(loader):.4f}, psnr {psnr:.2f} dB")

unet = UNet()
seen = {}
handles = [m.register_forward_hook(lambda mod, args, out, name=name: seen.__setitem__(name, tuple(out[0].shape) if isinstance(out, tuple) else tuple(out.shape)))
           for name, m in unet.named_children()]
print(unet.down1)
print([n for n, _ in unet.named_parameters()][:6], [n for n, _ in unet.named_buffers()])
optimizer = torch.optim.SGD(unet.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=8)
ema = torch.optim.swa_utils.AveragedModel(unet, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
for step in range(8):
    unet.train()
    idx = torch.randperm(20)[:6]
    noisy = (images[idx] + 0.1 * torch.randn_like(images[idx])).clamp_(0, 1)
    out = unet(noisy)
    loss = F.binary_cross_entropy(out, images[idx]) + 0.1 * F.l1_loss(out, images[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    ema.update_parameters(unet)
    if step % 2 == 0:
        print(f"unet {step} {loss.item():.4f} {scheduler.get_last_lr()[0]:.4f}")
for h in handles:
    h.remove()
print(seen)
unet.eval()
ema.eval()
with torch.no_grad():
    before = unet(images[:2])
    buffer = io.BytesIO()
    torch.save({"model": unet.state_dict(), "opt": optimizer.state_dict(), "ema": ema.state_dict()}, buffer)
    buffer.seek(0)
    state = torch.load(buffer, weights_only=True)
    fresh = UNet()
    print(fresh.load_state_dict(state["model"]))
    print(torch.equal(fresh.eval()(images[:2]), before), state["opt"]["param_groups"][0]["nesterov"], int(state["ema"]["n_averaged"]))
    twin = copy.deepcopy(unet)
    print(torch.equal(twin(images[:2]), before), f"{ema(images[:2]).mean().item():.3f}")
print(F.pixel_unshuffle(images[:1], 3).shape, nn.ChannelShuffle(2)(torch.arange(4.0).view(1, 4, 1, 1)).flatten())
attempt(model, torch.zeros(1, 2, 8, 8))
attempt(F.pixel_shuffle, torch.zeros(1, 3, 2, 2), 2)
attempt(nn.ConvTranspose2d(2, 2, 2, stride=2), torch.zeros(1, 2, 3, 3), output_size=(9, 9))
attempt(nn.Conv2d, 3, 4, 3, groups=2)
