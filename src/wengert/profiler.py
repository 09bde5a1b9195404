"""torch.profiler: the profiler of `autograd.profiler`, with PyTorch's schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from .autograd.profiler import profile as _profile
from .autograd.profiler import record_function

__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "supported_activities",
           "tensorboard_trace_handler"]  # fmt: skip


class ProfilerActivity(Enum):
    """What PyTorch's profiler can watch."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(Enum):
    """What a schedule asks for in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The CPU."""
    return {ProfilerActivity.CPU}


class profile(_profile):
    """`autograd.profiler.profile` with a schedule: `step()` moves on, and `on_trace_ready(self)` is called whenever a
    stretch that is to be saved has ended (without a schedule: at the end of the context)."""

    def __init__(
        self, *, activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None, record_shapes: bool = False, profile_memory: bool = False,
        with_stack: bool = False, with_flops: bool = False, with_modules: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        wanted = set(activities) if activities is not None else {ProfilerActivity.CPU}
        if ProfilerActivity.CPU not in wanted:
            raise NotImplementedError("torch.profiler.profile without ProfilerActivity.CPU: there is no other device here")
        super().__init__(record_shapes=record_shapes, profile_memory=profile_memory, with_stack=with_stack,
                         with_flops=with_flops, with_modules=with_modules)  # fmt: skip
        self.schedule = schedule
        self.on_trace_ready = on_trace_ready
        self.step_num = 0

    def _action(self) -> ProfilerAction:
        return ProfilerAction.RECORD_AND_SAVE if self.schedule is None else self.schedule(self.step_num)

    def _recording(self) -> bool:
        return self._action() in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)

    def __enter__(self) -> Any:
        if self._recording():
            self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._recording():
            self._saved()

    def step(self) -> None:
        """The next step of the program begins."""
        before = self._action()
        was = self._recording()
        self.step_num += 1
        if was and (before is ProfilerAction.RECORD_AND_SAVE and self.schedule is not None):
            self._saved()
            was = False
        elif was and not self._recording():
            self.stop()
        if not was and self._recording():
            self.start()

    def _saved(self) -> None:
        self.stop()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """What a profiler would do in each step: skip, warm up, record, and again."""
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError("Invalid profiler schedule arguments")

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        length = wait + warmup + active
        if repeat and step >= repeat * length:
            return ProfilerAction.NONE
        at = step % length
        if at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if at == length - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """For `on_trace_ready`: write each trace into a file of its own in `dir_name`."""
    import os
    import socket
    import time

    if use_gzip:
        raise NotImplementedError("torch.profiler.tensorboard_trace_handler(use_gzip=True)")

    def save(prof: Any) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return save
