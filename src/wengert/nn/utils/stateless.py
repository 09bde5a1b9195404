"""`functional_call`: a module called with other parameters and buffers than its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...core.errors import warn
from ..module import Module

__all__ = ["functional_call"]


def _owner(module: Any, name: str) -> tuple[Module, str]:
    path, _, leaf = name.rpartition(".")
    return module.get_submodule(path), leaf


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

    Errors: ValueError for tied names with different values; RuntimeError (`strict`) or KeyError for names that do not
    fit.
    """
    given = dict(given)
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
    put_back: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for name, value in given.items():
            owner, leaf = _owner(module, name)
            for table in (owner._parameters, owner._buffers):
                if leaf in table:
                    put_back.append((table, leaf, table[leaf]))  # type: ignore[arg-type]
                    table[leaf] = value
                    break
            else:
                raise KeyError(f"{leaf} is not a parameter or a buffer of {owner._get_name()}")
        yield
    finally:
        for table, leaf, value in reversed(put_back):
            # What forward has written to a swapped-in buffer is the caller's, not the module's.
            table[leaf] = value


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
