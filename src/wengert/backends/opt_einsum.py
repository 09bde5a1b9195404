"""torch.backends.opt_einsum: contractions are ordered without it."""

from __future__ import annotations

__all__ = ["is_available"]

enabled = True
strategy = "auto"


def is_available() -> bool:
    """False."""
    return False
