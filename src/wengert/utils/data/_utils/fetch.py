"""Getting the samples for one key, or one batch of keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....core.tensor import PLAIN, wrap
from ..dataset import Subset, TensorDataset
from .collate import default_collate


class MapFetcher:
    """Samples by key."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn

    def fetch(self, index: Any) -> Any:
        """The (collated) samples at ``index``: a key, or with ``auto_collation`` a list of keys."""
        dataset = self.dataset
        if not self.auto_collation:
            return self.collate_fn(dataset[index])
        if self.collate_fn is default_collate:
            rows = _rows(dataset, index)
            if rows is not None:
                return rows
        if hasattr(dataset, "__getitems__") and dataset.__getitems__:
            data = dataset.__getitems__(index)
        else:
            data = [dataset[i] for i in index]
        return self.collate_fn(data)


class IterableFetcher:
    """Samples from a stream. Raises StopIteration at its end."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> None:
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.stream = iter(dataset)
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """The next sample, or with ``auto_collation`` as many as there are elements in ``index``, collated."""
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.stream))
        data = []
        for _ in index:
            try:
                data.append(next(self.stream))
            except StopIteration:
                self.ended = True
                break
        if not data or (self.drop_last and len(data) < len(index)):
            raise StopIteration
        return self.collate_fn(data)


def _rows(dataset: Any, index: list[int]) -> list[Any] | None:
    """A batch of a plain TensorDataset (or a Subset of one) by one indexing of each tensor; None where samples must be
    taken one by one. The result is the same, at a fraction of the cost."""
    while type(dataset) is Subset:
        indices = dataset.indices
        try:
            index = [indices[i] for i in index]
        except (IndexError, TypeError):
            return None
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset:
        return None
    arrays = []
    for t in dataset.tensors:
        if t.__class__ not in PLAIN or t._fn is not None or t._data.__class__ is not np.ndarray:
            return None
        arrays.append(t._data)
    try:
        where = np.array(index, np.intp)
        return [wrap(a[where]) for a in arrays] if where.ndim == 1 else None
    except (IndexError, TypeError, ValueError):
        return None  # and let the ordinary way say what is wrong
