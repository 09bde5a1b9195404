"""What transforms refuse, in PyTorch's words and before anything is changed; notes name the tensor and the line."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import wengert

Op = Callable[[Any, Any], Any]
INDEX = [0, 1, 2]

#: in-place operations on a captured `y`; `x` is the argument of the transformed function
WRITES: dict[str, Callable[[ModuleType], Op]] = {
    "add_": lambda torch: lambda y, x: y.add_(x),
    "add_ of a number": lambda torch: lambda y, x: y.add_(1),
    "mul_": lambda torch: lambda y, x: y.mul_(2.0),
    "sub_": lambda torch: lambda y, x: y.sub_(x),
    "div_": lambda torch: lambda y, x: y.div_(x),
    "+=": lambda torch: lambda y, x: y.__iadd__(x),
    "zero_": lambda torch: lambda y, x: y.zero_(),
    "fill_": lambda torch: lambda y, x: y.fill_(1.0),
    "fill_ with a tensor": lambda torch: lambda y, x: y.fill_(x[0]),
    "copy_": lambda torch: lambda y, x: y.copy_(x),
    "an element": lambda torch: lambda y, x: y.__setitem__(0, x[0]),
    "an element, a number": lambda torch: lambda y, x: y.__setitem__(0, 1.0),
    "a slice": lambda torch: lambda y, x: y.__setitem__(slice(None), x),
    "a mask": lambda torch: lambda y, x: y.__setitem__(y > 0, 1.0),
    "sin_": lambda torch: lambda y, x: y.sin_(),
    "exp_": lambda torch: lambda y, x: y.exp_(),
    "pow_": lambda torch: lambda y, x: y.pow_(2),
    "clamp_": lambda torch: lambda y, x: y.clamp_(0, 1),
    "a view": lambda torch: lambda y, x: y[0:2].add_(x[:2]),
    "another view": lambda torch: lambda y, x: y.view(3, 1).mul_(2),
    "unsqueeze_": lambda torch: lambda y, x: y.unsqueeze_(0),
    "normal_": lambda torch: lambda y, x: y.normal_(),
    "uniform_": lambda torch: lambda y, x: y.uniform_(),
    "index_add_": lambda torch: lambda y, x: y.index_add_(0, torch.tensor(INDEX), x),
    "index_put_": lambda torch: lambda y, x: y.index_put_((torch.tensor([0]),), x[0]),
    "scatter_": lambda torch: lambda y, x: y.scatter_(0, torch.tensor(INDEX), x),
    "masked_fill_": lambda torch: lambda y, x: y.masked_fill_(y > 0, 0.0),
    "lerp_": lambda torch: lambda y, x: y.lerp_(x, 0.5),
    "addcmul_": lambda torch: lambda y, x: y.addcmul_(x, x),
    "resize_": lambda torch: lambda y, x: y.resize_(3),
    "detach_": lambda torch: lambda y, x: y.detach_(),
    "the data": lambda torch: lambda y, x: y.data.add_(1),
    "detached": lambda torch: lambda y, x: y.detach().add_(1),
    "relu, in place": lambda torch: lambda y, x: torch.nn.functional.relu(y, inplace=True),
}


def both() -> tuple[ModuleType, ModuleType]:
    return wengert, pytest.importorskip("torch")


def outcome(torch: ModuleType, program: Callable[[ModuleType], Any]) -> tuple[str, str]:
    """Type and first line of what `program` raises."""
    try:
        program(torch)
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]
    return "no error", ""


def same_outcome(program: Callable[[ModuleType], Any]) -> tuple[str, str]:
    ours, theirs = both()
    expected = outcome(theirs, program)
    assert outcome(ours, program) == expected
    return expected


def func(torch: ModuleType) -> Any:
    return importlib.import_module(f"{torch.__name__}.func")


def point(torch: ModuleType) -> Any:
    return torch.tensor([0.5, 0.25, 2.0])


def writer(torch: ModuleType, name: str, y: Any) -> Callable[[Any], Any]:
    op = WRITES[name](torch)

    def f(x: Any) -> Any:
        op(y, x)
        return (x * y).sum()

    return f


@pytest.mark.parametrize("name", WRITES)
def test_a_captured_tensor_is_not_changed(name: str) -> None:
    def program(torch: ModuleType) -> None:
        y = point(torch)
        try:
            func(torch).grad(writer(torch, name, y))(point(torch))
        finally:
            assert y.tolist() == point(torch).tolist()

    kind, text = same_outcome(program)
    assert kind == "RuntimeError" and "captured" in text


@pytest.mark.parametrize("index, form", [("y > 0", "index_put_"), ("0", "copy_"), ("[0, 1]", "index_put_")])
def test_the_operation_is_named_while_somebody_listens(python: Callable[..., Any], index: str, form: str) -> None:
    done = python("-c", (
        "import wengert\n"
        "class Sees(wengert.overrides.TorchFunctionMode):\n"
        "    def __torch_function__(self, f, types, args=(), kwargs=None):\n"
        "        return f(*args, **(kwargs or {}))\n"
        "with Sees():\n"
        "    wengert.ones(2) + 1\n"
        "y = wengert.ones(3)\n"
        "def f(x):\n"
        f"    y[{index}] = 1.0\n"
        "    return (x * y).sum()\n"
        "try:\n"
        "    wengert.func.grad(f)(wengert.ones(3))\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
    ))  # fmt: skip
    assert f"(aten::{form})" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("transform", ["jvp", "vjp", "jacfwd", "jacrev", "vmap of grad", "grad of grad"])
def test_every_transform_refuses(transform: str) -> None:
    def program(torch: ModuleType) -> Any:
        F = func(torch)
        x = point(torch)
        f = writer(torch, "mul_", point(torch))
        if transform == "jvp":
            return F.jvp(f, (x,), (x,))
        if transform == "vjp":
            return F.vjp(f, x)
        if transform == "vmap of grad":
            return F.vmap(F.grad(f))(torch.ones(2, 3))
        if transform == "grad of grad":
            return F.grad(lambda x: F.grad(lambda z: (x.mul_(2) * z).sum())(x * 2).sum())(x)
        return getattr(F, transform)(f)(x)

    assert same_outcome(program)[0] == "RuntimeError"


GLOBAL = wengert.ones(3)


def test_globals_are_captured_too() -> None:
    with pytest.raises(RuntimeError, match="captured Tensor") as caught:
        wengert.func.grad(lambda x: (GLOBAL.add_(1) * x).sum())(wengert.ones(3))
    notes = "\n".join(caught.value.__notes__)
    assert "GLOBAL" in notes and "test_transform_errors.py" in notes
    assert GLOBAL.tolist() == [1, 1, 1]


def test_what_the_function_made_or_was_given_may_change() -> None:
    def made(torch: ModuleType) -> Any:
        c = torch.ones(3)

        def f(x: Any) -> Any:
            y = torch.zeros(3)
            y.add_(1)
            y.mul_(x)
            z = c * 2
            z.add_(1)
            z[0] = x[1]
            return (y * z).sum()

        return func(torch).grad(f)(point(torch))

    def given(torch: ModuleType) -> Any:
        y = point(torch)
        return func(torch).grad(lambda x, y: (y.add_(1) * x).sum())(point(torch), y)

    def rebound(torch: ModuleType) -> Any:
        state = torch.zeros(3)

        def f(x: Any) -> Any:
            nonlocal state
            state = torch.ones(3)
            state.add_(1)
            return (state * x).sum()

        return func(torch).grad(f)(point(torch))

    ours, theirs = both()
    for program in (made, given, rebound):
        assert program(ours).tolist() == program(theirs).tolist()


def test_parameters_are_captured_too() -> None:
    def program(torch: ModuleType) -> Any:
        layer = torch.nn.Linear(3, 1)
        return func(torch).grad(lambda x: (layer.weight.mul_(2) * x).sum())(point(torch))

    assert "captured" in same_outcome(program)[1]


def test_outside_of_transforms_nothing_is_refused_again() -> None:
    y = wengert.ones(3)
    with pytest.raises(RuntimeError, match="captured"):
        wengert.func.grad(lambda x: (y.add_(x)).sum())(wengert.ones(3))
    y.add_(1)
    assert y.tolist() == [2, 2, 2]


UNMAPPED = [
    "add_", "sub_", "div_", "+=", "fill_ with a tensor", "copy_", "an element", "a slice", "index_add_",
    "index_put_", "lerp_", "addcmul_", "scatter_",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("name", UNMAPPED)
def test_a_tensor_with_one_place_for_all_slots(name: str) -> None:
    def program(torch: ModuleType) -> None:
        y = point(torch)
        func(torch).vmap(writer(torch, name, y))(torch.ones(2, 3))

    assert same_outcome(program)[0] == "RuntimeError"


REFUSED: dict[str, Callable[[ModuleType, Any], Any]] = {
    "item": lambda torch, x: x.sum().item(),
    "if": lambda torch, x: x if x.sum() > 0 else -x,
    "float": lambda torch, x: float(x[0]),
    "int": lambda torch, x: int(x[0]),
    "index": lambda torch, x: range(x[0].long()),
    "tolist": lambda torch, x: x.tolist(),
    "numpy": lambda torch, x: x.numpy(),
    "a mask": lambda torch, x: x[x > 0],
    "nonzero": lambda torch, x: x.nonzero(),
    "masked_select": lambda torch, x: x.masked_select(x > 0),
    "random": lambda torch, x: torch.randn(3),
    "requires_grad_": lambda torch, x: x.requires_grad_(),
    "backward": lambda torch, x: x.sum().backward(),
    "a number": lambda torch, x: 1,
    "nothing": lambda torch, x: None,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_batch_cannot_do(name: str) -> None:
    def program(torch: ModuleType) -> Any:
        def f(x: Any) -> Any:
            return REFUSED[name](torch, x)

        return func(torch).vmap(f)(torch.ones(2, 3))

    assert same_outcome(program)[0] != "no error"


def test_notes_name_the_value_and_the_call() -> None:
    with pytest.raises(RuntimeError) as caught:
        wengert.func.vmap(lambda x: x.sum().item())(wengert.ones(2, 3))
    note = caught.value.__notes__[0]
    assert "shape []" in note and "2 slots" in note and "test_transform_errors.py" in note


def test_a_value_that_escaped_names_its_transform() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(x * 2)
        return x.sum()

    wengert.func.grad(f)(wengert.ones(3))
    with pytest.raises(RuntimeError, match="escaped") as caught:
        kept[0] + 1
    assert "wengert.func.grad(f)(wengert.ones(3))" in caught.value.__notes__[0]


class NoRules(wengert.autograd.Function):
    @staticmethod
    def forward(x: Any) -> Any:
        return x * 1

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g


def test_a_function_without_jvp_or_vmap_is_named_with_its_lines() -> None:
    x = wengert.ones(3)
    with pytest.raises(NotImplementedError, match="You must implement the jvp function") as caught:
        wengert.func.jvp(lambda x: NoRules.apply(x), (x,), (x,))
    notes = "\n".join(caught.value.__notes__)
    assert "NoRules.forward is written at" in notes and "wengert.func.jvp(lambda x: NoRules.apply(x)" in notes
    with pytest.raises(RuntimeError, match="does not have vmap support") as caught_vmap:
        wengert.func.vmap(lambda x: NoRules.apply(x))(x)
    assert "NoRules.forward is written at" in caught_vmap.value.__notes__[0]


def test_a_failed_backward_names_its_node_and_under_anomaly_detection_the_lines() -> None:
    def failing() -> None:
        x = wengert.ones(3, requires_grad=True)
        y = x * 2
        z = y * y
        y.add_(1)
        z.sum().backward()

    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        failing()
    assert "It happened in the backward of MulBackward0." in caught.value.__notes__
    with pytest.warns(UserWarning, match="Error detected in MulBackward0"):
        with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
            with wengert.autograd.set_detect_anomaly(True):
                failing()
    notes = caught.value.__notes__
    assert any(n.startswith("It was changed in place at") and n.endswith("y.add_(1)") for n in notes)
    assert any(n.startswith("That was recorded at") and n.endswith("z = y * y") for n in notes)


def test_a_leaf_changed_in_place_says_what_to_write() -> None:
    x = wengert.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="^a leaf Variable that requires grad") as caught:
        x.add_(1)
    assert "no_grad" in caught.value.__notes__[0]
