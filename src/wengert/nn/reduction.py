"""`torch.nn._reduction`: the names of `reduction=` and the older `size_average=`, `reduce=` that it replaced."""

from __future__ import annotations

from ..ops.losses import reduction_of

_NAMES = ("none", "mean", "sum")


def get_enum(reduction: str) -> int:
    """0, 1, 2 for 'none', 'mean', 'sum'. Errors: ValueError for anything else."""
    return reduction_of(reduction)


def legacy_get_string(size_average: bool | None, reduce: bool | None) -> str:
    """The `reduction` that the old arguments mean, with PyTorch's warning."""
    return _NAMES[reduction_of("mean", size_average, reduce)]
