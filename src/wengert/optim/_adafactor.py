"""Adafactor: Adam's mean square in factored form, with steps relative to the size of the parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..core import dtypes, modes
from ..core.tensor import Tensor
from . import tensors
from .optimizer import Optimizer, ParamsT
from .update import counter

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """For a matrix only the means of its rows and columns are kept (``row_var``, ``col_var``), for a vector all squares
    (``variance``). ``eps`` is ``(eps1, eps2)``: eps1 floors the variance (None: the eps of the dtype), eps2 the
    scale of the parameter; ``d`` clips the step. Raises ValueError for options out of range."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            for p in group["params"]:
                held = self.state.get(p)
                if held and not isinstance(held["step"], Tensor):
                    held["step"] = counter(float(held["step"]))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient; returns what ``closure``, if given, returned."""
        loss = None
        if closure is not None:
            with modes.enable_grad():
                loss = closure()
        with modes.no_grad():
            for group in self.param_groups:
                if any(p.grad is not None and p.is_complex() for p in group["params"]):
                    raise RuntimeError("Adafactor does not support complex parameters")
                for p in group["params"]:
                    if p.grad is not None:
                        self._update(p, p.grad, group)
        return loss

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state["step"] = counter(0.0)
            if grad.ndim > 1:
                rows, columns = list(grad.shape), list(grad.shape)
                rows[-1] = columns[-2] = 1
                state["row_var"], state["col_var"] = grad.new_zeros(rows), grad.new_zeros(columns)
            else:
                state["variance"] = grad.new_zeros(grad.shape)
        if group["maximize"]:
            grad = -grad
        eps1, eps2 = group["eps"]
        if eps1 is None:
            eps1 = float(_eps(p.dtype))
        lr, decay = group["lr"], group["weight_decay"]

        state["step"].add_(1)
        step = number(state["step"])
        take = step ** group["beta2_decay"]
        rho = least(number(lr), 1 / step**0.5)
        alpha = most(number(p.norm(2)) / math.sqrt(p.numel()), eps2) * rho
        if decay != 0:
            p.mul_(1 - lr * decay)
        if grad.ndim > 1:
            row, column = state["row_var"], state["col_var"]
            tensors.lerp_(row, (grad * grad).mean(dim=-1, keepdim=True), take)
            tensors.lerp_(column, (grad * grad).mean(dim=-2, keepdim=True), take)
            estimate = row @ column
            estimate.div_(row.mean(dim=-2, keepdim=True).clamp_(min=eps1))
        else:
            tensors.lerp_(state["variance"], grad * grad, take)
            estimate = state["variance"].clone()
        update = estimate.clamp_(min=eps1 * eps1).rsqrt_()
        update.mul_(grad)
        clip = most(number(update.norm(2)) / (math.sqrt(update.numel()) * group["d"]), 1.0)
        tensors.add_(p, update, -alpha / clip)


def number(x: Any) -> Any:
    """A Python number; a 0-d float64 tensor while a step is traced by compile."""
    if not isinstance(x, Tensor):
        return x
    return x.item() if modes.mode().tracer is None else x.double()


def least(a: Any, b: Any) -> Any:
    """The smaller of two numbers (or 0-d tensors)."""
    if isinstance(a, Tensor):
        return a.minimum(b) if isinstance(b, Tensor) else a.clamp(max=b)
    return least(b, a) if isinstance(b, Tensor) else min(a, b)


def most(a: Any, b: float) -> Any:
    """The larger of a number (or 0-d tensor) and a number."""
    return a.clamp(min=b) if isinstance(a, Tensor) else max(a, b)


def _eps(dtype: Any) -> float:
    """The distance from 1 to the next number of ``dtype``."""
    if dtype is dtypes.bfloat16:
        return 2.0**-7
    import numpy as np

    return float(np.finfo(dtype.np).eps)
