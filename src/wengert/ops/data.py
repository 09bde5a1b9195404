"""Tensors from data: `torch.tensor`, and the functions that share the memory of others."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np

from ..core import dtypes
from ..core import tensor as tensor_module
from ..core.devices import CPU
from ..core.dtypes import FROM_NUMPY
from ..core.errors import warn, warn_once
from ..core.modes import mode
from ..core.primitive import ops
from ..core.promotion import promote_types
from ..core.size import Size
from ..core.storage import borrow
from ..core.tensor import Tensor, share_version
from ..kernels import numpy as kernels
from .create import BOOL, INT64, NUMBERS, check_device, check_sizes, chosen_dtype, finish
from .install import public

ndarray = np.ndarray

# ---------------------------------------------------------------- torch.tensor

_BUFFERS = (bytearray, memoryview)


def is_sequence(x: Any) -> bool:
    """What PyTorch walks into: lists, tuples, arrays, ranges, ... but not sets, dicts or tensors."""
    kind = x.__class__
    if kind is list or kind is tuple:
        return True
    if kind in (int, float, bool, complex) or isinstance(x, (Tensor, np.generic, dict, set, frozenset)):
        return False
    return hasattr(x, "__getitem__") and hasattr(x, "__len__")


def leaves_of(data: Any) -> tuple[list[Any], tuple[int, ...]]:
    """The elements of nested sequences, flat, and their shape."""
    shape: list[int] = []
    first = data
    warned = False
    while is_sequence(first):
        if isinstance(first, (str, bytes)):
            raise ValueError("too many dimensions 'str'") if isinstance(first, str) else TypeError(
                "new(): invalid data type 'bytes'"
            )
        n = len(first)
        shape.append(n)
        if len(shape) > 128:
            raise ValueError(f"too many dimensions '{type(first).__name__}'")
        if n == 0:
            break
        first = first[0]
        if not warned and isinstance(first, ndarray) and first.ndim:
            warned = True
            warn_once(
                "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the "
                "list "
                "to a single numpy.ndarray with numpy.array() before converting to a tensor."
            )
    level: list[Any] = [data]
    for depth, n in enumerate(shape):
        for seq in level:
            if seq.__class__ is not list and seq.__class__ is not tuple and not is_sequence(seq):
                raise TypeError("not a sequence")
            if len(seq) != n:
                raise ValueError(f"expected sequence of length {n} at dim {depth} (got {len(seq)})")
        level = list(chain.from_iterable(level)) if level else []
    return level, tuple(shape)


def element_dtype(x: Any) -> Any:
    """The dtype that one element brings."""
    if isinstance(x, bool):
        return BOOL
    if isinstance(x, Tensor):
        return x.dtype
    if isinstance(x, np.generic):
        return dtypes.from_numpy(x.dtype)
    if isinstance(x, float):
        return dtypes.get_default_dtype()
    if isinstance(x, int):
        return INT64
    if isinstance(x, complex):
        return dtypes.get_default_complex_dtype()
    if isinstance(x, ndarray):
        return dtypes.from_numpy(x.dtype)
    if isinstance(x, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(x).__name__}'")
    if is_sequence(x):
        return element_dtype(x[0]) if len(x) else dtypes.get_default_dtype()
    if hasattr(x, "__index__"):
        return INT64
    raise RuntimeError(f"Could not infer dtype of {type(x).__name__}")


def common_dtype(leaves: list[Any]) -> Any:
    """The dtype of the whole: the elements' dtypes promoted together."""
    kinds = set(map(type, leaves))
    if kinds <= NUMBERS:
        if complex in kinds:
            return dtypes.get_default_complex_dtype()
        if float in kinds or not kinds:
            return dtypes.get_default_dtype()
        return INT64 if int in kinds else BOOL
    found = None
    for x in leaves:
        d = element_dtype(x)
        found = d if found is None or found is d else promote_types(found, d)
    return found


_INTS = {int, bool}


def elements(leaves: list[Any], kind: Any) -> Any:
    """The elements as a flat array of dtype `kind`, with PyTorch's checks."""
    np_kind = kind.np
    kinds = set(map(type, leaves))
    if not kinds <= NUMBERS:
        leaves = [number(x, kind) for x in leaves]
        kinds = set(map(type, leaves))
    category = kind.category
    if category == dtypes.INTEGRAL:
        if kinds <= _INTS and kind is INT64:
            try:
                return np.array(leaves, np_kind)
            except OverflowError:
                raise ValueError("Overflow when unpacking long long") from None
        return np.array([whole(x, kind) for x in leaves], np_kind)
    if category == dtypes.BOOL:
        return np.array([bool(x) for x in leaves], bool)
    if complex in kinds and category != dtypes.COMPLEX:
        raise TypeError("must be real number, not complex")
    if kinds <= {float} or category == dtypes.COMPLEX or np_kind.itemsize == 8:
        return np.array(leaves, np_kind)
    return np.array(leaves, np.float64).astype(np_kind)


def number(x: Any, kind: Any) -> Any:
    """An element that is no plain number as one."""
    if isinstance(x, Tensor):
        if x.numel() != 1:  # type: ignore[attr-defined]
            raise ValueError("only one element tensors can be converted to Python scalars")
        if kind.category == dtypes.INTEGRAL and x.dtype.category > dtypes.INTEGRAL:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        if x.requires_grad:
            warn_once(
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider "
                "using "
                "tensor.detach() first."
            )
        return x.item()  # type: ignore[attr-defined]
    if isinstance(x, np.generic):
        return x.item()
    if is_sequence(x) or isinstance(x, (str, bytes)) or not isinstance(x, (int, float, complex)):
        if kind.category == dtypes.INTEGRAL:
            if hasattr(x, "__index__") and not is_sequence(x):
                return x.__index__()
            raise TypeError(f"'{type(x).__name__}' object cannot be interpreted as an integer")
        if kind.category == dtypes.BOOL:
            return bool(x)
        if hasattr(x, "__float__") and not is_sequence(x):
            return float(x)
        raise TypeError(f"must be real number, not {type(x).__name__}")
    return x


def whole(x: Any, kind: Any) -> int:
    """A number as an element of an integer dtype."""
    if isinstance(x, complex):
        raise TypeError("'complex' object cannot be interpreted as an integer")
    if isinstance(x, float):
        if not math.isfinite(x) or not -(2.0**63) <= x < 2.0**63:
            raise RuntimeError(f"value cannot be converted to type {_c_name(kind)} without overflow")
        x = int(x)
    if not -(2**63) <= x < 2**63 + (2**63 if kind.name == "uint64" else 0):
        raise ValueError("Overflow when unpacking long long")
    bits = kind.itemsize * 8
    if kind.is_signed:
        if not -(1 << bits - 1) <= x < 1 << bits - 1:
            raise RuntimeError(f"value cannot be converted to type {_c_name(kind)} without overflow")
        return x
    if not -(1 << bits) < x < 1 << bits:
        raise RuntimeError(f"value cannot be converted to type {_c_name(kind)} without overflow")
    return x & ((1 << bits) - 1)


def _c_name(kind: Any) -> str:
    return str(kind.name)


def array_from(data: Any, kind: Any) -> Any:
    """A new array with the elements of `data` (no Tensor) in dtype `kind` (None: inferred)."""
    cls = data.__class__
    if cls is float or cls is int or cls is bool or cls is complex:
        if kind is None:
            if cls is float:
                return np.array(data, dtypes.get_default_dtype().np)
            kind = common_dtype([data])
        return elements([data], kind).reshape(())
    if (cls is list or cls is tuple) and data:
        kinds = set(map(type, data))
        if kinds == {float} and (kind is None or kind.np.kind == "f" and kind.itemsize >= 4):
            return np.array(data, (kind or dtypes.get_default_dtype()).np)
    if isinstance(data, ndarray):
        check_array(data)
        source = FROM_NUMPY[data.dtype]
        if kind is None or kind is source:
            return data.copy(order="C")
        return kernels.to_dtype(np.ascontiguousarray(data) if data.ndim else data, kind)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{cls.__name__}'")
    if not is_sequence(data):
        if isinstance(data, np.generic):
            if kind is None:
                return np.array(data, dtypes.from_numpy(data.dtype).np)
        elif kind is None:
            kind = element_dtype(data)
        return elements([data], kind).reshape(())
    leaves, shape = leaves_of(data)
    if kind is None:
        kind = common_dtype(leaves)
        if kind is None:
            kind = dtypes.get_default_dtype()
    if not leaves:
        return np.empty(shape, kind.np)
    return elements(leaves, kind).reshape(shape)


def check_array(data: Any) -> None:
    """PyTorch's refusals of a NumPy array."""
    tracer = mode().tracer
    if tracer is not None:
        tracer.refuse_host_array()
    dtypes.from_numpy(data.dtype)
    for s in data.strides:
        if s < 0:
            raise ValueError(
                "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
                "currently supported. (You can probably work around this by making a copy of your array  with "
                "array.copy().) "
            )


def copy_construct_warning(source: str) -> None:
    warn(
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
        f"sourceTensor.detach().clone().requires_grad_(True), rather than {source}(sourceTensor)."
    )


@public(method=False)
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new leaf with a copy of `data`: a number, nested sequences of numbers, an array, a tensor (warns).

    dtype: inferred if None (Python floats: the default dtype; NumPy: its own). Errors: ragged or foreign data,
    numbers that do not fit, requires_grad with an integer dtype.
    """
    kind = chosen_dtype(dtype, "tensor")
    if isinstance(data, Tensor):
        copy_construct_warning("torch.tensor")
        if data._level:
            copy = data.detach().clone()  # type: ignore[attr-defined]
            return copy if kind is None else copy.to(kind)  # type: ignore[no-any-return]
        array = data._data.copy() if kind is None else kernels.to_dtype(data._data, kind)
    else:
        array = array_from(data, kind)
    return finish(array, "tensor", device, requires_grad, None, pin_memory)


@public(function=False)
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A new leaf with a copy of `data` in this tensor's dtype (unless given)."""
    kind = chosen_dtype(dtype, "new_tensor")
    if isinstance(data, Tensor):
        copy_construct_warning("tensor.new_tensor")
        array = data._data.copy() if kind is None else kernels.to_dtype(data._data, kind)
    else:
        array = array_from(data, kind or self.dtype)
    return finish(array, "new_tensor", device, requires_grad, layout, pin_memory)


# ---------------------------------------------------------------- sharing memory with others


@public(method=False)
def from_numpy(ndarray: Any, /) -> Tensor:
    """A tensor over the memory of a NumPy array: changes of one are seen in the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return finish(from_array(ndarray), "from_numpy", CPU, False)


def from_array(array: Any) -> Any:
    check_array(array)
    if not array.flags.writeable:
        warn_once(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor. This type of warning will be suppressed for "
            "the "
            "rest of this program."
        )
    if array.__class__ is not np.ndarray:
        array = np.asarray(array)
    return borrow(array)


@public(method=False)
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, sharing its memory (and its history) where dtype and device allow."""
    kind = chosen_dtype(dtype, "as_tensor")
    if isinstance(data, Tensor):
        return data.to(device, kind) if device is not None else data if kind is None else data.to(kind)  # type: ignore
    if isinstance(data, np.ndarray):
        array = from_array(data)
        if kind is not None and array.dtype != kind.np:
            array = array_from(data, kind)
        return finish(array, "as_tensor", device, False)
    if hasattr(data, "__dlpack__") or hasattr(data, "__array_interface__") and not isinstance(data, np.generic):
        array = from_array(np.asarray(data))
        return finish(array if kind is None else array_from(array, kind), "as_tensor", device, False)
    return finish(array_from(data, kind), "as_tensor", device, False)


@public(method=False)
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """`obj` as a tensor: shares memory if it can (copy=None), always (False, else an error), never (True)."""
    kind = chosen_dtype(dtype, "asarray")
    check_device(device, "asarray")
    if isinstance(obj, Tensor):
        if requires_grad is None and obj.requires_grad:
            warn_once(
                "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
                "requires_grad=False explicitly to get the old behavior and silence this warning."
            )
        wanted = obj.requires_grad if requires_grad is None else requires_grad
        t: Any = obj
        if kind is not None and kind is not t.dtype:
            if copy is False:
                raise ValueError(
                    f"can't alias tensor with dtype '{t.dtype.scalar_name}' into dtype '{kind.scalar_name}'."
                )
            t = t.to(kind)
        elif copy:
            t = t.clone()
        if not wanted and t.requires_grad:
            t = t.detach()
        return t if t.requires_grad or not wanted else t.requires_grad_()  # type: ignore[no-any-return]
    grad = bool(requires_grad)
    if isinstance(obj, np.ndarray) or (not is_sequence_of_numbers(obj) and hasattr(obj, "__dlpack__")):
        array = from_array(obj) if isinstance(obj, np.ndarray) else from_dlpack(obj)._data
    elif not is_sequence_of_numbers(obj) and supports_buffer(obj):
        array = buffer_array(obj, kind or dtypes.get_default_dtype())
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return finish(array_from(obj, kind), "asarray", device, grad)
    if kind is not None and array.dtype != kind.np:
        if copy is False:
            raise ValueError(
                f"can't alias tensor with dtype '{FROM_NUMPY[array.dtype].scalar_name}' into dtype "
                f"'{kind.scalar_name}'."
            )
        array = kernels.to_dtype(array, kind)
    elif copy:
        array = array.copy()
    return finish(array, "asarray", device, grad)


def is_sequence_of_numbers(x: Any) -> bool:
    return isinstance(x, (list, tuple, int, float, bool, complex))


def supports_buffer(x: Any) -> bool:
    try:
        memoryview(x)
    except TypeError:
        return False
    return True


def buffer_array(buffer: Any, kind: Any, count: int = -1, offset: int = 0) -> Any:
    """The elements in a buffer, not copied."""
    view = memoryview(buffer)
    n, k = view.nbytes, kind.itemsize
    if not n or not count:
        raise ValueError(f"both buffer length ({n}) and count ({count}) must not be 0")
    if not 0 <= offset < n:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({n} bytes) minus 1"
        )
    if count > 0 and offset + count * k > n:
        raise ValueError(
            f"requested buffer length ({count} * {k} bytes) after offset ({offset} bytes) must not be greater than "
            f"actual buffer length ({n} bytes)"
        )
    if count < 0 and (n - offset) % k:
        raise ValueError(
            f"buffer length ({n - offset} bytes) after offset ({offset} bytes) must be a multiple of element size ({k})"
        )
    if view.readonly:
        warn_once(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can "
            "write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the "
            "buffer "
            "to protect its data or make it writable before converting it to a tensor. This type of warning will be "
            "suppressed for the rest of this program."
        )
    return np.frombuffer(view, kind.np, count, offset)


@public(method=False)
def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor over the memory of a buffer (bytearray, array, ...), from byte `offset` on."""
    if not supports_buffer(buffer):
        raise ValueError("object does not implement Python buffer protocol.")
    data = buffer_array(buffer, chosen_dtype(dtype, "frombuffer"), count, offset)
    return finish(data, "frombuffer", CPU, requires_grad)


@public(method=False)
def from_file(
    filename: str, shared: bool | None = None, size: int | None = 0, *, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A 1-d tensor of `size` elements mapped from a file; with `shared`, writing to it writes to the file."""
    kind = chosen_dtype(dtype, "from_file") or dtypes.get_default_dtype()
    n = (size or 0) * kind.itemsize
    if shared:
        with open(filename, "ab") as file:
            if file.tell() < n:
                file.truncate(n)
    data = np.memmap(filename, np.uint8, "r+" if shared else "c", 0, (n,))
    return finish(borrow(np.asarray(data).view(kind.np)), "from_file", device, False, layout, pin_memory)


@public(method=False)
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of any object with `__dlpack__`."""
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.detach() if not copy else ext_tensor.detach().clone()  # type: ignore[attr-defined, no-any-return]
    array = np.from_dlpack(ext_tensor)
    return finish(array.copy() if copy else array, "from_dlpack", CPU, False)


# ---------------------------------------------------------------- the legacy constructor


def construct(cls: type, *args: Any, **kwargs: Any) -> Tensor:
    """`Tensor(2, 3)`, `Tensor(sequence)`, `Tensor(tensor)`: the default dtype, as PyTorch's oldest constructor."""
    check_device(kwargs.pop("device", None), "new")
    if kwargs:
        raise TypeError(f"new() received an invalid combination of arguments - got ({', '.join(kwargs)})")
    t = legacy(args, dtypes.get_default_dtype(), True)
    if cls is not Tensor:
        made = tensor_module.new(cls)
        made._data, made._fn, made._ver, made._view = t._data, t._fn, share_version(t), t._view
        return made  # type: ignore[no-any-return]
    return t


def legacy(args: tuple[Any, ...], kind: Any, any_dtype: bool = False) -> Tensor:
    if not args:
        return finish(np.empty(0, kind.np), "new", CPU, False)
    first = args[0]
    if len(args) == 1 and not isinstance(first, (int, np.integer)):
        if isinstance(first, Tensor):
            if first.dtype is not kind and not any_dtype:
                raise TypeError(f"expected {kind.scalar_name} (got {first.dtype.scalar_name})")
            return first.detach() if not first.requires_grad else ops.alias(first)  # type: ignore[attr-defined, no-any-return]
        if isinstance(first, Size):
            return finish(np.empty(first, kind.np), "new", CPU, False)
        return finish(array_from(first, kind), "new", CPU, False)
    if all(isinstance(n, (int, np.integer)) for n in args):
        return finish(np.empty(check_sizes(args, "new"), kind.np), "new", CPU, False)
    got = ", ".join(type(a).__name__ for a in args)
    raise TypeError(f"new() received an invalid combination of arguments - got ({got})")


tensor_module.construct = construct
