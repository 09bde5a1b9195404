"""Data types: the `dtype` objects, their NumPy twins, the default dtype, `finfo` and `iinfo`.

A `dtype` is a named singleton. `FROM_NUMPY` maps a `numpy.dtype` to it with one dict look-up, which is what hot
code should use; `from_numpy` is the same look-up with PyTorch's errors.
"""

from __future__ import annotations

import builtins
from typing import Any, NoReturn

import ml_dtypes
import numpy as np

__all__ = [
    "ALIASES",
    "BOOL",
    "COMPLEX",
    "DTYPES",
    "FLOATING",
    "FROM_NUMPY",
    "INTEGRAL",
    "dtype",
    "finfo",
    "from_numpy",
    "get_default_complex_dtype",
    "get_default_dtype",
    "iinfo",
    "is_complex",
    "is_floating_point",
    "is_integral",
    "is_signed",
    "set_default_dtype",
    "to_numpy",
]

# Categories, in the order in which promotion climbs them.
BOOL, INTEGRAL, FLOATING, COMPLEX = range(4)


class TorchNamed(type):
    """Metaclass of the public value types: `repr(type(x))` shows the public name, as PyTorch's does."""

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


class dtype(metaclass=TorchNamed):
    """The type of a tensor's elements. Instances are singletons: compare them with `is` or `==`.

    Attributes: `name` ('float32'), `np` (the NumPy dtype), `itemsize` (bytes), `category` (BOOL .. COMPLEX),
    `is_floating_point`, `is_complex`, `is_signed`, `scalar_name` ('Float', as error messages say it), `abbr`.
    """

    __slots__ = (
        "_repr",
        "_to_complex",
        "_to_real",
        "abbr",
        "category",
        "is_complex",
        "is_floating_point",
        "is_signed",
        "itemsize",
        "kind",
        "name",
        "np",
        "scalar_name",
    )

    name: str
    np: np.dtype[Any]
    kind: str
    itemsize: builtins.int
    category: builtins.int
    is_floating_point: builtins.bool
    is_complex: builtins.bool
    is_signed: builtins.bool
    scalar_name: str
    abbr: str
    _repr: str
    _to_real: dtype
    _to_complex: dtype | None

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("cannot create 'torch.dtype' instances")

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'torch.dtype' is not an acceptable base type")

    def __repr__(self) -> str:
        return self._repr

    def __reduce__(self) -> str:
        # A string means "the global of that name in my module": pickle, copy and deepcopy all keep identity.
        return self.name

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        if hasattr(type(self), attribute):
            raise AttributeError(f"attribute '{attribute}' of 'torch.dtype' objects is not writable")
        raise AttributeError(f"'torch.dtype' object has no attribute '{attribute}'")

    def __getattr__(self, attribute: str) -> NoReturn:
        # Only reached when ordinary look-up failed; complex32 is the one dtype that has no NumPy twin.
        if attribute == "np":
            raise NotImplementedError(f"{self!r} exists as a name only: NumPy has no such type to hold the data")
        raise AttributeError(f"'torch.dtype' object has no attribute '{attribute}'")

    def to_real(self) -> dtype:
        """The dtype of the real part: complex64 -> float32; real dtypes give themselves."""
        return self._to_real

    def to_complex(self) -> dtype:
        """The complex dtype of the same precision. Raises RuntimeError for integers and bool."""
        if self._to_complex is None:
            raise RuntimeError(f"Unknown Complex ScalarType for {self.scalar_name}")
        return self._to_complex


def _make(
    name: str, np_type: Any, scalar_name: str, abbr: str, category: builtins.int, itemsize: builtins.int
) -> dtype:
    """Build one instance, past the guards that keep users from doing so."""
    d = object.__new__(dtype)
    put = object.__setattr__
    put(d, "name", name)
    put(d, "_repr", "torch." + name)
    if np_type is not None:
        put(d, "np", np.dtype(np_type))
        put(d, "kind", d.np.kind)  # NumPy's letter, for code that holds an array or a tensor
    put(d, "scalar_name", scalar_name)
    put(d, "abbr", abbr)
    put(d, "itemsize", itemsize)
    put(d, "category", category)
    put(d, "is_floating_point", category == FLOATING)
    put(d, "is_complex", category == COMPLEX)
    put(d, "is_signed", not (category == BOOL or name.startswith("uint")))
    put(d, "_to_real", d)
    put(d, "_to_complex", d if category == COMPLEX else None)
    return d


float16 = _make("float16", np.float16, "Half", "f16", FLOATING, 2)
bfloat16 = _make("bfloat16", ml_dtypes.bfloat16, "BFloat16", "bf16", FLOATING, 2)
float32 = _make("float32", np.float32, "Float", "f32", FLOATING, 4)
float64 = _make("float64", np.float64, "Double", "f64", FLOATING, 8)
complex32 = _make("complex32", None, "ComplexHalf", "c32", COMPLEX, 4)
complex64 = _make("complex64", np.complex64, "ComplexFloat", "c64", COMPLEX, 8)
complex128 = _make("complex128", np.complex128, "ComplexDouble", "c128", COMPLEX, 16)
uint8 = _make("uint8", np.uint8, "Byte", "u8", INTEGRAL, 1)
int8 = _make("int8", np.int8, "Char", "i8", INTEGRAL, 1)
int16 = _make("int16", np.int16, "Short", "i16", INTEGRAL, 2)
int32 = _make("int32", np.int32, "Int", "i32", INTEGRAL, 4)
int64 = _make("int64", np.int64, "Long", "i64", INTEGRAL, 8)
uint16 = _make("uint16", np.uint16, "UInt16", "u16", INTEGRAL, 2)
uint32 = _make("uint32", np.uint32, "UInt32", "u32", INTEGRAL, 4)
uint64 = _make("uint64", np.uint64, "UInt64", "u64", INTEGRAL, 8)
_bool = _make("bool", np.bool_, "Bool", "b8", BOOL, 1)

for _real, _complex in ((float16, complex32), (float32, complex64), (float64, complex128)):
    object.__setattr__(_real, "_to_complex", _complex)
    object.__setattr__(_complex, "_to_real", _real)
object.__setattr__(bfloat16, "_to_complex", complex64)  # there is no complex type of bfloat16's precision

_ALL = (
    *(float16, bfloat16, float32, float64, complex32, complex64, complex128),
    *(uint8, int8, int16, int32, int64, uint16, uint32, uint64, _bool),
)

#: Every dtype by its own name.
DTYPES: dict[str, dtype] = {d.name: d for d in _ALL}

#: PyTorch's second names.
ALIASES: dict[str, dtype] = {
    "half": float16,
    "float": float32,
    "double": float64,
    "chalf": complex32,
    "cfloat": complex64,
    "cdouble": complex128,
    "short": int16,
    "int": int32,
    "long": int64,
}

#: numpy.dtype -> dtype, for the hot paths (KeyError when NumPy's type has no twin).
FROM_NUMPY: dict[np.dtype[Any], dtype] = {d.np: d for d in _ALL if d is not complex32}


def from_numpy(np_dtype: np.dtype[Any]) -> dtype:
    """The dtype of a NumPy dtype. Raises TypeError for types without a twin, ValueError for foreign byte order."""
    try:
        return FROM_NUMPY[np_dtype]
    except KeyError:
        pass
    native = np_dtype.newbyteorder("=")
    if native != np_dtype and native in FROM_NUMPY:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. "
            "Conversion between byte orders is currently not supported."
        )
    kind = np_dtype.type
    raise TypeError(
        f"can't convert np.ndarray of type {kind.__module__}.{kind.__name__}. The only supported types are: float64, "
        "float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
    )


def to_numpy(d: dtype) -> np.dtype[Any]:
    """The NumPy dtype that holds `d`. Raises NotImplementedError for complex32."""
    return d.np


# ------------------------------------------------------------------------------------------------ default dtype

# One per process, shared by all threads, as in PyTorch. Rebinding a global is atomic, so no lock is needed.
_default: dtype = float32


def get_default_dtype() -> dtype:
    """The floating-point dtype that new tensors get from Python floats."""
    return _default


def set_default_dtype(d: dtype, /) -> None:
    """Set the default floating-point dtype. Raises TypeError unless `d` is a floating-point dtype."""
    global _default
    if type(d) is not dtype:
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if d.category != FLOATING:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def get_default_complex_dtype() -> dtype:
    """The dtype that new tensors get from Python complex numbers. Raises RuntimeError when the default is bfloat16."""
    if _default is bfloat16:
        raise RuntimeError("invalid default scalar type for complex")
    return _default.to_complex()


# ------------------------------------------------------------------------------------------------ predicates


def is_floating_point(d: dtype) -> builtins.bool:
    """True for float16, bfloat16, float32 and float64."""
    return d.category == FLOATING


def is_complex(d: dtype) -> builtins.bool:
    """True for the complex dtypes."""
    return d.category == COMPLEX


def is_integral(d: dtype, include_bool: builtins.bool = False) -> builtins.bool:
    """True for the integer dtypes, and for bool when asked."""
    return d.category == INTEGRAL or (include_bool and d.category == BOOL)


def is_signed(d: dtype) -> builtins.bool:
    """True when the dtype can hold negative numbers."""
    return d.is_signed


# ------------------------------------------------------------------------------------------------ finfo and iinfo


class _Info(metaclass=TorchNamed):
    """What finfo and iinfo share: they are read-only, equal when their dtypes are, and unhashable."""

    __slots__ = ("bits", "dtype", "max", "min")

    bits: builtins.int
    dtype: str

    def _put(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        if hasattr(type(self), attribute):
            raise AttributeError(f"attribute '{attribute}' of 'torch.{type(self).__name__}' objects is not writable")
        raise AttributeError(f"'torch.{type(self).__name__}' object has no attribute '{attribute}'")

    def __eq__(self, other: object) -> builtins.bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.dtype == other.dtype

    __hash__ = None  # type: ignore[assignment]


def _check_info_argument(function: str, type_: object) -> dtype:
    if type(type_) is not dtype:
        raise TypeError(
            f"{function}(): argument 'type' (position 1) must be torch.dtype, not {builtins.type(type_).__name__}"
        )
    return type_


# Smallest number of decimal digits that always survive a round trip through the type (C++'s digits10).
_DIGITS10 = {float16: 3, bfloat16: 2, float32: 6, float64: 15}


class finfo(_Info):
    """Numerical limits of a floating-point dtype (of the real part, for a complex one; the default dtype if absent).

    Attributes: `bits`, `eps`, `max`, `min`, `tiny`, `smallest_normal`, `resolution`, `dtype` (a string).
    """

    __slots__ = ("eps", "resolution", "smallest_normal", "tiny")

    min: builtins.float
    max: builtins.float
    eps: builtins.float
    tiny: builtins.float
    smallest_normal: builtins.float
    resolution: builtins.float

    def __init__(self, *args: dtype, **kwargs: dtype) -> None:
        type_ = _one_argument("finfo", args, kwargs, default=_default)
        if type_.category not in (FLOATING, COMPLEX):
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        real = type_.to_real()
        limits = ml_dtypes.finfo(real.np)  # type: ignore[no-untyped-call]
        tiny = builtins.float(limits.smallest_normal)
        self._put(
            bits=real.itemsize * 8,
            dtype=real.name,
            min=builtins.float(limits.min),
            max=builtins.float(limits.max),
            eps=builtins.float(limits.eps),
            tiny=tiny,
            smallest_normal=tiny,
            resolution=10.0 ** -_DIGITS10[real],
        )

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo(_Info):
    """Numerical limits of an integer dtype. Attributes: `bits`, `max`, `min`, `dtype` (a string)."""

    __slots__ = ()

    min: builtins.int
    max: builtins.int

    def __init__(self, *args: dtype, **kwargs: dtype) -> None:
        type_ = _one_argument("iinfo", args, kwargs, default=None)
        if type_.category in (FLOATING, COMPLEX):
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        if type_ is _bool:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        bits = type_.itemsize * 8
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if type_.is_signed else (0, (1 << bits) - 1)
        self._put(bits=bits, dtype=type_.name, min=low, max=high)

    def __repr__(self) -> str:
        # PyTorch really prints the limits with six digits here.
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


def _one_argument(function: str, args: tuple[Any, ...], kwargs: dict[str, Any], default: dtype | None) -> dtype:
    """Read the only parameter, `type`, which may be left out where there is a default."""
    if len(args) + len(kwargs) > 1:
        raise TypeError(f"{function}() takes at most 1 argument ({len(args) + len(kwargs)} given)")
    if args:
        type_ = args[0]
    elif "type" in kwargs:
        type_ = kwargs["type"]
    elif kwargs or default is None:
        raise TypeError(f'{function}() missing 1 required positional arguments: "type"')
    else:
        return default
    return _check_info_argument(function, type_)


# Last, because these hide Python's own names from here on (`bool` must be a global of this module for pickle).
bool = _bool
half, float, double = float16, float32, float64
chalf, cfloat, cdouble = complex32, complex64, complex128
short, int, long = int16, int32, int64
