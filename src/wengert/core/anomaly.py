"""Anomaly detection: remember where a node was made; stop at the first nan; name the line of the forward."""

from __future__ import annotations

import traceback
import warnings
from typing import Any

import numpy as np

from .graph import Node


def note_origin(node: Node) -> None:
    """Keep the stack that made this node."""
    node._trace = traceback.format_stack()[:-3]  # type: ignore[attr-defined]


def report(node: Node) -> None:
    """Warn with the forward's stack of a node whose backward failed."""
    from .errors import warn

    name = type(node).__name__
    trace = getattr(node, "_trace", None)
    if trace is None:
        warn(
            f"Error detected in {name}. No forward pass information available. Enable detect anomaly during forward pass "
            "for more information."
        )
        return
    warn(f"Error detected in {name}. Traceback of forward call that caused the error:\n{''.join(trace)}")


def checked_propagate(node: Node, g: Any, raw: bool, xp: Any, check_nan: bool) -> Any:
    """`node.propagate`, with the report on an error and the check for nan."""
    try:
        gs = node.propagate(g, raw, xp)
    except Exception:
        report(node)
        raise
    if check_nan:
        for i, gi in enumerate(gs):
            if gi is not None and _has_nan(gi):
                report(node)
                raise RuntimeError(f"Function '{type(node).__name__}' returned nan values in its {i}th output.")
    return gs


def _has_nan(g: Any) -> bool:
    data = getattr(g, "values", None) if not hasattr(g, "ndim") else g
    while hasattr(data, "_data"):
        data = data._data
    return data is not None and bool(np.isnan(data).any())


__all__ = ["checked_propagate", "note_origin", "report", "warnings"]
