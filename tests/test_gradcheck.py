"""`gradcheck` and `gradgradcheck`: right and wrong functions, and the words of the errors."""
from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest

import wengert

ADVICE = ("The worst element", "gradcheck", "NOTE", "Where that is meant")


def leaves(torch: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    return {
        "x": torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True),
        "y": torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True),
        "z": torch.tensor([1 + 2j, 0.5 - 1j], dtype=torch.complex128, requires_grad=True),
        "f": torch.tensor([1.0, 2.0], dtype=torch.float32, requires_grad=True),
    }


def functions(torch: Any) -> dict[str, Any]:
    """Functions of known virtue, written for `torch`."""

    def made(name: str, forward: Any, backward: Any, jvp: Any = None) -> Any:
        body = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        if jvp is not None:
            body["jvp"] = staticmethod(jvp)
        return type(name, (torch.autograd.Function,), body).apply

    def square(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    def two(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    def careless(ctx: Any, g: Any) -> Any:
        return torch.ones(3, dtype=torch.float64) if g is None else 2 * g

    def unsteady(ctx: Any, g: Any) -> Any:
        noise = 1e-8 * torch.rand(1, dtype=torch.float64)
        return g * ctx.saved_tensors[0] * 2 * (1 + noise)

    def quiet(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2

    def total(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sum()

    return {
        "right": made("Right", square, lambda ctx, g: g * ctx.saved_tensors[0] * 2),
        "wrong": made("Wrong", square, lambda ctx, g: g * ctx.saved_tensors[0] * 3),
        "unsteady": made("Unsteady", square, unsteady),
        "unscaled": made("Unscaled", total, lambda ctx, g: torch.ones_like(ctx.saved_tensors[0])),
        "careless": made("Careless", quiet, careless),
        "fragile": made("Fragile", two, lambda ctx, a, b: a * 2 + b * 3),
        "half": made("Half", lambda ctx, x: torch.complex(x, x * 2), lambda ctx, g: g.real + g.imag),
        "conj": made("Conj", lambda ctx, z: z.conj() * 1, lambda ctx, g: g),
        "forward": made("Forward", square, lambda ctx, g: g * ctx.saved_tensors[0] * 2, lambda ctx, t: t * 7),
        "first": made("First", square, lambda ctx, g: g * ctx.saved_tensors[0].detach() * 2),
        "sin": torch.sin,
        "two": lambda x, y: (x * y.sum(), x.sum() * y),
        "abs": lambda z: z.abs(),
        "complex": lambda x: torch.complex(x, x * x),
        "detached": lambda x: x.detach(),
        "constant": lambda x: x.detach() * 0,
        "integer": lambda x: (x * 2).long(),
        "mixed": lambda x: (x * 2, x.detach().long()),
        "unused": lambda x, y: x * 2,
        "loop": lambda x: x * x * x,
        "view": lambda x: x.view(3, 1),
        "number": lambda x, k: x * k,
    }


GRADCHECK: list[tuple[str, str, dict[str, Any]]] = [
    ("right", "x", {}),
    ("right", "x", {"fast_mode": True}),
    ("right", "z", {}),
    ("right", "z", {"fast_mode": True}),
    ("wrong", "x", {}),
    ("wrong", "x", {"raise_exception": False}),
    ("wrong", "x", {"fast_mode": True}),
    ("wrong", "z", {}),
    ("wrong", "z", {"fast_mode": True}),
    ("wrong", "x", {"atol": 1.0, "rtol": 1.0}),
    ("unsteady", "x", {}),
    ("unsteady", "x", {"fast_mode": True}),
    ("unsteady", "x", {"nondet_tol": 1e-3}),
    ("unscaled", "x", {}),
    ("unscaled", "x", {"raise_exception": False}),
    ("careless", "x", {}),
    ("careless", "x", {"check_undefined_grad": False}),
    ("fragile", "x", {}),
    ("half", "x", {}),
    ("half", "x", {"fast_mode": True}),
    ("conj", "z", {}),
    ("forward", "x", {}),
    ("forward", "x", {"check_forward_ad": True}),
    ("forward", "x", {"check_forward_ad": True, "check_backward_ad": False, "fast_mode": True}),
    ("forward", "z", {"check_forward_ad": True, "check_backward_ad": False}),
    ("sin", "x", {"check_forward_ad": True, "check_batched_grad": True, "check_batched_forward_grad": True}),
    ("sin", "z", {"check_forward_ad": True, "check_batched_grad": True, "fast_mode": True}),
    ("sin", "x", {"check_backward_ad": False}),
    ("sin", "x", {"check_backward_ad": False, "check_forward_ad": True, "check_batched_grad": True}),
    ("sin", "x", {"check_batched_forward_grad": True}),
    ("sin", "f", {}),
    ("sin", "x", {"check_grad_dtypes": True}),
    ("sin", "x", {"eps": 0}),
    ("two", "xy", {"check_forward_ad": True}),
    ("two", "xy", {"check_forward_ad": True, "fast_mode": True}),
    ("abs", "z", {"check_forward_ad": True}),
    ("complex", "x", {"check_forward_ad": True}),
    ("detached", "x", {}),
    ("constant", "x", {}),
    ("integer", "x", {}),
    ("mixed", "x", {"check_forward_ad": True}),
    ("unused", "xy", {"check_forward_ad": True}),
    ("view", "x", {"masked": True}),
]
GRADGRADCHECK: list[tuple[str, str, dict[str, Any]]] = [
    ("right", "x", {}),
    ("right", "x", {"fast_mode": True}),
    ("first", "x", {}),
    ("first", "x", {"fast_mode": True}),
    ("first", "x", {"raise_exception": False}),
    ("first", "x", {"gen_non_contig_grad_outputs": True}),
    ("loop", "x", {"check_fwd_over_rev": True}),
    ("loop", "x", {"check_fwd_over_rev": True, "check_rev_over_rev": False, "fast_mode": True}),
    ("loop", "x", {"check_fwd_over_rev": True, "check_rev_over_rev": False, "check_undefined_grad": False}),
    ("loop", "z", {"check_fwd_over_rev": True, "check_batched_grad": True}),
    ("loop", "x", {"check_rev_over_rev": False}),
    ("two", "xy", {}),
    ("unused", "xy", {}),
    ("mixed", "x", {}),
    ("abs", "z", {}),
    ("loop", "f", {}),
]


def outcome(torch: Any, check: str, name: str, inputs: str, options: dict[str, Any]) -> tuple[str, list[str]]:
    """What the check says (the numbers of fast mode to 6 digits), and the warnings it gives."""
    known = leaves(torch)
    xs = tuple(known[c] for c in inputs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            text = repr(getattr(torch.autograd, check)(functions(torch)[name], xs, **options))
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
    said = [str(w.message) for w in caught if "torch.jit" not in str(w.message)]
    return text, said


def core(text: str) -> list[str]:
    """The lines that are PyTorch's own and carry numbers: up to the advice, which is ours."""
    lines: list[str] = []
    for line in text.split("\n"):
        if any(line.startswith(a) for a in ADVICE) and lines:
            break
        if line.startswith(("in fast mode", "about fast mode", "Element by")):
            continue
        for prefix in ("numerical:", "analytical:", "The max per-element difference (slow mode) is: "):
            value = line.removeprefix(prefix).rstrip(".")
            if line.startswith(prefix) and "tensor" not in line:
                line = f"{prefix}{complex(value):.6g}"
        lines.append(line)
    return [line for line in lines if line.strip()]


@pytest.mark.parametrize(("name", "inputs", "options"), GRADCHECK)
def test_gradcheck_says_what_pytorch_says(name: str, inputs: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    theirs, ours = (outcome(t, "gradcheck", name, inputs, options) for t in (torch, wengert))
    assert core(ours[0]) == core(theirs[0])
    assert ours[1] == theirs[1]


@pytest.mark.parametrize(("name", "inputs", "options"), GRADGRADCHECK)
def test_gradgradcheck_says_what_pytorch_says(name: str, inputs: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    theirs, ours = (outcome(t, "gradgradcheck", name, inputs, options) for t in (torch, wengert))
    assert core(ours[0]) == core(theirs[0])
    assert ours[1] == theirs[1]


def test_right_and_wrong_without_pytorch() -> None:
    assert outcome(wengert, "gradcheck", "right", "x", {}) == ("True", [])
    text, _ = outcome(wengert, "gradcheck", "wrong", "x", {})
    start = "GradcheckError: Jacobian mismatch for output 0 with respect to input 0,\nnumerical:tensor([[2."
    assert text.startswith(start)
    assert text.endswith(
        "The worst element: d output[2] / d input[2] is 6 by finite differences and 9 by the derivative rule "
        "(3 of 9 elements are off)."
    )
    assert outcome(wengert, "gradgradcheck", "first", "x", {})[0].startswith("GradcheckError: Jacobian mismatch")


def test_inputs_come_back_unchanged() -> None:
    x = wengert.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=wengert.float64).t().requires_grad_()
    version, before = x._version, x.tolist()
    assert wengert.autograd.gradcheck(lambda x: x.exp(), x)
    assert (x._version, x.tolist(), x.grad) == (version, before, None)

    def fails(x: Any) -> Any:
        if calls:
            raise ValueError("later")
        calls.append(1)
        return x * 2

    calls: list[int] = []
    with pytest.raises(ValueError, match="later"):
        wengert.autograd.gradcheck(fails, x)
    assert x.tolist() == before


def test_fast_mode_leaves_the_generator_alone() -> None:
    x = wengert.ones(3, dtype=wengert.float64, requires_grad=True)
    wengert.manual_seed(3)
    expected = wengert.rand(2).tolist()
    wengert.manual_seed(3)
    wengert.autograd.gradcheck(wengert.sin, x, fast_mode=True)
    assert wengert.rand(2).tolist() == expected


def test_no_input_requires_grad() -> None:
    words = "^gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True"
    with pytest.raises(ValueError, match=words):
        wengert.autograd.gradcheck(lambda x: x * 2, (wengert.ones(2, dtype=wengert.float64),))


def test_overlapping_input() -> None:
    x = wengert.ones(1, dtype=wengert.float64).expand(3).requires_grad_()
    with pytest.raises(RuntimeError, match="^The 0th input has a dimension with stride 0. gradcheck only supports"):
        wengert.autograd.gradcheck(lambda x: x * 2, (x,))


def test_shape_that_depends_on_values() -> None:
    x = wengert.tensor([1.0, 2.0], dtype=wengert.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="shape or dtype of output 0 depends on the values"):
        wengert.autograd.gradcheck(lambda x: x[x > 1], (x,))


def test_batch_that_differs_from_a_loop() -> None:
    """A rule that does not bear a batch is told from one that does."""

    def backward(ctx: Any, g: Any) -> Any:
        return g * (2 if g.sum().item() < 1e9 else 3)

    body = {"forward": staticmethod(lambda ctx, x: x * 2), "backward": staticmethod(backward)}
    function = type("Item", (wengert.autograd.Function,), body)
    x = wengert.ones(2, dtype=wengert.float64, requires_grad=True)
    assert wengert.autograd.gradcheck(function.apply, x)
    with pytest.raises(RuntimeError, match="^While computing batched gradients, got: "):
        wengert.autograd.gradcheck(function.apply, x, check_batched_grad=True)


def test_names() -> None:
    module = importlib.import_module("wengert.autograd.gradcheck")
    assert wengert.autograd.gradcheck is module.gradcheck
    assert issubclass(module.GradcheckError, RuntimeError)
    assert repr(module.GradcheckError) == "<class 'torch.autograd.gradcheck.GradcheckError'>"
    x = wengert.tensor([1.0, 2.0], dtype=wengert.float64, requires_grad=True)
    with pytest.warns(FutureWarning, match="^`get_numerical_jacobian` was part of PyTorch's private API"):
        (jacobian,) = module.get_numerical_jacobian(lambda xs: xs[0] * xs[0], (x,))
    assert wengert.allclose(jacobian, wengert.diag(2 * x))
    with pytest.warns(FutureWarning):
        jacobians, *marks = module.get_analytical_jacobian((x,), x * x)
    assert wengert.allclose(jacobians[0], wengert.diag(2 * x)) and marks == [True, True, True]
    (jacobian,) = module.get_numerical_jacobian_wrt_specific_input(lambda x: x.sum(), 0, (x,), (x.sum(),), 1e-6)
    assert jacobian.shape == (2, 1)
