"""grid_sample as a sparse matrix: points that are nowhere, empty batches, and PyTorch's numbers on larger images."""
from __future__ import annotations

import numpy as np
import pytest

import wengert as W

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", MODES)
def test_points_that_are_nowhere(mode: str, padding: str) -> None:
    """nan, infinities and far points read nothing beyond the image; the other points are as before."""
    x = W.randn(1, 2, 3, 4, requires_grad=True)
    grid = W.zeros(1, 1, 6, 2)
    grid[0, 0, :5, 0] = W.tensor([float("nan"), float("inf"), -float("inf"), 1e30, -1e9])
    grid.requires_grad_()
    y = W.nn.functional.grid_sample(x, grid, mode, padding, align_corners=True)
    y.sum().backward()
    alone = W.nn.functional.grid_sample(x, W.zeros(1, 1, 1, 2), mode, padding, align_corners=True)
    assert W.equal(y[..., 5:], alone)
    assert x.grad.shape == x.shape and grid.grad.shape == grid.shape
    if padding == "zeros":
        assert (y[..., 4] == 0).all()


@pytest.mark.parametrize("shape", [(0, 2, 3, 4), (2, 0, 3, 4)])
def test_empty(shape: tuple[int, ...]) -> None:
    x, grid = W.zeros(shape, requires_grad=True), W.zeros(shape[0], 5, 6, 2, requires_grad=True)
    y = W.nn.functional.grid_sample(x, grid, align_corners=False)
    assert tuple(y.shape) == (*shape[:2], 5, 6)
    y.sum().backward()
    assert x.grad.shape == x.shape and grid.grad.shape == grid.shape


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("mode", "dims"), [*[(m, 2) for m in MODES], ("bilinear", 3), ("nearest", 3)])
def test_as_pytorch(mode: str, dims: int, padding: str, align: bool) -> None:
    torch = pytest.importorskip("torch")
    numbers = np.random.default_rng(3)
    x, g = numbers.standard_normal((2, 3, 7, 6, 5)[: dims + 2]), numbers.uniform(-1.6, 1.6, (2, 4, 3, 5)[: dims + 1] + (dims,))
    found = []
    for t in (W, torch):
        image, grid = (t.from_numpy(a).requires_grad_() for a in (x, g))
        y = t.nn.functional.grid_sample(image, grid, mode, padding, align_corners=align)
        found.append([v.detach().numpy() for v in (y, *t.autograd.grad((y * y).sum(), (image, grid)))])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
