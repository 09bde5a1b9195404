"""Slices along one dimension by an index vector: index_select, index_add, index_copy, index_fill, index_reduce."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.inplace import inplace_with, write_out
from ..core.primitive import Primitive, general, kernel_helper, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import scatter as on_arrays
from ..kernels.indexing import wrap_dim
from .compare import tensor_operand
from .index import added_at
from .install import public
from .scatter import (
    gather_prim,
    on_copy,
    operands,
    places,
    reduce_jvp,
    reduce_vjp,
    scatter_add_prim,
    scatter_prim,
    scatter_reduce_prim,
    scatter_value_prim,
)
from .shape import expand_to, reshape_to
from .slicing import WRAP
from .taking import plain_mode, taken, taking_node
from .writing import check_overlap_with, write_into

# ---------------------------------------------------------------- batching


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


def _batch_fill_tensor(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """A value for each example is a source that is the same all over."""
    x, index, value = vals
    if dims[2] is None and dims[1] is None:
        scalar = x.ndim == 1
        dim = wrap_dim(params["dim"], max(1, x.ndim - 1)) + 1
        x = front(x, dims[0])
        y = prim(reshape_to(x, (x.shape[0], 1)) if scalar else x, index, value, dim=dim)
        return (reshape_to(y, (y.shape[0],)) if scalar else y), 0
    n = size_of_batch(vals, dims)
    x = stretched(x, dims[0], n)
    scalar = x.ndim == 1
    x = reshape_to(x, (n, 1)) if scalar else x
    dim = wrap_dim(params["dim"], x.ndim - 1) + 1
    index = _spread(index, dims[1], tuple(x.shape), dim)
    value = value if dims[2] is None else front(value, dims[2])
    value = ops.to_dtype(value, x.dtype.np) if value.dtype is not x.dtype else value
    value = expand_to(reshape_to(value, (-1,) + (1,) * (x.ndim - 1)), tuple(index.shape))
    y = scatter_prim(x, index % max(x.shape[dim], 1), value, dim=dim)
    return (reshape_to(y, (n,)) if scalar else y), 0


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
_index_add: Primitive = general(
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
    batch=_batch_fill_tensor,
    vjp=dict(x=lambda xp, g, index, dim: xp.index_fill(g, index, dim=dim, value=0), value=_filled_from),
    jvp=dict(
        x=lambda xp, t, index, dim: xp.index_fill(t, index, dim=dim, value=0),
        value=lambda xp, t, x_shape, index, dim: xp.index_fill_tensor(
            xp.new_zeros(t, tuple(x_shape)), index, t, dim=dim
        ),
    ),
)


_IndexSelectNode = taking_node(
    _index_select,
    lambda xp, g, kept, a: xp.index_select_backward(g, kept[0], shape=a[0], dim=a[1]),
    lambda kept, a: (("dim", a[1] % WRAP), ("index", kept[0] if kept else None), ("self_sym_sizes", a[0])),
)


@public
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of `input` along `dim` that the vector `index` (int64 or int32) names; a copy."""
    operands("index_select", input, dim, index)
    m = plain_mode(input, (index,)) if out is None else None
    if m is not None:
        data = input._data
        chosen = on_arrays.index_select(data, dim, index._data)
        return taken(input, (index,), chosen, m, _IndexSelectNode, (data.shape, dim))  # type: ignore[no-any-return]
    y: Tensor = _index_select(input, index, dim=dim)
    return y if out is None else write_out(out, y, "index_select")


@public
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """A copy of `input` with `copy[index[i], ...] += alpha * source[i, ...]` for dim 0."""
    operands("index_add", input, dim, index)
    y: Tensor = _index_add(input, index, tensor_operand(source, "index_add", 4, "source"), dim=dim, alpha=alpha)
    return y if out is None else write_out(out, y, "index_add")


@public(function=False)
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """`index_add` in place."""
    operands("index_add_", self, dim, index)
    tensor_operand(source, "index_add_", 3, "source")
    return write_into(_index_add, self, (index, source), {"dim": dim, "alpha": alpha}, _index_add_in_place)


@public
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with `copy[index[i], ...] = source[i, ...]` for dim 0."""
    operands("index_copy", input, dim, index)
    y: Tensor = _index_copy(input, index, tensor_operand(source, "index_copy", 4, "source"), dim=dim)
    return y if out is None else write_out(out, y, "index_copy")


@public(function=False)
def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`index_copy` in place."""
    operands("index_copy_", self, dim, index)
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
    operands("index_fill", input, dim, index)
    if isinstance(_fill_value("index_fill", value), Tensor):
        return _index_fill_tensor(input, index, value, dim=dim)  # type: ignore[no-any-return]
    return _index_fill(input, index, dim=dim, value=value)  # type: ignore[no-any-return]


_WARNING = "index_fill_ tensor[mask] = scalar"


@public(function=False)
def index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """`index_fill` in place."""
    operands("index_fill_", self, dim, index)
    if isinstance(_fill_value("index_fill_", value), Tensor):
        params = {"dim": dim}
        return write_into(
            _index_fill_tensor, self, (index, value), params, _index_fill_tensor_in_place, expanded=_WARNING
        )
    params = {"dim": dim, "value": value}
    return write_into(_index_fill, self, (index,), params, _index_fill_in_place, expanded=_WARNING)


def _index_reduce_slopes(
    xp: Any, g: Any, x: Any, index: Any, source: Any, out: Any, dim: int, reduce: str, include_self: bool
) -> tuple[Any, Any]:
    return reduce_vjp(
        xp, g, x, source, out, reduce, include_self,
        taken=lambda v: _selected(xp, v, tuple(source.shape), index, dim),
        added=lambda v, s: xp.index_add(v, index, s, dim=dim, alpha=1),
        cleared=lambda v: xp.index_fill(v, index, dim=dim, value=0),
        again=lambda v, s: xp.index_reduce(v, index, s, dim=dim, reduce="prod", include_self=include_self),
        names=("index_reduce", "source"),
    )  # fmt: skip


def _index_reduce_vjp(
    xp: Any, g: Any, needs: Any, x: Any, index: Any, source: Any, out: Any, dim: int, reduce: str, include_self: bool
) -> tuple[Any, ...]:
    gx, gs = _index_reduce_slopes(xp, g, x, index, source, out, dim, reduce, include_self)
    return gx if needs[0] else None, None, gs if needs[2] else None


def _index_reduce_jvp(
    xp: Any, ts: Any, x: Any, index: Any, source: Any, out: Any, dim: int, reduce: str, include_self: bool
) -> Any:
    slopes = _index_reduce_slopes(xp, xp.ones_like(out), x, index, source, out, dim, reduce, include_self)
    return reduce_jvp(xp, ts, slopes, out, lambda v, s: xp.index_add(v, index, s, dim=dim, alpha=1))


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
    jvp=_index_reduce_jvp,
    real_gradient="index_reduce",
)
_index_reduce.differentiable_inputs = (True, False, True)


@public
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` in which the slices of `source` that go to one slice are reduced: "prod", "mean", "amax" or
    "amin"; with the old slice unless `include_self` is False."""
    operands("index_reduce", input, dim, index)
    tensor_operand(source, "index_reduce", 4, "source")
    y: Tensor = _index_reduce(input, index, source, dim=dim, reduce=reduce, include_self=bool(include_self))
    return y if out is None else write_out(out, y, "index_reduce")


@public(function=False)
def index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`index_reduce` in place."""
    operands("index_reduce_", self, dim, index)
    tensor_operand(source, "index_reduce_", 3, "source")
    params = {"dim": dim, "reduce": reduce, "include_self": bool(include_self)}
    for o in (index, source):
        check_overlap_with(self, o, False)
    return inplace_with(lambda old: _index_reduce(old, index, source, **params), self, (index, source))


#: what a vector operation becomes where each example has an index of its own
_SPREAD: dict[str, Callable[..., Any]] = {
    "index_select": lambda x, index, *, dim: gather_prim(x, index, dim=dim),
    "index_add": lambda x, index, source, *, dim, alpha: scatter_add_prim(x, index, _times(source, alpha), dim=dim),
    "index_copy": lambda x, index, source, *, dim: scatter_prim(x, index, source, dim=dim),
    "index_fill": lambda x, index, *, dim, value: scatter_value_prim(
        x, index % max(x.shape[dim], 1), dim=dim, value=value
    ),
    "index_reduce": lambda x, index, source, *, dim, reduce, include_self: scatter_reduce_prim(
        x, index, source, dim=dim, reduce=reduce, include_self=include_self
    ),
}


samples("index_select", Case(T(3, 4), 0, places(2, high=3)), Case(T(3, 4), 1, places(5, high=4)))
samples(
    "index_add", Case(T(3, 4), 0, places(2, high=3), T(2, 4)), Case(T(3, 4), 1, places(5, high=4), T(3, 5), alpha=2)
)
samples("index_copy", Case(T(3, 4), 0, places(1, high=3), T(1, 4)))
samples("index_fill", Case(T(3, 4), 0, places(2, high=3), 1.5), Case(T(3, 4), 1, places(2, high=4), T()))
samples("index_reduce", Case(T(3, 4), 0, places(2, high=3), T(2, 4), "prod"), complex=False)


__all__ = ["index_add", "index_copy", "index_fill", "index_reduce", "index_select"]
