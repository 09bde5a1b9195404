"""torch.types: names for annotations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from .autograd.edges import GradientEdge
from .core.devices import device
from .core.dtypes import dtype
from .core.size import Size
from .core.storage import TypedStorage, UntypedStorage
from .core.tensor import Tensor

__all__ = ["Device", "FileLike", "Number", "Storage"]

Number: TypeAlias = int | float | bool
Device: TypeAlias = device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Storage: TypeAlias = UntypedStorage | TypedStorage

_int, _float, _bool, _complex = int, float, bool, complex
_device, _dtype, _size = device, dtype, Size | list[int] | tuple[int, ...]
_symsize: TypeAlias = Size | Sequence[int]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_TensorOrTensorsOrGradEdge: TypeAlias = Tensor | Sequence[Tensor] | GradientEdge | Sequence[GradientEdge]
_TensorOrOptionalTensors: TypeAlias = Tensor | Sequence[Tensor | None]
PySymType: TypeAlias = Any
SymInt, SymFloat, SymBool = int, float, bool
