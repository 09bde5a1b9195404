"""What the decompositions share: checks with PyTorch's sentences, small helpers of their rules, batch rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import front, padded
from ..core.deferred import values_known
from ..core.errors import warn_once
from ..core.inplace import write_out
from ..core.levels import unwrap_all
from ..core.primitive import Primitive, composite, kernel_helper, ops
from ..core.tensor import Tensor
from ..kernels.linalg import LinAlgError
from .install import FUNCTIONS

FUNCTIONS["linalg.LinAlgError"] = LinAlgError

# ---------------------------------------------------------------- checks


def check_tensor(x: Any, name: str, argument: str = "A", position: int = 1) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {type(x).__name__}")


def check_matrix(x: Any, name: str, argument: str = "A") -> None:
    """At least two dimensions."""
    check_tensor(x, name.replace(".", "_"), argument)
    if x.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")


def check_square(x: Any, name: str, argument: str = "A") -> None:
    """A batch of square matrices."""
    check_matrix(x, name, argument)
    m, n = x.shape[-2:]
    if m != n:
        raise RuntimeError(f"{name}: {argument} must be batches of square matrices, but they are {m} by {n} matrices")


def check_inexact(x: Tensor, name: str, low: bool = True) -> None:
    """Floating point or complex; half precision only where `low`."""
    kind = x.dtype
    if kind.category < 2:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {kind.scalar_name}")
    if not low and kind.itemsize < 4:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {kind.scalar_name}")


def check_kernel(x: Tensor, kernel: str, empty: bool = False) -> None:
    """What LAPACK computes in: float32, float64 and their complex forms. `empty`: nothing needs no kernel."""
    kind = x.dtype
    if empty and 0 in x.shape:
        return
    if kind.category < 2 or kind.itemsize < 4:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{kind.scalar_name}'")


def failed(info: Tensor) -> tuple[str, int] | None:
    """('(Batch element i): ' or '', code) of the first matrix that failed; None if none did."""
    codes = unwrap_all(info)._data
    if not codes.any():
        return None
    if codes.ndim == 0:
        return "", int(codes)
    flat = codes.reshape(-1)
    i = int(np.flatnonzero(flat)[0])
    return f"(Batch element {i}): ", int(flat[i])


def check_fit(A: Tensor, B: Tensor, left: bool, name: str) -> None:
    """Whether B has as many rows (or columns) as A."""
    if B.shape[-2 if left else -1] != A.shape[-1]:
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} ({A.shape[-2]}x{A.shape[-1]} and "
            f"{B.shape[-2]}x{B.shape[-1]})"
        )


def written(y: Any, out: Any, name: str) -> Any:
    """`out=` of a result or of several."""
    if out is None:
        return y
    if isinstance(y, Tensor):
        return write_out(out, y, name)
    return type(y)([write_out(o, part, name) for o, part in zip(out, y, strict=True)])


def deprecated(sentence: str, instead: str) -> None:
    """PyTorch's warning, once, and what to write."""
    warn_once(f"{sentence}\nWrite {instead}.")


# ---------------------------------------------------------------- small helpers of rules


def mT(xp: Any, x: Any) -> Any:
    """The last two dimensions swapped."""
    n = x.ndim
    return xp.transpose(x, dim0=n - 2, dim1=n - 1)


def mH(xp: Any, x: Any) -> Any:
    """The last two dimensions swapped, conjugated."""
    return xp.conj(mT(xp, x))


def diagonal(xp: Any, x: Any) -> Any:
    n = x.ndim
    return xp.diagonal(x, offset=0, dim1=n - 2, dim2=n - 1)


def diag(xp: Any, x: Any) -> Any:
    """A matrix with the last dimension of `x` on its diagonal."""
    n = x.ndim
    return xp.diag_embed(x, offset=0, dim1=n - 1, dim2=n)


def hermitian_part(xp: Any, x: Any) -> Any:
    return 0.5 * (x + mH(xp, x))


def half_lower(xp: Any, x: Any) -> Any:
    """The lower triangle with half the diagonal: what turns a Hermitian X + X^H back into its lower X."""
    return xp.tril(x, diagonal=0) - diag(xp, 0.5 * diagonal(xp, x))


def half_upper(xp: Any, x: Any) -> Any:
    return xp.triu(x, diagonal=0) - diag(xp, 0.5 * diagonal(xp, x))


def plus(a: Any, b: Any) -> Any:
    """a + b, where None stands for zero."""
    return b if a is None else a if b is None else a + b


def fitted(xp: Any, g: Any, shape: Any) -> Any:
    """A gradient summed over the batch dimensions that were broadcast."""
    return g if tuple(g.shape) == tuple(shape) else xp.sum_to(g, tuple(shape))


def solve_upper(xp: Any, r: Any, b: Any, left: bool = True, unit: bool = False) -> Any:
    return xp.linalg_solve_triangular(r, b, upper=True, left=left, unitriangular=unit)


def solve_lower(xp: Any, l: Any, b: Any, left: bool = True, unit: bool = False) -> Any:
    return xp.linalg_solve_triangular(l, b, upper=False, left=left, unitriangular=unit)


@kernel_helper
def is_about_zero(x: Any) -> bool:
    """Whether all elements are nearly 0, to within what PyTorch lets pass of a phase."""
    return bool(np.allclose(x, 0, 1e-2, 1e-2))


@composite
def is_about_zero(x: Tensor) -> bool:  # type: ignore[no-redef]  # noqa: F811
    if not values_known():  # the check is left out of compiled programs
        return True
    return bool(np.allclose(unwrap_all(x)._data, 0, 1e-2, 1e-2))


def torch_names(prefix: str, module: str) -> None:
    """Functions called as `linalg.qr` name themselves `linalg_qr` in Python's own errors, as PyTorch's do."""
    for name, fn in FUNCTIONS.items():
        if name.startswith(prefix + ".") and fn.__module__ == module and not isinstance(fn, type):
            fn.__qualname__ = name.replace(".", "_")


# ---------------------------------------------------------------- batch rules


def batch_matrices(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """All inputs are batches of matrices: the mapped dimension becomes one more batch dimension."""
    n = max(v.ndim - (d is not None) for v, d in zip(vals, dims, strict=True))
    y = prim(*[padded(v, d, n) for v, d in zip(vals, dims, strict=True)], **params)
    return y, 0 if prim.n_outputs == 1 else (0,) * len(y)


def batch_with_vectors(*vectors: int) -> Any:
    """As `batch_matrices`; the inputs numbered in `vectors` have vectors where others have matrices."""

    def rule(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
        less = [int(i in vectors) for i in range(len(vals))]
        n = max(v.ndim - (d is not None) + k for v, d, k in zip(vals, dims, less, strict=True))
        y = prim(*[padded(v, d, n - k) for v, d, k in zip(vals, dims, less, strict=True)], **params)
        return y, 0 if prim.n_outputs == 1 else (0,) * len(y)

    return rule


__all__ = ["LinAlgError", "front", "ops"]
