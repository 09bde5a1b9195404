"""Sums, means, products, truth of all and any."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import batch_reduce, front
from ..core.inplace import write_out
from ..core.primitive import composite, kernel_helper, ops, reduction
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import numpy as kernels
from ..kernels.pointwise import row_major
from .install import public
from .lines import single, total
from .whole import whole

add_reduce = np.add.reduce
asarray = np.asarray

# ---------------------------------------------------------------- dimensions


@composite
def restore(g: Tensor, *, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Tensor:
    """Spread the gradient of a reduction over `dim` back over `shape`."""
    g = ops.restore_dims(g, shape=shape, dim=dim, keepdim=keepdim)
    return ops.expand(g, size=tuple(shape))  # type: ignore[no-any-return]


@composite
def restore_dims(g: Any, *, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """A result of a reduction over `dim` of something of `shape`, with the reduced dimensions as size 1."""
    if not keepdim and dim is not None and g.ndim != len(shape):
        n = len(shape)
        dims = {d % n for d in (dim if isinstance(dim, tuple) else (dim,))}
        g = ops.reshape(g, [1 if i in dims else m for i, m in enumerate(shape)])
    return g


@kernel_helper
def restore_dims_arrays(g: Any, *, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    g = asarray(g)
    if not keepdim and dim is not None and g.ndim != len(shape):
        n = len(shape)
        dims = {d % n for d in (dim if isinstance(dim, tuple) else (dim,))}
        g = g.reshape([1 if i in dims else m for i, m in enumerate(shape)])
    return g


kernels.restore_dims = restore_dims_arrays  # type: ignore[attr-defined]


def wrap_dim(dim: int, n: int) -> int:
    """A dimension as a non-negative number, or PyTorch's IndexError."""
    if dim.__class__ is not int:
        dim = whole(dim)
    low = n if n else 1
    if not -low <= dim < low:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-low}, {low - 1}], but got {dim})"
        )
    return dim % low


def reduce_dims(dim: Any, n: int) -> tuple[int, ...] | None:
    """`dim` as given by the user (None, int, sequence) -> sorted tuple, or None for all."""
    if dim is None:
        return None
    if isinstance(dim, (tuple, list)):
        dims = tuple(sorted([wrap_dim(d, n) for d in dim]))
        if not dims:
            return None
        for d in dims:
            if dims.count(d) > 1:
                raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
        return dims if n else None
    return (wrap_dim(dim, n),) if n else (wrap_dim(dim, 0),)[:0] or None


def count(shape: Any, dim: Any) -> int:
    """How many elements each result of a reduction over `dim` is made of."""
    n = 1
    for d in range(len(shape)) if dim is None else dim if isinstance(dim, tuple) else (dim,):
        n *= shape[d]
    return n


def cast_input(input: Any, dtype: Any, name: str) -> Any:
    """`input` in `dtype` if one is given."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input if dtype is None or input.dtype is dtype else input.to(dtype)  # type: ignore[attr-defined]


# ---------------------------------------------------------------- sum, mean

_sum = reduction(
    "sum",
    params=("dim", "keepdim"),
    promote=None,
    vjp=dict(x=lambda xp, g, x_shape, dim, keepdim: xp.restore(g, shape=x_shape, dim=dim, keepdim=keepdim)),
    jvp=dict(x=lambda xp, t, dim, keepdim: xp.sum(t, dim=dim, keepdim=keepdim)),
)
_sum_dim = _sum.renamed("SumBackward1")


def _mean_rule(xp: Any, g: Any, x_shape: Any, dim: Any, keepdim: bool) -> Any:
    n = count(x_shape, dim)
    return xp.restore(g / n if n else g * float("nan"), shape=x_shape, dim=dim, keepdim=keepdim)


_mean = reduction(
    "mean", params=("dim", "keepdim"), promote=None, vjp=dict(x=_mean_rule),
    jvp=dict(x=lambda xp, t, dim, keepdim: xp.mean(t, dim=dim, keepdim=keepdim)),
)  # fmt: skip
_mean_dim = _mean.renamed("MeanBackward1")

_sum_along, _mean_along = single(_sum), single(_mean)
_sum_line = total(_sum, lambda a: asarray(add_reduce(a, None)), lambda x: _sum(x, dim=None, keepdim=False))


def _total_mean(a: Any) -> Any:
    n = a.size
    y = add_reduce(a, None)
    return asarray(y / n if n else y * np.nan)


_mean_line = total(_mean, _total_mean, lambda x: _mean(x, dim=None, keepdim=False))


#: marks that no `dim` was given at all: `out=` wants one, be it None
ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "None"})()


def _refuse_whole(name: str, input: Any, kind: str, dim: Any, keepdim: Any, dtype: Any, out: Any) -> None:
    """`keepdim` and `out` belong to the signature with `dim`."""
    if dtype is not None:
        raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
    from .random_arguments import refuse

    named = {"keepdim": keepdim} if keepdim is not False else {}
    with_dim = f"Tensor input, {kind} dim, bool keepdim = False, *, torch.dtype dtype = None, Tensor out = None"
    refuse(
        name, (input,), {**named, **({} if out is None else {"out": out})},
        ("Tensor input, *, torch.dtype dtype = None", with_dim),
    )  # fmt: skip


@public
def sum(
    input: Tensor, dim: Any = ABSENT, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None,
    axis: Any = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Sum of all elements, or over `dim` (int or tuple). Bool and integers sum to int64. Differentiable."""
    if keepdims is not None:
        keepdim = keepdims
    if (dim is ABSENT or dim is None) and axis is None and not keepdim and dtype is None and out is None:
        if isinstance(input, Tensor):
            return _sum_line(input)  # type: ignore[no-any-return]
    given, input = dtype, cast_input(input, dtype, "sum")
    if axis is not None:
        dim = axis
    if dim is ABSENT:
        if out is not None or keepdim:
            _refuse_whole("sum", input, "tuple of ints", dim, keepdim, dtype, out)
        dim = None
    if dim is None and not keepdim:
        y = _sum(input, dim=None, keepdim=False)
    else:
        y = _sum_along(input, {"dim": reduce_dims(dim, input.ndim), "keepdim": keepdim}, _sum_dim)
    if given is not None and y.dtype is not given:  # a sum of ints asked for in a narrow dtype
        y = y.to(given)
    return y if out is None else write_out(out, y, "sum")


@public
def mean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None,
    axis: Any = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Mean of all elements, or over `dim` (int or tuple). Floating and complex dtypes only. Differentiable."""
    if axis is not None:
        dim = axis
    if keepdims is not None:
        keepdim = keepdims
    if dtype is not None and dtype.category < 2:
        raise RuntimeError(
            "mean(): could not infer output dtype. Optional dtype must be either a floating point or complex dtype. "
            f"Got: {dtype.scalar_name}"
        )
    if dtype is None and isinstance(input, Tensor):
        if input.dtype.category < 2:
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {input.dtype.scalar_name}"
            )
        if dim is None and out is None and not keepdim:
            return _mean_line(input)  # type: ignore[no-any-return]
    input = cast_input(input, dtype, "mean")
    if dim is None and not keepdim:
        y = _mean(input, dim=None, keepdim=False)
    else:
        y = _mean_along(input, {"dim": reduce_dims(dim, input.ndim), "keepdim": keepdim}, _mean_dim)
    return y if out is None else write_out(out, y, "mean")


_REDUCED = (
    Case(T(3, 4)), Case(T(3, 4), 1), Case(T(2, 3, 4), (0, 2), keepdim=True), Case(T()), Case(T(2, 0, 3), 1),
    Case(T(3, 4), dim=-2, keepdim=True),
)  # fmt: skip
samples("sum", *_REDUCED, Case(T(3), dtype=None))
samples("mean", *_REDUCED[:4])

# ---------------------------------------------------------------- without nan


def _nansum_kernel(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    if x.dtype.kind in "fc":
        x = np.where(np.isnan(x), x.dtype.type(0), x)
    return kernels.sum(x, dim=dim, keepdim=keepdim)


_nansum = reduction(
    "nansum",
    params=("dim", "keepdim"),
    promote=None,
    kernel=_nansum_kernel,
    vjp=dict(
        x=lambda xp, g, x, dim, keepdim: xp.where(
            xp.isnan(x), 0, xp.restore(g, shape=tuple(x.shape), dim=dim, keepdim=keepdim)
        )
    ),
    jvp=dict(x=lambda xp, t, x, dim, keepdim: xp.sum(xp.where(xp.isnan(x), 0, t), dim=dim, keepdim=keepdim)),
)


@public
def nansum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The sum with nan as zero."""
    input = cast_input(input, dtype, "nansum")
    if input.dtype.is_complex:
        raise RuntimeError("nansum on CPU does not support complex inputs")
    y = _nansum(input, dim=reduce_dims(dim, input.ndim), keepdim=keepdim)
    return y if out is None else write_out(out, y, "nansum")


@public
def nanmean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The mean of what is not nan."""
    input = cast_input(input, dtype, "nanmean")
    if input.dtype.category < 2:
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype.scalar_name}"
        )
    dims = reduce_dims(dim, input.ndim)
    kept = _sum(ops.logical_not(ops.isnan(input.detach())), dim=dims, keepdim=keepdim)  # type: ignore[attr-defined]
    y = nansum(input, dim, keepdim) / kept
    return y if out is None else write_out(out, y, "nanmean")


samples("nansum", *_REDUCED[:4], complex=False)
samples("nanmean", *_REDUCED[:4], complex=False)

# ---------------------------------------------------------------- prod


def _prod_kernel(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    kind: Any = np.int64 if x.dtype.kind in "biu" else x.dtype
    multiply: Any = np.multiply
    return row_major(multiply.reduce(x, axis=dim, keepdims=keepdim, dtype=kind))


@composite
def product_of_others(x: Any, out: Any, dim: int, whole: bool = False) -> Any:
    """For each element, the product of the others along `dim`; right with zeros, and to any order.

    `whole`: x is all there is: two zeros make all 0, be there a nan.
    """
    before = ops.cumprod(ops.shift(x, dim=dim, by=1, fill=1), dim=dim, reverse=False)
    after = ops.cumprod(ops.shift(x, dim=dim, by=-1, fill=1), dim=dim, reverse=True)
    return before * after


def _product_of_others_arrays(x: Any, out: Any, dim: int, whole: bool = False) -> Any:
    if np.all(x):
        return out / x
    if whole and np.count_nonzero(x) < x.size - 1:
        return np.zeros_like(x)
    before = np.cumprod(kernels.shift(x, dim=dim, by=1, fill=1), axis=dim)  # type: ignore[attr-defined]
    after = kernels.shift(x, dim=dim, by=-1, fill=1)  # type: ignore[attr-defined]
    after = np.flip(np.cumprod(np.flip(after, dim), axis=dim), dim)
    return before * after


kernels.product_of_others = _product_of_others_arrays  # type: ignore[attr-defined]


def _prod_slope(xp: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    shape = tuple(x.shape)
    if len(shape) == 0:
        return xp.ones_like(x)
    if dim is None:
        return xp.reshape(xp.product_of_others(xp.reshape(x, (-1,)), out, 0, True), shape)
    return xp.product_of_others(x, xp.restore_dims(out, shape=shape, dim=dim, keepdim=keepdim), dim)


def _prod_rule(xp: Any, g: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    spread = xp.restore_dims(g, shape=tuple(x.shape), dim=dim, keepdim=keepdim)
    return spread * xp.conj(_prod_slope(xp, x, out, dim, keepdim))


def batch_flat(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, Any]:
    """For reductions over one dimension or all: all of a slot becomes one dimension."""
    if params["dim"] is not None:
        return batch_reduce(prim, vals, dims, params)
    x = front(vals[0], dims[0])
    y = prim(ops.reshape(x, (x.shape[0], -1)), **{**params, "dim": 1, "keepdim": False})
    return (ops.reshape(y, (x.shape[0],) + (1,) * (x.ndim - 1)) if params["keepdim"] else y), 0


_prod = reduction(
    "prod",
    batch=batch_flat,
    params=("dim", "keepdim"),
    promote=None,
    kernel=_prod_kernel,
    vjp=dict(x=_prod_rule),
    jvp=dict(
        x=lambda xp, t, x, out, dim, keepdim: xp.sum(
            t * _prod_slope(xp, x, out, dim, keepdim), dim=dim, keepdim=keepdim
        )
    ),
)
_prod_dim = _prod.renamed("ProdBackward1")
_prod_line = single(_prod)


@public
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """Product of all elements, or over `dim`. Integers multiply in int64. Differentiable, with zeros too."""
    given, input = dtype, cast_input(input, dtype, "prod")
    if dim is None and (out is not None or keepdim):
        _refuse_whole("prod", input, "int", dim, keepdim, dtype, out)
    if dim is None:
        y = _prod_line(input, {"dim": None, "keepdim": keepdim})
    else:
        d = wrap_dim(dim, input.ndim)
        y = _prod_line(input, {"dim": d if input.ndim else None, "keepdim": keepdim}, _prod_dim)
    if given is not None and y.dtype is not given:
        y = y.to(given)
    return y if out is None else write_out(out, y, "prod")


samples("prod", Case(T(3, 4)), Case(T(3, 4), 1), Case(T(2, 3, 2), 0, keepdim=True), Case(T()), Case(T(0)))

# ---------------------------------------------------------------- truth


def _truth(name: str, ufunc: Any) -> Any:
    def kernel(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        y = row_major(ufunc.reduce(x.astype(np.bool_, copy=False), axis=dim, keepdims=keepdim))
        return y.astype(np.uint8) if x.dtype == np.uint8 else y

    prim = reduction(name, params=("dim", "keepdim"), promote=None, kernel=kernel, vjp=None, half="native")

    def fn(
        input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None,
        axis: Any = None, keepdims: bool | None = None,
    ) -> Tensor:  # fmt: skip
        input = cast_input(input, None, name)
        dim = dim if axis is None else axis
        keepdim = keepdim if keepdims is None else keepdims
        dims = reduce_dims(dim, input.ndim)
        if isinstance(dim, (tuple, list)) and not dim:
            dims = ()
        y: Tensor = prim(input, dim=dims, keepdim=keepdim)
        return y if out is None else write_out(out, y, name)

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = f"Whether {name} of the elements (or of those along `dim`) is nonzero. uint8 gives uint8."
    samples(name, *_REDUCED, differentiable=False)
    return public(fn)


all = _truth("all", np.logical_and)
any = _truth("any", np.logical_or)

_count_nonzero = reduction(
    "count_nonzero",
    params=("dim",),
    promote=None,
    kernel=lambda x, dim=None: np.asarray(np.count_nonzero(x, axis=dim)),
    vjp=None,
    half="native",
)


@public
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not zero, in all or along `dim`."""
    input = cast_input(input, None, "count_nonzero")
    return _count_nonzero(input, dim=reduce_dims(dim, input.ndim))  # type: ignore[no-any-return]


samples("count_nonzero", Case(T(3, 4)), Case(T(3, 4), 1), Case(T(3, 4), (0, 1)), differentiable=False)

# what rules call as xp.<name> takes the same defaults on Tensors as on arrays
for _prim in (_sum, _mean, _nansum, _prod):

    def _with_defaults(x: Any, dim: Any = None, keepdim: bool = False, prim: Any = _prim) -> Any:
        return prim(x, dim=dim, keepdim=keepdim)

    setattr(ops, _prim.name, _with_defaults)
ops.all, ops.any, ops.count_nonzero = all, any, count_nonzero

__all__ = ["cast_input", "count", "np", "reduce_dims", "wrap_dim"]
