"""Random samples on NumPy arrays, bit for bit those of PyTorch's CPU generator.

Every sampler fills an array `out` of any strides in place, in PyTorch's order: a contiguous array from front to back,
any other one in the order of its memory (the dimension of the smallest stride runs fastest). `stream` is the
`MersenneTwister` that the numbers come from. Arguments are taken as valid; the public functions check them.

The bits are those of PyTorch on an x86-64 processor with AVX2 and FMA, with the same C library.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .boxmuller import BoxMuller, fma, libm

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .mersenne import MersenneTwister

_F32 = np.dtype(np.float32)
_F64 = np.dtype(np.float64)
_BOOL = np.dtype(np.bool_)
_CHUNK = 32768  # numbers made at a time, so that the scratch arrays stay in the processor's cache
TWO_PI = 2.0 * math.pi
_DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


# --------------------------------------------------------------------------------------------------------- order, casts


def memory_order(*arrays: NDArray[Any]) -> list[int]:
    """The dimensions of the arrays (of one shape), slowest first, in the order in which PyTorch walks over them.

    The first array decides; where its strides do not tell two dimensions apart, the next one does.
    """
    shape = arrays[0].shape
    order = list(range(len(shape)))[::-1]  # fastest first

    def compare(i: int, j: int) -> int:
        for array in arrays:
            a, b = array.strides[i], array.strides[j]
            if a == 0 or b == 0:
                continue
            if a != b:
                return 1 if a > b else -1
            if shape[i] > shape[j]:
                return 1
        return 0

    for at in range(1, len(order)):  # an insertion sort, because the comparison may leave pairs undecided
        for before in range(at - 1, -1, -1):
            answer = compare(order[before], order[at])
            if answer > 0:
                order[before], order[at] = order[at], order[before]
                at = before
            elif answer < 0:
                break
    return order[::-1]


def in_memory_order(*arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """The arrays (of one shape), transposed alike so that C order is the order in which PyTorch walks over them."""
    order = memory_order(*arrays)
    return [array.transpose(order) for array in arrays]


def empty_like(x: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """An array of the shape of `x` whose dimensions lie in memory in the same order, without gaps."""
    if x.flags.c_contiguous:
        return np.empty(x.shape, dtype)
    order = memory_order(x)
    return np.empty([x.shape[d] for d in order], dtype).transpose(np.argsort(order))


def narrowed(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """`values` in `dtype`; the 16-bit floats are reached by way of float32, as in PyTorch."""
    if values.dtype == dtype:
        return values
    if dtype.itemsize == 2 and dtype.name in _DIGITS and values.dtype != _F32:
        values = values.astype(np.float32)
    return values.astype(dtype)


def _put(out: NDArray[Any], values: NDArray[Any]) -> None:
    """Write the 1-d `values` over `out` in PyTorch's order."""
    if not out.flags.c_contiguous:
        (out,) = in_memory_order(out)
    out[...] = narrowed(values, out.dtype).reshape(out.shape)


def _fill(out: NDArray[Any], sample: Callable[[int], NDArray[Any]]) -> None:
    """Fill `out` with `sample(n)`, in pieces that stay in the cache where `out` is contiguous."""
    n = out.size
    if n <= _CHUNK or not out.flags.c_contiguous:
        _put(out, sample(n))
        return
    flat = out.reshape(-1)
    for start in range(0, n, _CHUNK):
        piece = flat[start : start + _CHUNK]
        piece[...] = narrowed(sample(piece.size), out.dtype)


def as_real(out: NDArray[Any]) -> NDArray[Any]:
    """A real view of a complex array, with a last dimension of 2."""
    real = out.real
    return np.lib.stride_tricks.as_strided(real, (*out.shape, 2), (*out.strides, real.itemsize))


# -------------------------------------------------------------------------------------------------------------- uniform


def uniform(out: NDArray[Any], low: float, high: float, stream: MersenneTwister) -> None:
    """Uniform on [low, high): floating dtypes, and complex ones (both parts)."""
    if out.dtype.kind == "c":
        out = as_real(out)
    dtype = out.dtype
    double = dtype == _F64
    draw = stream.doubles if double else stream.floats
    if low == 0.0 and high == 1.0 and (double or dtype == _F32):
        with stream.lock:
            _fill(out, draw)
        return
    kind = _F64.type if double else _F32.type
    start, span = float(kind(low)), float(kind(high) - kind(low))
    # Rounding may reach `high`, which does not belong to the interval: PyTorch puts `low` there.
    top, bottom = (narrowed(np.array(end, np.float64), dtype) for end in (high, low))

    def sample(n: int) -> NDArray[Any]:
        values = narrowed(fma(draw(n), span, start), dtype)
        reached = values == top
        if reached.any():
            values[reached] = bottom
        return values

    with stream.lock:
        _fill(out, sample)


def new_uniform(shape: tuple[int, ...], dtype: np.dtype[Any], stream: MersenneTwister) -> NDArray[Any]:
    """A new array, uniform on [0, 1)."""
    n = math.prod(shape)
    if n <= _CHUNK and (dtype == _F32 or dtype == _F64):
        with stream.lock:
            values = stream.floats(n) if dtype == _F32 else stream.doubles(n)
        return values.reshape(shape)
    out = np.empty(shape, dtype)
    uniform(out, 0.0, 1.0, stream)
    return out


# --------------------------------------------------------------------------------------------------------------- normal


def normal(out: NDArray[Any], mean: float, std: float, stream: MersenneTwister) -> None:
    """Normal of mean `mean` and standard deviation `std`: floating dtypes, and complex ones.

    The variance of a complex sample is shared between its parts. As in PyTorch a contiguous array of 16 or more
    numbers is made 16 at a time, its last incomplete 16 from fresh numbers; any other one number by number.
    """
    if out.dtype.kind == "c":
        out = as_real(out)
        std = std / math.sqrt(2.0)
    n = out.size
    with stream.lock:
        if n < 16 or not out.flags.c_contiguous:
            _put(out, _shift(_standard_normal(n, stream), mean, std))
            return
        flat = out.reshape(-1)
        if out.dtype == _F64:
            _normal_blocks(flat, stream.doubles, _blocks64, mean, std)
        else:
            mean, std = float(np.float32(mean)), float(np.float32(std))
            transform = BoxMuller(min(n, _CHUNK) // 2 + 8)
            _normal_blocks(flat, stream.words, transform, mean, std)


def new_normal(shape: tuple[int, ...], dtype: np.dtype[Any], stream: MersenneTwister) -> NDArray[Any]:
    """A new array, standard normal."""
    out = np.empty(shape, dtype)
    if out.size < 16:
        with stream.lock:
            values = _standard_normal(out.size, stream)
        out[...] = (narrowed(values, dtype) if dtype.itemsize == 2 else values).reshape(shape)
    else:
        normal(out, 0.0, 1.0, stream)
    return out


def _normal_blocks(
    flat: NDArray[Any],
    draw: Callable[[int], NDArray[Any]],
    transform: Callable[[NDArray[Any], NDArray[Any]], None],
    mean: float,
    std: float,
) -> None:
    """Fill `flat` 16 at a time. A rest is filled together with as many before it as make 16, once more.

    float32 and float64 draw numbers for the rest and leave them; the 16-bit floats, made in float32, do not.
    """
    n, dtype = flat.size, flat.dtype
    half = dtype.itemsize == 2
    rest = n % 16
    whole = n - rest
    kind = _F32 if half else dtype
    for start in range(0, whole, _CHUNK):
        stop = min(start + _CHUNK, whole)
        last = stop == whole and rest != 0
        if last:  # the rest goes through the transform together with the last piece
            numbers = draw(stop - start + (16 if half else rest + 16))
            if not half:
                numbers[stop - start : -rest] = numbers[stop - start + rest :].copy()
                numbers = numbers[:-rest]
        else:
            numbers = draw(stop - start)
        values = np.empty(numbers.size, kind) if last or half else flat[start:stop]
        transform(numbers, values)
        _shift(values, mean, std)
        if last or half:
            flat[start:stop] = values[: stop - start]
            if last:
                flat[n - 16 :] = values[-16:]


def _blocks64(numbers: NDArray[Any], out: NDArray[Any]) -> None:
    """Box-Muller in float64: of every 16 numbers the first 8 give the radii and the last 8 the angles."""
    pairs, results = numbers.reshape(-1, 2, 8), out.reshape(-1, 2, 8)
    length = np.sqrt(-2.0 * libm("log", 1.0 - pairs[:, 0]))
    angle = TWO_PI * pairs[:, 1]
    np.multiply(length, libm("cos", angle), results[:, 0])
    np.multiply(length, libm("sin", angle), results[:, 1])


def _shift(values: NDArray[Any], mean: float, std: float) -> NDArray[Any]:
    """`values * std + mean`, in place."""
    if std == 1.0:
        values += mean  # also turns -0.0 into 0.0, as PyTorch's multiply-add does
    else:
        values[...] = fma(values, std, mean)
    return values


def _standard_normal(n: int, stream: MersenneTwister) -> NDArray[Any]:
    """`n` float64 standard normals, one at a time: the sine half of each pair is kept for the next."""
    kept = stream.double_normal
    values: Any = [] if kept is None else [kept + 0.0]
    pairs = (n - len(values) + 1) // 2
    if pairs <= 16:
        if pairs:
            numbers = iter(stream.doubles(2 * pairs).tolist())
            for turn, height in zip(numbers, numbers, strict=True):
                length, angle = math.sqrt(-2.0 * math.log1p(-height)), TWO_PI * turn
                values.append(length * math.cos(angle) + 0.0)
                values.append(length * math.sin(angle))
        out = np.array(values, np.float64)
    else:
        numbers = stream.doubles(2 * pairs)
        lengths, angles = np.sqrt(-2.0 * libm("log1p", -numbers[1::2])), TWO_PI * numbers[0::2]
        offset = len(values)
        out = np.empty(offset + 2 * pairs)
        out[:offset] = values
        np.multiply(lengths, libm("cos", angles), out[offset::2])
        np.multiply(lengths, libm("sin", angles), out[offset + 1 :: 2])
    if out.size > n:
        stream.double_normal = float(out[n])
        return out[:n]
    stream.double_normal = None
    return out


def log_normal(out: NDArray[Any], mean: float, std: float, stream: MersenneTwister) -> None:
    """The exponential of a normal: floating dtypes."""
    with stream.lock:
        _put(out, libm("exp", _shift(_standard_normal(out.size, stream), mean, std)))


# ----------------------------------------------------------------------------------------- other continuous ones, coins


def exponential(out: NDArray[Any], rate: float, stream: MersenneTwister) -> None:
    """Exponential of rate `rate`: floating dtypes."""
    factor = -1.0 / rate
    with stream.lock:
        _fill(out, lambda n: factor * libm("log1p", -stream.doubles(n)))


def cauchy(out: NDArray[Any], median: float, sigma: float, stream: MersenneTwister) -> None:
    """Cauchy of location `median` and scale `sigma`: floating dtypes."""
    with stream.lock:
        _fill(out, lambda n: fma(libm("tan", math.pi * (stream.doubles(n) - 0.5)), sigma, median))


def geometric(out: NDArray[Any], p: float, stream: MersenneTwister) -> None:
    """Geometric, the number of trials up to the first success: floating and integer dtypes."""
    scale = math.log1p(-p)
    with stream.lock:
        _fill(out, lambda n: np.ceil(libm("log", stream.doubles(n)) / scale))


def bernoulli(out: NDArray[Any], p: float | NDArray[Any], stream: MersenneTwister) -> None:
    """1 with probability `p`, else 0: any real dtype or bool. An array `p` is broadcast to the shape of `out`."""
    if not isinstance(p, np.ndarray):
        with stream.lock:
            _fill(out, lambda n: np.less(stream.doubles(n), p))
        return
    double = p.dtype == _F64
    with stream.lock:
        numbers = stream.doubles(out.size) if double else stream.floats(out.size)
    target, chance = in_memory_order(out, np.broadcast_to(p, out.shape))
    target[...] = np.less(numbers.reshape(target.shape), chance if double else chance.astype(np.float32))


# ------------------------------------------------------------------------------------------------------------- integers


def integers(out: NDArray[Any], low: int, span: int, stream: MersenneTwister) -> None:
    """Uniform integers in [low, low + span), `span` at most 2**64: any real dtype or bool."""

    def sample(n: int) -> NDArray[Any]:
        if span >= 1 << 28:  # with fewer than 36 bits to spare the remainder would be too uneven
            numbers = stream.long_words(n)
            if span < 1 << 64:
                numbers %= np.uint64(span)
        else:
            numbers = (stream.words(n) % np.uint32(span)).astype(np.uint64)
        numbers += np.uint64(low & 0xFFFFFFFFFFFFFFFF)
        return numbers.view(np.int64)

    with stream.lock:
        _fill(out, sample)


def integers_default(out: NDArray[Any], stream: MersenneTwister) -> None:
    """Uniform integers over the range of `random_()` without bounds: 0 to the largest of an integer dtype, 0 to
    2**digits of a floating one."""
    dtype = out.dtype
    wide = dtype in (np.dtype(np.int64), _F64)
    if dtype == _BOOL:
        span = 2
    elif dtype.kind in "iu":
        span = int(np.iinfo(dtype).max) + 1
    else:
        span = (1 << _DIGITS[dtype.name]) + 1

    def sample(n: int) -> NDArray[Any]:
        numbers = stream.long_words(n) if wide else stream.words(n).astype(np.uint64)
        return (numbers % np.uint64(span)).view(np.int64)

    with stream.lock:
        _fill(out, sample)


def permutation(out: NDArray[Any], stream: MersenneTwister) -> None:
    """A random permutation of 0, ..., n - 1 in the 1-d array `out`, by exchanges from front to back."""
    n = out.size
    with stream.lock:
        words = stream.words(max(n - 1, 0))
    targets = words % np.arange(n, 1, -1) + np.arange(words.size)
    if n > 1000:
        out[...] = narrowed(_exchange(targets), out.dtype)
        return
    order = list(range(n))
    for place, target in enumerate(targets.tolist()):
        order[place], order[target] = order[target], order[place]
    out[...] = narrowed(np.array(order, np.int64), out.dtype)


def _exchange(targets: NDArray[Any]) -> NDArray[Any]:
    """The permutation that results from exchanging places i and targets[i] >= i, for i = 0, 1, ... in turn.

    Step i brings to place i what lies at its target: what the last earlier step with that target put there, which is
    what lay at that step's own place; or the target's own number, if there was none. So the places form chains, and
    all of them are followed at once, in strides that double.
    """
    steps = targets.size
    key = np.sort((targets << 32) | np.arange(steps))
    step, target = key & 0xFFFFFFFF, key >> 32
    same = target[1:] == target[:-1]
    before = np.full(steps + 1, -1)  # the last earlier step with the same target
    before[step[1:][same]] = step[:-1][same]
    last = np.append(~same, True)
    step, target = step[last], target[last]
    step = np.where(step == target, before[step], step)  # an exchange with itself brings nothing
    found = step >= 0
    origin = np.arange(steps + 1)
    origin[target[found]] = step[found]
    while True:
        further = origin[origin]
        if np.array_equal(further, origin):
            break
        origin = further
    order = np.where(before >= 0, origin[before], np.append(targets, origin[-1]))
    return order.astype(np.int64, copy=False)


def choose(weights: NDArray[Any], out: NDArray[Any], stream: MersenneTwister) -> None:
    """Draw with replacement: for each row of `weights` (2-d) fill the row of `out` (int64) with column numbers."""
    kind = np.float64 if weights.dtype == _F64 else np.float32
    with stream.lock:
        for row, result in zip(weights.astype(kind), out, strict=True):
            sums = np.add.accumulate(row, dtype=kind)
            sums /= sums[-1]
            sums[-1] = 1.0
            result[...] = np.searchsorted(sums.astype(np.float64), stream.doubles(result.size), side="left")


def choose_distinct(weights: NDArray[Any], count: int, stream: MersenneTwister) -> NDArray[Any]:
    """Draw `count` columns without replacement from each row of `weights` (1-d or 2-d): int64.

    The columns of the largest `weight / e`, `e` exponential. Equal quotients come in the order of their columns,
    where PyTorch has the order that its partial sort happens to leave. Only zero weights have them, and the 16-bit
    floats.
    """
    race = empty_like(weights, weights.dtype)
    exponential(race, 1.0, stream)
    np.divide(weights, race, out=race)
    if count == 1:
        winner: NDArray[Any] = np.argmax(race, axis=-1, keepdims=True)
        return winner
    order: NDArray[Any] = np.argsort(-race, axis=-1, kind="stable")
    return order[..., :count].astype(np.int64)
