"""torch.functional: functions that stand in `torch` too, under the name of the module where PyTorch writes them."""

from __future__ import annotations

from .core.missing import missing
from .ops import FUNCTIONS

_NAMES = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors", "cartesian_prod",
    "cdist", "chain_matmul", "einsum", "istft", "lu", "meshgrid", "norm", "split", "stft", "tensordot", "unique",
    "unique_consecutive",
]  # fmt: skip

globals().update({name: FUNCTIONS[name] for name in _NAMES if name in FUNCTIONS})

__all__ = [*_NAMES]  # noqa: PLE0604

__getattr__ = missing(__name__)
