"""torch.multiprocessing: Python's. Tensors that go to another process are copied, memory is not shared."""

from __future__ import annotations

import multiprocessing as _multiprocessing
from collections.abc import Callable
from typing import Any

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn"]

_STRATEGY = "file_system"


def get_all_sharing_strategies() -> set[str]:
    """What PyTorch knows; here tensors are copied, whatever is chosen."""
    return {"file_descriptor", "file_system"}


def get_sharing_strategy() -> str:
    """What was set."""
    return _STRATEGY


def set_sharing_strategy(new_strategy: str) -> None:
    """Remembered only."""
    global _STRATEGY
    assert new_strategy in get_all_sharing_strategies()
    _STRATEGY = new_strategy


def spawn(
    fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> list[Any] | None:  # fmt: skip
    """Run `fn(i, *args)` in `nprocs` processes and wait for them (join=False: return them).

    Raises RuntimeError if one of them fails.
    """
    context = _multiprocessing.get_context(start_method)
    processes = [context.Process(target=fn, args=(i, *args), daemon=daemon) for i in range(nprocs)]  # type: ignore[attr-defined]
    for process in processes:
        process.start()
    if not join:
        return processes
    for i, process in enumerate(processes):
        process.join()
        if process.exitcode:
            for other in processes:
                if other.is_alive():
                    other.terminate()
            raise RuntimeError(f"process {i} terminated with exit code {process.exitcode}")
    return None


def __getattr__(name: str) -> Any:
    return getattr(_multiprocessing, name)
