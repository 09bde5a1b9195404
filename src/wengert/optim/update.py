"""`RuleOptimizer`: from an update rule to a step.

A subclass states its rule once, as arithmetic over the names of :mod:`.arrays` and :mod:`.tensors`. This module decides
what the rule is run on:

- *packs*: the small parameters of a group, of one dtype and with equal counters, are updated together. Their states are
  views of one flat array each; gradients and values are copied into flat buffers and the values back. So six small
  parameters cost one rule, not six (a NumPy call costs more than its work there).
- *single arrays*: a large parameter is updated in place, in blocks that stay in the cache with their temporaries.
- *tensors*: whatever is not a plain float32, float64 or complex array (and ``differentiable=True``) goes through
  ordinary tensor operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import modes
from ..core.graph import LEAF, InferenceVersion
from ..core.tensor import PLAIN, Tensor, bump, wrap
from ..ops.install import FUNCTIONS
from . import arrays, tensors, traced
from .optimizer import Optimizer, ParamsT, check_lr, scalar_dtype

ndarray = np.ndarray

#: Parameters up to this many elements are packed; measured: above, copying costs more than the calls it saves.
SMALL = 8192
#: Elements in one block of a large parameter: a block and its temporaries stay in the cache; measured.
BLOCK = 65536
#: After a pack broke or could not be made (a gradient was missing, say), some steps pass before the next attempt: none
#: the first time, then twice as many each time, up to this many.
PATIENCE = 256

#: The dtypes that NumPy computes in at their own precision, and how a complex number is seen as two real ones.
_REAL = {
    np.dtype(np.float32): np.dtype(np.float32),
    np.dtype(np.float64): np.dtype(np.float64),
    np.dtype(np.complex64): np.dtype(np.float32),
    np.dtype(np.complex128): np.dtype(np.float64),
}

Scalars = tuple[Any, ...]


class Pack:
    """Small parameters of one group that are updated together."""

    __slots__ = ("counters", "g", "group", "p", "params", "pviews", "rows", "slot_names", "slots")

    group: dict[str, Any]
    params: list[Tensor]  # of the whole group, as they were
    rows: list[tuple[Any, ...]]  # (parameter, its array, its part of g, its state, [(state name, array)])
    pviews: list[tuple[Any, Any]]  # (part of p, array of the parameter)
    p: Any  # flat buffer for the values
    g: Any  # flat buffer for the gradients
    slot_names: tuple[str, ...]
    slots: tuple[Any, ...]  # the flat states
    counters: list[Any]  # the flat counters, one array for each name


class RuleOptimizer(Optimizer):
    """An optimizer whose update is a rule over arrays. Subclasses define the methods that raise here."""

    #: The 0-d states, in the order in which ``advance`` takes them.
    counters: tuple[str, ...] = ("step",)
    #: What stands in the error for ``capturable=True``: the states, then the devices.
    capturable_states = "params and state_steps"
    capturable_devices = "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']"

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self._packs: dict[int, Pack] = {}
        self._patience: dict[int, tuple[int, int]] = {}
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._packs = {}
        self._patience = {}
        self._modernise()

    def _modernise(self) -> None:
        """Give groups of older checkpoints the options they lack, and make numbers in ``step`` tensors."""
        for group in self.param_groups:
            for name, default in self.later_options().items():
                group.setdefault(name, default)
            for p in group["params"]:
                state = self.state.get(p)
                if state:
                    for name in self.counters:
                        if name in state and not isinstance(state[name], Tensor):
                            state[name] = counter(float(state[name]))

    # ---- what a subclass states

    def later_options(self) -> dict[str, Any]:
        """Options that old checkpoints may lack, with the values they had implicitly."""
        return {"maximize": False, "foreach": None, "differentiable": False, "capturable": False}

    def keeps_state(self, group: dict[str, Any]) -> bool:
        """Whether parameters of this group get a state at their first step."""
        return bool(self.counters or self.slots(group))

    def release_packs(self) -> None:
        """Give every state an array of its own again; packs form anew in later eager steps."""
        for pack in self._packs.values():
            for row in pack.rows:
                for name, _ in row[4]:
                    state = row[3][name]
                    state._data = state._data.copy()
        self._packs = {}

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The names of the states that have the shape of the parameter."""
        raise NotImplementedError

    def fresh(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of ``p`` before its first step."""
        raise NotImplementedError

    def advance(self, group: dict[str, Any], *counters: Any) -> tuple[tuple[Any, ...], Scalars]:
        """The counters after this step, and the scalars of its rule."""
        raise NotImplementedError

    @staticmethod
    def rule(xp: Any, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars) -> None:
        """Change ``p`` and ``slots`` in place."""
        raise NotImplementedError

    def check_group(self, group: dict[str, Any]) -> None:
        """Refuse options that cannot be honoured, before anything changes."""

    def _check_flags(self, differentiable: bool, foreach: bool | None, fused: bool | None) -> None:
        """``fused`` stands alone. Raises RuntimeError."""
        if fused:
            if differentiable:
                raise RuntimeError("`fused` does not support `differentiable`")
            self._step_supports_amp_scaling = True
            if foreach:
                raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    # ---- the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient; returns what ``closure``, if given, returned."""
        loss = None
        if closure is not None:
            with modes.enable_grad():
                loss = closure()
        differentiable = self.defaults["differentiable"]
        mode = modes.mode()
        raw = not differentiable and (
            mode is modes.GRAD or mode is modes.NO_GRAD or (mode.tracer is None and mode.mutation_context is None)
        )
        for group in self.param_groups:
            if group.get("capturable"):
                self._refuse_capturable(group)
            if group.get("fused"):
                self._check_fused(group)
            if mode.tracer is None:  # in a traced step the learning rate is a tensor
                self.check_group(group)
            if raw:
                self._step_group(group)
            elif mode.tracer is not None and not differentiable:
                traced.step_group(self, group, mode.tracer)
            else:
                for p in group["params"]:
                    if p.grad is not None:
                        self._step_single(p, group, False)
        return loss

    def _refuse_capturable(self, group: dict[str, Any]) -> None:
        if any(p.grad is not None and p.device.type == "cpu" for p in group["params"]):
            raise AssertionError(
                f"If capturable=True, {self.capturable_states} must be on supported devices: {self.capturable_devices}."
            )

    def _check_fused(self, group: dict[str, Any]) -> None:
        for p in group["params"]:
            if p.grad is not None and not p.is_floating_point():
                raise RuntimeError(
                    "`fused=True` requires all the params to be floating point Tensors of supported devices: "
                    "['mps', 'cuda', 'xpu', 'hpu', 'cpu', 'mtia', 'privateuseone'] "
                    f"but {p.dtype} and {p.device.type}"
                )

    def _step_group(self, group: dict[str, Any]) -> None:
        params = group["params"]
        key = id(group)
        pack = self._packs.get(key)
        if pack is None and len(params) > 1:
            wait, longer = self._patience.get(key, (0, 1))
            if wait:
                self._patience[key] = wait - 1, longer
            else:
                pack = self._make_pack(group)
                if pack is None:
                    self._patience[key] = longer - 1, min(2 * longer, PATIENCE)
        if pack is None:
            for p in params:
                if p.grad is not None:
                    self._step_single(p, group, True)
            return
        if not self._run_pack(pack, group):
            self._packs.pop(key, None)
            longer = self._patience.get(key, (0, 1))[1]
            self._patience[key] = longer - 1, min(2 * longer, PATIENCE)
            for p in params:
                if p.grad is not None:
                    self._step_single(p, group, True)
        elif len(pack.rows) < len(params):
            done = {id(row[0]) for row in pack.rows}
            for p in params:
                if id(p) not in done and p.grad is not None:
                    self._step_single(p, group, True)

    def _state_of(self, p: Tensor, group: dict[str, Any]) -> Any:
        """The state of ``p``, made where there is none yet; None for a rule without state."""
        state = self.state.get(p)
        if not state:
            fresh = self.fresh(p, group)
            if fresh:
                state = self.state[p]
                state.update(fresh)
        return state

    # ---- one parameter

    def _step_single(self, p: Tensor, group: dict[str, Any], raw: bool) -> None:
        grad = p.grad
        assert grad is not None
        state = self._state_of(p, group)
        names = self.slots(group)
        pa, ga = p._data, grad._data
        if raw and _writable(p):
            held = [state[name]._data for name in names]
            if all(a.__class__ is ndarray and a.dtype == pa.dtype for a in (ga, *held)):
                self._step_array(p, pa, ga, state, held, numbers(group))
                return
        self._step_tensor(p, grad, state, names, group)

    def _step_array(self, p: Tensor, pa: Any, ga: Any, state: Any, held: list[Any], group: dict[str, Any]) -> None:
        counted = [state[name] for name in self.counters]
        after, scalars = self.advance(group, *[float(c._data) for c in counted])
        real = _REAL[pa.dtype]
        if real is not pa.dtype and pa.dtype.kind == "c":
            pa, ga, *held = [a[..., None].view(real) for a in (pa, ga, *held)]
        if pa.flags.c_contiguous and all(a.flags.c_contiguous for a in held):
            n = pa.size
            pa, ga = pa.reshape(-1), ga.reshape(-1)
            held = [a.reshape(-1) for a in held]
            self._run_blocks(pa, ga, tuple(held), scalars, n)
        else:
            self.rule(arrays, pa, ga, tuple(held), scalars)
        for c, value in zip(counted, after, strict=True):
            c._data[...] = value
        bump(p)

    def _run_blocks(self, p: Any, g: Any, slots: tuple[Any, ...], scalars: Scalars, n: int) -> None:
        if n <= BLOCK:
            self.rule(arrays, p, g, slots, scalars)
            return
        rule = self.rule
        for i in range(0, n, BLOCK):
            j = i + BLOCK
            rule(arrays, p[i:j], g[i:j], tuple([a[i:j] for a in slots]), scalars)

    def _step_tensor(self, p: Tensor, grad: Tensor, state: Any, names: tuple[str, ...], group: dict[str, Any]) -> None:
        differentiable = bool(self.defaults["differentiable"])
        with modes.set_grad_enabled(differentiable):
            counted = [state[name] for name in self.counters]
            # as Python's numbers: in double precision
            values = [float(c._data) if c._data.__class__ is ndarray else c.double() for c in counted]
            after, scalars = self.advance(group, *values)
            if differentiable:
                # The graph of the last step keeps the states of the last step: change copies, and keep those.
                for name in names:
                    state[name] = state[name].clone()
            held = [state[name] for name in names]
            target = p
            if p.is_complex():
                target, grad, *held = [view_as_real(t) for t in (p, grad, *held)]
            self.rule(tensors, target, grad, tuple(held), scalars)
        with modes.no_grad():
            for c, value in zip(counted, after, strict=True):
                if isinstance(value, Tensor):
                    c.copy_(value)
                else:
                    c.fill_(value)

    # ---- many small parameters

    def _make_pack(self, group: dict[str, Any]) -> Pack | None:
        """Gather the small parameters whose counters agree; their states become views of flat arrays."""
        names = self.slots(group)
        kinds: dict[Any, list[tuple[Tensor, Any, dict[str, Any]]]] = {}
        seen: set[int] = set()
        for p in group["params"]:
            if id(p) in seen:
                return None
            seen.add(id(p))
            row = self._packable(p, group, names)
            if row is not None:
                kinds.setdefault(row[0], []).append((p, row[1], row[2]))
        rows = max(kinds.values(), key=len, default=[])
        if len(rows) < 2 or _overlap([data for _, data, _ in rows]):
            return None
        dtype, *first = next(key for key, value in kinds.items() if value is rows)
        total = sum(data.size for _, data, _ in rows)
        pack = Pack()
        pack.group, pack.params, pack.slot_names = group, list(group["params"]), names
        flat = [np.empty(total, dtype) for _ in range(2 + len(names))]
        pack.rows, pack.pviews = [], []
        like = [self.state[rows[0][0]][name]._data.dtype for name in self.counters]
        pack.counters = [np.full(len(rows), value, kind) for value, kind in zip(first, like, strict=True)]
        at = 0
        for i, (p, data, state) in enumerate(rows):
            part = [a[at : at + data.size].reshape(data.shape) for a in flat]
            at += data.size
            held = list(zip(names, part[2:], strict=True))
            held += [(name, a[i : i + 1].reshape(())) for name, a in zip(self.counters, pack.counters, strict=True)]
            for name, view in held:
                tensor = state[name]
                view[...] = tensor._data
                tensor._data = view
            pack.rows.append((p, data, part[1], state, held))
            pack.pviews.append((part[0], data))
        real = _REAL[dtype]
        pack.p, pack.g, *slots = [a.view(real) for a in flat]
        pack.slots = tuple(slots)
        self._packs[id(group)] = pack
        return pack

    def _packable(self, p: Tensor, group: dict[str, Any], names: tuple[str, ...]) -> tuple[Any, ...] | None:
        """``((dtype, counters), array, state)`` if ``p`` may join a pack."""
        grad, data = p.grad, p._data
        if grad is None or grad._data.__class__ is not ndarray or p._fn is not LEAF or not _writable(p):
            return None
        if not 0 < data.size <= SMALL or not data.flags.c_contiguous:
            return None
        state = self._state_of(p, group)
        if not state and (names or self.counters):
            return None
        for name in names:
            tensor = state.get(name)
            if tensor is None or not (_owned(tensor) and tensor.shape == p.shape and tensor._data.dtype == data.dtype):
                return None
        for name in self.counters:
            tensor = state.get(name)
            if tensor is None or not (_owned(tensor) and tensor.ndim == 0):
                return None
        return (data.dtype, *[float(state[name]._data) for name in self.counters]), data, state

    def _run_pack(self, pack: Pack, group: dict[str, Any]) -> bool:
        """Update the pack; False, with nothing changed, if it no longer describes its group."""
        params = group["params"]
        names = self.slots(group)
        if pack.group is not group or pack.slot_names != names or len(params) != len(pack.params):
            return False
        for p, old in zip(params, pack.params):
            if p is not old:
                return False
        states = self.state
        for p, data, gview, state, held in pack.rows:
            grad = p._grad
            if grad is None or p._data is not data or states.get(p) is not state:
                return False
            for name, view in held:
                if state[name]._data is not view:  # type: ignore[index]
                    return False
            array = grad._data
            if array.__class__ is not ndarray:
                return False
            gview[...] = array
        now = []
        for a in pack.counters:
            values = a.tolist()
            if values.count(values[0]) != len(values):
                return False
            now.append(values[0])
        after, scalars = self.advance(numbers(group), *now)
        pviews = pack.pviews
        for view, data in pviews:
            view[...] = data
        self._run_blocks(pack.p, pack.g, pack.slots, scalars, pack.p.size)
        for view, data in pviews:
            data[...] = view
        for a, value in zip(pack.counters, after):
            a.fill(value)
        for row in pack.rows:
            bump(row[0])
        return True


def check_adam_options(lr: Any, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
    """The checks that the relatives of Adam share. Raises ValueError."""
    check_lr(lr)
    if not 0.0 <= eps:
        raise ValueError(f"Invalid epsilon value: {eps}")
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")
    if not 0.0 <= weight_decay:
        raise ValueError(f"Invalid weight_decay value: {weight_decay}")


def counter(value: float) -> Tensor:
    """A 0-d state, as PyTorch keeps ``step``."""
    return wrap(np.array(value, scalar_dtype().np))


def zeros_like(p: Tensor) -> Tensor:
    """A new state of zeros in the shape, dtype and memory order of ``p``."""
    if p._data.__class__ is ndarray:
        return wrap(np.zeros_like(p._data, order="K", subok=False))
    with modes.no_grad():
        return p.detach() * 0


def full_like(p: Tensor, value: Any) -> Tensor:
    """A new state filled with ``value``."""
    t = zeros_like(p)
    with modes.no_grad():
        return t.fill_(value)


def numbers(group: dict[str, Any]) -> dict[str, Any]:
    """The options of ``group`` with tensors and NumPy scalars as Python numbers; ``group`` itself if there are none."""
    kind = group["lr"].__class__
    if kind is float or kind is int:
        other = group.get("weight_decay", 0).__class__
        betas = group.get("betas")
        if (other is float or other is int) and (betas is None or betas[0].__class__ is float):
            return group
    return {name: _plain(value) for name, value in group.items() if name != "params"}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic) or isinstance(value, Tensor):
        return value.item()
    return tuple(_plain(v) for v in value) if isinstance(value, tuple) else value


def view_as_real(t: Tensor) -> Tensor:
    """A complex tensor as a real view with a last dimension of 2."""
    return FUNCTIONS["view_as_real"](t)  # type: ignore[no-any-return]


def _writable(p: Tensor) -> bool:
    """Whether the array of ``p`` may be changed without asking the operations, which know the unusual tensors."""
    data = p._data
    if p.__class__ not in PLAIN or data.__class__ is not ndarray or data.dtype not in _REAL:
        return False
    flags = data.flags
    if not flags.writeable or not (flags.c_contiguous or 0 not in data.strides):
        return False
    return p._ver.__class__ is not InferenceVersion


def _owned(tensor: Any) -> bool:
    """Whether a state tensor is a plain array outside the graph, which may move into a pack."""
    return (
        isinstance(tensor, Tensor) and tensor._data.__class__ is ndarray and tensor._fn is None and tensor._view is None
    )


def _overlap(data: list[Any]) -> bool:
    """Whether any two arrays share memory."""
    spans = sorted(np.lib.array_utils.byte_bounds(a) for a in data)
    return any(end > start for (_, end), (start, _) in zip(spans, spans[1:]))
