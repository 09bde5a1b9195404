"""Losses by margins: rankings, embeddings, triplets, several classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.deferred import refuse_where
from ..core.primitive import ops
from ..core.samples import Case, T, samples
from ..core.takes import FLOATS, Takes
from ..core.tensor import Tensor
from .fused import fused
from .install import FUNCTIONS, public
from .lines import without_gradient
from .losses import MEAN, reduced, reduction_of


def _reduce(y: Any, how: int) -> Any:
    return y if how == 0 else FUNCTIONS["mean" if how == MEAN else "sum"](y)


# ---------------------------------------------------------------- one class against the others


def _margin_body(x: Any, target: Any, weight: Any, *, p: int, margin: float, reduction: int) -> Any:
    single = x.ndim < 2
    if single:
        x, target = ops.reshape(x, (1, -1)), ops.reshape(target, (1,))
    classes = x.shape[1]
    column = ops.unsqueeze(target, dim=1)
    z = margin - ops.pick_last(x, column, unique=False) + x
    own = ops.one_hot(target, count=classes) == 1
    terms = ops.where(own | ~(z > 0), ops.zeros_like(z), z)  # nan does not count
    if p == 2:
        terms = terms * terms
    if weight is not None:
        terms = terms * ops.unsqueeze(ops.embedding_rows(weight, target), dim=1)
    y = ops.sum(terms, dim=(1,), keepdim=False) / classes
    if single:
        y = ops.reshape(y, ())
    return reduced(ops, y, reduction)


def _embedding_rows(weight: Tensor, index: Tensor) -> Tensor:
    rows = ops.embedding(ops.unsqueeze(weight, dim=1), index, padding_idx=-1, scale_grad_by_freq=False, sparse=False)
    return ops.squeeze(rows, dim=(rows.ndim - 1,))  # type: ignore[no-any-return]


ops.embedding_rows = _embedding_rows
_multi_margin = fused(
    "multi_margin_loss", _margin_body, inputs=("x", "target", "weight"), params=("p", "margin", "reduction")
)
_multi_margin_takes = Takes("multi_margin_loss_cpu_kernel", FLOATS)
_multilabel_margin_takes = Takes("multilabel_margin_loss_forward_out_frame", FLOATS)


def _frame(input: Tensor) -> None:
    if input.ndim > 2 or 0 in input.shape[1:] or (input.ndim == 1 and input.shape[0] == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )


@public(name="nn.functional.multi_margin_loss", method=False)
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The sum over classes i other than the target's y of max(0, margin - x[y] + x[i])**p, divided by their number."""
    how = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    _frame(input)
    rows = input.shape[0] if input.ndim == 2 else 1
    classes = input.shape[-1] if input.ndim else 1
    if (target.ndim > 1) or (target.shape[0] if target.ndim else 1) != rows:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            "samples (batch size). "
            f"Expected target size [{rows}], but got {list(target.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight.shape[0] != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    _multi_margin_takes(input)
    if target.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.scalar_name}")
    if not target._level:
        refuse_where((target < 0) | (target >= classes), lambda: RuntimeError("target out of range"))  # type: ignore[operator]
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.scalar_name} but found {weight.dtype.scalar_name}")
    without_gradient("multi_margin_loss", weight=weight)
    return _multi_margin(input, target, weight, p=p, margin=margin, reduction=how)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- several labels


def _labels_body(x: Any, target: Any, *, reduction: int) -> Any:
    single = x.ndim < 2
    if single:
        x, target = ops.reshape(x, (1, -1)), ops.reshape(target, (1, -1))
    classes = x.shape[1]
    # the labels of a row end at the first -1
    listed = FUNCTIONS["cumsum"]((target < 0).long(), 1) == 0
    index = ops.where(listed, target, ops.zeros_like(target) - 1)
    of_labels = ops.pick_last(x, index, unique=False)
    is_label = ops.put_last(listed.to(x.dtype), index, size=classes, unique=False) > 0
    z = 1 - ops.unsqueeze(of_labels, dim=2) + ops.unsqueeze(x, dim=1)
    counts = ops.unsqueeze(listed, dim=2) & ~ops.unsqueeze(is_label, dim=1) & (z > 0)
    y = ops.sum(ops.where(counts, z, ops.zeros_like(z)), dim=(1, 2), keepdim=False) / classes
    if single:
        y = ops.reshape(y, ())
    return reduced(ops, y, reduction)


_multilabel_margin = fused("multilabel_margin_loss", _labels_body, inputs=("x", "target"), params=("reduction",))


@public(name="nn.functional.multilabel_margin_loss", method=False)
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """The sum over labels j and other classes i of max(0, 1 - (x[j] - x[i])), divided by the number of classes.

    `target` lists the labels of each row up to the first -1.
    """
    how = reduction_of(reduction, size_average, reduce)
    _frame(input)
    if tuple(target.shape) != tuple(input.shape):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    classes = input.shape[-1] if input.ndim else 1
    if not target._level:
        refuse_where(
            (target < -1) | (target >= classes),  # type: ignore[operator]
            lambda: RuntimeError("argument #2 'target' is out of range"),
        )
    _multilabel_margin_takes(input)
    if target.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.scalar_name}")
    return _multilabel_margin(input, target, reduction=how)  # type: ignore[no-any-return]


@public(name="nn.functional.multilabel_soft_margin_loss", method=False)
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over labels of binary cross entropy with logits."""
    if size_average is not None or reduce is not None:
        how = reduction_of(reduction, size_average, reduce)
    elif reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    else:
        how = reduction_of(reduction)
    log_sigmoid = FUNCTIONS["nn.functional.logsigmoid"]
    loss = -(target * log_sigmoid(input) + (1 - target) * log_sigmoid(-input))  # type: ignore[operator]
    if weight is not None:
        loss = loss * weight
    d = input.ndim - 1
    loss = FUNCTIONS["sum"](loss, d) / input.shape[d]
    return _reduce(loss, how)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- pairs and triplets


@public(name="nn.functional.margin_ranking_loss", method=False)
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, -target * (input1 - input2) + margin), target 1 or -1."""
    how = reduction_of(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.size()}, input2: {input2.size()}, target: {target.size()} "  # type: ignore[attr-defined]
        )
    gap = input1 - input2  # type: ignore[operator]
    return _reduce(FUNCTIONS["clamp_min"](-target * gap + float(margin), 0), how)  # type: ignore[no-any-return, operator]


@public(name="nn.functional.hinge_embedding_loss", method=False)
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """input where target is 1, max(0, margin - input) where it is -1."""
    how = reduction_of(reduction, size_average, reduce)
    zero = ops.zeros_like(input.detach())  # type: ignore[attr-defined]
    away = ops.full_like(zero, margin) - input  # of whole numbers the margin is one too
    far = FUNCTIONS["where"](target != 1, FUNCTIONS["clamp_min"](away, 0), zero)  # type: ignore[operator]
    near = FUNCTIONS["where"](target != -1, input, zero)
    return _reduce(far + near, how)  # type: ignore[no-any-return]


@public(name="nn.functional.cosine_embedding_loss", method=False)
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """1 - cos where target is 1, max(0, cos - margin) where it is -1, cos between rows of input1 and input2."""
    how = reduction_of(reduction, size_average, reduce)
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.ndim == 1 and not (input1.ndim == input2.ndim == 2):
        raise RuntimeError(
            "1D target tensor expects 2D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    if target.ndim == 0 and not (input1.ndim == input2.ndim == 1):
        raise RuntimeError(
            "0D target tensor expects 1D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    d = target.ndim
    total = FUNCTIONS["sum"]
    tiny = 1e-12
    product = total(input1 * input2, d)  # type: ignore[operator]
    sizes = (total(input1 * input1, d) + tiny) * (total(input2 * input2, d) + tiny)  # type: ignore[operator]
    cos = product / FUNCTIONS["sqrt"](sizes)
    zeros = ops.zeros_like(cos.detach())
    near = FUNCTIONS["where"](target == 1, 1 - cos, zeros)
    far = FUNCTIONS["where"](target == -1, FUNCTIONS["clamp_min"](cos - margin, 0), zeros)
    return _reduce(near + far, how)  # type: ignore[no-any-return]


def _check_triplet(anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    a, p, n = anchor.ndim, positive.ndim, negative.ndim
    if not a == p == n:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {a}D, positive {p}D, and negative {n}D inputs"
        )


@public(name="nn.functional.triplet_margin_loss", method=False)
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm distance."""
    how = reduction_of(reduction, size_average, reduce)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _check_triplet(anchor, positive, negative)
    distance = FUNCTIONS["nn.functional.pairwise_distance"]
    near = distance(anchor, positive, p, eps)
    far = distance(anchor, negative, p, eps)
    if swap:
        far = FUNCTIONS["minimum"](far, distance(positive, negative, p, eps))
    return _reduce(FUNCTIONS["clamp_min"](margin + near - far, 0), how)  # type: ignore[no-any-return]


@public(name="nn.functional.triplet_margin_with_distance_loss", method=False)
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with any distance function."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance = distance_function or FUNCTIONS["nn.functional.pairwise_distance"]
    _check_triplet(anchor, positive, negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = FUNCTIONS["minimum"](far, distance(positive, negative))
    return _reduce(FUNCTIONS["clamp_min"](margin + near - far, 0), reduction_of(reduction))  # type: ignore[no-any-return]


# ---------------------------------------------------------------- samples

_CLASS = T(4, dtype="int64", low=0, high=3)
samples(
    "nn.functional.multi_margin_loss",
    Case(T(4, 3), _CLASS),
    Case(T(4, 3), _CLASS, p=2, margin=0.5, reduction="sum"),
    Case(T(4, 3), _CLASS, weight=T(3, low=0.5, high=2.0, grad=False), reduction="none"),
    Case(T(3), T(dtype="int64", low=0, high=3)),
    complex=False,
)
samples(
    "nn.functional.multilabel_margin_loss",
    Case(T(4, 3), T(4, 3, dtype="int64", low=-1, high=3)),
    Case(T(4, 3), T(4, 3, dtype="int64", low=-1, high=3), reduction="none"),
    Case(T(3), T(3, dtype="int64", low=-1, high=3)),
    complex=False,
)
_ONES = T(3, low=0.9, high=1.1, grad=False)
samples(
    "nn.functional.multilabel_soft_margin_loss",
    Case(T(3, 4), T(3, 4, low=0.1, high=0.9, grad=False)),
    Case(T(4), T(4, low=0.1, high=0.9, grad=False), reduction="sum"),
    complex=False,
)
samples(
    "nn.functional.margin_ranking_loss",
    Case(T(3), T(3), _ONES),
    Case(T(3), T(3), _ONES, margin=0.5, reduction="none"),
    complex=False,
)
samples(
    "nn.functional.hinge_embedding_loss",
    Case(T(3, 4), T(3, 4, dtype="int64", low=0, high=1)),
    Case(T(3), T(3, dtype="int64", low=-1, high=0), margin=0.5, reduction="sum"),
    complex=False,
)
samples(
    "nn.functional.cosine_embedding_loss",
    Case(T(3, 4), T(3, 4), T(3, dtype="int64", low=1, high=2)),
    Case(T(3, 4), T(3, 4), T(3, dtype="int64", low=-1, high=0), margin=0.1),
    complex=False,
)
samples(
    "nn.functional.triplet_margin_loss",
    Case(T(3, 4), T(3, 4), T(3, 4)),
    Case(T(3, 4), T(3, 4), T(3, 4), margin=2.0, p=1, swap=True, reduction="none"),
    complex=False,
)
samples(
    "nn.functional.triplet_margin_with_distance_loss",
    Case(T(3, 4), T(3, 4), T(3, 4)),
    Case(T(3, 4), T(3, 4), T(3, 4), swap=True, reduction="sum"),
    complex=False,
)
