"""`FloatTensor`, `LongTensor` and their kin: names that make tensors of one dtype and recognise them."""

from __future__ import annotations

from typing import Any

from ..core.dtypes import DTYPES, FLOATING, dtype, set_default_dtype
from ..core.errors import warn_once
from ..core.storage import TypedStorage
from ..core.tensor import Tensor
from .create import check_device
from .data import legacy
from .install import FUNCTIONS, public


class TensorType(type):
    """The class of these names: calling one makes a tensor, `isinstance` looks at the dtype."""

    dtype: dtype

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        check_device(kwargs.pop("device", None), "new")
        if kwargs:
            raise TypeError(f"new() received an invalid combination of arguments - got ({', '.join(kwargs)})")
        return legacy(args, cls.dtype)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __subclasscheck__(cls, other: Any) -> bool:
        return cls is other

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


for _kind in DTYPES.values():
    _name = _kind.scalar_name + "Tensor"
    if _kind.name in (
        "float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool",
    ):  # fmt: skip
        FUNCTIONS[_name] = TensorType(_name, (), {"dtype": _kind, "is_cuda": False, "__module__": "torch"})


class StorageType(type):
    """The class of `FloatStorage` and its kin: makes storages of one dtype and recognises them."""

    dtype: dtype

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return TypedStorage(*args, dtype=cls.dtype, _internal=True, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is cls.dtype

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


for _kind in DTYPES.values():
    if _kind.name not in ("complex32", "uint16", "uint32", "uint64"):
        _name = _kind.scalar_name + "Storage"
        FUNCTIONS[_name] = StorageType(_name, (), {"dtype": _kind, "is_cuda": False, "__module__": "torch"})
FUNCTIONS["Storage"] = FUNCTIONS["FloatStorage"]


@public(name="new", function=False)
def new_method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """A tensor of this dtype from sizes or data, as the legacy constructors make it."""
    check_device(kwargs.pop("device", None), "new")
    return legacy(args, self.dtype)


@public(method=False)
def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by the name of a tensor type. Deprecated by PyTorch."""
    warn_once(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives."
    )
    kind = FUNCTIONS.get(t.removeprefix("torch.")) if isinstance(t, str) else t
    if not isinstance(kind, TensorType) or kind.dtype.category != FLOATING:
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    set_default_dtype(kind.dtype)
