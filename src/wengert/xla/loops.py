"""Loops that a trace wrote out, rolled up again.

A Python loop over time steps leaves the same operations once for each step. XLA would compile, and run, each of them:
`rolled` finds the repetition in the operations of a jaxpr and puts one `while` loop in its place.

In a run of n equal periods, an operand is (for all periods alike) made in the same period; made some periods before,
so it is carried from step to step; the same in all periods; a number that grows evenly; or another value each time, which
then is element `start + step * k` of one array: slices of an input, or what an earlier loop left of all its steps.
The first and the last step of a loop often differ (no gradient arrives yet, none is wanted any more): they stay outside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from .flat import LAYOUT, Const, Op, Operand, Reader, Value, affine_op, live, stack_op, take_op, to_jaxpr
from .repeats import periodic_runs
from .turns import Loop, added_in_place, amount, joined, size

#: fewer periods, or a run of fewer operations, stay written out
PERIODS, OPERATIONS = 6, 64
#: a program stays as it is unless so many fewer operations are compiled: short loops run faster written out
SAVED = 1000
#: how far back a value may be carried
FARTHEST = 8
#: of the numbers that a period computes, the part of which may be gathered for it from single values
GATHERED = 0.2
#: what is made of inputs alone, this often, is made once, before all else
OFTEN = 4


class No(Exception):
    """This run is not to be rolled."""


class Peel(Exception):
    """The loop should begin after its first period (0), or end before its last one (-1)."""


def rolled(closed: Any, placeholders: Collection[int], first: int = 0, late: Collection[int] = ()) -> Any:
    """`closed` with loops in place of repeated operations.

    `placeholders`: identities of those of its constants that stand for inputs; they come first among the constants of the
    result. What the first outputs, `first` of them, need will not depend on the inputs `late`: it is to be cut off."""
    if closed.jaxpr.effects or len(closed.jaxpr.eqns) < SAVED:
        return closed
    read = Reader(closed, placeholders)
    program = Rolling(read)
    if not program.roll() or len(read.ops) - sum(map(size, program.ops)) < SAVED:
        return closed
    late_inputs = [x for x, c in zip(read.inputs, read.placeholders) if id(c) in late]
    if late_inputs:
        needed = live(program.ops, program.outputs[:first])
        if any(x in late_inputs for op in needed for x in op.ins):
            return closed  # one loop goes on where another ends, beyond the cut
    return to_jaxpr(program.ops, read.inputs, program.outputs, read.placeholders, closed.jaxpr.debug_info)


def without_repeated_invariants(ops: Sequence[Op], inputs: Sequence[Operand], outputs: Sequence[Operand]) -> Any:
    """(ops, outputs) in which what is computed from inputs alone, in each step again, is computed once, at the front.

    Elsewhere equal operations stay: what a checkpoint computes twice, for the sake of memory, would become residuals."""
    number: dict[Any, Any] = {x: x for x in inputs}
    groups: dict[Any, list[Op]] = {}
    parts: set[Op] = set()  # an element that each step reads may be the one that one of them reads for itself
    for op in ops:
        operands = [number.get(x) if x.__class__ is Value else x.known for x in op.ins]
        if None in operands:
            continue
        key = op.key, tuple(operands)
        groups.setdefault(key, []).append(op)
        number.update((x, (groups[key][0], i)) for i, x in enumerate(op.outs))
        if op.name == "slice" or (op.name in LAYOUT and operands[0].__class__ is tuple and operands[0][0] in parts):
            parts.add(groups[key][0])
    again: dict[Operand, Operand] = {}
    front: list[Op] = []
    gone: set[Op] = set()
    wanted: set[Op] = set()
    for group in reversed(groups.values()):
        alone = all(x.__class__ is Const for x in group[0].ins)  # zeros to begin with, for example
        often = len(group) >= OFTEN and group[0] not in parts
        if alone or often or group[0] in wanted:
            front.append(group[0])
            gone.update(group)
            wanted.update([of[0] for x in group[0].ins if (of := number.get(x)).__class__ is tuple])
            again.update((x, y) for op in group[1:] for x, y in zip(op.outs, group[0].outs))
    for op in ops:
        op.ins = [again.get(x, x) for x in op.ins]
    return [*front[::-1], *[op for op in ops if op not in gone]], [again.get(x, x) for x in outputs]


class Rolling:
    """A program while its loops are rolled up."""

    def __init__(self, read: Reader) -> None:
        self.ops, self.outputs = without_repeated_invariants(read.ops, read.inputs, read.outputs)
        self.numbers: dict[Any, int] = {}
        #: runs that are not to be rolled: (the first operation, the period)
        self.refused: set[tuple[Op, int]] = set()

    def roll(self) -> bool:
        """Roll what can be: inner loops first, as they have the shorter periods. Whether anything was rolled."""
        any_at_all = False
        while True:
            self.ops = live(self.ops, self.outputs)
            self.at = {x: i for i, op in enumerate(self.ops) for x in op.outs}
            self.made_by = {x: op for op in self.ops for x in op.outs}
            self.used: dict[Operand, list[int]] = {}
            for i, op in enumerate(self.ops):
                for x in op.ins:
                    self.used.setdefault(x, []).append(i)
            for x in self.outputs:
                self.used.setdefault(x, []).append(len(self.ops))
            runs = list(self.chosen())
            if not runs:
                return any_at_all
            ops, done, refused = [], 0, self.refused
            for start, period, length in runs:
                loop = self.run(start, period, length)
                if loop is None:
                    refused.add((self.ops[start], period))
                    continue
                ops += [*self.ops[done : loop.first], *loop.before, loop.op, *loop.after]
                done = loop.end
                any_at_all = True
                self.refused = set()  # what stood apart may follow from a loop now
            self.ops = joined(ops + self.ops[done:])

    def run(self, start: int, period: int, length: int) -> Run | None:
        for part in (0.5, 0.25, 0.75):  # two loops may follow one another at any of these
            try:
                return Run(self, start, period, length, part)
            except No:
                pass
        return None

    def chosen(self) -> Iterator[tuple[int, int, int]]:
        """Runs that do not overlap, in order."""
        numbers = self.numbers
        ids = np.array([numbers.setdefault(op.key, len(numbers)) for op in self.ops], np.int64)
        self.amount = np.cumsum([0, *[amount(op) for op in self.ops]])
        free = np.ones(len(ids), bool)
        found = []
        for period, start, length in periodic_runs(ids, PERIODS):
            if self.amount[start + length] - self.amount[start] < OPERATIONS or (self.ops[start], period) in self.refused:
                continue
            if free[start : start + length].all():
                free[start : start + length] = False
                found.append((start, period, length))
        return iter(sorted(found))


#: how an operand of a period is had
SAME, INSIDE, BEFORE, OUTSIDE = range(4)


class Run:
    """One run of equal periods, made a loop: `op` for the operations [first, end), with `before` and `after` about it."""

    def __init__(self, program: Rolling, start: int, period: int, length: int, part: float) -> None:
        """`part`: where to look for a period that is like the others."""
        self.program, self.period = program, period
        self.place(start, length, part)
        self.agree(int(self.count * part))
        while True:
            try:
                self.build()
            except Peel as end:
                self.count -= 1
                if end.args[0] == 0:
                    self.start += period
            else:
                break
        self.first, self.end = self.start, self.start + self.count * period

    # ---- which periods

    def place(self, start: int, length: int, part: float) -> None:
        """Cut the run into periods where the fewest numbers pass from one to the next."""
        ops, period, used = self.program.ops, self.period, self.program.used
        middle = start + int(length // period * part) * period
        crossing = np.zeros(period)
        for i in range(middle - period, middle):
            for x in ops[i].outs:
                uses = [u for u in used.get(x, ()) if u < start + length]
                last = max(uses, default=i)
                if last - i > FARTHEST * period:
                    continue
                turns, rest = divmod(last - i, period)
                weight = x.size + 16
                crossing += turns * weight
                a = (i - start) % period + 1  # the boundaries i + 1, ..., last
                b = a + rest
                crossing[a:b] += weight
                crossing[: max(b - period, 0)] += weight
        self.start = start + int(np.argmin(crossing))
        self.count = (start + length - self.start) // period
        if self.count < PERIODS:
            raise No

    def operand(self, k: int, j: int, o: int) -> Operand:
        return self.program.ops[self.start + k * self.period + j].ins[o]

    def origin(self, x: Operand) -> tuple[int, int]:
        """The period and the position in it that make `x`; a negative period if it is made before."""
        at = self.program.at.get(x)
        return (-1, 0) if at is None or at < self.start else divmod(at - self.start, self.period)

    def agree(self, middle: int) -> None:
        """Find the periods whose operands come about alike."""
        program, period = self.program, self.period
        rows = [program.ops[self.start + j].ins for j in range(period)]
        self.sites = [(j, o) for j, ins in enumerate(rows) for o in range(len(ins))]

        def kinds(k: int) -> list[Any]:
            found: list[Any] = []
            for j, o in self.sites:
                x = self.operand(k, j, o)
                if x.__class__ is Const:
                    found.append((OUTSIDE, 0, 0, 0))
                    continue
                made, at = self.origin(x)
                if made == k:
                    found.append((INSIDE, 0, at, self.slot(x)))
                elif x is self.operand(middle, j, o) and x is self.operand(middle + 1, j, o):
                    found.append((SAME, 0, 0, 0))
                elif made >= 0:
                    found.append((BEFORE, k - made, at, self.slot(x)))
                else:
                    found.append((OUTSIDE, 0, 0, 0))
            return found

        table: dict[int, list[Any]] = {}

        def kinds_of(k: int) -> list[Any]:
            if k not in table:
                table[k] = kinds(k)
            return table[k]

        self.kinds = pattern = kinds_of(middle)
        first = middle
        while first > 0 and kinds_of(first - 1) == pattern:
            first -= 1
        end = middle + 1
        while end < self.count and kinds_of(end) == pattern:
            end += 1
        for (j, o), kind in zip(self.sites, pattern):
            if kind[0] == SAME:
                first = max(first, self.origin(self.operand(middle, j, o))[0] + 1)
        back = max((kind[1] for kind in pattern if kind[0] == BEFORE), default=0)
        if back > FARTHEST:
            raise No

        def begins(at: int) -> bool:
            """Whether the loop may begin with this period: what is carried into it is made before."""
            for k in range(at, min(at + back, end)):
                for (j, o), want, have in zip(self.sites, pattern, kinds_of(k)):
                    if want[0] == BEFORE and k - want[1] < at:
                        if have[0] in (INSIDE, BEFORE) and self.origin(self.operand(k, j, o))[0] >= at:
                            return False
                    elif want[0] == OUTSIDE:
                        if have[0] not in (OUTSIDE, BEFORE) or self.origin(self.operand(k, j, o))[0] >= at:
                            return False
                    elif have != want:
                        return False
            return True

        for extra in range(back, 0, -1):
            if first >= extra and begins(first - extra):
                first -= extra
                break
        self.count = end - first
        self.start += first * period

    def slot(self, x: Operand) -> int:
        at = self.program.at[x]
        return self.program.ops[at].outs.index(x)

    # ---- the loop

    def build(self) -> None:
        program, period = self.program, self.period
        done = program.amount[[self.start, self.start + self.count * period]]
        if self.count < PERIODS or done[1] - done[0] < OPERATIONS:
            raise No
        self.before: list[Op] = []
        self.after: list[Op] = []
        self.body: list[Op] = []
        self.k = Value((), np.dtype(np.int32))
        #: what the loop reads of the outside: operand -> the value that stands for it in the body
        self.reads: dict[Any, Value] = {}
        self.read_operands: list[Operand] = []
        #: (position, slot, how far back, initial values) -> registers, the oldest first
        self.carried: dict[Any, list[Value]] = {}
        self.initial: list[Operand | None] = []
        self.known: dict[Any, Operand] = {}
        self.gathered: dict[Value, int] = {}
        inside: dict[tuple[int, int], Value] = {}
        after_all = self.used_after()
        kinds = iter(self.kinds)
        for j in range(period):
            op = program.ops[self.start + j]
            ins: list[Operand] = []
            for o in range(len(op.ins)):
                kind, back, at, slot = next(kinds)
                if kind == INSIDE:
                    ins.append(inside[at, slot])
                elif kind == BEFORE:
                    ins.append(self.register(at, slot, [self.operand(k, j, o) for k in range(back)]))
                else:
                    ins.append(self.resolved([self.operand(k, j, o) for k in range(self.count)]))
            made = op.again(ins)
            self.body.append(made)
            inside.update(((j, i), x) for i, x in enumerate(made.outs))
        results = [op for op in self.body if op.name not in LAYOUT]
        if not results or (self.gathered and not self.carried):
            raise No
        self.weigh(results)
        # what is used after the loop: of the last period alone, or of each
        updates = [x for (at, slot, _, _), regs in self.carried.items() for x in (*regs[1:], inside[at, slot])]
        registers = [x for regs in self.carried.values() for x in regs]
        kept: list[tuple[Value, Value]] = []  # (value of the last period, what the loop leaves)
        finals: list[int] = []
        stacks: list[tuple[Value, list[tuple[int, Value]]]] = []
        for (j, slot), uses in after_all.items():
            x = inside[j, slot]
            if [k for k, _ in uses] != [self.count - 1]:
                stacks.append((x, uses))
                continue
            if x not in updates:
                registers.append(Value(x.shape, x.dtype))
                self.initial.append(None)  # nobody reads it
                updates.append(x)
            finals.append(updates.index(x))
            kept.append((uses[0][1], x))
        body = added_in_place(self.body, [*updates, *[x for x, _ in stacks]])
        loop = Loop(
            self.count, self.k, list(self.reads.values()), registers, body, updates, finals, [x for x, _ in stacks],
            [x is not None for x in self.initial],
        )
        outs: list[Any] = [x for _, x in kept]
        outs += [Value((self.count, *x.shape), x.dtype) for x, _ in stacks]
        operands = [*self.read_operands, *[x for x in self.initial if x is not None]]
        self.op = Op("loop", loop.key(), operands, outs, loop)
        last = [x for x, _ in kept]
        self.op.outs[: len(last)] = last
        program.made_by.update((x, self.op) for x in self.op.outs)
        for whole, (_, uses) in zip(self.op.outs[len(last) :], stacks):
            for k, x in uses:
                take = take_op(whole, Const(np.asarray(k, np.int32)))
                take.outs = [x]
                program.made_by[x] = take
                self.after.append(take)

    def used_after(self) -> dict[tuple[int, int], list[tuple[int, Value]]]:
        """(position, slot) -> the periods, and their values, that are used outside."""
        program, found = self.program, {}
        end = self.start + self.count * self.period
        for j in range(self.period):
            for slot in range(len(program.ops[self.start + j].outs)):
                values = [program.ops[self.start + k * self.period + j].outs[slot] for k in range(self.count)]
                uses = [(k, x) for k, x in enumerate(values) if program.used.get(x, (0,))[-1] >= end]
                if uses:
                    found[j, slot] = uses
        return found

    def register(self, at: int, slot: int, initial: list[Operand]) -> Value:
        """The value that was made `len(initial)` periods before."""
        key = at, slot, len(initial), tuple([x.known for x in initial])
        if key not in self.carried:
            self.carried[key] = [Value(x.shape, x.dtype) for x in initial]
            self.initial += initial
        return self.carried[key][0]

    def read(self, x: Operand) -> Value:
        """A value from outside, in the body."""
        key = x.known
        if key not in self.reads:
            self.reads[key] = Value(x.shape, x.dtype)
            self.read_operands.append(x)
        return self.reads[key]

    def resolved(self, column: list[Operand], depth: int = 0, gather: bool = True) -> Operand:
        """What stands in the body for operands from outside, one for each period."""
        key = tuple([x.known for x in column])
        if key not in self.known:
            self.known[key] = self.resolve(column, depth, gather)
        return self.known[key]

    def resolve(self, column: list[Operand], depth: int, gather: bool) -> Operand:
        first = column[0]
        if all(x.__class__ is Const for x in column):
            return self.numbers(column)
        if all(x is first for x in column):
            return self.read(first)
        if depth < FARTHEST:
            made: list[Any] = [self.program.made_by.get(x) for x in column]
            op = made[1]
            alike = [m is not None and op is not None and m.key == op.key and m.name in LAYOUT for m in made]
            if all(alike):
                try:
                    return self.add(op.again([self.resolved(list(xs), depth + 1, False) for xs in zip(*[m.ins for m in made])]))
                except No:
                    pass
            elif all(alike[1:-1]):  # what an earlier loop left of its steps, and what it began with, for example
                raise Peel(-1 if alike[0] else 0)
        if not gather:
            raise No
        stacked = stack_op(column)
        self.before.append(stacked)
        self.program.made_by[stacked.outs[0]] = stacked
        part = self.add(take_op(self.read(stacked.outs[0]), self.k))
        self.gathered[part] = part.size
        return part

    def numbers(self, column: list[Any]) -> Operand:
        """Known numbers, one for each period."""
        values = np.stack([x.val for x in column])
        if (values == values[0]).all():
            return self.read(column[0])
        if values.dtype.kind in "iu" and values.ndim == 1:
            steps = np.diff(values)
            if (steps == steps[0]).all():
                return self.add(affine_op(self.read(column[0]), int(steps[0]), self.k))
        return self.add(take_op(self.read(Const(values)), self.k))

    def add(self, op: Op) -> Value:
        self.body.append(op)
        return op.outs[0]

    def weigh(self, results: list[Op]) -> None:
        """Gathering single values costs: it must be little beside what is computed, and weights are not gathered."""
        if not self.gathered:
            return
        if sum(self.gathered.values()) > GATHERED * sum(x.size for op in results for x in op.outs):
            raise No
        moved = set(self.gathered)
        for op in self.body:
            if not moved.isdisjoint(op.ins):
                if op.name in ("dot_general", "conv_general_dilated"):
                    raise No
                if op.name in LAYOUT:
                    moved.update(op.outs)


__all__ = ["rolled"]
