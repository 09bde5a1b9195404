"""Elements in other places: flip, roll, rot90, repeat, tile, repeat_interleave, triangles and diagonals of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.inplace import inplace, write_out
from ..core.primitive import Primitive, linear, ops
from ..core.promotion import promote_types
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import shapes as kernels
from .install import public
from .like import like
from .reduce import wrap_dim
from .shape import _view, expand_to, only_named, reshape_to, sizes, unsqueeze
from .whole import whole

# ---------------------------------------------------------------- flip, roll, rot90


def _flip_kernel(x: Any, *, dims: Any) -> Any:
    out = like(x, None, x.dtype)
    out[...] = np.flip(x, dims) if dims else x
    return out


_flip = linear(
    "flip", params=("dims",), kernel=_flip_kernel, vjp=dict(x=lambda xp, g, dims: xp.flip(g, dims=dims)), half="native",
    batch=lambda prim, vals, dims, params: (
        prim(front(vals[0], dims[0]), dims=tuple([d + 1 for d in params["dims"]])), 0,
    ),
)  # fmt: skip


@public(name="flip")
def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """A copy with the order of elements reversed along `dims`."""
    if not dims and not named:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    given = sizes(only_named(dims, named, "flip", "dims") if named else dims)
    n = input.ndim
    order = tuple([wrap_dim(d, n) for d in given])
    for d in order:
        if order.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return _flip(input, dims=order if n else ())  # type: ignore[no-any-return]


@public
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return _flip(input, dims=(1,))  # type: ignore[no-any-return]


@public
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return _flip(input, dims=(0,))  # type: ignore[no-any-return]


def _roll_kernel(x: Any, *, shifts: Any, dims: Any) -> Any:
    if not dims:
        return np.roll(np.ascontiguousarray(x).reshape(-1), shifts[0]).reshape(x.shape)
    return np.ascontiguousarray(np.roll(x, shifts, dims))


def _roll_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    if params["dims"]:
        return prim(x, shifts=params["shifts"], dims=tuple([d + 1 for d in params["dims"]])), 0
    flat = reshape_to(x, (x.shape[0], -1)) if math.prod(x.shape) else x
    if flat.ndim < 2:
        return x, 0
    return reshape_to(prim(flat, shifts=params["shifts"], dims=(1,)), tuple(x.shape)), 0


_roll = linear(
    "roll", params=("shifts", "dims"), kernel=_roll_kernel, batch=_roll_batch, half="native",
    vjp=dict(x=lambda xp, g, shifts, dims: xp.roll(g, shifts=tuple([-s for s in shifts]), dims=dims)),
)  # fmt: skip


def _ints(value: Any) -> tuple[int, ...]:
    return sizes((tuple(value),)) if isinstance(value, (tuple, list)) else () if value is None else (whole(value),)


@public(name="roll")
def roll(input: Tensor, shifts: Any, dims: Any = ()) -> Tensor:
    """Elements moved by `shifts` along `dims` (none: flattened); those that leave at the end enter at the beginning."""
    by, along = _ints(shifts), _ints(dims)
    if not by:
        raise RuntimeError("`shifts` required")
    if len(by) != len(along) and (along or len(by) != 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)}")
    n = input.ndim
    if along and not n:
        raise IndexError(f"Dimension specified as {along[0]} but tensor has no dimensions")
    return _roll(input, shifts=by, dims=tuple([wrap_dim(d, n) for d in along]))  # type: ignore


_rot90 = linear(
    "rot90", params=("k", "dims"), kernel=lambda x, *, k, dims: np.rot90(x, k, dims).copy(order="K"),
    vjp=dict(x=lambda xp, g, k, dims: xp.rot90(g, k=-k, dims=dims)), half="native",
    batch=lambda prim, vals, dims, params: (
        prim(front(vals[0], dims[0]), k=params["k"], dims=tuple([d + 1 for d in params["dims"]])), 0,
    ),
)  # fmt: skip


@public(name="rot90")
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Rotated by k * 90 degrees in the plane of the two `dims`, from the first towards the second."""
    plane = tuple(dims)
    k = whole(k, "rot90", 1, "k")
    n = input.ndim
    if len(plane) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(plane)}")
    if n < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {n}")
    if plane[0] == plane[1] or abs(plane[0] - plane[1]) == n:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {plane[0]} and dim1 = {plane[1]}")
    for i, d in enumerate(plane):
        if not -n <= d < n:
            raise RuntimeError(f"Rotation dim{i} out of range, dim{i} = {d}")
    return _rot90(input, k=k, dims=(plane[0] % n, plane[1] % n))  # type: ignore[no-any-return]


# ---------------------------------------------------------------- repeat and tile


def _repeat_rule(xp: Any, g: Any, x_shape: Any, repeats: Any) -> Any:
    """Split each dimension into (repeat, size) and sum over the repeats."""
    lead = len(repeats) - len(x_shape)
    if 0 in repeats:
        return xp.zeros_of(g, x_shape)
    shape, dims = [], []
    for i, r in enumerate(repeats):
        dims.append(len(shape))
        shape += [r] if i < lead else [r, x_shape[i - lead]]
    dims = [d for d, r in zip(dims, repeats, strict=True) if r != 1 or d < lead]
    g = xp.reshape(g, tuple(shape))
    g = xp.sum(g, dim=tuple(dims), keepdim=False) if dims else g
    return xp.reshape(g, x_shape)


def _repeat_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    x = front(vals[0], dims[0])
    for _ in range(len(params["repeats"]) + 1 - x.ndim):
        x = ops.unsqueeze(x, dim=1)
    return prim(x, repeats=(1, *params["repeats"])), 0


_repeat = linear(
    "repeat", params=("repeats",), kernel=lambda x, *, repeats: np.tile(x, repeats), vjp=dict(x=_repeat_rule),
    batch=_repeat_batch, half="native",
)  # fmt: skip


@public(function=False, name="repeat")
def repeat(self: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """Copies side by side: repeats[i] times along dimension i (leading dimensions may be added)."""
    times = sizes(only_named(repeats, named, "repeat", "repeats") if named else repeats)
    if len(times) < self.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        )
    if any(r < 0 for r in times):
        shape = (1,) * (len(times) - self.ndim) + tuple(self.shape)
        full = [r * n for r, n in zip(times, shape, strict=True)]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(full)}: {full}")
    return _repeat(self, repeats=times)  # type: ignore[no-any-return]


@public(name="tile")
def tile(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """As `repeat`, but missing repeats at the front count as 1."""
    times = sizes(only_named(dims, named, "tile", "dims") if named else dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)  # type: ignore[no-any-return]


@public(method=False, name="repeat_interleave")
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element `repeats` times (a number, or a tensor with one number each) along `dim` (None: flattened)."""
    if repeats is None:
        return ops.tensor(_places(input, output_size))  # type: ignore[no-any-return]
    if not isinstance(repeats, (int, Tensor)) or isinstance(repeats, bool):
        raise TypeError(
            f"repeat_interleave() received an invalid combination of arguments - got ({type(repeats).__name__}), but "
            "expected one of:\n * (Tensor repeats, int dim = None, *, int output_size = None)\n * (int repeats, int "
            "dim = "
            "None, *, int output_size = None)\n"
        )
    x = input
    if dim is None:
        x, dim = (reshape_to(x, (math.prod(x.shape),)) if x.ndim != 1 else x), 0
    d = wrap_dim(dim, x.ndim)
    if not x.ndim:
        x = reshape_to(x, (1,))
    n = x.shape[d]
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        shape = tuple(x.shape)
        wide = expand_to(unsqueeze(x, d + 1), (*shape[: d + 1], repeats, *shape[d + 1 :]))
        y = wide.clone(memory_format=_contiguous())  # type: ignore[attr-defined]
        return _view(y, size=(*shape[:d], n * repeats, *shape[d + 1 :]))  # type: ignore[no-any-return]
    if repeats.ndim == 0 or (repeats.ndim == 1 and repeats.shape[0] == 1 != n):
        repeats = expand_to(reshape_to(repeats, (1,)), (n,))
    if repeats.ndim != 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if repeats.shape[0] != n:
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{repeats.shape[0]} and input.size({d}) = {n}"
        )
    return x.index_select(d, ops.tensor(_places(repeats, output_size)))  # type: ignore[attr-defined, no-any-return]


public(repeat_interleave, name="repeat_interleave", function=False)


def _contiguous() -> Any:
    from ..core.devices import contiguous_format

    return contiguous_format


def _places(repeats: Tensor, output_size: int | None) -> Any:
    """0 repeats[0] times, 1 repeats[1] times, ..."""
    if repeats.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if repeats.dtype.name not in ("int64", "int32"):
        raise RuntimeError("repeats has to be Long or Int tensor")
    from .convert import concrete

    times = concrete(repeats, "item")
    if (times < 0).any():
        raise RuntimeError("repeats can not be negative")
    if output_size is not None and output_size != times.sum():
        raise RuntimeError("allocated size does not match required size")
    return np.repeat(np.arange(times.size), times)


# ---------------------------------------------------------------- triangles


def _triangle(name: str, cut: Any) -> None:
    """torch.tril, torch.triu, their methods and in-place forms."""
    prim = linear(
        name, params=("diagonal",), kernel=lambda x, *, diagonal: np.ascontiguousarray(cut(x, diagonal)), half="native",
        vjp=dict(x=lambda xp, g, diagonal: getattr(xp, name)(g, diagonal=diagonal)),
        batch=lambda prim, vals, dims, params: (prim(front(vals[0], dims[0]), **params), 0),
    )  # fmt: skip

    def check(x: Tensor) -> None:
        if x.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")

    def function(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
        check(input)
        y = prim(input, diagonal=diagonal)
        return y if out is None else write_out(out, y, name)

    def form(self: Tensor, diagonal: int = 0) -> Tensor:
        check(self)
        return inplace(prim, self, (), {"diagonal": diagonal})

    side = "lower" if name == "tril" else "upper"
    function.__doc__ = f"The {side} triangle of the matrices in the last two dimensions, zeros elsewhere."
    function.__name__ = function.__qualname__ = name
    form.__name__ = form.__qualname__ = name + "_"
    public(function, name=name)
    public(form, name=name + "_", function=False)
    samples(name, Case(T(3, 4)), Case(T(2, 3, 3), 1), Case(T(3, 2), diagonal=-1))


_triangle("tril", np.tril)
_triangle("triu", np.triu)

# ---------------------------------------------------------------- diagonals


def _diag_embed_kernel(x: Any, *, offset: int, dim1: int, dim2: int) -> Any:
    n = x.shape[-1] + abs(offset)
    rest = iter(x.shape[:-1])
    out = np.zeros([n if d in (dim1, dim2) else next(rest) for d in range(x.ndim + 1)], x.dtype)
    kernels.diagonal(out, offset=offset, dim1=dim1, dim2=dim2)[...] = x
    return out


_diag_embed = linear(
    "diag_embed", params=("offset", "dim1", "dim2"), kernel=_diag_embed_kernel, half="native",
    vjp=dict(
        x=lambda xp, g, offset, dim1, dim2: xp.diagonal(g, offset=offset, dim1=dim1, dim2=dim2)
    ),
    batch=lambda prim, vals, dims, params: (
        prim(
            front(vals[0], dims[0]), offset=params["offset"], dim1=params["dim1"] + 1, dim2=params["dim2"] + 1
        ),
        0,
    ),
)  # fmt: skip


@public(name="diag_embed")
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices in dimensions dim1 and dim2 with the last dimension of `input` on their diagonals."""
    n = input.ndim + 1
    a, b = wrap_dim(dim1, n), wrap_dim(dim2, n)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return _diag_embed(input, offset=offset, dim1=a, dim2=b)  # type: ignore[no-any-return]


@public
def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Of a vector: a matrix with it on the diagonal; of a matrix: its diagonal (a copy)."""
    n = input.ndim
    if n not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {n}D")
    y = diag_embed(input, diagonal) if n == 1 else ops.diagonal_copy(input, offset=diagonal, dim1=0, dim2=1)
    return y if out is None else write_out(out, y, "diag")


@public
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of `input` on the diagonal."""
    return diag_embed(reshape_to(input, (math.prod(input.shape),)), offset)  # type: ignore[no-any-return]


def _block_shapes(shapes: Any) -> list[tuple[int, int]]:
    return [tuple(s) if len(s) == 2 else (1, *s) if s else (1, 1) for s in shapes]  # type: ignore[misc]


def _block_diag_kernel(*arrays: Any) -> Any:
    shapes = _block_shapes([a.shape for a in arrays])
    out = np.zeros((sum([s[0] for s in shapes]), sum([s[1] for s in shapes])), arrays[0].dtype)
    row = col = 0
    for a, (m, n) in zip(arrays, shapes, strict=True):
        out[row : row + m, col : col + n] = a
        row, col = row + m, col + n
    return out


def _block_diag_rule(xp: Any, g: Any, needs: Any, shapes: Any, dtypes: Any) -> Any:
    from .join import cast_to

    out = []
    row = col = 0
    for need, shape, kind, (m, n) in zip(needs, shapes, dtypes, _block_shapes(shapes), strict=True):
        if need:
            block = xp.window(xp.window(g, 0, row, row + m), 1, col, col + n)
            out.append(cast_to(xp, xp.reshape(block, shape), kind))
        else:
            out.append(None)
        row, col = row + m, col + n
    return tuple(out)


def _block_diag_batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """Block matrices of a batch: each block padded with zeros to the width, and put one under the other."""
    n = size_of_batch(vals, dims)
    xs = [stretched(v, d, n) for v, d in zip(vals, dims, strict=True)]
    shapes = _block_shapes([tuple(x.shape[1:]) for x in xs])
    xs = [reshape_to(x, (n, *s)) for x, s in zip(xs, shapes, strict=True)]
    width = sum([s[1] for s in shapes])
    rows, at = [], 0
    for x, (r, c) in zip(xs, shapes, strict=True):
        left, right = x.new_zeros((n, r, at)), x.new_zeros((n, r, width - at - c))
        rows.append(ops.cat([left, x, right], 2))
        at += c
    return ops.cat(rows, 1), 0


_block_diag = linear(
    "block_diag", inputs=("tensors",), kernel=_block_diag_kernel, vjp=_block_diag_rule, variadic=True, promote="keep",
    batch=_block_diag_batch, half="native",
)  # fmt: skip


@public(method=False, name="block_diag")
def block_diag(*tensors: Any) -> Tensor:
    """A matrix with the given ones (0-d, 1-d: rows, 2-d) along its diagonal."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    for i, t in enumerate(given):
        if t.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {t.ndim} dimensions"
            )
    if not given:
        return ops.empty((1, 0))  # type: ignore[no-any-return]
    kind = given[0].dtype
    for t in given[1:]:
        kind = promote_types(kind, t.dtype)
    return _block_diag(*[t if t.dtype is kind else t.to(kind) for t in given])  # type: ignore[no-any-return]


samples("flip", Case(T(2, 3), (0,)), Case(T(2, 3, 2), (0, -1)), Case(T(3), dims=(0,)), Case(T(), ()))
samples("fliplr", Case(T(2, 3)))
samples("flipud", Case(T(2, 3)), Case(T(3)))
samples("roll", Case(T(2, 3), 1), Case(T(2, 3), (1, -1), (0, 1)), Case(T(4), 6, 0), Case(T(), 1))
samples("rot90", Case(T(2, 3)), Case(T(2, 3, 2), 3, (1, 2)), Case(T(2, 2), 2))
samples("Tensor.repeat", Case(T(2, 3), 2, 1), Case(T(3), 2, 3), Case(T(), 4), Case(T(2), 0))
samples("tile", Case(T(2, 3), (2,)), Case(T(3), (2, 2)), Case(T(), (2,)))
samples("repeat_interleave", Case(T(2, 3), 2), Case(T(2, 3), 2, 1), Case(T(3), 0), Case(T(), 3))
samples("diag_embed", Case(T(2, 3)), Case(T(3), 1), Case(T(2, 3), -1, 0, 2))
samples("diag", Case(T(3)), Case(T(2, 3)), Case(T(3), 1), Case(T(3, 3), -1))
samples("diagflat", Case(T(2, 3)), Case(T(3), -1), Case(T()))
samples("block_diag", Case(T(2, 3), T(2), T()), Case(T(1, 2)))


@public(method=False)
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, one tensor for each dimension of `shape`, of positions in an array of that shape laid flat."""
    if not isinstance(indices, Tensor) or indices.dtype.category != 1:
        kind = indices.dtype if isinstance(indices, Tensor) else type(indices).__name__
        raise TypeError(f"expected 'indices' to be integer dtype, but got {kind}")
    given = (shape,) if isinstance(shape, int) else shape
    for n in given:
        if not isinstance(n, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(n)}")
        if n < 0:
            raise ValueError(f"'shape' cannot have negative values, but got {tuple(given)}")
    found = []
    left = indices
    for n in reversed(given):
        found.append(left % n)
        left = left // n
    return tuple(reversed(found))
