"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import nadam
from .optimizer import ParamsT
from .update import RuleOptimizer, Scalars, check_adam_options, counter, zeros_like

__all__ = ["NAdam", "nadam"]


class NAdam(RuleOptimizer):
    """Adam that looks one step ahead: the gradient and the mean of the gradients move the parameter by turns, weighted
    by a momentum ``mu`` that warms up with ``momentum_decay``; ``mu_product`` is the product of all ``mu`` so far."""

    counters = ("step", "mu_product")
    capturable_states = "params, mu_products and state_steps"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_adam_options(lr, betas, eps, weight_decay)
        if not 0.0 <= momentum_decay:
            raise ValueError(f"Invalid momentum_decay value: {momentum_decay}")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def later_options(self) -> dict[str, Any]:
        return super().later_options() | {"decoupled_weight_decay": False}

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": counter(0.0),
            "mu_product": counter(1.0),
            "exp_avg": zeros_like(p),
            "exp_avg_sq": zeros_like(p),
        }

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        step, product = counters
        step = step + 1
        beta1, beta2 = group["betas"]
        lr, decay, slow = group["lr"], group["weight_decay"], group["momentum_decay"]
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * slow))
        mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * slow))
        product = product * mu
        shrink = 1 - lr * decay if decay and group["decoupled_weight_decay"] else None
        return (step, product), (
            group["maximize"],
            decay,
            shrink,
            1 - beta1,
            beta2,
            1 - beta2,
            group["eps"],
            1 - beta2**step,
            -lr * (1.0 - mu) / (1.0 - product),
            -lr * mu_next / (1.0 - product * mu_next),
        )

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, decay, shrink, take1, beta2, take2, eps, correction, along_gradient, along_mean = scalars
        if maximize:
            g = xp.neg(g)
        if decay:
            if shrink is not None:
                xp.mul_(p, shrink)
            else:
                g = xp.add(g, p, decay)
        mean, square = slots
        xp.lerp_(mean, g, take1)
        xp.addcmul_(xp.mul_(square, beta2), g, g, take2)
        denominator = xp.plus(xp.root(xp.div(square, correction)), eps)
        xp.addcdiv_(p, g, denominator, along_gradient)
        xp.addcdiv_(p, mean, denominator, along_mean)
