"""Rows of a table by number: `embedding`, `embedding_bag`, `one_hot`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.deferred import refuse_value, values_known
from ..core.primitive import Primitive, composite, general, kernel_helper, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor, bump, wrap
from ..kernels import numpy as kernels
from .install import FUNCTIONS, public
from .lines import tensor_type
from .whole import whole

# ---------------------------------------------------------------- rows and their transpose


def _rows_kernel(weight: Any, indices: Any, *, padding_idx: int, scale_grad_by_freq: bool, sparse: bool) -> Any:
    if indices.size and (indices.min() < 0 or indices.max() >= weight.shape[0]):
        raise IndexError("index out of range in self")
    return weight[indices]


def _row_sums(g: Any, indices: Any, padding_idx: int, scale: bool) -> tuple[Any, Any]:
    """The distinct numbers in `indices` (without padding_idx) and, for each, the sum of its rows of `g`."""
    flat = indices.reshape(-1)
    rows = g.reshape(flat.size, g.shape[-1]) if flat.size else np.zeros((0, g.shape[-1]), g.dtype)
    if padding_idx >= 0:
        keep = flat != padding_idx
        if not keep.all():
            flat, rows = flat[keep], rows[keep]
    if not flat.size:
        return flat, rows
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    first = np.empty(ordered.size, bool)
    first[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    starts = first.nonzero()[0]
    counts = np.diff(starts, append=ordered.size)
    most = int(counts.max())
    if most == 1:
        sums = rows[order]
    elif most <= 64:
        # the most frequent first: round k adds the k-th rows of a shrinking front part (much faster than reduceat)
        by_count = np.argsort(-counts, kind="stable")
        starts, counts = starts[by_count], counts[by_count]
        sums = rows[order[starts]]
        ends = np.searchsorted(-counts, -np.arange(1, most), side="left")
        for k, end in enumerate(ends.tolist(), 1):
            sums[:end] += rows[order[starts[:end] + k]]
    else:
        sums = np.add.reduceat(rows[order], starts, axis=0)
    if scale:
        sums = sums / counts[:, None].astype(sums.dtype)
    return ordered[starts], sums


@kernel_helper
def embedding_back(g: Any, indices: Any, *, count: int, padding_idx: int, scale_grad_by_freq: bool) -> Any:
    """The gradient of the table: few rows of it, as a scattered array."""
    numbers, sums = _row_sums(np.asarray(g), indices, padding_idx, scale_grad_by_freq)
    return kernels.Scattered(sums, (count, g.shape[-1]), numbers, True)


@composite
def embedding_back(  # type: ignore[no-redef]  # noqa: F811
    g: Tensor, indices: Tensor, *, count: int, padding_idx: int, scale_grad_by_freq: bool
) -> Tensor:
    """The gradient of the table."""
    return _dense_back(g, indices, count=count, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)  # type: ignore[no-any-return]


def _dense_kernel(g: Any, indices: Any, *, count: int, padding_idx: int, scale_grad_by_freq: bool) -> Any:
    numbers, sums = _row_sums(g, indices, padding_idx, scale_grad_by_freq)
    out = np.zeros((count, g.shape[-1]), g.dtype)
    out[numbers] = sums
    return out


def _dense_back_rule(xp: Any, g: Any, indices: Any, count: int, padding_idx: int, scale_grad_by_freq: bool) -> Any:
    rows = xp.embedding(g, indices, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq, sparse=False)
    return rows * xp.row_factors(indices, count=count, padding_idx=padding_idx, scale=scale_grad_by_freq, dtype=g.dtype)


def _row_factors(indices: Any, *, count: int, padding_idx: int, scale: bool, dtype: Any) -> Any:
    """What each row of the gradient is multiplied with: 0 for padding, one over the frequency if asked."""
    kind = getattr(dtype, "np", dtype)
    factor = np.ones(indices.shape, kind)
    if scale:
        factor = (1 / np.bincount(indices.reshape(-1), minlength=count)[indices]).astype(kind)
    factor[indices == padding_idx] = 0
    return factor[..., None]


general(
    "row_factors", inputs=("indices",), params=("count", "padding_idx", "scale", "dtype"), kernel=_row_factors,
    batch=lambda prim, vals, dims, params: (prim(front(vals[0], dims[0]), **params), 0),
)  # fmt: skip


def _batch_rows(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    (weight, indices), (dw, di) = vals, dims
    if dw is None:
        return prim(weight, front(indices, di), **params), 0
    weight = front(weight, dw)
    n, rows = weight.shape[:2]
    indices = stretched(indices, di, n) + _offsets(n, rows, indices.ndim - (di is not None))
    return prim(ops.reshape(weight, (n * rows, *weight.shape[2:])), indices, **{**params, "padding_idx": -1}), 0


def _offsets(n: int, rows: int, ndim: int) -> Tensor:
    return wrap((np.arange(n, dtype=np.int64) * rows).reshape(n, *(1,) * ndim))


def _batch_dense_back(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    (g, indices), (dg, di) = vals, dims
    n = g.shape[dg] if dg is not None else indices.shape[di]
    g, indices = stretched(g, dg, n), stretched(indices, di, n)
    count = params["count"]
    keep = ops.row_factors(indices, count=count, padding_idx=params["padding_idx"], scale=False, dtype=g.dtype)
    shifted = indices + _offsets(n, count, indices.ndim - 1)
    y = prim(g * keep, shifted, **{**params, "count": n * count, "padding_idx": -1})
    return ops.reshape(y, (n, count, g.shape[-1])), 0


_embedding = general(
    "embedding",
    inputs=("weight", "indices"),
    params=("padding_idx", "scale_grad_by_freq", "sparse"),
    kernel=_rows_kernel,
    vjp=dict(
        weight=lambda xp, g, weight_shape, indices, padding_idx, scale_grad_by_freq: xp.embedding_back(
            g, indices, count=weight_shape[0], padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq
        )
    ),
    jvp=dict(
        weight=lambda xp, t, indices, padding_idx, scale_grad_by_freq, sparse: xp.embedding(
            t, indices, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
        )
    ),
    batch=_batch_rows,
    half="native",
    real_gradient="embedding",
)
_dense_back = general(
    "embedding_dense_backward",
    inputs=("g", "indices"),
    params=("count", "padding_idx", "scale_grad_by_freq"),
    kernel=_dense_kernel,
    vjp=dict(g=_dense_back_rule),
    jvp=dict(
        g=lambda xp, t, indices, count, padding_idx, scale_grad_by_freq: xp.embedding_dense_backward(
            t, indices, count=count, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq
        )
    ),
    batch=_batch_dense_back,
)


def _check_indices(indices: Any, name: str) -> None:
    if not isinstance(indices, Tensor):
        raise TypeError(f"{name}(): argument 'indices' (position 2) must be Tensor, not {type(indices).__name__}")
    if indices.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{tensor_type(indices.dtype)} instead (while checking arguments for {name})"
        )


@public(name="embedding", method=False)
def torch_embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """Rows of `weight` (n, d) by number: (*) -> (*, d). The row `padding_idx` gets no gradient."""
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    _check_indices(indices, "embedding")
    if sparse and weight.requires_grad:
        raise NotImplementedError("embedding: sparse=True (there are no sparse gradients here; use sparse=False)")
    return _embedding(  # type: ignore[no-any-return]
        weight, indices, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
    )


@public(name="nn.functional.embedding", method=False)
def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """Rows of `weight` (n, d) by number: (*) -> (*, d).

    The row `padding_idx` gets no gradient; `max_norm` scales the rows that are looked up, in place, to at most that
    norm; `scale_grad_by_freq` divides gradients by how often the row was looked up.
    """
    if padding_idx is not None:
        n = weight.shape[0]
        if padding_idx > 0:
            assert padding_idx < n, "Padding_idx must be within num_embeddings"
        elif padding_idx < 0:
            assert padding_idx >= -n, "Padding_idx must be within num_embeddings"
            padding_idx = n + padding_idx
    else:
        padding_idx = -1
    if max_norm is not None:
        embedding_renorm_(weight.detach(), input, max_norm, norm_type)  # type: ignore[attr-defined]
    return torch_embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


@public(method=False)
def embedding_renorm_(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Scale the rows of `weight` named in `indices`, in place, to norms of at most `max_norm`."""
    if not values_known():
        return _renormed_in_place(weight, indices, max_norm, norm_type)
    table = weight._data
    numbers = np.unique(indices._data)
    rows = table[numbers]
    norms = np.linalg.norm(rows, norm_type, axis=1)
    over = norms > max_norm
    if over.any():
        scale = max_norm / (norms[over] + 1e-7)
        table[numbers[over]] = rows[over] * scale[:, None].astype(table.dtype)
        bump(weight)
    return weight


def _renormed_in_place(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """The same by operations alone, which look at all rows."""
    F = FUNCTIONS
    norms = F["linalg.vector_norm"](weight, norm_type, 1)
    named = F["isin"](F["arange"](weight.shape[0]), indices)
    scale = F["where"](named & (norms > max_norm), max_norm / (norms + 1e-7), F["ones_like"](norms))
    return weight.mul_(F["unsqueeze"](scale, 1))  # type: ignore[attr-defined, no-any-return]


@public(name="nn.functional.one_hot", method=False)
def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers (*) as int64 vectors of zeros with a single 1: (*, num_classes); -1 takes the largest plus one."""
    num_classes = whole(num_classes, "one_hot", 2, "num_classes")
    if input.dtype.name != "int64":
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    size = 1
    for n in input.shape:
        size *= n
    if size == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return _one_hot(input, count=num_classes)  # type: ignore[no-any-return]
    if input._data.__class__ is np.ndarray or num_classes == -1:
        low, high = int(input.min().item()), int(input.max().item())  # type: ignore[attr-defined]
        if low < 0:
            raise RuntimeError("Class values must be non-negative.")
        if num_classes == -1:
            num_classes = high + 1
        elif num_classes < 1 or high >= num_classes:
            raise RuntimeError("Class values must be smaller than num_classes.")
    return _one_hot(input, count=num_classes)  # type: ignore[no-any-return]


_one_hot = general(
    "one_hot",
    params=("count",),
    kernel=lambda x, *, count: (x[..., None] == np.arange(count)).astype(np.int64),
    batch=lambda prim, vals, dims, params: (prim(front(vals[0], dims[0]), **params), 0),
)

# ---------------------------------------------------------------- bags


def _bag_numbers(offsets: Any, n: int) -> Any:
    """For each of n indices the number of its bag."""
    marks = np.zeros(n + 1, np.int64)
    np.add.at(marks, offsets, 1)
    return np.cumsum(marks[:n]) - 1


def _counted(indices: Any, bags: Any, n_bags: int, padding_idx: int) -> Any:
    """How many indices of each bag count."""
    chosen = bags if padding_idx < 0 else bags[indices != padding_idx]
    return np.bincount(chosen, minlength=n_bags)[:n_bags]


def _bag_kernel(
    weight: Any,
    psw: Any,
    indices: Any,
    bags: Any,
    *,
    n_bags: int,
    mode: int,
    padding_idx: int,
    scale_grad_by_freq: bool,
) -> Any:
    """(bags, the rows that won for `max`). mode: 0 sum, 1 mean, 2 max."""
    d = weight.shape[1]
    rows = weight[indices]
    keep = indices != padding_idx
    if mode < 2:
        if psw is not None:
            rows = rows * psw[:, None]
        if not keep.all():
            rows = np.where(keep[:, None], rows, rows.dtype.type(0))
        out = np.zeros((n_bags, d), weight.dtype)
        if (bags[1:] < bags[:-1]).any():  # not one after the other: bags of several examples
            np.add.at(out, bags, rows)
        elif len(indices):
            starts = np.flatnonzero(np.r_[True, bags[1:] != bags[:-1]])
            out[bags[starts]] = np.add.reduceat(rows, starts, axis=0)
        if mode == 1:
            out = out / np.maximum(_counted(indices, bags, n_bags, padding_idx), 1)[:, None].astype(out.dtype)
        return out, np.zeros((0,), np.int64)
    winners = np.full((n_bags, d), -1, np.int64)
    out = np.zeros((n_bags, d), weight.dtype)
    for i, (number, bag) in enumerate(zip(indices, bags, strict=True)):
        if number == padding_idx:
            continue
        better = (winners[bag] < 0) | (rows[i] > out[bag])
        out[bag][better] = rows[i][better]
        winners[bag][better] = number
    return out, winners


def _bag_slopes(xp: Any, g: Any, indices: Any, bags: Any, n_bags: int, mode: int, padding_idx: int) -> Any:
    """The gradient for each looked-up row, before the sample weights."""
    rows = xp.embedding(g, bags, padding_idx=-1, scale_grad_by_freq=False, sparse=False)
    return rows * xp.bag_factors(indices, bags, n_bags=n_bags, mode=mode, padding_idx=padding_idx, dtype=g.dtype)


def _bag_factors(indices: Any, bags: Any, *, n_bags: int, mode: int, padding_idx: int, dtype: Any) -> Any:
    kind = getattr(dtype, "np", dtype)
    factor = np.ones(indices.shape, kind)
    if mode == 1:
        factor = (1 / np.maximum(_counted(indices, bags, n_bags, padding_idx), 1)[bags]).astype(kind)
    factor[indices == padding_idx] = 0
    return factor[:, None]


def _batch_factors(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = size_of_batch(vals, dims)
    indices, bags = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
    bags = bags + ops.unsqueeze(FUNCTIONS["arange"](n), dim=1) * params["n_bags"]
    size = n * indices.shape[1]
    y = prim(ops.reshape(indices, (size,)), ops.reshape(bags, (size,)), **{**params, "n_bags": n * params["n_bags"]})
    return ops.reshape(y, (n, indices.shape[1], 1)), 0


general(
    "bag_factors", inputs=("indices", "bags"), params=("n_bags", "mode", "padding_idx", "dtype"), kernel=_bag_factors,
    batch=_batch_factors,
)


def _bag_weight_rule(
    xp: Any, gs: Any, weight_shape: Any, psw: Any, indices: Any, bags: Any, out1: Any, n_bags: int, mode: int,
    padding_idx: int, scale_grad_by_freq: bool,
) -> Any:  # fmt: skip
    g = gs[0]
    if mode == 2:
        spread = xp.put_last(
            xp.transpose(g, dim0=0, dim1=1), xp.transpose(out1, dim0=0, dim1=1), size=weight_shape[0], unique=False
        )
        return xp.transpose(spread, dim0=0, dim1=1)
    rows = _bag_slopes(xp, g, indices, bags, n_bags, mode, padding_idx)
    if psw is not None:
        rows = rows * xp.reshape(psw, (-1, 1))
    return xp.embedding_back(
        rows, indices, count=weight_shape[0], padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq
    )


def _bag_psw_rule(
    xp: Any, gs: Any, weight: Any, indices: Any, bags: Any, n_bags: int, mode: int, padding_idx: int
) -> Any:
    rows = _bag_slopes(xp, gs[0], indices, bags, n_bags, mode, padding_idx)
    looked_up = xp.embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False)
    return xp.sum(rows * looked_up, dim=(1,), keepdim=False)


def _bag_tangent(
    xp: Any, ts: Any, weight: Any, psw: Any, indices: Any, bags: Any, out1: Any, n_bags: int, mode: int,
    padding_idx: int, scale_grad_by_freq: bool,
) -> Any:  # fmt: skip
    tw, tp = ts[0], ts[1]
    params = dict(n_bags=n_bags, mode=mode, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)
    if mode == 2:
        picked = xp.pick_last(xp.transpose(tw, dim0=0, dim1=1), xp.transpose(out1, dim0=0, dim1=1), unique=False)
        return xp.transpose(picked, dim0=0, dim1=1), None
    total = None if tw is None else xp.embedding_bag_rows(tw, psw, indices, bags, **params)[0]
    if tp is not None:
        piece = xp.embedding_bag_rows(weight, tp, indices, bags, **params)[0]
        total = piece if total is None else total + piece
    return total, None


def _batch_bags(prim: Any, vals: Any, dims: Any, params: Any) -> Any:
    """The bags of all examples side by side; where tables differ, so do they."""
    weight, psw, indices, bags = vals
    n, n_bags, padding = size_of_batch(vals, dims), params["n_bags"], params["padding_idx"]
    rows, width = weight.shape[-2:] if dims[0] is None else [m for i, m in enumerate(weight.shape) if i != dims[0]]
    own = dims[0] is not None or params["scale_grad_by_freq"]  # frequencies are counted in each example by itself
    slots = ops.unsqueeze(FUNCTIONS["arange"](n), dim=1)
    indices, bags = stretched(indices, dims[2], n), stretched(bags, dims[3], n)
    count = indices.shape[1]
    bags = bags + slots * n_bags
    left_out = padding >= 0 and own
    if left_out:  # a bag that is thrown away
        bags = ops.where(indices == padding, n * n_bags, bags)
    if own:
        weight = ops.reshape(stretched(weight, dims[0], n), (n * rows, width))
        indices = indices + slots * rows
    if psw is not None:
        psw = ops.reshape(stretched(psw, dims[1], n), (n * count,))
    given = {**params, "n_bags": n * n_bags + left_out, "padding_idx": -1 if left_out else padding}
    y, winners = prim(weight, psw, ops.reshape(indices, (n * count,)), ops.reshape(bags, (n * count,)), **given)
    y = ops.reshape(y[: n * n_bags], (n, n_bags, width))
    if params["mode"] < 2:
        return (y, winners), (0, None)
    winners = ops.reshape(winners[: n * n_bags], (n, n_bags, width))
    if own:
        winners = ops.where(winners < 0, winners, winners - ops.unsqueeze(slots, dim=2) * rows)
    return (y, winners), (0, 0)


_bag = general(
    "embedding_bag_rows",
    inputs=("weight", "psw", "indices", "bags"),
    params=("n_bags", "mode", "padding_idx", "scale_grad_by_freq"),
    kernel=_bag_kernel,
    n_outputs=2,
    nondifferentiable_outputs=(1,),
    vjp=dict(weight=_bag_weight_rule, psw=_bag_psw_rule),
    jvp=_bag_tangent,
    batch=_batch_bags,
    node="EmbeddingBagBackward0",
    saved_names=dict(psw="per_sample_weights"),
)


def _refuse_offsets(offsets: Tensor, n: int) -> None:
    """Offsets that are not known yet must begin with 0 and stay within the input."""
    first = (
        "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {}"
    )
    last = f"offsets[-1] can not be greater than input's length {n} but got offsets[-1] of {{}}"
    low, high = offsets[:1], offsets[-1:]  # type: ignore[index]
    refuse_value(low != 0, low, lambda found: RuntimeError(first.format(found.item())))  # type: ignore[arg-type, attr-defined]
    refuse_value(high > n, high, lambda found: RuntimeError(last.format(found.item())))  # type: ignore[attr-defined]


@public(name="nn.functional.embedding_bag", method=False)
def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
    per_sample_weights: Tensor | None = None, include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """Sums, means or maxima of bags of rows of `weight`: bags are the rows of a 2-d `input`, or start at `offsets`."""
    if weight.dtype.name == "int64" and input.dtype.is_floating_point:
        from ..core.errors import warn

        warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
            "deprecated, and should now be `embedding_bag(input, weight, ...)`."
        )
        weight, input = input, weight
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            f"same shape as the input ({input.size()})"  # type: ignore[attr-defined]
        )
    if not weight.ndim == 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)!r}"
            )
        starts = (
            np.arange(0, input.shape[0] * input.shape[1], input.shape[1])
            if input.shape[1]
            else np.zeros(input.shape[0], np.int64)
        )
        input = ops.reshape(input, (-1,))
        if per_sample_weights is not None:
            per_sample_weights = ops.reshape(per_sample_weights, (-1,))
    elif input.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        # None: of mapped offsets only the number is known, and of those that `compile` traces
        starts = offsets._data if not offsets._level and values_known() else None
        if not values_known() and len(offsets):
            _refuse_offsets(offsets, input.shape[0])
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    modes = {"sum": 0, "mean": 1, "max": 2}
    if mode not in modes:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max":
        if scale_grad_by_freq:
            raise ValueError("max mode does not support scaling the gradient by the frequency")
        if sparse:
            raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        embedding_renorm_(weight.detach(), input, max_norm, norm_type)  # type: ignore[attr-defined]
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode='{mode}'). Please open a feature request on GitHub."
        )
    if sparse and weight.requires_grad:
        raise NotImplementedError("embedding_bag: sparse=True (there are no sparse gradients here; use sparse=False)")
    _check_indices(input, "embedding_bag")
    if not weight.dtype.is_floating_point:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, BFloat16, Float, "
            f"Double; but got {tensor_type(weight.dtype)} instead (while checking arguments for embedding_bag)"
        )
    if per_sample_weights is not None and per_sample_weights.dtype is not weight.dtype:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 "
            f"'per_sample_weights'; but type {tensor_type(weight.dtype)} does not equal "
            f"{tensor_type(per_sample_weights.dtype)} (while checking arguments for embedding_bag)"
        )
    n, rows = input.shape[0], weight.shape[0]
    n_bags = 0 if offsets is None else offsets.shape[0] - bool(include_last_offset)
    if starts is None:
        assert offsets is not None
        ends = FUNCTIONS["searchsorted"](offsets[:n_bags], FUNCTIONS["arange"](n), right=True)  # type: ignore[index]
        bags, starts = ends - 1, ()
    else:
        bags = None
    if include_last_offset and bags is None:
        if not len(starts):
            raise RuntimeError("include_last_offset: number of offsets should be at least 1")
        starts = starts[:-1]
    if len(starts):
        if starts[0] != 0:
            raise RuntimeError(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
                f"However, got {starts[0]}"
            )
        if starts[-1] > n:
            raise RuntimeError(
                f"offsets[-1] can not be greater than input's length {n} but got offsets[-1] of {starts[-1]}"
            )
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise RuntimeError(
                f"padding_idx must be within the number of embeddings, -{rows} through {rows - 1}, "
                f"but got {padding_idx}"
            )
        padding_idx %= rows
    numbers = input._data
    if numbers.__class__ is np.ndarray:
        bad = (numbers < 0) | (numbers >= rows)
        if bad.any():
            at = int(bad.argmax())
            raise RuntimeError(
                f"Index {at} of input takes value {numbers[at]} which is not in the valid range [0, {rows})"
            )
    if bags is None:
        bags, n_bags = wrap(_bag_numbers(starts, n)) if len(starts) else wrap(np.zeros(n, np.int64)), len(starts)
    return _bag(  # type: ignore[no-any-return]
        weight, per_sample_weights, input, bags, n_bags=n_bags, mode=modes[mode],
        padding_idx=-1 if padding_idx is None else padding_idx, scale_grad_by_freq=scale_grad_by_freq,
    )[0]  # fmt: skip


_INDEX = T(2, 3, dtype="int64", low=0, high=5)
samples(
    "nn.functional.embedding",
    Case(_INDEX, T(5, 4)), Case(_INDEX, T(5, 4), padding_idx=1), Case(_INDEX, T(5, 4), scale_grad_by_freq=True),
    Case(T(dtype="int64", low=0, high=5), T(5, 4), padding_idx=-1), Case(T(0, dtype="int64", low=0, high=5), T(5, 4)),
)  # fmt: skip
samples(
    "nn.functional.one_hot",
    Case(T(2, 3, dtype="int64", low=0, high=4), 5),
    Case(T(3, dtype="int64", low=0, high=4)),
    complex=False,
)
samples(
    "nn.functional.embedding_bag",
    Case(_INDEX, T(5, 4)),
    Case(_INDEX, T(5, 4), mode="sum", per_sample_weights=T(2, 3)),
    Case(_INDEX, T(5, 4), mode="max"),
    Case(_INDEX, T(5, 4), padding_idx=2),
    Case(_INDEX, T(5, 4), mode="sum", padding_idx=0),
    complex=False,
)

__all__ = ["math"]
