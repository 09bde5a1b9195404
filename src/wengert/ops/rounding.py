"""Rounding, integer division and remainders."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dispatch import dispatch
from ..core.inplace import inplace, write_out
from ..core.primitive import elementwise, ops
from ..core.samples import Case, T, pointwise, pointwise2, samples
from ..core.tensor import Tensor
from ..kernels import numpy as kernels
from .compare import install_binary, tensor_operand
from .install import OPERANDS, inplace_operator, operand, public, unary
from .lines import refusing, supported
from .whole import whole

# ---------------------------------------------------------------- to whole numbers


def _no_slope(xp: Any, g: Any) -> Any:
    return xp.zeros_like(g)


def _rounding(name: str, ufunc: Any, complex_message: str | None, *names: str) -> Any:
    def kernel(x: Any) -> Any:
        return x.copy() if x.dtype.kind in "iu" else ufunc(x)

    checked = supported(kernel, name + "_vml_cpu", "b" if complex_message else "bc")
    if complex_message:
        checked = refusing(checked, "c", complex_message, NotImplementedError)
    prim = elementwise(name, vjp=dict(x=_no_slope), promote="keep", kernel=checked)
    unary(prim, ufunc, names=names)
    samples(name, *pointwise(), complex=False)
    return prim


floor = _rounding("floor", np.floor, "floor is not supported for complex inputs")
ceil = _rounding("ceil", np.ceil, "ceil is not supported for complex inputs")
trunc = _rounding("trunc", np.trunc, "trunc is not supported for complex inputs", "fix")
_round = _rounding("round", np.rint, None)
_round_line, _round_form = Tensor.round, Tensor.round_  # type: ignore[attr-defined]


def _round_decimals_kernel(x: Any, *, decimals: int) -> Any:
    if decimals == 0:
        return np.rint(x)
    scale = x.dtype.type(10 ** abs(decimals))
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


_round_decimals = elementwise(
    "round_decimals",
    params=("decimals",),
    vjp=dict(x=_no_slope),
    kernel=supported(_round_decimals_kernel, "round_cpu", "biuc"),
    promote="keep",
    node="RoundBackward1",
)


@public
def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """To the nearest whole number (half to even), or to `decimals` places. The gradient is 0."""
    tensor_operand(input, "round", 1, "input")
    decimals = whole(decimals, "round", arg="decimals")
    y: Tensor = _round_line(input) if decimals == 0 else _round_decimals(input, decimals=decimals)
    return y if out is None else write_out(out, y, "round")


@public(name="round_")
def round_(self: Tensor, *, decimals: int = 0) -> Tensor:
    """`round` in place."""
    return _round_form(self) if decimals == 0 else inplace(_round_decimals, self, (), {"decimals": decimals})


ops.round = _round
samples("round", Case(T(3, 4)), Case(T(3), decimals=2), Case(T(2), decimals=-1), complex=False)

frac = unary(
    elementwise(
        "frac", vjp=dict(x=lambda xp, g: g), promote="keep",
        kernel=supported(lambda x: x - np.trunc(x), "frac_cpu", "biuc"),
    ),
    lambda x, out=None: np.subtract(x, np.trunc(x), out=out),
)  # fmt: skip
samples("frac", *pointwise(), complex=False)

# ---------------------------------------------------------------- rounded division


def _no_zero(x: Any, y: Any) -> None:
    if y.dtype.kind in "iu" and x.size and not np.all(y):
        raise RuntimeError("ZeroDivisionError")


def _div_trunc_kernel(x: Any, y: Any) -> Any:
    if x.dtype.kind in "iu":
        _no_zero(x, y)
        if x.dtype.kind == "u":
            return x // y
        q = np.floor_divide(x, y)
        return q + ((q < 0) & (q * y != x))
    return np.trunc(x / y)


def _div_floor_kernel(x: Any, y: Any) -> Any:
    _no_zero(x, y)
    return np.floor_divide(x, y)


_ROUNDED = dict(x=lambda xp, g: xp.zeros_like(g), y=lambda xp, g: xp.zeros_like(g))
_div_trunc = elementwise(
    "div_trunc", vjp=_ROUNDED, promote="keep", kernel=supported(_div_trunc_kernel, "div_trunc_cpu", "bc"),
    node="DivBackward2",
)  # fmt: skip
_div_floor = elementwise(
    "div_floor", vjp=_ROUNDED, promote="keep", kernel=supported(_div_floor_kernel, "div_floor_cpu", "bc"),
    node="DivBackward2",
)  # fmt: skip


def divide_rounded(x: Any, y: Any, mode: str) -> Any:
    """x / y rounded towards zero ("trunc") or down ("floor")."""
    return (_div_trunc if mode == "trunc" else _div_floor)(x, y)


ops.div_rounded = divide_rounded


def _no_derivative(xp: Any, g: Any) -> Any:
    raise RuntimeError("derivative for aten::floor_divide is not implemented")


_floor_divide = elementwise(
    "floor_divide", vjp=dict(x=_no_derivative, y=_no_derivative), promote="keep", kernel=_div_floor.kernel,
    node="NotImplemented",
)  # fmt: skip
samples("div", *pointwise2(low2=0.5, high2=2.0), Case(T(3), T(3, low=1, high=2), rounding_mode="floor"),
        Case(T(3, low=2, high=5), 0.7, rounding_mode="trunc"))  # fmt: skip


def _divided(input: Any, other: Any) -> Any:
    return _floor_divide(operand(input, "floor_divide", 1), operand(other, "floor_divide"))


install_binary(_floor_divide, _divided, ("floor_divide",))
ops.floor_divide = _divided


def _dunder_floordiv(self: Any, other: Any) -> Any:
    return _floor_divide(self, other) if isinstance(other, OPERANDS) else NotImplemented


def _dunder_rfloordiv(self: Any, other: Any) -> Any:
    return _floor_divide(other, self) if isinstance(other, OPERANDS) else NotImplemented


Tensor.__floordiv__ = _dunder_floordiv  # type: ignore[attr-defined]
Tensor.__rfloordiv__ = _dunder_rfloordiv  # type: ignore[attr-defined]
inplace_operator("floordiv", Tensor.floor_divide_)  # type: ignore[attr-defined]
samples("floor_divide", Case(T(3, 4), T(3, 4, low=0.5, high=2)), Case(T(3), 0.7), differentiable=False,
        complex=False, why_not="PyTorch has no derivative of it")  # fmt: skip

# ---------------------------------------------------------------- remainders


def _remainder_kernel(x: Any, y: Any) -> Any:
    _no_zero(x, y)
    if x.dtype.kind != "f":
        return np.remainder(x, y)
    left = np.fmod(x, y)  # not np.remainder: a zero keeps the sign of x
    return np.where((left != 0) & ((left < 0) != (y < 0)), left + y, left)


def _fmod_kernel(x: Any, y: Any) -> Any:
    _no_zero(x, y)
    return np.fmod(x, y)


_remainder = elementwise(
    "remainder",
    vjp=dict(x=lambda xp, g: g, y=lambda xp, g, x, y: -g * xp.div_floor(x, y)),
    promote="keep",
    kernel=supported(_remainder_kernel, "remainder_cpu", "bc"),
    node="RemainderBackward1",
)
_fmod = elementwise(
    "fmod",
    vjp=dict(x=lambda xp, g: g, y=lambda xp, g, x, y: -g * xp.div_trunc(x, y)),
    promote="keep",
    kernel=supported(_fmod_kernel, "fmod_cpu", "bc"),
    node="FmodBackward1",
)
_by_number = {prim: prim.renamed(prim.Node.__name__[:-1] + "0") for prim in (_remainder, _fmod)}


def _remaining(prim: Any, x: Any, y: Any) -> Any:
    if not isinstance(y, Tensor) and isinstance(x, Tensor):
        return dispatch(prim, (x, y), {}, _by_number[prim])
    return prim(x, y)


def _remainder_line(input: Any, other: Any) -> Any:
    return _remaining(_remainder, operand(input, "remainder", 1), operand(other, "remainder"))


def _fmod_line(input: Any, other: Any) -> Any:
    return _remaining(_fmod, tensor_operand(input, "fmod", 1, "input"), operand(other, "fmod"))


install_binary(_remainder, _remainder_line, ("remainder",))
install_binary(_fmod, _fmod_line, ("fmod",))


def _dunder_mod(self: Any, other: Any) -> Any:
    return _remaining(_remainder, self, other) if isinstance(other, OPERANDS) else NotImplemented


def _dunder_rmod(self: Any, other: Any) -> Any:
    return _remaining(_remainder, other, self) if isinstance(other, OPERANDS) else NotImplemented


Tensor.__mod__ = _dunder_mod  # type: ignore[attr-defined]
Tensor.__rmod__ = _dunder_rmod  # type: ignore[attr-defined]
inplace_operator("mod", Tensor.remainder_)  # type: ignore[attr-defined]
samples("remainder", *pointwise2(low2=0.5, high2=1.3), complex=False)
samples("fmod", *pointwise2(low2=0.5, high2=1.3), complex=False)

# ---------------------------------------------------------------- divisors


def _integers_only(name: str, ufunc: Any) -> Any:
    prim = elementwise(
        name, inputs=("x", "y"), promote="keep", half="native", kernel=supported(ufunc, name + "_cpu", "bfcV")
    )

    def line(input: Any, other: Any) -> Any:
        return prim(tensor_operand(input, name, 1, "input"), tensor_operand(other, name, 2))

    fn = install_binary(prim, line, (name,), tensors=True)
    public(getattr(Tensor, name + "_"), name=name + "_", method=False)
    samples(name, Case(T(3, dtype="int64", low=1, high=9), T(3, dtype="int64", low=1, high=9)), differentiable=False)
    return fn


gcd = _integers_only("gcd", np.gcd)
lcm = _integers_only("lcm", np.lcm)

__all__ = ["kernels"]
