"""Masks (masked_fill, masked_select, masked_scatter, nonzero) and positions in C order (take, put)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import batch_elementwise, front, size_of_batch, stretched
from ..core.dtypes import int64
from ..core.inplace import write_out
from ..core.primitive import Primitive, composite, general, kernel_helper, ops
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor, wrap
from ..kernels import masks
from ..kernels.masks import broadcast_shapes
from .compare import tensor_operand
from .index import added_at
from .install import FUNCTIONS, public
from .shape import expand_to, reshape_to
from .taking import plain_mode, taken, taking_node
from .writing import write_into

# ---------------------------------------------------------------- masked_fill


def _fill_in_place(x: Any, mask: Any, *, value: Any) -> Any:
    return masks.masked_fill_(x, mask, value)


def _fill_tensor_in_place(x: Any, mask: Any, value: Any) -> Any:
    return masks.masked_fill_(x, mask, np.asarray(value))


def _batch_fill_tensor(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """A value for each example is a choice."""
    if dims[2] is None:
        filler: Any = _Filler(prim, vals[2])
        return batch_elementwise(filler, vals[:2], dims[:2], params)
    x, mask, value = vals
    return batch_elementwise(ops.where, (mask, value, x), (dims[1], dims[2], dims[0]), {})


class _Filler:
    """masked_fill with a value that is no input of the batch rule."""

    line = None  # there is no straight line, as for primitives

    def __init__(self, prim: Primitive, value: Any) -> None:
        self.prim, self.value = prim, value

    def __call__(self, x: Any, mask: Any) -> Any:
        return self.prim(x, mask, self.value)


_masked_fill = general(
    "masked_fill",
    inputs=("x", "mask"),
    params=("value",),
    kernel=lambda x, mask, *, value: masks.masked_fill(np.asarray(x), mask, value),
    half="native",
    fits=True,
    batch=batch_elementwise,
    vjp=dict(x=lambda xp, g, mask: xp.masked_fill(g, mask, value=0)),
    jvp=dict(x=lambda xp, t, mask: xp.masked_fill(t, mask, value=0)),
)
_masked_fill_tensor = general(
    "masked_fill_tensor",
    inputs=("x", "mask", "value"),
    kernel=lambda x, mask, value: masks.masked_fill(np.asarray(x), mask, np.asarray(value)),
    half="native",
    fits=True,
    node="MaskedFillBackward1",
    batch=_batch_fill_tensor,
    vjp=dict(
        x=lambda xp, g, mask: xp.masked_fill(g, mask, value=0),
        value=lambda xp, g, mask: xp.where(mask, g, 0),
    ),
    jvp=dict(
        x=lambda xp, t, mask: xp.masked_fill(t, mask, value=0),
        value=lambda xp, t, mask: xp.where(mask, t, 0),
    ),
)


def _masked_fill_rule(xp: Any, g: Any, kept: Any, shape: Any) -> Any:
    g = xp.masked_fill(g, kept[0], value=0)
    return g if shape is None else xp.sum_to(g, shape)


_MaskedFillNode = taking_node(
    _masked_fill, _masked_fill_rule, lambda kept, shape: (("mask", kept[0] if kept else None),)
)


def _masked_value(name: str, x: Any, mask: Any, value: Any) -> None:
    tensor_operand(x, name, 1, "input")
    if not isinstance(mask, Tensor) or not isinstance(value, (Tensor, int, float, complex)):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({type(mask).__name__}, "
            f"{type(value).__name__}), but expected one of:\n * (Tensor mask, Tensor value)\n"
            " * (Tensor mask, Number value)\n"
        )
    if isinstance(value, Tensor) and value.ndim:
        if not name.endswith("_"):
            broadcast_shapes(tuple(mask.shape), tuple(x.shape))
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )


@public
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy of `input` with `value` (a number or a 0-d tensor) where `mask` (bool, broadcasts) is true."""
    if isinstance(value, np.generic):
        value = value.item()
    _masked_value("masked_fill", input, mask, value)
    if isinstance(value, Tensor):
        return _masked_fill_tensor(input, mask, value)  # type: ignore[no-any-return]
    m = plain_mode(input, (mask,))
    if m is not None:
        data = input._data
        y = masks.masked_fill(data, mask._data, value)
        return taken(input, (mask,), y, m, _MaskedFillNode, None if y.shape == data.shape else data.shape)  # type: ignore[no-any-return]
    return _masked_fill(input, mask, value=value)  # type: ignore[no-any-return]


_SHARED: dict[str, Any] = {"may_share": True, "expanded": "masked_fill_ tensor[mask] = scalar"}


@public(function=False)
def masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`masked_fill` in place."""
    if isinstance(value, np.generic):
        value = value.item()
    _masked_value("masked_fill_", self, mask, value)
    if isinstance(value, Tensor):
        return write_into(_masked_fill_tensor, self, (mask, value), {}, _fill_tensor_in_place, **_SHARED)
    return write_into(_masked_fill, self, (mask,), {"value": value}, _fill_in_place, **_SHARED)


# ---------------------------------------------------------------- masked_select, masked_scatter


def _refuse_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    raise RuntimeError(
        "vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over "
        f"aten::{prim.name}. Please file an issue at https://github.com/pytorch/pytorch/issues if you need this "
        "feature."
    )


def _batch_select(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """One mask for all examples."""
    if dims[1] is not None:
        raise RuntimeError(
            "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this because for "
            "each batch this would return a differently shaped Tensor. Please file an issue at "
            "https://github.com/pytorch/pytorch/issues if you need this feature."
        )
    x, mask = front(vals[0], dims[0]), vals[1]
    shape = broadcast_shapes(tuple(mask.shape), tuple(x.shape[1:]))
    x = reshape_to(x, (x.shape[0],) + (1,) * (len(shape) - x.ndim + 1) + tuple(x.shape[1:]))
    flat = reshape_to(expand_to(x, (x.shape[0], *shape)), (x.shape[0], -1 if shape else 1))
    taken = reshape_to(expand_to(mask, shape), (-1,))
    return ops.index_get(flat, (taken,), at=(False, True)), 0


_masked_select = general(
    "masked_select",
    inputs=("x", "mask"),
    kernel=lambda x, mask: masks.masked_select(np.asarray(x), mask),
    half="native",
    batch=_batch_select,
    vjp=dict(x=lambda xp, g, x_shape, mask: xp.masked_select_backward(g, mask, shape=tuple(x_shape))),
    jvp=dict(x=lambda xp, t, mask: xp.masked_select(t, mask)),
)


@kernel_helper
def masked_select_backward(g: Any, mask: Any, *, shape: tuple[int, ...]) -> Any:
    """The transpose of masked_select."""
    g = np.asarray(g)
    if mask.shape == shape:

        def add(buffer: Any) -> None:
            buffer[mask] += g

        return added_at(g, shape, add)
    common = broadcast_shapes(mask.shape, shape)
    full = np.zeros(common, g.dtype)
    full[np.broadcast_to(mask, common)] = g
    from ..kernels import numpy as kernels

    return kernels.sum_to(full, shape)


def _masked_select_backward(g: Tensor, mask: Tensor, *, shape: tuple[int, ...]) -> Any:
    common = broadcast_shapes(tuple(mask.shape), shape)
    return ops.sum_to(_masked_scatter(ops.new_zeros(g, common), mask, g), shape)


ops.masked_select_backward = _masked_select_backward


def _scatter_kernel(x: Any, mask: Any, source: Any) -> Any:
    shape = broadcast_shapes(mask.shape, x.shape)
    return masks.masked_scatter_(np.broadcast_to(x, shape).copy(), mask, np.asarray(source))


def _numbered(mask: Any) -> Any:
    """For a mask (n, m): how many places of the row are marked up to each, less one."""
    return ops.cumsum(ops.to_dtype(mask, int64), dim=1, reverse=False) - 1


def _scatter_by_count(x: Any, mask: Any, source: Any, n: int) -> Any:
    """masked_scatter of n examples, each with a mask and a source of its own."""
    shape = broadcast_shapes(tuple(mask.shape[1:]), tuple(x.shape[1:]))

    def flat(v: Any) -> Any:
        v = reshape_to(v, (n,) + (1,) * (len(shape) - v.ndim + 1) + tuple(v.shape[1:]))
        return reshape_to(expand_to(v, (n, *shape)), (n, math.prod(shape)))

    marks, count = flat(mask), math.prod(source.shape[1:])
    number = _numbered(marks)
    if number.__class__ in PLAIN and number._data.size and number._data[:, -1].max() >= count:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    if not count:
        return reshape_to(flat(x), (n, *shape))
    taken = ops.gather(reshape_to(source, (n, count)), FUNCTIONS["clamp"](number, 0, count - 1), dim=1)
    return reshape_to(ops.where(marks, taken, flat(x)), (n, *shape))


def _batch_scatter(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """One mask for all examples: its places are known. A mask per example: its running count numbers them."""
    x: Any
    mask: Any
    x, mask, source = vals
    n = size_of_batch(vals, dims)
    if dims[1] is not None or mask.__class__ not in PLAIN:
        return _scatter_by_count(*[stretched(v, d, n) for v, d in zip(vals, dims, strict=True)], n), 0
    x, source = stretched(x, dims[0], n), stretched(source, dims[2], n)
    shape = broadcast_shapes(tuple(mask.shape), tuple(x.shape[1:]))  # type: ignore[attr-defined]
    x = reshape_to(x, (n,) + (1,) * (len(shape) - x.ndim + 1) + tuple(x.shape[1:]))
    flat = reshape_to(expand_to(x, (n, *shape)), (n, math.prod(shape)))
    where = wrap(np.flatnonzero(np.broadcast_to(mask._data, shape)))  # type: ignore[attr-defined]
    given = reshape_to(source, (n, math.prod(source.shape[1:])))
    if where.shape[0] > given.shape[1]:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    y = ops.index_copy(flat, where, ops.slice_view(given, 1, 0, int(where.shape[0])), dim=1)
    return reshape_to(y, (n, *shape)), 0


_masked_scatter = general(
    "masked_scatter",
    inputs=("x", "mask", "source"),
    kernel=_scatter_kernel,
    half="native",
    fits=True,
    batch=_batch_scatter,
    vjp=dict(
        x=lambda xp, g, mask: xp.masked_fill(g, mask, value=0),
        source=lambda xp, g, mask, source_shape: xp.masked_scatter_backward(g, mask, shape=tuple(source_shape)),
    ),
    jvp=dict(
        x=lambda xp, t, mask: xp.masked_fill(t, mask, value=0),
        source=lambda xp, t, mask, x_shape: xp.masked_scatter(xp.new_zeros(t, tuple(x_shape)), mask, t),
    ),
)


@kernel_helper
def masked_scatter_backward(g: Any, mask: Any, *, shape: tuple[int, ...]) -> Any:
    """The gradient of the source of masked_scatter: its elements that were used, zeros for the others."""
    taken = masks.masked_select(np.asarray(g), mask)
    out = np.zeros(shape, taken.dtype)
    out.reshape(-1)[: taken.size] = taken
    return out


def _masked_scatter_backward(g: Tensor, mask: Tensor, *, shape: tuple[int, ...]) -> Any:
    if mask._level or mask._data.__class__ is not np.ndarray:
        # how many are marked is not known: the others go to a place of their own, which is cut off
        size, total = math.prod(shape), math.prod(g.shape)
        marks = reshape_to(expand_to(mask, tuple(g.shape)), (1, total))
        place = ops.where(marks, _numbered(marks), size)
        room = ops.new_zeros(g, (1, size + 1))
        return reshape_to(ops.scatter_add(room, place, reshape_to(g, (1, total)), dim=1)[:, :size], shape)
    taken = _masked_select(g, mask)
    n = int(np.prod(shape, dtype=np.int64))
    flat = ops.slice_backward(taken, shape=(n,), dim=0, start=0, end=int(taken.shape[0]), step=1)
    return reshape_to(flat, shape)


ops.masked_scatter_backward = _masked_scatter_backward


@public
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements of `input` where `mask` (bool) is true, in one dimension; both broadcast."""
    tensor_operand(input, "masked_select", 1, "input")
    y: Tensor = _masked_select(input, tensor_operand(mask, "masked_select", 2, "mask"))
    return y if out is None else write_out(out, y, "masked_select")


@public
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with the elements of `source`, one after the other, where `mask` is true."""
    tensor_operand(input, "masked_scatter", 1, "input")
    tensor_operand(mask, "masked_scatter", 2, "mask")
    return _masked_scatter(  # type: ignore[no-any-return]
        input, mask, tensor_operand(source, "masked_scatter", 3, "source")
    )


@public(function=False)
def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """`masked_scatter` in place."""
    tensor_operand(mask, "masked_scatter_", 1, "mask")
    tensor_operand(source, "masked_scatter_", 2, "source")
    return write_into(_masked_scatter, self, (mask, source), {}, masks.masked_scatter_, may_share=True)


# ---------------------------------------------------------------- take, put


def _put_in_place(x: Any, index: Any, source: Any, *, accumulate: bool) -> Any:
    return masks.put_(x, index, np.asarray(source), accumulate)


def _batch_take(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    x, index = vals
    if dims[0] is None:
        return prim(x, front(index, dims[1])), 0
    n = size_of_batch(vals, dims)
    flat = reshape_to(front(x, dims[0]), (n, -1 if x.ndim > 1 else 1))
    index = stretched(index, dims[1], n)
    taken = ops.gather(flat, reshape_to(index % max(flat.shape[1], 1), (n, -1 if index.ndim > 1 else 1)), dim=1)
    return reshape_to(taken, tuple(index.shape)), 0


def _batch_put(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = size_of_batch(vals, dims)
    x, index, source = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    size, count = math.prod(x.shape[1:]), math.prod(index.shape[1:])
    places = reshape_to(index % max(size, 1), (n, count))
    write = ops.scatter_add if params["accumulate"] else ops.scatter
    y = write(reshape_to(x, (n, size)), places, reshape_to(source, (n, math.prod(source.shape[1:]))), dim=1)
    return reshape_to(y, tuple(x.shape)), 0


_take = general(
    "take",
    inputs=("x", "index"),
    kernel=lambda x, index: masks.take(np.asarray(x), index),
    half="native",
    batch=_batch_take,
    vjp=dict(x=lambda xp, g, x_shape, index: xp.take_backward(g, index, shape=tuple(x_shape))),
    jvp=dict(x=lambda xp, t, index: xp.take(t, index)),
)


@kernel_helper
def take_backward(g: Any, index: Any, *, shape: tuple[int, ...]) -> Any:
    """The transpose of take, for the engine to add where it belongs."""
    g = np.asarray(g)
    return added_at(g, shape, lambda buffer: masks.put_(buffer, index, g, True))


ops.take_backward = lambda g, index, *, shape: _put(ops.new_zeros(g, shape), index, g, accumulate=True)
_put: Primitive = general(
    "put",
    inputs=("x", "index", "source"),
    params=("accumulate",),
    kernel=lambda x, index, source, *, accumulate: _put_in_place(
        np.array(x, order="K"), index, source, accumulate=accumulate
    ),
    half="native",
    batch=_batch_put,
    vjp=dict(
        x=lambda xp, g, source_shape, index, accumulate: (
            g if accumulate else xp.put(g, index, xp.new_zeros(g, tuple(source_shape)), accumulate=False)
        ),
        source=lambda xp, g, source_shape, index: xp.reshape(xp.take(g, index), tuple(source_shape)),
    ),
    jvp=dict(
        x=lambda xp, t, source_shape, index, accumulate: (
            t if accumulate else xp.put(t, index, xp.new_zeros(t, tuple(source_shape)), accumulate=False)
        ),
        source=lambda xp, t, x_shape, index, accumulate: xp.put(
            xp.new_zeros(t, tuple(x_shape)), index, t, accumulate=accumulate
        ),
    ),
)


@public
def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements of `input` at the positions `index` (int64) in C order; the result has the shape of `index`."""
    tensor_operand(input, "take", 1, "input")
    y: Tensor = _take(input, tensor_operand(index, "take", 2, "index"))
    return y if out is None else write_out(out, y, "take")


@public
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `source` at the positions `index` in C order, or added there."""
    tensor_operand(input, "put", 1, "input")
    tensor_operand(index, "put", 2, "index")
    return _put(  # type: ignore[no-any-return]
        input, index, tensor_operand(source, "put", 3, "source"), accumulate=bool(accumulate)
    )


@public(function=False)
def put_(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """`put` in place."""
    tensor_operand(index, "put_", 1, "index")
    tensor_operand(source, "put_", 2, "source")
    return write_into(_put, self, (index, source), {"accumulate": bool(accumulate)}, _put_in_place)


# ---------------------------------------------------------------- nonzero

_nonzero = general("nonzero", kernel=masks.nonzero, half="native", batch=_refuse_batch)
def _batch_static(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """The marked places come first in a stable order of what is not marked; their numbers give the positions."""
    x, size = front(vals[0], dims[0]), params["size"]
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    n, shape = x.shape[0], tuple(x.shape[1:])
    marks = reshape_to(x != 0, (n, math.prod(shape)))
    first = FUNCTIONS["argsort"](ops.to_dtype(~marks, int64), 1, False, stable=True)[:, :size]
    if first.shape[1] < size:
        first = ops.constant_pad_nd(first, (0, size - first.shape[1]), 0)
    columns, rest = [], first
    for m in reversed(shape):
        columns.append(rest % max(m, 1))
        rest = FUNCTIONS["div"](rest, max(m, 1), rounding_mode="floor")
    if not columns:
        return ops.new_zeros(first, (n, size, 0)), 0
    found = ops.stack(columns[::-1], dim=2)
    count = ops.sum(ops.to_dtype(marks, int64), dim=(1,), keepdim=True)
    there = FUNCTIONS["arange"](size) < count
    return ops.where(ops.unsqueeze(there, dim=2), found, params["fill_value"]), 0


_nonzero_static = general(
    "nonzero_static",
    params=("size", "fill_value"),
    kernel=lambda x, *, size, fill_value: masks.nonzero_static(x, size, fill_value),
    half="native",
    batch=_batch_static,
)


@public(name="nonzero")
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The positions of the nonzero elements: int64 (n, ndim), or with `as_tuple` a vector for each dimension."""
    tensor_operand(input, "nonzero", 1, "input")
    if as_tuple is not True and as_tuple is not False:
        raise TypeError(f"nonzero(): argument 'as_tuple' must be bool, not {type(as_tuple).__name__}")
    if as_tuple:
        rows = _nonzero(input if input.ndim else reshape_to(input, (1,)))
        return tuple(rows.select(1, dim) for dim in range(rows.shape[1]))
    y: Tensor = _nonzero(input)
    return y if out is None else write_out(out, y, "nonzero")


ops.nonzero = nonzero


@public
def argwhere(input: Tensor) -> Tensor:
    """The positions of the nonzero elements as rows, int64 (n, ndim)."""
    return _nonzero(tensor_operand(input, "argwhere", 1, "input"))  # type: ignore[no-any-return]


@public
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first `size` rows of `nonzero`, filled up with `fill_value`."""
    tensor_operand(input, "nonzero_static", 1, "input")
    return _nonzero_static(input, size=size, fill_value=fill_value)  # type: ignore[no-any-return]


@composite
def masked_rows(x: Tensor, mask: Tensor) -> Any:
    """x[mask] for a mask over the first dimensions."""
    return ops.index_get(x, (mask,), at=(True,))


_M = T(3, 4, dtype="bool")
samples("masked_fill", Case(T(3, 4), _M, 1.5), Case(T(3, 4), T(4, dtype="bool"), T()), Case(T(4), _M, 0.0))
samples("masked_select", Case(T(3, 4), _M), Case(T(4), _M), Case(T(3, 4), T(4, dtype="bool")))
samples("masked_scatter", Case(T(3, 4), _M, T(12)), Case(T(4), _M, T(3, 5)))
samples("take", Case(T(3, 4), T(5, dtype="int64", low=0, high=12)))
samples("put", Case(T(3, 4), T(1, dtype="int64", low=0, high=12), T(1)),
        Case(T(3, 4), T(5, dtype="int64", low=0, high=12), T(5), True))  # fmt: skip

__all__ = ["masked_fill", "masked_select", "nonzero", "put", "take"]
