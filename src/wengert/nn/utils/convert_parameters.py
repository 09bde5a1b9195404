"""Parameters as one vector, and back."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from collections.abc import Iterable
from typing import Any

from ...core.tensor import Tensor
from .._functional.base import T

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _one_device(param: Any, device: Any) -> Any:
    if device is not None and param.device != device:
        raise TypeError("Found two parameters on different devices, this is currently not supported.")
    return param.device


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """All parameters flattened and joined, in the graph."""
    device = None
    parts = []
    for param in parameters:
        device = _one_device(param, device)
        parts.append(param.view(-1))
    return T.cat(parts)


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Make each parameter a view of its stretch of `vec`."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    device = None
    start = 0
    for param in parameters:
        device = _one_device(param, device)
        end = start + param.numel()
        param.data = vec[start:end].view_as(param).data  # type: ignore[index]
        start = end
