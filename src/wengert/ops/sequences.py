"""Numbers in a row: arange, range, linspace, logspace."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.errors import warn_once
from ..core.inplace import write_out
from ..core.tensor import Tensor, wrap
from ..kernels import ramps
from .create import BOOL, INT64, chosen_dtype, finish, number_value
from .install import public


@public(method=False)
def arange(
    *args: Any, start: Any = 0, end: Any = None, step: Any = 1, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers from `start` (0) up to but without `end` by `step` (1). int64 if all three are integers."""
    given = [number_value(a, "arange", ("start", "end", "step")[i], i + 1) for i, a in enumerate(args)]
    if len(given) == 1:
        if end is None:
            end = given[0]
        else:
            start = given[0]
    elif len(given) == 2:
        start, end = given
    elif len(given) == 3:
        start, end, step = given
    if end is None or len(given) > 3:
        got = ", ".join(type(a).__name__ for a in args)
        raise TypeError(f"arange() received an invalid combination of arguments - got ({got})")
    start, end, step = (number_value(v, "arange", n, 1) for v, n in ((start, "start"), (end, "end"), (step, "step")))
    kind = chosen_dtype(dtype, "arange")
    if kind is None:
        if out is not None:
            kind = out.dtype
        elif any(isinstance(v, float) for v in (start, end, step)):
            kind = dtypes.get_default_dtype()
        else:
            kind = INT64
    data = arange_data(start, end, step, kind)
    if out is not None:
        return write_out(out, wrap(data), "arange")
    return finish(data, "arange", device, requires_grad, layout, pin_memory)


def arange_data(start: Any, end: Any, step: Any, kind: Any) -> Any:
    """The numbers, after PyTorch's checks."""
    if kind is BOOL:
        raise NotImplementedError("\"arange_cpu\" not implemented for 'Bool'")
    if kind.is_complex:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{kind.scalar_name}'")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if kind is INT64:
        if not int(step):
            raise ValueError("step must be nonzero")
        return np.arange(int(start), int(end), int(step), np.int64)
    n = math.ceil((end - start) / step)
    if kind.category == dtypes.INTEGRAL:  # so many elements as the floats say, of the integers that they are cut to
        return (int(start) + np.arange(n) * int(step)).astype(kind.np)
    return ramps.arange(start, step, n, kind.np)


@public(name="range", method=False)
def range_with_end(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """As `arange` with the end included, in the default dtype. Deprecated by PyTorch."""
    warn_once(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end)."
    )
    if end is None:
        start, end = 0, start
    kind = chosen_dtype(dtype, "range") or dtypes.get_default_dtype()
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    n = int((end - start) / step) + 1
    data = (start + np.arange(n) * step).astype(kind.np)
    if out is not None:
        return write_out(out, wrap(data), "range")
    return finish(data, "range", device, requires_grad, layout, pin_memory)


def _steps(steps: Any, name: str) -> int:
    if not hasattr(steps, "__index__"):
        raise TypeError(f"{name}(): argument 'steps' (position 3) must be int, not {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return int(steps.__index__())


def _between(start: Any, end: Any, dtype: Any, out: Any, name: str) -> tuple[Any, Any, Any]:
    """Both ends as numbers, and the dtype."""
    for label, v in (("start", start), ("end", end)):
        if isinstance(v, Tensor) and v.ndim:
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got {label} with {v.ndim} dimension(s)."
            )
    a, b = (v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (start, end))  # type: ignore[attr-defined]
    kind = chosen_dtype(dtype, name)
    is_complex = isinstance(a, complex) or isinstance(b, complex)
    if kind is None:
        if out is not None:
            kind = out.dtype
        else:
            kind = dtypes.get_default_complex_dtype() if is_complex else dtypes.get_default_dtype()
    if is_complex and not kind.is_complex:
        default = dtypes.get_default_complex_dtype()
        raise RuntimeError(
            f"torch.{name}(): inferred dtype {default.scalar_name} can't be safely cast to passed dtype "
            f"{kind.scalar_name}"
        )
    return a, b, kind


@public(method=False)
def linspace(
    start: Any, end: Any, steps: Any, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` numbers, evenly spaced, from `start` to `end`, both included."""
    n = _steps(steps, "linspace")
    a, b, kind = _between(start, end, dtype, out, "linspace")
    data = ramps.linspace(a, b, n, kind.np)
    if out is not None:
        return write_out(out, wrap(data), "linspace")
    return finish(data, "linspace", device, requires_grad, layout, pin_memory)


@public(method=False)
def logspace(
    start: Any, end: Any, steps: Any, base: float = 10.0, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """base ** linspace(start, end, steps)."""
    n = _steps(steps, "logspace")
    a, b, kind = _between(start, end, dtype, out, "logspace")
    data = ramps.logspace(a, b, n, base, kind.np)
    if out is not None:
        return write_out(out, wrap(data), "logspace")
    return finish(data, "logspace", device, requires_grad, layout, pin_memory)
