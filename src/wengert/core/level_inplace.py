"""In-place operations in which values of transforms take part: writes below, history at each level."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from . import views
from .captured import operation, refuse_captured
from .dispatch import edge_of
from .errors import noted, place, user_frame
from .graph import LEAF, VIEW, Version
from .inplace import check_result, check_shape_and_kind, inplace_with, store
from .levels import (
    Batched,
    Dual,
    Level,
    LevelTensor,
    Tracked,
    batched,
    dual,
    lift,
    note_alias,
    own_tangent,
    settled,
    surviving,
)
from .modes import LIVE, changed_mode, mode, stack
from .primitive import ops
from .tensor import Tensor, bump, new, share_version


def inplace_on_level(fn: Callable[[Tensor], Tensor], t: Tensor, others: Sequence[Any]) -> Tensor:
    """An in-place operation in which a value of a transform takes part."""
    t_level = t._level
    level = max([t_level, *(o._level for o in others if isinstance(o, Tensor))])
    if level and level not in LIVE:
        return inplace_on_level(fn, surviving(t), others) if surviving(t) is not t else _plain_inplace(fn, t, others)
    if not level:
        if settled((t, *others)):
            return inplace_with(fn, t, others)
        new_value = fn(t)
        check_result(t, new_value)
        store(t, new_value._data)
        return t
    refuse_captured(t)
    levels = stack.get()
    top = levels[-1] if levels else LIVE[level]
    before, top.writing = top.writing, True
    try:
        return _write(fn, t, level)
    finally:
        top.writing = before


def _write(fn: Callable[[Tensor], Tensor], t: Tensor, level: int) -> Tensor:
    """The same after the checks; `level` is the highest that takes part."""
    kind = LIVE[level].kind
    if t._level < level:
        if kind == "vmap":
            raise unbatched(t, LIVE[level])
        promote(t, level, kind)
    cls = t.__class__
    if cls is Tracked:
        return _inplace_tracked(fn, t)
    # what the tapes below save of the old value must survive the write
    kept = ops.clone(t._data, memory_format=None)
    if cls is Batched:
        value = fn(batched(kept, t._bdim, t._level))
    else:
        tangent = t._tangent
        value = fn(dual(kept, None if tangent is None else ops.clone(tangent, memory_format=None), t._level))
    check_shape_and_kind(t, value)
    if cls is Batched:
        data = value._data if value._level == level else value
        dim = value._bdim if value._level == level else None
        if dim is None:
            t._data.movedim(t._bdim, 0).copy_(data)
        else:
            t._data.movedim(t._bdim, 0).copy_(data.movedim(dim, 0))
        return t
    primal, tangent = (value._data, value._tangent) if value._level == level else (value, None)
    t._data.copy_(primal)
    own_tangent(t)
    if t._tangent is not None:
        if tangent is None:
            t._tangent.zero_()
        else:
            widen(t._tangent, tangent)
            t._tangent.copy_(tangent)
    else:
        t._tangent = None if tangent is None else tangent.clone()
        t._shared = False
    return t


#: in-place operations that PyTorch's vmap calls arithmetic, those that it calls by name, those that it leaves to the rules
#: of broadcasting; all others go through its fallback, which names them with aten:: and the level
ARITHMETIC = frozenset(("mul_", "sub_", "div_", "copy_", "masked_fill_"))
BY_NAME = frozenset(("fill_", "index_put_", "index_add_"))
BROADCAST = frozenset(("add_", "atan2_"))


def unbatched(t: Tensor, level: Level) -> RuntimeError:
    """The error for a write of different values, one for each slot of a vmap, into `t`, which has one place for all."""
    name = operation().partition(".")[0]
    if name in BROADCAST:
        shape = list(t.shape)
        text = f"output with shape {shape} doesn't match the broadcast shape {[level.size, *shape]}"
    else:
        called = "inplace arithmetic" if name in ARITHMETIC else name if name in BY_NAME else f"aten::{name}"
        where = f"at level {level.depth}" if called.startswith("aten") else "in a vmap"
        text = (
            f"vmap: {called}(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that has "
            f"more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped over "
            f"{where}. Please try to use out-of-place operators instead of {called}. If said operator is being called inside "
            "the PyTorch framework, please file a bug report instead."
        )
    return noted(
        RuntimeError(text),
        f"`self`, of shape {list(t.shape)}, has one place for all {level.size} slots. It is changed at {place(user_frame())}",
        "Make it in the function from a value of the vmap (torch.zeros_like(x), x.new_zeros(...)), or pass it with in_dims.",
    )


def _plain_inplace(fn: Callable[[Tensor], Tensor], t: Tensor, others: Sequence[Any]) -> Tensor:
    for o in others:
        surviving(o)
    return t


def _inplace_tracked(fn: Callable[[Tensor], Tensor], t: Tensor) -> Tensor:
    """In place on the tape of a `grad` level: the lower tensor is written, this level's history follows."""
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


def promote(t: Tensor, level: int, kind: str, aware: Sequence[Tensor] = ()) -> None:
    """Make `t` itself a value of `level`: what it was moves one level down. A view takes its base along, a base its views
    (`aware`: those that the caller knows of)."""
    info = t._view if t._fn is VIEW or isinstance(t, (Dual, Batched)) else None
    if info is not None and info.base._level < level:
        promote(info.base, level, kind, (t,))
        if t._level == level:
            return
    views_of_t = views_of(t, aware) if info is None else ()
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
    t._lv = level
    if info is not None:
        base = info.base  # already of this level
        below._view = views.ViewInfo(base._data, info.chain, info.creation, info.seen)
        below._view.fn = info.fn
        if isinstance(below, (Dual, Batched)):
            note_alias(base._data, below)
        if kind in ("jvp", "dual"):
            t._tangent = views.apply_chain(ops, base._tangent, info.chain)
            t._view = views.ViewInfo(base, info.chain, views.PLAIN_VIEW, 0)
            note_alias(base, t)
        else:
            t._ver = share_version(base)
            t._view = views.ViewInfo(base, info.chain, info.creation, t._ver.n)
            t._fn = VIEW
    elif kind in ("jvp", "dual"):
        t._tangent = ops.zeros_like(below)
    if kind in ("jvp", "dual"):
        t._shared = False
    t.__class__ = Dual if kind in ("jvp", "dual") else Tracked
    LIVE[level].promoted.append(ref(t))
    for v in views_of_t:
        if v._level < level:
            promote(v, level, kind)


def views_of(base: Tensor, aware: Sequence[Tensor] = ()) -> list[Tensor]:
    """The views of `base` that are alive. `aware`: those that the caller knows of.

    Plain views share the counter of their base: only if more hold it than are known is it worth to look for them."""
    found = list(aware)
    found += [v for known in getattr(base, "_aliases", ()) if (v := known()) is not None and all(v is not a for a in aware)]
    version = base._ver
    if version.__class__ is int or sys.getrefcount(version) <= 3 + len(aware):
        return found
    for x in gc.get_referrers(version):
        if isinstance(x, Tensor) and x is not base and all(x is not known for known in found):
            info = getattr(x, "_view", None)
            if info is not None and info.base is base:
                found.append(x)
    return found


def widen(t: Tensor, like: Tensor) -> None:
    """Give `t` the batch dimensions that `like`, which is to be written into it, has at its levels."""
    have, missing = set(), []
    inner: Any = t
    while isinstance(inner, LevelTensor):
        have.add(inner._level)
        inner = inner._data
    inner = like
    while isinstance(inner, LevelTensor):
        if isinstance(inner, Batched) and inner._level not in have:
            missing.append(inner._level)
        inner = inner._data
    for level in missing:
        place: Any = t  # below the values of higher levels
        while place._level > level:
            place = place._data
        _widen(place, level)


def _widen(t: Tensor, level: int, aware: Sequence[Tensor] = ()) -> None:
    info = t._view
    views_of_t: Sequence[Tensor] = ()
    if info is not None and (t._fn is VIEW or isinstance(t, (Dual, Batched))):
        if info.base._level < level:
            _widen(info.base, level, (t,))
            if t._level == level:
                return
        value: Any = views.apply_chain(ops, info.base, info.chain)
    else:
        views_of_t = views_of(t, aware)
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
    if info is not None and isinstance(t, (Dual, Batched)):
        note_alias(info.base, t)
    for v in views_of_t:
        if v._level < level:
            _widen(v, level)


STATE = ("_data", "_fn", "_ver", "_view", "_lv", "_tangent", "_shared", "_bdim", "_grad")


def demote(t: Tensor) -> None:
    """Undo `promote` when the level ends: the tensor is again what lies below."""
    below = t._data
    t.__class__ = below.__class__
    for slot in STATE:
        if hasattr(below, slot):
            setattr(t, slot, getattr(below, slot))
