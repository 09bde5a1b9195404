"""Orthogonal polynomials of tensor degree. The derivative of each is the same recurrence, differentiated."""

from __future__ import annotations

from typing import Any

from ..core.dispatch import dispatch
from ..core.inplace import write_out
from ..core.primitive import elementwise
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from ..kernels.special import POLYNOMIALS, polynomial
from .install import operand, public
from .special import need_tensor, real_kernel


def _install(name: str) -> None:
    """torch.special.<name>(input, n): differentiable in input; n is cut to an integer."""
    title = "special_" + name
    prim = elementwise(
        title, inputs=("x", "n"), params=("order",), kernel=real_kernel(polynomial(name), name + "_cpu", False), half="native",
        d=dict(x=lambda xp, x, n, order: getattr(xp, title)(x, n, order=order + 1)),
    )  # fmt: skip

    def fn(input: Any, n: Any, *, out: Tensor | None = None) -> Tensor:
        x, degree = operand(input, title, 1), operand(n, title)
        if not isinstance(x, Tensor) and not isinstance(degree, Tensor):
            need_tensor(input, title)
        y = dispatch(prim, (x, degree), {"order": 0})
        return y if out is None else write_out(out, y, title)

    fn.__name__, fn.__qualname__ = name, title
    fn.__doc__ = "The polynomial of degree n (a tensor or a number, cut to an integer; 0 where negative) at input."
    public(fn, name="special." + name, method=False)
    samples(
        "special." + name, Case(T(4, low=-0.9, high=0.9), 3), Case(T(3, 1), T(4, dtype="int64", low=0, high=9)),
        Case(T(), 0), Case(T(2, 3, low=-1.5, high=1.5), T(3, dtype="int64", low=0, high=5)), Case(T(2), 1),
        complex=False, torch_gradient=False, why_not="PyTorch has no derivative here",
    )  # fmt: skip


for _name in POLYNOMIALS:
    _install(_name)
