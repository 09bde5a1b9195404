"""Versions, as programs ask for them."""

from __future__ import annotations

from . import __version__

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "xpu"]
debug = False
cuda = None
hip = None
xpu = None
git_version = "unknown"
