"""Records what PyTorch does in training: `python tests/record_training.py [training | EXAMPLE ...]` (nothing: all).

`training` writes tests/recorded/training.json from the cases of training_cases.py; the name of an example writes the
losses that it prints under PyTorch into examples/recorded.json.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRAINING = ROOT / "tests" / "recorded" / "training.json"
EXAMPLES = ROOT / "examples" / "recorded.json"


def record_training() -> None:
    import torch

    import training_cases

    lines = [f"{json.dumps(name)}: {json.dumps(training_cases.trained(torch, name))}" for name in training_cases.CASES]
    TRAINING.parent.mkdir(exist_ok=True)
    TRAINING.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def record_example(name: str) -> None:
    """Losses, as they are printed, by the number (of a step or an epoch) that stands before them."""
    done = subprocess.run([sys.executable, ROOT / "examples" / f"{name}.py"], check=True, capture_output=True, text=True,
                          env=dict(os.environ, OMP_NUM_THREADS="1"))
    losses = dict(re.findall(r"(\d+)  loss (\S+)  PyTorch's", done.stdout))
    if not losses:
        raise SystemExit(f"{name} printed no losses:\n{done.stdout}")
    recorded = dict(json.loads(EXAMPLES.read_text("utf-8")), **{name: losses})
    lines = [f"{json.dumps(name)}: {json.dumps(losses)}" for name, losses in sorted(recorded.items())]
    EXAMPLES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:] or ["training", *json.loads(EXAMPLES.read_text("utf-8"))]:
        record_training() if name == "training" else record_example(name)
        print("recorded", name)
