"""Connectionist temporal classification: minus the log probability of label sequences, over all their alignments.

A label sequence is widened with blanks: blank, l1, blank, l2, ..., blank. `alpha[s]` is the log probability of all
beginnings that end at place s. The gradient is PyTorch's: that for scores whose log softmax was taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.primitive import ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor, wrap
from .fused import fused
from .install import FUNCTIONS, public
from .losses import MEAN, reduction_of

#: stands for log 0: its arithmetic and its slopes stay finite
NEVER = -1e30


class Alignment:
    """What is constant of a batch: the widened labels and where they may be skipped."""

    __slots__ = ("active", "index", "last", "skip", "start")

    def __init__(self, targets: Any, times: list[int], sizes: list[int], blank: int, frames: int) -> None:
        n, longest = len(sizes), max(sizes, default=0)
        wide = np.full((n, 2 * longest + 1), blank, np.int64)
        wide[:, 1::2] = targets[:, :longest]
        allowed = np.zeros(wide.shape, bool)
        allowed[:, 2:] = (wide[:, 2:] != blank) & (wide[:, 2:] != wide[:, :-2])
        beyond = np.arange(wide.shape[1]) > 2 * np.array(sizes).reshape(n, 1)
        self.index = np.where(beyond, blank, wide)
        self.skip = allowed & ~beyond
        self.start = np.full(wide.shape, NEVER)
        self.start[:, 0] = 0
        if longest:
            self.start[np.array(sizes) > 0, 1] = 0
        self.last = np.zeros(wide.shape, bool)
        for i, size in enumerate(sizes):
            self.last[i, 2 * size] = True
            if size:
                self.last[i, 2 * size - 1] = True
        self.active = np.arange(frames).reshape(-1, 1) < np.array(times).reshape(1, n)


def _sums(xp: Any, terms: list[Any], top: Any) -> Any:
    """The log of the sum of exponentials, `top` being the largest."""
    total = None
    for t in terms:
        e = xp.exp(t - top)
        total = e if total is None else total + e
    return top + xp.log(total)


def _body(log_probs: Any, *, alignment: Any, zero_infinity: bool) -> Any:
    a = alignment
    frames, n = log_probs.shape[:2]
    kind = log_probs.dtype.np
    places = a.index.shape[1]
    index = wrap(np.broadcast_to(a.index, (frames, n, places)).copy())
    scores = ops.pick_last(log_probs, index, unique=False)
    skip, last = wrap(a.skip), wrap(a.last)
    start = wrap(a.start.astype(kind))
    never = wrap(np.full((n, places), NEVER, kind))
    alpha = start
    for t in range(frames):
        if t == 0:
            new = alpha + scores[0]
        else:
            one = ops.constant_pad_nd(alpha[:, :-1], (1, 0), NEVER) if places > 1 else never
            two = ops.constant_pad_nd(alpha[:, :-2], (2, 0), NEVER) if places > 2 else never
            two = ops.where(skip, two, never)
            top = ops.maximum(ops.maximum(alpha, one), two).detach()
            new = _sums(ops, [alpha, one, two], top) + scores[t]
        on = a.active[t]
        alpha = new if on.all() else ops.where(wrap(on.reshape(n, 1)), new, alpha)
    if frames == 0 or not a.active[0].all():  # no frame at all: only the empty sequence is possible
        empty = ~a.active.any(0) if frames else np.ones(n, bool)
        alpha = ops.where(wrap(empty.reshape(n, 1)), wrap(_at_rest(a, kind)), alpha)
    ends = ops.where(last, alpha, never)
    top = FUNCTIONS["amax"](ends.detach(), 1, keepdim=True)
    total = ops.reshape(top, (n,)) + ops.log(ops.sum(ops.exp(ends - top), dim=(1,), keepdim=False))
    impossible = total.detach() < NEVER / 10
    loss = ops.where(impossible, ops.zeros_like(total) + (0.0 if zero_infinity else float("inf")), -total)
    # the slope for scores before their log softmax: exp(log_probs) more, which is nothing in sum
    probs = ops.exp(log_probs)
    active = wrap(a.active.reshape(frames, n, 1).astype(kind))
    extra = ops.sum((probs - probs.detach()) * active, dim=(0, 2), keepdim=False)
    if zero_infinity:
        extra = ops.where(impossible, ops.zeros_like(extra), extra)
    return loss + extra


def _at_rest(a: Any, kind: Any) -> Any:
    rest = np.full(a.index.shape, NEVER, kind)
    rest[:, 0] = 0
    return rest


def _kernel(log_probs: Any, *, alignment: Any, zero_infinity: bool) -> Any:
    """The losses alone, on arrays."""
    a = alignment
    frames, n = log_probs.shape[:2]
    places = a.index.shape[1]
    scores = np.take_along_axis(log_probs, np.broadcast_to(a.index, (frames, n, places)), 2)
    alpha = np.full((n, places + 2), NEVER, log_probs.dtype)
    alpha[:, 2:] = a.start
    if frames == 0 or not a.active[0].all():
        empty = ~a.active.any(0) if frames else np.ones(n, bool)
        alpha[empty, 2:] = _at_rest(a, log_probs.dtype)[empty]
    for t in range(frames):
        old = alpha[:, 2:]
        if t == 0:
            new = old + scores[0]
        else:
            one, two = alpha[:, 1:-1], np.where(a.skip, alpha[:, :-2], NEVER)
            top = np.maximum(np.maximum(old, one), two)
            new = top + np.log(np.exp(old - top) + np.exp(one - top) + np.exp(two - top)) + scores[t]
        alpha[:, 2:] = np.where(a.active[t][:, None], new, old)
    ends = np.where(a.last, alpha[:, 2:], NEVER)
    top = ends.max(1)
    total = top + np.log(np.exp(ends - top[:, None]).sum(1))
    return np.where(total < NEVER / 10, 0.0 if zero_infinity else np.inf, -total).astype(log_probs.dtype)


_ctc = fused(
    "ctc_loss", _body, inputs=("log_probs",), params=("alignment", "zero_infinity"), kernel=_kernel, half="upcast"
)


def _lengths(given: Any, name: str, batch: int) -> list[int]:
    if isinstance(given, Tensor):
        if given.dtype.category != 1:
            raise RuntimeError(f"{name} must be integral")
        sizes = [int(n) for n in np.atleast_1d(given._data)]
    else:
        sizes = [int(n) for n in given]
    if len(sizes) != batch:
        raise RuntimeError(f"{name} must be of size batch_size")
    return sizes


@public(name="nn.functional.ctc_loss", method=False)
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """The loss of log probabilities (T, N, C) or (T, C) against labels (N, S), or one vector of all of them.

    The mean is over the samples, each divided by its number of labels. `zero_infinity`: impossible samples count as 0.
    """
    how = reduction_of(reduction)
    single = log_probs.ndim == 2
    x = ops.unsqueeze(log_probs, dim=1) if single else log_probs
    frames, n, classes = x.shape
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"\"ctc_loss_cpu\" not implemented for '{x.dtype.scalar_name}'")
    times, sizes = _lengths(input_lengths, "input_lengths", n), _lengths(target_lengths, "target_lengths", n)
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    where = "(while checking arguments for ctc_loss_allocate_outputs)"
    labels = targets._data
    longest = max(sizes, default=0)
    if labels.ndim == 1 and not (single and n == 1 and labels.size != sum(sizes)):
        if labels.size != sum(sizes):
            raise RuntimeError(
                f"Expected tensor to have size {sum(sizes)} at dimension 0, but got size {labels.size} for argument #2 "
                f"'targets' {where}"
            )
        rows = np.full((n, longest), blank, np.int64)
        at = 0
        for i, size in enumerate(sizes):
            rows[i, :size] = labels[at : at + size]
            at += size
    else:
        rows = np.atleast_2d(labels).astype(np.int64)
        if rows.shape[0] != n:
            raise RuntimeError(
                f"Expected tensor to have size {n} at dimension 0, but got size {rows.shape[0]} for "
                f"argument #2 'targets' "
                f"{where}"
            )
        if rows.shape[1] < longest:
            raise RuntimeError(
                f"Expected tensor to have size at least {longest} at dimension 1, but got size "
                f"{rows.shape[1]} for argument "
                f"#2 'targets' {where}"
            )
    for t in times:
        if t < 0:
            raise RuntimeError(f"Expected input_lengths to have value at least 0, but got value {t} {where}")
        if t > frames:
            raise RuntimeError(f"Expected input_lengths to have value at most {frames}, but got value {t} {where}")
    y = _ctc(x, alignment=Alignment(rows, times, sizes, blank, frames), zero_infinity=zero_infinity)
    if how == MEAN:
        count = wrap(np.maximum(np.array(sizes), 1).astype(x.dtype.np))
        return FUNCTIONS["mean"](y / count)  # type: ignore[no-any-return]
    if how:
        return FUNCTIONS["sum"](y)  # type: ignore[no-any-return]
    return ops.reshape(y, ()) if single else y  # type: ignore[no-any-return]


@public(name="ctc_loss", method=False)
def torch_ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """`nn.functional.ctc_loss` with `reduction` as a number."""
    names = ("none", "mean", "sum")
    return ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, names[reduction], zero_infinity)


ops.ctc_loss = _ctc

samples(
    "nn.functional.ctc_loss",
    Case(T(6, 2, 4, low=-3.0, high=-0.5), T(2, 2, dtype="int64", low=1, high=4), (6, 5), (2, 1)),
    Case(T(5, 2, 3, low=-3.0, high=-0.5), T(3, dtype="int64", low=1, high=3), (5, 5), (2, 1), reduction="none"),
    Case(
        T(5, 3, low=-3.0, high=-0.5),
        T(2, dtype="int64", low=1, high=3),
        (5,),
        (2,),
        reduction="sum",
        zero_infinity=True,
    ),
    complex=False,
    gradcheck=False,
    why_not="PyTorch's gradient is that for scores whose log softmax was taken; finite differences see log_probs alone",
)
