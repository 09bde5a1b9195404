"""A Python number as an element of an array: PyTorch's checked conversion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["convert_scalar"]

_C_NAMES = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t",
    "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t", "float16": "c10::Half",
    "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double", "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}  # fmt: skip

_LARGEST = {
    "float16": 65504.0,
    "bfloat16": (2.0 - 2.0**-7) * 2.0**127,
    "float32": (2.0 - 2.0**-23) * 2.0**127,
    "complex64": (2.0 - 2.0**-23) * 2.0**127,
}


def convert_scalar(value: Any, dtype: np.dtype[Any]) -> Any:
    """`value` (bool, int, float or complex) as a 0-d array of `dtype`.

    Fractions are cut for integer dtypes, negative integers wrap for unsigned ones. Raises RuntimeError where the
    value does not fit, OverflowError for integers beyond 64 bits.
    """
    kind = dtype.kind
    if value.__class__ is float and (dtype.char in "dD" or (dtype.char in "fF" and -3.4e38 < value < 3.4e38)):
        return np.array(value, dtype)
    if isinstance(value, (int, np.integer)) and not -(2**63) <= value < 2**64:
        raise OverflowError("int too big to convert" if value > 0 else "can't convert negative int to unsigned")
    if kind == "b":
        return np.array(bool(value))
    if isinstance(value, (complex, np.complexfloating)) and kind != "c":
        if value.imag != 0:
            raise _overflow(dtype)
        value = value.real
    if kind in "iu":
        low, high = _limits(dtype)
        whole = isinstance(value, (int, np.integer))
        if whole:
            # Unsigned types take the two's complement of an integer, but not of a float.
            if not (-high if kind == "u" else low) <= value <= high:
                raise _overflow(dtype)
            return np.array(int(value) & ((1 << dtype.itemsize * 8) - 1) if kind == "u" else int(value), dtype)
        # The bounds are compared as floats of 64 bits, where the largest int64 is 2.0**63; that one wraps.
        if not float(low) <= value <= float(high):
            raise _overflow(dtype)
        whole_value = int(value)
        return np.array(low if whole_value > high else whole_value, dtype)
    largest = _LARGEST.get(dtype.name)
    if largest is not None:
        for part in (value.real, value.imag):
            if abs(part) > largest and not math.isinf(part):
                raise _overflow(dtype)
    return np.array(value if kind == "c" else float(value), dtype)


def _limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _overflow(dtype: np.dtype[Any]) -> RuntimeError:
    return RuntimeError(
        f"value cannot be converted to type {_C_NAMES.get(dtype.name, dtype.name)} without overflow"
    )
