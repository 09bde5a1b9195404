"""Checks of the op table: what every operation must satisfy, derived from its samples (`python -m wengert.check NAME`)."""

from __future__ import annotations

from .inputs import Call, build, function
from .laws import BY_DESIGN, LAWS, NotApplicable, apply

__all__ = ["BY_DESIGN", "LAWS", "Call", "NotApplicable", "apply", "build", "function"]
