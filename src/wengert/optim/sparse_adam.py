"""SparseAdam: known by name; it needs sparse gradients."""

from __future__ import annotations

from typing import Any

from .optimizer import Optimizer

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for sparse gradients. Raises NotImplementedError: there are no sparse tensors here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("torch.optim.SparseAdam: sparse gradients are not supported; please use Adam instead")
