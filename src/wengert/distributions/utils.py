"""Small helpers of the distributions: broadcasting of parameters, probabilities and logits, triangles as vectors."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import math
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

import numpy as np

from .. import arange, broadcast_tensors, empty, enable_grad, finfo, get_default_dtype, tensor
from ..core.missing import torch_name
from ..core.tensor import Tensor
from ..nn import functional as F

__all__ = [
    "broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]  # fmt: skip

euler_constant = float(np.euler_gamma)
Number = (int, float, bool)
S = TypeVar("S")
R = TypeVar("R")


def class_name(cls: type) -> str:
    """How PyTorch shows a class: `<class 'torch.distributions.normal.Normal'>`."""
    return f"<class '{torch_name(cls.__module__)}.{cls.__qualname__}'>"


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors of one shape. Numbers take the dtype and device of the first tensor; with none, the default dtype.

    Errors: ValueError for anything that is neither a number nor a tensor.
    """
    if not all(isinstance(v, (Tensor, *Number)) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    options: dict[str, Any] = {"dtype": get_default_dtype()}
    for v in values:
        if isinstance(v, Tensor):
            options = {"dtype": v.dtype, "device": v.device}
            break
    return tuple(broadcast_tensors(*(v if isinstance(v, Tensor) else tensor(v, **options) for v in values)))


def _standard_normal(shape: Any, dtype: Any, device: Any) -> Tensor:
    """Standard normal numbers that take no part in differentiation."""
    return empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last `dim` dimensions, taken as one."""
    return value if dim == 0 else value.reshape(value.shape[:-dim] + (-1,)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of log-odds (`is_binary`), or of unnormalised log-probabilities along the last dimension."""
    return logits.sigmoid() if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """`probs` kept off 0 and 1 by one rounding step of its dtype."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The inverse of `logits_to_probs`; probabilities of 0 and 1 give large finite numbers."""
    clamped = clamp_probs(probs)
    logs = clamped.log()
    return logs - (-clamped).log1p() if is_binary else logs


class lazy_property(Generic[S, R]):
    """An attribute that is computed when it is first read (with gradients on) and then kept on the instance."""

    def __init__(self, wrapped: Callable[[S], R]) -> None:
        self.wrapped = wrapped
        self.__name__ = wrapped.__name__
        self.__doc__ = wrapped.__doc__

    @overload
    def __get__(self, instance: None, obj_type: Any = None) -> _lazy_property_and_property: ...

    @overload
    def __get__(self, instance: S, obj_type: Any = None) -> R: ...

    def __get__(self, instance: Any, obj_type: Any = None) -> Any:
        if instance is None:
            return _lazy_property_and_property(self.wrapped)
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _lazy_property_and_property(lazy_property[Any, Any], property):
    """What a lazy property is when it is read from the class: documentation tools take it for a property."""

    def __init__(self, wrapped: Callable[..., Any]) -> None:
        property.__init__(self, wrapped)


def _triangle(n: int, diag: int, device: Any) -> Tensor:
    """A mask of (n, n): the part of a matrix on and below diagonal `diag`."""
    index = arange(n, device=device)
    return index < index.view(-1, 1) + (diag + 1)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """(..., n, n) to (..., d): the entries on and below diagonal `diag`, row by row.

    Errors: ValueError for a diagonal outside of the matrix.
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _triangle(n, diag, mat.device)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """(..., d) to (..., n, n): a matrix with these entries, row by row, on and below diagonal `diag`; zeros above.

    Errors: ValueError where no n has that many entries.
    """
    count = vec.shape[-1]
    # the number of entries is quadratic in n, with another constant on either side of the main diagonal
    square = (1 + 2 * diag) ** 2 + 8 * count + 4 * abs(diag) * (diag + 1)
    root = math.isqrt(max(square, 0))
    n, odd = divmod(root - (1 + 2 * diag), 2)
    if root * root != square or odd:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as the lower triangular part of a square "
            "D x D matrix."
        )
    mat = vec.new_zeros(vec.shape[:-1] + (n, n))
    mat[..., _triangle(n, diag, vec.device)] = vec
    return mat
