"""The operations: each module installs its functions and methods when imported."""

from . import elementwise, reduce, create  # noqa: F401
from . import attributes, convert, shape, join  # noqa: F401
from . import compare  # noqa: F401
from . import select  # noqa: F401
from . import rounding  # noqa: F401
from . import complex  # noqa: F401
from . import fill  # noqa: F401
from . import along, extrema  # noqa: F401
from . import scan  # noqa: F401
from . import stats, norm, softmax  # noqa: F401
from . import sort  # noqa: F401
from . import matmul, linear  # noqa: F401
from . import activation, loss_regression, loss_classification  # noqa: F401
from . import graph  # noqa: F401
from . import random, random_draws, random_inplace  # noqa: F401
from .install import FUNCTIONS

__all__ = ["FUNCTIONS"]
