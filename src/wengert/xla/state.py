"""Where tensors live between compiled steps: in XLA's buffers.

A *resident* tensor is an instance of a twin of its class (same name, not among `PLAIN`), whose `_data` slot holds a
`Part`: where in which `Resident` its value is. So a compiled step does no work for each of its tensors: it replaces the
residents' buffers. The twin's `_data` brings the value back to a NumPy array when anything eager looks at it, and turns
the tensor back into an ordinary one; then the next compiled step takes it in again. Eager code pays nothing: fast paths
send the twin's class to the general path, where it settles.

Small tensors (of at most `SMALL` elements) share one flat buffer, for a call into XLA costs by the number of its buffers.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from math import prod
from typing import Any
from weakref import ref

import jax
import numpy as np

from ..core.graph import Version
from ..core.modes import mode
from ..core.tensor import PLAIN, Tensor, new, wrap
from ..optim.traced import SMALL
from .arrays import TracedArray
from .slots import DATA, GRAD, VERSION, grad_of

ndarray = np.ndarray


class Stale(Exception):
    """A tensor is no longer what the program was made for."""


class Part:
    """What the `_data` slot of a resident tensor holds."""

    __slots__ = ("dtype", "offset", "resident", "shape", "since", "size")

    def __init__(self, resident: Any, offset: int | None, shape: tuple[int, ...], dtype: Any, size: int) -> None:
        self.resident = resident
        self.offset = offset
        self.shape = shape
        self.dtype = dtype
        self.size = size
        self.since = resident.calls

    def of(self, whole: Any) -> Any:
        """This part of the resident's array, or of one like it."""
        return whole if self.offset is None else whole[self.offset : self.offset + self.size].reshape(self.shape)

    def look(self) -> Any:
        """The value as a NumPy array that must not be written."""
        return self.of(np.asarray(self.resident.value))

    def array(self) -> Any:
        """The value as a NumPy array of its own."""
        return self.look().copy()


class Members(list[tuple[Any, Part]]):
    """(reference to a tensor, its part): who may live in a resident. The programs that use it keep the list."""

    __slots__ = ("__weakref__",)


class Resident:
    """One XLA buffer, and the tensors that live in it: all of one (`flat` False) or many behind each other."""

    __slots__ = ("building", "calls", "clean", "dtype", "flat", "known", "mirrored", "place", "size", "value", "writer")

    def __init__(self, dtype: Any, flat: bool, place: Any = None) -> None:
        self.dtype = dtype
        self.flat = flat
        # a part holds its resident: so the resident does not hold the parts, once there is a program to do so
        self.building: Members | None = Members()
        self.known = ref(self.building)
        #: the numbers of the members whose memory others share
        self.mirrored: list[int] = []
        self.value: Any = None
        self.calls = 0
        self.size = 0
        self.clean = False
        #: the program that changed it last
        self.writer: Any = None
        #: the sharding (or device) of the buffer
        self.place = place

    @property
    def members(self) -> Sequence[tuple[Any, Part]]:
        """Who may live here: nobody, once no program is left."""
        return self.known() or ()

    def entrusted(self) -> Sequence[tuple[Any, Part]]:
        """The members, for a program to keep."""
        members = self.members
        self.building = None
        return members

    def shared(self) -> list[tuple[Tensor, Part]]:
        """The members whose memory others share."""
        members = self.members
        return [(t, members[k][1]) for k in self.mirrored if (t := members[k][0]()) is not None]

    def add(self, t: Tensor, shape: tuple[int, ...]) -> Part:
        part = Part(self, self.size if self.flat else None, shape, self.dtype, prod(shape))
        self.size += part.size
        assert self.building is not None
        self.building.append((ref(t), part))
        return part

    def refresh(self, homes: Collection[int]) -> None:
        """Take in the members that eager code took out (or that come for the first time). `homes`: identities of the
        parts that the program which is to run has its tensors in. A member that lives elsewhere moves only for that."""
        old = None if self.value is None else np.asarray(self.value)
        flat = np.empty(self.size if self.flat else self.members[0][1].shape, self.dtype)
        self.mirrored = []
        seats: list[tuple[int, Tensor, Part, Any]] = []
        elsewhere = False
        for k, (known, part) in enumerate(self.members):
            t = known()
            where = part.of(flat)
            data = None if t is None else DATA.__get__(t)
            away = data.__class__ is Part and data is not part and data.resident.members and id(part) not in homes
            elsewhere = elsewhere or bool(away)
            if data is None or data is part or away:
                if old is not None:
                    where[...] = part.of(old)
                continue
            array = data.look() if data.__class__ is Part else data
            if array.shape != part.shape or array.dtype != part.dtype:
                raise Stale
            where[...] = array
            seats.append((k, t, part, data))
        self.value = jax.device_put(flat, self.place) if self.place is not None else jax.device_put(flat)
        while seats:
            k, t, part, data = seats.pop()
            if data.__class__ is ndarray:
                array = None
                if not exclusive(t, data):
                    self.mirrored.append(k)
                    continue
            seat(t, part)
        self.clean = not (self.mirrored or elsewhere)

    def write_back(self) -> None:
        """Give the new values to the tensors whose memory others share."""
        array = np.asarray(self.value)
        for t, part in self.shared():
            assign(t, part.of(array))


def exclusive(t: Tensor, array: Any) -> bool:
    """Whether nobody else can see this memory, so that the tensor may move: no one but `t` holds its array, the array's
    base or its version counter."""
    if t.__class__ not in PLAIN or t._view is not None or t.__class__ not in TWINS and not _twin_of(t.__class__):
        return False
    version, base = t._ver, array.base
    if version.__class__ is not int and version.__class__ is not Version or not array.flags.writeable:
        return False
    if base is not None and (base.__class__ is not ndarray or base.base is not None):
        return False
    global _alone
    if _alone is None:
        _alone = _measured()
    counts = held(version, base, array)
    return all(n <= alone for n, alone in zip(counts, _alone))


def held(version: Any, base: Any, array: Any) -> tuple[int, int, int]:
    """How many references there are to the three."""
    return (
        0 if version.__class__ is int else sys.getrefcount(version),
        0 if base is None else sys.getrefcount(base),
        sys.getrefcount(array),
    )


#: what `held` says inside `exclusive` where nobody else holds anything: it differs between versions of Python
_alone: tuple[int, int, int] | None = None


def _measured() -> tuple[int, int, int]:
    profile, trace = sys.getprofile(), sys.gettrace()
    sys.setprofile(None)  # where somebody watches calls, each holds its arguments once more
    sys.settrace(None)
    try:
        t = wrap(np.zeros(4)[:2])
        t._ver = Version(0)
        rows = [(t, None, DATA.__get__(t))]
        t, _, data = rows.pop()
        return _as_exclusive(t, data)
    finally:
        sys.setprofile(profile)
        sys.settrace(trace)


def _as_exclusive(t: Tensor, array: Any) -> tuple[int, int, int]:
    version, base = t._ver, array.base
    return held(version, base, array)


def seat(t: Tensor, part: Part) -> None:
    """Make `t` a resident tensor, or move it from another resident."""
    before = DATA.__get__(t)
    if before.__class__ is Part:
        VERSION.__set__(t, _get_version(t))
        before.resident.clean = False
    else:
        version = VERSION.__get__(t)
        if version.__class__ is not int:
            VERSION.__set__(t, version.n)
        t.__class__ = _twin_of(t.__class__)
    part.since = part.resident.calls
    DATA.__set__(t, part)


def settle(t: Tensor) -> None:
    """Make a resident tensor an ordinary one again."""
    part = DATA.__get__(t)
    if part.__class__ is not Part:
        return
    array = part.array()
    g = grad_of(t)
    if g.__class__ is LazyGradient:
        _real_grad(t, g)
    VERSION.__set__(t, VERSION.__get__(t) + part.resident.calls - part.since)
    t.__class__ = t.__class__.__base__  # type: ignore[assignment]
    DATA.__set__(t, array)
    part.resident.clean = False
    tracer = mode().tracer
    if tracer is not None:
        tracer.external(t).part = part


# ---------------------------------------------------------------- the twins


def _get_data(t: Any) -> Any:
    settle(t)
    return t._data


def _set_data(t: Any, value: Any) -> None:
    settle(t)
    t._data = value


def _get_version(t: Any) -> Any:
    part = DATA.__get__(t)
    n = VERSION.__get__(t)
    return n + part.resident.calls - part.since if part.__class__ is Part and n.__class__ is int else n


def _set_version(t: Any, value: Any) -> None:
    settle(t)
    VERSION.__set__(t, value)


TWINS: dict[type, type] = {}


def _twin_of(cls: type) -> Any:
    """The class of resident tensors of class `cls`."""
    found = TWINS.get(cls)
    if found is None:
        body = {
            "__slots__": (), "__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__,
            "_data": property(_get_data, _set_data), "_ver": property(_get_version, _set_version),
            "_grad": property(_get_grad, _set_grad),
            "_resident": True, "_settle": settle, "__deepcopy__": _deepcopy, "__reduce_ex__": _reduce,
        }  # fmt: skip
        found = TWINS[cls] = type(cls)(cls.__name__, (cls,), body)
    return found


def _deepcopy(t: Any, memo: Any) -> Any:
    settle(t)
    return t.__deepcopy__(memo)


def _reduce(t: Any, protocol: Any) -> Any:
    settle(t)
    return t.__reduce_ex__(protocol)


class Output:
    """What a program gave, as the home of lazy tensors: one array, or several tensors in a flat one."""

    __slots__ = ("calls", "clean", "value")
    members = ()

    def __init__(self, value: Any) -> None:
        self.value = value
        self.calls = 0


def lazy(home: Any, offset: int | None, shape: tuple[int, ...], dtype: Any, size: int) -> Tensor:
    """A tensor over a part of an `Output`, which becomes a NumPy array when it is looked at."""
    t: Tensor = new(LAZY)
    set_data(t, Part(home, offset, shape, dtype, size))
    set_version(t, 0)
    t._fn = t._view = None
    return t


def ordinary(value: Any) -> Tensor:
    """What a program gave as an ordinary tensor."""
    return wrap(np.array(value))


class Latest:
    """The outputs of a program's last call that hold gradients."""

    __slots__ = ("flat", "single")
    flat: list[Any]
    single: list[Any]


class LazyGradient:
    """What the `_grad` slot of a resident parameter holds after a call: which output it is. The program keeps one for
    each parameter and puts it back only where someone looked."""

    __slots__ = ("latest", "taken", "where")

    def __init__(self, latest: Latest, where: Any, taken: list[Tensor]) -> None:
        self.latest = latest
        #: (index of the flat output or -1, offset or index of the single output, shape, dtype, size)
        self.where = where
        self.taken = taken

    def make(self) -> Tensor:
        """The gradient as a tensor."""
        k, at, shape, dtype, size = self.where
        if k < 0:
            return lazy(Output(self.latest.single[at]), None, shape, dtype, size)
        return lazy(Output(self.latest.flat[k]), at, shape, dtype, size)


def _get_grad(t: Any) -> Any:
    g = GRAD.__get__(t)
    if g.__class__ is LazyGradient:
        _real_grad(t, g)
        g = GRAD.__get__(t)
    if mode().tracer is not None:
        settle(t)
        return t._grad
    return g


def _set_grad(t: Any, value: Any) -> None:
    if mode().tracer is not None:
        settle(t)
        t._grad = value
        return
    g = grad_of(t)
    if g.__class__ is LazyGradient:
        g.taken.append(t)
    GRAD.__set__(t, value)


LAZY = _twin_of(Tensor)
set_data, set_version = DATA.__set__, VERSION.__set__


def _real_grad(t: Tensor, g: LazyGradient) -> None:
    g.taken.append(t)
    GRAD.__set__(t, g.make())


def present(t: Tensor) -> Any:
    """The value of a tensor for a program: a NumPy array that the program only reads."""
    data = DATA.__get__(t)
    return data.look() if data.__class__ is Part else data


def assign(t: Tensor, value: Any) -> None:
    """Write what a program gave into the memory of an ordinary tensor."""
    from ..core.tensor import bump

    array = t._data
    np.copyto(array, np.asarray(value))
    bump(t)


def layout(tensors: Sequence[tuple[Tensor, tuple[int, ...], Any]], place: Any = None) -> list[Resident]:
    """Residents for tensors that have none: the small ones of one dtype together."""
    flats: dict[Any, Resident] = {}
    made: list[Resident] = []
    for t, shape, dtype in tensors:
        if prod(shape) <= SMALL:
            home = flats.get(dtype)
            if home is None:
                home = flats[dtype] = Resident(dtype, True, place)
                made.append(home)
        else:
            home = Resident(dtype, False, place)
            made.append(home)
        home.add(t, shape)
    return made


__all__ = [
    "DATA", "GRAD", "SMALL", "Latest", "LazyGradient", "Output", "Part", "Resident", "Stale", "TracedArray", "assign",
    "layout", "lazy", "ordinary", "present", "seat", "settle",
]  # fmt: skip
