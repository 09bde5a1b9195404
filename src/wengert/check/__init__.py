"""Checks of the op table: what every operation must satisfy, derived from its samples (`python -m wengert.check NAME`)."""

from __future__ import annotations

from .inputs import Call, build, function
from .laws import LAWS, NotApplicable

__all__ = ["LAWS", "Call", "NotApplicable", "build", "function"]
