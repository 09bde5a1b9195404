"""Every layer, loss and optimizer trains as it does with PyTorch: the same weights to start from, the same losses.

The numbers are recorded in tests/recorded/training.json (by record_training.py), so these tests run without PyTorch;
where it is installed, the recording is held against it.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import training_cases
import wengert
import wengert.nn
import wengert.optim

ROOT = Path(__file__).resolve().parents[1]
RECORDED: dict[str, dict[str, Any]] = json.loads((ROOT / "tests" / "recorded" / "training.json").read_text("utf-8"))
# bases, which are not trained themselves, and what needs sparse gradients
EXEMPT = {"Module", "Container", "RNNBase", "RNNCellBase", "Optimizer", "SparseAdam"}


def check(result: dict[str, Any], recorded: dict[str, Any]) -> None:
    assert result["start"] == recorded["start"], "the initial weights differ"
    assert result["losses"] == pytest.approx(recorded["losses"], rel=1e-5)
    assert result["end"] == pytest.approx(recorded["end"], rel=1e-5)


def trained(torch: Any, name: str) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd options; other tests look at the warnings
        return training_cases.trained(torch, name)


@pytest.mark.parametrize("name", training_cases.CASES)
def test_trains_as_recorded(name: str) -> None:
    check(trained(wengert, name), RECORDED[name])


@pytest.mark.parametrize("name", training_cases.CASES)
def test_recording_is_of_pytorch(name: str) -> None:
    check(trained(pytest.importorskip("torch"), name), RECORDED[name])


def test_recording_has_nothing_else() -> None:
    assert list(RECORDED) == list(training_cases.CASES)


def test_every_class_is_trained() -> None:
    layers = {name for name, value in vars(wengert.nn).items()
              if isinstance(value, type) and issubclass(value, wengert.nn.Module)}
    optimizers = {f"optim.{name}" for name, value in vars(wengert.optim).items()
                  if isinstance(value, type) and issubclass(value, wengert.optim.Optimizer) and name not in EXEMPT}
    assert layers - EXEMPT | optimizers == {name.split()[0] for name in training_cases.CASES}


def test_examples_are_recorded() -> None:
    """Every example with losses beside PyTorch's has them recorded (what it prints is compared in test_project.py)."""
    recorded = json.loads((ROOT / "examples" / "recorded.json").read_text("utf-8"))
    examples = {path.stem for path in (ROOT / "examples").glob("*.py") if "recorded.json" in path.read_text("utf-8")}
    assert set(recorded) == examples
    for losses in recorded.values():
        first, *_, last = losses.values()
        assert float(last) < float(first)
