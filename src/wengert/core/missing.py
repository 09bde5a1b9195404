"""Clear errors for what this package lacks: `wengert.foo`, `from torch import foo`.

PyTorch's sentence stands first, so that it can be searched for; below it stands which PyTorch name is lacking here and
which names come close. The close names are looked up only when the message is read, so `hasattr(torch, "x")` is cheap.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from opcode import opmap
from types import ModuleType
from typing import Any

PACKAGE = __name__.partition(".")[0]
OURS = (PACKAGE, "torch")  # what the `__module__` of a class of ours begins with
_FROM_IMPORT = opmap["IMPORT_FROM"]


class MissingName(AttributeError):
    """AttributeError that looks up close matches when it is shown."""

    def __str__(self) -> str:
        text = super().__str__()
        if self.name is None or self.obj is None:
            return text
        return text + near(self.name, self.obj)

    def __reduce__(self) -> tuple[type[AttributeError], tuple[str]]:
        return AttributeError, (str(self),)  # what crosses to another process leaves `obj` behind


# A traceback calls it what it is to its reader.
MissingName.__name__ = MissingName.__qualname__ = "AttributeError"
MissingName.__module__ = "builtins"


def torch_name(name: str) -> str:
    """The PyTorch name of one of our dotted names: 'wengert.nn' -> 'torch.nn'."""
    return "torch" + name[len(PACKAGE):] if name == PACKAGE or name.startswith(PACKAGE + ".") else name


def near(name: str, owner: object) -> str:
    """'; close: a, b' for the public names of `owner` that resemble `name`; '' where none does."""
    from difflib import get_close_matches

    lowered = {known.lower(): known for known in dir(owner) if not known.startswith("_")}
    found = [lowered[match] for match in get_close_matches(name.lower(), lowered, n=3, cutoff=0.7)]
    return "; close: " + ", ".join(found) if found else ""


def missing(
    module_name: str, lazy: Iterable[str] = (), elsewhere: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """A module's `__getattr__`, for what it lacks: `__getattr__ = missing(__name__)`.

    `lazy` names submodules that are imported when they are first used, `elsewhere` names that submodules hold
    ("load": "serialization"), fetched when they are first used. Raises AttributeError for every other name
    (hasattr() stays False), or ImportError where a `from ... import name` statement asks.
    """
    public = torch_name(module_name)
    submodules = frozenset(lazy)
    homes = dict(elsewhere or {})

    def __getattr__(name: str) -> Any:
        home = homes.get(name)
        if home is not None:
            value = getattr(import_module(f"{module_name}.{home}"), name)
            setattr(sys.modules[module_name], name, value)
            return value
        if name in submodules:
            try:
                return import_module(f"{module_name}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{module_name}.{name}":
                    raise  # it is there, one of its own imports is not
        if name.startswith("__"):
            raise AttributeError(f"module {public!r} has no attribute {name!r}")
        module = sys.modules.get(module_name)
        asker = sys._getframe(1)
        if asker.f_code.co_code[asker.f_lasti] == _FROM_IMPORT:
            # Python would swallow an AttributeError here and name only this package's own file
            place = getattr(module, "__file__", None) or "unknown location"
            close = near(name, module) if module is not None else ""
            raise ImportError(
                f"cannot import name {name!r} from {public!r} ({place})\n{PACKAGE} lacks {public}.{name}{close}",
                name=module_name, path=place,
            )
        raise MissingName(
            f"module {public!r} has no attribute {name!r}\n{PACKAGE} lacks {public}.{name}", name=name, obj=module
        )

    return __getattr__


def lacking(error: AttributeError) -> str | None:
    """What an object of ours was asked for in vain ('wengert lacks Tensor.foo'); None if the error is not of that kind.

    Tensor has no `__getattr__` that would say so itself: with one, every read of an attribute is slower on Python 3.11.
    """
    cls = type(error.obj)
    if error.name is None or isinstance(error.obj, ModuleType) or cls.__module__.partition(".")[0] not in OURS:
        return None
    return f"{PACKAGE} lacks {cls.__name__}.{error.name}"
