"""`gradcheck` and `gradgradcheck`: are the derivatives of a function those that finite differences give?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.errors import warn
from ..core.primitive import ops
from ..core.tensor import Tensor, wrap
from ..kernels import numpy as kernels
from . import forward_ad, jacobians
from .backward import grad
from .compare import GradcheckError, Tolerance, check_backward, check_forward
from .function import BackwardCFunction, Function
from .jacobians import as_outputs, differentiable, is_number_field, takes_part

__all__ = [
    "GradcheckError",
    "get_analytical_jacobian",
    "get_numerical_jacobian",
    "get_numerical_jacobian_wrt_specific_input",
    "gradcheck",
    "gradgradcheck",
]

Func = Callable[..., Any]
Inputs = tuple[Any, ...]


# ---------------------------------------------------------------- the public functions


def gradcheck(
    func: Func,
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of `func(*inputs)` with central differences of step `eps`.

    `inputs`: tensors (or other values, which stay constant); at least one must require a gradient, and they should be
    float64 or complex128. Also checked: that backward gives the same twice (within `nondet_tol`), that it is linear
    enough to give zeros for zeros, and that it bears outputs without gradient (`check_undefined_grad`); on request
    forward mode, and batches of gradients or tangents. `fast_mode` compares products with fixed random directions.
    `masked` only matters for sparse tensors.

    True if all is well. Otherwise GradcheckError, or False if `raise_exception` is False.

    >>> import wengert as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.sin, x)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    how = Tolerance(eps, atol, rtol, nondet_tol, check_grad_dtypes, fast_mode)
    xs = as_inputs(inputs)
    check_inputs(xs)
    try:
        result = as_outputs(func(*xs))
        outputs = differentiable(result)
        if check_backward_ad:
            check_backward(func, result, xs, how)
        if check_forward_ad:
            check_forward(func, outputs, xs, how)
        if check_batched_forward_grad:
            check_batched_forward(func, xs)
        if check_backward_ad and outputs:
            if check_batched_grad:
                for i, o in enumerate(outputs):
                    check_batched_backward(o, i, xs)
            check_scales(outputs, xs)
            if check_undefined_grad:
                check_undefined(func, xs)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Func,
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check second derivatives: `gradcheck` of the gradients of `func(*inputs)`, by the inputs and by `grad_outputs`.

    `grad_outputs`: the vectors of the vector-Jacobian products; random ones between -1 and 1 if None
    (`gen_non_contig_grad_outputs`: not contiguous in memory). Everything else as in `gradcheck`; `check_fwd_over_rev`
    differentiates the gradients in forward mode.
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    for name, value in (("check_undefined_grad", check_undefined_grad), ("check_batched_grad", check_batched_grad)):
        if value and not check_rev_over_rev:
            raise AssertionError(f"Setting {name}=True requires check_rev_over_rev to be True")
    xs = as_inputs(inputs)
    if grad_outputs is None:
        outputs = differentiable(func(*xs))
        vectors = tuple(random_vector(o, gen_non_contig_grad_outputs) for o in outputs)
    else:
        vectors = as_inputs(grad_outputs)
    count = len(xs)

    def reverse(*args: Any) -> tuple[Any, ...]:
        ins, gs = args[:count], args[count:]
        outs = differentiable(func(*ins))
        goals = [x for x in ins if takes_part(x)]
        if not outs:
            return ()
        found = grad(outs, goals, gs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    wanted = [takes_part(x) for x in xs]
    kept = [o.requires_grad for o in as_outputs(func(*xs))] if check_fwd_over_rev else []

    def reverse_of_values(*args: Any) -> tuple[Any, ...]:
        # the values of a dual level are differentiated by a level inside it
        from ..func.transforms import vjp

        ins, gs = args[:count], args[count:]

        def of_wanted(*some: Any) -> tuple[Any, ...]:
            rest = iter(some)
            outs = as_outputs(func(*[next(rest) if w else x for x, w in zip(ins, wanted, strict=True)]))
            return tuple(o for o, k in zip(outs, kept, strict=True) if k)

        back = vjp(of_wanted, *[x for x, w in zip(ins, wanted, strict=True) if w])[1]
        return tuple(back(tuple(gs)))

    options: dict[str, Any] = dict(
        eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes, fast_mode=fast_mode,
    )  # fmt: skip
    good = True
    if check_rev_over_rev:
        good = gradcheck(reverse, (*xs, *vectors), check_batched_grad=check_batched_grad, **options)
    if good and check_fwd_over_rev:
        good = gradcheck(
            reverse_of_values, (*xs, *vectors), check_forward_ad=True, check_backward_ad=False, **options
        )
    return good


def random_vector(o: Tensor, strided: bool) -> Tensor:
    """Like `o`, between -1 and 1, requiring a gradient; `strided`: not contiguous."""
    kind: Any = o.dtype if is_number_field(o) else ops.zeros(0).double().dtype
    shape = tuple(o.shape)
    gaps = strided and o.numel() > 1  # type: ignore[attr-defined]
    x = ops.empty((*shape[:-1], 2 * shape[-1]) if gaps else shape, dtype=kind)
    (ops.view_as_real(x) if kind.is_complex else x).uniform_(-1, 1)
    if gaps:
        x = x[..., 1::2]
    made: Tensor = x.requires_grad_()
    return made


# ---------------------------------------------------------------- inputs


def as_inputs(x: Any) -> Inputs:
    return x if isinstance(x, tuple) else tuple(x) if not isinstance(x, Tensor) else (x,)


def check_inputs(xs: Inputs) -> None:
    some = False
    for i, x in enumerate(xs):
        if not takes_part(x):
            continue
        some = True
        if x.dtype.name not in ("float64", "complex128"):
            warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. "
            )
        if any(stride == 0 and size > 1 for stride, size in zip(x.stride(), x.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call "
                ".contiguous on the input before passing it to gradcheck."
            )
    if not some:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )


# ---------------------------------------------------------------- further checks


def check_scales(outputs: Sequence[Tensor], xs: Inputs) -> None:
    """Zeros in must give zeros out, of the inputs' dtype and shape."""
    leaves = [x for x in xs if takes_part(x)]
    zeros = [ops.zeros_like(o) for o in outputs]
    for g, x in zip(grad(outputs, leaves, zeros, retain_graph=True, allow_unused=True), leaves, strict=True):
        if g is None:
            continue
        if not _all_zero(g):
            raise GradcheckError("backward not multiplied by grad_output")
        if g.dtype is not x.dtype:
            raise GradcheckError("grad is incorrect type")
        if tuple(g.shape) != tuple(x.shape):
            raise GradcheckError("grad is incorrect size")


class Undefined(Function):
    """Lets its input through, and no gradient back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Any:
        return x.view_as(x)  # type: ignore[attr-defined]

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return None


NOTES = 'Please look at "Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'


def check_undefined(func: Func, xs: Inputs) -> None:
    """Backward must bear that some or all outputs got no gradient: it gives None or zeros."""
    leaves = [x for x in xs if takes_part(x)]

    def check(gradients: Sequence[Any]) -> None:
        if all(g is None or _all_zero(g) for g in gradients):
            return
        warn(
            "Backwards compatibility: New undefined gradient support checking feature is enabled by default, but it "
            "may break existing callers of this function. If this is true for you, you can call this function with "
            '"check_undefined_grad=False" to disable the feature'
        )
        raise GradcheckError(
            "Expected all input grads to be undefined or zero when all output grads are undefined or zero. " + NOTES
        )

    def attempt(run: Callable[[], Sequence[Any]]) -> None:
        try:
            gradients = run()
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. " + NOTES
            ) from error
        check(gradients)

    count = len(differentiable(func(*xs)))
    for missing in [None] if count == 1 else [None, *range(count)]:
        outputs = differentiable(func(*xs))
        nodes = {o.grad_fn for o in outputs if isinstance(o.grad_fn, BackwardCFunction)}
        ends = [Undefined.apply(o) if missing is None or missing == k else o for k, o in enumerate(outputs)]
        zeros = [ops.zeros_like(o) for o in ends]
        attempt(lambda ends=ends, zeros=zeros: grad(ends, leaves, zeros, allow_unused=True, retain_graph=True))  # type: ignore[misc]
        if missing is None:
            # nothing arrives at these nodes, and the engine does not run such nodes: they are asked directly
            for node in nodes:
                nothing = None if node.n_outputs == 1 else (None,) * node.count
                attempt(lambda node=node, nothing=nothing: node.propagate(nothing, True, kernels))  # type: ignore[misc]


def _all_zero(g: Any) -> bool:
    data: Any = jacobians.array(g) if isinstance(g, Tensor) else g
    return not np.any(np.asarray(data))


def check_batched_backward(o: Tensor, number: int, xs: Inputs) -> None:
    """A batch of two random gradients must give what each gives alone."""
    leaves = [x for x in xs if takes_part(x)]
    vectors = [ops.randn_like(o) for _ in range(2)]
    apart = [grad(o, leaves, v, retain_graph=True, allow_unused=True) for v in vectors]
    expected = [None if a is None or b is None else ops.stack([a, b]) for a, b in zip(*apart, strict=True)]
    hint = (
        "gradcheck or gradgradcheck failed while testing batched gradient computation: vmap over the backward gives no "
        "result, or another one than a loop. `check_batched_grad=False` leaves this check out."
    )
    try:
        together = grad(
            o, leaves, ops.stack(vectors), retain_graph=True, allow_unused=True, is_grads_batched=True
        )
    except (RuntimeError, ValueError) as error:
        raise GradcheckError(f"While computing batched gradients, got: {error}\n\n{hint}") from error
    compare_batched(together, expected, number, [i for i, x in enumerate(xs) if takes_part(x)], hint)


def check_batched_forward(func: Func, xs: Inputs) -> None:
    """A batch of two random tangents of each input must give what each gives alone."""
    from ..func.vmap import vmap

    hint = (
        "gradcheck failed while testing batched gradient computation with forward-mode AD: vmap over a forward pass "
        "gives no result, or another one than a loop. `check_batched_forward_grad=False` leaves this check out."
    )
    for i, x in enumerate(xs):
        if not takes_part(x):
            continue

        def along(t: Tensor, i: int = i, x: Tensor = x) -> tuple[Any, ...]:
            with forward_ad.dual_level():
                primal = x.detach()  # type: ignore[attr-defined]
                args = (*xs[:i], forward_ad.make_dual(primal, t), *xs[i + 1 :])
                pairs = [forward_ad.unpack_dual(o) for o in as_outputs(func(*args))]
                return tuple(
                    ops.zeros_like(p.primal) if p.tangent is None else p.tangent
                    for p in pairs if is_number_field(p.primal)
                )  # fmt: skip

        vectors = [ops.randn_like(x) for _ in range(2)]
        expected = [ops.stack(list(column)) for column in zip(*[along(v) for v in vectors], strict=True)]
        try:
            together = vmap(along)(ops.stack(vectors))
        except (RuntimeError, ValueError) as error:
            raise GradcheckError(f"While computing batched gradients, got: {error}\n\n{hint}") from error
        for j, (got, want) in enumerate(zip(together, expected, strict=True)):
            compare_batched([got], [want], j, [i], hint)


def compare_batched(got: Sequence[Any], want: Sequence[Any], j: int, where: Sequence[int], hint: str) -> None:
    for a, b, i in zip(got, want, where, strict=True):
        if (a is None) != (b is None) or (a is not None and not np.allclose(_numbers(a), _numbers(b))):
            raise GradcheckError(f"\nFor output {j} and input {i}:\n\n{hint}\n\nGot:\n{a}\n\nExpected:\n{b}\n")


def _numbers(t: Any) -> Any:
    return jacobians.array(t)


# ---------------------------------------------------------------- the old names


def _deprecated(name: str) -> None:
    warn(
        f"`{name}` was part of PyTorch's private API and not meant to be exposed. We are deprecating it and it will be "
        "removed in a future version of PyTorch. If you have a specific use for this or feature request for this to be "
        "a stable API, please file us an issue at https://github.com/pytorch/pytorch/issues/new",
        FutureWarning,
    )


def get_numerical_jacobian(
    fn: Func, inputs: Any, target: Any = None, eps: float = 1e-3, grad_out: float = 1.0
) -> tuple[Tensor, ...]:
    """Deprecated. The Jacobians (n, m) of the first output of `fn(inputs)` by those in `target` (default: all)."""
    _deprecated("get_numerical_jacobian")
    if grad_out != 1.0:
        raise ValueError(
            "Expected grad_out to be 1.0. get_numerical_jacobian no longer supports values of grad_out != 1.0."
        )
    xs = as_inputs(inputs)

    def func(*args: Any) -> Any:
        outputs = as_outputs(fn(args))
        if any(o.is_complex() for o in outputs):
            raise ValueError(
                "Expected output to be non-complex. get_numerical_jacobian no longer supports functions that return "
                "complex outputs."
            )
        return outputs

    func(*xs)
    goals = xs if target is None else as_inputs(target)
    places = [i for i, x in enumerate(xs) if takes_part(x) and any(x is t for t in goals)]
    return tuple(wrap(jacobians.numerical_by(func, xs, i, eps)[0]) for i in places)


def get_numerical_jacobian_wrt_specific_input(
    fn: Func, input_idx: int, inputs: Any, outputs: Any, eps: float, input: Any = None, is_forward_ad: bool = False
) -> tuple[Tensor, ...]:
    """The Jacobians (n, m) of all outputs of `fn(*inputs)` by input number `input_idx`, by central differences."""
    return tuple(wrap(j) for j in jacobians.numerical_by(fn, as_inputs(inputs), input_idx, eps))


def get_analytical_jacobian(
    inputs: Any, output: Tensor, nondet_tol: float = 0.0, grad_out: float = 1.0
) -> tuple[tuple[Tensor, ...], bool, bool, bool]:
    """Deprecated. The Jacobians of `output` by `inputs`, by backward; and whether they were the same twice, of the
    right shapes, and of the right dtypes."""
    _deprecated("get_analytical_jacobian")
    if grad_out != 1.0:
        raise ValueError(
            "Expected grad_out to be 1.0. get_analytical_jacobian no longer supports values of grad_out != 1.0."
        )
    if output.is_complex():  # type: ignore[attr-defined]
        raise ValueError(
            "Expected output to be non-complex. get_analytical_jacobian no longer supports functions that return "
            "complex outputs."
        )
    leaves = [x for x in as_inputs(inputs) if takes_part(x)]
    first, sample = jacobians.analytical(output, leaves)
    second = jacobians.analytical(output, leaves)[0]
    same = all(not a.size or float(np.max(np.abs(a - b))) <= nondet_tol for a, b in zip(first, second, strict=True))
    pairs = [(g, x) for g, x in zip(sample, leaves, strict=True) if g is not None]
    sizes = all(tuple(g.shape) == tuple(x.shape) for g, x in pairs)
    types = all(g.dtype is x.dtype for g, x in pairs)
    return tuple(wrap(a) for a in first), same, sizes, types
