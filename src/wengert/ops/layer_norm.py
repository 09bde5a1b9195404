"""Layer norm, on the straight line for plain float tensors."""

from __future__ import annotations

import math
from typing import Any

from ..core.fast import F32, F64, check_version, next_seq
from ..core.graph import BACKWARD_TWICE, FREED, LEAF, VIEW, Edge, Node, NodeMeta
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import ops
from ..core.samples import Case, T, samples
from ..core.saved import with_edge
from ..core.tensor import PLAIN, Tensor, new, wrap
from ..kernels import normalize as kernel
from .install import public
from .normalization import (
    _check_normalized,
    _gradients,
    _layer_node,
    _sizes,
    _standardize,
    _standardized,
    check_parameters,
    layer_takes,
)


class LayerNormNode(Node):
    """Rows of x (s0) to mean 0 and variance 1, times w (s1), plus b: edges of x, w and b, and the rows' statistics."""

    __slots__ = ("e0", "e1", "e2", "eps", "mean", "n0", "n1", "rstd", "s0", "s1", "tail")
    prim = _standardize

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0, self.e1, self.e2)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        x, w = self.s0, self.s1
        if x is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if x._ver != self.n0:
            check_version(x, self.n0, self.e0)
        if w is not None and w._ver != self.n1:
            check_version(w, self.n1, self.e1)
        needs = (self.e0 is not None, self.e1 is not None, self.e2 is not None)
        tail = self.tail
        n = math.prod(tail)
        if raw:
            a = x._data
            flat = None if w is None else w._data.reshape(-1)
            gx, gw, gb = kernel.backward(gs.reshape(-1, n), a.reshape(-1, n), flat, self.mean, self.rstd, needs)
            if len(tail) > 1:
                gw, gb = (None if p is None else p.reshape(tail) for p in (gw, gb))
            return gx if gx is None or gx.shape == a.shape else gx.reshape(a.shape), gw, gb
        lead = tuple(x.shape[: x.ndim - len(tail)])
        view, affine = (math.prod(lead), n), (*(1,) * len(lead), *tail)
        x, w = with_edge(x, self.e0), None if w is None else with_edge(w, self.e1)
        return _gradients(ops, gs, x, w, None, None, needs, tail, tail, view, (1,), affine, self.eps)  # type: ignore[no-any-return]

    def release(self) -> None:
        self.s0 = FREED

    def saved_values(self) -> Any:
        freed = self.s0 is FREED
        yield "input", FREED if freed else with_edge(self.s0, self.e0)
        yield "weight", FREED if freed else None if self.s1 is None else with_edge(self.s1, self.e1)
        yield "normalized_shape", self.tail
        yield "result1", FREED if freed else wrap(self.mean)
        yield "result2", FREED if freed else wrap(self.rstd)


_Node = NodeMeta("NativeLayerNormBackward0", (LayerNormNode,), {"__slots__": (), "__module__": "torch.autograd"})


def _line(x: Tensor, tail: Any, weight: Any, bias: Any, eps: float) -> Tensor | None:
    """Layer norm of plain floats of one dtype; None where something is unusual."""
    a = x._data
    kind = a.dtype
    if (kind is not F32 and kind is not F64) or not a.size or tail.__class__ is not tuple:
        return None
    k = len(tail)
    if not k or a.shape[-k:] != tail:
        return None
    m = mode()
    if m is not GRAD and m is not NO_GRAD:
        return None
    edges: list[Any] = []
    flats: list[Any] = []
    for t in (x, weight, bias):
        if t is None:
            edges.append(None)
            flats.append(None)
            continue
        if t.__class__ not in PLAIN or t._data.dtype is not kind or (t is not x and t._data.shape != tail):
            return None
        fn = t._fn if m is GRAD else None
        if fn is LEAF:
            fn = t
        elif fn is VIEW:
            fn = t._view.edge(t)
        edges.append(fn)
        flats.append(t._data if k == 1 else t._data.reshape(-1))
    rows = a if k == 1 and a.ndim == 2 else a.reshape(-1, math.prod(tail))
    data, mean, rstd = kernel.forward(rows, flats[1], flats[2], eps)
    y: Tensor = new(Tensor)
    y._data = data if rows is a else data.reshape(a.shape)
    y._ver = 0
    y._view = None
    if edges[0] is None and edges[1] is None and edges[2] is None:
        y._fn = None
        return y
    node = new(_Node)
    node.e0, node.e1, node.e2 = edges
    node.s0, node.s1 = x, weight
    v = x._ver
    node.n0 = v if v.__class__ is int else v.n
    if weight is not None:
        v = weight._ver
        node.n1 = v if v.__class__ is int else v.n
    node.mean, node.rstd, node.tail, node.eps = mean, rstd, tail, eps
    node.hooks = None
    node.seq = next_seq()
    y._fn = node
    return y


@public(name="nn.functional.layer_norm", method=False)
def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """The last dimensions, of `normalized_shape`, to mean 0 and variance 1, then weight and bias of that shape."""
    if input.__class__ in PLAIN:
        y = _line(input, normalized_shape, weight, bias, eps)
        if y is not None:
            return y
    shape = _sizes(normalized_shape, "layer_norm")
    _check_normalized(input, shape, weight, bias)
    check_parameters(input, layer_takes, weight, bias)
    lead = tuple(input.shape[: input.ndim - len(shape)])
    view = (math.prod(lead), math.prod(shape))
    affine = (*(1,) * len(lead), *shape)
    return _standardized(input, weight, bias, view, (1,), affine, eps, _layer_node)[0]  # type: ignore[no-any-return]


@public(name="layer_norm", method=False)
def torch_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """`nn.functional.layer_norm`."""
    return layer_norm(input, normalized_shape, weight, bias, eps)


samples(
    "nn.functional.layer_norm",
    Case(T(4, 3), (3,), T(3, low=0.5, high=2.0), T(3)), Case(T(2, 4, 3), (4, 3)), Case(T(2, 4, 3), (3,), T(3)),
    Case(T(3), (3,), eps=0.1), Case(T(2, 2, 3), (2, 3), T(2, 3), T(2, 3)), complex=False,
)  # fmt: skip
