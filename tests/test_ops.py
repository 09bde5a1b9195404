"""The op table: every check of every operation, derived from the samples in its definition.

A check that is known to fail stands in op_debts.py with its reason; it must fail there, so that the table can only
become shorter. The quick part runs by default, the rest is marked slow.
"""
from __future__ import annotations

import importlib.util
from typing import Any

import pytest

import wengert
from op_checks import CHECKS, EXCEPTIONS, LIVE, QUICK, RECORDED, run
from op_debts import DEBTS
from wengert.check import NotApplicable
from wengert.core.samples import SAMPLES

HAS_TORCH = importlib.util.find_spec("torch") is not None


def table(checks: Any, slow: bool) -> list[Any]:
    rows = []
    for check in checks:
        for name in SAMPLES:
            if (name, check) in EXCEPTIONS:
                continue
            marks: list[Any] = [pytest.mark.slow] if slow else []
            if check in LIVE and not HAS_TORCH:
                marks.append(pytest.mark.skip(reason="needs PyTorch"))
            # a quick check looks at one sample: it may pass although a later one is owed
            if (name, check) in DEBTS:
                whole = slow or check not in ("gradcheck",)
                marks.append(pytest.mark.xfail(strict=whole, reason=DEBTS[name, check]))
            rows.append(pytest.param(name, check, marks=marks, id=f"{check}-{name}"))
    return rows


def judge(name: str, check: str, first: bool) -> None:
    try:
        complaints = run(check, name, first)
    except NotApplicable as reason:
        pytest.skip(str(reason))
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(("name", "check"), table(QUICK, slow=False))
def test_quick(name: str, check: str) -> None:
    """Values and gradients against PyTorch (live, and as recorded), and gradcheck of the first sample."""
    judge(name, check, first=True)


@pytest.mark.parametrize(("name", "check"), table([c for c in CHECKS if c not in QUICK] + ["gradcheck"], slow=True))
def test_whole(name: str, check: str) -> None:
    judge(name, check, first=False)


def test_debts_name_what_exists() -> None:
    unknown = [(name, check) for name, check in DEBTS if name not in SAMPLES or check not in CHECKS]
    assert not unknown
    assert not set(DEBTS) & set(EXCEPTIONS)
    assert not [(name, check) for name, check in EXCEPTIONS if name not in SAMPLES or check not in CHECKS]


def test_samples_name_what_exists() -> None:
    missing = []
    for name in SAMPLES:
        found: Any = wengert
        for part in name.split("."):
            found = getattr(found, part, None)
        if not callable(found):
            missing.append(name)
    assert not missing


def test_record_is_small() -> None:
    assert RECORDED.stat().st_size < 1_000_000
