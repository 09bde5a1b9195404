"""Views of other shapes: view, reshape, flatten, squeeze, unsqueeze, expand, permute, transpose.

Each has a straight line for plain tensors (`viewed`), the general path through its primitive for all else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.batching import front
from ..core.dispatch import dispatch
from ..core.dtypes import dtype as dtype_class
from ..core.errors import warn_once
from ..core.fastview import arg_node, produced, viewed
from ..core.primitive import Primitive, composite, linear, ops, view
from ..core.samples import Case, T, samples
from ..core.size import Size
from ..core.tensor import PLAIN, Tensor
from ..kernels import shapes as kernels
from .convert import copy_of
from .install import FUNCTIONS, public
from .reduce import wrap_dim
from .whole import whole

ndarray = np.ndarray


def sizes(args: Any) -> tuple[int, ...]:
    """`f(2, 3)` or `f((2, 3))`: the sizes as a tuple of ints."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = args[0]
    return tuple([a if a.__class__ is int else a.__index__() for a in args])


def check_ints(args: Any, name: str, argument: str, position: int = 1) -> tuple[int, ...]:
    """As `sizes`, with PyTorch's TypeError for what is no integer."""
    given = args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args
    for i, a in enumerate(given):
        if a.__class__ is not int and (isinstance(a, (bool, float, str)) or not hasattr(a, "__index__")):
            if given is args and len(args) == 1:
                raise TypeError(
                    f"{name}(): argument '{argument}' (position {position}) must be tuple of ints, not "
                    f"{type(a).__name__}"
                )
            raise TypeError(
                f"{name}(): argument '{argument}' failed to unpack the object at pos {i + 1} with error \"type must be "
                f'tuple of ints,but got {type(a).__name__}"'
            )
    return sizes(args)


def infer_size(size: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """Fill in the one -1 of `size`; PyTorch's errors."""
    if -1 in size:
        if size.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        known = -math.prod(size)
        if known == 0:
            if numel == 0:
                raise RuntimeError(
                    f"cannot reshape tensor of 0 elements into shape {list(size)} because the unspecified dimension "
                    "size "
                    "-1 can be any value and is ambiguous"
                )
            raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
        if numel % known:
            raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
        return tuple([numel // known if n == -1 else n for n in size])
    for i, n in enumerate(size):
        if n < 0:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(size)}")
    if math.prod(size) != numel:
        raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
    return size


# ---------------------------------------------------------------- the primitives


def inverse(dims: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes `dims`."""
    back = [0] * len(dims)
    for i, d in enumerate(dims):
        back[d] = i
    return tuple(back)


def batch_view(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    return reshape_to(x, (x.shape[0], *params["size"])), 0


def batch_expand(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    size = params["size"]
    for _ in range(len(size) + 1 - x.ndim):
        x = ops.unsqueeze(x, dim=1)
    return prim(x, size=(x.shape[0], *size)), 0


def batch_permute(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    return prim(front(vals[0], dims[0]), dims=(0, *[d + 1 for d in params["dims"]])), 0


def batch_transpose(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    if vals[0].ndim == 1:
        return _alias(vals[0]), 0
    return prim(front(vals[0], dims[0]), dim0=params["dim0"] + 1, dim1=params["dim1"] + 1), 0


def batch_t(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    return (_transpose(x, dim0=1, dim1=2) if x.ndim == 3 else x), 0


def batch_unsqueeze(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    return prim(front(vals[0], dims[0]), dim=params["dim"] + 1), 0


def batch_squeeze(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    return prim(front(vals[0], dims[0]), dim=tuple([d + 1 for d in params["dim"]])), 0


def batch_same(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    return prim(vals[0], **params), dims[0]


def _like_x(xp: Any, g: Any, x_shape: Any) -> Any:
    return xp.reshape(g, x_shape)


_view = view("view", params=("size",), kernel=kernels.view, vjp=dict(x=_like_x), batch=batch_view)
_expand = view(
    "expand", params=("size",), kernel=kernels.expand, batch=batch_expand,
    vjp=dict(x=lambda xp, g, x_shape: xp.sum_to(g, x_shape)),
)  # fmt: skip
_permute = view(
    "permute", params=("dims",), kernel=kernels.permute, batch=batch_permute,
    vjp=dict(x=lambda xp, g, dims: xp.permute(g, dims=inverse(dims))),
)  # fmt: skip
_transpose = view(
    "transpose", params=("dim0", "dim1"), kernel=kernels.transpose, batch=batch_transpose,
    vjp=dict(x=lambda xp, g, dim0, dim1: xp.transpose(g, dim0=dim0, dim1=dim1)),
)  # fmt: skip
_t = view("t", kernel=kernels.t, vjp=dict(x=lambda xp, g: xp.t(g)), batch=batch_t)
_unsqueeze = view("unsqueeze", params=("dim",), kernel=kernels.unsqueeze, vjp=dict(x=_like_x), batch=batch_unsqueeze)
_squeeze = view("squeeze", params=("dim",), kernel=kernels.squeeze, vjp=dict(x=_like_x), batch=batch_squeeze)
_alias = view("alias", kernel=kernels.alias, vjp=dict(x=lambda xp, g: g), batch=batch_same)
_unsafe_view = linear(
    "unsafe_view", params=("size",), kernel=lambda x, size: x.reshape(size), half="native", vjp=dict(x=_like_x),
    batch=batch_view,
)  # fmt: skip


def _sizes_shown(shape: Any) -> Any:
    return (("self_sym_sizes", tuple(shape)),)


_View = arg_node(_view, lambda xp, g, shape: xp.reshape(g, shape), _sizes_shown)
_ReshapeAlias = arg_node(
    _view, lambda xp, g, shape: xp.reshape(g, shape), _sizes_shown, "ReshapeAliasBackward0"
)  # what PyTorch calls a reshape that is a view of a tensor with gaps
_UnsafeView = arg_node(_unsafe_view, lambda xp, g, shape: xp.reshape(g, shape), _sizes_shown)
_Expand = arg_node(_expand, lambda xp, g, shape: xp.sum_to(g, shape), _sizes_shown)
_Permute = arg_node(_permute, lambda xp, g, dims: xp.permute(g, dims=inverse(dims)), lambda dims: (("dims", dims),))
_Transpose = arg_node(
    _transpose,
    lambda xp, g, dims: xp.transpose(g, dim0=dims[0], dim1=dims[1]),
    lambda dims: (("dim0", dims[0]), ("dim1", dims[1])),
)
_T = arg_node(_t, lambda xp, g, arg: xp.t(g))
_Unsqueeze = arg_node(
    _unsqueeze, lambda xp, g, arg: xp.reshape(g, arg[1]), lambda arg: (("dim", arg[0]),)
)
_Squeeze0 = arg_node(_squeeze, lambda xp, g, arg: xp.reshape(g, arg[0]), lambda arg: _sizes_shown(arg[0]))
_Squeeze1 = arg_node(
    _squeeze, lambda xp, g, arg: xp.reshape(g, arg[0]), lambda arg: (("dim", arg[1]), *_sizes_shown(arg[0])),
    "SqueezeBackward1",
)  # fmt: skip
_Squeeze2 = arg_node(
    _squeeze, lambda xp, g, arg: xp.reshape(g, arg[0]), lambda arg: (("dim", arg[1]), *_sizes_shown(arg[0])),
    "SqueezeBackward2",
)  # fmt: skip
_Alias = arg_node(_alias, lambda xp, g, arg: g)


# ---------------------------------------------------------------- helpers of the engine and the rules


@composite
def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum the dimensions that broadcasting added or stretched."""
    have = tuple(g.shape)
    shape = tuple(shape)
    if have == shape:
        return g
    lead = len(have) - len(shape)
    if lead >= 0:
        inner = tuple(i + lead for i, n in enumerate(shape) if n == 1 and have[i + lead] != 1)
        if lead and not inner:
            return ops.sum(g, dim=tuple(range(lead)) if shape else None, keepdim=False)
        dims = tuple(range(lead)) + inner
        if dims:
            g = ops.sum(g, dim=dims, keepdim=True)
        if lead:
            g = ops.reshape(g, tuple(g.shape)[lead:])
        if tuple(g.shape) == shape:
            return g
    return ops.expand(g, size=shape)


@composite
def fit(g: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Bring a gradient to the shape and dtype of its input."""
    g = sum_to(g, shape)
    kind = getattr(dtype, "np", dtype)
    return g if g.dtype.np == kind else ops.to_dtype(g, kind)


# ---------------------------------------------------------------- view and reshape


@public(name="view", function=False)
def view_method(self: Tensor, *size: Any, dtype: Any = None, **named: Any) -> Tensor:
    """The same memory under another shape (or, given a dtype, other elements). Raises if that needs a copy."""
    if self.__class__ in PLAIN and size and dtype is None and not named:
        data = self._data
        if data.__class__ is not ndarray:  # traced
            return view_slow(self, size, dtype)
        shape = size if size[0].__class__ is int or len(size) > 1 else size[0]
        try:
            y = data.reshape(shape)
        except (TypeError, ValueError):
            return view_slow(self, size, dtype)
        have = y.shape
        base = y.base
        # NumPy takes any negative number for -1, and notes the owner of the memory as base
        if (have == shape or at_least_minus_one(shape)) and base is not None and (base is data or base is data.base):
            t = viewed(self, y, (_view, {"size": have}), _View, data.shape)
            if t is not None:
                return t  # type: ignore[no-any-return]
    if named:
        size = only_named(size, named, "view", "size")
    return view_slow(self, size, dtype)


def only_named(given: Any, named: dict[str, Any], name: str, argument: str) -> Any:
    """The sizes of `f(size=...)` as those of `f(...)`."""
    if given or list(named) != [argument]:
        wrong = next((n for n in named if n != argument), argument)
        raise TypeError(f"{name}() got an unexpected keyword argument '{wrong}'")
    return (named[argument],)


def at_least_minus_one(shape: Any) -> bool:
    return shape is not None and (shape.__class__ is int and shape >= -1 or min(shape, default=0) >= -1)


def view_slow(x: Tensor, size: Any, dtype: Any) -> Tensor:
    """All checks, the general path."""
    if len(size) == 1 and isinstance(size[0], (dtype_class, type)):
        dtype = size[0]
    if dtype is not None:
        return ops.view_as_dtype(x, dtype)  # type: ignore[no-any-return]
    given = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    if not size or any(isinstance(a, (bool, float, str)) or not hasattr(a, "__index__") for a in given):
        got = ", ".join(type(a).__name__ for a in size)
        raise TypeError(
            f"view() received an invalid combination of arguments - got ({got}), but expected one of:\n"
            " * (torch.dtype dtype)\n * (tuple of ints size)\n"
        )
    shape = infer_size(sizes(size), math.prod(x.shape))
    return _view(x, size=shape)  # type: ignore[no-any-return]


def reshape_to(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """A view if the memory allows, else a copy."""
    size = infer_size(tuple(size), math.prod(x.shape))
    if x.__class__ in PLAIN and x._data.__class__ is ndarray:
        data = x._data
        y = data.reshape(size)
        if kernels.is_view_of(y, data) or not data.size:
            made = _View if data.flags.c_contiguous else _ReshapeAlias
            t = viewed(x, y, (_view, {"size": size}), made, data.shape)
            return _view(x, size=size) if t is None else t  # type: ignore[no-any-return]
        copy = copied_as(x, y)
        t = produced(copy, y, _UnsafeView, data.shape)
        if t is not None:
            return t  # type: ignore[no-any-return]
    elif is_viewable(x, size):
        return _view(x, size=size)  # type: ignore[no-any-return]
    return _unsafe_view(copy_of(x, "contiguous"), size=size)  # type: ignore[no-any-return]


def copied_as(x: Tensor, y: Any) -> Tensor:
    """The recorded clone of `x` whose data already has its next shape, `y`."""
    from .convert import _Clone

    t = produced(x, y, _Clone, None)
    return x if t is None else t  # type: ignore[no-any-return]


def is_viewable(x: Tensor, size: tuple[int, ...]) -> bool:
    """Whether a view of that shape exists, of a tensor at any level."""
    from ..core.levels import Batched

    while x._level:
        if isinstance(x, Batched):  # the mapped dimension goes first
            data = front(x._data, x._bdim)  # type: ignore[attr-defined]
            return is_viewable(data, (data.shape[0], *size))
        x = x._data
    data = x._data
    if data.__class__ is not ndarray:  # traced: the layout is that of its `meta`
        data = data.meta
    return not data.size or kernels.is_view_of(data.reshape(size), data)


@public(name="reshape", function=False)
def reshape(self: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The elements in row-major order under another shape; a view where possible."""
    if self.__class__ in PLAIN and shape and not named:
        data = self._data
        if data.__class__ is not ndarray:
            return reshape_slow(self, shape)
        size = shape if shape[0].__class__ is int or len(shape) > 1 else shape[0]
        try:
            y = data.reshape(size)
        except (TypeError, ValueError):
            return reshape_slow(self, shape)
        have = y.shape
        if have == size or at_least_minus_one(size):
            base = y.base
            if base is not None and (base is data or base is data.base):
                made = _View if data.flags.c_contiguous else _ReshapeAlias
                t = viewed(self, y, (_view, {"size": have}), made, data.shape)
            else:
                t = produced(copied_as(self, y), y, _UnsafeView, data.shape)
            if t is not None:
                return t  # type: ignore[no-any-return]
    return reshape_slow(self, only_named(shape, named, "reshape", "shape") if named else shape)


def reshape_slow(x: Tensor, shape: Any) -> Tensor:
    if not shape:
        raise TypeError('reshape() missing 1 required positional arguments: "shape"')
    return reshape_to(x, check_ints(shape, "reshape", "shape"))


@public(name="reshape", method=False)
def reshape_function(input: Tensor, shape: Any) -> Tensor:
    """The elements in row-major order under another shape; a view where possible."""
    if not isinstance(shape, (tuple, list)):
        raise TypeError(
            f"reshape(): argument 'shape' (position 2) must be tuple of ints, not {type(shape).__name__}"
        )
    return reshape(input, shape)  # type: ignore[no-any-return]


ops.reshape = lambda x, shape: reshape_to(x, tuple(shape))


@public(function=False)
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of `other`."""
    return view_method(self, tuple(other.shape))  # type: ignore[no-any-return]


@public(function=False)
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the shape of `other`; a view where possible."""
    return reshape_to(self, tuple(other.shape))


@public
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim..end_dim as one."""
    if start_dim == 0 and end_dim == -1 and input.__class__ in PLAIN and input._data.ndim > 1:
        return reshape(input, input._data.size)  # type: ignore[no-any-return]
    n = input.ndim
    start, end = wrap_dim(start_dim, n), wrap_dim(end_dim, n)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if n == 0:
        return reshape_to(input, (1,))
    if start == end:
        return input
    shape = tuple(input.shape)
    return reshape_to(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@public
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """Dimension `dim` as several of the given sizes (one may be -1), as a view."""
    n = input.ndim
    d = wrap_dim(dim, n)
    size = tuple(sizes)
    if not size:
        raise RuntimeError("unflatten: sizes must be non-empty")
    extent = input.shape[d] if n else 1
    if size.count(-1) > 1:
        raise RuntimeError("unflatten got an unexpected error:\nonly one dimension can be inferred")
    known = math.prod([k for k in size if k != -1])
    if (known != extent) if -1 not in size else (not known or extent % known):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(size)} don't multiply up to the size of dim {d} ({extent}) in the input "
            "tensor"
        )
    size = tuple([extent // known if k == -1 else k for k in size])
    shape = tuple(input.shape)
    return view_method(input, (*shape[:d], *size, *shape[d + 1 :]))  # type: ignore[no-any-return]


@public
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension; a view if the tensor is contiguous."""
    return view_method(input.contiguous(), -1) if math.prod(input.shape) else reshape_to(input, (0,))  # type: ignore


# ---------------------------------------------------------------- dimensions of size 1


@public
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dimension of size 1 at `dim`, as a view."""
    if input.__class__ in PLAIN:
        data = input._data
        n = data.ndim
        if dim.__class__ is not int or not -n - 1 <= dim <= n:
            dim = wrap_dim(dim, n + 1)
        elif dim < 0:
            dim += n + 1
        shape = data.shape
        if data.flags.c_contiguous and data.size:
            y = data.reshape((1, *shape) if dim == 0 else (*shape[:dim], 1, *shape[dim:]))
        else:
            y = kernels.unsqueeze(data, dim=dim)
        t = viewed(input, y, (_unsqueeze, {"dim": dim}), _Unsqueeze, (dim, shape))
        if t is not None:
            return t  # type: ignore[no-any-return]
    return _unsqueeze(input, dim=wrap_dim(dim, input.ndim + 1))  # type: ignore[no-any-return]


@public
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without dimensions of size 1 (all, or those in `dim`), as a view."""
    shape = input._data.shape if input.__class__ in PLAIN else tuple(input.shape)
    n = len(shape)
    if dim is None:
        made, gone = _Squeeze0, tuple([d for d, k in enumerate(shape) if k == 1])
    elif dim.__class__ is int:
        d = dim if 0 <= dim < n else wrap_dim(dim, n)
        made, gone = _Squeeze1, ((d,) if n and shape[d] == 1 else ())
    else:
        dims = [wrap_dim(d, n) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
        if len(set(dims)) != len(dims):
            twice = next(d for d in dims if dims.count(d) > 1)
            raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
        made, gone = _Squeeze2, tuple([d for d in dims if n and shape[d] == 1])
    if input.__class__ in PLAIN and input._data.__class__ is ndarray:
        y = input._data.squeeze(gone) if gone else input._data.view()
        t = viewed(input, y, (_squeeze, {"dim": gone}), made, (shape, dim))
        if t is not None:
            return t  # type: ignore[no-any-return]
    return dispatch(_squeeze, (input,), {"dim": gone}, _SQUEEZES[made])  # type: ignore[no-any-return]


_SQUEEZES = {
    _Squeeze0: None, _Squeeze1: _squeeze.renamed("SqueezeBackward1"), _Squeeze2: _squeeze.renamed("SqueezeBackward2"),
}  # fmt: skip

# ---------------------------------------------------------------- expand


@public(name="expand", function=False)
def expand(self: Tensor, *size: Any, implicit: bool = False, **named: Any) -> Tensor:
    """Dimensions of size 1 stretched, as a view without copying. -1 keeps a size."""
    if named:
        size = only_named(size, named, "expand", "size")
    return expand_to(self, size if size and size[0].__class__ is int else sizes(size))


def expand_to(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """`x.expand(size)`"""
    if x.__class__ in PLAIN:
        data = x._data
        made = kernels.expanded(data, size) if data.__class__ is ndarray else None
        if made is not None:
            shape = made.shape
            t = viewed(x, made, (_expand, {"size": shape}), _Expand, data.shape)
            if t is not None:
                return t  # type: ignore[no-any-return]
    return _expand(x, size=expanded_size(x, size))  # type: ignore[no-any-return]


def expanded_size(x: Tensor, size: tuple[int, ...]) -> tuple[int, ...]:
    """`size` with its -1 filled in; PyTorch's errors, which look at the last dimensions first."""
    have = tuple(x.shape)
    lead = len(size) - len(have)
    if lead < 0:
        raise RuntimeError(
            f"expand({kind_of(x)}{{{list(have)}}}, size={list(size)}): the number of sizes provided ({len(size)}) must "
            f"be greater or equal to the number of dimensions in the tensor ({len(have)})"
        )
    full = list(size)
    for i in range(len(size) - 1, -1, -1):
        n, old = size[i], have[i - lead] if i >= lead else 1
        if n == -1:
            if i < lead:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}"
                )
            full[i] = old
        elif n != old and (old != 1 or n < 0):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton dimension "
                f"{i}.  Target sizes: {list(size)}.  Tensor sizes: {list(have)}"
            )
    return tuple(full)


def kind_of(x: Tensor) -> str:
    return f"torch.{x.dtype.scalar_name}Tensor"


@public(function=False)
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """A view stretched to the shape of `other`."""
    return expand_to(self, tuple(other.shape))


@public
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """A view stretched to `size`."""
    return expand_to(input, sizes((size,)))


@public(method=False)
def broadcast_shapes(*shapes: Any) -> Size:
    """The shape to which all `shapes` broadcast."""
    result: list[int] = []
    for at, given in enumerate(shapes):
        shape = (given,) if isinstance(given, int) else tuple(given)
        if any(n < 0 for n in shape):
            raise ValueError("Attempting to broadcast a dimension with negative length!")
        grown = [1] * max(0, len(shape) - len(result)) + result
        for i in range(1, len(shape) + 1):
            a, b = grown[-i], shape[-i]
            if a != b and b != 1:
                if a != 1:
                    had = shape if isinstance(given, int) else given
                    raise RuntimeError(
                        f"Attempting to broadcast a dimension of length {b} at {-i}! Mismatching argument at index "
                        f"{at} had {had}; but expected shape should be broadcastable to {result}"
                    )
                grown[-i] = b
        result = grown
    return Size(result)


@public(method=False)
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors, stretched to their common shape (as views)."""
    from ..core.dispatch import check_broadcast

    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    shapes = [tuple(t.shape) for t in given]
    check_broadcast(shapes)
    shape = tuple(broadcast_shapes(*shapes))
    return tuple([t if tuple(t.shape) == shape else expand_to(t, shape) for t in given])


@public(function=False)
def sum_to_size(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """Summed over what was broadcast, so that it has shape `size`."""
    if not size and not named:
        raise TypeError('sum_to_size() missing 1 required positional arguments: "size"')
    shape = sizes(only_named(size, named, "sum_to_size", "size") if named else size)
    have = tuple(self.shape)
    lead = len(have) - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, have[lead:], strict=True)):
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(have)}}}.")
    dims = tuple(range(lead)) + tuple([i + lead for i, n in enumerate(shape) if n == 1 and have[i + lead] != 1])
    y = FUNCTIONS["sum"](self, dims, keepdim=True) if dims else self
    return view_method(y, shape) if lead else y  # type: ignore[no-any-return]


# ---------------------------------------------------------------- the order of dimensions


@public
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped, as a view."""
    plain = input.__class__ in PLAIN
    n = input._data.ndim if plain else input.ndim
    d0 = dim0 if dim0.__class__ is int and 0 <= dim0 < n else wrap_dim(dim0, n)
    d1 = dim1 if dim1.__class__ is int and 0 <= dim1 < n else wrap_dim(dim1, n)
    if plain:
        data = input._data.swapaxes(d0, d1) if n else input._data.view()
        t = viewed(input, data, (_transpose, {"dim0": d0, "dim1": d1}), _Transpose, (d0, d1))
        if t is not None:
            return t  # type: ignore[no-any-return]
    return _transpose(input, dim0=d0, dim1=d1)  # type: ignore[no-any-return]


public(transpose, name="swapdims")


@public
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Two dimensions swapped, as a view."""
    return transpose(input, axis0, axis1)  # type: ignore[no-any-return]


def alias_of(x: Tensor) -> Tensor:
    """A view of the whole."""
    if x.__class__ in PLAIN:
        t = viewed(x, x._data.view(), (_alias, {}), _Alias, None)
        if t is not None:
            return t  # type: ignore[no-any-return]
    return _alias(x)  # type: ignore[no-any-return]


_T_STEP: Any = (_t, {})


@public
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; 0-d and 1-d tensors come back as views of themselves."""
    if input.__class__ in PLAIN:
        data = input._data
        if data.ndim <= 2:
            t = viewed(input, data.T, _T_STEP, _T, None)
            if t is not None:
                return t  # type: ignore[no-any-return]
    n = input.ndim
    if n > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {n}D")
    return _t(input)  # type: ignore[no-any-return]


def checked_order(x: Tensor, order: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions as non-negative numbers; PyTorch's errors."""
    n = x.ndim
    if len(order) != n:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {n} is not equal to len(dims) = {len(order)}"
        )
    for d in order:
        if d < 0 or d >= n:
            order = tuple([wrap_dim(d, n) for d in order])
            break
    if len(set(order)) != n:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return order


def permuted(x: Tensor, order: tuple[int, ...]) -> Tensor:
    order = checked_order(x, order)
    if x.__class__ in PLAIN:
        t = viewed(x, x._data.transpose(order), (_permute, {"dims": order}), _Permute, order)
        if t is not None:
            return t  # type: ignore[no-any-return]
    return _permute(x, dims=order)  # type: ignore[no-any-return]


@public(function=False)
def permute(self: Tensor, *dims: Any, **named: Any) -> Tensor:
    """Dimensions in another order, as a view."""
    if self.__class__ in PLAIN and dims and not named:
        data = self._data
        order = dims if dims[0].__class__ is int else tuple(dims[0]) if len(dims) == 1 else dims
        try:
            y = data.transpose(order)
        except (TypeError, ValueError):
            return permuted(self, sizes(dims))
        if order and min(order) >= 0:
            t = viewed(self, y, (_permute, {"dims": order}), _Permute, order)
            if t is not None:
                return t  # type: ignore[no-any-return]
    return permuted(self, sizes(only_named(dims, named, "permute", "dims") if named else dims))


@public(name="permute", method=False)
def permute_function(input: Tensor, dims: Any) -> Tensor:
    """Dimensions in another order, as a view."""
    return permuted(input, sizes((dims,)))


def dim_list(dim: Any) -> list[int]:
    return list(dim) if isinstance(dim, (tuple, list)) else [whole(dim)]


@public
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions `source` moved to the places `destination`, the others in order, as a view."""
    n = input.ndim
    given, wanted = dim_list(source), dim_list(destination)
    if len(given) != len(wanted):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({given} dims) should contain the same number of "
            "dims "
            f"as destination ({wanted} dims)"
        )
    src, dst = [wrap_dim(d, n) for d in given], [wrap_dim(d, n) for d in wanted]
    if len(set(src)) != len(src):
        raise RuntimeError(f"movedim: repeated dim in `source` ({given})")
    if len(set(dst)) != len(dst):
        raise RuntimeError(f"movedim: repeated dim in `destination` ({wanted})")
    if not n:
        return alias_of(input)
    at = dict(zip(dst, src, strict=True))
    rest = iter([d for d in range(n) if d not in src])
    return permuted(input, tuple([at[i] if i in at else next(rest) for i in range(n)]))


public(movedim, name="moveaxis")


@public
def adjoint(input: Tensor) -> Tensor:
    """Conjugate transpose of the last two dimensions."""
    if input.ndim == 1:
        raise RuntimeError("tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return _mH(input)


_T_REVERSED: Any = (_permute, {"dims": (1, 0)})


def _T_property(self: Tensor) -> Tensor:
    """Dimensions reversed, as a view. Deprecated unless there are two."""
    n = self.ndim
    if n == 2:
        if self.__class__ in PLAIN:
            t = viewed(self, self._data.T, _T_REVERSED, _Permute, (1, 0))
            if t is not None:
                return t  # type: ignore[no-any-return]
    else:
        if n:
            warn_once(
                "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it "
                "will "
                "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
                "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor."
            )
        else:
            warn_once("Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.")
    return permuted(self, tuple(range(n - 1, -1, -1)))


def _mT(self: Tensor) -> Tensor:
    """The last two dimensions swapped, as a view."""
    n = self.ndim
    if n < 2:
        if n:
            raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {n}-D tensor.")
        warn_once("Tensor.mT is deprecated on 0-D tensors. This function is the identity in these cases.")
        return self
    d0, d1 = n - 2, n - 1
    if self.__class__ in PLAIN:
        data = self._data.swapaxes(d0, d1)
        t = viewed(self, data, (_transpose, {"dim0": d0, "dim1": d1}), _Transpose, (d0, d1))
        if t is not None:
            return t  # type: ignore[no-any-return]
    return _transpose(self, dim0=d0, dim1=d1)  # type: ignore[no-any-return]


def _H(self: Tensor) -> Tensor:
    """Conjugate transpose of a matrix."""
    n = self.ndim
    if n not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {n}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if n > 2 else "")
        )
    if not n:
        warn_once("Tensor.H is deprecated on 0-D tensors. Consider using x.conj().")
        return ops.conj(self)  # type: ignore[no-any-return]
    return _mH(self)


def _mH(self: Tensor) -> Tensor:
    """Conjugate transpose of the last two dimensions."""
    n = self.ndim
    if n < 2:
        if n:
            raise RuntimeError(f"tensor.mH is only supported on matrices or batches of matrices. Got {n}-D tensor.")
        warn_once("Tensor.mH is deprecated on 0-D tensors. Consider using x.conj().")
        return ops.conj(self)  # type: ignore[no-any-return]
    return ops.conj(transpose(self, -2, -1))  # type: ignore[no-any-return]


for _name, _get in (("T", _T_property), ("mT", _mT), ("H", _H), ("mH", _mH)):
    setattr(Tensor, _name, property(_get))


ops.expand = lambda x, size: expand_to(x, tuple(size))
ops.permute = lambda x, dims: permuted(x, tuple(dims))
ops.t = t

samples("reshape", Case(T(2, 6), (3, 4)), Case(T(2, 6), (-1,)), Case(T(), (1, 1)), Case(T(0, 2), (2, 0)))
samples("Tensor.view", Case(T(2, 6), 3, 4), Case(T(2, 6), (-1,)), Case(T(), ()))
samples("flatten", Case(T(2, 3, 2)), Case(T(2, 3, 2), 1), Case(T(2, 3, 2), 0, -2), Case(T()))
samples("unflatten", Case(T(2, 6), 1, (2, 3)), Case(T(6), 0, (-1, 2)))
samples("ravel", Case(T(2, 3)), Case(T()))
samples("unsqueeze", Case(T(2, 3), 1), Case(T(2, 3), -1), Case(T(), 0))
samples("squeeze", Case(T(1, 3, 1)), Case(T(1, 3, 1), 0), Case(T(1, 3, 1), dim=(0, 2)), Case(T(2), 0), Case(T()))
samples("Tensor.expand", Case(T(3, 1), 3, 4), Case(T(3), (2, -1)), Case(T(), 2, 2))
samples("broadcast_to", Case(T(3, 1), (2, 3, 4)), Case(T(), (2,)))
samples("broadcast_tensors", Case(T(3, 1), T(4)), Case(T(), T(2)))
samples("Tensor.sum_to_size", Case(T(3, 4), 1, 4), Case(T(2, 3), 3), Case(T(2, 3), 2, 3))
samples("transpose", Case(T(2, 3, 2), 0, 2), Case(T(2, 3), -1, 0), Case(T(), 0, 0))
samples("t", Case(T(2, 3)), Case(T(3)), Case(T()))
samples("permute", Case(T(2, 3, 1), (2, 0, 1)), Case(T(2, 3), (-1, 0)), Case(T(), ()))
samples("movedim", Case(T(2, 3, 1), 0, 2), Case(T(2, 3, 1), (0, 1), (2, 0)))
samples("adjoint", Case(T(2, 3)), Case(T(2, 2, 3)))
