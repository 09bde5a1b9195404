"""Module hooks: the handle, the process-wide tables, and the machine behind full backward hooks.

A full backward hook wants the gradients at a module's border: with respect to its inputs and its outputs. The border
is drawn with an identity `autograd.Function` around the inputs and another around the outputs; the hooks of their two
graph nodes see exactly those gradients.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..core import modes
from ..core.errors import warn
from ..core.hooks import RemovableHandle
from ..core.tensor import Tensor

if TYPE_CHECKING:
    from .module import Module


class GlobalHooks:
    """The hooks that run for every module of the process (`register_module_forward_hook` and its kin)."""

    def __init__(self) -> None:
        self.forward_pre: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.forward: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.forward_with_kwargs: OrderedDict[int, bool] = OrderedDict()
        self.forward_always: OrderedDict[int, bool] = OrderedDict()
        self.backward_pre: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.backward: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.backward_is_full: bool | None = None
        self.buffer_registration: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.parameter_registration: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.module_registration: OrderedDict[int, Callable[..., Any]] = OrderedDict()


everywhere = GlobalHooks()


def add(table: Any, hook: Any, *, prepend: bool = False, flags: Iterable[Any] = ()) -> RemovableHandle:
    """Put `hook` into `table`, and its id into each of the `flags` tables."""
    flags = list(flags)
    handle = RemovableHandle(table, extra_dict=flags)
    table[handle.id] = hook
    for flag in flags:
        flag[handle.id] = True
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, args)` before the forward of every module."""
    return add(everywhere.forward_pre, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Run `hook(module, args, output)` after the forward of every module."""
    flags = [everywhere.forward_with_kwargs] if with_kwargs else []
    if always_call:
        flags.append(everywhere.forward_always)
    return add(everywhere.forward, hook, flags=flags)


_MIXED_GLOBAL = (
    "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
    "Please use only one of them."
)


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """The old, node-level backward hook for every module; prefer `register_module_full_backward_hook`."""
    if everywhere.backward_is_full is True:
        raise RuntimeError(_MIXED_GLOBAL)
    everywhere.backward_is_full = False
    return add(everywhere.backward, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, grad_input, grad_output)` when the gradients at a module's border are known."""
    if everywhere.backward_is_full is False:
        raise RuntimeError(_MIXED_GLOBAL)
    everywhere.backward_is_full = True
    return add(everywhere.backward, hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, grad_output)` before the gradient of every module is computed."""
    return add(everywhere.backward_pre, hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, name, buffer)` when a buffer is registered; a result other than None replaces it."""
    return add(everywhere.buffer_registration, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, name, submodule)` when a submodule is registered; a result other than None replaces it."""
    return add(everywhere.module_registration, hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, name, param)` when a parameter is registered; a result other than None replaces it."""
    return add(everywhere.parameter_registration, hook)


class OldBackwardHook:
    """A regular (not full) backward hook, bound to its module, in the form that a graph node calls."""

    def __init__(self, hook: Callable[..., Any], module: Module) -> None:
        self.hook = hook
        self.module = weakref.ref(module)
        self.__name__ = getattr(hook, "__name__", type(hook).__name__)

    def __call__(self, grad_input: Any, grad_output: Any) -> Any:
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, grad_input, grad_output)


_border: Any = None


def _border_function() -> Any:
    """The identity Function that marks a module's border (made at first use: it needs the autograd package)."""
    global _border
    if _border is None:
        from ..autograd import Function

        class BackwardHookFunction(Function):
            @staticmethod
            def forward(ctx: Any, *args: Any) -> Any:
                ctx.mark_non_differentiable(*[a for a in args if not a.requires_grad])
                return args

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                return grads

        _border = BackwardHookFunction
    return _border


def _all_none(result: Any) -> bool:
    return isinstance(result, tuple) and all(r is None for r in result)


class BorderHooks:
    """One forward call's full backward hooks: wraps the inputs, then the outputs, and runs the hooks between."""

    def __init__(self, module: Module, hooks: list[Any], pre_hooks: list[Any]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.grad_outputs: Any = None
        self.n_inputs = -1
        self.n_outputs = -1
        self.input_places: list[int] | None = None
        self.output_places: list[int] | None = None

    def wrap_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        args, self.input_places = self._wrap(args, self._at_input)
        self.n_inputs = len(args)
        return args

    def wrap_outputs(self, result: Any) -> Any:
        outs = result if isinstance(result, tuple) else (result,)
        outs, self.output_places = self._wrap(outs, self._at_output)
        self.n_outputs = len(outs)
        if isinstance(result, tuple):
            # A named tuple keeps its class.
            return outs if type(result) is tuple else type(result)._make(outs)  # type: ignore[attr-defined]
        return outs[0]

    @staticmethod
    def _wrap(args: tuple[Any, ...], hook: Callable[..., Any]) -> tuple[tuple[Any, ...], list[int] | None]:
        places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        if not modes.is_grad_enabled() or not any(args[i].requires_grad for i in places):
            return args, None
        wrapped = _border_function().apply(*[args[i] for i in places])
        if isinstance(wrapped, Tensor):
            wrapped = (wrapped,)
        node = next(t.grad_fn for t in wrapped if t.grad_fn is not None)
        node.register_hook(hook)
        new = list(args)
        for place, t in zip(places, wrapped):
            new[place] = t
        return tuple(new), places

    @staticmethod
    def _spread(places: list[int], values: Any, n: int) -> tuple[Any, ...]:
        full: list[Any] = [None] * n
        for place, value in zip(places, values):
            full[place] = value
        return tuple(full)

    def _at_output(self, _grad_input: Any, grad_output: Any) -> Any:
        places = self.output_places
        assert places is not None
        grads: Any = self._spread(places, grad_output, self.n_outputs)
        for pre_hook in self.pre_hooks:
            result = pre_hook(self.module, grads)
            if result is None:
                continue
            if len(result) != self.n_outputs:
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(result)}, but expected {self.n_outputs}"
                )
            grads = result
        self.grad_outputs = grads
        if self.input_places is None:
            # No input requires a gradient, so the other border was never drawn: the hooks run here.
            warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
                "#torch.nn.Module.register_full_backward_hook for more details."
            )
            nothing = (None,) * self.n_inputs
            for hook in self.hooks:
                result = hook(self.module, nothing, grads)
                if result is not None and not _all_none(result):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or "
                        "None for all gradients."
                    )
            self.grad_outputs = None
        return tuple(grads[i] for i in places)

    def _at_input(self, grad_input: Any, _grad_output: Any) -> Any:
        if self.grad_outputs is None:
            # The module's outputs took no part in this backward pass.
            return None
        places = self.input_places
        assert places is not None
        grads: Any = self._spread(places, grad_input, self.n_inputs)
        for hook in self.hooks:
            result = hook(self.module, grads, self.grad_outputs)
            if result is None or _all_none(result):
                continue
            if len(result) != len(grads):
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(result)}, but expected {len(grads)}"
                )
            grads = result
        self.grad_outputs = None
        return tuple(grads[i] for i in places)


class LoadPreHook:
    """A pre-hook of `load_state_dict`, bound to its module (weakly, so that a module is freed at once)."""

    def __init__(self, hook: Callable[..., Any], module: Module | None) -> None:
        self.hook = hook
        self.module = None if module is None else weakref.ref(module)

    def __call__(self, *args: Any) -> Any:
        if self.module is None:
            return self.hook(*args)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args)

    def __getstate__(self) -> dict[str, Any]:
        return {"hook": self.hook, "module": None if self.module is None else self.module()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["hook"], state["module"])  # type: ignore[misc]
