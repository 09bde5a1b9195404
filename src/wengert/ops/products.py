"""What products of matrices are made into: tensordot, kron, chain_matmul, trace and cross."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front, padded
from ..core.errors import warn
from ..core.inplace import write_out
from ..core.primitive import Primitive, general, multilinear, ops
from ..core.samples import Case, T, samples
from ..core.takes import COMPLEX, INTEGERS, REAL, Takes
from ..core.tensor import Tensor
from .install import FUNCTIONS, public
from .matmul import _broadcast, _check_tensors
from .reduce import wrap_dim


@public(method=False)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Products summed over pairs of dimensions: the last `dims` of a with the first of b, or two lists."""
    if isinstance(dims, Tensor):
        dims = dims.tolist() if dims.ndim > 1 or dims.numel() > 1 else int(dims.item())  # type: ignore[attr-defined]
    if isinstance(dims, (tuple, list)) or not hasattr(dims, "__index__"):
        dims_a, dims_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims_a, dims_b = list(range(-dims, 0)), list(range(dims))
    if len(dims_a) != len(dims_b):
        raise RuntimeError("both dimension lists should have same length")
    if a.dtype is not b.dtype:
        raise RuntimeError("both inputs should have same dtype")
    for d, e in zip(dims_a, dims_b, strict=True):
        n, m = a.shape[wrap_dim(d, a.ndim)], b.shape[wrap_dim(e, b.ndim)]
        if n != m and n != 1 and m != 1:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim {d} and second "
                f"has size {m} in dim "
                f"{e}"
            )
        if n != m:  # a size of 1 is summed away first
            if n == 1:
                b = ops.sum(b, dim=(e % b.ndim,), keepdim=True)
            else:
                a = ops.sum(a, dim=(d % a.ndim,), keepdim=True)
    da, db = [d % a.ndim for d in dims_a], [d % b.ndim for d in dims_b]
    rest_a = [d for d in range(a.ndim) if d not in da]
    rest_b = [d for d in range(b.ndim) if d not in db]
    inner_size = math.prod(a.shape[d] for d in da)
    shape_a, shape_b = [a.shape[d] for d in rest_a], [b.shape[d] for d in rest_b]
    if not rest_a and not rest_b:
        flat = [ops.reshape(ops.permute(x, dims=tuple(order)), (inner_size,)) for x, order in ((a, da), (b, db))]
        y = ops.view(ops.dot(*flat), size=())
        return y if out is None else write_out(out, y, "tensordot")  # type: ignore[no-any-return]
    left = ops.reshape(ops.permute(a, dims=(*rest_a, *da)), (math.prod(shape_a), inner_size))
    right = ops.reshape(ops.permute(b, dims=(*db, *rest_b)), (inner_size, math.prod(shape_b)))
    y = ops.reshape(FUNCTIONS["mm"](left, right), (*shape_a, *shape_b))
    return y if out is None else write_out(out, y, "tensordot")  # type: ignore[no-any-return]


@public
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product; the shorter shape is padded with ones in front."""
    _check_tensors("kron", input=input, other=other)
    n = max(input.ndim, other.ndim)
    a = (1,) * (n - input.ndim) + tuple(input.shape)
    b = (1,) * (n - other.ndim) + tuple(other.shape)
    left = ops.reshape(input, tuple(m for size in a for m in (size, 1)))
    right = ops.reshape(other, tuple(m for size in b for m in (1, size)))
    y = ops.unsafe_view(left * right, size=tuple(i * j for i, j in zip(a, b, strict=True)))
    return y if out is None else write_out(out, y, "kron")  # type: ignore[no-any-return]


@public(method=False)
def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of a sequence of matrices in the cheapest order (deprecated: `linalg.multi_dot`)."""
    warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters.",
    )
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for m in matrices:
        if m.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {m.ndim}, expected 2 instead.")
    y = FUNCTIONS["linalg.multi_dot"](matrices) if len(matrices) > 1 else ops.clone(matrices[0], memory_format=None)
    return y if out is None else write_out(out, y, "chain_matmul")


def multiply_chain(ms: list[Tensor]) -> Tensor:
    """m0 @ m1 @ ... with the fewest multiplications (the classic table over all splits)."""
    n = len(ms)
    if n == 1:
        return ms[0]
    p = [m.shape[0] for m in ms] + [ms[-1].shape[1]]
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [(cost[i][k] + cost[k + 1][j] + p[i] * p[k + 1] * p[j + 1], k) for k in range(i, j)]
            cost[i][j], split[i][j] = min(options)
    results: dict[tuple[int, int], Tensor] = {(i, i): m for i, m in enumerate(ms)}
    for i, j in _splits_bottom_up(split, n):
        k = split[i][j]
        results[i, j] = FUNCTIONS["mm"](results[i, k], results[k + 1, j])
    return results[0, n - 1]


def _splits_bottom_up(split: list[list[int]], n: int) -> list[tuple[int, int]]:
    order, todo = [], [(0, n - 1)]
    while todo:
        i, j = todo.pop()
        if i < j:
            order.append((i, j))
            k = split[i][j]
            todo += [(i, k), (k + 1, j)]
    return order[::-1]


# ---------------------------------------------------------------- trace and cross


def _trace_rule(xp: Any, g: Any, x_shape: Any) -> Any:
    return xp.diagonal_matrix(g, shape=x_shape)


def _diagonal_matrix(g: Any, *, shape: tuple[int, ...]) -> Any:
    """`g` (0-d) on the diagonal of a zero matrix."""
    g = np.asarray(g)
    out = np.zeros(shape, g.dtype)
    np.fill_diagonal(out, g) if out.size else None
    return out


def _batch_trace(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    (x,), (d,) = vals, dims
    eye = ops.diagonal_matrix(ops.tensor(1.0, dtype=x.dtype), shape=tuple(n for i, n in enumerate(x.shape) if i != d))
    return ops.sum(front(x, d) * eye, dim=(1, 2), keepdim=False), 0


_trace = general(
    "trace",
    kernel=lambda x: np.trace(x, dtype=np.int64 if x.dtype.kind in "iu" else None),
    vjp=dict(x=_trace_rule),
    jvp=dict(x=lambda xp, t: xp.trace(t)),
    batch=_batch_trace,
)
_diagonal = general(
    "diagonal_matrix",
    params=("shape",),
    kernel=_diagonal_matrix,
    vjp=dict(x=lambda xp, g: xp.trace(g)),
    jvp=dict(x=lambda xp, t, shape: xp.diagonal_matrix(t, shape=shape)),
    batch=lambda prim, vals, dims, params: (
        ops.reshape(vals[0], (-1, 1, 1)) * ops.diagonal_matrix(ops.tensor(1.0, dtype=vals[0].dtype), **params), 0),
)  # fmt: skip


@public
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.dtype.category == 0:
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return _trace(input)  # type: ignore[no-any-return]


def _cross_kernel(x: Any, y: Any, *, dim: int) -> Any:
    x, y = np.moveaxis(x, dim, 0), np.moveaxis(y, dim, 0)
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=dim)


def _batch_cross(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = vals[0].ndim - (dims[0] is not None)
    x, y = (padded(v, d, n) if d is not None else ops.unsqueeze(v, dim=0) for v, d in zip(vals, dims, strict=True))
    return prim(x, y, dim=params["dim"] % n + 1), 0


_cross = multilinear(
    "linalg_cross",
    inputs=("x", "y"),
    params=("dim",),
    kernel=_cross_kernel,
    promote="keep",
    vjp=dict(
        x=lambda xp, g, x_shape, y, dim: xp.sum_to(xp.linalg_cross(xp.conj(y), g, dim=dim), x_shape),
        y=lambda xp, g, x, y_shape, dim: xp.sum_to(xp.linalg_cross(g, xp.conj(x), dim=dim), y_shape),
    ),
    batch=_batch_cross,
    node="LinalgCrossBackward0",
    takes=Takes("cross", REAL | INTEGERS | COMPLEX),
)


@public(name="linalg.cross", method=False)
def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The cross product of vectors of 3 elements along `dim`; other dimensions broadcast."""
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = wrap_dim(dim, input.ndim)
    if input.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[d]} and {other.shape[d]}"
        )
    _broadcast(tuple(input.shape), tuple(other.shape))
    _cross.takes(input)  # type: ignore[misc]
    if other.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.scalar_name} but found {other.dtype.scalar_name}")
    y = _cross(input, other, dim=d)
    return y if out is None else write_out(out, y, "linalg_cross")


@public
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The cross product along `dim` (None: the first of size 3, which is deprecated)."""
    if dim is None:
        warn(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or "
            "simply use torch.linalg.cross.\nThe default value of dim will change to agree with that "
            "of linalg.cross in "
            "a future release.",
        )
        for i, n in enumerate(input.shape):
            if n == 3:
                dim = i
                break
        else:
            raise RuntimeError("no dimension of size 3 in input")
    return linalg_cross(input, other, dim=dim, out=out)


# ---------------------------------------------------------------- samples

samples(
    "tensordot",
    Case(T(2, 3, 4), T(3, 4, 2)), Case(T(2, 3), T(3, 4), dims=1), Case(T(2, 3), T(2, 4), dims=([0], [0])),
    Case(T(2), T(3), dims=0),
)  # fmt: skip
samples("kron", Case(T(2, 3), T(3, 2)), Case(T(2), T(2, 2)), Case(T(), T(3)))
samples("chain_matmul", Case(T(2, 3), T(3, 4), T(4, 2)), Case(T(2, 3)))
samples("trace", Case(T(3, 3)), Case(T(2, 4)))
samples("cross", Case(T(2, 3), T(2, 3), dim=1), Case(T(3, 2), T(3, 2), dim=0))
samples("linalg.cross", Case(T(2, 3), T(2, 3)), Case(T(1, 3), T(4, 3)), Case(T(3, 2), T(3, 1), dim=0))

__all__ = ["multiply_chain"]
