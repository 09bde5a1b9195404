"""Views along one dimension (select, slice, narrow) and copies with a view written (select_scatter, ...)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.fastview import arg_node
from ..core.graph import LEAF, VIEW, InferenceVersion, Version, next_seq
from ..core.inplace import write_out
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import TABLE, Primitive, composite, kernel_helper, linear, view
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor, new
from ..core.views import NO_GRAD_VIEW, PLAIN_VIEW, ViewInfo, inherited
from ..kernels import indexing
from ..kernels import numpy as kernels
from ..kernels.indexing import END, SELECT, SLICE, UNSQUEEZE, wrap_dim
from .compare import tensor_operand
from .install import public
from .whole import whole

WRAP = 1 << 64  # PyTorch shows what a node keeps as unsigned numbers

# ---------------------------------------------------------------- select


@kernel_helper
def select_backward(g: Any, *, shape: tuple[int, ...], dim: int, index: int) -> Any:
    """The transpose of select, for the engine to add where it belongs."""
    return kernels.Scattered(np.asarray(g), shape, (*(slice(None),) * dim, index), True)


@kernel_helper
def slice_backward(g: Any, *, shape: tuple[int, ...], dim: int, start: int, end: int, step: int) -> Any:
    """The transpose of slice, for the engine to add where it belongs."""
    return kernels.Scattered(np.asarray(g), shape, (*(slice(None),) * dim, slice(start, end, step)), True)


def _dense(scattered: Any) -> Any:
    return scattered.add_to(scattered.zeros())


def _batch_view(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """The mapped dimension goes to the front, `dim` (and `shape`) move past it."""
    x = front(vals[0], dims[0])
    moved = {**params, "dim": params["dim"] + 1}
    if "shape" in params:
        moved["shape"] = (x.shape[0], *params["shape"])
    return prim(x, **moved), 0


_select = view(
    "select",
    params=("dim", "index"),
    kernel=lambda x, *, dim, index: indexing.select(x, dim, index),
    batch=_batch_view,
    vjp=dict(
        x=lambda xp, g, x_shape, dim, index: xp.select_backward(g, shape=tuple(x_shape), dim=dim, index=index)
    ),
)
linear(
    "select_backward",
    params=("shape", "dim", "index"),
    kernel=lambda g, **params: _dense(select_backward(g, **params)),
    half="native",
    batch=_batch_view,
    vjp=dict(x=lambda xp, g, dim, index: xp.select(g, dim=dim, index=index)),
)
_slice = view(
    "slice",
    params=("dim", "start", "end", "step"),
    kernel=lambda x, *, dim, start, end, step: indexing.slice_(x, dim, start, end, step),
    batch=_batch_view,
    vjp=dict(
        x=lambda xp, g, x_shape, dim, start, end, step: xp.slice_backward(
            g, shape=tuple(x_shape), dim=dim, start=start, end=end, step=step
        )
    ),
)
linear(
    "slice_backward",
    params=("shape", "dim", "start", "end", "step"),
    kernel=lambda g, **params: _dense(slice_backward(g, **params)),
    half="native",
    batch=_batch_view,
    vjp=dict(x=lambda xp, g, dim, start, end, step: xp.slice(g, dim=dim, start=start, end=end, step=step)),
)


_unsqueeze, _alias = TABLE["unsqueeze"], TABLE["alias"]


def _show_select(arg: Any) -> Any:
    shape, dim, index = arg
    yield from (("dim", dim % WRAP), ("index", index % WRAP), ("self_sym_sizes", shape))


def _show_slice(arg: Any) -> Any:
    shape, dim, start, end, step = arg
    yield from (("dim", dim % WRAP), ("end", end % WRAP), ("self_sym_sizes", shape), ("start", start % WRAP))
    yield "step", step


_SelectNode = arg_node(
    _select, lambda xp, g, a: xp.select_backward(g, shape=a[0], dim=a[1], index=a[2]), _show_select
)
_SliceNode = arg_node(
    _slice,
    lambda xp, g, a: xp.slice_backward(g, shape=a[0], dim=a[1], start=a[2], end=a[3], step=a[4]),
    _show_slice,
)


_UnsqueezeNode = arg_node(_unsqueeze, lambda xp, g, a: xp.reshape(g, a[1]), lambda a: (("dim", a[0] % WRAP),))
_AliasNode = arg_node(_alias, lambda xp, g, a: g)
_everything = indexing.EVERYTHING


def through(x: Tensor, steps: tuple[Any, ...]) -> Any:
    """The view of `x` at the end of the view steps of an index expression, one node for each.

    The straight line: for a plain tensor in a plain mode no tensor is made for what lies between.
    """
    m = mode()
    version = x._ver
    if x.__class__ not in PLAIN or (m is not GRAD and m is not NO_GRAD) or version.__class__ is InferenceVersion:
        for step in steps:
            x = _one_step(x, *step)
        return x
    if version.__class__ is int:
        n = version
        version = x._ver = new(Version)
        version.n = n
    parent = x._view
    fn = x._fn
    if m is NO_GRAD:
        fn = None
    elif fn is LEAF:
        fn = x
    elif fn is VIEW:
        fn = parent.fn if parent.seen == version.n else parent.edge(x)
    data = x._data
    chain = [] if parent is None else [*parent.chain]
    for step in steps:
        kind = step[0]
        shape = data.shape
        if kind is SELECT:
            dim, index = step[1], step[2]
            data = data[index, ...] if dim == 0 else data[(*_everything[dim], index, ...)]
            chain.append((_select, {"dim": dim, "index": index}))
            if fn is None:
                continue
            node = new(_SelectNode)
            node.arg = (shape, dim, index)
        elif kind is SLICE:
            dim, start, end, every = step[1], step[2], step[3], step[4]
            part = slice(start, end, every)
            data = data[part] if dim == 0 else data[(*_everything[dim], part)]
            chain.append((_slice, {"dim": dim, "start": start, "end": end, "step": every}))
            if fn is None:
                continue
            node = new(_SliceNode)
            node.arg = (shape, dim, start, end, every)
        elif kind is UNSQUEEZE:
            dim = step[1]
            data = data[(*_everything[dim], None)]
            chain.append((_unsqueeze, {"dim": dim}))
            if fn is None:
                continue
            node = new(_UnsqueezeNode)
            node.arg = (dim, shape)
        else:
            data = data.view()
            chain.append((_alias, {}))
            if fn is None:
                continue
            node = new(_AliasNode)
            node.arg = None
        node.e0 = fn
        node.hooks = None
        node.seq = next_seq()
        fn = node
    t = new(Tensor)
    t._data = data
    t._ver = version
    t._fn = VIEW
    info = t._view = new(ViewInfo)
    info.seen = version.n
    info.fn = fn
    info.chain = tuple(chain)
    if parent is None:
        info.base = x
        info.creation = PLAIN_VIEW if m is GRAD else NO_GRAD_VIEW
    else:
        info.base = parent.base
        info.creation = inherited(PLAIN_VIEW, parent.creation) if m is GRAD else NO_GRAD_VIEW
    return t


def _one_step(x: Tensor, kind: str, *args: Any) -> Any:
    """One view step, dispatched."""
    if kind is SELECT:
        return _select(x, dim=args[0], index=args[1])
    if kind is SLICE:
        return _slice(x, dim=args[0], start=args[1], end=args[2], step=args[3])
    return _unsqueeze(x, dim=args[0]) if kind is UNSQUEEZE else _alias(x)


def select_at(x: Tensor, dim: int, index: int) -> Any:
    """`select` for a valid `dim` counted from the front and an `index` that is in bounds."""
    return through(x, ((SELECT, dim, index),))


def slice_at(x: Tensor, dim: int, start: int, end: int, step: int) -> Any:
    """`slice` for a valid `dim` counted from the front."""
    return through(x, ((SLICE, dim, start, end, step),))


@public
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at `index` of `dim`, which disappears: a view. Raises IndexError."""
    tensor_operand(input, "select", 1, "input")
    dim, index = whole(dim, "select", 2, "dim"), whole(index, "select", 3, "index")
    return select_at(input, _select_dim(tuple(input.shape), dim, index), index)  # type: ignore[no-any-return]


def _select_dim(shape: tuple[int, ...], dim: int, index: int) -> int:
    """`dim` counted from the front, after the checks of select."""
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape))
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}")
    return dim


@public
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` slices from `start` on, along `dim`: a view. `start` is a number or a 0-d integer tensor."""
    tensor_operand(input, "narrow", 1, "input")
    if isinstance(start, Tensor) and (start.ndim or start.dtype.category != 1):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    begin, dim, end = _narrowed(tuple(input.shape), dim, whole(start, "narrow", 3, "start"), length)
    return slice_at(input, dim, begin, end, 1)  # type: ignore[no-any-return]


def _narrowed(shape: tuple[int, ...], dim: int, start: int, length: int) -> tuple[int, int, int]:
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = wrap_dim(dim, len(shape))
    size = shape[dim]
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    if start < 0:
        start += size
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return start, dim, start + length


_narrow_copy = linear(
    "narrow_copy",
    params=("dim", "start", "length"),
    kernel=lambda x, *, dim, start, length: indexing.slice_(x, dim, start, start + length).copy(),
    half="native",
    batch=_batch_view,
    vjp=dict(
        x=lambda xp, g, x_shape, dim, start, length: xp.slice_backward(
            g, shape=tuple(x_shape), dim=dim, start=start, end=start + length, step=1
        )
    ),
)


@public
def narrow_copy(input: Tensor, dim: int, start: int, length: int, *, out: Tensor | None = None) -> Tensor:
    """`narrow` as a copy."""
    if input.ndim and dim >= input.ndim:
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  (Could this error message "
            "be improved?  If so, please report an enhancement request to PyTorch.)"
        )
    start, dim, _ = _narrowed(tuple(input.shape), dim, start, length)
    y: Tensor = _narrow_copy(input, dim=dim, start=start, length=length)
    return y if out is None else write_out(out, y, "narrow_copy")


# ---------------------------------------------------------------- select_scatter, slice_scatter


def _into(target: Any, src: Any) -> None:
    if target.shape != src.shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(target.shape)}"
        )
    target[...] = src if src.dtype == target.dtype else kernels.to_dtype(src, target.dtype)


def _select_scatter_kernel(x: Any, src: Any, *, dim: int, index: int) -> Any:
    out = x.copy(order="K")
    _into(indexing.select(out, dim, index), src)
    return out


def _slice_scatter_kernel(x: Any, src: Any, *, dim: int, start: int, end: int, step: int) -> Any:
    out = x.copy(order="K")
    _into(indexing.slice_(out, dim, start, end, step), src)
    return out


def _batch_view_write(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = size_of_batch(vals, dims)
    x, src = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    return prim(x, src, **{**params, "dim": params["dim"] + 1}), 0


_select_scatter = linear(
    "select_scatter",
    inputs=("x", "src"),
    params=("dim", "index"),
    kernel=_select_scatter_kernel,
    real_gradient="select_scatter",
    half="native",
    batch=_batch_view_write,
    vjp=dict(
        x=lambda xp, g, src_shape, dim, index: xp.select_scatter(
            g, xp.new_zeros(g, tuple(src_shape)), dim=dim, index=index
        ),
        src=lambda xp, g, dim, index: xp.select(g, dim=dim, index=index),
    ),
)
_slice_scatter = linear(
    "slice_scatter",
    inputs=("x", "src"),
    params=("dim", "start", "end", "step"),
    kernel=_slice_scatter_kernel,
    real_gradient="slice_scatter",
    half="native",
    batch=_batch_view_write,
    vjp=dict(
        x=lambda xp, g, src_shape, dim, start, end, step: xp.slice_scatter(
            g, xp.new_zeros(g, tuple(src_shape)), dim=dim, start=start, end=end, step=step
        ),
        src=lambda xp, g, dim, start, end, step: xp.slice(g, dim=dim, start=start, end=end, step=step),
    ),
)


@public
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` with `src` at `index` of `dim`."""
    tensor_operand(src, "select_scatter", 2, "src")
    dim = _select_dim(tuple(input.shape), dim, index)
    return _select_scatter(input, src, dim=dim, index=index)  # type: ignore[no-any-return]


@public
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1, *,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` with `src` in the slice start:end:step along `dim`."""
    tensor_operand(src, "slice_scatter", 2, "src")
    if input.ndim == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, input.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    y: Tensor = _slice_scatter(
        input, src, dim=dim, start=0 if start is None else start, end=END if end is None else end, step=step
    )
    return y if out is None else write_out(out, y, "slice_scatter")


@composite
def slice_view(x: Tensor, dim: int, start: int, end: int, step: int = 1) -> Any:
    """x[start:end:step] along `dim`, for other operations."""
    return slice_at(x, dim, start, end, step)


samples("select", Case(T(3, 4), 0, 1), Case(T(3, 4), -1, -2), Case(T(2), 0, 0))
samples("narrow", Case(T(3, 4), 0, 1, 2), Case(T(3, 4), 1, -3, 2), Case(T(3), 0, 0, 0))
samples("narrow_copy", Case(T(3, 4), 0, 1, 2))
samples("select_scatter", Case(T(3, 4), T(4), 0, 1), Case(T(3, 4), T(3), -1, -1))
samples("slice_scatter", Case(T(3, 4), T(2, 4), 0, 1), Case(T(3, 5), T(3, 2), 1, 0, 4, 2))


__all__ = ["narrow", "select", "select_at", "slice_at", "through"]
