"""Sample inputs: every operation carries some, and all its checks are derived from them.

A `Case` says how to call the public function: `T(3, 4)` stands for a tensor of that shape. The test table builds the
tensors (from a seed) in the dtype that it wants to check and calls `torch.<name>(*args, **kwargs)`.
"""

from __future__ import annotations

from typing import Any


class T:
    """A tensor of shape `shape`.

    `low`, `high`: the open range of its values (default: about -2..2, away from 0 and from ties);
    `dtype`: None for the dtype under test, else a name ("int64", "bool"): then it is not differentiated;
    `distinct`: no two elements alike; `kind`: "posdef", "triangular", "index" (with `high`), ... for special tensors;
    `grad`: whether it takes part in differentiation.
    """

    __slots__ = ("distinct", "dtype", "grad", "high", "kind", "low", "shape")

    def __init__(
        self,
        *shape: int,
        low: float | None = None,
        high: float | None = None,
        dtype: str | None = None,
        distinct: bool = True,
        kind: str | None = None,
        grad: bool = True,
    ) -> None:
        self.shape = shape
        self.low, self.high = low, high
        self.dtype = dtype
        self.distinct = distinct
        self.kind = kind
        self.grad = grad and dtype is None

    def __repr__(self) -> str:
        extra = "".join(
            f", {n}={getattr(self, n)!r}" for n in ("low", "high", "dtype", "kind") if getattr(self, n) is not None
        )
        return f"T({', '.join(map(str, self.shape))}{extra})"


class Case:
    """One call: positional and keyword arguments; `T`s inside lists and tuples count too."""

    __slots__ = ("args", "kwargs")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs

    def __repr__(self) -> str:
        parts = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"({', '.join(parts)})"


class Entry:
    """What the table knows of one public operation."""

    __slots__ = ("cases", "flags", "name")

    def __init__(self, name: str, cases: tuple[Case, ...], flags: dict[str, Any]) -> None:
        self.name = name
        self.cases = cases
        self.flags = flags


#: public name ("sin", "linalg.qr", "nn.functional.relu", "Tensor.fill_") -> Entry
SAMPLES: dict[str, Entry] = {}


def samples(name: str, *cases: Case, **flags: Any) -> None:
    """Register the samples of torch.<name>.

    Flags (all optional): `complex` (default True: also checked with complex inputs where PyTorch takes them),
    `differentiable` (default True), `second` (False: no second order exists), `atol`, `rtol`, `forward` ...;
    `why_not` explains every check that is switched off.
    """
    SAMPLES[name] = Entry(name, cases, flags)


#: the usual shapes for a pointwise operation
def pointwise(low: float | None = None, high: float | None = None) -> tuple[Case, ...]:
    """Cases for one input: some shapes, a scalar, an empty one."""
    return tuple(Case(T(*shape, low=low, high=high)) for shape in ((3, 4), (), (0, 2), (1, 5)))


def pointwise2(
    low: float | None = None, high: float | None = None, low2: float | None = None, high2: float | None = None
) -> tuple[Case, ...]:
    """Cases for two inputs: equal shapes, broadcasting both ways, a scalar tensor, a Python number."""
    lo, hi = (low if low2 is None else low2), (high if high2 is None else high2)
    pairs = (((3, 4), (3, 4)), ((3, 1), (4,)), ((2, 3), ()), ((), (2,)), ((0, 2), (1, 2)))
    cases = [Case(T(*a, low=low, high=high), T(*b, low=lo, high=hi)) for a, b in pairs]
    number = 1.5 if lo is None else (lo + (hi if hi is not None else lo + 1)) / 2
    return (*cases, Case(T(2, 3, low=low, high=high), number))
