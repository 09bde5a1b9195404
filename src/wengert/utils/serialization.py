"""torch.utils.serialization: `config.save` and `config.load`."""

from __future__ import annotations

from ..serialization import config

__all__ = ["config"]
