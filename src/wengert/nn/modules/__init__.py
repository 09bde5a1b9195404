"""PyTorch's longer names of the same modules: `torch.nn.modules.linear` is `torch.nn.linear` here.

The classes live one level up; this package only gives their modules PyTorch's paths.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

_PARENT = __name__.rpartition(".")[0]

#: PyTorch's name -> ours, where they differ
_OTHER_NAMES = {"channelshuffle": "upsampling", "pixelshuffle": "upsampling", "utils": "tuples"}

_SAME_NAMES = (
    "activation adaptive batchnorm container conv distance dropout flatten fold instancenorm lazy linear loss module "
    "normalization padding pooling rnn sparse transformer upsampling"
).split()

for _name in (*_SAME_NAMES, *_OTHER_NAMES):
    _module = import_module(f"{_PARENT}.{_OTHER_NAMES.get(_name, _name)}")
    sys.modules[f"{__name__}.{_name}"] = _module
    globals()[_name] = _module
del _name, _module


def __getattr__(name: str) -> Any:
    """The layers themselves: `torch.nn.modules.Linear`."""
    found = getattr(sys.modules[_PARENT], name, None)
    if found is None:
        raise AttributeError(f"module 'torch.nn.modules' has no attribute {name!r}")
    return found
