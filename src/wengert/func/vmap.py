"""`vmap`: a function of one example becomes a function of a batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..core.levels import Level, batched, entered
from ..core.primitive import ops
from ..core.tensor import Tensor
from .pytree import TreeSpec, broadcast_prefix, tree_flatten, tree_unflatten

InDims = Any
OutDims = Any


def name_of(func: Callable[..., Any]) -> str:
    """What messages call a function."""
    if hasattr(func, "__name__"):
        return func.__name__
    if isinstance(func, functools.partial):
        return f"functools.partial({name_of(func.func)}, ...)"
    return repr(func)


def vmap(
    func: Callable[..., Any],
    in_dims: InDims = 0,
    out_dims: OutDims = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """`func` over a batch: `in_dims` (an int, None, or a tree of them like the arguments) says which dimension of each
    tensor is the batch, `out_dims` where it goes. `randomness`: "error", "same" or "different" for each example.
    `chunk_size`: run the batch in pieces of that size.

    >>> import wengert as torch
    >>> torch.func.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        size, dims, leaves, spec = check_inputs(in_dims, args, func)
        if chunk_size is not None and chunk_size < size:
            return in_chunks(func, dims, leaves, spec, out_dims, randomness, kwargs, size, chunk_size)
        return run(func, size, dims, leaves, spec, out_dims, randomness, kwargs)

    return wrapped


def check_inputs(in_dims: Any, args: tuple[Any, ...], func: Any) -> tuple[int, list[Any], list[Any], TreeSpec]:
    """The batch size, the dimension for each leaf, the leaves and their structure; PyTorch's errors."""
    name = name_of(func)
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a (potentially nested) tuple "
            f"matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree_flatten(args)
    dims = broadcast_prefix(in_dims, spec, lambda x: x is None)
    if dims is None:
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure of `inputs`. "
            f"in_dims has structure {tree_flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    fixed: list[Any] = []
    for x, d in zip(leaves, dims, strict=True):
        if d is None:
            fixed.append(None)
            continue
        if not isinstance(d, int):
            raise ValueError(
                f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={d} for an input but in_dim must be either an "
                "integer dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={d} for an input but the input is of type "
                f"{type(x)}. We cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
            )
        n = x.ndim
        if not -n <= d < n:
            raise ValueError(
                f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={d} for some input, but that input is a Tensor "
                f"of dimensionality {n} so expected in_dim to satisfy -{n} <= in_dim < {n}."
            )
        fixed.append(d % n)
    sizes = [int(x.shape[d]) for x, d in zip(leaves, fixed, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(s != sizes[0] for s in sizes):
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0], fixed, leaves, spec


def run(
    func: Any, size: int, dims: Sequence[Any], leaves: Sequence[Any], spec: TreeSpec, out_dims: Any, randomness: str,
    kwargs: dict[str, Any],
) -> Any:  # fmt: skip
    """One level of batching."""
    with entered(Level("vmap", size, randomness)) as level:
        number = level.number
        args = tree_unflatten(
            [x if d is None else batched(x, d, number) for x, d in zip(leaves, dims, strict=True)], spec
        )
        out = func(*args, **kwargs)
        return unbatch(out, out_dims, level, func)


def unbatch(out: Any, out_dims: Any, level: Level, func: Any) -> Any:
    """The results of the function with the batch dimension where `out_dims` wants it."""
    name = name_of(func)
    leaves, spec = tree_flatten(out)
    for x in leaves:
        if not isinstance(x, Tensor) and out_dims is not None and not isinstance(out_dims, tuple):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. Did you mean to set out_dims= to "
                "None for output?"
            )
    if isinstance(out_dims, (int, type(None))):
        wanted: list[Any] | None = [out_dims] * len(leaves)
    elif spec.is_leaf() and isinstance(out_dims, tuple) and len(out_dims) == 1:
        wanted = [out_dims[0]]
    else:
        wanted = broadcast_prefix(out_dims, spec, lambda x: x is None)
    if not all(d is None or isinstance(d, int) for d in tree_flatten(out_dims)[0]):
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of ints "
            "representing where in the outputs the vmapped dimension should appear."
        )
    if wanted is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {tree_flatten(out_dims)[1]} but outputs has structure {spec}."
        )
    return tree_unflatten(
        [remove_dim(x, d, level, name) for x, d in zip(leaves, wanted, strict=True)], spec
    )


def remove_dim(x: Any, d: int | None, level: Level, name: str) -> Any:
    """One result with its batch dimension shown at `d`."""
    mapped = isinstance(x, Tensor) and x._level == level.number
    if d is None:
        if mapped:
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
        return x
    if not isinstance(x, Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. Did you mean to set out_dims= to "
            "None for output?"
        )
    n = x.ndim
    if not -(n + 1) <= d <= n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-(n + 1)}, {n}], but got {d})")
    d %= n + 1
    if not mapped:
        shape = tuple(x.shape)
        return ops.expand(ops.unsqueeze(x, dim=d), size=(*shape[:d], level.size, *shape[d:]))
    value, at = x._data, x._bdim  # type: ignore[attr-defined]
    return value if at == d else value.movedim(at, d)


def in_chunks(
    func: Any, dims: Any, leaves: Any, spec: TreeSpec, out_dims: Any, randomness: str, kwargs: Any, size: int, chunk: int
) -> Any:
    """The batch in pieces, the results put together."""
    if randomness == "same":
        from ..core.generator import get_rng_state, set_rng_state

        state = get_rng_state()
    pieces = []
    for start in range(0, size, chunk):
        n = min(chunk, size - start)
        part = [x if d is None else x.narrow(d, start, n) for x, d in zip(leaves, dims, strict=True)]
        if randomness == "same":
            set_rng_state(state)
        pieces.append(tree_flatten(run(func, n, dims, part, spec, out_dims, randomness, kwargs)))
    out_spec = pieces[0][1]
    columns = list(zip(*[leaves for leaves, _ in pieces], strict=True))
    wanted = (
        [out_dims] * len(columns)
        if isinstance(out_dims, (int, type(None)))
        else broadcast_prefix(out_dims, out_spec, lambda x: x is None) or [out_dims[0]]
    )
    joined = [c[0] if d is None else ops.cat(list(c), d) for c, d in zip(columns, wanted, strict=True)]
    return tree_unflatten(joined, out_spec)


def vmap_list(fn: Callable[[list[Tensor]], list[Any]], grads: Sequence[Tensor]) -> list[Any]:
    """`fn` over the first dimension of each of `grads`; None results stay None (batched vector-Jacobian products)."""
    with entered(Level("vmap", int(grads[0].shape[0]), "same")) as level:
        out = fn([batched(g, 0, level.number) for g in grads])
        return [None if x is None else remove_dim(x, 0, level, "vjp") for x in out]
