"""torch.overrides: what programs ask about `__torch_function__`.

The operations of this package keep the class of a subclass of Tensor, but they do not call a `__torch_function__` that
overrides them. These functions are for programs that dispatch to it themselves.
"""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from .core.modes import changed_mode
from .core.tensor import Tensor

__all__ = [
    "DisableTorchFunctionSubclass",
    "TorchFunctionMode",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


class DisableTorchFunctionSubclass(changed_mode):
    """Context: results of operations on subclasses of Tensor are plain tensors."""

    def __init__(self) -> None:
        super().__init__(torch_function=False)


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a tensor, or has a `__torch_function__`."""
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def _overrides(value: Any) -> Any:
    """The `__torch_function__` of a value that has one of its own."""
    cls = type(value)
    found = getattr(cls, "__torch_function__", None)
    if found is None or cls is Tensor:
        return None
    base = getattr(Tensor, "__torch_function__", None)
    own = getattr(found, "__func__", found)
    return None if base is not None and own is getattr(base, "__func__", base) else found


def has_torch_function(relevant_args: Iterable[Any], /) -> bool:
    """Whether one of the arguments has a `__torch_function__` of its own."""
    return any(_overrides(a) is not None for a in relevant_args)


def has_torch_function_unary(arg: Any, /) -> bool:
    """Whether the argument has a `__torch_function__` of its own."""
    return _overrides(arg) is not None


def has_torch_function_variadic(*args: Any) -> bool:
    """Whether one of the arguments has a `__torch_function__` of its own."""
    return has_torch_function(args)


def handle_torch_function(public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
    """What the first `__torch_function__` that answers makes of the call: subclasses first, then from left to right.

    Raises TypeError if none does.
    """
    ordered: list[Any] = []
    for arg in relevant_args:
        if _overrides(arg) is None or any(type(arg) is type(o) for o in ordered):
            continue
        at = next((i for i, o in enumerate(ordered) if issubclass(type(arg), type(o))), len(ordered))
        ordered.insert(at, arg)
    kinds = tuple(type(o) for o in ordered)
    for arg in ordered:
        result = type(arg).__torch_function__(public_api, kinds, args, kwargs)
        if result is not NotImplemented:
            return result
    name = f"{public_api.__module__}.{public_api.__name__}"
    raise TypeError(
        f"no implementation found for '{name}' on types that implement __torch_function__: {list(kinds)}"
    )


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: calls go to `__torch_function__` of what `dispatcher` picks from the arguments, where it has one."""

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        import functools

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
    return name == "__get__" or (name is not None and getattr(Tensor, name, None) is func)


def resolve_name(f: Any) -> str | None:
    """'torch.Tensor.add', 'torch.add', ... or None for what is no function of this package."""
    import sys

    name = getattr(f, "__name__", None)
    if not isinstance(name, str):
        return None
    package = __name__.partition(".")[0]
    for place in ("", ".nn.functional"):
        module = sys.modules.get(package + place)
        if module is not None and module.__dict__.get(name) is f:
            return f"torch{place}.{name}"
    return f"torch.Tensor.{name}" if Tensor.__dict__.get(name) is f else None


class TorchFunctionMode:
    """Not supported: a context that sees every call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What a subclass would define."""
        raise NotImplementedError

    def __enter__(self) -> NoReturn:
        raise NotImplementedError("torch.overrides.TorchFunctionMode")

    def __exit__(self, *exc: object) -> None:
        pass
