"""Adagrad: steps that shrink with the sum of the squared gradients."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import adagrad
from .optimizer import ParamsT, check_lr
from .update import RuleOptimizer, Scalars, counter, full_like

__all__ = ["Adagrad", "adagrad"]


class Adagrad(RuleOptimizer):
    """``p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(sum of g^2) + eps)``. The state exists from the start."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= lr_decay:
            raise ValueError(f"Invalid lr_decay value: {lr_decay}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if not 0.0 <= initial_accumulator_value:
            raise ValueError(f"Invalid initial_accumulator_value value: {initial_accumulator_value}")
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        self._check_flags(differentiable, foreach, fused)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = self.fresh(p, group)

    def later_options(self) -> dict[str, Any]:
        return {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def share_memory(self) -> None:
        """Let other processes share the sums. Raises NotImplementedError."""
        raise NotImplementedError("Adagrad.share_memory: tensors in shared memory are not supported")

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("sum",)

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        start = group["initial_accumulator_value"]
        return {"step": counter(0.0), "sum": full_like(p, complex(start, start) if p.is_complex() else start)}

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        step = counters[0] + 1
        step_size = -(group["lr"] / (1 + (step - 1) * group["lr_decay"]))
        return (step,), (group["maximize"], group["weight_decay"], group["eps"], step_size)

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, decay, eps, step_size = scalars
        if maximize:
            g = xp.neg(g)
        if decay:
            g = xp.add(g, p, decay)
        (total,) = slots
        xp.addcmul_(total, g, g)
        xp.addcdiv_(p, g, xp.plus(xp.sqrt(total), eps), step_size)
