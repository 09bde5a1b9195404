"""Composable transforms of functions: grad, vjp, jvp, vmap, Jacobians, Hessians; calling modules with other weights."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..core.missing import missing
from .transforms import (
    debug_unwrap,
    functionalize,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vjp,
)
from .vmap import vmap

__all__ = [
    "debug_unwrap",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "vjp",
    "vmap",
    "functional_call",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
]

#: these need nn, which is loaded when first used
_OF_MODULES = ("functional_call", "replace_all_batch_norm_modules_", "stack_module_state")
_missing = missing(__name__)


def __getattr__(name: str) -> Any:
    if name in _OF_MODULES:
        return getattr(import_module("wengert.nn.utils.functional_call"), name)
    return _missing(name)
