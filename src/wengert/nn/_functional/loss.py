"""The cross entropy of a linear layer's outputs."""

from __future__ import annotations

from typing import Any

from .base import T


def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Any:
    """The cross entropy of `linear(input, linear_weight, linear_bias)` for input (N, in) or (in).

    `options` choose how PyTorch saves memory; they change no result and nothing here.
    """
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    return T.need("nn.functional.cross_entropy")(
        T.linear(input, linear_weight, linear_bias),
        target,
        weight=weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
