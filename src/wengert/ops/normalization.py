"""Normalization: over batches, layers, groups, instances and neighbouring channels.

One primitive serves three of PyTorch's: `standardize` views x under some shape, brings `dims` of that view to mean 0
and variance 1, and applies an affine map to the whole.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front
from ..core.dispatch import dispatch
from ..core.dtypes import finfo
from ..core.modes import mode
from ..core.primitive import Primitive, composite, general, kernel_helper, ops
from ..core.samples import Case, T, samples
from ..core.takes import COMPLEX, REAL, Takes
from ..core.tensor import PLAIN, Tensor, bump
from ..kernels import normalize as fast
from ..kernels import numpy as kernels
from .fused import writes_out
from .install import FUNCTIONS, public
from .lines import without_gradient
from .norm import vector_norm

# ---------------------------------------------------------------- the primitive


def _statistics(v: Any, dims: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """(v - mean, mean, 1 / standard deviation) over `dims`, which are kept."""
    count = math.prod(v.shape[d] for d in dims)
    mean = np.add.reduce(v, axis=dims, keepdims=True) / v.dtype.type(max(count, 1))
    centered = v - mean
    axes = list(range(v.ndim))
    rest = [d for d in axes if d not in dims]
    square = np.einsum(centered, axes, centered, axes, rest)
    square = np.asarray(square).reshape(mean.shape)
    rstd = 1 / np.sqrt(square / v.dtype.type(max(count, 1)) + v.dtype.type(eps))
    return centered, mean, rstd


def _kernel(x: Any, w: Any, b: Any, *, shape: Any, dims: Any, affine: Any, eps: float) -> Any:
    if _by_rows(x, w, b, shape, dims, affine):
        flat = None if w is None else w.reshape(-1), None if b is None else b.reshape(-1)
        y, mean, rstd = fast.forward(x.reshape(shape), *flat, eps)
        return y.reshape(x.shape), mean, rstd
    if x.size >= fast.LARGE and _by_groups(x, w, b, shape, dims, affine):
        flat = None if w is None else w.reshape(-1), None if b is None else b.reshape(-1)
        y, mean, rstd = fast.forward_groups(x.reshape(shape), *flat, x.shape[1], eps)
        return y.reshape(x.shape), mean, rstd
    centered, mean, rstd = _statistics(x.reshape(shape), dims, eps)
    y = np.multiply(centered, rstd, out=centered).reshape(x.shape)
    return _affine(y, w, b, affine), mean, rstd


def _by_rows(x: Any, w: Any, b: Any, shape: Any, dims: Any, affine: Any) -> bool:
    """Whether this is layer norm on floats of one dtype: rows are normalized, the affine map is one row."""
    return (
        len(shape) == 2
        and dims == (1,)
        and x.dtype.kind == "f"
        and x.size > 0
        and math.prod(affine) == shape[1]
        and (w is None or w.dtype == x.dtype)
        and (b is None or b.dtype == x.dtype)
    )


def _by_groups(x: Any, w: Any, b: Any, shape: Any, dims: Any, affine: Any) -> bool:
    """Whether this is group norm on floats: groups are normalized, the affine map has a number for each channel."""
    return len(shape) == 3 and dims == (2,) and _by_channels(x, w, b, affine)


def _by_channels(x: Any, w: Any, b: Any, affine: Any) -> bool:
    """Floats of one dtype, and an affine map with a number for each channel."""
    return (
        x.dtype.kind == "f" and x.size > 0 and len(affine) == x.ndim > 1
        and math.prod(affine) == affine[1] == x.shape[1]
        and (w is None or w.dtype == x.dtype) and (b is None or b.dtype == x.dtype)
    )  # fmt: skip


def _affine(y: Any, w: Any, b: Any, shape: Any) -> Any:
    """y * w + b, in the memory of y."""
    if w is not None:
        w = w.reshape(shape)
        y = np.multiply(y, w, out=y) if w.dtype == y.dtype else y * w
    if b is not None:
        b = b.reshape(shape)
        y = np.add(y, b, out=y) if b.dtype == y.dtype else y + b
    return y


@kernel_helper
def known_statistics(v: Any, mean: Any, rstd: Any, *, dims: Any, eps: float) -> Any:
    """The saved mean and 1 / standard deviation."""
    return mean, rstd


@composite
def known_statistics(v: Tensor, mean: Tensor, rstd: Tensor, *, dims: Any, eps: float) -> Any:  # type: ignore[no-redef]  # noqa: F811
    """Mean and 1 / standard deviation of v anew, as functions of v."""
    mean = ops.mean(v, dim=dims, keepdim=True)
    centered = v - mean
    return mean, ops.rsqrt(ops.mean(centered * centered, dim=dims, keepdim=True) + eps)


def _rule(
    xp: Any, gs: Any, needs: Any, x: Any, w: Any, w_shape: Any, b_shape: Any, out1: Any, out2: Any, shape: Any,
    dims: Any, affine: Any, eps: float,
) -> Any:  # fmt: skip
    if gs[0] is None:
        return None, None, None
    return xp.standardize_gradients(
        gs[0], x, w, out1, out2, needs=needs, w_shape=w_shape, b_shape=b_shape, shape=shape, dims=dims, affine=affine,
        eps=eps,
    )  # fmt: skip


def _gradients(
    xp: Any, g: Any, x: Any, w: Any, out1: Any, out2: Any, needs: Any, w_shape: Any, b_shape: Any, shape: Any,
    dims: Any, affine: Any, eps: float,
) -> Any:  # fmt: skip
    v = xp.reshape(x, shape)
    mean, rstd = xp.known_statistics(v, out1, out2, dims=dims, eps=eps)
    normal = (v - mean) * rstd
    gx = gw = gb = None
    if needs[0]:
        h = g if w is None else g * xp.reshape(w, affine)
        h = xp.reshape(h, shape)
        m1 = xp.mean(h, dim=dims, keepdim=True)
        m2 = xp.mean(h * normal, dim=dims, keepdim=True)
        gx = xp.reshape((h - m1 - normal * m2) * rstd, tuple(x.shape))
    if needs[1]:
        gw = xp.reshape(xp.sum_to(g * xp.reshape(normal, tuple(x.shape)), affine), w_shape)
    if needs[2]:
        gb = xp.reshape(xp.sum_to(g, affine), b_shape)
    return gx, gw, gb


@kernel_helper
def standardize_gradients(g: Any, x: Any, w: Any, out1: Any, out2: Any, **more: Any) -> Any:
    """The gradients of x, w and b."""
    shape, needs = more["shape"], more["needs"]
    found = None
    if g.dtype == x.dtype == out1.dtype:
        rows = g.reshape(shape), x.reshape(shape), None if w is None else w.reshape(-1), out1, out2, needs
        if _by_rows(x, w, None, shape, more["dims"], more["affine"]):
            found = fast.backward(*rows)
        elif _by_groups(x, w, None, shape, more["dims"], more["affine"]):
            channels = *shape[:2], x.shape[1] // shape[1], -1
            found = fast.backward_groups(g.reshape(channels), x.reshape(channels), *rows[2:])
        elif x.size >= fast.LARGE and more["dims"] == (0, 2) and len(shape) == 3 and shape[2] > 1 and shape[1] == x.shape[1]:
            if _by_channels(x, w, None, more["affine"]):
                found = fast.backward_channels(*rows)
    if found is not None:
        shapes = x.shape, more["w_shape"], more["b_shape"]
        return tuple(None if v is None else v.reshape(size) for v, size in zip(found, shapes, strict=True))
    return _gradients(kernels, g, x, w, out1, out2, **more)


@composite
def standardize_gradients(  # type: ignore[no-redef]  # noqa: F811
    g: Tensor, x: Tensor, w: Any, out1: Tensor, out2: Tensor, **more: Any
) -> Any:
    """The gradients of x, w and b as functions of g, x and w."""
    tracer = writes_out((g, x, w, out1, out2))
    if tracer is not None:
        return tracer.gradients("standardize_gradients", g, x, w, out1, out2, **more)
    return _gradients(ops, g, x, w, out1, out2, **more)


def _tangent(
    xp: Any, ts: Any, x: Any, w: Any, out1: Any, out2: Any, shape: Any, dims: Any, affine: Any, eps: float
) -> Any:
    tx, tw, tb = ts
    v = xp.reshape(x, shape)
    mean, rstd = xp.known_statistics(v, out1, out2, dims=dims, eps=eps)
    normal = (v - mean) * rstd
    full = tuple(x.shape)
    total = None
    if tx is not None:
        u = xp.reshape(tx, shape)
        m1 = xp.mean(u, dim=dims, keepdim=True)
        m2 = xp.mean(u * normal, dim=dims, keepdim=True)
        total = xp.reshape((u - m1 - normal * m2) * rstd, full)
        if w is not None:
            total = total * xp.reshape(w, affine)
    if tw is not None:
        piece = xp.reshape(normal, full) * xp.reshape(tw, affine)
        total = piece if total is None else total + piece
    if tb is not None:
        piece = xp.expand(xp.reshape(tb, affine), size=full)
        total = piece if total is None else total + piece
    return total, None, None


def _batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """Normalize with one more leading dimension; the affine map by itself."""
    (x, w, b), (dx, dw, db) = vals, dims
    affine = params["affine"]
    n = next(v.shape[d] for v, d in zip(vals, dims, strict=True) if d is not None)
    if dx is None:
        y, mean, rstd = prim(x, None, None, **params)
        y, mean, rstd = (ops.unsqueeze(v, dim=0) for v in (y, mean, rstd))
    else:
        lifted = {**params, "shape": (n, *params["shape"]), "dims": tuple(d + 1 for d in params["dims"])}
        y, mean, rstd = prim(front(x, dx), None, None, **lifted)
    for value, d, multiply in ((w, dw, True), (b, db, False)):
        if value is not None:
            value = ops.reshape(value, affine) if d is None else ops.reshape(front(value, d), (n, *affine))
            y = y * value if multiply else y + value
    if dx is None and dw is None and db is None:
        return (y, mean, rstd), (0, 0, 0)
    full = ops.expand(mean, size=(n, *mean.shape[1:])), ops.expand(rstd, size=(n, *rstd.shape[1:]))
    y = ops.expand(y, size=(n, *y.shape[1:]))
    return (y, *full), (0, 0, 0)


_standardize = general(
    "standardize",
    inputs=("x", "w", "b"),
    params=("shape", "dims", "affine", "eps"),
    kernel=_kernel,
    n_outputs=3,
    nondifferentiable_outputs=(1, 2),
    vjp=_rule,
    jvp=_tangent,
    batch=_batch,
    saved_names=dict(x="input", w="weight", b="bias", out1="result1", out2="result2"),
)
_batch_node = _standardize.renamed("NativeBatchNormBackward0")
_layer_node = _standardize.renamed("NativeLayerNormBackward0")
_group_node = _standardize.renamed("NativeGroupNormBackward0")


def _standardized(x: Tensor, w: Any, b: Any, shape: Any, dims: Any, affine: Any, eps: float, node: Any) -> Any:
    params = {"shape": shape, "dims": dims, "affine": affine, "eps": eps}
    return dispatch(_standardize, (x, w, b), params, node)


# ---------------------------------------------------------------- with given statistics: batch norm in evaluation


def _given_kernel(x: Any, w: Any, b: Any, mean: Any, var: Any, *, affine: Any, eps: float) -> Any:
    rstd = 1 / np.sqrt(var + var.dtype.type(eps))
    y = (x - mean.reshape(affine)) * rstd.reshape(affine)
    return _affine(y, w, b, affine).astype(x.dtype, copy=False)


def _given_rstd(xp: Any, var: Any, affine: Any, eps: float) -> Any:
    return xp.reshape(xp.rsqrt(var + eps), affine)


def _batch_given(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    n = next(v.shape[d] for v, d in zip(vals, dims, strict=True) if d is not None)
    affine = params["affine"]
    parts = [
        v if v is None else ops.reshape(v, affine) if d is None else ops.reshape(front(v, d), (n, *affine))
        for v, d in zip(vals[1:], dims[1:], strict=True)
    ]
    x = front(vals[0], dims[0])
    w, b, mean, var = parts
    y = (x - mean) * ops.rsqrt(var + params["eps"])
    y = y if w is None else y * w
    return (y if b is None else y + b), 0


_given = general(
    "standardize_by",
    inputs=("x", "w", "b", "mean", "var"),
    params=("affine", "eps"),
    kernel=_given_kernel,
    vjp=dict(
        x=lambda xp, g, w, var, affine, eps: (
            (g if w is None else g * xp.reshape(w, affine)) * _given_rstd(xp, var, affine, eps)
        ),
        w=lambda xp, g, x, w_shape, mean, var, affine, eps: xp.reshape(
            xp.sum_to(g * ((x - xp.reshape(mean, affine)) * _given_rstd(xp, var, affine, eps)), affine), w_shape
        ),
        b=lambda xp, g, b_shape, affine: xp.reshape(xp.sum_to(g, affine), b_shape),
    ),
    jvp=dict(
        x=lambda xp, t, w, var, affine, eps: (
            (t if w is None else t * xp.reshape(w, affine)) * _given_rstd(xp, var, affine, eps)
        ),
        w=lambda xp, t, x, mean, var, affine, eps: (
            xp.reshape(t, affine) * ((x - xp.reshape(mean, affine)) * _given_rstd(xp, var, affine, eps))
        ),
        b=lambda xp, t, x, affine: xp.expand(xp.reshape(t, affine), size=tuple(x.shape)),
    ),
    batch=_batch_given,
    node="NativeBatchNormBackward0",
    saved_names=dict(x="input", w="weight", mean="running_mean", var="running_var"),
)

# ---------------------------------------------------------------- batch and instance norm


_batch_takes = Takes("batch_norm", REAL)


def _check_batch_norm(input: Tensor, mean: Any, var: Any, weight: Any, bias: Any, training: bool) -> None:
    channels = input.shape[1] if input.ndim > 1 else 0
    if not training:
        for name, v in (("running_mean", mean), ("running_var", var)):
            if v is None:
                raise RuntimeError(f"{name} must be defined in evaluation mode")
    for name, v in (("running_mean", mean), ("running_var", var), ("weight", weight), ("bias", bias)):
        if v is not None and (v.ndim != 1 or v.shape[0] != channels):
            size = 1
            for n in v.shape:
                size *= n
            raise RuntimeError(f"{name} should contain {channels} elements not {size}")
    _batch_takes(input)
    without_gradient("native_batch_norm", running_mean=mean, running_var=var)
    check_parameters(input, _batch_takes, weight, bias, mean, var)


def check_parameters(input: Tensor, takes: Takes, *parameters: Any) -> None:
    """Parameters have the dtype of `input`, which its kernel `takes`; all of half precision's may be float32 instead."""
    given = [v.dtype for v in parameters if v is not None]
    kind = input.dtype
    if given and given[0] is not kind:
        if any(v.name != "float32" for v in given):
            raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")
        if kind.name not in ("float16", "bfloat16"):
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
        return
    takes(input)
    for v in given:
        if v is not kind:
            raise RuntimeError(f"expected scalar type {kind.scalar_name} but found {v.scalar_name}")


def _update_running(running: Tensor, now: Tensor, momentum: float) -> None:
    """running = (1 - momentum) running + momentum now, in place."""
    if running.__class__ in PLAIN and now.__class__ in PLAIN and mode().tracer is None:
        data = running._data
        np.copyto(data, (1 - momentum) * data + momentum * now._data, casting="same_kind")
        bump(running)
        return
    from ..core.modes import no_grad

    with no_grad():
        running.mul_(1 - momentum).add_(now * momentum)  # type: ignore[attr-defined]


def _refuse_shared_statistics(input: Tensor, *running: Any) -> None:
    """Under vmap each example would write statistics of its own into one place."""
    if not input._level:
        return
    from ..core.levels import Batched

    def mapped(t: Any) -> set[int]:
        found = set()
        while t._level:
            if t.__class__ is Batched:
                found.add(t._level)
            t = t._data
        return found

    own = mapped(input)
    if any(v is not None and not own <= mapped(v) for v in running):
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated in "
            "place, were not batched.\nIf you are using a module and do not need eval mode, please set "
            "`track_running_stats` to be False.If you are using a prebuilt module and do not need eval mode, please see "
            "the functorch website for resources on how to patch your module to work with vmap"
        )


def _batch_norm(
    input: Tensor, weight: Any, bias: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float
) -> Tensor:
    _check_batch_norm(input, mean, var, weight, bias, training)
    n, c = input.shape[0], input.shape[1]
    affine = (1, c, *(1,) * (input.ndim - 2))
    if not training:
        return _given(input, weight, bias, mean, var, affine=affine, eps=eps)  # type: ignore[no-any-return]
    _refuse_shared_statistics(input, mean, var)
    inner = math.prod(input.shape[2:])
    y, m, rstd = _standardized(input, weight, bias, (n, c, inner), (0, 2), affine, eps, _batch_node)
    count = n * inner
    if mean is not None and count:
        _update_running(mean, ops.reshape(m.detach(), (c,)), momentum)
    if var is not None and count:
        r = ops.reshape(rstd.detach(), (c,))
        biased = 1 / (r * r) - eps
        _update_running(var, biased * (count / max(count - 1, 1)), momentum)
    return y  # type: ignore[no-any-return]


def _statistics_of_batch(input: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The means and 1 / standard deviations of the channels."""
    x = input.detach()  # type: ignore[attr-defined]
    n, c = x.shape[:2]
    dims = (0, 2)
    mean, rstd = ops.known_statistics(ops.reshape(x, (n, c, math.prod(x.shape[2:]))), None, None, dims=dims, eps=eps)
    return ops.reshape(mean, (c,)), ops.reshape(rstd, (c,))


@public(method=False, name="batch_norm")
def torch_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float, cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """`nn.functional.batch_norm` with its arguments in the order of the torch namespace."""
    return _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def _refuse_single(size: Any) -> None:
    count = size[0]
    for n in size[2:]:
        count *= n
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


@public(name="nn.functional.batch_norm", method=False)
def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Each channel (dim 1) of (N, C, *) to mean 0 and variance 1, then weight and bias.

    `training`: by the statistics of this batch, and the running ones move by `momentum`; else by the running ones.
    """
    if training:
        _refuse_single(input.shape)
    return _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def _instance_norm(
    input: Tensor, mean: Any, var: Any, weight: Any, bias: Any, use_input_stats: bool, momentum: float, eps: float
) -> Tensor:
    if not use_input_stats and (mean is None or var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    n, c = input.shape[0], input.shape[1]
    many = [None if v is None else v.repeat(n) for v in (weight, bias, mean, var)]
    x = ops.reshape(input, (1, n * c, *input.shape[2:]))
    y = _batch_norm(x, many[0], many[1], many[2], many[3], use_input_stats, momentum, eps)
    if use_input_stats:
        for v, repeated in ((mean, many[2]), (var, many[3])):
            if v is not None:
                average = ops.mean(ops.reshape(repeated, (n, c)), dim=(0,), keepdim=False)
                _update_running(v, average, 1.0)
    return ops.reshape(y, tuple(input.shape))  # type: ignore[no-any-return]


@public(method=False, name="instance_norm")
def torch_instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """`nn.functional.instance_norm` with its arguments in the order of the torch namespace."""
    return _instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


@public(name="nn.functional.instance_norm", method=False)
def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None,
    bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Each channel of each sample of (N, C, *) to mean 0 and variance 1, then weight and bias."""
    if use_input_stats:
        count = 1
        for n in input.shape[2:]:
            count *= n
        if count == 1:
            raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    return _instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


# ---------------------------------------------------------------- layer, group, root mean square


def _check_normalized(input: Tensor, shape: tuple[int, ...], weight: Any, bias: Any, star: str = "*, ") -> None:
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and tuple(v.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(v.shape)} and "
                f"normalized_shape = {list(shape)}"
            )
    if tuple(input.shape[max(input.ndim - len(shape), 0) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"[{star}{', '.join(map(str, shape))}], but got "
            f"input of size{list(input.shape)}"
        )


#: for layer_norm
layer_takes = Takes("LayerNormKernelImpl", REAL)


def _sizes(shape: Any, name: str) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)):
        raise TypeError(
            f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not {type(shape).__name__}"
        )
    return tuple(int(n) for n in shape)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Groups of channels of each sample of (N, C, *) to mean 0 and variance 1, then weight and bias by channel."""
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    n, c = input.shape[:2]
    check_groups(input, c, num_groups, weight, bias)
    check_parameters(input, _group_takes, weight, bias)
    inner = math.prod(input.shape[2:])
    view = (n, num_groups, c // num_groups * inner)
    affine = (1, c, *(1,) * (input.ndim - 2))
    return _standardized(input, weight, bias, view, (2,), affine, eps, _group_node)[0]  # type: ignore[no-any-return]


_group_takes = Takes("GroupNormKernelImpl", REAL)


def check_groups(input: Tensor, c: int, num_groups: int, weight: Any, bias: Any) -> None:
    """PyTorch's checks of the groups of `c` channels, and of a weight and a bias for each of them."""
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if c % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and (v.ndim != 1 or v.shape[0] != c):
            shown = weight if weight is not None else v  # PyTorch names the weight's shape for the bias, too
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape "
                f"{list(shown.shape)} and input of shape {list(input.shape)}"
            )


@public(name="group_norm", method=False)
def torch_group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """`nn.functional.group_norm`."""
    return group_norm(input, num_groups, weight, bias, eps)


@public(name="nn.functional.group_norm", method=False)
def functional_group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Groups of channels of each sample of (N, C, *) to mean 0 and variance 1, then weight and bias by channel."""
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    count = input.shape[0] * input.shape[1] // num_groups
    for n in input.shape[2:]:
        count *= n
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(input.shape)}")
    return group_norm(input, num_groups, weight, bias, eps)


_rms_takes = Takes("rms_norm", REAL | COMPLEX)


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """The last dimensions, of `normalized_shape`, divided by their root mean square, then times weight."""
    shape = _sizes(normalized_shape, "rms_norm")
    _check_normalized(input, shape, weight, None, "*")
    _rms_takes(input)
    small = eps
    half = input.dtype.name in ("float16", "bfloat16")
    if small is None:
        from ..core import dtypes

        small = finfo(dtypes.DTYPES["float32"] if half else input.dtype).eps
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    x = input.float() if half else input  # type: ignore[attr-defined]
    scale = ops.rsqrt(FUNCTIONS["mean"](x**2, dims, keepdim=True) + small)
    y = x * scale
    if half:
        y = y.to(input.dtype)
    return y if weight is None else y * weight  # type: ignore[no-any-return]


public(rms_norm, name="nn.functional.rms_norm", method=False)
public(rms_norm, name="rms_norm", method=False)

# ---------------------------------------------------------------- by norms


@public(name="nn.functional.local_response_norm", method=False)
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """input / (k + alpha * the mean of squares of `size` neighbouring channels) ** beta."""
    n = input.ndim
    if n < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {n} dimensions)")
    if 0 in input.shape:
        return input
    square = input * input  # type: ignore[operator]
    before, after = size // 2, (size - 1) // 2
    pad, pool2, pool3 = (FUNCTIONS[f"nn.functional.{name}"] for name in ("pad", "avg_pool2d", "avg_pool3d"))
    if n == 3:
        lifted = pad(ops.unsqueeze(square, dim=1), (0, 0, before, after))
        mean = FUNCTIONS["squeeze"](pool2(lifted, (size, 1), stride=1), 1)
    else:
        shape = tuple(input.shape)
        lifted = ops.reshape(square, (shape[0], 1, shape[1], shape[2], math.prod(shape[3:])))
        lifted = pad(lifted, (0, 0, 0, 0, before, after))
        mean = ops.reshape(FUNCTIONS["squeeze"](pool3(lifted, (size, 1, 1), stride=1), 1), shape)
    return input / (mean * alpha + k) ** beta  # type: ignore[no-any-return]


@public(name="nn.functional.normalize", method=False)
def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """input divided by its p-norm along dim, which counts as at least eps."""
    norm = vector_norm(input, p, dim, keepdim=True)
    size = FUNCTIONS["clamp_min"](norm, eps)
    size = ops.expand(size, size=tuple(input.shape))
    if out is None:
        return input / size  # type: ignore[operator, no-any-return]
    return FUNCTIONS["div"](input, size, out=out)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- samples

_C = T(3, low=0.5, high=2.0)
_STAT = T(3, low=0.5, high=2.0, grad=False)
samples(
    "nn.functional.batch_norm",
    Case(T(4, 3), _STAT, _STAT, _C, T(3)),
    Case(T(4, 3, 2), None, None, _C, T(3), training=True),
    Case(T(2, 3, 2, 2), None, None, training=True, eps=0.1),
    Case(T(4, 3), _STAT, _STAT, _C, T(3), training=True, momentum=0.3),
    complex=False,
)
samples(
    "nn.functional.group_norm",
    Case(T(2, 4, 3), 2, T(4), T(4)), Case(T(2, 4), 2), Case(T(2, 6, 2, 2), 3, T(6), eps=0.1), complex=False,
)  # fmt: skip
samples(
    "nn.functional.instance_norm",
    Case(T(2, 3, 4)),
    Case(T(2, 3, 2, 2), weight=_C, bias=T(3)),
    Case(T(2, 3, 4), _STAT, _STAT, _C, T(3), use_input_stats=False),
    complex=False,
)
samples("nn.functional.rms_norm", Case(T(4, 3), (3,), _C), Case(T(2, 4, 3), (4, 3), eps=0.1), complex=False)
samples(
    "nn.functional.local_response_norm",
    Case(T(2, 4, 5), 2),
    Case(T(2, 4, 3, 3), 3, alpha=0.5, beta=0.6, k=2.0),
    complex=False,
)
samples(
    "nn.functional.normalize",
    Case(T(4, 3)),
    Case(T(4, 3), p=1.5, dim=0),
    Case(T(2, 3, 4), dim=2, eps=0.5),
    complex=False,
)
