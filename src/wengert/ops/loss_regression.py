"""Losses of a prediction against a target of the same shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.deferred import refuse_where
from ..core.dtypes import get_default_dtype
from ..core.fast import F32, F64, OUT, BinaryInputNode, constant, next_seq
from ..core.graph import LEAF, VIEW, NodeMeta
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import ops
from ..core.promotion import check_cast, promote_types
from ..core.samples import Case, T, samples
from ..core.takes import REAL, Takes
from ..core.tensor import PLAIN, Tensor, new
from .install import public
from .lines import refuse, without_gradient
from .losses import MEAN, NONE, expanded, pointwise_loss, reduced, reduction_of, warn_of_sizes

ndarray = np.ndarray
subtract, dot_arrays = np.subtract, np.dot


# ---------------------------------------------------------------- squares

_mse = pointwise_loss(
    "mse_loss",
    lambda xp, x, y: _squared(x - y),
    dict(x=lambda xp, x, y: 2 * (x - y), y=lambda xp, x, y: 2 * (y - x)),
    takes=Takes("mse_cpu", REAL),
)


def _squared(d: Any) -> Any:
    return d * d


class _MeanSquares(BinaryInputNode):
    """mean((x - y)**2), keeping both."""

    __slots__ = ()

    def saved_values(self) -> Any:
        yield "reduction", 1
        for name, value in BinaryInputNode.saved_values(self):
            yield ("target" if name == "other" else name), value


def _mse_rule(xp: Any, g: Any, x: Any, y: Any) -> Any:
    return (x - y) * (g * (2.0 / math.prod(x.shape)))


_MseNode = NodeMeta(
    "MseLossBackward0",
    (_MeanSquares,),
    {
        "__slots__": (), "prim": _mse, "__module__": "torch.autograd",
        "r0": staticmethod(_mse_rule), "r1": staticmethod(lambda xp, g, x, y: -_mse_rule(xp, g, x, y)),
    },
)  # fmt: skip


def _mean_squares(input: Any, target: Any) -> Any:
    """mse_loss by mean on the straight line; None where it does not apply."""
    if input.__class__ in PLAIN and target.__class__ in PLAIN:
        a, b = input._data, target._data
        kind = a.dtype
        if (kind is F32 or kind is F64) and b.dtype is kind and a.shape == b.shape and a.size:
            m = mode()
            f0, f1 = input._fn, target._fn
            if m is GRAD:
                if f0 is LEAF:
                    f0 = input
                elif f0 is VIEW:
                    f0 = input._view.edge(input)
                if f1 is LEAF:
                    f1 = target
                elif f1 is VIEW:
                    f1 = target._view.edge(target)
            elif m is NO_GRAD:
                f0 = f1 = None
            else:
                return None
            d = subtract(a, b, out=OUT)
            if d.__class__ is not ndarray:
                return None
            n = d.size
            if n <= 4096:  # a dot product rounds differently from PyTorch's sum, but it is exact to the same degree
                d = d.reshape(-1)
                total = dot_arrays(d, d)
            else:
                total = np.add.reduce(np.multiply(d, d, out=d), axis=None)
            t = new(Tensor)
            t._data = np.true_divide(total, constant(n, kind), dtype=kind, out=OUT)
            if t._data.__class__ is not ndarray:
                t._data = np.asarray(t._data)
            t._ver = 0
            t._view = None
            if f0 is None and f1 is None:
                t._fn = None
                return t
            node = new(_MseNode)
            node.e0, node.e1, node.shapes = f0, f1, None
            node.s0, node.s1 = input, target
            n = input._ver
            node.n0 = n if n.__class__ is int else n.n
            n = target._ver
            node.n1 = n if n.__class__ is int else n.n
            node.hooks = None
            node.seq = next_seq()
            t._fn = node
            return t
    return None


def _weighted(terms: Any, weight: Tensor, reduction: int) -> Tensor:
    """Weighted terms; the mean divides by the sum of the weights."""
    terms = terms * weight
    if reduction == MEAN:
        return ops.sum(terms, dim=None, keepdim=False) / ops.sum(weight, dim=None, keepdim=False)  # type: ignore[no-any-return]
    return reduced(ops, terms, reduction)  # type: ignore[no-any-return]


def _check_weight(input: Tensor, weight: Tensor) -> None:
    if tuple(weight.shape) != tuple(input.shape):
        raise ValueError("Weights and input must have the same size.")


@public(name="nn.functional.mse_loss", method=False)
def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """(input - target)**2, reduced. Differentiable in both; `weight` weighs the terms."""
    if reduction == "mean" and weight is None and size_average is None and reduce is None:
        y = _mean_squares(input, target)
        if y is not None:
            return y  # type: ignore[no-any-return]
    warn_of_sizes(input, target)
    how = reduction_of(reduction, size_average, reduce)
    x, y = expanded(input, target)
    if weight is not None:
        _check_weight(input, weight)
        return _weighted((x - y) ** 2, weight, how)
    return _mse(x, y, reduction=how)  # type: ignore[no-any-return]


@public(name="nn.functional.l1_loss", method=False)
def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """abs(input - target), reduced. Differentiable in both."""
    warn_of_sizes(input, target)
    how = reduction_of(reduction, size_average, reduce)
    x, y = expanded(input, target)
    if weight is not None:
        _check_weight(input, weight)
        return _weighted(abs(x - y), weight, how)  # type: ignore[arg-type]
    from .install import FUNCTIONS

    terms = abs(x - y)  # type: ignore[arg-type]
    return terms if how == 0 else FUNCTIONS["mean" if how == MEAN else "sum"](terms)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- squares near zero, lines away from it


def _smooth_point(xp: Any, x: Any, y: Any, beta: float) -> Any:
    d = xp.abs(x - y)
    return xp.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta)


def _smooth_slope(xp: Any, x: Any, y: Any, beta: float) -> Any:
    d = x - y
    return xp.where(xp.abs(d) >= beta, xp.sgn(d), d / beta)


def _huber_point(xp: Any, x: Any, y: Any, delta: float) -> Any:
    d = xp.abs(x - y)
    return xp.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def _huber_slope(xp: Any, x: Any, y: Any, delta: float) -> Any:
    d = x - y
    return xp.where(xp.abs(d) > delta, delta * xp.sgn(d), d)


_smooth_l1 = pointwise_loss(
    "smooth_l1_loss",
    _smooth_point,
    dict(x=_smooth_slope, y=lambda xp, x, y, beta: -_smooth_slope(xp, x, y, beta)),
    params=("beta",),
    node="SmoothL1LossBackward0",
    takes=Takes("smooth_l1_cpu", REAL),
)
_huber = pointwise_loss(
    "huber_loss",
    _huber_point,
    dict(x=_huber_slope, y=lambda xp, x, y, delta: -_huber_slope(xp, x, y, delta)),
    params=("delta",),
    takes=Takes("huber_cpu", REAL),
)


@public(name="nn.functional.smooth_l1_loss", method=False)
def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """0.5 d**2 / beta where abs(d) < beta, else abs(d) - beta / 2, for d = input - target."""
    warn_of_sizes(input, target)
    how = reduction_of(reduction, size_average, reduce)
    x, y = expanded(input, target)
    if beta == 0.0:
        return l1_loss(x, y, reduction=("none", "mean", "sum")[how])
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    return _smooth_l1(x, y, beta=beta, reduction=how)  # type: ignore[no-any-return]


@public(name="nn.functional.huber_loss", method=False)
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """0.5 d**2 where abs(d) <= delta, else delta (abs(d) - delta / 2), for d = input - target."""
    warn_of_sizes(input, target)
    how = reduction_of(reduction)
    x, y = expanded(input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    check_cast(promote_types(x.dtype, y.dtype), x.dtype)
    if weight is None:
        return _huber(x, y, delta=delta, reduction=how)  # type: ignore[no-any-return]
    _check_weight(input, weight)
    terms = _huber(x, y, delta=delta, reduction=NONE) * weight
    return reduced(ops, terms, how)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- signs, likelihoods


def _soft_point(xp: Any, x: Any, y: Any) -> Any:
    if x.dtype.kind == "c":
        return xp.log1p(xp.exp(-y * x))
    return -xp.log_sigmoid(x * y)


def _soft_margin_slope(xp: Any, x: Any, y: Any) -> Any:
    z = xp.exp(-x * y)  # as PyTorch: nan where this overflows
    return -y * z / (z + 1)


_soft_margin = pointwise_loss(
    "soft_margin_loss",
    _soft_point,
    dict(x=_soft_margin_slope),
    real_gradient="soft_margin_loss",
)


@public(name="nn.functional.soft_margin_loss", method=False)
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + exp(-target * input)) for targets of 1 and -1. Differentiable in input."""
    how = reduction_of(reduction, size_average, reduce)
    x, y = expanded(input, target)
    # PyTorch writes all steps into one tensor like the input: -input, times target, its exponential
    kind = input.dtype
    if kind.category == 0:
        ops.neg(input)  # bool has no negative
    check_cast(promote_types(kind, target.dtype), kind)
    if tuple(x.shape) != tuple(input.shape):
        raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(x.shape)}")
    if kind.category < 2:
        check_cast(get_default_dtype(), kind)
    if y.dtype is not kind:
        y = y.to(kind)  # type: ignore[attr-defined]
    without_gradient("soft_margin_loss", target=target)
    return _soft_margin(x, y, reduction=how)  # type: ignore[no-any-return]


def _plain_reduced(y: Any, how: int) -> Any:
    from .install import FUNCTIONS

    return y if how == 0 else FUNCTIONS["mean" if how == MEAN else "sum"](y)


def _kl_div(input: Tensor, target: Tensor, log_target: bool) -> Any:
    if log_target:
        return ops.exp(target) * (target - input)  # type: ignore[operator]
    return ops.xlogy(target, target) - target * input  # type: ignore[operator]


@public(name="nn.functional.kl_div", method=False)
def kl_div(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", log_target: bool = False,
) -> Tensor:  # fmt: skip
    """target * (log target - input): `input` holds logs, `target` probabilities (or logs, with `log_target`)."""
    from ..core.errors import warn

    batchmean = False
    if size_average is not None or reduce is not None:
        how = reduction_of(reduction, size_average, reduce)
    else:
        if reduction == "mean":
            warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size."
                "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                "'mean' will be changed to behave the same as 'batchmean' in the next major release."
            )
        batchmean = reduction == "batchmean"
        how = 2 if batchmean else reduction_of(reduction)
    for x in (input, target):
        refuse(x, "bi", "kl_div: Integral inputs not supported.")
        refuse(x, "c", "kl_div: Complex inputs not supported.")
    y = _plain_reduced(_kl_div(input, target, log_target), how)
    return y / input.shape[0] if batchmean and input.ndim else y  # type: ignore[no-any-return]


@public(name="nn.functional.poisson_nll_loss", method=False)
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """input (or its exp, with `log_input`) minus target * log(input); `full` adds Stirling's approximation."""
    if size_average is not None or reduce is not None:
        how = reduction_of(reduction, size_average, reduce)
    elif reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    else:
        how = reduction_of(reduction)
    if log_input:
        loss = ops.exp(input) - target * input  # type: ignore[operator]
    else:
        loss = input - target * ops.log(input + eps)  # type: ignore[operator]
    if full:
        stirling = target * ops.log(target) - target + 0.5 * ops.log(2 * math.pi * target)  # type: ignore[operator]
        loss = loss + ops.where(target <= 1, ops.zeros_like(stirling), stirling)  # type: ignore[operator]
    return _plain_reduced(loss, how)  # type: ignore[no-any-return]


@public(name="nn.functional.gaussian_nll_loss", method=False)
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """0.5 (log var + (input - target)**2 / var), var at least `eps`. var: a number, or a tensor of matching shape."""
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * ops.ones_like(input)
    else:
        refuse_where(var.detach() < 0, lambda: ValueError("var has negative entry/entries"))
    if var.shape != input.shape:
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = ops.unsqueeze(var, dim=var.ndim)
        elif tuple(input.shape[:-1]) == tuple(var.shape[:-1]) and var.shape[-1] == 1:
            pass
        else:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    var = var.clone()
    with _no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (ops.log(var) + (input - target) ** 2 / var)  # type: ignore[operator]
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _plain_reduced(loss, reduction_of(reduction))  # type: ignore[no-any-return]


def _no_grad() -> Any:
    from ..core.modes import no_grad

    return no_grad()


# ---------------------------------------------------------------- samples

_PAIR = (Case(T(3, 4), T(3, 4)), Case(T(3, 4), T(3, 4), reduction="none"), Case(T(3, 4), T(3, 4), reduction="sum"))
samples(
    "nn.functional.mse_loss",
    *_PAIR,
    Case(T(2, 3), T(2, 3), weight=T(2, 3, low=0.5, high=2.0)),
    Case(T(), T()),
    complex=False,
)
samples("nn.functional.l1_loss", *_PAIR, complex=False)
samples("nn.functional.smooth_l1_loss", *_PAIR, Case(T(3, 4), T(3, 4), beta=0.5), complex=False)
samples(
    "nn.functional.huber_loss",
    *_PAIR,
    Case(T(3, 4), T(3, 4), delta=0.5),
    Case(T(2, 3), T(2, 3), weight=T(2, 3, low=0.5, high=2.0)),
    complex=False,
)
samples(
    "nn.functional.soft_margin_loss",
    *(Case(T(3, 4), T(3, 4, grad=False), reduction=r) for r in ("mean", "none")),
    complex=False,
)
samples(
    "nn.functional.kl_div",
    Case(T(3, 4), T(3, 4, low=0.1, high=1.0), reduction="batchmean"),
    Case(T(3, 4), T(3, 4), reduction="sum", log_target=True),
    Case(T(3, 4), T(3, 4, low=0.1, high=1.0), reduction="none"),
    complex=False,
)
samples(
    "nn.functional.poisson_nll_loss",
    Case(T(3, 4), T(3, 4, low=1.5, high=3.0)),
    Case(T(3, 4, low=0.5, high=2.0), T(3, 4, low=1.5, high=3.0), log_input=False, full=True),
    complex=False,
)
samples(
    "nn.functional.gaussian_nll_loss",
    Case(T(3, 4), T(3, 4), T(3, 4, low=0.5, high=2.0)),
    Case(T(3, 4), T(3, 4), T(3, 1, low=0.5, high=2.0), full=True, reduction="sum"),
    Case(T(3, 4), T(3, 4), 0.7),
    complex=False,
)
