"""Storage: the memory under a tensor and under all its views.

An array knows its memory through `ndarray.base`; a storage is a handle on the array at the end of that chain. Two
tensors share a storage exactly if they end at the same array.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from ..kernels.memory import Borrowed, address, root
from . import devices
from .dtypes import DTYPES, FROM_NUMPY, TorchNamed, dtype
from .errors import warn

__all__ = ["TypedStorage", "UntypedStorage", "borrow", "offset_of", "storage_of"]

_UINT8 = np.dtype(np.uint8)
_known: WeakValueDictionary[int, UntypedStorage] = WeakValueDictionary()


def borrow(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`array` as the beginning of a storage of its own, though it may be a window onto a larger array."""
    if array.base is None:
        return array
    return np.asarray(Borrowed(array)).view(array.dtype)


def offset_of(array: np.ndarray[Any, Any]) -> int:
    """Elements between the beginning of the storage and the first element."""
    owner = root(array)
    return 0 if owner is array else (address(array) - address(owner)) // array.dtype.itemsize


def storage_of(array: np.ndarray[Any, Any]) -> UntypedStorage:
    """The storage of an array: the same object as long as someone holds it."""
    owner = root(array)
    known = _known.get(id(owner))
    if known is not None and known._owner is owner:
        return known
    new = object.__new__(UntypedStorage)
    new._owner = owner
    _known[id(owner)] = new
    return new


class _StorageType(TorchNamed):
    def __repr__(cls) -> str:
        return f"<class 'torch.storage.{cls.__name__}'>"


class UntypedStorage(metaclass=_StorageType):
    """Bytes. `UntypedStorage(n)` makes n of them; `tensor.untyped_storage()` shows a tensor's."""

    __slots__ = ("__weakref__", "_owner")

    _owner: np.ndarray[Any, Any]

    def __init__(self, size: int | list[int] = 0, *, device: Any = None) -> None:
        if isinstance(size, (list, tuple, bytes)):
            self._owner = np.array(list(size), _UINT8)
        else:
            self._owner = np.empty(size, _UINT8)
        _known[id(self._owner)] = self

    @property
    def device(self) -> devices.device:
        """Always the CPU."""
        return devices.CPU

    @property
    def is_cuda(self) -> bool:
        return False

    is_hpu = is_sparse = is_sparse_csr = is_cuda

    @property
    def bytes(self) -> np.ndarray[Any, Any]:
        """The memory as a flat array of bytes, not copied."""
        owner = self._owner
        n = owner.nbytes
        if n == 0:
            return np.empty(0, _UINT8)
        flat = owner if owner.flags.c_contiguous else owner.T if owner.flags.f_contiguous else None
        if flat is None:  # a borrowed array with gaps: what lies between its first and last element counts too
            from ..kernels.memory import strided

            return strided(owner, (self.nbytes() // owner.itemsize,), (owner.itemsize,), 0).view(_UINT8)
        return flat.reshape(-1).view(_UINT8)

    def nbytes(self) -> int:
        """Size in bytes."""
        owner = self._owner
        if owner.flags.forc or owner.size == 0:
            return owner.nbytes
        reach = sum((n - 1) * s for n, s in zip(owner.shape, owner.strides, strict=True))
        return reach + owner.itemsize

    size = nbytes

    def element_size(self) -> int:
        """1: its elements are bytes."""
        return 1

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return address(self._owner) if self._owner.nbytes else 0

    @property
    def _cdata(self) -> int:
        return id(self._owner)

    def get_device(self) -> int:
        return -1

    def __len__(self) -> int:
        return self.nbytes()

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return storage_of(self.bytes[at])
        return int(self.bytes[at])

    def __setitem__(self, at: Any, value: Any) -> None:
        self.bytes[at] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self.bytes.tolist())

    def tolist(self) -> list[int]:
        """The bytes as a list of ints."""
        return self.bytes.tolist()  # type: ignore[no-any-return]

    def fill_(self, value: int) -> UntypedStorage:
        """Set every byte."""
        self.bytes[...] = value
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> UntypedStorage:
        """Copy the bytes of a storage of the same size."""
        self.bytes[...] = source.bytes if isinstance(source, UntypedStorage) else source._untyped_storage.bytes
        return self

    def clone(self) -> UntypedStorage:
        """A copy."""
        return storage_of(self.bytes.copy())

    def cpu(self) -> UntypedStorage:
        return self

    def untyped(self) -> UntypedStorage:
        return self

    def is_shared(self) -> bool:
        return False

    def is_pinned(self, device: Any = "cuda") -> bool:
        return False

    def share_memory_(self) -> UntypedStorage:
        """Not supported: processes share no memory here."""
        raise NotImplementedError("UntypedStorage.share_memory_")

    def resize_(self, size: int) -> None:
        """Not supported: NumPy's memory has the size with which it was made."""
        if size != self.nbytes():
            raise NotImplementedError("UntypedStorage.resize_")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and other._owner is self._owner

    def __hash__(self) -> int:
        return id(self._owner)

    def __copy__(self) -> UntypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> UntypedStorage:
        copies = memo.setdefault("torch", {})  # type: ignore[call-overload]
        return storage_of(copied(self._owner, copies))

    def __reduce__(self) -> Any:
        return storage_of, (self._owner,)

    def __repr__(self) -> str:
        return f"{_rows(self.tolist())}[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"

    __str__ = __repr__


def copied(owner: np.ndarray[Any, Any], copies: dict[int, Any]) -> np.ndarray[Any, Any]:
    """The copy of this memory in one `deepcopy`: views that shared it share the copy."""
    known = copies.get(id(owner))
    if known is None:
        known = owner.copy(order="K") if owner.flags.forc else storage_of(owner).bytes.copy().view(owner.dtype)
        copies[id(owner)] = known
    found: np.ndarray[Any, Any] = known
    return found


def _rows(values: list[Any]) -> str:
    return "\n".join(" " + str(v) for v in values) + "\n"


class TypedStorage(metaclass=_StorageType):
    """A storage seen as elements of one dtype. PyTorch is about to remove it; `untyped_storage()` stays."""

    __slots__ = ("_untyped_storage", "dtype")

    def __init__(self, *args: Any, wrap_storage: UntypedStorage | None = None, dtype: dtype | None = None,
                 device: Any = None, _internal: bool = False) -> None:  # fmt: skip
        if not _internal:
            _deprecated()
        self.dtype: dtype = dtype or DTYPES["float32"]
        if wrap_storage is not None:
            self._untyped_storage = wrap_storage
        elif not args or isinstance(args[0], int):
            n = args[0] if args else 0
            self._untyped_storage = storage_of(np.empty(n, self.dtype.np))
        else:
            self._untyped_storage = storage_of(np.array(args[0], self.dtype.np))

    @property
    def _elements(self) -> np.ndarray[Any, Any]:
        return self._untyped_storage.bytes.view(self.dtype.np)

    @property
    def device(self) -> devices.device:
        return devices.CPU

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        _deprecated()
        return self._untyped_storage

    def data_ptr(self) -> int:
        _deprecated()
        return self._untyped_storage.data_ptr()

    def _data_ptr(self) -> int:
        return self._untyped_storage.data_ptr()

    @property
    def _cdata(self) -> int:
        return self._untyped_storage._cdata

    def nbytes(self) -> int:
        _deprecated()
        return self._untyped_storage.nbytes()

    def size(self) -> int:
        """Number of elements."""
        _deprecated()
        return self._untyped_storage.nbytes() // self.dtype.itemsize

    def element_size(self) -> int:
        return self.dtype.itemsize

    def __len__(self) -> int:
        return self.size()

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not isinstance(at, int):
            raise RuntimeError(f"can't index a <class 'torch.storage.TypedStorage'> with {type(at)}")
        return self._elements[at].item()

    def __setitem__(self, at: Any, value: Any) -> None:
        self._elements[at] = value

    def tolist(self) -> list[Any]:
        """The elements as a list."""
        _deprecated()
        return self._elements.tolist()  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._elements.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and other._untyped_storage == self._untyped_storage

    def __hash__(self) -> int:
        return hash(self._untyped_storage)

    def __repr__(self) -> str:
        _deprecated()
        values = self._elements.tolist()
        info = f"[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(values)}]"
        return _rows(values) + info

    __str__ = __repr__


def _deprecated() -> None:
    warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
        "class. This should only matter to you if you are using storages directly.  To access UntypedStorage directly, "
        "use tensor.untyped_storage() instead of tensor.storage()"
    )


def typed_storage_of(array: np.ndarray[Any, Any]) -> TypedStorage:
    """`tensor.storage()`"""
    _deprecated()
    return TypedStorage(wrap_storage=storage_of(array), dtype=FROM_NUMPY[array.dtype], _internal=True)
