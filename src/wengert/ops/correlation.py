"""Covariance and correlation of variables in rows; renorm."""

from __future__ import annotations

from typing import Any

from ..core.batching import front
from ..core.deferred import values_known
from ..core.errors import warn
from ..core.inplace import inplace, write_out
from ..core.primitive import general, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import numpy as kernels
from .install import public
from .norm import _norm_slope as norm_slope
from .norm import vector_norm
from .reduce import cast_input, wrap_dim

# ---------------------------------------------------------------- covariance


def _check_weights(weights: Any, name: str, whole: bool, n: int) -> None:
    if weights.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.ndim} dimensions"
        )
    if (weights.dtype.category == 1) != whole or weights.dtype.category not in (1, 2):
        wanted = "integral" if whole else "floating point"
        raise RuntimeError(
            f"cov(): expected {name} to have {wanted} dtype but got {name} with {weights.dtype.scalar_name} dtype"
        )
    if weights.numel() != n:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{weights.numel()} != {n}"
        )
    if not weights._level and n and bool((weights < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@public
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariance matrix of the variables in the rows of `input` (observations in its columns).

    `fweights`: how often each observation counts; `aweights`: how much."""
    x = cast_input(input, None, "cov")
    if x.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {x.ndim} dimensions"
        )
    if x.dtype.category == 0:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = ops.reshape(x, (1, -1)) if x.ndim < 2 else x
    n = rows.shape[1]
    weight = None
    if fweights is not None:
        _check_weights(fweights, "fweights", True, n)
        weight = fweights
    if aweights is not None:
        _check_weights(aweights, "aweights", False, n)
        weight = aweights if weight is None else weight * aweights
    if weight is None:
        total: Any = n
        centred = rows - ops.sum(rows, dim=(1,), keepdim=True) / n
        scaled = centred
        free: Any = n - correction
    else:
        total = ops.sum(weight, dim=None, keepdim=False)
        centred = rows - ops.sum(rows * weight, dim=(1,), keepdim=True) / total
        scaled = centred * weight
        if correction == 0 or aweights is None:
            free = total - correction
        else:
            free = total - correction * ops.sum(weight * aweights, dim=None, keepdim=False) / total
    if isinstance(free, Tensor):
        if not free._level and values_known() and bool(free <= 0):
            _warn_free()
        free = free.clamp(min=0)  # type: ignore[attr-defined]
    else:
        if free <= 0:
            _warn_free()
        free = max(free, 0)
    found = ops.matmul(centred, ops.conj(ops.t(scaled))) / free
    return found.squeeze()  # type: ignore[no-any-return]


def _warn_free() -> None:
    warn("cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.")


@public
def corrcoef(input: Tensor) -> Tensor:
    """The matrix of correlation coefficients of the variables in the rows of `input`, within [-1, 1]."""
    x = cast_input(input, None, "corrcoef")
    if x.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {x.ndim} dimensions"
        )
    c = cov(x)
    if c.ndim == 0:
        return c / c  # type: ignore[operator, no-any-return]
    deviation = ops.sqrt(ops.real(c.diagonal()))  # type: ignore[attr-defined]
    c = c / ops.unsqueeze(deviation, dim=1) / ops.unsqueeze(deviation, dim=0)
    return c if c.dtype.is_complex else c.clamp(-1, 1)


samples(
    "cov", Case(T(3, 4)), Case(T(5)), Case(T(2, 4), correction=0), Case(T(2, 3), aweights=T(3, low=0.5, high=2)),
    Case(T(2, 3), fweights=T(3, dtype="int64", low=1, high=4)),
)  # fmt: skip
samples("corrcoef", Case(T(3, 4)), Case(T(2, 5)))

# ---------------------------------------------------------------- renorm

_TINY = 1e-7


def _others(x: Any, dim: int) -> tuple[int, ...]:
    return tuple(d for d in range(len(x.shape)) if d != dim)


def _renorm_parts(xp: Any, x: Any, p: float, dim: int, maxnorm: float) -> tuple[Any, Any, Any]:
    """The norms, where they are too large, and what each slice is multiplied with."""
    norm = xp.linalg_vector_norm(x, ord=p, dim=_others(x, dim), keepdim=True)
    large = norm > maxnorm
    return norm, large, xp.where(large, maxnorm / (norm + _TINY), xp.ones_like(norm))


def _renorm_kernel(x: Any, *, p: float, dim: int, maxnorm: float) -> Any:
    return x * _renorm_parts(kernels, x, p, dim, maxnorm)[2]


def _renorm_rule(xp: Any, g: Any, x: Any, p: float, dim: int, maxnorm: float) -> Any:
    norm, large, factor = _renorm_parts(xp, x, p, dim, maxnorm)
    others = _others(x, dim)
    along = xp.sum(xp.real(g * xp.conj(x)), dim=others, keepdim=True)
    pull = xp.where(large, -maxnorm * along / ((norm + _TINY) * (norm + _TINY)), 0)
    return g * factor + xp.where(large, norm_slope(xp, pull, x, norm, p, others, True), 0)


def _renorm_jvp(xp: Any, t: Any, x: Any, p: float, dim: int, maxnorm: float) -> Any:
    norm, large, factor = _renorm_parts(xp, x, p, dim, maxnorm)
    others = _others(x, dim)
    slope = norm_slope(xp, xp.ones_like(norm), x, norm, p, others, True)
    grown = xp.sum(xp.real(t * xp.conj(slope)), dim=others, keepdim=True)
    return t * factor + x * xp.where(large, -maxnorm * grown / ((norm + _TINY) * (norm + _TINY)), 0)


def _batch_renorm(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """Each slot has norms of its own: slot and `dim` become one dimension."""
    x = front(vals[0], dims[0])
    d = params["dim"] + 1
    order = (0, d, *(i for i in range(1, x.ndim) if i != d))
    moved = ops.permute(x, dims=order)
    shape = tuple(moved.shape)
    y = prim(ops.reshape(moved, (shape[0] * shape[1], *shape[2:])), **{**params, "dim": 0})
    back = [0] * x.ndim
    for i, o in enumerate(order):
        back[o] = i
    return ops.permute(ops.reshape(y, shape), dims=tuple(back)), 0


_renorm = general(
    "renorm", params=("p", "dim", "maxnorm"), kernel=_renorm_kernel, vjp=dict(x=_renorm_rule), jvp=dict(x=_renorm_jvp),
    batch=_batch_renorm,
)


def _renorm_arguments(x: Tensor, p: float, dim: int, maxnorm: float) -> dict[str, Any]:
    cast_input(x, None, "renorm")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if x.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x.ndim} dimensions")
    d = wrap_dim(dim, x.ndim)
    if x.dtype.category < 2:
        vector_norm(x, p)  # raises
    return {"p": float(p), "dim": d, "maxnorm": float(maxnorm)}


@public
def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """Slices along `dim` whose p-norm is above `maxnorm` are scaled down to it."""
    y: Tensor = _renorm(input, **_renorm_arguments(input, p, dim, maxnorm))
    return y if out is None else write_out(out, y, "renorm")


@public(name="renorm_", function=False)
def renorm_(self: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    return inplace(_renorm, self, (), _renorm_arguments(self, p, dim, maxnorm))


samples("renorm", Case(T(3, 4), 2, 0, 1.5), Case(T(2, 3, 2), 1, 1, 1.0), Case(T(3, 4), 3, -1, 100.0))
