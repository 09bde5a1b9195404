"""`OptimizedModule`: what `torch.compile` makes of a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .module import Module

__all__ = ["OptimizedModule"]


class OptimizedModule(Module):
    """A module whose call runs compiled. It shows the original's attributes; its own child is `_orig_mod`."""

    def __init__(self, mod: Module, wrap: Callable[[Any], Any]) -> None:
        super().__init__()
        self._orig_mod = mod
        self.__dict__["_compiled_forward"] = wrap(mod)
        self.training = mod.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.__dict__["_compiled_forward"](*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return self._modules["_orig_mod"]
        return getattr(self._modules["_orig_mod"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_orig_mod", "training") or "_orig_mod" not in self.__dict__.get("_modules", {}):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._orig_mod, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *dir(self._orig_mod)]
