"""Gathering and scattering along one dimension: gather, scatter and its reductions, index_select, index_add, ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.inplace import inplace_with, write_out
from ..core.modes import mode
from ..core.primitive import Primitive, general, kernel_helper, ops
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor
from ..kernels import numpy as kernels
from ..kernels import scatter as on_arrays
from ..kernels.indexing import wrap_dim
from ..kernels.masks import broadcast_shapes
from .compare import tensor_operand
from .index import added_at
from .install import public
from .shape import expand_to, reshape_to
from .writing import write_into

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


def _spread(index: Any, d: int | None, shape: tuple[int, ...], dim: int) -> Any:
    """An index vector for each example, as gather and scatter want it: of the other operand's `shape`."""
    if d is not None:
        index = front(index, d)
    lead = (index.shape[0],) if d is not None else (1,)
    size = [1] * len(shape)
    size[dim] = index.shape[-1] if index.ndim > (d is not None) else 1
    full = [*shape]
    full[dim] = size[dim]
    return expand_to(reshape_to(index, (*lead, *size[1:])), tuple(full))


def _batch_vector(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """For operations with an index vector: shift `dim`; a mapped index makes it a gather or a scatter."""
    n = size_of_batch(vals, dims)
    x, index, *source = vals
    scalar = x.ndim - (dims[0] is not None) == 0
    dim = wrap_dim(params["dim"], max(1, x.ndim - (dims[0] is not None))) + 1
    full = [stretched(v, d, n) for v, d in zip((x, *source), (dims[0], *dims[2:]), strict=True)]
    full = [reshape_to(v, (n, 1)) if v.ndim == 1 else v for v in full]
    x, *source = full
    if dims[1] is None:
        y = prim(x, index, *source, **{**params, "dim": dim})
    else:
        index = _spread(index, dims[1], tuple(x.shape), dim)
        y = _SPREAD[prim.name](x, index, *source, **{**params, "dim": dim})
    return (reshape_to(y, (n,)) if scalar else y), 0


# ---------------------------------------------------------------- gather

_gather = general(
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


ops.gather_backward = lambda g, index, *, shape, dim: _scatter_add(ops.new_zeros(g, shape), index, g, dim=dim)


@public
def gather(
    input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None
) -> Tensor:
    """`out[i, j] = input[index[i, j], j]` for dim 0; the result has the shape of `index` (int64 or int32)."""
    _operands("gather", input, dim, index)
    if sparse_grad:
        raise NotImplementedError("gather(sparse_grad=True): gradients are dense here")
    y: Tensor = _gather(input, index, dim=dim)
    return y if out is None else write_out(out, y, "gather")


def _operands(name: str, x: Any, dim: Any, index: Any) -> None:
    """The checks of the types of arguments that all functions here share."""
    tensor_operand(x, name, 1, "input")
    if not isinstance(dim, int) or isinstance(dim, bool):
        raise TypeError(f"{name}(): argument 'dim' (position 2) must be int, not {type(dim).__name__}")
    tensor_operand(index, name, 3, "index")


@public
def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`gather` with broadcasting; `indices` (int64) may count from the end. Over all elements for dim None."""
    tensor_operand(input, "take_along_dim", 1, "input")
    tensor_operand(indices, "take_along_dim", 2, "indices")
    if dim is None:
        y = _gather(reshape_to(input, (-1,)), reshape_to(indices, (-1,)), dim=0)
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
    index = expand_to(indices % max(have[dim], 1), (*common[:dim], taken[dim], *common[dim + 1 :]))  # type: ignore[operator]
    y = _gather(x, index, dim=dim)
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


_scatter = general(
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
_scatter_value = general(
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
_scatter_add = general(
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


def _scatter_call(name: str, dim: int, src: Any, value: Any, reduce: str | None) -> tuple[Any, Any, tuple[Any, ...], Any]:
    """(primitive, kernel in place, the tensors after index, params) for what `src` is."""
    if src is None:
        src = value
    params: dict[str, Any] = {"dim": dim}
    if reduce is not None:
        params.update(reduce=reduce, name=name)
    if isinstance(src, Tensor):
        if reduce is None:
            return _scatter, _scatter_in_place, (src,), params
        return _scatter_reduced, _scatter_reduced_in_place, (src,), params
    if not isinstance(src, (int, float, complex)):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (int, Tensor, {type(src).__name__}), but "
            "expected one of:\n" + _GIVEN["src"] + _GIVEN["value"]
        )
    params["value"] = src
    if reduce is None:
        return _scatter_value, _scatter_value_in_place, (), params
    return _scatter_value_reduced, _scatter_value_reduced_in_place, (), params


@public
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` with `copy[index[i, j], j] = src[i, j]` for dim 0; `src` is a tensor or a number.

    `reduce`: "add" or "multiply" (not differentiable; deprecated for a tensor `src`).
    """
    _operands("scatter", input, dim, index)
    prim, _, tensors, params = _scatter_call("scatter", dim, src, value, reduce)
    y: Tensor = prim(input, index, *tensors, **params)
    return y if out is None else write_out(out, y, "scatter")


@public(function=False)
def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """`scatter` in place."""
    _operands("scatter_", self, dim, index)
    prim, kernel, tensors, params = _scatter_call("scatter_", dim, src, value, reduce)
    return write_into(prim, self, (index, *tensors), params, kernel)


@public
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with `copy[index[i, j], j] += src[i, j]` for dim 0."""
    _operands("scatter_add", input, dim, index)
    y: Tensor = _scatter_add(input, index, tensor_operand(src, "scatter_add", 4, "src"), dim=dim)
    return y if out is None else write_out(out, y, "scatter_add")


@public(function=False)
def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`scatter_add` in place."""
    _operands("scatter_add_", self, dim, index)
    tensor_operand(src, "scatter_add_", 3, "src")
    return write_into(_scatter_add, self, (index, src), {"dim": dim}, _scatter_add_in_place)


# ---------------------------------------------------------------- scatter_reduce, index_reduce


def _reduce_vjp(
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
        gx, gs = xp.where(mine, g, 0), xp.where(theirs, taken(g), 0)
    return gx if include_self else cleared(gx), gs


def _prod_vjp(
    xp: Any, g: Any, x: Any, src: Any, out: Any, taken: Any, added: Any, again: Any, name: str, source: str
) -> tuple[Any, Any]:
    """The product of all others: by division, but for the places with exactly one zero."""
    nonzero_x = xp.where(x == 0, 1, x)
    gx = g * again(nonzero_x, src) / nonzero_x
    zero = src == 0
    zeros = taken(added(xp.zeros_like(x), xp.zeros_like(src) + zero))
    if xp is ops and mode().grad and zeros.__class__ in PLAIN and (zeros._data > 1).any():
        raise RuntimeError(
            f"{name}(): Double backward is unsupported for {source} when >1 zeros in {source} are scattered to the "
            "same position in self"
        )
    single = zero & (zeros == 1)
    others = again(x, xp.where(single, 1, src))
    gs = xp.where(single, taken(g * others), taken(g * out) / xp.where(zero, 1, src))
    return gx, gs


def _scatter_reduce_vjp(
    xp: Any, g: Any, needs: Any, x: Any, index: Any, src: Any, out: Any, dim: int, reduce: str, include_self: bool
) -> tuple[Any, ...]:
    if tuple(src.shape) != tuple(index.shape):
        if reduce not in ("sum", "mean"):
            broadcast_shapes(tuple(src.shape), tuple(index.shape))
        raise RuntimeError(
            "Function ScatterReduceBackward0 returned an invalid gradient at index 1 - got "
            f"{list(index.shape)} but expected shape compatible with {list(src.shape)}"
        )
    gx, gs = _reduce_vjp(
        xp, g, x, src, out, reduce, include_self,
        taken=lambda v: xp.gather(v, index, dim=dim),
        added=lambda v, s: xp.scatter_add(v, index, s, dim=dim),
        cleared=lambda v: xp.scatter_value(v, index, dim=dim, value=0),
        again=lambda v, s: xp.scatter_reduce(v, index, s, dim=dim, reduce="prod", include_self=include_self),
        names=("scatter_reduce", "src"),
    )  # fmt: skip
    return gx if needs[0] else None, None, gs if needs[2] else None


def _scatter_reduce_in_place(x: Any, index: Any, src: Any, *, dim: int, reduce: str, include_self: bool) -> Any:
    return on_arrays.scatter_reduce_(x, dim, index, np.asarray(src), reduce, include_self)


_scatter_reduce = general(
    "scatter_reduce",
    inputs=("x", "index", "src"),
    params=("dim", "reduce", "include_self"),
    kernel=on_copy(_scatter_reduce_in_place),
    half="native",
    batch=_batch_along,
    vjp=_scatter_reduce_vjp,
)
_scatter_reduce.differentiable_inputs = (True, False, True)


@public
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` in which the elements of `src` that go to one place are reduced: "sum", "prod", "mean",
    "amax" or "amin"; with the old element unless `include_self` is False."""
    _operands("scatter_reduce", input, dim, index)
    tensor_operand(src, "scatter_reduce", 4, "src")
    y: Tensor = _scatter_reduce(input, index, src, dim=dim, reduce=reduce, include_self=bool(include_self))
    return y if out is None else write_out(out, y, "scatter_reduce")


@public(function=False)
def scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter_reduce` in place."""
    _operands("scatter_reduce_", self, dim, index)
    tensor_operand(src, "scatter_reduce_", 3, "src")
    params = {"dim": dim, "reduce": reduce, "include_self": bool(include_self)}
    return inplace_with(lambda old: _scatter_reduce(old, index, src, **params), self, (index, src))


# ---------------------------------------------------------------- index_select, index_add, index_copy, index_fill


def _index_add_in_place(x: Any, index: Any, source: Any, *, dim: int, alpha: Any) -> Any:
    return on_arrays.index_add_(x, dim, index, np.asarray(source), alpha)


def _index_copy_in_place(x: Any, index: Any, source: Any, *, dim: int) -> Any:
    return on_arrays.index_copy_(x, dim, index, np.asarray(source))


def _index_fill_in_place(x: Any, index: Any, *, dim: int, value: Any) -> Any:
    return on_arrays.index_fill_(x, dim, index, value)


def _index_fill_tensor_in_place(x: Any, index: Any, value: Any, *, dim: int) -> Any:
    return on_arrays.index_fill_(x, dim, index, np.asarray(value))


def _selected(xp: Any, g: Any, source_shape: Any, index: Any, dim: int) -> Any:
    """The gradient of a source whose slices went to `index`."""
    y = xp.index_select(g, index, dim=dim)
    return y if tuple(y.shape) == tuple(source_shape) else xp.reshape(y, tuple(source_shape))


_index_select = general(
    "index_select",
    inputs=("x", "index"),
    params=("dim",),
    kernel=lambda x, index, *, dim: on_arrays.index_select(np.asarray(x), dim, index),
    half="native",
    batch=_batch_vector,
    vjp=dict(x=lambda xp, g, x_shape, index, dim: xp.index_select_backward(g, index, shape=tuple(x_shape), dim=dim)),
    jvp=dict(x=lambda xp, t, index, dim: xp.index_select(t, index, dim=dim)),
)


@kernel_helper
def index_select_backward(g: Any, index: Any, *, shape: tuple[int, ...], dim: int) -> Any:
    """The transpose of index_select, for the engine to add where it belongs."""
    g = np.asarray(g)
    return added_at(g, shape, lambda buffer: on_arrays.index_add_(buffer, dim, index, g))


ops.index_select_backward = lambda g, index, *, shape, dim: _index_add(
    ops.new_zeros(g, shape), index, g, dim=dim, alpha=1
)
_index_add = general(
    "index_add",
    inputs=("x", "index", "source"),
    params=("dim", "alpha"),
    kernel=on_copy(_index_add_in_place),
    half="native",
    batch=_batch_vector,
    vjp=dict(
        x=lambda xp, g: g,
        source=lambda xp, g, source_shape, index, dim, alpha: _times(
            _selected(xp, g, source_shape, index, dim), alpha
        ),
    ),
    jvp=dict(
        x=lambda xp, t: t,
        source=lambda xp, t, x_shape, index, dim, alpha: xp.index_add(
            xp.new_zeros(t, tuple(x_shape)), index, t, dim=dim, alpha=alpha
        ),
    ),
)


def _times(g: Any, alpha: Any) -> Any:
    if isinstance(alpha, complex):
        alpha = alpha.conjugate()
    return g if alpha == 1 else g * alpha


_index_copy = general(
    "index_copy",
    inputs=("x", "index", "source"),
    params=("dim",),
    kernel=on_copy(_index_copy_in_place),
    half="native",
    batch=_batch_vector,
    vjp=dict(x=lambda xp, g, index, dim: xp.index_fill(g, index, dim=dim, value=0), source=_selected),
    jvp=dict(
        x=lambda xp, t, index, dim: xp.index_fill(t, index, dim=dim, value=0),
        source=lambda xp, t, x_shape, index, dim: xp.index_copy(
            xp.new_zeros(t, tuple(x_shape)), index, t, dim=dim
        ),
    ),
)
_index_fill = general(
    "index_fill",
    inputs=("x", "index"),
    params=("dim", "value"),
    kernel=lambda x, index, **params: _index_fill_in_place(np.array(x, order="K"), index, **params),
    half="native",
    batch=_batch_vector,
    vjp=dict(x=lambda xp, g, index, dim: xp.index_fill(g, index, dim=dim, value=0)),
    jvp=dict(x=lambda xp, t, index, dim: xp.index_fill(t, index, dim=dim, value=0)),
)


def _filled_from(xp: Any, g: Any, value_dtype: Any, index: Any, dim: int) -> Any:
    """The sum of what went to `index`, each place counted once."""
    here = xp.index_fill(xp.zeros_like(g), index, dim=dim, value=1)
    total = xp.sum(xp.where(here == 1, g, 0), dim=None, keepdim=False)
    return xp.fit(total, (), value_dtype)


_index_fill_tensor = general(
    "index_fill_tensor",
    inputs=("x", "index", "value"),
    params=("dim",),
    kernel=lambda x, index, value, *, dim: _index_fill_tensor_in_place(np.array(x, order="K"), index, value, dim=dim),
    half="native",
    node="IndexFillBackward1",
    vjp=dict(x=lambda xp, g, index, dim: xp.index_fill(g, index, dim=dim, value=0), value=_filled_from),
    jvp=dict(
        x=lambda xp, t, index, dim: xp.index_fill(t, index, dim=dim, value=0),
        value=lambda xp, t, x_shape, index, dim: xp.index_fill_tensor(
            xp.new_zeros(t, tuple(x_shape)), index, t, dim=dim
        ),
    ),
)


@public
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of `input` along `dim` that the vector `index` (int64 or int32) names; a copy."""
    _operands("index_select", input, dim, index)
    y: Tensor = _index_select(input, index, dim=dim)
    return y if out is None else write_out(out, y, "index_select")


@public
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """A copy of `input` with `copy[index[i], ...] += alpha * source[i, ...]` for dim 0."""
    _operands("index_add", input, dim, index)
    y: Tensor = _index_add(input, index, tensor_operand(source, "index_add", 4, "source"), dim=dim, alpha=alpha)
    return y if out is None else write_out(out, y, "index_add")


@public(function=False)
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """`index_add` in place."""
    _operands("index_add_", self, dim, index)
    tensor_operand(source, "index_add_", 3, "source")
    return write_into(_index_add, self, (index, source), {"dim": dim, "alpha": alpha}, _index_add_in_place)


@public
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with `copy[index[i], ...] = source[i, ...]` for dim 0."""
    _operands("index_copy", input, dim, index)
    y: Tensor = _index_copy(input, index, tensor_operand(source, "index_copy", 4, "source"), dim=dim)
    return y if out is None else write_out(out, y, "index_copy")


@public(function=False)
def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`index_copy` in place."""
    _operands("index_copy_", self, dim, index)
    tensor_operand(source, "index_copy_", 3, "source")
    return write_into(_index_copy, self, (index, source), {"dim": dim}, _index_copy_in_place)


def _fill_value(name: str, value: Any) -> Any:
    if not isinstance(value, (Tensor, int, float, complex)):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (int, Tensor, {type(value).__name__}), but "
            "expected one of:\n * (int dim, Tensor index, Tensor value)\n * (int dim, Tensor index, Number value)\n"
        )
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )
    return value


@public
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of `input` with `value` (a number or a 0-d tensor) in the slices along `dim` that `index` names."""
    _operands("index_fill", input, dim, index)
    if isinstance(_fill_value("index_fill", value), Tensor):
        return _index_fill_tensor(input, index, value, dim=dim)  # type: ignore[no-any-return]
    return _index_fill(input, index, dim=dim, value=value)  # type: ignore[no-any-return]


@public(function=False)
def index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """`index_fill` in place."""
    _operands("index_fill_", self, dim, index)
    if isinstance(_fill_value("index_fill_", value), Tensor):
        return write_into(_index_fill_tensor, self, (index, value), {"dim": dim}, _index_fill_tensor_in_place)
    return write_into(_index_fill, self, (index,), {"dim": dim, "value": value}, _index_fill_in_place)


def _index_reduce_vjp(
    xp: Any, g: Any, needs: Any, x: Any, index: Any, source: Any, out: Any, dim: int, reduce: str, include_self: bool
) -> tuple[Any, ...]:
    gx, gs = _reduce_vjp(
        xp, g, x, source, out, reduce, include_self,
        taken=lambda v: _selected(xp, v, tuple(source.shape), index, dim),
        added=lambda v, s: xp.index_add(v, index, s, dim=dim, alpha=1),
        cleared=lambda v: xp.index_fill(v, index, dim=dim, value=0),
        again=lambda v, s: xp.index_reduce(v, index, s, dim=dim, reduce="prod", include_self=include_self),
        names=("index_reduce", "source"),
    )  # fmt: skip
    return gx if needs[0] else None, None, gs if needs[2] else None


def _index_reduce_in_place(x: Any, index: Any, source: Any, *, dim: int, reduce: str, include_self: bool) -> Any:
    return on_arrays.index_reduce_(x, dim, index, np.asarray(source), reduce, include_self)


_index_reduce = general(
    "index_reduce",
    inputs=("x", "index", "source"),
    params=("dim", "reduce", "include_self"),
    kernel=on_copy(_index_reduce_in_place),
    half="native",
    batch=_batch_vector,
    vjp=_index_reduce_vjp,
)
_index_reduce.differentiable_inputs = (True, False, True)


@public
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` in which the slices of `source` that go to one slice are reduced: "prod", "mean", "amax" or
    "amin"; with the old slice unless `include_self` is False."""
    _operands("index_reduce", input, dim, index)
    tensor_operand(source, "index_reduce", 4, "source")
    y: Tensor = _index_reduce(input, index, source, dim=dim, reduce=reduce, include_self=bool(include_self))
    return y if out is None else write_out(out, y, "index_reduce")


@public(function=False)
def index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`index_reduce` in place."""
    _operands("index_reduce_", self, dim, index)
    tensor_operand(source, "index_reduce_", 3, "source")
    params = {"dim": dim, "reduce": reduce, "include_self": bool(include_self)}
    return inplace_with(lambda old: _index_reduce(old, index, source, **params), self, (index, source))


#: what a vector operation becomes where each example has an index of its own
_SPREAD: dict[str, Callable[..., Any]] = {
    "index_select": lambda x, index, *, dim: _gather(x, index, dim=dim),
    "index_add": lambda x, index, source, *, dim, alpha: _scatter_add(x, index, _times(source, alpha), dim=dim),
    "index_copy": lambda x, index, source, *, dim: _scatter(x, index, source, dim=dim),
    "index_fill": lambda x, index, *, dim, value: _scatter_value(
        x, index % max(x.shape[dim], 1), dim=dim, value=value
    ),
    "index_reduce": lambda x, index, source, *, dim, reduce, include_self: _scatter_reduce(
        x, index, source, dim=dim, reduce=reduce, include_self=include_self
    ),
}


def _places(*shape: int, high: int) -> T:
    return T(*shape, dtype="int64", low=0, high=high)


samples("gather", Case(T(3, 4), 0, _places(2, 4, high=3)), Case(T(3, 4), -1, _places(3, 5, high=4)))
samples("take_along_dim", Case(T(3, 4), _places(1, 4, high=3), 0), Case(T(3, 4), _places(5, high=12)))
samples("scatter", Case(T(3, 4), 0, _places(1, 4, high=3), T(1, 4)), Case(T(3, 4), 1, _places(3, 1, high=4), 1.5))
samples("scatter_add", Case(T(3, 4), 0, _places(2, 4, high=3), T(2, 4)), Case(T(3), 0, _places(5, high=3), T(5)))
for _reduce in ("sum", "prod", "mean", "amax", "amin"):
    _cases = [
        Case(T(3, 4), 0, _places(2, 4, high=3), T(2, 4), _reduce),
        Case(T(3), 0, _places(4, high=3), T(4), _reduce, include_self=False),
    ]
    samples(
        "scatter_reduce" if _reduce == "sum" else f"scatter_reduce:{_reduce}", *_cases, complex=_reduce[0] != "a"
    )
samples("index_select", Case(T(3, 4), 0, _places(2, high=3)), Case(T(3, 4), 1, _places(5, high=4)))
samples(
    "index_add", Case(T(3, 4), 0, _places(2, high=3), T(2, 4)), Case(T(3, 4), 1, _places(5, high=4), T(3, 5), alpha=2)
)
samples("index_copy", Case(T(3, 4), 0, _places(1, high=3), T(1, 4)))
samples("index_fill", Case(T(3, 4), 0, _places(2, high=3), 1.5), Case(T(3, 4), 1, _places(2, high=4), T()))
samples("index_reduce", Case(T(3, 4), 0, _places(2, high=3), T(2, 4), "prod"), complex=False)

__all__ = ["gather", "index_select", "scatter", "scatter_add", "take_along_dim"]
