"""`save` and `load`: PyTorch's files, written and read.

A file that `save` wrote opens in PyTorch and the reverse, with `weights_only=True` as well: state dicts, optimisers'
states, and (with `weights_only=False`) whole modules, whose classes bear PyTorch's names in the file.
"""

from __future__ import annotations

import os
import pickle
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from ..core.errors import warn
from .config import (
    LoadEndianness,
    get_crc32_options,
    get_default_load_endianness,
    get_default_mmap_options,
    set_crc32_options,
    set_default_load_endianness,
    set_default_mmap_options,
)
from .locations import default_restore_location, location_tag, register_package
from .restricted import add_safe_globals, clear_safe_globals, explained, get_safe_globals, safe_globals
from .safetensors import load_file, save_file

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LoadEndianness",
    "SourceChangeWarning",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "load_file",
    "location_tag",
    "register_package",
    "safe_globals",
    "save",
    "save_file",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
    "skip_data",
]

DEFAULT_PROTOCOL = 2


class SourceChangeWarning(Warning):
    """PyTorch's warning for old files that hold other source code than the class has now."""


# ---------------------------------------------------------------- files


def _is_path(f: Any) -> bool:
    return isinstance(f, (str, os.PathLike))


@contextmanager
def _replacing(path: str) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when it is complete: who reads meanwhile sees the old one, or none."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):  # a device or a pipe cannot be replaced
        with open(target, "wb") as file:
            yield file
        return
    made = f"{target}.{os.getpid():x}{os.urandom(6).hex()}.tmp"
    file = open(made, "xb")
    try:
        with file:
            yield file
        if os.path.exists(target):
            os.chmod(made, os.stat(target).st_mode & 0o7777)
        os.replace(made, target)
    except BaseException:
        os.unlink(made)
        raise


def save(
    obj: object, f: Any, pickle_module: Any = pickle, pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False,
) -> None:  # fmt: skip
    """Write `obj` to `f`: a path, or anything with `write`. A file at a path is replaced only when all is written.

    Memory that tensors share is written once. Raises RuntimeError if the directory does not exist, or if tensors of
    different dtypes share memory; AttributeError if `f` is neither.
    """
    if not _is_path(f) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    if not _is_path(f):
        if getattr(f, "closed", False):
            raise ValueError("I/O operation on closed file.")
        _write(obj, f, "archive", pickle_module, pickle_protocol, _use_new_zipfile_serialization,
               _disable_byteorder_record)  # fmt: skip
        if hasattr(f, "flush"):
            f.flush()
        return
    path = os.fspath(f)
    parent = os.path.dirname(path)
    if parent and not os.path.isdir(parent):
        if _use_new_zipfile_serialization:
            raise RuntimeError(f"Parent directory {parent} does not exist.")
        raise FileNotFoundError(2, os.strerror(2), path)
    stem = os.path.splitext(os.path.basename(path))[0] or "archive"
    with _replacing(path) as file:
        _write(obj, file, stem, pickle_module, pickle_protocol, _use_new_zipfile_serialization,
               _disable_byteorder_record)  # fmt: skip


def _write(obj: Any, file: Any, name: str, module: Any, protocol: int, as_zip: bool, no_order: bool) -> None:
    if not as_zip:
        from .legacy import save_legacy

        save_legacy(obj, file, module, protocol)
        return
    import io
    import sys

    from . import config
    from .archive import ArchiveWriter
    from .writing import Storages, bytes_of, pickler_class

    storages = Storages()
    pickled = io.BytesIO()
    pickler_class(module)(pickled, protocol, storages).dump(obj)
    archive = ArchiveWriter(file, name, config.save.compute_crc32)
    archive.write_record("data.pkl", pickled.getbuffer())
    archive.write_record(".format_version", b"1")
    archive.write_record(".storage_alignment", b"64")
    if not no_order:
        archive.write_record("byteorder", sys.byteorder.encode())
    for key, storage in storages.by_key.items():
        archive.write_record(f"data/{key}", bytes_of(storage))
    archive.write_record("version", b"3\n")
    archive.write_record(".data/serialization_id", archive.serialization_id())
    archive.close()


def load(
    f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
    mmap: bool | None = None, **pickle_load_args: Any,
) -> Any:  # fmt: skip
    """Read what `save`, or PyTorch, wrote.

    `weights_only` (None: True) lets the file make tensors, parameters and plain containers and nothing else; with
    False a file can run any code. `map_location`: a device, its name, a dict of names, or a function of (storage,
    name). `mmap`: storages stay in the file until they are touched, and changes to them are not written back.
    Raises UnpicklingError for files with other contents, RuntimeError for damaged ones and for devices that are not
    here.
    """
    weights_only, by_default = _weights_only(weights_only)
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if pickle_load_args and weights_only:
        warn("pickle_load_args only works if `weights_only=False`.")
    from . import config

    if mmap is None:
        mmap = config.load.mmap
    if _is_path(f):
        path = os.fspath(f)
        if isinstance(path, str) and path.endswith(".safetensors"):
            from .safetensors import load_for_load

            return load_for_load(path, map_location)
        with open(path, "rb") as file:
            return _read(file, f, map_location, pickle_module, pickle_load_args, weights_only, mmap)
    _check_seekable(f)
    return _read(f, f, map_location, pickle_module, pickle_load_args, weights_only, mmap)


def _weights_only(given: bool | None) -> tuple[bool, bool]:
    """What holds, and whether it holds by default; PyTorch's two environment variables can force it."""
    yes = ("1", "y", "yes", "true")
    force, force_no = (os.environ.get(name, "0") in yes
                       for name in ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"))  # fmt: skip
    if force and force_no:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` should be set, but both "
            "were set."
        )
    if force:
        return True, given is None
    if force_no and given is None:
        warn(
            "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the`weights_only` argument was not "
            "explicitly passed to `torch.load`, forcing weights_only=False."
        )
        return False, True
    return (True, True) if given is None else (given, False)


def _check_seekable(f: Any) -> None:
    try:
        f.seek(f.tell())
    except (OSError, AttributeError) as error:
        if isinstance(error, AttributeError) or "seek" in str(error) or "tell" in str(error):
            raise type(error)(
                f"{error}. You can only torch.load from a file that is seekable. Please pre-load the data into a buffer "
                "like io.BytesIO and try to load from it instead."
            ) from None
        raise


def _read(file: Any, f: Any, map_location: Any, module: Any, options: Any, weights_only: bool, mmap: bool) -> Any:
    from .legacy import load_legacy
    from .locations import restorer
    from .reading import load_archive

    restore = restorer(map_location)
    module = pickle if module is None else module
    start = file.tell()
    head = file.read(4)
    file.seek(start)
    try:
        if head == b"PK\3\4":
            from .archive import ArchiveReader

            archive = ArchiveReader(file)
            if archive.has("constants.pkl"):
                raise RuntimeError(
                    "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. "
                    + explained("").partition("failed. ")[2].partition("\nPlease")[0]
                ) if weights_only else NotImplementedError("TorchScript archives (torch.jit.load)")
            return load_archive(archive, restore, module, options, weights_only, _mapping(f, file) if mmap else None)
        if mmap:
            name = f"{f}, " if isinstance(f, str) else ""
            raise RuntimeError(
                f"mmap can only be used with files saved with `torch.save({name}_use_new_zipfile_serialization=True), "
                "please torch.save your checkpoint with this option in order to use mmap."
            )
        return load_legacy(file, restore, module, options, weights_only)
    except pickle.UnpicklingError as error:
        if not weights_only:
            raise
        raise pickle.UnpicklingError(explained(str(error))) from None


def _mapping(f: Any, file: Any) -> Any:
    """The whole file as memory. Pages are read when they are touched; the mapping outlives the file object."""
    import mmap

    if not _is_path(f):
        raise ValueError("f must be a file path in order to use the mmap argument")
    if get_default_mmap_options() == mmap.MAP_SHARED:
        with open(os.fspath(f), "r+b") as shared:
            return mmap.mmap(shared.fileno(), 0, access=mmap.ACCESS_WRITE)
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names in a file that `weights_only=True` would refuse, found without running it. Only for zip archives."""
    import io

    from .archive import ArchiveReader
    from .names import plain
    from .restricted import globals_of, user_allowed

    def names(file: Any) -> list[str]:
        start = file.tell()
        if file.read(4) != b"PK\3\4":
            raise ValueError("Expected input to be a checkpoint returned by torch.save")
        file.seek(start)
        archive = ArchiveReader(file)
        if archive.has("constants.pkl"):
            raise ValueError(
                "Expected input to be a checkpoint returned by torch.save but got a torchscript checkpoint"
            )
        allowed = {".".join(path) for path in plain()} | set(user_allowed())
        return list(dict.fromkeys(n for n in globals_of(io.BytesIO(archive.read("data.pkl"))) if n not in allowed))

    if _is_path(f):
        with open(f, "rb") as file:
            return names(file)
    return names(f)


class skip_data:
    """Not supported: files without their storages are for tensors without data, which are not here."""

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        raise NotImplementedError("torch.serialization.skip_data")
