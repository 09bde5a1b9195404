"""`Size`, the tuple that shapes are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import index as to_index
from typing import Any, NoReturn, SupportsIndex, overload

from wengert.core.dtypes import TorchNamed

__all__ = ["Size", "size_of"]

_HEAP_TYPE = 1 << 9  # set in the flags of classes made by a class statement; C's names of the others bear the module


class Size(tuple[int, ...], metaclass=TorchNamed):
    """A shape: a tuple of ints whose slices, sums and multiples are again sizes.

    Raises TypeError when an item is no integer (0-d integer tensors and NumPy integers count as integers).
    """

    __slots__ = ()

    def __new__(cls, iterable: Iterable[SupportsIndex] = (), /, *rest: object) -> Size:
        if rest:
            raise TypeError(f"tuple expected at most 1 argument, got {1 + len(rest)}")
        items = tuple(iterable)
        for item in items:
            if type(item) is not int:
                return tuple.__new__(cls, [_checked(at, item) for at, item in enumerate(items)])
        return tuple.__new__(cls, items)

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'torch.Size' is not an acceptable base type")

    def numel(self) -> int:
        """Number of elements of a tensor of this shape (1 for no dimensions)."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __reduce__(self) -> tuple[type[Size], tuple[tuple[int, ...]]]:
        return Size, (tuple(self),)

    @overload
    def __getitem__(self, at: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, at: slice, /) -> Size: ...
    def __getitem__(self, at: SupportsIndex | slice, /) -> int | Size:
        item = tuple.__getitem__(self, at)
        return item if type(at) is not slice else size_of(item)  # type: ignore[return-value, arg-type]

    def __add__(self, other: Any, /) -> Size:
        if not isinstance(other, tuple):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to torch.Size")
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any, /) -> Size:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(other, self))

    def __mul__(self, times: SupportsIndex, /) -> Size:
        if not hasattr(times, "__index__"):
            raise TypeError(f"can't multiply sequence by non-int of type '{type(times).__name__}'")
        return size_of(tuple.__mul__(self, times))

    __rmul__ = __mul__


new_tuple = tuple.__new__


def size_of(shape: tuple[int, ...]) -> Size:
    """A Size of a tuple that is known to hold plain ints (an array's shape), without the checks."""
    return new_tuple(Size, shape)


def _checked(at: int, item: Any) -> int:
    """The item as a plain int, or the TypeError that says which item is none."""
    try:
        return to_index(item)
    except TypeError:
        _refuse(at, type(item))


def _refuse(at: int, kind: type) -> NoReturn:
    static = not kind.__flags__ & _HEAP_TYPE and kind.__module__ != "builtins"
    name = f"{kind.__module__}.{kind.__name__}" if static else kind.__name__
    raise TypeError(f"torch.Size() takes an iterable of 'int' (item {at} is '{name}')")
