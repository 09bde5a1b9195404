"""Who may import whom, read off the sources: imports inside functions count, those for type checkers only do not.

`python tests/test_layers.py` prints the length of every file and each package's imports.
"""
from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

SRC = Path(__file__).resolve().parents[1] / "src"
PACKAGE = "wengert"

# Each row may import from its own row and from the rows above it. What stands in no row counts as the last one.
ROWS = [
    {"kernels", "_version"},
    {"core"},
    {"ops"},
    {"func"},  # transforms of functions; batched gradients and vectorised Jacobians of autograd are made of them
    {"autograd"},
    {"nn", "optim", "utils", "linalg", "fft", "special", "serialization", "hub", "settings"},
]
LAST = len(ROWS)

# third-party packages, and who may import them (None: everybody)
ALLOWED: dict[str, tuple[str, ...] | None] = {
    "numpy": None,
    "scipy": None,
    "ml_dtypes": None,
    "jax": ("wengert.kernels.jax", "wengert.xla", "wengert.compiler"),
    "cupy": ("wengert.kernels.cupy",),
    "cupyx": ("wengert.kernels.cupy",),
    "mpi4py": ("wengert.distributed",),
    "safetensors": ("wengert.serialization",),
    "tensorboard": ("wengert.utils.tensorboard",),
    "PIL": ("wengert.utils.tensorboard",),
    "tqdm": None,
    "threadpoolctl": None,
}
# names that a namespace shows and that live below it: looked up when they are first used
SHOWN_FROM_BELOW = {
    ("wengert.func", "wengert.nn.utils.functional_call"),
}
LONG = 500


def module_name(path: Path) -> str:
    parts = list(path.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> dict[str, Path]:
    return {module_name(path): path for path in sorted((SRC / PACKAGE).rglob("*.py"))}


def for_type_checkers(node: ast.AST) -> bool:
    if not isinstance(node, ast.If):
        return False
    test = node.test
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING" or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING")


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, without the bodies of `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        if for_type_checkers(child):
            assert isinstance(child, ast.If)
            for other in child.orelse:
                yield other
                yield from statements(other)
        else:
            yield child
            yield from statements(child)


def imports(source: str, module: str, is_package: bool, modules: set[str]) -> Iterator[tuple[int, str]]:
    """(line, absolute name of an imported module) of one file. `from a import b` names a.b where that is a module."""
    package = module if is_package else module.rpartition(".")[0]
    for node in statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = resolve_name("." * node.level + base, package)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in modules else base
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = node.args[0].value
            if called in ("import_module", "__import__") and isinstance(name, str):
                yield node.lineno, resolve_name(name, package)


def row(module: str) -> int:
    """The row of a module of ours; the package itself, which re-exports everything, is in the last one."""
    part = (module.split(".") + [""])[1]
    return next((number for number, names in enumerate(ROWS) if part in names), LAST)


def complaints(source: str, module: str, is_package: bool, modules: set[str]) -> list[str]:
    found = []
    for line, name in imports(source, module, is_package, modules):
        top = name.split(".")[0]
        if top == PACKAGE:
            if row(name) > row(module) and (module, name) not in SHOWN_FROM_BELOW:
                found.append(f"{module}:{line} imports {name}, which stands below it")
        elif top == "torch":
            found.append(f"{module}:{line} imports torch")
        elif top in sys.stdlib_module_names:
            continue
        elif top not in ALLOWED:
            found.append(f"{module}:{line} imports {top}, which this project does not depend on")
        else:
            users = ALLOWED[top]
            if users is not None and not any(module == user or module.startswith(user + ".") for user in users):
                found.append(f"{module}:{line} imports {top}, which only {' and '.join(users)} may")
    return found


def test_layers() -> None:
    files = sources()
    found = [
        text
        for module, path in files.items()
        for text in complaints(path.read_text("utf-8"), module, path.name == "__init__.py", set(files))
    ]
    assert not found, "\n".join(dict.fromkeys(found))


def test_the_check_itself() -> None:
    modules = {"wengert", "wengert.core", "wengert.core.tensor", "wengert.ops", "wengert.kernels.numpy", "wengert.nn"}

    def check(source: str, module: str, is_package: bool = False) -> list[str]:
        return complaints(source, module, is_package, modules)

    assert check("from ..ops import x", "wengert.core.tensor")
    assert check("def f():\n    from .. import ops", "wengert.core.tensor")
    assert check("import wengert", "wengert.ops.shape")
    assert check("from .. import Tensor", "wengert.nn", is_package=True)
    assert check("from ..core import tensor", "wengert.kernels", is_package=True)
    assert check("from ..core import tensor", "wengert.kernels.numpy")
    assert check("import_module('..ops', __package__)", "wengert.core.tensor")
    assert check("import importlib\nimportlib.import_module('wengert.ops')", "wengert.core.tensor")
    assert check("import torch", "wengert.nn")
    assert check("import jax.numpy as jnp", "wengert.kernels.numpy")
    assert check("import pandas", "wengert.nn")
    assert not check("import jax.numpy as jnp", "wengert.kernels.jax")
    assert not check("import jax", "wengert.xla.step")
    assert not check("if TYPE_CHECKING:\n    from ..ops import x", "wengert.core.tensor")
    assert not check("from ..core import tensor\nfrom . import x\nimport numpy, os", "wengert.ops.shape")
    assert not check("from .core.tensor import Tensor\nfrom . import nn", "wengert", is_package=True)


def lengths() -> dict[str, int]:
    return {module: len(path.read_text("utf-8").splitlines()) for module, path in sources().items()}


def test_file_lengths() -> None:
    """Reported, not enforced: a file is one room, and most rooms need no more."""
    long = {module: count for module, count in lengths().items() if count > LONG}
    if long:
        listing = ", ".join(f"{module} {count}" for module, count in sorted(long.items(), key=lambda item: -item[1]))
        warnings.warn(f"files of more than {LONG} lines: {listing}", stacklevel=1)


if __name__ == "__main__":
    every = lengths()
    for module, count in every.items():
        print(f"{count:6d}  {module}")
    print(f"{sum(every.values()):6d}  lines in {len(every)} files")
