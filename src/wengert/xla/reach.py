"""What Python state a function can read and change.

From the function's closure, the globals that its code names, its arguments and the objects found there, `Reach` lists
every place that holds a number, a flag, a string, a function or an object. A program is guarded by the values there
were when it was traced; the places are also what is put back when a trace ends, and what tells a side effect.
Attributes of the user's own objects count only if the reachable code names them.
"""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from ..amp import GradScaler
from ..core.generator import Generator
from ..core.tensor import Tensor
from ..nn.module import Module
from ..optim.lr_scheduler import LRScheduler
from ..optim.optimizer import Optimizer
from .hooks import hook_tables, hooks_of
from .opaque import Opaque, long, opaque, used_up
from .places import MISSING, SCALARS, AttributePlace, Place
from .untraceable import Untraceable
from .users import users_class, users_function, users_module

#: (value, its name, the place where it stands)
Found = Iterator[tuple[Any, str, Place | None]]

#: the elements of longer lists are guarded together, by identity
MANY = 1024
#: code that names these may ask for any attribute
DYNAMIC = ("getattr", "setattr", "vars", "__dict__", "attrgetter")
DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType, functools.cached_property)
#: what an optimizer or a module keeps for its own book-keeping and never reads in a step
UNREAD = {"_packs", "_patience", "_opt_called", "_is_full_backward_hook", "defaults", "_zero_grad_profile_name", "_compiled"}
#: what the step of a scheduler, which no program does, changes
STEPPED = {"last_epoch", "_last_lr", "_step_count", "best", "num_bad_epochs", "cooldown_counter"}


class Reach:
    """Everything that the function can read, as it is now."""

    def __init__(self, fn: Any, arguments: Sequence[Any] = ()) -> None:
        roots = [fn, *(a for a in arguments if not isinstance(a, (Tensor, *SCALARS)))]
        #: the names in the code of these and of all that they can call
        self.names: set[str] = set()
        for root in roots:
            self.collect_names(root)
        known = -1
        while known != len(self.names):  # what is found may name more attributes
            known = len(self.names)
            self.walk(*roots)

    def walk(self, fn: Any, *arguments: Any) -> None:
        """List all that can be read, by the names known so far."""
        #: what stands where, and the containers with their lengths
        self.guards: list[tuple[Place, Any]] = []
        self.lengths: list[tuple[Any, int]] = []
        #: where floats stand, and where integers do
        self.numbers: list[Place] = []
        self.integers: list[Place] = []
        self.tensors: dict[int, Tensor] = {}
        self.optimizers: list[Optimizer] = []
        self.generators: list[Generator] = []
        #: (list or dict, its contents when the trace began, name)
        self.copies: list[tuple[Any, Any, str]] = []
        #: places among others' variables (closure cells, globals), which are put back one by one
        self.cells: list[tuple[Place, Any]] = []
        self.opaque: list[Opaque] = []
        #: identities of what was visited, which stays alive for them
        self.seen: set[int] = set()
        self.kept: list[Any] = []
        #: whether any attribute may be asked for
        self.dynamic = not self.names.isdisjoint(DYNAMIC)
        todo: list[tuple[Any, str, Any]] = [(fn, getattr(fn, "__name__", type(fn).__name__), None)]
        todo += [(a, "argument", None) for a in arguments]
        todo += [(hooks, "hooks", None) for hooks in hook_tables()]
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
            if isinstance(f, types.FunctionType):
                self.note_code(f.__code__)

    def note_code(self, code: types.CodeType) -> None:
        """The names of attributes in a function's code."""
        for c in codes_in(code):
            self.names.update(c.co_names)
            self.names.update(x for x in c.co_consts if x.__class__ is str and x.isidentifier())

    def functions_in(self, f: Any) -> Iterator[Any]:
        """The user's functions that `f` can call, as far as they can be seen."""
        if isinstance(f, types.MethodType):
            yield f.__func__
            yield f.__self__
        elif isinstance(f, types.FunctionType):
            if not users_function(f):
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

    def visit(self, value: Any, name: str, place: Place | None) -> Found:
        """Note a value that the function can read; gives what can be read of it in turn."""
        kind = value.__class__
        if isinstance(value, Tensor):
            self.tensors[id(value)] = value
            if place is not None:
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
            yield from self.of_function(value, name)
        elif isinstance(value, types.MethodType):
            yield value.__self__, "self", None
            yield value.__func__, value.__func__.__name__, None
        elif isinstance(value, dict):
            self.copies.append((value, dict(value), name))
            yield from self.items(value, name)
        elif isinstance(value, (list, tuple)):
            if isinstance(value, list):
                self.copies.append((value, list(value), name))
                self.lengths.append((value, len(value)))
            if len(value) <= MANY:
                for i, item in enumerate(value):
                    yield item, f"{name}[{i}]", Place(value, i, f"{name}[{i}]")
            else:
                self.opaque.append(long(value, name))
        elif isinstance(value, Optimizer):
            yield from self.of_optimizer(value, name)
        elif isinstance(value, Generator):
            self.generators.append(value)
        elif isinstance(value, types.ModuleType):
            if users_module(value):
                yield from self.attributes(value, name)
        elif isinstance(value, type):
            if users_class(value):
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

    def of_function(self, f: types.FunctionType, name: str) -> Found:
        """What a function refers to, if it is the user's; of a library's, what it was given."""
        if not users_function(f):
            yield from ((found, name, None) for found in wrapped_by(f))
            return
        self.note_code(f.__code__)
        if f.__defaults__:
            self.guards.append((AttributePlace(f, "__defaults__", f"{name}.__defaults__"), f.__defaults__))
        for container, key, found in references(f):
            where = Place(container, key, str(key))
            if container.__class__ is not tuple:
                self.cells.append((where, found))
            yield found, str(key), where

    def of_optimizer(self, value: Optimizer, name: str) -> Found:
        """Its groups, its hooks, and what it keeps of each parameter."""
        self.optimizers.append(value)
        self.copies.append((vars(value), dict(vars(value)), name))
        yield value.param_groups, f"{name}.param_groups", Place(vars(value), "param_groups", name)
        state = value.state
        for key, hooks in vars(value).items():
            if key.endswith(("step_pre_hooks", "step_post_hooks")):
                yield hooks, f"{name}.{key}", None
        self.copies.append((state, dict(state), f"{name}.state"))
        if "step" not in self.names and not users_class(type(value)) and not self.dynamic:
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

    def attributes(self, value: Any, name: str) -> Found:
        """What stands in the `__dict__` of a module or an object, as far as it can be read."""
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

    def slots(self, value: Any, name: str) -> Found:
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

    def of_class(self, cls: type, name: str) -> Found:
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

    def items(self, value: dict[Any, Any], name: str) -> Found:
        """What a dict holds."""
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
        """(place, what it held, what it holds, name) of what the function changed; no place: what calls cannot repeat."""
        for held in self.opaque:
            if not held.same():
                yield None, None, None, held.name
        for place, before in self.cells:
            if place.look() is not before:
                yield place, before, place.look(), place.name
        for now, before, name in self.copies:
            if len(now) != len(before) if isinstance(now, list) else before.keys() - now.keys():
                yield None, None, None, name
                continue
            for key, value in now.items() if isinstance(now, dict) else enumerate(now):
                old = before.get(key, MISSING) if isinstance(now, dict) else before[key]
                if value is not old and not (key.__class__ is str and key in UNREAD):
                    where = f"{name}[{key!r}]" if old is MISSING else f"{name}.{key}"
                    yield Place(now, key, where), old, value, where


def same_contents(now: Any, before: Any) -> bool:
    if len(now) != len(before):
        return False
    if isinstance(now, list):
        return all(a is b for a, b in zip(now, before))
    return all(key in now and now[key] is value for key, value in before.items())


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """A function's code and that of the functions inside."""
    todo = [code]
    while todo:
        code = todo.pop()
        yield code
        todo.extend(c for c in code.co_consts if isinstance(c, types.CodeType))


def references(f: types.FunctionType) -> Iterator[tuple[Any, Any, Any]]:
    """(container, key, value) of the closure cells, the globals that the code names, and the defaults."""
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
        try:
            yield cell, name, cell.cell_contents
        except ValueError:
            pass
    globals_ = f.__globals__
    for code in codes_in(f.__code__):
        for name in code.co_names:
            if name in globals_:
                yield globals_, name, globals_[name]
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


__all__ = ["STEPPED", "Reach"]
