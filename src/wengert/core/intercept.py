"""Calls of public functions that somebody wants to see first: autocast, `__torch_function__`, the profiler.

Nobody pays for it who does not use it. A function is *armed* when the first listener needs it: its code is exchanged
for one line that asks `Interceptor`, so that every reference to the function, wherever it was taken, is covered at
once. Until then (in most programs for ever) the functions are what they were written as.
"""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import functools
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FrameType, FunctionType, MethodWrapperType
from typing import Any

from .modes import GRAD, NO_GRAD, Mode, changed_mode, mode
from .tensor import PLAIN, Tensor

_lock = threading.Lock()

#: armed function -> what it did before
ORIGINALS: dict[Callable[..., Any], Callable[..., Any]] = {}
#: armed function -> what `__torch_function__` is told instead: `Tensor.add` for `Tensor.__add__`
SHOWN: dict[Callable[..., Any], Any] = {}
#: armed operators: where none of their operands answers, Python has the last word
OPERATORS: set[Any] = set()
#: whether arguments are searched for a `__torch_function__`: set when the first class with one is met
search_arguments = False

#: classes that have no `__torch_function__` of their own, for a quick look
_ORDINARY = frozenset((int, float, bool, str, complex, type(None)))


@functools.cache
def _line(free: tuple[str, ...]) -> CodeType:
    """The code of an armed function whose closure has the cells `free` (Python wants as many names as cells)."""
    names = ", ".join(free)
    source = "def outer(" + names + """):
    def line(*args, _interceptor=None, **kwargs):
        """ + (f"if 0: {names}" if free else "pass") + """
        return _interceptor(*args, **kwargs)
    return line"""
    scope: dict[str, Any] = {}
    exec(source, scope)
    code: CodeType = scope["outer"](*free).__code__
    return code


def arm(functions: Iterable[Any]) -> None:
    """Let the calls of `functions` (plain Python functions) pass through an `Interceptor` from now on."""
    with _lock:
        for fn in functions:
            if fn.__class__ is not FunctionType or fn in ORIGINALS:
                continue
            code = fn.__code__
            original = FunctionType(code, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
            original.__kwdefaults__ = fn.__kwdefaults__
            original.__dict__.update(fn.__dict__)
            original.__doc__, original.__qualname__, original.__module__ = fn.__doc__, fn.__qualname__, fn.__module__
            ORIGINALS[fn] = original
            # the defaults first: the old code must still find its own until the new one is in place
            fn.__kwdefaults__ = {**(fn.__kwdefaults__ or {}), "_interceptor": Interceptor(fn, original)}
            fn.__wrapped__ = original  # the signature stays visible
            fn.__code__ = _line(code.co_freevars).replace(  # tracebacks and messages find it where it was
                co_name=code.co_name, co_qualname=code.co_qualname, co_filename=code.co_filename,
                co_firstlineno=code.co_firstlineno,
            )  # fmt: skip


class Interceptor:
    """What stands in front of one armed function."""

    __slots__ = ("fn", "original")

    def __init__(self, fn: Callable[..., Any], original: Callable[..., Any]) -> None:
        self.fn, self.original = fn, original

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        m = mode()
        if m is not GRAD and m is not NO_GRAD:
            if m.function_modes:
                return call_torch_function(self.fn, overriding(args, kwargs), args, kwargs, m)
            if search_arguments and m.torch_function:
                found = overriding(args, kwargs)
                if found:
                    return call_torch_function(self.fn, found, args, kwargs, m)
            if m.profiler is not None:
                return m.profiler.call(self.fn, self.original, args, kwargs, m)
            if m.autocast is not None:
                return m.autocast.call(self.fn, self.original, args, kwargs, m)
        elif search_arguments:
            found = overriding(args, kwargs)
            if found:
                return call_torch_function(self.fn, found, args, kwargs, m)
        return self.original(*args, **kwargs)


# ---------------------------------------------------------------- __torch_function__


_OF_TENSOR = Tensor.__dict__["__torch_function__"].__func__


def own_torch_function(cls: type) -> Any:
    """The `__torch_function__` of a class, unless it is Tensor's own or none."""
    if cls in _ORDINARY or cls in PLAIN:
        return None
    found = getattr(cls, "__torch_function__", None)
    if found is None or found is disabled_torch_function:
        return None
    return None if getattr(found, "__func__", None) is _OF_TENSOR else found


def overriding(args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """The arguments (also inside lists and tuples) with a `__torch_function__` of their own, in the order in which they
    are asked: one of each class, subclasses before their bases, else from left to right."""
    found: list[Any] = []
    for value in _flat(args, kwargs):
        cls = type(value)
        if cls in _ORDINARY or cls in PLAIN or own_torch_function(cls) is None:
            continue
        collect_overriding(found, value)
    return found


def collect_overriding(found: list[Any], value: Any) -> None:
    """Put `value` at its place among the arguments to ask."""
    cls = type(value)
    if any(type(o) is cls for o in found):
        return
    at = next((i for i, o in enumerate(found) if issubclass(cls, type(o))), len(found))
    found.insert(at, value)


def _flat(args: Sequence[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
    for group in (args, kwargs.values()):
        for a in group:
            if a.__class__ is list or a.__class__ is tuple:
                yield from a
            else:
                yield a


def call_torch_function(
    fn: Any,
    found: Sequence[Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    m: Mode | None = None,
    refuse: Callable[[Any, tuple[type, ...]], TypeError] | None = None,
) -> Any:
    """Ask the innermost TorchFunctionMode, then the arguments in `found`; the first that answers decides. `refuse`
    makes the error for the case that none does."""
    m = m or mode()
    called, fn = fn, SHOWN.get(fn, fn)
    types = tuple(type(o) for o in found)
    if m.function_modes:
        with changed_mode(function_modes=m.function_modes[:-1]):
            result = m.function_modes[-1].__torch_function__(fn, types, tuple(args), kwargs)
        if result is not NotImplemented:
            return result
    for o in found:
        result = o.__torch_function__(fn, types, tuple(args), kwargs)
        if result is not NotImplemented:
            return result
    if called in OPERATORS:
        return NotImplemented
    if refuse is not None:
        raise refuse(fn, types)
    name = name_of(fn) or f"{getattr(fn, '__module__', '')}.{getattr(fn, '__name__', fn)}"
    asked = [f"  - mode object {m.function_modes[-1]}" for _ in m.function_modes[-1:]]
    asked += [f"  - tensor subclass {t}" for t in types]
    raise TypeError(
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned NotImplemented:\n\n"
        + "\n".join(asked)
        + "\n\nFor more information, try re-running with TORCH_LOGS=not_implemented"
    )


def disabled_torch_function(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """`__torch_function__ = ...` of a class that wants none: the plain operation, with a plain result."""
    with changed_mode(torch_function=False):
        return func(*args, **(kwargs or {}))


def default_torch_function(cls: type, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """What a subclass gets from `super().__torch_function__`: the plain operation; its tensors become of this class."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with changed_mode(torch_function=False):
        result = func(*args, **(kwargs or {}))
    if func.__class__ is MethodWrapperType and func in default_nowrap_functions():
        return result
    return convert(result, cls)


def default_nowrap_functions() -> frozenset[Any]:
    """The getters whose results do not take the class of a subclass."""
    return frozenset(Tensor.__dict__[name].__get__ for name in ("_base", "grad"))


def convert(result: Any, cls: type) -> Any:
    """`result` (a tensor, or a list or tuple of such) as of class `cls`."""
    if cls is Tensor:
        return result
    if isinstance(result, Tensor) and not isinstance(result, cls):
        return result.as_subclass(cls)
    if isinstance(result, (tuple, list)):
        parts = [convert(r, cls) for r in result]
        return result._make(parts) if hasattr(result, "_make") else type(result)(parts)
    return result


# ---------------------------------------------------------------- what there is to arm

#: each gives (name, function) of public functions: ("torch.nn.functional.linear", linear); see `announce`
_announced: list[Callable[[], Iterable[tuple[str, Any]]]] = []
#: told of functions that are announced later (a namespace that is imported when it is first used)
_listeners: list[Callable[[], object]] = []


def announce(named: Callable[[], Iterable[tuple[str, Any]]]) -> None:
    """Make public functions known (when first needed): `named()` gives their PyTorch names and themselves."""
    _announced.append(named)
    if search_arguments:
        arm(fn for _, fn in named())
    for listener in _listeners:
        listener()


def listen(listener: Callable[[], object]) -> None:
    """Call `listener()` whenever more public functions are announced."""
    if listener not in _listeners:
        _listeners.append(listener)


def named_functions() -> Iterator[tuple[str, Any]]:
    """Every public function and every method of Tensor, with PyTorch's name for it."""
    for named in _announced:
        yield from ((name, fn) for name, fn in named() if name.rpartition(".")[2] not in _NEVER)
    for name, fn in Tensor.__dict__.items():
        if fn.__class__ is FunctionType and name not in _NEVER:
            yield f"torch.Tensor.{name}", fn


def name_of(fn: Any) -> str | None:
    """'torch.add', 'torch.Tensor.add', 'torch.Tensor.shape.__get__'; None for what is no public function."""
    if fn.__class__ is MethodWrapperType and isinstance(fn.__self__, property):
        for name, value in Tensor.__dict__.items():
            if value is fn.__self__:
                return f"torch.Tensor.{name}.{fn.__name__}"
        return None
    return next((name for name, known in named_functions() if known is fn), None)


def arm_for(code: CodeType) -> None:
    """Arm everything if a program defines a `__torch_function__`: a class that is no Tensor cannot be noticed later."""
    left = [code]
    while left:
        code = left.pop()
        if code.co_name == "__torch_function__":
            arm_everything()
            return
        left += [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def arm_for_importer() -> None:
    """`arm_for` the module whose top level imports this package for the first time."""
    frame: FrameType | None = sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame is not None and (
        frame.f_globals.get("__name__", "").partition(".")[0] == package or "importlib" in frame.f_code.co_filename
    ):
        frame = frame.f_back
    if frame is not None and frame.f_code.co_name == "<module>":
        arm_for(frame.f_code)


def arm_everything() -> None:
    """Arm all public functions, methods and attributes of tensors, and search their arguments from now on."""
    global search_arguments
    if search_arguments:
        return
    named = list(named_functions())
    arm(fn for _, fn in named)
    for name, fn in reversed(named):  # of several names the first one
        if name.startswith("torch.Tensor.") and fn.__class__ is FunctionType:
            fn.__name__ = name[13:]  # what `func.__name__` tells a __torch_function__
    for dunder, name in _SPELLED.items():
        fn = Tensor.__dict__.get(dunder)
        if fn is not None:
            SHOWN[fn] = Tensor.__dict__[name]
    for name in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split():
        OPERATORS.update(Tensor.__dict__[f"__{kind}{name}__"] for kind in ("", "r") if f"__{kind}{name}__" in Tensor.__dict__)
    OPERATORS.update(Tensor.__dict__[f"__{name}__"] for name in ("eq", "ne", "lt", "le", "gt", "ge"))
    for name, attribute in list(Tensor.__dict__.items()):
        if isinstance(attribute, property) and name not in _NEVER:
            for part, verb in ((attribute.fget, "__get__"), (attribute.fset, "__set__"), (attribute.fdel, "__delete__")):
                if part is not None:
                    arm((part,))
                    SHOWN[part] = getattr(attribute, verb)
    search_arguments = True


#: parts of Tensor that are machinery
_NEVER = frozenset(
    (
        "__new__", "__init__", "__init_subclass__", "__hash__", "__iter__", "as_subclass", "_inference", "_lacks_grad",
        "_rewrap", "is_tensor", "is_storage", "typename",
    )
)  # fmt: skip
#: operators that PyTorch shows to `__torch_function__` under a method's name
_SPELLED = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__isub__": "sub_", "__mul__": "mul",
    "__rmul__": "mul", "__imul__": "mul_", "__truediv__": "div", "__itruediv__": "div_", "__mod__": "remainder",
    "__imod__": "remainder_", "__matmul__": "matmul", "__neg__": "neg", "__pos__": "positive", "__abs__": "abs",
    "__gt__": "gt", "__lt__": "lt", "__ge__": "ge", "__le__": "le", "__ne__": "ne",
}  # fmt: skip
