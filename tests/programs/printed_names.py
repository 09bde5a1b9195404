"""What classes and objects without a text of their own print."""

import abc
import copy
import pickle
from typing import Generic, TypeVar

import torch
import torch.nn.utils.parametrize as parametrize
import torch.utils.data as data
from torch import distributions, nn, optim
from torch.optim import lr_scheduler

layers = [
    nn.Linear(1, 1), nn.Conv2d(1, 1, 1), nn.MultiheadAttention(2, 1), nn.PixelShuffle(2), nn.CrossEntropyLoss(), nn.LSTM(1, 1),
    nn.Sequential(), nn.TransformerEncoderLayer(2, 1, 2), nn.ModuleDict(), nn.BatchNorm1d(1), nn.Dropout(), nn.Flatten(),
    nn.EmbeddingBag(1, 1), nn.LazyLinear(1), nn.GELU(), nn.UpsamplingNearest2d(2), nn.ReflectionPad2d(1), nn.Identity(),
]  # fmt: skip
for layer in layers:
    print(type(layer), f"{layer.__class__}", layer.__class__.__name__)
print(nn.Module, type(nn.Parameter(torch.ones(1))), nn.Buffer)

p = [nn.Parameter(torch.ones(2, 2))]
for name in ("SGD", "Adam", "AdamW", "LBFGS", "Muon", "Adafactor", "RMSprop"):
    print(type(getattr(optim, name)(p)))
o = optim.SGD(p, 0.1)
for s in (lr_scheduler.StepLR(o, 1), lr_scheduler.OneCycleLR(o, 1.0, 5), lr_scheduler.ReduceLROnPlateau(o)):
    print(type(s), s)

d = data.TensorDataset(torch.ones(3))
for x in (d, data.DataLoader(d), data.Subset(d, [0]), data.RandomSampler(d), data.ConcatDataset([d]), data.DataLoader(d).sampler):
    print(type(x), x)
print(type(distributions.Normal(0.0, 1.0)), distributions.Transform, distributions.AffineTransform, distributions.ExpTransform)
print(distributions.TransformedDistribution, distributions.MixtureSameFamily, distributions.Distribution)
print(torch.ones(1, requires_grad=True).register_hook(print))
print(torch.typename(nn.ReLU()), torch.typename(nn.ReLU), torch.typename(3), torch.typename(torch.ones(1)), torch.typename(int))
attempt(nn.Sequential, nn.ReLU)
attempt(nn.Sequential, 3)
attempt(nn.ModuleList, [nn.Linear])
attempt(lambda: nn.Sequential() * 0)

# subclasses of the user's keep their own names, and may have other bases


class Own(nn.Linear):
    pass


class Abstract(nn.Module, abc.ABC):
    @abc.abstractmethod
    def forward(self, x): ...


K = TypeVar("K")


class Box(data.Dataset[K], Generic[K]):
    pass


print(Own, type(Own(1, 1)), Box, str(Box()).split(" at ")[0])
attempt(Abstract)
print(isinstance(Own(1, 1), nn.Linear), issubclass(Own, nn.Module), isinstance(nn.ReLU(), nn.Linear), isinstance(3, nn.Module))
parametrize.register_parametrization(own := Own(1, 1), "weight", nn.Identity())
print(type(own))
print(type(copy.deepcopy(layers[0])), type(pickle.loads(pickle.dumps(layers[1]))), pickle.loads(pickle.dumps(nn.ReLU)) is nn.ReLU)
