"""Randomized decompositions of low rank (Halko, Martinsson and Tropp), and functions that PyTorch removed."""

from __future__ import annotations

from typing import Any

from ..core.primitive import ops
from ..core.tensor import Tensor
from .install import FUNCTIONS, public
from .linalg_common import mH

# ---------------------------------------------------------------- low rank


def _range_basis(A: Tensor, q: int, niter: int) -> Tensor:
    """Q (..., m, q), orthonormal, whose span nearly holds the range of A."""
    qr = FUNCTIONS["linalg.qr"]
    r = FUNCTIONS["randn"](A.shape[-1], q, dtype=A.dtype)
    basis = qr(ops.matmul(A, r))[0]
    for _ in range(niter):
        basis = qr(ops.matmul(mH(ops, A), basis))[0]
        basis = qr(ops.matmul(A, basis))[0]
    return basis


@public(method=False)
def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """(U, S, V) with A - M nearly U diag(S) V^H, of rank q, from random projections (`niter` power iterations)."""
    q = 6 if q is None else q
    niter = 2 if niter is None else niter
    m, n = A.shape[-2:]
    if M is not None:
        A = A - M.expand(*A.shape)  # type: ignore[attr-defined, operator]
    wide = m < n
    if wide:
        A = mH(ops, A)
    basis = _range_basis(A, q, niter)
    u, s, vh = FUNCTIONS["linalg.svd"](ops.matmul(mH(ops, basis), A), full_matrices=False)
    u, v = ops.matmul(basis, u), mH(ops, vh)
    return (v, s, u) if wide else (u, s, v)


@public(method=False)
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """(U, S, V): `svd_lowrank` of A with the mean of each column taken away."""
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if center:
        A = A - ops.mean(A, dim=(A.ndim - 2,), keepdim=True)  # type: ignore[operator]
    return svd_lowrank(A, q, niter=niter)


# ---------------------------------------------------------------- removed

_GONE = "This function was deprecated since version 1.9 and is now removed."


def _removed(name: str, why: str, instead: str, method: bool = True) -> None:
    message = f"{_GONE}{why}\n{instead}"

    def gone(*args: Any, **named: Any) -> Any:
        raise RuntimeError(message)

    gone.__name__ = gone.__qualname__ = name
    gone.__doc__ = f"Removed from PyTorch. {instead}"
    public(gone, name=name, method=method)


_removed(
    "symeig",
    " The default behavior has changed from using the upper triangular portion of the matrix by default to using the "
    "lower triangular portion.",
    "Write torch.linalg.eigh(A, UPLO='U') or torch.linalg.eigvalsh.",
)
_removed(
    "eig",
    " `torch.linalg.eig` returns complex tensors of dtype `cfloat` or `cdouble` rather than real tensors mimicking "
    "complex tensors.",
    "Write torch.linalg.eig(A) or torch.linalg.eigvals(A).",
)
_removed("matrix_rank", "", "Write torch.linalg.matrix_rank(A); `symmetric` is now called `hermitian`.", False)
_removed(
    "lstsq",
    " `torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`.",
    "Write torch.linalg.lstsq(A, B).solution (the arguments change places).",
)
_removed(
    "solve",
    " `torch.solve` is deprecated in favor of `torch.linalg.solve`. `torch.linalg.solve` has its arguments reversed "
    "and does not return the LU factorization.",
    "Write torch.linalg.solve(A, B).",
)
