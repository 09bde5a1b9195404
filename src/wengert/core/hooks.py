"""Hooks: where they are kept, in which order they run, and the handles that remove them."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

from .graph import NodeHooks
from .named import object_repr

if TYPE_CHECKING:
    from .tensor import Tensor

_next_id = itertools.count().__next__


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook away again. Also a context manager."""

    next_id = 0  # PyTorch's counter, which some programs read
    __repr__ = object_repr
    __slots__ = ("__weakref__", "extra_refs", "hooks_ref", "id")

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_ref = _weak(hooks_dict)
        self.id: int = _next_id()
        RemovableHandle.next_id = self.id + 1
        extras = extra_dict if isinstance(extra_dict, list) else [] if extra_dict is None else [extra_dict]
        self.extra_refs = tuple(_weak(d) for d in extras)

    @classmethod
    def add(cls, hooks_dict: Any, fn: Callable[..., Any], front: bool = False) -> RemovableHandle:
        """Put `fn` into `hooks_dict` and return its handle."""
        handle = cls(hooks_dict)
        hooks_dict[handle.id] = fn
        if front:
            hooks_dict.move_to_end(handle.id, last=False)
        return handle

    def remove(self) -> None:
        """Take the hook away; doing so twice does nothing."""
        for known in (self.hooks_ref, *self.extra_refs):
            hooks = known()
            if hooks is not None and self.id in hooks:
                del hooks[self.id]

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __getstate__(self) -> Any:
        return (self.hooks_ref(), self.id) + ((tuple(r() for r in self.extra_refs),) if self.extra_refs else ())

    def __setstate__(self, state: Any) -> None:
        hooks = state[0] if state[0] is not None else OrderedDict()
        self.hooks_ref = _weak(hooks)
        self.id = state[1]
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)
        self.extra_refs = () if len(state) < 3 or state[2] is None else tuple(_weak(d) for d in state[2])


def _weak(mapping: Any) -> Callable[[], Any]:
    try:
        return ref(mapping)
    except TypeError:  # a plain dict takes no weak reference
        return lambda: mapping


class LeafHooks:
    """The hooks of a leaf: on its gradient (`tensor`), after accumulation (`post`), on its AccumulateGrad (`node`)."""

    __slots__ = ("node", "post", "tensor")

    def __init__(self) -> None:
        self.tensor: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.post: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.node = NodeHooks()


#: Becomes True when the first leaf hook of the process is registered. Until then nobody can see when exactly, within
#: one backward, a leaf received its gradient, and the engine need not find out.
leaf_hooks_exist = False


def leaf_hooks(leaf: Tensor) -> LeafHooks:
    """The hooks of a leaf, made on first use."""
    global leaf_hooks_exist
    hooks: LeafHooks | None = getattr(leaf, "_hooks", None)
    if hooks is None:
        hooks = leaf._hooks = LeafHooks()  # type: ignore[attr-defined]
        leaf_hooks_exist = True
    return hooks


def call_gradient_hooks(hooks: OrderedDict[int, Callable[..., Any]], grad: Tensor) -> Tensor:
    """Run tensor hooks in order; each may return another gradient."""
    for hook in list(hooks.values()):
        result = hook(grad)
        if result is not None:
            check_replacement(result, grad, hook)
            grad = result
    return grad


def replaced(grads: tuple[Any, ...], result: Any, hook: Any) -> tuple[Any, ...]:
    """What a node's hook made of `grads`: its `result`, a tuple of as many, or `grads` if it returned None."""
    if result is None:
        return grads
    if not isinstance(result, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}'")
    if len(result) != len(grads):
        raise RuntimeError(
            f"hook '{name_of(hook)}' has returned an incorrect number of values (got {len(result)}, but expected "
            f"{len(grads)})"
        )
    for new, grad in zip(result, grads, strict=True):
        if new is not None:
            if grad is None:
                raise RuntimeError("can't replace a None gradient with a non-None value")
            check_replacement(new, grad, hook)
    return result


def check_replacement(result: Any, grad: Tensor, hook: Any) -> None:
    """A hook must keep type, device and size."""
    check_is_tensor(result)
    name = name_of(hook)
    if result.dtype is not grad.dtype:
        raise RuntimeError(
            f"hook '{name}' has changed the type of value (was torch.{grad.dtype.scalar_name}Tensor got "
            f"torch.{result.dtype.scalar_name}Tensor)"
        )
    if result.shape != grad.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")


def check_is_tensor(result: Any) -> None:
    from .tensor import Tensor

    if not isinstance(result, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")


def name_of(hook: Any) -> str:
    return getattr(hook, "__name__", repr(hook))
