"""What tests share: one BLAS thread a process, Hypothesis's profile, Python in a fresh process, JAX's 64-bit types."""
from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # before NumPy is loaded; tests are small and may run side by side

import subprocess  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from importlib import metadata  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"

try:
    from hypothesis import settings
except ImportError:  # the tests that need it skip themselves
    pass
else:
    settings.register_profile("wengert", deadline=None, max_examples=50, derandomize=True)
    settings.load_profile("wengert")


def version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def pytest_report_header() -> str:
    return f"numpy {version('numpy')}, scipy {version('scipy')}, torch (the oracle): {version('torch')}"


@pytest.fixture
def wide_types() -> Iterator[None]:
    """JAX has 64-bit types, as in compiled functions."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python ARGS` in a process of its own, which imports the sources of this checkout."""

    def run(*arguments: object, timeout: float = 120, **options: object) -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ, PYTHONPATH=str(SRC), PYTHONIOENCODING="utf-8", PYTHONDONTWRITEBYTECODE="1")
        environment.pop("PYTHONWARNINGS", None)
        environment.update(options.pop("env", {}))  # type: ignore[call-overload]
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        return subprocess.run(
            [sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, env=environment,
            check=False, **options,  # type: ignore[call-overload]
        )

    return run
