"""Rprop: resilient backpropagation, which looks at the signs of the gradients only."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import rprop
from .optimizer import ParamsT, check_lr
from .update import RuleOptimizer, Scalars, counter, full_like, zeros_like

__all__ = ["Rprop", "rprop"]


class Rprop(RuleOptimizer):
    """Each element has a step of its own, which grows while its gradient keeps its sign and shrinks when it flips."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("prev", "step_size")

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        lr = float(group["lr"])
        size = full_like(p, complex(lr, lr) if p.is_complex() else lr)
        return {"step": counter(0.0), "prev": zeros_like(p), "step_size": size}

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        return (counters[0] + 1,), (group["maximize"], *group["etas"], *group["step_sizes"])

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, shrink, grow, smallest, largest = scalars
        if maximize:
            g = xp.neg(g)
        before, size = slots
        agreement = xp.mul(g, before)
        flipped = agreement < 0
        one = xp.shift(xp.mul(xp.sign(agreement), 0.0), 1.0)
        factor = xp.where(flipped, shrink, xp.where(agreement > 0, grow, one))
        xp.clamp_(xp.mul_(size, factor), smallest, largest)
        g = xp.where(flipped, 0.0, g)
        xp.addcmul_(p, xp.sign(g), size, -1)
        xp.copy_(before, g)
