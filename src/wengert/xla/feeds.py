"""What a program is handed at each call besides its residents: arguments, tensors from outside that it only reads,
random numbers, Python numbers.

Each array that crosses into XLA costs some microseconds, so the small ones of one dtype cross together, and tensors that
come again stay there: they become residents of a kind that no program changes, until something eager looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import prod
from typing import Any

import jax
import numpy as np

from ..core.tensor import Tensor, version_of
from .inputs import Draw, Input, Number
from .places import Place
from .state import DATA, Output, Part, Stale, exclusive, present, seat

ndarray = np.ndarray

#: arrays of at most this many elements are copied into a common buffer, and compared rather than handed in again
PACKED = 4096


class Argument:
    """Where a tensor is found: among the arguments of the call."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def look(self, leaves: Sequence[Any]) -> Tensor:
        return leaves[self.number]  # type: ignore[no-any-return]


class Outside:
    """Where a tensor is found: it is always this one."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def look(self, leaves: Sequence[Any]) -> Tensor:
        return self.tensor


class Standing:
    """Where a tensor is found: it stands at a place where the function puts another one."""

    __slots__ = ("place",)

    def __init__(self, place: Place) -> None:
        self.place = place

    def look(self, leaves: Sequence[Any]) -> Tensor:
        return self.place.get()  # type: ignore[no-any-return]


class GradientOf:
    """Where a tensor is found: it is the `.grad` of that one."""

    __slots__ = ("leaf",)

    def __init__(self, leaf: Tensor) -> None:
        self.leaf = leaf

    def look(self, leaves: Sequence[Any]) -> Tensor:
        return self.leaf._grad  # type: ignore[return-value]


Finder = Argument | Outside | Standing | GradientOf


class Feeds:
    """The inputs `numbers` of a program; those in `apart` stay single. Each feed is one array that is handed in."""

    def __init__(self, inputs: Sequence[Input], numbers: Sequence[int], apart: Collection[int]) -> None:
        self.inputs, self.numbers = inputs, numbers
        groups: dict[tuple[Any, bool, int | None], list[int]] = {}
        for n in numbers:
            shape, dtype = inputs[n].aval
            kind = inputs[n].source.__class__
            alone = prod(shape) > PACKED or n in apart or kind is Number
            groups.setdefault((dtype, kind is Draw, n if alone else None), []).append(n)
        #: the inputs of each feed
        self.members = list(groups.values())
        self.feeds: list[Any] = []
        #: what draws the random numbers, in order
        self.draws: list[Callable[[], Any]] = []

    def structs(self, place: Any, batch: dict[int, Any]) -> list[Any]:
        """What the program's arguments look like."""
        found = []
        for members in self.members:
            shape, dtype = self.inputs[members[0]].aval
            if len(members) > 1:
                shape = (sum(prod(self.inputs[n].aval[0]) for n in members),)
            found.append(jax.ShapeDtypeStruct(shape, dtype, sharding=batch.get(members[0], place)))
        return found

    def unpacked(self, fed: Sequence[Any]) -> dict[int, Any]:
        """Input -> value, inside the program. 0-d values have one dimension there."""
        found = {}
        for members, whole in zip(self.members, fed):
            at = 0
            for n in members:
                shape = self.inputs[n].aval[0] or (1,)
                size = prod(shape)
                part = whole[at : at + size] if len(members) > 1 else whole
                found[n] = part.reshape(shape)
                at += size
        return found

    def bind(self, finder: dict[int, Finder], written: set[int], place: Any, batch: dict[int, Any]) -> None:
        """How each tensor is found. `written`: those that the program changes too."""
        drawn = [n for n in self.numbers if self.inputs[n].source.__class__ is Draw]
        self.draws = [self.inputs[n].source.make for n in drawn]
        for members in self.members:
            source = self.inputs[members[0]].source
            avals = [self.inputs[n].aval for n in members]
            if source.__class__ is Number:
                self.feeds.append(NumberFeed(source.place, place))
            elif source.__class__ is Draw:
                self.feeds.append(DrawFeed([drawn.index(n) for n in members], avals))
            else:
                stays = written.isdisjoint(members)
                self.feeds.append(TensorFeed([finder[n] for n in members], avals, stays, batch.get(members[0], place)))

    def gather(self, leaves: Sequence[Any]) -> tuple[list[Any], bool, bool]:
        """The arrays of one call; whether memory of the user's is among them, and 64-bit arrays of the host. Raises Stale,
        before any number is drawn, if a tensor has another shape or dtype now."""
        fed = [feed.take(leaves) for feed in self.feeds]
        if self.draws:
            drawn = [draw() for draw in self.draws]
            fed = [feed.pick(drawn) if feed.__class__ is DrawFeed else array for feed, array in zip(self.feeds, fed)]
        lent = wide = False
        for feed, array in zip(self.feeds, fed):
            if array.__class__ is ndarray:
                lent = lent or feed.lends
                wide = wide or array.itemsize >= 8
        return fed, lent, wide


class TensorFeed:
    """Tensors that are handed in as one array. When the same ones come again, the array stays in XLA's memory: large ones
    if nobody else can see their memory, small ones also if it still holds the same bytes."""

    __slots__ = ("array", "avals", "finders", "lends", "parts", "patience", "seen", "shared", "sharding", "stays", "times")

    def __init__(self, finders: Sequence[Finder], avals: Sequence[Any], stays: bool, sharding: Any) -> None:
        self.finders, self.avals, self.stays, self.sharding = finders, avals, stays, sharding
        #: whether the tensor's own memory is handed in
        self.lends = len(avals) == 1 and prod(avals[0][0]) > PACKED
        #: the array in XLA's memory, and what the tensors' `_data` slots hold as long as it is right
        self.array: Any = None
        self.parts: list[Any] = [None] * len(avals)
        #: those of them that others can write, and what they held
        self.shared: list[tuple[Any, bytes]] = []
        #: what the slots held at the last call, how often they did, and how often they must for the array to stay: twice
        #: as often each time that it stayed in vain
        self.seen: list[tuple[int, int]] = []
        self.times = 0
        self.patience = 3

    def take(self, leaves: Sequence[Any]) -> Any:
        tensors = [find.look(leaves) for find in self.finders]
        if self.array is not None:
            if all(DATA.__get__(t) is part for t, part in zip(tensors, self.parts)) and self.unwritten():
                return self.array
            self.array = None
            self.parts = [None] * len(self.avals)
            self.shared = []
            self.patience = min(2 * self.patience, 1 << 20)
        datas = [DATA.__get__(t) for t in tensors]
        for data, (shape, dtype) in zip(datas, self.avals):
            if data.shape != shape or data.dtype != dtype:
                raise Stale
        seen, self.seen = self.seen, [(id(data), version_of(t)) for t, data in zip(tensors, datas)]
        self.times = self.times + 1 if seen == self.seen else 1
        del data, datas
        if self.stays and self.times >= self.patience and all(may_stay(t) for t in tensors):
            return self.keep(tensors)
        # XLA lets go of memory that was lent to it some time later: the last call before the array stays lends a copy
        return present(tensors[0]) if self.lends and self.times + 1 != self.patience else packed(tensors)

    def unwritten(self) -> bool:
        """Whether the memory that others can write still holds what it did."""
        return all(a.tobytes() == held for a, held in self.shared)

    def keep(self, tensors: Sequence[Tensor]) -> Any:
        """The array in XLA's memory from now on; the tensors live there, but for those whose memory others share."""
        whole = packed(tensors)
        with jax.enable_x64(True):
            self.array = jax.device_put(whole, self.sharding)
        home, at = Output(self.array), 0
        for t, (shape, dtype) in zip(tensors, self.avals):
            size = prod(shape)
            if may_move(t):
                seat(t, Part(home, None if len(tensors) == 1 else at, shape, dtype, size))
            elif (data := DATA.__get__(t)).__class__ is ndarray:
                self.shared.append((data, data.tobytes()))
            at += size
        self.parts = [DATA.__get__(t) for t in tensors]
        return self.array


def may_stay(t: Tensor) -> bool:
    """Whether a change of this tensor's value will be noticed while the array is in XLA's memory."""
    data = DATA.__get__(t)
    if data.__class__ is Part:
        return data.resident.__class__ is Output
    small = data.size <= PACKED
    del data  # `exclusive` counts who holds it
    return small or may_move(t)


def may_move(t: Tensor) -> bool:
    """Whether an ordinary tensor can live in XLA's memory."""
    data = DATA.__get__(t)
    return data.__class__ is ndarray and data.flags.c_contiguous and exclusive(t, data)


def packed(tensors: Sequence[Tensor]) -> Any:
    """Tensors of one dtype behind each other, in an array of their own."""
    if len(tensors) == 1:
        return present(tensors[0]).copy()
    return np.concatenate([present(t).reshape(-1) for t in tensors])


class DrawFeed:
    """Random numbers, drawn on the host for each call."""

    __slots__ = ("avals", "places")
    lends = False

    def __init__(self, places: Sequence[int], avals: Sequence[Any]) -> None:
        self.places, self.avals = places, avals

    def take(self, leaves: Sequence[Any]) -> Any:
        return None

    def pick(self, drawn: Sequence[Any]) -> Any:
        arrays = [drawn[k] for k in self.places]
        return np.concatenate([a.reshape(-1) for a in arrays]) if len(arrays) > 1 else arrays[0]


class NumberFeed:
    """A Python number as an array in XLA's memory, kept as long as it is the same."""

    __slots__ = ("array", "place", "sharding", "value")
    lends = False

    def __init__(self, place: Any, sharding: Any) -> None:
        self.place = place
        self.sharding = sharding
        self.value: Any = None
        self.array: Any = None

    def take(self, leaves: Sequence[Any]) -> Any:
        value = self.place.look(leaves) if self.place.__class__ is Argument else self.place.get()
        if value is not self.value:
            with jax.enable_x64(True):
                self.array = jax.device_put(np.array(value, np.float64), self.sharding)
            self.value = value
        return self.array


__all__ = ["Argument", "DrawFeed", "Feeds", "Finder", "GradientOf", "NumberFeed", "Outside", "Standing", "TensorFeed"]
