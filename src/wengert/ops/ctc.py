"""Connectionist temporal classification: minus the log probability of label sequences, over all their alignments.

A label sequence is widened with blanks: blank, l1, blank, l2, ..., blank. `alpha[s]` is the log probability of all
beginnings that end at place s. The gradient is PyTorch's: that for scores whose log softmax was taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.primitive import ops
from ..core.samples import Case, T, samples
from ..core.takes import FLOATS, Takes
from ..core.tensor import Tensor, wrap
from .fused import fused
from .install import FUNCTIONS, public
from .losses import MEAN, reduction_of

#: stands for log 0: its arithmetic and its slopes stay finite
NEVER = -1e30


class Alignment:
    """What the lengths say of a batch: which places and frames there are, where to start and to end."""

    __slots__ = ("active", "beyond", "blank", "last", "start")

    def __init__(self, times: list[int], sizes: list[int], blank: int, frames: int) -> None:
        n, longest = len(sizes), max(sizes, default=0)
        shape = (n, 2 * longest + 1)
        self.blank = blank
        self.beyond = np.arange(shape[1]) > 2 * np.array(sizes).reshape(n, 1)
        self.start = np.full(shape, NEVER)
        self.start[:, 0] = 0
        if longest:
            self.start[np.array(sizes) > 0, 1] = 0
        self.last = np.zeros(shape, bool)
        for i, size in enumerate(sizes):
            self.last[i, 2 * size] = True
            if size:
                self.last[i, 2 * size - 1] = True
        self.active = np.arange(frames).reshape(-1, 1) < np.array(times).reshape(1, n)

    def widened(self, labels: Any) -> tuple[Any, Any]:
        """The class at each place, and whether the place before may be skipped, for an array of labels."""
        wide = np.full(self.beyond.shape, self.blank, np.int64)
        wide[:, 1::2] = labels
        before = np.full_like(wide, self.blank)
        before[:, 2:] = wide[:, :-2]
        return np.where(self.beyond, self.blank, wide), (wide != self.blank) & (wide != before) & ~self.beyond

    def widened_tensor(self, labels: Tensor) -> tuple[Any, Any]:
        """The same for a Tensor of labels."""
        blanks = ops.full_like(labels, self.blank)
        pairs = ops.reshape(ops.stack([blanks, labels], dim=2), (labels.shape[0], -1)) if labels.shape[1] else labels
        wide = ops.constant_pad_nd(pairs, (0, 1), self.blank)
        before = ops.constant_pad_nd(wide, (2, 0), self.blank)[:, : wide.shape[1]]
        beyond = wrap(self.beyond)
        return ops.where(beyond, ops.full_like(wide, self.blank), wide), (wide != self.blank) & (wide != before) & ~beyond


def _sums(xp: Any, terms: list[Any], top: Any) -> Any:
    """The log of the sum of exponentials, `top` being the largest."""
    total = None
    for t in terms:
        e = xp.exp(t - top)
        total = e if total is None else total + e
    return top + xp.log(total)


def _body(log_probs: Any, labels: Any, *, alignment: Any, zero_infinity: bool) -> Any:
    a = alignment
    frames, n = log_probs.shape[:2]
    kind = log_probs.dtype.np
    places = a.last.shape[1]
    index, skip = a.widened_tensor(labels)
    scores = ops.pick_last(log_probs, ops.expand(index, size=(frames, n, places)), unique=False)
    last = wrap(a.last)
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
    rest = np.full(a.last.shape, NEVER, kind)
    rest[:, 0] = 0
    return rest


def _kernel(log_probs: Any, labels: Any, *, alignment: Any, zero_infinity: bool) -> Any:
    """The losses alone, on arrays."""
    a = alignment
    frames, n = log_probs.shape[:2]
    places = a.last.shape[1]
    index, skip = a.widened(labels)
    scores = np.take_along_axis(log_probs, np.broadcast_to(index, (frames, n, places)), 2)
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
            one, two = alpha[:, 1:-1], np.where(skip, alpha[:, :-2], NEVER)
            top = np.maximum(np.maximum(old, one), two)
            new = top + np.log(np.exp(old - top) + np.exp(one - top) + np.exp(two - top)) + scores[t]
        alpha[:, 2:] = np.where(a.active[t][:, None], new, old)
    ends = np.where(a.last, alpha[:, 2:], NEVER)
    top = ends.max(1)
    total = top + np.log(np.exp(ends - top[:, None]).sum(1))
    return np.where(total < NEVER / 10, 0.0 if zero_infinity else np.inf, -total).astype(log_probs.dtype)


_ctc = fused(
    "ctc_loss", _body, inputs=("log_probs", "targets"), params=("alignment", "zero_infinity"), kernel=_kernel,
    takes=Takes("ctc_loss_cpu", FLOATS),
)  # fmt: skip


def _lengths(given: Any, name: str, batch: int) -> list[int]:
    if isinstance(given, Tensor):
        if given.dtype.category != 1:
            raise RuntimeError(f"{name} must be integral")
        sizes = [int(n) for n in given._data.reshape(-1)]
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
    x = log_probs if log_probs.ndim == 3 else ops.unsqueeze(log_probs, dim=min(1, log_probs.ndim))
    where = "(while checking arguments for ctc_loss_allocate_outputs)"
    if 0 in x.shape:
        raise RuntimeError("log_probs tensor must not be empty")
    _ctc.takes(x)  # type: ignore[misc]
    if x.ndim != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {x.ndim}-dimensional tensor for argument #1 'log_probs' {where}"
        )
    frames, n, classes = x.shape
    times, sizes = _lengths(input_lengths, "input_lengths", n), _lengths(target_lengths, "target_lengths", n)
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for size in sizes:
        if size < 0:
            raise RuntimeError(f"Expected target_lengths to have value at least 0, but got value {size} {where}")
    longest = max(sizes, default=0)
    labels = targets if targets.dtype.name == "int64" else targets.long()  # type: ignore[attr-defined]
    if labels.ndim == 1:
        if labels.shape[0] != sum(sizes):
            raise RuntimeError(
                f"Expected tensor to have size {sum(sizes)} at dimension 0, but got size {labels.shape[0]} for argument "
                f"#2 'targets' {where}"
            )
        # row i takes its labels from where those of the rows before it end
        ends = np.cumsum(sizes) - sizes
        place = np.minimum(ends[:, None] + np.arange(longest), max(sum(sizes) - 1, 0))
        labels = labels[wrap(place)] if longest else ops.reshape(labels, (n, 0))  # type: ignore[index]
    elif labels.ndim == 2:
        if labels.shape[0] != n:
            raise RuntimeError(
                f"Expected tensor to have size {n} at dimension 0, but got size {labels.shape[0]} for argument #2 "
                f"'targets' {where}"
            )
        if labels.shape[1] < longest:
            raise RuntimeError(
                f"Expected tensor to have size at least {longest} at dimension 1, but got size {labels.shape[1]} for "
                f"argument #2 'targets' {where}"
            )
        labels = ops.narrow(labels, 1, 0, longest)
    else:
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {labels.ndim}-dimensional tensor for argument #2 'targets' {where}"
        )
    for t in times:
        if t < 0:
            raise RuntimeError(f"Expected input_lengths to have value at least 0, but got value {t} {where}")
        if t > frames:
            raise RuntimeError(f"Expected input_lengths to have value at most {frames}, but got value {t} {where}")
    y = _ctc(x, labels, alignment=Alignment(times, sizes, blank, frames), zero_infinity=zero_infinity)
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
