"""What PyTorch calls the classes and functions that files name, and which of ours they are.

A file holds `torch.nn.modules.linear Linear`; here that is `wengert.nn.linear.Linear`. What has no name in PyTorch is
written under its own, which only this package reads.
"""

from __future__ import annotations

import functools
import sys
from importlib import import_module
from typing import Any

from ..core.dtypes import DTYPES, dtype
from ..core.named import NN_MOVED, NN_OUTSIDE
from ..core.storage import TypedStorage, UntypedStorage
from ..core.tensor import Tensor
from . import rebuild

__all__ = ["StorageType", "STORAGE_OF", "find", "torch_path"]

PACKAGE = __name__.partition(".")[0]


class StorageType:
    """What a file says of a storage's elements: `torch.FloatStorage`."""

    def __init__(self, kind: dtype) -> None:
        self.dtype = kind
        self.__module__ = "torch"
        self.__name__ = self.__qualname__ = f"{kind.scalar_name}Storage"

    def __repr__(self) -> str:
        return f"<class 'torch.{self.__name__}'>"


_WITH_STORAGE = (
    *("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "bfloat16"),
    *("complex128", "complex64"),
)
#: by dtype; dtypes younger than the format (uint16 ...) are written as bytes with the dtype beside the tensor
STORAGE_OF: dict[dtype, StorageType] = {DTYPES[name]: StorageType(DTYPES[name]) for name in _WITH_STORAGE}

_REBUILD = {
    ("torch._utils", name): getattr(rebuild, name)
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter",
                 "_rebuild_parameter_with_state", "_rebuild_meta_tensor_no_storage")
} | {
    ("torch._tensor", "_rebuild_from_type_v2"): rebuild._rebuild_from_type_v2,
    ("torch.serialization", "_get_layout"): rebuild._get_layout,
}  # fmt: skip

#: what `weights_only=True` may name, and what it is here
PLAIN: dict[tuple[str, str], Any] = {
    **_REBUILD,
    **{("torch", s.__name__): s for s in STORAGE_OF.values()},
    **{("torch", name): kind for name, kind in DTYPES.items()},
    ("torch.storage", "UntypedStorage"): UntypedStorage,
    ("torch.storage", "TypedStorage"): TypedStorage,
    ("torch", "Tensor"): Tensor,
}
#: the reverse; storage types and dtypes are equal only to themselves
_PATHS: dict[int, tuple[str, str]] = {id(value): path for path, value in PLAIN.items()}

@functools.cache
def plain() -> dict[tuple[str, str], Any]:
    """PLAIN with what lives in modules that are imported only now."""
    import codecs
    from collections import Counter, OrderedDict

    from ..core.devices import device
    from ..core.size import Size
    from ..nn.parameter import Parameter

    def encode(text: str, encoding: str = "utf-8") -> bytes:
        """Bytes, as pickles of protocol 2 spell them; text encodings only."""
        if not isinstance(text, str) or not codecs.lookup(encoding)._is_text_encoding:
            raise ValueError(f"encode({text!r}, {encoding!r}) is no text encoding")
        return text.encode(encoding)

    here: dict[tuple[str, str], Any] = {
        ("torch", "Size"): Size,
        ("torch", "device"): device,
        ("torch.nn.parameter", "Parameter"): Parameter,
        ("collections", "OrderedDict"): OrderedDict,
        ("collections", "Counter"): Counter,
        ("builtins", "set"): set,
        ("builtins", "bytearray"): bytearray,
        ("builtins", "complex"): complex,
        ("_codecs", "encode"): encode,
    }
    return PLAIN | here


def torch_path(obj: Any, name: str | None = None) -> tuple[str, str] | None:
    """(module, name) under which PyTorch knows a class, function or dtype of ours; None for what is not ours."""
    known = _PATHS.get(id(obj))
    if known is not None:
        return known
    module = getattr(obj, "__module__", None)
    if not isinstance(module, str) or module.partition(".")[0] != PACKAGE:
        return None
    name = name or getattr(obj, "__qualname__", obj.__name__)
    for path in _candidates(obj, module, name):
        try:
            if find(*path) is obj:
                return path
        except (ImportError, AttributeError):
            continue
    return None


def _candidates(obj: Any, module: str, name: str) -> list[tuple[str, str]]:
    below = module[len(PACKAGE) + 1 :]
    if below.startswith("nn.") and isinstance(obj, type):
        last = below.rpartition(".")[2]
        if below in NN_OUTSIDE:
            return [("torch." + NN_OUTSIDE[below], name)]
        if below.count(".") == 1:
            return [(f"torch.nn.modules.{NN_MOVED.get(name, last)}", name), (f"torch.nn.{last}", name)]
    if below.startswith("core."):
        return [("torch", name)]
    if not isinstance(obj, type):
        return [("torch.nn.functional", name), ("torch", name), (f"torch.{below}", name)]
    if below.startswith("optim._"):
        return [("torch.optim", name)]
    return [(f"torch.{below}", name), ("torch", name)]


def find(module: str, name: str) -> Any:
    """The object here that a file calls `module name`. Raises ImportError or AttributeError where there is none."""
    known = plain().get((module, name))
    if known is not None:
        return known
    if module != "torch" and not module.startswith("torch."):
        if module == "__main__" or not name.count("."):
            return getattr(_imported(module), name)
        return functools.reduce(getattr, name.split("."), _imported(module))
    if (module, name) == ("torch._C", "_VariableFunctionsClass"):  # `getattr(that, "tanh")` is how it names torch.tanh
        return _imported(PACKAGE)
    for place in _places(module):
        try:
            return functools.reduce(getattr, name.split("."), _imported(place))
        except (ImportError, AttributeError):
            continue
    raise AttributeError(f"Can't get attribute {name!r} on <module {module!r}>\n{PACKAGE} lacks {module}.{name}")


def _places(module: str) -> list[str]:
    below = module[len("torch.") :]
    if below.startswith("nn.modules."):
        return [f"{PACKAGE}.nn.{below.rpartition('.')[2]}", f"{PACKAGE}.nn", f"{PACKAGE}.{below}"]
    if below.startswith("nn.parallel"):
        return [f"{PACKAGE}.nn.parallel"]
    if below == "_C._nn":  # functions that PyTorch keeps in C++
        return [f"{PACKAGE}.nn.functional"]
    if below in ("_C._VariableFunctions", "_VF", ""):
        return [PACKAGE]
    if below == "_utils":
        return [f"{PACKAGE}.serialization.rebuild"]
    return [f"{PACKAGE}.{below}"]


def _imported(module: str) -> Any:
    return sys.modules.get(module) or import_module(module)
