"""Calling a module with other parameters, and stacking the parameters of many modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.primitive import ops
from ...core.tensor import Tensor


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """`module(*args, **kwargs)` with the given parameters and buffers (a dict, or a sequence of dicts) in place of its
    own, which come back afterwards. `tie_weights`: parameters that are one tensor stay one. `strict`: all must be given.
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        given = parameter_and_buffer_dicts
    elif isinstance(parameter_and_buffer_dicts, Sequence):
        if not all(isinstance(d, dict) for d in parameter_and_buffer_dicts):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        names = [k for d in parameter_and_buffer_dicts for k in d]
        repeated = sorted({n for n in names if names.count(n) > 1})
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {k: v for d in parameter_and_buffer_dicts for k, v in d.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    from .stateless import _functional_call

    return _functional_call(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(parameters, buffers) of several modules of one class, stacked along a new first dimension, ready for `vmap`."""
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if not all(type(m) is type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params = {
        name: _stacked([dict(m.named_parameters())[name] for m in models]) for name, _ in models[0].named_parameters()
    }
    buffers = {name: _stacked([dict(m.named_buffers())[name] for m in models]) for name, _ in models[0].named_buffers()}
    return params, buffers


def _stacked(tensors: list[Tensor]) -> Tensor:
    leaf = all(t.is_leaf for t in tensors)
    if leaf:
        wanted = [t.requires_grad for t in tensors]
        if any(wanted) and not all(wanted):
            raise RuntimeError("Expected parameters from different models to have the same .requires_grad")
        return ops.stack([t.detach() for t in tensors], 0).requires_grad_(wanted[0])  # type: ignore[attr-defined, no-any-return]
    return ops.stack(tensors, 0)  # type: ignore[no-any-return]


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Make every batch norm layer of `root` (itself too) forget its running statistics, which vmap cannot update.
    -> root"""
    from ..batchnorm import _BatchNorm

    for layer in root.modules():
        if isinstance(layer, _BatchNorm) and layer.track_running_stats:
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
            layer.track_running_stats = False
    return root
