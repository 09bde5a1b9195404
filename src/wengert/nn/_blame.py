"""Which layer an error came from: a note below PyTorch's sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .module import Module


def name_layer(module: Module, error: Any) -> None:
    """Note that `error` left the call of `module`; the modules around it add their names for it."""
    known = getattr(error, "_wengert_layer", None)
    if known is None:
        error._wengert_layer = module, "", f"{type(module).__name__}({module.extra_repr()})"
        error.add_note("")
    else:
        inner, path, shown = known
        name = next((n for n, part in module.named_modules() if part is inner and part is not module), None)
        if name is None:  # a call from elsewhere: the path ends here
            return
        error.__notes__.remove(_note(path, shown))
        path = f"{name}.{path}" if path else name
        error._wengert_layer = module, path, shown
        error.add_note("")
    _, path, shown = error._wengert_layer
    error.__notes__[-1] = _note(path, shown)


def _note(path: str, shown: str) -> str:
    return f"  in the layer {path!r}: {shown}" if path else f"  in the layer {shown}"


__all__ = ["name_layer"]
