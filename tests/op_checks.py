"""The checks of the op table, one function each: `CHECKS[name](entry)` gives a list of complaints (empty: all is well).

Those in `LIVE` compare with PyTorch itself; the others need nothing but the package.
"""
from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import wengert
from op_inputs import Outcome, calls, differences, outcome, same_numbers
from wengert.check import BY_DESIGN, LAWS, Call, NotApplicable, apply, build, function
from wengert.check.inputs import Slot
from wengert.core.samples import SAMPLES, Case, Entry

RECORDED = Path(__file__).parent / "recorded" / "ops.json.gz"

#: (operation, check) -> why what PyTorch does, or what the law says, is not wanted there
EXCEPTIONS: dict[tuple[str, str], str] = {
    **BY_DESIGN,
    ("as_strided_scatter", "values"): "PyTorch gives the input the gradient of the elements that it lost",
    ("as_strided_scatter", "float32"): "PyTorch gives the input the gradient of the elements that it lost",
    ("as_strided_scatter", "half"): "PyTorch gives the input the gradient of the elements that it lost",
    ("as_strided_scatter", "complex"): "PyTorch gives the input the gradient of the elements that it lost",
    ("vander", "values"): "PyTorch's backward fails: it changes a saved tensor in place",
    ("vander", "float32"): "PyTorch's backward fails: it changes a saved tensor in place",
    ("vander", "half"): "PyTorch's backward fails: it changes a saved tensor in place",
    ("vander", "complex"): "PyTorch's backward fails: it changes a saved tensor in place",
    ("vander", "grad_fn"): "PyTorch writes into a buffer, and its backward fails",
    ("linalg.cond", "values"): "PyTorch's backward fails for p=1: it changes a saved tensor in place",
    ("linalg.cond", "float32"): "PyTorch's backward fails for p=1: it changes a saved tensor in place",
    ("linalg.cond", "complex"): "PyTorch's backward fails for p=1: it changes a saved tensor in place",
    **{(f"nn.functional.{n}", "special"): "PyTorch's gradient at nan depends on the dtype and on the place in memory"
       for n in ("hardtanh", "relu6", "hardshrink", "softshrink")},
    ("lu_unpack", "errors"): "PyTorch writes past the end of its memory for pivots of a wrong shape",
    ("native_batch_norm", "errors"): "PyTorch reads past the end of its memory for parameters of a wrong shape",
    ("meshgrid", "errors"): "PyTorch shows the tensor as C++ prints it",
    ("kthvalue", "integers"): "which of several equal elements is found is not defined",
    ("topk", "integers"): "which of several equal elements is found is not defined",
    **{(n, "half"): "NumPy has no complex number of two halves" for n in ("complex", "view_as_complex")},
    **{(n, "half"): "PyTorch reads the coefficients of its series from the wrong memory: noise, nan"
       for n in ("matrix_exp", "linalg.matrix_exp")},
    **{(n, "half"): "PyTorch's gradient, a difference rounded to half precision, has no right digit near 0"
       for n in ("sinc", "special.sinc")},
    ("nn.functional.grid_sample", "half"): "PyTorch rounds each step on the way to a position to half precision",
    ("split_copy", "out"): "PyTorch copies into the given pieces: they must have the right shapes",
    ("kthvalue", "special"): "which of several equal elements is found is not defined",
    ("topk", "special"): "which of several equal elements is found is not defined",
    ("as_strided_scatter", "special"): "PyTorch gives the input the gradient of the elements that it lost",
    ("vander", "special"): "PyTorch's backward fails: it changes a saved tensor in place",
    **{(n, "special"): "LAPACK defines nothing for nan, and PyTorch's is another one than NumPy's"
       for n in ("geqrf", "lu", "qr", "orgqr", "ormqr", "logdet")},
    **{(n, "special"): "PyTorch's running mean is nan after an infinity, but inf where that comes last"
       for n in ("var_mean", "std_mean", "native_layer_norm", "native_group_norm")},
    ("einsum", "special"): "PyTorch contracts in the order that opt_einsum proposes, where that is installed",
    ("linalg.pinv", "float32"): "a nearly singular sample: float32 rounds its gradient in the third digit",
    ("mode", "special"): "PyTorch sorts with <: whether nan is found depends on where it stands",
    ("nn.functional.instance_norm", "special"): "PyTorch makes scale and shift of an infinite weight: their sum is nan",
    **{(f"nn.functional.{n}", "special"): "PyTorch's float32 kernel (oneDNN) loses some nan, its float64 kernel none"
       for n in ("conv1d", "conv3d")},
    ("nn.functional.scaled_dot_product_attention", "special"): "PyTorch's fused kernel makes 0 of rows with nan",
}

#: PyTorch has no derivative of these, by some of their inputs or at all; the one here is held to the laws
DIFFERENTIATED = frozenset((
    "igamma", "igammac", "linalg.ldl_solve", "special.gammainc", "special.gammaincc", "special.zeta",
    *(f"special.{n}" for n in (
        "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_i0", "modified_bessel_i1",
        "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1",
        "spherical_bessel_j0", "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l",
        "legendre_polynomial_p",
    )),
    *(f"special.{kind}chebyshev_polynomial_{n}" for kind in ("", "shifted_") for n in "tuvw"),
))

HALVES = ("float16", "bfloat16")
INTEGERS = ("int64", "int32", "uint8", "bool")
COMPLEX = ("complex128", "complex64")


# ---------------------------------------------------------------- laws


def law(name: str) -> Callable[[Entry, bool], list[str]]:
    """A law for all samples, with real and with complex numbers; `first`: the first sample that it speaks of alone."""

    def check(entry: Entry, first: bool = False) -> list[str]:
        fn = function(wengert, entry.name)
        complaints: list[str] = []
        spoken = 0
        for kind in kinds_of(entry):
            for case in entry.cases:
                call = build(entry, case, kind)
                try:
                    apply(name, entry, fn, call)
                except NotApplicable:
                    continue
                except Exception as error:
                    complaints.append(f"{case} in {kind}: {told(error)}")
                spoken += 1
                if first and spoken:
                    return complaints
        if not spoken:
            raise NotApplicable("says nothing about this operation")
        return complaints

    return check


def told(error: Exception) -> str:
    lines = [line for line in str(error).split("\n") if line.strip()]
    return f"{type(error).__name__}: " + " ... ".join(dict.fromkeys((*lines[:1], *lines[-1:])))


def kinds_of(entry: Entry) -> list[str]:
    found = [] if entry.flags.get("real") is False else ["float64"]
    return found if entry.flags.get("complex") is False else [*found, "complex128"]


# ---------------------------------------------------------------- PyTorch itself


@lru_cache(maxsize=64)
def compared(name: str, kind: str) -> tuple[tuple[str, dict[str, str]], ...]:
    """(sample, differences) for every sample of an operation in one dtype."""
    import torch

    entry = SAMPLES[name]
    found = []
    for call in calls(name, kind):
        if kind != "float64" and not any(a.dtype == wengert.check.inputs.numpy_dtype(kind) for a in call.arrays):
            continue
        ours, theirs = outcome(wengert, entry, call), outcome(torch, entry, call)
        found.append((f"{call.case} in {kind}", differences(ours, theirs, kind, entry)))
    return tuple(found)


def narrower(text: str) -> bool:
    """Whether it is this package that refuses."""
    return not text.startswith(("no error", "a derivative", "result"))


def live(kinds: tuple[str, ...], *aspects: str) -> Callable[[Entry, bool], list[str]]:
    """These aspects in these dtypes are PyTorch's; where it refuses, see `refusals`."""

    def check(entry: Entry, first: bool = False) -> list[str]:
        complaints = []
        for kind in kinds:
            if kind[0] == "f" and entry.flags.get("real") is False:
                continue
            for case, found in compared(entry.name, kind):
                complaints += [f"{case}: {a}: {text}" for a, text in found.items()
                               if a in aspects or a == "refusal" and narrower(text) and "value" in aspects]
        return complaints

    return check


def refusals(entry: Entry, first: bool = False) -> list[str]:
    """What PyTorch refuses is refused: a dtype, a derivative (but for those that are here on purpose)."""
    return [f"{case}: {found[a]}" for kind in ("float64", "float32", *HALVES, *INTEGERS, *COMPLEX)
            if not (kind[0] == "f" and entry.flags.get("real") is False)
            for case, found in compared(entry.name, kind)
            for a in ("refusal", *(("more",) if entry.name not in DIFFERENTIATED else ()))
            if a in found and not narrower(found[a])]


def wrong_calls(entry: Entry) -> Iterator[tuple[str, Call]]:
    """Calls with a dimension out of range, a shape too long, an unknown word."""
    call = build(entry, entry.cases[0])
    for i, v in enumerate(call.args):
        if type(v) is int:
            yield f"argument {i} = 100", changed(call, args=(*call.args[:i], 100, *call.args[i + 1 :]))
        if type(v) is str:
            yield f"argument {i} = 'nonsense'", changed(call, args=(*call.args[:i], "nonsense", *call.args[i + 1 :]))
    for k, v in call.kwargs.items():
        if type(v) is int:
            yield f"{k} = 100", changed(call, kwargs={**call.kwargs, k: 100})
        if type(v) is str:
            yield f"{k} = 'nonsense'", changed(call, kwargs={**call.kwargs, k: "nonsense"})
    if len(call.args) == 1 and isinstance(call.args[0], Slot) and not call.kwargs:
        yield "dim = 100", changed(call, kwargs={"dim": 100})
        yield "an argument too many", changed(call, kwargs={"nonsense": 1})
    for n, a in enumerate(call.arrays):
        for shape in ((*a.shape, 7), (5, 6)):
            arrays = list(call.arrays)
            arrays[n] = np.ones(shape, a.dtype)
            yield f"tensor {n} of shape {shape}", changed(call, arrays=arrays)


def changed(call: Call, **news: Any) -> Call:
    values = {"args": call.args, "kwargs": call.kwargs, "arrays": call.arrays, **news}
    return Call(call.case, call.kind, values["args"], values["kwargs"], values["arrays"], call.grads)


def errors(entry: Entry, first: bool = False) -> list[str]:
    """What is wrong is refused where PyTorch refuses it, in its words."""
    import torch

    complaints = []
    for what, call in wrong_calls(entry):
        ours, theirs = outcome(wengert, entry, call), outcome(torch, entry, call)
        if theirs.error and ours.error != theirs.error and not unknown_keyword(ours.error, theirs.error):
            complaints.append(f"{what}: {ours.error or 'no error'}, PyTorch {theirs.error}")
        elif ours.error and not theirs.error:
            complaints.append(f"{what}: {ours.error}, PyTorch no error")
    for kind in ("float32", *HALVES, *INTEGERS, *COMPLEX):
        if not (kind[0] == "f" and entry.flags.get("real") is False):
            complaints += [f"{case}: {found['text']}" for case, found in compared(entry.name, kind) if "text" in found]
    return complaints


def unknown_keyword(ours: Any, theirs: Any) -> bool:
    """Whether Python itself refused a keyword that does not exist, where PyTorch lists its overloads. To list them, too,
    every function would have to take every keyword, and no tool could tell its user of a wrong one."""
    return ours is not None and ours[0] == theirs[0] == "TypeError" and "got an unexpected keyword argument" in ours[1]


#: nan becomes an index in PyTorch's kernels, which then write anywhere
UNSAFE = frozenset(f"nn.functional.{n}" for n in ("grid_sample", "fractional_max_pool2d", "fractional_max_pool3d",
                                                  "ctc_loss"))
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0)


def special(entry: Entry, first: bool = False) -> list[str]:
    """nan, infinities, zeros and ones give what they give in PyTorch; so do the gradients there."""
    import torch

    if entry.name.startswith(("linalg.", "fft.")) or any(entry.flags.get(k) for k in ("hermitian", "gauge", "triangular")):
        raise NotApplicable("the algorithms differ for such numbers")
    if entry.name in UNSAFE:
        raise NotApplicable("PyTorch crashes for such numbers")
    complaints = []
    for kind in ("float64", "float32"):
        if entry.flags.get("real") is False:
            break
        for number, case in enumerate(entry.cases):
            call = build(entry, case, kind)
            arrays = []
            for n, a in enumerate(call.arrays):
                if a.dtype.kind == "f" and a.size:
                    a = a.copy()
                    flat = a.reshape(-1)
                    for i in range(flat.size):
                        if i % 2 == 0 or flat.size < 8:
                            flat[i] = SPECIAL[(i // 2 * (n + 1) + number + n) % len(SPECIAL)]
                arrays.append(a)
            call = changed(call, arrays=arrays)
            found = differences(outcome(wengert, entry, call), outcome(torch, entry, call), kind, entry)
            complaints += [f"{case} in {kind}: {a}: {text}" for a, text in found.items()
                           if a in ("value", "gradient", "refusal")]
    return complaints


def vmap_refusals(entry: Entry, first: bool = False) -> list[str]:
    """vmap refuses only what PyTorch's refuses."""
    import torch

    complaints = []
    for call in calls(entry.name):
        if not call.arrays or not all(a.dtype.kind in "fbiu" for a in call.arrays):
            continue
        said = []
        for t in (wengert, torch):
            fn = function(t, entry.name)
            stacked = [t.from_numpy(np.stack([a, a])) for a in call.arrays]

            def one(*xs: Any, t: Any = t, fn: Any = fn, call: Call = call) -> Any:
                out = call.run(fn, xs)
                return out if isinstance(out, t.Tensor) else tuple(o for o in out if isinstance(o, t.Tensor))

            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    t.func.vmap(one)(*stacked)
                said.append(None)
            except Exception as error:
                said.append(told(error))
        if said[0] and not said[1]:
            complaints.append(f"{call.case}: {said[0]}, PyTorch no error")
    return complaints


def forms(entry: Entry, first: bool = False) -> list[str]:
    """A method, an in-place method and `out=` exist exactly where PyTorch has them."""
    import torch

    complaints = []
    name = entry.name.removeprefix("Tensor.")
    if "." not in name:
        for called in (name, name.rstrip("_") + "_"):
            if hasattr(torch.Tensor, called) and not hasattr(wengert.Tensor, called):
                complaints.append(f"Tensor.{called} is missing")
            elif hasattr(wengert.Tensor, called) and not hasattr(torch.Tensor, called):
                complaints.append(f"Tensor.{called} does not exist in PyTorch")
    call = build(entry, entry.cases[0])
    takes = []
    for t in (wengert, torch):
        fn = function(t, entry.name)
        plain = outcome(t, entry, call, derive=False)
        if plain.error or not plain.results or not all(isinstance(r, dict) for r in plain.results):
            return complaints
        outs = tuple(t.empty(0, dtype=getattr(t, r["dtype"].removeprefix("torch."))) for r in plain.results)
        with_out = changed(call, kwargs={**call.kwargs, "out": outs[0] if len(outs) == 1 else outs})
        again: Outcome = outcome_of(t, fn, with_out)
        takes.append(again.error)
    if (takes[0] is None) != (takes[1] is None):
        complaints.append(f"out=: {takes[0] or 'taken'}, PyTorch {takes[1] or 'taken'}")
    return complaints


def outcome_of(t: Any, fn: Any, call: Call) -> Outcome:
    from op_inputs import constant, first_line, tensor

    found = Outcome()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call.run(fn, [tensor(t, a) for a in call.arrays], constant(t))
    except Exception as error:
        found.error = first_line(error)
    return found


# ---------------------------------------------------------------- what PyTorch gave, recorded


def digest(found: Outcome) -> Any:
    """A few numbers for what a call gave: shapes, dtypes, node names, projections of values and gradients."""
    if found.error:
        return {"error": found.error[0]}
    results = []
    for r in found.results:
        if isinstance(r, dict):
            results.append([list(r["shape"]), r["dtype"], r["grad_fn"], projection(r["value"])])
        else:
            results.append(repr(r))
    grads = None if found.grads is None or isinstance(found.grads, tuple) else [projection(g) for g in found.grads]
    return {"results": results, "grads": grads}


def projection(a: Any) -> list[float]:
    """Products of an array with two fixed vectors (real and imaginary part apart): 9 digits each."""
    flat = np.asarray(a, np.complex128).reshape(-1)
    vectors = np.random.default_rng(5).uniform(0.5, 1.5, (2, flat.size))
    with np.errstate(all="ignore"):
        return [float(f"{p:.9g}") for v in vectors for p in (v @ flat.real, v @ flat.imag)]


@lru_cache(maxsize=1)
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(RECORDED.read_bytes()))
    return found


def as_recorded(entry: Entry, first: bool = False) -> list[str]:
    """Values, gradients and node names are those that PyTorch gave when they were recorded."""
    known = recorded().get(entry.name)
    if known is None:
        raise NotApplicable("not recorded yet: run tests/record_ops.py")
    complaints = []
    for call in calls(entry.name):
        want = known.get(repr(call.case))
        if want is None or "error" in want:
            continue
        got = digest(outcome(wengert, entry, call))
        if "error" in got:
            complaints.append(f"{call.case}: {got['error']}")
            continue
        for k, (a, b) in enumerate(zip(got["results"], want["results"])):
            if isinstance(b, str):
                if a != b:
                    complaints.append(f"{call.case}: result {k} is {a}, recorded {b}")
                continue
            if a[:2] != b[:2]:
                complaints.append(f"{call.case}: result {k}: {a[:2]}, recorded {b[:2]}")
            elif same_numbers(np.array(a[3]), np.array(b[3]), "projection", entry):
                complaints.append(f"{call.case}: value of result {k}: {a[3]}, recorded {b[3]}")
        if want["grads"] is not None:
            for k, (a, b) in enumerate(zip(got["grads"] or [], want["grads"])):
                if same_numbers(np.array(a), np.array(b), "projection", entry):
                    complaints.append(f"{call.case}: gradient of input {k}: {a}, recorded {b}")
    return complaints


ALL = ("results", "shape", "dtype", "requires_grad", "value", "gradient")
#: need PyTorch
LIVE: dict[str, Callable[..., list[str]]] = {
    "values": live(("float64",), *ALL),
    "strides of results": live(("float64",), "strides"),
    "grad_fn": live(("float64",), "grad_fn"),
    "float32": live(("float32",), *ALL),
    "half": live(HALVES, *ALL),
    "integers": live(INTEGERS, *ALL),
    "complex": live(COMPLEX, *ALL),
    "refusals": refusals,
    "errors": errors,
    "special": special,
    "vmap refusals": vmap_refusals,
    "forms": forms,
}
CHECKS: dict[str, Callable[..., list[str]]] = {"recorded": as_recorded, **{n: law(n) for n in LAWS}, **LIVE}
#: run by default; the others are slow
QUICK = ("recorded", "gradcheck", "values")


def run(check: str, name: str, first: bool = False) -> list[str]:
    """The complaints of one check about one operation; NotApplicable where it has nothing to say."""
    reason = EXCEPTIONS.get((name, check))
    if reason is not None:
        raise NotApplicable(reason)
    return CHECKS[check](SAMPLES[name], first)


__all__ = ["CHECKS", "EXCEPTIONS", "LIVE", "QUICK", "Case", "digest", "run"]
