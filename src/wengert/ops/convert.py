"""Out of and into other things: dtypes, Python numbers and lists, NumPy arrays; copies of memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core import devices
from ..core.dtypes import DTYPES, FROM_NUMPY, INTEGRAL
from ..core.dtypes import dtype as dtype_class
from ..core.errors import warn_once
from ..core.fastview import arg_node, produced
from ..core.graph import Version
from ..core.meta import NO_DATA, MetaTensor, new_meta
from ..core.primitive import Primitive, linear, ops
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor, bump, new, share_version, wrap
from ..kernels import numpy as kernels
from .attributes import contiguous_in
from .create import PYTHON_TYPES, check_device
from .install import method, public
from .like import in_format, like

ndarray = np.ndarray

# ---------------------------------------------------------------- dtype and device


def _same_dim(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """The batch rule of what leaves the shape alone."""
    return prim(vals[0], **params), dims[0]


_to_dtype = linear(
    "to_dtype",
    params=("dtype",),
    kernel=lambda x, dtype: kernels.to_dtype(x, dtype),
    vjp=dict(x=lambda xp, g, x_dtype: xp.to_dtype(g, x_dtype)),
    batch=_same_dim,
    half="native",
    node="ToCopyBackward0",
)
_ToCopy = arg_node(_to_dtype, lambda xp, g, kind: xp.to_dtype(g, kind) if kind is not None else g)


def to_dtype(x: Tensor, dtype: Any) -> Tensor:
    """A new tensor with the elements of `x` in `dtype` (ours or NumPy's). Differentiable."""
    np_kind = getattr(dtype, "np", dtype)
    if x.__class__ in PLAIN and x._data.__class__ is ndarray:
        data = x._data
        made = kernels.to_dtype(data, np_kind)
        if 0 in data.strides and not data.flags.forc:
            laid_out = like(data, None, np_kind)
            laid_out[...] = made
            made = laid_out
        y = produced(x, made, _ToCopy, data.dtype)
        if y is not None:
            return y  # type: ignore[no-any-return]
    return _to_dtype(x, dtype=np_kind)  # type: ignore[no-any-return]


ops.to_dtype = to_dtype


def converted(x: Tensor, kind: Any, copy: bool = False, memory_format: Any = None) -> Tensor:
    """`x.to(kind)`: `x` itself where nothing is to do."""
    layout = memory_format is not None and memory_format is not devices.preserve_format
    if kind is None or kind is x.dtype:
        if not copy and (not layout or contiguous_in(x, memory_format)):
            return x
        kind = x.dtype
    elif x.dtype.is_complex and not kind.is_complex and kind.category:
        warn_once("Casting complex values to real discards the imaginary part")
    y = to_dtype(x, kind)
    return clone(y, memory_format=memory_format) if layout else y


@method
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """`to(dtype)`, `to(device, dtype)`, `to(other)`; keywords dtype, device, non_blocking, copy, memory_format.

    This tensor itself if it is so already (unless copy=True). Differentiable. Errors: devices other than the CPU.
    """
    kind, device = kwargs.pop("dtype", None), kwargs.pop("device", None)
    copy, memory_format = kwargs.pop("copy", False), kwargs.pop("memory_format", None)
    other = kwargs.pop("other", None)
    kwargs.pop("non_blocking", None)
    if kwargs:
        raise TypeError(f"to() received an invalid combination of arguments - got ({', '.join(kwargs)})")
    rest = list(args)
    if rest:
        first = rest[0]
        if first.__class__ is dtype_class or isinstance(first, type):
            kind = rest.pop(0)
        elif isinstance(first, Tensor):
            other = rest.pop(0)
        else:
            device = rest.pop(0)
            if not (device is None or isinstance(device, (str, devices.device, int))) or isinstance(device, bool):
                refuse_to(args)
            if rest and (rest[0] is None or rest[0].__class__ is dtype_class or isinstance(rest[0], type)):
                kind = rest.pop(0)
        if rest:
            rest.pop(0)  # non_blocking
        if rest:
            copy = rest.pop(0)
        if rest:
            refuse_to(args)
    if other is not None:
        kind = other.dtype
    if kind is not None and kind.__class__ is not dtype_class and not isinstance(kind, type):
        refuse_to(args, f"dtype={type(kind).__name__}, ")
    of_meta = self.__class__ is MetaTensor
    meta = of_meta if device is None else check_device(device, "to", meta=True)
    if of_meta and not meta:
        raise NotImplementedError(NO_DATA)
    if isinstance(kind, type):
        if kind not in PYTHON_TYPES:
            refuse_to(args)
        kind = PYTHON_TYPES[kind]
    if meta and not of_meta:
        return new_meta(self.shape, (kind or self.dtype).np)
    return converted(self, kind, copy, memory_format)




def refuse_to(args: Any, named: str = "") -> None:
    got = ", ".join(type(a).__name__ for a in args) + named
    raise TypeError(
        f"to() received an invalid combination of arguments - got ({got}), but expected one of:\n"
        " * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *, "
        "torch.memory_format memory_format = None)\n"
        " * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = "
        "None)\n"
        " * (Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)"
    )


def install_casts() -> None:
    """Tensor.float(), .double(), .long() ..."""
    names = {
        "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "int": "int32",
        "long": "int64", "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool", "cfloat": "complex64",
        "cdouble": "complex128",
    }  # fmt: skip
    for name, kind_name in names.items():
        kind = DTYPES[kind_name]

        def cast(self: Tensor, memory_format: Any = None, *, _kind: Any = kind) -> Tensor:
            if _kind is self.dtype and memory_format is None:
                return self
            return converted(self, _kind, False, memory_format)

        cast.__name__ = cast.__qualname__ = name
        cast.__doc__ = f"This tensor in {kind_name} (itself if it is so already)."
        setattr(Tensor, name, cast)


install_casts()


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the dtype of `other`."""
    return converted(self, other.dtype)


@method(name="type")
def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False, **kwargs: Any) -> Any:
    """Without an argument the type's name ('torch.FloatTensor'), else this tensor in `dtype`."""
    if dtype is None:
        return f"torch.{self.dtype.scalar_name}Tensor"
    if isinstance(dtype, str):
        kind = _BY_TYPE_NAME.get(dtype)
        if kind is None:
            raise ValueError(f"invalid type: '{dtype}'")
    elif isinstance(dtype, dtype_class):
        kind = dtype
    elif isinstance(dtype, type) and dtype in PYTHON_TYPES:
        kind = PYTHON_TYPES[dtype]
    else:
        kind = getattr(dtype, "dtype", None)
        if not isinstance(kind, dtype_class):
            raise ValueError(f"invalid type: {dtype!r}")
    return converted(self, kind)


_BY_TYPE_NAME = {f"torch.{d.scalar_name}Tensor": d for d in DTYPES.values()}


@method
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor: it is on the CPU."""
    return self if memory_format is None else converted(self, None, False, memory_format)


@method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Raises AssertionError: there is no CUDA here."""
    raise AssertionError("Torch not compiled with CUDA enabled")


@method
def share_memory_(self: Tensor) -> Tensor:
    """Not supported: processes share no memory here."""
    raise NotImplementedError("Tensor.share_memory_")


@method
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """Raises RuntimeError: there is no accelerator."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


# ---------------------------------------------------------------- Python numbers


def concrete(x: Tensor, what: str) -> Any:
    """The array of a tensor, for what leaves the library. A batch of values has none."""
    while x._level:
        if hasattr(x, "_bdim"):
            return x.item()  # type: ignore[attr-defined]
        x = x._data
    return x._data


def scalar(x: Tensor, what: str = "item") -> Any:
    """The one element as a Python number."""
    data = concrete(x, what)
    if data.size != 1:
        raise RuntimeError(f"a Tensor with {data.size} elements cannot be converted to Scalar")
    return data.item()


@method
def item(self: Tensor) -> Any:
    """The one element as a Python number. Raises RuntimeError unless there is exactly one."""
    data = self._data
    if data.__class__ is ndarray and data.size == 1:
        return data.item()
    return scalar(self)


@method
def tolist(self: Tensor) -> Any:
    """Nested lists of Python numbers; a number for a 0-d tensor."""
    return concrete(self, "tolist").tolist()


def __bool__(self: Tensor) -> bool:
    data = concrete(self, "bool")
    if data.size != 1:
        if data.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    return bool(data.item())


@public
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero."""
    return __bool__(input)


def one_number(x: Tensor, what: str) -> Any:
    data = concrete(x, what)
    if data.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    if x.requires_grad:
        warn_once(
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using "
            "tensor.detach() first."
        )
    return data.item()


def __int__(self: Tensor) -> int:
    value = one_number(self, "int")
    if isinstance(value, complex) and value.imag == 0:
        value = value.real
    return int(value)


def __float__(self: Tensor) -> float:
    value = one_number(self, "float")
    if isinstance(value, complex):
        if value.imag:
            raise RuntimeError("value cannot be converted to type double without overflow")
        value = value.real
    return float(value)


def __complex__(self: Tensor) -> complex:
    return complex(one_number(self, "complex"))


def __index__(self: Tensor) -> int:
    data = concrete(self, "index")
    if data.size != 1 or self.dtype.category > INTEGRAL:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(data.item())


def __len__(self: Tensor) -> int:
    shape = self.shape
    if not shape:
        raise TypeError("len() of a 0-d tensor")
    return shape[0]


def __iter__(self: Tensor) -> Iterator[Tensor]:
    if not self.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))  # type: ignore[attr-defined, no-any-return]


def __contains__(self: Tensor, element: Any) -> bool:
    if isinstance(element, (Tensor, int, float, complex, np.generic)):
        return bool((element == self).any().item())  # type: ignore[union-attr]
    raise RuntimeError(
        f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
    )


def __reversed__(self: Tensor) -> Tensor:
    return self if not self.ndim else self.flip(0)  # type: ignore[attr-defined, no-any-return]


def __format__(self: Tensor, spec: str) -> str:
    if self.ndim == 0 and self.__class__ in PLAIN and self.__class__ is Tensor:
        return format(scalar(self), spec)
    return object.__format__(self, spec)


def _elementwise_python(name: str, count: int) -> None:
    """Tensor.apply_, map_, map2_: a Python function of each element, in place."""

    def form(self: Tensor, *args: Any) -> Tensor:
        *others, fn = args
        if len(others) != count:
            raise TypeError(f"{name}() takes {count + 1} arguments but {len(args)} were given")
        if self.requires_grad:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
            )
        data = concrete(self, name)
        columns = [np.broadcast_to(concrete(o, name), data.shape) for o in others]
        for at in np.ndindex(data.shape):
            data[at] = fn(data[at].item(), *[c[at].item() for c in columns])
        bump(self)
        return self

    form.__name__ = form.__qualname__ = name
    form.__doc__ = "Replace each element by what the function makes of it (and of those of the other tensors)."
    setattr(Tensor, name, form)


_elementwise_python("apply_", 0)
_elementwise_python("map_", 1)
_elementwise_python("map2_", 2)

# ---------------------------------------------------------------- NumPy

NEEDS_DETACH = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."


def to_numpy(self: Tensor) -> Any:
    if self._fn is not None and self.requires_grad:
        raise RuntimeError(NEEDS_DETACH)
    data = concrete(self, "numpy")
    if data.dtype.kind == "V":
        raise TypeError(f"Got unsupported ScalarType {self.dtype.scalar_name}")
    return data.view()  # an array object of its own: the user may reshape it


@method
def numpy(self: Tensor, *, force: bool = False) -> Any:
    """The elements as a NumPy array that shares the memory. With `force`, detaches first.

    Errors: RuntimeError if it requires grad, TypeError for bfloat16.
    """
    return to_numpy(self.detach() if force else self)  # type: ignore[attr-defined]


def __array__(self: Tensor, dtype: Any = None, copy: Any = None) -> Any:
    data = to_numpy(self)
    if dtype is not None and data.dtype != dtype:
        if copy is False:
            raise ValueError(
                "Unable to avoid copy while creating an array as requested.\nIf using `np.array(obj, copy=False)` "
                "replace "
                "it with `np.asarray(obj)` to allow a copy when needed (no behavior change in NumPy 1.x)."
            )
        return data.astype(dtype)
    return data.copy() if copy else data


def __array_wrap__(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    """What NumPy's functions make of tensors comes back as a tensor."""
    if array.dtype not in FROM_NUMPY:
        return array
    if array.dtype == bool:
        array = array.astype(np.uint8)  # as PyTorch does, from the time before it had bools
    return wrap(np.asarray(array))



def __dlpack__(
    self: Tensor, *, stream: Any = -1, max_version: Any = None, dl_device: Any = None, copy: Any = None
) -> Any:
    """A DLPack capsule over the memory."""
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    options = {k: v for k, v in (("dl_device", dl_device), ("copy", copy)) if v is not None}
    try:
        return concrete(self, "dlpack").__dlpack__(max_version=max_version, **options)
    except TypeError:
        return concrete(self, "dlpack").__dlpack__()


@public(method=False)
def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule over the memory of `tensor`."""
    return __dlpack__(tensor)


def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    return 1, 0


def install_dunders() -> None:
    for fn in (
        __bool__, __int__, __float__, __complex__, __index__, __len__, __iter__, __contains__, __reversed__, __format__,
        __array__, __array_wrap__, __dlpack__, __dlpack_device__,
    ):  # fmt: skip
        setattr(Tensor, fn.__name__, fn)
    Tensor.__nonzero__ = __bool__  # type: ignore[attr-defined]
    Tensor.__hash__ = object.__hash__  # type: ignore[method-assign]


install_dunders()

# ---------------------------------------------------------------- out of the graph


@public
def detach(input: Tensor) -> Tensor:
    """The same memory outside the graph: needs no gradient, shares the version counter."""
    if input.__class__ in PLAIN:
        t: Tensor = new(Tensor)
        t._data = input._data
        version = input._ver
        if version.__class__ is int:
            n = version
            version = input._ver = new(Version)
            version.n = n
        t._ver = version
        t._fn = None
        t._view = None
        return t
    if input._level:
        return detach_level(input)
    t = new(Tensor)
    t._data, t._ver, t._fn, t._view = input._data, share_version(input), None, None
    return input._rewrap(t)


def detach_level(x: Tensor) -> Tensor:
    """Detached at this level and all below; a dual number loses its tangent."""
    from ..core.levels import Batched, Tracked, batched, lift

    below = detach(x._data)
    if isinstance(x, Batched):
        return batched(below, x._bdim, x._level)  # type: ignore[attr-defined]
    return lift(below, x._level) if isinstance(x, Tracked) else below


ops.detach = detach


# ---------------------------------------------------------------- copies of memory

_CONTIGUOUS = devices.contiguous_format
_FORMATS = {devices.preserve_format: None, devices.contiguous_format: "contiguous"}


def _clone_array(x: Any, *, memory_format: Any = None) -> Any:
    if memory_format is None:
        if x.flags.forc or 0 not in x.strides:
            return x.copy(order="K")
        out = like(x, None, x.dtype)
        out[...] = x
        return out
    if memory_format == "contiguous":
        return x.copy(order="C")
    return in_format(x, devices.MEMORY_FORMATS[memory_format])


def _clone_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    from ..core.batching import front

    if params["memory_format"] is None:
        return prim(vals[0], **params), dims[0]
    return prim(front(vals[0], dims[0]), memory_format="contiguous"), 0


_clone = linear(
    "clone", params=("memory_format",), kernel=_clone_array, vjp=dict(x=lambda xp, g: g), batch=_clone_batch,
    half="native",
)  # fmt: skip
_Clone = arg_node(_clone, lambda xp, g, arg: g)


def copy_of(x: Tensor, memory_format: str | None) -> Tensor:
    """A recorded copy; `memory_format` by name, None: preserve."""
    if x.__class__ in PLAIN and x._data.__class__ is ndarray:
        y = produced(x, _clone_array(x._data, memory_format=memory_format), _Clone, None)
        if y is not None:
            return y  # type: ignore[no-any-return]
    return _clone(x, memory_format=memory_format)  # type: ignore[no-any-return]


def format_name(memory_format: Any, name: str) -> str | None:
    if memory_format is None:
        return None
    if not isinstance(memory_format, devices.memory_format):
        raise TypeError(
            f"{name}(): argument 'memory_format' must be torch.memory_format, not {type(memory_format).__name__}"
        )
    return _FORMATS.get(memory_format, memory_format.name)


@public
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with memory of its own, in the same layout if it is dense. Differentiable."""
    return copy_of(input, None if memory_format is None else format_name(memory_format, "clone"))


@method
def contiguous(self: Tensor, memory_format: Any = devices.contiguous_format) -> Tensor:
    """This tensor if its elements lie in order already, else such a copy. Differentiable."""
    if memory_format is _CONTIGUOUS and self.__class__ in PLAIN and self._data.flags.c_contiguous:
        return self
    if contiguous_in(self, memory_format):
        return self
    return copy_of(self, format_name(memory_format, "contiguous"))


samples("clone", Case(T(2, 3)), Case(T()), Case(T(0, 2)))
samples("Tensor.contiguous", Case(T(2, 3)), Case(T()))
samples("Tensor.double", Case(T(2, 3)), Case(T()))
samples("detach", Case(T(2, 3)), Case(T()), differentiable=False)

__all__ = ["clone", "converted", "copy_of", "detach", "to_dtype"]
