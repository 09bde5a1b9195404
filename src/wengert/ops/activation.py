"""Activation functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import batch_along_dim
from ..core.dispatch import dispatch
from ..core.dtypes import bfloat16, finfo
from ..core.fast import unary as straight
from ..core.generator import stream_of
from ..core.inplace import inplace, write_out
from ..core.primitive import Primitive, composite, elementwise, general, kernel_helper, linear, ops
from ..core.samples import Case, T, pointwise, samples
from ..core.takes import COMPLEX, FLOATS, INTEGERS, REAL, Takes
from ..core.tensor import Tensor
from ..kernels import gelu as fast
from ..kernels import numpy as kernels
from .install import FUNCTIONS, public
from .reduce import wrap_dim

SQRT_HALF = math.sqrt(0.5)
ROOT_2_OVER_PI = math.sqrt(2 / math.pi)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def tensor_input(x: Any, name: str) -> None:
    """Refuse what is no tensor, in PyTorch's words."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(x).__name__}")


def erf(x: Any) -> Any:
    """SciPy's error function in the precision of `x`."""
    from scipy.special import erf as special_erf

    return special_erf(x)


# ---------------------------------------------------------------- kernels (the straight line gives out=...)


def _log_sigmoid(x: Any, out: Any = None) -> Any:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


def _silu(x: Any, out: Any = None) -> Any:
    if not x.ndim:
        return x / (1 + np.exp(-x))
    y = np.negative(x)  # one fresh array, written over: more would cost more than the arithmetic
    np.exp(y, out=y)
    y += 1
    return np.divide(x, y, out=y)


def _mish(x: Any, out: Any = None) -> Any:
    return x * np.tanh(np.logaddexp(x, x.dtype.type(0)))


def _hardsigmoid(x: Any, out: Any = None) -> Any:
    return np.clip(x + 3, 0, 6) / 6


def _hardswish(x: Any, out: Any = None) -> Any:
    return x * (np.clip(x + 3, 0, 6) / 6)


def _gelu(x: Any, *, approximate: str) -> Any:
    if approximate == "tanh":
        if not x.ndim:
            return 0.5 * x * (1 + np.tanh(ROOT_2_OVER_PI * (x + 0.044715 * (x * x * x))))
        y = x * x
        y *= x
        y *= 0.044715
        y += x
        y *= ROOT_2_OVER_PI
        np.tanh(y, out=y)
        y += 1
        y *= x
        y *= 0.5
        return y
    if x.dtype == np.float32 and x.ndim:
        return fast.gelu(x)
    return x * _normal_cdf(x)


def _hardtanh(x: Any, *, min_val: Any, max_val: Any) -> Any:
    low, high = (np.asarray(v).astype(x.dtype) for v in (min_val, max_val))  # integers stay integers
    return np.minimum(np.maximum(x, low), high)


def _elu(x: Any, *, alpha: float, scale: float, input_scale: float) -> Any:
    return np.where(x > 0, x * scale, np.expm1(np.minimum(x, 0) * input_scale) * (alpha * scale))


def _softplus(x: Any, *, beta: float, threshold: float) -> Any:
    scaled = x * beta
    return np.where(scaled > threshold, x, np.log1p(np.exp(np.minimum(scaled, threshold))) / beta)


# ---------------------------------------------------------------- primitives


def _nonpositive(xp: Any, x: Any) -> Any:
    """min(x, 0), so that exp of the branch that is not taken stays finite."""
    return xp.where(x > 0, 0, x)


def _elu_slope(xp: Any, x: Any, alpha: float, scale: float, input_scale: float) -> Any:
    return xp.where((x > 0) | (x != x), scale, xp.exp(_nonpositive(xp, x) * input_scale) * (alpha * scale * input_scale))


def _gelu_slope(xp: Any, x: Any, approximate: str) -> Any:
    if approximate == "tanh":
        inner = ROOT_2_OVER_PI * (x + 0.044715 * (x * x * x))
        t = xp.tanh(inner)
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (ROOT_2_OVER_PI * (1 + 0.134145 * (x * x)))
    return xp.gelu_slope(x)


def _normal_density(xp: Any, x: Any) -> Any:
    return xp.exp(-0.5 * (x * x)) * (0.5 * ROOT_2_OVER_PI)


def _normal_cdf(x: Any) -> Any:
    """The normal distribution function."""
    if x.dtype == np.float32 and x.ndim:
        return fast.normal_cdf(x)
    return 0.5 * (1 + erf(x * x.dtype.type(SQRT_HALF)))


@kernel_helper
def gelu_slope(x: Any) -> Any:
    """The derivative of gelu."""
    if x.dtype == np.float32 and x.ndim:
        return fast.gelu_slope(x)
    return _normal_cdf(x) + x * _normal_density(kernels, x)


@composite
def gelu_slope(x: Tensor) -> Any:  # type: ignore[no-redef]  # noqa: F811
    """The derivative of gelu, as a function of x."""
    return ops.normal_cdf(x) + x * _normal_density(ops, x)


def _silu_slope(xp: Any, x: Any) -> Any:
    s = xp.sigmoid(x)
    return s * (1 + x * (1 - s))


def _mish_slope(xp: Any, x: Any) -> Any:
    t = xp.tanh(xp.softplus(x, beta=1, threshold=20))
    return t + x * xp.sigmoid(x) * (1 - t * t)


_P = dict[str, Any](inputs=("x",), promote="keep")


def _taking(kernel: str, kinds: Any = REAL) -> dict[str, Any]:
    """What the pointwise activations have in common, and the name by which PyTorch's kernel refuses a dtype."""
    return {**_P, "takes": Takes(kernel, kinds)}


_log_sigmoid_prim = elementwise(
    "log_sigmoid", d=dict(x=lambda xp, x: xp.sigmoid(-x)), kernel=_log_sigmoid, **_taking("log_sigmoid_cpu")
)
_silu_prim = elementwise(
    "silu", d=dict(x=_silu_slope), kernel=_silu, real_gradient="silu", **_taking("silu_cpu", REAL | COMPLEX)
)
_mish_prim = elementwise("mish", d=dict(x=_mish_slope), kernel=_mish, **_taking("mish_cpu"))
_hardsigmoid_prim = elementwise(
    "hardsigmoid",
    vjp=dict(x=lambda xp, g, x: xp.where((x > -3) & (x < 3), g * (1.0 / 6.0), 0)),
    kernel=_hardsigmoid,
    **_taking("hardsigmoid_cpu"),
)
_hardswish_prim = elementwise(
    "hardswish",
    vjp=dict(x=lambda xp, g, x: xp.where(x <= -3, 0, xp.where(x < 3, g * (x / 3 + 0.5), g))),
    kernel=_hardswish, **_taking("hardswish_cpu"),
)  # fmt: skip
elementwise("normal_cdf", d=dict(x=_normal_density), kernel=_normal_cdf, **_P)
_gelu_prim = elementwise(
    "gelu", params=("approximate",), d=dict(x=_gelu_slope), kernel=_gelu, **_taking("GeluKernelImpl")
)
_elu_prim = elementwise(
    "elu", params=("alpha", "scale", "input_scale"), d=dict(x=_elu_slope), kernel=_elu, **_taking("elu_cpu")
)
_celu_prim = elementwise(
    "celu", params=("alpha",), d=dict(x=lambda xp, x, alpha: _elu_slope(xp, x, alpha, 1.0, 1.0 / alpha)),
    kernel=lambda x, *, alpha: _elu(x, alpha=alpha, scale=1.0, input_scale=1.0 / alpha), **_taking("elu_cpu"),
)  # fmt: skip
_hardtanh_prim = elementwise(
    "hardtanh", params=("min_val", "max_val"),
    vjp=dict(x=lambda xp, g, x, min_val, max_val: xp.where((x <= min_val) | (x >= max_val), 0, g)),
    kernel=_hardtanh, **_taking("clamp_scalar_cpu", REAL | INTEGERS),
)  # fmt: skip
_leaky_relu_prim = elementwise(
    "leaky_relu", params=("negative_slope",),
    vjp=dict(x=lambda xp, g, x, negative_slope: xp.where(x > 0, g, g * negative_slope)),
    kernel=lambda x, *, negative_slope: np.where(x > 0, x, x * negative_slope), **_taking("leaky_relu_cpu"),
)  # fmt: skip
_hardshrink_prim = elementwise(
    "hardshrink", params=("lambd",), vjp=dict(x=lambda xp, g, x, lambd: xp.where((x >= -lambd) & (x <= lambd), 0, g)),
    kernel=lambda x, *, lambd: np.where((x >= -lambd) & (x <= lambd), x.dtype.type(0), x), **_taking("hardshrink_cpu"),
)  # fmt: skip
_softshrink_prim = elementwise(
    "softshrink", params=("lambd",), vjp=dict(x=lambda xp, g, x, lambd: xp.where((x >= -lambd) & (x <= lambd), 0, g)),
    kernel=lambda x, *, lambd: np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, x * 0)), **_P,
)  # fmt: skip
_softplus_prim = elementwise(
    "softplus", params=("beta", "threshold"),
    d=dict(x=lambda xp, x, beta, threshold: xp.where(x * beta > threshold, 1.0, xp.sigmoid(x * beta))),
    kernel=_softplus, **_taking("softplus_cpu"),
)  # fmt: skip
_threshold_prim = elementwise(
    "threshold", params=("threshold", "value"),
    vjp=dict(x=lambda xp, g, x, threshold: xp.where(x <= threshold, 0, g)),
    kernel=lambda x, *, threshold, value: np.where(x <= threshold, np.asarray(value).astype(x.dtype), x),
    **_taking("threshold_cpu", REAL | INTEGERS),
)  # fmt: skip
_prelu_prim = elementwise(
    "prelu_kernel",
    vjp=dict(
        x=lambda xp, g, x, weight: xp.where(x > 0, g, weight * g),
        weight=lambda xp, g, x: xp.where(x > 0, 0, x * g),
    ),
    inputs=("x", "weight"), kernel=lambda x, weight: np.where(x > 0, x, weight * x), promote="keep",
    takes=Takes("prelu_cpu", REAL),
)  # fmt: skip
#: x * noise, where noise is 1 for x > 0 and a (random) slope elsewhere
_rrelu_prim = elementwise(
    "rrelu_with_noise", inputs=("x", "noise"), params=("lower", "upper", "training"),
    vjp=dict(x=lambda xp, g, noise: g * noise), promote="keep",
    kernel=lambda x, noise, *, lower, upper, training: x * noise,
)  # fmt: skip

# ---------------------------------------------------------------- functions


def _simple(prim: Primitive, name: str, *, inplace_arg: bool = True) -> Any:
    """nn.functional.<name>(input, inplace=False) of a primitive without parameters, on the straight line."""

    def slow(input: Any, *, out: Any = None) -> Any:
        tensor_input(input, name)
        return prim(input)

    line = straight(prim, prim.kernel, slow)
    line.__name__ = name

    if inplace_arg:

        def fn(input: Tensor, inplace: bool = False) -> Tensor:
            return _in_place(prim, input, {}, name) if inplace else line(input)

    else:

        def fn(input: Tensor, *, out: Tensor | None = None) -> Tensor:  # type: ignore[misc]
            return line(input) if out is None else write_out(out, line(input), prim.name + "_forward")

    fn.__name__ = fn.__qualname__ = name if inplace_arg else prim.name  # PyTorch's own `log_sigmoid` without a wrapper
    fn.__doc__ = f"{name}, element by element. Differentiable."
    public(fn, name=f"nn.functional.{name}", method=False)
    setattr(ops, prim.name, prim)
    return fn


def _in_place(prim: Primitive, x: Tensor, params: dict[str, Any], name: str) -> Tensor:
    tensor_input(x, name)
    return inplace(prim, x, (), params)


logsigmoid = _simple(_log_sigmoid_prim, "logsigmoid", inplace_arg=False)
silu = _simple(_silu_prim, "silu")
mish = _simple(_mish_prim, "mish")
hardsigmoid = _simple(_hardsigmoid_prim, "hardsigmoid")
hardswish = _simple(_hardswish_prim, "hardswish")


def _install(fn: Any, *, torch_too: bool = False, method: bool = False) -> Any:
    """`fn` under nn.functional, and under torch where PyTorch has it there too."""
    public(fn, name=f"nn.functional.{fn.__name__}", method=False)
    if torch_too:
        public(fn, name=fn.__name__, method=method)
    return fn


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0). Differentiable; the slope at 0 is 0."""
    return FUNCTIONS["relu_"](input) if inplace else FUNCTIONS["relu"](input)  # type: ignore[no-any-return]


def relu_(input: Tensor) -> Tensor:
    """`relu` in place."""
    return FUNCTIONS["relu_"](input)  # type: ignore[no-any-return]


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """input clamped to [min_val, max_val]."""
    tensor_input(input, "hardtanh")
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input.dtype.category == 0:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if input.dtype.is_complex:
        raise NotImplementedError("clamp is not supported for complex types")
    if int(min_val) < 0 and input.dtype.name == "uint8":
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    params = {"min_val": min_val, "max_val": max_val}
    return inplace_or_not(_hardtanh_prim, input, params, inplace)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh` in place."""
    return hardtanh(input, min_val, max_val, True)


def inplace_or_not(prim: Primitive, x: Tensor, params: dict[str, Any], in_place: bool, node: Any = None) -> Tensor:
    """prim(x), or x.prim_()."""
    return inplace(prim, x, (), params) if in_place else dispatch(prim, (x,), params, node)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, alpha * (exp(input) - 1) elsewhere."""
    tensor_input(input, "elu")
    return inplace_or_not(_elu_prim, input, {"alpha": alpha, "scale": 1.0, "input_scale": 1.0}, inplace)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu` in place."""
    return elu(input, alpha, True)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` with the constants of self-normalising networks, scaled."""
    tensor_input(input, "selu")
    params = {"alpha": SELU_ALPHA, "scale": SELU_SCALE, "input_scale": 1.0}
    return inplace_or_not(_elu_prim, input, params, inplace)


def selu_(input: Tensor) -> Tensor:
    """`selu` in place."""
    return selu(input, True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, alpha * (exp(input / alpha) - 1) elsewhere."""
    tensor_input(input, "celu")
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return inplace_or_not(_celu_prim, input, {"alpha": alpha}, inplace)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu` in place."""
    return celu(input, alpha, True)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """input where positive, negative_slope * input elsewhere."""
    tensor_input(input, "leaky_relu")
    return inplace_or_not(_leaky_relu_prim, input, {"negative_slope": negative_slope}, inplace)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place."""
    return leaky_relu(input, negative_slope, True)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where it is above `threshold`, `value` elsewhere."""
    tensor_input(input, "threshold")
    return inplace_or_not(_threshold_prim, input, {"threshold": threshold, "value": value}, inplace)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold` in place."""
    return FUNCTIONS["nn.functional.threshold"](input, threshold, value, True)  # type: ignore[no-any-return]


def gelu(input: Tensor, approximate: str = "none", *, out: Tensor | None = None) -> Tensor:
    """input times the normal distribution function at input (approximate: "none" or "tanh")."""
    tensor_input(input, "gelu")
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    y: Tensor = _gelu_prim(input, approximate=approximate)
    return y if out is None else write_out(out, y, "gelu")


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Tensor | None = None) -> Tensor:
    """log(1 + exp(beta * input)) / beta; the identity where beta * input > threshold."""
    tensor_input(input, "softplus")
    y: Tensor = _softplus_prim(input, beta=beta, threshold=threshold)
    return y if out is None else write_out(out, y, "softplus")


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """0 where abs(input) <= lambd, input elsewhere."""
    tensor_input(input, "hardshrink")
    y: Tensor = _hardshrink_prim(input, lambd=lambd)
    return y if out is None else write_out(out, y, "hardshrink")


_softshrink_takes = Takes("softshrink_check", REAL)


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """input moved towards 0 by lambd, and 0 where that crosses it."""
    tensor_input(input, "softshrink")
    _softshrink_takes(input)
    if lambd < 0:
        raise RuntimeError(
            f"lambda must be in range [0, {finfo(input.dtype).max:g}] for input dtype "
            f"{input.dtype.scalar_name}, but found "
            f"{lambd:g}"
        )
    y: Tensor = _softshrink_prim(input, lambd=lambd)
    return y if out is None else write_out(out, y, "softshrink")


def softsign(input: Tensor) -> Tensor:
    """input / (1 + abs(input))."""
    return input / (abs(input) + 1)  # type: ignore[operator, arg-type]


def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input)."""
    return input - ops.tanh(input)  # type: ignore[operator, no-any-return]


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return FUNCTIONS["tanh"](input)  # type: ignore[no-any-return]


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
    return FUNCTIONS["sigmoid"](input)  # type: ignore[no-any-return]


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """input where positive, weight * input elsewhere; `weight` has one element, or one for each channel (dim 1)."""
    tensor_input(input, "prelu")
    if not isinstance(weight, Tensor):
        raise TypeError(f"prelu(): argument 'weight' (position 2) must be Tensor, not {type(weight).__name__}")
    if input.dtype is not weight.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {input.dtype.scalar_name} and {weight.dtype.scalar_name}"
        )
    count = math.prod(weight.shape)
    if count != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != count:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel "
                f"size = {channels}."
            )
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if input.ndim == 0 and weight.ndim:
        weight = ops.reshape(weight, ())
    elif input.ndim > 1 and weight.ndim:
        weight = ops.reshape(weight, (1, count, *(1,) * (input.ndim - 2))) if input.ndim != 1 else weight
    return _prelu_prim(input, weight)  # type: ignore[no-any-return]


_rrelu_takes = (Takes("leaky_relu_cpu", REAL), Takes("rrelu_with_noise_out_cpu", FLOATS | {bfloat16}))


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False,
    generator: Any = None,
) -> Tensor:  # fmt: skip
    """leaky_relu with slopes drawn from [lower, upper) when training, and their mean otherwise."""
    tensor_input(input, "rrelu")
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    _rrelu_takes[training](input)
    if training:
        noise = ops.rrelu_noise(input, lower=lower, upper=upper, stream=stream_of(generator))
    else:
        noise = ops.where(input.detach() > 0, ops.ones_like(input.detach()), (lower + upper) / 2)  # type: ignore[attr-defined, operator]
    params = {"lower": lower, "upper": upper, "training": training}
    if inplace:
        return _rrelu_inplace(input, noise, params)
    return _rrelu_prim(input, noise, **params)  # type: ignore[no-any-return]


def _rrelu_inplace(x: Tensor, noise: Tensor, params: dict[str, Any]) -> Tensor:
    return inplace(_rrelu_prim, x, (noise,), params)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """`rrelu` in place."""
    return rrelu(input, lower, upper, training, True)


def _rrelu_noise_kernel(x: Any, *, lower: float, upper: float, stream: Any) -> Any:
    """1 for positive elements; for the others a uniform number each, drawn in order."""
    noise = np.ones(x.shape, x.dtype)
    chosen = ~(x > 0)
    with stream.lock:
        numbers = stream.doubles(int(chosen.sum()))
    noise[chosen] = (numbers * (upper - lower) + lower).astype(x.dtype)
    return noise


def _batch_noise(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    from ..core.batching import front

    return prim(front(vals[0], dims[0]), **params), 0


general("rrelu_noise", params=("lower", "upper", "stream"), kernel=_rrelu_noise_kernel, batch=_batch_noise)

# ---------------------------------------------------------------- halves


def _swap_halves(x: Any, *, dim: int) -> Any:
    return np.roll(x, x.shape[dim] // 2, axis=dim)


def _first_half(x: Any, *, dim: int) -> Any:
    return x[(slice(None),) * dim + (slice(x.shape[dim] // 2),)]


def _second_half(x: Any, *, dim: int) -> Any:
    return x[(slice(None),) * dim + (slice(x.shape[dim] // 2, None),)]


def _zeros_before(x: Any, *, dim: int) -> Any:
    return _swap_halves(_zeros_after(x, dim=dim), dim=dim)


def _zeros_after(x: Any, *, dim: int) -> Any:
    out = np.zeros((*x.shape[:dim], 2 * x.shape[dim], *x.shape[dim + 1 :]), x.dtype)
    out[(slice(None),) * dim + (slice(x.shape[dim]),)] = x
    return out


def _glu_kernel(x: Any, *, dim: int) -> Any:
    n = x.shape[dim] // 2
    a, b = (x[(slice(None),) * dim + (part,)] for part in (slice(n), slice(n, None)))
    return a / (1 + np.exp(-b))


def _glu_rule(xp: Any, g: Any, x: Any, dim: int) -> Any:
    """For (a, b): (g s, g a s (1 - s)) with s = sigmoid(b)."""
    b = xp.second_half(x, dim=dim)
    s = xp.sigmoid(b)
    slope = g * s * (1 - s) * xp.first_half(x, dim=dim)
    return xp.zeros_after(g * s, dim=dim) + xp.zeros_before(slope, dim=dim)


def _glu_tangent(xp: Any, t: Any, x: Any, dim: int) -> Any:
    s = xp.sigmoid(xp.swap_halves(x, dim=dim))
    return xp.first_half(t * s + x * s * (1 - s) * xp.swap_halves(t, dim=dim), dim=dim)


_D = dict[str, Any](params=("dim",), batch=batch_along_dim)
linear("swap_halves", vjp=dict(x=lambda xp, g, dim: xp.swap_halves(g, dim=dim)), kernel=_swap_halves, **_D)
linear("first_half", vjp=dict(x=lambda xp, g, dim: xp.zeros_after(g, dim=dim)), kernel=_first_half, **_D)
linear("second_half", vjp=dict(x=lambda xp, g, dim: xp.zeros_before(g, dim=dim)), kernel=_second_half, **_D)
linear("zeros_before", vjp=dict(x=lambda xp, g, dim: xp.second_half(g, dim=dim)), kernel=_zeros_before, **_D)
linear("zeros_after", vjp=dict(x=lambda xp, g, dim: xp.first_half(g, dim=dim)), kernel=_zeros_after, **_D)
_glu_prim = general(
    "glu", vjp=dict(x=_glu_rule), jvp=dict(x=_glu_tangent), kernel=_glu_kernel, takes=Takes("glu_cpu", REAL), **_D,
)  # fmt: skip


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), a and b the halves of input along dim."""
    tensor_input(input, "glu")
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    d = wrap_dim(dim, input.ndim)
    n = input.shape[d]
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {d} is size {n}")
    return _glu_prim(input, dim=d)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- softmax and its relatives


def _old_dim(name: str, ndim: int) -> int:
    from ..core.errors import warn

    warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(input) along dim, scaled to sum 1."""
    d = _old_dim("softmax", input.ndim) if dim is None else dim
    return FUNCTIONS["softmax"](input, d, dtype=dtype)  # type: ignore[no-any-return]


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of softmax."""
    d = _old_dim("log_softmax", input.ndim) if dim is None else dim
    return FUNCTIONS["log_softmax"](input, d, dtype=dtype)  # type: ignore[no-any-return]


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(-input)."""
    d = _old_dim("softmin", input.ndim) if dim is None else dim
    return FUNCTIONS["softmax"](-input, d, dtype=dtype)  # type: ignore[no-any-return, operator]


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Samples of the Gumbel-softmax distribution; `hard`: one-hot, with the gradient of the soft sample."""
    from ..core.errors import warn

    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    gumbels = -ops.log(ops.empty_like(logits.detach()).exponential_())  # type: ignore[attr-defined]
    y = FUNCTIONS["softmax"]((logits + gumbels) / tau, dim)
    if not hard:
        return y  # type: ignore[no-any-return]
    index = FUNCTIONS["argmax"](y.detach(), dim, keepdim=True)
    one_hot = FUNCTIONS["zeros_like"](y.detach()).scatter_(dim, index, 1.0)
    return one_hot - y.detach() + y  # type: ignore[no-any-return]


for _fn in (
    relu, relu_, relu6, hardtanh, hardtanh_, elu, elu_, leaky_relu, leaky_relu_, gelu, softplus, softshrink, softsign,
    tanhshrink, tanh, sigmoid, glu, softmax, log_softmax, softmin, gumbel_softmax,
):  # fmt: skip
    _install(_fn)


def _torch_form(fn: Any, keep: tuple[str, ...]) -> Any:
    """`fn` without its trailing `inplace`, as torch.<name> has it."""

    def form(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return fn(input, *args, **kwargs)  # type: ignore[no-any-return]

    form.__name__ = form.__qualname__ = fn.__name__
    form.__doc__ = fn.__doc__
    return form


for _fn in (selu, selu_, celu, celu_, rrelu, rrelu_, threshold, threshold_, prelu, hardshrink):
    _install(_fn)
    public(_fn, name=_fn.__name__, method=_fn in (prelu, hardshrink))
for _prim in (_threshold_prim, _celu_prim, _hardshrink_prim, _softplus_prim, _gelu_prim, _elu_prim, _glu_prim):
    setattr(ops, _prim.name, _prim)

# ---------------------------------------------------------------- samples

for _name in (
    "logsigmoid",
    "silu",
    "mish",
    "hardsigmoid",
    "hardswish",
    "relu6",
    "elu",
    "selu",
    "celu",
    "softplus",
    "softsign",
    "tanhshrink",
    "gelu",
    "leaky_relu",
    "hardtanh",
    "hardshrink",
    "softshrink",
    "relu",
):
    samples(f"nn.functional.{_name}", *pointwise(), complex=False, atol=1e-7)
samples("nn.functional.gelu", *pointwise(), Case(T(3, 4), approximate="tanh"), complex=False)
samples("nn.functional.elu", Case(T(3, 4)), Case(T(3, 4), alpha=0.5), Case(T()), complex=False)
samples("nn.functional.celu", Case(T(3, 4)), Case(T(3, 4), alpha=0.5), Case(T()), complex=False)
samples("nn.functional.leaky_relu", Case(T(3, 4)), Case(T(3, 4), negative_slope=0.3), complex=False)
samples("nn.functional.hardtanh", Case(T(3, 4)), Case(T(3, 4), min_val=-0.5, max_val=0.7), complex=False)
samples("nn.functional.threshold", Case(T(3, 4), 0.1, 0.2), Case(T(), 0.1, 20), complex=False)
samples("nn.functional.softplus", Case(T(3, 4)), Case(T(3, 4), beta=2.0, threshold=1.0), complex=False)
samples("nn.functional.prelu", Case(T(3, 4), T(1)), Case(T(2, 3, 4), T(3)), Case(T(3, 4), T()), complex=False)
samples("nn.functional.rrelu", Case(T(3, 4)), Case(T(3, 4), lower=0.1, upper=0.2), complex=False)
samples("nn.functional.glu", Case(T(3, 4)), Case(T(4, 3), dim=0), Case(T(4)), complex=False)
samples("nn.functional.softmin", Case(T(3, 4), dim=1), Case(T(2, 3, 2), dim=0), complex=False)
samples("nn.functional.softmax", Case(T(3, 4), dim=1), Case(T(2, 3, 2), dim=0), complex=False)
samples("nn.functional.log_softmax", Case(T(3, 4), dim=1), Case(T(2, 3, 2), dim=0), complex=False)

__all__ = ["erf", "inplace_or_not", "write_out"]
