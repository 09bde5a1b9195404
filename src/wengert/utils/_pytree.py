"""torch.utils._pytree, as programs import it."""

from __future__ import annotations

from ..func.pytree import *  # noqa: F403
from ..func.pytree import LeafSpec, TreeSpec, _register_pytree_node

PyTree = object

__all__ = ["LeafSpec", "TreeSpec", "_register_pytree_node"]
