"""Views by stride: as_strided, diagonal, unfold, the bytes as another dtype, complex numbers as pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front
from ..core.dtypes import COMPLEX
from ..core.dtypes import dtype as dtype_class
from ..core.graph import VIEW
from ..core.primitive import Primitive, composite, general, linear, ops, view
from ..core.samples import Case, T, samples
from ..core.storage import offset_of
from ..core.tensor import Tensor, share_version
from ..kernels import numpy as numpy_kernels
from ..kernels import shapes as kernels
from ..kernels.memory import root
from ..kernels.shapes import reach
from .attributes import logical_strides, physical
from .create import PYTHON_TYPES
from .install import public
from .reduce import wrap_dim
from .shape import sizes

# ---------------------------------------------------------------- as_strided: gather and scatter of 1-d buffers

_gather = linear(
    "strided_gather", params=("size", "stride", "offset"), kernel=kernels.strided_gather, half="native",
    vjp=dict(
        x=lambda xp, g, x_shape, size, stride, offset: xp.strided_scatter(
            g, length=x_shape[0], size=size, stride=stride, offset=offset
        )
    ),
    batch=lambda prim, vals, dims, params: _gather_batch(prim, vals, dims, params),
)  # fmt: skip
_scatter = linear(
    "strided_scatter", params=("length", "size", "stride", "offset"), kernel=kernels.strided_scatter, half="native",
    vjp=dict(
        x=lambda xp, g, size, stride, offset: xp.strided_gather(g, size=size, stride=stride, offset=offset)
    ),
    batch=lambda prim, vals, dims, params: _scatter_batch(prim, vals, dims, params),
)  # fmt: skip


def _gather_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    n, length = x.shape
    flat = ops.reshape(x, (n * length,))
    size, stride = (n, *params["size"]), (length, *params["stride"])
    return prim(flat, size=size, stride=stride, offset=params["offset"]), 0


def _scatter_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    n, length = x.shape[0], params["length"]
    size, stride = (n, *params["size"]), (length, *params["stride"])
    flat = prim(x, length=n * length, size=size, stride=stride, offset=params["offset"])
    return ops.reshape(flat, (n, length)), 0


def _as_strided_rule(xp: Any, g: Any, size: Any, stride: Any, storage_offset: int, source: Any) -> Any:
    """Add up in a buffer as long as the storage part that counts, then look at it through the window of the input.

    Elements of the input that share a place share its gradient in equal parts.
    """
    shape, strides, offset = source
    base = min(offset, storage_offset)
    length = max(reach(size, stride, storage_offset), reach(shape, strides, offset)) - base
    if length <= 0:
        return xp.zeros_of(g, shape)
    buffer = xp.strided_scatter(g, length=length, size=size, stride=stride, offset=storage_offset - base)
    if kernels.overlaps(shape, strides):
        buffer = buffer / xp.shared_places(buffer, tuple(shape), tuple(strides), offset - base)
    return xp.strided_gather(buffer, size=tuple(shape), stride=tuple(strides), offset=offset - base)


def _counts(length: int, size: Any, stride: Any, offset: int) -> Any:
    return np.maximum(np.bincount(kernels.flat_index(size, stride, offset), minlength=length), 1)


def _shared_places(buffer: Any, size: Any, stride: Any, offset: int) -> Any:
    """How many elements of the window lie at each place of the buffer (at least 1)."""
    return _counts(buffer.shape[0], size, stride, offset).astype(buffer.dtype)


numpy_kernels.shared_places = _shared_places  # type: ignore[attr-defined]


@composite
def shared_places(buffer: Tensor, size: Any, stride: Any, offset: int) -> Tensor:
    return ops.tensor(_counts(buffer.shape[0], size, stride, offset)).to(buffer.dtype)  # type: ignore[no-any-return]


def _batch_as_strided(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """Each example has its own window: that of the first, shifted by the stride of the mapped dimension."""
    x = vals[0]
    step = logical_strides(x)[dims[0]]
    size, stride = (x.shape[dims[0]], *params["size"]), (step, *params["stride"])
    source = (tuple(x.shape), logical_strides(x), offset_of(physical(x)))
    return prim(x, size=size, stride=stride, storage_offset=params["storage_offset"], source=source), 0


_as_strided = view(
    "as_strided", params=("size", "stride", "storage_offset", "source"), kernel=kernels.as_strided,
    vjp=dict(x=_as_strided_rule), batch=_batch_as_strided,
    # a tangent need not lie in memory as its primal does
    jvp=dict(
        x=lambda xp, t, size, stride, storage_offset, source: xp.window_of_values(
            t, size, stride, storage_offset, source
        )
    ),
)  # fmt: skip


def _window_of_values(xp: Any, x: Any, size: Any, stride: Any, storage_offset: int, source: Any) -> Any:
    shape, strides, offset = source
    base = min(offset, storage_offset)
    length = max(reach(size, stride, storage_offset), reach(shape, strides, offset)) - base
    buffer = xp.strided_scatter(x, length=length, size=tuple(shape), stride=tuple(strides), offset=offset - base)
    if kernels.overlaps(shape, strides):
        buffer = buffer / xp.shared_places(buffer, tuple(shape), tuple(strides), offset - base)
    return xp.strided_gather(buffer, size=tuple(size), stride=tuple(stride), offset=storage_offset - base)


@composite
def window_of_values(x: Tensor, size: Any, stride: Any, storage_offset: int, source: Any) -> Any:
    """What `as_strided` shows, computed from the values of `x` instead of its memory."""
    return _window_of_values(ops, x, size, stride, storage_offset, source)


numpy_kernels.window_of_values = (  # type: ignore[attr-defined]
    lambda x, size, stride, storage_offset, source: _window_of_values(
        numpy_kernels, x, size, stride, storage_offset, source
    )
)


def _check_numbers(shape: tuple[int, ...], steps: tuple[int, ...], offset: int) -> None:
    """What no window may have, whatever it looks onto."""
    if len(shape) != len(steps):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in steps):
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {list(steps)}"
        )
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(steps)}")


def check_window(x: Tensor, size: Any, stride: Any, storage_offset: Any) -> tuple[Any, Any, int]:
    """Size, stride and offset as ints; PyTorch's errors."""
    shape, steps = sizes((size,)), sizes((stride,))
    data = physical(x)
    offset = offset_of(data) if storage_offset is None else int(storage_offset)
    _check_numbers(shape, steps, offset)
    need = reach(shape, steps, offset) * data.itemsize
    have = root(data).nbytes
    if need > have and root(data).flags.forc:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(steps)}, storage offset {offset}, and itemsize "
            f"{data.itemsize} requiring a storage size of {need} are out of bounds for storage of size {have}"
        )
    return shape, steps, offset


@public
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """Any window onto the memory under `input`: sizes, strides and offset count elements. Differentiable."""
    shape, steps, offset = check_window(input, size, stride, storage_offset)
    info = input._view
    if info is not None and input._fn is VIEW and not input._level and info.base._data.dtype == input._data.dtype:
        # What it shows depends on the memory of the base, also where `input` does not show it: so must its gradient.
        source = kernels.geometry(info.base._data)
        y: Tensor = _as_strided(info.base, size=shape, stride=steps, storage_offset=offset, source=source)
        if y._view is not None:
            y._view.creation = y._view.creation or info.creation
        return y
    source = (tuple(input.shape), logical_strides(input), offset_of(physical(input)))
    return _as_strided(input, size=shape, stride=steps, storage_offset=offset, source=source)  # type: ignore


@public
def as_strided_(self: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """As `as_strided`, of this tensor itself."""
    from .viewinplace import become

    return become(self, lambda x: as_strided(x, size, stride, storage_offset), "AsStridedBackward1")


def _as_strided_scatter_kernel(x: Any, y: Any, *, size: Any, stride: Any, offset: int) -> Any:
    """`y` written into the window of a contiguous copy of `x`; the last of several elements at one place stays."""
    out = np.array(x, order="C")
    flat = out.reshape(-1)
    if y.size:
        flat[kernels.flat_index(size, stride, offset)] = y.reshape(-1)
    return out


def _winners(size: Any, stride: Any, offset: int, n: int) -> tuple[Any, Any]:
    """(which places of the n are written, which elements of the window stay): later elements overwrite earlier ones."""
    index = kernels.flat_index(size, stride, offset)
    last = np.full(n, -1)
    last[index] = np.arange(index.size)
    return last < 0, (last[index] == np.arange(index.size)).reshape(tuple(size))


numpy_kernels.written_mask = (  # type: ignore[attr-defined]
    lambda g, size, stride, offset: _winners(size, stride, offset, g.size)[0].reshape(g.shape)
)
numpy_kernels.winning_mask = (  # type: ignore[attr-defined]
    lambda g, size, stride, offset: _winners(size, stride, offset, g.size)[1]
)


@composite
def written_mask(g: Tensor, size: Any, stride: Any, offset: int) -> Tensor:
    """Where the window does not write."""
    return ops.tensor(_winners(size, stride, offset, math.prod(g.shape))[0].reshape(tuple(g.shape)))  # type: ignore


@composite
def winning_mask(g: Tensor, size: Any, stride: Any, offset: int) -> Tensor:
    """Which elements of the window are not overwritten by later ones."""
    return ops.tensor(_winners(size, stride, offset, math.prod(g.shape))[1])  # type: ignore[no-any-return]


def _scatter_src(xp: Any, g: Any, y_shape: Any, size: Any, stride: Any, offset: int) -> Any:
    seen = xp.strided_gather(xp.reshape(g, (math.prod(g.shape),)), size=size, stride=stride, offset=offset)
    if kernels.overlaps(size, stride):
        seen = xp.where(xp.winning_mask(g, size, stride, offset), seen, 0)
    return seen


def _batch_scatter_strided(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    from ..core.batching import size_of_batch, stretched

    n = size_of_batch(vals, dims)
    x, y = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    step = math.prod(x.shape[1:])
    params = {"size": (n, *params["size"]), "stride": (step, *params["stride"]), "offset": params["offset"]}
    return prim(x, y, **params), 0


_as_strided_scatter = general(
    "as_strided_scatter", inputs=("x", "y"), params=("size", "stride", "offset"), kernel=_as_strided_scatter_kernel,
    vjp=dict(
        x=lambda xp, g, size, stride, offset: xp.where(xp.written_mask(g, size, stride, offset), g, 0),
        y=_scatter_src,
    ),
    jvp=dict(
        x=lambda xp, t, size, stride, offset: xp.where(xp.written_mask(t, size, stride, offset), t, 0),
        y=lambda xp, t, x_shape, size, stride, offset: xp.as_strided_scatter(
            xp.zeros_of(t, x_shape), t, size=size, stride=stride, offset=offset
        ),
    ),
    batch=_batch_scatter_strided, half="native",
)  # fmt: skip


@public(name="as_strided_scatter")
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """A copy of `input` in which the window (size, stride, storage_offset) holds `src`.

    Where elements of the window share a place, the last one stays, and only it gets a gradient.
    """
    shape, steps = sizes((size,)), sizes((stride,))
    offset = 0 if storage_offset is None else int(storage_offset)
    _check_numbers(shape, steps, offset)
    if tuple(src.shape) != shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(shape)}"
        )
    n = math.prod(input.shape)
    if reach(shape, steps, offset) > n:
        k = input.dtype.itemsize
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(steps)}, storage offset {offset}, and itemsize {k} "
            "requiring "
            f"a storage size of {reach(shape, steps, offset) * k} are out of bounds for storage of size {n * k}"
        )
    if any(s == 0 and k > 1 for k, s in zip(shape, steps, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if src.dtype is not input.dtype:
        src = src.to(input.dtype)  # type: ignore[attr-defined]
    return _as_strided_scatter(input, src, size=shape, stride=steps, offset=offset)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- diagonal


def _diagonal_scatter_array(g: Any, *, shape: Any, offset: int, dim1: int, dim2: int) -> Any:
    out = np.zeros(tuple(shape), g.dtype)
    kernels.diagonal(out, offset=offset, dim1=dim1, dim2=dim2)[...] = g
    return out


_diagonal_backward = linear(
    "diagonal_backward", params=("shape", "offset", "dim1", "dim2"),
    kernel=lambda x, **p: _diagonal_scatter_array(x, **p),
    vjp=dict(
        x=lambda xp, g, offset, dim1, dim2: xp.diagonal(g, offset=offset, dim1=dim1, dim2=dim2)
    ),
    batch=lambda prim, vals, dims, params: (
        prim(
            front(vals[0], dims[0]), shape=(vals[0].shape[dims[0]], *params["shape"]), offset=params["offset"],
            dim1=params["dim1"] + 1, dim2=params["dim2"] + 1,
        ),
        0,
    ),
    half="native",
)  # fmt: skip
_diagonal = view(
    "diagonal", params=("offset", "dim1", "dim2"), kernel=kernels.diagonal,
    vjp=dict(
        x=lambda xp, g, x_shape, offset, dim1, dim2: xp.diagonal_backward(
            g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2
        )
    ),
    batch=lambda prim, vals, dims, params: (
        prim(
            front(vals[0], dims[0]), offset=params["offset"], dim1=params["dim1"] + 1, dim2=params["dim2"] + 1
        ),
        0,
    ),
)  # fmt: skip


def _two_dims(dim1: int, dim2: int, n: int) -> tuple[int, int]:
    a, b = wrap_dim(dim1, n), wrap_dim(dim2, n)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return a, b


@public
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of dimensions dim1 and dim2 as the last dimension, a view. offset > 0: above the main one."""
    a, b = _two_dims(dim1, dim2, input.ndim)
    return _diagonal(input, offset=offset, dim1=a, dim2=b)  # type: ignore[no-any-return]


@public
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `input` with `src` on the diagonal."""
    a, b = _two_dims(dim1, dim2, input.ndim)
    shape = tuple(input.shape)
    rows, cols = shape[a], shape[b]
    n = max(0, min(rows, cols - offset) if offset >= 0 else min(rows + offset, cols))
    wanted = [k for d, k in enumerate(shape) if d not in (a, b)] + [n]
    if list(src.shape) != wanted:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {wanted}"
        )
    return _diagonal_scatter(input, src, offset=offset, dim1=a, dim2=b)  # type: ignore[no-any-return]


def _diagonal_scatter_kernel(x: Any, y: Any, *, offset: int, dim1: int, dim2: int) -> Any:
    out = np.array(x, order="C")
    kernels.diagonal(out, offset=offset, dim1=dim1, dim2=dim2)[...] = y
    return out


def _off_diagonal(xp: Any, g: Any, y_shape: Any, offset: int, dim1: int, dim2: int) -> Any:
    return xp.diagonal_scatter(g, xp.zeros_of(g, y_shape), offset=offset, dim1=dim1, dim2=dim2)


def _batch_diagonal_scatter(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    from ..core.batching import size_of_batch, stretched

    n = size_of_batch(vals, dims)
    x, y = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    return prim(x, y, offset=params["offset"], dim1=params["dim1"] + 1, dim2=params["dim2"] + 1), 0


_diagonal_scatter = general(
    "diagonal_scatter", inputs=("x", "y"), params=("offset", "dim1", "dim2"), kernel=_diagonal_scatter_kernel,
    vjp=dict(
        x=_off_diagonal, y=lambda xp, g, offset, dim1, dim2: xp.diagonal(g, offset=offset, dim1=dim1, dim2=dim2)
    ),
    jvp=dict(
        x=lambda xp, t, y_shape, offset, dim1, dim2: _off_diagonal(xp, t, y_shape, offset, dim1, dim2),
        y=lambda xp, t, x_shape, offset, dim1, dim2: xp.diagonal_backward(
            t, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2
        ),
    ),
    batch=_batch_diagonal_scatter, promote="keep", half="native",
)  # fmt: skip

@public(function=False)
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write `fill_value` on the main diagonal; with `wrap`, of a tall matrix again and again. All dims equal if > 2."""
    n = self.ndim
    if n < 2:
        raise RuntimeError("dimensions must larger than 1")
    shape, strides = tuple(self.shape), logical_strides(self)
    if n > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    if self._level and n == 2 and not wrap:
        diagonal(self).fill_(fill_value)  # type: ignore[attr-defined]
        return self
    step, k, offset = sum(strides), min(shape), offset_of(physical(self))
    as_strided(self, (k,), (step,), offset).fill_(fill_value)
    rows, cols = shape[0], shape[1]
    if wrap and n == 2 and rows > cols + 1:
        count = (rows * cols + cols) // (cols + 1) - k
        start = offset + strides[0] * (cols + 1)
        if count > 0:
            as_strided(self, (count,), (step,), start).fill_(fill_value)
    return self


# ---------------------------------------------------------------- unfold


def _unfold_backward_array(g: Any, *, shape: Any, dim: int, size: int, step: int) -> Any:
    """Add the windows back to where they were cut from: one slice for each place in the window."""
    out = np.zeros(tuple(shape), g.dtype)
    if not out.ndim:
        if size:
            out[...] = g[0]
        return out
    n = (shape[dim] - size) // step + 1
    lead = (slice(None),) * dim
    for k in range(size):
        out[(*lead, slice(k, k + (n - 1) * step + 1, step))] += g[..., k]
    return out


_unfold_backward = linear(
    "unfold_backward", params=("shape", "dim", "size", "step"), kernel=lambda x, **p: _unfold_backward_array(x, **p),
    vjp=dict(x=lambda xp, g, dim, size, step: xp.unfold(g, dim=dim, size=size, step=step)), half="native",
    batch=lambda prim, vals, dims, params: _batch_unfold_backward(prim, vals, dims, params),
)  # fmt: skip


def _batch_unfold_backward(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    if not params["shape"]:  # a number in each slot: the window was all there is, or nothing
        return ops.sum(x, dim=(1,), keepdim=False), 0
    return prim(x, **{**params, "shape": (x.shape[0], *params["shape"]), "dim": params["dim"] + 1}), 0


def _batch_unfold(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    if x.ndim == 1:  # a number in each slot: the window is all there is
        return ops.unsqueeze(x, dim=1), 0
    return prim(x, **{**params, "dim": params["dim"] + 1}), 0


_unfold = view(
    "unfold", params=("dim", "size", "step"), kernel=kernels.unfold, batch=_batch_unfold,
    vjp=dict(
        x=lambda xp, g, x_shape, dim, size, step: xp.unfold_backward(g, shape=x_shape, dim=dim, size=size, step=step)
    ),
)  # fmt: skip


def unfold_arguments(x: Tensor, dimension: int, size: int, step: int) -> dict[str, int]:
    """The parameters of the primitive; PyTorch's errors."""
    n = x.ndim
    d = wrap_dim(dimension, n)
    extent = x.shape[d] if n else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > extent:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {extent} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return {"dim": d, "size": size, "step": step}


@public(function=False, name="unfold")
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of `size` elements every `step` along `dimension`, as a view; the window is a new last dimension."""
    return _unfold(self, **unfold_arguments(self, dimension, size, step))  # type: ignore[no-any-return]


# ---------------------------------------------------------------- the bytes as another type

# Shares memory and counter, but is no view in the eyes of autograd: integers have no gradient.
_view_dtype = general(
    "view_dtype", params=("dtype",), kernel=kernels.view_dtype, half="native", differentiable=False,
    batch=lambda prim, vals, dims, params: (prim(front(vals[0], dims[0]), **params), 0),
)  # fmt: skip


def view_as_dtype(x: Tensor, dtype: Any) -> Tensor:
    """`x.view(dtype)`: PyTorch does not differentiate it."""
    kind = dtype if isinstance(dtype, dtype_class) else PYTHON_TYPES[dtype]
    have = x.dtype
    a, b = have.itemsize, kind.itemsize
    if a != b:
        names = f"to view {have.scalar_name} as {kind.scalar_name} (different element sizes)"
        if not x.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 {names}")
        stride = logical_strides(x)
        if b > a and x.shape[-1] % (b // a):
            raise RuntimeError(
                f"self.size(-1) must be divisible by {b // a} {names}, but got {x.shape[-1]}"
            )
        if stride[-1] != 1:
            raise RuntimeError(f"self.stride(-1) must be 1 {names}, but got {stride[-1]}")
        if b > a:
            r = b // a
            if offset_of(physical(x)) % r:
                raise RuntimeError(
                    f"self.storage_offset() must be divisible by {r} {names}, but got {offset_of(physical(x))}"
                )
            for d, s in enumerate(stride[:-1]):
                if s % r:
                    raise RuntimeError(f"self.stride({d}) must be divisible by {r} {names}, but got {s}")
    y: Tensor = _view_dtype(x, dtype=kind.np)
    if not x._level:
        y._ver = share_version(x)
    return y


ops.view_as_dtype = view_as_dtype

# ---------------------------------------------------------------- complex numbers as pairs

_view_as_real = view(
    "view_as_real", kernel=kernels.view_as_real, vjp=dict(x=lambda xp, g: xp.pairs_to_complex(g)),
    batch=lambda prim, vals, dims, params: (prim(vals[0]), dims[0]),
)  # fmt: skip
_view_as_complex = view(
    "view_as_complex", kernel=kernels.view_as_complex, vjp=dict(x=lambda xp, g: xp.view_as_real(g)),
    batch=lambda prim, vals, dims, params: (prim(front(vals[0], dims[0])), 0),
)  # fmt: skip

numpy_kernels.pairs_to_complex = (  # type: ignore[attr-defined]
    lambda g: kernels.view_as_complex(np.ascontiguousarray(g))
)


@composite
def pairs_to_complex(g: Tensor) -> Any:
    return _view_as_complex(g.contiguous())  # type: ignore[attr-defined]


@public(method=False)
def view_as_real(input: Tensor) -> Tensor:
    """Complex numbers as pairs of reals in a new last dimension, a view."""
    if not input.dtype.is_complex:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return _view_as_real(input)  # type: ignore[no-any-return]


@public(method=False)
def view_as_complex(input: Tensor) -> Tensor:
    """Pairs of reals in the last dimension as complex numbers, a view."""
    kind = input.dtype
    if kind.name not in ("float16", "float32", "float64"):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            f"{kind.scalar_name}"
        )
    if not input.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    strides = logical_strides(input)
    if strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    for s in strides[:-1]:
        if s % 2:
            raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    if offset_of(physical(input)) % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    if kind.name == "float16":
        kind.to_complex().np  # noqa: B018 - says that there is no such type
    return _view_as_complex(input)  # type: ignore[no-any-return]


samples("as_strided", Case(T(3, 4), (2, 3), (4, 1)), Case(T(6), (3, 2), (1, 1)), Case(T(3, 4), (2,), (2,), 1))
samples("as_strided_scatter", Case(T(3, 4), T(2, 3), (2, 3), (4, 1)), Case(T(6), T(3, 2), (3, 2), (1, 1), 1))
samples("diagonal", Case(T(3, 4)), Case(T(2, 3, 4), 1, 1, 2), Case(T(3, 3), -1), Case(T(2, 3), 5))
samples("diagonal_scatter", Case(T(3, 4), T(3)), Case(T(2, 3, 4), T(2, 3), 1, 1, 2))
samples("Tensor.unfold", Case(T(7), 0, 3, 2), Case(T(2, 5), 1, 2, 1), Case(T(), 0, 1, 1), Case(T(3, 4), 0, 2, 2))
samples("view_as_complex", Case(T(3, 2)), Case(T(2)), complex=False, why_not="takes real tensors")

__all__ = ["COMPLEX"]
