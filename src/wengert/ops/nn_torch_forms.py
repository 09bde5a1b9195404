"""Functions of neural networks as the torch namespace has them: other orders of arguments, numbers for names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dispatch import dispatch
from ..core.inplace import write_out
from ..core.primitive import TABLE, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor, wrap
from .embedding import _bag_numbers
from .embedding import embedding_bag as functional_embedding_bag
from .install import FUNCTIONS, public
from .linear import bilinear
from .normalization import (
    _batch_norm,
    _check_normalized,
    _group_node,
    _group_takes,
    _layer_node,
    _sizes,
    _standardized,
    _statistics_of_batch,
    check_groups,
    check_parameters,
    layer_takes,
)  # fmt: skip
from .reduce import wrap_dim
from .sampling import grid_sampler

_REDUCTIONS = ("none", "mean", "sum")

public(bilinear, name="bilinear", method=False)
public(grid_sampler, name="grid_sampler_2d", method=False)
public(grid_sampler, name="grid_sampler_3d", method=False)


@public(method=False)
def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """input = beta * input + alpha * (mat @ vec), in place."""
    return input.addmv_(mat, vec, beta=beta, alpha=alpha)  # type: ignore[attr-defined]


@public(method=False)
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 0
) -> Tensor:
    """`nn.functional.binary_cross_entropy_with_logits`; `reduction` is 0 (none), 1 (mean) or 2 (sum)."""
    fn = FUNCTIONS["nn.functional.binary_cross_entropy_with_logits"]
    return fn(input, target, weight, pos_weight=pos_weight, reduction=_REDUCTIONS[reduction])  # type: ignore[no-any-return]


@public(method=False)
def kl_div(input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False) -> Tensor:
    """target * (log target - input), reduced: `reduction` is 0, 1 (mean) or 2 (sum)."""
    y = FUNCTIONS["nn.functional.kl_div"](input, target, reduction="none", log_target=log_target)
    return y if reduction == 0 else FUNCTIONS["mean" if reduction == 1 else "sum"](y)  # type: ignore[no-any-return]


@public(method=False)
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """`nn.functional.poisson_nll_loss` with `reduction` as a number."""
    fn = FUNCTIONS["nn.functional.poisson_nll_loss"]
    return fn(input, target, log_input, full, None, eps, None, _REDUCTIONS[reduction])  # type: ignore[no-any-return]


@public(method=False)
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`nn.functional.margin_ranking_loss` with `reduction` as a number."""
    fn = FUNCTIONS["nn.functional.margin_ranking_loss"]
    return fn(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])  # type: ignore[no-any-return]


@public(method=False)
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0) -> Tensor:
    """`nn.functional.hinge_embedding_loss` with `reduction` as a number."""
    fn = FUNCTIONS["nn.functional.hinge_embedding_loss"]
    return fn(input, target, margin, reduction=_REDUCTIONS[reduction])  # type: ignore[no-any-return]


@public(method=False)
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`nn.functional.cosine_embedding_loss` with `reduction` as a number."""
    fn = FUNCTIONS["nn.functional.cosine_embedding_loss"]
    return fn(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])  # type: ignore[no-any-return]


@public(method=False)
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, reduction: int = 0,
) -> Tensor:  # fmt: skip
    """`nn.functional.triplet_margin_loss` with `reduction` as a number."""
    fn = FUNCTIONS["nn.functional.triplet_margin_loss"]
    return fn(anchor, positive, negative, margin, p, eps, swap, reduction=_REDUCTIONS[reduction])  # type: ignore[no-any-return]


@public(method=False)
def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False, mode: int = 0,
    sparse: bool = False, per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """(bags, the bag of each index, how many indices count in each bag, the rows that won for `max`); mode: 0 sum, 1
    mean, 2 max."""
    y = functional_embedding_bag(
        indices, weight, offsets, None, 2, scale_grad_by_freq, ("sum", "mean", "max")[mode], sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )  # fmt: skip
    starts = offsets._data[:-1] if include_last_offset else offsets._data
    numbers = indices._data
    bags = _bag_numbers(starts, len(numbers))
    counted = np.ones(len(numbers), bool) if padding_idx is None else numbers != padding_idx % weight.shape[0]
    sizes = np.bincount(bags[counted], minlength=len(starts))[: len(starts)]
    if mode == 0:
        sizes = np.zeros_like(sizes)
    winners = sizes.astype(np.int64)
    if mode == 2:
        from .embedding import _bag_kernel

        pad = -1 if padding_idx is None else padding_idx % weight.shape[0]
        more = dict(n_bags=len(starts), mode=2, padding_idx=pad, scale_grad_by_freq=False)
        winners = np.maximum(_bag_kernel(weight._data, None, numbers, bags, **more)[1], 0)
    return y, wrap(bags), wrap(sizes.astype(np.int64)), wrap(winners)


@public(method=False)
def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(layer norm, means, 1 / standard deviations)."""
    shape = _sizes(normalized_shape, "native_layer_norm")
    _check_normalized(input, shape, weight, bias)
    check_parameters(input, layer_takes, weight, bias)
    lead = tuple(input.shape[: input.ndim - len(shape)])
    ones = (1,) * len(shape)
    view = (math.prod(lead), math.prod(shape))
    y, mean, rstd = _standardized(input, weight, bias, view, (1,), ((1,) * len(lead)) + shape, eps, _layer_node)
    return y, ops.reshape(mean, (*lead, *ones)), ops.reshape(rstd, (*lead, *ones))


_group_statistics = TABLE["view"].renamed("NativeGroupNormBackward0")


@public(method=False)
def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(group norm, means, 1 / standard deviations), the latter of shape (N, group)."""
    check_groups(input, C, group, weight, bias)
    if input.numel() != N * C * HxW:  # type: ignore[attr-defined]
        raise RuntimeError(
            "Expected X.numel() == N * C * HxW to be true, but got false.  (Could this error message be improved?  If so, "
            "please report an enhancement request to PyTorch.)"
        )
    check_parameters(input, _group_takes, weight, bias)
    shape = tuple(input.shape)
    if shape[:2] != (N, C):
        input = ops.reshape(input, (N, C, HxW))
    affine = (1, C, *(1,) * (input.ndim - 2))
    view = (N, group, C // group * HxW)
    y = _standardized(input, weight, bias, view, (2,), affine, eps, _group_node)[0]
    if tuple(y.shape) != shape:
        y = ops.reshape(y, shape)
    # unlike the statistics of the other two, these are differentiable
    mean, rstd = ops.known_statistics(ops.reshape(input, view), None, None, dims=(2,), eps=eps)
    return y, *[dispatch(TABLE["view"], (v,), {"size": (N, group)}, _group_statistics) for v in (mean, rstd)]


@public(method=False)
def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float, *, out: Any = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(batch norm, means, 1 / standard deviations), the latter empty in evaluation."""
    y = _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)
    if training:
        mean, rstd = _statistics_of_batch(input, eps)
    else:
        mean, rstd = wrap(np.zeros(0, input.dtype.np)), wrap(np.zeros(0, input.dtype.np))
    if out is None:
        return y, mean, rstd
    return tuple([write_out(o, part, "native_batch_norm") for o, part in zip(out, (y, mean, rstd), strict=True)])


@public(method=False)
def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norms of the slices of v along `dim` (-1: of all of v), with all dimensions kept."""
    norm = FUNCTIONS["norm"]
    if v.dtype.category < 2:
        kind = v.dtype.scalar_name
        raise RuntimeError(f"norm(): input dtype should be either floating point or complex. Got {kind} instead.")
    if dim == -1:
        return norm(v, pow)  # type: ignore[no-any-return]
    kept = wrap_dim(dim, v.ndim)
    if kept not in (0, v.ndim - 1):
        return norm_except_dim(v.transpose(0, kept), pow, 0).transpose(0, kept)  # type: ignore[attr-defined, no-any-return]
    n = v.shape[kept]
    rows = ops.reshape(v, (n, -1) if kept == 0 else (-1, n))
    return ops.view(norm(rows, pow, 1 - int(kept != 0)), size=tuple(n if d == kept else 1 for d in range(v.ndim)))  # type: ignore[no-any-return]


samples("native_layer_norm", Case(T(4, 3), (3,), T(3), T(3), 0.1), complex=False)
samples("native_group_norm", Case(T(2, 4, 3), T(4), T(4), 2, 4, 3, 2, 0.1), complex=False)
samples("native_batch_norm", Case(T(4, 3), T(3), T(3), None, None, True, 0.1, 0.1), complex=False)
samples("norm_except_dim", Case(T(4, 3)), Case(T(2, 3, 2), 2, 1), complex=False)
