"""`functional_call`: a module called with other parameters and buffers than its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...core.errors import warn
from ...core.tensor import Tensor
from ..module import Module

__all__ = ["functional_call"]


def _tied(module: Module) -> dict[int, list[str]]:
    """All names of each tensor, by its id."""
    names: dict[int, list[str]] = {}
    for name, tensor in (
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ):
        names.setdefault(id(tensor), []).append(name)
    return names


@contextmanager
def reparametrized(
    module: Module, given: dict[str, Any], *, tie_weights: bool = False, strict: bool = False
) -> Iterator[None]:
    """Within this block the module holds the given tensors.

    Errors: ValueError for tied names with different values; RuntimeError (`strict`) for names that do not fit;
    TypeError for what is no tensor.
    """
    caller, given = given, dict(given)
    known = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    if tie_weights:
        for names in _tied(module).values():
            values = [given[name] for name in names if name in given]
            if len({id(v) for v in values}) > 1:
                both = [name for name in names if name in given]
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(both)}, which are tied. Consider using "
                    "tie_weights=False"
                )
            if values:
                for name in names:
                    given.setdefault(name, values[0])
    if strict:
        missing = sorted(set(known) - set(given))
        unexpected = sorted(set(given) - set(known))
        if missing or unexpected:
            text = f"Error(s) in reparametrizing for {type(module).__name__}:"
            if unexpected:
                text += "\n\tUnexpected key(s): " + ", ".join(map(repr, unexpected)) + "."
            if missing:
                text += "\n\tMissing key(s): " + ", ".join(map(repr, missing)) + "."
            raise RuntimeError(text)
    put_back: list[tuple[str, _Place, Any]] = []
    try:
        for name, value in given.items():
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"{value} is not an instance of torch.Tensor")
            place = _Place(module, name)
            put_back.append((name, place, place.swap(value)))
        yield
    finally:
        for name, place, old in reversed(put_back):
            # What forward has put in the place of a tensor is the caller's, not the module's.
            new = place.swap(old)
            if name in caller:
                caller[name] = new


class _Place:
    """Where a module keeps the tensor of a dotted name: a parameter, a buffer, or (unknown so far) an attribute."""

    __slots__ = ("leaf", "table")

    def __init__(self, module: Any, name: str) -> None:
        path, _, leaf = name.rpartition(".")
        if leaf == "":
            raise KeyError('tensor name can\'t be empty string ""')
        owner = module.get_submodule(path)
        self.leaf = leaf
        for table in (owner._parameters, owner._buffers):
            if leaf in table:
                self.table = table
                return
        if hasattr(owner, leaf) and not isinstance(getattr(owner, leaf), Tensor):
            raise TypeError(f"attribute `{leaf}`: {getattr(owner, leaf)} is not an instance of torch.Tensor")
        self.table = owner.__dict__

    def swap(self, value: Any) -> Any:
        """Put `value` there; what was there before (`_ABSENT` where there was nothing)."""
        old = self.table.get(self.leaf, _ABSENT)
        if value is _ABSENT:
            self.table.pop(self.leaf, None)
        else:
            self.table[self.leaf] = value
        return old


_ABSENT: Any = object()


def _functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Any],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    if not isinstance(args, tuple):
        args = () if args is None else (args,)
    if kwargs is None:
        kwargs = {}
    with reparametrized(module, parameters_and_buffers, tie_weights=tie_weights, strict=strict):
        return module(*args, **kwargs)


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Any],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """The old home of `torch.func.functional_call`."""
    warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future "
        "version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
