"""Indexing: `x[...]` and `x[...] = v`, gathering and writing with index tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.dispatch import dispatch, edge_of
from ..core.graph import FREED
from ..core.modes import GRAD, mode
from ..core.primitive import Primitive, general, ops
from ..core.samples import Case, T, samples
from ..core.saved import SavedTensor
from ..core.tensor import PLAIN, Tensor, bump, wrap
from ..core.views import check_inplace, rebase
from ..kernels import advanced
from ..kernels import numpy as kernels
from ..kernels.indexing import ALIAS, SELECT, parse_index
from ..kernels.scalars import convert_scalar
from .compare import tensor_operand
from .install import method, public
from .shape import expand_to, reshape_to
from .slicing import through
from .taking import plain_mode, taken, taking_node
from .writing import assign, check_partial_overlap, write_into

# ---------------------------------------------------------------- gathering with index tensors

#: how many index tensors -> (index, index_put), primitives of that many inputs
_BY_COUNT: dict[int, tuple[Primitive, Any]] = {}


def _fill(at: tuple[bool, ...], ids: Any) -> list[Any]:
    """The index arrays in their places, None elsewhere."""
    left = iter(ids)
    return [next(left) if here else None for here in at]


def _index_kernel(x: Any, *ids: Any, at: tuple[bool, ...]) -> Any:
    return advanced.index(x, _fill(at, ids))


def _index_put_kernel(x: Any, values: Any, *ids: Any, at: tuple[bool, ...], accumulate: bool) -> Any:
    return advanced.index_put_(x.copy(order="K"), _fill(at, ids), values, accumulate)


def _index_put_in_place(x: Any, values: Any, *ids: Any, at: tuple[bool, ...], accumulate: bool) -> Any:
    return advanced.index_put_(x, _fill(at, ids), values, accumulate)


def index_get(x: Any, ids: tuple[Any, ...], *, at: tuple[bool, ...]) -> Any:
    """x with the index tensors `ids` in the dimensions where `at` holds (a mask stands for all of its own)."""
    m = plain_mode(x, ids)
    if m is None:
        return _prims(len(ids))[0](x, *ids, at=at)
    arrays = [i._data for i in ids]
    data = advanced.index(x._data, arrays if all(at) else _fill(at, arrays))
    return taken(x, ids, data, m, _IndexNode, (x._data.shape, at))


def index_set(x: Any, values: Any, ids: tuple[Any, ...], *, at: tuple[bool, ...], accumulate: bool) -> Any:
    """A copy of x with `values` written (or added) there."""
    return _prims(len(ids))[1](x, values, *ids, at=at, accumulate=accumulate)


def index_backward(g: Any, ids: tuple[Any, ...], *, shape: tuple[int, ...], at: tuple[bool, ...]) -> Any:
    """The transpose of `index_get`."""
    prim = _prims(len(ids))[1]
    params = {"at": at, "accumulate": True}
    return dispatch(prim, (ops.new_zeros(g, shape), g, *ids), params, prim.impl)


def added_at(values: Any, shape: tuple[int, ...], add: Any) -> Any:
    """A gradient of `shape` that the function `add` adds into a buffer."""
    return kernels.Scattered(np.asarray(values), shape, add, False)


def _index_backward_array(g: Any, ids: Any, *, shape: tuple[int, ...], at: tuple[bool, ...]) -> Any:
    g = np.asarray(g)
    return added_at(g, shape, lambda buffer: advanced.index_put_(buffer, _fill(at, ids), g, True))


ops.index_get, ops.index_set, ops.index_backward = index_get, index_set, index_backward
_ON_ARRAYS = {
    "index_get": lambda x, ids, *, at: _index_kernel(x, *ids, at=at),
    "index_set": lambda x, values, ids, *, at, accumulate: _index_put_kernel(
        x, np.asarray(values), *ids, at=at, accumulate=accumulate
    ),
    "index_backward": _index_backward_array,
}
for _name, _kernel in _ON_ARRAYS.items():
    setattr(kernels, _name, _kernel)


def _rule(body: Any, names: str, before: str, after: str) -> Any:
    """A rule that names the index tensors i0, i1, ... one by one, as the save list wants them."""
    made: Any = eval(
        f"lambda xp, g, {before}{names}, {after}: body(xp, g, {before}({names},), {after})", {"body": body}
    )
    return made


def _prims(count: int) -> tuple[Primitive, Any]:
    """The primitives `index` and `index_put` for `count` index tensors."""
    found = _BY_COUNT.get(count)
    if found is None:
        i = tuple(f"i{k}" for k in range(count))
        names = ", ".join(i)
        index = general(
            f"index{count}",
            inputs=("x", *i),
            params=("at",),
            kernel=_index_kernel,
            half="native",
            node="IndexBackward0",
            batch=_batch_index,
            vjp=dict(x=_rule(_index_vjp, names, "x_shape, ", "at")),
            jvp=dict(x=_rule(lambda xp, t, ids, at: xp.index_get(t, ids, at=at), names, "", "at")),
        )
        put = general(
            f"index_put{count}",
            inputs=("x", "values", *i),
            params=("at", "accumulate"),
            kernel=_index_put_kernel,
            half="native",
            node="IndexPutBackward0",
            batch=_batch_index_put,
            vjp=dict(
                x=_rule(_index_put_vjp_x, names, "values_dtype, ", "at, accumulate"),
                values=_rule(_index_put_vjp_values, names, "values_shape, ", "at"),
            ),
            jvp=dict(
                x=_rule(_index_put_vjp_x, names, "values_dtype, ", "at, accumulate"),
                values=_rule(_index_put_jvp_values, names, "x_shape, ", "at, accumulate"),
            ),
        )
        for prim in (index, put):
            prim.Node.saved_values = _saved_values  # type: ignore[method-assign]
        put.impl = put.renamed("IndexPutImplBackward0")  # type: ignore[attr-defined]
        found = _BY_COUNT[count] = (index, put)
    return found


def _index_vjp(xp: Any, g: Any, x_shape: Any, ids: Any, at: Any) -> Any:
    return xp.index_backward(g, ids, shape=tuple(x_shape), at=at)


def _index_put_vjp_x(xp: Any, g: Any, values_dtype: Any, ids: Any, at: Any, accumulate: bool) -> Any:
    return g if accumulate else xp.index_set(g, xp.new_zeros(g, ()), ids, at=at, accumulate=False)


def _index_put_vjp_values(xp: Any, g: Any, values_shape: Any, ids: Any, at: Any) -> Any:
    return xp.sum_to(xp.index_get(g, ids, at=at), tuple(values_shape))


def _index_put_jvp_values(xp: Any, t: Any, x_shape: Any, ids: Any, at: Any, accumulate: bool) -> Any:
    return xp.index_set(xp.new_zeros(t, tuple(x_shape)), t, ids, at=at, accumulate=accumulate)


class _Indices:
    """The index tensors that a node keeps, as PyTorch shows them: a tuple with None where there is no index."""

    def __init__(self, at: tuple[bool, ...], kept: list[Any]) -> None:
        self.at, self.kept = at, kept

    def unpack(self, node: Any) -> tuple[Any, ...]:
        """The tensors."""
        return tuple(_fill(self.at, [k.unpack(node) for k in self.kept]))

    def handles(self, node: Any) -> tuple[SavedTensor, ...]:
        """A handle on each."""
        names = iter([n for n in node.saved if n[0] == "i"])
        return tuple([SavedTensor.of(node, next(names) if taken else None) for taken in self.at])


def _saved_values(self: Any) -> Any:
    if "accumulate" in self.params:
        yield "accumulate", self.params["accumulate"]
    kept = FREED if self.saved is FREED else [v for n, v in self.saved.items() if n[0] == "i"]
    yield "indices", FREED if kept is FREED else _Indices(self.params["at"], kept)
    if self.saved is not FREED and "x_shape" in self.saved:
        yield "self_sym_sizes", self.saved["x_shape"]


# ---- batching


def _ranks(ids: Any, dims: Any) -> list[int]:
    """How many dimensions each index has in one example; a mask stands for vectors."""
    ranks = []
    for i, d in zip(ids, dims, strict=True):
        if i.dtype.name in ("bool", "uint8"):
            if d is not None:
                raise RuntimeError(
                    "vmap: We do not support batching operators that can support dynamic shape. Attempting to batch "
                    "over indexing with a boolean mask."
                )
            ranks.append(1)
        else:
            ranks.append(i.ndim - (d is not None))
    return ranks


def _aligned(ids: Any, dims: Any) -> tuple[list[Any], int]:
    """Mapped indices with the mapped dimension first and as many others as the largest has."""
    ranks = _ranks(ids, dims)
    rank = max(ranks)
    out = []
    for i, d, r in zip(ids, dims, ranks, strict=True):
        if d is not None:
            i = front(i, d)
            i = reshape_to(i, (i.shape[0],) + (1,) * (rank - r) + tuple(i.shape[1:]))
        out.append(i)
    return out, rank


def _apart(at: tuple[bool, ...], ids: Any) -> tuple[int, bool]:
    """(the first indexed dimension, whether there are gaps between the indexed dimensions)."""
    places = [k for k, here in enumerate(at) if here]
    return places[0], places[-1] - places[0] != len(places) - 1


def _counter(n: int, rank: int) -> Tensor:
    """The numbers of the examples, to index the mapped dimension with."""
    return wrap(np.arange(n).reshape((n,) + (1,) * rank))


def _batch_index(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    x, *ids = vals
    at = params["at"]
    first, gaps = _apart(at, ids)
    if all(d is None for d in dims[1:]):
        rank = max(_ranks(ids, dims[1:]))
        return index_get(front(x, dims[0]), tuple(ids), at=(False, *at)), rank if gaps else 0
    ids, rank = _aligned(ids, dims[1:])
    start = 0 if gaps else first
    if dims[0] is None:
        return index_get(x, tuple(ids), at=at), start
    y = index_get(front(x, dims[0]), (_counter(size_of_batch(vals, dims), rank), *ids), at=(True, *at))
    if start:  # the indexed dimensions came to the front: back to where they were
        order = [0, *range(rank + 1, rank + 1 + start), *range(1, rank + 1), *range(rank + 1 + start, y.ndim)]
        y = ops.permute(y, dims=tuple(order))
    return y, 0


def _batch_index_put(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    x, values, *ids = vals
    at = params["at"]
    n = size_of_batch(vals, dims)
    first, gaps = _apart(at, ids)
    x = stretched(x, dims[0], n)
    ids, rank = _aligned(ids, dims[2:])
    masked = sum(i.ndim for i in ids if i.dtype.name in ("bool", "uint8"))
    indexed = masked + sum(i.dtype.name not in ("bool", "uint8") for i in ids)
    rest = x.ndim - 1 - indexed
    if values.ndim - (dims[1] is not None) > 0 or dims[1] is not None:
        mapped = dims[1] is not None
        values = front(values, dims[1])
        lead = tuple(values.shape[:1]) if mapped else (1,)
        shape = tuple(values.shape[1:]) if mapped else tuple(values.shape)
        values = reshape_to(values, lead + (1,) * (rank + rest - len(shape)) + shape)
        start = 0 if gaps else first
        if start:
            tail = range(1 + start + rank, 1 + rank + rest)
            order = [0, *range(1 + start, 1 + start + rank), *range(1, 1 + start), *tail]
            values = ops.permute(values, dims=tuple(order))
    y = index_set(
        x, values, (_counter(n, rank), *ids), at=(True, *at), accumulate=params["accumulate"]
    )
    return y, 0


# ---------------------------------------------------------------- x[...]


def index_tensors(gathered: tuple[Any, ...]) -> tuple[tuple[Tensor, ...], tuple[bool, ...]]:
    """The index tensors among the entries for each dimension, and where they stand."""
    ids = tuple(i if isinstance(i, Tensor) else wrap(np.array(i)) for i in gathered if i is not None)
    return ids, tuple([i is not None for i in gathered])


def getitem(self: Tensor, index: Any) -> Any:
    """`x[index]`: a view for integers, slices, None and `...`; a copy where index tensors, lists or masks take part."""
    shape = self._data.shape if self.__class__ in PLAIN else tuple(self.shape)
    if index.__class__ is int and shape and -shape[0] <= index < shape[0]:
        return through(self, ((SELECT, 0, index),))
    steps, gathered = parse_index(index, shape, Tensor)
    x = through(self, steps) if steps else self
    if gathered is not None:
        ids, at = index_tensors(gathered)
        x = index_get(x, ids, at=at)
    return x


method(getitem, name="__getitem__")

# ---------------------------------------------------------------- x[...] = v


def _value_tensor(self: Tensor, value: Any) -> Tensor:
    """The right side of an assignment as a tensor; numbers in the dtype of the left side."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (int, float, complex, np.integer)):
        if isinstance(value, (int, np.integer)) and not -(2**63) <= value < 2**63:
            raise ValueError("Overflow when unpacking long long")
        if self.dtype.np.itemsize == 2 and self.dtype.category == 2 and not isinstance(value, complex):
            return wrap(np.array(float(value)).astype(self.dtype.np))  # here too large a number becomes infinite
        return wrap(convert_scalar(value, self.dtype.np))
    name = type(value).__module__ + "." if isinstance(value, np.ndarray) else ""
    raise TypeError(f"can't assign a {name}{type(value).__name__} to a {type_name(self)}")


_TYPED = frozenset(("Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double"))


def type_name(x: Tensor) -> str:
    """'torch.FloatTensor', 'CPUBoolType', ...: how messages name the type of a tensor."""
    name = x.dtype.scalar_name
    return f"torch.{name}Tensor" if name in _TYPED else f"CPU{name}Type"


def without_leading_ones(value: Tensor) -> Tensor:
    """`value` without the dimensions of size one in front."""
    shape = tuple(value.shape)
    if not shape or shape[0] != 1:
        return value
    first = next((k for k, n in enumerate(shape) if n != 1), len(shape))
    return reshape_to(value, shape[first:])


def _copy_to(target: Tensor, value: Tensor) -> None:
    """`target[...] = value`, with the broadcasting of assignments."""
    shape = tuple(target.shape)
    if tuple(value.shape) == shape:
        check_partial_overlap(target, value)
    elif value.ndim:
        value = without_leading_ones(value)
        if tuple(value.shape) != shape:
            value = expand_to(value, shape)
    if not _copy_into_view(target, value):
        if value.ndim or not shape:
            target.copy_(value)  # type: ignore[attr-defined]
        else:
            target.fill_(value)  # type: ignore[attr-defined]


def _copy_into_view(target: Tensor, value: Tensor) -> bool:
    """Copy and record that as one node, whose gradient goes straight to `value`; False where it is not so simple."""
    m = mode()
    if m is not GRAD or target.__class__ not in PLAIN or value.__class__ not in PLAIN or target._view is None:
        return False
    data, source = target._data, value._data
    if source.dtype is not data.dtype or data.dtype.kind not in "fcV":
        return False
    edge = edge_of(value) if value._fn is not None else None
    if source.shape != data.shape and edge is not None:
        return False
    check_inplace(target, m)
    np.copyto(data, source)
    bump(target)
    if edge is not None or target.requires_grad:
        rebase(target, None, edge, direct=True)
    return True


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """`x[index] = value`, in place; `value` is a number or a tensor, which broadcasts. Differentiable in both."""
    if assign(self, index, value):
        return
    if index is False:
        _value_tensor(self, value)
        return
    shape = self._data.shape if self.__class__ in PLAIN else tuple(self.shape)
    if index is True:
        index = None
    elif index.__class__ is slice and shape:
        index = (index,)  # a slice over everything is no step here
    steps, gathered = parse_index(index, shape, Tensor)
    value = _value_tensor(self, value)
    target: Any = self if not steps or steps[0][0] is ALIAS else through(self, steps)
    if gathered is None:
        _copy_to(target, value)
        return
    ids, at = index_tensors(gathered)
    index_write(target, without_leading_ones(value), ids, at, False)


method(setitem, name="__setitem__")


@method
def __delitem__(self: Tensor, index: Any) -> None:
    """Refused: a tensor does not become smaller."""
    raise TypeError("Tensor does not support deleting items")


def index_write(
    self: Tensor, values: Tensor, ids: tuple[Tensor, ...], at: tuple[bool, ...], accumulate: bool
) -> Tensor:
    """`index_put_` with the index tensors and the places where they stand."""
    params = {"at": at, "accumulate": accumulate}
    # one number for one mask is a masked_fill_, which may read its mask from where it writes
    fill = not accumulate and len(ids) == 1 and ids[0].dtype.category == 0 and math.prod(values.shape) == 1
    return write_into(
        _prims(len(ids))[1], self, (values, *ids), params, _index_put_in_place,
        may_share=fill, expanded="index_put_ tensor[indices] = tensor",
    )  # fmt: skip


def _check_indices(name: str, indices: Any, values: Any) -> tuple[tuple[Tensor, ...], tuple[bool, ...]]:
    if not isinstance(indices, (tuple, list)):
        raise TypeError(
            f"{name}(): argument 'indices' (position 1) must be tuple of Tensors, not {type(indices).__name__}"
        )
    for k, i in enumerate(indices):
        if i is not None and not isinstance(i, Tensor):
            raise TypeError(f"expected Tensor as element {k} in argument 0, but got {type(i).__name__}")
    tensor_operand(values, name, 2, "values")
    ids, at = index_tensors(tuple(indices))
    if not ids:
        raise IndexError("at least one index must be provided")
    return ids, at


_IndexNode = taking_node(
    _prims(1)[0],
    lambda xp, g, ids, a: xp.index_backward(g, ids, shape=a[0], at=a[1]),
    lambda ids, a: (("indices", tuple(_fill(a[1], ids)) if ids else None), ("self_sym_sizes", a[0])),
)


@public
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `values` at `indices` (a tuple of index tensors or masks), or added there."""
    ids, at = _check_indices("index_put", indices, values)
    return index_set(input, values, ids, at=at, accumulate=bool(accumulate))  # type: ignore[no-any-return]


@public
def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """`index_put` in place."""
    ids, at = _check_indices("index_put_", indices, values)
    return index_write(input, values, ids, at, bool(accumulate))


samples(
    "Tensor.__getitem__", Case(T(3, 4), 1), Case(T(3, 4), (slice(None), -1)), Case(T(5), slice(1, 4, 2)),
    Case(T(3, 4), (None, ..., 0)), Case(T(3, 4), [0, 2, 0]), Case(T(3, 4, 2), ([0, 2], slice(None), [1, 1])),
    Case(T(3), [True, False, True]), Case(T(), None),
)  # fmt: skip

__all__ = ["added_at", "getitem", "index_get", "index_set", "index_tensors", "index_write", "setitem", "type_name"]
