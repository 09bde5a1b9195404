"""Objects whose contents no key tells: sets, deques, host arrays, generators of numbers, caches.

A trace that changes one is refused; where the contents can be read without changing it, they are guarded.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from operator import is_
from typing import Any

import numpy as np


class Opaque:
    """One such object as it was when the trace began."""

    __slots__ = ("before", "guarded", "name", "read", "value", "write")

    def __init__(
        self, value: Any, name: str, read: Callable[[Any], Any], write: Callable[[Any, Any], None], guarded: bool
    ) -> None:
        self.value, self.name, self.read, self.write, self.guarded = value, name, read, write, guarded
        self.before = read(value)

    def same(self) -> bool:
        """Whether it is still what it was."""
        return alike(self.read(self.value), self.before)

    def restore(self) -> None:
        """Make it what it was."""
        self.write(self.value, self.before)


def opaque(value: Any, name: str) -> Opaque | None:
    """`value` with its contents, if it is of this kind."""
    if isinstance(value, np.ndarray):
        return Opaque(value, name, np.copy, _fill, True)
    if isinstance(value, deque):
        return Opaque(value, name, list, _refill, True)
    if isinstance(value, set):
        return Opaque(value, name, set, _refill, True)
    if isinstance(value, bytearray):
        return Opaque(value, name, bytes, _slice, True)
    if isinstance(value, np.random.Generator):
        return Opaque(value, name, lambda g: g.bit_generator.state, _set_bits, False)
    if isinstance(value, np.random.RandomState):
        return Opaque(value, name, lambda g: g.get_state(legacy=False), lambda g, s: g.set_state(s), False)
    if isinstance(value, random.Random):
        return Opaque(value, name, lambda g: g.getstate(), lambda g, s: g.setstate(s), False)
    if hasattr(value, "cache_info") and hasattr(value, "cache_clear"):
        return Opaque(value, name, lambda f: f.cache_info()[1::2], lambda f, _: f.cache_clear(), False)
    return None


def long(value: Any, name: str) -> Opaque:
    """A list, tuple or dict too long to guard each element by itself: they must be the same objects."""
    return Opaque(value, name, elements, lambda *_: None, True)


def elements(value: Any) -> Elements:
    """The objects in it."""
    return Elements(value.values() if isinstance(value, dict) else value)


class Elements(list[Any]):
    """Equal to another if it holds the same objects."""


def used_up(value: Any) -> bool:
    """Whether it is an iterator or an open file, which a call moves on."""
    return hasattr(value, "__next__") and isinstance(value, Iterator)


def alike(a: Any, b: Any) -> bool:
    """Whether two snapshots are equal; tensors and other objects must be the same ones."""
    if a is b:
        return True
    if a.__class__ is not b.__class__:
        return False
    if isinstance(a, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if isinstance(a, Elements):
        return len(a) == len(b) and all(map(is_, a, b))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, set):
        return len(a) == len(b) and a == b
    return isinstance(a, (int, float, complex, str, bytes)) and a == b


def _fill(array: Any, before: Any) -> None:
    array[...] = before


def _refill(container: Any, before: Any) -> None:
    container.clear()
    (container.extend if isinstance(container, deque) else container.update)(before)


def _slice(container: Any, before: Any) -> None:
    container[:] = before


def _set_bits(generator: Any, state: Any) -> None:
    generator.bit_generator.state = state


__all__ = ["Opaque", "long", "opaque", "used_up"]
