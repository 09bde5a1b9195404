"""View operations in place (`t_`, `squeeze_`, ...), `resize_` and `set_`: the tensor itself becomes another window."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import devices
from ..core.captured import refuse_captured
from ..core.dispatch import edge_of
from ..core.errors import warn
from ..core.graph import LEAF, VIEW, RestridedVersion, Version
from ..core.modes import LIVE, changed_mode, mode
from ..core.saved import alias
from ..core.storage import TypedStorage, UntypedStorage
from ..core.tensor import Tensor, bump, version_of
from ..core.views import check_inplace
from ..kernels.memory import address, contiguous_strides, root, strided
from .install import public
from .shape import sizes, squeeze, t, transpose, unsqueeze


def become(x: Tensor, op: Callable[[Tensor], Tensor], node: str) -> Tensor:
    """`x` becomes `op(x)`, the same memory otherwise seen; recorded under the name `node`."""
    m = mode()
    if x._fn is LEAF and m.grad:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if not x._level:
        check_strided_inplace(x, m)
    if x._fn is VIEW and not m.grad and not m.inference and x.requires_grad:
        with changed_mode(grad=True):  # a view of what has a history keeps it
            y = op(x)
    else:
        y = op(x)
    if x._view is not None:  # still a view of its base, by one step more
        x._data, x._view, x._fn = y._data, y._view, y._fn
        made = edge_of(x) if x.requires_grad else None
        bump(x)
        x._view.seen = version_of(x)  # type: ignore[union-attr]
    elif x._level:
        edge = edge_of(x) if x.requires_grad else None
        y = op(x.rebuilt(edge)) if edge is not None else y  # type: ignore[attr-defined]
        made = edge_of(y) if edge is not None else None
        x._data = y._data
        if edge is not None:
            x._fn = made
        for extra in ("_bdim", "_tangent"):
            if hasattr(y, extra):
                setattr(x, extra, getattr(y, extra))
    else:
        made = edge_of(x) if x.requires_grad and m.grad else None
        if made is not None:
            y = op(alias(x, made))
            made = edge_of(y)
        if x._ver.__class__ is Version:
            x._ver.__class__ = RestridedVersion
        x._data = y._data
        if made is not None:
            x._fn = made
        bump(x)
    if hasattr(made, "prim"):
        made.__class__ = named(made.__class__, node)  # type: ignore[union-attr]
    return x


def check_strided_inplace(x: Tensor, m: Any) -> None:
    """The refusals of in-place operations, but overlapping memory does not matter: nothing is written."""
    if 0 in x._data.strides:
        return
    check_inplace(x, m)


_renamed: dict[tuple[Any, str], Any] = {}


def named(cls: Any, name: str) -> Any:
    """The node class under another of PyTorch's names."""
    known = _renamed.get((cls, name))
    if known is None:
        known = _renamed[cls, name] = type(cls)(name, (cls,), {"__slots__": (), "__module__": "torch.autograd"})
    return known


@public(function=False)
def t_(self: Tensor) -> Tensor:
    """As `t`, of this tensor itself."""


    def turned(x: Tensor) -> Tensor:
        if x.ndim > 2:
            raise RuntimeError(f"t_() expects a tensor with <= 2 dimensions, but self is {x.ndim}D")
        return t(x)  # type: ignore[no-any-return]

    return become(self, turned, "TBackward1")


@public(function=False)
def transpose_(self: Tensor, dim0: int, dim1: int) -> Tensor:
    """As `transpose`, of this tensor itself."""
    return become(self, lambda x: transpose(x, dim0, dim1), "TransposeBackward1")


public(transpose_, name="swapdims_", function=False)


@public(function=False)
def swapaxes_(self: Tensor, axis0: int, axis1: int) -> Tensor:
    """As `swapaxes`, of this tensor itself."""
    return transpose_(self, axis0, axis1)  # type: ignore[no-any-return]


@public(function=False)
def squeeze_(self: Tensor, dim: Any = None) -> Tensor:
    """As `squeeze`, of this tensor itself."""
    node = "SqueezeBackward3" if dim is None else "SqueezeBackward4" if isinstance(dim, int) else "SqueezeBackward5"
    return become(self, lambda x: squeeze(x, dim), node)


@public(function=False)
def unsqueeze_(self: Tensor, dim: int) -> Tensor:
    """As `unsqueeze`, of this tensor itself."""
    return become(self, lambda x: unsqueeze(x, dim), "UnsqueezeBackward1")


# ---------------------------------------------------------------- resize_ and set_


def resized(data: Any, size: tuple[int, ...]) -> Any:
    """The array with another shape: the same memory if it is large enough, else new memory that begins as the old."""
    if data.flags.c_contiguous and data.size == math.prod(size):
        return data.reshape(size)
    n = math.prod(size)
    k = data.itemsize
    owner = root(data)
    shift = address(data) - address(owner) if owner is not data and data.size else 0
    if owner.flags.forc and shift + n * k <= owner.nbytes and n:
        return strided(data, size, [s * k for s in contiguous_strides(size)], 0)
    if not n:
        return np.empty(size, data.dtype)
    new = np.empty(n, data.dtype)
    if owner.nbytes and owner.flags.forc:
        same = owner.dtype == data.dtype
        old = strided(owner, ((owner.nbytes - shift) // k,), (k,), shift) if same else data.reshape(-1)
        new[: old.size] = old
    elif data.size:
        new[: data.size] = data.reshape(-1)
    return new.reshape(size)


@public(function=False)
def resize_(self: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Another shape in place: keeps the memory where it suffices; new elements are uninitialised."""
    if LIVE:
        refuse_captured(self)
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = sizes(size)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    if tuple(self.shape) != shape:
        self._data = resized(self._data, shape)
    if memory_format is not None and memory_format is not devices.contiguous_format:
        from .like import in_format

        self._data = in_format(self._data, memory_format)
    return self


@public(function=False, name="resize")
def resize_method(self: Tensor, *size: Any) -> Tensor:
    """As `view`, or `contiguous().view`. Deprecated by PyTorch."""
    warn("non-inplace resize is deprecated")
    return self.reshape(*size)  # type: ignore[attr-defined, no-any-return]


@public(function=False)
def resize_as(self: Tensor, tensor: Tensor) -> Tensor:
    """As `resize` to the shape of `tensor`. Deprecated by PyTorch."""
    warn("non-inplace resize_as is deprecated")
    return self.reshape(tuple(tensor.shape))  # type: ignore[attr-defined, no-any-return]


@public
def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """The shape of `the_template`, in place."""
    return resize_(self, tuple(the_template.shape), memory_format=memory_format)  # type: ignore[no-any-return]


@public(function=False)
def set_(
    self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
) -> Tensor:
    """Become a window onto the memory of `source` (a tensor or a storage; None: no memory)."""
    if self._fn is LEAF and mode().grad:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    kind = self._data.dtype
    if source is None:
        self._data = np.empty(0, kind)
    elif isinstance(source, Tensor):
        data = source._data
        if data.dtype != kind:
            raise RuntimeError(
                f"Could not set tensor of type {source.dtype.name.replace('float32', 'float')} to a tensor of type "
                f"{self.dtype.name.replace('float32', 'float')}"
            )
        if size is None:
            self._data = data
        else:
            self._data = window(root(data), kind, storage_offset, sizes((size,)), stride)
    elif isinstance(source, (UntypedStorage, TypedStorage)):
        raw = (source._untyped_storage if isinstance(source, TypedStorage) else source).bytes
        n = raw.size // kind.itemsize
        shape = (n - storage_offset,) if size is None else sizes((size,))
        self._data = window(raw[: n * kind.itemsize].view(kind), kind, storage_offset, shape, stride)
    else:
        raise TypeError(
            f"set_() received an invalid combination of arguments - got ({type(source).__name__})"
        )
    bump(self)
    return self


def window(owner: Any, kind: Any, offset: int, size: tuple[int, ...], stride: Any) -> Any:
    steps = contiguous_strides(size) if stride is None or not len(stride) and size else tuple(stride)
    k = kind.itemsize
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if min(steps, default=0) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(steps)}")
    need = 0 if 0 in size else (offset + 1 + sum([(n - 1) * s for n, s in zip(size, steps, strict=True)])) * k
    if need > owner.nbytes:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(steps)}, storage offset {offset}, and itemsize {k} "
            "requiring "
            f"a storage size of {need} are out of bounds for storage of size {owner.nbytes}"
        )
    if not need:
        return np.empty(size, kind)
    return strided(owner, size, [s * k for s in steps], offset * k)


__all__ = ["become"]
