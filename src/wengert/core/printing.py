"""Tensor text: what `print(t)` shows, `set_printoptions`, and the Python scalar behind an element.

Works on arrays and a few flags, so it needs no Tensor. Three steps: `_corners` cuts the array down to what will be
shown, `_strings` writes each element, `_layout` puts brackets, dots and line breaks around them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wengert.core import dtypes
from wengert.core.dtypes import DTYPES, FLOATING, FROM_NUMPY, dtype

__all__ = [
    "PRINT_OPTS",
    "contents_str",
    "format_scalar",
    "get_printoptions",
    "item",
    "parameter_str",
    "printoptions",
    "set_printoptions",
    "tensor_str",
    "wrapper_str",
]

# ------------------------------------------------------------------------------------------------ options


class PrintOptions:
    """The process-wide settings (shared by all threads, as PyTorch's are); `set_printoptions` explains them."""

    __slots__ = ("edgeitems", "linewidth", "precision", "sci_mode", "threshold")

    precision: int
    threshold: float
    edgeitems: int
    linewidth: float
    sci_mode: bool | None

    def __init__(self) -> None:
        self.precision, self.threshold, self.edgeitems, self.linewidth = _PROFILES["default"]
        self.sci_mode = None


#: profile -> precision, threshold, edgeitems, linewidth
_PROFILES: dict[str, tuple[int, float, int, int]] = {
    "default": (4, 1000, 3, 80),
    "short": (2, 1000, 2, 80),
    "full": (4, math.inf, 3, 80),
}

PRINT_OPTS = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: float | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; an argument left out keeps its value, except `sci_mode`, which goes back to None.

    precision: digits after the point; threshold: more elements than this are summarised; edgeitems: elements shown at
    each end of a summarised dimension; linewidth: characters per line; profile: 'default', 'short' or 'full', taken
    before the others; sci_mode: True or False forces scientific notation on or off, None decides by the values.
    """
    if profile is not None and profile.lower() in _PROFILES:
        chosen = _PROFILES[profile.lower()]
        PRINT_OPTS.precision, PRINT_OPTS.threshold, PRINT_OPTS.edgeitems, PRINT_OPTS.linewidth = chosen
    if precision is not None:
        PRINT_OPTS.precision = precision
    if threshold is not None:
        PRINT_OPTS.threshold = threshold
    if edgeitems is not None:
        PRINT_OPTS.edgeitems = edgeitems
    if linewidth is not None:
        PRINT_OPTS.linewidth = linewidth
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The settings as a dict of set_printoptions' keywords (without `profile`)."""
    names = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")
    return {name: getattr(PRINT_OPTS, name) for name in names}


@contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """`with printoptions(precision=2): ...` sets options for the block and restores them after it."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


# ------------------------------------------------------------------------------------------------ whole tensors


def tensor_str(
    array: np.ndarray[Any, Any] | None,
    dtype: dtype | None = None,
    *,
    shape: Sequence[int] | None = None,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    tensor_contents: str | None = None,
    prefix: str = "tensor(",
    device: str | None = None,
    layout: str | None = None,
    extra_suffixes: Iterable[str] = (),
) -> str:
    """The repr of a tensor: prefix, contents, then the suffixes that tell what is not the default.

    `array` is None for a tensor without data (device 'meta'), which then needs `shape` and `dtype`. `prefix` is
    'tensor(' or a subclass's name and a parenthesis; `device`, when not the CPU, is its string; `layout` likewise its
    repr; `tensor_contents` stands in for the formatted elements; `extra_suffixes` (`tangent=...`) come last.
    """
    if dtype is None:
        if array is None:
            raise TypeError("tensor_str() needs a dtype when there is no array")
        dtype = FROM_NUMPY[array.dtype]
    if shape is None:
        if array is None:
            raise TypeError("tensor_str() needs a shape when there is no array")
        shape = array.shape
    indent = len(prefix)
    suffixes = [] if device is None else [f"device='{device}'"]
    if array is None:
        suffixes.append(f"size={_tuple_text(shape)}")
        if dtype is not dtypes._default:
            suffixes.append(f"dtype={dtype!r}")
        contents = "..."
    elif array.size == 0:
        if array.ndim != 1:
            suffixes.append(f"size={_tuple_text(shape)}")
        if dtype is not dtypes._default:  # an empty int64 tensor says so: nothing in it shows its type
            suffixes.append(f"dtype={dtype!r}")
        contents = "[]"
    else:
        if PRINT_OPTS.edgeitems == 0:  # the dots alone would not tell
            suffixes.append(f"size={_tuple_text(shape)}")
        if not _is_default(dtype):
            suffixes.append(f"dtype={dtype!r}")
        contents = contents_str(array, indent) if tensor_contents is None else ""
    if tensor_contents is not None:
        contents = tensor_contents
    if layout is not None:
        suffixes.append(f"layout={layout}")
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    suffixes.extend(extra_suffixes)
    return _with_suffixes(prefix + contents, suffixes, indent)


def parameter_str(text: str, plain: bool = True) -> str:
    """The repr of a Parameter whose tensor reads `text`; `plain` is False when its data is of a Tensor subclass."""
    return "Parameter containing:\n" + text if plain else f"Parameter({text})"


def wrapper_str(kind: str, level: int, value: str, bdim: int | None = None) -> str:
    """The repr of a value inside a transform: kind 'GradTrackingTensor', or 'BatchedTensor' with its `bdim`."""
    dim = "" if bdim is None else f"bdim={bdim}, "
    inner = "\n".join("    " + line if line.strip() else line for line in value.split("\n"))
    return f"{kind}(lvl={level}, {dim}value=\n{inner}\n)"


def _is_default(d: dtype) -> bool:
    """True for the dtypes that literals give, which therefore go without saying."""
    default = dtypes._default
    return d is default or d is (_C128 if default is _F64 else _C64) or d is _I64 or d is _BOOL


_F64, _C64, _C128, _I64, _BOOL = (DTYPES[name] for name in ("float64", "complex64", "complex128", "int64", "bool"))


def _tuple_text(shape: Sequence[int]) -> str:
    return str(tuple(int(n) for n in shape))


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append `, suffix` for each, on a new line when the linewidth would be passed, and close the parenthesis."""
    linewidth = PRINT_OPTS.linewidth
    parts = [text]
    used = len(text) - text.rfind("\n") + 1  # PyTorch's count of the last line, two too many and kept so
    for suffix in suffixes:
        if used + len(suffix) + 2 > linewidth:
            parts.append(f",\n{' ' * indent}{suffix}")
            used = indent + len(suffix)
        else:
            parts.append(f", {suffix}")
            used += len(suffix) + 2
    parts.append(")")
    return "".join(parts)


# ------------------------------------------------------------------------------------------------ the elements


def contents_str(array: np.ndarray[Any, Any], indent: int = 0) -> str:
    """The elements of an array in brackets; lines after the first begin with `indent` spaces."""
    if array.size == 0:
        return "[]"
    summarize = array.size > PRINT_OPTS.threshold
    shown = _corners(array) if summarize else array
    if FROM_NUMPY[array.dtype].is_complex:
        real, real_width = _float_strings(shown.real)
        imag, imag_width = _float_strings(shown.imag)
        texts = [r + _signed(i) for r, i in zip(real, imag)]
        width = real_width + imag_width + 3  # the ", " behind, and the "j"
    else:
        write = _float_strings if FROM_NUMPY[array.dtype].category == FLOATING else _plain_strings
        texts, width = write(shown)
        width += 2
    return _layout(array.shape, iter(texts), width, indent, summarize)


def _signed(imag: str) -> str:
    """An imaginary part as it follows the real one: '+2.j', '-2.j', unpadded."""
    text = imag.lstrip() + "j"
    return text if text[0] in "+-" else "+" + text


def _corners(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Keep `edgeitems` at both ends of each dimension that is longer than both together."""
    edge = PRINT_OPTS.edgeitems
    if edge == 0:
        return array[(slice(0, 0),) * array.ndim]
    for axis, n in enumerate(array.shape):
        if n > 2 * edge:
            array = array.take([*range(edge), *range(n - edge, n)], axis=axis)
    return array


def _plain_strings(values: np.ndarray[Any, Any]) -> tuple[list[str], int]:
    """Integers and bools: each as Python writes it, padded to the longest. Gives the strings and that width."""
    texts = [str(value) for value in values.ravel().tolist()]
    width = max(map(len, texts), default=1)
    return [text.rjust(width) for text in texts], width


def _float_strings(values: np.ndarray[Any, Any]) -> tuple[list[str], int]:
    """Real floats of one notation, chosen by the finite nonzero values among them. Gives the strings and the width.

    Three notations: '1.' when all those values are integers, '1.5000', and '1.5000e+00' when they lie too far apart,
    are huge, or (unless all are integers) tiny. The width is that of the longest finite nonzero one, which is why
    'nan' or '-inf' may stick out of their column.
    """
    flat = values.ravel().astype(np.float64)
    is_typical = np.isfinite(flat) & (flat != 0)
    typical = flat[is_typical]
    if typical.size == 0:  # even a forced sci_mode leaves '0.' and 'nan' alone
        return [_whole(value) for value in flat.tolist()], 1
    whole = bool((typical == np.ceil(typical)).all())
    if PRINT_OPTS.sci_mode is not None:
        scientific = PRINT_OPTS.sci_mode
    else:
        sizes = np.abs(typical)
        least, most = float(sizes.min()), float(sizes.max())
        scientific = most / least > 1000.0 or most > 1.0e8 or (not whole and least < 1.0e-4)
    texts = list(map(_notation(whole, scientific), flat.tolist()))
    width = max(map(len, itertools.compress(texts, is_typical.tolist())))
    return [text.rjust(width) for text in texts], width


def _notation(whole: bool, scientific: bool) -> Callable[[float], str]:
    """The function that writes one float."""
    if scientific:
        return f"{{:.{PRINT_OPTS.precision}e}}".format
    if whole:
        return _whole
    return f"{{:.{PRINT_OPTS.precision}f}}".format


def _whole(value: float) -> str:
    return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"


# ------------------------------------------------------------------------------------------------ the layout


def _layout(shape: Sequence[int], texts: Iterator[str], width: int, indent: int, summarize: bool) -> str:
    """Brackets around the element texts (in C order). `width` is one element's room, separator included."""
    if not shape:
        return next(texts)
    edge = PRINT_OPTS.edgeitems
    n = shape[0]
    cut = summarize and n > 2 * edge
    if len(shape) > 1:
        inner = [_layout(shape[1:], texts, width, indent + 1, summarize) for _ in range(2 * edge if cut else n)]
        if cut:
            inner.insert(edge, "...")
        return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(inner) + "]"
    per_line = max(1, math.floor((PRINT_OPTS.linewidth - indent) / width))
    row = [next(texts) for _ in range(2 * edge if cut else n)]
    if cut:
        row.insert(edge, " ..." if edge else "...")
    lines = [", ".join(row[at : at + per_line]) for at in range(0, len(row), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


# ------------------------------------------------------------------------------------------------ Python scalars


def item(array: np.ndarray[Any, Any]) -> bool | int | float | complex:
    """The one element as a Python scalar. Raises RuntimeError unless there is exactly one."""
    if array.size != 1:
        raise RuntimeError(f"a Tensor with {array.size} elements cannot be converted to Scalar")
    value: bool | int | float | complex = array.item()
    return value


def format_scalar(array: np.ndarray[Any, Any], spec: str) -> str:
    """`format(t, spec)` of a plain 0-d tensor: that of its Python scalar, so an empty spec gives '1.5', no tensor."""
    return format(item(array), spec)
