"""Tools on the graph: nodes, edges, hooks on saved tensors, hooks over several tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal
from weakref import WeakKeyDictionary, WeakValueDictionary

from ..core.graph import Node
from ..core.hooks import RemovableHandle
from ..core.modes import ContextDecorator, mode, set_mode
from ..core.tensor import Tensor, bump
from .edges import GradientEdge, get_gradient_edge

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
    "set_multithreading_enabled",
    "set_override_saved_tensors_hooks",
]


class saved_tensors_hooks:
    """Context: `pack_hook(tensor)` runs when a node saves a tensor, `unpack_hook(packed)` when it is needed.

    Errors: RuntimeError if hooks are disabled, TypeError if `unpack_hook` gives no tensor.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        m = mode()
        if m.saved_hooks_off is not None:
            raise RuntimeError(m.saved_hooks_off)
        self._previous = m.saved_hooks
        if not (callable(self.pack_hook) and callable(self.unpack_hook)):
            raise TypeError("_push_saved_tensors_default_hooks(): incompatible function arguments. Both hooks must be "
                            f"callable, not {self.pack_hook!r}, {self.unpack_hook!r}")  # fmt: skip
        set_mode(m.replace(saved_hooks=(*m.saved_hooks, (self.pack_hook, self.unpack_hook))))

    def __exit__(self, *args: object) -> None:
        set_mode(mode().replace(saved_hooks=self._previous))


class save_on_cpu(saved_tensors_hooks):
    """Context: saved tensors are kept as copies in CPU memory."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Tensor) -> Any:
            return (tensor.device, tensor.clone())  # type: ignore[attr-defined]

        def unpack(packed: Any) -> Tensor:
            device, tensor = packed
            return tensor.to(device)  # type: ignore[no-any-return]

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks(ContextDecorator):
    """Context: using `saved_tensors_hooks` raises RuntimeError(error_message)."""

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def clone(self) -> disable_saved_tensors_hooks:
        return type(self)(self.error_message)

    def __enter__(self) -> None:
        m = mode()
        if m.saved_hooks:
            raise RuntimeError(self.error_message)
        self._previous = m.saved_hooks_off
        set_mode(m.replace(saved_hooks_off=self.error_message))

    def __exit__(self, *args: object) -> None:
        set_mode(mode().replace(saved_hooks_off=self._previous))


class set_override_saved_tensors_hooks(ContextDecorator):
    """Context: hooks registered inside replace, rather than stack on, those outside (they always do here)."""

    def __init__(self, value: bool) -> None:
        self.value = value

    def clone(self) -> set_override_saved_tensors_hooks:
        return type(self)(self.value)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        pass


class set_multithreading_enabled(ContextDecorator):
    """Accepted with PyTorch's meaning; the backward of a CPU graph runs in the calling thread anyway."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._previous = _multithreading()
        _set_multithreading(mode)

    def clone(self) -> set_multithreading_enabled:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        _set_multithreading(self._previous)


def _multithreading() -> bool:
    return mode().multithreading


def _set_multithreading(value: bool) -> None:
    set_mode(mode().replace(multithreading=value))


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Tell autograd that the memory of `tensor` (or of several) was changed behind its back."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        if t.is_inference():
            raise RuntimeError("Inference tensors do not track version counter.")
        bump(t)


class _MultiHandle(RemovableHandle):
    """Removes the hooks of several tensors at once."""

    __slots__ = ("handles",)
    handles: tuple[RemovableHandle, ...]

    def __init__(self, handles: tuple[RemovableHandle, ...]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for h in self.handles:
            h.remove()

    def __getstate__(self) -> Any:
        return self.handles

    def __setstate__(self, state: Any) -> None:
        self.handles = state


def register_multi_grad_hook(
    tensors: Sequence[Tensor | GradientEdge],
    fn: Callable[..., None],
    *,
    mode: Literal["all", "any"] = "all",
) -> RemovableHandle:
    """Call `fn` once per backward: with all gradients when the last of `tensors` has its own ("all": a sequence, None
    for those without), or with the first gradient that arrives ("any"). -> removal handle"""
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    from ..core import engine

    lock = threading.Lock()
    if mode == "all":
        buffers: dict[int, list[Tensor | None]] = {}
        counts: dict[int, int] = {}
        edges = [_edge_of(t) for t in tensors]
        if None in edges:
            raise AssertionError("Expected gradient function to be set")

        def make(index: int) -> Callable[[Tensor], None]:
            def hook(grad: Tensor) -> None:
                task = engine.current_task()
                assert task is not None
                with lock:
                    first = task.id not in counts
                    if first:
                        counts[task.id] = 0
                        buffers[task.id] = [None] * len(tensors)
                        task.expected = sum(task.will_reach(e) for e in edges)
                    counts[task.id] += 1
                    buffers[task.id][index] = grad
                    done = counts[task.id] == task.expected
                    if done:
                        grads = buffers.pop(task.id)
                        del counts[task.id]
                if done:
                    fn(grads)

            return hook

        return _MultiHandle(tuple(_register(t, make(i)) for i, t in enumerate(tensors)))

    seen: set[int] = set()

    def once(grad: Tensor) -> None:
        task = engine.current_task()
        assert task is not None
        with lock:
            first = task.id not in seen
            seen.add(task.id)
        if first:
            fn(grad)

    return _MultiHandle(tuple(_register(t, once) for t in tensors if _wants_grad(t)))


def _wants_grad(t: Tensor | GradientEdge) -> bool:
    return not isinstance(t, Tensor) or t.requires_grad


def _edge_of(t: Tensor | GradientEdge) -> Any:
    from .backward import edge_from

    return edge_from(t)


def _register(t: Tensor | GradientEdge, hook: Callable[[Tensor], None]) -> RemovableHandle:
    if isinstance(t, Tensor):
        return t.register_hook(hook)  # type: ignore[attr-defined, no-any-return]
    return t.node.register_prehook(lambda grads: hook(grads[t.output_nr]))  # type: ignore[no-any-return]


# ---------------------------------------------------------------- mutation of saved tensors


class _Handle:
    """What a node keeps instead of a tensor under `allow_mutation_on_saved_tensors`."""

    __slots__ = ("__weakref__",)


class _MutationContext:
    """The clones made so far: handles by (memory, version), the originals they stand for."""

    def __init__(self) -> None:
        self.cloned: WeakKeyDictionary[_Handle, Tensor] = WeakKeyDictionary()
        self.original: WeakKeyDictionary[_Handle, Tensor] = WeakKeyDictionary()
        self.handles: WeakValueDictionary[Any, _Handle] = WeakValueDictionary()

    def clear(self) -> None:
        self.cloned.clear()
        self.original.clear()
        self.handles.clear()

    def pack(self, t: Tensor) -> _Handle:
        key = (id(t._ver) if not isinstance(t._ver, int) else id(t), t._data.ctypes.data, tuple(t.shape), t._version)
        known = self.handles.get(key)
        if known is None:
            known = _Handle()
            self.handles[key] = known
            self.original[known] = t
        return known

    def unpack(self, handle: _Handle) -> Tensor:
        if handle in self.cloned:
            return self.cloned[handle]
        if handle in self.original:
            return self.original[handle]
        raise RuntimeError("Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin which the "
                           "graph was originally recorded.")  # fmt: skip

    def before_change(self, changed: Tensor) -> None:
        """`changed` is about to change in place: copy what is saved of the same memory."""
        counter = changed._ver
        for handle, t in list(self.original.items()):
            if t is changed or (t._ver is counter and not isinstance(counter, int)):
                self.cloned[handle] = t.detach().clone()  # type: ignore[attr-defined]
                del self.original[handle]


class allow_mutation_on_saved_tensors:
    """Context: tensors saved for backward may be changed in place; the old values are cloned just before."""

    def __enter__(self) -> _MutationContext:
        m = mode()
        if m.mutation_context is not None:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        self.context = _MutationContext()
        self._hooks = saved_tensors_hooks(self.context.pack, self.context.unpack)
        self._hooks.__enter__()
        set_mode(mode().replace(mutation_context=self.context))
        return self.context

    def __exit__(self, *args: object) -> None:
        set_mode(mode().replace(mutation_context=None))
        self._hooks.__exit__(*args)
        self.context.clear()
