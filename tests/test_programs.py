"""Whole programs print what PyTorch prints, text for text."""

from __future__ import annotations

from pathlib import Path

import pytest

import program_runner


@pytest.mark.parametrize("path", program_runner.programs(), ids=lambda p: p.stem)
def test_prints_what_pytorch_prints(path: Path) -> None:
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    got = program_runner.run_apart(path, "wengert")
    assert got.split("\n") == expected.split("\n")


@pytest.mark.parametrize("path", program_runner.programs(), ids=lambda p: p.stem)
def test_the_recording_is_pytorchs(path: Path) -> None:
    pytest.importorskip("torch")
    assert program_runner.run_apart(path, "torch") == path.with_suffix(".txt").read_text(encoding="utf-8")
