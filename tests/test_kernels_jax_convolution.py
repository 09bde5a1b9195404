"""Convolutions on JAX arrays, in each of the ways that the kernels choose from, against the NumPy kernels."""
from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from wengert.kernels import jax as kernels  # noqa: E402
from wengert.kernels import numpy as ours  # noqa: E402
from wengert.kernels import pooling  # noqa: E402

ways = importlib.import_module("wengert.kernels.jax.convolution")


pytestmark = pytest.mark.usefixtures("wide_types")


WAYS = [(1, 3, 1), (3, 4, 1), (6, 4, 2), (4, 8, 4), (4, 4, 4), (12, 5, 1), (36, 4, 2)]


@pytest.mark.parametrize("channels, outputs, groups", WAYS)
@pytest.mark.parametrize("stride, padding, dilation", [(1, 3, 1), (2, 1, 1), (3, 0, 2)])
def test_convolutions(channels: int, outputs: int, groups: int, stride: int, padding: int, dilation: int) -> None:
    given: Any = {"stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1), "groups": groups}
    check((4, channels, 9, 8), (outputs, channels // groups, 3, 2), given)


@pytest.mark.parametrize("channels, outputs, groups", WAYS)
@pytest.mark.parametrize("stride, padding", [(1, 0), (2, 1)])
def test_kernels_of_one_element(channels: int, outputs: int, groups: int, stride: int, padding: int) -> None:
    given: Any = {"stride": (stride, 1), "padding": (padding, 0), "dilation": (1, 1), "groups": groups}
    check((2, channels, 5, 4), (outputs, channels // groups, 1, 1), given)


@pytest.mark.parametrize("channels, outputs, groups", WAYS)
def test_one_dimension(channels: int, outputs: int, groups: int) -> None:
    given: Any = {"stride": (1,), "padding": (2,), "dilation": (1,), "groups": groups}
    check((3, channels, 20), (outputs, channels // groups, 3), given)


@pytest.mark.parametrize("at_once", [1, 1000])
def test_columns_are_made_by_chunks_of_samples(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "AT_ONCE", at_once)
    monkeypatch.setattr(ways, "AT_ONCE_WEIGHT", at_once)
    given: Any = {"stride": (1, 1), "padding": (1, 0), "dilation": (1, 1), "groups": 1}
    check((6, 2, 9, 8), (4, 2, 3, 2), given)


def test_what_is_computed_once_stays_apart() -> None:
    """XLA keeps the call: else it fuses the sum of the taps into each use of it."""

    def both(g: Any, w: Any) -> Any:
        y = kernels.conv_input_back(g, w, size=(9, 8), stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1)
        return y + 1, y.sum(0)

    g, w = np.zeros((2, 3, 7, 7), np.float32), np.zeros((3, 2, 3, 2), np.float32)
    assert " call(" in jax.jit(both).lower(g, w).compile().as_text()


def check(x_shape: tuple[int, ...], w_shape: tuple[int, ...], given: Any) -> None:
    """The three maps against NumPy's."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=x_shape), rng.normal(size=w_shape)
    size, kernel = x_shape[2:], w_shape[2:]
    y = ours.conv_forward(x, w, **given)
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(jax.jit(lambda x, w: kernels.conv_forward(x, w, **given))(x, w), y, **close)
    g = rng.normal(size=y.shape)
    got = jax.jit(lambda g, w: kernels.conv_input_back(g, w, size=size, **given))(g, w)
    np.testing.assert_allclose(got, ours.conv_input_back(g, w, size=size, **given), **close)
    got = jax.jit(lambda x, g: kernels.conv_weight_back(x, g, kernel=kernel, **given))(x, g)
    np.testing.assert_allclose(got, ours.conv_weight_back(x, g, kernel=kernel, **given), **close)


@pytest.mark.parametrize("kernel, stride, padding, dilation, ceil_mode", [
    ((2, 2), (2, 2), (0, 0), (1, 1), False), ((3, 2), (3, 2), (1, 1), (1, 1), False), ((2, 2), (3, 4), (1, 0), (1, 1), True),
    ((2, 2), (3, 3), (0, 0), (2, 2), False), ((3, 3), (2, 2), (1, 1), (1, 1), True), ((1, 1), (1, 1), (0, 0), (1, 1), False),
])  # fmt: skip
def test_max_pooling(kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> None:
    """Of equal elements the first, of several nan the last; each gradient goes back to where the maximum was."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, size=(2, 3, 10, 11)).astype(np.float32)
    x[0, 0, 2:5, 3:7] = np.nan
    x[1] = -np.inf
    given: Any = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    best, index = pooling.max_pool(x, **given, ceil_mode=ceil_mode)
    got = jax.jit(lambda x: kernels.max_pool_with_indices(x, **given, ceil_mode=ceil_mode))(x)
    np.testing.assert_array_equal(got[0], best)
    np.testing.assert_array_equal(got[1], index)
    assert got[1].dtype == np.int64
    g = rng.normal(size=best.shape)
    g[0, 1, 0, 0] = np.inf
    expected = np.zeros((6, 110))
    np.add.at(expected, (np.arange(6)[:, None], index.reshape(6, -1)), g.reshape(6, -1))
    put = {"shape": x.shape, **given}
    close = {"rtol": 1e-14, "atol": 1e-14}
    np.testing.assert_allclose(pooling.max_pool_put(g, index, **put), expected.reshape(x.shape), **close)
    back = jax.jit(lambda g, i: kernels.max_pool_put(g, i, **put))(g, index)
    np.testing.assert_allclose(back, expected.reshape(x.shape), **close)
