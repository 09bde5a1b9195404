"""Loading with worker processes. Each worker has a queue for keys and one for batches, and answers in order."""

from __future__ import annotations

import os
import pickle
import signal
import time
import weakref
from collections import deque
from typing import Any

from ...core.errors import warn
from ._utils.worker import ExceptionWrapper, Resume, StreamEnded, worker_loop
from .dataloader import DataLoader, _BaseDataLoaderIter, _DatasetKind

#: How long a worker is given to end by itself, in seconds.
JOIN_TIMEOUT = 5.0


class _Worker:
    """A process and its two queues."""

    __slots__ = ("active", "keys", "process", "results", "tasks")

    def __init__(self, process: Any, keys: Any, results: Any) -> None:
        self.process = process
        self.keys = keys
        self.results = results
        self.active = True  # it may be given keys
        self.tasks = 0  # given, not yet answered

    @property
    def obituary(self) -> str:
        """What happened to a worker that is gone."""
        pid, code = self.process.pid, self.process.exitcode
        if code is not None and code < 0:
            try:
                name = signal.strsignal(-code) or str(-code)
            except ValueError:
                name = str(-code)
            return f"DataLoader worker (pid {pid}) is killed by signal: {name}. "
        return (
            f"DataLoader worker (pid {pid}) exited unexpectedly with exit code {code}. Details are lost due to "
            "multiprocessing. Rerunning with num_workers=0 may give better error trace."
        )


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Hand out keys to the workers by turns, ``prefetch_factor`` ahead, and collect the batches in the same order."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if loader.prefetch_factor is None or loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._prefetch_factor = loader.prefetch_factor
        self._in_order = loader.in_order
        context = loader.multiprocessing_context
        if context is None:
            import multiprocessing

            context = multiprocessing.get_context()
        self._done = context.Event()
        self._workers: list[_Worker] = []
        # Not `__del__`: in a cycle the queues could be finalized first, and this keeps them alive.
        self._shutdown_workers = weakref.finalize(self, _shutdown, self._workers, self._done, os.getpid())
        try:
            for i in range(self._num_workers):
                self._start(context, loader, i)
        except BaseException:
            self._shutdown_workers()
            raise
        self._reset(loader, first_iter=True)

    def _start(self, context: Any, loader: DataLoader[Any], worker_id: int) -> None:
        keys, results = context.Queue(), context.Queue()
        keys.cancel_join_thread()  # keys that nobody took need not be waited for
        process = context.Process(
            target=worker_loop,
            args=(
                self._dataset_kind == _DatasetKind.Iterable,
                self._dataset,
                keys,
                results,
                self._done,
                self._auto_collation,
                self._collate_fn,
                self._drop_last,
                self._base_seed,
                loader.worker_init_fn,
                worker_id,
                self._num_workers,
            ),
        )
        process.daemon = True
        try:
            process.start()
        except (AttributeError, TypeError, pickle.PicklingError):
            warn(
                "Got pickle error when attempting to start a worker Process. This might be because the worker Process "
                "arguments are not picklable. Python 3.14+ changed the multiprocessing start method in non-Mac POSIX "
                "platforms to 'forkserver', which requires the worker Process arguments to be picklable. You can also "
                "try multiprocessing.set_start_method('fork')."
            )
            raise
        self._workers.append(_Worker(process, keys, results))

    def _reset(self, loader: DataLoader[Any], first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._turn = 0
        self._sent = 0
        self._tasks: deque[tuple[int, _Worker]] = deque()  # what was asked for, in order
        if not first_iter:
            for worker in self._workers:
                worker.keys.put(Resume())
            for worker in self._workers:
                while not isinstance(self._receive([worker])[1], Resume):
                    pass  # left over from an epoch that was not finished
                worker.active = True
                worker.tasks = 0
        for _ in range(self._prefetch_factor * self._num_workers):
            self._try_put_index()

    def _try_put_index(self) -> None:
        """Give the next keys to the worker whose turn it is."""
        try:
            index = self._next_index()
        except StopIteration:
            return
        active = sum(worker.active for worker in self._workers)
        for _ in self._workers:
            worker = self._workers[self._turn % len(self._workers)]
            self._turn += 1
            if worker.active and (self._in_order or worker.tasks < self._prefetch_factor * self._num_workers // active):
                break
        else:
            return
        worker.keys.put((self._sent, index))
        self._tasks.append((self._sent, worker))
        worker.tasks += 1
        self._sent += 1

    def _receive(self, workers: list[_Worker]) -> tuple[_Worker, Any, Any]:
        """``(worker, number, data)`` of the first of ``workers`` to answer. Raises RuntimeError if one died, or at the
        time limit."""
        from multiprocessing.connection import wait

        deadline = time.monotonic() + self._timeout if self._timeout > 0 else None
        while True:
            for worker in workers:
                if worker.results._reader.poll():
                    number, data = pickle.loads(worker.results.get())
                    return worker, number, data
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
            ready = wait([w.results._reader for w in workers] + [w.process.sentinel for w in workers], remaining)
            for worker in workers:
                if worker.process.sentinel in ready and not worker.results._reader.poll():
                    worker.process.join()
                    message = worker.obituary
                    self._shutdown_workers()
                    raise RuntimeError(message)

    def _next_data(self) -> Any:
        while True:
            if not self._shutdown_workers.alive or not self._tasks:
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            if self._in_order:
                worker, number, data = self._receive([self._tasks[0][1]])
                self._tasks.popleft()
            else:
                asked = {id(w): w for _, w in self._tasks}
                worker, number, data = self._receive(list(asked.values()))
                self._tasks.remove((number, worker))
            worker.tasks -= 1
            if isinstance(data, StreamEnded):
                if worker.active:
                    worker.active = False
                    self._try_put_index()
                continue
            self._try_put_index()
            if isinstance(data, ExceptionWrapper):
                data.reraise()
            return data


def _shutdown(workers: list[_Worker], done: Any, pid: int) -> None:
    """End all workers: ask, wait, and terminate those that do not listen."""
    if os.getpid() != pid:
        return  # a copy of the iterator in a forked process: not its children
    done.set()
    for worker in workers:
        worker.keys.put(None)
    deadline = time.monotonic() + JOIN_TIMEOUT
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.terminate()
            worker.process.join(JOIN_TIMEOUT)
        for queue in (worker.keys, worker.results):
            queue.cancel_join_thread()
            queue.close()
