"""SGD, with momentum, dampening, weight decay and Nesterov's variant."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import sgd
from .optimizer import ParamsT
from .update import RuleOptimizer, Scalars, zeros_like

__all__ = ["SGD", "sgd"]


class SGD(RuleOptimizer):
    """``p -= lr * d`` with ``d = momentum * d + (1 - dampening) * (g + weight_decay * p)``.

    The first step takes the gradient itself as the momentum buffer. Raises ValueError for options out of range.
    """

    counters = ()

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, defaults)
        self._check_flags(differentiable, foreach, fused)

    def later_options(self) -> dict[str, Any]:
        return {"nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False}

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _step_single(self, p: Tensor, group: dict[str, Any], raw: bool) -> None:
        if group["momentum"] != 0 and self.state[p].get("momentum_buffer") is None:
            self.state[p]["momentum_buffer"] = zeros_like(p)
            group = {**group, "first": True}
        super()._step_single(p, group, raw)

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        return (), (
            group["maximize"],
            group["weight_decay"],
            group["momentum"],
            1 - group["dampening"],
            "first" in group,
            group["nesterov"],
            -group["lr"],
        )

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, weight_decay, momentum, keep, first, nesterov, step_size = scalars
        if maximize:
            g = xp.neg(g)
        if weight_decay != 0:
            g = xp.add(g, p, weight_decay)
        if momentum != 0:
            (buffer,) = slots
            if first:  # undamped, and (as PyTorch has it) a constant for derivatives
                xp.copy_(buffer, xp.detach(g))
            else:
                xp.add_(xp.mul_(buffer, momentum), g, keep)
            g = xp.add(g, buffer, momentum) if nesterov else buffer
        xp.add_(p, g, step_size)
