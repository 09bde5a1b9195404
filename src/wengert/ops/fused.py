"""Composites that PyTorch records as one node.

`fused(name, body, ...)` makes a primitive from a function over Tensors. Its node keeps the inputs only; gradients,
tangents and batching come from running the body again on values of a level of their own. So every order and mode works,
at the price of a second forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.batching import size_of_batch
from ..core.primitive import Primitive, composite, general, kernel_helper, ops
from ..core.tensor import PLAIN, Tensor, wrap


def fused(
    name: str,
    body: Callable[..., Any],
    *,
    inputs: Sequence[str],
    params: Sequence[str] = (),
    kernel: Callable[..., Any] | None = None,
    back: Callable[..., Any] | None = None,
    **more: Any,
) -> Primitive:
    """A primitive `body(*inputs, **params)`; `kernel` may compute the same on arrays, faster, and `back(g, needs,
    *inputs, **params)` its gradients."""

    def run(*arrays: Any, **given: Any) -> Any:
        from ..core.modes import NO_GRAD, mode, set_mode

        before = mode()
        set_mode(NO_GRAD)
        try:
            return body(*[a if a is None else wrap(a) for a in arrays], **given)._data
        finally:
            set_mode(before)

    names, extras = ", ".join(inputs), "".join(f", {p}" for p in params)
    given = "dict(" + ", ".join(f"{p}={p}" for p in params) + ")"
    scope: dict[str, Any] = {"name": name, "body": body, "along": _along, "back": back}
    exec(
        f"def vjp(xp, g, needs, {names}{extras}):\n"
        f"    return xp.pulled_back(name, body, g, needs, ({names},), {given}, back)\n"
        f"def jvp(xp, ts, {names}{extras}):\n"
        f"    return along(body, ts, ({names},), {given})",
        scope,
    )

    def batch(prim: Primitive, vals: Any, dims: Any, given: Any) -> Any:
        from ..core.levels import Level, batched, entered

        with entered(Level("vmap", size_of_batch(vals, dims))) as level:
            args = [v if d is None else batched(v, d, level.number) for v, d in zip(vals, dims, strict=True)]
            y = body(*args, **given)
            return y._data, y._bdim

    return general(
        name,
        inputs=inputs,
        params=params,
        kernel=kernel or run,
        vjp=scope["vjp"],
        jvp=scope["jvp"],
        batch=batch,
        **more,
    )


@kernel_helper
def pulled_back(name: str, body: Any, g: Any, needs: Any, xs: Any, params: Any, back: Any = None) -> Any:
    """The gradients of `body` at the arrays `xs`, for `g`; by `back`, if there is one."""
    if back is not None:
        return back(g, needs, *xs, **params)
    from ..core import engine
    from ..core.dispatch import edge_of
    from ..core.modes import GRAD, mode, set_mode

    before = mode()
    set_mode(GRAD)
    try:
        leaves = [None if x is None else wrap(x) for x in xs]
        for leaf, need in zip(leaves, needs, strict=True):
            if need:
                leaf.requires_grad = True  # type: ignore[union-attr]
        y = body(*leaves, **params)
        wanted = [leaf for leaf, need in zip(leaves, needs, strict=True) if need]
        root = edge_of(y)
        found = iter(
            engine.run([root], [wrap(np.asarray(g))], inputs=wanted, accumulate=False)
            if root is not None
            else [None] * len(wanted)
        )
    finally:
        set_mode(before)
    out = [next(found) if need else None for need in needs]
    return tuple(
        None if not need else np.zeros_like(x) if o is None else o._data
        for o, need, x in zip(out, needs, xs, strict=True)
    )


def writes_out(xs: Any) -> Any:
    """The tracer, if gradients of plain tensors are wanted and no gradients of these: then kernels give them."""
    from ..core.modes import mode

    m = mode()
    if m.tracer is None or m.grad or not all(x is None or x.__class__ in PLAIN for x in xs):
        return None
    return m.tracer


@composite
def pulled_back(name: str, body: Any, g: Tensor, needs: Any, xs: Any, params: Any, back: Any = None) -> Any:  # type: ignore[no-redef]  # noqa: F811
    """The gradients of `body` at the Tensors `xs`, as functions of them and of g."""
    tracer = writes_out((g, *xs))
    if tracer is not None and tracer.knows_gradients(name):
        return tracer.gradients("pulled_back", name, body, g, tuple(needs), tuple(xs), params)
    from ..core import engine
    from ..core.dispatch import edge_of
    from ..core.graph import LEAF
    from ..core.levels import Level, entered, lift, unwrap
    from ..core.modes import changed_mode

    with entered(Level("grad")) as level, changed_mode(grad=True):
        leaves = []
        for x, need in zip(xs, needs, strict=True):
            if need:
                leaf = lift(x, level.number)
                leaf._fn = LEAF
                leaves.append(leaf)
            else:
                leaves.append(x)
        y = body(*leaves, **params)
        wanted = [leaf for leaf, need in zip(leaves, needs, strict=True) if need]
        root = edge_of(y) if y._level == level.number else None
        with changed_mode(grad=level.grad_outside):
            found = iter(
                engine.run([root], [g], inputs=wanted, accumulate=False, down=True)
                if root is not None
                else [None] * len(wanted)
            )
    out = [unwrap(next(found), level.number) if need else None for need in needs]
    return tuple(ops.zeros_like(x) if need and o is None else o for o, need, x in zip(out, needs, xs, strict=True))


def _along(body: Any, ts: Any, xs: Any, params: Any) -> Any:
    """The tangent of `body` at `xs` along `ts`."""
    from ..core.levels import Level, dual, entered

    with entered(Level("jvp")) as level:
        args = [x if t is None else dual(x, t, level.number) for x, t in zip(xs, ts, strict=True)]
        y = body(*args, **params)
        if y._level != level.number:
            return None
        return y._tangent
