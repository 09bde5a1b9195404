"""What the parameters of distributions must satisfy, with PyTorch's words for those that do not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.dtypes import DTYPES, FROM_NUMPY
from ..core.errors import warn
from ..core.generator import Generator, stream_of
from ..kernels import random as samplers

Array = Any

#: PyTorch's C++ names of the element types, which some messages bear
C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "uint16": "short unsigned int", "uint32": "unsigned int", "uint64": "long unsigned int",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip
#: bits of the significand and largest number of each floating dtype
FLOATS = {
    DTYPES[name].np: (digits, largest)
    for name, digits, largest in (
        ("float16", 11, 65504.0),
        ("bfloat16", 8, 3.3895313892515355e38),
        ("float32", 24, 3.4028234663852886e38),
        ("float64", 53, 1.7976931348623157e308),
    )
}
CONTINUOUS = frozenset((*FLOATS, DTYPES["complex64"].np, DTYPES["complex128"].np))
DISCRETE = frozenset((*FLOATS, *(DTYPES[name].np for name in ("uint8", "int8", "int16", "int32", "int64"))))
LOWEST = -(1 << 63)
_RANGES = {
    DTYPES[name].np: (int(np.iinfo(name).min), min(int(np.iinfo(name).max), (1 << 63) - 1))
    for name in ("uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64")
}


def not_implemented(kernel: str, data: Array) -> NotImplementedError:
    """The error of a kernel that does not know the dtype of `data`."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_name(data)}'")


def scalar_name(data: Array) -> str:
    """'Float', 'Long', ..."""
    return FROM_NUMPY[data.dtype].scalar_name


def c_name(data: Array) -> str:
    """'float', 'long int', ..."""
    name = str(data.dtype.name)
    return C_NAMES.get(name, name)


def check_continuous(kernel: str, data: Array) -> None:
    """Floating and complex dtypes only."""
    if data.dtype not in CONTINUOUS:
        raise not_implemented(kernel, data)


def check_std(std: float) -> None:
    """Of a normal distribution."""
    if not std >= 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")


def uniform_bounds(data: Array, low: float, high: float) -> None:
    """Of uniform_: both within the dtype, in order, and not too far apart."""
    check_continuous("check_uniform_bounds", data)
    kind = data.dtype
    if kind.kind == "c":
        if not data.size:
            return
        kind = data.real.dtype
    largest = FLOATS[kind][1]
    if -largest <= low <= high <= largest and high - low <= largest:
        return
    c, scalar = C_NAMES[kind.name], FROM_NUMPY[kind].scalar_name
    for which, value in (("from", low), ("to", high)):
        if not -largest <= value <= largest:
            raise RuntimeError(f"{which} is out of bounds for {c}")
    if not low <= high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    raise RuntimeError(
        f"uniform_ expects to-from <= std::numeric_limits<{scalar}>::max(), but found to={high:g} and "
        f"from={low:g} which result in to-from to exceed the limit"
    )


# ---------------------------------------------------------------- random_(from, to)


def random_between(low: int, high: int | None, generator: Generator | None) -> Callable[[Array], None]:
    """What fills an array as `random_(low, high)` does; `high` None: as far as the dtype goes."""

    def fill(data: Array) -> None:
        if low == LOWEST and high is None:
            fill_all(data, generator)
            return
        start, last = bounds(data, low, high)
        check_range(data, start, last)
        if data.size:
            samplers.integers(data, start, last - start + 1, stream_of(generator))

    return fill


def fill_all(data: Array, generator: Generator | None) -> None:
    """All 64-bit integers."""
    if not data.size:
        return
    name = data.dtype.name
    if name not in ("int64", "float64", "float32", "bfloat16"):
        if data.dtype not in DISCRETE or name == "float16":
            raise not_implemented("random_full_64_bits_range_kernel_cpu", data)
        raise RuntimeError("random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16")
    samplers.integers(data, 0, 1 << 64, stream_of(generator))


def bounds(data: Array, low: int, high: int | None) -> tuple[int, int]:
    """The first and the last integer to draw; in floating dtypes such that rounding stays within [low, high)."""
    kind = data.dtype
    if high is not None:
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        if kind in FLOATS:
            low, high = raised(data, low), lowered(data, high)
            if low >= high:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got "
                    f"from={low} >= to={high}"
                )
        return low, high - 1
    if kind in FLOATS:
        last = 1 << FLOATS[kind][0]
        low = raised(data, low)
        if low >= last:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got "
                f"from={low} > to_inc={last}"
            )
        return low, last
    if kind.kind == "b":
        return low, 1
    if kind.kind in "iu":
        return low, -1 if kind == np.uint64 else int(np.iinfo(kind).max)
    raise RuntimeError("random_from_to_impl handles only integral, floating-point and boolean types")


def rounded(data: Array, value: int) -> int:
    """The integer as the floating dtype holds it."""
    near = np.array(value, np.int64).astype(np.float32 if data.dtype.itemsize == 2 else data.dtype).astype(data.dtype)
    return int(near) if math.isfinite(float(near)) and abs(float(near)) < 2.0**63 else LOWEST


def raised(data: Array, low: int) -> int:
    """The first representable number above, where `low + 1` would be rounded to less than `low`."""
    near = rounded(data, low + 1)
    if near < low:
        low = near + (1 << max(abs(low + 1).bit_length() - FLOATS[data.dtype][0], 0))
    return low


def lowered(data: Array, high: int) -> int:
    """The first representable number below, where `high - 1` would be rounded to `high` or more."""
    near = rounded(data, high - 1)
    if near >= high:
        high = near - (1 << max(abs(high - 1).bit_length() - FLOATS[data.dtype][0], 0))
    return high


def check_range(data: Array, low: int, last: int) -> None:
    """Both ends within the dtype; a warning where a floating dtype skips integers."""
    kind = data.dtype
    if kind in FLOATS:
        digits, largest = FLOATS[kind]
        for which, value in (("from", low), ("to - 1", last)):
            if not -largest <= float(value) <= largest:
                raise RuntimeError(f"{which} is out of bounds for {c_name(data)}")
        for which, value in (("from", low), ("to - 1", last)):
            if abs(value) > 1 << digits:
                warn(
                    f"{which} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations "
                    f"{c_name(data)} can support discrete uniform distribution only within this range. This warning "
                    "will become an error in version 1.7 release, please fix the code in advance"
                )
        return
    if kind.kind == "b":
        least, most = 0, 1
    elif kind.kind in "iu":
        least, most = _RANGES[kind]
    else:
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean types")
    for which, value in (("from", low), ("to - 1", last)):
        if not least <= value <= most:
            raise RuntimeError(f"{which} is out of bounds for {c_name(data)}")
