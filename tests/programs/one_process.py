"""A program for several processes, run by one: process group, collectives, DistributedDataParallel, samplers."""

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DataParallel
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

print(dist.is_available(), dist.is_initialized(), dist.is_nccl_available(), dist.is_gloo_available())
attempt(dist.get_rank)
attempt(dist.get_world_size)
attempt(dist.barrier)
attempt(dist.destroy_process_group)
attempt(DDP, nn.Linear(1, 1))
attempt(dist.init_process_group, "gloo")
attempt(dist.init_process_group, "gloo", rank=0)
dist.init_process_group("gloo", rank=0, world_size=1, init_method="tcp://127.0.0.1:29612")
attempt(dist.init_process_group, "gloo", rank=0, world_size=1, init_method="tcp://127.0.0.1:29613")
print(dist.is_initialized(), dist.get_rank(), dist.get_world_size(), dist.get_backend())

t = torch.tensor([1.0, 2.0])
print(dist.all_reduce(t), t, dist.all_reduce(t, op=dist.ReduceOp.MAX, async_op=True).wait(), dist.broadcast(t, 0))
into = [torch.zeros(2)]
dist.all_gather(into, t)
objects = [None]
dist.all_gather_object(objects, {"rank": dist.get_rank()})
print(into, objects, dist.barrier(), dist.reduce(t, 0))
out = torch.zeros(2)
dist.scatter(out, [t * 3], 0)
print(out, dist.get_rank(dist.new_group([0])))
attempt(dist.broadcast, t, 1)

torch.manual_seed(0)
data = TensorDataset(torch.randn(20, 3), torch.randn(20, 1))
sampler = DistributedSampler(data, shuffle=True, seed=3)
loader = DataLoader(data, batch_size=5, sampler=sampler)
model = DDP(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)))
print(model, list(model.state_dict())[:2], sampler.num_samples)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(2):
    sampler.set_epoch(epoch)
    total = torch.zeros(1)
    for x, y in loader:
        optimizer.zero_grad()
        with model.no_sync():
            nn.functional.mse_loss(model(x), y).backward()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    dist.all_reduce(total)
    if dist.get_rank() == 0:
        print(epoch, f"{total.item() / dist.get_world_size() / len(loader):.4f}")
print(model.module[0].weight.shape)
attempt(DDP, nn.ReLU())
plain = DataParallel(nn.Linear(3, 1))
print(plain, list(plain.state_dict()), plain(torch.ones(2, 3)).shape)
dist.destroy_process_group()
print(dist.is_initialized())
