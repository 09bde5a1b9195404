"""Where a program runs: XLA's platform, or several of its devices with the batch divided among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ..core.tensor import Tensor
from .inputs import Draw, Input


def prepare(options: dict[str, Any], device: Any = None) -> dict[str, Any]:
    """The options of `compile` as shardings: `platform` ("cpu", "gpu", "tpu"), or `mesh`: a `jax.sharding.Mesh` of one
    axis or a number of devices, over which the first dimension of the argument tensors is divided."""
    platform = options.get("platform") or device
    found: dict[str, Any] = {}
    mesh = options.get("mesh")
    if mesh is not None:
        if not isinstance(mesh, jax.sharding.Mesh):
            devices = jax.devices(platform)[: int(mesh)]
            if len(devices) < int(mesh):
                raise RuntimeError(
                    f"torch.compile: the mesh asks for {mesh} devices and XLA has {len(devices)}. On the CPU, set "
                    f"XLA_FLAGS=--xla_force_host_platform_device_count={mesh} before jax starts"
                )
            mesh = jax.sharding.Mesh(np.array(devices), ("batch",))
        found["place"] = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
        found["divided"] = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(mesh.axis_names[0]))
        found["count"] = mesh.devices.size
    elif platform is not None:
        found["place"] = jax.sharding.SingleDeviceSharding(jax.devices(platform)[0])
    return found


def placement(options: dict[str, Any], inputs: Sequence[Input], leaves: Sequence[Any]) -> dict[str, Any]:
    """Which inputs are divided among the devices: the argument tensors whose first dimension allows it."""
    chosen: dict[str, Any] = {"place": options.get("place")}
    divided = options.get("divided")
    if divided is not None:
        arguments = {id(x) for x in leaves if isinstance(x, Tensor)}
        chosen["batch"] = {
            n: divided for n, i in enumerate(inputs)
            if id(i.source) in arguments and i.aval[0] and i.aval[0][0] % options["count"] == 0
            and not isinstance(i.source, Draw)
        }  # fmt: skip
    return chosen


__all__ = ["placement", "prepare"]
