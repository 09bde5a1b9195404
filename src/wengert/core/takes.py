"""Which dtypes an operation takes. An operation declares them once, with PyTorch's name of the kernel that refuses
the others: `Takes("elu_cpu", REAL)`, as `takes=` of its primitive or called on the tensor where its arguments are checked.
"""

from __future__ import annotations

from typing import Any

from .dtypes import (
    _bool,
    bfloat16,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    from_numpy,
    int8,
    int16,
    int32,
    int64,
    uint8,
)  # fmt: skip

BOOL = frozenset((_bool,))
LONG = frozenset((int64,))
INTEGERS = frozenset((uint8, int8, int16, int32, int64))
FLOATS = frozenset((float32, float64))
HALVES = frozenset((float16, bfloat16))
REAL = FLOATS | HALVES
COMPLEX = frozenset((complex64, complex128))


class Takes:
    """The dtypes of one of PyTorch's kernels; the others it refuses by its name. `empty`: it is not even called where an
    operand has no elements."""

    __slots__ = ("empty", "kernel", "kinds")

    def __init__(self, kernel: str, kinds: frozenset[dtype], empty: bool = False) -> None:
        self.kernel = kernel
        self.empty = empty
        self.kinds: frozenset[Any] = kinds | {kind.np for kind in kinds}

    def __call__(self, *xs: Any) -> None:
        """NotImplementedError, in PyTorch's words, where the first of these tensors or arrays is not taken."""
        kind = xs[0].dtype
        if kind not in self.kinds and not (self.empty and any(0 in x.shape for x in xs)):
            self.check(kind)

    def check(self, kind: Any) -> None:
        """The same for a dtype (PyTorch's or NumPy's)."""
        if kind not in self.kinds:
            name = (kind if isinstance(kind, dtype) else from_numpy(kind)).scalar_name
            raise NotImplementedError(f"\"{self.kernel}\" not implemented for '{name}'")


def complex_gradient(name: str) -> RuntimeError:
    """The error where PyTorch has a derivative for real numbers alone."""
    return RuntimeError(f"{name} does not support automatic differentiation for outputs with complex dtype.")


__all__ = ["BOOL", "COMPLEX", "FLOATS", "HALVES", "INTEGERS", "LONG", "REAL", "Takes", "complex_gradient"]
