"""What the losses share: `reduction`, its older forms, and the primitives that reduce a pointwise loss in one node."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..core.batching import padded
from ..core.errors import warn
from ..core.primitive import Primitive, general, ops, rule_names
from ..core.tensor import Tensor

NONE, MEAN, SUM = 0, 1, 2


def reduction_of(reduction: str, size_average: Any = None, reduce: Any = None) -> int:
    """0, 1, 2 for 'none', 'mean', 'sum'; the old `size_average` and `reduce` win, with PyTorch's warning."""
    if size_average is not None or reduce is not None:
        averaged = True if size_average is None else size_average
        reduced = True if reduce is None else reduce
        reduction = "none" if not reduced else "mean" if averaged else "sum"
        warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.")
    if reduction == "mean":
        return MEAN
    if reduction == "sum":
        return SUM
    if reduction == "none":
        return NONE
    if reduction == "elementwise_mean":
        warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
        return MEAN
    raise ValueError(f"{reduction} is not a valid value for reduction")


def reduced(xp: Any, y: Any, reduction: int) -> Any:
    """`y` itself, its mean or its sum."""
    if reduction == MEAN:
        return xp.mean(y, dim=None, keepdim=False)
    return xp.sum(y, dim=None, keepdim=False) if reduction == SUM else y


def batch_reduced(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """vmap of a loss: pointwise over the whole batch, then reduce all but the mapped dimension."""
    n = max(v.ndim - (d is not None) for v, d in zip(vals, dims, strict=True) if isinstance(v, Tensor))
    filled = [padded(v, d, n) if isinstance(v, Tensor) else v for v, d in zip(vals, dims, strict=True)]
    y = prim(*filled, **{**params, "reduction": NONE})
    if params["reduction"] == NONE or n == 0:
        return y, 0
    over = tuple(range(1, n + 1))
    return (ops.mean if params["reduction"] == MEAN else ops.sum)(y, dim=over, keepdim=False), 0


def pointwise_loss(
    name: str,
    point: Callable[..., Any],
    partials: Mapping[str, Callable[..., Any]],
    *,
    inputs: tuple[str, ...] = ("x", "y"),
    params: tuple[str, ...] = (),
    promote: str | None = "keep",
    **more: Any,
) -> Primitive:
    """A primitive `reduce(point(xp, *inputs, **params))`. `partials`: the derivatives of `point`, rules `(xp, ...)`.

    It takes inputs of one shape; under vmap they may broadcast.
    """
    from ..kernels import numpy as kernels

    def kernel(*arrays: Any, reduction: int, **given: Any) -> Any:
        return reduced(kernels, point(kernels, *arrays, **given), reduction)

    vjp: dict[str, Any] = {}
    jvp: dict[str, Any] = {}
    for wanted, partial in partials.items():
        names = rule_names(partial, 1)
        call = "".join(f", {n}" for n in names)
        extra = "" if "x" in names else ", x"  # the mean needs the number of elements
        scope: dict[str, Any] = {"d": partial, "reduced": reduced, "spread": spread}
        exec(
            f"def vjp(xp, g{call}{extra}, reduction):\n    return spread(g, x, reduction) * d(xp{call})\n"
            f"def jvp(xp, t{call}, reduction):\n    return reduced(xp, t * d(xp{call}), reduction)",
            scope,
        )
        vjp[wanted], jvp[wanted] = scope["vjp"], scope["jvp"]
    return general(
        name, inputs=inputs, params=(*params, "reduction"), kernel=kernel, vjp=vjp, jvp=jvp, promote=promote, fits=True,
        batch=batch_reduced, saved_names=dict(y="target"), **more,
    )  # fmt: skip


def spread(g: Any, x: Any, reduction: int) -> Any:
    """The gradient of a reduced loss for each of its terms (0-d where it was reduced)."""
    if reduction == MEAN:
        n = math.prod(x.shape)
        return g / n if n else g
    return g


def warn_of_sizes(input: Tensor, target: Tensor, name: str = "") -> None:
    """PyTorch's warning of broadcasting between input and target."""
    if input.shape != target.shape:
        warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "  # type: ignore[attr-defined]
            "This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size."
        )


def expanded(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in their common shape."""
    a, b = tuple(input.shape), tuple(target.shape)
    if a == b:
        return input, target
    from ..core.dispatch import check_broadcast

    check_broadcast([a, b])
    n = max(len(a), len(b))
    a1, b1 = (1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b
    shape = tuple(j if i == 1 else i for i, j in zip(a1, b1, strict=True))
    return (
        input if a == shape else ops.expand(input, size=shape),
        target if b == shape else ops.expand(target, size=shape),
    )
