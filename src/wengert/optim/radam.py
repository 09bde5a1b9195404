"""RAdam: Adam that rectifies the variance of its first steps."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import radam
from .optimizer import ParamsT
from .update import RuleOptimizer, Scalars, check_adam_options, counter, zeros_like

__all__ = ["RAdam", "radam"]


class RAdam(RuleOptimizer):
    """Plain momentum while the mean square rests on too few gradients (``rho <= 5``), then Adam with a rectified
    step."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_adam_options(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def later_options(self) -> dict[str, Any]:
        return super().later_options() | {"decoupled_weight_decay": False}

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": counter(0.0), "exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        step = counters[0] + 1
        beta1, beta2 = group["betas"]
        lr, decay = group["lr"], group["weight_decay"]
        shrink = 1 - lr * decay if decay and group["decoupled_weight_decay"] else None
        correction2 = 1 - beta2**step
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * step * beta2**step / correction2
        rectified: Any = None
        traced = isinstance(rho, Tensor)
        if traced or rho > 5.0:
            ratio = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
            rectified = ratio**0.5 * correction2**0.5
        if traced:  # the program holds both cases
            late = rho > 5.0
            rectified = late, rectified.where(late, 1.0)
        return (step,), (
            group["maximize"],
            decay,
            shrink,
            1 - beta1,
            beta2,
            1 - beta2,
            group["eps"],
            -(lr / (1 - beta1**step)),
            rectified,
        )

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, decay, shrink, take1, beta2, take2, eps, step_size, rectified = scalars
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
        if rectified is None:
            xp.add_(p, mean, step_size)
        elif rectified.__class__ is tuple:
            late, factor = rectified
            xp.addcdiv_(p, mean, xp.where(late, xp.plus(xp.sqrt(square), eps), 1.0), step_size * factor)
        else:
            xp.addcdiv_(p, mean, xp.plus(xp.sqrt(square), eps), step_size * rectified)
