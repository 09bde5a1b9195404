"""Views replayed, and values written through them: what in-place operations on views become.

A chain is a tuple of steps `(primitive, parameters)` or `(primitive, parameters, number of the output)`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .shapes import view_as_complex, view_as_real
from .slicing import put_slice, select_scatter, slice_scatter

Array = Any

__all__ = ["replay", "write"]


def follow(x: Array, step: tuple[Any, ...]) -> Array:
    """The view that one step gives."""
    kernels = importlib.import_module(__package__)
    x = getattr(kernels, step[0].name)(x, **step[1])
    return x[step[2]] if len(step) == 3 else x


def replay(x: Array, *, chain: tuple[Any, ...]) -> Array:
    """Apply a chain of view operations."""
    for step in chain:
        x = follow(x, step)
    return x


def write(x: Array, y: Array, *, chain: tuple[Any, ...]) -> Array:
    """x, but the view at `chain` holds `y`."""
    views = [x]
    for step in chain[:-1]:
        views.append(follow(views[-1], step))
    y = jnp.asarray(y)
    for i, (step, seen) in enumerate(zip(reversed(chain), reversed(views), strict=True)):
        if not i:
            last = jax.eval_shape(lambda v: follow(v, chain[-1]), seen)
            y = jnp.broadcast_to(y, last.shape).astype(last.dtype)
        put = PUT.get(step[0].name, put_anywhere)
        y = put(seen, y, step)
    return y


# ---------------------------------------------------------------- x, but the view that one step gives holds y


def put_reshaped(x: Array, y: Array, step: Any) -> Array:
    return y.reshape(x.shape)


def put_permuted(x: Array, y: Array, step: Any) -> Array:
    return jnp.transpose(y, np.argsort([d % x.ndim for d in step[1]["dims"]]))


def put_transposed(x: Array, y: Array, step: Any) -> Array:
    return jnp.swapaxes(y, step[1]["dim0"], step[1]["dim1"]) if x.ndim else y


def put_selected(x: Array, y: Array, step: Any) -> Array:
    return select_scatter(x, y, **step[1])


def put_sliced(x: Array, y: Array, step: Any) -> Array:
    return slice_scatter(x, y, **step[1])


def put_split(x: Array, y: Array, step: Any) -> Array:
    sizes, dim = step[1]["sizes"], step[1]["dim"]
    return put_slice(x, y, dim % x.ndim, sum(sizes[: step[2]]), 1)


def put_unbound(x: Array, y: Array, step: Any) -> Array:
    return select_scatter(x, y, dim=step[1]["dim"], index=step[2])


def put_real(x: Array, y: Array, step: Any) -> Array:
    return jax.lax.complex(y, x.imag) if x.dtype.kind == "c" else y


def put_imaginary(x: Array, y: Array, step: Any) -> Array:
    return jax.lax.complex(x.real, y)


def put_anywhere(x: Array, y: Array, step: Any) -> Array:
    """By the numbers of the elements that the view shows; -1 where it shows none of x."""
    with jax.ensure_compile_time_eval():
        numbers = np.asarray(follow(jnp.arange(1, x.size + 1).reshape(x.shape), step)) - 1
    at = np.where(numbers < 0, x.size, numbers).reshape(-1)
    return x.reshape(-1).at[at].set(y.reshape(-1), mode="drop").reshape(x.shape)


PUT: dict[str, Callable[[Array, Array, Any], Array]] = {
    "alias": lambda x, y, step: y,
    "imag": put_imaginary,
    "permute": put_permuted,
    "real": put_real,
    "select": put_selected,
    "slice": put_sliced,
    "split": put_split,
    "squeeze": put_reshaped,
    "t": lambda x, y, step: y.T,
    "transpose": put_transposed,
    "unbind": put_unbound,
    "unsqueeze": put_reshaped,
    "view": put_reshaped,
    "view_as_complex": lambda x, y, step: view_as_real(y),
    "view_as_real": lambda x, y, step: view_as_complex(y),
}
