"""Linear systems, inverse and determinant."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import front
from ..core.deferred import deferred, values_known
from ..core.levels import unwrap_all
from ..core.primitive import Primitive, composite, general, kernel_helper, ops
from ..core.return_types import return_type
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import linalg as kernels
from .install import public
from .linalg_common import (
    LinAlgError,
    batch_matrices,
    batch_with_vectors,
    check_fit,
    check_inexact,
    check_kernel,
    check_matrix,
    check_square,
    check_tensor,
    diagonal,
    failed,
    fitted,
    mH,
    plus,
    torch_names,
    written,
)  # fmt: skip

# ---------------------------------------------------------------- linear systems


@kernel_helper
def solve_again(a: Any, lu: Any, pivots: Any, g: Any, *, left: bool) -> Any:
    return kernels.solve_again(a, lu, pivots, g, left=left)


@composite
def solve_again(a: Tensor, lu: Tensor, pivots: Tensor, g: Tensor, *, left: bool) -> Any:  # type: ignore[no-redef]  # noqa: F811
    """A^-H G, recorded as a function of A: the factors carry no gradient."""
    return _solve_ex(mH(ops, a), g, left=left, vector=False)[0]


def _solve_vjp(
    xp: Any, gs: Any, needs: Any, x: Any, y_shape: Any, out0: Any, out1: Any, out2: Any, left: bool, vector: bool
) -> Any:
    g = gs[0]
    if vector:
        g, out0 = g[..., None], out0[..., None]
    gb = xp.solve_again(x, out1, out2, g, left=left)
    ga = None
    if needs[0]:
        product = xp.matmul(gb, mH(xp, out0)) if left else xp.matmul(mH(xp, out0), gb)
        ga = fitted(xp, -product, x.shape)
    return ga, fitted(xp, gb[..., 0] if vector else gb, y_shape) if needs[1] else None


def _solve_jvp(xp: Any, ts: Any, x: Any, out0: Any, left: bool, vector: bool) -> Any:
    ta, right = ts
    if vector:
        out0, right = out0[..., None], None if right is None else right[..., None]
    if ta is not None:
        right = plus(right, -(xp.matmul(ta, out0) if left else xp.matmul(out0, ta)))
    t = xp.linalg_solve_ex(x, right, left=left, vector=False)[0]
    return t[..., 0] if vector else t, None, None, None


def _solve_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """What comes from A alone (LU, pivots, info) has the batch dimensions of A alone."""
    rule = batch_with_vectors(1) if params["vector"] else batch_matrices
    (out, *factors), _ = rule(prim, vals, dims, params)
    if dims[0] is None:
        return (out, *factors), (0, None, None, None)
    shape = tuple(vals[0].shape[i] for i in (dims[0], *(k for k in range(vals[0].ndim) if k != dims[0])))
    kept = [
        (ops.reshape(f, s), 0) if f.ndim >= len(s) else (f, None)  # else they were not made
        for f, s in zip(factors, (shape, shape[:-1], shape[:-2]), strict=True)
    ]
    return (out, *[f for f, _ in kept]), (0, *[d for _, d in kept])


_solve_ex = general(
    "linalg_solve_ex", inputs=("x", "y"), params=("left", "vector"), n_outputs=4, nondifferentiable_outputs=(1, 2, 3),
    kernel=kernels.solve_ex, vjp=_solve_vjp, jvp=_solve_jvp, batch=_solve_batch,
    saved_names=dict(x="A", y="B", out0="result", out1="LU", out2="pivots"),
)  # fmt: skip
_SolveEx = return_type("linalg_solve_ex", "result", "info")


def _solved(A: Any, B: Any, left: bool) -> tuple[Tensor, Tensor]:
    """(X, info); B may be vectors."""
    name = "linalg.solve"
    check_square(A, name)
    check_tensor(B, "linalg_solve", "B", 2)
    check_inexact(A, name)
    check_kernel(A, "lu_cpu", empty=True)
    if A.dtype is not B.dtype:
        raise RuntimeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {A.dtype.scalar_name} and B of type "
            f"{B.dtype.scalar_name} instead"
        )
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1]))
    if vector and not left:
        raise RuntimeError(
            f"{name}: Vector broadcasting of the left hand side is not supported for left=False. In this case {name} "
            "is "
            "equivalent to B / A.squeeze(-1)"
        )
    if vector:
        if B.shape[-1] != A.shape[-1]:
            check_fit(A, B.unsqueeze(-1), left, name)  # type: ignore[attr-defined]
    else:
        check_matrix(B, name, "B")
        check_fit(A, B, left, name)
    x, _, _, info = _solve_ex(A, B, left=bool(left), vector=vector)
    return x, info


@public(name="linalg.solve", method=False)
def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """X of A X = B (or X A = B). A (..., n, n); B vectors (..., n) or matrices. Differentiable in both.

    Errors: LinAlgError for a singular A."""
    x, info = _solved(A, B, left)
    _check_solve(info, "torch.linalg.solve")
    return written(x, out, "linalg_solve")


def _check_solve(info: Tensor, name: str) -> None:
    if deferred(_check_solve, info, name):
        return
    found = failed(info)
    if found is not None:
        raise LinAlgError(f"{name}: {found[0]}The solver failed because the input matrix is singular.")


@public(name="linalg.solve_ex", method=False)
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """(result, info): `solve` without the check; `info` is the first zero pivot, from 1, or 0."""
    y = _SolveEx(_solved(A, B, left))
    if check_errors:
        _check_solve(y[1], "torch.linalg.solve_ex")
    return written(y, out, "linalg_solve_ex")


# ---------------------------------------------------------------- inverse

_inv_ex = general(
    "linalg_inv_ex", n_outputs=2, kernel=kernels.inv_ex, nondifferentiable_outputs=(1,),
    vjp=lambda xp, gs, needs, out0: (-xp.matmul(mH(xp, out0), xp.matmul(gs[0], mH(xp, out0))),),
    jvp=lambda xp, ts, out0: (-xp.matmul(out0, xp.matmul(ts[0], out0)), None),
    batch=batch_matrices, saved_names=dict(out0="inverse"),
)  # fmt: skip
_InvEx = return_type("linalg_inv_ex", "inverse", "info")


def _inverted(A: Any) -> Any:
    check_square(A, "linalg.inv")
    check_inexact(A, "linalg.inv", low=False)
    return _inv_ex(A)


def _check_inv(info: Tensor, name: str) -> None:
    if deferred(_check_inv, info, name):
        return
    found = failed(info)
    if found is not None:
        raise LinAlgError(
            f"{name}: {found[0]}The diagonal element {found[1]} is zero, the inversion could not be completed because "
            "the "
            "input matrix is singular."
        )


@public(name="linalg.inv", method=False)
def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A (..., n, n). Errors: LinAlgError for a singular matrix."""
    y, info = _inverted(A)
    _check_inv(info, "linalg.inv")
    return written(y, out, "linalg_inv")


@public(name="linalg.inv_ex", method=False)
def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """(inverse, info): `info` is the first zero pivot, from 1, or 0."""
    y = _InvEx(_inverted(A))
    if check_errors:
        _check_inv(y[1], "linalg.inv_ex")
    return written(y, out, "linalg_inv_ex")


@public
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.inv`."""
    return inv(input, out=out)


# ---------------------------------------------------------------- determinant


@kernel_helper
def cofactors(x: Any, lu: Any, pivots: Any, det: Any) -> Any:
    return kernels.cofactors(x, lu, pivots, det)


_nearly_singular = general(
    "nearly_singular", inputs=("x", "lu", "det"), kernel=kernels.nearly_singular,
    batch=lambda prim, vals, dims, params: (prim(*[front(v, d) for v, d in zip(vals, dims, strict=True)]), 0),
)  # fmt: skip


@composite
def cofactors(x: Tensor, lu: Tensor, pivots: Tensor, det: Tensor) -> Any:  # type: ignore[no-redef]  # noqa: F811
    """det(A) A^-H (conjugated as a gradient is), recorded as a function of A.

    The polynomial of Faddeev and LeVerrier replaces the inverse where A is singular: it has all derivatives."""
    n = x.shape[-1]
    eye = ops.linalg_eye(x)
    low = _nearly_singular(x, lu, det)
    if n == 0 or (values_known() and not unwrap_all(low)._data.any()):
        return _solve_ex(mH(ops, x), eye * ops.conj(det)[..., None, None], left=True, vector=False)[0]
    mask = low[..., None, None]
    safe = ops.where(mask, eye, x)
    regular = _solve_ex(mH(ops, safe), eye * ops.conj(det)[..., None, None], left=True, vector=False)[0]
    adjugate, c = eye, None  # M_1 = I, c = -tr(A M_k)/k, M_k+1 = A M_k + c I; adj(A) = +-M_n
    for k in range(1, n):
        step = ops.matmul(x, adjugate)
        c = ops.sum(diagonal(ops, step), dim=(-1,), keepdim=False) * (-1.0 / k)
        adjugate = step + c[..., None, None] * eye
    singular = mH(ops, adjugate if n % 2 else -adjugate)
    return ops.where(mask, singular, regular)


@kernel_helper
def linalg_eye(x: Any) -> Any:
    """The identity, in the shape and dtype of `x`."""
    return np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)


@composite
def linalg_eye(x: Tensor) -> Any:  # type: ignore[no-redef]  # noqa: F811
    return ops.eye(x.shape[-1], dtype=x.dtype).expand(*x.shape)


def _det_jvp(xp: Any, ts: Any, x: Any, out0: Any, out1: Any, out2: Any) -> Any:
    c = xp.cofactors(x, out1, out2, out0)
    return xp.sum(xp.conj(c) * ts[0], dim=(x.ndim - 2, x.ndim - 1), keepdim=False), None, None


def _batch_factors(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """Factors that were not made are not mapped."""
    y = prim(front(vals[0], dims[0]), **params)
    scalars = len(y) - 2
    return y, (*(0,) * scalars, *(0 if o.ndim > 1 else None for o in y[scalars:]))


_det = general(
    "linalg_det", n_outputs=3, kernel=kernels.det, nondifferentiable_outputs=(1, 2), jvp=_det_jvp, batch=_batch_factors,
    vjp=lambda xp, gs, needs, x, out0, out1, out2: (gs[0][..., None, None] * xp.cofactors(x, out1, out2, out0),),
    saved_names=dict(x="A", out0="result", out1="LU", out2="pivots"),
)  # fmt: skip


@public(name="linalg.det", method=False)
def linalg_det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of A (..., n, n). Differentiable to any order, at singular matrices too."""
    check_square(A, "linalg.det")
    check_inexact(A, "linalg.det")
    check_kernel(A, "lu_cpu", empty=True)
    return written(_det(A)[0], out, "linalg_det")


@public
def det(input: Tensor) -> Tensor:
    """`linalg.det`."""
    return linalg_det(input)


def _slogdet_vjp(xp: Any, gs: Any, needs: Any, x: Any, x_dtype: Any, out0: Any, out2: Any, out3: Any) -> Any:
    g = gs[1]
    if x_dtype.is_complex:
        if gs[0] is not None:
            g = plus(g, xp.imag(xp.conj(gs[0]) * out0) * -1j)
    elif g is None:
        return (xp.zeros_like(x),)
    return (xp.solve_again(x, out2, out3, xp.linalg_eye(x) * g[..., None, None], left=True),)


def _slogdet_jvp(xp: Any, ts: Any, x: Any, x_dtype: Any, out0: Any) -> Any:
    step = xp.linalg_solve_ex(x, ts[0], left=True, vector=False)[0]
    trace = xp.sum(diagonal(xp, step), dim=(x.ndim - 2,), keepdim=False)
    if not x_dtype.is_complex:
        return xp.zeros_like(out0), trace, None, None
    return xp.imag(trace) * 1j * out0, xp.real(trace), None, None


_slogdet = general(
    "linalg_slogdet", n_outputs=4, kernel=kernels.slogdet, nondifferentiable_outputs=(2, 3), vjp=_slogdet_vjp,
    jvp=_slogdet_jvp, batch=_batch_factors,
    saved_names=dict(x="A", out0="sign", out1="logabsdet", out2="LU", out3="pivots"),
)  # fmt: skip
_LinalgSlogdet = return_type("linalg_slogdet", "sign", "logabsdet")
_Slogdet = return_type("slogdet", "sign", "logabsdet")


def _signed_log(A: Any, kind: Any) -> Any:
    check_square(A, "linalg.slogdet")
    check_inexact(A, "linalg.slogdet", low=False)
    return kind(_slogdet(A)[:2])


@public(name="linalg.slogdet", method=False)
def linalg_slogdet(A: Tensor, *, out: Any = None) -> Any:
    """(sign, log |det|) of A (..., n, n); (0, -inf) for a singular matrix."""
    return written(_signed_log(A, _LinalgSlogdet), out, "linalg_slogdet")


@public
def slogdet(input: Tensor, *, out: Any = None) -> Any:
    """`linalg.slogdet`."""
    return written(_signed_log(input, _Slogdet), out, "slogdet")


@public
def logdet(input: Tensor) -> Tensor:
    """log det, nan where the determinant is negative."""
    check_square(input, "logdet")
    check_inexact(input, "logdet", low=False)
    sign, size, _, _ = _slogdet(input)
    if input.dtype.is_complex:
        return ops.log(sign) + size
    return ops.where(sign == -1.0, float("nan"), size)


_S = (Case(T(3, 3)), Case(T(2, 3, 3)), Case(T(1, 1)), Case(T(0, 0)), Case(T(0, 3, 3)))
for _name in ("linalg.inv", "inverse", "linalg.det", "det", "linalg.slogdet", "slogdet", "linalg.inv_ex"):
    samples(_name, *_S)
samples("logdet", Case(T(3, 3, kind="posdef")), Case(T(2, 2, 2, kind="posdef")))
for _name in ("linalg.solve", "linalg.solve_ex"):
    samples(
        _name, Case(T(3, 3), T(3, 2)), Case(T(3, 3), T(3)), Case(T(2, 3, 3), T(2, 3)), Case(T(2, 3, 3), T(3, 2)),
        Case(T(3, 3), T(2, 3, 1)), Case(T(3, 3), T(2, 3), left=False), Case(T(0, 0), T(0, 2)),
    )  # fmt: skip

torch_names("linalg", __name__)
