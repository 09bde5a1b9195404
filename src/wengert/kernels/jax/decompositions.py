"""LU, QR, Cholesky, spectra and singular values, batched: XLA's own, which are LAPACK's on a CPU."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .. import linalg as on_arrays
from .host import on_host

Array = Any

__all__ = [
    "geqrf", "linalg_cholesky_ex", "linalg_eig", "linalg_eigh", "linalg_eigvals", "linalg_eigvalsh",
    "linalg_householder_product", "linalg_ldl_factor_ex", "linalg_ldl_solve", "linalg_lu", "linalg_lu_factor_ex",
    "linalg_qr", "linalg_svd", "linalg_svdvals", "lu_permutation", "lu_unpack", "ormqr",
]  # fmt: skip


def transposed(x: Array) -> Array:
    return jnp.swapaxes(x, -1, -2)


def adjoint(x: Array) -> Array:
    return jnp.swapaxes(x.conj(), -1, -2)


# ---------------------------------------------------------------- LU


def linalg_lu_factor_ex(x: Array) -> tuple[Array, Array, Array]:
    """(LU, pivots, info): pivots count from 1; info is the first zero on the diagonal of U (from 1), or 0."""
    *batch, m, n = x.shape
    if x.size == 0:
        return x, jnp.zeros((*batch, min(m, n)), jnp.int32), jnp.zeros(batch, jnp.int32)
    lu, pivots, _ = lax.linalg.lu(x)
    zero = jnp.diagonal(lu, 0, -2, -1) == 0
    info = jnp.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(jnp.int32)
    return lu, (pivots + 1).astype(jnp.int32), info


def lu_rows(pivots: Array, rows: int) -> Array:
    """The order of rows that the pivots (swaps, from 1) make: row i of the permuted matrix was row order[i]."""
    if not pivots.shape[-1]:
        return jnp.broadcast_to(jnp.arange(rows), (*pivots.shape[:-1], rows))
    return lax.linalg.lu_pivots_to_permutation(pivots.astype(jnp.int32) - 1, rows)


def lu_permutation(pivots: Array, *, rows: int, dtype: Any) -> Array:
    """The matrix P of A = P L U."""
    order = lu_rows(pivots, rows)
    return (order[..., None, :] == jnp.arange(rows)[:, None]).astype(getattr(dtype, "np", dtype))


def lu_unpack(x: Array, pivots: Array, *, rows: int) -> tuple[Array, Array, Array]:
    """(P, L, U) from LU and the pivots."""
    k = min(x.shape[-2:])
    lower = jnp.tril(x[..., :k], -1) + jnp.eye(x.shape[-2], k, dtype=x.dtype)
    return lu_permutation(pivots, rows=rows, dtype=x.dtype), lower, jnp.triu(x[..., :k, :])


def linalg_lu(x: Array) -> tuple[Array, Array, Array]:
    lu, pivots, _ = linalg_lu_factor_ex(x)
    return lu_unpack(lu, pivots, rows=x.shape[-2])


# ---------------------------------------------------------------- Cholesky, LDL


def linalg_cholesky_ex(x: Array, *, upper: bool) -> tuple[Array, Array]:
    """(factor, info): info is the order of the first leading minor that is not positive, or 0; the factor is nan then."""
    if x.size == 0:
        return x, jnp.zeros(x.shape[:-2], jnp.int32)
    lower = adjoint(x) if upper else x
    factor = lax.linalg.cholesky(lower, symmetrize_input=False)
    bad = jnp.isnan(jnp.diagonal(factor, 0, -2, -1)).any(-1)
    info = lax.cond(bad.any(), first_minor, lambda a: jnp.zeros(a.shape[:-2], jnp.int32), lower)
    info = jnp.where(bad, info, 0)
    return (adjoint(factor) if upper else factor), info


def first_minor(x: Array) -> Array:
    """The order of the first leading minor that is not positive: where elimination meets such a pivot."""
    n = x.shape[-1]

    def eliminate(k: Any, state: tuple[Array, Array]) -> tuple[Array, Array]:
        a, info = state
        pivot = jnp.take(jnp.diagonal(a, 0, -2, -1).real, k, -1)
        info = jnp.where((info == 0) & ~(pivot > 0), k + 1, info).astype(jnp.int32)
        column = jnp.take(a, k, -1)
        scaled = column / jnp.where(pivot == 0, 1, pivot)[..., None]
        return a - scaled[..., :, None] * column.conj()[..., None, :], info

    whole = jnp.tril(x) + adjoint(jnp.tril(x, -1))
    return lax.fori_loop(0, n, eliminate, (whole, jnp.zeros(x.shape[:-2], jnp.int32)))[1]


def linalg_ldl_factor_ex(x: Array, *, hermitian: bool) -> tuple[Array, Array, Array]:
    """(LD, pivots, info) by Bunch and Kaufman."""
    batch = x.shape[:-2]
    like = (
        jax.ShapeDtypeStruct(x.shape, x.dtype),
        jax.ShapeDtypeStruct(x.shape[:-1], jnp.int32),
        jax.ShapeDtypeStruct(batch, jnp.int32),
    )
    found: tuple[Array, Array, Array] = on_host(
        "linalg_ldl_factor_ex", on_arrays.ldl_factor, x, like=like, hermitian=hermitian
    )
    return found


def linalg_ldl_solve(x: Array, pivots: Array, y: Array, *, hermitian: bool) -> Array:
    """X of A X = B from the factors of `linalg_ldl_factor_ex`."""
    batch = jnp.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    like = jax.ShapeDtypeStruct((*batch, *y.shape[-2:]), y.dtype)
    return on_host("linalg_ldl_solve", on_arrays.ldl_solve, x, pivots, y, like=like, hermitian=hermitian)


# ---------------------------------------------------------------- QR, reflections


def linalg_qr(x: Array, *, mode: str) -> tuple[Array, Array]:
    """(Q, R); Q is an empty vector for mode "r"."""
    if mode == "r":
        return jnp.zeros(0, x.dtype), jnp.linalg.qr(x, "r")
    q, r = jnp.linalg.qr(x, mode)
    return q, r


def geqrf(x: Array) -> tuple[Array, Array]:
    """(a, tau): R above the reflectors, and their scales."""
    *batch, m, n = x.shape
    if x.size == 0:
        return x, jnp.zeros((*batch, min(m, n)), x.dtype)
    a, tau = jnp.linalg.qr(x, "raw")
    return transposed(a), tau


def linalg_householder_product(x: Array, y: Array) -> Array:
    """The first columns of the product of the reflections whose vectors stand below the diagonal of x, scales in y."""
    if x.size == 0:
        return x
    return lax.linalg.householder_product(x, y)


def ormqr(x: Array, tau: Array, y: Array, *, left: bool, transpose: bool) -> Array:
    """Q C, Q^H C, C Q or C Q^H."""
    c = y if left else adjoint(y)
    k = tau.shape[-1]
    v = jnp.tril(x[..., :k], -1) + jnp.eye(x.shape[-2], k, dtype=x.dtype)
    q_adjoint = transpose == left
    scales = tau.conj() if q_adjoint else tau

    def reflect(i: Any, c: Array) -> Array:
        at = i if q_adjoint else k - 1 - i
        column = lax.dynamic_slice_in_dim(v, at, 1, -1)
        scale = lax.dynamic_slice_in_dim(scales, at, 1, -1)[..., None]
        return c - scale * jnp.matmul(column, jnp.matmul(adjoint(column), c))

    batch = jnp.broadcast_shapes(v.shape[:-2], c.shape[:-2])
    c = lax.fori_loop(0, k, reflect, jnp.broadcast_to(c, (*batch, *c.shape[-2:])))
    return c if left else adjoint(c)


# ---------------------------------------------------------------- spectra


def linalg_eig(x: Array) -> tuple[Array, Array]:
    """(eigenvalues, eigenvectors), complex."""
    values, vectors = jnp.linalg.eig(x)
    return values, vectors


def linalg_eigvals(x: Array) -> Array:
    return jnp.linalg.eigvals(x)


def linalg_eigh(x: Array, *, uplo: str) -> tuple[Array, Array]:
    """(ascending eigenvalues, eigenvectors) from one triangle of a Hermitian matrix."""
    if x.size == 0:
        return jnp.zeros(x.shape[:-1], x.real.dtype), x
    values, vectors = jnp.linalg.eigh(x, uplo, symmetrize_input=False)
    return values, vectors


def linalg_eigvalsh(x: Array, *, uplo: str) -> Array:
    return linalg_eigh(x, uplo=uplo)[0]


def linalg_svd(x: Array, *, full_matrices: bool) -> tuple[Array, Array, Array]:
    u, s, vh = jnp.linalg.svd(x, full_matrices=full_matrices)
    return u, s, vh


def linalg_svdvals(x: Array) -> Array:
    return jnp.linalg.svd(x, compute_uv=False)
