"""Gathering and scattering along one dimension: gather, scatter and its reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.batching import size_of_batch, stretched
from ..core.deferred import values_known
from ..core.inplace import inplace_with, write_out
from ..core.modes import mode
from ..core.primitive import Primitive, general, kernel_helper, ops
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor
from ..kernels import scatter as on_arrays
from ..kernels.indexing import wrap_dim
from ..kernels.masks import broadcast_shapes
from .compare import tensor_operand
from .index import added_at
from .install import public
from .shape import expand_to, reshape_to
from .slicing import WRAP
from .taking import plain_mode, taken, taking_node
from .whole import whole
from .writing import check_overlap_with, write_into

Kernel = Callable[..., Any]


def on_copy(kernel: Kernel) -> Kernel:
    """The function that `kernel`, which writes into its first array, computes: on a contiguous copy."""
    return lambda x, *arrays, **params: kernel(np.array(x, order="C"), *arrays, **params)


# ---------------------------------------------------------------- batching


def _batch_along(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """All operands get the mapped dimension, `dim` moves past it. In one example all have the same rank (or 0, 1)."""
    n = size_of_batch(vals, dims)
    ranks = [v.ndim - (d is not None) for v, d in zip(vals, dims, strict=True)]
    full = [stretched(v, d, n) for v, d in zip(vals, dims, strict=True)]
    full = [reshape_to(v, (n, 1)) if rank == 0 else v for v, rank in zip(full, ranks, strict=True)]
    y = prim(*full, **{**params, "dim": wrap_dim(params["dim"], max(1, ranks[0])) + 1})
    scalar = ranks[1 if prim.name == "gather" else 0] == 0
    return (reshape_to(y, (n,)) if scalar else y), 0


# ---------------------------------------------------------------- gather

gather_prim = general(
    "gather",
    inputs=("x", "index"),
    params=("dim",),
    kernel=lambda x, index, *, dim: on_arrays.gather(np.asarray(x), dim, index),
    half="native",
    batch=_batch_along,
    vjp=dict(x=lambda xp, g, x_shape, index, dim: xp.gather_backward(g, index, shape=tuple(x_shape), dim=dim)),
    jvp=dict(x=lambda xp, t, index, dim: xp.gather(t, index, dim=dim)),
)


@kernel_helper
def gather_backward(g: Any, index: Any, *, shape: tuple[int, ...], dim: int) -> Any:
    """The transpose of gather, for the engine to add where it belongs."""
    g = np.asarray(g)
    return added_at(g, shape, lambda buffer: on_arrays.scatter_add_(buffer, dim, index, g))


ops.gather_backward = lambda g, index, *, shape, dim: scatter_add_prim(ops.new_zeros(g, shape), index, g, dim=dim)


_GatherNode = taking_node(
    gather_prim,
    lambda xp, g, kept, a: xp.gather_backward(g, kept[0], shape=a[0], dim=a[1]),
    lambda kept, a: (("dim", a[1] % WRAP), ("index", kept[0] if kept else None), ("sparse_grad", False)),
)


@public
def gather(
    input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None
) -> Tensor:
    """`out[i, j] = input[index[i, j], j]` for dim 0; the result has the shape of `index` (int64 or int32)."""
    operands("gather", input, dim, index)
    if sparse_grad:
        raise NotImplementedError("gather(sparse_grad=True): gradients are dense here")
    m = plain_mode(input, (index,)) if out is None else None
    if m is not None:
        data = input._data
        return taken(input, (index,), on_arrays.gather(data, dim, index._data), m, _GatherNode, (data.shape, dim))  # type: ignore[no-any-return]
    y: Tensor = gather_prim(input, index, dim=dim)
    return y if out is None else write_out(out, y, "gather")


def operands(name: str, x: Any, dim: Any, index: Any) -> None:
    """The checks of the types of arguments that all functions here share."""
    tensor_operand(x, name, 1, "input")
    whole(dim, name, 2)
    tensor_operand(index, name, 3, "index")


@public
def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`gather` with broadcasting; `indices` (int64) may count from the end. Over all elements for dim None."""
    tensor_operand(input, "take_along_dim", 1, "input")
    tensor_operand(indices, "take_along_dim", 2, "indices")
    if dim is None:
        y = gather_prim(reshape_to(input, (-1,)), reshape_to(indices, (-1,)), dim=0)
        return y if out is None else write_out(out, y, "take_along_dim")
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    if indices.dtype.name != "int64":
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype.scalar_name}"
        )
    dim = wrap_dim(dim, input.ndim)
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    have, taken = tuple(input.shape), tuple(indices.shape)
    common = broadcast_shapes(have, (*taken[:dim], have[dim], *taken[dim + 1 :]))
    x = expand_to(input, (*common[:dim], have[dim], *common[dim + 1 :]))
    wrapped: Any = indices % max(have[dim], 1)  # type: ignore[operator]
    index = expand_to(wrapped, (*common[:dim], taken[dim], *common[dim + 1 :]))
    y = gather_prim(x, index, dim=dim)
    return y if out is None else write_out(out, y, "take_along_dim")


# ---------------------------------------------------------------- scatter


def _scatter_in_place(x: Any, index: Any, src: Any, *, dim: int) -> Any:
    return on_arrays.scatter_(x, dim, index, np.asarray(src))


def _scatter_value_in_place(x: Any, index: Any, *, dim: int, value: Any) -> Any:
    return on_arrays.scatter_(x, dim, index, value)


def _scatter_reduced_in_place(x: Any, index: Any, src: Any, *, dim: int, reduce: str, name: str) -> Any:
    return on_arrays.scatter_(x, dim, index, src, reduce)


def _scatter_value_reduced_in_place(x: Any, index: Any, *, dim: int, value: Any, reduce: str, name: str) -> Any:
    return on_arrays.scatter_(x, dim, index, value, reduce)


def _scatter_add_in_place(x: Any, index: Any, src: Any, *, dim: int) -> Any:
    return on_arrays.scatter_add_(x, dim, index, np.asarray(src))


def _from_source(name: str) -> Any:
    """The gradient of `src`: gathered. PyTorch refuses a `src` larger than `index`, and so it is here."""

    def rule(xp: Any, g: Any, src_shape: Any, index: Any, dim: int) -> Any:
        y = xp.gather(g, index, dim=dim)
        if tuple(src_shape) != tuple(index.shape):
            if src_shape:
                raise RuntimeError(
                    f"Function {name} returned an invalid gradient at index 1 - got {list(index.shape)} but expected "
                    f"shape compatible with {list(src_shape)}"
                )
            y = xp.reshape(y, ())
        return y

    return rule


scatter_prim = general(
    "scatter",
    inputs=("x", "index", "src"),
    params=("dim",),
    kernel=on_copy(_scatter_in_place),
    half="native",
    batch=_batch_along,
    vjp=dict(
        x=lambda xp, g, index, dim: xp.scatter_value(g, index, dim=dim, value=0),
        src=_from_source("ScatterBackward0"),
    ),
    jvp=dict(
        x=lambda xp, t, index, dim: xp.scatter_value(t, index, dim=dim, value=0),
        src=lambda xp, t, x_shape, index, dim: xp.scatter(xp.new_zeros(t, tuple(x_shape)), index, t, dim=dim),
    ),
)
scatter_value_prim = general(
    "scatter_value",
    inputs=("x", "index"),
    params=("dim", "value"),
    kernel=on_copy(_scatter_value_in_place),
    half="native",
    batch=_batch_along,
    node="ScatterBackward1",
    vjp=dict(x=lambda xp, g, index, dim: xp.scatter_value(g, index, dim=dim, value=0)),
    jvp=dict(x=lambda xp, t, index, dim: xp.scatter_value(t, index, dim=dim, value=0)),
)


def _no_derivative(xp: Any, g: Any, name: str) -> Any:
    raise RuntimeError(f"derivative for aten::{name} is not implemented")


_scatter_reduced = general(
    "scatter_reduced",
    inputs=("x", "index", "src"),
    params=("dim", "reduce", "name"),
    kernel=on_copy(_scatter_reduced_in_place),
    half="native",
    batch=_batch_along,
    node="NotImplemented",
    vjp=dict(x=_no_derivative, src=_no_derivative),
)
_scatter_value_reduced = general(
    "scatter_value_reduced",
    inputs=("x", "index"),
    params=("dim", "value", "reduce", "name"),
    kernel=on_copy(_scatter_value_reduced_in_place),
    half="native",
    batch=_batch_along,
    node="NotImplemented",
    vjp=dict(x=_no_derivative),
)
scatter_add_prim: Primitive = general(
    "scatter_add",
    inputs=("x", "index", "src"),
    params=("dim",),
    kernel=on_copy(_scatter_add_in_place),
    half="native",
    batch=_batch_along,
    vjp=dict(x=lambda xp, g: g, src=_from_source("ScatterAddBackward0")),
    jvp=dict(
        x=lambda xp, t: t,
        src=lambda xp, t, x_shape, index, dim: xp.scatter_add(xp.new_zeros(t, tuple(x_shape)), index, t, dim=dim),
    ),
)

_GIVEN = {
    "src": " * (int dim, Tensor index, Tensor src)\n * (int dim, Tensor index, Tensor src, *, str reduce)\n",
    "value": " * (int dim, Tensor index, Number value)\n * (int dim, Tensor index, Number value, *, str reduce)\n",
}


def _scatter_call(
    name: str, dim: int, src: Any, value: Any, reduce: str | None
) -> tuple[Any, Any, tuple[Any, ...], dict[str, Any]]:
    """(primitive, kernel in place, the tensors after index, params) for what `src` is."""
    if src is None:
        src = value
    params: dict[str, Any] = {"dim": dim}
    if reduce is not None:
        params.update(reduce=reduce, name=name)
    if isinstance(src, Tensor):
        if reduce is None:
            return scatter_prim, _scatter_in_place, (src,), params
        return _scatter_reduced, _scatter_reduced_in_place, (src,), params
    if not isinstance(src, (int, float, complex)):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (int, Tensor, {type(src).__name__}), but "
            "expected one of:\n" + _GIVEN["src"] + _GIVEN["value"]
        )
    params["value"] = src
    if reduce is None:
        return scatter_value_prim, _scatter_value_in_place, (), params
    return _scatter_value_reduced, _scatter_value_reduced_in_place, (), params


@public
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` with `copy[index[i, j], j] = src[i, j]` for dim 0; `src` is a tensor or a number.

    `reduce`: "add" or "multiply" (not differentiable; deprecated for a tensor `src`).
    """
    operands("scatter", input, dim, index)
    prim, _, tensors, params = _scatter_call("scatter", dim, src, value, reduce)
    y: Tensor = prim(input, index, *tensors, **params)
    return y if out is None else write_out(out, y, "scatter")


@public(function=False)
def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """`scatter` in place."""
    operands("scatter_", self, dim, index)
    prim, kernel, tensors, params = _scatter_call("scatter_", dim, src, value, reduce)
    return write_into(prim, self, (index, *tensors), params, kernel)


@public
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with `copy[index[i, j], j] += src[i, j]` for dim 0."""
    operands("scatter_add", input, dim, index)
    y: Tensor = scatter_add_prim(input, index, tensor_operand(src, "scatter_add", 4, "src"), dim=dim)
    return y if out is None else write_out(out, y, "scatter_add")


@public(function=False)
def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`scatter_add` in place."""
    operands("scatter_add_", self, dim, index)
    tensor_operand(src, "scatter_add_", 3, "src")
    return write_into(scatter_add_prim, self, (index, src), {"dim": dim}, _scatter_add_in_place)


# ---------------------------------------------------------------- scatter_reduce


def reduce_vjp(
    xp: Any, g: Any, x: Any, src: Any, out: Any, reduce: str, include_self: bool,
    taken: Callable[[Any], Any], added: Callable[[Any, Any], Any], cleared: Callable[[Any], Any],
    again: Callable[[Any, Any], Any], names: tuple[str, str],
) -> tuple[Any, Any]:  # fmt: skip
    """The gradients of x and src: `taken` gathers, `added` scatters and adds, `cleared` writes 0 where src went,
    `again` is the reduction itself."""
    if reduce == "sum":
        gx, gs = g, taken(g)
    elif reduce == "prod":
        gx, gs = _prod_vjp(xp, g, x, src, out, taken, added, again, *names)
    elif reduce == "mean":
        count = added(xp.zeros_like(g) + (1 if include_self else 0), xp.zeros_like(src) + 1)
        g = g / xp.where(count == 0, 1, count)
        gx, gs = g, taken(g)
    else:
        mine, theirs = x == out, src == taken(out)
        count = added(xp.zeros_like(g) + mine, xp.zeros_like(src) + theirs)
        g = g / count
        gx, gs = mine * g, theirs * taken(g)  # nan where no element is the result: it is nan itself
    return gx if include_self else cleared(gx), gs


def _prod_vjp(
    xp: Any, g: Any, x: Any, src: Any, out: Any, taken: Any, added: Any, again: Any, name: str, source: str
) -> tuple[Any, Any]:
    """The product of all others: by division, but for the places with exactly one zero."""
    nonzero_x = xp.where(x == 0, 1, x)
    gx = g * again(nonzero_x, src) / nonzero_x
    zero = src == 0
    zeros: Any = taken(added(xp.zeros_like(x), xp.zeros_like(src) + zero))
    if xp is ops and mode().grad and zeros.__class__ in PLAIN and values_known() and (zeros._data > 1).any():  # type: ignore[attr-defined]
        raise RuntimeError(
            f"{name}(): Double backward is unsupported for {source} when >1 zeros in {source} are scattered to the "
            "same position in self"
        )
    single = zero & (zeros == 1)
    others = again(x, xp.where(single, 1, src))
    gs = xp.where(single, taken(g * others), taken(g * out) / xp.where(zero, 1, src))
    return gx, gs


def reduce_jvp(xp: Any, ts: Any, slopes: tuple[Any, Any], out: Any, added: Callable[[Any, Any], Any]) -> Any:
    """The tangent, from the gradients of x and src for ones: each of their elements goes to one place of the result."""
    tx, tsrc = ts[0], ts[2]
    y = None if tx is None else tx * slopes[0]
    if tsrc is None:
        return y
    return added(xp.zeros_like(out) if y is None else y, tsrc * slopes[1])


def _scatter_reduce_slopes(
    xp: Any, g: Any, x: Any, index: Any, src: Any, out: Any, dim: int, reduce: str, include_self: bool
) -> tuple[Any, Any]:
    if tuple(src.shape) != tuple(index.shape):
        if reduce not in ("sum", "mean"):
            broadcast_shapes(tuple(src.shape), tuple(index.shape))
        raise RuntimeError(
            "Function ScatterReduceBackward0 returned an invalid gradient at index 1 - got "
            f"{list(index.shape)} but expected shape compatible with {list(src.shape)}"
        )
    return reduce_vjp(
        xp, g, x, src, out, reduce, include_self,
        taken=lambda v: xp.gather(v, index, dim=dim),
        added=lambda v, s: xp.scatter_add(v, index, s, dim=dim),
        cleared=lambda v: xp.scatter_value(v, index, dim=dim, value=0),
        again=lambda v, s: xp.scatter_reduce(v, index, s, dim=dim, reduce="prod", include_self=include_self),
        names=("scatter_reduce", "src"),
    )  # fmt: skip


def _scatter_reduce_vjp(
    xp: Any, g: Any, needs: Any, x: Any, index: Any, src: Any, out: Any, dim: int, reduce: str, include_self: bool
) -> tuple[Any, ...]:
    gx, gs = _scatter_reduce_slopes(xp, g, x, index, src, out, dim, reduce, include_self)
    return gx if needs[0] else None, None, gs if needs[2] else None


def _scatter_reduce_jvp(
    xp: Any, ts: Any, x: Any, index: Any, src: Any, out: Any, dim: int, reduce: str, include_self: bool
) -> Any:
    slopes = _scatter_reduce_slopes(xp, xp.ones_like(out), x, index, src, out, dim, reduce, include_self)
    return reduce_jvp(xp, ts, slopes, out, lambda v, s: xp.scatter_add(v, index, s, dim=dim))


def _scatter_reduce_in_place(x: Any, index: Any, src: Any, *, dim: int, reduce: str, include_self: bool) -> Any:
    return on_arrays.scatter_reduce_(x, dim, index, np.asarray(src), reduce, include_self)


scatter_reduce_prim = general(
    "scatter_reduce",
    inputs=("x", "index", "src"),
    params=("dim", "reduce", "include_self"),
    kernel=on_copy(_scatter_reduce_in_place),
    half="native",
    batch=_batch_along,
    vjp=_scatter_reduce_vjp,
    jvp=_scatter_reduce_jvp,
    real_gradient="scatter_reduce",
)
scatter_reduce_prim.differentiable_inputs = (True, False, True)


@public
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` in which the elements of `src` that go to one place are reduced: "sum", "prod", "mean",
    "amax" or "amin"; with the old element unless `include_self` is False."""
    operands("scatter_reduce", input, dim, index)
    tensor_operand(src, "scatter_reduce", 4, "src")
    y: Tensor = scatter_reduce_prim(input, index, src, dim=dim, reduce=reduce, include_self=bool(include_self))
    return y if out is None else write_out(out, y, "scatter_reduce")


@public(function=False)
def scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter_reduce` in place."""
    operands("scatter_reduce_", self, dim, index)
    tensor_operand(src, "scatter_reduce_", 3, "src")
    params = {"dim": dim, "reduce": reduce, "include_self": bool(include_self)}
    for o in (index, src):
        check_overlap_with(self, o, False)
    return inplace_with(lambda old: scatter_reduce_prim(old, index, src, **params), self, (index, src))


def places(*shape: int, high: int) -> T:
    return T(*shape, dtype="int64", low=0, high=high)


samples("gather", Case(T(3, 4), 0, places(2, 4, high=3)), Case(T(3, 4), -1, places(3, 5, high=4)))
samples("take_along_dim", Case(T(3, 4), places(1, 4, high=3), 0), Case(T(3, 4), places(5, high=12)))
samples("scatter", Case(T(3, 4), 0, places(1, 4, high=3), T(1, 4)), Case(T(3, 4), 1, places(3, 1, high=4), 1.5))
samples("scatter_add", Case(T(3, 4), 0, places(2, 4, high=3), T(2, 4)), Case(T(3), 0, places(5, high=3), T(5)))
samples(
    "scatter_reduce",
    *[Case(T(3, 4), 0, places(2, 4, high=3), T(2, 4), reduce) for reduce in ("sum", "prod", "mean", "amax", "amin")],
    *[Case(T(3), 0, places(4, high=3), T(4), reduce, include_self=False) for reduce in ("prod", "mean", "amax")],
    complex=False,
)

__all__ = ["gather", "places", "scatter", "scatter_add", "scatter_reduce", "take_along_dim"]
