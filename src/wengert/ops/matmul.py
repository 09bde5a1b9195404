"""Products of matrices and vectors.

`matmul` of more than two dimensions is one node here, where PyTorch records a chain of views around `mm` or `bmm`; the
node bears the name of PyTorch's last one, and `next_functions` shows that chain (see `Shown`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.batching import front, padded
from ..core.dispatch import dispatch
from ..core.errors import warn
from ..core.fast import F32, F64, BinaryInputNode
from ..core.graph import LEAF, VIEW, Edge, Node, NodeMeta, endpoint, next_seq
from ..core.inplace import inplace, write_out
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import Primitive, general, multilinear, ops
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor, new
from .install import public
from .reduce import wrap_dim
from .shape import _squeeze, expand_to

ndarray = np.ndarray
dot_arrays, matmul_arrays = np.dot, np.matmul

_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "bool": "bool",
    "int8": "signed char", "uint8": "unsigned char", "int16": "short", "int32": "int", "int64": "long int",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


# ---------------------------------------------------------------- what the graph shows of several nodes in one


class Shown(Node):
    """A node that PyTorch records and we do not: seen in `next_functions`, never run."""

    __slots__ = ("chain",)

    @property
    def edges(self) -> tuple[Edge, ...]:
        return self.chain


_shown_classes: dict[str, Any] = {}


def shown(name: str, *edges: Edge) -> Node:
    """A node called `name` over `edges`, for the eyes of a reader of the graph."""
    made = _shown_classes.get(name)
    if made is None:
        made = _shown_classes[name] = NodeMeta(name, (Shown,), {"__slots__": (), "prim": None})
    node: Node = new(made)
    node.chain = edges  # type: ignore[attr-defined]
    node.hooks = None
    node.seq = 0
    return node


def _over(edge: Edge, *names: str) -> Edge:
    """`edge` below the shown nodes `names`, outermost first; None stays None."""
    if edge is None:
        return None
    for name in reversed(names):
        edge = shown(name, edge)
    return edge


# ---------------------------------------------------------------- rules


def mH(xp: Any, x: Any) -> Any:
    """The last two dimensions swapped, conjugated."""
    n = x.ndim
    return xp.conj(xp.transpose(x, dim0=n - 2, dim1=n - 1))


def _matmul_grad_x(xp: Any, g: Any, x_shape: Any, y: Any) -> Any:
    if y.ndim == 2 and g.ndim > 2:  # one large product instead of many small ones
        flat = xp.mm(xp.reshape(g, (-1, y.shape[1])), mH(xp, y)) if y.shape[1] else None
        if flat is not None:
            return xp.reshape(flat, x_shape)
    return xp.sum_to(xp.matmul(g, mH(xp, y)), x_shape)


def _matmul_grad_y(xp: Any, g: Any, x: Any, y_shape: Any) -> Any:
    if len(y_shape) == 2 and g.ndim > 2 and y_shape[0] and y_shape[1]:
        return xp.mm(mH(xp, xp.reshape(x, (-1, y_shape[0]))), xp.reshape(g, (-1, y_shape[1])))
    return xp.sum_to(xp.matmul(mH(xp, x), g), y_shape)


def _batch_mm(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = max(v.ndim - (d is not None) for v, d in zip(vals, dims, strict=True))
    return ops.matmul(*[padded(v, d, n) for v, d in zip(vals, dims, strict=True)]), 0


def _batch_mv(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    (x, y), (dx, dy) = vals, dims
    if dy is None:
        return ops.matmul(front(x, dx), y), 0
    y = front(y, dy)
    if dx is None:
        return ops.mm(y, ops.t(x)), 0
    return ops.squeeze(ops.matmul(front(x, dx), ops.unsqueeze(y, dim=2)), dim=(2,)), 0


def _batch_dot(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    (x, y), (dx, dy) = vals, dims
    if dx is None:
        x, y, dx, dy = y, x, dy, dx
    x = front(x, dx)
    if dy is None:
        return ops.mv(x, y), 0
    return ops.sum(x * front(y, dy), dim=(1,), keepdim=False), 0


_mm = multilinear(
    "mm",
    inputs=("x", "y"),
    vjp=dict(x=lambda xp, g, y: xp.mm(g, mH(xp, y)), y=lambda xp, g, x: xp.mm(mH(xp, x), g)),
    promote=None,
    batch=_batch_mm,
    saved_names=dict(y="mat2"),
)
_bmm = multilinear(
    "bmm",
    inputs=("x", "y"),
    kernel=lambda x, y: matmul_arrays(x, y),
    vjp=dict(x=lambda xp, g, y: xp.bmm(g, mH(xp, y)), y=lambda xp, g, x: xp.bmm(mH(xp, x), g)),
    promote=None,
    batch=_batch_mm,
    saved_names=dict(y="mat2"),
)
_mv = multilinear(
    "mv",
    inputs=("x", "y"),
    kernel=lambda x, y: dot_arrays(x, y),
    vjp=dict(x=lambda xp, g, y: xp.outer(g, xp.conj(y)), y=lambda xp, g, x: xp.mv(mH(xp, x), g)),
    promote=None,
    batch=_batch_mv,
    saved_names=dict(y="vec"),
)
_dot = multilinear(
    "dot",
    inputs=("x", "y"),
    vjp=dict(x=lambda xp, g, y: g * xp.conj(y), y=lambda xp, g, x: g * xp.conj(x)),
    promote=None,
    batch=_batch_dot,
    saved_names=dict(y="tensor"),
)
_vdot = general(
    "vdot",
    inputs=("x", "y"),
    kernel=lambda x, y: np.vdot(x, y),
    vjp=dict(x=lambda xp, g, y: xp.conj(g) * y, y=lambda xp, g, x: g * x),
    jvp=dict(x=lambda xp, t, y: xp.vdot(t, y), y=lambda xp, t, x: xp.vdot(x, t)),
    batch=lambda prim, vals, dims, params: _batch_dot(prim, (ops.conj(vals[0]), vals[1]), dims, params),
)
_outer = multilinear(
    "outer",
    inputs=("x", "y"),
    kernel=lambda x, y: np.multiply.outer(x, y),
    vjp=dict(
        x=lambda xp, g, y: xp.mv(g, xp.conj(y)), y=lambda xp, g, x: xp.mv(xp.transpose(g, dim0=0, dim1=1), xp.conj(x))
    ),
    promote="keep",
    batch=lambda prim, vals, dims, params: (
        ops.unsqueeze(front(vals[0], dims[0]), dim=vals[0].ndim) * _row(front(vals[1], dims[1]), dims[1]),
        0,
    ),
    node="MulBackward0",
)
_matmul = multilinear(
    "matmul",
    inputs=("x", "y"),
    vjp=dict(x=_matmul_grad_x, y=_matmul_grad_y),
    promote=None,
    batch=_batch_mm,
    node="UnsafeViewBackward0",
)


def _row(y: Any, d: Any) -> Any:
    return y if d is None else ops.unsqueeze(y, dim=1)


# ---------------------------------------------------------------- checks


def _check_tensors(name: str, **given: Any) -> None:
    for position, (argument, x) in enumerate(given.items(), 1):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {type(x).__name__}"
            )


def _check_mm(x: Any, y: Any, name: str = "addmm_impl_cpu_") -> None:
    if x.shape[1] != y.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({x.shape[0]}x{x.shape[1]} and {y.shape[0]}x{y.shape[1]})"
        )
    _check_same(x, y, name)


def _check_same(x: Any, y: Any, name: str) -> None:
    a, b = x.dtype, y.dtype
    if a is not b:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {_C_NAMES.get(a.name, a.name)} != "
            f"{_C_NAMES.get(b.name, b.name)}"
        )
    _refuse_bool(x, name)


def _refuse_bool(x: Any, name: str) -> None:
    if x.dtype.category == 0:
        raise NotImplementedError(f"\"{name}\" not implemented for 'Bool'")


def _check_bmm(x: Any, y: Any) -> None:
    b, _, m = x.shape
    if y.shape[0] != b or y.shape[1] != m:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{b}, {m}] but got: "
            f"[{y.shape[0]}, {y.shape[1]}]."
        )
    if x.dtype is not y.dtype:
        raise RuntimeError(f"expected scalar type {x.dtype.scalar_name} but found {y.dtype.scalar_name}")
    _refuse_bool(x, "bmm")


def _check_mv(x: Any, y: Any) -> None:
    if x.ndim != 2 or y.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {x.ndim}, {y.ndim}")
    if x.shape[1] != y.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({x.shape[0]}), mat ({x.shape[0]}x{x.shape[1]}), vec ({y.shape[0]})"
        )
    if x.dtype is not y.dtype:
        a, b = x.dtype.scalar_name, y.dtype.scalar_name
        raise RuntimeError(f"addmv input tensors must have the same dtype, but got {b}, {a}, and {b}")
    _refuse_bool(x, "addmv_impl_cpu")


def _check_dot(x: Any, y: Any, name: str = "dot") -> None:
    if x.ndim != 1 or y.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {x.ndim}D and {y.ndim}D tensors")
    if x.dtype is not y.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {x.dtype.scalar_name} and {y.dtype.scalar_name}"
        )
    n, m = x.shape[0], y.shape[0]
    if n != m:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number "
            f"of elements, but got "
            f"{n} and {m} elements respectively"
        )
    _refuse_bool(x, name)


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The common batch shape, or PyTorch's error."""
    n = max(len(a), len(b))
    a, b = (1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b
    for i in range(n - 1, -1, -1):
        if a[i] != b[i] and a[i] != 1 and b[i] != 1:
            raise RuntimeError(
                f"The size of tensor a ({a[i]}) must match the size of tensor b ({b[i]}) at non-singleton dimension {i}"
            )
    return tuple(j if i == 1 else i for i, j in zip(a, b, strict=True))


# ---------------------------------------------------------------- the straight line


class _FlatMatmul(BinaryInputNode):
    """z = x @ y of two matrices, keeping what its gradients need."""

    __slots__ = ()


def _flat(prim: Primitive, name: str, r0: Callable[..., Any], r1: Callable[..., Any]) -> Any:
    body = {
        "__slots__": (),
        "prim": prim,
        "__module__": "torch.autograd",
        "r0": staticmethod(r0),
        "r1": staticmethod(r1),
    }
    return NodeMeta(name, (_FlatMatmul,), body)


_MmNode = _flat(_mm, "MmBackward0", lambda xp, g, x, y: xp.mm(g, xp.t(y)), lambda xp, g, x, y: xp.mm(xp.t(x), g))
_MvNode = _flat(_mv, "MvBackward0", lambda xp, g, x, y: xp.outer(g, y), lambda xp, g, x, y: xp.mv(xp.t(x), g))
_DotNode = _flat(_dot, "DotBackward0", lambda xp, g, x, y: g * y, lambda xp, g, x, y: g * x)


def _make_line(slow: Callable[..., Any]) -> Callable[..., Any]:
    def matmul(input: Any, other: Any) -> Any:
        if input.__class__ in PLAIN and other.__class__ in PLAIN:
            a, b = input._data, other._data
            kind = a.dtype
            if (kind is F32 or kind is F64) and b.dtype is kind:
                n, k = a.ndim, b.ndim
                if n == 2:
                    if k == 2:
                        made = _MmNode
                    elif k == 1:
                        made = _MvNode
                    else:
                        return slow(input, other)
                elif n == 1 and k == 1:
                    made = _DotNode
                else:
                    return slow(input, other)
                m = mode()
                f0, f1 = input._fn, other._fn
                if m is GRAD:
                    if f0 is LEAF:
                        f0 = input
                    elif f0 is VIEW:
                        f0 = input._view.edge(input)
                    if f1 is LEAF:
                        f1 = other
                    elif f1 is VIEW:
                        f1 = other._view.edge(other)
                elif m is NO_GRAD:
                    f0 = f1 = None
                else:
                    return slow(input, other)
                try:
                    z = dot_arrays(a, b)
                except ValueError:
                    return slow(input, other)
                t = new(Tensor)
                t._data = z if z.__class__ is ndarray else np.asarray(z)
                t._ver = 0
                t._view = None
                if f0 is None and f1 is None:
                    t._fn = None
                    return t
                node = new(made)
                node.e0 = f0
                node.e1 = f1
                node.shapes = None
                if f1 is not None:
                    node.s0 = input
                    v = input._ver
                    node.n0 = v if v.__class__ is int else v.n
                else:
                    node.s0 = None
                if f0 is not None:
                    node.s1 = other
                    v = other._ver
                    node.n1 = v if v.__class__ is int else v.n
                else:
                    node.s1 = None
                node.hooks = None
                node.seq = next_seq()
                t._fn = node
                return t
        return slow(input, other)

    return matmul


def _matmul_any(input: Any, other: Any) -> Tensor:
    """matmul off the straight line: checks, then one primitive."""
    _check_tensors("matmul", input=input, other=other)
    n, k = input.ndim, other.ndim
    if not n or not k:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {n}D and {k}D")
    if n == 1 and k == 1:
        return dot(input, other)
    if n == 2 and k == 1:
        return mv(input, other)
    if n == 2 and k == 2:
        return mm(input, other)
    if n == 1 and k == 2:
        x = ops.unsqueeze(input, dim=0)
        _check_mm(x, other)
        return dispatch(_squeeze, (_mm(x, other),), {"dim": (0,)}, _squeeze_inplace)  # type: ignore[no-any-return]
    a, b = tuple(input.shape), tuple(other.shape)
    rows, inner = (math.prod(a[:-1]), a[-1]) if n > 1 else (1, a[0])
    if k == 1:
        if b[0] != inner:
            raise RuntimeError(f"size mismatch, got input ({rows}), mat ({rows}x{inner}), vec ({b[0]})")
        folded = ops.reshape(input, (rows, inner)) if inner or not rows else input.reshape(rows, inner)  # type: ignore[attr-defined]
        return ops.unsafe_view(mv(folded, other), size=a[:-1])  # type: ignore[no-any-return]
    if n == 1:
        return ops.squeeze(_matmul_any(ops.unsqueeze(input, dim=0), other), dim=(k - 2,))  # type: ignore[no-any-return]
    if k == 2:
        if b[0] != inner:
            raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{inner} and {b[0]}x{b[1]})")
        _check_same(input, other, "addmm_impl_cpu_")
    else:
        batch = _broadcast(a[:-2], b[:-2])
        if b[-2] != inner:
            count = math.prod(batch)
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{count}, {inner}] but got: "
                f"[{count}, {b[-2]}]."
            )
        if input.dtype is not other.dtype:
            raise RuntimeError(f"expected scalar type {input.dtype.scalar_name} but found {other.dtype.scalar_name}")
        _refuse_bool(input, "bmm")
    return dispatch(_matmul, (input, other), {}, _MmChain if k == 2 else _BmmChain)  # type: ignore[no-any-return]


def _shows(*chain: str, folded: bool) -> Any:
    """A node class of `matmul` that shows PyTorch's chain of views around `bmm` (or `mm`, of a matrix on the right)."""

    def next_functions(self: Any) -> tuple[tuple[Any, int], ...]:
        ex, ey = self.edge_tuple
        if folded:
            return (endpoint(shown("MmBackward0", _over(ex, "ViewBackward0"), ey)),)
        return (endpoint(shown("BmmBackward0", _over(ex, *chain), _over(ey, *chain))),)

    body = {"__slots__": (), "__module__": "torch.autograd", "next_functions": property(next_functions)}
    return NodeMeta("UnsafeViewBackward0", (_matmul.Node,), body)


_BmmChain = _shows("ViewBackward0", "ExpandBackward0", folded=False)
_MmChain = _shows("ViewBackward0", folded=True)

_squeeze_inplace = _squeeze.renamed("SqueezeBackward4")
_matmul_line = _make_line(_matmul_any)


@public(method=False)
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Matrix product over the last two dimensions, batch dimensions broadcast; 1-d tensors are vectors.

    Both of one dtype. Differentiable in both. Errors: shapes that do not fit, 0-d tensors, unequal dtypes."""
    y = _matmul_line(input, other)
    return y if out is None else write_out(out, y, "matmul")


public(_matmul_line, name="matmul", function=False)
ops.matmul = _matmul_line


def _matmul_operator(self: Any, other: Any) -> Any:
    return _matmul_any(self, other) if isinstance(other, Tensor) else NotImplemented


def _rmatmul_operator(self: Any, other: Any) -> Any:
    return _matmul_any(other, self) if isinstance(other, Tensor) else NotImplemented


Tensor.__matmul__ = _make_line(_matmul_operator)  # type: ignore[attr-defined]
Tensor.__rmatmul__ = _rmatmul_operator  # type: ignore[attr-defined]


@public
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices."""
    _check_tensors("mm", input=input, mat2=mat2)
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _check_mm(input, mat2)
    y = _mm(input, mat2)
    return y if out is None else write_out(out, y, "mm")


@public
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Products of b pairs of matrices: (b, n, m), (b, m, p) -> (b, n, p)."""
    _check_tensors("bmm", input=input, mat2=mat2)
    if input.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if mat2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    _check_bmm(input, mat2)
    y = _bmm(input, mat2)
    return y if out is None else write_out(out, y, "bmm")


@public
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A matrix times a vector."""
    _check_tensors("mv", input=input, vec=vec)
    _check_mv(input, vec)
    y = _mv(input, vec)
    return y if out is None else write_out(out, y, "mv")


@public
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of products of two vectors; nothing is conjugated."""
    _check_tensors("dot", input=input, tensor=tensor)
    _check_dot(input, tensor)
    y = _dot(input, tensor)
    return y if out is None else write_out(out, y, "dot")


@public
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inner product of two vectors; the first is conjugated."""
    _check_tensors("vdot", input=input, other=other)
    _check_dot(input, other, "vdot")
    y = _vdot(input, other) if input.dtype.is_complex else dispatch(_dot, (input, other), {}, _real_vdot)
    return y if out is None else write_out(out, y, "vdot")


_real_vdot = _dot.renamed("VdotBackward0")


@public
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The table of products of two vectors: (n,), (m,) -> (n, m)."""
    _check_tensors("outer", input=input, vec2=vec2)
    for name, x in (("self", input), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    y = _outer(input, vec2)
    return y if out is None else write_out(out, y, "outer")


public(outer, name="ger")


@public
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Products summed over the last dimension of both; a scalar multiplies."""
    _check_tensors("inner", input=input, other=other)
    if input.dtype is not other.dtype:
        raise RuntimeError("both inputs should have same dtype")
    n, k = input.ndim, other.ndim
    if not n or not k:
        y = input * other  # type: ignore[operator]
    else:
        a, b = tuple(input.shape), tuple(other.shape)
        if a[-1] != b[-1]:
            raise RuntimeError(
                f"inner() the last dimension must match on both input tensors but got shapes {list(a)} and {list(b)}"
            )
        y = tensordot(input, other, dims=([-1], [-1])) if n > 1 or k > 1 else dot(input, other)
    return y if out is None else write_out(out, y, "inner")


# ---------------------------------------------------------------- added products


def _scaled(product: Any, alpha: Any) -> Any:
    return product if alpha == 1 else product * np.asarray(alpha).astype(product.dtype)


def _addmm_kernel(x: Any, mat1: Any, mat2: Any, *, beta: Any, alpha: Any) -> Any:
    """beta * x + alpha * (mat1 @ mat2); with beta 0 even nan and inf of x do not count."""
    y = _scaled(matmul_arrays(mat1, mat2) if mat1.ndim > 2 else dot_arrays(mat1, mat2), alpha)
    if beta == 0:
        return y
    if y.__class__ is not ndarray:
        y = np.asarray(y)
    return np.add(y, _scaled(x, beta), out=y)


def _times(xp: Any, x: Any, factor: Any) -> Any:
    if factor == 1:
        return x
    return x * (factor.conjugate() if factor.__class__ is complex else factor)


def _addmm_jvp(product: str) -> dict[str, Any]:
    return dict(
        x=lambda xp, t, mat1, mat2, beta, alpha: xp.expand(
            t if beta == 1 else t * beta, size=(*mat1.shape[:-1], *mat2.shape[mat1.ndim - 1 :])
        ),
        mat1=lambda xp, t, mat2, alpha: _plain_times(getattr(xp, product)(t, mat2), alpha),
        mat2=lambda xp, t, mat1, alpha: _plain_times(getattr(xp, product)(mat1, t), alpha),
    )


def _plain_times(x: Any, factor: Any) -> Any:
    return x if factor == 1 else x * factor


def _batch_added(product: str) -> Any:
    def rule(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
        beta, alpha = params["beta"], params["alpha"]
        if dims[1] is None and dims[2] is None:
            y = _plain_times(getattr(ops, product)(vals[1], vals[2]), alpha)
            y = y if dims[0] is None else ops.unsqueeze(y, dim=0)
        else:
            y, _ = TABLE_RULES[product](prim, vals[1:], dims[1:], {})
            y = _plain_times(y, alpha)
        if beta == 0:
            n = vals[0].shape[dims[0]] if dims[0] is not None else y.shape[0]
            return ops.expand(y, size=(n, *y.shape[1:])), 0
        rank = prim.batch_rank  # type: ignore[attr-defined]
        return y + _plain_times(padded(vals[0], dims[0], rank), beta), 0

    return rule


TABLE_RULES = {"mm": _batch_mm, "bmm": _batch_mm, "mv": _batch_mv}


def _added(name: str, product: str, rank: int, **more: Any) -> Primitive:
    grad = {"mm": (_mm, _mm), "bmm": (_bmm, _bmm), "mv": (_mv, _mv)}[product]
    x_rule, y_rule = grad[0].vjp["x"], grad[1].vjp["y"]
    prim = general(
        name,
        inputs=("x", "mat1", "mat2"),
        params=("beta", "alpha"),
        kernel=_addmm_kernel,
        vjp=dict(
            x=lambda xp, g, x_shape, beta: xp.sum_to(_times(xp, g, beta), x_shape),
            mat1=lambda xp, g, mat2, alpha: _times(xp, x_rule(xp, g, mat2), alpha),
            mat2=lambda xp, g, mat1, alpha: _times(xp, y_rule(xp, g, mat1), alpha),
        ),
        jvp=_addmm_jvp(product),
        batch=_batch_added(product),
        **more,
    )
    prim.batch_rank = rank  # type: ignore[attr-defined]
    return prim


_addmm = _added("addmm", "mm", 2)
_addmv = _added("addmv", "mv", 1, saved_names=dict(mat1="mat", mat2="vec"))
_baddbmm = _added("baddbmm", "bmm", 3, saved_names=dict(mat1="batch1", mat2="batch2"))


def _check_addmm(x: Tensor, mat1: Tensor, mat2: Tensor) -> None:
    _check_tensors("addmm", input=x, mat1=mat1, mat2=mat2)
    for name, m in (("mat1", mat1), ("mat2", mat2)):
        if m.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {m.ndim}-D tensor")
    if mat1.shape[1] != mat2.shape[0]:
        _check_mm(mat1, mat2)
    _check_added(x, (mat1.shape[0], mat2.shape[1]))
    if mat1.dtype is not mat2.dtype:
        first, which = (x, "self") if x.dtype is not mat2.dtype or mat1.dtype is x.dtype else (mat1, "mat1")
        if mat1.dtype is not x.dtype and mat2.dtype is x.dtype:
            first, which = mat1, "mat1"
        raise RuntimeError(
            f"{which} and mat2 must have the same dtype, but got {first.dtype.scalar_name} and {mat2.dtype.scalar_name}"
        )
    if x.dtype is not mat2.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {x.dtype.scalar_name} and {mat2.dtype.scalar_name}"
        )
    _refuse_bool(mat1, "addmm_impl_cpu_")


def _check_added(x: Tensor, shape: tuple[int, ...]) -> None:
    have = tuple(x.shape)
    lead = len(shape) - len(have)
    if lead < 0 or any(n not in (1, m) for n, m in zip(have, shape[max(lead, 0) :], strict=False)):
        expand_to(x, shape)


@public
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2); `input` is broadcast to (n, p). All of one dtype."""
    _check_addmm(input, mat1, mat2)
    y = _addmm(input, mat1, mat2, beta=beta, alpha=alpha)
    return y if out is None else write_out(out, y, "addmm")


@public(name="addmm_", function=False)
def addmm_(self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addmm` in place."""
    _check_addmm(self, mat1, mat2)
    return inplace(_addmm, self, (mat1, mat2), {"beta": beta, "alpha": alpha})


def _check_addmv(x: Tensor, mat: Tensor, vec: Tensor) -> None:
    _check_tensors("addmv", input=x, mat=mat, vec=vec)
    if x.ndim > 1 or mat.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {x.ndim}, {mat.ndim}, {vec.ndim}")
    size = x.shape[0] if x.ndim else mat.shape[0]
    if mat.shape[1] != vec.shape[0] or size not in (1, mat.shape[0]):
        raise RuntimeError(
            f"size mismatch, got input ({size}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})"
        )
    if not x.dtype is mat.dtype is vec.dtype:
        names = ", ".join(t.dtype.scalar_name for t in (x, mat))
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {names}, and {vec.dtype.scalar_name}"
        )
    _refuse_bool(mat, "addmv_impl_cpu")


@public
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat @ vec)."""
    _check_addmv(input, mat, vec)
    y = _addmv(input, mat, vec, beta=beta, alpha=alpha)
    return y if out is None else write_out(out, y, "addmv")


@public(name="addmv_", function=False)
def addmv_(self: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addmv` in place."""
    _check_addmv(self, mat, vec)
    return inplace(_addmv, self, (mat, vec), {"beta": beta, "alpha": alpha})


def _check_baddbmm(x: Tensor, batch1: Tensor, batch2: Tensor) -> None:
    _check_tensors("baddbmm", input=x, batch1=batch1, batch2=batch2)
    if batch1.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if batch2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    _check_bmm(batch1, batch2)
    _check_added(x, (batch1.shape[0], batch1.shape[1], batch2.shape[2]))
    if x.dtype is not batch1.dtype:
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {_C_NAMES[x.dtype.name]}, batch1: "
            f"{_C_NAMES[batch1.dtype.name]}, batch2: {_C_NAMES[batch2.dtype.name]}"
        )


@public
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * bmm(batch1, batch2)."""
    _check_baddbmm(input, batch1, batch2)
    y = _baddbmm(input, batch1, batch2, beta=beta, alpha=alpha)
    return y if out is None else write_out(out, y, "baddbmm")


@public(name="baddbmm_", function=False)
def baddbmm_(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`baddbmm` in place."""
    _check_baddbmm(self, batch1, batch2)
    return inplace(_baddbmm, self, (batch1, batch2), {"beta": beta, "alpha": alpha})


def _sum_bmm(batch1: Tensor, batch2: Tensor) -> Tensor:
    """The sum of b products as one: (b, n, m), (b, m, p) -> (n, b m) @ (b m, p)."""
    b, n, m = batch1.shape
    p = batch2.shape[2]
    return ops.mm(ops.reshape(ops.permute(batch1, dims=(1, 0, 2)), (n, b * m)), ops.reshape(batch2, (b * m, p)))  # type: ignore[no-any-return]


def _check_addbmm(x: Tensor, batch1: Tensor, batch2: Tensor) -> None:
    _check_tensors("addbmm", input=x, batch1=batch1, batch2=batch2)
    if batch1.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if batch2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    if batch1.shape[0] != batch2.shape[0]:
        raise RuntimeError(
            f"batch1 and batch2 must have same number of batches, got {batch1.shape[0]} and {batch2.shape[0]}"
        )
    if batch1.shape[2] != batch2.shape[1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for bmm ({batch1.shape[1]}x{batch1.shape[2]} and "
            f"{batch2.shape[1]}x{batch2.shape[2]})"
        )
    _check_added(x, (batch1.shape[1], batch2.shape[2]))


@public
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (the sum over b of batch1[b] @ batch2[b])."""
    _check_addbmm(input, batch1, batch2)
    b, n, m = batch1.shape
    first = ops.reshape(ops.permute(batch1, dims=(1, 0, 2)), (n, b * m))
    second = ops.reshape(batch2, (b * m, batch2.shape[2]))
    y = dispatch(_addmm, (input, first, second), {"beta": beta, "alpha": alpha}, _addbmm_node)
    return y if out is None else write_out(out, y, "addbmm")  # type: ignore[no-any-return]


_addbmm_node = _addmm.renamed("AddbmmBackward0")


@public(name="addbmm_", function=False)
def addbmm_(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addbmm` in place."""
    _check_addbmm(self, batch1, batch2)
    b, n, m = batch1.shape
    first = ops.reshape(ops.permute(batch1, dims=(1, 0, 2)), (n, b * m))
    return inplace(_addmm, self, (first, ops.reshape(batch2, (b * m, batch2.shape[2]))), {"beta": beta, "alpha": alpha})


def _addr_jvp_x(xp: Any, t: Any, vec1: Any, vec2: Any, beta: Any) -> Any:
    return xp.expand(_plain_times(t, beta), size=(vec1.shape[0], vec2.shape[0]))


def _addr_kernel(x: Any, vec1: Any, vec2: Any, *, beta: Any, alpha: Any) -> Any:
    y = _scaled(np.multiply.outer(vec1, vec2), alpha)
    return y if beta == 0 else np.add(y, _scaled(x, beta), out=y)


def _batch_addr(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    y = _outer.batch(_outer, vals[1:], dims[1:], {})[0] if dims[1:] != (None, None) else ops.outer(*vals[1:])
    y = _plain_times(y, params["alpha"])
    return y + _plain_times(padded(vals[0], dims[0], 2), params["beta"]), 0


_addr = general(
    "addr",
    inputs=("x", "vec1", "vec2"),
    params=("beta", "alpha"),
    kernel=_addr_kernel,
    promote="keep",
    vjp=dict(
        x=lambda xp, g, x_shape, beta: xp.sum_to(_times(xp, g, beta), x_shape),
        vec1=lambda xp, g, vec2, alpha: _times(xp, xp.mv(g, xp.conj(vec2)), alpha),
        vec2=lambda xp, g, vec1, alpha: _times(xp, xp.mv(xp.transpose(g, dim0=0, dim1=1), xp.conj(vec1)), alpha),
    ),
    jvp=dict(
        x=_addr_jvp_x,
        vec1=lambda xp, t, vec2, alpha: _plain_times(xp.outer(t, vec2), alpha),
        vec2=lambda xp, t, vec1, alpha: _plain_times(xp.outer(vec1, t), alpha),
    ),
    batch=_batch_addr,
)


def _check_addr(x: Tensor, vec1: Tensor, vec2: Tensor) -> None:
    _check_tensors("addr", input=x, vec1=vec1, vec2=vec2)
    for name, v in (("vec1", vec1), ("vec2", vec2)):
        if v.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {v.ndim}-D")
    _check_added(x, (vec1.shape[0], vec2.shape[0]))


@public
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2)."""
    _check_addr(input, vec1, vec2)
    y = _addr(input, vec1, vec2, beta=beta, alpha=alpha)
    return y if out is None else write_out(out, y, "addr")


@public(name="addr_", function=False)
def addr_(self: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addr` in place."""
    _check_addr(self, vec1, vec2)
    return inplace(_addr, self, (vec1, vec2), {"beta": beta, "alpha": alpha})


# ---------------------------------------------------------------- products made of these


@public(method=False)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Products summed over pairs of dimensions: the last `dims` of a with the first of b, or two lists."""
    if isinstance(dims, Tensor):
        dims = dims.tolist() if dims.ndim > 1 or dims.numel() > 1 else int(dims.item())  # type: ignore[attr-defined]
    if isinstance(dims, (tuple, list)) or not hasattr(dims, "__index__"):
        dims_a, dims_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims_a, dims_b = list(range(-dims, 0)), list(range(dims))
    if len(dims_a) != len(dims_b):
        raise RuntimeError("both dimension lists should have same length")
    if a.dtype is not b.dtype:
        raise RuntimeError("both inputs should have same dtype")
    for d, e in zip(dims_a, dims_b, strict=True):
        n, m = a.shape[wrap_dim(d, a.ndim)], b.shape[wrap_dim(e, b.ndim)]
        if n != m and n != 1 and m != 1:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim {d} and second "
                f"has size {m} in dim "
                f"{e}"
            )
        if n != m:  # a size of 1 is summed away first
            if n == 1:
                b = ops.sum(b, dim=(e % b.ndim,), keepdim=True)
            else:
                a = ops.sum(a, dim=(d % a.ndim,), keepdim=True)
    da, db = [d % a.ndim for d in dims_a], [d % b.ndim for d in dims_b]
    rest_a = [d for d in range(a.ndim) if d not in da]
    rest_b = [d for d in range(b.ndim) if d not in db]
    inner_size = math.prod(a.shape[d] for d in da)
    shape_a, shape_b = [a.shape[d] for d in rest_a], [b.shape[d] for d in rest_b]
    left = ops.reshape(ops.permute(a, dims=(*rest_a, *da)), (math.prod(shape_a), inner_size))
    right = ops.reshape(ops.permute(b, dims=(*db, *rest_b)), (inner_size, math.prod(shape_b)))
    y = ops.reshape(ops.mm(left, right), (*shape_a, *shape_b))
    return y if out is None else write_out(out, y, "tensordot")  # type: ignore[no-any-return]


@public
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product; the shorter shape is padded with ones in front."""
    _check_tensors("kron", input=input, other=other)
    n = max(input.ndim, other.ndim)
    a = (1,) * (n - input.ndim) + tuple(input.shape)
    b = (1,) * (n - other.ndim) + tuple(other.shape)
    left = ops.reshape(input, tuple(m for size in a for m in (size, 1)))
    right = ops.reshape(other, tuple(m for size in b for m in (1, size)))
    y = ops.reshape(left * right, tuple(i * j for i, j in zip(a, b, strict=True)))
    return y if out is None else write_out(out, y, "kron")  # type: ignore[no-any-return]


@public(method=False)
def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of a sequence of matrices in the cheapest order (deprecated: `linalg.multi_dot`)."""
    warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters.",
    )
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    y = multiply_chain(list(matrices)) if len(matrices) > 1 else ops.clone(matrices[0], memory_format=None)
    return y if out is None else write_out(out, y, "chain_matmul")


def multiply_chain(ms: list[Tensor]) -> Tensor:
    """m0 @ m1 @ ... with the fewest multiplications (the classic table over all splits)."""
    n = len(ms)
    if n == 1:
        return ms[0]
    p = [m.shape[0] for m in ms] + [ms[-1].shape[1]]
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [(cost[i][k] + cost[k + 1][j] + p[i] * p[k + 1] * p[j + 1], k) for k in range(i, j)]
            cost[i][j], split[i][j] = min(options)
    results: dict[tuple[int, int], Tensor] = {(i, i): m for i, m in enumerate(ms)}
    for i, j in _splits_bottom_up(split, n):
        k = split[i][j]
        results[i, j] = ops.mm(results[i, k], results[k + 1, j])
    return results[0, n - 1]


def _splits_bottom_up(split: list[list[int]], n: int) -> list[tuple[int, int]]:
    order, todo = [], [(0, n - 1)]
    while todo:
        i, j = todo.pop()
        if i < j:
            order.append((i, j))
            k = split[i][j]
            todo += [(i, k), (k + 1, j)]
    return order[::-1]


# ---------------------------------------------------------------- trace and cross


def _trace_rule(xp: Any, g: Any, x_shape: Any) -> Any:
    return xp.diagonal_matrix(g, shape=x_shape)


def _diagonal_matrix(g: Any, *, shape: tuple[int, ...]) -> Any:
    """`g` (0-d) on the diagonal of a zero matrix."""
    g = np.asarray(g)
    out = np.zeros(shape, g.dtype)
    np.fill_diagonal(out, g) if out.size else None
    return out


def _batch_by_loop(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    (x,), (d,) = vals, dims
    eye = ops.diagonal_matrix(ops.tensor(1.0, dtype=x.dtype), shape=tuple(n for i, n in enumerate(x.shape) if i != d))
    return ops.sum(front(x, d) * eye, dim=(1, 2), keepdim=False), 0


_trace = general(
    "trace",
    kernel=lambda x: np.trace(x, dtype=np.int64 if x.dtype.kind in "iu" else None),
    vjp=dict(x=_trace_rule),
    jvp=dict(x=lambda xp, t: xp.trace(t)),
    batch=_batch_by_loop,
)
_diagonal = general(
    "diagonal_matrix",
    params=("shape",),
    kernel=_diagonal_matrix,
    vjp=dict(x=lambda xp, g: xp.trace(g)),
    jvp=dict(x=lambda xp, t, shape: xp.diagonal_matrix(t, shape=shape)),
    batch=lambda prim, vals, dims, params: (
        ops.reshape(vals[0], (-1, 1, 1)) * ops.diagonal_matrix(ops.tensor(1.0, dtype=vals[0].dtype), **params), 0),
)  # fmt: skip


@public
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.dtype.category == 0:
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return _trace(input)  # type: ignore[no-any-return]


def _cross_kernel(x: Any, y: Any, *, dim: int) -> Any:
    x, y = np.moveaxis(x, dim, 0), np.moveaxis(y, dim, 0)
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=dim)


def _batch_cross(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = vals[0].ndim - (dims[0] is not None)
    x, y = (padded(v, d, n) if d is not None else ops.unsqueeze(v, dim=0) for v, d in zip(vals, dims, strict=True))
    return prim(x, y, dim=params["dim"] % n + 1), 0


_cross = multilinear(
    "linalg_cross",
    inputs=("x", "y"),
    params=("dim",),
    kernel=_cross_kernel,
    promote="keep",
    vjp=dict(
        x=lambda xp, g, x_shape, y, dim: xp.sum_to(xp.linalg_cross(xp.conj(y), g, dim=dim), x_shape),
        y=lambda xp, g, x, y_shape, dim: xp.sum_to(xp.linalg_cross(g, xp.conj(x), dim=dim), y_shape),
    ),
    batch=_batch_cross,
    node="LinalgCrossBackward0",
)


@public(name="linalg.cross", method=False)
def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The cross product of vectors of 3 elements along `dim`; other dimensions broadcast."""
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = wrap_dim(dim, input.ndim)
    if input.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[d]} and {other.shape[d]}"
        )
    _broadcast(tuple(input.shape), tuple(other.shape))
    y = _cross(input, other, dim=d)
    return y if out is None else write_out(out, y, "linalg_cross")


@public
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The cross product along `dim` (None: the first of size 3, which is deprecated)."""
    if dim is None:
        warn(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or "
            "simply use torch.linalg.cross.\nThe default value of dim will change to agree with that "
            "of linalg.cross in "
            "a future release.",
        )
        for i, n in enumerate(input.shape):
            if n == 3:
                dim = i
                break
        else:
            raise RuntimeError("no dimension of size 3 in input")
    return linalg_cross(input, other, dim=dim, out=out)


# ---------------------------------------------------------------- samples

samples(
    "matmul",
    *[
        Case(T(*a), T(*b))
        for a, b in (
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3, 4)),
            ((5, 2, 3), (3,)),
            ((3,), (2, 3, 4)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (2, 3, 4)),
            ((2, 2, 3), (2, 3, 4)),
            ((2, 1, 2, 3), (3, 3, 2)),
            ((0, 3), (3, 2)),
            ((2, 0), (0, 3)),
            ((2, 2, 0), (0, 3)),
        )
    ],
)
samples("mm", Case(T(2, 3), T(3, 4)), Case(T(0, 3), T(3, 2)), Case(T(2, 0), T(0, 2)))
samples("bmm", Case(T(2, 3, 4), T(2, 4, 2)), Case(T(0, 3, 4), T(0, 4, 2)))
samples("mv", Case(T(2, 3), T(3)), Case(T(2, 0), T(0)))
samples("dot", Case(T(3), T(3)), Case(T(0), T(0)))
samples("vdot", Case(T(3), T(3)))
samples("outer", Case(T(3), T(2)), Case(T(0), T(2)))
samples("inner", Case(T(3), T(3)), Case(T(2, 3), T(4, 3)), Case(T(), T(2, 3)))
samples(
    "addmm",
    Case(T(2, 4), T(2, 3), T(3, 4)), Case(T(4), T(2, 3), T(3, 4), beta=0.5, alpha=2.0),
    Case(T(), T(2, 3), T(3, 4)), Case(T(2, 1), T(2, 3), T(3, 4), beta=0),
)  # fmt: skip
samples("addmv", Case(T(2), T(2, 3), T(3)), Case(T(), T(2, 3), T(3), beta=0.5, alpha=2.0))
samples("baddbmm", Case(T(2, 3, 5), T(2, 3, 4), T(2, 4, 5)), Case(T(5), T(2, 3, 4), T(2, 4, 5), beta=0.5, alpha=2.0))
samples("addbmm", Case(T(3, 5), T(2, 3, 4), T(2, 4, 5)), Case(T(5), T(2, 3, 4), T(2, 4, 5), beta=0.5, alpha=2.0))
samples("addr", Case(T(2, 3), T(2), T(3)), Case(T(3), T(2), T(3), beta=0.5, alpha=2.0))
samples(
    "tensordot",
    Case(T(2, 3, 4), T(3, 4, 2)), Case(T(2, 3), T(3, 4), dims=1), Case(T(2, 3), T(2, 4), dims=([0], [0])),
    Case(T(2), T(3), dims=0),
)  # fmt: skip
samples("kron", Case(T(2, 3), T(3, 2)), Case(T(2), T(2, 2)), Case(T(), T(3)))
samples("chain_matmul", Case(T(2, 3), T(3, 4), T(4, 2)), Case(T(2, 3)))
samples("trace", Case(T(3, 3)), Case(T(2, 4)))
samples("cross", Case(T(2, 3), T(2, 3), dim=1), Case(T(3, 2), T(3, 2), dim=0))
samples("linalg.cross", Case(T(2, 3), T(2, 3)), Case(T(1, 3), T(4, 3)), Case(T(3, 2), T(3, 1), dim=0))

__all__ = ["mH", "multiply_chain", "shown"]
