"""The Mersenne Twister (MT19937) as PyTorch's CPU generator uses it: raw numbers, and the 5056 bytes of its state.

NumPy's bit generator makes the 32-bit numbers; this class gives them out in PyTorch's order and grain: a uniform
float32 from the low 24 bits of one number, a uniform float64 from the low 53 bits of two (high half first).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# The layout PyTorch writes: an older generator's record, then the fields that came later, padded to 8 bytes.
_LAYOUT = np.dtype(
    {
        "names": ["seed", "left", "seeded", "next", "key", "double_normal", "has_double", "float_normal", "has_float"],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", 624), "<f8", "<i4", "<f4", "u1"],
        "offsets": [0, 8, 12, 16, 24, 5024, 5040, 5048, 5052],
        "itemsize": 5056,
    }
)
STATE_SIZE = _LAYOUT.itemsize

_SMALL = 1024  # up to here `random_raw`, with less overhead per call; above it `integers`, with less per number
# 0-d arrays: NumPy takes them with less overhead than Python's numbers
_24_BITS, _21_BITS, _32 = np.array(0xFFFFFF, np.uint64), np.array(0x1FFFFF, np.uint64), np.array(32, np.uint64)
_24_BITS_SHORT = np.array(0xFFFFFF, np.uint32)
_FLOAT_SCALE = np.array(2.0**-24, np.float32)
_DOUBLE_SCALE = np.array(2.0**-53)


class MersenneTwister:
    """A stream of random numbers, and the second normal sample that Box-Muller left over.

    Hold `lock` while drawing: one call of a sampler takes its numbers from the stream in one piece.
    """

    __slots__ = ("_bits", "_fresh", "_integers", "_legacy", "_raw", "double_normal", "float_normal", "lock", "seed")

    def __init__(self, seed: int) -> None:
        from numpy.random import MT19937, Generator, RandomState

        self.lock = threading.Lock()
        self._bits = MT19937(0)
        self._legacy = RandomState(self._bits)
        self._raw = self._bits.random_raw
        self._integers = Generator(self._bits).integers
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> None:
        """Start the stream of `seed` (0 to 2**64 - 1; only the low 32 bits decide the numbers)."""
        self._legacy.seed(seed & 0xFFFFFFFF)
        self.seed = seed
        self.double_normal: float | None = None
        self.float_normal: float | None = None
        self._fresh: NDArray[Any] | None = self._bits.state["state"]["key"]

    # ---------------------------------------------------------------------------------------------------------- numbers

    def words(self, n: int) -> NDArray[Any]:
        """`n` 32-bit numbers (uint32)."""
        if n < _SMALL:
            return self._raw(n).astype(np.uint32)
        return self._integers(0, 1 << 32, n, dtype=np.uint32)

    def long_words(self, n: int) -> NDArray[Any]:
        """`n` 64-bit numbers (uint64), each from two 32-bit ones, the high half first."""
        raw = self._raw(2 * n)
        high: NDArray[Any] = np.left_shift(raw[0::2], _32)
        high |= raw[1::2]
        return high

    def floats(self, n: int) -> NDArray[Any]:
        """`n` float32 numbers, uniform on the multiples of 2**-24 in [0, 1)."""
        if n < _SMALL:
            raw = self._raw(n)
            out = np.bitwise_and(raw, _24_BITS, raw).astype(np.float32)
        else:
            words = self._integers(0, 1 << 32, n, dtype=np.uint32)
            out = np.bitwise_and(words, _24_BITS_SHORT, words).view(np.int32).astype(np.float32)
        return np.multiply(out, _FLOAT_SCALE, out)

    def doubles(self, n: int) -> NDArray[Any]:
        """`n` float64 numbers, uniform on the multiples of 2**-53 in [0, 1)."""
        raw = self._raw(2 * n)
        high = np.bitwise_and(raw[0::2], _21_BITS)
        np.left_shift(high, _32, high)
        out = np.bitwise_or(high, raw[1::2], high).view(np.int64).astype(np.float64)
        out *= _DOUBLE_SCALE
        return out

    # ------------------------------------------------------------------------------------------------------------ state

    def position(self) -> Mapping[str, Any]:
        """A mark in the stream, to return to with `rewind`."""
        return self._bits.state

    def rewind(self, position: Mapping[str, Any]) -> None:
        """Go back to where `position` was called."""
        self._bits.state = position  # type: ignore[assignment]

    def get_state(self) -> NDArray[Any]:
        """The state as PyTorch's `get_rng_state` gives it: 5056 bytes (uint8)."""
        state = self._bits.state["state"]
        key, position = state["key"], int(state["pos"])
        if position == 624 and self._fresh is not None and np.array_equal(key, self._fresh):
            position = 0  # nothing drawn yet: PyTorch marks this with next = 0
        record = np.zeros((), _LAYOUT)
        record["seed"] = self.seed
        record["left"] = 625 - position if position else 1
        record["seeded"] = 1
        record["next"] = position
        record["key"] = key
        if self.double_normal is not None:
            record["double_normal"], record["has_double"] = self.double_normal, 1
        if self.float_normal is not None:
            record["float_normal"], record["has_float"] = self.float_normal, 1
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: NDArray[Any]) -> None:
        """Take over a state of `get_state` or of PyTorch. Raises RuntimeError where PyTorch does."""
        if state.size != STATE_SIZE:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_SIZE} "
                f"but found the input RNG state size to be {state.size}"
            )
        record = np.frombuffer(np.ascontiguousarray(state).tobytes(), _LAYOUT)[0]
        left, position = int(record["left"]), int(record["next"]) & 0xFFFFFFFF
        if not (record["seeded"] and 0 < left <= 624 and position <= 624):
            raise RuntimeError("Invalid mt19937 state")
        if left != (625 - position if position else 1):
            raise RuntimeError("Invalid mt19937 state: the fields `left` and `next` contradict each other")
        key = record["key"].astype(np.uint32)
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": position or 624}}
        self._fresh = None if position else key
        self.seed = int(record["seed"])
        self.double_normal = float(record["double_normal"]) if record["has_double"] else None
        self.float_normal = float(record["float_normal"]) if record["has_float"] else None

    def clone(self) -> MersenneTwister:
        """An independent stream that goes on with the same numbers."""
        other = MersenneTwister(0)
        with self.lock:
            other.seed, other._fresh = self.seed, self._fresh
            other.double_normal, other.float_normal = self.double_normal, self.float_normal
            other._bits.state = self._bits.state
        return other
