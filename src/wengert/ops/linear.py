"""The affine map `x @ weight.T + bias`, on the straight line for plain float tensors, and `bilinear`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front, padded
from ..core.dispatch import dispatch
from ..core.fast import F32, F64, next_seq
from ..core.graph import LEAF, VIEW
from ..core.inplace import write_out
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import general, multilinear, ops
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor, new
from ..kernels import numpy as kernels
from .addmm import _addmm, _check_added, _check_addmm
from .install import public
from .linear_nodes import AddmmNode, AddmmViewNode, MmNode, MmViewNode
from .lines import c_name, real_gradient_only, refuse

ndarray = np.ndarray
product = np.dot
add = np.add


@public(name="nn.functional.linear", method=False)
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """`input @ weight.T + bias`: (*, in), (out, in), (out) -> (*, out). All of one dtype."""
    if out is not None:
        return write_out(out, linear(input, weight, bias), "linear")
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
                made = MmNode if rank == 2 else MmViewNode
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
                    made = AddmmNode
                else:
                    if not a.flags.c_contiguous:
                        return _linear_any(input, weight, bias)
                    made = AddmmViewNode
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


def _sum_of_outer(xp: Any, p: Any, q: Any) -> Any:
    """The outer products of the last dimensions of `p` and `q`, summed over all dimensions before."""
    if p.ndim == 1:
        return xp.unsqueeze(p, dim=1) * q
    if p.ndim != 2:
        rows = math.prod(p.shape[:-1])
        p, q = xp.reshape(p, (rows, p.shape[-1])), xp.reshape(q, (rows, q.shape[-1]))
    return xp.linear_back(xp.transpose(p, dim0=0, dim1=1), q)


def _batch_linear(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """Inputs under one weight are one input with a dimension more; weights that differ need a batched product."""
    (x, w), (d, at) = vals, dims
    x = front(x, d)
    if at is None:
        return prim(x, w), 0
    w = front(w, at)
    if prim is _linear_map:
        w = ops.transpose(w, dim0=1, dim1=2)
    n, _, outs = w.shape
    rank = vals[0].ndim - (d is not None)
    inner = tuple(x.shape)[-rank:]
    rows = math.prod(inner[:-1])
    if rank != 2:
        x = ops.reshape(x, (n, rows, inner[-1]) if d is not None else (rows, inner[-1]))
    y = ops.matmul(x, w)
    return y if rank == 2 else ops.reshape(y, (n, *inner[:-1], outs)), 0


# linear without bias and its transpose, for inputs of any rank, as one operation each: what values of transforms use
# (fewer levels of dispatch than PyTorch's chain)
_linear_map = multilinear(
    "linear_map",
    inputs=("x", "w"),
    batch=_batch_linear,
    node="AddmmBackward0",
    promote=None,
    vjp=dict(
        x=lambda xp, g, w: xp.linear_back(g, xp.conj(w)), w=lambda xp, g, x: _sum_of_outer(xp, g, xp.conj(x))
    ),
)
_linear_back = multilinear(
    "linear_back",
    inputs=("x", "w"),
    kernel=lambda x, w: product(x, w) if x.ndim <= 2 else kernels.matmul(x, w),
    batch=_batch_linear,
    node="MmBackward0",
    promote=None,
    vjp=dict(
        x=lambda xp, g, w: xp.linear_map(g, xp.conj(w)), w=lambda xp, g, x: _sum_of_outer(xp, xp.conj(x), g)
    ),
)


def _affine_kernel(x: Any, w: Any, b: Any) -> Any:
    y = kernels.linear_map(x, w)
    return add(y, b, y)


def _batch_affine_map(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """As `linear_map`; a bias that differs is added after it."""
    if dims[1] is None and dims[2] is None:
        return prim(front(vals[0], dims[0]), vals[1], vals[2]), 0
    if dims[0] is None and dims[1] is None:
        y = _linear_map(vals[0], vals[1])
        rank = y.ndim
    else:
        y, _ = _batch_linear(_linear_map, vals[:2], dims[:2], {})
        rank = y.ndim - 1
    return y + padded(vals[2], dims[2], rank), 0


# linear with bias, likewise
_affine_map = general(
    "affine_map",
    inputs=("x", "w", "b"),
    kernel=_affine_kernel,
    batch=_batch_affine_map,
    node="AddmmBackward0",
    vjp=dict(
        x=lambda xp, g, w: xp.linear_back(g, xp.conj(w)),
        w=lambda xp, g, x: _sum_of_outer(xp, g, xp.conj(x)),
        b=lambda xp, g, b_shape: xp.sum_to(g, b_shape),
    ),
    jvp=dict(
        x=lambda xp, t, w: xp.linear_map(t, w), w=lambda xp, t, x: xp.linear_map(x, t), b=lambda xp, t: t
    ),
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
    if bias is not None and bias.ndim == 1 and bias.shape[0] == weight.shape[0]:
        return _affine_map(input, weight, bias)  # type: ignore[no-any-return]
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
    size: Any = weight.size  # type: ignore[attr-defined]
    if input1.size(-1) != size(1):  # type: ignore[attr-defined]
        raise RuntimeError(f"bilinear(): input1 size does not match weight size: got {a[-1]} but expected {size(1)}")
    if b[-1] != size(2):
        raise RuntimeError(f"bilinear(): input2 size does not match weight size: got {b[-1]} but expected {size(2)}")
    out, in1, in2 = weight.shape[:3]
    if bias is not None and bias.shape[0] != out:
        raise RuntimeError(f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {out}")
    if weight.ndim != 3:
        raise RuntimeError("number of dimensions must match")
    if not input1.dtype is input2.dtype is weight.dtype:
        kinds = [c_name(t.dtype) for t in (input1, input2, weight)]
        raise RuntimeError(
            f"All tensors must have the same dtype, got input1: {kinds[0]}, input2: {kinds[1]}, weight: {kinds[2]}"
        )
    if bias is not None and bias.dtype is not input1.dtype:
        kind = c_name(input1.dtype)
        raise RuntimeError(
            f"All tensors must have the same dtype, got input1: {kind}, input2: {kind}, weight: {kind}, bias: "
            f"{c_name(bias.dtype)}"
        )
    refuse(input1, "b", "\"bmm\" not implemented for 'Bool'", NotImplementedError)
    real_gradient_only("_trilinear", input1, input2, weight)
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
