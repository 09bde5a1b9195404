"""Samples become calls: arrays with values that every sample of a name gets again in every run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from ..core.dtypes import ALIASES, DTYPES, dtype
from ..core.samples import Case, Entry, T

#: how far from 0, 1/2, 1, ... values stay where they can, so that kinks and ties lie elsewhere
MARGIN = 0.02


class Slot:
    """Where tensor number `n` of a call goes."""

    __slots__ = ("n",)

    def __init__(self, n: int) -> None:
        self.n = n


class Call:
    """One sample with numbers: `arrays`, which of them are differentiated, and where they go.

    `args` and `kwargs` hold a `Slot` for each array; `case` and `kind` (a dtype) are what it was built from.
    """

    __slots__ = ("args", "arrays", "case", "grads", "kind", "kwargs")

    def __init__(self, case: Case, kind: str, args: Any, kwargs: Any, arrays: list[Any], grads: list[bool]) -> None:
        self.case, self.kind = case, kind
        self.args, self.kwargs, self.arrays, self.grads = args, kwargs, arrays, grads

    def run(self, fn: Callable[..., Any], tensors: Sequence[Any], constant: Callable[[Any], Any] = lambda x: x) -> Any:
        """`fn` of the sample's arguments with `tensors` for its arrays and `constant(v)` for every other value."""
        args, kwargs = (fill(a, tensors, constant) for a in (self.args, self.kwargs))
        return fn(*args, **kwargs)


def fill(x: Any, tensors: Sequence[Any], constant: Callable[[Any], Any]) -> Any:
    if isinstance(x, Slot):
        return tensors[x.n]
    if type(x) in (tuple, list):
        return type(x)(fill(y, tensors, constant) for y in x)
    if type(x) is dict:
        return {k: fill(y, tensors, constant) for k, y in x.items()}
    if isinstance(x, slice):
        return slice(*(fill(y, tensors, constant) for y in (x.start, x.stop, x.step)))
    return constant(x)


def build(entry: Entry, case: Case, kind: str = "float64", again: int = 0) -> Call:
    """The call of one sample; `kind`: the dtype of the tensors whose sample names none; `again`: other numbers."""
    number = next((i for i, c in enumerate(entry.cases) if c is case), 0)
    arrays: list[Any] = []
    grads: list[bool] = []

    def slots(x: Any) -> Any:
        if isinstance(x, T):
            seed = crc32(f"{entry.name}/{number}/{len(arrays)}/{again}".encode())
            arrays.append(values(x, kind, np.random.default_rng(seed)))
            grads.append(x.grad and arrays[-1].dtype.kind in "fcV")
            return Slot(len(arrays) - 1)
        if type(x) in (tuple, list):
            return type(x)(slots(y) for y in x)
        if type(x) is dict:
            return {k: slots(y) for k, y in x.items()}
        return x

    args, kwargs = slots(case.args), slots(case.kwargs)
    return Call(case, kind, args, kwargs, arrays, grads)


def numpy_dtype(name: str) -> Any:
    """'bfloat16' -> its NumPy dtype."""
    found: dtype = {**DTYPES, **ALIASES}[name]
    return found.np


def values(t: T, kind: str, rng: np.random.Generator) -> Any:
    """An array for `t`, in dtype `kind` unless the sample fixes one."""
    to = numpy_dtype(t.dtype or kind)
    letter = "f" if to.name == "bfloat16" else to.kind
    shape = t.shape
    if letter == "b":
        return rng.integers(0, 2, shape).astype(to)
    if letter in "iu":
        low, high = t.low, t.high
        if t.dtype is None:  # a sample meant for floats
            low = -3 if low is None else np.ceil(low)
            high = max(4 if high is None else np.floor(high) + 1, low + 1)
        first = (0 if high is not None else -3) if low is None else int(low)
        if letter == "u":
            first = max(first, 0)
        last = max(int(high) if high is not None else first + 7, first + 1)
        return rng.integers(first, last, shape).astype(to)
    real = spread(t, rng)
    if letter == "c":
        imag = spread(T(*shape), rng)
        result = real + 1j * imag / 2
    else:
        result = real
    if t.kind is not None:
        result = special(t.kind, result)
    return np.asarray(result).astype(to)


def spread(t: T, rng: np.random.Generator) -> Any:
    """Values in the open range of `t`, no two alike, away from multiples of 1/2."""
    low, high = t.low, t.high
    if low is None:
        low = -2.0 if high is None or high > -1 else high - 2.0
    if high is None:
        high = 2.0 if low < 1 else low + 2.0
    n = int(np.prod(t.shape, dtype=int))
    width = (high - low) / max(n, 1)
    x = low + width * (np.arange(n) + 0.25 + 0.5 * rng.random(n))
    near = np.round(2 * x) / 2
    margin = min(MARGIN, width / 8)
    off = x - near
    away = margin * (1 + rng.random(n) / 2)  # no two tensors are moved to the same places
    x = np.where(np.abs(off) < margin, near + np.where(off < 0, -away, away), x)
    rng.shuffle(x)
    return x.reshape(t.shape)


def special(kind: str, x: Any) -> Any:
    """Matrices of a kind, made from any matrices."""
    if kind == "index":
        return x
    n = x.shape[-1]
    star = np.conj(np.swapaxes(x, -1, -2))
    if kind == "posdef":
        return x @ star + n * np.eye(n)
    if kind == "hermitian":
        return (x + star) / 2 + np.diag(np.arange(n) * 3.0)
    if kind == "triangular":
        return np.tril(x) + np.triu(x, 1) / 4 + 3 * np.eye(n)
    if kind == "factor":  # of a Hermitian matrix: the diagonal is real
        return np.tril(x, -1) + np.eye(n) * (3 + x.real)
    raise ValueError(f"no such kind of sample: {kind!r}")


def function(torch: Any, name: str) -> Callable[..., Any]:
    """torch.<name>, of any implementation; an in-place method works on a copy of its first argument."""
    found = torch
    for part in name.split("."):
        found = getattr(found, part)
    if not (name.startswith("Tensor.") and name.endswith("_") and not name.endswith("__")):
        return found  # type: ignore[no-any-return]

    def on_a_copy(x: Any, *args: Any, **kwargs: Any) -> Any:
        return found(x.clone(), *args, **kwargs)

    return on_a_copy


def leaves(x: Any, is_tensor: Callable[[Any], bool]) -> list[Any]:
    """The results of a call, flat: tensors and other values."""
    if is_tensor(x):
        return [x]
    if isinstance(x, (tuple, list)):
        return [y for part in x for y in leaves(part, is_tensor)]
    return [x]


def prepared(entry: Entry, fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` as a function that is differentiable in all entries of its inputs: flags `hermitian`, `triangular`; and with
    results that do not depend on a free choice: flag `gauge`."""
    flags = entry.flags

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        xs = list(args)
        if flags.get("hermitian"):
            xs[0] = (xs[0] + xs[0].mH) / 2
        place = flags.get("triangular")
        if place is not None:
            xs[place] = xs[place].tril()
        out = fn(*xs, **kwargs)
        if flags.get("gauge"):
            out = tuple(o.abs() for o in out) if isinstance(out, tuple) else out.abs()
        return out

    return wrapped if {"hermitian", "triangular", "gauge"} & set(flags) else fn
