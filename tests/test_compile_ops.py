"""The op table under compile: forward, gradient and double gradient of every operation equal those of the eager run."""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import wengert as torch
from op_inputs import calls, constant, tensor
from wengert.check.inputs import function, leaves, prepared
from wengert.core.samples import SAMPLES

pytest.importorskip("jax")

#: operations that no program can hold: what they give depends on values in its shape, or leaves the library
UNTRACEABLE = {
    "allclose": "known only when", "equal": "known only when",  # Python's bool
    "bincount": "depends on values", "masked_select": "depends on values", "unique": "depends on values",
    "unique_consecutive": "depends on values", "nonzero": "depends on values", "argwhere": "depends on values",
}  # fmt: skip

#: how many samples of each operation are compiled
CASES = 1
RTOL = {"float64": 1e-7, "complex128": 1e-7}


def is_tensor(x: Any) -> bool:
    return isinstance(x, torch.Tensor)


def vectors_like(outputs: list[Any], seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [torch.from_numpy(np.asarray(rng.uniform(-1, 1, tuple(o.shape)))).to(o.dtype) for o in outputs]


def derivatives(fn: Any, inputs: list[Any], vs: Any, ws: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The results of `fn`, its gradients for `vs`, and the gradients of these for `ws` (None: stop before).

    Copies of them: results that share memory with the arguments are refused, which test_compile_edges.py is about."""
    values = [v.clone() if is_tensor(v) else v for v in leaves(fn(*inputs), is_tensor)]
    outputs = [v for v in values if is_tensor(v) and v.requires_grad]
    wanted = [x for x in inputs if x.requires_grad]
    if vs is None or not outputs or not wanted:
        return values, [], []
    firsts = torch.autograd.grad(outputs, wanted, vs, allow_unused=True, create_graph=ws is not None)
    again = [g for g in firsts if g is not None and g.requires_grad]
    if ws is None or not again:
        return values, copies(firsts), []
    return values, copies(firsts), copies(torch.autograd.grad(again, wanted, ws, allow_unused=True))


def copies(gradients: Any) -> list[Any]:
    return [None if g is None else g.clone() for g in gradients]


def array(x: Any) -> Any:
    return np.asarray(x.detach().numpy()) if is_tensor(x) else x


def agree(got: Any, want: Any, what: str) -> None:
    assert len(got) == len(want), what
    for k, (a, b) in enumerate(zip(got, want, strict=True)):
        if not is_tensor(b):
            assert a == b or a is b, f"{what} {k}"
            continue
        x, y = array(a), array(b)
        assert (x.shape, x.dtype) == (y.shape, y.dtype), f"{what} {k}"
        rtol = RTOL.get(x.dtype.name, 1e-4)
        scale = float(np.max(np.abs(y), initial=0.0, where=np.isfinite(y))) if y.dtype.kind in "fc" else 0.0
        np.testing.assert_allclose(x, y, rtol, rtol * (1e-2 + scale), err_msg=f"{what} {k}")


def samples_of(name: str) -> list[Any]:
    """The first samples that this package takes in float64 (or complex numbers)."""
    found = []
    entry = SAMPLES[name]
    for call in (*calls(name), *calls(name, "complex128")):
        if len(found) == CASES:
            break
        fn = prepared(entry, function(torch, name))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                call.run(fn, [tensor(torch, a, False) for a in call.arrays], constant(torch))
            except (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError):
                continue
        found.append(call)
    return found


def check(name: str, call: Any) -> None:
    entry = SAMPLES[name]
    differentiable = entry.flags.get("differentiable") is not False
    fn = prepared(entry, function(torch, name))

    def inputs() -> list[Any]:
        return [tensor(torch, a, g and differentiable) for a, g in zip(call.arrays, call.grads, strict=True)]

    def plain(*xs: Any) -> Any:
        return call.run(fn, list(xs), constant(torch))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        xs = inputs()
        values = leaves(plain(*xs), is_tensor)
        outputs = [v for v in values if is_tensor(v) and v.requires_grad]
        vs = ws = None
        if outputs:
            vs = vectors_like(outputs, 1)
            try:
                torch.manual_seed(0)
                ys = inputs()
                out = [v for v in leaves(plain(*ys), is_tensor) if is_tensor(v) and v.requires_grad]
                firsts = torch.autograd.grad(out, [y for y in ys if y.requires_grad], vs, allow_unused=True, create_graph=True)
                again = [g for g in firsts if g is not None and g.requires_grad]
                ws = vectors_like(again, 2) if again else None
            except (RuntimeError, NotImplementedError):
                ws = None
        torch.manual_seed(0)
        want = derivatives(plain, inputs(), vs, ws)
        compiled = torch.compile(lambda xs, vs, ws: derivatives(plain, xs, vs, ws), fullgraph=True)
        torch.manual_seed(0)
        got = compiled(inputs(), vs, ws)
    for what, a, b in zip(("result", "gradient", "double gradient"), got, want, strict=True):
        if not all(x is None for x in b):
            agree([x for x in a if x is not None], [x for x in b if x is not None], what)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_compiled(name: str) -> None:
    for call in samples_of(name):
        if name in UNTRACEABLE:
            with pytest.raises(RuntimeError, match=UNTRACEABLE[name]):
                check(name, call)
        else:
            check(name, call)
