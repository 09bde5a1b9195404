"""Arguments that must be integers: dimensions, counts."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from ..core.tensor import Tensor
from .install import FUNCTIONS

PACKAGE = __name__.partition(".")[0] + "."
#: functions of several overloads, whose refusals say so
OVERLOADED = frozenset(
    "all any argsort count_nonzero max mean median min mode narrow nanmedian norm prod sort split squeeze std std_mean sum "
    "var var_mean".split()
)


#: functions that take several dimensions as well
SEVERAL = frozenset("amax amin logsumexp nansum".split())


def whole(value: Any, name: str = "", position: int = 0, arg: str = "dim") -> int:
    """An integer: an int, or a NumPy integer or an integer tensor of one element that stands for one.

    Errors: TypeError for all else, bools too, in PyTorch's words; without `name`, the public function is looked up."""
    if value.__class__ is int:
        return value  # type: ignore[no-any-return]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, np.integer) or (isinstance(value, Tensor) and value.dtype.category < 2 and value.numel() == 1):  # type: ignore[attr-defined]
        return value.__index__()  # type: ignore[no-any-return, union-attr]
    refuse_whole(value, name, position, arg)


def refuse_whole(value: Any, name: str, position: int, arg: str) -> NoReturn:
    got = "Tensor" if isinstance(value, Tensor) else type(value).__name__
    if isinstance(value, np.generic):
        got = "numpy." + got
    if not name:
        name, position, arg = asked_of(value, position, arg)
    if name in OVERLOADED:
        raise TypeError(f"{name}() received an invalid combination of arguments - got ({got}), but expected one of:\n"
                        f" * (..., int {arg}, ...)")  # fmt: skip
    where = f" (position {position})" if position else ""
    raise TypeError(f"{name}(): argument '{arg}'{where} must be {'tuple of ints' if name in SEVERAL else 'int'}, not {got}")


def asked_of(value: Any, position: int, arg: str) -> tuple[str, int, str]:
    """(function, position among a method's arguments, parameter) of the outermost function of ours given `value`."""
    frame = sys._getframe(3)
    name = frame.f_code.co_name
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(PACKAGE):
        code = frame.f_code
        for i, parameter in enumerate(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]):
            if frame.f_locals.get(parameter) is value:
                name, position, arg = public_name(frame), i if i < code.co_argcount else 0, parameter
        frame = frame.f_back
    return name, position, arg


def public_name(frame: FrameType) -> str:
    """How users call the function that runs in `frame`: those made in one place share their code, not what it is
    closed over."""
    code, values = frame.f_code, frame.f_locals
    for name, fn in FUNCTIONS.items():
        if getattr(fn, "__code__", None) is code and all(
            cell.cell_contents is values.get(free) for free, cell in zip(code.co_freevars, fn.__closure__ or (), strict=True)
        ):
            return name
    return code.co_name
