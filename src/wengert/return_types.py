"""torch.return_types: the named tuples that operations return."""

from __future__ import annotations

from .core.return_types import *  # noqa: F403
from .core.return_types import __getattr__  # noqa: F401
