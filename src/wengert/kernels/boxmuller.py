"""The arithmetic under PyTorch's normal and uniform samples: fused multiply-add, and Box-Muller in float32 and float64.

PyTorch's CPU kernels are compiled for AVX2 with FMA, so `a * b + c` is rounded once there, and float32 normals come
from the single-precision polynomials of the Cephes library for log, sin and cos (8 lanes at a time), whose rounding
errors are part of the result. NumPy has no fused multiply-add; here it is done exactly: a product of two float32 fits
into a float64, and for float64 the error terms of the product and of the sum are carried along.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

F32 = np.dtype(np.float32)
F64 = np.dtype(np.float64)

# Below this many elements a loop over Python's math functions beats the overhead of the vectorised substitutes.
_LOOP_BELOW = 512


# -------------------------------------------------------------------------------------------- the C library's functions


def _loop(function: Callable[[float], float]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def apply(x: NDArray[Any]) -> NDArray[Any]:
        return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)

    return apply


def _candidates(name: str) -> list[Callable[[NDArray[Any]], NDArray[Any]]]:
    """Vectorised functions that may call the C library's scalar function for every element."""
    if name in ("sin", "cos", "tan"):
        return [getattr(np, name)]
    from scipy import special  # type: ignore[import-untyped]

    if name == "log":
        return [np.log, lambda x: special.xlogy(1.0, x)]
    if name == "log1p":
        return [np.log1p, lambda x: special.boxcox1p(x, 0.0)]
    return [np.exp, lambda x: special.inv_boxcox(x, 0.0)]


_PROBE = {
    "sin": (0.0, 6.3), "cos": (0.0, 6.3), "tan": (-1.6, 1.6),
    "log": (0.0, 1.0), "log1p": (-1.0, 0.0), "exp": (-9.0, 9.0),
}  # fmt: skip
_fast: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {}


def libm(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """The C library's `name` of every element of the float64 array `x`, to the last bit.

    NumPy's own loops may be vectorised and then differ from the C library in the last place. The fastest substitute
    that agrees with the `math` module on a probe is used; where none does, a loop over the `math` module.
    """
    if x.size < _LOOP_BELOW:
        return _loop(_SCALAR[name])(x)
    function = _fast.get(name)
    if function is None:
        low, high = _PROBE[name]
        probe = np.linspace(low, high, 20011)[1:-1]
        expected = _loop(_SCALAR[name])(probe)
        function = next((f for f in _candidates(name) if np.array_equal(f(probe), expected)), _loop(_SCALAR[name]))
        _fast[name] = function
    return function(x)


def _safe_log(x: float) -> float:
    return math.log(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan


def _safe_log1p(x: float) -> float:
    return math.log1p(x) if x > -1.0 else -math.inf if x == -1.0 else math.nan


def _safe_exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


_SCALAR: dict[str, Callable[[float], float]] = {
    "log": _safe_log, "log1p": _safe_log1p, "exp": _safe_exp, "sin": math.sin, "cos": math.cos, "tan": math.tan,
}  # fmt: skip


# --------------------------------------------------------------------------------------------------- fused multiply-add


def fma(a: NDArray[Any], b: float, c: float) -> NDArray[Any]:
    """`a * b + c` rounded once; `b` and `c` are scalars that `a`'s dtype (float32 or float64) holds exactly."""
    return _fma32(a, b, c) if a.dtype == F32 else _fma64(a, b, c)


def _fma32(a: NDArray[Any], b: float, c: float) -> NDArray[Any]:
    wide: NDArray[Any] = np.multiply(a, b, dtype=np.float64)  # exact: 24 + 24 bits
    wide += c
    # Rounding twice goes wrong only where the float64 sum lies halfway between two float32 numbers and is itself
    # rounded. Those few are pushed off the middle, to the side where the exact sum lies.
    middle = np.equal(wide.view(np.int64) & 0x1FFFFFFF, 0x10000000)
    if middle.any():
        from fractions import Fraction

        for index in zip(*np.nonzero(middle), strict=True):
            if not math.isfinite(wide[index]):
                continue
            exact = Fraction(float(a[index])) * Fraction(b) + Fraction(c)
            rounded = Fraction(float(wide[index]))
            if exact != rounded:
                wide[index] = np.nextafter(wide[index], math.inf if exact > rounded else -math.inf)
    return wide.astype(np.float32)


def _two_sum(a: Any, b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _split(a: Any) -> tuple[Any, Any]:
    high = a * 134217729.0
    high = high - (high - a)
    return high, a - high


def _fma64(a: NDArray[Any], b: float, c: float) -> NDArray[Any]:
    if c == 0.0 or b == 0.0 or math.frexp(b)[0] in (0.5, -0.5):
        return np.asarray(a * b + c)  # one of the two roundings does nothing
    if not (1e-140 < abs(b) < 1e140 and abs(c) < 1e140):
        return np.asarray(a * b + c)  # the error terms below would overflow or vanish
    # Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd" (2008)
    a_high, a_low = _split(a)
    b_high, b_low = (float(part) for part in _split(np.float64(b)))
    product = a * b
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    carry, low = _two_sum(np.float64(c), error)
    high, rest = _two_sum(product, carry)
    odd, lost = _two_sum(low, rest)
    fix = np.nonzero((lost != 0.0) & (odd.view(np.int64) & 1 == 0))
    if fix[0].size:  # round to odd: where bits were lost, the last bit must say so
        odd[fix] = np.nextafter(odd[fix], np.where(lost[fix] > 0.0, math.inf, -math.inf))
    fused: NDArray[Any] = high + odd
    return fused


# -------------------------------------------------------------------------------------------------- Box-Muller, float32
# Constants are 0-d arrays, and casts are assignments: NumPy takes both in half the time of a Python number or `copyto`,
# which is what counts for small arrays. Large ones should come in pieces that stay in the cache.


def _f32(value: float) -> NDArray[Any]:
    return np.array(value, np.float32)


def _exactly(value: float) -> NDArray[Any]:
    """The float32 nearest to `value`, as a float64."""
    return np.array(np.float32(value), np.float64)


def _i32(value: int) -> NDArray[Any]:
    return np.array(value, np.int32)


_LOG_P = [_exactly(p) for p in (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)]  # fmt: skip
_LOG_Q1, _LOG_Q2 = _f32(-2.12194440e-4), _f32(0.693359375)
_SIN = [_exactly(p) for p in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)]
_COS = [_exactly(p) for p in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)]
_TURN, _FOUR_OVER_PI = _f32(2.0 * math.pi), _f32(4.0 / math.pi)
_PI4_HIGH, _PI4_MID, _PI4_LOW = _f32(-0.78515625), _f32(-2.4187564849853515625e-4), _exactly(-3.77489497744594108e-8)
_SCALE, _HALF, _UNIT, _MINUS_TWO = _f32(2.0**-24), _f32(0.5), _f32(1.0), _f32(-2.0)
_SQRT_HALF = 0x3F3504F3  # the bits of float32(sqrt(1/2))
_TO_SQRT_HALF, _FROM_SQRT_HALF = _i32(0x3F800000 - _SQRT_HALF), _i32(_SQRT_HALF)
_MANTISSA, _BIAS, _FULL = _i32(0x007FFFFF), _i32(127 + 24), _i32(1 << 24)
_24_BITS = np.array(0xFFFFFF, np.uint32)
_ONE, _TWO, _FOUR, _EVEN, _23, _29, _30, _31 = (_i32(i) for i in (1, 2, 4, ~1, 23, 29, 30, 31))


def _horner(out: NDArray[Any], x: NDArray[Any], coefficients: list[NDArray[Any]], narrow: NDArray[Any]) -> None:
    """A polynomial by fused multiply-adds in float32, into `narrow`; `out` and `x` are float64."""
    multiply, add = np.multiply, np.add
    first, *middle, last = coefficients
    multiply(x, first, out)
    for coefficient in middle:
        add(out, coefficient, out)
        narrow[...] = out  # round to float32
        out[...] = narrow
        multiply(out, x, out)
    add(out, last, out)
    narrow[...] = out


class BoxMuller:
    """Pairs of float32 normals from pairs of 24-bit numbers, with room for the steps in between.

    Where a product fits into float32, or into float64 together with the sum, plain operations do what FMA does; that
    radius, sine and cosine are the same for every one of their 2**24 arguments has been verified.
    """

    __slots__ = ("narrow", "wide")

    def __init__(self, size: int) -> None:
        """Room for `size` pairs at a time."""
        self.wide = np.empty((2, size))
        self.narrow = np.empty((6, size), np.float32)

    def __call__(self, words: NDArray[Any], out: NDArray[Any]) -> None:
        """Fill the float32 array `out` from as many uint32 numbers (a multiple of 16).

        Of every 16 numbers the first 8 give the radii and the last 8 the angles.
        """
        size = words.size // 2
        narrow = self.narrow[:, :size]
        bits = narrow.view(np.uint32).reshape(6, -1, 8)
        pairs, results = words.reshape(-1, 2, 8), out.reshape(-1, 2, 8)
        np.bitwise_and(pairs[:, 0], _24_BITS, bits[0])
        length = self.radius(narrow[0])
        np.bitwise_and(pairs[:, 1], _24_BITS, bits[1])
        sine, cosine = self.sincos(narrow[1])
        np.multiply(length, cosine, cosine)
        np.multiply(length, sine, sine)
        results[:, 0] = cosine.reshape(-1, 8)
        results[:, 1] = sine.reshape(-1, 8)

    def radius(self, bits: NDArray[Any]) -> NDArray[Any]:
        """float32 `sqrt(-2 log(1 - k / 2**24))` in place of the integers k, whose bits come in a float32 array."""
        multiply, add, subtract = np.multiply, np.add, np.subtract
        size = bits.size
        wide, wide_x = self.wide[:, :size]
        x, exponent, z = self.narrow[2:5, :size]
        bits, mantissa, y = bits.view(np.int32), x.view(np.int32), bits
        subtract(_FULL, bits, bits)
        x[...] = bits  # 2**24 times too large, which the exponent below puts right
        add(mantissa, _TO_SQRT_HALF, mantissa)
        np.right_shift(mantissa, _23, bits)
        subtract(bits, _BIAS, bits)
        exponent[...] = bits
        np.bitwise_and(mantissa, _MANTISSA, mantissa)
        add(mantissa, _FROM_SQRT_HALF, mantissa)  # x is now in [sqrt(1/2), sqrt(2))
        subtract(x, _UNIT, x)
        wide_x[...] = x
        _horner(wide, wide_x, _LOG_P, y)
        multiply(x, y, y)
        multiply(x, x, z)
        wide[...] = y
        wide_x[...] = z
        multiply(wide, wide_x, wide)
        multiply(exponent, _LOG_Q1, y)
        wide_x[...] = y
        add(wide, wide_x, wide)
        y[...] = wide
        multiply(z, _HALF, z)
        subtract(y, z, y)
        add(y, x, y)
        multiply(exponent, _LOG_Q2, exponent)
        add(y, exponent, y)
        multiply(y, _MINUS_TWO, y)
        np.sqrt(y, y)
        return y

    def sincos(self, bits: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """float32 sine and cosine of `2 pi k / 2**24` for integers k, whose bits come in a float32 array."""
        multiply, add, bit_and = np.multiply, np.add, np.bitwise_and
        size = bits.size
        wide, wide_z = self.wide[:, :size]
        x, z, sine, cosine = self.narrow[2:6, :size]
        octant = bits.view(np.int32)
        x[...] = octant
        multiply(x, _SCALE, x)
        multiply(x, _TURN, x)
        multiply(x, _FOUR_OVER_PI, sine)
        octant[...] = sine
        add(octant, _ONE, octant)
        bit_and(octant, _EVEN, octant)
        z[...] = octant
        # x - octant * pi / 4 in three steps; the first two products have few enough bits to be exact
        add(x, multiply(z, _PI4_HIGH, sine), x)
        add(x, multiply(z, _PI4_MID, sine), x)
        wide[...] = z
        multiply(wide, _PI4_LOW, wide)
        wide_z[...] = x
        add(wide, wide_z, wide)
        x[...] = wide
        multiply(x, x, z)
        wide_z[...] = z
        _horner(wide, wide_z, _COS, cosine)
        multiply(cosine, z, cosine)
        wide[...] = cosine
        multiply(wide, wide_z, wide)
        multiply(z, _HALF, cosine)
        np.subtract(wide, cosine, wide)
        cosine[...] = wide
        add(cosine, _UNIT, cosine)
        _horner(wide, wide_z, _SIN, sine)
        multiply(sine, z, sine)
        wide[...] = sine
        wide_z[...] = x
        multiply(wide, wide_z, wide)
        add(wide, wide_z, wide)
        sine[...] = wide
        # In octants 2 and 6 (of the even ones) the two change places; then come the signs.
        s, c, swap, difference = (a.view(np.int32) for a in (sine, cosine, x, z))
        np.left_shift(octant, _30, swap)
        np.right_shift(swap, _31, swap)
        np.bitwise_xor(s, c, difference)
        bit_and(difference, swap, difference)
        np.bitwise_xor(s, difference, s)
        np.bitwise_xor(c, difference, c)
        bit_and(octant, _FOUR, swap)
        np.left_shift(swap, _29, swap)
        np.bitwise_xor(s, swap, s)
        add(octant, _TWO, octant)  # the cosine's sign, a quarter of a turn ahead
        bit_and(octant, _FOUR, octant)
        np.left_shift(octant, _29, octant)
        np.bitwise_xor(c, octant, c)
        return sine, cosine
