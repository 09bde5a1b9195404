"""The profiler counts what was called, nests it, and leaves nothing behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

import wengert
from wengert import nn
from wengert.autograd import profiler as old
from wengert.core.modes import GRAD, mode
from wengert.profiler import ProfilerAction, ProfilerActivity, profile, record_function, schedule, tensorboard_trace_handler


def counts(prof: Any) -> dict[str, int]:
    return {e.key: e.count for e in prof.key_averages()}


def test_operations_are_counted_by_name() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    x = wengert.ones(2, 3)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
        with record_function("forward"):
            y = model(x)
        for _ in range(3):
            wengert.sin(x)
        y.sum().backward()
    seen = counts(prof)
    assert seen["aten::linear"] == 2 and seen["aten::sin"] == 3 and seen["forward"] == 1 and seen["Tensor.backward"] == 1
    assert mode() is GRAD
    before = len(prof.events())
    wengert.sin(x)
    assert len(prof.events()) == before
    by_shape = {(e.key, str(e.input_shapes)): e.count for e in prof.key_averages(group_by_input_shape=True)}
    assert by_shape["aten::linear", "[[2, 3], [4, 3], [4]]"] == 1


def test_times_add_up() -> None:
    with profile() as prof:
        with record_function("outer"):
            time.sleep(0.02)
            with record_function("inner"):
                time.sleep(0.03)
    outer, inner = prof.events()
    assert outer.name == "outer" and outer.cpu_children == [inner]
    assert inner.cpu_time_total >= 30_000 and outer.cpu_time_total >= inner.cpu_time_total + 20_000
    assert outer.self_cpu_time_total == pytest.approx(outer.cpu_time_total - inner.cpu_time_total)
    assert prof.self_cpu_time_total == pytest.approx(outer.cpu_time_total)


def test_the_table() -> None:
    with old.profile() as prof:
        wengert.ones(2) + 1
    text = prof.key_averages().table(sort_by="cpu_time_total", row_limit=1)
    lines = text.split("\n")
    assert lines[1].split("  ")[-1].strip() == "# of Calls" and "aten::" in lines[3] and lines[4].startswith("-")
    assert lines[-2].startswith("Self CPU time total: ")


def test_schedule_and_trace(tmp_path: Any) -> None:
    seen: list[Any] = []
    x = wengert.ones(2)
    steps = schedule(wait=1, warmup=1, active=2, repeat=1)
    with profile(schedule=steps, on_trace_ready=lambda p: seen.append(counts(p))) as prof:
        for _ in range(8):
            wengert.cos(x)
            prof.step()
    assert seen == [{"aten::cos": 2}]
    assert schedule(wait=0, warmup=0, active=1)(0) is ProfilerAction.RECORD_AND_SAVE
    with profile(on_trace_ready=tensorboard_trace_handler(str(tmp_path), "me")):
        wengert.cos(x)
    (file,) = tmp_path.iterdir()
    events = json.loads(file.read_text())["traceEvents"]
    assert [e["name"] for e in events] == ["aten::cos"] and events[0]["dur"] > 0


def test_an_error_is_recorded_and_goes_on() -> None:
    with pytest.raises(RuntimeError), profile() as prof:
        wengert.add(wengert.ones(2), wengert.ones(3))
    assert counts(prof)["aten::add"] == 1 and mode() is GRAD


def test_with_autocast() -> None:
    x = wengert.ones(2, 2)
    with profile() as prof, wengert.autocast("cpu"):
        assert wengert.mm(x, x).dtype is wengert.bfloat16
    assert counts(prof)["aten::mm"] == 1


@pytest.mark.parametrize("option", ["profile_memory", "with_flops", "with_stack", "with_modules"])
def test_what_is_not_recorded_is_refused(option: str) -> None:
    with pytest.raises(NotImplementedError, match=option):
        profile(**{option: True})


def test_layers_that_are_imported_while_it_records(python: Callable[..., Any]) -> None:
    program = (
        "import wengert\n"
        "x = wengert.ones(2, 3)\n"
        "with wengert.autograd.profiler.profile() as prof:\n"
        "    import wengert.nn.functional as F\n"
        "    F.silu(x), F.layer_norm(x, (3,))\n"
        "print(sorted({e.key for e in prof.key_averages()} & {'aten::silu', 'aten::layer_norm'}))\n"
    )
    done = python("-c", program)
    assert done.stdout.strip() == "['aten::layer_norm', 'aten::silu']", done.stderr
