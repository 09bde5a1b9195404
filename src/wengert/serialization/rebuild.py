"""What files call to make tensors: geometry on a storage, checked against the storage's size."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import devices
from ..core.dtypes import dtype
from ..core.meta import new_meta
from ..core.storage import TypedStorage, UntypedStorage, storage_of
from ..core.tensor import Tensor, wrap
from ..kernels.memory import contiguous_strides
from ..ops.copying import window_onto
from .locations import MetaStorage

__all__ = ["array_on"]


def array_on(owner: Any, kind: Any, offset: int, size: Any, stride: Any) -> Any:
    """The array of that geometry (in elements of `kind`, NumPy's) on the memory of `owner`.

    Raises RuntimeError, before any memory is touched, where it would reach outside.
    """
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError(
            f"mismatch in length of strides and shape. Got strides of length {len(stride)} and shape of length {len(size)}"
        )
    for n in (*size, *stride, offset):
        if type(n) is not int:
            raise TypeError(f"sizes, strides and offsets are ints, not {type(n).__name__}")
    for n in size:
        if n < 0:
            raise RuntimeError(f"numel: integer multiplication overflow\nnegative dimension in {list(size)}")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if 0 not in size:
        needed = (offset + 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))) * kind.itemsize
        if needed > owner.nbytes:
            raise RuntimeError(
                "Trying to resize storage that is not resizable\n"
                f"sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
                f"{kind.itemsize} requiring a storage size of {needed} are out of bounds for storage of size {owner.nbytes}"
            )
    if owner.dtype == kind and offset == 0 and owner.size == int(np.prod(size)) and stride == contiguous_strides(size):
        return owner.reshape(size)
    return window_onto(owner, size, stride, offset * kind.itemsize, kind)


def _on_storage(storage: Any, kind: dtype | None, offset: int, size: Any, stride: Any) -> Tensor:
    if isinstance(storage, TypedStorage):
        kind = kind or storage.dtype
        storage = storage._untyped_storage
    if not isinstance(storage, UntypedStorage) or kind is None:
        raise TypeError(f"a tensor is rebuilt on a storage, not on {type(storage).__name__}")
    array = array_on(storage._owner, kind.np, offset, size, stride)
    return new_meta(array.shape, array.dtype) if storage.__class__ is MetaStorage else wrap(array)


def _rebuild_tensor(storage: Any, storage_offset: int, size: Any, stride: Any) -> Tensor:
    return _on_storage(storage, None, storage_offset, size, stride)


def _rebuild_meta_tensor_no_storage(dtype: dtype, size: Any, stride: Any, requires_grad: bool) -> Tensor:
    return new_meta(tuple(size), dtype.np, requires_grad)


def _rebuild_tensor_v2(
    storage: Any, storage_offset: int, size: Any, stride: Any, requires_grad: bool, backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:  # fmt: skip
    return _finish(_rebuild_tensor(storage, storage_offset, size, stride), requires_grad, backward_hooks, metadata)


def _rebuild_tensor_v3(
    storage: Any, storage_offset: int, size: Any, stride: Any, requires_grad: bool, backward_hooks: Any, dtype: Any,
    metadata: Any = None,
) -> Tensor:  # fmt: skip
    return _finish(_on_storage(storage, dtype, storage_offset, size, stride), requires_grad, backward_hooks, metadata)


def _finish(t: Tensor, requires_grad: bool, hooks: Any, metadata: Any) -> Tensor:
    for bit in metadata or ():  # PyTorch conjugates and negates some views lazily and writes only that it did
        if bit == "conj":
            t = wrap(np.conjugate(t._data)) if metadata[bit] else t
        elif bit == "neg":
            t = wrap(np.negative(t._data)) if metadata[bit] else t
        else:
            raise NotImplementedError(f"tensor metadata {bit!r}")
    if requires_grad:
        t.requires_grad_(True)
    if hooks:
        t._backward_hooks = hooks  # type: ignore[attr-defined]
    return t


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Any:
    from ..nn.parameter import Parameter

    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any) -> Any:
    return _with_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _rebuild_from_type_v2(func: Any, new_type: Any, args: Any, state: Any) -> Any:
    if not (isinstance(new_type, type) and issubclass(new_type, Tensor)):
        raise TypeError(f"{new_type!r} is no class of tensors")
    t = func(*args)
    if type(t) is not new_type:
        t = t.as_subclass(new_type)
    own = getattr(type(t), "__setstate__", None)
    if own is not None and own is not Tensor.__dict__.get("__setstate__"):
        own(t, state)
        return t
    return _with_state(t, state)


def _with_state(t: Any, state: Any) -> Any:
    """Attributes as pickle's BUILD would set them: a dict, or (dict, slots)."""
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    if attributes:
        t.__dict__.update(attributes)
    for name, value in (slots or {}).items():
        setattr(t, name, value)
    return t


def _get_layout(name: str) -> Any:
    """The layout of that name ('torch.strided')."""
    known = devices.LAYOUTS.get(name.removeprefix("torch."))
    if known is None:
        raise KeyError(name)
    return known


def storage_from(owner: Any, kind: dtype) -> TypedStorage:
    """A storage, seen as elements of `kind`, over a flat array."""
    return TypedStorage(wrap_storage=storage_of(owner), dtype=kind, _internal=True)
