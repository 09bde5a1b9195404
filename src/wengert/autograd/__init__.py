"""Automatic differentiation: `backward`, `grad`, custom Functions, graph tools and checks."""

from __future__ import annotations

from ..core.intercept import announce
from ..core.missing import missing
from ..core.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from ..core.saved import SavedTensor
from ..core.tensor import Tensor
from . import graph, methods
from .anomaly_mode import detect_anomaly, set_detect_anomaly
from .backward import backward, grad
from .function import Function, NestedIOFunction
from .gradcheck import gradcheck, gradgradcheck
from .graph import set_multithreading_enabled
from .variable import Variable

__all__ = [
    "Function",
    "NestedIOFunction",
    "SavedTensor",
    "Tensor",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "methods",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

announce(lambda: [("torch.autograd.grad", grad)])

__getattr__ = missing(__name__, lazy=("functional", "forward_ad", "grad_mode", "profiler"))
