"""Mixing three tensors: lerp, addcmul, addcdiv."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dispatch import dispatch
from ..core.inplace import inplace_with, write_out
from ..core.primitive import elementwise
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels.scalars import convert_scalar
from .compare import tensor_operand
from .install import public
from .lines import c_name, refuse, supported
from .select import _tensors as tensors_of


def _lerp_kernel(x: Any, y: Any, weight: Any) -> Any:
    """x + weight * (y - x), from the nearer end: exact at both."""
    step = y - x
    if weight.ndim == 0:
        return x + weight * step if abs(weight) < 0.5 else y - step * (1 - weight)
    near = np.abs(weight) < 0.5
    return np.where(near, x + weight * step, y - step * (1 - weight)).astype(x.dtype, copy=False)


_lerp = elementwise(
    "lerp",
    inputs=("x", "y", "weight"),
    kernel=_lerp_kernel,
    vjp=dict(
        x=lambda xp, g, weight: g * xp.conj(1 - weight),
        y=lambda xp, g, weight: g * xp.conj(weight),
        weight=lambda xp, g, x, y: g * xp.conj(y - x),
    ),
    promote="keep",
    node="LerpBackward1",
    saved_names=dict(y="end"),
)
_lerp_scalar = _lerp.renamed("LerpBackward0")


def _lerped(x: Any, end: Any, weight: Any, name: str) -> Any:
    tensor_operand(x, name, 1, "input")
    tensor_operand(end, name, 2, "end")
    if x.dtype is not end.dtype:
        raise RuntimeError(f"expected dtype {c_name(x.dtype)} for `end` but got dtype {c_name(end.dtype)}")
    if isinstance(weight, Tensor):
        if weight.dtype is not x.dtype:
            raise RuntimeError(f"expected dtype {c_name(x.dtype)} for `weight` but got dtype {c_name(weight.dtype)}")
        refuse(x, "bi", f"\"lerp_kernel_tensor\" not implemented for '{x.dtype.scalar_name}'", NotImplementedError)
        return _lerp(x, end, weight)
    refuse(x, "bi", f"\"lerp_kernel_scalar\" not implemented for '{x.dtype.scalar_name}'", NotImplementedError)
    return dispatch(_lerp, (x, end, weight), {}, _lerp_scalar)


@public
def lerp(input: Tensor, end: Tensor, weight: Any, *, out: Tensor | None = None) -> Tensor:
    """input + weight * (end - input), broadcast; `weight` is a number or a tensor. Differentiable in all three."""
    y: Tensor = _lerped(input, end, weight, "lerp")
    return y if out is None else write_out(out, y, "lerp")


@public(name="lerp_", function=False)
def lerp_(self: Tensor, end: Tensor, weight: Any) -> Tensor:
    return inplace_with(lambda old: _lerped(old, end, weight, "lerp_"), self, tensors_of(end, weight))


_addcmul = elementwise(
    "addcmul",
    inputs=("x", "y", "z"),
    params=("value",),
    kernel=supported(
        lambda x, y, z, value: x + (y * z if value == 1 else convert_scalar(value, x.dtype) * y * z), "addcmul_cpu_out", "b"
    ),
    vjp=dict(
        x=lambda xp, g: g,
        y=lambda xp, g, z, value: g * xp.conj(z * value),
        z=lambda xp, g, y, value: g * xp.conj(y * value),
    ),
    promote="keep",
    saved_names=dict(y="tensor1", z="tensor2"),
)
_addcdiv = elementwise(
    "addcdiv",
    inputs=("x", "y", "z"),
    params=("value",),
    kernel=lambda x, y, z, value: x + (y / z if value == 1 else convert_scalar(value, x.dtype) * y / z),
    vjp=dict(
        x=lambda xp, g: g,
        y=lambda xp, g, z, value: g * xp.conj(value / z),
        z=lambda xp, g, y, z, value: -g * xp.conj(value * y / (z * z)),
    ),
    promote="keep",
    saved_names=dict(y="tensor1", z="tensor2"),
)


def _combined(prim: Any, x: Any, y: Any, z: Any, value: Any) -> Any:
    name = prim.name
    for i, (a, arg) in enumerate(((x, "input"), (y, "tensor1"), (z, "tensor2")), 1):
        tensor_operand(a, name, i, arg)
    if prim is _addcdiv and y.dtype.category < 2 and z.dtype.category < 2:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value "
            "* torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
            "tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value "
            "* tensor1 / tensor2), for all dtypes."
        )
    return prim(x, y, z, value=value)


def _install_combined(prim: Any) -> Any:
    name = prim.name

    def fn(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1, out: Tensor | None = None) -> Tensor:
        y: Tensor = _combined(prim, input, tensor1, tensor2, value)
        return y if out is None else write_out(out, y, name)

    def form(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
        return inplace_with(lambda old: _combined(prim, old, tensor1, tensor2, value), self, (tensor1, tensor2))

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = f"input + value * tensor1 {'*' if prim is _addcmul else '/'} tensor2, broadcast."
    public(form, name=name + "_", function=False)
    return public(fn)


addcmul = _install_combined(_addcmul)
addcdiv = _install_combined(_addcdiv)
samples(
    "lerp", Case(T(3, 4), T(3, 4), 0.3), Case(T(3, 4), T(4), 0.7), Case(T(3), T(2, 3), T(2, 1)), Case(T(), T(), T())
)
samples("addcmul", Case(T(3, 4), T(3, 4), T(4)), Case(T(3), T(3), T(3), value=0.5), Case(T(2, 1), T(3), T()))
samples(
    "addcdiv", Case(T(3, 4), T(3, 4), T(4, low=0.5, high=2)), Case(T(3), T(3), T(3, low=1, high=2), value=0.5),
    Case(T(2, 1), T(3), T(low=1, high=2)),
)  # fmt: skip
