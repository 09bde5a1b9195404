"""Elements by rank: median, kthvalue, mode, quantile."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.deferred import refuse_where
from ..core.dispatch import dispatch
from ..core.inplace import write_out
from ..core.levels import unwrap_all
from ..core.primitive import TABLE, ops, reduction
from ..core.return_types import TYPES
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor, wrap
from .extrema import _average, _same, _share, check_extent, picking, with_index, write_pair
from .install import public
from .lines import supported
from .reduce import cast_input, wrap_dim

# ---------------------------------------------------------------- where the element of a rank is


def _of_rank(x: Any, k: Any, dim: int) -> Any:
    """The index of the element of rank `k` along `dim` (kept as size 1); nan counts as the largest."""
    order = np.argsort(x, axis=dim, kind="stable")
    return np.take_along_axis(order, np.asarray(k), dim)


def _rank_index(x: Any, dim: int, nan_wins: bool) -> Any:
    """The index of the median: the lower of two; nan if there is one, or among those that are not nan."""
    n = x.shape[dim]
    shape = [1 if d == dim else m for d, m in enumerate(x.shape)]
    if x.dtype.kind != "f":
        return _of_rank(x, np.full(shape, (n - 1) // 2), dim)
    bad = np.isnan(x)
    if nan_wins:
        index = _of_rank(x, np.full(shape, (n - 1) // 2), dim)
        return np.where(bad.any(axis=dim, keepdims=True), np.argmax(bad, axis=dim, keepdims=True), index)
    good = n - bad.sum(axis=dim, keepdims=True)
    return _of_rank(x, np.maximum(good - 1, 0) // 2, dim)


def _mode_index(x: Any, dim: int) -> Any:
    """The index of the most frequent value: of several the smallest, and of its places the last."""
    rows = np.moveaxis(x, dim, -1)
    order = np.argsort(rows, axis=-1, kind="stable")
    values = np.take_along_axis(rows, order, -1)
    n = rows.shape[-1]
    new = np.ones(values.shape, np.bool_)
    new[..., 1:] = values[..., 1:] != values[..., :-1]
    start = np.maximum.accumulate(np.where(new, np.arange(n), 0), axis=-1)
    run = np.arange(n) - start + 1  # how many alike up to here
    best = np.argmax(run == run.max(axis=-1, keepdims=True), axis=-1, keepdims=True)
    return np.moveaxis(np.take_along_axis(order, best, -1), -1, dim)


# ---------------------------------------------------------------- median


def _install_median(name: str, nan_wins: bool) -> Any:
    title = name.capitalize()

    def kernel(x: Any) -> Any:
        flat = x.reshape(-1)
        if not flat.size:
            return np.full((), np.nan, x.dtype) if x.dtype.kind == "f" else np.full((), np.iinfo(x.dtype).min, x.dtype)
        return flat[_rank_index(flat, 0, nan_wins)[0]]

    total = reduction(
        name + "_all", kernel=supported(kernel, "median_cpu", "bc"), promote=None, node=f"{title}Backward0",
        vjp=dict(x=lambda xp, g, x, out: _share(xp, _same(xp, x, out), g, None)),
        jvp=dict(x=lambda xp, t, x, out: _average(xp, _same(xp, x, out), t, None, False)),
        batch=_batch_median_all,
    )  # fmt: skip
    along = picking(
        name, supported(with_index(lambda x, dim: _rank_index(x, dim, nan_wins)), "median_out", "bc"),
        f"{title}Backward1",
    )  # fmt: skip

    def fn(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
        input = cast_input(input, None, name)
        if dim is None:
            if out is not None or keepdim:
                raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
            return total(input)
        d = wrap_dim(dim, input.ndim)
        check_extent(input, d, "median")
        return write_pair(out, along(input, dim=d, keepdim=keepdim), TYPES[name], name)

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = "The median (of two in the middle, the lower); with `dim`, (values, indices) along it."
    samples(name, Case(T(3, 4)), Case(T(3, 5), 1), Case(T(3, 4), 0, True), Case(T()), complex=False)
    return public(fn)


def _batch_median_all(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """One row for each slot; the median along it picks a single element where the whole shares among equals."""
    from ..core.batching import front

    x = front(vals[0], dims[0])
    rows = ops.reshape(x, (x.shape[0], -1))
    slots = [prim(rows[i]) for i in range(rows.shape[0])]
    return ops.stack(slots, dim=0), 0


median = _install_median("median", True)
nanmedian = _install_median("nanmedian", False)

# ---------------------------------------------------------------- mode, kthvalue

_mode = picking(
    "mode", supported(with_index(_mode_index), "mode_cpu", "c", any_scalar=True), "ModeBackward0", real_gradient="mode"
)


@public
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """(values, indices) of the most frequent value along `dim`; of several, the smallest."""
    input = cast_input(input, None, "mode")
    d = wrap_dim(dim, input.ndim)
    check_extent(input, d, "mode")
    return write_pair(out, _mode(input, dim=d, keepdim=keepdim), TYPES["mode"], "mode")


def _kth_kernel(x: Any, *, k: int, dim: int, keepdim: bool) -> Any:
    if x.ndim == 0:
        return x.copy(), np.zeros((), np.int64)
    shape = [1 if d == dim else m for d, m in enumerate(x.shape)]
    return with_index(lambda a, d: _of_rank(a, np.full(shape, k - 1), d))(x, dim=dim, keepdim=keepdim)


_kthvalue = picking(
    "kthvalue", supported(_kth_kernel, "kthvalue_cpu", "bc", any_scalar=True), "KthvalueBackward0",
    real_gradient="kthvalue",
)  # fmt: skip
_kthvalue.params = ("k", "dim", "keepdim")


@public
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """(values, indices) of the k-th smallest element along `dim`, counted from 1."""
    input = cast_input(input, None, "kthvalue")
    d = wrap_dim(dim, input.ndim)
    check_extent(input, d, "kthvalue")
    if not 1 <= k <= (input.shape[d] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}")
    return write_pair(out, _kthvalue(input, k=int(k), dim=d, keepdim=keepdim), TYPES["kthvalue"], "kthvalue")


samples("mode", Case(T(3, 4)), Case(T(3, 4), 0), Case(T(5), 0, True), Case(T()), complex=False)
samples("kthvalue", Case(T(3, 4), 2), Case(T(3, 4), 3, 0), Case(T(5), 1, 0, True), Case(T(), 1), complex=False)

# ---------------------------------------------------------------- quantiles

_WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, name: str, skip_nan: bool) -> Any:
    x = cast_input(input, None, name)
    single = not isinstance(q, Tensor)
    if single and not isinstance(q, (int, float)):
        kinds = " * (Tensor q, int dim = None, bool keepdim = False, *, str interpolation = \"linear\")\n"
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({type(q).__name__}), but expected one of:\n"
            + kinds + kinds.replace("Tensor q", "float q")
        )
    if single and not 0 <= q <= 1:
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
    if interpolation not in _WAYS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if x.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if not single and q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if x.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if not single:
        if q.dtype is not x.dtype:
            raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
        numbers = unwrap_all(q).detach()  # also those under a transform
        inside = (numbers >= 0) & (numbers <= 1)
        refuse_where(~inside, lambda: RuntimeError(f"{name}() q values must be in the range [0, 1]"))
    else:
        q = wrap(np.array(q, x.dtype.np))
    ndim = x.ndim
    d = wrap_dim(dim, ndim) if dim is not None else None
    q_shape = tuple(q.shape)
    # the reduced dimension last: (others..., n)
    if d is None:
        rows = ops.reshape(x, (-1,))
    elif ndim:
        rows = ops.permute(x, dims=(*(i for i in range(ndim) if i != d), d))
    else:
        rows = ops.reshape(x, (1,))
    others = tuple(rows.shape)[:-1]
    n = rows.shape[-1]
    ordered = ops.sort(rows, dim=len(others), descending=False, stable=False)[0]
    flat_q = ops.reshape(q, (-1,))
    bad = ops.sum(ops.isnan(rows), dim=(len(others),), keepdim=True)
    if skip_nan:
        last = ops.to_dtype(n - 1 - bad, x.dtype).clamp(min=0)
        places = flat_q * last
    else:
        # a row with a nan is nan: its last element is
        places = ops.where(bad > 0, ops.ones_like(flat_q) * (n - 1), flat_q * (n - 1))
    if interpolation == "lower":
        places = ops.floor(places)
    elif interpolation == "higher":
        places = ops.ceil(places)
    elif interpolation == "nearest":
        places = ops.round(places)
    below = ops.floor(places)
    from ..core.dtypes import int64

    index = ops.to_dtype(below.detach(), int64)
    index = ops.expand(index, size=(*others, flat_q.shape[0]))
    y = ops.take_along(ordered, index, dim=len(others))
    if interpolation in ("linear", "midpoint"):
        weight = places - below if interpolation == "linear" else ops.where(places > below, 0.5, 0.0)
        next_index = ops.to_dtype(ops.ceil(places.detach()), int64).expand_as(index)
        above = ops.take_along(ordered, next_index, dim=len(others))
        y = ops.lerp(y, above, ops.to_dtype(weight, y.dtype))
    # (others..., q) -> (q, others...), with what was reduced as size 1 if wanted
    y = ops.permute(y, dims=(len(others), *range(len(others))))
    if keepdim:
        kept = [1] * ndim if d is None else [1 if i == d else m for i, m in enumerate(x.shape)]
        others = tuple(kept)
    y = ops.reshape(y, (*q_shape, *others, 1))
    return dispatch(TABLE["squeeze"], (y,), {"dim": (y.ndim - 1,)}, _squeezed)


_squeezed = TABLE["squeeze"].renamed("SqueezeBackward4")


@public
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The q-th quantiles (q a number or a 1-d tensor) of all elements or along `dim`. nan in a row makes it nan."""
    y: Tensor = _quantile(input, q, dim, keepdim, interpolation, "quantile", False)
    return y if out is None else write_out(out, y, "quantile")


@public
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """`quantile` of what is not nan."""
    y: Tensor = _quantile(input, q, dim, keepdim, interpolation, "quantile", True)
    return y if out is None else write_out(out, y, "nanquantile")


for _name in ("quantile", "nanquantile"):
    samples(
        _name, Case(T(3, 4), 0.3), Case(T(3, 4), 0.4, 1), Case(T(3, 4), 0.7, 0, True),
        Case(T(3, 4), 0.6, 1, interpolation="lower"), Case(T(3, 4), 0.6, 1, interpolation="higher"),
        Case(T(3, 4), 0.6, 1, interpolation="midpoint"), Case(T(3, 4), 0.6, 1, interpolation="nearest"),
        Case(T(3, 4), T(2, low=0.1, high=0.9, grad=False), 1), Case(T(), 0.5), complex=False,
    )  # fmt: skip
