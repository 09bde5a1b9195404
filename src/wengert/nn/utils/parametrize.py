"""Parametrizations: a parameter or buffer computed from another by a chain of modules.

The tensor's own name becomes a property of a class made for the one module; what is trained lives in
`module.parametrizations.<name>.original`.
"""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ...core import modes
from ...core.tensor import Tensor
from ..container import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

#: the values computed in the current `cached()` block, by (id of the module, name); None outside of any
_cache: ContextVar[dict[tuple[int, str], Any] | None] = ContextVar("wengert_parametrize_cache", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """Within this block each parametrized tensor is computed once."""
    if _cache.get() is not None:  # an inner block shares the outer one's values
        yield
        return
    token = _cache.set({})
    try:
        yield
    finally:
        _cache.reset(token)


def _store(module: Module, name: str, value: Any) -> None:
    """Register as what it is: a parameter or a buffer."""
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def _replace(dest: Any, src: Any) -> None:
    """Let `dest` have the data of `src`."""
    if dest.dtype == src.dtype and dest.shape == src.shape:
        with modes.no_grad():
            dest.copy_(src)
    else:
        dest.data = src.data if isinstance(src, Parameter) else src.detach()


def _is_tensors(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


_UNLESS = ", unless `unsafe` flag is enabled."


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, and the tensor (or tensors) that they start from.

    `original`: what the first parametrization takes; `original0`, `original1`, ... where `right_inverse` gives
    several.
    """

    original: Tensor
    unsafe: bool

    def __init__(self, modules: Sequence[Module], original: Any, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with modes.no_grad():
            new = original
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:
                        pass
        if not isinstance(new, Tensor) and not _is_tensors(new):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if original.dtype != new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\n"
                    f"right_inverse(original).dtype: {new.dtype}"
                )
            if original.device != new.device:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the device.\n"
                    f"original.device: {original.device}\n"
                    f"right_inverse(original).device: {new.device}"
                )
            # An optimizer may hold the original already: it stays the same object.
            original.data = new.data if isinstance(new, Parameter) else new.detach()
            _store(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                        f"Got element {i} of the sequence with type {type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                part.requires_grad_(original.requires_grad)
                _store(self, f"original{i}", part)
        if not unsafe:
            self._check_consistency(shape, dtype)

    def _check_consistency(self, shape: Any, dtype: Any) -> None:
        z = self()
        if not isinstance(z, Tensor):
            raise ValueError(f"A parametrization must return a tensor. Got {type(z).__name__}.")
        if z.dtype != dtype:
            raise ValueError(
                f"Registering a parametrization may not change the dtype of the tensor{_UNLESS}\n"
                f"unparametrized dtype: {dtype}\nparametrized dtype: {z.dtype}"
            )
        if z.shape != shape:
            raise ValueError(
                f"Registering a parametrization may not change the shape of the tensor{_UNLESS}\n"
                f"unparametrized shape: {shape}\nparametrized shape: {z.shape}"
            )

    def right_inverse(self, value: Any) -> None:
        """Set the originals so that the parametrized tensor becomes `value`: what assigning to it calls."""
        with modes.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
                if value.dtype != self.original.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {value.dtype} while `original` has dtype "
                        f"{self.original.dtype}"
                    )
                _replace(self.original, value)
                return
            if not _is_tensors(value):
                raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}.")
            if len(value) != self.ntensors:
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors of length "
                    f"{self.ntensors}. Got a sequence of length {len(value)}."
                )
            for i, part in enumerate(value):
                original = getattr(self, f"original{i}")
                if not isinstance(part, Tensor):
                    raise ValueError(
                        f"`right_inverse` must return a sequence of tensors. Got element {i} of type "
                        f"{type(part).__name__}"
                    )
                if part.dtype != original.dtype:
                    raise ValueError(
                        f"Tensor {i} returned by `right_inverse` has dtype {part.dtype} while `original{i}` has dtype "
                        f"{original.dtype}"
                    )
                _replace(original, part)

    def forward(self) -> Any:
        """The parametrized tensor."""
        if self.is_tensor:
            value = self[0](self.original)
        else:
            value = self[0](*(getattr(self, f"original{i}") for i in range(self.ntensors)))
        for module in list(self)[1:]:
            value = module(value)
        return value


_NO_PICKLE = (
    "Serialization of parametrized modules is only supported through state_dict(). See:\n"
    "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
    "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
)


def _inject_new_class(module: Module) -> None:
    """Give `module` a class of its own, on which properties can be put."""
    base = module.__class__

    def __getstate__(self: Module) -> Any:
        raise RuntimeError(_NO_PICKLE)

    def __deepcopy__(self: Module, memo: dict[int, Any]) -> Any:
        known = memo.get(id(self))
        if known is not None:
            return known
        replica = self.__new__(self.__class__)
        memo[id(self)] = replica
        replica.__dict__ = copy.deepcopy(self.__dict__, memo)
        # The copy gets a class of its own too, so that removing a parametrization from one leaves the other.
        replica.__class__ = type(self).__bases__[0]
        _inject_new_class(replica)
        for name in replica.parametrizations:
            _inject_property(replica, name)
        return replica

    members: dict[str, Any] = {"__getstate__": __getstate__, "__module__": __name__}
    if not hasattr(base, "__deepcopy__"):
        members["__deepcopy__"] = __deepcopy__
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), members)


def _inject_property(module: Module, tensor_name: str) -> None:
    """Make `tensor_name` a property of the module's own class."""
    if hasattr(module, tensor_name) and tensor_name not in module.__dict__:
        raise AssertionError(f"{type(module).__name__} has an attribute {tensor_name} already")

    def get(self: Any) -> Any:
        known = _cache.get()
        if known is None:
            return self.parametrizations[tensor_name]()
        key = (id(self), tensor_name)
        if key not in known:
            known[key] = self.parametrizations[tensor_name]()
        return known[key]

    def set(self: Any, value: Any) -> None:
        self.parametrizations[tensor_name].right_inverse(value)

    setattr(module.__class__, tensor_name, property(get, set))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute `module.<tensor_name>` by `parametrization` from now on; a second one is applied after the first.

    `unsafe`: let the parametrization change shape and dtype. Errors: ValueError where there is no such tensor, or
    where a parametrization changes what it may not.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if unsafe:
            for one in module.parametrizations[tensor_name]:
                one.unsafe = True
        else:
            before = getattr(module, tensor_name)
            after = parametrization(before)
            _check_next(parametrization, before, after)
        lists: Any = module.parametrizations
        lists[tensor_name].append(parametrization)
        lists[tensor_name].unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        chain = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _inject_new_class(module)
            module.parametrizations = ModuleDict()
        _inject_property(module, tensor_name)
        module.parametrizations[tensor_name] = chain
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def _check_next(parametrization: Any, before: Any, after: Any) -> None:
    """A parametrization applied to the result of others may not change shape or dtype, in either direction."""
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    if after.dtype != before.dtype:
        raise ValueError(
            f"Registering a parametrization may not change the dtype of the tensor{_UNLESS}\n"
            f"module.{parametrization._get_name()} dtype: {before.dtype}\nparametrized dtype: {after.dtype}"
        )
    if after.shape != before.shape:
        raise ValueError(
            f"Registering a parametrization may not change the shape of the tensor{_UNLESS}\n"
            f"unparametrized shape: {before.shape}\nparametrized shape: {after.shape}"
        )
    if hasattr(parametrization, "right_inverse"):
        try:
            back = parametrization.right_inverse(after)
        except NotImplementedError:
            return
        if not isinstance(back, Tensor):
            raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
        if back.dtype != after.dtype:
            raise ValueError(
                "The tensor returned by parametrization.right_inverse must have the same dtype as the tensor it was "
                f"given{_UNLESS}\nmodule dtype: {after.dtype}\nreturned dtype: {back.dtype}"
            )
        if back.shape != after.shape:
            raise ValueError(
                "The tensor returned by parametrization.right_inverse must have the same shape as the tensor it was "
                f"given{_UNLESS}\nmodule shape: {after.shape}\nreturned shape: {back.shape}"
            )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module has any parametrization, or one on `tensor_name`."""
    parametrizations = getattr(module, "parametrizations", None)
    if parametrizations is None or not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make `tensor_name` an ordinary tensor again: its parametrized value, or else the original.

    Errors: ValueError where there is no parametrization, or where the original is a sequence of tensors.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    lists: Any = module.parametrizations
    chain = lists[tensor_name]
    if chain.is_tensor:
        original = chain.original
        if leave_parametrized:
            with modes.no_grad():
                value = getattr(module, tensor_name)
            if original.requires_grad or isinstance(original, Parameter):
                # The same Parameter object, with the value: an optimizer may hold it.
                _replace_data(original, value)
            else:
                original = value.detach()
    else:
        if not leave_parametrized:
            raise ValueError(
                "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
                "sequence of tensors."
            )
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value.detach()
    delattr(module.__class__, tensor_name)
    del lists[tensor_name]
    _store(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = module.__class__.__bases__[0]
    return module


def _replace_data(dest: Any, src: Any) -> None:
    dest.data = src.detach()


def type_before_parametrizations(module: Module) -> type:
    """The module's class without the parametrizations."""
    return module.__class__.__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Copy the parametrizations (all, or that of `tensor_name`) and their tensors to `to_module`."""
    if not is_parametrized(from_module):
        return to_module
    lists: Any = from_module.parametrizations
    if not isinstance(lists, ModuleDict):
        raise AssertionError("from_module.parametrizations must be a ModuleDict")
    for name in lists if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        for one in lists[name]:
            register_parametrization(to_module, name, copy.deepcopy(one))
        source, target = lists[name], to_module.parametrizations[name]
        if source.is_tensor:
            target.original = source.original
        else:
            for i in range(source.ntensors):
                setattr(target, f"original{i}", getattr(source, f"original{i}"))
    return to_module
