"""Record what PyTorch prints for the examples: `python tests/record_examples.py [NAME ...]`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RECORDED = Path(__file__).parent / "recorded" / "examples.json"

if __name__ == "__main__":
    known = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
    for path in sorted(EXAMPLES.glob("*.py")):
        if not sys.argv[1:] or path.stem in sys.argv[1:]:
            done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
            if done.stdout.startswith("This example needs "):
                sys.exit(f"{path.stem}: {done.stdout}")
            known[path.stem] = done.stdout.split("\n")
            print("recorded", path.stem, flush=True)
            RECORDED.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
