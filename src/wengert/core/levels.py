"""The values of transforms: `Tracked` (grad, vjp), `Dual` (jvp, forward mode), `Batched` (vmap).

Each wraps the tensor one level down (`_data`). `process` takes the highest level among the arguments, unwraps the
values of that level, treats all others as constants and dispatches again below. Every call of a transform takes a
fresh level, so nested transforms cannot confuse each other's values; when the call ends its level is dead.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any
from weakref import ref

from . import dispatch as dispatching
from . import printing, saved, views
from .batching import rule_for
from .dispatch import dispatch, record, run_plain
from .fallback import loop
from .forward import jvp
from .graph import LEAF, VIEW, Version
from .modes import changed_mode, mode, set_grad, set_mode
from .primitive import Primitive, ops
from .size import Size
from .tensor import Tensor, TensorMeta, bump, new, share_version, tensor_repr

next_level = itertools.count(1).__next__


class Level:
    """One running transform: `kind` is "grad", "jvp", "dual" (a `dual_level`) or "vmap".

    `grad_outside`: the grad mode that holds below it; `size`, `randomness`: of a vmap."""

    __slots__ = ("alive", "depth", "grad_outside", "kind", "number", "promoted", "randomness", "reopens", "size")

    def __init__(self, kind: str, size: int = 0, randomness: str = "error") -> None:
        self.kind = kind
        self.number = next_level()
        self.grad_outside = mode().grad
        self.size = size
        self.randomness = randomness
        self.alive = True
        self.reopens = False  # a vjp: its pullback will need the promoted tensors as they are
        self.depth = len(stack.get()) + 1
        self.promoted: list[Any] = []  # plain tensors that an in-place operation made values of this level


#: the live levels, by number
LIVE: dict[int, Level] = {}
#: the transforms running in this context, innermost last
stack: ContextVar[tuple[Level, ...]] = ContextVar("wengert_levels", default=())


class entered:
    """`with entered(Level("grad")) as level:` the level lives until the end."""

    __slots__ = ("level",)

    def __init__(self, level: Level) -> None:
        self.level = level

    def __enter__(self) -> Level:
        LIVE[self.level.number] = self.level
        stack.set((*stack.get(), self.level))
        return self.level

    def __exit__(self, *exc: object) -> None:
        leave(self.level)


def leave(level: Level) -> None:
    """End a level: its values are dead from now on."""
    level.alive = False
    LIVE.pop(level.number, None)
    for known in () if level.reopens else level.promoted:
        t = known()
        if t is not None and t._level == level.number:
            demote(t)
    stack.set(tuple(s for s in stack.get() if s is not level))


# ---------------------------------------------------------------- the value classes


class LevelTensor(Tensor, metaclass=TensorMeta):
    """What the three have in common."""

    __slots__ = ()

    @property
    def _level(self) -> int:  # type: ignore[override]
        return self._lv  # type: ignore[attr-defined, no-any-return]

    @property
    def shape(self) -> Size:
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        return self._data.dtype

    @property
    def device(self) -> Any:
        return self._data.device

    @property
    def _version(self) -> int:
        return self._data._version  # type: ignore[no-any-return]

    def is_inference(self) -> bool:
        return self._data.is_inference()  # type: ignore[no-any-return]

    def rebuilt(self, edge: Any) -> Tensor:
        """The same value with another history."""
        out = lift(self._data, self._lv)  # type: ignore[attr-defined]
        out._fn = edge if not isinstance(edge, Tensor) else LEAF
        return out

    @classmethod
    def _process(cls, prim: Primitive, level: int, args: Any, params: Any, node_class: Any) -> Any:
        raise NotImplementedError

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return printing.wrapper_str("GradTrackingTensor", depth_of(self), repr(self._data))


def depth_of(t: Tensor) -> int:
    """How deep the transform of a value is nested; -2 when it has ended."""
    level = LIVE.get(t._level)
    return -2 if level is None else level.depth


class Tracked(LevelTensor):
    """A value on the tape of one `grad` (or `vjp`) call."""

    __slots__ = ()

    @classmethod
    def _process(cls, prim: Primitive, level: int, args: Any, params: Any, node_class: Any) -> Any:
        lifted = [a if not isinstance(a, Tensor) else a if a._level == level else lift(a, level) for a in args]
        datas = [a._data if isinstance(a, Tensor) else a for a in lifted]
        m = mode()
        outside = LIVE[level].grad_outside
        line = None if params or node_class is not None else prim.line
        if m.grad is outside:
            y = dispatch(prim, datas, params, node_class) if line is None else line(*datas)
        else:
            set_grad(outside)
            try:
                y = dispatch(prim, datas, params, node_class) if line is None else line(*datas)
            finally:
                set_mode(m)
        single = not isinstance(y, tuple)
        parts = (y,) if single else y
        outs = []
        for nr, part in enumerate(parts):
            out = lift(part, level)
            if prim.is_view:
                as_view(out, lifted[0], prim, params, None if single else nr, m)
            outs.append(out)
        if m.grad and prim.takes_gradient:
            record(prim, tuple(outs), lifted, datas, params, m, node_class)
        return outs[0] if single else tuple(outs)

    @property
    def requires_grad(self) -> bool:  # type: ignore[override]
        return Tensor.requires_grad.fget(self)  # type: ignore[attr-defined, no-any-return]


def lift(a: Tensor, level: int) -> Tracked:
    """A constant of level `level` over `a`."""
    t: Tracked = new(Tracked)
    t._data = a
    t._fn = None
    t._ver = 0
    t._view = None
    t._lv = level  # type: ignore[attr-defined]
    return t


def as_view(out: Tensor, x: Tensor, prim: Primitive, params: Any, nr: int | None, m: Any) -> None:
    """Note on this level's tape that `out` is a view of `x`."""
    made = views.wrap_view(x, out._data, prim, params, m, nr)
    out._view, out._fn, out._ver = made._view, made._fn, made._ver


class Dual(LevelTensor):
    """A primal (`_data`) and its tangent."""

    __slots__ = ()

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return dual_repr(self)

    @classmethod
    def _process(cls, prim: Primitive, level: int, args: Any, params: Any, node_class: Any) -> Any:
        primals, tangents = [], []
        for a in args:
            if isinstance(a, Tensor) and a._level == level:
                if prim.is_view:
                    own_tangent(a)
                primals.append(a._data)
                tangents.append(a._tangent)  # type: ignore[attr-defined]
            else:
                primals.append(a)
                tangents.append(None)
        line = None if params or node_class is not None else prim.line
        y = dispatch(prim, primals, params, node_class) if line is None else line(*primals)
        if not mode().forward_grad or all(t is None for t in tangents):
            return y
        single = not isinstance(y, tuple)
        parts = (y,) if single else y
        ts = jvp(prim, primals, tangents, parts, params)
        outs = tuple(
            p if t is None else dual(p, t, level, not prim.is_view and may_alias(t, tangents))
            for p, t in zip(parts, ts, strict=True)
        )
        if prim.is_view:
            note_views(outs, args[0], prim, params, single)
        return outs[0] if single else outs

    @property
    def requires_grad(self) -> bool:  # type: ignore[override]
        return self._data.requires_grad or (  # type: ignore[no-any-return]
            self._tangent is not None and self._tangent.requires_grad  # type: ignore[attr-defined]
        )

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._data.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self._data.requires_grad_(requires_grad)
        return self

    @property
    def grad_fn(self) -> Any:
        return self._data.grad_fn

    @property
    def is_leaf(self) -> bool:
        return self._data.is_leaf  # type: ignore[no-any-return]

    @property
    def grad(self) -> Any:
        return self._data.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        self._data.grad = value


def note_views(outs: tuple[Any, ...], x: Tensor, prim: Primitive, params: Any, single: bool) -> None:
    """Remember the base of views, for the case that an in-place operation moves them to a higher level."""
    parent = x._view
    base, chain = (x, ()) if parent is None else (parent.base, parent.chain)
    for nr, out in enumerate(outs):
        if out._level == x._level:
            step = (prim, params) if single else (prim, params, nr)
            out._view = views.ViewInfo(base, (*chain, step), views.PLAIN_VIEW, 0)


def dual_repr(t: Dual) -> str:
    """A dual number of forward mode shows its tangent; one of `jvp` shows its level."""
    level = LIVE.get(t._level)
    if level is None:
        return repr(t._data)
    if level.kind == "jvp":
        return LevelTensor.__repr__(t)
    if t._data._level:
        return repr(t._data)
    return tensor_repr(t._data, extra_suffixes=(f"tangent={t._tangent}",))  # type: ignore[attr-defined]


def may_alias(t: Tensor, others: Sequence[Any]) -> bool:
    """Whether a fresh tangent may share memory with another one (a rule passes it on, or expands it)."""
    return t._level > 0 or t._view is not None or any(t is o for o in others)


def own_tangent(t: Any) -> None:
    """Give a dual number a tangent that no other one has, before it is viewed or written."""
    if t._shared and t._tangent is not None:
        t._tangent = ops.clone(t._tangent, memory_format=None)
        t._shared = False


def dual(primal: Tensor, tangent: Tensor | None, level: int, shared: bool = True) -> Dual:
    """primal + tangent * epsilon at `level`. `shared`: others may hold the tangent too, so it must not be written."""
    t: Dual = new(Dual)
    t._data = primal
    t._tangent = tangent  # type: ignore[attr-defined]
    t._shared = shared  # type: ignore[attr-defined]
    t._fn = None
    t._ver = 0
    t._view = None
    t._lv = level  # type: ignore[attr-defined]
    return t


class Batched(LevelTensor):
    """A batch of values: dimension `_bdim` of `_data` is hidden."""

    __slots__ = ()

    @classmethod
    def _process(cls, prim: Primitive, level: int, args: Any, params: Any, node_class: Any) -> Any:
        vals, dims = [], []
        for a in args:
            if isinstance(a, Tensor) and a._level == level:
                vals.append(a._data)
                dims.append(a._bdim)  # type: ignore[attr-defined]
            else:
                vals.append(a)
                dims.append(None)
        rule = rule_for(prim)
        y, d = loop(prim, vals, dims, params) if rule is None else rule(prim, vals, dims, params)
        if isinstance(y, tuple):
            ds = d if isinstance(d, tuple) else (d,) * len(y)
            outs = tuple(p if k is None else batched(p, k, level) for p, k in zip(y, ds, strict=True))
            if prim.is_view:
                note_views(outs, args[0], prim, params, False)
            return outs
        if d is None:
            return y
        out = batched(y, d, level)
        if prim.is_view:
            note_views((out,), args[0], prim, params, True)
        return out

    @property
    def shape(self) -> Size:
        sizes = list(self._data.shape)
        del sizes[self._bdim]  # type: ignore[attr-defined]
        return Size(sizes)

    @property
    def ndim(self) -> int:
        return self._data.ndim - 1  # type: ignore[no-any-return]

    @property
    def requires_grad(self) -> bool:  # type: ignore[override]
        return self._data.requires_grad  # type: ignore[no-any-return]

    @property
    def grad_fn(self) -> Any:
        return self._data.grad_fn

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return printing.wrapper_str("BatchedTensor", depth_of(self), repr(self._data), self._bdim)  # type: ignore[attr-defined]

    def __bool__(self) -> bool:
        raise RuntimeError(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support "
            "that yet, please file an issue at https://github.com/pytorch/pytorch/issues ."
        )

    def item(self) -> Any:
        """Refused: there is one value for each element of the batch."""
        raise RuntimeError(
            "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a "
            "Tensor, please try to rewrite what you're doing with other operations. If error is occurring somewhere "
            "inside PyTorch internals, please file a bug report."
        )

    __int__ = __float__ = __index__ = __complex__ = item


def batched(value: Tensor, dim: int, level: int) -> Batched:
    """`value` with dimension `dim` hidden at `level`."""
    t: Batched = new(Batched)
    t._data = value
    t._bdim = dim  # type: ignore[attr-defined]
    t._fn = None
    t._ver = 0
    t._view = None
    t._lv = level  # type: ignore[attr-defined]
    return t


# ---------------------------------------------------------------- processing


def process(prim: Primitive, args: Sequence[Any], params: dict[str, Any], node_class: Any = None) -> Any:
    """Dispatch when an argument is no plain tensor: a value of a transform, or an instance of a user's subclass."""
    level, top = 0, None
    for a in args:
        if isinstance(a, Tensor):
            n = a._level
            if n > level:
                level, top = n, a
    if top is None:
        return process_subclass(prim, args, params, node_class)
    if level not in LIVE:
        return dispatch(prim, [surviving(a) for a in args], params, node_class)
    return top._process(prim, level, args, params, node_class)  # type: ignore[attr-defined]


dispatching.process = process


def surviving(a: Any) -> Any:
    """A dual number of an ended `dual_level` is its primal; any other value of a dead level has escaped."""
    if not isinstance(a, Tensor) or not a._level or a._level in LIVE:
        return a
    if isinstance(a, Dual):
        return a._data
    raise RuntimeError(
        f"a value of a finished {'grad' if isinstance(a, Tracked) else 'vmap'} transform is used after the transform "
        "ended: it escaped through a closure, a global or an attribute. Return it from the transformed function instead."
    )


def process_subclass(prim: Primitive, args: Sequence[Any], params: dict[str, Any], node_class: Any) -> Any:
    """Instances of subclasses of Tensor: the result takes the first subclass."""
    cls = next(type(a) for a in args if isinstance(a, Tensor) and type(a) is not Tensor)
    m = mode()
    datas = [a._data if isinstance(a, Tensor) else a for a in args]
    out = run_plain(prim, args, datas, params, m, node_class)
    if not m.torch_function:
        return out
    for o in out if isinstance(out, tuple) else (out,):
        o.__class__ = cls
    return out


def inplace_on_level(fn: Callable[[Tensor], Tensor], t: Tensor, others: Sequence[Any]) -> Tensor:
    """An in-place operation in which a value of a transform takes part."""
    t_level = t._level
    level = max([t_level, *(o._level for o in others if isinstance(o, Tensor))])
    if level and level not in LIVE:
        return inplace_on_level(fn, surviving(t), others) if surviving(t) is not t else _plain_inplace(fn, t, others)
    if not level:
        new_value = fn(t)
        from .inplace import check_result, store

        check_result(t, new_value)
        store(t, new_value._data)
        return t
    kind = LIVE[level].kind
    if t_level < level:
        if kind == "vmap":
            raise RuntimeError(
                "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in "
                "extra_args that has more elements than `self`. This happened due to `other` being vmapped over but "
                "`self` not being vmapped over at level " + str(level) + ". Please try to use out-of-place operators "
                "instead of inplace arithmetic. If said operator is being called inside the PyTorch framework, please "
                "file a bug report instead."
            )
        promote(t, level, kind)
    cls = t.__class__
    if cls is Tracked:
        return _inplace_tracked(fn, t)
    from .inplace import check_shape_and_kind

    # what the tapes below save of the old value must survive the write
    kept = ops.clone(t._data, memory_format=None)
    if cls is Batched:
        value = fn(batched(kept, t._bdim, t._level))  # type: ignore[attr-defined]
    else:
        tangent = t._tangent  # type: ignore[attr-defined]
        value = fn(dual(kept, None if tangent is None else ops.clone(tangent, memory_format=None), t._level))
    check_shape_and_kind(t, value)
    if cls is Batched:
        data = value._data if value._level == level else value
        dim = value._bdim if value._level == level else None  # type: ignore[attr-defined]
        if dim is None:
            t._data.movedim(t._bdim, 0).copy_(data)  # type: ignore[attr-defined]
        else:
            t._data.movedim(t._bdim, 0).copy_(data.movedim(dim, 0))  # type: ignore[attr-defined]
        return t
    primal, tangent = (value._data, value._tangent) if value._level == level else (value, None)  # type: ignore[attr-defined]
    t._data.copy_(primal)
    own_tangent(t)
    if t._tangent is not None:  # type: ignore[attr-defined]
        if tangent is None:
            t._tangent.zero_()  # type: ignore[attr-defined]
        else:
            widen(t._tangent, tangent)  # type: ignore[attr-defined]
            t._tangent.copy_(tangent)  # type: ignore[attr-defined]
    else:
        t._tangent = None if tangent is None else tangent.clone()  # type: ignore[attr-defined]
        t._shared = False  # type: ignore[attr-defined]
    return t


def _plain_inplace(fn: Callable[[Tensor], Tensor], t: Tensor, others: Sequence[Any]) -> Tensor:
    for o in others:
        surviving(o)
    return t


def _inplace_tracked(fn: Callable[[Tensor], Tensor], t: Tensor) -> Tensor:
    """In place on the tape of a `grad` level: the lower tensor is written, this level's history follows."""
    from .dispatch import edge_of
    from .inplace import check_shape_and_kind

    m = mode()
    level = t._level
    views.check_inplace(t, m)
    with changed_mode(grad=LIVE[level].grad_outside):
        kept = t._data.clone()
    old = lift(kept, level)
    edge = edge_of(t) if t.requires_grad else None
    old._fn = LEAF if isinstance(edge, Tensor) else edge
    value = fn(old)
    check_shape_and_kind(t, value)
    lower = value._data if value._level == level else value
    with changed_mode(grad=LIVE[level].grad_outside):
        t._data.copy_(lower)
    bump(t)
    fn_edge = edge_of(value) if value._level == level else None
    if m.grad and (fn_edge is not None or t.requires_grad):
        views.rebase(t, fn_edge, fn_edge)
    return t


def promote(t: Tensor, level: int, kind: str) -> None:
    """Make `t` itself a value of `level`: what it was moves one level down. A view takes its base along."""
    info = t._view if t._fn is VIEW or isinstance(t, (Dual, Batched)) else None
    if info is not None and info.base._level < level:
        promote(info.base, level, kind)
    below = new(t.__class__)
    for slot in STATE:
        if hasattr(t, slot):
            setattr(below, slot, getattr(t, slot))
    if below.__class__ is Tensor or not below._level:
        below._ver = share_version(t)
    t._data = below
    t._fn = None
    t._ver = Version()
    t._view = None
    t._lv = level  # type: ignore[attr-defined]
    if info is not None:
        base = info.base  # already of this level
        below._view = views.ViewInfo(base._data, info.chain, info.creation, info.seen)
        below._view.fn = info.fn
        if kind in ("jvp", "dual"):
            t._tangent = views.apply_chain(ops, base._tangent, info.chain)  # type: ignore[attr-defined]
        else:
            t._ver = share_version(base)
            t._view = views.ViewInfo(base, info.chain, info.creation, t._ver.n)
            t._fn = VIEW
    elif kind in ("jvp", "dual"):
        t._tangent = ops.zeros_like(below)  # type: ignore[attr-defined]
    if kind in ("jvp", "dual"):
        t._shared = False  # type: ignore[attr-defined]
    t.__class__ = Dual if kind in ("jvp", "dual") else Tracked
    LIVE[level].promoted.append(ref(t))


def widen(t: Tensor, like: Tensor) -> None:
    """Give `t`, a tangent, the batch dimensions that the tangent to be written into it has."""
    missing = []
    inner: Any = like
    while isinstance(inner, LevelTensor):
        if isinstance(inner, Batched) and inner._level > t._level:
            missing.append(inner._level)
        inner = inner._data
    for level in reversed(missing):
        _widen(t, level)


def _widen(t: Tensor, level: int) -> None:
    info = t._view
    if info is not None and t._fn is VIEW:
        if info.base._level < level:
            _widen(info.base, level)
        value: Any = views.apply_chain(ops, info.base, info.chain)
    else:
        below = new(t.__class__)
        for slot in STATE:
            if hasattr(t, slot):
                setattr(below, slot, getattr(t, slot))
        whole = ops.expand(ops.unsqueeze(below, dim=0), size=(LIVE[level].size, *below.shape))
        value = batched(ops.clone(whole, memory_format=None), 0, level)
    counter = t._ver
    t.__class__ = value.__class__
    for slot in STATE:
        if hasattr(value, slot):
            setattr(t, slot, getattr(value, slot))
    t._ver = counter  # its value did not change


STATE = ("_data", "_fn", "_ver", "_view", "_lv", "_tangent", "_shared", "_bdim", "_grad")


def demote(t: Tensor) -> None:
    """Undo `promote` when the level ends: the tensor is again what lies below."""
    below = t._data
    t.__class__ = below.__class__
    for slot in STATE:
        if hasattr(below, slot):
            setattr(t, slot, getattr(below, slot))


def unwrap(value: Any, level: int) -> Any:
    """The tensor one level down, for a value of `level`; others unchanged."""
    return value._data if isinstance(value, Tensor) and value._level == level else value


def unwrap_all(value: Any) -> Any:
    """The plain tensor at the bottom."""
    while isinstance(value, LevelTensor):
        value = value._data
    return value


__all__ = ["LIVE", "VIEW", "Batched", "Dual", "Level", "Tracked", "batched", "dual", "entered", "lift", "ops", "saved"]
