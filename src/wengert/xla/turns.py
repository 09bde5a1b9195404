"""A loop as an operation among others, and what follows where its steps are put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .flat import Const, Op, Operand, Value, add_at_op, emitted, live

#: the operations that one turn of a loop should have at least: several periods make one turn
TURN = 100
#: and the turns that it should have
TURNS = 4


def amount(op: Op) -> int:
    """How many operations this one runs."""
    return op.emit.amount if isinstance(op.emit, Loop) else 1


def size(op: Op) -> int:
    """How many operations XLA compiles for this one."""
    return op.emit.size if isinstance(op.emit, Loop) else 1


def added_in_place(body: list[Op], wanted: Sequence[Value]) -> list[Op]:
    """A gradient that is zero but for one slice is added to that slice alone."""
    uses: dict[Operand, int] = {}
    for x in (*wanted, *[x for op in body for x in op.ins]):
        uses[x] = uses.get(x, 0) + 1
    placed: dict[Operand, Op] = {}
    found: list[Op] = []
    for op in body:
        if op.name == "place" and uses.get(op.outs[0]) == 1:
            placed[op.outs[0]] = op
        elif op.name in ("add", "add_any"):
            a, b = op.ins
            if a in placed and b not in placed:
                a, b = b, a
            if b in placed:
                part = placed.pop(b)
                found.pop(found.index(part))
                made = add_at_op(a, part.ins[0], part.ins[1:])
                made.outs = op.outs
                op = made
        found.append(op)
    return found


class Loop:
    """A loop as an operation: `loop(reads and initial values)` gives the finals, and the stacks of all steps."""

    def __init__(
        self, count: int, k: Value, reads: list[Value], registers: list[Value], body: list[Op], updates: Sequence[Operand],
        finals: list[int], stacked: list[Value], given: list[bool],
    ) -> None:  # fmt: skip
        """`given`: which of the registers have an initial value."""
        self.count, self.k, self.reads, self.registers = count, k, reads, registers
        self.updates, self.finals, self.stacked, self.given = updates, finals, stacked, given
        self.body = live(body, [*updates, *stacked])
        self.amount = count * sum(map(amount, self.body))
        most = max(1, min(TURN * count // self.amount, count // TURNS))
        #: steps in one turn; what is left over stands behind the loop
        self.several = max(n for n in range(1, most + 1) if n + count % n <= most)
        self.size = (self.several + count % self.several) * sum(map(size, self.body))

    def key(self) -> Any:
        """Loops with equal keys are the same but for what they are given."""
        number: dict[Operand, Any] = {x: i for i, x in enumerate((self.k, *self.reads, *self.registers))}
        rows = []
        for op in self.body:
            rows.append((op.key, tuple([number[x] for x in op.ins])))
            for x in op.outs:
                number[x] = len(number)
        ends = tuple([number[x] for x in (*self.updates, *self.stacked)])
        return self.count, tuple(rows), ends, tuple(self.finals), len(self.reads), tuple(self.given)

    def __call__(self, given: Sequence[Any]) -> list[Any]:
        n = len(self.reads)
        reads = dict(zip(self.reads, given))
        rest = iter(given[n:])
        first = [
            jnp.asarray(next(rest)) if known else jnp.zeros(x.shape, x.dtype) for x, known in zip(self.registers, self.given)
        ]
        stacks = [jnp.zeros((self.count, *x.shape), x.dtype) for x in self.stacked]

        def step(k: Any, state: Any) -> Any:
            registers, stacks = state
            env = {self.k: k, **reads, **dict(zip(self.registers, registers))}
            after = emitted(self.body, env, [*self.updates, *self.stacked])
            m = len(registers)
            return after[:m], [put(s, y, k) for s, y in zip(stacks, after[m:])]

        several = self.several
        whole = self.count - self.count % several

        def steps(state: Any) -> Any:
            k, state = state
            for i in range(several):
                state = step(k + i if i else k, state)
            return k + several, state

        _, state = lax.while_loop(lambda s: s[0] < whole, steps, (np.int32(0), (first, stacks)))
        for k in range(whole, self.count):
            state = step(np.int32(k), state)
        registers, stacks = state
        return [registers[i] for i in self.finals] + list(stacks)


def put(whole: Any, x: Any, k: Any) -> Any:
    """`whole` with `whole[k] = x`."""
    return lax.dynamic_update_slice(whole, jnp.asarray(x)[None], (k, *[np.int32(0)] * x.ndim), allow_negative_indices=False)


#: layout operations that keep the order of the numbers
FLAT = {"reshape", "squeeze", "expand_dims", "broadcast_in_dim"}


def joined(ops: list[Op]) -> list[Op]:
    """`ops`; where single steps of a loop are stacked or concatenated, the loop's own stack takes their place."""
    made_by: dict[Operand, Op] = {x: op for op in ops for x in op.outs}

    def step_of(x: Operand) -> tuple[Operand, int] | None:
        """(stack, k) if `x` is element k of it, perhaps in another shape."""
        op = made_by.get(x)
        while op is not None and op.name in FLAT and op.outs[0].size == op.ins[0].size:
            op = made_by.get(op.ins[0])
        if op is None or op.name != "take" or op.ins[1].__class__ is not Const:
            return None
        return op.ins[0], int(op.ins[1].val)

    found = []
    for op in ops:
        if op.name in ("stack", "concatenate"):
            params: dict[str, Any] = dict(op.key[1])
            new = params.get("axis")
            dim = params["dimension"] if new is None else new
            steps = [step_of(x) for x in op.ins]
            groups: list[list[int]] = []
            for i, s in enumerate(steps):
                before = steps[i - 1] if i else None
                if s and before and s[0] is before[0] and s[1] == before[1] + 1 and op.ins[i].shape == op.ins[i - 1].shape:
                    groups[-1].append(i)
                else:
                    groups.append([i])
            if len(groups) <= len(steps) // 2:
                made = join_op(op, [(op.ins[g[0]], steps[g[0]], len(g)) for g in groups], new, dim)
                made.outs = op.outs
                op = made
        found.append(op)
    return found


def join_op(like: Op, parts: Sequence[Any], new: int | None, dim: int) -> Op:
    """Concatenation along `dim` of parts, each one operand or (operand, (stack, k), count) steps of a loop; `new`: the
    dimension that all of them get before."""
    shapes, spans = [], []
    for x, step, n in parts:
        shape = x.shape if new is None else (*x.shape[:new], 1, *x.shape[new:])
        shapes.append(shape)
        spans.append(None if n == 1 else (step[1], step[1] + n))

    def emit(v: Sequence[Any]) -> Any:
        pieces = []
        for x, shape, span in zip(v, shapes, spans):
            if span is None:
                pieces.append(jnp.asarray(x).reshape(shape))
                continue
            some = lax.slice_in_dim(x, *span).reshape(span[1] - span[0], *shape)
            pieces.append(jnp.moveaxis(some, 0, dim).reshape(*shape[:dim], -1, *shape[dim + 1 :]))
        return [lax.concatenate(pieces, dim) if len(pieces) > 1 else pieces[0]]

    ins = [x if n == 1 else step[0] for x, step, n in parts]
    return Op("joined", (tuple(shapes), tuple(spans), dim), ins, like.outs, emit)


__all__ = ["Loop", "added_in_place", "amount", "joined", "size"]
