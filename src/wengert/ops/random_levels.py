"""Random operations inside `vmap`: the `randomness` of each running vmap says whether its slots share their numbers."""

from __future__ import annotations

from typing import Any

from ..core.levels import Level, batched, stack
from ..core.primitive import Primitive, ops
from ..core.tensor import Tensor

REFUSED = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
    "randomness flags on vmap or perform the randomness operation out of vmap"
)


def running() -> list[Level]:
    """The vmaps around a random operation, outermost first. Refused in one whose `randomness` is 'error'."""
    levels = [level for level in stack.get() if level.kind == "vmap"]
    if any(level.randomness == "error" for level in levels):
        raise RuntimeError(REFUSED)
    return levels


def refuse_out(out: Any) -> None:
    """`out=` cannot be used inside vmap."""
    if out is not None and stack.get() and any(level.kind == "vmap" for level in stack.get()):
        raise RuntimeError(
            "vmap: We do not support calling out variants of random operations inside of vmap. Please use non-out "
            "variants as a workaround"
        )


def spread(levels: list[Level]) -> tuple[int, ...]:
    """The dimensions that a new tensor has in front, one for each vmap whose slots differ."""
    return tuple(level.size for level in levels if level.randomness == "different")


def hide(t: Tensor, levels: list[Level]) -> Tensor:
    """Hide the dimensions of `spread` again, each at its level."""
    for level in levels:
        if level.randomness == "different":
            t = batched(t, 0, level.number)
    return t


def is_batched(t: Any, level: Level) -> bool:
    """Whether each slot of `level` has a value of its own."""
    while isinstance(t, Tensor):
        if t._level == level.number:
            return True
        t = t._data
    return False


def draw(prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run a primitive that draws from the distributions given by its tensor arguments."""
    if not stack.get():
        return prim(*args, **params)
    for level in reversed(running()):
        mapped = any(is_batched(a, level) for a in args)
        if level.randomness == "same":
            if mapped:
                raise RuntimeError(
                    "Vmap does not currently support same randomness with a batched tensor input. Please file an issue "
                    "with functorch"
                )
        elif not mapped:
            first = args[0]
            wide = ops.expand(ops.unsqueeze(first, dim=0), size=(level.size, *first.shape))
            args = (batched(wide, 0, level.number), *args[1:])
    return prim(*args, **params)


def check_writable(t: Tensor, levels: list[Level]) -> None:
    """An in-place operation that gives each slot other numbers needs a tensor with a place for each."""
    for level in levels:
        if level.randomness == "different" and not is_batched(t, level):
            raise RuntimeError(
                "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same "
                "randomness. If this is necessary for your usage, please file an issue with functorch."
            )
