"""Loading a state dict: every mismatch is collected, and reported in one error."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core import modes
from ..core.errors import warn
from ..core.tensor import Tensor
from .parameter import Parameter, is_lazy

if TYPE_CHECKING:
    from .module import Module

EXTRA_STATE = "_extra_state"


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class _IncompatibleKeys(_Keys):
    """What `load_state_dict` returns: the keys that were missing, and those that had no use."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


def load_state_dict(module: Module, state_dict: Any, strict: bool, assign: bool) -> _IncompatibleKeys:
    """The work of `Module.load_state_dict`. Errors: TypeError for no mapping, RuntimeError listing all mismatches."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    metadata = getattr(state_dict, "_metadata", None)
    # Pre-hooks may edit the dict, so it is a copy of the user's.
    own: Any = OrderedDict(state_dict)
    if metadata is not None:
        own._metadata = metadata
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []

    def load(part: Module, state: Any, prefix: str) -> None:
        local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
        if assign:
            local_metadata["assign_to_params_buffers"] = assign
        part._load_from_state_dict(state, prefix, local_metadata, True, missing, unexpected, errors)
        for name, child in part._modules.items():
            if child is not None:
                below = prefix + name + "."
                load(child, {key: value for key, value in state.items() if key.startswith(below)}, below)
        keys = _IncompatibleKeys(missing, unexpected)
        for hook in part._load_state_dict_post_hooks.values():
            if hook(part, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )

    load(module, own, "")
    if strict:
        for what, names in (("Unexpected", unexpected), ("Missing", missing)):
            if names:
                quoted = ", ".join(f'"{name}"' for name in names)
                errors.insert(0, f"{what} key(s) in state_dict: {quoted}. ")
    if errors:
        listed = "\n\t".join(errors)
        raise RuntimeError(f"Error(s) in loading state_dict for {module.__class__.__name__}:\n\t{listed}")
    return _IncompatibleKeys(missing, unexpected)


def load_from_state_dict(
    module: Module,
    state_dict: Any,
    prefix: str,
    local_metadata: Any,
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Load the parameters and buffers of `module` alone, not of its children."""
    for hook in module._load_state_dict_pre_hooks.values():
        hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
    assign = local_metadata.get("assign_to_params_buffers", False)
    transient = module._non_persistent_buffers_set
    buffers = ((name, buffer) for name, buffer in module._buffers.items() if name not in transient)
    local = {name: t for name, t in itertools.chain(module._parameters.items(), buffers) if t is not None}

    for name, param in local.items():
        key = prefix + name
        if key in state_dict:
            error = _load_one(module, name, key, param, state_dict[key], assign)
            if error is not None:
                error_msgs.append(error)
        elif strict:
            missing_keys.append(key)

    extra_key = prefix + EXTRA_STATE
    if type(module).set_extra_state is not _module_class().set_extra_state:
        if extra_key in state_dict:
            module.set_extra_state(state_dict[extra_key])
        elif strict:
            missing_keys.append(extra_key)
    elif strict and extra_key in state_dict:
        unexpected_keys.append(extra_key)

    if strict:
        for key in state_dict:
            if not key.startswith(prefix) or key == extra_key:
                continue
            name, dot, _ = key[len(prefix) :].partition(".")
            if name not in (module._modules if dot else local):
                unexpected_keys.append(key)


def _module_class() -> Any:
    from .module import Module

    return Module


def _load_one(module: Module, name: str, key: str, param: Any, value: Any, assign: bool) -> str | None:
    """Load one tensor; the text of what is wrong, or None."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
    lazy = is_lazy(param)
    if not lazy and len(param.shape) == 0 and len(value.shape) == 1:
        # Checkpoints of PyTorch 0.3 stored scalars with one dimension.
        value = value[0]  # type: ignore[index]
    if not lazy and value.shape != param.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {param.shape}."
        )
    try:
        with modes.no_grad():
            if not assign:
                if param.is_meta and not value.is_meta:
                    warn(
                        f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current "
                        "model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the state "
                        "dictionary to their corresponding key in the module instead of copying them in place?)"
                    )
                param.copy_(value)
                return None
            if isinstance(param, Parameter):
                if not isinstance(value, Parameter):
                    value = Parameter(value, requires_grad=param.requires_grad)
                else:
                    value.requires_grad_(param.requires_grad)
            setattr(module, name, value)
    except Exception as error:
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {param.size()} and whose '
            f"dimensions in the checkpoint are {value.size()}, an exception occurred : {error.args}."
        )
    return None
