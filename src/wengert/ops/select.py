"""Choosing between values: where, clamp, maximum and minimum, nan_to_num."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import fast, promotion
from ..core.dispatch import dispatch, edge_of
from ..core.dtypes import bool as bool_dtype
from ..core.dtypes import finfo
from ..core.errors import warn
from ..core.fast import BinaryNode, FlatInput, check_version, fitted, new
from ..core.graph import BACKWARD_TWICE, FREED, next_seq
from ..core.inplace import inplace, inplace_with, write_out
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import elementwise, ops
from ..core.samples import Case, T, pointwise2, samples
from ..core.takes import INTEGERS, REAL, Takes
from ..core.tensor import Tensor, bump, version_of, wrap
from ..kernels import pointwise as pointwise_kernels
from ..kernels.scalars import convert_scalar
from .compare import install_binary, tensor_operand
from .install import public
from .lines import c_name, free_to_write, promotable, refuse, single, supported

# ---------------------------------------------------------------- where

NUMBERS = frozenset((int, float))
F32, F64 = fast.F32, fast.F64

_where = elementwise(
    "where",
    inputs=("condition", "x", "y"),
    promote=None,
    half="native",
    vjp=dict(
        x=lambda xp, g, condition: xp.where(condition, g, 0),
        y=lambda xp, g, condition: xp.where(condition, 0, g),
    ),
    saved_names=dict(condition="condition"),
)


def common_dtype(*xs: Any, int_to_float: bool = False) -> Any:
    """The dtype that these tensors and numbers promote to."""
    return promotion.result_dtype([promotable(x) for x in xs], int_to_float)


def as_tensor(x: Any, dtype: Any) -> Tensor:
    """A tensor cast to `dtype` (differentiable); a number as a 0-d tensor."""
    if isinstance(x, Tensor):
        return x if x.dtype is dtype else x.to(dtype)  # type: ignore[attr-defined, no-any-return]
    return wrap(convert_scalar(x, dtype.np))


def where_any(condition: Any, x: Any, y: Any) -> Any:
    """`where` for Tensors and numbers."""
    if condition.dtype is not bool_dtype:
        if condition.dtype.name != "uint8":
            raise RuntimeError(
                "where expected condition to be a boolean tensor, but got a tensor with dtype "
                f"{condition.dtype.scalar_name}"
            )
        warn(
            "where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future "
            "version of PyTorch. Use a boolean condition instead."
        )
        condition = condition != 0
    common = same_float(x, y)
    if common is None:
        common = common_dtype(x, y)
        return _where(condition, as_tensor(x, common), as_tensor(y, common))
    if x.__class__ is not Tensor:
        x = constant_tensor(x, common)
    if y.__class__ is not Tensor:
        y = constant_tensor(y, common)
    m = mode()
    if condition.__class__ is not Tensor or (m is not GRAD and m is not NO_GRAD):
        return _where(condition, x, y)
    c, a, b = condition._data, x._data, y._data
    try:
        z = pointwise_kernels.where(c, a, b)
    except ValueError:
        return _where(condition, x, y)
    out = wrap(z)
    if m is GRAD and (x._fn is not None or y._fn is not None):
        e0, e1 = edge_of(x), edge_of(y)
        if e0 is not None or e1 is not None:
            node = new(WhereNode)
            node.e0, node.e1 = e0, e1
            node.condition, node.n0 = condition, version_of(condition)
            node.shapes = None if a.shape == b.shape == z.shape else (a.shape, b.shape)
            node.hooks = None
            node.seq = next_seq()
            out._fn = node
    return out


class WhereBackward0(BinaryNode):
    """where(condition, x, y) on the straight line, keeping the condition."""

    __slots__ = ("condition", "n0")
    __module__ = "torch.autograd"
    prim = _where

    def kept(self) -> Tensor:
        condition = self.condition
        if condition is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if version_of(condition) != self.n0:
            check_version(condition, self.n0, None)
        return condition  # type: ignore[no-any-return]

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        condition: Any = self.kept()
        if raw:
            condition = condition._data
        g0 = None if self.e0 is None else xp.where(condition, gs, 0)
        g1 = None if self.e1 is None else xp.where(condition, 0, gs)
        return (g0, g1) if self.shapes is None else fitted(self.shapes, g0, g1, xp)

    def release(self) -> None:
        self.condition = FREED

    def saved_values(self) -> Any:
        yield "condition", FREED if self.condition is FREED else FlatInput.of(self.condition, self.n0, None)


WhereNode: Any = WhereBackward0


def same_float(x: Any, y: Any) -> Any:
    """The NumPy dtype of two plain float32 or float64 tensors, or of one and a Python number; None for all else."""
    if x.__class__ is Tensor:
        kind = x._data.dtype
        if kind is F32 or kind is F64:
            if (y.__class__ is Tensor and y._data.dtype is kind) or y.__class__ in NUMBERS:
                return kind
    elif y.__class__ is Tensor and x.__class__ in NUMBERS:
        kind = y._data.dtype
        if kind is F32 or kind is F64:
            return kind
    return None


def constant_tensor(value: float, kind: Any) -> Tensor:
    """A number as a 0-d tensor. The memory is shared and read-only."""
    return wrap(fast.constant(value, kind))


@public(method=False)
def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """`input` where `condition` holds, else `other`, broadcast. Differentiable in both; what was not chosen gets 0.

    With `condition` alone: the indices of its nonzero elements, one tensor a dimension.
    """
    tensor_operand(condition, "where", 1, "condition")
    if input is None and other is None:
        return ops.nonzero(condition, as_tuple=True)
    for x in (input, other):
        if not isinstance(x, (Tensor, int, float, complex)):
            raise TypeError(
                "where() received an invalid combination of arguments - got "
                f"({', '.join(type(a).__name__ for a in (condition, input, other))}), but expected one of:\n"
                " * (Tensor condition)\n * (Tensor condition, Tensor input, Tensor other, *, Tensor out = None)\n"
                " * (Tensor condition, Number self, Tensor other)\n"
                " * (Tensor condition, Tensor input, Number other)\n * (Tensor condition, Number self, Number other)\n"
            )
    y = where_any(condition, input, other)
    return y if out is None else write_out(out, y, "where")


@public(name="where", function=False)
def where_method(self: Tensor, condition: Tensor, other: Any) -> Any:
    return where(condition, self, other)


ops.where = where_any
samples(
    "where", Case(T(3, 4, dtype="bool"), T(3, 4), T(3, 4)), Case(T(3, 1, dtype="bool"), T(4), 2.0),
    Case(T(dtype="bool"), T(2, 3), T()), Case(T(2, dtype="bool"), 1.0, T(3, 1)),
)  # fmt: skip

# ---------------------------------------------------------------- the larger, the smaller


def _maximum_rules(larger: bool) -> dict[str, Any]:
    """Ties share the gradient; nan passes it to both."""

    def for_x(xp: Any, g: Any, x: Any, y: Any) -> Any:
        return xp.where(x < y if larger else x > y, 0, xp.where(x == y, g / 2, g))

    def for_y(xp: Any, g: Any, x: Any, y: Any) -> Any:
        return xp.where(x > y if larger else x < y, 0, xp.where(x == y, g / 2, g))

    return {"x": for_x, "y": for_y}


def _fmax_rules(larger: bool) -> dict[str, Any]:
    """Ties go to the first; nan never gets the gradient unless the second is nan too."""

    def first(x: Any, y: Any, xp: Any) -> Any:
        return (x >= y if larger else x <= y) | xp.isnan(y)

    return {
        "x": lambda xp, g, x, y: xp.where(first(x, y, xp), g, 0),
        "y": lambda xp, g, x, y: xp.where(first(x, y, xp), 0, g),
    }


def _extremum(name: str, rules: dict[str, Any], *names: str) -> Any:
    ufunc = {"maximum": np.maximum, "minimum": np.minimum, "fmax": np.fmax, "fmin": np.fmin}[name]
    prim = elementwise(name, vjp=rules, promote="keep", half="native" if name[0] == "m" else "upcast", kernel=ufunc)

    def slow(input: Any, other: Any) -> Any:
        tensor_operand(input, name, 1, "input")
        tensor_operand(other, name, 2)
        refuse(input, "c", f"{name} not implemented for complex tensors.")
        refuse(other, "c", f"{name} not implemented for complex tensors.")
        return prim(input, other)

    straight = fast.binary(prim, ufunc, slow)

    def line(input: Any, other: Any) -> Any:
        return straight(input, other) if isinstance(other, Tensor) else slow(input, other)

    samples(name, *pointwise2()[:5], complex=False)
    return install_binary(prim, line, (name, *names), inplace_form=False)


maximum = _extremum("maximum", _maximum_rules(True))
minimum = _extremum("minimum", _maximum_rules(False))
fmax = _extremum("fmax", _fmax_rules(True))
fmin = _extremum("fmin", _fmax_rules(False))

# ---------------------------------------------------------------- clamp


def _clamp_rule(xp: Any, g: Any, x: Any, min: Any, max: Any) -> Any:
    if min is None:
        return xp.where(x <= max, g, 0)
    if max is None:
        return xp.where(x >= min, g, 0)
    return xp.where((x >= min) & (x <= max), g, 0)


_clamp = elementwise(
    "clamp", vjp=dict(x=_clamp_rule), params=("min", "max"), kernel=pointwise_kernels.clamp, promote="keep",
    node="ClampBackward1",
)  # fmt: skip
_clamp_min = elementwise(
    "clamp_min", vjp=dict(x=_clamp_rule), params=("min", "max"), kernel=pointwise_kernels.clamp, promote="keep"
)
_clamp_max = elementwise(
    "clamp_max", vjp=dict(x=_clamp_rule), params=("min", "max"), kernel=pointwise_kernels.clamp, promote="keep"
)
_clamp_line = single(_clamp)
_CLAMP_LINES = {"clamp_min": single(_clamp_min), "clamp_max": single(_clamp_max)}
_clamp_between = elementwise(
    "clamp_between",
    inputs=("x", "min", "max"),
    kernel=supported(lambda x, min, max: np.minimum(np.maximum(x, min), max), "clamp_cpu", "b"),
    vjp=dict(
        x=lambda xp, g, x, min, max: xp.where((x >= min) & (x <= max), g, 0),
        min=lambda xp, g, x, min, max: xp.where((x < min) & (min < max), g, 0),
        max=lambda xp, g, x, min, max: xp.where((x > max) | (max < min), g, 0),
    ),
    promote="keep",
    node="ClampBackward0",
)
_clamp_above = elementwise(
    "clamp_above",
    kernel=np.maximum,
    vjp=dict(x=lambda xp, g, x, y: xp.where(x >= y, g, 0), y=lambda xp, g, x, y: xp.where(x < y, g, 0)),
    promote="keep",
    node="ClampBackward0",
    saved_names=dict(y="min"),
)
_clamp_below = elementwise(
    "clamp_below",
    kernel=np.minimum,
    vjp=dict(x=lambda xp, g, x, y: xp.where(x <= y, g, 0), y=lambda xp, g, x, y: xp.where(x > y, g, 0)),
    promote="keep",
    node="ClampBackward0",
    saved_names=dict(y="max"),
)


_one_bound = {
    _clamp_above: _clamp_above.renamed("ClampMinBackward1"), _clamp_below: _clamp_below.renamed("ClampMaxBackward1"),
}  # fmt: skip


_WHOLE_OR_REAL = REAL | INTEGERS
#: by whether there is a lower, an upper bound
_clamp_takes = {
    (True, True): Takes("clamp_scalar_cpu", _WHOLE_OR_REAL), (True, False): Takes("clamp_min_scalar_cpu", _WHOLE_OR_REAL),
    (False, True): Takes("clamp_max_scalar_cpu", _WHOLE_OR_REAL),
}  # fmt: skip


def _clamped(x: Any, low: Any, high: Any, name: str) -> Any:
    """Clamp Tensor `x`, in the promoted dtype, by whichever bounds are given."""
    tensor_operand(x, name, 1, "input")
    bounds = [b for b in (low, high) if b is not None]
    if not bounds:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    low, high = (b.item() if isinstance(b, np.generic) else b for b in (low, high))
    bounds = [b for b in (low, high) if b is not None]
    tensors = [isinstance(b, Tensor) for b in bounds]
    if any(not t and not isinstance(b, (int, float, complex)) for t, b in zip(tensors, bounds, strict=True)) or (
        any(tensors) != all(tensors)
    ):
        given = ", ".join(type(a).__name__ for a in (x, *bounds))
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({given}), but expected one of:\n"
            " * (Tensor input, Tensor min = None, Tensor max = None, *, Tensor out = None)\n"
            " * (Tensor input, Number min = None, Number max = None, *, Tensor out = None)\n"
        )
    if any(tensors) and name in ("clamp_min", "clamp_max"):
        title = "maximum" if low is not None else "minimum"
        for b in (x, *bounds):
            refuse(b, "c", f"\"{title}_cpu\" not implemented for '{b.dtype.scalar_name}'", NotImplementedError)
    for b in (x, *bounds):
        refuse(b, "c", "clamp is not supported for complex types", NotImplementedError)
        if b.__class__ is complex:
            raise NotImplementedError("clamp is not supported for complex types")
    if not any(tensors):
        if x.dtype.category != 2:
            x = as_tensor(x, common_dtype(x, *bounds))
            _clamp_takes[low is not None, high is not None](x)
        return _CLAMP_LINES.get(name, _clamp_line)(x, {"min": low, "max": high})
    if low is None or high is None:
        prim, bound = (_clamp_below, high) if low is None else (_clamp_above, low)
        return dispatch(prim, (x, bound), {}, _one_bound[prim] if name.startswith("clamp_m") else None)
    return _clamp_between(x, low, high)


def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor:
    """min(max(input, min), max); bounds are numbers or tensors. The gradient passes within them, ends included."""
    if out is None and input.__class__ is Tensor and min.__class__ in NUMBERS and max.__class__ in NUMBERS:
        kind = input._data.dtype
        if kind is F32 or kind is F64:
            return _clamp_line(input, {"min": min, "max": max})  # type: ignore[no-any-return]
    y: Tensor = _clamped(input, min, max, "clamp")
    return y if out is None else write_out(out, y, "clamp")


def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """`clamp` in place."""
    if free_to_write(self) and self.dtype.category == 2 and (min.__class__ in NUMBERS or max.__class__ in NUMBERS):
        if (min is None or min.__class__ in NUMBERS) and (max is None or max.__class__ in NUMBERS):
            data = self._data
            np.copyto(data, pointwise_kernels.clamp(data, min=min, max=max))
            bump(self)
            return self
    return _clamp_in_place(self, min, max, "clamp_")


def _clamp_in_place(x: Tensor, low: Any, high: Any, name: str) -> Tensor:
    bounds = [b for b in (low, high) if b.__class__ in NUMBERS]
    if bounds and not x.dtype.is_complex:
        kind = common_dtype(x, *bounds)
        if kind.category > x.dtype.category:
            raise RuntimeError(
                f"result type {kind.scalar_name} can't be cast to the desired output type {c_name(x.dtype)}"
            )
    return inplace_with(lambda old: _clamped(old, low, high, name), x, _tensors(low, high))


def _tensors(*xs: Any) -> tuple[Any, ...]:
    return tuple(x for x in xs if isinstance(x, Tensor))


for _name in ("clamp", "clip"):
    public(clamp, name=_name)
    public(clamp_, name=_name + "_")


@public
def clamp_min(input: Tensor, min: Any, *, out: Tensor | None = None) -> Tensor:
    """The larger of input and min (a number or a tensor)."""
    y: Tensor = _clamped(input, min, None, "clamp_min")
    return y if out is None else write_out(out, y, "clamp_min")


@public
def clamp_max(input: Tensor, max: Any, *, out: Tensor | None = None) -> Tensor:
    """The smaller of input and max (a number or a tensor)."""
    y: Tensor = _clamped(input, None, max, "clamp_max")
    return y if out is None else write_out(out, y, "clamp_max")


@public
def clamp_min_(self: Tensor, min: Any) -> Tensor:
    return _clamp_in_place(self, min, None, "clamp_min")


@public
def clamp_max_(self: Tensor, max: Any) -> Tensor:
    return _clamp_in_place(self, None, max, "clamp_max")


ops.clamp = clamp
ops.clip = clamp
ops.clamp_min, ops.clamp_max = clamp_min, clamp_max
samples(
    "clamp", Case(T(3, 4), -0.5, 0.7), Case(T(3), min=0.1), Case(T(3), max=0.1), Case(T(3, 4), T(4), T(3, 1)),
    Case(T(3), max=T(3)), Case(T(2, 3), min=T()), complex=False,
)  # fmt: skip
samples("clamp_min", Case(T(3, 4), 0.3), Case(T(3), T(3)), complex=False)
samples("clamp_max", Case(T(3, 4), 0.3), Case(T(3), T(3)), complex=False)

# ---------------------------------------------------------------- nan_to_num


def _nan_to_num_kernel(x: Any, *, nan: Any, posinf: Any, neginf: Any) -> Any:
    if x.dtype.kind in "biu":
        return x.copy()
    if x.dtype.kind == "c":
        out = np.empty_like(x)
        out.real = _nan_to_num_kernel(x.real, nan=nan, posinf=posinf, neginf=neginf)
        out.imag = _nan_to_num_kernel(x.imag, nan=nan, posinf=posinf, neginf=neginf)
        return out
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


_nan_to_num = elementwise(
    "nan_to_num",
    params=("nan", "posinf", "neginf"),
    kernel=_nan_to_num_kernel,
    vjp=dict(x=lambda xp, g, x: xp.where(xp.isfinite(x), g, 0)),
    promote="keep",
    real_gradient="nan_to_num",
)


def _replacements(dtype: Any, nan: Any, posinf: Any, neginf: Any) -> dict[str, Any]:
    """What stands for nan and the infinities in `dtype`."""
    for value, name, position in ((nan, "nan", 1), (posinf, "posinf", 2), (neginf, "neginf", 3)):
        if value is not None and not isinstance(value, (int, float)):
            raise TypeError(
                f"nan_to_num(): argument '{name}' (position {position}) must be float, not {type(value).__name__}"
            )
    if dtype.category >= 2:
        info = finfo(dtype)
        posinf, neginf = info.max if posinf is None else posinf, info.min if neginf is None else neginf
    return {"nan": 0.0 if nan is None else nan, "posinf": posinf, "neginf": neginf}


@public
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """nan becomes `nan` (0), infinities `posinf` and `neginf` (the largest and smallest finite values)."""
    tensor_operand(input, "nan_to_num", 1, "input")
    y: Tensor = _nan_to_num(input, **_replacements(input.dtype, nan, posinf, neginf))
    return y if out is None else write_out(out, y, "nan_to_num")


@public
def nan_to_num_(
    self: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """`nan_to_num` in place."""
    return inplace(_nan_to_num, self, (), _replacements(self.dtype, nan, posinf, neginf))


samples("nan_to_num", Case(T(3, 4)), Case(T(3), nan=1.0, posinf=2.0, neginf=-2.0))

__all__ = ["as_tensor", "common_dtype", "where_any"]
