"""The two primitives of views and in-place: `replay` (a view of a base that moved on) and `write` (into a view)."""

from __future__ import annotations

from typing import Any

from ..core.primitive import composite, linear, ops
from ..core.tensor import Tensor
from ..core.views import apply_chain


def _write_zero(xp: Any, g: Any, chain: Any) -> Any:
    """g, with zeros where the view is."""
    return xp.write(g, xp.zeros_like(xp.replay(g, chain=chain)), chain=chain)


replay = linear(
    "replay",
    params=("chain",),
    half="native",
    node="AsStridedBackward0",
    vjp=dict(x=lambda xp, g, x_shape, chain: xp.write(xp.new_zeros(g, x_shape), g, chain=chain)),
)
write = linear(
    "write",
    inputs=("x", "y"),
    params=("chain",),
    half="native",
    node="CopySlices",
    vjp=dict(x=_write_zero, y=lambda xp, g, chain: xp.replay(g, chain=chain)),
)


@composite
def new_zeros(like: Tensor, shape: Any) -> Tensor:
    """Zeros of `shape` with the dtype of `like`."""
    return ops.zeros(tuple(shape), dtype=like.dtype)


__all__ = ["apply_chain", "replay", "write"]
