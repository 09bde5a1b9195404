"""The leaves of trees with the way to each: a tuple of keys."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .pytree import _NODES, TreeSpec, flatten_up_to, tree_definition, tree_flatten, tree_unflatten

__all__ = [
    "GetAttrKey",
    "MappingKey",
    "SequenceKey",
    "key_get",
    "keystr",
    "tree_flatten_with_path",
    "tree_leaves_with_path",
    "tree_map_with_path",
]


@dataclass(frozen=True)
class SequenceKey:
    """An element of a sequence."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """That element."""
        return sequence[self.idx]


@dataclass(frozen=True)
class MappingKey:
    """A value of a mapping."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """That value."""
        return mapping[self.key]


@dataclass(frozen=True)
class GetAttrKey:
    """An attribute of an object."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """That attribute."""
        return getattr(obj, self.name)


Path = tuple[Any, ...]


def _keys(kind: Any, tree: Any, count: int) -> list[Any]:
    """The keys of the children of an inner node of this kind."""
    if kind is namedtuple:
        return [GetAttrKey(name) for name in tree._fields]
    if kind in (dict, OrderedDict, defaultdict):
        return [MappingKey(key) for key in tree]
    own = _NODES[kind].flatten_with_keys
    if own is not None:
        return [key for key, _ in own(tree)[0]]
    if kind in (tuple, list, deque) or isinstance(tree, tuple):
        return [SequenceKey(i) for i in range(count)]
    raise ValueError(
        f"Did not find a flatten_with_keys_fn for type: {kind}. Please pass a flatten_with_keys_fn argument to "
        "register_pytree_node."
    )


def tree_flatten_with_path(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[tuple[Path, Any]], TreeSpec]:
    """([(path, leaf), ...], structure)"""
    return tree_leaves_with_path(tree, is_leaf), tree_flatten(tree, is_leaf)[1]


def tree_leaves_with_path(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[tuple[Path, Any]]:
    """[(path, leaf), ...]"""
    found: list[tuple[Path, Any]] = []
    _collect((), tree, is_leaf, found)
    return found


def _collect(path: Path, tree: Any, is_leaf: Callable[[Any], bool] | None, found: list[tuple[Path, Any]]) -> None:
    inner = None if is_leaf is not None and is_leaf(tree) else tree_definition(tree)
    if inner is None:
        found.append((path, tree))
        return
    kind, definition = inner
    children, _ = definition.flatten(tree)
    for key, child in zip(_keys(kind, tree, len(children)), children, strict=True):
        _collect((*path, key), child, is_leaf, found)


def tree_map_with_path(
    func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """The tree of `func(path, leaf, *leaves of rests)`."""
    leaves, spec = tree_flatten_with_path(tree, is_leaf)
    others = [flatten_up_to(spec, r) for r in rests]
    return tree_unflatten([func(path, leaf, *more) for (path, leaf), *more in zip(leaves, *others, strict=True)], spec)


def keystr(kp: Iterable[Any]) -> str:
    """A path as one would write it in Python: "['a'][0].x"."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: Iterable[Any]) -> Any:
    """What `obj` has at that path."""
    for key in kp:
        obj = key.get(obj)
    return obj
