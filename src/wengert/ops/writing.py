"""In place where an operation touches only some elements: the kernel writes straight into the memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.dispatch import edge_of, make_node
from ..core.inplace import inplace_with
from ..core.modes import mode
from ..core.primitive import Primitive
from ..core.tensor import PLAIN, Tensor, bump
from ..core.views import check_inplace, rebase


def write_into(
    prim: Primitive,
    t: Tensor,
    others: Sequence[Any],
    params: dict[str, Any],
    kernel: Callable[..., Any],
    node_class: Any = None,
) -> Tensor:
    """`t.op_(*others)`, recorded as `prim(t, *others, **params)`, computed by `kernel(array of t, ...)` in place.

    Only for primitives whose rules do not need the value of their first input or of the output: no copy is made.
    `kernel` checks everything before it writes.
    """
    m = mode()
    tensors = [o for o in others if isinstance(o, Tensor)]
    if t.__class__ not in PLAIN or m.tracer is not None or any(o.__class__ not in PLAIN for o in tensors):
        from ..core.dispatch import dispatch

        return inplace_with(lambda old: dispatch(prim, (old, *others), params, node_class), t, tensors)
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
        rebase(t, node := make_node(prim, (t,), args, (t._data, *datas), params, edges, m, node_class), node)
    return t


__all__ = ["write_into"]
