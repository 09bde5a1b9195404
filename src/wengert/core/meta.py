"""Tensors without data (device "meta"): shapes, dtypes and strides go through operations, nothing is kept of values.

The array of such a tensor is one zero, seen in its shape with all strides zero. Operations run their kernels on it and
throw the numbers away, so that errors and results have the right shapes; what depends on values (`nonzero`, a matrix that
must be invertible) sees zeros.
"""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from . import devices, printing
from .dispatch import run_plain
from .modes import mode, no_grad
from .primitive import Primitive
from .tensor import Tensor, TensorMeta, bump, wrap
from .views import check_history

NO_DATA = "Cannot copy out of meta tensor; no data!"


class MetaTensor(Tensor, metaclass=TensorMeta):
    """A tensor on the device "meta"."""

    __slots__ = ()

    @property
    def device(self) -> devices.device:
        return devices.META

    @property
    def is_meta(self) -> bool:
        """True."""
        return True

    @property
    def is_cpu(self) -> bool:
        """False."""
        return False

    def stride(self, dim: int | None = None) -> Any:
        """The strides that a contiguous tensor of this shape has."""
        strides = _strides(self._data.shape)
        return strides if dim is None else strides[dim]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """True."""
        return True

    def contiguous(self, memory_format: Any = None) -> Tensor:
        """Itself."""
        return self

    def data_ptr(self) -> int:
        """0."""
        return 0

    def item(self) -> NoReturn:
        """Refused: there is no value."""
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")

    __int__ = __float__ = __index__ = __complex__ = __bool__ = item

    def numpy(self, *, force: bool = False) -> NoReturn:
        """Refused: there are no values."""
        raise TypeError(
            "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        self.numpy()

    def tolist(self) -> NoReturn:
        """Refused: there are no values."""
        raise NotImplementedError(NO_DATA)

    def cpu(self, memory_format: Any = None) -> NoReturn:
        """Refused: there are no values."""
        raise NotImplementedError(NO_DATA)

    def untyped_storage(self) -> NoReturn:
        """Not supported."""
        raise NotImplementedError("the storage of a tensor on the meta device")

    def backward(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported."""
        raise NotImplementedError("backward() on the meta device")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = like_meta(self, self.requires_grad)
        return known

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (tuple(self._data.shape), self.dtype, self.requires_grad, dict(self.__dict__))

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        node = self.grad_fn
        text = printing.tensor_str(
            None,
            self.dtype,
            shape=self._data.shape,
            requires_grad=self.requires_grad,
            grad_fn_name=None if node is None else type(node).__name__,
            device="meta",
        )
        return "Parameter containing:\n" + text if getattr(self, "_is_param", False) else text


def _strides(shape: Sequence[int]) -> tuple[int, ...]:
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def nothing(shape: Any, kind: Any) -> Any:
    """An array of this shape and dtype without memory of its own."""
    return np.broadcast_to(np.zeros((), kind), tuple(shape))


def as_meta(t: Tensor) -> MetaTensor:
    """Make a new tensor one without data."""
    t._data = nothing(t._data.shape, t._data.dtype)
    t.__class__ = MetaTensor
    return t  # type: ignore[return-value]


def new_meta(shape: Any, kind: Any, requires_grad: bool = False) -> MetaTensor:
    """A leaf without data."""
    t = as_meta(wrap(nothing(shape, kind)))
    if requires_grad:
        t.requires_grad = True
    return t


def like_meta(t: Tensor, requires_grad: bool = False) -> MetaTensor:
    """A leaf of the shape and dtype of `t`, without data; a parameter if `t` is one."""
    out = new_meta(t.shape, t.dtype.np, requires_grad)
    out.__dict__.update(t.__dict__)
    return out


def _rebuild(shape: tuple[int, ...], dtype: Any, requires_grad: bool, state: dict[str, Any]) -> MetaTensor:
    out = new_meta(shape, dtype.np, requires_grad)
    out.__dict__.update(state)
    return out


def process_meta(prim: Primitive, args: Sequence[Any], params: dict[str, Any], node_class: Any) -> Any:
    """An operation in which tensors without data take part."""
    for a in args:
        if isinstance(a, Tensor) and not isinstance(a, MetaTensor) and a.ndim:
            first = next(x for x in args if isinstance(x, Tensor))
            expected, other = ("meta", "cpu") if isinstance(first, MetaTensor) else ("cpu", "meta")
            raise RuntimeError(f"Tensor on device {other} is not on the expected device {expected}!")
    datas = [a._data if isinstance(a, Tensor) else a for a in args]
    with np.errstate(all="ignore"):
        out = run_plain(prim, args, datas, params, mode(), node_class)
    for o in out if isinstance(out, tuple) else (out,):
        as_meta(o)
    return out


def meta_inplace(fn: Callable[[Tensor], Tensor], t: Tensor, others: Sequence[Any]) -> Tensor:
    """An in-place operation: `fn` is run for its checks, nothing is written."""
    if not isinstance(t, MetaTensor):
        raise NotImplementedError(NO_DATA)
    check_history(t, mode(), others)
    shape = t._data.shape
    with no_grad():
        like = [new_meta(shape, t._data.dtype)]
        if not any(isinstance(o, Tensor) and not isinstance(o, MetaTensor) for o in others):
            result = fn(like[0])
            if result._data.shape != shape:
                raise RuntimeError(
                    f"output with shape {list(shape)} doesn't match the broadcast shape {list(result._data.shape)}"
                )
    bump(t)
    return t
