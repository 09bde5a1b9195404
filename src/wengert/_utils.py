"""torch._utils, as programs import it: several tensors as one vector, and back."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from collections.abc import Sequence

from .core.missing import missing
from .core.tensor import Tensor
from .ops import FUNCTIONS

__all__ = ["_flatten_dense_tensors", "_unflatten_dense_tensors"]


def _flatten_dense_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """All elements in one vector; the tensors are of one dtype."""
    return FUNCTIONS["cat"]([t.contiguous().view(-1) for t in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Parts of `flat` in the shapes of `tensors`, as views."""
    outputs, start = [], 0
    for t in tensors:
        n = t.numel()
        outputs.append(flat.narrow(0, start, n).view_as(t))
        start += n
    return tuple(outputs)


__getattr__ = missing(__name__)
