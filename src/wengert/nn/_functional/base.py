"""What the functional modules share: the operations by name."""

from __future__ import annotations

from typing import Any

from ...core.primitive import ops
from ...core.tensor import Tensor
from ...ops.install import FUNCTIONS


class Operations:
    """`T.name` is the operation of that name; looked up at first use, because ops may be installed later.

    Errors: NotImplementedError, naming the operation, where there is none.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # a tool's probe for a protocol, such as `__wrapped__`
            raise AttributeError(name)
        found = self.need(name)
        setattr(self, name, found)
        return found

    def need(self, name: str) -> Any:
        """The operation of that name, which may have dots: `linalg.qr`."""
        found = self.find(name)
        if found is None:
            raise NotImplementedError(f"torch.{name} is not implemented")
        return found

    @staticmethod
    def find(name: str) -> Any:
        """The operation of that name, or None."""
        return FUNCTIONS.get(name) or FUNCTIONS.get("nn.functional." + name) or getattr(ops, name, None)


T = Operations()


def need_tensor(value: Any, function: str, argument: str = "input", position: int = 1) -> None:
    """PyTorch's TypeError for an argument that is no tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}"
        )
