"""`autocast`: the operations that PyTorch would run in lower precision are not chosen here.

Where PyTorch would switch itself off (no CUDA, an unsupported dtype) and with `enabled=False` it is a context without
effect, as there. To enter it enabled on the CPU raises NotImplementedError: results would not be PyTorch's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..core.devices import device
from ..core.dtypes import DTYPES, dtype
from ..core.errors import warn
from ..core.tensor import Tensor

__all__ = ["autocast", "autocast_decorator", "custom_bwd", "custom_fwd", "is_autocast_available"]

_dtypes: dict[str, dtype] = {"cpu": DTYPES["bfloat16"], "cuda": DTYPES["float16"]}
_WITH_AUTOCAST = ("cpu", "cuda", "mtia", "maia", "xpu", "ipu", "hpu", "xla", "privateuseone", "mps")


def is_autocast_available(device_type: str) -> bool:
    """Whether PyTorch has autocast for such devices."""
    return device(device_type).type in _WITH_AUTOCAST


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on: never."""
    if device_type is not None:
        device(device_type)
    return False


def is_autocast_cpu_enabled() -> bool:
    """Whether autocast is on: never."""
    return False


def get_autocast_dtype(device_type: str) -> dtype:
    """The dtype that autocast would use."""
    return _dtypes.get(device(device_type).type, DTYPES["float16"])


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Set the dtype that autocast uses where none is given."""
    _dtypes[device(device_type).type] = dtype


def get_autocast_cpu_dtype() -> dtype:
    """The dtype that autocast would use on the CPU."""
    return _dtypes["cpu"]


def get_autocast_gpu_dtype() -> dtype:
    """The dtype that autocast would use with CUDA."""
    return _dtypes["cuda"]


def is_autocast_cache_enabled() -> bool:
    """Whether autocast keeps what it cast: PyTorch's default."""
    return True


def clear_autocast_cache() -> None:
    """Nothing is kept."""


class autocast:
    """Context and decorator: run chosen operations in lower precision. See above for what of it is here.

    Raises RuntimeError for devices that PyTorch does not know; NotImplementedError where it would have an effect.
    """

    def __init__(
        self, device_type: str, dtype: dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        kind = device(device_type).type
        if kind not in _WITH_AUTOCAST:
            raise RuntimeError(f"User specified an unsupported autocast device_type '{kind}'")
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
        if self._enabled:
            raise NotImplementedError(
                f"torch.autocast({self.device!r}) with enabled=True: operations are not run in {self.fast_dtype} for you; "
                "convert with .to(), or pass enabled=False"
            )
        return self

    def __exit__(self, *exc: object) -> None:
        pass

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
    """Decorator of a Function's `forward` for autocast, which is never on: the inputs stay what they are."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = False
        return fwd(*args, **kwargs)

    return decorated


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """Decorator of a Function's `backward` for autocast."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
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
