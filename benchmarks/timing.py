"""Side by side with PyTorch in one process and one run: interleaved rounds, the ratio of the medians."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

Workload = Callable[[ModuleType], Callable[[], Any]]


def implementations() -> tuple[ModuleType, ModuleType | None]:
    """wengert, and PyTorch where it is installed (with one thread)."""
    import wengert

    try:
        import torch
    except ImportError:
        return wengert, None
    torch.set_num_threads(1)
    return wengert, torch


def seconds_per_call(step: Callable[[], Any], calls: int) -> float:
    """The mean over `calls` calls."""
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls


def calibrate(step: Callable[[], Any], goal: float = 0.05) -> int:
    """How many calls take about `goal` seconds."""
    step()
    calls = 1
    while True:
        took = seconds_per_call(step, calls) * calls
        if took >= goal / 4:
            return max(1, int(calls * goal / took))
        calls *= 4


def compare(name: str, workload: Workload, target: float | None = None, rounds: int = 9) -> float | None:
    """Print wengert's and PyTorch's time of one call of `workload(torch)()`, and their ratio."""
    ours, theirs = implementations()
    step = workload(ours)
    calls = calibrate(step)
    if theirs is None:
        took = min(seconds_per_call(step, calls) for _ in range(rounds))
        print(f"{name:44s} {took * 1e6:10.2f} us   (PyTorch is not installed)")
        return None
    other = workload(theirs)
    other_calls = calibrate(other)
    a, b = [], []
    for _ in range(rounds):
        a.append(seconds_per_call(step, calls))
        b.append(seconds_per_call(other, other_calls))
    mine, its = statistics.median(a), statistics.median(b)
    ratio = statistics.median(x / y for x, y in zip(a, b, strict=True))
    goal = "" if target is None else f"   target {target:.2f}  {'ok' if ratio <= target else 'ABOVE'}"
    print(f"{name:44s} {mine * 1e6:10.2f} us {its * 1e6:10.2f} us   ratio {ratio:5.2f}{goal}", flush=True)
    return ratio


def header() -> None:
    """What is compared with what."""
    ours, theirs = implementations()
    import numpy

    print(f"wengert {ours.__version__}, NumPy {numpy.__version__}, PyTorch {theirs.__version__ if theirs else '-'}, "
          f"Python {sys.version.split()[0]}, one thread each")  # fmt: skip
    print(f"{'':44s} {'wengert':>13s} {'PyTorch':>13s}")
