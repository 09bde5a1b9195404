"""The largest and the smallest: max, min, amax, amin, aminmax, argmax, argmin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.inplace import write_out
from ..core.primitive import ops, reduction
from ..core.return_types import TYPES
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from .install import FUNCTIONS, public
from .lines import single, supported
from .reduce import batch_flat, cast_input, reduce_dims, wrap_dim

# ---------------------------------------------------------------- values and where they are


def take_index(x: Any, index: Any, dim: int | None, keepdim: bool) -> tuple[Any, Any]:
    """The values at `index` (which has `dim` as size 1), and the index, without that dimension unless keepdim."""
    if x.ndim == 1:
        return (x[index], index) if keepdim else (x[index[0]], index[0])
    values = np.take_along_axis(x, index, dim)
    return (values, index) if keepdim else (np.squeeze(values, dim), np.squeeze(index, dim))


def with_index(argument: Any) -> Any:
    """A kernel (x, dim, keepdim) -> (values, indices) from `argument(x, dim)`, which gives indices, keeping `dim`."""

    def kernel(x: Any, *, dim: int, keepdim: bool) -> tuple[Any, Any]:
        if x.ndim == 0:
            return x.copy(), np.zeros((), np.int64)
        return take_index(x, argument(x, dim), dim, keepdim)

    return kernel


def _pick_rule(xp: Any, gs: Any, needs: Any, x_shape: Any, out1: Any, dim: int, keepdim: bool) -> tuple[Any, ...]:
    """Back to where the value was taken from."""
    n = len(x_shape)
    g = xp.keep_dim(gs[0], dim=dim, keepdim=keepdim, ndim=n)
    index = xp.keep_dim(out1, dim=dim, keepdim=keepdim, ndim=n)
    return (xp.put_along(g, index, dim=dim, size=x_shape[dim] if n else 1, unique=True),)


def _pick_jvp(xp: Any, ts: Any, x_shape: Any, out1: Any, dim: int, keepdim: bool) -> tuple[Any, ...]:
    n = len(x_shape)
    index = xp.keep_dim(out1, dim=dim, keepdim=keepdim, ndim=n)
    return xp.drop_dim(xp.take_along(ts[0], index, dim=dim), dim=dim, keepdim=keepdim, ndim=n), None


def picking(name: str, kernel: Any, node: str, **more: Any) -> Any:
    """A reduction over `dim` that picks one element: outputs (values, indices)."""
    return reduction(
        name,
        params=("dim", "keepdim"),
        kernel=kernel,
        vjp=_pick_rule,
        jvp=_pick_jvp,
        promote=None,
        n_outputs=2,
        nondifferentiable_outputs=(1,),
        node=node,
        saved_names=dict(out1="indices"),
        **more,
    )


def write_pair(out: Any, pair: tuple[Any, ...], kind: Any, name: str) -> Any:
    """`out=(values, indices)`."""
    if out is None:
        return kind(pair)
    return kind(tuple(write_out(o, y, name) for o, y in zip(out, pair, strict=True)))


def check_extent(x: Tensor, dim: int, name: str) -> None:
    """There must be something to choose from."""
    if x.ndim and x.shape[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")


# ---------------------------------------------------------------- all elements


def _share(xp: Any, mask: Any, g: Any, dim: Any) -> Any:
    """`g` in equal parts to where `mask` holds."""
    return xp.to_dtype(xp.where(mask, g, 0) / xp.sum(mask, dim=dim, keepdim=True), g.dtype)


def _average(xp: Any, mask: Any, t: Any, dim: Any, keepdim: bool) -> Any:
    """The mean of `t` where `mask` holds."""
    there = xp.sum(xp.where(mask, t, 0), dim=dim, keepdim=keepdim)
    return xp.to_dtype(there / xp.sum(mask, dim=dim, keepdim=keepdim), t.dtype)


def _same(xp: Any, x: Any, out: Any) -> Any:
    """Where the elements are the result; if that is nan, where the nans are."""
    return (x == out) | (xp.isnan(x) & xp.isnan(out))


def _amax_rule(xp: Any, g: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    shape = tuple(x.shape)
    mask = x == xp.restore_dims(out, shape=shape, dim=dim, keepdim=keepdim)
    return _share(xp, mask, xp.restore_dims(g, shape=shape, dim=dim, keepdim=keepdim), dim)


def _amax_jvp(xp: Any, t: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    mask = x == xp.restore_dims(out, shape=tuple(x.shape), dim=dim, keepdim=keepdim)
    return _average(xp, mask, t, dim, keepdim)


def _install(name: str, ufunc: Any, arg: Any, pair: Any) -> None:
    title = name.capitalize()

    def argument(x: Any, dim: int) -> Any:
        return arg(x, axis=dim, keepdims=True)

    along = picking(name + "_along", with_index(argument), f"{title}Backward0")
    total = reduction(
        name + "_all", kernel=supported(lambda x: ufunc.reduce(x, axis=None), name + "_all", "c"),
        vjp=dict(x=lambda xp, g, x, out: _share(xp, _same(xp, x, out), g, None)),
        jvp=dict(x=lambda xp, t, x, out: _average(xp, _same(xp, x, out), t, None, False)), node=f"{title}Backward1",
        batch=_batch_total(name),
    )  # fmt: skip
    among = reduction(
        "a" + name, params=("dim", "keepdim"), vjp=dict(x=_amax_rule), jvp=dict(x=_amax_jvp),
        kernel=supported(
            lambda x, dim=None, keepdim=False: ufunc.reduce(x, axis=dim, keepdims=keepdim),
            f"{name}_values_cpu", "c",
        ),
    )  # fmt: skip
    kind = TYPES[name]
    total_line, along_line, among_line = single(total), single(along), single(among)

    def public_max(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None, other: Any = None,
                   axis: Any = None, keepdims: bool | None = None) -> Any:  # fmt: skip
        dim = dim if axis is None else axis
        keepdim = keepdim if keepdims is None else keepdims
        other = dim if isinstance(dim, Tensor) else other
        if other is not None:
            return pair(input, other) if out is None else write_out(out, pair(input, other), name)
        input = cast_input(input, None, name)
        if dim is None:
            if input.numel() == 0:  # type: ignore[attr-defined]
                raise RuntimeError(
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction "
                    "dim with the 'dim' argument."
                )
            y = total_line(input, {})
            return y if out is None else write_out(out, y, name)
        if not hasattr(dim, "__index__"):
            raise TypeError(
                f"{name}() received an invalid combination of arguments - got (Tensor, {type(dim).__name__}), but "
                "expected one of:\n * (Tensor input, *, Tensor out = None)\n"
                " * (Tensor input, Tensor other, *, Tensor out = None)\n"
                " * (Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None)\n"
            )
        if input.dtype.is_complex:
            raise RuntimeError(f"{name}(): does not support complex input")
        d = wrap_dim(dim, input.ndim)
        check_extent(input, d, name)
        return write_pair(out, along_line(input, {"dim": d, "keepdim": keepdim}), kind, name)

    def public_amax(input: Tensor, dim: Any = (), keepdim: bool = False, *, out: Tensor | None = None,
                    axis: Any = None, keepdims: bool | None = None) -> Tensor:  # fmt: skip
        dim = dim if axis is None else axis
        keepdim = keepdim if keepdims is None else keepdims
        input = cast_input(input, None, "a" + name)
        dims = reduce_dims(dim, input.ndim)
        if dims is None and input.numel() == 0:  # type: ignore[attr-defined]
            raise RuntimeError(
                f"a{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        for d in dims or ():
            check_extent(input, d, "a" + name)
        y: Tensor = among_line(input, {"dim": dims, "keepdim": keepdim})
        return y if out is None else write_out(out, y, "a" + name)

    word = "largest" if name == "max" else "smallest"
    public_max.__doc__ = (
        f"The {word} element; with `dim`, (values, indices) along it; with another tensor, the pairwise {word}."
    )
    public_amax.__doc__ = f"The {word} over `dim` (int or tuple; default all). Equal ones share the gradient."
    for fn, called in ((public_max, name), (public_amax, "a" + name)):
        fn.__name__ = fn.__qualname__ = called
        public(fn)
        setattr(ops, called, fn)  # rules may leave out dim and keepdim
    samples(
        name, Case(T(3, 4)), Case(T(3, 4), 1), Case(T(3, 4), 0, True), Case(T()), Case(T(3, 4), T(4)), complex=False
    )
    samples("a" + name, Case(T(3, 4)), Case(T(3, 4), 1), Case(T(2, 3, 4), (0, 2), True), Case(T()), complex=False)

    arg_name = "arg" + name
    arg_prim = reduction(
        arg_name, params=("dim", "keepdim"), vjp=None, promote=None, batch=batch_flat,
        kernel=lambda x, dim=None, keepdim=False: (
            np.zeros((), np.int64) if x.ndim == 0 else arg(x, axis=dim, keepdims=keepdim)
        ),
    )  # fmt: skip

    arg_line = single(arg_prim)

    def public_arg(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None,
                   axis: Any = None, keepdims: bool | None = None) -> Tensor:  # fmt: skip
        dim = dim if axis is None else axis
        keepdim = keepdim if keepdims is None else keepdims
        input = cast_input(input, None, arg_name)
        if input.dtype.category == 0:
            raise RuntimeError(f"{arg_name}(): does not support bool input")
        if input.dtype.is_complex:
            raise RuntimeError(f"{arg_name}(): does not support complex input")
        if dim is None:
            if input.numel() == 0:  # type: ignore[attr-defined]
                raise IndexError(f"{arg_name}(): Expected reduction dim to be specified for input.numel() == 0.")
        else:
            dim = wrap_dim(dim, input.ndim)
            check_extent(input, dim, arg_name)
        y: Tensor = arg_line(input, {"dim": dim, "keepdim": keepdim})
        return y if out is None else write_out(out, y, arg_name)

    public_arg.__name__ = public_arg.__qualname__ = arg_name
    public_arg.__doc__ = f"Where the {word} element is (the first, if there are several): flat, or along `dim`."
    public(public_arg)
    setattr(ops, arg_name, public_arg)
    samples(arg_name, Case(T(3, 4)), Case(T(3, 4), 1), Case(T(3, 4), 0, True), differentiable=False, complex=False)


def _batch_total(name: str) -> Any:
    """Over all logical elements: amax over the other dimensions has the same value and shares as well."""

    def rule(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
        x = vals[0]
        others = tuple(d for d in range(x.ndim) if d != dims[0])
        return (getattr(ops, "a" + name)(x, dim=others, keepdim=False) if others else x), 0

    return rule


_install("max", np.maximum, np.argmax, FUNCTIONS["maximum"])
_install("min", np.minimum, np.argmin, FUNCTIONS["minimum"])


@public
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Any:
    """(min, max) over all elements or along `dim`. Equal ones share the gradient."""
    input = cast_input(input, None, "aminmax")
    dims = None if dim is None else wrap_dim(dim, input.ndim)
    if dims is not None and input.ndim and input.shape[dims] == 0:
        raise IndexError(f"aminmax: Expected reduction dim {dims} to have non-zero size.")
    if dims is None and input.numel() == 0:  # type: ignore[attr-defined]
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if not input.ndim:
        dims = None
    pair = _aminmax(input, dim=dims, keepdim=keepdim)
    return write_pair(out, pair, TYPES["aminmax"], "aminmax")


def _aminmax_kernel(x: Any, *, dim: Any, keepdim: bool) -> tuple[Any, Any]:
    least: Any = np.minimum.reduce
    most: Any = np.maximum.reduce
    return least(x, axis=dim, keepdims=keepdim), most(x, axis=dim, keepdims=keepdim)


def _aminmax_rule(xp: Any, gs: Any, needs: Any, x: Any, out0: Any, out1: Any, dim: Any, keepdim: bool) -> Any:
    g = None
    for part, out in zip(gs, (out0, out1), strict=True):
        if part is not None:
            one = _amax_rule(xp, part, x, out, dim, keepdim)
            g = one if g is None else g + one
    return (g,)


_aminmax = reduction(
    "aminmax",
    params=("dim", "keepdim"),
    kernel=supported(_aminmax_kernel, "aminmax_cpu", "c"),
    vjp=_aminmax_rule,
    jvp=lambda xp, ts, x, out0, out1, dim, keepdim: (
        _amax_jvp(xp, ts[0], x, out0, dim, keepdim),
        _amax_jvp(xp, ts[0], x, out1, dim, keepdim),
    ),
    n_outputs=2,
    saved_names=dict(out0="min", out1="max"),
)
samples("aminmax", Case(T(3, 4)), Case(T(3, 4), dim=1), Case(T(3, 4), dim=0, keepdim=True), Case(T()), complex=False)

__all__ = ["check_extent", "picking", "take_index", "with_index", "write_pair"]
