"""Folding a batch normalisation into the layer before it, for evaluation."""

from __future__ import annotations

import copy
from typing import Any

from ...core import modes
from .._functional.base import T
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _scale(bn_rv: Any, bn_eps: float, bn_w: Any) -> Any:
    scale = T.rsqrt(bn_rv + bn_eps)
    return scale if bn_w is None else bn_w * scale


def _fused_bias(bias: Any, mean: Any, scale: Any, bn_b: Any) -> Any:
    start = T.zeros_like(mean) if bias is None else bias
    fused = (start - mean) * scale
    return fused if bn_b is None else fused + bn_b


def _both_eval(first: Any, bn: Any) -> None:
    if first.training or bn.training:
        raise AssertionError("Fusion only for eval!")


def fuse_conv_bn_weights(
    conv_w: Any,
    conv_b: Any,
    bn_rm: Any,
    bn_rv: Any,
    bn_eps: float,
    bn_w: Any,
    bn_b: Any,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """(weight, bias) of the convolution that does the work of both."""
    with modes.no_grad():
        scale = _scale(bn_rv, bn_eps, bn_w)
        shape = [1, -1] if transpose else [-1, 1]
        weight = (conv_w * scale.reshape(shape + [1] * (len(conv_w.shape) - 2))).to(conv_w.dtype)
        bias = _fused_bias(conv_b, bn_rm, scale, bn_b).to(conv_w.dtype)
    return (
        Parameter(weight, conv_w.requires_grad),
        Parameter(bias, conv_w.requires_grad if conv_b is None else conv_b.requires_grad),
    )


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of `conv` with `bn` folded in; both must be in evaluation mode."""
    _both_eval(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """(weight, bias) of the linear layer that does the work of both."""
    with modes.no_grad():
        scale = _scale(bn_rv, bn_eps, bn_w)
        weight = (linear_w * scale.unsqueeze(-1)).to(linear_w.dtype)
        bias = _fused_bias(linear_b, bn_rm, scale, bn_b).to(linear_w.dtype)
    return (
        Parameter(weight, linear_w.requires_grad),
        Parameter(bias, linear_w.requires_grad if linear_b is None else linear_b.requires_grad),
    )


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of `linear` with `bn` folded in; both must be in evaluation mode."""
    _both_eval(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused
