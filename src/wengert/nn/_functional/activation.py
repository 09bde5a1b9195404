"""Activation functions."""

from __future__ import annotations

from typing import Any

from ...core.errors import warn
from ...ops.elementwise import relu as _relu
from .base import T


def relu(input: Any, inplace: bool = False) -> Any:
    """`max(x, 0)`."""
    return input.relu_() if inplace else _relu(input)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """`x` where `x > threshold`, else `value`."""
    return T.threshold_(input, threshold, value) if inplace else T.threshold(input, threshold, value)


def relu6(input: Any, inplace: bool = False) -> Any:
    """`min(max(x, 0), 6)`."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """`x` clamped to [min_val, max_val]."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return T.hardtanh_(input, min_val, max_val) if inplace else T.hardtanh(input, min_val, max_val)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """`x` where positive, else `alpha * (exp(x) - 1)`."""
    return T.elu_(input, alpha) if inplace else T.elu(input, alpha)


def selu(input: Any, inplace: bool = False) -> Any:
    """The scaled ELU of self-normalising networks."""
    return T.selu_(input) if inplace else T.selu(input)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """`x` where positive, else `alpha * (exp(x / alpha) - 1)`."""
    return T.celu_(input, alpha) if inplace else T.celu(input, alpha)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """`x` where positive, else `negative_slope * x`."""
    return T.leaky_relu_(input, negative_slope) if inplace else T.leaky_relu(input, negative_slope)


def rrelu(
    input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Any:
    """Leaky ReLU whose slope is drawn from [lower, upper) in training, their mean otherwise."""
    return T.rrelu_(input, lower, upper, training) if inplace else T.rrelu(input, lower, upper, training)


def glu(input: Any, dim: int = -1) -> Any:
    """The first half along `dim` times the sigmoid of the second."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return T.glu(input, dim)


def tanhshrink(input: Any) -> Any:
    """`x - tanh(x)`."""
    return input - input.tanh()


def softsign(input: Any) -> Any:
    """`x / (1 + |x|)`."""
    return input / (input.abs() + 1)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return input.tanh()


def sigmoid(input: Any) -> Any:
    """`1 / (1 + exp(-x))`."""
    return input.sigmoid()


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """`relu6(x + 3) / 6`."""
    return T.hardsigmoid_(input) if inplace else T.hardsigmoid(input)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """`x * relu6(x + 3) / 6`."""
    return T.hardswish_(input) if inplace else T.hardswish(input)


def silu(input: Any, inplace: bool = False) -> Any:
    """`x * sigmoid(x)`."""
    return T.silu_(input) if inplace else T.silu(input)


def mish(input: Any, inplace: bool = False) -> Any:
    """`x * tanh(softplus(x))`."""
    return T.mish_(input) if inplace else T.mish(input)


def _get_softmax_dim(name: str, ndim: int, stacklevel: int = 3) -> int:
    """The dim that PyTorch picks when none is given, with its warning."""
    warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument."
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """The softmax of `-x`."""
    if dim is None:
        dim = _get_softmax_dim("softmin", input.dim())
    return (-input).softmax(dim) if dtype is None else (-input).softmax(dim, dtype=dtype)


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """`exp(x)` divided by its sum over `dim`."""
    if dim is None:
        dim = _get_softmax_dim("softmax", input.dim())
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """The logarithm of the softmax."""
    if dim is None:
        dim = _get_softmax_dim("log_softmax", input.dim())
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A sample from the Gumbel-softmax distribution; `hard` makes it one-hot with the soft sample's gradient."""
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    gumbels = -T.empty_like(logits).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = T.zeros_like(logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft

