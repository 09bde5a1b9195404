"""How long `import wengert` takes, as a ratio to `import numpy` (the budget is 2.5), in fresh processes taken in turn.

    python benchmarks/import_time.py [--rounds 15]
"""
from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

SRC = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")
BUDGET = 2.5
CACHE = os.path.join(tempfile.gettempdir(), "wengert-import-time")
CLOCK = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def seconds(module: str) -> float:
    # compiled once, as installed packages are: not where the environment forbids to write byte code
    environment = dict(os.environ, PYTHONPATH=SRC, PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=CACHE)
    done = subprocess.run([sys.executable, "-c", CLOCK.format(module)], env=environment, capture_output=True, text=True,
                          check=True)
    return float(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    modules = ["numpy", "ml_dtypes", "wengert"]
    for module in modules:
        seconds(module)  # the first import writes byte code and warms the disk cache
    times: dict[str, list[float]] = {module: [] for module in modules}
    for _ in range(rounds):
        for module in modules:
            times[module].append(seconds(module))
    for module, taken in times.items():
        print(f"{module:10s} median {statistics.median(taken) * 1e3:7.1f} ms   least {min(taken) * 1e3:7.1f} ms")
    ratio = statistics.median(times["wengert"]) / statistics.median(times["numpy"])
    print(f"ratio of the medians {ratio:.2f} (budget {BUDGET})")
    return ratio > BUDGET


if __name__ == "__main__":
    sys.exit(main())
