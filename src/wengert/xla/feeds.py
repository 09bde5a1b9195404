"""What a program is handed at each call besides its residents: arguments, random numbers, Python numbers.

Each array that crosses into XLA costs some microseconds, so the small ones of one dtype cross together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import prod
from typing import Any

import jax
import numpy as np

from .state import Stale
from .tracer import Draw, Input, Number

#: arrays of at most this many elements are copied into a common buffer
SMALL = 4096


class Feeds:
    """The inputs `numbers` of a program, in the order in which they are fetched; those in `apart` stay single."""

    def __init__(self, inputs: Sequence[Input], numbers: Sequence[int], apart: Collection[int]) -> None:
        self.inputs, self.numbers = inputs, numbers
        groups: dict[Any, list[int]] = {}
        for n in numbers:
            shape, dtype = inputs[n].aval
            if prod(shape) <= SMALL and n not in apart and inputs[n].source.__class__ is not Number:
                groups.setdefault(dtype, []).append(n)
        self.buffers: list[tuple[Any, list[int], int]] = []
        #: input -> (buffer, from, to), or (-1, place among the single ones, 0)
        self.where: dict[int, tuple[int, int, int]] = {}
        for dtype, members in groups.items():
            if len(members) < 2:
                continue
            at = 0
            for n in members:
                size = prod(inputs[n].aval[0])
                self.where[n] = len(self.buffers), at, at + size
                at += size
            self.buffers.append((dtype, members, at))
        self.single = [n for n in numbers if n not in self.where]
        for k, n in enumerate(self.single):
            self.where[n] = -1, k, 0
        self.fetch: list[tuple[Callable[[Any], Any], int, int, int, Any]] = []
        #: whether 64-bit arrays of the host are handed in, which JAX takes only where it is told so
        self.wide = any(inputs[n].aval[1].itemsize in (8, 16) and inputs[n].source.__class__ is not Number for n in numbers)

    def structs(self, place: Any, batch: dict[int, Any]) -> list[Any]:
        """What the program's arguments look like."""
        found = [jax.ShapeDtypeStruct((size,), dtype, sharding=place) for dtype, _, size in self.buffers]
        return found + [
            jax.ShapeDtypeStruct(*self.inputs[n].aval, sharding=batch.get(n, place)) for n in self.single
        ]

    def unpacked(self, fed: Sequence[Any]) -> dict[int, Any]:
        """Input -> value, inside the program. 0-d values have one dimension there."""
        found = {}
        for n, (k, a, b) in self.where.items():
            shape = self.inputs[n].aval[0] or (1,)
            found[n] = fed[len(self.buffers) + a].reshape(shape) if k < 0 else fed[k][a:b].reshape(shape)
        return found

    def bind(self, fetchers: Sequence[Callable[[Any], Any]]) -> None:
        """How each input is had, in the order of `numbers`."""
        order = sorted(zip(fetchers, self.numbers, strict=True), key=lambda row: self.inputs[row[1]].source.__class__ is Draw)
        # random numbers last: nothing is drawn for a call that turns out to be `Stale`
        self.fetch = [(f, *self.where[n], self.inputs[n].aval) for f, n in order]

    def gather(self, leaves: Sequence[Any]) -> list[Any]:
        """The arrays of one call. Raises Stale if a tensor from outside has another shape or dtype now."""
        n = len(self.buffers)
        fed: list[Any] = [np.empty(size, dtype) for dtype, _, size in self.buffers]
        fed += [None] * len(self.single)
        for fetch, k, a, b, aval in self.fetch:
            array = fetch(leaves)
            if array.shape != aval[0] or array.dtype != aval[1]:
                raise Stale
            if k < 0:
                fed[n + a] = array
            else:
                fed[k][a:b] = array.reshape(-1)
        return fed


class NumberFeed:
    """A Python number as an array in XLA's memory, kept as long as it is the same."""

    __slots__ = ("array", "device", "place", "value")

    def __init__(self, place: Any, device: Any) -> None:
        self.place = place
        self.device = device
        self.value: Any = None
        self.array: Any = None

    def __call__(self, leaves: Any) -> Any:
        value = self.place.get()
        if value is not self.value:
            with jax.enable_x64(True):
                self.array = jax.device_put(np.array(value, np.float64), self.device)
            self.value = value
        return self.array


__all__ = ["Feeds", "NumberFeed"]
