"""`device`, the default device, and the names of layouts and memory formats."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any, NoReturn

from wengert.core.dtypes import TorchNamed

__all__ = [
    "CPU",
    "LAYOUTS",
    "MEMORY_FORMATS",
    "META",
    "device",
    "get_default_device",
    "layout",
    "memory_format",
    "set_default_device",
]

_TYPES = (
    *("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla"),
    *("lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone"),
)
_DEVICE_STRING = re.compile(r"([a-zA-Z_]+)(?::(0|[1-9]\d*))?")
_MAX_INDEX = 2**31 - 1  # what PyTorch's parser can read


class device(metaclass=TorchNamed):
    """Where a tensor's data is: `device('cuda:1')`, `device('cuda', 1)`, `device(other)`.

    Devices are interned, so equal devices are one object. As a context manager a device becomes the default device
    of this thread. Attributes: `type` (str), `index` (int, or None when not given).
    Raises RuntimeError for unknown types and malformed strings, TypeError for other arguments.
    """

    __slots__ = ("_repr", "_str", "index", "type")

    type: str
    index: int | None
    _repr: str
    _str: str

    def __new__(cls, *args: Any, **kwargs: Any) -> device:
        if len(args) == 1 and not kwargs:
            known = _BY_STRING.get(args[0]) if isinstance(args[0], str) else None
            if known is not None:
                return known
        return _parse(args, kwargs)

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'torch.device' is not an acceptable base type")

    def __repr__(self) -> str:
        return self._repr

    def __str__(self) -> str:
        return self._str

    def __reduce__(self) -> tuple[Any, ...]:
        return device, ((self.type,) if self.index is None else (self.type, self.index))

    def __copy__(self) -> device:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> device:
        return self

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        if attribute in ("type", "index"):
            raise AttributeError(f"attribute '{attribute}' of 'torch.device' objects is not writable")
        raise AttributeError(f"'torch.device' object has no attribute '{attribute}'")

    def __lt__(self, other: object) -> bool:
        raise TypeError("comparison not implemented")

    __le__ = __gt__ = __ge__ = __lt__

    def __enter__(self) -> device:
        _defaults.set((*_defaults.get(), self))
        return self

    def __exit__(self, *exc_info: object) -> None:
        _defaults.set(_defaults.get()[:-1])


_INTERNED: dict[tuple[str, int | None], device] = {}
_BY_STRING: dict[str, device] = {}


def _intern(kind: str, index: int | None) -> device:
    """The one device object of this type and index."""
    found = _INTERNED.get((kind, index))
    if found is not None:
        return found
    new = object.__new__(device)
    put = object.__setattr__
    put(new, "type", kind)
    put(new, "index", index)
    put(new, "_repr", f"device(type='{kind}')" if index is None else f"device(type='{kind}', index={index})")
    put(new, "_str", kind if index is None else f"{kind}:{index}")
    return _INTERNED.setdefault((kind, index), new)  # setdefault: two threads must not make two


def _parse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> device:
    """device's two signatures: (device) and (type, index=-1)."""
    given = args + tuple(kwargs.values())
    names = ("device", "type")[len(given) > 1 or "type" in kwargs], "index"
    bound = dict(zip(names, args, strict=False))
    if len(given) > 2 or not given or any(key not in names or key in bound for key in kwargs):
        _refuse_arguments(args, kwargs)
    bound.update(kwargs)
    if names[0] not in bound:
        _refuse_arguments(args, kwargs)
    what = bound[names[0]]
    if len(given) == 1:
        if isinstance(what, device):
            return what
        if isinstance(what, str):
            return _from_string(what)
        if isinstance(what, int) and not isinstance(what, bool):
            if what < 0:
                raise RuntimeError("Device index must not be negative")
            raise RuntimeError("Cannot access accelerator device when none is available.")
        _refuse_arguments(args, kwargs)
    index = bound["index"]
    if not isinstance(what, str):
        raise TypeError(f"device(): argument 'type' (position 1) must be str, not {_kind(what)}")
    if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
        raise TypeError(f"device(): argument 'index' (position 2) must be int, not {_kind(index)}")
    base = _from_string(what)
    if index is None:
        return base
    if base.index is not None:
        raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {what}")
    if index < 0:
        raise RuntimeError("Device index must not be negative")
    return _intern(base.type, index)


def _from_string(text: str) -> device:
    """Read 'cpu', 'cuda:1' ... and remember the answer."""
    if not text:
        raise RuntimeError("Device string must not be empty")
    match = _DEVICE_STRING.fullmatch(text)
    if match is None:
        raise RuntimeError(f"Invalid device string: '{text}'")
    kind, digits = match.groups()
    if kind not in _TYPES:
        raise RuntimeError(f"Expected one of {', '.join(_TYPES)} device type at start of device string: {kind}")
    if digits is not None and int(digits) > _MAX_INDEX:
        raise RuntimeError(f"Could not parse device index '{digits}' in device string '{text}'")
    found = _intern(kind, None if digits is None else int(digits))
    _BY_STRING[text] = found
    return found


def _kind(value: object) -> str:
    """The class name as PyTorch's argument errors write it."""
    return "torch." + type(value).__name__ if isinstance(type(value), TorchNamed) else type(value).__name__


def _refuse_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> NoReturn:
    kinds = ", ".join(map(_kind, args))
    named = "".join(f"{key}={_kind(value)}, " for key, value in kwargs.items())
    got = ", ".join(part for part in (kinds, named) if part)
    reason = ""
    if len(args) == 1 and not kwargs:
        reason = f"      didn't match because some of the arguments have invalid types: (!{kinds}!)\n"
    elif kwargs and not args:
        wrong = ", ".join(key for key in kwargs if key != "device")
        reason = f"      didn't match because some of the keywords were incorrect: {wrong}\n"
    raise TypeError(
        f"device() received an invalid combination of arguments - got ({got}), but expected one of:\n"
        f" * (torch.device device)\n{reason} * (str type, int index = -1)\n"
    )


CPU = device("cpu")
META = device("meta")

# ------------------------------------------------------------------------------------------------ default device

# The last entry is in force; the first is what set_default_device set. Each thread (and task) has its own.
_defaults: ContextVar[tuple[device, ...]] = ContextVar("default_device", default=(CPU,))


def get_default_device() -> device:
    """The device that new tensors are made on when none is named."""
    return _defaults.get()[-1]


def set_default_device(device: Any) -> None:
    """Set the default device of this thread (None: the CPU). Enclosing `with device:` blocks stay in force."""
    chosen = CPU if device is None else _parse((device,), {})
    _defaults.set((chosen, *_defaults.get()[1:]))


# ------------------------------------------------------------------------------------------------ plain names


class _Name(metaclass=TorchNamed):
    """A named singleton without behaviour: its repr is 'torch.' and the name."""

    __slots__ = ("_repr", "name")

    name: str
    _repr: str

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError(f"cannot create 'torch.{type(self).__name__}' instances")

    def __repr__(self) -> str:
        return self._repr

    def __reduce__(self) -> str:
        return self.name  # the global of that name in this module

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        raise AttributeError(f"'torch.{type(self).__name__}' object has no attribute '{attribute}'")


class layout(_Name):
    """How a tensor's elements are stored. Only `strided` has data behind it."""

    __slots__ = ()


class memory_format(_Name):
    """The order of strides that an operation is asked for."""

    __slots__ = ()


def _name(kind: type[Any], name: str) -> Any:
    new = object.__new__(kind)
    object.__setattr__(new, "name", name)
    object.__setattr__(new, "_repr", "torch." + name)
    return new


strided: layout = _name(layout, "strided")
sparse_coo: layout = _name(layout, "sparse_coo")
sparse_csr: layout = _name(layout, "sparse_csr")
sparse_csc: layout = _name(layout, "sparse_csc")
sparse_bsr: layout = _name(layout, "sparse_bsr")
sparse_bsc: layout = _name(layout, "sparse_bsc")
jagged: layout = _name(layout, "jagged")
_mkldnn: layout = _name(layout, "_mkldnn")

contiguous_format: memory_format = _name(memory_format, "contiguous_format")
legacy_contiguous_format = contiguous_format
preserve_format: memory_format = _name(memory_format, "preserve_format")
channels_last: memory_format = _name(memory_format, "channels_last")
channels_last_3d: memory_format = _name(memory_format, "channels_last_3d")

#: Every layout, and every memory format, by name.
LAYOUTS: dict[str, layout] = {
    x.name: x for x in (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, jagged, _mkldnn)
}
MEMORY_FORMATS: dict[str, memory_format] = {
    x.name: x for x in (contiguous_format, preserve_format, channels_last, channels_last_3d)
}
