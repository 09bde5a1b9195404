"""Files of the safetensors package, which is imported on first use: tensors by name, and nothing that could run."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..core import devices
from ..core.tensor import Tensor, wrap

__all__ = ["load_file", "save_file"]


def save_file(tensors: dict[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None) -> None:
    """Write tensors by name to a safetensors file, contiguous. Raises ImportError without the safetensors package,
    RuntimeError if tensors share memory, ValueError for what is no tensor."""
    from safetensors.numpy import save_file as write  # type: ignore[import-not-found, unused-ignore]

    from ..kernels.memory import root

    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    owners: dict[int, list[str]] = {}
    for name, t in tensors.items():
        if not isinstance(t, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(t)}")
        if not t._data.flags.c_contiguous:
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either means you are "
                "trying to save tensors which are reference of each other in which case it's recommended to save only "
                "the full tensors, and reslice at load time, or simply call `.contiguous()` on your tensor to pack it "
                "before saving."
            )
        owners.setdefault(id(root(t._data)), []).append(name)
    shared = [set(names) for names in owners.values() if len(names) > 1]
    if shared:
        raise RuntimeError(
            f"Some tensors share memory, this will lead to duplicate memory on disk and potential differences when "
            f"loading them again: {shared}.\nA potential way to correctly save your model is to use `save_model`.\n"
            "More information at https://huggingface.co/docs/safetensors/torch_shared_tensors"
        )
    write({name: t._data for name, t in tensors.items()}, os.fspath(filename), metadata)


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors of a safetensors file by name. Raises ImportError without the safetensors package."""
    from safetensors import safe_open

    if str(device) != "cpu":
        raise RuntimeError(f"safetensors files are loaded to the CPU here, not to {device}")
    found: dict[str, Tensor] = {}
    with safe_open(os.fspath(filename), framework="numpy") as file:
        for name in file.keys():
            array = file.get_tensor(name)
            found[name] = wrap(np.require(array, requirements=("W", "C")))
    return found


def load_for_load(path: str, map_location: Any) -> dict[str, Tensor]:
    """What `load` does with the name of a safetensors file."""
    try:
        import safetensors  # noqa: F401
    except ImportError as error:
        raise RuntimeError(
            "Attempting to load a safetensors file but safetensors is not installed. Please install safetensors with: pip "
            "install safetensors"
        ) from error
    if isinstance(map_location, dict):
        raise RuntimeError(
            "Loading safetensors file with dict map_location is not supported. Use a device string or torch.device instead."
        )
    if callable(map_location):
        raise RuntimeError(
            "Loading safetensors file with callable map_location is not supported. Use a device string or torch.device "
            "instead."
        )
    place = "cpu" if map_location is None else map_location
    return load_file(path, devices.device(place) if isinstance(place, str) else place)
