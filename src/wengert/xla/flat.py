"""A jaxpr as a flat list of operations, in a form in which the steps of a loop look alike.

Calls of inner functions are written out, and the numbers by which slices begin are operands, not parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import prod
from typing import Any

import jax
import jax.extend.core as extend
import jax.numpy as jnp
import numpy as np
from jax import lax


class Value:
    """An input, or what an operation gives."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: Sequence[int], dtype: Any) -> None:
        self.shape, self.dtype = tuple(shape), dtype

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def known(self) -> Value:
        """What it is compared by."""
        return self


class Const:
    """A number (or a table of numbers) that is known."""

    __slots__ = ("_known", "val")

    def __init__(self, val: Any) -> None:
        self.val = val
        self._known: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.val.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        return self.val.dtype

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def known(self) -> Any:
        """What it is compared by: its numbers."""
        if self._known is None:
            self._known = self.val.dtype, self.val.shape, self.val.tobytes()
        return self._known


Operand = Value | Const
Emit = Callable[[Sequence[Any]], Sequence[Any]]


class Op:
    """One operation. `name`: of its kind; `key`: operations with equal keys differ in their operands only;
    `emit`: operands (arrays, tracers) to results."""

    __slots__ = ("emit", "ins", "key", "name", "outs")

    def __init__(self, name: str, params: Any, ins: Sequence[Operand], outs: Sequence[Any], emit: Emit) -> None:
        self.name, self.ins, self.emit = name, list(ins), emit
        self.key = name, params, tuple([(x.shape, x.dtype) for x in ins])
        self.outs = [Value(o.shape, o.dtype) for o in outs]

    def again(self, ins: Sequence[Operand]) -> Op:
        """The same operation on other operands."""
        made = object.__new__(Op)
        made.name, made.key, made.emit, made.ins = self.name, self.key, self.emit, list(ins)
        made.outs = [Value(o.shape, o.dtype) for o in self.outs]
        return made


#: operations that move numbers about and compute nothing
LAYOUT = {"slice", "take", "squeeze", "reshape", "expand_dims", "broadcast_in_dim", "transpose", "copy", "rev"}


# ---------------------------------------------------------------- single operations


def whole(x: Any) -> bool:
    """Whether an index is known."""
    return not isinstance(x, jax.core.Tracer)


def indices(starts: Sequence[Any]) -> list[Any]:
    return [np.int32(a) if whole(a) else lax.convert_element_type(a, np.int32) for a in starts]


def sliced(x: Any, starts: Sequence[Any], sizes: Sequence[int]) -> Any:
    if all(map(whole, starts)):
        return lax.slice(x, [int(a) for a in starts], [int(a) + n for a, n in zip(starts, sizes)])
    return lax.dynamic_slice(x, indices(starts), sizes, allow_negative_indices=False)


def slice_op(x: Operand, starts: Sequence[Operand], sizes: tuple[int, ...]) -> Op:
    """`sizes` elements of `x` from `starts` on."""
    out = jax.ShapeDtypeStruct(sizes, x.dtype)
    return Op("slice", sizes, [x, *starts], [out], lambda v: [sliced(v[0], v[1:], sizes)])


def take_op(x: Operand, k: Operand) -> Op:
    """`x[k]`."""

    def emit(v: Sequence[Any]) -> Any:
        y = v[0]
        if whole(y) and not whole(v[1]):
            y = jnp.asarray(y)
        return [sliced(y, [v[1], *[0] * (y.ndim - 1)], (1, *y.shape[1:])).reshape(y.shape[1:])]

    return Op("take", (), [x, k], [jax.ShapeDtypeStruct(x.shape[1:], x.dtype)], emit)


def place_op(x: Operand, starts: Sequence[Operand], shape: tuple[int, ...]) -> Op:
    """`x` at `starts` among zeros."""

    def emit(v: Sequence[Any]) -> Any:
        if all(map(whole, v[1:])):
            low = [int(a) for a in v[1:]]
            sides = [(a, n - a - m, 0) for a, n, m in zip(low, shape, v[0].shape)]
            return [lax.pad(v[0], np.zeros((), v[0].dtype), sides)]
        return [lax.dynamic_update_slice(jnp.zeros(shape, v[0].dtype), v[0], indices(v[1:]), allow_negative_indices=False)]

    return Op("place", shape, [x, *starts], [jax.ShapeDtypeStruct(shape, x.dtype)], emit)


def add_at_op(total: Operand, x: Operand, starts: Sequence[Operand]) -> Op:
    """`total` with `x` added from `starts` on."""

    def emit(v: Sequence[Any]) -> Any:
        total, x, *starts = v
        part = sliced(total, starts, x.shape) + x
        return [lax.dynamic_update_slice(total, part, indices(starts), allow_negative_indices=False)]

    return Op("add_at", (), [total, x, *starts], [total], emit)


def stack_op(xs: Sequence[Operand]) -> Op:
    """All of `xs` in one array, along a new first dimension."""
    out = jax.ShapeDtypeStruct((len(xs), *xs[0].shape), xs[0].dtype)
    return Op("stacked", (), xs, [out], lambda v: [jnp.stack([jnp.asarray(x) for x in v])])


def affine_op(start: Operand, step: int, k: Operand) -> Op:
    """`start + step * k`."""

    def emit(v: Sequence[Any]) -> Any:
        start, k = v
        turns = k.astype(start.dtype) if whole(k) else lax.convert_element_type(k, start.dtype)
        return [start + turns * np.asarray(step, start.dtype)]

    return Op("affine", step, [start, k], [start], emit)


# ---------------------------------------------------------------- from a jaxpr


class Reader:
    """The operations of a jaxpr: `ops`, `inputs` and `outputs`. The inputs are those of its constants that are
    `placeholders`, and its own."""

    def __init__(self, closed: Any, placeholders: Collection[int]) -> None:
        jaxpr = closed.jaxpr
        self.ops: list[Op] = []
        self.env: dict[Any, Operand] = {}
        self.texts: dict[int, str] = {}
        self.inputs: list[Value] = []
        self.placeholders: list[Any] = []
        for v, c in zip(jaxpr.constvars, closed.consts):
            if id(c) in placeholders:
                self.bind(v)
                self.placeholders.append(c)
            else:
                self.env[v] = Const(np.asarray(c))
        for v in jaxpr.invars:
            self.bind(v)
        work = [iter(jaxpr.eqns)]
        self.pending: list[Any] = [None]
        while work:
            eqn = next(work[-1], None)
            if eqn is None:
                work.pop()
                self.returned(self.pending.pop())
                continue
            inner = inlined(eqn)
            if inner is None:
                self.add(eqn)
                continue
            given = [self.of(x) for x in eqn.invars]
            # the same inner function may be called again while this call is read only by itself: no clash of variables
            self.env.update(zip(inner.jaxpr.constvars, [Const(np.asarray(c)) for c in inner.consts]))
            self.env.update(zip(inner.jaxpr.invars, given))
            work.append(iter(inner.jaxpr.eqns))
            self.pending.append((eqn.outvars, inner.jaxpr.outvars))
        self.outputs = [self.of(v) for v in jaxpr.outvars]

    def returned(self, call: Any) -> None:
        if call is not None:
            outer, inner = call
            self.env.update(zip(outer, [self.of(v) for v in inner]))

    def bind(self, v: Any) -> None:
        self.env[v] = made = Value(v.aval.shape, v.aval.dtype)
        self.inputs.append(made)

    def of(self, x: Any) -> Operand:
        if isinstance(x, extend.Literal):
            aval: Any = x.aval
            return Const(np.asarray(x.val, aval.dtype))
        return self.env[x]

    def add(self, eqn: Any) -> None:
        ins = [self.of(x) for x in eqn.invars]
        op = special(eqn, ins) or self.plain(eqn, ins)
        self.ops.append(op)
        self.env.update(zip(eqn.outvars, op.outs))

    def plain(self, eqn: Any, ins: Sequence[Operand]) -> Op:
        primitive, params, context = eqn.primitive, eqn.params, eqn.ctx

        def emit(v: Sequence[Any]) -> Any:
            with context.manager:
                found = primitive.bind(*v, **primitive.get_bind_params(params))
            return found if primitive.multiple_results else [found]

        key = tuple([(name, self.fingerprint(p)) for name, p in params.items()])
        outs: list[Any] = [v.aval for v in eqn.outvars]
        return Op(primitive.name, key, ins, outs, emit)

    def fingerprint(self, p: Any) -> Any:
        """A hashable that is equal for equal parameters."""
        if isinstance(p, extend.ClosedJaxpr):
            return self.fingerprint(p.jaxpr), tuple([id(c) for c in p.consts])
        if isinstance(p, extend.Jaxpr):
            if id(p) not in self.texts:
                self.texts[id(p)] = str(p)
            return self.texts[id(p)]
        if isinstance(p, (tuple, list)):
            return tuple([self.fingerprint(q) for q in p])
        if isinstance(p, np.ndarray):
            return p.dtype, p.shape, p.tobytes()
        try:
            hash(p)
        except TypeError:
            return id(p)
        return p


def inlined(eqn: Any) -> Any:
    """The inner function of a call that may be written out."""
    name, params = eqn.primitive.name, eqn.params
    if name == "jit":
        placed = (*params["in_shardings"], *params["out_shardings"], *params["in_layouts"], *params["out_layouts"])
        plain = all(p is None or type(p).__name__ == "UnspecifiedValue" for p in placed)
        return params["jaxpr"] if plain else None
    if name in ("custom_jvp_call", "custom_vjp_call"):
        return params["call_jaxpr"]
    return params["call_jaxpr"] if name == "closed_call" else None


def special(eqn: Any, ins: Sequence[Operand]) -> Op | None:
    """Slices and their transposes: where they begin becomes operands."""
    name, params = eqn.primitive.name, eqn.params
    out = eqn.outvars[0].aval
    if name == "slice" and (params["strides"] is None or set(params["strides"]) <= {1}) and out.shape:
        return slice_op(ins[0], [Const(np.asarray(a, np.int32)) for a in params["start_indices"]], out.shape)
    if name == "pad" and ins[1].__class__ is Const and not ins[1].val.any() and out.shape:
        sides = params["padding_config"]
        if all(low >= 0 and high >= 0 and not inside for low, high, inside in sides):
            return place_op(ins[0], [Const(np.asarray(low, np.int32)) for low, _, _ in sides], out.shape)
    return None


# ---------------------------------------------------------------- and back


def live(ops: Sequence[Op], outputs: Sequence[Operand]) -> list[Op]:
    """The operations that `outputs` depend on, in order."""
    wanted = set(outputs)
    found = []
    for op in reversed(ops):
        if not wanted.isdisjoint(op.outs):
            found.append(op)
            wanted.update(op.ins)
    return found[::-1]


def emitted(ops: Sequence[Op], env: dict[Value, Any], outputs: Sequence[Operand]) -> list[Any]:
    """Run `ops`; `env` holds what is known of values."""

    def of(x: Operand) -> Any:
        return x.val if x.__class__ is Const else env[x]  # type: ignore[index]

    for op in ops:
        env.update(zip(op.outs, op.emit([of(x) for x in op.ins])))
    return [of(x) for x in outputs]


def to_jaxpr(
    ops: Sequence[Op], inputs: Sequence[Value], outputs: Sequence[Operand], placeholders: Sequence[Any], info: Any
) -> Any:  # fmt: skip
    """A jaxpr whose first constants are `placeholders`, for the first inputs."""

    def run(*args: Any) -> list[Any]:
        return emitted(ops, dict(zip(inputs, args)), outputs)

    made = jax.make_jaxpr(run)(*[jax.ShapeDtypeStruct(x.shape, x.dtype) for x in inputs])
    n = len(placeholders)
    jaxpr = extend.Jaxpr(
        constvars=[*made.jaxpr.invars[:n], *made.jaxpr.constvars], invars=made.jaxpr.invars[n:],
        outvars=made.jaxpr.outvars, eqns=made.jaxpr.eqns, effects=made.jaxpr.effects, debug_info=info,
    )  # fmt: skip
    return extend.ClosedJaxpr(jaxpr, [*placeholders, *made.consts])
