"""`import torch` gives wengert: compat.install(), `python -m wengert`, and the errors for what is lacking."""
from __future__ import annotations

import os
import pickle
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from wengert.core.missing import missing

SRC = Path(__file__).resolve().parents[1] / "src"

SAME_OBJECTS = """
    import torch
    import torch.nn.functional as F
    import torch.utils.data
    from torch.autograd import Function
    from torch import nn, optim
    import sys, wengert
    assert torch is wengert and sys.modules["torch"] is wengert
    assert torch.nn is nn is wengert.nn is sys.modules["torch.nn"]
    assert F is wengert.nn.functional is sys.modules["torch.nn.functional"]
    assert torch.utils.data is wengert.utils.data
    assert Function is wengert.autograd.Function and optim is wengert.optim
    assert wengert.__name__ == "wengert" and wengert.nn.__name__ == "wengert.nn"
    print("same")
"""


@pytest.fixture
def script(tmp_path: Path):
    """Writes a program and gives its path."""

    def write(source: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(source), "utf-8")
        return path

    return write


# ------------------------------------------------------------------------------------------------ import torch


def test_a_script_gets_the_very_same_modules(python, script) -> None:
    done = python("-m", "wengert", script(SAME_OBJECTS))
    assert (done.returncode, done.stdout, done.stderr) == (0, "same\n", "")


def test_install_in_a_running_process(python) -> None:
    program = "import wengert.compat as c; c.install(); c.install(); assert c.installed()\n"
    done = python("-c", program + textwrap.dedent(SAME_OBJECTS))
    assert (done.returncode, done.stdout, done.stderr) == (0, "same\n", "")


def test_uninstall_leaves_nothing_behind(python, script, tmp_path: Path) -> None:
    script("real = True", "other/torch.py")
    done = python("-c", textwrap.dedent(f"""
        import sys
        before = list(sys.path), list(sys.meta_path)
        import wengert.compat as c
        c.uninstall()
        c.install()
        import torch, torch.nn
        c.uninstall()
        c.uninstall()
        assert before == (sys.path, sys.meta_path) and not c.installed()
        assert not [name for name in sys.modules if name.split(".")[0] == "torch"]
        sys.path.insert(0, {str(tmp_path / "other")!r})
        import torch
        assert torch.real
    """))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_real_torch_is_never_seen(python, script, tmp_path: Path) -> None:
    script("raise SystemExit('the real torch was imported')", "other/torch.py")
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "other"), str(SRC)])}
    done = python("-m", "wengert", "-c", "import torch; print(torch.__name__)", env=environment)
    assert (done.returncode, done.stdout) == (0, "wengert\n")


def test_install_refuses_after_the_real_torch(python, script, tmp_path: Path) -> None:
    script("", "other/torch.py")
    done = python("-c", textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(tmp_path / "other")!r})
        import torch as real
        import wengert.compat
        try:
            wengert.compat.install()
        except ImportError as error:
            print(error)
        assert not wengert.compat.installed() and sys.modules["torch"] is real
    """))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"torch is imported already, from {tmp_path / 'other' / 'torch.py'}")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_processes_see_it_too(python, script, method: str) -> None:
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    done = python("-m", "wengert", script(f"""
        import multiprocessing
        import torch
        from torch import nn

        def work(x):
            import torch
            return torch.__name__, nn.__name__, torch.tensor(float(x)).mul(2).item()

        if __name__ == "__main__":
            with multiprocessing.get_context({method!r}).Pool(1) as pool:
                print(pool.map(work, [3]))
    """))
    assert (done.returncode, done.stdout) == (0, "[('wengert', 'wengert.nn', 6.0)]\n"), done.stderr


# ------------------------------------------------------------------------------------- as `python script.py` would


def outcome(done) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("source", [
    "import sys; print(sys.argv, sys.path[0], __name__, __file__)",
    "print(__file__, __doc__, 'main' in globals())",
    "import sys, __main__; x = 1; print(__main__.x, sys.modules['__main__'].__dict__ is globals())",
    "import helper; print(helper.__name__)",
    "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)",
    "import atexit\nx = 'still here'\natexit.register(lambda: print(x))",
    "import warnings; warnings.warn('once', DeprecationWarning)",
    "def f():\n    return 1 / 0\n\ntry:\n    f()\nexcept ZeroDivisionError as e:\n    raise KeyError('é') from e",
    "def f(:\n",
    "import sys; sys.exit(7)",
    "import sys; sys.exit('a message')",
    "raise KeyboardInterrupt",
    "import sys\nsys.excepthook = lambda kind, value, trace: print('hook', value)\n\nraise ValueError(3)",
    "# coding: latin-1\nprint(len('\xe9'))",
])
def test_behaves_as_plain_python(python, script, tmp_path: Path, source: str) -> None:
    script("", "helper.py")
    path = tmp_path / "program.py"
    path.write_bytes(source.encode("latin-1" if "latin-1" in source else "utf-8"))
    here = {"cwd": tmp_path.parent}
    relative = path.relative_to(tmp_path.parent)
    expected = python(relative, "a", "--b", **here)
    assert outcome(python("-m", "wengert", relative, "a", "--b", **here)) == outcome(expected)


def test_other_forms_behave_as_plain_python(python, script, tmp_path: Path) -> None:
    print_all = "import sys; print(sys.argv[1:], sys.path[0], __name__)"
    script(print_all, "package/__main__.py")
    script(print_all, "single.py")
    script("", "package/__init__.py")
    for form in (["-m", "package", "x"], ["-m", "single", "-y"], ["-c", print_all, "-z"], ["package", "x"]):
        expected = python(*form, cwd=tmp_path)
        assert expected.returncode == 0
        assert outcome(python("-m", "wengert", *form, cwd=tmp_path)) == outcome(expected)
    assert outcome(python("-m", "wengert", "-", "x", input=print_all)) == outcome(python("-", "x", input=print_all))


def test_a_missing_script(python, tmp_path: Path) -> None:
    done = python("-m", "wengert", "nowhere.py", cwd=tmp_path)
    assert done.returncode == 2
    assert f"can't open file {str(tmp_path / 'nowhere.py')!r}: [Errno 2] No such file or directory" in done.stderr


def test_usage_and_report(python) -> None:
    assert python("-m", "wengert", "--help").stdout.startswith("usage: python -m wengert SCRIPT")
    wrong = python("-m", "wengert", "--nonsense")
    assert wrong.returncode == 2 and wrong.stderr.startswith("usage:")
    assert python("-m", "wengert", "-m").returncode == 2
    assert python("-m", "wengert", "--version").stdout.startswith("wengert ")
    report = python("-m", "wengert")
    assert report.returncode == 0, report.stderr
    for word in ("wengert", "Python", "NumPy", "BLAS", "jax", "cupy", "mpi4py", "safetensors", "tqdm"):
        assert word in report.stdout


# --------------------------------------------------------------------------------------------------- missing names


def attempt(python, statement: str) -> str:
    """'Type: message' of what the statement raises under `python -m wengert`."""
    done = python("-m", "wengert", "-c", textwrap.dedent(f"""
        import torch
        try:
            exec({statement!r})
        except Exception as error:
            print(f"{{type(error).__name__}}: {{error}}")
    """))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("statement, first, second", [
    ("torch.matmull", "AttributeError: module 'torch' has no attribute 'matmull'",
     "wengert lacks torch.matmull; close: matmul"),
    ("from torch import matmull", "ImportError: cannot import name 'matmull' from 'torch' (",
     "wengert lacks torch.matmull; close: matmul"),
    ("import torch.nowhere", "ModuleNotFoundError: No module named 'torch.nowhere'", "wengert lacks torch.nowhere"),
    ("from torch.nowhere.deep import x", "ModuleNotFoundError: No module named 'torch.nowhere'",
     "wengert lacks torch.nowhere"),
    ("from torch.nn.functionall import relu", "ModuleNotFoundError: No module named 'torch.nn.functionall'",
     "wengert lacks torch.nn.functionall; close: functional"),
    ("torch.nn.functional.rellu", "AttributeError: module 'torch.nn.functional' has no attribute 'rellu'",
     "wengert lacks torch.nn.functional.rellu; close: "),
    ("from torch.nn import Linnear", "ImportError: cannot import name 'Linnear' from 'torch.nn' (",
     "wengert lacks torch.nn.Linnear; close: "),
])
def test_names_that_are_missing(python, statement: str, first: str, second: str) -> None:
    lines = attempt(python, statement).splitlines()
    assert lines[0].startswith(first)
    assert lines[1].startswith(second)


def test_hasattr_stays_usable(python) -> None:
    done = python("-m", "wengert", "-c", "import torch; print(hasattr(torch, 'no_such_thing'), hasattr(torch, 'nn'))")
    assert done.stdout == "False True\n"


def test_missing_helper() -> None:
    ask = missing("wengert.no_module")
    with pytest.raises(AttributeError) as caught:
        ask("anything")
    assert str(caught.value).splitlines() == [
        "module 'torch.no_module' has no attribute 'anything'", "wengert lacks torch.no_module.anything"]
    assert type(pickle.loads(pickle.dumps(caught.value))) is AttributeError
    with pytest.raises(AttributeError):
        ask("__wrapped__")


def test_missing_helper_imports_lazily() -> None:
    found = missing("wengert", lazy=("compat",))("compat")
    assert isinstance(found, ModuleType) and found.__name__ == "wengert.compat"
    with pytest.raises(AttributeError):  # listed, but not there (yet)
        missing("wengert", lazy=("no_such_part",))("no_such_part")


def test_a_method_that_is_missing(python) -> None:
    """PyTorch's sentence, Python's own suggestion, and whose lack it is."""
    done = python("-m", "wengert", "-c", "import torch\ntorch.ones(1).mamtul")
    assert done.stderr.splitlines()[-2:] == [
        "AttributeError: 'Tensor' object has no attribute 'mamtul'. Did you mean: 'matmul'?",
        "wengert lacks Tensor.mamtul"]
    plain = python("-m", "wengert", "-c", "class A: pass\nA().x")
    assert plain.stderr.splitlines()[-1] == "AttributeError: 'A' object has no attribute 'x'"


def test_importing_a_module_leaves_the_function_of_its_name(python) -> None:
    lines = (
        "from torch.autograd.gradcheck import GradcheckError",
        "from torch.nn.utils.weight_norm import WeightNorm",
        "import torch.nn.utils.spectral_norm, torch",
        "u = torch.nn.utils",
        "print(callable(torch.autograd.gradcheck), callable(u.weight_norm), callable(u.spectral_norm))",
    )
    done = python("-m", "wengert", "-c", "\n".join(lines))
    assert done.stdout == "True True True\n", done.stderr
