"""Forward mode: the Jacobian-vector product of each primitive, from its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .dtypes import FLOATING
from .primitive import Primitive, ops, rule_names
from .tensor import Tensor


def jvp(
    prim: Primitive, primals: Sequence[Any], tangents: Sequence[Any], outs: tuple[Tensor, ...], params: dict[str, Any]
) -> tuple[Any, ...]:
    """The tangents of `outs`; None for outputs that are not differentiable."""
    given = prim.jvp
    if given is not None:
        ts = _written(prim, given, primals, tangents, outs, params)
    elif prim.kind == "elementwise":
        ts = (_elementwise(prim, primals, tangents, outs, params),)
    elif prim.kind in ("linear", "view"):
        ts = _linear(prim, primals, tangents, params)
    elif prim.kind == "multilinear":
        ts = (_multilinear(prim, primals, tangents, params),)
    elif not prim.takes_gradient:
        ts = (None,) * len(outs)
    else:
        ts = _twice_vjp(prim, primals, tangents, outs, params)
    return tuple(_fitted(t, o, nr, prim) for nr, (t, o) in enumerate(zip(ts, outs, strict=True)))


def _fitted(t: Any, out: Tensor, nr: int, prim: Primitive) -> Any:
    """A tangent has its primal's shape and dtype."""
    if t is None or out.dtype.category < 2 or nr in prim.nondifferentiable_outputs:
        return None
    if tuple(t.shape) != tuple(out.shape):
        t = ops.expand(t, size=tuple(out.shape))
    return t if t.dtype is out.dtype else ops.to_dtype(t, out.dtype.np)


def environment(
    prim: Primitive, primals: Sequence[Any], outs: tuple[Tensor, ...], params: dict[str, Any]
) -> dict[str, Any]:
    """Everything that a rule may name."""
    env = dict(params)
    if not prim.variadic:
        for name, x in zip(prim.inputs, primals, strict=True):
            env[name] = x if isinstance(x, Tensor) or x is None else _constant(x, outs[0])
            if isinstance(x, Tensor):
                env[name + "_shape"] = tuple(x.shape)
                env[name + "_dtype"] = x.dtype
    else:
        env["shapes"] = tuple(tuple(x.shape) for x in primals)
        env["dtypes"] = tuple(x.dtype for x in primals)
    env["out"] = outs[0]
    for nr, o in enumerate(outs):
        env[f"out{nr}"] = o
    return env


def _constant(x: Any, like: Tensor) -> Any:
    if isinstance(x, (bool, int, float, complex)):
        return ops.tensor(x, dtype=like.dtype) if like.dtype.category >= 2 else ops.tensor(x)
    return x


def _elementwise(prim: Primitive, primals: Any, tangents: Any, outs: Any, params: Any) -> Any:
    total = None
    out = outs[0]
    inputs = prim.inputs
    real = out.dtype.category == FLOATING
    for name, t in zip(inputs, tangents):
        if t is None or name not in prim.vjp:
            continue
        d = prim.partials.get(name)  # type: ignore[attr-defined]
        rule = d or prim.vjp[name]
        values = []
        for n in rule_names(rule, 1 if d else 2):
            if n in inputs:
                x = primals[inputs.index(n)]
                values.append(x if isinstance(x, Tensor) or x is None else _constant(x, out))
            elif n == "out":
                values.append(out)
            elif n in params:
                values.append(params[n])
            else:
                values.append(environment(prim, primals, outs, params)[n])
        if d is not None:
            piece = t * d(ops, *values)
        elif real and t.dtype.category == FLOATING:  # the Jacobian is diagonal, so its transpose is itself
            piece = rule(ops, t, *values)
        else:
            piece = ops.conj(rule(ops, ops.conj(t), *values))
        total = piece if total is None else total + piece
    return total


def _linear(prim: Primitive, primals: Any, tangents: Any, params: Any) -> tuple[Any, ...]:
    filled = [
        ops.zeros_like(x) if t is None and isinstance(x, Tensor) else t for x, t in zip(primals, tangents, strict=True)
    ]
    y = prim(*filled, **params)
    return y if isinstance(y, tuple) else (y,)


def _multilinear(prim: Primitive, primals: Any, tangents: Any, params: Any) -> Any:
    total = None
    for i, t in enumerate(tangents):
        if t is None:
            continue
        piece = prim(*[t if j == i else x for j, x in enumerate(primals)], **params)
        total = piece if total is None else total + piece
    return total


def _written(prim: Primitive, given: Any, primals: Any, tangents: Any, outs: Any, params: Any) -> tuple[Any, ...]:
    env = environment(prim, primals, outs, params)
    if callable(given):
        y = given(ops, tuple(tangents), *[env[n] for n in rule_names(given, 2)])
        return y if isinstance(y, tuple) else (y,)
    totals: list[Any] = [None] * len(outs)
    for name, t in zip(prim.inputs, tangents, strict=True):
        if t is None or name not in given:
            continue
        rule = given[name]
        y = rule(ops, t, *[env[n] for n in rule_names(rule, 2)])
        for nr, piece in enumerate(y if isinstance(y, tuple) else (y,)):
            if piece is not None:
                totals[nr] = piece if totals[nr] is None else totals[nr] + piece
    return tuple(totals)


def _twice_vjp(prim: Primitive, primals: Any, tangents: Any, outs: Any, params: Any) -> tuple[Any, ...]:
    """v -> vjp(v) is linear; the vjp of that map at the tangents is the jvp."""
    from . import engine
    from .dispatch import edge_of
    from .graph import LEAF
    from .levels import Level, entered, lift, unwrap
    from .modes import changed_mode

    env = environment(prim, primals, outs, params)
    with entered(Level("grad")) as level, changed_mode(grad=True):
        dummies = []
        for nr, o in enumerate(outs):
            u = None
            if o.dtype.category >= 2 and nr not in prim.nondifferentiable_outputs:
                u = lift(ops.zeros_like(o), level.number)
                u._fn = LEAF
            dummies.append(u)
        gs = dummies[0] if prim.n_outputs == 1 else tuple(dummies)
        needs = tuple(t is not None for t in tangents)
        if callable(prim.vjp):
            env["needs"] = needs
            pulled = list(prim.vjp(ops, gs, *[env[n] for n in prim.wants["joint"]]))
        else:
            pulled = [
                prim.vjp[n](ops, gs, *[env[k] for k in prim.wants[n]]) if needed and n in prim.vjp else None
                for n, needed in zip(prim.inputs, needs, strict=True)
            ]
        roots, vectors = [], []
        for p, t, x in zip(pulled, tangents, primals, strict=True):
            if p is None or t is None:
                continue
            p = ops.sum_to(p, tuple(x.shape))
            edge = edge_of(p) if p._level == level.number else None
            if edge is not None:
                roots.append(edge)
                vectors.append(t)  # the transpose of v -> conj(J)^T v in PyTorch's convention is J itself
        goals = [u for u in dummies if u is not None]
        with changed_mode(grad=level.grad_outside):
            found = engine.run(roots, vectors, inputs=goals, accumulate=False, down=True) if roots else [None] * len(goals)
    it = iter(found)
    result = []
    for u, o in zip(dummies, outs, strict=True):
        g = next(it) if u is not None else None
        result.append(None if u is None else ops.zeros_like(o) if g is None else unwrap(g, level.number))
    return tuple(result)
