"""PyTorch's zip archives: records, uncompressed, each beginning at a multiple of 64 bytes so that files can be mapped.

A writer needs nothing but `write`; a reader needs `seek` and `read`.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

__all__ = ["ArchiveReader", "ArchiveWriter", "CORRUPT"]

ALIGNMENT = 64
_NEWEST = 10  # of the archive format; what is written is version 3
_FOUR_GIB = 0xFFFFFFFF
_UTF8 = 1 << 11
_DATE = 0x21  # 1980-01-01, the first day that zip knows: equal contents make equal files
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")

CORRUPT = (
    " This is an internal miniz error. If you are seeing this error, there is a high likelihood that your checkpoint "
    "file is corrupted. This can happen if the checkpoint was not saved properly, was transferred incorrectly, or the "
    "file was modified after saving."
)


class ArchiveWriter:
    """Writes records to anything that has `write`; `close` writes the table of contents."""

    def __init__(self, file: Any, name: str = "archive", checksum: bool = True) -> None:
        self._file = file
        self._name = name
        self._checksum = checksum
        self._at = 0
        self._entries: list[tuple[bytes, int, int, int]] = []  # name, crc, size, where its header begins
        self._digest = 0

    def _put(self, data: Any) -> None:
        self._file.write(data)
        self._at += len(data)

    def write_record(self, name: str, data: Any) -> None:
        """Add one record: bytes, or a flat array of bytes."""
        path = f"{self._name}/{name}".encode()
        view = memoryview(data).cast("B")
        size = len(view)
        crc = zlib.crc32(view) if self._checksum else 0
        self._digest = zlib.crc32(path + struct.pack("<LQ", crc, size), self._digest)
        big = size >= _FOUR_GIB
        extra = struct.pack("<2H2Q", 1, 16, size, size) if big else b""
        start = self._at + _LOCAL.size + len(path) + len(extra) + 4
        padding = -start % ALIGNMENT
        extra += struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        shown = _FOUR_GIB if big else size
        header = _LOCAL.pack(
            b"PK\3\4", 45 if big else 20, _UTF8, 0, 0, _DATE, crc, shown, shown, len(path), len(extra)
        )
        self._entries.append((path, crc, size, self._at))
        self._put(header + path + extra)
        step = 1 << 26  # some file objects refuse, or copy, what is very large
        for first in range(0, size, step):
            self._put(view[first : first + step])

    def serialization_id(self) -> bytes:
        """40 digits that tell contents apart."""
        first = hash_digits(b"names and sizes", self._digest)
        return first + hash_digits(b"contents", self._digest)

    def close(self) -> None:
        """Write the table of contents."""
        begin = self._at
        for path, crc, size, offset in self._entries:
            wide = [value for value in (size, size, offset) if value >= _FOUR_GIB]
            extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
            shown, where = min(size, _FOUR_GIB), min(offset, _FOUR_GIB)
            version = 45 if wide else 20
            self._put(
                _CENTRAL.pack(
                    b"PK\1\2", version, version, _UTF8, 0, 0, _DATE, crc, shown, shown, len(path), len(extra), 0, 0, 0,
                    0, where,
                ) + path + extra
            )  # fmt: skip
        size, count, end = self._at - begin, len(self._entries), self._at
        if count >= 0xFFFF or begin >= _FOUR_GIB or size >= _FOUR_GIB:
            self._put(_END64.pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, begin))
            self._put(_LOCATOR64.pack(b"PK\6\7", 0, end, 1))
        few = min(count, 0xFFFF)
        self._put(_END.pack(b"PK\5\6", 0, 0, few, few, min(size, _FOUR_GIB), min(begin, _FOUR_GIB), 0))


def hash_digits(salt: bytes, digest: int) -> bytes:
    """20 decimal digits of a digest."""
    from hashlib import sha256

    value = int.from_bytes(sha256(salt + digest.to_bytes(8, "little")).digest()[:8], "little")
    return b"%020d" % value


class ArchiveReader:
    """Reads records by name. Raises RuntimeError, in PyTorch's words, for what is no whole archive."""

    def __init__(self, file: Any) -> None:
        import zipfile

        self._file = file
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, struct.error, NotImplementedError, UnicodeDecodeError) as error:
            raise RuntimeError(
                "PytorchStreamReader failed reading zip archive: failed finding central directory." + CORRUPT
            ) from error
        names = self._zip.namelist()
        if not names:
            raise RuntimeError("PytorchStreamReader failed reading zip archive: archive does not contain any files")
        self.name = names[0].partition("/")[0]
        self._names = frozenset(names)
        if not self.has("version") and not self.has(".data/version"):
            raise RuntimeError(
                'Expected hasRecord("version") to be true, but got false.  (Could this error message be improved?  If '
                "so, please report an enhancement request to PyTorch.)"
            )
        version = self.read("version" if self.has("version") else ".data/version")
        if version.strip().isdigit() and int(version) > _NEWEST:
            raise RuntimeError(
                f"Attempted to read a PyTorch file with version {int(version)}, but the maximum supported version for "
                f"reading is {_NEWEST}. The version of your PyTorch installation may be too old, please upgrade PyTorch "
                "to latest version to mitigate this issue."
            )

    def has(self, name: str) -> bool:
        """Whether there is such a record."""
        return f"{self.name}/{name}" in self._names

    def _info(self, name: str) -> Any:
        if not self.has(name):
            raise RuntimeError(f"PytorchStreamReader failed locating file {name}: file not found." + CORRUPT)
        return self._zip.getinfo(f"{self.name}/{name}")

    def size(self, name: str) -> int:
        """Bytes in a record."""
        return self._info(name).file_size  # type: ignore[no-any-return]

    def read(self, name: str) -> bytes:
        """The whole record. Raises RuntimeError where it is damaged."""
        out = np.empty(self.size(name), np.uint8)
        self.read_into(name, out)
        return out.tobytes()

    def read_into(self, name: str, out: np.ndarray[Any, Any]) -> None:
        """Fill a flat array of bytes with a record of its size.

        Checksums are not compared: PyTorch can be told to write none (`set_crc32_options`), and reads such files.
        """
        info = self._info(name)
        if info.compress_type:  # somebody packed the archive anew
            import zipfile

            try:
                out[...] = np.frombuffer(self._zip.read(info), np.uint8)
                return
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
                raise RuntimeError(_UNREADABLE.format(name) + CORRUPT) from error
        self._file.seek(self.offset(name))
        fill(self._file, out, _UNREADABLE.format(name) + CORRUPT)

    def offset(self, name: str) -> int:
        """Where the bytes of an uncompressed record begin in the file. Raises RuntimeError if it is compressed."""
        info = self._info(name)
        if info.compress_type:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: it is compressed and cannot be mapped")
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
            raise RuntimeError(_UNREADABLE.format(name) + CORRUPT)
        *_, name_length, extra_length = _LOCAL.unpack(header)
        return int(info.header_offset + _LOCAL.size + name_length + extra_length)


_UNREADABLE = "PytorchStreamReader failed reading file {}: file read failed."


def fill(file: Any, out: np.ndarray[Any, Any], message: str) -> None:
    """Read a flat array of bytes full. Raises RuntimeError(message) where the file ends before; {missing}: bytes."""
    at, n = 0, len(out)
    view = memoryview(out)  # type: ignore[arg-type]
    into = getattr(file, "readinto", None)
    while at < n:
        part = view[at : at + (1 << 26)]
        if into is None:
            read = file.read(len(part))
            got = len(read)
            part[:got] = read
        else:
            got = into(part)
        if not got:
            raise RuntimeError(message.replace("{missing}", str(n - at)))
        at += got
