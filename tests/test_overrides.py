"""Interception of public calls: who pays for it, and in-place operations on subclasses."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

import wengert

SRC = Path(__file__).parents[1] / "src"


def run(program: str) -> str:
    """What a program prints in a process of its own."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(SRC)}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nobody_pays_without_a_listener() -> None:
    assert run(
        "import wengert as torch, wengert.nn as nn\n"
        "class Plain(torch.Tensor): pass\n"
        "x = torch.ones(2, 2).as_subclass(Plain)\n"
        "nn.Linear(2, 2)(x).sum().backward()\n"
        "with torch.autocast('cpu', enabled=False): x + 1\n"
        "from wengert.core import intercept\n"
        "print(len(intercept.ORIGINALS))"
    ) == "0"  # fmt: skip


def test_autocast_arms_only_its_own() -> None:
    assert run(
        "import wengert as torch\n"
        "with torch.autocast('cpu'): pass\n"
        "from wengert.core import intercept\n"
        "print(torch.mm in intercept.ORIGINALS, torch.add in intercept.ORIGINALS, intercept.search_arguments)"
    ) == "True False False"  # fmt: skip


def test_references_taken_before_are_covered() -> None:
    assert run(
        "import wengert as torch\n"
        "from wengert import add, sum\n"
        "from wengert.nn.functional import relu\n"
        "class Seen(torch.Tensor):\n"
        "    @classmethod\n"
        "    def __torch_function__(cls, func, types, args=(), kwargs=None):\n"
        "        print(func.__name__, end=' ')\n"
        "        return super().__torch_function__(func, types, args, kwargs or {})\n"
        "x = torch.ones(2).as_subclass(Seen)\n"
        "sum(relu(add(x, 1)))"
    ) == "add relu sum"  # fmt: skip


def test_signatures_and_frames_survive() -> None:
    import inspect

    import wengert.overrides  # arms everything

    assert list(inspect.signature(wengert.sum).parameters)[:1] == ["input"]
    for call in (lambda: wengert.add(wengert.ones(2), wengert.ones(3)), lambda: wengert.sin("a")):  # type: ignore[attr-defined]
        try:
            call()
        except (RuntimeError, TypeError) as error:
            for frame, _ in traceback.walk_tb(error.__traceback__):
                assert isinstance(dict(frame.f_locals), dict)  # every frame can be looked into
        else:
            raise AssertionError("it must be refused")


class Plain(wengert.Tensor):
    pass


def test_in_place_on_a_subclass_is_recorded() -> None:
    leaf = wengert.tensor([1.0, 2.0], requires_grad=True)
    x = (leaf * 1).as_subclass(Plain)
    x.mul_(x + 1)
    x[0] = 7.0
    assert isinstance(x, Plain)
    x.sum().backward()
    assert leaf.grad is not None and leaf.grad.tolist() == [0.0, 5.0]


@pytest.mark.parametrize("make", [lambda: wengert.ones(2).view(2), lambda: wengert.ones(2).as_subclass(Plain)])
def test_a_view_that_is_a_leaf_is_not_written(make: Any) -> None:
    x = make().requires_grad_()
    for write in (lambda: x.add_(1), lambda: x.__setitem__(0, 1.0), lambda: x.view(-1).zero_(), lambda: x.mul_(x)):
        with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place"):
            write()
    assert x.tolist() == [1.0, 1.0] and x._version == 0


def test_methods_and_functions_are_told_apart() -> None:
    assert wengert.sum is not wengert.Tensor.sum
    assert wengert.Tensor.shape.__get__ == wengert.Tensor.shape.__get__


DUCK = """
class Scalar:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func.__name__ if func in (torch.mean, torch.add) else NotImplemented
print(torch.mean(Scalar()), torch.add(torch.ones(1), Scalar()), torch.nn.Linear(1, 1)(torch.ones(1)).shape)
"""


@pytest.mark.parametrize("first", ["import wengert as torch", "import wengert.compat; wengert.compat.install(); import torch"])
def test_a_program_with_a_class_that_is_no_tensor(first: str) -> None:
    assert run(first + DUCK) == "mean add torch.Size([1])"


def test_a_script_with_a_class_that_is_no_tensor(python, tmp_path: Path) -> None:
    (tmp_path / "duck.py").write_text("import torch" + DUCK, "utf-8")
    done = python("-m", "wengert", tmp_path / "duck.py")
    assert done.stdout == "mean add torch.Size([1])\n", done.stderr
