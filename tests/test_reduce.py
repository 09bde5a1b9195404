"""Reductions, scans, sorting, ranks and counting: ties, nan, empty and 0-d tensors, named tuples, all orders."""
from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import wengert as W

NAN, INF = float("nan"), float("inf")
ROWS = [[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0], [NAN, 1.0, NAN, 2.0], [5.0, 4.0, -3.0, 2.0], [0.0, 2.0, 0.0, 3.0]]
PLAIN = [ROWS[0], ROWS[3], [0.5, -1.5, 2.5, 0.25]]


def array(t: Any) -> np.ndarray:
    return np.asarray(t.detach().numpy())


def run(L: Any, call: Any, data: Any, dtype: str) -> Any:
    """(values, dtypes, shapes, node names, gradient) of `call(L, x)`, or the error."""
    x = L.tensor(np.asarray(data).tolist(), dtype=getattr(L, dtype)).reshape(np.asarray(data).shape)
    if x.dtype.is_floating_point or x.dtype.is_complex:
        x.requires_grad_()
    try:
        y = call(L, x)
    except (RuntimeError, TypeError, IndexError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    ys = list(y) if isinstance(y, tuple) else [y]
    live = [t for t in ys if t.requires_grad]
    grad = None
    if live:
        weight = [L.arange(1.0, t.numel() + 1).reshape(t.shape).to(t.dtype) for t in live]
        total = sum(((t * w).real if t.dtype.is_complex else t * w).sum() for t, w in zip(live, weight, strict=True))
        grad = array(L.autograd.grad(total, x)[0])
    return [array(t) for t in ys], [str(t.dtype) for t in ys], [type(t.grad_fn).__name__ for t in ys], grad


def check(call: Any, data: Any, dtype: str = "float64", tol: float = 1e-9) -> None:
    torch = pytest.importorskip("torch")
    theirs, ours = run(torch, call, data, dtype), run(W, call, data, dtype)
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
        return
    assert ours[1:3] == theirs[1:3]
    for a, b in zip([*ours[0], ours[3]], [*theirs[0], theirs[3]], strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


OVER_DIM = """sum mean nansum nanmean prod amax amin max min argmax argmin all any median nanmedian softmax log_softmax
logsumexp cumsum cumprod cummax cummin logcumsumexp sort argsort std var norm count_nonzero diff std_mean var_mean
aminmax""".split()
OVER_ALL = """sum mean nansum prod amax amin max min argmax argmin all any median nanmedian std var norm
count_nonzero aminmax""".split()
KEEPING = "sum mean prod amax max median logsumexp std var all argmax norm nansum any kthvalue mode".split()


pytestmark = pytest.mark.filterwarnings("ignore:.*degrees of freedom:UserWarning", "ignore::RuntimeWarning")


@pytest.mark.parametrize("name", OVER_DIM)
def test_over_a_dimension(name: str) -> None:
    check(lambda L, x: getattr(L, name)(x, dim=1), ROWS)
    check(lambda L, x: getattr(L, name)(x.t(), dim=-2), ROWS)
    check(lambda L, x: getattr(L, name)(x, dim=0), np.zeros((2, 0)))
    check(lambda L, x: getattr(L, name)(x, dim=0), np.zeros((0, 2)))
    check(lambda L, x: getattr(L, name)(x, dim=5), ROWS)
    check(lambda L, x: getattr(L, name)(x, dim=0), PLAIN, "float32", 1e-5)


@pytest.mark.parametrize("name", OVER_ALL)
def test_over_everything(name: str) -> None:
    for row in ROWS:
        check(lambda L, x: getattr(L, name)(x), row)
    check(lambda L, x: getattr(L, name)(x), 2.0)
    check(lambda L, x: getattr(L, name)(x), np.zeros((0,)))
    check(lambda L, x: getattr(L, name)(x), PLAIN)


@pytest.mark.parametrize("name", KEEPING)
@pytest.mark.parametrize("keepdim", [True, False])
def test_keepdim(name: str, keepdim: bool) -> None:
    more = (2,) if name == "kthvalue" else ()
    check(lambda L, x: getattr(L, name)(x, *more, dim=-1, keepdim=keepdim), PLAIN)
    check(lambda L, x: getattr(L, name)(x, *([1] if more else []), dim=-1, keepdim=keepdim), 3.0)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "std", "logsumexp", "norm", "all", "nansum", "count_nonzero"])
def test_several_dimensions(name: str) -> None:
    data = np.arange(24.0).reshape(2, 3, 4) ** 0.5
    for dims in ((0, 2), (2, 0), (-1, 1), (0, 0), [1]):
        check(lambda L, x, dims=dims: getattr(L, name)(x, dim=dims), data)


@pytest.mark.parametrize("name", [*OVER_ALL, "cumsum", "cumprod", "sort", "topk", "logsumexp", "softmax"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "complex128"])
def test_dtypes(name: str, dtype: str) -> None:
    more: Any = {"cumsum": (0,), "cumprod": (0,), "topk": (1,), "logsumexp": (0,), "softmax": (0,)}.get(name, ())
    data = [1, 0, 1] if dtype != "complex128" else [1 + 2j, 0.5 - 1j, 3j]
    check(lambda L, x: getattr(L, name)(x, *more), data, dtype, 1e-6)


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, INF, -INF, -1])
def test_norms(p: float) -> None:
    check(lambda L, x: L.norm(x, p, dim=1), ROWS)
    check(lambda L, x: L.norm(x, p), [0.0, 0.0])
    check(lambda L, x: L.dist(x, x.detach() * 0.5, p), PLAIN)
    check(lambda L, x: L.norm(x, p), [3 + 1j, 2j], "complex128")


def test_products_and_scans_with_zeros_to_any_order() -> None:
    """The derivatives of prod, cumprod and logcumsumexp hold where zeros and infinities stand."""
    torch = pytest.importorskip("torch")
    for name in ("prod", "cumprod", "logcumsumexp"):
        for row in ([2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [1.5, 2.0, -1.0]):
            found = []
            for L in (torch, W):
                x = L.tensor(row, dtype=L.float64, requires_grad=True)
                (g,) = L.autograd.grad((getattr(L, name)(x, 0) * 1.5).sum(), x, create_graph=True)
                (h,) = L.autograd.grad((g * L.tensor([1.0, 2.0, 3.0], dtype=L.float64)).sum(), x, create_graph=True)
                found.append((g.tolist(), h.tolist()))
            np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-12)


def test_second_order_of_logcumsumexp_where_pytorch_has_nan() -> None:
    x = W.tensor([-800.0, 0.0, 800.0], dtype=W.float64, requires_grad=True)
    (g,) = W.autograd.grad(W.logcumsumexp(x, 0).sum(), x, create_graph=True)
    (h,) = W.autograd.grad(g.sum(), x)
    assert g.tolist() == [1.0, 1.0, 1.0] and all(map(math.isfinite, h.tolist()))


@pytest.mark.parametrize("n", [3, 64, 65, 300])
def test_recurrence(n: int) -> None:
    """s[i] = b[i] + a[i] s[i-1]: the loop, the doubling and the definition agree, forwards and backwards."""
    from wengert.core.primitive import ops

    rng = np.random.default_rng(n)
    a, b = rng.uniform(-1.1, 1.1, (2, n)), rng.standard_normal((2, n))
    for reverse in (False, True):
        s = np.zeros((2, n))
        order = range(n - 1, -1, -1) if reverse else range(n)
        last = np.zeros(2)
        for i in order:
            last = s[:, i] = b[:, i] + (a[:, i] * last if i != order[0] else 0)
        got = ops.recur(W.tensor(a), W.tensor(b), dim=1, reverse=reverse)
        np.testing.assert_allclose(got.numpy(), s, rtol=1e-9)


def test_named_tuples() -> None:
    x = W.tensor([[1.0, 3.0], [4.0, 2.0]])
    found = x.max(1)
    assert repr(found) == "torch.return_types.max(\nvalues=tensor([3., 4.]),\nindices=tensor([1, 0]))"
    values, indices = found
    assert values is found.values and indices is found.indices and type(found).__name__ == "max"
    for name, call in (("sort", x.sort()), ("topk", x.topk(1)), ("median", x.median(0)), ("cummax", x.cummax(0)),
                       ("kthvalue", x.kthvalue(1)), ("mode", x.mode())):  # fmt: skip
        assert type(call).__name__ == name and len(call) == 2
    assert type(x.aminmax()).__name__ == "aminmax" and x.aminmax().max.item() == 4.0
    assert pickle.loads(pickle.dumps(type(found)((1, 2)))).values == 1


def test_ties_share_or_pick_as_pytorch_does() -> None:
    for call in (lambda x: x.max(), lambda x: x.amax(), lambda x: x.median(), lambda x: x.aminmax().max):
        x = W.tensor([3.0, 1.0, 3.0, 3.0], requires_grad=True)
        call(x).backward()
        assert x.grad.sum().item() == pytest.approx(1.0)
        assert x.grad.tolist() == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])
    x = W.tensor([3.0, 1.0, 3.0], requires_grad=True)
    x.max(0).values.backward()
    assert x.grad.tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("way", ["linear", "lower", "higher", "midpoint", "nearest", "x"])
def test_quantiles(way: str) -> None:
    for name in ("quantile", "nanquantile"):
        for q in (0.0, 0.3, 1.0, 1.5):
            check(lambda L, x, q=q, name=name: getattr(L, name)(x, q, 1, interpolation=way), ROWS[2:])
        check(lambda L, x, name=name: getattr(L, name)(
            x, L.tensor([0.1, 0.6], dtype=L.float64), 0, True, interpolation=way), PLAIN)  # fmt: skip


def test_searching_and_counting() -> None:
    calls = [
        lambda L, x: L.unique(x, return_inverse=True, return_counts=True),
        lambda L, x: L.unique(x.reshape(3, 2), dim=0, return_counts=True),
        lambda L, x: L.unique_consecutive(x, return_inverse=True, return_counts=True),
        lambda L, x: L.searchsorted(L.tensor([1, 2, 3]), x, right=True),
        lambda L, x: L.searchsorted(L.tensor([[1, 2, 3], [0, 2, 9]]), x.reshape(2, 3)),
        lambda L, x: L.searchsorted(L.tensor([1, 2]), x, side="left", right=True),
        lambda L, x: L.bucketize(x, L.tensor([1, 3]), out_int32=True),
        lambda L, x: L.bincount(x, minlength=5),
        lambda L, x: L.bincount(x, L.ones(6) * 0.5),
        lambda L, x: L.bincount(-x),
        lambda L, x: L.isin(x, L.tensor([1, 3]), invert=True),
        lambda L, x: L.isin(x, 3),
        lambda L, x: L.histc(x.float(), 4),
        lambda L, x: L.histc(x.float(), 4, 3, 1),
        lambda L, x: L.histogram(x.float(), 3, range=(0.0, 3.0), density=True),
        lambda L, x: L.histogram(x.float(), L.tensor([0.0, 1.0, 3.0])),
        lambda L, x: L.topk(x, 9),
        lambda L, x: L.kthvalue(x, 9),
    ]
    for call in calls:
        check(call, [3, 1, 1, 2, 3, 3], "int64", 1e-6)


def test_variance_warns_without_degrees_of_freedom() -> None:
    with pytest.warns(UserWarning, match=r"std\(\): degrees of freedom is <= 0"):
        assert math.isnan(W.ones(1).std().item())
    check(lambda L, x: L.var(x, dim=1, correction=0), PLAIN)
    check(lambda L, x: L.std(x, 1, False, True), PLAIN)
    check(lambda L, x: L.var(x, False), PLAIN)
    check(lambda L, x: L.std(x), [2.0, 2.0, 2.0])


def test_integrals_and_differences() -> None:
    for name in ("trapezoid", "trapz", "cumulative_trapezoid"):
        check(lambda L, x, name=name: getattr(L, name)(x, dim=0), PLAIN)
        check(lambda L, x, name=name: getattr(L, name)(x, L.tensor([0.0, 1.0, 3.0, 4.0], dtype=L.float64)), PLAIN)
        check(lambda L, x, name=name: getattr(L, name)(x, dx=0.5), PLAIN)
    check(lambda L, x: L.diff(x, 2, 0, prepend=x[:1] * 2), PLAIN)
    check(lambda L, x: L.diff(x, -1), PLAIN)


def test_out() -> None:
    out = W.empty(0)
    assert W.sum(W.ones(2, 3), 0, out=out) is out and out.tolist() == [2.0, 2.0, 2.0]
    values, indices = W.empty(0), W.empty(0, dtype=W.int64)
    W.max(W.tensor([[1.0, 5.0]]), 1, out=(values, indices))
    assert values.tolist() == [5.0] and indices.tolist() == [1]
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type Long"):
        W.mean(W.ones(2), dim=0, out=W.zeros((), dtype=W.int64))


def test_straight_lines_record_what_the_general_path_does() -> None:
    x = W.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for y, name in ((x.sum(), "SumBackward0"), (x.sum(1), "SumBackward1"), (x.mean(), "MeanBackward0"),
                    (x.softmax(1), "SoftmaxBackward0"), (x.max(), "MaxBackward1"), (x.var(), "VarBackward0")):  # fmt: skip
        assert type(y.grad_fn).__name__ == name and y.grad_fn.next_functions[0][0].variable is x
    with W.no_grad():
        assert x.sum().grad_fn is None and x.max(0).values.grad_fn is None
    y = x.softmax(0)
    y.detach().mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
