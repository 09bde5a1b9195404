"""The kernels on JAX arrays and tracers: the names, parameters, shapes and dtypes of `wengert.kernels.numpy`.

`compile` runs a whole training step through them under `jax.jit`, with 64-bit types enabled, so that forward, the
tape's backward and the optimiser become one XLA program. What differs from the NumPy kernels:

- no memory layout: views are plain values, and there is no `out=`;
- indices out of range are not found out: NumPy's kernels look at the values, tracers have none;
- a result whose shape depends on values raises `DataDependent`;
- what XLA has not is called back on the host (`ON_HOST` lists the names used so far).
"""

from __future__ import annotations

from typing import Any

# one line a family
from .activation import *
from .arrange import *
from .compare import *
from .convolution import *
from .creation import *
from .ctc import *
from .decompositions import *
from .distance import *
from .draws import *
from .draws import sample_dirichlet as _sample_dirichlet
from .embedding import *
from .extrema import *
from .fft import *
from .fused import *
from .gradients import *
from .host import ON_HOST, DataDependent, MissingKernel, on_host
from .indexing import *
from .losses import *
from .normalize import *
from .pointwise import *
from .polynomials import *
from .pooling import *
from .products import *
from .recurrent import *
from .reduce import *
from .resample import *
from .rounding import *
from .sampling import *
from .scan import *
from .scatter import *
from .search import *
from .shapes import *
from .slicing import *
from .softmax import *
from .solve import *
from .special import *
from .special import dirichlet_grad as _dirichlet_grad
from .writing import *


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingKernel(f"compile has no kernel for {name}")


__all__ = ["ON_HOST", "DataDependent", "MissingKernel", "on_host"]
