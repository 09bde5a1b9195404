"""Hinge losses between classes."""

from __future__ import annotations

from typing import Any

from ...core.dtypes import int64
from ..reduction import legacy_get_string
from .base import T
from .loss import reduced


def _hinge(z: Any) -> Any:
    """`max(0, z)` with gradient 0 at 0."""
    return T.where(z > 0, z, T.zeros_like(z))


def _matrix(input: Any) -> Any:
    """(N, C) of (N, C), (C) or a scalar."""
    if input.dim() > 2 or (input.dim() > 0 and 0 in input.shape[1:]):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    return input if input.dim() == 2 else input.reshape(1, -1)


def _long(target: Any) -> None:
    if target.dtype != int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.scalar_name}")


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`weight[y] * sum(max(0, margin - x[y] + x[i])**p) / C` over the wrong classes i of (N, C) or (C); reduced."""
    if size_average is not None or reduce is not None:
        reduction = legacy_get_string(size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    x = _matrix(input)
    n, classes = x.shape
    if target.numel() != n or target.dim() > 1:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{n}], but got {list(target.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    _long(target)
    target = target.reshape(n, 1)
    if bool(((target < 0) | (target >= classes)).any()):
        raise RuntimeError("target out of range")
    z = _hinge(margin - x.gather(1, target) + x)
    if p == 2:
        z = z * z
    z = z.masked_fill(T.arange(classes, device=x.device) == target, 0.0)
    if weight is not None:
        z = z * weight[target]
    loss = z.sum(1) / classes
    return reduced(loss if input.dim() == 2 else loss.squeeze(0), reduction)


def multilabel_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`sum(max(0, 1 - (x[j] - x[i]))) / C` over target classes j and others i; targets end at the first -1."""
    if size_average is not None or reduce is not None:
        reduction = legacy_get_string(size_average, reduce)
    x = _matrix(input)
    if target.shape != input.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    _long(target)
    n, classes = x.shape
    target = target.reshape(n, classes)
    if bool(((target < -1) | (target >= classes)).any()):
        raise RuntimeError("argument #2 'target' is out of range")
    counts = (target >= 0).long().cumprod(1).bool()  # up to the first -1
    is_target = ((T.arange(classes, device=x.device) == target.unsqueeze(2)) & counts.unsqueeze(2)).any(1)
    scores = x.gather(1, target.clamp(min=0))
    z = _hinge(1 - (scores.unsqueeze(2) - x.unsqueeze(1)))
    z = z.masked_fill(~counts.unsqueeze(2) | is_target.unsqueeze(1), 0.0)
    loss = z.sum((1, 2)) / classes
    return reduced(loss if input.dim() == 2 else loss.squeeze(0), reduction)
