"""Making tensors like another one, or of given strides."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import devices, dtypes
from ..core.devices import CPU
from ..core.meta import MetaTensor, new_meta
from ..core.primitive import Primitive, general
from ..core.tensor import PLAIN, Tensor
from ..kernels.memory import contiguous_strides, strided
from ..kernels.scalars import convert_scalar
from .create import (
    channels_order,
    check_device,
    check_sizes,
    chosen_dtype,
    filled,
    finish,
    in_format,
    number_value,
    sizes_of,
)  # fmt: skip
from .install import public

# ---------------------------------------------------------------- like another tensor


def like(x: Any, value: Any, kind: Any, memory_format: Any = None) -> Any:
    """An array like the array `x`: its strides if it is dense, their order otherwise."""
    if memory_format is None or memory_format is devices.preserve_format:
        if x.flags.forc or 0 not in x.strides:
            out = np.empty_like(x, kind)
        else:
            order = dense_order(x.shape, x.strides)
            out = np.empty([x.shape[d] for d in order], kind).transpose(np.argsort(order))
    else:
        out = in_format(np.empty(x.shape, kind), memory_format)
    if value is not None:
        out.fill(value if value.__class__ is int and 0 <= value <= 1 else convert_scalar(value, kind))
    return out


def dense_order(shape: Any, strides: Any) -> list[int]:
    """The order of dimensions (outermost first) in which PyTorch lays out a dense tensor like one with these strides.

    Dimensions of stride 0 say nothing, and stay where they are among the others.
    """
    n = len(shape)
    inner = list(reversed(range(n)))

    def comes_after(a: int, b: int) -> int:
        if not strides[a] or not strides[b]:
            return 0
        if strides[a] != strides[b]:
            return 1 if strides[a] > strides[b] else -1
        return 1 if shape[a] > shape[b] else 0

    for i in range(1, n):
        at = i
        for k in range(i - 1, -1, -1):
            order = comes_after(inner[k], inner[at])
            if order > 0:
                inner[k], inner[at] = inner[at], inner[k]
                at = k
            elif order < 0:
                break
    return list(reversed(inner))


def _filled_like(x: Any, *, value: Any, kind: Any, memory_format: Any = None) -> Any:
    return like(x, value, kind, memory_format)


def _batch_like(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    return prim(vals[0], **params), dims[0]


def _filled_new(x: Any, *, size: Any, value: Any, kind: Any) -> Any:
    return filled(size, value, kind)


def _batch_new(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    n = vals[0].shape[dims[0]]
    return prim(vals[0], **{**params, "size": (n, *params["size"])}), 0


# As primitives, so that inside `vmap` each example gets a tensor of its own, which may be written into.
_like = general(
    "filled_like", params=("value", "kind", "memory_format"), kernel=_filled_like, batch=_batch_like, half="native",
    differentiable=False,
)  # fmt: skip
_new = general(
    "filled_new", params=("size", "value", "kind"), kernel=_filled_new, batch=_batch_new, half="native",
    differentiable=False,
)  # fmt: skip


def like_tensor(
    input: Any, value: Any, name: str, dtype: Any, layout: Any, device: Any, requires_grad: Any, memory_format: Any
) -> Tensor:
    """zeros_like and its kin."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    kind = input.dtype if dtype is None else chosen_dtype(dtype, name)
    of_meta = input.__class__ is MetaTensor
    meta = of_meta if device is None else check_device(device, name, meta=True)
    if meta or of_meta:
        if meta:
            return new_meta(input.shape, kind.np, requires_grad)
        return finish(filled(tuple(input.shape), value, kind.np), name, device, requires_grad, layout)
    if input.__class__ in PLAIN:
        data = input._data
        if data.__class__ is not np.ndarray:  # traced: the layout is that of its `meta`
            data = data.meta
        return finish(like(data, value, kind.np, memory_format), name, device or CPU, requires_grad, layout)
    out: Tensor = _like(input, value=value, kind=kind.np, memory_format=memory_format)
    return out.requires_grad_() if requires_grad else out


def install_like(name: str, value: Any) -> None:
    """torch.zeros_like, ones_like, empty_like."""

    def factory(
        input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
        requires_grad: bool = False, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        return like_tensor(input, value, name, dtype, layout, device, requires_grad, memory_format)

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = f"A tensor as `input` in shape, dtype and memory layout ({name[:-5]})."
    public(factory, name=name, method=False)


install_like("zeros_like", 0)
install_like("ones_like", 1)
install_like("empty_like", None)


@public(method=False)
def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor as `input` in shape, dtype and memory layout, full of `fill_value`."""
    value = number_value(fill_value, "full_like", "fill_value", 2)
    return like_tensor(input, value, "full_like", dtype, layout, device, requires_grad, memory_format)


def new_tensor_of(
    self: Tensor, size: tuple[int, ...], value: Any, name: str, dtype: Any, device: Any, requires_grad: Any, layout: Any
) -> Tensor:
    """new_zeros and its kin."""
    kind = self.dtype if dtype is None else chosen_dtype(dtype, name)
    if device is None and self.__class__ is MetaTensor:
        device = self.device
    if device is not None and check_device(device, name, meta=True):
        return finish(np.broadcast_to(np.empty((), kind.np), size), name, device, requires_grad, layout)
    if not self._level:
        return self._rewrap(finish(filled(size, value, kind.np), name, device or CPU, requires_grad, layout))
    out: Tensor = _new(self, size=size, value=value, kind=kind.np)
    return out.requires_grad_() if requires_grad else out


def install_new(name: str, value: Any) -> None:
    """Tensor.new_zeros, new_ones, new_empty."""

    def factory(
        self: Tensor, *args: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
        layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        return new_tensor_of(
            self, sizes_of(args, size, name), value, name, dtype, device, requires_grad, layout
        )

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = "A tensor of shape `size` with this tensor's dtype (unless given)."
    public(factory, name=name, function=False)


install_new("new_zeros", 0)
install_new("new_ones", 1)
install_new("new_empty", None)


@public(function=False)
def new_full(
    self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of shape `size` full of `fill_value`, with this tensor's dtype (unless given)."""
    value = number_value(fill_value, "new_full", "fill_value", 2)
    return new_tensor_of(self, check_sizes(size, "new_full"), value, "new_full", dtype, device, requires_grad, layout)


@public(function=False)
def new_empty_strided(
    self: Tensor, size: Any, stride: Any, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """As `empty_strided`, with this tensor's dtype (unless given)."""
    return empty_strided(size, stride, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


@public(method=False)
def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of shape `size` with the given strides (in elements)."""
    shape, steps = check_sizes(size, "empty_strided"), check_sizes(stride, "empty_strided", 2)
    if len(shape) != len(steps):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(steps)})"
        )
    kind = (chosen_dtype(dtype, "empty_strided") or dtypes.get_default_dtype()).np
    if steps == contiguous_strides(shape):
        data = np.empty(shape, kind)
    else:
        n = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, steps, strict=True))
        k = kind.itemsize
        data = strided(np.empty(n, kind), shape, [s * k for s in steps], 0) if n else np.empty(shape, kind)
    return finish(data, "empty_strided", device, requires_grad, layout, pin_memory)


@public(method=False)
def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of shape `size`, dense, its dimensions in memory in the order `physical_layout`."""
    shape = check_sizes(size, "empty_permuted")
    order = tuple(physical_layout)
    if len(order) != len(shape):
        raise RuntimeError(
            f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(shape)} is not equal to len(physical_layout) = {len(order)}"
        )
    if any(not 0 <= d < len(shape) for d in order):
        bad = next(d for d in order if not 0 <= d < len(shape))
        raise RuntimeError(
            f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {bad} at index "
            f"{order.index(bad)}).  NB: negative dims not currently supported; file an issue if you want it."
        )
    if len(set(order)) != len(order):
        raise RuntimeError("Duplicate dim not allowed")
    kind = (chosen_dtype(dtype, "empty_permuted") or dtypes.get_default_dtype()).np
    data = np.empty([shape[d] for d in order], kind).transpose(np.argsort(order)) if order else np.empty((), kind)
    return finish(data, "empty_permuted", device, requires_grad, layout, pin_memory)

__all__ = ["channels_order", "in_format"]
