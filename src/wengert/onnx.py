"""torch.onnx: nothing is exported; what asks for it is told so."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["export", "is_in_onnx_export"]


def export(*args: Any, **kwargs: Any) -> NoReturn:
    """Not supported."""
    raise NotImplementedError("torch.onnx.export")


def is_in_onnx_export() -> bool:
    """False."""
    return False
