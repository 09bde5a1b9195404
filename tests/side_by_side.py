"""Evaluates one expression with PyTorch and with this package and compares what it shows: value, dtype or error."""

from __future__ import annotations

import copy
import importlib
import math
import pickle
import re
import warnings
from typing import Any

import numpy as np


def lines_of(table: str) -> list[str]:
    """The expressions of a table, one a line."""
    return [line.strip() for line in table.splitlines() if line.strip()]


def shown(module: str, setup: str, expression: str) -> str:
    """What `expression` gives, as text: the repr and the dtype, or the error's type and first line."""
    torch = importlib.import_module(module)
    scope: dict[str, Any] = {"torch": torch, "np": np, "copy": copy, "pickle": pickle, "math": math}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(setup, scope)
        try:
            value = eval(expression, scope)
            text = f"{value!r} {getattr(value, 'dtype', '')}"
        except Exception as error:
            text = f"!! {type(error).__name__} {str(error).splitlines()[0] if str(error) else ''}"
    text = re.sub(r"0x[0-9a-f]+", "0x", text).replace("wengert", "torch")
    return " ".join(text.split())
