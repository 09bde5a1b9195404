"""Arrays as windows onto memory: who owns it, where an element lies, windows of any strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

ndarray = np.ndarray
Array = Any


def address(x: Array) -> int:
    """Where the first element lies."""
    return x.__array_interface__["data"][0]  # type: ignore[no-any-return]


class Window:
    """Hands NumPy an address with strides; the array that NumPy makes keeps this alive, and this the owner."""

    __slots__ = ("__array_interface__", "owner")

    def __init__(self, x: Array, size: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
        interface = dict(x.__array_interface__)
        start, readonly = interface["data"]
        interface["data"] = (start + offset, readonly)
        interface["shape"], interface["strides"] = size, strides
        plain_type(x, interface)
        self.__array_interface__ = interface
        self.owner = x


class Borrowed:
    """As `Window` onto the whole of `owner`, but what is made of it counts as the beginning of a memory of its own."""

    __slots__ = ("__array_interface__", "owner")

    def __init__(self, x: Array) -> None:
        interface = dict(x.__array_interface__)
        interface["strides"] = x.strides
        plain_type(x, interface)
        self.__array_interface__ = interface
        self.owner = x


def plain_type(x: Array, interface: dict[str, Any]) -> None:
    """A type that NumPy itself knows, of the same size: bfloat16 is none of its own."""
    if x.dtype.kind == "V":
        interface["typestr"] = "<u2" if x.dtype.itemsize == 2 else f"|u{x.dtype.itemsize}"
        interface.pop("descr", None)


def strided(x: Array, size: Sequence[int], byte_strides: Sequence[int], byte_offset: int) -> Array:
    """A window onto the memory of `x`; `byte_offset` counts from its first element."""
    out = np.asarray(Window(x, tuple(size), tuple(byte_strides), byte_offset))
    return out if out.dtype == x.dtype else out.view(x.dtype)


def root(x: Array) -> Array:
    """The array at the end of the chain of bases: all views of one memory have the same."""
    while True:
        base = x.base
        if base.__class__ is ndarray:
            x = base
        elif base.__class__ is Window:
            x = base.owner
        else:
            return x


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """PyTorch's strides, in elements, of a contiguous tensor of that shape."""
    strides = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= n if n > 1 else 1
    return tuple(reversed(strides))


def element_strides(x: Array) -> tuple[int, ...]:
    """Strides in elements, as PyTorch counts them (NumPy has zeros where there are no elements)."""
    k = x.itemsize
    if x.size == 0:
        return contiguous_strides(x.shape)
    return tuple([s // k for s in x.strides])
