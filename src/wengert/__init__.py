"""wengert: PyTorch's autograd, whole, on NumPy. `import wengert as torch`."""

from __future__ import annotations

import warnings as _warnings

# PyTorch gives no floating-point warnings; NumPy's would be credited to our lines.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"wengert\.")

from . import ops as _ops  # noqa: E402
from .core.dtypes import *  # noqa: E402,F403
from .core.modes import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: E402
from .core.tensor import Tensor  # noqa: E402

globals().update(_ops.FUNCTIONS)
