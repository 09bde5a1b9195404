"""torch.distributed for a group of one process: every collective operation is what it is when nobody else takes part.

Programs that are written for several processes run alone, as `torchrun --nproc_per_node=1` would run them. More than one
process raises NotImplementedError.
"""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
import copy
import os
from enum import Enum
from typing import Any

from .core.missing import missing
from .core.modes import no_grad
from .core.tensor import Tensor

__all__ = [
    "Backend", "ProcessGroup", "ReduceOp", "Work", "all_gather", "all_gather_into_tensor", "all_gather_object",
    "all_reduce", "all_to_all", "all_to_all_single", "barrier", "broadcast", "broadcast_object_list",
    "destroy_process_group", "gather", "gather_object", "get_backend", "get_process_group_ranks", "get_rank",
    "get_world_size", "group", "init_process_group", "is_available", "is_backend_available", "is_gloo_available",
    "is_initialized", "is_mpi_available", "is_nccl_available", "is_torchelastic_launched", "new_group", "reduce",
    "reduce_scatter", "reduce_scatter_tensor", "scatter", "scatter_object_list",
]  # fmt: skip


class ReduceOp(Enum):
    """How values of several processes become one; of one process they stay what they are."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7


class Backend(str):
    """The name of a backend."""

    __slots__ = ()

    UNDEFINED = "undefined"
    GLOO = "gloo"
    NCCL = "nccl"
    MPI = "mpi"

    def __new__(cls, name: str) -> Backend:
        return super().__new__(cls, name.lower())


class ProcessGroup:
    """A group of one process: rank 0 of 1."""

    def __init__(self, backend: str) -> None:
        self.backend = Backend(backend)

    def rank(self) -> int:
        """0."""
        return 0

    def size(self) -> int:
        """1."""
        return 1


class Work:
    """An operation that is done."""

    def wait(self, timeout: Any = None) -> bool:
        """True."""
        return True

    def is_completed(self) -> bool:
        """True."""
        return True

    def is_success(self) -> bool:
        """True."""
        return True


class group:
    """`group.WORLD`: the group that `init_process_group` made."""

    WORLD: ProcessGroup | None = None


class GroupMember:
    """Names of groups for members and others."""

    WORLD = None
    NON_GROUP_MEMBER = -100


def is_available() -> bool:
    """True, for one process."""
    return True


def is_gloo_available() -> bool:
    """True: of PyTorch's CPU backends this is the one that is played here."""
    return True


def is_nccl_available() -> bool:
    """False."""
    return False


def is_mpi_available() -> bool:
    """False."""
    return False


def is_ucc_available() -> bool:
    """False."""
    return False


def is_xccl_available() -> bool:
    """False."""
    return False


def is_backend_available(backend: str) -> bool:
    """Whether this is "gloo"."""
    return backend.lower() == "gloo"


def is_torchelastic_launched() -> bool:
    """Whether torchrun started the process."""
    return os.environ.get("TORCHELASTIC_RUN_ID") is not None


def is_initialized() -> bool:
    """Whether `init_process_group` was called."""
    return group.WORLD is not None


def init_process_group(
    backend: str | None = None, init_method: str | None = None, timeout: Any = None, world_size: int = -1, rank: int = -1,
    store: Any = None, group_name: str = "", pg_options: Any = None, device_id: Any = None,
) -> None:  # fmt: skip
    """Make the group of this one process. Rank and size come from the arguments, else from RANK and WORLD_SIZE.

    Raises ValueError where neither says; NotImplementedError for more than one process.
    """
    if group.WORLD is not None:
        raise ValueError("trying to initialize the default process group twice!")
    name = (backend or "gloo").lower()
    if name in ("nccl", "mpi", "ucc", "xccl"):
        raise RuntimeError(f"Distributed package doesn't have {name.upper()} built in")
    if name not in ("gloo", "cpu:gloo", "cpu:gloo,cuda:nccl"):
        raise AssertionError(f"Unknown backend type {name}")
    place = init_method or "env://"
    if rank < 0:
        rank = int(_variable("RANK", place))
    if world_size < 0:
        world_size = int(_variable("WORLD_SIZE", place))
    if world_size != 1 or rank != 0:
        raise NotImplementedError(f"torch.distributed with more than one process (rank {rank} of {world_size})")
    group.WORLD = ProcessGroup("gloo")


def _variable(name: str, place: str) -> str:
    value = os.environ.get(name) if place.startswith("env://") else None
    if value is None:
        raise ValueError(
            f"Error initializing torch.distributed using {place} rendezvous: environment variable {name} expected, but "
            "not set"
        )
    return value


def destroy_process_group(group: Any = None) -> None:
    """End the group."""
    if not is_initialized():
        raise AssertionError("Process group cannot be None")
    if group is None or group is globals()["group"].WORLD:
        globals()["group"].WORLD = None


def _world() -> ProcessGroup:
    world = group.WORLD
    if world is None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    return world


def new_group(ranks: Any = None, timeout: Any = None, backend: str | None = None, pg_options: Any = None, **_: Any) -> Any:
    """A group of some of the processes: of this one, or the mark of those that do not belong."""
    world = _world()
    if ranks is not None and any(r != 0 for r in ranks):
        raise ValueError("the new group's rank should be within the world_size set by init_process_group")
    return ProcessGroup(backend or world.backend) if ranks is None or list(ranks) else GroupMember.NON_GROUP_MEMBER


def get_rank(group: Any = None) -> int:
    """0."""
    _world()
    return 0 if group != GroupMember.NON_GROUP_MEMBER else -1


def get_world_size(group: Any = None) -> int:
    """1."""
    _world()
    return 1 if group != GroupMember.NON_GROUP_MEMBER else -1


def get_backend(group: Any = None) -> Backend:
    """The name of the group's backend."""
    world = _world()
    return (group or world).backend


def get_process_group_ranks(group: Any) -> list[int]:
    """[0]."""
    _world()
    return [0]


# ---------------------------------------------------------------- collective operations


def _check(value: Any, name: str) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor\n             but got {type(value)} instead.")  # noqa: E501


def _check_list(values: Any, name: str) -> None:
    if not isinstance(values, list) or not all(isinstance(v, Tensor) for v in values):
        raise TypeError(f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor]\n             but got {type(values)} with elements of type {[type(v) for v in values]}.")  # noqa: E501
    if len(values) != 1:
        raise ValueError(f"`{name}` must hold one tensor for each process of the group: 1, not {len(values)}")


def _root(rank: int | None, what: str) -> None:
    _world()
    if rank not in (0, None):
        raise RuntimeError(f"ProcessGroupGloo::{what}: invalid root rank: {rank}")


def _done(async_op: bool) -> Work | None:
    _world()
    return Work() if async_op else None


def _write(into: Tensor, source: Tensor) -> None:
    with no_grad():
        into.copy_(source.reshape(into.shape) if into.numel() == source.numel() else source)


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None, timeout: Any = None) -> Work | None:
    """Nobody to wait for."""
    return _done(async_op)


def monitored_barrier(group: Any = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """Nobody to wait for."""
    _world()


def all_reduce(tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """`tensor` is the sum (the mean, the maximum, ...) already."""
    _check(tensor, "tensor")
    return _done(async_op)


def reduce(
    tensor: Tensor, dst: int | None = None, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """As `all_reduce`."""
    _check(tensor, "tensor")
    _root(dst if dst is not None else group_dst, "reduce")
    return _done(async_op)


def broadcast(
    tensor: Tensor, src: int | None = None, group: Any = None, async_op: bool = False, group_src: int | None = None
) -> Work | None:
    """`tensor` has arrived everywhere."""
    _check(tensor, "tensor")
    _root(src if src is not None else group_src, "broadcast")
    return _done(async_op)


def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False) -> Work | None:
    """Copy `tensor` into the only element of `tensor_list`."""
    _check_list(tensor_list, "tensor_list")
    _check(tensor, "tensor")
    _write(tensor_list[0], tensor)
    return _done(async_op)


def all_gather_into_tensor(output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False) -> Any:
    """Copy the input into the output."""
    _check(output_tensor, "output_tensor")
    _check(input_tensor, "input_tensor")
    _write(output_tensor, input_tensor)
    return _done(async_op)


def gather(
    tensor: Tensor, gather_list: list[Tensor] | None = None, dst: int | None = None, group: Any = None,
    async_op: bool = False, group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """Copy `tensor` into the only element of `gather_list`."""
    _check(tensor, "tensor")
    _root(dst if dst is not None else group_dst, "gather")
    if not gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    _check_list(gather_list, "gather_list")
    _write(gather_list[0], tensor)
    return _done(async_op)


def scatter(
    tensor: Tensor, scatter_list: list[Tensor] | None = None, src: int | None = None, group: Any = None,
    async_op: bool = False, group_src: int | None = None,
) -> Work | None:  # fmt: skip
    """Copy the only element of `scatter_list` into `tensor`."""
    _check(tensor, "tensor")
    _root(src if src is not None else group_src, "scatter")
    if not scatter_list:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    _check_list(scatter_list, "scatter_list")
    _write(tensor, scatter_list[0])
    return _done(async_op)


def reduce_scatter(
    output: Tensor, input_list: list[Tensor], op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Copy the only element of `input_list` into `output`."""
    _check(output, "output")
    _check_list(input_list, "input_list")
    _write(output, input_list[0])
    return _done(async_op)


def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Copy the input into the output."""
    return all_gather_into_tensor(output, input, group, async_op)


def all_to_all(
    output_tensor_list: list[Tensor], input_tensor_list: list[Tensor], group: Any = None, async_op: bool = False
) -> Work | None:
    """Copy the only input into the only output."""
    _check_list(output_tensor_list, "output_tensor_list")
    _check_list(input_tensor_list, "input_tensor_list")
    _write(output_tensor_list[0], input_tensor_list[0])
    return _done(async_op)


def all_to_all_single(
    output: Tensor, input: Tensor, output_split_sizes: Any = None, input_split_sizes: Any = None, group: Any = None,
    async_op: bool = False,
) -> Work | None:  # fmt: skip
    """Copy the input into the output."""
    return all_gather_into_tensor(output, input, group, async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Put a copy of `obj` into the list."""
    _world()
    object_list[0] = copy.deepcopy(obj)


def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int | None = None, group: Any = None,
    group_dst: int | None = None,
) -> None:  # fmt: skip
    """Put a copy of `obj` into the list."""
    _root(dst if dst is not None else group_dst, "gather")
    if not object_gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    object_gather_list[0] = copy.deepcopy(obj)


def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None, group_src: int | None = None
) -> None:
    """The list has arrived everywhere."""
    _root(src if src is not None else group_src, "broadcast")


def scatter_object_list(
    scatter_object_output_list: list[Any], scatter_object_input_list: list[Any] | None = None, src: int | None = None,
    group: Any = None, group_src: int | None = None,
) -> None:  # fmt: skip
    """Put a copy of the only input into the output list."""
    _root(src if src is not None else group_src, "scatter")
    if not scatter_object_input_list:
        raise ValueError("Expected argument scatter_object_input_list to be specified on the source rank")
    scatter_object_output_list[0] = copy.deepcopy(scatter_object_input_list[0])


__getattr__ = missing(__name__)
