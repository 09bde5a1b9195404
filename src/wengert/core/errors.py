"""Warnings that point at the user's line, not at ours."""

from __future__ import annotations

import os
import sys
import warnings

PACKAGE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line of code that is not in this package."""
    depth, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_DIR):
        if frame.f_back is None:
            break
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, category, stacklevel=depth + 1)


_always = False
_said: set[str] = set()


def warn_once(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn the first time only, as PyTorch does for what a loop would repeat (unless `set_warn_always(True)`)."""
    if _always or message not in _said:
        _said.add(message)
        warn(message, category)


def set_warn_always(b: bool) -> None:
    """Whether the warnings that are given once are given every time."""
    global _always
    _always = b


def is_warn_always_enabled() -> bool:
    """Whether `set_warn_always(True)` holds."""
    return _always
