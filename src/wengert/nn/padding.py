"""Padding layers."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from typing import Any

from ..core.tensor import Tensor
from . import functional as F
from .module import Module
from .tuples import _ntuple

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _PadNd(Module):
    """`padding`: one number for every side, or (left, right, top, bottom, front, back) as far as there are dims."""

    __constants__ = ["padding"]
    _sides: int
    _mode: str
    padding: tuple[int, ...]

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = _ntuple(self._sides, "padding")(padding)

    def _check_input_dim(self, input: Any) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    """Continues the input from its other end."""

    _mode = "circular"

    def _check_input_dim(self, input: Any) -> None:
        n = self._sides // 2
        if input.dim() not in (n + 1, n + 2):
            raise ValueError(f"expected {n + 1}D or {n + 2}D input (got {input.dim()}D input)")


class CircularPad1d(_CircularPadNd):
    """Circular padding of (N, C, W) or (C, W)."""

    _sides = 2


class CircularPad2d(_CircularPadNd):
    """Circular padding of (N, C, H, W) or (C, H, W)."""

    _sides = 4


class CircularPad3d(_CircularPadNd):
    """Circular padding of (N, C, D, H, W) or (C, D, H, W)."""

    _sides = 6


class _ConstantPadNd(_PadNd):
    """Pads with `value`."""

    __constants__ = ["padding", "value"]
    value: float

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Constant padding of the last dim."""

    _sides = 2


class ConstantPad2d(_ConstantPadNd):
    """Constant padding of the last two dims."""

    _sides = 4


class ConstantPad3d(_ConstantPadNd):
    """Constant padding of the last three dims."""

    _sides = 6


class _ReflectionPadNd(_PadNd):
    """Mirrors the input at its borders."""

    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """Reflection padding of (N, C, W) or (C, W)."""

    _sides = 2


class ReflectionPad2d(_ReflectionPadNd):
    """Reflection padding of (N, C, H, W) or (C, H, W)."""

    _sides = 4


class ReflectionPad3d(_ReflectionPadNd):
    """Reflection padding of (N, C, D, H, W) or (C, D, H, W)."""

    _sides = 6


class _ReplicationPadNd(_PadNd):
    """Repeats the border."""

    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Replication padding of (N, C, W) or (C, W)."""

    _sides = 2


class ReplicationPad2d(_ReplicationPadNd):
    """Replication padding of (N, C, H, W) or (C, H, W)."""

    _sides = 4


class ReplicationPad3d(_ReplicationPadNd):
    """Replication padding of (N, C, D, H, W) or (C, D, H, W)."""

    _sides = 6


class ZeroPad1d(ConstantPad1d):
    """Zero padding of the last dim."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Zero padding of the last two dims."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Zero padding of the last three dims."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"
