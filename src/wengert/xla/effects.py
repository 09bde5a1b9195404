"""Side effects that a program would not repeat: printing, reading the clock, other libraries' random numbers."""

from __future__ import annotations

import gc
import io
import logging
import random
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .untraceable import Untraceable
from .users import is_users

#: built-in functions whose call in the user's code ends a trace
EFFECTS = {
    print: "it prints", input: "it reads input", open: "it opens a file", time.time: "it reads the clock",
    time.perf_counter: "it reads the clock", time.monotonic: "it reads the clock", time.process_time: "it reads the clock",
    warnings.warn: "it warns", time.time_ns: "it reads the clock", time.perf_counter_ns: "it reads the clock",
    time.sleep: "it waits",
}  # fmt: skip
LOG = logging.Logger._log.__code__
CURE = "Do it outside the compiled function: the program runs without Python."


@contextmanager
def watched() -> Iterator[None]:
    """Raise Untraceable when the user's code does what the program could not do again."""
    numbers, arrays = random.getstate(), np.random.get_state()
    before = sys.getprofile()
    if before is None:  # a profiler of the user's stays; the check is left out then
        sys.setprofile(_watch)
    try:
        yield
    finally:
        if before is None:
            sys.setprofile(None)
    if random.getstate() != numbers:
        random.setstate(numbers)
        raise Untraceable("the function draws from Python's random module", CURE)
    if not _same_state(np.random.get_state(), arrays):
        np.random.set_state(arrays)
        raise Untraceable("the function draws from numpy.random", CURE)


def _watch(frame: Any, event: str, arg: Any) -> None:
    if event == "call":
        if frame.f_code is LOG:
            while frame is not None and frame.f_code.co_filename == LOG.co_filename:
                frame = frame.f_back
            if frame is not None and is_users(frame.f_code.co_filename):
                raise Untraceable("the function has a side effect: it logs", CURE)
    elif event == "c_call":
        if isinstance(getattr(arg, "__self__", None), io.IOBase):
            effect: str | None = "it uses a file"
        else:
            try:
                effect = EFFECTS.get(arg)
            except TypeError:
                return
        if effect is not None and is_users(frame.f_code.co_filename) and not by_collector(frame):
            raise Untraceable(f"the function has a side effect: {effect}", CURE)


def by_collector(frame: Any) -> bool:
    """Whether the garbage collector called: it may do so at any time, and it is not the function that asked for it."""
    return any(getattr(callback, "__code__", None) is frame.f_code for callback in gc.callbacks)


def _same_state(a: Any, b: Any) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b))


__all__ = ["watched"]
