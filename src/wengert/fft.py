"""torch.fft: the operations of the op table whose names begin with it."""

from __future__ import annotations

from .core.missing import missing
from .ops.install import namespace

globals().update(namespace("fft"))
__getattr__ = missing(__name__)
