"""Muon: momentum whose matrix is made orthogonal before it is applied."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import dtypes, modes
from ..core.tensor import Tensor, wrap
from . import tensors
from .optimizer import Optimizer, ParamsT
from .update import zeros_like

__all__ = ["Muon"]


class Muon(Optimizer):
    """For the matrices of hidden layers: ``p -= lr' * NewtonSchulz(momentum)``. Others want another optimizer.

    ``adjust_lr_fn``: ``"original"`` (also None) or ``"match_rms_adamw"``. Raises ValueError for parameters that are not
    matrices and for options out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 <= momentum:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn is not None and adjust_lr_fn not in ("original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for p in self._parameters():
            if p.ndim != 2:
                raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient; returns what ``closure``, if given, returned."""
        loss = None
        if closure is not None:
            with modes.enable_grad():
                loss = closure()
        with modes.no_grad():
            for group in self.param_groups:
                _check(group)
                for p in group["params"]:
                    if p.grad is not None:
                        self._update(p, p.grad, group)
        return loss

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[p]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros_like(grad)
        momentum, lr = group["momentum"], group["lr"]
        buffer = state["momentum_buffer"]
        buffer.lerp_(grad, 1 - momentum)
        update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = orthogonalise(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        p.mul_(1 - lr * group["weight_decay"])
        tensors.add_(p, update.to(p.dtype), -_adjusted(lr, group["adjust_lr_fn"], p.shape))


def _check(group: dict[str, Any]) -> None:
    for p in group["params"]:
        if p.grad is None:
            continue
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        if p.grad.ndim != 2:
            raise ValueError("Param gradient must be a 2D matrix")
        if group["ns_steps"] >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")


def _adjusted(lr: Any, how: str | None, shape: Any) -> Any:
    rows, columns = shape[0], shape[1]
    if how == "match_rms_adamw":
        return lr * (0.2 * math.sqrt(max(rows, columns)))
    return lr * math.sqrt(max(1, rows / columns))


def orthogonalise(x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """The nearest (semi-)orthogonal matrix, roughly, by Newton-Schulz iterations in bfloat16.

    The products are computed in float32 and rounded to bfloat16, which is what bfloat16 hardware does, too.
    """
    a, b, c = coefficients
    if x._data.__class__ is np.ndarray:
        kind = dtypes.bfloat16.np

        def rounded(m: Any) -> Any:
            return m.astype(kind).astype(np.float32)

        data = rounded(x._data)
        tall = data.shape[0] > data.shape[1]
        q = data.T if tall else data
        norm = max(float(rounded(np.sqrt(np.sum(q * q, dtype=np.float32)))), float(rounded(np.float32(eps))))
        q = rounded(q / np.float32(norm))
        for _ in range(steps):
            gram = rounded(q @ q.T)
            mix = rounded(np.float32(b) * gram + np.float32(c) * (gram @ gram))
            q = rounded(np.float32(a) * q + mix @ q)
        return wrap(np.ascontiguousarray(q.T if tall else q).astype(kind))

    def halved(m: Tensor) -> Tensor:
        return m.bfloat16().float()

    q = halved(x)
    tall = q.shape[0] > q.shape[1]
    if tall:
        q = q.T
    q = halved(q / halved(q.norm()).clamp(min=float(np.float32(dtypes.bfloat16.np.type(eps)))))
    for _ in range(steps):
        gram = halved(q @ q.T)
        q = halved(a * q + halved(b * gram + c * (gram @ gram)) @ q)
    return (q.T if tall else q).bfloat16()
