"""What `x[index]` means: parsing an index expression into view steps and an advanced part.

`parse_index` does no work on data. It says which views lead to the result, in PyTorch's own decomposition, and which
index arrays remain to be gathered with:

>>> parse_index((0, slice(1, 3)), (4, 5))
((('select', 0, 0), ('slice', 0, 1, 3, 1)), None)

The view steps are carried out by `select`, `slice_` and `unsqueeze` here, the advanced part by `kernels.advanced`.
"""

from __future__ import annotations

import operator
import os
import sys
import warnings
from typing import Any

import numpy as np

__all__ = [
    "ALIAS",
    "END",
    "EVERYTHING",
    "SELECT",
    "SLICE",
    "UNSQUEEZE",
    "ParsedIndex",
    "index_array",
    "parse_index",
    "scalar_name",
    "select",
    "slice_",
    "type_name",
    "unsqueeze",
    "warn",
    "wrap_dim",
]

Array = Any  # numpy.ndarray of any dtype
Shape = tuple[int, ...]

SELECT, SLICE, UNSQUEEZE, ALIAS = "select", "slice", "unsqueeze", "alias"
#: `("select", dim, i)` | `("slice", dim, start, stop, step)` | `("unsqueeze", dim)` | `("alias",)`
Step = tuple[Any, ...]
#: The view steps, in order, and None or what `kernels.advanced.index` takes: None or an index for each dimension.
ParsedIndex = tuple[tuple[Step, ...], tuple[Any, ...] | None]

END = 2**63 - 1  # where a slice without a stop ends
_ALIASED: ParsedIndex = (((ALIAS,),), None)
_NEW_DIM: ParsedIndex = (((UNSQUEEZE, 0),), None)

# `True` and `False` as an index: a new dimension of size one, of which all or nothing is taken.
_TAKE, _DROP = np.zeros(1, np.int64), np.zeros(0, np.int64)
_TAKE.flags.writeable = _DROP.flags.writeable = False

_SEQUENCES = (list, tuple, range, str, bytes, bytearray, np.ndarray)
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def warn(message: str) -> None:
    """A UserWarning at the innermost line of code that is not in this package."""
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, UserWarning, stacklevel=depth + 1)


# ---------------------------------------------------------------- the parser


def parse_index(index: Any, shape: Shape, tensor: type = np.ndarray) -> ParsedIndex:
    """Read `index` as PyTorch does for a tensor of `shape`.

    `tensor` is the class whose instances count as tensors (anything with `dtype`, `ndim`, `__index__`): they stay in
    the advanced part as they are. Other sequences, and NumPy arrays when `tensor` is another class, become index
    arrays of int64, bool or uint8. Raises IndexError, TypeError, ValueError or RuntimeError with PyTorch's words.
    """
    kind = index.__class__
    if kind is int:
        if shape:
            size = shape[0]
            if -size <= index < size:
                return ((SELECT, 0, index),), None
            raise _out_of_range(index, 0, size)
        raise _scalar_indexed(index)
    if kind is slice:
        bounds = _bounds(index)
        if not shape:
            raise IndexError("slice() cannot be applied to a 0-dim tensor.")
        return ((SLICE, 0, *bounds),), None
    if kind is tuple:
        return _parse_items(index, shape, tensor)
    if index is None:
        return _NEW_DIM
    if index is Ellipsis:
        return _ALIASED
    if isinstance(index, (int, np.integer)) and kind is not bool:
        return parse_index(int(index), shape, tensor)
    return _parse_items(_as_items(index, tensor), shape, tensor)


def _parse_items(items: tuple[Any, ...], shape: Shape, tensor: Any) -> ParsedIndex:
    ndim = len(shape)
    specified = 0
    for item in items:
        kind = item.__class__
        if kind is int or kind is slice:
            specified += 1
        elif item is None or item is Ellipsis or kind is bool:
            pass
        else:  # a mask tensor stands for as many dimensions as it has
            specified += item.ndim if isinstance(item, tensor) and _np_dtype(item) in _MASKS else 1
    if specified > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")

    steps: list[Step] = []
    gathered: list[Any] = []  # one entry for each dimension of the views' result, a mask standing for all of its own
    covered = 0  # how many dimensions `gathered` stands for
    dim = source = 0  # where we are in the views' result, and in `shape`
    for position, item in enumerate(items):
        kind = item.__class__
        if kind is int:
            size = shape[source] if source < ndim else 0
            if not -size <= item < size:
                raise _out_of_range(item, position, size)
            steps.append((SELECT, dim, item))
            source += 1
        elif kind is slice:
            if item.start is None and item.stop is None and item.step is None and source < ndim:
                source += 1
                dim += 1
                continue
            start, stop, step = bounds = _bounds(item)
            if source >= ndim:
                raise _no_such_dim(dim, ndim - source + dim)
            if start != 0 or step != 1 or stop < shape[source]:
                steps.append((SLICE, dim, *bounds))
            source += 1
            dim += 1
        elif item is None:
            if source > ndim:
                raise _no_such_dim(dim, ndim - source + dim + 1)
            steps.append((UNSQUEEZE, dim))
            dim += 1
        elif item is Ellipsis:
            dim += ndim - specified
            source += ndim - specified
        else:
            found = _read(item, tensor)
            if found.__class__ is int:
                size = shape[source] if source < ndim else 0
                if not -size <= found < size:
                    raise _out_of_range(found, position, size)
                steps.append((SELECT, dim, found))
                source += 1
                continue
            width = 1
            if found is _TAKE or found is _DROP:
                steps.append((UNSQUEEZE, dim))
            else:
                if _np_dtype(found) in _MASKS:
                    width = found.ndim
                source += width
            gathered += [None] * (dim - covered)
            gathered.append(found)
            dim += width
            covered = dim
    if gathered:
        return tuple(steps), tuple(gathered)
    return (tuple(steps), None) if steps else _ALIASED


_MASKS = (np.dtype(np.bool_), np.dtype(np.uint8))


def _np_dtype(x: Any) -> np.dtype[Any]:
    """The NumPy dtype of an array, or of a tensor whose dtype carries it as `np`."""
    found: Any = x.dtype
    found = getattr(found, "np", found)
    return found  # type: ignore[no-any-return]


def _read(item: Any, tensor: type) -> Any:
    """One item that is no int, slice, None or Ellipsis: an int to select with, or an index array."""
    if item.__class__ is bool:
        return _TAKE if item else _DROP
    if isinstance(item, (int, np.integer)):
        return int(item)
    if not isinstance(item, tensor):
        if not _is_sequence(item, tensor):
            try:
                return operator.index(item)
            except TypeError:
                raise _bad_type(item) from None
        item = index_array(item, tensor)
    if item.ndim == 0:
        dtype = _np_dtype(item)
        if dtype in _MASKS:
            return _TAKE if item.item() else _DROP
        if dtype.kind in "iu":
            return int(item.item())
    return item


def _bounds(index: slice) -> tuple[int, int, int]:
    """(start, stop, step) of a slice as integers of 64 bits; `END` where there is no stop."""
    start, stop, step = index.start, index.stop, index.step
    if step is None:
        step = 1
    else:
        step = _slice_int(step)
        if step == 0:
            raise ValueError("slice step cannot be zero")
        if step < 0:
            raise ValueError("step must be greater than zero")
    start = 0 if start is None else start if start.__class__ is int else _slice_int(start)
    stop = END if stop is None else stop if stop.__class__ is int else _slice_int(stop)
    if not (-END <= start <= END and stop <= END and stop >= -END and step <= END):
        if start < -END or stop < -END:
            warn(
                "Truncating the start/stop/step of slice. This is likely because of saved old models when the "
                "start/stop/step were larger."
            )
        start, stop, step = max(-END, min(start, END)), max(-END, min(stop, END)), min(step, END)
    return start, stop, step


def _slice_int(value: Any) -> int:
    if value.__class__ is int:
        return value
    if not hasattr(value, "__index__"):
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return operator.index(value)


# ---------------------------------------------------------------- sequences as indices


def _is_sequence(x: Any, tensor: type) -> bool:
    """Python's sequence protocol, as the C API sees it: scalars, tensors, dicts and sets are none."""
    if isinstance(x, tensor) or isinstance(x, (np.generic, dict)):
        return False
    return isinstance(x, _SEQUENCES) or hasattr(type(x), "__getitem__")


def _as_items(index: Any, tensor: type) -> tuple[Any, ...]:
    """`x[seq]` means `x[tuple(seq)]` for a short sequence that holds a tensor, a sequence, a slice, None or `...`."""
    if isinstance(index, tuple):
        return tuple(index)
    if isinstance(index, np.ndarray) or not _is_sequence(index, tensor):
        return (index,)
    if len(index) < 32:
        for item in index:
            if item is None or item is Ellipsis or isinstance(item, (slice, tensor)) or _is_sequence(item, tensor):
                warn(
                    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in "
                    "pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as "
                    "tensor index, x[torch.tensor(seq)], which will result either in an error or a different result"
                )
                return tuple(index)
    return (index,)


def index_array(data: Any, tensor: type = np.ndarray) -> Array:
    """An index array from a (nested) sequence or a NumPy array: bool and uint8 stay, all else becomes int64.

    Raises TypeError, ValueError or RuntimeError for what cannot be an index: ragged nesting, strings, overflow.
    """
    if isinstance(data, np.ndarray):
        if data.dtype in _MASKS or data.dtype == np.int64:
            return data
        if data.dtype.kind not in "biufc":
            raise TypeError(
                f"can't convert np.ndarray of type numpy.{data.dtype.type.__name__}. The only supported types are: "
                "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, "
                "uint8, and bool."
            )
        if data.dtype.kind == "c":
            warn("Casting complex values to real discards the imaginary part")
            data = data.real
        return data.astype(np.int64)
    if data.__class__ is range:
        return np.arange(data.start, data.stop, data.step, dtype=np.int64)
    dtype = _sequence_dtype(data, tensor)
    shape: list[int] = []
    first = data
    while _is_sequence(first, tensor):
        length = len(first)
        shape.append(length)
        if length == 0:
            break
        first = first[0]
    values: list[Any] = []
    if 0 not in shape:
        _collect(data, shape, 0, _STORE[dtype], values)
    return np.array(values, dtype).reshape(shape)


_LONG, _BYTE, _BOOL = np.dtype(np.int64), np.dtype(np.uint8), np.dtype(np.bool_)


def _sequence_dtype(data: Any, tensor: type) -> np.dtype[Any]:
    """bool or uint8 where all elements are of these (both: uint8), int64 otherwise."""
    kind = type(data)
    if kind is bool:
        return _BOOL
    if kind is int or isinstance(data, (int, float, complex)):
        return _LONG
    if isinstance(data, (tensor, np.ndarray, np.generic)):
        dtype = _np_dtype(data)
        return dtype if dtype in _MASKS else _LONG
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{kind.__name__}'")
    if not _is_sequence(data, tensor):
        raise RuntimeError(f"Could not infer dtype of {kind.__name__}")
    found = {_sequence_dtype(item, tensor) for item in data}
    if not found or _LONG in found:
        return _LONG
    return _BYTE if _BYTE in found else _BOOL


def _collect(data: Any, shape: list[int], depth: int, store: Any, out: list[Any]) -> None:
    """Append the elements of nested sequences of `shape` to `out`, each through `store`."""
    if depth == len(shape):
        out.append(store(data))
        return
    try:
        items = list(data)
    except TypeError:
        raise TypeError("not a sequence") from None
    if len(items) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(items)})")
    for item in items:
        _collect(item, shape, depth + 1, store, out)


def _to_long(value: Any) -> int:
    if isinstance(value, float):
        if not -(2.0**63) <= value < 2.0**63:
            raise RuntimeError("value cannot be converted to type int64 without overflow")
        return int(value)
    found = operator.index(value)
    if not -(2**63) <= found < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return found


_STORE = {_LONG: _to_long, _BYTE: operator.index, _BOOL: bool}


# ---------------------------------------------------------------- errors


def _out_of_range(index: int, position: int, size: int) -> Exception:
    if not -(2**63) <= index < 2**63:
        return ValueError("Overflow when unpacking long long")
    return IndexError(f"index {index} is out of bounds for dimension {position} with size {size}")


def _scalar_indexed(index: int) -> Exception:
    if index == 0:
        return IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert "
            "a 0-dim tensor to a number"
        )
    return _out_of_range(index, 0, 0)


def _no_such_dim(dim: int, ndim: int) -> IndexError:
    bound = max(ndim, 1)
    return IndexError(
        f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got {dim})"
    )


def _bad_type(item: Any) -> IndexError:
    kind = type(item)
    name = f"numpy.{kind.__name__}" if isinstance(item, np.generic) else kind.__name__
    return IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
        f"(got {name})"
    )


def wrap_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front. A 0-d array counts as one dimension. Raises IndexError."""
    if -ndim <= dim < ndim:
        return dim + ndim if dim < 0 else dim
    if ndim == 0 and dim in (0, -1):
        return 0
    raise _no_such_dim(dim, ndim)


_NAMES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64", "float16": "Half", "bfloat16": "BFloat16",
    "float32": "Float", "float64": "Double", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip


def scalar_name(x: Array) -> str:
    """'Float', 'Long', ...: how messages name the dtype of `x`."""
    name: str = x.dtype.name
    return _NAMES.get(name, name)


_TYPED = frozenset(("Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double"))


def type_name(x: Array) -> str:
    """'torch.FloatTensor', 'CPUBoolType', ...: how other messages name it."""
    name = scalar_name(x)
    return f"torch.{name}Tensor" if name in _TYPED else f"CPU{name}Type"


# ---------------------------------------------------------------- the views

#: how many dimensions to pass over -> what to index them with
EVERYTHING = tuple((slice(None),) * dim for dim in range(65))


def select(x: Array, dim: int, index: int) -> Array:
    """View of `x` at `index` of `dim`, which disappears. Raises IndexError."""
    if dim == 0 and x.ndim and -x.shape[0] <= index < x.shape[0]:
        return x[index, ...]
    if x.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, x.ndim)
    if not -x.shape[dim] <= index < x.shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {dim}"
        )
    return x[(*EVERYTHING[dim], index, ...)]


def slice_(x: Array, dim: int, start: int | None = None, end: int | None = None, step: int = 1) -> Array:
    """View of every `step`-th of `start`..`end` along `dim`; bounds beyond the array are cut. Raises IndexError."""
    if x.ndim == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if dim != 0:
        dim = wrap_dim(dim, x.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    return x[(*EVERYTHING[dim], slice(start, end, step))] if dim else x[start:end:step]


def unsqueeze(x: Array, dim: int) -> Array:
    """View of `x` with a new dimension of size one at `dim`. Raises IndexError."""
    dim = wrap_dim(dim, x.ndim + 1)
    return x[(*EVERYTHING[dim], None)]
