"""The hooks that run when a function runs: code that it reaches, and a guard of each leaf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core import hooks as hook_state
from ..core.tensor import Tensor


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


__all__ = ["hook_keys", "hook_tables", "hooks_of"]
