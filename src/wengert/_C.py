"""torch._C: the few names of PyTorch's private module that programs use. There is no C here."""

from __future__ import annotations

from types import SimpleNamespace

from .core.devices import device, layout, memory_format
from .core.dtypes import dtype
from .core.generator import Generator
from .core.intercept import disabled_torch_function as _disabled_torch_function_impl
from .core.missing import missing
from .core.modes import is_grad_enabled
from .core.saved import SavedTensor
from .core.size import Size
from .core.tensor import Tensor as TensorBase
from .overrides import DisableTorchFunction, DisableTorchFunctionSubclass

__all__ = [
    "DisableTorchFunction",
    "DisableTorchFunctionSubclass",
    "Generator",
    "Size",
    "TensorBase",
    "_disabled_torch_function_impl",
    "device",
    "dtype",
    "is_grad_enabled",
    "layout",
    "memory_format",
]


_autograd = SimpleNamespace(SavedTensor=SavedTensor)


def _log_api_usage_once(event: str) -> None:
    """Nothing is logged."""


def _get_tracing_state() -> None:
    """There is no tracing of scripts."""


__getattr__ = missing(__name__)
