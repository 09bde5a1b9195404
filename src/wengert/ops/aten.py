"""`torch.ops.aten`: the operations that run, under PyTorch's internal names, for policies that speak of them.

`torch.ops.aten.mm.default` is an `OpOverload`: one object for each name, so that `op == torch.ops.aten.mm.default` and
lists of them work. Calling it calls the operation. Which operations run is what our primitives are: where PyTorch has
one fused operation and we have three, or the other way round, policies see ours.
"""

from __future__ import annotations

from typing import Any

from ..core.primitive import TABLE, Primitive
from .install import FUNCTIONS

#: primitive -> (PyTorch's name, overload), where they are not the primitive's name and "default"
_CALLED = {
    "pow_scalar": ("pow", "Tensor_Scalar"), "pow": ("pow", "Tensor_Tensor"), "max_all": ("max", "default"),
    "min_all": ("min", "default"), "max_along": ("max", "dim"), "min_along": ("min", "dim"), "add_alpha": ("add", "Tensor"),
    "sub_alpha": ("sub", "Tensor"), "div_floor": ("div", "Tensor_mode"), "div_trunc": ("div", "Tensor_mode"),
    "masked_fill": ("masked_fill", "Scalar"), "masked_fill_tensor": ("masked_fill", "Tensor"), "fill": ("fill", "Scalar"),
    "fill_tensor": ("fill", "Tensor"), "to_dtype": ("_to_copy", "default"), "softmax": ("_softmax", "default"),
    "log_softmax": ("_log_softmax", "default"), "conv_forward": ("convolution", "default"), "matmul": ("bmm", "default"),
    "slice": ("slice", "Tensor"), "select": ("select", "int"), "transpose": ("transpose", "int"), "unbind": ("unbind", "int"),
    "clamp_above": ("clamp_max", "default"), "clamp_below": ("clamp_min", "default"), "clamp_between": ("clamp", "default"),
    "lerp": ("lerp", "Tensor"), "unsafe_view": ("_unsafe_view", "default"), "median_all": ("median", "default"),
    "scaled_dot_product_attention": ("_scaled_dot_product_flash_attention_for_cpu", "default"),
}  # fmt: skip
_TENSOR = frozenset(
    "add sub mul div remainder fmod eq ne lt le gt ge bitwise_and bitwise_or bitwise_xor xlogy copysign".split()
)
#: the overload names that an operation may be asked for
_FORMS = frozenset(
    "default Tensor Scalar Tensor_Scalar Tensor_Tensor Scalar_Tensor int out dim dim_int dim_IntList Tensor_mode Scalar_mode "
    "src value dims self".split()
)
_OF_DIM = {"sum": "dim_IntList", "mean": "dim", "prod": "dim_int", "any": "dim", "all": "dim", "logsumexp": "default"}


class OpOverloadPacket:
    """All forms of one operation: `torch.ops.aten.mm`; its attributes are the forms."""

    __module__ = "torch._ops"

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self._forms: dict[str, OpOverload] = {}

    def __getattr__(self, form: str) -> OpOverload:
        if form not in _FORMS:
            raise AttributeError(f"The underlying op of 'aten.{self.__name__}' has no overload name '{form}'")
        return self._forms.setdefault(form, OpOverload(self, form))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return function_of(self.__name__)(*args, **kwargs)

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='aten.{self.__name__}')>"


class OpOverload:
    """One form of one operation: `torch.ops.aten.mm.default`."""

    __module__ = "torch._ops"

    def __init__(self, packet: OpOverloadPacket, form: str) -> None:
        self.overloadpacket = packet
        self._overloadname = form
        self.__name__ = f"{packet.__name__}.{form}"
        self.namespace = "aten"

    def name(self) -> str:
        """`aten::add.Tensor`"""
        form = "" if self._overloadname == "default" else "." + self._overloadname
        return f"aten::{self.overloadpacket.__name__}{form}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.overloadpacket(*args, **kwargs)

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self.overloadpacket.__name__}', overload='{self._overloadname}')>"


_packets: dict[str, OpOverloadPacket] = {}
_PRIMITIVES = {called: prim for prim, (called, _) in _CALLED.items()}


def __getattr__(name: str) -> OpOverloadPacket:
    known = _packets.get(name)
    if known is None:
        if name not in _PRIMITIVES and name not in TABLE and name not in FUNCTIONS:
            raise AttributeError(f"'_OpNamespace' 'aten' object has no attribute '{name}'")
        known = _packets[name] = OpOverloadPacket(name)
    return known


def function_of(name: str) -> Any:
    """What a call of the operation calls."""
    return FUNCTIONS.get(name) or TABLE[_PRIMITIVES.get(name, name)]


def overload_of(prim: Primitive, params: dict[str, Any]) -> OpOverload:
    """The operation that a primitive is, called with these parameters."""
    called = _CALLED.get(prim.name)
    if called is None:
        form = "default"
        if prim.name in _TENSOR:
            form = "Tensor"
        elif params.get("dim") is not None:
            form = _OF_DIM.get(prim.name, "default")
        called = prim.name, form
    name, form = called
    return getattr(_packets.get(name) or _packets.setdefault(name, OpOverloadPacket(name)), form)  # type: ignore[no-any-return]
