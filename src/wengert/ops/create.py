"""Making tensors: from data, from a shape and a value, like another tensor."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np

from ..core import devices, dtypes, tensor as tensor_module
from ..core.devices import CPU
from ..core.dtypes import DTYPES, FROM_NUMPY, dtype as dtype_class
from ..core.errors import warn
from ..core.inplace import write_out
from ..core.modes import mode
from ..core.primitive import Primitive, general, ops
from ..core.promotion import promote_types
from ..core.size import Size
from ..core.storage import borrow
from ..core.tensor import PLAIN, Tensor, is_inference, mark_inference, set_requires_grad, share_version, wrap
from ..kernels import numpy as kernels
from ..kernels.memory import contiguous_strides, strided
from ..kernels.scalars import convert_scalar
from .install import public

ndarray = np.ndarray
INT64, FLOAT64, BOOL = DTYPES["int64"], DTYPES["float64"], DTYPES["bool"]

# ---------------------------------------------------------------- the arguments that all of them take

_PYTHON_TYPES = {float: FLOAT64, int: INT64, bool: BOOL, complex: DTYPES["complex128"]}


def chosen_dtype(given: Any, name: str) -> Any:
    """`dtype=`: ours, or a Python type; None stays."""
    if given is None or given.__class__ is dtype_class:
        return given
    if isinstance(given, type) and given in _PYTHON_TYPES:
        return _PYTHON_TYPES[given]
    raise TypeError(f"{name}(): argument 'dtype' must be torch.dtype, not {type(given).__name__}")


def check_device(given: Any, name: str = "") -> None:
    """`device=`: only the CPU has memory here."""
    if given is None:
        given = devices.get_default_device()
        if given is CPU:
            return
    elif given.__class__ is not devices.device:
        if isinstance(given, int) and not isinstance(given, bool) or isinstance(given, str):
            given = devices.device(given)
        else:
            raise TypeError(f"{name}(): argument 'device' must be torch.device, not {type(given).__name__}")
    kind = given.type
    if kind == "cpu":
        return
    if kind == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    raise NotImplementedError(f"device '{given}': tensors live on the CPU here")


def finish(data: Any, name: str, device: Any, requires_grad: Any, layout: Any = None, pin_memory: Any = False) -> Tensor:
    """A new leaf over `data`, after the checks of the arguments that all factories share."""
    if device is not CPU:
        check_device(device, name)
    if layout is not None and layout is not devices.strided:
        if not isinstance(layout, devices.layout):
            raise TypeError(f"{name}(): argument 'layout' must be torch.layout, not {type(layout).__name__}")
        raise NotImplementedError(f"{name}(): layout {layout!r}")
    if pin_memory:
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
            "this system."
        )
    t = wrap(data)
    if requires_grad:
        if data.dtype.kind not in "fcV":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        set_requires_grad(t, True)
    if mode().inference:
        mark_inference(t)
    return t


def check_sizes(size: Any, name: str, position: int = 1) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` -> (2, 3), with PyTorch's errors."""
    if size.__class__ is tuple or size.__class__ is Size or size.__class__ is list:
        out = []
        for i, n in enumerate(size):
            if n.__class__ is not int:
                if isinstance(n, bool) or not hasattr(n, "__index__") or (isinstance(n, Tensor) and n.ndim):
                    raise TypeError(
                        f"{name}(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type must be "
                        f'tuple of ints,but got {type_name(n)}"'
                    )
                n = n.__index__()
            out.append(n)
        for n in out:
            if n < 0:
                raise RuntimeError(
                    f"{name}: Dimension size must be non-negative." if name in ("zeros", "ones", "full")
                    else f"Trying to create tensor with negative dimension {n}: {out}"
                )  # fmt: skip
        return tuple(out)
    raise TypeError(f"{name}(): argument 'size' (position {position}) must be tuple of ints, not {type_name(size)}")


def type_name(x: Any) -> str:
    return type(x).__name__


def sizes_of(args: tuple[Any, ...], size: Any, name: str) -> tuple[int, ...]:
    """The shape from `*size` or `size=`."""
    if size is not None:
        if args:
            raise TypeError(f"{name}() got multiple values for argument 'size'")
        args = (size,)
    elif not args:
        raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
    first = args[0]
    if len(args) == 1:
        if isinstance(first, (tuple, list)):
            return check_sizes(first, name)
        if isinstance(first, Tensor) and first.ndim == 0 and first.dtype.category == dtypes.INTEGRAL:
            return check_sizes((first,), name)
        if isinstance(first, bool) or not hasattr(first, "__index__") or isinstance(first, Tensor):
            raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not {type_name(first)}")
    elif isinstance(first, (tuple, list)):
        raise TypeError(f"{name}() takes 1 positional argument but {len(args)} were given")
    return check_sizes(args, name)


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
            warn(
                "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list "
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
    if kinds <= _NUMBERS:
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


_NUMBERS = {int, float, bool, complex}
_INTS = {int, bool}


def elements(leaves: list[Any], kind: Any) -> Any:
    """The elements as a flat array of dtype `kind`, with PyTorch's checks."""
    np_kind = kind.np
    kinds = set(map(type, leaves))
    if not kinds <= _NUMBERS:
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
            warn(
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using "
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


@public(method=False)
def scalar_tensor(
    s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A 0-d tensor of the default dtype (or `dtype`)."""
    kind = chosen_dtype(dtype, "scalar_tensor") or dtypes.get_default_dtype()
    return finish(scalar_data(s, kind), "scalar_tensor", device, requires_grad, layout, pin_memory)


def scalar_data(value: Any, kind: Any) -> Any:
    return convert_scalar(value.item() if isinstance(value, (Tensor, np.generic)) else value, kind.np)  # type: ignore


# ---------------------------------------------------------------- a shape and a value


def install_filled(name: str, make: Any) -> None:
    """torch.zeros, torch.ones, torch.empty."""

    def factory(
        *args: Any, size: Any = None, out: Any = None, names: Any = None, dtype: Any = None, layout: Any = None,
        device: Any = None, pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        shape = args if args and all([n.__class__ is int and n >= 0 for n in args]) else sizes_of(args, size, name)
        if out is not None:
            return write_out(out, wrap(make(shape, out._data.dtype)), name)
        kind = dtypes.get_default_dtype() if dtype is None else chosen_dtype(dtype, name)
        data = make(shape, kind.np)
        if memory_format is not None:
            data = in_format(data, memory_format)
        return finish(data, name, device, requires_grad, layout, pin_memory)

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = f"A tensor of shape `size` ({'uninitialised' if name == 'empty' else 'all ' + name})."
    public(factory, name=name, method=False)


install_filled("zeros", np.zeros)
install_filled("ones", np.ones)
install_filled("empty", np.empty)


def filled(shape: tuple[int, ...], value: Any, kind: Any) -> Any:
    """An array of `shape` full of a Python number (or None: uninitialised)."""
    if value is None:
        return np.empty(shape, kind)
    if value.__class__ is int and value == 0:
        return np.zeros(shape, kind)
    out = np.empty(shape, kind)
    out[...] = convert_scalar(value, kind)
    return out


@public(method=False)
def full(
    size: Any, fill_value: Any, *, out: Any = None, names: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of shape `size` full of `fill_value`; the dtype follows the value unless given."""
    shape = check_sizes(size, "full")
    fill_value = number_value(fill_value, "full", "fill_value", 2)
    if out is not None:
        return write_out(out, wrap(filled(shape, fill_value, out._data.dtype)), "full")
    kind = chosen_dtype(dtype, "full") or common_dtype([fill_value])
    return finish(filled(shape, fill_value, kind.np), "full", device, requires_grad, layout, pin_memory)


def number_value(x: Any, name: str, argument: str, position: int) -> Any:
    """A Python number, from a number, a NumPy scalar or a 0-d tensor without gradient."""
    if x.__class__ in _NUMBERS:
        return x
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, Tensor) and x.ndim == 0 and not x.requires_grad:
        return x.item()  # type: ignore[attr-defined]
    if isinstance(x, (int, float, complex)):
        return x
    raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be Number, not {type(x).__name__}")


# ---------------------------------------------------------------- sequences


@public(method=False)
def arange(
    *args: Any, start: Any = 0, end: Any = None, step: Any = 1, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers from `start` (0) up to but without `end` by `step` (1). int64 if all three are integers."""
    given = [number_value(a, "arange", ("start", "end", "step")[i], i + 1) for i, a in enumerate(args)]
    if len(given) == 1:
        if end is None:
            end = given[0]
        else:
            start = given[0]
    elif len(given) == 2:
        start, end = given
    elif len(given) == 3:
        start, end, step = given
    if end is None or len(given) > 3:
        got = ", ".join(type(a).__name__ for a in args)
        raise TypeError(f"arange() received an invalid combination of arguments - got ({got})")
    start, end, step = (number_value(v, "arange", n, 1) for v, n in ((start, "start"), (end, "end"), (step, "step")))
    kind = chosen_dtype(dtype, "arange")
    if kind is None:
        if out is not None:
            kind = out.dtype
        elif any(isinstance(v, float) for v in (start, end, step)):
            kind = dtypes.get_default_dtype()
        else:
            kind = INT64
    data = arange_data(start, end, step, kind)
    if out is not None:
        return write_out(out, wrap(data), "arange")
    return finish(data, "arange", device, requires_grad, layout, pin_memory)


def arange_data(start: Any, end: Any, step: Any, kind: Any) -> Any:
    """start + i * step, computed in double and rounded once, as PyTorch does."""
    if kind is BOOL:
        raise NotImplementedError("\"arange_cpu\" not implemented for 'Bool'")
    if kind.is_complex:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{kind.scalar_name}'")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if kind.category == dtypes.INTEGRAL:
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise RuntimeError("step must be nonzero")
        return np.arange(start, end, step, np.int64).astype(kind.np, copy=False)
    n = math.ceil((end - start) / step)
    return (start + np.arange(n) * step).astype(kind.np)


@public(name="range", method=False)
def range_with_end(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """As `arange` with the end included, in the default dtype. Deprecated by PyTorch."""
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end)."
    )
    if end is None:
        start, end = 0, start
    kind = chosen_dtype(dtype, "range") or dtypes.get_default_dtype()
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    n = int((end - start) / step) + 1
    data = (start + np.arange(n) * step).astype(kind.np)
    if out is not None:
        return write_out(out, wrap(data), "range")
    return finish(data, "range", device, requires_grad, layout, pin_memory)


def spaced(start: Any, end: Any, steps: Any, kind: Any) -> Any:
    """`steps` numbers from start to end: from the start up to the middle, from the end down to it."""
    i = np.arange(steps)
    if steps == 1:
        return np.full(1, start).astype(kind.np)
    if kind.category == dtypes.INTEGRAL:
        work = np.float32 if kind.itemsize < 8 else np.float64
        step = work((end - start) / (steps - 1)) if kind.itemsize >= 8 else np.float32(end - start) / np.float32(steps - 1)
        low, high = start + step * i[: steps // 2], end - step * (steps - 1 - i[steps // 2 :])
        return np.concatenate([low, high]).astype(np.int64).astype(kind.np)
    work = kind.np if kind.itemsize >= 4 and kind.np.kind in "fc" else np.dtype(np.float32)
    a, b = work.type(start), work.type(end)
    step = (b - a) / work.type(steps - 1)
    low = a + step * i[: steps // 2].astype(work)
    high = b - step * (steps - 1 - i[steps // 2 :]).astype(work)
    return np.concatenate([low, high]).astype(kind.np)


def _steps(steps: Any, name: str) -> int:
    if not hasattr(steps, "__index__"):
        raise TypeError(f"{name}(): argument 'steps' (position 3) must be int, not {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return int(steps.__index__())


def _between(start: Any, end: Any, dtype: Any, out: Any, name: str) -> tuple[Any, Any, Any]:
    """Both ends as numbers, and the dtype."""
    for label, v in (("start", start), ("end", end)):
        if isinstance(v, Tensor) and v.ndim:
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got {label} with {v.ndim} dimension(s)."
            )
    a, b = (v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (start, end))  # type: ignore[attr-defined]
    kind = chosen_dtype(dtype, name)
    is_complex = isinstance(a, complex) or isinstance(b, complex)
    if kind is None:
        if out is not None:
            kind = out.dtype
        else:
            kind = dtypes.get_default_complex_dtype() if is_complex else dtypes.get_default_dtype()
    if is_complex and not kind.is_complex:
        default = dtypes.get_default_complex_dtype()
        raise RuntimeError(
            f"torch.{name}(): inferred dtype {default.scalar_name} can't be safely cast to passed dtype "
            f"{kind.scalar_name}"
        )
    return a, b, kind


@public(method=False)
def linspace(
    start: Any, end: Any, steps: Any, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` numbers, evenly spaced, from `start` to `end`, both included."""
    n = _steps(steps, "linspace")
    a, b, kind = _between(start, end, dtype, out, "linspace")
    data = spaced(a, b, n, kind)
    if out is not None:
        return write_out(out, wrap(data), "linspace")
    return finish(data, "linspace", device, requires_grad, layout, pin_memory)


@public(method=False)
def logspace(
    start: Any, end: Any, steps: Any, base: float = 10.0, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """base ** linspace(start, end, steps)."""
    n = _steps(steps, "logspace")
    a, b, kind = _between(start, end, dtype, out, "logspace")
    if kind.category == dtypes.INTEGRAL:
        exponents = spaced(float(a), float(b), n, DTYPES["float64"])
        data = np.power(float(base), exponents).astype(np.int64).astype(kind.np)
    else:
        work = kind if kind.itemsize >= 4 and kind.np.kind in "fc" else DTYPES["float32"]
        data = np.power(work.np.type(base), spaced(a, b, n, work)).astype(kind.np)
    if out is not None:
        return write_out(out, wrap(data), "logspace")
    return finish(data, "logspace", device, requires_grad, layout, pin_memory)


# ---------------------------------------------------------------- matrices


@public(method=False)
def eye(
    n: int, m: int | None = None, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Ones on the diagonal, zeros elsewhere: n rows, m columns (n if None)."""
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    if m is not None and m < 0:
        raise RuntimeError(f"m must be greater or equal to 0, got {m}")
    if out is not None:
        return write_out(out, wrap(np.eye(n, m, dtype=out._data.dtype)), "eye")
    kind = chosen_dtype(dtype, "eye") or dtypes.get_default_dtype()
    return finish(np.eye(n, m, dtype=kind.np), "eye", device, requires_grad, layout, pin_memory)


def _triangle(
    name: str, make: Any, row: int, col: int, offset: int, dtype: Any, device: Any, layout: Any
) -> Tensor:
    if row < 0:
        raise RuntimeError(f"row must be non-negative, got{row}")
    if col < 0:
        raise RuntimeError(f"col must be non-negative, got{col}")
    kind = chosen_dtype(dtype, name) or INT64
    data = np.array(make(row, offset, col), np.int64).reshape(2, -1).astype(kind.np)
    return finish(data, name, device, False, layout)


@public(method=False)
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Row and column indices (2, k) of the lower triangle of a row x col matrix."""
    return _triangle("tril_indices", np.tril_indices, row, col, offset, dtype, device, layout)


@public(method=False)
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Row and column indices (2, k) of the upper triangle of a row x col matrix."""
    return _triangle("triu_indices", np.triu_indices, row, col, offset, dtype, device, layout)


# ---------------------------------------------------------------- like another tensor


def in_format(data: Any, memory_format: Any) -> Any:
    """`data` (a fresh array) with the strides of a memory format."""
    if memory_format is None or memory_format is devices.contiguous_format or memory_format is devices.preserve_format:
        return data
    order = channels_order(memory_format, data.ndim)
    out = np.empty([data.shape[d] for d in order], data.dtype).transpose(np.argsort(order))
    out[...] = data
    return out


def channels_order(memory_format: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions from the outermost in memory to the innermost."""
    if memory_format is devices.channels_last:
        if ndim != 4:
            raise RuntimeError("required rank 4 tensor to use channels_last format")
        return 0, 2, 3, 1
    if memory_format is devices.channels_last_3d:
        if ndim != 5:
            raise RuntimeError("required rank 5 tensor to use channels_last_3d format")
        return 0, 2, 3, 4, 1
    raise TypeError(f"argument 'memory_format' must be torch.memory_format, not {type(memory_format).__name__}")


def like(x: Any, value: Any, kind: Any, memory_format: Any = None) -> Any:
    """An array like the array `x`: its strides if it is dense, their order otherwise."""
    if memory_format is None or memory_format is devices.preserve_format:
        if x.flags.forc or 0 not in x.strides:
            out = np.empty_like(x, kind)
        else:
            order = dense_order(x.shape, x.strides)
            out = np.empty([x.shape[d] for d in order], kind).transpose(np.argsort(order))
    else:
        out = in_format(np.empty(x.shape, kind), memory_format)
    if value is not None:
        out.fill(value if value.__class__ is int and 0 <= value <= 1 else convert_scalar(value, kind))
    return out


def dense_order(shape: Any, strides: Any) -> list[int]:
    """The order of dimensions (outermost first) in which PyTorch lays out a dense tensor like one with these strides.

    Dimensions of stride 0 say nothing, and stay where they are among the others.
    """
    n = len(shape)
    inner = list(reversed(range(n)))

    def comes_after(a: int, b: int) -> int:
        if not strides[a] or not strides[b]:
            return 0
        if strides[a] != strides[b]:
            return 1 if strides[a] > strides[b] else -1
        return 1 if shape[a] > shape[b] else 0

    for i in range(1, n):
        at = i
        for k in range(i - 1, -1, -1):
            order = comes_after(inner[k], inner[at])
            if order > 0:
                inner[k], inner[at] = inner[at], inner[k]
                at = k
            elif order < 0:
                break
    return list(reversed(inner))


def _filled_like(x: Any, *, value: Any, kind: Any, memory_format: Any = None) -> Any:
    return like(x, value, kind, memory_format)


def _batch_like(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    return prim(vals[0], **params), dims[0]


def _filled_new(x: Any, *, size: Any, value: Any, kind: Any) -> Any:
    return filled(size, value, kind)


def _batch_new(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    n = vals[0].shape[dims[0]]
    return prim(vals[0], **{**params, "size": (n, *params["size"])}), 0


# As primitives, so that inside `vmap` each example gets a tensor of its own, which may be written into.
_like = general(
    "filled_like", params=("value", "kind", "memory_format"), kernel=_filled_like, batch=_batch_like, half="native",
    differentiable=False,
)  # fmt: skip
_new = general(
    "filled_new", params=("size", "value", "kind"), kernel=_filled_new, batch=_batch_new, half="native",
    differentiable=False,
)  # fmt: skip


def like_tensor(
    input: Any, value: Any, name: str, dtype: Any, layout: Any, device: Any, requires_grad: Any, memory_format: Any
) -> Tensor:
    """zeros_like and its kin."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    kind = input.dtype if dtype is None else chosen_dtype(dtype, name)
    if input.__class__ in PLAIN:
        return finish(like(input._data, value, kind.np, memory_format), name, device or CPU, requires_grad, layout)
    out: Tensor = _like(input, value=value, kind=kind.np, memory_format=memory_format)
    return out.requires_grad_() if requires_grad else out


def install_like(name: str, value: Any) -> None:
    """torch.zeros_like, ones_like, empty_like."""

    def factory(
        input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
        requires_grad: bool = False, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        return like_tensor(input, value, name, dtype, layout, device, requires_grad, memory_format)

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = f"A tensor as `input` in shape, dtype and memory layout ({name[:-5]})."
    public(factory, name=name, method=False)


install_like("zeros_like", 0)
install_like("ones_like", 1)
install_like("empty_like", None)


@public(method=False)
def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor as `input` in shape, dtype and memory layout, full of `fill_value`."""
    value = number_value(fill_value, "full_like", "fill_value", 2)
    return like_tensor(input, value, "full_like", dtype, layout, device, requires_grad, memory_format)


def new_tensor_of(
    self: Tensor, size: tuple[int, ...], value: Any, name: str, dtype: Any, device: Any, requires_grad: Any, layout: Any
) -> Tensor:
    """new_zeros and its kin."""
    kind = self.dtype if dtype is None else chosen_dtype(dtype, name)
    if not self._level:
        return finish(filled(size, value, kind.np), name, device or CPU, requires_grad, layout)
    out: Tensor = _new(self, size=size, value=value, kind=kind.np)
    return out.requires_grad_() if requires_grad else out


def install_new(name: str, value: Any) -> None:
    """Tensor.new_zeros, new_ones, new_empty."""

    def factory(
        self: Tensor, *args: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
        layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        return new_tensor_of(
            self, sizes_of(args, size, name), value, name, dtype, device, requires_grad, layout
        )

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = "A tensor of shape `size` with this tensor's dtype (unless given)."
    public(factory, name=name, function=False)


install_new("new_zeros", 0)
install_new("new_ones", 1)
install_new("new_empty", None)


@public(function=False)
def new_full(
    self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of shape `size` full of `fill_value`, with this tensor's dtype (unless given)."""
    value = number_value(fill_value, "new_full", "fill_value", 2)
    return new_tensor_of(self, check_sizes(size, "new_full"), value, "new_full", dtype, device, requires_grad, layout)


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


@public(function=False)
def new_empty_strided(
    self: Tensor, size: Any, stride: Any, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """As `empty_strided`, with this tensor's dtype (unless given)."""
    return empty_strided(size, stride, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


@public(method=False)
def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of shape `size` with the given strides (in elements)."""
    shape, steps = check_sizes(size, "empty_strided"), check_sizes(stride, "empty_strided", 2)
    if len(shape) != len(steps):
        raise RuntimeError(
            f"mismatch in length of strides and shape: size {list(shape)}, stride {list(steps)}"
        )
    kind = (chosen_dtype(dtype, "empty_strided") or dtypes.get_default_dtype()).np
    if steps == contiguous_strides(shape):
        data = np.empty(shape, kind)
    else:
        n = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, steps, strict=True))
        k = kind.itemsize
        data = strided(np.empty(n, kind), shape, [s * k for s in steps], 0) if n else np.empty(shape, kind)
    return finish(data, "empty_strided", device, requires_grad, layout, pin_memory)


@public(method=False)
def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of shape `size`, dense, its dimensions in memory in the order `physical_layout`."""
    shape = check_sizes(size, "empty_permuted")
    order = tuple(physical_layout)
    if len(order) != len(shape):
        raise RuntimeError(
            f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(shape)} is not equal to len(physical_layout) = {len(order)}"
        )
    if any(not 0 <= d < len(shape) for d in order):
        bad = next(d for d in order if not 0 <= d < len(shape))
        raise RuntimeError(
            f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {bad} at index "
            f"{order.index(bad)}).  NB: negative dims not currently supported; file an issue if you want it."
        )
    if len(set(order)) != len(order):
        raise RuntimeError("Duplicate dim not allowed")
    kind = (chosen_dtype(dtype, "empty_permuted") or dtypes.get_default_dtype()).np
    data = np.empty([shape[d] for d in order], kind).transpose(np.argsort(order)) if order else np.empty((), kind)
    return finish(data, "empty_permuted", device, requires_grad, layout, pin_memory)


# ---------------------------------------------------------------- sharing memory with others


@public(method=False)
def from_numpy(ndarray: Any, /) -> Tensor:  # noqa: A002
    """A tensor over the memory of a NumPy array: changes of one are seen in the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return finish(from_array(ndarray), "from_numpy", CPU, False)


def from_array(array: Any) -> Any:
    check_array(array)
    if not array.flags.writeable:
        warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor. This type of warning will be suppressed for the "
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
        return finish(array if kind is None or array.dtype == kind.np else array_from(data, kind), "as_tensor", device, False)
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
            warn(
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
                f"can't alias tensor with dtype '{FROM_NUMPY[array.dtype].scalar_name}' into dtype '{kind.scalar_name}'."
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
        warn(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can "
            "write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the buffer "
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
    t = legacy(args, dtypes.get_default_dtype())
    if cls is not Tensor:
        made = tensor_module.new(cls)
        made._data, made._fn, made._ver, made._view = t._data, t._fn, share_version(t), t._view
        return made  # type: ignore[no-any-return]
    return t


def legacy(args: tuple[Any, ...], kind: Any) -> Tensor:
    if not args:
        return finish(np.empty(0, kind.np), "new", CPU, False)
    first = args[0]
    if len(args) == 1 and not isinstance(first, (int, np.integer)):
        if isinstance(first, Tensor):
            if first.dtype is not kind:
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

__all__ = ["chosen_dtype", "finish", "in_format", "is_inference"]
