"""vmap of operations whose parts differ from example to example: bags, masks, positions."""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import wengert as W

_NUMBERS = np.random.default_rng(7)


def _mapped(fn: Any, in_dims: tuple[Any, ...], *xs: Any) -> None:
    """vmap gives what a loop gives, for values and gradients, and says nothing of a fallback."""
    n = next(x.shape[0] for x, d in zip(xs, in_dims, strict=True) if d is not None)
    floats = [k for k, x in enumerate(xs) if x.dtype.is_floating_point]

    def slopes(*xs: Any) -> Any:
        def loss(*fs: Any) -> Any:
            given = list(xs)
            for k, f in zip(floats, fs, strict=True):
                given[k] = f
            return (fn(*given) ** 2).sum()

        return W.func.grad(loss, argnums=tuple(range(len(floats))))(*[xs[k] for k in floats])

    for f in (lambda *xs: (fn(*xs),), slopes) if floats else (lambda *xs: (fn(*xs),),):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            together = W.func.vmap(f, in_dims=in_dims)(*xs)
        loop = [f(*[x if d is None else x[i] for x, d in zip(xs, in_dims, strict=True)]) for i in range(n)]
        for got, want in zip(together, zip(*loop, strict=True), strict=True):
            assert W.equal(got, W.stack(list(want))) or W.allclose(got, W.stack(list(want)), atol=1e-12)


@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)], ids=str)
@pytest.mark.parametrize(
    "options",
    [{}, {"mode": "sum"}, {"mode": "max"}, {"padding_idx": 2}, {"mode": "max", "padding_idx": 1},
     {"scale_grad_by_freq": True}],
    ids=str,
)  # fmt: skip
def test_embedding_bags_of_a_batch(options: dict[str, Any], in_dims: tuple[Any, ...]) -> None:
    index = W.from_numpy(_NUMBERS.integers(0, 5, (3, 2, 4) if in_dims[0] == 0 else (2, 4)))
    table = W.from_numpy(_NUMBERS.standard_normal((3, 5, 2) if in_dims[1] == 0 else (5, 2)))
    _mapped(lambda i, t: W.nn.functional.embedding_bag(i, t, **options), in_dims, index, table)


def test_embedding_bags_with_weights_and_offsets_of_a_batch() -> None:
    index = W.from_numpy(_NUMBERS.integers(0, 5, (3, 6)))
    table = W.from_numpy(_NUMBERS.standard_normal((5, 2)))
    scale = W.from_numpy(_NUMBERS.standard_normal((3, 6)))
    offsets = W.tensor([[0, 2, 5], [0, 1, 1], [0, 3, 4]])

    def bag(i: Any, t: Any, s: Any, o: Any) -> Any:
        return W.nn.functional.embedding_bag(i, t, o, mode="sum", per_sample_weights=s)

    _mapped(bag, (0, None, 0, 0), index, table, scale, offsets)
    _mapped(bag, (0, None, 0, None), index, table, scale, offsets[0])


@pytest.mark.parametrize("in_dims", [(0, 0, 0), (None, 0, None), (0, 0, None), (None, 0, 0)], ids=str)
def test_masked_scatter_with_a_mask_per_example(in_dims: tuple[Any, ...]) -> None:
    shapes = ((2, 4), (4,), (9,))
    x, _, source = (
        W.from_numpy(_NUMBERS.standard_normal((3, *s) if d == 0 else s)) for s, d in zip(shapes, in_dims, strict=True)
    )
    mask = W.from_numpy(_NUMBERS.random((3, 4)) < 0.5)
    _mapped(lambda x, m, s: W.masked_scatter(x, m, s), in_dims, x, mask, source)
    with pytest.raises(RuntimeError, match="Number of elements of source < number of ones in mask"):
        W.func.vmap(lambda m: W.masked_scatter(W.zeros(2, 4), m, W.zeros(3)))(W.ones(3, 4, dtype=W.bool))


@pytest.mark.parametrize("size", [0, 2, 9])
@pytest.mark.parametrize("shape", [(3, 2, 3), (3, 4), (3,)], ids=str)
def test_nonzero_static_of_a_batch(shape: tuple[int, ...], size: int) -> None:
    x = W.from_numpy(_NUMBERS.integers(0, 2, shape))
    _mapped(lambda x: W.nonzero_static(x, size=size, fill_value=-3), (0,), x)


@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
def test_running_statistics_of_a_batch(name: str) -> None:
    """One place cannot hold the statistics of all examples; a place for each can."""
    norm = getattr(W.nn.functional, name)
    x = W.from_numpy(_NUMBERS.standard_normal((2, 4, 3, 5)))
    mean, var = W.zeros(3, dtype=W.float64), W.ones(3, dtype=W.float64)
    flag = {"training": True} if name == "batch_norm" else {"use_input_stats": True}
    with pytest.raises(RuntimeError, match="Batch norm got a batched tensor as input while the running_mean"):
        W.func.vmap(lambda x: norm(x, mean, var, **flag))(x)
    means, variances = W.stack([mean, mean]), W.stack([var, var])
    W.func.vmap(lambda x, m, v: norm(x, m, v, **flag))(x, means, variances)
    norm(x[0], mean, var, **flag)
    assert W.allclose(means[0], mean) and W.allclose(variances[0], var)
