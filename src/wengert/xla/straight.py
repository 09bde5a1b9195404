"""The call of a program in a straight line: for programs that need little.

`Entry.matches` and `Entry.run` do all that any program may need, one thing after the other; on a small model that takes
longer than the computing. What there is to ask and to do for one program is known when it is made: for most it becomes
one generated function, which gives `MISS`, with nothing done, wherever something is not as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ..core import hooks as hook_state
from ..core.dtypes import get_default_dtype
from ..core.modes import GRAD as GRAD_MODE
from ..core.modes import NO_GRAD, mode
from ..func.pytree import tree_unflatten
from .feeds import Argument, DrawFeed, Feeds, NumberFeed, Outside
from .guards import GONE, Names, equality, expression, terms
from .signature import FLOAT, Signature
from .slots import grad_of
from .state import DATA, Output, lazy, ordinary

if TYPE_CHECKING:
    from .entry import Entry

MISS: Any = object()


def straight(entry: Entry, stance: ContextVar[str], lock: Any) -> Callable[[Sequence[Any]], Any] | None:
    """`call(arguments)` for the program of `entry`; None if it needs more than this can do."""
    program, of = entry.program, entry.differentiable
    if (
        program is None or entry.spec is not None or entry.writes or entry.stores or entry.rebound or entry.freed
        or entry.shared or entry.after or entry.counts or any(entry.hooks)
        or FLOAT in entry.signature or any(kind not in ("out", "argument", "value") for kind, _ in entry.returns)
    ):  # fmt: skip
        return None
    name_of = Names(
        stance=stance.get, mode=mode, get_default_dtype=get_default_dtype, data_of=DATA.__get__, grad_of=grad_of,
        hooks=hook_state, lock=lock, entry=entry, token=entry.token, taken=entry.taken, latest=entry.latest, of=of,
        execute=program.quickest(), lazy=lazy, ordinary=ordinary, Output=Output, unflatten=tree_unflatten,
        enable_x64=jax.enable_x64, ndarray=np.ndarray, MISS=MISS,
    )  # fmt: skip
    where = Feeding(program.handed, name_of)
    wanted = [
        'stance() == "default"',
        f"mode() is {name_of(GRAD_MODE if entry.grad else NO_GRAD)}",
        f"get_default_dtype() is {name_of(entry.default)}",
    ]
    known = []
    for k, value in enumerate(entry.signature):
        if value.__class__ is not Signature:
            wanted.append(equality(f"a{k}", value, name_of))
        elif value.identity is not None:
            wanted.append(f"a{k} is {name_of(value.identity)}")
        elif k not in where.arguments or value.fn is value:  # not known by its data, or a tensor that carries a graph
            known.append("False")
        else:
            known.append(f"{where.arguments[k]} and a{k}._fn is {name_of(value.fn)}")
    if known:
        wanted.append(f"({' and '.join(known)} or entry.takes(given, None, {entry.grad}))")
    wanted += terms(entry.guards, entry.lengths, entry.opaque, name_of)
    wanted += [f"{name_of(t)}._fn is {name_of(fn)}" for t, fn in entry.leaves]
    wanted += [f"grad_of({name_of(t)}) is {'' if none else 'not '}None" for t, none in entry.grads]
    wanted += [f"{expression(p, name_of)}.__class__ is float" for p in entry.numbers]
    wanted.append("not hooks.leaf_hooks_exist")
    for r in program.residents:
        wanted.append(f"{name_of(r)}.clean")
        if entry.tied:
            wanted.append(f"{name_of(r)}.writer is token")

    lines = ["try:"]
    arguments = "".join(f"a{k}, " for k in range(len(entry.signature)))
    lines += [f"    {arguments}= given"] if arguments else ["    if given:", "        return MISS"]
    lines += ["    if not (", *(f"        {term} and" for term in wanted), "        True", "    ):", "        return MISS"]
    lines += [f"except {GONE}:", "    return MISS", "with lock:"]
    states = "()"
    if of is not None and of.generators:
        states = "states"
        lines += [f"    states = [(g, g.get_state()) for g in {name_of(of.generators)}]"]
    lines += [f"    {line}" for line in where.lines]
    changing, reading = ([f"{name_of(r)}.value" for r in rs] for rs in (program.changing, program.reading))
    flats, plain = ([f"{kind}{k}" for k in range(len(rows))] for kind, rows in (("f", program.packs), ("p", program.plain)))
    outs = changing + flats + plain
    call = f"{', '.join(outs)}{',' * bool(outs)} = execute({', '.join(changing + reading + where.arrays)})"
    if not outs:
        call = f"execute({', '.join(changing + reading + where.arrays)})"
    if where.wide:  # JAX takes them only where it is told so
        lines += [f"    if {where.wide}:", "        with enable_x64(True):", f"            {call}"]
        lines += ["    else:", f"        {call}"]
    else:
        lines += [f"    {call}"]
    if where.lent and outs:  # XLA may be copying still
        lines += [f"    if {where.lent}:", f"        {outs[-1]}.block_until_ready()"]
    for r in program.changing:
        lines += [f"    {name_of(r)}.calls += 1", f"    {name_of(r)}.writer = token"]
    singles = f"[{', '.join(plain)}]"
    if entry.bad is not None:
        lines += [f"    if {plain[entry.bad]}:", f"        entry.complain({singles})"]
    if entry.new_grads:
        lines += [f"    latest.flat, latest.single = [{', '.join(flats)}], {singles}"]
        lines += ["    if taken:", "        entry.set_gradients()"]
    results = []
    for kind, x in entry.returns:
        if kind == "out":
            shape, dtype, size = entry.avals[x]
            made = f"lazy(Output({plain[x]}), None, {shape!r}, {name_of(dtype)}, {size})"
            results.append(f"ordinary({plain[x]})" if x in entry.ordinary else made)
        else:
            results.append(f"a{x}" if kind == "argument" else name_of(x))
    lines += [f"    results = [{', '.join(results)}]"]
    if of is not None:
        lines += [f"    of.attach(entry, given, results, {singles}, {states})"]
    result = "results[0]" if entry.out_spec is None else f"unflatten(results, {name_of(entry.out_spec)})"
    lines += [f"    return {result}"]
    return name_of.compiled("call", "given", "".join(f"    {line}\n" for line in lines))  # type: ignore[no-any-return]


class Feeding:
    """The code that fetches what a program is handed."""

    def __init__(self, handed: Feeds, name_of: Names) -> None:
        self.lines: list[str] = []
        self.arrays = [f"x{k}" for k in range(len(handed.feeds))]
        #: argument -> the code that says whether it is the tensor that is in XLA's memory already
        self.arguments: dict[int, str] = {}
        if handed.draws:
            self.lines.append(f"drawn = [draw() for draw in {name_of(handed.draws)}]")
        lent, wide = [], []
        for k, (x, feed) in enumerate(zip(self.arrays, handed.feeds)):
            name = name_of(feed)
            if feed.__class__ is DrawFeed:
                self.lines.append(f"{x} = {name}.pick(drawn)")
            elif feed.__class__ is NumberFeed:
                stays = f"{expression(feed.place, name_of)} is {name}.value"
                self.lines.insert(0, f"{x} = {name}.array if {stays} else {name}.take(given)")
            else:
                same = []
                for j, f in enumerate(feed.finders):
                    if isinstance(f, Argument):
                        self.arguments[f.number] = f"data_of(a{f.number}) is {name}.parts[{j}]"
                        same.append(self.arguments[f.number])
                    elif isinstance(f, Outside):
                        same.append(f"data_of({name_of(f.tensor)}) is {name}.parts[{j}]")
                    else:
                        same.append("False")
                stays = f"{' and '.join(same)} and not {name}.shared"
                self.lines.insert(0, f"{x} = {name}.array if {stays} else {name}.take(given)")
                if feed.lends:
                    lent.append(f"{x}.__class__ is ndarray")
            if handed.inputs[handed.members[k][0]].aval[1].itemsize >= 8 and feed.__class__ is not NumberFeed:
                wide.append(f"{x}.__class__ is ndarray")
        #: whether memory of the user's is handed in, and 64-bit arrays of the host
        self.lent, self.wide = " or ".join(lent), " or ".join(wide)


__all__ = ["MISS", "straight"]
