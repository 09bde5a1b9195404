"""torch.utils.dlpack: arrays shared with other libraries."""

from __future__ import annotations

from ..ops import FUNCTIONS

__all__ = ["from_dlpack", "to_dlpack"]

from_dlpack = FUNCTIONS["from_dlpack"]
to_dlpack = FUNCTIONS["to_dlpack"]
