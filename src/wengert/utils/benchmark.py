"""torch.utils.benchmark: time a statement, and lay measurements side by side."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

__all__ = ["Compare", "Measurement", "Timer"]

_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))
_LONG = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def _unit(seconds: float) -> tuple[str, float]:
    return next((pair for pair in _UNITS if seconds >= pair[1]), _UNITS[-1])


class Measurement:
    """Times of a statement: `raw_times` of `number_per_run` runs each, in seconds."""

    def __init__(self, number_per_run: int, raw_times: list[float], task: Timer) -> None:
        self.number_per_run = number_per_run
        self.raw_times = raw_times
        self.task_spec = task

    @property
    def times(self) -> list[float]:
        """Seconds for one run, by measurement."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self) -> float:
        """The mean of `times`."""
        return statistics.fmean(self.times)

    @property
    def median(self) -> float:
        """The median of `times`."""
        return statistics.median(self.times)

    @property
    def iqr(self) -> float:
        """The distance of the quartiles of `times`."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    @property
    def has_warnings(self) -> bool:
        """Whether the times scatter."""
        return self.iqr > 0.1 * self.median

    @property
    def title(self) -> str:
        """Label and sub-label, else the statement."""
        t = self.task_spec
        return (t.label or t.stmt) + (f": {t.sub_label}" if t.sub_label else "")

    def __repr__(self) -> str:
        t = self.task_spec
        unit, scale = _unit(self.median)
        lines = [f"<torch.utils.benchmark.utils.common.Measurement object at {id(self):#x}>", self.title]
        lines += [t.description] if t.description else []
        lines += [f"setup: {t.setup}"] if t.setup != "pass" else []
        several = len(self.raw_times) > 1
        lines.append(f"  {'Median: ' if several else ''}{self.median / scale:.2f} {unit}")
        n, threads = len(self.raw_times), t.num_threads
        each = f"{self.number_per_run} runs per measurement," if several else f"{self.number_per_run} runs ,"
        lines.append(f"  {n} measurement{'s' if several else ''}, {each} {threads} thread{'s' if threads > 1 else ''}")
        if self.has_warnings:
            share = 100 * self.iqr / self.median
            lines += [
                f"  WARNING: Interquartile range is {share:.1f}% of the median measurement.",
                "           This could indicate system fluctuation.",
            ]
        return "\n".join(lines)


class Timer:
    """Times `stmt` after `setup`, with the names of `globals`. A first run that does not count warms up."""

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "",
        timer: Callable[[], float] = perf_counter, globals: dict[str, Any] | None = None, label: str | None = None,
        sub_label: str | None = None, description: str | None = None, env: str | None = None, num_threads: int = 1,
        language: Any = "python",
    ) -> None:  # fmt: skip
        if global_setup or str(language).lower() not in ("python", "py"):
            raise NotImplementedError("torch.utils.benchmark.Timer for C++")
        if num_threads < 1:
            raise ValueError("num_threads must be positive")
        self.stmt, self.setup = stmt, setup
        self.label, self.sub_label, self.description, self.env = label, sub_label, description, env
        self.num_threads = num_threads
        names = dict(globals or {})
        names.setdefault("torch", __import__(__name__.partition(".")[0]))
        self._timer = timeit.Timer(stmt=stmt, setup=setup, timer=timer, globals=names)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One measurement of `number` runs."""
        with _threads(self.num_threads):
            self._timer.timeit(max(number // 100, 2))
            return Measurement(number, [self._timer.timeit(number)], self)

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Measurements of as many runs as make the clock's own time small, until `min_run_time` seconds are spent."""
        with _threads(self.num_threads):
            number = self._block(min_run_time)
            times: list[float] = []
            while sum(times) < min_run_time:
                times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, times[-1])
        return Measurement(number, times, self)

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:  # fmt: skip
        """Measurements until the quartiles are within `threshold` of the median, or `max_run_time` seconds are spent."""
        with _threads(self.num_threads):
            number = self._block(min_run_time)
            times: list[float] = []
            while sum(times) < max_run_time:
                times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, times[-1])
                found = Measurement(number, times, self)
                if len(times) > 3 and sum(times) >= min_run_time and found.iqr < threshold * found.median:
                    break
        return Measurement(number, times, self)

    def _block(self, min_run_time: float) -> int:
        """How many runs make one measurement: enough to take a thousandth of the whole time, and to drown the clock."""
        overhead = statistics.median(self._timer.timeit(0) for _ in range(5))
        number = 1
        while True:
            took = self._timer.timeit(number)
            if (took and overhead / took <= 1e-4 and took >= min_run_time / 1000) or took > min_run_time:
                return number
            number *= 10


class _threads:
    """Context: as many threads for NumPy's kernels as are asked for."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> None:
        from ..settings import get_num_threads, set_num_threads

        self.before = get_num_threads()
        if self.number != self.before:
            set_num_threads(self.number)

    def __exit__(self, *exc: object) -> None:
        from ..settings import set_num_threads

        if self.number != self.before:
            set_num_threads(self.before)


class Compare:
    """Measurements as a table: a row for each sub-label (or statement), a column for each description."""

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results = list(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """More measurements."""
        self._results += results

    def __str__(self) -> str:
        text = []
        for label in dict.fromkeys(r.task_spec.label or r.task_spec.stmt for r in self._results):
            of_label = [r for r in self._results if (r.task_spec.label or r.task_spec.stmt) == label]
            unit, scale = _unit(min(r.median for r in of_label))
            columns = list(dict.fromkeys(r.task_spec.description or "" for r in of_label))
            rows = list(dict.fromkeys((r.task_spec.num_threads, r.task_spec.sub_label or r.task_spec.stmt) for r in of_label))
            cells = {
                (r.task_spec.num_threads, r.task_spec.sub_label or r.task_spec.stmt, r.task_spec.description or ""): r
                for r in of_label
            }
            shown = {key: f"{r.median / scale:.1f}" for key, r in cells.items()}
            wide = max(len("1 threads: "), *(6 + len(name) + 2 for _, name in rows))
            widths = [max(len(c), *(len(shown.get((n, s, c), "")) for n, s in rows)) + 2 for c in columns]
            line = " " * wide + "|" + "|".join(c.center(w) for c, w in zip(columns, widths, strict=True))
            text += [f"[{f' {label} '.center(len(line) - 2, '-')}]", line]
            for threads in sorted({n for n, _ in rows}):
                text.append(f"{threads} threads: ".ljust(wide, "-") + "-" * (len(line) - wide))
                for n, name in rows:
                    if n == threads:
                        values = [shown.get((n, name, c), "").rjust(w) for c, w in zip(columns, widths, strict=True)]
                        text.append(("      " + name).ljust(wide) + "|" + "|".join(values))
            text += ["", f"Times are in {_LONG[unit]} ({unit}).", ""]
        return "\n".join(text)

    def print(self) -> None:
        """Print the table."""
        print(str(self))
