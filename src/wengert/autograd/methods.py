"""The methods of Tensor that belong to autograd: backward, hooks, retain_grad, detach_."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from ..core.captured import BACKWARD, refuse_captured, refuse_inside
from ..core.dispatch import edge_of
from ..core.graph import endpoint
from ..core.hooks import RemovableHandle, leaf_hooks
from ..core.modes import LIVE
from ..core.tensor import Tensor
from .backward import backward as autograd_backward


def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Accumulate the gradient of this tensor into the leaves of its graph.

    `gradient`: the vector of the vector-Jacobian product, of this tensor's shape; needed unless it has one element.
    """
    if LIVE:
        refuse_inside(BACKWARD)
    autograd_backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call `hook(grad)` whenever the gradient of this tensor is computed; it may return another. -> removal handle"""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    edge = edge_of(self)
    if edge is None or isinstance(edge, Tensor):
        return RemovableHandle.add(leaf_hooks(self).tensor, hook)
    node, nr = endpoint(edge)
    assert node is not None
    table = node.own_hooks().tensor
    if nr not in table:
        from collections import OrderedDict

        table[nr] = OrderedDict()
    return RemovableHandle.add(table[nr], hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call `hook(tensor)` after a gradient was accumulated into `tensor.grad`. Leaves only. -> removal handle"""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return RemovableHandle.add(leaf_hooks(self).post, hook)


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this non-leaf in `grad`. Nothing to do for a leaf."""
    if not self.requires_grad:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    edge = edge_of(self)
    if edge is None or isinstance(edge, Tensor):
        return
    self._retains = True  # type: ignore[attr-defined]
    node, nr = endpoint(edge)
    assert node is not None
    node.own_hooks().retain[nr] = ref(self)


def detach_(self: Tensor) -> Tensor:
    """Cut this tensor off the graph, in place. Views are refused."""
    if LIVE:
        refuse_captured(self)
    if self._view is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
            "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
            "detach_() cannot be called on these gradients. To fix this error, please refer to the "
            "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
        )
    self._fn = None
    return self


def _install(names: Sequence[Callable[..., Any]]) -> None:
    for fn in names:
        setattr(Tensor, fn.__name__, fn)


_install((backward, register_hook, register_post_accumulate_grad_hook, retain_grad, detach_))
