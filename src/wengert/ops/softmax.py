"""softmax, log_softmax, logsumexp: primitives, because only the whole can be computed without overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import batch_along_dim
from ..core.inplace import write_out
from ..core.primitive import composite, general, kernel_helper, ops, reduction
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import softmax as fast
from ..kernels.pointwise import row_major
from .install import public
from .lines import single
from .reduce import cast_input, reduce_dims, wrap_dim
from .scan import given_dim


def _dims(dim: int, x: Any) -> Any:
    return (dim,) if x.ndim else None


def _softmax_rule(xp: Any, g: Any, out: Any, dim: int) -> Any:
    return xp.softmax_back(g, out, dim=dim)


def _log_softmax_rule(xp: Any, g: Any, out: Any, dim: int) -> Any:
    return xp.log_softmax_back(g, out, dim=dim)


@composite
def softmax_back(g: Tensor, out: Tensor, *, dim: int) -> Any:
    """The gradient of x for that of softmax(x), which is `out`."""
    weighted = g * out
    return weighted - out * ops.sum(weighted, dim=_dims(dim, out), keepdim=True)


@composite
def log_softmax_back(g: Tensor, out: Tensor, *, dim: int) -> Any:
    """The gradient of x for that of log_softmax(x), which is `out`."""
    return g - ops.exp(out) * ops.sum(g, dim=_dims(dim, out), keepdim=True)


kernel_helper(fast.softmax_back)
kernel_helper(fast.log_softmax_back)


def _log_softmax_jvp(xp: Any, t: Any, out: Any, dim: int) -> Any:
    return t - xp.sum(xp.exp(out) * t, dim=_dims(dim, out), keepdim=True)


_softmax = general(
    "softmax", params=("dim",), kernel=fast.softmax, batch=batch_along_dim, vjp=dict(x=_softmax_rule),
    jvp=dict(x=_softmax_rule),
)  # fmt: skip
_log_softmax = general(
    "log_softmax", params=("dim",), kernel=fast.log_softmax, batch=batch_along_dim,
    vjp=dict(x=_log_softmax_rule), jvp=dict(x=_log_softmax_jvp),
)  # fmt: skip


def _install(prim: Any, doc: str) -> Any:
    name = prim.name
    line = single(prim)

    def fn(input: Tensor, dim: Any = None, dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
        input = cast_input(input, dtype, name)
        if input.dtype.category != 2:
            kind = f"{name}_lastdim_kernel_impl" if wrap_dim(dim or 0, input.ndim) == max(input.ndim - 1, 0) else (
                f"{name}_kernel_impl"
            )
            raise NotImplementedError(f"\"{kind}\" not implemented for '{input.dtype.scalar_name}'")
        y: Tensor = line(input, {"dim": wrap_dim(given_dim(name, dim), input.ndim)})
        return y if out is None else write_out(out, y, name)

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = doc
    samples(name, Case(T(3, 4), 1), Case(T(3, 4), 0), Case(T(2, 3, 2), -2), Case(T(), 0), complex=False)
    return public(fn)


softmax = _install(_softmax, "exp(input) / sum(exp(input)) along `dim`.")
log_softmax = _install(_log_softmax, "log(softmax(input, dim)), computed without overflow.")

# ---------------------------------------------------------------- logsumexp


def _logsumexp_kernel(x: Any, *, dim: Any, keepdim: bool) -> Any:
    if x.size == 0:
        return np.log(np.add.reduce(np.exp(x), axis=dim, keepdims=keepdim))
    top = np.maximum.reduce(x.real if x.dtype.kind == "c" else x, dim, None, None, True)
    odd = np.isinf(top)
    if odd.any():
        top = np.where(odd, top.dtype.type(0), top)
    y = np.log(np.add.reduce(np.exp(x - top), dim, None, None, keepdim))
    return row_major(y + top.reshape(y.shape))


def _logsumexp_weights(xp: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    """exp(x - out); where out is -inf nothing was summed."""
    whole = xp.restore_dims(out, shape=tuple(x.shape), dim=dim, keepdim=keepdim)
    none = xp.real(whole) == -float("inf")
    return xp.where(none, 0, xp.exp(x - xp.where(none, 0, whole)))


def _logsumexp_rule(xp: Any, g: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    g = xp.restore_dims(g, shape=tuple(x.shape), dim=dim, keepdim=keepdim)
    return g * xp.conj(_logsumexp_weights(xp, x, out, dim, keepdim))


_logsumexp = reduction(
    "logsumexp",
    params=("dim", "keepdim"),
    kernel=_logsumexp_kernel,
    promote="float",
    vjp=dict(x=_logsumexp_rule),
    jvp=dict(
        x=lambda xp, t, x, out, dim, keepdim: xp.sum(
            t * _logsumexp_weights(xp, x, out, dim, keepdim), dim=dim, keepdim=keepdim
        )
    ),
)


_logsumexp_line = single(_logsumexp)


@public
def logsumexp(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None, axis: Any = None,
    keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """log(sum(exp(input))) over `dim` (int or tuple), without overflow. Integers become the default dtype."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is None else keepdims
    if dim is None:
        raise TypeError('logsumexp() missing 1 required positional arguments: "dim"')
    input = cast_input(input, None, "logsumexp")
    y: Tensor = _logsumexp_line(input, {"dim": reduce_dims(dim, input.ndim), "keepdim": keepdim})
    return y if out is None else write_out(out, y, "logsumexp")


samples("logsumexp", Case(T(3, 4), 1), Case(T(3, 4), (0, 1)), Case(T(2, 3, 2), 1, True), Case(T(), 0))
