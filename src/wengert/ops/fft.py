"""torch.fft: three primitives (complex, real to complex, complex to real) and the functions made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.batching import front
from ..core.dtypes import get_default_dtype
from ..core.inplace import write_out
from ..core.primitive import Primitive, composite, kernel_helper, linear, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import fft as kernels
from ..kernels.fft import BY_N, BY_ROOT, NONE
from .install import FUNCTIONS, public
from .reduce import wrap_dim

# ---------------------------------------------------------------- primitives


@kernel_helper
def weigh_pairs(x: Any, *, dim: int, n: int, factor: float) -> Any:
    """Frequencies that stand for two (k and n - k) times `factor`."""
    weights = kernels.interior_weights(n, factor, x.real.dtype)
    return x * weights.reshape([-1 if d == dim else 1 for d in range(x.ndim)])


@composite
def weigh_pairs(x: Tensor, *, dim: int, n: int, factor: float) -> Any:  # type: ignore[no-redef]  # noqa: F811
    kind = x.dtype.to_real() if x.dtype.is_complex else x.dtype
    weights = kernels.interior_weights(n, factor, kind.np)
    return x * ops.tensor(weights.reshape([-1 if d == dim else 1 for d in range(x.ndim)]))


def _batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    return prim(front(vals[0], dims[0]), **{**params, "dim": tuple(d + 1 for d in params["dim"])}), 0


def _r2c_vjp(xp: Any, g: Any, x_shape: Any, dim: Any, scale: int, onesided: bool) -> Any:
    if not onesided:
        return xp.real(xp.fft_c2c(g, dim=dim, scale=scale, forward=False))
    n = x_shape[dim[-1]]
    return xp.fft_c2r(xp.weigh_pairs(g, dim=dim[-1], n=n, factor=0.5), dim=dim, scale=scale, size=n)


def _c2r_vjp(xp: Any, g: Any, dim: Any, scale: int, size: int) -> Any:
    return xp.weigh_pairs(xp.fft_r2c(g, dim=dim, scale=scale, onesided=True), dim=dim[-1], n=size, factor=2.0)


_c2c = linear(
    "fft_c2c", params=("dim", "scale", "forward"), kernel=kernels.c2c, batch=_batch,
    vjp=dict(x=lambda xp, g, dim, scale, forward: xp.fft_c2c(g, dim=dim, scale=scale, forward=not forward)),
)  # fmt: skip
_r2c = linear("fft_r2c", params=("dim", "scale", "onesided"), kernel=kernels.r2c, batch=_batch, vjp=dict(x=_r2c_vjp))
_c2r = linear("fft_c2r", params=("dim", "scale", "size"), kernel=kernels.c2r, batch=_batch, vjp=dict(x=_c2r_vjp))
for _prim, _name in ((_c2c, "FftC2CBackward0"), (_r2c, "FftR2CBackward0"), (_c2r, "FftC2RBackward0")):
    _prim.Node = _prim.renamed(_name)
_pad_end = linear(
    "pad_end", params=("dim", "size"), kernel=kernels.pad_end, node="ConstantPadNdBackward0",
    vjp=dict(x=lambda xp, g, x_shape, dim: xp.window(g, dim, 0, x_shape[dim])),
    batch=lambda prim, vals, dims, params: (
        prim(front(vals[0], dims[0]), dim=params["dim"] + 1, size=params["size"]), 0),
)  # fmt: skip

# ---------------------------------------------------------------- arguments


def _inexact(x: Any, name: str, complex_result: bool = False) -> Tensor:
    """`x` in a dtype that transforms take; integers become the default dtype."""
    if not isinstance(x, Tensor):
        raise TypeError(f"fft_{name}(): argument 'input' (position 1) must be Tensor, not {type(x).__name__}")
    if x.dtype.category < 2:
        x = x.to(get_default_dtype())  # type: ignore[attr-defined]
    if x.dtype.itemsize < 4:
        raise RuntimeError(f"Unsupported dtype {x.dtype.scalar_name}")
    if complex_result and not x.dtype.is_complex:
        x = x.to(x.dtype.to_complex())  # type: ignore[attr-defined]
    return x


def _scale(norm: str | None, forward: bool) -> int:
    if norm is None or norm == "backward":
        return NONE if forward else BY_N
    if norm == "forward":
        return BY_N if forward else NONE
    if norm == "ortho":
        return BY_ROOT
    raise RuntimeError(f'Invalid normalization mode: "{norm}"')


def _axis(x: Tensor, dim: int) -> int:
    if not x.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, x.ndim)


def _positive(n: int) -> None:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")


def resized(x: Tensor, dim: int, n: int) -> Tensor:
    """Cut or filled with zeros to `n` along `dim`."""
    have = x.shape[dim]
    if have == n:
        return x
    return ops.slice_view(x, dim, 0, n) if have > n else _pad_end(x, dim=dim, size=n)


def _shape_and_dims(x: Tensor, s: Any, dim: Any) -> tuple[list[int], tuple[int, ...]]:
    """(sizes, dims) of an n-dimensional transform; -1 keeps a size."""
    if isinstance(dim, int):
        dim = (dim,)
    if isinstance(s, int):
        s = (s,)
    dims: tuple[int, ...] | None = None
    if dim is not None:
        dims = tuple([wrap_dim(d, x.ndim) for d in dim])
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    if s is not None:
        if dims is not None and len(dims) != len(s):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(s) > x.ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {x.ndim} dimensions.")
        if dims is None:
            dims = tuple(range(x.ndim - len(s), x.ndim))
        sizes = [x.shape[d] if n == -1 else int(n) for n, d in zip(s, dims, strict=True)]
    else:
        if dims is None:
            dims = tuple(range(x.ndim))
        sizes = [x.shape[d] for d in dims]
    for n in sizes:
        _positive(n)
    return sizes, dims


def _all_resized(x: Tensor, dims: Sequence[int], sizes: Sequence[int]) -> Tensor:
    for d, n in zip(dims, sizes, strict=True):
        x = resized(x, d, n)
    return x


def _given(y: Tensor, out: Tensor | None, name: str) -> Tensor:
    return y if out is None else write_out(out, y, "fft_" + name)


# ---------------------------------------------------------------- one dimension


def _one(name: str, x: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Tensor:
    """fft and ifft."""
    x = _inexact(x, name)
    d = _axis(x, dim)
    size = x.shape[d] if n is None else n
    _positive(size)
    scale = _scale(norm, forward)
    x = resized(x, d, size)
    if x.dtype.is_complex:
        return _c2c(x, dim=(d,), scale=scale, forward=forward)
    y = _r2c(x, dim=(d,), scale=scale, onesided=False)
    return y if forward else ops.conj(y)


def _one_r2c(name: str, x: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Tensor:
    """rfft and ihfft."""
    x = _inexact(x, name)
    if x.dtype.is_complex:
        raise RuntimeError(f"{name} expects a real input tensor, but got {x.dtype.scalar_name}")
    d = _axis(x, dim)
    size = x.shape[d] if n is None else n
    _positive(size)
    y = _r2c(resized(x, d, size), dim=(d,), scale=_scale(norm, forward), onesided=True)
    return y if forward else ops.conj(y)


def _one_c2r(name: str, x: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Tensor:
    """irfft and hfft."""
    x = _inexact(x, name, True)
    d = _axis(x, dim)
    size = 2 * (x.shape[d] - 1) if n is None else n
    _positive(size)
    scale = _scale(norm, forward)
    x = resized(x, d, size // 2 + 1)
    return _c2r(ops.conj(x) if forward else x, dim=(d,), scale=scale, size=size)


def _one_dimensional(name: str, how: Any, forward: bool, what: str) -> None:
    def transform(
        input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
    ) -> Tensor:
        return _given(how(name, input, n, dim, norm, forward), out, name)

    transform.__name__, transform.__qualname__ = name, "fft_" + name
    transform.__doc__ = f"{what} along `dim`, cut or zero-padded to `n`. norm: backward (default), ortho or forward."
    public(transform, name="fft." + name, method=False)


_one_dimensional("fft", _one, True, "The discrete Fourier transform")
_one_dimensional("ifft", _one, False, "The inverse of `fft`")
_one_dimensional("rfft", _one_r2c, True, "The nonnegative frequencies of a real signal")
_one_dimensional("ihfft", _one_r2c, False, "The inverse of `hfft`")
_one_dimensional("irfft", _one_c2r, False, "The real signal (n numbers) of these nonnegative frequencies")
_one_dimensional("hfft", _one_c2r, True, "The real spectrum (n numbers) of half a Hermitian signal")

# ---------------------------------------------------------------- several dimensions


def _several(name: str, x: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    """fftn and ifftn."""
    x = _inexact(x, name, True)
    sizes, dims = _shape_and_dims(x, s, dim)
    scale = _scale(norm, forward)
    return _c2c(_all_resized(x, dims, sizes), dim=dims, scale=scale, forward=forward)


def _several_rfft(name: str, x: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    x = _inexact(x, name)
    if x.dtype.is_complex:
        raise RuntimeError(f"{name} expects a real-valued input tensor, but got {x.dtype.scalar_name}")
    sizes, dims = _shape_and_dims(x, s, dim)
    _some_axis(name, dims)
    return _r2c(_all_resized(x, dims, sizes), dim=dims, scale=_scale(norm, True), onesided=True)


def _some_axis(name: str, dims: Sequence[int]) -> None:
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


def _halved(name: str, x: Tensor, s: Any, dim: Any) -> tuple[Tensor, tuple[int, ...], int]:
    """(x cut or padded, dims, size of the last one in the real signal)"""
    sizes, dims = _shape_and_dims(x, s, dim)
    _some_axis(name, dims)
    if s is None or (s if isinstance(s, int) else s[-1]) == -1:
        sizes[-1] = 2 * (x.shape[dims[-1]] - 1)
    _positive(sizes[-1])
    last = sizes[-1]
    sizes[-1] = last // 2 + 1
    return _all_resized(x, dims, sizes), dims, last


def _several_irfft(name: str, x: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    x, dims, last = _halved(name, _inexact(x, name, True), s, dim)
    return _c2r(x, dim=dims, scale=_scale(norm, False), size=last)


def _several_hfft(name: str, x: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    x, dims, last = _halved(name, _inexact(x, name, True), s, dim)
    scale = _scale(norm, True)
    if len(dims) > 1:
        x = _c2c(x, dim=dims[:-1], scale=scale, forward=True)
    return _c2r(ops.conj(x), dim=dims[-1:], scale=scale, size=last)


def _several_ihfft(name: str, x: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    x = _inexact(x, name)
    if x.dtype.is_complex:
        raise RuntimeError(f"Only supports floating-point dtypes, but found: {x.dtype.scalar_name}")
    sizes, dims = _shape_and_dims(x, s, dim)
    _some_axis(name, dims)
    scale = _scale(norm, False)
    y = ops.conj(_r2c(_all_resized(x, dims, sizes), dim=dims[-1:], scale=scale, onesided=True))
    return y if len(dims) == 1 else _c2c(y, dim=dims[:-1], scale=scale, forward=False)


def _many_dimensional(stem: str, how: Any, forward: bool, what: str) -> None:
    """<stem>n over all dimensions or `dim`, <stem>2 over the last two."""
    doc = f"{what} over `dim`, cut or zero-padded to the sizes `s`. norm: backward (default), ortho or forward."

    def over_all(
        input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Tensor | None = None
    ) -> Tensor:
        return _given(how(stem + "n", input, s, dim, norm, forward), out, stem + "n")

    def over_two(
        input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
    ) -> Tensor:
        return _given(how(stem + "n", input, s, dim, norm, forward), out, stem + "2")

    for fn, name in ((over_all, stem + "n"), (over_two, stem + "2")):
        fn.__name__, fn.__qualname__ = name, "fft_" + name
        fn.__doc__ = doc
        public(fn, name="fft." + name, method=False)


_many_dimensional("fft", _several, True, "The discrete Fourier transform")
_many_dimensional("ifft", _several, False, "The inverse of `fftn`")
_many_dimensional("rfft", _several_rfft, True, "The transform of a real signal, nonnegative frequencies in the last dim,")
_many_dimensional("irfft", _several_irfft, False, "The inverse of `rfftn`")
_many_dimensional("hfft", _several_hfft, True, "The real spectrum of a signal that is Hermitian in its last dimension,")
_many_dimensional("ihfft", _several_ihfft, False, "The inverse of `hfftn`")

# ---------------------------------------------------------------- helpers of users


def _frequencies(name: str, n: int, d: float, count: Any, dtype: Any, out: Any, device: Any, requires_grad: bool) -> Tensor:
    kind = get_default_dtype() if dtype is None else dtype
    if kind.category < 2:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    y = ops.tensor((count * (1.0 / (n * d)) if n else count).astype(kind.np), dtype=kind, device=device)
    if out is not None:
        return write_out(out, y, "fft_" + name)
    return y.requires_grad_(requires_grad) if requires_grad else y


@public(name="fft.fftfreq", method=False)
def fftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The frequencies of `fft` of n samples at distance d: 0, 1, ..., -2, -1 over n d."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    half = (n + 1) // 2
    count = np.concatenate([np.arange(half), np.arange(-(n // 2), 0)])
    return _frequencies("fftfreq", n, d, count, dtype, out, device, requires_grad)


@public(name="fft.rfftfreq", method=False)
def rfftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The frequencies of `rfft` of n samples at distance d."""
    if int(n / 2) + 1 < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {int(n / 2) + 1}: [{int(n / 2) + 1}]")
    return _frequencies("rfftfreq", n, d, np.arange(n // 2 + 1), dtype, out, device, requires_grad)


def _shift_dims(x: Tensor, dim: Any) -> tuple[int, ...]:
    if dim is None:
        return tuple(range(x.ndim))
    return tuple([wrap_dim(d, x.ndim) for d in ((dim,) if isinstance(dim, int) else dim)])


@public(name="fft.fftshift", method=False)
def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Move the zero frequency to the middle of `dim` (None: of every dimension)."""
    dims = _shift_dims(input, dim)
    return FUNCTIONS["roll"](input, tuple(input.shape[d] // 2 for d in dims), dims) if dims else input.clone()  # type: ignore


@public(name="fft.ifftshift", method=False)
def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of `fftshift`."""
    dims = _shift_dims(input, dim)
    return FUNCTIONS["roll"](input, tuple((input.shape[d] + 1) // 2 for d in dims), dims) if dims else input.clone()  # type: ignore


for _fn in (fftfreq, rfftfreq, fftshift, ifftshift):
    _fn.__qualname__ = "fft_" + _fn.__name__
_ONE = (
    Case(T(5)),
    Case(T(3, 6), n=4),
    Case(T(3, 5), n=8, dim=0, norm="ortho"),
    Case(T(2, 6), norm="forward"),
    Case(T(2, 5), 5),
)
_MANY = (
    Case(T(4, 6)), Case(T(3, 5), s=(4, 3)), Case(T(2, 3, 4), dim=(2, 0), norm="ortho"),
    Case(T(3, 4), s=(-1, 5), norm="forward"),
)  # fmt: skip
for _stem in ("fft", "ifft", "rfft", "ihfft", "irfft", "hfft"):
    _real = _stem in ("rfft", "ihfft")
    samples("fft." + _stem, *_ONE, complex=not _real)
    samples(f"fft.{_stem}n", *_MANY, Case(T(3, 4), s=(3,)), complex=not _real)
    samples(f"fft.{_stem}2", *_MANY, complex=not _real)
for _stem in ("fftshift", "ifftshift"):
    samples("fft." + _stem, Case(T(5)), Case(T(3, 4)), Case(T(3, 4), 1), Case(T(2, 3, 4), (0, 2)))
samples("fft.fftfreq", Case(5), Case(4, 0.5), differentiable=False)
samples("fft.rfftfreq", Case(5), Case(4, 0.5), differentiable=False)

__all__ = ["resized"]
