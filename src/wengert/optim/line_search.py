"""The line search of L-BFGS: a step that satisfies the strong Wolfe conditions, found by cubic interpolation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..core.tensor import Tensor

#: ``t -> (loss, gradient)`` along the direction.
Evaluate = Callable[[Any], tuple[float, Tensor]]


def cubic_interpolate(
    x1: Any, f1: Any, g1: Any, x2: Any, f2: Any, g2: Any, bounds: tuple[Any, Any] | None = None
) -> Any:
    """The minimiser within ``bounds`` of the cubic through two points with given values and slopes."""
    low, high = bounds if bounds is not None else ((x1, x2) if x1 <= x2 else (x2, x1))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt() if isinstance(square, Tensor) else math.sqrt(square)
    if x1 <= x2:
        at = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        at = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(at, low), high)


def strong_wolfe(
    evaluate: Evaluate,
    t: Any,
    d: Tensor,
    loss: float,
    grad: Tensor,
    slope: Tensor,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[float, Tensor, Any, int]:
    """``(loss, gradient, t, evaluations)`` at a step ``t`` along ``d`` with sufficient decrease and a flat slope.

    First the step grows until it brackets such a point, then the bracket is narrowed.
    """
    scale = d.abs().max()
    grad = grad.clone()
    new_loss, new_grad = evaluate(t)
    calls = 1
    new_slope = new_grad.dot(d)

    # Each end of the bracket: (t, loss, gradient, slope).
    before = (0, loss, grad, slope)
    bracket: list[tuple[Any, Any, Tensor, Tensor]] = []
    done = False
    tries = 0
    while tries < max_ls:
        here = (t, new_loss, new_grad.clone(), new_slope)
        if new_loss > loss + c1 * t * slope or (tries > 1 and new_loss >= before[1]):
            bracket = [before, here]
            break
        if abs(new_slope) <= -c2 * slope:
            bracket = [(t, new_loss, new_grad, new_slope)]
            done = True
            break
        if new_slope >= 0:
            bracket = [before, here]
            break
        nearest = t + 0.01 * (t - before[0])
        farthest = t * 10
        next_t = cubic_interpolate(before[0], before[1], before[3], t, new_loss, new_slope, (nearest, farthest))
        before = here
        t = next_t
        new_loss, new_grad = evaluate(t)
        calls += 1
        new_slope = new_grad.dot(d)
        tries += 1
    if tries == max_ls:
        bracket = [(0, loss, grad, slope), (t, new_loss, new_grad, new_slope)]

    stuck = False
    low, high = (0, 1) if bracket[0][1] <= bracket[-1][1] else (1, 0)
    while not done and tries < max_ls:
        (t0, f0, _, s0), (t1, f1, _, s1) = bracket
        if abs(t1 - t0) * scale < tolerance_change:
            break
        t = cubic_interpolate(t0, f0, s0, t1, f1, s1)
        # A point too close to an end tells little: move it in, unless the last one was moved already.
        left, right = (t0, t1) if t0 <= t1 else (t1, t0)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new_loss, new_grad = evaluate(t)
        calls += 1
        new_slope = new_grad.dot(d)
        tries += 1
        here = (t, new_loss, new_grad.clone(), new_slope)
        if new_loss > loss + c1 * t * slope or new_loss >= bracket[low][1]:
            bracket[high] = here
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
        else:
            if abs(new_slope) <= -c2 * slope:
                done = True
            elif new_slope * (bracket[high][0] - bracket[low][0]) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = here

    t, new_loss, new_grad, _ = bracket[low] if len(bracket) > 1 else bracket[0]
    return new_loss, new_grad, t, calls
