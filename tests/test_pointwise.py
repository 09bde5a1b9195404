"""Pointwise operations: special values, ties, dtypes, errors and in-place forms, as PyTorch has them."""
from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import wengert as W

NAN, INF = float("nan"), float("inf")
VALUES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1.5, 2.5, -2.5, INF, -INF, NAN, 100.0, -100.0]
PAIRS = list(itertools.product(VALUES, VALUES))


def array(t: Any) -> np.ndarray:
    """The values of a tensor of either library."""
    return np.asarray(t.detach().resolve_conj().numpy())


def both(call: Any, *data: Any, dtype: str = "float64", grad: bool = True) -> tuple[Any, Any]:
    """`call(L, *tensors)` in both libraries -> ((values, dtype, node, gradients) or error, the same)."""
    torch = pytest.importorskip("torch")
    found = []
    for L in (torch, W):
        kind = getattr(L, dtype)
        xs = [L.tensor(np.asarray(d).tolist(), dtype=kind if np.asarray(d).dtype != bool else L.bool) for d in data]
        wants = grad and (kind.is_floating_point or kind.is_complex)
        for x in xs:
            if wants and x.dtype is kind:
                x.requires_grad_()
        try:
            y = call(L, *xs)
        except (RuntimeError, TypeError, IndexError) as error:
            found.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")
            continue
        node, grads = type(y.grad_fn).__name__, []
        if y.requires_grad:
            total = (y.real if y.dtype.is_complex else y).sum()
            wanted = [x for x in xs if x.requires_grad]
            grads = [None if g is None else array(g) for g in L.autograd.grad(total, wanted, allow_unused=True)]
        found.append((array(y), str(y.dtype), node, grads))
    return found[0], found[1]


def check(call: Any, *data: Any, dtype: str = "float64", grad: bool = True, skip: Any = None, tol: float = 1e-9) -> None:
    """Both libraries agree in value, dtype, node and gradient (but at the flat positions in `skip`)."""
    theirs, ours = both(call, *data, dtype=dtype, grad=grad)
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
        return
    assert ours[1:3] == theirs[1:3]
    np.testing.assert_allclose(ours[0], theirs[0], rtol=tol, atol=tol)
    for a, b in zip(ours[3], theirs[3], strict=True):
        if b is None:
            assert a is None or not np.any(a)
            continue
        keep = np.ones(a.shape, bool)
        if skip is not None:
            keep.flat[skip] = False
        np.testing.assert_allclose(a[keep], b[keep], rtol=tol, atol=tol)


UNARY = """abs acos angle asin asinh atan atanh ceil cos cosh deg2rad exp exp2 expm1 floor frac log log10 log1p log2
nan_to_num neg positive rad2deg reciprocal relu round rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc isfinite
isinf isnan isneginf isposinf isreal logical_not signbit""".split()
BINARY = """add sub mul div maximum minimum fmax fmin atan2 copysign hypot xlogy nextafter pow remainder fmod eq ne lt le
gt ge logical_and logical_or logical_xor""".split()


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_unary_special_values(name: str, dtype: str) -> None:
    check(lambda L, x: getattr(L, name)(x), VALUES, dtype=dtype, tol=1e-9 if dtype == "float64" else 2e-6)


@pytest.mark.parametrize("name", [*UNARY, "sgn", "bitwise_not", "conj_physical"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "complex128"])
def test_unary_dtypes(name: str, dtype: str) -> None:
    check(lambda L, x: getattr(L, name)(x), [0, 1, 1] if dtype != "complex128" else [0.3 + 0.4j, -1 - 2j, 2j + 0.1],
          dtype=dtype, tol=1e-6)  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_binary_special_values(name: str) -> None:
    x, y = zip(*PAIRS, strict=True)
    check(lambda L, x, y: getattr(L, name)(x, y), x, y)


@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2"])
def test_logaddexp_of_infinities(name: str) -> None:
    """Two equal infinities have no slope: nan, as in PyTorch."""
    x, y = zip(*PAIRS, strict=True)
    check(lambda L, x, y: getattr(L, name)(x, y), x, y)
    t = W.tensor([INF, -INF], requires_grad=True)
    getattr(W, name)(t, W.tensor([INF, -INF])).sum().backward()
    assert all(math.isnan(v) for v in t.grad.tolist())


@pytest.mark.parametrize("bounds", [(0, 1), (None, 1), (-1, None), (2, -1), (-0.5, 0.5), (None, None)])
def test_clamp(bounds: Any) -> None:
    check(lambda L, x: L.clamp(x, *bounds), VALUES)
    check(lambda L, x: x.mul(1).clamp_(*bounds), VALUES)
    check(lambda L, x: L.clamp(x, *bounds), [1, 2, 3], dtype="int64")


def test_clamp_between_tensors() -> None:
    x, y = zip(*PAIRS, strict=True)
    z = np.roll(np.array(x), 5)
    check(lambda L, x, y, z: L.clamp(x, y, z), x, y, z)
    check(lambda L, x, y: L.clamp(x, min=y), x, y)
    check(lambda L, x, y: L.clamp_max(x, y), x, y)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 0.5, -0.5, -1, -2, 1.5, 1 + 1j])
def test_powers(exponent: Any) -> None:
    check(lambda L, x: x**exponent, VALUES[:11])
    check(lambda L, x: exponent**x, VALUES[:11])
    check(lambda L, x: x**exponent, [1 + 1j, -2j, 0.5], dtype="complex128")
    check(lambda L, x: x**exponent, [3, -2, 1], dtype="int64", tol=1e-6)


def test_integer_division() -> None:
    x, y = [7, -7, 7, -7, 0], [2, 2, -2, -2, 3]
    for name in ("floor_divide", "remainder", "fmod", "gcd", "lcm", "bitwise_and", "bitwise_left_shift", "pow"):
        check(lambda L, x, y, name=name: getattr(L, name)(x, y), x, y, dtype="int64")
        check(lambda L, x, name=name: getattr(L, name)(x, L.zeros_like(x)), x, dtype="int64")
    for mode in ("trunc", "floor", "no"):
        check(lambda L, x, y, mode=mode: L.div(x, y, rounding_mode=mode), x, y, dtype="int64")
        check(lambda L, x, y, mode=mode: L.div(x, y, rounding_mode=mode), [7.5, -7.5], [2.0, 2.0])


@pytest.mark.parametrize("name", ["eq", "lt", "ge", "add", "mul", "div", "remainder", "pow"])
@pytest.mark.parametrize("other", [2, 2.5, True, 1j])
@pytest.mark.parametrize("dtype", ["bool", "int64", "float32", "complex64"])
def test_numbers(name: str, other: Any, dtype: str) -> None:
    check(lambda L, x: getattr(L, name)(x, other), [1, 0, 1], dtype=dtype, tol=1e-6)


def test_operators_keep_identity_hash() -> None:
    x, y = W.tensor([1.0, 2.0]), W.tensor([1.0, 3.0])
    assert (x == y).tolist() == [True, False]
    assert len({x, y, x}) == 2
    assert (x == None) is False  # noqa: E711
    with pytest.raises(TypeError, match="not supported between instances of 'Tensor' and 'str'"):
        x < "a"  # noqa: B015


def test_where_is_clean_on_the_branch_not_taken() -> None:
    x = W.tensor([4.0, 0.0, -1.0], requires_grad=True)
    W.where(x > 0, x.detach().clamp(min=1).sqrt() * x, 0.0).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 0.0]
    check(lambda L, x: L.where(x > 0, x.exp(), 0.0), VALUES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masks_on_bits(dtype: str) -> None:
    """Large arrays take the way without branches: the same result, also for nan, infinities and signed zeros."""
    from wengert.kernels.pointwise import where

    rng = np.random.default_rng(0)
    x = rng.choice(np.array(VALUES, dtype), 5000)
    y = rng.choice(np.array(VALUES, dtype), 5000)
    c = rng.random(5000) > 0.5
    for a, b in ((x, y), (x, 0), (0, y)):
        np.testing.assert_array_equal(where(c, a, b), np.where(c, a, b).astype(dtype))
    grid = x.reshape(50, 100)
    np.testing.assert_array_equal(where(c.reshape(50, 100), grid.T.copy().T, 0), np.where(c.reshape(50, 100), grid, 0))


INPLACE = """abs acosh asinh atanh ceil cos exp floor log neg reciprocal relu round rsqrt sigmoid sign sin sqrt square
tanh trunc zero""".split()


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_unary(name: str) -> None:
    start = np.array([1.2, 2.5]) if name == "acosh" else np.array([0.3, 0.6])
    x = W.tensor(start, requires_grad=True)
    y = x * 1
    assert getattr(y, name + "_")() is y and y._version == 1
    y.sum().backward()
    again = W.tensor(start, requires_grad=True)
    out = getattr(again, name)() if name != "zero" else again * 0
    out.sum().backward()
    assert y.tolist() == out.tolist() and x.grad.tolist() == again.grad.tolist()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        getattr(x, name + "_")()
    plain = W.tensor(start)
    getattr(plain, name + "_")()
    assert plain.tolist() == out.tolist() and plain._version == 1


def test_fill_and_copy() -> None:
    value = W.tensor(2.0, requires_grad=True)
    y = W.ones(3, requires_grad=True) * 1
    y.fill_(value).sum().backward()
    assert value.grad.item() == 3.0
    source = W.tensor([1.0, 2.0], requires_grad=True)
    y = W.zeros(3, 2, dtype=W.float64)
    y.copy_(source)
    assert type(y.grad_fn).__name__ == "CopyBackwards"
    y.sum().backward()
    assert source.grad.tolist() == [3.0, 3.0] and source.grad.dtype is W.float32
    for bad in (300, NAN, 1e30):
        with pytest.raises(RuntimeError, match="cannot be converted to type uint8_t without overflow"):
            W.zeros(2, dtype=W.uint8).fill_(bad)
    check(lambda L, x: L.ones(2, 3).copy_(L.ones(4)), [1.0])
    check(lambda L, x: L.ones(1, 3).copy_(L.ones(2, 3)), [1.0])


def test_complex_family() -> None:
    z = [3 + 4j, -1 - 2j, 0j, 1j]
    for name in ("abs", "angle", "sgn", "real", "imag", "conj"):
        check(lambda L, x, name=name: getattr(L, name)(x) * 1, z, dtype="complex128")
    x = W.tensor([1 + 2j, 3 + 4j])
    x.real.zero_()
    assert x.tolist() == [2j, 4j]  # real is a view
    r = W.tensor([1.0])
    assert W.conj(r) is r and W.real(r) is r
    with pytest.raises(RuntimeError, match="imag is not implemented for tensors with non-complex dtypes"):
        r.imag  # noqa: B018


def test_second_derivatives_exist_where_pytorch_has_them() -> None:
    x = W.tensor([-1.0, 2.0], requires_grad=True)
    (g,) = W.autograd.grad(x.relu().sum(), x, create_graph=True)
    g.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_mixed_dtypes_give_gradients_of_the_input() -> None:
    x = W.tensor([1.0, 2.0], requires_grad=True)
    (x * W.tensor([3, 4])).sum().backward()
    assert x.grad.dtype is W.float32
    x = W.tensor([1.0, 2.0], dtype=W.bfloat16, requires_grad=True)
    x.exp2().sum().backward()
    assert x.grad.dtype is W.bfloat16
