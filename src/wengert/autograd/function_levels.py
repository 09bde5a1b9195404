"""Custom Functions on the values of transforms."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core import levels
from ..core.batching import front
from ..core.dispatch import edge_of
from ..core.errors import E, line_of, noted, place, user_frame
from ..core.levels import LIVE, Level, batched, dual, entered, lift, surviving, unwrap
from ..core.modes import changed_mode, mode
from ..core.primitive import ops
from ..core.tensor import Tensor
from .function import Function, FunctionCtx, run_forward, wrap_outputs

NEEDS_SETUP = (
    "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override the "
    "setup_context staticmethod. For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"
)


class VmapInfo(NamedTuple):
    """What `Function.vmap` is told about the vmap around it."""

    batch_size: int
    randomness: str


def lacking(cls: Any, error: E) -> E:
    """`error`, with where the Function that lacks something stands and where it is used."""
    code = getattr(cls.forward, "__code__", None)
    if code is not None:
        noted(error, f"{cls.__qualname__}.forward is written at {line_of(code, code.co_firstlineno)}")
    return noted(error, f"It is applied at {place(user_frame())}")


def apply_on_level(cls: Any, args: tuple[Any, ...], with_setup: bool) -> Any:
    """`cls.apply(*args)` when the highest level among `args` is not plain."""
    level = max(a._level for a in args if isinstance(a, Tensor))
    if level not in LIVE:
        return cls.apply(*[surviving(a) for a in args])
    kind = LIVE[level].kind
    if kind != "dual" and not with_setup:
        raise lacking(cls, RuntimeError(NEEDS_SETUP))
    if kind == "vmap":
        return _batched(cls, args, LIVE[level])
    if kind == "grad":
        return _tracked(cls, args, level)
    return _dual(cls, args, level, with_setup)


def _tracked(cls: Any, args: tuple[Any, ...], level: int) -> Any:
    m = mode()
    lifted = tuple(
        a if not isinstance(a, Tensor) or a._level == level else lift(a, level) for a in args
    )
    with changed_mode(grad=LIVE[level].grad_outside):
        below = cls.apply(*[unwrap(a, level) for a in lifted])
    single = not isinstance(below, tuple)
    outputs = tuple(lift(o, level) if isinstance(o, Tensor) else o for o in ((below,) if single else below))
    ctx = object.__new__(cls._backward_cls)
    ctx.hooks = None
    edges = tuple(edge_of(a) if isinstance(a, Tensor) and m.grad else None for a in lifted)
    ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in lifted)
    cls.setup_context(ctx, lifted, outputs[0] if single else outputs)
    recorded = any(e is not None for e in edges)
    finished = wrap_outputs(ctx, lifted, outputs, edges, recorded, single)
    return finished[0] if single else tuple(finished)


def _dual(cls: Any, args: tuple[Any, ...], level: int, with_setup: bool) -> Any:
    primals = tuple(unwrap(a, level) for a in args)
    tangents = [a._tangent if isinstance(a, Tensor) and a._level == level else None for a in args]  # type: ignore[attr-defined]
    if any(isinstance(p, Tensor) and p._level for p in primals):
        below = cls.apply(*primals)
        ctx: Any = object.__new__(cls._backward_cls)
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in primals)
        if not with_setup:
            raise lacking(cls, RuntimeError(NEEDS_SETUP))
        cls.setup_context(ctx, primals, below)
    else:
        below, ctx = run_forward(cls, primals, with_setup)
    if ctx.materialize_grads:
        tangents = [
            ops.zeros_like(p) if t is None and isinstance(p, Tensor) else t
            for t, p in zip(tangents, primals, strict=True)
        ]
    ctx._in_jvp = True
    try:
        given = cls.jvp(ctx, *tangents)
    except NotImplementedError as error:
        if cls.jvp is Function.jvp:
            lacking(cls, error)
        raise
    finally:
        ctx._in_jvp = False
    single = not isinstance(below, tuple)
    outs = (below,) if single else below
    ts = given if isinstance(given, tuple) else (given,)
    if len(ts) != len(outs):
        raise RuntimeError(
            f"{cls.__name__}.jvp returned an incorrect number of tangents (expected {len(outs)}, got {len(ts)})"
        )
    result = []
    for o, t in zip(outs, ts, strict=True):
        if not isinstance(o, Tensor) or t is None:
            result.append(o)
            continue
        if tuple(t.shape) != tuple(o.shape):
            raise RuntimeError(
                f"{cls.__name__}.jvp returned a tangent of size {list(t.shape)} for an output of size {list(o.shape)}"
            )
        result.append(dual(o, t, level))
    return result[0] if single else tuple(result)


def _batched(cls: Any, args: tuple[Any, ...], level: Level) -> Any:
    number = level.number
    dims = tuple(
        a._bdim if isinstance(a, Tensor) and a._level == number else None for a in args  # type: ignore[attr-defined]
    )
    below = tuple(unwrap(a, number) for a in args)
    if cls.generate_vmap_rule:
        if cls.vmap is not Function.vmap:
            raise RuntimeError(
                f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
                "staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
                "ambiguity. For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"
            )
        outs, out_dims = _generated(cls, below, dims, level)
    else:
        if cls.vmap is Function.vmap:
            error = RuntimeError(
                f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement "
                "the vmap staticmethod or set generate_vmap_rule=True. For more details, please see "
                "https://pytorch.org/docs/main/notes/extending.func.html"
            )
            raise lacking(cls, error)
        outs, out_dims = cls.vmap(VmapInfo(level.size, level.randomness), dims, *below)
    if not isinstance(outs, tuple):
        return _wrap(outs, out_dims, number)
    if not isinstance(out_dims, tuple):
        out_dims = (out_dims,) * len(outs)
    return tuple(_wrap(o, d, number) for o, d in zip(outs, out_dims, strict=True))


def _wrap(o: Any, d: int | None, level: int) -> Any:
    return o if d is None or not isinstance(o, Tensor) else batched(o, d % o.ndim, level)


class PlainCtx(FunctionCtx):
    """A ctx that only remembers."""

    materialize_grads = True
    needs_input_grad: tuple[bool, ...] = ()
    to_save: Any = ()

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return tuple(self.to_save)


def _generated(cls: Any, args: tuple[Any, ...], dims: tuple[Any, ...], level: Level) -> tuple[Any, Any]:
    """The batching rule made of the Function's own forward and backward, each run under a vmap of its own."""
    is_single: list[bool] = []

    def mapped(inner: Level, values: Any, where: Any) -> list[Any]:
        return [_wrap(v, d, inner.number) for v, d in zip(values, where, strict=True)]

    def unmapped(inner: Level, out: Any) -> Any:
        if not isinstance(out, Tensor):
            return out
        if out._level != inner.number:
            return ops.expand(ops.unsqueeze(out, dim=0), size=(inner.size, *out.shape))
        return front(out._data, out._bdim)  # type: ignore[attr-defined]

    class Mapped(Function):
        @staticmethod
        def forward(*values: Any) -> Any:
            with entered(Level("vmap", level.size, level.randomness)) as inner:
                out = cls.forward(*mapped(inner, values, dims))
                is_single[:] = [not isinstance(out, tuple)]
                outs = (out,) if is_single[0] else out
                return tuple(unmapped(inner, o) for o in outs)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.is_tensor = [isinstance(v, Tensor) for v in (*inputs, *output)]
            ctx.others = [None if isinstance(v, Tensor) else v for v in (*inputs, *output)]
            ctx.save_for_backward(*[v for v in (*inputs, *output) if isinstance(v, Tensor)])
            ctx.save_for_forward(*[v for v in (*inputs, *output) if isinstance(v, Tensor)])

        @staticmethod
        def restored(ctx: Any) -> tuple[list[Any], list[Any]]:
            saved = iter(ctx.saved_tensors)
            values = [next(saved) if t else o for t, o in zip(ctx.is_tensor, ctx.others, strict=True)]
            return values[: len(dims)], values[len(dims) :]

        @staticmethod
        def context(ctx: Any, inner: Level) -> PlainCtx:
            inputs, outs = Mapped.restored(ctx)
            plain = PlainCtx()
            plain.needs_input_grad = ctx.needs_input_grad
            outputs = mapped(inner, outs, [0 if isinstance(o, Tensor) else None for o in outs])
            cls.setup_context(
                plain, tuple(mapped(inner, inputs, dims)), outputs[0] if is_single[0] else tuple(outputs)
            )
            return plain

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            with entered(Level("vmap", level.size, level.randomness)) as inner:
                plain = Mapped.context(ctx, inner)
                gs = cls.backward(plain, *mapped(inner, grads, [0 if isinstance(g, Tensor) else None for g in grads]))
                result = []
                for g, d in zip(gs if isinstance(gs, tuple) else (gs,), dims, strict=True):
                    if g is None:
                        result.append(None)
                        continue
                    whole = unmapped(inner, g)
                    result.append(ops.sum(whole, dim=(0,)) if d is None else whole.movedim(0, d))
                return tuple(result)

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            with entered(Level("vmap", level.size, level.randomness)) as inner:
                plain = Mapped.context(ctx, inner)
                plain.to_save = getattr(plain, "saved_for_forward", plain.to_save)
                where = [None if t is None else d for t, d in zip(tangents, dims, strict=True)]
                ts = cls.jvp(plain, *mapped(inner, tangents, where))
                return tuple(unmapped(inner, t) for t in (ts if isinstance(ts, tuple) else (ts,)))

    Mapped.__name__ = Mapped.__qualname__ = f"Vmapped{cls.__name__}"
    out = Mapped.apply(*args)
    ds = tuple(0 if isinstance(o, Tensor) else None for o in out)
    return (out[0], ds[0]) if is_single and is_single[0] else (out, ds)


__all__ = ["VmapInfo", "apply_on_level", "levels"]
