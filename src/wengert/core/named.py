"""The names under which PyTorch knows our classes, for those who print them."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

PACKAGE = __name__.partition(".")[0]

#: the modules of nn whose classes stand elsewhere than in torch.nn.modules, and the classes that stand in another file
NN_OUTSIDE = {"nn.parameter": "nn.parameter", "nn.parallel": "nn.parallel.data_parallel"}
NN_MOVED = {
    "MultiheadAttention": "activation",
    "ChannelShuffle": "channelshuffle",
    "PixelShuffle": "pixelshuffle",
    "PixelUnshuffle": "pixelshuffle",
    "LinearCrossEntropyOptions": "linear_cross_entropy_options",
}
#: where one module of PyTorch is several here
_PARTS = {
    "optim.lr_scheduler.": "optim.lr_scheduler",
    "optim._": "optim",
    "distributions.transform": "distributions.transforms",
    "autograd.edges": "autograd.graph",
    "core.hooks": "utils.hooks",
    "core.modes": "autograd.grad_mode",
}


def public_module(cls: type) -> str:
    """The module that PyTorch's class of this name says it is from; `cls.__module__` for what is not ours."""
    module = cls.__module__
    if not module.startswith(PACKAGE + "."):
        return module
    below = module[len(PACKAGE) + 1 :]
    if below in NN_OUTSIDE:
        return "torch." + NN_OUTSIDE[below]
    if below.startswith("nn.") and below.count(".") == 1:
        return "torch.nn.modules." + NN_MOVED.get(cls.__qualname__, below[3:])
    for start, whole in _PARTS.items():
        if below.startswith(start) and below != "distributions.transformed_distribution":
            return "torch." + whole
    return "torch." + below


class PublicNamed(ABCMeta):
    """Metaclass of layers, optimizers, datasets ...: `repr(type(x))` is PyTorch's.

    An ABCMeta, so that a user's subclass may be an abstract class too; it takes no registrations of its own."""

    __instancecheck__ = type.__instancecheck__  # type: ignore[assignment]
    __subclasscheck__ = type.__subclasscheck__  # type: ignore[assignment]

    def __repr__(cls) -> str:
        return f"<class '{public_module(cls)}.{cls.__qualname__}'>"


def object_repr(self: Any) -> str:
    """What an object without a text of its own prints."""
    cls = type(self)
    return f"<{public_module(cls)}.{cls.__qualname__} object at {hex(id(self))}>"
