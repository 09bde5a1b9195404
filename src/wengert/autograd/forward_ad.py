"""Forward mode: dual numbers inside a `dual_level`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple

from ..core.levels import LIVE, Dual, Level, dual, leave, stack
from ..core.modes import ContextDecorator, mode, set_mode
from ..core.tensor import Tensor

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "set_fwd_grad_enabled",
    "unpack_dual",
]

#: the open dual level of this context (nesting is not supported, as in PyTorch)
_open: ContextVar[Level | None] = ContextVar("wengert_dual_level", default=None)


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` returns."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Open a forward-mode level; its number (0)."""
    if _open.get() is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    level = Level("dual")
    LIVE[level.number] = level
    stack.set((*stack.get(), level))
    _open.set(level)
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the level: all tangents made in it are gone."""
    now = _open.get()
    if now is None:
        raise RuntimeError("Dual level must be a positive number.")
    if level is not None and level != 0:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    _open.set(None)
    leave(now)


class dual_level(ContextDecorator):
    """Context in which dual numbers live.

    >>> import wengert as torch
    >>> import wengert.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     y = torch.sin(fwAD.make_dual(torch.tensor(0.0), torch.tensor(2.0)))
    ...     fwAD.unpack_dual(y).tangent
    tensor(2.)
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exc: object) -> None:
        exit_dual_level(level=0)


def _level_for(level: int | None) -> Level:
    now = _open.get()
    if now is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    if level:  # there is one level, of number 0
        raise RuntimeError("Invalid level given to _make_dual")
    return now


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """`tensor` with `tangent` (same shape, both floating or complex), at the open level."""
    now = _level_for(level)
    for name, t in (("primal", tensor), ("tangent", tangent)):
        if not (t.is_floating_point() or t.is_complex()):  # type: ignore[attr-defined]
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    if _find(tensor, now) is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not "
            "supported."
        )
    if _find(tangent, now) is not None:
        raise RuntimeError(
            "Setting a forward grad that itself has a forward gradient at the same level0 is not supported."
        )
    if tuple(tensor.shape) != tuple(tangent.shape):
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )
    return dual(tensor.view_as(tensor), tangent, now.number, shared=False)  # type: ignore[attr-defined]


def _find(tensor: Tensor, level: Level) -> Dual | None:
    t: Any = tensor
    return t if isinstance(t, Dual) and t._level == level.number else None


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """(primal, tangent); the tangent is None if there is none."""
    now = _open.get()
    if now is None:
        return UnpackedDualTensor(tensor, None)
    found = _find(tensor, now)
    if found is None:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(found._data, found._tangent)  # type: ignore[attr-defined]


class set_fwd_grad_enabled(ContextDecorator):
    """Switch the propagation of tangents on or off: at once, and as a context manager until its end."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._previous = _enabled()
        _set_enabled(mode)

    def clone(self) -> set_fwd_grad_enabled:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        _set_enabled(self.mode)

    def __exit__(self, *exc: object) -> None:
        _set_enabled(self._previous)


_set_fwd_grad_enabled = set_fwd_grad_enabled


def _is_fwd_grad_enabled() -> bool:
    return mode().forward_grad


_enabled = _is_fwd_grad_enabled


def _set_enabled(value: bool) -> None:
    set_mode(mode().replace(forward_grad=value))
