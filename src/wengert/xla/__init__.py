"""`wengert.compile`: functions traced on the ordinary tape and compiled by XLA, through JAX (extra `wengert[xla]`)."""

from __future__ import annotations

import jax

# calls return with their results ready: small programs need no second thread, and host arrays can be handed in uncopied
jax.config.update("jax_cpu_enable_async_dispatch", False)

from .compiled import Compiled  # noqa: E402

__all__ = ["Compiled"]
