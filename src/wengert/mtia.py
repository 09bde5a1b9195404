"""torch.mtia: MTIA accelerators are not used."""

from __future__ import annotations

from .core.missing import missing

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed"]


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def empty_cache() -> None:
    """Nothing to empty."""


def manual_seed(seed: int) -> None:
    """Without effect."""


__getattr__ = missing(__name__)
