"""Adadelta: steps in the units of the parameter, without a rate to tune."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import adadelta
from .optimizer import ParamsT, check_lr
from .update import RuleOptimizer, Scalars, counter, zeros_like

__all__ = ["Adadelta", "adadelta"]


class Adadelta(RuleOptimizer):
    """``p -= lr * d`` with ``d = g * sqrt(mean of d^2 + eps) / sqrt(mean of g^2 + eps)``."""

    capturable_devices = "['cuda', 'xpu', 'hpu', 'privateuseone']"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": counter(0.0), "square_avg": zeros_like(p), "acc_delta": zeros_like(p)}

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        rho = group["rho"]
        scalars = (group["maximize"], group["weight_decay"], rho, 1 - rho, group["eps"], -group["lr"])
        return (counters[0] + 1,), scalars

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, decay, rho, take, eps, step_size = scalars
        if maximize:
            g = xp.neg(g)
        if decay:
            g = xp.add(g, p, decay)
        square, moved = slots
        xp.addcmul_(xp.mul_(square, rho), g, g, take)
        delta = xp.div(xp.root(xp.shift(moved, eps)), xp.root(xp.shift(square, eps)))
        delta = xp.mul(delta, g)
        xp.addcmul_(xp.mul_(moved, rho), delta, delta, take)
        xp.add_(p, delta, step_size)
