"""Anomaly detection: remember where a node was made; stop at the first nan; name the line of the forward."""

from __future__ import annotations

import traceback
import warnings
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import line_of, user_frame
from .graph import InferenceVersion, Node, Version
from .tensor import share_version

if TYPE_CHECKING:
    from .tensor import Tensor


def note_origin(node: Node) -> None:
    """Keep the stack that made this node, and the user's line in it."""
    node._trace = traceback.format_stack()[:-3]  # type: ignore[attr-defined]
    frame = user_frame()
    if frame is not None:
        node._line = frame.f_code, frame.f_lineno  # type: ignore[attr-defined]


#: under anomaly detection: by `id` of a counter, the counter and the lines that changed its memory, by count. The latest
#: ones only: what this is for is an error soon after.
_changes: dict[int, tuple[Version, dict[int, tuple[CodeType, int]]]] = {}
_CHANGES_KEPT = 4096


def note_change(t: Tensor) -> None:
    """Keep the user's line that is about to change `t` in place."""
    version = share_version(t)
    frame = user_frame()
    if frame is None or version.__class__ is InferenceVersion:
        return
    known = _changes.pop(id(version), None)
    lines = known[1] if known is not None and known[0] is version else {}
    lines[version.n] = frame.f_code, frame.f_lineno
    _changes[id(version)] = version, lines
    if len(_changes) > _CHANGES_KEPT:
        _changes.pop(next(iter(_changes)), None)


def changes_since(version: Any, n: int) -> list[str]:
    """The lines that are known to have changed the memory of a counter after its count was `n`."""
    known = _changes.get(id(version))
    if known is None or known[0] is not version:
        return []
    return [line_of(*line) for at, line in known[1].items() if at >= n]


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
