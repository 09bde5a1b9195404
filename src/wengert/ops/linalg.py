"""Functions of matrices made of others: norms, powers, the exponential, chains, Vandermonde."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from ..core.primitive import general, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import linalg as kernels
from .install import FUNCTIONS, public
from .linalg_common import (
    batch_matrices,
    check_inexact,
    check_matrix,
    check_square,
    check_tensor,
    deprecated,
    mH,
    torch_names,
    written,
)
from .lines import c_name
from .norm import vector_norm
from .products import multiply_chain
from .reduce import wrap_dim
from .whole import whole

# ---------------------------------------------------------------- norms


@public(name="linalg.vector_norm", method=False)
def linalg_vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The `ord`-norm of all elements of `x`, or of those along `dim`. Differentiable; the gradient at 0 is 0."""
    return vector_norm(x, ord, dim, keepdim, dtype=dtype, out=out)


def _norm_checks(A: Any, dim: Any, dtype: Any, low: bool) -> tuple[Tensor, tuple[int, int]]:
    name = "linalg.matrix_norm"
    check_matrix(A, name)
    check_inexact(A, name, low)
    dims = tuple(dim)
    if len(dims) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dims))}")
    a, b = (wrap_dim(d, A.ndim) for d in dims)
    if a == b:
        raise RuntimeError(f"{name}: dims must be different. Got ({dims[0]}, {dims[1]})")
    if dtype is not None:
        if dtype.category < 2:
            raise RuntimeError(f"{name}: dtype should be floating point or complex. Got {dtype.scalar_name}")
        if A.dtype.is_complex != dtype.is_complex:
            kind = "complex" if A.dtype.is_complex else "real"
            raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {dtype.scalar_name}")
        if A.dtype.itemsize > dtype.itemsize:
            raise RuntimeError(
                f"{name}: the dtype of the input ({A.dtype.scalar_name}) should be convertible without narrowing to "
                "the "
                f"specified dtype ({dtype.scalar_name})"
            )
        A = A.to(dtype)
    return A, (a, b)


@public(name="linalg.matrix_norm", method=False)
def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The norm of matrices in the dimensions `dim`: "fro", "nuc", 1, -1, inf, -inf (sums), 2, -2 (singular values)."""
    if ord not in ("fro", "nuc") and (isinstance(ord, str) or abs(ord) not in (1, 2, math.inf)):
        check_matrix(A, "linalg.matrix_norm")
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if isinstance(dim, int):
        from .random_arguments import refuse

        tail = "tuple of ints dim = (-2,-1), bool keepdim = False, *, torch.dtype dtype = None, Tensor out = None"
        listed = f"Tensor input, Number ord, {tail}", f"Tensor input, str ord = 'fro', {tail}"
        refuse("linalg_matrix_norm", (A,) if ord == "fro" else (A, ord), {"dim": dim}, listed)
    low = ord == "fro" or not isinstance(ord, str) and abs(ord) != 2
    A, (a, b) = _norm_checks(A, dim, dtype, low)
    if ord == "fro":
        y = vector_norm(A, 2, (a, b), keepdim)
    elif ord == "nuc" or abs(ord) == 2:
        others = [d for d in range(A.ndim) if d not in (a, b)]
        s = ops.linalg.svdvals(ops.permute(A, dims=(*others, a, b)))
        if ord == "nuc":
            y = FUNCTIONS["sum"](s, -1)
        elif s.shape[-1] == 0 and ord == 2:
            y = ops.zeros(tuple(s.shape[:-1]), dtype=s.dtype)
        else:
            y = FUNCTIONS["amax" if ord > 0 else "amin"](s, -1)
        if keepdim:
            y = ops.unsqueeze(ops.unsqueeze(y, dim=y.ndim), dim=y.ndim + 1)
            now = [*others, a, b]
            y = ops.permute(y, dims=tuple(now.index(d) for d in range(A.ndim)))
    else:
        if abs(ord) == math.inf:
            a, b = b, a
        sums = vector_norm(A, 1, a, keepdim)
        empty = A.shape[b] == 0 and ord > 0
        if not keepdim and a < b:
            b -= 1
        if empty:
            y = ops.sum(sums, dim=(b,), keepdim=keepdim)
        else:
            y = FUNCTIONS["amax" if ord > 0 else "amin"](sums, b, keepdim)
    return written(y, out, "linalg_matrix_norm")


@public(name="linalg.norm", method=False)
def linalg_norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None, dtype: Any = None
) -> Tensor:
    """The vector norm of a vector (or over one `dim`, or of everything without `ord`), else the matrix norm."""
    check_tensor(A, "linalg_norm")
    if dim is not None:
        dims = tuple(dim) if isinstance(dim, (tuple, list)) else (whole(dim),)
        if len(dims) not in (1, 2):
            raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    else:
        dims = None
        if ord is not None and A.ndim not in (1, 2):
            raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D.")
    if isinstance(ord, str):
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype, out=out)
    if ord is not None and ((dims is not None and len(dims) == 2) or (dims is None and A.ndim == 2)):
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype, out=out)
    return vector_norm(A, 2 if ord is None else ord, dims, keepdim, dtype=dtype, out=out)


ops.linalg = SimpleNamespace(matrix_norm=matrix_norm, svdvals=lambda A: FUNCTIONS["linalg.svdvals"](A))


@public(method=False)
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The square root of the sum of squares over `dim`."""
    deprecated(
        "at::frobenius_norm is deprecated and it is just left for JIT compatibility. It will be removed in a future "
        "PyTorch "
        "release. Please use `linalg.vector_norm(A, 2., dim, keepdim)` instead",
        "torch.linalg.vector_norm(A, 2.0, dim, keepdim)",
    )
    return vector_norm(input, 2, tuple(dim) if isinstance(dim, (tuple, list)) and dim else None, keepdim, out=out)


@public(method=False)
def nuclear_norm(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The sum of the singular values."""
    deprecated(
        "at::nuclear_norm is deprecated and it is just left for JIT compatibility. It will be removed in a future "
        "PyTorch "
        "release. Please use `linalg.matrix_norm(A, 'nuc', dim, keepdim)` instead",
        "torch.linalg.matrix_norm(A, 'nuc', dim, keepdim)",
    )
    return matrix_norm(input, "nuc", (-2, -1) if dim is None else tuple(dim), keepdim, out=out)


# ---------------------------------------------------------------- exponential and powers


def _joined(xp: Any, a: Any, e: Any) -> Any:
    """((A, E), (0, A)): a function of it holds that of A and, above, its derivative along E."""
    n = a.ndim
    top = xp.cat([a, e], n - 1)
    return xp.cat([top, xp.cat([xp.zeros_like(a), a], n - 1)], n - 2)


def _exp_along(xp: Any, a: Any, e: Any) -> Any:
    n = a.shape[-1]
    return xp.linalg_matrix_exp(_joined(xp, a, e))[..., :n, n:]


_matrix_exp = general(
    "linalg_matrix_exp", kernel=kernels.matrix_exp, vjp=dict(x=lambda xp, g, x: _exp_along(xp, mH(xp, x), g)),
    jvp=dict(x=lambda xp, t, x: _exp_along(xp, x, t)), batch=batch_matrices,
)  # fmt: skip


@public(name="linalg.matrix_exp", method=False)
def linalg_matrix_exp(A: Tensor) -> Tensor:
    """The matrix exponential of A (..., n, n)."""
    check_square(A, "linalg.matrix_exp")
    check_inexact(A, "linalg.matrix_exp")
    return _matrix_exp(A)


@public
def matrix_exp(input: Tensor) -> Tensor:
    """`linalg.matrix_exp`."""
    return linalg_matrix_exp(input)


@public(name="linalg.matrix_power", method=False)
def linalg_matrix_power(A: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """A multiplied n times, by repeated squaring; a negative n inverts first."""
    check_square(A, "linalg.matrix_power")
    if n == 0:
        y = A.clone().copy_(ops.linalg_eye(A))  # type: ignore[attr-defined]
    else:
        if n < 0:
            A = FUNCTIONS["linalg.inv"](A)
            n = -n
        y, square = None, A
        while True:
            if n & 1:
                y = square if y is None else ops.matmul(y, square)
            n >>= 1
            if not n:
                break
            square = ops.matmul(square, square)
        if y is A:
            y = y.clone()
    return written(y, out, "linalg_matrix_power")


@public
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """`linalg.matrix_power`."""
    return linalg_matrix_power(input, n, out=out)


# ---------------------------------------------------------------- chains and tensor equations


@public(name="linalg.matmul", method=False)
def linalg_matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`torch.matmul`."""
    return written(ops.matmul(input, other), out, "linalg_matmul")


@public(name="linalg.multi_dot", method=False)
def multi_dot(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """The product of at least two matrices in the cheapest order; the first and last may be vectors."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"linalg_multi_dot(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    ms = list(tensors)
    n = len(ms)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    for i, m in enumerate(ms):
        check_tensor(m, "linalg_multi_dot", "tensors")
        ends = i in (0, n - 1)
        if m.ndim != 2 and not (ends and m.ndim == 1):
            kind = "1D or 2D" if ends else "2D"
            which = "the first tensor" if i == 0 else "the last tensor" if ends else f"tensor {i}"
            raise RuntimeError(f"multi_dot(): {which} must be {kind} but got {m.ndim}D")
        if m.dtype is not ms[0].dtype:
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {c_name(ms[0].dtype)} and "
                f"tensor {i} {c_name(m.dtype)}"
            )
    first, last = ms[0].ndim == 1, ms[-1].ndim == 1
    if first:
        ms[0] = ops.unsqueeze(ms[0], dim=0)
    if last:
        ms[-1] = ops.unsqueeze(ms[-1], dim=1)
    for i in range(1, n):
        if ms[i - 1].shape[1] != ms[i].shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes {list(tensors[i - 1].shape)} and {list(tensors[i].shape)} "
                "cannot "
                "be multiplied"
            )
    y = multiply_chain(ms)
    shape = tuple(y.shape)
    size = (*(() if first else shape[:1]), *(() if last else shape[1:]))
    y = ops.view(y, size=size)
    return written(y, out, "linalg_multi_dot")


@public(name="linalg.tensorinv", method=False)
def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A for `tensordot` over its first `ind` dimensions: shape A.shape[ind:] + A.shape[:ind]."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    shape = tuple(A.shape)
    if ind > A.ndim:
        raise RuntimeError(f"ArrayRef: invalid slice, N = {ind}; size = {A.ndim}")
    front, back = shape[:ind], shape[ind:]
    if math.prod(back) != math.prod(front):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{math.prod(back)} != {math.prod(front)}"
        )
    flat = ops.reshape(A, (math.prod(front), math.prod(back)))
    y = ops.reshape(FUNCTIONS["linalg.inv"](flat), (*back, *front))
    return written(y, out, "linalg_tensorinv")


@public(name="linalg.tensorsolve", method=False)
def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to the end first."""
    if dims is not None:
        moved = [wrap_dim(d, A.ndim) for d in dims]
        A = ops.permute(A, dims=(*(d for d in range(A.ndim) if d not in moved), *moved))
    back = tuple(A.shape)[B.ndim :]
    count, wanted = math.prod(back), math.prod(tuple(B.shape))
    if count != wanted:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            "but "
            f"got {count} != {wanted}"
        )
    x = FUNCTIONS["linalg.solve"](ops.reshape(A, (count, count)), ops.reshape(B, (-1,)))
    return written(ops.reshape(x, back), out, "linalg_tensorsolve")


@public(name="linalg.vecdot", method=False)
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The sum of conj(x) * y along `dim`; other dimensions broadcast."""
    check_tensor(x, "linalg_vecdot", "x")
    check_tensor(y, "linalg_vecdot", "y", 2)
    check_inexact(x, "linalg.vecdot")
    if x.dtype is not y.dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {x.dtype.scalar_name} and y "
            "of "
            f"type {y.dtype.scalar_name} instead"
        )
    if x.ndim == 1 and y.ndim == 1:
        z = FUNCTIONS["vdot"](x, y)
    else:
        z = FUNCTIONS["sum"](ops.conj(x) * y, dim)
    return written(z, out, "linalg_vecdot")


@public(name="linalg.diagonal", method=False)
def linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """`torch.diagonal`, of the last two dimensions."""
    return FUNCTIONS["diagonal"](A, offset, dim1, dim2)


@public(name="linalg.vander", method=False)
def linalg_vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Rows 1, x, x^2 ... up to N columns (default: the length of x)."""
    check_tensor(x, "linalg_vander", "x")
    if x.dtype.category == 0 or (x.dtype.category == 2 and x.dtype.itemsize < 4):
        raise RuntimeError(
            f"linalg.vander supports floating point, complex, and integer tensors, but got {x.dtype.scalar_name}"
        )
    n = (x.shape[-1] if x.ndim else 1) if N is None else N
    if n <= 1:
        raise RuntimeError("N must be greater than 1.")
    column = x.unsqueeze(-1)  # type: ignore[attr-defined]
    powers = FUNCTIONS["cumprod"](column.expand(*x.shape, n - 1), -1)  # type: ignore[attr-defined]
    return FUNCTIONS["cat"]([FUNCTIONS["ones_like"](column), powers], -1)


@public(method=False)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix of a vector; powers decrease from left to right unless `increasing`."""
    check_tensor(x, "vander", "x")
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x.shape[0] if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    if x.dtype.category < 2:
        x = x.to(FUNCTIONS["result_dtype"](x)) if "result_dtype" in FUNCTIONS else x.long()  # type: ignore[attr-defined]
    column = x.unsqueeze(-1)  # type: ignore[attr-defined]
    parts = []
    if n > 0:
        parts.append(FUNCTIONS["ones_like"](column))
    if n > 1:
        parts.append(FUNCTIONS["cumprod"](column.expand(x.shape[0], n - 1), -1))  # type: ignore[attr-defined]
    y = FUNCTIONS["cat"](parts, -1) if parts else x.new_empty((x.shape[0], 0))  # type: ignore[attr-defined]
    return y if increasing else FUNCTIONS["flip"](y, (1,))


_INF = math.inf
samples(
    "linalg.vector_norm", Case(T(3, 4)), Case(T(3, 4), 1), Case(T(3, 4), 3.0, 1), Case(T(3, 4), _INF, 0, True),
    Case(T(2, 3, 4), 1.5, (0, 2)), Case(T(3), 0.5), Case(T(3, 4), -1.0, 1), Case(T()), Case(T(3), -_INF), Case(T(3), 0),
)  # fmt: skip
samples(
    "linalg.matrix_norm", Case(T(3, 4)), Case(T(3, 3), "nuc"), Case(T(2, 3, 4), 1), Case(T(3, 4), -1, keepdim=True),
    Case(T(3, 4), _INF), Case(T(3, 4), -_INF), Case(T(3, 3), 2), Case(T(2, 3, 3), -2, (0, 2), True),
)  # fmt: skip
samples(
    "linalg.norm", Case(T(3, 4)), Case(T(3), 3), Case(T(3, 4), 1), Case(T(3, 3), "nuc"), Case(T(2, 3, 4), 2, 1),
    Case(T(2, 3, 4), 1, (0, 1)), Case(T(2, 3, 4)),
)  # fmt: skip
for _name in ("linalg.matrix_exp", "matrix_exp"):
    samples(_name, Case(T(3, 3)), Case(T(2, 2, 2)), Case(T(0, 0)))
for _name in ("linalg.matrix_power", "matrix_power"):
    samples(_name, Case(T(3, 3), 2), Case(T(2, 3, 3), 5), Case(T(3, 3), -2), Case(T(2, 2), 0), Case(T(2, 2), 1))
samples(
    "linalg.multi_dot", Case([T(2, 3), T(3, 4)]), Case([T(3), T(3, 4), T(4, 2)]),
    Case([T(2, 3), T(3, 4), T(4, 2), T(2)]),
    Case([T(3), T(3)]),
)  # fmt: skip
samples("linalg.matmul", Case(T(2, 3), T(3, 4)), Case(T(2, 2, 3), T(3)))
samples("linalg.tensorinv", Case(T(4, 2, 2), 1), Case(T(2, 2, 4)), Case(T(2, 3, 3, 2)))
samples("linalg.tensorsolve", Case(T(2, 3, 6), T(2, 3)), Case(T(6, 2, 3), T(2, 3), dims=(0,)))
samples("linalg.vecdot", Case(T(3), T(3)), Case(T(2, 3), T(3)), Case(T(3, 2), T(3, 1), dim=0))
samples("linalg.diagonal", Case(T(3, 4)), Case(T(2, 3, 4), offset=1), Case(T(2, 3, 4), offset=-1, dim1=0, dim2=1))
samples("linalg.vander", Case(T(3)), Case(T(2, 3), N=4))
samples("vander", Case(T(3)), Case(T(3), 4, True), Case(T(2), 1), Case(T(2), 0))

torch_names("linalg", __name__)
