"""The normal distribution function, gelu and its slope in float32, by pieces that stay in the cache.

SciPy's error function is exact but takes thirty times as long, for its loop does not vectorise; NumPy's tanh does. The
pieces share an array: fresh memory for each would cost more than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .room import room_for

Array = Any

_PIECE = 65536
_F32 = np.float32
_HALF = _F32(0.5)
_DENSITY = _F32(1 / math.sqrt(2 * math.pi))
#: erf(x / sqrt(2)) is tanh(x P(x^2)) to 1.4e-7 in float32, with this polynomial, whose coefficients were fitted so that the
#: largest error is least. It is positive everywhere, so what is large comes out as 1
_ERF = tuple(
    _F32(c)
    for c in (0.797884941, 0.0363330846, -3.2594962e-05, -5.53061989e-05, 3.96474535e-06, -1.32263417e-07, 1.75617307e-09)
)


def _erf(x: Array, t: Array, out: Array) -> None:
    """erf(x / sqrt(2)), with x^2 left in `t`."""
    np.multiply(x, x, out=t)
    np.multiply(t, _ERF[-1], out=out)
    for c in _ERF[-2:0:-1]:
        out += c
        out *= t
    out += _ERF[0]
    out *= x
    np.tanh(out, out=out)


def _by_pieces(x: Array, fn: Callable[[Array, Array, Array], Any]) -> Array:
    """`fn(piece, room, where the result goes)` for pieces of x."""
    out = np.empty(x.shape, x.dtype)
    flat, to = x.reshape(-1), out.reshape(-1)
    room = room_for((min(_PIECE, flat.size),), x.dtype, "gelu")
    for i in range(0, flat.size, _PIECE):
        v = flat[i : i + _PIECE]
        fn(v, room[: v.size], to[i : i + _PIECE])
    return out


def _cdf_piece(v: Array, t: Array, out: Array) -> None:
    _erf(v, t, out)
    out *= _HALF
    out += _HALF


def _gelu_piece(v: Array, t: Array, out: Array) -> None:
    _erf(v, t, out)
    out *= -_HALF
    out += _HALF
    out *= v
    np.subtract(v, out, out=out)  # v less its tail: of infinities nan, as PyTorch has it


def _slope_piece(v: Array, t: Array, out: Array) -> None:
    _cdf_piece(v, t, out)
    t *= -_HALF
    np.exp(t, out=t)
    t *= v
    t *= _DENSITY
    out += t


def normal_cdf(x: Array) -> Array:
    """The normal distribution function of a float32 array."""
    return _by_pieces(x, _cdf_piece)


def gelu(x: Array) -> Array:
    """x times the normal distribution function."""
    return _by_pieces(x, _gelu_piece)


def gelu_slope(x: Array) -> Array:
    """The derivative of gelu: the distribution function plus x times the density."""
    return _by_pieces(x, _slope_piece)
