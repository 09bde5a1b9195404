"""The kernels on NumPy arrays: arrays in, arrays out, under the names and parameters of the primitives.

What a rule calls as `xp.<name>` on arrays is here; the same name in `ops` works on Tensors. Kernels may give NumPy
scalars for 0-d results; whoever keeps a result makes it an array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .pointwise import relu, row_major, where  # noqa: F401
from .shapes import (  # noqa: F401
    alias,
    as_strided,
    diagonal,
    expand,
    laid_out,
    permute,
    reshape,
    squeeze,
    strided_gather,
    strided_scatter,
    t,
    transpose,
    unfold,
    unsqueeze,
    view,
    view_as_complex,
    view_as_real,
    view_dtype,
)  # fmt: skip

ndarray = np.ndarray
Array = Any

# ---------------------------------------------------------------- elementwise: NumPy's own, under PyTorch's names

add = np.add
sub = np.subtract
mul = np.multiply
div = np.true_divide
neg = np.negative
exp = np.exp
exp2 = np.exp2
expm1 = np.expm1
log = np.log
log2 = np.log2
log10 = np.log10
log1p = np.log1p
sin = np.sin
cos = np.cos
tan = np.tan
asin = np.arcsin
acos = np.arccos
atan = np.arctan
sinh = np.sinh
cosh = np.cosh
tanh = np.tanh
asinh = np.arcsinh
acosh = np.arccosh
atanh = np.arctanh
sqrt = np.sqrt
square = np.square
reciprocal = np.reciprocal
floor = np.floor
ceil = np.ceil
trunc = np.trunc
atan2 = np.arctan2
maximum = np.maximum
minimum = np.minimum
eq = np.equal
ne = np.not_equal
lt = np.less
le = np.less_equal
gt = np.greater
ge = np.greater_equal
isnan = np.isnan
isinf = np.isinf
isfinite = np.isfinite
signbit = np.signbit
logical_not = np.logical_not
logical_and = np.logical_and
logical_or = np.logical_or
logical_xor = np.logical_xor
bitwise_and = np.bitwise_and
bitwise_or = np.bitwise_or
bitwise_xor = np.bitwise_xor
bitwise_not = np.invert


def rsqrt(x: Array, out: Any = None) -> Array:
    return np.true_divide(1, np.sqrt(x), out=out, dtype=x.dtype)


def sigmoid(x: Array, out: Any = None) -> Array:
    y = np.negative(x, out=out)
    y = np.exp(y, out=y if y.__class__ is ndarray else None)
    if y.__class__ is not ndarray:
        return np.asarray(x.dtype.type(1) / (1 + y))
    y += 1
    return np.true_divide(1, y, out=y)


def sign(x: Array, out: Any = None) -> Array:
    """-1, 0 or 1; nan gives 0, as in PyTorch."""
    if x.dtype.kind == "f":
        return np.subtract(x > 0, x < 0, dtype=x.dtype, out=out)
    if x.dtype.kind == "V":  # bfloat16
        return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)
    return np.sign(x, out=out)


def sgn(x: Array) -> Array:
    """x / |x|, and 0 at 0."""
    if x.dtype.kind != "c":
        return sign(x)
    r = np.abs(x)
    return np.where(r == 0, 0, x / np.where(r == 0, 1, r)).astype(x.dtype, copy=False)


def abs(x: Array, out: Any = None) -> Array:
    return np.absolute(x, out=out)


def conj(x: Any) -> Any:
    """The complex conjugate; real values pass."""
    kind = getattr(x, "dtype", None)
    if kind is None:
        return x.conjugate() if x.__class__ is complex else x
    return np.conjugate(x) if kind.kind == "c" else x


def real(x: Array) -> Array:
    return x.real


def imag(x: Array) -> Array:
    return x.imag


def pow_scalar(x: Array, *, exponent: Any, out: Any = None) -> Array:
    """x ** exponent for a Python number, with PyTorch's special cases, which also fix the rounding."""
    if exponent == 2:
        return np.multiply(x, x, out=out)
    if exponent == 3:
        return np.multiply(np.multiply(x, x), x, out=out)
    if exponent == 1:
        return np.array(x)
    if exponent == 0:
        return np.ones_like(x)
    if x.dtype.kind in "fc":
        if exponent == 0.5:
            return np.sqrt(x, out=out)
        if exponent == -0.5:
            return np.true_divide(1, np.sqrt(x), out=out, dtype=x.dtype)
        if exponent == -1:
            return np.true_divide(1, x, out=out, dtype=x.dtype)
        if exponent == -2:
            return np.true_divide(1, np.multiply(x, x), out=out, dtype=x.dtype)
    return np.power(x, np.array(exponent, x.dtype), out=out)


def pow(x: Array, y: Array) -> Array:
    return np.power(x, y)


# ---------------------------------------------------------------- dtypes and shapes of gradients


def to_dtype(x: Array, dtype: Any) -> Array:
    """Cast as PyTorch does: complex to real drops the imaginary part without a word; always a new array."""
    kind = getattr(dtype, "np", dtype)
    if x.dtype.kind == "c" and kind.kind != "c":
        if kind.kind == "b":
            return x != 0
        x = x.real
    if kind.kind in "iu" and x.dtype.kind == "f":
        if kind.itemsize < 8:  # C casts through the wide integer, NumPy through the narrow one
            return x.astype(np.int64).astype(kind)
        return x.astype(kind)
    return x.astype(kind)


def fit(g: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Bring a gradient to the shape (summing what was broadcast) and dtype of its input."""
    if g.__class__ is Scattered:
        return g
    if g.__class__ is not ndarray:
        g = np.asarray(g)
    if g.shape != shape:
        g = sum_to(g, shape)
    return g if g.dtype == dtype else to_dtype(g, dtype)


def sum_to(g: Any, shape: tuple[int, ...]) -> Array:
    """Sum the dimensions that broadcasting added or stretched; broadcast where a rule left dimensions out."""
    have = g.shape
    if have == shape:
        return g
    lead = len(have) - len(shape)
    if lead >= 0:
        dims = tuple(range(lead)) + tuple(
            i + lead for i, n in enumerate(shape) if n == 1 and have[i + lead] != 1
        )
        if dims:
            g = np.add.reduce(g, axis=dims, keepdims=True)
        if lead:
            g = g.reshape(g.shape[lead:])
        if g.shape == shape:
            return g
    return np.broadcast_to(g, shape)


def like_layout(g: Array, x: Array) -> Array:
    """`g` in the memory layout of `x`, if `x` is dense; contiguous otherwise."""
    wanted = np.empty_like(x, dtype=g.dtype)  # keeps the order of dense arrays
    if wanted.strides == g.strides:
        return g
    np.copyto(wanted, g)
    return wanted


# ---------------------------------------------------------------- gradients that are mostly zero


class Scattered:
    """A gradient of `shape` that is `values` at `index` and zero elsewhere; repeated indices add up.

    `unique`: no index is repeated. `index` may be a function instead, which adds the values into a buffer.
    """

    __slots__ = ("dtype", "index", "shape", "unique", "values")

    def __init__(self, values: Array, shape: tuple[int, ...], index: Any, unique: bool) -> None:
        self.values = values
        self.shape = shape
        self.index = index
        self.unique = unique
        self.dtype = values.dtype

    def zeros(self) -> Array:
        return np.zeros(self.shape, self.dtype)

    def add_to(self, buffer: Array) -> Array:
        """Add into `buffer`, in place, touching only the elements at `index`. Gives the buffer."""
        if buffer.__class__ is not ndarray:
            buffer = np.array(buffer)  # a NumPy scalar stands for a 0-d array
        if self.unique:
            buffer[self.index] += self.values
        elif callable(self.index):
            self.index(buffer)
        else:
            np.add.at(buffer, self.index, self.values)
        return buffer

    @property
    def base(self) -> None:
        return None


def owned_copy(known: Any, scattered: Scattered) -> Array:
    """What is known so far as an array that may be added to."""
    return np.array(known, dtype=np.result_type(known, scattered.dtype))


def scatter_index(g: Array, *, shape: tuple[int, ...], index: Any, unique: bool) -> Any:
    """The transpose of basic or advanced NumPy indexing."""
    return Scattered(np.asarray(g), tuple(shape), index, unique)


# ---------------------------------------------------------------- views and in-place writes


def replay(x: Array, *, chain: tuple[Any, ...]) -> Array:
    """Apply a chain of view operations."""
    for step in chain:
        x = step[0].kernel(x, **step[1])
        if len(step) == 3:
            x = x[step[2]]
    return x


def write(x: Array, y: Array, *, chain: tuple[Any, ...]) -> Array:
    """A copy of `x` in which the view at `chain` holds `y`."""
    first = chain[0][0]
    out = laid_out(x, **chain[0][1]) if first.name == "as_strided" else x.copy(order="K")
    replay(out, chain=chain)[...] = y
    return out


# ---------------------------------------------------------------- reductions


def sum(x: Array, *, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Array:
    """Sum over `dim` (None: all). Bool and integers sum in int64."""
    if dtype is None and x.dtype.kind in "biu":
        dtype = np.int64
    return row_major(np.add.reduce(x, dim, dtype, None, keepdim))


def mean(x: Array, *, dim: Any = None, keepdim: bool = False) -> Array:
    """Mean over `dim` (None: all); nan for none."""
    if dim is None:
        n = x.size
    else:
        n = 1
        for d in dim if isinstance(dim, tuple) else (dim,):
            n *= x.shape[d]
    y = np.add.reduce(x, dim, None, None, keepdim)
    if y.__class__ is ndarray:
        return row_major(np.true_divide(y, n if n else np.nan, out=y))
    return np.true_divide(y, x.dtype.type(n if n else np.nan), dtype=x.dtype)


def restore(g: Any, *, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Array:
    """Spread the gradient of a reduction over `dim` back over `shape`."""
    if g.__class__ is not ndarray:
        g = np.asarray(g)
    if not keepdim and dim is not None and g.ndim != len(shape):
        n = len(shape)
        dims = {d % n for d in (dim if isinstance(dim, tuple) else (dim,))}
        g = g.reshape([1 if i in dims else m for i, m in enumerate(shape)])
    return expand(g, size=shape)


# ---------------------------------------------------------------- copies and products


def matmul(x: Array, y: Array) -> Array:
    """NumPy's matmul, by one BLAS call where a batch meets a matrix, and by a product where the inner size is 1."""
    if x.ndim > 2 and y.ndim == 2:
        shape = x.shape
        return np.dot(x.reshape(-1, shape[-1]), y).reshape(*shape[:-1], y.shape[1]) if x.size else np.matmul(x, y)
    if x.ndim > 1 and y.ndim > 1 and x.shape[-1] == 1 == y.shape[-2]:
        return outer_products(x, y)
    return np.matmul(x, y)


def outer_products(x: Array, y: Array) -> Array:
    """Columns `x` (..., m, 1) times rows `y` (..., 1, n).

    As products of matrices with a column and a row of zeros beside them: BLAS is several times faster at these than a
    ufunc, whose inner loop is one row."""
    *batch, m, _ = x.shape
    n = y.shape[-1]
    if not batch or m < 4 or n < 4 or m * n < 64 or x.dtype.kind != "f" or x.dtype is not y.dtype or x.dtype.itemsize < 4:
        return np.multiply(x, y)
    columns = np.zeros((*batch, m, 2), x.dtype)
    columns[..., 0] = x[..., 0]
    rows = np.zeros((*y.shape[:-2], 2, n), x.dtype)
    rows[..., 0, :] = y[..., 0, :]
    return np.matmul(columns, rows)


def linear_map(x: Array, w: Array) -> Array:
    """x @ w.T over the last dimension of `x`."""
    if x.ndim <= 2:
        return np.dot(x, w.T)
    return matmul(x, w.T)


def mm(x: Array, y: Array) -> Array:
    return np.dot(x, y)


def dot(x: Array, y: Array) -> Array:
    return np.dot(x, y)


def ones_like(x: Array) -> Array:
    return np.ones_like(x)


def zeros_like(x: Array) -> Array:
    return np.zeros_like(x)


def new_zeros(like: Array, shape: tuple[int, ...]) -> Array:
    return np.zeros(shape, like.dtype)
