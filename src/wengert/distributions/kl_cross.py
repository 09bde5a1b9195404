"""KL divergences between different families."""

from __future__ import annotations

# mypy: disable-error-code="attr-defined, no-any-return"
import math
from collections.abc import Callable
from typing import Any

from .. import erf, full_like, inf, ones_like, where
from ..core.tensor import Tensor
from ..special import xlogy
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import register_kl
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant


def _infinite(name: str, parameter: str, type_p: type, *types_q: type) -> Callable[[Any, Any], Tensor]:
    """p is positive where these q are zero."""

    def infinity(p: Any, q: Any) -> Tensor:
        return full_like(getattr(p, parameter), inf)

    infinity.__name__ = infinity.__qualname__ = f"_kl_{name}_infinity"
    for type_q in types_q:
        register_kl(type_p, type_q)(infinity)
    return infinity


_bounded = (Beta, ContinuousBernoulli, Pareto, Uniform)
_kl_beta_infinity = _infinite("beta", "concentration1", Beta, Pareto)
_kl_continuous_bernoulli_infinity = _infinite("continuous_bernoulli", "probs", ContinuousBernoulli, Pareto)
_kl_exponential_infinity = _infinite("exponential", "rate", Exponential, *_bounded)
_kl_gamma_infinity = _infinite("gamma", "concentration", Gamma, *_bounded)
_kl_gumbel_infinity = _infinite("gumbel", "loc", Gumbel, Exponential, Gamma, *_bounded)
_kl_laplace_infinity = _infinite("laplace", "loc", Laplace, Exponential, Gamma, *_bounded)
_kl_normal_infinity = _infinite("normal", "loc", Normal, Exponential, Gamma, *_bounded)
_kl_pareto_infinity = _infinite("pareto", "scale", Pareto, Beta, ContinuousBernoulli, Uniform)
_kl_poisson_infinity = _infinite("poisson", "rate", Poisson, Bernoulli, Binomial)


def _log_gamma_normalizer(q: Any) -> Tensor:
    return q.concentration.lgamma() - q.concentration * q.rate.log()


@register_kl(Bernoulli, Poisson)
def _kl_bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


# ---------------------------------------------------------------- p on the unit interval


@register_kl(Beta, ContinuousBernoulli)
def _kl_beta_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._cont_bern_log_norm()


@register_kl(Beta, Exponential)
def _kl_beta_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * (p.concentration1 / (p.concentration1 + p.concentration0))


@register_kl(Beta, Gamma)
def _kl_beta_gamma(p: Any, q: Any) -> Tensor:
    total = p.concentration1 + p.concentration0
    log_mean = (q.concentration - 1) * (p.concentration1.digamma() - total.digamma())
    return -p.entropy() + _log_gamma_normalizer(q) - log_mean + q.rate * p.concentration1 / total


@register_kl(Beta, Normal)
def _kl_beta_normal(p: Any, q: Any) -> Tensor:
    mean = p.concentration1 / (p.concentration1 + p.concentration0)
    variance = q.scale.pow(2)
    normalizer = 0.5 * (variance * 2 * math.pi).log()
    half_square = (mean * (1 - mean) / (p.concentration1 + p.concentration0 + 1) + mean.pow(2)) * 0.5
    return -p.entropy() + normalizer + (half_square - q.loc * mean + q.loc.pow(2) * 0.5) / variance


@register_kl(Beta, Uniform)
def _kl_beta_uniform(p: Any, q: Any) -> Tensor:
    result = -p.entropy() + (q.high - q.low).log()
    result[(q.low > p.support.lower_bound) | (q.high < p.support.upper_bound)] = inf
    return result


@register_kl(ContinuousBernoulli, Exponential)
def _kl_continuous_bernoulli_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(ContinuousBernoulli, Normal)
def _kl_continuous_bernoulli_normal(p: Any, q: Any) -> Tensor:
    normalizer = 0.5 * ((q.loc / q.scale).square() + math.log(2.0 * math.pi)) + q.scale.log()
    moments = p.variance + p.mean.square() - 2.0 * q.loc * p.mean
    return -p.entropy() + normalizer + moments / (2.0 * q.scale.square())


@register_kl(ContinuousBernoulli, Uniform)
def _kl_continuous_bernoulli_uniform(p: Any, q: Any) -> Tensor:
    result = -p.entropy() + (q.high - q.low).log()
    # PyTorch's condition; a q that covers the unit interval has a finite divergence, which it does not give either
    outside = (q.low >= p.support.lower_bound) | (q.high <= p.support.upper_bound)
    return where(outside, ones_like(result) * inf, result)


# ---------------------------------------------------------------- p positive


@register_kl(Exponential, Gamma)
def _kl_exponential_gamma(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    normalizer = -q.concentration * ratio.log() + ratio + q.concentration.lgamma()
    return normalizer + q.concentration * euler_constant - (1 + euler_constant)


@register_kl(Exponential, Gumbel)
def _kl_exponential_gumbel(p: Any, q: Any) -> Tensor:
    product, mode = p.rate * q.scale, q.loc / q.scale
    return product.log() - 1 - mode + mode.exp() * product / (product + 1) + product.reciprocal()


@register_kl(Exponential, Normal)
def _kl_exponential_normal(p: Any, q: Any) -> Tensor:
    variance, square = q.scale.pow(2), p.rate.pow(2)
    normalizer = 0.5 * (square * variance * 2 * math.pi).log()
    moments = square.reciprocal() - q.loc / p.rate + q.loc.pow(2) * 0.5
    return normalizer - 1 + moments / variance


@register_kl(Gamma, Exponential)
def _kl_gamma_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Gamma, Gumbel)
def _kl_gamma_gumbel(p: Any, q: Any) -> Tensor:
    beta, mode = p.rate * q.scale, q.loc / q.scale
    of_p = (p.concentration - 1) * p.concentration.digamma() - p.concentration.lgamma() - p.concentration
    cross = beta.log() + p.concentration / beta
    return of_p + cross + (mode.exp() * (1 + beta.reciprocal()).pow(-p.concentration) - mode)


@register_kl(Gamma, Normal)
def _kl_gamma_normal(p: Any, q: Any) -> Tensor:
    variance, square = q.scale.pow(2), p.rate.pow(2)
    normalizer = 0.5 * (square * variance * 2 * math.pi).log() - p.concentration - p.concentration.lgamma()
    moments = (
        0.5 * (p.concentration.pow(2) + p.concentration) / square
        - q.loc * p.concentration / p.rate
        + 0.5 * q.loc.pow(2)
    )
    return normalizer + (p.concentration - 1) * p.concentration.digamma() + moments / variance


@register_kl(Pareto, Exponential)
def _kl_pareto_exponential(p: Any, q: Any) -> Tensor:
    scaled = p.scale * q.rate
    result = (
        (p.alpha / scaled).log() - p.alpha.reciprocal() + p.alpha * scaled / (p.alpha - 1) - 1
    )
    result[p.alpha <= 1] = inf
    return result


@register_kl(Pareto, Gamma)
def _kl_pareto_gamma(p: Any, q: Any) -> Tensor:
    log_mean = p.scale.log() + p.alpha.reciprocal()
    result = (
        p.alpha.log()
        - log_mean
        + _log_gamma_normalizer(q)
        + (1 - q.concentration) * log_mean
        + q.rate * p.alpha * p.scale / (p.alpha - 1)
        - 1
    )
    result[p.alpha <= 1] = inf
    return result


@register_kl(Pareto, Normal)
def _kl_pareto_normal(p: Any, q: Any) -> Tensor:
    variance = 2 * q.scale.pow(2)
    excess = p.scale / (p.alpha - 1)
    normalizer = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log() - p.alpha.reciprocal()
    moments = p.alpha * excess.pow(2) / (p.alpha - 2) + (p.alpha * excess - q.loc).pow(2)
    result = normalizer + moments / variance - 1
    result[p.alpha <= 2] = inf
    return result


# ---------------------------------------------------------------- p on the real line


@register_kl(Gumbel, Normal)
def _kl_gumbel_normal(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    normalizer = (ratio / math.sqrt(2 * math.pi)).log()
    spread = (math.pi * ratio * 0.5).pow(2) / 3
    apart = ((p.loc + p.scale * euler_constant - q.loc) / q.scale).pow(2) * 0.5
    return -normalizer + spread + apart - (euler_constant + 1)


@register_kl(Laplace, Normal)
def _kl_laplace_normal(p: Any, q: Any) -> Tensor:
    variance = q.scale.pow(2)
    ratio = p.scale.pow(2) / variance
    normalizer = 0.5 * (2 * ratio / math.pi).log()
    half_square = 0.5 * p.loc.pow(2) - p.loc * q.loc + 0.5 * q.loc.pow(2)
    return -normalizer + ratio + half_square / variance - 1


@register_kl(Normal, Gumbel)
def _kl_normal_gumbel(p: Any, q: Any) -> Tensor:
    mean, square, mode = p.loc / q.scale, (p.scale / q.scale).pow(2), q.loc / q.scale
    moment = (-mean + 0.5 * square + mode).exp()
    return -(square.log() * 0.5) + (mean - mode) + moment - (0.5 * (1 + math.log(2 * math.pi)))


@register_kl(Normal, Laplace)
def _kl_normal_laplace(p: Any, q: Any) -> Tensor:
    apart = p.loc - q.loc
    z = apart / p.scale
    density = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z.pow(2)).exp()
    distance = density + apart * erf(math.sqrt(0.5) * z)  # E|x - q.loc|
    return -(p.scale / q.scale).log() + distance / q.scale - (0.5 * (1 + math.log(0.5 * math.pi)))


# ---------------------------------------------------------------- p uniform


def _log_integral(p: Any) -> Tensor:
    """The integral of log x over the interval."""
    return xlogy(p.high, p.high) - xlogy(p.low, p.low) - (p.high - p.low)


@register_kl(Uniform, Beta)
def _kl_uniform_beta(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    at_1 = (q.concentration1 - 1) * _log_integral(p) / width
    mirrored = xlogy(1 - p.high, 1 - p.high) - xlogy(1 - p.low, 1 - p.low) + width
    at_0 = (q.concentration0 - 1) * mirrored / width
    normalizer = (
        q.concentration1.lgamma() + q.concentration0.lgamma() - (q.concentration1 + q.concentration0).lgamma()
    )
    result = at_0 + normalizer - width.log() - at_1
    result[(p.high > q.support.upper_bound) | (p.low < q.support.lower_bound)] = inf
    return result


@register_kl(Uniform, ContinuousBernoulli)
def _kl_uniform_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    result = (
        -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._cont_bern_log_norm()
    )
    outside = (p.high >= q.support.upper_bound) | (p.low <= q.support.lower_bound)
    return where(outside, ones_like(result) * inf, result)


@register_kl(Uniform, Exponential)
def _kl_uniform_exponetial(p: Any, q: Any) -> Tensor:
    result = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    result[p.low < q.support.lower_bound] = inf
    return result


@register_kl(Uniform, Gamma)
def _kl_uniform_gamma(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    result = (
        -width.log()
        + _log_gamma_normalizer(q)
        + (1 - q.concentration) * _log_integral(p) / width
        + q.rate * (p.high + p.low) / 2
    )
    result[p.low < q.support.lower_bound] = inf
    return result


@register_kl(Uniform, Gumbel)
def _kl_uniform_gumbel(p: Any, q: Any) -> Tensor:
    ratio = q.scale / (p.high - p.low)
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return ratio.log() + 0.5 * (high + low) - ratio * ((-high).exp() - (-low).exp())


@register_kl(Uniform, Normal)
def _kl_uniform_normal(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    normalizer = (math.sqrt(math.pi * 2) * q.scale / width).log()
    square = width.pow(2) / 12 + ((p.high + p.low - 2 * q.loc) / 2).pow(2)
    return normalizer + 0.5 * square / q.scale.pow(2)


@register_kl(Uniform, Pareto)
def _kl_uniform_pareto(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    density = (q.alpha * q.scale.pow(q.alpha) * width).log()
    result = _log_integral(p) / width * (q.alpha + 1) - density
    result[p.low < q.support.lower_bound] = inf
    return result
