"""Derivatives of functions of tensors: vjp, jvp, jacobian, hessian, vhp, hvp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.modes import enable_grad, mode
from ..core.primitive import ops
from ..core.tensor import Tensor
from .backward import grad as autograd_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Func = Callable[..., Any]
Tensors = tuple[Tensor, ...]

TWICE = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {i} is "
    "independent of the input. This is not allowed in strict mode. You should ensure that your function is twice "
    "differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for example)."
)


# ---------------------------------------------------------------- checks


def as_tuple(x: Any, arg: str, fn: str) -> tuple[bool, Tensors]:
    """(was it a tuple, the tuple); TypeError for anything but tensors."""
    if isinstance(x, Tensor):
        return False, (x,)
    if not isinstance(x, tuple):
        if arg == "outputs_user":
            raise TypeError(
                f"The outputs of the user-provided function given to {fn} must be either a Tensor or a tuple of Tensors but "
                f"the given outputs of the user-provided function has type {type(x)}."
            )
        raise TypeError(
            f"The {arg} given to {fn} must be either a Tensor or a tuple of Tensors but the given {arg} has type {type(x)}."
        )
    for i, el in enumerate(x):
        if not isinstance(el, Tensor):
            if arg == "outputs_user":
                raise TypeError(
                    f"The outputs of the user-provided function given to {fn} must be either a Tensor or a tuple of Tensors "
                    f"but the value at index {i} has type {type(el)}."
                )
            raise TypeError(
                f"The {arg} given to {fn} must be either a Tensor or a tuple of Tensors but the value at index {i} has type "
                f"{type(el)}."
            )
    return True, x


def fresh_inputs(xs: Sequence[Tensor], create_graph: bool, need_graph: bool) -> Tensors:
    """Inputs to differentiate: connected to the user's graph if the result is to be."""
    out = []
    for x in xs:
        if create_graph:
            out.append(x.view_as(x))  # type: ignore[attr-defined]
        else:
            out.append(x.detach().requires_grad_(need_graph))  # type: ignore[attr-defined]
    if create_graph and need_graph:
        out = [x if x.requires_grad else x.detach().requires_grad_() for x in out]
    return tuple(out)


def check_vector(v: Any, xs: Tensors, is_tuple: bool) -> None:
    """The vector must look like `xs`."""
    if len(xs) != len(v):
        if is_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(xs)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (a, b) in enumerate(zip(v, xs, strict=True)):
        if tuple(a.shape) != tuple(b.shape):
            prefix = f"Entry {i} in " if is_tuple and len(xs) > 1 else ""
            raise RuntimeError(f"{prefix}v has invalid size: should be {b.shape} but got {a.shape}.")


def check_differentiable(values: Tensors, strict: bool, what: str, twice: bool = False) -> None:
    """In strict mode every output must depend on the inputs."""
    if not strict:
        return
    for i, v in enumerate(values):
        if not v.requires_grad:
            if what == "outputs":
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in "
                    "a differentiable manner from the input when running in strict mode."
                )
            if what == "jacobian_input":
                raise RuntimeError(TWICE.format(i=i))
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in strict "
                "mode when create_graph=True."
            )


def gradient(
    outputs: Sequence[Tensor], inputs: Tensors, vectors: Sequence[Any] | None = None, create_graph: bool = False,
    retain_graph: bool | None = None, batched: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """`autograd.grad` that leaves out outputs which need no gradient."""
    vs: Sequence[Any] = [None] * len(outputs) if vectors is None else vectors
    chosen = [(o, v) for o, v in zip(outputs, vs, strict=True) if o is not None and o.requires_grad]
    if not chosen:
        return (None,) * len(inputs)
    return autograd_grad(
        [o for o, _ in chosen],
        inputs,
        [v for _, v in chosen],
        allow_unused=True,
        create_graph=create_graph,
        retain_graph=retain_graph,
        is_grads_batched=batched,
    )


def filled(
    grads: Sequence[Any], refs: Sequence[Tensor], strict: bool, create_graph: bool, stage: str
) -> tuple[Tensor, ...]:
    """Zeros for gradients that are None; in strict mode those are errors that name the input."""
    out = []
    for i, (g, x) in enumerate(zip(grads, refs, strict=True)):
        if g is None:
            if strict:
                if stage == "back":
                    raise RuntimeError(
                        f"The output of the user-provided function is independent of input {i}. This is not allowed in "
                        "strict mode."
                    )
                if stage == "back_trick":
                    raise RuntimeError(
                        f"The gradient with respect to the input is independent of entry {i} in the grad_outputs when using "
                        "the double backward trick to compute forward mode gradients. This is not allowed in strict mode."
                    )
                if stage == "double_back":
                    raise RuntimeError(f"The jacobian of the user-provided function is independent of input {i}. This is "
                                       "not allowed in strict mode.")  # fmt: skip
                raise RuntimeError(
                    f"The hessian of the user-provided function is independent of entry {i} in the grad_jacobian. This is "
                    "not allowed in strict mode as it prevents from using the double backward trick to replace forward mode "
                    "AD."
                )
            g = ops.zeros_like(x)
        elif strict and create_graph and not g.requires_grad:
            if "double" not in stage:
                raise RuntimeError(
                    f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in strict "
                    "mode when create_graph=True."
                )
            raise RuntimeError(
                f"The hessian of the user-provided function is independent of input {i}. This is not allowed in strict mode "
                "when create_graph=True."
            )
        out.append(g)
    return tuple(out)


def finished(values: Any, create_graph: bool) -> Any:
    """Detach results that are not to be part of a graph."""
    if create_graph:
        return values
    if isinstance(values, tuple):
        return tuple(finished(v, create_graph) for v in values)
    return values.detach()


def shaped(values: Any, is_tuple: bool | tuple[bool, bool]) -> Any:
    """A tuple, or its only element, as the user gave it."""
    if isinstance(is_tuple, tuple):
        if is_tuple[1]:
            values = tuple(shaped(v, True) for v in values)
        else:
            values = tuple(v[0] for v in values)
        return values if is_tuple[0] else values[0]
    return values if is_tuple else values[0]


def default_vector(v: Any, like: Tensors, is_tuple: bool, fn: str, message: str) -> Tensors | None:
    """The given vector, detached; None stands for 1 if `like` is a single element."""
    if v is not None:
        _, vs = as_tuple(v, "v", fn)
        check_vector(vs, like, is_tuple)
        return vs
    if len(like) != 1 or like[0].numel() != 1:  # type: ignore[attr-defined]
        raise RuntimeError(message)
    return None


# ---------------------------------------------------------------- products


def vjp(func: Func, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(*inputs), v^T J): outputs and the vector-Jacobian product, shaped like the inputs."""
    with enable_grad():
        is_tuple, xs = as_tuple(inputs, "inputs", "vjp")
        xs = fresh_inputs(xs, create_graph, True)
        out_tuple, outs = as_tuple(func(*xs), "outputs_user", "vjp")
        check_differentiable(outs, strict, "outputs")
        vs = default_vector(
            v, outs, out_tuple, "vjp",
            "The vector v can only be None if the user-provided function returns a single Tensor with a single element.",
        )  # fmt: skip
        if vs is not None:
            vs = fresh_inputs(vs, create_graph, False)
    with _graph(create_graph):
        found = filled(gradient(outs, xs, vs, create_graph=create_graph), xs, strict, create_graph, "back")
    return shaped(finished(outs, create_graph), out_tuple), shaped(finished(found, create_graph), is_tuple)


class _graph:
    """Grad mode on if a graph is wanted, else as it is."""

    def __init__(self, create: bool) -> None:
        self.context = enable_grad() if create or mode().grad else None

    def __enter__(self) -> None:
        if self.context is not None:
            self.context.__enter__()

    def __exit__(self, *exc: object) -> None:
        if self.context is not None:
            self.context.__exit__(*exc)


def forward_with_vector(
    func: Func, inputs: Any, v: Any, create_graph: bool, strict: bool, fn: str
) -> tuple[bool, Tensors, Tensors | None, bool, Tensors]:
    """Run `func` on checked inputs, for a product with a vector `v` that looks like them.

    -> were the inputs a tuple, the inputs, the vector, were the outputs a tuple, the outputs"""
    is_tuple, xs = as_tuple(inputs, "inputs", fn)
    xs = fresh_inputs(xs, create_graph, True)
    vs = default_vector(
        v, xs, is_tuple, fn,
        "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
        "element.",
    )  # fmt: skip
    if vs is not None:
        vs = fresh_inputs(vs, create_graph, False)
    out_tuple, outs = as_tuple(func(*xs), "outputs_user", fn)
    check_differentiable(outs, strict, "outputs")
    return is_tuple, xs, vs, out_tuple, outs


def jvp(func: Func, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(*inputs), J v) by differentiating the vector-Jacobian product with respect to its vector."""
    with enable_grad():
        _, xs, vs, out_tuple, outs = forward_with_vector(func, inputs, v, create_graph, strict, "jvp")
        dummies = tuple(ops.zeros_like(o).requires_grad_() for o in outs)
        pulled = filled(gradient(outs, xs, dummies, create_graph=True), xs, strict, create_graph, "back")
        check_differentiable(pulled, strict, "grad_input")
        found = filled(
            gradient(pulled, dummies, vs, create_graph=create_graph), outs, strict, create_graph, "back_trick"
        )
    return shaped(finished(outs, create_graph), out_tuple), shaped(finished(found, create_graph), out_tuple)


def vhp(func: Func, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(*inputs), v^T H) for a function with a single element."""
    with enable_grad():
        is_tuple, xs, vs, out_tuple, outs = forward_with_vector(func, inputs, v, create_graph, strict, "vhp")
        _single_element(outs, out_tuple, "vhp")
        jac = filled(gradient(outs, xs, create_graph=True), xs, strict, create_graph, "back")
        check_differentiable(jac, strict, "jacobian_input")
    with _graph(create_graph):
        found = filled(gradient(jac, xs, vs, create_graph=create_graph), xs, strict, create_graph, "double_back")
    return shaped(finished(outs, create_graph), out_tuple), shaped(finished(found, create_graph), is_tuple)


def hvp(func: Func, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(*inputs), H v) for a function with a single element."""
    with enable_grad():
        is_tuple, xs, vs, out_tuple, outs = forward_with_vector(func, inputs, v, create_graph, strict, "hvp")
        _single_element(outs, out_tuple, "hvp")
        jac = filled(gradient(outs, xs, create_graph=True), xs, strict, create_graph, "back")
        check_differentiable(jac, strict, "jacobian_input")
        dummies = tuple(ops.zeros_like(x).requires_grad_() for x in xs)
        pulled = filled(gradient(jac, xs, dummies, create_graph=True), xs, strict, create_graph, "double_back")
        check_differentiable(pulled, strict, "jacobian_input")
    with _graph(create_graph):
        found = filled(
            gradient(pulled, dummies, vs, create_graph=create_graph), xs, strict, create_graph, "double_back_trick"
        )
    return shaped(finished(outs, create_graph), out_tuple), shaped(finished(found, create_graph), is_tuple)


def _single_element(outs: Tensors, is_tuple: bool, fn: str) -> None:
    if is_tuple or not isinstance(outs[0], Tensor):
        raise RuntimeError(f"The function given to {fn} should return a single Tensor")
    if outs[0].numel() != 1:  # type: ignore[attr-defined]
        raise RuntimeError(f"The Tensor returned by the function given to {fn} should contain a single element")


# ---------------------------------------------------------------- matrices


def one_hot_rows(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The rows of an identity matrix, cut into blocks for the elements of each tensor."""
    from ..func.transforms import basis

    return tuple(b.view(b.shape[0], *t.shape) for b, t in zip(basis(tensors), tensors, strict=True))  # type: ignore[attr-defined]


def jacobian(
    func: Func, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian: for each output and input a tensor of shape output + input.

    `vectorize`: all rows in one backward (or, with strategy "forward-mode", all columns in one forward).
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than '
            'inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                "torch.autograd.functional.jacobian: `create_graph=True` and `strategy=\"forward-mode\"` are not supported "
                "together (yet). Please either set `create_graph=False` or `strategy=\"reverse-mode\"`."
            )
        return _jacobian_forward(func, inputs, strict, vectorize)
    with enable_grad():
        is_tuple, xs = as_tuple(inputs, "inputs", "jacobian")
        xs = fresh_inputs(xs, create_graph, True)
        out_tuple, outs = as_tuple(func(*xs), "outputs_user", "jacobian")
        check_differentiable(outs, strict, "outputs")
        if vectorize:
            if strict:
                raise RuntimeError(
                    "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
                    "Please either set `strict=False` or `vectorize=False`."
                )
            return shaped(_rows_at_once(outs, xs, create_graph), (out_tuple, is_tuple))
        whole: tuple[Any, ...] = ()
        for i, out in enumerate(outs):
            columns: list[list[Tensor]] = [[] for _ in xs]
            flat = out.reshape(-1)  # type: ignore[attr-defined]
            for j in range(out.numel()):  # type: ignore[attr-defined]
                row = gradient((flat[j],), xs, retain_graph=True, create_graph=create_graph)
                for k, (g, x) in enumerate(zip(row, xs, strict=True)):
                    if g is not None:
                        if strict and create_graph and not g.requires_grad:
                            raise RuntimeError(
                                "The jacobian of the user-provided function is independent of input "
                                f"{k}. This is not allowed in strict mode when create_graph=True."
                            )
                        columns[k].append(g)
                        continue
                    if strict:
                        raise RuntimeError(
                            f"Output {i} of the user-provided function is independent of input {k}. This is not allowed in "
                            "strict mode."
                        )
                    columns[k].append(ops.zeros_like(x))
            whole += (
                tuple(
                    ops.stack(c, 0).view((*out.shape, *x.shape)) if c else ops.zeros((*out.shape, *x.shape), dtype=x.dtype)
                    for c, x in zip(columns, xs, strict=True)
                ),
            )
        return shaped(finished(whole, create_graph), (out_tuple, is_tuple))


def _rows_at_once(outs: Tensors, xs: Tensors, create_graph: bool) -> tuple[Any, ...]:
    vectors = one_hot_rows(outs)
    rows = gradient(outs, xs, vectors, create_graph=create_graph, retain_graph=True, batched=True)
    total = int(vectors[0].shape[0])
    per_input = [
        ops.zeros((total, *x.shape), dtype=x.dtype) if g is None else g for g, x in zip(rows, xs, strict=True)
    ]
    whole = []
    sizes = [int(o.numel()) for o in outs]  # type: ignore[attr-defined]
    for i, out in enumerate(outs):
        start = sum(sizes[:i])
        whole.append(
            tuple(
                g.narrow(0, start, sizes[i]).reshape((*out.shape, *x.shape)) if len(outs) > 1
                else g.view((*out.shape, *x.shape)) if g.is_contiguous() else g.reshape((*out.shape, *x.shape))
                for g, x in zip(per_input, xs, strict=True)
            )
        )  # fmt: skip
    return finished(tuple(whole), create_graph)  # type: ignore[no-any-return]


def _jacobian_forward(func: Func, inputs: Any, strict: bool, vectorize: bool) -> Any:
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported together '
            '(yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for `vectorize=True`."
        )
    from ..func.transforms import jvp as pushforward
    from ..func.vmap import vmap

    is_tuple, xs = as_tuple(inputs, "inputs", "jacobian")
    told: list[bool] = []

    def push(*ts: Tensor) -> Tensors:
        def flat(*values: Tensor) -> Tensors:
            out_tuple, outs = as_tuple(func(*values), "outputs", "jacobian")
            told[:] = [out_tuple]
            return outs

        return pushforward(flat, xs, ts)[1]  # type: ignore[no-any-return]

    columns = vmap(push)(*one_hot_rows(xs))
    sizes = [int(x.numel()) for x in xs]  # type: ignore[attr-defined]
    whole = []
    for c in columns:
        moved = c.movedim(0, -1)
        blocks = []
        for i, x in enumerate(xs):
            part = moved.narrow(moved.ndim - 1, sum(sizes[:i]), sizes[i])
            blocks.append(part.reshape((*c.shape[1:], *x.shape)))
        whole.append(tuple(blocks))
    if told[0] and is_tuple:
        return [list(row) for row in whole]
    return shaped(tuple(whole), (told[0], is_tuple))


def hessian(
    func: Func, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Hessian of a function with a single element: for each pair of inputs a tensor of shape input + input."""
    is_tuple, xs = as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def checked(*values: Tensor) -> Tensor:
        out = func(*values)
        out_tuple, outs = as_tuple(out, "outputs_user", "hessian")
        check_differentiable(outs, strict, "outputs")
        _single_element(outs, out_tuple, "hessian")
        return outs[0].squeeze()  # type: ignore[attr-defined, no-any-return]

    def first(*values: Tensor) -> Tensors:
        if outer_jacobian_strategy == "forward-mode":
            from ..func.transforms import grad

            return grad(checked, tuple(range(len(values))))(*values)  # type: ignore[no-any-return]
        jac = jacobian(checked, values, create_graph=True)
        check_differentiable(jac, strict, "jacobian_input")
        return jac  # type: ignore[no-any-return]

    whole = jacobian(
        first, xs, create_graph=create_graph, strict=strict, vectorize=vectorize, strategy=outer_jacobian_strategy
    )
    return shaped(tuple(tuple(row) for row in whole), (is_tuple, is_tuple))
