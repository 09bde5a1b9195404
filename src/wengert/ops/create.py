"""Making tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtypes
from ..core.tensor import Tensor, set_requires_grad, wrap
from .install import public


@public(method=False)
def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A new leaf with a copy of `data` (a number, nested sequences, an array)."""
    kind = np.array(data)
    if dtype is None:
        if kind.dtype == np.float64 and not isinstance(data, (np.ndarray, np.generic)):
            kind = kind.astype(dtypes.get_default_dtype().np)
    else:
        kind = kind.astype(dtype.np)
    t = wrap(kind)
    if requires_grad:
        set_requires_grad(t, True)
    return t
