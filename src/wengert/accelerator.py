"""torch.accelerator: there is none."""

from __future__ import annotations

from typing import NoReturn

from .core.devices import device

__all__ = ["current_accelerator", "current_device_index", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """None."""
    return None


def current_device_index() -> NoReturn:
    """Raises RuntimeError."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


def synchronize(device: object = None) -> NoReturn:
    """Raises RuntimeError."""
    raise RuntimeError("Cannot access accelerator device when none is available.")
