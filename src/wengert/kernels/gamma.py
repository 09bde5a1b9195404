"""How samples of the gamma and Dirichlet distributions move with their parameters (implicit reparametrisation).

For a sample x with distribution function F(x; a), dx/da = -(dF/da) / (dF/dx). The pieces are PyTorch's: Taylor series
for small x, Rice's saddle point expansion for large parameters, and rational fits in between. They are computed in
float64 and rounded to the dtype of the arguments at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array = Any


def _digamma(x: NDArray[Any]) -> NDArray[Any]:
    from scipy.special import digamma  # type: ignore[import-untyped]

    result: NDArray[Any] = digamma(x)
    return result


def _choose(x: NDArray[Any], pieces: list[tuple[NDArray[Any], Any]]) -> NDArray[Any]:
    """Each piece `(mask, function of the selection)` where its mask is the first that holds."""
    out = np.empty(x.shape)
    left = np.ones(x.shape, bool)
    for mask, piece in pieces:
        here = left & mask
        if here.any():
            out[here] = piece(here)
        left &= ~mask
    return out


# ------------------------------------------------------------------------------------------------------------ the gamma


def standard_gamma_grad(alpha: Array, x: Array) -> Array:
    """dx/dalpha for samples `x` of the standard gamma distribution of shape `alpha`; float32 or float64."""
    dtype = np.result_type(alpha, x)
    alpha, x = (np.asarray(a, np.float64) for a in np.broadcast_arrays(alpha, x))
    large = alpha > 8.0
    result = _choose(
        x,
        [
            (x < np.float32(0.8), lambda at: _gamma_small(alpha[at], x[at])),
            (
                large & (np.float32(0.9) * alpha <= x) & (x <= np.float32(1.1) * alpha),
                lambda at: _gamma_middle(alpha[at], x[at]),
            ),
            (large, lambda at: _gamma_large(alpha[at], x[at])),
            (np.ones(x.shape, bool), lambda at: _gamma_fit(alpha[at], x[at])),
        ],
    )
    return result.astype(dtype)


def _gamma_small(alpha: Array, x: Array) -> Array:
    numerator, denominator = np.ones_like(x), alpha.copy()
    series = numerator / denominator
    series_alpha = numerator / (denominator * denominator)
    for i in range(1, 6):
        numerator *= -x / i
        denominator += 1.0
        series += numerator / denominator
        series_alpha += numerator / (denominator * denominator)
    power = x**alpha
    density = x ** (alpha - 1.0) * np.exp(-x)
    slope = (np.log(x) - _digamma(alpha)) * power * series - power * series_alpha
    result = -slope / density
    return np.where(np.isnan(result), 0.0, result)


def _gamma_middle(alpha: Array, x: Array) -> Array:
    square = alpha * alpha
    first = 1 + 24 * alpha * (1 + 12 * alpha)
    second = 1440 * square + 6 * x * (53 - 120 * x) - 65 * x * x / alpha + alpha * (107 + 3600 * x)
    return first * second / (1244160 * square * square)


def _gamma_large(alpha: Array, x: Array) -> Array:
    log = np.log(x / alpha)
    root = np.sqrt(8 * alpha)
    outer = (x - alpha - alpha * log) ** -1.5
    term = root / (alpha - x) + np.where(x < alpha, -outer, outer)
    term = log * term - np.sqrt(2 / alpha) * (alpha + x) / ((alpha - x) * (alpha - x))
    stirling = 1 + 1 / (12 * alpha) * (1 + 1 / (24 * alpha))
    return -stirling * x * term / root


_GAMMA_FIT = (
    (0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1.0, 0.32668115, 0.10406089, 0.0014179084),
    (0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623),
    (0.040121004, -0.0065914022, -0.0026286047, -0.0013441777)
    + (0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-07),
)


def _gamma_fit(alpha: Array, x: Array) -> Array:
    u, v = np.log(x / alpha), np.log(alpha)
    c = [a + u * (b + u * d) for a, b, d in zip(*_GAMMA_FIT, strict=True)]
    p = c[0] + v * (c[1] + v * (c[2] + v * c[3]))
    q = c[4] + v * (c[5] + v * (c[6] + v * c[7]))
    return np.exp(p / q)


# -------------------------------------------------------------------------------------------------------- the Dirichlet


def dirichlet_grad(x: Array, alpha: Array, total: Array) -> Array:
    """How a component `x` of a Dirichlet sample moves with its concentration `alpha`, `total` being the sum of all.

    That of a Beta(alpha, total - alpha) sample, divided by 1 - x. float32 or float64.
    """
    dtype = np.result_type(x, alpha, total)
    x, alpha, total = (np.asarray(a, np.float64) for a in np.broadcast_arrays(x, alpha, total))
    beta = total - alpha
    edge = total * x * (1 - x)
    result = _choose(
        x,
        [
            ((x <= 0.5) & (edge < 2.5), lambda at: _beta_small(x[at], alpha[at], beta[at])),
            ((x >= 0.5) & (edge < 0.75), lambda at: -_beta_other_small(1 - x[at], beta[at], alpha[at])),
            ((alpha > 6) & (beta > 6), lambda at: _beta_middle(x[at], alpha[at], beta[at])),
            (np.ones(x.shape, bool), lambda at: _beta_fit(x[at], alpha[at], total[at])),
        ],
    )
    return result.astype(dtype)


def _beta_small(x: Array, alpha: Array, beta: Array) -> Array:
    """By alpha, for x close to 0."""
    factor = _digamma(alpha) - _digamma(alpha + beta) - np.log(x)
    numerator = np.ones_like(x)
    series = numerator / alpha * (factor + 1 / alpha)
    for i in range(1, 11):
        numerator *= (i - beta) * x / i
        denominator = alpha + i
        series += numerator / denominator * (factor + 1 / denominator)
    result = x * (1 - x) ** -beta * series
    return np.where(np.isnan(result), 0.0, result)


def _beta_other_small(x: Array, alpha: Array, beta: Array) -> Array:
    """By beta, for x close to 0."""
    factor = _digamma(alpha + beta) - _digamma(beta)
    numerator, falling, slope, series = np.ones_like(x), np.ones_like(x), np.zeros_like(x), factor / alpha
    for i in range(1, 9):
        numerator *= -x / i
        slope = slope * (beta - i) + falling
        falling = falling * (beta - i)
        series = series + numerator / (alpha + i) * (slope + factor * falling)
    result = -((1 - x) ** (1 - beta)) * series
    return np.where(np.isnan(result), 0.0, result)


def _beta_middle(x: Array, alpha: Array, beta: Array) -> Array:
    """By alpha, for large alpha and beta."""
    total = alpha + beta
    mean = alpha / total
    std = np.sqrt(alpha * beta / (total + 1)) / total
    near = (mean - 0.1 * std <= x) & (x <= mean + 0.1 * std)
    return _choose(
        x,
        [
            (near, lambda at: _beta_at_mean(x[at], alpha[at], beta[at])),
            (~near, lambda at: _beta_beside_mean(x[at], alpha[at], beta[at])),
        ],
    )


def _beta_at_mean(x: Array, alpha: Array, beta: Array) -> Array:
    total, square = alpha + beta, beta * beta
    inner = (453 + 1620 * beta * (1 - x) - 455 * x) * beta + alpha * (8 * (1 - x) * (135 * beta - 11))
    inner = 3 * (59 + 180 * beta - 90 * x) * square + alpha * inner
    inner = (43 + 20 * (16 + 27 * beta) * x) * square * beta + alpha * inner
    polynomial = 47 * x * square * square + alpha * inner
    above = (1 + 12 * alpha) * (1 + 12 * beta) / (total * total)
    below = 12960 * alpha * alpha * alpha * square * (1 + 12 * total)
    return above / (1 - x) * polynomial / below


def _beta_beside_mean(x: Array, alpha: Array, beta: Array) -> Array:
    total = alpha + beta
    factor = -x / np.sqrt(2 * alpha * beta / total)
    stirling = _stirling(alpha) * _stirling(beta) / _stirling(total)
    away = alpha * (x - 1) + beta * x
    first = 2 * alpha * alpha * (x - 1) + alpha * beta * (x - 1) - x * beta * beta
    first /= np.sqrt(2 * alpha / beta) * total**1.5 * away * away
    second = 0.5 * np.log(alpha / (total * x))
    third = np.sqrt(8 * alpha * beta / total) / away
    fourth = (beta * np.log(beta / (total * (1 - x))) + alpha * np.log(alpha / (total * x))) ** -1.5
    return stirling * factor * (first + second * (third + np.where(x < alpha / total, fourth, -fourth)))


def _stirling(a: Array) -> Array:
    return 1 + 1 / (12 * a) + 1 / (288 * a * a)


_BETA_FIT = (
    (
        (1.003668233, -0.01061107488, -0.0657888334, 0.01201642863),
        (0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033),
        (-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013),
        (0.221950385, -0.3187676331, 0.01799915743, 0.01074823814),
        (-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057),
        (0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05),
        (-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565),
        (0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181),
        (0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05),
    ),
    (
        (1.0, -0.02924021934, -0.04438342661, 0.007285809825),
        (0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521),
        (-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149),
        (0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273),
        (0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956),
        (-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05),
        (0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05),
        (0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05),
        (-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06),
    ),
)


def _beta_fit(x: Array, alpha: Array, total: Array) -> Array:
    u = np.log(x)
    a = np.log(alpha) - u
    b = np.log(total) - a
    powers = [u**i * a**j for i in range(3) for j in range(3)]
    p, q = (
        sum(power * (c[0] + b * (c[1] + b * (c[2] + b * c[3]))) for power, c in zip(powers, fit, strict=True))
        for fit in _BETA_FIT
    )
    return p / q * x * (_digamma(total) - _digamma(alpha)) / (total - alpha)
