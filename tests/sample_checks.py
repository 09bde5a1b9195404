"""Checks of operations from their samples: against PyTorch, against finite differences, forward against reverse.

Each check takes every sample of torch.<name>. A function of the results (`post`) may be given where they are free
up to a sign or phase, and one of the inputs (`pre`) where only part of them is read (Hermitian, triangular matrices).
"""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert
from wengert import func
from wengert.core.samples import SAMPLES, Case, T
from wengert.core.tensor import Tensor


def find(module: Any, name: str) -> Any:
    """torch.<name>"""
    for part in name.split("."):
        module = getattr(module, part)
    return module


def array(t: T, rng: np.random.Generator, is_complex: bool, dtype: str) -> Any:
    """The values of one sample tensor."""
    if t.dtype is not None:
        if t.dtype == "bool":
            return rng.integers(0, 2, t.shape).astype(bool)
        low, high = (0 if t.low is None else t.low), (5 if t.high is None else t.high)
        return rng.integers(int(low), int(high), t.shape).astype(t.dtype)

    def real() -> Any:
        if t.low is None and t.high is None:
            return rng.uniform(0.25, 2, t.shape) * rng.choice([-1, 1], t.shape)
        return rng.uniform(-2 if t.low is None else t.low, 2 if t.high is None else t.high, t.shape)

    x = np.asarray(real())
    if is_complex:
        x = x + 1j * np.asarray(real())
    n = t.shape[-1] if t.shape else 0
    if t.kind == "posdef":
        x = x @ x.conj().swapaxes(-1, -2) + np.eye(n)
    elif t.kind == "hermitian":
        x = x + x.conj().swapaxes(-1, -2)
    elif t.kind == "triangular":
        x = np.triu(x) + np.tril(x) * 0.7 + 2 * np.eye(n)
    elif t.kind == "factor":  # of Cholesky: the diagonal is real
        x = np.tril(x, -1) + 0.7 * np.eye(n) + np.eye(n) * np.abs(x)
    kind = np.dtype(dtype)
    return np.asarray(x).astype(np.result_type(kind, np.complex64) if is_complex else kind)


class Call:
    """One sample as a function of its differentiable arrays."""

    def __init__(self, name: str, case: Case, seed: int, is_complex: bool = False, dtype: str = "float64",
                 post: Any = None, pre: Any = None) -> None:  # fmt: skip
        self.name, self.case, self.post, self.pre = name, case, post, pre
        rng = np.random.default_rng(seed)
        self.arrays: list[Any] = []
        self.grads: list[bool] = []

        def collect(value: Any) -> Any:
            if isinstance(value, T):
                self.arrays.append(array(value, rng, is_complex and (value.grad or value.kind is not None), dtype))
                self.grads.append(value.grad and value.dtype is None)
                return Slot(len(self.arrays) - 1)
            if isinstance(value, (list, tuple)):
                return type(value)([collect(v) for v in value])
            return value

        self.args = [collect(a) for a in case.args]
        self.kwargs = {k: collect(v) for k, v in case.kwargs.items()}
        self.active = [i for i, g in enumerate(self.grads) if g]

    def run(self, module: Any, tensors: list[Any]) -> tuple[Any, ...]:
        """The (floating point) results for these tensors, as a tuple."""
        if self.pre is not None:
            tensors = self.pre(module, tensors)

        def fill(value: Any) -> Any:
            if isinstance(value, Slot):
                return tensors[value.i]
            if isinstance(value, (list, tuple)):
                return type(value)([fill(v) for v in value])
            return value

        y = find(module, self.name)(*[fill(a) for a in self.args], **{k: fill(v) for k, v in self.kwargs.items()})
        if self.post is not None:
            y = self.post(module, y)
        return tuple(y) if isinstance(y, (tuple, list)) else (y,)

    def with_active(self, module: Any, active: Any) -> list[Any]:
        it = iter(active)
        return [next(it) if g else module.tensor(a) for a, g in zip(self.arrays, self.grads, strict=True)]

    def values(self, arrays: list[Any]) -> list[Any]:
        """Results on arrays, by wengert."""
        ts = [wengert.tensor(arrays[self.active.index(i)] if i in self.active else a) for i, a in enumerate(self.arrays)]
        return [y.numpy() for y in self.run(wengert, ts)]

    def gradients(self, module: Any, arrays: list[Any], cotangents: list[Any], create: bool = False) -> Any:
        leaves = [module.tensor(a, requires_grad=True) for a in arrays]
        ys = self.run(module, self.with_active(module, leaves))
        picked = [(y, c) for y, c in zip(ys, cotangents, strict=True) if y.requires_grad and y.grad_fn is not None]
        if not picked:
            return leaves, [None] * len(leaves)
        gs = module.autograd.grad(
            [y for y, _ in picked],
            leaves,
            [module.tensor(c) for _, c in picked],
            allow_unused=True,
            create_graph=create,
        )
        return leaves, gs


class Slot:
    """Where a tensor goes."""

    def __init__(self, i: int) -> None:
        self.i = i


def inner(a: Any, b: Any) -> float:
    return float(np.real(np.vdot(a, b)))


def random_like(rng: np.random.Generator, a: Any) -> Any:
    x = rng.normal(size=a.shape)
    if a.dtype.kind == "c":
        x = x + 1j * rng.normal(size=a.shape)
    return np.asarray(x).astype(a.dtype)


def calls(name: str, is_complex: bool, **more: Any) -> list[Call]:
    return [Call(name, case, 7 + i, is_complex, **more) for i, case in enumerate(SAMPLES[name].cases)]


def against_torch(name: str, is_complex: bool, dtype: str = "float64", tol: float = 1e-8, gradients: bool = True,
                  post: Any = None, pre: Any = None) -> None:  # fmt: skip
    """Values, dtypes and gradients are PyTorch's."""
    import torch

    for call in calls(name, is_complex, dtype=dtype, post=post, pre=pre):
        ours = call.run(wengert, [wengert.tensor(a) for a in call.arrays])
        theirs = call.run(torch, [torch.tensor(a) for a in call.arrays])
        assert len(ours) == len(theirs), call.case
        for y, z in zip(ours, theirs, strict=True):
            assert str(y.dtype) == str(z.dtype), (call.case, y.dtype, z.dtype)
            assert tuple(y.shape) == tuple(z.shape), (call.case, y.shape, z.shape)
            np.testing.assert_allclose(y.numpy(), z.resolve_conj().numpy(), tol, tol, err_msg=repr(call.case))
        if not gradients or not call.active:
            continue
        rng = np.random.default_rng(3)
        cotangents = [random_like(rng, y.numpy()) if y.numpy().dtype.kind in "fc" else None for y in ours]
        cotangents = [c if c is not None else np.zeros(()) for c in cotangents]
        arrays = [call.arrays[i] for i in call.active]
        _, gs = call.gradients(wengert, arrays, cotangents)
        _, hs = call.gradients(torch, arrays, cotangents)
        for g, h in zip(gs, hs, strict=True):
            assert (g is None) == (h is None), (call.case, g, h)
            if g is not None:
                np.testing.assert_allclose(g.numpy(), h.resolve_conj().numpy(), tol * 100, tol * 100, err_msg=repr(call.case))


def derivatives(name: str, is_complex: bool, post: Any = None, pre: Any = None, second: bool = True, tol: float = 1e-5,
                forward: bool = True, step: float = 1e-6) -> None:  # fmt: skip
    """Reverse against finite differences; forward against reverse; the second order both ways."""
    for call in calls(name, is_complex, post=post, pre=pre):
        if not call.active:
            continue
        rng = np.random.default_rng(5)
        arrays = [call.arrays[i] for i in call.active]
        ts = [random_like(rng, a) for a in arrays]
        ys = call.values(arrays)
        cs = [random_like(rng, y) if y.dtype.kind in "fc" else None for y in ys]
        up = call.values([a + step * t for a, t in zip(arrays, ts, strict=True)])
        down = call.values([a - step * t for a, t in zip(arrays, ts, strict=True)])
        numeric = sum(inner(c, (u - d) / (2 * step)) for c, u, d in zip(cs, up, down, strict=True) if c is not None)
        full = [c if c is not None else np.zeros(()) for c in cs]
        _, gs = call.gradients(wengert, arrays, full)
        analytic = sum(inner(g.numpy(), t) for g, t in zip(gs, ts, strict=True) if g is not None)
        assert abs(numeric - analytic) <= tol * (1 + abs(numeric)), (call.case, "vjp", numeric, analytic)
        if forward:
            _, dys = func.jvp(
                lambda *xs, call=call: call.run(wengert, call.with_active(wengert, xs)),
                tuple(wengert.tensor(a) for a in arrays), tuple(wengert.tensor(t) for t in ts),
            )  # fmt: skip
            pushed = sum(inner(c, dy.numpy()) for c, dy in zip(cs, dys, strict=True) if c is not None)
            assert abs(pushed - analytic) <= 1e-8 * (1 + abs(analytic)), (call.case, "jvp", pushed, analytic)
        if not second:
            continue
        ws = [random_like(rng, a) for a in arrays]

        def slope(xs: list[Any], call: Call = call, full: Any = full, ws: Any = ws) -> float:
            _, gs = call.gradients(wengert, xs, full)
            return sum(inner(w, g.numpy()) for w, g in zip(ws, gs, strict=True) if g is not None)

        up2 = slope([a + step * t for a, t in zip(arrays, ts, strict=True)])
        down2 = slope([a - step * t for a, t in zip(arrays, ts, strict=True)])
        numeric2 = (up2 - down2) / (2 * step)
        leaves, gs = call.gradients(wengert, arrays, full, create=True)
        live = [(g, w) for g, w in zip(gs, ws, strict=True) if g is not None and g.requires_grad]
        analytic2 = 0.0
        if live:
            hs = wengert.autograd.grad([g for g, _ in live], leaves, [wengert.tensor(w) for _, w in live], allow_unused=True)
            analytic2 = sum(inner(h.numpy(), t) for h, t in zip(hs, ts, strict=True) if h is not None)
        assert abs(numeric2 - analytic2) <= 30 * tol * (1 + abs(numeric2)), (call.case, "second", numeric2, analytic2)
        if forward:

            def reverse(*xs: Any, call: Call = call, full: Any = full) -> Any:
                places = [i for i, y in enumerate(call.run(wengert, call.with_active(wengert, xs))) if y.dtype.category >= 2]

                def fields(*ls: Any) -> Any:  # vjp refuses integers among the results
                    ys = call.run(wengert, call.with_active(wengert, ls))
                    return tuple(ys[i] for i in places)

                ys, pull = func.vjp(fields, *xs)
                return pull(tuple(
                    wengert.tensor(full[i]) if full[i].shape == tuple(y.shape) else wengert.zeros_like(y)
                    for i, y in zip(places, ys, strict=True)
                ))  # fmt: skip

            _, dgs = func.jvp(reverse, tuple(wengert.tensor(a) for a in arrays), tuple(wengert.tensor(t) for t in ts))
            pushed2 = sum(inner(w, dg.numpy()) for w, dg in zip(ws, dgs, strict=True))
            assert abs(pushed2 - numeric2) <= 30 * tol * (1 + abs(numeric2)), (
                call.case,
                "forward over reverse",
                pushed2,
            )


def batched(name: str, post: Any = None, pre: Any = None, tol: float = 1e-9) -> None:
    """vmap is a loop."""
    for call in calls(name, False, post=post, pre=pre):
        if not call.active:
            continue
        rng = np.random.default_rng(9)
        arrays = [call.arrays[i] for i in call.active]
        stacks = [np.stack([a * (1 + 0.05 * k * rng.uniform(size=a.shape)) for k in range(3)]) for a in arrays]

        def run(*xs: Tensor, call: Call = call) -> Any:
            ys = call.run(wengert, call.with_active(wengert, xs))
            return tuple(y for y in ys if not (y.ndim == 1 and y.shape[0] == 0))

        together = func.vmap(run)(*[wengert.tensor(s) for s in stacks])
        for k in range(3):
            alone = run(*[wengert.tensor(s[k]) for s in stacks])
            for y, z in zip(together, alone, strict=True):
                np.testing.assert_allclose(y.numpy()[k], z.numpy(), tol, tol, err_msg=repr(call.case))
        if len(stacks) > 1:  # only the first is mapped
            first = func.vmap(run, in_dims=(0, *(None,) * (len(stacks) - 1)))(
                *[wengert.tensor(s if i == 0 else s[0]) for i, s in enumerate(stacks)]
            )
            alone = run(*[wengert.tensor(s[1 if i == 0 else 0]) for i, s in enumerate(stacks)])
            for y, z in zip(first, alone, strict=True):
                np.testing.assert_allclose(y.numpy()[1], z.numpy(), tol, tol, err_msg=repr(call.case))
