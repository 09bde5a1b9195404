"""Adam, with AMSGrad and decoupled weight decay."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import adam
from .optimizer import ParamsT
from .update import RuleOptimizer, Scalars, counter, zeros_like

__all__ = ["Adam", "adam"]

_NO_TENSOR = "{} as a Tensor is not supported for capturable=False and foreach=True"


class Adam(RuleOptimizer):
    """Adaptive moments: ``p -= lr * m' / (sqrt(v') + eps)`` with running means ``m`` of the gradient and ``v`` of its
    square, both corrected for their start at zero.

    ``amsgrad`` uses the largest ``v`` so far; ``decoupled_weight_decay`` shrinks the parameter instead of adding to
    the gradient. Raises ValueError for options out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor):
            if foreach and not capturable:
                raise ValueError(_NO_TENSOR.format("lr"))
            if lr.numel() != 1:
                raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for i in (0, 1):
            if not 0.0 <= betas[i] < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if isinstance(betas[0], Tensor) is not isinstance(betas[1], Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        for i in (0, 1):
            beta = betas[i]
            if isinstance(beta, Tensor):
                if foreach and not capturable:
                    raise ValueError(_NO_TENSOR.format(f"betas[{i}]"))
                if beta.numel() != 1:
                    raise ValueError(f"Tensor betas[{i}] must be 1-element")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        self._check_flags(differentiable, foreach, fused)

    def later_options(self) -> dict[str, Any]:
        return super().later_options() | {"amsgrad": False, "decoupled_weight_decay": False, "fused": None}

    def check_group(self, group: dict[str, Any]) -> None:
        if group["foreach"] and not group["capturable"] and isinstance(group["lr"], Tensor):
            raise RuntimeError(_NO_TENSOR.format("lr"))

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": counter(0.0)} | {name: zeros_like(p) for name in self.slots(group)}

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        step = counters[0] + 1
        beta1, beta2 = group["betas"]
        lr, decay = group["lr"], group["weight_decay"]
        shrink = 1 - lr * decay if decay and group["decoupled_weight_decay"] else None
        return (step,), (
            group["maximize"],
            decay,
            shrink,
            1 - beta1,
            beta2,
            1 - beta2,
            group["eps"],
            1 / (1 - beta2**step) ** 0.5,
            -(lr / (1 - beta1**step)),
        )

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, decay, shrink, take1, beta2, take2, eps, correction, step_size = scalars
        if maximize:
            g = xp.neg(g)
        if decay:
            if shrink is not None:
                xp.mul_(p, shrink)
            else:
                g = xp.add(g, p, decay)
        mean, square = slots[0], slots[1]
        xp.lerp_(mean, g, take1)
        xp.addcmul_(xp.mul_(square, beta2), g, g, take2)
        if len(slots) > 2:
            square = xp.copy_(slots[2], xp.maximum(slots[2], square))
        denominator = xp.plus(xp.times(xp.sqrt(square), correction), eps)
        xp.addcdiv_(p, mean, denominator, step_size)
