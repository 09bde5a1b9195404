"""The settings of `save` and `load`: checksums, byte order of files that do not say theirs, how files are mapped."""

from __future__ import annotations

from enum import Enum
from typing import Any

__all__ = ["LoadEndianness", "load", "save"]


class LoadEndianness(Enum):
    """Byte order of files without a record of it."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _Save:
    """`compute_crc32`: write checksums. `storage_alignment`: records begin at multiples of so many bytes."""

    compute_crc32: bool = True
    storage_alignment: int = 64
    use_pinned_memory_for_d2h: bool = False


class _Load:
    """`mmap`: the default of `load(mmap=None)`. `endianness`: None is little. `mmap_flags`: None is MAP_PRIVATE."""

    mmap: bool = False
    endianness: LoadEndianness | None = None
    mmap_flags: int | None = None
    calculate_storage_offsets: bool = False


save = _Save()
load = _Load()


def get_crc32_options() -> bool:
    """Whether `save` writes checksums."""
    return save.compute_crc32


def set_crc32_options(compute_crc32: bool) -> None:
    """Set whether `save` writes checksums; without them `unzip` complains, `load` does not."""
    save.compute_crc32 = compute_crc32


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order that `load` assumes of files that do not say theirs."""
    return load.endianness


def set_default_load_endianness(endianness: Any) -> None:
    """Set the byte order that `load` assumes of files that do not say theirs."""
    if not isinstance(endianness, LoadEndianness) and endianness is not None:
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    load.endianness = endianness


def get_default_mmap_options() -> int | None:
    """MAP_PRIVATE or MAP_SHARED, as `load(mmap=True)` maps files."""
    from mmap import MAP_PRIVATE

    return MAP_PRIVATE if load.mmap_flags is None else load.mmap_flags


class set_default_mmap_options:
    """Set how `load(mmap=True)` maps files: MAP_PRIVATE (changes stay here) or MAP_SHARED. Also a context manager."""

    def __init__(self, flags: int) -> None:
        from mmap import MAP_PRIVATE, MAP_SHARED

        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, "
                f"but got {flags}"
            )
        self.prev = load.mmap_flags
        load.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        load.mmap_flags = self.prev
