"""torch.jit: programs that compile parts of themselves run those parts as the Python that they are.

`script` and `trace` return what they are given; nothing is compiled, and a traced function goes on taking its branches.
"""

from __future__ import annotations

import os
from typing import Any, NoReturn

from .core.errors import warn
from .core.missing import missing

__all__ = [
    "Attribute",
    "ScriptFunction",
    "ScriptModule",  # noqa: F822, made by __getattr__
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "optimize_for_inference",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "strict_fusion",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

_is = isinstance


def _deprecated(name: str) -> None:
    warn(f"`torch.jit.{name}` is deprecated. Please switch to `torch.compile` or `torch.export`.", DeprecationWarning)


def script(obj: Any, optimize: None = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None) -> Any:
    """`obj` itself: a function, a class or a module."""
    _deprecated("script")
    return obj


def trace(
    func: Any, example_inputs: Any = None, optimize: Any = None, check_trace: bool = True, check_inputs: Any = None,
    check_tolerance: float = 1e-5, strict: bool = True, _force_outplace: bool = False, _module_class: Any = None,
    _compilation_unit: Any = None, example_kwarg_inputs: Any = None, _store_inputs: bool = True,
) -> Any:  # fmt: skip
    """`func` itself."""
    _deprecated("trace")
    return func


def trace_module(mod: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    """`mod` itself."""
    _deprecated("trace_module")
    return mod


def script_method(fn: Any) -> Any:
    """`fn` itself."""
    _deprecated("script_method")
    return fn


def script_if_tracing(fn: Any) -> Any:
    """`fn` itself."""
    return fn


def export(fn: Any) -> Any:
    """`fn` itself."""
    return fn


def unused(fn: Any) -> Any:
    """`fn` itself."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The decorated function itself; with and without arguments."""
    if callable(drop):
        return drop
    if not _is(drop, bool):
        raise RuntimeError(f"Argument to @torch.jit.ignore must be a bool or a function but got {drop}")
    return lambda fn: fn


def interface(obj: Any) -> Any:
    """`obj` itself."""
    return obj


def freeze(mod: Any, preserved_attrs: Any = None, optimize_numerics: bool = True) -> Any:
    """`mod` itself."""
    return mod


def optimize_for_inference(mod: Any, other_methods: Any = None) -> Any:
    """`mod` itself."""
    return mod


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False


def annotate(the_type: Any, the_value: Any) -> Any:
    """`the_value` itself."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether `obj` is of a type such as List[int], whose items are looked at too."""
    from typing import Any as Anything
    from typing import Union, get_args, get_origin

    kinds = target_type if _is(target_type, tuple) else (target_type,)
    for kind in kinds:
        origin, args = get_origin(kind), get_args(kind)
        if origin is Union or type(kind).__name__ == "UnionType":
            if any(isinstance(obj, a) for a in args):
                return True
        elif kind is Anything:
            return True
        elif origin in (list, dict, tuple):
            if not _is(obj, origin):
                continue
            if origin is list and all(isinstance(x, args[0]) for x in obj):
                return True
            if origin is dict and all(isinstance(k, args[0]) and isinstance(v, args[1]) for k, v in obj.items()):
                return True
            if origin is tuple and len(obj) == len(args) and all(map(isinstance, obj, args)):
                return True
        elif kind in (list, dict, tuple):
            name = kind.__name__
            raise RuntimeError(
                f"Attempted to use {name} without a contained type. Please add a contained type, e.g. {name}[int]"
            )
        elif _is(obj, type(None) if kind is None else kind):
            return True
    return False


class _Result:
    """What `fork` returns: the result, computed at once."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def wait(self) -> Any:
        """The result."""
        return self._value

    value = wait

    def done(self) -> bool:
        """True."""
        return True


def fork(func: Any, *args: Any, **kwargs: Any) -> _Result:
    """Call `func` now; `wait` gives its result."""
    warn("`torch.jit.fork` is deprecated. Please use `torch.compile` instead.", DeprecationWarning)
    return _Result(func(*args, **kwargs))


def wait(future: _Result) -> Any:
    """The result of `fork`."""
    return future.wait()


class strict_fusion:
    """Context without effect: nothing is fused."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


class Attribute(tuple):  # type: ignore[type-arg]
    """(value, type)"""

    def __new__(cls, value: Any, type: Any) -> Attribute:
        return super().__new__(cls, (value, type))

    @property
    def value(self) -> Any:
        return self[0]

    @property
    def type(self) -> Any:
        return self[1]


class ScriptFunction:
    """What PyTorch's `script` returns; nothing is an instance of it here."""


def _final(value: Any) -> Any:
    return value


def load(f: Any, map_location: Any = None, _extra_files: Any = None, _restore_shapes: bool = False) -> NoReturn:
    """Not supported: such files hold code in a language of PyTorch's own."""
    if _is(f, (str, os.PathLike)) and not os.path.exists(f):
        raise ValueError(f"The provided filename {f} does not exist")
    raise NotImplementedError("torch.jit.load: files of torch.jit.save hold TorchScript, which is not run here")


def save(m: Any, f: Any, _extra_files: Any = None) -> NoReturn:
    """Not supported. Use `save` with the module's `state_dict`."""
    raise NotImplementedError("torch.jit.save: there is no TorchScript here; use torch.save(module.state_dict(), f)")


def __getattr__(name: str) -> Any:
    if name == "ScriptModule":  # a class, so that isinstance() and subclassing work; nn is imported only for it
        from .nn import Module

        class ScriptModule(Module):
            """A module like any other."""

        globals()["ScriptModule"] = globals()["RecursiveScriptModule"] = ScriptModule
        return ScriptModule
    if name == "Final":
        from typing import Final

        return Final
    return _absent(name)


_absent = missing(__name__)
