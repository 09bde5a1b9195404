"""Custom operations: subclass `Function`, write `forward` and `backward` (and `jvp`, `vmap`), call `apply`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core import views
from ..core.dispatch import edge_of
from ..core.errors import warn
from ..core.graph import BACKWARD_TWICE, FREED, LEAF, Edge, Node, NodeMeta, Port, next_seq
from ..core.modes import NO_GRAD, changed_mode, mode
from ..core.primitive import TABLE, ops
from ..core.saved import SavedInput, SavedOutput, SavedPacked, SavedTensor
from ..core.tensor import PLAIN, Tensor, bump, is_inference, share_version, wrap
from ..kernels import numpy as kernels

ndarray = np.ndarray


class FunctionCtx:
    """What `forward`, `setup_context`, `backward` and `jvp` talk to autograd through."""

    __slots__ = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `backward`, guarded against changes. Call it once; other values go on `ctx` itself."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `jvp`."""
        for t in tensors:
            if not isinstance(t, Tensor) and t is not None:
                raise TypeError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on "
                    "ctx."
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which inputs `forward` changed in place; they must be returned."""
        self.dirty_tensors = args

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Deprecated, without effect."""
        warn(
            "mark_shared_storage is deprecated. Tensors with shared storages are automatically tracked. Note that calls "
            "to `set_()` are not tracked",
            FutureWarning,
        )

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """False: `backward` gets None, not zeros, for outputs without gradient."""
        self.materialize_grads = value


class FunctionNodeMeta(NodeMeta):
    def __repr__(cls) -> str:
        return f"<class 'torch.autograd.function.{cls.__name__}'>"


class BackwardCFunction(Node, FunctionCtx, metaclass=FunctionNodeMeta):
    """The node of a custom Function; it is also the `ctx` of its forward and backward."""

    __slots__ = ("__dict__", "count", "edge_tuple", "outputs_like", "saved", "shapes")

    prim = None  # type: ignore[assignment]
    _forward_cls: Any = None
    n_outputs = 1
    materialize_grads = True
    to_save: Sequence[Any] = ()
    dirty_tensors: Sequence[Any] = ()
    non_differentiable: Sequence[Any] = ()
    saved_for_forward: Sequence[Any] = ()
    needs_input_grad: tuple[bool, ...] = ()
    _is_pure_view = False
    _in_jvp = False
    _down = False  # whether saved tensors are wanted one level down

    @property
    def edges(self) -> tuple[Edge, ...]:
        return self.edge_tuple  # type: ignore[no-any-return]

    def name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {hex(id(self))}>"

    def __getattr__(self, attribute: str) -> Any:
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{attribute}'")

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        return iter(())

    def sent(self) -> tuple[Any, ...]:
        return tuple(None if s is None else np.broadcast_to(np.zeros((), s[1]), s[0]) for s in self.shapes)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was given to `save_for_backward` (inside `jvp`: to `save_for_forward`)."""
        if self._in_jvp:
            return tuple(self.saved_for_forward)
        try:
            saved = self.saved
        except AttributeError:  # still inside forward
            return tuple(self.to_save)
        if saved is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        if self._down:
            values = tuple(None if s is None else s.array(self) for s in saved)
        else:
            values = tuple(None if s is None else s.unpack(self) for s in saved)
        if getattr(self._forward_cls, "clear_saved_tensors_on_access", False):
            self.saved = FREED
        return values

    saved_variables = saved_tensors

    @property
    def _raw_saved_tensors(self) -> tuple[Any, ...]:
        if self.saved is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        return tuple([SavedTensor.of(self, i) for i in range(len(self.saved))])

    def kept_value(self, key: Any) -> Any:
        return FREED if self.saved is FREED else self.saved[key]

    def keep_packed(self, key: Any, packed: Any) -> None:
        self.saved = [*self.saved[:key], packed, *self.saved[key + 1 :]]

    def release(self) -> None:
        if self.saved:
            self.saved = FREED

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        arrays = xp is kernels
        grads: list[Any] = list(gs) if self.n_outputs != 1 else [gs]
        if arrays:
            grads = [None if g is None else wrap(g if g.__class__ is ndarray else np.asarray(g)) for g in grads]
        if self.materialize_grads:
            for i, g in enumerate(grads):
                if g is None:
                    shape, kind = self.outputs_like[i]
                    if kind is not None:
                        grads[i] = wrap(np.zeros(shape, getattr(kind, "np", kind)))
        self._down = raw and not arrays
        result = self.apply(*grads)
        if not isinstance(result, tuple):
            result = (result,)
        return self.checked(result, arrays, xp)

    def apply(self, *grads: Any) -> Any:
        """Run the user's backward."""
        cls = self._forward_cls
        backward, vjp = cls.backward, cls.vjp
        if backward is not Function.backward and vjp is not Function.vjp:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement "
                "one of them."
            )
        return (vjp if vjp is not Function.vjp else backward)(self, *grads)

    def checked(self, result: tuple[Any, ...], arrays: bool, xp: Any) -> tuple[Any, ...]:
        edges = self.edge_tuple
        name = self.name()
        n = len(edges)
        if len(result) > n and all(r is None for r in result[n:]):
            result = result[:n]
        if len(result) != n:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {n}, got {len(result)})"
            )
        out: list[Any] = []
        for i, (g, e) in enumerate(zip(result, edges, strict=True)):
            if g is None:
                out.append(None)
                continue
            shape = self.shapes[i]
            if shape is None:
                raise RuntimeError(
                    f"function {name} returned a gradient different than None at position {i + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
            if not isinstance(g, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
            if e is None:
                out.append(None)
                continue
            size, kind = shape
            if tuple(g.shape) != size:
                if not expandable(size, tuple(g.shape)):
                    raise RuntimeError(
                        f"Function {name} returned an invalid gradient at index {i} - got {list(g.shape)} but expected "
                        f"shape compatible with {list(size)}"
                    )
                g = ops.sum_to(g, size)
            if g.dtype.np != getattr(kind, "np", kind):
                g = ops.to_dtype(g, getattr(kind, "np", kind))
            out.append(g._data if arrays else g)
        return tuple(out)


def expandable(small: tuple[int, ...], big: tuple[int, ...]) -> bool:
    """Whether `small` broadcasts to `big`."""
    lead = len(big) - len(small)
    return lead >= 0 and all(a == b or a == 1 for a, b in zip(small, big[lead:], strict=True))


class FunctionMeta(type):
    """Gives each Function its own node class, named after it."""

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        cls._backward_cls: Any = FunctionNodeMeta(
            name + "Backward", (BackwardCFunction,), {"_forward_cls": cls, "__module__": "torch.autograd.function"}
        )
        super().__init__(name, bases, attrs)


class Function(FunctionCtx, metaclass=FunctionMeta):
    """Base of custom operations. Write static methods

        forward(ctx, *args)                      or   forward(*args) and setup_context(ctx, inputs, output)
        backward(ctx, *grad_outputs)             one gradient (or None) for each argument of forward
        jvp(ctx, *tangents), vmap(info, in_dims, *args)   for forward mode and batching

    and call `apply(*args)`.

    >>> import wengert as torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x ** 3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         x, = ctx.saved_tensors
    ...         return 3 * x ** 2 * g
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    __module__ = "torch.autograd.function"  # what programs see in the texts of warnings
    generate_vmap_rule = False
    clear_saved_tensors_on_access = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warn(
            f"{self.__class__!r} should not be instantiated. Methods on autograd functions are all static, so you "
            "should invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The operation."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Where a `forward` without ctx saves what backward needs."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The vector-Jacobian product: one gradient (or None) for each argument of forward."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The Jacobian-vector product: one tangent (or None) for each output."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """The batching rule: (outputs, out_dims)."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the operation on `args` and record it."""
        with_setup = cls.setup_context is not Function.setup_context
        if with_setup:
            args = bind_default_args(cls.forward, *args, **kwargs)
        elif kwargs:
            raise TypeError(f"{cls.__name__}.apply() takes no keyword arguments")
        for a in args:
            if isinstance(a, Tensor) and a._level:
                from .function_levels import apply_on_level

                return apply_on_level(cls, args, with_setup)
        return run_forward(cls, args, with_setup)[0]


def bind_default_args(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, ...]:
    """The arguments of `forward`, defaults filled in."""
    import inspect

    bound = inspect.signature(forward).bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError("keyword-only arguments of forward are not supported")
    return bound.args


DIRTY_VIEW = (
    "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more than "
    "one Tensor. This is not supported by the current autograd engine. You should either make sure the input is not a "
    "view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it into two "
    "Functions: one doing the inplace that returns a single Tensor and a second one that does the other operations). "
    "You can ask on the forum https://discuss.pytorch.org/ if you need help to do this change."
)


def run_forward(cls: Any, args: tuple[Any, ...], with_setup: bool) -> tuple[Any, Any]:
    """The outputs of `cls` on plain tensors, and its ctx."""
    m = mode()
    ctx = object.__new__(cls._backward_cls)
    edges = tuple(edge_of(a) if isinstance(a, Tensor) and m.grad and not m.inference else None for a in args)
    ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
    ctx.hooks = None
    recorded = any(e is not None for e in edges)
    no_grad = changed_mode(grad=False) if m is not NO_GRAD else None
    if no_grad is not None:
        no_grad.__enter__()
    try:
        if with_setup:
            raw = cls.forward(*args)
            cls.setup_context(ctx, args, raw)
        else:
            raw = cls.forward(ctx, *args)
    finally:
        if no_grad is not None:
            no_grad.__exit__(None, None, None)
    single = not isinstance(raw, tuple)
    outputs = (raw,) if single else raw
    dirty = ctx.dirty_tensors
    for d in dirty:
        if not isinstance(d, Tensor):
            raise TypeError(f"mark_dirty can only save variables, but argument is of type {type(d).__name__}")
        if not any(d is o for o in outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )
        if recorded and d._fn is LEAF:
            raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
        if recorded and d._fn is views.VIEW:
            if not single and len(outputs) > 1:
                raise RuntimeError(DIRTY_VIEW)
            views.check_history(d, m, args)
        if not is_inference(d):
            bump(d)
    for i, t in enumerate(ctx.to_save):
        if t is not None and not isinstance(t, Tensor):
            raise TypeError(
                f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
            )
    finished = wrap_outputs(ctx, args, outputs, edges, recorded, single)
    return (finished[0] if single else tuple(finished)), ctx


def wrap_outputs(
    ctx: Any, args: tuple[Any, ...], outputs: tuple[Any, ...], edges: tuple[Edge, ...], recorded: bool, single: bool
) -> list[Any]:
    """Make the outputs of a forward the outputs of its node."""
    unmarked = ctx.non_differentiable
    dirty = ctx.dirty_tensors
    finished: list[Any] = []
    differentiable: list[bool] = []
    for o in outputs:
        if not isinstance(o, Tensor):
            finished.append(o)
            differentiable.append(False)
            continue
        is_input = any(o is a for a in args)
        is_dirty = any(o is d for d in dirty)
        may = o.dtype.category >= 2 and not any(o is u for u in unmarked)
        if is_input and not is_dirty:
            if any(o is u for u in unmarked):
                o = o.detach()  # type: ignore[attr-defined]
            else:
                o = views.wrap_view(o, o._data.view(), TABLE["alias"], {}, mode())
                o._view.creation = views.FUNCTION_VIEW
        elif (recorded or is_dirty) and o._fn is LEAF:
            o = o.detach()  # type: ignore[attr-defined]
        elif o._view is not None and not is_dirty:
            o._view.creation = views.FUNCTION_VIEW if recorded and may else o._view.creation
        finished.append(o)
        differentiable.append(may)
    tensors = [o for o in finished if isinstance(o, Tensor)]
    if recorded and any(differentiable):
        ctx.edge_tuple = edges
        ctx.shapes = tuple(
            (tuple(a._data.shape), a._data.dtype) if isinstance(a, Tensor) else None for a in args
        )
        ctx.outputs_like = tuple(
            (tuple(o._data.shape), o._data.dtype) if isinstance(o, Tensor) else ((), None) for o in finished
        )
        several = not single
        if several:
            ctx.n_outputs = len(finished) if len(finished) != 1 else 2
            ctx.count = len(finished)
        ctx.saved = save(ctx, args, outputs, finished, edges)
        ctx.seq = next_seq()
        if sum(differentiable) > 1:
            for o in tensors:
                if o._view is not None:
                    o._view.creation = views.MULTI_VIEW
        m = mode()
        if m.anomaly:
            from ..core.anomaly import note_origin

            note_origin(ctx)
        for nr, (o, may) in enumerate(zip(finished, differentiable, strict=True)):
            if not may:
                continue
            fn = Port(ctx, nr) if several else ctx
            if any(o is d for d in dirty):
                views.rebase(o, fn, fn)
            elif o._view is not None:
                o._view.made_by(o, fn)
                o._fn = views.VIEW
            else:
                o._fn = fn
    else:
        ctx.edge_tuple = tuple(None for _ in args)
        ctx.shapes = ()
        ctx.saved = [None if t is None else SavedInput(t, edge_of(t)) for t in ctx.to_save] if not recorded else []
        ctx.seq = -1
        if mode().inference:
            for o in tensors:
                o._inference = True  # type: ignore[attr-defined]
    for name in ("to_save", "dirty_tensors", "non_differentiable"):
        ctx.__dict__.pop(name, None)
    return finished


def save(ctx: Any, args: Any, outputs: Any, finished: Any, edges: Any) -> list[Any]:
    """Guard what `save_for_backward` was given: inputs with their edges, outputs without a cycle."""
    saved: list[Any] = []
    hooks = mode().saved_hooks
    for t in ctx.to_save:
        if t is None:
            saved.append(None)
            continue
        nr = next((i for i, o in enumerate(outputs) if o is t), None)
        at = next((i for i, a in enumerate(args) if a is t), None)
        if at is not None and nr is None:
            saved.append(SavedPacked(t, edges[at], -1, hooks[-1], None) if hooks else SavedInput(t, edges[at]))
        elif nr is not None:
            out = finished[nr]
            saved.append(SavedPacked(out, None, nr, hooks[-1], ctx) if hooks else FunctionOutput(out, nr))
        else:
            e = edge_of(t)
            saved.append(SavedPacked(t, e, -1, hooks[-1], None) if hooks else SavedInput(t, e))
    return saved


class FunctionOutput(SavedOutput):
    """A saved output of a custom Function."""

    __slots__ = ("differentiable",)

    def __init__(self, out: Tensor, nr: int) -> None:
        share_version(out)
        super().__init__(out, nr)
        self.differentiable = out.dtype.category >= 2

    def unpack(self, node: Node) -> Tensor:
        self.array()
        t = wrap(self.data)
        t._ver = self.version
        if self.differentiable:
            t._fn = Port(node, self.nr) if node.n_outputs != 1 else node
        return t


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a `backward` that is not itself differentiable: differentiating its result raises."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with changed_mode(grad=False):
            outputs = fn(ctx, *args)
        if not mode().grad or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        single = not isinstance(outputs, tuple)
        values = (outputs,) if single else outputs
        refused = Refuse.apply(len(values), *values, *[a for a in args if isinstance(a, Tensor) and a.requires_grad])
        refused = refused if isinstance(refused, tuple) else (refused,)
        return refused[0] if single else refused

    return wrapper


class Refuse(Function):
    """Passes its first n values on; its backward is the refusal of `once_differentiable`."""

    @staticmethod
    def forward(ctx: Any, n: int, *values: Any) -> Any:
        return tuple(v.detach() if isinstance(v, Tensor) else v for v in values[:n])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


class InplaceFunction(Function):
    """Kept for old programs: the same as Function."""


class NestedIOFunction(Function):
    """Functions over nested structures, which PyTorch keeps for old programs only."""

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("wengert lacks torch.autograd.NestedIOFunction; use Function with flat arguments")


def traceable(fn_cls: Any) -> Any:
    """Mark a Function as traceable; without effect."""
    fn_cls.is_traceable = True
    return fn_cls


__all__ = ["PLAIN", "Function", "FunctionCtx", "InplaceFunction", "NestedIOFunction", "once_differentiable", "traceable"]
