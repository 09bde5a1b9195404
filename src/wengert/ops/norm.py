"""The vector norm, and what `torch.norm` makes of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import padded
from ..core.dispatch import check_broadcast
from ..core.inplace import write_out
from ..core.primitive import general, ops, reduction
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels.pointwise import row_major
from .compare import tensor_operand
from .elementwise import _refuse_bool as refuse_bool
from .install import public
from .lines import single
from .reduce import cast_input, reduce_dims

INF = math.inf


def _norm_kernel(x: Any, *, ord: Any, dim: Any, keepdim: bool) -> Any:
    if ord == 2 and x.dtype.kind == "f":
        if dim is None and x.flags.forc:
            flat = x.ravel(order="K")
            y = np.sqrt(np.dot(flat, flat))
            return y.reshape((1,) * x.ndim) if keepdim else y
        return row_major(np.sqrt(np.add.reduce(x * x, dim, None, None, keepdim)))
    r = np.abs(x)
    if ord == 2:
        return np.sqrt(np.add.reduce(x.real * x.real + x.imag * x.imag, axis=dim, keepdims=keepdim))
    if ord == INF:
        return np.maximum.reduce(r, axis=dim, keepdims=keepdim, initial=0)
    if ord == -INF:
        return np.minimum.reduce(r, axis=dim, keepdims=keepdim)
    if ord == 0:
        return np.add.reduce((r != 0).astype(r.dtype), axis=dim, keepdims=keepdim)
    if ord == 1:
        return np.add.reduce(r, axis=dim, keepdims=keepdim)
    p = r.dtype.type(ord)
    return np.power(np.add.reduce(np.power(r, p), axis=dim, keepdims=keepdim), r.dtype.type(1 / ord))


def _norm_slope(xp: Any, g: Any, x: Any, out: Any, ord: Any, dim: Any, keepdim: bool) -> Any:
    """g * d(norm)/dx, with the reduced dimensions restored. At 0 the gradient of every norm is 0."""
    shape = tuple(x.shape)
    norm = xp.restore_dims(out, shape=shape, dim=dim, keepdim=keepdim)
    g = xp.restore_dims(g, shape=shape, dim=dim, keepdim=keepdim)
    if ord == 0:
        return xp.zeros_like(x)
    if ord == 1:
        return g * xp.sgn(x)
    if ord == 2:
        return x * xp.where(norm == 0, 0, g / norm)
    if ord == INF or ord == -INF:
        mask = xp.abs(x) == norm
        n = xp.to_dtype(xp.sum(mask, dim=dim, keepdim=True), g.dtype)
        return xp.sgn(x) * xp.where(mask, g / n, 0)
    size = xp.abs(x)
    if ord < 1:  # steep at 0: a zero element gets 0
        power = xp.where(size == 0, 0, xp.pow_scalar(xp.where(size == 0, 1, size), exponent=ord - 1))
        return xp.sgn(x) * power * g * xp.pow_scalar(norm, exponent=1 - ord)
    scale = xp.where(norm == 0, 0, g / xp.pow_scalar(norm, exponent=ord - 1))
    if ord < 2:
        return xp.sgn(x) * xp.pow_scalar(size, exponent=ord - 1) * scale
    return x * xp.pow_scalar(size, exponent=ord - 2) * scale


def _norm_jvp(xp: Any, t: Any, x: Any, out: Any, ord: Any, dim: Any, keepdim: bool) -> Any:
    slope = _norm_slope(xp, xp.ones_like(out), x, out, ord, dim, keepdim)
    return xp.sum(xp.real(t * xp.conj(slope)), dim=dim, keepdim=keepdim)


_vector_norm = reduction(
    "linalg_vector_norm", params=("ord", "dim", "keepdim"), kernel=_norm_kernel, promote=None,
    vjp=dict(x=_norm_slope), jvp=dict(x=_norm_jvp),
)  # fmt: skip


_norm_line = single(_vector_norm)


def vector_norm(
    x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The `ord`-norm of the elements of `x`, or of those along `dim`. Differentiable; the gradient at 0 is 0."""
    x = cast_input(x, None, "linalg_vector_norm")
    if dtype is not None:
        if dtype.category < 2:
            raise RuntimeError(
                "linalg.vector_norm: dtype should be floating point or complex. Got " + dtype.scalar_name
            )
        if x.dtype.is_complex and not dtype.is_complex:
            raise RuntimeError(
                f"linalg.vector_norm: dtype should be complex for complex inputs. Got {dtype.scalar_name}"
            )
        x = cast_input(x, dtype, "linalg_vector_norm")
    if x.dtype.category < 2:
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {x.dtype.scalar_name}"
        )
    dims = reduce_dims(dim, x.ndim)
    if (ord < 0 or ord == INF) and 0 in x.shape:
        where = range(x.ndim) if dims is None else dims
        if dims is None:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {ord:g} norm on an empty tensor because the operation does "
                "not have an identity"
            )
        for d in where:
            if x.shape[d] == 0:
                raise RuntimeError(
                    f"linalg.vector_norm cannot compute the {ord:g} norm on the dimension {d} because this dimension "
                    "is empty and the operation does not have an identity"
                )
    y: Tensor = _norm_line(x, {"ord": ord, "dim": dims, "keepdim": keepdim})
    return y if out is None else write_out(out, y, "linalg.vector_norm")


@public
def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:  # fmt: skip
    """The p-norm of all elements, or over `dim`: a number, inf, -inf, "fro", or "nuc" of matrices."""
    if p == "nuc" or (isinstance(p, str) and p not in ("fro", "nuc")):
        if isinstance(p, str) and p != "nuc":
            raise RuntimeError(f"only valid string values are 'fro' and 'nuc', found {p}")
        if dim is not None and not (isinstance(dim, (tuple, list)) and len(dim) == 2):
            raise RuntimeError("linalg.norm: If dim is specified, it must be of length 2 for the nuclear norm")
        y = ops.linalg.matrix_norm(input, "nuc", (-2, -1) if dim is None else tuple(dim), keepdim, dtype=dtype)
        return y if out is None else write_out(out, y, "norm")
    ord = 2.0 if p == "fro" or p is None else float(p)
    return vector_norm(input, ord, dim, keepdim, dtype=dtype, out=out)


def _dist_rule(xp: Any, g: Any, needs: Any, x: Any, y: Any, out: Any, p: float) -> Any:
    slope = _norm_slope(xp, g, x - y, out, p, None, False)
    return (
        xp.sum_to(slope, tuple(x.shape)) if needs[0] else None,
        xp.sum_to(-slope, tuple(y.shape)) if needs[1] else None,
    )


def _dist_jvp(xp: Any, ts: Any, x: Any, y: Any, out: Any, p: float) -> Any:
    t = -ts[1] if ts[0] is None else ts[0] if ts[1] is None else ts[0] - ts[1]
    slope = _norm_slope(xp, xp.ones_like(out), x - y, out, p, None, False)
    return xp.sum(xp.real(t * xp.conj(slope)), dim=None, keepdim=False)


def _dist_batch(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = max(v.ndim - (d is not None) for v, d in zip(vals, dims, strict=True))
    gap = ops.sub(*[padded(v, d, n) for v, d in zip(vals, dims, strict=True)])
    others = tuple(range(1, gap.ndim))
    if not others:
        gap, others = ops.unsqueeze(gap, dim=1), (1,)
    return _vector_norm(gap, ord=params["p"], dim=others, keepdim=False), 0


_dist = general(
    "dist", inputs=("x", "y"), params=("p",), vjp=_dist_rule, jvp=_dist_jvp, batch=_dist_batch, promote="keep",
    kernel=lambda x, y, p: _norm_kernel(x - y, ord=p, dim=None, keepdim=False),
)  # fmt: skip


@public
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    tensor_operand(input, "dist", 1, "input")
    refuse_bool(input, tensor_operand(other, "dist", 2))
    refuse_bool(other, input)
    if input.dtype.category < 2 and other.dtype.category < 2:
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {input.dtype.scalar_name} instead."
        )
    check_broadcast([tuple(input.shape), tuple(other.shape)])
    return _dist(input, other, p=float(p))  # type: ignore[no-any-return]


samples(
    "norm", Case(T(3, 4)), Case(T(3, 4), 1), Case(T(3, 4), 3.0, 1), Case(T(3, 4), float("inf"), 0, True),
    Case(T(2, 3, 4), 1.5, (0, 2)), Case(T(3), 0.5), Case(T(3, 4), -1.0, 1), Case(T(3, 4), "fro", (0, 1)), Case(T()),
    Case(T(3), -float("inf")), Case(T(3), 0),
)  # fmt: skip
samples("dist", Case(T(3), T(3)), Case(T(3, 4), T(4), 1), Case(T(3), T(3), 3))

__all__ = ["vector_norm"]
