"""Warnings that point at the user's line, not at ours; notes on errors."""

from __future__ import annotations

import os
import sys
import warnings
from types import CodeType, FrameType
from typing import TypeVar

E = TypeVar("E", bound=BaseException)

PACKAGE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line of code that is not in this package."""
    depth, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_DIR):
        if frame.f_back is None:
            break
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, category, stacklevel=depth + 1)


def user_frame() -> FrameType | None:
    """The innermost frame of code that is not in this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_DIR):
        frame = frame.f_back
    return frame


def place(frame: FrameType | None) -> str:
    """A line of the user's program, as notes on errors name it."""
    if frame is None:
        return "a line of this package"
    return line_of(frame.f_code, frame.f_lineno)


def line_of(code: CodeType, number: int) -> str:
    """`file:line in function: text of the line`"""
    import linecache

    text = linecache.getline(code.co_filename, number).strip()
    inside = "" if code.co_name == "<module>" else f" in {code.co_name}"
    return f"{code.co_filename}:{number}{inside}" + (f": {text}" if text else "")


def noted(error: E, *notes: str) -> E:
    """`error`, whose text stays PyTorch's, with what PyTorch leaves out as notes below it."""
    for note in notes:
        error.add_note(note)
    return error


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
