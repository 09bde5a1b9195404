"""Pointwise operations. Each stands in one place: kernel, derivative, names, samples."""

from __future__ import annotations

import math
from typing import Any

from ..core.fast import F32, F64, OUT, UnaryInputNode, new, next_seq
from ..core.graph import LEAF, VIEW
from ..core.inplace import inplace_with, write_out
from ..core.modes import GRAD, NO_GRAD, mode
from ..core.primitive import composite, elementwise, kernel_helper, ops
from ..core.promotion import result_dtype
from ..core.samples import Case, T, pointwise, pointwise2, samples
from ..core.tensor import PLAIN, Tensor
from ..kernels import numpy as kernels
from ..kernels.scalars import convert_scalar
from .install import FUNCTIONS, OPERANDS, binary, inplace_operator, operand, operators, public, unary
from .lines import promotable

LN2, LN10 = math.log(2.0), math.log(10.0)

# ---------------------------------------------------------------- one input


@kernel_helper
def acosh_slope(x: Any) -> Any:
    """The derivative of acosh: for complex numbers the product of two roots, which has the right sign."""
    return kernels.rsqrt(x - 1) * kernels.rsqrt(x + 1) if x.dtype.kind == "c" else kernels.rsqrt(x * x - 1)


@composite
def acosh_slope(x: Tensor) -> Any:  # type: ignore[no-redef]  # noqa: F811
    return ops.rsqrt(x - 1) * ops.rsqrt(x + 1) if x.dtype.is_complex else ops.rsqrt(x * x - 1)  # type: ignore[operator]


def _refuse_bool_neg(x: Any) -> Any:
    if x.dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    return kernels.np.negative(x)


_neg = elementwise("neg", vjp=dict(x=lambda xp, g: -g), promote="keep", kernel=_refuse_bool_neg)
neg = unary(_neg, kernels.np.negative, names=("negative",))
Tensor.__neg__ = neg  # type: ignore[attr-defined]
exp = unary(elementwise("exp", d=dict(x=lambda xp, out: out)))
exp2 = unary(elementwise("exp2", d=dict(x=lambda xp, out: out * LN2)))
expm1 = unary(elementwise("expm1", d=dict(x=lambda xp, out: out + 1)))
log = unary(elementwise("log", vjp=dict(x=lambda xp, g, x: g / xp.conj(x))))
log2 = unary(elementwise("log2", vjp=dict(x=lambda xp, g, x: g / (xp.conj(x) * LN2))))
log10 = unary(elementwise("log10", vjp=dict(x=lambda xp, g, x: g / (xp.conj(x) * LN10))))
log1p = unary(elementwise("log1p", vjp=dict(x=lambda xp, g, x: g / (xp.conj(x) + 1)), node="Log1PBackward0"))
sin = unary(elementwise("sin", d=dict(x=lambda xp, x: xp.cos(x))))
cos = unary(elementwise("cos", d=dict(x=lambda xp, x: -xp.sin(x))))
tan = unary(elementwise("tan", d=dict(x=lambda xp, out: out * out + 1)))
asin = unary(elementwise("asin", d=dict(x=lambda xp, x: xp.rsqrt(1 - x * x))), names=("arcsin",))
acos = unary(elementwise("acos", d=dict(x=lambda xp, x: -xp.rsqrt(1 - x * x))), names=("arccos",))
atan = unary(elementwise("atan", vjp=dict(x=lambda xp, g, x: g / xp.conj(x * x + 1))), names=("arctan",))
sinh = unary(elementwise("sinh", d=dict(x=lambda xp, x: xp.cosh(x))))
cosh = unary(elementwise("cosh", d=dict(x=lambda xp, x: xp.sinh(x))))
tanh = unary(elementwise("tanh", d=dict(x=lambda xp, out: 1 - out * out)))
asinh = unary(elementwise("asinh", d=dict(x=lambda xp, x: xp.rsqrt(x * x + 1))), names=("arcsinh",))
acosh = unary(elementwise("acosh", d=dict(x=lambda xp, x: xp.acosh_slope(x))), names=("arccosh",))
atanh = unary(elementwise("atanh", vjp=dict(x=lambda xp, g, x: g / xp.conj(1 - x * x))), names=("arctanh",))
sqrt = unary(elementwise("sqrt", vjp=dict(x=lambda xp, g, out: g / (2 * xp.conj(out)))))
rsqrt = unary(elementwise("rsqrt", d=dict(x=lambda xp, out: -0.5 * out * out * out)))
reciprocal = unary(elementwise("reciprocal", d=dict(x=lambda xp, out: -out * out)))
sigmoid = unary(elementwise("sigmoid", d=dict(x=lambda xp, out: out * (1 - out))))


def _relu_kernel(x: Any, out: Any = None) -> Any:
    if x.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    if x.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    return kernels.np.maximum(x, 0, out=out)


_relu = elementwise(
    "relu", vjp=dict(x=lambda xp, g, out: xp.threshold_backward(g, out)), promote="keep", kernel=_relu_kernel
)
# a primitive, so that the gradient of relu depends on its input as PyTorch's does: its second derivative is 0
_threshold_backward = elementwise(
    "threshold_backward",
    kernel=lambda x, y: kernels.where(y <= 0, 0, x),
    vjp=dict(x=lambda xp, g, y: xp.threshold_backward(g, y), y=lambda xp, g: xp.zeros_like(g)),
    promote="keep",
    node="ThresholdBackwardBackward0",
)
relu = unary(_relu, kernels.relu, takes_out=False)


def _power_rule(xp: Any, g: Any, x: Any, exponent: Any) -> Any:
    if exponent == 0:
        return xp.zeros_like(g)
    if exponent == 1:
        return g
    power = x if exponent == 2 else xp.pow_scalar(x, exponent=exponent - 1)
    return g * xp.conj(exponent * power)


_pow_scalar = elementwise(
    "pow_scalar", vjp=dict(x=_power_rule), params=("exponent",), promote="keep", node="PowBackward0"
)


class PowScalarNode(UnaryInputNode):
    """x ** number, keeping x and the number."""

    __slots__ = ("exponent",)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        (x,) = UnaryInputNode.propagate(self, gs, raw, xp)
        return (_power_rule(xp, gs, x, self.exponent),)

    def saved_values(self) -> Any:
        yield from UnaryInputNode.saved_values(self)
        yield "exponent", self.exponent


_PowNode: Any = type(PowScalarNode)(
    "PowBackward0",
    (PowScalarNode,),
    {"__slots__": (), "prim": _pow_scalar, "r0": staticmethod(lambda xp, g, x: x), "__module__": "torch.autograd"},
)


def _pow_number(x: Tensor, exponent: Any) -> Any:
    """x ** number on the straight line; squares and cubes are what losses and polynomials are made of."""
    if x.__class__ in PLAIN and (exponent.__class__ is int or exponent.__class__ is float):
        a = x._data
        kind = a.dtype
        if kind is F32 or kind is F64:
            m = mode()
            fn = x._fn
            if m is GRAD:
                if fn is LEAF:
                    fn = x
                elif fn is VIEW:
                    fn = x._view.edge(x)
            elif m is NO_GRAD:
                fn = None
            else:
                return _pow_any(x, exponent)
            y = kernels.pow_scalar(a, exponent=exponent, out=OUT)
            t = new(Tensor)
            t._data = y if y.__class__ is kernels.ndarray else kernels.np.asarray(y)
            t._ver = 0
            t._view = None
            if fn is None:
                t._fn = None
                return t
            node = new(_PowNode)
            node.e0 = fn
            node.s0 = x
            n = x._ver
            node.n0 = n if n.__class__ is int else n.n
            node.exponent = exponent
            node.hooks = None
            node.seq = next_seq()
            t._fn = node
            return t
    return _pow_any(x, exponent)


def _pow_kernel(x: Any, y: Any) -> Any:
    """Integers to negative powers are what is left of 1/x: 1 and -1 stay, others are 0."""
    np = kernels.np
    if x.dtype.kind == "b":
        raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    if x.dtype.kind == "i" and (y < 0).any():
        sign = np.where(y % 2 == 0, 1, x)
        return np.where(y < 0, np.where(abs(x) == 1, sign, 0), np.power(x, np.where(y < 0, 0, y))).astype(x.dtype)
    return np.power(x, y)


_pow = elementwise(
    "pow",
    kernel=_pow_kernel,
    vjp=dict(
        x=lambda xp, g, x, y: g * xp.conj(xp.where(y == 0, 0, y * xp.pow(x, y - 1))),
        y=lambda xp, g, x, y, out: g * xp.conj(xp.where((x == 0) & _nonnegative(xp, y), 0, out * xp.log(x))),
    ),
    promote="keep",
    node="PowBackward1",
    saved_names=dict(y="exponent"),
)
_scalar_pow_node = _pow.renamed("PowBackward2")


def _nonnegative(xp: Any, y: Any) -> Any:
    return xp.real(y) >= 0


def _pow_any(x: Any, exponent: Any) -> Any:
    if not isinstance(x, Tensor):
        if not isinstance(exponent, Tensor):
            raise TypeError(f"pow(): argument 'input' (position 1) must be Tensor, not {type(x).__name__}")
        from ..core.dispatch import dispatch

        return dispatch(_pow, (x, exponent), {}, _scalar_pow_node)
    if isinstance(exponent, Tensor):
        return _pow(x, exponent)
    kind = x.dtype
    if not (kind.is_floating_point or kind.is_complex):
        if isinstance(exponent, (float, complex)) or kind.category == 0:
            x = x.to(result_dtype((promotable(x), exponent)))  # type: ignore[attr-defined]
        if not isinstance(exponent, complex) and exponent < 0 and x.dtype.category < 2:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        if x.dtype.category == 1:
            convert_scalar(exponent, x.dtype.np)  # it must fit
    elif isinstance(exponent, complex) and not kind.is_complex:
        x = x.to(kind.to_complex())  # type: ignore[attr-defined]
    return _pow_scalar(x, exponent=exponent)


@public
def pow(input: Any, exponent: Any, *, out: Tensor | None = None) -> Any:
    """input ** exponent, broadcast. Differentiable in both; d/dx at exponent 0 is 0."""
    exponent = operand(exponent, "pow")
    y = _pow_any(input, exponent) if isinstance(exponent, Tensor) else _pow_number(operand(input, "pow", 1), exponent)
    return y if out is None else write_out(out, y, "pow")


@public(name="pow_", function=False)
def pow_(self: Tensor, exponent: Any) -> Tensor:
    exponent = operand(exponent, "pow_", 1)
    return inplace_with(lambda old: _pow_any(old, exponent), self, (exponent,))


def _dunder_pow(self: Tensor, exponent: Any) -> Any:
    if exponent.__class__ is int or exponent.__class__ is float:
        return _pow_number(self, exponent)
    if isinstance(exponent, (Tensor, int, float, complex, kernels.np.generic)):
        return pow(self, exponent)
    return NotImplemented


Tensor.__pow__ = _dunder_pow  # type: ignore[attr-defined]
Tensor.__rpow__ = lambda self, other: pow(other, self)  # type: ignore[attr-defined]
inplace_operator("pow", pow_)
ops.pow = _pow_any

# ---------------------------------------------------------------- two inputs

_add = elementwise("add", vjp=dict(x=lambda xp, g: g, y=lambda xp, g: g), promote="keep")
_sub = elementwise("sub", vjp=dict(x=lambda xp, g: g, y=lambda xp, g: -g), promote="keep")
_mul = elementwise("mul", d=dict(x=lambda xp, y: y, y=lambda xp, x: x), promote="keep")
_div = elementwise(
    "div",
    vjp=dict(
        x=lambda xp, g, y: g / xp.conj(y),
        y=lambda xp, g, x, y: -g * xp.conj(x / y / y),
    ),
)
_rsub, _rsub_tensor = _sub.renamed("RsubBackward1"), _sub.renamed("RsubBackward0")


def _refuse_bool(x: Any, y: Any) -> None:
    if x.__class__ is bool or (isinstance(x, Tensor) and x.dtype.category == 0):
        if y.__class__ is bool or (isinstance(y, Tensor) and y.dtype.category == 0):
            raise RuntimeError(
                "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
                "operator instead."
            )
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )


def _sub_any(x: Any, y: Any) -> Any:
    x, y = operand(x, "sub", 1), operand(y, "sub")
    _refuse_bool(x, y)
    _refuse_bool(y, x)
    return _sub(x, y)


_add_line = binary(_add, kernels.add)
_sub_line = binary(_sub, kernels.sub)
mul = binary(_mul, kernels.mul, names=("multiply",))
_div_line = binary(_div, kernels.div, names=("true_divide",))
_add_inplace, _sub_inplace, _div_inplace = Tensor.add_, Tensor.sub_, Tensor.div_  # type: ignore[attr-defined]


def _check_alpha(x: Any, y: Any, alpha: Any) -> None:
    """What may multiply `y` depends on the dtype of the result."""
    kind = result_dtype([promotable(x), promotable(y)]).category
    if alpha.__class__ is bool and kind:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if kind < 2 and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if kind < 3 and isinstance(alpha, complex):
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")


def _with_alpha(name: str, sign: int) -> Any:
    """x + sign * alpha * y"""
    combine = kernels.np.add if sign > 0 else kernels.np.subtract
    return elementwise(
        name + "_alpha",
        params=("alpha",),
        kernel=lambda x, y, alpha: combine(x, convert_scalar(alpha, x.dtype) * y),
        vjp=dict(x=lambda xp, g: g, y=lambda xp, g, alpha: g * (sign * xp.conj(alpha))),
        promote="keep",
        node=f"{name.capitalize()}Backward0",
    )


_add_alpha, _sub_alpha = _with_alpha("add", 1), _with_alpha("sub", -1)


def _scaled(prim: Any, name: str, x: Any, y: Any, alpha: Any) -> Any:
    x, y = operand(x, name, 1), operand(y, name)
    if name == "sub":
        _refuse_bool(x, y)
        _refuse_bool(y, x)
    if hasattr(alpha, "as_operand"):  # a number that a compiled function changes
        alpha = alpha.as_operand()
    if not isinstance(alpha, (int, float, complex, kernels.np.generic, Tensor)):
        raise TypeError(f"{name}(): argument 'alpha' must be Number, not {type(alpha).__name__}")
    _check_alpha(x, y, alpha)
    return prim(x, y, alpha=alpha)


@public
def add(input: Any, other: Any, *, alpha: Any = 1, out: Tensor | None = None) -> Any:
    """input + alpha * other, broadcast. Differentiable in both."""
    if alpha.__class__ is int and alpha == 1:
        y = _add_line(input, other)
    else:
        y = _scaled(_add_alpha, "add", input, other, alpha)
    return y if out is None else write_out(out, y, "add")


@public
def sub(input: Any, other: Any, *, alpha: Any = 1, out: Tensor | None = None) -> Any:
    """input - alpha * other, broadcast. Differentiable in both; bool tensors are refused."""
    if alpha.__class__ is int and alpha == 1:
        y = _sub_any(input, other)
    else:
        y = _scaled(_sub_alpha, "sub", input, other, alpha)
    return y if out is None else write_out(out, y, "sub")


_rsub_alpha = _sub_alpha.renamed("RsubBackward1")


@public(name="rsub", method=False)
def rsub(input: Tensor, other: Any, *, alpha: Any = 1) -> Any:
    """other - alpha * input."""
    from ..core.dispatch import dispatch

    other = operand(other, "rsub")
    _refuse_bool(input, other)
    _refuse_bool(other, input)
    if alpha.__class__ is int and alpha == 1:
        return dispatch(_sub, (other, input), {}, _rsub_tensor if isinstance(other, Tensor) else _rsub)
    _check_alpha(other, input, alpha)
    return dispatch(_sub_alpha, (other, input), {"alpha": alpha}, _rsub_alpha)


@public(name="add_", function=False)
def add_(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    if alpha.__class__ is int and alpha == 1:
        return _add_inplace(self, other)
    return inplace_with(lambda old: _scaled(_add_alpha, "add", old, other, alpha), self, (other,))


@public(name="sub_", function=False)
def sub_(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    if alpha.__class__ is not int or alpha != 1:
        return inplace_with(lambda old: _scaled(_sub_alpha, "sub", old, other, alpha), self, (other,))
    if self.dtype.category == 0 or other.__class__ is bool or (isinstance(other, Tensor) and other.dtype.category == 0):
        _refuse_bool(self, other)
        _refuse_bool(other, self)
    return _sub_inplace(self, other)


WRONG_ROUNDING = "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "


@public
def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Any:
    """input / other; rounding_mode None, "trunc" or "floor". Differentiable in both when not rounding."""
    if rounding_mode is None:
        y = _div_line(input, other)
    elif rounding_mode in ("trunc", "floor"):
        y = ops.div_rounded(operand(input, "div", 1), operand(other, "div"), rounding_mode)
    else:
        raise RuntimeError(WRONG_ROUNDING + f"'{rounding_mode}'")
    return y if out is None else write_out(out, y, "div")


@public(name="div_", function=False)
def div_(self: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    if rounding_mode is None:
        return _div_inplace(self, other)
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(WRONG_ROUNDING + f"'{rounding_mode}'")
    other = operand(other, "div_", 1)
    return inplace_with(lambda old: ops.div_rounded(old, other, rounding_mode), self, (other,))


for _name in ("multiply_", "divide", "divide_", "true_divide_", "subtract", "subtract_"):
    _plain = _name.rstrip("_").replace("multiply", "mul").replace("true_divide", "div").replace("divide", "div")
    _plain = _plain.replace("subtract", "sub")
    if _name.endswith("_"):
        public(getattr(Tensor, _plain + "_"), name=_name, function=False)
    else:
        public(FUNCTIONS[_plain], name=_name)

inplace_operator("add", _add_inplace)
inplace_operator("sub", sub_)
inplace_operator("mul", Tensor.mul_)  # type: ignore[attr-defined]
inplace_operator("truediv", _div_inplace)


def _rsub_operator(self: Tensor, other: Any) -> Any:
    return rsub(self, other) if isinstance(other, OPERANDS) else NotImplemented


def _rdiv(self: Tensor, other: Any) -> Any:
    return reciprocal(self) * other if isinstance(other, OPERANDS) else NotImplemented


operators("add", _add_line, kernels.add)
operators("sub", _sub_line, kernels.sub, _sub_any, _rsub_operator)
operators("mul", mul, kernels.mul)
operators("truediv", _div_line, kernels.div, _div_line, _rdiv)
for _name in ("__div__", "__rdiv__", "__idiv__"):  # PyTorch still has Python 2's names
    setattr(Tensor, _name, getattr(Tensor, _name.replace("div", "truediv")))

for _name in ("neg", "exp", "exp2", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "sigmoid"):
    samples(_name, *pointwise(-1.2, 1.2))
for _name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"):
    samples(_name, *pointwise(0.2, 3.0))
for _name in ("asin", "acos", "atanh"):
    samples(_name, *pointwise(-0.9, 0.9))
samples("acosh", *pointwise(1.1, 3.0))
samples("relu", *pointwise(), complex=False)
samples("mul", *pointwise2())
samples("add", *pointwise2(), Case(T(3, 4), T(4), alpha=2))
samples("sub", *pointwise2(), Case(T(3, 4), T(4), alpha=2))
samples("rsub", *pointwise2(), Case(T(3), 2.0, alpha=3))
samples("pow", *pointwise2(0.5, 2.0), Case(T(3), 2), Case(T(3), 3), Case(T(3, low=1, high=2), -0.5),
        Case(2.0, T(3)), Case(T(3), 0), Case(T(2, low=1, high=2), -2))  # fmt: skip
