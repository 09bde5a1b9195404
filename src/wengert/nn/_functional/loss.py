"""Loss functions: their checks and warnings, and the composites over operations.

`size_average` and `reduce` are the old forms of `reduction`, which is 'mean', 'sum' or 'none'.
"""

from __future__ import annotations

from typing import Any

from ..reduction import get_enum, legacy_get_string
from .base import T


def _resolve(size_average: Any, reduce: Any, reduction: str) -> str:
    if size_average is not None or reduce is not None:
        return legacy_get_string(size_average, reduce)
    return reduction


def reduced(loss: Any, reduction: str) -> Any:
    """The mean, the sum or the elements. Errors: ValueError for another `reduction`."""
    kind = get_enum(reduction)
    if kind == 0:
        return loss
    return loss.mean() if kind == 1 else loss.sum()


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`input` where target is 1, `max(0, margin - input)` where it is -1; reduced."""
    reduction = _resolve(size_average, reduce, reduction)
    get_enum(reduction)
    zeros = T.zeros_like(input)
    negative = T.where(target == 1, zeros, (margin - input).clamp_min(0))
    positive = T.where(target == -1, zeros, input)
    return reduced(negative + positive, reduction)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`max(0, -target * (input1 - input2) + margin)`, reduced."""
    reduction = _resolve(size_average, reduce, reduction)
    get_enum(reduction)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`1 - cos` where target is 1, `max(0, cos - margin)` where it is -1; reduced."""
    reduction = _resolve(size_average, reduce, reduction)
    get_enum(reduction)
    if target.dim() not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.dim() == 1 and (input1.dim() != 2 or input2.dim() != 2):
        raise RuntimeError("1D target tensor expects 2D input tensors, but found inputs with sizes "
                           f"{list(input1.size())} and {list(input2.size())}.")  # fmt: skip
    if target.dim() == 0 and (input1.dim() != 1 or input2.dim() != 1):
        raise RuntimeError("0D target tensor expects 1D input tensors, but found inputs with sizes "
                           f"{list(input1.size())} and {list(input2.size())}.")  # fmt: skip
    dim = target.dim()
    eps = 1e-12
    product = (input1 * input2).sum(dim)
    squares1 = (input1 * input1).sum(dim) + eps
    squares2 = (input2 * input2).sum(dim) + eps
    cosine = product / (squares1 * squares2).sqrt()
    zeros = T.zeros_like(cosine)
    positive = T.where(target == 1, 1 - cosine, zeros)
    negative = T.where(target == -1, (cosine - margin).clamp_min(0), zeros)
    return reduced(positive + negative, reduction)


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The binary cross entropy of logits, averaged over the last dim; reduced."""
    reduction = _resolve(size_average, reduce, reduction)
    get_enum(reduction)
    loss = -(target * T.logsigmoid(input) + (1 - target) * T.logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    dim = input.dim() - 1
    return reduced(loss.sum(dim=dim) / input.size(dim), reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`max(0, d(anchor, positive) - d(anchor, negative) + margin)`; `swap` takes the smaller negative distance."""
    reduction = _resolve(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    get_enum(reduction)
    _same_dims(anchor, positive, negative)
    from .distance import pairwise_distance

    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = T.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp_min(0), reduction)


def _same_dims(anchor: Any, positive: Any, negative: Any) -> None:
    dims = anchor.dim(), positive.dim(), negative.dim()
    if len(set(dims)) > 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D inputs"
        )


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Any = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The triplet loss with a distance of your own."""
    if distance_function is None:
        from .distance import pairwise_distance

        distance_function = pairwise_distance
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _same_dims(anchor, positive, negative)
    near = distance_function(anchor, positive)
    far = distance_function(anchor, negative)
    if swap:
        far = T.minimum(far, distance_function(positive, negative))
    loss = (margin + near - far).clamp_min(0)
    return reduced(loss, reduction)


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
