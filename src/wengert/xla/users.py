"""Which code is the user's own: what a trace looks into, blames and guards."""

from __future__ import annotations

import os
import sys
import types

from ..core.errors import PACKAGE_DIR

STANDARD = os.path.dirname(os.__file__) + os.sep
LIBRARY = frozenset(sys.stdlib_module_names) - {"__main__"}
#: what `is_users` found
_files: dict[str, bool] = {}


def is_users(file: str) -> bool:
    """Whether a source file is neither ours, JAX's, NumPy's nor the standard library's."""
    known = _files.get(file)
    if known is None:
        parts = file.split(os.sep)
        ours = file.startswith((PACKAGE_DIR, "<frozen"))
        library = ours or file.startswith(STANDARD) and "site-packages" not in parts
        known = _files[file] = not (library or any(name in parts for name in ("jax", "jaxlib", "numpy")))
    return known


def users_function(f: types.FunctionType) -> bool:
    """Whether a function is the user's own, and not of an installed package."""
    return not is_installed(f.__code__.co_filename) and (f.__module__ or "") not in LIBRARY


def users_module(m: types.ModuleType) -> bool:
    file = getattr(m, "__file__", None) or ""
    return bool(file) and not is_installed(file) and m.__name__ not in LIBRARY


def users_class(cls: type) -> bool:
    top = cls.__module__.partition(".")[0]
    if top in ("wengert", "numpy", "jax", "jaxlib", "builtins") or top in LIBRARY:
        return False
    known = sys.modules.get(cls.__module__)
    return "site-packages" not in (getattr(known, "__file__", None) or "")


def is_installed(file: str) -> bool:
    return file.startswith(PACKAGE_DIR) or "site-packages" in file


__all__ = ["is_users", "users_class", "users_function", "users_module"]
