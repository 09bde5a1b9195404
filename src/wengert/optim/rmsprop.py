"""RMSprop, with momentum and the centred variant."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import rmsprop
from .optimizer import ParamsT, check_lr
from .update import RuleOptimizer, Scalars, counter, zeros_like

__all__ = ["RMSprop", "rmsprop"]


class RMSprop(RuleOptimizer):
    """``p -= lr * g / (sqrt(mean of g^2) + eps)``; ``centered`` divides by the deviation instead of the mean square."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        if not 0.0 <= momentum:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if not 0.0 <= alpha:
            raise ValueError(f"Invalid alpha value: {alpha}")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def later_options(self) -> dict[str, Any]:
        return super().later_options() | {"momentum": 0, "centered": False}

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ["square_avg"]
        if group["momentum"] > 0:
            names.append("momentum_buffer")
        if group["centered"]:
            names.append("grad_avg")
        return tuple(names)

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": counter(0.0)} | {name: zeros_like(p) for name in self.slots(group)}

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        alpha = group["alpha"]
        return (counters[0] + 1,), (
            group["maximize"],
            group["weight_decay"],
            alpha,
            1 - alpha,
            group["eps"],
            group["momentum"],
            group["centered"],
            -group["lr"],
        )

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, decay, alpha, take, eps, momentum, centered, step_size = scalars
        if maximize:
            g = xp.neg(g)
        if decay:
            g = xp.add(g, p, decay)
        square = slots[0]
        xp.addcmul_(xp.mul_(square, alpha), g, g, take)
        if centered:
            mean = slots[-1]
            xp.lerp_(mean, g, take)
            deviation = xp.root(xp.add(square, xp.mul(mean, mean), -1))
        else:
            deviation = xp.sqrt(square)
        deviation = xp.plus(deviation, eps)
        if momentum > 0:
            buffer = slots[1]
            xp.addcdiv_(xp.mul_(buffer, momentum), g, deviation)
            xp.add_(p, buffer, step_size)
        else:
            xp.addcdiv_(p, g, deviation, step_size)
