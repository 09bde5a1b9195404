"""`import torch` gives this package: the same module objects under PyTorch's names.

    import wengert.compat
    wengert.compat.install()
    import torch                       # torch is wengert
    import torch.nn.functional as F    # F is wengert.nn.functional

`python -m wengert SCRIPT` does this for a whole program. In a notebook, call `install()` in the first cell. A torch
that is really installed is not seen until `uninstall()`; one that was imported before makes `install()` refuse.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from .core.missing import missing, near

__all__ = ["install", "installed", "missing", "uninstall"]

PACKAGE = __name__.partition(".")[0]
ALIAS = "torch"
# holds a torch.py that calls install(), for processes that inherit sys.path and nothing else (see install)
_STAND_IN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_standin")


class _Alias(MetaPathFinder, Loader):
    """Finds `torch` and `torch.x.y`, and puts `wengert` and `wengert.x.y` in their place in sys.modules."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == ALIAS or fullname.startswith(ALIAS + "."):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        return None  # an empty module, dropped again below

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        sys.modules[spec.name] = _ours(spec.name)  # the import system hands out what it finds there
        _alias_all()


_finder = _Alias()


def _ours(alias: str) -> ModuleType:
    """The module of this package that `alias` ('torch.nn') names. Raises ModuleNotFoundError if there is none."""
    real = PACKAGE + alias[len(ALIAS):]
    try:
        return import_module(real)
    except ModuleNotFoundError as error:
        lacking = error.name or ""
        if lacking != real and not real.startswith(lacking + "."):
            raise  # the module is there; it is one of its own imports that is not
        parent, _, name = lacking.rpartition(".")
        public = ALIAS + lacking[len(PACKAGE):]
        close = near(name, sys.modules[parent]) if parent in sys.modules else ""
        raise ModuleNotFoundError(
            f"No module named {public!r}\n{PACKAGE} lacks {public}{close}", name=public
        ) from None


def _alias_all() -> None:
    """Gives every module of this package that is imported by now its alias.

    What the import system finds in sys.modules it does not import again; where it does, it puts the module into its
    parent, in place of a function of the same name (`torch.autograd.gradcheck`)."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE + "."):
            sys.modules.setdefault(ALIAS + name[len(PACKAGE):], module)


def _aliased() -> list[str]:
    return [name for name in sys.modules if name == ALIAS or name.startswith(ALIAS + ".")]


def installed() -> bool:
    """Whether `import torch` gives this package now."""
    return _finder in sys.meta_path


def install() -> None:
    """From now on, `import torch` (and every `torch.x.y`) gives this package, in this process and in the worker
    processes that `multiprocessing` starts from it. Calling it again changes nothing.

    Raises ImportError where the real torch is imported already: two kinds of tensors would meet.
    """
    if installed():
        return
    present = sys.modules.get(ALIAS)
    if present is not None and present is not sys.modules.get(PACKAGE):
        origin = getattr(present, "__file__", None) or "an unknown place"
        if os.path.dirname(os.path.abspath(origin)) != _STAND_IN:
            raise ImportError(
                f"torch is imported already, from {origin}: programs that hold its modules would go on using them. "
                f"Start a new process (restart the notebook's kernel) and call {PACKAGE}.compat.install() "
                "before anything imports torch",
                name=ALIAS, path=origin,
            )
    for name in _aliased():
        del sys.modules[name]
    sys.meta_path.insert(0, _finder)
    sys.modules[ALIAS] = _ours(ALIAS)
    _alias_all()
    # Spawned workers get a copy of sys.path, but not of sys.meta_path; they find _standin/torch.py.
    if _STAND_IN not in sys.path:
        sys.path.insert(min(1, len(sys.path)), _STAND_IN)


def uninstall() -> None:
    """Undoes install(): a later `import torch` looks for the real one. Names already imported stay what they are."""
    if not installed():
        return
    sys.meta_path.remove(_finder)
    for name in _aliased():
        del sys.modules[name]
    if _STAND_IN in sys.path:
        sys.path.remove(_STAND_IN)
