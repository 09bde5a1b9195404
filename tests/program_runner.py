"""Runs the programs of tests/programs with `torch` meaning any implementation, and normalises what they print."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent / "programs"
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
INTERNAL = re.compile(r" ?\(Triggered internally at [^)]*\)\.?")
HELPERS = '''
def attempt(f, *args, **kwargs):
    try:
        result = f(*args, **kwargs)
    except Exception as error:
        print(type(error).__name__ + ":", *str(error).split("\\n")[:1])
    else:
        print("->", result)
'''


def run(path: Path, torch: ModuleType) -> str:
    """What the program at `path` prints when `torch` is the given module."""
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"^import torch$", "", source, flags=re.M)
    source = re.sub(r"^(from|import) torch(\.[\w.]+)?(?= )", rf"\1 {torch.__name__}\2", source, flags=re.M)
    namespace: dict[str, Any] = {"__name__": "__main__", "torch": torch}
    exec(HELPERS, namespace)
    out = io.StringIO()

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if "torch.jit" not in str(message):  # PyTorch's, about its own inside
            out.write(f"{category.__name__}: {message}\n")

    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        exec(compile(source, str(path), "exec"), namespace)
    return normalise(out.getvalue())


def normalise(text: str) -> str:
    """Without addresses, the C++ place of a warning, and trailing blanks."""
    text = INTERNAL.sub("", ADDRESS.sub("0x...", text))
    text = text.replace("torch._C._autograd.SavedTensor", "SavedTensor")
    return "\n".join(line.rstrip() for line in text.split("\n"))


def run_apart(path: Path, name: str) -> str:
    """`run` in a process of its own (some warnings are given once a process)."""
    command = [sys.executable, str(Path(__file__)), str(path), name]
    paths = os.pathsep.join([str(Path(__file__).parents[1] / "src"), str(Path(__file__).parent)])
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr
    return done.stdout


def programs() -> list[Path]:
    """All programs, by name."""
    return sorted(HERE.glob("*.py"))


if __name__ == "__main__":
    sys.stdout.write(run(Path(sys.argv[1]), importlib.import_module(sys.argv[2])))
