"""`from wengert import *` gives what `from torch import *` gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import wengert


def test_no_name_too_many_and_none_too_few() -> None:
    torch = pytest.importorskip("torch")
    theirs = set(torch.__all__)
    ours = set(wengert.__all__)
    assert len(ours) == len(wengert.__all__) > 600
    assert ours - theirs == set()
    assert [name for name in theirs - ours if hasattr(wengert, name)] == []


def test_all_of_them_are_there() -> None:
    program = "from wengert import *\nprint(len(dir()) > 600, zeros(2).tolist(), float32)"
    source = str(Path(__file__).parents[1] / "src")
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": source}, check=False)
    assert done.stdout == "True [0.0, 0.0] torch.float32\n", done.stderr
