"""Writing into a tensor: fill_, zero_, copy_."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import padded, size_of_batch, stretched
from ..core.dispatch import check_broadcast, dispatch, edge_of
from ..core.inplace import inplace_with
from ..core.modes import NO_GRAD, mode
from ..core.primitive import elementwise, ops
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor, bump
from ..core.views import check_history, check_inplace
from ..kernels import numpy as kernels
from .compare import tensor_operand
from .install import public
from .lines import free_to_write

_zero = elementwise(
    "zero", kernel=np.zeros_like, vjp=dict(x=lambda xp, g: xp.zeros_like(g)), promote="keep", half="native"
)
_fill = elementwise(
    "fill",
    params=("value",),
    kernel=lambda x, value: np.full_like(x, value),
    vjp=dict(x=lambda xp, g: xp.zeros_like(g)),
    jvp=dict(x=lambda xp, t: xp.zeros_like(t)),
    promote="keep",
    half="native",
    node="FillBackward0",
)


def _fill_tensor_kernel(x: Any, value: Any) -> Any:
    """`value` has one element, or one for each example of a batch: then it sets the shape too."""
    if value.ndim == 0:
        return np.full_like(x, value)
    return np.broadcast_to(value, np.broadcast_shapes(x.shape, value.shape)).astype(x.dtype)


_fill_tensor = elementwise(
    "fill_tensor",
    inputs=("x", "value"),
    kernel=_fill_tensor_kernel,
    vjp=dict(x=lambda xp, g: xp.zeros_like(g), value=lambda xp, g: g),
    promote=None,
    half="native",
    node="FillBackward1",
)


_fill_, _fill_tensor_ = _fill.renamed("FillBackward2"), _fill_tensor.renamed("FillBackward3")


def _copy_kernel(x: Any, y: Any) -> Any:
    if y.dtype != x.dtype:
        y = kernels.to_dtype(y, x.dtype)
    out = np.empty_like(x)
    np.copyto(out, y)
    return out


def _batch_copy(prim: Any, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    """The result has the shape of the first input, so that one must be there for each slot."""
    (x, y), (d, at) = vals, dims
    x = stretched(x, d, size_of_batch(vals, dims))
    return prim(x, padded(y, at, x.ndim - 1)), 0


_copy = elementwise(
    "copy",
    kernel=_copy_kernel,
    batch=_batch_copy,
    vjp=dict(x=lambda xp, g: xp.zeros_like(g), y=lambda xp, g: g),
    promote=None,
    half="native",
    node="CopyBackwards",
)


def _untracked(t: Tensor, *others: Any) -> bool:
    """Whether `t` may simply be overwritten: plain, and the write is not recorded."""
    if t.__class__ not in PLAIN:
        return False
    m = mode()
    if m.tracer is not None or m.mutation_context is not None:
        return False
    tracked = t._fn is not None and t.requires_grad
    for o in others:
        if isinstance(o, Tensor):
            if o.__class__ not in PLAIN:
                return False
            tracked = tracked or edge_of(o) is not None
    if m.grad and tracked:
        return False
    if others:
        check_inplace(t, m)
    else:
        check_history(t, m)  # one constant may go where several elements share memory
    return True


@public(name="fill_")
def fill_(self: Tensor, value: Any) -> Tensor:
    """Every element becomes `value`, a number or a 0-d tensor (differentiable in it)."""
    if isinstance(value, Tensor):
        if value.ndim:
            if self.__class__ in PLAIN:
                check_inplace(self, mode())
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
            )
        if _untracked(self, value):
            self._data[...] = kernels.to_dtype(value._data, self._data.dtype)
            bump(self)
            return self
        return inplace_with(
            lambda old: dispatch(_fill_tensor, (old, cast(value, old.dtype)), {}, _fill_tensor_), self, (value,)
        )
    number = value if value.__class__ is float and self.dtype.category == 2 else converted(value, self.dtype)
    if free_to_write(self) or _untracked(self):
        self._data[...] = number
        bump(self)
        return self
    return inplace_with(lambda old: dispatch(_fill, (old,), {"value": number}, _fill_), self, constant=True)


def cast(x: Tensor, dtype: Any) -> Tensor:
    """`x` in `dtype`, differentiably."""
    return x if x.dtype is dtype else x.to(dtype)  # type: ignore[attr-defined, no-any-return]


def converted(value: Any, dtype: Any) -> Any:
    """A Python number for a tensor of `dtype`; PyTorch's errors where it does not fit."""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (int, float, complex)):
        raise TypeError(
            f"fill_() received an invalid combination of arguments - got ({type(value).__name__}), but expected one "
            "of:\n * (Tensor value)\n * (Number value)\n"
        )
    if isinstance(value, complex) and dtype.category < 3:
        if value.imag:
            raise RuntimeError(f"value cannot be converted to type {number_name(dtype)} without overflow")
        value = value.real
    if dtype.category == 0:
        return bool(value)
    if dtype.category == 1:
        info = np.iinfo(dtype.np)
        if value != value or not info.min - (dtype.name[0] == "u") * (info.max) <= value <= info.max:
            raise RuntimeError(f"value cannot be converted to type {number_name(dtype)} without overflow")
        return int(value) if value >= 0 or dtype.name[0] != "u" else int(value) % (info.max + 1)
    return value


def number_name(dtype: Any) -> str:
    """int32 -> int, int64 -> int64_t, ... as the message of a number that does not fit says it."""
    return {"int32": "int", "float32": "float", "float64": "double", "bool": "bool"}.get(dtype.name, dtype.name + "_t")


@public(name="fill", method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like `input` with every element `value`."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
            )
        return _fill_tensor(input, cast(value, input.dtype))  # type: ignore[no-any-return]
    return _fill(input, value=converted(value, input.dtype))  # type: ignore[no-any-return]


@public(name="zero_")
def zero_(self: Tensor) -> Tensor:
    """Every element becomes 0."""
    if free_to_write(self) or _untracked(self):
        self._data[...] = 0
        bump(self)
        return self
    return inplace_with(lambda old: _zero(old), self, constant=True)


@public(name="copy_", function=False)
def copy_(self: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """The elements of `src`, broadcast and cast to the dtype of this tensor. Differentiable in `src`."""
    if src.__class__ is Tensor and free_to_write(self) and (src._fn is None or mode() is NO_GRAD):
        a, b = self._data, src._data
        if a.dtype is b.dtype and a.shape == b.shape:
            np.copyto(a, b)
            bump(self)
            return self
    if isinstance(src, (int, float, complex)):
        src = ops.scalar_tensor(src, dtype=self.dtype)
    tensor_operand(src, "copy_", 1)
    if self.__class__ in PLAIN:
        check_inplace(self, mode(), (src,))
    if self is src:
        return self
    check_copy_shape(tuple(src.shape), tuple(self.shape))
    if _untracked(self, src):
        data = src._data
        kind = self._data.dtype
        np.copyto(self._data, data if data.dtype == kind else kernels.to_dtype(data, kind))
        bump(self)
        return self
    return inplace_with(lambda old: _copy(old, src), self, (src,))


def check_copy_shape(have: tuple[int, ...], want: tuple[int, ...]) -> None:
    """`have` must broadcast to `want`."""
    check_broadcast([want, have])
    n = max(len(want), len(have))
    pairs = zip((1,) * (n - len(want)) + want, (1,) * (n - len(have)) + have, strict=True)
    shape = tuple(b if a == 1 else a for a, b in pairs)
    if shape != want:
        raise RuntimeError(f"output with shape {list(want)} doesn't match the broadcast shape {list(shape)}")


@public(name="copy", method=False)
def copy(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """A tensor like `input` with the elements of `src`."""
    return _copy(input, src)  # type: ignore[no-any-return]


ops.copy = _copy
samples("fill", Case(T(3, 4), 2.0), Case(T(3), T()), Case(T(), 1))
samples("Tensor.fill_", Case(T(3, 4), 2.0), Case(T(3), T()))
samples("Tensor.zero_", Case(T(3, 4)), Case(T()))
samples("Tensor.copy_", Case(T(3, 4), T(3, 4)), Case(T(3, 4), T(4)), Case(T(2), T()))

__all__ = ["cast", "check_copy_shape", "converted"]
