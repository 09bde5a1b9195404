"""What is read off the singular values: pseudo-inverse, least squares, rank, condition number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front
from ..core.dispatch import check_broadcast
from ..core.dtypes import int64
from ..core.primitive import Primitive, general, ops
from ..core.return_types import return_type
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import linalg as kernels
from .install import FUNCTIONS, public
from .linalg_common import (
    batch_matrices,
    check_matrix,
    check_square,
    check_tensor,
    fitted,
    mH,
    plus,
    torch_names,
    written,
)  # fmt: skip
from .linalg_spectral import eigvalsh, svdvals

# ---------------------------------------------------------------- pseudo-inverse


def _pinv_gradient(xp: Any, g: Any, p: Any, a: Any) -> Any:
    """The gradient of A from that of its pseudo-inverse P, for a constant rank (Golub and Pereyra)."""
    ph, gh = mH(xp, p), mH(xp, g)
    m, n = a.shape[-2:]
    if m <= n:
        k = xp.matmul(gh, p)
        kph = xp.matmul(k, ph)
        ga = -xp.matmul(mH(xp, k), ph) + kph - xp.matmul(xp.matmul(a, p), kph)
        phk = xp.matmul(ph, p)
        return ga + xp.matmul(phk, gh - xp.matmul(k, a))
    k = xp.matmul(p, gh)
    phk = xp.matmul(ph, k)
    ga = -xp.matmul(ph, mH(xp, k)) + phk - xp.matmul(xp.matmul(phk, p), a)
    gh_rest = gh - xp.matmul(a, k)
    return ga + xp.matmul(gh_rest, xp.matmul(p, ph))


def _pinv_tangent(xp: Any, t: Any, p: Any, a: Any) -> Any:
    ph, th = mH(xp, p), mH(xp, t)
    first = xp.matmul(p, xp.matmul(ph, th))
    second = xp.matmul(th, xp.matmul(ph, p))
    return (
        -xp.matmul(p, xp.matmul(t, p))
        + first - xp.matmul(xp.matmul(first, a), p)
        + second - xp.matmul(p, xp.matmul(a, second))
    )  # fmt: skip


def _pinv_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    n = vals[0].ndim - (dims[0] is not None)
    moved = []
    for v, d, less in zip(vals, dims, (0, 2, 2), strict=True):
        if d is not None:
            v = front(v, d)
            missing = n - less + 1 - v.ndim
            v = v if missing <= 0 else ops.reshape(v, (v.shape[0], *(1,) * missing, *v.shape[1:]))
        moved.append(v)
    if dims[0] is None:  # only a tolerance is mapped
        moved[0] = ops.unsqueeze(moved[0], dim=0)
    return prim(*moved, **params), 0


_pinv = general(
    "linalg_pinv", inputs=("x", "atol", "rtol"), params=("hermitian",), kernel=kernels.pinv,
    vjp=dict(x=lambda xp, g, x, out: _pinv_gradient(xp, g, out, x)),
    jvp=dict(x=lambda xp, t, x, out: _pinv_tangent(xp, t, out, x)), batch=_pinv_batch,
)  # fmt: skip


def _tolerances(A: Tensor, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """(atol, rtol): rtol is eps * max(m, n) unless one of them is given."""
    default = float(np.finfo(A.dtype.np).eps) * max(A.shape[-2:])
    if rtol is None:
        if isinstance(atol, Tensor):
            rtol = ops.where(atol > 0, 0.0, default)
        else:
            rtol = default if atol is None or atol <= 0 else 0.0
    return 0.0 if atol is None else atol, rtol


@public(name="linalg.pinv", method=False)
def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None, out: Any = None
) -> Tensor:
    """The Moore-Penrose inverse of A (..., m, n). Differentiable where the rank is constant.

    Singular values up to max(atol, rtol * largest) count as 0; rtol is eps * max(m, n) unless a tolerance is given."""
    check_tensor(A, "linalg_pinv", "input")
    if A.ndim < 2 or A.dtype.category < 2 or A.dtype.itemsize < 4:
        raise RuntimeError(
            f"linalg.pinv({A.dtype.scalar_name}{{{list(A.shape)}}}): expected a tensor with 2 or more dimensions of "
            "float, "
            "double, cfloat or cdouble types"
        )
    if rcond is not None:
        rtol = rcond
        atol = 0.0 if atol is None else atol
    if hermitian:
        check_square(A, "linalg.eigh")
    low, relative = _tolerances(A, atol, rtol)
    return written(_pinv(A, low, relative, hermitian=bool(hermitian)), out, "linalg_pinv")


@public
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with rtol = rcond."""
    return pinv(input, rcond)


# ---------------------------------------------------------------- least squares


def _lstsq_vjp(
    xp: Any, gs: Any, needs: Any, x: Any, y: Any, out0: Any, x_shape: Any, y_shape: Any, vector: bool
) -> Any:
    """X = pinv(A) B; the residuals are |A X - B|^2, in which dX plays no part: A^H (A X - B) = 0."""
    gx, gr = gs[0], gs[1]
    ga = gb = None
    if vector:
        out0 = out0[..., None]
        gx = None if gx is None else gx[..., None]
    if gx is not None:
        p = xp.linalg_pinv(x, 0.0, _relative(x_shape, out0), hermitian=False)
        gb = xp.matmul(mH(xp, p), gx)
        if needs[0]:
            ga = fitted(xp, _pinv_gradient(xp, xp.matmul(gx, mH(xp, y)), p, x), x_shape)
    if gr is not None and tuple(gr.shape) != (0,):  # else the driver gave no residuals
        gap = 2 * (xp.matmul(x, out0) - y) * gr[..., None, :]
        gb = plus(gb, -gap)
        if needs[0]:
            ga = plus(ga, fitted(xp, xp.matmul(gap, mH(xp, out0)), x_shape))
    return ga, fitted(xp, gb, y_shape) if needs[1] and gb is not None else None


def _relative(shape: Any, like: Any) -> float:
    kind = getattr(like.dtype, "np", like.dtype)
    return float(np.finfo(kind).eps) * max(shape[-2:])


def _lstsq_jvp(xp: Any, ts: Any, x: Any, y: Any, out0: Any, out1: Any, x_shape: Any, vector: bool) -> Any:
    ta, tb = ts
    if vector:
        out0 = out0[..., None]
    p = xp.linalg_pinv(x, 0.0, _relative(x_shape, out0), hermitian=False)
    dx = None if tb is None else xp.matmul(p, tb)
    step = None if tb is None else -tb
    if ta is not None:
        dx = plus(dx, xp.matmul(_pinv_tangent(xp, ta, p, x), y))
        step = plus(step, xp.matmul(ta, out0))
    if tuple(out1.shape) == (0,):
        return dx[..., 0] if vector else dx, None, None, None
    gap = xp.matmul(x, out0) - y
    dr = 2 * xp.sum(xp.real(xp.conj(gap) * step), dim=(gap.ndim - 2,), keepdim=False)
    return dx[..., 0] if vector else dx, dr, None, None


def _lstsq_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    outs, _ = batch_matrices(prim, vals, dims, params)
    return outs, tuple(None if o.ndim == 1 and o.shape[0] == 0 else 0 for o in outs)


_lstsq = general(
    "linalg_lstsq", inputs=("x", "y"), params=("rcond", "driver", "vector"), n_outputs=4, nondifferentiable_outputs=(2, 3),
    kernel=kernels.lstsq, vjp=_lstsq_vjp, jvp=_lstsq_jvp, batch=_lstsq_batch,
)  # fmt: skip
_Lstsq = return_type("linalg_lstsq", "solution", "residuals", "rank", "singular_values")


@public(name="linalg.lstsq", method=False)
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None, out: Any = None) -> Any:
    """(solution, residuals, rank, singular_values) of min |A X - B|; A (..., m, n), B (..., m, k) or (..., m).

    `driver`: gelsy (default), gels, gelsd or gelss. Solution and residuals are differentiable."""
    name = "torch.linalg.lstsq"
    check_matrix(A, name, "input")
    check_tensor(B, "linalg_lstsq", "b", 2)
    if B.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if A.dtype is not B.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype {A.dtype.scalar_name} and "
            f"other's dtype {B.dtype.scalar_name}"
        )
    gap = A.ndim - B.ndim
    if gap < 0:
        raise RuntimeError(f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1")
    if gap > 1:
        raise RuntimeError(f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1")
    vector = B.ndim == 1 or (gap == 1 and tuple(A.shape[:-1]) == tuple(B.shape))
    right = B.unsqueeze(-1) if vector else B  # type: ignore[attr-defined]
    if A.shape[-2] != right.shape[-2]:
        which = "other.size(-1)" if vector else "other.size(-2)"
        raise RuntimeError(f"{name}: input.size(-2) should match {which}")
    check_broadcast([tuple(A.shape[:-2]), tuple(right.shape[:-2])])
    if driver is None:
        driver = "gelsy"
    elif driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    if A.dtype.category < 2 or A.dtype.itemsize < 4:
        raise RuntimeError("This function doesn't handle types other than float and double")
    limit = float(np.finfo(A.dtype.np).eps) * max(A.shape[-2:]) if rcond is None else float(rcond)
    found = _lstsq(A, right, rcond=limit, driver=driver, vector=vector)
    return written(_Lstsq(tuple(found)), out, "linalg_lstsq")


# ---------------------------------------------------------------- rank and condition


@public(name="linalg.matrix_rank", method=False)
def matrix_rank(
    A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None, out: Any = None
) -> Tensor:
    """How many singular values exceed max(atol, rtol * largest), int64. Not differentiable."""
    check_matrix(A, "torch.linalg.matrix_rank", "input")
    for given, which in ((tol, "tol"), (atol, "atol"), (rtol, "rtol")):
        if isinstance(given, Tensor) and given.dtype.is_complex:
            raise RuntimeError(
                f"torch.linalg.matrix_rank: {which} tensor of complex type is not supported. Got {given.dtype.scalar_name}"
            )
    if A.dtype.category < 2 or A.dtype.itemsize < 4:
        raise RuntimeError("This function doesn't handle types other than float and double")
    if tol is not None:
        low, relative = tol, 0.0
    else:
        low, relative = _tolerances(A, atol, rtol)
    A = A.detach()  # type: ignore[attr-defined]
    if A.numel() == 0:  # type: ignore[attr-defined]
        y = ops.zeros(tuple(A.shape[:-2]), dtype=int64)
    else:
        s = ops.abs(eigvalsh(A)) if hermitian else svdvals(A)
        relative = relative[..., None] if isinstance(relative, Tensor) else relative
        low = low[..., None] if isinstance(low, Tensor) else ops.tensor(float(low), dtype=s.dtype)
        cut = ops.maximum(low, relative * ops.amax(s, dim=-1, keepdim=True))
        y = ops.sum(s > cut, dim=(-1,), keepdim=False)
    return written(y, out, "linalg_matrix_rank")


@public(name="linalg.cond", method=False)
def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number in the norm `p`: None, 2, -2 (by singular values), 1, -1, inf, -inf, "fro", "nuc"."""
    check_tensor(A, "linalg_cond", "input")
    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if not isinstance(p, str) and (p is None or abs(p) == 2):
        s = svdvals(A)
        if s.shape[-1] == 0:
            return written(ops.zeros(tuple(s.shape[:-1]), dtype=s.dtype), out, "linalg_cond")
        first, last = s[..., :1], s[..., -1:]
        y = last / first if p == -2 else first / last
        return written(y.squeeze(-1), out, "linalg_cond")
    if p not in ("fro", "nuc", 1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if isinstance(p, str) and p == "nuc" or not isinstance(p, str) or p == "fro":
        check_square(A, f"linalg.cond(ord={p})")
    if A.numel() == 0:  # type: ignore[attr-defined]
        return written(ops.zeros(tuple(A.shape[:-2]), dtype=A.dtype.to_real()), out, "linalg_cond")
    if p == "nuc":
        s = svdvals(A)
        y = ops.sum(s, dim=(s.ndim - 1,), keepdim=False) * ops.sum(ops.reciprocal(s), dim=(s.ndim - 1,), keepdim=False)
        return written(y, out, "linalg_cond")
    inverse, info = FUNCTIONS["linalg.inv_ex"](A)
    singular = ops.ne(info, 0)
    inverse = ops.where(singular[..., None, None], 0, inverse)
    y = ops.linalg.matrix_norm(A, p) * ops.linalg.matrix_norm(inverse, p)
    y = FUNCTIONS["nan_to_num"](ops.where(singular, math.inf, y), math.inf, math.inf, math.inf)
    return written(y, out, "linalg_cond")


samples("linalg.pinv", Case(T(3, 3)), Case(T(4, 2)), Case(T(2, 4)), Case(T(2, 3, 2)), Case(T(3, 2), rtol=1e-6))
samples("pinverse", Case(T(3, 2)), Case(T(2, 2, 3)))
samples(
    "linalg.lstsq", Case(T(4, 2), T(4, 3)), Case(T(3, 3), T(3)), Case(T(2, 4, 2), T(2, 4, 1), driver="gelsd"),
    Case(T(4, 3), T(4, 2), driver="gels"), Case(T(2, 4), T(2, 1), driver="gelss"),
)  # fmt: skip
samples("linalg.matrix_rank", Case(T(3, 3)), Case(T(2, 3, 2)), Case(T(3, 3), atol=0.5), differentiable=False)
samples("linalg.cond", Case(T(3, 3)), Case(T(4, 2)), Case(T(3, 3), 1), Case(T(2, 3, 3), "fro"), Case(T(3, 3), -2),
        Case(T(3, 3), "nuc"), Case(T(3, 3), float("inf")))  # fmt: skip

torch_names("linalg", __name__)
