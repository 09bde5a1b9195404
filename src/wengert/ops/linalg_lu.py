"""Triangular systems, and LU with what is solved by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.deferred import deferred
from ..core.dispatch import dispatch
from ..core.primitive import Primitive, general, kernel_helper, linear, ops
from ..core.return_types import return_type
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import linalg as kernels
from .install import public
from .linalg_common import (
    batch_matrices,
    batch_with_vectors,
    check_fit,
    check_inexact,
    check_kernel,
    check_matrix,
    check_square,
    check_tensor,
    deprecated,
    failed,
    fitted,
    mH,
    plus,
    solve_lower,
    solve_upper,
    torch_names,
    written,
)  # fmt: skip

# ---------------------------------------------------------------- triangular systems


def _cut(xp: Any, x: Any, upper: bool, unitriangular: bool) -> Any:
    """The triangle that is read."""
    k = int(unitriangular)
    return xp.triu(x, diagonal=k) if upper else xp.tril(x, diagonal=-k)


def _triangular_vjp(xp: Any, g: Any, needs: Any, x: Any, out: Any, y_shape: Any, upper: bool, left: bool,
                    unitriangular: bool) -> Any:  # fmt: skip
    gb = xp.linalg_solve_triangular(mH(xp, x), g, upper=not upper, left=left, unitriangular=unitriangular)
    ga = None
    if needs[0]:
        product = xp.matmul(gb, mH(xp, out)) if left else xp.matmul(mH(xp, out), gb)
        ga = fitted(xp, -_cut(xp, product, upper, unitriangular), x.shape)
    return ga, fitted(xp, gb, y_shape) if needs[1] else None


def _triangular_jvp(xp: Any, ts: Any, x: Any, out: Any, upper: bool, left: bool, unitriangular: bool) -> Any:
    ta, right = ts
    if ta is not None:
        ta = _cut(xp, ta, upper, unitriangular)
        right = plus(right, -(xp.matmul(ta, out) if left else xp.matmul(out, ta)))
    return xp.linalg_solve_triangular(x, right, upper=upper, left=left, unitriangular=unitriangular)


_solve_triangular = general(
    "linalg_solve_triangular", inputs=("x", "y"), params=("upper", "left", "unitriangular"),
    kernel=kernels.solve_triangular, vjp=_triangular_vjp, jvp=_triangular_jvp, batch=batch_matrices,
    saved_names=dict(y="B"),
)  # fmt: skip
_old_node = _solve_triangular.renamed("TriangularSolveBackward0")


@public(name="linalg.solve_triangular", method=False)
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """X of A X = B (left) or X A = B for a triangular A (..., n, n); batch dimensions broadcast.

    Differentiable in both. The other triangle of A (and its diagonal, if `unitriangular`) is not read."""
    name = "linalg.solve_triangular"
    check_square(A, name)
    check_matrix(B, name, "B")
    check_fit(A, B, left, name)
    check_kernel(A, "triangular_solve_cpu")
    if A.dtype is not B.dtype:
        B = B.to(A.dtype)  # type: ignore[attr-defined]
    y = _solve_triangular(A, B, upper=bool(upper), left=bool(left), unitriangular=bool(unitriangular))
    return written(y, out, "linalg_solve_triangular")


_coefficient = linear(
    "triangular_coefficient", kernel=lambda x: kernels.columns(x.copy()), vjp=dict(x=lambda xp, g: g), batch=batch_matrices,
    node="TriangularSolveBackward0", half="native",
)
_Triangular = return_type("triangular_solve", "solution", "cloned_coefficient")


@public
def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """(X of A X = input, a copy of A); `transpose`: of A^T X = input. Deprecated: `linalg.solve_triangular`."""
    deprecated(
        "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangularand will be removed in a future "
        "PyTorch release.",
        "torch.linalg.solve_triangular(A, B, upper=...)",
    )
    for x, which in ((input, "b"), (A, "A")):
        check_tensor(x, "triangular_solve")
        if x.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {which} to have at least 2 dimensions, but it has {x.ndim} "
                "dimensions "
                "instead"
            )
    m, n = A.shape[-2:]
    if m != n:
        raise RuntimeError(f"A must be batches of square matrices, but they are {m} by {n} matrices")
    if input.dtype is not A.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {input.dtype.scalar_name} and A of type "
            f"{A.dtype.scalar_name} instead."
        )
    if input.shape[-2] != A.shape[-1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for triangular_solve: each A matrix is {A.shape[-1]} by {A.shape[-1]} but each "
            "b "
            f"matrix is {input.shape[-2]} by {input.shape[-1]}"
        )
    check_kernel(A, "triangular_solve_cpu")
    coefficient = A.mT if transpose else A  # type: ignore[attr-defined]
    params = {"upper": upper != transpose, "left": True, "unitriangular": unitriangular}
    y = dispatch(_solve_triangular, (coefficient, input), params, _old_node)
    batch = np.broadcast_shapes(tuple(A.shape[:-2]), tuple(input.shape[:-2]))
    copy = _coefficient(A.expand(*batch, *A.shape[-2:]))  # type: ignore[attr-defined]
    return written(_Triangular((y, copy)), out, "triangular_solve")


# ---------------------------------------------------------------- LU


@kernel_helper
def lu_permutation(pivots: Any, *, rows: int, dtype: Any) -> Any:
    return kernels.lu_permutation(pivots, rows=rows, dtype=dtype)


_lu_permutation = general(
    "lu_permutation",
    inputs=("x",),
    params=("rows", "dtype"),
    kernel=kernels.lu_permutation,
    batch=batch_with_vectors(0),
)


def _permuted(xp: Any, pivots: Any, x: Any, rows: int, dtype: Any) -> Any:
    """P^T x"""
    return xp.matmul(mH(xp, xp.lu_permutation(pivots, rows=rows, dtype=dtype)), x)


def _lu_vjp(xp: Any, gl: Any, gu: Any, l: Any, u: Any) -> Any:
    """The gradient of P^T A from those of L and U, which may be rectangular."""
    xp.not_half(l, "triangular_solve_cpu")
    m, n = l.shape[-2], u.shape[-1]
    k = l.shape[-1]
    below = right = None
    l1, u1 = l[..., :k, :], u[..., :, :k]
    gl1 = None if gl is None else gl[..., :k, :]
    gu1 = None if gu is None else gu[..., :, :k]
    if m > k and gl is not None:  # L2 = A2 U^-1
        below = solve_upper_h(xp, u1, gl[..., k:, :])
        gu1 = plus(gu1, -xp.matmul(mH(xp, l[..., k:, :]), below))
    if n > k and gu is not None:  # U2 = L^-1 A2
        right = solve_unit_h(xp, l1, gu[..., :, k:])
        gl1 = plus(gl1, -xp.matmul(right, mH(xp, u[..., :, k:])))
    inner = None
    if gl1 is not None:
        inner = xp.tril(xp.matmul(mH(xp, l1), gl1), diagonal=-1)
    if gu1 is not None:
        inner = plus(inner, xp.triu(xp.matmul(gu1, mH(xp, u1)), diagonal=0))
    square = solve_upper_h(xp, u1, solve_unit_h(xp, l1, inner))
    if m > k:
        rest = below if below is not None else xp.zeros_like(l[..., k:, :])
        return xp.cat([square, rest], square.ndim - 2)
    if n > k:
        rest = right if right is not None else xp.zeros_like(u[..., :, k:])
        return xp.cat([square, rest], square.ndim - 1)
    return square


def solve_upper_h(xp: Any, u: Any, b: Any) -> Any:
    """B U^-H"""
    return solve_lower(xp, mH(xp, u), b, left=False)


def solve_unit_h(xp: Any, l: Any, b: Any) -> Any:
    """L^-H B"""
    return solve_upper(xp, mH(xp, l), b, unit=True)


def _lu_jvp(xp: Any, t: Any, l: Any, u: Any) -> tuple[Any, Any]:
    """(dL, dU) from the tangent of P^T A."""
    m, n = l.shape[-2], u.shape[-1]
    k = l.shape[-1]
    l1, u1 = l[..., :k, :], u[..., :, :k]
    inner = solve_upper(xp, u1, solve_lower(xp, l1, t[..., :k, :k], unit=True), left=False)
    dl = xp.matmul(l1, xp.tril(inner, diagonal=-1))
    du = xp.matmul(xp.triu(inner, diagonal=0), u1)
    if m > k:
        rest = solve_upper(xp, u1, t[..., k:, :] - xp.matmul(l[..., k:, :], du), left=False)
        dl = xp.cat([dl, rest], dl.ndim - 2)
    if n > k:
        rest = solve_lower(xp, l1, t[..., :, k:] - xp.matmul(dl, u[..., :, k:]), unit=True)
        du = xp.cat([du, rest], du.ndim - 1)
    return dl, du


def _unpacked(xp: Any, lu: Any) -> tuple[Any, Any]:
    m, n = lu.shape[-2:]
    k = min(m, n)
    lower = xp.tril(lu[..., :, :k], diagonal=-1)
    one = xp.tril(xp.triu(xp.ones_like(lower), diagonal=0), diagonal=0)
    return lower + one, xp.triu(lu[..., :k, :], diagonal=0)


def _lu_factor_vjp(xp: Any, gs: Any, needs: Any, out0: Any, out1: Any, x_dtype: Any) -> Any:
    lower, upper = _unpacked(xp, out0)
    g = gs[0]
    k = lower.shape[-1]
    ga = _lu_vjp(xp, xp.tril(g[..., :, :k], diagonal=-1), xp.triu(g[..., :k, :], diagonal=0), lower, upper)
    return (xp.matmul(xp.lu_permutation(out1, rows=lower.shape[-2], dtype=x_dtype), ga),)


def _lu_factor_jvp(xp: Any, ts: Any, out0: Any, out1: Any, x_dtype: Any) -> Any:
    lower, upper = _unpacked(xp, out0)
    rows = lower.shape[-2]
    dl, du = _lu_jvp(xp, _permuted(xp, out1, ts[0], rows, x_dtype), lower, upper)
    m, n = out0.shape[-2:]
    if m > n:
        du = xp.cat([du, xp.zeros_like(dl[..., n:, :])], du.ndim - 2)
    elif n > m:
        dl = xp.cat([dl, xp.zeros_like(du[..., :, m:])], dl.ndim - 1)
    return dl + du, None, None


_lu_factor_ex = general(
    "linalg_lu_factor_ex", n_outputs=3, nondifferentiable_outputs=(1, 2), kernel=kernels.lu_factor,
    vjp=_lu_factor_vjp, jvp=_lu_factor_jvp, batch=batch_matrices,
)  # fmt: skip

_LuFactor = return_type("linalg_lu_factor", "LU", "pivots")
_LuFactorEx = return_type("linalg_lu_factor_ex", "LU", "pivots", "info")
_Lu = return_type("linalg_lu", "P", "L", "U")
_LuUnpack = return_type("lu_unpack", "P", "L", "U")


def _lu_parts(A: Any, pivot: bool, name: str) -> Any:
    check_tensor(A, "linalg_lu_factor")
    if A.ndim < 2:
        raise RuntimeError(f"{name}: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead")
    check_kernel(A, "lu_cpu", empty=True)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return _lu_factor_ex(A)


def _check_lu(info: Tensor, name: str) -> None:
    if deferred(_check_lu, info, name):
        return
    found = failed(info)
    if found is not None:
        where, i = found
        raise RuntimeError(
            f"{name}: {where}U[{i},{i}] is zero and using it on lu_solve would result in a division by zero. If you "
            "still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
            "linalg.lu_factor_ex(A, pivot)"
        )


@public(name="linalg.lu_factor", method=False)
def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """(LU, pivots): L below the diagonal (ones on it), U above; pivots count from 1. A (..., m, n)."""
    lu, pivots, info = _lu_parts(A, pivot, "torch.lu_factor")
    _check_lu(info, "torch.linalg.lu_factor")
    return written(_LuFactor((lu, pivots)), out, "linalg_lu_factor")


@public(name="linalg.lu_factor_ex", method=False)
def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """`lu_factor` and `info`: the first zero on the diagonal of U, from 1, or 0."""
    y = _lu_parts(A, pivot, "torch.lu_factor")
    if check_errors:
        _check_lu(y[2], "torch.linalg.lu_factor_ex")
    return written(_LuFactorEx(y), out, "linalg_lu_factor_ex")


def _lu_kernel(x: Any) -> Any:
    lu, pivots, _ = kernels.lu_factor(x)
    m, n = x.shape[-2:]
    k = min(m, n)
    lower = np.tril(lu[..., :k], -1)
    i = np.arange(k)
    lower[..., i, i] = 1
    return kernels.lu_permutation(pivots, rows=m, dtype=x.dtype), lower, np.triu(lu[..., :k, :])


def _lu3_vjp(xp: Any, gs: Any, needs: Any, out0: Any, out1: Any, out2: Any) -> Any:
    return (xp.matmul(out0, _lu_vjp(xp, gs[1], gs[2], out1, out2)),)


def _lu3_jvp(xp: Any, ts: Any, out0: Any, out1: Any, out2: Any) -> Any:
    return None, *_lu_jvp(xp, xp.matmul(mH(xp, out0), ts[0]), out1, out2)


_lu = general(
    "linalg_lu", n_outputs=3, nondifferentiable_outputs=(0,), kernel=_lu_kernel, vjp=_lu3_vjp, jvp=_lu3_jvp,
    batch=batch_matrices,
)  # fmt: skip


@public(name="linalg.lu", method=False)
def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """(P, L, U) with A = P L U, P a permutation; A (..., m, n)."""
    check_tensor(A, "linalg_lu")
    if A.ndim < 2:
        raise RuntimeError(f"linalg.lu: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead")
    check_kernel(A, "lu_cpu", empty=True)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return written(_Lu(_lu(A)), out, "linalg_lu")


@public(name="lu")
def _old_lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """(LU, pivots[, infos]). Deprecated: `linalg.lu_factor`."""
    deprecated(
        "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex and will be removed in "
        "a "
        "future PyTorch release.",
        "torch.linalg.lu_factor(A)",
    )
    lu, pivots, info = _lu_parts(A, pivot, "torch.lu_factor")
    y = (lu, pivots, info) if get_infos else (lu, pivots)
    return tuple(written(part, o, "lu") for part, o in zip(y, out or (None,) * len(y), strict=True))


def _lu_unpack_kernel(lu: Any, pivots: Any, *, rows: int) -> Any:
    k = min(lu.shape[-2:])
    lower = np.tril(lu[..., :k], -1)
    i = np.arange(k)
    lower[..., i, i] = 1
    return kernels.lu_permutation(pivots, rows=rows, dtype=lu.dtype), lower, np.triu(lu[..., :k, :])


def _lu_unpack_vjp(xp: Any, gs: Any, needs: Any, x_shape: Any) -> Any:
    _, gl, gu = gs
    m, n = x_shape[-2:]
    if gl is not None:
        gl = xp.tril(gl, diagonal=-1)
        if n > m:
            gl = xp.cat([gl, xp.zeros_of(gl, (*x_shape[:-1], n - m))], gl.ndim - 1)
    if gu is not None:
        gu = xp.triu(gu, diagonal=0)
        if m > n:
            gu = xp.cat([gu, xp.zeros_of(gu, (*x_shape[:-2], m - n, n))], gu.ndim - 2)
    return plus(gl, gu), None


def _lu_unpack_jvp(xp: Any, ts: Any) -> Any:
    t = ts[0]
    k = min(t.shape[-2:])
    return None, xp.tril(t[..., :, :k], diagonal=-1), xp.triu(t[..., :k, :], diagonal=0)


def _lu_unpack_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    y, _ = batch_with_vectors(1)(prim, vals, dims, params)
    return y, tuple(None if d is None else 0 for d in (dims[1], dims[0], dims[0]))


_lu_unpack = general(
    "lu_unpack", inputs=("x", "pivots"), params=("rows",), n_outputs=3, nondifferentiable_outputs=(0,),
    kernel=_lu_unpack_kernel, vjp=_lu_unpack_vjp, jvp=_lu_unpack_jvp, batch=_lu_unpack_batch,
)  # fmt: skip


@public(method=False)
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Any:
    """(P, L, U) from the results of `lu_factor`; what is not asked for is an empty tensor."""
    check_tensor(LU_data, "lu_unpack", "LU_data")
    if unpack_pivots and LU_pivots.dtype.name != "int32":
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this "
            "function "
            "is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    P, L, U = _lu_unpack(LU_data, LU_pivots, rows=LU_data.shape[-2])
    empty = ops.empty((0,), dtype=LU_data.dtype)
    return written(
        _LuUnpack((P if unpack_pivots else empty, L if unpack_data else empty, U if unpack_data else empty)),
        out, "lu_unpack",
    )  # fmt: skip


def _lu_solve_vjp(xp: Any, g: Any, needs: Any, x: Any, pivots: Any, out: Any, y_shape: Any, x_dtype: Any,
                  left: bool, adjoint: bool) -> Any:  # fmt: skip
    gb = xp.linalg_lu_solve(x, pivots, g, left=left, adjoint=not adjoint)
    glu = None
    if needs[0]:
        if adjoint:
            ga = -(xp.matmul(out, mH(xp, gb)) if left else xp.matmul(mH(xp, gb), out))
        else:
            ga = -(xp.matmul(gb, mH(xp, out)) if left else xp.matmul(mH(xp, out), gb))
        lower, upper = _unpacked(xp, x)
        ga = _permuted(xp, pivots, ga, lower.shape[-2], x_dtype)  # dA = P (dL U + L dU)
        gl = xp.tril(xp.matmul(ga, mH(xp, upper)), diagonal=-1)
        gu = xp.triu(xp.matmul(mH(xp, lower), ga), diagonal=0)
        glu = fitted(xp, gl + gu, x.shape)
    return glu, None, fitted(xp, gb, y_shape) if needs[2] else None


def _lu_solve_jvp(xp: Any, ts: Any, x: Any, pivots: Any, out: Any, x_dtype: Any, left: bool, adjoint: bool) -> Any:
    t, _, right = ts
    if t is not None:
        lower, upper = _unpacked(xp, x)
        inner = xp.matmul(xp.tril(t, diagonal=-1), upper) + xp.matmul(lower, xp.triu(t, diagonal=0))
        da = xp.matmul(xp.lu_permutation(pivots, rows=lower.shape[-2], dtype=x_dtype), inner)
        da = mH(xp, da) if adjoint else da
        right = plus(right, -(xp.matmul(da, out) if left else xp.matmul(out, da)))
    return xp.linalg_lu_solve(x, pivots, right, left=left, adjoint=adjoint)


_lu_solve = general(
    "linalg_lu_solve", inputs=("x", "pivots", "y"), params=("left", "adjoint"), kernel=kernels.lu_solve,
    vjp=_lu_solve_vjp, jvp=_lu_solve_jvp, batch=batch_with_vectors(1), saved_names=dict(x="LU", y="B"),
)  # fmt: skip


@public(name="linalg.lu_solve", method=False)
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """X of A X = B (or X A = B), A given by `lu_factor`; `adjoint`: of A^H. Differentiable in LU and B."""
    name = "linalg.lu_solve"
    check_inexact(LU, "torch." + name)
    check_kernel(LU, "linalg.lu_solve_cpu")
    if LU.dtype is not B.dtype:
        raise RuntimeError(
            f"{name}: Expected LU and B to have the same dtype, but found LU of type {LU.dtype.scalar_name} and B of "
            f"type {B.dtype.scalar_name} instead"
        )
    if pivots.dtype.name != "int32":
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32")
    check_square(LU, "torch." + name)
    check_matrix(B, name, "B")
    check_fit(LU, B, left, name)
    if pivots.ndim < 1 or pivots.shape[-1] != LU.shape[-1]:
        raise RuntimeError(f"{name}: Number of pivots per batch should be same as the dimension of the matrix")
    if tuple(pivots.shape[:-1]) != tuple(LU.shape[:-2]):
        raise RuntimeError(
            f"{name}: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead"
        )
    return written(_lu_solve(LU, pivots, B, left=bool(left), adjoint=bool(adjoint)), out, "linalg_lu_solve")


@public(name="lu_solve")
def _old_lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """X of A X = b from `lu_factor`. Deprecated: `linalg.lu_solve`."""
    deprecated(
        "torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a future PyTorch release.",
        "torch.linalg.lu_solve(LU, pivots, B)",
    )
    return lu_solve(LU_data, LU_pivots, b, out=out)


_A = T(3, 3, kind="triangular")
_A2 = T(2, 3, 3, kind="triangular")
samples(
    "linalg.solve_triangular", Case(_A, T(3, 2), upper=True), Case(_A, T(3, 2), upper=False),
    Case(_A2, T(2, 3), upper=True, left=False), Case(T(3, 3), T(4, 3, 2), upper=True, unitriangular=True),
    Case(T(0, 0), T(0, 2), upper=True),
)  # fmt: skip
samples(
    "triangular_solve", Case(T(3, 2), _A), Case(T(3, 2), _A, upper=False), Case(T(3, 2), _A2, transpose=True),
    Case(T(3, 2), T(3, 3), unitriangular=True),
)  # fmt: skip
_R = (Case(T(3, 3)), Case(T(4, 3)), Case(T(2, 4)), Case(T(2, 3, 3)), Case(T(0, 3)))
for _name in ("linalg.lu", "linalg.lu_factor", "linalg.lu_factor_ex"):
    samples(_name, *_R)
_PIVOTS = T(3, dtype="int32", low=1, high=4)
samples(
    "linalg.lu_solve", Case(_A, _PIVOTS, T(3, 2)), Case(_A, _PIVOTS, T(2, 3, 2), adjoint=True),
    Case(_A, _PIVOTS, T(2, 3), left=False),
    Case(_A2, T(2, 3, dtype="int32", low=1, high=4), T(2, 3), left=False, adjoint=True),
)  # fmt: skip
samples("lu_solve", Case(T(3, 2), _A, _PIVOTS))
samples(
    "lu_unpack", Case(T(3, 3), _PIVOTS), Case(T(4, 3), _PIVOTS), Case(T(3, 4), _PIVOTS),
    Case(T(3, 3), _PIVOTS, True, False),
)  # fmt: skip
samples("lu", Case(T(3, 3)), Case(T(2, 3, 3), get_infos=True))

_old_lu.__qualname__ = "_lu_no_infos"  # as PyTorch's names itself in Python's errors
torch_names("linalg", __name__)
