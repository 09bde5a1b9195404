"""Puts operations where users look for them: the package namespace, the methods of Tensor, the in-place forms."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from ..core import fast, intercept
from ..core.inplace import fast_binary_inplace, inplace, inplace_with, write_out
from ..core.primitive import Primitive, ops
from ..core.tensor import Tensor
from .lines import inplace_line

#: name -> function, what `wengert` shows as torch.<name>
FUNCTIONS: dict[str, Callable[..., Any]] = {}
intercept.announce(lambda: [(f"torch.{name}", fn) for name, fn in FUNCTIONS.items()])


def twin(fn: Any) -> Any:
    """The same function as a method: torch.sum and Tensor.sum are two objects, which `__torch_function__` tells apart."""
    if fn.__class__ is not FunctionType:
        return fn
    copy = FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
    copy.__kwdefaults__ = fn.__kwdefaults__
    copy.__dict__.update(fn.__dict__)
    copy.__doc__, copy.__qualname__, copy.__module__ = fn.__doc__, fn.__qualname__, fn.__module__
    copy.__annotations__ = fn.__annotations__
    return copy


def public(fn: Any = None, *, name: str | None = None, method: bool = True, function: bool = True) -> Any:
    """Decorator: `fn` becomes torch.<name> and, unless told otherwise, Tensor.<name>; rules see it as xp.<name>."""

    def install(fn: Any) -> Any:
        called = name or fn.__name__
        if function:
            FUNCTIONS[called] = fn
            if called not in ops.__dict__:
                setattr(ops, called, fn)
        if method:
            setattr(Tensor, called, twin(fn) if function else fn)
        return fn

    return install if fn is None else install(fn)


def method(fn: Any = None, *, name: str | None = None) -> Any:
    """Decorator: only a method of Tensor."""
    return public(fn, name=name, function=False)


def operand(x: Any, name: str, position: int = 2) -> Any:
    """A Tensor or a Python number; NumPy scalars become numbers."""
    if isinstance(x, Tensor) or x.__class__ in (int, float, bool, complex):
        return x
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, (int, float, complex)):
        return x
    if hasattr(x, "as_operand"):  # a number that a compiled function changes
        return x.as_operand()
    arg = "input" if position == 1 else "other"
    raise TypeError(f"{name}(): argument '{arg}' (position {position}) must be Tensor, not {type(x).__name__}")


def unary(
    prim: Primitive, kernel: Any = None, *, names: tuple[str, ...] = (), inplace_form: bool = True, takes_out: bool = True
) -> Any:
    """torch.f(input, *, out=None), Tensor.f, Tensor.f_ of a one-input elementwise primitive (and under other `names`)."""
    title = prim.name

    def slow(input: Any, *, out: Any = None) -> Any:
        if not isinstance(input, Tensor):
            raise TypeError(f"{title}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        if out is not None and not takes_out:
            raise TypeError(f"{title}() got an unexpected keyword argument 'out'")
        y = prim(input)
        return y if out is None else write_out(out, y, title)

    fn = fast.unary(prim, kernel or prim.kernel, slow) if kernel is not False and prim.vjp else slow
    fn.__name__ = fn.__qualname__ = title
    for called in (title, *names):
        public(fn, name=called)
        if inplace_form:

            def form(self: Tensor) -> Tensor:
                return inplace(prim, self, (), {})

            if callable(kernel) or (kernel is None and prim.vjp):
                form = inplace_line(kernel or prim.kernel, form)
            form.__name__ = called + "_"
            public(form, name=called + "_")
    setattr(ops, title, prim)
    return fn


def binary(
    prim: Primitive,
    kernel: Any = None,
    *,
    names: tuple[str, ...] = (),
    inplace_form: bool = True,
    fast_path: bool = True,
) -> Any:
    """torch.f(input, other, *, out=None), Tensor.f and Tensor.f_ of a two-input elementwise primitive."""
    title = prim.name

    def slow(input: Any, other: Any) -> Any:
        return prim(operand(input, title, 1), operand(other, title))

    line = fast.binary(prim, kernel or prim.kernel, slow) if fast_path else slow

    def fn(input: Any, other: Any, *, out: Any = None) -> Any:
        return line(input, other) if out is None else write_out(out, line(input, other), title)

    fn.__name__ = fn.__qualname__ = line.__name__ = title
    if inplace_form:

        def slow_(self: Tensor, other: Any) -> Tensor:
            return inplace(prim, self, (operand(other, title + "_", 1),), {})

        form = fast_binary_inplace(kernel, slow_) if kernel is not None else slow_
        form.__name__ = title + "_"
    for called in (title, *names):
        public(fn, name=called, method=False)
        public(line, name=called, function=False)
        if inplace_form:
            public(form, name=called + "_", function=False)
    setattr(ops, title, prim)
    return line


#: what an operator accepts on its other side; anything else gets its own chance (NotImplemented)
OPERANDS = (Tensor, int, float, complex, np.generic)


def operators(symbol: str, line: Any, kernel: Any, general: Any = None, swapped: Any = None) -> None:
    """Tensor.__<symbol>__ on the straight line of `line`, else `general`; and the reflected one (the same, if None)."""
    other_way = general or line

    def slow(self: Any, other: Any) -> Any:
        return other_way(self, other) if isinstance(other, OPERANDS) else NotImplemented

    direct = fast.binary(line.prim, kernel, slow, line.node)
    setattr(Tensor, f"__{symbol}__", direct)
    setattr(Tensor, f"__r{symbol}__", swapped or direct)


def inplace_operator(symbol: str, form: Any) -> None:
    """Tensor.__i<symbol>__"""

    def dunder(self: Any, other: Any) -> Any:
        return form(self, other) if isinstance(other, OPERANDS) else NotImplemented

    setattr(Tensor, f"__i{symbol}__", dunder)


__all__ = ["FUNCTIONS", "binary", "inplace_operator", "inplace_with", "method", "operand", "operators", "public", "unary"]


def namespace(prefix: str) -> dict[str, Callable[..., Any]]:
    """The public functions called `<prefix>.<name>`, by name."""
    start = prefix + "."
    return {called[len(start) :]: fn for called, fn in FUNCTIONS.items() if called.startswith(start)}
