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
from ..core.fast import F32, F64, BinaryInputNode
from ..core.graph import LEAF, VIEW, Edge, Node, NodeHooks, NodeMeta, endpoint, next_seq
from ..core.inplace import write_out
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import Primitive, general, multilinear, ops
from ..core.samples import Case, T, samples
from ..core.takes import COMPLEX, INTEGERS, REAL, Takes
from ..core.tensor import PLAIN, Tensor, new
from .install import public
from .shape import _squeeze

ndarray = np.ndarray
dot_arrays, matmul_arrays = np.dot, np.matmul

_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "bool": "bool",
    "int8": "signed char", "uint8": "unsigned char", "int16": "short", "int32": "int", "int64": "long int",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


# ---------------------------------------------------------------- what the graph shows of several nodes in one


class Shown(Node):
    """A node that PyTorch records and we do not: seen in `next_functions`, never run.

    Where its `owner`, the node that does its work, can be taken apart, that happens when a hook is registered; then the
    hook goes to the node of its own that stands at `path` below the owner."""

    __slots__ = ("chain", "owner", "path")

    @property
    def edges(self) -> tuple[Edge, ...]:
        return self.chain


    def own_hooks(self) -> NodeHooks:
        """The hooks of the node that does this one's work."""
        node = self.real()
        return super().own_hooks() if node is None else node.own_hooks()  # type: ignore[no-any-return]

    def __call__(self, *grads: Any) -> Any:
        node = self.real()
        if node is None:
            raise NotImplementedError(f"calling {self.name()}: it is recorded as one node with the product around it")
        return node(*grads)

    def real(self) -> Any:
        """The node that does this one's work, once its owner is taken apart; None if that cannot be done."""
        node = getattr(self, "owner", None)
        if node is not None:
            node.take_apart()
            for i in self.path:
                node = node.next_functions[i][0]
        return node


def owned(owner: Any, functions: tuple[tuple[Any, int], ...], path: tuple[int, ...] = ()) -> tuple[tuple[Any, int], ...]:
    """`functions`, what `next_functions` of `owner` shows, where the shown nodes know to whom they belong."""
    for i, (node, _) in enumerate(functions):
        if isinstance(node, Shown):
            node.owner, node.path = owner, (*path, i)
            owned(owner, tuple([endpoint(e) for e in node.chain]), node.path)
    return functions


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


#: there is no product of booleans
_PRODUCTS = REAL | INTEGERS | COMPLEX


def _product_of(kernel: str) -> Takes:
    return Takes(kernel, _PRODUCTS, empty=True)


_mm = multilinear(
    "mm",
    inputs=("x", "y"),
    vjp=dict(x=lambda xp, g, y: xp.mm(g, mH(xp, y)), y=lambda xp, g, x: xp.mm(mH(xp, x), g)),
    promote=None,
    batch=_batch_mm,
    takes=_product_of("addmm_impl_cpu_"),
    saved_names=dict(y="mat2"),
)
_bmm = multilinear(
    "bmm",
    inputs=("x", "y"),
    kernel=lambda x, y: matmul_arrays(x, y),
    vjp=dict(x=lambda xp, g, y: xp.bmm(g, mH(xp, y)), y=lambda xp, g, x: xp.bmm(mH(xp, x), g)),
    promote=None,
    batch=_batch_mm,
    takes=_product_of("bmm"),
    saved_names=dict(y="mat2"),
)
_mv = multilinear(
    "mv",
    inputs=("x", "y"),
    kernel=lambda x, y: dot_arrays(x, y),
    vjp=dict(x=lambda xp, g, y: xp.outer(g, xp.conj(y)), y=lambda xp, g, x: xp.mv(mH(xp, x), g)),
    promote=None,
    batch=_batch_mv,
    takes=_product_of("addmv_impl_cpu"),
    saved_names=dict(y="vec"),
)
_dot = multilinear(
    "dot",
    inputs=("x", "y"),
    vjp=dict(x=lambda xp, g, y: g * xp.conj(y), y=lambda xp, g, x: g * xp.conj(x)),
    promote=None,
    batch=_batch_dot,
    takes=Takes("dot", _PRODUCTS),
    saved_names=dict(y="tensor"),
)
_vdot = general(
    "vdot",
    inputs=("x", "y"),
    kernel=lambda x, y: np.vdot(x, y),
    vjp=dict(x=lambda xp, g, y: xp.conj(g) * y, y=lambda xp, g, x: g * x),
    jvp=dict(x=lambda xp, t, y: xp.vdot(t, y), y=lambda xp, t, x: xp.vdot(x, t)),
    takes=Takes("dot", _PRODUCTS),
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


def _check_mm(x: Any, y: Any) -> None:
    if x.shape[1] != y.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({x.shape[0]}x{x.shape[1]} and {y.shape[0]}x{y.shape[1]})"
        )
    _check_same(x, y)


def _check_same(x: Any, y: Any) -> None:
    a, b = x.dtype, y.dtype
    if a is not b:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {_C_NAMES.get(a.name, a.name)} != "
            f"{_C_NAMES.get(b.name, b.name)}"
        )


def _check_bmm(x: Any, y: Any) -> None:
    b, _, m = x.shape
    if y.shape[0] != b or y.shape[1] != m:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{b}, {m}] but got: "
            f"[{y.shape[0]}, {y.shape[1]}]."
        )
    if x.dtype is not y.dtype:
        raise RuntimeError(f"expected scalar type {x.dtype.scalar_name} but found {y.dtype.scalar_name}")


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


def _check_dot(x: Any, y: Any) -> None:
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
        if b[-2] != inner or input.dtype is not other.dtype or not input.requires_grad:
            y = _matmul_any(ops.unsqueeze(input, dim=0), other)
            return ops.unsafe_view(y, size=(*b[:-2], b[-1]))  # type: ignore[no-any-return]
        folded = ops.reshape(ops.transpose(other, dim0=k - 2, dim1=k - 1), (math.prod(b[:-2]) * b[-1], inner))
        return ops.unsafe_view(mv(folded, input), size=(*b[:-2], b[-1]))  # type: ignore[no-any-return]
    if k == 2:
        if b[0] != inner:
            raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{inner} and {b[0]}x{b[1]})")
        _check_same(input, other)
        _mm.takes(input, other)  # type: ignore[misc]
    else:
        batch = _broadcast(a[:-2], b[:-2])
        if b[-2] != inner:
            if n == 2 and input.requires_grad:  # the matrix goes to the right side, so that one product does
                rows, columns = math.prod(b[:-2]) * b[-1], b[-2]
                raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{columns} and {inner}x{a[0]})")
            count = math.prod(batch)
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{count}, {inner}] but got: "
                f"[{count}, {b[-2]}]."
            )
        if input.dtype is not other.dtype:
            raise RuntimeError(f"expected scalar type {input.dtype.scalar_name} but found {other.dtype.scalar_name}")
        _bmm.takes(input, other)  # type: ignore[misc]
    chain = _MmChain if k == 2 else _MmTurned if n == 2 and input.requires_grad else _BmmChain
    return dispatch(_matmul, (input, other), {}, chain)  # type: ignore[no-any-return]


def _shows(*chain: str, folded: bool, turned: bool = False) -> Any:
    """A node class of `matmul` that shows PyTorch's chain of views around `bmm` (or `mm`, of a matrix on the right).

    `turned`: a matrix on the left, which PyTorch brings to the right."""
    def next_functions(self: Any) -> tuple[tuple[Any, int], ...]:
        ex, ey = self.edge_tuple
        if turned:
            product = shown("MmBackward0", _over(ey, *chain), _over(ex, "TBackward0"))
            return (endpoint(_over(product, "TransposeBackward0", "UnsafeViewBackward0")),)
        if folded:
            return (endpoint(shown("MmBackward0", _over(ex, "ViewBackward0"), ey)),)
        return (endpoint(shown("BmmBackward0", _over(ex, *chain), _over(ey, *chain))),)

    def call(self: Any, *grads: Any) -> Any:
        raise NotImplementedError(f"calling {self.name()}: it is recorded as one node with the product below it")

    body = {
        "__slots__": (), "__module__": "torch.autograd", "next_functions": property(next_functions), "__call__": call,
    }  # fmt: skip
    return NodeMeta("CloneBackward0" if turned else "UnsafeViewBackward0", (_matmul.Node,), body)


_BmmChain = _shows("ViewBackward0", "ExpandBackward0", folded=False)
_MmChain = _shows("ViewBackward0", folded=True)
_MmTurned = _shows("UnsafeViewBackward0", "CloneBackward0", "TransposeBackward0", folded=False, turned=True)

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
    _check_dot(input, other)
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
    n, k = input.ndim, other.ndim
    if n and k and input.dtype is not other.dtype:
        raise RuntimeError("both inputs should have same dtype")
    if not n or not k:
        y = input * other  # type: ignore[operator]
    else:
        a, b = tuple(input.shape), tuple(other.shape)
        if a[-1] != b[-1]:
            raise RuntimeError(
                f"inner() the last dimension must match on both input tensors but got shapes {list(a)} and {list(b)}"
            )
        y = ops.tensordot(input, other, dims=([-1], [-1])) if n > 1 or k > 1 else ops.view(dot(input, other), size=())
    return y if out is None else write_out(out, y, "inner")


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

__all__ = ["Shown", "mH", "owned", "shown"]
