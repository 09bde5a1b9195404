"""The two primitives of views and in-place: `replay` (a view of a base that moved on) and `write` (into a view)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import front, rule_for, size_of_batch, stretched
from ..core.dtypes import FROM_NUMPY
from ..core.fast import FlatNode
from ..core.primitive import OpNode, composite, linear, ops
from ..core.tensor import Tensor
from ..core.views import apply_chain
from ..kernels.numpy import Scattered


def _write_zero(xp: Any, g: Any, chain: Any) -> Any:
    """g, with zeros where the view is."""
    return xp.write(g, xp.zeros_like(xp.replay(g, chain=chain)), chain=chain)


#: views in which one element of the base may be seen several times: their gradients add up
_OVERLAPPING = frozenset(("expand", "unfold", "as_strided"))


def _replay_rule(xp: Any, g: Any, x_shape: Any, chain: Any) -> Any:
    """The gradient put back where the view shows the base."""
    if not any(step[0].name in _OVERLAPPING for step in chain):
        return xp.write(xp.new_zeros(g, x_shape), g, chain=chain)
    dtype = getattr(g.dtype, "np", g.dtype)
    if any(step[0].name in ("view_as_real", "real", "imag") for step in chain):
        dtype = np.result_type(dtype, np.complex64)
    x = np.empty(x_shape, dtype)  # only looked at from outside: the shapes on the way
    seen = []
    for step in chain:
        y = step[0].kernel(x, **step[1])
        seen.append((step, x.shape, FROM_NUMPY[x.dtype], len(y) if len(step) == 3 else 1))
        x = y if len(step) == 2 else y[step[2]]
    for step, shape, kind, count in reversed(seen):
        prim, params = step[:2]
        env = {**params, "x_shape": shape, "x_dtype": kind}
        gs = g if len(step) == 2 else tuple([g if nr == step[2] else None for nr in range(count)])
        g = prim.vjp["x"](xp, gs, *[env[name] for name in prim.wants["x"]])
        if isinstance(g, Scattered):
            g = g.add_to(g.zeros())
    return g


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
    from ..core.level_inplace import widen

    n = size_of_batch(vals, dims)
    x, y = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    out = ops.clone(x, memory_format=None)
    widen(out, y)
    part, d = _replay_on_batch(out, 0, params["chain"])
    front(part, d).copy_(y)
    return out, 0


replay = linear(
    "replay",
    batch=_batch_replay,
    params=("chain",),
    half="native",
    node="AsStridedBackward0",
    vjp=dict(x=_replay_rule),
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


def _name(self: Any) -> str:
    return "torch::autograd::CopySlices"


def _shown_edges(self: Any) -> Any:
    """The base, then what the operation on the view had besides the view (PyTorch keeps that operation inside)."""
    base, value = self.edge_tuple
    if isinstance(value, OpNode) or isinstance(value, FlatNode):
        return [(0, base), *[(1, e) for e in value.edges[1:]]]
    return [(0, base), (1, value)]


#: the write of an in-place operation on a view; `write.Node` itself is a plain copy into one
write.InplaceNode = write.renamed("CopySlices")  # type: ignore[attr-defined]
write.Node.name = write.InplaceNode.name = _name  # type: ignore[attr-defined, method-assign]
write.InplaceNode.shown_edges = _shown_edges  # type: ignore[attr-defined]


@composite
def new_zeros(like: Tensor, shape: Any) -> Tensor:
    """Zeros of `shape` with the dtype of `like`."""
    return ops.zeros(tuple(shape), dtype=like.dtype)


__all__ = ["apply_chain", "replay", "write"]
