"""Lazy modules: parameters get their shape from the first input."""

from __future__ import annotations

from typing import Any

from .parameter import is_lazy


class LazyModuleMixin:
    """Mix in before the base module; define `initialize_parameters(*args, **kwargs)` to give the tensors their shape.

    At the first call the parameters are initialised, the hooks go away, and the class becomes `cls_to_become`.
    """

    cls_to_become: type | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        this: Any = self
        this._load_hook = this._register_load_state_dict_pre_hook(_before_load, with_module=True)
        this._initialize_hook = this.register_forward_pre_hook(_before_forward, with_kwargs=True)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        # An uninitialised tensor cannot be detached: it goes into the state dict as it is.
        this: Any = self
        for name, param in this._parameters.items():
            if param is not None:
                destination[prefix + name] = param if is_lazy(param) or keep_vars else param.detach()
        for name, buffer in this._buffers.items():
            if buffer is not None and name not in this._non_persistent_buffers_set:
                destination[prefix + name] = buffer if is_lazy(buffer) or keep_vars else buffer.detach()

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the uninitialised tensors their shape from the first input; subclasses define this."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {self.__class__.__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module still lacks its shape."""
        this: Any = self
        return any(is_lazy(t) for t in (*this._parameters.values(), *this._buffers.values()))

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *_: Any) -> None:
        """Before a load: take the shape of what is to be loaded."""
        from ..core import modes

        this: Any = self
        for name, t in (*this._parameters.items(), *this._buffers.items()):
            key = prefix + name
            if key in state_dict and t is not None and is_lazy(t):
                value = state_dict[key]
                if not is_lazy(value):
                    with modes.no_grad():
                        t.materialize(value.shape)

    def _infer_parameters(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        """Give `module` (which is this one) its parameters' shapes from the first input, and make it an ordinary one."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module.__dict__["_initialize_hook"], module.__dict__["_load_hook"]
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


# The hooks are functions: a bound method of the module, kept by the module, would be a reference cycle.


def _before_load(module: Any, *args: Any) -> None:
    module._lazy_load_hook(*args)


def _before_forward(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
    module._infer_parameters(module, args, kwargs)
