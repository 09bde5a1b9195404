"""Runs a program eagerly and compiled, and compares what it gives."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as torch


def plain(x: Any) -> Any:
    """Tensors as arrays, with what else can be seen of them."""
    if isinstance(x, torch.Tensor):
        return x.detach().double().numpy().copy(), str(x.dtype), x.requires_grad
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return [plain(v) for v in x] if isinstance(x, (list, tuple)) else x


def same(a: Any, b: Any) -> None:
    """Equal, where arrays and floats may differ in the fifth digit."""
    if isinstance(a, np.ndarray | float):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for k in a:
            same(a[k], b[k])
    else:
        assert a == b


def agrees(program: Callable[[Any], Any], whole: bool = False) -> None:
    """`program(compile)` gives the same with and without compiling. `whole`: it may not run eagerly after a warning."""
    found = []
    for compile in (lambda fn: fn, functools.partial(torch.compile, fullgraph=whole)):
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="torch.compile")
            found.append(plain(program(compile)))
    same(*found)
