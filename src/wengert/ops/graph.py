"""The two primitives of views and in-place: `replay` (a view of a base that moved on) and `write` (into a view)."""

from __future__ import annotations

from typing import Any

from ..core.batching import front, rule_for, size_of_batch, stretched
from ..core.primitive import composite, linear, ops
from ..core.tensor import Tensor
from ..core.views import apply_chain


def _write_zero(xp: Any, g: Any, chain: Any) -> Any:
    """g, with zeros where the view is."""
    return xp.write(g, xp.zeros_like(xp.replay(g, chain=chain)), chain=chain)


def _replay_on_batch(x: Tensor, d: int, chain: Any) -> tuple[Any, int]:
    """Apply the views of a chain to a batch, each by its own batch rule."""
    for step in chain:
        x, d = rule_for(step[0])(step[0], [x], [d], step[1])
        if len(step) == 3:
            x, d = x[step[2]], d[step[2]] if isinstance(d, tuple) else d  # type: ignore[index]
    return x, d


def _batch_replay(prim: Any, vals: Any, dims: Any, params: Any) -> Any:
    return _replay_on_batch(vals[0], dims[0], params["chain"])


def _batch_write(prim: Any, vals: Any, dims: Any, params: Any) -> Any:
    n = size_of_batch(vals, dims)
    x, y = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    out = ops.clone(x, memory_format=None)
    part, d = _replay_on_batch(out, 0, params["chain"])
    front(part, d).copy_(y)
    return out, 0


replay = linear(
    "replay",
    batch=_batch_replay,
    params=("chain",),
    half="native",
    node="AsStridedBackward0",
    vjp=dict(x=lambda xp, g, x_shape, chain: xp.write(xp.new_zeros(g, x_shape), g, chain=chain)),
)
write = linear(
    "write",
    batch=_batch_write,
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
