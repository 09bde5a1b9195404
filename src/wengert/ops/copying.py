"""`copy`, `deepcopy` and `pickle` of tensors: memory that was shared stays shared among the copies."""

from __future__ import annotations

from collections import OrderedDict
from copy import deepcopy
from typing import Any

import numpy as np

from ..core.graph import LEAF
from ..core.levels import Dual
from ..core.storage import copied
from ..core.tensor import Tensor, is_inference, mark_inference, new, wrap
from ..kernels.memory import address, element_strides, root, strided

NOT_A_LEAF = (
    "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you "
    "were "
    "attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
    "https://github.com/pytorch/pytorch/pull/103001"
)


def window_onto(owner: Any, size: Any, stride: Any, byte_offset: int, kind: Any) -> Any:
    """The array of that geometry on the memory of `owner`."""
    if 0 in size:
        return np.empty(tuple(size), kind)
    if owner.dtype == kind and not byte_offset and owner.shape == tuple(size):
        if element_strides(owner) == tuple(stride):
            return owner
    flat = owner if owner.dtype == kind else owner.reshape(-1).view(kind)
    return strided(flat, size, [s * kind.itemsize for s in stride], byte_offset)


def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Any:
    if not self.is_leaf:
        raise RuntimeError(NOT_A_LEAF)
    known = memo.get(id(self))
    if known is not None:
        return known
    data = self._data
    if isinstance(data, Tensor):
        if isinstance(self, Dual):  # the copy has no tangent
            t = memo[id(self)] = deepcopy(data, memo)
            return t
        raise RuntimeError("a value of a function transform cannot be deepcopied")
    owner = root(data)
    if owner is data:
        made = copied(owner, memo.setdefault("torch", {}))  # type: ignore[call-overload]
    else:
        fresh = copied(owner, memo.setdefault("torch", {}))  # type: ignore[call-overload]
        made = window_onto(fresh, data.shape, element_strides(data), address(data) - address(owner), data.dtype)
    t = new(type(self))
    t._data, t._fn, t._ver, t._view = made, None, 0, None
    if is_inference(self):
        mark_inference(t)
    if self._fn is LEAF:
        t.requires_grad_(True)
    memo[id(self)] = t
    grad = getattr(self, "_grad", None)
    if grad is not None:
        t._grad = deepcopy(grad, memo)
    if self.__dict__:
        t.__dict__.update(deepcopy(self.__dict__, memo))
    return t


def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    """Rebuilt from the memory: size, strides and offset, whether it requires grad, and its own attributes."""
    data = self._data
    if isinstance(data, Tensor):
        raise RuntimeError("a value of a function transform cannot be pickled")
    owner = root(data)
    if not owner.flags.forc or owner.__class__ is not np.ndarray:
        owner = data = data.copy()
    geometry = (owner, data.shape, element_strides(data), address(data) - address(owner) if owner is not data else 0)
    args = (type(self), *geometry, data.dtype, bool(self.requires_grad), OrderedDict())
    if type(self) is not Tensor or self.__dict__:
        return rebuild, args, dict(self.__dict__) or None
    return rebuild, args


def rebuild(
    cls: Any, owner: Any, size: Any, stride: Any, byte_offset: int, kind: Any, requires_grad: bool, hooks: Any
) -> Any:
    """Unpickle a tensor."""
    t = wrap(window_onto(owner, size, stride, byte_offset, kind))
    if cls is not Tensor:
        t.__class__ = cls
    if requires_grad:
        t.requires_grad_(True)
    return t


def __setstate__(self: Tensor, state: Any) -> None:
    self.__dict__.update(state)


def __copy__(self: Tensor) -> Any:
    """Another tensor on the same memory; a leaf."""
    t = new(type(self))
    t._data, t._fn, t._ver, t._view = self._data, None, 0, None
    if self.requires_grad:
        t.requires_grad_(True)
    if self.__dict__:
        t.__dict__.update(self.__dict__)
    return t


for _fn in (__deepcopy__, __reduce_ex__, __setstate__, __copy__):
    setattr(Tensor, _fn.__name__, _fn)
