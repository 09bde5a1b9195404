"""Grids and combinations of coordinates, numerical gradients; complex numbers from their parts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..core.batching import batch_elementwise
from ..core.dispatch import check_broadcast
from ..core.errors import warn_once
from ..core.inplace import write_out
from ..core.primitive import general, ops
from ..core.samples import Case, T, samples
from ..core.takes import FLOATS, Takes
from ..core.tensor import Tensor
from .install import public
from .join import cat, stack
from .reduce import wrap_dim
from .shape import expand_to, flatten, view_method

# ---------------------------------------------------------------- grids


@public(method=False)
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinates of a grid: one tensor for each of the given vectors, stretched (as a view) over the grid.

    indexing "ij": the shape is the vectors' lengths; "xy": the first two are swapped.
    """
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    if indexing is None:
        warn_once("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.")
        indexing = "ij"
    if not given:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for t in given:
        if t.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
        if t.dtype is not given[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    swap = indexing == "xy" and len(given) > 1
    vectors = [given[1], given[0], *given[2:]] if swap else list(given)
    shape = tuple([t.numel() for t in vectors])
    n = len(shape)
    grids = [
        expand_to(view_method(t, tuple([-1 if d == i else 1 for d in range(n)])), shape) for i, t in enumerate(vectors)
    ]
    if swap:
        grids = [grids[1], grids[0], *grids[2:]]
    return tuple(grids)


@public(method=False)
def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, as rows."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    for t in given:
        if t.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t.shape)}")
    if len(given) == 1:
        return given[0]  # type: ignore[no-any-return]
    return stack([flatten(g) for g in meshgrid(*given, indexing="ij")], 1)  # type: ignore[no-any-return]


@public(method=False)
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """The combinations of r elements of a vector, as rows."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return ops.empty(0, dtype=input.dtype)  # type: ignore[no-any-return]
    make = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    index = np.array(list(make(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    columns = [input.index_select(0, ops.tensor(np.ascontiguousarray(index[:, i]))) for i in range(r)]  # type: ignore
    return stack(columns, 1)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- numerical gradients


@public(method=False)
def gradient(
    input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The derivatives of samples along each of `dim`, by central differences of second order.

    spacing: one number, one for each dimension, or the coordinates along each dimension as tensors.
    """
    n = input.ndim
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = list(range(n)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [wrap_dim(d, n) for d in dims]
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    if isinstance(spacing, (list, tuple)):
        if len(spacing) != len(dims):
            if dim is None:
                raise RuntimeError(
                    "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
                    "'self.dim() "
                    f"= {n}', since dim argument was not given, but got a list of length {len(spacing)}"
                )
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to "
                "have "
                f"the same length, but got a spacing argument of length {len(spacing)} and a dim argument of length "
                f"{len(dims)}."
            )
        steps = list(spacing)
    else:
        if isinstance(spacing, Tensor) and spacing.ndim:
            raise TypeError("gradient() received an invalid combination of arguments - got (Tensor, spacing=Tensor)")
        steps = [spacing] * len(dims)
    for d in dims:
        if input.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    if input.dtype.name == "uint8":
        raise RuntimeError("torch.gradient does not support uint8 input.")
    return tuple([_differences(input, d, h, edge_order) for d, h in zip(dims, steps, strict=True)])


def _differences(x: Tensor, d: int, h: Any, edge_order: int) -> Tensor:
    n = x.shape[d]

    def part(start: int, length: int) -> Any:
        return x.narrow(d, start, length)  # type: ignore[attr-defined]

    if not isinstance(h, Tensor) or not h.ndim:
        inner = (part(2, n - 2) - part(0, n - 2)) / (h * 2)
        if edge_order == 1:
            first, last = (part(1, 1) - part(0, 1)) / h, (part(n - 1, 1) - part(n - 2, 1)) / h
        else:
            first = (part(0, 1) * -1.5 + part(1, 1) * 2 - part(2, 1) * 0.5) / h
            last = (part(n - 1, 1) * 1.5 - part(n - 2, 1) * 2 + part(n - 3, 1) * 0.5) / h
        return cat([first, inner, last], d)  # type: ignore[no-any-return]
    if h.shape[0] != n:
        raise RuntimeError(f"torch.gradient: {h.shape[0]} coordinates are given for dimension {d} of size {n}")
    gaps = (h[1:] - h[:-1]).reshape([-1 if i == d else 1 for i in range(x.ndim)])  # type: ignore[index]

    def gap(start: int, length: int) -> Any:
        return gaps.narrow(d, start, length)

    before, after = gap(0, n - 2), gap(1, n - 2)
    inner = (
        part(0, n - 2) * (-after / (before * (before + after)))
        + part(1, n - 2) * ((after - before) / (before * after))
        + part(2, n - 2) * (before / (after * (before + after)))
    )
    if edge_order == 1:
        first = (part(1, 1) - part(0, 1)) / gap(0, 1)
        last = (part(n - 1, 1) - part(n - 2, 1)) / gap(n - 2, 1)
    else:
        first = _edge(part(0, 1), part(1, 1), part(2, 1), gap(0, 1), gap(1, 1))
        last = -_edge(part(n - 1, 1), part(n - 2, 1), part(n - 3, 1), gap(n - 2, 1), gap(n - 3, 1))
    return cat([first, inner, last], d)  # type: ignore[no-any-return]


def _edge(f0: Any, f1: Any, f2: Any, a: Any, b: Any) -> Any:
    """The derivative at f0 of the parabola through f0, f1 (at distance a) and f2 (b further)."""
    return f0 * (-(2 * a + b) / (a * (a + b))) + f1 * ((a + b) / (a * b)) - f2 * (a / (b * (a + b)))


# ---------------------------------------------------------------- complex numbers from their parts


def _complex_kernel(x: Any, y: Any) -> Any:
    kind = np.complex128 if x.dtype == np.float64 else np.complex64
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), kind)
    out.real = x
    out.imag = y
    return out


def _complex_jvp(xp: Any, ts: Any, x: Any, y: Any) -> Any:
    a = xp.zeros_like(x) if ts[0] is None else ts[0]
    b = xp.zeros_like(y) if ts[1] is None else ts[1]
    return xp.complex(a, b)


_complex = general(
    "complex", inputs=("x", "y"), kernel=_complex_kernel, fits=True, batch=batch_elementwise, jvp=_complex_jvp,
    vjp=dict(x=lambda xp, g: xp.real(g), y=lambda xp, g: xp.imag(g)), half="native",
)  # fmt: skip


def _polar_kernel(x: Any, y: Any) -> Any:
    return _complex_kernel(x * np.cos(y), x * np.sin(y))


def _polar_jvp(xp: Any, ts: Any, x: Any, y: Any) -> Any:
    c, s = xp.cos(y), xp.sin(y)
    out = None
    if ts[0] is not None:
        out = xp.complex(ts[0] * c, ts[0] * s)
    if ts[1] is not None:
        turned = xp.complex(-ts[1] * x * s, ts[1] * x * c)
        out = turned if out is None else out + turned
    return out


_polar = general(
    "polar", inputs=("x", "y"), kernel=_polar_kernel, fits=True, batch=batch_elementwise, jvp=_polar_jvp,
    vjp=dict(
        # in terms of the result, so that both are 0 where it is
        x=lambda xp, g, out: xp.real(g * xp.conj(xp.sgn(out))),
        y=lambda xp, g, out: xp.imag(g * xp.conj(out)),
    ),
    half="native",
)  # fmt: skip


def _check_parts(a: Tensor, b: Tensor) -> None:
    floats = ("float16", "float32", "float64")
    if a.dtype.name not in floats or b.dtype.name not in floats:
        raise RuntimeError(
            "Expected both inputs to be Half, Float or Double tensors but got "
            f"{a.dtype.scalar_name} and {b.dtype.scalar_name}"
        )
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {a.dtype.scalar_name} but got scalar type {b.dtype.scalar_name} for "
            "second "
            "argument"
        )
    check_broadcast([tuple(a.shape), tuple(b.shape)])


@public(name="complex", method=False)
def complex_function(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """real + imag * 1j, broadcast. Differentiable in both."""
    _check_parts(real, imag)
    real.dtype.to_complex().np  # noqa: B018 - NumPy has no complex number of two halves
    y = _complex(real, imag)
    return y if out is None else write_out(out, y, "complex")


_polar_takes = Takes("polar_cpu", FLOATS)


@public(name="polar", method=False)
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """abs * exp(angle * 1j), broadcast. Differentiable in both."""
    _check_parts(abs, angle)
    _polar_takes(abs)
    y = _polar(abs, angle)
    return y if out is None else write_out(out, y, "polar")


samples("meshgrid", Case(T(2), T(3), indexing="ij"), Case(T(2), T(3), T(2), indexing="xy"))
samples("cartesian_prod", Case(T(2), T(3)), Case(T(2)))
samples("combinations", Case(T(4)), Case(T(3), 3), Case(T(3), 2, True))
samples("gradient", Case(T(5)), Case(T(3, 4), dim=1, spacing=0.5), Case(T(4), edge_order=2))
samples("complex", Case(T(2, 3), T(2, 3)), Case(T(3, 1), T(2)), complex=False, why_not="takes real tensors")
samples(
    "polar", Case(T(2, 3, low=0.1, high=2), T(2, 3)), Case(T(3, 1, low=0.1, high=2), T(2)), complex=False,
    why_not="takes real tensors",
)  # fmt: skip
