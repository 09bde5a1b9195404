"""Checkpointing: a part of the graph keeps only its inputs and runs a second time when backward arrives there.

`use_reentrant=False` replaces every saved tensor by an empty `_Holder` (through `saved_tensors_hooks`); the first one that
backward unpacks runs the function again and fills them. `use_reentrant=True` is a custom Function that runs without
grad and, in its backward, runs again with grad and calls `backward` on that.
"""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined"
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from ..autograd import backward
from ..autograd.function import Function
from ..autograd.graph import saved_tensors_hooks
from ..core import engine
from ..core.dispatch import edge_of
from ..core.errors import PACKAGE_DIR, warn
from ..core.generator import fork_rng, get_rng_state, set_rng_state
from ..core.modes import changed_mode, enable_grad, mode, no_grad
from ..core.saved import SavedInput, SavedPacked, raise_modified
from ..core.tensor import Tensor, version_of
from .selective_checkpoint import CheckpointPolicy, SelectiveCheckpointContext, create_selective_checkpoint_contexts

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "GraphExecGroup",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


class CheckpointError(RuntimeError):
    """The second run did not save what the first one saved."""


CheckpointError.__module__ = "torch.utils.checkpoint"


def noop_context_fn() -> Contexts:
    """The contexts of the two runs where none are asked for."""
    return nullcontext(), nullcontext()


# ---------------------------------------------------------------- settings of the context (thread, task)

_early_stop: ContextVar[bool | None] = ContextVar("wengert_checkpoint_early_stop", default=None)
_debug: ContextVar[bool | None] = ContextVar("wengert_checkpoint_debug", default=None)


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Context: whether second runs end as soon as all that is needed is there, whatever `early_stop` says."""
    token = _early_stop.set(enable)
    try:
        yield
    finally:
        _early_stop.reset(token)


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Context: whether checkpoints keep what explains a mismatch, whatever `debug` says. None: as `debug` says."""
    token = _debug.set(enabled)
    try:
        yield
    finally:
        _debug.reset(token)


class GraphExecGroup:
    """Context: several calls of backward inside share one second run of each checkpoint."""

    __slots__ = ("__weakref__", "_token")

    def __enter__(self) -> GraphExecGroup:
        if _group.get() is not None:
            raise RuntimeError("GraphExecGroup contexts cannot be nested")
        self._token = _group.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _group.reset(self._token)


_group: ContextVar[GraphExecGroup | None] = ContextVar("wengert_checkpoint_group", default=None)


class DefaultDeviceType:
    """The type of device whose random state is kept where no tensor says which."""

    _default = "cuda"

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        DefaultDeviceType._default = device

    @staticmethod
    def get_device_type() -> str:
        return DefaultDeviceType._default


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The random states of the accelerators that hold the arguments: there are none."""
    return [], []


def set_device_states(devices: Sequence[int], states: Sequence[Tensor], *, device_type: str | None = None) -> None:
    """Put accelerators into random states. Raises AssertionError for any."""
    if devices:
        raise AssertionError("Torch not compiled with CUDA enabled")


# ---------------------------------------------------------------- checkpoint


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, of whose graph only the inputs are kept; backward runs it again.

    `context_fn` returns the contexts of the first and of the second run, `determinism_check` is "default" (shapes, dtypes
    and devices must agree) or "none", `early_stop` ends the second run when all is there. `preserve_rng_state=True`: both
    runs draw the same random numbers. Raises CheckpointError, in backward, if the second run saved other tensors.
    """
    if use_reentrant is None:
        warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but if "
            "you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for more "
            "details on the differences between the two variants."
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in _CHECKS:
        raise ValueError(f"determinism_check should be one of {list(_CHECKS)}, but got {determinism_check}")
    forced = _debug.get()
    stop = _early_stop.get()
    with_debug = debug if forced is None else forced
    frame = _Frame(function, context_fn, early_stop if stop is None else stop, determinism_check, with_debug, preserve)
    if not mode().grad:
        return function(*args, **kwargs)
    frame.keep_arguments(args, kwargs)
    with frame.hooks(), frame.first_context:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Run functions (or a Sequential) one after the other, in `segments` parts of which all but the last are checkpoints."""
    if use_reentrant is None:
        warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In "
            "version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is recommended, "
            "but if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for "
            "more details on the differences between the two variants."
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))

    children = getattr(functions, "children", None)
    steps = list(functions if children is None else children())
    size = len(steps) // segments

    def part(first: int, last: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for step in steps[first:last]:
                x = step(x)
            return x

        return run

    end = 0
    for first in range(0, size * (segments - 1), size):
        end = first + size
        input = checkpoint(part(first, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return part(end, len(steps))(input)


def _autocast_again(autocast: Any) -> AbstractContextManager[Any]:
    """Autocast as it was (or was not) in the first run, with a cache of its own."""
    return changed_mode(autocast=None if autocast is None else autocast.afresh())


# ---------------------------------------------------------------- without reentering backward


class _Holder:
    """What a node keeps in the place of a tensor."""

    __slots__ = ("__weakref__", "taken")

    def __init__(self) -> None:
        self.taken = -1  # the last call of backward that has had it


class _Stop(Exception):
    """All that the second run was for is there."""


class _Frame:
    """One call of `checkpoint`: its arguments, the holders that it gave to nodes, what second runs have put there."""

    def __init__(
        self, function: Callable[..., Any], context_fn: Callable[[], Contexts], early_stop: bool, check: str, debug: bool,
        preserve: bool,
    ) -> None:  # fmt: skip
        self.function = function
        self.first_context, self.second_context = context_fn()
        self.early_stop = early_stop
        self.check = _CHECKS[check]
        self.state = get_rng_state() if preserve else None
        self.autocast = mode().autocast
        self.holders: list[ReferenceType[_Holder]] = []
        self.metadata: list[Any] = []
        self.log: list[str] | None = [] if debug else None
        self.log_again: list[str] = []
        self.runs: dict[int, _Run] = {}
        self.group_runs: WeakKeyDictionary[GraphExecGroup, _Run] = WeakKeyDictionary()

    def keep_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep tensors as a node would: guarded by their version, and through the hooks of a checkpoint around this."""
        self.args = [_keep(a) for a in args]
        self.kwargs = {name: _keep(a) for name, a in kwargs.items()}

    def hooks(self) -> saved_tensors_hooks:
        return saved_tensors_hooks(self.pack, self.unpack)

    def pack(self, t: Tensor) -> _Holder:
        """A node of the first run saves `t`: drop it."""
        holder = _Holder()
        self.holders.append(ref(holder))
        self.metadata.append(self.check(t))
        if self.log is not None:
            self.log.append(_where(t))
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        """A node wants what it saved: run again, once for each backward."""
        group = _group.get()
        task = engine.current_task()
        if group is not None:
            return self.filled(holder, group, self.group_runs)
        if task is None:  # somebody looks at `grad_fn._saved_...`
            return self.filled(holder, object(), {})
        key = task.id
        if holder.taken == key:
            raise CheckpointError(_TWICE)
        if key not in self.runs:
            runs = self.runs
            engine.queue_callback(lambda: _drop(runs, key))
        t = self.filled(holder, key, self.runs)
        holder.taken = key
        del self.runs[key].values[holder]
        return t

    def filled(self, holder: _Holder, key: Any, runs: Any) -> Tensor:
        """What the second run that belongs to `key` put into `holder`; the run itself, if there was none yet."""
        run = runs.get(key)
        if run is None:
            run = _Run(self)
            try:
                self.run_again(run)
                self.compare(run)
            except CheckpointError as error:
                if self.log is None or error.args[0].startswith(" An error happened"):
                    raise
                raise CheckpointError(self.explained(error)) from error
            runs[key] = run
        found = run.values.get(holder)
        if found is None:
            raise CheckpointError(_TWICE)
        t, version = found
        if version_of(t) != version:
            raise_modified(t._data, None, version_of(t), version)
        return t

    def run_again(self, run: _Run) -> None:
        """The second run. What its nodes save is caught on the way, its graph is dropped."""
        args = [_unkeep(a) for a in self.args]
        kwargs = {name: _unkeep(a) for name, a in self.kwargs.items()}
        with fork_rng(enabled=self.state is not None):
            if self.state is not None:
                set_rng_state(self.state)
            with enable_grad(), _autocast_again(self.autocast), run.hooks(), self.second_context:
                try:
                    self.function(*args, **kwargs)
                except _Stop as stop:
                    if stop.args[0] is not run:  # that of another checkpoint around this one
                        raise

    def compare(self, run: _Run) -> None:
        """Raise CheckpointError where the second run saved another number of tensors, or others."""
        if len(self.holders) != run.count:
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.holders)}\nNumber of tensors saved "
                f"during recomputation: {run.count}.{_TIP}"
            )
        different = [
            f"tensor at position {i}:\nsaved metadata: {before}\nrecomputed metadata: {after}"
            for i, (before, after) in enumerate(zip(self.metadata, run.metadata, strict=True))
            if after is not None and before != after
        ]
        if different:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during "
                "the forward pass.\n" + "\n".join(different) + f"\n.{_TIP}"
            )

    def explained(self, error: CheckpointError) -> str:
        """The message with the lines of the program that saved tensors, in both runs."""
        assert self.log is not None
        first = "\n".join(f"{i}: {text}" for i, text in enumerate(self.log))
        again = "\n".join(f"{i}: {text}" for i, text in enumerate(self.log_again))
        return (
            " An error happened while unpacking tensors; dumping logs of latest computation\nbecause you passed "
            "`debug=True` to `torch.utils.checkpoint.checkpoint()`.\n\nTensors saved during the original forward:\n\n"
            f"{first}\n\nTensors saved during recomputation:\n\n{again}\n\n{str(error).removesuffix(_TIP)}"
        )


class _Run:
    """One second run: the tensors that it saved, by holder."""

    __slots__ = ("count", "frame", "metadata", "values")

    def __init__(self, frame: _Frame) -> None:
        self.frame = ref(frame)
        self.count = 0
        self.metadata: list[Any] = []
        self.values: WeakKeyDictionary[_Holder, tuple[Tensor, int]] = WeakKeyDictionary()

    def hooks(self) -> saved_tensors_hooks:
        return saved_tensors_hooks(self.pack, _identity)

    def pack(self, t: Tensor) -> Tensor:
        """A node of the second run saves `t`, the tensor that stands at the same place of the first."""
        frame = self.frame()
        assert frame is not None
        at = self.count
        if frame.log is not None:
            frame.log_again.append(_where(t))
        if at >= len(frame.holders):
            raise CheckpointError(_MORE)
        self.count += 1
        holder = frame.holders[at]()
        self.metadata.append(frame.check(t))
        plain = t.detach()
        if holder is not None:
            self.values[holder] = plain, version_of(plain)
        if frame.early_stop and self.count == len(frame.holders):
            raise _Stop(self)
        return plain


def _drop(runs: dict[int, _Run], key: int) -> None:
    runs.pop(key, None)


def _identity(t: Tensor) -> Tensor:
    return t


def _keep(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    hooks = mode().saved_hooks
    edge = edge_of(value)
    return SavedPacked(value, edge, -1, hooks[-1], None) if hooks else SavedInput(value, edge)


_NO_NODE: Any = None  # an input's history is not that of a node's output


def _unkeep(kept: Any) -> Any:
    if isinstance(kept, (SavedInput, SavedPacked)):
        return kept.unpack(_NO_NODE)
    return kept


def _metadata(t: Tensor) -> dict[str, Any]:
    return {"shape": t.shape, "dtype": t.dtype, "device": t.device}


_CHECKS: dict[str, Callable[[Tensor], Any]] = {"default": _metadata, "none": lambda t: None}


def _where(t: Tensor) -> str:
    """What is saved, and which lines of the program led there."""
    import traceback

    stack = [f for f in traceback.extract_stack() if not f.filename.startswith(PACKAGE_DIR)]
    lines = "".join(f"\n    {f.filename}:{f.lineno}:{f.name}" for f in reversed(stack[-8:]))
    return f"{t.dtype} {list(t.shape)}{lines}"


_TIP = """

Tip: To see a more detailed error message, either pass `debug=True` to
`torch.utils.checkpoint.checkpoint(...)` or wrap the code block
with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to
enable checkpoint\u2011debug mode globally.
"""
_TWICE = (
    "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. If you are calling "
    "ctx.saved_tensors in backward, make sure to do so only once. Otherwise please open an issue with details on your use "
    "case."
)
_MORE = (
    "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original forward pass."
    + _TIP
)


# ---------------------------------------------------------------- with a backward inside backward


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors among `inputs` as leaves on the same memory. Raises RuntimeError unless `inputs` is a tuple."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}"
        )
    out = []
    for value in inputs:
        if isinstance(value, Tensor):
            x = value.detach()
            x.requires_grad = value.requires_grad
            value = x
        out.append(value)
    return tuple(out)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn if no input needs a gradient: without any, a reentrant checkpoint has none to give."""
    if not any(value.requires_grad for value in inputs if isinstance(value, Tensor)):
        warn("None of the inputs have requires_grad=True. Gradients will be None")


class CheckpointFunction(Function):
    """The node of `checkpoint(use_reentrant=True)`."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        """Run without grad; keep the tensors among the arguments."""
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.state = get_rng_state() if preserve_rng_state else None
        ctx.autocast = mode().autocast
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.others = [None if isinstance(a, Tensor) else a for a in args]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        """Run again with grad, and backward through that. Raises RuntimeError inside `autograd.grad`."""
        task = engine.current_task()
        if task is not None and task.inputs is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.others)
        for place, t in zip(ctx.places, ctx.saved_tensors, strict=True):
            inputs[place] = t
        detached = detach_variable(tuple(inputs))
        with fork_rng(enabled=ctx.state is not None):
            if ctx.state is not None:
                set_rng_state(ctx.state)
            with enable_grad(), _autocast_again(ctx.autocast):
                outputs = ctx.run_function(*detached)
        if isinstance(outputs, Tensor):
            outputs = (outputs,)
        pairs = [
            (out, g) for out, g in zip(outputs, args, strict=True) if isinstance(out, Tensor) and out.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([out for out, _ in pairs], [g for _, g in pairs])
        return (None, None, *(x.grad if isinstance(x, Tensor) else None for x in detached))
