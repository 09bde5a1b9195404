"""torch._dynamo, as programs import it: marks for the compiler, which here traces whole functions or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .core.missing import missing

__all__ = ["allow_in_graph", "disable", "is_compiling", "reset"]


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None, **_: Any) -> Any:
    """`fn` as it is: it is run, not compiled, wherever nothing compiles it."""
    return fn if fn is not None else lambda wrapped: wrapped


def allow_in_graph(fn: Any) -> Callable[..., Any]:
    """`fn` as it is."""
    return fn  # type: ignore[no-any-return]


def reset() -> None:
    """Nothing is kept."""


def is_compiling() -> bool:
    """False: this code is run by Python."""
    return False


__getattr__ = missing(__name__)
