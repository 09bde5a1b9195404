"""torch._tensor, as programs import it."""

from __future__ import annotations

from .core.missing import missing
from .core.tensor import Tensor

__all__ = ["Tensor"]

__getattr__ = missing(__name__)
