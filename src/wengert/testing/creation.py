"""`make_tensor`: random tensors for tests, the same as PyTorch's for the same seed."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import math
from typing import Any

from ..core.dtypes import dtype, finfo, iinfo
from ..core.errors import warn
from ..core.primitive import ops
from ..core.tensor import Tensor
from ..ops.install import FUNCTIONS

__all__ = ["make_tensor"]


def make_tensor(
    *shape: Any, dtype: dtype, device: Any, low: float | None = None, high: float | None = None,
    requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor of random numbers from [low, high): by default [-9, 9) (uint8: [0, 9), bool: either).

    `exclude_zero` puts the smallest positive number (1, True) where zero fell; `noncontiguous` takes every second element.
    Raises ValueError for bounds that are nan or not in order, and for gradients of integers.
    """
    if len(shape) == 1 and not isinstance(shape[0], int):
        shape = tuple(shape[0])
    if noncontiguous and memory_format is not None:
        raise ValueError(
            f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got {noncontiguous=} and "
            f"{memory_format=}"
        )
    if requires_grad and not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}"
        )
    spaced = noncontiguous and math.prod(shape) > 1
    full = (*shape, 2) if spaced else shape
    x = _filled(full, dtype, device, low, high)
    if spaced:
        x = x[..., 1]
    elif memory_format is not None:
        x = x.clone(memory_format=memory_format)
    if exclude_zero:
        smallest = finfo(dtype).tiny if dtype.is_floating_point or dtype.is_complex else 1
        x[x == 0] = smallest
    return x.requires_grad_(True) if requires_grad else x


def _filled(shape: tuple[int, ...], kind: dtype, device: Any, low: Any, high: Any) -> Tensor:
    if kind.name == "bool":
        first, last = _bounds(low, high, 0, 2, 0, 2, "bool")
        return FUNCTIONS["randint"](math.ceil(first), math.ceil(last), shape, device=device, dtype=kind)
    if not kind.is_floating_point and not kind.is_complex:
        info = iinfo(kind)
        start = 0 if not kind.is_signed else -9
        first, last = _bounds(low, high, start, 10, info.min, info.max, "integral", below=kind.name != "int64")
        return FUNCTIONS["randint"](math.ceil(first), math.ceil(last), shape, device=device, dtype=kind)
    limits = finfo(kind)
    first, last = _bounds(low, high, -9, 9, limits.min, limits.max, "floating")
    x = FUNCTIONS["empty"](shape, device=device, dtype=kind)
    target = ops.view_as_real(x) if kind.is_complex else x
    target.uniform_(first, last)
    return x


def _bounds(
    low: Any, high: Any, low_default: float, high_default: float, lowest: float, highest: float, kind: str,
    below: bool = False,
) -> tuple[float, float]:  # fmt: skip
    """The bounds, checked and clamped to what the dtype holds."""
    if any(isinstance(v, float) and math.isnan(v) for v in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    first = low_default if low is None else low
    last = high_default if high is None else high
    if first == last and kind == "floating":
        warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 and "
            "will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
        )
    elif first >= last:
        raise ValueError(f"`low` must be less than `high`, but got {first} >= {last}")
    elif kind == "floating" and (first == math.inf or last == -math.inf):
        raise ValueError(f"`low` and `high` are outside of what the dtype holds: {first}, {last}")
    top = highest + 1 if below else highest
    return min(max(first, lowest), highest), max(min(last, top), lowest)
