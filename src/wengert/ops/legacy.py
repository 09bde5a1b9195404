"""`FloatTensor`, `LongTensor` and their kin: names that make tensors of one dtype and recognise them."""

from __future__ import annotations

from typing import Any

from ..core.dtypes import DTYPES, dtype
from ..core.tensor import Tensor
from .create import check_device
from .data import legacy
from .install import FUNCTIONS


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
