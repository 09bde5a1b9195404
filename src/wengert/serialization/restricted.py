"""The unpickler of `weights_only=True`: it builds tensors, parameters and plain containers, and can do nothing else.

It is no `pickle.Unpickler`: each instruction has its own short method here that checks what it is about to touch, so a
file can call only the functions listed in `names` and those that the user added.
"""

from __future__ import annotations

import _compat_pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pickle import UnpicklingError
from typing import Any

from ..core.storage import TypedStorage, UntypedStorage
from ..core.tensor import Tensor
from .names import StorageType, plain, torch_path
from .rebuild import _rebuild_tensor

__all__ = ["Restricted", "add_safe_globals", "clear_safe_globals", "explained", "get_safe_globals", "safe_globals"]

BLOCKED = frozenset(("sys", "os", "posix", "nt"))

# ---------------------------------------------------------------- what the user allows

_added: list[Any] = []  # for the process, as in PyTorch
_within: ContextVar[tuple[Any, ...]] = ContextVar("wengert_safe_globals", default=())


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let `weights_only=True` build these classes and call these functions (or (function, full name) pairs)."""
    for item in safe_globals:
        if not any(item is known for known in _added):
            _added.append(item)


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` was given."""
    _added.clear()


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` and the `safe_globals` contexts around the call allow."""
    return [*_added, *_within.get()]


class safe_globals:
    """Context: `weights_only=True` may build these classes and call these functions, in this thread."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        self._token = _within.set((*_within.get(), *self.safe_globals))

    def __exit__(self, *exc: object) -> None:
        _within.reset(self._token)


def user_allowed() -> dict[str, Any]:
    """Full name -> object."""
    found: dict[str, Any] = {}
    for item in get_safe_globals():
        if isinstance(item, tuple):
            if len(item) != 2:
                raise ValueError(
                    f"Expected tuple of length 2 (global, str of callable full path), but got tuple of length: {len(item)}"
                )
            if type(item[1]) is not str:
                raise TypeError(f"Expected second item in tuple to be str of callable full path, but got: {type(item[1])}")
            found[item[1]] = item[0]
            continue
        module, name = torch_path(item) or (item.__module__, item.__qualname__)
        found[full_name(module, name)] = item
    return found


def full_name(module: str, name: str) -> str:
    """'torch.Size'; builtins without their module."""
    return name if module == "builtins" else f"{module}.{name}"


# ---------------------------------------------------------------- the messages

_UNSAFE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to `True`. "
    "Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in arbitrary code "
    "execution. Do it only if you got the file from a trusted source."
)
_DOCUMENTATION = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with weights_only "
    "https://pytorch.org/docs/stable/generated/torch.load.html."
)


def explained(message: str) -> str:
    """PyTorch's whole text around one message of the unpickler."""
    if message.startswith("Unsupported global: "):
        return (
            "Weights only load failed. This file can still be loaded, to do so you have two options, \033[1mdo those steps "
            f"only if you trust the source of the checkpoint\033[0m. \n\t(1) {_UNSAFE}\n\t(2) Alternatively, to load with "
            "`weights_only=True` please check the recommended steps in the following error message.\n\tWeightsUnpickler "
            f"error: {message}{_DOCUMENTATION}"
        )
    if message.startswith("Trying to load unsupported GLOBAL"):
        return f"Weights only load failed. {_UNSAFE}\n\n\n{message}{_DOCUMENTATION}"
    return (
        f"Weights only load failed. {_UNSAFE}\nPlease file an issue with the following so that we can make "
        f"`weights_only=True` compatible with your use case: WeightsUnpickler error: \n\n{message}{_DOCUMENTATION}"
    )


# ---------------------------------------------------------------- the machine

_MARK = object()
_DICTS = (dict, OrderedDict, Counter)


def two_to_three(module: str, name: str, proto: int) -> tuple[str, str]:
    """The names of Python 3 for those that protocols 0 to 2 write."""
    if proto < 3:
        if (module, name) in _compat_pickle.NAME_MAPPING:
            return _compat_pickle.NAME_MAPPING[module, name]
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    return module, name


class Restricted:
    """`Restricted(file, persistent_load).load()`. Raises UnpicklingError for all that is not data."""

    def __init__(self, file: Any, persistent_load: Callable[[Any], Any], encoding: str = "utf-8") -> None:
        self._read, self._readline = file.read, file.readline
        self._persistent_load = persistent_load
        self._encoding = encoding
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._proto = 2
        self._plain = plain()
        self._user = user_allowed()
        self._callable = {id(f) for f in (*self._plain.values(), *self._user.values())}

    def load(self) -> Any:
        """Run the file to its STOP."""
        while True:
            op = self._read(1)
            if not op:
                raise EOFError
            if op == b".":
                return self._stack.pop()
            run = _OPS.get(op)
            if run is None:
                raise UnpicklingError(f"Unsupported operand {op[0]}")
            run(self)

    # ---- names, calls, state

    def global_(self) -> None:
        """Only names from the lists."""
        module, name = two_to_three(*self._two_lines(), self._proto)
        path = f"{module}.{name}"
        if module in BLOCKED:
            raise UnpicklingError(f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked.")
        known = self._plain.get((module, name))
        if known is None:
            path = full_name(module, name)
            if path not in self._user:
                raise UnpicklingError(
                    f"Unsupported global: GLOBAL {path} was not an allowed global by default. Please use "
                    f"`torch.serialization.add_safe_globals([{path}])` or the `torch.serialization.safe_globals([{path}])` "
                    "context manager to allowlist this global if you trust this class/function."
                )
            known = self._user[path]
        self._stack.append(known)

    def _two_lines(self) -> tuple[str, str]:
        return self._readline()[:-1].decode("utf-8"), self._readline()[:-1].decode("utf-8")

    def reduce(self) -> None:
        """Only functions from the lists."""
        args = self._stack.pop()
        function = self._stack[-1]
        if id(function) not in self._callable:
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {function}")
        if not isinstance(args, tuple):
            raise UnpicklingError(f"Arguments of a call must be a tuple, but got {type(args)}")
        if isinstance(function, StorageType) or function in (TypedStorage, UntypedStorage):
            raise TypeError("'StorageType' object is not callable")
        self._stack[-1] = function(*args)

    def newobj(self) -> None:
        """Only Tensor, Parameter, plain containers and what the user allows."""
        from ..nn.parameter import Parameter

        args, cls = self._stack.pop(), self._stack.pop()
        if not any(cls is known for known in (Tensor, Parameter, OrderedDict, Counter)) and not self._is_user_class(cls):
            raise UnpicklingError(
                f"Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got {cls}"
            )
        self._stack.append(cls.__new__(cls, *args))

    def _is_user_class(self, cls: Any) -> bool:
        return any(cls is known for known in self._user.values())

    def build(self) -> None:
        """Only on tensors, OrderedDicts and what the user allows."""
        from ..nn.parameter import Parameter

        state = self._stack.pop()
        target = self._stack[-1]
        cls = type(target)
        if cls is Tensor:
            target._data = _rebuild_tensor(*state)._data  # checks that it stays inside the storage
        elif cls is Parameter:
            target.__setstate__(state)
        elif cls is OrderedDict:
            target.__dict__.update(state)
        elif self._is_user_class(cls):
            own = getattr(target, "__setstate__", None)
            if own is not None:
                own(state)
            else:
                _set_state(target, state)
        else:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got "
                f"{cls}"
            )

    def persid(self) -> None:
        """Only storages."""
        pid = self._stack.pop()
        if type(pid) is not tuple and type(pid) is not int:
            raise UnpicklingError(f"persistent_load id must be tuple or int, but got {type(pid)}")
        if type(pid) is tuple and pid and text(pid[0]) != "storage":
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {type(pid[0])}")
        self._stack.append(self._persistent_load(pid))

    # ---- containers

    def _above_mark(self) -> list[Any]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                items = self._stack[at + 1 :]
                del self._stack[at:]
                return items
        raise UnpicklingError("could not find MARK")

    def append(self) -> None:
        item = self._stack.pop()
        target = self._stack[-1]
        if type(target) is not list:
            raise UnpicklingError(f"Can only append to lists, but got {type(target)}")
        target.append(item)

    def appends(self) -> None:
        items = self._above_mark()
        target = self._stack[-1]
        if type(target) is not list:
            raise UnpicklingError(f"Can only extend lists, but got {type(target)}")
        target.extend(items)

    def _dict(self, what: str) -> Any:
        target = self._stack[-1]
        if type(target) not in _DICTS:
            raise UnpicklingError(
                f"Can only {what} for dict, collections.OrderedDict, collections.Counter, but got {type(target)}"
            )
        return target

    def setitem(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._dict("SETITEM")[key] = value

    def setitems(self) -> None:
        items = self._above_mark()
        target = self._dict("SETITEMS")
        for at in range(0, len(items), 2):
            target[items[at]] = items[at + 1]

    def tuple_(self) -> None:
        self._stack.append(tuple(self._above_mark()))

    def _last(self, n: int) -> None:
        if len(self._stack) < n:
            raise UnpicklingError("unexpected end of the stack")
        self._stack[-n:] = [tuple(self._stack[-n:])]

    # ---- values

    def _bytes(self, n: int) -> bytes:
        data: bytes = self._read(n)
        if len(data) < n:
            raise EOFError
        return data

    def _number(self, code: str) -> Any:
        return struct.unpack(code, self._bytes(struct.calcsize(code)))[0]

    def unicode(self) -> None:
        length = self._number("<I")
        self._stack.append(str(self._bytes(length), "utf-8", "surrogatepass"))

    def string(self) -> None:
        """Python 2's strings."""
        data = self._bytes(self._number("B"))
        self._stack.append(data if self._encoding == "bytes" else data.decode(self._encoding, "strict"))

    def long(self) -> None:
        self._stack.append(int.from_bytes(self._bytes(self._number("B")), "little", signed=True))

    def put(self, code: str) -> None:
        self._memo[self._number(code)] = self._stack[-1]

    def proto(self) -> None:
        from ..core.errors import warn

        self._proto = self._number("B")
        if self._proto != 2:
            warn(
                f"Detected pickle protocol {self._proto} in the checkpoint, which was not the default pickle protocol "
                "used by `torch.load` (2). The weights_only Unpickler might not support all instructions implemented by "
                "this protocol, please file an issue for adding support if you encounter this."
            )


def _set_state(target: Any, state: Any) -> None:
    """BUILD for objects without `__setstate__`."""
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        target.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(target, name, value)


def text(value: Any) -> Any:
    """Python 2's ASCII strings as text."""
    return value.decode("ascii") if isinstance(value, bytes) else value


def _pushes(value: Callable[[Restricted], Any]) -> Callable[[Restricted], None]:
    return lambda self: self._stack.append(value(self))


_OPS: dict[bytes, Callable[[Restricted], None]] = {
    b"c": Restricted.global_,
    b"R": Restricted.reduce,
    b"\x81": Restricted.newobj,
    b"b": Restricted.build,
    b"Q": Restricted.persid,
    b"a": Restricted.append,
    b"e": Restricted.appends,
    b"s": Restricted.setitem,
    b"u": Restricted.setitems,
    b"t": Restricted.tuple_,
    b"\x85": lambda self: self._last(1),
    b"\x86": lambda self: self._last(2),
    b"\x87": lambda self: self._last(3),
    b"(": _pushes(lambda self: _MARK),
    b"]": _pushes(lambda self: []),
    b"}": _pushes(lambda self: {}),
    b")": _pushes(lambda self: ()),
    b"N": _pushes(lambda self: None),
    b"\x88": _pushes(lambda self: True),
    b"\x89": _pushes(lambda self: False),
    b"J": _pushes(lambda self: self._number("<i")),
    b"K": _pushes(lambda self: self._number("B")),
    b"M": _pushes(lambda self: self._number("<H")),
    b"G": _pushes(lambda self: self._number(">d")),
    b"X": Restricted.unicode,
    b"U": Restricted.string,
    b"\x8a": Restricted.long,
    b"h": _pushes(lambda self: self._memo[self._number("B")]),
    b"j": _pushes(lambda self: self._memo[self._number("<I")]),
    b"q": lambda self: self.put("B"),
    b"r": lambda self: self.put("<I"),
    b"\x80": Restricted.proto,
}


def globals_of(file: Any) -> Iterator[str]:
    """The full names that a pickle mentions, without running it."""
    from pickletools import genops

    proto = 2
    strings: list[str] = []
    for op, arg, _ in genops(file):
        if op.name == "PROTO":
            proto = arg  # type: ignore[assignment]
        elif op.name in ("GLOBAL", "INST"):
            module, _, name = str(arg).partition(" ")
            yield ".".join(two_to_three(module, name, proto))
        elif op.name == "STACK_GLOBAL" and len(strings) > 1:
            yield ".".join(strings[-2:])
        if isinstance(arg, str):
            strings.append(arg)
