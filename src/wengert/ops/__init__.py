"""The operations: each module installs its functions and methods when imported."""

from . import elementwise, reduce, shape, create  # noqa: F401
from . import compare  # noqa: F401
from . import select  # noqa: F401
from . import rounding  # noqa: F401
from . import complex  # noqa: F401
from . import fill  # noqa: F401
from . import matmul, linear  # noqa: F401
from . import graph  # noqa: F401
from .install import FUNCTIONS

__all__ = ["FUNCTIONS"]
