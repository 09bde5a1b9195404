"""The format from before PyTorch 1.6: five pickles one after the other, then the storages."""

from __future__ import annotations

import os
import struct
import sys
from typing import Any

import numpy as np

from ..core.dtypes import DTYPES, dtype
from ..core.storage import TypedStorage, UntypedStorage, storage_of
from .archive import fill
from .locations import Restorer
from .reading import check_id, storage_kind, swapped, unpickled
from .restricted import text
from .writing import Storages, bytes_of, pickler_class

__all__ = ["load_legacy", "save_legacy"]

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
_SHORT = "unexpected EOF, expected {missing} more bytes. The file might be corrupted."


def save_legacy(obj: Any, file: Any, pickle_module: Any, protocol: int) -> None:
    """Write `obj` in the old format."""
    system = {
        "protocol_version": PROTOCOL_VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    storages = Storages(legacy=True)
    pickler = pickler_class(pickle_module)
    for part in (MAGIC_NUMBER, PROTOCOL_VERSION, system):
        pickler(file, protocol, storages).dump(part)
    pickler(file, protocol, storages).dump(obj)
    keys = sorted(storages.by_key)
    pickler(file, protocol, storages).dump(keys)
    file.flush() if hasattr(file, "flush") else None
    for key in keys:
        data = bytes_of(storages.by_key[key])
        file.write(struct.pack("<q", len(data) // storages.itemsize[key]))
        file.write(data.data)


def load_legacy(
    file: Any, restore: Restorer, module: Any, options: dict[str, Any], weights_only: bool
) -> Any:
    """Read an object in the old format. Raises RuntimeError for other files."""
    if file.tell() == 0:  # objects of the format below may stand one after the other
        import tarfile

        try:
            with tarfile.open(fileobj=file, mode="r:", format=tarfile.PAX_FORMAT):
                raise NotImplementedError("files in the tar format of PyTorch before 0.1.10")
        except tarfile.TarError:
            file.seek(0)

    def no_storage(pid: Any) -> Any:
        raise RuntimeError("storages are no part of a file's head")

    def part(persistent_load: Any = no_storage) -> Any:
        return unpickled(file, persistent_load, module, options, weights_only)

    if part() != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    version = part()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    system = part()
    order = "little" if not isinstance(system, dict) or system.get("little_endian", True) else "big"

    known: dict[str, tuple[np.ndarray[Any, Any], dtype, UntypedStorage]] = {}
    views: dict[str, TypedStorage] = {}
    left = remaining(file)

    def persistent_load(saved_id: Any) -> Any:
        if isinstance(saved_id, tuple) and saved_id and text(saved_id[0]) == "module":
            return saved_id[1]  # the source of a class was kept beside it, to warn of changes
        marker, key, location, count = check_id(saved_id)
        kind = storage_kind(marker)
        found = known.get(key)
        if found is None:
            if left is not None and count * kind.itemsize > left:
                raise RuntimeError(_SHORT.replace("{missing}", str(count * kind.itemsize - left)))
            owner = np.zeros(count, kind.np)
            restored = restore(storage_of(owner), location)
            found = known[key] = owner, kind, restored
        view = saved_id[5] if len(saved_id) > 5 else None
        if view is not None:
            view_key, offset, size = view
            name = text(view_key)
            if name not in views:
                begin = offset * kind.itemsize
                views[name] = TypedStorage(
                    wrap_storage=found[2][begin : begin + size * kind.itemsize], dtype=kind, _internal=True
                )
            return views[name]
        return TypedStorage(wrap_storage=found[2], dtype=found[1], _internal=True)

    result = part(persistent_load)
    keys = part()
    for raw_key in keys:
        key = text(raw_key)
        if key not in known:
            raise RuntimeError(f"a storage {key!r} stands in the file of which no tensor knows")
        owner, kind, restored = known[key]
        head = np.empty(8, np.uint8)
        fill(file, head, _SHORT)
        (count,) = struct.unpack("<q" if order == "little" else ">q", head.tobytes())
        if count != len(owner):
            raise RuntimeError(f"storage {key!r} has {count} elements, not {len(owner)}")
        flat = owner.view(DTYPES["uint8"].np) if count else np.empty(0, np.uint8)
        fill(file, flat, _SHORT)
        if order != sys.byteorder:
            owner[...] = swapped(owner, kind)
        if restored._owner is not owner:  # `map_location` made a storage of its own before the data was there
            restored.copy_(storage_of(owner))
    return result


def remaining(file: Any) -> int | None:
    """Bytes from here to the end."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return None if end is None else end - here
