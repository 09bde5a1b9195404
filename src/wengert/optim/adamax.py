"""Adamax: Adam with the largest gradient so far in place of the mean square."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import adamax
from .optimizer import ParamsT
from .update import RuleOptimizer, Scalars, check_adam_options, counter, zeros_like

__all__ = ["Adamax", "adamax"]


class Adamax(RuleOptimizer):
    """``p -= lr / (1 - beta1^t) * m / u`` with the running mean ``m`` and the decayed maximum ``u`` of ``|g|``."""

    capturable_states = "params and state_steps"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_adam_options(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_inf")

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": counter(0.0), "exp_avg": zeros_like(p), "exp_inf": zeros_like(p)}

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        step = counters[0] + 1
        beta1, beta2 = group["betas"]
        step_size = -(group["lr"] / (1 - beta1**step))
        return (step,), (group["maximize"], group["weight_decay"], 1 - beta1, beta2, group["eps"], step_size)

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, decay, take1, beta2, eps, step_size = scalars
        if maximize:
            g = xp.neg(g)
        if decay:
            g = xp.add(g, p, decay)
        mean, largest = slots
        xp.lerp_(mean, g, take1)
        xp.copy_(largest, xp.maximum(xp.mul(largest, beta2), xp.plus(xp.absolute(g), eps)))
        xp.addcdiv_(p, mean, largest, step_size)
