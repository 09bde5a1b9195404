"""Dropout and its relatives. The noise is drawn as PyTorch draws it, so equal seeds drop equal elements."""

from __future__ import annotations

import math
from typing import Any

from ...core.errors import warn
from .base import T, need_tensor

# The constants of SELU: what a dropped element becomes under alpha dropout is -scale * alpha.
_ALPHA = 1.7580993408473766


def _check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _apply(input: Any, p: float, training: bool, inplace: bool, feature: bool, alpha: bool) -> Any:
    if p == 0 or not training or input.numel() == 0:
        return input
    if p == 1:
        zeros = T.zeros((), dtype=input.dtype, device=input.device)
        return input.mul_(zeros) if inplace else input.mul(zeros)
    if feature:
        if input.dim() < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        noise = input.new_empty((*input.shape[:2], *([1] * (input.dim() - 2))))
    else:
        noise = T.empty_like(input)
    noise.bernoulli_(1 - p)
    if alpha:
        a = 1.0 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
        shift = noise.sub(1).mul_(_ALPHA * a).add_(_ALPHA * a * p)
        noise.mul_(a)
        return input.mul_(noise).add_(shift) if inplace else input.mul(noise).add(shift)
    noise.div_(1 - p)
    return input.mul_(noise) if inplace else input.mul(noise)


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero each element with probability `p` and divide the others by `1 - p`."""
    _check(p)
    need_tensor(input, "dropout")
    return _apply(input, p, training, inplace, False, False)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that keeps mean and variance of SELU activations."""
    _check(p)
    need_tensor(input, "alpha_dropout")
    return _apply(input, p, training, inplace, False, True)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Alpha dropout of whole channels."""
    _check(p)
    need_tensor(input, "feature_alpha_dropout")
    return _apply(input, p, training, inplace, True, True)


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero whole channels of (N, C, L) or (C, L)."""
    _check(p)
    dims = input.dim()
    if dims not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {dims}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension (i.e. 2D or 3D inputs)."
        )
    return _channels(input, dims == 2, p, training, inplace)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero whole channels of (N, C, H, W); 3-D input counts as (N, C, L)."""
    _check(p)
    dims = input.dim()
    if dims not in (3, 4):
        warn(
            f"dropout2d: Received a {dims}-D input to dropout2d, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            "dropout2d exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 3D or 4D inputs)."
        )
    if dims == 3:
        warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is "
            "desired - input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change "
            "in a future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To "
            "maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead."
        )
    return _apply(input, p, training, inplace, True, False)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    _check(p)
    dims = input.dim()
    if dims not in (4, 5):
        warn(
            f"dropout3d: Received a {dims}-D input to dropout3d, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            "dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 4D or 5D inputs)."
        )
    return _channels(input, dims == 4, p, training, inplace)


def _channels(input: Any, unbatched: bool, p: float, training: bool, inplace: bool) -> Any:
    """Channel dropout; a batch dim is added and taken away where it is absent."""
    if not unbatched:
        return _apply(input, p, training, inplace, True, False)
    if inplace:
        out = _apply(input.unsqueeze_(0), p, training, True, True, False)
        return out.squeeze_(0)
    return _apply(input.unsqueeze(0), p, training, False, True, False).squeeze(0)
