"""Shapes and views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.dtypes import dtype as dtype_class
from ..core.primitive import composite, linear, ops, view
from ..core.tensor import Tensor
from .convert import copy_of
from .install import public
from .reduce import wrap_dim


def sizes(args: Any) -> tuple[int, ...]:
    """`f(2, 3)` or `f((2, 3))`: the sizes as a tuple of ints."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = args[0]
    return tuple(a if a.__class__ is int else a.__index__() for a in args)


def infer_size(size: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """Fill in the one -1 of `size`; PyTorch's errors."""
    if -1 in size:
        if size.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        known = -math.prod(size)
        if known == 0:
            if numel == 0:
                raise RuntimeError(
                    f"cannot reshape tensor of 0 elements into shape {list(size)} because the unspecified dimension size "
                    "-1 can be any value and is ambiguous"
                )
            raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
        if numel % known:
            raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
        return tuple([numel // known if n == -1 else n for n in size])
    for n in size:
        if n < 0:
            raise RuntimeError(f"invalid shape dimension {n}")
    if math.prod(size) != numel:
        raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
    return size


_view = view("view", params=("size",), vjp=dict(x=lambda xp, g, x_shape: xp.reshape(g, x_shape)))
_expand = view("expand", params=("size",), vjp=dict(x=lambda xp, g, x_shape: xp.sum_to(g, x_shape)))
_permute = view("permute", params=("dims",), vjp=dict(x=lambda xp, g, dims: xp.permute(g, dims=_inverse(dims))))
_transpose = view(
    "transpose", params=("dim0", "dim1"), vjp=dict(x=lambda xp, g, dim0, dim1: xp.transpose(g, dim0=dim0, dim1=dim1))
)
_t = view("t", vjp=dict(x=lambda xp, g: xp.t(g)))
_unsqueeze = view("unsqueeze", params=("dim",), vjp=dict(x=lambda xp, g, x_shape: xp.reshape(g, x_shape)))
_squeeze = view("squeeze", params=("dim",), vjp=dict(x=lambda xp, g, x_shape: xp.reshape(g, x_shape)))
_alias = view("alias", vjp=dict(x=lambda xp, g: g))
_unsafe_view = linear(
    "unsafe_view", params=("size",), kernel=lambda x, size: x.reshape(size), half="native",
    vjp=dict(x=lambda xp, g, x_shape: xp.reshape(g, x_shape)),
)  # fmt: skip


def _inverse(dims: Sequence[int]) -> tuple[int, ...]:
    inverse = [0] * len(dims)
    for i, d in enumerate(dims):
        inverse[d] = i
    return tuple(inverse)


@composite
def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum the dimensions that broadcasting added or stretched."""
    have = tuple(g.shape)
    shape = tuple(shape)
    if have == shape:
        return g
    lead = len(have) - len(shape)
    if lead >= 0:
        dims = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 and have[i + lead] != 1)
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


@public(name="view", function=False)
def view_method(self: Tensor, *size: Any, dtype: Any = None) -> Tensor:
    """The same memory under another shape (or, given a dtype, other elements). Raises if that needs a copy."""
    if len(size) == 1 and isinstance(size[0], dtype_class):
        dtype = size[0]
    if dtype is not None:
        return ops.view_dtype(self, dtype)  # type: ignore[no-any-return]
    return _view(self, size=infer_size(sizes(size), self.numel()))  # type: ignore[attr-defined, no-any-return]


def reshape_to(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """A view if the memory allows, else a copy."""
    size = infer_size(tuple(size), math.prod(x.shape))
    if is_viewable(x, size):
        return _view(x, size=size)  # type: ignore[no-any-return]
    return _unsafe_view(copy_of(x, "contiguous"), size=size)  # type: ignore[no-any-return]


def is_viewable(x: Tensor, size: tuple[int, ...]) -> bool:
    """Whether a view of that shape exists."""
    data = x._data
    while isinstance(data, Tensor):
        data = data._data
    flags = getattr(data, "flags", None)
    if flags is None or flags.c_contiguous or x._level:
        return True
    import numpy as np

    return data.size == 0 or np.may_share_memory(data, data.reshape(size))


@public(name="reshape")
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The elements in row-major order under another shape; a view where possible."""
    return reshape_to(input, sizes(shape))


ops.reshape = lambda x, shape: reshape_to(x, tuple(shape))


@public
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim..end_dim as one."""
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
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped, as a view."""
    n = input.ndim
    d0, d1 = wrap_dim(dim0, n), wrap_dim(dim1, n)
    return _alias(input) if n == 0 else _transpose(input, dim0=d0, dim1=d1)  # type: ignore[no-any-return]


@public
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; 0-d and 1-d tensors come back."""
    n = input.ndim
    if n > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {n}D")
    return _t(input) if n == 2 else _alias(input)  # type: ignore[no-any-return]


@public
def permute(input: Tensor, *dims: Any) -> Tensor:
    """Dimensions in another order, as a view."""
    order = sizes(dims)
    n = input.ndim
    if len(order) != n:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {n} is not equal to len(dims) = {len(order)}"
        )
    order = tuple(wrap_dim(d, n) for d in order)
    if len(set(order)) != n:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return _permute(input, dims=order)  # type: ignore[no-any-return]


@public
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dimension of size 1 at `dim`, as a view."""
    return _unsqueeze(input, dim=wrap_dim(dim, input.ndim + 1))  # type: ignore[no-any-return]


@public
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without dimensions of size 1 (all, or those in `dim`), as a view."""
    shape = tuple(input.shape)
    wanted = range(len(shape)) if dim is None else (dim if isinstance(dim, (tuple, list)) else (dim,))
    gone = tuple(d for d in (wrap_dim(d, len(shape)) for d in wanted) if shape and shape[d] == 1)
    return _squeeze(input, dim=gone)  # type: ignore[no-any-return]


@public(name="expand", function=False)
def expand(self: Tensor, *size: Any, implicit: bool = False) -> Tensor:
    """Dimensions of size 1 stretched, as a view without copying. -1 keeps a size."""
    return expand_to(self, sizes(size))


def expand_to(x: Tensor, size: tuple[int, ...]) -> Tensor:
    have = tuple(x.shape)
    lead = len(size) - len(have)
    if lead < 0:
        raise RuntimeError(
            f"expand({kind_of(x)}{{{list(have)}}}, size={list(size)}): the number of sizes provided ({len(size)}) must be "
            f"greater or equal to the number of dimensions in the tensor ({len(have)})"
        )
    full = []
    for i, n in enumerate(size):
        old = have[i - lead] if i >= lead else 1
        if n == -1:
            if i < lead:
                raise RuntimeError(
                    f"expand({kind_of(x)}{{{list(have)}}}, size={list(size)}): the expanded size of the tensor (-1) isn't "
                    f"allowed in a leading, non-existing dimension {i}"
                )
            n = old
        elif old != n and old != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton dimension "
                f"{i}.  Target sizes: {list(size)}.  Tensor sizes: {list(have)}"
            )
        full.append(n)
    return _expand(x, size=tuple(full))  # type: ignore[no-any-return]


def kind_of(x: Tensor) -> str:
    return f"torch.{x.dtype.scalar_name}Tensor"


ops.expand = lambda x, size: expand_to(x, tuple(size))
ops.permute = lambda x, dims: permute(x, dims)
ops.t = t
