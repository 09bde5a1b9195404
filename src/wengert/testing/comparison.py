"""`assert_close`: tensors, numbers, and containers of them, compared with a message that says where they differ."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import cmath
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.dtypes import DTYPES, dtype
from ..core.errors import warn
from ..core.promotion import promote_types
from ..core.tensor import Tensor, wrap

__all__ = ["assert_allclose", "assert_close", "default_tolerances"]

_RTOL = {"float16": 1e-3, "bfloat16": 1.6e-2, "float32": 1.3e-6, "float64": 1e-7}
_ATOL = {"float16": 1e-5, "bfloat16": 1e-5, "float32": 1e-5, "float64": 1e-7}


def default_tolerances(*kinds: dtype) -> tuple[float, float]:
    """(rtol, atol) of dtypes, the loosest of them; 0 for integers."""
    names = [k.to_real().name for k in kinds]
    return max(_RTOL.get(n, 0.0) for n in names), max(_ATOL.get(n, 0.0) for n in names)


class _Mismatch(Exception):
    """A difference found: its message, the error that it becomes, and the place in the containers."""

    def __init__(self, kind: type[Exception], message: str, place: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.kind, self.message, self.place = kind, message, place


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Raise AssertionError unless abs(actual - expected) <= atol + rtol * abs(expected) everywhere.

    Takes tensors, Python numbers, NumPy arrays, and sequences and mappings of them. The tolerances depend on the dtype
    where they are not given. `msg`: the error's message, or a function of the message that it would have.
    Raises TypeError for types that cannot be compared, ValueError for one tolerance without the other.
    """
    if (rtol is None) ^ (atol is None):
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {'rtol' if rtol is None else 'atol'}."
        )
    comparison = _Comparison(
        rtol, atol, equal_nan, allow_subclasses, check_device, check_dtype, check_layout, check_stride
    )
    try:
        comparison.walk(actual, expected, ())
    except _Mismatch as found:
        text = found.message
        if found.place:
            text += f"\n\nThe failure occurred for item {''.join(f'[{p!r}]' for p in found.place)}"
        if msg is not None and found.kind is AssertionError:
            text = msg if isinstance(msg, str) else msg(text)
        raise found.kind(text) from None


class _Comparison:
    def __init__(self, rtol: Any, atol: Any, equal_nan: bool, subclasses: bool, *checks: bool) -> None:
        self.rtol, self.atol, self.equal_nan, self.subclasses = rtol, atol, equal_nan, subclasses
        self.device, self.dtype, self.layout, self.stride = checks

    # ---- containers

    def walk(self, actual: Any, expected: Any, place: tuple[Any, ...]) -> None:
        """Compare two values; containers item by item."""
        if _is_sequence(actual) and _is_sequence(expected):
            if len(actual) != len(expected):
                raise _Mismatch(
                    AssertionError, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", place
                )
            for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
                self.walk(a, e, (*place, i))
            return
        if isinstance(actual, Mapping) and isinstance(expected, Mapping):
            missing, additional = set(expected) - set(actual), set(actual) - set(expected)
            if missing or additional:
                raise _Mismatch(
                    AssertionError,
                    f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {_sorted(missing)}\n"
                    f"Additional keys in the actual mapping: {_sorted(additional)}",
                    place,
                )
            for key in _sorted(actual):
                self.walk(actual[key], expected[key], (*place, key))
            return
        try:
            self.pair(actual, expected)
        except _Mismatch as found:
            found.place = place
            raise

    def pair(self, actual: Any, expected: Any) -> None:
        """Compare what is no container."""
        if actual is None or expected is None:
            if actual is not expected:
                raise _Mismatch(AssertionError, f"None mismatch: {actual} is not {expected}")
        elif isinstance(actual, (bool, np.bool_)) and isinstance(expected, (bool, np.bool_)):
            if bool(actual) is not bool(expected):
                raise _Mismatch(AssertionError, f"Booleans mismatch: {bool(actual)} is not {bool(expected)}")
        elif _is_number(actual) and _is_number(expected):
            self.numbers(actual, expected)
        elif self.comparable(actual, expected):
            self.tensors(_as_tensor(actual), _as_tensor(expected))
        else:
            raise _Mismatch(
                TypeError,
                f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.",
            )

    def comparable(self, actual: Any, expected: Any) -> bool:
        if not (_is_array(actual) and _is_array(expected)):
            return False
        related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
        return related and (self.subclasses or type(actual) is type(expected))

    # ---- numbers

    def numbers(self, actual: Any, expected: Any) -> None:
        """Two Python numbers; of one type, if dtypes are to agree."""
        if self.dtype and _python_type(actual) is not _python_type(expected):
            raise _Mismatch(
                AssertionError, f"The (d)types do not match: {_python_type(actual)} != {_python_type(expected)}."
            )
        kinds = [DTYPES[_KIND_OF[_python_type(v)]] for v in (actual, expected)]
        rtol, atol = (self.rtol, self.atol) if self.rtol is not None else default_tolerances(*kinds)
        if actual == expected:
            return
        difference = abs(actual - expected)
        if self.equal_nan and cmath.isnan(actual) and cmath.isnan(expected):
            return
        if cmath.isfinite(actual) and cmath.isfinite(expected) and difference <= atol + rtol * abs(expected):
            return
        raise _Mismatch(AssertionError, _numbers_differ(actual, expected, rtol, atol))

    # ---- tensors

    def tensors(self, actual: Tensor, expected: Tensor) -> None:
        """Two tensors: their attributes, then their elements."""
        self.attributes(actual, expected)
        rtol, atol = (self.rtol, self.atol) if self.rtol is not None else default_tolerances(actual.dtype, expected.dtype)
        kind = actual.dtype if actual.dtype is expected.dtype else promote_types(actual.dtype, expected.dtype)
        a, e = (t.detach().to(kind)._data for t in (actual, expected))
        half = a.dtype.kind == "V"  # bfloat16, of which NumPy knows little
        matches = self.close(a.astype(np.float32) if half else a, e.astype(np.float32) if half else e, rtol, atol)
        if matches.all():
            return
        if a.shape == ():
            raise _Mismatch(AssertionError, _numbers_differ(a.item(), e.item(), rtol, atol))
        raise _Mismatch(AssertionError, self.elements_differ(a, e, matches, rtol, atol))

    def attributes(self, actual: Tensor, expected: Tensor) -> None:
        def check(name: str, a: Any, e: Any) -> None:
            if a != e:
                raise _Mismatch(AssertionError, f"The values for attribute '{name}' do not match: {a} != {e}.")

        check("shape", actual.shape, expected.shape)
        if self.layout:
            check("layout", actual.layout, expected.layout)
        if self.device:
            check("device", actual.device, expected.device)
        if self.dtype:
            check("dtype", actual.dtype, expected.dtype)
        if self.stride:
            check("stride()", actual.stride(), expected.stride())

    def close(self, a: Any, e: Any, rtol: float, atol: float) -> Any:
        """Elementwise."""
        same = a == e
        if self.equal_nan and a.dtype.kind in "fc":
            same |= np.isnan(a) & np.isnan(e)
        if rtol == 0 and atol == 0:
            return same
        if a.dtype.kind in "biu":
            a, e = a.astype(np.float64), e.astype(np.float64)
        allowed = atol + np.abs(rtol * e)
        return same | (np.isfinite(e) & np.isfinite(a) & (np.abs(a - e) <= allowed))

    @staticmethod
    def elements_differ(a: Any, e: Any, matches: Any, rtol: float, atol: float) -> str:
        """How many elements differ, and where the most."""
        total, wrong = matches.size, int(matches.size - matches.sum())
        exact = rtol == 0 and atol == 0
        if a.dtype.kind in "biu":
            a, e = a.astype(np.int64), e.astype(np.int64)
        absolute = np.where(matches, np.zeros((), np.abs(a).dtype), np.abs(a - e))
        scale = np.abs(e)
        inexact = np.float32 if scale.dtype.kind in "iu" else scale.dtype
        relative = absolute.astype(inexact) / scale.astype(inexact)
        if relative.dtype.kind == "V":
            absolute, relative = absolute.astype(np.float32), relative.astype(np.float32)
        relative = np.where(matches, np.zeros((), relative.dtype), relative)
        lines = [
            f"Tensor-likes are not {'equal' if exact else 'close'}!\n",
            f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})",
        ]
        for name, values, limit in (("absolute", absolute, atol), ("relative", relative, rtol)):
            at = tuple(int(i) for i in np.unravel_index(int(_largest(values)), values.shape))
            end = "" if exact else f" (up to {limit} allowed)"
            lines.append(f"Greatest {name} difference: {values[at].item()} at index {at}{end}")
        return "\n".join(lines)


def _largest(values: Any) -> int:
    """Where the largest stands; nan counts as the largest."""
    return int(np.argmax(values))


def _numbers_differ(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    exact = rtol == 0 and atol == 0
    difference = abs(actual - expected)
    relative = float("inf") if expected == 0 else difference / abs(expected)
    ends = ("", "") if exact else (f" (up to {atol} allowed)", f" (up to {rtol} allowed)")
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{ends[0]}\nRelative difference: {relative}{ends[1]}"
    )


_KIND_OF = {int: "int64", float: "float64", complex: "complex128", bool: "bool"}


def _python_type(value: Any) -> type:
    for kind in (bool, int, float, complex):
        if isinstance(value, kind):
            return kind
    if isinstance(value, np.generic):
        return type(value.item())
    return float


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number) and not isinstance(value, np.bool_)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_array(value: Any) -> bool:
    return isinstance(value, (Tensor, np.ndarray))


def _as_tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else wrap(np.asarray(value))


def _sorted(keys: Any) -> list[Any]:
    try:
        return sorted(keys)
    except TypeError:
        return list(keys)


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = True, msg: str = ""
) -> None:
    """The old name: dtypes and devices need not agree, nan equals nan, and what is no tensor becomes one."""
    from ..ops.install import FUNCTIONS

    warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
        "`torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
        "https://github.com/pytorch/pytorch/issues/61844.",
        FutureWarning,
    )
    if not isinstance(actual, Tensor):
        actual = FUNCTIONS["tensor"](actual)
    if not isinstance(expected, Tensor):
        expected = FUNCTIONS["tensor"](expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        rtol, atol = default_tolerances(actual.dtype, expected.dtype)
    assert_close(
        actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True, check_dtype=False,
        check_stride=False, msg=msg or None,
    )  # fmt: skip
