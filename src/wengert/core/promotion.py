"""Type promotion: which dtype an operation computes in.

Operands come in three ranks: tensors with dimensions, 0-d tensors, Python scalars. Inside one rank the dtypes are
promoted together. A lower rank only counts when its category (bool < integer < floating < complex) is above that of
the higher rank, and then gives way in precision: float16[3] * 2.5 is float16, int64[3] * 2.5 is the default dtype.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from wengert.core import dtypes
from wengert.core.dtypes import BOOL, COMPLEX, DTYPES, FLOATING, FROM_NUMPY, dtype

__all__ = [
    "can_cast",
    "check_cast",
    "combine",
    "promote_types",
    "result_dtype",
    "scalar_dtype",
]

_u8, _i8, _i16, _i32, _i64 = (DTYPES[name] for name in ("uint8", "int8", "int16", "int32", "int64"))
_u64, _bool = DTYPES["uint64"], DTYPES["bool"]
_f16, _bf16, _f32, _f64 = (DTYPES[name] for name in ("float16", "bfloat16", "float32", "float64"))
_c32, _c64, _c128 = (DTYPES[name] for name in ("complex32", "complex64", "complex128"))
_SIGNED = (_i8, _i16, _i32, _i64)
_BAREBONES = tuple(DTYPES[name] for name in ("uint16", "uint32", "uint64"))  # these promote with floats only


def _join(a: dtype, b: dtype) -> dtype | None:
    """The smallest dtype that both convert to, by PyTorch's rules; None where there is none."""
    if a is b:
        return a
    if a.category > b.category:
        a, b = b, a
    if a in _BAREBONES or b in _BAREBONES:
        return b if b.category == FLOATING else None
    if a.category < FLOATING and b.category > a.category:
        return b  # a higher category wins whatever its width: int64 with float16 is float16
    if b.category < FLOATING:  # two integers; uint8 needs the next wider signed type
        signed = [d for d in (a, b) if d is not _u8]
        wide = max(signed, key=lambda d: d.itemsize)
        return _i16 if len(signed) == 1 and wide is _i8 else wide
    # Floating and complex: the wider part decides; the two 16-bit formats meet in float32.
    parts = {a.to_real(), b.to_real()}
    part = _f32 if parts == {_f16, _bf16} else max(parts, key=lambda d: d.itemsize)
    return part.to_complex() if b.category == COMPLEX else part


#: (a, b) -> promoted dtype, for every pair that has one.
_PROMOTED: dict[tuple[dtype, dtype], dtype] = {
    (a, b): joined for a in DTYPES.values() for b in DTYPES.values() if (joined := _join(a, b)) is not None
}


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The dtype that both convert to without loss of category. Raises RuntimeError for uint16/32/64 with non-floats."""
    try:
        return _PROMOTED[type1, type2]
    except KeyError:
        pass
    for position, (name, given) in enumerate((("type1", type1), ("type2", type2)), 1):
        _check_is_dtype("promote_types", name, position, given)
    raise RuntimeError(
        "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
        f"{type1.scalar_name} and {type2.scalar_name}"
    )


def can_cast(from_: dtype, to: dtype) -> bool:
    """True when a result of dtype `from_` may be written into `to`: the category must not go down."""
    _check_is_dtype("can_cast", "from_", 1, from_)
    _check_is_dtype("can_cast", "to", 2, to)
    return from_.category <= to.category


def check_cast(result: dtype, output: dtype) -> None:
    """Raise the RuntimeError of in-place and `out=` operations when `result` may not be written into `output`."""
    if result.category > output.category:
        raise RuntimeError(
            f"result type {result.scalar_name} can't be cast to the desired output type {output.scalar_name}"
        )


def scalar_dtype(value: Any) -> dtype:
    """The dtype that a Python (or NumPy) scalar brings: bool, int64, or the default floating or complex dtype.

    Raises OverflowError for integers beyond 64 bits, TypeError for what is no scalar.
    """
    kind = type(value)
    if kind is bool or isinstance(value, np.bool_):
        return _bool
    if isinstance(value, (int, np.integer)):
        if -(1 << 63) <= value < 1 << 63:
            return _i64
        if 0 < value < 1 << 64:
            return _u64
        raise OverflowError("int too big to convert")
    if isinstance(value, (float, np.floating)) or kind in _NUMPY_EXTRA_FLOATS:
        return dtypes.get_default_dtype()
    if isinstance(value, (complex, np.complexfloating)):
        return dtypes.get_default_dtype().to_complex()
    raise TypeError(f"expected a number, got {kind.__name__}")


_SCALARS = frozenset((bool, int, float, complex))
_NUMPY_EXTRA_FLOATS = frozenset((_bf16.np.type,))  # ml_dtypes' scalars are not np.floating


def combine(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """Join the dtypes of two ranks: `lower` only counts when it raises the category of `higher`."""
    if higher is None:
        return lower
    if lower is None:
        return higher
    top = higher.category
    if top == COMPLEX or lower.category <= top and top != BOOL:
        return higher
    if top == FLOATING:  # and lower is complex: keep the precision of the floats
        return higher.to_complex()
    return lower if lower.category >= FLOATING else promote_types(higher, lower)


def result_dtype(operands: Iterable[Any], int_to_float: bool = False) -> dtype:
    """The dtype to compute in, from arrays (anything with `dtype` and `ndim`) and Python scalars.

    With `int_to_float`, bool and integer results become the default dtype, as `sin` and `/` want it.
    Raises RuntimeError where PyTorch has no promotion, ValueError without operands.
    """
    dim: dtype | None = None
    zero: dtype | None = None
    scalar: dtype | None = None
    for x in operands:
        kind = type(x)
        if kind is float:
            d = dtypes._default
        elif kind is np.ndarray or (kind not in _SCALARS and hasattr(x, "ndim") and not isinstance(x, np.generic)):
            d = FROM_NUMPY[x.dtype]
            if x.ndim:
                if dim is None:
                    dim = d
                elif dim is not d:
                    dim = promote_types(dim, d)
            elif zero is None:
                zero = d
            elif zero is not d:
                zero = promote_types(zero, d)
            continue
        else:
            d = scalar_dtype(x)
        if scalar is None:
            scalar = d
        elif scalar is not d:
            scalar = promote_types(scalar, d)
    low = zero if scalar is None else scalar if zero is None else combine(zero, scalar)
    found = dim if low is None else low if dim is None else combine(dim, low)
    if found is None:
        raise ValueError("result_dtype needs at least one operand")
    if int_to_float and found.category < FLOATING:
        return dtypes._default
    return found


def _check_is_dtype(function: str, name: str, position: int, given: object) -> None:
    if type(given) is not dtype:
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be torch.dtype, not {type(given).__name__}"
        )
