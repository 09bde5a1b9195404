"""A step of a `RuleOptimizer` while `compile` traces: parameters with equal counters are updated together.

The small ones become one flat tensor for the rule, so that the program has one loop for all of them; the scalars of the
rule are computed once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core import modes
from ..core.tensor import Tensor
from . import tensors

if TYPE_CHECKING:
    from .update import RuleOptimizer

#: tensors of at most this many elements are joined, here and in XLA's buffers
SMALL = 16384

Row = tuple[Tensor, Tensor, list[Tensor], list[Tensor]]  # parameter, gradient, slots, counters


def step_group(optimizer: RuleOptimizer, group: dict[str, Any], tracer: Any) -> None:
    """Update the parameters of `group` that have a gradient."""
    group = tracer.as_tensors(group)
    classes: dict[Any, list[Row]] = {}
    for p in group["params"]:
        grad = p.grad
        if grad is None:
            continue
        if p not in optimizer.state and optimizer.keeps_state(group):
            tracer.refuse_new_state()
        state = optimizer._state_of(p, group)
        held = [state.get(name) if state else None for name in optimizer.slots(group)]
        counted = [state[name] for name in optimizer.counters]
        counts = tuple([tracer.host_number(c) for c in counted])
        plain = all(isinstance(h, Tensor) and h.dtype is p.dtype for h in held) and grad.dtype is p.dtype
        if not plain or p.is_complex() or None in counts:
            optimizer._step_single(p, group, False)
        else:
            classes.setdefault((counts, p.dtype), []).append((p, grad, held, counted))  # type: ignore[arg-type]
    for rows in classes.values():
        tracer.tie([[row[3][i] for row in rows] for i in range(len(optimizer.counters))])
        _step_rows(optimizer, group, rows)


def _step_rows(optimizer: RuleOptimizer, group: dict[str, Any], rows: list[Row]) -> None:
    with modes.no_grad():
        after, scalars = optimizer.advance(group, *[c.double() for c in rows[0][3]])
        small = [row for row in rows if row[0].numel() <= SMALL]
        if len(small) > 1:
            _step_together(optimizer, small, scalars)
        for p, grad, held, _ in rows if len(small) < 2 else [r for r in rows if r[0].numel() > SMALL]:
            optimizer.rule(tensors, p, grad, tuple(held), scalars)
        for i, value in enumerate(after):
            for row in rows:
                row[3][i].copy_(value)


def _step_together(optimizer: RuleOptimizer, rows: list[Row], scalars: Any) -> None:
    """One flat rule for several parameters, and its results back in their places."""
    from ..ops.install import FUNCTIONS

    cat = FUNCTIONS["cat"]
    columns = [[row[0], row[1], *row[2]] for row in rows]
    flat = [cat([t.flatten() for t in column]) for column in zip(*columns, strict=True)]
    optimizer.rule(tensors, flat[0], flat[1], tuple(flat[2:]), scalars)
    for k, whole in enumerate([flat[0], *flat[2:]]):
        at = 0
        for row in rows:
            target = row[0] if k == 0 else row[2][k - 1]
            n = target.numel()
            target.copy_(whole[at : at + n].view(target.shape))
            at += n


__all__ = ["step_group"]
