"""A worker process: take keys from one queue, put batches into another, until told to stop or left alone."""

from __future__ import annotations

import os
import queue
import random
import traceback
from typing import Any

from .fetch import IterableFetcher, MapFetcher

#: How long a worker waits for keys before it looks whether its parent still lives, in seconds.
STATUS_CHECK_INTERVAL = 5.0


class WorkerInfo:
    """What ``get_worker_info`` tells: ``id``, ``num_workers``, ``seed`` and the ``dataset`` copy of this worker."""

    __slots__ = ("dataset", "id", "num_workers", "rng", "seed", "worker_method")

    id: int
    num_workers: int
    seed: int
    dataset: Any

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        values = {"id": id, "num_workers": num_workers, "seed": seed, "dataset": dataset}
        for name, value in (values | {"rng": None, "worker_method": "multiprocessing"}).items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __repr__(self) -> str:
        names = ("id", "num_workers", "seed", "dataset", "rng", "worker_method")
        return f"WorkerInfo({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


_worker_info: WorkerInfo | None = None  # set once, in a worker process


def get_worker_info() -> WorkerInfo | None:
    """Which worker this process is; None in the main process."""
    return _worker_info


class StreamEnded:
    """In place of a batch: the stream of this worker is at its end."""


class Resume:
    """In place of keys: begin a new epoch. Sent back as an acknowledgement."""


class ExceptionWrapper:
    """An exception on its way to another process: its type and its traceback as text."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.exc_type: Any = type(error)
        self.exc_msg = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.where = where

    def named(self) -> ExceptionWrapper:
        """Without the type, for those that cannot be pickled."""
        self.exc_msg = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        self.exc_type, self.where = RuntimeError, ""
        return self

    def reraise(self) -> None:
        """Raise an exception of the same type that tells the whole story; RuntimeError if it takes no message."""
        message = self.exc_msg
        if self.where:
            message = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {message}"
        if self.exc_type is KeyError:
            raise KeyError(_Verbatim(message))
        try:
            error = self.exc_type(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error


class _Verbatim(str):
    """A KeyError prints the repr of its key; this one keeps its line breaks."""

    def __repr__(self) -> str:
        return str(self)


def worker_loop(
    iterable: bool,
    dataset: Any,
    keys: Any,
    results: Any,
    done: Any,
    auto_collation: bool,
    collate_fn: Any,
    drop_last: bool,
    base_seed: int,
    init_fn: Any,
    worker_id: int,
    num_workers: int,
) -> None:
    """The life of a worker. ``keys`` gives ``(number, index)``, ``Resume`` or None (stop); ``results`` takes pickled
    ``(number, batch)``; ``done`` is set when nobody waits for results any more."""
    try:
        _run(
            iterable, dataset, keys, results, done, auto_collation, collate_fn, drop_last, base_seed, init_fn,
            worker_id, num_workers,
        )  # fmt: skip
    except KeyboardInterrupt:
        pass  # the main process raises it, too
    finally:
        # What was not sent by now is not wanted: do not wait for it.
        results.cancel_join_thread()
        results.close()


def _run(
    iterable: bool,
    dataset: Any,
    keys: Any,
    results: Any,
    done: Any,
    auto_collation: bool,
    collate_fn: Any,
    drop_last: bool,
    base_seed: int,
    init_fn: Any,
    worker_id: int,
    num_workers: int,
) -> None:
    global _worker_info
    import numpy as np

    from ....core.generator import manual_seed

    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    np.random.seed(np.random.SeedSequence([worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32]).generate_state(4))
    _worker_info = WorkerInfo(worker_id, num_workers, seed, dataset)

    where = f"in DataLoader worker process {worker_id}"
    kind = IterableFetcher if iterable else MapFetcher
    failure: ExceptionWrapper | None = None
    fetcher: Any = None
    try:
        if init_fn is not None:
            init_fn(worker_id)
        fetcher = kind(dataset, auto_collation, collate_fn, drop_last)
    except Exception as error:
        failure = ExceptionWrapper(error, where)

    parent = os.getppid()
    ended = False
    while not done.is_set():
        try:
            task = keys.get(timeout=STATUS_CHECK_INTERVAL)
        except queue.Empty:
            if os.getppid() != parent:
                return
            continue
        if task is None:
            return
        if isinstance(task, Resume):
            ended = False
            fetcher = None
            try:
                fetcher = kind(dataset, auto_collation, collate_fn, drop_last)
            except Exception as error:
                failure = ExceptionWrapper(error, where)
            results.put(_packed(task, None, where))
            continue
        number, index = task
        data: Any
        if failure is not None:
            data, failure = failure, None
        elif ended:
            data = StreamEnded()
        else:
            try:
                if fetcher is None:
                    fetcher = kind(dataset, auto_collation, collate_fn, drop_last)
                data = fetcher.fetch(index)
            except Exception as error:
                if iterable and isinstance(error, StopIteration):
                    data = StreamEnded()
                    ended = True
                else:
                    data = ExceptionWrapper(error, where)
        results.put(_packed(number, data, where))
        del data, task, index


def _packed(number: Any, data: Any, where: str) -> bytes:
    """Pickled here, where a failure can still be reported; the queue's own thread could only lose it."""
    from multiprocessing.reduction import ForkingPickler

    try:
        return bytes(ForkingPickler.dumps((number, data)))
    except Exception as error:
        if isinstance(data, ExceptionWrapper):
            return bytes(ForkingPickler.dumps((number, data.named())))
        return bytes(ForkingPickler.dumps((number, ExceptionWrapper(error, where))))
