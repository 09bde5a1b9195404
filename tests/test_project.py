"""The project around the library: a light import, the README's commands and programs, the examples, the wheel."""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
QUICK_EXAMPLES = ("custom_function", "function_transforms", "higher_order", "linear_regression", "logistic_regression")
EXAMPLES = [
    pytest.param(path, id=path.stem, marks=() if path.stem in QUICK_EXAMPLES else pytest.mark.slow)
    for path in sorted((ROOT / "examples").glob("*.py"))
]

RECORDED = json.loads((ROOT / "tests" / "recorded" / "examples.json").read_text("utf-8"))

HEAVY = ("scipy", "jax", "cupy", "torch", "asyncio", "multiprocessing", "unittest", "concurrent.futures", "tqdm",
         "safetensors", "mpi4py")


# -------------------------------------------------------------------------------------------------------- the import


def test_import_is_light(python) -> None:
    """No heavy module comes with `import wengert` that NumPy and ml_dtypes do not bring themselves."""
    listing = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    before = set(json.loads(python("-c", f"import numpy, ml_dtypes; {listing}").stdout))
    done = python("-c", f"import wengert; {listing}")
    assert done.returncode == 0, done.stderr
    added = set(json.loads(done.stdout)) - before
    assert not added & set(HEAVY)


def test_import_warns_of_nothing(python) -> None:
    done = python("-W", "error", "-c", "import wengert")
    assert (done.returncode, done.stderr) == (0, "")


def test_numpy_warnings_stay_inside(python) -> None:
    program = "import wengert as torch; print(torch.ones(1) / 0, torch.zeros(1) / 0, torch.zeros(1).log())"
    done = python("-c", program)
    assert (done.stdout, done.stderr) == ("tensor([inf]) tensor([nan]) tensor([-inf])\n", "")


# -------------------------------------------------------------------------------------------------------- the README


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_readme_commands() -> None:
    """Two commands do all the set-up: the first runs a PyTorch training script, the second the tests."""
    commands = blocks("bash")
    assert len(commands) == 2
    assert all(len(command.strip().splitlines()) == 1 for command in commands)
    run, test = commands
    found = re.search(r"-m wengert (examples/\w+\.py)", run)
    assert found is not None
    assert re.search(r"^import torch$", (ROOT / found[1]).read_text("utf-8"), flags=re.MULTILINE)
    assert "-m pytest" in test


def test_readme_programs_print_what_it_says(python) -> None:
    """Every ```python block whose next block is ```text prints that text; the others run."""
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    following = [*fences[1:], ("", "")]
    programs = [(text, after if kind == "text" else None)
                for (language, text), (kind, after) in zip(fences, following) if language == "python"]
    assert programs
    for program, output in programs:
        done = python("-c", program)
        assert done.returncode == 0, done.stderr
        assert output is None or done.stdout == output


def test_readme_links() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", README):
        assert "://" in target or (ROOT / target).exists(), target


# ------------------------------------------------------------------------------------------------------ the examples


def same_output(got: str, expected: str) -> None:
    """The same words, and the same numbers to three digits."""
    number = re.compile(r"[-+]?\d+\.\d+(?:e[-+]\d+)?")
    assert number.sub("#", got) == number.sub("#", expected)
    assert [float(text) for text in number.findall(got)] == pytest.approx(
        [float(text) for text in number.findall(expected)], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("path", EXAMPLES)
def test_example(python, path: Path) -> None:
    """Runs, unchanged, as a PyTorch script, and prints what PyTorch printed (see record_examples.py)."""
    done = python("-m", "wengert", path, timeout=600)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("This example needs "):
        pytest.skip(done.stdout)
    same_output(done.stdout, "\n".join(RECORDED[path.stem]))


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_recorded_output_of_the_example_is_pytorchs(python, path: Path) -> None:
    pytest.importorskip("torch")
    done = python(path, timeout=600)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("This example needs "):
        pytest.skip(done.stdout)
    same_output("\n".join(RECORDED[path.stem]), done.stdout)


# ------------------------------------------------------------------------------------------------------- the package


def test_documentation_builds(python, tmp_path: Path) -> None:
    done = python(ROOT / "docs" / "build.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[wengert.nn](wengert.nn.md)" in (tmp_path / "index.md").read_text("utf-8")
    assert "| sin | elementwise | x |" in (tmp_path / "ops.md").read_text("utf-8")


def test_metadata_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    from wengert._version import __version__

    assert project["requires-python"] == ">=3.11" and sys.version_info >= (3, 11)
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    import wengert

    assert wengert.compat.PACKAGE == project["name"] == "wengert"


@pytest.mark.slow
def test_wheel(tmp_path: Path) -> None:
    """One small wheel for every platform, which holds the package, its type marker and nothing else."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert wheel.stat().st_size < 1_500_000
    names = zipfile.ZipFile(wheel).namelist()
    assert {"wengert/py.typed", "wengert/__init__.py", "wengert/__main__.py", "wengert/_standin/torch.py"} <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"wengert"}
    assert not [name for name in names if name.endswith(".pyc")]


@pytest.mark.slow
def test_programs_can_be_type_checked(tmp_path: Path) -> None:
    """`py.typed` is meant: what is installed at import time is known to a type checker, too."""
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text(
        "import wengert as torch\n"
        "import wengert.nn.functional as F\n"
        "from wengert import nn\n"
        "class Model(nn.Module):\n"
        "    def forward(self, x: torch.Tensor) -> torch.Tensor:\n"
        "        return F.relu(x) * 2 + x.exp()[0] @ torch.ones(3, dtype=torch.float64)\n"
        "y: torch.Tensor = torch.sin(torch.randn(3, requires_grad=True)).sum() / 2\n"
        "y.backward()\n", "utf-8")
    environment = dict(os.environ, MYPYPATH=str(ROOT / "src"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path / "c", program],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
