"""torch.utils.hooks."""

from __future__ import annotations

from typing import Any

from ..core.errors import warn
from ..core.hooks import RemovableHandle

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def unserializable_hook(f: Any) -> Any:
    """Decorator: `save` does not warn that it leaves this hook out."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn of hooks on `tensor` that `save` leaves out."""
    hooks = getattr(getattr(tensor, "_hooks", None), "tensor", None) or {}
    for hook in list(hooks.values()):
        if not hasattr(hook, "__torch_unserializable__"):
            warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate the "
                "function with @torch.utils.hooks.unserializable_hook to suppress this warning"
            )


class BackwardHook:
    """Not supported: PyTorch's internal wrapper of module backward hooks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("torch.utils.hooks.BackwardHook; use Module.register_full_backward_hook")
