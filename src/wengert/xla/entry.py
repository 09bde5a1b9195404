"""One program of a compiled function: its guards, what it is fed, and what is done with what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..core import hooks as hook_state
from ..core.dtypes import get_default_dtype
from ..core.tensor import Tensor, wrap
from ..func.pytree import tree_unflatten
from .counts import Condition, Count
from .feeds import Finder
from .guards import broken, checker
from .hooks import hook_keys
from .opaque import Opaque
from .places import Place
from .program import Program
from .signature import described, fits, wanted_text
from .slots import grad_of
from .state import DATA, GRAD, Latest, LazyGradient, Output, Part, Stale, assign, lazy, ordinary, present


class Entry:
    """One program of a function, with its guards. `program` None: this case runs eagerly, for `reason`."""

    def __init__(self) -> None:
        self.program: Program | None = None
        self.reason: str | None = None
        self.grad = True
        self.signature: list[Any] = []
        #: how many different tensors there are among the arguments, and the identities of those from outside
        self.distinct = 0
        self.outside: set[int] = set()
        self.spec: Any = None
        self.guards: list[tuple[Place, Any]] = []
        self.lengths: list[tuple[Any, int]] = []
        self.opaque: list[Opaque | Condition] = []
        #: where the function puts other tensors, and what the one there must look like
        self.rebound: list[tuple[Place, Any]] = []
        self.default = get_default_dtype()
        #: the hooks of the tensors in `leaves`
        self.hooks: list[tuple[Any, ...]] = []
        self.check: Callable[[], bool] = lambda: True
        #: (tensor, its `_fn` when traced): whether it is a leaf that wants a gradient
        self.leaves: list[tuple[Tensor, Any]] = []
        #: (tensor, whether its `.grad` was None)
        self.grads: list[tuple[Tensor, bool]] = []
        self.numbers: list[Place] = []
        # what is done after a call
        self.returns: list[tuple[str, Any]] = []
        self.out_spec: Any = None
        #: how many of `returns` the function gave; those behind them are what results are views of
        self.count = 0
        #: whether results are given twice, or share memory, or are looked up
        self.shared = False
        #: the tensors that results are, or are views of, where others may stand at the next call
        self.found: list[Finder | Count] = []
        #: (result, its gradient) of tensors that the function made
        self.own_grads: list[tuple[Any, Any]] = []
        #: id -> (tensor, its new gradient: a `LazyGradient`, None or a tensor)
        self.new_grads: dict[int, tuple[Tensor, Any]] = {}
        self.taken: list[Tensor] = []
        self.latest = Latest()
        #: (shape, dtype, size) of the single outputs
        self.avals: list[Any] = []
        #: those that become ordinary tensors at once: small results that carry a graph, which eager code goes on with
        self.ordinary: set[int] = set()
        self.stores: list[tuple[Place, str, Any]] = []
        self.writes: list[tuple[Finder, int]] = []
        self.differentiable: Any = None
        self.freed: set[int] = set()
        #: the tensors that are handed in besides the arguments
        self.sources: list[Finder] = []
        #: 0-d tensors that must be equal, and whether they surely are: no one else wrote them since the last call
        self.tied: list[list[Tensor]] = []
        self.sure = False
        self.token = object()
        #: (what looks at a value and raises, the output it looks at); the output that says whether any will
        self.checks: list[tuple[Callable[[Tensor], None], int]] = []
        self.bad: int | None = None
        #: what is done when the program has run: (function, its arguments as `result` has them)
        self.after: list[tuple[Callable[..., Any], list[tuple[str, Any]]]] = []
        #: whether the host computes with Python's numbers at each call
        self.counts = False
        self.seconds = 0.0
        self.operations = 0
        self.names: set[str] = set()
        self.seal()

    # ---- guards

    def matches(self, leaves: Sequence[Any], spec: Any, grad: bool) -> bool:
        """Whether this program is for these arguments and the Python state as it is now."""
        return self.takes(leaves, spec, grad) and self.check() and self.fits_tensors()

    def takes(self, leaves: Sequence[Any], spec: Any, grad: bool) -> bool:
        """Whether it is for arguments like these."""
        return (
            grad is self.grad
            and get_default_dtype() is self.default
            and len(leaves) == len(self.signature)
            and (spec is self.spec or spec == self.spec)
            and all(fits(leaf, wanted) for leaf, wanted in zip(leaves, self.signature))
            and self.apart(leaves)
        )

    def apart(self, leaves: Sequence[Any]) -> bool:
        """Whether the argument tensors are other ones than each other and than those from outside, as when traced."""
        if not self.distinct:
            return True
        ids = {id(leaf) for leaf in leaves if isinstance(leaf, Tensor)}
        return len(ids) == self.distinct and self.outside.isdisjoint(ids)

    def fits_tensors(self) -> bool:
        """Whether the tensors from outside take part in autograd as they did."""
        for t, fn in self.leaves:
            if t._fn is not fn:
                return False
        for t, none in self.grads:
            if (grad_of(t) is None) is not none:
                return False
        for place, wanted in self.rebound:
            if not fits(place.look(), wanted):
                return False
        if hook_state.leaf_hooks_exist and [hook_keys(t) for t, _ in self.leaves] != self.hooks:
            return False
        return all(p.get().__class__ is float for p in self.numbers)

    def why_not(self, leaves: Sequence[Any], spec: Any, grad: bool) -> list[tuple[Place | None, str]]:
        """What differs, in words."""
        if grad is not self.grad:
            return [(None, f"grad mode is {'on' if grad else 'off'} now")]
        if get_default_dtype() is not self.default:
            return [(None, f"the default dtype is {get_default_dtype()} now")]
        if len(leaves) != len(self.signature) or spec != self.spec:
            return [(None, "the arguments have another structure")]
        for i, (leaf, wanted) in enumerate(zip(leaves, self.signature)):
            if not fits(leaf, wanted):
                return [(None, f"argument {i} is {described(leaf)}, was {wanted_text(wanted)}")]
        if not self.apart(leaves):
            return [(None, "a tensor is given twice, or is one that the function also finds elsewhere")]
        changed = broken(self.guards, self.lengths)
        if changed:
            return changed
        for t, fn in self.leaves:
            if t._fn is not fn:
                return [(None, f"requires_grad of a tensor of shape {tuple(t.shape)} changed")]
        for held in self.opaque:
            if held.guarded and not held.same():
                return [(None, f"{held.name} has changed")]
        for place, wanted in self.rebound:
            if not fits(place.look(), wanted):
                return [(None, f"{place.name} holds {described(place.look())} now")]
        if [hook_keys(t) for t, _ in self.leaves] != self.hooks:
            return [(None, "a tensor has other hooks")]
        return [(None, "a gradient is there that was not, or the reverse")]

    def seal(self) -> None:
        """The guards are whole: make the function that checks them."""
        self.check = checker(self.guards, self.lengths, self.opaque)

    # ---- the call

    def run(self, leaves: Sequence[Any]) -> Any:
        program = self.program
        assert program is not None
        for r in program.residents:
            if not r.clean:
                with jax.enable_x64(True):
                    r.refresh(program.homes)
                self.sure = False
            if r.writer is not self.token:
                self.sure = False
        if not self.sure:
            for column in self.tied:
                if len({float(present(t)) for t in column}) > 1:
                    raise Stale
            self.sure = True
        self.refuse_shared(leaves)
        of = self.differentiable
        states = [(g, g.get_state()) for g in of.generators] if of is not None and of.generators else ()
        fed, lent, wide = program.handed.gather(leaves)
        if wide:  # JAX takes them only where it is told so
            with jax.enable_x64(True):
                after, flats, plain = program.execute(fed)
        else:
            after, flats, plain = program.execute(fed)
        if lent:  # XLA may be copying still, and the user may change them as soon as this call returns
            jax.block_until_ready((after, flats, plain))
        token = self.token
        for r, value in zip(program.changing, after):
            r.value = value
            r.calls += 1
            r.writer = token
            if r.mirrored:
                r.write_back()
        if self.bad is not None and plain[self.bad]:
            self.complain(plain)
        return self.finish(leaves, flats, plain, states)

    def complain(self, plain: list[Any]) -> None:
        """A check of values failed: say so as eager code does."""
        for check, o in self.checks:
            check(wrap(np.asarray(plain[o])))
        raise RuntimeError(f"a check of values failed in a compiled function ({len(self.checks)} of them)")

    def refuse_shared(self, leaves: Sequence[Any]) -> None:
        """Memory that is written must not be read as something else. Before any number is drawn."""
        assert self.program is not None
        if self.writes:
            others = [x for x in leaves if isinstance(x, Tensor)] + [find.look(leaves) for find in self.sources]
            if shares_memory([t.look(leaves) for t, _ in self.writes], others):
                raise Stale
        shared = [DATA.__get__(t) for r in self.program.residents for t, _ in r.shared()]
        if shared:
            given = [present(x) for x in leaves if isinstance(x, Tensor)]
            arrays = [a for a in shared if a.__class__ is np.ndarray]
            if any(np.may_share_memory(a, b) for i, a in enumerate(arrays) for b in (*arrays[:i], *given)):
                raise Stale

    def finish(self, leaves: Sequence[Any], flats: list[Any], plain: list[Any], states: Any) -> Any:
        """Put the outputs where they belong, and give back what the function returned."""
        made: dict[Any, Any] | None = None
        if self.shared:
            made = {("found", k): find.look(leaves) for k, find in enumerate(self.found)}
        for target, o in self.writes:  # before a gradient that is written is replaced
            assign(target.look(leaves), plain[o])
        if self.new_grads:
            self.latest.flat, self.latest.single = flats, plain
            if self.taken:
                self.set_gradients()
        outs: list[Any] = [None if kind == "alias" else self.result(kind, x, leaves, plain, made) for kind, x in self.returns]
        if self.differentiable is not None:
            self.differentiable.attach(self, leaves, outs, plain, states)
        elif self.freed:
            from .backward import freed_node

            for i in self.freed:
                outs[i]._fn = freed_node()
        if made is not None:
            for i, (kind, x) in enumerate(self.returns):
                if kind == "alias":
                    outs[i] = self.result(kind, x, leaves, plain, made)
            del outs[self.count :]
            for (kind, x), (of, g) in self.own_grads:
                self.result(kind, x, leaves, plain, made)._grad = self.result(of, g, leaves, plain, made)
        for place, kind, x in self.stores:
            place.set(self.result(kind, x, leaves, plain, made))
        if self.after:
            for action, given in self.after:
                action(*[self.result(kind, x, leaves, plain, made) for kind, x in given])
            outs = [x.get() if kind == "later" else out for out, (kind, x) in zip(outs, self.returns)]
        return outs[0] if self.out_spec is None else tree_unflatten(outs, self.out_spec)

    def result(self, kind: str, x: Any, leaves: Sequence[Any], plain: list[Any], made: dict[Any, Any] | None) -> Any:
        """What the function gave: an output, one of its arguments, or something from outside. `made`: those of this call
        that are given more than once, or that share memory."""
        if kind == "out":
            if made is not None and x in made:
                return made[x]
            result = ordinary(plain[x]) if x in self.ordinary else lazy(Output(plain[x]), None, *self.avals[x])
            if made is not None:
                made[x] = result
            return result
        if kind == "alias":
            found = made.get(x)  # type: ignore[union-attr]
            if found is None:
                kind, base = x.base
                found = made[x] = x.made(self.result(kind, base, leaves, plain, made))  # type: ignore[index]
            return found
        if kind == "tuple":
            return tuple([self.result(of, t, leaves, plain, made) for of, t in x])
        if kind == "found":
            return made[kind, x]  # type: ignore[index]
        if kind == "gradient":
            return x.grad
        if kind == "value of":
            return x.get()
        return leaves[x] if kind == "argument" else x

    def set_gradients(self) -> None:
        """New gradients where the last ones were looked at: a note of the output in a resident parameter."""
        taken = self.taken[:]
        self.taken.clear()
        for t in taken:
            g = self.new_grads[id(t)][1]
            if g.__class__ is LazyGradient and DATA.__get__(t).__class__ is not Part:
                g = g.make()
                self.taken.append(t)
            elif g is None or isinstance(g, Tensor):
                self.taken.append(t)  # the user may set it in between, and nobody would tell
            GRAD.__set__(t, g)


def shares_memory(targets: list[Tensor], others: list[Tensor]) -> bool:
    """Whether memory that is written can also be seen through another tensor."""
    return any(a is not b and np.may_share_memory(present(a), present(b)) for a in targets for b in others)


__all__ = ["Entry"]
