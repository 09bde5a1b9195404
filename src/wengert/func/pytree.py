"""Trees of tuples, lists, dicts, namedtuples, OrderedDicts, deques (and registered types), flattened at the edge."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

__all__ = [
    "LeafSpec",
    "TreeSpec",
    "is_namedtuple",
    "is_namedtuple_class",
    "is_namedtuple_instance",
    "is_structseq",
    "is_structseq_class",
    "is_structseq_instance",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_structure",
    "tree_unflatten",
]


class NodeDef(NamedTuple):
    """How a registered type is taken apart and put together."""

    flatten: Callable[[Any], tuple[list[Any], Any]]
    unflatten: Callable[[list[Any], Any], Any]
    flatten_with_keys: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None


class TreeSpec:
    """The structure of a tree: its type, context (dict keys and the like) and the structures of its children."""

    __slots__ = ("children_specs", "context", "num_leaves", "type")

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type = type
        self.context = context
        self.children_specs = children_specs
        self.num_leaves: int = sum(c.num_leaves for c in children_specs) if type is not None else 1

    @property
    def num_children(self) -> int:
        return len(self.children_specs)

    @property
    def num_nodes(self) -> int:
        return 1 + sum(c.num_nodes for c in self.children_specs)

    def is_leaf(self) -> bool:
        """Whether this is the structure of a leaf."""
        return self.type is None

    def children(self) -> list[TreeSpec]:
        return list(self.children_specs)

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree with these leaves."""
        return tree_unflatten(leaves, self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (self.type, self.context, self.children_specs) == (other.type, other.context, other.children_specs)

    def __hash__(self) -> int:
        return hash((self.type, repr(self.context), self.num_leaves))

    def __repr__(self, indent: int = 0) -> str:
        if self.type is None:
            return "*"
        head = f"TreeSpec({self.type.__name__}, {self.context!r}, ["
        if not self.children_specs:
            return head + "])"
        pad = " " * (indent + 2)
        body = self.children_specs[0].__repr__(indent + 2)
        for child in self.children_specs[1:]:
            body += ",\n" + pad + child.__repr__(indent + 2)
        return head + body + "])"


class LeafSpec(TreeSpec):
    """The structure of a leaf."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None, None, [])


LEAF = LeafSpec()

_NODES: dict[type, NodeDef] = {
    tuple: NodeDef(lambda t: (list(t), None), lambda c, _: tuple(c)),
    list: NodeDef(lambda t: (list(t), None), lambda c, _: list(c)),
    dict: NodeDef(lambda t: (list(t.values()), list(t)), lambda c, keys: dict(zip(keys, c, strict=True))),
    OrderedDict: NodeDef(
        lambda t: (list(t.values()), list(t)), lambda c, keys: OrderedDict(zip(keys, c, strict=True))
    ),
    defaultdict: NodeDef(
        lambda t: (list(t.values()), [t.default_factory, list(t)]),
        lambda c, context: defaultdict(context[0], zip(context[1], c, strict=True)),
    ),
    deque: NodeDef(lambda t: (list(t), t.maxlen), lambda c, maxlen: deque(c, maxlen=maxlen)),
}


def is_namedtuple_class(cls: Any) -> bool:
    """Whether it is a class of named tuples."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def is_structseq_class(cls: Any) -> bool:
    """Whether it is a class such as `torch.return_types.max`."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "n_sequence_fields")


def is_namedtuple_instance(obj: Any) -> bool:
    """Whether it is a named tuple."""
    return is_namedtuple_class(type(obj))


def is_structseq_instance(obj: Any) -> bool:
    """Whether it is what `torch.max(x, dim)` and its like return."""
    return is_structseq_class(type(obj))


def is_namedtuple(obj: Any) -> bool:
    """Whether it is a named tuple or a class of such."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


def is_structseq(obj: Any) -> bool:
    """Whether it is what `torch.max(x, dim)` and its like return, or a class of such."""
    return is_structseq_class(obj if isinstance(obj, type) else type(obj))


_NODES[namedtuple] = NodeDef(lambda t: (list(t), type(t)), lambda c, cls: cls(*c))  # type: ignore[index]


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[list[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    *,
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None,
    **ignored: Any,
) -> None:
    """Make instances of `cls` inner nodes: flatten_fn(x) -> (children, context), unflatten_fn(children, context) -> x;
    flatten_with_keys_fn(x) -> ([(key, child), ...], context) for the functions that tell paths."""
    if cls in _NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    _NODES[cls] = NodeDef(flatten_fn, unflatten_fn, flatten_with_keys_fn)


_register_pytree_node = register_pytree_node


def tree_definition(x: Any) -> tuple[Any, NodeDef] | None:
    """(kind, definition) of an inner node, None for a leaf."""
    kind: Any = type(x)
    found = _NODES.get(kind)
    if found is None and isinstance(x, tuple):
        if is_structseq_class(kind):
            cls = kind
            found = _NODES[kind] = NodeDef(lambda t: (list(t), None), lambda c, _: cls(c))
        elif is_namedtuple_class(kind):
            kind, found = namedtuple, _NODES[namedtuple]  # type: ignore[index]
    return None if found is None else (kind, found)


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """(leaves, structure)"""
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves, is_leaf)


def _flatten(tree: Any, leaves: list[Any], is_leaf: Callable[[Any], bool] | None) -> TreeSpec:
    found = None if is_leaf is not None and is_leaf(tree) else tree_definition(tree)
    if found is None:
        leaves.append(tree)
        return LEAF
    cls, definition = found
    children, context = definition.flatten(tree)
    return TreeSpec(cls, context, [_flatten(c, leaves, is_leaf) for c in children])


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of that structure with these leaves."""
    values = list(leaves)
    if len(values) != treespec.num_leaves:
        raise ValueError(
            f"treespec.unflatten(leaves): `leaves` has length {len(values)} but the spec refers to a pytree that "
            f"holds {treespec.num_leaves} items ({treespec})."
        )
    return _unflatten(iter(values), treespec)


def _unflatten(leaves: Any, spec: TreeSpec) -> Any:
    if spec.type is None:
        return next(leaves)
    children = [_unflatten(leaves, c) for c in spec.children_specs]
    return _NODES[spec.type].unflatten(children, spec.context)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves, in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """The structure without the leaves."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(fn: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The tree of `fn(leaf, *leaves of rests)`; `rests` have the structure of `tree`."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [flatten_up_to(spec, r) for r in rests]
    return tree_unflatten([fn(*xs) for xs in zip(leaves, *others, strict=True)], spec)


def tree_map_(fn: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Call `fn` for each leaf; the tree comes back."""
    tree_map(fn, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(types: Any, fn: Callable[[Any], Any], tree: Any, is_leaf: Any = None) -> Any:
    """`tree_map` for the leaves that are instances of `types`; others stay."""
    check = _test_of(types)
    return tree_map(lambda x: fn(x) if check(x) else x, tree, is_leaf=is_leaf)


def tree_map_only_(types: Any, fn: Callable[[Any], Any], tree: Any, is_leaf: Any = None) -> Any:
    """Call `fn` for each leaf that is an instance of `types`; the tree comes back."""
    tree_map_only(types, fn, tree, is_leaf)
    return tree


def _test_of(types: Any) -> Callable[[Any], bool]:
    if callable(types) and not isinstance(types, type):
        return types  # type: ignore[no-any-return]
    return lambda x: isinstance(x, types)


def tree_iter(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> Iterator[Any]:
    """The leaves, one by one."""
    yield from tree_leaves(tree, is_leaf)


def tree_is_leaf(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether it has no inner nodes."""
    return (is_leaf is not None and is_leaf(tree)) or tree_definition(tree) is None


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether `pred` holds for all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether `pred` holds for some leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all_only(types: Any, pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether `pred` holds for all leaves that are instances of `types`."""
    return all(map(pred, filter(_test_of(types), tree_leaves(tree, is_leaf))))


def tree_any_only(types: Any, pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether `pred` holds for some leaf that is an instance of `types`."""
    return any(map(pred, filter(_test_of(types), tree_leaves(tree, is_leaf))))


def flatten_up_to(spec: TreeSpec, tree: Any) -> list[Any]:
    """The subtrees of `tree` where `spec` has leaves."""
    out: list[Any] = []
    _flatten_up_to(spec, tree, out)
    return out


def _flatten_up_to(spec: TreeSpec, tree: Any, out: list[Any]) -> None:
    if spec.type is None:
        out.append(tree)
        return
    found = tree_definition(tree)
    if found is None or found[0] is not spec.type:
        raise ValueError(f"Type mismatch;\nexpected {spec.type!r}, but got {type(tree)!r}.")
    children, context = found[1].flatten(tree)
    if len(children) != len(spec.children_specs):
        raise ValueError(f"Node arity mismatch; expected {len(spec.children_specs)}, but got {len(children)}.")
    if spec.type in (dict, OrderedDict):
        if set(context) != set(spec.context):
            raise ValueError(f"Node keys mismatch; expected {spec.context!r}, but got {context!r}.")
        by_key = dict(zip(context, children, strict=True))
        children = [by_key[k] for k in spec.context]
    for child_spec, child in zip(spec.children_specs, children, strict=True):
        _flatten_up_to(child_spec, child, out)


def broadcast_prefix(prefix: Any, spec: TreeSpec, is_leaf: Callable[[Any], bool] | None = None) -> list[Any] | None:
    """`prefix`, a tree that may stop early, spread over the leaves of `spec`; None if it does not fit."""
    out: list[Any] = []
    return out if _broadcast(prefix, spec, is_leaf, out) else None


def _broadcast(prefix: Any, spec: TreeSpec, is_leaf: Callable[[Any], bool] | None, out: list[Any]) -> bool:
    found = None if is_leaf is not None and is_leaf(prefix) else tree_definition(prefix)
    if found is None:
        out.extend([prefix] * spec.num_leaves)
        return True
    if spec.type is not found[0]:
        return False
    children, context = found[1].flatten(prefix)
    if len(children) != len(spec.children_specs) or context != spec.context:
        return False
    return all(_broadcast(c, s, is_leaf, out) for c, s in zip(children, spec.children_specs, strict=True))
