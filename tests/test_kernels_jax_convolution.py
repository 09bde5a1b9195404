"""Convolutions on JAX arrays, in each of the ways that the kernels choose from, against the NumPy kernels."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from wengert.kernels import jax as kernels  # noqa: E402
from wengert.kernels import numpy as ours  # noqa: E402


@pytest.fixture(autouse=True)
def wide() -> Iterator[None]:
    """64-bit types, as compile has them."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("channels, outputs, groups", [(1, 3, 1), (3, 4, 1), (6, 4, 2), (4, 8, 4), (4, 4, 4), (12, 5, 1)])
@pytest.mark.parametrize("stride, padding, dilation", [(1, 3, 1), (2, 1, 1), (3, 0, 2)])
def test_convolutions(channels: int, outputs: int, groups: int, stride: int, padding: int, dilation: int) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, channels, 9, 8)), rng.normal(size=(outputs, channels // groups, 3, 2))
    given: Any = {"stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1), "groups": groups}
    y = ours.conv_forward(x, w, **given)
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(jax.jit(lambda x, w: kernels.conv_forward(x, w, **given))(x, w), y, **close)
    g = rng.normal(size=y.shape)
    got = jax.jit(lambda g, w: kernels.conv_input_back(g, w, size=(9, 8), **given))(g, w)
    np.testing.assert_allclose(got, ours.conv_input_back(g, w, size=(9, 8), **given), **close)
    got = jax.jit(lambda x, g: kernels.conv_weight_back(x, g, kernel=(3, 2), **given))(x, g)
    np.testing.assert_allclose(got, ours.conv_weight_back(x, g, kernel=(3, 2), **given), **close)
