"""torch.cuda.memory."""

from __future__ import annotations

from . import empty_cache, max_memory_allocated, max_memory_reserved, memory_allocated, memory_reserved

__all__ = ["empty_cache", "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved"]
