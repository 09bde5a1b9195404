"""GradientEdge: an edge of the graph as users hold it."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core.dispatch import edge_of
from ..core.graph import AccumulateGrad, InputMetadata, Node, accumulator, endpoint
from ..core.tensor import Tensor


class GradientEdge(NamedTuple):
    """A place in the graph: output `output_nr` of `node`. Accepted as input or output of `autograd.grad`."""

    node: Node
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge at which the gradient of `tensor` is computed."""
    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    if isinstance(edge, Tensor):
        return GradientEdge(accumulator(edge), 0, None)
    node, nr = endpoint(edge)
    assert node is not None
    node.describe_output(nr, tensor.shape, tensor.dtype)
    return GradientEdge(node, nr, None)


def described(edge: GradientEdge) -> InputMetadata:
    """Shape and dtype of the gradient that arrives at `edge`."""
    known = edge.node._input_metadata
    return known[0] if isinstance(edge.node, AccumulateGrad) else edge.node._described[edge.output_nr]
