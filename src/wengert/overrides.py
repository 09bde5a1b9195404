"""torch.overrides: classes, duck types and contexts that decide for themselves what public functions do.

A class with a `__torch_function__` (a subclass of Tensor, or any other) is asked whenever one of its instances is an
argument; a `TorchFunctionMode` sees every call while it is entered. See `core.intercept` for how the calls get there.
"""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import functools
from collections.abc import Callable, Iterable
from typing import Any

from .core import intercept
from .core.intercept import arm_everything, collect_overriding, name_of, own_torch_function
from .core.modes import changed_mode, mode, set_mode
from .core.tensor import Tensor

__all__ = [
    "BaseTorchFunctionMode",
    "DisableTorchFunctionSubclass",
    "TorchFunctionMode",
    "enable_reentrant_dispatch",
    "get_default_nowrap_functions",
    "get_overridable_functions",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]

arm_everything()  # who imports this means to use it; duck types cannot be noticed earlier


class DisableTorchFunctionSubclass(changed_mode):
    """Context: no `__torch_function__` of arguments is called; results of operations on subclasses are plain tensors."""

    def __init__(self) -> None:
        super().__init__(torch_function=False)


class DisableTorchFunction(changed_mode):
    """Context: neither arguments nor modes are asked."""

    def __init__(self) -> None:
        super().__init__(torch_function=False, function_modes=())


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a tensor, or has a `__torch_function__`."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def has_torch_function(relevant_args: Iterable[Any], /) -> bool:
    """Whether one of the arguments has a `__torch_function__` of its own (that is not disabled), or a mode is active."""
    m = mode()
    if m.function_modes:
        return True
    return m.torch_function and any(own_torch_function(type(a)) is not None for a in relevant_args)


def has_torch_function_unary(arg: Any, /) -> bool:
    """`has_torch_function` of one argument."""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args: Any) -> bool:
    """`has_torch_function` of the arguments given one by one."""
    return has_torch_function(args)


def handle_torch_function(public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
    """What the innermost mode, else the first `__torch_function__` that answers, makes of the call: subclasses are asked
    first, then from left to right. Raises TypeError if none answers."""
    found: list[Any] = []
    for arg in relevant_args if mode().torch_function else ():
        if own_torch_function(type(arg)) is not None:
            collect_overriding(found, arg)
    return intercept.call_torch_function(public_api, found, args, kwargs, refuse=_refuse)


def _refuse(api: Any, types: tuple[type, ...]) -> TypeError:
    """The error of an API written in Python."""
    name = f"{api.__module__}.{api.__name__}"
    text = f"no implementation found for '{name}' on types that implement __torch_function__: {list(types)}"
    modes = mode().function_modes
    return TypeError(text + (f" nor in mode {modes[-1]}" if modes else ""))


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: calls go to `__torch_function__` of what `dispatcher` picks from the arguments, where it has one."""

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return func(*args, **kwargs)

        return wrapped

    return decorate


def is_tensor_method_or_property(func: Any) -> bool:
    """Whether it is a method of Tensor, or the getter of one of its properties."""
    name = getattr(func, "__name__", None)
    return name == "__get__" or (isinstance(name, str) and Tensor.__dict__.get(name) is func)


def resolve_name(f: Any) -> str | None:
    """'torch.Tensor.add', 'torch.add', ... or None for what is no function of this package."""
    return name_of(f)


def get_default_nowrap_functions() -> set[Any]:
    """The functions whose results `Tensor.__torch_function__` leaves as they are."""
    return set(intercept.default_nowrap_functions())


def get_overridable_functions() -> dict[Any, list[Any]]:
    """Namespace -> the functions in it that can be overridden; Tensor -> its methods and the getters of its attributes."""
    import sys

    package = __name__.partition(".")[0]
    found: dict[Any, list[Any]] = {}
    for name, fn in intercept.named_functions():
        if callable(fn) and not isinstance(fn, type):
            place = name.rpartition(".")[0]
            owner = Tensor if place == "torch.Tensor" else sys.modules.get(place.replace("torch", package, 1))
            if owner is not None:
                found.setdefault(owner, []).append(fn)
    found[Tensor] += [p.__get__ for p in vars(Tensor).values() if isinstance(p, property)]
    return found


class TorchFunctionMode:
    """A context that sees every call of a public function or method: override `__torch_function__`.

    Inside it the mode is left, so that `func(*args, **kwargs)` does what it would have done without it. Modes nest.
    """

    def __init__(self) -> None:
        pass

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Any:
        arm_everything()
        m = mode()
        set_mode(m.replace(function_modes=(*m.function_modes, self)))
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        m = mode()
        set_mode(m.replace(function_modes=m.function_modes[:-1]))

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Any:
        """PyTorch's old way to say `Mode()`."""
        import warnings

        warnings.warn("`Mode.push()` is no longer necessary and can be replaced with just `with Mode()`", stacklevel=2)
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """The mode that changes nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def _get_current_function_mode() -> Any:
    """The innermost mode, or None."""
    modes = mode().function_modes
    return modes[-1] if modes else None


def _get_current_function_mode_stack() -> list[Any]:
    """All modes, innermost last."""
    return list(mode().function_modes)


class enable_reentrant_dispatch:
    """Context without effect: calls made inside a `__torch_function__` are always seen."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass
