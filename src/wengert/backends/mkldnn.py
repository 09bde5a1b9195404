"""torch.backends.mkldnn: not available, NumPy's BLAS does the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["flags", "is_acl_available", "is_available", "set_flags"]

VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = 0, 1, 2
enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"


def is_available() -> bool:
    """False."""
    return False


def is_acl_available() -> bool:
    """False."""
    return False


_NAMES = ("enabled", "deterministic", "allow_tf32", "fp32_precision")


def set_flags(
    _enabled: bool | None = None, _deterministic: bool | None = None, _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[Any, ...]:  # fmt: skip
    """Set what is not None; returns what was set before."""
    here = globals()
    before = tuple(here[name] for name in _NAMES)
    for name, value in zip(_NAMES, (_enabled, _deterministic, _allow_tf32, _fp32_precision), strict=True):
        if value is not None:
            here[name] = value
    return before


@contextmanager
def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True, fp32_precision: str = "none"
) -> Iterator[None]:
    """Context: these settings."""
    before = set_flags(enabled, deterministic, allow_tf32, fp32_precision)
    try:
        yield
    finally:
        globals().update(zip(_NAMES, before, strict=True))


class verbose:
    """Context without effect: there is nothing to be verbose."""

    def __init__(self, level: int) -> None:
        self.level = level

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        pass
