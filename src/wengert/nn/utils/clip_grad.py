"""Clipping gradients by their total norm or by value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...core import modes
from ...core.deferred import refuse_where
from ...core.errors import warn
from ...core.tensor import Tensor
from .._functional.base import T

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _vector_norm(t: Any, order: float) -> Any:
    return T.norm(t, order)


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """The norm of all tensors as if they were one vector: a 0-d tensor.

    `foreach` is accepted and changes nothing. Errors: RuntimeError for a norm that is not finite, if asked for.
    """
    with modes.no_grad():
        tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
        order = float(norm_type)
        if not tensors:
            return T.tensor(0.0)
        total = _vector_norm(T.stack([_vector_norm(t, order) for t in tensors]), order)
        if error_if_nonfinite:
            sentence = (
                f"The total norm of order {order} for gradients from `parameters` is non-finite, so it cannot be "
                "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
                "`error_if_nonfinite=False`"
            )
            refuse_where(~total.isfinite(), lambda: RuntimeError(sentence))
        return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Any, foreach: bool | None = None
) -> None:
    """Scale the gradients by `max_norm / total_norm`, if that is below 1."""
    with modes.no_grad():
        grads = _grads(parameters)
        if not grads:
            return
        # Multiplying by 1 where nothing is to be clipped avoids asking for the norm's value.
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor)


def _grads(parameters: Any) -> list[Any]:
    params = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in params if p.grad is not None]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """Scale all gradients in place so that their total norm is at most `max_norm`; returns the norm before."""
    with modes.no_grad():
        if isinstance(parameters, Tensor):
            parameters = [parameters]
        else:
            generator = isinstance(parameters, Iterator)
            parameters = list(parameters)
            if generator and not parameters:
                warn("`parameters` is an empty generator, no gradient clipping will occur.")
        total = get_total_norm(_grads(parameters), norm_type, error_if_nonfinite, foreach)
        clip_grads_with_norm_(parameters, max_norm, total, foreach)
        return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """The old name of `clip_grad_norm_`."""
    warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every gradient element to [-clip_value, clip_value]."""
    bound = float(clip_value)
    with modes.no_grad():
        for grad in _grads(parameters):
            grad.clamp_(min=-bound, max=bound)
