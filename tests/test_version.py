"""Versions compare as versions, not as text."""

from __future__ import annotations

import itertools

import pytest

import wengert
from wengert.torch_version import TorchVersion

TEXTS = (
    "1.0", "1.0.0", "1.0a1", "1.0.dev3", "1.0rc1", "1.0.post1", "1.0+cpu", "1.0+cu118", "1.0.1", "1.10", "1.9", "2.13.0", "2.2",
    "v1.0", "1.0-1", "1.0b2.dev1", "not a version", "2.13.0+cpu.2", "2.13.0+cpu.10",
)  # fmt: skip


def compared(kind: type, a: str, b: object) -> list[bool]:
    x = kind(a)
    return [x == b, x != b, x < b, x <= b, x > b, x >= b]


@pytest.mark.parametrize("a", [t for t in TEXTS if t[0] != "n"])
def test_as_pytorch_compares(a: str) -> None:
    theirs = pytest.importorskip("torch.torch_version").TorchVersion
    for b in (*TEXTS, (1, 0), (1, 10), [2, 2]):
        if isinstance(b, list):
            continue  # PyTorch takes tuples only
        assert compared(TorchVersion, a, b) == compared(theirs, a, b), (a, b)


def test_in_order() -> None:
    order = ["1.0.dev3", "1.0a1", "1.0b2.dev1", "1.0b2", "1.0rc1", "1.0", "1.0+cpu", "1.0.post1", "1.0.1", "1.9", "1.10", "2.2"]
    for a, b in itertools.pairwise(order):
        assert TorchVersion(a) < b
        assert TorchVersion(b) > a


def test_ours() -> None:
    version = wengert.__version__
    assert version >= "2.2"
    assert version > (1, 13)
    assert version.startswith("2.13.0")
    assert {version: 1}[str(version)] == 1
