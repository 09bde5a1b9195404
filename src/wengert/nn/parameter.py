"""`Parameter` and `Buffer`: tensors that a `Module` recognises, and their uninitialised forms for lazy modules."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import sys
from collections import OrderedDict
from typing import Any

from ..core import intercept, saved
from ..core.dtypes import FROM_NUMPY
from ..core.tensor import PLAIN, Tensor, TensorMeta, wrap
from ._functional.base import T

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


class _ParameterMeta(TensorMeta):
    """A Tensor subclass cannot become a Parameter; it is marked instead, and the mark counts as membership."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)

    def __repr__(cls) -> str:
        return f"<class 'torch.nn.parameter.{cls.__name__}'>" if cls.__module__ == __name__ else type.__repr__(cls)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that becomes one of a module's parameters when it is assigned as an attribute.

    `data`: the tensor whose memory it takes (None: an empty one); `requires_grad`: True unless said otherwise.
    """

    __slots__ = ()

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = T.empty(0)
        kind = type(data)
        if kind is Tensor or kind is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        t = data.detach().requires_grad_(requires_grad)
        if type(t) is not kind:
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {kind.__name__} requires that detach() returns an "
                f"instance of the same type, but return type {type(t).__name__} was found instead. To use the type as "
                "a Parameter, please correct the detach() semantics defined by its __torch_dispatch__() implementation."
            )
        t._is_param = True
        return t

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__ != __name__ and intercept.own_torch_function(cls) is None:
            _take_for_plain(cls)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return known

    def __reduce_ex__(self, protocol: Any) -> Any:
        args: tuple[Any, ...] = (self.data, self.requires_grad, OrderedDict())
        if self.__dict__:
            return _rebuild_parameter_with_state, (*args, dict(self.__dict__))
        return _rebuild_parameter, args

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """Unpickle a Parameter."""
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(
    data: Tensor, requires_grad: bool, backward_hooks: Any, state: dict[str, Any]
) -> Parameter:
    """Unpickle a Parameter that bears attributes of its own."""
    param = Parameter(data, requires_grad)
    param.__dict__.update(state)
    return param


class _BufferMeta(TensorMeta):
    """Buffers are plain tensors with a mark."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)

    def __repr__(cls) -> str:
        return f"<class 'torch.nn.parameter.{cls.__name__}'>" if cls.__module__ == __name__ else type.__repr__(cls)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that becomes one of a module's buffers when it is assigned; calling the class returns a plain Tensor.

    `persistent`: whether the buffer belongs to the module's `state_dict`.
    """

    __slots__ = ()

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = T.empty(0)
        t = data.detach().requires_grad_(data.requires_grad)
        t.persistent = persistent
        t._is_buffer = True
        return t


_NO_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
    "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the "
    "parameters before accessing their attributes."
)

#: the slot under `_data`, which uninitialised tensors hide
_slot: Any = Tensor.__dict__["_data"]


def _operation() -> str:
    """What the running code wants to do with an uninitialised tensor: the operation, or the function, by name."""
    frame = sys._getframe(2)
    for _ in range(4):
        prim = frame.f_locals.get("prim")
        if prim is not None:
            return str(getattr(prim, "name", prim))
        if frame.f_back is None:
            break
        frame = frame.f_back
    return sys._getframe(2).f_code.co_name


class UninitializedTensorMixin:
    """A tensor whose shape is not known yet; `materialize` gives it one.

    Its dtype, device and `requires_grad` can be asked and changed. Every operation reads `_data`, and that raises.
    """

    __slots__ = ()

    cls_to_become: type

    @property
    def _data(self) -> Any:
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {_operation()}. This error happens when you are using a "
            "`LazyModule` or explicitly manipulating `torch.nn.parameter.UninitializedParameter` objects. When using "
            "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling torch functions"
        )

    @_data.setter
    def _data(self, value: Any) -> None:
        _slot.__set__(self, value)

    @property
    def data(self) -> Tensor:
        """An empty tensor of the dtype."""
        return wrap(_slot.__get__(self))

    @data.setter
    def data(self, value: Any) -> None:
        _slot.__set__(self, _slot.__get__(value))

    @property
    def dtype(self) -> Any:
        """The type that its elements will have."""
        return FROM_NUMPY[_slot.__get__(self).dtype]

    @property
    def shape(self) -> Any:
        """Not known: raises RuntimeError."""
        raise RuntimeError(_NO_SHAPE)

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary (uninitialised) tensor of `shape`; device and dtype default to the present ones."""
        this: Any = self
        made = T.empty(shape, device=this.device if device is None else device, dtype=dtype or this.dtype)
        self.__class__ = self.cls_to_become
        this.data = made

    def is_floating_point(self) -> bool:
        """Whether its dtype is a floating point one."""
        return bool(self.dtype.is_floating_point)

    def is_complex(self) -> bool:
        """Whether its dtype is complex."""
        return bool(self.dtype.is_complex)

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """An uninitialised tensor of another dtype."""
        return self._like(self.data.to(*args, **kwargs))

    def type(self, dtype: Any = None) -> Any:
        """An uninitialised tensor of another dtype; without one the name of its type."""
        return self.data.type() if dtype is None else self._like(self.data.type(dtype))

    def float(self) -> Any:
        """An uninitialised float32 tensor."""
        return self._like(self.data.float())

    def double(self) -> Any:
        """An uninitialised float64 tensor."""
        return self._like(self.data.double())

    def half(self) -> Any:
        """An uninitialised float16 tensor."""
        return self._like(self.data.half())

    def bfloat16(self) -> Any:
        """An uninitialised bfloat16 tensor."""
        return self._like(self.data.bfloat16())

    def cpu(self) -> Any:
        """The same on the CPU."""
        return self

    def detach_(self) -> Any:
        """Refused, as every operation is."""
        return self._data

    def numel(self) -> Any:
        """Refused, as every operation is."""
        return self._data

    def _like(self, data: Any) -> Any:
        this: Any = self
        return Tensor._make_subclass(self.__class__, data, this.requires_grad)

    def share_memory_(self) -> Any:
        """Not possible yet: raises RuntimeError."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        this: Any = self
        return _rebuild_uninitialized, (self.__class__, this.requires_grad, this.device, this.dtype)


def _rebuild_uninitialized(cls: Any, requires_grad: bool, device: Any, dtype: Any) -> Any:
    """Unpickle an uninitialised tensor."""
    return cls(requires_grad, device, dtype)


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter without a shape, as lazy modules hold until their first call."""

    __slots__ = ()

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return Tensor._make_subclass(cls, T.empty(0, device=device, dtype=dtype), requires_grad)

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return known


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer without a shape."""

    __slots__ = ()

    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        t = Tensor._make_subclass(cls, T.empty(0, device=device, dtype=dtype), requires_grad)
        t.persistent = persistent
        t._is_buffer = True
        return t


def is_lazy(param: Any) -> bool:
    """Whether `param` still lacks its shape."""
    return isinstance(param, UninitializedTensorMixin)


def _take_for_plain(cls: type) -> None:
    """A Parameter is an ordinary leaf to every fast path, and what is made from it is a plain Tensor."""
    PLAIN.add(cls)
    saved.graph_free.add(cls)


_take_for_plain(Parameter)
