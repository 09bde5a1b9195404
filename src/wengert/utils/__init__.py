"""Helpers around training: ``utils.data``, ``utils.checkpoint`` ... Each is imported when it is first used."""

from __future__ import annotations

import os

from ..core.missing import missing

__getattr__ = missing(
    __name__,
    lazy=[entry.partition(".")[0] for entry in os.listdir(os.path.dirname(__file__)) if not entry.startswith("_")],
)
