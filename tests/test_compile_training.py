"""Every layer, loss and optimizer trains in a compiled step as PyTorch does eagerly (the numbers of test_training.py)."""
from __future__ import annotations

import warnings
from typing import Any

import pytest

import training_cases
import wengert
from test_training import RECORDED

pytest.importorskip("jax")

#: trainings whose step no program can hold, and what the refusal says
UNTRACEABLE = {
    "CTCLoss": "known only when",  # lengths in a tensor
    "AdaptiveLogSoftmaxWithLoss": "known only when",  # the targets decide which clusters are computed
    **dict.fromkeys(("optim.LBFGS", "optim.LBFGS history", "optim.LBFGS strong_wolfe"), "known only when"),
}  # fmt: skip


@pytest.mark.parametrize("name", training_cases.CASES)
def test_trains_compiled(name: str) -> None:
    made: list[Any] = []

    def wrap(step: Any) -> Any:
        made.append(wengert.compile(step, fullgraph=True))
        turns = iter((step,))  # the first step is eager: some cases draw their targets in it
        return lambda: next(turns, made[0])()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd options; other tests look at the warnings
        if name in UNTRACEABLE:
            with pytest.raises(RuntimeError, match=UNTRACEABLE[name]):
                training_cases.trained(wengert, name, wrap=wrap)
            return
        result = training_cases.trained(wengert, name, wrap=wrap)
    recorded = RECORDED[name]
    assert result["start"] == recorded["start"]
    assert result["losses"] == pytest.approx(recorded["losses"], rel=1e-4)
    assert result["end"] == pytest.approx(recorded["end"], rel=1e-4)
    assert any(entry.program is not None for entry in made[0]._compiled.entries)
