"""Random draws: the generator of this package stays on the host, and is asked in the order of the program.

So a compiled step draws the numbers that it would draw uncompiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import io_callback

from .. import numpy as on_numpy
from .host import ON_HOST

Array = Any


def drawing(name: str) -> Callable[..., Any]:
    """The kernel `name` of NumPy, called once in each run, in order. Its result has the broadcast shape of its arrays."""

    def kernel(*arrays: Array, **params: Any) -> Array:
        ON_HOST.add(name)
        draw = getattr(on_numpy, name)
        shape = np.broadcast_shapes(*[a.shape for a in arrays])
        dtype = arrays[0].dtype
        if name == "multinomial":
            shape, dtype = (*shape[:-1], params["count"]), np.dtype(np.int64)
        if "dtype" in params:
            dtype = params["dtype"].np

        def call(*given: Any) -> Any:
            return np.asarray(draw(*[np.asarray(a) for a in given], **params), dtype)

        return io_callback(call, jax.ShapeDtypeStruct(shape, dtype), *arrays, ordered=True)

    kernel.__name__ = name
    return kernel


normal_mean, normal_std, normal_both = drawing("normal_mean"), drawing("normal_std"), drawing("normal_both")
bernoulli, bernoulli_p, bernoulli_as = drawing("bernoulli"), drawing("bernoulli_p"), drawing("bernoulli_as")
multinomial, poisson, binomial = drawing("multinomial"), drawing("poisson"), drawing("binomial")
standard_gamma, sample_dirichlet = drawing("standard_gamma"), drawing("_sample_dirichlet")
rrelu_noise = drawing("rrelu_noise")
