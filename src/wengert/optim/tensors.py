"""The arithmetic of an optimiser step on Tensors: the names of :mod:`.arrays`, for what is not a plain array.

Used for ``differentiable=True`` (the step is recorded and can be differentiated), for half precision, for arrays on
other devices and for tracers. Scalars may be Tensors, which may require a gradient.
"""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor

Array = Any


def neg(x: Tensor) -> Tensor:
    """``-x``."""
    return x.neg()


def sqrt(x: Tensor) -> Tensor:
    """Elementwise square root."""
    return x.sqrt()


def detach(x: Tensor) -> Tensor:
    """``x`` outside the graph."""
    return x.detach()


def sign(x: Tensor) -> Tensor:
    """Elementwise sign."""
    return x.sign()


def mul(x: Tensor, y: Any) -> Tensor:
    """``x * y``."""
    return x * y


def div(x: Tensor, y: Any) -> Tensor:
    """``x / y``."""
    return x / y


def maximum(x: Tensor, y: Tensor) -> Tensor:
    """Elementwise maximum."""
    return x.maximum(y)


def absolute(x: Tensor) -> Tensor:
    """Elementwise absolute value."""
    return x.abs()


def add(x: Tensor, y: Any, alpha: Any = 1) -> Tensor:
    """``x + alpha * y``."""
    if isinstance(alpha, Tensor) or not isinstance(y, Tensor):
        return x + (y if type(alpha) is int and alpha == 1 else alpha * y)
    return x.add(y, alpha=alpha)


def shift(x: Tensor, c: Any) -> Tensor:
    """``x + c`` with a scalar."""
    return x + c


def add_(x: Tensor, y: Any, alpha: Any = 1) -> Tensor:
    """``x += alpha * y``."""
    if isinstance(alpha, Tensor) or not isinstance(y, Tensor):
        return x.add_(y if type(alpha) is int and alpha == 1 else alpha * y)
    return x.add_(y, alpha=alpha)


def mul_(x: Tensor, y: Any) -> Tensor:
    """``x *= y``."""
    return x.mul_(y)


def plus(x: Tensor, c: Any) -> Tensor:
    """``x + c``."""
    return x + c


def times(x: Tensor, c: Any) -> Tensor:
    """``x * c``."""
    return x * c


def root(x: Tensor) -> Tensor:
    """``sqrt(x)``."""
    return x.sqrt()


def copy_(x: Tensor, y: Tensor) -> Tensor:
    """Copy ``y`` into ``x``."""
    return x.copy_(y)


def clamp_(x: Tensor, low: float, high: float) -> Tensor:
    """Clip ``x`` in place."""
    return x.clamp_(low, high)


def where(condition: Tensor, x: Any, y: Any) -> Tensor:
    """Elementwise choice; a Python scalar takes the dtype of the tensor beside it."""
    if isinstance(y, Tensor):
        return y.where(~condition, x)
    return x.where(condition, y)


def lerp_(x: Tensor, y: Tensor, weight: Any) -> Tensor:
    """``x += weight * (y - x)``."""
    return x.lerp_(y, weight.to(x.dtype) if isinstance(weight, Tensor) else weight)


def addcmul_(x: Tensor, a: Tensor, b: Tensor, value: Any = 1) -> Tensor:
    """``x += value * a * b``."""
    if isinstance(value, Tensor):
        return x.add_(value * a * b)
    return x.addcmul_(a, b, value=value)


def addcdiv_(x: Tensor, a: Tensor, b: Tensor, value: Any = 1) -> Tensor:
    """``x += value * a / b``."""
    if isinstance(value, Tensor):
        return x.add_(value * a / b)
    return x.addcdiv_(a, b, value=value)
