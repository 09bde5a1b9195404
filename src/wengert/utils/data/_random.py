"""The random numbers of this package, drawn in PyTorch's order so that a seed gives the same shuffle."""

from __future__ import annotations

from typing import Any

from ...core.dtypes import int64
from ...core.generator import Generator
from ...ops.install import FUNCTIONS


def draw_seed(generator: Any = None) -> int:
    """A 63-bit number from ``generator``, or from the default one."""
    return int(FUNCTIONS["empty"]((), dtype=int64).random_(generator=generator).item())


def seeded(seed: int) -> Generator:
    """A new generator."""
    generator = Generator()
    generator.manual_seed(seed)
    return generator


def randperm(n: int, generator: Any = None) -> list[int]:
    """A permutation of ``range(n)``."""
    return FUNCTIONS["randperm"](n, generator=generator).tolist()  # type: ignore[no-any-return]


def randint(high: int, size: int, generator: Any = None) -> list[int]:
    """``size`` numbers below ``high``."""
    numbers = FUNCTIONS["randint"](high=high, size=(size,), dtype=int64, generator=generator)
    return numbers.tolist()  # type: ignore[no-any-return]
