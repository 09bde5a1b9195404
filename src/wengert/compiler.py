"""torch.compile and torch.compiler: functions become XLA programs, through JAX (extra `wengert[xla]`).

Without JAX (and with `backend="eager"`) a compiled function is run as it is; the results are the same.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from .core.errors import warn_once
from .core.modes import mode as _current_mode

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "explain",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_cache_dir",
    "set_stance",
    "substitute_in_graph",
]

#: how many programs of one function there may be before it runs eagerly
recompile_limit = 8

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")
#: names of PyTorch's backends that mean "the fastest there is", and those that mean "as it is"
_COMPILING = (None, "xla", "inductor", "openxla")
_EAGER = ("eager", "eager_noexcept", "aot_eager", "aot_eager_decomp_partition", "aot_eager_default_partitioner")

_stance: ContextVar[str] = ContextVar("wengert_compile_stance", default="default")
_made: weakref.WeakSet[Any] = weakref.WeakSet()


def compile(
    model: Any = None, *, fullgraph: bool = False, dynamic: bool | None = None, backend: Any = None,
    mode: str | None = None, options: dict[str, Any] | None = None, name: str | None = None, disable: bool = False,
    recompile_limit: int | None = None, isolate_recompiles: bool = False, shapes_spec: Any = None, device: Any = None,
) -> Any:  # fmt: skip
    """A function (or module) that runs as XLA programs. Without `model`: a decorator.

    The whole of a training step may stand in the function: forward, `backward()`, `optimizer.step()`. It is traced once
    for each combination of argument shapes, dtypes and Python values that it reads; `explain` tells them. What cannot
    be traced runs eagerly, with a warning that names the line, or raises under `fullgraph=True`. XLA's programs have fixed
    shapes: `dynamic=True` only warns of that. `options`: `platform` ("cpu", "gpu", "tpu"), `mesh` (a number of devices
    or a `jax.sharding.Mesh`: the batch is divided among them).

    Raises RuntimeError for unknown modes and for a mode together with options, AssertionError for what cannot be called.
    """
    if model is None:
        return functools.partial(
            compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, disable=disable,
            recompile_limit=recompile_limit, device=device,
        )
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if mode is not None and mode not in _MODES and backend in (None, "inductor"):
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if dynamic and backend not in _EAGER:
        warn_once(
            "torch.compile(dynamic=True): XLA compiles programs of fixed shapes, so each shape gets a program of its own, up "
            "to torch.compiler.recompile_limit. Pad the inputs to a few sizes if there are many."
        )
    if disable or backend in _EAGER:
        return model
    if backend not in _COMPILING:
        if callable(backend):
            raise NotImplementedError("torch.compile: backends given as functions get an FX graph in PyTorch; use 'xla'")
        raise RuntimeError(f"Invalid backend: {backend!r}, see `torch._dynamo.list_backends()` for available backends.")
    settings = {"fullgraph": fullgraph, "options": dict(options or {}), "device": device, "limit": recompile_limit}
    from .nn.module import Module

    if isinstance(model, Module):
        from .nn.optimized import OptimizedModule

        return OptimizedModule(model, lambda call: _wrapper(call, settings))
    return _wrapper(model, settings)


def _wrapper(fn: Any, settings: dict[str, Any]) -> Any:
    """A function that compiles `fn` when it is first called: only then is JAX imported."""
    made: Any = None

    @functools.wraps(fn, updated=())
    def compiled(*args: Any, **kwargs: Any) -> Any:
        nonlocal made
        if made is None:
            made = _compiled_for(fn, settings)
            itself()._compiled = made  # type: ignore[union-attr]
        return made(*args, **kwargs)

    itself = weakref.ref(compiled)  # a function that held itself would be a cycle
    compiled._torchdynamo_orig_callable = fn  # type: ignore[attr-defined]
    compiled._compiled = None  # type: ignore[attr-defined]
    return compiled


def _compiled_for(fn: Any, settings: dict[str, Any]) -> Any:
    import importlib.util

    if importlib.util.find_spec("jax") is None:
        if settings["fullgraph"]:
            raise ImportError("torch.compile needs JAX: pip install 'wengert[xla]'")
        warn_once("torch.compile: JAX is not installed, so functions run eagerly. pip install 'wengert[xla]'")
        return fn
    from . import xla

    found = xla.Compiled(fn, stance=_stance, **settings)
    _made.add(found)
    return found


def explain(fn: Any) -> Callable[..., Any]:
    """`explain(fn)(*args)` runs `fn` (compiled, or to be compiled) and gives what was captured, guarded and compiled.

    The result prints as text; its attributes are those of `wengert.xla.explanation.Explanation`.
    """
    target = getattr(fn, "_compiled_forward", fn)
    if not hasattr(target, "_compiled"):
        target = compile(fn)
        target = getattr(target, "_compiled_forward", target)

    def explained(*args: Any, **kwargs: Any) -> Any:
        from .xla.explanation import explanation

        target(*args, **kwargs)
        return explanation(target._compiled, args, kwargs)

    return explained


def set_cache_dir(path: str | None) -> None:
    """Keep compiled programs in the folder `path` between processes; None: no longer. Needs JAX."""
    import jax

    jax.config.update("jax_compilation_cache_dir", path)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0 if path else 1.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def _itself(fn: Any) -> Any:
    """`fn` itself."""
    return fn


allow_in_graph = assume_constant_result = nested_compile_region = wrap_numpy = _itself


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """`fn` as a function that is never compiled: a compiled function that calls it runs eagerly. Also a decorator."""
    if fn is None:
        return functools.partial(disable, recursive=recursive, reason=reason)
    if not callable(fn):
        raise AssertionError(f"A callable function is expected, but {type(fn)} is provided.")

    @functools.wraps(fn, updated=())
    def eager(*args: Any, **kwargs: Any) -> Any:
        if is_compiling():
            from .xla.untraceable import Untraceable

            raise Untraceable(f"{getattr(fn, '__name__', fn)} is marked with torch.compiler.disable", reason or "")
        return fn(*args, **kwargs)

    return eager


def substitute_in_graph(original_fn: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """A decorator that returns what it decorates."""
    return _itself


def reset() -> None:
    """Forget all compiled programs."""
    for compiled in list(_made):
        compiled.reset()


def cudagraph_mark_step_begin() -> None:
    """Without effect."""


def is_compiling() -> bool:
    """Whether this code is being traced by `compile`."""
    return _current_mode().tracer is not None


is_dynamo_compiling = is_compiling


def is_exporting() -> bool:
    """False."""
    return False


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """The backends that compile."""
    return ["xla"]


class set_stance:
    """How compiled functions behave from now on, or in a `with` block, or in the function decorated:
    "default", "force_eager", "eager_on_recompile" or "fail_on_recompile"."""

    _KNOWN = ("default", "force_eager", "eager_on_recompile", "fail_on_recompile")

    def __init__(self, stance: str = "default", *, skip_guard_eval_unsafe: bool = False, force_backend: Any = None) -> None:
        if stance not in self._KNOWN:
            raise RuntimeError(f"invalid torch.compile stance '{stance}'")
        self.stance = stance
        self._before = _stance.get()
        _stance.set(stance)

    def __call__(self, fn: Any) -> Any:
        _stance.set(self._before)

        @functools.wraps(fn)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with set_stance(self.stance):
                return fn(*args, **kwargs)

        return inside

    def __enter__(self) -> None:
        _stance.set(self.stance)

    def __exit__(self, *exc: object) -> None:
        _stance.set(self._before)
