"""Comparisons, logic and bits: pointwise operations without a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dispatch import dispatch
from ..core.dtypes import FROM_NUMPY, INTEGRAL
from ..core.fast import F32, F64
from ..core.inplace import inplace, inplace_with, write_out
from ..core.primitive import Primitive, elementwise, ops
from ..core.samples import Case, T, pointwise, pointwise2, samples
from ..core.tensor import Tensor
from ..kernels import numpy as kernels
from .install import OPERANDS, operand, public
from .lines import BOOL, I64, comparison, predicate, refuse, supported

# ---------------------------------------------------------------- comparisons

_COMPARED = frozenset((F32, F64, I64, BOOL))


def tensor_operand(x: Any, name: str, position: int, arg: str = "other") -> Any:
    """`x`, which must be a Tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument '{arg}' (position {position}) must be Tensor, not {type(x).__name__}")
    return x


def install_binary(
    prim: Primitive, line: Any, names: tuple[str, ...], *, inplace_form: Any = True, tensors: bool = False
) -> Any:
    """torch.f(input, other, *, out=None), Tensor.f and Tensor.f_ around the function `line(x, y)`.

    `tensors`: the second operand must be a tensor. `inplace_form`: whether there is one, or the one to use."""
    title = prim.name

    def fn(input: Any, other: Any, *, out: Any = None) -> Any:
        return line(input, other) if out is None else write_out(out, line(input, other), title)

    def form(self: Tensor, other: Any) -> Tensor:
        if tensors:
            tensor_operand(other, title + "_", 1)
        others = (operand(other, title + "_", 1),)
        return inplace_with(lambda old: line(old, other), self, others, promote=prim.promote)

    form = inplace_form if callable(inplace_form) else form
    fn.__name__ = fn.__qualname__ = line.__name__ = title
    form.__name__ = title + "_"
    for called in names:
        public(fn, name=called, method=False)
        public(line, name=called, function=False)
        if inplace_form:
            public(form, name=called + "_", function=False)
    return fn


def _comparison(name: str, symbol: str, *names: str, refused: str) -> Any:
    ufunc = getattr(kernels, name)
    kernel = supported(ufunc, name + "_cpu", refused) if refused else ufunc
    prim = elementwise(name, inputs=("x", "y"), promote="compare", half="native", kernel=kernel)

    def slow(input: Any, other: Any) -> Any:
        return prim(tensor_operand(input, name, 1, "input"), operand(other, name))

    def slow_operator(self: Any, other: Any) -> Any:
        if isinstance(other, np.ndarray) and name in ("eq", "ne") and other.dtype in FROM_NUMPY:
            other = ops.from_numpy(other)  # of all operators, PyTorch's == alone takes arrays (its != answers True)
        return slow(self, other) if isinstance(other, OPERANDS) else NotImplemented

    written = elementwise(
        name + "_inplace", params=("dtype",), promote="compare", half="native", node=f"{name.capitalize()}Backward1",
        kernel=lambda x, y, dtype: kernel(x, y).astype(dtype.np),
        vjp=dict(x=lambda xp, g: xp.zeros_like(g), y=lambda xp, g: xp.zeros_like(g)),
    )  # fmt: skip
    by_number = written.renamed(f"{name.capitalize()}Backward0")

    def form(self: Tensor, other: Any) -> Tensor:
        other = operand(other, name + "_", 1)
        node = None if isinstance(other, Tensor) else by_number
        return inplace_with(
            lambda old: dispatch(written, (old, other), {"dtype": old.dtype}, node), self, (other,)
        )

    line = comparison(ufunc, slow, _COMPARED)
    setattr(Tensor, f"__{symbol}__", comparison(ufunc, slow_operator, _COMPARED))
    setattr(ops, name, line)
    samples(name, *pointwise2(), differentiable=False, complex=not refused)
    return install_binary(prim, line, (name, *names), inplace_form=form)


eq = _comparison("eq", "eq", refused="")
ne = _comparison("ne", "ne", "not_equal", refused="")
lt = _comparison("lt", "lt", "less", refused="c")
le = _comparison("le", "le", "less_equal", refused="c")
gt = _comparison("gt", "gt", "greater", refused="c")
ge = _comparison("ge", "ge", "greater_equal", refused="c")
Tensor.__hash__ = object.__hash__  # type: ignore[method-assign]

# ---------------------------------------------------------------- logic


def _logical(name: str) -> Any:
    ufunc = getattr(kernels, name)
    prim = elementwise(name, inputs=("x", "y"), promote="compare", half="native")

    def slow(input: Any, other: Any) -> Any:
        return prim(tensor_operand(input, name, 1, "input"), tensor_operand(other, name, 2))

    line = comparison(ufunc, slow, _COMPARED)
    setattr(ops, name, prim)
    samples(
        name, Case(T(3, dtype="bool"), T(3, dtype="bool")), Case(T(2, 1, dtype="int64"), T(3, dtype="bool")),
        Case(T(3), T(3)), differentiable=False,
    )  # fmt: skip
    return install_binary(prim, line, (name,), tensors=True)


logical_and = _logical("logical_and")
logical_or = _logical("logical_or")
logical_xor = _logical("logical_xor")


def _test(
    name: str, *names: str, kernel: Any = None, ufunc: Any = None, half: str = "native", inplace_form: bool = False,
    takes_out: bool = False,
) -> Any:
    """A predicate of one tensor. `ufunc`: what it is for float tensors."""
    prim = elementwise(name, inputs=("x",), promote="compare", half=half, kernel=kernel)

    def slow(input: Any) -> Any:
        return prim(tensor_operand(input, name, 1, "input"))

    line = predicate(ufunc or prim.kernel, slow) if kernel is None or ufunc is not None else slow

    def with_out(input: Any, *, out: Any = None) -> Any:
        return line(input) if out is None else write_out(out, line(input), name)

    fn = with_out if takes_out else line
    fn.__name__ = fn.__qualname__ = line.__name__ = line.__qualname__ = name
    setattr(ops, name, prim)
    for called in (name, *names):
        public(fn, name=called, method=False)
        public(line, name=called, function=False)
    if inplace_form:
        public(lambda self: inplace(prim, self, (), {}), name=name + "_", function=False)
    samples(name, *pointwise(), differentiable=False)
    return fn


logical_not = _test("logical_not", inplace_form=True, takes_out=True)


def _isfinite(x: Any) -> Any:
    return np.isfinite(x) if x.dtype.kind in "fcV" else np.ones(x.shape, np.bool_)


def _isinf(x: Any) -> Any:
    return np.isinf(x) if x.dtype.kind in "fcV" else np.zeros(x.shape, np.bool_)


def _isnan(x: Any) -> Any:
    return np.isnan(x) if x.dtype.kind in "fcV" else np.zeros(x.shape, np.bool_)


isnan = _test("isnan", kernel=_isnan, ufunc=np.isnan)
isinf = _test("isinf", kernel=_isinf, ufunc=np.isinf)
isfinite = _test("isfinite", kernel=_isfinite, ufunc=np.isfinite)
isreal = _test("isreal", kernel=lambda x: x.imag == 0 if x.dtype.kind == "c" else np.ones(x.shape, np.bool_))


def _one_sign(name: str, kernel: Any, message: str, error: type[Exception]) -> Any:
    prim = elementwise(name, inputs=("x",), promote="compare", half="native", kernel=kernel)

    def fn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        refuse(tensor_operand(input, name, 1, "input"), "c", message, error)
        y: Tensor = prim(input)
        return y if out is None else write_out(out, y, name)

    fn.__name__ = fn.__qualname__ = name
    samples(name, *pointwise(), differentiable=False, complex=False)
    return public(fn)


def _infinite(x: Any, sign: int) -> Any:
    if x.dtype.kind not in "fV":
        return np.zeros(x.shape, np.bool_)
    return np.isinf(x) & (np.signbit(x) if sign < 0 else ~np.signbit(x))


isposinf = _one_sign(
    "isposinf", lambda x: _infinite(x, 1), "isposinf does not support complex inputs.", RuntimeError
)
isneginf = _one_sign(
    "isneginf", lambda x: _infinite(x, -1), "isneginf does not support complex inputs.", RuntimeError
)
signbit = _one_sign(
    "signbit", lambda x: np.signbit(x) if x.dtype.kind in "fV" else x < 0,
    "signbit is not implemented for complex tensors.", NotImplementedError,
)  # fmt: skip

# ---------------------------------------------------------------- bits


def _bitwise(name: str, symbol: str, title: str, kernel: Any, refused: str) -> Any:
    prim = elementwise(
        name, inputs=("x", "y"), promote="keep", half="native", kernel=supported(kernel, title, refused)
    )

    def line(input: Any, other: Any) -> Any:
        return prim(operand(input, name, 1), operand(other, name))

    def direct(self: Tensor, other: Any) -> Any:
        return prim(self, other) if isinstance(other, OPERANDS) else NotImplemented

    def swapped(self: Tensor, other: Any) -> Any:
        return prim(other, self) if isinstance(other, OPERANDS) else NotImplemented

    def form(self: Tensor, other: Any) -> Any:
        return inplace(prim, self, (other,), {}) if isinstance(other, OPERANDS) else NotImplemented

    setattr(Tensor, f"__{symbol}__", direct)
    setattr(Tensor, f"__r{symbol}__", swapped)
    setattr(Tensor, f"__i{symbol}__", form)
    samples(
        name, Case(T(3, dtype="int64", low=0, high=9), T(3, dtype="int64", low=0, high=5)),
        Case(T(2, 1, dtype="int32", low=0, high=9), 2), differentiable=False, complex=False,
    )  # fmt: skip
    return install_binary(prim, line, (name,))


def _left_shift(x: Any, y: Any) -> Any:
    """x << y; 0 where y is out of range, as PyTorch defines it."""
    bits = x.dtype.itemsize * 8
    odd = (y < 0) | (y >= bits)
    return np.where(odd, x.dtype.type(0), np.left_shift(x, np.where(odd, y.dtype.type(0), y)))


def _right_shift(x: Any, y: Any) -> Any:
    """x >> y, with the sign where y is out of range."""
    bits = x.dtype.itemsize * 8
    most = x.dtype.type(bits - 1)
    odd = (y < 0) | (y >= bits)
    shifted = np.right_shift(x, np.where(odd, most, y))
    return shifted if x.dtype.kind == "i" else np.where(odd, x.dtype.type(0), shifted)


bitwise_and = _bitwise("bitwise_and", "and", "bitwise_and_cpu", np.bitwise_and, "fcV")
bitwise_or = _bitwise("bitwise_or", "or", "bitwise_or_cpu", np.bitwise_or, "fcV")
bitwise_xor = _bitwise("bitwise_xor", "xor", "bitwise_xor_cpu", np.bitwise_xor, "fcV")
bitwise_left_shift = _bitwise("bitwise_left_shift", "lshift", "lshift_cpu", _left_shift, "bfcV")
bitwise_right_shift = _bitwise("bitwise_right_shift", "rshift", "rshift_cpu", _right_shift, "bfcV")

_bitwise_not = elementwise(
    "bitwise_not", inputs=("x",), promote="keep", half="native",
    kernel=supported(np.invert, "bitwise_not_cpu", "fcV"),
)  # fmt: skip


@public
def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complement of each bit; of bools, the negation."""
    y: Tensor = _bitwise_not(tensor_operand(input, "bitwise_not", 1, "input"))
    return y if out is None else write_out(out, y, "bitwise_not")


@public(name="bitwise_not_", function=False)
def bitwise_not_(self: Tensor) -> Tensor:
    return inplace(_bitwise_not, self, (), {})


def _dunder_invert(self: Tensor) -> Any:
    if self.dtype.category > INTEGRAL:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return _bitwise_not(self)


Tensor.__invert__ = _dunder_invert
samples("bitwise_not", Case(T(3, dtype="int64")), Case(T(2, 2, dtype="bool")), differentiable=False)

# ---------------------------------------------------------------- nearness


def _close(x: Any, y: Any, *, rtol: float, atol: float, equal_nan: bool) -> Any:
    near = x == y
    if equal_nan and x.dtype.kind in "fcV":
        near = near | (np.isnan(x) & np.isnan(y))
    if rtol == 0 and atol == 0:
        return near
    if x.dtype.kind in "biu":
        kind: Any = np.float64 if x.dtype.itemsize > 4 else np.float32
        x, y = x.astype(kind), y.astype(kind)
    allowed = atol + np.abs(rtol * y)
    distance = np.abs(x - y)
    return near | (np.isfinite(distance) & (distance <= allowed))


_isclose = elementwise(
    "isclose", inputs=("x", "y"), params=("rtol", "atol", "equal_nan"), kernel=_close, promote="compare"
)


@public
def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Where |input - other| <= atol + rtol * |other|; nan is near nan only with `equal_nan`."""
    tensor_operand(input, "isclose", 1, "input")
    tensor_operand(other, "isclose", 2)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.scalar_name} did not match {other.dtype.scalar_name}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol:g}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol:g}")
    return _isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)  # type: ignore[no-any-return]


@public
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether all elements are close (see `isclose`)."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())  # type: ignore[attr-defined]


@public
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and all elements are equal."""
    tensor_operand(input, "equal", 1, "input")
    tensor_operand(other, "equal", 2)
    if tuple(input.shape) != tuple(other.shape):
        return False
    return bool(ops.eq(input, other).all())


samples("isclose", Case(T(3, 4), T(3, 4)), Case(T(3), T(3), rtol=1.0, atol=1.0), differentiable=False)
samples("allclose", Case(T(3), T(3)), Case(T(3), T(3), atol=10.0), differentiable=False)
samples("equal", Case(T(3), T(3)), Case(T(3), T(2)), differentiable=False)

__all__ = ["install_binary", "tensor_operand"]
