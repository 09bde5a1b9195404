"""Autocast treats every operation as PyTorch's autocast for CPUs does: the dtypes of all results."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import sample_checks
import wengert
from wengert.core.samples import SAMPLES, Case

#: where results differ for reasons of their own: what bfloat16 can do at all, and `pinv`, whose PyTorch form is made of
#: an SVD in float32 and products in bfloat16
ELSEWHERE = {"linalg.pinv", "linalg.matrix_rank", "linalg.matrix_norm", "linalg.norm", "linalg.ldl_solve", "histc", "histogram",
             "nn.functional.pdist"}  # fmt: skip


def dtypes(module: Any, name: str, case: Case, half: bool) -> list[str] | None:
    """The dtypes of what torch.<name> gives under autocast; None if it refuses."""
    try:
        call = sample_checks.Call(name, case, 0, dtype="float32")
        tensors = [module.tensor(a) for a in call.arrays]
        if half:
            tensors = [t.bfloat16() if t.is_floating_point() else t for t in tensors]
        with module.autocast("cpu"):
            results = call.run(module, tensors)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, NotImplementedError):
        return None
    return [str(y.dtype) if isinstance(y, module.Tensor) else type(y).__name__ for y in results]


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
def test_result_dtypes(half: bool) -> None:
    torch = pytest.importorskip("torch")
    different = {}
    compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, entry in SAMPLES.items():
            for case in entry.cases[:4]:
                theirs = dtypes(torch, name, case, half)
                if theirs is None or name in ELSEWHERE:
                    continue
                ours = dtypes(wengert, name, case, half)
                compared += ours is not None
                if ours is not None and ours != theirs:
                    different[name] = (case, ours, theirs)
    assert different == {}
    assert compared > 1000


def test_nothing_is_cast_outside() -> None:
    x = wengert.ones(2, 2)
    with wengert.autocast("cpu"):
        assert wengert.mm(x, x).dtype is wengert.bfloat16
    assert wengert.mm(x, x).dtype is wengert.float32
    assert (x @ x).dtype is wengert.float32


def test_an_exception_ends_it() -> None:
    with pytest.raises(KeyError), wengert.autocast("cpu"):
        raise KeyError
    assert not wengert.is_autocast_enabled("cpu")


def test_one_instance_nests() -> None:
    context = wengert.autocast("cpu")
    with context, context:
        assert wengert.is_autocast_enabled("cpu")
    assert not wengert.is_autocast_enabled("cpu")


def test_the_cache_is_dropped_at_the_end() -> None:
    layer, x = wengert.nn.Linear(2, 2), wengert.ones(1, 2)
    with wengert.autocast("cpu"):
        first = layer(x)
    with wengert.no_grad():
        layer.weight += 1
    with wengert.autocast("cpu"):
        assert not wengert.equal(first, layer(x))
