"""Utilities for modules: `wengert.nn.utils`.

Some are imported at once, the others when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import rnn
from .clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from .convert_parameters import parameters_to_vector, vector_to_parameters

# functions of the same names as their modules, which must not take their places when somebody imports those
from .spectral_norm import remove_spectral_norm, spectral_norm
from .weight_norm import remove_weight_norm, weight_norm

#: name -> the module that has it; None: the name is a module
_LATER: dict[str, str | None] = {
    "convert_conv2d_weight_memory_format": "memory_format",
    "convert_conv3d_weight_memory_format": "memory_format",
    "fuse_conv_bn_eval": "fusion",
    "fuse_conv_bn_weights": "fusion",
    "fuse_linear_bn_eval": "fusion",
    "fuse_linear_bn_weights": "fusion",
    "parametrizations": None,
    "parametrize": None,
    "prune": None,
    "fusion": None,
    "memory_format": None,
    "init": None,
    "stateless": None,
    "skip_init": "init",
}

__all__ = [  # noqa: PLE0604
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
    *(name for name in _LATER if name not in ("fusion", "memory_format", "init")),
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'torch.nn.utils' has no attribute {name!r}")
    home = _LATER[name]
    module = import_module(f"{__name__}.{home or name}")
    found = module if home is None else getattr(module, name)
    globals()[name] = found
    return found
