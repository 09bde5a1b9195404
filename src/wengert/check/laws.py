"""What every operation must satisfy, whatever PyTorch says: each law takes (entry, function, call) and raises
AssertionError, or NotApplicable with the reason."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import autograd, func
from ..core.primitive import ops
from ..core.samples import Entry
from ..core.tensor import Tensor, wrap
from .inputs import Call, Slot, build, leaves, prepared

Fn = Callable[..., Any]


class NotApplicable(Exception):
    """The law says nothing about this operation or sample; the argument says why."""


#: operations on the strides themselves, or that refuse some
LAYOUT = frozenset(("as_strided", "as_strided_scatter", "as_strided_copy", "Tensor.view", "view_as_complex"))
#: in-place methods that change what a tensor shows of its memory, not the memory
RESHAPES = frozenset(("transpose", "t", "squeeze", "unsqueeze", "swapaxes", "swapdims", "as_strided", "detach"))
#: calls with more elements than this are checked along directions
SMALL = 24


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def is_field(x: Any) -> bool:
    return isinstance(x, Tensor) and (x.dtype.is_floating_point or x.dtype.is_complex)


def made(arrays: Sequence[Any], grads: Sequence[bool]) -> list[Tensor]:
    """Tensors of their own, with the wanted `requires_grad`."""
    return [wrap(a.copy()).requires_grad_(g) for a, g in zip(arrays, grads, strict=True)]


def recorded(entry: Entry, call: Call) -> list[bool]:
    """Which inputs are to require a gradient: none where nothing is differentiable."""
    return [False] * len(call.grads) if entry.flags.get("differentiable") is False else call.grads


def fields(out: Any) -> tuple[Tensor, ...]:
    return tuple(o for o in leaves(out, is_tensor) if is_field(o))


def differentiable(entry: Entry, fn: Fn, call: Call) -> tuple[Fn, tuple[Tensor, ...]]:
    """(function of the differentiated tensors alone, these tensors); its results are those that depend on them."""
    if entry.flags.get("differentiable") is False or not any(call.grads):
        raise NotApplicable("not differentiable")
    tensors = made(call.arrays, call.grads)
    chosen = [i for i, g in enumerate(call.grads) if g]
    smooth = prepared(entry, fn)
    first = fields(call.run(smooth, tensors))
    kept = [k for k, o in enumerate(first) if o.requires_grad]
    if not kept:
        raise NotApplicable("no result depends on a differentiated input")

    def f(*xs: Any) -> tuple[Tensor, ...]:
        given = list(tensors)
        for i, x in zip(chosen, xs, strict=True):
            given[i] = x
        out = fields(call.run(smooth, given))
        return tuple(out[k] for k in kept)

    return f, tuple(tensors[i] for i in chosen)


def size(xs: Sequence[Any]) -> int:
    return sum(x.numel() for x in xs)


def random_like(xs: Sequence[Any], seed: int) -> tuple[Tensor, ...]:
    """Tensors of the same shapes and dtypes between -1 and 1."""
    rng = np.random.default_rng(seed)

    def one(x: Any) -> Tensor:
        a = rng.uniform(-1, 1, tuple(x.shape))
        if x.dtype.is_complex:
            a = a + 1j * rng.uniform(-1, 1, tuple(x.shape))
        return wrap(np.asarray(a, x.dtype.np))

    return tuple(one(x) for x in xs)


def inner(a: Any, b: Any) -> float:
    """The real inner product of two families of tensors."""
    return sum(
        float(np.real(np.vdot(x.detach().numpy(), y.detach().numpy()))) for x, y in zip(a, b, strict=True) if x is not None
    )


def close(a: Any, b: Any, what: str, rtol: float = 1e-9, atol: float = 1e-10) -> None:
    """Equal within the tolerances, nan where nan."""
    x, y = (np.asarray(t.detach().resolve_conj().numpy() if isinstance(t, Tensor) else t) for t in (a, b))
    assert x.shape == y.shape, f"{what}: shape {x.shape}, expected {y.shape}"
    assert x.dtype == y.dtype, f"{what}: dtype {x.dtype}, expected {y.dtype}"
    if x.dtype.kind not in "fcbiu":
        x, y = x.astype(np.float64), y.astype(np.float64)
    if not np.allclose(x, y, rtol=rtol, atol=atol, equal_nan=True):
        off = np.abs(x.astype(complex) - y.astype(complex))
        place = np.unravel_index(int(np.argmax(np.where(np.isnan(off), np.inf, off))), off.shape)
        at = list(map(int, place))
        raise AssertionError(f"{what}: {x[place]} where {y[place]} is expected, at {at}")


def all_close(a: Any, b: Any, what: str, rtol: float = 1e-9, atol: float = 1e-10) -> None:
    """The same results: tensors within the tolerances, other values equal."""
    xs, ys = leaves(a, is_tensor), leaves(b, is_tensor)
    assert len(xs) == len(ys), f"{what}: {len(xs)} results, expected {len(ys)}"
    for k, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if isinstance(y, Tensor):
            close(x, y, f"{what}, result {k}", rtol, atol)
        else:
            assert x == y, f"{what}, result {k}: {x!r}, expected {y!r}"


def gradients(outputs: Sequence[Any], xs: Sequence[Any], seed: int = 7, keep: bool = False) -> list[Tensor]:
    """Vector-Jacobian products with random vectors, zeros for None."""
    chosen = [o for o in outputs if o.requires_grad]
    vectors = random_like(chosen, seed)
    found = autograd.grad(chosen, xs, vectors, allow_unused=True, retain_graph=keep)
    return [ops.zeros_like(x) if g is None else g for g, x in zip(found, xs, strict=True)]


# ---------------------------------------------------------------- derivatives


def gradcheck(entry: Entry, fn: Fn, call: Call) -> None:
    """Backward gives what finite differences give."""
    f, xs = differentiable(entry, fn, call)
    if entry.flags.get("gradcheck") is False:
        raise NotApplicable(entry.flags.get("why_not", ""))
    autograd.gradcheck(f, xs, fast_mode=size(xs) > SMALL, check_undefined_grad=size(xs) <= SMALL)


def gradgradcheck(entry: Entry, fn: Fn, call: Call) -> None:
    """The second derivatives too."""
    f, xs = differentiable(entry, fn, call)
    if entry.flags.get("second") is False or entry.flags.get("gradcheck") is False:
        raise NotApplicable(entry.flags.get("why_not", "no second order"))
    autograd.gradgradcheck(f, xs, fast_mode=True, check_undefined_grad=False, atol=1e-4)


def forward_mode(entry: Entry, fn: Fn, call: Call) -> None:
    """<v, J t> = <J* v, t>: forward mode is the adjoint of backward."""
    f, xs = differentiable(entry, fn, call)
    ts = random_like(xs, 3)
    values, along = func.jvp(f, xs, ts)
    all_close(values, f(*xs), "value in forward mode")
    outputs = f(*xs)
    vs = random_like(outputs, 5)
    found = autograd.grad(outputs, xs, vs, allow_unused=True)
    left = inner(vs, along)
    right = sum(inner((g,), (t,)) for g, t in zip(found, ts, strict=True) if g is not None)
    scale = 1 + abs(left) + abs(right)
    assert abs(left - right) <= 1e-8 * scale or left != left and right != right, (
        f"<v, J t> = {left} in forward mode, <J* v, t> = {right} in backward"
    )


def forward_over_reverse(entry: Entry, fn: Fn, call: Call) -> None:
    """Hessian-vector products by forward mode over backward and by backward over backward agree."""
    if entry.flags.get("second") is False:
        raise NotApplicable(entry.flags.get("why_not", "no second order"))
    f, xs = differentiable(entry, fn, call)
    vs, ts = random_like(f(*xs), 5), random_like(xs, 3)

    def total(*ps: Any) -> Any:
        return sum(((o * v.conj()).real if o.is_complex() else o * v).sum() for o, v in zip(f(*ps), vs, strict=True))

    numbers = tuple(range(len(xs)))
    plain = tuple(x.detach() for x in xs)
    gradient = func.grad(total, argnums=numbers)
    first = func.jvp(gradient, plain, ts)[1]
    leaf = tuple(x.requires_grad_() for x in (p.clone() for p in plain))
    g = autograd.grad(total(*leaf), leaf, create_graph=True, allow_unused=True)
    product = sum(((a * t.conj()).real if a.is_complex() else a * t).sum() for a, t in zip(g, ts) if a is not None)
    if isinstance(product, Tensor) and product.requires_grad:
        second = autograd.grad(product, leaf, allow_unused=True)
    else:
        second = (None,) * len(leaf)
    for k, (a, b) in enumerate(zip(first, second, strict=True)):
        close(a, ops.zeros_like(a) if b is None else b, f"Hessian-vector product by input {k}", 1e-7, 1e-8)


# ---------------------------------------------------------------- batches


def mapped_calls(entry: Entry, call: Call) -> tuple[list[Any], list[list[Any]]]:
    """Two examples of the same sample: stacked arrays, and each example's arrays."""
    other = build(entry, call.case, call.kind, again=1)
    examples = [call.arrays, other.arrays]
    return [np.stack(pair) for pair in zip(*examples, strict=True)], examples


def choices(name: str, call: Call) -> list[tuple[int | None, ...]]:
    """Which tensors to map, and where: all in front, then each alone, its mapped dimension last."""
    n = len(call.arrays)
    result: list[tuple[int | None, ...]] = [(0,) * n]
    for i in range(n):
        result.append(tuple(-1 if k == i else None for k in range(n)))
    if name in LAYOUT:
        return result[:1]
    if name.endswith("_") and not name.endswith("__"):  # what is changed in place must be mapped
        return result[:2]
    return result


def vmap(entry: Entry, fn: Fn, call: Call) -> None:
    """A batch gives what a loop gives."""
    if not call.arrays:
        raise NotApplicable("takes no tensors")
    if entry.flags.get("vmap") is False:
        raise NotApplicable(entry.flags.get("why_not", ""))
    if entry.flags.get("gauge"):
        fn = prepared(entry, fn)
    stacked, examples = mapped_calls(entry, call)
    for dims in choices(entry.name, call):
        mapped = [
            wrap(a if d is None else b if d == 0 else np.moveaxis(b, 0, -1).copy())
            for a, b, d in zip(call.arrays, stacked, dims, strict=True)
        ]
        some = [k for k, d in enumerate(dims) if d is not None]

        def one(*xs: Any, mapped: list[Any] = mapped, some: list[int] = some) -> Any:
            given = list(mapped)
            for k, x in zip(some, xs, strict=True):
                given[k] = x
            return tuple(o for o in leaves(call.run(fn, given), is_tensor) if isinstance(o, Tensor))

        try:
            got = func.vmap(one, in_dims=tuple(d for d in dims if d is not None))(*[mapped[k] for k in some])
        except RuntimeError as error:
            if str(error).startswith(("vmap: ", "Batch norm got a batched tensor as input")):
                raise NotApplicable(f"refused: {error}") from None
            raise
        loop = []
        for e in range(2):
            given = [wrap(examples[e][k].copy() if d is not None else call.arrays[k]) for k, d in enumerate(dims)]
            loop.append([o for o in leaves(call.run(fn, given), is_tensor) if isinstance(o, Tensor)])
        want = [ops.stack(list(parts)) for parts in zip(*loop, strict=True)]
        all_close(got, want, f"vmap with in_dims={dims}", 1e-8, 1e-9)


def batched_gradient(entry: Entry, fn: Fn, call: Call) -> None:
    """Gradients of a batch of examples give what a loop gives."""
    f, xs = differentiable(entry, fn, call)
    if entry.flags.get("vmap") is False:
        raise NotApplicable(entry.flags.get("why_not", ""))
    outputs = f(*xs)
    batches = tuple(ops.stack([a, b]) for a, b in zip(random_like(outputs, 1), random_like(outputs, 2), strict=True))

    def pull(*vs: Any) -> list[Any]:
        found = autograd.grad(outputs, xs, vs, allow_unused=True, retain_graph=True)
        return [ops.zeros_like(x) if g is None else g for g, x in zip(found, xs, strict=True)]

    together = autograd.grad(outputs, xs, batches, allow_unused=True, retain_graph=True, is_grads_batched=True)
    apart = [pull(*[b[k] for b in batches]) for k in range(2)]
    for i, (g, pair) in enumerate(zip(together, zip(*apart, strict=True), strict=True)):
        want = ops.stack(list(pair))
        close(ops.zeros_like(want) if g is None else g, want, f"batched gradient of input {i}", 1e-8, 1e-9)


# ---------------------------------------------------------------- memory


def pure(entry: Entry, fn: Fn, call: Call) -> None:
    """Neither the operation nor its backward changes an input or an incoming gradient, and backward repeats itself."""
    fn = prepared(entry, fn)
    tensors = made(call.arrays, recorded(entry, call))
    versions = [t._version for t in tensors]
    out = call.run(fn, tensors)
    for k, (t, a, v) in enumerate(zip(tensors, call.arrays, versions, strict=True)):
        assert t.detach().numpy().tobytes() == np.ascontiguousarray(a).tobytes(), f"input {k} was changed"
        assert t._version == v, f"the version of input {k} was counted up"
    outputs = [o for o in fields(out) if o.requires_grad]
    if not outputs:
        return
    xs = [t for t in tensors if t.requires_grad]
    vectors = random_like(outputs, 7)
    before = [v.numpy().copy() for v in vectors]
    kept = [o.detach().numpy().copy() for o in outputs]
    first = autograd.grad(outputs, xs, vectors, allow_unused=True, retain_graph=True)
    held = [None if g is None else g.numpy().copy() for g in first]
    second = autograd.grad(outputs, xs, vectors, allow_unused=True)
    for k, (v, b) in enumerate(zip(vectors, before, strict=True)):
        assert v.numpy().tobytes() == b.tobytes(), f"backward changed incoming gradient {k}"
    for k, (o, b) in enumerate(zip(outputs, kept, strict=True)):
        assert np.array_equal(o.detach().numpy(), b, equal_nan=True), f"backward changed result {k}"
    for k, (g, h, again) in enumerate(zip(first, held, second, strict=True)):
        if g is not None:
            assert np.array_equal(g.numpy(), h, equal_nan=True), f"the second backward changed the first's gradient {k}"
            assert np.array_equal(again.numpy(), h, equal_nan=True), f"the second backward gives another gradient {k}"


def strides(entry: Entry, fn: Fn, call: Call) -> None:
    """Other memory layouts of the inputs (transposed, with gaps, expanded) change no value and no gradient."""
    if entry.name in LAYOUT:
        raise NotApplicable("it is about the layout in memory")
    smooth = prepared(entry, fn)

    def transposed(a: Any) -> Any:
        return np.asfortranarray(a.copy()) if a.ndim > 1 else None

    def gaps(a: Any) -> Any:
        if not a.ndim:
            return None
        wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        wide[..., ::2] = a
        return wide[..., ::2]

    def expanded(a: Any) -> Any:
        return np.broadcast_to(a[:1], a.shape) if a.ndim and a.shape[0] > 1 else None

    def outcome(arrays: Sequence[Any]) -> tuple[Any, list[Any]]:
        tensors = [wrap(a).requires_grad_(g) for a, g in zip(arrays, recorded(entry, call), strict=True)]
        out = call.run(smooth, tensors)
        outputs = [o for o in fields(out) if o.requires_grad]
        xs = [t for t in tensors if t.requires_grad]
        return out, gradients(outputs, xs) if outputs and xs else []

    done = False
    for change in (transposed, gaps, expanded):
        changed = [change(a) for a in call.arrays]
        if change is expanded and any(a.dtype.kind in "iub" for a in call.arrays):
            continue  # equal indices are another question
        if all(c is None for c in changed):
            continue
        done = True
        arrays = [a.copy() if c is None else c for a, c in zip(call.arrays, changed, strict=True)]
        try:
            want, want_grads = outcome([np.array(a, order="C") for a in arrays])
        except (RuntimeError, np.linalg.LinAlgError):
            continue  # equal rows may be singular
        out, grads = outcome(arrays)
        all_close(out, want, f"{change.__name__} inputs")
        all_close(grads, want_grads, f"gradients of {change.__name__} inputs")
    if not done:
        raise NotApplicable("one layout only")


def out_form(entry: Entry, fn: Fn, call: Call) -> None:
    """`out=` receives the result, and is returned."""
    try:
        if "out" not in inspect.signature(fn).parameters:
            raise NotApplicable("takes no out")
    except (TypeError, ValueError):
        raise NotApplicable("takes no out") from None
    tensors = made(call.arrays, [False] * len(call.arrays))
    want = call.run(fn, tensors)
    parts = leaves(want, is_tensor)
    if not all(isinstance(p, Tensor) for p in parts):
        raise NotApplicable("gives no tensors")
    for empty in (True, False):
        outs = [ops.empty(0, dtype=p.dtype) if empty else ops.zeros(tuple(p.shape), dtype=p.dtype) for p in parts]
        versions = [o._version for o in outs]
        given: Any = outs[0] if isinstance(want, Tensor) else tuple(outs)
        try:
            got = call.run(lambda *a, given=given, **k: fn(*a, **{**k, "out": given}), tensors)
        except TypeError as error:  # another overload: `sum(x)` takes no out, `sum(x, 1)` does
            if "an unexpected keyword argument 'out'" in str(error) or "invalid combination" in str(error) or (
                "missing 1 required positional arguments" in str(error)
            ):
                raise NotApplicable("takes no out with these arguments") from None
            raise
        all_close(given, want, "out=")
        for o, r, v in zip(outs, outs if got is None else leaves(got, is_tensor), versions, strict=True):
            assert r is o, "the result is not the given tensor"
            assert o._version > v, "the version of out was not counted up"
    if any(call.grads):
        recorded = made(call.arrays, call.grads)
        if call.run(fn, recorded).requires_grad if isinstance(want, Tensor) else False:
            try:
                call.run(lambda *a, **k: fn(*a, **{**k, "out": ops.empty(0, dtype=parts[0].dtype)}), recorded)
            except RuntimeError as error:
                assert "don't support automatic differentiation" in str(error), str(error)
            else:
                raise AssertionError("out= was taken although an input requires a gradient")


def inplace_form(entry: Entry, fn: Fn, call: Call) -> None:
    """`x.f_()` changes x as f says: value, version, aliases, gradient; a leaf that requires a gradient refuses."""
    form = getattr(Tensor, entry.name.removeprefix("Tensor.") + "_", None)
    if form is None or entry.name in RESHAPES or not call.args or not isinstance(call.args[0], Slot):
        raise NotApplicable("has no in-place form")
    tensors = made(call.arrays, [False] * len(call.arrays))
    want = call.run(fn, tensors)
    first = tensors[call.args[0].n]
    if not isinstance(want, Tensor) or want.shape != first.shape or want.dtype is not first.dtype:
        raise NotApplicable("the result does not fit into the input")
    alias = first.view_as(first)  # type: ignore[attr-defined]
    version = first._version
    got = call.run(form, tensors)
    assert got is first, "the result is not the changed tensor"
    close(first, want, "in-place")
    close(alias, want, "an alias of the changed tensor")
    assert first._version > version, "the version was not counted up"
    if entry.flags.get("differentiable") is False or not call.grads[call.args[0].n]:
        return
    leaf = made(call.arrays, call.grads)
    if not call.run(fn, leaf).requires_grad:
        return
    try:
        call.run(form, leaf)
    except RuntimeError as error:
        assert "a leaf Variable that requires grad is being used in an in-place operation." in str(error), str(error)
    else:
        raise AssertionError("a leaf that requires a gradient was changed in place")

    def graded(f: Fn) -> list[Any]:
        xs = made(call.arrays, call.grads)
        given = [x.clone() if x.requires_grad else x for x in xs]  # type: ignore[attr-defined]
        return gradients([call.run(f, given)], [x for x in xs if x.requires_grad])

    all_close(graded(form), graded(fn), "gradient of the in-place form")


#: (operation, law) -> why the law does not hold there, and is not meant to
BY_DESIGN: dict[tuple[str, str], str] = {
    ("nn.functional.embedding", "gradcheck"): "padding_idx and scale_grad_by_freq change the gradient alone",
    ("nn.functional.embedding", "forward mode"): "padding_idx and scale_grad_by_freq change the gradient alone",
    ("nn.functional.batch_norm", "pure"): "training=True updates the running statistics",
    ("nn.functional.batch_norm", "strides"): "training=True updates the running statistics, which may not overlap",
    ("nn.functional.instance_norm", "pure"): "training=True updates the running statistics",
    ("nn.functional.instance_norm", "strides"): "training=True updates the running statistics, which may not overlap",
}


def apply(law: str, entry: Entry, fn: Fn, call: Call) -> None:
    """Put one call to a law. NotApplicable also where the operation does not take complex numbers in this sample."""
    reason = BY_DESIGN.get((entry.name, law))
    if reason is not None:
        raise NotApplicable(reason)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if call.kind == "complex128":
            if not any(a.dtype.kind == "c" for a in call.arrays):
                raise NotApplicable("the sample fixes its dtypes")
            try:
                call.run(fn, made(call.arrays, recorded(entry, call)))
            except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
                raise NotApplicable(f"refuses complex numbers: {error}") from None
        LAWS[law](entry, fn, call)


#: name -> law
LAWS: dict[str, Callable[[Entry, Fn, Call], None]] = {
    "gradcheck": gradcheck,
    "gradgradcheck": gradgradcheck,
    "forward mode": forward_mode,
    "forward over reverse": forward_over_reverse,
    "vmap": vmap,
    "batched gradient": batched_gradient,
    "pure": pure,
    "strides": strides,
    "out": out_form,
    "in-place": inplace_form,
}
