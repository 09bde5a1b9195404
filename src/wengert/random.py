"""torch.random: seeding the default generator, and its state."""

from __future__ import annotations

from .core.generator import (
    Generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .core.generator import default_generator as default_generator

__all__ = [
    "set_rng_state",
    "get_rng_state",
    "manual_seed",
    "seed",
    "initial_seed",
    "fork_rng",
    "thread_safe_generator",
]


def thread_safe_generator() -> Generator | None:
    """The generator of the data-loading thread that asks; None, as here, where there are no such threads."""
    return None
