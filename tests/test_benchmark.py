"""torch.utils.benchmark measures what it says it measures."""

from __future__ import annotations

import time

import pytest

import wengert
from wengert.utils.benchmark import Compare, Timer


def test_times() -> None:
    found = Timer("sleep(0.002)", globals={"sleep": time.sleep}).timeit(5)
    assert found.number_per_run == 5 and len(found.times) == 1 and 0.002 <= found.median < 0.2
    assert found.median == found.mean == found.raw_times[0] / 5 and found.iqr == 0
    lines = repr(found).split("\n")
    assert lines[1] == "sleep(0.002)" and lines[2].endswith(" ms") and lines[3] == "  1 measurement, 5 runs , 1 thread"


def test_blocks() -> None:
    seen: list[int] = []
    timer = Timer("x + 1", setup="y = 1", globals={"x": wengert.ones(2)}, label="sum", sub_label="two", description="plain")
    found = timer.blocked_autorange(lambda n, t: seen.append(n), min_run_time=0.05)
    assert sum(found.raw_times) >= 0.05 and seen == [found.number_per_run] * len(found.raw_times)
    assert found.title == "sum: two" and "setup: y = 1" in repr(found) and 0 < found.median < 1e-3
    assert timer.adaptive_autorange(max_run_time=0.2).median > 0


def test_compare() -> None:
    results = [Timer("pass", label="nothing", sub_label=s, description=d).timeit(10) for s in "ab" for d in ("x", "y")]
    table = str(Compare(results))
    assert "nothing" in table and "1 threads: " in table and table.count("\n      a  ") == table.count("\n      b  ") == 1
    assert "Times are in nanoseconds (ns)." in table


def test_refusals() -> None:
    with pytest.raises(NotImplementedError):
        Timer("", language="c++")
    with pytest.raises(NameError):
        Timer("nobody").timeit(1)
