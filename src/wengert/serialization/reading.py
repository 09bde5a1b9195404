"""Archives and their pickles back into objects."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.dtypes import DTYPES, dtype
from ..core.storage import TypedStorage, UntypedStorage, storage_of
from . import config, names
from .archive import ArchiveReader
from .locations import Restorer
from .restricted import Restricted, text

__all__ = ["load_archive", "unpickled"]


def unpickled(
    file: Any, persistent_load: Callable[[Any], Any], module: Any, options: dict[str, Any], weights_only: bool
) -> Any:
    """One pickle of a file: by the restricted machine, or by `module`'s Unpickler with PyTorch's names understood."""
    if weights_only:
        return Restricted(file, persistent_load, options.get("encoding", "utf-8")).load()
    base = module.Unpickler

    class Unpickler(base):  # type: ignore[misc, valid-type]
        def find_class(self, mod: str, name: str) -> Any:
            if isinstance(name, str) and "Storage" in name and mod.startswith("torch.cuda"):
                mod = "torch"  # the elements of storages on a device are those on the CPU
            if mod == "torch" or mod.startswith("torch."):
                return names.find(mod, name)
            return super().find_class(mod, name)

    unpickler = Unpickler(file, **{"encoding": "utf-8", **options})
    unpickler.persistent_load = persistent_load
    return unpickler.load()


def storage_kind(marker: Any) -> dtype:
    """The dtype of a storage's elements, from what the file calls its class."""
    if isinstance(marker, names.StorageType):
        return marker.dtype
    if marker is UntypedStorage:
        return DTYPES["uint8"]
    raise pickle.UnpicklingError(f"{marker!r} is no type of storage")


def check_id(saved_id: Any) -> tuple[Any, str, str, int]:
    """(type, key, location, number of elements)"""
    if not isinstance(saved_id, tuple):
        raise AssertionError(f"saved_id must be a tuple, got {type(saved_id).__name__}")
    if len(saved_id) < 5 or text(saved_id[0]) != "storage":
        raise AssertionError(f"Unknown typename for persistent_load, expected 'storage' but got '{text(saved_id[0])}'")
    _, marker, key, location, count = saved_id[:5]
    if type(count) is not int or count < 0:
        raise pickle.UnpicklingError(f"a storage has no {count!r} elements")
    return marker, text(key), text(location), count


def load_archive(
    archive: ArchiveReader, restore: Restorer, module: Any, options: dict[str, Any], weights_only: bool, mapped: Any
) -> Any:
    """The object of an archive. `mapped`: the whole file as bytes in memory that the storages are to be windows on."""
    known: dict[str, tuple[TypedStorage, dtype]] = {}
    swap = file_order(archive) != sys.byteorder

    def persistent_load(saved_id: Any) -> TypedStorage:
        marker, key, location, count = check_id(saved_id)
        kind = storage_kind(marker)
        found = known.get(key)
        if found is None:
            storage = read_storage(archive, key, kind, count, swap, mapped)
            typed = TypedStorage(wrap_storage=restore(storage, location), dtype=kind, _internal=True)
            found = known[key] = typed, kind
        return found[0]

    record = io.BytesIO(archive.read("data.pkl"))
    return unpickled(record, persistent_load, module, options, weights_only)


def file_order(archive: ArchiveReader) -> str:
    """'little' or 'big': what the archive says, or the default for those that say nothing."""
    if archive.has("byteorder"):
        order = archive.read("byteorder").decode("ascii", "replace")
        if order not in ("little", "big"):
            raise ValueError("Unknown endianness type: " + order)
        return order
    wanted = config.load.endianness
    if wanted is None or wanted is config.LoadEndianness.NATIVE:
        return sys.byteorder if wanted is not None else "little"
    return "little" if wanted is config.LoadEndianness.LITTLE else "big"


def read_storage(
    archive: ArchiveReader, key: str, kind: dtype, count: int, swap: bool, mapped: Any
) -> UntypedStorage:
    """The memory of one record. Raises RuntimeError if it has not the size that the pickle says."""
    name = f"data/{key}"
    size, wanted = archive.size(name), count * kind.itemsize
    if size != wanted:
        raise RuntimeError(
            f"record size ({size} bytes) does not match expected size ({wanted} bytes = {wanted} elements * 1 "
            "bytes/element) for dtype Byte"
        )
    if mapped is not None:
        begin = archive.offset(name)
        if begin + size > len(mapped):
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: file read failed.")
        raw = np.frombuffer(mapped, np.uint8, size, begin) if size else np.empty(0, np.uint8)
        aligned = raw.ctypes.data % min(kind.itemsize, 8) == 0
        owner = (raw if aligned else raw.copy()).view(kind.np)
    else:
        owner = np.empty(count, kind.np)
        archive.read_into(name, owner.view(np.uint8) if count else np.empty(0, np.uint8))
    if swap:
        owner = swapped(owner, kind)
    return storage_of(owner)


def swapped(owner: Any, kind: dtype) -> Any:
    """The elements in the other byte order; each half of a complex number for itself."""
    width = kind.itemsize // 2 if kind.is_complex else kind.itemsize
    if width == 1:
        return owner
    return owner.view(f"u{width}").byteswap().view(kind.np)

