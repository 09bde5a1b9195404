"""`autocast`: chosen operations run in lower precision on the CPU. `casting` knows which and how.

Whether it is on is part of the Mode; the dtype, the cache and the depth of nesting belong to the context (thread, task).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from ..core.devices import device
from ..core.dtypes import DTYPES, dtype
from ..core.errors import warn
from ..core.modes import mode, set_mode
from ..core.tensor import Tensor
from .casting import Casting, prepare

__all__ = ["autocast", "autocast_decorator", "custom_bwd", "custom_fwd", "is_autocast_available"]

_WITH_AUTOCAST = ("cpu", "cuda", "mtia", "maia", "xpu", "ipu", "hpu", "xla", "privateuseone", "mps")


class Settings(NamedTuple):
    """`dtypes`: by device type; `cache_enabled`; `nesting`: how many contexts are open; `cache`: the leaves cast in them."""

    dtypes: Mapping[str, dtype] = {"cpu": DTYPES["bfloat16"], "cuda": DTYPES["float16"]}
    cache_enabled: bool = True
    nesting: int = 0
    cache: dict[Any, Any] | None = None


_settings: ContextVar[Settings] = ContextVar("wengert_autocast", default=Settings())  # noqa: B039 (it is never changed)


def _change(**changes: Any) -> Settings:
    new = _settings.get()._replace(**changes)
    _settings.set(new)
    return new


def _switch(on: bool) -> None:
    """Bring the Mode in line with the settings."""
    m = mode()
    if not on:
        if m.autocast is not None:
            set_mode(m.replace(autocast=None))
        return
    prepare()
    now = _settings.get()
    cache = now.cache
    if cache is None:
        cache = {}
        _change(cache=cache)
    set_mode(m.replace(autocast=Casting(now.dtypes["cpu"], cache if now.cache_enabled else None)))


def is_autocast_available(device_type: str) -> bool:
    """Whether PyTorch has autocast for such devices."""
    return device(device_type).type in _WITH_AUTOCAST


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on for devices of this type ("cuda" if none is given, as in PyTorch)."""
    return device_type is not None and device(device_type).type == "cpu" and mode().autocast is not None


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Switch autocast on or off until further notice. One argument means CUDA, as in PyTorch."""
    if isinstance(device_type, str) and device(device_type).type == "cpu":
        _switch(bool(enabled))
    elif enabled or device_type is True:
        raise NotImplementedError("autocast is for the CPU here")


def is_autocast_cpu_enabled() -> bool:
    """`is_autocast_enabled("cpu")`, PyTorch's old name."""
    _old_name("is_autocast_cpu_enabled()", "is_autocast_enabled('cpu')")
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`, PyTorch's old name."""
    _old_name("set_autocast_cpu_enabled(enabled)", "set_autocast_enabled('cpu', enabled)")
    _switch(enabled)


def _old_name(old: str, new: str) -> None:
    warn(f"torch.{old} is deprecated. Please use torch.{new} instead.", DeprecationWarning)


def get_autocast_dtype(device_type: str) -> dtype:
    """The dtype that autocast uses, or would use."""
    return _settings.get().dtypes.get(device(device_type).type, DTYPES["float16"])


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Set the dtype that autocast uses where none is given."""
    _change(dtypes={**_settings.get().dtypes, device(device_type).type: dtype})
    if mode().autocast is not None:
        _switch(True)


def get_autocast_cpu_dtype() -> dtype:
    """`get_autocast_dtype("cpu")`, PyTorch's old name."""
    _old_name("get_autocast_cpu_dtype()", "get_autocast_dtype('cpu')")
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: dtype) -> None:
    """`set_autocast_dtype("cpu", dtype)`, PyTorch's old name."""
    _old_name("set_autocast_cpu_dtype(dtype)", "set_autocast_dtype('cpu', dtype)")
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> dtype:
    """`get_autocast_dtype("cuda")`, PyTorch's old name."""
    _old_name("get_autocast_gpu_dtype()", "get_autocast_dtype('cuda')")
    return get_autocast_dtype("cuda")


def is_autocast_cache_enabled() -> bool:
    """Whether autocast keeps the leaves that it cast until it ends."""
    return _settings.get().cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Whether autocast is to keep the leaves that it cast."""
    _change(cache_enabled=enabled)
    if mode().autocast is not None:
        _switch(True)


def clear_autocast_cache() -> None:
    """Forget the leaves that were cast."""
    cache = _settings.get().cache
    if cache:
        cache.clear()


def autocast_increment_nesting() -> int:
    """Count one context more; the new depth."""
    return _change(nesting=_settings.get().nesting + 1).nesting


def autocast_decrement_nesting() -> int:
    """Count one context less; the new depth. At 0 the cache is to be cleared."""
    return _change(nesting=_settings.get().nesting - 1).nesting


class autocast:
    """Context and decorator: chosen operations run in `dtype` (for the CPU bfloat16, unless told otherwise).

    Products and convolutions run in it; what needs range or precision (losses, decompositions, FFTs) runs in float32;
    all else in the dtype that its inputs have. Gradients arrive in the dtypes of the leaves. CUDA's is switched off with
    PyTorch's warning. Raises RuntimeError for devices that PyTorch has no autocast for.
    """

    def __init__(
        self, device_type: str, dtype: dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        kind = device(device_type).type
        if kind not in _WITH_AUTOCAST:
            raise RuntimeError(f"User specified an unsupported autocast device_type '{kind}'")
        self._before: list[Any] = []
        self.device = kind
        self.fast_dtype = get_autocast_dtype(kind) if dtype is None else dtype
        self._enabled = enabled
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        if enabled and kind == "cuda":
            warn("CUDA is not available or torch_xla is imported. Disabling autocast.")
            self._enabled = False
        elif enabled and kind == "cpu" and self.fast_dtype.name not in ("bfloat16", "float16"):
            warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\nCPU Autocast only supports "
                "dtypes of torch.bfloat16, torch.float16 currently."
            )
            self._enabled = False

    def __enter__(self) -> autocast:
        if self._enabled and self.device != "cpu":
            raise NotImplementedError(f"torch.autocast({self.device!r}) with enabled=True: there is no such device here")
        self._before.append((mode().autocast, _settings.get()))
        _change(dtypes={**_settings.get().dtypes, self.device: self.fast_dtype}, cache_enabled=self._cache_enabled)
        autocast_increment_nesting()
        if self.device == "cpu":
            _switch(self._enabled)
        return self

    def __exit__(self, *exc: object) -> None:
        casting, before = self._before.pop()
        if autocast_decrement_nesting() == 0:
            clear_autocast_cache()
        _change(dtypes=before.dtypes, cache_enabled=before.cache_enabled)
        if self.device == "cpu":
            set_mode(mode().replace(autocast=casting))

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return autocast_decorator(self, func)


def autocast_decorator(autocast_instance: autocast, func: Callable[..., Any]) -> Callable[..., Any]:
    """`func` inside the context."""

    @functools.wraps(func)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        with autocast_instance:
            return func(*args, **kwargs)

    return decorated


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: dtype | None = None) -> Any:
    """Decorator of a Function's `forward`: remembers whether autocast was on, for `custom_bwd`. With `cast_inputs`,
    floating inputs are brought to that dtype where autocast is on, and it is off inside."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        ctx._dtype = get_autocast_dtype(device_type)
        on = is_autocast_enabled(device_type)
        if cast_inputs is None:
            ctx._fwd_used_autocast = on
            return fwd(*args, **kwargs)
        ctx._fwd_used_autocast = False
        if not on:
            return fwd(*args, **kwargs)
        with autocast(device_type=device_type, enabled=False):
            return fwd(ctx, *_cast(args[1:], device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return decorated


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """Decorator of a Function's `backward`: autocast is on in it if it was on in a `custom_fwd` forward."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        with autocast(device_type=device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(*args, **kwargs)

    return decorated


def _cast(value: Any, device_type: str, dtype: dtype) -> Any:
    """Floating tensors (not float64) inside lists, tuples and dicts in `dtype`."""
    if isinstance(value, Tensor):
        if value.dtype.is_floating_point and value.dtype.name != "float64":
            return value.to(dtype)  # type: ignore[attr-defined]
        return value
    if isinstance(value, dict):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(v, device_type, dtype) for v in value)
    return value
