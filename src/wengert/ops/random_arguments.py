"""How the random functions read their arguments, with PyTorch's words for what they refuse."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..core import devices, dtypes
from ..core.generator import Generator
from ..core.tensor import Tensor
from .create import check_device

OPTIONS = (
    "torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, "
    "bool pin_memory = False, bool requires_grad = False"
)
GENERATOR = "torch.Generator generator = None"
LOW, HIGH = -(1 << 63), (1 << 63) - 1


def signatures(positional: str, middle: str) -> tuple[str, ...]:
    """The two overloads of a function that makes a tensor: with a generator, and without."""
    return (f"{positional}, *, torch.Generator generator, {middle}{OPTIONS}", f"{positional}, *, {middle}{OPTIONS}")


def type_name(value: Any) -> str:
    """The class of `value` as PyTorch's errors write it."""
    kind = type(value)
    return "torch._C.Generator" if kind is Generator else devices._kind(value) if kind is not Tensor else "Tensor"


def refuse(name: str, args: tuple[Any, ...], named: dict[str, Any], expected: tuple[str, ...]) -> NoReturn:
    """TypeError: no overload takes these arguments."""
    got = ", ".join(map(type_name, args))
    if named:
        pairs = ", ".join(f"{key}={type_name(value)}" for key, value in named.items())
        got = f"{got}, {pairs}" if args else pairs + ", "
    listing = "".join(f" * ({line})\n" for line in expected)
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({got}), but expected one of:\n{listing}"
    )


def take(
    name: str, names: tuple[str, ...], defaults: tuple[Any, ...], args: tuple[Any, ...], named: dict[str, Any]
) -> list[Any]:
    """The arguments of a function with one signature, by position or by name; `...` marks one without default."""
    count = len(args)
    if count > len(names):
        least = len(names) - sum(value is not ... for value in defaults)
        allowed = f"{len(names)}" if least == len(names) else f"from {least} to {len(names)}"
        plural = "argument" if allowed == "1" else "arguments"
        raise TypeError(f"{name}() takes {allowed} positional {plural} but {count} were given")
    values = [*args, *defaults[count:]]
    for key, value in named.items():
        if key not in names:
            raise TypeError(f"{name}() got an unexpected keyword argument '{key}'")
        at = names.index(key)
        if at < count:
            raise TypeError(f"{name}() got multiple values for argument '{key}'")
        values[at] = value
    if ... in values:
        lacking = ", ".join(f'"{key}"' for key, value in zip(names, values, strict=True) if value is ...)
        raise TypeError(f"{name}() missing {values.count(...)} required positional arguments: {lacking}")
    return values


def where(named: dict[str, Any], arg: str, position: int) -> str:
    """' (position 1)', or nothing for an argument that was named."""
    return "" if arg in named else f" (position {position})"


def number(name: str, arg: str, position: int, value: Any, named: dict[str, Any]) -> float:
    """A real number: Python's, NumPy's, or a 0-d tensor."""
    if value.__class__ is float or value.__class__ is int:
        return float(value)
    if isinstance(value, Tensor) and value.ndim == 0 and not value.dtype.is_complex:
        return float(value._data)
    if isinstance(value, (float, int, np.floating, np.integer, np.bool_)):
        return float(value)
    raise TypeError(f"{name}(): argument '{arg}'{where(named, arg, position)} must be float, not {type_name(value)}")


def is_integer(value: Any) -> bool:
    """Whether PyTorch takes it as an int: Python's (no bool), NumPy's, or a 0-d integer tensor."""
    if isinstance(value, Tensor):
        return value.ndim == 0 and value._data.dtype.kind in "iu"
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def integer(value: Any) -> int:
    """An int that `is_integer`, in the range of int64."""
    result = int(value._data) if isinstance(value, Tensor) else int(value)
    if not LOW <= result <= HIGH:
        raise ValueError("Overflow when unpacking long long")
    return result


def is_number(value: Any) -> bool:
    """Whether PyTorch takes it as a float."""
    if isinstance(value, Tensor):
        return value.ndim == 0 and not value.dtype.is_complex
    return isinstance(value, (float, int, np.floating, np.integer))


def the_generator(name: str, value: Any) -> Generator | None:
    """A generator or None."""
    if value is None or isinstance(value, Generator):
        return value
    raise TypeError(f"{name}(): argument 'generator' must be torch.Generator, not {type_name(value)}")


def the_tensor(name: str, value: Any, arg: str = "input", position: int = 1) -> Tensor:
    """A tensor."""
    if isinstance(value, Tensor):
        return value
    raise TypeError(f"{name}(): argument '{arg}' (position {position}) must be Tensor, not {type_name(value)}")


def shape_of(name: str, value: Any, place: str = "") -> tuple[int, ...]:
    """A size: a sequence of integers, none of them negative."""
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{name}(): argument 'size'{place} must be tuple of ints, not {type_name(value)}")
    shape = []
    for at, item in enumerate(value):
        if item.__class__ is not int:
            if not is_integer(item):
                raise TypeError(
                    f"{name}(): argument 'size' failed to unpack the object at pos {at + 1} with error "
                    f'"type must be tuple of ints,but got {type_name(item)}"'
                )
            item = integer(item)
        shape.append(item)
    for item in shape:
        if item < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {item}: {shape}")
    return tuple(shape)


def check_place(name: str, options: dict[str, Any]) -> bool:
    """Refuse what is not plain CPU memory. Whether a tensor without data is asked for."""
    meta = check_device(options.get("device"), name, meta=True)
    layout = options.get("layout")
    if layout is not None and layout is not devices.strided:
        raise NotImplementedError(f"{name}(): layout {layout!r}")
    if options.get("pin_memory"):
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available "
            "on this system."
        )
    return meta


def options_fit(options: dict[str, Any]) -> bool:
    """Whether the keyword options of a function that makes a tensor are of the right types."""
    types: dict[str, Any] = {
        "dtype": (dtypes.dtype, type), "layout": devices.layout, "generator": Generator, "out": Tensor,
        "memory_format": devices.memory_format, "device": (devices.device, str, int),
    }  # fmt: skip
    for key, value in options.items():
        if key in ("pin_memory", "requires_grad"):
            if not isinstance(value, bool):
                return False
        elif value is not None and not isinstance(value, types[key]):
            return False
    return True
