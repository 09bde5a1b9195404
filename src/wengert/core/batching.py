"""Batch rules (vmap): `batch(prim, vals, dims, params) -> (result, batch dim of the result)`.

`vals` are the inputs one level down; `dims` says for each where the mapped dimension is (None: not mapped). The rules
call the primitive (or `ops`) again on the whole batch.
"""

from __future__ import annotations

from typing import Any

from .primitive import Primitive, ops
from .tensor import Tensor


def rank(x: Any) -> int:
    """Dimensions of a tensor; 0 for a number."""
    return x.ndim if isinstance(x, Tensor) else 0


def front(x: Any, d: int | None) -> Any:
    """`x` with the mapped dimension first; unchanged if it is not mapped."""
    if d is None or d == 0:
        return x
    order = [d, *(i for i in range(x.ndim) if i != d)]
    return ops.permute(x, dims=tuple(order))


def stretched(x: Any, d: int | None, n: int) -> Any:
    """`x` with a mapped dimension of size n first, made (without a copy) if it has none."""
    if d is not None:
        return front(x, d)
    x = x if isinstance(x, Tensor) else ops.tensor(x)
    return ops.expand(ops.unsqueeze(x, dim=0), size=(n, *x.shape))


def size_of_batch(vals: Any, dims: Any) -> int:
    """The extent of the mapped dimension."""
    for v, d in zip(vals, dims, strict=True):
        if d is not None:
            return int(v.shape[d])
    raise ValueError("nothing is mapped")


def padded(x: Any, d: int | None, n: int) -> Any:
    """`x`, mapped dimension first, with size-1 dimensions after it so that it has n logical dimensions."""
    if d is None:
        return x
    x = front(x, d)
    shape = tuple(x.shape)
    missing = n + 1 - len(shape)
    return x if missing <= 0 else ops.reshape(x, (shape[0],) + (1,) * missing + shape[1:])


def batch_elementwise(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """Align the logical dimensions, then broadcasting does the rest."""
    for v, d in zip(vals, dims):
        if d is None:
            if isinstance(v, Tensor) and v.ndim:
                break
        elif d:
            break
    else:  # all mapped in front, the others numbers or scalars: only unequal ranks need aligning
        ranks = {v.ndim for v, d in zip(vals, dims) if d is not None}
        if len(ranks) == 1:
            return prim(*vals, **params) if params or prim.line is None else prim.line(*vals), 0
    n = max(rank(v) - (d is not None) for v, d in zip(vals, dims, strict=True))
    return prim(*[padded(v, d, n) for v, d in zip(vals, dims, strict=True)], **params), 0


def batch_reduce(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """Shift `dim` (None, an int or a tuple) past the mapped dimension."""
    x = front(vals[0], dims[0])
    n = x.ndim - 1
    dim = params.get("dim")
    scalar = n == 0
    if scalar:  # a scalar in each slot: reduce a dimension of size 1, which `keepdim` must not bring back
        if "keepdim" in params:
            params = {**params, "keepdim": False}
        x, n, dim = ops.unsqueeze(x, dim=1), 1, None if dim is None or isinstance(dim, tuple) else 0
    if dim is None:
        moved: Any = tuple(range(1, n + 1))
    elif isinstance(dim, tuple):
        moved = tuple(d % n + 1 for d in dim)
    else:
        moved = dim % n + 1
    out = prim(x, **{**params, "dim": moved})
    return out, 0 if prim.n_outputs == 1 else (0,) * len(out)  # type: ignore[return-value]


def batch_along_dim(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """For operations that keep the rank and work along one `dim` (cumsum, softmax, flip, sort): shift `dim`."""
    x = front(vals[0], dims[0])
    n = x.ndim - 1
    scalar = n == 0
    if scalar:
        x, n = ops.unsqueeze(x, dim=1), 1
    out = prim(x, **{**params, "dim": params["dim"] % n + 1})
    if scalar:
        out = tuple(o[:, 0] for o in out) if isinstance(out, tuple) else out[:, 0]
    return out, 0 if not isinstance(out, tuple) else (0,) * len(out)  # type: ignore[return-value]


DEFAULT = {"elementwise": batch_elementwise, "reduction": batch_reduce}


def rule_for(prim: Primitive) -> Any:
    """The batch rule of a primitive: its own, or that of its kind, or None (then a loop runs)."""
    return prim.batch or DEFAULT.get(prim.kind)


def each_slot(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, Any]:
    """For what the values of each slot decide (a range, a size): one call a slot."""
    slots = [
        prim(*[v if d is None else v.select(d, i) for v, d in zip(vals, dims, strict=True)], **params)
        for i in range(size_of_batch(vals, dims))
    ]
    if isinstance(slots[0], tuple):
        return tuple(ops.stack(parts, dim=0) for parts in zip(*slots, strict=True)), (0,) * len(slots[0])
    return ops.stack(slots, dim=0), 0
