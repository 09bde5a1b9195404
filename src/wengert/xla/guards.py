"""What Python state a function can read, so that a compiled program runs only while it is the same.

From the function's closure, the globals that its code names, its arguments and the objects found there, `Reach` lists
every place that holds a number, a flag, a string, a function or an object. A program is guarded by the values there
were when it was traced; the places are also what is put back if a trace fails, and what tells a side effect.
Attributes of the user's own objects count only if the reachable code names them.
"""

from __future__ import annotations

import functools
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..amp import GradScaler
from ..core import hooks as hook_state
from ..core.errors import PACKAGE_DIR
from ..core.generator import Generator
from ..core.tensor import Tensor
from ..nn.module import Module
from ..optim.lr_scheduler import LRScheduler
from ..optim.optimizer import Optimizer
from .counts import Condition
from .opaque import Opaque, long, opaque, used_up
from .untraceable import Untraceable

SCALARS = (int, float, bool, complex, str, bytes, type(None))
#: the elements of longer lists are guarded together, by identity
MANY = 1024
#: code that names these may ask for any attribute
DYNAMIC = ("getattr", "setattr", "vars", "__dict__", "attrgetter")
DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType, functools.cached_property)
#: what an optimizer or a module keeps for its own book-keeping and never reads in a step
UNREAD = {"_packs", "_patience", "_opt_called", "_is_full_backward_hook", "defaults", "_zero_grad_profile_name", "_compiled"}
#: what the step of a scheduler, which no program does, changes
STEPPED = {"last_epoch", "_last_lr", "_step_count", "best", "num_bad_epochs", "cooldown_counter"}

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


class Reach:
    """Everything that the function can read, as it is now."""

    def __init__(self, fn: Any, arguments: Sequence[Any] = ()) -> None:
        self.names: set[str] = set()
        self.collect_names(fn)
        for a in arguments:
            if not isinstance(a, (Tensor, *SCALARS)):
                self.collect_names(a)
        known = -1
        while known != len(self.names):  # what is found may name more attributes
            known = len(self.names)
            self.walk(fn, arguments)

    def walk(self, fn: Any, arguments: Sequence[Any]) -> None:
        self.guards: list[tuple[Place, Any]] = []
        self.lengths: list[tuple[Any, int]] = []
        self.numbers: list[Place] = []
        self.integers: list[Place] = []
        self.tensors: dict[int, Tensor] = {}
        self.places: dict[int, list[Place]] = {}
        self.optimizers: list[Optimizer] = []
        self.generators: list[Generator] = []
        self.modules: list[Module] = []
        self.copies: list[tuple[Any, Any, str]] = []
        #: places among others' variables (closure cells, globals), which are put back one by one
        self.cells: list[tuple[Place, Any]] = []
        self.opaque: list[Opaque] = []
        self.seen: set[int] = set()
        self.kept: list[Any] = []
        self.dynamic = not self.names.isdisjoint(DYNAMIC)
        todo: list[tuple[Any, str, Any]] = [(fn, getattr(fn, "__name__", type(fn).__name__), None)]
        for a in arguments:
            if not isinstance(a, (Tensor, *SCALARS)):
                todo.append((a, "argument", None))
        for hooks in hook_tables():
            todo.append((hooks, "hooks", None))
        while todo:
            value, name, place = todo.pop()
            todo.extend(self.visit(value, name, place))

    # ---- names of attributes that the code mentions

    def collect_names(self, fn: Any) -> None:
        seen: set[int] = set()
        todo = [fn]
        while todo:
            f = todo.pop()
            if id(f) in seen:
                continue
            seen.add(id(f))
            todo.extend(self.functions_in(f))
            self.names.add(getattr(f, "__name__", ""))
            self.note_code(getattr(f, "__code__", None))

    def note_code(self, code: Any) -> None:
        """The names of attributes in a function's code."""
        codes = [code] if code is not None else []
        while codes:
            c = codes.pop()
            self.names.update(c.co_names)
            for constant in c.co_consts:
                if constant.__class__ is str and constant.isidentifier():
                    self.names.add(constant)
                elif isinstance(constant, types.CodeType):
                    codes.append(constant)

    def functions_in(self, f: Any) -> Iterator[Any]:
        """The user's functions that `f` can call, as far as they can be seen."""
        if isinstance(f, types.MethodType):
            yield f.__func__
            yield f.__self__
        elif isinstance(f, types.FunctionType):
            if not theirs(f):
                return
            for _, _, value in references(f):
                if isinstance(value, (types.FunctionType, types.MethodType, type)) or hasattr(value, "__dict__"):
                    yield value
        elif isinstance(f, type):
            if f.__module__.partition(".")[0] not in ("wengert", "builtins", "numpy"):
                for value in vars(f).values():
                    if isinstance(value, (staticmethod, classmethod)):
                        yield value.__func__
                    elif isinstance(value, types.FunctionType):
                        yield value
                    elif isinstance(value, property) and value.fget is not None:
                        yield value.fget
                yield from f.__mro__[1:-1]
        elif isinstance(f, Module):
            yield type(f)
            yield from f._modules.values()
            yield from (v for v in vars(f).values() if isinstance(v, (types.FunctionType, types.MethodType)))
        elif hasattr(f, "func") and hasattr(f, "keywords"):  # functools.partial
            yield f.func
        elif hasattr(f, "__dict__") and not isinstance(f, (types.ModuleType, Tensor)):
            yield type(f)

    # ---- the walk

    def visit(self, value: Any, name: str, place: Place | None) -> Iterator[tuple[Any, str, Place | None]]:
        kind = value.__class__
        if isinstance(value, Tensor):
            self.tensors[id(value)] = value
            if place is not None:
                self.places.setdefault(id(value), []).append(place)
                self.guards.append((place, value))
            yield from ((hook, f"a hook of {name}", None) for hook in hooks_of(value))
            return
        if place is not None and not isinstance(value, types.ModuleType):
            if kind is float:
                self.numbers.append(place)
            elif kind is int:
                self.integers.append(place)
            self.guards.append((place, value))
        if isinstance(value, SCALARS) or id(value) in self.seen:
            return
        self.seen.add(id(value))
        self.kept.append(value)
        if isinstance(value, types.FunctionType):
            if not theirs(value):
                yield from ((found, name, None) for found in wrapped_by(value))
            else:
                self.note_code(value.__code__)
                if value.__defaults__:
                    self.guards.append((AttributePlace(value, "__defaults__", f"{name}.__defaults__"), value.__defaults__))
                for container, key, found in references(value):
                    where = Place(container, key, str(key))
                    if container.__class__ is not tuple:
                        self.cells.append((where, found))
                    yield found, str(key), where
        elif isinstance(value, types.MethodType):
            yield value.__self__, "self", None
            yield value.__func__, value.__func__.__name__, None
        elif isinstance(value, dict):
            self.copies.append((value, dict(value), name))
            yield from self.items(value, name)
        elif kind is list or kind is tuple or isinstance(value, (list, tuple)):
            if isinstance(value, list):
                self.copies.append((value, list(value), name))
                self.lengths.append((value, len(value)))
            if len(value) <= MANY:
                for i, item in enumerate(value):
                    yield item, f"{name}[{i}]", Place(value, i, f"{name}[{i}]")
            else:
                self.opaque.append(long(value, name))
        elif isinstance(value, Optimizer):
            self.optimizers.append(value)
            self.copies.append((vars(value), dict(vars(value)), name))
            yield value.param_groups, f"{name}.param_groups", Place(vars(value), "param_groups", name)
            state = value.state
            for key, hooks in vars(value).items():
                if key.endswith(("step_pre_hooks", "step_post_hooks")):
                    yield hooks, f"{name}.{key}", None
            self.copies.append((state, dict(state), f"{name}.state"))
            if "step" not in self.names and not users_class(kind) and not self.dynamic:
                return  # only `step` reads the state
            self.guards.append((Place(vars(value), "state", name), state))
            self.lengths.append((state, len(state)))
            for p, of in state.items():
                self.guards.append((Place(state, p, f"{name}.state"), of))
                if isinstance(of, dict):
                    self.copies.append((of, dict(of), f"{name}.state"))
                    self.lengths.append((of, len(of)))
                    for key, item in of.items():
                        if isinstance(item, Tensor):
                            self.tensors[id(item)] = item
                        elif isinstance(item, SCALARS):
                            self.guards.append((Place(of, key, f"{name}.state"), item))
        elif isinstance(value, (type, types.ModuleType, Generator)):
            if isinstance(value, Generator):
                self.generators.append(value)
            if isinstance(value, types.ModuleType) and own_module(value):
                yield from self.attributes(value, name)
            if isinstance(value, type) and users_class(value):
                yield from self.of_class(value, name)
        elif (held := opaque(value, name)) is not None:
            self.opaque.append(held)
            if isinstance(value, (deque, set)) and len(value) <= MANY:
                yield from ((item, name, None) for item in value)
            if hasattr(value, "__wrapped__"):
                yield value.__wrapped__, name, None
        elif used_up(value):
            raise Untraceable(f"the function reaches an iterator, {name}, that a call would move on",
                              "Take the next item outside the compiled function.")  # fmt: skip
        elif hasattr(value, "func") and hasattr(value, "keywords") and hasattr(value, "args"):
            yield value.func, name, None
            yield value.keywords, name, None
            yield value.args, name, None
        elif hasattr(value, "__dict__"):
            if isinstance(value, Module):
                self.modules.append(value)
            for method in ("forward", "__call__"):
                call = getattr(kind, method, None)
                if isinstance(call, types.FunctionType):
                    yield call, name, None
            yield kind, kind.__name__, None
            yield from self.attributes(value, name)
            yield from self.slots(value, name)
        elif users_class(kind):
            yield kind, kind.__name__, None
            yield from self.slots(value, name)

    def attributes(self, value: Any, name: str) -> Iterator[tuple[Any, str, Place | None]]:
        own = vars(value)
        if not isinstance(value, types.ModuleType):
            self.copies.append((own, dict(own), name))
            if users_class(type(value)):
                self.lengths.append((own, len(own)))  # no attribute comes to hide one of the class
        every = isinstance(value, Module)  # ours read their own attributes; containers hold what forward iterates over
        whole = isinstance(value, GradScaler) or self.dynamic and not isinstance(value, types.ModuleType)
        for key, item in list(own.items()):
            if key in STEPPED and isinstance(value, LRScheduler) and key not in self.names:
                continue
            if key in UNREAD or not (every or whole or key in self.names):
                continue
            if every and key[:1] == "_" and isinstance(item, dict):  # a module's own tables are never replaced
                self.copies.append((item, dict(item), f"{name}.{key}"))
                yield from self.items(item, name)
                continue
            if every and key[:1] == "_" and key not in self.names:
                continue
            yield item, f"{name}.{key}", Place(own, key, f"{name}.{key}")

    def slots(self, value: Any, name: str) -> Iterator[tuple[Any, str, Place | None]]:
        """What stands in the slots of an object of the user's."""
        for cls in type(value).__mro__:
            if not users_class(cls) or "__slots__" not in vars(cls):
                continue
            slots = vars(cls)["__slots__"]
            for key in (slots,) if isinstance(slots, str) else slots:
                place = AttributePlace(value, key, f"{name}.{key}")
                if key in self.names or self.dynamic:
                    found = place.look()
                    if found is not MISSING:
                        self.cells.append((place, found))
                        yield found, place.name, place

    def of_class(self, cls: type, name: str) -> Iterator[tuple[Any, str, Place | None]]:
        """What the user's code can find on a class: values, and the methods that it names."""
        for key, item in list(vars(cls).items()):
            if isinstance(item, (staticmethod, classmethod)):
                item = item.__func__
            for f in (item.fget, item.fset) if isinstance(item, property) else (item,):
                if isinstance(f, types.FunctionType):
                    if key in self.names or key[:2] == "__":
                        yield f, f"{name}.{key}", None
                elif key in self.names and f is item and key[:2] != "__" and not isinstance(item, DESCRIPTORS):
                    place = AttributePlace(cls, key, f"{name}.{key}")
                    self.cells.append((place, item))
                    yield item, place.name, place
        yield from ((base, base.__name__, None) for base in cls.__mro__[1:] if users_class(base))

    def items(self, value: dict[Any, Any], name: str) -> Iterator[tuple[Any, str, Place | None]]:
        self.lengths.append((value, len(value)))
        if len(value) <= MANY:
            for key, item in list(value.items()):
                yield item, f"{name}[{key!r}]", Place(value, key, f"{name}[{key!r}]")
        else:
            self.opaque.append(long(value, name))

    # ---- afterwards

    def restore(self) -> None:
        """Put every container back as it was."""
        for held in self.opaque:
            if not held.same():
                held.restore()
        for place, before in self.cells:
            if place.look() is not before:
                place.set(before)
        for now, before, _ in self.copies:
            if not same_contents(now, before):
                if isinstance(now, list):
                    now[:] = before
                else:
                    kept = {k: now[k] for k in UNREAD if k in now}
                    now.clear()
                    now.update(before)
                    now.update(kept)

    def changes(self) -> Iterator[tuple[Place | None, Any, Any, str]]:
        """(place, what it held, what it holds, name) of what the function changed; no place: added or removed elements."""
        for held in self.opaque:
            if not held.same():
                yield None, None, None, held.name
        for place, content in self.cells:
            if place.look() is not content:
                yield place, content, place.look(), place.name
        for now, before, name in self.copies:
            if len(now) != len(before):
                if isinstance(now, dict):
                    for key in now.keys() - before.keys():
                        if not (key.__class__ is str and key in UNREAD):
                            yield Place(now, key, f"{name}[{key!r}]"), MISSING, now[key], f"{name}[{key!r}]"
                    if before.keys() - now.keys():
                        yield None, None, None, name
                else:
                    yield None, None, None, name
                continue
            for key in now if isinstance(now, dict) else range(len(now)):
                if key not in before if isinstance(now, dict) else False:
                    yield None, None, None, name
                elif now[key] is not before[key] and not (key.__class__ is str and key in UNREAD):
                    yield Place(now, key, f"{name}.{key}"), before[key], now[key], f"{name}.{key}"


def same_contents(now: Any, before: Any) -> bool:
    if len(now) != len(before):
        return False
    if isinstance(now, list):
        return all(a is b for a, b in zip(now, before))
    return all(key in now and now[key] is value for key, value in before.items())


def references(f: types.FunctionType) -> Iterator[tuple[Any, Any, Any]]:
    """(container, key, value) of the closure cells, the globals that the code names, and the defaults."""
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
        try:
            yield cell, name, cell.cell_contents
        except ValueError:
            pass
    globals_ = f.__globals__
    codes = [f.__code__]
    while codes:
        code = codes.pop()
        for name in code.co_names:
            if name in globals_:
                yield globals_, name, globals_[name]
        codes.extend(c for c in code.co_consts if isinstance(c, types.CodeType))
    if f.__defaults__:
        for i, value in enumerate(f.__defaults__):
            yield f.__defaults__, i, value
    if f.__kwdefaults__:
        for name, value in f.__kwdefaults__.items():
            yield f.__kwdefaults__, name, value


def wrapped_by(f: types.FunctionType) -> Iterator[Any]:
    """The user's functions and objects inside a function of a library: what a decorator or a transform was given."""
    for cell in f.__closure__ or ():
        try:
            found = cell.cell_contents
        except ValueError:
            continue
        if isinstance(found, (types.FunctionType, types.MethodType, Module, Optimizer, functools.partial, Tensor)):
            yield found
        elif users_class(type(found)):
            yield found
    if hasattr(f, "__wrapped__"):
        yield f.__wrapped__


def users_class(cls: type) -> bool:
    """Whether a class is the user's own."""
    top = cls.__module__.partition(".")[0]
    if top in ("wengert", "numpy", "jax", "jaxlib", "builtins") or top in LIBRARY:
        return False
    known = sys.modules.get(cls.__module__)
    return "site-packages" not in (getattr(known, "__file__", None) or "")


def hook_tables() -> list[dict[Any, Any]]:
    """The tables of hooks that hold for all modules and optimizers."""
    from ..nn.hooks import everywhere
    from ..optim import optimizer as optimizers

    tables = [t for k, t in vars(optimizers).items() if k.startswith("_global")] + list(vars(everywhere).values())
    return [t for t in tables if isinstance(t, dict)]


def hooks_of(t: Tensor) -> list[Any]:
    """The hooks of a leaf."""
    if not hook_state.leaf_hooks_exist:
        return []
    held = getattr(t, "_hooks", None)
    return [] if held is None else [f for _, f in hook_entries(held)]


def hook_keys(t: Tensor) -> tuple[Any, ...]:
    """Which hooks a leaf has."""
    held = getattr(t, "_hooks", None)
    return () if held is None else tuple([key for key, _ in hook_entries(held)])


def hook_entries(held: Any) -> Iterator[tuple[Any, Any]]:
    for table in (held.tensor, held.post, getattr(held.node, "pre", None), getattr(held.node, "post", None)):
        yield from (table or {}).items()


def theirs(f: types.FunctionType) -> bool:
    """Whether a function is the user's own."""
    file = f.__code__.co_filename
    return not file.startswith(PACKAGE_DIR) and "site-packages" not in file and (f.__module__ or "") not in LIBRARY


def own_module(m: types.ModuleType) -> bool:
    file = getattr(m, "__file__", None) or ""
    return bool(file) and not file.startswith(PACKAGE_DIR) and "site-packages" not in file and m.__name__ not in LIBRARY


def _standard() -> frozenset[str]:
    import sys

    return frozenset(sys.stdlib_module_names) - {"__main__"}


LIBRARY = _standard()


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
        scope[name].__source__ = source
        return scope[name]


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


__all__ = [
    "GONE", "MISSING", "ItemPlace", "Names", "Place", "Reach", "broken", "checker", "equality", "expression", "same",
    "tensor_places", "terms",
]  # fmt: skip
