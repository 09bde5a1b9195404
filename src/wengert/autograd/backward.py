"""`backward` and `grad`: the public entrances of the engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core import engine
from ..core.captured import BACKWARD, refuse_inside
from ..core.dispatch import edge_of
from ..core.errors import warn, warn_once
from ..core.graph import LEAF, VIEW, Edge, to_edge
from ..core.levels import LIVE, Dual, dual, unwrap
from ..core.primitive import ops
from ..core.tensor import PLAIN, Tensor, wrap
from .edges import GradientEdge, described

Output = Any  # Tensor | GradientEdge

GRAPH_CYCLE = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
    "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
    "have to use this function, make sure to reset the .grad fields of your parameters to None after use to break the "
    "cycle and avoid the leak."
)


def as_tuple(x: Any) -> tuple[Any, ...]:
    """One tensor (or edge), or a sequence of them, as a tuple."""
    if isinstance(x, (Tensor, GradientEdge)):
        return (x,)
    return tuple(x)


def edge_from(x: Output) -> Edge:
    """The edge of a tensor or a GradientEdge."""
    if isinstance(x, GradientEdge):
        return to_edge(x.node, x.output_nr)
    if not isinstance(x, Tensor):
        raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(x).__name__}")
    return edge_of(x)


def initial_grads(
    outputs: Sequence[Output], grads: Sequence[Any], batched: bool = False, fresh: bool = False
) -> list[Tensor]:
    """The gradients to start from: those given, checked, or ones for scalars. `fresh`: the user will see their memory."""
    result: list[Tensor] = []
    for i, (out, g) in enumerate(zip(outputs, grads, strict=True)):
        if isinstance(g, Tensor):
            check_grad(i, described(out) if isinstance(out, GradientEdge) else out, g, batched)
            result.append(g)
        elif g is None:
            if isinstance(out, Tensor) and not out.requires_grad:
                result.append(out)  # refused by root_edges, with the better message
                continue
            if isinstance(out, GradientEdge):
                like = described(out)
                engine.check_scalar(math.prod(like.shape), like.dtype)
                result.append(wrap(engine.np.ones(like.shape, like.dtype.np)))
            elif not isinstance(out, Tensor):
                raise AssertionError("Expected output to be a torch.Tensor")
            elif out._level == 0 and out.__class__ in PLAIN:
                data = out._data
                if data.size != 1 or data.dtype.kind == "c":
                    engine.check_scalar(data.size, out.dtype)
                result.append(wrap(engine.np.ones(data.shape, data.dtype) if fresh else _one(data)))
            else:
                engine.check_scalar(out.numel(), out.dtype)  # type: ignore[attr-defined]
                result.append(ops.ones_like(out))
        else:
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
    return result


_ones: dict[Any, Any] = {}


def _one(data: Any) -> Any:
    if data.ndim == 0:
        known = _ones.get(data.dtype)
        if known is None:
            known = _ones[data.dtype] = engine.np.ones((), data.dtype)
            known.flags.writeable = False
        return known
    return engine.np.ones(data.shape, data.dtype)


def check_grad(i: int, out: Any, g: Tensor, batched: bool) -> None:
    """Shape and realness of a given gradient must be those of its output."""
    have = tuple(g.shape)[1:] if batched else tuple(g.shape)
    if have != tuple(out.shape):
        if batched:
            raise RuntimeError(
                f"If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                "dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                f"output, but a mismatch was detected: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a "
                f"shape of {out.shape}. If you only want some tensors in `grad_output` to be considered batched, "
                "consider using vmap."
            )
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a shape of {out.shape}."
        )
    if out.dtype.is_complex != g.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[{i}] has a dtype of {g.dtype} and output[{i}] has a dtype of {out.dtype}."
        )


def zeros_for(x: Tensor, create: bool) -> Tensor:
    """The gradient of an input that was not used: zeros, that may be differentiated under `create_graph`."""
    zeros: Tensor = ops.zeros_like(x)
    return zeros.requires_grad_() if create and zeros._level == 0 else zeros


def root_edges(outputs: Sequence[Output]) -> list[Edge]:
    """The edges to start from; every output must be differentiable."""
    edges = []
    for i, out in enumerate(outputs):
        e = edge_from(out)
        if e is None:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        edges.append(e)
    return edges


def fitted_grads(outputs: Sequence[Output], grads: Sequence[Tensor], create: bool) -> list[Tensor]:
    """Gradients in their outputs' dtypes."""
    result = []
    for out, g in zip(outputs, grads, strict=True):
        if isinstance(out, Tensor) and g.dtype is not out.dtype:
            g = g.to(out.dtype)  # type: ignore[attr-defined]
        result.append(g)
    return result


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Accumulate the gradients of `tensors` into the `grad` of the leaves (or of `inputs` only).

    `grad_tensors`: the vectors of the vector-Jacobian products; may be left out for scalars.
    """
    if LIVE:
        refuse_inside(BACKWARD)
    if grad_variables is not None:
        warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning)
        if grad_tensors is None:
            grad_tensors = grad_variables
        else:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
    goals = None
    if inputs is not None:
        goals = as_tuple(inputs)
        if not goals:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    outputs = as_tuple(tensors)
    given = [None] * len(outputs) if grad_tensors is None else list(as_tuple(grad_tensors))
    if grad_tensors is None and retain_graph is None and not create_graph and goals is None and len(outputs) == 1:
        out = outputs[0]
        if out.__class__ in PLAIN:  # the training loop's loss.backward()
            fn = out._fn
            if fn is not None and fn is not VIEW:
                data = out._data
                if data.ndim == 0 and data.dtype.kind == "f":
                    engine.run((out if fn is LEAF else fn,), (wrap(_one(data)),))
                else:
                    engine.run((edge_of(out),), initial_grads(outputs, given))
                return
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    keep = create_graph if retain_graph is None else retain_graph
    grads = initial_grads(outputs, given, fresh=create_graph)
    edges = root_edges(outputs)
    wanted: list[Edge] | None = None
    if goals is not None:
        wanted = [edge_from(g) for g in goals]
        for g in goals:
            if isinstance(g, Tensor) and not g.is_leaf:
                g.retain_grad()  # type: ignore[attr-defined]
            elif isinstance(g, Tensor) and not g.requires_grad:
                raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if create_graph:
        warn_once(GRAPH_CYCLE)
    grads = fitted_grads(outputs, grads, create_graph)
    engine.run(edges, grads, keep=keep, create=create_graph, inputs=wanted, accumulate=True)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The sums of gradients of `outputs` with respect to `inputs`, as a tuple; `.grad` is not touched.

    `inputs` and `outputs` may be GradientEdges. `is_grads_batched`: the first dimension of each of `grad_outputs` is a
    batch of vectors, for which one vectorised backward runs.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    outs, ins = as_tuple(outputs), as_tuple(inputs)
    if not only_inputs:
        warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other "
            "parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
        )
    given = [None] * len(outs) if grad_outputs is None else list(as_tuple(grad_outputs))
    if len(given) != len(outs):
        raise RuntimeError(f"got {len(outs)} tensors and {len(given)} gradients")
    keep = create_graph if retain_graph is None else retain_graph
    if any(isinstance(x, Dual) and x._level in LIVE for x in (*outs, *ins, *given)):
        options = dict(allow_unused=allow_unused, is_grads_batched=is_grads_batched, materialize_grads=materialize_grads)
        return grad_of_duals(outs, ins, given, keep, create_graph, options)
    grads = initial_grads(outs, given, is_grads_batched, fresh=create_graph)
    edges = root_edges(outs)
    if not ins:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    wanted: list[Edge] = []
    for x in ins:
        e = edge_from(x)
        if e is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        wanted.append(e)
    grads = fitted_grads(outs, grads, create_graph)

    def run(vectors: Sequence[Tensor]) -> list[Any]:
        return engine.run(edges, vectors, keep=keep, create=create_graph, inputs=wanted, accumulate=False)

    if is_grads_batched:
        from ..func.vmap import vmap_list

        result = vmap_list(run, grads)
    else:
        result = run(grads)
    for i, g in enumerate(result):
        if g is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
    if materialize_grads:
        if any(g is None and isinstance(x, GradientEdge) for g, x in zip(result, ins, strict=True)):
            raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
        result = [zeros_for(x, create_graph) if g is None else g for g, x in zip(result, ins, strict=True)]
    return tuple(result)


def grad_of_duals(
    outs: Sequence[Any], ins: Sequence[Any], given: Sequence[Any], keep: bool, create_graph: bool, options: dict[str, Any]
) -> tuple[Any, ...]:
    """`grad` of dual numbers (forward over reverse): the tangent of a gradient is the gradient of the tangent."""
    level = max(x._level for x in (*outs, *ins, *given) if isinstance(x, Dual))
    below = [unwrap(x, level) for x in ins]
    values = [unwrap(o, level) for o in outs]
    vectors = [unwrap(v, level) for v in given]
    primals = grad(values, below, vectors, retain_graph=True, create_graph=create_graph, **options)
    options = {**options, "allow_unused": True, "materialize_grads": False}
    pieces: list[tuple[Any, ...]] = []
    for tangents, weights in (
        ([o._tangent if isinstance(o, Dual) and o._level == level else None for o in outs], vectors),
        (values, [v._tangent if isinstance(v, Dual) and v._level == level else None for v in given]),
    ):
        use = [
            (t, w)
            for t, w in zip(tangents, weights, strict=True)
            if isinstance(t, Tensor) and t.requires_grad and (tangents is not values or w is not None)
        ]
        if use:
            roots, weights = [t for t, _ in use], [w for _, w in use]
            pieces.append(grad(roots, below, weights, retain_graph=True, create_graph=create_graph, **options))
    result = []
    for i, p in enumerate(primals):
        found = [piece[i] for piece in pieces if piece[i] is not None]
        result.append(p if p is None or not found else dual(p, found[0] if len(found) == 1 else found[0] + found[1], level))
    if not keep:  # the second pass needed what the first would have freed
        for node in engine.reachable(root_edges([v for v in values if v.requires_grad])):
            node.release()
    return tuple(result)
