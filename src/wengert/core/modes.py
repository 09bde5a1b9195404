"""Grad mode and its relatives: what the current context (thread, task) asks of every operation.

One `ContextVar` holds one immutable `Mode`. The two common ones, `GRAD` and `NO_GRAD`, are singletons, so that the
fast path asks a single question (`mode() is GRAD`); any other `Mode` sends an operation to `dispatch`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Mode:
    """grad: record operations; inference: results are inference tensors; saved_hooks: (pack, unpack) pairs, innermost
    last; saved_hooks_off: the message that forbids them; anomaly, check_nan: anomaly detection; forward_grad: dual
    numbers propagate; tracer: the trace that operations belong to; keeper: the selective checkpoint that they belong
    to; torch_function: honour `__torch_function__` of arguments; function_modes: the TorchFunctionModes, innermost last;
    autocast, profiler: who handles public calls."""

    __slots__ = (
        "anomaly",
        "autocast",
        "check_nan",
        "forward_grad",
        "function_modes",
        "grad",
        "inference",
        "keeper",
        "multithreading",
        "mutation_context",
        "profiler",
        "saved_hooks",
        "saved_hooks_off",
        "torch_function",
        "tracer",
        "view_replay",
    )

    grad: bool
    inference: bool
    saved_hooks: tuple[tuple[Callable[[Any], Any], Callable[[Any], Any]], ...]
    saved_hooks_off: str | None
    anomaly: bool
    check_nan: bool
    forward_grad: bool
    tracer: Any
    keeper: Any
    torch_function: bool
    multithreading: bool
    mutation_context: Any
    view_replay: bool
    function_modes: tuple[Any, ...]
    autocast: Any
    profiler: Any

    def replace(self, **changes: Any) -> Mode:
        """This mode with `changes`; the singletons where they fit."""
        new = object.__new__(Mode)
        for name in Mode.__slots__:
            object.__setattr__(new, name, changes[name] if name in changes else getattr(self, name))
        for plain in (GRAD, NO_GRAD):
            if all(getattr(plain, name) == getattr(new, name) for name in Mode.__slots__):
                return plain
        return new

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a Mode is immutable: use replace()")


def _plain(grad: bool) -> Mode:
    new = object.__new__(Mode)
    values = dict.fromkeys(Mode.__slots__)
    values.update(  # type: ignore[call-overload]
        grad=grad, inference=False, saved_hooks=(), anomaly=False, check_nan=True, forward_grad=True,
        torch_function=True, multithreading=True, view_replay=False, function_modes=(),
    )  # fmt: skip
    for name, value in values.items():
        object.__setattr__(new, name, value)
    return new


GRAD = _plain(True)
NO_GRAD = _plain(False)

_mode: ContextVar[Mode] = ContextVar("wengert_mode", default=GRAD)
mode: Callable[[], Mode] = _mode.get
set_mode = _mode.set


#: the live transforms by number, of all threads: while there are none, no operation need ask for them
LIVE: dict[int, Any] = {}
#: the transforms running in this context, innermost last
stack: ContextVar[tuple[Any, ...]] = ContextVar("wengert_levels", default=())


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread (or task)."""
    return mode().grad


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on in this thread (or task)."""
    return mode().inference


class ContextDecorator:
    """A context manager that also decorates functions, generator functions, coroutine functions and classes."""

    def clone(self) -> ContextDecorator:
        """A fresh instance for one call."""
        return type(self)()

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError

    def __call__(self, func: F) -> F:
        if isinstance(func, type):
            import warnings

            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
                "functions or methods. To preserve the current behavior of class decoration, you can directly decorate "
                "the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )
            func.__init__ = self(func.__init__)  # type: ignore[misc]
            return func
        flags = getattr(getattr(func, "__code__", None), "co_flags", 0)
        if flags & 0x20:  # CO_GENERATOR
            return _wrap_generator(self.clone, func)
        if flags & 0x80:  # CO_COROUTINE
            clone_async = self.clone

            @functools.wraps(func)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with clone_async():
                    return await func(*args, **kwargs)

            return coroutine  # type: ignore[return-value]
        clone = self.clone

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with clone():
                return func(*args, **kwargs)

        return decorated  # type: ignore[return-value]


def _wrap_generator(clone: Callable[[], ContextDecorator], func: Any) -> Any:
    """The context holds while the generator runs, not while its caller does."""

    @functools.wraps(func)
    def generator(*args: Any, **kwargs: Any) -> Any:
        gen = func(*args, **kwargs)
        try:
            with clone():
                response = gen.send(None)
            while True:
                try:
                    request = yield response
                except GeneratorExit:
                    with clone():
                        gen.close()
                    raise
                except BaseException:
                    with clone():
                        response = gen.throw(*sys.exc_info())
                else:
                    with clone():
                        response = gen.send(request)
        except StopIteration as stop:
            return stop.value

    return generator


class _NoParam(ContextDecorator):
    """`@no_grad` without parentheses works too."""

    __slots__ = ("_previous",)
    _previous: Mode

    def __new__(cls, orig_func: Any = None) -> Any:
        self = super().__new__(cls)
        return self if orig_func is None else self(orig_func)


class no_grad(_NoParam):
    """Operations inside are not recorded. A context manager and a decorator.

    >>> import wengert as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    __slots__ = ()

    def __enter__(self) -> None:
        self._previous = old = mode()
        set_mode(NO_GRAD if old is GRAD or old is NO_GRAD else old.replace(grad=False))

    def __exit__(self, *exc: object) -> None:
        set_grad(self._previous.grad)


class enable_grad(_NoParam):
    """Operations inside are recorded, also within `no_grad`. A context manager and a decorator."""

    __slots__ = ()

    def __enter__(self) -> None:
        self._previous = old = mode()
        set_mode(GRAD if old is GRAD or old is NO_GRAD else old.replace(grad=True))

    def __exit__(self, *exc: object) -> None:
        set_grad(self._previous.grad)


def set_grad(enabled: bool) -> None:
    """Switch grad mode and leave the rest of the current mode."""
    now = mode()
    if now is GRAD or now is NO_GRAD:
        set_mode(GRAD if enabled else NO_GRAD)
    else:
        set_mode(now.replace(grad=enabled))


class set_grad_enabled(ContextDecorator):
    """Switch grad mode on or off: as a function call at once, as a context manager until its end."""

    __slots__ = ("_previous", "mode")

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}")
        self._previous = is_grad_enabled()
        self.mode = mode
        set_grad(mode)

    def __call__(self, func: F) -> F:
        set_grad(self._previous)  # as a decorator it must not act now
        return super().__call__(func)

    def clone(self) -> set_grad_enabled:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        set_grad(self.mode)

    def __exit__(self, *exc: object) -> None:
        set_grad(self._previous)

    def __str__(self) -> str:
        return f"torch.autograd.grad_mode.{type(self).__qualname__}(mode={self.mode})"

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}(mode={self.mode})"


class inference_mode(ContextDecorator):
    """Like `no_grad`, and the results may never take part in autograd (`Tensor.is_inference()`)."""

    __slots__ = ("_previous", "mode")

    def __new__(cls, mode: Any = True) -> Any:
        self = super().__new__(cls)
        if isinstance(mode, bool):
            return self
        self.mode = True
        return self(mode)  # used as a bare decorator

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def clone(self) -> inference_mode:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        self._previous = mode()
        # PyTorch: inference_mode(False) turns grad mode on again, inference_mode(True) turns it off
        set_mode(self._previous.replace(inference=self.mode, grad=not self.mode))

    def __exit__(self, *exc: object) -> None:
        set_mode(mode().replace(inference=self._previous.inference, grad=self._previous.grad))


class changed_mode:
    """`with changed_mode(anomaly=True): ...` for the rarer fields of `Mode`."""

    __slots__ = ("_changes", "_entered", "_previous")

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def __enter__(self) -> Mode:
        self._previous = old = mode()
        changes = self._changes
        if (old is GRAD or old is NO_GRAD) and len(changes) == 1 and "grad" in changes:
            self._entered = new = GRAD if changes["grad"] else NO_GRAD
        else:
            self._entered = new = old.replace(**changes)
        set_mode(new)
        return new

    def __exit__(self, *exc: object) -> None:
        now = mode()
        if now is self._entered:
            set_mode(self._previous)
        else:  # something inside changed other fields for good
            set_mode(now.replace(**{name: getattr(self._previous, name) for name in self._changes}))
