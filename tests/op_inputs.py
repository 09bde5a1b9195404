"""The samples of the op table as calls of any implementation of `torch`, and what such a call gives."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.check.inputs import Call, build, function, leaves, prepared
from wengert.core.samples import SAMPLES, Entry

SEED_OF_VECTORS = 11


class Outcome:
    """What a call gave: an error, or its results (flat) and the gradients of its differentiated inputs.

    `error`: (class, first line); `results`: a dict for each tensor, the value itself for others; `grads`: arrays, or
    the error of the backward.
    """

    def __init__(self) -> None:
        self.error: tuple[str, str] | None = None
        self.results: list[Any] = []
        self.grads: list[Any] | tuple[str, str] | None = None


def tensor(torch: Any, array: Any, requires_grad: bool = False) -> Any:
    """A tensor of `torch` with the memory layout and the numbers of `array` (a copy)."""
    if torch.__name__ == "wengert":
        from wengert.core.tensor import wrap

        return wrap(array.copy(order="K")).requires_grad_(requires_grad)
    if array.dtype.name == "bfloat16":
        found = torch.from_numpy(array.view(np.int16).copy(order="K")).view(torch.bfloat16)
    else:
        found = torch.from_numpy(array.copy(order="K"))
    return found.requires_grad_(requires_grad)


def constant(torch: Any) -> Callable[[Any], Any]:
    """Turns this package's dtypes and the like into those of `torch`."""

    def turn(v: Any) -> Any:
        name = type(v).__name__
        if torch.__name__ != "wengert" and type(v).__module__.partition(".")[0] in ("wengert", "torch"):
            if name == "dtype":
                return getattr(torch, v.name)
            if name in ("memory_format", "layout"):
                return getattr(torch, str(v).removeprefix("torch."))
            if name == "device":
                return torch.device(str(v))
        return v

    return turn


def numbers(t: Any) -> Any:
    """The elements of a tensor of any implementation, as an array NumPy knows."""
    t = t.detach()
    if str(t.dtype) == "torch.complex32":
        return numbers(t.real) + 1j * numbers(t.imag)
    if str(t.dtype) == "torch.bfloat16":
        t = t.float()
    return np.array(t.numpy(force=True))


def first_line(error: BaseException) -> tuple[str, str]:
    return type(error).__name__, (str(error).split("\n") or [""])[0].strip()


def vectors(torch: Any, outputs: Sequence[Any]) -> list[Any]:
    """The same random vectors between -1 and 1 in every implementation."""
    rng = np.random.default_rng(SEED_OF_VECTORS)
    found = []
    for o in outputs:
        v = rng.uniform(-1, 1, tuple(o.shape))
        if o.is_complex():
            v = v + 1j * rng.uniform(-1, 1, tuple(o.shape))
        found.append(torch.from_numpy(np.array(v)).to(o.dtype))
    return found


def outcome(torch: Any, entry: Entry, call: Call, derive: bool = True) -> Outcome:
    """Run one call; its errors are part of what it gives."""
    found = Outcome()
    is_tensor = lambda x: isinstance(x, torch.Tensor)
    wanted = call.grads if derive and entry.flags.get("differentiable") is not False else [False] * len(call.grads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        fn = function(torch, entry.name)
        xs = [tensor(torch, a, g) for a, g in zip(call.arrays, wanted, strict=True)]
        try:
            raw = leaves(call.run(fn, xs, constant(torch)), is_tensor)
            smooth = prepared(entry, fn)
            if smooth is fn:
                values = raw
            else:
                xs = [tensor(torch, a, g) for a, g in zip(call.arrays, wanted, strict=True)]
                values = leaves(call.run(smooth, xs, constant(torch)), is_tensor)
        except Exception as error:
            found.error = first_line(error)
            return found
        for r, v in zip(raw, values, strict=True):
            if not is_tensor(r):
                found.results.append(r)
                continue
            found.results.append({
                "shape": tuple(r.shape),
                "dtype": str(r.dtype),
                "strides": tuple(r.stride()),
                "requires_grad": r.requires_grad,
                "grad_fn": type(r.grad_fn).__name__ if r.grad_fn is not None else None,
                "value": numbers(v),
            })
        outputs = [v for v in values if is_tensor(v) and v.requires_grad]
        leaf = [x for x in xs if x.requires_grad]
        if not outputs or not leaf:
            return found
        try:
            given = torch.autograd.grad(outputs, leaf, vectors(torch, outputs), allow_unused=True)
        except Exception as error:
            found.grads = first_line(error)
            return found
        found.grads = [numbers(torch.zeros_like(x) if g is None else g) for g, x in zip(given, leaf, strict=True)]
    return found


TOLERANCES = {"float64": (1e-9, 1e-11), "complex128": (1e-9, 1e-11), "float32": (2e-5, 2e-5), "complex64": (5e-5, 5e-5),
              "float16": (4e-3, 4e-3), "bfloat16": (3e-2, 3e-2)}


def same_numbers(a: Any, b: Any, kind: str, entry: Entry) -> str | None:
    """None, or where two arrays differ."""
    if a.shape != b.shape:
        return f"shape {a.shape}, PyTorch {b.shape}"
    rtol, atol = TOLERANCES.get(kind, (1e-5, 1e-6))
    if kind in ("float32", "complex64") and entry.name.startswith("linalg."):
        rtol, atol = 1e-3, 1e-3  # 1e-6 times the condition of the samples
    rtol, atol = max(rtol, entry.flags.get("rtol", 0)), max(atol, entry.flags.get("atol", 0))
    x, y = (np.asarray(v, np.complex128) for v in (a, b))
    with np.errstate(all="ignore"):
        near = np.abs(x - y) <= atol + rtol * np.abs(y)
        parts = [np.isclose(getattr(x, p), getattr(y, p), rtol=rtol, atol=atol, equal_nan=True) for p in ("real", "imag")]
        near = np.where(np.isfinite(x) & np.isfinite(y), near, parts[0] & parts[1])
        if near.all():
            return None
        wrong = ~near
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{a[at]} at {list(at)}, PyTorch {b[at]} ({int(wrong.sum())} of {wrong.size} differ)"


def differences(ours: Outcome, theirs: Outcome, kind: str, entry: Entry) -> dict[str, str]:
    """Aspect -> what differs there: refusal, text, results, shape, dtype, strides, requires_grad, grad_fn, value,
    gradient, more (a derivative that PyTorch does not have)."""
    found: dict[str, str] = {}
    if ours.error or theirs.error:
        if not (ours.error and theirs.error):
            found["refusal"] = f"{ours.error or 'no error'}, PyTorch {theirs.error or 'no error'}"
        elif ours.error != theirs.error:
            found["text"] = f"{ours.error}, PyTorch {theirs.error}"
        return found
    if len(ours.results) != len(theirs.results):
        return {"results": f"{len(ours.results)}, PyTorch {len(theirs.results)}"}
    for k, (a, b) in enumerate(zip(ours.results, theirs.results, strict=True)):
        if not (isinstance(a, dict) and isinstance(b, dict)):
            if type(a) is not type(b) or not (a == b or a != a and b != b):
                found.setdefault("value", f"result {k}: {a!r}, PyTorch {b!r}")
            continue
        if a["requires_grad"] and not b["requires_grad"]:
            found.setdefault("more", f"result {k} has a derivative, PyTorch has none")
            continue
        for aspect in ("shape", "dtype", "requires_grad", "grad_fn"):
            if a[aspect] != b[aspect]:
                found.setdefault(aspect, f"result {k}: {a[aspect]}, PyTorch {b[aspect]}")
        if meaningful(a) != meaningful(b):
            found.setdefault("strides", f"result {k} of shape {b['shape']}: {a['strides']}, PyTorch {b['strides']}")
        if a["shape"] == b["shape"]:
            text = same_numbers(a["value"], b["value"], a["dtype"].removeprefix("torch."), entry)
            if text:
                found.setdefault("value", f"result {k}: {text}")
    if "more" in found:
        return found
    if isinstance(theirs.grads, tuple) and "derivative for" in theirs.grads[1] and not isinstance(ours.grads, tuple):
        found["more"] = f"a derivative, PyTorch: {theirs.grads[1]}"
        found.pop("grad_fn", None)
    elif isinstance(ours.grads, tuple) or isinstance(theirs.grads, tuple):
        if ours.grads != theirs.grads:
            found["gradient"] = f"{ours.grads if isinstance(ours.grads, tuple) else 'no error'}, PyTorch " + (
                f"{theirs.grads if isinstance(theirs.grads, tuple) else 'no error'}")
    elif (ours.grads is None) != (theirs.grads is None):
        found.setdefault("gradient", f"{'none' if ours.grads is None else 'some'}, the other way round in PyTorch")
    elif ours.grads is not None and theirs.grads is not None:
        for k, (a, b) in enumerate(zip(ours.grads, theirs.grads, strict=True)):
            text = same_numbers(a, b, kind, entry)
            if text:
                found.setdefault("gradient", f"of input {k}: {text}")
    return found


def meaningful(result: dict[str, Any]) -> Any:
    """The strides that matter: of dimensions with more than one element, where there are elements at all."""
    if 0 in result["shape"]:
        return None
    return tuple(s for s, n in zip(result["strides"], result["shape"], strict=True) if n > 1)


def calls(name: str, kind: str = "float64") -> list[Call]:
    entry = SAMPLES[name]
    return [build(entry, case, kind) for case in entry.cases]
