"""`wengert.compile`: functions traced on the ordinary tape and compiled by XLA, through JAX (extra `wengert[xla]`).

A map, in the order in which things happen:

- A call: `compiled` chooses a program or has one made. `entry` is a program with its guards, and what is done around it;
  `straight` generates the code of a usual call. `signature` is what arguments must look like.
- The Python state that a function reads and changes: `reach` finds it (`places`, `users`, `opaque`, `hooks`), `guards`
  generates the check that it is as it was, `counts` are the numbers that it changes.
- A trace: `trace` runs the function once, `tracer` does its operations (`operands`, `indices`, `random`), on `arrays`,
  behind the `slots` of Tensor; `inputs` and `draws` are what it reads from outside, `effects` and `untraceable` what ends it.
- From the trace to the program: `collected` is what the function made (`aliases`: results that share memory), `derivative`
  its gradients, `loops` rolls up what repeats (`flat`, `repeats`, `turns`), `assembly` puts it together.
- `program` is what XLA compiles, `backward` the second one of a function under autograd and their node on the tape,
  `devices` where they run.
- Between calls: `state` keeps tensors in XLA's buffers, `feeds` hands the others in.
- `explanation` tells it all.
"""

from __future__ import annotations

import jax

# calls return with their results ready: small programs need no second thread
jax.config.update("jax_cpu_enable_async_dispatch", False)

from .compiled import Compiled  # noqa: E402

__all__ = ["Compiled"]
