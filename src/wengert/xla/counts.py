"""Python numbers that a compiled function changes: counters, and what the function computes from them.

A counter stands in the trace as a `Count`, which notes the arithmetic that is done with it. After each call the host
does that arithmetic again and writes the result where the function left it. A question (`count % 4 == 0`) becomes a
condition of the program: where the answer is another one, another program runs.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..core.tensor import Tensor
from .untraceable import Untraceable

if TYPE_CHECKING:
    from .tracer import Tracer


class Condition:
    """What a program took for granted: that `make()` is this value."""

    __slots__ = ("make", "value")
    guarded = True
    name = "what the function asks of a number"

    def __init__(self, make: Callable[[], Any], value: Any) -> None:
        self.make, self.value = make, value

    def same(self) -> bool:
        now = self.make()
        return now.__class__ is self.value.__class__ and now == self.value

    def restore(self) -> None:
        pass


class Count:
    """A number, `value` in this call, that each call computes by `make()` from what it finds when it begins."""

    __slots__ = ("make", "tracer", "value")
    __array_ufunc__ = None

    def __init__(self, make: Callable[[], Any], value: Any, tracer: Tracer) -> None:
        self.make, self.value, self.tracer = make, value, tracer

    def look(self, leaves: Sequence[Any]) -> Any:
        """Its value at a call, as the finders of feeds tell."""
        return self.make()

    def get(self) -> Any:
        """Its value at a call, as a `Place` tells."""
        return self.make()

    def known(self) -> Any:
        """The number itself: the program is for this one only."""
        self.tracer.conditions.append(Condition(self.make, self.value))
        return self.value

    def as_operand(self) -> Tensor:
        """What stands for it in an operation with tensors."""
        return self.tracer.number(self, self.value.__class__())

    def __round__(self, digits: int | None = None) -> Any:
        return self.applied(lambda x: round(x, digits))

    def applied(self, f: Callable[[Any], Any]) -> Count:
        make = self.make
        return Count(lambda: f(make()), f(self.value), self.tracer)

    def __bool__(self) -> bool:
        self.tracer.conditions.append(Condition(self.applied(bool).make, bool(self.value)))
        return bool(self.value)

    def __hash__(self) -> int:
        return hash(self.known())

    def __index__(self) -> int:
        return operator.index(self.known())

    def __int__(self) -> int:
        return int(self.known())

    def __float__(self) -> float:
        return float(self.known())

    def __repr__(self) -> str:
        return repr(self.known())

    def __format__(self, spec: str) -> str:
        return format(self.known(), spec)


def joined(f: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """`f(a, b)`, where one of the two is a Count."""
    count, other = (a, b) if a.__class__ is Count else (b, a)
    if isinstance(other, Tensor):
        number = count.as_operand()
        return f(number, b) if count is a else f(a, number)
    if other.__class__ is not Count and not isinstance(other, (int, float)):
        return NotImplemented
    first = a.make if a.__class__ is Count else lambda: a
    second = b.make if b.__class__ is Count else lambda: b
    value = f(a.value if a.__class__ is Count else a, b.value if b.__class__ is Count else b)
    made = Count(lambda: f(first(), second()), value, count.tracer)
    return made.known() if value.__class__ is bool else made


def install() -> None:
    """The operators of Count."""
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
        f = getattr(operator, name)
        setattr(Count, f"__{name}__", lambda a, b, f=f: joined(f, a, b))
        setattr(Count, f"__r{name}__", lambda a, b, f=f: joined(f, b, a))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        f = getattr(operator, name)
        setattr(Count, f"__{name}__", lambda a, b, f=f: joined(f, a, b))
    for f in (operator.neg, operator.pos, operator.abs, math.floor, math.ceil, math.trunc):
        setattr(Count, f"__{f.__name__}__", lambda a, f=f: a.applied(f))


install()


class Later:
    """A learning rate after a scheduler's step, which is done when the program has run: it can be given, not computed
    with."""

    __slots__ = ("after", "get")

    def __init__(self, get: Callable[[], Any], after: bool = True) -> None:
        self.get = get
        #: whether it is the one after the step
        self.after = after

    def refuse(self, *args: Any) -> Any:
        raise Untraceable("a learning rate is looked at after the scheduler's step", "Make it the last step of the function.")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __neg__ = refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __hash__ = __bool__ = refuse  # type: ignore[assignment]
    __float__ = __int__ = __index__ = __format__ = __repr__ = __str__ = __array__ = refuse  # type: ignore[assignment]


__all__ = ["Condition", "Count", "Later"]
