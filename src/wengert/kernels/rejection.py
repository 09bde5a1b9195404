"""Samplers that reject, and so draw number by number: Poisson, binomial, gamma and Dirichlet.

As those of `random`: they fill an array `out` in place, in PyTorch's order, with PyTorch's bits except where said.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .random import TWO_PI, in_memory_order, narrowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from .mersenne import MersenneTwister

_F64 = np.dtype(np.float64)


class _Draws:
    """Uniform and normal float64 numbers one by one, fetched in blocks; `close` gives back what was not used."""

    def __init__(self, stream: MersenneTwister) -> None:
        self.stream = stream
        self.block: Iterator[float] = iter(())
        self.used = self.size = 0
        self.position: Mapping[str, Any] = {}
        self.next_size = 16

    def uniform(self) -> float:
        if self.used == self.size:
            self.position = self.stream.position()
            self.size, self.next_size = self.next_size, min(8 * self.next_size, 8192)
            self.block = iter(self.stream.doubles(self.size).tolist())
            self.used = 0
        self.used += 1
        return next(self.block)

    def normal(self) -> float:
        kept = self.stream.double_normal
        if kept is not None:
            self.stream.double_normal = None
            return kept + 0.0
        turn, height = self.uniform(), self.uniform()
        length, angle = math.sqrt(-2.0 * math.log1p(-height)), TWO_PI * turn
        self.stream.double_normal = length * math.sin(angle)
        return length * math.cos(angle) + 0.0

    def close(self) -> None:
        if self.used < self.size:
            self.stream.rewind(self.position)
            if self.used:
                self.stream.doubles(self.used)


def _each(
    out: NDArray[Any], inputs: tuple[NDArray[Any], ...], stream: MersenneTwister, one: Callable[..., float]
) -> None:
    """`out[i] = one(draws, *inputs[i])` in PyTorch's order of the elements."""
    target, *sources = in_memory_order(out, *inputs)
    with stream.lock:
        draws = _Draws(stream)
        try:
            columns = [source.astype(np.float64).ravel().tolist() for source in sources]
            values = [one(draws, *row) for row in zip(*columns, strict=True)]
        finally:
            draws.close()
    target[...] = narrowed(np.array(values, np.float64), out.dtype).reshape(target.shape)


def poisson(out: NDArray[Any], rate: NDArray[Any], stream: MersenneTwister) -> None:
    """Poisson of the rates in `rate`, of the shape of `out`: floating dtypes."""
    _each(out, (rate,), stream, _poisson)


def _poisson(draws: _Draws, rate: float) -> float:
    if rate >= 10.0:  # W. Hörmann, "The transformed rejection method for generating Poisson random variables" (1993)
        root, log_rate = math.sqrt(rate), math.log(rate)
        b = 0.931 + 2.53 * root
        a = -0.059 + 0.02483 * b
        inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
        v_r = 0.9277 - 3.6224 / (b - 2.0)
        while True:
            u = draws.uniform() - 0.5
            v = draws.uniform()
            us = 0.5 - abs(u)
            k = float(math.floor((2.0 * a / us + b) * u + rate + 0.43)) if us else math.nan
            if us >= 0.07 and v <= v_r:
                return k
            if not k >= 0.0 or (us < 0.013 and v > us):
                continue
            height = (math.log(v) if v else -math.inf) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
            if height <= -rate + k * log_rate - math.lgamma(k + 1.0):
                return k
    if rate == 0.0:
        return 0.0
    bound, product, k = math.exp(-rate), 1.0, 0.0
    while True:
        product *= draws.uniform()
        if product <= bound:
            return k
        k += 1.0


def binomial(out: NDArray[Any], count: NDArray[Any], prob: NDArray[Any], stream: MersenneTwister) -> None:
    """Binomial of `count` trials with probability `prob`, both of the shape and dtype of `out`: float32 and float64.

    For float32, PyTorch takes a float32 logarithm of the C library in one place; here it is a rounded float64 one,
    which can change a sample with a probability of about 1e-7.
    """
    rounded = float if out.dtype == _F64 else _to_float32
    _each(out, (count, prob), stream, lambda draws, n, p: _binomial(draws, n, p, rounded))


def _to_float32(value: float) -> float:
    return float(np.float32(value))


def _binomial(draws: _Draws, count: float, prob: float, rounded: Callable[[float], float]) -> float:
    if count <= 0.0 or prob <= 0.0:
        return 0.0
    if prob >= 1.0:
        return count
    if prob <= 0.5:
        return _binomial_half(draws, count, prob, rounded)
    if prob > 0.5:
        return count - _binomial_half(draws, count, rounded(1.0 - prob), rounded)
    return math.nan


def _binomial_half(draws: _Draws, count: float, prob: float, rounded: Callable[[float], float]) -> float:
    """A binomial with `prob` at most 1/2: by geometric jumps if few successes are expected, else by rejection."""
    expected = rounded(count * prob)
    if expected < 10.0:
        scale = rounded(math.log1p(-prob))
        trials, successes = 0.0, 0.0
        while True:
            u = draws.uniform()
            trials += math.ceil(math.log(u) / scale) if u else math.inf
            if not trials <= count:
                return successes
            successes += 1.0
    # W. Hörmann, "The generation of binomial random variates" (1993), algorithm BTRS
    spread = rounded(math.sqrt(rounded(expected * rounded(1.0 - prob))))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    c = expected + 0.5
    v_r = 0.92 - 4.2 / b
    odds = rounded(prob / rounded(1.0 - prob))
    alpha = (2.83 + 5.1 / b) * spread
    m = math.floor(rounded(rounded(count + 1.0) * prob))
    while True:
        u = draws.uniform() - 0.5
        v = draws.uniform()
        us = 0.5 - abs(u)
        k = rounded(math.floor((2.0 * a / us + b) * u + c)) if us else math.nan
        if not 0.0 <= k <= count:
            continue
        if us >= 0.07 and v <= v_r:
            return k
        v = v * alpha / (a / (us * us) + b)
        bound = (
            (m + 0.5) * math.log((m + 1.0) / (odds * (count - m + 1.0)))
            + (count + 1.0) * math.log((count - m + 1.0) / (count - k + 1.0))
            + (k + 0.5) * math.log(odds * (count - k + 1.0) / (k + 1.0))
            + _stirling_tail(m)
            + _stirling_tail(count - m)
            - _stirling_tail(k)
            - _stirling_tail(count - k)
        )
        if v <= 0.0 or math.log(v) <= bound:
            return k


_STIRLING = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _stirling_tail(k: float) -> float:
    """What Stirling's formula for log(k!) leaves out."""
    if k < 10.0:
        return _STIRLING[int(k)]
    square = (k + 1.0) * (k + 1.0)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1.0)


def standard_gamma(out: NDArray[Any], alpha: NDArray[Any], stream: MersenneTwister) -> None:
    """Gamma of shape `alpha` (an array of the shape and dtype of `out`) and scale 1: float32 and float64."""
    rounded = float if out.dtype == _F64 else _to_float32
    _each(out, (alpha,), stream, lambda draws, a: _gamma(draws, a, rounded))
    np.fmax(out, np.finfo(out.dtype).tiny, out=out)  # also where `alpha` is no shape


_THIRD, _SQUEEZE = _to_float32(_to_float32(1.0) / 3.0), _to_float32(0.0331)


def _gamma(draws: _Draws, alpha: float, rounded: Callable[[float], float]) -> float:
    # G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables" (2000)
    scale = 1.0
    if alpha < 1.0:
        if alpha == 0.0:
            return 0.0
        try:
            scale = (1.0 - draws.uniform()) ** rounded(1.0 / alpha)
        except OverflowError:
            scale = math.inf
        alpha = rounded(alpha + 1.0)
    d = rounded(alpha - _THIRD)
    c = 1.0 / math.sqrt(9.0 * d) if d > 0.0 else math.nan
    while True:
        y = 0.0
        while y <= 0.0:
            x = draws.normal()
            y = 1.0 + c * x
        v = y * y * y
        u = 1.0 - draws.uniform()
        square = x * x
        if u < 1.0 - _SQUEEZE * square * square or math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            return scale * d * v


def dirichlet(out: NDArray[Any], alpha: NDArray[Any], stream: MersenneTwister) -> None:
    """Dirichlet over the last dimension with concentrations `alpha`, of the shape and dtype of `out`.

    The numbers drawn are PyTorch's; the sum they are divided by may be rounded in another order.
    """
    parts = np.empty(out.shape, np.float64)
    standard_gamma(parts, alpha, stream)
    kind = out.dtype.type
    parts /= parts.sum(-1, keepdims=True)
    out[...] = np.clip(parts.astype(kind), np.finfo(kind).tiny, np.nextafter(kind(1.0), kind(0.0)))
