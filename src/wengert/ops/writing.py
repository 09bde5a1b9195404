"""In place where an operation touches only some elements: the kernel writes straight into the memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.captured import captured
from ..core.dispatch import edge_of, make_node
from ..core.errors import warn
from ..core.fast import F32, F64
from ..core.graph import InferenceVersion
from ..core.inplace import inplace_with
from ..core.modes import GRAD, LIVE, NO_GRAD, Mode, mode
from ..core.primitive import Primitive
from ..core.tensor import PLAIN, Tensor, bump
from ..core.views import check_history, check_inplace, rebase


def write_into(
    prim: Primitive,
    t: Tensor,
    others: Sequence[Any],
    params: dict[str, Any],
    kernel: Callable[..., Any],
    *,
    may_share: bool = False,
    expanded: str = "",
) -> Tensor:
    """`t.op_(*others)`, recorded as `prim(t, *others, **params)`, computed by `kernel(array of t, ...)` in place.

    Only for primitives whose rules do not need the value of their first input or of the output: no copy is made.
    `kernel` checks everything before it writes. `may_share`: the others may be aliases of `t`. `expanded`: how the
    warning goes on that is given, instead of the error, if several elements of `t` share their memory.
    """
    m = mode()
    version = t._ver
    o: Any
    for o in others:
        if o is t or (version.__class__ is not int and isinstance(o, Tensor) and o._ver is version):
            if o.ndim or not t.ndim:  # aliases share their counter; a number is read before anything is written
                check_overlap_with(t, o, may_share)
    if untracked(t, m):
        datas: list[Any] = []
        for o in others:
            if o.__class__ in PLAIN:
                if m is GRAD and o._fn is not None and o.requires_grad:  # type: ignore[attr-defined]
                    break
                datas.append(o._data)  # type: ignore[attr-defined]
            elif isinstance(o, Tensor):
                break
            else:
                datas.append(o)
        else:
            kernel(t._data, *datas, **params)
            bump(t)
            return t
    tensors = [o for o in others if isinstance(o, Tensor)]
    if t.__class__ not in PLAIN or m.tracer is not None or any(o.__class__ not in PLAIN for o in tensors):
        return inplace_with(lambda old: prim(old, *others, **params), t, tensors)
    if expanded and is_expanded(t):
        check_history(t, m)
        warn(
            f"Use of {expanded[: expanded.index(' ')]} on expanded tensors is deprecated. Please clone() the tensor "
            "before performing this operation. This also applies to advanced indexing e.g. "
            f"{expanded.partition(' ')[2]}"
        )
    else:
        check_inplace(t, m)
    if m.mutation_context is not None:
        m.mutation_context.before_change(t)
    edges: tuple[Any, ...] = ()
    if m.grad and not m.inference:
        may = prim.differentiable_inputs
        edges = tuple(
            edge_of(a) if may[i] and isinstance(a, Tensor) and a._fn is not None else None
            for i, a in enumerate((t, *others))
        )
    datas = [o._data if isinstance(o, Tensor) else o for o in others]
    kernel(t._data, *datas, **params)
    bump(t)
    if any(e is not None for e in edges) and t._data.dtype.kind in "fcV":
        args = (t, *others)
        rebase(t, node := make_node(prim, (t,), args, (t._data, *datas), params, edges, m), node)
    return t


def untracked(t: Tensor, m: Mode) -> bool:
    """Whether the memory of `t` may simply be written: plain, outside the graph, not shared among its elements."""
    if LIVE and captured(t):
        return False
    if t.__class__ not in PLAIN or (m is not NO_GRAD and m is not GRAD) or t._ver.__class__ is InferenceVersion:
        return False
    if m is GRAD and t._fn is not None and t.requires_grad:
        return False
    return 0 not in t._data.strides


def assign(t: Tensor, index: Any, value: Any) -> bool:
    """`t[index] = value` for the common case, on arrays: integers and slices, outside the graph, nothing to convert.

    False, with nothing done, where anything is unusual.
    """
    m = mode()
    if not untracked(t, m):
        return False
    data = t._data
    kind = index.__class__
    try:
        if kind is int:
            target = data[index, ...]
        elif kind is tuple:
            dotted = False
            for item in index:
                if item.__class__ is slice:
                    if not _plain_slice(item):
                        return False
                elif item is Ellipsis:
                    dotted = True
                elif item is not None and item.__class__ is not int:
                    return False
            target = data[index] if dotted else data[(*index, ...)]
        elif kind is slice:
            if not data.ndim or not _plain_slice(index):
                return False
            target = data[index]
        else:
            return False
    except IndexError:
        return False
    dtype = data.dtype
    given = value.__class__
    if given is float:
        if dtype is not F64 and (dtype is not F32 or not -_LARGE < value < _LARGE):
            return False
        target[...] = value
    elif given is int:
        if (dtype is not F64 and dtype is not F32 and dtype is not I64) or not -_EXACT <= value <= _EXACT:
            return False
        target[...] = value
    elif given in PLAIN:
        if m is GRAD and value._fn is not None and value.requires_grad:
            return False
        source = value._data
        if source.dtype is not dtype or source.ndim > target.ndim or np.may_share_memory(source, target):
            return False
        try:
            target[...] = source
        except ValueError:  # it does not broadcast, and nothing was written
            return False
    else:
        return False
    bump(t)
    return True


_LARGE, _EXACT = 3.4e38, 2**53
I64 = np.dtype(np.int64)


def _plain_slice(s: slice) -> bool:
    """Whether NumPy and PyTorch agree on it without a word."""
    start, stop, step = s.start, s.stop, s.step
    return (
        (start is None or start.__class__ is int)
        and (stop is None or stop.__class__ is int)
        and (step is None or (step.__class__ is int and step > 0))
    )


def is_expanded(t: Tensor) -> bool:
    """Whether several elements share their memory."""
    a = t._data
    return any(stride == 0 and n > 1 for stride, n in zip(a.strides, a.shape, strict=True)) and a.size > 0


def check_partial_overlap(t: Tensor, source: Tensor) -> None:
    """Refuse to copy between two dense pieces of memory that overlap without being the same."""
    check_overlap_with(t, source, True)


def check_overlap_with(t: Tensor, source: Tensor, same_allowed: bool) -> None:
    """Refuse to write into dense memory that overlaps with a dense source; the very same memory may be allowed."""
    a, b = t._data, source._data
    if a.__class__ is not np.ndarray or b.__class__ is not np.ndarray or not np.may_share_memory(a, b):
        return
    if not (_dense(a) and _dense(b)) or a.size == 0 or b.size == 0:
        return
    begin, other = a.__array_interface__["data"][0], b.__array_interface__["data"][0]
    if not same_allowed or (begin, a.nbytes, a.strides) != (other, b.nbytes, b.strides):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )


def _dense(a: Any) -> bool:
    """Whether the elements lie side by side, in any order of the dimensions."""
    expected = a.itemsize
    for stride, n in sorted((s, n) for s, n in zip(a.strides, a.shape, strict=True) if n != 1):
        if stride != expected:
            return False
        expected *= n
    return True


__all__ = ["assign", "check_overlap_with", "check_partial_overlap", "untracked", "write_into"]
