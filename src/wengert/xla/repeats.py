"""Periodic runs in a sequence of integers: where a loop was written out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.int64]]


def ranked(keys: Array) -> Array:
    """Equal numbers for equal keys, from 0."""
    found: Array = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return found


def since_last(ids: Array) -> Array:
    """How far back each number occurred before; 0 if it did not."""
    order = np.argsort(ids, kind="stable")
    found = np.zeros(len(ids), np.int64)
    again = ids[order[1:]] == ids[order[:-1]]
    found[order[1:][again]] = np.diff(order)[again]
    return found


def periodic_runs(ids: Array, least: int) -> Iterator[tuple[int, int, int]]:
    """(period, start, length) of runs with `ids[i] == ids[i + period]` throughout, of at least `least` periods.

    The distance to the previous occurrence of the same k numbers in a row is constant inside of a run, as soon as k is so
    large that they occur once in a period. k is doubled, so this takes n (log n)² steps. Shorter periods come first.
    """
    grams, k = ranked(ids), 1
    found = set()
    while True:
        apart = since_last(grams)
        if not apart.any():
            break
        edges = np.flatnonzero(np.diff(apart)) + 1
        starts, ends = np.concatenate(([0], edges)), np.concatenate((edges, [len(apart)]))
        periods = apart[starts]
        lengths = ends - starts + periods + k - 1
        for n in np.flatnonzero((periods > 0) & (lengths >= least * periods)):
            found.add((int(periods[n]), int(starts[n] - periods[n]), int(lengths[n])))
        if len(grams) <= k:
            break
        grams = ranked(grams[:-k] * (grams.max() + 1) + grams[k:])
        k *= 2
    yield from sorted(found, key=lambda run: (run[0], -run[2], run[1]))


__all__ = ["periodic_runs"]
