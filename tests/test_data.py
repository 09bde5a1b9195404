"""Datasets, samplers, collating and loading in one process; the same order as PyTorch for a seed."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import wengert
import wengert.utils.data as ours


def pair() -> tuple[SimpleNamespace, SimpleNamespace]:
    torch = pytest.importorskip("torch")
    import torch.utils.data as theirs

    return SimpleNamespace(t=wengert, d=ours), SimpleNamespace(t=torch, d=theirs)


def simple(value: Any) -> Any:
    """A batch in words that two libraries share."""
    if hasattr(value, "detach"):
        return ("tensor", str(value.dtype), tuple(value.shape), value.detach().tolist())
    if isinstance(value, dict):
        return {k: simple(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return (type(value).__name__, *map(simple, value))
    if isinstance(value, (list, collections.deque)):
        return [type(value).__name__, *map(simple, value)]
    if isinstance(value, np.ndarray):
        return ("array", str(value.dtype), value.tolist())
    return type(value).__name__ if type(value).__module__.startswith(("torch", "wengert")) else value


def outcome(f: Callable[[SimpleNamespace], Any], lib: SimpleNamespace) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = simple(f(lib))
        except Exception as error:
            result = (type(error).__name__, str(error).replace("wengert", "torch"))
    return result, [(w.category.__name__, str(w.message)) for w in caught if issubclass(w.category, UserWarning)]


def both(f: Callable[[SimpleNamespace], Any]) -> None:
    a, b = pair()
    assert outcome(f, a) == outcome(f, b)


def table(lib: SimpleNamespace, n: int = 10) -> Any:
    return lib.d.TensorDataset(lib.t.arange(n), lib.t.arange(2.0 * n).reshape(n, 2))


def stream(lib: SimpleNamespace, n: int = 7, length: int | None = None) -> Any:
    class Stream(lib.d.IterableDataset):  # type: ignore[name-defined, misc]
        def __iter__(self) -> Any:
            return iter(range(n))

        def __repr__(self) -> str:
            return "Stream()"

    if length is not None:
        Stream.__len__ = lambda self: length  # type: ignore[attr-defined]
    return Stream()


DATASETS: dict[str, Callable[[SimpleNamespace], Any]] = {
    "row": lambda x: table(x)[3],
    "slice": lambda x: table(x)[2:5],
    "list": lambda x: table(x)[[1, 2]],
    "length": lambda x: len(table(x)),
    "unequal": lambda x: x.d.TensorDataset(x.t.ones(3), x.t.ones(2)),
    "concat": lambda x: [(table(x) + table(x, 3))[i] for i in (0, 9, 10, 12, -1, -13)],
    "concat too far": lambda x: (table(x) + table(x))[-21],
    "concat past the end": lambda x: x.d.ConcatDataset([[1, 2], [3]])[3],
    "concat nothing": lambda x: x.d.ConcatDataset([]),
    "concat a stream": lambda x: x.d.ConcatDataset([stream(x)]),
    "sizes": lambda x: x.d.ConcatDataset([[1, 2], [3]]).cumulative_sizes,
    "chain": lambda x: list(stream(x, 2) + stream(x, 3)),
    "chain a list": lambda x: list(x.d.ChainDataset([[1]])),
    "chain length": lambda x: len(x.d.ChainDataset([stream(x, 2, 2), stream(x, 3, 3)])),
    "stack": lambda x: x.d.StackDataset(table(x), range(10))[4],
    "stack by name": lambda x: x.d.StackDataset(a=table(x), b=range(10))[4],
    "stack items": lambda x: x.d.StackDataset(a=table(x), b=x.d.Subset(range(20), range(10))).__getitems__([4, 5]),
    "stack both": lambda x: x.d.StackDataset([1], a=[1]),
    "stack none": lambda x: x.d.StackDataset(),
    "stack unequal": lambda x: x.d.StackDataset([1], [1, 2]),
    "subset": lambda x: x.d.Subset(table(x), [5, 1, 3])[2],
    "subset list": lambda x: x.d.Subset(table(x), [5, 1, 3])[[0, 2]],
    "subset items": lambda x: x.d.Subset(table(x), [5, 1, 3]).__getitems__([0, 2]),
    "abstract": lambda x: x.d.Dataset()[0],
    "abstract stream": lambda x: x.d.IterableDataset(),
    "split lengths": lambda x: x.d.random_split(range(5), [2, 2]),
    "split fractions": lambda x: x.d.random_split(range(5), [0.5, 0.4]),
    "split a negative fraction": lambda x: x.d.random_split(range(5), [-0.5, 1.5]),
    "sampler": lambda x: list(x.d.SequentialSampler(range(4))),
    "replacement": lambda x: x.d.RandomSampler(range(3), replacement=3),
    "num_samples": lambda x: x.d.RandomSampler(range(3), num_samples=-1),
    "nothing to sample": lambda x: x.d.RandomSampler([]),
    "weighted num_samples": lambda x: x.d.WeightedRandomSampler([1, 2], 0),
    "weighted replacement": lambda x: x.d.WeightedRandomSampler([1, 2], 2, 3),
    "weights": lambda x: x.d.WeightedRandomSampler([[1, 2]], 2),
    "batch_size": lambda x: x.d.BatchSampler([1], 0, False),
    "drop_last": lambda x: x.d.BatchSampler([1], 1, 3),
    "batches": lambda x: list(x.d.BatchSampler(range(7), 3, False)),
    "whole batches": lambda x: list(x.d.BatchSampler(range(7), 3, True)),
    "number of batches": lambda x: [len(x.d.BatchSampler(range(7), 3, last)) for last in (True, False)],
    "abstract sampler": lambda x: iter(x.d.Sampler()),
    "distributed": lambda x: [list(x.d.DistributedSampler(range(7), 3, r, shuffle=False)) for r in range(3)],
    "distributed, drop": lambda x: [
        list(x.d.DistributedSampler(range(7), 3, r, shuffle=False, drop_last=True)) for r in range(3)
    ],
    "distributed rank": lambda x: x.d.DistributedSampler(range(7), 3, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", DATASETS)
def test_datasets_and_samplers(name: str) -> None:
    both(DATASETS[name])


RANDOM: dict[str, Callable[[SimpleNamespace], Any]] = {
    "sampler": lambda x: [list(x.d.RandomSampler(range(11))) for _ in range(2)],
    "sampler, more": lambda x: list(x.d.RandomSampler(range(5), num_samples=13)),
    "sampler, replacement": lambda x: list(x.d.RandomSampler(range(50), replacement=True, num_samples=70)),
    "sampler, generator": lambda x: list(x.d.RandomSampler(range(11), generator=x.t.Generator().manual_seed(3))),
    "subset sampler": lambda x: list(x.d.SubsetRandomSampler([5, 2, 9, 1])),
    "weighted": lambda x: list(x.d.WeightedRandomSampler([0.1, 0.9, 3.0], 9)),
    "weighted, each once": lambda x: list(x.d.WeightedRandomSampler([0.1, 0.9, 3.0, 2.0], 3, replacement=False)),
    "distributed": lambda x: [list(x.d.DistributedSampler(range(7), 3, r, seed=5)) for r in range(3)],
    "split": lambda x: [list(s.indices) for s in x.d.random_split(range(10), [3, 7])],
    "split by fractions": lambda x: [list(s.indices) for s in x.d.random_split(range(10), [0.33, 0.33, 0.34])],
    "empty split": lambda x: [list(s.indices) for s in x.d.random_split(range(10), [0.99, 0.01])],
    "split, generator": lambda x: [
        list(s.indices) for s in x.d.random_split(range(10), [3, 7], x.t.Generator().manual_seed(3))
    ],
    "loader": lambda x: list(x.d.DataLoader(table(x), batch_size=3, shuffle=True)),
    "two epochs": lambda x: (lambda loader: [list(loader), list(loader)])(
        x.d.DataLoader(table(x), batch_size=4, shuffle=True, drop_last=True)
    ),
    "loader, generator": lambda x: list(
        x.d.DataLoader(range(9), shuffle=True, batch_size=2, generator=x.t.Generator().manual_seed(5))
    ),
    "loader of a split": lambda x: list(
        x.d.DataLoader(x.d.random_split(table(x), [4, 6])[1], batch_size=4, shuffle=True)
    ),
}


@pytest.mark.parametrize("name", RANDOM)
def test_the_same_order_for_a_seed(name: str) -> None:
    def run(x: SimpleNamespace) -> Any:
        x.t.manual_seed(123)
        result = RANDOM[name](x)
        return [result, x.t.rand(2)]  # and as many numbers were drawn

    both(run)


def test_recorded_order() -> None:
    """What PyTorch 2.13 gives, for those who have no PyTorch."""
    wengert.manual_seed(0)
    assert list(ours.RandomSampler(range(5))) == [1, 3, 4, 2, 0]
    wengert.manual_seed(0)
    batches = [b.tolist() for b in ours.DataLoader(range(10), batch_size=3, shuffle=True)]
    assert batches == [[6, 7, 1], [4, 2, 0], [9, 8, 3], [5]]


LOADERS: dict[str, Callable[[SimpleNamespace], Any]] = {
    "default": lambda x: list(x.d.DataLoader(table(x))),
    "batches": lambda x: list(x.d.DataLoader(table(x), batch_size=4)),
    "drop last": lambda x: list(x.d.DataLoader(table(x), batch_size=4, drop_last=True)),
    "single samples": lambda x: list(x.d.DataLoader(table(x), batch_size=None)),
    "a list": lambda x: list(x.d.DataLoader([1.5, 2.5, 3.5], batch_size=2)),
    "sampler": lambda x: list(x.d.DataLoader(table(x), sampler=[3, 1], batch_size=2)),
    "batch sampler": lambda x: list(x.d.DataLoader(table(x), batch_sampler=[[3, 1], [0]])),
    "negative keys": lambda x: list(x.d.DataLoader(table(x), batch_sampler=[[-1, 0]])),
    "key out of range": lambda x: list(x.d.DataLoader(table(x), batch_sampler=[[10, 0]])),
    "collate_fn": lambda x: list(x.d.DataLoader(table(x), batch_size=4, collate_fn=len)),
    "stream": lambda x: list(x.d.DataLoader(stream(x), batch_size=3)),
    "stream, drop last": lambda x: list(x.d.DataLoader(stream(x), batch_size=3, drop_last=True)),
    "stream, single samples": lambda x: list(x.d.DataLoader(stream(x), batch_size=None)),
    "stream length": lambda x: [len(x.d.DataLoader(stream(x, 7, 7), batch_size=3, drop_last=d)) for d in (True, False)],
    "stream without length": lambda x: len(x.d.DataLoader(stream(x))),
    "stream longer than promised": lambda x: (lambda loader: [len(loader), list(loader)])(
        x.d.DataLoader(stream(x, 4, 3))
    ),
    "length": lambda x: [len(x.d.DataLoader(range(10), batch_size=3, drop_last=d)) for d in (True, False)],
    "pin_memory": lambda x: list(x.d.DataLoader(table(x), pin_memory=True, batch_size=5)),
    "num_workers": lambda x: x.d.DataLoader(table(x), num_workers=-1),
    "timeout": lambda x: x.d.DataLoader(table(x), timeout=-1),
    "prefetch without workers": lambda x: x.d.DataLoader(table(x), prefetch_factor=2),
    "prefetch": lambda x: x.d.DataLoader(table(x), num_workers=1, prefetch_factor=-1),
    "persistent without workers": lambda x: x.d.DataLoader(table(x), persistent_workers=True),
    "sampler and shuffle": lambda x: x.d.DataLoader(table(x), sampler=[1], shuffle=True),
    "batch sampler and size": lambda x: x.d.DataLoader(table(x), batch_sampler=[[1]], batch_size=2),
    "no batches to drop": lambda x: x.d.DataLoader(table(x), batch_size=None, drop_last=True),
    "batch_size": lambda x: x.d.DataLoader(table(x), batch_size=0),
    "context without workers": lambda x: x.d.DataLoader(table(x), multiprocessing_context="fork"),
    "context": lambda x: x.d.DataLoader(table(x), num_workers=1, multiprocessing_context=3),
    "stream, shuffle": lambda x: x.d.DataLoader(stream(x), shuffle=True),
    "stream, sampler": lambda x: x.d.DataLoader(stream(x), sampler=[1]),
    "stream, batch sampler": lambda x: x.d.DataLoader(stream(x), batch_sampler=[[1]]),
    "set batch_size": lambda x: setattr(x.d.DataLoader(table(x)), "batch_size", 3),
    "too many workers": lambda x: type(x.d.DataLoader(table(x), num_workers=5000)).__name__,
}  # fmt: skip


@pytest.mark.parametrize("name", LOADERS)
def test_loader(name: str) -> None:
    both(LOADERS[name])


Point = collections.namedtuple("Point", "x y")

BATCHES: list[Callable[[Any], Any]] = [
    lambda t: [1, 2],
    lambda t: [1.0, 2.0],
    lambda t: [True, False],
    lambda t: ["a", "b"],
    lambda t: [b"a"],
    lambda t: [t.arange(3), t.arange(3)],
    lambda t: [t.ones(2, requires_grad=True), t.ones(2)],
    lambda t: [np.ones(2), np.ones(2)],
    lambda t: [np.float32(1), np.float32(2)],
    lambda t: [np.bool_(True)],
    lambda t: [{"a": 1, "b": t.ones(1)}, {"a": 2, "b": t.ones(1)}],
    lambda t: [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    lambda t: [(1, 2.0), (3, 4.0)],
    lambda t: [[1, 2], [3, 4]],
    lambda t: [(1, "a"), (2, "b")],
    lambda t: [Point(1, 2), Point(3, 4)],
    lambda t: [range(3), range(3)],
    lambda t: [collections.deque([1, 2])] * 2,
    lambda t: [[1], [1, 2]],
    lambda t: [None],
    lambda t: [np.array(["a"])],
    lambda t: [t.ones(2), t.ones(3)],
    lambda t: [1, 2.5],
    lambda t: [{"a": [t.ones(2), {"b": (1, "x")}]}] * 3,
]


@pytest.mark.parametrize("i", range(len(BATCHES)))
def test_default_collate(i: int) -> None:
    both(lambda x: x.d.default_collate(BATCHES[i](x.t)))


VALUES: list[Callable[[Any], Any]] = [
    lambda t: 1,
    lambda t: np.ones(2),
    lambda t: [np.ones(2), 3],
    lambda t: (1, np.ones(1)),
    lambda t: {"a": np.ones(1)},
    lambda t: "s",
    lambda t: Point(1, np.ones(1)),
    lambda t: np.array("a"),
    lambda t: np.float32(2),
    lambda t: t.ones(2),
]


@pytest.mark.parametrize("i", range(len(VALUES)))
def test_default_convert(i: int) -> None:
    both(lambda x: x.d.default_convert(VALUES[i](x.t)))


def test_subclasses_of_tensor_dataset_are_asked_for_their_samples() -> None:
    class Doubled(ours.TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple(t * 2 for t in super().__getitem__(index))

    loader = ours.DataLoader(Doubled(wengert.arange(4)), batch_size=2)
    assert [b[0].tolist() for b in loader] == [[0, 2], [4, 6]]


def test_batches_are_copies() -> None:
    data = wengert.arange(4.0)
    for (batch,) in ours.DataLoader(ours.TensorDataset(data), batch_size=4):
        batch.zero_()
    assert data.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_gradients_flow_through_samples() -> None:
    x = wengert.arange(4.0).requires_grad_()
    for (batch,) in ours.DataLoader(ours.TensorDataset(x), batch_size=2):
        (batch * batch).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 2.0, 4.0, 6.0]


def test_no_multiprocessing_without_workers(python: Callable[..., Any]) -> None:
    code = """if True:
        import sys, wengert, wengert.utils.data as d
        list(d.DataLoader(d.TensorDataset(wengert.arange(4)), batch_size=2, shuffle=True))
        print("multiprocessing" in sys.modules)
    """
    done = python("-c", code)
    assert done.stdout == "False\n", done.stderr
