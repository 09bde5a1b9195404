"""What `compiler.explain` tells about a compiled function."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .compiled import Compiled
from .entry import Entry
from .inputs import Draw, Number
from .places import SCALARS


class Explanation:
    """What one program of a function is made of. Printing it gives the text.

    `captured`: the inputs, in words; `guards`: the Python values that it depends on; `operations`: how many were traced;
    `trace_seconds`, `compile_seconds`; `on_host`: operations that XLA calls back for; `recompilations`: why there are
    other programs; `reason`: why it runs eagerly, or None.
    """

    def __init__(self, compiled: Compiled, entry: Entry) -> None:
        from ..kernels.jax import ON_HOST

        self.name = compiled.name
        self.reason = entry.reason
        self.programs = len(compiled.entries)
        self.operations = entry.operations
        self.recompilations = list(compiled.misses)
        program = entry.program
        self.captured: list[str] = []
        self.guards = [
            f"{p.name} == {v!r}" if isinstance(v, SCALARS) else f"{p.name} is the same {type(v).__name__}"
            for p, v in entry.guards
        ]
        self.numbers = [p.name for p in entry.numbers]
        self.on_host = sorted(ON_HOST & entry.names)
        self.trace_seconds = self.compile_seconds = 0.0
        if program is not None:
            self.compile_seconds = program.seconds
            self.trace_seconds = entry.seconds - program.seconds
            for r in program.changing:
                self.captured.append(f"state: {len(r.members)} tensor(s), {r.size} elements of {r.dtype}")
            for r in program.reading:
                self.captured.append(f"read from XLA's memory: {len(r.members)} tensor(s), {r.size} elements of {r.dtype}")
            self.captured += [described(program.inputs[n]) for n in program.feeds]

    def __str__(self) -> str:
        if self.reason is not None:
            return f"{self.name} runs eagerly:\n{self.reason}"
        lines = [
            f"{self.name}: {self.operations} operations in one program of {self.programs}",
            f"  traced in {self.trace_seconds:.2f} s, compiled in {self.compile_seconds:.2f} s",
            "  inputs:", *("    " + c for c in self.captured),
        ]  # fmt: skip
        if self.numbers:
            lines.append("  numbers that may change without compiling again: " + ", ".join(self.numbers))
        if self.on_host:
            lines.append("  called back on the host: " + ", ".join(self.on_host))
        lines.append(f"  guards: {len(self.guards)}")
        lines += ["    " + g for g in self.guards[:20]] + (["    ..."] if len(self.guards) > 20 else [])
        if self.recompilations:
            lines.append("  compiled again because:")
            lines += ["    " + m for m in self.recompilations]
        return "\n".join(lines)

    __repr__ = __str__


def described(source: Any) -> str:
    shape, dtype = source.aval
    what = source.source
    if what.__class__ is Draw:
        kind = "random numbers"
    elif what.__class__ is Number:
        kind = f"the number {what.place.name}"
    elif isinstance(what, Tensor):
        kind = "tensor"
    else:
        kind = "value"
    return f"{kind}: {np.dtype(dtype)}{list(shape)}"


def explanation(compiled: Any, args: Any, kwargs: Any) -> Explanation:
    """The explanation of the program that ran last."""
    if not isinstance(compiled, Compiled):
        raise RuntimeError("torch.compile: JAX is not installed, so there is nothing to explain")
    if not compiled.entries:
        compiled(*args, **kwargs)  # the first call made the optimizers' state
    return Explanation(compiled, compiled.entries[0])


__all__ = ["Explanation", "explanation"]
