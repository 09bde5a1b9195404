"""Metric learning: siamese and triplet networks, hard negative mining, samplers, early stopping, cosine similarities."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from torch.utils.data import BatchSampler, ConcatDataset, DataLoader, Dataset, Sampler, Subset, WeightedRandomSampler


class Blobs(Dataset):
    def __init__(self, n, seed, transform=None):
        g = torch.Generator().manual_seed(seed)
        self.targets = torch.randint(0, 4, (n,), generator=g)
        centres = torch.eye(4, 6) * 2
        self.data = centres[self.targets] + 0.8 * torch.randn(n, 6, generator=g)
        self.transform = transform

    def __getitem__(self, i):
        x = self.data[i]
        return {"x": x if self.transform is None else self.transform(x), "y": int(self.targets[i]), "name": f"b{i}"}

    def __len__(self):
        return len(self.targets)


class BalancedBatches(Sampler):
    def __init__(self, targets, per_class):
        self.targets, self.per_class = targets, per_class

    def __iter__(self):
        where = [torch.nonzero(self.targets == c).flatten() for c in range(4)]
        for _ in range(3):
            yield torch.cat([w[torch.randperm(len(w))[: self.per_class]] for w in where]).tolist()

    def __len__(self):
        return 3


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.PReLU(), nn.Linear(16, 3))

    def forward(self, x):
        return F.normalize(self.body(x), p=2, dim=1)


def hard_triplets(z, y, margin):
    d = torch.cdist(z, z)
    same = y[:, None] == y[None, :]
    positive = d.masked_fill(~same, -1).max(dim=1)
    negative = d.masked_fill(same, float("inf")).min(dim=1)
    return F.relu(positive.values - negative.values + margin).mean(), (positive.values + margin > negative.values).sum()


torch.manual_seed(21)
train = ConcatDataset([Blobs(40, 1), Blobs(24, 2, transform=lambda x: x + 0.01)])
targets = torch.cat([d.targets for d in train.datasets])
loader = DataLoader(train, batch_sampler=BalancedBatches(targets, 4))
print(len(train), len(loader), train.cumulative_sizes)
model = Embedder()
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
plateau = ReduceLROnPlateau(optimizer, patience=1, factor=0.3, threshold=0.05)
best, waited = float("inf"), 0
for epoch in range(6):
    model.train()
    losses, active = [], 0
    for batch in loader:
        z = model(batch["x"])
        loss, hard = hard_triplets(z, batch["y"], 0.3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        active += int(hard)
    mean = sum(losses) / len(losses)
    plateau.step(mean)
    print(f"{epoch} {mean:.4f} {active} {optimizer.param_groups[0]['lr']:.3f} {plateau.num_bad_epochs}")
    waited = 0 if mean < best else waited + 1
    best = min(best, mean)
    if waited == 3:
        print("early stop")
        break
model.eval()
held = Blobs(20, 3)
with torch.inference_mode():
    gallery, query = model(train.datasets[0].data), model(held.data)
    nearest = torch.cdist(query, gallery).topk(3, largest=False).indices
    votes = targets[nearest].mode(dim=1).values
    print(f"accuracy {(votes == held.targets).float().mean().item():.2f}", gallery.is_inference())

# contrastive and cosine variants, siamese with shared weights
torch.manual_seed(22)
weights = 1.0 / targets.bincount()[targets].double()
pairs = DataLoader(Subset(train, range(40)), sampler=WeightedRandomSampler(weights[:40], 16), batch_size=8)
net = nn.Sequential(nn.Linear(6, 8), nn.Tanhshrink(), nn.Linear(8, 4))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.8, dampening=0.1)
step = StepLR(opt, 2, gamma=0.5)
triplet = nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: 1.0 - F.cosine_similarity(a, b), swap=True)
for epoch in range(4):
    for batch in pairs:
        a, b = batch["x"][:4], batch["x"][4:]
        same = batch["y"][:4] == batch["y"][4:]
        za, zb = net(a), net(b)
        dist = F.pairwise_distance(za, zb)
        contrastive = torch.where(same, dist.pow(2), (1 - dist).clamp(min=0).pow(2)).mean()
        cosine = nn.CosineEmbeddingLoss(margin=0.1)(za, zb, same.float() * 2 - 1)
        tri = triplet(za, zb, net(a.flip(0)))
        loss = contrastive + cosine + 0.5 * tri
        opt.zero_grad()
        loss.backward()
        opt.step()
    step.step()
    print(f"{epoch} {loss.item():.4f} {contrastive.item():.4f} {cosine.item():.4f} {tri.item():.4f} {step.get_last_lr()}")
print(batch["name"], batch["y"].dtype, list(BatchSampler(range(5), 2, False)))
z = F.normalize(net(train.datasets[0].data[:8]), dim=-1)
logits = z @ z.T / 0.1
logits.fill_diagonal_(float("-inf"))
labels = torch.arange(8) ^ 1
ntxent = F.cross_entropy(logits, labels)
ntxent.backward()
print(f"{ntxent.item():.4f}", f"{net[0].weight.grad.norm().item():.4f}")
attempt(nn.TripletMarginLoss(), torch.ones(2, 3), torch.ones(2, 3), torch.ones(3))
attempt(F.cosine_embedding_loss, torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 1))
attempt(DataLoader, train, batch_size=2, batch_sampler=BalancedBatches(targets, 4))
attempt(DataLoader, train, shuffle=True, sampler=WeightedRandomSampler([1.0], 1))
attempt(WeightedRandomSampler, torch.ones(2, 2), 2)
attempt(torch.utils.data.random_split, range(5), [2, 2])
