"""The operations: each module of this folder installs its functions and methods when it is imported."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from .install import FUNCTIONS

#: what others look up by name while they are being imported
_FIRST = (
    "elementwise", "reduce", "create", "attributes", "convert", "shape", "join", "compare", "select", "rounding",
    "complex", "fill", "index", "scatter", "masked", "along", "extrema", "scan", "stats", "norm", "softmax",
)  # fmt: skip
for _name in dict.fromkeys((*_FIRST, *sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))):
    import_module(f"{__name__}.{_name}")

__all__ = ["FUNCTIONS"]
