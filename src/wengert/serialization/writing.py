"""Objects into pickles that PyTorch reads: its names for our classes, tensors as geometry on storages kept beside."""

from __future__ import annotations

# Python's own pickler is the one whose `save_global` can be replaced: the C one insists on importing what it names.
import pickle
from collections import OrderedDict
from types import FunctionType
from typing import Any

import numpy as np

from ..core.devices import device, layout
from ..core.dtypes import FROM_NUMPY, dtype
from ..core.meta import MetaTensor, new_meta
from ..core.size import Size
from ..core.storage import TypedStorage, UntypedStorage, offset_of, storage_of
from ..core.tensor import Tensor
from ..kernels.memory import element_strides
from ..utils.hooks import warn_if_has_hooks
from . import rebuild
from .names import STORAGE_OF, StorageType, torch_path

__all__ = ["Storages", "pickler_class"]

DIFFERENT_TYPES = "Cannot save multiple tensors or storages that view the same data as different types"


class Written:
    """A storage on its way into a file: the memory and what its elements are."""

    __slots__ = ("kind", "storage")

    def __init__(self, storage: UntypedStorage, kind: dtype | None) -> None:
        self.storage, self.kind = storage, kind


class Storages:
    """The memories of one `save`, each under a key of its own, in the order in which they were met."""

    def __init__(self, legacy: bool = False) -> None:
        self.by_key: dict[str, UntypedStorage] = {}
        self.itemsize: dict[str, int] = {}
        self._keys: dict[int, tuple[str, dtype | None]] = {}
        self._legacy = legacy

    def persistent_id(self, written: Written) -> tuple[Any, ...]:
        """What the pickle says of a storage. Raises RuntimeError if it was met as another type."""
        storage, kind = written.storage, written.kind
        size = storage.nbytes()
        known = self._keys.get(storage._cdata)
        if known is None:
            known = self._keys[storage._cdata] = str(len(self._keys)), kind
            self.by_key[known[0]] = storage
            self.itemsize[known[0]] = 1 if kind is None else kind.itemsize
        elif known[1] is not kind and size:
            raise RuntimeError(DIFFERENT_TYPES)
        marker, count = (UntypedStorage, size) if kind is None else (STORAGE_OF[kind], size // kind.itemsize)
        end = (None,) if self._legacy else ()  # once the place of a view, which storages no longer have
        return ("storage", marker, known[0], "cpu", count, *end)


def geometry(data: Any) -> tuple[UntypedStorage, int, tuple[int, ...]]:
    """(storage, offset, strides in elements); of a copy where memory is laid out as no storage can be."""
    storage = storage_of(data)
    offset, strides = offset_of(data), element_strides(data)
    itemsize = data.itemsize
    if data.size:
        reach = offset + 1 + sum((n - 1) * s for n, s in zip(data.shape, strides, strict=True))
        aligned = all(s % itemsize == 0 for s in data.strides)
        if not aligned or min(strides, default=0) < 0 or offset < 0 or reach * itemsize > storage.nbytes():
            return geometry(data.copy(order="C"))
    else:
        offset = min(offset, storage.nbytes() // itemsize) if offset > 0 else 0
    return storage, offset, strides


def tensor_reduced(t: Tensor) -> tuple[Any, ...]:
    """How a tensor is rebuilt."""
    from ..nn.parameter import Parameter, UninitializedTensorMixin

    state = dict(t.__dict__)
    cls = type(t)
    args: tuple[Any, ...]
    if cls is MetaTensor:
        args = (t.dtype, tuple(t._data.shape), t.stride(), bool(t.requires_grad))  # type: ignore[attr-defined]
        if not state.pop("_is_param", False):
            return rebuild._rebuild_meta_tensor_no_storage, args
        plain = new_meta(t._data.shape, t._data.dtype)
        return rebuild._rebuild_parameter, (plain, bool(t.requires_grad), OrderedDict())
    if issubclass(cls, Parameter) and not issubclass(cls, UninitializedTensorMixin):
        args = (t.data, bool(t.requires_grad), OrderedDict())
        if cls is not Parameter:
            return rebuild._rebuild_from_type_v2, (rebuild._rebuild_parameter, cls, args, state)
        if state:
            return rebuild._rebuild_parameter_with_state, (*args, state)
        return rebuild._rebuild_parameter, args
    if issubclass(cls, UninitializedTensorMixin):
        return cls, (bool(t.requires_grad), t.device, t.dtype)
    made = plain_reduced(t)
    if cls is Tensor and not state:
        return made
    fn, args = made
    return rebuild._rebuild_from_type_v2, (fn, cls, args, state)


def plain_reduced(t: Tensor) -> tuple[Any, ...]:
    """A tensor without its class and attributes."""
    data = t._data
    if isinstance(data, Tensor):
        raise RuntimeError("a value of a function transform cannot be saved")
    warn_if_has_hooks(t)
    storage, offset, strides = geometry(data)
    kind = FROM_NUMPY[data.dtype]
    shape, needs = tuple(data.shape), bool(t.requires_grad)
    if kind in STORAGE_OF:
        return rebuild._rebuild_tensor_v2, (Written(storage, kind), offset, shape, strides, needs, OrderedDict())
    return rebuild._rebuild_tensor_v3, (Written(storage, None), offset, shape, strides, needs, OrderedDict(), kind)


def with_flat_weights(module: Any, proto: int) -> Any:
    """How a recurrent module is rebuilt: PyTorch's keeps its weights in a flat list too, and reads it from the file."""
    reduced = list(module.__reduce_ex__(proto))
    names = [name for layer in module._all_weights for name in layer]
    own = module._parameters
    reduced[2] = {**reduced[2], "_flat_weights_names": names, "_flat_weights": [own.get(name) for name in names]}
    return tuple(reduced)


def pickler_class(module: Any) -> type:
    """A pickler of PyTorch's files on top of a pickle module's. Raises NotImplementedError for one written in C."""
    from ..nn.rnn import RNNBase

    base: Any = pickle._Pickler if module is pickle else getattr(module, "Pickler", None)  # type: ignore[attr-defined]
    if not (isinstance(base, type) and issubclass(base, pickle._Pickler)):  # type: ignore[attr-defined]
        raise NotImplementedError(
            f"torch.save with pickle_module={getattr(module, '__name__', module)!r}: its Pickler is not written in "
            "Python, so it cannot be taught PyTorch's names"
        )

    class Pickler(base):  # type: ignore[misc, valid-type]
        """Writes PyTorch's names for what is ours."""

        dispatch = dict(base.dispatch)

        def __init__(self, file: Any, protocol: int, storages: Storages) -> None:
            super().__init__(file, protocol=protocol)
            self.storages = storages

        def persistent_id(self, obj: Any) -> Any:
            if type(obj) is Written:
                return self.storages.persistent_id(obj)
            if isinstance(obj, TypedStorage):
                kind = obj.dtype if obj.dtype in STORAGE_OF else None
                return self.storages.persistent_id(Written(obj._untyped_storage, kind))
            if isinstance(obj, UntypedStorage):
                return self.storages.persistent_id(Written(obj, None))
            return None

        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, Tensor):
                obj._data  # noqa: B018  a tensor in a compiled program's buffers becomes an ordinary one
                cls = type(obj)
                own = cls.__reduce_ex__
                if own.__module__.partition(".")[0] != __name__.partition(".")[0]:
                    return own(obj, self.proto)  # a subclass with its own way
                return tensor_reduced(obj)
            if isinstance(obj, RNNBase):
                return with_flat_weights(obj, self.proto)
            if isinstance(obj, Size):
                return Size, (tuple(obj),)
            if type(obj) is dtype:
                return obj.name
            if type(obj) is StorageType:
                return obj.__name__
            if type(obj) is device:
                return device, (obj.type,) if obj.index is None else (obj.type, obj.index)
            if type(obj) is layout:
                return rebuild._get_layout, (repr(obj),)
            inherited = getattr(super(), "reducer_override", None)
            return NotImplemented if inherited is None else inherited(obj)

        def save_global(self, obj: Any, name: str | None = None) -> None:
            path = torch_path(obj, name)
            if path is None:
                super().save_global(obj, name)
                return
            module, qualified = path
            if self.proto >= 4:
                self.save(module)
                self.save(qualified)
                self.write(pickle.STACK_GLOBAL)
            elif "." in qualified:
                outer, _, last = path[1].rpartition(".")
                from .names import find

                self.save_reduce(getattr, (find(module, outer), last))
            else:
                self.write(pickle.GLOBAL + module.encode() + b"\n" + qualified.encode() + b"\n")
            self.memoize(obj)

        def save_class(self, obj: Any) -> Any:
            if obj in (type(None), type(NotImplemented), type(...)):
                return base.dispatch[type](self, obj)
            return self.save_global(obj)

    Pickler.dispatch[FunctionType] = Pickler.save_global
    Pickler.dispatch[type] = Pickler.save_class
    return Pickler


def bytes_of(storage: UntypedStorage) -> np.ndarray[Any, Any]:
    """The memory of a storage as flat bytes that can be written."""
    return np.ascontiguousarray(storage.bytes)
