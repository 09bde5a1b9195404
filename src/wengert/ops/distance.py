"""Distances and angles between vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dispatch import check_broadcast, dispatch
from ..core.primitive import ops
from ..core.samples import Case, T, samples
from ..core.takes import FLOATS, Takes
from ..core.tensor import Tensor, wrap
from .fused import fused
from .install import FUNCTIONS, public
from .norm import _vector_norm, vector_norm

# ---------------------------------------------------------------- all pairs


def _sign(d: Any) -> Any:
    """The signs of the differences, as constants; nan's is nan."""
    fixed = d.detach()
    return ops.where(ops.isnan(fixed), fixed, ops.sgn(fixed))


def _norm(d: Any, p: float, nan_wins: bool = False) -> Any:
    """The p-norms of the last dimension; their slope is 0 where a difference is. nan may be the largest, or none."""
    dim = (d.ndim - 1,)
    if p == 2:
        square = ops.sum(d * d, dim=dim, keepdim=False)
        zero = square == 0
        return ops.where(zero, ops.zeros_like(square), ops.sqrt(ops.where(zero, ops.ones_like(square), square)))
    if p == 0:
        return ops.sum((d != 0).to(d.dtype), dim=dim, keepdim=False)
    if p == 1:
        return ops.sum(d * _sign(d), dim=dim, keepdim=False)
    size = abs(d)
    if p == math.inf and nan_wins:
        return FUNCTIONS["amax"](size, d.ndim - 1)
    if p == math.inf:  # each of the largest counts in full
        fixed = size.detach()
        missing = ops.isnan(fixed)
        top = FUNCTIONS["amax"](ops.where(missing, ops.zeros_like(fixed), fixed), d.ndim - 1, keepdim=True)
        chosen = ops.where(missing, fixed, ops.to_dtype(fixed == top, fixed.dtype))
        chosen = ops.where(ops.isinf(fixed), fixed - fixed, chosen)
        return ops.sum(d * (_sign(d) * chosen), dim=dim, keepdim=False)
    zero = size == 0
    power = ops.where(zero, ops.zeros_like(size), ops.where(zero, ops.ones_like(size), size) ** p)
    total = ops.sum(power, dim=dim, keepdim=False)
    none = total == 0
    return ops.where(none, ops.zeros_like(total), ops.where(none, ops.ones_like(total), total) ** (1 / p))


def _norm_of(d: Any, p: float, nan_wins: bool = False) -> Any:
    """The p-norms of the last dimension of an array."""
    if p == 2:
        return np.sqrt(np.einsum("...i,...i->...", d, d))
    if p == 0:
        return np.count_nonzero(d, axis=-1).astype(d.dtype)
    size = np.abs(d)
    if p == 1:
        return size.sum(-1)
    if p == math.inf:
        return (np.maximum if nan_wins else np.fmax).reduce(size, -1, initial=0)
    return ((size**p).sum(-1) ** (1 / p)).astype(d.dtype)


def _cdist_body(x1: Any, x2: Any, *, p: float) -> Any:
    return _norm(ops.unsqueeze(x1, dim=x1.ndim - 1) - ops.unsqueeze(x2, dim=x2.ndim - 2), p)


def _cdist_kernel(x1: Any, x2: Any, *, p: float) -> Any:
    rows = x1.shape[-2]
    batch = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    out = np.empty((*batch, rows, x2.shape[-2]), x1.dtype)
    step = max(1, (1 << 22) // max(1, x2.shape[-2] * x2.shape[-1] * max(math.prod(batch), 1)))
    for i in range(0, rows, step):
        out[..., i : i + step, :] = _norm_of(x1[..., i : i + step, None, :] - x2[..., None, :, :], p)
    return out


_cdist = fused("cdist", _cdist_body, inputs=("x1", "x2"), params=("p",), kernel=_cdist_kernel, promote="keep")


_cdist_takes, _pdist_takes = Takes("cdist", FLOATS), Takes("pdist", FLOATS)


def _by_products(x1: Tensor, x2: Tensor, p: float, compute_mode: str) -> bool:
    """Whether PyTorch computes these distances by a matrix product, which takes more dtypes."""
    if p != 2 or compute_mode.startswith("donot"):
        return False
    return compute_mode == "use_mm_for_euclid_dist" or x1.shape[-2] > 25 or x2.shape[-2] > 25


@public(method=False)
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The p-norm distances between all rows of x1 (*, n, d) and of x2 (*, m, d): (*, n, m)."""
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    for name, x in (("X1", x1), ("X2", x2)):
        if not x.dtype.is_floating_point:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype.scalar_name}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if not _by_products(x1, x2, p, compute_mode) and 0 not in (*x1.shape, *x2.shape):
        _cdist_takes(x1)
        if x2.dtype is not x1.dtype:
            raise RuntimeError(f"expected scalar type {x1.dtype.scalar_name} but found {x2.dtype.scalar_name}")
    return _cdist(x1, x2, p=float(p))  # type: ignore[no-any-return]


ops.cdist = _cdist


def _pairs(n: int) -> tuple[Any, Any]:
    return np.triu_indices(n, 1)


def _rows(x: Any, numbers: Any) -> Any:
    return ops.embedding(x, wrap(numbers), padding_idx=-1, scale_grad_by_freq=False, sparse=False)


def _pdist_body(x: Any, *, p: float) -> Any:
    i, j = _pairs(x.shape[0])
    return _norm(_rows(x, i) - _rows(x, j), p, True)


def _pdist_kernel(x: Any, *, p: float) -> Any:
    i, j = _pairs(x.shape[0])
    return _norm_of(x[i] - x[j], p, True)


_pdist = fused("pdist", _pdist_body, inputs=("x",), params=("p",), kernel=_pdist_kernel)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances between all pairs of different rows: (n, d) -> (n (n - 1) / 2,)."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not input.dtype.is_floating_point:
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if input.shape[0] > 1 and input.shape[1]:
        _pdist_takes(input)
    return _pdist(input, p=float(p))  # type: ignore[no-any-return]


# ---------------------------------------------------------------- row by row


_old_norm = _vector_norm.renamed("NormBackward1")


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norms of x1 - x2 + eps along the last dimension, broadcast."""
    d = x1 - x2 + eps  # type: ignore[operator]
    if d.ndim == 0 or d.dtype.category < 2:
        return vector_norm(d, p, -1, keepdim)
    params = {"ord": float(p), "dim": (d.ndim - 1,), "keepdim": keepdim}
    return dispatch(_vector_norm, (d,), params, _old_norm)  # type: ignore[no-any-return]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosines of the angles between x1 and x2 along dim, broadcast; norms count as at least eps."""
    from ..core.modes import no_grad
    from .select import common_dtype

    kind = common_dtype(x1, x2)
    if not kind.is_floating_point:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {kind.scalar_name}")
    a, b = (x if x.dtype is kind else x.to(kind) for x in (x1, x2))  # type: ignore[attr-defined]
    check_broadcast([tuple(a.shape), tuple(b.shape)])
    if x1.ndim != x2.ndim:  # `dim` counts the dimensions of what both broadcast to
        a, b = FUNCTIONS["broadcast_tensors"](a, b)
    norm = vector_norm
    parts = []
    for x in (a, b):
        size = norm(x, 2, dim, keepdim=True).clone()
        with no_grad():  # the slope is that of the norm itself, also below eps
            size.clamp_(min=eps)
        parts.append(x / size)
    return FUNCTIONS["sum"](parts[0] * parts[1], dim)  # type: ignore[no-any-return]


for _fn in (pdist, pairwise_distance, cosine_similarity):
    public(_fn, name=_fn.__name__, method=False)
    public(_fn, name=f"nn.functional.{_fn.__name__}", method=False)
ops.pdist = _pdist

samples(
    "cdist",
    Case(T(3, 4), T(5, 4)),
    Case(T(2, 3, 4), T(1, 2, 4), p=1.0),
    Case(T(3, 2), T(4, 2), p=3.0),
    Case(T(3, 4), T(2, 4), p=math.inf),
    Case(T(3, 4), T(2, 4), p=1.5),
    complex=False,
)
samples(
    "nn.functional.pdist",
    Case(T(4, 3)),
    Case(T(4, 3), p=1.0),
    Case(T(4, 3), p=3.0),
    Case(T(4, 3), p=math.inf),
    complex=False,
)
samples(
    "nn.functional.pairwise_distance", Case(T(3, 4), T(3, 4)), Case(T(3, 4), T(4), p=1.0, keepdim=True), complex=False
)
samples("nn.functional.cosine_similarity", Case(T(3, 4), T(3, 4)), Case(T(2, 3, 4), T(3, 4), dim=-1), complex=False)
