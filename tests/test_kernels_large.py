"""NumPy kernels that take large arrays by pieces, or another way than small ones: against the same in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from wengert.kernels import convolution, depthwise, gelu, normalize, softmax

RNG = np.random.default_rng(0)
CLOSE = {"rtol": 2e-5, "atol": 2e-6}


def floats(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def test_gelu() -> None:
    x = np.concatenate([np.linspace(-12, 12, 150001), [1e10, -1e10, 1e25]]).astype(np.float32)
    wide = x.astype(np.float64)
    cdf = special.ndtr(wide)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(gelu.normal_cdf(x), cdf, rtol=0, atol=1.2e-7)
        np.testing.assert_allclose(gelu.gelu(x), wide * cdf, rtol=2e-7, atol=6e-7)
        slope = cdf + wide * np.exp(-wide * wide / 2) / np.sqrt(2 * np.pi)
        np.testing.assert_allclose(gelu.gelu_slope(x), slope, rtol=0, atol=3e-7)


@pytest.mark.parametrize("shape", [(700, 101), (3, 40000), (2, 5, 7, 1000)])
def test_softmax(shape: tuple[int, ...]) -> None:
    x, g = floats(*shape), floats(*shape)
    x.reshape(-1)[7] = -np.inf
    assert x.size > softmax._PIECE
    wide, slope = x.astype(np.float64), g.astype(np.float64)
    y, logs = special.softmax(wide, -1), special.log_softmax(wide, -1)
    dim = len(shape) - 1
    np.testing.assert_allclose(softmax.softmax(x, dim=dim), y, **CLOSE)
    np.testing.assert_allclose(softmax.log_softmax(x, dim=dim), logs, **CLOSE)
    expected = y * (slope - (y * slope).sum(-1, keepdims=True))
    np.testing.assert_allclose(softmax.softmax_back(g, y.astype(np.float32), dim=dim), expected, **CLOSE)
    expected = slope - y * slope.sum(-1, keepdims=True)
    np.testing.assert_allclose(softmax.log_softmax_back(g, logs.astype(np.float32), dim=dim), expected, rtol=2e-5, atol=2e-5)


def standardized(v: Any, g: Any, dims: Any, scale: Any) -> tuple[Any, Any, Any]:
    """((v - mean) / deviation, 1 / deviation, the gradient of v for scale * g) in double precision."""
    rstd = 1 / np.sqrt(v.var(dims, keepdims=True) + 1e-5)
    normal = (v - v.mean(dims, keepdims=True)) * rstd
    h = np.broadcast_to(g * scale, v.shape)
    gv = rstd * (h - h.mean(dims, keepdims=True) - normal * (h * normal).mean(dims, keepdims=True))
    return normal, rstd, gv


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("rows, n", [(3000, 100), (900, 300), (2, 200000)])
def test_rows(rows: int, n: int, affine: bool) -> None:
    x, g = floats(rows, n) + np.float32(0.5), floats(rows, n)
    w, b = (floats(n), floats(n)) if affine else (None, None)
    assert x.size > normalize._PIECE
    scale = w.astype(np.float64) if w is not None else 1.0
    normal, _, gv = standardized(x.astype(np.float64), g.astype(np.float64), (1,), scale)
    y, mean, rstd = normalize.forward(x, w, b, 1e-5)
    np.testing.assert_allclose(y, normal if w is None else normal * w + b, rtol=2e-5, atol=1e-5)
    got = normalize.backward(g, x, w, mean, rstd, (True, affine, affine))
    np.testing.assert_allclose(got[0], gv, rtol=2e-5, atol=1e-5)
    if affine:
        np.testing.assert_allclose(got[1], (g * normal).sum(0), rtol=2e-5, atol=2e-3)
        np.testing.assert_allclose(got[2], g.sum(0), rtol=2e-5, atol=2e-3)


@pytest.mark.parametrize("shape, groups", [((9, 6, 5000), 3), ((70, 4, 900), 2), ((5, 3, 20000), 3), ((40, 64, 100), 8)])
def test_groups_of_channels(shape: tuple[int, int, int], groups: int) -> None:
    n, c, s = shape
    x, w, b = floats(*shape), floats(c), floats(c)
    v = x.reshape(n, groups, -1)
    assert v.size > normalize._PIECE
    g = floats(*shape)
    scaled = (g * w[:, None].astype(np.float64)).reshape(v.shape)
    normal, rstd, gv = standardized(v.astype(np.float64), scaled, (2,), 1.0)
    y, mean, got = normalize.forward_groups(v, w, b, c, 1e-5)
    expected = normal.reshape(shape) * w[:, None] + b[:, None]
    np.testing.assert_allclose(y.reshape(shape), expected, rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(got, rstd, rtol=1e-5)
    np.testing.assert_allclose(mean, v.mean(2, keepdims=True, dtype=np.float64), atol=1e-6)
    channels = n, groups, c // groups, s
    back = normalize.backward_groups(g.reshape(channels), x.reshape(channels), w, mean, got, (True, True, True))
    np.testing.assert_allclose(back[0].reshape(v.shape), gv, rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(back[1], (g * normal.reshape(shape)).sum((0, 2)), rtol=2e-5, atol=5e-3)
    np.testing.assert_allclose(back[2], g.sum((0, 2), dtype=np.float64), rtol=2e-5, atol=5e-3)


@pytest.mark.parametrize("shape", [(9, 6, 5000), (70, 4, 900), (3, 2, 70000)])
def test_channels_over_samples(shape: tuple[int, int, int]) -> None:
    x, g, w = floats(*shape) + np.float32(2), floats(*shape), floats(shape[1])
    assert x.size > normalize._PIECE
    scale = w.astype(np.float64)[:, None]
    normal, rstd, gv = standardized(x.astype(np.float64), g.astype(np.float64), (0, 2), scale)
    mean = x.mean((0, 2), keepdims=True, dtype=np.float64).astype(np.float32)
    got = normalize.backward_channels(g, x, w, mean, rstd.astype(np.float32), (True, True, True))
    np.testing.assert_allclose(got[0], gv, rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(got[1], (g * normal).sum((0, 2)), rtol=2e-5, atol=5e-3)
    np.testing.assert_allclose(got[2], g.sum((0, 2), dtype=np.float64), rtol=2e-5, atol=5e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize(
    "stride, padding, dilation", [((1, 1), (1, 2), (1, 1)), ((2, 3), (1, 0), (1, 2)), ((3, 3), (0, 0), (1, 1))]
)
def test_depthwise_runs(
    dtype: Any, many: int, stride: Any, padding: Any, dilation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long runs, over one sample and over several, give what short ones do; each map is the transpose of the other."""
    c, size = 3, (17, 19)
    x = RNG.normal(size=(7, c, *size)).astype(dtype)
    w = RNG.normal(size=(c * many, 1, 3, 2)).astype(dtype)
    given: Any = {"stride": stride, "padding": padding, "dilation": dilation, "groups": c}
    assert not depthwise.is_long(x)
    y = convolution.conv_forward(x, w, **given)
    g = RNG.normal(size=y.shape).astype(dtype)
    gx = convolution.conv_input_back(g, w, size=size, **given)
    close = {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-11}
    monkeypatch.setattr(depthwise, "_LONG", 1)
    for cache in (1 << 16, 1000, 1):
        monkeypatch.setattr(depthwise, "_IN_CACHE", cache)
        np.testing.assert_allclose(convolution.conv_forward(x, w, **given), y, **close)
        np.testing.assert_allclose(convolution.conv_input_back(g, w, size=size, **given), gx, **close)
    np.testing.assert_allclose((y * g).sum(), (x * gx).sum(), **close)
