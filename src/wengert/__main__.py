"""Run a PyTorch program with this package in PyTorch's place: `python -m wengert SCRIPT [ARGS...]`."""
from __future__ import annotations

import os
import sys
from types import CodeType, ModuleType, TracebackType
from typing import Any

from . import compat
from ._version import __version__
from .core.intercept import arm_for
from .core.missing import lacking

USAGE = """\
usage: python -m wengert SCRIPT [ARG...]     run a PyTorch script: `import torch` gives wengert
       python -m wengert -m MODULE [ARG...]  the same for a module
       python -m wengert -c CODE [ARG...]    the same for a string
       python -m wengert - [ARG...]          the same for standard input
       python -m wengert                     show versions, and which optional parts are here
"""

OPTIONAL = {  # import name -> what it is for
    "jax": "compiled steps (XLA)",
    "cupy": "NVIDIA GPUs",
    "mpi4py": "processes over MPI",
    "safetensors": "safetensors files",
    "tqdm": "progress bars",
}
OWN_FILES = {__file__, "<frozen runpy>"}


def run(code: CodeType, **attributes: Any) -> None:
    """Runs `code` as the module `__main__`, which has the given attributes besides."""
    module = ModuleType("__main__")
    module.__dict__.update(attributes)
    arm_for(code)
    sys.modules["__main__"] = module  # pickle and multiprocessing look the program's own classes up there
    exec(code, module.__dict__)


def run_script(script: str, arguments: list[str]) -> None:
    """As `python SCRIPT ARG...`."""
    path = os.path.abspath(script)
    sys.argv = [script, *arguments]
    if os.path.isdir(path) or not script.endswith(".py") and is_archive(path):
        import runpy

        if not sys.flags.safe_path:
            del sys.path[0]  # runpy puts the directory or archive there
        runpy.run_path(path, run_name="__main__")
        return
    import io

    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        print(f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        sys.exit(2)
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    run(compile(source, path, "exec", dont_inherit=True), __file__=path)


def is_archive(path: str) -> bool:
    import zipfile

    return zipfile.is_zipfile(path)


def run_module(name: str, arguments: list[str]) -> None:
    """As `python -m NAME ARG...`."""
    import runpy

    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def run_source(source: str | bytes, file: str, argv: list[str]) -> None:
    """As `python -c SOURCE ARG...` or `python - ARG...`."""
    sys.argv = argv
    if not sys.flags.safe_path:
        sys.path[0] = ""
    run(compile(source, file, "exec", dont_inherit=True))


def hide_own_frames() -> None:
    """Makes the traceback of the exception in flight begin where the program does, as under plain `python`."""
    show = sys.excepthook  # the program may have set its own

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        while trace is not None and trace.tb_frame.f_code.co_filename in OWN_FILES:
            trace = trace.tb_next
        show(kind, error.with_traceback(trace), trace)

    sys.excepthook = hook


def report() -> str:
    """The versions in use and the optional parts that are installed, which are not imported for it."""
    import platform
    from importlib.util import find_spec

    import ml_dtypes
    import numpy

    lines = [
        f"wengert {__version__} ({os.path.dirname(os.path.abspath(__file__))})",
        f"Python {platform.python_version()} ({sys.executable})",
        f"NumPy {numpy.__version__}, BLAS: {blas()}",
        f"ml_dtypes {ml_dtypes.__version__}, SciPy {distribution_version('scipy') or 'not found'}",
    ]
    for name, purpose in OPTIONAL.items():
        found = distribution_version(name) or "found" if find_spec(name) else "not installed"
        lines.append(f"{name} ({purpose}): {found}")
    return "\n".join(lines)


def blas() -> str:
    """The BLAS that NumPy calls, and its threads where threadpoolctl is there to tell."""
    import numpy

    config: Any = numpy.show_config(mode="dicts")
    built = config.get("Build Dependencies", {}).get("blas", {})
    text = f"{built.get('name', 'unknown')} {built.get('version', '')}".strip()
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return text
    pools = [f"{pool['internal_api']}, {pool['num_threads']} threads" for pool in threadpool_info()]
    return f"{text} ({'; '.join(pools)})" if pools else text


def distribution_version(name: str) -> str | None:
    """The version of the installed distribution that brings the module `name` (cupy comes as cupy-cuda12x)."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        carriers = metadata.packages_distributions().get(name)
        return metadata.version(carriers[0]) if carriers else None


def main(arguments: list[str]) -> None:
    """Does what USAGE says. A program's own exit status and uncaught exceptions are passed on."""
    if not arguments:
        print(report())
        return
    first, rest = arguments[0], arguments[1:]
    if first in ("-h", "--help"):
        print(USAGE, end="")
        return
    if first in ("-V", "--version"):
        print(f"wengert {__version__}")
        return
    if first in ("-m", "-c") and not rest or first.startswith("-") and first not in ("-m", "-c", "-"):
        print(USAGE, end="", file=sys.stderr)
        sys.exit(2)
    compat.install()
    try:
        if first == "-m":
            run_module(rest[0], rest[1:])
        elif first == "-c":
            run_source(rest[0], "<string>", ["-c", *rest[1:]])
        elif first == "-":
            run_source(sys.stdin.buffer.read(), "<stdin>", ["-", *rest])
        else:
            run_script(first, rest)
    except SystemExit:
        raise
    except BaseException as error:
        if isinstance(error, AttributeError) and (text := lacking(error)):
            error.add_note(text)
        hide_own_frames()
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
