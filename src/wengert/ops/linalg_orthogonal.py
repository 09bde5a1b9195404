"""QR, and products of Householder reflections."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.primitive import Primitive, composite, general, kernel_helper, ops
from ..core.return_types import return_type
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import linalg as kernels
from ..kernels import numpy as arrays
from .install import public
from .linalg_common import (
    batch_matrices,
    batch_with_vectors,
    check_inexact,
    check_kernel,
    check_matrix,
    check_tensor,
    deprecated,
    diag,
    diagonal,
    fitted,
    half_upper,
    mH,
    plus,
    solve_lower,
    solve_upper,
    torch_names,
    written,
)  # fmt: skip

# ---------------------------------------------------------------- QR


def _check_differentiable(mode: str, m: int, n: int) -> None:
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
            "mode='reduced') if you are going to differentiate through linalg.qr."
        )
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")


def _upper_from(xp: Any, x: Any) -> Any:
    """X + X^H with its diagonal halved: the transpose of taking the upper triangle with half the (real) diagonal."""
    both = x + mH(xp, x)
    return both - diag(xp, 0.5 * diagonal(xp, both))


def _tall_vjp(xp: Any, gq: Any, gr: Any, q: Any, r: Any) -> Any:
    """The gradient of A = Q R, at least as many rows as columns; R has a real diagonal."""
    inner = None
    if gr is not None:
        inner = xp.matmul(gr, mH(xp, r))
    if gq is not None:
        inner = plus(inner, -xp.matmul(mH(xp, q), gq))
    inner = xp.matmul(q, _upper_from(xp, xp.triu(inner, diagonal=0)))
    return solve_lower(xp, mH(xp, r), plus(gq, inner), left=False)


def _qr_vjp(xp: Any, gs: Any, needs: Any, x: Any, x_shape: Any, out0: Any, out1: Any, mode: str) -> Any:
    gq, gr = gs
    m, n = x_shape[-2:]
    _check_differentiable(mode, m, n)
    if m >= n:
        return (_tall_vjp(xp, gq, gr, out0, out1),)
    # A = (X | Y): X = Q R1 is square, R2 = Q^H Y
    right = None
    gr1 = None
    if gr is not None:
        gr1, gr2 = gr[..., :, :m], gr[..., :, m:]
        gq = plus(gq, xp.matmul(x[..., :, m:], mH(xp, gr2)))
        right = xp.matmul(out0, gr2)
    left = _tall_vjp(xp, gq, gr1, out0, out1[..., :, :m])
    if right is None:
        right = xp.zeros_like(x[..., :, m:])
    return (xp.cat([left, right], left.ndim - 1),)


def _qr_jvp(xp: Any, ts: Any, x: Any, x_shape: Any, out0: Any, out1: Any, mode: str) -> Any:
    m, n = x_shape[-2:]
    _check_differentiable(mode, m, n)
    k = min(m, n)
    t, r = ts[0][..., :, :k], out1[..., :, :k]
    scaled = solve_upper(xp, r, t, left=False)  # dA R^-1
    inner = xp.matmul(mH(xp, out0), scaled)
    inner = half_upper(xp, inner + mH(xp, inner))
    dr = xp.matmul(inner, r)
    dq = scaled - xp.matmul(out0, inner)
    if n > m:
        rest = xp.matmul(mH(xp, dq), x[..., :, m:]) + xp.matmul(mH(xp, out0), ts[0][..., :, m:])
        dr = xp.cat([dr, rest], dr.ndim - 1)
    return dq, dr


def _qr_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    outs, _ = batch_matrices(prim, vals, dims, params)
    return outs, (None if params["mode"] == "r" else 0, 0)


_qr = general(
    "linalg_qr", params=("mode",), n_outputs=2, kernel=kernels.qr, vjp=_qr_vjp, jvp=_qr_jvp, batch=_qr_batch,
    saved_names=dict(out0="Q", out1="R"),
)  # fmt: skip
_LinalgQr = return_type("linalg_qr", "Q", "R")
_Qr = return_type("qr", "Q", "R")


def _check_qr(A: Any) -> None:
    check_matrix(A, "linalg.qr")
    check_inexact(A, "linalg.qr")
    check_kernel(A, "geqrf_cpu")


@public(name="linalg.qr", method=False)
def linalg_qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """(Q, R) with A = Q R; A (..., m, n). mode "reduced", "complete" (Q square) or "r" (Q empty).

    Signs are LAPACK's. Differentiable where the first min(m, n) columns are independent."""
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    _check_qr(A)
    return written(_LinalgQr(_qr(A, mode=mode)), out, "linalg_qr")


@public
def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """`linalg.qr`; `some`: mode "reduced", else "complete". Deprecated: `linalg.qr`."""
    deprecated(
        "torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future PyTorch release.",
        "torch.linalg.qr(A, 'reduced' if some else 'complete')",
    )
    _check_qr(input)
    return written(_Qr(_qr(input, mode="reduced" if some else "complete")), out, "qr")


def _no_geqrf(xp: Any, gs: Any, needs: Any) -> Any:
    raise NotImplementedError("the derivative for 'geqrf' is not implemented.")


_geqrf = general("geqrf", n_outputs=2, kernel=kernels.geqrf, vjp=_no_geqrf, batch=batch_matrices)
_Geqrf = return_type("geqrf", "a", "tau")


@public
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """(a, tau): R on and above the diagonal of `a`, the reflectors of Q below it (see `orgqr`). Not differentiable."""
    check_tensor(input, "geqrf", "input")
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    check_kernel(input, "geqrf_cpu")
    return written(_Geqrf(_geqrf(input)), out, "geqrf")


# ---------------------------------------------------------------- Householder reflections
#
# H_i = I - tau_i v_i v_i^H, v_i being column i of A below the diagonal, with a one on it. Q = H_1 H_2 ... H_k.


@kernel_helper
def eye_of(x: Any, rows: int, columns: int) -> Any:
    """The identity of this size in the dtype of `x`."""
    return np.eye(rows, columns, dtype=x.dtype)


@composite
def eye_of(x: Tensor, rows: int, columns: int) -> Any:  # type: ignore[no-redef]  # noqa: F811
    return ops.eye(rows, columns, dtype=x.dtype)


def _vectors(xp: Any, a: Any, k: int) -> Any:
    return xp.tril(a[..., :, :k], diagonal=-1) + xp.eye_of(a, a.shape[-2], k)


def _steps(k: int, adjoint: bool) -> Any:
    """The order in which the reflections apply: Q C begins with the last, Q^H C with the first."""
    return range(k) if adjoint else range(k - 1, -1, -1)


def _reflect(xp: Any, a: Any, tau: Any, c: Any, adjoint: bool) -> list[Any]:
    """C and what it becomes after each reflection; the last is Q C (or Q^H C)."""
    k = tau.shape[-1]
    vs = _vectors(xp, a, k)
    if adjoint:
        tau = xp.conj(tau)
    states = [c]
    for i in _steps(k, adjoint):
        v = vs[..., :, i : i + 1]
        states.append(states[-1] - tau[..., i : i + 1, None] * xp.matmul(v, xp.matmul(mH(xp, v), states[-1])))
    return states


def _reflect_vjp(xp: Any, g: Any, a: Any, tau: Any, c: Any, adjoint: bool) -> Any:
    """Gradients of A, tau and C."""
    k = tau.shape[-1]
    if k == 0:
        return xp.zeros_like(a), xp.zeros_like(tau), g
    vs = _vectors(xp, a, k)
    states = _reflect(xp, a, tau, c, adjoint)
    scales = xp.conj(tau) if adjoint else tau
    gvs: list[Any] = [None] * k
    gts: list[Any] = [None] * k
    for state, i in zip(states[-2::-1], reversed(list(_steps(k, adjoint))), strict=True):
        v, scale = vs[..., :, i : i + 1], scales[..., i : i + 1, None]
        vh = mH(xp, v)
        vhg = xp.matmul(vh, g)
        gwh = xp.matmul(g, mH(xp, xp.matmul(vh, state)))
        gt = -xp.matmul(vh, gwh)
        gts[i] = (xp.conj(gt) if adjoint else gt)[..., 0]
        gvs[i] = -xp.conj(scale) * gwh - scale * xp.matmul(state, mH(xp, vhg))
        g = g - xp.conj(scale) * xp.matmul(v, vhg)
    ga = xp.tril(xp.cat(gvs, gvs[0].ndim - 1), diagonal=-1)
    gt = xp.cat(gts, gts[0].ndim - 1)
    rest = a.shape[-1] - k
    if rest:
        ga = xp.cat([ga, xp.zeros_of(ga, (*ga.shape[:-1], rest))], ga.ndim - 1)
    return fitted(xp, ga, a.shape), fitted(xp, gt, tau.shape), g


def _reflect_jvp(xp: Any, ta: Any, tt: Any, tc: Any, a: Any, tau: Any, c: Any, adjoint: bool) -> Any:
    """The tangent of Q C (or Q^H C)."""
    k = tau.shape[-1]
    vs = _vectors(xp, a, k)
    states = _reflect(xp, a, tau, c, adjoint)
    if adjoint:
        tau = xp.conj(tau)
        tt = None if tt is None else xp.conj(tt)
    tvs = None if ta is None else xp.tril(ta[..., :, :k], diagonal=-1)
    t = xp.zeros_like(states[-1]) if tc is None else tc
    for state, i in zip(states, _steps(k, adjoint), strict=False):
        v, scale = vs[..., :, i : i + 1], tau[..., i : i + 1, None]
        vh = mH(xp, v)
        w = xp.matmul(vh, state)
        dw = xp.matmul(vh, t)
        new = t
        if tvs is not None:
            tv = tvs[..., :, i : i + 1]
            dw = dw + xp.matmul(mH(xp, tv), state)
            new = new - scale * xp.matmul(tv, w)
        if tt is not None:
            new = new - tt[..., i : i + 1, None] * xp.matmul(v, w)
        t = new - scale * xp.matmul(v, dw)
    return t


def _product_kernel(a: Any, tau: Any) -> Any:
    c = np.broadcast_to(np.eye(*a.shape[-2:], dtype=a.dtype), a.shape)
    return kernels.columns(np.array(_reflect(arrays, a, tau, c, False)[-1]))


def _product_vjp(xp: Any, g: Any, needs: Any, x: Any, y: Any) -> Any:
    ga, gt, _ = _reflect_vjp(xp, g, x, y, xp.eye_of(x, x.shape[-2], x.shape[-1]), False)
    return ga, gt


def _product_jvp(xp: Any, ts: Any, x: Any, y: Any) -> Any:
    return _reflect_jvp(xp, ts[0], ts[1], None, x, y, xp.eye_of(x, x.shape[-2], x.shape[-1]), False)


_householder_product = general(
    "linalg_householder_product", inputs=("x", "y"), kernel=_product_kernel, vjp=_product_vjp, jvp=_product_jvp,
    batch=batch_with_vectors(1), saved_names=dict(x="input", y="tau"),
)  # fmt: skip


def _check_reflectors(A: Any, tau: Any, name: str) -> None:
    check_tensor(A, name.rpartition(".")[2], "input")
    check_tensor(tau, name.rpartition(".")[2], "tau", 2)
    if A.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")


@public(name="linalg.householder_product", method=False)
def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first n columns of H_1 H_2 ... H_k; A (..., m, n) holds the reflectors, tau (..., k) their scales.

    Differentiable in both; what lies on and above the diagonal of A is not read."""
    name = "torch.linalg.householder_product"
    _check_reflectors(A, tau, name)
    if A.shape[-2] < A.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if A.shape[-1] < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if A.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.ndim} and "
            f"input.ndim is equal to {A.ndim}"
        )
    if A.ndim > 2 and tuple(tau.shape[:-1]) != tuple(A.shape[:-2]):
        raise RuntimeError(
            f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {list(tau.shape[:-1])}"
        )
    if tau.dtype is not A.dtype:
        raise RuntimeError(f"{name}: tau dtype {tau.dtype.scalar_name} does not match input dtype {A.dtype.scalar_name}")
    check_kernel(A, "orgqr_cpu")
    return written(_householder_product(A, tau), out, "linalg_householder_product")


@public
def orgqr(input: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.householder_product`, under LAPACK's name."""
    return householder_product(input, tau, out=out)


# Q C, Q^H C as above; C Q = (Q^H C^H)^H, C Q^H = (Q C^H)^H


def _side(xp: Any, x: Any, left: bool) -> Any:
    return x if left or x is None else mH(xp, x)


def _ormqr_kernel(a: Any, tau: Any, c: Any, *, left: bool, transpose: bool) -> Any:
    y = _reflect(arrays, a, tau, _side(arrays, c, left), transpose == left)[-1]
    return kernels.columns(np.array(_side(arrays, y, left)))


def _ormqr_vjp(xp: Any, g: Any, needs: Any, x: Any, tau: Any, y: Any, left: bool, transpose: bool) -> Any:
    adjoint = transpose == left
    ga, gt, gc = _reflect_vjp(xp, _side(xp, g, left), x, tau, _side(xp, y, left), adjoint)
    return ga, gt, fitted(xp, _side(xp, gc, left), y.shape)


def _ormqr_jvp(xp: Any, ts: Any, x: Any, tau: Any, y: Any, left: bool, transpose: bool) -> Any:
    adjoint = transpose == left
    t = _reflect_jvp(xp, ts[0], ts[1], _side(xp, ts[2], left), x, tau, _side(xp, y, left), adjoint)
    return _side(xp, t, left)


_ormqr = general(
    "ormqr", inputs=("x", "tau", "y"), params=("left", "transpose"), kernel=_ormqr_kernel, vjp=_ormqr_vjp,
    jvp=_ormqr_jvp, batch=batch_with_vectors(1),
)  # fmt: skip


@public
def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Q C (or C Q, or with Q^H) for the square Q = H_1 ... H_k of `geqrf`, C = other. Differentiable in all."""
    name = "torch.ormqr"
    _check_reflectors(input, tau, name)
    if other.ndim < 2:
        raise RuntimeError(f"{name}: other must have at least 2 dimensions.")
    side = -2 if left else -1
    if other.shape[side] != input.shape[-2]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be equal to input.shape[-2]")
    if tau.shape[-1] != min(other.shape[side], input.shape[-1]):
        raise RuntimeError(f"{name}: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    if input.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.ndim} and "
            f"input.ndim is equal to {input.ndim}"
        )
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"{name}: Expected other to have the same number of dimensions as input, but got other.ndim equal to "
            f"{other.ndim} and input.ndim is equal to {input.ndim}"
        )
    if tau.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}: Expected input and tau to have the same dtype, but input has dtype {input.dtype.scalar_name} and "
            "tau "
            f"has dtype {tau.dtype.scalar_name}"
        )
    if other.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but input has dtype {input.dtype.scalar_name} "
            "and "
            f"other has dtype {other.dtype.scalar_name}"
        )
    check_kernel(input, "ormqr_cpu")
    return written(_ormqr(input, tau, other, left=bool(left), transpose=bool(transpose)), out, "ormqr")


for _name in ("linalg.qr", "qr"):
    samples(_name, Case(T(3, 3)), Case(T(4, 2)), Case(T(2, 4)), Case(T(2, 3, 2)))
samples("linalg.householder_product", Case(T(4, 3), T(3)), Case(T(4, 3), T(2)), Case(T(2, 3, 2), T(2, 2)))
samples("orgqr", Case(T(4, 3), T(3)))
samples(
    "ormqr", Case(T(4, 3), T(3), T(4, 2)), Case(T(4, 3), T(3), T(4, 2), transpose=True),
    Case(T(4, 3), T(3), T(2, 4), left=False), Case(T(2, 3, 2), T(2, 2), T(2, 4, 3), left=False, transpose=True),
)  # fmt: skip
samples("geqrf", Case(T(3, 3)), Case(T(4, 2)), Case(T(2, 2, 3)), differentiable=False)

torch_names("linalg", __name__)
