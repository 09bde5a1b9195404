"""Scans along one dimension: cumsum, cumprod, cummax, cummin, logcumsumexp, diff, trapezoid.

The derivatives of cumprod and logcumsumexp are first-order recurrences s[i] = b[i] + a[i] * s[i-1]. The primitive
`recur` solves them, and its own derivative is again `recur`: so they hold to any order, with zeros and infinities.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import batch_along_dim, size_of_batch, stretched
from ..core.dispatch import dispatch
from ..core.inplace import inplace_with, write_out
from ..core.primitive import TABLE, composite, general, kernel_helper, linear, ops
from ..core.return_types import TYPES
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels.pointwise import row_major
from .extrema import write_pair
from .install import public
from .lines import refuse, single, supported
from .reduce import cast_input, wrap_dim
from .whole import whole

# ---------------------------------------------------------------- building blocks


def _shift_kernel(x: Any, *, dim: int, by: int, fill: Any) -> Any:
    """x moved by `by` places along `dim`; what comes in is `fill`."""
    if x.ndim == 0:
        return np.full_like(x, fill)
    out = np.full(x.shape, fill, x.dtype)
    before: list[Any] = [slice(None)] * x.ndim
    after = list(before)
    if by > 0:
        before[dim], after[dim] = slice(None, -by), slice(by, None)
    else:
        before[dim], after[dim] = slice(-by, None), slice(None, by)
    out[tuple(after)] = x[tuple(before)]
    return out


shift = general(
    "shift",
    params=("dim", "by", "fill"),
    kernel=_shift_kernel,
    half="native",
    batch=batch_along_dim,
    vjp=dict(x=lambda xp, g, dim, by: xp.shift(g, dim=dim, by=-by, fill=0)),
    jvp=dict(x=lambda xp, t, dim, by: xp.shift(t, dim=dim, by=by, fill=0)),
)


def _recur_kernel(a: Any, b: Any, *, dim: int, reverse: bool) -> Any:
    """s[i] = b[i] + a[i] * s[i-1] along `dim` (s[i+1] if reverse). a at the start is not used."""
    a, b = np.asarray(a), np.asarray(b)
    if b.ndim == 0:
        return b.copy()
    kind = np.result_type(a, b)
    s = np.moveaxis(np.array(b, kind, copy=True), dim, 0)
    m = np.moveaxis(np.broadcast_to(a, b.shape), dim, 0)
    if reverse:
        s, m = s[::-1], m[::-1]
    n = s.shape[0]
    if n <= 64 or s.size > 64 * n:
        for i in range(1, n):
            s[i] += m[i] * s[i - 1]
    else:  # few long rows: doubling, log2(n) passes
        m = m.copy()
        k = 1
        while k < n:
            s[k:] = s[k:] + m[k:] * s[:-k]
            if 2 * k < n:
                m[2 * k :] = m[2 * k :] * m[k:-k]
                # the first 2k rows are final: what multiplies them no longer matters
            k *= 2
    if reverse:
        s = s[::-1]
    return np.moveaxis(s, 0, dim)


def _recur_batch(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = size_of_batch(vals, dims)
    a, b = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    if a.ndim == 1:
        return b, 0
    return prim(a, b, **{**params, "dim": params["dim"] % (a.ndim - 1) + 1}), 0


def _recur_rule(xp: Any, g: Any, needs: Any, a: Any, out: Any, dim: int, reverse: bool) -> Any:
    step = -1 if reverse else 1
    adjoint = xp.recur(xp.conj(xp.shift(a, dim=dim, by=-step, fill=0)), g, dim=dim, reverse=not reverse)
    ga = adjoint * xp.conj(xp.shift(out, dim=dim, by=step, fill=0)) if needs[0] else None
    return ga, adjoint if needs[1] else None


def _recur_jvp(xp: Any, ts: Any, a: Any, out: Any, dim: int, reverse: bool) -> Any:
    ta, tb = ts
    push = tb
    if ta is not None:
        moved = ta * xp.shift(out, dim=dim, by=-1 if reverse else 1, fill=0)
        push = moved if tb is None else tb + moved
    return xp.recur(a, push, dim=dim, reverse=reverse)


recur = general(
    "recur", inputs=("a", "b"), params=("dim", "reverse"), kernel=_recur_kernel, batch=_recur_batch,
    vjp=_recur_rule, jvp=_recur_jvp,
)  # fmt: skip

# ---------------------------------------------------------------- cumsum, cumprod


def _accumulated(ufunc: Any) -> Any:
    def kernel(x: Any, *, dim: int, reverse: bool = False) -> Any:
        if x.ndim == 0:
            return x.astype(np.int64) if x.dtype.kind in "biu" else x.copy()
        kind = np.int64 if x.dtype.kind in "biu" else x.dtype
        if reverse:
            return np.flip(ufunc.accumulate(np.flip(x, dim), axis=dim, dtype=kind), dim)
        return row_major(ufunc.accumulate(x, axis=dim, dtype=kind))

    return kernel


_cumsum = linear(
    "cumsum",
    params=("dim", "reverse"),
    kernel=_accumulated(np.add),
    batch=batch_along_dim,
    vjp=dict(x=lambda xp, g, dim, reverse: xp.cumsum(g, dim=dim, reverse=not reverse)),
    jvp=dict(x=lambda xp, t, dim, reverse: xp.cumsum(t, dim=dim, reverse=reverse)),
)


@kernel_helper
def all_finite(x: Any) -> bool:
    return bool(np.isfinite(np.add.reduce(x, None)))


@composite
def all_finite(x: Any) -> bool:  # type: ignore[no-redef]  # noqa: F811
    """Not known of Tensors, which may be mapped or traced: taken for granted."""
    return True


def _cumprod_by_quotients(xp: Any, g: Any, x: Any, dim: int, reverse: bool) -> Any:
    """The sum of g[i] y[i] over i >= k, divided by x[k]: what PyTorch computes, which shows where nan comes out.

    Beyond the first zero of a row that is 0 / 0; there the gradient is 0, and at the zero itself a product without it.
    """
    out = xp.cumprod(x, dim=dim, reverse=reverse)
    zeros = xp.cumsum(xp.to_dtype(x == 0, np.dtype(np.int64)), dim=dim, reverse=reverse)
    before = xp.cumsum(xp.where(zeros == 0, g * xp.conj(out), 0), dim=dim, reverse=not reverse) / xp.conj(x)
    first = (zeros == 1) & (x == 0)
    between = xp.cumprod(xp.where((zeros == 1) & (x != 0), x, 1), dim=dim, reverse=reverse)
    tail = xp.cumsum(xp.where(zeros == 1, g * xp.conj(between), 0), dim=dim, reverse=not reverse)
    head = xp.conj(xp.shift(out, dim=dim, by=-1 if reverse else 1, fill=1))
    return xp.where(zeros == 0, before, xp.where(first, tail * head, 0))


def _cumprod_rule(xp: Any, g: Any, x: Any, dim: int, reverse: bool) -> Any:
    """dy[i]/dx[k] = (product before k) * (product of k+1..i): the second factor sums up by a recurrence."""
    if not xp.all_finite(x):
        return _cumprod_by_quotients(xp, g, x, dim, reverse)
    step = -1 if reverse else 1
    before = xp.cumprod(xp.shift(x, dim=dim, by=step, fill=1), dim=dim, reverse=reverse)
    after = xp.recur(xp.conj(xp.shift(x, dim=dim, by=-step, fill=0)), g, dim=dim, reverse=not reverse)
    return xp.conj(before) * after


def _cumprod_jvp(xp: Any, t: Any, x: Any, out: Any, dim: int, reverse: bool) -> Any:
    before = xp.shift(out, dim=dim, by=-1 if reverse else 1, fill=1)
    return xp.recur(x, t * before, dim=dim, reverse=reverse)


_cumprod = general(
    "cumprod",
    params=("dim", "reverse"),
    kernel=_accumulated(np.multiply),
    batch=batch_along_dim,
    vjp=dict(x=_cumprod_rule),
    jvp=dict(x=_cumprod_jvp),
)


def _install(prim: Any, doc: str) -> Any:
    name = prim.name
    line = single(prim)

    def compute(input: Any, dim: int, dtype: Any) -> Any:
        input = cast_input(input, dtype, name)
        y = line(input, {"dim": wrap_dim(dim, input.ndim), "reverse": False})
        return y if dtype is None or y.dtype is dtype else y.to(dtype)

    def fn(input: Tensor, dim: Any = None, *, dtype: Any = None, out: Tensor | None = None, axis: Any = None) -> Tensor:
        y: Tensor = compute(input, given_dim(name, dim, axis), dtype)
        return y if out is None else write_out(out, y, name)

    def form(self: Tensor, dim: Any = None, *, dtype: Any = None, axis: Any = None) -> Tensor:
        return inplace_with(lambda old: compute(old, given_dim(name, dim, axis), dtype), self)

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = doc
    public(form, name=name + "_", function=False)
    return public(fn)


def given_dim(name: str, dim: Any, axis: Any = None) -> int:
    """The `dim` that an operation cannot do without."""
    if dim is None:
        dim = axis
    if dim is None:
        raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
    return whole(dim)


for _prim in (_cumsum, _cumprod):

    def _with_defaults(x: Any, dim: int, reverse: bool = False, prim: Any = _prim) -> Any:
        return prim(x, dim=dim, reverse=reverse)

    setattr(ops, _prim.name, _with_defaults)

cumsum = _install(_cumsum, "The running sum along `dim`. Integers sum in int64. Differentiable.")
cumprod = _install(_cumprod, "The running product along `dim`. Differentiable, with zeros too.")
_SCANNED = (Case(T(3, 4), 1), Case(T(3, 4), 0), Case(T(2, 3, 2), -2), Case(T(), 0), Case(T(0, 3), 0))
samples("cumsum", *_SCANNED)
samples("cumprod", *_SCANNED)

# ---------------------------------------------------------------- cummax, cummin


def _running(ufunc: Any, at_least: Any) -> Any:
    def kernel(x: Any, *, dim: int) -> tuple[Any, Any]:
        if x.ndim == 0:
            return x.copy(), np.zeros((), np.int64)
        values = row_major(ufunc.accumulate(x, axis=dim))
        # a new record is where x is as good as all before it: the index of the last record runs along
        record = at_least(x, values)
        if x.dtype.kind == "f":
            record |= np.isnan(x)
        places = np.arange(x.shape[dim]).reshape([-1 if d == dim else 1 for d in range(x.ndim)])
        return values, row_major(np.maximum.accumulate(np.where(record, places, 0), axis=dim))

    return kernel


def _running_rule(xp: Any, gs: Any, needs: Any, out1: Any, x_shape: Any, dim: int) -> Any:
    return (xp.put_along(gs[0], out1, dim=dim, size=x_shape[dim] if x_shape else 1, unique=False),)


def _install_running(name: str, ufunc: Any, at_least: Any, word: str) -> Any:
    prim = general(
        name, params=("dim",), n_outputs=2, nondifferentiable_outputs=(1,), batch=batch_along_dim,
        kernel=supported(_running(ufunc, at_least), name + "_cpu", "c", any_scalar=True), vjp=_running_rule,
        jvp=lambda xp, ts, out1, dim: (xp.take_along(ts[0], out1, dim=dim), None), saved_names=dict(out1="indices"),
        real_gradient=name,
    )  # fmt: skip

    def fn(input: Tensor, dim: Any = None, *, out: Any = None, axis: Any = None) -> Any:
        input = cast_input(input, None, name)
        d = wrap_dim(given_dim(name, dim, axis), input.ndim)
        return write_pair(out, prim(input, dim=d), TYPES[name], name)

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = f"(values, indices) of the {word} so far along `dim`; of equals, the last."
    samples(name, *_SCANNED, complex=False)
    return public(fn)


cummax = _install_running("cummax", np.maximum, np.greater_equal, "largest")
cummin = _install_running("cummin", np.minimum, np.less_equal, "smallest")

# ---------------------------------------------------------------- logcumsumexp


def _logcumsumexp_kernel(x: Any, *, dim: int) -> Any:
    if x.ndim == 0:
        return x.copy()
    if x.dtype.kind == "f":
        return row_major(np.logaddexp.accumulate(x, axis=dim))
    y = np.array(x, order="C")
    along = np.moveaxis(y, dim, 0)
    for i in range(1, along.shape[0]):
        along[i] = complex_logaddexp(along[i - 1], along[i])
    return y


def complex_logaddexp(x: Any, y: Any) -> Any:
    """log(exp(x) + exp(y)) on complex arrays, about the one with the larger real part."""
    swap = x.real < y.real
    high, low = np.where(swap, y, x), np.where(swap, x, y)
    with np.errstate(all="ignore"):
        out = high + np.log1p(np.exp(low - high))
    return np.where(np.isneginf(low.real) | np.isposinf(high.real), high, out)


def _ratio(xp: Any, x: Any, y: Any) -> Any:
    """exp(x - y) where both are logarithms of parts and of a whole; what part of nothing is nothing, is undefined."""
    return xp.exp(x - y)


def _logcumsumexp_rule(xp: Any, g: Any, x: Any, out: Any, dim: int) -> Any:
    """sum over i >= k of g[i] exp(x[k] - y[i]), by a recurrence whose factors exp(y[i] - y[i+1]) are at most 1."""
    after = xp.shift(out, dim=dim, by=-1, fill=float("inf"))  # nothing comes after the last: a factor of 0
    growth = xp.where(out == after, 1, _ratio(xp, out, after))  # also between infinities
    s = xp.recur(xp.conj(growth), g, dim=dim, reverse=True)
    return s * xp.conj(_ratio(xp, x, out))


def _logcumsumexp_jvp(xp: Any, t: Any, x: Any, out: Any, dim: int) -> Any:
    before = xp.shift(out, dim=dim, by=1, fill=-float("inf"))
    return xp.recur(_ratio(xp, before, out), t * _ratio(xp, x, out), dim=dim, reverse=False)


_logcumsumexp = general(
    "logcumsumexp", params=("dim",), kernel=supported(_logcumsumexp_kernel, "logcumsumexp_out_cpu", "biu"),
    batch=batch_along_dim, vjp=dict(x=_logcumsumexp_rule), jvp=dict(x=_logcumsumexp_jvp),
)  # fmt: skip


@public
def logcumsumexp(input: Tensor, dim: Any = None, *, out: Tensor | None = None) -> Tensor:
    """log of the running sum of exp along `dim`, without overflow. Differentiable."""
    input = cast_input(input, None, "logcumsumexp")
    y: Tensor = _logcumsumexp(input, dim=wrap_dim(given_dim("logcumsumexp", dim), input.ndim))
    return y if out is None else write_out(out, y, "logcumsumexp")


samples("logcumsumexp", *_SCANNED)

# ---------------------------------------------------------------- differences and integrals


def piece(x: Any, dim: int, start: int | None, stop: int | None) -> Any:
    """x[..., start:stop, ...] along `dim`."""
    return x[(slice(None),) * dim + (slice(start, stop),)]


@public
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None,
    *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The n-th difference between neighbours along `dim`, after putting `prepend` and `append` at the ends."""
    input = cast_input(input, None, "diff")
    if input.ndim < 1:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = wrap_dim(dim, input.ndim)
    for extra in (prepend, append):
        if extra is not None and extra.ndim != input.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    y = input
    if n and (prepend is not None or append is not None):
        y = ops.cat([part for part in (prepend, input, append) if part is not None], dim=d)
    if n == 0:
        y = ops.zeros_like(y) if y.shape[d] == 0 else y.clone()  # type: ignore[attr-defined]
    for _ in range(min(n, y.shape[d])):
        if y.dtype.category == 0:
            y = ops.logical_xor(piece(y, d, 1, None), piece(y, d, None, -1))
        else:
            y = ops.sub(piece(y, d, 1, None), piece(y, d, None, -1))
    return y if out is None else write_out(out, y, "diff")


def _panels(y: Tensor, x: Any, dx: Any, dim: int, name: str) -> Any:
    """Twice the areas between neighbours along `dim` (in units of `dx`), and what to multiply their sums with."""
    y = cast_input(y, None, name)
    d = wrap_dim(dim, y.ndim)
    if x is None:
        refuse(y, "b", f"{name}: received a bool input for `y`, but bool is not supported")
        sides = piece(y, d, 1, None) + piece(y, d, None, -1)
        return sides, d, dx / 2.0
    for given in (x, y):
        refuse(given, "b", f"{name}: received a bool input for `x` or `y`, but bool is not supported")
    if not x.ndim:
        x = ops.reshape(x, (1,) * y.ndim)
    sides = piece(y, d, 1, None) + piece(y, d, None, -1)
    if x.ndim == 1 and y.ndim != 1:
        if x.shape[0] != y.shape[d]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        widths = x[1:] - x[:-1]
        widths = ops.reshape(widths, (-1,) + (1,) * (y.ndim - d - 1))
    else:
        dd = d + x.ndim - y.ndim
        widths = piece(x, dd, 1, None) - piece(x, dd, None, -1)
    return sides * widths, d, None


def _halved(doubled: Tensor, scale: Any) -> Tensor:
    """From twice the area to the area."""
    if scale is None:
        return dispatch(TABLE["div"], (doubled, 2.0), {}, _by_scalar["div"])  # type: ignore[no-any-return]
    return dispatch(TABLE["mul"], (doubled, scale), {}, _by_scalar["mul"])  # type: ignore[no-any-return]


_by_scalar = {"div": TABLE["div"].renamed("DivBackward1"), "mul": TABLE["mul"].renamed("MulBackward1")}


def _trapezoid(name: str) -> Any:
    def fn(y: Tensor, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
        y = cast_input(y, None, name)
        if y.ndim and y.shape[wrap_dim(dim, y.ndim)] == 0:
            return ops.sum(y, dim=(wrap_dim(dim, y.ndim),), keepdim=False) * 0.0  # type: ignore[no-any-return]
        if x is None and y.ndim:
            refuse(y, "b", "trapezoid: received a bool input for `y`, but bool is not supported")
            d = wrap_dim(dim, y.ndim)
            ends = ops.select(y, dim=d, index=0) + ops.select(y, dim=d, index=y.shape[d] - 1)
            return _halved(ops.sum(y, dim=(d,), keepdim=False) - ends * 0.5, 1 if dx is None else dx)
        doubled, d, scale = _panels(y, x, 1 if dx is None else dx, dim, "trapezoid")
        return _halved(ops.sum(doubled, dim=(d,), keepdim=False), scale)

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = "The integral along `dim` by the trapezoid rule, at points `x` or in steps `dx`."
    samples(name, Case(T(3, 4)), Case(T(3, 4), T(4)), Case(T(3, 4), dx=0.5, dim=0), Case(T(5), T(5)))
    return public(fn, method=False)


trapezoid = _trapezoid("trapezoid")
trapz = _trapezoid("trapz")


@public(method=False)
def cumulative_trapezoid(y: Tensor, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The running integral along `dim` by the trapezoid rule: one element less."""
    doubled, d, scale = _panels(y, x, dx, dim, "cumulative_trapezoid")
    if scale is None:
        return _halved(cumsum(doubled, d), None)
    return cumsum(doubled * scale, d)  # type: ignore[no-any-return]


samples("diff", Case(T(3, 4)), Case(T(3, 4), 2, 0), Case(T(3), prepend=T(1), append=T(2)))
samples("cumulative_trapezoid", Case(T(3, 4)), Case(T(3, 4), T(4)), Case(T(3, 4), dx=0.5, dim=0))

__all__ = ["complex_logaddexp", "given_dim", "piece"]
