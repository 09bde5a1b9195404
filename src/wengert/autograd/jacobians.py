"""Jacobians for `gradcheck`: by finite differences, by backward, by forward mode; whole, or projected on directions.

A Jacobian of an output with m elements by an input with n is an (n, m) array. A complex input counts through
PyTorch's convention: for a real output s of z = x + iy its entry is ds/dx + i ds/dy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..core.generator import Generator
from ..core.modes import enable_grad
from ..core.primitive import ops
from ..core.tensor import Tensor, wrap
from . import forward_ad
from .backward import grad

Array = Any
Func = Callable[..., Any]


class Directions(NamedTuple):
    """Unit vectors: `u` for each input (a pair, for the real and the imaginary part, where it is complex), `v` for
    each output; None for an input that takes no part."""

    u: list[Any]
    v: list[Array]


def as_outputs(x: Any) -> tuple[Any, ...]:
    """What a function returned, as a tuple."""
    return x if isinstance(x, tuple) else tuple(x) if isinstance(x, list) else (x,)


def is_number_field(t: Tensor) -> bool:
    """Whether its elements are real or complex numbers."""
    kind = t.dtype
    return kind.is_floating_point or kind.is_complex


def differentiable(outputs: Any) -> tuple[Any, ...]:
    """Those outputs that require a gradient."""
    return tuple(o for o in as_outputs(outputs) if o.requires_grad)


def takes_part(x: Any) -> bool:
    """Whether it is an input to differentiate by."""
    return isinstance(x, Tensor) and x.requires_grad


def array(t: Tensor) -> Array:
    """Its elements as an array of their own (an output may alias the input that is about to move)."""
    data: Any = t.detach()  # type: ignore[attr-defined]
    while isinstance(data, Tensor):
        data = data._data
    return data.copy()


# ---------------------------------------------------------------- finite differences


def evaluate(func: Func, inputs: Sequence[Any]) -> list[Array]:
    return [array(o) for o in as_outputs(func(*inputs))]


@contextmanager
def moved(data: Array, where: Any, step: Any) -> Iterator[None]:
    """`data[where]` changed by `step`; it comes back exactly, even if the function raises."""
    before = data[where].copy()
    try:
        data[where] = before + step
        yield
    finally:
        data[where] = before


def differences(func: Func, inputs: Sequence[Any], data: Array, where: Any, step: Any, eps: float) -> list[Array]:
    """(f(x + step) - f(x - step)) / (2 eps) for every output, flat."""
    with moved(data, where, step):
        above = evaluate(func, inputs)
    with moved(data, where, -step):
        below = evaluate(func, inputs)
    quotients = []
    for i, (a, b) in enumerate(zip(above, below, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise RuntimeError(
                f"the shape or dtype of output {i} depends on the values of the inputs: {a.shape}, {a.dtype} and "
                f"{b.shape}, {b.dtype} at two points {2 * eps} apart"
            )
        if a.dtype.kind not in "fcV":
            a, b = a.astype(np.float64), b.astype(np.float64)
        with np.errstate(all="ignore"):
            quotients.append((a - b).reshape(-1) / (2 * eps))
    return quotients


def combined(by_real: Array, by_imag: Array) -> Array:
    """The entry for a complex input from the derivatives by its two parts (of a real output)."""
    if by_real.dtype.kind == "c":
        raise AssertionError("Expected ds_dx to be real-valued, not complex")
    return by_real + 1j * by_imag


def numerical_by(func: Func, inputs: Sequence[Any], i: int, eps: float) -> list[Array]:
    """The Jacobians of all outputs by input `i`, by central differences."""
    x = inputs[i]
    data = x._data
    parts = []
    for step in (eps, 1j * eps) if data.dtype.kind == "c" else (eps,):
        rows = [differences(func, inputs, data, where, step, eps) for where in np.ndindex(data.shape)]
        parts.append(rows)
    if not parts[0]:  # no elements: one call, for the number and the sizes of the outputs
        return [np.zeros((0, o.size), data.dtype) for o in evaluate(func, inputs)]
    columns = [[np.stack(column) for column in zip(*rows, strict=True)] for rows in parts]
    if len(columns) == 1:
        return columns[0]
    return [combined(a, b) for a, b in zip(*columns, strict=True)]


def numerical_along(func: Func, inputs: Sequence[Any], i: int, eps: float, u: Any) -> list[Any]:
    """The derivatives of all outputs along direction `u` of input `i`; for a complex input the pair (by the real
    direction, by the imaginary one)."""
    data = inputs[i]._data
    if data.dtype.kind != "c":
        return differences(func, inputs, data, ..., eps * u.reshape(data.shape), eps)
    real, imag = (part.reshape(data.shape) for part in u)
    by_real = differences(func, inputs, data, ..., eps * real, eps)
    by_imag = differences(func, inputs, data, ..., 1j * eps * imag, eps)
    return list(zip(by_real, by_imag, strict=True))


# ---------------------------------------------------------------- backward


def vector_product(output: Tensor, inputs: Sequence[Tensor], v: Tensor) -> list[Tensor | None]:
    """The gradients of `inputs` for the incoming gradient `v`."""
    return list(grad(output, inputs, v, retain_graph=True, allow_unused=True))


def analytical(output: Tensor, inputs: Sequence[Tensor]) -> tuple[list[Array], list[Tensor | None]]:
    """The Jacobians of `output` by `inputs`, by one backward for each element; and one row of gradients as it came."""
    n = output.numel()  # type: ignore[attr-defined]
    result = [np.zeros((x.numel(), n), x._data.dtype) for x in inputs]  # type: ignore[attr-defined]
    kind = output._data.dtype
    sample: list[Tensor | None] = [None] * len(inputs)
    for j in range(n):
        one = np.zeros(n, kind)
        one[j] = 1
        sample = vector_product(output, inputs, wrap(one.reshape(output.shape)))
        for jacobian, g in zip(result, sample, strict=True):
            if g is not None and g.numel() == len(jacobian):  # type: ignore[attr-defined]
                jacobian[:, j] = array(g).reshape(-1)
    return result, sample


def analytical_along(
    output: Tensor, inputs: Sequence[Tensor], us: Sequence[Any], v: Array
) -> tuple[list[Any], list[Tensor | None]]:
    """v' J u for every input (by the real and the imaginary direction together, where it is complex)."""
    vector = wrap(v.astype(output._data.dtype).reshape(output.shape))
    sample = vector_product(output, inputs, vector)
    numbers: list[Any] = []
    for x, g, u in zip(inputs, sample, us, strict=True):
        if g is None:
            numbers.append(0j if x.dtype.is_complex else 0.0)
        elif x.dtype.is_complex:
            flat = array(g).reshape(-1)
            numbers.append(complex(flat.real @ u[0], flat.imag @ u[1]))
        else:
            numbers.append(float(array(g).reshape(-1) @ u))
    return numbers, sample


# ---------------------------------------------------------------- forward mode


def tangents(func: Func, inputs: Sequence[Any], i: int, t: Array, count: int) -> list[Array]:
    """The tangents of the outputs for tangent `t` of input `i` (zeros for the other inputs)."""
    with forward_ad.dual_level():
        duals = []
        for k, x in enumerate(inputs):
            if takes_part(x):
                value = np.zeros(x.shape, x._data.dtype) if k != i else t.reshape(x.shape)
                x = forward_ad.make_dual(x.detach(), wrap(value))
            duals.append(x)
        pairs = [forward_ad.unpack_dual(o) for o in as_outputs(func(*duals))]
        return [
            np.zeros(o.primal.numel(), o.primal._data.dtype) if o.tangent is None else array(o.tangent).reshape(-1)  # type: ignore[attr-defined]
            for o in pairs[:count]
        ]


def forward_by(func: Func, inputs: Sequence[Any], i: int, count: int) -> list[Array]:
    """The Jacobians of all outputs by (real) input `i`, by one forward pass for each of its elements."""
    x = inputs[i]
    kind = x._data.dtype
    rows = []
    for where in np.ndindex(x._data.shape):
        t = np.zeros(x.shape, kind)
        t[where] = 1
        rows.append(tangents(func, inputs, i, t, count))
    if not rows:
        return [np.zeros((0, o.size), kind) for o in evaluate(func, inputs)]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def forward_along(func: Func, inputs: Sequence[Any], i: int, u: Array, count: int) -> list[Array]:
    """The derivatives of all outputs along `u` of (real) input `i`, by one forward pass."""
    return tangents(func, inputs, i, u.astype(inputs[i]._data.dtype), count)


# ---------------------------------------------------------------- directions and parts


def directions(inputs: Sequence[Any], outputs: Sequence[Tensor]) -> Directions:
    """The directions of the fast mode: always the same ones, and the default generator is not touched."""
    generator = Generator()

    def unit(n: int) -> Array:
        u = array(ops.rand(n, generator=generator)).astype(np.float64)
        length = float(np.sqrt(u @ u))
        return u / length if length else u

    us: list[Any] = []
    for x in inputs:
        if not takes_part(x):
            us.append(None)
        elif x.dtype.is_complex:
            us.append((unit(x.numel()), unit(x.numel())))
        else:
            us.append(unit(x.numel()))
    return Directions(us, [unit(o.numel()) for o in outputs])  # type: ignore[attr-defined]


def part_of_outputs(func: Func, imag: bool) -> Func:
    """`func` with the real or the imaginary part of its complex outputs (real ones stay)."""

    def part(*inputs: Any) -> tuple[Any, ...]:
        with enable_grad():
            outputs = as_outputs(func(*inputs))
            return tuple((o.imag if imag else o.real) if o.is_complex() else o for o in outputs)

    return part


def part_of_inputs(func: Func, inputs: Sequence[Any], imag: bool) -> tuple[Func, tuple[Any, ...]]:
    """`func` as a function of the real or the imaginary part of its complex inputs; and these parts, as leaves."""
    chosen = [takes_part(x) and x.dtype.is_complex for x in inputs]
    fixed = [(x.detach().real if imag else x.detach().imag).clone() if c else None for x, c in zip(inputs, chosen)]
    leaves = tuple(
        (x.detach().imag if imag else x.detach().real).clone().requires_grad_() if c else x
        for x, c in zip(inputs, chosen, strict=True)
    )

    def of_parts(*parts: Any) -> Any:
        whole = [
            (ops.complex(f, p) if imag else ops.complex(p, f)) if c else p
            for p, f, c in zip(parts, fixed, chosen, strict=True)
        ]
        return func(*whole)

    return of_parts, leaves
