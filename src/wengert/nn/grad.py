"""The gradients of convolutions as functions: with respect to the input, and to the weight."""

from __future__ import annotations

from typing import Any

from ..core import modes
from . import functional as F
from ._functional.base import T

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _gradient(conv: Any, x: Any, w: Any, wanted: Any, grad_output: Any, *options: Any) -> Any:
    from ..autograd import grad

    with modes.enable_grad():
        wanted.requires_grad_()
        out = conv(x, w, None, *options)
    return grad(out, wanted, grad_output)[0]


def _of_input(conv: Any, input_size: Any, weight: Any, grad_output: Any, *options: Any) -> Any:
    x = T.zeros(tuple(input_size), dtype=grad_output.dtype, device=grad_output.device)
    return _gradient(conv, x, weight.detach(), x, grad_output.detach(), *options)


def _of_weight(conv: Any, input: Any, weight_size: Any, grad_output: Any, *options: Any) -> Any:
    w = T.zeros(tuple(weight_size), dtype=grad_output.dtype, device=grad_output.device)
    return _gradient(conv, input.detach(), w, w, grad_output.detach(), *options)


def conv1d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of `conv1d` for its input, which has `input_size`."""
    return _of_input(F.conv1d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of `conv1d` for its weight, which has `weight_size`."""
    return _of_weight(F.conv1d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of `conv2d` for its input, which has `input_size`."""
    return _of_input(F.conv2d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of `conv2d` for its weight, which has `weight_size`."""
    return _of_weight(F.conv2d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of `conv3d` for its input, which has `input_size`."""
    return _of_input(F.conv3d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of `conv3d` for its weight, which has `weight_size`."""
    return _of_weight(F.conv3d, input, weight_size, grad_output, stride, padding, dilation, groups)
