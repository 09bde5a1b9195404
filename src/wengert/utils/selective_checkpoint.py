"""Selective checkpointing: a policy says which operations of a checkpoint keep their results for the second run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from ..core.dispatch import record, run_plain
from ..core.modes import Mode, mode, set_mode
from ..core.primitive import Primitive
from ..core.tensor import Tensor, share_version, wrap

__all__ = ["CheckpointPolicy", "SelectiveCheckpointContext", "create_selective_checkpoint_contexts"]


class CheckpointPolicy(Enum):
    """What selective checkpointing does with an operation's result: MUST and PREFER differ only under a compiler, and
    what is kept is kept on the CPU in any case."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


SAVING = frozenset(
    (
        CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE, CheckpointPolicy.MUST_CPU_OFFLOAD,
        CheckpointPolicy.PREFER_CPU_OFFLOAD,
    )
)  # fmt: skip


class SelectiveCheckpointContext:
    """What a policy is told beside the operation and its arguments: in which run, and the result."""

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


for _class in (CheckpointPolicy, SelectiveCheckpointContext):
    _class.__module__ = "torch.utils.checkpoint"

Policy = Callable[..., Any]
#: of one operation: (array, counter, count) for each output, or None where the policy did not keep them
Kept = list[tuple[Any, Any, int]] | None


class _Run:
    """A context in which every operation on plain tensors comes to `process`."""

    _previous: Mode

    def __init__(self, kept: dict[str, list[Kept]]) -> None:
        self.kept = kept

    def __enter__(self) -> None:
        self._previous = mode()
        set_mode(self._previous.replace(keeper=self))

    def __exit__(self, *exc: object) -> None:
        set_mode(mode().replace(keeper=self._previous.keeper))

    def process(
        self, prim: Primitive, args: Sequence[Any], datas: list[Any], params: dict[str, Any], m: Mode, node_class: Any
    ) -> Any:
        raise NotImplementedError


class _CachingTorchDispatchMode(_Run):
    """The first run: asks the policy, keeps the results."""

    def __init__(self, policy: Policy, kept: dict[str, list[Kept]]) -> None:
        super().__init__(kept)
        self.policy = policy

    def process(
        self, prim: Primitive, args: Sequence[Any], datas: list[Any], params: dict[str, Any], m: Mode, node_class: Any
    ) -> Any:
        """Run the operation and keep what the policy wants kept."""
        from ..ops.aten import overload_of

        out = run_plain(prim, args, datas, params, m, node_class)
        set_mode(m.replace(keeper=None))
        try:
            said = self.policy(
                SelectiveCheckpointContext(is_recompute=False, op_output=out), overload_of(prim, params), *args, **params
            )
        finally:
            set_mode(m)
        keep = said is True or (isinstance(said, CheckpointPolicy) and said in SAVING)
        entry: Kept = None
        if keep and not prim.is_view:  # a view costs nothing to make again
            entry = []
            for part in out if isinstance(out, tuple) else (out,):
                version = share_version(part)
                entry.append((part._data, version, version.n))
        self.kept.setdefault(prim.name, []).append(entry)
        return out


class _CachedTorchDispatchMode(_Run):
    """The second run: takes what was kept, in the order of the first."""

    def __init__(self, kept: dict[str, list[Kept]], mutation_allowed: bool) -> None:
        super().__init__(kept)
        self.mutation_allowed = mutation_allowed
        self.taken: dict[str, int] = {}

    def __enter__(self) -> None:
        if self.taken:
            raise RuntimeError(
                "Trying to backward an extra time. You are only allowed to backward once on any region computed under "
                "selective activation checkpoint."
            )
        super().__enter__()

    def process(
        self, prim: Primitive, args: Sequence[Any], datas: list[Any], params: dict[str, Any], m: Mode, node_class: Any
    ) -> Any:
        """The kept result with a history of its own, or the operation again."""
        at = self.taken.get(prim.name, 0)
        self.taken[prim.name] = at + 1
        entries = self.kept.get(prim.name, ())
        if at >= len(entries):
            raise RuntimeError(f"{prim.name} encountered during backward, but not found in storage")
        entry = entries[at]
        if entry is None:
            return run_plain(prim, args, datas, params, m, node_class)
        self.kept[prim.name][at] = None  # handed over: the checkpoint holds it no longer
        outs: list[Tensor] = []
        for data, version, n in entry:
            if version.n != n and not self.mutation_allowed:
                raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated")
            outs.append(wrap(data))
        if m.grad and prim.takes_gradient:
            record(prim, tuple(outs), args, datas, params, m, node_class)
        return outs[0] if prim.n_outputs == 1 else tuple(outs)


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> tuple[_CachingTorchDispatchMode, _CachedTorchDispatchMode]:
    """The contexts of a checkpoint that keeps the results of some operations: `checkpoint(f, x, use_reentrant=False,
    context_fn=functools.partial(create_selective_checkpoint_contexts, policy))`.

    `policy_fn_or_list`: the operations to keep (`[torch.ops.aten.mm.default]`), or a function `(ctx, op, *args, **kwargs)`
    that returns a `CheckpointPolicy` (or whether to keep). `allow_cache_entry_mutation`: what was kept may have been changed
    in place since, which otherwise raises RuntimeError, as does a second backward through the same region.

    >>> import functools
    >>> import wengert as torch
    >>> from wengert.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
    >>> keep_products = functools.partial(create_selective_checkpoint_contexts, [torch.ops.aten.mm.default])
    >>> x = torch.eye(2, requires_grad=True)
    >>> checkpoint(lambda x: (x @ x).sin().sum(), x, use_reentrant=False, context_fn=keep_products).backward()
    """
    from ..ops.aten import OpOverload, OpOverloadPacket

    if isinstance(policy_fn_or_list, list):
        for op in policy_fn_or_list:
            if not isinstance(op, OpOverload):
                hint = ""
                if isinstance(op, OpOverloadPacket):
                    hint = (
                        "Please update the OpOverloadPacket to a specific OpOverload.For example, if you have "
                        "`torch.ops.aten.mm`, change it to `torch.ops.aten.mm.default`."
                    )
                raise ValueError(
                    f"Expected op in `op_list` to be an OpOverload but got: {op} of type {type(op)}. {hint}"
                )
        wanted = list(policy_fn_or_list)

        def policy(ctx: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
            return CheckpointPolicy.MUST_SAVE if op in wanted else CheckpointPolicy.PREFER_RECOMPUTE

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    kept: dict[str, list[Kept]] = {}
    return _CachingTorchDispatchMode(policy, kept), _CachedTorchDispatchMode(kept, allow_cache_entry_mutation)
