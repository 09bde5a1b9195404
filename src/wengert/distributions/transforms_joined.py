"""Several transforms side by side along one dimension."""

from __future__ import annotations

# mypy: disable-error-code="attr-defined, no-any-return"
import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import cat, stack
from ..core.tensor import Tensor
from . import constraints
from .constraints import Constraint
from .transform import Transform
from .utils import _sum_rightmost, lazy_property


def _prepared(tseq: Sequence[Transform], cache_size: int) -> list[Transform]:
    assert all(isinstance(t, Transform) for t in tseq), "All elements of tseq must be Transform instances"
    return [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)


def _check_dim(dim: int, x: Tensor) -> None:
    assert -x.dim() <= dim < x.dim(), f"dim {dim} out of range for tensor with {x.dim()} dimensions"


class CatTransform(Transform):
    """Transforms for pieces of `lengths` along `dim`, compatible with `torch.cat`."""

    transforms: list[Transform]

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        tseq = _prepared(tseq, cache_size)
        super().__init__(cache_size=cache_size)
        self.transforms = tseq
        self.lengths = [1] * len(tseq) if lengths is None else list(lengths)
        assert len(self.lengths) == len(tseq), f"lengths ({len(self.lengths)}) must match transforms ({len(tseq)})"
        self.dim = dim

    @lazy_property
    def event_dim(self) -> int:  # type: ignore[override]
        """The largest of the parts."""
        return max(t.event_dim for t in self.transforms)

    @lazy_property
    def length(self) -> int:
        """The size along `dim`."""
        return sum(self.lengths)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _check(self, x: Tensor) -> None:
        _check_dim(self.dim, x)
        assert x.size(self.dim) == self.length, (
            f"x.size({self.dim}) = {x.size(self.dim)} must equal length {self.length}"
        )

    def _pieces(self, *values: Tensor) -> Iterator[Any]:
        start = 0
        for part, length in zip(self.transforms, self.lengths, strict=True):
            yield part, *(v.narrow(self.dim, start, length) for v in values)
            start += length

    def _call(self, x: Tensor) -> Tensor:
        self._check(x)
        return cat([part(piece) for part, piece in self._pieces(x)], dim=self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        self._check(y)
        return cat([part.inv(piece) for part, piece in self._pieces(y)], dim=self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        self._check(x)
        self._check(y)
        terms = [
            _sum_rightmost(part.log_abs_det_jacobian(xs, ys), max(self.event_dim - part.event_dim, 0))
            for part, xs, ys in self._pieces(x, y)
        ]
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        dim += self.event_dim  # counted from the end of the batch dimensions
        return cat(terms, dim=dim) if dim < 0 else functools.reduce(operator.add, terms)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(t.bijective for t in self.transforms)

    @constraints.dependent_property
    def domain(self) -> Constraint:  # type: ignore[override]
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Constraint:  # type: ignore[override]
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(Transform):
    """Transforms for the slices along `dim`, compatible with `torch.stack`."""

    transforms: list[Transform]

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        tseq = _prepared(tseq, cache_size)
        super().__init__(cache_size=cache_size)
        self.transforms = tseq
        self.dim = dim

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self if self._cache_size == cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _slice(self, z: Tensor) -> list[Tensor]:
        return [z.select(self.dim, i) for i in range(z.size(self.dim))]

    def _check(self, x: Tensor) -> None:
        _check_dim(self.dim, x)
        assert x.size(self.dim) == len(self.transforms), (
            f"x.size({self.dim}) = {x.size(self.dim)} must equal len(transforms) {len(self.transforms)}"
        )

    def _each(self, fn: Callable[..., Tensor], *values: Tensor) -> Tensor:
        for value in values:
            self._check(value)
        slices = [self._slice(value) for value in values]
        return stack([fn(*row) for row in zip(self.transforms, *slices, strict=True)], dim=self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return self._each(lambda part, piece: part(piece), x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self._each(lambda part, piece: part.inv(piece), y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self._each(lambda part, xs, ys: part.log_abs_det_jacobian(xs, ys), x, y)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(t.bijective for t in self.transforms)

    @constraints.dependent_property
    def domain(self) -> Constraint:  # type: ignore[override]
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Constraint:  # type: ignore[override]
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
