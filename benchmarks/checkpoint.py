"""What checkpointing saves: bytes that the graph keeps, and the time that the second runs take.

python benchmarks/checkpoint.py [layers] [width]

Bytes are what tracemalloc counts, NumPy's memory among them: what is alive after forward, and the peak of forward and
backward, both less what was alive before. Times are ratios to the run without checkpoints, in the same process (with
tracemalloc off).
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import wengert as torch
from wengert.utils.checkpoint import checkpoint_sequential


def memory(forward: Callable[[Any], Any], x: Any) -> tuple[int, int]:
    """(bytes that the graph keeps after forward, peak of forward and backward)"""
    x.grad = None
    gc.collect()
    tracemalloc.start()
    y = forward(x).sum()
    kept, _ = tracemalloc.get_traced_memory()
    y.backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept, peak


def seconds(forward: Callable[[Any], Any], x: Any) -> float:
    """Forward and backward, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        forward(x).sum().backward()
        best = min(best, time.perf_counter() - start)
    return best


def main(layers: int = 64, width: int = 64) -> None:
    torch.manual_seed(0)
    steps: list[Any] = []
    for _ in range(layers):
        steps += [torch.nn.Linear(width, width), torch.nn.Tanh()]
    model = torch.nn.Sequential(*steps)
    x = torch.randn(1024, width, requires_grad=True)
    model(x).sum().backward()  # so that the parameters have their gradients
    plain_kept, plain_peak = memory(model, x)
    plain_time = seconds(model, x)
    print(f"{layers} layers of {width}: the graph keeps {plain_kept / 1e6:.2f} MB, peak {plain_peak / 1e6:.2f} MB")
    print(f"{'segments':>8} {'use_reentrant':>14} {'kept, MB':>9} {'of plain':>9} {'peak, MB':>9} {'of plain':>9} {'time':>6}")
    for segments in (2, 4, 8, 16):
        for use_reentrant in (False, True):

            def forward(x: Any, n: int = segments, reentrant: bool = use_reentrant) -> Any:
                return checkpoint_sequential(model, n, x, use_reentrant=reentrant)

            kept, peak = memory(forward, x)
            print(
                f"{segments:>8} {use_reentrant!s:>14} {kept / 1e6:>9.2f} {kept / plain_kept:>9.2f} {peak / 1e6:>9.2f} "
                f"{peak / plain_peak:>9.2f} {seconds(forward, x) / plain_time:>6.2f}"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
