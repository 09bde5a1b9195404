"""Drawing from distributions whose parameters are tensors: normal, bernoulli, multinomial, poisson, binomial, ...

Their gradients are zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import front
from ..core.generator import Generator, stream_of
from ..core.inplace import resize_out, write_out
from ..core.modes import mode, no_grad
from ..core.primitive import elementwise, general
from ..core.tensor import Tensor, wrap
from ..core.views import check_overlap
from ..kernels import random as samplers
from ..kernels import rejection
from . import random_arguments as arguments
from .install import public
from .random import OPTIONS, kind_of, make, standard_normal
from .random_bounds import DISCRETE, FLOATS, check_continuous, check_std, not_implemented, scalar_name
from .random_levels import draw, refuse_out

Array = Any


def without_gradient(name: str, kernel: Any, inputs: tuple[str, ...], node: str | None, **more: Any) -> Any:
    """A primitive that draws from distributions with parameters `inputs`: the gradient of each is zero."""
    zero = {x: lambda xp, g: xp.zeros_like(g) for x in inputs}
    return elementwise(name, kernel=kernel, inputs=inputs, vjp=zero, node=node, promote=None, half="native", **more)


def without_derivative(name: str, kernel: Any, inputs: tuple[str, ...], **more: Any) -> Any:
    """A primitive whose backward is refused, as PyTorch's is."""

    def refuse(xp: Any, g: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{name.removesuffix('_p')} is not implemented")

    rules = dict.fromkeys(inputs, refuse)
    more["node"] = "NotImplemented"
    return elementwise(name, kernel=kernel, inputs=inputs, vjp=rules, promote=None, half="native", **more)


# ---------------------------------------------------------------- normal


def _shifted(y: Array, std: Any, mean: Any) -> Array:
    """`y * std + mean` in place, by the rules of mul_ and add_."""
    t = wrap(y)
    with no_grad():
        if std is not None:
            t.mul_(wrap(std))  # type: ignore[attr-defined]
        t.add_(mean if not isinstance(mean, np.ndarray) else wrap(mean))  # type: ignore[attr-defined]
    return y


def _standard(shape: Any, dtype: Any, generator: Generator | None, std: float = 1.0) -> Array:
    y = np.empty(shape, dtype)
    if y.size:
        check_continuous("normal_kernel_cpu", y)
        samplers.normal(y, 0.0, std, stream_of(generator))
    return y


def _check_stds(std: Array) -> None:
    if std.dtype.kind == "c":
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if std.size and not std.min() >= 0:
        raise RuntimeError("normal expects all elements of std >= 0.0")


def _mean_kernel(mean: Array, *, std: float, generator: Any) -> Array:
    return _shifted(_standard(mean.shape, mean.dtype, generator, std), None, mean)


def _std_kernel(std: Array, *, mean: float, generator: Any) -> Array:
    _check_stds(std)
    return _shifted(_standard(std.shape, std.dtype, generator), std, mean)


def _both_kernel(mean: Array, std: Array, *, generator: Any) -> Array:
    _check_stds(std)
    shape = broadcast(mean, std)
    return _shifted(_standard(shape, mean.dtype, generator), std, mean)


def broadcast(a: Array, b: Array) -> tuple[int, ...]:
    """The common shape of two arrays, or PyTorch's error."""
    from ..core.dispatch import check_broadcast

    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        check_broadcast([a.shape, b.shape])
        raise


_normal_mean = without_gradient("normal_mean", _mean_kernel, ("mean",), "NormalBackward1", params=("std", "generator"))
_normal_std = without_gradient("normal_std", _std_kernel, ("std",), "NormalBackward2", params=("mean", "generator"))
_normal_both = without_gradient("normal_both", _both_kernel, ("mean", "std"), "NormalBackward3", params=("generator",))
_NORMAL = (
    f"Tensor mean, Tensor std, *, {arguments.GENERATOR}, Tensor out = None",
    f"Tensor mean, float std = 1, *, {arguments.GENERATOR}, Tensor out = None",
    f"float mean, Tensor std, *, {arguments.GENERATOR}, Tensor out = None",
    f"float mean, float std, tuple of ints size, *, {arguments.GENERATOR}, Tensor out = None, {arguments.OPTIONS}",
)


@public(method=False)
def normal(*args: Any, **options: Any) -> Tensor:
    """Normal: normal(mean, std=1, *, generator=None, out=None) with a tensor `mean`, `std` or both, or
    normal(mean, std, size, *, generator=None, out=None, dtype=None, layout=None, device=None, pin_memory=False,
    requires_grad=False) with numbers. Raises RuntimeError for a negative `std`."""
    given: dict[str, Any] = {key: options.pop(key) for key in ("mean", "std", "size") if key in options}
    bound: dict[str, Any] = {**dict(zip(("mean", "std", "size"), args, strict=False)), **given}
    if "mean" not in bound and bound.keys() <= {"std"} and arguments.options_fit(options) and not args:
        raise TypeError('normal() missing 1 required positional arguments: "mean"')
    mean: Any = bound.get("mean")
    std: Any = bound.get("std", 1.0)
    tensors = isinstance(mean, Tensor) or isinstance(std, Tensor)
    ok = len(args) + len(given) == len(bound) and options.keys() <= (
        OPTIONS if "size" in bound else {"generator", "out"}
    )
    ok = ok and arguments.options_fit(options)
    ok = ok and all(isinstance(x, Tensor) or arguments.is_number(x) for x in (mean, std))
    if "size" in bound:
        ok = ok and not (isinstance(mean, Tensor) and mean.ndim or isinstance(std, Tensor) and std.ndim)
        ok = ok and "std" in bound and isinstance(bound["size"], (tuple, list))
    if not ok or not ("size" in bound or tensors):
        arguments.refuse("normal", args, {**given, **options}, _NORMAL)
    generator, out = options.get("generator"), options.get("out")
    refuse_out(out)
    if "size" in bound:
        center, spread = float(_plain(mean)), float(_plain(std))
        check_std(spread)
        fill = standard_normal(generator, center, spread)
        shape = arguments.shape_of("normal", bound["size"])
        return make("normal", shape, fill, kind_of("normal", options), options)
    if not isinstance(std, Tensor):
        check_std(float(std))
        if out is not None:
            return _normal_out(out, mean, None, float(std), 0.0, generator)
        y = draw(_normal_mean, (mean,), {"std": float(std), "generator": generator})
    elif not isinstance(mean, Tensor):
        if out is not None:
            return _normal_out(out, None, std, 1.0, float(mean), generator)
        y = draw(_normal_std, (std,), {"mean": float(mean), "generator": generator})
    else:
        if out is not None:
            return _normal_out(out, mean, std, 1.0, 0.0, generator)
        y = draw(_normal_both, (mean, std), {"generator": generator})
    return y  # type: ignore[no-any-return]


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Tensor) else x


def _normal_out(
    out: Tensor, mean: Any, std: Tensor | None, scale: float, offset: float, generator: Generator | None
) -> Tensor:
    """normal(..., out=out): `out` says dtype and strides; it is resized to the shape of the parameters."""
    refuse_gradient("normal", out, mean, std)
    check_overlap(out)
    if std is not None:
        _check_stds(std._data)
        shape = std._data.shape if mean is None else broadcast(mean._data, std._data)
    else:
        shape = broadcast(mean._data, out._data)  # PyTorch's, where only `std` is a number
    if out._data.shape != shape:
        resize_out(out, shape)
    y = out._data
    if y.size:
        check_continuous("normal_kernel_cpu", y)
        samplers.normal(y, 0.0, scale, stream_of(generator))
    with no_grad():
        if std is not None:
            out.mul_(std)  # type: ignore[attr-defined]
        out.add_(offset if mean is None else mean)  # type: ignore[attr-defined]
    return out


def refuse_gradient(name: str, out: Tensor, *inputs: Any) -> None:
    """`out=` does not go together with gradients."""
    if mode().grad and any(isinstance(x, Tensor) and x.requires_grad for x in (out, *inputs)):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )


# ---------------------------------------------------------------- bernoulli

_BERNOULLI = (
    f"Tensor input, *, {arguments.GENERATOR}, Tensor out = None",
    f"Tensor input, float p, *, {arguments.GENERATOR}",
)
P_ERROR = (
    "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, "
    "please report an enhancement request to PyTorch.)"
)


def check_probabilities(p: Array) -> None:
    """An array of probabilities: floating, all between 0 and 1."""
    if p.dtype not in FLOATS:
        raise not_implemented("bernoulli_tensor_cpu_p_", p)
    if not np.logical_and(p >= 0, p <= 1).all():
        raise RuntimeError(P_ERROR)


def _bernoulli_kernel(x: Array, *, generator: Any) -> Array:
    y = np.empty(x.shape, x.dtype)
    if y.size:
        check_probabilities(x)
        samplers.bernoulli(y, x, stream_of(generator))
    return y


def _bernoulli_p_kernel(x: Array, *, p: float, generator: Any) -> Array:
    check_p(p)
    y = np.empty(x.shape, x.dtype)
    if y.size:
        check_coin(y, "bernoulli_scalar_cpu_")
        samplers.bernoulli(y, p, stream_of(generator))
    return y


def check_p(p: float) -> None:
    """The probability of bernoulli_."""
    if not 0.0 <= p <= 1.0:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")


def check_coin(y: Array, kernel: str) -> None:
    """What bernoulli_ can write: real dtypes and bool, but not the unsigned ones beyond uint8."""
    if y.dtype not in DISCRETE and y.dtype.kind != "b":
        raise not_implemented(kernel, y)


_bernoulli = without_gradient("bernoulli", _bernoulli_kernel, ("x",), None, params=("generator",))
_bernoulli_p = without_derivative("bernoulli_p", _bernoulli_p_kernel, ("x",), params=("p", "generator"))


@public
def bernoulli(*args: Any, **options: Any) -> Tensor:
    """1 with the probability that each element of `input` is, else 0: bernoulli(input, *, generator=None, out=None);
    with one probability for all, in the shape and dtype of `input`: bernoulli(input, p, *, generator=None)."""
    given: dict[str, Any] = {key: options.pop(key) for key in ("input", "p") if key in options}
    bound: dict[str, Any] = {**dict(zip(("input", "p"), args, strict=False)), **given}
    ok = len(args) + len(given) == len(bound) and "input" in bound and arguments_fit(options, "p" not in bound)
    ok = ok and ("p" not in bound or arguments.is_number(bound["p"]))
    if ok and not isinstance(bound["input"], Tensor) and len(bound) == 1:
        arguments.the_tensor("bernoulli", bound["input"])
    if not ok or not isinstance(bound["input"], Tensor):
        arguments.refuse("bernoulli", args, {**given, **options}, _BERNOULLI)
    input, out, generator = bound["input"], options.get("out"), options.get("generator")
    if "p" in bound:
        y = draw(_bernoulli_p, (input,), {"p": float(_plain(bound["p"])), "generator": generator})
        return y  # type: ignore[no-any-return]
    refuse_out(out)
    if out is None:
        return draw(_bernoulli, (input,), {"generator": generator})  # type: ignore[no-any-return]
    refuse_gradient("bernoulli", out, input)
    if out._data.shape != input._data.shape:
        out._data = np.empty(input._data.shape, out._data.dtype)
    y = np.empty(input._data.shape, out._data.dtype)
    if y.size:
        check_coin(y, "bernoulli_tensor_cpu_self_")
        check_probabilities(input._data)
        samplers.bernoulli(y, input._data, stream_of(generator))
    return write_out(out, wrap(y), "bernoulli")


def _coins_kernel(x: Array, *, dtype: Any, generator: Any) -> Array:
    y = np.empty(x.shape, dtype.np)
    if y.size:
        check_coin(y, "bernoulli_tensor_cpu_self_")
        check_probabilities(x)
        samplers.bernoulli(y, x, stream_of(generator))
    return y


_coins = without_gradient("bernoulli_as", _coins_kernel, ("x",), "BernoulliBackward1", params=("dtype", "generator"))


def draw_bernoulli(p: Tensor, dtype: Any, generator: Generator | None) -> Any:
    """Coins of `dtype` with the probabilities in `p`, inside transforms."""
    return draw(_coins, (p,), {"dtype": dtype, "generator": generator})


def arguments_fit(options: dict[str, Any], out: bool) -> bool:
    """Only a generator, and `out` if there may be one."""
    return options.keys() <= ({"generator", "out"} if out else {"generator"}) and arguments.options_fit(options)


# ---------------------------------------------------------------- multinomial


@public
def multinomial(*args: Any, generator: Any = None, out: Tensor | None = None, **named: Any) -> Tensor:
    """Column numbers drawn with the weights in the rows of `input` (1-d or 2-d): multinomial(input, num_samples,
    replacement=False, *, generator=None, out=None). int64, of shape (..., num_samples).

    Errors: negative, infinite or only zero weights; more samples than columns without replacement.
    """
    names = ("input", "num_samples", "replacement")
    input, count, replacement = arguments.take("multinomial", names, (..., ..., False), args, named)
    arguments.the_tensor("multinomial", input)
    if not arguments.is_integer(count):
        where = arguments.where(named, "num_samples", 2)
        raise TypeError(f"multinomial(): argument 'num_samples'{where} must be int, not {arguments.type_name(count)}")
    if not isinstance(replacement, bool):
        where = arguments.where(named, "replacement", 3)
        raise TypeError(
            f"multinomial(): argument 'replacement'{where} must be bool, not {arguments.type_name(replacement)}"
        )
    generator = arguments.the_generator("multinomial", generator)
    refuse_out(out)
    drawn = draw(
        _multinomial, (input,), {"count": arguments.integer(count), "replacement": replacement, "generator": generator}
    )
    if out is None:
        return drawn  # type: ignore[no-any-return]
    if out._data.dtype != np.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {scalar_name(out._data)}")
    if out._data.shape != drawn._data.shape:
        out._data = np.empty(drawn._data.shape, np.int64)
    return write_out(out, drawn, "multinomial")


def _multinomial_kernel(x: Array, *, count: int, replacement: bool, generator: Any, rows: bool = False) -> Array:
    if not (0 < x.ndim <= 2 or rows):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if x.dtype not in FLOATS:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {scalar_name(x)}")
    if count <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and count > x.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if x.shape[-1] > 1 << 24:
        raise RuntimeError("number of categories cannot exceed 2^24")
    drawn = np.empty((*x.shape[:-1], count), np.int64)
    if not drawn.size:
        return drawn
    if not replacement or count == 1:
        if not (x.max() < np.inf and x.min() >= 0):
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        if not x.any(-1).all():
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
        return samplers.choose_distinct(x, count, stream_of(generator))
    if not (x >= 0).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
    if not np.isfinite(x).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry = infinity or NaN)")
    if not x.any(-1).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    samplers.choose(x.reshape(-1, x.shape[-1]), drawn.reshape(-1, count), stream_of(generator))
    return drawn


def _multinomial_batch(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    return prim(front(vals[0], dims[0]), **{**params, "rows": True}), 0


_multinomial = general(
    "multinomial",
    kernel=_multinomial_kernel,
    params=("count", "replacement", "generator", "rows"),
    batch=_multinomial_batch,
    half="native",
    differentiable=False,
)


# ---------------------------------------------------------------- counts


def _poisson_kernel(x: Array, *, generator: Any) -> Array:
    y = np.zeros(x.shape, x.dtype)
    if x.dtype not in FLOATS:
        raise not_implemented("poisson_cpu", x)
    if not (x >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    rejection.poisson(y, x, stream_of(generator))
    return y


_poisson = without_gradient("poisson", _poisson_kernel, ("x",), None, params=("generator",))


@public(method=False)
def poisson(*args: Any, **named: Any) -> Tensor:
    """Poisson with the rates in `input`, of its shape and dtype (floating): poisson(input, generator=None)."""
    input, generator = arguments.take("poisson", ("input", "generator"), (..., None), args, named)
    arguments.the_tensor("poisson", input)
    generator = _positional_generator("poisson", generator, 2, named)
    return draw(_poisson, (input,), {"generator": generator})  # type: ignore[no-any-return]


def _positional_generator(name: str, value: Any, position: int, named: dict[str, Any]) -> Generator | None:
    if value is None or isinstance(value, Generator):
        return value
    where = arguments.where(named, "generator", position)
    raise TypeError(f"{name}(): argument 'generator'{where} must be torch.Generator, not {arguments.type_name(value)}")


def _binomial_kernel(count: Array, prob: Array, *, generator: Any) -> Array:
    if count.dtype not in FLOATS:
        raise ValueError(f"binomial only supports floating-point dtypes for count, got: {scalar_name(count)}")
    if prob.dtype not in FLOATS:
        raise ValueError(f"binomial only supports floating-point dtypes for prob, got: {scalar_name(prob)}")
    if prob.dtype != count.dtype:
        raise RuntimeError(f"Found dtype {scalar_name(prob)} but expected {scalar_name(count)}")
    shape = broadcast(count, prob)
    if shape != count.shape:
        resize_out(wrap(np.empty(count.shape)), shape)  # for its warning, which PyTorch gives here too
    if count.dtype not in (np.float32, np.float64):
        raise not_implemented("binomial_cpu", count)
    y = np.zeros(shape, count.dtype)
    rejection.binomial(y, np.broadcast_to(count, shape), np.broadcast_to(prob, shape), stream_of(generator))
    return y


_binomial = without_derivative("binomial", _binomial_kernel, ("count", "prob"), params=("generator",))


@public(method=False)
def binomial(*args: Any, **named: Any) -> Tensor:
    """Binomial: binomial(count, prob, generator=None) of tensors of one floating dtype, broadcast together."""
    names = ("count", "prob", "generator")
    count, prob, generator = arguments.take("binomial", names, (..., ..., None), args, named)
    arguments.the_tensor("binomial", count, "count", 1)
    arguments.the_tensor("binomial", prob, "prob", 2)
    generator = _positional_generator("binomial", generator, 3, named)
    return draw(_binomial, (count, prob), {"generator": generator})  # type: ignore[no-any-return]
