"""`Module.to`: reading its arguments, and the function that it applies to every tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.devices import device as Device
from ..core.devices import memory_format as MemoryFormat
from ..core.dtypes import dtype as DType
from ..core.errors import warn
from ..core.tensor import Tensor

_EXPECTED = """to() received an invalid combination of arguments - got ({}), but expected one of:
 * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *, \
torch.memory_format memory_format = None)
 * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)
 * (Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)
"""

_FORMS: tuple[tuple[str, ...], ...] = (
    ("device", "dtype", "non_blocking", "copy"),
    ("dtype", "non_blocking", "copy"),
    ("tensor", "non_blocking", "copy"),
)


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return "Tensor"
    for cls, name in ((DType, "torch.dtype"), (Device, "torch.device"), (MemoryFormat, "torch.memory_format")):
        if isinstance(value, cls):
            return name
    return type(value).__name__


def _fits(name: str, value: Any, form: tuple[str, ...]) -> bool:
    if name == "device":
        return value is None or isinstance(value, (str, Device)) or type(value) is int
    if name == "dtype":
        return isinstance(value, DType) or (value is None and form[0] == "device")
    if name == "tensor":
        return isinstance(value, Tensor)
    if name == "memory_format":
        return value is None or isinstance(value, MemoryFormat)
    return isinstance(value, bool)


def parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool, Any]:
    """(device, dtype, non_blocking, memory_format) from the arguments of `Module.to`."""
    for form in _FORMS:
        if len(args) > len(form):
            continue
        bound = dict(zip(form, args))
        if any(name in bound or name not in (*form, "memory_format") for name in kwargs):
            continue
        bound.update(kwargs)
        if form[0] != "device" and form[0] not in bound:
            continue
        if all(_fits(name, value, form) for name, value in bound.items()):
            break
    else:
        got = ", ".join(_kind(a) for a in args)
        if kwargs:
            got += (", " if args else "") + "".join(f"{name}={_kind(v)}, " for name, v in kwargs.items())
        raise TypeError(_EXPECTED.format(got))
    if "copy" in bound:
        raise RuntimeError(".to() does not accept copy argument")
    other = bound.get("tensor")
    device = bound.get("device") if other is None else other.device
    if device is not None:
        device = Device(device)
    return (
        device,
        bound.get("dtype") if other is None else other.dtype,
        bound.get("non_blocking", False),
        bound.get("memory_format"),
    )


def converter(*args: Any, **kwargs: Any) -> Callable[[Tensor], Tensor]:
    """The function that `Module.to(*args, **kwargs)` applies to each parameter and buffer."""
    device, dtype, non_blocking, memory_format = parse_to(args, kwargs)
    if dtype is not None:
        if not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        if dtype.is_complex:
            warn(
                "Complex modules are a new feature under active development whose design may change, and some modules "
                "might not work as expected when using complex tensors as parameters or buffers. Please file an issue "
                "at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a complex module does "
                "not work as expected."
            )

    def convert(t: Any) -> Any:
        if t.is_meta and device is not None and device.type != "meta":
            raise NotImplementedError(
                "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of "
                "torch.nn.Module.to() when moving module from meta to a different device."
            )
        cast = dtype if dtype is not None and (t.is_floating_point() or t.is_complex()) else None
        if memory_format is not None and t.dim() in (4, 5):
            return t.to(device, cast, non_blocking, memory_format=memory_format)
        return t if device is None and cast is None else t.to(device, cast, non_blocking)

    return convert
