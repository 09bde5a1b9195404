"""The arithmetic of an optimiser step on NumPy arrays.

Every update rule of this package is written once against a handful of names (``add_``, ``lerp_``, ``addcmul_`` ...).
This module supplies those names for arrays; :mod:`.tensors` supplies them for Tensors. A name ending in an underscore
changes its first argument in place; the others return a new array. Scalars are Python floats or 0-d arrays of the
dtype at hand. The order of the arithmetic inside each name is PyTorch's, so that results agree to the last roundings.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_add, _sub, _mul, _div = np.add, np.subtract, np.multiply, np.true_divide

neg = np.negative
sqrt = np.sqrt
mul = np.multiply
div = np.true_divide
maximum = np.maximum
absolute = np.absolute
Array = Any


def detach(x: Array) -> Array:
    """``x``, which is in no graph."""
    return x


def sign(x: Array) -> Array:
    """-1, 0 or 1; 0 for NaN, as PyTorch has it."""
    return _sub(x > 0, x < 0, dtype=x.dtype)


def add(x: Array, y: Array, alpha: Any = 1) -> Array:
    """``x + alpha * y`` as a new array."""
    if type(alpha) is int:
        return _add(x, y) if alpha == 1 else _sub(x, y)
    t = _mul(y, alpha)
    return _add(x, t, t)


def shift(x: Array, c: Any) -> Array:
    """``x + c`` with a scalar, as a new array."""
    return _add(x, c)


def add_(x: Array, y: Array, alpha: Any = 1) -> Array:
    """``x += alpha * y``; the integers 1 and -1 cost no multiplication."""
    if type(alpha) is int:
        return _add(x, y, x) if alpha == 1 else _sub(x, y, x)
    return _add(x, _mul(y, alpha), x)


def mul_(x: Array, y: Any) -> Array:
    """``x *= y``."""
    return _mul(x, y, x)


def plus(x: Array, c: Any) -> Array:
    """``x + c``; may take the memory of ``x``, a temporary of the rule."""
    return _add(x, c, x)


def times(x: Array, c: Any) -> Array:
    """``x * c``; may take the memory of ``x``, a temporary of the rule."""
    return _mul(x, c, x)


def root(x: Array) -> Array:
    """``sqrt(x)``; may take the memory of ``x``, a temporary of the rule."""
    return np.sqrt(x, x)


def copy_(x: Array, y: Any) -> Array:
    """``x[...] = y``."""
    x[...] = y
    return x


def clamp_(x: Array, low: float, high: float) -> Array:
    """Clip ``x`` in place; NaN stays NaN."""
    np.maximum(x, low, out=x)
    return np.minimum(x, high, out=x)


def where(condition: Array, x: Any, y: Any) -> Array:
    """Elementwise choice; the result has the dtype of the array among ``x`` and ``y``."""
    return np.where(condition, x, y)


def lerp_(x: Array, y: Array, weight: Any) -> Array:
    """``x += weight * (y - x)``, or from the other end when the weight is above one half, as PyTorch does."""
    t = _sub(y, x)
    if weight < 0.5:
        return _add(x, _mul(t, weight, t), x)
    return _sub(y, _mul(t, 1 - weight, t), x)


def addcmul_(x: Array, a: Array, b: Array, value: Any = 1) -> Array:
    """``x += value * a * b``."""
    if type(value) is int:
        t = _mul(a, b)
        return _add(x, t, x) if value == 1 else _sub(x, t, x)
    t = _mul(a, value)
    return _add(x, _mul(t, b, t), x)


def addcdiv_(x: Array, a: Array, b: Array, value: Any = 1) -> Array:
    """``x += value * a / b``."""
    if type(value) is int:
        t = _div(a, b)
        return _add(x, t, x) if value == 1 else _sub(x, t, x)
    t = _mul(a, value)
    return _add(x, _div(t, b, t), x)
