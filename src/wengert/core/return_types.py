"""Named tuples of operations with several results: `torch.return_types.max(values=..., indices=...)`."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

#: name -> class
TYPES: dict[str, type[ReturnType]] = {}


class ReturnType(tuple):  # type: ignore[type-arg]
    """A tuple whose items also have names."""

    __slots__ = ()
    _names: tuple[str, ...] = ()
    n_fields = n_sequence_fields = 0
    n_unnamed_fields = 0

    def __repr__(self) -> str:
        items = ",\n".join(f"{n}={v!r}" for n, v in zip(self._names, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{items})"

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self).__name__, tuple(self))


def restore(name: str, items: tuple[Any, ...]) -> ReturnType:
    """For pickle."""
    return TYPES[name](items)


def return_type(name: str, *names: str) -> type[ReturnType]:
    """The class `torch.return_types.<name>` with these fields."""
    body: dict[str, Any] = {
        "__slots__": (), "_names": names, "n_fields": len(names), "n_sequence_fields": len(names),
        "__module__": "torch.return_types",
    }  # fmt: skip
    for i, field in enumerate(names):
        body[field] = property(itemgetter(i))
    made = TYPES[name] = type(name, (ReturnType,), body)
    return made


# every one that has values and indices
for _name in ("max", "min", "sort", "topk", "kthvalue", "median", "nanmedian", "mode", "cummax", "cummin"):
    return_type(_name, "values", "indices")
return_type("aminmax", "min", "max")
return_type("histogram", "hist", "bin_edges")
return_type("histogramdd", "hist", "bin_edges")
return_type("frexp", "mantissa", "exponent")


def __getattr__(name: str) -> Any:
    """`torch.return_types.max` is the class."""
    try:
        return TYPES[name]
    except KeyError:
        raise AttributeError(f"module 'torch.return_types' has no attribute {name!r}") from None
