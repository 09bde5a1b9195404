"""Guards: whether the Python state is still what a program was traced for, as one generated check and in words."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

from .counts import Condition
from .opaque import Opaque
from .places import SCALARS, AttributePlace, Place


def same(a: Any, b: Any) -> bool:
    """Whether a guarded value is still what it was."""
    return a is b or (a.__class__ is b.__class__ and isinstance(a, SCALARS) and (a == b or (a != a and b != b)))


class Names:
    """Names for objects in generated code."""

    def __init__(self, **scope: Any) -> None:
        self.scope = scope
        self.names: dict[int, str] = {id(x): name for name, x in scope.items()}

    def __call__(self, x: Any) -> str:
        found = self.names.get(id(x))
        if found is None:
            found = self.names[id(x)] = f"v{len(self.names)}"
            self.scope[found] = x
        return found

    def compiled(self, name: str, arguments: str, body: str) -> Any:
        """The function `name` with this body. The objects are defaults: so they are local variables."""
        source = f"def {name}({', '.join([arguments] * bool(arguments) + [f'{x}={x}' for x in self.scope])}):\n{body}"
        scope = dict(self.scope)
        exec(source, scope)
        made = scope.pop(name)  # a function that stands in its own globals would be a cycle
        made.__source__ = source
        return made


def expression(place: Place, name_of: Names) -> str:
    """What stands at a place, as code."""
    where = name_of(place.container)
    if place.container.__class__ is types.CellType:
        return where + ".cell_contents"
    if isinstance(place, AttributePlace):
        return f"vars({where})[{place.key!r}]" if isinstance(place.container, type) else f"{where}.{place.key}"
    if place.key.__class__ is int or place.key.__class__ is str:
        return where + f"[{place.key!r}]"
    return where + f"[{name_of(place.key)}]"


def equality(where: str, value: Any, name_of: Names) -> str:
    """`same(where, value)` as code."""
    if value is None or value is True or value is False:
        return f"{where} is {value}"
    if value.__class__ in (int, float, str, complex, bytes):
        return f"({where} is {name_of(value)} or {name_of(same)}({where}, {name_of(value)}))"
    return f"{where} is {name_of(value)}"


def terms(
    guards: list[tuple[Place, Any]], lengths: list[tuple[Any, int]], opaques: Sequence[Opaque | Condition], name_of: Names
) -> list[str]:
    """What must be true for all places still to hold these values, as code."""
    found = [equality(expression(place, name_of), value, name_of) for place, value in guards]
    empty = dict.fromkeys(name_of(c) for c, n in lengths if n == 0)
    if empty:
        found.append(f"not ({' or '.join(empty)})")
    found += [f"len({name_of(c)}) == {n}" for c, n in lengths if n]
    found += [f"{name_of(held)}.same()" for held in opaques if held.guarded]
    return list(dict.fromkeys(found))


#: what the terms raise where something is gone
GONE = "(KeyError, IndexError, ValueError, AttributeError, TypeError)"


def checker(
    guards: list[tuple[Place, Any]], lengths: list[tuple[Any, int]], opaques: Sequence[Opaque | Condition] = ()
) -> Callable[[], bool]:
    """One function, in a straight line, that says whether all places still hold these values."""
    name_of = Names()
    body = " and\n        ".join(terms(guards, lengths, opaques, name_of)) or "True"
    return name_of.compiled(  # type: ignore[no-any-return]
        "check", "", f"    try:\n        return (\n        {body})\n    except {GONE}:\n        return False\n"
    )


def broken(guards: list[tuple[Place, Any]], lengths: list[tuple[Any, int]]) -> list[tuple[Place | None, str]]:
    """Which guards fail, in words."""
    found: list[tuple[Place | None, str]] = []
    for place, value in guards:
        try:
            now = place.get()
        except (KeyError, IndexError, ValueError):
            found.append((place, f"{place.name} is gone"))
            continue
        if not same(now, value):
            told = isinstance(now, SCALARS) and isinstance(value, SCALARS)
            shown = f"is {now!r}, was {value!r}" if told else "is another object"
            found.append((place, f"{place.name} {shown}"))
    for container, n in lengths:
        if len(container) != n:
            found.append((None, f"a {type(container).__name__} of length {n} has length {len(container)} now"))
    return found


__all__ = ["GONE", "Names", "broken", "checker", "equality", "expression", "same", "terms"]
