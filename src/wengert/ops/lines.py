"""Straight lines beside those of `core.fast`: predicates without a gradient, and the reduction of everything to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.captured import captured
from ..core.dispatch import dispatch
from ..core.dtypes import FROM_NUMPY
from ..core.fast import F32, F64, OUT, UnaryNode, constant, new, next_seq
from ..core.graph import LEAF, VIEW, NodeMeta, Port, Version
from ..core.modes import GRAD, LIVE, NO_GRAD, mode
from ..core.primitive import Primitive, composite, kernel_helper
from ..core.saved import SavedInput, SavedOutput
from ..core.takes import complex_gradient
from ..core.tensor import PLAIN, Tensor, wrap

ndarray = np.ndarray
I64, BOOL = np.dtype(np.int64), np.dtype(np.bool_)


def predicate(kernel: Callable[..., Any], slow: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`f(x)` that never has a gradient, for float32 and float64; `slow` does all else."""

    def op(input: Any) -> Any:
        if input.__class__ in PLAIN:
            a = input._data
            kind = a.dtype
            if kind is F32 or kind is F64:
                m = mode()
                if m is GRAD or m is NO_GRAD:
                    y = kernel(a, out=OUT)
                    t = new(Tensor)
                    t._data = y if y.__class__ is ndarray else np.asarray(y)
                    t._fn = t._view = None
                    t._ver = 0
                    return t
        return slow(input)

    return op


def comparison(kernel: Callable[..., Any], slow: Callable[[Any, Any], Any], kinds: Any) -> Callable[[Any, Any], Any]:
    """`f(x, y)` that never has a gradient, for two tensors of one dtype in `kinds`, or a float one and a number."""

    def op(input: Any, other: Any) -> Any:
        if input.__class__ in PLAIN:
            a = input._data
            kind = a.dtype
            if kind in kinds:
                if other.__class__ in PLAIN:
                    b = other._data
                    if b.dtype is not kind:
                        return slow(input, other)
                elif (kind is F32 or kind is F64) and (other.__class__ is float or other.__class__ is int):
                    b = constant(other, kind)
                else:
                    return slow(input, other)
                m = mode()
                if m is GRAD or m is NO_GRAD:
                    try:
                        y = kernel(a, b, out=OUT)
                    except ValueError:
                        return slow(input, other)
                    t = new(Tensor)
                    t._data = y if y.__class__ is ndarray else np.asarray(y)
                    t._fn = t._view = None
                    t._ver = 0
                    return t
        return slow(input, other)

    return op


class TotalNode(UnaryNode):
    """y = f(all of x), keeping the shape of x."""

    __slots__ = ("shape",)
    rule: Callable[..., Any]

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        return (self.rule(xp, gs, self.shape, None, False),)

    def saved_values(self) -> Any:
        yield "self_sym_sizes", self.shape


def total(prim: Primitive, kernel: Callable[[Any], Any], slow: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`f(x)` over all elements, for a reduction whose rule needs only the shape (sum, mean)."""
    body = {
        "__slots__": (), "prim": prim, "__module__": "torch.autograd", "rule": staticmethod(prim.vjp["x"]),
    }  # fmt: skip
    made: Any = NodeMeta(prim.Node.__name__, (TotalNode,), body)

    def op(input: Any) -> Any:
        if input.__class__ in PLAIN:
            a = input._data
            kind = a.dtype
            if kind is F32 or kind is F64:
                m = mode()
                fn = input._fn
                if m is GRAD:
                    if fn is LEAF:
                        fn = input
                    elif fn is VIEW:
                        fn = input._view.edge(input)
                elif m is NO_GRAD:
                    fn = None
                else:
                    return slow(input)
                t = new(Tensor)
                t._data = kernel(a)
                t._ver = 0
                t._view = None
                if fn is None:
                    t._fn = None
                    return t
                node = new(made)
                node.e0 = fn
                node.shape = a.shape
                node.hooks = None
                node.seq = next_seq()
                t._fn = node
                return t
        return slow(input)

    return op


def single(prim: Primitive) -> Callable[..., Any]:
    """`op(input, params, node=None)`: `dispatch` of a primitive of one tensor, on the straight line for float tensors.

    `params` is a dict that the node may keep. Several outputs come as a tuple."""
    kernel, plan, several = prim.kernel, prim.plan((True,)) if prim.takes_gradient else None, prim.n_outputs != 1
    names = [] if plan is None else [n for n, _ in plan.inputs]
    outs = () if plan is None else plan.saves_out
    keeps_x, keeps_shape = "x" in names, plan is not None and "x_shape" in plan.others
    keeps_dtype = plan is not None and "x_dtype" in plan.others
    untracked = prim.nondifferentiable_outputs
    usual = prim.Node

    def op(input: Any, params: dict[str, Any], made: Any = None) -> Any:
        if input.__class__ in PLAIN:
            a = input._data
            kind = a.dtype
            if kind is F32 or kind is F64:
                m = mode()
                fn = input._fn
                if m is GRAD:
                    if fn is LEAF:
                        fn = input
                    elif fn is VIEW:
                        fn = input._view.edge(input)
                elif m is NO_GRAD:
                    fn = None
                else:
                    return dispatch(prim, (input,), params, made)
                y = kernel(a, **params)
                if several:
                    results = tuple([wrap(p if p.__class__ is ndarray else np.asarray(p)) for p in y])
                else:
                    t = new(Tensor)
                    t._data = y if y.__class__ is ndarray else np.asarray(y)
                    t._fn = t._view = None
                    t._ver = 0
                    results = (t,)
                if fn is None or plan is None:
                    return results if several else t
                node = new(made or usual)
                node.edge_tuple = (fn,)
                node.params = params
                node.plan = plan
                node.fits = node.hooks = None
                saved = node.saved = {}
                if keeps_x:
                    saved["x"] = SavedInput(input, fn)
                if keeps_shape:
                    saved["x_shape"] = a.shape
                if keeps_dtype:
                    saved["x_dtype"] = input.dtype
                for name in outs:
                    nr = int(name[3:] or 0)
                    saved[name] = SavedOutput(results[nr], nr)
                node.seq = next_seq()
                if not several:
                    t._fn = node
                    return t
                node.count = len(results)
                for nr, part in enumerate(results):
                    if nr not in untracked:
                        part._fn = Port(node, nr)
                return results
        return dispatch(prim, (input,), params, made)

    return op


def inplace_line(ufunc: Callable[..., Any], slow: Callable[..., Any]) -> Callable[[Any], Any]:
    """`x.f_()` on plain float tensors outside the graph, in one ufunc call."""

    def form(self: Tensor) -> Tensor:
        if free_to_write(self):
            a = self._data
            kind = a.dtype
            if kind is F32 or kind is F64:
                ufunc(a, out=a)
                version = self._ver
                if version.__class__ is int:
                    self._ver = version + 1
                else:
                    version.n += 1
                return self
        return slow(self)  # type: ignore[no-any-return]

    return form


def free_to_write(t: Any) -> bool:
    """Whether the memory of `t` may be written without a record: plain, outside the graph, no element shared."""
    if t.__class__ not in PLAIN:
        return False
    if LIVE and captured(t):
        return False
    m = mode()
    if m is not NO_GRAD and (m is not GRAD or t._fn is not None):
        return False
    return 0 not in t._data.strides and (t._ver.__class__ is int or t._ver.__class__ is Version)


class Logical:
    """What promotion needs to know of a value of a transform: the dtype and the dimensions that its user sees."""

    __slots__ = ("dtype", "ndim")

    def __init__(self, x: Tensor) -> None:
        self.dtype, self.ndim = x.dtype.np, x.ndim


def promotable(x: Any) -> Any:
    """A tensor or number in the form that `promotion.result_dtype` takes."""
    if not isinstance(x, Tensor):
        return x
    return Logical(x) if x._level else x._data


def supported(
    prim_kernel: Callable[..., Any], title: str, refused: str, any_scalar: bool = False
) -> Callable[..., Any]:
    """A kernel that refuses arrays of the NumPy kinds in `refused` with PyTorch's sentence about `title`.

    `any_scalar`: what has no dimensions, or no elements, is taken whatever its dtype."""

    def checked(*arrays: Any, **params: Any) -> Any:
        for a in arrays:
            if a.__class__ is ndarray and a.dtype.kind in refused and (not any_scalar or a.ndim and a.size):
                raise NotImplementedError(f"\"{title}\" not implemented for '{FROM_NUMPY[a.dtype].scalar_name}'")
        return prim_kernel(*arrays, **params)

    return checked


@kernel_helper
def not_half(x: Any, title: str) -> Any:
    """`x`, refused in half precision: the derivative is not there in it."""
    if x.dtype.itemsize < 4:
        raise NotImplementedError(f"\"{title}\" not implemented for '{FROM_NUMPY[x.dtype].scalar_name}'")
    return x


@composite
def not_half(x: Any, title: str) -> Any:  # type: ignore[no-redef]  # noqa: F811
    if x.dtype.itemsize < 4:
        raise NotImplementedError(f"\"{title}\" not implemented for '{x.dtype.scalar_name}'")
    return x


def refusing(
    prim_kernel: Callable[..., Any], kinds: str, message: str, error: type[Exception] = RuntimeError
) -> Callable[..., Any]:
    """A kernel that raises `error(message)` for arrays of the NumPy kinds in `kinds`."""

    def checked(*arrays: Any, **params: Any) -> Any:
        for a in arrays:
            if a.__class__ is ndarray and a.dtype.kind in kinds:
                raise error(message)
        return prim_kernel(*arrays, **params)

    return checked


def refuse(x: Any, kinds: str, message: str, error: type[Exception] = RuntimeError) -> None:
    """Raise `error(message)` if `x` is a tensor of one of these kinds: b(ool) i(nteger) f(loating) c(omplex)."""
    if isinstance(x, Tensor) and "bifc"[x.dtype.category] in kinds:
        raise error(message)


_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float",
    "float64": "double", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def c_name(kind: Any) -> str:
    """How some messages call a dtype: by its C++ type."""
    return _C_NAMES.get(kind.name, kind.name)


def without_gradient(name: str, **arguments: Any) -> None:
    """Refuse what wants a gradient among the arguments that are constants for PyTorch's function `name`."""
    if mode().grad:
        for argument, x in arguments.items():
            if isinstance(x, Tensor) and x.requires_grad:
                raise RuntimeError(
                    f"The function '{name}' is not differentiable with respect to argument '{argument}'. This input cannot "
                    "have requires_grad True."
                )


_LEGACY = frozenset(("Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double"))


def tensor_type(kind: Any) -> str:
    """How other messages call a dtype: by the old name of its tensors, where there is one."""
    name = kind.scalar_name
    return f"torch.{name}Tensor" if name in _LEGACY else f"CPU{name}Type"


def real_gradient_only(name: str, *xs: Any) -> None:
    """For what is made of several operations: refuse to record complex numbers, as `real_gradient` of a primitive."""
    if mode().grad and any(isinstance(x, Tensor) and x.requires_grad and x.dtype.is_complex for x in xs):
        raise complex_gradient(name)


__all__ = [
    "BOOL", "I64", "c_name", "comparison", "free_to_write", "inplace_line", "predicate", "promotable",
    "real_gradient_only", "refuse",
    "refusing", "single", "supported", "tensor_type", "total",
    "without_gradient",
]  # fmt: skip
