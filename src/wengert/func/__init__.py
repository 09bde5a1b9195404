"""Composable transforms of functions: grad, vjp, jvp, vmap, Jacobians, Hessians; calling modules with other weights."""

from __future__ import annotations

from ..core.missing import missing
from .functional_call import functional_call, stack_module_state
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
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
__getattr__ = missing(__name__)
