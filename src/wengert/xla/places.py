"""Where Python values stand: what a compiled function is guarded by, stores to, and has put back."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

from ..core.tensor import Tensor

SCALARS = (int, float, bool, complex, str, bytes, type(None))
#: what a place holds that is not there
MISSING: Any = type("Missing", (), {"__repr__": lambda self: "nothing"})()


class Place:
    """Where a value stands: `container[key]`, or the contents of a closure cell."""

    __slots__ = ("container", "key", "name")

    def __init__(self, container: Any, key: Any, name: str) -> None:
        self.container, self.key, self.name = container, key, name

    def get(self) -> Any:
        c = self.container
        return c.cell_contents if c.__class__ is types.CellType else c[self.key]

    def look(self) -> Any:
        """The value, or MISSING."""
        try:
            return self.get()
        except (KeyError, IndexError, ValueError):
            return MISSING

    def set(self, value: Any) -> None:
        c = self.container
        if c.__class__ is types.CellType:
            c.cell_contents = value
        else:
            c[self.key] = value


class AttributePlace(Place):
    """An attribute in a slot, or one that a class holds."""

    __slots__ = ()

    def get(self) -> Any:
        c = self.container
        if isinstance(c, type):
            return vars(c)[self.key]
        try:
            return getattr(c, self.key)
        except AttributeError:
            raise KeyError(self.key) from None

    def set(self, value: Any) -> None:
        if value is MISSING:
            delattr(self.container, self.key)
        else:
            setattr(self.container, self.key, value)


class ItemPlace(Place):
    """An element of the tuple of `length` tensors that stands at a place."""

    __slots__ = ("length",)

    def __init__(self, outer: Place, key: int, length: int) -> None:
        super().__init__(outer, key, f"{outer.name}[{key}]")
        self.length = length

    def get(self) -> Any:
        return self.container.get()[self.key]

    def look(self) -> Any:
        found = self.container.look()
        return found[self.key] if found.__class__ is tuple and len(found) == self.length else MISSING


def tensor_places(place: Place) -> list[tuple[Place, Tensor]]:
    """The tensor that stands at a place, or those of the tuple that does."""
    value = place.look()
    if isinstance(value, Tensor):
        return [(place, value)]
    if value.__class__ is tuple and value and all(isinstance(x, Tensor) for x in value):
        return [(ItemPlace(place, k, len(value)), x) for k, x in enumerate(value)]
    return []


def among(place: Place, places: Sequence[Place]) -> bool:
    """Whether a place is one of these."""
    return any(p.container is place.container and p.key == place.key for p in places)


__all__ = ["MISSING", "SCALARS", "AttributePlace", "ItemPlace", "Place", "among", "tensor_places"]
