"""`skip_init`: a module whose parameters are left as they come."""

from __future__ import annotations

import inspect
from typing import Any

from .._functional.base import T
from ..module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Any:
    """`module_cls(*args, **kwargs)` with uninitialised parameters and buffers on `device` (default: cpu).

    Errors: RuntimeError for a class that is no module, or whose constructor takes no `device`.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    # The constructor draws its numbers all the same; the generator is set back, as if it had not.
    state = T.need("get_rng_state")()
    try:
        return module_cls(*args, device=device, **kwargs)
    finally:
        T.need("set_rng_state")(state)
