"""Causal masks for query and key sequences of different lengths, as bool tensors: True takes part."""

from __future__ import annotations

from typing import Any

from ...core.dtypes import bool as bool_dtype
from .._functional.base import T

__all__ = ["causal_lower_right", "causal_upper_left"]


def causal_upper_left(*size: int) -> Any:
    """(L, S): query i sees the keys up to i."""
    return _band(size, 0)


def causal_lower_right(*size: int) -> Any:
    """(L, S): the last query sees all keys."""
    return _band(size, None)


def _band(size: tuple[int, ...], diagonal: int | None) -> Any:
    if len(size) != 2:
        raise AssertionError("causal_upper_left only supports 2D tensors")
    rows, cols = size
    return T.ones((rows, cols), dtype=bool_dtype).tril(cols - rows if diagonal is None else diagonal)
