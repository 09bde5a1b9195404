"""The values of transforms: `Tracked` (grad, vjp), `Dual` (jvp, forward mode), `Batched` (vmap).

Each wraps the tensor one level down (`_data`). `process` takes the highest level among the arguments, unwraps the
values of that level, treats all others as constants and dispatches again below. Every call of a transform takes a
fresh level, so nested transforms cannot confuse each other's values; when the call ends its level is dead.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any
from weakref import ref

from . import dispatch as dispatching
from . import printing, views
from .batching import rule_for
from .captured import REQUIRES_GRAD, refuse_inside
from .dispatch import dispatch, record, run_plain
from .errors import PACKAGE_DIR, line_of, noted
from .fallback import loop
from .forward import jvp
from .graph import LEAF, VIEW, Version, next_seq
from .level_nodes import F32, F64, kind_of, node_class_of
from .meta import MetaTensor, process_meta
from .modes import GRAD, LIVE, NO_GRAD, Mode, mode, set_grad, set_mode, stack
from .primitive import Primitive, ops
from .size import Size, new_tuple
from .tensor import Tensor, TensorMeta, new, tensor_repr

next_level = itertools.count(1).__next__


class Level:
    """One running transform: `kind` is "grad", "jvp", "dual" (a `dual_level`) or "vmap".

    `grad_outside`: the grad mode that holds below it; `size`, `randomness`: of a vmap. `origin`: the code and line that
    called the transform; `own`: tensors known to be made inside; `writing`: an in-place operation is going on below it."""

    __slots__ = (
        "alive", "depth", "grad_outside", "kind", "number", "origin", "outside", "own", "promoted", "randomness", "reopens",
        "size", "writing",
    )  # fmt: skip

    def __init__(self, kind: str, size: int = 0, randomness: str = "error") -> None:
        self.kind = kind
        self.number = next_level()
        self.grad_outside = mode().grad
        self.size = size
        self.randomness = randomness
        self.alive = True
        self.reopens = False  # a vjp: its pullback will need the promoted tensors as they are
        self.depth = len(stack.get()) + 1
        self.origin = caller()
        self.promoted: list[Any] = []  # plain tensors that an in-place operation made values of this level
        self.own: dict[int, Any] = {}
        self.outside: Any = None
        self.writing = False


#: where the transforms that ended last were called, by level: for the message about a value that escaped
ENDED: dict[int, tuple[CodeType, int] | None] = {}


def caller() -> tuple[CodeType, int] | None:
    """The user's line that called the transform."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE_DIR):
            return code, frame.f_lineno
        frame = frame.f_back
    return None


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
    level.outside = None
    level.own.clear()
    ENDED[level.number] = level.origin
    if len(ENDED) > 64:
        ENDED.pop(next(iter(ENDED)), None)
    if level.promoted and not level.reopens:
        from .level_inplace import demote

        for known in level.promoted:
            t = known()
            if t is not None and t._level == level.number:
                demote(t)
    stack.set(tuple(s for s in stack.get() if s is not level))


# ---------------------------------------------------------------- the value classes


class LevelTensor(Tensor, metaclass=TensorMeta):
    """What the three have in common."""

    __slots__ = ()

    _level = Tensor.__dict__["_lv"]  # the slot, under the name that all tensors answer to

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
        out = lift(self._data, self._lv)
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
        m = mode()
        plain = m is GRAD or m is NO_GRAD
        line = None if params or node_class is not None else prim.line
        if line is not None and plain:
            out = tracked_unary(prim, line, level, args[0], m) if len(args) == 1 else tracked_binary(prim, line, level, args, m)
            if out is not None:
                return out
        datas = [a._data if isinstance(a, Tensor) and a._level == level else a for a in args]
        outside = LIVE[level].grad_outside
        if m.grad is outside:
            y = dispatch(prim, datas, params, node_class) if line is None else line(*datas)
        else:
            set_grad(outside)
            try:
                y = dispatch(prim, datas, params, node_class) if line is None else line(*datas)
            finally:
                set_mode(m)
        lifted = [lift(a, level) if isinstance(a, Tensor) and a._level != level else a for a in args]
        if prim.n_outputs == 1:
            out = lift(y, level)
            if prim.is_view:
                as_view(out, lifted[0], prim, params, None, m)
            if m.grad and prim.takes_gradient:
                record(prim, (out,), lifted, datas, params, m, node_class)
            return out
        outs = tuple([lift(part, level) for part in y])
        if prim.is_view:
            for nr, out in enumerate(outs):
                as_view(out, lifted[0], prim, params, nr, m)
        if m.grad and prim.takes_gradient:
            record(prim, outs, lifted, datas, params, m, node_class)
        return outs

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
    t._lv = level
    return t


def tracked_unary(prim: Primitive, line: Any, level: int, x: Any, m: Mode) -> Any:
    """An elementwise operation on a value of a tape; None if it is unusual."""
    kind = kind_of(x)
    if kind is not F32 and kind is not F64:
        return None
    a = x._data
    outside = LIVE[level].grad_outside
    if m.grad is outside:
        y = line(a)
    else:
        set_mode(GRAD if outside else NO_GRAD)
        try:
            y = line(a)
        finally:
            set_mode(m)
    t = new(Tracked)
    t._data = y
    t._ver = 0
    t._view = None
    t._lv = level
    fn = x._fn
    if fn is LEAF:
        fn = x
    elif fn is VIEW:
        fn = x._view.edge(x)
    if fn is None or m is NO_GRAD:
        t._fn = None
        return t
    node = t._fn = new(prim.on_level or node_class_of(prim))
    node.e0 = fn
    keeps = prim.keeps
    if keeps == "x":
        node.s0 = x
        n = x._ver
        node.n0 = n if n.__class__ is int else n.n
    elif keeps == "out":
        node.s0 = y
        node.v0 = t._ver = Version()
        node.n0 = 0
        node.level = level
    node.hooks = None
    node.seq = next_seq()
    return t


def tracked_binary(prim: Primitive, line: Any, level: int, args: Any, m: Mode) -> Any:
    """The same of two arguments."""
    x, y = args
    a, b, f0, f1, kind = x, y, None, None, None
    if isinstance(x, Tensor):
        kind = kind_of(x)
        if kind is not F32 and kind is not F64:
            return None
        if x._level == level:
            a = x._data
            f0 = x._fn
            if f0 is LEAF:
                f0 = x
            elif f0 is VIEW:
                f0 = x._view.edge(x)
    elif x.__class__ is not float and x.__class__ is not int:
        return None
    if isinstance(y, Tensor):
        other = kind_of(y)
        if other is not kind and (kind is not None or (other is not F32 and other is not F64)):
            return None
        if y._level == level:
            b = y._data
            f1 = y._fn
            if f1 is LEAF:
                f1 = y
            elif f1 is VIEW:
                f1 = y._view.edge(y)
    elif y.__class__ is not float and y.__class__ is not int:
        return None
    outside = LIVE[level].grad_outside
    if m.grad is outside:
        z = line(a, b)
    else:
        set_mode(GRAD if outside else NO_GRAD)
        try:
            z = line(a, b)
        finally:
            set_mode(m)
    t = new(Tracked)
    t._data = z
    t._ver = 0
    t._view = None
    t._lv = level
    if (f0 is None and f1 is None) or m is NO_GRAD:
        t._fn = None
        return t
    node = t._fn = new(prim.on_level or node_class_of(prim))
    node.e0 = f0
    node.e1 = f1
    node.shapes = None
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        sa, sb = a.shape, b.shape
        if sa != sb:
            node.shapes = sa, sb
    node.s0 = node.s1 = None
    keeps = prim.keeps
    if keeps is not None:
        for_x, for_y = keeps
        if (f0 is not None and for_x[0]) or (f1 is not None and for_y[0]):
            if a is x and isinstance(x, Tensor):
                x = lift(x, level)
            node.s0 = x
            if a is not x:
                n = x._ver
                node.n0 = n if n.__class__ is int else n.n
        if (f0 is not None and for_x[1]) or (f1 is not None and for_y[1]):
            if b is y and isinstance(y, Tensor):
                y = lift(y, level)
            node.s1 = y
            if b is not y:
                n = y._ver
                node.n1 = n if n.__class__ is int else n.n
    node.hooks = None
    node.seq = next_seq()
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
        line = None if params or node_class is not None else prim.line
        if line is not None and prim.jvp is None and len(args) == 1 and mode().forward_grad:
            x = args[0]
            kind = kind_of(x)
            if kind is F32 or kind is F64:  # complex ones need conjugates
                y = line(x._data)
                t = x._tangent
                if t is None:
                    return y
                keeps = prim.keeps
                rule = (prim.on_level or node_class_of(prim)).r0
                t = rule(ops, t) if keeps is None else rule(ops, t, x._data if keeps == "x" else y)
                return dual(y, t, level, t is x._tangent or may_alias(t, ()))
        primals, tangents = [], []
        for a in args:
            if isinstance(a, Tensor) and a._level == level:
                if prim.is_view:
                    own_tangent(a)
                primals.append(a._data)
                tangents.append(a._tangent)
            else:
                primals.append(a)
                tangents.append(None)
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
            self._tangent is not None and self._tangent.requires_grad
        )

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._data.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        refuse_inside(REQUIRES_GRAD)
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
            note_alias(base, out)


def note_alias(base: Any, view: Tensor) -> None:
    """Let `base` know its view, weakly: these share no counter by which it could be found."""
    known = base.__dict__.setdefault("_aliases", [])
    if len(known) >= 32:
        known[:] = [r for r in known if r() is not None]
    known.append(ref(view))


def dual_repr(t: Dual) -> str:
    """A dual number of forward mode shows its tangent; one of `jvp` shows its level."""
    level = LIVE.get(t._level)
    if level is None:
        return repr(t._data)
    if level.kind == "jvp":
        return LevelTensor.__repr__(t)
    if t._data._level:
        return repr(t._data)
    return tensor_repr(t._data, extra_suffixes=(f"tangent={t._tangent}",))


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
    t._tangent = tangent
    t._shared = shared
    t._fn = None
    t._ver = 0
    t._view = None
    t._lv = level
    return t


class Batched(LevelTensor):
    """A batch of values: dimension `_bdim` of `_data` is hidden."""

    __slots__ = ()

    @classmethod
    def _process(cls, prim: Primitive, level: int, args: Any, params: Any, node_class: Any) -> Any:
        line = None if params or prim.batch is not None else prim.line
        if line is not None:
            x = args[0]
            if len(args) == 1:
                return batched(line(x._data), x._bdim, level)
            y = args[1]
            if x.__class__ is Batched and x._lv == level:
                a, d = x._data, x._bdim
                if y.__class__ is Batched and y._lv == level:
                    b = y._data
                    if y._bdim == d and a.ndim == b.ndim:
                        return batched(line(a, b), d, level)
                elif not isinstance(y, Tensor) or (d == 0 and y.ndim < a.ndim):
                    return batched(line(a, y), d, level)
            elif not isinstance(x, Tensor) or (y._bdim == 0 and x.ndim < y._data.ndim):
                return batched(line(x, y._data), y._bdim, level)
        vals, dims = [], []
        for a in args:
            if isinstance(a, Tensor) and a._level == level:
                vals.append(a._data)
                dims.append(a._bdim)
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
        del sizes[self._bdim]
        return new_tuple(Size, sizes)

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
        return printing.wrapper_str("BatchedTensor", depth_of(self), repr(self._data), self._bdim)

    def __bool__(self) -> bool:
        raise self.explained(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support "
            "that yet, please file an issue at https://github.com/pytorch/pytorch/issues .",
            "Write torch.where(condition, x, y) to choose for each slot.",
        )

    def item(self) -> Any:
        """Refused: there is one value for each element of the batch."""
        raise self.explained(
            "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a "
            "Tensor, please try to rewrite what you're doing with other operations. If error is occurring somewhere "
            "inside PyTorch internals, please file a bug report."
        )

    __int__ = __float__ = __index__ = __complex__ = item

    def tolist(self) -> Any:
        """Refused, as all that looks at the memory."""
        raise self.explained("Cannot access data pointer of Tensor that doesn't have storage")

    def numpy(self, *, force: bool = False) -> Any:
        """Refused, as all that looks at the memory."""
        return self.tolist()

    def explained(self, text: str, *notes: str) -> RuntimeError:
        """The error for what a batch of values cannot do; a note says which value it is."""
        level = LIVE.get(self._lv)
        if level is None or level.origin is None:
            return noted(RuntimeError(text), *notes)
        what = f"The value, of shape {list(self.shape)} in each of {level.size} slots, belongs to the vmap called at"
        return noted(RuntimeError(text), f"{what} {line_of(*level.origin)}", *notes)


def batched(value: Tensor, dim: int, level: int) -> Batched:
    """`value` with dimension `dim` hidden at `level`."""
    t: Batched = new(Batched)
    t._data = value
    t._bdim = dim
    t._fn = None
    t._ver = 0
    t._view = None
    t._lv = level
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
        if settled(args):
            return dispatch(prim, args, params, node_class)
        return process_subclass(prim, args, params, node_class)
    if level not in LIVE:
        return dispatch(prim, [surviving(a) for a in args], params, node_class)
    return top._process(prim, level, args, params, node_class)


dispatching.process = process


def surviving(a: Any) -> Any:
    """A dual number of an ended `dual_level` is its primal; any other value of a dead level has escaped."""
    if not isinstance(a, Tensor) or not a._level or a._level in LIVE:
        return a
    if isinstance(a, Dual):
        return a._data
    error = RuntimeError(
        f"a value of a finished {'grad' if isinstance(a, Tracked) else 'vmap'} transform is used after the transform "
        "ended: it escaped through a closure, a global or an attribute. Return it from the transformed function instead."
    )
    origin = ENDED.get(a._level)
    if origin is not None:
        noted(error, f"The value, of shape {list(a.shape)}, was made in the transform called at {line_of(*origin)}")
    raise error


def settled(args: Sequence[Any]) -> bool:
    """Bring back what lives in the buffers of compiled programs; whether there was any."""
    found = False
    for a in args:
        if isinstance(a, Tensor) and a._resident:
            a._settle()  # type: ignore[attr-defined]
            found = True
    return found


def process_subclass(prim: Primitive, args: Sequence[Any], params: dict[str, Any], node_class: Any) -> Any:
    """Instances of subclasses of Tensor: the result takes the first subclass."""
    cls = next(type(a) for a in args if isinstance(a, Tensor) and type(a) is not Tensor)
    if any(a.__class__ is MetaTensor for a in args):
        return process_meta(prim, args, params, node_class)
    m = mode()
    datas = [a._data if isinstance(a, Tensor) else a for a in args]
    out = run_plain(prim, args, datas, params, m, node_class)
    if not m.torch_function:
        return out
    for o in out if isinstance(out, tuple) else (out,):
        o.__class__ = cls
    return out


def unwrap(value: Any, level: int) -> Any:
    """The tensor one level down, for a value of `level`; others unchanged."""
    return value._data if isinstance(value, Tensor) and value._level == level else value


def unwrap_all(value: Any) -> Any:
    """The plain tensor at the bottom."""
    while isinstance(value, LevelTensor):
        value = value._data
    return value


__all__ = ["LIVE", "Batched", "Dual", "Level", "Tracked", "batched", "dual", "entered", "leave", "lift", "unwrap"]
