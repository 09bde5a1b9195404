"""torch.cpu: one device, always there, never waiting."""

from __future__ import annotations

from typing import Any

from ..core.missing import missing

__all__ = ["current_device", "device_count", "is_available", "is_initialized", "set_device", "stream", "synchronize"]


def is_available() -> bool:
    """True."""
    return True


def is_initialized() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """'cpu'."""
    return "cpu"


def set_device(device: Any) -> None:
    """Without effect."""


def synchronize(device: Any = None) -> None:
    """Nothing to wait for."""


class Stream:
    """The order in which operations run: there is one."""

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Nothing to wait for."""


def current_stream(device: Any = None) -> Stream:
    """The stream."""
    return _stream


_stream = Stream()


class StreamContext:
    """Context without effect."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


def stream(stream: Any) -> StreamContext:
    """Context without effect."""
    return StreamContext(stream)


__getattr__ = missing(__name__, lazy=("amp",))
