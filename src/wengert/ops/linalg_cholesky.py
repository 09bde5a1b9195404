"""Symmetric systems: Cholesky and what is solved with it, LDL."""

from __future__ import annotations

from typing import Any

from ..core.deferred import deferred
from ..core.primitive import general, ops
from ..core.return_types import return_type
from ..core.samples import Case, T, samples
from ..core.takes import COMPLEX, FLOATS, Takes
from ..core.tensor import Tensor
from ..kernels import linalg as kernels
from .install import public
from .linalg_common import (
    LinAlgError,
    batch_matrices,
    batch_with_vectors,
    check_inexact,
    check_kernel,
    check_matrix,
    check_square,
    deprecated,
    failed,
    fitted,
    half_lower,
    half_upper,
    hermitian_part,
    mH,
    plus,
    solve_lower,
    solve_upper,
    torch_names,
    written,
)  # fmt: skip

# ---------------------------------------------------------------- the factorisation


def _cholesky_vjp(xp: Any, g: Any, factor: Any, upper: bool) -> Any:
    xp.not_half(factor, "triangular_solve_cpu")
    """L^-H phi(L^H gL) L^-1 made Hermitian, for only the Hermitian part of A counts. phi: lower, half the diagonal."""
    if upper:
        factor, g = mH(xp, factor), mH(xp, g)
    lh = mH(xp, factor)
    inner = half_lower(xp, xp.matmul(lh, g))
    return hermitian_part(xp, solve_upper(xp, lh, solve_lower(xp, factor, inner, left=False)))


def _cholesky_jvp(xp: Any, t: Any, factor: Any, upper: bool) -> Any:
    t = hermitian_part(xp, t)
    if upper:
        inner = solve_upper(xp, factor, solve_lower(xp, mH(xp, factor), t), left=False)
        return xp.matmul(half_upper(xp, inner), factor)
    inner = solve_lower(xp, factor, solve_upper(xp, mH(xp, factor), t, left=False))
    return xp.matmul(factor, half_lower(xp, inner))


_cholesky_ex = general(
    "linalg_cholesky_ex", params=("upper",), n_outputs=2, nondifferentiable_outputs=(1,), kernel=kernels.cholesky_ex,
    vjp=lambda xp, gs, needs, out0, upper: (_cholesky_vjp(xp, gs[0], out0, upper),),
    jvp=lambda xp, ts, out0, upper: (_cholesky_jvp(xp, ts[0], out0, upper), None),
    batch=batch_matrices, saved_names=dict(out0="L"),
)  # fmt: skip
_old_node = _cholesky_ex.renamed("CholeskyBackward0")
_CholeskyEx = return_type("linalg_cholesky_ex", "L", "info")


def _check(info: Tensor, name: str) -> None:
    if deferred(_check, info, name):
        return
    found = failed(info)
    if found is not None:
        raise LinAlgError(
            f"{name}: {found[0]}The factorization could not be completed because the input is not positive-definite "
            "(the "
            f"leading minor of order {found[1]} is not positive-definite)."
        )


def _factored(A: Any, upper: bool) -> Any:
    check_square(A, "linalg.cholesky")
    check_inexact(A, "linalg.cholesky")
    check_kernel(A, "cholesky_cpu", empty=True)
    return _cholesky_ex(A, upper=bool(upper))


@public(name="linalg.cholesky", method=False)
def linalg_cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """L with A = L L^H (or U with A = U^H U) of a positive definite A (..., n, n); only one triangle is read.

    Errors: LinAlgError where A is not positive definite."""
    factor, info = _factored(A, upper)
    _check(info, "linalg.cholesky")
    return written(factor, out, "linalg_cholesky")


@public(name="linalg.cholesky_ex", method=False)
def linalg_cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """(L, info): `info` is the order of the first leading minor that is not positive, or 0."""
    y = _CholeskyEx(_factored(A, upper))
    if check_errors:
        _check(y[1], "linalg.cholesky_ex")
    return written(y, out, "linalg_cholesky_ex")


@public
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """`linalg.cholesky`. Deprecated."""
    deprecated(
        "torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a future PyTorch release.",
        "torch.linalg.cholesky(A), or torch.linalg.cholesky(A).mH for upper=True",
    )
    from ..core.dispatch import dispatch

    check_square(input, "cholesky")
    check_kernel(input, "cholesky_cpu", empty=True)
    factor, info = dispatch(_cholesky_ex, (input,), {"upper": bool(upper)}, _old_node)
    _check(info, "cholesky")
    return written(factor, out, "cholesky")


# ---------------------------------------------------------------- solving with the factor


def _factor_gradient(xp: Any, inner: Any, factor: Any, upper: bool) -> Any:
    """From the gradient of A = L L^H (or U^H U) to that of the factor."""
    both = inner + mH(xp, inner)
    return xp.matmul(factor, both) if upper else xp.matmul(both, factor)


def _product_tangent(xp: Any, t: Any, factor: Any, upper: bool) -> Any:
    """The tangent of A = L L^H (or U^H U)."""
    half = xp.matmul(mH(xp, t), factor) if upper else xp.matmul(t, mH(xp, factor))
    return half + mH(xp, half)


def _solve_vjp(xp: Any, g: Any, needs: Any, x_shape: Any, y: Any, out: Any, upper: bool) -> Any:
    gb = xp.cholesky_solve(g, y, upper=upper)
    gl = None
    if needs[1]:
        gl = fitted(xp, _factor_gradient(xp, -xp.matmul(gb, mH(xp, out)), y, upper), y.shape)
    return fitted(xp, gb, x_shape) if needs[0] else None, gl


def _solve_jvp(xp: Any, ts: Any, y: Any, out: Any, upper: bool) -> Any:
    right, t = ts
    if t is not None:
        right = plus(right, -xp.matmul(_product_tangent(xp, t, y, upper), out))
    return xp.cholesky_solve(right, y, upper=upper)


_cholesky_solve = general(
    "cholesky_solve", inputs=("x", "y"), params=("upper",), kernel=kernels.cholesky_solve, vjp=_solve_vjp,
    jvp=_solve_jvp, batch=batch_matrices, saved_names=dict(y="input2"),
)  # fmt: skip


@public(name="cholesky_solve")
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """X of A X = B, A given by its Cholesky factor. Differentiable in both, for a triangular L."""
    for x, which in ((B, "b"), (L, "u")):
        if x.ndim < 2:
            raise RuntimeError(f"{which} should have at least 2 dimensions, but has {x.ndim} dimensions instead")
    if B.dtype is not L.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {B.dtype.scalar_name} and A of type "
            f"{L.dtype.scalar_name} instead."
        )
    m, n = L.shape[-2:]
    if m != n:
        raise RuntimeError(f"A must be batches of square matrices, but they are {m} by {n} matrices")
    if B.shape[-2] != n:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {n} by {n} but each b matrix is "
            f"{B.shape[-2]} "
            f"by {B.shape[-1]}"
        )
    check_kernel(L, "cholesky_solve_cpu")
    return written(_cholesky_solve(B, L, upper=bool(upper)), out, "cholesky_solve")


def _inverse_vjp(xp: Any, g: Any, needs: Any, x: Any, out: Any, upper: bool) -> Any:
    inner = -xp.matmul(mH(xp, out), xp.matmul(g, mH(xp, out)))
    return (_factor_gradient(xp, inner, x, upper),)


def _inverse_jvp(xp: Any, ts: Any, x: Any, out: Any, upper: bool) -> Any:
    return -xp.matmul(out, xp.matmul(_product_tangent(xp, ts[0], x, upper), out))


_cholesky_inverse = general(
    "cholesky_inverse", params=("upper",), kernel=kernels.cholesky_inverse, vjp=_inverse_vjp, jvp=_inverse_jvp,
    batch=batch_matrices,
)  # fmt: skip


def _check_diagonal(info: Tensor) -> None:
    if deferred(_check_diagonal, info):
        return
    found = failed(info)
    if found is not None:
        raise LinAlgError(
            f"cholesky_inverse: {found[0]}The diagonal element {found[1]} is zero, the inversion could not be completed "
            "because the input matrix is singular."
        )


@public(name="cholesky_inverse")
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A from its Cholesky factor."""
    check_square(L, "cholesky_inverse")
    check_kernel(L, "cholesky_inverse_out_cpu")
    if not L._level:
        zeros = ops.diagonal(L.detach(), offset=0, dim1=-2, dim2=-1) == 0  # type: ignore[attr-defined]
        order = zeros.shape[-1] - ops.arange(zeros.shape[-1])  # type: ignore[operator]
        if order.numel():
            first = (zeros * order).amax(-1)
            _check_diagonal(ops.where(first > 0, zeros.shape[-1] + 1 - first, 0))
    return written(_cholesky_inverse(L, upper=bool(upper)), out, "cholesky_inverse")


# ---------------------------------------------------------------- LDL


def _no_derivative(name: str) -> Any:
    def rule(xp: Any, gs: Any, needs: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return rule


_ldl_factor_ex = general(
    "linalg_ldl_factor_ex", params=("hermitian",), n_outputs=3, nondifferentiable_outputs=(1, 2),
    kernel=kernels.ldl_factor, vjp=_no_derivative("linalg_ldl_factor_ex"), batch=batch_matrices, node="NotImplemented",
)  # fmt: skip
_LdlFactor = return_type("linalg_ldl_factor", "LD", "pivots")
_LdlFactorEx = return_type("linalg_ldl_factor_ex", "LD", "pivots", "info")


def _ldl(A: Any, hermitian: bool) -> Any:
    check_square(A, "torch.linalg.ldl_factor_ex")
    check_inexact(A, "torch.linalg.ldl_factor_ex")
    check_kernel(A, "ldl_factor_kernel_cpu")
    return _ldl_factor_ex(A, hermitian=bool(hermitian))


def _check_ldl(info: Tensor, name: str) -> None:
    if deferred(_check_ldl, info, name):
        return
    found = failed(info)
    if found is not None:
        raise RuntimeError(
            f"{name}: {found[0]}The diagonal element {found[1]} of D is exactly zero: the factorization exists, but "
            "solving with it would divide by zero."
        )


@public(name="linalg.ldl_factor", method=False)
def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """(LD, pivots) of a symmetric (or Hermitian) A, by Bunch and Kaufman's pivoting. Not differentiable."""
    ld, pivots, info = _ldl(A, hermitian)
    _check_ldl(info, "torch.linalg.ldl_factor")
    return written(_LdlFactor((ld, pivots)), out, "linalg_ldl_factor")


@public(name="linalg.ldl_factor_ex", method=False)
def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """`ldl_factor` and `info`."""
    y = _ldl(A, hermitian)
    if check_errors:
        _check_ldl(y[2], "torch.linalg.ldl_factor_ex")
    return written(_LdlFactorEx(y), out, "linalg_ldl_factor_ex")


def _ldl_solve_vjp(xp: Any, g: Any, needs: Any, x: Any, pivots: Any, y_shape: Any, hermitian: bool) -> Any:
    """B only: A^-H is A^-1 if A is Hermitian, else its conjugate."""
    if needs[0]:
        raise RuntimeError("derivative for aten::linalg_ldl_solve is not implemented")
    if hermitian:
        gb = xp.linalg_ldl_solve(x, pivots, g, hermitian=True)
    else:
        gb = xp.conj(xp.linalg_ldl_solve(x, pivots, xp.conj(g), hermitian=False))
    return None, None, fitted(xp, gb, y_shape)


def _ldl_solve_jvp(xp: Any, ts: Any, x: Any, pivots: Any, hermitian: bool) -> Any:
    if ts[0] is not None:
        raise RuntimeError("derivative for aten::linalg_ldl_solve is not implemented")
    return xp.linalg_ldl_solve(x, pivots, ts[2], hermitian=hermitian)


_ldl_solve = general(
    "linalg_ldl_solve", inputs=("x", "pivots", "y"), params=("hermitian",), kernel=kernels.ldl_solve,
    vjp=_ldl_solve_vjp, jvp=_ldl_solve_jvp, batch=batch_with_vectors(1),
)  # fmt: skip


_ldl_solve_takes = Takes("ldl_solve_kernel_cpu", FLOATS | COMPLEX)


@public(name="linalg.ldl_solve", method=False)
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None) -> Tensor:
    """X of A X = B from `ldl_factor`. Differentiable in B (PyTorch has no derivative here)."""
    name = "torch.linalg.ldl_solve"
    check_square(LD, name)
    check_inexact(LD, name)
    check_matrix(B, name, "B")
    if LD.dtype is not B.dtype:
        raise RuntimeError(
            f"{name}: Expected LD and B to have the same dtype, but found LD of type {LD.dtype.scalar_name} and B of "
            "type "
            f"{B.dtype.scalar_name} instead"
        )
    if pivots.dtype.category != 1:
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {pivots.dtype.scalar_name}")
    if tuple(pivots.shape) != tuple(LD.shape[:-1]):
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead"
        )
    if B.shape[-2] != LD.shape[-1]:
        m, n = LD.shape[-2:]
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {m} by {n} but each b matrix is {B.shape[-2]} by "
            f"{B.shape[-1]}"
        )
    _ldl_solve_takes(LD)
    return written(_ldl_solve(LD, pivots, B, hermitian=bool(hermitian)), out, "linalg_ldl_solve")


_P = (Case(T(3, 3, kind="posdef")), Case(T(2, 3, 3, kind="posdef")), Case(T(3, 3, kind="posdef"), upper=True),
      Case(T(0, 0)))  # fmt: skip
for _name in ("linalg.cholesky", "linalg.cholesky_ex", "cholesky"):
    samples(_name, *_P, hermitian=True)
samples(
    "cholesky_solve", Case(T(3, 2), T(3, 3, kind="factor")), Case(T(3, 2), T(2, 3, 3, kind="factor")),
    why_not="gradients hold for a triangular L only: the other triangle is not read", triangular=1,
)  # fmt: skip
samples("cholesky_inverse", Case(T(3, 3, kind="factor")), Case(T(2, 2, 2, kind="factor")), triangular=0)
samples(
    "linalg.ldl_solve", Case(T(3, 3, kind="factor", grad=False), T(3, dtype="int32", low=1, high=4), T(3, 2)),
    Case(T(3, 3, kind="factor", grad=False), T(3, dtype="int32", low=1, high=4), T(3, 2), hermitian=True),
    why_not="PyTorch has no derivative of ldl_solve", torch_gradient=False,
)  # fmt: skip
samples("linalg.ldl_factor", Case(T(3, 3, kind="posdef")), Case(T(2, 3, 3, kind="posdef")), differentiable=False)

torch_names("linalg", __name__)
