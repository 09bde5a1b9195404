"""A sampler that gives each of several processes its own part of a dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ._random import randperm, seeded
from .dataset import Dataset
from .sampler import Sampler

__all__ = ["DistributedSampler"]

#: Only needed to ask how many processes there are; it stands above this package.
_DISTRIBUTED = __name__.partition(".")[0] + ".distributed"


class DistributedSampler(Sampler[int]):
    """Part ``rank`` of ``num_replicas`` of the keys, the same number in each: some are given twice, or left out with
    ``drop_last``. Call ``set_epoch`` before each epoch for another order."""

    def __init__(
        self,
        dataset: Dataset[Any],
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            dist = import_module(_DISTRIBUTED)

            if not dist.is_available():
                raise RuntimeError("Requires distributed package to be available")
            num_replicas = dist.get_world_size() if num_replicas is None else num_replicas
            rank = dist.get_rank() if rank is None else rank
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)  # type: ignore[arg-type]
        if drop_last and n % num_replicas != 0:
            self.num_samples = math.ceil((n - num_replicas) / num_replicas)
        else:
            self.num_samples = math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)  # type: ignore[arg-type]
        keys = randperm(n, seeded(self.seed + self.epoch)) if self.shuffle else list(range(n))
        if self.drop_last:
            keys = keys[: self.total_size]
        elif keys:
            lacking = self.total_size - len(keys)
            keys += (keys * math.ceil(lacking / len(keys)))[:lacking]
        if len(keys) != self.total_size:
            raise AssertionError(f"Number of indices ({len(keys)}) does not match total_size ({self.total_size})")
        return iter(keys[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Shuffle with ``seed + epoch`` from now on."""
        self.epoch = epoch
