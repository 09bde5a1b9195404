"""Complex numbers: conjugate, parts, modulus, angle, sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.inplace import inplace, write_out
from ..core.primitive import elementwise, ops, view
from ..core.samples import pointwise, samples
from ..core.tensor import Tensor
from ..kernels import numpy as kernels
from .compare import tensor_operand
from .install import FUNCTIONS, public, unary
from .lines import inplace_line, refuse, refusing

# ---------------------------------------------------------------- conjugate

_conj = elementwise(
    "conj",
    kernel=kernels.conj,
    vjp=dict(x=lambda xp, g: xp.conj(g)),
    jvp=dict(x=lambda xp, t: xp.conj(t)),
    promote="keep",
)
_conj_physical = elementwise(
    "conj_physical",
    kernel=lambda x: np.conjugate(x) if x.dtype.kind == "c" else np.array(x),
    vjp=dict(x=lambda xp, g: xp.conj(g)),
    jvp=dict(x=lambda xp, t: xp.conj(t)),
    promote="keep",
)


@public
def conj(input: Any) -> Any:
    """The complex conjugate; a real tensor comes back itself."""
    if not isinstance(input, Tensor):
        if isinstance(input, (int, float, complex)):  # rules conjugate numbers too
            return input.conjugate()
        tensor_operand(input, "conj", 1, "input")
    return _conj(input) if input.dtype.is_complex else input


ops.conj = conj


@public
def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate, in memory of its own; a real tensor comes back itself."""
    tensor_operand(input, "conj_physical", 1, "input")
    y = _conj_physical(input) if input.dtype.is_complex else input
    return y if out is None else write_out(out, y, "conj_physical")


@public
def conj_physical_(self: Tensor) -> Tensor:
    return inplace(_conj_physical, self, (), {}) if self.dtype.is_complex else self


@public
def resolve_conj(input: Tensor) -> Tensor:
    """Conjugates are always materialised here: `input` itself."""
    return tensor_operand(input, "resolve_conj", 1, "input")  # type: ignore[no-any-return]


@public
def resolve_neg(input: Tensor) -> Tensor:
    """Negations are always materialised here: `input` itself."""
    return tensor_operand(input, "resolve_neg", 1, "input")  # type: ignore[no-any-return]


@public
def is_conj(input: Tensor) -> bool:
    """Whether a conjugation is pending: never, it is done at once."""
    tensor_operand(input, "is_conj", 1, "input")
    return False


@public
def is_neg(input: Tensor) -> bool:
    """Whether a negation is pending: never, it is done at once."""
    tensor_operand(input, "is_neg", 1, "input")
    return False


# ---------------------------------------------------------------- parts



def _same_place(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, Any]:
    """Shape and dimensions stay."""
    return prim(vals[0]), dims[0]


_real = view(
    "real", kernel=lambda x: x.real, node="SelectBackward0", batch=_same_place,
    vjp=dict(x=lambda xp, g, x_dtype: xp.to_dtype(g, x_dtype)),
)  # fmt: skip
_imag = view(
    "imag", kernel=lambda x: x.imag, node="SelectBackward0", batch=_same_place,
    vjp=dict(x=lambda xp, g, x_dtype: xp.to_dtype(g, x_dtype) * 1j),
)  # fmt: skip


@public(method=False)
def real(input: Tensor) -> Tensor:
    """The real parts, as a view; a real tensor comes back itself."""
    tensor_operand(input, "real", 1, "input")
    return _real(input) if input.dtype.is_complex else input


@public(method=False)
def imag(input: Tensor) -> Tensor:
    """The imaginary parts, as a view. Raises for real tensors."""
    tensor_operand(input, "imag", 1, "input")
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return _imag(input)  # type: ignore[no-any-return]


def _set_real(self: Tensor, value: Any) -> None:
    real(self).copy_(ops.as_tensor(value, dtype=self.dtype.to_real()))  # type: ignore[attr-defined]


def _set_imag(self: Tensor, value: Any) -> None:
    imag(self).copy_(ops.as_tensor(value, dtype=self.dtype.to_real()))  # type: ignore[attr-defined]


Tensor.real = property(real, _set_real, doc="The real parts, as a view; a real tensor itself.")  # type: ignore[attr-defined]
Tensor.imag = property(imag, _set_imag, doc="The imaginary parts, as a view.")  # type: ignore[attr-defined]
ops.real = real
ops.imag = imag
samples("real", *pointwise())
samples("imag", *pointwise(), real=False, why_not="real tensors have no imaginary part in PyTorch")

# ---------------------------------------------------------------- modulus, sign, angle


def _along(xp: Any, t: Any, unit: Any) -> Any:
    """The real part of t * conj(unit): how fast the modulus grows when x moves by t."""
    return xp.real(t * xp.conj(unit))


def _abs_kernel(x: Any, out: Any = None) -> Any:
    if x.dtype.kind == "b":
        raise NotImplementedError("\"abs_cpu\" not implemented for 'Bool'")
    return np.absolute(x, out=out)


_abs = elementwise(
    "abs",
    kernel=_abs_kernel,
    vjp=dict(x=lambda xp, g, x: g * xp.sgn(x)),
    jvp=dict(x=lambda xp, t, x: _along(xp, t, xp.sgn(x))),
    promote="keep",
)
_abs_line = unary(_abs, kernels.np.absolute, names=("absolute",), inplace_form=False)


def _abs_(self: Tensor) -> Tensor:
    refuse(self, "c", "In-place abs is not supported for complex tensors.")
    return inplace(_abs, self, (), {})


for _name in ("abs_", "absolute_"):
    public(inplace_line(np.absolute, _abs_), name=_name)
Tensor.__abs__ = _abs_line  # type: ignore[attr-defined]
samples("abs", *pointwise())


def _sgn_rule(xp: Any, g: Any, x: Any, out: Any) -> Any:
    """Only the part of the motion across the direction of x turns it; reals and zeros have no slope."""
    r = xp.abs(x)
    turned = (g - xp.real(xp.conj(out) * g) * out) / xp.where(r == 0, 1, r)
    return xp.where(out == 0, 0, turned)


_sgn = elementwise(
    "sgn",
    vjp=dict(x=lambda xp, g, x, out: _sgn_rule(xp, g, x, out)),
    jvp=dict(x=lambda xp, t, x, out: _sgn_rule(xp, t, x, out)),
    kernel=lambda x: x.copy() if x.dtype.kind == "b" else kernels.sgn(x),
    promote="keep",
)
unary(_sgn, False)
samples("sgn", *pointwise())

_sign = elementwise(
    "sign", vjp=dict(x=lambda xp, g: xp.zeros_like(g)), promote="keep",
    kernel=refusing(
        lambda x: x.copy() if x.dtype.kind == "b" else kernels.sign(x), "c",
        "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.",
        NotImplementedError,
    ),
)  # fmt: skip
sign = unary(_sign, kernels.sign)
for _name in ("sgn_", "sign_", "absolute_"):  # PyTorch has these as methods only
    FUNCTIONS.pop(_name)


samples("sign", *pointwise(), complex=False)


def _angle_kernel(x: Any) -> Any:
    if x.dtype.kind == "c":
        return np.arctan2(x.imag, x.real)
    pi = x.dtype.type(np.pi)
    return np.where(np.isnan(x), x, np.where(x < 0, pi, x.dtype.type(0)))


def _angle_slope(xp: Any, x: Any) -> Any:
    """The direction in which the angle grows fastest, times that rate: i x / |x|^2."""
    r = xp.abs(x)
    return xp.where(r == 0, 0, 1j * x / xp.where(r == 0, 1, r * r))


def _angle_rule(xp: Any, g: Any, x: Any) -> Any:
    return g * _angle_slope(xp, x) if kernels_complex(x) else xp.zeros_like(g)


def kernels_complex(x: Any) -> bool:
    """Whether the elements of an array or Tensor are complex."""
    kind = getattr(x.dtype, "np", x.dtype)
    return bool(kind.kind == "c")


_angle = elementwise(
    "angle",
    kernel=_angle_kernel,
    vjp=dict(x=_angle_rule),
    jvp=dict(
        x=lambda xp, t, x: _along(xp, t, _angle_slope(xp, x)) if kernels_complex(x) else xp.zeros_like(t)
    ),
)


@public
def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of complex numbers in radians; pi for negative reals, 0 for others."""
    y: Tensor = _angle(tensor_operand(input, "angle", 1, "input"))
    return y if out is None else write_out(out, y, "angle")


samples("angle", *pointwise())

__all__ = ["kernels_complex"]
