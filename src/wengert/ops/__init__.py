"""The operations: each module installs its functions and methods when imported."""

from . import elementwise, reduce, shape, create  # noqa: F401
from .install import FUNCTIONS

__all__ = ["FUNCTIONS"]
