"""Runs one function with PyTorch and with this package and compares everything that a user would see."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import wengert

SINGLE = {"rtol": 1e-5, "atol": 1e-6}


def is_tensor(value: Any) -> bool:
    return hasattr(value, "grad_fn") and hasattr(value, "dtype")


def text(value: Any) -> str:
    """A printed form without what differs by nature: addresses and module paths."""
    out = re.sub(r"0x[0-9a-f]+", "0x", str(value))
    out = re.sub(r"torch\.nn\.(modules\.|utils\.)?[a-z_]+\.(?=[A-Z_])", "nn.", out)
    out = re.sub(r"wengert\.nn\.(utils\.)?[a-z_]+\.(?=[A-Z_])", "nn.", out)
    return re.sub(r"\{('[a-z]+'(, )?)+\}", lambda m: "{" + ", ".join(sorted(re.findall(r"'[a-z]+'", m[0]))) + "}", out)


def plain(value: Any) -> Any:
    """Tensors as (dtype, requires_grad, array), containers of them likewise, everything else as text."""
    if is_tensor(value):
        array = value.detach()
        array = array.float() if str(array.dtype) == "torch.bfloat16" else array
        elements = np.asarray(array.tolist(), dtype=object if array.numel() == 0 else None)
        return ("tensor", str(value.dtype), bool(value.requires_grad), elements, tuple(value.shape))
    if isinstance(value, Mapping):
        return {text(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (int, float, bool, type(None))):
        return value
    return text(value)


def outcome(fn: Callable[[Any], Any], torch: Any) -> dict[str, Any]:
    """What `fn(torch)` returns or raises, and its warnings."""
    torch.manual_seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result: dict[str, Any] = {}
        try:
            result["value"] = plain(fn(torch))
        except Exception as error:
            result["error"] = (type(error).__name__, text(error))
    seen = []
    for w in caught:
        # RuntimeWarnings are NumPy's; the package's filter against them is off inside this block
        if w.category not in (DeprecationWarning, RuntimeWarning) and "oneDNN" not in str(w.message):
            message = re.sub(r" \(Triggered internally.*", "", text(w.message))
            seen.append((w.category.__name__, message.replace("docs.pytorch.org", "pytorch.org")))
    result["warnings"] = seen
    return result


def close(a: Any, b: Any, where: str, **tolerance: float) -> None:
    """`a` (PyTorch's) and `b` (ours) are the same, numbers within the tolerance."""
    if isinstance(a, tuple) and a and isinstance(a[0], str) and a[0] == "tensor":
        assert b and b[0] == "tensor" and a[1] == b[1] and a[2] == b[2] and a[4] == b[4], f"{where}: {a} != {b}"
        if a[3].dtype != object:
            np.testing.assert_allclose(b[3], a[3], err_msg=where, **tolerance)
    elif isinstance(a, (list, tuple)):
        assert isinstance(b, (list, tuple)) and len(a) == len(b), f"{where}: {a} != {b}"
        for n, (x, y) in enumerate(zip(a, b)):
            close(x, y, f"{where}[{n}]", **tolerance)
    elif isinstance(a, dict):
        assert isinstance(b, dict) and list(a) == list(b), f"{where}: {list(a)} != {list(b)}"
        for key in a:
            close(a[key], b[key], f"{where}[{key}]", **tolerance)
    elif isinstance(a, float) and not isinstance(a, bool):
        np.testing.assert_allclose(b, a, err_msg=where, **tolerance)
    else:
        assert a == b, f"{where}: PyTorch {a!r}, here {b!r}"


def same(fn: Callable[[Any], Any], *, first_line: bool = False, **tolerance: float) -> Any:
    """Assert that `fn(torch)` does the same in PyTorch and here; returns our outcome.

    `first_line`: of an error compare only the first line, which is PyTorch's sentence.
    """
    theirs = outcome(fn, importlib.import_module("torch"))
    ours = outcome(fn, wengert)
    for result in (theirs, ours):
        if first_line and "error" in result:
            kind, message = result["error"]
            result["error"] = kind, message.split("\n")[0]
    if "error" in ours and "error" not in theirs:
        raise AssertionError(f"raises here only: {ours['error']}")
    assert ours.get("error") == theirs.get("error"), (
        f"PyTorch {theirs.get('error', theirs)}, here {ours.get('error', ours)}"
    )
    assert ours["warnings"] == theirs["warnings"]
    if "value" in theirs:
        close(theirs["value"], ours["value"], "value", **{**SINGLE, **tolerance})
    return ours
