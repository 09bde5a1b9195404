"""`Variable`, the name of tensors in old programs."""

from __future__ import annotations

from typing import Any

from ..core import engine
from ..core.tensor import Tensor


class _Engine:
    """What programs reach as `Variable._execution_engine`."""

    @staticmethod
    def queue_callback(fn: Any) -> None:
        """Call `fn()` when the running backward is done."""
        engine.queue_callback(fn)


class _VariableMeta(type):
    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(tensor, requires_grad=False)` gives the tensor itself."""

    _execution_engine = _Engine()

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: Any = None) -> Any:
        if volatile is not None:
            from ..core.errors import warn

            warn("volatile was removed (Variable.volatile is always False), use with torch.no_grad(): instead.")
        out = data.detach()  # type: ignore[attr-defined]
        return out.requires_grad_(requires_grad)
