"""Reductions and scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dispatch import dispatch
from ..core.inplace import write_out
from ..core.primitive import composite, ops, reduction
from ..core.tensor import Tensor
from .install import public


@composite
def restore(g: Tensor, *, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Tensor:
    """Spread the gradient of a reduction over `dim` back over `shape`."""
    if not keepdim and dim is not None and g.ndim != len(shape):
        n = len(shape)
        dims = {d % n for d in (dim if isinstance(dim, tuple) else (dim,))}
        g = ops.reshape(g, [1 if i in dims else m for i, m in enumerate(shape)])
    return ops.expand(g, size=tuple(shape))


def wrap_dim(dim: int, n: int) -> int:
    """A dimension as a non-negative number, or PyTorch's IndexError."""
    low = n if n else 1
    if not -low <= dim < low:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-low}, {low - 1}], but got {dim})"
        )
    return dim % low


def reduce_dims(dim: Any, n: int) -> tuple[int, ...] | None:
    """`dim` as given by the user (None, int, sequence) -> sorted tuple, or None for all."""
    if dim is None:
        return None
    if isinstance(dim, (tuple, list)):
        dims = tuple(wrap_dim(int(d), n) for d in dim)
        if not dims:
            return None
        for d in dims:
            if dims.count(d) > 1:
                raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
        return dims if n else None
    return (wrap_dim(int(dim), n),) if n else (wrap_dim(int(dim), 0),)[:0] or None


_sum = reduction(
    "sum",
    params=("dim", "keepdim"),
    promote=None,
    vjp=dict(x=lambda xp, g, x_shape, dim, keepdim: xp.restore(g, shape=x_shape, dim=dim, keepdim=keepdim)),
)
_sum_dim = _sum.renamed("SumBackward1")


def _mean_rule(xp: Any, g: Any, x_shape: Any, dim: Any, keepdim: bool) -> Any:
    n = 1
    for d in range(len(x_shape)) if dim is None else dim:
        n *= x_shape[d]
    return xp.restore(g / n if n else g * float("nan"), shape=x_shape, dim=dim, keepdim=keepdim)


_mean = reduction("mean", params=("dim", "keepdim"), promote=None, vjp=dict(x=_mean_rule))
_mean_dim = _mean.renamed("MeanBackward1")


@public
def sum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None,
    axis: Any = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Sum of all elements, or over `dim` (int or tuple). Bool and integers sum to int64. Differentiable."""
    if dtype is not None and input.dtype is not dtype:
        input = input.to(dtype)  # type: ignore[attr-defined]
    if axis is not None:
        dim = axis
    if keepdims is not None:
        keepdim = keepdims
    if dim is None and not keepdim:
        y = _sum(input, dim=None, keepdim=False)
    else:
        y = dispatch(_sum, (input,), {"dim": reduce_dims(dim, input.ndim), "keepdim": keepdim}, _sum_dim)
    return y if out is None else write_out(out, y, "sum")


@public
def mean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None,
    axis: Any = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Mean of all elements, or over `dim` (int or tuple). Floating and complex dtypes only. Differentiable."""
    if dtype is not None and input.dtype is not dtype:
        input = input.to(dtype)  # type: ignore[attr-defined]
    if axis is not None:
        dim = axis
    if keepdims is not None:
        keepdim = keepdims
    kind = input.dtype
    if kind.category < 2:
        names = {"Long": "Long", "Int": "Int", "Bool": "Bool"}
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
            + names.get(kind.scalar_name, kind.scalar_name)
        )
    if dim is None and not keepdim:
        y = _mean(input, dim=None, keepdim=False)
    else:
        y = dispatch(_mean, (input,), {"dim": reduce_dims(dim, input.ndim), "keepdim": keepdim}, _mean_dim)
    return y if out is None else write_out(out, y, "mean")


__all__ = ["np", "reduce_dims", "wrap_dim"]
