"""Writing through chains of views and indexing on JAX arrays, against the NumPy kernels, which write into memory."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

import wengert as torch  # noqa: E402
from wengert.kernels import jax as kernels  # noqa: E402
from wengert.kernels import numpy as ours  # noqa: E402

pytestmark = pytest.mark.usefixtures("wide_types")


#: views of a (4, 6, 5) tensor
VIEWS: dict[str, Callable[[Any], Any]] = {
    "select": lambda x: x[2],
    "select from the end": lambda x: x.select(-1, -2),
    "slice": lambda x: x[1:3],
    "slice beyond": lambda x: x[2:100, -3:],
    "steps": lambda x: x[::2, 1::3, 1:5:2],
    "empty": lambda x: x[2:1],
    "permute": lambda x: x.permute(2, 0, 1),
    "transpose": lambda x: x.transpose(0, -1),
    "view": lambda x: x.view(8, 15),
    "view of a row": lambda x: x[1].view(10, 3)[4],
    "unsqueeze and squeeze": lambda x: x.unsqueeze(1)[:, :, 2:3].squeeze(2).squeeze(1),
    "t": lambda x: x[0].t(),
    "split": lambda x: x.split([1, 2, 3], 1)[1],
    "unbind": lambda x: x.unbind(2)[3],
    "diagonal": lambda x: x.diagonal(1, 0, 2),
    "alias": lambda x: x.detach() if x.grad_fn is None else x.view_as(x),
    "as_strided": lambda x: x.as_strided((2, 3), (7, 3), 5),
    "windows apart": lambda x: x.unfold(1, 2, 3),
    "many": lambda x: x.permute(1, 2, 0)[1:, ::2].transpose(0, 1)[2].unsqueeze(0)[:, 1:4:2].diagonal(0, 1, 2),
    "one element": lambda x: x[1, 2, 3],
}
COMPLEX: dict[str, Callable[[Any], Any]] = {
    "real": lambda x: x.real[1:, ::2],
    "imag": lambda x: x[2].imag.t(),
    "view_as_real": lambda x: torch.view_as_real(x)[..., 1, :],
    "conjugated slice": lambda x: x[1:, 0],
}


def compare(x: Any, view: Callable[[Any], Any]) -> None:
    base = torch.tensor(x, requires_grad=True) * 1
    v = view(base)
    chain = v._view.chain
    seen = v.detach().numpy()
    rng = np.random.default_rng(1)
    y = rng.normal(size=seen.shape).astype(seen.dtype)
    want = ours.write(x, y, chain=chain)
    got = jax.jit(lambda a, b: kernels.write(a, b, chain=chain))(x, y)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)
    shown = jax.jit(lambda a: kernels.replay(a, chain=chain))(x)
    np.testing.assert_array_equal(shown, ours.replay(x, chain=chain))
    if y.size:
        np.testing.assert_array_equal(kernels.replay(got, chain=chain), y)


@pytest.mark.parametrize("name", VIEWS)
def test_write(name: str) -> None:
    compare(np.random.default_rng(0).normal(size=(4, 6, 5)), VIEWS[name])


@pytest.mark.parametrize("name", COMPLEX)
def test_write_into_complex(name: str) -> None:
    rng = np.random.default_rng(0)
    compare(rng.normal(size=(4, 6, 5)) + 1j * rng.normal(size=(4, 6, 5)), COMPLEX[name])


def test_write_broadcasts_and_casts() -> None:
    base = torch.zeros(3, 4, requires_grad=True) * 1
    chain = base[1:, ::2]._view.chain
    x = np.zeros((3, 4), np.float32)
    got = kernels.write(jnp.asarray(x), jnp.asarray(2.5), chain=chain)
    np.testing.assert_array_equal(got, ours.write(x, np.asarray(2.5), chain=chain))
    assert got.dtype == jnp.float32


def test_simple_steps_enumerate_no_elements() -> None:
    """Slices become updates of slices: no scatter, and no table of numbers, stands in the program."""
    base = torch.zeros(64, 64, requires_grad=True) * 1
    chain = base.t()[3:9].unsqueeze(0)[:, 2]._view.chain
    text = str(jax.make_jaxpr(lambda a, b: kernels.write(a, b, chain=chain))(jnp.zeros((64, 64)), jnp.zeros(64)))
    assert "scatter" not in text and "gather" not in text, text
    assert "dynamic_update_slice" in text


# ---------------------------------------------------------------- what indices may be


def test_masks() -> None:
    rng = np.random.default_rng(0)
    x, mask = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4)) > 0
    count = int(mask.sum())
    for values in (np.asarray(7.0), rng.normal(size=(2,)), rng.normal(size=(1, 2)), rng.normal(size=(count, 2))):
        for accumulate in (False, True):
            given: Any = {"at": (True,), "accumulate": accumulate}
            got = jax.jit(lambda *a, given=given: kernels.index_put1(*a, **given))(x, values, mask)
            np.testing.assert_allclose(got, ours.index_set(x, values, (mask,), **given))
    inner = rng.normal(size=4) > 0
    got = kernels.index_put1(x, np.asarray(1.0), inner, at=(False, True), accumulate=False)
    np.testing.assert_array_equal(got, ours.index_set(x, np.asarray(1.0), (inner,), at=(False, True), accumulate=False))
    with pytest.raises(kernels.DataDependent, match=r"torch\.where"):
        kernels.index1(jnp.asarray(x), jnp.asarray(mask), at=(True,))
    with pytest.raises(kernels.DataDependent, match="nonzero_static"):
        kernels.nonzero(jnp.asarray(x))


@pytest.mark.parametrize("at", [(True,), (False, True), (True, False, True), (True, True), (False, True, True)])
def test_index_tensors(at: tuple[bool, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4, 5))
    sizes = [n for n, here in zip(x.shape, at, strict=False) if here]
    ids = tuple(rng.integers(-n, n, size) for n, size in zip(sizes, ((2, 1), (3,), (3,)), strict=False))
    y = ours.index_get(x, ids, at=at)
    np.testing.assert_array_equal(jax.jit(lambda x, i: kernels.index_get(x, i, at=at))(x, ids), y)
    g = rng.normal(size=y.shape)
    back = ours.index_backward(g, ids, shape=x.shape, at=at)
    np.testing.assert_allclose(kernels.index_backward(g, ids, shape=x.shape, at=at), back.add_to(back.zeros()))
