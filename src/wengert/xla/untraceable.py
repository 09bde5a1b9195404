"""The refusal of what cannot be traced, with the line of the user's program that asked for it."""

from __future__ import annotations

import linecache
import sys
from typing import Any

from ..core.modes import mode
from .users import is_users

#: what to write instead, for the calls that programs make most
CURES = {
    "item": "Return the tensor from the compiled function and call .item() outside.",
    "tolist": "Return the tensor from the compiled function and convert it outside.",
    "numpy": "Return the tensor from the compiled function and convert it outside.",
    "bool": "Choose between tensors with torch.where(condition, a, b), or make the decision outside.",
    "print": "Return what is to be printed from the compiled function and print it outside.",
}
GENERAL = "Compute it outside the compiled function, or express it with tensor operations."


class Untraceable(RuntimeError):
    """Something in the function cannot become part of a program: `reason`, and `where` in the user's code."""

    def __init__(self, reason: str, cure: str = "") -> None:
        self.reason = reason
        self.line, self.where = user_line()
        self.cure = cure or cure_for(self.line)
        super().__init__(reason)
        tracer = mode().tracer
        if tracer is not None:  # the user's code may catch it
            tracer.refusals.append(self)

    def __str__(self) -> str:
        where = f"\n  at {self.where}" if self.where else ""
        code = f"\n    {self.line}" if self.line else ""
        return f"{self.reason}{where}{code}\n  {self.cure}"


def user_line() -> tuple[str, str]:
    """(source line, "file:line") of the innermost frame that is neither ours, JAX's nor NumPy's."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if is_users(file):
            return linecache.getline(file, frame.f_lineno).strip(), f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return "", ""


def cure_for(line: str) -> str:
    """What to write instead, judged by the line."""
    for call in ("item", "tolist", "numpy", "print"):
        if f".{call}(" in line or line.startswith(f"{call}("):
            return CURES[call]
    if line.startswith(("if ", "elif ", "while ", "assert ")) or "bool(" in line:
        return CURES["bool"]
    return GENERAL


__all__ = ["Untraceable"]
