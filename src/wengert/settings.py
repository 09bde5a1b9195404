"""Settings of the process that PyTorch programs make: threads, determinism, precision of matrix products.

What is computed here is deterministic and of full precision always, so most of them are only remembered.
"""

from __future__ import annotations

import os
from typing import Any

from .core.errors import warn

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads",
    "is_deterministic_algorithms_warn_only_enabled",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_num_threads",
    "use_deterministic_algorithms",
]

_values: dict[str, Any] = {"deterministic": False, "warn_only": False, "precision": "highest", "threads": None, "inter": None}
_limits: list[Any] = []


def _default_threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdigit() and int(given):
        return int(given)
    return max(1, (os.cpu_count() or 1))


def get_num_threads() -> int:
    """How many threads matrix products may use."""
    return _values["threads"] or _default_threads()


def set_num_threads(n: int) -> None:
    """Limit the threads of NumPy's matrix products, through threadpoolctl if it is installed (else only remembered).

    Raises RuntimeError for what is no positive int.
    """
    if not isinstance(n, int) or isinstance(n, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    if n <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _values["threads"] = n
    try:
        from threadpoolctl import threadpool_limits  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return
    _limits[:] = [threadpool_limits(n)]


def get_num_interop_threads() -> int:
    """How many threads operations may be spread over; remembered only."""
    return _values["inter"] or max(1, _default_threads())


def set_num_interop_threads(n: int) -> None:
    """Remembered only: operations run one after the other. Raises RuntimeError for what is no positive int."""
    if not isinstance(n, int) or isinstance(n, bool):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(n).__name__}")
    if n <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _values["inter"] = n


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remembered: the operations here are deterministic anyway."""
    if not isinstance(mode, bool):
        raise TypeError(
            f"_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not {type(mode).__name__}"
        )
    _values["deterministic"], _values["warn_only"] = mode, bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms(True)` holds."""
    return _values["deterministic"]  # type: ignore[no-any-return]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether operations that are not deterministic would only warn."""
    return _values["warn_only"]  # type: ignore[no-any-return]


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 or "default", 1 or "warn", 2 or "error"."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        names = ("default", "warn", "error")
        if debug_mode not in names:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = names.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """0: default, 1: warn, 2: error."""
    if not _values["deterministic"]:
        return 0
    return 1 if _values["warn_only"] else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Remembered: products of float32 matrices are of float32 precision always."""
    if precision not in ("highest", "high", "medium"):
        warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the currentsetFloat32MatmulPrecision call has no "
            "effect."
        )
        return
    _values["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given."""
    return _values["precision"]  # type: ignore[no-any-return]


def set_flush_denormal(mode: bool) -> bool:
    """Whether denormal numbers are flushed to zero as asked: switching it on is not possible here (False)."""
    return not mode
