"""`map_location`: where the storages of a file go. Here that is the CPU, or an error that says what to pass instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import devices
from ..core.storage import TypedStorage, UntypedStorage

__all__ = ["default_restore_location", "location_tag", "register_package", "restorer"]

Deserializer = Callable[[UntypedStorage, str], UntypedStorage | None]
Restorer = Callable[[UntypedStorage, str], UntypedStorage]

_registry: list[tuple[int, Callable[[UntypedStorage], str | None], Deserializer]] = []


def register_package(
    priority: int, tagger: Callable[[UntypedStorage], str | None], deserializer: Deserializer
) -> None:
    """Teach `load` a kind of location: `deserializer(storage, location)` returns the storage there, or None."""
    _registry.append((priority, tagger, deserializer))
    _registry.sort(key=lambda entry: entry[0])


def location_tag(storage: UntypedStorage) -> str:
    """The location that `save` writes for a storage: 'cpu'."""
    for _, tagger, _ in _registry:
        tag = tagger(storage)
        if tag:
            return tag
    raise RuntimeError("don't know how to determine data location of torch.storage.UntypedStorage")


def default_restore_location(storage: UntypedStorage, location: str) -> UntypedStorage:
    """The storage at that location. Raises RuntimeError for devices that are not here."""
    for _, _, deserializer in _registry:
        result = deserializer(storage, location)
        if result is not None:
            return result
    raise RuntimeError(
        f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location})"
    )


def restorer(map_location: Any) -> Restorer:
    """(storage, location of the file) -> the storage where `map_location` wants it."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(storage, map_location.get(location, location))
    if isinstance(map_location, (str, bytes)):
        place = map_location.decode("ascii") if isinstance(map_location, bytes) else map_location
        return lambda storage, location: default_restore_location(storage, place)
    if isinstance(map_location, devices.device):
        return lambda storage, location: default_restore_location(storage, str(map_location))

    def restore(storage: UntypedStorage, location: str) -> UntypedStorage:
        result = map_location(storage, location)
        if isinstance(result, TypedStorage):
            return result._untyped_storage
        return default_restore_location(storage, location) if result is None else result

    return restore


class MetaStorage(UntypedStorage):
    """A storage whose tensors are to be made without data; what was read goes away with it."""

    __slots__ = ()


_INSTEAD = (
    "If you are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
    "storages to the CPU."
)


def _cpu(storage: UntypedStorage, location: str) -> UntypedStorage | None:
    return storage if location == "cpu" else None


def _cuda(storage: UntypedStorage, location: str) -> UntypedStorage | None:
    if location.startswith("cuda"):
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. " + _INSTEAD
        )
    return None


def _other(storage: UntypedStorage, location: str) -> UntypedStorage | None:
    if location.startswith("mps"):
        raise RuntimeError("torch.UntypedStorage(): Storage device not recognized: mps")
    if location == "meta":
        moved = object.__new__(MetaStorage)
        moved._owner = storage._owner
        return moved
    if location.startswith(("hpu", "privateuseone")):
        name = location.partition(":")[0].upper()
        raise RuntimeError(f"The {name} device module is not registered. {_INSTEAD}")
    return None


register_package(10, lambda storage: "cpu", _cpu)
register_package(20, lambda storage: None, _cuda)
register_package(21, lambda storage: None, _other)
