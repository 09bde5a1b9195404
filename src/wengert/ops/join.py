"""Putting tensors together and taking them apart: cat, stack, split and their kin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.dispatch import dispatch
from ..core.fastview import JoinNode, PartsNode, arg_node, joined, viewed_parts
from ..core.inplace import write_out
from ..core.primitive import Primitive, composite, kernel_helper, linear, ops, view
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor
from ..kernels import numpy as kernels
from .install import public
from .reduce import wrap_dim
from .shape import reshape_to, unsqueeze


def tensors_of(tensors: Any, name: str, argument: str = "tensors") -> tuple[Tensor, ...]:
    """A tuple or list of tensors, with PyTorch's errors."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{name}(): argument '{argument}' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}")
    return tuple(tensors)


# ---------------------------------------------------------------- helpers of the rules


@kernel_helper
def window(g: Any, dim: int, start: int, stop: int) -> Any:
    """g[start:stop] along `dim`."""
    return g[(slice(None),) * dim + (slice(start, stop),)]


@composite
def window(g: Tensor, dim: int, start: int, stop: int) -> Any:  # noqa: F811
    sizes = (start, stop - start, g.shape[dim] - stop)
    return ops.split(g, sizes=sizes, dim=dim)[1]


@kernel_helper
def zeros_of(g: Any, shape: Sequence[int]) -> Any:
    """Zeros of `shape` and the dtype of `g`."""
    return np.zeros(tuple(shape), g.dtype)


@composite
def zeros_of(g: Tensor, shape: Sequence[int]) -> Any:  # noqa: F811
    return g.new_zeros(tuple(shape))  # type: ignore[attr-defined]


def join_arrays(tensors: Sequence[Any], dim: int = 0) -> Any:
    return np.concatenate([np.asarray(t) for t in tensors], dim)


def stack_arrays(tensors: Sequence[Any], dim: int = 0) -> Any:
    return np.stack([np.asarray(t) for t in tensors], dim)


# what rules call: a sequence and a dimension, on arrays as on tensors
kernels.cat = join_arrays
kernels.stack = stack_arrays


def cast_to(xp: Any, g: Any, kind: Any) -> Any:
    """`g` in the dtype of the input that it belongs to."""
    have = getattr(g.dtype, "np", g.dtype)
    return g if have == kind.np else xp.to_dtype(g, kind)


# ---------------------------------------------------------------- cat and stack


def _cat_kernel(*arrays: Any, dim: int) -> Any:
    n = max([a.ndim for a in arrays])
    kept = [a for a in arrays if a.ndim == n or a.shape != (0,)]  # PyTorch skips old-style empty tensors
    return np.concatenate(kept, dim)


def _cat_rule(xp: Any, g: Any, needs: Any, shapes: Any, dtypes: Any, dim: int) -> Any:
    out = []
    at = 0
    n = max([len(s) for s in shapes])
    for need, shape, kind in zip(needs, shapes, dtypes, strict=True):
        if len(shape) != n:
            out.append(xp.zeros_of(g, shape) if need else None)
            continue
        out.append(cast_to(xp, xp.window(g, dim, at, at + shape[dim]), kind) if need else None)
        at += shape[dim]
    return tuple(out)


def _cat_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    n = size_of_batch(vals, dims)
    return prim(*[stretched(v, d, n) for v, d in zip(vals, dims, strict=True)], dim=params["dim"] + 1), 0


_cat = linear(
    "cat", inputs=("tensors",), params=("dim",), kernel=_cat_kernel, vjp=_cat_rule, variadic=True, promote="keep",
    batch=_cat_batch, half="native",
)  # fmt: skip


def _stack_kernel(*arrays: Any, dim: int) -> Any:
    return stack_equal(arrays, dim)


def stack_equal(arrays: Sequence[Any], dim: int) -> Any:
    """Arrays of one shape and dtype side by side along a new dimension; ValueError if their shapes differ."""
    first = arrays[0]
    if dim == 0:
        return np.array(arrays, first.dtype)
    n = first.ndim + 1
    if not -n <= dim < n:
        raise ValueError("no such dimension")
    new_dim = (*(slice(None),) * (dim % n), None)
    return np.concatenate([a[new_dim] for a in arrays], dim)


def _stack_rule(xp: Any, g: Any, needs: Any, dtypes: Any, dim: int) -> Any:
    parts = xp.unbind(g, dim=dim)
    return tuple(
        [cast_to(xp, p, kind) if need else None for p, need, kind in zip(parts, needs, dtypes, strict=True)]
    )


_stack = linear(
    "stack", inputs=("tensors",), params=("dim",), kernel=_stack_kernel, vjp=_stack_rule, variadic=True, promote="keep",
    batch=_cat_batch, half="native",
)  # fmt: skip


def _flat_cat_rule(xp: Any, g: Any, needs: Any, arg: Any) -> Any:
    sizes, dim = arg
    out = []
    at = 0
    for need, n in zip(needs, sizes, strict=True):
        out.append(xp.window(g, dim, at, at + n) if need else None)
        at += n
    return out


def _flat_stack_rule(xp: Any, g: Any, needs: Any, dim: Any) -> Any:
    return [p if need else None for p, need in zip(xp.unbind(g, dim=dim), needs, strict=True)]


_Cat = arg_node(_cat, _flat_cat_rule, lambda arg: (("dim", arg[1]),), base=JoinNode)
_Stack = arg_node(_stack, _flat_stack_rule, lambda dim: (("dim", dim),), base=JoinNode)


def same_dtype_arrays(tensors: Sequence[Tensor]) -> list[Any] | None:
    """The arrays of plain tensors of one dtype; None if anything is unusual."""
    arrays = []
    kind = None
    for t in tensors:
        if t.__class__ not in PLAIN:
            return None
        data = t._data
        if data.dtype is not kind:
            if kind is not None or data.__class__ is not np.ndarray:
                return None
            kind = data.dtype
        arrays.append(data)
    return arrays


@public(method=False)
def cat(tensors: Any, dim: int = 0, *, out: Tensor | None = None, axis: int | None = None) -> Tensor:
    """The tensors one after another along `dim`. All other sizes must agree; dtypes are promoted. Differentiable."""
    if axis is not None:
        dim = axis
    if (tensors.__class__ is list or tensors.__class__ is tuple) and out is None and dim.__class__ is int:
        arrays = same_dtype_arrays(tensors)
        if arrays:
            try:
                y = np.concatenate(arrays, dim)
            except ValueError:  # shapes that PyTorch may still take, or has a sentence for
                pass
            else:
                d = dim if dim >= 0 else dim + y.ndim
                t = joined(tensors, y, _Cat, ([a.shape[d] for a in arrays], d))
                if t is not None:
                    return t  # type: ignore[no-any-return]
    given = tensors_of(tensors, "cat")
    if not given:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    d = check_cat(given, dim)
    y = _cat(*given, dim=d)
    return y if out is None else write_out(out, y, "cat")


def check_cat(tensors: tuple[Tensor, ...], dim: int) -> int:
    """The dimension, after PyTorch's checks of the shapes."""
    shapes = [tuple(t.shape) for t in tensors]
    for i, s in enumerate(shapes):
        if not s:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    real = [(i, s) for i, s in enumerate(shapes) if s != (0,)]
    first = real[0][1] if real else shapes[0]
    n = len(first)
    d = wrap_dim(dim, n)
    for i, s in real:
        if len(s) != n:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {n} and {len(s)}")
        for k in range(n):
            if k != d and s[k] != first[k]:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {d}. Expected size {first[k]} but got size "
                    f"{s[k]} "
                    f"for tensor number {i} in the list."
                )
    return d


for _name in ("concat", "concatenate"):
    public(cat, name=_name, method=False)


@public(method=False)
def stack(tensors: Any, dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors, all of one shape, side by side along a new dimension `dim`. Differentiable."""
    if (tensors.__class__ is list or tensors.__class__ is tuple) and out is None and dim.__class__ is int:
        arrays = same_dtype_arrays(tensors)
        if arrays:
            try:
                y = stack_equal(arrays, dim)
            except (ValueError, IndexError):  # refused below
                pass
            else:
                t = joined(tensors, y, _Stack, dim if dim >= 0 else dim + y.ndim)
                if t is not None:
                    return t  # type: ignore[no-any-return]
    given = tensors_of(tensors, "stack")
    if not given:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = given[0].shape
    d = wrap_dim(dim, len(shape) + 1)
    for i, t in enumerate(given):
        if t.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(t.shape)} at "
                f"entry {i}"
            )
    y = _stack(*given, dim=d)
    return y if out is None else write_out(out, y, "stack")


ops.cat = lambda tensors, dim=0: cat(list(tensors), dim)
ops.stack = lambda tensors, dim=0: stack(list(tensors), dim)

samples("cat", Case([T(2, 3), T(1, 3)]), Case([T(2, 3), T(2, 1), T(2, 2)], dim=1), Case([T(2), T(0)], -1), Case([T(3)]))
samples("stack", Case([T(2, 3), T(2, 3)]), Case([T(), T(), T()]), Case([T(2), T(2)], dim=-1), Case([T(0, 2)], 1))

# ---------------------------------------------------------------- unbind and split: several views


def _unbind_kernel(x: Any, *, dim: int) -> Any:
    if dim == 0:
        return list(x) if x.ndim > 1 else [x[i, ...] for i in range(x.shape[0])]
    lead = (slice(None),) * dim
    return [x[(*lead, i, ...)] for i in range(x.shape[dim])]


def _first(gs: Any) -> Any:
    for g in gs:
        if g is not None:
            return g
    raise ValueError("no gradient arrived")


def _unbind_rule(xp: Any, gs: Any, dim: int) -> Any:
    some = _first(gs)
    zero = None
    parts = []
    for g in gs:
        if g is None:
            if zero is None:
                zero = xp.zeros_like(some)
            g = zero
        parts.append(g)
    return xp.stack(parts, dim)


def _views_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    outs = prim(front(vals[0], dims[0]), **{**params, "dim": params["dim"] + 1})
    return outs, (0,) * len(outs)


_unbind = view(
    "unbind", params=("dim",), kernel=_unbind_kernel, vjp=dict(x=_unbind_rule), n_outputs=None, batch=_views_batch
)


def _split_kernel(x: Any, *, sizes: Sequence[int], dim: int) -> Any:
    out = []
    at = 0
    if dim == 0:
        for n in sizes:
            out.append(x[at : at + n])
            at += n
        return out
    lead = (slice(None),) * dim
    for n in sizes:
        out.append(x[(*lead, slice(at, at + n))])
        at += n
    return out


def _split_rule(xp: Any, gs: Any, x_shape: Any, sizes: Any, dim: int) -> Any:
    some = _first(gs)
    parts = []
    for g, n in zip(gs, sizes, strict=True):
        parts.append(xp.zeros_of(some, (*x_shape[:dim], n, *x_shape[dim + 1 :])) if g is None else g)
    return xp.cat(parts, dim) if len(parts) > 1 else parts[0]


_split = view(
    "split", params=("sizes", "dim"), kernel=_split_kernel, vjp=dict(x=_split_rule), n_outputs=None, batch=_views_batch
)
_split_sizes = _split.renamed("SplitWithSizesBackward0")

_Unbind = arg_node(_unbind, _unbind_rule, lambda dim: (("dim", dim),), base=PartsNode)


def _flat_split_rule(xp: Any, gs: Any, arg: Any) -> Any:
    return _split_rule(xp, gs, *arg)


def _split_shown(arg: Any) -> Any:
    return ("self_sym_sizes", tuple(arg[0])), ("split_size", arg[1][0]), ("dim", arg[2])


_Split = arg_node(_split, _flat_split_rule, _split_shown, base=PartsNode)
_SplitSizes = arg_node(
    _split, _flat_split_rule,
    lambda arg: (("self_sym_sizes", tuple(arg[0])), ("split_sizes", tuple(arg[1])), ("dim", arg[2])),
    "SplitWithSizesBackward0", base=PartsNode,
)  # fmt: skip


def pieces(x: Tensor, sizes: tuple[int, ...], dim: int, made: Any, node: Any) -> tuple[Tensor, ...]:
    """`x` cut along `dim` into views of the given sizes."""
    params = {"sizes": sizes, "dim": dim}
    if x.__class__ in PLAIN:
        data = x._data
        arrays = _split_kernel(data, sizes=sizes, dim=dim)
        outs = viewed_parts(x, arrays, _split, params, made, (data.shape, sizes, dim))
        if outs is not None:
            return outs  # type: ignore[no-any-return]
    return dispatch(_split, (x,), params, node)  # type: ignore[no-any-return]



@public
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along `dim`, as views, which may not be changed in place where gradients are recorded."""
    n = input.ndim
    if not n:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    d = dim if dim.__class__ is int and 0 <= dim < n else wrap_dim(dim, n)
    if input.__class__ in PLAIN and input._data.__class__ is np.ndarray:
        outs = viewed_parts(input, _unbind_kernel(input._data, dim=d), _unbind, {"dim": d}, _Unbind, d)
        if outs is not None:
            return outs  # type: ignore[no-any-return]
    return _unbind(input, dim=d)  # type: ignore[no-any-return]


@public(method=False, name="split")
def split_function(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of `split_size` (the last may be smaller), or of the given sizes, along `dim`, as views."""
    return split_method(tensor, split_size_or_sections, dim)


@public(function=False, name="split")
def split_method(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of `split_size` (the last may be smaller), or of the given sizes, along `dim`, as views."""
    if not isinstance(split_size, (int, np.integer)):
        return split_with_sizes(self, split_size, dim)
    sizes, d = split_sizes_of(self, split_size, dim)
    return pieces(self, sizes, d, _Split, None)  # type: ignore[no-any-return]


def split_sizes_of(self: Tensor, split_size: int, dim: int) -> tuple[tuple[int, ...], int]:
    """The sizes of the pieces and the dimension, after PyTorch's checks."""
    shape = self._data.shape if self.__class__ in PLAIN else tuple(self.shape)
    n = len(shape)
    if not n:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    if split_size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={split_size}")
    d = dim if dim.__class__ is int and 0 <= dim < n else wrap_dim(dim, n)
    extent = shape[d]
    if split_size == 0:
        if extent:
            raise RuntimeError(
                f"split_size can only be 0 if dimension size is 0, but got dimension size of {extent}"
            )
        return (0,), d
    whole, rest = divmod(extent, int(split_size))
    return (int(split_size),) * whole + ((rest,) if rest or not whole else ()), d


def check_split_sizes(input: Tensor, split_sizes: Any, dim: int) -> tuple[tuple[int, ...], int]:
    """The sizes as ints and the dimension, after PyTorch's checks."""
    if not isinstance(split_sizes, (tuple, list)):
        raise TypeError(
            "split_with_sizes(): argument 'split_sizes' (position 2) must be tuple of ints, not "
            f"{type(split_sizes).__name__}"
        )
    if not input.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    sizes = tuple([int(n.__index__()) for n in split_sizes])
    d = wrap_dim(dim, input.ndim)
    extent = input.shape[d]
    if any(n < 0 for n in sizes):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={list(sizes)}"
        )
    if sum(sizes) != extent:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {extent} (input tensor's size at dimension {d}), "
            f"but got split_sizes={list(sizes)}"
        )
    return sizes, d


@public
def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of the given sizes along `dim`, as views."""
    sizes, d = check_split_sizes(input, split_sizes, dim)
    return pieces(input, sizes, d, _SplitSizes, _split_sizes)  # type: ignore[no-any-return]


@public
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of equal size (the last may be smaller) along `dim`, as views."""
    shape = input._data.shape if input.__class__ in PLAIN else tuple(input.shape)
    n = len(shape)
    if not n:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    d = dim if dim.__class__ is int and 0 <= dim < n else wrap_dim(dim, n)
    extent = shape[d]
    size = -(-extent // chunks)
    if size == 0:
        return split_with_sizes(input, (0,) * chunks, d)  # type: ignore[no-any-return]
    whole, rest = divmod(extent, size)
    return pieces(input, (size,) * whole + ((rest,) if rest else ()), d, _Split, None)


samples("unbind", Case(T(3, 4)), Case(T(3, 4), dim=1), Case(T(3)))
samples("split", Case(T(5, 2), 2), Case(T(5, 2), [1, 4]), Case(T(2, 5), 2, dim=-1), Case(T(0, 2), 3))
samples("chunk", Case(T(5, 2), 2), Case(T(2, 5), 3, dim=1), Case(T(3), 7))

# ---------------------------------------------------------------- split at indices


@public
def tensor_split(
    input: Tensor, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None, sections: Any = None,
    tensor_indices_or_sections: Any = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Pieces along `dim`: so many of nearly equal size, or those between the given indices; views."""
    n = input.ndim
    if not n:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    d = wrap_dim(dim, n)
    extent = input.shape[d]
    given = one_of(indices_or_sections, indices, sections, tensor_indices_or_sections, name="tensor_split")
    if isinstance(given, Tensor):
        if given.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, "
                f"but got a tensor with {given.ndim} dims"
            )
        given = given.tolist()  # type: ignore[attr-defined]
    if isinstance(given, (int, np.integer)):
        if given <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {given}")
        size, more = divmod(extent, int(given))
        bounds = [0]
        for i in range(int(given)):
            bounds.append(bounds[-1] + size + (i < more))
        return tuple([_slice_of(input, d, a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)])
    bounds = [0, *given]
    outs = [_slice_of(input, d, a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    return (*outs, _slice_of(input, d, bounds[-1], None))


def one_of(*choices: Any, name: str) -> Any:
    """The argument that was given, under whichever of its names."""
    given = [c for c in choices if c is not None]
    if len(given) != 1:
        raise TypeError(f"{name}() takes one of the arguments 'indices_or_sections', 'indices' and 'sections'")
    return given[0]


def _slice_of(x: Tensor, d: int, start: Any, stop: Any) -> Tensor:
    return x[(slice(None),) * d + (slice(start, stop),)]  # type: ignore[index, no-any-return]


def _directed(name: str, minimum: int, along: Any) -> None:
    """torch.hsplit, vsplit, dsplit."""

    def function(
        input: Tensor, indices_or_sections: Any = None, *, indices: Any = None, sections: Any = None
    ) -> tuple[Tensor, ...]:
        given = one_of(indices_or_sections, indices, sections, name=name)
        n = input.ndim
        if n < minimum:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {minimum} dimension, but got a tensor with {n} "
                "dimensions!"
            )
        d = along(n)
        if isinstance(given, int):
            sections = given
            if not sections or input.shape[d] % sections:
                raise RuntimeError(
                    f"torch.{name} attempted to split along dimension {d}, but the size of the dimension "
                    f"{input.shape[d]} is not divisible by the split_size {sections}!"
                )
        return tensor_split(input, given, d)  # type: ignore[no-any-return]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Equal pieces (a number), or those between indices, along one dimension; views."
    public(function, name=name)


_directed("hsplit", 1, lambda n: 0 if n == 1 else 1)
_directed("vsplit", 2, lambda n: 0)
_directed("dsplit", 3, lambda n: 2)

# ---------------------------------------------------------------- at least so many dimensions


def _at_least(name: str, grow: Any) -> Any:
    """torch.atleast_1d and its kin: one tensor, or several, or a list."""

    def function(*tensors: Any) -> Any:
        if len(tensors) == 1:
            first = tensors[0]
            return tuple([grow(t) for t in first]) if isinstance(first, (tuple, list)) else grow(first)
        return tuple([grow(t) for t in tensors])

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Tensors of fewer dimensions get some of size 1, as views."
    return public(function, name=name, method=False)


def _grow_2d(x: Tensor) -> Tensor:
    return reshape_to(x, (1, 1)) if not x.ndim else unsqueeze(x, 0) if x.ndim == 1 else x  # type: ignore[no-any-return]


def _grow_3d(x: Tensor) -> Tensor:
    n = x.ndim
    if n == 0:
        return reshape_to(x, (1, 1, 1))
    if n == 1:
        return unsqueeze(unsqueeze(x, 0), -1)  # type: ignore[no-any-return]
    return unsqueeze(x, -1) if n == 2 else x  # type: ignore[no-any-return]


atleast_1d = _at_least("atleast_1d", lambda x: x if x.ndim else reshape_to(x, (1,)))
atleast_2d = _at_least("atleast_2d", _grow_2d)
atleast_3d = _at_least("atleast_3d", _grow_3d)


def _stacked(name: str, prepare: Any, dim: Any, names: tuple[str, ...] = ()) -> None:
    """torch.hstack, vstack, dstack, column_stack."""

    def function(tensors: Any, *, out: Tensor | None = None) -> Tensor:
        given = tensors_of(tensors, name)
        if not given:
            raise RuntimeError(f"{name} expects a non-empty TensorList")
        ready = [prepare(t) for t in given]
        return cat(ready, dim(ready), out=out)  # type: ignore[no-any-return]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "The tensors side by side along one dimension, after giving them enough dimensions."
    for called in (name, *names):
        public(function, name=called, method=False)
    samples(name, Case([T(2, 3), T(2, 3)]), Case([T(3), T(3)]), Case([T(), T()]))


def _column(x: Tensor) -> Tensor:
    return reshape_to(x, (math.prod(x.shape), 1)) if x.ndim < 2 else x


_stacked("hstack", atleast_1d, lambda given: 0 if given[0].ndim == 1 else 1)
_stacked("vstack", atleast_2d, lambda given: 0, ("row_stack",))
_stacked("dstack", atleast_3d, lambda given: 2)
_stacked("column_stack", _column, lambda given: 1)

samples("tensor_split", Case(T(5, 2), 2), Case(T(2, 5), (1, 3), 1))
samples("hsplit", Case(T(4), 2), Case(T(2, 4), 2), Case(T(2, 4), (1, 3)))
samples("vsplit", Case(T(4, 2), 2))
samples("dsplit", Case(T(2, 2, 4), 2))
samples("atleast_1d", Case(T()), Case(T(2, 2)))
samples("atleast_2d", Case(T()), Case(T(2)))
samples("atleast_3d", Case(T()), Case(T(2)), Case(T(2, 3)))
