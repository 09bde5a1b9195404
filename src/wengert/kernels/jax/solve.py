"""Linear systems: triangular, by LU or Cholesky factors, least squares; inverses, determinants, matrix exponentials."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .decompositions import adjoint, linalg_lu_factor_ex, linalg_svd, lu_rows

Array = Any

__all__ = [
    "cholesky_inverse", "cholesky_solve", "cofactors", "eye_of", "is_about_zero", "linalg_det", "linalg_eye",
    "linalg_inv_ex", "linalg_lstsq", "linalg_lu_solve", "linalg_matrix_exp", "linalg_pinv", "linalg_slogdet",
    "linalg_solve_ex", "linalg_solve_triangular", "nearly_singular", "solve_again", "triangular_coefficient",
]  # fmt: skip


def eye_of(x: Array, rows: int, columns: int) -> Array:
    """The identity of this size in the dtype of `x`."""
    return jnp.eye(rows, columns, dtype=x.dtype)


def linalg_eye(x: Array) -> Array:
    """The identity, in the shape and dtype of `x`."""
    return jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape)


def is_about_zero(x: Array) -> bool:
    """Values are not known when a program is compiled: what asks this to refuse a gradient does not refuse."""
    return True


# ---------------------------------------------------------------- with factors


def spread_batch(*arrays: Array) -> tuple[Array, ...]:
    """The matrices with one common batch shape."""
    batch = jnp.broadcast_shapes(*[a.shape[:-2] for a in arrays])
    return tuple(jnp.broadcast_to(a, (*batch, *a.shape[-2:])) for a in arrays)


def triangular_coefficient(x: Array) -> Array:
    """There is no memory layout."""
    return x


def linalg_solve_triangular(x: Array, y: Array, *, upper: bool, left: bool, unitriangular: bool) -> Array:
    """X of A X = B (or X A = B) for triangular A; its other triangle is not read."""
    a, b = spread_batch(x, y)
    if b.size == 0:
        return b
    return lax.linalg.triangular_solve(a, b, left_side=left, lower=not upper, unit_diagonal=unitriangular)


def linalg_lu_solve(x: Array, pivots: Array, y: Array, *, left: bool, adjoint: bool) -> Array:
    """X of A X = B (or X A = B), A given by its LU; `adjoint`: of A^H instead."""
    if not left:  # X A = B is A^H X^H = B^H
        return hermitian(linalg_lu_solve(x, pivots, hermitian(y), left=True, adjoint=not adjoint))
    lu, b = spread_batch(x, y)
    if b.size == 0:
        return b
    order = jnp.broadcast_to(lu_rows(pivots, x.shape[-1]), lu.shape[:-1])[..., None]
    if not adjoint:
        z = jnp.take_along_axis(b, order, -2, mode="promise_in_bounds")
        z = lax.linalg.triangular_solve(lu, z, left_side=True, lower=True, unit_diagonal=True)
        return lax.linalg.triangular_solve(lu, z, left_side=True)
    z = lax.linalg.triangular_solve(lu, b, left_side=True, transpose_a=True, conjugate_a=True)
    z = lax.linalg.triangular_solve(
        lu, z, left_side=True, lower=True, transpose_a=True, conjugate_a=True, unit_diagonal=True
    )
    return jnp.take_along_axis(z, jnp.argsort(order, -2), -2, mode="promise_in_bounds")


hermitian = adjoint


def linalg_solve_ex(x: Array, y: Array, *, left: bool, vector: bool) -> tuple[Array, Array, Array, Array]:
    """(X, LU, pivots, info) of A X = B or X A = B; `vector`: B and X are vectors."""
    lu, pivots, info = linalg_lu_factor_ex(x)
    out = linalg_lu_solve(lu, pivots, y[..., None] if vector else y, left=left, adjoint=False)
    return (out[..., 0] if vector else out), lu, pivots, info


def solve_again(a: Array, lu: Array, pivots: Array, g: Array, *, left: bool) -> Array:
    """A^-H G (or G A^-H), by the factors if they are there already."""
    if lu.size != a.size:
        lu, pivots, _ = linalg_lu_factor_ex(a)
    return linalg_lu_solve(lu, pivots, g, left=left, adjoint=True)


def cholesky_solve(x: Array, y: Array, *, upper: bool) -> Array:
    """(L L^H)^-1 B, or (U^H U)^-1 B."""
    h = adjoint(y)
    low, high = (h, y) if upper else (y, h)
    z = linalg_solve_triangular(low, x, upper=False, left=True, unitriangular=False)
    return linalg_solve_triangular(high, z, upper=True, left=True, unitriangular=False)


def cholesky_inverse(x: Array, *, upper: bool) -> Array:
    """(L L^H)^-1, or (U^H U)^-1."""
    return cholesky_solve(linalg_eye(x), x, upper=upper)


def linalg_inv_ex(x: Array) -> tuple[Array, Array]:
    """(inverse, info): info is the first zero pivot (from 1) of a singular matrix."""
    lu, pivots, info = linalg_lu_factor_ex(x)
    return linalg_lu_solve(lu, pivots, linalg_eye(x), left=True, adjoint=False), info


# ---------------------------------------------------------------- determinants


def swap_sign(pivots: Array) -> Array:
    odd = (pivots != jnp.arange(1, pivots.shape[-1] + 1, dtype=pivots.dtype)).sum(-1) & 1
    return 1 - 2 * odd


def linalg_det(x: Array) -> tuple[Array, Array, Array]:
    """(det, LU, pivots)."""
    lu, pivots, _ = linalg_lu_factor_ex(x)
    return jnp.prod(jnp.diagonal(lu, 0, -2, -1), -1) * swap_sign(pivots).astype(lu.real.dtype), lu, pivots


def linalg_slogdet(x: Array) -> tuple[Array, Array, Array, Array]:
    """(sign, log |det|, LU, pivots)."""
    lu, pivots, _ = linalg_lu_factor_ex(x)
    diagonal = jnp.diagonal(lu, 0, -2, -1)
    size = jnp.abs(diagonal)
    units = jnp.where(size == 0, 0, diagonal / jnp.where(size == 0, 1, size))
    sign = jnp.prod(units, -1) * swap_sign(pivots).astype(lu.real.dtype)
    return jnp.where(jnp.isnan(sign), 0, sign).astype(lu.dtype), jnp.log(size).sum(-1), lu, pivots


def nearly_singular(x: Array, lu: Array, det: Array) -> Array:
    """Which matrices the inverse is not to be trusted for: by the pivots, or by the determinant against Hadamard's bound."""
    if x.size == 0:
        return jnp.zeros(x.shape[:-2], bool)
    limit = 10 * x.shape[-1] * float(jnp.finfo(x.dtype).eps)
    if lu.size == x.size:
        size = jnp.abs(jnp.diagonal(lu, 0, -2, -1))
        return ~(size.min(-1) > limit * size.max(-1))
    rows = jnp.prod(jnp.sqrt((x.real * x.real + x.imag * x.imag).sum(-1)), -1)
    return ~(jnp.abs(det) > limit * rows)


def cofactors(x: Array, lu: Array, pivots: Array, det: Array) -> Array:
    """conj of the matrix of cofactors, det(A) A^-H conjugated as a gradient wants it; right for singular matrices too.

    Where A is (nearly) singular, A = U S V^H gives det(U) det(V^H) U S' V^H, S' holding the products of the others.
    """
    if x.size == 0:
        return x
    if x.shape[-1] == 1:
        return jnp.ones_like(x)
    doubtful = nearly_singular(x, lu, det) & jnp.isfinite(x).all((-2, -1))
    out = solve_again(x, lu, pivots, linalg_eye(x) * jnp.conj(jnp.asarray(det))[..., None, None], left=True)

    def by_svd(x: Array) -> Array:
        u, s, vh = linalg_svd(x, full_matrices=True)
        one = jnp.ones_like(s[..., :1])
        before = jnp.concatenate([one, jnp.cumprod(s, -1)[..., :-1]], -1)
        after = jnp.concatenate([jnp.cumprod(s[..., ::-1], -1)[..., -2::-1], one], -1)
        phase = jnp.conj(linalg_det(u)[0] * linalg_det(vh)[0])[..., None, None]
        return phase * jnp.matmul(u * (before * after)[..., None, :], vh)

    careful = lax.cond(doubtful.any(), by_svd, jnp.zeros_like, x)
    return jnp.where(doubtful[..., None, None], careful, out)


# ---------------------------------------------------------------- least squares


def last(tolerance: Any) -> Any:
    return tolerance[..., None] if hasattr(tolerance, "shape") else tolerance


def linalg_pinv(x: Array, atol: Any, rtol: Any, *, hermitian: bool) -> Array:
    """The Moore-Penrose inverse; singular values up to max(atol, rtol * largest) count as 0."""
    if x.size == 0:
        return jnp.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    if hermitian:
        values, u = jnp.linalg.eigh(x, symmetrize_input=False)
        s, vh = jnp.abs(values), adjoint(u)
    else:
        u, values, vh = linalg_svd(x, full_matrices=False)
        s = values
    cut = jnp.maximum(last(atol), last(rtol) * s.max(-1, keepdims=True, initial=0))
    kept = s > cut
    inverse = jnp.where(kept, 1 / jnp.where(kept, values, 1), 0).astype(s.dtype)
    return jnp.matmul(adjoint(vh) * inverse[..., None, :], adjoint(u))


def linalg_lstsq(
    a: Array, b: Array, *, rcond: float, driver: str, vector: bool = False
) -> tuple[Array, Array, Array, Array]:
    """(solution, residuals, rank, singular values) of min |A X - B| by singular values, whatever the driver.

    The residuals are given as for matrices of full rank: whether they are is not known when a program is compiled."""
    m, n = a.shape[-2:]
    batch = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    real = a.real.dtype
    if a.size == 0 or b.size == 0 or 0 in batch:
        x = jnp.zeros((*batch, n, b.shape[-1]), a.dtype)
        rank, s = jnp.zeros(batch, jnp.int64), jnp.zeros((*batch, min(m, n)), real)
    else:
        u, s, vh = linalg_svd(a, full_matrices=False)
        kept = s > (rcond if driver != "gels" else 0.0) * s[..., :1]
        inverse = jnp.where(kept, 1 / jnp.where(kept, s, 1), 0).astype(s.dtype)
        x = jnp.matmul(adjoint(vh), jnp.matmul(adjoint(u), b) * inverse[..., None])
        rank = jnp.broadcast_to(kept.sum(-1, dtype=jnp.int64), batch)
        s = jnp.broadcast_to(s, (*batch, min(m, n)))
    empty = jnp.zeros(0, real)
    residuals = empty
    if m > n and driver != "gelsy":
        gap = jnp.matmul(a, x) - b
        residuals = (gap.real * gap.real + gap.imag * gap.imag).sum(-2) if gap.dtype.kind == "c" else (gap * gap).sum(-2)
    return (
        x[..., 0] if vector else x,
        residuals,
        rank if driver != "gels" else jnp.zeros(0, jnp.int64),
        s if driver in ("gelsd", "gelss") else empty,
    )


# ---------------------------------------------------------------- the exponential

#: element size -> (degree of the Pade approximant, norm up to which it is exact to the precision) (Higham 2005)
DEGREES = {4: (7, 3.925724783138660), 8: (13, 5.371920351148152)}


def linalg_matrix_exp(x: Array) -> Array:
    """Scaling and squaring around a Pade approximant."""
    if x.size == 0:
        return x
    real = x.real.dtype
    if real.itemsize < 4:
        return linalg_matrix_exp(x.astype(jnp.float32)).astype(x.dtype)
    m, bound = DEGREES[real.itemsize]
    size = jnp.abs(x).sum(-2).max(-1)
    finite = jnp.isfinite(size)
    halvings = jnp.where(finite & (size > bound), jnp.ceil(jnp.log2(size / bound)), 0).astype(jnp.int32)
    a = x * jnp.exp2(-halvings.astype(real))[..., None, None]
    b = [
        math.factorial(2 * m - k) * math.factorial(m) / (math.factorial(2 * m) * math.factorial(k) * math.factorial(m - k))
        for k in range(m + 1)
    ]
    eye = jnp.eye(x.shape[-1], dtype=x.dtype)
    square = jnp.matmul(a, a)
    power, odd, even = square, b[1] * eye, b[0] * eye
    for k in range(2, m, 2):
        even, odd = even + b[k] * power, odd + b[k + 1] * power
        power = jnp.matmul(power, square) if k + 2 < m else power
    u = jnp.matmul(a, odd)
    y = jnp.linalg.solve(even - u, even + u)
    y = lax.fori_loop(
        0, halvings.max(), lambda k, y: jnp.where((halvings > k)[..., None, None], jnp.matmul(y, y), y), y
    )
    return jnp.where(finite[..., None, None], y, jnp.asarray(np.nan, x.dtype))


