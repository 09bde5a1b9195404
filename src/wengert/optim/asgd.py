"""ASGD: stochastic gradient descent that also averages its iterates."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ._functional import asgd
from .optimizer import ParamsT, check_lr
from .update import RuleOptimizer, Scalars, counter, zeros_like

__all__ = ["ASGD", "asgd"]


class ASGD(RuleOptimizer):
    """``p -= eta * (g + lambd * p)`` with ``eta = lr / (1 + lambd * lr * t)^alpha``; ``ax`` is the mean of the iterates
    after step ``t0``."""

    counters = ("step", "eta", "mu")
    capturable_states = "params, mus, etas, and state_steps"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("ax",)

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": counter(0.0),
            "eta": counter(float(group["lr"])),
            "mu": counter(1.0),
            "ax": zeros_like(p),
        }

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        step, eta, mu = counters
        step = step + 1
        lr, lambd = group["lr"], group["lambd"]
        next_eta = lr / ((1 + lambd * lr * step) ** group["alpha"])
        late = step - group["t0"]
        next_mu = 1 / (max(1, late) if late.__class__ is float else late.clamp(min=1))
        shrink = 1 - lambd * eta
        return (step, next_eta, next_mu), (group["maximize"], group["weight_decay"], shrink, -eta, mu)

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        maximize, decay, shrink, step_size, mu = scalars
        if maximize:
            g = xp.neg(g)
        if decay:
            g = xp.add(g, p, decay)
        (mean,) = slots
        xp.mul_(p, shrink)
        xp.add_(p, g, step_size)
        if not isinstance(mu, Tensor) and mu == 1:
            xp.copy_(mean, p)
        else:
            xp.add_(mean, xp.mul(xp.add(p, mean, -1), mu))
