"""Record what PyTorch prints for the programs of tests/programs: `python tests/record_programs.py [NAME ...]`."""

from __future__ import annotations

import sys

import program_runner

if __name__ == "__main__":
    for path in program_runner.programs():
        if not sys.argv[1:] or path.stem in sys.argv[1:]:
            path.with_suffix(".txt").write_text(program_runner.run_apart(path, "torch"), encoding="utf-8")
            print("recorded", path.stem)
