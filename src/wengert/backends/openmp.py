"""torch.backends.openmp: PyTorch's own is not here; NumPy may bring one along, of which PyTorch's switches know nothing."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """False."""
    return False
