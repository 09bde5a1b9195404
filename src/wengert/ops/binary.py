"""More pointwise functions of two inputs, and those of one that go with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dispatch import dispatch
from ..core.inplace import inplace_with, write_out
from ..core.primitive import elementwise, general, ops
from ..core.return_types import TYPES
from ..core.samples import Case, T, pointwise, pointwise2, samples
from ..core.tensor import Tensor
from .compare import install_binary, tensor_operand
from .elementwise import _pow_number as pow_number
from .install import operand, public, unary
from .lines import refuse, refusing, supported
from .scan import complex_logaddexp
from .select import as_tensor, common_dtype

LN2 = math.log(2.0)


def _two_tensors(prim: Any, *names: str, inplace_form: bool = True, function_form: bool = False) -> Any:
    """Install a primitive whose operands must both be tensors."""
    name = prim.name

    def line(input: Any, other: Any) -> Any:
        return prim(tensor_operand(input, name, 1, "input"), tensor_operand(other, name, 2))

    fn = install_binary(prim, line, (name, *names), inplace_form=inplace_form, tensors=True)
    if function_form:
        public(getattr(Tensor, name + "_"), name=name + "_", method=False)
    return fn


# ---------------------------------------------------------------- angles and lengths


def _atan2_rules() -> dict[str, Any]:
    def over(xp: Any, x: Any, y: Any) -> Any:
        square = x * x + y * y
        return xp.where(square == 0, 0, 1 / xp.where(square == 0, 1, square))

    return {
        "x": lambda xp, g, x, y: g * (y * over(xp, x, y)),
        "y": lambda xp, g, x, y: g * (-x * over(xp, x, y)),
    }


_atan2 = elementwise("atan2", vjp=_atan2_rules(), kernel=supported(np.arctan2, "atan2_cpu", "c"))
atan2 = _two_tensors(_atan2, "arctan2")
samples("atan2", *pointwise2()[:5], complex=False)

_hypot = elementwise(
    "hypot",
    vjp=dict(x=lambda xp, g, x, out: g * (x / out), y=lambda xp, g, y, out: g * (y / out)),
    kernel=supported(np.hypot, "hypot_cpu", "biuc"),
    promote="keep",
)
hypot = _two_tensors(_hypot)
samples("hypot", *pointwise2()[:5], complex=False)

for _name, _factor in (("deg2rad", math.pi / 180.0), ("rad2deg", 180.0 / math.pi)):

    def _scale(name: str = _name, factor: float = _factor) -> None:
        node = name[:3].capitalize() + "2" + name[4:].capitalize() + "Backward0"
        prim = elementwise(
            name, vjp=dict(x=lambda xp, g: g * factor), node=node,
            kernel=refusing(
                lambda x: np.multiply(x, x.dtype.type(factor)), "c", f"{name} is not supported for complex tensors."
            ),
        )  # fmt: skip
        unary(prim, lambda x, out=None: np.multiply(x, x.dtype.type(factor), out=out))
        samples(name, *pointwise(), complex=False)

    _scale()

# ---------------------------------------------------------------- sums of exponentials


def _logaddexp_kernel(x: Any, y: Any) -> Any:
    return complex_logaddexp(x, y) if x.dtype.kind == "c" else np.logaddexp(x, y)


def _share(power: Any) -> Any:
    """The part of x in exp(x) + exp(y): 1 / (1 + exp(y - x)); nan for equal infinities."""

    def part(xp: Any, x: Any, y: Any) -> Any:
        return 1 / (1 + power(xp, y - x))

    return part


_part, _part2 = _share(lambda xp, d: xp.exp(d)), _share(lambda xp, d: xp.exp2(d))
_logaddexp = elementwise(
    "logaddexp",
    d=dict(x=lambda xp, x, y: _part(xp, x, y), y=lambda xp, x, y: _part(xp, y, x)),
    kernel=supported(_logaddexp_kernel, "logaddexp_cpu", "biu"),
    promote="keep",
)
_logaddexp2 = elementwise(
    "logaddexp2",
    d=dict(x=lambda xp, x, y: _part2(xp, x, y), y=lambda xp, x, y: _part2(xp, y, x)),
    kernel=supported(np.logaddexp2, "logaddexp2_cpu", "biuc"),
    promote="keep",
)
logaddexp = _two_tensors(_logaddexp, inplace_form=False)
logaddexp2 = _two_tensors(_logaddexp2, inplace_form=False)
samples("logaddexp", *pointwise2()[:5])
samples("logaddexp2", *pointwise2()[:5], complex=False)


def _xlogy_kernel(x: Any, y: Any) -> Any:
    return np.where(np.isnan(y), y, np.where(x == 0, x.dtype.type(0), x * np.log(y)))


_xlogy = elementwise(
    "xlogy",
    vjp=dict(
        x=lambda xp, g, x, y: g * xp.where((x == 0) & (y <= 0), 0, xp.log(y)),
        y=lambda xp, g, x, y: g * x / y,
    ),
    kernel=supported(_xlogy_kernel, "xlogy_cpu", "c"),
)
_xlogy_nodes = _xlogy.renamed("XlogyBackward1"), _xlogy.renamed("XlogyBackward2")


def _xlogy_line(input: Any, other: Any) -> Any:
    x, y = operand(input, "xlogy", 1), operand(other, "xlogy")
    node = None if isinstance(x, Tensor) and isinstance(y, Tensor) else _xlogy_nodes[isinstance(x, Tensor)]
    return dispatch(_xlogy, (x, y), {}, node)


xlogy = install_binary(_xlogy, _xlogy_line, ("xlogy",))
public(Tensor.xlogy_, name="xlogy_", method=False)  # type: ignore[attr-defined]
samples("xlogy", *pointwise2(low=0.1, high=2.0), complex=False)

# ---------------------------------------------------------------- signs, steps, neighbours

_copysign = elementwise(
    "copysign",
    kernel=supported(np.copysign, "copysign_cpu", "c"),
    vjp=dict(
        x=lambda xp, g, x, out: g * xp.where(x == 0, 0, out / xp.where(x == 0, 1, x)),
        y=lambda xp, g: xp.zeros_like(g),
    ),
)
_copysign_number = _copysign.renamed("CopysignBackward1")


def _copysign_line(input: Any, other: Any) -> Any:
    tensor_operand(input, "copysign", 1, "input")
    other = operand(other, "copysign")
    return dispatch(_copysign, (input, other), {}, None if isinstance(other, Tensor) else _copysign_number)


copysign = install_binary(_copysign, _copysign_line, ("copysign",))
samples("copysign", *pointwise2(), complex=False)



def _no_heaviside_derivative(xp: Any, g: Any) -> Any:
    raise RuntimeError("derivative for aten::heaviside is not implemented")


_heaviside = elementwise(
    "heaviside", vjp=dict(x=_no_heaviside_derivative, y=_no_heaviside_derivative), promote="keep",
    node="NotImplemented",
    kernel=lambda x, y: np.where(x == 0, y, (x > 0).astype(x.dtype)),
)  # fmt: skip


def _heaviside_line(input: Any, values: Any) -> Any:
    tensor_operand(input, "heaviside", 1, "input")
    tensor_operand(values, "heaviside", 2, "values")
    for x in (input, values):
        refuse(x, "c", "heaviside is not yet implemented for complex tensors.")
    if input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return _heaviside(input, values)


@public
def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 below zero, 1 above, `values` at zero."""
    y: Tensor = _heaviside_line(input, values)
    return y if out is None else write_out(out, y, "heaviside")


@public(name="heaviside_", function=False)
def heaviside_(self: Tensor, values: Tensor) -> Tensor:
    tensor_operand(values, "heaviside_", 1, "values")
    return inplace_with(lambda old: _heaviside_line(old, values), self, (values,))


samples("heaviside", Case(T(3, 4), T(4)), Case(T(), T(2)), differentiable=False, complex=False)

_nextafter = elementwise(
    "nextafter",
    kernel=supported(np.nextafter, "nextafter_cpu", "biuc"),
    vjp=dict(
        x=lambda xp, g, x, y: xp.where(x == y, 0, g),
        y=lambda xp, g: xp.zeros_like(g),
    ),
    promote="keep",
)
nextafter = _two_tensors(_nextafter)
samples("nextafter", *pointwise2()[:5], complex=False)

# ---------------------------------------------------------------- powers of two


def _ldexp_kernel(x: Any, y: Any) -> Any:
    return x * np.exp2(y)


_ldexp = elementwise(
    "ldexp",
    kernel=_ldexp_kernel,
    vjp=dict(
        x=lambda xp, g, y: g * xp.conj(xp.exp2(y)),
        y=lambda xp, g, out: g * xp.conj(out * LN2),
    ),
)
ldexp = _two_tensors(_ldexp, function_form=True)
samples("ldexp", *pointwise2()[:5])


def _frexp_kernel(x: Any) -> tuple[Any, Any]:
    mantissa, exponent = np.frexp(x)
    return mantissa, np.asarray(exponent).astype(np.int32)


_frexp = general(
    "frexp",
    kernel=_frexp_kernel,
    n_outputs=2,
    nondifferentiable_outputs=(1,),
    vjp=lambda xp, gs, needs, out1: (None if gs[0] is None else gs[0] / xp.exp2(xp.to_dtype(out1, gs[0].dtype)),),
    jvp=lambda xp, ts, out1: (ts[0] / xp.exp2(xp.to_dtype(out1, ts[0].dtype)), None),
    batch=lambda prim, vals, dims, params: (prim(vals[0]), (dims[0], dims[0])),
    saved_names=dict(out1="exponent"),
)


@public
def frexp(input: Tensor, *, out: Any = None) -> Any:
    """(mantissa, exponent) with input = mantissa * 2**exponent and 0.5 <= |mantissa| < 1."""
    if tensor_operand(input, "frexp", 1, "input").dtype.category != 2:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    pair = _frexp(input)
    if out is not None:
        pair = tuple(write_out(o, y, "frexp") for o, y in zip(out, pair, strict=True))
    return TYPES["frexp"](pair)


samples("frexp", *pointwise(), complex=False)

# ---------------------------------------------------------------- powers


def _float_power_dtype(*xs: Any) -> Any:
    from ..core.dtypes import complex128, float64

    return complex128 if common_dtype(*xs).is_complex else float64


def _float_power(input: Any, exponent: Any) -> Any:
    x, y = operand(input, "float_power", 1), operand(exponent, "float_power")
    dtype = _float_power_dtype(x, y)
    if isinstance(x, Tensor):
        x = as_tensor(x, dtype)
    if isinstance(y, Tensor):
        y = as_tensor(y, dtype)
    return ops.pow(x, y)


@public
def float_power(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """input ** exponent in double precision (float64 or complex128)."""
    y: Tensor = _float_power(input, exponent)
    return y if out is None else write_out(out, y, "float_power")


@public(name="float_power_", function=False)
def float_power_(self: Tensor, exponent: Any) -> Tensor:
    dtype = _float_power_dtype(self, exponent)
    if self.dtype is not dtype:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype.scalar_name} but the operation's result requires "
            f"dtype {dtype.scalar_name}"
        )
    return inplace_with(lambda old: _float_power(old, exponent), self, (exponent,))


samples("float_power", *pointwise2(low=0.5, high=2.0), Case(2.0, T(3)))


@public
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input ** 2."""
    if out is None and input.__class__ is Tensor:
        return pow_number(input, 2)  # type: ignore[no-any-return]
    tensor_operand(input, "square", 1, "input")
    y: Tensor = pow_number(input, 2)
    return y if out is None else write_out(out, y, "square")


@public
def square_(self: Tensor) -> Tensor:
    """`square` in place."""
    return self.pow_(2)  # type: ignore[attr-defined, no-any-return]


@public
def positive(input: Tensor) -> Tensor:
    """`input` itself; bools are refused."""
    tensor_operand(input, "positive", 1, "input")
    refuse(input, "b", "The `+` operator, on a bool tensor is not supported.")
    return input


Tensor.__pos__ = lambda self: positive(self)  # type: ignore[attr-defined]
samples("square", *pointwise())
samples("positive", *pointwise())

