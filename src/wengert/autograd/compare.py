"""The comparison at the heart of `gradcheck`: derivatives by rule and by finite differences, and what is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.tensor import Tensor, wrap
from . import jacobians
from .jacobians import as_outputs, differentiable, is_number_field, takes_part

Func = Callable[..., Any]
Inputs = tuple[Any, ...]


class GradcheckError(RuntimeError):
    """Raised by `gradcheck` and `gradgradcheck` when a check fails."""

    __module__ = "torch.autograd.gradcheck"


class Tolerance:
    """How a check is made: the step, the tolerances, and whether directions stand for whole Jacobians."""

    __slots__ = ("atol", "dtypes", "eps", "fast", "nondet", "rtol")

    def __init__(self, eps: float, atol: float, rtol: float, nondet: float, dtypes: bool, fast: bool) -> None:
        self.eps, self.atol, self.rtol, self.nondet, self.dtypes, self.fast = eps, atol, rtol, nondet, dtypes, fast

    def close(self, a: Any, n: Any, atol: float | None = None) -> bool:
        return bool(np.allclose(a, n, rtol=self.rtol, atol=self.atol if atol is None else atol))


class Part:
    """Which part of complex outputs (or inputs, in forward mode) is looked at; None in `where`: whole numbers."""

    __slots__ = ("forward", "imag", "where")

    def __init__(self, where: frozenset[int] | None = None, imag: bool = False, forward: bool = False) -> None:
        self.where, self.imag, self.forward = where, imag, forward


def check_backward(func: Func, result: Inputs, xs: Inputs, how: Tolerance) -> None:
    """Backward against finite differences; complex outputs by their imaginary and their real part."""
    if not differentiable(result):
        check_constant(func, result, xs, how)
        return
    where = frozenset(i for i, o in enumerate(result) if o.is_complex())
    if not where:
        compare_backward(func, result, xs, how, Part())
        return
    for imag in (True, False):
        part = jacobians.part_of_outputs(func, imag)
        compare_backward(part, part(*xs), xs, how, Part(where, imag))


def check_forward(func: Func, outputs: Inputs, xs: Inputs, how: Tolerance) -> None:
    """Forward mode against finite differences; complex inputs by their imaginary and their real part."""
    where = frozenset(i for i, x in enumerate(xs) if takes_part(x) and x.dtype.is_complex)
    if not where:
        compare_forward(func, xs, how, Part(forward=True))
        return
    for imag in (True, False):
        part, leaves = jacobians.part_of_inputs(func, xs, imag)
        compare_forward(part, leaves, how, Part(where, imag, True))


def check_constant(func: Func, result: Inputs, xs: Inputs, how: Tolerance) -> None:
    """No output requires a gradient: then none may change with the inputs."""
    floating = [is_number_field(o) for o in result]
    if not any(floating):
        return

    def parts(*inputs: Any) -> list[Any]:
        numbers = [o for o, f in zip(as_outputs(func(*inputs)), floating, strict=True) if f]
        return [p for o in numbers for p in ((o.real, o.imag) if o.is_complex() else (o,))]

    for i, x in enumerate(xs):
        if takes_part(x):
            for jacobian in jacobians.numerical_by(parts, xs, i, how.eps):
                if not how.close(jacobian, 0, how.eps):
                    raise GradcheckError("Numerical gradient for function expected to be zero")


def compare_backward(func: Func, result: Inputs, xs: Inputs, how: Tolerance, part: Part) -> None:
    numbers = [k for k, o in enumerate(result) if o.requires_grad]
    outputs = [result[k] for k in numbers]
    goals = [i for i, x in enumerate(xs) if takes_part(x)]
    leaves = [xs[i] for i in goals]
    chosen = part_of_selected(func, numbers)
    if how.fast:
        us, vs = jacobians.directions(xs, outputs)
        products = {i: jacobians.numerical_along(chosen, xs, i, how.eps, us[i]) for i in goals}
        for j, o in enumerate(outputs):
            wanted = [us[i] for i in goals]
            twice = [jacobians.analytical_along(o, leaves, wanted, vs[j]) for _ in range(2)]
            check_reproducible(twice[0][0], twice[1][0], how)
            check_types(twice[0][1], leaves, how)
            for i, a in zip(goals, twice[0][0], strict=True):
                n = product(products[i][j], vs[j])
                if not how.close(a, n, how.atol * scale(us[i], vs[j])):
                    whole_a, whole_n = whole(chosen, xs, i, j, how, o)
                    raise mismatch(a, n, numbers[j], i, part, xs[i], o, how, (whole_a, whole_n))
        return
    numerical = {i: jacobians.numerical_by(chosen, xs, i, how.eps) for i in goals}
    for j, o in enumerate(outputs):
        first, sample = jacobians.analytical(o, leaves)
        check_reproducible(first, jacobians.analytical(o, leaves)[0], how)
        check_types(sample, leaves, how)
        for i, a in zip(goals, first, strict=True):
            n = numerical[i][j]
            if not how.close(a, n):
                raise mismatch(a, n, numbers[j], i, part, xs[i], o, how)


def compare_forward(func: Func, xs: Inputs, how: Tolerance, part: Part) -> None:
    result = as_outputs(func(*xs))
    numbers = [k for k, o in enumerate(result) if o.requires_grad]
    outputs = [result[k] for k in numbers]
    chosen = part_of_selected(func, numbers)
    us = jacobians.directions(xs, outputs).u if how.fast else []
    for i in [i for i, x in enumerate(xs) if takes_part(x)]:
        if how.fast:
            numerical = jacobians.numerical_along(chosen, xs, i, how.eps, us[i])
            found = jacobians.forward_along(chosen, xs, i, us[i], len(outputs))
        else:
            numerical = jacobians.numerical_by(chosen, xs, i, how.eps)
            found = jacobians.forward_by(chosen, xs, i, len(outputs))
        for j, (a, n) in enumerate(zip(found, numerical, strict=True)):
            if not how.close(a, n, how.atol * float(us[i].sum()) if how.fast else None):
                other = None
                if how.fast:
                    other = (
                        jacobians.forward_by(chosen, xs, i, len(outputs))[j],
                        jacobians.numerical_by(chosen, xs, i, how.eps)[j],
                    )
                raise mismatch(a, n, numbers[j], i, part, xs[i], outputs[j], how, other)


def part_of_selected(func: Func, numbers: Sequence[int]) -> Func:
    """`func` with only these of its outputs."""

    def selected(*inputs: Any) -> list[Any]:
        outputs = as_outputs(func(*inputs))
        return [outputs[k] for k in numbers]

    return selected


def whole(func: Func, xs: Inputs, i: int, j: int, how: Tolerance, o: Tensor) -> tuple[Any, Any]:
    return jacobians.analytical(o, [xs[i]])[0][0], jacobians.numerical_by(func, xs, i, how.eps)[j]


def product(derivative: Any, v: Any) -> Any:
    """v' times the derivative along a direction (a pair for a complex input)."""
    if isinstance(derivative, tuple):
        return complex(derivative[0] @ v, derivative[1] @ v)
    return float(derivative @ v)


def scale(u: Any, v: Any) -> float:
    """v' E u for a matrix E of ones: what the absolute tolerance of every entry adds up to."""
    return float((u[0] if isinstance(u, tuple) else u).sum() * v.sum())


def check_reproducible(first: Sequence[Any], second: Sequence[Any], how: Tolerance) -> None:
    for a, b in zip(first, second, strict=True):
        if np.size(a) and np.max(np.abs(np.asarray(a) - np.asarray(b))) > how.nondet:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                "gives different values, although analytical gradient matches numerical gradient."
                f"The tolerance for nondeterminism was {how.nondet}.\n\n"
                "Where that is meant (the backward draws random numbers, say), pass `nondet_tol`."
            )


def check_types(sample: Sequence[Tensor | None], leaves: Sequence[Tensor], how: Tolerance) -> None:
    for g, x in zip(sample, leaves, strict=True):
        if g is None:
            continue
        if how.dtypes and g.dtype is not x.dtype:
            raise GradcheckError("Gradient has dtype mismatch")
        if tuple(g.shape) != tuple(x.shape):
            raise GradcheckError("Analytical gradient has incorrect size")


def mismatch(
    a: Any, n: Any, j: int, i: int, part: Part, x: Tensor, o: Tensor, how: Tolerance, other: Any = None
) -> GradcheckError:
    """The error for output `j` and input `i`; `other`: the whole Jacobians behind two products of the fast mode."""
    text = ""
    if part.where is not None and (i if part.forward else j) in part.where:
        which, side = ("imaginary" if part.imag else "real"), ("inputs" if part.forward else "outputs")
        text = f"While considering the {which} part of complex {side} only, "
    mode = "computed with forward mode " if part.forward else ""
    text += f"Jacobian {mode}mismatch for output {j} with respect to input {i},\n"
    shown = [wrap(np.asarray(k)) if np.ndim(k) else k for k in (n, a)]
    text += f"numerical:{shown[0]}\nanalytical:{shown[1]}\n"
    if other is None:
        return GradcheckError(text + worst(a, n, x, o, how))
    a, n = other
    text += (
        "\nThe above quantities relating the numerical and analytical jacobians are computed \nin fast mode: they are "
        "products with random directions. Element by element:\n\n"
        f"Numerical:\n {wrap(n)}\nAnalytical:\n{wrap(a)}\n\n"
        f"The max per-element difference (slow mode) is: {float(np.max(np.abs(a - n)))}.\n"
    )
    if how.close(a, n):
        text += (
            "\nFast gradcheck failed but element-wise differences are small. This means that the\n"
            "test might've passed in slow_mode!\n"
        )
    return GradcheckError(text + worst(a, n, x, o, how))


def worst(a: Any, n: Any, x: Tensor, o: Tensor, how: Tolerance) -> str:
    """A line that names the element that is furthest off."""
    with np.errstate(all="ignore"):
        off = np.abs(a - n)
        excess = np.where(np.isnan(off), np.inf, off - (how.atol + how.rtol * np.abs(n)))
    row, column = np.unravel_index(int(np.argmax(excess)), excess.shape)
    place = tuple(map(int, np.unravel_index(int(row), x.shape))) if x.ndim else ()
    end = tuple(map(int, np.unravel_index(int(column), o.shape))) if o.ndim else ()
    return (
        f"\nThe worst element: d output{list(end)} / d input{list(place)} is {n[row, column]:.6g} by finite "
        f"differences and {a[row, column]:.6g} by the derivative rule ({int((excess > 0).sum())} of {excess.size} "
        "elements are off)."
    )
