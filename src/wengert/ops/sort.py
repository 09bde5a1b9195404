"""Order: sort, argsort, msort, topk."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import batch_along_dim
from ..core.primitive import general
from ..core.return_types import TYPES
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels import numpy as kernels
from .extrema import write_pair
from .install import public
from .lines import single
from .reduce import cast_input, wrap_dim
from .whole import whole


def order(x: Any, dim: int, descending: bool) -> Any:
    """The stable sorting permutation along `dim`; nan counts as the largest."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    backwards = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
    return np.flip(x.shape[dim] - 1 - backwards, dim)


def _sort_kernel(x: Any, *, dim: int, descending: bool, stable: bool) -> tuple[Any, Any]:
    if x.ndim == 0:
        return x.copy(), np.zeros((), np.int64)
    index = order(x, dim, descending)
    if x.ndim == 1:
        return x[index], np.ascontiguousarray(index)
    values = np.take_along_axis(x, index, dim)
    if x.flags.c_contiguous or 0 in x.strides:
        return values, np.ascontiguousarray(index)
    return kernels.like_layout(values, x), kernels.like_layout(index, x)


def _permuted_rule(xp: Any, gs: Any, needs: Any, x_shape: Any, out1: Any, dim: int) -> Any:
    return (xp.put_along(gs[0], out1, dim=dim, size=x_shape[dim] if x_shape else 1, unique=True),)


def _permuted_jvp(xp: Any, ts: Any, out1: Any, dim: int) -> Any:
    return xp.take_along(ts[0], out1, dim=dim), None


_sort = general(
    "sort", params=("dim", "descending", "stable"), kernel=_sort_kernel, n_outputs=2, nondifferentiable_outputs=(1,),
    vjp=_permuted_rule, jvp=_permuted_jvp, batch=batch_along_dim, saved_names=dict(out1="indices"),
)  # fmt: skip


_sort_line = single(_sort)


def _sorted(input: Any, dim: int, descending: bool, stable: bool, name: str) -> Any:
    input = cast_input(input, None, name)
    d = wrap_dim(dim, input.ndim)
    if input.dtype.is_complex:
        raise RuntimeError(" Sort does not support complex dtypes on CPU")
    return _sort_line(input, {"dim": d, "descending": bool(descending), "stable": bool(stable)})


@public
def sort(
    input: Tensor, dim: Any = -1, descending: Any = False, stable: Any = False, *, out: Any = None, axis: Any = None
) -> Any:
    """(values, indices) in order along `dim`; equal elements keep their order. nan is the largest."""
    if not isinstance(descending, bool):
        raise TypeError(
            f"sort() received an invalid combination of arguments - got (descending={type(descending).__name__}, ), but "
            "expected one of:\n * (Tensor input, *, bool stable, int dim = -1, bool descending = False)\n"
            " * (Tensor input, int dim = -1, bool descending = False)"
        )
    return write_pair(out, _sorted(input, dim if axis is None else axis, descending, stable, "sort"), TYPES["sort"],
                      "sort")  # fmt: skip


@public
def argsort(input: Tensor, dim: Any = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort along `dim`."""
    return _sorted(input, dim, descending, stable, "argsort")[1]  # type: ignore[no-any-return]


@public
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sorted along the first dimension."""
    from ..core.inplace import write_out

    y: Tensor = _sorted(input, 0, False, False, "msort")[0]
    return y if out is None else write_out(out, y, "msort")


def _topk_kernel(x: Any, *, k: int, dim: int, largest: bool, sorted: bool) -> tuple[Any, Any]:
    if x.ndim == 0:
        return x.copy(), np.zeros((), np.int64)
    index = order(x, dim, largest)
    keep: list[Any] = [slice(None)] * x.ndim
    keep[dim] = slice(None, k)
    index = np.ascontiguousarray(index[tuple(keep)])
    return np.take_along_axis(x, index, dim), index


_topk = general(
    "topk", params=("k", "dim", "largest", "sorted"), kernel=_topk_kernel, n_outputs=2,
    nondifferentiable_outputs=(1,), vjp=_permuted_rule, jvp=_permuted_jvp, batch=batch_along_dim,
    saved_names=dict(out1="indices"),
)  # fmt: skip


@public
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None
) -> Any:
    """(values, indices) of the k largest (or smallest) along `dim`, in order."""
    input = cast_input(input, None, "topk")
    d = wrap_dim(dim, input.ndim)
    k = whole(k, "topk", 1, "k")
    if not 0 <= k <= (input.shape[d] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if input.dtype.category in (0, 3):
        raise RuntimeError(f"{' topk' if input.dtype.category else 'topk'} does not support "
                           f"{'complex' if input.dtype.category else 'bool'} dtypes on CPU")  # fmt: skip
    return write_pair(out, _topk(input, k=int(k), dim=d, largest=largest, sorted=sorted), TYPES["topk"], "topk")


_SORTED = (Case(T(3, 4)), Case(T(3, 4), 0), Case(T(3, 4), 1, True), Case(T()), Case(T(0, 3), 1))
samples("sort", *_SORTED, complex=False)
samples("argsort", *_SORTED, differentiable=False, complex=False)
samples("msort", Case(T(3, 4)), Case(T(3)), complex=False)
samples("topk", Case(T(3, 4), 2), Case(T(3, 4), 2, 0), Case(T(5), 3, largest=False), Case(T(), 1), complex=False)

__all__ = ["order"]
