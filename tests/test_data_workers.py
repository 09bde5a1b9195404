"""Loading with worker processes: order, seeds, errors, time limits, deaths, persistence and a clean end."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import wengert
from wengert.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the datasets here are local to a forked process")


class Squares(Dataset[Any]):
    """Sample i is a tensor of i * i; ``at`` maps indices to something that happens there."""

    def __init__(self, n: int = 10, at: dict[int, Callable[[], Any]] | None = None) -> None:
        self.n = n
        self.at = at or {}

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        if i in self.at:
            self.at[i]()
        return wengert.tensor([float(i * i)])


class Counting(IterableDataset[int]):
    """The numbers below ``n`` that belong to this worker."""

    def __init__(self, n: int, share: bool = True) -> None:
        self.n = n
        self.share = share

    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        if info is None or not self.share:
            return iter(range(self.n))
        return iter(range(info.id, self.n, info.num_workers))


class Who(Dataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> Any:
        info = get_worker_info()
        assert info is not None
        return info.id, info.num_workers, info.seed, random.random(), float(wengert.rand(1)), float(np.random.rand())


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    gc.collect()
    deadline = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not multiprocessing.active_children()


def flat(loader: Any) -> list[float]:
    return [float(x) for batch in loader for x in batch.reshape(-1).tolist()]


@pytest.mark.parametrize("workers", [1, 2])
def test_same_batches_in_the_same_order(workers: int) -> None:
    wengert.manual_seed(3)
    alone = flat(DataLoader(Squares(), batch_size=3, shuffle=True))
    wengert.manual_seed(3)
    assert flat(DataLoader(Squares(), batch_size=3, shuffle=True, num_workers=workers)) == alone


def test_fast_workers_wait_for_slow_ones_unless_told_not_to() -> None:
    data = Squares(4, at={0: lambda: time.sleep(0.5)})
    assert flat(DataLoader(data, num_workers=2)) == [0.0, 1.0, 4.0, 9.0]
    hasty = flat(DataLoader(data, num_workers=2, in_order=False))
    assert hasty[0] != 0.0
    assert sorted(hasty) == [0.0, 1.0, 4.0, 9.0]


def test_tuples_and_large_batches() -> None:
    data = TensorDataset(wengert.arange(6), wengert.ones(6, 50_000))
    batches = list(DataLoader(data, batch_size=3, num_workers=2))
    assert [b[0].tolist() for b in batches] == [[0, 1, 2], [3, 4, 5]]
    assert all(b[1].shape == (3, 50_000) and float(b[1].sum()) == 150_000 for b in batches)


def test_seeds_are_those_of_pytorch() -> None:
    wengert.manual_seed(0)
    rows = list(DataLoader(Who(), batch_size=None, num_workers=2))
    assert [tuple(r[:2]) for r in rows] == [(0, 2), (1, 2), (0, 2), (1, 2)]
    # recorded from PyTorch 2.13
    assert [r[2] for r in rows[:2]] == [900450186894289455, 900450186894289456]
    np.testing.assert_allclose(rows[0][3:], [0.21315340548154382, 0.7821398973464966, 0.8371640508861415])
    np.testing.assert_allclose(rows[1][3:], [0.7733861492043289, 0.6938178539276123, 0.6702704958690073])


def test_worker_info() -> None:
    assert get_worker_info() is None
    (text,) = next(iter(DataLoader([0], num_workers=1, collate_fn=lambda _: (repr(get_worker_info()),))))
    assert text.startswith("WorkerInfo(id=0, num_workers=1, seed=")
    assert text.endswith("dataset=[0], rng=None, worker_method='multiprocessing')")


def test_streams() -> None:
    assert flat(DataLoader(Counting(7), batch_size=2, num_workers=2)) == [0, 2, 1, 3, 4, 6, 5]
    assert flat(DataLoader(Counting(3, share=False), batch_size=None, num_workers=2, collate_fn=wengert.tensor)) == [
        0, 0, 1, 1, 2, 2,
    ]  # fmt: skip


def test_worker_init_fn() -> None:
    def init(worker_id: int) -> None:
        info = get_worker_info()
        assert info is not None
        info.dataset.n = 100 + worker_id

    def look(_: Any) -> int:
        info = get_worker_info()
        assert info is not None
        return info.dataset.n  # type: ignore[no-any-return]

    loader = DataLoader(Squares(2), num_workers=2, worker_init_fn=init, collate_fn=look)
    assert list(loader) == [100, 101]


def test_persistent_workers_stay() -> None:
    loader = DataLoader(Squares(4), num_workers=2, persistent_workers=True, collate_fn=lambda _: os.getpid())
    first, second = set(loader), set(loader)
    assert first == second
    iterator = iter(loader)
    next(iterator)  # an epoch that is not finished
    assert len(list(loader)) == 4
    streams = DataLoader(Counting(5), num_workers=2, persistent_workers=True)
    assert flat(streams) == flat(streams) == [0, 1, 2, 3, 4]
    del loader, iterator, streams


def fail() -> None:
    raise KeyError("not here")


class Picky(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(a, b)


def fail_oddly() -> None:
    raise Picky(1, 2)


def fail_locally() -> None:
    class Local(Exception):
        pass

    raise Local("gone")


@pytest.mark.parametrize(
    ("what", "kind", "name"),
    [(fail, KeyError, "KeyError"), (fail_oddly, RuntimeError, "Picky"), (fail_locally, RuntimeError, "Local")],
)
def test_errors_come_back_with_their_traceback(what: Callable[[], None], kind: type, name: str) -> None:
    iterator = iter(DataLoader(Squares(4, at={2: what}), num_workers=1))
    assert next(iterator).item() == 0.0
    assert next(iterator).item() == 1.0
    with pytest.raises(kind) as caught:
        next(iterator)
    text = str(caught.value)
    assert text.startswith(f"Caught {name} in DataLoader worker process 0.\nOriginal Traceback (most recent call last)")
    assert "in __getitem__" in text
    assert next(iterator).item() == 9.0  # and the loader goes on


def test_samples_that_cannot_be_sent_are_an_error() -> None:
    with pytest.raises(Exception, match="Caught .* in DataLoader worker process 0"):
        list(DataLoader([1], num_workers=1, collate_fn=lambda _: lambda: 0))


def test_arguments_that_cannot_be_sent_are_explained() -> None:
    loader = DataLoader([1], num_workers=1, collate_fn=lambda batch: batch, multiprocessing_context="spawn")
    with pytest.warns(UserWarning, match="Got pickle error when attempting to start a worker Process"):
        with pytest.raises((pickle.PicklingError, AttributeError)):
            list(loader)


def test_errors_of_worker_init_fn() -> None:
    def init(worker_id: int) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="Caught ValueError in DataLoader worker process 0"):
        list(DataLoader(Squares(), num_workers=1, worker_init_fn=init))


def test_time_limit() -> None:
    loader = DataLoader(Squares(2, at={1: lambda: time.sleep(30)}), num_workers=1, timeout=0.5)
    started = time.monotonic()
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.5 seconds"):
        list(loader)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda: os._exit(3), r"DataLoader worker \(pid \d+\) exited unexpectedly with exit code 3\. Details are lost"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), r"DataLoader worker \(pid \d+\) is killed by signal: Killed\. "),
    ],
)
def test_a_worker_that_dies_is_noticed_at_once(how: Callable[[], None], message: str) -> None:
    started = time.monotonic()
    with pytest.raises(RuntimeError, match=message):
        list(DataLoader(Squares(6, at={3: how}), num_workers=2))
    assert time.monotonic() - started < 10


def test_an_iterator_that_is_dropped_ends_its_workers() -> None:
    iterator = iter(DataLoader(Squares(1000), num_workers=2, prefetch_factor=4))
    next(iterator)
    pids = [w.process.pid for w in iterator._workers]  # type: ignore[attr-defined]
    started = time.monotonic()
    del iterator
    gc.collect()
    assert time.monotonic() - started < 4
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)", "sys.exit(0)"])
def test_python_ends_quietly_with_an_iterator_left(python: Callable[..., Any], ending: str) -> None:
    code = f"""if True:
        import sys, wengert, wengert.utils.data as d
        data = d.TensorDataset(wengert.ones(100, 20_000))
        iterator = iter(d.DataLoader(data, batch_size=2, num_workers=2, persistent_workers=True))
        print(next(iterator)[0].shape)
        {ending}
    """
    started = time.monotonic()
    done = python("-c", code, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "torch.Size([2, 20000])\n", "")
    assert time.monotonic() - started < 30


@pytest.mark.slow
def test_spawned_workers(python: Callable[..., Any], tmp_path: Any) -> None:
    script = tmp_path / "spawned.py"
    script.write_text(
        "import wengert, wengert.utils.data as d\n"
        "if __name__ == '__main__':\n"
        "    data = d.TensorDataset(wengert.arange(4))\n"
        "    loader = d.DataLoader(data, batch_size=2, num_workers=1, multiprocessing_context='spawn')\n"
        "    print([b[0].tolist() for b in loader])\n"
    )
    done = python(script)
    assert done.stdout == "[[0, 1], [2, 3]]\n", done.stderr
