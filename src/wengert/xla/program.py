"""From a trace to a program: what goes in, what comes out, and where it is put after each call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import prod
from typing import Any

import jax
import jax.extend.core as extend
import jax.numpy as jnp

from .feeds import Feeds
from .inputs import Draw, Input
from .state import Part, Resident, layout


def needed(eqns: Sequence[Any], outs: Sequence[Any]) -> list[Any]:
    """The equations that `outs` depend on, in order."""
    wanted = {id(v) for v in outs if not isinstance(v, extend.Literal)}
    found = []
    for e in reversed(eqns):
        if any(id(v) in wanted for v in e.outvars):
            found.append(e)
            wanted.update(id(v) for v in e.invars if not isinstance(v, extend.Literal))
    return found[::-1]


def as_function(jaxpr: Any, inputs: Sequence[Any], outs: Sequence[Any], eqns: Sequence[Any]) -> Any:
    """Part of a jaxpr as a function of the variables `inputs`."""
    part = extend.Jaxpr(
        constvars=[], invars=list(inputs), outvars=list(outs), eqns=list(eqns), effects=jaxpr.effects,
        debug_info=jaxpr.debug_info,
    )  # fmt: skip
    return extend.jaxpr_as_fun(extend.ClosedJaxpr(part, []))


def evaluator(jaxpr: Any, bad: int | None, state: dict[int, int]) -> Any:
    """A jaxpr as a function of its constants. `state`: constant -> output, memory that the program changes: where the
    output `bad` is true it keeps its value.

    What follows reads the memory as it is then: otherwise XLA would copy it, to have both the old and the new value."""
    if bad is None or not state:
        return as_function(jaxpr, jaxpr.constvars, jaxpr.outvars, jaxpr.eqns)
    first = needed(jaxpr.eqns, [jaxpr.outvars[bad]])
    early = {id(e) for e in first}
    outputs = [id(v) for v in jaxpr.outvars]
    #: variable -> the constant whose new value it is; not where the check itself depends on it
    new = {outputs[o]: n for n, o in state.items() if outputs.count(outputs[o]) == 1}
    pieces: list[list[Any]] = [first, []]
    for e in jaxpr.eqns:
        if id(e) not in early:
            pieces[-1].append(e)
            if any(id(v) in new for v in e.outvars):
                pieces.append([])
    early_made = {id(v) for e in first for v in e.outvars}
    new = {v: n for v, n in new.items() if v not in early_made}
    steps: list[tuple[list[Any], list[Any], Any]] = []
    wanted = {id(v) for v in jaxpr.outvars}
    for eqns in reversed(pieces):
        made = {id(v): v for e in eqns for v in e.outvars}
        outs = [v for k, v in made.items() if k in wanted]
        reads = {id(v): v for e in eqns for v in e.invars if not isinstance(v, extend.Literal) and id(v) not in made}
        wanted = (wanted - made.keys()) | reads.keys()
        steps.append((list(reads.values()), outs, as_function(jaxpr, list(reads.values()), outs, eqns)))
    steps.reverse()

    def evaluated(*consts: Any) -> list[Any]:
        known = {id(v): c for v, c in zip(jaxpr.constvars, consts)}
        kept = set()
        for reads, outs, step in steps:
            for v, x in zip(outs, step(*[known[id(v)] for v in reads])):
                if id(v) in new:
                    n = new[id(v)]
                    x = jnp.where(known[outputs[bad]], consts[n].reshape(x.shape), x)
                    kept.add(n)
                known[id(v)] = x
        found = [v.val if isinstance(v, extend.Literal) else known[id(v)] for v in jaxpr.outvars]
        for n, o in state.items():
            if n not in kept:
                found[o] = jnp.where(found[bad], consts[n].reshape(found[o].shape), found[o])
        return found

    return evaluated


def pruned(closed: Any) -> Any:
    """Without what no output needs."""
    jaxpr = closed.jaxpr
    eqns = needed(jaxpr.eqns, jaxpr.outvars)
    used = {id(v) for e in eqns for v in e.invars} | {id(v) for v in jaxpr.outvars}
    keep = [k for k, v in enumerate(jaxpr.constvars) if id(v) in used]
    made = extend.Jaxpr(
        constvars=[jaxpr.constvars[k] for k in keep], invars=[], outvars=jaxpr.outvars, eqns=eqns,
        effects=jaxpr.effects, debug_info=jaxpr.debug_info,
    )
    return extend.ClosedJaxpr(made, [closed.consts[k] for k in keep])


class Program:
    """An XLA program of a traced function.

    `feeds`: what is handed in at each call besides the residents; each says how its array is fetched.
    """

    def __init__(
        self,
        closed: Any,
        order: Sequence[int | None],
        inputs: Sequence[Input],
        state: Sequence[tuple[int, int]],
        homes: dict[int, Part],
        small: Sequence[int],
        bad: int | None,
        options: dict[str, Any],
    ) -> None:
        """`state`: (input, output) pairs of memory that is written; `homes`: input -> the part of a resident that it is;
        `small`: outputs that leave in one flat buffer for each dtype; `bad`: the output that says whether a check of
        values failed: then the state stays as it was."""
        self.jaxpr = closed.jaxpr  # without its constants, which are placeholders as large as the state
        self.inputs = inputs
        used = {n for n in order if n is not None}
        self.residents: list[Resident] = []
        self.homes = {id(part) for part in homes.values()}
        for part in homes.values():
            if part.resident not in self.residents:
                self.residents.append(part.resident)
        self.members = [r.entrusted() for r in self.residents]
        written = {id(homes[i].resident) for i, _ in state if i in homes}
        #: residents that change are given away; those that are only read stay
        self.changing = [r for r in self.residents if id(r) in written]
        self.reading = [r for r in self.residents if id(r) not in written]
        draws = {n for n, i in enumerate(inputs) if isinstance(i.source, Draw)}  # drawn also if nobody uses them
        self.feeds = sorted(n for n in used | draws if n not in homes)
        self.handed = Feeds(inputs, self.feeds, options.get("batch") or ())
        n_out = len(closed.jaxpr.outvars)
        state_out = {o: homes[i] for i, o in state if i in homes}
        self.plain = [o for o in range(n_out) if o not in state_out and o not in set(small)]
        self.packs: list[tuple[Any, list[int]]] = []
        for o in small:
            if o in state_out:
                continue
            dtype = closed.jaxpr.outvars[o].aval.dtype
            for kind, members in self.packs:
                if kind == dtype:
                    members.append(o)
                    break
            else:
                self.packs.append((dtype, [o]))
        alone = {i: o for i, o in state if i in homes and not homes[i].resident.flat}
        fun = evaluator(closed.jaxpr, bad, {order.index(i): o for i, o in alone.items()})
        consts = [c if n is None else None for c, n in zip(closed.consts, order)]
        changing, reading, handed, packs, plain = self.changing, self.reading, self.handed, self.packs, self.plain

        def program(*given_arrays: Any) -> Any:
            whole = {id(r): v for r, v in zip((*changing, *reading), given_arrays)}
            given = handed.unpacked(given_arrays[len(whole):])
            values = []
            for n, const in zip(order, consts):
                if n is None:
                    values.append(const)
                elif n in homes:
                    v = homes[n].of(whole[id(homes[n].resident)])
                    values.append(v if v.ndim else v.reshape(1))
                else:
                    values.append(given[n])
            outs = fun(*values)
            after = []
            for r in changing:
                parts = {p.offset: outs[o] for o, p in state_out.items() if p.resident is r}
                old = whole[id(r)]
                if r.flat:
                    pieces = [parts.get(p.offset, p.of(old)).reshape(-1) for _, p in r.members if p.size]
                    new = jnp.concatenate(pieces) if len(pieces) > 1 else pieces[0] if pieces else old
                    after.append(new if bad is None else jnp.where(outs[bad], old, new))
                else:
                    after += parts.values()
            flat = [jnp.concatenate([outs[o].reshape(-1) for o in members]) for _, members in packs]
            return (*after, *flat, *(outs[o] for o in plain))

        self.fn = program
        self.options = options
        self.seconds = 0.0
        self.executable: Any = None

    def compile(self) -> None:
        """Hand the program to XLA."""
        began = time.perf_counter()
        place = self.options.get("place")

        def struct(shape: Any, dtype: Any, sharding: Any = place) -> Any:
            return jax.ShapeDtypeStruct(shape, dtype, sharding=sharding)

        def of(r: Resident) -> Any:
            return struct((r.size,) if r.flat else r.members[0][1].shape, r.dtype)

        batch = self.options.get("batch") or {}
        feeds = self.handed.structs(place, batch)
        jitted = jax.jit(self.fn, donate_argnums=tuple(range(len(self.changing))))
        lowered = jitted.lower(*(of(r) for r in (*self.changing, *self.reading)), *feeds)
        with progress():
            self.executable = by_xla(lowered, self.jaxpr)
        for i in self.inputs:
            i.placeholder = None
        self.seconds = time.perf_counter() - began

    def execute(self, fed: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Run it: the new values of the residents that change, the flat outputs, the single ones."""
        outs = self.executable(*(r.value for r in self.changing), *(r.value for r in self.reading), *fed)
        a = len(self.changing)
        b = a + len(self.packs)
        return outs[:a], outs[a:b], outs[b:]

    def quickest(self) -> Any:
        """What `executable` calls itself, once it has run: one call less."""
        return getattr(self.executable, "_call", None) or self.executable

    def part_of(self, o: int) -> tuple[int, Any]:
        """Where output `o` leaves: (index of the flat buffer, offset) or (-1, index among the single ones)."""
        for k, (_, members) in enumerate(self.packs):
            if o in members:
                at = 0
                for m in members:
                    if m == o:
                        return k, at
                    at += prod(self.jaxpr.outvars[m].aval.shape)
        return -1, self.plain.index(o)


#: where all matrix products take at most this many multiplications, XLA's library for them costs more than it gives:
#: a program that calls it runs its steps on a queue instead of one after the other
SMALL_PRODUCT = 64**3
PLAIN_PRODUCTS = {"xla_cpu_experimental_ynn_fusion_type": ""}


def by_xla(lowered: Any, jaxpr: Any) -> Any:
    """The executable of a lowered program."""
    if 0 < largest_product(jaxpr) <= SMALL_PRODUCT and jax.default_backend() == "cpu":
        try:
            return lowered.compile(compiler_options=PLAIN_PRODUCTS)
        except jax.errors.JaxRuntimeError:  # this XLA does not know the option
            pass
    return lowered.compile()


def largest_product(jaxpr: Any) -> int:
    """How many multiplications the largest matrix product of a jaxpr takes."""
    largest, todo = 0, [jaxpr]
    while todo:
        for e in todo.pop().eqns:
            if e.primitive.name == "dot_general":
                ((summed, _), _) = e.params["dimension_numbers"]
                largest = max(largest, prod(e.outvars[0].aval.shape) * prod(e.invars[0].aval.shape[d] for d in summed))
            todo += jaxprs_in(e.params)
    return largest


def jaxprs_in(params: dict[str, Any]) -> list[Any]:
    """The jaxprs inside an equation: bodies of loops, called functions."""
    values = [v for p in params.values() for v in (p if isinstance(p, (tuple, list)) else (p,))]
    return [getattr(v, "jaxpr", v) for v in values if hasattr(getattr(v, "jaxpr", v), "eqns")]


class progress:
    """Says so when a compilation takes longer than five seconds."""

    AFTER = 5.0

    def __enter__(self) -> None:
        import sys
        import threading

        def say() -> None:
            print("wengert.compile: XLA is still compiling ...", file=sys.stderr, flush=True)

        self.timer = threading.Timer(self.AFTER, say)
        self.timer.daemon = True
        self.timer.start()

    def __exit__(self, *exc: object) -> None:
        self.timer.cancel()


def homes_for(written: Sequence[tuple[int, Any, Any]], inputs: Sequence[Input], place: Any) -> dict[int, Part]:
    """input -> part, for memory that the program writes: the resident it has, or a new one."""
    homes: dict[int, Part] = {}
    todo = []
    for n, t, part in written:
        if part is not None:
            homes[n] = part
        else:
            todo.append((n, t))
    before = {id(t): n for n, t in todo}
    for home in layout([(t, *inputs[n].aval) for n, t in todo], place):
        for known, part in home.members:
            homes[before[id(known())]] = part
    return homes


__all__ = ["Program", "as_function", "homes_for", "needed", "progress", "pruned"]
