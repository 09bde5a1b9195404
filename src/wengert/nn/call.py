"""A module call with hooks around `forward`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import warn
from ..core.tensor import Tensor
from .hooks import BorderHooks, OldBackwardHook, everywhere

if TYPE_CHECKING:
    from .module import Module


class HookedCall:
    """One call of a module that has hooks."""

    def __init__(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module = module
        self.args = args
        self.kwargs = kwargs
        self.result: Any = None
        self.always_done: set[int] = set()

    def run(self) -> Any:
        module = self.module
        full, regular = module._get_backward_hooks()
        pre = module._get_backward_pre_hooks()
        self._run_pre_hooks()
        border = None
        if full or pre:
            border = BorderHooks(module, full, pre)
            self.args = border.wrap_inputs(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        for key, hook, with_kwargs, always in self._forward_hooks():
            if always:
                self.always_done.add(key)
            self._run_forward_hook(hook, with_kwargs)
        if border is not None:
            if not isinstance(self.result, (Tensor, tuple)):
                warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors"
                    f" but received {type(self.result)}"
                )
            self.result = border.wrap_outputs(self.result)
        if regular:
            self._attach_regular_hooks(regular)
        return self.result

    def _run_pre_hooks(self) -> None:
        module = self.module
        with_kwargs = module._forward_pre_hooks_with_kwargs
        for key, hook in (*everywhere.forward_pre.items(), *module._forward_pre_hooks.items()):
            if key in with_kwargs:
                result = hook(module, self.args, self.kwargs)
                if result is None:
                    continue
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {result}."
                    )
                self.args, self.kwargs = result
            else:
                result = hook(module, self.args)
                if result is not None:
                    self.args = result if isinstance(result, tuple) else (result,)

    def _forward_hooks(self) -> list[tuple[int, Any, bool, bool]]:
        """(id, hook, with_kwargs, always_call), the process-wide ones first."""
        module = self.module
        return [
            (key, hook, key in everywhere.forward_with_kwargs, key in everywhere.forward_always)
            for key, hook in everywhere.forward.items()
        ] + [
            (key, hook, key in module._forward_hooks_with_kwargs, key in module._forward_hooks_always_called)
            for key, hook in module._forward_hooks.items()
        ]

    def _run_forward_hook(self, hook: Any, with_kwargs: bool) -> None:
        if with_kwargs:
            result = hook(self.module, self.args, self.kwargs, self.result)
        else:
            result = hook(self.module, self.args, self.result)
        if result is not None:
            self.result = result

    def run_skipped_always_hooks(self) -> None:
        """After an error: run the `always_call` hooks that have not run; their own errors become warnings."""
        for key, hook, with_kwargs, always in self._forward_hooks():
            if not always or key in self.always_done:
                continue
            try:
                self._run_forward_hook(hook, with_kwargs)
            except Exception as error:
                which = "global module" if key in everywhere.forward else "module"
                warn(
                    f"{which} forward hook with ``always_call=True`` raised an exception "
                    f"that was silenced as another error was raised in forward: {error}"
                )

    def _attach_regular_hooks(self, hooks: list[Any]) -> None:
        var = self.result
        while not isinstance(var, Tensor):
            if isinstance(var, dict):
                var = next(v for v in var.values() if isinstance(v, Tensor))
            else:
                var = var[0]
        node = var.grad_fn
        if node is not None:
            for hook in hooks:
                node.register_hook(OldBackwardHook(hook, self.module))
            self._warn_regular(node)

    def _warn_regular(self, node: Any) -> None:
        """Say what a regular backward hook on this node will miss."""
        for values, what, grads in (
            (self.result, "does not return", "grad_output"),
            (self.args, "does not take as input", "grad_input"),
        ):
            if not isinstance(values, Tensor) and not (
                isinstance(values, tuple) and all(isinstance(v, Tensor) for v in values)
            ):
                _warn_future(
                    f"Using non-full backward hooks on a Module that {what} a single Tensor or a tuple of Tensors "
                    "is deprecated and will be removed in future versions. This hook will be missing some of the "
                    f"{grads}. Please use register_full_backward_hook to get the documented behavior."
                )
                return
        outs = self.result if isinstance(self.result, tuple) else (self.result,)
        out_nodes = {t.grad_fn for t in outs if t.grad_fn is not None}
        if not out_nodes or (len(out_nodes) == 1 and node not in out_nodes) or len(out_nodes) > 1:
            _warn_future(
                "Using a non-full backward hook when outputs are generated by different autograd Nodes is deprecated "
                "and will be removed in future versions. This hook will be missing some grad_output. Please use "
                "register_full_backward_hook to get the documented behavior."
            )
            return
        in_nodes = {t.grad_fn for t in self.args if t.grad_fn is not None}
        if in_nodes != {edge[0] for edge in node.next_functions}:
            _warn_future(
                "Using a non-full backward hook when the forward contains multiple autograd Nodes is deprecated and "
                "will be removed in future versions. This hook will be missing some grad_input. Please use "
                "register_full_backward_hook to get the documented behavior."
            )


def _warn_future(message: str) -> None:
    warn(message, FutureWarning)
