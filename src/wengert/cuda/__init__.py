"""torch.cuda, as it is where there is none: `is_available()` is False, and what needs a device says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from ..core.missing import missing
from ..core.tensor import Tensor

__all__ = ["current_device", "device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]

_NO_CUDA = "Torch not compiled with CUDA enabled"
default_generators: tuple[Any, ...] = ()
has_magma = False
has_half = True


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def is_tf32_supported() -> bool:
    """False."""
    return False


def is_current_stream_capturing() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def get_arch_list() -> list[str]:
    """No architectures."""
    return []


def get_gencode_flags() -> str:
    """No flags."""
    return ""


# ---------------------------------------------------------------- without effect


def empty_cache() -> None:
    """Nothing to empty."""


def manual_seed(seed: int) -> None:
    """Without effect, as in a PyTorch without CUDA: there is nothing to seed."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Without effect."""
    int(seed)


def seed() -> None:
    """Without effect."""


def seed_all() -> None:
    """Without effect."""


def get_rng_state_all() -> list[Tensor]:
    """No states."""
    return []


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Without effect for no states."""
    if list(new_states):
        _refuse()


def memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0 bytes."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """0 bytes."""
    return 0


memory_cached = memory_reserved
max_memory_cached = max_memory_reserved


# ---------------------------------------------------------------- what needs a device


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError(_NO_CUDA)


def _make_refusal(name: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> NoReturn:
        _refuse()

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Raises AssertionError: there is no CUDA here."
    return function


current_device = _make_refusal("current_device")
synchronize = _make_refusal("synchronize")
for _name in (
    "init", "set_device", "get_device_name", "get_device_properties", "get_device_capability", "current_stream",
    "default_stream", "current_blas_handle", "get_rng_state", "set_rng_state", "initial_seed", "ipc_collect",
    "can_device_access_peer", "mem_get_info", "memory_stats", "memory_summary", "memory_snapshot", "set_stream",
    "reset_peak_memory_stats", "reset_max_memory_allocated", "reset_accumulated_memory_stats", "list_gpu_processes",
    "set_per_process_memory_fraction", "utilization", "make_graphed_callables", "caching_allocator_alloc",
):  # fmt: skip
    globals()[_name] = _make_refusal(_name)


class device:
    """Context: `device(i)` selects a device. None, or a negative index, selects none; any other raises RuntimeError."""

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else getattr(device, "index", device)

    def __enter__(self) -> None:
        if isinstance(self.idx, int) and self.idx < 0:
            return
        raise RuntimeError("PyTorch was compiled without CUDA support")

    def __exit__(self, *exc: object) -> None:
        pass


class device_of(device):
    """Context: the device of a tensor; those on the CPU select none."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


class Stream:
    """Raises RuntimeError: there are no streams."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("torch.cuda.Stream requires CUDA support")


class ExternalStream(Stream):
    """Raises RuntimeError: there are no streams."""


class Event:
    """Raises RuntimeError: there are no events."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Tried to instantiate dummy base class Event")


class CUDAGraph:
    """Raises RuntimeError: there are no graphs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Tried to instantiate dummy base class CUDAGraph")


class StreamContext:
    """Context: `stream(None)` changes nothing; others cannot be made here."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            _refuse()

    def __exit__(self, *exc: object) -> None:
        pass


def stream(stream: Any) -> StreamContext:
    """Context that selects a stream; None selects none."""
    return StreamContext(stream)


class OutOfMemoryError(RuntimeError):
    """PyTorch's error when a device has no memory left; never raised here."""


def _tensor_type(name: str) -> Any:
    class Refused(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
            raise TypeError(f"type torch.cuda.{name} not available. Torch not compiled with CUDA enabled.")

    return Refused(name, (), {"__doc__": "Raises TypeError: there is no CUDA here.", "__module__": "torch.cuda"})


for _name in ("Float", "Double", "Half", "BFloat16", "Int", "Long", "Short", "Char", "Byte", "Bool"):
    globals()[_name + "Tensor"] = _tensor_type(_name + "Tensor")

__getattr__ = missing(__name__, lazy=("amp", "nvtx", "random", "memory"))
