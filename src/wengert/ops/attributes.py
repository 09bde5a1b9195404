"""What can be asked of a tensor without computing: sizes, strides, flags, its storage."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..core import devices
from ..core.devices import CPU
from ..core.dtypes import dtype as dtype_class
from ..core.modes import mode
from ..core.named import public_module
from ..core.promotion import result_dtype
from ..core.size import Size, size_of
from ..core.storage import TypedStorage, UntypedStorage, offset_of, storage_of, typed_storage_of
from ..core.tensor import PLAIN, Tensor, share_version
from ..kernels.memory import address, element_strides, root
from .compare import tensor_operand
from .install import FUNCTIONS, method, public
from .like import channels_order
from .reduce import wrap_dim
from .whole import whole

ndarray = np.ndarray


def physical(x: Tensor) -> Any:
    """The array under a tensor, through all levels of transforms."""
    data = x._data
    while isinstance(data, Tensor):
        data = data._data
    return data if data.__class__ is ndarray else data.meta  # traced: the layout is that of its `meta`


# ---------------------------------------------------------------- sizes


@public
def numel(input: Tensor) -> int:
    """Number of elements."""
    return input._data.size if input.__class__ in PLAIN else math.prod(input.shape)


@method
def nelement(self: Tensor) -> int:
    """Number of elements."""
    return numel(self)  # type: ignore[no-any-return]


@method
def dim(self: Tensor) -> int:
    """Number of dimensions."""
    return self.ndim


@method
def ndimension(self: Tensor) -> int:
    """Number of dimensions."""
    return self.ndim


@method
def size(self: Tensor, dim: Any = None) -> Any:
    """The shape, or the extent of dimension `dim`."""
    if dim is None:
        return self.shape
    shape = self._data.shape if self.__class__ in PLAIN else self.shape
    n = len(shape)
    if dim.__class__ is int and -n <= dim < n:
        return shape[dim]
    dim = whole(dim, "size", 1)
    if not n:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return shape[wrap_dim(dim, n)]


@method
def stride(self: Tensor, dim: Any = None) -> Any:
    """Elements to step over in memory for each dimension, or for `dim`."""
    steps = element_strides(self._data) if self.__class__ in PLAIN else logical_strides(self)
    if dim is None:
        return steps
    if not steps:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return steps[wrap_dim(dim, len(steps))]


def logical_strides(x: Tensor) -> tuple[int, ...]:
    if not x._level:
        return element_strides(x._data)
    steps = logical_strides(x._data)
    hidden = getattr(x, "_bdim", None)  # a batch hides one dimension
    return steps if hidden is None else steps[:hidden] + steps[hidden + 1 :]


@method
def storage_offset(self: Tensor) -> int:
    """Elements between the beginning of the storage and the first element."""
    return offset_of(physical(self))


@method
def element_size(self: Tensor) -> int:
    """Bytes of one element."""
    return self.dtype.itemsize


@method
def data_ptr(self: Tensor) -> int:
    """The address of the first element; 0 without elements."""
    data = physical(self)
    return address(data) if data.size else 0


@method
def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory under this tensor and all its views, as bytes."""
    return storage_of(physical(self))


@method
def storage(self: Tensor) -> TypedStorage:
    """The memory under this tensor as elements of its dtype. Deprecated by PyTorch."""
    return typed_storage_of(physical(self))


@method
def _typed_storage(self: Tensor) -> TypedStorage:
    data = physical(self)
    return TypedStorage(wrap_storage=storage_of(data), dtype=self.dtype, _internal=True)


@method
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same window onto the same memory."""
    a, b = physical(self), physical(tensor)
    return (
        root(a) is root(b) and a.shape == b.shape and a.strides == b.strides and address(a) == address(b)
        and a.dtype == b.dtype
    )  # fmt: skip


@method
def is_contiguous(self: Tensor, memory_format: Any = devices.contiguous_format) -> bool:
    """Whether its elements lie in memory in the order of `memory_format`, without gaps."""
    data = self._data
    if data.__class__ is ndarray and memory_format is devices.contiguous_format:
        return data.flags.c_contiguous  # type: ignore[no-any-return]
    if memory_format is devices.preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    shape, strides = tuple(self.shape), logical_strides(self)
    if memory_format is devices.channels_last and len(shape) != 4:
        return False
    if memory_format is devices.channels_last_3d and len(shape) != 5:
        return False
    n = len(shape)
    order = range(n) if memory_format is devices.contiguous_format else channels_order(memory_format, n)
    if 0 in shape:
        return True
    step = 1
    for d in reversed(order):
        if shape[d] != 1:
            if strides[d] != step:
                return False
            step *= shape[d]
    return True


def contiguous_in(self: Tensor, memory_format: Any) -> bool:
    return is_contiguous(self, memory_format)  # type: ignore[no-any-return]


@method
def dim_order(self: Tensor, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions from the outermost in memory to the innermost."""
    strides, shape = logical_strides(self), self.shape
    return tuple(sorted(range(len(shape)), key=lambda d: -strides[d]))


# ---------------------------------------------------------------- kinds


@public
def is_floating_point(input: Tensor) -> bool:
    """Whether its dtype is float16, bfloat16, float32 or float64."""
    if not isinstance(input, Tensor):
        raise TypeError(
            f"is_floating_point(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}"
        )
    return input.dtype.is_floating_point


@public
def is_complex(input: Tensor) -> bool:
    """Whether its dtype is complex."""
    if not isinstance(input, Tensor):
        raise TypeError(f"is_complex(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input.dtype.is_complex


@public
def is_signed(input: Tensor) -> bool:
    """Whether its dtype holds negative numbers."""
    return input.dtype.is_signed


@public
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return tuple(input.shape) == tuple(other.shape)


class Described(NamedTuple):
    """What type promotion asks of a tensor."""

    dtype: Any
    ndim: int


@public(method=False)
def result_type(tensor: Any, other: Any) -> dtype_class:
    """The dtype in which an operation on two tensors or numbers computes."""
    operands = []
    for x in (tensor, other):
        if isinstance(x, Tensor):
            operands.append(Described(x.dtype.np, x.ndim))
        elif isinstance(x, (int, float, complex, np.generic)):
            operands.append(x)
        else:
            raise TypeError(
                f"result_type() received an invalid combination of arguments - got ({type(tensor).__name__}, "
                f"{type(other).__name__}), but expected one of:\n * (Tensor tensor, Tensor other)\n"
                " * (Number scalar, Tensor tensor)\n * (Tensor tensor, Number other)\n"
                " * (Number scalar1, Number scalar2)"
            )
    return result_dtype(operands)


@public(method=False)
def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


@public(method=False)
def is_storage(obj: Any) -> bool:
    """Whether `obj` is a storage."""
    return isinstance(obj, (UntypedStorage, TypedStorage))


FUNCTIONS["is_inference"] = Tensor.is_inference


@public
def get_device(input: Tensor) -> int:
    """-1: the CPU has no number."""
    return -1


@method
def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether its memory is page-locked for a GPU: never so here."""
    return False


@method
def is_shared(self: Tensor) -> bool:
    """Whether its memory is shared between processes: never so here."""
    return False


@method
def dense_dim(self: Tensor) -> int:
    """All dimensions are dense."""
    return self.ndim


@method
def sparse_dim(self: Tensor) -> int:
    """No dimension is sparse."""
    return 0


@public
def is_distributed(input: Tensor) -> bool:
    """Always False."""
    return False


@method
def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: Any = None) -> Tensor:
    """This tensor: it is dense."""
    return self if dtype is None else self.to(dtype)  # type: ignore[attr-defined, no-any-return]


@method
def const_data_ptr(self: Tensor) -> int:
    """The address of the first element."""
    return data_ptr(self)  # type: ignore[no-any-return]


def _check_subclass(cls: Any) -> None:
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure your "
            "class inherits from Tensor."
        )


def _make_subclass(cls: Any, data: Tensor, require_grad: bool = False) -> Any:
    """A leaf of class `cls` over the memory (and the version counter) of `data`."""
    _check_subclass(cls)
    tensor_operand(data, "_make_subclass", 2, "data")
    if require_grad and not (data.dtype.is_floating_point or data.dtype.is_complex):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    t: Any = object.__new__(cls)
    t._data = data._data
    t._fn = None
    t._ver = share_version(data)
    t._view = None
    if require_grad:
        t.requires_grad = True
    return t


Tensor._make_subclass = staticmethod(_make_subclass)  # type: ignore[attr-defined]


@method
def as_subclass(self: Tensor, cls: Any) -> Any:
    """The same memory and history as an instance of `cls`."""
    _check_subclass(cls)
    from .shape import alias_of

    out = alias_of(self)
    out.__class__ = cls
    return out


@public(method=False)
def typename(obj: Any, /) -> str:
    """'torch.FloatTensor' of a tensor, else the qualified name of the class (or of `obj`, if it has one)."""
    if isinstance(obj, Tensor):
        return obj.type()  # type: ignore[attr-defined, no-any-return]
    if not isinstance(obj, type) and not getattr(obj, "__qualname__", None):
        obj = type(obj)
    module = public_module(obj) if isinstance(obj, type) else getattr(obj, "__module__", "") or ""
    return obj.__qualname__ if module in ("", "builtins") else f"{module}.{obj.__qualname__}"  # type: ignore[no-any-return]


@method
def is_coalesced(self: Tensor) -> bool:
    """Only sparse tensors can be."""
    raise RuntimeError("is_coalesced expected sparse coordinate tensor layout but got Strided")


def install_flags() -> None:
    """`is_cuda` and all its kin are False; `itemsize`, `nbytes`."""
    never = (
        "cuda", "ipu", "maia", "meta", "mkldnn", "mps", "mtia", "nested", "quantized", "sparse", "sparse_csr", "vulkan",
        "xla", "xpu",
    )  # fmt: skip
    for kind in never:  # each its own getter, for `__torch_function__` to tell apart
        setattr(Tensor, "is_" + kind, property(lambda self: False, doc="Always False here."))
    Tensor.is_cpu = property(lambda self: True, doc="Always True here.")  # type: ignore[attr-defined]
    Tensor.itemsize = property(lambda self: self.dtype.itemsize, doc="Bytes of one element.")  # type: ignore
    Tensor.nbytes = property(  # type: ignore[attr-defined]
        lambda self: math.prod(self.shape) * self.dtype.itemsize, doc="Bytes of all elements."
    )


install_flags()
Tensor.name = property(lambda self: None, doc="Always None.")  # type: ignore[attr-defined]
FUNCTIONS["UntypedStorage"], FUNCTIONS["TypedStorage"] = UntypedStorage, TypedStorage
Tensor.__array_priority__ = 1000  # type: ignore[attr-defined]

__all__ = ["CPU", "Size", "dtype_class", "logical_strides", "mode", "physical", "size_of"]
