"""In-place forms and `out=`: check everything, compute, then write once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..kernels import numpy as kernels
from .captured import captured
from .dispatch import check_broadcast, dispatch, edge_of
from .errors import warn
from .graph import LEAF, InferenceVersion
from .meta import MetaTensor, meta_inplace
from .modes import GRAD, LIVE, NO_GRAD, mode
from .primitive import Primitive
from .promotion import check_cast, result_dtype
from .saved import SavedOutput, alias
from .tensor import PLAIN, Tensor, bump, share_version
from .views import check_history, check_inplace, check_overlap, rebase

ndarray = np.ndarray


def inplace(prim: Primitive, t: Tensor, others: Sequence[Any], params: dict[str, Any], first: int = 0) -> Tensor:
    """`t.op_(*others)`: the new value is `prim(t, *others)`, in the memory of `t`. `first`: which input `t` is."""
    promote = prim.promote if prim.kind == "elementwise" else None
    return inplace_with(lambda old: prim(*others[:first], old, *others[first:], **params), t, others, promote=promote)


def inplace_with(
    fn: Callable[[Tensor], Tensor], t: Tensor, others: Sequence[Any] = (), *, constant: bool = False,
    promote: str | None = None,
) -> Tensor:  # fmt: skip
    """In place for any function of the old value: `fn(old)` is recorded, then written into `t`.

    `constant`: all elements get the same value, so that it does not matter if some share their memory. `promote`: how a
    pointwise `fn` promotes `t` and `others`, to refuse what will not fit before `fn` finds something else to refuse."""
    if t._level or any(isinstance(o, Tensor) and o._level for o in others):
        from .level_inplace import inplace_on_level

        return inplace_on_level(fn, t, others)
    if t.__class__ is MetaTensor or any(o.__class__ is MetaTensor for o in others):
        return meta_inplace(fn, t, others)
    m = mode()
    if constant:
        check_history(t, m, others)
    else:
        check_inplace(t, m, others)
    if others and promote in ("keep", "float"):
        check_fits(t, others, promote == "float")
    if m.mutation_context is not None:
        m.mutation_context.before_change(t)
    tracked = m.grad and (t._fn is not None or any(isinstance(o, Tensor) and o._fn is not None for o in others))
    if not tracked:
        new = fn(t) if not m.grad else fn(alias(t, None))
        check_result(t, new)
        store(t, new._data)
        return t
    # what fn saves of the old value must survive the write: it gets a copy (only an input that is saved costs one)
    old = alias(t, edge_of(t) if t.requires_grad else None, t._data.copy())
    new = fn(old)
    check_result(t, new)
    store(t, new._data)
    fn_edge = edge_of(new)
    node = new.grad_fn
    if node is not None:
        follow_output(node, new, t)
        if node.__class__.__name__ in IN_PLACE:
            node.__class__ = renamed(node.__class__, IN_PLACE[node.__class__.__name__])
    if fn_edge is not None or t.requires_grad:
        rebase(t, fn_edge, fn_edge)
    return t


#: the nodes that PyTorch numbers apart when they are recorded in place
IN_PLACE = {
    f"{name}Backward0": f"{name}Backward1"
    for name in "Acosh Asinh Atanh Celu ConjPhysical Elu LeakyRelu Polygamma RreluWithNoise Threshold".split()
}


@functools.cache
def renamed(node: Any, name: str) -> Any:
    """That class of nodes under another name."""
    return type(node)(name, (node,), {"__slots__": (), "__module__": node.__module__})


def follow_output(node: Any, new: Tensor, t: Tensor) -> None:
    """A node that saved its output saved a temporary: let it watch `t`, whose memory now is that output."""
    saved = getattr(node, "saved", None)
    if isinstance(saved, dict):
        for value in saved.values():
            if value.__class__ is SavedOutput:
                value.data, value.version = t._data, share_version(t)
                value.n = value.version.n
    elif hasattr(node, "v0"):
        node.s0, node.v0 = t._data, share_version(t)
        node.n0 = node.v0.n


def check_fits(t: Tensor, others: Sequence[Any], int_to_float: bool) -> None:
    """The result's shape and dtype must fit into `t`."""
    operands = [x._data if isinstance(x, Tensor) else x for x in (t, *others)]
    if any(isinstance(x, Tensor) for x in operands):  # values of transforms are looked at when they are written
        return
    try:
        shape = np.broadcast_shapes(*[getattr(x, "shape", ()) for x in operands])
        kind = result_dtype(operands, int_to_float)
    except (TypeError, ValueError):  # for the op itself to refuse
        return
    check_shape(t, shape)
    check_cast(kind, t.dtype)


def check_shape(t: Tensor, shape: tuple[int, ...]) -> None:
    if shape != tuple(t.shape):
        raise RuntimeError(f"output with shape {list(t.shape)} doesn't match the broadcast shape {list(shape)}")


def check_result(t: Tensor, new: Tensor) -> None:
    """The result must have the shape of `t` and a dtype that may be written into it."""
    check_shape(t, new._data.shape)
    if new._data.dtype != t._data.dtype:
        check_cast(new.dtype, t.dtype)


def check_shape_and_kind(t: Tensor, new: Tensor) -> None:
    """`check_result` for values of transforms."""
    check_shape(t, tuple(new.shape))
    if new.dtype is not t.dtype:
        check_cast(new.dtype, t.dtype)


def store(t: Tensor, data: Any) -> None:
    """Write `data` into the memory of `t` and count the change."""
    if data is not t._data:
        if t._data.__class__ is not ndarray:  # traced
            t._data.write(data.value)
        else:
            if data.dtype != t._data.dtype:
                data = kernels.to_dtype(data, t._data.dtype)
            np.copyto(t._data, data)
    bump(t)


def write_out(out: Tensor, y: Tensor, name: str = "") -> Tensor:
    """`out=`: resize if need be, check the cast, write."""
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if mode().grad and (out.requires_grad or y.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    check_cast(y.dtype, out.dtype)
    check_overlap(out)
    if out._data.shape != y._data.shape:
        resize_out(out, tuple(y._data.shape))
    store(out, y._data)
    return out


def resize_out(out: Tensor, shape: tuple[int, ...]) -> None:
    """Give `out` another shape; a non-empty one is warned about."""
    if out._data.size:
        warn(
            f"An output with one or more elements was resized since it had shape {list(out._data.shape)}, which does "
            f"not match the required output shape {list(shape)}. This behavior is deprecated, and in a future PyTorch "
            "release outputs will not be resized unless they have zero elements. You can explicitly reuse an out "
            "tensor t by resizing it, inplace, to zero elements with t.resize_(0)."
        )
    out._data = np.empty(shape, out._data.dtype)


def fast_binary_inplace(ufunc: Any, slow: Callable[[Tensor, Any], Tensor]) -> Callable[[Tensor, Any], Tensor]:
    """`t op= other` on plain tensors outside the graph (parameter updates), in one ufunc call."""
    from .fast import F32, F64, constant

    def op_(self: Tensor, other: Any) -> Tensor:
        if self.__class__ in PLAIN:
            a = self._data
            kind = a.dtype
            if kind is F32 or kind is F64:
                m = mode()
                if m is NO_GRAD or (m is GRAD and self._fn is None):
                    if LIVE and captured(self):
                        return slow(self, other)
                    if other.__class__ in PLAIN:
                        b = other._data
                        if b.dtype is not kind or (m is GRAD and other._fn is not None):
                            return slow(self, other)
                        if b.ndim > a.ndim or 0 in a.strides:
                            return slow(self, other)
                    elif other.__class__ is float or other.__class__ is int:
                        b = constant(other, kind)
                        if 0 in a.strides:
                            return slow(self, other)
                    else:
                        return slow(self, other)
                    try:
                        if self._ver.__class__ is InferenceVersion:
                            return slow(self, other)
                        ufunc(a, b, a)
                    except ValueError:
                        return slow(self, other)
                    version = self._ver
                    if version.__class__ is int:
                        self._ver = version + 1
                    else:
                        version.n += 1
                    return self
        return slow(self, other)

    return op_


__all__ = ["LEAF", "check_broadcast", "dispatch", "fast_binary_inplace", "inplace", "inplace_with", "write_out"]
