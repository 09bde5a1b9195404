"""The `*_copy` forms: what the view would show, in memory of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dispatch import dispatch
from ..core.inplace import write_out
from ..core.primitive import TABLE, Primitive
from ..core.samples import Case, T, samples
from ..core.storage import offset_of
from ..core.tensor import Tensor
from . import slicing, strided  # noqa: F401
from .attributes import logical_strides, physical
from .install import public
from .join import check_split_sizes, split_sizes_of
from .reduce import wrap_dim
from .shape import checked_order, expanded_size, infer_size, sizes


def copy_form(name: str, node: str | None = None, **more: Any) -> Primitive:
    """The primitive of `name`_copy: kernel, rules and batching of the view, but the result is a copy."""
    prim = TABLE[name]
    several = prim.n_outputs != 1

    def kernel(x: Any, **params: Any) -> Any:
        y = prim.kernel(x, **params) if name != "view" else x.reshape(params["size"])
        return [np.array(p, order="C") for p in y] if several else np.array(y, order="C")

    def batch(_: Primitive, vals: Any, dims: Any, params: Any) -> Any:
        y, d = prim.batch(prim, vals, dims, params)  # type: ignore[misc]
        return (tuple([p.clone() for p in y]) if several else y.clone()), d

    return Primitive(
        name + "_copy", kind="linear", params=prim.params, kernel=kernel, vjp=prim.vjp, jvp=prim.jvp, batch=batch,
        n_outputs=prim.n_outputs, half="native", node=(node or prim.Node.__name__) + "_copy",
        **more,
    )  # fmt: skip


def write_outs(out: Any, y: Any, name: str) -> Any:
    """`out=` of one tensor, or of several: then nothing is returned."""
    if not isinstance(y, tuple):
        return write_out(out, y, name)
    if len(out) != len(y):
        said = {"split_copy": "split_copy_Tensor_out()", "split_with_sizes_copy": "split_with_sizes_copy_out"}
        raise RuntimeError(
            f"{said.get(name, name + '_out')} expected an out= argument of size {len(y)}, got size {len(out)}"
        )
    for o, part in zip(out, y, strict=True):
        if name == "split_copy":  # the pieces are copied: no resizing
            o.copy_(part)
        else:
            write_out(o, part, name)
    return None


def copying(name: str, arguments: Any, node: str | None = None, other_node: Any = None, **more: Any) -> Any:
    """torch.<name>_copy, whose arguments `arguments(input, ...)` turns into the parameters of the primitive.

    `other_node`: (the number of arguments, the name of the node in that case).
    """
    prim = copy_form(name, node, **more)
    other = prim.renamed(other_node[1]) if other_node else None

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        named = other if other_node and len(args) + len(kwargs) == other_node[0] else None
        y = dispatch(prim, (input,), arguments(input, *args, **kwargs), named)
        return y if out is None else write_outs(out, y, name + "_copy")

    if arguments.__name__ == "<lambda>" or arguments.__name__.startswith("_"):
        arguments.__qualname__ = name + "_copy"  # Python's complaints about arguments name the function
    function.__name__ = function.__qualname__ = name + "_copy"
    function.__doc__ = f"As the view `{name}`, in memory of its own."
    public(function, name=name + "_copy", method=False)
    return function


def _view_arguments(x: Tensor, size: Any = None, dtype: Any = None) -> Any:
    return {"size": infer_size(sizes((size,)), x.numel())}  # type: ignore[attr-defined]


def _t_arguments(x: Tensor) -> Any:
    if x.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x.ndim}D")
    return {}


def _expand_arguments(x: Tensor, size: Any, *, implicit: bool = False) -> Any:
    return {"size": expanded_size(x, sizes((size,)))}


def _squeeze_arguments(x: Tensor, dim: Any = None) -> Any:
    shape = tuple(x.shape)
    dims = range(len(shape)) if dim is None else (dim,) if isinstance(dim, int) else dim
    return {"dim": tuple([d for d in (wrap_dim(d, len(shape)) for d in dims) if shape and shape[d] == 1])}


def _diagonal_arguments(x: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    return {"offset": offset, "dim1": wrap_dim(dim1, x.ndim), "dim2": wrap_dim(dim2, x.ndim)}


def _strided_arguments(x: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    from .strided import check_window

    shape, steps, offset = check_window(x, size, stride, storage_offset)
    source = (tuple(x.shape), logical_strides(x), offset_of(physical(x)))
    return {"size": shape, "stride": steps, "storage_offset": offset, "source": source}


def _split_arguments(x: Tensor, split_size: int, dim: int = 0) -> Any:
    sizes_of_pieces, d = split_sizes_of(x, split_size, dim)
    return {"sizes": sizes_of_pieces, "dim": d}


copying("view", _view_arguments)
copying("expand", _expand_arguments)
copying("transpose", lambda x, dim0, dim1: {"dim0": wrap_dim(dim0, x.ndim), "dim1": wrap_dim(dim1, x.ndim)})
copying("t", _t_arguments)
copying("permute", lambda x, dims: {"dims": checked_order(x, sizes((dims,)))})
copying("unsqueeze", lambda x, dim: {"dim": wrap_dim(dim, x.ndim + 1)})
copying("squeeze", _squeeze_arguments, "SqueezeBackward1", (0, "SqueezeBackward0_copy"))
copying("alias", lambda x: {})
copying("unbind", lambda x, dim=0: {"dim": wrap_dim(dim, x.ndim)})
copying("split", _split_arguments)
copying("diagonal", _diagonal_arguments)
copying("as_strided", _strided_arguments)
copying("unfold", strided.unfold_arguments)
copying("view_as_real", lambda x: {})
copying("view_as_complex", lambda x: {})


@public(method=False)
def detach_copy(input: Tensor) -> Tensor:
    """A copy outside the graph."""
    return input.detach().clone()  # type: ignore[attr-defined, no-any-return]


_split_sizes_node = TABLE["split_copy"].renamed("SplitWithSizesBackward0_copy")


@public(method=False)
def split_with_sizes_copy(input: Tensor, split_sizes: Any, dim: int = 0, *, out: Any = None) -> Any:
    """As `split_with_sizes`, in memory of its own."""
    sizes, d = check_split_sizes(input, split_sizes, dim)
    y = dispatch(TABLE["split_copy"], (input,), {"sizes": sizes, "dim": d}, _split_sizes_node)
    return y if out is None else write_outs(out, y, "split_with_sizes_copy")



def _unsafe(name: str) -> Primitive:
    """The pieces of `split`, in memory of their own: they may be changed in place."""
    prim = TABLE["split"]
    return Primitive(
        name, kind="linear", params=prim.params, kernel=TABLE["split_copy"].kernel, vjp=prim.vjp, n_outputs=None,
        batch=TABLE["split_copy"].batch, half="native",
    )  # fmt: skip


_unsafe_split, _unsafe_sizes = _unsafe("unsafe_split"), _unsafe("unsafe_split_with_sizes")


@public
def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> Any:
    """As `split`, but the pieces are no views."""
    return _unsafe_split(input, **_split_arguments(input, split_size, dim))


@public
def unsafe_split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> Any:
    """As `split_with_sizes`, but the pieces are no views."""
    sizes, d = check_split_sizes(input, split_sizes, dim)
    return _unsafe_sizes(input, sizes=sizes, dim=d)


@public
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> Any:
    """As `chunk`, but the pieces are no views."""
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return unsafe_split(input, max(1, -(-input.shape[wrap_dim(dim, input.ndim)] // chunks)), dim)


def _select_arguments(x: Tensor, dim: int, index: int) -> Any:
    d = wrap_dim(dim, x.ndim)
    n = x.shape[d]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {dim}"
        )
    return {"dim": d, "index": index % n}


def _slice_arguments(x: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    if not x.ndim:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, x.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    first, last, step = slice(start, end, step).indices(x.shape[d])
    return {"dim": d, "start": first, "end": max(first, last), "step": step}


copying("select", _select_arguments, real_gradient="select_copy")
copying("slice", _slice_arguments, real_gradient="slice_copy")

samples("view_copy", Case(T(2, 3), (6,)), Case(T(), (1,)))
samples("expand_copy", Case(T(3, 1), (2, 3, 4)))
samples("transpose_copy", Case(T(2, 3), 0, 1))
samples("t_copy", Case(T(2, 3)), Case(T(3)))
samples("permute_copy", Case(T(2, 3, 1), (2, 0, 1)))
samples("unsqueeze_copy", Case(T(2, 3), 1))
samples("squeeze_copy", Case(T(1, 3)), Case(T(1, 3), 0))
samples("alias_copy", Case(T(2, 3)))
samples("unbind_copy", Case(T(2, 3)), Case(T(2, 3), 1))
samples("split_copy", Case(T(5, 2), 2))
samples("split_with_sizes_copy", Case(T(5, 2), (1, 4)))
samples("diagonal_copy", Case(T(3, 4)), Case(T(3, 3), 1))
samples("as_strided_copy", Case(T(3, 4), (2, 2), (1, 1)))
samples("unfold_copy", Case(T(7), 0, 3, 2))
samples("select_copy", Case(T(3, 4), 1, 2))
samples("slice_copy", Case(T(5, 2), 0, 1, 4, 2))
samples("unsafe_split", Case(T(5, 2), 2))
samples("unsafe_split_with_sizes", Case(T(5, 2), (1, 4)))
samples("unsafe_chunk", Case(T(5, 2), 2))

__all__ = ["strided"]
