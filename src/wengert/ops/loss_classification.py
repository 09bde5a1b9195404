"""Losses of scores or probabilities against class numbers, labels or class probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import front, size_of_batch, stretched
from ..core.deferred import refuse_where
from ..core.dispatch import check_broadcast, dispatch, edge_of
from ..core.fast import F32, F64, next_seq
from ..core.graph import BACKWARD_TWICE, FREED, LEAF, VIEW, Edge, Node, NodeMeta, endpoint
from ..core.modes import GRAD, NO_GRAD, changed_mode, mode
from ..core.primitive import TABLE, Primitive, general, ops
from ..core.samples import Case, T, samples
from ..core.saved import SavedOutput, output_of
from ..core.takes import REAL, Takes
from ..core.tensor import PLAIN, Tensor, new, wrap
from ..kernels.softmax import log_softmax
from .install import public
from .lines import without_gradient
from .losses import MEAN, NONE, SUM, batch_reduced, pointwise_loss, reduced, reduction_of

ndarray = np.ndarray

# ---------------------------------------------------------------- negative log likelihood


def _chosen(target: Any, classes: int, ignore_index: int) -> tuple[Any, Any]:
    """Where `target` counts, and the class numbers with 0 where it does not. Raises IndexError."""
    valid = target != ignore_index
    bad = valid & ((target < 0) | (target >= classes))
    if bad.any():
        raise IndexError(f"Target {target[bad][0]} is out of bounds.")
    return valid, np.where(valid, target, 0).astype(np.int64, copy=False)


def _term_weights(valid: Any, classes: Any, weight: Any, dtype: Any) -> Any:
    return valid.astype(dtype) if weight is None else weight[classes] * valid


def _nll_kernel(x: Any, target: Any, weight: Any, *, reduction: int, ignore_index: int) -> Any:
    """Minus x at the target's class, weighted; the class dimension is 1 (0 for one sample)."""
    axis = 1 if x.ndim > 1 else 0
    valid, classes = _chosen(target, x.shape[axis], ignore_index)
    w = _term_weights(valid, classes, weight, x.dtype)
    if x.ndim == 2:
        picked = x[np.arange(x.shape[0]), classes]
    elif x.ndim == 1:
        picked = x[classes]
    else:
        picked = np.take_along_axis(x, classes[:, None], 1)[:, 0]
    terms = -picked * w
    # an ignored term is 0 whatever stands there
    terms = np.where(valid, terms, 0).astype(x.dtype, copy=False)
    if reduction == NONE:
        return terms
    total = terms.sum()
    return total if reduction == SUM else np.true_divide(total, w.sum(), dtype=x.dtype)


def _nll_back_kernel(g: Any, target: Any, weight: Any, *, shape: Any, reduction: int, ignore_index: int) -> Any:
    """The transpose of `_nll_kernel` in x: g spread over a zero array of `shape`."""
    axis = 1 if len(shape) > 1 else 0
    g = np.asarray(g)
    valid, classes = _chosen(target, shape[axis], ignore_index)
    w = _term_weights(valid, classes, weight, g.dtype)
    terms = -(w * g if reduction != MEAN else w * (g / w.sum()))
    terms = np.where(valid, terms, 0).astype(g.dtype, copy=False)
    out = np.zeros(shape, g.dtype)
    if len(shape) == 2:
        out[np.arange(shape[0]), classes] = terms
    elif len(shape) == 1:
        out[classes] = terms
    else:
        np.put_along_axis(out, classes[:, None], terms[:, None], 1)
    return out


def _batch_nll(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """Merge the mapped dimension with the samples, then reduce for each slot."""
    (x, target, weight), (dx, dt, dw) = vals, dims
    n = size_of_batch(vals, dims)
    x, target = stretched(x, dx, n), stretched(target, dt, n)
    own = None
    if dw is not None:  # weights of each slot: unweighted terms, weighted afterwards
        own, weight = _weights_of_targets(front(weight, dw), target, params["ignore_index"]), None
    single = x.ndim == 2  # one sample in each slot
    if single:
        x, target = ops.unsqueeze(x, dim=1), ops.unsqueeze(target, dim=1)
    inner = tuple(x.shape[1:])
    rows = n * inner[0]
    x = ops.reshape(x, (rows, *inner[1:]))
    target = ops.reshape(target, (rows, *inner[2:]))
    each = {**params, "reduction": NONE}
    y = ops.reshape(prim(x, target, weight, **each), (n, inner[0], *inner[2:]))
    if own is not None:
        own = ops.reshape(own, tuple(y.shape))
        y = y * own
    if params["reduction"] == NONE:
        return (ops.reshape(y, (n,)) if single else y), 0
    over = tuple(range(1, y.ndim))
    if params["reduction"] == MEAN:
        if own is None:
            own = ops.reshape(prim(ops.zeros_like(x) - 1, target, weight, **each), tuple(y.shape))
        return ops.sum(y, dim=over, keepdim=False) / ops.sum(own, dim=over, keepdim=False), 0
    return ops.sum(y, dim=over, keepdim=False), 0


def _weights_of_targets(weight: Any, target: Any, ignore_index: int) -> Any:
    """The weight of each target, from class weights (slots, C) and targets (slots, *); 0 for ignored ones."""
    n = target.shape[0]
    flat = ops.reshape(target, (n, -1))
    chosen = ops.where(flat == ignore_index, ops.zeros_like(flat) - 1, flat)
    return ops.reshape(ops.pick_last(weight, chosen, unique=False), tuple(target.shape))


def _batch_nll_back(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    (g, target, weight), (dg, dt, dw) = vals, dims
    n = size_of_batch(vals, dims)
    g, target = stretched(g, dg, n), stretched(target, dt, n)
    own = None
    if dw is not None:
        own, weight = _weights_of_targets(front(weight, dw), target, params["ignore_index"]), None
    shape, how = params["shape"], params["reduction"]
    single = len(shape) == 1
    inner = (1, *shape) if single else shape
    target = ops.reshape(target, (n * inner[0], *inner[2:]))
    each = dict(shape=(n * inner[0], *inner[1:]), reduction=NONE, ignore_index=params["ignore_index"])
    spatial = (n, inner[0], *inner[2:])
    if own is not None:
        own = ops.reshape(own, spatial)
    if how != NONE:
        if how == MEAN:
            totals = own
            if totals is None:
                minus = ops.expand(ops.reshape(g, (n, *(1,) * len(inner))), size=(n, *inner))
                minus = ops.zeros_like(ops.reshape(minus, each["shape"])) - 1
                same = {"reduction": NONE, "ignore_index": params["ignore_index"]}
                totals = ops.reshape(TABLE["nll_loss"](minus, target, weight, **same), spatial)
            g = g / ops.sum(totals, dim=tuple(range(1, totals.ndim)), keepdim=False)
        g = ops.expand(ops.reshape(g, (n, *(1,) * (len(spatial) - 1))), size=spatial)
    if own is not None:
        g = ops.reshape(g, spatial) * own
    g = ops.reshape(g, (n * inner[0], *inner[2:]))
    return ops.reshape(prim(g, target, weight, **each), (n, *shape)), 0


_nll = general(
    "nll_loss",
    inputs=("x", "target", "weight"),
    params=("reduction", "ignore_index"),
    kernel=_nll_kernel,
    vjp=dict(
        x=lambda xp, g, x_shape, target, weight, reduction, ignore_index: xp.nll_loss_back(
            g, target, weight, shape=x_shape, reduction=reduction, ignore_index=ignore_index
        )
    ),
    jvp=dict(
        x=lambda xp, t, target, weight, reduction, ignore_index: xp.nll_loss(
            t, target, weight, reduction=reduction, ignore_index=ignore_index
        )
    ),
    batch=_batch_nll,
    node="NllLossBackward0",
)
_nll_2d = _nll.renamed("NllLoss2DBackward0")
_nll_takes = Takes("nll_loss_out_frame", REAL)
_nll_2d_takes = Takes("nll_loss2d_forward_out_frame", REAL)
_nll_back = general(
    "nll_loss_back",
    inputs=("g", "target", "weight"),
    params=("shape", "reduction", "ignore_index"),
    kernel=_nll_back_kernel,
    vjp=dict(
        g=lambda xp, g, target, weight, reduction, ignore_index: xp.nll_loss(
            g, target, weight, reduction=reduction, ignore_index=ignore_index
        )
    ),
    jvp=dict(
        g=lambda xp, t, target, weight, shape, reduction, ignore_index: xp.nll_loss_back(
            t, target, weight, shape=shape, reduction=reduction, ignore_index=ignore_index
        )
    ),
    batch=_batch_nll_back,
    node="NllLossBackwardBackward0",
)


def _check_class_weight(weight: Any, input: Tensor, classes: int, prefix: str = "") -> None:
    if weight is None:
        return
    if weight.ndim != 1 or weight.shape[0] != classes:
        raise RuntimeError(
            f"{prefix}weight tensor should be defined either for all {classes} classes or no classes but got weight "
            f"tensor of shape: {list(weight.shape)}"
        )
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.scalar_name} but found {weight.dtype.scalar_name}")


def _nll_loss(input: Tensor, target: Tensor, weight: Any, how: int, ignore_index: int) -> Tensor:
    """nll_loss after the arguments of `functional` are understood."""
    from ..core.dispatch import dispatch

    n = input.ndim
    if n < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {n})")
    a, b = tuple(input.shape), tuple(target.shape)
    if n != 1 and (not b or a[0] != b[0]):
        raise ValueError(f"Expected input batch_size ({a[0]}) to match target batch_size ({b[0] if b else 0}).")
    prim = TABLE["nll_loss"]
    params = {"reduction": how, "ignore_index": ignore_index}
    if n <= 2:
        if len(b) > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if n == 1 and b and b[0] != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {b[0]}")
        if target.dtype.name not in ("int64", "uint8"):
            raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype.scalar_name}")
        _check_class_weight(weight, input, a[-1])
        if n == 1 and b:
            target = ops.reshape(target, ())
        _nll_takes(input)
        without_gradient("nll_loss_forward", weight=weight)
        return prim(input, target, weight, **params)  # type: ignore[no-any-return]
    if n == 4 and len(b) != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {len(b)}"
        )
    if (a[0], *a[2:]) != b:
        if n == 4:
            raise RuntimeError(f"size mismatch (got input: {list(a)} , target: {list(b)}")
        raise RuntimeError(f"Expected target size {[a[0], *a[2:]]}, got {list(b)}")
    if target.dtype.name not in ("int64", "uint8"):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype.scalar_name}")
    _check_class_weight(weight, input, a[1])
    _nll_2d_takes(input)
    without_gradient("nll_loss2d_forward", weight=weight)
    return dispatch(prim, (input, target, weight), params, _nll_2d)  # type: ignore[no-any-return]


@public(name="nn.functional.nll_loss", method=False)
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log probability of the target class: (N, C, *) or (C), class numbers (N, *) or ().

    The mean is weighted by `weight` (C); targets of `ignore_index` do not count. Differentiable in input.
    """
    return _nll_loss(input, target, weight, reduction_of(reduction, size_average, reduce), ignore_index)


# ---------------------------------------------------------------- cross entropy


class _CrossEntropyNode(Node):
    """The mean of nll_loss(log_softmax(x)) for a matrix x, keeping the log probabilities `s0` and the classes."""

    __slots__ = ("e0", "s0", "target")
    prim = TABLE["nll_loss"]

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (self.e0,)

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        logs = self.s0
        if logs is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        target = self.target
        n = logs.shape[0]
        if raw:
            g = np.exp(logs)
            g[np.arange(n), target] -= 1
            np.multiply(g, gs / n, out=g)
            return (g,)
        log_probs = output_of(self.inner(), 0, logs, None)
        g = ops.nll_loss_back(gs, wrap(target), None, shape=logs.shape, reduction=MEAN, ignore_index=-100)
        return (g - ops.exp(log_probs) * ops.sum(g, dim=(1,), keepdim=True),)

    def __call__(self, *grads: Any) -> Any:
        if self.s0 is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        (g,) = grads  # the part of nll_loss alone
        return ops.nll_loss_back(g, wrap(self.target), None, shape=self.s0.shape, reduction=MEAN, ignore_index=-100)

    def inner(self) -> Node:
        """The node of log_softmax that PyTorch records between this one and x."""
        prim = TABLE["log_softmax"]
        node = new(prim.Node)
        node.edge_tuple = (self.e0,)
        node.params = {"dim": 1}
        plan = node.plan = prim.plan((True,))
        node.fits = node.hooks = None
        node.seq = self.seq - 0.5  # before this one, and after all others before it
        node.saved = {name: SavedOutput(wrap(self.s0), 0) for name in plan.saves_out}
        node.saved.update({name: self.s0.shape for name in plan.others if name.endswith("_shape")})
        return node  # type: ignore[no-any-return]

    def release(self) -> None:
        self.s0 = FREED

    def saved_values(self) -> Any:
        freed = self.s0 is FREED
        yield "self", FREED if freed else output_of(self.inner(), 0, self.s0, None)
        yield "target", wrap(self.target)
        yield "weight", None
        yield "reduction", 1
        yield "ignore_index", -100

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        from .matmul import shown

        if self.s0 is FREED:
            return (endpoint(shown("LogSoftmaxBackward0", self.e0)),)
        return ((self.inner(), 0),)


_CrossEntropy = NodeMeta("NllLossBackward0", (_CrossEntropyNode,), {"__slots__": (), "__module__": "torch.autograd"})


class _TracedCrossEntropyNode(_CrossEntropyNode):
    """The same while `compile` traces, for each reduction: a sum over the classes of what nll_loss passes on is not taken,
    as one class has it all. XLA would write out the whole matrix for it."""

    __slots__ = ("params",)
    params: dict[str, int]

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        if self.s0 is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        n, target = self.s0.shape[0], wrap(self.target)
        how, ignore_index = self.params["reduction"], self.params["ignore_index"]
        log_probs = output_of(self.inner(), 0, self.s0, None)
        g = ops.nll_loss_back(gs, target, None, shape=self.s0.shape, **self.params)
        first = ops.where(target == ignore_index, ops.full_like(target, -100), ops.zeros_like(target))
        sums = ops.nll_loss_back(gs, first, None, shape=(n, 1), reduction=how, ignore_index=-100)
        return (g - ops.exp(log_probs) * sums,)


_TracedCrossEntropy = NodeMeta(
    "NllLossBackward0", (_TracedCrossEntropyNode,), {"__slots__": (), "__module__": "torch.autograd"}
)


def _traced_cross_entropy(input: Tensor, target: Tensor, how: int, ignore_index: int) -> Tensor:
    """nll_loss(log_softmax(input)) for a matrix of scores while `compile` traces."""
    m = mode()
    with changed_mode(grad=False):
        logs = _log_softmax(input, 1)
        loss = _nll_loss(logs, target, None, how, ignore_index)
    if m.grad and input.requires_grad:
        node = new(_TracedCrossEntropy)
        node.e0 = edge_of(input)
        node.s0, node.target = logs._data, target._data
        node.params = {"reduction": how, "ignore_index": ignore_index}
        node.hooks = None
        node.seq = next_seq()
        loss._fn = node
    return loss


def _cross_entropy_line(input: Any, target: Any) -> Any:
    """The mean cross entropy of a matrix of scores on the straight line; None where it does not apply."""
    if input.__class__ not in PLAIN or target.__class__ not in PLAIN or mode().tracer is not None:
        return None
    x, classes = input._data, target._data
    kind = x.dtype
    if (kind is not F32 and kind is not F64) or x.ndim != 2 or classes.ndim != 1 or classes.dtype != np.int64:
        return None
    n, c = x.shape
    if classes.shape[0] != n or not n or not c or classes.min() < 0 or classes.max() >= c:
        return None
    m = mode()
    fn = input._fn
    if m is GRAD:
        if fn is LEAF:
            fn = input
        elif fn is VIEW:
            fn = input._view.edge(input)
    elif m is NO_GRAD:
        fn = None
    else:
        return None
    logs = log_softmax(x, dim=1)
    picked = logs[np.arange(n), classes]
    t = new(Tensor)
    t._data = np.asarray(-np.add.reduce(picked) / kind.type(n))
    t._ver = 0
    t._view = None
    if fn is None:
        t._fn = None
        return t
    node = new(_CrossEntropy)
    node.e0 = fn
    node.s0 = logs
    node.target = classes
    node.hooks = None
    node.seq = next_seq()
    t._fn = node
    return t


@public(name="nn.functional.cross_entropy", method=False)
def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """nll_loss(log_softmax(input)): scores (N, C, *) or (C) against class numbers or class probabilities."""
    if (
        weight is None and label_smoothing == 0.0 and reduction == "mean" and ignore_index == -100
        and size_average is None and reduce is None
    ):  # fmt: skip
        y = _cross_entropy_line(input, target)
        if y is not None:
            return y  # type: ignore[no-any-return]
    how = reduction_of(reduction, size_average, reduce)
    if input.ndim == 0 or tuple(input.shape) == tuple(target.shape):
        if not target.dtype.is_floating_point:
            raise RuntimeError(
                f"Expected floating point type for target with class probabilities, got {target.dtype.scalar_name}"
            )
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return _probabilities(input, target, weight, how, label_smoothing)
    dim = 0 if input.ndim == 1 else 1
    if label_smoothing > 0.0:
        if not label_smoothing <= 1.0:
            raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
        return _smoothed(input, target, weight, how, ignore_index, label_smoothing)
    if (
        mode().tracer is not None and weight is None and input.__class__ in PLAIN and target.__class__ in PLAIN
        and input.ndim == 2 and target.ndim == 1 and target.dtype.name == "int64"
    ):  # fmt: skip
        return _traced_cross_entropy(input, target, how, ignore_index)
    return _nll_loss(_log_softmax(input, dim), target, weight, how, ignore_index)


def _log_softmax(x: Tensor, dim: int) -> Tensor:
    from .install import FUNCTIONS

    return FUNCTIONS["log_softmax"](x, dim)  # type: ignore[no-any-return]


def _along_classes(weight: Tensor, x: Tensor, dim: int) -> Tensor:
    shape = [1] * x.ndim
    shape[dim] = weight.shape[0]
    return ops.reshape(weight, tuple(shape))  # type: ignore[no-any-return]


_by_number = TABLE["div"].renamed("DivBackward1")


def _probabilities(input: Tensor, target: Tensor, weight: Any, how: int, smoothing: float) -> Tensor:
    dim = 0 if input.ndim == 1 else 1
    logs = _log_softmax(input, dim)
    classes = input.shape[dim]
    _check_class_weight(weight, input, classes, "cross_entropy: ")
    if smoothing > 0.0:
        if not smoothing <= 1.0:
            raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {smoothing}")
        target = target * (1 - smoothing) + smoothing / classes  # type: ignore[operator]
    terms = logs * target  # type: ignore[operator]
    if weight is not None:
        terms = terms * _along_classes(weight, input, dim)
    if how == NONE:
        return -ops.sum(terms, dim=(dim,), keepdim=False)  # type: ignore[no-any-return]
    total = -ops.sum(terms, dim=None, keepdim=False)
    if how == SUM:
        return total  # type: ignore[no-any-return]
    samples_ = 1
    for n in input.shape:
        samples_ *= n
    return dispatch(TABLE["div"], (total, samples_ // classes if classes else 0), {}, _by_number)  # type: ignore[no-any-return]


def _smoothed(input: Tensor, target: Tensor, weight: Any, how: int, ignore_index: int, smoothing: float) -> Tensor:
    dim = 0 if input.ndim == 1 else 1
    logs = _log_softmax(input, dim)
    classes = input.shape[dim]
    nll = _nll_loss(logs, target, weight, how, ignore_index)
    if weight is not None:
        w = _along_classes(weight, input, dim)
        smooth = -ops.sum(logs * w, dim=(dim,), keepdim=False)  # type: ignore[operator]
    else:
        smooth = -ops.sum(logs, dim=(dim,), keepdim=False)
    if input.ndim == 1 and target.ndim == 1:
        target = ops.reshape(target, ())
    ignored = target == ignore_index
    smooth = ops.where(ignored, ops.zeros_like(smooth), smooth)
    if how == MEAN:
        if weight is not None:
            # the weights of the targets, summed: what nll_loss divides by
            ones = ops.zeros_like(logs.detach()) - 1  # type: ignore[attr-defined]
            count = _nll_loss(ones, target, weight, SUM, ignore_index)
            smooth = ops.sum(smooth, dim=None, keepdim=False) / count
        else:
            kept = ops.sum(~ignored, dim=None, keepdim=False)
            smooth = ops.sum(smooth, dim=None, keepdim=False) / kept
    elif how == SUM:
        smooth = ops.sum(smooth, dim=None, keepdim=False)
    return (1 - smoothing) * nll + smooth * (smoothing / classes)  # type: ignore[no-any-return, operator]


# ---------------------------------------------------------------- two classes


def _bce_point(xp: Any, x: Any, y: Any, weight: Any) -> Any:
    loss = (y - 1) * _bounded_log(xp, xp.log1p(-x)) - y * _bounded_log(xp, xp.log(x))
    return loss if weight is None else loss * weight


def _bounded_log(xp: Any, x: Any) -> Any:
    return xp.where(x < -100, -100, x)


def _bce_x(xp: Any, x: Any, y: Any, weight: Any) -> Any:
    bottom = (1 - x) * x
    d = (x - y) / xp.where(bottom < 1e-12, 1e-12, bottom)
    return d if weight is None else d * weight


def _bce_y(xp: Any, x: Any, y: Any, weight: Any) -> Any:
    d = _bounded_log(xp, xp.log1p(-x)) - _bounded_log(xp, xp.log(x))
    return d if weight is None else d * weight


_bce = pointwise_loss(
    "binary_cross_entropy", _bce_point, dict(x=_bce_x, y=_bce_y), inputs=("x", "y", "weight"), promote=None,
)  # fmt: skip


_bce_takes = Takes("binary_cross_entropy", REAL)


@public(name="nn.functional.binary_cross_entropy", method=False)
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """-(target log input + (1 - target) log(1 - input)); logs are at least -100. All in [0, 1], of one shape."""
    how = reduction_of(reduction, size_average, reduce)
    if tuple(target.shape) != tuple(input.shape):
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "  # type: ignore[attr-defined]
            "deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        shape = tuple(input.shape)
        have = tuple(weight.shape)
        lead = len(shape) - len(have)
        for i in range(1, len(have) + 1):
            if lead < 0 or (have[-i] != shape[-i] and have[-i] != 1):
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {have[-i]} at {-i}! Mismatching "
                    f"argument at index 1 "
                    f"had {weight.size()}; but expected shape should be broadcastable to {list(shape)}"  # type: ignore[attr-defined]
                )
        weight = ops.expand(weight, size=shape)
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {target.dtype.scalar_name} but expected {input.dtype.scalar_name}")
    _bce_takes(input)
    if input.__class__ in PLAIN and target.__class__ in PLAIN:
        for given, what in ((input, "input"), (target, "target")):
            x = given.detach()  # type: ignore[attr-defined]
            refuse_where(
                ~((x >= 0) & (x <= 1)), lambda what=what: RuntimeError(f"all elements of {what} should be between 0 and 1")
            )
    without_gradient("binary_cross_entropy", weight=weight)
    return _bce(input, target, weight, reduction=how)  # type: ignore[no-any-return]


def _logits_point(xp: Any, x: Any, y: Any, weight: Any, pos_weight: Any) -> Any:
    minus = xp.log_sigmoid(x)
    if pos_weight is None:
        loss = (1 - y) * x - minus
    else:
        loss = (1 - y) * x - ((pos_weight - 1) * y + 1) * minus
    return loss if weight is None else loss * weight


def _logits_x(xp: Any, x: Any, y: Any, weight: Any, pos_weight: Any) -> Any:
    if pos_weight is None:
        d = xp.sigmoid(x) - y
    else:
        t = pos_weight * y
        d = (t + 1 - y) * xp.sigmoid(x) - t
    return d if weight is None else d * weight


def _logits_y(xp: Any, x: Any, y: Any, weight: Any, pos_weight: Any) -> Any:
    d = -x if pos_weight is None else -x - (pos_weight - 1) * xp.log_sigmoid(x)
    return d if weight is None else d * weight


_bce_logits = pointwise_loss(
    "binary_cross_entropy_with_logits",
    _logits_point,
    dict(x=_logits_x, y=_logits_y),
    inputs=("x", "y", "weight", "pos_weight"),
)


_logits_take = Takes("log_sigmoid_cpu", REAL)


@public(name="nn.functional.binary_cross_entropy_with_logits", method=False)
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """binary_cross_entropy(sigmoid(input), target) without overflow; `pos_weight` weighs the positive targets."""
    how = reduction_of(reduction, size_average, reduce)
    if tuple(target.shape) != tuple(input.shape):
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")  # type: ignore[attr-defined]
    _logits_take(input)
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            f"result type {input.dtype.scalar_name} can't be cast to the desired output type {target.dtype.scalar_name}"
        )
    if pos_weight is not None:
        check_broadcast([tuple(pos_weight.shape), tuple(input.shape)])
    if weight is not None:
        check_broadcast([tuple(input.shape), tuple(weight.shape)])
    without_gradient("binary_cross_entropy_with_logits", weight=weight, pos_weight=pos_weight)
    return _bce_logits(input, target, weight, pos_weight, reduction=how)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- samples

_LABELS = T(4, dtype="int64", low=0, high=3)
samples(
    "nn.functional.nll_loss",
    Case(T(4, 3), _LABELS),
    Case(T(4, 3), _LABELS, T(3, low=0.5, high=2.0, grad=False)),
    Case(T(4, 3), _LABELS, reduction="none"),
    Case(T(4, 3), _LABELS, reduction="sum", ignore_index=1),
    Case(T(3), T(dtype="int64", low=0, high=3)),
    Case(T(2, 3, 4), T(2, 4, dtype="int64", low=0, high=3)),
    Case(T(2, 3, 2, 2), T(2, 2, 2, dtype="int64", low=0, high=3), ignore_index=0),
    complex=False,
)
samples(
    "nn.functional.cross_entropy",
    Case(T(4, 3), _LABELS),
    Case(T(4, 3), _LABELS, T(3, low=0.5, high=2.0, grad=False), label_smoothing=0.1),
    Case(T(4, 3), _LABELS, label_smoothing=0.2, ignore_index=1),
    Case(T(4, 3), _LABELS, reduction="sum"),
    Case(T(4, 3), T(4, 3, low=0.1, high=0.5)),
    Case(T(4, 3), T(4, 3, low=0.1, high=0.5), T(3, low=0.5, high=2.0, grad=False), label_smoothing=0.1),
    Case(T(2, 3, 4), T(2, 4, dtype="int64", low=0, high=3)),
    Case(T(3), T(dtype="int64", low=0, high=3), reduction="none"),
    complex=False,
)
_UNIT = T(3, 4, low=0.1, high=0.9)
samples(
    "nn.functional.binary_cross_entropy",
    Case(_UNIT, _UNIT),
    Case(_UNIT, _UNIT, T(4, low=0.5, high=2.0, grad=False), reduction="sum"),
    Case(_UNIT, _UNIT, reduction="none"),
    complex=False,
)
samples(
    "nn.functional.binary_cross_entropy_with_logits",
    Case(T(3, 4), _UNIT),
    Case(T(3, 4), _UNIT, T(4, low=0.5, high=2.0, grad=False), reduction="sum"),
    Case(T(3, 4), _UNIT, pos_weight=T(4, low=0.5, high=2.0, grad=False), reduction="none"),
    complex=False,
)

__all__ = ["batch_reduced", "front", "reduced"]
