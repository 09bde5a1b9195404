"""Loss functions: their checks and warnings, and the composites over operations.

`size_average` and `reduce` are the old forms of `reduction`, which is 'mean', 'sum' or 'none'.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.errors import warn
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


def _warn_sizes(input: Any, target: Any) -> None:
    if target.size() != input.size():
        warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
            "This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size."
        )


def _weighted(loss: Any, weight: Any, input: Any, reduction: str) -> Any:
    """Elementwise losses times their weights; the mean is over the weights."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    if reduction == "mean":
        return T.sum(loss) / T.sum(weight)
    return reduced(loss, reduction)


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """`(input - target) ** 2`, reduced."""
    if target.size() != input.size():
        _warn_sizes(input, target)
        input, target = T.broadcast_tensors(input, target)
    reduction = _resolve(size_average, reduce, reduction)
    if weight is not None:
        return _weighted(T.mse_loss(input, target, 0), weight, input, reduction)
    return T.mse_loss(input, target, get_enum(reduction))


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """`|input - target|`, reduced."""
    _warn_sizes(input, target)
    reduction = _resolve(size_average, reduce, reduction)
    loss = (input - target).abs()
    if weight is not None:
        return _weighted(loss, weight, input, reduction)
    return reduced(loss, reduction)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """`d**2 / (2 beta)` where `d = |input - target| < beta`, else `d - beta / 2`; reduced."""
    if target.size() != input.size():
        _warn_sizes(input, target)
        input, target = T.broadcast_tensors(input, target)
    kind = get_enum(_resolve(size_average, reduce, reduction))
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0.0:
        return reduced((input - target).abs(), ("none", "mean", "sum")[kind])
    return T.smooth_l1_loss(input, target, kind, beta)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """`d**2 / 2` where `d = |input - target| < delta`, else `delta * (d - delta / 2)`; reduced."""
    if target.size() != input.size():
        _warn_sizes(input, target)
        input, target = T.broadcast_tensors(input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if weight is not None:
        return _weighted(T.huber_loss(input, target, 0, delta), weight, input, reduction)
    return T.huber_loss(input, target, get_enum(reduction), delta)


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`-(y log x + (1 - y) log(1 - x))` of probabilities, logarithms bounded by -100; reduced."""
    kind = get_enum(_resolve(size_average, reduce, reduction))
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(T.broadcast_shapes(target.size(), weight.size()))
    if bool(((input < 0) | (input > 1)).any()):
        raise RuntimeError("all elements of input should be between 0 and 1")
    return T.binary_cross_entropy(input, target, weight, kind)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """The binary cross entropy of `sigmoid(input)`, computed stably; `pos_weight` scales the positive terms."""
    kind = get_enum(_resolve(size_average, reduce, reduction))
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return T.binary_cross_entropy_with_logits(input, target, weight, pos_weight, kind)


def kl_div(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """`target * (log target - input)`; 'batchmean' divides the sum by the batch size."""
    if size_average is not None or reduce is not None:
        reduction = legacy_get_string(size_average, reduce)
    elif reduction == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release."
        )
    get_enum("sum" if reduction == "batchmean" else reduction)
    loss = target.exp() * (target - input) if log_target else T.xlogy(target, target) - target * input
    if reduction == "batchmean":
        total = loss.sum()
        return total / input.size(0) if input.dim() != 0 else total
    return reduced(loss, reduction)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`exp(input) - target * input` (or for plain rates `input - target * log(input + eps)`); `full` adds Stirling."""
    reduction = _resolve(size_average, reduce, reduction)
    get_enum(reduction)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """`(log var + (input - target)**2 / var) / 2`, the variance bounded below by `eps`; reduced."""
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * T.ones_like(input)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif not (input.size()[:-1] == var.size()[:-1] and var.size(-1) == 1):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    # The bound is a safeguard, no part of the loss: no gradient passes through it.
    from ...core import modes

    var = var.clone()
    with modes.no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


def _check_classes(input: Any, target: Any, weight: Any) -> None:
    """The checks of `nll_loss` on (N, C, *) or (C) against class indices."""
    classes = input.shape[0] if input.dim() == 1 else input.shape[1]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`-weight[y] * input[y]` of log probabilities (N, C, *) or (C); the mean is over the weights."""
    kind = get_enum(_resolve(size_average, reduce, reduction))
    if input.dim() < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {input.dim()})")
    if input.dim() != 1 and (target.dim() == 0 or input.size(0) != target.size(0)):
        batch = target.size(0) if target.dim() else 0
        raise ValueError(f"Expected input batch_size ({input.size(0)}) to match target batch_size ({batch}).")
    return T.nll_loss(input, target, weight, kind, ignore_index)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """The cross entropy of logits (N, C, *) or (C) with class indices or (same shape) class probabilities."""
    reduction = _resolve(size_average, reduce, reduction)
    kind = get_enum(reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    class_dim = 0 if input.dim() == 1 else 1
    log_probs_of = input
    if target.shape == input.shape:
        return _with_probabilities(log_probs_of, target, weight, reduction, label_smoothing, class_dim, ignore_index)
    log_probs = input.log_softmax(class_dim)
    if label_smoothing == 0.0:
        return nll_loss(log_probs, target, weight, None, ignore_index, None, reduction)
    return _smoothed(log_probs, target, weight, kind, label_smoothing, class_dim, ignore_index)


def _with_probabilities(
    input: Any, target: Any, weight: Any, reduction: str, smoothing: float, class_dim: int, ignore_index: int
) -> Any:
    if not target.is_floating_point():
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            + target.dtype.scalar_name
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    classes = input.size(class_dim)
    _check_classes(input, target, weight)
    log_probs = input.log_softmax(class_dim)
    if smoothing > 0.0:
        target = target * (1 - smoothing) + smoothing / classes
    terms = log_probs * target
    if weight is not None:
        shape = [1] * input.dim()
        shape[class_dim] = classes
        terms = terms * weight.view(shape)
    if reduction == "mean":
        examples = input.numel() // classes if input.numel() else 0
        return -terms.sum() / examples
    return -terms.sum() if reduction == "sum" else -terms.sum(class_dim)


def _smoothed(
    log_probs: Any, target: Any, weight: Any, kind: int, smoothing: float, class_dim: int, ignore_index: int
) -> Any:
    classes = log_probs.size(class_dim)
    hard = nll_loss(log_probs, target, weight, None, ignore_index, None, ("none", "mean", "sum")[kind])
    if weight is not None:
        shape = [1] * log_probs.dim()
        shape[class_dim] = classes
        smooth = -(log_probs * weight.view(shape)).sum(class_dim)
    else:
        smooth = -log_probs.sum(class_dim)
    ignored = target == ignore_index
    smooth = smooth.masked_fill(ignored, 0.0)
    if kind == 1:
        if weight is not None:
            # A weighted mean divides by the weights of the targets.
            used = weight.gather(0, target.masked_fill(ignored, 0).flatten())
            smooth = smooth.sum() / used.masked_fill(ignored.flatten(), 0.0).sum()
        else:
            smooth = smooth.sum() / ignored.logical_not().sum()
    elif kind == 2:
        smooth = smooth.sum()
    return hard * (1 - smoothing) + smooth * (smoothing / classes)


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


def soft_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """`log(1 + exp(-target * input))`, reduced."""
    return T.soft_margin_loss(input, target, get_enum(_resolve(size_average, reduce, reduction)))


def multilabel_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The hinge loss between the target classes (the indices up to the first -1) and all others."""
    return T.multilabel_margin_loss(input, target, get_enum(_resolve(size_average, reduce, reduction)))


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
    """`sum(max(0, margin - x[y] + x[i])**p) / C` over the wrong classes; reduced."""
    kind = get_enum(_resolve(size_average, reduce, reduction))
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    return T.multi_margin_loss(input, target, p, margin, weight, kind)


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


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Connectionist temporal classification over log_probs (T, N, C) or (T, C)."""
    return T.ctc_loss(
        log_probs, targets, input_lengths, target_lengths, blank, get_enum(reduction), zero_infinity
    )
