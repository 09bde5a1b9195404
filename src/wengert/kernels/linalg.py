"""Decompositions and solvers on arrays: NumPy and LAPACK (by way of SciPy), batched over the leading dimensions.

Matrices are laid out by columns, as LAPACK leaves them and as PyTorch shows in the strides. LU and what is solved with
it run column by column over the whole batch when the matrices are many and small, else matrix by matrix in LAPACK.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any


class LinAlgError(RuntimeError):
    """A decomposition that does not exist: a singular or not positive definite matrix."""


LinAlgError.__module__, LinAlgError.__qualname__, LinAlgError.__name__ = "torch._C", "_LinAlgError", "_LinAlgError"
_PREFIX = {"f": "s", "d": "d", "F": "c", "D": "z"}


def lapack(name: str, kind: Any) -> Callable[..., Any]:
    """The LAPACK routine `name` for arrays of dtype `kind`. `sy`, `or` become `he`, `un` by the caller."""
    from scipy.linalg import lapack as routines

    routine: Callable[..., Any] = getattr(routines, _PREFIX[kind.char] + name)
    return routine


def columns(x: Array) -> Array:
    """`x` with its matrices laid out by columns."""
    y = x.swapaxes(-1, -2)
    return x if y.flags.c_contiguous else np.ascontiguousarray(y).swapaxes(-1, -2)


def over_batch(fn: Callable[..., Any], *arrays: Array) -> Any:
    """`fn` on each matrix of the (broadcast) batch; its results, or tuples of results, stacked."""
    batch = np.broadcast_shapes(*[a.shape[:-2] for a in arrays])
    if not batch:
        return fn(*arrays)
    flat = [np.broadcast_to(a, batch + a.shape[-2:]).reshape(-1, *a.shape[-2:]) for a in arrays]
    if 0 in batch:
        sample = fn(*[np.zeros(a.shape[-2:], a.dtype) for a in arrays])
        if isinstance(sample, tuple):
            return tuple(np.empty(batch + np.shape(s), np.asarray(s).dtype) for s in sample)
        return np.empty(batch + sample.shape, sample.dtype)
    results = [fn(*items) for items in zip(*flat, strict=True)]
    if isinstance(results[0], tuple):
        return tuple(np.stack(parts).reshape(batch + np.shape(parts[0])) for parts in zip(*results, strict=True))
    return np.stack(results).reshape(batch + results[0].shape)


def _many_small(shape: tuple[int, ...]) -> bool:
    """Whether a loop over columns is shorter than one over matrices."""
    count = 1
    for n in shape[:-2]:
        count *= n
    return count > 2 * max(shape[-1], 1)


# ---------------------------------------------------------------- LU


def lu_factor(x: Array) -> tuple[Array, Array, Array]:
    """(LU, pivots, info): pivots count from 1; info is the first zero on the diagonal of U (from 1), or 0."""
    *batch, m, n = x.shape
    k = min(m, n)
    if x.size == 0:
        return columns(x.copy()), np.zeros((*batch, k), np.int32), np.zeros(batch, np.int32)
    if _many_small(x.shape):
        lu, pivots = _lu_by_columns(x)
        diagonal = np.diagonal(lu, 0, -2, -1)
        zero = diagonal == 0
        info = np.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(np.int32)
        return columns(lu), pivots, info
    getrf = lapack("getrf", x.dtype)

    def one(a: Array) -> tuple[Array, Array, Array]:
        lu, pivots, info = getrf(a)
        return lu, (pivots + 1).astype(np.int32), np.int32(info)

    lu, pivots, info = over_batch(one, x)
    return columns(lu), pivots, np.asarray(info)


def _lu_by_columns(x: Array) -> tuple[Array, Array]:
    """LU with partial pivoting of a batch, one column of all matrices at a time."""
    *batch, m, n = x.shape
    a = x.reshape(-1, m, n).copy()
    rows = np.arange(len(a))
    k = min(m, n)
    pivots = np.empty((len(a), k), np.int32)
    for j in range(k):
        size = np.abs(a[:, j:, j])
        p = np.where(np.isnan(size).any(1), j, j + size.argmax(1))  # LAPACK leaves a column of nan in place
        pivots[:, j] = p + 1
        top = a[:, j].copy()
        a[:, j] = a[rows, p]
        a[rows, p] = top
        pivot = a[:, j, j]
        scale = np.where(pivot == 0, 1, pivot)
        a[:, j + 1 :, j] /= scale[:, None]
        a[:, j + 1 :, j + 1 :] -= a[:, j + 1 :, j, None] * a[:, j, None, j + 1 :]
    return a.reshape(x.shape), pivots.reshape(*batch, k)


def lu_rows(pivots: Array, rows: int) -> Array:
    """The order of rows that the pivots (swaps, from 1) make: row i of the permuted matrix was row order[i]."""
    *batch, k = pivots.shape
    count = int(np.prod(batch, dtype=np.int64))
    flat = pivots.reshape(count, k)
    order = np.broadcast_to(np.arange(rows), (count, rows)).copy()
    each = np.arange(count)
    for j in range(k):
        p = flat[:, j] - 1
        top = order[:, j].copy()
        order[:, j] = order[each, p]
        order[each, p] = top
    return order.reshape(*batch, rows)


def lu_permutation(pivots: Array, *, rows: int, dtype: Any) -> Array:
    """The matrix P of A = P L U."""
    order = lu_rows(pivots, rows)
    return np.asarray(order[..., None, :] == np.arange(rows)[:, None]).astype(getattr(dtype, "np", dtype))


def lu_solve(lu: Array, pivots: Array, b: Array, *, left: bool, adjoint: bool) -> Array:
    """X of A X = B (or X A = B), A given by its LU; `adjoint`: of A^H instead."""
    if not left:  # X A = B is A^H X^H = B^H
        y = lu_solve(lu, pivots, b.conj().swapaxes(-1, -2), left=True, adjoint=not adjoint)
        return y.conj().swapaxes(-1, -2)
    batch = np.broadcast_shapes(lu.shape[:-2], b.shape[:-2])
    if 0 in batch or b.shape[-1] == 0 or b.shape[-2] == 0:
        return np.empty((*batch, *b.shape[-2:]), b.dtype)
    if _many_small((*batch, *lu.shape[-2:])):
        n = lu.shape[-1]
        order = np.broadcast_to(lu_rows(pivots, n), (*batch, n))
        b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
        if not adjoint:
            y = np.take_along_axis(b, order[..., None], -2)
            y = solve_triangular(lu, y, upper=False, left=True, unitriangular=True)
            return solve_triangular(lu, y, upper=True, left=True, unitriangular=False)
        lh = lu.conj().swapaxes(-1, -2)
        y = solve_triangular(lh, b, upper=False, left=True, unitriangular=False)
        y = solve_triangular(lh, y, upper=True, left=True, unitriangular=True)
        return columns(np.take_along_axis(y, np.argsort(order, -1)[..., None], -2))
    getrs = lapack("getrs", lu.dtype)
    trans = 2 if adjoint else 0
    swaps = pivots[..., None, :] - 1
    return columns(over_batch(lambda a, p, y: getrs(a, p[0], y, trans=trans)[0], lu, swaps, b))


def solve_triangular(a: Array, b: Array, *, upper: bool, left: bool, unitriangular: bool) -> Array:
    """X of A X = B (or X A = B) for triangular A; its other triangle is not read."""
    if not left:
        y = solve_triangular(a.swapaxes(-1, -2), b.swapaxes(-1, -2), upper=not upper, left=True, unitriangular=unitriangular)
        return columns(y.swapaxes(-1, -2))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    n, k = b.shape[-2:]
    if 0 in batch or n == 0 or k == 0:
        return np.empty((*batch, n, k), b.dtype)
    if not _many_small((*batch, n, n)):
        trtrs = lapack("trtrs", a.dtype)

        def one(a: Array, y: Array) -> Array:
            x, info = trtrs(a, y, lower=not upper, trans=0, unitdiag=unitriangular)
            if info > 0:  # LAPACK refuses a zero on the diagonal, PyTorch divides by it
                return _substitute(a, y.copy(), upper, unitriangular)
            return x

        return columns(over_batch(one, a, b))
    return columns(_substitute(a, np.broadcast_to(b, (*batch, n, k)).copy(), upper, unitriangular))


def _substitute(a: Array, x: Array, upper: bool, unitriangular: bool) -> Array:
    """Solve in place in `x`, one row of all systems at a time."""
    n = a.shape[-1]
    for i in range(n - 1, -1, -1) if upper else range(n):
        if not unitriangular:
            x[..., i, :] /= a[..., i, i, None]
        rest = slice(0, i) if upper else slice(i + 1, n)
        x[..., rest, :] -= a[..., rest, i, None] * x[..., i, None, :]
    return x


def _tiny(shape: tuple[int, ...]) -> bool:
    """Whether NumPy's loops over a batch beat LAPACK's factors: many matrices, each small."""
    return shape[-1] <= 16 and _many_small(shape)


def no_factors(kind: Any) -> tuple[Array, Array]:
    """What stands for LU and pivots that were not made."""
    return np.empty(0, kind), np.empty(0, np.int32)


def solve_directly(a: Array, b: Array, left: bool) -> Array:
    """X of A X = B or X A = B, nothing kept. Raises NumPy's LinAlgError for a singular matrix."""
    if left:
        return columns(np.linalg.solve(a, b))
    return np.linalg.solve(a.swapaxes(-1, -2), b.swapaxes(-1, -2)).swapaxes(-1, -2)


def solve_ex(a: Array, b: Array, *, left: bool, vector: bool) -> tuple[Array, Array, Array, Array]:
    """(X, LU, pivots, info) of A X = B or X A = B; `vector`: B and X are vectors. Tiny matrices keep no factors."""
    if _tiny(a.shape):
        try:
            x = solve_directly(a, b[..., None] if vector else b, left)
            return (_as_vectors(x) if vector else x), *no_factors(a.dtype), np.zeros(a.shape[:-2], np.int32)
        except np.linalg.LinAlgError:
            pass
    lu, pivots, info = lu_factor(a)
    x = lu_solve(lu, pivots, b[..., None] if vector else b, left=left, adjoint=False)
    return _as_vectors(x) if vector else x, lu, pivots, info


def _as_vectors(x: Array) -> Array:
    """One column each, without that dimension; several vectors are laid out as the columns of a matrix."""
    return columns(x[..., 0]) if x.ndim > 2 else x[..., 0]


def solve_again(a: Array, lu: Array, pivots: Array, g: Array, *, left: bool) -> Array:
    """A^-H G (or G A^-H), by the factors if they are there already."""
    if lu.size != a.size:
        try:
            return solve_directly(a.conj().swapaxes(-1, -2), g, left)
        except np.linalg.LinAlgError:
            lu, pivots, _ = lu_factor(a)
    return lu_solve(lu, pivots, g, left=left, adjoint=True)


def _swap_sign(pivots: Array) -> Array:
    odd = (pivots != np.arange(1, pivots.shape[-1] + 1)).sum(-1) & 1
    return 1 - 2 * odd


def det(x: Array) -> tuple[Array, Array, Array]:
    """(det, LU, pivots); tiny matrices keep no factors."""
    if _tiny(x.shape):
        return np.linalg.det(x), *no_factors(x.dtype)
    lu, pivots, _ = lu_factor(x)
    d = np.prod(np.diagonal(lu, 0, -2, -1), -1) * _swap_sign(pivots).astype(lu.real.dtype)
    return d, lu, pivots


def slogdet(x: Array) -> tuple[Array, Array, Array, Array]:
    """(sign, log |det|, LU, pivots); tiny matrices keep no factors."""
    if _tiny(x.shape):
        sign, size = np.linalg.slogdet(x)
        return np.where(np.isnan(sign), 0, sign).astype(x.dtype), size, *no_factors(x.dtype)
    lu, pivots, _ = lu_factor(x)
    diagonal = np.diagonal(lu, 0, -2, -1)
    size = np.abs(diagonal)
    units = np.sign(diagonal) if lu.dtype.kind != "c" else np.where(size == 0, 0, diagonal / np.where(size == 0, 1, size))
    sign = np.prod(units, -1) * _swap_sign(pivots).astype(lu.real.dtype)
    sign = np.where(np.isnan(sign), 0, sign).astype(lu.dtype)
    return sign, np.log(size).sum(-1), lu, pivots


def cofactors(x: Array, lu: Array, pivots: Array, det: Array) -> Array:
    """det(A) A^-H conjugated as a gradient wants it: conj of the matrix of cofactors; right for singular matrices too.

    Where A is (nearly) singular, A = U S V^H gives det(U) det(V^H) U S' V^H, S' holding the products of the others.
    """
    n = x.shape[-1]
    if x.size == 0:
        return x
    if n == 1:
        return np.ones_like(x)
    doubtful = nearly_singular(x, lu, det) & np.isfinite(x).all((-2, -1))
    eye = np.broadcast_to(np.eye(n, dtype=x.dtype), x.shape)
    out = solve_again(x, lu, pivots, eye * np.conj(np.asarray(det))[..., None, None], left=True)
    if not doubtful.any():
        return out
    u, s, vh = np.linalg.svd(x[doubtful])
    others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(n)], -1)
    phase = np.conj(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    out = np.array(out)
    out[doubtful] = phase * np.matmul(u * others[..., None, :].astype(x.real.dtype), vh)
    return out


def nearly_singular(x: Array, lu: Array, det: Array) -> Array:
    """Which matrices the inverse is not to be trusted for: by the pivots, or by the determinant against Hadamard's bound."""
    if x.size == 0:
        return np.zeros(x.shape[:-2], bool)
    limit = 10 * x.shape[-1] * np.finfo(x.dtype).eps
    if lu.size == x.size:
        size = np.abs(np.diagonal(lu, 0, -2, -1))
        return ~(size.min(-1) > limit * size.max(-1))
    rows = np.sqrt((x.real * x.real + x.imag * x.imag).sum(-1)).prod(-1)
    return ~(np.abs(det) > limit * rows)


# ---------------------------------------------------------------- inverse, Cholesky


def inv_ex(x: Array) -> tuple[Array, Array]:
    """(inverse, info): info is the first zero pivot (from 1) of a singular matrix."""
    info = np.zeros(x.shape[:-2], np.int32)
    try:
        return columns(np.linalg.inv(x)), info
    except np.linalg.LinAlgError:
        lu, pivots, info = lu_factor(x)
        eye = np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)
        return lu_solve(lu, pivots, eye, left=True, adjoint=False), info


def cholesky_ex(x: Array, *, upper: bool) -> tuple[Array, Array]:
    """(factor, info): info is the order of the first leading minor that is not positive, or 0."""
    info = np.zeros(x.shape[:-2], np.int32)
    if x.size == 0:
        return x.copy(), info
    try:
        return columns(np.linalg.cholesky(x, upper=upper)), info
    except np.linalg.LinAlgError:
        potrf = lapack("potrf", x.dtype)

        def one(a: Array) -> tuple[Array, Array]:
            c, failed = potrf(a, lower=not upper, clean=True)
            return c, np.int32(failed)

        c, info = over_batch(one, x)
        return columns(c), np.asarray(info)


def cholesky_solve(b: Array, factor: Array, *, upper: bool) -> Array:
    """(L L^H)^-1 B, or (U^H U)^-1 B."""
    h = factor.conj().swapaxes(-1, -2)
    low, high = (h, factor) if upper else (factor, h)
    y = solve_triangular(low, b, upper=False, left=True, unitriangular=False)
    return solve_triangular(high, y, upper=True, left=True, unitriangular=False)


def cholesky_inverse(factor: Array, *, upper: bool) -> Array:
    """(L L^H)^-1, or (U^H U)^-1."""
    eye = np.broadcast_to(np.eye(factor.shape[-1], dtype=factor.dtype), factor.shape)
    return cholesky_solve(eye, factor, upper=upper)


# ---------------------------------------------------------------- spectra


def eig(x: Array) -> tuple[Array, Array]:
    """(eigenvalues, eigenvectors), complex."""
    values, vectors = np.linalg.eig(x)
    kind = np.result_type(x.dtype, np.complex64)
    return values.astype(kind, copy=False), columns(vectors.astype(kind, copy=False))


def eigvals(x: Array) -> Array:
    return np.linalg.eigvals(x).astype(np.result_type(x.dtype, np.complex64), copy=False)


def eigh(x: Array, *, uplo: str) -> tuple[Array, Array]:
    """(ascending eigenvalues, eigenvectors) from one triangle of a Hermitian matrix."""
    values, vectors = or_nan(lambda a: np.linalg.eigh(a, uplo), x)
    return values, columns(vectors)


def eigvalsh(x: Array, *, uplo: str) -> Array:
    return or_nan(lambda a: np.linalg.eigvalsh(a, uplo), x)


def or_nan(fn: Callable[[Array], Any], x: Array) -> Any:
    """`fn(x)`, nan for matrices with elements that are not finite, where `fn` gives up."""
    try:
        return fn(x)
    except np.linalg.LinAlgError:
        finite = np.isfinite(x).all((-2, -1))
        y = fn(np.where(finite[..., None, None], x, 0))
        parts = y if isinstance(y, tuple) else (y,)
        kept = tuple(np.where(finite.reshape(finite.shape + (1,) * (p.ndim - finite.ndim)), p, np.nan) for p in parts)
        return kept if isinstance(y, tuple) else kept[0]


def svd(x: Array, *, full_matrices: bool) -> tuple[Array, Array, Array]:
    try:
        u, s, vh = np.linalg.svd(x, full_matrices=full_matrices)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."
        ) from None
    return columns(u), s, columns(vh)


def svdvals(x: Array) -> Array:
    return or_nan(lambda a: np.linalg.svd(a, compute_uv=False), x)


def qr(x: Array, *, mode: str) -> tuple[Array, Array]:
    """(Q, R); Q is an empty vector for mode "r"."""
    if mode == "r":
        return np.empty(0, x.dtype), columns(np.linalg.qr(x, "r"))
    q, r = np.linalg.qr(x, mode)
    return columns(q), columns(r)


def geqrf(x: Array) -> tuple[Array, Array]:
    """(a, tau): R above the reflectors, and their scales."""
    *batch, m, n = x.shape
    if x.size == 0:
        return columns(x.copy()), np.zeros((*batch, min(m, n)), x.dtype)
    routine = lapack("geqrf", x.dtype)
    a, tau = over_batch(lambda y: routine(y)[:2], x)
    return columns(a), tau


def pinv(x: Array, atol: Any, rtol: Any, *, hermitian: bool) -> Array:
    """The Moore-Penrose inverse; singular values up to max(atol, rtol * largest) count as 0."""
    if x.size == 0:
        return np.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    if hermitian:
        values, u = np.linalg.eigh(x)
        s = np.abs(values)
        vh = u.conj().swapaxes(-1, -2)
    else:
        u, values, vh = svd(x, full_matrices=False)
        s = values
    cut = np.maximum(_last(atol), _last(rtol) * s.max(-1, keepdims=True, initial=0))
    kept = s > cut
    inverse = np.where(kept, 1 / np.where(kept, values, 1), 0).astype(s.dtype)
    left = vh.conj().swapaxes(-1, -2) * inverse[..., None, :]
    return np.ascontiguousarray(np.matmul(left, u.conj().swapaxes(-1, -2)))


def _last(tolerance: Any) -> Any:
    return np.asarray(tolerance)[..., None] if isinstance(tolerance, np.ndarray) else tolerance


def lstsq(a: Array, b: Array, *, rcond: float, driver: str, vector: bool = False) -> tuple[Array, Array, Array, Array]:
    """(solution, residuals, rank, singular values) of min |A X - B|, as the LAPACK driver gives them."""
    m, n = a.shape[-2:]
    k = b.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    real = a.real.dtype
    if m == 0 or n == 0 or k == 0 or 0 in batch:
        x = np.zeros((*batch, n, k), a.dtype)
        rank, s = np.zeros(batch, np.int64), np.zeros((*batch, min(m, n)), real)
    else:
        if _many_small((*batch, m, n)):
            x, rank, s = _by_svd(a, b, rcond if driver != "gels" else 0.0)
            rank, s = np.broadcast_to(rank, batch), np.broadcast_to(s, (*batch, min(m, n)))
        else:
            x, rank, s = over_batch(_driver(driver, rcond, real), a, b)
    residuals = np.empty(0, real)
    if m > n and driver != "gelsy" and (driver == "gels" or (np.asarray(rank) == n).all()):
        gap = np.matmul(a, x) - b
        residuals = (gap.real * gap.real + gap.imag * gap.imag if gap.dtype.kind == "c" else gap * gap).sum(-2)
    empty = np.empty(0, real)
    room = np.empty((*batch, k, max(m, n)), x.dtype)  # LAPACK writes the solution over B, which may have more rows
    solution = room.swapaxes(-1, -2)[..., :n, :]
    solution[...] = x
    return (
        solution[..., 0] if vector else solution,
        residuals,
        np.asarray(rank) if driver != "gels" else np.empty(0, np.int64),
        np.asarray(s) if driver in ("gelsd", "gelss") else empty,
    )


def _by_svd(a: Array, b: Array, rcond: float) -> tuple[Array, Array, Array]:
    """The solution of least norm for a batch of small systems, in one call."""
    u, s, vh = svd(a, full_matrices=False)
    kept = s > rcond * s[..., :1]
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(s.dtype)
    y = np.matmul(u.conj().swapaxes(-1, -2), b) * inverse[..., None]
    return np.matmul(vh.conj().swapaxes(-1, -2), y), kept.sum(-1), s


def _driver(name: str, rcond: float, real: Any) -> Callable[..., Any]:
    from scipy.linalg import lstsq as solve

    def by_gels(a: Array, y: Array) -> Any:
        m, n = a.shape
        padded = np.zeros((max(m, n), y.shape[1]), y.dtype)
        padded[:m] = y
        _, x, _ = lapack("gels", a.dtype)(a, padded)
        return x[:n], np.int64(n), np.zeros(min(m, n), real)

    def by_other(a: Array, y: Array) -> Any:
        x, _, rank, s = solve(a, y, cond=rcond, lapack_driver=name, check_finite=False)
        return x, np.int64(rank), np.zeros(min(a.shape), real) if s is None else s.astype(real)

    return by_gels if name == "gels" else by_other


#: norms up to which the Pade approximant of this degree is exact to the precision (Higham 2005)
_DEGREES = {
    4: ((3, 0.4258730016922831), (5, 1.880152677804762), (7, 3.925724783138660)),
    8: (
        (3, 1.495585217958292e-2), (5, 2.539398330063230e-1), (7, 9.504178996162932e-1), (9, 2.097847961257068),
        (13, 5.371920351148152),
    ),
}  # fmt: skip


def matrix_exp(x: Array) -> Array:
    """Scaling and squaring around a Pade approximant, all matrices together."""
    if x.size == 0:
        return x.copy()
    if x.real.itemsize < 4:
        return matrix_exp(x.astype(np.float32)).astype(x.dtype)
    size = np.abs(x).sum(-2).max(-1)
    finite = np.isfinite(size)
    top = size[finite].max(initial=0)
    degree, bound = next((d for d in _DEGREES[x.real.itemsize] if top <= d[1]), _DEGREES[x.real.itemsize][-1])
    with np.errstate(divide="ignore"):
        halvings = np.where(finite & (size > bound), np.ceil(np.log2(size / bound)), 0)
    a = x * np.exp2(-halvings)[..., None, None].astype(x.real.dtype)
    m = degree
    b = [
        math.factorial(2 * m - k) * math.factorial(m) / (math.factorial(2 * m) * math.factorial(k) * math.factorial(m - k))
        for k in range(m + 1)
    ]
    eye = np.eye(x.shape[-1], dtype=x.dtype)
    square = np.matmul(a, a)
    power, odd, even = square, b[1] * eye, b[0] * eye
    for k in range(2, m, 2):
        even, odd = even + b[k] * power, odd + b[k + 1] * power
        power = np.matmul(power, square) if k + 2 < m else power
    u = np.matmul(a, odd)
    y = or_nan(lambda q: np.linalg.solve(q, np.broadcast_to(even + u, q.shape)), even - u)
    for k in range(int(halvings.max(initial=0))):
        y = np.where((halvings > k)[..., None, None], np.matmul(y, y), y)
    y = np.where(np.isfinite(x).all((-2, -1))[..., None, None], y, np.nan)
    return np.ascontiguousarray(y).astype(x.dtype, copy=False)


# ---------------------------------------------------------------- LDL


def ldl_factor(x: Array, *, hermitian: bool) -> tuple[Array, Array, Array]:
    """(LD, pivots, info) by Bunch and Kaufman, from the lower triangle."""
    if x.size == 0:
        return x.copy(), np.zeros(x.shape[:-1], np.int32), np.zeros(x.shape[:-2], np.int32)
    routine = lapack("hetrf" if hermitian and x.dtype.kind == "c" else "sytrf", x.dtype)

    def one(a: Array) -> tuple[Array, Array, Array]:
        ld, pivots, info = routine(a, lower=1)
        return np.tril(ld), pivots.astype(np.int32), np.int32(info)

    ld, pivots, info = over_batch(one, x)
    return columns(ld), pivots, np.asarray(info)


def ldl_solve(ld: Array, pivots: Array, b: Array, *, hermitian: bool) -> Array:
    """X of A X = B from the factors of `ldl_factor`: 1x1 and 2x2 blocks of D, one step at a time."""
    conj = (lambda v: v.conj()) if hermitian else (lambda v: v)
    real = (lambda v: v.real) if hermitian else (lambda v: v)  # LAPACK reads no imaginary part of a Hermitian D

    def one(a: Array, p: Array, y: Array) -> Array:
        n = len(a)
        x = np.array(y)
        swaps = p[0]
        blocks = []
        k = 0
        while k < n:  # L and D, downwards
            if swaps[k] > 0:
                q = swaps[k] - 1
                x[[k, q]] = x[[q, k]]
                x[k + 1 :] -= np.outer(a[k + 1 :, k], x[k])
                x[k] /= real(a[k, k])
                blocks.append((k, 1))
                k += 1
            else:
                q = -swaps[k] - 1
                x[[k + 1, q]] = x[[q, k + 1]]
                x[k + 2 :] -= a[k + 2 :, k : k + 2] @ x[k : k + 2]
                d = np.array([[real(a[k, k]), conj(a[k + 1, k])], [a[k + 1, k], real(a[k + 1, k + 1])]])
                x[k : k + 2] = np.linalg.solve(d, x[k : k + 2])
                blocks.append((k, 2))
                k += 2
        for k, size in reversed(blocks):  # L^T (or L^H), upwards
            x[k : k + size] -= conj(a[k + size :, k : k + size]).T @ x[k + size :]
            q = abs(swaps[k]) - 1
            top = k + size - 1
            x[[top, q]] = x[[q, top]]
        return x

    return columns(over_batch(one, ld, pivots[..., None, :], b))
