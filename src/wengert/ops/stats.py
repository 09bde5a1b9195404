"""Variance and standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import warn
from ..core.inplace import write_out
from ..core.primitive import ops, reduction
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import numpy as kernels
from ..kernels.pointwise import row_major
from .install import public
from .lines import single
from .reduce import cast_input, count, reduce_dims


def _var_kernel(x: Any, *, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Any:
    n = x.size if dim is None else count(x.shape, dim)
    free = max(n - correction, 0)
    if x.dtype.kind == "c":
        centred = x - kernels.mean(x, dim=dim, keepdim=True)
        squares = centred.real**2 + centred.imag**2
    else:
        squares = x - np.add.reduce(x, dim, None, None, True) / x.dtype.type(n)
        squares *= squares
    return row_major(np.add.reduce(squares, dim, None, None, keepdim) / squares.dtype.type(free))


def _std_kernel(x: Any, *, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Any:
    return np.sqrt(_var_kernel(x, dim=dim, correction=correction, keepdim=keepdim))


def _var_rule(xp: Any, g: Any, x: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    shape = tuple(x.shape)
    free = count(shape, dim) - correction
    slope = 2.0 / free if free > 0 else float("nan") if free == 0 else 0.0
    spread = xp.restore_dims(g, shape=shape, dim=dim, keepdim=keepdim)
    if free <= 0:  # PyTorch: infinitely steep off the mean, undefined on it
        return xp.restore(g, shape=shape, dim=dim, keepdim=keepdim) * float("nan")
    return (slope * spread) * (x - xp.mean(x, dim=dim, keepdim=True))


def _var_jvp(xp: Any, t: Any, x: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    free = count(tuple(x.shape), dim) - correction
    centred = x - xp.mean(x, dim=dim, keepdim=True)
    slope = 2.0 / free if free > 0 else float("nan")
    return xp.sum(xp.real(xp.conj(centred) * t), dim=dim, keepdim=keepdim) * slope


def _std_scale(xp: Any, g: Any, out: Any) -> Any:
    """From the variance to its root: half over it; 0 where it is 0."""
    return xp.where(out == 0, 0, g / (2 * out))


def _std_rule(xp: Any, g: Any, x: Any, out: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    return _var_rule(xp, _std_scale(xp, g, out), x, dim, correction, keepdim)


def _std_jvp(xp: Any, t: Any, x: Any, out: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    return _std_scale(xp, _var_jvp(xp, t, x, dim, correction, keepdim), out)


def _mean_part(xp: Any, g: Any, x: Any, dim: Any, keepdim: bool) -> Any:
    shape = tuple(x.shape)
    n = count(shape, dim)
    return xp.restore(g / n if n else g, shape=shape, dim=dim, keepdim=keepdim)


def _pair_rule(rule: Any) -> Any:
    """Of (var or std, mean): the sum of both gradients."""

    def joint(xp: Any, gs: Any, x: Any, out0: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
        g = None if gs[0] is None else rule(xp, gs[0], x, out0, dim, correction, keepdim)
        if gs[1] is not None:
            more = _mean_part(xp, gs[1], x, dim, keepdim)
            g = more if g is None else g + more
        return (g,)

    return joint


_PARAMS = ("dim", "correction", "keepdim")
_var = reduction("var", params=_PARAMS, kernel=_var_kernel, promote=None, vjp=dict(x=_var_rule), jvp=dict(x=_var_jvp))
_std = reduction("std", params=_PARAMS, kernel=_std_kernel, promote=None, vjp=dict(x=_std_rule), jvp=dict(x=_std_jvp))


def _var_pair_vjp(xp: Any, gs: Any, needs: Any, x: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    rule = _pair_rule(lambda xp, g, x, out0, dim, c, k: _var_rule(xp, g, x, dim, c, k))
    return rule(xp, gs, x, None, dim, correction, keepdim)


def _std_pair_vjp(xp: Any, gs: Any, needs: Any, x: Any, out0: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    return _pair_rule(_std_rule)(xp, gs, x, out0, dim, correction, keepdim)


def _with_mean(kernel: Any) -> Any:
    def both(x: Any, *, dim: Any, correction: Any, keepdim: bool) -> tuple[Any, Any]:
        spread = kernel(x, dim=dim, correction=correction, keepdim=keepdim)
        return spread, kernels.mean(x, dim=dim, keepdim=keepdim)

    return both


_var_mean = reduction(
    "var_mean", params=_PARAMS, kernel=_with_mean(_var_kernel), promote=None, n_outputs=2, vjp=_var_pair_vjp,
    jvp=lambda xp, ts, x, dim, correction, keepdim: (
        _var_jvp(xp, ts[0], x, dim, correction, keepdim), xp.mean(ts[0], dim=dim, keepdim=keepdim)
    ),
)  # fmt: skip
_std_mean = reduction(
    "std_mean", params=_PARAMS, kernel=_with_mean(_std_kernel), promote=None, n_outputs=2, vjp=_std_pair_vjp,
    jvp=lambda xp, ts, x, out0, dim, correction, keepdim: (
        _std_jvp(xp, ts[0], x, out0, dim, correction, keepdim), xp.mean(ts[0], dim=dim, keepdim=keepdim)
    ),
)  # fmt: skip


def _install(prim: Any, doc: str) -> Any:
    name = prim.name
    line = single(prim)

    def fn(
        input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None,
        out: Tensor | None = None, axis: Any = None, keepdims: bool | None = None,
    ) -> Any:  # fmt: skip
        dim = dim if axis is None else axis
        keepdim = keepdim if keepdims is None else keepdims
        input = cast_input(input, None, name)
        if isinstance(dim, bool):  # f(input, unbiased)
            dim, unbiased = None, dim
        if input.dtype.category < 2:
            title = "std and var" if prim.n_outputs == 1 else name
            raise RuntimeError(f"{title} only support floating point and complex dtypes")
        if correction is None:
            correction = 1 if unbiased is None else int(unbiased)
        dims = reduce_dims(dim, input.ndim)
        if count(tuple(input.shape), dims) <= correction and prim_size(input, dims):
            warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
                "(input numel divided by output numel)."
            )
        y = line(input, {"dim": dims, "correction": correction, "keepdim": keepdim})
        return y if out is None else write_out(out, y, name)

    if prim.n_outputs == 2:  # takes no `out`
        whole = fn

        def fn(  # type: ignore[misc]
            input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None,
            axis: Any = None, keepdims: bool | None = None,
        ) -> Any:  # fmt: skip
            return whole(input, dim, unbiased, keepdim, correction=correction, axis=axis, keepdims=keepdims)

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = doc
    samples(
        name, Case(T(3, 4)), Case(T(3, 4), 1), Case(T(3, 4), dim=(0, 1), correction=0, keepdim=True),
        Case(T(2, 3, 4), dim=(0, 2)), Case(T(5), unbiased=False),
    )  # fmt: skip
    return public(fn, method=prim.n_outputs == 1)


def prim_size(x: Tensor, dims: Any) -> bool:
    """Whether there is any result."""
    return bool(x.shape and all(n for d, n in enumerate(x.shape) if dims is not None and d not in dims)) or not x.shape


var = _install(_var, "Variance of all elements or over `dim`: divided by n - correction (default 1); real, always.")
std = _install(_std, "Standard deviation: the root of `var`. The gradient where it is 0 is 0.")
var_mean = _install(_var_mean, "(variance, mean) of all elements or over `dim`.")
std_mean = _install(_std_mean, "(standard deviation, mean) of all elements or over `dim`.")

for _prim in (_var, _std):

    def _with_defaults(
        x: Any, dim: Any = None, correction: Any = 1, keepdim: bool = False, prim: Any = _prim
    ) -> Any:
        return prim(x, dim=dim, correction=correction, keepdim=keepdim)

    setattr(ops, _prim.name, _with_defaults)
