"""Error functions, gamma functions and their kin: torch.special and the names that torch itself has too."""

from __future__ import annotations

import math
from typing import Any

from ..core.dispatch import dispatch
from ..core.dtypes import FROM_NUMPY
from ..core.inplace import inplace, write_out
from ..core.primitive import TABLE, Primitive, elementwise, ops
from ..core.samples import Case, T, pointwise, pointwise2, samples
from ..core.tensor import Tensor
from ..kernels import special as kernels
from ..kernels.special import bell, scipy_kernel
from .install import FUNCTIONS, operand, public, unary
from .lines import refuse, supported

SQRT_PI, SQRT_2, SQRT_2PI = math.sqrt(math.pi), math.sqrt(2), math.sqrt(2 * math.pi)


def need_tensor(x: Any, name: str, argument: str = "input", position: int = 1) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {type(x).__name__}")


def real_kernel(kernel: Any, title: str, half: bool = True) -> Any:
    """A kernel that refuses complex arrays (and half precision, unless `half`) with PyTorch's sentence."""
    real = supported(kernel, title, "c")
    if half:
        return real

    def checked(*arrays: Any, **params: Any) -> Any:
        kind = FROM_NUMPY[arrays[0].dtype]
        if kind.itemsize < 4:
            raise NotImplementedError(f"\"{title}\" not implemented for '{kind.scalar_name}'")
        return real(*arrays, **params)

    return checked


def under_torch(name: str, kernel: Any, d: Any, *also: str, title: str | None = None, node: str | None = None) -> Any:
    """torch.<name>, Tensor.<name>, Tensor.<name>_ and torch.special.<name> (and `also`) of a real function."""
    prim = elementwise(name, kernel=real_kernel(kernel, title or name + "_vml_cpu"), d=dict(x=d), node=node)
    fn = unary(prim)
    for alias in (name, *also):
        only_special(alias, prim)
    return fn


def only_special(alias: str, prim: Any, argument: str = "input") -> None:
    """torch.special.<alias>(input, *, out=None)"""

    def fn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        need_tensor(input, "special_" + alias, argument)
        y = prim(input)
        return y if out is None else write_out(out, y, "special_" + alias)

    fn.__name__, fn.__qualname__ = alias, "special_" + alias
    public(fn, name="special." + alias, method=False)


def special(
    name: str,
    kernel: Any,
    d: Any,
    *,
    node: str | None = None,
    argument: str = "input",
    title: str | None = None,
    half: bool = False,
) -> Primitive:
    """torch.special.<name> of a real function, a primitive special_<name>; `half`: also in half precision."""
    prim = elementwise(
        "special_" + name,
        kernel=real_kernel(kernel, title or name + "_cpu", half),
        d=dict(x=d),
        node=node,
        half="upcast" if half else "native",
    )
    only_special(name, prim, argument)
    return prim


# ---------------------------------------------------------------- error functions

under_torch("erf", scipy_kernel("erf"), lambda xp, x: xp.exp(-x * x) * (2 / SQRT_PI))
under_torch("erfc", scipy_kernel("erfc"), lambda xp, x: xp.exp(-x * x) * (-2 / SQRT_PI))
under_torch("erfinv", scipy_kernel("erfinv"), lambda xp, out: xp.exp(out * out) * (SQRT_PI / 2))
special("erfcx", scipy_kernel("erfcx"), lambda xp, x, out: 2 * x * out - 2 / SQRT_PI)
special("ndtr", scipy_kernel("ndtr"), lambda xp, x: xp.exp(-0.5 * x * x) * (1 / SQRT_2PI), node="MulBackward1",
        title="erf_vml_cpu", half=True)  # fmt: skip
special("ndtri", scipy_kernel("ndtri"), lambda xp, out: xp.exp(0.5 * out * out) * SQRT_2PI)
special(
    "log_ndtr", scipy_kernel("log_ndtr"),
    # density / probability, without underflow; undefined at -inf
    lambda xp, x: xp.where(x == -math.inf, math.nan, (2 / SQRT_2PI) / xp.special_erfcx(x * (-1 / SQRT_2))),
)  # fmt: skip

# ---------------------------------------------------------------- gamma functions

under_torch("lgamma", kernels.lgamma, lambda xp, x: xp.digamma(x), "gammaln")
under_torch("digamma", scipy_kernel("psi"), lambda xp, x: xp.polygamma(x, n=1), "psi", title="digamma")
del FUNCTIONS["special.lgamma"]

_polygamma = elementwise(
    "polygamma", params=("n",), kernel=real_kernel(kernels.polygamma, "polygamma"),
    d=dict(x=lambda xp, x, n: xp.polygamma(x, n=n + 1)),
)  # fmt: skip
_mvlgamma = elementwise(
    "mvlgamma", params=("p",), kernel=real_kernel(kernels.mvlgamma, "arange_cpu"),
    d=dict(x=lambda xp, x, p: sum([xp.digamma(x - 0.5 * j) for j in range(1, p)], xp.digamma(x))),
)  # fmt: skip


_POLY = {0: "digamma", 1: "trigamma"}


def _poly(n: int, input: Tensor) -> Tensor:
    need_tensor(input, "polygamma", position=2)
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    refuse(input, "c", f"\"{_POLY.get(n, 'polygamma')}\" not implemented for '{input.dtype.scalar_name}'", NotImplementedError)
    return _polygamma(input, n=int(n))


@public(name="polygamma", method=False)
def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of digamma, n >= 0. Differentiable."""
    y = _poly(n, input)
    return y if out is None else write_out(out, y, "polygamma")


ops.polygamma = _polygamma
public(polygamma, name="special.polygamma", method=False)
public(lambda self, n: _poly(n, self), name="polygamma", function=False)
public(
    lambda self, n: inplace(_polygamma, self, (), {"n": int(n)}) if n >= 0 else _poly(n, self), name="polygamma_",
    function=False,
)  # fmt: skip


def _multi(input: Tensor, p: int) -> Tensor:
    need_tensor(input, "mvlgamma")
    if input.dtype.category == 0:
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    return _mvlgamma(input, p=int(p))


@public(name="mvlgamma", method=False)
def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension p."""
    y = _multi(input, p)
    return y if out is None else write_out(out, y, "mvlgamma")


ops.mvlgamma = _mvlgamma
public(mvlgamma, name="special.multigammaln", method=False)
public(_multi, name="mvlgamma", function=False)
public(lambda self, p: inplace(_mvlgamma, self, (), {"p": int(p)}) if p >= 1 else _multi(self, p), name="mvlgamma_",
       function=False)  # fmt: skip


def _gamma_density(xp: Any, a: Any, x: Any) -> Any:
    """d/dx of P(a, x)"""
    return xp.exp((a - 1) * xp.log(x) - x - xp.lgamma(a))


def _density_da(xp: Any, x: Any, y: Any, order: int) -> Any:
    """(d/da)^order of that."""
    slopes = [xp.log(y) - xp.digamma(x)] + [-xp.polygamma(x, n=m) for m in range(1, order)]
    return _gamma_density(xp, x, y) * bell(slopes)


_igamma_da = elementwise(
    "igamma_da", inputs=("x", "y"), params=("order",), kernel=kernels.igamma_da, promote="keep",
    d=dict(x=lambda xp, x, y, order: xp.igamma_da(x, y, order=order + 1), y=_density_da),
)  # fmt: skip
_igamma = elementwise(
    "igamma", kernel=supported(kernels.gammainc, "igamma_cpu", "cbiu"), promote="keep",
    d=dict(x=lambda xp, x, y: xp.igamma_da(x, y, order=1), y=lambda xp, x, y: _gamma_density(xp, x, y)),
)  # fmt: skip
_igammac = elementwise(
    "igammac", kernel=supported(kernels.gammaincc, "igammac_cpu", "cbiu"), promote="keep",
    d=dict(x=lambda xp, x, y: -xp.igamma_da(x, y, order=1), y=lambda xp, x, y: -_gamma_density(xp, x, y)),
)  # fmt: skip


def _incomplete(prim: Primitive, alias: str, what: str) -> None:
    name = prim.name

    def line(input: Tensor, other: Tensor, *, title: str = name) -> Tensor:
        need_tensor(input, title)
        need_tensor(other, title, "other", 2)
        return prim(input, other)

    def fn(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        y = line(input, other)
        return y if out is None else write_out(out, y, name)

    def in_special(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        y = line(input, other, title="special_" + alias)
        return y if out is None else write_out(out, y, "special_" + alias)

    def form(self: Tensor, other: Tensor) -> Tensor:
        need_tensor(other, name + "_", "other")
        return inplace(prim, self, (other,), {})

    for made, called in ((fn, name), (in_special, alias), (form, name + "_")):
        made.__name__ = made.__qualname__ = called
        made.__doc__ = what
    public(fn, name=name)
    public(in_special, name="special." + alias, method=False)
    public(form, name=name + "_", function=False)
    setattr(ops, name, prim)


_incomplete(_igamma, "gammainc", "The regularized lower incomplete gamma function P(input, other). Differentiable in both.")
_incomplete(_igammac, "gammaincc", "The regularized upper incomplete gamma function Q(input, other). Differentiable in both.")

# ---------------------------------------------------------------- zeta

_zeta_dx = elementwise(
    "zeta_dx", inputs=("x", "y"), params=("order",), kernel=kernels.zeta_dx,
    d=dict(
        x=lambda xp, x, y, order: xp.zeta_dx(x, y, order=order + 1),
        # d/dq of zeta is -x zeta(x + 1, q); its order-th derivative in x has two terms
        y=lambda xp, x, y, order: -x * xp.zeta_dx(x + 1, y, order=order)
        - order * (xp.zeta_dx(x + 1, y, order=order - 1) if order > 1 else xp.special_zeta(x + 1, y)),
    ),
)  # fmt: skip
_zeta = elementwise(
    "special_zeta", kernel=real_kernel(scipy_kernel("zeta"), "zeta_cpu", False),
    half="native",
    d=dict(x=lambda xp, x, y: xp.zeta_dx(x, y, order=1), y=lambda xp, x, y: -x * xp.special_zeta(x + 1, y)),
)  # fmt: skip
_xlog1py = elementwise(
    "special_xlog1py", kernel=real_kernel(scipy_kernel("xlog1py"), "xlog1py_cpu"), node="SpecialXlog1PyBackward0",
    d=dict(
        x=lambda xp, x, y: xp.where((x == 0) & (y <= -1), 0, xp.log1p(y)),
        y=lambda xp, x, y: x / (y + 1),
    ),
)  # fmt: skip


def _of_two(prim: Primitive, alias: str, node: str, what: str) -> None:
    """torch.special.<alias> of two tensors, or a tensor and a number."""
    nodes = prim.renamed(node + "1"), prim.renamed(node + "2")

    def fn(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
        x, y = operand(input, "special_" + alias, 1), operand(other, "special_" + alias)
        tensors = isinstance(x, Tensor), isinstance(y, Tensor)
        if not any(tensors):
            need_tensor(input, "special_" + alias)
        z = dispatch(prim, (x, y), {}, None if all(tensors) else nodes[tensors[0]])
        return z if out is None else write_out(out, z, "special_" + alias)

    fn.__name__, fn.__qualname__ = alias, "special_" + alias
    fn.__doc__ = what
    public(fn, name="special." + alias, method=False)


_of_two(
    _zeta,
    "zeta",
    "SpecialZetaBackward",
    "The Hurwitz zeta function: the sum of (other + k)^-input. Differentiable in both.",
)
_of_two(_xlog1py, "xlog1py", "SpecialXlog1PyBackward", "input * log1p(other), 0 where input is 0.")
public(FUNCTIONS["xlogy"], name="special.xlogy", method=False)

# ---------------------------------------------------------------- entropy, logit, sinc

special("entr", kernels.entr, lambda xp, x: -1 - xp.log(x), half=True)


def _logit_slope(xp: Any, x: Any, eps: float | None) -> Any:
    low, high, beyond = (0.0, 1.0, math.nan) if eps is None else (eps, 1.0 - eps, 0.0)
    return xp.where((x < low) | (x > high), beyond, 1 / (xp.abs(x) * (1 - x)))


_logit = elementwise("logit", params=("eps",), kernel=real_kernel(kernels.logit, "logit_cpu"), d=dict(x=_logit_slope))


def _logit_of(input: Tensor, eps: float | None = None) -> Tensor:
    need_tensor(input, "logit")
    return _logit(input, eps=None if eps is None else float(eps))


@public(name="logit", method=False)
def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """log(x / (1 - x)); with `eps`, x is first clamped to [eps, 1 - eps]."""
    y = _logit_of(input, eps)
    return y if out is None else write_out(out, y, "logit")


@public(name="logit_")
def logit_(self: Tensor, eps: float | None = None) -> Tensor:
    return inplace(_logit, self, (), {"eps": eps})


ops.logit = _logit
public(_logit_of, name="logit", function=False)


@public(name="special.logit", method=False)
def special_logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """`torch.logit`."""
    need_tensor(input, "special_logit")
    return logit(input, eps, out=out)


def _sinc_slope(xp: Any, x: Any) -> Any:
    return -math.pi * xp.spherical_jn(x * math.pi, order=1) + 0 * x  # nan at infinity


_sinc = elementwise("sinc", kernel=kernels.sinc, d=dict(x=_sinc_slope))
unary(_sinc)
only_special("sinc", _sinc)

# ---------------------------------------------------------------- names that lead elsewhere

for _alias, _target in (("exp2", "exp2"), ("expit", "sigmoid"), ("expm1", "expm1"), ("log1p", "log1p")):
    only_special(_alias, TABLE[_target])
for _alias in ("logsumexp", "round"):
    public(FUNCTIONS[_alias], name="special." + _alias, method=False)


@public(name="special.softmax", method=False)
def special_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """`torch.softmax`."""
    return FUNCTIONS["softmax"](input, dim, dtype=dtype)


@public(name="special.log_softmax", method=False)
def special_log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """`torch.log_softmax`."""
    return FUNCTIONS["log_softmax"](input, dim, dtype=dtype)


for _name in ("erf", "erfc", "special.erf", "special.erfc", "special.erfcx", "special.ndtr", "special.log_ndtr"):
    samples(_name, *pointwise(-1.5, 1.5), complex=False)
samples("erfinv", *pointwise(-0.9, 0.9), complex=False)
samples("special.erfinv", *pointwise(-0.9, 0.9), complex=False)
samples("special.ndtri", *pointwise(0.1, 0.9), complex=False)
for _name in ("lgamma", "digamma", "special.gammaln", "special.digamma", "special.psi"):
    samples(_name, *pointwise(0.3, 4.0), Case(T(3, low=-0.9, high=-0.2)), complex=False)
for _name in ("polygamma", "special.polygamma"):
    samples(_name, *[Case(n, T(4, low=0.4, high=3.0)) for n in (0, 1, 2, 4)], complex=False)
for _name in ("mvlgamma", "special.multigammaln"):
    samples(_name, *[Case(T(3, low=2.0, high=4.0), p) for p in (1, 2, 4)], complex=False)
for _name in ("igamma", "igammac", "special.gammainc", "special.gammaincc"):
    samples(
        _name, *pointwise2(0.3, 4.0)[:5], Case(T(3, low=3.0, high=9.0), T(3, low=5.0, high=20.0)), complex=False,
        torch_gradient=False, why_not="PyTorch has no derivative in the first argument",
    )  # fmt: skip
samples("special.zeta", *pointwise2(1.5, 4.0, 0.5, 3.0)[:5], Case(T(3, low=1.5, high=4.0), 2.0), complex=False,
        torch_gradient=False, why_not="PyTorch has no derivative in the first argument")  # fmt: skip
samples("special.xlog1py", *pointwise2(0.2, 2.0), complex=False)
samples("special.xlogy", *pointwise2(0.2, 2.0), complex=False)
samples("special.entr", *pointwise(0.2, 2.0), complex=False)
for _name in ("logit", "special.logit"):
    samples(_name, *pointwise(0.1, 0.9), Case(T(4, low=0.05, high=0.95), 0.3), complex=False)
for _name in ("sinc", "special.sinc"):
    samples(_name, *pointwise(-2.0, 2.0))
samples("special.exp2", *pointwise(-1.0, 1.0))
samples("special.expit", *pointwise(-1.0, 1.0))
samples("special.expm1", *pointwise(-1.0, 1.0))
samples("special.log1p", *pointwise(0.2, 1.0))
samples("special.logsumexp", Case(T(3, 4), 1), complex=False)
samples("special.softmax", Case(T(3, 4), 1), complex=False)
samples("special.log_softmax", Case(T(3, 4), 0), complex=False)

__all__ = ["Primitive", "only_special", "real_kernel", "special", "under_torch"]
