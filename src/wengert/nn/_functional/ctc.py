"""Connectionist temporal classification: the probability of a label sequence, summed over all its alignments.

The label sequence is widened with blanks; `alpha[s]` is the log probability of all paths that end at its place s.
"""

from __future__ import annotations

from typing import Any

from ...core.dtypes import int64
from ...core.tensor import Tensor
from ..reduction import get_enum
from .base import T

#: stands for log 0: its arithmetic and gradients stay finite
_NEVER = -1e30


def _lengths(given: Any, name: str, batch: int) -> list[int]:
    """The lengths as ints."""
    sizes: list[int]
    if isinstance(given, Tensor):
        values: Any = given
        if values.is_floating_point():
            raise RuntimeError(f"{name} must be integral")
        sizes = values.reshape(-1).tolist()
    else:
        sizes = [int(n) for n in given]
    if len(sizes) != batch:
        raise RuntimeError(f"{name} must be of size batch_size")
    return sizes


def _widened(targets: Any, sizes: list[int], blank: int) -> Any:
    """(N, 2 * longest + 1): blank, label, blank, label, ..., blank."""
    longest = max(sizes, default=0)
    if targets.dim() == 1:
        rows, start = [], 0
        for size in sizes:
            row = targets[start : start + size]
            rows.append(T.cat([row, row.new_full((longest - size,), blank)]))
            start += size
        labels = T.stack(rows)
    else:
        labels = targets[:, :longest]
    wide = labels.new_full((len(sizes), 2 * longest + 1), blank)
    wide[:, 1::2] = labels
    return wide.to(int64)


def _logsumexp(*terms: Any) -> Any:
    """Of a few tensors; finite also where all are `_NEVER`."""
    top = terms[0]
    for term in terms[1:]:
        top = T.maximum(top, term)
    top = top.detach()
    return top + sum((term - top).exp() for term in terms).log()


def _later(alpha: Any, places: int) -> Any:
    """`alpha` moved `places` to the right."""
    fill = alpha.new_full((alpha.shape[0], places), _NEVER)
    return T.cat([fill, alpha[:, :-places]], 1)[:, : alpha.shape[1]]


def _negative_log_likelihood(log_probs: Any, wide: Any, times: list[int], sizes: list[int], blank: int) -> Any:
    steps = log_probs.shape[0]
    emitted = log_probs.gather(2, wide.unsqueeze(0).expand(steps, -1, -1))
    place = T.arange(wide.shape[1], device=wide.device)
    # A blank may be skipped between two different labels.
    may_skip = (wide != blank) & (wide != T.cat([wide[:, :2] * 0 - 1, wide[:, :-2]], 1)[:, : wide.shape[1]])
    ends = T.tensor(sizes, dtype=int64).unsqueeze(1)
    beyond = place > 2 * ends
    # before the first step: one step to the left of the first blank
    alpha = T.where(place == 0, 0.0, _NEVER).to(log_probs.dtype).expand(wide.shape[0], -1)
    last = T.tensor(times, dtype=int64).unsqueeze(1)
    for t in range(max(times, default=0)):
        if t == 0:
            moved = T.where(place <= 1, 0.0, _NEVER).to(log_probs.dtype).expand(wide.shape[0], -1)
        else:
            skipped = T.where(may_skip, _later(alpha, 2), _NEVER)
            moved = _logsumexp(alpha, _later(alpha, 1), skipped)
        new = (moved + emitted[t]).masked_fill(beyond, _NEVER)
        alpha = T.where(t < last, new, alpha)
    final = alpha.gather(1, 2 * ends)
    before = T.where(ends > 0, alpha.gather(1, (2 * ends - 1).clamp(min=0)), _NEVER)
    return -_logsumexp(final, before).squeeze(1)


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """The negative log probability of each label sequence, for log_probs (T, N, C) or (T, C).

    `targets`: (N, S), or all sequences joined; the mean divides by the target lengths first. As in PyTorch the gradient
    takes `log_probs` for the output of `log_softmax`.
    """
    kind = get_enum(reduction)
    batched = log_probs.dim() == 3
    lp = log_probs if batched else log_probs.unsqueeze(1)
    if not lp.is_floating_point():
        raise NotImplementedError(f"\"ctc_loss_cpu\" not implemented for '{lp.dtype.scalar_name}'")
    steps, batch, classes = lp.shape
    if not batched and targets.dim() == 1:
        targets = targets.unsqueeze(0)
    where = " (while checking arguments for ctc_loss_allocate_outputs)"
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    times = _lengths(input_lengths, "input_lengths", batch)
    sizes = _lengths(target_lengths, "target_lengths", batch)
    for n in times:
        if n > steps:
            raise RuntimeError(f"Expected input_lengths to have value at most {steps}, but got value {n}{where}")
    if targets.dim() == 2 and targets.shape[1] < max(sizes, default=0):
        raise RuntimeError(
            f"Expected tensor to have size at least {max(sizes)} at dimension 1, but got size {targets.shape[1]} for "
            f"argument #2 'targets'{where}"
        )
    wide = _widened(targets, sizes, blank)
    loss = _negative_log_likelihood(lp, wide, times, sizes, blank)
    # The likelihood's own gradient is minus the posterior of each class; PyTorch adds the class's probability.
    used = (T.arange(steps, device=lp.device).unsqueeze(1) < T.tensor(times, dtype=int64)).unsqueeze(2)
    probability = lp.exp().masked_fill(~used, 0.0)
    loss = loss + (probability - probability.detach()).sum((0, 2))
    # a sequence that no alignment of this length can give
    loss = loss * T.where(loss.detach() > -_NEVER / 10, 0.0 if zero_infinity else float("inf"), 1.0).to(loss.dtype)
    if kind == 1:
        lengths = T.tensor([max(n, 1) for n in sizes], dtype=loss.dtype, device=loss.device)
        return (loss / lengths).mean()
    if kind == 2:
        return loss.sum()
    return loss if batched else loss.squeeze(0)
