"""The acceptance programs beside this checkout (../shared/acceptance), where there are any."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUNNER = ROOT.parent / "shared" / "acceptance" / "run.py"

pytestmark = pytest.mark.skipif(not RUNNER.exists(), reason="no acceptance programs beside this checkout")


@pytest.mark.slow
@pytest.mark.parametrize("group", ["det", "rng"])
def test_acceptance(python, tmp_path: Path, group: str) -> None:
    verdicts = tmp_path / "verdicts.json"
    done = python(RUNNER, "--impl", "wengert", "--path", ROOT / "src", "--python", sys.executable, "--group", group,
                  "--json", verdicts, timeout=600)
    assert verdicts.exists(), done.stderr
    judged = json.loads(verdicts.read_text("utf-8"))
    bad = [f"{entry['verdict']} {name}: {entry['remark']}" for name, entry in judged.items()
           if entry["verdict"] not in ("exact", "close")]
    assert not bad and done.returncode == 0, "\n".join(bad) or done.stdout
