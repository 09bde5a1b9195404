"""Distances and similarities."""

from __future__ import annotations

from typing import Any

from ...core.promotion import promote_types
from .base import T


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of `x1 - x2 + eps` over the last dim of the longer shape."""
    dim = max(x1.dim(), x2.dim()) - 1
    return T.norm(x1 - x2 + eps, p, dim, keepdim)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """`x1 . x2 / (|x1| |x2|)` along `dim`, each length bounded below by `eps`."""
    if not (x1.is_floating_point() or x1.is_complex()) or not (x2.is_floating_point() or x2.is_complex()):
        common = promote_types(x1.dtype, x2.dtype).scalar_name
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {common}")
    x1, x2 = T.broadcast_tensors(x1, x2)
    n1 = T.norm(x1, 2, dim, True)
    n2 = T.norm(x2, 2, dim, True)
    # The bound is applied to the value alone: the gradient is that of the plain length.
    n1 = n1 + (n1.detach().clamp_min(eps) - n1.detach())
    n2 = n2 + (n2.detach().clamp_min(eps) - n2.detach())
    return (x1 / n1 * (x2 / n2)).sum(dim)


def pdist(input: Any, p: float = 2.0) -> Any:
    """The p-norm distances between all pairs of rows of (N, M): N * (N - 1) / 2 of them."""
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    if not input.is_floating_point():
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    n = input.shape[0]
    i, j = T.triu_indices(n, n, 1)
    difference = input[i] - input[j]
    return T.norm(difference, p, 1)
