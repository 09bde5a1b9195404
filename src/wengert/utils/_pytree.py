"""torch.utils._pytree, as programs import it."""

from __future__ import annotations

from ..func.pytree import *  # noqa: F403
from ..func.pytree import LeafSpec, TreeSpec, _register_pytree_node
from ..func.pytree_paths import *  # noqa: F403

PyTree = object
PyTreeSpec = TreeSpec

__all__ = ["LeafSpec", "PyTreeSpec", "TreeSpec", "_register_pytree_node"]
