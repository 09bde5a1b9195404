"""Making tensors from a shape and a value; the arguments that all factories share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import devices, dtypes
from ..core.devices import CPU, get_default_device
from ..core.dtypes import DTYPES, get_default_dtype
from ..core.dtypes import dtype as dtype_class
from ..core.inplace import write_out
from ..core.meta import new_meta
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.promotion import scalar_dtype
from ..core.size import Size
from ..core.tensor import Tensor, mark_inference, new, set_requires_grad, wrap
from ..kernels.scalars import convert_scalar
from .install import public

INT64, FLOAT64, BOOL = DTYPES["int64"], DTYPES["float64"], DTYPES["bool"]
NUMBERS = {int, float, bool, complex}

# ---------------------------------------------------------------- the arguments that all of them take

PYTHON_TYPES = {float: FLOAT64, int: INT64, bool: BOOL, complex: DTYPES["complex128"]}


def chosen_dtype(given: Any, name: str) -> Any:
    """`dtype=`: ours, or a Python type; None stays."""
    if given is None or given.__class__ is dtype_class:
        return given
    if isinstance(given, type) and given in PYTHON_TYPES:
        return PYTHON_TYPES[given]
    raise TypeError(f"{name}(): argument 'dtype' must be torch.dtype, not {type(given).__name__}")


def check_device(given: Any, name: str = "", meta: bool = False) -> bool:
    """`device=`: only the CPU has memory here. With `meta`, a tensor without any is possible: whether it is asked for."""
    if given is None:
        given = devices.get_default_device()
        if given is CPU:
            return False
    elif given.__class__ is not devices.device:
        if isinstance(given, int) and not isinstance(given, bool) or isinstance(given, str):
            given = devices.device(given)
        else:
            raise TypeError(f"{name}(): argument 'device' must be torch.device, not {type(given).__name__}")
    kind = given.type
    if kind == "cpu" or (meta and kind == "meta"):
        return bool(kind == "meta")
    if kind == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    raise NotImplementedError(f"device '{given}': tensors live on the CPU here")


def finish(
    data: Any, name: str, device: Any, requires_grad: Any, layout: Any = None, pin_memory: Any = False
) -> Tensor:
    """A new leaf over `data`, after the checks of the arguments that all factories share."""
    meta = False
    if device is not CPU and (device is not None or get_default_device() is not CPU):
        meta = check_device(device, name, meta=True)
    if layout is not None and layout is not devices.strided:
        if not isinstance(layout, devices.layout):
            raise TypeError(f"{name}(): argument 'layout' must be torch.layout, not {type(layout).__name__}")
        raise NotImplementedError(f"{name}(): layout {layout!r}")
    if pin_memory:
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
            "this system."
        )
    if requires_grad.__class__ is not bool:
        check_flag(requires_grad, name)
    if meta:
        return new_meta(data.shape, data.dtype, bool(requires_grad))
    t: Tensor = new(Tensor)
    t._data = data
    t._fn = None
    t._ver = 0
    t._view = None
    if requires_grad:
        if data.dtype.kind not in "fcV":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        set_requires_grad(t, True)
    m = mode()
    if m is not GRAD and m is not NO_GRAD and m.inference:
        mark_inference(t)
    return t


def check_flag(requires_grad: Any, name: str) -> None:
    """`requires_grad` must be a bool; None stands for its default."""
    if requires_grad is not None and not isinstance(requires_grad, (bool, np.bool_)):
        raise TypeError(f"{name}(): argument 'requires_grad' must be bool, not {type(requires_grad).__name__}")


def check_sizes(size: Any, name: str, position: int = 1) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` -> (2, 3), with PyTorch's errors."""
    if size.__class__ is tuple or size.__class__ is Size or size.__class__ is list:
        out = []
        for i, n in enumerate(size):
            if n.__class__ is not int:
                if isinstance(n, bool) or not hasattr(n, "__index__") or (isinstance(n, Tensor) and n.ndim):
                    raise TypeError(
                        f"{name}(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type "
                        "must be "
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



def install_filled(name: str, make: Any) -> None:
    """torch.zeros, torch.ones, torch.empty."""

    def factory(
        *args: Any, size: Any = None, out: Any = None, dtype: Any = None, layout: Any = None,
        device: Any = None, pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        if device is not None and device is not CPU and out is None and check_device(device, name, meta=True):
            kind = get_default_dtype() if dtype is None else chosen_dtype(dtype, name)
            data = np.broadcast_to(np.empty((), kind.np), sizes_of(args, size, name))  # (memory is never asked for)
            return finish(data, name, device, requires_grad, layout, pin_memory)
        if args and args[0].__class__ is int and size is None and out is None and memory_format is None:
            kind = get_default_dtype() if dtype is None else chosen_dtype(dtype, name)
            try:
                data = make(args, kind.np)
            except (TypeError, ValueError):
                pass
            else:
                return finish(data, name, device, requires_grad, layout, pin_memory)
        shape = sizes_of(args, size, name)
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
    size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of shape `size` full of `fill_value`; the dtype follows the value unless given."""
    shape = check_sizes(size, "full")
    fill_value = number_value(fill_value, "full", "fill_value", 2)
    if out is not None:
        return write_out(out, wrap(filled(shape, fill_value, out._data.dtype)), "full")
    kind = chosen_dtype(dtype, "full") or scalar_dtype(fill_value)
    return finish(filled(shape, fill_value, kind.np), "full", device, requires_grad, layout, pin_memory)


def number_value(x: Any, name: str, argument: str, position: int) -> Any:
    """A Python number, from a number, a NumPy scalar or a 0-d tensor without gradient."""
    if x.__class__ in NUMBERS:
        return x
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, Tensor) and x.ndim == 0 and not x.requires_grad:
        return x.item()  # type: ignore[attr-defined]
    if isinstance(x, (int, float, complex)):
        return x
    raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be Number, not {type(x).__name__}")


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
