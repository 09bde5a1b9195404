"""The affine map `x @ weight.T + bias`, on the straight line for plain float tensors, and `bilinear`.

One node stands for what PyTorch records as a transpose, a product and perhaps two views; `next_functions` shows those.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front
from ..core.dispatch import dispatch
from ..core.fast import F32, F64, check_version, next_seq
from ..core.graph import BACKWARD_TWICE, FREED, LEAF, VIEW, Edge, Node, NodeMeta, endpoint
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import multilinear, ops
from ..core.samples import Case, T, samples
from ..core.saved import with_edge
from ..core.tensor import PLAIN, Tensor, new
from .addmm import _addmm, _check_added, _check_addmm
from .install import public
from .matmul import shown

ndarray = np.ndarray
product = np.dot
add = np.add

#: vectors of ones: their product with a matrix sums its rows, faster than `add.reduce` for the small ones
_ones: dict[Any, dict[int, Any]] = {F32: {}, F64: {}}
_ONES_UP_TO = 4096


def column_sums(g: Any) -> Any:
    """The sum over the rows of a 2-d array."""
    n = g.shape[0]
    try:
        return product(_ones[g.dtype][n], g)
    except KeyError:
        pass
    known = _ones.get(g.dtype)
    if known is None or n > _ONES_UP_TO or len(known) > 64:
        return add.reduce(g, axis=0)
    known[n] = np.ones(n, g.dtype)
    return product(known[n], g)


class LinearNode(Node):
    """y = x @ weight.T + bias for x of any rank: edges of the bias, x and the weight; `s0` is x, `s1` the weight."""

    __slots__ = ("e0", "e1", "e2", "n0", "n1", "s0", "s1")

    prim = _addmm

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0, self.e1, self.e2)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        x, w = self.s0, self.s1
        if x is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if raw:
            g = gs if gs.ndim == 2 else gs.reshape(-1, gs.shape[-1])
            gx = gw = None
            if w is not None:
                if w._ver != self.n1:
                    check_version(w, self.n1, self.e2)
                gx = product(g, w._data)
                if g is not gs:
                    gx = gx.reshape(*gs.shape[:-1], gx.shape[1])
            if x is not None:
                if x._ver != self.n0:
                    check_version(x, self.n0, self.e1)
                a = x._data
                gw = product(g.T, a if a.ndim == 2 else a.reshape(-1, a.shape[-1]))
            return (None if self.e0 is None else column_sums(g)), gx, gw
        shape = tuple(gs.shape)
        g = gs if len(shape) == 2 else xp.reshape(gs, (math.prod(shape[:-1]), shape[-1]))
        gx = gw = None
        if w is not None:
            if w._ver != self.n1:
                check_version(w, self.n1, self.e2)
            gx = xp.mm(g, with_edge(w, self.e2))
            if len(shape) != 2:
                gx = xp.reshape(gx, (*shape[:-1], gx.shape[1]))
        if x is not None:
            if x._ver != self.n0:
                check_version(x, self.n0, self.e1)
            a = with_edge(x, self.e1)
            gw = xp.mm(xp.t(g), a if a.ndim == 2 else xp.reshape(a, (-1, a.shape[-1])))
        return (None if self.e0 is None else xp.sum(g, dim=(0,), keepdim=False)), gx, gw

    def release(self) -> None:
        self.s0 = FREED

    def saved_values(self) -> Any:
        if self.s0 is FREED:
            yield "mat1", FREED
            yield "mat2", FREED
            return
        yield "mat1", None if self.s0 is None else with_edge(self.s0, self.e1)
        yield "mat2", None if self.s1 is None else ops.t(with_edge(self.s1, self.e2))

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        w = None if self.e2 is None else shown("TBackward0", self.e2)
        return tuple([endpoint(e) for e in self.shown_chain(w)])

    def shown_chain(self, w: Edge) -> tuple[Edge, ...]:
        return self.e0, self.e1, w


class LinearViewNode(LinearNode):
    """For x that is no matrix: PyTorch shows views around the product of matrices."""

    __slots__ = ()

    def shown_chain(self, w: Edge) -> tuple[Edge, ...]:
        x = None if self.e1 is None else shown("ViewBackward0", self.e1)
        return (shown("AddmmBackward0", self.e0, x, w),)


class ProductNode(LinearNode):
    """Without bias."""

    __slots__ = ()

    def shown_chain(self, w: Edge) -> tuple[Edge, ...]:
        return self.e1, w


class ProductViewNode(LinearNode):
    """Without bias, for x that is no matrix."""

    __slots__ = ()

    def shown_chain(self, w: Edge) -> tuple[Edge, ...]:
        x = None if self.e1 is None else shown("ViewBackward0", self.e1)
        return (shown("MmBackward0", x, w),)


def _named(name: str, base: type[LinearNode]) -> Any:
    return NodeMeta(name, (base,), {"__slots__": (), "__module__": "torch.autograd"})


_Addmm, _Mm = _named("AddmmBackward0", LinearNode), _named("MmBackward0", ProductNode)
_AddmmView, _MmView = _named("ViewBackward0", LinearViewNode), _named("UnsafeViewBackward0", ProductViewNode)


@public(name="nn.functional.linear", method=False)
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`input @ weight.T + bias`: (*, in), (out, in), (out) -> (*, out). All of one dtype."""
    if input.__class__ in PLAIN and weight.__class__ in PLAIN:
        a, w = input._data, weight._data
        kind = w.dtype
        rank = a.ndim
        if (kind is F32 or kind is F64) and a.dtype is kind and w.ndim == 2 and rank > 1:
            m = mode()
            f1, f2 = input._fn, weight._fn
            if m is GRAD:
                if f1 is LEAF:
                    f1 = input
                elif f1 is VIEW:
                    f1 = input._view.edge(input)
                if f2 is LEAF:
                    f2 = weight
                elif f2 is VIEW:
                    f2 = weight._view.edge(weight)
            elif m is NO_GRAD:
                f1 = f2 = None
            else:
                return _linear_any(input, weight, bias)
            f0 = None
            if bias is None:
                b = None
                made = _Mm if rank == 2 else _MmView
            elif bias.__class__ in PLAIN:
                b = bias._data
                if b.dtype is not kind or b.ndim != 1 or b.shape[0] != w.shape[0]:
                    return _linear_any(input, weight, bias)
                if m is GRAD:
                    f0 = bias._fn
                    if f0 is LEAF:
                        f0 = bias
                    elif f0 is VIEW:
                        f0 = bias._view.edge(bias)
                if rank == 2:
                    made = _Addmm
                else:
                    if not a.flags.c_contiguous:
                        return _linear_any(input, weight, bias)
                    made = _AddmmView
            else:
                return _linear_any(input, weight, bias)
            try:
                if rank == 2:
                    y = product(a, w.T)
                else:
                    y = product(a.reshape(-1, w.shape[1]), w.T).reshape(*a.shape[:-1], w.shape[0])
            except ValueError:
                return _linear_any(input, weight, bias)
            if b is not None:
                add(y, b, y)
            t = new(Tensor)
            t._data = y
            t._ver = 0
            t._view = None
            if f0 is None and f1 is None and f2 is None:
                t._fn = None
                return t
            node = new(made)
            node.e0 = f0
            node.e1 = f1
            node.e2 = f2
            if f2 is not None:
                node.s0 = input
                n = input._ver
                node.n0 = n if n.__class__ is int else n.n
            else:
                node.s0 = None
            if f1 is not None:
                node.s1 = weight
                n = weight._ver
                node.n1 = n if n.__class__ is int else n.n
            else:
                node.s1 = None
            node.hooks = None
            node.seq = next_seq()
            t._fn = node
            return t
    return _linear_any(input, weight, bias)


def _weight_rule(xp: Any, g: Any, x: Any) -> Any:
    x = xp.conj(x)
    if x.ndim == 1:
        return xp.unsqueeze(g, dim=1) * x
    rows = math.prod(x.shape[:-1])
    flat = xp.reshape(g, (rows, g.shape[-1]))
    return xp.linear_map(
        xp.transpose(flat, dim0=0, dim1=1), xp.transpose(xp.reshape(x, (rows, x.shape[-1])), dim0=0, dim1=1)
    )


def _batch_linear_map(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """Inputs under one weight are one input with a dimension more; weights that differ need a batched product."""
    x, w = (front(v, d) for v, d in zip(vals, dims, strict=True))
    if dims[1] is None:
        return prim(x, w), 0
    n = w.shape[0]
    rank = vals[0].ndim - (dims[0] is not None)
    if rank == 1:
        x = ops.unsqueeze(x, dim=x.ndim)
        return ops.reshape(ops.matmul(w, x), (n, w.shape[1])), 0
    inner = tuple(x.shape)[-rank:]
    rows = math.prod(inner[:-1])
    flat = ops.reshape(x, (n, rows, inner[-1]) if dims[0] is not None else (rows, inner[-1]))
    y = ops.matmul(flat, ops.transpose(w, dim0=1, dim1=2))
    return ops.reshape(y, (n, *inner[:-1], w.shape[1])), 0


# linear without bias, as one operation: what values of transforms use (fewer levels of dispatch than PyTorch's chain)
_linear_map = multilinear(
    "linear_map",
    inputs=("x", "w"),
    batch=_batch_linear_map,
    node="AddmmBackward0",
    promote=None,
    vjp=dict(x=lambda xp, g, w: xp.linear_map(g, xp.conj(xp.transpose(w, dim0=0, dim1=1))), w=_weight_rule),
)


def _linear_on_level(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """linear on values of transforms."""
    rows, inner = math.prod(input.shape[:-1]), input.shape[-1]
    if weight.ndim != 2 or inner != weight.shape[1]:
        if weight.ndim != 2:
            raise RuntimeError("mat2 must be a matrix, got 1-D tensor")
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{inner} and {weight.shape[1]}x{weight.shape[0]})"
        )
    y = _linear_map(input, weight)
    return y if bias is None else y + bias  # type: ignore[no-any-return]


def _linear_any(input: Any, weight: Any, bias: Any) -> Tensor:
    """linear off the straight line: PyTorch's own chain of operations."""
    for position, (name, x) in enumerate((("input", input), ("weight", weight)), 1):
        if not isinstance(x, Tensor):
            raise TypeError(f"linear(): argument '{name}' (position {position}) must be Tensor, not {type(x).__name__}")
    if bias is not None and not isinstance(bias, Tensor):
        raise TypeError(f"linear(): argument 'bias' (position 3) must be Tensor, not {type(bias).__name__}")
    if not input.ndim or not weight.ndim:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {input.ndim}D and {weight.ndim}D"
        )
    if (input._level or weight._level or (bias is not None and bias._level)) and weight.ndim == 2:
        return _linear_on_level(input, weight, bias)
    if bias is None:
        return ops.matmul(input, ops.t(weight))  # type: ignore[no-any-return]
    w = ops.t(weight)
    if weight.ndim == 1:
        raise RuntimeError("mat2 must be a matrix, got 1-D tensor")
    if input.ndim == 2:
        _check_addmm(bias, input, w)
        return dispatch(_addmm, (bias, input, w), {"beta": 1, "alpha": 1})  # type: ignore[no-any-return]
    shape = tuple(input.shape)
    rows = math.prod(shape[:-1])
    if rows * shape[-1] == 0 or _contiguous(input):
        flat = ops.reshape(input, (rows, shape[-1]))
        _check_addmm(bias, flat, w)
        y = dispatch(_addmm, (bias, flat, w), {"beta": 1, "alpha": 1})
        return ops.view(y, size=(*shape[:-1], w.shape[1]))  # type: ignore[no-any-return]
    y = ops.matmul(input, w)
    _check_added(bias, tuple(y.shape))
    return y + bias  # type: ignore[no-any-return]


def _contiguous(x: Tensor) -> bool:
    flags = getattr(x._data, "flags", None)
    return flags is None or flags.c_contiguous


@public(name="nn.functional.bilinear", method=False)
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`y[..., k] = input1 @ weight[k] @ input2 + bias[k]` with weight (out, in1, in2)."""
    if input1.ndim != input2.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}")
    a, b = tuple(input1.shape), tuple(input2.shape)
    for i, (n, m) in enumerate(zip(a[:-1], b[:-1], strict=True)):
        if n != m:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {i}: got {n} and {m}")
    out, in1, in2 = weight.shape
    if a[-1] != in1:
        raise RuntimeError(f"bilinear(): input1 size does not match weight size: got {a[-1]} but expected {in1}")
    if b[-1] != in2:
        raise RuntimeError(f"bilinear(): input2 size does not match weight size: got {b[-1]} but expected {in2}")
    if bias is not None and bias.shape[0] != out:
        raise RuntimeError(f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {out}")
    rows = math.prod(a[:-1])
    x, y = ops.reshape(input1, (rows, in1)), ops.reshape(input2, (rows, in2))
    # (rows, in1) @ (in1, out * in2) -> (rows, out, in2), then with y over in2
    left = ops.reshape(ops.mm(x, ops.reshape(ops.permute(weight, dims=(1, 0, 2)), (in1, out * in2))), (rows, out, in2))
    z = ops.reshape(ops.bmm(left, ops.unsqueeze(y, dim=2)), (*a[:-1], out))
    return z if bias is None else z + bias  # type: ignore[no-any-return]


samples(
    "nn.functional.linear",
    Case(T(2, 3), T(4, 3), T(4)), Case(T(2, 3), T(4, 3)), Case(T(5, 2, 3), T(4, 3), T(4)), Case(T(3), T(4, 3), T(4)),
    Case(T(2, 2, 3), T(4, 3)), Case(T(0, 3), T(2, 3), T(2)), Case(T(2, 3), T(4, 3), T(1)), Case(T(3), T(4, 3)),
)  # fmt: skip
samples(
    "nn.functional.bilinear",
    Case(T(4, 3), T(4, 2), T(5, 3, 2), T(5)), Case(T(2, 2, 3), T(2, 2, 2), T(4, 3, 2)), complex=False,
)  # fmt: skip
