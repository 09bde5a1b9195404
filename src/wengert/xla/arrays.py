"""What a tensor's `_data` is while a function is traced: a buffer that is never changed, seen through views.

XLA's arrays are immutable. A `Buffer` holds the present value of one piece of memory, as a JAX tracer; every tensor
over that memory holds a `TracedArray`: the buffer and the chain of view operations that leads from it. An in-place
operation puts a new value into the buffer (through the view's inverse), and the other views replay their chains when
they are read next.

`meta` is a NumPy array of the same shape, dtype and strides whose elements are never looked at: it answers all that
is asked about the layout, by NumPy's own rules.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core.primitive import TABLE
from ..kernels import jax as kernels
from .untraceable import Untraceable

ndarray = np.ndarray


class Buffer:
    """One piece of memory: its value now, and how often it was written."""

    __slots__ = ("constant", "number", "value", "version")

    def __init__(self, value: Any, constant: Any = None) -> None:
        self.value = value
        #: 0 or 0.0 where it stands for a Python number, which has no say about the dtype of what is computed with it
        self.number: Any = None
        #: a host array that becomes part of the program when it is first read; gone once the memory is written
        self.constant = constant
        self.version = 0

    def read(self) -> Any:
        if self.value is None:
            self.value = constant(self.constant)
        return self.value


def constant(a: Any) -> Any:
    """A host array as part of the program; one number repeated takes no room."""
    a = np.asarray(a)
    if a.size > 64:
        first = a.reshape(-1)[:1] if a.flags.c_contiguous else a.ravel()[:1]
        if (a == first).all():
            return jnp.full(a.shape, first[0], a.dtype)
    return jnp.asarray(a)


class TracedArray:
    """A view (or all) of a `Buffer`. It has the layout of an array, and no values: asking for one is an error."""

    __slots__ = ("_value", "_version", "buffer", "chain", "meta")

    def __init__(self, buffer: Buffer, meta: Any, chain: tuple[Any, ...] = ()) -> None:
        self.buffer = buffer
        self.meta = meta
        self.chain = chain
        self._value: Any = None
        self._version = -1

    # ---- the value

    @property
    def value(self) -> Any:
        """The JAX value now."""
        buffer = self.buffer
        if not self.chain:
            return buffer.read()
        if self._version != buffer.version:
            self._value = replayed(buffer.read(), self.chain)
            self._version = buffer.version
        return self._value

    def write(self, value: Any) -> None:
        """The memory seen through this view holds `value` from now on."""
        buffer = self.buffer
        if value.dtype != self.meta.dtype:
            value = kernels.to_dtype(value, self.meta.dtype)
        if value.shape != self.meta.shape:
            value = kernels.expand(value, size=self.meta.shape)
        if self.chain:
            buffer.value = kernels.write(buffer.read(), value, chain=self.chain)
            self._value = value
        else:
            buffer.value = value
        buffer.version += 1
        buffer.constant = None
        self._version = buffer.version

    def seen_through(self, step: tuple[Any, ...], meta: Any, value: Any = None) -> TracedArray:
        """This memory through one more view operation; `value`, if the caller knows it."""
        out = TracedArray(self.buffer, meta, (*self.chain, step))
        if value is not None:
            out._value, out._version = value, self.buffer.version
        return out

    def copy(self, order: str = "C") -> TracedArray:
        """Memory of its own with the same value."""
        return TracedArray(Buffer(self.value), np.empty_like(self.meta))

    def view(self) -> TracedArray:
        """The same memory as another array."""
        return self.seen_through((TABLE["alias"], {}), self.meta.view())

    # ---- the layout

    @property
    def shape(self) -> tuple[int, ...]:
        return self.meta.shape  # type: ignore[no-any-return]

    @property
    def strides(self) -> tuple[int, ...]:
        return self.meta.strides  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        return self.meta.dtype

    @property
    def ndim(self) -> int:
        return self.meta.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self.meta.size  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        return self.meta.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        return self.meta.nbytes  # type: ignore[no-any-return]

    @property
    def flags(self) -> Any:
        return self.meta.flags

    @property
    def base(self) -> Any:
        return self.meta.base

    def __len__(self) -> int:
        return len(self.meta)

    # ---- values: those of constants are known

    def known(self) -> Any:
        """The elements as a NumPy array, if the function itself made them from Python's numbers; else refused."""
        if self.buffer.constant is None:
            raise Untraceable("a value is asked for that is known only when the compiled program runs")
        return self.meta

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.known(), dtype)

    def item(self) -> Any:
        return self.known().item()

    def tolist(self) -> Any:
        return self.known().tolist()

    def __bool__(self) -> bool:
        return bool(self.known())

    def __float__(self) -> float:
        return float(self.known())

    def __int__(self) -> int:
        return int(self.known())

    def __index__(self) -> int:
        return self.known().__index__()  # type: ignore[no-any-return]

    def __setitem__(self, index: Any, value: Any) -> None:
        if index is not Ellipsis:
            raise Untraceable("an element is written by code that works on host arrays")
        self.write(value.value if value.__class__ is TracedArray else constant(np.asarray(value, self.dtype)))

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise Untraceable("a value is asked for that is known only when the compiled program runs")

    __iter__ = __complex__ = __contains__ = _refuse
    tobytes = fill = any = all = max = min = sum = _refuse

    # Straight lines compute with NumPy before they find that the mode is unusual and drop the result.

    def _nothing(self, *args: Any, **kwargs: Any) -> Any:
        return NOTHING

    __array_ufunc__ = __array_function__ = __getitem__ = _nothing
    transpose = reshape = swapaxes = squeeze = diagonal = ravel = repeat = _nothing

    @property
    def T(self) -> Any:
        return NOTHING

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Untraceable(f"array.{name} is needed on the host")

    def __repr__(self) -> str:
        return f"<traced {self.meta.dtype}{list(self.meta.shape)}>"


class Nothing:
    """The result of host arithmetic on traced arrays: it may be dropped, and not looked at."""

    __slots__ = ()

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise Untraceable("a value is computed on the host that is known only when the compiled program runs")

    __array__ = __array_ufunc__ = __array_function__ = __getitem__ = __iter__ = __len__ = _refuse
    __bool__ = __float__ = __int__ = __complex__ = __index__ = __contains__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._refuse()


NOTHING = Nothing()


def replayed(value: Any, chain: tuple[Any, ...]) -> Any:
    """`value` seen through the view operations of `chain`."""
    for step in chain:
        value = getattr(kernels, step[0].name)(value, **step[1])
        if len(step) == 3:
            value = value[step[2]]
    return value


__all__ = ["Buffer", "TracedArray", "constant", "replayed"]
