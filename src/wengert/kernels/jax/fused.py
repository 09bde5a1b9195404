"""The gradients of the operations that are written as functions over Tensors (`ops.fused`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .ctc import ctc_gradients
from .distance import cdist_gradients, pdist_gradients
from .host import MissingKernel
from .losses import multi_margin_gradients, multilabel_margin_gradients
from .sampling import affine_gradients, sampler_gradients

GRADIENTS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "affine_grid_generator": affine_gradients,
    "cdist": cdist_gradients,
    "ctc_loss": ctc_gradients,
    "grid_sampler": sampler_gradients,
    "multi_margin_loss": multi_margin_gradients,
    "multilabel_margin_loss": multilabel_margin_gradients,
    "pdist": pdist_gradients,
}

__all__ = ["pulled_back"]


def pulled_back(
    name: str, body: Any, g: Any, needs: Any, xs: Any, params: Any, back: Any = None
) -> tuple[Any, ...]:
    """The gradients of the operation `name` at the arrays `xs`, for `g`."""
    known = GRADIENTS.get(name)
    if known is None:
        raise MissingKernel(f"compile has no kernel for the gradient of {name}")
    return known(g, needs, *xs, **params)
