"""Eigenvalues and singular values."""

from __future__ import annotations

from typing import Any

from ..core.deferred import refuse_where
from ..core.modes import mode
from ..core.primitive import general, ops
from ..core.return_types import return_type
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import linalg as kernels
from .install import public
from .linalg_common import (
    batch_matrices,
    check_inexact,
    check_kernel,
    check_matrix,
    check_square,
    check_tensor,
    diag,
    diagonal,
    hermitian_part,
    mH,
    plus,
    torch_names,
    written,
)  # fmt: skip

PHASE = (
    "The {} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss function depends "
    "on "
    "this {}"
)


def _differentiated(x: Tensor) -> bool:
    """Whether a derivative of what is made from `x` may be asked for."""
    return bool(x._level) or (x.requires_grad and mode().grad)


# ---------------------------------------------------------------- Hermitian matrices


def _gaps(xp: Any, values: Any) -> Any:
    """values[j] - values[i], with ones on the diagonal."""
    return values[..., None, :] - values[..., :, None] + diag(xp, xp.ones_like(values))


def _no_diagonal(xp: Any, x: Any) -> Any:
    return x - diag(xp, diagonal(xp, x))


def _eigh_vjp(xp: Any, gs: Any, needs: Any, x_dtype: Any, out0: Any, out1: Any) -> Any:
    gl, gv = gs
    vh = mH(xp, out1)
    if gv is None:
        return (xp.matmul(out1 * gl[..., None, :], vh),)
    inner = xp.matmul(vh, gv)
    if x_dtype.is_complex and not xp.is_about_zero(xp.imag(diagonal(xp, inner))):
        raise RuntimeError("linalg_eigh_backward: " + PHASE.format("eigenvectors", "quantity, so it is ill-defined."))
    inner = _no_diagonal(xp, inner) / _gaps(xp, out0)
    if gl is not None:
        inner = inner + diag(xp, gl)
    return (hermitian_part(xp, xp.matmul(out1, xp.matmul(inner, vh))),)


def _eigh_jvp(xp: Any, ts: Any, out0: Any, out1: Any) -> Any:
    inner = xp.matmul(mH(xp, out1), xp.matmul(hermitian_part(xp, ts[0]), out1))
    dv = xp.matmul(out1, _no_diagonal(xp, inner) / _gaps(xp, out0))
    return xp.real(diagonal(xp, inner)), dv


_eigh = general(
    "linalg_eigh", params=("uplo",), n_outputs=2, kernel=kernels.eigh, vjp=_eigh_vjp, jvp=_eigh_jvp,
    batch=batch_matrices, saved_names=dict(out0="eigenvalues", out1="eigenvectors"),
)  # fmt: skip
_eigvalsh = general("linalg_eigvalsh", params=("uplo",), kernel=kernels.eigvalsh, batch=batch_matrices)
_Eigh = return_type("linalg_eigh", "eigenvalues", "eigenvectors")


def _check_eigh(A: Any, UPLO: str) -> str:
    check_square(A, "linalg.eigh")
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    check_kernel(A, "linalg_eigh_cpu")
    return UPLO.upper()


@public(name="linalg.eigh", method=False)
def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """(eigenvalues, eigenvectors) of a Hermitian A (..., n, n), ascending; one triangle is read.

    Differentiable where the eigenvalues are distinct; a loss that depends on the phase of complex eigenvectors is an
    error."""
    return written(_Eigh(_eigh(A, uplo=_check_eigh(A, UPLO))), out, "linalg_eigh")


@public(name="linalg.eigvalsh", method=False)
def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of `eigh`."""
    uplo = _check_eigh(A, UPLO)
    y = _eigh(A, uplo=uplo)[0] if _differentiated(A) else _eigvalsh(A, uplo=uplo)
    return written(y, out, "linalg_eigvalsh")


# ---------------------------------------------------------------- any square matrix


def _eig_vjp(xp: Any, gs: Any, needs: Any, x_dtype: Any, out0: Any, out1: Any) -> Any:
    gl, gv = gs
    vh = mH(xp, out1)
    if gv is None:
        inner = diag(xp, gl)
    else:
        inner = xp.matmul(vh, gv)
        sizes = diagonal(xp, inner)
        if not xp.is_about_zero(xp.imag(sizes)):
            raise RuntimeError("linalg_eig_backward: " + PHASE.format("eigenvectors", "quantity, so it is ill-defined."))
        # eigenvectors have norm 1: what would change their length is projected out
        inner = inner - xp.matmul(vh, out1) * xp.real(sizes)[..., None, :]
        inner = _no_diagonal(xp, inner) / xp.conj(_gaps(xp, out0))
        if gl is not None:
            inner = inner + diag(xp, gl)
    ga = xp.linalg_solve_ex(vh, xp.matmul(inner, vh), left=True, vector=False)[0]
    return (ga if x_dtype.is_complex else xp.real(ga),)


def _eig_jvp(xp: Any, ts: Any, out0: Any, out1: Any, x_dtype: Any) -> Any:
    t = ts[0] if x_dtype.is_complex else xp.to_dtype(ts[0], dtype=out1.dtype.np)
    inner = xp.linalg_solve_ex(out1, xp.matmul(t, out1), left=True, vector=False)[0]
    dv = xp.matmul(out1, _no_diagonal(xp, inner) / _gaps(xp, out0))
    along = xp.real(xp.sum(xp.conj(out1) * dv, dim=(dv.ndim - 2,), keepdim=True))
    return diagonal(xp, inner), dv - out1 * along


_eig = general(
    "linalg_eig", n_outputs=2, kernel=kernels.eig, vjp=_eig_vjp, jvp=_eig_jvp, batch=batch_matrices,
    saved_names=dict(out0="eigenvalues", out1="eigenvectors"),
)  # fmt: skip
_eigvals = general("linalg_eigvals", kernel=kernels.eigvals, batch=batch_matrices)
_Eig = return_type("linalg_eig", "eigenvalues", "eigenvectors")


def _check_eig(A: Any, name: str) -> None:
    check_square(A, name)
    if A.dtype.category < 2:
        raise RuntimeError(f"Unknown Complex ScalarType for {A.dtype.scalar_name}")
    check_kernel(A, "linalg_eig_out_cpu")
    if not A._level:
        refuse_where(
            ~ops.isfinite(A.detach()),  # type: ignore[attr-defined]
            lambda: RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs."),
        )


@public(name="linalg.eig", method=False)
def eig(A: Tensor, *, out: Any = None) -> Any:
    """(eigenvalues, eigenvectors), complex, of A (..., n, n); eigenvectors have norm 1.

    Differentiable where the eigenvalues are distinct; a loss that depends on the phase of eigenvectors is an error."""
    _check_eig(A, "linalg.eig")
    return written(_Eig(_eig(A)), out, "linalg_eig")


@public(name="linalg.eigvals", method=False)
def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of `eig`, complex."""
    _check_eig(A, "linalg.eig" if _differentiated(A) else "linalg.eigvals")
    return written(_eig(A)[0] if _differentiated(A) else _eigvals(A), out, "linalg_eigvals")


# ---------------------------------------------------------------- singular values


def _square_gaps(xp: Any, s: Any) -> Any:
    """s_j^2 - s_i^2 without cancellation, with ones on the diagonal."""
    row, column = s[..., None, :], s[..., :, None]
    return (row - column) * (row + column) + diag(xp, xp.ones_like(s))


def _svd_vjp(xp: Any, gs: Any, needs: Any, x_dtype: Any, x_shape: Any, out0: Any, out1: Any, out2: Any,
             full_matrices: bool) -> Any:  # fmt: skip
    gu, g_s, gvh = gs
    (m, n), k = x_shape[-2:], min(x_shape[-2:])
    u, s, vh = out0, out1, out2
    if full_matrices and m > k:  # what the other columns of U ask for, the first ones pay: dU2 = -U1 dU1^H U2
        u, u2 = out0[..., :, :k], out0[..., :, k:]
        if gu is not None:
            gu = gu[..., :, :k] - xp.matmul(u2, xp.matmul(mH(xp, gu[..., :, k:]), u))
    if full_matrices and n > k:
        vh, v2h = out2[..., :k, :], out2[..., k:, :]
        if gvh is not None:
            gvh = gvh[..., :k, :] - xp.matmul(vh, xp.matmul(mH(xp, gvh[..., k:, :]), v2h))
    if gu is None and gvh is None:
        return (xp.matmul(u * g_s[..., None, :], vh),)
    uhgu = None if gu is None else xp.matmul(mH(xp, u), gu)
    vhgv = None if gvh is None else xp.matmul(vh, mH(xp, gvh))
    skew_u = None if uhgu is None else uhgu - mH(xp, uhgu)
    skew_v = None if vhgv is None else vhgv - mH(xp, vhgv)
    if x_dtype.is_complex:
        both = plus(skew_u, skew_v)
        if not xp.is_about_zero(0.5 * xp.imag(diagonal(xp, both))):
            raise RuntimeError("svd_backward: " + PHASE.format("singular vectors", "phase term, making it ill-defined."))
    gaps = _square_gaps(xp, s)
    inner = None
    if skew_u is not None:
        inner = _no_diagonal(xp, skew_u) / gaps * s[..., None, :]
    if skew_v is not None:
        inner = plus(inner, s[..., :, None] * (_no_diagonal(xp, skew_v) / gaps))
    if x_dtype.is_complex and skew_u is not None:
        inner = inner + diag(xp, diagonal(xp, skew_u) / (2 * s))
    if g_s is not None:
        inner = inner + diag(xp, g_s)
    core = xp.matmul(u, inner)
    if m > k and gu is not None:
        core = core + (gu - xp.matmul(u, uhgu)) / s[..., None, :]
    ga = xp.matmul(core, vh)
    if n > k and gvh is not None:
        rest = gvh - xp.matmul(mH(xp, vhgv), vh)
        ga = ga + xp.matmul(u, rest / s[..., :, None])
    return (ga,)


def _svd_jvp(xp: Any, ts: Any, x_dtype: Any, x_shape: Any, out0: Any, out1: Any, out2: Any, full_matrices: bool) -> Any:
    t = ts[0]
    (m, n), k = x_shape[-2:], min(x_shape[-2:])
    s = out1
    u, vh = out0[..., :, :k], out2[..., :k, :]
    uht, tv = xp.matmul(mH(xp, u), t), xp.matmul(t, mH(xp, vh))
    p = xp.matmul(uht, mH(xp, vh))
    ph = mH(xp, p)
    gaps = _square_gaps(xp, s)
    row, column = s[..., None, :], s[..., :, None]
    in_u = _no_diagonal(xp, p * row + column * ph) / gaps
    in_v = _no_diagonal(xp, column * p + ph * row) / gaps
    if x_dtype.is_complex:  # the free phase is shared equally
        d = diagonal(xp, p)
        turn = diag(xp, (d - xp.conj(d)) / (4 * s))
        in_u, in_v = in_u + turn, in_v - turn
    du = xp.matmul(u, in_u)
    dvh = xp.matmul(mH(xp, in_v), vh)
    if m > k:
        du = du + (tv - xp.matmul(u, p)) / row
    if n > k:
        dvh = dvh + (uht - xp.matmul(p, vh)) / column
    if full_matrices and m > k:
        u2 = out0[..., :, k:]
        du = xp.cat([du, -xp.matmul(u, xp.matmul(mH(xp, du), u2))], du.ndim - 1)
    if full_matrices and n > k:
        v2h = out2[..., k:, :]
        dvh = xp.cat([dvh, -xp.matmul(v2h, xp.matmul(mH(xp, dvh), vh))], dvh.ndim - 2)
    return du, xp.real(diagonal(xp, p)), dvh


_svd = general(
    "linalg_svd", params=("full_matrices",), n_outputs=3, kernel=kernels.svd, vjp=_svd_vjp, jvp=_svd_jvp,
    batch=batch_matrices, saved_names=dict(out0="U", out1="S", out2="Vh"),
)  # fmt: skip
_svdvals = general("linalg_svdvals", kernel=kernels.svdvals, batch=batch_matrices)
_LinalgSvd = return_type("linalg_svd", "U", "S", "Vh")
_Svd = return_type("svd", "U", "S", "V")


def _check_svd(A: Any, driver: str | None = None) -> None:
    check_matrix(A, "linalg.svd")
    check_inexact(A, "linalg.svd")
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )
    check_kernel(A, "linalg_svd_cpu")


@public(name="linalg.svd", method=False)
def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh, S descending; A (..., m, n).

    Differentiable where the singular values are distinct (and not 0, if m != n); a loss that depends on the phase of
    complex singular vectors is an error."""
    _check_svd(A, driver)
    return written(_LinalgSvd(_svd(A, full_matrices=bool(full_matrices))), out, "linalg_svd")


@public(name="linalg.svdvals", method=False)
def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values of A (..., m, n), descending."""
    _check_svd(A, driver)
    y = _svd(A, full_matrices=False)[1] if _differentiated(A) else _svdvals(A)
    return written(y, out, "linalg_svdvals")


@public
def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """(U, S, V) with input = U diag(S) V^H. Deprecated: `linalg.svd`."""
    check_tensor(input, "svd", "input")
    if input.ndim < 2:
        raise RuntimeError(f"linalg.svd: input should have at least 2 dimensions, but has {input.ndim} dimensions instead")
    if compute_uv:
        _check_svd(input)
        u, s, vh = _svd(input, full_matrices=not some)
        v = vh.mH if input.dtype.is_complex else vh.mT
    else:
        s = svdvals(input)
        m, n = input.shape[-2:]
        u, v = (ops.zeros((*input.shape[:-2], i, i), dtype=input.dtype) for i in (m, n))
    return written(_Svd((u, s, v)), out, "svd")


_H = (Case(T(3, 3, kind="hermitian")), Case(T(2, 3, 3, kind="hermitian")), Case(T(3, 3, kind="hermitian"), UPLO="U"))
for _name in ("linalg.eigh", "linalg.eigvalsh"):
    samples(_name, *_H, hermitian=True, gauge="phase")
for _name in ("linalg.eig", "linalg.eigvals"):
    samples(_name, Case(T(3, 3)), Case(T(2, 3, 3)), gauge="phase")
samples(
    "linalg.svd", Case(T(3, 3)), Case(T(4, 2), full_matrices=False), Case(T(2, 4), False), Case(T(2, 3, 2), False),
    gauge="phase",
)  # fmt: skip
samples("svd", Case(T(3, 3)), Case(T(4, 2)), Case(T(2, 3)), gauge="phase")
samples("linalg.svdvals", Case(T(3, 3)), Case(T(4, 2)), Case(T(2, 2, 3)))

torch_names("linalg", __name__)
