"""torch.distributed, as it is in a PyTorch that was built without: `is_available()` is False."""

from __future__ import annotations

from .core.missing import missing

__all__ = ["is_available", "is_initialized"]


def is_available() -> bool:
    """False: there is no communication between processes."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_torchelastic_launched() -> bool:
    """False."""
    return False


__getattr__ = missing(__name__)
