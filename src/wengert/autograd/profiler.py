"""A profiler of public operations: how often each was called and how long it took, by Python's clock.

While a profile runs, the functions and methods of this package pass through it (see `core.intercept`) and leave their
straight lines: small operations take longer than they do otherwise, and the profiler's own work is part of the time of
whatever encloses a call. `backward` is one entry: what the engine runs are no public calls.
"""

from __future__ import annotations

import functools
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any

from ..core.intercept import arm, listen, named_functions
from ..core.modes import Mode, mode, set_mode
from ..core.tensor import Tensor

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "profile", "record_function"]

#: questions about a tensor, and machinery: no operations
_UNTIMED = frozenset(
    """size dim ndimension numel nelement stride storage_offset data_ptr element_size is_floating_point is_complex
    is_contiguous is_signed is_inference is_leaf is_set_to get_device requires_grad_ register_hook retain_grad type
    register_post_accumulate_grad_hook untyped_storage storage is_tensor is_storage typename result_type finfo iinfo
    __len__ __repr__ __format__ __reduce_ex__ __setstate__ __deepcopy__ __copy__ __array_wrap__ __dlpack_device__
    _is_view as_subclass dim_order backward_hook has_names __contains__ __iter__ __reversed__ grad""".split()
)
_SPELLED = {
    "__radd__": "add", "__rmul__": "mul", "__truediv__": "div", "__rtruediv__": "div", "__iadd__": "add_",
    "__isub__": "sub_", "__imul__": "mul_", "__itruediv__": "div_", "__getitem__": "index", "__setitem__": "index_put_",
    "__rpow__": "pow", "__rsub__": "rsub", "__rmatmul__": "matmul", "__invert__": "bitwise_not",
}  # fmt: skip
_names: dict[Callable[..., Any], str] = {}


def _prepare() -> None:
    """Arm the operations and know their names; those of namespaces that are imported later, too."""
    listen(_prepare)
    fresh = {}
    for name, fn in named_functions():
        last = name.rpartition(".")[2]
        if fn in _names or fn in fresh or last in _UNTIMED or name.startswith("torch.autograd"):
            continue
        short = name.removeprefix("torch.").removeprefix("Tensor.").removeprefix("nn.functional.").replace(".", "_")
        known = _SPELLED.get(last)
        if known is None:
            known = last.strip("_") if last.startswith("__") else short
        fresh[fn] = "Tensor.backward" if short == "backward" else f"aten::{known}"
    arm(fresh)
    _names.update(fresh)


class FunctionEvent:
    """One call: `name`, `time_range` in microseconds, the calls inside it, the shapes of its tensors."""

    __slots__ = ("cpu_children", "cpu_parent", "input_shapes", "is_user_annotation", "name", "start_ns", "stop_ns", "thread")

    def __init__(self, name: str, shapes: list[Any], user: bool = False) -> None:
        self.name = self.key = name
        self.input_shapes = shapes
        self.is_user_annotation = user
        self.cpu_children: list[FunctionEvent] = []
        self.cpu_parent: int | None = None
        self.thread = threading.get_native_id()
        self.start_ns = self.stop_ns = 0

    @property
    def key(self) -> str:
        """The name."""
        return self.name

    @key.setter
    def key(self, value: str) -> None:
        self.name = value

    @property
    def count(self) -> int:
        """1."""
        return 1

    @property
    def cpu_time_total(self) -> float:
        """Microseconds from its beginning to its end."""
        return (self.stop_ns - self.start_ns) / 1000

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds outside the calls inside it."""
        return self.cpu_time_total - sum(e.cpu_time_total for e in self.cpu_children)

    def __repr__(self) -> str:
        return f"<FunctionEvent name={self.name} cpu_time={self.cpu_time_total:.3f}us input_shapes={self.input_shapes}>"


class FunctionEventAvg:
    """All calls of one name together."""

    def __init__(self, key: str, shapes: Any = None) -> None:
        self.key = key
        self.input_shapes = shapes
        self.count = 0
        self.cpu_time_total = 0.0
        self.self_cpu_time_total = 0.0

    @property
    def cpu_time(self) -> float:
        """Microseconds for one call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def add(self, event: Any) -> FunctionEventAvg:
        """Count `event` too."""
        self.count += event.count
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        return self

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={_shown(self.self_cpu_time_total)} "
            f"cpu_time={_shown(self.cpu_time)} input_shapes={self.input_shapes}>"
        )


def _shown(us: float) -> str:
    """A time as PyTorch writes it."""
    if us >= 1e6:
        return f"{us / 1e6:.3f}s"
    return f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


class EventList(list[Any]):
    """Events, or their averages, with what can be asked of them together."""

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all."""
        return float(sum(e.self_cpu_time_total for e in self))

    def key_averages(self, group_by_input_shape: bool = False, **_: Any) -> EventList:
        """The calls of each name (and shapes) together."""
        found: dict[Any, FunctionEventAvg] = {}
        for e in self:
            shapes = e.input_shapes if group_by_input_shape else None
            key = e.key, str(shapes)
            if key not in found:
                found[key] = FunctionEventAvg(e.key, shapes)
            found[key].add(e)
        return EventList(found.values())

    def total_average(self) -> FunctionEventAvg:
        """All together."""
        total = FunctionEventAvg("Total")
        for e in self:
            total.add(e)
        return total

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75,
        max_name_column_width: int = 55, max_shapes_column_width: int = 80, header: str | None = None,
        top_level_events_only: bool = False, **_: Any,
    ) -> str:  # fmt: skip
        """A table of names and times; `sort_by`: "cpu_time_total", "self_cpu_time_total", "cpu_time" or "count"."""
        rows = list(self)
        if sort_by is not None:
            rows.sort(key=lambda e: getattr(e, sort_by), reverse=True)
        if top_level_events_only:
            rows = [e for e in rows if getattr(e, "cpu_parent", None) is None]
        total = self.self_cpu_time_total
        shapes = any(e.input_shapes for e in rows)
        head = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls"]
        head += ["Input Shapes"] if shapes else []
        lines = []
        for e in rows[: row_limit if row_limit >= 0 else None]:
            name = e.key if len(e.key) <= max_name_column_width else e.key[: max_name_column_width - 3] + "..."
            share = [f"{100 * t / total if total else 0:.2f}%" for t in (e.self_cpu_time_total, e.cpu_time_total)]
            line = [name, share[0], _shown(e.self_cpu_time_total), share[1], _shown(e.cpu_time_total),
                    _shown(e.cpu_time_total / e.count), str(e.count)]  # fmt: skip
            lines.append([*line, str(e.input_shapes)[:max_shapes_column_width]] if shapes else line)
        widths = [max(len(row[i]) for row in (head, *lines)) + 2 for i in range(len(head))]
        rule = "  ".join("-" * w for w in widths)
        text = [rule, "  ".join(h.rjust(w) for h, w in zip(head, widths, strict=True)), rule]
        text += ["  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
        text += [rule, f"Self CPU time total: {_shown(total)}", ""]
        return "\n".join(([header] if header else []) + text)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace that chrome://tracing and Perfetto show. The file appears whole or not at all."""
        events = [
            {"ph": "X", "cat": "user_annotation" if e.is_user_annotation else "cpu_op", "name": e.name, "pid": os.getpid(),
             "tid": e.thread, "ts": e.start_ns / 1000, "dur": (e.stop_ns - e.start_ns) / 1000,
             "args": {"Input Dims": e.input_shapes}}
            for e in self
        ]  # fmt: skip
        target = os.fspath(path)
        handle, name = tempfile.mkstemp(dir=os.path.dirname(target) or ".")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"schemaVersion": 1, "traceEvents": events}, file)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise

    def __str__(self) -> str:
        return self.table()


class Recorder:
    """What the Mode holds while a profile runs."""

    __slots__ = ("events", "open", "shapes")

    def __init__(self, shapes: bool) -> None:
        self.events: list[FunctionEvent] = []
        self.open: list[FunctionEvent] = []
        self.shapes = shapes

    def call(self, fn: Any, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any], m: Mode) -> Any:
        """Run an operation and take its time."""
        name = _names.get(fn)
        run = original if m.autocast is None else functools.partial(_under_autocast, m, fn, original)
        if name is None:
            return run(*args, **kwargs)
        event = FunctionEvent(name, _shapes(args) if self.shapes else [])
        self.begin(event)
        try:
            return run(*args, **kwargs)
        finally:
            self.end(event)

    def begin(self, event: FunctionEvent) -> None:
        """`event` starts now, inside those that are open."""
        if self.open:
            parent = self.open[-1]
            parent.cpu_children.append(event)
            event.cpu_parent = id(parent)
        self.events.append(event)
        self.open.append(event)
        event.start_ns = perf_counter_ns()

    def end(self, event: FunctionEvent) -> None:
        """`event` ends now."""
        event.stop_ns = perf_counter_ns()
        self.open.pop()


def _under_autocast(m: Mode, fn: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return m.autocast.call(fn, original, args, kwargs, m)


def _shapes(args: Iterable[Any]) -> list[Any]:
    return [list(a.shape) if isinstance(a, Tensor) else [] for a in args]


class profile:
    """Context: time the operations inside. Read `key_averages()`, `events()`, `table()` after it.

    `record_shapes`: keep the shapes of tensor arguments. Memory, stacks, modules and flops are not recorded: to ask for
    them raises NotImplementedError.
    """

    def __init__(
        self, enabled: bool = True, *, use_device: Any = None, record_shapes: bool = False, with_flops: bool = False,
        profile_memory: bool = False, with_stack: bool = False, with_modules: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        for name, asked in (("with_flops", with_flops), ("profile_memory", profile_memory), ("with_stack", with_stack),
                            ("with_modules", with_modules), ("use_device", use_device)):  # fmt: skip
            if asked:
                raise NotImplementedError(f"torch.profiler.profile({name}={asked!r})")
        self.enabled = enabled
        self.record_shapes = record_shapes
        self._recorder: Recorder | None = None

    def start(self) -> None:
        """Begin to record."""
        if self.enabled:
            _prepare()
            self._recorder = Recorder(self.record_shapes)
            set_mode(mode().replace(profiler=self._recorder))

    def stop(self) -> None:
        """Record no longer."""
        if self.enabled:
            set_mode(mode().replace(profiler=None))

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def events(self) -> EventList:
        """All calls, in the order in which they began."""
        if self._recorder is None:
            raise RuntimeError("Profiler didn't finish running")
        return EventList(self._recorder.events)

    @property
    def function_events(self) -> EventList:
        """All calls."""
        return self.events()

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **_: Any) -> EventList:
        """The calls of each name together."""
        return self.events().key_averages(group_by_input_shape)

    def total_average(self) -> FunctionEventAvg:
        """All calls together."""
        return self.events().total_average()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """The calls as a table."""
        return self.events().table(sort_by, row_limit, **options)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in all operations."""
        return self.events().self_cpu_time_total

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a trace for chrome://tracing."""
        self.events().export_chrome_trace(path)


class record_function:
    """Context and decorator: a part of the program under a name of its own, where a profile runs."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._open: list[tuple[Recorder, FunctionEvent] | None] = []

    def __enter__(self) -> record_function:
        recorder = mode().profiler
        if recorder is None:
            self._open.append(None)
        else:
            event = FunctionEvent(self.name, [], user=True)
            recorder.begin(event)
            self._open.append((recorder, event))
        return self

    def __exit__(self, *exc: object) -> None:
        opened = self._open.pop()
        if opened is not None:
            opened[0].end(opened[1])

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def marked(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return func(*args, **kwargs)

        return marked
