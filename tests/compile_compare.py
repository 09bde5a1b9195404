"""Runs a program eagerly and compiled, and compares what it gives."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as torch


def plain(x: Any) -> Any:
    """Values that compare with ==, to five digits."""
    if isinstance(x, torch.Tensor):
        return str(x.dtype), np.round(x.detach().double().numpy(), 5).tolist(), x.requires_grad
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return [plain(v) for v in x] if isinstance(x, (list, tuple)) else x


def agrees(program: Callable[[Any], Any], whole: bool = False) -> None:
    """`program(compile)` gives the same with and without compiling. `whole`: it may not run eagerly after a warning."""
    found = []
    for compile in (lambda fn: fn, functools.partial(torch.compile, fullgraph=whole)):
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="torch.compile")
            found.append(plain(program(compile)))
    assert found[0] == found[1]
