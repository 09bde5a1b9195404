"""The call of a program in a straight line: for programs that need little, called again with the same tensors.

`Entry.matches` and `Entry.run` do all that any program may need, one thing after the other; on a small model that takes
longer than the computing. Where a program changes only residents, and all that it is handed lives in XLA's memory
already, what is left to ask and to do is known when the program is made: it becomes one generated function, which gives
`MISS`, with nothing done, wherever something is not as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..core import hooks as hook_state
from ..core.dtypes import get_default_dtype
from ..core.modes import GRAD as GRAD_MODE
from ..core.modes import NO_GRAD, mode
from ..func.pytree import tree_unflatten
from .feeds import Argument, NumberFeed, Outside, TensorFeed
from .guards import GONE, Names, equality, expression, terms
from .signature import Signature
from .state import DATA, Output, lazy
from .tracer import grad_of

if TYPE_CHECKING:
    from .entry import Entry

MISS: Any = object()


def straight(entry: Entry, stance: ContextVar[str], lock: Any) -> Callable[[Sequence[Any]], Any] | None:
    """`call(arguments)` for the program of `entry`; None if it needs more than this can do."""
    program = entry.program
    if (
        program is None or program.handed.draws or entry.differentiable is not None or entry.spec is not None
        or entry.writes or entry.stores or entry.rebound or entry.freed or entry.shared
    ):
        return None
    name_of = Names(
        stance=stance.get, mode=mode, get_default_dtype=get_default_dtype, data_of=DATA.__get__, grad_of=grad_of,
        hooks=hook_state, lock=lock, entry=entry, token=entry.token, taken=entry.taken, latest=entry.latest,
        execute=program.quickest(), lazy=lazy, Output=Output, unflatten=tree_unflatten, MISS=MISS,
    )  # fmt: skip
    wanted = [
        'stance() == "default"',
        f"mode() is {name_of(GRAD_MODE if entry.grad else NO_GRAD)}",
        f"get_default_dtype() is {name_of(entry.default)}",
    ]
    fed = []
    for feed in program.handed.feeds:
        if feed.__class__ is NumberFeed:
            wanted.append(f"{expression(feed.place, name_of)} is {name_of(feed)}.value")
        for k, f in enumerate(getattr(feed, "finders", ())):
            if isinstance(f, Argument):
                t = f"a{f.number}"
            elif isinstance(f, Outside):
                t = name_of(f.tensor)
            else:
                return None
            wanted.append(f"data_of({t}) is {name_of(feed)}.parts[{k}]")
        if feed.__class__ is TensorFeed:
            wanted.append(f"(not {name_of(feed)}.shared or {name_of(feed)}.unwritten())")
        fed.append(f"{name_of(feed)}.array")
    used = {f.number for feed in program.handed.feeds for f in getattr(feed, "finders", ()) if f.__class__ is Argument}
    for k, value in enumerate(entry.signature):
        if value.__class__ is not Signature:
            wanted.append(equality(f"a{k}", value, name_of))
        elif value.identity is not None:
            wanted.append(f"a{k} is {name_of(value.identity)}")
        elif k not in used or value.fn is value:  # not known by its data, or a tensor that carries a graph
            return None
        else:
            wanted.append(f"a{k}._fn is {name_of(value.fn)}")
    wanted += terms(entry.guards, entry.lengths, entry.opaque, name_of)
    wanted += [f"{name_of(t)}._fn is {name_of(fn)}" for t, fn in entry.leaves]
    wanted += [f"grad_of({name_of(t)}) is {'' if none else 'not '}None" for t, none in entry.grads]
    wanted += [f"{expression(p, name_of)}.__class__ is float" for p in entry.numbers]
    if any(entry.hooks):
        return None
    wanted.append("not hooks.leaf_hooks_exist")
    for r in program.residents:
        wanted.append(f"{name_of(r)}.clean")
        if entry.tied:
            wanted.append(f"{name_of(r)}.writer is token")

    lines = ["try:"]
    arguments = "".join(f"a{k}, " for k in range(len(entry.signature)))
    lines += [f"    {arguments}= given"] if arguments else ["    if given:", "        return MISS"]
    lines += ["    if not (", *(f"        {term} and" for term in wanted), "        True", "    ):", "        return MISS"]
    lines += [f"except {GONE}:", "    return MISS"]
    changing, reading = ([f"{name_of(r)}.value" for r in rs] for rs in (program.changing, program.reading))
    flats, plain = ([f"{kind}{k}" for k in range(len(rows))] for kind, rows in (("f", program.packs), ("p", program.plain)))
    lines += ["with lock:"]
    lines += [f"    {', '.join(changing + flats + plain)}, = execute({', '.join(changing + reading + fed)})"]
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
            results.append(f"lazy(Output({plain[x]}), None, {shape!r}, {name_of(dtype)}, {size})")
        elif kind == "argument":
            results.append(f"a{x}")
        elif kind == "value":
            results.append(name_of(x))
        else:
            return None
    lines += [f"    return {results[0]}" if entry.out_spec is None else
              f"    return unflatten([{', '.join(results)}], {name_of(entry.out_spec)})"]  # fmt: skip
    return name_of.compiled("call", "given", "".join(f"    {line}\n" for line in lines))  # type: ignore[no-any-return]


__all__ = ["MISS", "straight"]
