"""Operands of a traced operation: what is known while tracing, JAX values, common dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core import promotion
from ..core.dispatch import run_kernel, run_promoted, run_upcast, scalar_array
from ..core.primitive import Primitive
from ..core.tensor import Tensor, as_array
from ..kernels import jax as kernels
from .arrays import TracedArray, constant

ndarray = np.ndarray
HALF = (np.dtype(np.float16), jnp.bfloat16.dtype)
#: arrays of at most this many elements that the function makes itself are computed with while it is traced
KNOWN = 4096

# ---------------------------------------------------------------- values


def value_of(d: Any) -> Any:
    """What JAX computes with in place of the data of a tensor, or of a number."""
    if d.__class__ is TracedArray:
        return d.value
    return constant(d) if d.__class__ is ndarray else d


def values_of(x: Any) -> Any:
    """The values of tensors, also of those in tuples; anything else as it is."""
    if isinstance(x, Tensor):
        return value_of(x._data)
    return tuple([values_of(p) for p in x]) if x.__class__ in (tuple, list) else x


def resolved(params: Any, dtype: Any = None) -> Any:
    """Parameters with the values of traced arrays (indices, masks) in their place; those of Python numbers in `dtype`."""
    kind = params.__class__
    if kind is TracedArray:
        return params.value.astype(dtype) if dtype is not None and params.buffer.number is not None else params.value
    if kind is dict:
        return {k: resolved(v, dtype) for k, v in params.items()}
    if kind is tuple or kind is list:
        return kind([resolved(v, dtype) for v in params])
    traced = isinstance(params, Tensor) and params._data.__class__ is TracedArray
    return resolved(params._data, dtype) if traced else params


# ---------------------------------------------------------------- what is known while tracing


def is_known(d: Any) -> bool:
    """Whether an operand is a number or a small array that the function itself made."""
    return d.__class__ is not TracedArray or (d.buffer.constant is not None and d.size <= KNOWN)


def traced_in(params: Any) -> bool:
    """Whether traced arrays stand among parameters."""
    if params.__class__ is dict:
        return any(traced_in(v) for v in params.values())
    if params.__class__ is tuple or params.__class__ is list:
        return any(traced_in(v) for v in params)
    return params.__class__ is TracedArray or isinstance(params, Tensor)


def folded(prim: Primitive, datas: Sequence[Any], params: dict[str, Any]) -> Any:
    """The result of an operation on what is known: computed now, by NumPy."""
    arrays = [d.meta if d.__class__ is TracedArray else d for d in datas]
    if prim.promote is not None:
        y = run_promoted(prim, arrays, params)
    elif prim.half == "upcast" and any(d.__class__ is ndarray and d.dtype in HALF for d in arrays):
        y = run_upcast(prim, arrays, params, None)
    else:
        y = run_kernel(prim, arrays, params)
    return as_array(y) if prim.n_outputs == 1 else tuple(as_array(p) for p in y)


# ---------------------------------------------------------------- dtypes


def computed(prim: Primitive, kernel: Any, values: list[Any], metas: list[Any], params: dict[str, Any]) -> Any:
    """What `kernel` gives for `values`, of the layouts `metas`, in the dtype that the eager operation computes in."""
    common: Any = None
    if prim.promote is not None:
        numeric = [x for x in metas if x is not None]
        common = promotion.result_dtype(numeric, prim.promote == "float").np
        values = [None if v is None else cast(v, common) for v in values]
    elif prim.half == "upcast":
        common = next((x.dtype for x in metas if getattr(x, "dtype", None) in HALF), None)
    if common in HALF and prim.half == "upcast":
        return rounded(kernel(*[upcast(v) for v in values], **params), common)
    return kernel(*values, **params)


def inexact_dtype(datas: Sequence[Any]) -> Any:
    """What an operation on these computes in: a number among its parameters takes that dtype."""
    for d in datas:
        if d.__class__ is TracedArray and d.buffer.number is None and d.dtype.kind in "fcV":
            return np.dtype(np.float32) if d.dtype in HALF else d.dtype
    return None


def cast(value: Any, dtype: Any) -> Any:
    """An operand brought to the common dtype."""
    if not hasattr(value, "dtype"):
        return jnp.asarray(scalar_array(value, dtype))
    return value if value.dtype == dtype else kernels.to_dtype(value, dtype)


def upcast(value: Any) -> Any:
    return value.astype(np.float32) if getattr(value, "dtype", None) in HALF else value


def rounded(y: Any, dtype: Any) -> Any:
    """Results in float32, brought back to the half precision that the operands had."""
    if y.__class__ is tuple or y.__class__ is list:
        return tuple(rounded(p, dtype) for p in y)
    return y.astype(dtype) if y.dtype == np.float32 else y


__all__ = ["computed", "folded", "inexact_dtype", "is_known", "resolved", "traced_in", "value_of", "values_of"]
