"""The random numbers of this package, drawn in PyTorch's order so that a seed gives the same shuffle."""

from __future__ import annotations

from typing import Any


def draw_seed(generator: Any = None) -> int:
    """A 63-bit number from ``generator``, or from the default one."""
    import wengert

    return int(wengert.empty((), dtype=wengert.int64).random_(generator=generator).item())


def seeded(seed: int) -> Any:
    """A new generator."""
    import wengert

    generator = wengert.Generator()
    generator.manual_seed(seed)
    return generator


def randperm(n: int, generator: Any = None) -> list[int]:
    """A permutation of ``range(n)``."""
    import wengert

    return wengert.randperm(n, generator=generator).tolist()  # type: ignore[no-any-return]


def randint(high: int, size: int, generator: Any = None) -> list[int]:
    """``size`` numbers below ``high``."""
    import wengert

    return wengert.randint(high=high, size=(size,), dtype=wengert.int64, generator=generator).tolist()  # type: ignore[no-any-return]
