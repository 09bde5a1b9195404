"""An optimizer whose step acts on parameters and states that it is given for the moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..core.tensor import Tensor
from .optimizer import Optimizer


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Within the context ``optimizer`` holds ``swapin_parameters`` (in its own order) and the states and options of
    ``swapin_optim_state``, which has the form of a state dict; afterwards its own again.

    Changes in place reach the tensors that were given. Raises ValueError when the numbers of parameters differ.
    """
    tensors = list(swapin_parameters.values())
    saved_groups = swapin_optim_state["param_groups"]
    keys = [key for group in saved_groups for key in group["params"]]
    held = sum(len(group["params"]) for group in optimizer.param_groups)
    if not len(tensors) == len(keys) == held:
        raise ValueError(
            f"the optimizer holds {held} parameters, but got {len(tensors)} parameters and the states of {len(keys)}"
        )
    by_key = dict(zip(keys, tensors))
    groups = [{**group, "params": [by_key[key] for key in group["params"]]} for group in saved_groups]
    state: defaultdict[Any, Any] = defaultdict(dict)
    for key, value in swapin_optim_state["state"].items():
        state[by_key.get(key, key)] = dict(value) if isinstance(value, dict) else value
    # Also what `RuleOptimizer` remembers of its groups.
    kept = ("param_groups", "state", "_packs", "_patience")
    before: dict[str, Any] = {name: optimizer.__dict__[name] for name in kept if name in optimizer.__dict__}
    try:
        optimizer.__dict__.update({name: type(value)() for name, value in before.items()})
        optimizer.param_groups, optimizer.state = groups, state
        yield
    finally:
        optimizer.__dict__.update(before)
