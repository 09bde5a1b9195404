"""`grad`, `vjp`, `jvp`, `linearize` and the Jacobians built of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..core import engine
from ..core.captured import ENTRIES
from ..core.dispatch import edge_of
from ..core.graph import LEAF
from ..core.levels import Level, dual, entered, lift
from ..core.modes import LIVE, changed_mode, mode
from ..core.primitive import ops
from ..core.tensor import Tensor
from .pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten
from .vmap import vmap

Argnums = int | tuple[int, ...]


# ---------------------------------------------------------------- arguments


def checked_argnums(argnums: Any, n: int) -> None:
    """PyTorch's refusals of `argnums`."""
    if isinstance(argnums, int):
        if not -n <= argnums < n:
            raise RuntimeError(f"Got argnum={argnums}, but only {n} positional inputs")
        return
    if not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    if not argnums:
        raise RuntimeError("argnums must be non-empty")
    seen = set()
    for a in argnums:
        if not isinstance(a, int):
            raise RuntimeError(f"argnum must be int, got: {type(a)}")
        if not -n <= a < n:
            raise RuntimeError(f"Got argnum={a}, but only {n} positional inputs")
        if a % n in seen:
            raise RuntimeError(f"argnums elements must be unique, got {argnums}")
        seen.add(a % n)


def picked(args: tuple[Any, ...], argnums: Argnums) -> Any:
    """The arguments to differentiate."""
    checked_argnums(argnums, len(args))
    return args[argnums] if isinstance(argnums, int) else tuple(args[a] for a in argnums)


def replaced(args: tuple[Any, ...], argnums: Argnums, new: Any) -> tuple[Any, ...]:
    """`args` with the picked ones exchanged."""
    out = list(args)
    if isinstance(argnums, int):
        out[argnums] = new
    else:
        for a, value in zip(argnums, new, strict=True):
            out[a] = value
    return tuple(out)


def track(tree: Any, level: int) -> Any:
    """Leaves of a tree as inputs of a tape."""

    def one(x: Any) -> Any:
        if not isinstance(x, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        kind = x.dtype
        if not (kind.is_floating_point or kind.is_complex):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        t = lift(x, level)
        t._fn = LEAF
        return t

    return tree_map(one, tree)


def untrack(tree: Any, level: int) -> Any:
    """Results one level down; what does not depend on the inputs comes as it is."""
    return tree_map(lambda x: x._data if isinstance(x, Tensor) and x._level == level else x, tree)


def split_aux(out: Any, has_aux: bool, who: str) -> tuple[Any, Any]:
    """(output, aux), where aux is a tree of tensors."""
    if not has_aux:
        return out, None
    if not (isinstance(out, tuple) and len(out) == 2):
        raise RuntimeError(f"{who}: output of function f should be a tuple: (output, aux) if has_aux is True")
    for x in tree_flatten(out[1])[0]:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(x)}")
    return out


def pull(outs: Sequence[Any], cotangents: Sequence[Tensor], inputs: Sequence[Tensor], level: Level, keep: bool) -> list[Any]:
    """The gradients, one level below `level`, with respect to its inputs; zeros where there is no path."""
    roots, vectors = [], []
    for o, c in zip(outs, cotangents, strict=True):
        edge = edge_of(o) if isinstance(o, Tensor) and o._level == level.number else None
        if edge is not None:
            roots.append(edge)
            vectors.append(c)
    with changed_mode(grad=level.grad_outside):
        found: list[Any] = [None] * len(inputs)
        if roots:
            found = engine.run(roots, vectors, keep=keep, inputs=inputs, accumulate=False, down=True)
        return [ops.zeros_like(x._data) if g is None else g for g, x in zip(found, inputs, strict=True)]


# ---------------------------------------------------------------- reverse mode


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives (gradient, value) of the scalar function `func`."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with entered(Level("grad")) as level:
            chosen = picked(args, argnums)
            tracked = track(chosen, level.number)
            others = args
            with changed_mode(grad=True):
                out = func(*replaced(others, argnums, tracked), **kwargs)
            out, aux = split_aux(out, has_aux, "grad_and_value(f)(*args)")
            if not isinstance(out, Tensor):
                raise RuntimeError(
                    f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(out)}"
                )
            if out.ndim != 0:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{out.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            engine.check_scalar(1, out.dtype)
            inputs, spec = tree_flatten(tracked)
            value = untrack(out, level.number)
            with changed_mode(grad=level.grad_outside):
                one = ops.ones_like(value)
            found = tree_unflatten(pull([out], [one], inputs, level, keep=False), spec)
            if has_aux:
                return found, (value, untrack(aux, level.number))
            return found, value

    ENTRIES.add(wrapper.__code__)  # type: ignore[attr-defined]
    return wrapper


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives the gradient of the scalar function `func` with respect to argument `argnums`.

    >>> import wengert as torch
    >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), a function from cotangents of the outputs to those of the primals[, aux])"""
    level = Level("grad")
    level.reopens = True
    with entered(level):
        tracked = track(primals, level.number)
        inputs, spec = tree_flatten(tracked)
        with changed_mode(grad=True):
            out = func(*tracked)
        out, aux = split_aux(out, has_aux, "vjp(f, *primals)")
        outs, out_spec = tree_flatten(out)
        _only_tensors(outs, "vjp(f, *primals)")
        for o in outs:
            if o.dtype.category < 2:
                raise RuntimeError(
                    f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype {o.dtype}"
                )
        values = untrack(out, level.number)

    def wrapper(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        flat, given_spec = tree_flatten(cotangents)
        if given_spec != out_spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. "
                f"cotangents: {stars(given_spec)}, primal output: {stars(out_spec)}"
            )
        for i, (o, c) in enumerate(zip(outs, flat, strict=True)):
            if not isinstance(c, Tensor):
                raise TypeError(f"gradients can be either Tensors or None, but got {type(c).__name__}")
            if c.dtype is not o.dtype:
                flat[i] = ops.to_dtype(c, o.dtype.np)
            if tuple(o.shape) != tuple(c.shape):
                raise RuntimeError(
                    f"Mismatch in shape: grad_output[{i}] has a shape of {c.shape} and output[{i}] has a shape of {o.shape}."
                )
        with _reopened(level):
            found = pull(outs, flat, inputs, level, keep=retain_graph)
        return tree_unflatten(found, spec)

    return (values, wrapper, untrack(aux, level.number)) if has_aux else (values, wrapper)


def stars(spec: TreeSpec) -> str:
    """A structure with `*` for each leaf."""
    return repr(tree_unflatten([_Star()] * spec.num_leaves, spec))


class _Star:
    def __repr__(self) -> str:
        return "*"


class _reopened:
    """The level of a vjp is alive again while its pullback runs."""

    def __init__(self, level: Level) -> None:
        self.level = level

    def __enter__(self) -> None:
        self.before = LIVE.get(self.level.number)
        LIVE[self.level.number] = self.level
        self.grad_before = self.level.grad_outside
        self.level.grad_outside = mode().grad

    def __exit__(self, *exc: object) -> None:
        self.level.grad_outside = self.grad_before
        if self.before is None:
            LIVE.pop(self.level.number, None)


def _only_tensors(values: Sequence[Any], who: str) -> None:
    if not values or values == [None]:
        raise RuntimeError(f"{who}: Expected f to be a function that has non-empty output (got output = {values})")
    for v in values:
        if not isinstance(v, Tensor):
            raise RuntimeError(f"{who}: expected f(*primals) to return only tensors, got unsupported type {type(v)}")


# ---------------------------------------------------------------- forward mode


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """(func(*primals), its derivative in the direction `tangents`[, aux]); both are tuples."""
    return jvp_at(func, primals, tangents, None, has_aux, strict)


def jvp_at(
    func: Any, primals: Any, tangents: Any, argnums: Argnums | None, has_aux: bool, strict: bool = False
) -> Any:
    """`jvp` with respect to some arguments only."""
    who = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{who}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    diff = primals if argnums is None else picked(primals, argnums)
    flat, spec = tree_flatten(diff)
    ts, t_spec = tree_flatten(tangents)
    if spec != t_spec:
        raise RuntimeError(
            f"{who}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple "
            f"of 3 tensors, tangents also must be. Got primals with structure {spec} and tangents with structure {t_spec}"
        )
    for what, leaves in (("primals", flat), ("tangents", ts)):
        if not leaves:
            raise RuntimeError(f"{who}: Expected {what} to contain at least one Tensor.")
        for x in leaves:
            if not isinstance(x, Tensor):
                raise RuntimeError(f"{who}: Expected {what} to only contain Tensors, got {type(x)}")
    for p, t in zip(flat, ts, strict=True):
        for what, x in (("primal", p), ("tangent", t)):
            if x.dtype.category < 2:
                raise ValueError(f"Expected {what} to be floating point or complex, but got: {x.dtype}")
        if tuple(p.shape) != tuple(t.shape):
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
                f"supported. Tensor is of size {list(p.shape)} while the given forward gradient is of size {list(t.shape)}."
            )
    with entered(Level("jvp")) as level, changed_mode(forward_grad=True):
        number = level.number
        duals = tree_unflatten([dual(p, t, number) for p, t in zip(flat, ts, strict=True)], spec)
        out = func(*(duals if argnums is None else replaced(primals, argnums, duals)))
        out, aux = split_aux(out, has_aux, who)
        outs, out_spec = tree_flatten(out)
        _only_tensors(outs, who)
        values, derivatives = [], []
        for o in outs:
            if o._level == number:
                t = o._tangent
                values.append(o._data)
                derivatives.append(ops.zeros_like(o._data) if t is None else t)
            elif strict:
                raise RuntimeError(
                    "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not "
                    "allowed with strict=True."
                )
            else:
                values.append(o)
                derivatives.append(ops.zeros_like(o))
        result = tree_unflatten(values, out_spec), tree_unflatten(derivatives, out_spec)
        return (*result, untrack(aux, number)) if has_aux else result


ENTRIES.update((vjp.__code__, jvp_at.__code__))


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(func(*primals), the linear function from tangents of the primals to tangents of the outputs)"""
    flat, spec = tree_flatten(primals)
    for p in flat:
        if isinstance(p, Tensor) and p.dtype.category < 2:
            raise ValueError(f"Expected primal to be floating point or complex, but got: {p.dtype}")
    out = func(*primals)

    def pushforward(*tangents: Any) -> Any:
        ts, t_spec = tree_flatten(tangents)
        if t_spec != spec:
            raise RuntimeError(f"Expected the tangents {t_spec} to have the same argspec as the primals {spec}")
        for i, (p, t) in enumerate(zip(flat, ts, strict=True)):
            if tuple(p.shape) != tuple(t.shape):
                raise RuntimeError(
                    f"tangent:{i} with shape {t.shape} in flattened pytree doesn't match the shape {p.shape} of the "
                    "corresponding primal."
                )
            if p.dtype is not t.dtype:
                raise RuntimeError(
                    f"tangent:{i} with dtype {t.dtype} in flattened pytree doesn't match the dtype {p.dtype} of the "
                    "corresponding primal."
                )
        return jvp(func, primals, tangents)[1]

    return out, pushforward


# ---------------------------------------------------------------- Jacobians


def basis(xs: Sequence[Tensor]) -> list[Tensor]:
    """For tensors of n elements in all: n one-hot vectors, cut up and shaped like them."""
    sizes = [int(x.numel()) for x in xs]  # type: ignore[attr-defined]
    total = sum(sizes)
    if len(xs) == 1:
        return [ops.eye(total, dtype=xs[0].dtype).view(total, *xs[0].shape)]
    out, start = [], 0
    for x, n in zip(xs, sizes, strict=True):
        eye = ops.zeros((total, n), dtype=x.dtype)
        eye._data[range(start, start + n), range(n)] = 1
        out.append(eye.view(total, *x.shape))
        start += n
    return out


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:  # fmt: skip
    """The Jacobian of `func` by reverse mode: shape of output x shape of input."""
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapper(*args: Any) -> Any:
        checked_argnums(argnums, len(args))
        chosen = picked(args, argnums)

        def of_chosen(*xs: Any) -> Any:
            return func(*replaced(args, argnums, xs[0] if isinstance(argnums, int) else xs))

        primals = (chosen,) if isinstance(argnums, int) else chosen
        result = vjp(of_chosen, *primals, has_aux=has_aux)
        out, pullback = result[0], result[1]
        outs, out_spec = tree_flatten(out)
        vectors = basis(outs)
        total = int(vectors[0].shape[0])

        def pulled(*cotangents: Any) -> Any:
            return pullback(tree_unflatten(list(cotangents), out_spec))

        if total > 1:
            rows = vmap(pulled, chunk_size=chunk_size)(*vectors)
        elif total:  # one row needs no batch
            rows = tree_map(lambda g: ops.unsqueeze(g, dim=0), pulled(*[v[0] for v in vectors]))
        else:
            rows = tree_map(lambda x: ops.zeros((0, *x.shape), dtype=x.dtype), primals)
        flat_rows, in_spec = tree_flatten(rows)
        per_output: list[list[Any]] = [[] for _ in outs]
        for r in flat_rows:
            parts = r.split([int(o.numel()) for o in outs], 0) if len(outs) > 1 else (r,)
            for i, (o, part) in enumerate(zip(outs, parts, strict=True)):
                per_output[i].append(part.view((*o.shape, *r.shape[1:])))
        trees = []
        for parts in per_output:
            tree = tree_unflatten(parts, in_spec)
            trees.append(tree[0] if isinstance(argnums, int) else tree)
        jac = tree_unflatten_trees(trees, out_spec)
        return (jac, result[2]) if has_aux else jac

    return wrapper


def tree_unflatten_trees(trees: list[Any], spec: TreeSpec) -> Any:
    """A tree whose leaves are trees."""
    return trees[0] if spec.is_leaf() else tree_unflatten(trees, spec)


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The Jacobian of `func` by forward mode: shape of output x shape of input."""

    @functools.wraps(func)
    def wrapper(*args: Any) -> Any:
        checked_argnums(argnums, len(args))
        chosen = picked(args, argnums)
        flat, in_spec = tree_flatten(chosen)
        vectors = basis(flat)
        aux: list[Any] = []

        def push(*ts: Any) -> Any:
            result = jvp_at(func, args, tree_unflatten(list(ts), in_spec), argnums, has_aux)
            if has_aux:
                aux[:] = [result[2]]
            return result[1]

        out = vmap(push, randomness=randomness, out_dims=-1)(*vectors)
        outs, out_spec = tree_flatten(out)
        trees = []
        for o in outs:
            shape = tuple(o.shape)[:-1]
            parts = o.split([int(x.numel()) for x in flat], -1) if len(flat) > 1 else (o,)
            pieces = [p.reshape((*shape, *x.shape)) for p, x in zip(parts, flat, strict=True)]
            trees.append(tree_unflatten_trees(pieces, in_spec))
        jac = tree_unflatten_trees(trees, out_spec)
        return (jac, aux[0]) if has_aux else jac

    return wrapper


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The Hessian of a scalar function: forward mode over reverse mode.

    >>> import wengert as torch
    >>> torch.func.hessian(lambda x: (x ** 3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """`func` itself: in-place operations and views are recorded as functional writes anyway."""
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove!r}. Valid options are: "
            "remove='mutations', remove='mutations_and_views'"
        )
    return func


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The tensor below the values of transforms; only for looking at it while debugging."""
    if not isinstance(tensor, Tensor):
        raise AssertionError(f"Expected a tensor, got {type(tensor)}")
    while tensor._level:
        tensor = tensor._data
        if not recurse:
            break
    return tensor
