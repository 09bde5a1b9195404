"""Every kernel and every rule that the samples of the op table reach, on NumPy and on JAX: the same shapes, dtypes and numbers.

A sample runs eagerly, forward and backward; each call of a kernel (`dispatch.run_kernel`) and of a node's rules
(`OpNode.propagate`) is run again on JAX arrays and compared. Equal calls (same shapes, dtypes, parameters) are compared
once per process.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import wengert
from op_inputs import vectors
from wengert.check.inputs import Call, function, leaves, prepared
from wengert.core import dispatch
from wengert.core.modes import changed_mode
from wengert.core.primitive import SAVED, OpNode
from wengert.core.samples import SAMPLES, Entry
from wengert.core.tensor import wrap
from wengert.kernels import jax as kernels
from wengert.kernels import numpy as ours

TOLERANCES = {"float64": 1e-12, "complex128": 1e-12, "float32": 1e-5, "complex64": 1e-5, "float16": 2e-3, "bfloat16": 1.6e-2}

#: the compiler need not make fast what runs once
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}

#: names of kernels.numpy that no rule and no primitive calls
HELPERS = frozenset((
    "annotations", "Any", "Array", "ndarray", "np", "Scattered", "owned_copy", "outer_products",
))  # fmt: skip

#: kernels whose result's shape depends on values: they refuse
DATA_DEPENDENT = frozenset((
    "bincount", "indexing with a mask", "masked_select", "nonzero", "unique2", "unique_consecutive",
))  # fmt: skip

#: kernels whose results grow with the condition of a matrix -> how much wider the tolerance is
SENSITIVE = {"linalg_pinv": 1e3}

#: kernels -> the result whose columns are free up to a phase
PHASES = {"linalg_eig": 1, "linalg_eigh": 1}

#: operations that PyTorch refuses for integers: what their kernels make of these is nobody's concern
OF_FLOATS = frozenset((
    "grid_sampler", "multi_margin_loss", "multilabel_margin_loss", "scaled_dot_product_attention", "standardize",
))  # fmt: skip

#: what LAPACK's routines make of nan and infinities depends on the build
FINITE = frozenset((
    "cholesky_inverse", "cholesky_solve", "geqrf", "linalg_cholesky_ex", "linalg_eig", "linalg_eigh", "linalg_eigvals",
    "linalg_eigvalsh", "linalg_householder_product", "linalg_inv_ex", "linalg_lstsq", "linalg_lu", "linalg_lu_factor_ex",
    "linalg_lu_solve", "linalg_matrix_exp", "linalg_pinv", "linalg_qr", "linalg_slogdet", "linalg_det", "linalg_solve_ex",
    "linalg_solve_triangular", "linalg_svd", "linalg_svdvals", "ormqr",
))  # fmt: skip


def kernel_names() -> list[str]:
    """What `wengert.kernels.jax` must offer."""
    found = []
    for name, value in vars(ours).items():
        if name not in HELPERS and not name.startswith("__") and callable(value):
            found.append(name)
    return found


# ---------------------------------------------------------------- one call on both


#: (name, shapes, dtypes, parameters) -> what was wrong, or None
SEEN: dict[Any, str | None] = {}
#: names of kernels that were compared
COMPARED: set[str] = set()


def dense(y: Any) -> Any:
    """Scattered gradients as arrays."""
    if isinstance(y, ours.Scattered):
        return y.add_to(y.zeros())
    return y


def parts(y: Any) -> list[Any]:
    """The results of a kernel or a rule, flat; None stays."""
    if isinstance(y, (tuple, list)):
        return [p for part in y for p in parts(part)]
    return [dense(y)]


def is_array(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, jax.Array))


def told(
    fn: Callable[..., Any], arrays: list[Any], want: list[Any], scale: float = 1.0, phases: int | None = None
) -> str | None:
    """What is wrong with `fn` of `arrays` on JAX, where NumPy gave `want`; in result number `phases` columns may turn."""
    boxes = [jnp.asarray(a) for a in arrays]
    try:
        got = parts(jax.jit(fn, compiler_options=QUICK)(*boxes))
    except kernels.MissingKernel as error:
        return f"missing: {error}"
    except kernels.DataDependent as error:
        return None if error.name in DATA_DEPENDENT else f"DataDependent: {error}"
    except Exception as error:
        first = next((line for line in str(error).split("\n") if line.strip()), "")
        return f"{type(error).__name__}: {first}"
    if len(got) != len(want):
        return f"{len(got)} results, NumPy {len(want)}"
    for k, (a, b) in enumerate(zip(got, want, strict=True)):
        if a is None or b is None:
            if a is not b:
                return f"result {k}: {'None' if a is None else 'an array'}, NumPy {'None' if b is None else 'an array'}"
            continue
        text = differs(*((turned(a), turned(b)) if k == phases else (a, b)), scale)
        if text:
            return f"result {k}: {text}"
    return None


def turned(x: Any) -> Any:
    """Columns with their largest element real and positive."""
    x = np.asarray(x)
    if not x.size:
        return x
    top = np.take_along_axis(x, np.abs(np.round(x, 3)).argmax(-2, keepdims=True), -2)
    return (x * np.conj(top / np.abs(top))).astype(x.dtype)


def differs(a: Any, b: Any, scale: float) -> str | None:
    weak = getattr(a, "weak_type", False)
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return f"shape {a.shape}, NumPy {b.shape}"
    if a.dtype != b.dtype:
        return f"dtype {a.dtype}, NumPy {b.dtype}"
    if weak:
        return f"dtype {a.dtype} is weak: it gives way in promotion"
    if a.size == 0:
        return None
    tol = TOLERANCES.get(a.dtype.name)
    if tol is None:
        same = a == b
    else:
        x, y = (v.astype(np.complex128) for v in (a, b))
        with np.errstate(all="ignore"):
            size = np.max(np.abs(y), where=np.isfinite(y), initial=0.0)
            same = np.ones(x.shape, bool)
            for part in ("real", "imag"):
                p, q = getattr(x, part), getattr(y, part)
                near = np.abs(p - q) <= scale * tol * (1 + np.abs(y, where=np.isfinite(y), out=np.zeros(y.shape)) + size)
                exact = (p == q) | (np.isnan(p) & np.isnan(q))
                same &= np.where(np.isfinite(p) & np.isfinite(q), near, exact)
    if same.all():
        return None
    at = tuple(int(i) for i in np.argwhere(~same)[0])
    return f"{a[at]!r} at {list(at)}, NumPy {b[at]!r} ({int((~same).sum())} of {same.size} differ)"


def key_of(name: str, args: list[Any], params: Any) -> Any:
    kinds = tuple((a.shape, a.dtype.str) if is_array(a) else repr(a) for a in args)
    return name, kinds, repr(params)


# ---------------------------------------------------------------- what a sample reaches


@contextmanager
def watching(complaints: list[str], tag: Any = None) -> Iterator[None]:
    """Compare every kernel call and every rule call, unless its like was compared before under the same `tag`."""
    run, propagate = dispatch.run_kernel, OpNode.propagate

    def note(key: Any, compare: Callable[[], str | None]) -> None:
        key = (*key, tag)
        if key not in SEEN:
            SEEN[key] = compare()
        if SEEN[key]:
            complaints.append(f"{key[0]}{shown(key)}: {SEEN[key]}")

    def run_kernel(prim: Any, datas: list[Any], params: dict[str, Any]) -> Any:
        kept = [d.copy() if isinstance(d, np.ndarray) else d for d in datas]
        y = run(prim, datas, params)
        if prim.name in OF_FLOATS and kept[0].dtype.kind in "biu" or tag is not None and prim.name in FINITE:
            return y
        want = [np.array(p) if p is not None else None for p in parts(y)]

        def compare() -> str | None:
            COMPARED.add(prim.name)
            places = [i for i, d in enumerate(kept) if is_array(d)]

            def fn(*arrays: Any) -> Any:
                filled = list(kept)
                for i, a in zip(places, arrays, strict=True):
                    filled[i] = a
                return getattr(kernels, prim.name)(*filled, **params)

            scale = SENSITIVE.get(prim.name, 1.0)
            return told(fn, [kept[i] for i in places], want, scale, PHASES.get(prim.name))

        note(key_of(prim.name, kept, params), compare)
        return y

    def watched(self: Any, gs: Any, raw: bool, xp: Any) -> Any:
        if not raw or xp is not ours:
            return propagate(self, gs, raw, xp)
        gs = tuple(dense(g) for g in gs) if isinstance(gs, (tuple, list)) else dense(gs)
        env = self.environment(True)
        plan, prim = self.plan, self.prim
        y = propagate(self, gs, raw, xp)
        want = [None if p is None else np.array(p) for p in parts(y)]
        many = isinstance(gs, tuple)
        given = list(gs) if many else [gs]
        names = [n for n, v in env.items() if is_array(v)]
        rest = [v for n, v in env.items() if n not in names]

        def compare() -> str | None:
            used = [g for g in given if g is not None]

            def fn(*arrays: Any) -> Any:
                left = iter(arrays)
                new = [None if g is None else next(left) for g in given]
                return rules_of(self, tuple(new) if many else new[0], {**env, **dict(zip(names, left, strict=True))})

            return told(fn, [*used, *(env[n] for n in names)], want, 10.0)

        label = f"the rule of {prim.name}"
        inputs = plan.joint is not None or tuple(i for i, _, _ in plan.rules)
        wanted = tuple(e is not None for e in self.edge_tuple)
        note(key_of(label, [*given, *(env[n] for n in names)], (rest, inputs, wanted, self.fits)), compare)
        return y

    dispatch.run_kernel, OpNode.propagate = run_kernel, watched  # type: ignore[method-assign]
    try:
        with changed_mode(multithreading=False):  # any unusual mode leaves the straight lines
            yield
    finally:
        dispatch.run_kernel, OpNode.propagate = run, propagate  # type: ignore[method-assign]


def rules_of(node: Any, gs: Any, env: dict[str, Any]) -> Any:
    """`OpNode.propagate` on these values, with the JAX kernels."""
    plan, edges = node.plan, node.edge_tuple
    if plan.joint is not None:
        env["needs"] = tuple(e is not None for e in edges)
        out = list(node.prim.vjp(kernels, gs, *[env[n] for n in plan.joint]))
    else:
        out = [None] * len(edges)
        for i, rule, names in plan.rules:
            out[i] = rule(kernels, gs, *[env[n] for n in names])
    if node.fits is not None:
        for i, fit in enumerate(node.fits):
            if fit is not None and out[i] is not None:
                out[i] = kernels.fit(out[i], fit[0], fit[1])
    return tuple(out)


def shown(key: Any) -> str:
    kinds = ", ".join(f"{k[1][1:]}{list(k[0])}" if isinstance(k, tuple) else k for k in key[1])
    params = key[2] if key[2] != "{}" else ""
    return f"({kinds}) {params}"


def run_sample(entry: Entry, call: Call) -> None:
    """One sample, forward and backward; what the operation refuses is nobody's concern here."""
    differentiable = entry.flags.get("differentiable") is not False
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        wengert.manual_seed(0)
        xs = [wrap(a.copy(order="K")).requires_grad_(bool(g and differentiable))
              for a, g in zip(call.arrays, call.grads, strict=True)]  # fmt: skip
        fn = prepared(entry, function(wengert, entry.name))
        try:
            raw = leaves(call.run(fn, xs), lambda x: isinstance(x, wengert.Tensor))
            outputs = [r for r in raw if isinstance(r, wengert.Tensor) and r.requires_grad]
            leaf = [x for x in xs if x.requires_grad]
            if outputs and leaf:
                wengert.autograd.grad(outputs, leaf, vectors(wengert, outputs), allow_unused=True)
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            pass


#: what is put in every other place of the samples' tensors by `special`
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0)


#: rules that look at the values whether one is not finite, which a program cannot
VALUES_DECIDE = ("the rule of cumprod(",)


def with_special(call: Call, number: int) -> Call:
    """The call with nan, infinities, zeros and ones among its numbers."""
    arrays = []
    for n, a in enumerate(call.arrays):
        if a.dtype.kind == "f" and a.size:
            flat = a.reshape(-1).copy()
            for i in range(flat.size):
                if i % 2 == 0 or flat.size < 8:
                    flat[i] = SPECIAL[(i // 2 * (n + 1) + number + n) % len(SPECIAL)]
            a = flat.reshape(a.shape)
        arrays.append(a)
    return Call(call.case, call.kind, call.args, call.kwargs, arrays, call.grads)


def complaints_of(name: str, kinds: tuple[str, ...], special: bool = False) -> list[str]:
    """All samples of one operation in these dtypes; `special`: with nan, infinities, zeros and ones."""
    from op_inputs import calls

    found: list[str] = []
    entry = SAMPLES[name]
    for kind in kinds:
        if kind[0] == "f" and entry.flags.get("real") is False:
            continue
        if kind[0] == "c" and entry.flags.get("complex") is False:
            continue
        for number, call in enumerate(calls(name, kind)):
            if kind != "float64" and not any(a.dtype == np.dtype(kind) for a in call.arrays):
                continue
            if special:
                call = with_special(call, number)
            with watching(found, (name, number) if special else None):
                run_sample(entry, call)
    if special:
        found = [c for c in found if not c.startswith(VALUES_DECIDE)]
    return list(dict.fromkeys(found))


__all__ = ["COMPARED", "SAVED", "complaints_of", "kernel_names"]
