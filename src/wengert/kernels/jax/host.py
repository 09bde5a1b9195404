"""What a program under XLA cannot do itself: shapes that depend on values, and kernels that stay on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

Array = Any

#: names of the kernels that were sent to the host (NumPy, SciPy) in this process, so that a program can be explained
ON_HOST: set[str] = set()


class DataDependent(RuntimeError):
    """The shape of a result depends on the values of a tensor: XLA compiles programs of fixed shapes only."""

    def __init__(self, name: str, instead: str) -> None:
        self.name = name
        super().__init__(
            f"the shape of what {name} gives depends on values, which compile does not know when it compiles. {instead}"
        )


class MissingKernel(NotImplementedError, AttributeError):
    """No kernel of that name stands in this package. An AttributeError too, for `hasattr` and the import system."""


def on_host(name: str, kernel: Callable[..., Any], *arrays: Array, like: Any = None, **params: Any) -> Any:
    """`kernel(*arrays, **params)` of NumPy, called back from the compiled program.

    `like`: the result's shape and dtype (anything with both; a tuple for several results). Without it the kernel is
    run once on ones of the same shapes.
    """
    ON_HOST.add(name)
    if like is None:
        with np.errstate(all="ignore"):
            like = kernel(*[None if a is None else np.ones(a.shape, a.dtype) for a in arrays], **params)
    several = isinstance(like, (tuple, list))
    shapes = tuple(jax.ShapeDtypeStruct(np.shape(y), y.dtype) for y in (like if several else (like,)))
    present = [a is not None for a in arrays]

    def call(*given: Any) -> tuple[Any, ...]:
        rest = iter(given)
        with np.errstate(all="ignore"):
            y = kernel(*[np.asarray(next(rest)) if there else None for there in present], **params)
        return tuple(np.asarray(p, s.dtype) for p, s in zip(y if several else (y,), shapes, strict=True))

    found = jax.pure_callback(call, shapes, *[a for a in arrays if a is not None], vmap_method="sequential")
    return tuple(found) if several else found[0]


def on_host_pointwise(name: str, kernel: Callable[..., Any], *arrays: Array, **params: Any) -> Any:
    """`on_host` for a kernel that gives one element for each (broadcast) element of its arrays."""
    with np.errstate(all="ignore"):
        one = kernel(*[np.ones((1,) * a.ndim, a.dtype) for a in arrays], **params)
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    if isinstance(one, tuple):
        like: Any = tuple(jax.ShapeDtypeStruct(shape, p.dtype) for p in one)
    else:
        like = jax.ShapeDtypeStruct(shape, one.dtype)
    return on_host(name, kernel, *arrays, like=like, **params)
