"""`GradScaler`: losses are scaled up so that small gradients survive, and steps with infinite gradients are skipped."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import numpy as np

from ..core.deferred import values_known
from ..core.errors import warn
from ..core.modes import no_grad
from ..core.primitive import ops
from ..core.tensor import Tensor, bump, wrap

__all__ = ["GradScaler", "OptState"]


class OptState(Enum):
    """How far one optimiser is in this iteration."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _step_unless(infinite: Tensor, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
    """`optimizer.step()`, with everything as it was before where a gradient turns out to be infinite."""
    params = [p for group in optimizer.param_groups for p in group["params"]]
    held = [*params, *(v for p in params for v in optimizer.state.get(p, {}).values() if isinstance(v, Tensor))]
    before = [t.detach().clone() for t in held]
    result = optimizer.step(*args, **kwargs)
    with no_grad():
        for t, old in zip(held, before, strict=True):
            t.copy_(ops.where(infinite, old, t))
    return result


class GradScaler:
    """`scale(loss).backward(); step(optimizer); update()`.

    `growth_interval` steps in a row without infinite gradients multiply the scale by `growth_factor`; one with them
    multiplies it by `backoff_factor` and is skipped. Switched off, with a warning, for "cuda" (there is none).
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 65536.0, growth_factor: float = 2.0, backoff_factor: float = 0.5,
        growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        self._device = device
        self._enabled = enabled
        if device == "cuda" and enabled:
            warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.")
            self._enabled = False
        if self._enabled:
            if growth_factor <= 1.0:
                raise AssertionError("The growth factor must be > 1.0.")
            if backoff_factor >= 1.0:
                raise AssertionError("The backoff factor must be < 1.0.")
            self._init_scale = init_scale
            self._scale: Tensor | None = None
            self._growth_factor = growth_factor
            self._backoff_factor = backoff_factor
            self._growth_interval = growth_interval
            self._init_growth_tracker = 0
            self._tracker: Tensor | None = None
            self._states: dict[int, tuple[OptState, Any]] = {}

    def _the_scale(self, what: str) -> Tensor:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {what} but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
                "outputs) earlier in the iteration."
            )
        return self._scale

    def scale(self, outputs: Any) -> Any:
        """Tensors, or iterables of them, times the scale. Differentiable."""
        if not self._enabled:
            return outputs
        if self._scale is None:
            self._set(self._init_scale)
            self._track(self._init_growth_tracker)
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, (list, tuple)):
            made = [self.scale(o) for o in outputs]
            return type(outputs)(*made) if hasattr(outputs, "_fields") else type(outputs)(made)
        if isinstance(outputs, Iterable):
            return map(self.scale, outputs)
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def _grads(self, optimizer: Any) -> Iterator[Tensor]:
        for group in optimizer.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    yield param.grad

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimiser by the scale, in place, to look at or clip them before `step`.

        Raises RuntimeError if that was done in this iteration, or if `step` was.
        """
        if not self._enabled:
            return
        scale = self._the_scale("unscale_")
        state, _ = self._states.get(id(optimizer), (OptState.READY, None))
        if state is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        grads = list(self._grads(optimizer))
        for grad in grads:
            if grad.dtype.name == "float16":
                raise ValueError("Attempting to unscale FP16 gradients.")
        infinite: Any = False
        with no_grad():
            if values_known():
                inverse = 1.0 / float(scale)
                for grad in grads:
                    infinite = infinite or not bool(np.isfinite(grad._data).all())
                    np.multiply(grad._data, inverse, out=grad._data, casting="unsafe")
                    bump(grad)
            else:
                factor = 1.0 / scale.double()
                for grad in grads:
                    infinite = ~grad.isfinite().all() | infinite
                    grad.mul_(factor.to(grad.dtype))
        self._states[id(optimizer)] = OptState.UNSCALED, infinite if grads else None

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale the gradients, if that was not done, and call `optimizer.step` unless one is infinite or nan.

        Raises RuntimeError with a closure, when called twice in an iteration, and for an optimiser without gradients.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._the_scale("step")
        state, infinite = self._states.get(id(optimizer), (OptState.READY, None))
        if state is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state is OptState.READY:
            self.unscale_(optimizer)
            infinite = self._states[id(optimizer)][1]
        if infinite is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        if isinstance(infinite, Tensor):
            result = _step_unless(infinite, optimizer, *args, **kwargs)
        else:
            result = None if infinite else optimizer.step(*args, **kwargs)
        self._states[id(optimizer)] = OptState.STEPPED, infinite
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """End the iteration: a new scale, the given one or one that follows from the gradients seen."""
        if not self._enabled:
            return
        scale = self._the_scale("update")
        if new_scale is not None:
            if isinstance(new_scale, Tensor) and (new_scale.numel() != 1 or new_scale.requires_grad):
                raise AssertionError(
                    "new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor with "
                    "requires_grad=False."
                )
            self._set(float(new_scale))
        else:
            seen = [infinite for _, infinite in self._states.values() if infinite is not None]
            if not seen:
                raise AssertionError("No inf checks were recorded prior to update.")
            if not values_known():
                self._update_by(seen, scale)
            elif any(seen):
                self._set(float(scale) * self._backoff_factor)
                self._track(0)
            else:
                good = self._get_growth_tracker() + 1
                if good == self._growth_interval:
                    grown = np.float32(float(scale) * self._growth_factor)
                    if np.isfinite(grown):
                        self._set(float(grown))
                    good = 0
                self._track(good)
        self._states.clear()

    def _update_by(self, seen: list[Any], scale: Tensor) -> None:
        """The same where the gradients are not known yet."""
        bad = seen[0] | False
        for also in seen[1:]:
            bad = bad | also
        assert self._tracker is not None
        after = self._tracker + 1
        full = after == self._growth_interval
        grown = (scale.double() * self._growth_factor).float()
        kept = ops.where(full & grown.isfinite(), grown, scale)
        scale.copy_(ops.where(bad, (scale.double() * self._backoff_factor).float(), kept))
        self._tracker.copy_(ops.where(bad | full, after * 0, after))

    def _track(self, good: int) -> None:
        if self._tracker is None:
            self._tracker = wrap(np.array(good, np.int32))
        else:
            self._tracker.fill_(good)

    def _set(self, value: float) -> None:
        if self._scale is None:
            self._scale = wrap(np.array(value, np.float32))
        else:
            self._scale.fill_(value)

    def get_scale(self) -> float:
        """The scale (1.0 when switched off)."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale)

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by after a series of good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set the growth factor."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after a bad step."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set the backoff factor."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """How many good steps in a row make the scale grow."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set the growth interval."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._tracker is None else int(self._tracker)

    def state_dict(self) -> dict[str, Any]:
        """The scale and the settings; empty when switched off."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned. Raises RuntimeError if it is empty."""
        if not self._enabled:
            return
        if len(state_dict) == 0:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._set(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._tracker is not None:
            self._track(self._init_growth_tracker)
